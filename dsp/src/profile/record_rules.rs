//! What is wrong with the record as a whole: how it lies, its sides, its disc, its alternates. Never here: levels, label copy.

use super::{
    Ask, FileAsk, Finding, Profile,
    lengths::{self, ms_of_frames},
    media::{Fit, Medium, minutes},
    sheet::{AlternateSheet, RecordSheet},
    sides::letter,
};
use crate::album::{self, OnDisc, Timeline};

const SPACING: &str = "the spacing itself";
/// A song of a day is a slip of whoever tells its length, and would be too long to reckon with.
const SONG_MAX_MS: u64 = 24 * 3_600_000;
pub(super) const DISC_RATE: u32 = 44_100;
/// Frames of a sector: 1/75 s.
pub(super) const SECTOR: u64 = 588;

/// What keeps a record from being reckoned at all.
pub(super) fn shape(sheet: &RecordSheet) -> Vec<Finding> {
    let songs = &sheet.songs;
    if sheet.tracks().next().is_none() {
        let text = "There is no song on the record.".to_owned();
        return vec![Finding::block("NO_SONGS", text, SPACING).mend("Put the songs into a running order.")];
    }
    let mut found = Vec::new();
    if sheet.copy.tracks.len() != songs.len() {
        let rows = sheet.copy.tracks.len();
        let text = format!("The label copy has {rows} songs and the running order {}.", songs.len());
        let mend = "Bring the label copy to the running order, a row for every song.";
        found.push(Finding::block("LABEL_COPY_ROWS", text, SPACING).mend(mend));
    }
    let starts = &sheet.sides;
    let rising = starts.windows(2).all(|it| it[0] < it[1]);
    let hidden_alone = starts.first() == Some(&1) && songs[0].placing.hidden;
    if !rising || hidden_alone || starts.iter().any(|it| *it == 0 || *it >= songs.len()) {
        let text = "The sides do not begin one after the other at tracks of the record.".to_owned();
        found.push(Finding::block("SIDES_ORDER", text, SPACING).mend("Part the songs into sides anew."));
    }
    for (at, song) in songs.iter().enumerate() {
        let mut block = |code, text: String, mend: &str| {
            found.push(Finding::block(code, text, SPACING).mend(mend).song(at));
        };
        let (it, who) = (&song.placing, sheet.called(at));
        if song.source.frames == 0 || song.source.sample_rate == 0 || song.source.channels == 0 {
            block("NO_SOUND", format!("{who} has no sound."), "Upload its master again.");
            continue;
        }
        if it.hidden && at > 0 {
            block(
                "HIDDEN",
                format!("{who} is hidden and not the first."),
                "Only the first song can be hidden.",
            );
        }
        let length_ms = ms_of_frames(song.source.frames, song.source.sample_rate);
        if length_ms > SONG_MAX_MS {
            block("SONG_LONG", format!("{who} is longer than a day."), "Look at its master.");
            continue;
        }
        let trims_ms = u64::from(it.trim_in_ms) + u64::from(it.trim_out_ms);
        let Some(left_ms) = length_ms.checked_sub(trims_ms).filter(|it| *it > 0) else {
            block("TRIM", format!("Nothing is left of {who} when it is trimmed."), "Trim it less.");
            continue;
        };
        if u64::from(it.fade_in_ms) + u64::from(it.fade_out_ms) > left_ms {
            block("FADES_OVERLAP", format!("The fades of {who} run into each other."), "Make them shorter.");
        }
    }
    crossfades(sheet, &mut found);
    found
}

/// A crossfade has room in both songs, beside the crossfade before it.
fn crossfades(sheet: &RecordSheet, found: &mut Vec<Finding>) {
    let left_ms = |at: usize| {
        let song = &sheet.songs[at];
        let trims = u64::from(song.placing.trim_in_ms) + u64::from(song.placing.trim_out_ms);
        ms_of_frames(song.source.frames, song.source.sample_rate).saturating_sub(trims)
    };
    for at in 1..sheet.songs.len() {
        let into = u64::from(sheet.songs[at].placing.crossfade_ms);
        let before = u64::from(sheet.songs[at - 1].placing.crossfade_ms);
        let before = if at == 1 { 0 } else { before };
        // A song that the next one covers from its first frame would leave a track without sound.
        let room = left_ms(at - 1);
        if into > 0 && (into > left_ms(at) || into + before > room || into >= room) {
            let text = format!(
                "The crossfade of {:.2} s into {} has no room: it runs into the one before it, or past a song.",
                into as f64 / 1000.0,
                sheet.called(at)
            );
            let mend = "Make this crossfade or the one before it shorter.";
            found.push(Finding::block("CROSSFADE", text, SPACING).mend(mend).song(at));
        }
    }
}

