//! Watchers, each with a TLS connection of its own, while changes come by the clock: how late each hears of them, and whether one misses any. The crowd is used
//! by the storm too. Never here: what a restart does.

use std::{
    pin::pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use deadwax_client::net::{self, Client, Followed};
use deadwax_proto::v1::{self, row};
use futures::StreamExt as _;
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    Size,
    figures::{Line, Spread},
    stand::{Person, Place, Stand},
};

/// Watchers of one project, and as many different people: each has rows of their own.
pub const A_PROJECT: usize = 20;
const GOAL_MS: f64 = 200.0;
const GOAL_BYTES: u64 = 450 << 20;
const CHANGES_A_SECOND: f64 = 5.0;
const LAST_MS: f64 = 100.0;
/// Handshakes at the same time; a crowd does not come through one door at once.
const COMING: usize = 64;

pub async fn measure(stand: &Stand, size: &Size) -> Result<Vec<Line>> {
    let people = stand.people(A_PROJECT).await?;
    let empty = stand.usage()?;
    let crowd = Crowd::gather(stand, size.watchers, A_PROJECT, &people).await?;
    let there = stand.usage()?;
    let rate = (size.deliveries_per_s as f64 / A_PROJECT as f64).max(1.0);
    let time = Duration::from_secs(size.seconds);
    crowd.write(stand, rate, time).await?;
    let used = stand.usage()?;
    let missed = crowd.missed(Duration::from_secs(30)).await;
    let (spread, heard) = (crowd.spread(), crowd.told.heard.load(Ordering::Relaxed));
    let delivered = heard as f64 / time.as_secs_f64();
    let each = there.memory.saturating_sub(empty.memory) as f64 / 1024.0 / size.watchers as f64;
    let busy = (used.cpu - there.cpu).as_secs_f64() / time.as_secs_f64();
    Ok(vec![
        Line::judged(
            format!(
                "{} TLS watchers ({A_PROJECT} people in a project), {delivered:.0} deliveries/s",
                size.watchers
            ),
            format!("{spread}; server {busy:.2} cores"),
            format!("p99 <= {GOAL_MS} ms"),
            spread.ms(0.99) <= GOAL_MS,
        ),
        Line::judged(
            "watchers that missed a change",
            format!("{missed} of {}", size.watchers),
            "0",
            missed == 0,
        ),
        Line::judged(
            "memory of the server with them",
            format!("{} MB at most, {each:.0} KiB for each", used.memory_most >> 20),
            format!("< {} MB", GOAL_BYTES >> 20),
            used.memory_most < GOAL_BYTES,
        ),
    ])
}

/// What all watchers together have heard.
pub struct Told {
    spread: Vec<Mutex<Spread>>,
    /// Changes that reached a watcher, and how often a stream came (again).
    pub heard: AtomicU64,
    pub lines: AtomicU64,
    pub faults: AtomicU64,
    live: AtomicUsize,
}

/// A project that is watched: when each of its changes was due, from `from` on, and its last title.
struct Watched {
    place: Place,
    from: u64,
    due: Mutex<Vec<Change>>,
    title: Mutex<String>,
    writing: tokio::sync::Mutex<u64>,
}

/// When a change was due, and how late the last watcher heard of it.
struct Change {
    due: Instant,
    last: Duration,
}

struct Seat {
    project: usize,
    seq: AtomicU64,
    title: Mutex<String>,
}

pub struct Crowd {
    watched: Vec<Arc<Watched>>,
    seats: Vec<Arc<Seat>>,
    pub told: Arc<Told>,
    _hands: JoinSet<()>,
}

