//! A text that somebody writes: a note, an answer, a reason. What it is for, whom it is for, and what Enter sends. Where the server says
//! what follows, that sentence was on the screen before Enter counts.

use crossterm::event::{KeyCode, KeyEvent};
use deadwax_proto::v1::{self as v1, Role, action::Action as Do};

use super::{CUT, DISCARD, EMPTY, Next, is_ctrl, text, type_text};
use crate::tui::{
    album::{self, View},
    keys::Verb,
    model::{
        Addressee, ApproveAsk, Ask, Decision, Model, Prompt, Purpose, Screen, Sends, Sign, SongView,
        TEXT_CHARS_MAX, WriteAsk, YesOrNo, text_area,
    },
    msg::Effect,
    rows::{PROJECT_KEY, Project},
    update::act::{self, NO_NOTE, NO_VERSION, Subject},
    words,
};

fn song_view(model: &Model) -> Option<&SongView> {
    if let Screen::Song(view) = model.top() { Some(view) } else { None }
}

pub(in crate::tui::update) fn prepare(
    model: &Model,
    verb: Verb,
    subject: &Subject,
) -> Result<Ask, &'static str> {
    let rows = model.projects.get(&subject.project).ok_or(NO_NOTE)?;
    let on = subject.version.as_ref().and_then(|id| rows.version(id));
    let note = subject.note.clone();
    let (purpose, title) = match verb {
        Verb::AddNote | Verb::AddSongNote => {
            let version = on.ok_or(NO_VERSION)?;
            let view = song_view(model).ok_or(NO_VERSION)?;
            let (start_ms, end_ms) = match view.range() {
                _ if verb == Verb::AddSongNote => (None, None),
                Some((start, end)) if end > start => (Some(start), Some(end)),
                _ => (Some(view.cursor_ms), None),
            };
            // The Main speaks for the version; only a note on an alternate names it.
            let file = version.files.get(view.file).filter(|_| view.file > 0 && verb == Verb::AddNote);
            let alternate = file.map_or(String::new(), |it| it.alternate.clone());
            let named = words::version(version);
            let on = if alternate.is_empty() { named } else { format!("{named}, {alternate}") };
            let at = match start_ms {
                None => "as a whole".to_owned(),
                Some(_) => format!("at {}", words::span(start_ms, end_ms)),
            };
            let title = format!("Note on {on}, {at}");
            (Purpose::Note { version: version.version_id.clone(), alternate, start_ms, end_ms }, title)
        }
        Verb::Reply => {
            let parent = note.ok_or(NO_NOTE)?;
            let known = rows.note(&parent);
            // Where its thread stands: a guest who began it may know of no other version.
            let version = match known {
                Some(note) => note.version_id.clone(),
                None => on.ok_or(NO_VERSION)?.version_id.clone(),
            };
            let author = known.map_or("", |it| it.author.as_str());
            let title = format!("Reply to {author}");
            (Purpose::Reply { version, parent }, title)
        }
        Verb::Reopen => (Purpose::Reopen { note: note.ok_or(NO_NOTE)? }, "Why is it not done?".into()),
        Verb::Decline => (Purpose::Decline { note: note.ok_or(NO_NOTE)? }, "Why not do it?".into()),
        Verb::Hold => {
            let roles = act::gate_roles(model, rows, &subject.song);
            (Purpose::Hold { song: subject.song.clone(), roles, role: 0 }, "Why hold the song?".into())
        }
        Verb::ReturnHandoff => back_to_mixing(rows, subject),
        Verb::JointNote | Verb::OrderNote | Verb::CloseJointNote => joint(model, rows, verb, subject)?,
        _ => decision(rows, verb, subject)?,
    };
    let engineers = [Role::Producer, Role::MixEngineer, Role::MasteringEngineer];
    let may_hide = model.my_roles().iter().any(|role| engineers.contains(role));
    let is_note = matches!(purpose, Purpose::Note { .. } | Purpose::Reply { .. });
    Ok(Ask::Write(Box::new(WriteAsk {
        project: subject.project.clone(),
        purpose,
        title,
        consequence: act::consequence(model, subject, verb),
        area: text_area(""),
        internal: (is_note && may_hide).then_some(false),
        addressee: is_note.then(|| others(model, rows)),
        problem: None,
    })))
}

