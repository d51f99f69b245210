//! A record of four songs that nothing is wrong with, for tests to break.

use deadwax_dsp::profile::{
    AlternateSheet, AudioFile, Figures, Finding, Placing, Plan, Profile, RecordSheet, SongSheet, plan, text,
};
use deadwax_dsp::write::Cover;

use crate::label_kit::{label_copy, track};

/// Those that were asked for; no fewer come along.
pub const ASKED_FOR: [&str; 16] = [
    "streaming",
    "spotify",
    "apple-music",
    "youtube",
    "tidal",
    "amazon",
    "deezer",
    "soundcloud-bandcamp",
    "hi-res",
    "cd",
    "vinyl-toss",
    "vinyl-pressing-business",
    "vinyl-wolfpack",
    "sync",
    "archive",
    "reference",
];
/// Nothing is found.
pub const NONE: [&str; 0] = [];

pub fn profile(name: &str) -> Profile {
    Profile::parse(text(name).unwrap()).unwrap_or_else(|(line, what)| panic!("{name}, line {line}: {what}"))
}

/// WAV of 24 bits at 96 kHz.
pub fn wav(seconds: u64) -> AudioFile {
    AudioFile {
        container: "wav".into(),
        codec: "pcm".into(),
        sample_rate: 96_000,
        bits: Some(24),
        float: false,
        channels: 2,
        frames: seconds * 96_000,
    }
}

pub fn figures() -> Figures {
    Figures {
        integrated_lufs: -18.0,
        range_lu: 6.0,
        max_momentary_lufs: -15.0,
        max_short_term_lufs: -16.0,
        true_peak_dbtp: -3.0,
        clipped_samples: 0,
        bands_dbfs: None,
    }
}

fn song(seconds: u64, gap_ms: u32) -> SongSheet {
    let alternate = |token: &str, seconds: u64| AlternateSheet {
        token: token.into(),
        source: wav(seconds),
        figures: figures(),
        others: Vec::new(),
    };
    SongSheet {
        version: 3,
        source: wav(seconds),
        figures: figures(),
        alternates: vec![
            alternate("instrumental", seconds),
            alternate("tv", seconds),
            alternate("a-cappella", seconds),
            alternate("cut-60", 60),
            alternate("cut-30", 30),
            alternate("cut-15", 15),
        ],
        placing: Placing { gap_ms, ..Placing::default() },
        ..SongSheet::default()
    }
}

pub fn sheet() -> RecordSheet {
    RecordSheet {
        number: 2,
        copy: label_copy(vec![
            track("Headlights", "SEAYE2600001"),
            track("Ça va", "SEAYE2600002"),
            track("Low Beam", "SEAYE2600003"),
            track("Garage", "SEAYE2600004"),
        ]),
        songs: vec![song(200, 0), song(180, 2_000), song(240, 1_500), song(150, 2_000)],
        sides: vec![2],
        medium: "12\" 33 rpm".into(),
        contact: "mastering@example.org".into(),
        ..RecordSheet::default()
    }
}

/// The good record with one thing done to it.
pub fn but(change: impl FnOnce(&mut RecordSheet)) -> RecordSheet {
    let mut sheet = sheet();
    change(&mut sheet);
    sheet
}

/// The head of a PNG, which is what is looked at.
pub fn cover(width: u32, height: u32) -> Cover {
    let size = [width, height].map(u32::to_be_bytes).concat();
    Cover::new([b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR".as_slice(), &size, b"\x08\x02\0\0\0"].concat()).unwrap()
}

/// With a picture that stores take, where it has none: the good record is told without one, so that its sizes are those of sound.
fn with_cover(sheet: &RecordSheet) -> RecordSheet {
    let mut sheet = sheet.clone();
    sheet.cover.get_or_insert_with(|| cover(3000, 3000));
    sheet
}

/// Codes of what is found, blocks with an exclamation mark.
pub fn codes(plan: &Plan) -> Vec<String> {
    plan.findings.iter().map(|it| format!("{}{}", it.code, if it.block { "!" } else { "" })).collect()
}

pub fn found(name: &str, sheet: &RecordSheet) -> Vec<String> {
    codes(&plan(&profile(name), &with_cover(sheet)))
}

pub fn finding(name: &str, sheet: &RecordSheet, code: &str) -> Finding {
    let plan = plan(&profile(name), sheet);
    let it = plan.findings.iter().find(|it| it.code == code);
    it.unwrap_or_else(|| panic!("{code} is not among {:?}", plan.findings)).clone()
}

/// Every file on a line.
pub fn table(plan: &Plan) -> String {
    let mut out = String::new();
    for it in &plan.files {
        let path = if it.folder.is_empty() { it.name.clone() } else { format!("{}/{}", it.folder, it.name) };
        out += &format!(
            "{path} | {} {} {} {} | {} {}{} | {:?}{}\n",
            it.kind.token(),
            it.encoding.map_or("-", |it| it.token()),
            it.sample_rate,
            it.frames,
            it.bytes,
            if it.bytes_exact { "bytes" } else { "about" },
            if it.exact { ", exact" } else { "" },
            it.songs,
            if it.tags.is_some() { " tags" } else { "" },
        );
    }
    out
}
