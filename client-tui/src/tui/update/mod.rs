//! `update`: the model and one message in, the changed model and effects out. Pure: no clock, no IO, no randomness but the model's own
//! generator. What the network told is taken in here; keys go on to `keys`, `act` and `prompt`.

mod act;
mod album;
mod board;
mod compare;
mod delivery;
pub(super) mod hands;
mod history;
mod label_copy;
mod listen;
mod master;
mod mouse;
mod nav;
mod offline;
mod pages;
mod people;
mod presence;
mod prompt;
mod read;
mod record;
mod share;
pub(in crate::tui) mod signing;
mod song;
mod transfers;
mod turnaround;
mod wake;

use crossterm::event::{MouseEvent, MouseEventKind};
use deadwax_proto::v1::{PerformResponse, ProjectSummary, RenderState, Update};

use super::{
    draw, keys,
    model::{
        Link, Model, Notice, Pending, Prompt, RecipeCheck, Screen, SongView, Subscribed, Wave, WaveState,
    },
    msg::{Effect, Failure, Msg, Page, WaveAsk},
    offline::Said,
    rows,
    settings::Ground,
};
pub use act::song_verb;
pub(super) use act::{Subject, may, subject};
pub use compare::pair_on;
pub use hands::counted;
pub use listen::{is_blind, pauses};
pub(super) use master::other as render_beside;
pub use offline::at_end;
pub(super) use offline::keeps;
pub use pages::{approval as approval_line, examined};
pub use prompt::{
    approve_problem,
    blind::verdict as blind_verdict,
    choose::{Found, matches as palette},
    record::problem as sign_problem,
    sign::before_signing,
    upload::{kind_name, remarks},
    write::parted,
};
pub(super) use read::before as version_before;
pub(super) use record::{
    approval as record_approval, by_number as record_by_number, plan_length, shown as record_shown,
    source as record_source,
};
pub use wake::wake_ms;

/// The longest wait between two tries to connect.
const RETRY_MS_MAX: u64 = 30_000;

pub fn update(model: &mut Model, msg: Msg) -> Vec<Effect> {
    // A mouse that only moves changes nothing that is seen.
    let moves = |it: &MouseEvent| it.kind == MouseEventKind::Moved;
    // What tells by itself whether it changed the screen.
    let ticked = matches!(msg, Msg::Tick(_) | Msg::Shown | Msg::Play(_))
        || matches!(&msg, Msg::Mouse(it) if moves(it));
    let looked = matches!(msg, Msg::Key(_) | Msg::Mouse(_)).then(|| listen::look(model)).flatten();
    model.projects.values_mut().for_each(rows::Project::rest);
    let mut effects = taken(model, msg);
    if !ticked {
        model.dirty = true;
    }
    hands::settle(model);
    if looked.is_some() {
        listen::follow_look(model, looked, &mut effects);
    }
    compare::reconcile(model, &mut effects);
    song::picture(model, &mut effects);
    reconcile(model, &mut effects);
    record::reconcile(model, &mut effects);
    people::reconcile(model, &mut effects);
    history::reconcile(model, &mut effects);
    offline::reconcile(model, &mut effects);
    master::reconcile(model, &mut effects);
    presence::reconcile(model, &mut effects);
    label_copy::reconcile(model);
    signing::reconcile(model, &mut effects);
    effects
}

