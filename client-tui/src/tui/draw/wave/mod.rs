//! The picture of one file: least to greatest per column, from the whole song down to single samples, with sections, notes, loop, range, what clips and
//! how loud it is. The work is in proportion to the columns drawn, never to the length of the song or the data that came. `deadwax waveform` draws with
//! the same cells. Never here: what is fetched, where the cursor goes.

pub(crate) mod cells;
mod loudness;
mod marks;
pub mod pixels;
mod tint;

use deadwax_proto::v1::WaveformResponse;
use ratatui::{Frame, layout::Rect, style::Style, text::Line};

use super::{put, text::clip, theme::Theme};
use crate::tui::settings::{Colours, Dots, Ground};

/// Columns to the left of the picture, for its scales.
pub(super) const GUTTER: u16 = 6;

/// Of data that is finer than the picture, so many columns at most are one.
const FINE_MAX: usize = 64;
/// From this height on the loudness has two lines.
const TALL: u16 = 11;

/// What a mark stands for: the sign of the note in the list, and its time.
pub(super) struct Mark {
    pub label: char,
    pub start_ms: u64,
    pub end_ms: Option<u64>,
}

/// Somebody else's playhead.
pub(super) struct Other {
    pub name: String,
    pub at_us: u64,
}

pub(super) struct Look {
    pub dots: Dots,
    pub colours: Colours,
    pub ground: Ground,
}

pub(super) struct View<'a> {
    pub window_ms: (u64, u64),
    pub sample_rate: u32,
    pub cursor_us: u64,
    pub range_ms: Option<(u64, u64)>,
    pub looped_us: Option<(u64, u64)>,
    /// Where the sound is, and whether it moves.
    pub playhead_us: Option<u64>,
    pub playing: bool,
    pub others: Vec<Other>,
    pub marks: Vec<Mark>,
    /// Where each part begins, and its name.
    pub sections: Vec<(u64, &'a str)>,
    /// First and last frame, and the columns between.
    pub data: Option<&'a (u64, u64, WaveformResponse)>,
    /// Shown where there is no data.
    pub instead: &'a str,
    pub look: Look,
    /// The picture in real pixels, where the terminal shows them and it is of this very window.
    pub pixels: Option<&'a pixels::Shown>,
}

impl View<'_> {
    /// The cell of a time in microseconds, if it is in the window.
    pub fn cell(&self, us: u64, columns: usize) -> Option<usize> {
        let (start, end) = (u128::from(self.window_ms.0) * 1000, u128::from(self.window_ms.1) * 1000);
        let span = end.checked_sub(start).filter(|span| *span > 0)?;
        let at = u128::from(us).checked_sub(start)? * columns as u128 / span;
        let at = usize::try_from(at).ok()?;
        if u128::from(us) == end {
            Some(columns.saturating_sub(1))
        } else {
            Some(at).filter(|at| *at < columns)
        }
    }

    pub fn cell_ms(&self, ms: u64, columns: usize) -> Option<usize> {
        self.cell(ms.saturating_mul(1000), columns)
    }

    /// First and last cell of a stretch as far as it is in the window.
    pub fn cells(&self, (start, end): (u64, u64), columns: usize) -> Option<(usize, usize)> {
        let window = (self.window_ms.0.saturating_mul(1000), self.window_ms.1.saturating_mul(1000));
        if end < start || end < window.0 || start > window.1 || columns == 0 {
            return None;
        }
        let first = self.cell(start.max(window.0), columns)?;
        Some((first, self.cell(end.min(window.1), columns)?.max(first)))
    }

    /// The column of the data under one of so many columns of the picture. Data of another window is stretched until its own comes.
    fn column(&self, at: usize, columns: usize) -> Option<usize> {
        let (first, last, answer) = self.data?;
        let have = self.have()?;
        let frames = |ms: u64| u128::from(ms) * u128::from(self.sample_rate) / 1000;
        let (start, end) = (frames(self.window_ms.0), frames(self.window_ms.1));
        let frame = start + (end.checked_sub(start)? * (2 * at as u128 + 1)) / (2 * columns as u128);
        let span = u128::from(last.checked_sub(*first).filter(|span| *span > 0)?);
        let column = usize::try_from(frame.checked_sub(u128::from(*first))? * have as u128 / span).ok()?;
        (column < have && answer.channels > 0).then_some(column)
    }

    /// How many columns the data has.
    fn have(&self) -> Option<usize> {
        let (_, _, answer) = self.data?;
        let channels = usize::try_from(answer.channels).ok().filter(|it| *it > 0)?;
        Some(answer.min.len().min(answer.max.len()) / channels).filter(|it| *it > 0)
    }

    /// The lowest and highest value of one column, over all channels, in -1 to 1. Data that is finer than the picture is looked at up to a few columns.
    fn peak(&self, at: usize, columns: usize) -> Option<(f32, f32)> {
        let (_, _, answer) = self.data?;
        let channels = usize::try_from(answer.channels).ok()?;
        let first = self.column(at, columns)?;
        let next = self.column(at + 1, columns).unwrap_or(first + 1).clamp(first + 1, first + FINE_MAX);
        let here = first * channels..next.min(self.have()?) * channels;
        let low = answer.min.get(here.clone())?.iter().min()?;
        let high = answer.max.get(here)?.iter().max()?;
        let scale = |value: i32| (value.clamp(-32_768, 32_767) as f32) / 32_768.0;
        Some((scale(*low), scale(*high)))
    }

    /// Frames of the file in the window.
    fn frames(&self) -> u64 {
        let span = u128::from(self.window_ms.1.saturating_sub(self.window_ms.0));
        u64::try_from(span * u128::from(self.sample_rate) / 1000).unwrap_or(u64::MAX)
    }
}

