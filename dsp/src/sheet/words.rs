//! Figures and sentences of a sheet, the same for every drawing of it, and the cleaning of words that came from outside (S-1).
//! Minus signs are typographic; the terminal puts its own. Never here: markup, places on a page.

use std::{borrow::Cow, str::FromStr as _};

use super::{OutputTold, Sheet, SumTold, Track};
use crate::write::Encoding;

/// What is not there.
pub(super) const NONE: &str = "–";
/// A level beyond this is nonsense and would only break the columns.
const SANE: f64 = 999.0;

/// One line without anything that steers a terminal, turns the direction of reading or may not stand in XML, at most `chars` long.
pub(super) fn clean(text: &str, chars: usize) -> String {
    let mut clean = String::new();
    let mut count = 0;
    for c in text.chars() {
        let c = match c {
            '\t' | '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => ' ',
            // Bidirectional controls, invisible signs, tags and what is no character.
            '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{202a}'..='\u{202e}' => {
                continue;
            }
            '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}' => {
                continue;
            }
            c if c.is_control() || (c as u32) & 0xfffe == 0xfffe => continue,
            c => c,
        };
        if c == ' ' && clean.ends_with(' ') {
            continue;
        }
        if count == chars {
            clean.push('…');
            break;
        }
        clean.push(c);
        count += 1;
    }
    clean.trim().to_owned()
}

/// A sentence with figures from inside: hyphens before digits become minus signs.
pub(super) fn sentence(text: &str) -> String {
    let mut out = String::new();
    let mut before = ' ';
    let clean = clean(text, SENTENCE_CHARS);
    let mut rest = clean.chars().peekable();
    while let Some(c) = rest.next() {
        let opens = matches!(before, ' ' | '(' | '[' | ':' | '/' | '~');
        let minus = c == '-' && opens && rest.peek().is_some_and(char::is_ascii_digit);
        out.push(if minus { '−' } else { c });
        before = c;
    }
    out
}

pub(super) const NAME_CHARS: usize = 160;
pub(super) const SENTENCE_CHARS: usize = 600;

pub(super) fn name(text: &str) -> String {
    clean(text, NAME_CHARS)
}

/// "−14.0"; a level that is not there is a dash.
pub(super) fn fixed(value: Option<f64>, places: usize) -> String {
    let Some(value) = value.filter(|v| v.is_finite()) else { return NONE.into() };
    let text = format!("{:.places$}", value.clamp(-SANE, SANE));
    match text.strip_prefix('-') {
        Some(digits) if digits.bytes().all(|b| matches!(b, b'0' | b'.')) => digits.to_owned(),
        Some(digits) => format!("−{digits}"),
        None => text,
    }
}

/// With its sign: "+1.2", "−0.3", "0.0".
pub(super) fn signed(value: Option<f64>, places: usize) -> String {
    let text = fixed(value, places);
    let zero = text.bytes().all(|b| matches!(b, b'0' | b'.'));
    if value.is_some_and(|v| v > 0.0) && !zero && text != NONE { format!("+{text}") } else { text }
}

/// "3:07", "1:02:03".
pub(super) fn clock(seconds: f64) -> String {
    let whole = sane_seconds(seconds).floor() as u64;
    match whole / 3600 {
        0 => format!("{}:{:02}", whole / 60, whole % 60),
        hours => format!("{hours}:{:02}:{:02}", whole / 60 % 60, whole % 60),
    }
}

/// "3:07.214", of frames.
pub(super) fn length(frames: u64, sample_rate: u32) -> String {
    let ms = (u128::from(frames) * 1000 + u128::from(sample_rate) / 2) / u128::from(sample_rate.max(1));
    let (whole, ms) = ((ms / 1000).min(u128::from(u32::MAX)), ms % 1000);
    format!("{}.{ms:03}", clock(whole as f64))
}

fn sane_seconds(seconds: f64) -> f64 {
    if seconds.is_finite() { seconds.clamp(0.0, 1e9) } else { 0.0 }
}

