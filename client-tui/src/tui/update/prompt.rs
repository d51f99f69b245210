//! Keys where a prompt is open, and what its yes sends. A yes counts only after the prompt was on the screen, and an approval only while
//! the version on the server is still the one that was quoted.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use deadwax_proto::v1::{self as v1, CheckRecipeResponse, action::Action as Do};
use ratatui_textarea::TextArea;

use super::{act, awaits};
use crate::tui::{
    keys::Verb,
    model::{
        ApproveAsk, Ask, ConfirmAsk, Link, Model, Notice, Pending, Prompt, Purpose, ReadAsk, RecipeAsk,
        RecipeCheck, RevisionAsk, Screen, TickAsk, WriteAsk, text_area,
    },
    msg::{Effect, Failure},
    words,
};

const DISCARD: &str = "Esc again throws the text away.";
const EMPTY: &str = "Nothing is written yet.";
const CUT: &str = "Not connected. The text stays here; try again when the line is back.";

/// What became of the prompt after a key.
enum Next {
    Keep(Ask),
    Close,
    Send(Box<Pending>),
    Run(Ask, Box<Effect>),
}

pub(super) fn key(model: &mut Model, event: KeyEvent) -> Vec<Effect> {
    let Some(Prompt { ask, shown }) = model.prompt.take() else { return Vec::new() };
    let next = match ask {
        Ask::Approve(ask) => approve(model, ask, event, shown),
        Ask::Confirm(ask) => confirm(model, ask, event, shown),
        Ask::Write(ask) => write(model, ask, event),
        Ask::Tick(ask) => tick(model, ask, event),
        Ask::Revision(ask) => revision(model, ask, event),
        Ask::Recipe(ask) => recipe(model, ask, event),
        Ask::Read(ask) => read(ask, event),
    };
    match next {
        Next::Keep(ask) => {
            model.prompt = Some(Prompt { ask, shown });
            Vec::new()
        }
        Next::Close => Vec::new(),
        Next::Send(pending) => vec![act::send(model, *pending)],
        Next::Run(ask, effect) => {
            model.prompt = Some(Prompt { ask, shown });
            vec![*effect]
        }
    }
}

/// Why a yes to this approval would be refused now, with the next step.
pub fn approve_problem(model: &Model, ask: &ApproveAsk) -> Option<(String, String)> {
    let look = "Close this with Esc and look at what is there now.".to_owned();
    if model.link != Link::Online {
        return Some((
            "Not connected: nothing can be signed now.".into(),
            "Wait for the line to come back.".into(),
        ));
    }
    let rows = model.projects.get(&ask.project)?;
    let Some(version) = rows.version(&ask.version) else {
        return Some(("This version is no longer there.".into(), look));
    };
    if version.superseded {
        let newest =
            rows.versions(&version.song_id).first().map_or("A newer version".into(), |it| words::version(it));
        let text = format!("{newest} came while this was open. {} is superseded.", words::version(version));
        return Some((text, look));
    }
    if version.fingerprint != ask.fingerprint {
        return Some(("The files changed while this was open.".into(), look));
    }
    None
}

fn is_yes(event: KeyEvent, on_yes: bool) -> bool {
    match event.code {
        KeyCode::Char('y') => event.modifiers.is_empty(),
        KeyCode::Enter => on_yes,
        _ => false,
    }
}

fn is_no(event: KeyEvent, on_yes: bool) -> bool {
    match event.code {
        KeyCode::Esc | KeyCode::Char('n') => true,
        KeyCode::Enter => !on_yes,
        _ => false,
    }
}

fn approve(model: &mut Model, mut ask: ApproveAsk, event: KeyEvent, shown: bool) -> Next {
    if is_no(event, ask.on_yes) {
        return Next::Close;
    }
    if approve_problem(model, &ask).is_some() {
        // Only Cancel is left.
        let close = event.code == KeyCode::Enter && shown;
        return if close { Next::Close } else { Next::Keep(Ask::Approve(ask)) };
    }
    if is_yes(event, ask.on_yes) {
        if !shown {
            return Next::Keep(Ask::Approve(ask));
        }
        let about = format!("version/{}", ask.version);
        let version = model.projects.get(&ask.project).and_then(|rows| rows.version(&ask.version));
        let say = format!("the approval of {}", version.map_or("the version".into(), words::version));
        let action = Do::Approve(v1::Approve {
            approval_id: model.new_id(),
            version_id: ask.version,
            role: ask.roles[ask.role].into(),
            fingerprint: ask.fingerprint,
        });
        return Next::Send(Box::new(act::pending(model, ask.project, Verb::Approve, about, action, say)));
    }
    match event.code {
        KeyCode::Tab | KeyCode::BackTab | KeyCode::Left | KeyCode::Right => ask.on_yes = !ask.on_yes,
        KeyCode::Down => ask.role = (ask.role + 1) % ask.roles.len(),
        KeyCode::Up => ask.role = (ask.role + ask.roles.len() - 1) % ask.roles.len(),
        _ => {}
    }
    Next::Keep(Ask::Approve(ask))
}

