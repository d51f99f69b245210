//! The songs beside each other: loudness from the middle of the record as a bar, range, peaks, the step to the song before, and what stands out, in words.
//! Beneath the order as a chart, in a view of its own with everything that is known.

use deadwax_dsp::profile::Consistency;
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line as Text, Span},
};

use super::{Page, WIDE, cells::lean};
use crate::{
    tui::{
        album::Beside,
        draw::{
            Hit, heading, put, row_of,
            text::{clip, pad, pad_left, width, wrap},
        },
    },
    verbs::record::balance::{NO_BANDS, Table, of_song},
};

fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| "–".into(), |it| format!("{it:.1}"))
}

fn signed(value: Option<f64>) -> String {
    // Nobody is less than nothing away.
    let told = |it: f64| if it.abs() < 0.05 { "0.0".into() } else { format!("{it:+.1}") };
    value.map_or_else(|| "–".into(), told)
}

impl Page<'_> {
    /// A few columns under the order.
    pub(super) fn chart(&self, frame: &mut Frame<'_>, area: Rect) {
        let theme = self.theme;
        let beside = self.order.beside_at_once(self.rows);
        let lufs = match beside {
            Some(it) => it.table.median_lufs,
            None => self.order.median_lufs(),
        };
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
            let Some(line) = self.lines.get(at) else { continue };
            let row = row + 2;
            theme.hit(row_of(area, row), || Hit::Row(at));
            let name = line.song().map_or("", |it| it.title.as_str());
            let told = line.figures();
            let heard = told.and_then(|it| it.lufs(&line.placing));
            let bar = match (heard, lufs) {
                (Some(value), Some(middle)) => lean(value - middle, reach),
                _ => " ".repeat(2 * reach + 1),
            };
            let step = if wide {
                let before = at.checked_sub(1).and_then(|it| self.lines.get(it)?.lufs());
                pad_left(&signed(heard.zip(before).map(|(now, before)| now - before)), 7)
            } else {
                String::new()
            };
            let range = told.map(|it| it.loudness_range_lu).filter(|it| it.is_finite());
            let text = format!(
                " {} {}{} {bar} {}{}{}{step}",
                pad_left(&(at + 1).to_string(), 3),
                pad(name, title),
                pad_left(&figure(heard), 7),
                pad_left(&figure(range), 6),
                pad_left(&figure(told.and_then(|it| it.true_peak_dbtp(&line.placing))), 7),
                pad_left(&figure(told.and_then(|it| it.plr_db())), 6),
            );
            self.remarked(frame, (area, row), at, text, beside);
        }
    }

    /// A line of figures, and behind it what stands out at this song.
    fn remarked(
        &self,
        frame: &mut Frame<'_>,
        (area, row): (Rect, u16),
        at: usize,
        text: String,
        beside: Option<&Beside>,
    ) {
        let theme = self.theme;
        let said: Vec<String> = beside.map_or_else(Vec::new, |it| it.of_song(at).map(brief).collect());
        let said = if said.is_empty() { String::new() } else { format!("  ! {}", said.join(", ")) };
        let room = usize::from(area.width).saturating_sub(width(&text));
        let style = if at == self.at { theme.head() } else { theme.plain() };
        let spans = vec![Span::styled(text, style), Span::styled(clip(&said, room), theme.warn())];
        put(frame, area, row, Text::from(spans));
    }

    /// All of it, as a room of its own.
    pub(super) fn beside(&self, frame: &mut Frame<'_>, area: Rect) {
        let theme = self.theme;
        let beside = self.order.beside(self.rows);
        let table = &beside.table;
        put(frame, area, 0, heading(theme, "Songs beside each other", &summary(table), area.width, true));
        // What stands out gets what it needs, half of the room at most.
        let told = outliers(self, beside, usize::from(area.width).saturating_sub(4));
        let lines = u16::try_from(told.len() + 1).unwrap_or(u16::MAX).min(area.height / 2).max(2);
        let upper = Rect { height: area.height.saturating_sub(lines), ..area };
        let lower = Rect { y: area.y + upper.height, height: lines.min(area.height), ..area };
        self.table(frame, upper, table);
        let count = match told.len() {
            0 => "nothing".to_owned(),
            _ => format!("{} of {}", usize::from(lines - 1).min(told.len()), told.len()),
        };
        put(frame, lower, 0, heading(theme, "Stands out", &count, area.width, false));
        if told.is_empty() && table.median_lufs.is_some() {
            let text = "  ✓ Every song lies within 3 LU of the middle and of the song before it.";
            put(frame, lower, 1, Text::styled(clip(text, usize::from(area.width)), theme.good()));
        }
        // What is said of the marked song is in sight.
        let height = usize::from(lines.saturating_sub(1));
        let here = told.iter().position(|(at, _)| *at >= self.at).unwrap_or(0);
        let first = here.min(told.len().saturating_sub(height));
        for (row, (at, text)) in told.iter().skip(first).take(height).enumerate() {
            let style = if *at == self.at { theme.head() } else { theme.warn() };
            put(frame, lower, u16::try_from(row + 1).unwrap_or(u16::MAX), Text::styled(text.clone(), style));
        }
    }

    fn table(&self, frame: &mut Frame<'_>, area: Rect, table: &Consistency) {
        let theme = self.theme;
        let wide = area.width >= WIDE;
        let bands = table.songs.iter().any(|it| it.bands_db.is_some());
        let reach = usize::from(area.width / 16).clamp(4, 12);
        let fixed = 5 + 7 + 2 * reach + 3 + 7 + 7 + 7 + 7 + if wide { 8 } else { 0 };
        let spare = usize::from(area.width).saturating_sub(fixed);
        let title = if wide && bands { 16 } else { spare.clamp(8, 40) };
        let header = format!(
            " {} {}{} {}{}{}{}{}{}",
            pad_left("#", 3),
            pad("Song", title),
            pad_left("LUFS", 7),
            pad("  - middle +", 2 * reach + 2),
            pad_left("LU", 6),
            pad_left("LRA", 7),
            pad_left("dBTP", 7),
            pad_left("Step", 7),
            if wide { pad_left("S max", 8) } else { String::new() },
        );
        put(frame, area, 1, Text::styled(clip(&header, usize::from(area.width)), theme.dim()));
        // The balance of the marked song has a line of its own, where the figures do not leave room for eight bands.
        let last = u16::from(area.height > 4);
        let height = usize::from(area.height.saturating_sub(2 + last));
        for (row, at) in self.window(height) {
            let (Some(line), Some(it)) = (self.lines.get(at), table.songs.get(at)) else { continue };
            let row = row + 2;
            theme.hit(row_of(area, row), || Hit::Row(at));
            let bar = it.from_median_lu.map_or_else(|| " ".repeat(2 * reach + 1), |by| lean(by, reach));
            let range = it.integrated_lufs.map(|_| it.range_lu);
            let text = format!(
                "{}{} {}{} {bar} {}{}{}{}{}",
                if at == self.at { "▸" } else { " " },
                pad_left(&(at + 1).to_string(), 3),
                pad(line.song().map_or("", |it| it.title.as_str()), title),
                pad_left(&figure(it.integrated_lufs), 7),
                pad_left(&signed(it.from_median_lu), 6),
                pad_left(&figure(range), 7),
                pad_left(&figure(it.true_peak_dbtp), 7),
                pad_left(&signed(it.step_lu), 7),
                if wide { pad_left(&figure(it.max_short_term_lufs), 8) } else { String::new() },
            );
            let style = theme.row(at == self.at, false, self.model.online());
            put(frame, area, row, Text::styled(pad(&text, usize::from(area.width)), style));
        }
        if last > 0 {
            let song = self.lines.get(self.at).and_then(|it| it.song()).map_or("", |it| it.song_id.as_str());
            let text = match self.model.record.balance.as_ref().filter(|it| it.0 == self.project) {
                Some((_, spacing, told)) => balance(told, *spacing, song),
                None => NOT_ASKED.to_owned(),
            };
            let row = area.height.saturating_sub(1);
            put(frame, area, row, Text::styled(clip(&text, usize::from(area.width)), theme.dim()));
        }
    }
}

