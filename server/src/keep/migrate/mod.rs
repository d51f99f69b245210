//! `deadwax-server migrate`: a studio goes to another place for its facts or its audio, or to both, while its servers go on; at the end they are stopped, the rest is
//! moved, both sides are held against each other, and the marks change over. The order of the marks is what keeps two servers from accepting facts: the target is
//! shut from the first byte on, the source is shut before the target opens. Never here: how an engine keeps facts, how bytes travel.

mod audio;
mod ends;
mod facts;
#[cfg(test)]
mod kills;
pub mod mark;
mod papers;
mod plan;
#[cfg(test)]
mod tests;

use std::{
    cell::Cell,
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use tokio::time::sleep;

use self::{
    audio::Audio,
    ends::Ends,
    facts::Facts,
    mark::{Mark, State},
    plan::Plan,
};
use crate::{blob::moved::copy_uploads, store::embedded};

/// Between two rounds while the servers of the source run.
const PAUSE: Duration = Duration::from_millis(500);
/// How often it is said that they do.
const SAY_EVERY: Duration = Duration::from_secs(30);
const TELL_EVERY: Duration = Duration::from_secs(2);
/// A round that sent fewer records may be the last one before the servers are waited for.
const NEARLY: u64 = 2_000;

/// What a move came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    pub entries: u64,
    /// The hash over the chains of all streams, equal on both sides; empty where facts stayed where they are.
    pub root: String,
    pub audio: u64,
    pub bytes: u64,
    pub uploads: u64,
    /// What was left as it is, in words.
    pub told: Vec<String>,
}

/// Moves the studio of `from` to where the settings in `to` say. Goes on with what an earlier call began.
///
/// # Errors
/// What cannot be used, what is damaged, what differs; and what to do.
pub async fn migrate(from: &Path, to: &Path) -> anyhow::Result<Moved> {
    let plan = Plan::look(from, to)?;
    // Nobody else fills this folder, and no server opens it.
    let _held = embedded::lock(&plan.to).context("the folder of the target is in use")?;
    let mark = plan.begin()?;
    if mark.state == State::Complete {
        eprintln!("This move is done: {} is the studio.", plan.to.display());
        return Ok(Moved { entries: 0, root: mark.root, audio: 0, bytes: 0, uploads: 0, told: Vec::new() });
    }
    if let Some(done) = plan.only_the_last_mark(&mark).await? {
        done.put(&plan.to)?;
        eprintln!("This move is done: {} is the studio.", plan.to.display());
        return Ok(Moved { entries: 0, root: done.root, audio: 0, bytes: 0, uploads: 0, told: Vec::new() });
    }
    papers::Brought::of(&plan.to)?.copy(&plan.from, &plan.there)?;
    let (mut facts, mut audio, mut ends) = plan.open(&mark).await?;
    let waited = follow(&plan, &mark, &mut facts, &mut audio, &mut ends).await;
    let done = match waited {
        Ok(()) => last_round(&plan, facts.as_mut(), &mut audio, &ends).await,
        Err(error) => Err(error),
    };
    let moved = match done {
        Ok(moved) => moved,
        Err(error) => {
            // The target is shut, so the source may go on.
            return Err(give_back(&plan, &mark, &ends, error).await);
        }
    };
    match switch(&plan, mark.clone(), &ends, &moved.root).await {
        Ok(()) => {
            audio.forget_list();
            papers::Brought::forget(&plan.to);
            Ok(moved)
        }
        Err(error) => Err(give_back(&plan, &mark, &ends, error).await),
    }
}

/// Rounds beside the servers of the source, until they are stopped and kept out.
async fn follow(
    plan: &Plan,
    mark: &Mark,
    facts: &mut Option<Facts>,
    audio: &mut Audio,
    ends: &mut Ends,
) -> anyhow::Result<()> {
    let mut said: Option<Instant> = None;
    loop {
        let sent = match facts.as_mut() {
            Some(facts) => {
                let round = facts.round().await?;
                if round.sent > 0 {
                    eprintln!(
                        "facts: {} entries are there, {} records behind",
                        facts.entries(),
                        round.behind
                    );
                }
                round.sent
            }
            None => 0,
        };
        let brought = audio_round(audio).await?;
        // Before anybody stops a server for it.
        audio.must_be_sound()?;
        copy_uploads(&plan.from, &plan.to).context("copying uploads under way failed")?;
        papers::copy_heard(&plan.from, &plan.to)?;
        if sent > NEARLY || brought.bytes > 1 << 30 {
            continue;
        }
        if ends.hold(plan, mark, facts.as_mut()).await? {
            #[cfg(test)]
            kills::here();
            return plan.still_here(mark);
        }
        if said.is_none_or(|at| at.elapsed() > SAY_EVERY) {
            eprintln!(
                "Everything up to now is there. The servers of {} still run: stop them when you are ready, the rest takes a moment.",
                plan.from.display()
            );
            said = Some(Instant::now());
        }
        sleep(PAUSE).await;
    }
}

async fn audio_round(audio: &mut Audio) -> anyhow::Result<audio::Round> {
    let told = Cell::new(Instant::now());
    audio
        .round(|done, total| {
            if told.get().elapsed() > TELL_EVERY || done.files == total {
                told.set(Instant::now());
                eprintln!("audio: {} of {total} files, {} bytes", done.files, done.bytes);
            }
        })
        .await
}

