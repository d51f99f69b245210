//! `cargo demo --lp`: a record of ten songs, from the takes to a delivery in every shipped profile that fits it, by the verbs that people type; then the files
//! in the hands of programs of others, and the proof against every way of touching it. Never here: rules of the studio, a way into the server's memory.

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

use self::{pieces::Piece, tools::Bench};
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
pub fn run(music: &[PathBuf], seconds: f64, out: Option<&Path>) -> Result<()> {
    let exe = std::env::current_exe().context("this program cannot find itself")?;
    let temporary = tempfile::Builder::new().prefix("deadwax-lp-").tempdir()?;
    let root = out.map_or_else(|| temporary.path().to_owned(), Path::to_owned);
    std::fs::create_dir_all(&root)?;
    let root = root.canonicalize()?;
    ensure!(std::fs::read_dir(&root)?.next().is_none(), "{} is not empty; name a new folder", root.display());
    let log = Log::new(false);
    log.line("Deadwax: a record of ten songs, from the takes to the plant");
    let (steps, checks, took_s) = whole_record(&exe, &root, log, music, seconds)?;
    println!("\n{steps} steps, {checks} checks, all of them held, {took_s:.0} s");
    if out.is_some() {
        println!("The delivery lies in {}, the evidence beside it", root.join("delivery").display());
    }
    Ok(())
}

/// Answers steps, checks and seconds.
pub fn whole_record(
    exe: &Path,
    root: &Path,
    log: Log,
    music: &[PathBuf],
    seconds: f64,
) -> Result<(u32, u32, f64)> {
    let recordings = pieces::recordings(music)?;
    let pieces = pieces::pieces(&root.join("files"), &recordings, seconds)?;
    let ep = Ep::gather(exe, root, log, PROJECT, &pieces::titles())?;
    let bench = Bench::look(&ep.log);
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
    proof::evidence(&lp, &first)?;
    lp.ep.log.step("The end: the server stops, its journal is verified");
    lp.ep.house.close()?;
    let verified = lp.ep.house.server_verb("verify", &[])?;
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    lp.ep.log.check(verified.status.success(), format!("the journal holds {said}"))?;
    let (steps, checks) = lp.ep.log.tally();
    Ok((steps, checks, lp.ep.log.seconds()))
}