/// The balance is the studio's to tell: no row carries a spectrum.
const NOT_ASKED: &str = " Balance in bands: a dry run of a record tells it (Delivery).";

/// "sub +0.4 · bass -1.2 · ...": the bands of one song against those of the record.
fn balance(told: &Table, spacing: u32, song: &str) -> String {
    match of_song(told, song) {
        None => format!(" Balance in bands: {NO_BANDS}."),
        Some(bands) => format!(" dB from the record, spacing {spacing}: {bands}"),
    }
}

/// As it stands behind the figures that it speaks of.
fn brief(text: &str) -> String {
    const BRIEF: [(&str, &str); 4] = [
        ("louder than the record", "over"),
        ("quieter than the record", "under"),
        ("louder than the song before it", "up"),
        ("quieter than the song before it", "down"),
    ];
    BRIEF.iter().fold(text.to_owned(), |text, (long, short)| text.replace(long, short))
}

fn summary(table: &Consistency) -> String {
    let Some(middle) = table.median_lufs else { return "nothing was measured yet".into() };
    let mut said = vec![format!("middle {middle:.1} LUFS")];
    said.extend(table.spread_lu.map(|it| format!("{it:.1} LU from softest to loudest")));
    said.extend(table.highest_true_peak_dbtp.map(|it| format!("highest {it:.1} dBTP")));
    said.join(", ")
}

/// Each line with the place of its song: "! 3 Low Sun: 3.5 LU louder than the song before it".
fn outliers(page: &Page<'_>, beside: &Beside, room: usize) -> Vec<(usize, String)> {
    // Nobody reads more, and the marked song's own come first then.
    const TOLD_MAX: usize = 60;
    let from = beside.said().partition_point(|(at, _)| *at < page.at);
    let skip = if beside.said().len() <= TOLD_MAX { 0 } else { from };
    let mut told = Vec::new();
    for (at, text) in beside.said().iter().skip(skip).take(TOLD_MAX) {
        let name = page.lines.get(*at).and_then(|it| it.song()).map_or("", |it| it.title.as_str());
        let name = clip(name, room / 3);
        for (line, part) in wrap(&format!("{} {name}: {text}", at + 1), room).into_iter().enumerate() {
            told.push((*at, format!("  {} {part}", if line == 0 { "!" } else { " " })));
        }
    }
    told
}
