//! The door and the real client: a connection that has grown old is cut and the watcher goes on without a gap or a double; whoever is told to wait waits and
//! is served. What the door does to clients of another kind is tested beside it (`server/tests/attacks`).
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

use deadwax_client::{
    net::{self, Client, Followed, new_id},
    profile::Home,
};
use deadwax_proto::v1::{self, action::Action};
use deadwax_tests::harness::{House, Seat};
use futures::{Stream, StreamExt as _};

/// A studio with these keys in `[door]`, and its owner.
fn studio(root: &Path, door: [(&'static str, i64); 2]) -> (House, Seat) {
    let mut house = House::found(Path::new(env!("CARGO_BIN_EXE_demo")), root).unwrap();
    house.set(door.map(|(key, value)| ("door", key, value))).unwrap();
    house.open().unwrap();
    let noor = house.seat(root, "noor").unwrap();
    noor.verb(["login", house.owner_link.as_str()]).unwrap();
    (house, noor)
}

async fn client(seat: &Seat) -> Client {
    Client::connect(&Home::at(&seat.home).load(None).unwrap()).await.unwrap()
}

#[derive(Default)]
struct Watched {
    rows: BTreeMap<String, v1::Row>,
    seq: u64,
    cuts: u32,
    snapshots: u32,
    doubles: u32,
}

impl Watched {
    fn take(&mut self, update: v1::Update) {
        assert!(update.seq >= self.seq || update.snapshot, "back from {} to {}", self.seq, update.seq);
        if update.snapshot {
            self.snapshots += 1;
            self.rows.clear();
        }
        for key in update.removals {
            self.doubles += u32::from(self.rows.remove(&key).is_none());
        }
        for row in update.upserts {
            self.doubles += u32::from(self.rows.get(&row.key) == Some(&row));
            self.rows.insert(row.key.clone(), row);
        }
        self.seq = update.seq;
    }

    async fn hear(&mut self, stream: &mut (impl Stream<Item = Followed<v1::Update>> + Unpin)) {
        match stream.next().await.expect("a watch goes on") {
            Followed::Row(update) => self.take(update),
            Followed::Lost { .. } => self.cuts += 1,
            Followed::Live => {}
            Followed::Ended(error) => panic!("a watch ended: {error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_goes_on_when_its_connection_has_grown_old() {
    let root = tempfile::tempdir().unwrap();
    let (_house, noor) = studio(root.path(), [("connection_age_s", 2), ("connection_age_grace_s", 1)]);
    let writer = client(&noor).await;
    let (project, song) = (new_id(), new_id());
    let create = v1::CreateProject { title: "Night Drive".into(), artist: "Mara Lind".into() };
    writer.perform(&project, Action::CreateProject(create)).await.unwrap();
    let add = v1::AddSong { song_id: song.clone(), title: "0".into(), isrc: String::new() };
    writer.perform(&project, Action::AddSong(add)).await.unwrap();

    let mut stream = Box::pin(net::follow(client(&noor).await, project.clone(), 0));
    let mut watched = Watched::default();
    // The writer's own connection grows old too: it asks on, over a new one.
    let writing = async {
        let begun = Instant::now();
        let mut last = 0;
        for title in 1.. {
            if begun.elapsed() > Duration::from_secs(10) {
                break;
            }
            let edit = v1::EditSong { song_id: song.clone(), title: Some(title.to_string()), isrc: None };
            last = writer.perform(&project, Action::EditSong(edit)).await.unwrap().seq;
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        last
    };
    let mut writing = Box::pin(writing);
    let last = loop {
        tokio::select! {
            last = &mut writing => break last,
            () = watched.hear(&mut stream) => {}
        }
    };
    let rest = async {
        while watched.seq < last {
            watched.hear(&mut stream).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), rest).await.expect("the last fact is seen");
    let now = writer.get(&project).await.unwrap();
    let now: BTreeMap<_, _> = now.upserts.into_iter().map(|row| (row.key.clone(), row)).collect();
    assert!(watched.cuts >= 2, "{} cuts in 10 s of connections that live 3 s", watched.cuts);
    assert_eq!((watched.doubles, watched.snapshots), (0, 1), "it goes on from where it was");
    assert!(watched.rows == now, "no gap");
    println!("#gate AGE held {} cuts by age, {last} facts, 0 gaps, 0 doubles", watched.cuts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_told_to_wait_waits_and_is_served() {
    let root = tempfile::tempdir().unwrap();
    let (_house, noor) = studio(root.path(), [("calls_per_s", 20), ("calls_burst", 5)]);
    let client = client(&noor).await;
    let begun = Instant::now();
    for _ in 0..40 {
        assert_eq!(client.who_am_i().await.unwrap().name, "Noor Haddad");
    }
    // 40 calls at 20 a second, five of them at once.
    assert!(begun.elapsed() >= Duration::from_millis(1_500), "{:?}", begun.elapsed());
    // Many at once, streams among them.
    let project = new_id();
    let create = v1::CreateProject { title: "Night Drive".into(), artist: "Mara Lind".into() };
    client.perform(&project, Action::CreateProject(create)).await.unwrap();
    let many = (0..20).map(|_| client.desk());
    for answer in futures::future::join_all(many).await {
        answer.unwrap();
    }
    let mut stream = Box::pin(net::follow(client.clone(), project, 0));
    let first = async {
        loop {
            if let Followed::Row(update) = stream.next().await.unwrap() {
                return update;
            }
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), first).await.unwrap().snapshot);
}
