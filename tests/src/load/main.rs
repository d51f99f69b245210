//! `cargo load`: load on one machine, and the table of what came of it. The same binary is the server under load (`load server ...`). See `load/` in the library.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use deadwax_tests::{
    load::{self, PARTS, Size, figures::Line, stand::Under},
    program,
};

/// Puts load on a server of its own and prints one table: what, goal, measured, verdict.
#[derive(Debug, Parser)]
#[command(name = "cargo load")]
struct Cli {
    /// A minute or two instead of what the goals speak of.
    #[arg(long)]
    small: bool,
    /// Only these parts: performs, watchers, crowd, storm, transfers, overload, mix, h2load, growth, start.
    #[arg(long, value_delimiter = ',', value_name = "PART")]
    only: Vec<String>,
    /// Two servers over a Postgres of their own, instead of one over its journal.
    #[arg(long, conflicts_with = "at")]
    scale_out: bool,
    /// With --scale-out: audio in an S3 server of its own (moto), instead of a folder.
    #[arg(long, requires = "scale_out")]
    s3: bool,
    /// Servers that run already, HOST:PORT. Their doors must be as wide as docs/LOAD.md says.
    #[arg(long, value_delimiter = ',', value_name = "ADDRESS", requires = "home")]
    at: Vec<String>,
    /// The folder (DEADWAX_HOME) of whoever is signed in to them, an owner of the studio.
    #[arg(long, value_name = "DIR")]
    home: Option<PathBuf>,
    #[arg(long)]
    writers: Option<usize>,
    #[arg(long)]
    seconds: Option<u64>,
    #[arg(long)]
    watchers: Option<usize>,
    /// Deliveries to watchers in a second, all together.
    #[arg(long)]
    deliveries: Option<usize>,
    /// Clients that return after a restart.
    #[arg(long)]
    returning: Option<usize>,
    /// Size of the large file.
    #[arg(long, value_name = "MIB")]
    file: Option<u64>,
    #[arg(long)]
    players: Option<usize>,
    /// Entries of the large journal.
    #[arg(long)]
    entries: Option<u64>,
    /// Projects at the beginning of the growth.
    #[arg(long)]
    projects: Option<usize>,
    /// Notes in a project at the beginning of the growth.
    #[arg(long)]
    notes: Option<usize>,
    /// The same as JSON lines into a file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Exit 1 where a goal is missed.
    #[arg(long)]
    check: bool,
    /// Where the studios go; the disk that is measured. Without it: a temporary folder.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// What was built: the tree that this is run in.
fn commit() -> String {
    let asked = std::process::Command::new("git").args(["describe", "--always", "--dirty"]).output();
    let said = asked.ok().filter(|it| it.status.success());
    said.map_or_else(|| "unknown".into(), |it| String::from_utf8_lossy(&it.stdout).trim().to_owned())
}

fn words(under: &Under) -> String {
    match under {
        Under::Embedded => "one server over its journal".into(),
        Under::ScaleOut { s3: false } => "two servers over a Postgres".into(),
        Under::ScaleOut { s3: true } => "two servers over a Postgres, audio in S3 (moto)".into(),
        Under::At { addresses, .. } => format!("servers at {}", addresses.join(", ")),
    }
}

fn main() -> ExitCode {
    if let Some(ended) = program::server_or_client() {
        return ended;
    }
    let cli = Cli::parse();
    match run(&cli) {
        Ok(held) if held || !cli.check => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn size(cli: &Cli) -> Size {
    let base = if cli.small { Size::small() } else { Size::whole() };
    Size {
        writers: cli.writers.unwrap_or(base.writers).max(1),
        seconds: cli.seconds.unwrap_or(base.seconds).max(1),
        watchers: cli.watchers.unwrap_or(base.watchers).max(1),
        deliveries_per_s: cli.deliveries.unwrap_or(base.deliveries_per_s).max(1),
        returning: cli.returning.unwrap_or(base.returning).max(1),
        file_mib: cli.file.unwrap_or(base.file_mib).clamp(8, 7 << 10),
        players: cli.players.unwrap_or(base.players),
        entries: cli.entries.unwrap_or(base.entries),
        projects: cli.projects.unwrap_or(base.projects).max(1),
        notes: cli.notes.unwrap_or(base.notes).clamp(1, 100),
    }
}

fn under(cli: &Cli) -> Under {
    match &cli.home {
        Some(home) if !cli.at.is_empty() => Under::At { addresses: cli.at.clone(), home: home.clone() },
        _ if cli.scale_out => Under::ScaleOut { s3: cli.s3 },
        _ => Under::Embedded,
    }
}

#[tokio::main]
async fn run(cli: &Cli) -> Result<bool> {
    for part in &cli.only {
        ensure!(PARTS.contains(&part.as_str()), "There is no part {part}. There are {}.", PARTS.join(", "));
    }
    let (size, under) = (size(cli), under(cli));
    let exe = std::env::current_exe().context("finding this program")?;
    let room = match &cli.dir {
        Some(dir) => tempfile::tempdir_in(dir),
        None => tempfile::tempdir(),
    };
    let room = room.context("a folder for the studios could not be made")?;
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    println!(
        "{build} build, commit {}, {}, {cores} cores, load before {}",
        commit(),
        words(&under),
        load.split(' ').take(3).collect::<Vec<_>>().join(" ")
    );
    println!("\n| what | goal | measured | verdict |\n|---|---|---|---|");
    let mut told: Vec<Line> = Vec::new();
    for part in PARTS.iter().filter(|part| cli.only.is_empty() || cli.only.iter().any(|it| it == *part)) {
        let lines = match load::run(part, &size, &under, &exe, room.path()).await {
            Ok(lines) => lines,
            Err(error) => vec![Line::judged(*part, format!("could not be measured: {error:#}"), "", false)],
        };
        lines.iter().for_each(|line| println!("{line}"));
        told.extend(lines);
    }
    if let Some(path) = &cli.json {
        let lines: String = told.iter().map(|line| format!("{}\n", line.json())).collect();
        std::fs::write(path, lines).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(told.iter().all(|line| line.held != Some(false)))
}
