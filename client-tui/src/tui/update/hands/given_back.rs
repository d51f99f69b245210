//! A text that the studio refuses goes back into the hands of whoever wrote it: its question opens again as it was, or where another one is open it is put
//! aside. Here too: on which song a text belongs, so that none is brought back over another one. Never here: what the studio refuses.

use deadwax_proto::v1::action::Action as Do;

use super::undo;
use crate::tui::update::label_copy;
use crate::{
    scrub,
    tui::{
        form::{self, FormAsk},
        hands::Step,
        keys::Verb,
        model::{
            Addressee, Ask, Decision, Model, Notice, Pending, Prompt, Purpose, RecipeCheck, Sign, WriteAsk,
            text_area,
        },
        words,
    },
};

/// Of an invite: it is no command and has no id.
pub(in crate::tui::update) const INVITE: &str = "invite";
/// The same of a link to listen.
pub(in crate::tui::update) const SHARE: &str = "share";
const REFUSED: &str = "Refused: the reason stands below. Everything is as you wrote it.";
/// More are never on their way from one pair of hands.
const ASKED_MAX: usize = 200;

/// The question as it should open again; `None` where nothing was written in it.
pub(in crate::tui::update) fn worth(ask: &Ask) -> Option<Ask> {
    match ask {
        Ask::Confirm(it) => it.back.as_deref().and_then(worth),
        Ask::Form(it)
            if matches!(it.purpose, form::Purpose::Fetch { .. } | form::Purpose::FetchRecord { .. }) =>
        {
            None
        }
        Ask::Write(_)
        | Ask::Revision(_)
        | Ask::Vote(_)
        | Ask::Recipe(_)
        | Ask::Sections(_)
        | Ask::Form(_) => Some(ask.clone()),
        Ask::Approve(it) if matches!(it.sign, Sign::Pick { .. }) => Some(ask.clone()),
        _ => None,
    }
}

pub(in crate::tui::update) fn keep(model: &mut Model, command_id: &str, ask: Ask) {
    let asked = &mut model.hands.asked;
    if asked.len() >= ASKED_MAX {
        asked.remove(0);
    }
    asked.push((command_id.to_owned(), ask));
}

/// What was sent with this command; it is kept no longer.
pub(in crate::tui::update) fn take(model: &mut Model, command_id: &str) -> Option<Ask> {
    let at = model.hands.asked.iter().position(|(id, _)| id == command_id)?;
    Some(model.hands.asked.remove(at).1)
}

/// The studio said no: the question opens again with all that was in it.
pub(in crate::tui::update) fn refused(model: &mut Model, command_id: &str, text: &str) {
    let Some(mut ask) = take(model, command_id) else { return };
    if model.prompt.is_some() {
        aside(model, ask);
        return;
    }
    match &mut ask {
        Ask::Form(it) => {
            it.problem = Some(text.to_owned());
            match it.purpose {
                form::Purpose::Release { .. } => it.at = label_copy::refused_at(text),
                form::Purpose::SongCopy { .. } => it.at = label_copy::song_refused_at(text),
                _ => {}
            }
        }
        Ask::Recipe(it) => {
            it.save = false;
            it.check = RecipeCheck::Failed(text.to_owned());
        }
        Ask::Revision(it) => it.problem = Some(REFUSED),
        Ask::Vote(it) => it.problem = Some(REFUSED),
        Ask::Sections(it) => it.problem = Some(REFUSED),
        _ => {}
    }
    named(model, &mut ask);
    model.hands.refused = Some(text.to_owned());
    model.prompt = Some(Prompt { ask, shown: false });
}

/// Kept among the texts that were left, said behind whatever is told.
pub(in crate::tui::update) fn aside(model: &mut Model, ask: Ask) {
    // Of several from one key there is one text.
    let same = |it: &Ask| words_of(it).is_some() && words_of(it) == words_of(&ask);
    if matches!(model.hands.steps.last(), Some(Step::Text(last)) if same(last)) {
        return;
    }
    undo::remember(model, Step::Text(Box::new(ask)));
    let key = model.key(Verb::Undo);
    if let Some(Notice::Refused { hint, .. }) = &mut model.notice {
        *hint = format!("Your text is put aside; {key} brings it back. {hint}").trim_end().to_owned();
    }
}

fn words_of(ask: &Ask) -> Option<Vec<String>> {
    match ask {
        Ask::Write(it) => Some(it.area.lines().to_vec()),
        _ => None,
    }
}