/// What each column of cells holds, as the picture draws it.
pub(super) struct Drawn {
    /// For each dot column.
    pub peaks: Vec<Option<(f32, f32)>>,
    /// For each cell: clipped, over.
    pub flags: Vec<(bool, bool)>,
}

fn drawn(view: &View<'_>, columns: usize) -> Drawn {
    let dots = columns * 2;
    let frames = view.frames();
    // A column of dots is under one frame: samples, with a line between them.
    let peaks = if frames > 0 && frames <= dots as u64 {
        cells::samples(
            &(0..frames as usize).map(|at| view.peak(at, frames as usize)).collect::<Vec<_>>(),
            dots,
        )
    } else {
        (0..dots).map(|at| view.peak(at, dots)).collect()
    };
    let mut flags = vec![(false, false); columns];
    if let (Some((_, _, answer)), Some(have)) = (view.data, view.have()) {
        // From the picture to the data: the list of a song with clips everywhere is long, the picture is not.
        let marked = |list: &[u32], cell: usize| {
            let from = view.column(cell * 2, dots);
            let to = view.column(cell * 2 + 1, dots).or(from);
            let (Some(from), Some(to)) = (from, to) else { return false };
            let first = list.partition_point(|it| (*it as usize) < from);
            list.get(first).is_some_and(|it| (*it as usize) <= to && (*it as usize) < have)
        };
        for (cell, flag) in flags.iter_mut().enumerate() {
            *flag = (marked(&answer.clipped_columns, cell), marked(&answer.over_columns, cell));
        }
    }
    Drawn { peaks, flags }
}

/// Lines beside the dots: sections where there are any, marks, loudness, time.
pub(super) fn lines(sections: bool, tall: bool) -> u16 {
    2 + u16::from(sections) + if tall { 2 } else { 1 }
}

/// The part of an area that shows sound.
pub(super) fn inside(area: Rect) -> Rect {
    let gutter = GUTTER.min(area.width.saturating_sub(1));
    Rect { x: area.x + gutter, width: area.width - gutter, ..area }
}

/// The part of an area that holds the dots.
pub(super) fn dots(area: Rect, sections: bool) -> Option<Rect> {
    let around = lines(sections, area.height >= TALL);
    let height = area.height.checked_sub(around).filter(|it| *it > 0)?;
    Some(Rect { y: area.y + 1 + u16::from(sections), height, ..inside(area) })
}

