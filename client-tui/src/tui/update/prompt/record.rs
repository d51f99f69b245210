//! The questions before a record: what it is for, its dry run, and the signature under its files. `y` signs and nothing else does. Never here: how it is drawn.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use deadwax_proto::v1::{self as v1, PlanResponse, ProfileInfo, RecordProfile, action::Action as Do};

use super::{Next, type_line};
use crate::{
    receipt::{
        approve::{What, Wish},
        secret::Secret,
    },
    tui::{
        keys::Verb,
        model::{Ask, Link, Model, Prompt, Sends, YesOrNo, text_area},
        msg::{Effect, Failure},
        record::{Order, PAGES, PANES, Page, Pane, PlanAsk, ProfilesAsk, SignAsk},
        rows::PROJECT_KEY,
        signing::Key,
        transfers::paths_of,
        update::{act, plan_length, record, signing},
    },
    verbs::record::{balance, told},
};

/// Opens the list; the profiles of the newest record are chosen, since most records are made again for the same.
pub(in crate::tui::update) fn choose(model: &mut Model, project: String) -> Vec<Effect> {
    let mut ask = ProfilesAsk {
        chosen: Default::default(),
        project,
        ticket: None,
        at: 0,
        pane: Pane::List,
        own: text_area(""),
        loudest: text_area(""),
        problem: None,
    };
    let mut effects = Vec::new();
    if model.record.profiles.is_some() {
        choose_last(model, &mut ask);
    } else {
        let ticket = model.next_ticket();
        ask.ticket = Some(ticket);
        effects.push(Effect::Record(Order::Profiles { ticket }));
    }
    model.prompt = Some(Prompt { ask: Ask::Profiles(Box::new(ask)), shown: false });
    effects
}

fn choose_last(model: &Model, ask: &mut ProfilesAsk) {
    let records = model.projects.get(&ask.project).map(|it| it.records());
    let Some(newest) = records.as_ref().and_then(|it| it.first()) else { return };
    // A row may say the date behind the name.
    let same = |name: &str, made: &str| {
        made.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    };
    let all = model.record.profiles.iter().flatten();
    let last = all.filter(|it| newest.profiles.iter().any(|made| same(&it.name, made)));
    ask.chosen = last.map(|it| it.name.clone()).collect();
    if let Some(lufs) = newest.loudest_track_lufs {
        ask.loudest = text_area(&format!("{lufs}"));
    }
}

pub(in crate::tui::update) fn profiles_came(
    model: &mut Model,
    ticket: u64,
    outcome: Result<Vec<ProfileInfo>, Failure>,
) {
    let Some(Prompt { ask: Ask::Profiles(ask), .. }) = &model.prompt else { return };
    if ask.ticket != Some(ticket) {
        return;
    }
    let mut ask = ask.clone();
    ask.ticket = None;
    match outcome {
        Ok(mut list) => {
            // Their texts are the studio's to read; names are enough to ask.
            list.iter_mut().for_each(|it| it.toml = String::new());
            model.record.profiles = Some(list);
            choose_last(model, &mut ask);
        }
        Err(Failure::Refused { text, hint, .. }) => ask.problem = Some(format!("{text} {hint}")),
        Err(Failure::Offline(why)) => ask.problem = Some(why),
    }
    if let Some(prompt) = &mut model.prompt {
        prompt.ask = Ask::Profiles(ask);
    }
}

pub(super) fn profiles_key(model: &mut Model, mut ask: Box<ProfilesAsk>, event: KeyEvent) -> Next {
    let list = model.record.profiles.as_deref().unwrap_or_default();
    let last = list.len().saturating_sub(1);
    let pane = PANES.iter().position(|it| *it == ask.pane).unwrap_or(0);
    let in_list = ask.pane == Pane::List;
    match event.code {
        KeyCode::Esc => return Next::Close,
        KeyCode::Tab => ask.pane = PANES[(pane + 1) % PANES.len()],
        KeyCode::BackTab => ask.pane = PANES[(pane + PANES.len() - 1) % PANES.len()],
        KeyCode::Enter => return dry_run(model, ask),
        KeyCode::Up | KeyCode::Char('k') if in_list => ask.at = ask.at.min(last).saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') if in_list => ask.at = (ask.at + 1).min(last),
        KeyCode::PageUp if in_list => ask.at = ask.at.min(last).saturating_sub(10),
        KeyCode::PageDown if in_list => ask.at = (ask.at + 10).min(last),
        KeyCode::Home if in_list => ask.at = 0,
        KeyCode::End if in_list => ask.at = last,
        KeyCode::Char(' ' | 'x') if in_list => {
            ask.problem = None;
            if let Some(it) = list.get(ask.at)
                && !ask.chosen.remove(&it.name)
            {
                ask.chosen.insert(it.name.clone());
            }
        }
        _ if in_list => {}
        _ => {
            ask.problem = None;
            let area = if ask.pane == Pane::Own { &mut ask.own } else { &mut ask.loudest };
            type_line(area, event);
        }
    }
    Next::Keep(Ask::Profiles(ask))
}