/// Each message in one line: what it changes stands below, or in the file of its screen.
fn taken(model: &mut Model, msg: Msg) -> Vec<Effect> {
    let mut effects = Vec::new();
    match msg {
        Msg::Key(event) => effects = nav::key(model, event),
        Msg::Mouse(event) => effects = mouse::mouse(model, event),
        Msg::Paste(text) => effects = pasted(model, &text),
        Msg::Resize(columns, rows) => resized(model, (columns, rows)),
        Msg::Tick(now_ms) => {
            tick(model, now_ms);
            effects = prompt::recipe::tick(model);
            offline::tick(model, &mut effects);
            effects.extend(hands::kept(model));
        }
        Msg::Shown => shown(model),
        Msg::Connected { me, studio, projects } => {
            (model.me, model.studio) = (Some(me), studio);
            effects = connected(model, projects);
        }
        Msg::Lost { why } => lost(model, why, &mut effects),
        Msg::SessionEnded { text, hint } => {
            // What waits stays on disk and goes out after the next sign-in.
            model.link = Link::Ended { text, hint };
            offline::cut(model);
        }
        Msg::Projects(projects) => {
            model.offline.start_changed |= model.list.as_ref() != Some(&projects);
            model.list = Some(projects);
        }
        Msg::Kept { start, unsent } => offline::restored(model, start.map(|it| *it), unsent),
        Msg::NotKept { why } => not_kept(model, &why),
        Msg::KeptRows { project_id, rows } => offline::rows(model, project_id, rows),
        Msg::Desk(rows) => {
            model.offline.start_changed = true;
            model.desk = Some(rows);
            model.tries = 0;
        }
        Msg::Rows { project_id, update } => rows_came(model, &project_id, update),
        Msg::ProjectGone { project_id } => {
            gone(model, &project_id);
            effects.push(Effect::ForgetKept { project_id });
        }
        Msg::Render { render_id, progress } => {
            model.master.progressed(&render_id, &progress, model.now_ms);
            model.progress = Some((render_id, progress));
        }
        Msg::Performed { command_id, outcome } => performed(model, &command_id, outcome, &mut effects),
        Msg::Waveform { ticket, outcome } => waveform(model, ticket, outcome),
        Msg::Picture(shown) => model.picture.1 = Some(shown),
        Msg::History { ticket, outcome } => history::arrived(model, ticket, outcome),
        Msg::Turnaround { ticket, outcome } => turnaround::arrived(model, ticket, outcome),
        Msg::Recipes { ticket, outcome } => prompt::recipe::offered(model, ticket, outcome),
        Msg::RecipeChecked { ticket, outcome } => effects = prompt::recipe::checked(model, ticket, outcome),
        Msg::Page { ticket, page: Page::Compare(_), outcome } => compare::arrived(model, ticket, outcome),
        Msg::Page { ticket, page, outcome } => {
            master::arrived(model, ticket, &page, &outcome);
            read::arrived(model, ticket, &page, outcome);
        }
        Msg::Heard { say, outcome } => model.notice = Some(heard(&say, outcome)),
        Msg::Edited(outcome) => {
            // The editor wiped the terminal, and the picture with it.
            model.picture = (None, None);
            effects = prompt::edited(model, outcome);
        }
        Msg::Play(news) => effects = listen::told(model, news),
        Msg::Transfer(news) => effects = transfers::told(model, news),
        Msg::Present(attendees) => effects = presence::told(model, attendees),
        Msg::People(news) => effects = people::told(model, news),
        Msg::LabelCopy(news) => label_copy::told(model, news),
        Msg::Signing(news) => signing::told(model, news),
        Msg::Record(news) => record::told(model, news),
        Msg::Ground(ground) => ground_told(model, ground),
        Msg::Draft(draft) => hands::reopened(model, *draft),
        Msg::Quit => model.quit = true,
    }
    effects
}

fn pasted(model: &mut Model, text: &str) -> Vec<Effect> {
    match transfers::dropped(model, text) {
        Some(begun) => begun,
        None if model.prompt.is_none() => {
            hands::paste(model, text);
            Vec::new()
        }
        None => prompt::paste(model, text),
    }
}

fn resized(model: &mut Model, size: (u16, u16)) {
    model.size = size;
    // What stood there is gone until the next frame.
    if let Some(prompt) = &mut model.prompt {
        prompt.shown = false;
    }
}

fn shown(model: &mut Model) {
    let whole = draw::prompt_fits(model);
    if let Some(prompt) = &mut model.prompt {
        prompt.shown = whole;
    }
}

fn connected(model: &mut Model, projects: Vec<ProjectSummary>) -> Vec<Effect> {
    model.list = Some(projects);
    model.link = Link::Online;
    model.subscribed = Subscribed::default();
    compare::again(model);
    model.master.cut();
    // A picture that was cut on its way is asked for again.
    if let Some(wave) = model.wave.as_mut().filter(|wave| wave.state != WaveState::Here) {
        wave.ask.columns = 0;
    }
    model.offline.start_changed = true;
    let mut effects = vec![Effect::WatchDesk];
    effects.extend(offline::next(model));
    effects.extend(transfers::connected(model));
    open_start(model);
    effects
}

