//! The player's keys on every screen that has something to hear, and what the player tells. What is looked at is what is heard: while something of a song
//! plays, choosing another version or alternate of it switches the sound at the same position. `None`: the key means the same here as elsewhere.

use crate::{
    play::{Channels, Deck, News, Order, Status, Track},
    tui::{
        draw,
        keys::{Kind, Verb},
        model::{Ask, Model, Notice, Screen, SongView},
        msg::Effect,
        player::{self, frame_of, us_of},
        rows::{self, Project},
    },
};

/// How far one press of the keys for back and forward goes.
const STEP_S: u64 = 5;
const NOTHING: &str = "Nothing is playing: Space plays what you look at.";

pub(super) fn press(model: &mut Model, verb: Verb) -> Option<Vec<Effect>> {
    let kind = model.top().kind();
    if kind == Kind::Song {
        aim(model, verb);
    }
    let effects = match verb {
        Verb::PlayPause => play_pause(model),
        Verb::Stop => stop(model),
        Verb::Rewind => skip(model, false),
        Verb::Forward => skip(model, true),
        Verb::LoopRange => loop_range(model),
        Verb::NextAlternate | Verb::PreviousAlternate if kind == Kind::Song => {
            alternate(model, verb == Verb::NextAlternate);
            Vec::new()
        }
        Verb::Switch => switch(model),
        Verb::Level => {
            let level = player::level_after(model.player.level);
            model.player.level = level;
            if model.player.deck.is_none() {
                model.notice = Some(Notice::Done(format!("Level: {}.", player::level_name(level))));
            }
            vec![order(Order::Level(level))]
        }
        Verb::Mono => monitor(model, |it| it.channels = turned(it.channels, Channels::Mono)),
        Verb::Side => monitor(model, |it| it.channels = turned(it.channels, Channels::Side)),
        Verb::Swap => monitor(model, |it| it.swap = !it.swap),
        Verb::Dim => monitor(model, |it| it.dim = !it.dim),
        Verb::Blind => super::prompt::blind::open(model),
        // On from the cursor, where it was moved while something of this song plays.
        Verb::Open if kind == Kind::Song && model.player.aimed && plays_here(model) => to_cursor(model),
        _ => return None,
    };
    Some(effects)
}

pub(super) fn order(order: Order) -> Effect {
    Effect::Play(order)
}

fn turned(now: Channels, wanted: Channels) -> Channels {
    if now == wanted { Channels::Stereo } else { wanted }
}

fn monitor(model: &mut Model, change: impl FnOnce(&mut crate::play::Monitor)) -> Vec<Effect> {
    change(&mut model.player.monitor);
    vec![order(Order::Monitor(model.player.monitor))]
}

/// A cursor that was moved by hand goes its own way until the person says what for.
fn aim(model: &mut Model, verb: Verb) {
    match verb {
        Verb::Left | Verb::Right | Verb::NoteBefore | Verb::NoteAfter => {
            model.player.follow = false;
            model.player.aimed = true;
        }
        Verb::Up | Verb::Down | Verb::PageUp | Verb::PageDown | Verb::First | Verb::Last => {
            model.player.aimed = false;
        }
        _ => {}
    }
}

/// Something lies on the player that is of the song on the screen, side by side.
fn lies_here(model: &Model) -> bool {
    let here = match model.top() {
        Screen::Song(view) => model.player.is_on(&view.project, &view.song),
        Screen::Compare(view) => model.player.is_on(&view.project, &view.song),
        Screen::Master { project, song, .. } => model.player.is_on(project, song),
        _ => false,
    };
    here && model.player.side().is_some()
}

fn plays_here(model: &Model) -> bool {
    model.player.playing && lies_here(model)
}

/// The screen shows something else than what is heard, and has something to hear itself: another song, or files of which none is heard.
fn looks_at_another(model: &Model) -> bool {
    match model.top() {
        Screen::Song(view) => {
            let elsewhere = model.player.about.is_some() && !model.player.is_on(&view.project, &view.song);
            elsewhere && model.projects.get(&view.project).is_some_and(|rows| looked_at(rows, view).is_some())
        }
        Screen::Compare(view) => none_heard(model, &super::compare::pair(model, view)),
        Screen::Master { project, song, render } => {
            let shown = masters(model, project, song, render.as_deref());
            shown.is_some_and(|it| none_heard(model, &it))
        }
        _ => false,
    }
}

