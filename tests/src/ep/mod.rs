//! `cargo demo --ep`: a record of four songs through the whole review protocol, by the verbs that people type: two engineers compete, three rounds, a note
//! that is carried, a hold, a return from mastering, a swap of the mix, an override; then what the house tells of it all. `shootout`, `mastering` and
//! `others` are the steps. Never here: rules of the studio, a way into the server's memory.

mod mastering;
mod music;
mod others;
mod people;
mod shootout;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

pub use self::{
    music::{Print, Tune},
    people::{Ep, On},
};
use crate::demo::{Log, studio::text};

const TITLES: [&str; 4] = ["Night Drive", "Salt", "Under Glass", "Last Bus"];

/// # Errors
/// The first step whose check did not hold; music that cannot be used.
pub fn run(music: &[PathBuf], out: Option<&Path>) -> Result<()> {
    let exe = std::env::current_exe().context("this program cannot find itself")?;
    let temporary = tempfile::Builder::new().prefix("deadwax-ep-").tempdir()?;
    let root = out.map_or_else(|| temporary.path().to_owned(), Path::to_owned);
    std::fs::create_dir_all(&root)?;
    let log = Log::new(false);
    log.line("Deadwax: a record of four songs through the review protocol");
    let (steps, checks, seconds) = whole_record(&exe, &root.canonicalize()?, log, music)?;
    println!("\n{steps} steps, {checks} checks, all of them held, {seconds:.0} s");
    Ok(())
}

/// Answers steps, checks and seconds.
pub fn whole_record(exe: &Path, root: &Path, log: Log, music: &[PathBuf]) -> Result<(u32, u32, f64)> {
    let tunes = tunes(music)?;
    for tune in &tunes {
        let (from, to) = tune.place_ms();
        let with = if tune.has_alternates() { "with true alternates" } else { "a finished recording" };
        log.say(&format!("{}: {with}, the first note is about {:.1} to {:.1} s", tune.title, s(from), s(to)));
    }
    let mut ep = Ep::found(exe, root, log, &TITLES)?;
    terms_and_gates(&ep)?;
    shootout::night_drive(&ep, &tunes[0])?;
    mastering::night_drive(&ep, &tunes[0])?;
    others::salt(&ep, &tunes[1])?;
    others::under_glass(&ep, &tunes[2])?;
    others::last_bus(&ep, &tunes[3])?;
    others::spacing(&ep)?;
    told(&ep)?;
    let (steps, checks) = ep.log.tally();
    let seconds = ep.log.seconds();
    ep.house.close()?;
    let verified = ep.house.server_verb("verify", &[])?;
    ensure!(verified.status.success(), "the journal: {}", String::from_utf8_lossy(&verified.stderr));
    Ok((steps, checks, seconds))
}

fn s(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

fn tunes(music: &[PathBuf]) -> Result<Vec<Tune>> {
    ensure!(music.len() <= 3, "the record has room for three recordings; {} were given", music.len());
    let mut tunes = vec![Tune::stems()];
    let made = Tune::made([TITLES[1], TITLES[2], TITLES[3]]);
    for (at, tune) in made.into_iter().enumerate() {
        tunes.push(match music.get(at) {
            Some(path) => Tune::recording(TITLES[at + 1], path)?,
            None => tune,
        });
    }
    Ok(tunes)
}

fn terms_and_gates(ep: &Ep) -> Result<()> {
    ep.log.step("Terms and gates, by the manager: two rounds, one free correction; artist and one of two labels; the instrumental; half of it heard");
    let owner = |args: &[&str]| ep.owner.verb(args.iter().copied());
    owner(&["project", "terms", "--rounds", "2", "--corrections", "1", "--cut-off", "2030-12-31"])?;
    owner(&[
        "gate", "set", "--stage", "mixing", "--need", "artist:1", "--need", "label:1", "--heard", "50",
        "--carry", "same-pcm",
    ])?;
    let again = ep.owner.refused("NOTHING_TO_CHANGE", ["gate", "set", "--stage", "mixing", "--heard", "50"]);
    ep.log.check(again.is_ok(), "the same rule again is no change")?;
    let carry =
        ep.owner.refused("RULE_INVALID", ["gate", "set", "--stage", "mastering", "--carry", "same-pcm"])?;
    ep.log.check(!carry.stderr.is_empty(), "no signature is carried over to another master (P-5)")
}

/// History, the turnaround and the desk after all of it.
fn told(ep: &Ep) -> Result<()> {
    ep.log.step("What the house tells: turnaround, the override in History, an empty desk");
    let table = ep.owner.verb(["turnaround"])?;
    let line = |song: &str| table.lines.iter().find(|line| text(line, "title") == song).cloned();
    for title in TITLES {
        let line = line(title).with_context(|| format!("no turnaround of {title}"))?;
        ep.log.say(&format!(
            "{title}: {} rounds, {} beyond the terms, {} versions, {} returns",
            line["rounds"], line["rounds_beyond_terms"], line["versions"], line["returns"]
        ));
    }
    let first = line(TITLES[0]).unwrap_or_default();
    ep.log.same(&first["rounds"].as_u64(), &Some(3), "Night Drive took three rounds")?;
    ep.log.same(&first["rounds_beyond_terms"].as_u64(), &Some(1), "one of them beyond the terms")?;
    let history = ep.owner.verb(["history", "--limit", "500"])?.lines;
    let code = |code: &str| history.iter().filter(|line| text(line, "code") == code).count();
    ep.log.same(&code("GATE_OVERRIDDEN"), &1, "one override, and History says so")?;
    ep.log.same(&code("MIX_SWAPPED"), &1, "one swap of the mix")?;
    for line in history.iter().rev() {
        ep.log.line(&format!("      {}", text(line, "text")));
    }
    let private = ep.listener.verb(["history", "--limit", "500"])?.lines;
    let leaks = private.iter().any(|line: &Value| text(line, "code").starts_with("NOTE_"));
    ep.log.check(!leaks, "a listener reads nothing of the work")
}
