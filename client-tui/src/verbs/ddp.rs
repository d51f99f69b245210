//! `ddp`: what stands in a DDP-compatible folder, and whether a plant may have it. Prints what `crate::ddp` found; its rules are there. All of its text is
//! foreign: a line is scrubbed before it is put among others.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
};

use deadwax_dsp::Flow;
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use super::{Context, VerbError, offline::stop_flag, out::Bar, play};
use crate::{
    cli::{DdpPlay, DdpVerb, Play, Where},
    ddp::{self, Finding, Report, Set, Severity, Track, msf},
    play::{DISC_RATE, RawSound},
    scrub,
};

/// Of a title or a performer in the table.
const TEXT_COLUMNS: usize = 28;

pub fn ddp(c: &Context, verb: &DdpVerb) -> Result<(), VerbError> {
    match verb {
        DdpVerb::Check { folder } => check(c, folder),
        DdpVerb::Show { folder } => show(c, folder),
        DdpVerb::Play(asked) => listen(c, asked),
    }
}

fn check(c: &Context, folder: &Path) -> Result<(), VerbError> {
    let stop = stop_flag()?;
    let bar = Bar::share(&folder.file_name().unwrap_or_default().to_string_lossy());
    let report = ddp::check_with(folder, &mut |done, all| {
        bar.step("", done as f64 / all.max(1) as f64);
        if stop.load(Ordering::Relaxed) { Flow::Stop } else { Flow::Go }
    });
    drop(bar);
    if report.stopped {
        return Err(VerbError::no("STOPPED", "Stopped.", ""));
    }
    if !report.readable {
        let what = report.findings.first().map_or("", |it| it.text.as_str());
        return Err(VerbError::Input(format!(
            "{}: {what}\nName a folder with DDPID and DDPMS in it.",
            folder.display()
        )));
    }
    c.out.both(&told(folder, &report), &object(folder, &report))?;
    if report.passed() { Ok(()) } else { Err(VerbError::Said(1)) }
}

fn told(folder: &Path, report: &Report) -> String {
    let verdict = match (report.blocks(), report.warnings()) {
        (0, 0) => "fine".to_owned(),
        (0, warnings) => format!("passes with {warnings} warning(s)"),
        (blocks, warnings) => format!("{blocks} block(s), {warnings} warning(s)"),
    };
    let mut text = format!("{} (DDP-compatible): {verdict}", scrub::line(&folder.to_string_lossy()));
    for finding in &report.findings {
        text += &format!("\n{}", line(finding));
    }
    if report.left_out > 0 {
        text += &format!("\n  and {} more of the same kinds", report.left_out);
    }
    let set = &report.set;
    text + &format!(
        "\n{}, {} track(s), {}; {} file(s) read, {} checksum(s) held against them.",
        if set.level.is_empty() { "no level".to_owned() } else { scrub::line(&set.level) },
        set.tracks.len(),
        msf(set.sectors),
        report.files,
        set.checksums.len()
    )
}

fn line(finding: &Finding) -> String {
    let word = if finding.severity == Severity::Block { "BLOCK" } else { "warn " };
    let track = finding.track.map_or(String::new(), |track| format!(" track {track}:"));
    let file =
        if finding.file.is_empty() { String::new() } else { format!(" {}:", scrub::line(&finding.file)) };
    format!(
        "  {word}  {}:{file}{track} {}\n         {} [{}]",
        finding.code,
        scrub::line(&finding.text),
        finding.mend,
        finding.source
    )
}

fn object(folder: &Path, report: &Report) -> Value {
    json!({
        "folder": folder.to_string_lossy(), "passed": report.passed(), "blocks": report.blocks(), "warnings": report.warnings(),
        "left_out": report.left_out, "level": report.set.level, "tracks": report.set.tracks.len(), "sectors": report.set.sectors,
        "files": report.files, "findings": report.findings,
    })
}

/// Frames of a sector.
const SECTOR_FRAMES: u64 = 588;

