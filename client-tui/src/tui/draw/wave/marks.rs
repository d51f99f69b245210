//! The lines above and below the dots: the names of sections, the signs of notes with what clips, and the time with cursor, loop, range and the others who
//! listen. Where two would stand in one cell, the one that a person acts on wins. Never here: the dots.

use std::ops::Range;

use ratatui::text::{Line, Span};

use super::{Drawn, View};
use crate::tui::{
    draw::{
        text::{clip, width},
        theme::Theme,
    },
    words,
};

/// Clipped, and a true peak over full scale.
const CLIPPED: char = '!';
const OVER: char = '^';

/// Names from where each part begins, as long as there is room before the next.
pub(super) fn sections<'a>(theme: &Theme, view: &View<'_>, columns: usize) -> Line<'a> {
    let mut spans: Vec<Span<'a>> = Vec::new();
    let mut used = 0;
    let mut put = |at: usize, room: usize, name: &str| {
        if at < used || room == 0 {
            return;
        }
        spans.push(Span::raw(" ".repeat(at - used)));
        let text = clip(name, room.saturating_sub(1));
        used = at + 1 + width(&text);
        spans.push(Span::styled("▏", theme.dim()));
        spans.push(Span::styled(text, theme.head()));
    };
    let (start_ms, end_ms) = view.window_ms;
    let next_cell = |at: usize| {
        let next = view.sections.get(at + 1).map(|it| it.0).filter(|ms| *ms < end_ms);
        next.and_then(|ms| view.cell_ms(ms, columns)).unwrap_or(columns)
    };
    // The part that the window begins in is named at its edge.
    let first = view.sections.partition_point(|it| it.0 <= start_ms).saturating_sub(1);
    // No more than there are cells, however many there are.
    for (at, (ms, name)) in view.sections.iter().enumerate().skip(first).take(columns) {
        if *ms >= end_ms {
            break;
        }
        let Some(cell) = view.cell_ms((*ms).max(start_ms), columns) else { continue };
        put(cell, next_cell(at).saturating_sub(cell), name);
    }
    Line::from(spans)
}

/// Signs of notes at their times; a range draws its line behind. Notes that fall on one cell: the first of them stands there, and a `+` beside it where
/// there is room says that there are more.
pub(super) fn notes<'a>(theme: &Theme, view: &View<'_>, drawn: &Drawn, columns: usize) -> Line<'a> {
    let mut line = vec![' '; columns];
    for mark in &view.marks {
        // A range that ends before it begins comes only from a broken server; it draws nothing.
        let range = mark.end_ms.map(|end| (mark.start_ms.saturating_mul(1000), end.saturating_mul(1000)));
        if let Some((start, end)) = range.and_then(|it| view.cells(it, columns)) {
            line[start..=end].fill('─');
            line[end] = '┐';
        }
    }
    let mut taken: Vec<usize> = Vec::new();
    let mut more: Vec<usize> = Vec::new();
    for mark in &view.marks {
        let Some(cell) = view.cell_ms(mark.start_ms, columns) else { continue };
        if taken.contains(&cell) {
            more.push(cell);
        } else {
            taken.push(cell);
            line[cell] = mark.label;
        }
    }
    for cell in more {
        if cell + 1 < columns && !taken.contains(&(cell + 1)) {
            line[cell + 1] = '+';
        }
    }
    let flag = |at: usize| match drawn.flags.get(at) {
        Some((true, _)) => Some(CLIPPED),
        Some((_, true)) => Some(OVER),
        _ => None,
    };
    let mut spans: Vec<Span<'a>> = Vec::new();
    let mut run = String::new();
    let mut kind = 0;
    for (at, sign) in line.into_iter().enumerate() {
        let (sign, this) = match flag(at) {
            Some(it @ CLIPPED) if sign == ' ' => (it, 1),
            Some(it) if sign == ' ' => (it, 2),
            _ => (sign, 0),
        };
        if this != kind && !run.is_empty() {
            spans.push(Span::styled(std::mem::take(&mut run), style(theme, kind)));
        }
        kind = this;
        run.push(sign);
    }
    spans.push(Span::styled(run, style(theme, kind)));
    Line::from(spans)
}

fn style(theme: &Theme, kind: u8) -> ratatui::style::Style {
    if kind == 1 { theme.bad() } else { theme.warn() }
}

