//! Workers as processes, the very program that is installed, over one database and one folder of audio: stopped past their lease, killed, told to stop. Without a
//! Postgres on the machine the tests say `not-run`. `house` has the song and starts the processes. Never here: workers within one process (`../workers.rs`).
#![cfg(all(target_os = "linux", feature = "postgres"))]
#![allow(clippy::unwrap_used, reason = "a failed step is a failed test")]

#[path = "../../src/store/postgres/tests/cluster.rs"]
#[allow(dead_code, reason = "its other half is wanted by the store's own tests")]
mod cluster;
#[path = "../common/mod.rs"]
mod common;
mod house;
#[path = "../common/process.rs"]
mod process;

use std::time::{Duration, Instant};

use deadwax_domain::{Command, RenderId, RenderState, VersionId};
// What `cluster` asks of the crate that it stands in.
use deadwax_server::store;
use rustix::process::Signal;

use self::{
    common::within,
    house::{House, MASTERER, SONG},
};

const LEASE_S: u32 = 3;
const PATIENCE: Duration = Duration::from_secs(120);
/// How soon somebody else begins what a process left without a word: its lease lapses, and others look again every 5 s.
const BEGUN_AGAIN: Duration = Duration::from_secs(LEASE_S as u64 + 6);
/// On top of it, for a machine with other work.
const SLACK: Duration = Duration::from_secs(20);

