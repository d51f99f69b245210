//! Keys of the screen "Label copy", what an editor outside gives back, and what became of a cover. `None`: the key means the same here as elsewhere.

use std::path::PathBuf;

use deadwax_proto::v1::{self, SplitOf, action::Action as Do};

use super::{act, nav, read};
use crate::{
    label_copy::{self as copy, About, Change, Sheet},
    scrub,
    tui::{
        form::{Field, FormAsk, Input, Purpose},
        keys::Verb,
        label_copy::{self, Line, Made, News, Order, Outside, RELEASE},
        model::{Ask, Model, Notice, Prompt, Screen, Sends, YesOrNo},
        msg::{Effect, Failure},
        rows::{May, PROJECT_KEY},
        transfers::folder_name,
    },
};

pub(super) fn press(model: &mut Model, verb: Verb) -> Option<Vec<Effect>> {
    let Screen::LabelCopy { project, at } = model.top() else { return None };
    let (project, at) = (project.clone(), *at);
    let made = model.label_copy.made.as_ref().filter(|it| it.project == project)?;
    let (line, count) = (label_copy::line(&made.sheet, at), label_copy::count(&made.sheet));
    match verb {
        Verb::Up | Verb::Down | Verb::PageUp | Verb::PageDown | Verb::First | Verb::Last => {
            let next = nav::moved(at, count, verb);
            if let Screen::LabelCopy { at, .. } = model.top_mut() {
                *at = next;
            }
        }
        Verb::Open | Verb::EditCopy if line == Line::Cover => ask(model, Verb::Cover, cover(&project)),
        Verb::Open | Verb::EditCopy => {
            let form = form(&made.sheet, &project, line);
            ask(model, Verb::EditCopy, form);
        }
        Verb::Cover => ask(model, Verb::Cover, cover(&project)),
        Verb::FetchCover => return Some(fetch_cover(model, &project)),
        Verb::RemoveCover => {
            let question = remove_cover(&project);
            if model.label_copy.made.as_ref().is_some_and(|it| it.sheet.release.cover.is_none()) {
                return Some(read::tell(model, "There is no cover yet."));
            }
            ask(model, Verb::RemoveCover, question);
        }
        Verb::EditOutside => return Some(edit_outside(model, project)),
        Verb::Copy => return Some(copied(model, line)),
        _ => return None,
    }
    Some(Vec::new())
}

/// Whether the studio allows it and there is a line; else that is told.
fn may(model: &mut Model, verb: Verb) -> bool {
    let subject = act::subject(model);
    if let May::No(no) = act::may(model, subject.as_ref(), verb) {
        model.notice = Some(Notice::Refused { text: no.text.clone(), hint: no.hint.clone() });
        return false;
    }
    if let Some(refused) = act::unsendable(model, verb) {
        model.notice = Some(refused);
        return false;
    }
    model.notice = None;
    true
}

fn ask(model: &mut Model, verb: Verb, ask: Ask) {
    if may(model, verb) {
        model.prompt = Some(Prompt { ask, shown: false });
    }
}

fn form(sheet: &Sheet, project: &str, line: Line) -> Ask {
    let project = project.to_owned();
    let mut form = match line {
        Line::Release(_) | Line::Cover => {
            let value = |key: &str| copy::release(&sheet.release, key).to_owned();
            let fields =
                RELEASE.iter().map(|(key, label, hint)| Field::line(label, &value(key), hint)).collect();
            FormAsk::new(
                Purpose::Release { project, before: Vec::new() },
                "Label copy of the release".into(),
                fields,
            )
        }
        Line::Song(at) => {
            let song = &sheet.songs[at];
            let purpose =
                Purpose::SongCopy { project, song: song.id.clone(), before: Vec::new(), draft: false };
            let title = format!("Label copy of {}", scrub::line(&song.title));
            FormAsk::new(purpose, title, song_fields(song))
        }
    };
    if let Line::Release(key) = line {
        form.at = RELEASE.iter().position(|it| it.0 == key).unwrap_or(0);
    }
    let values = form.values();
    if let Purpose::Release { before, .. } | Purpose::SongCopy { before, .. } = &mut form.purpose {
        *before = values;
    }
    Ask::Form(Box::new(form))
}