/// There is something to hear, and it is not heard. The same file under another label is the same file.
fn none_heard(model: &Model, shown: &[Track]) -> bool {
    let heard = model.player.track();
    let same = |it: &Track| heard.is_some_and(|heard| is_same(heard, it));
    !shown.is_empty() && !shown.iter().any(same)
}

fn is_same(one: &Track, other: &Track) -> bool {
    one.version_id == other.version_id && one.sha256 == other.sha256
}

/// Whether the key that plays would pause.
pub fn pauses(model: &Model) -> bool {
    model.player.playing && !looks_at_another(model)
}

fn play_pause(model: &mut Model) -> Vec<Effect> {
    if pauses(model) {
        model.player.playing = false;
        return vec![order(Order::Pause)];
    }
    match model.top() {
        Screen::Song(_) => play_song(model),
        Screen::Compare(_) => super::compare::play(model),
        Screen::Master { .. } => play_master(model),
        _ if model.player.deck.is_some() => {
            model.player.playing = true;
            vec![order(Order::Play)]
        }
        _ => {
            model.notice = Some(Notice::Tell("There is nothing to hear here.".into()));
            Vec::new()
        }
    }
}

fn stop(model: &mut Model) -> Vec<Effect> {
    if model.player.deck.take().is_none() {
        return Vec::new();
    }
    model.player.status = None;
    model.player.about = None;
    model.player.playing = false;
    model.player.follow = true;
    vec![order(Order::Stop)]
}

/// The file that the song screen looks at.
fn looked_at<'a>(
    rows: &'a Project,
    view: &SongView,
) -> Option<(&'a deadwax_proto::v1::VersionRow, &'a deadwax_proto::v1::VersionFile)> {
    let version = view.version(rows)?;
    Some((version, view.file(version)?))
}

fn place_in(tracks: &[Track], version: &str, sha256: &str) -> Option<usize> {
    tracks.iter().position(|it| it.version_id == version && it.sha256 == sha256)
}

/// From the cursor. What lies on the player already is not loaded again.
fn play_song(model: &mut Model) -> Vec<Effect> {
    let Screen::Song(view) = model.top() else { return Vec::new() };
    let (project, song) = (view.project.clone(), view.song.clone());
    // A range plays from its beginning.
    let range_us = view.range().map(|(start, end)| (start.saturating_mul(1000), end.saturating_mul(1000)));
    let start_us = range_us.map_or_else(|| view.cursor(), |(start, _)| start);
    let Some(rows) = model.projects.get(&project) else { return Vec::new() };
    let Some((version, file)) = looked_at(rows, view) else {
        return super::read::tell(model, super::act::NO_VERSION);
    };
    let (version_id, sha256) = (version.version_id.clone(), file.sha256.clone());
    let lies = model.player.is_on(&project, &song);
    let at = model.player.side().filter(|_| lies).and_then(|(it, _)| place_in(it, &version_id, &sha256));
    if let Some(at) = at {
        let mut effects: Vec<Effect> = hear(model, at).into_iter().collect();
        let here_us = model.player.at_us().unwrap_or(u64::MAX);
        let stays = match range_us {
            Some((from, to)) => (from..to).contains(&here_us),
            None => here_us.abs_diff(start_us) <= 1_000,
        };
        if !stays {
            effects.extend(seek(model, frame_of(start_us, model.player.rate())));
        }
        model.player.playing = true;
        model.player.follow = true;
        model.player.aimed = false;
        effects.push(order(Order::Play));
        return effects;
    }
    let before = model.player.track().filter(|_| lies).cloned();
    let deck = player::deck_for(&project, version, file, before.as_ref());
    load(model, deck, (project, song), start_us, true)
}

