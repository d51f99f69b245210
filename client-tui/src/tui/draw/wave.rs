//! The picture of one file: minimum to maximum per column in braille dots, note marks above, the time below, the cursor and the range in
//! it. The work is in proportion to the columns drawn, never to the length of the song or the data that came.

use deadwax_proto::v1::WaveformResponse;
use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
};

use super::{put, text::width, theme::Theme};
use crate::tui::words;

/// What a mark stands for: the digit of the note in the list, and its time.
pub(super) struct Mark {
    pub label: char,
    pub start_ms: u64,
    pub end_ms: Option<u64>,
}

pub(super) struct View<'a> {
    pub window_ms: (u64, u64),
    pub sample_rate: u32,
    pub cursor_ms: u64,
    pub range_ms: Option<(u64, u64)>,
    pub marks: Vec<Mark>,
    /// First and last frame, and the columns between.
    pub data: Option<&'a (u64, u64, WaveformResponse)>,
    /// Shown where there is no data.
    pub instead: &'a str,
}

impl View<'_> {
    /// The cell of a time, if it is in the window.
    fn cell(&self, ms: u64, columns: usize) -> Option<usize> {
        let (start, end) = self.window_ms;
        let span = u128::from(end.checked_sub(start).filter(|span| *span > 0)?);
        let at = u128::from(ms.checked_sub(start)?) * columns as u128 / span;
        let at = usize::try_from(at).ok()?;
        if ms == end { Some(columns - 1) } else { Some(at).filter(|at| *at < columns) }
    }
}

/// Height: one line of marks, the dots, one line of time.
pub(super) fn draw(theme: &Theme, frame: &mut Frame<'_>, area: Rect, view: &View<'_>) {
    let columns = usize::from(area.width);
    if area.height < 3 || columns == 0 {
        return;
    }
    put(frame, area, 0, marks(theme, view, columns));
    let height = usize::from(area.height - 2);
    let cursor = view.cell(view.cursor_ms, columns);
    let range = view.range_ms.map(|(start, end)| {
        let (window_start, window_end) = view.window_ms;
        let start = view.cell(start.max(window_start), columns);
        (start.unwrap_or(columns), view.cell(end.min(window_end), columns).unwrap_or(0))
    });
    let peaks: Vec<Option<(f32, f32)>> = (0..columns * 2).map(|at| peak(view, at, columns * 2)).collect();
    if peaks.iter().all(Option::is_none) {
        put(frame, area, 1 + u16::try_from(height / 2).unwrap_or(0), Line::styled(view.instead, theme.dim()));
    } else {
        for row in 0..height {
            let spans: Vec<Span<'_>> = (0..columns)
                .map(|column| {
                    let dots = braille([peaks[column * 2], peaks[column * 2 + 1]], row, height);
                    let in_range = range.is_some_and(|(start, end)| (start..=end).contains(&column));
                    let style = match (cursor == Some(column), in_range) {
                        (true, _) => theme.chosen(),
                        (_, true) => theme.accent(),
                        _ => theme.wave(),
                    };
                    Span::styled(dots.to_string(), style)
                })
                .collect();
            put(frame, area, 1 + u16::try_from(row).unwrap_or(0), Line::from(spans));
        }
    }
    put(frame, area, area.height - 1, axis(theme, view, columns, cursor));
}

/// The lowest and highest value of one dot column, over all channels, in -1 to 1. Data of another window is stretched until its own comes.
fn peak(view: &View<'_>, at: usize, dots: usize) -> Option<(f32, f32)> {
    let (first, last, answer) = view.data?;
    let channels = usize::try_from(answer.channels).ok().filter(|it| *it > 0)?;
    let have = answer.min.len().min(answer.max.len()) / channels;
    let frames = |ms: u64| u128::from(ms) * u128::from(view.sample_rate) / 1000;
    let (start, end) = (frames(view.window_ms.0), frames(view.window_ms.1));
    let frame = start + (end.checked_sub(start)? * (2 * at as u128 + 1)) / (2 * dots as u128);
    let span = u128::from(last.checked_sub(*first).filter(|span| *span > 0)?);
    let column = usize::try_from(frame.checked_sub(u128::from(*first))? * have as u128 / span).ok()?;
    if column >= have {
        return None;
    }
    let here = column * channels..(column + 1) * channels;
    let low = answer.min[here.clone()].iter().min()?;
    let high = answer.max[here].iter().max()?;
    let scale = |value: i32| (value.clamp(-32_768, 32_767) as f32) / 32_768.0;
    Some((scale(*low), scale(*high)))
}

