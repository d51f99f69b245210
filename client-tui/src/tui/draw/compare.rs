//! Two files beside each other: how loud each is and is played, what is left when one is taken from the other, by time and band, and what changed with what
//! became of each note. Signs and shades speak without colour. The work is in proportion to what is on the screen.

use deadwax_dsp::compare::{Comparison, Edit, Residual};
use ratatui::{
    Frame,
    layout::Rect,
    style::Style,
    text::{Line, Span},
};

use super::{
    empty, first_shown, heading, put,
    text::{clip, pad, pad_left, width, wrap},
    theme::Theme,
};
use crate::tui::{
    compare::{self as two, Compared, Item, What, items},
    model::{Chosen, CompareView, Model},
    player::{self, gain, us_of},
    rows::Project,
    update, words,
};

/// Columns to the left of the picture, for the names of bands.
pub(super) const GUTTER: u16 = 9;

pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, view: &CompareView) {
    let Some(rows) = model.projects.get(&view.project).filter(|it| it.loaded) else {
        return empty(theme, frame, area, &["The song has not arrived yet."]);
    };
    if rows.version(&view.a.version).is_none() || rows.version(&view.b.version).is_none() {
        return empty(theme, frame, area, &["One of the two is no longer there.", "Esc goes back."]);
    }
    let length_us = sides(model, theme, frame, area, rows, view);
    let page = two::page(model.comparison.as_ref(), view);
    let found = match page.map(|it| &it.state) {
        Some(Compared::Here(found)) => Some(found.as_ref()),
        _ => None,
    };
    summary(model, theme, frame, area, page.map(|it| &it.state));
    let bands = found.and_then(|it| it.residual.as_ref()).map_or(0, |it| it.edges_hz.len().saturating_sub(1));
    // The bands give way where the list would have no room.
    let bands = if area.height >= 18 { bands.min(10) } else { 0 };
    let height = u16::try_from(bands).unwrap_or(0) + 3;
    let chart = Rect { y: area.y + 3, height: height.min(area.height.saturating_sub(3)), ..area };
    let items = items(view, found, rows);
    picture(model, theme, frame, chart, &Picture { view, found, items: &items, length_us, bands });
    let used = 3 + height;
    if area.height <= used {
        return;
    }
    let lower = Rect { y: area.y + used, height: area.height - used, ..area };
    list(theme, frame, lower, view, &items, found);
}

/// One line each: name, loudness, what is done to it. Answers the length of the first.
fn sides(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    rows: &Project,
    view: &CompareView,
) -> u64 {
    let track = |chosen: &Chosen| {
        let version = rows.version(&chosen.version)?;
        player::track(&view.project, version, player::file_of(version, &chosen.alternate)?)
    };
    let tracks = [track(&view.a), track(&view.b)];
    let pair = update::pair_on(model, view);
    let heard = model.player.side().map(|(_, heard)| heard);
    let softest =
        tracks.iter().flatten().map(|it| it.lufs).filter(|it| it.is_finite()).fold(f64::INFINITY, f64::min);
    let blind = update::is_blind(model);
    for (at, (track, chosen)) in tracks.iter().zip([&view.a, &view.b]).enumerate() {
        let name = match track {
            Some(it) => it.label.clone(),
            None => rows.version(&chosen.version).map_or_else(String::new, words::version),
        };
        let sounds = !blind && model.player.playing && pair.is_some_and(|it| heard == Some(it[at]));
        let figures = track.as_ref().map_or_else(
            || "not measured".to_owned(),
            |it| {
                let told = pair.and_then(|pair| model.player.status.as_ref()?.tracks.get(pair[at]));
                // Before it lies on the player: what the match will do.
                let db =
                    told.map_or(if it.lufs.is_finite() { softest - it.lufs } else { 0.0 }, |it| it.gain_db);
                let how =
                    if pair.is_some() { player::level_name(model.player.level) } else { "matched".into() };
                format!("{}  {}  {how} {}", words::lufs(it.lufs), words::dbtp(it.true_peak_dbtp), gain(db))
            },
        );
        let room = usize::from(area.width).saturating_sub(width(&figures) + 8);
        let sign = if sounds { "▶" } else { " " };
        let style = if sounds { theme.accent() } else { theme.head() };
        let letter = ["A", "B"][at];
        let line = Line::from(vec![
            Span::styled(format!(" {sign} {letter}  {} ", pad(&name, room)), style),
            Span::raw(figures),
        ]);
        put(frame, area, u16::from(at == 1), line);
    }
    tracks[0].as_ref().map_or(0, |it| us_of(it.frames, it.sample_rate))
}

