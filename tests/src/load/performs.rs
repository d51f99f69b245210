//! Durable changes: how many a second 64 writers get through, beside the bare disk in the same minute; and how long one waits at a rate the server can hold.
//! Never here: watchers.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use deadwax_client::net::Client;
use tokio::task::JoinSet;

use super::{
    Size,
    figures::{Line, Spread},
    probe,
    stand::{Place, Stand, Under},
};

/// The share of the greatest rate at which waiting is measured.
const STEADY: f64 = 0.3;
/// Above the slowest sync in a hundred.
const OVER_SYNC_MS: f64 = 5.0;

/// What an entry takes where no journal tells it.
const ENTRY_BYTES: usize = 640;

pub async fn measure(stand: &Stand, size: &Size, exe: &Path) -> Result<Vec<Line>> {
    let places = stand.places(size.writers).await?;
    let time = Duration::from_secs(size.seconds);
    let (bytes_before, used_before) = (stand.journal_bytes()?, stand.usage()?);
    let (count, mut spread) = at_once(stand, &places, time).await?;
    let used = stand.usage()?;
    let rate = count as f64 / time.as_secs_f64();
    let entry = match (bytes_before, stand.journal_bytes()?) {
        (Some(before), Some(now)) => (now.saturating_sub(before) / count.max(1)).max(64) as usize,
        _ => ENTRY_BYTES,
    };
    let bare = probe::group_commit(&stand.folder, entry, size.writers, time).await?;
    let busy = (used.cpu - used_before.cpu).as_secs_f64() / time.as_secs_f64();
    let mut lines = vec![Line::judged(
        format!("durable performs, {} writers", size.writers),
        format!(
            "{rate:.0}/s, bare group commit {bare:.0}/s of {entry} bytes: {:.2} of it; {spread}; server {busy:.2} cores",
            rate / bare
        ),
        ">= 0.5 of the bare loop",
        rate >= bare * 0.5,
    )];
    let pace = (rate * STEADY).max(1.0);
    spread = by_the_clock(stand, &places, pace, time).await?;
    let syncs = probe::syncs(&stand.folder, entry, 300)?;
    lines.push(Line::judged(
        format!("acknowledgement at {pace:.0} performs/s"),
        format!("{spread}; one sync: {syncs}"),
        "p99 <= p99 of a sync + 5 ms",
        spread.ms(0.99) <= syncs.ms(0.99) + OVER_SYNC_MS,
    ));
    lines.extend(ceilings(stand, size, exe, bare).await?);
    Ok(lines)
}

/// What the same writers get through where nothing waits for a disk, and where nothing is written at all: the most that this machine has to give, the
/// generator on it.
async fn ceilings(stand: &Stand, size: &Size, exe: &Path, bare: f64) -> Result<Vec<Line>> {
    let time = Duration::from_secs(size.seconds.min(10));
    let mut lines = Vec::new();
    if let (true, Ok(room)) = (stand.journal_bytes()?.is_some(), tempfile::tempdir_in("/dev/shm")) {
        let quick = Stand::open(&Under::Embedded, exe, room.path())?;
        let places = quick.places(size.writers).await?;
        let before = quick.usage()?;
        let (count, spread) = at_once(&quick, &places, time).await?;
        let rate = count as f64 / time.as_secs_f64();
        let cpu = (quick.usage()?.cpu - before.cpu).as_secs_f64() * 1e6 / count.max(1) as f64;
        lines.push(Line::told(
            "the same performs with the journal in memory (/dev/shm)",
            format!(
                "{rate:.0}/s, {:.2} of the bare group commit on the disk; {spread}; {cpu:.0} us of the server's processor each",
                rate / bare
            ),
        ));
    }
    let before = stand.usage()?;
    let (count, spread) = questions(stand, size.writers, time).await?;
    let rate = count as f64 / time.as_secs_f64();
    let cpu = (stand.usage()?.cpu - before.cpu).as_secs_f64() * 1e6 / count.max(1) as f64;
    lines.push(Line::told(
        "calls that write nothing (WhoAmI)",
        format!(
            "{rate:.0}/s, {:.2} of the bare group commit; {spread}; {cpu:.0} us of the servers' processor each",
            rate / bare
        ),
    ));
    Ok(lines)
}

/// Every writer asks who they are, always: TLS, HTTP/2, the door and nothing behind it.
pub async fn questions(stand: &Stand, writers: usize, time: Duration) -> Result<(u64, Spread)> {
    let (begun, mut hands) = (Instant::now(), JoinSet::new());
    for _ in 0..writers {
        let client = stand.client().await?;
        hands.spawn(async move {
            let mut spread = Spread::default();
            while begun.elapsed() < time {
                let asked = Instant::now();
                client.who_am_i().await?;
                spread.add(asked.elapsed());
            }
            anyhow::Ok(spread)
        });
    }
    let mut whole = Spread::default();
    while let Some(hand) = hands.join_next().await {
        whole.join(&hand.context("one who asks")??);
    }
    Ok((whole.count(), whole))
}

/// Every writer has one change under way, always.
pub async fn at_once(stand: &Stand, places: &[Place], time: Duration) -> Result<(u64, Spread)> {
    let begun = Instant::now();
    let mut hands = JoinSet::new();
    for place in places.iter().cloned() {
        let client = stand.client().await?;
        hands.spawn(async move {
            let mut spread = Spread::default();
            for turn in 0u64.. {
                if begun.elapsed() > time {
                    break;
                }
                let asked = Instant::now();
                client.perform(&place.project, place.title(&format!("a {turn}"))).await?;
                spread.add(asked.elapsed());
            }
            anyhow::Ok(spread)
        });
    }
    let mut whole = Spread::default();
    while let Some(hand) = hands.join_next().await {
        whole.join(&hand.context("a writer")??);
    }
    Ok((whole.count(), whole))
}

/// One change every `1 / rate` seconds, in turn over all places, whether or not the ones before have come back; a wait counts from when it was due.
pub async fn by_the_clock(stand: &Stand, places: &[Place], rate: f64, time: Duration) -> Result<Spread> {
    let mut clients: Vec<Client> = Vec::new();
    for _ in 0..16.min(places.len()) {
        clients.push(stand.client().await?);
    }
    let spread = Arc::new(Mutex::new(Spread::default()));
    let (begun, mut hands) = (Instant::now(), JoinSet::new());
    for turn in 0..(rate * time.as_secs_f64()) as usize {
        let due = begun + Duration::from_secs_f64(turn as f64 / rate);
        tokio::time::sleep_until(due.into()).await;
        let (client, place) = (clients[turn % clients.len()].clone(), places[turn % places.len()].clone());
        let spread = Arc::clone(&spread);
        hands.spawn(async move {
            client.perform(&place.project, place.title(&format!("b {turn}"))).await?;
            spread.lock().unwrap_or_else(PoisonError::into_inner).add(due.elapsed());
            anyhow::Ok(())
        });
    }
    while let Some(hand) = hands.join_next().await {
        hand.context("a change")??;
    }
    let spread = spread.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(spread)
}