/// One cell: two columns of four dots. The bits are Unicode's: 1, 2, 3, 7 down the left, 4, 5, 6, 8 down the right.
fn braille(peaks: [Option<(f32, f32)>; 2], row: usize, height: usize) -> char {
    const BITS: [[u32; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
    let rows = height * 4;
    let mut bits = 0;
    for (side, peak) in peaks.into_iter().enumerate() {
        let Some((low, high)) = peak else { continue };
        let place = |value: f32| (((1.0 - value) / 2.0 * rows as f32) as usize).min(rows - 1);
        for (dot, bit) in BITS[side].iter().enumerate() {
            if (place(high)..=place(low)).contains(&(row * 4 + dot)) {
                bits |= bit;
            }
        }
    }
    char::from_u32(0x2800 + bits).unwrap_or(' ')
}

/// Digits at their times; a range draws its line behind.
fn marks<'a>(theme: &Theme, view: &View<'_>, columns: usize) -> Line<'a> {
    let mut line = vec![' '; columns];
    let (window_start, window_end) = view.window_ms;
    for mark in &view.marks {
        // A range that ends before it begins comes only from a broken server; it draws nothing.
        let in_sight = |end: &u64| *end > window_start && mark.start_ms < window_end && mark.start_ms <= *end;
        if let Some(end_ms) = mark.end_ms.filter(in_sight) {
            let start = view.cell(mark.start_ms.max(window_start), columns).unwrap_or(0);
            let end = view.cell(end_ms.min(window_end), columns).unwrap_or(columns - 1);
            line[start..=end].fill('─');
            line[end] = '┐';
        }
    }
    for mark in view.marks.iter().rev() {
        if let Some(cell) = view.cell(mark.start_ms, columns) {
            line[cell] = mark.label;
        }
    }
    Line::styled(line.into_iter().collect::<String>(), theme.warn())
}

fn axis<'a>(theme: &Theme, view: &View<'_>, columns: usize, cursor: Option<usize>) -> Line<'a> {
    let (start_ms, end_ms) = view.window_ms;
    let zoomed = start_ms > 0 || view.cell(end_ms, columns).is_none();
    let (left, right) = (words::clock(start_ms, zoomed), words::clock(end_ms, zoomed));
    let time = match view.range_ms {
        Some((start, end)) => words::span(Some(start), Some(end)),
        None => words::clock(view.cursor_ms, true),
    };
    let label = format!("▲{time}");
    let mut line: Vec<char> = vec![' '; columns];
    let mut write = |at: usize, text: &str| {
        for (cell, c) in line.iter_mut().skip(at).zip(text.chars()) {
            *cell = c;
        }
    };
    write(0, &left);
    write(columns.saturating_sub(width(&right)), &right);
    let Some(cursor) = cursor else {
        return Line::styled(line.into_iter().collect::<String>(), theme.dim());
    };
    // The label stays on the screen: at the right edge it stands to the left of the cursor.
    let fits = cursor + width(&label) <= columns;
    let at = if fits { cursor } else { (cursor + 1).saturating_sub(width(&label)) };
    let label = if fits { label } else { format!("{time}▲") };
    write(at, &label);
    let cut = |from: usize, to: usize| line[from.min(columns)..to.min(columns)].iter().collect::<String>();
    let end = at + width(&label);
    Line::from(vec![
        Span::styled(cut(0, at), theme.dim()),
        Span::styled(cut(at, end), theme.head()),
        Span::styled(cut(end, columns), theme.dim()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(data: Option<&(u64, u64, WaveformResponse)>) -> View<'_> {
        View {
            window_ms: (0, 1000),
            sample_rate: 1000,
            cursor_ms: 0,
            range_ms: None,
            marks: Vec::new(),
            data,
            instead: "",
        }
    }

    #[test]
    fn a_full_scale_column_fills_the_cell_and_silence_draws_the_middle() {
        assert_eq!(braille([Some((-1.0, 1.0)); 2], 0, 1), '⣿');
        assert_eq!(braille([Some((0.0, 0.0)); 2], 0, 1), '⠤');
        assert_eq!(braille([None, None], 0, 1), '⠀');
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
        let (low, high) = peak(&view(Some(&data)), 0, 2).unwrap();
        assert!((low + 1.0).abs() < 1e-3 && (high - 0.5).abs() < 1e-3);
        for broken in [
            WaveformResponse { channels: 0, ..stereo.clone() },
            WaveformResponse { channels: 9, ..stereo.clone() },
            WaveformResponse { max: Vec::new(), ..stereo },
        ] {
            assert_eq!(peak(&view(Some(&(0, 1000, broken.clone()))), 0, 2), None);
            assert_eq!(peak(&view(Some(&(7, 7, broken))), 0, 2), None);
        }
    }

    #[test]
    fn times_outside_the_window_have_no_cell() {
        let mut view = view(None);
        view.window_ms = (500, 1000);
        assert_eq!(view.cell(499, 10), None);
        assert_eq!(view.cell(500, 10), Some(0));
        assert_eq!(view.cell(1000, 10), Some(9));
        assert_eq!(view.cell(1001, 10), None);
        view.window_ms = (0, 0);
        assert_eq!(view.cell(0, 10), None);
    }
}
