//! Two servers and a worker behind somebody else's balancer of connections, haproxy and nginx: people sign in, upload, watch, approve and download through it, while one
//! server is told to stop and the other is killed, and are told of nothing. Where a balancer is not installed its test says `not-run`;
//! `DEADWAX_TEST_BALANCER=required` makes that a failure, as `DEADWAX_TEST_POSTGRES` and `DEADWAX_TEST_S3` do for what the servers stand on.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use deadwax_client::net::{Client, NetError};
use deadwax_proto::v1::{self, action::Action};
use deadwax_tests::{
    demo::{self, Log, Material, Studio, cast, mixing},
    scale::{self, Front, balancer::Kind},
    song,
};

/// Until a balancer has noticed that a server is back.
const FOUND_AGAIN: Duration = Duration::from_millis(2500);

/// None, and a word about it, where something that it needs is not installed and nobody demands it.
fn opened(kind: Kind, root: &Path) -> Option<Studio> {
    let lacks = |what: &str, variable: &str| {
        let demanded = std::env::var(variable).is_ok_and(|word| word == "required");
        assert!(!demanded, "{variable} demands {what}, and none is installed");
        println!("not-run: {what} is not installed");
    };
    if kind.program().is_none() {
        lacks(kind.word(), "DEADWAX_TEST_BALANCER");
        return None;
    }
    if let Some(missing) = scale::missing() {
        println!("not-run: {missing}");
        return None;
    }
    let material = Material::Song(Box::new(song::arrange().begun_at_the_bridge()));
    let exe = Path::new(env!("CARGO_BIN_EXE_demo"));
    Some(Studio::found_behind(exe, root, Front::Exactly(Some(kind)), (material, Log::new(true))).unwrap())
}

/// What somebody at a client saw who changed one thing after the other.
#[derive(Default)]
struct Load {
    stop: AtomicBool,
    done: AtomicU64,
}

/// Through the client, which tries again by itself; whatever it gives up fails the test. The number of the recording is what changes, and in the end it is as before.
async fn changes(client: Client, (project, song): (String, String), load: Arc<Load>) -> Result<(), NetError> {
    let numbered = |number: u64| {
        let isrc = Some(format!("QZDWX26{number:05}"));
        Action::EditSong(v1::EditSong { song_id: song.clone(), title: None, isrc })
    };
    while !load.stop.load(Ordering::Relaxed) {
        let number = 2 + load.done.fetch_add(1, Ordering::Relaxed) % 90_000;
        client.perform(&project, numbered(number)).await?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    client.perform(&project, numbered(1)).await.map(drop)
}

fn behind(kind: Kind) {
    let root = tempfile::tempdir().unwrap();
    let Some(mut on) = opened(kind, root.path()) else { return };
    let watcher = demo::watch_as_label(&on).unwrap();
    // Sign-in by link, an upload, an approval, each by a connection of its own.
    mixing::take(&on).unwrap();

    let (load, project) = (Arc::new(Load::default()), on.project_id().unwrap());
    let client = on.runtime.block_on(cast::client(&on.cast.owner)).unwrap();
    let rows = on.runtime.block_on(client.get(&project)).unwrap().upserts;
    let song = rows.into_iter().find_map(|row| match row.row {
        Some(v1::row::Row::Song(song)) => Some(song.song_id),
        _ => None,
    });
    let song = song.unwrap();
    let changing = on.runtime.spawn(changes(client, (project, song), Arc::clone(&load)));
    let begun = Instant::now();
    let mut strikes = 0;
    let scale = on.scale.as_mut().unwrap();
    for _ in 0..2 {
        // One is told to stop and one is killed, both under load.
        scale.second.close().unwrap();
        thread::sleep(Duration::from_millis(700));
        scale.second.open().unwrap();
        thread::sleep(FOUND_AGAIN);
        on.house.kill().unwrap();
        thread::sleep(Duration::from_millis(700));
        on.house.open().unwrap();
        thread::sleep(FOUND_AGAIN);
        strikes += 2;
    }
    load.stop.store(true, Ordering::Relaxed);
    on.runtime.block_on(changing).unwrap().expect("a change was given up");
    let (done, took) = (load.done.load(Ordering::Relaxed), begun.elapsed());
    println!(
        "{}: {done} changes in {took:.1?}, {strikes} servers gone meanwhile, none given up",
        kind.word()
    );
    assert!(done > 50, "too little happened to prove anything");

    // Several files up in pieces, and down again, while both are there.
    mixing::first_mix(&on).unwrap();
    let (fresh, seen) = watcher.beside_get(&on.runtime).unwrap();
    assert!(seen.ended.is_none() && seen.lost > 0, "the stream went on by itself: {:?}", seen.ended);
    assert_eq!(seen.rows, fresh, "what was watched is what a fresh look shows");
    let calls = on.scale.as_ref().unwrap().calls().unwrap();
    // Since their last start; how the balancer spreads them is its own affair.
    assert!(calls.iter().all(|count| *count > 0), "both were called: {calls:?}");
    on.scale.as_mut().unwrap().second.close().unwrap();
    on.house.close().unwrap();
}

#[test]
fn haproxy_in_front_of_two_servers() {
    behind(Kind::Haproxy);
}

#[test]
fn nginx_in_front_of_two_servers() {
    behind(Kind::Nginx);
}
