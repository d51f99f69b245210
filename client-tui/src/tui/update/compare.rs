//! Keys of the screen "Compare", and the answer about the two files. `None`: the key means the same here as elsewhere.

use deadwax_dsp::compare::{Comparison, TimeMap};
use deadwax_proto::v1::VersionRow;

use super::{listen, read};
use crate::{
    play::{Deck, Order},
    tui::{
        compare::{self as two, Compared, items},
        draw,
        keys::Verb,
        model::{Chosen, CompareView, ComparisonPage, Model, Screen},
        msg::{Effect, Failure, Page},
        player::{self, frame_of, us_of},
        rows::Project,
        words,
    },
};

/// A change shorter than this is looped with a little around it, in microseconds.
const LOOP_US_MIN: u64 = 1_000_000;

pub(super) fn press(model: &mut Model, verb: Verb) -> Option<Vec<Effect>> {
    let effects = match verb {
        Verb::Up | Verb::Down | Verb::PageUp | Verb::PageDown | Verb::First | Verb::Last => {
            step(model, verb);
            Vec::new()
        }
        Verb::Left | Verb::Right => {
            cursor(model, verb == Verb::Right);
            Vec::new()
        }
        Verb::Open => hear_item(model),
        Verb::NoteBefore | Verb::NoteAfter => other_version(model, verb == Verb::NoteBefore),
        Verb::NextAlternate | Verb::PreviousAlternate => other_alternate(model, verb == Verb::NextAlternate),
        Verb::About => sentences(model),
        _ => return None,
    };
    Some(effects)
}

fn view(model: &Model) -> Option<&CompareView> {
    if let Screen::Compare(view) = model.top() { Some(view) } else { None }
}

fn view_mut(model: &mut Model) -> Option<&mut CompareView> {
    if let Screen::Compare(view) = model.top_mut() { Some(view) } else { None }
}

fn found(model: &Model) -> Option<&Comparison> {
    match &two::page(model.comparison.as_ref(), view(model)?)?.state {
        Compared::Here(found) => Some(found.as_ref()),
        _ => None,
    }
}

/// From a song: the shown file against the same of the version before. From the renders: a master against the one before, or its source.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    let (project, song, version, alternate) = match model.top() {
        Screen::Song(view) => {
            let version = model.projects.get(&view.project).and_then(|rows| view.version(rows));
            let file = version.and_then(|it| view.file(it));
            let main = version.and_then(|it| it.files.first()).map(|it| it.alternate.clone());
            let alternate = file
                .map(|it| it.alternate.clone())
                .filter(|it| Some(it) != main.as_ref())
                .unwrap_or_default();
            (view.project.clone(), view.song.clone(), version, alternate)
        }
        Screen::Master { project, song, render } => {
            let rows = model.projects.get(project);
            let version = rows.and_then(|rows| {
                let render = draw::selected_render(rows, song, render.as_deref())?;
                rows.version(&render.master_version_id)
            });
            (project.clone(), song.clone(), version, String::new())
        }
        _ => return Vec::new(),
    };
    let Some((newer, rows)) = version.zip(model.projects.get(&project)) else {
        return read::tell(model, "There is no version here to compare yet.");
    };
    let b = Chosen { version: newer.version_id.clone(), alternate: alternate.clone() };
    let older = read::before(rows, newer).filter(|it| player::file_of(it, &alternate).is_some());
    let a = match older {
        Some(older) => Chosen { version: older.version_id.clone(), alternate },
        // An alternate has its own main to be held against.
        None if !b.alternate.is_empty() => {
            Chosen { version: newer.version_id.clone(), alternate: String::new() }
        }
        None => {
            let name = words::version(newer);
            let text = format!(
                "{name} is the first of its kind: there is nothing before it. An alternate can be held against it: . chooses one."
            );
            return read::tell(model, &text);
        }
    };
    let mut compare = CompareView::new(project, song, a, b);
    if model.player.is_on(&compare.project, &compare.song) {
        compare.cursor_us = model.player.at_us().unwrap_or(0);
    } else if let Screen::Song(view) = model.top() {
        compare.cursor_us = view.cursor();
    }
    model.stack.push(Screen::Compare(compare));
    Vec::new()
}

