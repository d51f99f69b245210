//! The rules of a check as pure functions over measured figures: limits come from a profile (dated data with its sources), alternates are
//! held against their main. Nothing is read or printed here.

use deadwax_dsp::{inspect::Severity, report::FileReport};
use serde::{Deserialize, Serialize};

use crate::name::{self, Guess};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checks {
    pub name: String,
    pub dated: String,
    #[serde(default)]
    pub about: String,
    pub sources: Vec<String>,
    #[serde(default)]
    pub limits: Limits,
    pub alternates: Option<Alternates>,
    #[serde(default, rename = "platform")]
    pub platforms: Vec<Platform>,
}

/// What is absent is not asked.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    pub lossy_blocks: bool,
    pub containers_preferred: Vec<String>,
    /// Any other blocks.
    pub sample_rates_hz: Vec<u32>,
    /// Below it warns.
    pub sample_rate_min_hz: Option<u32>,
    pub bits_min: Option<u32>,
    /// Any other blocks.
    pub channels: Vec<usize>,
    pub true_peak_max_dbtp: Option<f64>,
    pub true_peak_advised_dbtp: Option<f64>,
    pub sample_peak_advised_dbfs: Option<f64>,
    pub loudness_max_lufs: Option<f64>,
    pub clipping_blocks: bool,
    pub dc_offset_max: Option<f64>,
    pub correlation_min: Option<f64>,
    pub head_silence_advised_s: Option<[f64; 2]>,
    pub tail_silence_advised_s: Option<[f64; 2]>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alternates {
    /// How many frames an alternate may be longer or shorter than its main.
    pub same_length_frames: u64,
    pub same_format: bool,
    /// How far an alternate that only moves one element may be from its main.
    pub step_loudness_max_lu: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    pub name: String,
    pub plays_at_lufs: f64,
    pub true_peak_dbtp: f64,
    /// For masters louder than it plays at.
    pub true_peak_if_louder_dbtp: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    pub block: bool,
    pub code: &'static str,
    pub text: String,
}

fn block(code: &'static str, text: String) -> Found {
    Found { block: true, code, text }
}

fn warn(code: &'static str, text: String) -> Found {
    Found { block: false, code, text }
}

/// Everything that one file alone tells.
pub fn one(checks: &Checks, report: &FileReport) -> Vec<Found> {
    let mut found = Vec::new();
    format_of(&checks.limits, report, &mut found);
    level_of(&checks.limits, report, &mut found);
    edges_of(&checks.limits, report, &mut found);
    heard_in(report, &mut found);
    name_of(report, &mut found);
    for platform in &checks.platforms {
        found.extend(at_platform(platform, report));
    }
    found
}

fn format_of(limits: &Limits, report: &FileReport, found: &mut Vec<Found>) {
    let spec = &report.spec;
    let lossy = matches!(spec.codec, "mp3" | "aac" | "vorbis" | "opus");
    if lossy && limits.lossy_blocks {
        found.push(block("LOSSY_SOURCE", format!("{} is lossy; bounce a WAV from the session.", spec.codec)));
    } else if !limits.containers_preferred.is_empty()
        && !limits.containers_preferred.iter().any(|c| c == spec.container)
    {
        let asked = limits.containers_preferred.join(", ");
        found.push(warn("CONTAINER", format!("It is {}; {asked} is asked.", spec.container)));
    }
    if !limits.sample_rates_hz.is_empty() && !limits.sample_rates_hz.contains(&spec.sample_rate) {
        found.push(block("SAMPLE_RATE", format!("{} Hz is not accepted.", spec.sample_rate)));
    }
    if let Some(least) = limits.sample_rate_min_hz.filter(|least| spec.sample_rate < *least) {
        found.push(warn(
            "SAMPLE_RATE_LOW",
            format!("{} Hz; {least} Hz or more is preferred. Never up-sample for it.", spec.sample_rate),
        ));
    }
    if let (Some(least), Some(bits)) = (limits.bits_min, spec.bits)
        && bits < least
    {
        found.push(warn("BITS_LOW", format!("{bits} bit; {least} bit is asked.")));
    }
    if !limits.channels.is_empty() && !limits.channels.contains(&spec.channels) {
        found.push(block("CHANNELS", format!("{} channels are not accepted.", spec.channels)));
    }
}

