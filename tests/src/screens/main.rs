//! How fast the screens are, measured on the real client in a terminal of its own: a key until its frame is drawn, the start until the
//! first full screen, the memory with a large project, the processor while nothing happens. Build it for release, together with the client:
//! `cargo build --release -p deadwax -p deadwax-tests && target/release/screens --check`. Prints one line a figure; with `--check` it ends
//! with 1 where a goal is missed. Never here: anything the product needs, and figures that were not measured.

mod big;
mod fake;
mod keys;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use deadwax_tests::{harness::House, program, terminal::Terminal};

use fake::Fake;

const KEY_MS: f64 = 8.0;
const START_MS: f64 = 100.0;
const MEMORY_MB: f64 = 60.0;
const IDLE_PERCENT: f64 = 0.5;

/// Measures the terminal client: key to frame, start, memory, idle.
#[derive(Debug, Parser)]
#[command(name = "screens")]
struct Cli {
    /// Songs of the large project.
    #[arg(long, default_value_t = 10_000)]
    songs: u32,
    /// Notes of the large project.
    #[arg(long, default_value_t = 100_000)]
    notes: u32,
    /// Rows that change each second while keys are pressed.
    #[arg(long, default_value_t = 50)]
    updates: u32,
    /// Keys pressed on each screen.
    #[arg(long, default_value_t = 400)]
    keys: usize,
    /// Starts of the client; the median counts.
    #[arg(long, default_value_t = 15)]
    starts: usize,
    /// Seconds of doing nothing.
    #[arg(long, default_value_t = 10)]
    idle: u64,
    /// The client's program. Without it: `deadwax` beside this program, else this program itself.
    #[arg(long, value_name = "FILE")]
    client: Option<PathBuf>,
    /// Exit 1 where a goal is missed.
    #[arg(long)]
    check: bool,
}