fn confirm(model: &mut Model, mut ask: Box<ConfirmAsk>, event: KeyEvent, shown: bool) -> Next {
    if is_no(event, ask.on_yes) {
        return Next::Close;
    }
    if is_yes(event, ask.on_yes) {
        if !shown {
            return Next::Keep(Ask::Confirm(ask));
        }
        if !model.online() {
            model.notice = Some(act::offline());
            return Next::Close;
        }
        return Next::Send(Box::new(Pending {
            command_id: model.new_id(),
            project_id: ask.project,
            action: ask.action,
            verb: ask.verb,
            about: ask.about,
            say: ask.say,
        }));
    }
    if matches!(event.code, KeyCode::Tab | KeyCode::BackTab | KeyCode::Left | KeyCode::Right) {
        ask.on_yes = !ask.on_yes;
    }
    Next::Keep(Ask::Confirm(ask))
}

fn text(area: &TextArea<'_>) -> String {
    area.lines().join("\n").trim().to_owned()
}

fn is_ctrl(event: KeyEvent, c: char) -> bool {
    event.modifiers.contains(KeyModifiers::CONTROL) && event.code == KeyCode::Char(c)
}

/// Enter sends; Alt-Enter and Ctrl-J break the line.
fn type_text(area: &mut TextArea<'static>, event: KeyEvent) {
    if is_ctrl(event, 'j') || (event.code == KeyCode::Enter && !event.modifiers.is_empty()) {
        area.insert_newline();
    } else {
        area.input(event);
    }
}

fn write(model: &mut Model, mut ask: Box<WriteAsk>, event: KeyEvent) -> Next {
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
    if let (KeyCode::BackTab | KeyCode::Tab, Purpose::Hold { roles, role, .. }) =
        (event.code, &mut ask.purpose)
    {
        *role = (*role + 1) % roles.len().max(1);
        return Next::Keep(Ask::Write(ask));
    }
    ask.problem = None;
    if event.code != KeyCode::Enter || !event.modifiers.is_empty() {
        type_text(&mut ask.area, event);
        return Next::Keep(Ask::Write(ask));
    }
    let text = text(&ask.area);
    if text.is_empty() || !model.online() {
        ask.problem = Some(if text.is_empty() { EMPTY } else { CUT });
        return Next::Keep(Ask::Write(ask));
    }
    Next::Send(Box::new(written(model, *ask, text)))
}

