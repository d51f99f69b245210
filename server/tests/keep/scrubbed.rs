//! The scrub: a planted flip is found and told within one round, put right from a backup where there is one, and no faster than it may read. Health tells of
//! damage, and of its end.

use std::{fs, path::PathBuf, sync::Arc, time::Instant};

use bytes::Bytes;
use deadwax_domain::Digest;
use deadwax_server::{
    blob::{Blobs, Pace, Thing},
    keep::scrub::{AGAIN_MS, Scrub},
    rpc::STORED_BYTES,
    store::{EmbeddedStore, MemoryStore, Store, embedded::Options},
};
use futures::TryStreamExt as _;

use crate::{
    Dice, append, blob_file,
    common::{House, within},
    flip, folder, is_long, now_ms, seed, titled,
};

fn scrub(root: &std::path::Path, blobs: &Arc<Blobs>, pace: u64, repair_from: PathBuf) -> Scrub {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    Scrub::open(blobs.clone(), store, Pace::of(pace), repair_from, root.join("keep/scrubbed"))
}

async fn some_blobs(blobs: &Blobs, count: u64) -> Vec<(Digest, Bytes)> {
    let mut stored = Vec::new();
    for number in 0..count {
        let bytes = Dice(number).bytes(1 + (number as usize * 77_777) % 700_000);
        stored.push((blobs.put(bytes.clone()).await.unwrap(), bytes));
    }
    stored
}

#[tokio::test]
async fn a_planted_flip_is_found_in_one_round_and_put_right() {
    let rounds = if is_long() { 200 } else { 10 };
    let (home, backup) = (folder(), folder());
    let root = home.path().to_owned();
    let blobs = Blobs::open_with(root.clone(), 0).await.unwrap();
    let stored = some_blobs(&blobs, 12).await;
    crate::copy_folder(&root.join("blobs"), &backup.path().join("blobs"));
    let mut dice = Dice(seed());
    let (mut now, mut found, mut repaired) = (now_ms(), 0, 0);
    for round in 0..rounds {
        let (digest, bytes) = &stored[dice.below(12) as usize];
        flip(&blob_file(&root, *digest), dice.below(bytes.len() as u64), dice.next());
        // Alone, it tells; with a backup it heals. It stays due until it is whole.
        let mut alone = scrub(&root, &blobs, 0, PathBuf::new());
        let told = alone.pass(now).await.unwrap();
        let only = [(Thing::Audio(*digest), "its bytes do not match its name".to_owned())];
        found += u64::from((told.damaged, told.repaired) == (1, 0) && blobs.damage().list() == only);
        let mut healing = scrub(&root, &blobs, 0, backup.path().to_owned());
        let healed = healing.pass(now).await.unwrap();
        let (_, chunks) = blobs.read(*digest, 0, None).await.unwrap();
        let whole = chunks.try_collect::<Vec<_>>().await.unwrap().concat();
        repaired += u64::from(healed.repaired == 1 && blobs.damage().list().is_empty() && whole == bytes[..]);
        assert!(healing.due(now).await.unwrap().is_empty(), "round {round}");
        now += AGAIN_MS;
    }
    let held = found == rounds && repaired == rounds;
    println!(
        "#gate SCRUB {} {found} of {rounds} planted flips found and told in one round, {repaired} put right from a backup",
        if held { "held" } else { "missed" }
    );
    assert!(held);
}

/// A backup that is damaged itself heals nothing.
#[tokio::test]
async fn damage_is_not_replaced_by_damage() {
    let (home, backup) = (folder(), folder());
    let blobs = Blobs::open_with(home.path().to_owned(), 0).await.unwrap();
    let (digest, _) = some_blobs(&blobs, 3).await.pop().unwrap();
    crate::copy_folder(&home.path().join("blobs"), &backup.path().join("blobs"));
    flip(&blob_file(home.path(), digest), 9, 1);
    flip(&blob_file(backup.path(), digest), 10, 1);
    let before = fs::read(blob_file(home.path(), digest)).unwrap();
    let done = scrub(home.path(), &blobs, 0, backup.path().to_owned()).pass(now_ms()).await.unwrap();
    assert_eq!((done.damaged, done.repaired), (1, 0));
    assert_eq!(fs::read(blob_file(home.path(), digest)).unwrap(), before);
    assert_eq!(fs::read_dir(home.path().join("uploads")).unwrap().count(), 0);
}

