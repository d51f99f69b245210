//! Keys where a prompt is open, and what its yes sends. A yes counts only after the prompt was on the screen, and an approval only while
//! the version on the server is still the one that was quoted.

pub(super) mod blind;
pub(super) mod choose;
pub(super) mod form;
pub(super) mod recipe;
pub(super) mod record;
pub(super) mod revision;
pub(super) mod sections;
pub(super) mod shootout;
pub(super) mod sign;
mod signed;
pub(super) mod upload;
pub(super) mod write;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use deadwax_proto::v1::{self as v1, VersionRow, action::Action as Do};
use ratatui_textarea::TextArea;

use super::{act, hands, offline, signing};
use crate::receipt::{
    approve::{What, Wish},
    secret::Secret,
};
use crate::tui::{
    draw,
    keys::Verb,
    model::{
        ApproveAsk, Ask, ConfirmAsk, Link, Model, Notice, Pending, Prompt, ReadAsk, Sends, Sign, TickAsk,
        text_area,
    },
    msg::Effect,
    people::Order as PeopleOrder,
    rows::Project,
    signing::Key,
    words,
};

const DISCARD: &str = "Esc again puts the text aside; U brings it back.";
const EMPTY: &str = "Nothing is written yet.";
const CUT: &str = "Not connected. The text stays here; try again when the line is back.";

/// What became of the prompt after a key.
enum Next {
    Keep(Ask),
    Close,
    /// Another question.
    Ask(Prompt),
    /// Keys of the screen below, one after the other.
    Press(Vec<Verb>),
    Send(Box<Pending>),
    /// Asks for something that is no command.
    Do(Box<Effect>),
    Run(Ask, Box<Effect>),
    /// What stays open, if anything, and all that is to be done.
    All(Option<Ask>, Vec<Effect>),
    /// Several commands of one answer.
    SendAll(Vec<Pending>),
}

pub(super) fn key(model: &mut Model, event: KeyEvent) -> Vec<Effect> {
    let Some(Prompt { ask, shown }) = model.prompt.take() else { return Vec::new() };
    model.hands.refused = None;
    // A link is kept nowhere.
    let kept = !matches!(ask, Ask::Link(_)) && holds_text(&ask);
    let left = (event.code == KeyCode::Esc && kept).then(|| ask.clone());
    let sends = matches!(event.code, KeyCode::Enter | KeyCode::Char('y'));
    let written = if sends { hands::given_back::worth(&ask) } else { None };
    let before = model.pending.len();
    let next = match ask {
        Ask::Approve(ask) => approve(model, ask, event, shown),
        Ask::Confirm(ask) => confirm(model, ask, event, shown),
        Ask::Write(ask) => write::key(model, ask, event, shown),
        Ask::Tick(ask) => tick(model, ask, event),
        Ask::Revision(ask) => revision::key(model, ask, event),
        Ask::Recipe(ask) => recipe::key(model, ask, event),
        Ask::Entrants(ask) => shootout::entrants_key(model, ask, event, shown),
        Ask::Vote(ask) => shootout::vote_key(model, ask, event),
        Ask::Blind(ask) => blind::key(model, ask, event),
        Ask::Sections(ask) => sections::key(model, ask, event),
        Ask::Follow(ask) => choose::follow_key(model, ask, event),
        Ask::Palette(ask) => choose::palette_key(model, ask, event),
        Ask::Read(ask) => read(model, ask, event),
        Ask::Form(ask) => form::key(model, ask, event, shown),
        Ask::Upload(ask) => upload::key(model, ask, event, shown),
        Ask::Search(ask) => form::search_key(model, ask, event),
        Ask::Link(ask) => form::link_key(ask, event, shown),
        Ask::Profiles(ask) => record::profiles_key(model, ask, event),
        Ask::Plan(ask) => record::plan_key(model, ask, event),
        Ask::SignRecord(ask) => record::sign_key(model, ask, event, shown),
    };
    match next {
        Next::Keep(ask) => {
            model.prompt = Some(Prompt { ask, shown });
            Vec::new()
        }
        Next::Close => {
            if let Some(ask) = left {
                super::hands::thrown_away(model, ask);
            }
            Vec::new()
        }
        Next::Ask(prompt) => {
            model.prompt = Some(prompt);
            Vec::new()
        }
        Next::Press(verbs) => verbs.into_iter().flat_map(|verb| super::nav::press(model, verb)).collect(),
        Next::Send(pending) => {
            let effects = hands::send_all(model, *pending);
            remember(model, before, written);
            effects
        }
        Next::Do(effect) => {
            let of = match &*effect {
                Effect::People(PeopleOrder::Invite(_)) => Some(hands::given_back::INVITE),
                Effect::People(PeopleOrder::Share(_)) => Some(hands::given_back::SHARE),
                _ => None,
            };
            if let (Some(of), Some(ask)) = (of, written) {
                hands::given_back::keep(model, of, ask);
            }
            vec![*effect]
        }
        Next::Run(ask, effect) => {
            model.prompt = Some(Prompt { ask, shown });
            vec![*effect]
        }
        Next::All(ask, effects) => {
            model.prompt = ask.map(|ask| Prompt { ask, shown });
            effects
        }
        Next::SendAll(all) => {
            let effects = all.into_iter().map(|pending| act::send(model, pending)).collect();
            remember(model, before, written);
            effects
        }
    }
}