/// Everybody but me, by name.
fn others(model: &Model, rows: &Project) -> Addressee {
    let me = model.me.as_ref().map_or("", |it| it.person_id.as_str());
    let members = rows.members().into_iter().filter(|it| it.person_id != me);
    let mut people: Vec<_> = members.map(|it| (it.person_id.clone(), it.name.clone())).collect();
    people.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
    Addressee { people, at: 0 }
}

const NO_SPACING: &str = "No running order is saved yet: w saves this one, then it can be talked about.";

/// What is said of the spacing is said of the number that is saved.
fn joint(
    model: &Model,
    rows: &Project,
    verb: Verb,
    subject: &Subject,
) -> Result<(Purpose, String), &'static str> {
    let spacing = rows.head().and_then(|it| it.spacing.as_ref()).ok_or(NO_SPACING)?;
    let number = spacing.number;
    let title = |song: &str| {
        let title = rows.song(song).map_or("a song that is not here", |it| it.title.as_str());
        crate::scrub::line(title)
    };
    if verb == Verb::CloseJointNote {
        let notes = album::notes(rows);
        let note = match model.album.view {
            View::Notes => notes.get(model.album.note.min(notes.len().saturating_sub(1))).copied(),
            View::Order | View::Beside => album::open_here(&notes, &subject.song),
        };
        let note = note.ok_or("No note is open here. n writes one; Tab leads to those of other songs.")?;
        if note.closed {
            return Err("This note is closed already. n writes another.");
        }
        let by = crate::scrub::line(&note.by);
        let title = format!("Close the note by {by}: an answer, or nothing");
        return Ok((Purpose::CloseJoint { note: note.note_id.clone() }, title));
    }
    let (song, on) = match verb {
        Verb::JointNote => (Some(subject.song.clone()), format!("before {}", title(&subject.song))),
        _ => (None, "the order as a whole".to_owned()),
    };
    Ok((Purpose::Joint { number, song }, format!("Note on spacing {number}: {on}")))
}

/// A line of the text that begins with the name of a file is said of that file.
fn back_to_mixing(rows: &Project, subject: &Subject) -> (Purpose, String) {
    let handed = rows.song(&subject.song).and_then(|it| rows.version(&it.handoff.as_ref()?.version_id));
    let mut alternates: Vec<String> =
        handed.map_or_else(Vec::new, |it| it.files.iter().map(|file| file.alternate.clone()).collect());
    alternates.dedup();
    (Purpose::Return { song: subject.song.clone(), alternates }, "Why does it go back to mixing?".into())
}

/// What changes the way of the song: each is asked for its reason, and History keeps it.
fn decision(rows: &Project, verb: Verb, subject: &Subject) -> Result<(Purpose, String), &'static str> {
    let song = subject.song.clone();
    let shown = subject.version.as_ref().and_then(|id| rows.version(id));
    Ok(match verb {
        Verb::Override => {
            let stage = rows.song(&song).map_or("", |it| words::stage(it.stage()));
            (
                Purpose::Decide(Decision::Override { song }),
                format!("Override the gate of {}: why?", stage.to_lowercase()),
            )
        }
        Verb::SwapMix => (Purpose::Decide(Decision::Swap { song }), "Why must the mix be another?".into()),
        Verb::Pick => {
            let version = shown.ok_or(NO_VERSION)?;
            let title = format!("Pick {}: why? (the signature comes next)", words::version(version));
            (Purpose::Pick { version: version.version_id.clone() }, title)
        }
        _ => {
            let version = shown.ok_or(NO_VERSION)?;
            let title = format!("Put {} forward again: why?", words::version(version));
            (Purpose::Decide(Decision::Forward { version: version.version_id.clone() }), title)
        }
    })
}