/// No server writes any more: what is left, and both sides beside each other.
async fn last_round(
    plan: &Plan,
    facts: Option<&mut Facts>,
    audio: &mut Audio,
    ends: &Ends,
) -> anyhow::Result<Moved> {
    let begun = Instant::now();
    let none = BTreeMap::new();
    let (mut entries, mut root, mut named) = (0, String::new(), &none);
    if let Some(facts) = facts {
        facts.round().await?;
        #[cfg(feature = "postgres")]
        facts.rest().await?;
        root = hex::encode(facts.compare().await?);
        entries = facts.entries();
        named = facts.named()?;
    }
    audio_round(audio).await?;
    let (files, bytes) = audio.compare(named).await?;
    let uploads = copy_uploads(&plan.from, &plan.to).context("copying uploads under way failed")?;
    papers::copy_heard(&plan.from, &plan.to)?;
    papers::copy_book(&plan.from, &plan.to)?;
    // Once more: a key may have been made at its first need, a certificate renewed.
    let told = papers::Brought::of(&plan.to)?.copy(&plan.from, &plan.there)?;
    ends.carry_shared(plan).await.context("carrying what was told failed")?;
    eprintln!("The last round took {} ms.", begun.elapsed().as_millis());
    Ok(Moved { entries, root, audio: files, bytes, uploads, told })
}

/// The source first: killed between the two marks, neither is served, and the same call again opens the target.
async fn switch(plan: &Plan, mark: Mark, ends: &Ends, root: &str) -> anyhow::Result<()> {
    let before = match Mark::of(&plan.from)? {
        Some(stood) if stood.state == State::Moved => stood.before,
        stood => stood.map(Box::new),
    };
    let root = root.to_owned();
    let moved =
        Mark { root: root.clone(), before, ..Mark::new(State::Moved, mark.id, &mark.studio, &plan.to) };
    #[cfg(test)]
    kills::here();
    moved.put(&plan.from)?;
    #[cfg(test)]
    kills::here();
    ends.leave(plan, &mark).await?;
    #[cfg(test)]
    kills::here();
    ends.arrive(plan, &mark).await?;
    #[cfg(test)]
    kills::here();
    Mark { state: State::Complete, root, ..mark }.put(&plan.to)
}

/// After a move that did not come to its end: a database that was closed for it is opened again, unless somebody decided otherwise before.
async fn give_back(plan: &Plan, mark: &Mark, ends: &Ends, error: anyhow::Error) -> anyhow::Error {
    let by_us = |it: Mark| it.state == State::Moved && it.id == mark.id;
    let left = Mark::of(&plan.from).is_ok_and(|it| it.is_some_and(by_us));
    if left {
        return error.context("the move is not finished, and both sides are shut: run the same again");
    }
    match ends.open_again(mark).await {
        Ok(()) => error,
        Err(shut) => error.context(format!(
            "the database of the source is closed and could not be opened again ({shut:#}): run the same again, or deadwax-server migrate --take-back {}",
            plan.from.display()
        )),
    }
}

/// A studio that was moved away, or was about to be, is served here again. What was done at the target since stays there, and the target is shut.
///
/// # Errors
/// Where there is nothing to take back; where the target is served at this moment or cannot be shut.
pub async fn take_back(from: &Path) -> anyhow::Result<String> {
    let from =
        std::fs::canonicalize(from).with_context(|| format!("looking for {} failed", from.display()))?;
    let _held = embedded::lock(&from).context("the folder is in use")?;
    let (mark, closed) = ends::left(&from).await?;
    let other = match (&mark, &closed) {
        (Some(mark), _) => mark.other.clone(),
        (None, Some(closed)) => closed.clone(),
        (None, None) => bail!("{} was not moved away: there is nothing to take back", from.display()),
    };
    let there = if other.exists() { Mark::of(&other)? } else { None };
    ensure!(
        mark.is_none() || there.is_some(),
        "the target of this move is not at {} any more, and it has to be shut before {} is served: two studios would go on side by side. Put it back to that path, with its {}. Only if you know that it is gone for good: remove {} yourself",
        other.display(),
        from.display(),
        mark::FILE,
        from.join(mark::FILE).display()
    );
    if let Some(there) = there {
        let _other_held =
            embedded::lock(&other).context("the target is served or filled at this moment: stop it first")?;
        ensure!(
            mark.as_ref().is_none_or(|mark| mark.id == there.id),
            "{} is the target of another move than the one that left {}: its {} names where it came from. Find out which folder is the studio before you serve either",
            other.display(),
            from.display(),
            mark::FILE
        );
        ends::shut(&other, &there).await?;
        #[cfg(test)]
        kills::here();
        Mark { state: State::GivenUp, ..there }.put(&other)?;
        #[cfg(test)]
        kills::here();
    }
    ends::open_again(&from).await?;
    #[cfg(test)]
    kills::here();
    match mark {
        Some(Mark { before: Some(before), .. }) => before.put(&from)?,
        Some(_) => Mark::remove(&from)?,
        None => {}
    }
    Ok(other.display().to_string())
}
