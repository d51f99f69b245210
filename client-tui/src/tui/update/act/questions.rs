//! What stands in the question before a command of the project or of a song: what it is about, what follows, what a yes sends. Never here: whether it may be
//! asked.

use deadwax_proto::v1::{self as v1, ApprovalState, ApprovalView, RenderState, Role, action::Action as Do};

use super::{NO_NOTE, NO_VERSION, Subject, consequence};
use crate::{
    receipt::approve::{What, Wish},
    tui::{
        keys::Verb,
        model::{
            ApproveAsk, Ask, ConfirmAsk, FollowAsk, Model, Screen, Sends, Sign, SignedAsk, TickAsk, YesOrNo,
        },
        rows::{self, Project},
        update::board,
        words,
    },
};

pub(super) fn follow(model: &Model, subject: &Subject) -> Result<Ask, &'static str> {
    let rows = model.projects.get(&subject.project).ok_or("The project is not here yet.")?;
    let mut more = board::chosen(model);
    let song = match (subject.whole, more.is_empty()) {
        (true, true) => String::new(),
        (true, false) => more.remove(0),
        (false, _) => {
            more.clear();
            subject.song.clone()
        }
    };
    let now = match rows.song(&song) {
        Some(it) => it.follow(),
        None => rows.head().map_or(v1::FollowLevel::Unspecified, v1::ProjectRow::follow),
    };
    let at = words::FOLLOW.iter().position(|it| *it == now).unwrap_or(0);
    Ok(Ask::Follow(FollowAsk { project: subject.project.clone(), song, more, at }))
}

/// My roles that the gate of the song's stage asks for; all of mine where it asks for none of them: the server will explain.
pub(in crate::tui::update) fn gate_roles(model: &Model, rows: &Project, song_id: &str) -> Vec<Role> {
    let mine: Vec<Role> = model.my_roles().into_iter().filter(|role| *role != Role::Listener).collect();
    let stage = rows.song(song_id).map(v1::SongRow::stage);
    let asked: Vec<Role> = rows
        .head()
        .iter()
        .flat_map(|head| &head.gates)
        .filter(|rule| Some(rule.stage()) == stage)
        .flat_map(|rule| &rule.needs)
        .flat_map(|need| need.any_of())
        .collect();
    let both: Vec<Role> = mine.iter().copied().filter(|role| asked.contains(role)).collect();
    if both.is_empty() { mine } else { both }
}

pub(super) fn approve(model: &Model, subject: &Subject) -> Result<Ask, &'static str> {
    let rows = model.projects.get(&subject.project).ok_or(NO_VERSION)?;
    let version = subject.version.as_ref().and_then(|id| rows.version(id)).ok_or(NO_VERSION)?;
    let roles = gate_roles(model, rows, &subject.song);
    if roles.is_empty() {
        return Err("You hold no role here that could approve.");
    }
    Ok(Ask::Approve(ApproveAsk {
        project: subject.project.clone(),
        version: version.version_id.clone(),
        sign: Sign::Approve,
        fingerprint: version.fingerprint.clone(),
        consequence: consequence(model, subject, Verb::Approve),
        roles,
        role: 0,
        on_yes: false,
        passphrase: None,
    }))
}

pub(super) fn tick(model: &Model, subject: &Subject) -> Result<Ask, &'static str> {
    let note_id = subject.note.clone().ok_or(NO_NOTE)?;
    let rows = model.projects.get(&subject.project).ok_or(NO_NOTE)?;
    let note = rows.note(&note_id).ok_or(NO_NOTE)?;
    if note.checklist.is_empty() {
        return Err("This note has no checklist.");
    }
    let at = note.checklist.iter().position(|item| !item.done).unwrap_or(0);
    Ok(Ask::Tick(TickAsk { project: subject.project.clone(), note: note_id, at }))
}

/// My own approval of this song in that state.
fn mine<'a>(model: &Model, rows: &'a Project, song: &str, state: ApprovalState) -> Option<&'a ApprovalView> {
    let me = &model.me.as_ref()?.person_id;
    rows.gate(song)?.approvals.iter().find(|it| it.state() == state && it.person_id == *me)
}

