//! The record: the running order with gaps, fades and gains, where its sides end, and how its songs stand to each other. Everything is drawn from the
//! draft of `album`; bars are read without colour, and what stands out is said in words.

use deadwax_proto::v1::{SongRow, Stage};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line as Text, Span},
};

use super::{
    Hit, arrived, empty, first_shown, heading,
    project::lacks,
    put, row_of, sought,
    text::{clip, pad, pad_left, width},
    theme::Theme,
};
use crate::{
    checks::media::{self, Fit},
    play::{Deck, Shape},
    tui::{
        album::{self, Line},
        lists,
        model::Model,
        rows::{May, PROJECT_KEY, Project},
        words,
    },
};

/// From here on the stage and the side have columns of their own.
const WIDE: u16 = 100;

/// Everything that the parts of the screen share.
struct Page<'a> {
    model: &'a Model,
    theme: &'a Theme,
    rows: &'a Project,
    project: &'a str,
    lines: Vec<Line<'a>>,
    /// The first songs of the sides after the first.
    starts: Vec<usize>,
    /// The places that the filter shows.
    kept: Vec<usize>,
    at: usize,
}

pub(super) fn draw(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    project: &str,
    at: usize,
) {
    let Some(rows) = arrived(model, theme, frame, area, project) else { return };
    let order = model.album.order(project, rows);
    let lines = album::lines(rows, &order);
    let starts = model.album.side_starts(project, &lines);
    let at = at.min(lines.len().saturating_sub(1));
    let kept = match sought(model) {
        Some(filter) => lists::kept_of(filter, rows, lines.iter().map(|it| it.item.song_id.as_str())),
        None => (0..lines.len()).collect(),
    };
    let page = Page { model, theme, rows, project, lines, starts, kept, at };
    if page.lines.is_empty() {
        return empty(theme, frame, area, &["There are no songs yet. The board tells how to add one: 3."]);
    }
    let told = page.state();
    let told_lines = u16::try_from(told.len()).unwrap_or(1);
    let sides = u16::try_from(page.sides().len() + 1).unwrap_or(u16::MAX).min(area.height / 4).max(2);
    let songs = u16::try_from(page.lines.len() + 1).unwrap_or(u16::MAX);
    let rest = area.height.saturating_sub(told_lines + sides);
    // The order comes first; the chart gets what it leaves, a third at least.
    let order = songs.min(rest.saturating_sub((rest / 3).max(4).min(songs + 1)));
    let [head, list, disc, chart] = Layout::vertical([
        Constraint::Length(told_lines),
        Constraint::Length(order),
        Constraint::Length(sides),
        Constraint::Min(0),
    ])
    .areas(area);
    for (row, line) in told.into_iter().enumerate() {
        put(frame, head, u16::try_from(row).unwrap_or(u16::MAX), line);
    }
    page.order(frame, list);
    page.draw_sides(frame, disc);
    page.chart(frame, chart);
}

