//! Keys of the screen "Album": the draft is changed here and sent only by saving; what is heard is the draft. `None`: the key means the same here as
//! elsewhere.

use deadwax_proto::v1::{self as v1, action::Action as Do};

use super::{act, nav};
use crate::{
    play::{Deck, Order},
    tui::{
        album::{self, Album, BEFORE_JOINT_MS, Change, Line, View},
        hands::Step,
        keys::Verb,
        model::{Ask, Model, Notice, Prompt, Purpose, Screen, Sends, SongView, YesOrNo},
        msg::Effect,
        rows::{May, PROJECT_KEY, Project},
        words,
    },
};

const UNSAVED: &str = "Not saved. w saves, Esc again leaves; the draft waits here until you quit.";
const NOT_HERE: &str = "The project is not here yet.";

pub(super) fn press(model: &mut Model, verb: Verb) -> Option<Vec<Effect>> {
    let Screen::Album { project, at } = model.top() else { return None };
    let (project, at) = (project.clone(), *at);
    if verb != Verb::Back {
        model.album.leaving = false;
    }
    let effects = match verb {
        // Among the lines that a filter shows the mark is moved as in every list.
        Verb::NextPane => {
            model.album.view = model.album.view.next();
            Vec::new()
        }
        Verb::Up | Verb::Down | Verb::PageUp | Verb::PageDown | Verb::First | Verb::Last
            if model.album.view == View::Notes =>
        {
            note_moved(model, &project, verb);
            Vec::new()
        }
        Verb::Up | Verb::Down | Verb::PageUp | Verb::PageDown | Verb::First | Verb::Last
            if model.hands.filter(model).is_some_and(|it| !it.is_empty()) =>
        {
            return None;
        }
        Verb::Up | Verb::Down | Verb::PageUp | Verb::PageDown | Verb::First | Verb::Last => {
            let len = model.projects.get(&project).map_or(0, |rows| rows.songs().len());
            mark(model, nav::moved(at, len, verb));
            Vec::new()
        }
        Verb::Open => open(model, &project, at),
        // A text that was left here comes back before the order does.
        Verb::Undo if holds_note(model) => return None,
        Verb::Undo | Verb::Redo => {
            let Model { album, projects, .. } = model;
            let done = match projects.get(&project) {
                Some(rows) => album.step(&project, rows, verb == Verb::Redo),
                None => Err(NOT_HERE),
            };
            tell(model, done.err())
        }
        Verb::TakeTheirs => theirs(model, &project),
        Verb::Save => save(model, &project),
        Verb::Medium => {
            model.album.medium = model.album.medium.wrapping_add(1);
            Vec::new()
        }
        Verb::SideBreak => changed(model, &project, |album, rows| album.toggle_side(&project, rows, at)),
        Verb::EvenSides => changed(model, &project, |album, rows| album.even_sides(&project, rows)),
        Verb::PlayPause => play(model, &project, at),
        Verb::LoopRange => return looped(model, &project, at),
        Verb::NextJoint | Verb::PreviousJoint => joint(model, &project, at, verb == Verb::NextJoint),
        Verb::Copy => copy(model, &project),
        other => {
            let change = change_of(other)?;
            let mut to = at;
            let effects = changed(model, &project, |album, rows| {
                to = album.change(&project, rows, at, change)?;
                Ok(())
            });
            mark(model, to);
            effects
        }
    };
    Some(effects)
}

/// A note on the order that was left half written.
fn holds_note(model: &Model) -> bool {
    let Some(Step::Text(ask)) = model.hands.steps.last() else { return false };
    matches!(&**ask, Ask::Write(it) if matches!(it.purpose, Purpose::Joint { .. } | Purpose::CloseJoint { .. }))
}

/// A change of the draft, or why there is none.
fn changed(
    model: &mut Model,
    project: &str,
    change: impl FnOnce(&mut Album, &Project) -> Result<(), &'static str>,
) -> Vec<Effect> {
    let Model { album, projects, .. } = model;
    let done = match projects.get(project) {
        Some(rows) => change(album, rows),
        None => Err(NOT_HERE),
    };
    tell(model, done.err())
}