#[tokio::test]
async fn new_files_come_first_and_read_ones_after_three_weeks() {
    let home = folder();
    let blobs = Blobs::open_with(home.path().to_owned(), 0).await.unwrap();
    some_blobs(&blobs, 4).await;
    let mut first = scrub(home.path(), &blobs, 0, PathBuf::new());
    let now = now_ms();
    assert_eq!(first.pass(now).await.unwrap().files, 4);
    // It remembers over a restart.
    let mut again = scrub(home.path(), &blobs, 0, PathBuf::new());
    assert!(again.due(now + AGAIN_MS - 1).await.unwrap().is_empty());
    let fresh = blobs.put(Bytes::from_static(b"new")).await.unwrap();
    assert_eq!(again.due(now + 1).await.unwrap(), [fresh]);
    let due = again.due(now + AGAIN_MS).await.unwrap();
    assert_eq!((due.len(), due[0]), (5, fresh));
}

#[tokio::test]
async fn it_reads_no_faster_than_it_may() {
    let home = folder();
    let blobs = Blobs::open_with(home.path().to_owned(), 0).await.unwrap();
    let stored = some_blobs(&blobs, 8).await;
    let bytes: usize = stored.iter().map(|(_, bytes)| bytes.len()).sum();
    let began = Instant::now();
    let done = scrub(home.path(), &blobs, 4_000_000, PathBuf::new()).pass(now_ms()).await.unwrap();
    // A busy machine is only ever slower.
    assert!(began.elapsed().as_secs_f64() > 0.95 * bytes as f64 / 4e6);
    assert_eq!(done.bytes, bytes as u64);
}

/// Entries too, and health says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_entry_is_told() {
    let home = folder();
    let root = home.path().join("studio");
    let store = Arc::new(EmbeddedStore::open(Options { reserve_bytes: 0, ..Options::new(&root) }).unwrap());
    let blobs = Blobs::open_with(root.clone(), 0).await.unwrap();
    for seq in 0..600 {
        store.append(append(7, seq, 1 + u128::from(seq), vec![titled("the words of it", 5)])).await.unwrap();
    }
    let file = root.join("keep/scrubbed");
    let scrub = Scrub::open(blobs.clone(), store.clone(), Pace::of(0), PathBuf::new(), file);
    assert_eq!(scrub.journal().await.unwrap(), 600);
    let segment = root.join("journal/00000001.journal");
    let at = fs::read(&segment).unwrap().windows(5).rposition(|window| window == b"words").unwrap();
    flip(&segment, at as u64, 2);
    scrub.journal().await.unwrap();
    let told = blobs.damage().list();
    assert_eq!((told.len(), told[0].0), (1, Thing::Stream(7)));
    assert!(told[0].1.contains("entry 600"), "{told:?}");
    flip(&segment, at as u64, 2);
    scrub.journal().await.unwrap();
    assert!(blobs.damage().list().is_empty());
}

#[tokio::test]
async fn health_tells_of_damage_and_of_its_end() {
    use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};
    let house = House::open().await;
    let mut health = HealthClient::new(house.channel().await);
    let asked = HealthCheckRequest { service: STORED_BYTES.into() };
    let mut watched = health.watch(asked).await.unwrap().into_inner();
    let mut next = async || {
        let changed = within(std::time::Duration::from_secs(30), "a word of health", watched.message());
        changed.await.unwrap().unwrap().status
    };
    assert_eq!(next().await, 1, "SERVING");
    let blobs = house.studio.blobs.clone();
    let (digest, bytes) = some_blobs(&blobs, 6).await.pop().unwrap();
    flip(&blob_file(house.folder.path(), digest), bytes.len() as u64 - 1, 0);
    // A range before the damage is served.
    let (_, chunks) = blobs.read(digest, 0, Some(1000)).await.unwrap();
    assert_eq!(chunks.try_collect::<Vec<_>>().await.unwrap().concat(), bytes[..1000]);
    assert!(blobs.damage().list().is_empty());
    let (_, chunks) = blobs.read(digest, bytes.len() as u64 - 10, None).await.unwrap();
    assert!(chunks.try_collect::<Vec<_>>().await.is_err());
    assert_eq!(next().await, 2, "NOT_SERVING");
    blobs.put(bytes).await.unwrap();
    assert_eq!(next().await, 1, "SERVING");
}
