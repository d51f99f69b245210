//! `waveform`: the overview of a file in the terminal, in the cells that the screens draw with. Never here: how a cell is drawn.

use std::path::Path;

use serde_json::json;

use super::{read, seconds, told};
use crate::{
    tui::{
        draw::wave::cells::{self, Peak},
        settings::Dots,
        terminal,
    },
    verbs::{Context, VerbError, words},
};

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
    let dots = terminal::dots();
    let mut text = String::new();
    for channel in &columns {
        text += &draw(channel, dots);
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

fn draw(columns: &[(i16, i16)], dots: Dots) -> String {
    let scale = |value: i16| f32::from(value) / 32_768.0;
    let peaks: Vec<Peak> = columns.iter().map(|(low, high)| Some((scale(*low), scale(*high)))).collect();
    let mut text = String::new();
    for line in 0..LINES {
        for cell in peaks.chunks(2) {
            let pair = [cell[0], cell.get(1).copied().flatten()];
            text.push(match dots {
                Dots::Braille => cells::braille(pair, line, LINES),
                Dots::Blocks => cells::block(pair, line, LINES),
            });
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
        let full = draw(&[(i16::MIN, i16::MAX); 4], Dots::Braille);
        assert_eq!(full.lines().count(), LINES);
        assert!(full.lines().all(|l| l == "⣿⣿"), "{full}");
        let silent = draw(&[(0, 0); 4], Dots::Braille);
        let drawn: Vec<&str> = silent.lines().filter(|l| l.chars().any(|c| c != '\u{2800}')).collect();
        assert_eq!(drawn.len(), 1, "{silent}");
        let blocks = draw(&[(i16::MIN, i16::MAX); 3], Dots::Blocks);
        assert!(blocks.lines().all(|l| l == "██"), "an odd column has a cell of its own: {blocks}");
    }
}