/// The mark among the notes; that among the songs goes along.
fn note_moved(model: &mut Model, project: &str, verb: Verb) {
    let Some(rows) = model.projects.get(project) else { return };
    let notes = album::notes(rows);
    let at = nav::moved(model.album.note.min(notes.len().saturating_sub(1)), notes.len(), verb);
    let song = notes.get(at).and_then(|it| rows.song_number(&it.song_id));
    let order = model.album.order(project, rows);
    let place = song.and_then(|song| order.pieces().iter().position(|it| it.song == song));
    model.album.note = at;
    if let Some(place) = place {
        mark(model, place);
    }
}

fn change_of(verb: Verb) -> Option<Change> {
    Some(match verb {
        Verb::MoveUp => Change::Up,
        Verb::MoveDown => Change::Down,
        Verb::GapLess => Change::Gap(-100),
        Verb::GapMore => Change::Gap(100),
        Verb::GapMuchLess => Change::Gap(-1_000),
        Verb::GapMuchMore => Change::Gap(1_000),
        Verb::CrossfadeLess => Change::Crossfade(-500),
        Verb::CrossfadeMore => Change::Crossfade(500),
        Verb::FadeIn => Change::FadeIn(true),
        Verb::FadeInLess => Change::FadeIn(false),
        Verb::FadeOut => Change::FadeOut(true),
        Verb::FadeOutLess => Change::FadeOut(false),
        Verb::TrimIn => Change::TrimIn(true),
        Verb::TrimInLess => Change::TrimIn(false),
        Verb::TrimOut => Change::TrimOut(true),
        Verb::TrimOutLess => Change::TrimOut(false),
        Verb::Hidden => Change::Hidden,
        Verb::Shape => Change::Shape,
        Verb::GainLess => Change::Gain(-10),
        Verb::GainMore => Change::Gain(10),
        _ => return None,
    })
}

fn mark(model: &mut Model, to: usize) {
    if let Screen::Album { at, .. } = model.top_mut() {
        *at = to;
    }
}

fn tell(model: &mut Model, why: Option<&str>) -> Vec<Effect> {
    model.notice = why.map(|why| Notice::Tell(why.to_owned()));
    Vec::new()
}

/// Whether Back is held up once, because something was not saved.
pub(super) fn stays(model: &mut Model) -> bool {
    let Screen::Album { project, .. } = model.top() else { return false };
    let Some(rows) = model.projects.get(project) else { return false };
    let asks = !model.album.leaving && model.album.is_unsaved(project, rows) && model.prompt.is_none();
    if model.album.leaving {
        // Answered: the message is closed with the room.
        model.notice = None;
    }
    model.album.leaving = asks;
    if asks {
        model.notice = Some(Notice::Tell(UNSAVED.into()));
    }
    asks
}

/// Some running order would be lost by leaving the program.
pub(super) fn holds_draft(model: &Model) -> bool {
    let unsaved = |project: &String| {
        model.projects.get(project).is_some_and(|rows| model.album.is_unsaved(project, rows))
    };
    model.album.drafts.keys().any(unsaved)
}

pub(super) fn rows_came(model: &mut Model, project: &str) {
    let Model { album, projects, .. } = model;
    if let Some(rows) = projects.get(project) {
        album.rows_came(project, rows);
    }
}

fn open(model: &mut Model, project: &str, at: usize) -> Vec<Effect> {
    let Some(rows) = model.projects.get(project) else { return Vec::new() };
    let order = model.album.order(project, rows);
    if let Some(song) = order.song(at).and_then(|it| rows.song_numbered(it)) {
        let mut view = SongView::new(project.to_owned(), song.song_id.clone());
        // What would go on the record, not what its gate happens to look at.
        view.version = album::on_record(rows, song).map(|it| it.version_id.clone());
        model.stack.push(Screen::Song(view));
    }
    Vec::new()
}

fn theirs(model: &mut Model, project: &str) -> Vec<Effect> {
    let Model { album, projects, .. } = model;
    let Some(rows) = projects.get(project) else { return Vec::new() };
    if !album.is_unsaved(project, rows) {
        return tell(model, Some("This is the studio's order already."));
    }
    album.take_theirs(project, rows);
    model.notice = Some(Notice::Done("The studio's order. U brings yours back.".into()));
    Vec::new()
}