fn level_of(limits: &Limits, report: &FileReport, found: &mut Vec<Found>) {
    let m = &report.measurement;
    if !m.sample_peak_dbfs.is_finite() {
        found.push(block("SILENT", "There is nothing to hear in it.".into()));
        return;
    }
    let peak = m.true_peak_dbtp;
    match (limits.true_peak_max_dbtp, limits.true_peak_advised_dbtp) {
        (Some(most), _) if peak > most => {
            found.push(block("TRUE_PEAK", format!("True peak {peak:.2} dBTP is over {most:.1} dBTP.")));
        }
        (_, Some(advised)) if peak > advised => found.push(warn(
            "TRUE_PEAK_ADVISED",
            format!("True peak {peak:.2} dBTP; {advised:.1} dBTP is advised for lossy delivery."),
        )),
        _ => {}
    }
    if limits.clipping_blocks && m.clipped_samples > 0 {
        found.push(block("CLIPPED", format!("{} samples stand in runs at full scale.", m.clipped_samples)));
    }
    if let Some(advised) = limits.sample_peak_advised_dbfs.filter(|a| m.sample_peak_dbfs > *a) {
        found.push(warn(
            "HEADROOM",
            format!(
                "Peak {:.1} dBFS; {advised:.0} dBFS or lower leaves room between the samples.",
                m.sample_peak_dbfs
            ),
        ));
    }
    if let Some(most) = limits.loudness_max_lufs.filter(|most| m.integrated_lufs > *most) {
        found.push(block("LOUDNESS", format!("{:.1} LUFS is over {most:.1} LUFS.", m.integrated_lufs)));
    }
    if let Some(most) = limits.dc_offset_max.filter(|most| m.dc_offset.abs() > *most) {
        found.push(warn(
            "DC_OFFSET",
            format!("A constant offset of {:.4}; {most} at most is asked.", m.dc_offset),
        ));
    }
    if let Some(least) = limits.correlation_min.filter(|least| m.correlation < *least) {
        found.push(warn(
            "CORRELATION",
            format!("Correlation {:.2} is under {least:.1}: in mono much of it cancels.", m.correlation),
        ));
    }
    if m.dual_mono && report.spec.channels == 2 {
        found.push(warn("DUAL_MONO", "Both channels are the same: mono labelled stereo.".into()));
    }
}

/// Told above from the figures, by the profile's limits.
const TOLD_BY_FIGURES: [&str; 6] = ["CLIPPED", "OVERS", "DC_OFFSET", "SILENT", "DUAL_MONO", "CORRELATION"];

/// What the inspection of the sound found beyond the figures.
fn heard_in(report: &FileReport, found: &mut Vec<Found>) {
    for finding in report.inspection.findings() {
        if !TOLD_BY_FIGURES.contains(&finding.what) {
            let block = finding.severity == Severity::Block;
            found.push(Found { block, code: finding.what, text: finding.words });
        }
    }
}

fn edges_of(limits: &Limits, report: &FileReport, found: &mut Vec<Found>) {
    let m = &report.measurement;
    let edges = [
        ("HEAD", "before the music", m.head_silence_s, limits.head_silence_advised_s),
        ("TAIL", "after the music", m.tail_silence_s, limits.tail_silence_advised_s),
    ];
    for (code, place, silence_s, advised) in edges {
        let Some([least, most]) = advised else { continue };
        if silence_s < least || silence_s > most {
            found.push(warn(
                code,
                format!("{silence_s:.1} s of silence {place}; {least:.0} to {most:.0} s are usual."),
            ));
        }
    }
}

fn name_of(report: &FileReport, found: &mut Vec<Found>) {
    let name = report.file.file_name().unwrap_or_default().to_string_lossy();
    if !name.is_ascii() {
        found.push(warn("NAME_NOT_ASCII", "Its name has letters that other systems may garble.".into()));
    }
    if name.starts_with(['.', '_']) {
        found.push(warn(
            "NAME_HIDDEN",
            "Its name begins with a character that hides it on some systems.".into(),
        ));
    }
    if name.chars().count() > 64 {
        found.push(warn("NAME_LONG", "Its name has more than 64 characters.".into()));
    }
}