/// Asks for what the screen shows and does not have.
pub(super) fn reconcile(model: &mut Model, effects: &mut Vec<Effect>) {
    let Some(view) = view(model) else { return };
    if !model.online() || two::page(model.comparison.as_ref(), view).is_some() {
        return;
    }
    let request = view.request();
    let ticket = model.next_ticket();
    model.comparison = Some(ComparisonPage { request: request.clone(), ticket, state: Compared::Asked });
    effects.push(Effect::Read { ticket, page: Page::Compare(request) });
}

/// The line is back: an answer that was cut on its way is asked for again.
pub(super) fn again(model: &mut Model) {
    if model.comparison.as_ref().is_some_and(|it| !matches!(it.state, Compared::Here(_))) {
        model.comparison = None;
    }
}

pub(super) fn arrived(model: &mut Model, ticket: u64, outcome: Result<String, Failure>) {
    let Some(page) = model.comparison.as_mut().filter(|it| it.ticket == ticket) else { return };
    page.state = match outcome.map(|json| two::read(&json)) {
        Ok(Ok(found)) => Compared::Here(found),
        Ok(Err(text)) => Compared::Failed(text, String::new()),
        Err(Failure::Refused { text, hint, .. }) => Compared::Failed(text, hint),
        Err(Failure::Offline(why)) => {
            Compared::Failed(why, "It is asked again when the line is back.".into())
        }
    };
}

fn spans(model: &Model) -> Vec<Option<(u64, u64)>> {
    let Some(view) = view(model) else { return Vec::new() };
    let Some(rows) = model.projects.get(&view.project) else { return Vec::new() };
    items(view, found(model), rows).iter().map(|it| it.span_ms).collect()
}

fn step(model: &mut Model, verb: Verb) {
    let spans = spans(model);
    model.player.aimed = false;
    let Some(view) = view_mut(model) else { return };
    view.at = super::nav::moved(view.at, spans.len(), verb);
    // The cursor shows where in the song the line is, unless it goes with the sound.
    if let Some(Some((start_ms, _))) = spans.get(view.at)
        && !(model.player.playing && model.player.follow)
    {
        let us = start_ms.saturating_mul(1000);
        if let Some(view) = view_mut(model) {
            view.cursor_us = us;
        }
    }
}

fn cursor(model: &mut Model, right: bool) {
    let length_us = length_us(model);
    let columns = u64::from(draw::compare_columns(model.size.0)).max(1);
    let step = (length_us / columns).max(1);
    model.player.follow = false;
    model.player.aimed = true;
    let Some(view) = view_mut(model) else { return };
    view.cursor_us = if right {
        view.cursor_us.saturating_add(step).min(length_us)
    } else {
        view.cursor_us.saturating_sub(step)
    };
}

/// Of the first file.
fn length_us(model: &Model) -> u64 {
    let track = view(model).and_then(|view| track(model, view, &view.a));
    track.map_or(0, |it| us_of(it.frames, it.sample_rate))
}

fn track(model: &Model, view: &CompareView, chosen: &Chosen) -> Option<crate::play::Track> {
    let version = model.projects.get(&view.project)?.version(&chosen.version)?;
    player::track(&view.project, version, player::file_of(version, &chosen.alternate)?)
}

/// Both files, where both can be heard.
pub(super) fn pair(model: &Model, view: &CompareView) -> Vec<crate::play::Track> {
    let both: Option<Vec<_>> = [&view.a, &view.b].iter().map(|it| track(model, view, it)).collect();
    both.unwrap_or_default()
}

/// The place of the two on the player, if they lie there.
pub fn pair_on(model: &Model, view: &CompareView) -> Option<[usize; 2]> {
    let (tracks, _) = model.player.side().filter(|_| model.player.is_on(&view.project, &view.song))?;
    let place = |chosen: &Chosen| {
        let wanted = track(model, view, chosen)?;
        tracks.iter().position(|it| it.version_id == wanted.version_id && it.sha256 == wanted.sha256)
    };
    Some([place(&view.a)?, place(&view.b)?])
}