pub(super) fn draw(theme: &Theme, frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let inner = inside(area);
    let columns = usize::from(inner.width);
    let (sections, tall) = (!view.sections.is_empty(), area.height >= TALL);
    let around = lines(sections, tall);
    if area.height < around + 1 || columns == 0 {
        return;
    }
    let mut row = 0;
    if sections {
        put(frame, inner, row, marks::sections(theme, view, columns));
        row += 1;
    }
    let drawn = drawn(view, columns);
    put(frame, inner, row, marks::notes(theme, view, &drawn, columns));
    row += 1;
    let height = area.height - around;
    let dots = Rect { y: inner.y + row, height, ..inner };
    if drawn.peaks.iter().all(Option::is_none) {
        put(frame, dots, height / 2, Line::styled(clip(view.instead, columns), theme.dim()));
    } else {
        picture(theme, frame, dots, view, &drawn);
        scale(theme, frame, Rect { x: area.x, width: inner.x - area.x, ..dots });
    }
    row += height;
    let curve = Rect { y: inner.y + row, height: if tall { 2 } else { 1 }, ..inner };
    loudness::draw(theme, frame, area.x, curve, view);
    let cursor = view.cell(view.cursor_us, columns);
    put(frame, inner, area.height - 1, marks::axis(theme, view, columns, cursor));
}

/// Full scale at the edges, silence in the middle.
fn scale(theme: &Theme, frame: &mut Frame<'_>, gutter: Rect) {
    if gutter.width < GUTTER {
        return;
    }
    let middle = gutter.height / 2;
    put(frame, gutter, 0, Line::styled(" 0 dB", theme.dim()));
    if gutter.height >= 6 {
        put(frame, gutter, middle / 2, Line::styled("   -6", theme.dim()));
        put(frame, gutter, gutter.height - 1, Line::styled(" 0 dB", theme.dim()));
    }
}