fn song_fields(song: &copy::Song) -> Vec<Field> {
    let said = &song.copy;
    let options = ["not said", "no", "yes", "cleaned"].map(str::to_owned).to_vec();
    let at = copy::EXPLICIT.iter().position(|it| *it == said.explicit()).unwrap_or(0);
    let shares = |of| {
        let all: Vec<&v1::Split> = song.shares(of).collect();
        copy::shares_line(all.iter().copied(), of).ok_or(all.len())
    };
    vec![
        Field::line("Version", &said.version_title, "Radio Edit: stands in brackets behind the title"),
        Field::line(
            "ISRC",
            &song.isrc,
            "GB-A1B-26-00001; its registrant gives it, and one recording has one",
        ),
        Field {
            label: "Explicit",
            input: Input::Choice { options, at },
            hint: "Left and right choose; cleaned: a clean version of explicit words",
        },
        listed(
            "Credits",
            copy::credits_line(&said.credits).ok_or(said.credits.len()),
            "producer: Jo Bell; drums: Ann Reed",
        ),
        listed(
            "Composition",
            shares(SplitOf::Composition),
            "Who wrote it: Jo Bell 50; Ann Reed 50. Together 100 %",
        ),
        listed(
            "Recording",
            shares(SplitOf::Recording),
            "Whose sound it is: Night Records 100. Together 100 %",
        ),
    ]
}

/// Where a name holds what parts the line it is only counted, and stays as it is.
fn listed(label: &'static str, line: Result<String, usize>, hint: &'static str) -> Field {
    match line {
        Ok(line) => Field::line(label, &line, hint),
        Err(count) => {
            let options = vec![format!("{count}, as they are")];
            let hint = "A name here holds a ; or a : and is edited in $EDITOR: E on the screen";
            Field { label, input: Input::Choice { options, at: 0 }, hint }
        }
    }
}

/// What Enter in one of these forms asks the studio for; or what is wrong, with the field.
pub(super) fn filled(model: &Model, ask: &FormAsk) -> Result<Vec<Change>, (String, usize)> {
    let (project, before, song, draft) = match &ask.purpose {
        Purpose::Release { project, before } => (project, before, None, true),
        Purpose::SongCopy { project, song, before, draft } => (project, before, Some(song), *draft),
        _ => return Ok(Vec::new()),
    };
    let gone = || ("The project is closed to you now.".to_owned(), 0);
    let rows = model.projects.get(project).ok_or_else(gone)?;
    let now = Sheet::of(rows.head().ok_or_else(gone)?, rows.songs().iter());
    let mut then = now.clone();
    let values = ask.values();
    // What was not touched stays as it is by now, whoever changed it meanwhile.
    let touched = |at: usize| values.get(at).filter(|value| before.get(at) != Some(value)).cloned();
    match song {
        None => {
            for (at, (key, ..)) in RELEASE.iter().enumerate() {
                if let (Some(value), Some(field)) = (touched(at), copy::release_mut(&mut then.release, key)) {
                    *field = value;
                }
            }
        }
        Some(id) => {
            let song = then.songs.iter_mut().find(|it| it.id == *id);
            let song = song.ok_or_else(|| ("The song is not here any more.".to_owned(), 0))?;
            fill_song(song, touched)?;
        }
    }
    if let Some(fault) = copy::wrong(&now, &then, draft).into_iter().next() {
        let at = field_of(&fault, song.is_some());
        let missing = fault.text.contains(", missing ");
        let more = if missing { ". Enter again keeps it so" } else { "" };
        return Err((format!("{}{more}", fault.text), at));
    }
    Ok(copy::changes(&now, &then))
}

fn fill_song(
    song: &mut copy::Song,
    touched: impl Fn(usize) -> Option<String>,
) -> Result<(), (String, usize)> {
    if let Some(title) = touched(0) {
        song.copy.version_title = title;
    }
    if let Some(isrc) = touched(1) {
        song.isrc = isrc;
    }
    if let Some(word) = touched(2) {
        let said = copy::EXPLICIT.into_iter().find(|it| copy::explicit_word(*it) == word);
        song.copy.explicit = said.unwrap_or_default().into();
    }
    if let Some(line) = touched(3) {
        song.copy.credits = copy::parse_credits(&line).map_err(|why| (why, 3))?;
    }
    for (at, of) in [(4, SplitOf::Composition), (5, SplitOf::Recording)] {
        if let Some(line) = touched(at) {
            let shares = copy::parse_shares(&line, of).map_err(|why| (why, at))?;
            song.copy.splits.retain(|it| it.of() != of);
            song.copy.splits.extend(shares);
        }
    }
    Ok(())
}

/// The field that it is said of.
fn field_of(fault: &copy::Fault, song: bool) -> usize {
    let text = &fault.text;
    match song {
        true if text.contains("of the composition") => 4,
        true if text.contains("of the recording") => 5,
        true if text.contains("ISRC") => 1,
        true if text.contains("credit") => 3,
        true => 0,
        false => refused_at(text),
    }
}