/// What is typed as a level; an error is a sentence.
fn loudest(ask: &ProfilesAsk) -> Result<Option<f64>, &'static str> {
    let text = ask.loudest.lines().join(" ").replace('\u{2212}', "-").replace(',', ".");
    let text = text.trim().trim_end_matches("LUFS").trim();
    if text.is_empty() {
        return Ok(None);
    }
    let level: Option<f64> = text.parse().ok().filter(|it: &f64| it.is_finite());
    level.map(Some).ok_or("The level is a number of LUFS such as -14, or nothing.")
}

fn dry_run(model: &mut Model, mut ask: Box<ProfilesAsk>) -> Next {
    let own = paths_of(&ask.own.lines().join("\n"));
    let level = loudest(&ask);
    ask.problem = match &level {
        _ if !model.online() => Some(super::CUT.into()),
        _ if ask.chosen.is_empty() && own.is_empty() => {
            Some("Choose at least one profile: Space on its line.".into())
        }
        Err(why) => Some((*why).into()),
        Ok(_) => None,
    };
    let Ok(loudest) = level else { return Next::Keep(Ask::Profiles(ask)) };
    if ask.problem.is_some() {
        return Next::Keep(Ask::Profiles(ask));
    }
    let ticket = model.next_ticket();
    // The sides are seen against it in the Album room; a disc has none.
    let medium = model.album.medium();
    let medium = if medium.has_sides() { medium.name.clone() } else { String::new() };
    let listed = model.record.profiles.iter().flatten().map(|it| it.name.clone());
    let order = Order::Plan {
        ticket,
        project_id: ask.project.clone(),
        names: listed.filter(|it| ask.chosen.contains(it)).collect(),
        own,
        loudest,
        medium: medium.clone(),
    };
    let plan = PlanAsk {
        project: ask.project.clone(),
        ticket: Some(ticket),
        profiles: Vec::new(),
        loudest,
        medium,
        plan: None,
        levels: Vec::new(),
        problem: None,
        page: Page::Findings,
        at: 0,
        back: ask,
    };
    Next::Run(Ask::Plan(Box::new(plan)), Box::new(Effect::Record(order)))
}

type Planned = Result<(Vec<RecordProfile>, Box<PlanResponse>), Failure>;

pub(in crate::tui::update) fn planned(model: &mut Model, ticket: u64, outcome: Planned) {
    let Some(Prompt { ask: Ask::Plan(ask), .. }) = &mut model.prompt else { return };
    if ask.ticket != Some(ticket) {
        return;
    }
    ask.ticket = None;
    match outcome {
        Ok((profiles, plan)) => {
            ask.levels = levels(&plan);
            let table = balance::table(&plan.consistency_json).unwrap_or_default();
            model.record.balance = Some((ask.project.clone(), plan.spacing, table));
            // Where nothing is found the files are what is looked at.
            ask.page = if plan.findings.is_empty() { Page::Files } else { Page::Findings };
            (ask.profiles, ask.plan) = (profiles, Some(plan));
        }
        Err(Failure::Refused { text, hint, .. }) => ask.problem = Some((text, hint)),
        Err(Failure::Offline(why)) => {
            ask.problem = Some((why, "Esc goes back; try again when the line is up.".into()));
        }
    }
}

fn levels(plan: &PlanResponse) -> Vec<String> {
    let mut lines = match told::penalties(&plan.penalties_json) {
        Some(all) => all.iter().map(told::penalty).collect(),
        None => vec!["The studio's report on levels cannot be read by this client.".to_owned()],
    };
    lines.extend(told::outliers(&plan.consistency_json));
    match balance::table(&plan.consistency_json) {
        Some(table) => lines.extend(balance::lines(&table)),
        None => lines.push("The studio's report on the songs cannot be read by this client.".to_owned()),
    }
    lines
}