fn picture(theme: &Theme, frame: &mut Frame<'_>, area: Rect, view: &View<'_>, drawn: &Drawn) {
    let columns = usize::from(area.width);
    let cursor = view.cell(view.cursor_us, columns);
    let playhead = view.playhead_us.and_then(|us| view.cell(us, columns));
    let range = view.range_ms.map(|(start, end)| (start.saturating_mul(1000), end.saturating_mul(1000)));
    let range = range.and_then(|it| view.cells(it, columns));
    let pixels = view.pixels.filter(|it| it.ask.cells == (area.width, area.height));
    if let Some(pixels) = pixels {
        pixels.draw(frame, area);
    }
    // What moves, and what is marked, stands on the picture as characters where they may.
    let overlays = pixels.is_some_and(pixels::Shown::overlays);
    let height = usize::from(area.height);
    let buffer = frame.buffer_mut();
    for column in 0..columns {
        let in_range = range.is_some_and(|(start, end)| (start..=end).contains(&column));
        let (clipped, over) = drawn.flags[column];
        let moving = playhead == Some(column);
        let edge = range.is_some_and(|(start, end)| column == start || column == end);
        if pixels.is_some() && !(overlays && (moving || edge || cursor == Some(column))) {
            continue;
        }
        for row in 0..height {
            let peaks = [drawn.peaks[column * 2], drawn.peaks[column * 2 + 1]];
            let sign = match (view.look.dots, moving) {
                (_, true) => '│',
                (Dots::Braille, _) => cells::braille(peaks, row, height),
                (Dots::Blocks, _) => cells::block(peaks, row, height),
            };
            let style: Style = match (moving, cursor == Some(column), in_range) {
                (true, ..) => theme.good(),
                (_, true, _) => theme.chosen(),
                (_, _, true) => theme.accent(),
                _ if clipped => theme.bad(),
                _ if over => theme.warn(),
                _ => tint::at(theme, &view.look, row, height),
            };
            let place = (area.x + column as u16, area.y + row as u16);
            if let Some(cell) = buffer.cell_mut(place) {
                cell.set_char(sign).set_style(style);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn view(data: Option<&(u64, u64, WaveformResponse)>) -> View<'_> {
        View {
            window_ms: (0, 1000),
            sample_rate: 1000,
            cursor_us: 0,
            range_ms: None,
            looped_us: None,
            playhead_us: None,
            playing: false,
            others: Vec::new(),
            marks: Vec::new(),
            sections: Vec::new(),
            data,
            instead: "",
            look: Look { dots: Dots::Braille, colours: Colours::Sixteen, ground: Ground::Dark },
            pixels: None,
        }
    }

    #[test]
    fn the_loudest_channel_speaks_and_broken_data_draws_nothing() {
        let stereo = WaveformResponse {
            channels: 2,
            min: vec![-100, -32_768],
            max: vec![16_384, 5],
            ..WaveformResponse::default()
        };
        let data = (0, 1000, stereo.clone());
        let (low, high) = view(Some(&data)).peak(0, 2).unwrap();
        assert!((low + 1.0).abs() < 1e-3 && (high - 0.5).abs() < 1e-3);
        for broken in [
            WaveformResponse { channels: 0, ..stereo.clone() },
            WaveformResponse { channels: 9, ..stereo.clone() },
            WaveformResponse { max: Vec::new(), ..stereo },
        ] {
            assert_eq!(view(Some(&(0, 1000, broken.clone()))).peak(0, 2), None);
            assert_eq!(view(Some(&(7, 7, broken))).peak(0, 2), None);
        }
    }

    #[test]
    fn times_outside_the_window_have_no_cell() {
        let mut view = view(None);
        view.window_ms = (500, 1000);
        assert_eq!(view.cell_ms(499, 10), None);
        assert_eq!(view.cell_ms(500, 10), Some(0));
        assert_eq!(view.cell(500_001, 500_000), Some(1), "a microsecond has a place of its own");
        assert_eq!(view.cell_ms(1000, 10), Some(9));
        assert_eq!(view.cell_ms(1001, 10), None);
        assert_eq!(view.cells((0, 700_000), 10), Some((0, 4)));
        assert_eq!(view.cells((1_100_000, 1_200_000), 10), None);
        view.window_ms = (0, 0);
        assert_eq!(view.cell_ms(0, 10), None);
    }

    #[test]
    fn what_clips_is_flagged_in_its_own_column_and_nowhere_else() {
        let answer = WaveformResponse {
            channels: 1,
            min: vec![-10; 40],
            max: vec![10; 40],
            clipped_columns: vec![6, 900],
            over_columns: vec![6, 39],
            ..WaveformResponse::default()
        };
        let data = (0, 1000, answer);
        let flags = drawn(&view(Some(&data)), 20).flags;
        let clipped: Vec<usize> = (0..20).filter(|at| flags[*at].0).collect();
        let over: Vec<usize> = (0..20).filter(|at| flags[*at].1).collect();
        assert_eq!((clipped, over), (vec![3], vec![3, 19]));
    }

    #[test]
    fn a_window_of_few_frames_draws_each_sample_once() {
        let answer = WaveformResponse {
            channels: 1,
            min: vec![0, 32_767, 0, -32_768],
            max: vec![0, 32_767, 0, -32_768],
            ..WaveformResponse::default()
        };
        let data = (0, 4, answer);
        let mut view = view(Some(&data));
        view.window_ms = (0, 4);
        let peaks = drawn(&view, 8).peaks;
        assert_eq!(peaks.len(), 16);
        let highest = peaks.iter().flatten().map(|it| it.1).fold(f32::MIN, f32::max);
        let lowest = peaks.iter().flatten().map(|it| it.0).fold(f32::MAX, f32::min);
        assert!(highest > 0.99 && lowest < -0.99, "{highest} {lowest}");
        // Between the second and the third sample the line is on its way down.
        let (low, high) = peaks[8].unwrap();
        assert!(low > 0.0 && high < 1.0, "{low} {high}");
    }
}