fn save(model: &mut Model, project: &str) -> Vec<Effect> {
    let Some(rows) = model.projects.get(project) else { return tell(model, Some(NOT_HERE)) };
    if !model.album.is_unsaved(project, rows) {
        return tell(model, Some("Nothing was changed here since it was saved."));
    }
    if model.is_pending(Verb::Save, PROJECT_KEY) {
        return Vec::new();
    }
    if let May::No(no) = rows.may("set_spacing", &[PROJECT_KEY.to_owned()]) {
        let notice = Notice::Refused { text: no.text.clone(), hint: no.hint.clone() };
        model.notice = Some(notice);
        return Vec::new();
    }
    if !model.online() {
        model.notice = Some(Notice::Refused {
            text: "Not connected: nothing was sent, the draft stays here.".into(),
            hint: "Press w when the banner is gone.".into(),
        });
        return Vec::new();
    }
    let items = model.album.items(project, rows);
    let mut lines = Vec::new();
    let now = rows.head().and_then(|it| it.spacing.as_ref());
    if let (Some(number), Some(spacing)) = (model.album.overtaken(project, rows), now) {
        lines.push(format!("{} set spacing {number} while you worked. Yours takes its place:", spacing.by));
    }
    let signed: Vec<&str> = now.iter().flat_map(|it| &it.approvals).map(|it| it.name.as_str()).collect();
    if let (false, Some(spacing)) = (signed.is_empty(), now) {
        let names = signed.join(", ");
        lines.push(format!("Spacing {} was approved by {names}; that counts for it alone.", spacing.number));
    }
    let action = Do::SetSpacing(v1::SetSpacing { items: items.clone() });
    let say = "the running order".to_owned();
    model.notice = None;
    if lines.is_empty() {
        let (project, about) = (project.to_owned(), PROJECT_KEY.to_owned());
        let pending = act::pending(model, project, Verb::Save, about, action, say);
        return vec![act::send(model, pending)];
    }
    lines.extend(items.iter().enumerate().map(|(at, it)| act::order_line(rows, at, it)));
    let ask = YesOrNo {
        project: project.to_owned(),
        verb: Verb::Save,
        about: PROJECT_KEY.into(),
        title: "Save this running order?".into(),
        lines,
        yes: "Save",
        sends: Sends::Action(action),
        say,
    }
    .asked();
    model.prompt = Some(Prompt { ask: Ask::Confirm(Box::new(ask)), shown: false });
    Vec::new()
}

/// What is on the player is the order as it stands here, and where its songs begin.
struct Record {
    deck: Deck,
    at_line: Vec<usize>,
    rate: u32,
    starts: Vec<u64>,
    /// It lies on the player as it stands here.
    loaded: bool,
}

fn record(model: &Model, project: &str) -> Option<Record> {
    let rows = model.projects.get(project)?;
    let order = model.album.order(project, rows);
    let lines = album::lines(rows, &order);
    let (deck, at_line) = album::deck(project, lines)?;
    let Deck::Album { items } = &deck else { return None };
    let (rate, starts) = album::joints(items);
    let loaded = model.player.deck.as_ref() == Some(&deck);
    Some(Record { deck, at_line, rate, starts, loaded })
}

const SILENT: &str = "No song of this record has a file to hear yet.";

/// Hears the record from a little before that item.
fn hear(model: &mut Model, record: Record, item: usize) -> Vec<Effect> {
    let before = BEFORE_JOINT_MS * u64::from(record.rate) / 1000;
    let at = record.starts.get(item).map_or(0, |start| start.saturating_sub(before));
    if let Some(line) = record.at_line.get(item) {
        mark(model, *line);
    }
    model.notice = None;
    if record.loaded {
        model.player.playing = true;
        if let Some(status) = &mut model.player.status {
            // Told at once, so that two presses go twice as far.
            status.at = at;
        }
        return vec![Effect::Play(Order::Seek { at }), Effect::Play(Order::Play)];
    }
    let player = &mut model.player;
    player.deck = Some(record.deck.clone());
    player.status = None;
    player.about = None;
    player.playing = true;
    player.follow = true;
    player.aimed = false;
    vec![Effect::Play(Order::Load { deck: record.deck, at, play: true })]
}

