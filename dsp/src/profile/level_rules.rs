//! What is wrong with the levels and formats of a record's songs: peaks, loudness, steps, the last song of a side, platforms. Never here: label copy, lengths.

use super::{Finding, Penalty, Profile, choice, consistency::median, sheet::RecordSheet, sides::letter};

/// Everything that the songs tell by themselves, as they sound on the record.
pub(super) fn songs(profile: &Profile, sheet: &RecordSheet, found: &mut Vec<Finding>) {
    let limits = &profile.limits;
    for at in 0..sheet.songs.len() {
        let (song, who) = (&sheet.songs[at], sheet.called(at));
        // Of the files that this profile takes.
        let figures = choice::figures(profile, sheet, at);
        let heard = figures.louder(sheet.gain_db(at));
        let mut say = |block: bool, code: &'static str, text: String, limit: &str, mend: &str| {
            let it = Finding::block(code, text, profile.source(limit)).mend(mend).song(at);
            found.push(Finding { block, ..it });
        };
        if !heard.true_peak_dbtp.is_finite() {
            say(true, "SILENT", format!("There is nothing to hear in {who}."), "", "Look at its master.");
            continue;
        }
        if song.source.lossy() && limits.lossy_blocks {
            let text = format!("{who} comes from {}, which is lossy.", song.source.codec);
            say(true, "LOSSY_SOURCE", text, "lossy_blocks", "Render its master from the mix.");
        }
        let wide = song.source.channels > 2;
        if wide || !limits.channels.is_empty() && !limits.channels.contains(&song.source.channels) {
            let text = format!("{who} has {} channels.", song.source.channels);
            let mend = "Master it in stereo: a record has two channels.";
            say(true, "CHANNELS", text, "channels", mend);
        }
        if let (Some(least), Some(bits)) = (limits.bits_min, song.source.bits)
            && bits < least
        {
            let text =
                format!("{who} has {bits} bits and {least} are asked: a wider file would hold no more.");
            say(
                false,
                "BITS_LOW",
                text,
                "bits_min",
                "Render its master with more bits, where the mix has them.",
            );
        }
        let peak = heard.true_peak_dbtp;
        match (limits.true_peak_max_dbtp, limits.true_peak_advised_dbtp) {
            (Some(most), _) if peak > most => {
                let text = format!("{who}: true peak {peak:.2} dBTP is over {most:.1} dBTP.");
                let mend = "Lower the ceiling of its master, or its level on the record.";
                say(true, "TRUE_PEAK", text, "true_peak_max_dbtp", mend);
            }
            (_, Some(advised)) if peak > advised => {
                let text = format!("{who}: true peak {peak:.2} dBTP; {advised:.1} dBTP is advised.");
                let mend = "Lower the ceiling of its master, or leave it as it is.";
                say(false, "TRUE_PEAK_ADVISED", text, "true_peak_advised_dbtp", mend);
            }
            _ => {}
        }
        let clipped = figures.clipped_samples;
        if limits.clipping_blocks && clipped > 0 {
            let text = format!("{who}: {clipped} samples stand in runs at full scale.");
            say(true, "CLIPPED", text, "clipping_blocks", "Render its master under a lower ceiling.");
        }
        let lufs = heard.integrated_lufs;
        match (limits.loudness_max_lufs, limits.loudness_advised_lufs) {
            (Some(most), _) if lufs > most => {
                let text = format!("{who}: {lufs:.1} LUFS is over {most:.1} LUFS.");
                say(true, "LOUDNESS", text, "loudness_max_lufs", "Lower its level on the record.");
            }
            (_, Some(advised)) if lufs > advised => {
                let text = format!("{who}: {lufs:.1} LUFS; {advised:.1} LUFS or quieter is advised.");
                let mend = "Make a quieter master for this destination, or leave it to the engineer there.";
                say(false, "LOUDNESS_ADVISED", text, "loudness_advised_lufs", mend);
            }
            _ => {}
        }
    }
    steps(profile, sheet, found);
}