fn summary(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, state: Option<&Compared>) {
    let (text, style) = match state {
        Some(Compared::Here(found)) => {
            let said = found.words.first().map_or("", String::as_str).to_owned();
            let more = found.gain_db.filter(|it| it.abs() >= 0.05).map_or_else(String::new, |db| {
                let way = if db > 0.0 { "louder" } else { "softer" };
                format!(" B is {:.1} dB {way}: taken off first.", db.abs())
            });
            (format!("{said}{more}"), theme.plain())
        }
        Some(Compared::Failed(text, hint)) => (format!("× Not compared: {text} {hint}"), theme.bad()),
        _ if model.online() => {
            ("… The studio listens to both. This takes some seconds for a song.".into(), theme.warn())
        }
        Some(Compared::Asked) | None => {
            ("Not compared while offline. Listening works where the files are here.".into(), theme.warn())
        }
    };
    put(
        frame,
        area,
        2,
        Line::styled(format!(" {}", clip(&text, usize::from(area.width).saturating_sub(2))), style),
    );
}

struct Picture<'a> {
    view: &'a CompareView,
    found: Option<&'a Comparison>,
    items: &'a [Item<'a>],
    length_us: u64,
    bands: usize,
}

impl Picture<'_> {
    fn cell(&self, us: u64, columns: usize) -> Option<usize> {
        let at = (u128::from(us) * columns as u128).checked_div(u128::from(self.length_us))?;
        usize::try_from(at).ok().map(|at| at.min(columns.saturating_sub(1)))
    }
}

/// What is left, from hardly anything to as much as the music itself.
const SHADES: [(f32, char); 5] =
    [(-60.0, '·'), (-40.0, '░'), (-24.0, '▒'), (-10.0, '▓'), (f32::INFINITY, '█')];

fn shade(db: f32) -> char {
    SHADES.iter().find(|(to, _)| db < *to).map_or(' ', |(_, sign)| *sign)
}

fn picture(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, it: &Picture<'_>) {
    let scale = "dB left: · -60 ░ -40 ▒ -24 ▓ -10 █";
    let name =
        if usize::from(area.width) > 90 { "What is left when A is taken from B" } else { "B without A" };
    put(frame, area, 0, heading(theme, name, scale, area.width, false));
    let inner = Rect { x: area.x + 1 + GUTTER, width: area.width.saturating_sub(2 + GUTTER), ..area };
    let columns = usize::from(inner.width);
    if columns == 0 || area.height < 3 {
        return;
    }
    let cursor = it.cell(it.view.cursor_us, columns);
    let residual = it.found.and_then(|it| it.residual.as_ref()).filter(|it| !it.all_db.is_empty());
    let mut put_row = |row: u16, label: &str, level: &dyn Fn(usize) -> Option<f32>| {
        let gutter = Rect { x: area.x, width: GUTTER + 1, ..area };
        put(
            frame,
            gutter,
            row,
            Line::styled(format!(" {} ", pad_left(label, usize::from(GUTTER) - 1)), theme.dim()),
        );
        let signs: Vec<char> = (0..columns).map(|at| level(at).map_or(' ', shade)).collect();
        let text = |from: usize, to: usize| signs[from..to].iter().collect::<String>();
        let line = match cursor {
            Some(at) => Line::from(vec![
                Span::styled(text(0, at), theme.wave()),
                Span::styled(text(at, at + 1), theme.chosen()),
                Span::styled(text(at + 1, columns), theme.wave()),
            ]),
            None => Line::styled(text(0, columns), theme.wave()),
        };
        put(frame, inner, row, line);
    };
    if let Some(residual) = residual {
        put_row(1, "all", &|at| {
            loudest(residual, at, columns, |step| residual.all_db.get(step).copied().flatten())
        });
        for band in 0..it.bands {
            // The highest stands on top, as on every analyser.
            let from = it.bands - 1 - band;
            let label = edges(residual, from);
            put_row(u16::try_from(band + 2).unwrap_or(u16::MAX), &label, &|at| {
                loudest(residual, at, columns, |step| {
                    residual.bands_db.get(step)?.get(from).copied().flatten()
                })
            });
        }
    } else if it.found.is_some() {
        put(frame, inner, 1, Line::styled("An older studio: no picture of it.", theme.dim()));
    }
    let axis_row = area.height - 1;
    axis(model, theme, frame, Rect { y: area.y + axis_row, height: 1, ..inner }, it, cursor);
}

