//! One file held against a profile: its figures, wherever they were measured, and what they say. Never here: reading audio, printing, what alternates
//! mean to each other, the record as a whole.

use std::borrow::Cow;

use serde::Serialize;

use super::{Limits, Platform, Profile};
use crate::{inspect::Severity, report::FileReport};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Found {
    pub block: bool,
    pub code: Cow<'static, str>,
    pub text: String,
    /// Who says so, where the profile tells it for this limit alone.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
}

impl Found {
    pub fn block(code: &'static str, text: String) -> Found {
        Found { block: true, code: code.into(), text, source: String::new() }
    }

    pub fn warn(code: &'static str, text: String) -> Found {
        Found { block: false, code: code.into(), text, source: String::new() }
    }
}

/// The limit of a profile that a finding speaks of.
const LIMIT_OF: [(&str, &str); 14] = [
    ("LOSSY_SOURCE", "lossy_blocks"),
    ("CONTAINER", "containers_preferred"),
    ("SAMPLE_RATE", "sample_rates_hz"),
    ("SAMPLE_RATE_LOW", "sample_rate_min_hz"),
    ("BITS_LOW", "bits_min"),
    ("CHANNELS", "channels"),
    ("TRUE_PEAK", "true_peak_max_dbtp"),
    ("TRUE_PEAK_ADVISED", "true_peak_advised_dbtp"),
    ("CLIPPED", "clipping_blocks"),
    ("HEADROOM", "sample_peak_advised_dbfs"),
    ("LOUDNESS", "loudness_max_lufs"),
    ("LOUDNESS_ADVISED", "loudness_advised_lufs"),
    ("DC_OFFSET", "dc_offset_max"),
    ("CORRELATION", "correlation_min"),
];

/// The figures of one file, wherever they were measured.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured<'a> {
    /// Of the file, without folders.
    pub name: Cow<'a, str>,
    pub container: &'a str,
    pub codec: &'a str,
    pub sample_rate: u32,
    pub bits: Option<u32>,
    pub channels: usize,
    pub integrated_lufs: f64,
    pub true_peak_dbtp: f64,
    pub sample_peak_dbfs: f64,
    pub clipped_samples: u64,
    pub dc_offset: f64,
    pub correlation: f64,
    pub head_silence_s: f64,
    pub tail_silence_s: f64,
    /// Both channels are the same.
    pub dual_mono: bool,
    /// What was heard beyond the figures.
    pub heard: Vec<Found>,
}