/// The field that a refusal of the studio speaks of: its sentences begin with it.
pub(super) fn refused_at(text: &str) -> usize {
    let words = ["UPC", "catalogue", "The label ", "P-line", "C-line", "release date", "genre", "language"];
    words.iter().position(|word| text.contains(word)).unwrap_or(0)
}

pub(super) fn song_refused_at(text: &str) -> usize {
    let words = [("ISRC", 1), ("credit", 3), ("composition", 4), ("recording", 5)];
    words.iter().find(|(word, _)| text.contains(word)).map_or(0, |(_, at)| *at)
}

/// As commands, in their order.
pub(super) fn asked(changes: Vec<Change>) -> Vec<(Verb, String, Do, String)> {
    let one = |it: Change| {
        let about = match &it.about {
            About::Release => PROJECT_KEY.to_owned(),
            About::Song(id) => format!("song/{id}"),
        };
        (Verb::EditCopy, about, it.action, format!("{}: {}", it.whose, it.say))
    };
    changes.into_iter().map(one).collect()
}

fn cover(project: &str) -> Ask {
    let hint = "JPEG or PNG, up to 16 MB; stores ask for a square of 3000 pixels";
    let fields = vec![Field::line("File", "~/", hint)];
    let purpose = Purpose::Cover { project: project.to_owned(), to: false };
    Ask::Form(Box::new(FormAsk::new(purpose, "Set the cover".into(), fields)))
}

fn fetch_cover(model: &mut Model, project: &str) -> Vec<Effect> {
    let Some(made) = &model.label_copy.made else { return Vec::new() };
    let Some(cover) = &made.sheet.release.cover else { return read::tell(model, "There is no cover yet.") };
    if !model.online() {
        model.notice = Some(act::offline());
        return Vec::new();
    }
    let ending = if cover.mime.ends_with("png") { "png" } else { "jpg" };
    let path = format!("~/Deadwax/{}.{ending}", folder_name(&made.sheet.title));
    let fields = vec![Field::line("File", &path, "It is written there; a file that is there stays as it is")];
    let purpose = Purpose::Cover { project: project.to_owned(), to: true };
    let form = FormAsk::new(purpose, "Fetch the cover".into(), fields);
    model.prompt = Some(Prompt { ask: Ask::Form(Box::new(form)), shown: false });
    Vec::new()
}

/// What Enter in the form of the cover does; `None` where nothing is named.
pub(super) fn cover_filled(model: &mut Model, project: &str, to: bool, path: &str) -> Option<Effect> {
    if path.is_empty() || path.ends_with('/') {
        return None;
    }
    let (project_id, path) = (project.to_owned(), PathBuf::from(path));
    model.label_copy.busy = true;
    Some(Effect::LabelCopy(match to {
        true => Order::FetchCover { project_id, path },
        false => Order::PutCover { project_id, path },
    }))
}

fn remove_cover(project: &str) -> Ask {
    let line = "Files that are made from now on go out without one. It can be set again.";
    confirm(
        project,
        Verb::RemoveCover,
        "Take the cover away?",
        vec![line.into()],
        "Take it away",
        Sends::Action(Do::RemoveCover(v1::RemoveCover {})),
    )
}

fn confirm(
    project: &str,
    verb: Verb,
    title: &str,
    lines: Vec<String>,
    yes: &'static str,
    sends: Sends,
) -> Ask {
    Ask::Confirm(Box::new(
        YesOrNo {
            project: project.to_owned(),
            verb,
            about: PROJECT_KEY.into(),
            title: title.to_owned(),
            lines,
            yes,
            sends,
            say: "the cover is taken away".into(),
        }
        .asked(),
    ))
}

fn edit_outside(model: &mut Model, project: String) -> Vec<Effect> {
    if !may(model, Verb::EditCopy) {
        return Vec::new();
    }
    let unread = model.label_copy.unread.take().filter(|it| it.project == project);
    let Some(made) = &model.label_copy.made else { return Vec::new() };
    let (text, base) = match unread {
        Some(it) => (it.text, it.base),
        None => (format!("{:#}\n", made.sheet.json()), made.sheet.clone()),
    };
    model.label_copy.outside = Some(Outside { project, text: text.clone(), base });
    vec![Effect::Edit { text, suffix: ".json" }]
}

