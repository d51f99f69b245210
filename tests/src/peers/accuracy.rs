//! The key table: how far each finished master is from the target and over the ceiling, read by the tool's own meter on the written file.
//! Never here: speed.

use std::path::{Path, PathBuf};

use anyhow::Result;
use deadwax_dsp::recipe::Recipe;

use super::{
    Setting,
    analyse::median,
    material::{self, Track},
    meter::{self, Figures},
    table::{Bars, Table},
    tools::{self, OURS, Peer, Task},
    wav, work,
};

const CEILING_DBTP: f64 = -1.0;
const TARGETS: [f64; 2] = [-14.0, -9.0];

/// All masters of one peer at one target.
struct Column {
    name: String,
    target: f64,
    masters: Vec<Master>,
    /// Tracks of which there is no master, and why.
    failures: Vec<String>,
}

struct Master {
    track: String,
    error_lu: f64,
    /// Over the ceiling, on the grid and between its points.
    over_db: f64,
    finest_over_db: f64,
    range_change_lu: f64,
    /// What our report says of a target that was not met.
    reason: Option<String>,
}

impl Column {
    fn errors(&self) -> Vec<f64> {
        self.masters.iter().map(|m| m.error_lu).collect()
    }

    fn overs(&self) -> Vec<f64> {
        self.masters.iter().map(|m| m.over_db).collect()
    }

    fn cells(&self) -> Vec<String> {
        let (errors, overs) = (self.errors(), self.overs());
        let beyond = |values: &[f64], bar: f64| values.iter().filter(|v| v.abs() > bar).count();
        let over = |bar: f64| overs.iter().filter(|v| **v > bar).count();
        let range = self.masters.iter().map(|m| m.range_change_lu.abs()).fold(0.0, f64::max);
        vec![
            self.name.clone(),
            format!("{:.0}", self.target),
            format!("{:+.3}", median(&errors)),
            format!("{:.3}", largest(&errors)),
            beyond(&errors, 0.02).to_string(),
            beyond(&errors, 0.1).to_string(),
            format!("{:+.3}", median(&overs)),
            format!("{:+.3}", greatest(&overs)),
            over(0.005).to_string(),
            over(0.1).to_string(),
            format!("{range:.1}"),
        ]
    }
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |m: f64, v| m.max(v.abs()))
}