/// The commands that went out since keep what they were written in, until the studio has answered.
fn remember(model: &mut Model, before: usize, written: Option<Ask>) {
    let Some(ask) = written else { return };
    let ids: Vec<String> = model.pending.iter().skip(before).map(|it| it.command_id.clone()).collect();
    for id in ids {
        hands::given_back::keep(model, &id, ask.clone());
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
        let newest = newest(rows, version).map_or("A newer version".into(), words::version);
        let text = format!("{newest} came while this was open. {} is superseded.", words::version(version));
        return Some((text, look));
    }
    if version.fingerprint != ask.fingerprint {
        return Some(("The files changed while this was open.".into(), look));
    }
    None
}

/// Of the same line, where mixes compete.
fn newest<'a>(rows: &'a Project, version: &VersionRow) -> Option<&'a VersionRow> {
    rows.versions(&version.song_id).into_iter().find(|it| it.line == version.line)
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
    if model.signing.run.is_some() {
        // It is under way: nothing but leaving changes it.
        return match event.code {
            KeyCode::Esc => Next::All(None, signing::stop(model)),
            _ => Next::Keep(Ask::Approve(ask)),
        };
    }
    if let Some(passphrase) = &mut ask.passphrase
        && event.code != KeyCode::Esc
    {
        if signing::typed(passphrase, event)
            || event.code != KeyCode::Enter
            || approve_problem(model, &ask).is_some()
        {
            return Next::Keep(Ask::Approve(ask));
        }
        return sign_with_key(model, ask);
    }
    if is_no(event, ask.on_yes) {
        model.signing.problem = None;
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
        match (&ask.sign, &model.signing.key) {
            (Sign::Approve, Key::Ready { .. }) => return sign_with_key(model, ask),
            (Sign::Approve, Key::Locked { .. }) => {
                ask.passphrase = Some(Secret::default());
                return Next::Keep(Ask::Approve(ask));
            }
            // Without a key it goes where there is none, not where nobody knows yet.
            (Sign::Approve, Key::Unknown) => {
                model.signing.waits = true;
                return Next::Keep(Ask::Approve(ask));
            }
            // What was set up and cannot be used is mended first: nobody signs without by accident.
            (Sign::Approve, Key::Broken { .. }) => return Next::Keep(Ask::Approve(ask)),
            _ => {}
        }
        return without_key(model, ask);
    }
    match event.code {
        KeyCode::Tab | KeyCode::BackTab | KeyCode::Left | KeyCode::Right => ask.on_yes = !ask.on_yes,
        KeyCode::Down => ask.role = (ask.role + 1) % ask.roles.len(),
        KeyCode::Up => ask.role = (ask.role + ask.roles.len() - 1) % ask.roles.len(),
        _ => {}
    }
    Next::Keep(Ask::Approve(ask))
}

/// As it goes out where there is no key, or where none is asked for.
fn without_key(model: &mut Model, ask: ApproveAsk) -> Next {
    let about = format!("version/{}", ask.version);
    let version = model.projects.get(&ask.project).and_then(|rows| rows.version(&ask.version));
    let name = version.map_or("the version".into(), words::version);
    let role = ask.roles[ask.role].into();
    let (verb, action, say) = match ask.sign {
        Sign::Approve => {
            let action = v1::Approve {
                receipt: None,
                approval_id: model.new_id(),
                version_id: ask.version,
                role,
                fingerprint: ask.fingerprint,
            };
            (Verb::Approve, Do::Approve(action), format!("the approval of {name}"))
        }
        Sign::Pick { song, reason } => {
            let action = v1::PickMix {
                song_id: song,
                version_id: ask.version,
                role,
                fingerprint: ask.fingerprint,
                reason,
            };
            (Verb::Pick, Do::PickMix(action), format!("the pick of {name}"))
        }
    };
    Next::Send(Box::new(act::pending(model, ask.project, verb, about, action, say)))
}

