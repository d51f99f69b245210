//! How long each song stood in each stage: a table, and below it a bar a song on one scale. Each stage has a shade of its own, so that the
//! chart reads without colour.

use std::borrow::Cow;

use deadwax_proto::v1::{SongTurnaround, Stage};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line, Span},
};

use super::{
    NOTHING_FOUND, empty, first_shown, heading, put,
    text::{clip, pad, pad_left},
    theme::Theme,
};
use crate::tui::{filter, lists, model::Model, words};

/// A stage with its shade in the bars.
const SHADES: [(Stage, char); 3] = [(Stage::Recording, '░'), (Stage::Mixing, '▓'), (Stage::Mastering, '█')];

pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, at: usize) {
    put(frame, area, 0, heading(theme, "Turnaround", "time in each stage", area.width, false));
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let page = model.turnaround.as_ref();
    if let Some(problem) = page.and_then(|page| page.problem.as_deref()) {
        return empty(theme, frame, body, &["Not loaded.", problem, "Esc, then T asks again."]);
    }
    let Some(songs) = page.and_then(|page| page.songs.as_deref()) else {
        return empty(theme, frame, body, &["The studio counts ..."]);
    };
    if songs.is_empty() {
        return empty(theme, frame, body, &["There are no songs yet."]);
    }
    let kept = filter::kept(model, songs, lists::turnaround);
    if kept.is_empty() {
        return empty(theme, frame, body, NOTHING_FOUND);
    }
    let marked = kept.iter().position(|it| *it == at).unwrap_or(kept.len() - 1);
    // Copied only where some are left out.
    let shown: Cow<'_, [SongTurnaround]> = if kept.len() == songs.len() {
        songs.into()
    } else {
        kept.iter().map(|at| songs[*at].clone()).collect()
    };
    let half = u16::try_from(shown.len() + 2).unwrap_or(u16::MAX).min(body.height / 2);
    let [upper, lower] = Layout::vertical([Constraint::Length(half), Constraint::Min(0)]).areas(body);
    table(model, theme, frame, upper, &shown, marked);
    chart(model, theme, frame, lower, &shown, marked);
}

/// Milliseconds in that stage, all stays together. A stay that has not ended counts until now.
fn spent(song: &SongTurnaround, stage: Stage, now_ms: i64) -> i64 {
    let stays = song.stages.iter().filter(|it| it.stage() == stage);
    stays.fold(0, |sum: i64, it| {
        let until_ms = if it.until_ms == 0 { now_ms } else { it.until_ms };
        sum.saturating_add(until_ms.saturating_sub(it.from_ms).max(0))
    })
}

fn table(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    songs: &[SongTurnaround],
    at: usize,
) {
    let columns = usize::from(area.width);
    let wide = columns >= 100;
    let title = columns.saturating_sub(if wide { 90 } else { 62 }).clamp(10, 36);
    let mut header = format!("  {}", pad("Song", title));
    for stage in [Stage::Recording, Stage::Mixing, Stage::Mastering] {
        header.push_str(&pad_left(words::stage(stage), 10));
    }
    for word in ["Rounds", "Versions", "Returns"] {
        header.push_str(&pad_left(word, 9));
    }
    if wide {
        header.push_str(&pad_left("Engineers", 11));
        header.push_str(&pad_left("Reviewers", 11));
    }
    put(frame, area, 0, Line::styled(clip(&header, columns), theme.dim()));
    let height = usize::from(area.height.saturating_sub(2));
    let first = first_shown(at, songs.len(), height);
    for (line, song) in songs.iter().enumerate().skip(first).take(height) {
        let chosen = line == at;
        let mark = if chosen { "▸ " } else { "  " };
        let mut text = format!("{mark}{}", pad(&song.title, title));
        for stage in [Stage::Recording, Stage::Mixing, Stage::Mastering] {
            let ms = spent(song, stage, model.now_ms);
            text.push_str(&pad_left(&if ms == 0 { "–".into() } else { words::length(ms) }, 10));
        }
        let beyond = song.rounds_beyond_terms;
        let rounds =
            if beyond > 0 { format!("{} (+{beyond})", song.rounds) } else { song.rounds.to_string() };
        for word in [rounds, song.versions.to_string(), song.returns.to_string()] {
            text.push_str(&pad_left(&word, 9));
        }
        if wide {
            text.push_str(&pad_left(&words::length(song.waited_for_engineers_ms), 11));
            text.push_str(&pad_left(&words::length(song.waited_for_reviewers_ms), 11));
        }
        let row = u16::try_from(line - first + 1).unwrap_or(u16::MAX);
        put(frame, area, row, Line::styled(clip(&text, columns), theme.row(chosen, false, model.online())));
    }
}

/// One bar a song, all on the scale of the longest; below it whom the chosen song waited for.
fn chart(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    songs: &[SongTurnaround],
    at: usize,
) {
    let legend: Vec<String> = SHADES
        .iter()
        .map(|(stage, shade)| format!("{shade} {}", words::stage(*stage).to_lowercase()))
        .collect();
    put(frame, area, 0, heading(theme, "Chart", &legend.join("  "), area.width, false));
    let columns = usize::from(area.width);
    let title = (columns / 4).clamp(10, 30);
    let room = columns.saturating_sub(title + 4 + 8);
    let whole = |song: &SongTurnaround| {
        SHADES.iter().fold(0, |sum: i64, (stage, _)| sum.saturating_add(spent(song, *stage, model.now_ms)))
    };
    let longest = songs.iter().map(whole).max().unwrap_or(0).max(1);
    let height = usize::from(area.height.saturating_sub(3));
    let first = first_shown(at, songs.len(), height);
    for (line, song) in songs.iter().enumerate().skip(first).take(height) {
        let mark = if line == at { "▸ " } else { "  " };
        let mut spans = vec![Span::raw(format!("{mark}{} ", pad(&song.title, title)))];
        for (stage, shade) in SHADES {
            let ms = spent(song, stage, model.now_ms);
            let cells = usize::try_from(i128::from(ms) * room as i128 / i128::from(longest)).unwrap_or(0);
            // What took any time at all is seen.
            let cells = if ms > 0 { cells.max(1) } else { 0 };
            let style = if stage == Stage::Recording { theme.dim() } else { theme.wave() };
            spans.push(Span::styled(shade.to_string().repeat(cells.min(room)), style));
        }
        spans.push(Span::styled(format!(" {}", words::length(whole(song))), theme.dim()));
        put(frame, area, u16::try_from(line - first + 1).unwrap_or(u16::MAX), Line::from(spans));
    }
    let Some(song) = songs.get(at) else { return };
    let (engineers, reviewers) =
        (words::length(song.waited_for_engineers_ms), words::length(song.waited_for_reviewers_ms));
    let said = format!("  {}: {engineers} waited for engineers, {reviewers} for reviewers", song.title);
    put(frame, area, area.height.saturating_sub(1), Line::raw(clip(&said, columns)));
}