fn not_kept(model: &mut Model, why: &str) {
    model.notice = Some(Notice::Refused {
        text: format!("It could not be kept on this machine: {}.", crate::scrub::line(why)),
        hint: "Make room on its disk; what waits is safe only while the client runs.".into(),
    });
}

fn rows_came(model: &mut Model, project_id: &str, update: Update) {
    model.tries = 0;
    let now_ms = model.now_ms;
    follow_newest(model, project_id);
    model.projects.entry(project_id.to_owned()).or_default().take(update, now_ms);
    album::rows_came(model, project_id);
}

/// The first effects of a client that has just started.
pub fn begin() -> Vec<Effect> {
    vec![Effect::Connect { after_ms: 0 }]
}

/// How long good news stays, in milliseconds.
const DONE_MS: i64 = 10_000;

/// Redraws only for what a person could see change: a mark that fades, a banner that counts, a minute that went by.
fn tick(model: &mut Model, now_ms: i64) {
    let minute = now_ms / 60_000 != model.now_ms / 60_000;
    model.now_ms = now_ms;
    let mut faded = false;
    for project in model.projects.values_mut() {
        let before = project.fresh.len();
        project.fresh.retain(|_, until_ms| *until_ms > now_ms);
        faded |= project.fresh.len() != before;
    }
    // Good news fades by itself: what it told stands on the screen.
    match (&model.notice, &model.told) {
        (Some(Notice::Done(now)), Some((before, at_ms))) if now == before => {
            if now_ms - at_ms > DONE_MS {
                model.notice = None;
                model.told = None;
                faded = true;
            }
        }
        (Some(Notice::Done(now)), _) => model.told = Some((now.clone(), now_ms)),
        _ => model.told = None,
    }
    model.dirty |= minute || faded || matches!(model.link, Link::Offline { .. });
}

fn ground_told(model: &mut Model, ground: Ground) {
    if !model.settings.says_ground {
        model.settings.ground = ground;
    }
}

fn lost(model: &mut Model, why: String, effects: &mut Vec<Effect>) {
    let since_ms = match &model.link {
        Link::Ended { .. } => return,
        Link::Offline { since_ms, .. } => *since_ms,
        Link::Connecting | Link::Online => model.now_ms,
    };
    let base_ms = (1_000u64 << model.tries.min(5)).min(RETRY_MS_MAX);
    model.tries += 1;
    // Up to a quarter more, so that many clients do not knock at the same moment after a restart.
    let after_ms = base_ms + model.ids.draw() % (base_ms / 4);
    let retry_at_ms = model.now_ms + i64::try_from(after_ms).unwrap_or(0);
    model.link = Link::Offline { since_ms, retry_at_ms, why };
    model.subscribed = Subscribed::default();
    offline::cut(model);
    model.progress = None;
    model.record.progress = None;
    effects.push(Effect::Connect { after_ms });
}

/// Whoever looks at the candidate, however they came there, sees the next one when it arrives.
fn follow_newest(model: &mut Model, project_id: &str) {
    let Model { stack, projects, .. } = model;
    let Some(rows) = projects.get(project_id) else { return };
    for screen in stack {
        if let Screen::Song(view) = screen
            && view.project == project_id
            && view.version.as_deref() == SongView::first(rows, &view.song).map(|it| it.version_id.as_str())
        {
            view.version = None;
        }
    }
}

fn gone(model: &mut Model, project_id: &str) {
    let title = model
        .projects
        .get(project_id)
        .and_then(|it| it.head())
        .map_or_else(|| "The project".to_owned(), |head| head.title.clone());
    model.projects.remove(project_id);
    model.offline.seen.remove(project_id);
    model.offline.written.remove(project_id);
    model.list.iter_mut().for_each(|list| list.retain(|it| it.project_id != project_id));
    if model.project_id() == Some(project_id) {
        model.prompt = None;
        model.stack.truncate(1);
        model.notice = Some(Notice::Refused {
            text: format!("{title} is closed to you."),
            hint: "Ask its manager whether you are still a member.".into(),
        });
    }
    if model.subscribed.project.as_deref() == Some(project_id) {
        model.subscribed.project = None;
    }
}