fn listen(c: &Context, asked: &DdpPlay) -> Result<(), VerbError> {
    let (set, file) = ddp::open(&asked.folder).map_err(|e| unread(&e))?;
    let (from, to, label) = match asked.track {
        None => (0, set.sectors, scrub::line(&set.title)),
        Some(number) => {
            let track = set.tracks.iter().find(|it| it.number == number).ok_or_else(|| {
                let count = set.tracks.len();
                VerbError::Usage(format!("there is no track {number}; the disc has {count}"))
            })?;
            (track.index1, track.next_start, scrub::line(&format!("{number} {}", track.title)))
        }
    };
    // Of a cut image what is there.
    let there = set.image.bytes / 4;
    let begin = (u64::from(from) * SECTOR_FRAMES).min(there);
    let frames = (u64::from(to) * SECTOR_FRAMES).min(there).saturating_sub(begin);
    let track = crate::play::Track {
        project_id: String::new(),
        version_id: String::new(),
        alternate: String::new(),
        sha256: String::new(),
        label,
        sample_rate: DISC_RATE,
        channels: 2,
        frames,
        bytes: set.image.bytes,
        // Not measured: it is played as it is.
        lufs: f64::NAN,
        true_peak_dbtp: f64::NAN,
        original: true,
    };
    let how = Play {
        files: Vec::new(),
        version: Vec::new(),
        alternate: None,
        album: false,
        to: asked.to.clone(),
        format: asked.format,
        from: asked.from.clone(),
        to_time: asked.to_time.clone(),
        times: 1,
        level: "as-is".into(),
        mono: false,
        side: false,
        swap: false,
        dim: false,
        switch_at: Vec::new(),
        place: Where::default(),
    };
    play::one(c, &how, DISC_RATE, Arc::new(RawSound::new(file, begin, frames)), track)
}

fn unread(error: &ddp::DdpError) -> VerbError {
    VerbError::Input(format!("{error}\nSee what is wrong with `deadwax ddp check FOLDER`."))
}

fn show(c: &Context, folder: &Path) -> Result<(), VerbError> {
    let set = ddp::read(folder).map_err(|e| unread(&e))?;
    c.out.text(&table(&set))?;
    let mut disc = json!({ "disc": &set });
    let tracks = disc["disc"].as_object_mut().and_then(|it| it.remove("tracks")).unwrap_or_default();
    c.out.object(&disc)?;
    tracks.as_array().into_iter().flatten().try_for_each(|track| c.out.object(&json!({ "track": track })))
}

/// Cut and filled up to so many columns, whatever the script.
fn column(text: &str, columns: usize) -> String {
    let text = scrub::cut(&scrub::line(text), columns);
    let fill = columns.saturating_sub(text.width());
    format!("{text}{}", " ".repeat(fill))
}

fn table(set: &Set) -> String {
    let columns = |of: fn(&Track) -> &str, least: usize| {
        let widest = set.tracks.iter().map(|it| scrub::line(of(it)).width()).max().unwrap_or(0);
        widest.clamp(least, TEXT_COLUMNS)
    };
    let (titles, performers) = (columns(|it| &it.title, 5), columns(|it| &it.performer, 9));
    let named =
        |text: &str, what: &str| if text.is_empty() { format!("no {what}") } else { scrub::line(text) };
    let mut text = format!(
        "{}, {}  ({}, UPC {})\n",
        named(&set.title, "title"),
        named(&set.performer, "performer"),
        named(&set.level, "level"),
        named(&set.upc, "code")
    );
    text +=
        &format!("tr  INDEX 0   INDEX 1   length    ISRC          {}  performer", column("title", titles));
    for track in &set.tracks {
        let row = format!(
            "{:02}  {:8}  {:8}  {:8}  {}  {}  {}",
            track.number,
            track.index0.map_or("-".to_owned(), msf),
            msf(track.index1),
            msf(track.end.saturating_sub(track.index1)),
            column(if track.isrc.is_empty() { "-" } else { &track.isrc }, 12),
            column(&track.title, titles),
            column(&track.performer, performers),
        );
        text += &format!("\n{}{}", row.trim_end(), marks(track));
    }
    let tracks = set.tracks.len();
    text + &format!(
        "\n{tracks} track(s), {} in all: {} sectors in {}.",
        msf(set.sectors),
        set.sectors,
        scrub::line(&set.image.name)
    )
}

/// What is not usual.
fn marks(track: &Track) -> String {
    let flags = track.flags;
    let marks = [
        (flags.copy_permitted, "copy permitted"),
        (flags.scms, "copies managed"),
        (flags.pre_emphasis, "pre-emphasis"),
        (flags.four_channel, "four channels"),
    ];
    let mut words: Vec<String> =
        marks.iter().filter(|(is, _)| *is).map(|(_, word)| (*word).to_owned()).collect();
    words.extend(track.further.iter().map(|(index, at)| format!("INDEX {index} {}", msf(*at))));
    if words.is_empty() { String::new() } else { format!("  [{}]", words.join(", ")) }
}