pub(super) fn key(model: &mut Model, mut ask: Box<WriteAsk>, event: KeyEvent, shown: bool) -> Next {
    if event.code == KeyCode::Esc {
        if text(&ask.area).is_empty() || ask.problem == Some(DISCARD) {
            return Next::Close;
        }
        ask.problem = Some(DISCARD);
        return Next::Keep(Ask::Write(ask));
    }
    if is_ctrl(event, 't') {
        ask.internal = ask.internal.map(|it| !it);
        return Next::Keep(Ask::Write(ask));
    }
    if is_ctrl(event, 'e') {
        let text = ask.area.lines().join("\n");
        return Next::Run(Ask::Write(ask), Box::new(Effect::Edit { text, suffix: ".txt" }));
    }
    if matches!(event.code, KeyCode::BackTab | KeyCode::Tab) {
        if let Purpose::Hold { roles, role, .. } = &mut ask.purpose {
            *role = (*role + 1) % roles.len().max(1);
        }
        if let Some(addressee) = &mut ask.addressee {
            addressee.turn(event.code == KeyCode::BackTab);
        }
        return Next::Keep(Ask::Write(ask));
    }
    ask.problem = None;
    if event.code != KeyCode::Enter || !event.modifiers.is_empty() {
        type_text(&mut ask.area, event);
        return Next::Keep(Ask::Write(ask));
    }
    let text = text(&ask.area);
    let may_be_empty = matches!(ask.purpose, Purpose::Pick { .. } | Purpose::CloseJoint { .. });
    let whole_is_missing =
        matches!(&ask.purpose, Purpose::Return { alternates, .. } if parted(&text, alternates).0.is_empty());
    ask.problem = if text.is_empty() && !may_be_empty {
        Some(EMPTY)
    } else if text.chars().count() > TEXT_CHARS_MAX {
        Some("It takes 4,000 characters at most. Nothing is lost: shorten it, or send it in two.")
    } else if act::unsendable(model, verb_of(&ask.purpose)).is_some() {
        Some(CUT)
    } else if whole_is_missing {
        Some("Say in a line of its own why the handoff as a whole goes back.")
    } else {
        None
    };
    // What follows from it must have been read first.
    if ask.problem.is_some() || (!ask.consequence.is_empty() && !shown) {
        return Next::Keep(Ask::Write(ask));
    }
    written(model, *ask, text)
}

/// Words on notes may wait for the line; what decides may not.
fn verb_of(purpose: &Purpose) -> Verb {
    match purpose {
        Purpose::Note { .. } => Verb::AddNote,
        Purpose::Reply { .. } => Verb::Reply,
        Purpose::Reopen { .. } => Verb::Reopen,
        Purpose::Decline { .. } => Verb::Decline,
        Purpose::Hold { .. } => Verb::Hold,
        Purpose::Return { .. } => Verb::ReturnHandoff,
        Purpose::Decide(_) => Verb::Override,
        Purpose::Pick { .. } => Verb::Pick,
        Purpose::Joint { song: Some(_), .. } => Verb::JointNote,
        Purpose::Joint { song: None, .. } => Verb::OrderNote,
        Purpose::CloseJoint { .. } => Verb::CloseJointNote,
    }
}

/// The reason is written; now the exact files are quoted, and nothing signs but a yes.
fn pick(model: &Model, project: String, consequence: String, version: &str, reason: String) -> Next {
    let Some(row) = model.projects.get(&project).and_then(|rows| rows.version(version)) else {
        return Next::Close;
    };
    let askers = [Role::Label, Role::Producer, Role::Artist, Role::Manager];
    let mine = model.my_roles();
    let mut roles: Vec<Role> = askers.into_iter().filter(|role| mine.contains(role)).collect();
    if roles.is_empty() {
        roles.clone_from(&mine);
    }
    if roles.is_empty() {
        return Next::Close;
    }
    let ask = ApproveAsk {
        project,
        version: row.version_id.clone(),
        sign: Sign::Pick { song: row.song_id.clone(), reason },
        fingerprint: row.fingerprint.clone(),
        consequence,
        roles,
        role: 0,
        on_yes: false,
        passphrase: None,
    };
    Next::Ask(Prompt { ask: Ask::Approve(ask), shown: false })
}