/// "44.1 kHz".
pub(super) fn rate(sample_rate: u32) -> String {
    let khz = f64::from(sample_rate) / 1000.0;
    let text = format!("{khz:.3}");
    format!("{} kHz", text.trim_end_matches('0').trim_end_matches('.'))
}

/// "WAV 24 bit", "MP3 320".
pub(super) fn encoding(token: &str) -> String {
    let Ok(known) = Encoding::from_str(token) else { return clean(token, 24) };
    let upper = known.extension().to_uppercase();
    match known {
        Encoding::Mp3_320 => format!("{upper} 320 kbit/s"),
        Encoding::Mp3V0 => format!("{upper} V0"),
        Encoding::Opus160 => "Opus 160 kbit/s".into(),
        Encoding::Wav32f => format!("{upper} 32 bit float"),
        _ => format!("{upper} {} bit", known.bits()),
    }
}

/// The beginning of a digest, which is enough to tell files apart.
pub(super) fn short(digest: &str) -> String {
    clean(digest, DIGEST_CHARS + 1).chars().filter(|c| *c != '…').take(DIGEST_CHARS).collect()
}

const DIGEST_CHARS: usize = 12;

/// Artist, version, studio and day, those that are there.
pub(super) fn under_title(sheet: &Sheet) -> Vec<String> {
    [&sheet.artist, &sheet.version, &sheet.studio, &sheet.made]
        .into_iter()
        .flatten()
        .map(|text| name(text))
        .filter(|text| !text.is_empty())
        .collect()
}

pub(super) fn title(sheet: &Sheet) -> String {
    let title = name(&sheet.title);
    if title.is_empty() { "Untitled".into() } else { title }
}

/// What was asked and whether it came, in a few words; and why not.
pub(super) struct Verdict {
    /// `None`: nothing was asked.
    pub reached: Option<bool>,
    pub head: String,
    pub more: Option<String>,
}

pub(super) fn verdict(sheet: &Sheet) -> Verdict {
    let target = sheet.target_lufs.map(|t| format!("{} LUFS", fixed(Some(t), 1)));
    let ceiling = sheet.ceiling_dbtp.map(|c| format!("{} dBTP", fixed(Some(c), 1)));
    let asked = match (target, ceiling) {
        (Some(target), Some(ceiling)) => format!("{target} under {ceiling}"),
        (Some(target), None) => target,
        (None, Some(ceiling)) => format!("no loudness asked, ceiling {ceiling}"),
        (None, None) => "no target".into(),
    };
    let head = match sheet.reached {
        Some(true) => format!("Target reached: {asked}"),
        Some(false) => format!("Target not reached: {asked}"),
        None if asked == "no target" => "No target was set".into(),
        None => capital(&asked),
    };
    let reason = sheet.reason.as_deref().map(sentence).filter(|r| !r.is_empty());
    Verdict { reached: sheet.reached, head, more: reason.map(|r| capital(&r)) }
}

pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// "Gain +4.2 dB; limiter −3.1 dB at most, at 1:32".
pub(super) fn gain(sheet: &Sheet) -> Option<String> {
    let gain = sheet.gain_db.map(|g| format!("gain {} dB", signed(Some(g), 1)));
    let limiter = sheet.limiter_max_db.map(|depth| {
        let at = sheet.reduction.iter().find(|t| t.name == "limiter" && t.lowest_db < -0.05);
        let at = at.map_or_else(String::new, |t| format!(", at {}", clock(t.lowest_at_s)));
        if depth.abs() < 0.05 {
            "limiter untouched".into()
        } else {
            format!("limiter {} dB at most{at}", fixed(Some(-depth.abs()), 1))
        }
    });
    let words: Vec<String> = gain.into_iter().chain(limiter).collect();
    (!words.is_empty()).then(|| capital(&words.join("; ")))
}