fn at_platform(platform: &Platform, report: &FileReport) -> Option<Found> {
    let m = &report.measurement;
    let down_db = m.integrated_lufs - platform.plays_at_lufs;
    let ceiling = match platform.true_peak_if_louder_dbtp {
        Some(stricter) if down_db > 0.0 => stricter,
        _ => platform.true_peak_dbtp,
    };
    let over = m.true_peak_dbtp > ceiling;
    if !down_db.is_finite() || (down_db <= 2.0 && !over) {
        return None;
    }
    let mut text = format!("{}: ", platform.name);
    if down_db > 2.0 {
        text += &format!("turned down by {down_db:.1} dB");
    }
    if over {
        let joint = if down_db > 2.0 { "; " } else { "" };
        text += &format!("{joint}true peak {:.1} dBTP, it asks for {ceiling:.0}", m.true_peak_dbtp);
    }
    Some(warn("PLATFORM", format!("{text}.")))
}

/// Alternates against their main, where names tell which is which and the song is the same. Answers findings by the index of the file.
pub fn siblings(rules: &Alternates, files: &[(FileReport, Guess)]) -> Vec<(usize, Found)> {
    let mut found = Vec::new();
    for (index, (report, guess)) in files.iter().enumerate() {
        if let Some(twin) = files[..index].iter().find(|(other, _)| other.sha256 == report.sha256) {
            let twin = twin.0.file.display();
            found.push((index, block("SAME_BYTES", format!("It is {twin}, byte for byte."))));
            continue;
        }
        let main = files.iter().find(|(_, m)| m.alternate == "main" && same_song(m, guess));
        let Some((main, _)) = main.filter(|_| guess.alternate != "main") else { continue };
        for finding in against(rules, main, report, guess) {
            found.push((index, finding));
        }
    }
    found
}

/// Two names of one song's version.
pub fn same_song(a: &Guess, b: &Guess) -> bool {
    name::key(&a.title) == name::key(&b.title) && a.number == b.number
}

fn against(rules: &Alternates, main: &FileReport, report: &FileReport, guess: &Guess) -> Vec<Found> {
    let mut found = Vec::new();
    let (m, a) = (&main.spec, &report.spec);
    let format = |s: &deadwax_dsp::Spec| (s.sample_rate, s.bits, s.float, s.channels);
    if rules.same_format && format(m) != format(a) {
        let say = |s: &deadwax_dsp::Spec| {
            format!("{} Hz, {} bit, {} ch", s.sample_rate, s.bits.unwrap_or(0), s.channels)
        };
        found.push(block("ALTERNATE_FORMAT", format!("It is {}, its main is {}.", say(a), say(m))));
    }
    // A cut, a sting or an edit is meant to be shorter.
    let same_length = !["cut-", "sting", "bumper", "radio-edit", "extended", "underscore"]
        .iter()
        .any(|t| guess.alternate.starts_with(t));
    let frames = (report.measurement.frames, main.measurement.frames);
    if same_length && m.sample_rate == a.sample_rate && frames.0.abs_diff(frames.1) > rules.same_length_frames
    {
        let by_s = (frames.0 as f64 - frames.1 as f64) / f64::from(a.sample_rate.max(1));
        found.push(block("ALTERNATE_LENGTH", format!("Its length differs from its main's by {by_s:+.3} s.")));
    }
    let step =
        ["vocal-", "bgv-up", "bgv-down", "bass-", "solo-"].iter().any(|t| guess.alternate.starts_with(t));
    let apart_lu = report.measurement.integrated_lufs - main.measurement.integrated_lufs;
    if let Some(most) = rules.step_loudness_max_lu.filter(|most| step && apart_lu.abs() > *most) {
        found.push(warn(
            "ALTERNATE_LEVEL",
            format!(
                "It is {apart_lu:+.1} LU from its main; more than {most:.0} LU is not one element moved."
            ),
        ));
    }
    found
}
