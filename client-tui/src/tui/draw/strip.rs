//! One line on every screen while something lies on the player: what is heard, where, how loud, through what. Never here: keys.

use ratatui::text::{Line, Span};

use super::{
    text::{clip, width},
    theme::Theme,
};
use crate::{
    play::{Channels, TrackStatus},
    tui::{
        keys::Verb,
        model::Model,
        player::{Player, gain, level_name},
        presence, update, words,
    },
};

pub(super) fn lies(model: &Model) -> bool {
    model.player.deck.is_some()
}

pub(super) fn line(model: &Model, theme: &Theme, columns: u16) -> Option<Line<'static>> {
    let player = &model.player;
    player.deck.as_ref()?;
    let blind = update::is_blind(model);
    let status = player.status.as_ref();
    let here = status.and_then(|it| {
        let heard = player.side().map_or(it.heard, |(_, heard)| heard);
        it.tracks.get(heard)
    });
    let waiting = player.playing && status.is_none_or(|it| it.waiting);
    let (sign, style) = match (player.playing, waiting) {
        (true, true) => ("…", theme.warn()),
        (true, false) => ("▶", theme.good()),
        _ => ("‖", theme.dim()),
    };
    let mut facts = facts(player, blind, here, waiting);
    let kind = model.top().kind();
    let own = model.settings.keys.bindings(kind).any(|it| it.verb == Verb::PlayPause);
    if !own && !model.settings.keys.name(kind, Verb::Stop).is_empty() {
        // Away from what sounds there is one key for it.
        facts.push((format!("{} stops", model.key(Verb::Stop)), false));
    }
    let clock =
        |frame: u64, tenths| words::clock(crate::tui::player::us_of(frame, player.rate()) / 1000, tenths);
    let time =
        status.map_or_else(String::new, |it| format!("{}/{}", clock(it.at, true), clock(it.frames, false)));
    let label = if blind { "blind" } else { player.track().map_or("", |it| it.label.as_str()) };
    // On the screen of another song the name of a version alone would be taken for one of that song.
    let elsewhere = player
        .about
        .as_ref()
        .filter(|(_, song)| presence::song_of(model).is_some_and(|it| it != song.as_str()));
    let title =
        elsewhere.and_then(|(project, song)| Some(model.projects.get(project)?.song(song)?.title.as_str()));
    let named = match title {
        Some(title) if !blind => format!("{}: {label}", clip(title, usize::from(columns / 4).max(8))),
        _ => label.to_owned(),
    };
    let room = usize::from(columns);
    // What is heard may be called at length; the figures behind it must stay.
    let label = clip(&named, (room / 3).max(12));
    let mut spans = vec![
        Span::styled(format!(" {sign} "), style),
        Span::styled(format!("{label} "), theme.head()),
        Span::raw(time),
    ];
    let mut used: usize = spans.iter().map(|it| width(&it.content)).sum();
    for (fact, warns) in facts {
        let fact = clip(&fact, room.saturating_sub(used + 3));
        if fact.is_empty() {
            break;
        }
        used += width(&fact) + 3;
        spans.push(Span::styled(" · ", theme.dim()));
        spans.push(Span::styled(fact, if warns { theme.warn() } else { theme.plain() }));
    }
    Some(Line::from(spans))
}

/// What is said behind the time: how loud, which channels, the loop, what is missing. True: a warning.
fn facts(player: &Player, blind: bool, here: Option<&TrackStatus>, waiting: bool) -> Vec<(String, bool)> {
    let status = player.status.as_ref();
    let mut facts: Vec<(String, bool)> = Vec::new();
    // How loud a file is tells which it is.
    let level = match (blind, player.gain_db()) {
        (true, _) => level_name(player.level),
        (_, Some(db)) => format!("{} {}", level_name(player.level), gain(db)),
        (_, None) => level_name(player.level),
    };
    facts.push((level, false));
    let monitor = player.monitor;
    let channels = match monitor.channels {
        Channels::Stereo => None,
        Channels::Mono => Some("mono"),
        Channels::Side => Some("side"),
    };
    let set = [channels, monitor.swap.then_some("L/R swapped"), monitor.dim.then_some("dim")];
    facts.extend(set.into_iter().flatten().map(|it| (it.to_owned(), false)));
    if status.is_some_and(|it| it.looped.is_some()) {
        facts.push(("loop".into(), false));
    }
    if let Some(problem) = here.and_then(|it| it.problem.as_deref()) {
        facts.push((format!("! {problem}"), true));
    } else if let Some(here) = here.map(|it| it.here).filter(|it| *it < 1.0) {
        let percent = (here.clamp(0.0, 1.0) * 100.0).floor();
        let word = if waiting { "buffering" } else { "fetched" };
        facts.push((format!("{word} {percent:.0} %"), waiting));
    }
    if let Some(status) = status {
        if !status.audible && !status.output.is_empty() {
            facts.push((format!("! {}", status.output), true));
        }
        if status.underruns > 0 {
            facts.push((
                words::count(usize::try_from(status.underruns).unwrap_or(usize::MAX), "gap", "gaps"),
                true,
            ));
        }
    }
    facts
}
