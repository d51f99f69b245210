//! All kinds of load at the same time, as on a day before a release: people who watch, write, listen, upload, fetch and look. Never here: how one kind works.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use deadwax_client::net::{Client, Stretch};
use tokio::task::JoinSet;

use super::{
    Size,
    figures::{Line, Spread},
    performs,
    stand::{Place, Stand},
    transfers,
    watchers::{A_PROJECT, Crowd},
};

/// Shares of what each kind does by itself.
const SHARE: usize = 10;
const UPLOADERS: u64 = 2;
const FETCHERS: usize = 2;
const PERFORMS_A_SECOND: f64 = 50.0;
const LOOKS_A_SECOND: f64 = 50.0;
/// Deliveries are judged as where there is nothing else.
const DELIVERY_MS: f64 = 200.0;

/// What came of calls that are made until the time is over.
#[derive(Default)]
struct Done {
    bytes: AtomicU64,
    errors: AtomicU64,
    spread: Mutex<Spread>,
}

impl Done {
    fn note(&self, what: &str, asked: Instant, answer: Result<u64>) {
        match answer {
            Ok(bytes) => {
                self.bytes.fetch_add(bytes, Ordering::Relaxed);
                self.spread.lock().unwrap_or_else(PoisonError::into_inner).add(asked.elapsed());
            }
            Err(error) => {
                self.errors.fetch_add(1, Ordering::Relaxed);
                eprintln!("load: {what}: {error:#}");
            }
        }
    }

    fn told(&self, time: Duration) -> (String, u64) {
        let spread = self.spread.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let rate = self.bytes.load(Ordering::Relaxed) as f64 / f64::from(1 << 20) / time.as_secs_f64();
        let errors = self.errors.load(Ordering::Relaxed);
        (format!("{} times, {rate:.0} MiB/s; {spread}; {errors} errors", spread.count()), errors)
    }
}

pub async fn measure(stand: &Stand, size: &Size) -> Result<Vec<Line>> {
    let people = stand.people(A_PROJECT).await?;
    let watchers = (size.watchers / SHARE).max(A_PROJECT);
    let crowd = Crowd::gather(stand, watchers, A_PROJECT, &people).await?;
    let rate = (size.deliveries_per_s as f64 / SHARE as f64 / A_PROJECT as f64).max(1.0);
    let (client, places) = (stand.client().await?, stand.places(A_PROJECT).await?);
    let large = transfers::noise(&stand.folder, size.file_mib << 20, 21)?;
    transfers::uploaded(&client, &places[0], &large).await?;
    let stretch = transfers::version(&client, &places[0], &large).await?;
    let files = files(stand, size)?;

    let (before, begun, time) = (stand.usage()?, Instant::now(), Duration::from_secs(size.seconds));
    let (uploads, fetches, looks) = (Arc::<Done>::default(), Arc::<Done>::default(), Arc::<Done>::default());
    let mut hands = JoinSet::new();
    for mine in files {
        upload_until(&mut hands, stand.client().await?, places[0].clone(), mine, begun + time, &uploads);
    }
    for _ in 0..FETCHERS {
        fetch_until(&mut hands, stand.client().await?, stretch.clone(), begun + time, &fetches);
    }
    look_until(&mut hands, client.clone(), places.clone(), begun + time, &looks);
    let (mut players, heard) =
        transfers::play(stand, &stretch, size.players.div_ceil(2), transfers::seconds_of(size))?;
    let (written, acked) = tokio::join!(
        crowd.write(stand, rate, time),
        performs::by_the_clock(stand, &places, PERFORMS_A_SECOND, time)
    );
    let (acked, used, took) = (acked?, stand.usage()?, begun.elapsed());
    written?;
    while let Some(hand) = hands.join_next().await {
        hand.context("a kind of load")?;
    }
    while let Some(hand) = players.join_next().await {
        hand.context("a player")?;
    }
    let missed = crowd.missed(Duration::from_secs(30)).await;
    let (spread, busy) = (crowd.spread(), (used.cpu - before.cpu).as_secs_f64() / took.as_secs_f64());
    let late = heard.late.load(Ordering::Relaxed) + heard.failed.load(Ordering::Relaxed);
    let mut lines = vec![
        Line::judged(
            format!("mix: {watchers} watchers, {:.0} deliveries/s", rate * A_PROJECT as f64),
            format!("{spread}; {missed} missed a change"),
            format!("p99 <= {DELIVERY_MS} ms, 0 missed"),
            spread.ms(0.99) <= DELIVERY_MS && missed == 0,
        ),
        Line::told(format!("mix: {PERFORMS_A_SECOND:.0} performs/s"), acked.to_string()),
        Line::judged(
            format!("mix: {} players", size.players.div_ceil(2)),
            format!("{late} seconds of sound came too late or not at all"),
            "0 with 2 s in hand",
            late == 0,
        ),
    ];
    for (what, done) in
        [("uploads", &uploads), ("fetches of the whole file", &fetches), ("looks at a project", &looks)]
    {
        let (measured, errors) = done.told(took);
        lines.push(Line::judged(format!("mix: {what}"), measured, "no error", errors == 0));
    }
    let memory = format!("server {busy:.2} cores, {} MB at most", used.memory_most >> 20);
    lines.push(Line::told("mix: all together", memory));
    Ok(lines)
}