fn open_start(model: &mut Model) {
    let Some(wanted) = model.start.take() else { return };
    let Some(list) = model.list.as_deref() else {
        model.start = Some(wanted);
        return;
    };
    match list.iter().find(|it| it.project_id == wanted || it.title.eq_ignore_ascii_case(&wanted)) {
        Some(found) => {
            let project = found.project_id.clone();
            model.stack.push(Screen::Project { project, song: None });
        }
        None => {
            model.notice = Some(Notice::Refused {
                text: format!("No project of yours is called {wanted}."),
                hint: "Press 2 to choose one of your projects.".into(),
            });
        }
    }
}

pub(super) fn perform(pending: &Pending) -> Effect {
    Effect::Perform {
        command_id: pending.command_id.clone(),
        project_id: pending.project_id.clone(),
        action: pending.action.clone(),
    }
}

fn performed(
    model: &mut Model,
    command_id: &str,
    outcome: Result<PerformResponse, Failure>,
    effects: &mut Vec<Effect>,
) {
    let Some(at) = model.pending.iter().position(|it| it.command_id == command_id) else { return };
    // One of several from one key: what is told is told of all of them.
    if hands::answered(model, command_id, &outcome) {
        model.pending.remove(at);
        let written = hands::given_back::take(model, command_id);
        if let (Err(_), Some(ask)) = (outcome, written) {
            hands::given_back::aside(model, ask);
        }
        return;
    }
    match outcome {
        Ok(answer) => {
            let pending = model.pending.remove(at);
            hands::given_back::take(model, command_id);
            if let keys::Verb::NewProject = pending.verb {
                effects.push(Effect::ListProjects);
                board::made(model, &pending);
            }
            let text = if answer.effects.is_empty() {
                format!("Done: {}.", pending.say)
            } else {
                answer.effects.join(" ")
            };
            // The studio does not know which screen the person looks at.
            let text = match hands::place_of(&pending.say) {
                Some(place) if !text.contains(place) => format!("{place}: {text}"),
                _ => text,
            };
            model.notice = Some(Notice::Done(text.clone()));
            offline::verdict(model, &pending, Said::Done(text));
        }
        Err(Failure::Refused { reason, text, hint }) => {
            let pending = model.pending.remove(at);
            // A prompt that was opened since is not taken away from under somebody's hands.
            let asks = reason == rows::BEYOND_TERMS && model.prompt.is_none();
            let again = if asks { prompt::revision::beyond_terms(model, &pending, &text) } else { None };
            match again {
                Some(ask) => {
                    hands::given_back::take(model, command_id);
                    model.prompt = Some(Prompt { ask, shown: false });
                }
                None => {
                    model.notice = Some(Notice::Refused { text: text.clone(), hint: hint.clone() });
                    offline::verdict(model, &pending, Said::Refused { text: text.clone(), hint });
                    hands::given_back::refused(model, command_id, &text);
                }
            }
        }
        // Nobody knows whether it was done: it stays, and goes out again with the same id when the server is back.
        Err(Failure::Offline(why)) if model.online() => lost(model, why, effects),
        Err(Failure::Offline(_)) => {}
    }
    effects.extend(offline::next(model));
}

fn heard(say: &str, outcome: Result<u32, Failure>) -> Notice {
    match outcome {
        Ok(percent) => Notice::Done(format!("{percent} % of {say} heard.")),
        Err(Failure::Refused { text, hint, .. }) => Notice::Refused { text, hint },
        // Told twice it counts once: nothing is lost by telling it again.
        Err(Failure::Offline(why)) => {
            Notice::Refused { text: why, hint: "Tell it again when the line is back: E.".into() }
        }
    }
}

