//! The label of a record that nothing is wrong with. Never here: sound, how songs lie.

use deadwax_dsp::profile::label_copy::{Credit, Explicit, LabelCopy, Split, SplitKind, TrackCopy};

pub fn track(title: &str, isrc: &str) -> TrackCopy {
    let split = |kind| Split { name: "Ana Moth".into(), share: 10_000, kind };
    TrackCopy {
        title: title.into(),
        isrc: isrc.into(),
        explicit: Some(Explicit::No),
        credits: vec![Credit { role: "Producer".into(), name: "Bo Lind".into() }],
        splits: SplitKind::ALL.map(split).to_vec(),
        ..TrackCopy::default()
    }
}

pub fn label_copy(tracks: Vec<TrackCopy>) -> LabelCopy {
    LabelCopy {
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
        tracks,
    }
}