pub(super) fn confirm(
    model: &mut Model,
    verb: Verb,
    subject: &Subject,
    about: String,
) -> Result<ConfirmAsk, &'static str> {
    match verb {
        Verb::Heard => return heard(model, subject, about),
        Verb::ApproveSpacing => return spacing(model, subject, about),
        _ => {}
    }
    let new_id = model.new_id();
    let then = consequence(model, subject, verb);
    let rows = model.projects.get(&subject.project).ok_or("The project is not here yet.")?;
    let song = rows.song(&subject.song).ok_or("The song is not here yet.")?;
    let song_id = song.song_id.clone();
    let title = crate::scrub::line(&song.title);
    let (action, yes, headline, mut lines) = match verb {
        Verb::MoveNote => move_note(model, rows, subject)?,
        Verb::Withdraw => {
            let it = mine(model, rows, &song_id, ApprovalState::Counts)
                .ok_or("You have no approval here that counts.")?;
            let version = rows.version(&it.version_id).map_or("the version".into(), words::version);
            let action = Do::WithdrawApproval(v1::WithdrawApproval { approval_id: it.approval_id.clone() });
            let line =
                format!("Your approval of {version} as {} will count no more.", words::role(it.role()));
            (action, "Withdraw", format!("Withdraw your approval of {title}?"), vec![line])
        }
        Verb::LiftHold => {
            let it = mine(model, rows, &song_id, ApprovalState::Hold).ok_or("You hold nothing here.")?;
            let action = Do::LiftHold(v1::LiftHold { approval_id: it.approval_id.clone() });
            let line = format!("Your reason was: {}", it.reason);
            (action, "Lift", format!("Lift your hold on {title}?"), vec![line])
        }
        Verb::AcceptHandoff => {
            let version = song.handoff.as_ref().and_then(|it| rows.version(&it.version_id));
            let line = version.map_or_else(String::new, handed);
            let action = Do::AcceptHandoff(v1::AcceptHandoff { song_id });
            (action, "Accept", format!("Accept the handoff of {title}?"), vec![line])
        }
        Verb::MakeDelivery => {
            let line = "It lists exactly the files that were signed. It cannot be changed afterwards.".into();
            let action = Do::MakeDelivery(v1::MakeDelivery { delivery_id: new_id, song_id });
            (action, "Deliver", format!("Make the delivery of {title}?"), vec![line])
        }
        Verb::StartRender => start_render(song, &title, new_id),
        _ => cancel_render(rows, subject, &title)?,
    };
    lines.insert(0, then);
    let say = headline.trim_end_matches('?').to_lowercase();
    Ok(YesOrNo {
        project: subject.project.clone(),
        verb,
        about,
        title: headline,
        lines,
        yes,
        sends: Sends::Action(action),
        say,
    }
    .asked())
}

/// For whoever listens elsewhere: the whole Main of the shown version.
fn heard(model: &Model, subject: &Subject, about: String) -> Result<ConfirmAsk, &'static str> {
    let rows = model.projects.get(&subject.project).ok_or(NO_VERSION)?;
    let version = subject.version.as_ref().and_then(|id| rows.version(id)).ok_or(NO_VERSION)?;
    let end_ms = rows::length_ms(version);
    if end_ms == 0 {
        return Err("How long this version is was not measured.");
    }
    let name = words::version(version);
    Ok(YesOrNo {
        project: subject.project.clone(),
        verb: Verb::Heard,
        about,
        title: format!("Have you heard all of {name} in another player?"),
        lines: vec![
            format!("All of it: {}.", words::span(Some(0), Some(end_ms))),
            "The gate counts it as heard by you. Parts are said in a shell: deadwax heard 0:00-1:30.".into(),
        ],
        yes: "I have heard it",
        sends: Sends::Heard(v1::ReportHeardRequest {
            project_id: subject.project.clone(),
            version_id: version.version_id.clone(),
            alternate: String::new(),
            ranges: vec![v1::HeardRange { start_ms: 0, end_ms }],
        }),
        say: name,
    }
    .asked())
}

/// What a yes sends, the word on its button, the question, and what stands below it.
type Question = (Do, &'static str, String, Vec<String>);

fn start_render(song: &v1::SongRow, title: &str, render_id: String) -> Question {
    let line = if song.recipe_toml.is_empty() {
        "Neither the song nor the project has a recipe; the studio's default is used.".into()
    } else {
        "With the recipe that the song has now.".to_owned()
    };
    let action = v1::StartRender { render_id, song_id: song.song_id.clone(), recipe_toml: String::new() };
    (Do::StartRender(action), "Start", format!("Start a mastering render of {title}?"), vec![line])
}

fn cancel_render(rows: &Project, subject: &Subject, title: &str) -> Result<Question, &'static str> {
    let none = "No render of this song is under way.";
    let render = subject.render.as_ref().and_then(|id| rows.render(id)).ok_or(none)?;
    if !matches!(render.state(), RenderState::Queued | RenderState::Running) {
        return Err(none);
    }
    let action = Do::CancelRender(v1::CancelRender { render_id: render.render_id.clone() });
    Ok((action, "Cancel it", format!("Cancel the render of {title}?"), Vec::new()))
}