/// The figures of both sides: what they are, their unit, before, after and the change.
pub(super) struct Figure {
    pub what: &'static str,
    /// Where there are only ten columns.
    pub brief: &'static str,
    pub unit: &'static str,
    pub before: String,
    pub after: String,
    pub change: String,
}

pub(super) fn figures(sheet: &Sheet) -> Vec<Figure> {
    let (b, a) = (&sheet.before, &sheet.after);
    let figure = |what, brief, unit, before: Option<f64>, after: Option<f64>, places| Figure {
        what,
        brief,
        unit,
        before: fixed(before, places),
        after: fixed(after, places),
        // Of the figures as they are read, so that the row adds up.
        change: signed(before.zip(after).map(|(b, a)| rounded(a, places) - rounded(b, places)), places),
    };
    vec![
        figure("Loudness", "Loudness", "LUFS", b.lufs, a.lufs, 1),
        figure("Short-term max", "Short max", "LUFS", b.max_short_term_lufs, a.max_short_term_lufs, 1),
        figure("Momentary max", "Mom. max", "LUFS", b.max_momentary_lufs, a.max_momentary_lufs, 1),
        figure("Range", "Range", "LU", b.range_lu, a.range_lu, 1),
        figure("True peak", "True peak", "dBTP", b.true_peak_dbtp, a.true_peak_dbtp, 1),
        figure("Peak to loudness", "PLR", "PLR, dB", b.plr_db, a.plr_db, 1),
        figure("Correlation", "Correl.", "", b.correlation, a.correlation, 2),
    ]
}

fn rounded(value: f64, places: usize) -> f64 {
    let steps = if places == 2 { 100.0 } else { 10.0 };
    (value * steps).round() / steps
}

/// What one track did: "−4.2 dB at most at 1:32, −0.3 dB on average, active 12 %", which is of the time.
pub(super) fn track(track: &Track) -> String {
    let (low, high) = (f64::from(track.lowest_db), f64::from(track.highest_db));
    let mut parts = Vec::new();
    if low < -0.05 {
        parts.push(format!("{} dB at most at {}", fixed(Some(low), 1), clock(track.lowest_at_s)));
    }
    if high > 0.05 {
        parts.push(format!("{} dB at most", signed(Some(high), 1)));
    }
    if parts.is_empty() {
        return "untouched".into();
    }
    parts.push(format!("{} dB on average", signed(Some(f64::from(track.mean_db)), 1)));
    let percent = f64::from(track.active) * 100.0;
    let share = if percent > 0.0 && percent < 1.0 { "under 1".into() } else { format!("{percent:.0}") };
    parts.push(format!("active {share} %"));
    parts.join(", ")
}

/// Whether the tracks are gain reduction alone, or go up as well.
pub(super) fn tracks_title(sheet: &Sheet) -> &'static str {
    if sheet.reduction.iter().any(|t| t.highest_db > 0.05) {
        "Gain of each dynamic step"
    } else {
        "Gain reduction"
    }
}

pub(super) fn sum(sum: &SumTold) -> String {
    let left = match sum.residual_db {
        Some(db) => format!("residual {} dB", fixed(Some(db), 1)),
        None => "nothing left over".into(),
    };
    let more = sum.words.as_deref().map(|w| format!("; {}", sentence(w))).unwrap_or_default();
    format!("{}: {}, {left}{more}", name(&sum.what), if sum.holds { "holds" } else { "does not hold" })
}

/// By how much the spectrum before is raised so that both are as loud.
pub(super) fn match_db(sheet: &Sheet) -> f64 {
    match (sheet.before.lufs, sheet.after.lufs) {
        (Some(before), Some(after)) if before.is_finite() && after.is_finite() => after - before,
        _ => 0.0,
    }
}

