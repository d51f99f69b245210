//! `cargo demo --lp`: a record of ten songs, from the takes to a delivery in every shipped profile that fits it, by the verbs that people type; then the files
//! in the hands of programs of others, and the proof against every way of touching it. Never here: rules of the studio, a way into the server's memory.

mod asked;
mod label;
mod pieces;
mod pressing;
mod proof;
mod readers;
mod songs;
mod spacing;
mod tools;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

use self::pieces::Piece;
pub use self::tools::Bench;
use crate::{
    demo::Log,
    ep::{Ep, On},
};

pub const PROJECT: &str = "Night Drive LP";

/// The record under way.
pub struct Lp {
    pub ep: Ep,
    pub pieces: Vec<Piece>,
    /// Programs of others, as far as they are installed.
    pub bench: Bench,
    /// Where the deliveries lie.
    pub out: PathBuf,
}

impl Lp {
    pub fn on(&self, piece: &Piece) -> On<'_> {
        On { ep: &self.ep, song: piece.title }
    }

    pub fn piece(&self, title: &str) -> Result<&Piece> {
        self.pieces.iter().find(|piece| piece.title == title).context("no such piece")
    }
}

/// # Errors
/// The first step whose check did not hold; music that cannot be used; a folder that is not empty.
pub fn run(music: &[PathBuf], seconds: f64, out: Option<&Path>, strict: bool) -> Result<()> {
    let bench = Bench::look();
    if strict {
        bench.all_there()?;
    }
    let exe = std::env::current_exe().context("this program cannot find itself")?;
    let temporary = tempfile::Builder::new().prefix("deadwax-lp-").tempdir()?;
    let root = out.map_or_else(|| temporary.path().to_owned(), Path::to_owned);
    std::fs::create_dir_all(&root)?;
    let root = root.canonicalize()?;
    ensure!(std::fs::read_dir(&root)?.next().is_none(), "{} is not empty; name a new folder", root.display());
    let log = Log::new(false);
    log.line("Deadwax: a record of ten songs, from the takes to the plant");
    let Ran { steps, checks, seconds, absent } = whole_record(&exe, &root, log, bench, (music, seconds))?;
    ensure!(!strict || absent.is_empty(), "with --strict nothing may be left out: {}", absent.join("; "));
    if out.is_some() {
        println!("\nThe delivery lies in {}, the evidence beside it", root.join("delivery").display());
    }
    println!("\n{steps} steps, {checks} checks, all of them held, {seconds:.0} s");
    match absent.len() {
        0 => println!("Every program that reads the files was there."),
        some => println!("{some} readers were absent, and what they would have read is unproved:"),
    }
    absent.iter().for_each(|line| println!("  {line}"));
    Ok(())
}

/// What a run came to.
pub struct Ran {
    pub steps: u32,
    pub checks: u32,
    pub seconds: f64,
    /// Sentences: readers that are not installed, and what went unread for it.
    pub absent: Vec<String>,
}

/// The whole of it; of each recording at most so many seconds.
pub fn whole_record(
    exe: &Path,
    root: &Path,
    log: Log,
    bench: Bench,
    (music, seconds): (&[PathBuf], f64),
) -> Result<Ran> {
    let recordings = pieces::recordings(music)?;
    let pieces = pieces::pieces(&root.join("files"), &recordings, seconds)?;
    let ep = Ep::gather(exe, root, log, PROJECT, &pieces::titles())?;
    bench.absent().iter().for_each(|line| ep.log.say(line));
    let mut lp = Lp { ep, pieces, bench, out: root.join("delivery") };
    songs::rules(&lp)?;
    songs::to_mastering(&lp)?;
    songs::masters(&lp)?;
    label::copy_and_cover(&lp)?;
    pressing::planned_too_early(&lp)?;
    spacing::mended_and_signed(&lp)?;
    let first = pressing::first_record(&lp)?;
    let second = pressing::second_record(&lp, &first)?;
    for record in [&first, &second] {
        readers::read_all(&lp, record)?;
    }
    readers::touched_files_are_refused(&lp, &first)?;
    readers::planted_errors_are_found(&lp, &first)?;
    proof::evidence(&lp, &first)?;
    lp.ep.log.step("The end: the server stops, its journal is verified");
    lp.ep.house.close()?;
    let verified = lp.ep.house.server_verb("verify", &[])?;
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    lp.ep.log.check(verified.status.success(), format!("the journal holds {said}"))?;
    lp.bench.all_used()?;
    let (steps, checks) = lp.ep.log.tally();
    Ok(Ran { steps, checks, seconds: lp.ep.log.seconds(), absent: lp.bench.absent() })
}