/// The reason for the whole, and the lines that name a file: "instrumental: ends early".
pub fn parted(text: &str, alternates: &[String]) -> (String, Vec<v1::ReturnItem>) {
    let mut whole = Vec::new();
    let mut items = Vec::new();
    for line in text.lines() {
        match line.split_once(':').map(|(name, reason)| (name.trim(), reason.trim())) {
            Some((name, reason)) if !reason.is_empty() && alternates.iter().any(|it| it == name) => {
                items.push(v1::ReturnItem { alternate: name.to_owned(), reason: reason.to_owned() });
            }
            _ => whole.push(line),
        }
    }
    (whole.join("\n").trim().to_owned(), items)
}

/// Lines that begin with "[ ]" are items of the note's checklist.
fn checklist(text: &str) -> (String, Vec<String>) {
    let item = |line: &str| line.trim().strip_prefix("[ ]").map(|it| it.trim().to_owned());
    let items: Vec<String> = text.lines().filter_map(item).filter(|it| !it.is_empty()).collect();
    let rest: Vec<&str> = text.lines().filter(|line| item(line).is_none()).collect();
    match rest.join("\n").trim() {
        // A note is more than its list.
        "" => (text.to_owned(), Vec::new()),
        rest => (rest.to_owned(), items),
    }
}

/// What the text is for is done with it: sent, or signed next.
fn written(model: &mut Model, ask: WriteAsk, text: String) -> Next {
    let id = model.new_id();
    let internal = ask.internal.unwrap_or(false);
    let addressee_id = ask.addressee.as_ref().and_then(Addressee::chosen).map_or("", |it| &it.0).to_owned();
    let (verb, about, action, say) = match ask.purpose {
        Purpose::Note { version, alternate, start_ms, end_ms } => {
            let about = format!("version/{version}");
            // Chosen as soon as it arrives.
            if let Screen::Song(view) = model.top_mut() {
                view.note = Some(id.clone());
                view.mark_ms = None;
            }
            let (text, checklist) = checklist(&text);
            let note = v1::AddNote {
                note_id: id,
                version_id: version,
                alternate,
                start_ms,
                end_ms,
                text,
                internal,
                addressee_id,
                checklist,
                ..v1::AddNote::default()
            };
            (Verb::AddNote, about, Do::AddNote(note), "the note")
        }
        Purpose::Reply { version, parent } => {
            let about = format!("note/{parent}");
            let note = v1::AddNote {
                note_id: id,
                version_id: version,
                parent_note_id: parent,
                text,
                internal,
                addressee_id,
                ..v1::AddNote::default()
            };
            (Verb::Reply, about, Do::AddNote(note), "the reply")
        }
        Purpose::Reopen { note } => {
            let action = v1::ReopenNote { note_id: note.clone(), reason: text };
            (Verb::Reopen, format!("note/{note}"), Do::ReopenNote(action), "the note is open again")
        }
        Purpose::Decline { note } => {
            let action = v1::DeclineNote { note_id: note.clone(), reason: text };
            (Verb::Decline, format!("note/{note}"), Do::DeclineNote(action), "the note is declined")
        }
        Purpose::Hold { song, roles, role } => {
            let role = roles.get(role).copied().unwrap_or_default().into();
            let action = v1::Hold { approval_id: id, song_id: song.clone(), role, reason: text };
            (Verb::Hold, format!("song/{song}"), Do::Hold(action), "the hold")
        }
        Purpose::Joint { .. } | Purpose::CloseJoint { .. } => return of_joint(model, ask, id, text),
        Purpose::Return { .. } | Purpose::Decide(_) => return decided(model, ask, text),
        Purpose::Pick { version } => return pick(model, ask.project, ask.consequence, &version, text),
    };
    Next::Send(Box::new(act::pending(model, ask.project, verb, about, action, say.to_owned())))
}