/// Times at both ends, the loop or the range between its ends, the others where they are, the cursor with its time.
pub(super) fn axis<'a>(theme: &Theme, view: &View<'_>, columns: usize, cursor: Option<usize>) -> Line<'a> {
    let (start_ms, end_ms) = view.window_ms;
    let span_ms = end_ms.saturating_sub(start_ms);
    let fine = |us: u64| match span_ms {
        0..200 => clock_us(us),
        _ => words::clock(us / 1000, true),
    };
    let zoomed = start_ms > 0 || view.cell_ms(end_ms, columns).is_none() || span_ms < 10_000;
    let edge =
        |ms: u64| if span_ms < 200 { clock_us(ms.saturating_mul(1000)) } else { words::clock(ms, zoomed) };
    let mut line: Vec<char> = vec![' '; columns];
    let (left, right) = (edge(start_ms), edge(end_ms));
    write(&mut line, 0, &left);
    write(&mut line, columns.saturating_sub(width(&right)), &right);
    let range = view.range_ms.map(|(start, end)| (start.saturating_mul(1000), end.saturating_mul(1000)));
    let spans = [(range, ['├', '─', '┤']), (view.looped_us, ['[', '═', ']'])];
    for (stretch, [first, middle, last]) in spans {
        if let Some((start, end)) = stretch.and_then(|it| view.cells(it, columns)) {
            line[start..=end].fill(middle);
            line[end] = last;
            line[start] = first;
        }
    }
    let sign = if view.playing { '▶' } else { '▲' };
    let at_us = if view.playing { view.playhead_us.unwrap_or(view.cursor_us) } else { view.cursor_us };
    let time = match view.range_ms {
        Some((start, end)) if !view.playing => words::span(Some(start), Some(end)),
        _ => fine(at_us),
    };
    let at_cell =
        if view.playing { view.playhead_us.and_then(|us| view.cell(us, columns)).or(cursor) } else { cursor };
    let Some(cell) = at_cell else {
        others(&mut line, view, 0..0);
        return Line::styled(line.into_iter().collect::<String>(), theme.dim());
    };
    // The label stays on the screen: at the right edge it stands to the left of the cursor.
    let label = format!("{sign}{time}");
    let fits = cell + width(&label) <= columns;
    let at = if fits { cell } else { (cell + 1).saturating_sub(width(&label)) };
    let label = if fits { label } else { format!("{time}{sign}") };
    let end = at + width(&label);
    others(&mut line, view, at..end);
    write(&mut line, at, &label);
    let cut = |from: usize, to: usize| line[from.min(columns)..to.min(columns)].iter().collect::<String>();
    Line::from(vec![
        Span::styled(cut(0, at), theme.dim()),
        Span::styled(cut(at, end), theme.head()),
        Span::styled(cut(end, columns), theme.dim()),
    ])
}

fn write(line: &mut [char], at: usize, text: &str) {
    for (cell, c) in line.iter_mut().skip(at).zip(text.chars()) {
        *cell = c;
    }
}

/// The others where they are, up to the label of the cursor: a scrap of a name behind it would be read as a part of it.
fn others(line: &mut [char], view: &View<'_>, label: Range<usize>) {
    let columns = line.len();
    for other in &view.others {
        let Some(cell) = view.cell(other.at_us, columns).filter(|it| !label.contains(it)) else { continue };
        // A name that is wide would move what stands after it.
        let narrow = |c: char| if width(&c.to_string()) == 1 { c } else { '·' };
        let name: String = clip(&other.name, 8).chars().map(narrow).collect();
        let room = if cell < label.start { label.start - cell } else { columns - cell };
        write(line, cell, &format!("♪{name}").chars().take(room).collect::<String>());
    }
}

/// "1:02.3456": to a tenth of a millisecond, where samples are seen.
fn clock_us(us: u64) -> String {
    let (minutes, seconds) = (us / 60_000_000, us / 1_000_000 % 60);
    format!("{minutes}:{seconds:02}.{:04}", us % 1_000_000 / 100)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Mark, Other, tests::view},
        *,
    };

    fn text(line: &Line<'_>) -> String {
        line.spans.iter().map(|it| it.content.as_ref()).collect()
    }

    #[test]
    fn sections_take_the_room_before_the_next_and_no_more() {
        let mut view = view(None);
        view.sections = vec![(0, "Intro"), (200, "Verse 1 with a long name"), (600, "夜の歌")];
        assert_eq!(text(&sections(&Theme::bare(), &view, 30)), "▏Intro▏Verse 1 wi…▏夜の歌");
        view.window_ms = (300, 500);
        assert_eq!(text(&sections(&Theme::bare(), &view, 30)), "▏Verse 1 with a long name");
        view.sections = vec![(5_000, "later")];
        assert_eq!(text(&sections(&Theme::bare(), &view, 30)), "");
    }

    #[test]
    fn notes_on_one_cell_say_that_there_are_more() {
        let mut view = view(None);
        let mark = |label, start_ms, end_ms| Mark { label, start_ms, end_ms };
        view.marks = vec![
            mark('1', 100, None),
            mark('2', 105, None),
            mark('3', 500, Some(700)),
            mark('4', 900, Some(20)),
        ];
        let drawn =
            Drawn { peaks: Vec::new(), flags: (0..10).map(|at| (at == 3 || at == 5, at == 4)).collect() };
        assert_eq!(text(&notes(&Theme::bare(), &view, &drawn, 10)), " 1+!^3─┐ 4");
    }

    #[test]
    fn the_axis_names_loop_others_and_the_playhead() {
        let mut view = view(None);
        view.looped_us = Some((200_000, 400_000));
        view.others = vec![Other { name: "Ben".into(), at_us: 660_000 }];
        view.cursor_us = 500_000;
        let line = |view: &View<'_>| text(&axis(&Theme::bare(), view, 50, Some(25)));
        assert_eq!(line(&view), "0:00.0    [═════════]    ▲0:00.5 ♪Ben       0:01.0");
        view.others[0].at_us = 600_000;
        assert_eq!(line(&view), "0:00.0    [═════════]    ▲0:00.5            0:01.0", "no scrap of a name");
        view.others[0].at_us = 450_000;
        assert_eq!(line(&view), "0:00.0    [═════════] ♪Be▲0:00.5            0:01.0");
        view.playing = true;
        view.playhead_us = Some(300_000);
        assert!(text(&axis(&Theme::bare(), &view, 50, Some(25))).contains("▶0:00.3"));
        view.window_ms = (0, 10);
        view.playing = false;
        assert!(
            text(&axis(&Theme::bare(), &view, 50, None)).starts_with("0:00.0000"),
            "samples have times of their own"
        );
    }
}
