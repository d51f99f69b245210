//! A sheet as text for 80 columns: what is missing is marked, `!!` where it blocks and `!` where it is only told. Never here: colours, printing.

use deadwax_dsp::profile::Finding;
use deadwax_proto::v1::{self, SplitOf};
use unicode_width::UnicodeWidthStr as _;

use super::{
    Field, RELEASE_KEYS, Sheet, Song, called, counted, explicit_word, findings, mark, of_word, percent,
    release,
};
use crate::scrub;

/// What is told of a song in a row, with its marks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cells {
    pub title: String,
    pub isrc: String,
    pub explicit: String,
    pub credits: String,
    pub composition: String,
    pub recording: String,
}

/// "!! none": the mark stands first, so that it is seen where a cell is cut.
fn marked(found: Option<bool>, text: &str) -> String {
    match found {
        Some(true) => format!("!! {text}"),
        Some(false) => format!("! {text}"),
        None => text.to_owned(),
    }
}

pub fn cells(sheet: &Sheet, findings: &[Finding], at: usize) -> Cells {
    let Some(song) = sheet.songs.get(at) else { return Cells::default() };
    let said = |field, text: &str| {
        let shown = if text.is_empty() { "none" } else { text };
        let found = mark(findings, Some(at), field, text.is_empty());
        if text.is_empty() && found.is_none() { "-".to_owned() } else { marked(found, shown) }
    };
    let sum = |of| song.sum(of).map_or_else(String::new, |sum| format!("{} %", percent(sum)));
    let credits = song.copy.credits.len();
    let credits = if credits == 0 { String::new() } else { credits.to_string() };
    Cells {
        title: marked(mark(findings, Some(at), Field::Title, false), &full_title(song)),
        isrc: said(Field::Isrc, &song.isrc),
        explicit: said(Field::Explicit, explicit_word(song.copy.explicit())),
        credits: said(Field::Credits, &credits),
        composition: said(Field::Shares(SplitOf::Composition), &sum(SplitOf::Composition)),
        recording: said(Field::Shares(SplitOf::Recording), &sum(SplitOf::Recording)),
    }
}

fn full_title(song: &Song) -> String {
    match song.copy.version_title.as_str() {
        "" => song.title.clone(),
        version => format!("{} ({version})", song.title),
    }
}

/// "JPEG, 3000 x 3000, 1.2 MB"
pub fn cover_text(cover: Option<&v1::Cover>) -> String {
    let Some(it) = cover else { return "none yet".to_owned() };
    let form = if it.mime.ends_with("png") { "PNG" } else { "JPEG" };
    let size = if it.bytes >= 1_000_000 {
        format!("{:.1} MB", it.bytes as f64 / 1e6)
    } else {
        format!("{} kB", it.bytes.div_ceil(1000))
    };
    let square = if it.width == it.height { "" } else { "; ! not square, as stores ask" };
    format!("{form}, {} x {}, {size}{square}", it.width, it.height)
}

fn padded(text: &str, columns: usize) -> String {
    let cut = scrub::cut(text, columns);
    let gap = columns.saturating_sub(cut.width());
    format!("{cut}{}", " ".repeat(gap))
}

/// All of it.
pub fn text(sheet: &Sheet) -> String {
    let found = findings(sheet);
    let by = if sheet.artist.is_empty() { String::new() } else { format!(" by {}", sheet.artist) };
    let mut lines = vec![scrub::cut(&format!("{}{by}", sheet.title), 78)];
    for key in RELEASE_KEYS {
        let value = release(&sheet.release, key);
        let said = mark(&found, None, Field::Release(key), value.is_empty());
        let value = match (value, said) {
            ("", None) => "-".to_owned(),
            ("", said) => marked(said, "none"),
            (value, said) => marked(said, value),
        };
        lines.push(format!("  {:<17} {}", called(key), scrub::cut(&value, 58)));
    }
    lines.push(format!("  {:<17} {}", "cover", cover_text(sheet.release.cover.as_ref())));
    lines.push(String::new());
    let head = ["Song", "ISRC", "Explicit", "Credits", "Composition", "Recording"];
    let row = |n: &str, all: [&str; 6]| {
        let [title, isrc, explicit, credits, composition, recording] = all;
        let row = format!(
            "{n:>3} {} {} {} {} {} {}",
            padded(title, 18),
            padded(isrc, 15),
            padded(explicit, 8),
            padded(credits, 7),
            padded(composition, 11),
            padded(recording, 11),
        );
        row.trim_end().to_owned()
    };
    lines.push(row("", head));
    for at in 0..sheet.songs.len() {
        let it = cells(sheet, &found, at);
        let all = [&*it.title, &it.isrc, &it.explicit, &it.credits, &it.composition, &it.recording];
        lines.push(row(&(at + 1).to_string(), all));
    }
    lines.extend(told(&found, None));
    lines.join("\n")
}

/// One song with every name.
pub fn of_one(sheet: &Sheet, at: usize) -> String {
    let found = findings(sheet);
    let (Some(song), it) = (sheet.songs.get(at), cells(sheet, &found, at)) else { return String::new() };
    let mut lines = vec![scrub::cut(&it.title, 78)];
    lines.push(format!("  {:<12} {}", "ISRC", it.isrc));
    lines.push(format!("  {:<12} {}", "explicit", it.explicit));
    lines.push(format!("  {:<12} {}", "credits", it.credits));
    for credit in &song.copy.credits {
        lines.push(format!("    {} {}", padded(&credit.role, 24), scrub::cut(&credit.name, 48)));
    }
    for (of, sum) in [(SplitOf::Composition, &it.composition), (SplitOf::Recording, &it.recording)] {
        lines.push(format!("  {:<12} {sum}", of_word(of)));
        for split in song.shares(of) {
            lines.push(format!("    {:>8} %  {}", percent(split.share.into()), scrub::cut(&split.name, 62)));
        }
    }
    lines.extend(told(&found, Some(at)));
    lines.join("\n")
}

/// In lines that fit, the first behind a sign and the others as far in.
fn wrapped(text: &str, sign: &str) -> Vec<String> {
    const COLUMNS: usize = 79;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.width() + word.width() < COLUMNS => *line += &format!(" {word}"),
            Some(_) => lines.push(format!("{:1$} {word}", "", sign.len())),
            None => lines.push(format!("{sign} {word}")),
        }
    }
    lines
}

/// What was found, with the next step.
fn told(found: &[Finding], song: Option<usize>) -> Vec<String> {
    let here: Vec<&Finding> =
        found.iter().filter(|it| song.is_none_or(|at| it.songs.contains(&at))).collect();
    let blocks = here.iter().filter(|it| it.block).count();
    let count = match (blocks, here.len() - blocks) {
        (0, 0) => return vec![String::new(), "Nothing is missing for a label's archive.".into()],
        (0, warns) => format!("For a label's archive: {}.", counted(warns, "warning", "warnings")),
        (blocks, 0) => format!("For a label's archive: {}.", counted(blocks, "block", "blocks")),
        (blocks, warns) => format!(
            "For a label's archive: {}, {}.",
            counted(blocks, "block", "blocks"),
            counted(warns, "warning", "warnings")
        ),
    };
    let mut lines = vec![String::new(), count];
    for it in here {
        let sign = if it.block { "!!" } else { "! " };
        lines.extend(wrapped(&it.text, sign));
        lines.extend(wrapped(&it.mend, "    "));
    }
    lines
}