/// The prompt stays and tells how far it is.
fn sign_with_key(model: &mut Model, mut ask: ApproveAsk) -> Next {
    let rows = model.projects.get(&ask.project);
    let name = rows.and_then(|it| it.version(&ask.version)).map_or("the version".into(), words::version);
    let wish = Wish {
        project_id: ask.project.clone(),
        what: What::Version { version_id: ask.version.clone(), fingerprint: ask.fingerprint.clone() },
        role: ask.roles[ask.role],
        approval_id: model.new_id(),
    };
    let passphrase = ask.passphrase.take();
    let effect = signing::begin(model, wish, format!("the approval of {name}"), passphrase);
    Next::Run(Ask::Approve(ask), Box::new(effect))
}

fn confirm(model: &mut Model, ask: Box<ConfirmAsk>, event: KeyEvent, shown: bool) -> Next {
    let mut ask = match signed::key(model, ask, event, shown) {
        Ok(next) => return next,
        Err(ask) => ask,
    };
    if is_no(event, ask.on_yes) {
        return match ask.back.take() {
            Some(back) => Next::Ask(Prompt { ask: *back, shown: false }),
            None => Next::Close,
        };
    }
    if is_yes(event, ask.on_yes) {
        if !shown {
            return Next::Keep(Ask::Confirm(ask));
        }
        if let Sends::Order(order) = &ask.sends
            && let Effect::ForgetUnsent { command_id } = &**order
        {
            offline::drop_unsent(model, command_id);
            return Next::Close;
        }
        // Stopping a transfer is done on this machine.
        let here = matches!(&ask.sends, Sends::Order(it) if matches!(**it, Effect::Transfer(_)));
        if let Some(refused) = act::unsendable(model, ask.verb).filter(|_| !here) {
            model.notice = Some(refused);
            return Next::Close;
        }
        return match ask.sends {
            Sends::Signed(it) => {
                let pending = act::pending(model, ask.project, ask.verb, ask.about, it.unsigned, ask.say);
                Next::Send(Box::new(pending))
            }
            Sends::Order(effect) => Next::Do(effect),
            Sends::Heard(request) => Next::Do(Box::new(Effect::ReportHeard { request, say: ask.say })),
            Sends::Actions(all) => {
                let project = ask.project;
                let one = |(verb, about, action, say)| {
                    act::pending(model, project.clone(), verb, about, action, say)
                };
                Next::SendAll(all.into_iter().map(one).collect())
            }
            Sends::Action(action) => {
                let pending = act::pending(model, ask.project, ask.verb, ask.about, action, ask.say);
                Next::Send(Box::new(pending))
            }
        };
    }
    let last = draw::confirm_last(model, &ask);
    match event.code {
        KeyCode::Tab | KeyCode::BackTab | KeyCode::Left | KeyCode::Right => ask.on_yes = !ask.on_yes,
        KeyCode::Up | KeyCode::Char('k') => ask.at = ask.at.min(last).saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => ask.at = (ask.at + 1).min(last),
        KeyCode::PageUp => ask.at = ask.at.min(last).saturating_sub(10),
        KeyCode::PageDown => ask.at = (ask.at + 10).min(last),
        _ => {}
    }
    Next::Keep(Ask::Confirm(ask))
}

fn text(area: &TextArea<'_>) -> String {
    area.lines().join("\n").trim().to_owned()
}

/// Whether something was written that leaving would throw away.
pub(super) fn holds_text(ask: &Ask) -> bool {
    match ask {
        Ask::Write(ask) => !text(&ask.area).is_empty(),
        Ask::Revision(ask) => !text(&ask.area).is_empty(),
        Ask::Vote(ask) => !text(&ask.area).is_empty(),
        Ask::Recipe(ask) => ask.why.is_some() || ask.area.lines().join("\n").trim() != ask.start.trim(),
        Ask::Confirm(ask) => ask.back.as_deref().is_some_and(holds_text),
        Ask::Approve(ask) => matches!(&ask.sign, Sign::Pick { reason, .. } if !reason.is_empty()),
        Ask::Upload(ask) => !text(&ask.paths).is_empty() || !text(&ask.changelog).is_empty(),
        // Shown once: whoever leaves here has to invite anew.
        Ask::Link(ask) => ask.copied.is_none(),
        Ask::Sections(ask) => ask.changed,
        Ask::Blind(_)
        | Ask::Tick(_)
        | Ask::Entrants(_)
        | Ask::Follow(_)
        | Ask::Palette(_)
        | Ask::Read(_)
        | Ask::Profiles(_)
        | Ask::Plan(_)
        | Ask::SignRecord(_)
        | Ask::Search(_) => false,
        Ask::Form(ask) => ask.holds_text(),
    }
}

fn is_ctrl(event: KeyEvent, c: char) -> bool {
    event.modifiers.contains(KeyModifiers::CONTROL) && event.code == KeyCode::Char(c)
}

/// A text of one line.
fn type_line(area: &mut TextArea<'static>, event: KeyEvent) {
    if is_ctrl(event, 'u') {
        area.select_all();
        area.cut();
    } else if !is_ctrl(event, 'j') && !is_ctrl(event, 'm') && event.code != KeyCode::Enter {
        area.input(event);
    }
}

