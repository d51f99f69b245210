//! SIGTERM while sixteen people work and four watch. Goal: what was acknowledged is there after the next start, what was not is done once when it is asked
//! for again, watchers go on where they were without a gap and without a double, and the process says that all went well. A second SIGTERM ends it at once.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    time::{Duration, Instant},
};

use deadwax_proto::v1::{self, projects_client::ProjectsClient};
use rustix::process::Signal;
use tokio::{sync::watch, task::JoinHandle};

use crate::{
    alone, gate,
    house::{House, Seat, new_id, retitled},
    slow::UNHURRIED,
};

const WORKERS: usize = 16;
const WATCHERS: usize = 4;

struct Asked {
    command: String,
    song: String,
    title: u64,
    /// Where it was acknowledged.
    seq: Option<u64>,
}

/// One title after the other until the server goes away.
async fn work(seat: Seat, project: String, song: String, first: u64) -> Vec<Asked> {
    let mut asked = Vec::new();
    for title in first.. {
        let command = new_id();
        let seq = seat.perform_as(&command, &project, retitled(&song, title)).await.ok();
        asked.push(Asked { command, song: song.clone(), title, seq });
        if seq.is_none() {
            break;
        }
    }
    asked
}

type Rows = BTreeMap<String, v1::Row>;

#[derive(Default)]
struct Watched {
    rows: Rows,
    seq: u64,
    updates: u64,
    /// Rows that came although they were held already.
    doubles: u64,
    /// Places that went back.
    back: u64,
    resumed: u64,
}

impl Watched {
    fn take(&mut self, update: v1::Update) {
        self.updates += 1;
        self.back += u64::from(update.seq < self.seq && !update.snapshot);
        if update.snapshot {
            self.rows.clear();
        }
        for key in update.removals {
            self.doubles += u64::from(self.rows.remove(&key).is_none());
        }
        for row in update.upserts {
            self.doubles += u64::from(self.rows.get(&row.key) == Some(&row));
            self.rows.insert(row.key.clone(), row);
        }
        self.seq = update.seq;
    }
}

/// Watches until `until` was seen; goes on after every cut, wherever the server listens by then.
fn watcher(
    token: Seat,
    project: String,
    house: watch::Receiver<(tonic::transport::Endpoint, SocketAddr)>,
    until: watch::Receiver<u64>,
) -> JoinHandle<Watched> {
    tokio::spawn(async move {
        let mut watched = Watched::default();
        let mut first = true;
        while *until.borrow() == 0 || watched.seq < *until.borrow() {
            let endpoint = house.borrow().0.clone();
            let opened = async {
                let channel = endpoint.connect().await.ok()?;
                let asked = v1::WatchRequest { project_id: project.clone(), from: watched.seq };
                let answer = ProjectsClient::new(channel).watch(token.with(asked)).await.ok()?;
                Some(answer.into_inner())
            };
            let Some(mut rows) = opened.await else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            watched.resumed += u64::from(!first);
            first = false;
            while *until.borrow() == 0 || watched.seq < *until.borrow() {
                match tokio::time::timeout(Duration::from_millis(200), rows.message()).await {
                    Ok(Ok(Some(update))) => watched.take(update),
                    Ok(_) => break,
                    Err(_) => {}
                }
            }
        }
        watched
    })
}

/// Every acknowledgement holds: the same command asked again is answered with the same place.
async fn check(owner: &Seat, project: &str, asked: &[Vec<Asked>]) -> (usize, usize) {
    let (mut acknowledged, mut lost) = (0, 0);
    for one in asked.iter().flatten() {
        let again = owner.perform_as(&one.command, project, retitled(&one.song, one.title)).await;
        let Some(seq) = one.seq else {
            again.expect("what was cut off is done once it is asked for again");
            continue;
        };
        acknowledged += 1;
        lost += usize::from(again.ok() != Some(seq));
    }
    (acknowledged, lost)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopped_under_load_nothing_acknowledged_is_lost() {
    let _turn = alone().await;
    let mut house = House::open(&UNHURRIED);
    let mut owner = house.owner().await;
    let project = owner.new_project().await;
    let mut songs = Vec::new();
    for _ in 0..WORKERS {
        songs.push(owner.new_song(&project).await);
    }
    let (tell_house, told_house) = watch::channel((house.endpoint(), house.address));
    let (tell_end, told_end) = watch::channel(0);
    let watchers: Vec<_> = (0..WATCHERS)
        .map(|_| watcher(owner.clone(), project.clone(), told_house.clone(), told_end.clone()))
        .collect();

    let rounds = if crate::is_long() { 20 } else { 2 };
    let (mut acknowledged, mut lost, mut slowest) = (0, 0, Duration::ZERO);
    for round in 1..=rounds {
        let mut working = Vec::new();
        for song in &songs {
            let seat = owner.over(house.channel(None).await);
            working.push(tokio::spawn(work(seat, project.clone(), song.clone(), round * 1_000_000)));
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
        let begun = Instant::now();
        house.signal(Signal::TERM);
        let status = house.ended(Duration::from_secs(30)).await;
        slowest = slowest.max(begun.elapsed());
        assert!(status.success(), "{status}");
        let mut asked = Vec::new();
        for worker in working {
            asked.push(worker.await.unwrap());
        }
        house.start_again();
        tell_house.send_replace((house.endpoint(), house.address));
        owner = owner.over(house.channel(None).await);
        let (held, gone) = check(&owner, &project, &asked).await;
        (acknowledged, lost) = (acknowledged + held, lost + gone);
    }
    let last = owner.perform(&project, retitled(&songs[0], 7)).await.unwrap();
    tell_end.send_replace(last);
    let now = owner.projects().get(owner.with(v1::GetRequest { project_id: project })).await.unwrap();
    let now: Rows = now.into_inner().upserts.into_iter().map(|row| (row.key.clone(), row)).collect();
    let (mut gaps, mut doubles, mut resumed) = (0, 0, 0);
    for watcher in watchers {
        let watched = tokio::time::timeout(Duration::from_secs(60), watcher).await.unwrap().unwrap();
        gaps += usize::from(watched.rows != now) + usize::try_from(watched.back).unwrap();
        (doubles, resumed) = (doubles + watched.doubles, resumed + watched.resumed);
    }
    let at_once = a_second_signal_ends_at_once(&mut house).await;
    let held = lost == 0
        && gaps == 0
        && doubles == 0
        && resumed >= rounds * WATCHERS as u64
        && acknowledged > WORKERS;
    let figures = format!(
        "{rounds} x SIGTERM under {WORKERS} clients: {acknowledged} acknowledged, {lost} lost; {WATCHERS} watchers resumed {resumed} times, {gaps} gaps, {doubles} doubles; exit 0 within {:.1} s; a second SIGTERM ends it in {:.1} s",
        slowest.as_secs_f64(),
        at_once.as_secs_f64()
    );
    gate("STOP", held, &figures);
    assert!(held, "{figures}");
}

/// Somebody asks for health for ever: an orderly stop waits for them, a second signal does not.
async fn a_second_signal_ends_at_once(house: &mut House) -> Duration {
    use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
    let mut health = HealthClient::new(house.channel(None).await);
    let mut line = health.watch(HealthCheckRequest { service: String::new() }).await.unwrap().into_inner();
    line.message().await.unwrap();
    house.signal(Signal::TERM);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(house.is_alive(), "calls that run have their time");
    let begun = Instant::now();
    house.signal(Signal::TERM);
    let status = house.ended(Duration::from_secs(5)).await;
    assert_eq!(status.code(), Some(1), "{status}");
    begun.elapsed()
}