/// Puts a deck on the player at a time, in microseconds of its first track.
pub(super) fn load(
    model: &mut Model,
    deck: Option<Deck>,
    about: (String, String),
    at_us: u64,
    play: bool,
) -> Vec<Effect> {
    let Some(deck) = deck else {
        return super::read::tell(model, "This file was never measured, so it cannot be played.");
    };
    let was = model.player.is_on(&about.0, &about.1).then(|| model.player.track().cloned()).flatten();
    let now = match &deck {
        Deck::Side { tracks, heard } => tracks.get(*heard),
        Deck::Album { items } => items.first().map(|it| &it.track),
    };
    if let Some(was) = was.filter(|was| Some(was) != now) {
        model.player.before = Some(was);
    }
    model.player.deck = Some(deck.clone());
    model.player.status = None;
    model.player.about = Some(about);
    model.player.playing = play;
    model.player.follow = true;
    model.player.aimed = false;
    let at = frame_of(at_us, model.player.rate());
    vec![order(Order::Load { deck, at, play })]
}

/// Another track of the deck, at the same position.
pub(super) fn hear(model: &mut Model, at: usize) -> Option<Effect> {
    let was = model.player.track().cloned();
    let Some(Deck::Side { tracks, heard }) = &mut model.player.deck else { return None };
    if at >= tracks.len() || at == *heard {
        return None;
    }
    *heard = at;
    model.player.before = was;
    Some(order(Order::Switch(at)))
}

/// What the screen of a song's renders lets one hear: the mix that the chosen render was made from, its master, and the master that stands beside it.
/// `None`: the render has made no master.
fn masters(model: &Model, project: &str, song: &str, render: Option<&str>) -> Option<Vec<Track>> {
    let rows = model.projects.get(project)?;
    let render = draw::selected_render(rows, song, render)?;
    let track = |id: &str| {
        let version = rows.version(id)?;
        player::track(project, version, rows::main_file(version)?)
    };
    let master = track(&render.master_version_id)?;
    let beside = super::master::other(model, rows, song, &render.render_id);
    let beside = beside.and_then(|it| track(&it.master_version_id));
    Some(track(&render.source_version_id).into_iter().chain(beside).chain([master]).collect())
}

/// The source and its master beside each other.
fn play_master(model: &mut Model) -> Vec<Effect> {
    let Screen::Master { project, song, render } = model.top() else { return Vec::new() };
    let about = (project.clone(), song.clone());
    let Some(tracks) = masters(model, project, song, render.as_deref()) else {
        return super::read::tell(model, "This render has made no master yet. Enter opens the song's mixes.");
    };
    let on = model.player.is_on(&about.0, &about.1);
    let lies = on && model.player.side().is_some_and(|(it, _)| tracks.iter().all(|track| it.contains(track)));
    if lies {
        let other = none_heard(model, &tracks);
        let place =
            |it: &[Track]| tracks.last().and_then(|master| it.iter().position(|track| track == master));
        let at = model.player.side().filter(|_| other).and_then(|(it, _)| place(it));
        let mut effects: Vec<Effect> = at.and_then(|at| hear(model, at)).into_iter().collect();
        model.player.playing = true;
        effects.push(order(Order::Play));
        return effects;
    }
    let at_us = if on { model.player.at_us().unwrap_or(0) } else { 0 };
    let heard = tracks.len() - 1;
    load(model, Some(Deck::Side { tracks, heard }), about, at_us, true)
}

fn skip(model: &mut Model, forward: bool) -> Vec<Effect> {
    let Some(status) = &model.player.status else {
        return super::read::tell(model, NOTHING);
    };
    let step = STEP_S * u64::from(model.player.rate());
    let at = if forward {
        status.at.saturating_add(step).min(status.frames.saturating_sub(1))
    } else {
        status.at.saturating_sub(step)
    };
    model.player.follow = true;
    model.player.aimed = false;
    seek(model, at)
}

/// Told at once on the screen, so that two presses go twice as far.
pub(super) fn seek(model: &mut Model, at: u64) -> Vec<Effect> {
    if let Some(status) = &mut model.player.status {
        status.at = at;
    }
    follow(model);
    vec![order(Order::Seek { at })]
}

fn to_cursor(model: &mut Model) -> Vec<Effect> {
    let Screen::Song(view) = model.top() else { return Vec::new() };
    let at = frame_of(view.cursor(), model.player.rate());
    model.player.follow = true;
    model.player.aimed = false;
    seek(model, at)
}

/// Enter on a note while this song plays: the sound goes where the cursor went.
pub(super) fn after_jump(model: &mut Model) -> Vec<Effect> {
    if plays_here(model) { to_start(model) } else { Vec::new() }
}

