//! `waveform`: the overview in the terminal, drawn with braille: two columns and four rows of dots in a character.

use std::path::Path;

use serde_json::json;

use super::{read, seconds, told};
use crate::verbs::{Context, VerbError, words};

/// Lines for one channel.
const LINES: usize = 6;
const WIDTH_MAX: u16 = 1000;

pub fn waveform(c: &Context, path: &Path, width: Option<u16>) -> Result<(), VerbError> {
    let width = width.unwrap_or_else(|| crossterm::terminal::size().map_or(80, |(columns, _)| columns));
    let width = usize::from(width.clamp(8, WIDTH_MAX));
    let (report, pyramid) = match read(path, true) {
        Ok((report, Some(pyramid))) => (report, pyramid),
        Ok((_, None)) => return Err(VerbError::Input("the overview was not built".into())),
        Err(e) => {
            told(c, path, &e)?;
            return Err(VerbError::Said(3));
        }
    };
    let columns = pyramid.columns(0, pyramid.frames(), width * 2);
    let pairs: Vec<_> =
        columns.iter().map(|channel| channel.iter().map(|(lo, hi)| [*lo, *hi]).collect::<Vec<_>>()).collect();
    let end = words::clock(seconds(&report));
    let ruler = format!("0:00.0{end:>rest$}", rest = width.saturating_sub(6));
    let mut text = String::new();
    for channel in &columns {
        text += &draw(channel);
    }
    text += &ruler;
    c.out.both(
        &text,
        &json!({
            "file": report.file.to_string_lossy(), "sample_rate": report.spec.sample_rate, "frames": report.measurement.frames,
            "channels": columns.len(), "columns": width * 2, "min_max": pairs,
        }),
    )
}

/// Dots of a braille cell by (column, row), as Unicode numbers them.
const DOTS: [[u32; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

fn draw(columns: &[(i16, i16)]) -> String {
    let rows = LINES * 4;
    // Full scale up is row 0, full scale down the last row.
    let row_of = |value: i16| {
        ((32_767.0 - f64::from(value)) / 65_535.0 * rows as f64).floor().clamp(0.0, rows as f64 - 1.0)
            as usize
    };
    let mut text = String::new();
    for line in 0..LINES {
        for cell in columns.chunks(2) {
            let mut dots = 0;
            for (side, (low, high)) in cell.iter().enumerate() {
                let (top, bottom) = (row_of((*high).max(*low)), row_of((*low).min(*high)));
                for (row, dot) in DOTS[side].iter().enumerate() {
                    if (top..=bottom).contains(&(line * 4 + row)) {
                        dots |= dot;
                    }
                }
            }
            text.push(char::from_u32(0x2800 + dots).unwrap_or(' '));
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_scale_fills_the_height_and_silence_is_a_line() {
        let full = draw(&[(i16::MIN, i16::MAX); 4]);
        assert_eq!(full.lines().count(), LINES);
        assert!(full.lines().all(|l| l == "⣿⣿"), "{full}");
        let silent = draw(&[(0, 0); 4]);
        let drawn: Vec<&str> = silent.lines().filter(|l| l.chars().any(|c| c != '\u{2800}')).collect();
        assert_eq!(drawn.len(), 1, "{silent}");
    }
}