impl Page<'_> {
    /// What this order is: saved, not saved, overtaken, not to be saved by this person.
    fn state(&self) -> Vec<Text<'static>> {
        let Page { model, theme, rows, project, .. } = self;
        let spacing = rows.head().and_then(|it| it.spacing.as_ref());
        let set = match spacing {
            Some(it) => format!("Spacing {} by {}, {}", it.number, it.by, words::age(model.now_ms, it.at_ms)),
            None => "No spacing was saved yet".into(),
        };
        let signed: Vec<String> = spacing
            .iter()
            .flat_map(|it| &it.approvals)
            .map(|it| format!("{} ({})", it.name, words::role(it.role())))
            .collect();
        let signed = match (spacing, signed.is_empty()) {
            (None, _) => String::new(),
            (_, true) if rows.may("approve_spacing", &[PROJECT_KEY.to_owned()]) == May::Yes => {
                " · approved by nobody yet, A approves".into()
            }
            (_, true) => " · approved by nobody yet".into(),
            _ => format!(" · approved by {}", signed.join(", ")),
        };
        let count = words::count(self.lines.len(), "song", "songs");
        let total = words::clock(album::run_ms(&self.lines), true);
        let unsaved = model.album.is_unsaved(project, rows);
        let mark = if unsaved { "● not saved, w saves · " } else { "" };
        let room = usize::from(model.size.0.saturating_sub(1));
        let text = clip(&format!(" {count}, {total} · {set}{signed}"), room.saturating_sub(width(mark)));
        let style = if unsaved { theme.warn() } else { theme.plain() };
        let mut all =
            vec![Text::from(vec![Span::styled(format!(" {mark}"), style), Span::raw(text[1..].to_owned())])];
        if let Some(number) = model.album.overtaken(project, rows) {
            let by = spacing.map_or("somebody", |it| it.by.as_str());
            let text =
                format!(" ! {by} set spacing {number} meanwhile: t takes it, w puts yours in its place.");
            all.push(Text::styled(clip(&text, room), theme.alarm()));
        } else if let (true, May::No(no)) = (unsaved, rows.may("set_spacing", &[PROJECT_KEY.to_owned()])) {
            let text = format!(" × You can hear it, not save it: {}", no.text);
            all.push(Text::styled(clip(&text, room), theme.warn()));
        }
        all
    }

    /// Which line is heard, and where in it, in milliseconds.
    fn heard(&self) -> Option<(usize, u64)> {
        let player = &self.model.player;
        let (status, Deck::Album { items }) = (player.status.as_ref()?, player.deck.as_ref()?) else {
            return None;
        };
        let item = items.get(status.heard)?;
        let at = self.lines.iter().position(|line| line.version_id() == Some(&item.track.version_id))?;
        let (rate, starts) = album::joints(items);
        let frames = status.at.saturating_sub(*starts.get(status.heard)?);
        Some((at, u64::try_from(u128::from(frames) * 1000 / u128::from(rate.max(1))).unwrap_or(u64::MAX)))
    }

    fn side_of(&self, at: usize) -> usize {
        self.starts.iter().filter(|start| **start <= at).count()
    }

    fn order(&self, frame: &mut Frame<'_>, area: Rect) {
        let wide = area.width >= WIDE;
        let named = |line: &Line<'_>| match (line.version(), line.song()) {
            (Some(it), _) => words::version(it),
            (None, song) => lacks(song.map_or(Stage::Unspecified, SongRow::stage)).to_owned(),
        };
        let height = usize::from(area.height.saturating_sub(1));
        let shown = self.window(height);
        let longest = shown.iter().map(|(_, at)| width(&named(&self.lines[*at]))).max().unwrap_or(0);
        let version = longest.clamp(8, 13) + 1;
        let fixed = 2 + 5 + version + 11 + 8 + 9 + 13 + 7 + if wide { 11 + 5 } else { 0 };
        let title = usize::from(area.width).saturating_sub(fixed).max(8);
        let extra = if wide { format!("{}{}", pad("Stage", 11), pad("Side", 5)) } else { String::new() };
        let header = format!(
            "  {}{}{}{extra}{}{}{}{}{}",
            pad_left("#", 3),
            pad(" Song", title + 2),
            pad("Version", version),
            pad("Before", 11),
            pad_left("Starts", 8),
            pad_left("Length", 9),
            pad("  Fades", 13),
            pad_left("Gain", 7)
        );
        put(frame, area, 0, Text::styled(header, self.theme.dim()));
        let heard = self.heard();
        for (row, at) in shown {
            let line = &self.lines[at];
            let extra = if wide {
                let stage = line.song().map_or("", |it| words::stage(it.stage()));
                let side =
                    if self.model.album.medium().has_sides() { letter(self.side_of(at)) } else { '–' };
                format!("{}{}", pad(stage, 11), pad(&side.to_string(), 5))
            } else {
                String::new()
            };
            let length = match (line.length_ms, heard) {
                (_, Some((playing, ms))) if playing == at => format!("▶{}", words::clock(ms, false)),
                (0, _) => "–".into(),
                (ms, _) => words::clock(ms, true),
            };
            let mark = if at == self.at { "▸ " } else { "  " };
            let title_text = line.song().map_or("a song that is not here", |it| it.title.as_str());
            let text = format!(
                "{mark}{} {} {}{extra}{}{}{}{}{}",
                pad_left(&(at + 1).to_string(), 3),
                pad(title_text, title),
                pad(&named(line), version),
                pad(&before(at, line), 11),
                pad_left(&words::clock(line.start_ms, false), 8),
                pad_left(&length, 9),
                pad(&format!("  {}", fades(line)), 13),
                pad_left(&gain(line), 7)
            );
            let fresh =
                self.rows.is_fresh(PROJECT_KEY) && !self.model.album.is_unsaved(self.project, self.rows);
            let style = self.theme.row(at == self.at, fresh, self.model.online());
            self.theme.hit(row_of(area, row + 1), || Hit::Row(at));
            put(frame, area, row + 1, Text::styled(text, style));
        }
    }

    /// The rows of a list and the places that stand in them.
    fn window(&self, height: usize) -> Vec<(u16, usize)> {
        let here = self.kept.iter().position(|it| *it >= self.at).unwrap_or(0);
        let first = first_shown(here, self.kept.len(), height);
        let places = self.kept.iter().skip(first).take(height).copied().enumerate();
        places.map(|(row, at)| (u16::try_from(row).unwrap_or(u16::MAX - 8), at)).collect()
    }

    /// From the first song of a side up to the first of the next.
    fn sides(&self) -> Vec<(usize, usize)> {
        let mut bounds = vec![0];
        bounds.extend(self.starts.iter().copied());
        bounds.push(self.lines.len());
        bounds.windows(2).map(|pair| (pair[0], pair[1])).filter(|(from, to)| from < to).collect()
    }

    fn draw_sides(&self, frame: &mut Frame<'_>, area: Rect) {
        let (model, theme) = (self.model, self.theme);
        let medium = model.album.medium();
        let how = match (medium.has_sides(), model.album.sides.contains_key(self.project)) {
            (false, _) => "one run".to_owned(),
            (_, true) => "sides set here, E evens them".into(),
            (_, false) => "even sides, B sets one".into(),
        };
        let rest = format!("{how} · M another · as of {}", media::shipped().dated);
        put(frame, area, 0, heading(theme, &medium.name, &rest, area.width, false));
        let most_ms = medium.longest_s().map_or(1, |it| it.saturating_mul(1000)).max(1);
        let sides = self.sides();
        let rows_left = usize::from(area.height.saturating_sub(1));
        let here = sides.iter().position(|(from, to)| (*from..*to).contains(&self.at)).unwrap_or(0);
        let first = first_shown(here, sides.len(), rows_left);
        for (side, (from, to)) in sides.iter().enumerate().skip(first).take(rows_left) {
            let lines = &self.lines[*from..*to];
            let ms = album::run_ms(lines);
            let name = if medium.has_sides() { format!("Side {}", letter(side)) } else { "Disc".into() };
            let span = if to - from == 1 { format!("{}", from + 1) } else { format!("{}–{to}", from + 1) };
            let (sign, said, style) = match medium.fit(ms) {
                Fit::Fits => ("✓", "fits".to_owned(), theme.good()),
                Fit::Warns(text) => ("!", text, theme.warn()),
                Fit::Blocks(text) => ("×", text, theme.bad()),
            };
            let said = match self.cut(*from, lines, medium) {
                Some(more) if said == "fits" => more,
                Some(more) => format!("{said}; {more}"),
                None => said,
            };
            let bar = usize::from(area.width / 6).clamp(8, 24);
            let text = format!(
                " {}{}{} {} ",
                pad(&name, 7),
                pad(&span, 8),
                pad_left(&words::clock(ms, true), 8),
                meter(ms as f64 / most_ms as f64, bar)
            );
            let room = usize::from(area.width).saturating_sub(width(&text) + 1);
            let spans = vec![Span::raw(text), Span::styled(clip(&format!("{sign} {said}"), room), style)];
            put(frame, area, u16::try_from(side - first + 1).unwrap_or(u16::MAX), Text::from(spans));
        }
    }

    /// What else does not go onto this medium.
    fn cut(&self, from: usize, lines: &[Line<'_>], medium: &media::Medium) -> Option<String> {
        let first = lines.first()?;
        if from > 0 && medium.has_sides() && first.item.crossfade_ms > 0 {
            return Some("a crossfade ends at the edge of the side".into());
        }
        if medium.tracks_max.is_some_and(|most| lines.len() > most) {
            return Some(format!("more than {} tracks", medium.tracks_max.unwrap_or(0)));
        }
        let least_ms = medium.track_min_s? * 1000;
        let short = lines.iter().any(|it| it.length_ms > 0 && it.length_ms < least_ms);
        short.then(|| format!("a track is shorter than {} s", least_ms / 1000))
    }

    fn chart(&self, frame: &mut Frame<'_>, area: Rect) {
        let theme = self.theme;
        let lufs = album::median(self.lines.iter().filter_map(Line::lufs));
        let plr = album::median(self.lines.iter().filter_map(Line::plr_db));
        let rest = lufs.map_or_else(
            || "nothing was measured yet".into(),
            |it| format!("middle {it:.1} LUFS, each bar from there"),
        );
        put(frame, area, 0, heading(theme, "Songs beside each other", &rest, area.width, false));
        let reach = usize::from(area.width / 16).clamp(4, 12);
        let wide = area.width >= WIDE;
        let title = usize::from(if wide { area.width / 5 } else { area.width / 6 }).clamp(8, 26);
        let header = format!(
            " {} {}{} {}{}{}{}{}",
            pad_left("#", 3),
            pad("Song", title),
            pad_left("LUFS", 7),
            pad("", 2 * reach + 2),
            pad_left("LRA", 6),
            pad_left("dBTP", 7),
            pad_left("PLR", 6),
            if wide { pad_left("Step", 7) } else { String::new() },
        );
        put(frame, area, 1, Text::styled(header, theme.dim()));
        let height = usize::from(area.height.saturating_sub(2));
        for (row, at) in self.window(height) {
            let (row, line) = (row + 2, &self.lines[at]);
            theme.hit(row_of(area, row), || Hit::Row(at));
            let name = line.song().map_or("", |it| it.title.as_str());
            let number = |value: Option<f64>| value.map_or_else(|| "–".into(), |it| format!("{it:.1}"));
            let bar = match (line.lufs(), lufs) {
                (Some(value), Some(middle)) => lean(value - middle, reach),
                _ => " ".repeat(2 * reach + 1),
            };
            let before = at.checked_sub(1).and_then(|it| self.lines[it].lufs());
            let step = match line.lufs().zip(before) {
                _ if !wide => String::new(),
                Some((now, before)) => pad_left(&format!("{:+.1}", now - before), 7),
                None => pad_left("–", 7),
            };
            let range = line.figures().map(|it| it.loudness_range_lu).filter(|it| it.is_finite());
            let text = format!(
                " {} {}{} {bar} {}{}{}{step}",
                pad_left(&(at + 1).to_string(), 3),
                pad(name, title),
                pad_left(&number(line.lufs()), 7),
                pad_left(&number(range), 6),
                pad_left(&number(line.true_peak_dbtp()), 7),
                pad_left(&number(line.plr_db()), 6),
            );
            let said = album::stands_out(&self.lines, at, (lufs, plr));
            let said = if said.is_empty() { String::new() } else { format!("  ! {}", said.join(", ")) };
            let room = usize::from(area.width).saturating_sub(width(&text));
            let style = if at == self.at { theme.head() } else { theme.plain() };
            let spans = vec![Span::styled(text, style), Span::styled(clip(&said, room), theme.warn())];
            put(frame, area, row, Text::from(spans));
        }
    }
}