pub(super) fn spacing(profile: &Profile, sheet: &RecordSheet, found: &mut Vec<Finding>) {
    let rules = &profile.record;
    let touching: Vec<usize> = (1..sheet.songs.len())
        .filter(|at| sheet.songs[*at].placing.gap_ms == 0 && sheet.songs[*at].placing.crossfade_ms == 0)
        .collect();
    if !touching.is_empty() {
        let text = format!("No gap and no crossfade before {}.", sheet.all_called(&touching));
        let it = Finding::weighed(rules.gap_zero, "GAP_ZERO", text, profile.source("gap_zero"));
        let mend = "Set a gap; or a short crossfade, which says that they are meant to run together.";
        found.extend(it.map(|it| it.mend(mend).songs(touching)));
    }
    let faded: Vec<usize> = (0..sheet.songs.len())
        .filter(|at| {
            let it = &sheet.songs[*at].placing;
            it.fade_in_ms > 0 || it.fade_out_ms > 0 || it.crossfade_ms > 0
        })
        .collect();
    if !faded.is_empty() {
        let text = format!("The record fades {}.", sheet.all_called(&faded));
        let it = Finding::weighed(rules.fades, "FADES", text, profile.source("fades"));
        let mend = "These files come from the masters without the fades; let somebody listen to their ends.";
        found.extend(it.map(|it| it.mend(mend).songs(faded)));
    }
    if sheet.songs.first().is_some_and(|it| it.placing.hidden) {
        let text = format!("{} is hidden before the first track.", sheet.called(0));
        let it = Finding::weighed(rules.hidden, "HIDDEN_LEFT_OUT", text, profile.source("hidden"));
        let mend = "There is no pre-gap here: it is left out; make it a track if it shall be heard.";
        found.extend(it.map(|it| it.mend(mend).song(0)));
    }
}

/// The medium the record is pressed on; where nobody said, the profile's first.
pub(super) fn medium<'a>(
    profile: &'a Profile,
    sheet: &RecordSheet,
    found: &mut Vec<Finding>,
) -> Option<&'a Medium> {
    let with_sides: Vec<&Medium> = profile.media.iter().filter(|it| it.has_sides()).collect();
    let first = *with_sides.first()?;
    let named: Vec<&str> = with_sides.iter().map(|it| it.name.as_str()).collect();
    let source = profile.source("");
    if sheet.medium.is_empty() {
        let text = format!("Nobody said what it is pressed on; {} is taken.", first.name);
        let mend = format!("Choose one of {}.", named.join(", "));
        found.push(Finding::warn("MEDIUM", text, source).mend(mend));
        return Some(first);
    }
    let it = with_sides.iter().find(|it| it.name == sheet.medium).copied();
    if it.is_none() {
        let text = format!("{} says nothing of {}.", profile.name, sheet.medium);
        let mend = format!("Choose one of {}, or the profile of another plant.", named.join(", "));
        found.push(Finding::block("MEDIUM", text, source).mend(mend));
    }
    it
}