/// The editor closed. `None`: it held no label copy.
pub(super) fn edited(model: &mut Model, text: &str) -> Option<Vec<Effect>> {
    let Outside { project, text: before, base } = model.label_copy.outside.take()?;
    if text.trim() == before.trim() {
        return Some(read::tell(model, "Nothing is changed."));
    }
    let rows = model.projects.get(&project)?;
    let now = Sheet::of(rows.head()?, rows.songs().iter());
    // Read against what the person saw: what others set meanwhile is theirs and stays.
    let merged = copy::read(text, &base).map(|mine| copy::merge(&base, &mine, &now));
    let faults = match &merged {
        Ok(merged) => copy::wrong(&now, &merged.sheet, true),
        Err(faults) => faults.clone(),
    };
    let (Ok(copy::Merged { sheet: then, clashes }), true) = (merged, faults.is_empty()) else {
        let mut lines: Vec<String> = faults.iter().map(|it| format!("! {it}")).collect();
        let key = model.key(Verb::EditOutside);
        lines.extend([String::new(), format!("{key} opens the editor again with what you wrote.")]);
        model.label_copy.unread = Some(Outside { project, text: text.to_owned(), base });
        read::show(model, "Nothing was set".into(), lines, None);
        return Some(Vec::new());
    };
    let changes = copy::changes(&now, &then);
    if changes.is_empty() {
        let said = clashes.into_iter().next().unwrap_or_else(|| "Nothing is changed.".into());
        return Some(read::tell(model, &said));
    }
    let mut lines: Vec<String> = changes.iter().map(|it| format!("{}: {}", it.whose, it.say)).collect();
    lines.extend(clashes.iter().map(|it| format!("! {it}")));
    lines.extend(copy::wrong(&now, &then, false).iter().map(|it| format!("! {it}")));
    let sends = Sends::Actions(asked(changes));
    let ask = confirm(&project, Verb::EditCopy, "Set this on the label?", lines, "Set it", sends);
    model.prompt = Some(Prompt { ask, shown: false });
    Some(Vec::new())
}

fn copied(model: &mut Model, line: Line) -> Vec<Effect> {
    let Some(made) = &model.label_copy.made else { return Vec::new() };
    let sheet = &made.sheet;
    let (what, text) = match line {
        Line::Release(key) => (copy::called(key).to_owned(), copy::release(&sheet.release, key).to_owned()),
        Line::Cover => (
            "SHA-256 of the cover".into(),
            sheet.release.cover.as_ref().map(|it| it.sha256.clone()).unwrap_or_default(),
        ),
        Line::Song(at) => (
            format!("label copy of {}", sheet.songs[at].title),
            format!("{:#}", sheet.song_json(&sheet.songs[at])),
        ),
    };
    if text.is_empty() {
        return read::tell(model, "There is nothing on this line yet.");
    }
    model.notice = Some(Notice::Done(format!("The {what} is on the clipboard.")));
    vec![Effect::Copy(text)]
}

pub(super) fn told(model: &mut Model, news: News) {
    model.label_copy.busy = false;
    let outcome = match news {
        News::Put(outcome) => outcome.map(|done| done.effects.join(" ")),
        News::Fetched(outcome) => outcome.map(|path| format!("The cover is in {path}.")),
    };
    model.notice = Some(match outcome {
        Ok(text) if text.is_empty() => Notice::Done("Done.".into()),
        Ok(text) => Notice::Done(text),
        Err(Failure::Refused { text, hint, .. }) => Notice::Refused { text, hint },
        Err(Failure::Offline(text)) => Notice::Refused {
            text,
            hint: "Look at the cover here when the line is back, then try again.".into(),
        },
    });
}

/// The sheet is made once for each change of the rows, and let go of with the screen.
pub(super) fn reconcile(model: &mut Model) {
    let Screen::LabelCopy { project, .. } = model.top() else {
        if !model.stack.iter().any(|it| matches!(it, Screen::LabelCopy { .. })) {
            model.label_copy.made = None;
        }
        return;
    };
    let Some(rows) = model.projects.get(project).filter(|it| it.loaded) else { return };
    let here = |it: &Made| it.project == *project && it.seq == rows.seq;
    if model.label_copy.made.as_ref().is_some_and(here) || rows.is_filling() {
        return;
    }
    let Some(head) = rows.head() else { return };
    let sheet = Sheet::of(head, rows.songs().iter());
    let (project, seq) = (project.clone(), rows.seq);
    model.label_copy.made = Some(Made::of(project, seq, sheet));
    let Some(made) = &model.label_copy.made else { return };
    let last = label_copy::count(&made.sheet).saturating_sub(1);
    if let Screen::LabelCopy { at, .. } = model.top_mut() {
        *at = (*at).min(last);
    }
    model.dirty = true;
}