/// To the marked range, else with its head at the cursor and as long as it is.
fn move_note(model: &Model, rows: &Project, subject: &Subject) -> Result<Question, &'static str> {
    let Screen::Song(view) = model.top() else { return Err(NO_NOTE) };
    let note = subject.note.as_ref().and_then(|id| rows.note(id)).ok_or(NO_NOTE)?;
    let version = subject.version.as_ref().and_then(|id| rows.version(id)).ok_or(NO_VERSION)?;
    let now = rows::place(note, &version.version_id);
    let (start_ms, end_ms) = match (view.range(), now.start_ms.zip(now.end_ms)) {
        (Some((start, end)), _) if end > start => (start, Some(end)),
        (_, Some((start, end))) => {
            (view.cursor_ms, Some(view.cursor_ms.saturating_add(end.saturating_sub(start))))
        }
        _ => (view.cursor_ms, None),
    };
    let (name, to) = (words::version(version), words::span(Some(start_ms), end_ms));
    let from = words::span(now.start_ms, now.end_ms);
    let lines = vec![format!("From {from} to {to} in {name}."), "Where it was written stays visible.".into()];
    let action = v1::MoveNote {
        note_id: note.note_id.clone(),
        version_id: version.version_id.clone(),
        start_ms,
        end_ms,
    };
    Ok((
        Do::MoveNote(action),
        "Move",
        format!("Move the note by {}?", crate::scrub::line(&note.author)),
        lines,
    ))
}

/// The whole running order stands in the question: it is what is approved.
fn spacing(model: &mut Model, subject: &Subject, about: String) -> Result<ConfirmAsk, &'static str> {
    let approval_id = model.new_id();
    let then = consequence(model, subject, Verb::ApproveSpacing);
    let rows = model.projects.get(&subject.project).ok_or("The project is not here yet.")?;
    let head = rows.head().ok_or("The project is not here yet.")?;
    let none = "Nobody has set a running order with gaps yet: 4 opens the record, w saves it there.";
    let spacing = head.spacing.as_ref().ok_or(none)?;
    let askers = [Role::Artist, Role::Producer, Role::Label, Role::Manager];
    let mine = model.my_roles();
    let role = askers.into_iter().find(|role| mine.contains(role)).or_else(|| mine.first().copied());
    let role = role.ok_or("You hold no role here that could approve.")?;
    let order: Vec<String> =
        spacing.items.iter().enumerate().map(|(at, it)| order_line(rows, at, it)).collect();
    let mut lines = vec![order.join(" · "), format!("You approve it as {}.", words::role(role))];
    if model.project_id().is_some_and(|project| model.album.is_unsaved(project, rows)) {
        lines.insert(0, "What you changed and did not save is not in it:".into());
    }
    let number = spacing.number;
    let notes = crate::tui::album::notes(rows);
    let open = notes.iter().filter(|it| !it.closed).count();
    if open > 0 {
        lines.push(format!("! {} on it.", words::count(open, "open note", "open notes")));
    }
    lines.insert(0, then);
    let wish = Wish {
        project_id: subject.project.clone(),
        what: What::Spacing { number },
        role,
        approval_id: approval_id.clone(),
    };
    let unsigned = v1::ApproveSpacing { approval_id, number, role: role.into(), receipt: None };
    let unsigned = Do::ApproveSpacing(unsigned);
    Ok(YesOrNo {
        project: subject.project.clone(),
        verb: Verb::ApproveSpacing,
        about,
        title: format!("Approve spacing {number}?"),
        lines,
        yes: "Approve",
        sends: Sends::Signed(Box::new(SignedAsk { wish, unsigned, passphrase: None })),
        say: format!("the approval of spacing {number}"),
    }
    .asked())
}

/// "2. Paper Boats after 2.5 s, fade out 8 s".
pub(in crate::tui::update) fn order_line(rows: &Project, at: usize, item: &v1::SpacingItem) -> String {
    let title = rows.song(&item.song_id).map_or("a song that is not here", |it| it.title.as_str());
    let title = crate::scrub::line(title);
    let joined = crate::verbs::words::joined(item, at == 0);
    let joined = if joined.is_empty() { String::new() } else { format!(" {joined}") };
    format!("{}. {title}{joined}", at + 1)
}

/// "Mix 2 "wider" by Teo Brandt, with 2 alternates."
fn handed(version: &v1::VersionRow) -> String {
    let mut alternates: Vec<&str> = version.files.iter().map(|it| it.alternate.as_str()).collect();
    alternates.sort_unstable();
    alternates.dedup();
    let title = crate::scrub::line(&version.title);
    let title = if title.is_empty() { title } else { format!(" \"{title}\"") };
    let with = match alternates.len().saturating_sub(1) {
        0 => String::new(),
        more => format!(", with {}", words::count(more, "alternate", "alternates")),
    };
    format!("{}{title} by {}{with}.", words::version(version), crate::scrub::line(&version.uploaded_by))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handoff_is_told_with_its_title_and_its_alternates_where_it_has_any() {
        let file = |alternate: &str| v1::VersionFile { alternate: alternate.into(), ..Default::default() };
        let bare = v1::VersionRow {
            name: "Mix 2".into(),
            uploaded_by: "Teo Brandt".into(),
            files: vec![file("main")],
            ..Default::default()
        };
        assert_eq!(handed(&bare), "Mix 2 by Teo Brandt.");
        let files = ["main", "main", "tv", "instrumental"].map(file).into();
        let full = v1::VersionRow { title: "wider".into(), files, ..bare };
        assert_eq!(handed(&full), "Mix 2 \"wider\" by Teo Brandt, with 2 alternates.");
    }
}
