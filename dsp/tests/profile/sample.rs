//! A record of four songs that nothing is wrong with, for tests to break.

use deadwax_dsp::profile::{
    AlternateSheet, AudioFile, Figures, Finding, Placing, Plan, Profile, RecordSheet, SongSheet,
    label_copy::{Credit, LabelCopy, Split, SplitKind, TrackCopy},
    plan, text,
};

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
    }
}

fn track(title: &str, isrc: &str) -> TrackCopy {
    let split = |kind| Split { name: "Ana Moth".into(), share: 10_000, kind };
    TrackCopy {
        title: title.into(),
        isrc: isrc.into(),
        explicit: Some(false),
        credits: vec![Credit { role: "Producer".into(), name: "Bo Lind".into() }],
        splits: vec![split(SplitKind::Composition), split(SplitKind::Recording)],
        ..TrackCopy::default()
    }
}

pub fn sheet() -> RecordSheet {
    RecordSheet {
        number: 2,
        copy: LabelCopy {
            artist: "Moth Parade".into(),
            title: "Night Drive".into(),
            upc: "036000291452".into(),
            catalogue: "MOTH-001".into(),
            label: "Moth Records".into(),
            p_line: "2026 Moth Records".into(),
            c_line: "2026 Moth Records".into(),
            release_date: "2026-12-04".into(),
            genre: "Pop".into(),
            language: "en".into(),
            tracks: vec![
                track("Headlights", "SEAYE2600001"),
                track("Ça va", "SEAYE2600002"),
                track("Low Beam", "SEAYE2600003"),
                track("Garage", "SEAYE2600004"),
            ],
        },
        songs: vec![song(200, 0), song(180, 2_000), song(240, 1_500), song(150, 2_000)],
        sides: vec![2],
        medium: "12\" 33 rpm".into(),
        contact: "mastering@example.org".into(),
        ..RecordSheet::default()
    }
}

/// Codes of what is found, blocks with an exclamation mark.
pub fn codes(plan: &Plan) -> Vec<String> {
    plan.findings.iter().map(|it| format!("{}{}", it.code, if it.block { "!" } else { "" })).collect()
}

pub fn found(name: &str, sheet: &RecordSheet) -> Vec<String> {
    codes(&plan(&profile(name), sheet))
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