pub(super) fn plan_key(model: &mut Model, mut ask: Box<PlanAsk>, event: KeyEvent) -> Next {
    let last = plan_length(&ask).saturating_sub(1);
    let page = PAGES.iter().position(|it| *it == ask.page).unwrap_or(0);
    match event.code {
        KeyCode::Esc | KeyCode::Char('q') => {
            return Next::Ask(Prompt { ask: Ask::Profiles(ask.back), shown: false });
        }
        KeyCode::Tab | KeyCode::Right => (ask.page, ask.at) = (PAGES[(page + 1) % PAGES.len()], 0),
        KeyCode::BackTab | KeyCode::Left => {
            (ask.page, ask.at) = (PAGES[(page + PAGES.len() - 1) % PAGES.len()], 0);
        }
        KeyCode::Up | KeyCode::Char('k') => ask.at = ask.at.min(last).saturating_sub(1),
        KeyCode::Down | KeyCode::Char('j') => ask.at = (ask.at + 1).min(last),
        KeyCode::PageUp => ask.at = ask.at.min(last).saturating_sub(10),
        KeyCode::PageDown => ask.at = (ask.at + 10).min(last),
        KeyCode::Home => ask.at = 0,
        KeyCode::End => ask.at = last,
        KeyCode::Char('s') if event.modifiers.difference(KeyModifiers::SHIFT).is_empty() => {
            return start(model, ask);
        }
        _ => {}
    }
    Next::Keep(Ask::Plan(ask))
}

/// From the dry run to the question. What blocks is mended first.
fn start(model: &mut Model, ask: Box<PlanAsk>) -> Next {
    let Some(plan) = &ask.plan else { return Next::Keep(Ask::Plan(ask)) };
    let blocks = told::blocks(plan);
    if blocks > 0 || act::unsendable(model, Verb::StartRecord).is_some() {
        // The foot of the page says so already.
        return Next::Keep(Ask::Plan(ask));
    }
    let names: Vec<String> = ask.profiles.iter().map(|it| crate::scrub::line(&it.name)).collect();
    let subject = act::subject(model);
    let then = subject.map(|it| act::consequence(model, &it, Verb::StartRecord)).unwrap_or_default();
    let medium = ask.cut_on().to_owned();
    let action = v1::StartRecord {
        record_id: model.new_id(),
        spacing: plan.spacing,
        profiles: ask.profiles.clone(),
        loudest_track_lufs: ask.loudest,
        medium: medium.clone(),
        basis: plan.basis.clone(),
    };
    let mut lines = vec![then, format!("{}.", told::sum(plan)), format!("For {}.", names.join(", "))];
    if let Some(lufs) = ask.loudest {
        lines.push(format!("All songs are moved together: the loudest plays at {lufs:.1} LUFS."));
    }
    if !medium.is_empty() {
        lines.push(format!("Its sides are for {medium}; the Album room chooses another."));
    }
    let confirm = YesOrNo {
        project: ask.project.clone(),
        verb: Verb::StartRecord,
        about: PROJECT_KEY.into(),
        title: "Make this record?".into(),
        lines,
        yes: "Make it",
        sends: Sends::Action(Do::StartRecord(action)),
        say: "the record".into(),
    }
    .asked_from(Some(Box::new(Ask::Plan(ask))));
    Next::Ask(Prompt { ask: Ask::Confirm(Box::new(confirm)), shown: false })
}

/// Why a yes to this signature would be refused now, with the next step.
pub fn problem(model: &Model, ask: &SignAsk) -> Option<(String, String)> {
    let look = "Close this with Esc and look at what is there now.".to_owned();
    if model.link != Link::Online {
        let text = "Not connected: nothing can be signed now.".into();
        return Some((text, "Wait for the line to come back.".into()));
    }
    if ask.roles.is_empty() {
        let text = "You hold no role here that could approve.".into();
        return Some((text, "Ask a manager for a role.".into()));
    }
    let rows = model.projects.get(&ask.project)?;
    match record::by_number(rows, ask.number).filter(|it| it.record_id == ask.record) {
        None => Some((format!("Record {} is no longer there.", ask.number), look)),
        Some(row) if row.fingerprint != ask.fingerprint => {
            Some(("The files changed while this was open.".into(), look))
        }
        Some(row) if row.files.is_empty() => Some((
            format!("The files of Record {} are not here yet.", ask.number),
            "They come in a moment: what is signed is held against them.".to_owned(),
        )),
        Some(_) if !ask.fits => Some((
            format!("Record {} has another fingerprint than its files have.", ask.number),
            "Tell the studio: what it lists does not fit together.".to_owned(),
        )),
        Some(row) if row.outdated => Some((
            format!("Record {} is outdated. {}", ask.number, row.outdated_by.join(" ")).trim_end().to_owned(),
            look,
        )),
        Some(_) => None,
    }
}

