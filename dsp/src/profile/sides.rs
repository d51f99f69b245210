//! The cue sheet of the sides: which songs stand on each, from when to when, for the engineer who cuts them. Never here: limits.

use super::{
    lengths::{self, ms_of_frames},
    sheet::RecordSheet,
};

/// "A", "B"; after Z with numbers.
pub(super) fn letter(side: usize) -> String {
    match u8::try_from(side).ok().filter(|it| *it < 26) {
        Some(it) => char::from(b'A' + it).to_string(),
        None => format!("S{}", side + 1),
    }
}

/// "04:47.20": minutes, seconds, hundredths.
fn clock(ms: u64) -> String {
    let hundredths = (ms + 5) / 10;
    format!("{:02}:{:02}.{:02}", hundredths / 6000, hundredths / 100 % 60, hundredths % 100)
}

/// One line: no control character of a title breaks a row.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

/// The sheet. `files`: the name of every side's file, in order. Times are those of the file, at its `rate`.
pub fn side_sheet(sheet: &RecordSheet, rate: u32, files: &[String]) -> String {
    let copy = &sheet.copy;
    let mut out = String::new();
    for (name, text) in [
        ("Artist", &copy.artist),
        ("Title", &copy.title),
        ("Catalogue number", &copy.catalogue),
        ("Label", &copy.label),
        ("Format", &sheet.medium),
        ("Contact", &sheet.contact),
    ] {
        if !text.trim().is_empty() {
            out += &format!("{name}: {}\n", line(text));
        }
    }
    out += "Times are minutes:seconds.hundredths of the side's file; the pause after a song belongs to it.\n";
    let time = lengths::timeline(sheet, rate);
    let spans = lengths::sides(sheet, &time);
    for (side, (songs, span)) in sheet.sides().into_iter().zip(spans).enumerate() {
        let letter = letter(side);
        let ms = |frame: u64| clock(ms_of_frames(frame.saturating_sub(span.start), rate));
        out += &format!("\nSide {letter}, {}", ms(span.end));
        if let Some(file) = files.get(side) {
            out += &format!(", {file}");
        }
        out.push('\n');
        let starts = |song: usize| time.songs().get(song).map_or(span.end, |it| it.start);
        for (nth, song) in songs.clone().enumerate() {
            let from = if nth == 0 { span.start } else { starts(song) };
            let to = if song + 1 < songs.end { starts(song + 1) } else { span.end };
            let title = copy.tracks.get(song).map(|it| line(&it.full_title())).unwrap_or_default();
            out += &format!("{letter}{}: {} - {}  {title}\n", nth + 1, ms(from), ms(to));
        }
    }
    out
}