/// The beginning of the range, else the cursor.
fn to_start(model: &mut Model) -> Vec<Effect> {
    let Screen::Song(view) = model.top() else { return Vec::new() };
    let us = view.range().map_or_else(|| view.cursor(), |(start, _)| start.saturating_mul(1000));
    // The range stays as it was marked: the cursor is one of its ends.
    let follow = view.mark_ms.is_none();
    let at = frame_of(us, model.player.rate());
    model.player.aimed = false;
    model.player.follow = follow;
    seek(model, at)
}

fn loop_range(model: &mut Model) -> Vec<Effect> {
    let looped = model.player.status.as_ref().is_some_and(|it| it.looped.is_some());
    if looped {
        if let Some(status) = &mut model.player.status {
            status.looped = None;
        }
        return vec![order(Order::Loop(None))];
    }
    let range = match model.top() {
        Screen::Song(view) => view
            .range()
            .filter(|(start, end)| end > start)
            .map(|(start, end)| (start.saturating_mul(1000), end.saturating_mul(1000))),
        Screen::Compare(_) => super::compare::range_us(model),
        _ => None,
    };
    let Some((from_us, to_us)) = range else {
        let what = match model.top().kind() {
            Kind::Song => "Mark a range first: v at its start, then ← or → to its end.",
            Kind::Compare => "Choose a change that has a place in the song: ↑ and ↓.",
            _ => "A loop is marked on the song: Enter opens it, v marks.",
        };
        return super::read::tell(model, what);
    };
    let mut effects = Vec::new();
    if !lies_here(model) {
        effects = play_pause(model);
        if model.player.deck.is_none() {
            return effects;
        }
    }
    let rate = model.player.rate();
    let (from, to) = (frame_of(from_us, rate), frame_of(to_us, rate).max(frame_of(from_us, rate) + 1));
    if let Some(status) = &mut model.player.status {
        status.looped = Some((from, to));
    }
    model.player.follow = false;
    effects.push(order(Order::Loop(Some((from, to)))));
    let inside = model.player.status.as_ref().is_some_and(|it| (from..to).contains(&it.at));
    if !inside {
        effects.extend(seek(model, from));
    }
    if !model.player.playing {
        model.player.playing = true;
        effects.push(order(Order::Play));
    }
    effects
}

/// The next alternate, whatever its format; the sound follows by itself.
fn alternate(model: &mut Model, forward: bool) {
    let Model { stack, projects, .. } = model;
    let Some(Screen::Song(view)) = stack.last_mut() else { return };
    let Some(version) = projects.get(&view.project).and_then(|rows| view.version(rows)) else { return };
    let files = version.files.len();
    if files > 0 {
        let at = view.file.min(files - 1);
        view.file = if forward { (at + 1) % files } else { (at + files - 1) % files };
    }
}

/// What was heard before, at the same position.
fn switch(model: &mut Model) -> Vec<Effect> {
    match model.top() {
        Screen::Song(_) => back_to_before(model),
        Screen::Compare(_) => super::compare::switch(model),
        Screen::Master { .. } => {
            if !lies_here(model) {
                return super::read::tell(model, "Space plays the master; then this switches to its source.");
            }
            let Some((tracks, heard)) = model.player.side() else { return Vec::new() };
            let next = (heard + 1) % tracks.len().max(1);
            hear(model, next).into_iter().collect()
        }
        _ => super::read::tell(model, NOTHING),
    }
}

fn back_to_before(model: &mut Model) -> Vec<Effect> {
    let none = "Nothing else was heard yet: choose another version (Tab, ↓) or alternate (.) while it plays.";
    let Some(before) = model.player.before.clone().filter(|_| lies_here(model)) else {
        return super::read::tell(model, none);
    };
    let Model { stack, projects, .. } = model;
    let Some(Screen::Song(view)) = stack.last_mut() else { return Vec::new() };
    let Some(rows) = projects.get(&view.project) else { return Vec::new() };
    let version = rows.version(&before.version_id).filter(|it| it.song_id == view.song);
    let file = version.and_then(|it| it.files.iter().position(|file| file.sha256 == before.sha256));
    let Some(file) = file else { return super::read::tell(model, none) };
    view.version = Some(before.version_id);
    view.file = file;
    // Paused, nothing follows the eye: what is looked at next is then what Space plays.
    Vec::new()
}