fn steps(profile: &Profile, sheet: &RecordSheet, found: &mut Vec<Finding>) {
    let Some(most) = profile.record.step_max_lu else { return };
    for at in 1..sheet.songs.len() {
        let step = sheet.heard(at).integrated_lufs - sheet.heard(at - 1).integrated_lufs;
        // A hair of rounding is no step.
        if step.is_finite() && step.abs() > most + 1e-9 {
            let way = if step > 0.0 { "louder" } else { "quieter" };
            let text = format!("{} is {:.1} LU {way} than the song before it.", sheet.called(at), step.abs());
            let mend = "Set its level on the record, or leave the step where it is meant.";
            found.push(
                Finding::warn("STEP", text, profile.source("step_max_lu")).mend(mend).songs([at - 1, at]),
            );
        }
    }
}

/// Grooves near the label carry less: what is loud, and what is very quiet, suffers there.
pub(super) fn last_of_sides(profile: &Profile, sheet: &RecordSheet, found: &mut Vec<Finding>) {
    let rules = &profile.record;
    for (side, songs) in sheet.sides().into_iter().enumerate().filter(|(_, songs)| songs.len() > 1) {
        let last = songs.end - 1;
        let others =
            (songs.start..last).map(|at| sheet.heard(at).integrated_lufs).filter(|it| it.is_finite());
        let Some(usual) = median(others.collect()) else { continue };
        let over = sheet.heard(last).integrated_lufs - usual;
        let (code, way, limit) = match (rules.last_song_louder_lu, rules.last_song_quieter_lu) {
            (Some(most), _) if over > most + 1e-9 => ("LAST_LOUD", "louder", "last_song_louder_lu"),
            (_, Some(most)) if -over > most + 1e-9 => ("LAST_QUIET", "quieter", "last_song_quieter_lu"),
            _ => continue,
        };
        let text = format!(
            "{} is the last of side {} and {:.1} LU {way} than the others of it.",
            sheet.called(last),
            letter(side),
            over.abs()
        );
        let mend = "Let it stand earlier on the side, where the groove is wide.";
        found.push(Finding::warn(code, text, profile.source(limit)).mend(mend).song(last).side(side));
    }
}

/// One finding a platform for what it turns down, one for peaks.
pub(super) fn platforms(
    profile: &Profile,
    sheet: &RecordSheet,
    penalties: &[Penalty],
    found: &mut Vec<Finding>,
) {
    for it in penalties.iter().filter(|it| !it.by_choice) {
        let source = if it.source.is_empty() { profile.source("") } else { it.source.clone() };
        let loudest = it.songs.iter().map(|it| it.gain_db).fold(0.0, f64::min);
        let gain_db = it.album.map_or(loudest, |album| album.gain_db);
        if let Some(most) = profile.record.penalty_db.filter(|most| -gain_db > most + 1e-9) {
            let what = if it.album.is_some() { "the record" } else { "the loudest song" };
            let text = format!("{} turns {what} down by {:.1} dB.", it.platform, -gain_db);
            let mend = format!(
                "More than {most:.0} dB of the loudness is not heard there; leave it, or master quieter."
            );
            found.push(Finding::warn("PLATFORM_LEVEL", text, source.clone()).mend(mend));
        }
        let over: Vec<usize> = (0..it.songs.len()).filter(|at| it.songs[*at].over_peak_db > 0.005).collect();
        let most = it.songs.iter().map(|it| it.over_peak_db).fold(f64::NEG_INFINITY, f64::max);
        if !over.is_empty() {
            let text = format!(
                "{}: the true peak of {} is up to {most:.2} dB over what it asks.",
                it.platform,
                sheet.all_called(&over)
            );
            let mend = "Its coding may clip; lower the ceiling, or leave it.";
            found.push(Finding::warn("PLATFORM_PEAK", text, source).mend(mend).songs(over));
        }
    }
}
