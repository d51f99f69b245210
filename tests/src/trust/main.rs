//! `trust`: every promise of reliability and of security with its figure, measured, in one table. `--quick` is what every change goes through; `--full` the long
//! forms, hours. Exit 1 where a gate is missed; in the long form also where one was not run. Never here: a gate.

mod bytes;
mod crash;
mod disk;
mod door;
mod gate;
mod history;
mod keep;
mod list;
mod load;
mod log;
mod named;
mod order;
mod planted;
mod who;

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use deadwax_tests::program;
use gate::{Form, Found, Gate, Run, Verdict};
use log::Log;

/// Runs the gates of trust and prints one table: gate, goal, measured, verdict.
#[derive(Debug, Parser)]
#[command(name = "trust")]
struct Cli {
    /// The short form of each gate (also without a word).
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// The long form: hours.
    #[arg(long)]
    full: bool,
    /// Only these gates.
    #[arg(long, value_delimiter = ',', value_name = "GATE")]
    only: Vec<String>,
    /// What is drawn by lot comes from this number.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The log of a whole run of the tests that was asked for this form: what its tests told is read from it, and run again only where it is silent.
    #[arg(long, value_name = "FILE", conflicts_with = "full")]
    told: Option<PathBuf>,
    /// The same as JSON lines into a file.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Names the gates and runs nothing.
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    if let Some(code) = program::server_or_client() {
        return code;
    }
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("trust: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<bool> {
    let form = if cli.full { Form::Full } else { Form::Quick };
    let chosen = chosen(&cli.only)?;
    if cli.list {
        for gate in chosen {
            println!("{}: {} ({})", gate.id, gate.what, gate.goal.full);
        }
        return Ok(true);
    }
    let log = Arc::new(match &cli.told {
        Some(path) => Log::read(path)?,
        None => Log::default(),
    });
    let dir = tempfile::tempdir().context("a folder for what the gates write could not be made")?;
    let exe = std::env::current_exe().context("finding this program")?;
    let mut told = Vec::new();
    for gate in chosen {
        eprintln!("{}: {}", gate.id, gate.what);
        let run = Run {
            form,
            seed: cli.seed,
            dir: dir.path().join(gate.id),
            exe: exe.clone(),
            told: Arc::clone(&log),
        };
        std::fs::create_dir_all(&run.dir).with_context(|| format!("create {}", run.dir.display()))?;
        told.push(measured(gate, &run));
    }
    print!("{}", table(form, cli.seed, &told));
    if let Some(path) = &cli.json {
        let lines: String = told.iter().map(|it| format!("{}\n", it.json())).collect();
        std::fs::write(path, lines).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(told.iter().all(|it| it.passes(form)))
}

fn chosen(only: &[String]) -> Result<Vec<&'static Gate>> {
    for id in only {
        let known: Vec<&str> = list::all().map(|it| it.id).collect();
        ensure!(known.contains(&id.as_str()), "There is no gate {id}. There are {}.", known.join(", "));
    }
    Ok(list::all().filter(|it| only.is_empty() || only.iter().any(|id| id == it.id)).collect())
}

struct Told {
    gate: &'static Gate,
    goal: &'static str,
    found: Found,
    seconds: f64,
}

fn measured(gate: &'static Gate, run: &Run) -> Told {
    let begun = Instant::now();
    let (goal, found) = match gate.goal.of(run.form) {
        Some(goal) => {
            let failed = |error: anyhow::Error| Found::judged(false, format!("could not be run: {error:#}"));
            (goal, (gate.run)(run).unwrap_or_else(failed))
        }
        None => (gate.goal.full, Found::not_run("only in the long form")),
    };
    Told { gate, goal, found, seconds: begun.elapsed().as_secs_f64() }
}

impl Told {
    fn passes(&self, form: Form) -> bool {
        match self.found.verdict {
            Verdict::Held => true,
            Verdict::Missed => false,
            Verdict::NotRun(_) => form == Form::Quick,
        }
    }

    fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "gate": self.gate.id, "goal": self.goal, "measured": self.found.measured, "verdict": self.found.verdict.word(),
            "seconds": self.seconds, "notes": self.found.notes,
        })
    }
}

fn table(form: Form, seed: u64, told: &[Told]) -> String {
    let form = if form == Form::Full { "long" } else { "short" };
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let mut text = format!(
        "\nGates of trust, {form} form; seed {seed}, {cores} cores, load {}\n\n| gate | what | goal | measured | verdict | s |\n|---|---|---|---|---|---|\n",
        std::fs::read_to_string("/proc/loadavg")
            .unwrap_or_default()
            .split(' ')
            .take(3)
            .collect::<Vec<_>>()
            .join(" "),
    );
    for it in told {
        let measured = match &it.found.verdict {
            Verdict::NotRun(why) => why,
            _ => &it.found.measured,
        };
        let (id, what, verdict) = (it.gate.id, it.gate.what, it.found.verdict.word());
        text += &format!("| {id} | {what} | {} | {measured} | {verdict} | {:.0} |\n", it.goal, it.seconds);
    }
    for note in told.iter().flat_map(|it| &it.found.notes) {
        text += &format!("\n{note}\n");
    }
    let held = told.iter().filter(|it| it.found.verdict == Verdict::Held).count();
    let missed = told.iter().filter(|it| it.found.verdict == Verdict::Missed).count();
    text += &format!("\n\n{held} held, {missed} missed, {} not run\n", told.len() - held - missed);
    text
}