/// What the song screen looks at: song, version and file.
pub(super) fn look(model: &Model) -> Option<(String, String, String)> {
    let Screen::Song(view) = model.top() else { return None };
    let rows = model.projects.get(&view.project)?;
    let (version, file) = looked_at(rows, view)?;
    Some((view.song.clone(), version.version_id.clone(), file.sha256.clone()))
}

/// After a key: where it made the person look at another file of the song that plays, that one is heard.
pub(super) fn follow_look(
    model: &mut Model,
    before: Option<(String, String, String)>,
    effects: &mut Vec<Effect>,
) {
    let now = look(model);
    if now == before || !plays_here(model) || model.prompt.is_some() {
        return;
    }
    let (Some((song, ..)), Some((song_now, version_id, sha256))) = (&before, &now) else { return };
    if song != song_now {
        return;
    }
    let Some((tracks, _)) = model.player.side() else { return };
    if let Some(at) = place_in(tracks, version_id, sha256) {
        effects.extend(hear(model, at));
        return;
    }
    let Screen::Song(view) = model.top() else { return };
    let Some((version, file)) = model.projects.get(&view.project).and_then(|rows| looked_at(rows, view))
    else {
        return;
    };
    let about = (view.project.clone(), view.song.clone());
    let deck = player::deck_for(&view.project, version, file, model.player.track());
    let at_us = model.player.at_us().unwrap_or(0);
    let (follow, status) = (model.player.follow, model.player.status.take());
    effects.extend(load(model, deck, about, at_us, true));
    // Nothing moves on the screen while the files change hands.
    model.player.follow = follow;
    if let Some(mut status) = status {
        status.at = frame_of(us_of(status.at, status.rate.max(1)), model.player.rate());
        status.tracks.clear();
        status.rate = model.player.rate();
        model.player.status = Some(status);
    }
}

pub(super) fn told(model: &mut Model, news: News) -> Vec<Effect> {
    match news {
        News::Status(status) => status_told(model, *status),
        News::Heard { version_id, alternate, percent } => {
            model.player.heard.insert((version_id, alternate), percent.min(100));
            model.dirty = true;
        }
        News::Trouble { text, hint } => {
            model.player.playing &= model.player.status.as_ref().is_some_and(|it| it.playing);
            model.notice = Some(Notice::Refused { text, hint });
            model.dirty = true;
        }
    }
    Vec::new()
}

/// Where nothing that could be seen has changed the screen stays as it is.
fn status_told(model: &mut Model, status: Status) {
    if model.player.deck.is_none() {
        return;
    }
    model.player.playing = status.playing;
    model.player.monitor = status.monitor;
    model.player.level = status.level;
    if let Some(Deck::Side { tracks, heard }) = &mut model.player.deck
        && tracks.len() == status.tracks.len()
    {
        *heard = status.heard.min(tracks.len().saturating_sub(1));
    }
    model.dirty |= model.player.status.as_ref() != Some(&status);
    model.player.status = Some(status);
    follow(model);
}

/// The cursor of every screen that shows this song goes where the sound is, unless the person took it away.
fn follow(model: &mut Model) {
    if !model.player.follow {
        return;
    }
    let Some(at_us) = model.player.at_us() else { return };
    let compared = match model.top() {
        Screen::Compare(view) => Some(super::compare::at_of_a(model, view, at_us)),
        _ => None,
    };
    let Model { stack, player, .. } = model;
    for screen in stack {
        match screen {
            // While a range is being marked the cursor is its other end.
            Screen::Song(view) if player.is_on(&view.project, &view.song) && view.mark_ms.is_none() => {
                view.set_cursor(at_us);
                super::song::follow_cursor(view);
            }
            Screen::Compare(view) if player.is_on(&view.project, &view.song) => {
                view.cursor_us = compared.unwrap_or(at_us);
            }
            _ => {}
        }
    }
}

/// Whether a blind test is open: nothing on the screen may tell what is heard.
pub fn is_blind(model: &Model) -> bool {
    match model.prompt.as_ref().map(|it| &it.ask) {
        Some(Ask::Blind(_)) => true,
        Some(Ask::Vote(ask)) => ask.blind.is_some(),
        _ => false,
    }
}