fn main() -> ExitCode {
    if let Some(ended) = program::server_or_client() {
        return ended;
    }
    let cli = Cli::parse();
    match run(&cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(u8::from(cli.check)),
        Err(error) => {
            eprintln!("the screens were not measured: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// How the client is started.
#[derive(Clone, Debug)]
pub struct Client {
    program: PathBuf,
    word: Option<&'static str>,
}

impl Client {
    fn of(cli: &Cli) -> Result<Client> {
        let own = std::env::current_exe().context("finding this program")?;
        let beside = own.with_file_name("deadwax");
        Ok(match &cli.client {
            Some(program) => Client { program: program.clone(), word: None },
            None if beside.exists() => Client { program: beside, word: None },
            None => Client { program: own, word: Some("client") },
        })
    }

    fn start(&self, home: &Path, size: (u16, u16)) -> Result<Terminal> {
        Terminal::start(&self.program, self.word, home, size)
    }
}

/// Whether every goal was met.
fn run(cli: &Cli) -> Result<bool> {
    let client = Client::of(cli)?;
    println!("client: {}", client.program.display());
    let work = tempfile::tempdir().context("making a folder to work in")?;
    let mut held = small(cli, &client, work.path())?;
    held &= large(cli, &client, work.path())?;
    Ok(held)
}

/// One figure with its goal.
fn tell(what: &str, value: f64, goal: f64, unit: &str) -> bool {
    let held = value < goal;
    println!("{what:<58} {value:>9.2} {unit:<3} goal < {goal} {}", if held { "held" } else { "MISSED" });
    held
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1000.0
}

/// Start and idling against a real server.
fn small(cli: &Cli, client: &Client, work: &Path) -> Result<bool> {
    let own = std::env::current_exe().context("finding this program")?;
    let mut house = House::found(&own, work)?;
    house.open()?;
    let seat = house.seat(work, "noor")?;
    let link = house.owner_link.clone();
    seat.verb(["login", link.as_str()])?;
    let mut times = Vec::new();
    for _ in 0..cli.starts {
        let since = Instant::now();
        let mut terminal = client.start(&seat.home, (120, 40))?;
        terminal.wait("the desk is there and live", |screen| {
            screen.contains("● live") && screen.contains("Nothing waits on you.")
        })?;
        times.push(ms(since));
        terminal.leave()?;
    }
    times.sort_by(f64::total_cmp);
    let median = times[times.len() / 2];
    let worst = times.last().copied().unwrap_or(median);
    let mut held = tell("start to the first full screen, median", median, START_MS, "ms");
    println!("{:<58} {worst:>9.2} ms", "start to the first full screen, slowest");
    let mut terminal = client.start(&seat.home, (120, 40))?;
    terminal.wait("the desk is live", |screen| screen.contains("● live"))?;
    // What the start still has to do is no idling.
    std::thread::sleep(Duration::from_secs(2));
    let (before, since) = (terminal.cpu()?, Instant::now());
    std::thread::sleep(Duration::from_secs(cli.idle));
    let busy = terminal.cpu()?.saturating_sub(before).as_secs_f64() / since.elapsed().as_secs_f64();
    held &= tell("processor while nothing happens", busy * 100.0, IDLE_PERCENT, "%");
    let memory = terminal.memory()?;
    println!("{:<58} {:>9.2} MB", "memory with an empty studio", memory.now_mb);
    terminal.leave()?;
    house.close()?;
    Ok(held)
}

/// Memory and keys with the large project, which a server of this tool streams.
fn large(cli: &Cli, client: &Client, work: &Path) -> Result<bool> {
    let runtime = tokio::runtime::Runtime::new().context("starting the large project's server")?;
    let fake = Fake::new(cli.songs, cli.notes, cli.updates);
    let address = runtime.block_on(fake.serve())?;
    let home = work.join("large");
    fake::sign_in(&home, address)?;
    let mut terminal = client.start(&home, (120, 40))?;
    terminal.wait("the list of projects is live", |screen| screen.contains("● live"))?;
    let since = Instant::now();
    terminal.press("2\r")?;
    terminal.wait("the large project is there", |screen| screen.contains(&fake.first_song()))?;
    println!("{:<58} {:>9.2} ms", "the large project, from the key until its first songs", ms(since));
    while !fake.is_whole() {
        std::thread::sleep(Duration::from_millis(1));
    }
    println!("{:<58} {:>9.2} ms", "the large project, from the key until it is whole", ms(since));
    // What is still on its way through the line and to the disk is not the keys'.
    std::thread::sleep(Duration::from_secs(3));
    println!(
        "{:<58} {:>9.2} MB",
        "memory with the large project before anything is done",
        terminal.memory()?.now_mb
    );
    fake.begin_updates();
    let mut held = true;
    for screen in keys::SCREENS {
        let mut times = keys::press(&mut terminal, screen, cli.keys)?;
        times.sort_by(f64::total_cmp);
        ensure!(!times.is_empty(), "no key was measured on {}", screen.name);
        let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
        println!("{:<58} {:>9.2} ms", format!("key to frame, {}, p50", screen.name), at(0.5));
        held &= tell(&format!("key to frame, {}, p99", screen.name), at(0.99), KEY_MS, "ms");
        println!("{:<58} {:>9.2} MB", format!("memory after {}", screen.name), terminal.memory()?.now_mb);
    }
    let memory = terminal.memory()?;
    held &= tell("memory with the large project", memory.now_mb, MEMORY_MB, "MB");
    println!("{:<58} {:>9.2} MB", "memory with the large project, at its highest", memory.most_mb);
    terminal.leave()?;
    // Again, from what was kept on disk.
    let since = Instant::now();
    let mut terminal = client.start(&home, (120, 40))?;
    terminal.wait("the list of projects is live again", |screen| screen.contains("● live"))?;
    terminal.press("2\r")?;
    terminal.wait("the large project is there again", |screen| screen.contains(&fake.first_song()))?;
    println!("{:<58} {:>9.2} ms", "start and the large project, kept from before", ms(since));
    let memory = terminal.memory()?;
    println!("{:<58} {:>9.2} MB", "memory then, at its highest", memory.most_mb);
    terminal.leave()?;
    runtime.shutdown_background();
    Ok(held)
}