/// Plays from the cursor; the newer first.
pub(super) fn play(model: &mut Model) -> Vec<Effect> {
    let Some(view) = view(model) else { return Vec::new() };
    let (cursor_us, about) = (view.cursor_us, (view.project.clone(), view.song.clone()));
    if let Some([a, b]) = pair_on(model, view) {
        let heard = model.player.side().map_or(b, |(_, heard)| heard);
        let mut effects = Vec::new();
        if heard != a && heard != b {
            effects.extend(listen::hear(model, b));
        }
        let at = frame_of(on_heard(model, cursor_us), model.player.rate());
        let stays = model.player.status.as_ref().is_some_and(|it| it.at.abs_diff(at) < 100);
        if !stays && !model.player.follow {
            effects.extend(listen::seek(model, at));
        }
        model.player.playing = true;
        model.player.follow = true;
        model.player.aimed = false;
        effects.push(listen::order(Order::Play));
        return effects;
    }
    let tracks = [&view.a, &view.b].map(|it| track(model, view, it));
    let deck = match tracks {
        [Some(a), Some(b)] => Some(Deck::Side { tracks: vec![a, b], heard: 1 }),
        _ => None,
    };
    let at_us = of_b(found(model).map(|it| &it.time_map), cursor_us);
    listen::load(model, deck, about, at_us, true)
}

/// A moment of the first file in the second, where the comparison tells.
fn of_b(map: Option<&TimeMap>, a_us: u64) -> u64 {
    map.and_then(|it| it.nearest_b_of_a(a_us as f64 / 1e6)).map_or(a_us, us)
}

fn of_a(map: Option<&TimeMap>, b_us: u64) -> u64 {
    map.and_then(|it| it.a_of_b(b_us as f64 / 1e6)).map_or(b_us, us)
}

fn us(seconds: f64) -> u64 {
    (seconds.max(0.0) * 1e6).round() as u64
}

/// A moment of the first file as a position of the deck while what is heard now is heard.
fn on_heard(model: &Model, a_us: u64) -> u64 {
    let Some(view) = view(model) else { return a_us };
    let heard = model.player.side().map(|(_, heard)| heard);
    match pair_on(model, view) {
        Some([a, b]) if a != b && heard == Some(b) => of_b(found(model).map(|it| &it.time_map), a_us),
        _ => a_us,
    }
}

/// Where the sound is, as a moment of the first file.
pub(super) fn at_of_a(model: &Model, view: &CompareView, deck_us: u64) -> u64 {
    let state = two::page(model.comparison.as_ref(), view).map(|it| &it.state);
    let map = match state {
        Some(Compared::Here(found)) => Some(&found.time_map),
        _ => None,
    };
    let heard = model.player.side().map(|(_, heard)| heard);
    match pair_on(model, view) {
        Some([a, b]) if a != b && heard == Some(b) => of_a(map, deck_us),
        _ => deck_us,
    }
}

/// The other of the two, at the same moment of the music: where something was cut in or out, that is another moment of the file.
pub(super) fn switch(model: &mut Model) -> Vec<Effect> {
    let Some(view) = view(model) else { return Vec::new() };
    let Some([a, b]) = pair_on(model, view) else { return play(model) };
    let heard = model.player.side().map_or(b, |(_, heard)| heard);
    let to = if heard == b { a } else { b };
    let map = found(model).map(|it| it.time_map.clone());
    let here_us = model.player.at_us().unwrap_or(0);
    let there_us = if heard == b { of_a(map.as_ref(), here_us) } else { of_b(map.as_ref(), here_us) };
    let mut effects: Vec<Effect> = listen::hear(model, to).into_iter().collect();
    // Under a millisecond nobody hears a jump, and a switch alone is exact.
    if here_us.abs_diff(there_us) > 1_000 {
        effects.extend(listen::seek(model, frame_of(there_us, model.player.rate())));
    }
    effects
}

/// The chosen line as a stretch of the deck.
pub(super) fn range_us(model: &Model) -> Option<(u64, u64)> {
    let view = view(model)?;
    let (start_ms, end_ms) = (*spans(model).get(view.at)?)?;
    let start = on_heard(model, start_ms.saturating_mul(1000));
    let end = on_heard(model, end_ms.saturating_mul(1000)).max(start);
    let short = LOOP_US_MIN.saturating_sub(end - start) / 2;
    Some((start.saturating_sub(short), end.saturating_add(short)))
}