fn greatest(values: &[f64]) -> f64 {
    values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// Noise that is cut hard is full to half the rate, where kernels of different lengths read different peaks: ours has 256 taps, the judge's 512.
const FULL_TO_THE_EDGE: &str = "bursts of white noise";

const HEAD: [&str; 11] = [
    "",
    "target LUFS",
    "error LU, median",
    "largest",
    "over 0.02",
    "over 0.1",
    "over the ceiling dB, median",
    "greatest",
    "over 0.005",
    "over 0.1",
    "range change LU, largest",
];

/// A song and what the judge reads on it.
struct Known {
    track: Track,
    rate: u32,
    before: Figures,
}

fn judge(known: &Known, file: &Path, target: f64, reason: Option<String>) -> Result<Master> {
    let after = meter::measure(&wav::read(file)?);
    Ok(Master {
        track: known.track.name.clone(),
        error_lu: after.integrated_lufs - target,
        over_db: after.true_peak_dbtp.max(after.sample_peak_dbfs) - CEILING_DBTP,
        finest_over_db: after.finest_peak_dbtp - CEILING_DBTP,
        range_change_lu: after.range_lu - known.before.range_lu,
        reason,
    })
}

/// Our masters at both word lengths.
fn ours(known: &[Known], target: f64, folder: &Path) -> Result<Vec<Column>> {
    let text = format!(
        "target_lufs = {target:.1}\nceiling_dbtp = {CEILING_DBTP:.1}\n[limiter]\nmax_reduction_db = 30.0\n\
         [[output]]\nencoding = \"wav24\"\n[[output]]\nencoding = \"wav16\"\n"
    );
    let mut columns: Vec<Column> = ["24", "16"]
        .map(|bits| Column {
            name: format!("{OURS}, {bits} bits"),
            target,
            masters: Vec::new(),
            failures: Vec::new(),
        })
        .into();
    for song in known {
        let out = folder.join("own");
        let report = match work::master(&song.track.file, &out, Recipe::parse(&text)?) {
            Ok(report) => report,
            Err(error) => {
                columns.iter_mut().for_each(|c| c.failures.push(format!("{}: {error:#}", song.track.name)));
                continue;
            }
        };
        for (column, encoding) in columns.iter_mut().zip(["wav24", "wav16"]) {
            let file = PathBuf::from(format!("{}.{encoding}", out.display()));
            column.masters.push(judge(song, &file, target, report.reason.clone())?);
        }
    }
    Ok(columns)
}

fn theirs(peer: &Peer, known: &[Known], target: f64, folder: &Path) -> Result<Column> {
    let mut column = Column { name: peer.name.into(), target, masters: Vec::new(), failures: Vec::new() };
    for song in known {
        let task = Task {
            input: &song.track.file,
            output: folder.join("peer.wav"),
            rate: song.rate,
            gain_db: target - song.before.integrated_lufs,
            target_lufs: target,
            ceiling_dbtp: CEILING_DBTP,
        };
        (peer.act)(&task)?;
        column.masters.push(judge(song, &task.output, target, None)?);
    }
    Ok(column)
}

fn known(tracks: Vec<Track>) -> Result<Vec<Known>> {
    tracks
        .into_iter()
        .map(|track| {
            let sound = wav::read(&track.file)?;
            Ok(Known { rate: sound.rate, before: meter::measure(&sound), track })
        })
        .collect()
}

pub fn tables(setting: &Setting, bars: &mut Bars) -> Result<Vec<Table>> {
    let music = known(material::excerpts(&setting.songs, setting.excerpt_s, &setting.folder)?)?;
    let about = format!(
        "{} tracks, {:.0} s of each, ceiling {CEILING_DBTP} dBTP. Ours as the product renders it, up to 30 dB of reduction allowed; limiters get \
         the gain that would meet the target without them; loudnorm meets it by itself.",
        music.len(),
        setting.excerpt_s
    );
    let mut table = Table::new("Target and ceiling", &about, &HEAD);
    let peers = [tools::LIMITING, tools::TARGETING].concat();
    let (present, absent) = setting.present(&peers)?;
    for target in TARGETS {
        for column in ours(&music, target, &setting.folder)? {
            table.row(column.cells());
            note_misses(&mut table, &column);
            promise(bars, &column, "music");
        }
        for peer in &present {
            table.row(theirs(peer, &music, target, &setting.folder)?.cells());
        }
    }
    table.skipped(&absent);
    Ok(vec![table, worst(setting, &present, bars)?])
}

/// What stood in the way, track by track: a report that says so keeps the promise too.
fn promise(bars: &mut Bars, column: &Column, of: &str) {
    let missed = column.masters.iter().filter(|m| m.error_lu.abs() > 0.02);
    let (said, silent): (Vec<&Master>, Vec<&Master>) = missed.partition(|m| m.reason.is_some());
    let name = column.name.trim_matches('*').replace("**", "");
    bars.add(
        format!("{name} at {} LUFS, {of}: within 0.02 LU, or the report says why not", column.target),
        format!(
            "{} of {} within, {} with a reason",
            column.masters.len() - said.len() - silent.len(),
            column.masters.len(),
            said.len()
        ),
        silent.is_empty() && column.failures.is_empty(),
        false,
    );
    let (full, rest): (Vec<&Master>, Vec<&Master>) =
        column.masters.iter().partition(|master| master.track == FULL_TO_THE_EDGE);
    let most = |of: &[&Master]| greatest(&of.iter().map(|master| master.over_db).collect::<Vec<_>>());
    let label = format!("{name} at {} LUFS, {of}: over the ceiling", column.target);
    bars.at_most(&label, most(&rest), 0.005, "dB");
    if !full.is_empty() {
        bars.at_most(&format!("{label}, {FULL_TO_THE_EDGE}"), most(&full), 0.05, "dB");
    }
}

fn note_misses(table: &mut Table, column: &Column) {
    for failure in &column.failures {
        table.note(format!("{} at {}: no master of {failure}", column.name, column.target));
    }
    for master in &column.masters {
        if master.error_lu.abs() > 0.02 || master.over_db > 0.005 {
            let why = master.reason.as_deref().unwrap_or("no reason given");
            table.note(format!(
                "{} at {}: {} {:+.3} LU, {:+.3} dB over ({:+.3} at 1/256): {why}",
                column.name,
                column.target,
                master.track,
                master.error_lu,
                master.over_db,
                master.finest_over_db
            ));
        }
    }
}

/// The made-up worst: only the ceiling is judged, and that a missed target is explained.
fn worst(setting: &Setting, present: &[Peer], bars: &mut Bars) -> Result<Table> {
    let mut tracks = Vec::new();
    for (name, sound) in material::worst_cases(44_100) {
        let file = setting.folder.join(format!("{}.worst.wav", name.replace([' ', ','], "-")));
        wav::write_24(&file, &sound)?;
        tracks.push(Track { name: name.into(), file, seconds: sound.seconds() });
    }
    let cases = known(tracks)?;
    let about = format!("{} signals of 4 s, made by formula; the same judge.", cases.len());
    let mut table = Table::new("Worst cases", &about, &HEAD);
    for target in TARGETS {
        for column in ours(&cases, target, &setting.folder)? {
            table.row(column.cells());
            note_misses(&mut table, &column);
            promise(bars, &column, "worst cases");
        }
        for peer in
            present.iter().filter(|peer| ["dpl", "4x soxr"].iter().any(|word| peer.name.contains(word)))
        {
            table.row(theirs(peer, &cases, target, &setting.folder)?.cells());
        }
    }
    Ok(table)
}