pub(super) fn sides(
    profile: &Profile,
    sheet: &RecordSheet,
    line: &Timeline,
    rate: u32,
    found: &mut Vec<Finding>,
) {
    let Some(medium) = medium(profile, sheet, found) else { return };
    if sheet.sides.is_empty() {
        let text = "The songs are not parted into sides: all lie on one.".to_owned();
        let mend = "Part them into sides, or press a record with one.";
        found.push(Finding::warn("SIDES", text, profile.source("")).mend(mend));
    }
    for (side, span) in lengths::sides(sheet, line).iter().enumerate() {
        let length_ms = ms_of_frames(span.end - span.start, rate);
        let of = |words: &str| {
            let said = medium.limits.iter().find(|it| words.contains(&it.of));
            let source = said.and_then(|it| profile.sources.iter().find(|line| line.contains(&it.of)));
            source.cloned().unwrap_or_else(|| profile.source(""))
        };
        let text = |words: &str| {
            let length = minutes(length_ms.div_ceil(1000));
            format!("Side {} has {length} on {}: {words}.", letter(side), medium.name)
        };
        let mend = "Move a song to another side, add a side, or choose a larger or slower record.";
        match medium.fit(length_ms) {
            Fit::Fits => {}
            Fit::Warns(words) => {
                found.push(Finding::warn("SIDE_BEST", text(&words), of(&words)).mend(mend).side(side));
            }
            Fit::Blocks(words) => {
                found.push(Finding::block("SIDE_LONG", text(&words), of(&words)).mend(mend).side(side));
            }
        }
    }
    for (side, start) in sheet.sides.iter().enumerate() {
        if sheet.songs[*start].placing.crossfade_ms > 0 {
            let text = format!(
                "The crossfade into {} would be cut in two by the end of side {}.",
                sheet.called(*start),
                letter(side)
            );
            let mend = "Set a gap there, or let the side begin at another song.";
            found
                .push(Finding::block("SIDE_CROSSFADE", text, SPACING).mend(mend).song(*start).side(side + 1));
        }
    }
}

/// Sectors of the disc, with the silence before it.
pub(super) fn disc_sectors(sheet: &RecordSheet, line: &Timeline) -> u64 {
    on_disc(sheet, line).frames / SECTOR
}

/// The record at 44.1 kHz on a disc.
pub(super) fn on_disc(sheet: &RecordSheet, line: &Timeline) -> OnDisc {
    album::on_disc(line, sheet.songs.first().is_some_and(|it| it.placing.hidden))
}

pub(super) fn disc(profile: &Profile, sheet: &RecordSheet, line: &Timeline, found: &mut Vec<Finding>) {
    let Some(medium) = profile.media.iter().find(|it| !it.has_sides()) else { return };
    let said = medium.limits.iter().find_map(|it| profile.sources.iter().find(|s| s.contains(&it.of)));
    let source = said.cloned().unwrap_or_else(|| profile.source(""));
    let tracks = lengths::tracks(sheet, line);
    if let Some(most) = medium.tracks_max.filter(|most| tracks.len() > *most) {
        let text = format!("{} tracks; a disc has at most {most}.", tracks.len());
        let mend = "Join songs that run together into one track, or make two discs.";
        found.push(Finding::block("DISC_TRACKS", text, source.clone()).mend(mend));
    }
    if let Some(least_s) = medium.track_min_s {
        for (song, span) in &tracks {
            if span.end - span.start < least_s * u64::from(DISC_RATE) {
                let text = format!(
                    "{} is a track of {:.2} s; a track has at least {least_s} s.",
                    sheet.called(*song),
                    (span.end - span.start) as f64 / f64::from(DISC_RATE)
                );
                let mend = "Join it to its neighbour, or set a longer gap behind it.";
                found.push(Finding::block("DISC_TRACK_SHORT", text, source.clone()).mend(mend).song(*song));
            }
        }
    }
    let length_ms = ms_of_frames(disc_sectors(sheet, line) * SECTOR, DISC_RATE);
    let (block, words) = match medium.fit(length_ms) {
        Fit::Fits => return,
        Fit::Warns(words) => (false, words),
        Fit::Blocks(words) => (true, words),
    };
    let text = format!("The disc has {}: {words}.", minutes(length_ms.div_ceil(1000)));
    let it = Finding::block("DISC_LONG", text, source).mend("Make two discs, or leave a song out.");
    found.push(Finding { block, ..it });
}

/// Titles that CD-Text carries are of Latin-1.
pub(super) fn cd_text(profile: &Profile, sheet: &RecordSheet, found: &mut Vec<Finding>) {
    let beyond = |text: &str| text.chars().any(|c| u32::from(c) > 0xFF);
    let copy = &sheet.copy;
    let songs: Vec<usize> = (0..copy.tracks.len())
        .filter(|at| beyond(&copy.tracks[*at].full_title()) || beyond(&copy.tracks[*at].artist))
        .collect();
    let record = beyond(&copy.title) || beyond(&copy.artist);
    if songs.is_empty() && !record {
        return;
    }
    let mut named: Vec<String> = record.then(|| "the record".to_owned()).into_iter().collect();
    if !songs.is_empty() {
        named.push(sheet.all_called(&songs));
    }
    let text = format!("CD-Text cannot carry the letters of {}.", named.join(" and "));
    let it = Finding::weighed(profile.record.cd_text, "CD_TEXT", text, profile.source("cd_text"));
    let mend = "They are written with Latin letters or left out on the disc; the label copy keeps them.";
    found.extend(it.map(|it| it.mend(mend).songs(songs)));
}