/// Commands that an earlier client did not send hold their words; the question is made of them anew.
pub(in crate::tui::update) fn of_command(pending: &Pending) -> Option<Ask> {
    let (purpose, text, internal) = match pending.action.action.as_ref()? {
        Do::AddNote(it) if it.parent_note_id.is_empty() => {
            let purpose = Purpose::Note {
                version: it.version_id.clone(),
                alternate: it.alternate.clone(),
                start_ms: it.start_ms,
                end_ms: it.end_ms,
            };
            let items: String = it.checklist.iter().flat_map(|item| ["\n[ ] ", item]).collect();
            (purpose, format!("{}{items}", it.text), Some(it.internal))
        }
        Do::AddNote(it) => {
            let purpose =
                Purpose::Reply { version: it.version_id.clone(), parent: it.parent_note_id.clone() };
            (purpose, it.text.clone(), Some(it.internal))
        }
        Do::ReopenNote(it) => (Purpose::Reopen { note: it.note_id.clone() }, it.reason.clone(), None),
        Do::DeclineNote(it) => (Purpose::Decline { note: it.note_id.clone() }, it.reason.clone(), None),
        Do::AddSpacingNote(it) => {
            let song = Some(it.song_id.clone()).filter(|it| !it.is_empty());
            (Purpose::Joint { number: it.number, song }, it.text.clone(), None)
        }
        Do::CloseSpacingNote(it) => {
            (Purpose::CloseJoint { note: it.note_id.clone() }, it.answer.clone(), None)
        }
        _ => return None,
    };
    let to = internal.is_some();
    Some(Ask::Write(Box::new(WriteAsk {
        project: pending.project_id.clone(),
        purpose,
        title: pending.say.clone(),
        consequence: String::new(),
        area: text_area(&scrub::block(&text)),
        internal,
        addressee: to.then(Addressee::default),
        problem: None,
    })))
}

/// The project of a question, its song, and its version where it has one; the song is empty where it is about the project.
pub(in crate::tui::update) fn place(model: &Model, ask: &Ask) -> Option<(String, String, Option<String>)> {
    let song_of = |project: &str, version: &str| {
        let rows = model.projects.get(project)?;
        let song = rows.version(version)?.song_id.clone();
        Some((project.to_owned(), song, Some(version.to_owned())))
    };
    let on = |project: &str, song: &str| Some((project.to_owned(), song.to_owned(), None));
    match ask {
        Ask::Confirm(it) => place(model, it.back.as_deref()?),
        Ask::Write(it) => match &it.purpose {
            Purpose::Note { version, .. }
            | Purpose::Reply { version, .. }
            | Purpose::Decide(Decision::Forward { version })
            | Purpose::Pick { version } => song_of(&it.project, version),
            Purpose::Reopen { note } | Purpose::Decline { note } => {
                let note = model.projects.get(&it.project)?.note(note)?;
                Some((it.project.clone(), note.song_id.clone(), Some(note.version_id.clone())))
            }
            Purpose::Hold { song, .. }
            | Purpose::Return { song, .. }
            | Purpose::Decide(Decision::Override { song } | Decision::Swap { song }) => on(&it.project, song),
            // It is said of the record, whatever song it begins at.
            Purpose::Joint { .. } | Purpose::CloseJoint { .. } => on(&it.project, ""),
        },
        Ask::Revision(it) => song_of(&it.project, &it.version),
        Ask::Sections(it) => song_of(&it.project, &it.version),
        Ask::Approve(it) => song_of(&it.project, &it.version),
        Ask::Vote(it) => on(&it.project, &it.song),
        Ask::Recipe(it) => on(&it.project, &it.song),
        Ask::Form(it) => form_place(it),
        _ => None,
    }
}

fn form_place(ask: &FormAsk) -> Option<(String, String, Option<String>)> {
    match &ask.purpose {
        form::Purpose::AddSong { project }
        | form::Purpose::Invite { project }
        | form::Purpose::Roles { project, .. }
        | form::Purpose::RevokeKey { project, .. }
        | form::Purpose::Release { project, .. }
        | form::Purpose::SongCopy { project, .. }
        | form::Purpose::Cover { project, .. }
        | form::Purpose::Share { project, .. }
        | form::Purpose::EditSong { project, .. } => Some((project.clone(), String::new(), None)),
        form::Purpose::NewProject | form::Purpose::Fetch { .. } | form::Purpose::FetchRecord { .. } => None,
    }
}

/// "Glass Hour, Mix 2"
pub(in crate::tui::update) fn song_named(
    model: &Model,
    project: &str,
    song: &str,
    version: Option<&str>,
) -> String {
    let Some(rows) = model.projects.get(project) else { return String::new() };
    let title = rows.song(song).map_or_else(String::new, |it| scrub::line(&it.title));
    match version.and_then(|id| rows.version(id)) {
        Some(it) => format!("{title}, {}", words::version(it)),
        None => title,
    }
}

/// Away from the moment at which it was opened, the question says where it belongs.
pub(in crate::tui::update) fn named(model: &Model, ask: &mut Ask) {
    let Some((project, song, version)) = place(model, ask) else { return };
    let Ask::Write(it) = ask else { return };
    // "Note on Mix 2, at 0:31" names the version itself.
    let told = |id: &&str| {
        let row = model.projects.get(&project).and_then(|rows| rows.version(id));
        row.is_some_and(|row| it.title.contains(&words::version(row)))
    };
    let version = version.as_deref().filter(|id| !told(id));
    let name = song_named(model, &project, &song, version);
    if !name.is_empty() && !it.title.starts_with(&name) {
        it.title = format!("{name}: {}", it.title);
    }
}