/// By `DEADWAX_CYCLES`, or by the form of the gate of trust.
fn cycles() -> u32 {
    let usual = match std::env::var("DEADWAX_TEST_TRUST").as_deref() {
        Ok("full") => 1000,
        _ => 4,
    };
    std::env::var("DEADWAX_CYCLES").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

async fn start(house: &House, number: u128) -> RenderId {
    let render = RenderId(number);
    house.perform(MASTERER, Command::StartRender { render, song: SONG, recipe: None }).await;
    render
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_stopped_past_its_lease_finishes_nothing() {
    let Some(cluster) = cluster::shared() else {
        println!("#gate LEASES not-run no Postgres is installed (apt-get install postgresql)");
        return;
    };
    let house = House::open(cluster).await;
    let mut workers = [house.worker("a", LEASE_S), house.worker("b", LEASE_S)];
    let (mut taken_over, mut too_quick) = (0, 0);
    let mut first_master = None;
    for cycle in 0..cycles() {
        workers.swap(0, 1);
        let [late, other] = &workers;
        // The other one has nothing and hears nothing until the first one is stopped.
        other.signal(Signal::STOP);
        let render = match cycle {
            // The gate's own.
            0 => house.render().await.id,
            _ => start(&house, u128::from(cycle)).await,
        };
        house.until(render, "the first attempt", |it| it.attempt >= 1).await;
        late.signal(Signal::STOP);
        other.signal(Signal::CONT);
        if cycle % 2 == 0 {
            // It comes back while the other one works, or after it has ended.
            house.until(render, "somebody else", |it| it.attempt == 2 || !it.is_alive()).await;
            late.signal(Signal::CONT);
        }
        let done = house.until(render, "the end", |it| !it.is_alive()).await;
        assert_eq!((done.state, done.failures), (RenderState::Done, 0), "{}", done.reason);
        late.signal(Signal::CONT);
        match done.attempt {
            1 => too_quick += 1,
            2 => taken_over += 1,
            more => panic!("{more} attempts"),
        }
        // What the late one still sends comes before its next sign of life.
        tokio::time::sleep(Duration::from_millis(500)).await;
        let accepted = house.completions(render).await;
        if accepted != 1 {
            println!("#gate LEASES missed cycle {cycle}: {accepted} outputs accepted");
        }
        assert_eq!(accepted, 1, "cycle {cycle}");
        // The same song by the same recipe: the same bytes are the same master (D-1).
        assert_eq!(*first_master.get_or_insert(done.made), done.made, "cycle {cycle}: other bytes");
    }
    assert!(taken_over > 0, "no worker was stopped while it worked");
    assert_eq!(house.masters().await, 1);
    for worker in workers {
        let log = worker.end().await;
        assert!(!log.contains("ERROR"), "{log}");
    }
    println!(
        "#gate LEASES held {} cycles, {taken_over} taken over, {too_quick} done before they could be stopped; one output of each accepted, the same bytes",
        cycles()
    );
}

/// Stopped again and again in the middle, as by a rolling restart: none of it is a try.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_that_are_told_to_stop_park_nothing_and_those_that_are_killed_do() {
    let Some(cluster) = cluster::shared() else { return };
    let house = House::open(cluster).await;
    let render = house.render().await.id;
    for attempt in 1..=5 {
        let worker = house.worker(&format!("stopped {attempt}"), 600);
        house.until(render, "an attempt", |it| it.attempt == attempt || !it.is_alive()).await;
        worker.end().await;
        let now = house.until(render, "its end", |it| it.state != RenderState::Running).await;
        assert_eq!((now.state, now.tries()), (RenderState::Queued, 0), "{}", now.reason);
    }
    for attempt in 6..=8 {
        let mut worker = house.worker(&format!("killed {attempt}"), LEASE_S);
        house.until(render, "an attempt", |it| it.attempt == attempt || !it.is_alive()).await;
        worker.kill();
    }
    let last = house.worker("the last", LEASE_S);
    let parked = house.until(render, "the end", |it| !it.is_alive()).await;
    assert_eq!(
        (parked.state, parked.attempt, parked.tries()),
        (RenderState::Failed, 8, 3),
        "{}",
        parked.reason
    );
    assert!(parked.reason.contains("3 attempts"), "{}", parked.reason);
    assert_eq!((house.completions(render).await, house.masters().await), (0, 0));
    last.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_workers_one_examines() {
    let Some(cluster) = cluster::shared() else { return };
    let house = House::open(cluster).await;
    let workers = [house.examiner("one"), house.examiner("two")];
    for number in 0..6 {
        let version = house.unexamined_master(30 + number).await;
        within(PATIENCE, "an examination", async {
            while house.examinations(version).await == 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }
    // Long enough for a second one that must not come.
    tokio::time::sleep(Duration::from_secs(2)).await;
    for number in 0..6 {
        assert_eq!(house.examinations(VersionId(30 + number)).await, 1, "version {number}");
    }
    for worker in workers {
        let log = worker.end().await;
        assert!(!log.contains("ERROR") && !log.contains("an examination was not wanted any more"), "{log}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_worker_had_is_done_by_another_soon() {
    let Some(cluster) = cluster::shared() else { return };
    let house = House::open(cluster).await;
    let mut killed = house.worker("killed", LEASE_S);
    let render = house.render().await.id;
    house.until(render, "the first attempt", |it| it.attempt == 1).await;
    let other = house.worker("other", LEASE_S);
    killed.kill();
    let begun = Instant::now();
    house.until(render, "the second attempt", |it| it.attempt == 2 || !it.is_alive()).await;
    let took = begun.elapsed();
    println!("begun again after {took:?}");
    assert!(took < BEGUN_AGAIN + SLACK, "{took:?}");
    let done = house.until(render, "the end", |it| !it.is_alive()).await;
    assert_eq!((done.state, done.failures), (RenderState::Done, 0));
    assert_eq!((house.completions(render).await, house.masters().await), (1, 1));
    other.end().await;
}

/// With a lease of ten minutes nobody could wait for its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_told_to_stop_gives_its_work_back() {
    let Some(cluster) = cluster::shared() else { return };
    let house = House::open(cluster).await;
    let stopped = house.worker("stopped", 600);
    let render = house.render().await.id;
    house.until(render, "the first attempt", |it| it.attempt == 1).await;
    let other = house.worker("other", 600);
    let log = within(PATIENCE, "the stop", stopped.end()).await;
    assert!(!log.contains("ERROR"), "{log}");
    let done = house.until(render, "the end", |it| !it.is_alive()).await;
    assert_eq!((done.state, done.failures), (RenderState::Done, 0));
    assert_eq!((house.completions(render).await, house.masters().await), (1, 1));
    other.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_for_one_process() {
    let Some(cluster) = cluster::shared() else { return };
    let house = House::open(cluster).await;
    let first = house.worker("one", LEASE_S);
    let said = house.refused("one");
    assert!(said.contains("a folder of its own"), "{said}");
    first.end().await;
}
