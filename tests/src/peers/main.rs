//! `cargo peers`: the peer table, measured again by anyone. Runs Deadwax and its peers as whole processes on the same files and prints Markdown; the
//! judge of quality is this tool's own meter. Peers that are not installed are skipped by name. Never here: anything the product needs.

mod accuracy;
mod analyse;
mod artefacts;
mod conversion;
mod desk;
mod fetch;
mod material;
mod meter;
mod process;
mod speed;
mod table;
mod tools;
mod wav;
mod word_length;
mod work;

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use anyhow::{Result, ensure};
use clap::{Parser, ValueEnum};
use table::{Bars, Table};
use tools::Peer;

/// Measures Deadwax beside its peers.
#[derive(Debug, Parser)]
#[command(name = "cargo peers")]
struct Cli {
    /// A folder of music (WAV or FLAC). Without it and without --fetch: music by formula.
    #[arg(long, value_name = "FOLDER")]
    music: Option<PathBuf>,
    /// Gets 16 songs out of Debian packages into this folder (about 1.2 GB the first time) and uses them.
    #[arg(long, value_name = "FOLDER", conflicts_with = "music")]
    fetch: Option<PathBuf>,
    /// Which tables. All without it.
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// Runs of each command in the speed tables; the median counts.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Seconds of each song in the table of targets.
    #[arg(long, default_value_t = 60.0)]
    excerpt: f64,
    /// Leaves the peers out.
    #[arg(long)]
    alone: bool,
    /// Short: to see that the tool itself runs.
    #[arg(long)]
    quick: bool,
    /// Exit 1 if a bar of quality is not held; `speed` judges the goals of speed and memory too.
    #[arg(long, value_name = "WHAT", num_args = 0..=1, default_missing_value = "quality")]
    check: Option<Check>,
    /// Only reads these files with the tool's own meter.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    read: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Speed,
    Desk,
    Accuracy,
    Artefacts,
    Conversion,
    Words,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Check {
    Quality,
    Speed,
}

/// What every table is made with.
pub struct Setting {
    pub songs: Vec<PathBuf>,
    /// For what is made on the way; emptied at the end.
    pub folder: PathBuf,
    pub runs: usize,
    pub excerpt_s: f64,
    pub quick: bool,
    pub alone: bool,
}

impl Setting {
    /// Those of `peers` that are here, and the others.
    fn present(&self, peers: &[Peer]) -> Result<(Vec<Peer>, Vec<Peer>)> {
        if self.alone { Ok(Default::default()) } else { tools::present(peers, &self.folder) }
    }
}

type MakeTables = fn(&Setting, &mut Bars) -> Result<Vec<Table>>;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let done = match arguments.get(1).and_then(|word| word.to_str()) {
        Some(process::WAIT) => process::wait_for(&arguments[2..]).map(|()| true),
        Some("work") => work::run(&arguments[2..]).map(|()| true),
        _ => compare(&Cli::parse()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the bars that were asked for were held.
fn compare(cli: &Cli) -> Result<bool> {
    ensure!(cli.runs > 0 && cli.excerpt > 0.0, "there must be at least one run of more than no seconds");
    if !cli.read.is_empty() {
        return read(&cli.read).map(|()| true);
    }
    // A name without a dot before it: bs1770gain passes such folders by.
    let folder = tempfile::Builder::new().prefix("peers-").tempdir()?;
    let setting = Setting {
        songs: songs(cli, folder.path())?,
        folder: folder.path().to_owned(),
        runs: if cli.quick { 1 } else { cli.runs },
        excerpt_s: if cli.quick { cli.excerpt.min(8.0) } else { cli.excerpt },
        quick: cli.quick,
        alone: cli.alone,
    };
    println!("## Deadwax and its peers\n\nEngine {}; {}.", deadwax_dsp::render::ENGINE, machine());
    let mut bars = Bars::default();
    let parts: [(Part, MakeTables); 6] = [
        (Part::Speed, speed::tables),
        (Part::Desk, desk::tables),
        (Part::Accuracy, accuracy::tables),
        (Part::Artefacts, artefacts::tables),
        (Part::Conversion, conversion::tables),
        (Part::Words, word_length::tables),
    ];
    for (part, tables) in parts {
        if cli.only.is_empty() || cli.only.contains(&part) {
            tables(&setting, &mut bars)?.iter().for_each(|table| print!("{}", table.markdown()));
        }
    }
    for (name, why) in tools::NEVER_RUN.iter().filter(|_| !cli.alone) {
        println!("\nNot run: {name}, {why}.");
    }
    print!("{}", bars.table().markdown());
    Ok(cli.check.is_none_or(|check| bars.held(check == Check::Speed)))
}

fn songs(cli: &Cli, folder: &std::path::Path) -> Result<Vec<PathBuf>> {
    let music = match (&cli.music, &cli.fetch) {
        (Some(music), _) => music.clone(),
        (None, Some(folder)) => fetch::fetch(folder)?,
        (None, None) => {
            let seconds = if cli.quick { 12.0 } else { 120.0 };
            for seed in 0..if cli.quick { 1 } else { 4 } {
                let song = material::made_up_song(44_100, seconds, seed);
                wav::write_24(&folder.join(format!("formula_{seed}.wav")), &song)?;
            }
            folder.to_owned()
        }
    };
    material::files(&music)
}

fn machine() -> String {
    let about = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = about.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split(':').nth(1)).map_or("unknown", str::trim).to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("?");
    format!("{cores} cores of {}, load {load} at the start", field("model name"))
}

fn read(files: &[PathBuf]) -> Result<()> {
    let head = ["file", "LUFS", "LRA", "max M", "max S", "dBTP at 16x", "at 256x", "dBFS"];
    let mut table = Table::new("The judge", "The tool's own meter.", &head);
    for file in files {
        let f = meter::measure(&wav::read(file).or_else(|_| work::decode(file))?);
        let levels = [
            f.integrated_lufs,
            f.range_lu,
            f.max_momentary_lufs,
            f.max_short_term_lufs,
            f.true_peak_dbtp,
            f.finest_peak_dbtp,
            f.sample_peak_dbfs,
        ];
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        table.row(std::iter::once(name).chain(levels.map(|level| format!("{level:.4}"))).collect());
    }
    print!("{}", table.markdown());
    Ok(())
}