/// Enter sends; Alt-Enter and Ctrl-J break the line.
fn type_text(area: &mut TextArea<'static>, event: KeyEvent) {
    if is_ctrl(event, 'j') || (event.code == KeyCode::Enter && !event.modifiers.is_empty()) {
        area.insert_newline();
    } else if is_ctrl(event, 'u') {
        area.delete_line_by_head();
    } else if is_ctrl(event, 'z') {
        area.undo();
    } else {
        area.input(event);
    }
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
            if let Some(refused) = act::unsendable(model, Verb::Tick) {
                model.notice = Some(refused);
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

fn read(model: &mut Model, mut ask: Box<ReadAsk>, event: KeyEvent) -> Next {
    let last = ask.lines.len().saturating_sub(1);
    let marked = ask.unsent.get(ask.chosen);
    let below = ask.chosen + 1 < ask.unsent.len();
    match event.code {
        KeyCode::Char('x') if marked.is_some() => {
            let drops = marked.and_then(|id| offline::ask_drop(model, id));
            return drops.map_or(Next::Close, |ask| Next::Ask(Prompt { ask, shown: false }));
        }
        // The mark moves among what waits, then the page does.
        KeyCode::Up | KeyCode::Char('k') if ask.chosen > 0 && ask.at <= ask.chosen => {
            return marked_at(model, ask.chosen - 1);
        }
        KeyCode::Down | KeyCode::Char('j') if below => return marked_at(model, ask.chosen + 1),
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

fn marked_at(model: &mut Model, chosen: usize) -> Next {
    offline::list_at(model, chosen);
    model.prompt.take().map_or(Next::Close, Next::Ask)
}

pub(super) fn edited(model: &mut Model, outcome: Result<String, String>) -> Vec<Effect> {
    let text = match outcome {
        Ok(text) => crate::scrub::block(&text),
        Err(why) => {
            model.label_copy.outside = None;
            model.notice = Some(Notice::Refused {
                text: format!("The editor did not work: {why}."),
                hint: "Set EDITOR to one that runs in a terminal, or write here.".into(),
            });
            return Vec::new();
        }
    };
    if let Some(effects) = super::label_copy::edited(model, &text) {
        return effects;
    }
    match model.prompt.as_mut().map(|prompt| &mut prompt.ask) {
        Some(Ask::Write(ask)) => ask.area = text_area(&text),
        Some(Ask::Revision(ask)) => ask.area = text_area(&text),
        Some(Ask::Vote(ask)) => ask.area = text_area(&text),
        Some(Ask::Recipe(ask)) => {
            ask.area = text_area(&text);
            ask.area.set_line_number_style(ratatui::style::Style::default());
            recipe::changed(ask, model.now_ms);
        }
        _ => {}
    }
    Vec::new()
}

/// A paste is text and never a key: it cannot confirm anything.
pub(super) fn paste(model: &mut Model, text: &str) -> Vec<Effect> {
    if matches!(&model.prompt, Some(Prompt { ask: Ask::Upload(_), .. })) {
        return upload::paste(model, text);
    }
    if let Some(Prompt { ask: Ask::Search(ask), .. }) = &mut model.prompt {
        ask.area.insert_str(crate::scrub::line(text));
        let sought = ask.area.lines().join(" ");
        super::history::search(model, &sought);
        return Vec::new();
    }
    if let Some(Ask::Sections(ask)) = model.prompt.as_mut().map(|prompt| &mut prompt.ask) {
        sections::pasted(ask, text);
        return Vec::new();
    }
    let area = match model.prompt.as_mut().map(|prompt| &mut prompt.ask) {
        Some(Ask::Write(ask)) => &mut ask.area,
        Some(Ask::Revision(ask)) if ask.writing => &mut ask.area,
        Some(Ask::Recipe(ask)) => ask.why.as_mut().unwrap_or(&mut ask.area),
        Some(Ask::Vote(ask)) if ask.writing => &mut ask.area,
        Some(Ask::Palette(ask)) => {
            ask.typed.push_str(&crate::scrub::line(text).chars().take(80).collect::<String>());
            ask.at = 0;
            return Vec::new();
        }
        Some(Ask::Profiles(ask)) => {
            record::paste(ask, text);
            return Vec::new();
        }
        Some(Ask::Form(ask)) => {
            form::paste(ask, text);
            return Vec::new();
        }
        _ => return Vec::new(),
    };
    area.insert_str(crate::scrub::block(text));
    let now_ms = model.now_ms;
    if let Some(Ask::Recipe(ask)) = model.prompt.as_mut().map(|prompt| &mut prompt.ask)
        && ask.why.is_none()
    {
        recipe::changed(ask, now_ms);
    }
    Vec::new()
}
