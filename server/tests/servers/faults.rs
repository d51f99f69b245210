//! Servers that are killed and restarted in turn, and a database that is killed, restarted or replaced, all under load: what was acknowledged is there once, and
//! whoever sends again what went unanswered, at any server, is told of no other fault. Never here: servers that are well (`together`).

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use deadwax_proto::v1::{self, row::Row as Kind};
use deadwax_server::status::reason_of;
use tonic::{Code, Status, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{
    cluster::{self, Cluster},
    house::{House, connect},
    seats::{Seat, new_id, retitled},
};

const WRITERS: usize = 12;

/// Somebody who goes to the next server where one does not answer, with the same command id.
struct Writer {
    seat: Seat,
    addresses: Vec<SocketAddr>,
    at: usize,
    line: Option<Channel>,
    /// Sent again because of this, by code.
    again: BTreeMap<String, u64>,
    slowest: Duration,
}

impl Writer {
    fn new(owner: &Seat, addresses: Vec<SocketAddr>, at: usize) -> Self {
        let seat = owner.clone();
        Self { seat, addresses, at, line: None, again: BTreeMap::new(), slowest: Duration::ZERO }
    }

    /// Until it is known. What a client does not send again fails the test.
    async fn surely(&mut self, project: &str, song: &str, title: u64, stop: &AtomicBool) -> Option<u64> {
        let (command, begun) = (new_id(), Instant::now());
        loop {
            if self.line.is_none() {
                self.line = connect(self.addresses[self.at % self.addresses.len()]).await;
            }
            let Some(line) = &self.line else {
                self.next("no connection").await;
                continue;
            };
            let seat = self.seat.over(line.clone());
            let answer = seat.perform_as(&command, project, retitled(song, title));
            match tokio::time::timeout(Duration::from_secs(20), answer).await {
                Ok(Ok(seq)) => {
                    self.slowest = self.slowest.max(begun.elapsed());
                    return Some(seq);
                }
                // Nobody waits for an answer at the end.
                _ if stop.load(Ordering::Relaxed) && begun.elapsed() > Duration::from_secs(30) => {
                    return None;
                }
                Ok(Err(no)) => {
                    assert!(is_sent_again(&no), "this is told to a person: {no:?}");
                    self.next(&format!("{:?}", no.code())).await;
                }
                Err(_) => self.next("no answer in 20 s").await,
            }
        }
    }

    async fn next(&mut self, why: &str) {
        *self.again.entry(why.to_owned()).or_default() += 1;
        (self.at, self.line) = (self.at + 1, None);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// As the client does: a line that broke, a server that stops, a store that is away.
fn is_sent_again(no: &Status) -> bool {
    match reason_of(no).as_deref() {
        Some(reason) => matches!(reason, "SERVER_STOPPING" | "STORE_UNAVAILABLE"),
        // No word of the server: of the line. One that the transport made has a cause.
        None => no.code() == Code::Unavailable || std::error::Error::source(no).is_some(),
    }
}

/// What was told to writers, each with a song of their own whose title only grows.
struct Told {
    titles: BTreeMap<String, u64>,
    acknowledged: u64,
    again: BTreeMap<String, u64>,
    slowest: Duration,
}

async fn load(
    owner: &Seat,
    house: &House,
    project: &str,
    stop: &Arc<AtomicBool>,
) -> tokio::task::JoinHandle<Told> {
    let mut hands = Vec::new();
    let count = Arc::new(AtomicU64::new(0));
    for number in 0..WRITERS {
        let song = owner.new_song(project).await;
        let mut writer = Writer::new(owner, house.addresses(), number);
        let (project, stop, count) = (project.to_owned(), Arc::clone(stop), Arc::clone(&count));
        hands.push(tokio::spawn(async move {
            let mut told = 0;
            while !stop.load(Ordering::Relaxed) {
                if writer.surely(&project, &song, told + 1, &stop).await.is_none() {
                    break;
                }
                told += 1;
                count.fetch_add(1, Ordering::Relaxed);
            }
            (song, told, writer)
        }));
    }
    tokio::spawn(async move {
        let (mut titles, mut again, mut slowest) = (BTreeMap::new(), BTreeMap::new(), Duration::ZERO);
        for hand in hands {
            let (song, told, writer) = hand.await.unwrap();
            titles.insert(song, told);
            slowest = slowest.max(writer.slowest);
            writer.again.into_iter().for_each(|(why, count)| *again.entry(why).or_default() += count);
        }
        Told { titles, acknowledged: count.load(Ordering::Relaxed), again, slowest }
    })
}

/// At every server: each song bears the title that was acknowledged last, and there are as many facts as were acknowledged, no more.
async fn whole(house: &House, owner: &Seat, project: &str, told: &Told) {
    for server in 0..house.servers.len() {
        let seat = owner.over(house.channel(server).await);
        let begun = Instant::now();
        let titles = loop {
            let titles = titles(&seat, project).await;
            // A server that has just come back hears of the rest within a second.
            if titles == told.titles || begun.elapsed() > Duration::from_secs(10) {
                break titles;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert_eq!(titles, told.titles, "server {server}");
    }
    let song = told.titles.keys().next().unwrap();
    let seat = owner.over(house.channel(0).await);
    let seq = seat.perform(project, retitled(song, 1_000_000)).await.unwrap();
    // The project and its first member, a song for each writer, each title once, and this one.
    assert_eq!(seq, 2 + WRITERS as u64 + told.acknowledged + 1, "nothing is there twice");
}

async fn titles(seat: &Seat, project: &str) -> BTreeMap<String, u64> {
    let asked = v1::WatchRequest { project_id: project.into(), from: 0 };
    let mut updates = seat.projects().watch(seat.with(asked)).await.unwrap().into_inner();
    let mut titles = BTreeMap::new();
    loop {
        let update = updates.message().await.unwrap().unwrap();
        for row in update.upserts {
            if let Some(Kind::Song(song)) = row.row {
                titles.insert(song.song_id, song.title.parse().unwrap());
            }
        }
        if update.seq > 0 {
            return titles;
        }
    }
}

fn say(what: &str, told: &Told) {
    println!(
        "{what}: {} acknowledged, sent again {:?}, the slowest took {:?}",
        told.acknowledged, told.again, told.slowest
    );
}

async fn opened(house: &House) -> (Seat, String) {
    let owner = Seat::login(house.channel(0).await, &house.owner_code).await.unwrap();
    let project = owner.new_project().await;
    (owner, project)
}

async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_are_restarted_in_turn_and_killed_and_nobody_is_told_of_it() {
    let Some(cluster) = cluster::shared() else { return };
    let mut house = House::open(cluster, 3);
    let (owner, project) = opened(&house).await;
    let stop = Arc::new(AtomicBool::new(false));
    let load = load(&owner, &house, &project, &stop).await;
    for server in 0..3 {
        pause(500).await;
        house = tokio::task::spawn_blocking(move || {
            house.servers[server].stop();
            house.servers[server].start();
            house
        })
        .await
        .unwrap();
    }
    for server in [1, 2] {
        pause(500).await;
        house.servers[server].kill();
        pause(500).await;
        house.servers[server].start();
    }
    pause(500).await;
    stop.store(true, Ordering::Relaxed);
    let told = load.await.unwrap();
    say("three servers restarted in turn, two killed", &told);
    assert!(told.acknowledged > 5 * WRITERS as u64, "{}", house.logs());
    whole(&house, &owner, &project, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_is_killed_and_restarted_and_the_servers_go_on_by_themselves() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    let house = House::open(&cluster, 2);
    let (owner, project) = opened(&house).await;
    let stop = Arc::new(AtomicBool::new(false));
    let load = load(&owner, &house, &project, &stop).await;
    let cluster = tokio::task::spawn_blocking(move || {
        for _ in 0..3 {
            std::thread::sleep(Duration::from_millis(700));
            let begun = Instant::now();
            cluster.kill();
            cluster.go();
            println!("the database was away for {:?}", begun.elapsed());
        }
        std::thread::sleep(Duration::from_millis(700));
        cluster
    });
    let _cluster = cluster.await.unwrap();
    stop.store(true, Ordering::Relaxed);
    let told = load.await.unwrap();
    say("the database killed three times", &told);
    assert!(told.acknowledged > 5 * WRITERS as u64, "{}", house.logs());
    whole(&house, &owner, &project, &told).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_takes_over_and_the_servers_find_it() {
    let Some(primary) = Cluster::start(&[]) else { return };
    let Some(standby) = primary.standby() else { return };
    standby.go();
    primary.psql("ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.psql("SELECT pg_reload_conf()");
    let url = format!(
        "host=127.0.0.1,127.0.0.1 port={},{} user=deadwax dbname=postgres target_session_attrs=read-write",
        primary.port(),
        standby.port()
    );
    let house = House::open_at(&url, 2, &[]);
    let (owner, project) = opened(&house).await;
    let stop = Arc::new(AtomicBool::new(false));
    let load = load(&owner, &house, &project, &stop).await;
    let clusters = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(1500));
        primary.kill();
        standby.promote();
        std::thread::sleep(Duration::from_millis(2500));
        (primary, standby)
    });
    let _clusters = clusters.await.unwrap();
    stop.store(true, Ordering::Relaxed);
    let told = load.await.unwrap();
    say("a standby took over", &told);
    assert!(told.acknowledged > 3 * WRITERS as u64, "{}", house.logs());
    whole(&house, &owner, &project, &told).await;
}

/// A server that is trusted for longer than its database is away says so to whoever spreads calls, shows what it knew, refuses changes in a way that is tried again,
/// and comes back by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_without_its_database_shows_what_it_knew_and_says_that_it_is_not_ready() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    // There is no other server that could end a session meanwhile.
    let house = House::open_with(&cluster, 1, &[("STORE__TRUST_SECONDS", "3600")]);
    let (owner, project) = opened(&house).await;
    let song = owner.new_song(&project).await;
    owner.perform(&project, retitled(&song, 1)).await.unwrap();
    let serves = || async {
        let asked = HealthCheckRequest { service: String::new() };
        let answer = HealthClient::new(house.channel(0).await).check(asked).await.unwrap().into_inner();
        answer.status() == ServingStatus::Serving
    };
    let until = |wanted: bool| async move {
        let begun = Instant::now();
        while serves().await != wanted {
            assert!(begun.elapsed() < Duration::from_secs(40), "serves: {}", !wanted);
            pause(50).await;
        }
        begun.elapsed()
    };
    until(true).await;
    cluster.kill();
    println!("not ready {:?} after the database went", until(false).await);
    let begun = Instant::now();
    assert_eq!(titles(&owner, &project).await, BTreeMap::from([(song.clone(), 1)]));
    assert!(begun.elapsed() < Duration::from_secs(5), "looking took {:?}", begun.elapsed());
    let command = new_id();
    let no = owner.perform_as(&command, &project, retitled(&song, 2)).await.unwrap_err();
    assert_eq!(reason_of(&no).as_deref(), Some("STORE_UNAVAILABLE"), "{no:?}");
    let cluster = tokio::task::spawn_blocking(move || {
        cluster.go();
        cluster
    });
    let _cluster = cluster.await.unwrap();
    println!("ready {:?} after it came back", until(true).await);
    owner.perform_as(&command, &project, retitled(&song, 2)).await.unwrap();
}