/// The most that is left in the steps under a column.
fn loudest(
    residual: &Residual,
    at: usize,
    columns: usize,
    level: impl Fn(usize) -> Option<f32>,
) -> Option<f32> {
    let steps = residual.all_db.len();
    let (from, to) = (at * steps / columns, ((at + 1) * steps).div_ceil(columns));
    (from..to.max(from + 1)).filter_map(level).reduce(f32::max)
}

/// "250-1k", "10k-24k"
fn edges(residual: &Residual, band: usize) -> String {
    let hz = |at: usize| match residual.edges_hz.get(at).copied().unwrap_or(0.0) {
        it if it >= 1000.0 && (it / 1000.0).fract() > 0.01 => format!("{:.1}k", it / 1000.0),
        it if it >= 1000.0 => format!("{:.0}k", it / 1000.0),
        it => format!("{it:.0}"),
    };
    format!("{}-{}", hz(band), hz(band + 1))
}

/// Where something was cut in or out, what the chosen line covers, and the cursor with its time.
fn axis(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    it: &Picture<'_>,
    cursor: Option<usize>,
) {
    let columns = usize::from(area.width);
    let mut line: Vec<char> = vec![' '; columns];
    let write = |line: &mut Vec<char>, at: usize, text: &str| {
        for (cell, c) in line.iter_mut().skip(at).zip(text.chars()) {
            *cell = c;
        }
    };
    let end = words::clock(it.length_us / 1000, false);
    write(&mut line, 0, "0:00");
    write(&mut line, columns.saturating_sub(width(&end)), &end);
    let chosen = it.items.get(it.view.at).and_then(|it| it.span_ms);
    let looped = model.player.looped_us().filter(|_| update::pair_on(model, it.view).is_some());
    let chosen_us = chosen.map(|(start, end)| (start.saturating_mul(1000), end.saturating_mul(1000)));
    for (stretch, [first, middle, last]) in [(chosen_us, ['├', '─', '┤']), (looped, ['[', '═', ']'])]
    {
        let cells = stretch.and_then(|(start, end)| Some((it.cell(start, columns)?, it.cell(end, columns)?)));
        if let Some((start, end)) = cells.filter(|(start, end)| start <= end) {
            line[start..=end].fill(middle);
            line[end] = last;
            line[start] = first;
        }
    }
    for item in it.items.iter().take(columns) {
        if let (What::Edit(edit), Some(cell)) =
            (&item.what, it.cell(two::ms(edge_s(item)).saturating_mul(1000), columns))
        {
            line[cell] = if edit.inserted_s > edit.removed_s { '+' } else { '−' };
        }
    }
    if let Some(cell) = cursor {
        let time = words::clock(it.view.cursor_us / 1000, true);
        let sign = if model.player.playing { '▶' } else { '▲' };
        let fits = cell + 1 + width(&time) <= columns;
        let (at, label) = if fits {
            (cell, format!("{sign}{time}"))
        } else {
            ((cell + 1).saturating_sub(width(&time) + 1), format!("{time}{sign}"))
        };
        write(&mut line, at, &label);
    }
    put(frame, area, 0, Line::styled(line.into_iter().collect::<String>(), theme.head()));
}

fn edge_s(item: &Item<'_>) -> f64 {
    match item.what {
        What::Edit(edit) => edit.a_s,
        _ => 0.0,
    }
}

/// "2.00 s inserted at 1:04.0"
fn edit(edit: &Edit) -> String {
    let length =
        |s: f64| if s < 0.95 { format!("{:.0} ms", 1000.0 * s.max(0.0)) } else { format!("{s:.2} s") };
    let at = words::clock(two::ms(edit.a_s), true);
    match (edit.inserted_s > 0.0005, edit.removed_s > 0.0005) {
        (true, true) => format!("{} replaced by {} at {at}", length(edit.removed_s), length(edit.inserted_s)),
        (true, false) => format!("{} inserted at {at}", length(edit.inserted_s)),
        _ => format!("{} removed at {at}", length(edit.removed_s)),
    }
}