pub(super) fn sign_key(model: &mut Model, mut ask: Box<SignAsk>, event: KeyEvent, shown: bool) -> Next {
    if model.signing.run.is_some() {
        // It is under way: nothing but leaving changes it.
        return match event.code {
            KeyCode::Esc => Next::All(None, signing::stop(model)),
            _ => Next::Keep(Ask::SignRecord(ask)),
        };
    }
    if event.code == KeyCode::Esc || (event.code == KeyCode::Char('n') && ask.passphrase.is_none()) {
        model.signing.problem = None;
        return Next::Close;
    }
    // Files may have come under the same fingerprint while it was open.
    ask.fits = record::fits(model, &ask);
    let refused = problem(model, &ask).is_some();
    if let Some(passphrase) = &mut ask.passphrase {
        if signing::typed(passphrase, event) || event.code != KeyCode::Enter || refused {
            return Next::Keep(Ask::SignRecord(ask));
        }
        return with_key(model, ask);
    }
    let count = ask.roles.len().max(1);
    match event.code {
        KeyCode::Char('y') if event.modifiers.is_empty() && shown && !refused => {
            return match &model.signing.key {
                Key::Ready { .. } => with_key(model, ask),
                Key::Locked { .. } => {
                    ask.passphrase = Some(Secret::default());
                    Next::Keep(Ask::SignRecord(ask))
                }
                // What was set up and cannot be used is mended first: nobody signs without by accident.
                Key::Broken { .. } => Next::Keep(Ask::SignRecord(ask)),
                // Without a key it goes where there is none, not where nobody knows yet.
                Key::Unknown => {
                    model.signing.waits = true;
                    Next::Keep(Ask::SignRecord(ask))
                }
                Key::None => without_key(model, *ask),
            };
        }
        KeyCode::Down => ask.role = (ask.role + 1) % count,
        KeyCode::Up => ask.role = (ask.role + count - 1) % count,
        _ => {}
    }
    Next::Keep(Ask::SignRecord(ask))
}

fn without_key(model: &mut Model, ask: SignAsk) -> Next {
    let Some(role) = ask.roles.get(ask.role).copied() else { return Next::Close };
    let action = v1::ApproveRecord {
        approval_id: model.new_id(),
        record_id: ask.record,
        role: role.into(),
        fingerprint: ask.fingerprint,
        receipt: None,
    };
    let say = format!("the approval of Record {}", ask.number);
    let about = format!("record/{}", ask.number);
    let action = Do::ApproveRecord(action);
    Next::Send(Box::new(act::pending(model, ask.project, Verb::ApproveRecord, about, action, say)))
}

/// The prompt stays and tells how far it is.
fn with_key(model: &mut Model, mut ask: Box<SignAsk>) -> Next {
    let Some(role) = ask.roles.get(ask.role).copied() else { return Next::Close };
    let wish = Wish {
        project_id: ask.project.clone(),
        what: What::Record { record_id: ask.record.clone(), fingerprint: ask.fingerprint.clone() },
        role,
        approval_id: model.new_id(),
    };
    let say = format!("the approval of Record {}", ask.number);
    let passphrase = ask.passphrase.take();
    let begun = signing::begin(model, wish, say, passphrase);
    Next::Run(Ask::SignRecord(ask), Box::new(begun))
}

/// A paste goes into the line that has the keys, as one line; among the profiles it is the path of one's own.
pub(super) fn paste(ask: &mut ProfilesAsk, text: &str) {
    // A path has to be found as it is written: it is not composed.
    let harmless = |c: char| if c == '\n' { Some(' ') } else { (!crate::scrub::is_hostile(c)).then_some(c) };
    let text: String = text.trim().chars().filter_map(harmless).collect();
    let area = if ask.pane == Pane::Loudest { &mut ask.loudest } else { &mut ask.own };
    area.insert_str(text);
    if ask.pane == Pane::List {
        ask.pane = Pane::Own;
    }
}