/// A, B, ... Z, then none has a name.
fn letter(side: usize) -> char {
    u8::try_from(side).ok().filter(|it| *it < 26).map_or('?', |it| char::from(b'A' + it))
}

fn before(at: usize, line: &Line<'_>) -> String {
    let seconds = |ms: u32| {
        let places = if ms.is_multiple_of(100) { 1 } else { 2 };
        format!("{:.places$} s", f64::from(ms) / 1000.0)
    };
    match (at, line.item.crossfade_ms) {
        (0, _) => "–".into(),
        (_, 0) => format!("gap {}", seconds(line.item.gap_ms)),
        (_, ms) => format!("over {}", seconds(ms)),
    }
}

/// "0.5›8.0 exp": in, out, shape.
fn fades(line: &Line<'_>) -> String {
    let item = &line.item;
    if item.fade_in_ms == 0 && item.fade_out_ms == 0 {
        let whole = match album::shape(item) {
            Shape::EqualPower => "equal power",
            Shape::Linear => "linear",
            Shape::Exponential => "exponential",
        };
        return if item.crossfade_ms == 0 { "–".into() } else { whole.into() };
    }
    let seconds = |ms: u32| match ms {
        0 => "–".to_owned(),
        1..1_000 => format!("{}", f64::from(ms) / 1000.0).trim_start_matches('0').to_owned(),
        1_000..10_000 => format!("{}", f64::from(ms) / 1000.0),
        _ => format!("{:.0}", f64::from(ms) / 1000.0),
    };
    let shape = match album::shape(item) {
        Shape::EqualPower => "",
        Shape::Linear => " lin",
        Shape::Exponential => " exp",
    };
    format!("{}›{}{shape}", seconds(item.fade_in_ms), seconds(item.fade_out_ms))
}