/// Enter: what the line speaks of is heard.
fn hear_item(model: &mut Model) -> Vec<Effect> {
    let Some(view) = view(model) else { return Vec::new() };
    let at = view.at;
    let spans = spans(model);
    let span = spans.get(at).copied().flatten().filter(|_| !model.player.aimed);
    let us = match (span, model.player.aimed) {
        (Some((start_ms, _)), _) => start_ms.saturating_mul(1000),
        (None, true) => view.cursor_us,
        (None, false) => 0,
    };
    if let Some(view) = view_mut(model) {
        view.cursor_us = us;
    }
    let lies = self::view(model).is_some_and(|view| pair_on(model, view).is_some());
    if !lies {
        return play(model);
    }
    model.player.follow = true;
    model.player.aimed = false;
    let at = frame_of(on_heard(model, us), model.player.rate());
    let mut effects = listen::seek(model, at);
    if !model.player.playing {
        model.player.playing = true;
        effects.push(listen::order(Order::Play));
    }
    effects
}

/// Versions of the song that have the file, the newest first.
fn candidates<'a>(rows: &'a Project, view: &CompareView) -> Vec<&'a VersionRow> {
    let has = |it: &&VersionRow| {
        player::file_of(it, &view.a.alternate).is_some()
            && (it.version_id != view.b.version || view.a.alternate != view.b.alternate)
    };
    rows.versions(&view.song).into_iter().filter(has).collect()
}

/// Another version for the first of the two.
fn other_version(model: &mut Model, older: bool) -> Vec<Effect> {
    let Some(view) = view(model) else { return Vec::new() };
    let Some(rows) = model.projects.get(&view.project) else { return Vec::new() };
    let all = candidates(rows, view);
    let now = all.iter().position(|it| it.version_id == view.a.version).unwrap_or(0);
    let next = if older { now + 1 } else { now.wrapping_sub(1) };
    let Some(next) = all.get(next).map(|it| it.version_id.clone()) else {
        let what = if older { "There is no older version." } else { "There is no newer version." };
        return read::tell(model, what);
    };
    if let Some(view) = view_mut(model) {
        view.a.version = next;
        view.at = 0;
    }
    again_on_deck(model)
}

/// The next alternate that both versions have.
fn other_alternate(model: &mut Model, forward: bool) -> Vec<Effect> {
    let Some(view) = view(model) else { return Vec::new() };
    let Some(rows) = model.projects.get(&view.project) else { return Vec::new() };
    let (Some(a), Some(b)) = (rows.version(&view.a.version), rows.version(&view.b.version)) else {
        return Vec::new();
    };
    let mut names: Vec<String> = b.files.iter().map(|it| it.alternate.clone()).collect();
    names.dedup();
    names.retain(|name| a.files.iter().any(|it| it.alternate == *name));
    let now = if view.b.alternate.is_empty() {
        0
    } else {
        names.iter().position(|it| *it == view.b.alternate).unwrap_or(0)
    };
    if names.len() < 2 || a.version_id == b.version_id {
        return read::tell(model, "There is no other alternate that both of them have.");
    }
    let next = if forward { (now + 1) % names.len() } else { (now + names.len() - 1) % names.len() };
    // The main stands first and is called by no name.
    let name = if next == 0 { String::new() } else { names[next].clone() };
    if let Some(view) = view_mut(model) {
        view.a.alternate = name.clone();
        view.b.alternate = name;
        view.at = 0;
    }
    again_on_deck(model)
}

/// What plays goes on with the new pair.
fn again_on_deck(model: &mut Model) -> Vec<Effect> {
    let Some(view) = view(model) else { return Vec::new() };
    if !model.player.playing || !model.player.is_on(&view.project, &view.song) {
        return Vec::new();
    }
    if let Some(us) = model.player.at_us()
        && let Some(view) = view_mut(model)
    {
        view.cursor_us = us;
    }
    play(model)
}

fn sentences(model: &mut Model) -> Vec<Effect> {
    let Some(found) = found(model) else {
        return read::tell(model, "The studio has not answered yet.");
    };
    let lines = found.words.clone();
    read::show(model, "What changed, in sentences".into(), lines, None);
    Vec::new()
}