/// Recipe and engine, for the foot.
pub(super) fn foot(sheet: &Sheet) -> Vec<String> {
    let mut parts = Vec::new();
    let recipe = name(&sheet.recipe_name);
    if !recipe.is_empty() {
        parts.push(format!("Recipe “{recipe}”"));
    }
    if !sheet.recipe_sha256.is_empty() {
        parts.push(format!("SHA-256 {}", short(&sheet.recipe_sha256)));
    }
    if !sheet.engine.is_empty() {
        parts.push(format!("Engine {}", name(&sheet.engine)));
    }
    parts
}

/// What a row of the list of files says, in the order of [`FILE_HEADS`].
pub(super) fn file_row(output: &OutputTold) -> [String; 8] {
    [
        clean(&output.alternate, 60),
        name(&output.file),
        encoding(&output.encoding),
        rate(output.sample_rate),
        length(output.frames, output.sample_rate),
        fixed(output.lufs, 1),
        fixed(output.true_peak_dbtp, 1),
        short(&output.sha256),
    ]
}

pub(super) const FILE_HEADS: [&str; 8] =
    ["Version", "File", "Format", "Rate", "Length", "LUFS", "dBTP", "SHA-256"];

/// A list that is cut says so.
pub(super) fn first_of<T>(all: &[T], most: usize) -> (&[T], Option<Cow<'static, str>>) {
    if all.len() <= most {
        return (all, None);
    }
    (&all[..most], Some(Cow::Owned(format!("and {} more", all.len() - most))))
}

pub(super) const TRACKS_MAX: usize = 8;
pub(super) const STEPS_MAX: usize = 40;
pub(super) const LINES_MAX: usize = 12;
pub(super) const WARNINGS_MAX: usize = 20;
pub(super) const FILES_MAX: usize = 400;
pub(super) const SUMS_MAX: usize = 20;

/// Every step with its lines, in the order of the chain.
pub(super) fn steps(sheet: &Sheet) -> Vec<(String, Vec<String>)> {
    let (steps, more) = first_of(&sheet.steps, STEPS_MAX);
    let mut told: Vec<(String, Vec<String>)> = steps
        .iter()
        .map(|step| {
            let named = capital(&name(&step.name));
            if step.bypassed {
                return (named, vec!["bypassed".into()]);
            }
            let (lines, more) = first_of(&step.lines, LINES_MAX);
            let lines = lines.iter().map(|line| sentence(line)).chain(more.map(String::from));
            (named, lines.filter(|line| !line.is_empty()).collect())
        })
        .collect();
    told.extend(more.map(|more| (String::from(more), Vec::new())));
    told
}

/// The tracks that are drawn: the first ones, and the last, which is the limiter.
pub(super) fn tracks(sheet: &Sheet) -> (Vec<&Track>, Option<String>) {
    let all: Vec<&Track> = sheet.reduction.iter().collect();
    match all.split_last() {
        Some((last, rest)) if all.len() > TRACKS_MAX => {
            let mut shown = rest[..TRACKS_MAX - 1].to_vec();
            shown.push(last);
            (shown, Some(format!("and {} more", all.len() - TRACKS_MAX)))
        }
        _ => (all, None),
    }
}

impl Figure {
    /// "True peak, dBTP".
    pub(super) fn short(&self) -> String {
        if self.unit.is_empty() {
            self.what.into()
        } else {
            format!("{}, {}", self.brief, self.unit.trim_start_matches("PLR, "))
        }
    }
}

/// What was compared, a line each: "Before: song_mix4.wav, 44.1 kHz stereo, 4:48".
pub(super) fn sides(sheet: &Sheet) -> Vec<String> {
    [("Before", &sheet.before), ("After", &sheet.after)]
        .into_iter()
        .filter(|(_, side)| !side.file.is_empty() && side.sample_rate > 0)
        .map(|(which, side)| {
            let channels = match side.channels {
                1 => "mono".into(),
                2 => "stereo".into(),
                n => format!("{n} channels"),
            };
            let (file, length) = (name(&side.file), clock(side.seconds));
            format!("{which}: {file}, {} {channels}, {length}", rate(side.sample_rate))
        })
        .collect()
}