impl<'a> Measured<'a> {
    /// A file on this machine.
    pub fn of_report(report: &'a FileReport) -> Measured<'a> {
        let (spec, m) = (&report.spec, &report.measurement);
        let heard = report.inspection.findings().into_iter();
        Measured {
            name: report.file.file_name().unwrap_or_default().to_string_lossy(),
            container: spec.container,
            codec: spec.codec,
            sample_rate: spec.sample_rate,
            bits: spec.bits,
            channels: spec.channels,
            integrated_lufs: m.integrated_lufs,
            true_peak_dbtp: m.true_peak_dbtp,
            sample_peak_dbfs: m.sample_peak_dbfs,
            clipped_samples: m.clipped_samples,
            dc_offset: m.dc_offset,
            correlation: m.correlation,
            head_silence_s: m.head_silence_s,
            tail_silence_s: m.tail_silence_s,
            dual_mono: m.dual_mono,
            heard: heard
                .map(|it| Found {
                    block: it.severity == Severity::Block,
                    code: it.what.into(),
                    text: it.words,
                    source: String::new(),
                })
                .collect(),
        }
    }
}

/// Everything that one file alone tells.
pub fn one(checks: &Profile, file: &Measured<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    format_of(&checks.limits, file, &mut found);
    level_of(&checks.limits, file, &mut found);
    edges_of(&checks.limits, file, &mut found);
    heard_in(file, &mut found);
    name_of(file, &mut found);
    for platform in checks.platforms.iter().filter(|it| !it.by_choice) {
        found.extend(at_platform(platform, file).map(|it| Found { source: platform.source.clone(), ..it }));
    }
    for it in &mut found {
        let limit = LIMIT_OF.iter().find(|(code, _)| *code == it.code);
        if let Some(source) = limit.and_then(|(_, limit)| checks.said_by(limit)) {
            it.source = source.to_owned();
        }
    }
    found
}

fn format_of(limits: &Limits, file: &Measured<'_>, found: &mut Vec<Found>) {
    let lossy = matches!(file.codec, "mp3" | "aac" | "vorbis" | "opus");
    if lossy && limits.lossy_blocks {
        found.push(Found::block(
            "LOSSY_SOURCE",
            format!("{} is lossy; bounce a WAV from the session.", file.codec),
        ));
    } else if !limits.containers_preferred.is_empty()
        && !limits.containers_preferred.iter().any(|c| c == file.container)
    {
        let asked = limits.containers_preferred.join(", ");
        found.push(Found::warn("CONTAINER", format!("It is {}; {asked} is asked.", file.container)));
    }
    if !limits.sample_rates_hz.is_empty() && !limits.sample_rates_hz.contains(&file.sample_rate) {
        found.push(Found::block("SAMPLE_RATE", format!("{} Hz is not accepted.", file.sample_rate)));
    }
    if let Some(least) = limits.sample_rate_min_hz.filter(|least| file.sample_rate < *least) {
        found.push(Found::warn(
            "SAMPLE_RATE_LOW",
            format!("{} Hz; {least} Hz or more is preferred. Never up-sample for it.", file.sample_rate),
        ));
    }
    if let (Some(least), Some(bits)) = (limits.bits_min, file.bits)
        && bits < least
    {
        found.push(Found::warn("BITS_LOW", format!("{bits} bit; {least} bit is asked.")));
    }
    if !limits.channels.is_empty() && !limits.channels.contains(&file.channels) {
        found.push(Found::block("CHANNELS", format!("{} channels are not accepted.", file.channels)));
    }
}

fn level_of(limits: &Limits, file: &Measured<'_>, found: &mut Vec<Found>) {
    if !file.sample_peak_dbfs.is_finite() {
        found.push(Found::block("SILENT", "There is nothing to hear in it.".into()));
        return;
    }
    let peak = file.true_peak_dbtp;
    match (limits.true_peak_max_dbtp, limits.true_peak_advised_dbtp) {
        (Some(most), _) if peak > most => {
            found
                .push(Found::block("TRUE_PEAK", format!("True peak {peak:.2} dBTP is over {most:.1} dBTP.")));
        }
        (_, Some(advised)) if peak > advised => found.push(Found::warn(
            "TRUE_PEAK_ADVISED",
            format!("True peak {peak:.2} dBTP; {advised:.1} dBTP is advised for lossy delivery."),
        )),
        _ => {}
    }
    if limits.clipping_blocks && file.clipped_samples > 0 {
        found.push(Found::block(
            "CLIPPED",
            format!("{} samples stand in runs at full scale.", file.clipped_samples),
        ));
    }
    if let Some(advised) = limits.sample_peak_advised_dbfs.filter(|a| file.sample_peak_dbfs > *a) {
        found.push(Found::warn(
            "HEADROOM",
            format!(
                "Peak {:.1} dBFS; {advised:.0} dBFS or lower leaves room between the samples.",
                file.sample_peak_dbfs
            ),
        ));
    }
    if let Some(most) = limits.loudness_max_lufs.filter(|most| file.integrated_lufs > *most) {
        found.push(Found::block(
            "LOUDNESS",
            format!("{:.1} LUFS is over {most:.1} LUFS.", file.integrated_lufs),
        ));
    }
    if let Some(advised) = limits.loudness_advised_lufs.filter(|advised| file.integrated_lufs > *advised) {
        found.push(Found::warn(
            "LOUDNESS_ADVISED",
            format!("{:.1} LUFS; {advised:.1} LUFS or quieter is advised.", file.integrated_lufs),
        ));
    }
    if let Some(most) = limits.dc_offset_max.filter(|most| file.dc_offset.abs() > *most) {
        found.push(Found::warn(
            "DC_OFFSET",
            format!("A constant offset of {:.4}; {most} at most is asked.", file.dc_offset),
        ));
    }
    if let Some(least) = limits.correlation_min.filter(|least| file.correlation < *least) {
        found.push(Found::warn(
            "CORRELATION",
            format!("Correlation {:.2} is under {least:.1}: in mono much of it cancels.", file.correlation),
        ));
    }
    if file.dual_mono && file.channels == 2 {
        found.push(Found::warn("DUAL_MONO", "Both channels are the same: mono labelled stereo.".into()));
    }
}

/// Told above from the figures, by the profile's limits.
const TOLD_BY_FIGURES: [&str; 6] = ["CLIPPED", "OVERS", "DC_OFFSET", "SILENT", "DUAL_MONO", "CORRELATION"];

/// What the inspection of the sound found beyond the figures.
fn heard_in(file: &Measured<'_>, found: &mut Vec<Found>) {
    found.extend(file.heard.iter().filter(|it| !TOLD_BY_FIGURES.contains(&&*it.code)).cloned());
}

fn edges_of(limits: &Limits, file: &Measured<'_>, found: &mut Vec<Found>) {
    let edges = [
        ("HEAD", "before the music", file.head_silence_s, limits.head_silence_advised_s),
        ("TAIL", "after the music", file.tail_silence_s, limits.tail_silence_advised_s),
    ];
    for (code, place, silence_s, advised) in edges {
        let Some([least, most]) = advised else { continue };
        if silence_s < least || silence_s > most {
            found.push(Found::warn(
                code,
                format!("{silence_s:.1} s of silence {place}; {least:.0} to {most:.0} s are usual."),
            ));
        }
    }
}

fn name_of(file: &Measured<'_>, found: &mut Vec<Found>) {
    let name = &file.name;
    if !name.is_ascii() {
        found.push(Found::warn(
            "NAME_NOT_ASCII",
            "Its name has letters that other systems may garble.".into(),
        ));
    }
    if name.starts_with(['.', '_']) {
        found.push(Found::warn(
            "NAME_HIDDEN",
            "Its name begins with a character that hides it on some systems.".into(),
        ));
    }
    if name.chars().count() > 64 {
        found.push(Found::warn("NAME_LONG", "Its name has more than 64 characters.".into()));
    }
}

fn at_platform(platform: &Platform, file: &Measured<'_>) -> Option<Found> {
    let down_db = platform.plays_at_lufs.map_or(0.0, |at| file.integrated_lufs - at);
    let ceiling = match platform.true_peak_if_louder_dbtp {
        Some(stricter) if down_db > 0.0 => stricter,
        _ => platform.true_peak_dbtp,
    };
    let over = file.true_peak_dbtp > ceiling;
    if !file.integrated_lufs.is_finite() || (down_db <= 2.0 && !over) {
        return None;
    }
    let mut text = format!("{}: ", platform.name);
    if down_db > 2.0 {
        text += &format!("turned down by {down_db:.1} dB");
    }
    if over {
        let joint = if down_db > 2.0 { "; " } else { "" };
        text += &format!("{joint}true peak {:.1} dBTP, it asks for {ceiling:.0}", file.true_peak_dbtp);
    }
    Some(Found::warn("PLATFORM", format!("{text}.")))
}
