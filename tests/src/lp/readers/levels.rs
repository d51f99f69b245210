//! Levels: what the report of the record says, what stands in a Broadcast Wave, and what another meter measures of the same file. Never here: words of a file.

use std::{collections::BTreeMap, ffi::OsString, path::Path};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{
    super::{
        Lp,
        pressing::{Made, place},
        tools::{bytes_of, must},
    },
    Sound,
    facts::{
        ARTIST, BEXT_VERSION, BITS, CODING, DESCRIPTION, Facts, ISRC, LOUDNESS, MOMENTARY, ORIGINATOR, RANGE,
        RATE, REFERENCE, SHORT_TERM, TIME_REFERENCE, TITLE, TRUE_PEAK,
    },
};
use crate::demo::studio::text;

/// Two meters of one standard agree so far; ours was compared with more of them elsewhere.
const LOUDNESS_LU: f64 = 0.1;
/// True peak is an estimate, and how finely it looks between samples is each meter's own.
const PEAK_DB: f64 = 0.25;
/// So much finer than its samples a sound is looked at for its true peak.
const FINER: u64 = 8;

/// The levels that the report of the record tells, by the place of the file.
pub fn by_place(made: &Made) -> Result<BTreeMap<String, BTreeMap<String, f64>>> {
    let columns: Vec<&str> =
        made.report["level_columns"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let rows = made.report["levels"].as_array().context("the report tells no levels")?;
    let files: Vec<&Value> = made.files().collect();
    rows.iter()
        .map(|row| {
            let figure = |at: usize| row[at].as_f64();
            let file = row[0].as_u64().and_then(|at| files.get(usize::try_from(at).ok()?));
            let file = file.context("levels of a file that is not there")?;
            let named = columns.iter().enumerate().skip(1);
            let levels = named.filter_map(|(at, name)| Some(((*name).to_owned(), figure(at)?))).collect();
            Ok((place(file), levels))
        })
        .collect()
}

/// What has to stand in the `bext` chunk of a file, beside what is wanted of it already.
pub fn bext(wanted: &mut Facts, plan: &Value, levels: &BTreeMap<String, f64>) -> Result<()> {
    let word = |name: &str| wanted.get(name).unwrap_or_default().to_owned();
    // The chunk is of ASCII: every other letter is a question mark.
    let ascii = |text: &str| text.chars().map(|c| if c.is_ascii() { c } else { '?' }).collect::<String>();
    let description = ascii(&format!("{} - {}", word(ARTIST), word(TITLE)));
    let coding = format!("A=PCM,F={},W={},M=stereo,T=Deadwax", word(RATE), word(BITS));
    let reference = word(ISRC);
    wanted.put(BEXT_VERSION, 2).put(DESCRIPTION, description).put(ORIGINATOR, "Deadwax");
    // Nobody placed the file on a time line: it begins at midnight.
    wanted.put(REFERENCE, reference).put(TIME_REFERENCE, 0).put(CODING, coding);
    for (name, column) in [
        (LOUDNESS, "integrated_lufs"),
        (RANGE, "range_lu"),
        (TRUE_PEAK, "true_peak_dbtp"),
        (MOMENTARY, "max_momentary_lufs"),
        (SHORT_TERM, "max_short_term_lufs"),
    ] {
        let figure = levels.get(column).with_context(|| format!("no {column} of {}", place(plan)))?;
        wanted.put(name, format!("{figure:.2}"));
    }
    Ok(())
}

/// In LUFS, by ffmpeg's own meter.
pub fn loudness(sound: &Sound<'_>, folder: &Path) -> Result<f64> {
    let mut line = words("-hide_banner -nostats -v error");
    if sound.is_raw() {
        line.extend(words("-f s16le -ar 44100 -ac 2"));
    }
    line.extend(["-i".into(), sound.path.as_os_str().to_owned()]);
    line.extend(words("-map 0:a -af ebur128=metadata=1:framelog=verbose,ametadata=print:file=- -f null -"));
    let (told, said) = bytes_of("ffmpeg", line, folder)?;
    last_loudness(&String::from_utf8_lossy(&told)).with_context(|| format!("ffmpeg measured nothing: {said}"))
}

/// "lavfi.r128.I=-14.062", frame by frame: the last stands for the whole.
fn last_loudness(told: &str) -> Option<f64> {
    told.lines().rev().find_map(|line| line.strip_prefix("lavfi.r128.I=")?.trim().parse().ok())
}

/// In dBTP, by sox: the highest of the samples once there are more of them. ffmpeg brings all sound to 48 kHz first, and loses what lies above.
pub fn true_peak(sound: &Sound<'_>, folder: &Path) -> Result<f64> {
    let mut line = Vec::new();
    if sound.is_raw() {
        line.extend(words("-t raw -e signed -b 16 -c 2 -r 44100"));
    }
    line.push(sound.path.as_os_str().to_owned());
    let rate = sound.file["sample_rate"].as_u64().context("a sound without a rate")? * FINER;
    line.extend(words(&format!("-n gain {} rate -v -s {rate} stats", -ROOM_DB)));
    let said = must("sox", line, folder)?.err;
    highest(&said).with_context(|| format!("sox measured nothing: {said}"))
}

/// Above full scale there is room for what lies between the samples.
const ROOM_DB: f64 = 6.0;

/// "Pk lev dB      -8.04     -9.49     -8.04": of all channels, then of each.
fn highest(said: &str) -> Option<f64> {
    let line = said.lines().find_map(|line| line.strip_prefix("Pk lev dB"))?;
    Some(line.split_whitespace().next()?.parse::<f64>().ok()? + ROOM_DB)
}

fn words(text: &str) -> Vec<OsString> {
    text.split_whitespace().map(Into::into).collect()
}

/// Why two figures are not those of one sound.
pub fn apart(what: &str, told: f64, measured: f64, within: f64) -> Option<String> {
    // What is no number fits nothing.
    let fits = (told - measured).abs() <= within;
    (!fits).then(|| format!("the house says {told:.2} {what}, another meter {measured:.2}"))
}

/// What the house says of a file, in the row of the record.
pub fn told(file: &Value, key: &str) -> Result<f64> {
    file[key].as_f64().with_context(|| format!("no {key} of {}", place(file)))
}

/// How much louder a copy is than what the house says, if anybody hears it.
pub fn louder(sound: &Sound<'_>, copy: &Sound<'_>, folder: &Path) -> Result<[Option<String>; 2]> {
    let lufs = apart("LUFS", told(sound.file, INTEGRATED)?, loudness(copy, folder)?, LOUDNESS_LU);
    let dbtp = apart("dBTP", told(sound.file, PEAK)?, true_peak(copy, folder)?, PEAK_DB);
    Ok([lufs, dbtp])
}

const INTEGRATED: &str = "integrated_lufs";
const PEAK: &str = "true_peak_dbtp";

/// Every file by meters of others, against what the house says of it, in the row and in the report.
pub fn measured_again(lp: &Lp, made: &Made, sounds: &[Sound<'_>]) -> Result<()> {
    let log = &lp.ep.log;
    let (by_ffmpeg, by_sox) = (lp.bench.has(log, "ffmpeg"), lp.bench.has(log, "sox"));
    let report = by_place(made)?;
    let (mut waves, mut peaks) = (0, 0);
    for sound in sounds {
        let here = place(sound.file);
        let levels = report.get(&here).with_context(|| format!("the report tells no levels of {here}"))?;
        for key in [INTEGRATED, PEAK] {
            let figure = levels.get(key).copied().unwrap_or(f64::NAN);
            let why = apart(key, told(sound.file, key)?, figure, HUNDREDTH);
            ensure!(why.is_none(), "{here}: the report says other levels than the record: {levels:?}");
        }
        let mut why = None;
        if by_ffmpeg {
            why = apart("LUFS", told(sound.file, INTEGRATED)?, loudness(sound, &made.folder)?, LOUDNESS_LU);
        }
        // Its packages do not all read MP3.
        if by_sox && sound.ending() != "mp3" {
            let measured = true_peak(sound, &made.folder)?;
            why = why.or(apart("dBTP", told(sound.file, PEAK)?, measured, PEAK_DB));
            peaks += 1;
        }
        if let Some(why) = why {
            log.check(false, format!("{here}: {why}"))?;
        }
        waves += usize::from(sound.wanted.get(LOUDNESS).is_some());
    }
    let archive = made.planned().any(|file| text(file, "profile") == "archive");
    ensure!(waves > 0 || !archive, "no Broadcast Wave in the archive");
    if by_ffmpeg {
        let waves = format!("{waves} of them Broadcast Waves that say so themselves");
        log.check(true, format!("ffmpeg's ebur128: {} files within 0.1 LU, {waves}", sounds.len()))?;
    }
    log.check(peaks > 0 || !by_sox, format!("sox: the true peaks of {peaks} files within {PEAK_DB} dB"))
}

/// The report rounds to that.
const HUNDREDTH: f64 = 0.0051;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_meters_are_read_at_their_ends() {
        let told = "frame:0\nlavfi.r128.I=-70.000\nframe:1\nlavfi.r128.I=-14.062\nlavfi.r128.LRA=3.1\n";
        assert_eq!(last_loudness(told), Some(-14.062));
        assert_eq!(last_loudness("nothing"), None);
        let said = "             Overall     Left      Right\nPk lev dB      -8.04     -9.49     -8.04\n";
        assert!((highest(said).unwrap() + 2.04).abs() < 1e-9);
        assert_eq!(highest("sox FAIL formats"), None);
    }

    #[test]
    fn a_tenth_of_a_unit_is_heard_and_what_is_no_number_fits_nothing() {
        assert!(apart("LUFS", -14.06, -14.062, LOUDNESS_LU).is_none());
        for told in [-14.17, -13.95, f64::NAN, f64::NEG_INFINITY] {
            assert!(apart("LUFS", told, -14.062, LOUDNESS_LU).is_some(), "{told}");
        }
    }
}