/// Space: what was changed meanwhile is heard from the joint of the marked song; else on or off.
fn play(model: &mut Model, project: &str, at: usize) -> Vec<Effect> {
    let Some(record) = record(model, project) else { return tell(model, Some(SILENT)) };
    if record.loaded {
        let playing = model.player.playing;
        model.player.playing = !playing;
        return vec![Effect::Play(if playing { Order::Pause } else { Order::Play })];
    }
    let last = record.at_line.len().saturating_sub(1);
    let item = record.at_line.iter().position(|line| *line >= at).unwrap_or(last);
    hear(model, record, item)
}

/// The next joint after what is heard now, or the one before; where nothing is heard, the one of the marked song.
fn joint(model: &mut Model, project: &str, at: usize, next: bool) -> Vec<Effect> {
    let Some(record) = record(model, project) else { return tell(model, Some(SILENT)) };
    let before = BEFORE_JOINT_MS * u64::from(record.rate) / 1000;
    let heard = model.player.status.as_ref().filter(|_| record.loaded).map(|it| it.at);
    let from = |item: &usize| record.starts[*item].saturating_sub(before);
    // The first song has no joint; going back leads to its beginning.
    let item = match heard {
        Some(now) if next => (1..record.starts.len()).find(|item| from(item) > now),
        // Somebody who presses it twice wants the one before, not the same again.
        Some(now) => {
            let second = u64::from(record.rate);
            (0..record.starts.len()).rev().find(|item| from(item).saturating_add(second) < now).or(Some(0))
        }
        None => record.at_line.iter().position(|line| *line >= at.max(1)),
    };
    match item {
        Some(item) => hear(model, record, item),
        None => tell(model, Some("There is no joint after this.")),
    }
}

/// The joint of the marked song round and round, from 5 s before it to 5 s behind, as it stands here. `None`: a loop is on, and ends as everywhere.
fn looped(model: &mut Model, project: &str, at: usize) -> Option<Vec<Effect>> {
    if model.player.status.as_ref().is_some_and(|it| it.looped.is_some()) {
        return None;
    }
    let Some(record) = record(model, project) else { return Some(tell(model, Some(SILENT))) };
    let item = record.at_line.iter().position(|line| *line >= at.max(1));
    let Some((item, start)) = item.and_then(|it| Some((it, *record.starts.get(it)?))) else {
        return Some(tell(model, Some("There is no joint after this.")));
    };
    let around = BEFORE_JOINT_MS * u64::from(record.rate) / 1000;
    let crossfade_ms = match &record.deck {
        Deck::Album { items } => items.get(item).map_or(0, |it| it.crossfade_ms),
        Deck::Side { .. } => 0,
    };
    // All of the crossfade is heard, and a little behind it.
    let end = start.saturating_add(u64::from(crossfade_ms) * u64::from(record.rate) / 1000 + around);
    let range = (start.saturating_sub(around), end);
    let mut effects = hear(model, record, item);
    effects.push(Effect::Play(Order::Loop(Some(range))));
    Some(effects)
}

/// The running order as text, for a message or a label copy.
fn copy(model: &mut Model, project: &str) -> Vec<Effect> {
    let Some(rows) = model.projects.get(project) else { return Vec::new() };
    let order = model.album.order(project, rows);
    let lines = album::lines(rows, &order);
    let text: Vec<String> = lines.iter().enumerate().map(|(at, line)| text_line(rows, at, &line)).collect();
    let text = format!("{}\ntotal {}\n", text.join("\n"), words::clock(lines.total_ms(), true));
    model.notice = Some(Notice::Done("The running order is on the clipboard.".into()));
    vec![Effect::Copy(text)]
}

fn text_line(rows: &Project, at: usize, line: &Line<'_>) -> String {
    let version = line.version().map_or_else(|| "no file yet".into(), words::version);
    let id = rows.song_id_numbered(line.song);
    let order = act::order_line(rows, at, &line.placing.item(id));
    format!(
        "{order} ({version}, {} at {})",
        words::clock(line.length_ms, true),
        words::clock(line.start_ms, true)
    )
}