/// Enough for each who uploads; no two are alike.
fn files(stand: &Stand, size: &Size) -> Result<Vec<Vec<PathBuf>>> {
    let bytes = ((size.file_mib << 20) / 8).max(1 << 20);
    let each = (size.seconds / 2).clamp(2, 8);
    let of = |hand: u64| (0..each).map(move |number| 5000 + hand * 100 + number);
    (0..UPLOADERS)
        .map(|hand| of(hand).map(|seed| transfers::noise(&stand.folder, bytes, seed)).collect())
        .collect()
}

fn upload_until(
    hands: &mut JoinSet<()>,
    client: Client,
    place: Place,
    files: Vec<PathBuf>,
    until: Instant,
    done: &Arc<Done>,
) {
    let done = Arc::clone(done);
    hands.spawn(async move {
        for file in files {
            if Instant::now() > until {
                return;
            }
            let asked = Instant::now();
            let bytes = tokio::fs::metadata(&file).await.map_or(0, |it| it.len());
            let answer = transfers::uploaded(&client, &place, &file).await;
            done.note("an upload", asked, answer.map(|_| bytes));
        }
    });
}

fn fetch_until(hands: &mut JoinSet<()>, client: Client, stretch: Stretch, until: Instant, done: &Arc<Done>) {
    let done = Arc::clone(done);
    hands.spawn(async move {
        while Instant::now() < until {
            let asked = Instant::now();
            done.note("a download", asked, fetched(&client, &stretch).await);
        }
    });
}

async fn fetched(client: &Client, stretch: &Stretch) -> Result<u64> {
    let (mut incoming, mut bytes) = (client.stretch(stretch).await?, 0);
    while let Some(chunk) = incoming.next().await? {
        bytes += chunk.len() as u64;
    }
    anyhow::ensure!(bytes == incoming.total(), "{bytes} of {} bytes came", incoming.total());
    Ok(bytes)
}

/// By the clock.
fn look_until(hands: &mut JoinSet<()>, client: Client, places: Vec<Place>, until: Instant, done: &Arc<Done>) {
    let (done, begun) = (Arc::clone(done), Instant::now());
    hands.spawn(async move {
        let mut open = JoinSet::new();
        for turn in 0u32.. {
            let due = begun + Duration::from_secs_f64(f64::from(turn) / LOOKS_A_SECOND);
            if due > until {
                break;
            }
            tokio::time::sleep_until(due.into()).await;
            let (client, done) = (client.clone(), Arc::clone(&done));
            let project = places[turn as usize % places.len()].project.clone();
            open.spawn(async move {
                let answer = client.get(&project).await.map(|_| 0).map_err(anyhow::Error::from);
                done.note("a look", due, answer);
            });
        }
        while open.join_next().await.is_some() {}
    });
}