/// The alternate of a song that an ask is about.
pub(super) fn alternate<'a>(sheet: &'a RecordSheet, song: usize, token: &str) -> Option<&'a AlternateSheet> {
    sheet.songs[song].alternates.iter().find(|it| it.token == token)
}

pub(super) fn alternates(profile: &Profile, sheet: &RecordSheet, found: &mut Vec<Finding>) {
    let asks = profile.files.iter().filter(|it| it.kind == Ask::Song);
    let mut told: Vec<&str> = Vec::new();
    for ask in asks {
        let Some(token) = ask.alternate.as_deref().filter(|it| *it != "main" && !told.contains(it)) else {
            continue;
        };
        told.push(token);
        missing(profile, sheet, ask, token, found);
        for song in sheet.tracks() {
            if let Some(it) = alternate(sheet, song, token) {
                fits_its_main(profile, sheet, song, it, found);
            }
        }
    }
}

fn missing(profile: &Profile, sheet: &RecordSheet, ask: &FileAsk, token: &str, found: &mut Vec<Finding>) {
    let without: Vec<usize> =
        sheet.tracks().filter(|song| alternate(sheet, *song, token).is_none()).collect();
    if !without.is_empty() {
        let text = format!("There is no {token} of {}.", sheet.all_called(&without));
        let it = Finding::weighed(ask.missing, "ALTERNATE_MISSING", text, profile.source("alternate"));
        let mend = format!("Upload the {token} with the mix and master it beside the main.");
        found.extend(it.map(|it| it.mend(mend).songs(without)));
    }
}

/// Seconds of a cutdown.
pub(super) fn cut_seconds(token: &str) -> Option<u64> {
    token.strip_prefix("cut-")?.parse().ok()
}

fn fits_its_main(
    profile: &Profile,
    sheet: &RecordSheet,
    song: usize,
    it: &AlternateSheet,
    found: &mut Vec<Finding>,
) {
    let (main, token) = (&sheet.songs[song].source, &it.token);
    let who = format!("The {token} of {}", sheet.called(song));
    if it.source.channels > 2 {
        let text = format!("{who} has {} channels.", it.source.channels);
        let mend = "Master it in stereo: a record has two channels.";
        found.push(Finding::block("CHANNELS", text, profile.source("channels")).mend(mend).song(song));
    }
    if let Some(seconds) = cut_seconds(token) {
        let off_ms = profile.record.cut_tolerance_ms;
        let wanted = u128::from(seconds) * u128::from(it.source.sample_rate);
        let off = wanted.abs_diff(u128::from(it.source.frames)) * 1000;
        if off_ms.is_some_and(|ms| off > u128::from(ms) * u128::from(it.source.sample_rate)) {
            let length = it.source.frames as f64 / f64::from(it.source.sample_rate.max(1));
            let text = format!("{who} has {length:.3} s, not {seconds} s.");
            let mend = format!("Bounce it to {seconds} s exactly.");
            let source = profile.source("cut_tolerance_ms");
            found.push(Finding::block("CUT_LENGTH", text, source).mend(mend).song(song));
        }
        return;
    }
    let Some(rules) = &profile.alternates else { return };
    if matches!(token.as_str(), "radio-edit" | "extended" | "sting" | "bumper") {
        return;
    }
    let same = (main.sample_rate, main.bits) == (it.source.sample_rate, it.source.bits);
    if rules.same_format && !same {
        let text = format!("{who} has another rate or word length than its main.");
        let mend = "Render it beside the main.";
        found.push(Finding::block("ALTERNATE_FORMAT", text, profile.source("")).mend(mend).song(song));
    } else if main.frames.abs_diff(it.source.frames) > rules.same_length_frames {
        let text = format!(
            "{who} has {} frames and its main {}: they do not run together.",
            it.source.frames, main.frames
        );
        let source = profile.source("same_length_frames");
        found.push(
            Finding::block("ALTERNATE_LENGTH", text, source).mend("Render it beside the main.").song(song),
        );
    }
}