fn text(item: &Item<'_>) -> String {
    match &item.what {
        What::Edit(it) => edit(it),
        What::Change(it) => it.words.clone(),
        What::Note { note, text, .. } => {
            let at = item.span_ms.map_or_else(|| "song".into(), |(start, _)| words::clock(start, true));
            format!("{at} {}: \"{}\": {text}", clip(&note.author, 16), clip(&note.text, 60))
        }
    }
}

fn style(theme: &Theme, item: &Item<'_>) -> Style {
    match &item.what {
        What::Note { verdict: deadwax_proto::v1::Verdict::Untouched, .. } => theme.warn(),
        What::Note { verdict: deadwax_proto::v1::Verdict::Changed, .. } => theme.good(),
        _ => theme.plain(),
    }
}

fn list(
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    view: &CompareView,
    items: &[Item<'_>],
    found: Option<&Comparison>,
) {
    let notes = items.iter().filter(|it| matches!(it.what, What::Note { .. })).count();
    let changes = items.len() - notes;
    let untold = found.map_or(0, |it| it.untold);
    let mut rest = if found.is_some() { words::count(changes, "change", "changes") } else { String::new() };
    if untold > 0 {
        rest.push_str(&format!(", {untold} smaller not listed"));
    }
    if notes > 0 {
        let before = if rest.is_empty() { "" } else { ", " };
        let verdicts = if notes == 1 { "a verdict on" } else { "verdicts on" };
        rest.push_str(&format!("{before}{verdicts} {}", words::count(notes, "note", "notes")));
    }
    put(frame, area, 0, heading(theme, "What changed", &rest, area.width, true));
    if items.is_empty() {
        let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        let text = if found.is_some() { "Nothing that stands out." } else { "What changed is listed here." };
        return empty(theme, frame, below, &[text]);
    }
    let height = usize::from(area.height.saturating_sub(1));
    let room = usize::from(area.width.saturating_sub(5));
    let at = view.at.min(items.len() - 1);
    // The chosen one shows its whole text.
    let open = wrap(&text(&items[at]), room);
    let open = open.get(..open.len().min(height.saturating_sub(1).max(1))).unwrap_or(&open).to_vec();
    let first = first_shown(at, items.len(), height.saturating_sub(open.len() - 1).max(1));
    let mut row = 1;
    for (index, item) in items.iter().enumerate().skip(first) {
        if usize::from(row) > height {
            break;
        }
        if index == at {
            for (line_at, line) in open.iter().enumerate() {
                let sign = if line_at == 0 { item.sign } else { " " };
                let mark = if line_at == 0 { "▸" } else { " " };
                put(
                    frame,
                    area,
                    row,
                    Line::styled(format!("{mark} {sign} {}", pad(line, room)), theme.chosen()),
                );
                row += 1;
            }
        } else {
            put(
                frame,
                area,
                row,
                Line::styled(format!("  {} {}", item.sign, clip(&text(item), room)), style(theme, item)),
            );
            row += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shade_is_darker_the_more_is_left() {
        let signs: String = [-90.0, -50.0, -30.0, -12.0, 3.0].into_iter().map(shade).collect();
        assert_eq!(signs, "·░▒▓█");
        assert_eq!(shade(f32::NAN), ' ');
    }

    #[test]
    fn a_column_tells_the_most_of_the_steps_under_it() {
        let residual = Residual {
            step_s: 1.0,
            edges_hz: vec![20.0, 250.0, 2_500.0, 24_000.0],
            all_db: vec![Some(-80.0), None, Some(-20.0), Some(-60.0)],
            bands_db: Vec::new(),
        };
        let at = |column, columns| loudest(&residual, column, columns, |step| residual.all_db[step]);
        assert_eq!((at(0, 2), at(1, 2)), (Some(-80.0), Some(-20.0)));
        assert_eq!(at(1, 4), None);
        assert_eq!(at(7, 8), Some(-60.0), "more columns than steps");
        assert_eq!(
            [edges(&residual, 0), edges(&residual, 1), edges(&residual, 2)],
            ["20-250", "250-2.5k", "2.5k-24k"]
        );
    }

    #[test]
    fn an_edit_is_told_by_what_came_and_went() {
        let of = |inserted_s, removed_s| edit(&Edit { a_s: 64.0, b_s: 64.0, inserted_s, removed_s });
        assert_eq!(of(2.0, 0.0), "2.00 s inserted at 1:04.0");
        assert_eq!(of(0.0, 0.25), "250 ms removed at 1:04.0");
        assert_eq!(of(1.0, 0.5), "500 ms replaced by 1.00 s at 1:04.0");
    }
}