fn of_joint(model: &mut Model, ask: WriteAsk, note_id: String, text: String) -> Next {
    let verb = verb_of(&ask.purpose);
    let (action, say) = match ask.purpose {
        Purpose::Joint { number, song } => {
            let song_id = song.unwrap_or_default();
            let note = v1::AddSpacingNote { note_id, number, song_id, text };
            (Do::AddSpacingNote(note), "the note on the spacing")
        }
        Purpose::CloseJoint { note } => {
            let close = v1::CloseSpacingNote { note_id: note, answer: text };
            (Do::CloseSpacingNote(close), "the note on the spacing is closed")
        }
        _ => return Next::Close,
    };
    let pending = act::pending(model, ask.project, verb, PROJECT_KEY.into(), action, say.to_owned());
    Next::Send(Box::new(pending))
}

/// What changes the way of the song: the reason is written, now what follows is quoted whole, and nothing sends it but a yes. A no leads
/// back to the text.
fn decided(model: &Model, ask: WriteAsk, text: String) -> Next {
    let Some(rows) = model.projects.get(&ask.project) else { return Next::Close };
    let title = |song: &str| rows.song(song).map_or_else(String::new, |it| crate::scrub::line(&it.title));
    let back = Some(Box::new(Ask::Write(Box::new(WriteAsk { problem: None, ..ask.clone() }))));
    let mut lines = vec![ask.consequence];
    let reason = format!("Your reason: {text}");
    let (verb, about, action, question, yes) = match ask.purpose {
        Purpose::Return { song, alternates } => {
            let (reason, items) = parted(&text, &alternates);
            lines.push(format!("Your reason: {reason}"));
            lines.extend(items.iter().map(|it| format!("{}: {}", it.alternate, it.reason)));
            let question = format!("Return {} to mixing?", title(&song));
            let action = v1::ReturnHandoff { song_id: song.clone(), reason, items };
            let about = format!("song/{song}");
            (Verb::ReturnHandoff, about, Do::ReturnHandoff(action), question, "Return it")
        }
        Purpose::Decide(Decision::Override { song }) => {
            let unmet = rows.gate(&song).into_iter().flat_map(|it| &it.lines).filter(|it| !it.met);
            lines.extend(unmet.map(|it| format!("× {}", it.text)));
            lines.push(reason);
            let question = format!("Override the gate of {}?", title(&song));
            // What was looked at: another candidate by the time it arrives is not opened for.
            let version_id = rows.song(&song).map(|it| it.candidate_version_id.clone()).unwrap_or_default();
            let action = v1::OverrideGate { song_id: song.clone(), reason: text, version_id };
            (Verb::Override, format!("song/{song}"), Do::OverrideGate(action), question, "Override")
        }
        Purpose::Decide(Decision::Swap { song }) => {
            lines.push(reason);
            let question = format!("Ask for another mix of {}?", title(&song));
            let action = v1::SwapMix { song_id: song.clone(), reason: text };
            (Verb::SwapMix, format!("song/{song}"), Do::SwapMix(action), question, "Swap")
        }
        Purpose::Decide(Decision::Forward { version }) => {
            lines.push(reason);
            let name = rows.version(&version).map_or_else(|| "the version".into(), words::version);
            let action = v1::PutForward { version_id: version.clone(), reason: text };
            let about = format!("version/{version}");
            (
                Verb::PutForward,
                about,
                Do::PutForward(action),
                format!("Put {name} forward again?"),
                "Put forward",
            )
        }
        _ => return Next::Close,
    };
    let say = question.trim_end_matches('?').to_lowercase();
    let ask = YesOrNo {
        project: ask.project,
        verb,
        about,
        title: question,
        lines,
        yes,
        sends: Sends::Action(action),
        say,
    }
    .asked_from(back);
    Next::Ask(Prompt { ask: Ask::Confirm(Box::new(ask)), shown: false })
}