fn gain(line: &Line<'_>) -> String {
    if line.item.gain_cb == 0 { "–".into() } else { format!("{:+.1} dB", line.gain_db()) }
}

/// "█████░░░": of the whole.
fn meter(share: f64, columns: usize) -> String {
    let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
    let full = (share * columns as f64).round() as usize;
    format!("{}{}", "█".repeat(full), "░".repeat(columns.saturating_sub(full)))
}

/// A bar from the middle to the left or to the right, 6 LU at most: "   ██│     ". An arrow where it goes on.
fn lean(by_lu: f64, reach: usize) -> String {
    let cells = (by_lu.clamp(-60.0, 60.0) / 6.0 * reach as f64).round();
    let (beyond, cells) = (cells.abs() > reach as f64, (cells.abs() as usize).min(reach));
    let mut bar = "█".repeat(cells);
    if by_lu < 0.0 {
        if beyond {
            bar = format!("◂{}", "█".repeat(cells.saturating_sub(1)));
        }
        format!("{}{bar}│{}", " ".repeat(reach - cells), " ".repeat(reach))
    } else {
        if beyond {
            bar = format!("{}▸", "█".repeat(cells.saturating_sub(1)));
        }
        format!("{}│{bar}{}", " ".repeat(reach), " ".repeat(reach - cells))
    }
}
