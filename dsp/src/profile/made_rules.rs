//! What is wrong with the sound of a file that was made: what rendering did to its peaks, which no figure of a master tells. Never here: measuring, what the
//! masters themselves have.

use super::{Finding, PlannedFile, Profile, sheet::RecordSheet};

/// True-peak meters may read so much too high (EBU Tech 3341, 2.10), and dither moves a peak by less: what is over by no more is told and blocks nothing.
const HAIR_DB: f64 = 0.2;

/// What a profile says of files that are made, each with who says so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Held {
    pub true_peak_max_dbtp: Option<f64>,
    pub true_peak_max_by: String,
    pub true_peak_advised_dbtp: Option<f64>,
    pub true_peak_advised_by: String,
    pub clipping_blocks: bool,
    pub clipping_by: String,
}

impl Held {
    pub(super) fn of(profile: &Profile) -> Held {
        let limits = &profile.limits;
        Held {
            true_peak_max_dbtp: limits.true_peak_max_dbtp,
            true_peak_max_by: profile.source("true_peak_max_dbtp"),
            true_peak_advised_dbtp: limits.true_peak_advised_dbtp,
            true_peak_advised_by: profile.source("true_peak_advised_dbtp"),
            clipping_blocks: limits.clipping_blocks,
            clipping_by: profile.source("clipping_blocks"),
        }
    }
}

/// What was measured in a file.
#[derive(Clone, Debug)]
pub(crate) struct Sound<'a> {
    /// `None`: silence.
    pub true_peak_dbtp: Option<f64>,
    pub over_full_scale: u64,
    /// The songs in whose stretch they are; none: nobody knows where.
    pub over_songs: &'a [usize],
}

/// Everything that rendering did wrong to a file, blocks first. A file that holds its masters as they are was judged by them already.
pub(crate) fn made(held: &Held, file: &PlannedFile, sheet: &RecordSheet, it: &Sound<'_>) -> Vec<Finding> {
    if file.exact {
        return Vec::new();
    }
    let mut found = Vec::new();
    if it.over_full_scale > 0 {
        let songs = if it.over_songs.is_empty() { &file.songs[..] } else { it.over_songs };
        let text = format!(
            "{}: {} samples of {} went beyond full scale and were cut off at it.",
            file.name,
            it.over_full_scale,
            sheet.all_called(songs)
        );
        let mend = "Lower the level of the song on the record, make its crossfade shorter, or master it under a lower ceiling.";
        let told = Finding::block("CLIPPED_MADE", text, held.clipping_by.clone()).mend(mend);
        found.push(Finding { block: held.clipping_blocks, ..told.songs(songs.iter().copied()) });
    }
    peak(held, file, sheet, it, &mut found);
    found.sort_by_key(|it| !it.block);
    found
}

fn peak(held: &Held, file: &PlannedFile, sheet: &RecordSheet, it: &Sound<'_>, found: &mut Vec<Finding>) {
    let Some(peak) = it.true_peak_dbtp else { return };
    let who = sheet.all_called(&file.songs);
    let coded = file.encoding.is_some_and(|it| it.lossy());
    let mend = "Lower the ceiling of the master, or the level of the song on the record.";
    if let Some(most) = held.true_peak_max_dbtp.filter(|most| peak > *most) {
        let text =
            format!("{}: the true peak of {who} came out at {peak:.2} dBTP, over {most:.1} dBTP.", file.name);
        // A decoder makes of coded sound what it likes; and of alternates the plan asked for no peak.
        let block = !coded && file.alternate == "main" && peak > most + HAIR_DB;
        let told = Finding::block("TRUE_PEAK_MADE", text, held.true_peak_max_by.clone()).mend(mend);
        found.push(Finding { block, ..told.songs(file.songs.iter().copied()) });
    } else if let Some(advised) = held.true_peak_advised_dbtp.filter(|advised| peak > *advised + HAIR_DB) {
        // Where a master has it already, the plan said so.
        let known = file.songs.iter().any(|song| sheet.heard(*song).true_peak_dbtp > advised);
        if !known {
            let text = format!(
                "{}: the true peak of {who} came out at {peak:.2} dBTP; {advised:.1} dBTP is advised.",
                file.name
            );
            let told = Finding::warn("TRUE_PEAK_MADE", text, held.true_peak_advised_by.clone()).mend(mend);
            found.push(told.songs(file.songs.iter().copied()));
        }
    }
}