fn held<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Crowd {
    /// Everybody is connected and has their first rows: `a_project` watchers in each project, in turn these people.
    pub async fn gather(stand: &Stand, count: usize, a_project: usize, people: &[Person]) -> Result<Crowd> {
        let places = admitted(stand, stand.places(count.div_ceil(a_project)).await?, people).await?;
        let watched = places.into_iter().map(|place| {
            let (from, due, title) = (place.seq, Mutex::default(), Mutex::new("0".to_owned()));
            let writing = tokio::sync::Mutex::new(place.seq);
            Arc::new(Watched { place, from, due, title, writing })
        });
        let watched: Vec<_> = watched.collect();
        let told = Arc::new(Told {
            spread: (0..16).map(|_| Mutex::default()).collect(),
            heard: AtomicU64::new(0),
            lines: AtomicU64::new(0),
            faults: AtomicU64::new(0),
            live: AtomicUsize::new(0),
        });
        let (mut hands, mut seats, door) = (JoinSet::new(), Vec::new(), Arc::new(Semaphore::new(COMING)));
        for at in 0..count {
            let project = at / a_project;
            let seat = Arc::new(Seat { project, seq: AtomicU64::new(0), title: Mutex::default() });
            seats.push(Arc::clone(&seat));
            let (client, watched, told) = (
                stand.client_of(&people[at % people.len()])?,
                Arc::clone(&watched[project]),
                Arc::clone(&told),
            );
            let door = Arc::clone(&door);
            hands.spawn(async move { sit(at, client, &watched, &seat, &told, door).await });
        }
        let crowd = Crowd { watched, seats, told, _hands: hands };
        crowd.all_live(Duration::from_secs(120)).await?;
        Ok(crowd)
    }

    /// Until everybody has the rows of now.
    async fn all_live(&self, patience: Duration) -> Result<()> {
        let begun = Instant::now();
        while self.told.live.load(Ordering::Relaxed) < self.seats.len() {
            let faults = self.told.faults.load(Ordering::Relaxed);
            ensure!(
                begun.elapsed() < patience,
                "{} of {} watchers came within {patience:?}; {faults} cuts and refusals",
                self.told.live.load(Ordering::Relaxed),
                self.seats.len()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// Changes by the clock, in turn over all projects.
    pub async fn write(&self, stand: &Stand, rate: f64, time: Duration) -> Result<()> {
        let mut clients: Vec<Client> = Vec::new();
        for _ in 0..8 {
            clients.push(stand.client().await?);
        }
        let (begun, mut hands) = (Instant::now(), JoinSet::new());
        for turn in 0..(rate * time.as_secs_f64()) as usize {
            let due = begun + Duration::from_secs_f64(turn as f64 / rate);
            tokio::time::sleep_until(due.into()).await;
            let watched = Arc::clone(&self.watched[turn % self.watched.len()]);
            let client = clients[turn % clients.len()].clone();
            hands.spawn(async move { watched.change(&client, &format!("w {turn}"), due).await });
        }
        while let Some(hand) = hands.join_next().await {
            hand.context("a change")??;
        }
        Ok(())
    }

    /// One change in every project, now.
    pub async fn write_to_all(&self, client: &Client, title: &str) -> Result<()> {
        let all = self.watched.iter().map(|watched| watched.change(client, title, Instant::now()));
        futures::stream::iter(all).buffer_unordered(32).collect::<Vec<_>>().await.into_iter().collect()
    }

    /// Watchers that do not stand where their project stands, after some patience.
    pub async fn missed(&self, patience: Duration) -> usize {
        let begun = Instant::now();
        loop {
            let behind = self.seats.iter().filter(|seat| !self.is_whole(seat)).count();
            if behind == 0 || begun.elapsed() > patience {
                return behind;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn is_whole(&self, seat: &Seat) -> bool {
        let watched = &self.watched[seat.project];
        let head = watched.from + held(&watched.due).len() as u64;
        seat.seq.load(Ordering::Acquire) == head && *held(&seat.title) == *held(&watched.title)
    }

    /// How late the last watcher of each change heard of it.
    pub fn last(&self) -> Spread {
        let mut whole = Spread::default();
        for watched in &self.watched {
            held(&watched.due).iter().for_each(|change| whole.add(change.last));
        }
        whole
    }

    pub fn spread(&self) -> Spread {
        let mut whole = Spread::default();
        self.told.spread.iter().for_each(|part| whole.join(&held(part)));
        whole
    }
}

/// The people become members of all these projects, side by side.
async fn admitted(stand: &Stand, places: Vec<Place>, people: &[Person]) -> Result<Vec<Place>> {
    const HANDS: usize = 32;
    let client = stand.client().await?;
    let admitted = places.into_iter().map(|mut place| {
        let client = client.clone();
        async move {
            place.admit(&client, people).await?;
            anyhow::Ok(place)
        }
    });
    futures::stream::iter(admitted).buffered(HANDS).collect::<Vec<_>>().await.into_iter().collect()
}

/// One project that everybody watches: what one change costs where it goes to a thousand, and when the last of them has it.
pub async fn measure_one(stand: &Stand, size: &Size) -> Result<Vec<Line>> {
    let count = size.watchers.div_ceil(10).max(A_PROJECT);
    let people = stand.people(A_PROJECT).await?;
    let crowd = Crowd::gather(stand, count, count, &people).await?;
    let before = stand.usage()?;
    let time = Duration::from_secs(size.seconds);
    crowd.write(stand, CHANGES_A_SECOND, time).await?;
    let used = stand.usage()?;
    let missed = crowd.missed(Duration::from_secs(30)).await;
    let (spread, last) = (crowd.spread(), crowd.last());
    let busy = (used.cpu - before.cpu).as_secs_f64() / time.as_secs_f64();
    Ok(vec![
        Line::judged(
            format!("one project with {count} watchers, {CHANGES_A_SECOND:.0} changes/s"),
            format!("the last of them: {last}; all: {spread}; server {busy:.2} cores"),
            format!("the last one within {LAST_MS} ms, p99"),
            last.ms(0.99) <= LAST_MS,
        ),
        Line::judged("watchers of it that missed a change", format!("{missed} of {count}"), "0", missed == 0),
    ])
}

impl Watched {
    /// When it was due is written down before it is asked for: a watcher may hear of it before the writer does.
    async fn change(&self, client: &Client, title: &str, due: Instant) -> Result<()> {
        let mut seq = self.writing.lock().await;
        held(&self.due).push(Change { due, last: Duration::ZERO });
        let done = client.perform(&self.place.project, self.place.title(title)).await?;
        ensure!(done.seq == *seq + 1, "a change made {} of {}, one was due", done.seq, *seq);
        *seq = done.seq;
        *held(&self.title) = title.to_owned();
        Ok(())
    }
}

/// One watcher, as the real client watches: it comes back by itself after a cut.
async fn sit(at: usize, client: Client, watched: &Watched, seat: &Seat, told: &Told, door: Arc<Semaphore>) {
    let mut stream = pin!(net::follow(client, watched.place.project.clone(), 0));
    let mut coming = door.acquire_owned().await.ok();
    while let Some(item) = stream.next().await {
        match item {
            Followed::Live => {
                told.lines.fetch_add(1, Ordering::Relaxed);
            }
            Followed::Row(update) => {
                if coming.take().is_some() {
                    told.live.fetch_add(1, Ordering::Relaxed);
                }
                hear(at, &update, watched, seat, told);
            }
            Followed::Lost { .. } => {
                told.faults.fetch_add(1, Ordering::Relaxed);
            }
            Followed::Ended(_) => {
                told.faults.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
    }
}

fn hear(at: usize, update: &v1::Update, watched: &Watched, seat: &Seat, told: &Told) {
    let before = seat.seq.load(Ordering::Relaxed);
    if before > 0 {
        let mut changes = held(&watched.due);
        let mut spread = held(&told.spread[at % told.spread.len()]);
        // One message may carry several changes: each counts from when it was due.
        for seq in before.max(watched.from) + 1..=update.seq {
            if let Some(change) = changes.get_mut((seq - watched.from - 1) as usize) {
                let late = change.due.elapsed();
                spread.add(late);
                change.last = change.last.max(late);
                told.heard.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
    for row in &update.upserts {
        if let Some(row::Row::Song(song)) = &row.row {
            song.title.clone_into(&mut held(&seat.title));
        }
    }
    seat.seq.store(update.seq, Ordering::Release);
}
