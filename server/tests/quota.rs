//! What one person may send within a day, in files and bytes: over all projects and over a restart, until the day has passed.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;
#[allow(dead_code)]
mod media_kit;

use std::{sync::atomic::Ordering, time::Duration};

use common::{House, Seat, refused, within};
use deadwax_domain::ProjectId;
use deadwax_server::config::Config;
use media_kit::{chunks, send, start, tone, upload};
use tonic::Status;
use tonic_types::StatusExt as _;

const HOUR_MS: i64 = 3600 * 1000;

/// A second server on the folder of the first; whoever was signed in is.
async fn restarted(house: House, seats: Vec<Seat>, change: impl Fn(&mut Config)) -> (House, Vec<Seat>) {
    let now_ms = house.clock.0.load(Ordering::SeqCst);
    let House { stop, served, folder, studio, .. } = house;
    stop.cancel();
    within(Duration::from_secs(15), "stopping", served).await.unwrap().unwrap();
    drop(studio);
    let house = House::open_embedded(folder, change).await;
    house.clock.0.store(now_ms, Ordering::SeqCst);
    let mut again = Vec::new();
    for seat in seats {
        let Seat { id, token, machine, .. } = seat;
        again.push(Seat { id, token, machine, ..house.stranger().await });
    }
    (house, again)
}

fn wait_s(told: &Status) -> Option<i64> {
    told.get_error_details().error_info()?.metadata.get("retry_after_s")?.parse().ok()
}

async fn full(seat: &mut Seat, project: ProjectId, bytes: &[u8]) -> Status {
    refused(start(seat, project, bytes).await, "UPLOAD_QUOTA")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_forgets_no_file_of_a_day_and_the_next_day_does() {
    let three = |config: &mut Config| config.door.upload_files_per_day = 3;
    let house = House::open_embedded(tempfile::tempdir().unwrap(), three).await;
    let (mut ana, mut bob) = (house.person("Ana", true).await, house.person("Bob", true).await);
    let (first, second, bobs) =
        (house.project(&ana).await, house.project(&ana).await, house.project(&bob).await);
    upload(&mut ana, first, &tone(100)).await.unwrap();
    house.clock.0.fetch_add(2 * HOUR_MS, Ordering::SeqCst);
    upload(&mut ana, first, &tone(101)).await.unwrap();
    upload(&mut ana, second, &tone(102)).await.unwrap();
    let told = full(&mut ana, second, &tone(103)).await;
    assert_eq!(wait_s(&told), Some(22 * 3600), "until the first file is a day old: {told:?}");
    assert!(told.message().contains("3 files with 303 bytes"), "{told:?}");
    // What is here already is no file more, and other people have days of their own.
    assert!(start(&mut ana, first, &tone(100)).await.unwrap().done);
    upload(&mut bob, bobs, &tone(103)).await.unwrap();

    let (house, mut seats) = restarted(house, vec![ana, bob], three).await;
    let told = full(&mut seats[0], first, &tone(103)).await;
    assert_eq!(wait_s(&told), Some(22 * 3600), "the restart knows it from the facts: {told:?}");
    upload(&mut seats[1], bobs, &tone(104)).await.unwrap();
    house.clock.0.fetch_add(22 * HOUR_MS, Ordering::SeqCst);
    upload(&mut seats[0], first, &tone(103)).await.unwrap();
    let told = full(&mut seats[0], first, &tone(104)).await;
    assert_eq!(wait_s(&told), Some(2 * 3600), "{told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_of_a_day_are_those_of_the_facts_and_what_is_under_way() {
    let some = |config: &mut Config| config.door.upload_bytes_per_day = 1_000;
    let house = House::open_embedded(tempfile::tempdir().unwrap(), some).await;
    let mut ana = house.person("Ana", true).await;
    let project = house.project(&ana).await;
    upload(&mut ana, project, &tone(600)).await.unwrap();
    // A file that a day can never take is told so, without a time to wait for.
    let never = full(&mut ana, project, &tone(1_001)).await;
    assert_eq!(wait_s(&never), None);
    assert!(format!("{never:?}").contains("door.upload_bytes_per_day"), "{never:?}");
    // Two that were begun while there was room for either: the second does not arrive whole.
    let (one, two) = (tone(399), tone(398));
    let (begun_one, begun_two) =
        (start(&mut ana, project, &one).await.unwrap(), start(&mut ana, project, &two).await.unwrap());
    send(&mut ana, chunks(&begun_one.upload_id, &one, 0)).await.unwrap();
    refused(send(&mut ana, chunks(&begun_two.upload_id, &two, 0)).await, "UPLOAD_QUOTA");

    let (_house, mut seats) = restarted(house, vec![ana], some).await;
    let told = full(&mut seats[0], project, &tone(2)).await;
    assert!(told.message().contains("2 files with 999 bytes"), "{told:?}");
    assert_eq!(wait_s(&full(&mut seats[0], project, &tone(2)).await), Some(24 * 3600));
}

#[tokio::test]
async fn what_is_refused_after_it_arrived_counts_as_well() {
    let house = House::open_with(|config| config.door.upload_files_per_day = 2).await;
    let mut ana = house.person("Ana", true).await;
    let project = house.project(&ana).await;
    for junk in [b"no audio".as_slice(), b"bomb"] {
        upload(&mut ana, project, junk).await.unwrap_err();
    }
    let told = full(&mut ana, project, &tone(100)).await;
    assert!(told.message().contains("2 files with 12 bytes"), "{told:?}");
    let mut bob = house.person("Bob", true).await;
    let theirs = house.project(&bob).await;
    upload(&mut bob, theirs, &tone(100)).await.unwrap();
}