fn written(model: &mut Model, ask: WriteAsk, text: String) -> Pending {
    let id = model.new_id();
    let internal = ask.internal.unwrap_or(false);
    let (verb, about, action, say) = match ask.purpose {
        Purpose::Note { version, alternate, start_ms, end_ms } => {
            let about = format!("version/{version}");
            // Chosen as soon as it arrives.
            if let Screen::Song(view) = model.top_mut() {
                view.note = Some(id.clone());
                view.mark_ms = None;
            }
            let note = v1::AddNote {
                note_id: id,
                version_id: version,
                alternate,
                start_ms,
                end_ms,
                text,
                internal,
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
        Purpose::Return { song } => {
            let action =
                v1::ReturnHandoff { song_id: song.clone(), reason: text, ..v1::ReturnHandoff::default() };
            (Verb::ReturnHandoff, format!("song/{song}"), Do::ReturnHandoff(action), "the return to mixing")
        }
    };
    act::pending(model, ask.project, verb, about, action, say.to_owned())
}

fn tick(model: &mut Model, mut ask: TickAsk, event: KeyEvent) -> Next {
    let note = model.projects.get(&ask.project).and_then(|rows| rows.note(&ask.note));
    let Some(note) = note else { return Next::Close };
    let items = note.checklist.len();
    match event.code {
        KeyCode::Esc | KeyCode::Char('q') => return Next::Close,
        KeyCode::Up | KeyCode::Char('k') => ask.at = ask.at.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => ask.at = (ask.at + 1).min(items.saturating_sub(1)),
        KeyCode::Enter | KeyCode::Char(' ' | 't') => {
            let Some(item) = note.checklist.get(ask.at) else { return Next::Close };
            let action = Do::TickChecklist(v1::TickChecklist {
                note_id: ask.note.clone(),
                item: u32::try_from(ask.at).unwrap_or(u32::MAX),
                done: !item.done,
            });
            if !model.online() {
                model.notice = Some(act::offline());
                return Next::Close;
            }
            let about = format!("note/{}", ask.note);
            let pending = act::pending(model, ask.project, Verb::Tick, about, action, "the checklist".into());
            return Next::Send(Box::new(pending));
        }
        _ => {}
    }
    Next::Keep(Ask::Tick(ask))
}

fn revision(model: &mut Model, mut ask: Box<RevisionAsk>, event: KeyEvent) -> Next {
    let count = ask.chosen.len();
    match event.code {
        KeyCode::Esc => {
            if text(&ask.area).is_empty() || ask.problem == Some(DISCARD) {
                return Next::Close;
            }
            ask.problem = Some(DISCARD);
            return Next::Keep(Ask::Revision(ask));
        }
        KeyCode::Tab | KeyCode::BackTab => ask.writing = !ask.writing,
        KeyCode::Enter if ask.writing && event.modifiers.is_empty() => return send_revision(model, ask),
        _ if ask.writing => type_text(&mut ask.area, event),
        KeyCode::Up | KeyCode::Char('k') => ask.at = ask.at.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => ask.at = (ask.at + 1).min(count.saturating_sub(1)),
        KeyCode::Left | KeyCode::Right if !ask.roles.is_empty() => {
            ask.role = (ask.role + 1) % ask.roles.len();
        }
        KeyCode::Char(' ' | 'x') => {
            if let Some(chosen) = ask.chosen.values_mut().nth(ask.at) {
                *chosen = !*chosen;
            }
        }
        KeyCode::Enter => ask.writing = true,
        _ => {}
    }
    ask.problem = None;
    Next::Keep(Ask::Revision(ask))
}

fn send_revision(model: &mut Model, mut ask: Box<RevisionAsk>) -> Next {
    let note_ids: Vec<String> =
        ask.chosen.iter().filter(|(_, yes)| **yes).map(|(id, _)| id.clone()).collect();
    let message = text(&ask.area);
    ask.problem = if note_ids.is_empty() {
        Some("Choose at least one note: Tab, then Space.")
    } else if message.is_empty() {
        Some(EMPTY)
    } else if model.online() {
        None
    } else {
        Some(CUT)
    };
    if ask.problem.is_some() {
        return Next::Keep(Ask::Revision(ask));
    }
    let about = format!("version/{}", ask.version);
    let action = Do::RequestRevision(v1::RequestRevision {
        request_id: model.new_id(),
        version_id: ask.version.clone(),
        role: ask.roles.get(ask.role).copied().unwrap_or_default().into(),
        message,
        note_ids,
        ..v1::RequestRevision::default()
    });
    let say = "the revision request".into();
    Next::Send(Box::new(act::pending(model, ask.project.clone(), Verb::RequestRevision, about, action, say)))
}

fn recipe(model: &mut Model, mut ask: Box<RecipeAsk>, event: KeyEvent) -> Next {
    if let Some(area) = ask.why.take() {
        return recipe_why(model, ask, area, event);
    }
    if event.code == KeyCode::Esc {
        let discard = RecipeCheck::Failed(DISCARD.into());
        if whole(&ask.area).trim() == ask.start.trim() || ask.check == discard {
            return Next::Close;
        }
        ask.check = discard;
        ask.save = false;
        return Next::Keep(Ask::Recipe(ask));
    }
    if is_ctrl(event, 'e') {
        let text = ask.area.lines().join("\n");
        return Next::Run(Ask::Recipe(ask), Box::new(Effect::Edit { text, suffix: ".toml" }));
    }
    if is_ctrl(event, 's') {
        if !model.online() {
            ask.check = RecipeCheck::Failed(CUT.into());
            return Next::Keep(Ask::Recipe(ask));
        }
        let ticket = model.next_ticket();
        ask.check = RecipeCheck::Asked(ticket);
        ask.save = true;
        let toml = whole(&ask.area);
        return Next::Run(Ask::Recipe(ask), Box::new(Effect::CheckRecipe { ticket, toml }));
    }
    if ask.area.input(event) {
        // The answer on the way is about an older text.
        ask.check = RecipeCheck::Unknown;
        ask.save = false;
    }
    Next::Keep(Ask::Recipe(ask))
}

/// The last question before a recipe is saved. Esc goes back to the text.
fn recipe_why(
    model: &mut Model,
    mut ask: Box<RecipeAsk>,
    mut area: TextArea<'static>,
    event: KeyEvent,
) -> Next {
    if event.code == KeyCode::Esc {
        return Next::Keep(Ask::Recipe(ask));
    }
    if event.code != KeyCode::Enter {
        // One line: it stands in a list.
        if !is_ctrl(event, 'j') && !is_ctrl(event, 'm') {
            area.input(event);
        }
        ask.why = Some(area);
        return Next::Keep(Ask::Recipe(ask));
    }
    let why = text(&area);
    if why.is_empty() || !model.online() {
        ask.check = RecipeCheck::Failed(if why.is_empty() { EMPTY } else { CUT }.into());
        ask.why = Some(area);
        return Next::Keep(Ask::Recipe(ask));
    }
    let about = format!("song/{}", ask.song);
    let action = Do::SetRecipe(v1::SetRecipe { song_id: ask.song, recipe_toml: whole(&ask.area), why });
    let say = "the recipe".into();
    Next::Send(Box::new(act::pending(model, ask.project, Verb::EditRecipe, about, action, say)))
}

fn read(mut ask: Box<ReadAsk>, event: KeyEvent) -> Next {
    let last = ask.lines.len().saturating_sub(1);
    match event.code {
        KeyCode::Up | KeyCode::Char('k') => ask.at = ask.at.saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => ask.at = (ask.at + 1).min(last),
        KeyCode::PageUp => ask.at = ask.at.saturating_sub(10),
        KeyCode::PageDown => ask.at = (ask.at + 10).min(last),
        KeyCode::Home => ask.at = 0,
        KeyCode::Esc | KeyCode::Enter | KeyCode::Char('q' | 'I') => return Next::Close,
        _ => {}
    }
    Next::Keep(Ask::Read(ask))
}

fn whole(area: &TextArea<'_>) -> String {
    let mut toml = area.lines().join("\n");
    toml.push('\n');
    toml
}

/// A sound recipe is asked for its reason where saving waited for it; else the line of the error gets the cursor.
pub(super) fn recipe_checked(
    model: &mut Model,
    ticket: u64,
    outcome: Result<CheckRecipeResponse, Failure>,
) -> Vec<Effect> {
    let Some(Prompt { ask: Ask::Recipe(ask), .. }) = &mut model.prompt else { return Vec::new() };
    if !awaits(&ask.check, ticket) {
        return Vec::new();
    }
    match outcome {
        Ok(answer) if answer.valid && ask.save => {
            ask.check = RecipeCheck::Answer(answer);
            ask.save = false;
            ask.why = Some(text_area(""));
        }
        Ok(answer) => {
            let line = u16::try_from(answer.line.saturating_sub(1)).unwrap_or(u16::MAX);
            if !answer.valid {
                ask.area.move_cursor(ratatui_textarea::CursorMove::Jump(line, 0));
            }
            ask.check = RecipeCheck::Answer(answer);
        }
        Err(Failure::Refused { text, .. } | Failure::Offline(text)) => ask.check = RecipeCheck::Failed(text),
    }
    Vec::new()
}

pub(super) fn edited(model: &mut Model, outcome: Result<String, String>) -> Vec<Effect> {
    let text = match outcome {
        Ok(text) => crate::scrub::block(&text),
        Err(why) => {
            model.notice = Some(Notice::Refused {
                text: format!("The editor did not work: {why}."),
                hint: "Set EDITOR to one that runs in a terminal, or write here.".into(),
            });
            return Vec::new();
        }
    };
    match model.prompt.as_mut().map(|prompt| &mut prompt.ask) {
        Some(Ask::Write(ask)) => ask.area = text_area(&text),
        Some(Ask::Recipe(ask)) => {
            ask.area = text_area(&text);
            ask.area.set_line_number_style(ratatui::style::Style::default());
            ask.check = RecipeCheck::Unknown;
        }
        _ => {}
    }
    Vec::new()
}

/// A paste is text and never a key: it cannot confirm anything.
pub(super) fn paste(model: &mut Model, text: &str) {
    let area = match model.prompt.as_mut().map(|prompt| &mut prompt.ask) {
        Some(Ask::Write(ask)) => &mut ask.area,
        Some(Ask::Revision(ask)) if ask.writing => &mut ask.area,
        Some(Ask::Recipe(ask)) => ask.why.as_mut().unwrap_or(&mut ask.area),
        _ => return,
    };
    area.insert_str(crate::scrub::block(text));
}