fn waveform(model: &mut Model, ticket: u64, outcome: Result<deadwax_proto::v1::WaveformResponse, Failure>) {
    let Some(wave) = model.wave.as_mut().filter(|wave| wave.ask.ticket == ticket) else { return };
    match outcome {
        Ok(answer) => {
            let end = if wave.ask.end_frame == 0 { answer.frames } else { wave.ask.end_frame };
            wave.data = Some((wave.ask.start_frame, end, answer));
            wave.state = WaveState::Here;
        }
        Err(Failure::Refused { text, .. } | Failure::Offline(text)) => wave.state = WaveState::Failed(text),
    }
}

/// Compares what the screens need with what the runner keeps open, and asks for the difference. The one place that starts and stops streams.
fn reconcile(model: &mut Model, effects: &mut Vec<Effect>) {
    if !model.online() {
        return;
    }
    let project = model.project_id().map(str::to_owned);
    if model.subscribed.project != project {
        match &project {
            Some(id) => {
                let from = model.projects.get(id).filter(|it| it.loaded).map_or(0, |it| it.seq);
                effects.push(Effect::WatchProject { project_id: id.clone(), from });
            }
            None => effects.push(Effect::StopProject),
        }
        model.subscribed.project = project;
    }
    let render = wanted_render(model);
    if model.subscribed.render != render {
        model.progress = None;
        match &render {
            Some((project_id, render_id)) => effects
                .push(Effect::WatchRender { project_id: project_id.clone(), render_id: render_id.clone() }),
            None => effects.push(Effect::StopRender),
        }
        model.subscribed.render = render;
    }
    if let Some(ask) = wanted_wave(model) {
        let same_file = |wave: &Wave| wave.ask.sha256 == ask.sha256 && wave.ask.version_id == ask.version_id;
        let data = model.wave.take().filter(same_file).and_then(|wave| wave.data);
        model.wave = Some(Wave { ask: ask.clone(), state: WaveState::Asked, data });
        effects.push(Effect::Waveform(ask));
    }
}

/// The running render of the song on the master screen.
fn wanted_render(model: &Model) -> Option<(String, String)> {
    let Screen::Master { project, song, .. } = model.top() else { return None };
    let renders = model.projects.get(project)?.renders(song);
    let busy =
        renders.into_iter().find(|it| matches!(it.state(), RenderState::Queued | RenderState::Running))?;
    Some((project.clone(), busy.render_id.clone()))
}

/// Two for a cell, or one for a pixel: as fine as it can be shown.
fn wave_columns(model: &Model) -> u32 {
    let cells = u32::from(draw::wave_columns(model.size.0));
    cells * model.settings.pixels.map_or(2, |it| u32::from(it.cell.0).clamp(2, 64))
}

/// The picture that the song screen needs and does not have.
fn wanted_wave(model: &mut Model) -> Option<WaveAsk> {
    let Screen::Song(view) = model.top() else { return None };
    let version = view.version(model.projects.get(&view.project)?)?;
    let file = view.file(version)?;
    let facts = file.facts.as_ref()?;
    let (start_ms, end_ms) = view.window.unwrap_or((0, rows::length_ms(version)));
    let to_frame = |ms: u64| {
        u64::try_from(u128::from(ms) * u128::from(facts.sample_rate) / 1000)
            .unwrap_or(u64::MAX)
            .min(facts.frames)
    };
    let whole = view.window.is_none();
    let mut ask = WaveAsk {
        ticket: 0,
        project_id: view.project.clone(),
        version_id: version.version_id.clone(),
        sha256: file.sha256.clone(),
        start_frame: to_frame(start_ms),
        end_frame: if whole { 0 } else { to_frame(end_ms) },
        columns: wave_columns(model),
    };
    if let Some(wave) = &model.wave {
        ask.ticket = wave.ask.ticket;
        // A refusal stays until something else is asked.
        if wave.ask == ask {
            return None;
        }
    }
    ask.ticket = model.next_ticket();
    Some(ask)
}

/// Whether an answer to this recipe check is still awaited.
fn awaits(check: &RecipeCheck, ticket: u64) -> bool {
    matches!(check, RecipeCheck::Asked(asked) if *asked == ticket)
}
