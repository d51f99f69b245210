//! Backups of a studio that 64 writers change, and the way back. Goal: every restore has the root hash of its backup, everything that was acknowledged before
//! the backup began, and nothing damaged; going back to any record gives what the studio was then. Method: drills in a row on one backup folder.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use deadwax_server::{
    blob::Blobs,
    keep::{
        backup,
        restore::{self, At},
    },
    store::{
        EmbeddedStore, Store, StreamId,
        embedded::{self, Options},
    },
};

use crate::{Dice, append, blob_file, cover, files_below, flip, folder, is_long, seed, titled};

const WRITERS: u128 = 64;

/// What was acknowledged: the bytes, or nothing where they were erased since.
type Acknowledged = Arc<Mutex<BTreeMap<(u128, u64), Bytes>>>;

fn options(root: &Path) -> Options {
    Options { reserve_bytes: 0, segment_bytes: 200_000, ..Options::new(root) }
}

struct Writers {
    store: Arc<EmbeddedStore>,
    blobs: Arc<Blobs>,
    acknowledged: Acknowledged,
    stop: Arc<AtomicBool>,
}

impl Writers {
    async fn write(self, stream: u128) {
        let mut dice = Dice(stream as u64);
        let mut seq = 0u64;
        while !self.stop.load(Ordering::Relaxed) {
            let entry = match seq % 8 {
                0 => {
                    let bytes = dice.bytes(200 + dice.clone().below(3000) as usize);
                    let length = bytes.len() as u64;
                    cover(self.blobs.put(bytes).await.unwrap(), length, seq as i64)
                }
                _ => titled(&format!("{stream} {seq}"), seq as i64),
            };
            let id = stream << 64 | u128::from(seq);
            self.store.append(append(stream, seq, id, vec![entry.clone()])).await.unwrap();
            seq += 1;
            self.acknowledged.lock().unwrap().insert((stream, seq), entry);
            if seq.is_multiple_of(40) {
                self.acknowledged.lock().unwrap().remove(&(stream, seq - 5));
                self.store.redact(StreamId(stream), seq - 5).await.unwrap();
            }
            tokio::time::sleep(Duration::from_millis(60 + dice.below(60))).await;
        }
    }
}

/// Everything that was acknowledged is in the restored studio, with its bytes.
async fn check_restored(root: &Path, acknowledged: &BTreeMap<(u128, u64), Bytes>) {
    let store = EmbeddedStore::open(options(root)).unwrap();
    for stream in 1..=WRITERS {
        let entries = store.read(StreamId(stream), 0, usize::MAX).await.unwrap();
        let restored: BTreeMap<u64, Option<Bytes>> =
            entries.into_iter().map(|entry| (entry.seq, entry.payload)).collect();
        for ((_, seq), payload) in acknowledged.range((stream, 0)..=(stream, u64::MAX)) {
            let there = restored.get(seq).unwrap_or_else(|| panic!("entry {seq} of {stream} is lost"));
            // Erased meanwhile, perhaps.
            assert!(there.as_ref().is_none_or(|there| there == payload), "entry {seq} of {stream}");
        }
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_drill_has_the_root_of_its_backup() {
    let drills = if is_long() { 100 } else { 5 };
    let home = folder();
    let (root, dest) = (home.path().join("studio"), home.path().join("backup"));
    let store = Arc::new(EmbeddedStore::open(options(&root)).unwrap());
    let blobs = Blobs::open_with(root.clone(), 0).await.unwrap();
    let (acknowledged, stop) = (Acknowledged::default(), Arc::new(AtomicBool::new(false)));
    let writers: Vec<_> = (1..=WRITERS)
        .map(|stream| {
            let (store, blobs) = (store.clone(), blobs.clone());
            let (acknowledged, stop) = (acknowledged.clone(), stop.clone());
            tokio::spawn(Writers { store, blobs, acknowledged, stop }.write(stream))
        })
        .collect();
    let mut dice = Dice(seed());
    let (mut thens, mut equal, mut copied) = (Vec::new(), 0, 0);
    for number in 0..drills {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let before = acknowledged.lock().unwrap().clone();
        let (from, to) = (root.clone(), dest.clone());
        let made = blocking(move || backup::backup(&from, &to).unwrap()).await;
        assert!(made.missing.is_empty() && made.copied.damaged_blobs.is_empty(), "{made:?}");
        copied += made.copied.copied_blobs;
        let then = dice.below(made.page.records + 1);
        let (from, to) = (dest.clone(), home.path().join(format!("restored-{number}")));
        let page = made.page.clone();
        let root_then = blocking(move || {
            let dry = restore::dry_run(&from, At::End).unwrap();
            let whole = restore::restore(&from, &to, At::End).unwrap();
            assert!(dry.damage.is_empty() && whole.damage.is_empty(), "{:?} {:?}", dry.damage, whole.damage);
            assert_eq!(hex::encode(dry.root), page.root);
            assert_eq!((hex::encode(whole.root), whole.entries), (page.root, page.entries));
            let back = to.with_extension("then");
            let dry = restore::dry_run(&from, At::Records(then)).unwrap();
            let done = restore::restore(&from, &back, At::Records(then)).unwrap();
            assert_eq!((dry.root, dry.entries), (done.root, done.entries));
            assert!(done.damage.is_empty(), "{:?}", done.damage);
            let opened = EmbeddedStore::open(options(&back)).unwrap();
            drop(opened);
            fs::remove_dir_all(back).unwrap();
            done.root
        })
        .await;
        equal += 1;
        thens.push((then, root_then));
        let restored = home.path().join(format!("restored-{number}"));
        check_restored(&restored, &before).await;
        fs::remove_dir_all(restored).unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    drop((store, blobs));
    // What the studio itself was at those records, now that nobody writes.
    for (then, root_then) in &thens {
        let was = embedded::survey_copy(&root, Some(*then), &mut |_| ()).unwrap();
        assert_eq!(was.root, *root_then, "record {then}");
    }
    let entries = acknowledged.lock().unwrap().len();
    println!(
        "#gate G11 held {equal} of {drills} drills with equal root under {WRITERS} writers, {entries} entries, {copied} files copied once, {} returns to a record, 0 acknowledged lost",
        thens.len()
    );
}

/// The dry run is worth something only if it can fail.
#[tokio::test]
async fn a_backup_that_lost_something_is_not_taken_for_whole() {
    let home = folder();
    let (root, dest) = (home.path().join("studio"), home.path().join("backup"));
    let blobs = Blobs::open_with(root.clone(), 0).await.unwrap();
    let bytes = Dice(3).bytes(400_000);
    let digest = blobs.put(bytes).await.unwrap();
    {
        let store = EmbeddedStore::open(options(&root)).unwrap();
        for seq in 0..10 {
            let entry = if seq == 4 { cover(digest, 400_000, 100) } else { titled("x", 10 * seq as i64) };
            store.append(append(1, seq, 1 + u128::from(seq), vec![entry])).await.unwrap();
        }
    }
    backup::backup(&root, &dest).unwrap();
    let whole = restore::dry_run(&dest, At::End).unwrap();
    assert!(whole.damage.is_empty(), "{:?}", whole.damage);
    // Before its first fact: nothing that the later ones name is missed.
    let early = restore::dry_run(&dest, At::Time(35)).unwrap();
    assert_eq!((early.records, early.entries, early.damage.len()), (4, 4, 0));
    let segment = dest.join("journal/00000001.journal");
    let good = fs::read(&segment).unwrap();
    fs::write(&segment, &good[..good.len() - 1]).unwrap();
    let cut = restore::dry_run(&dest, At::End).unwrap();
    assert!(cut.damage[0].what.contains("the backup was made of 10"), "{:?}", cut.damage);
    fs::write(&segment, &good).unwrap();
    flip(&blob_file(&dest, digest), 200_000, 3);
    let flipped = restore::dry_run(&dest, At::End).unwrap();
    assert!(flipped.damage[0].what.contains(&digest.to_string()), "{:?}", flipped.damage);
    // Damaged audio does not travel.
    let to = home.path().join("restored");
    let restored = restore::restore(&dest, &to, At::End).unwrap();
    assert!(restored.damage.len() == 2 && !blob_file(&to, digest).exists(), "{:?}", restored.damage);
    fs::remove_file(blob_file(&dest, digest)).unwrap();
    let gone = restore::dry_run(&dest, At::End).unwrap();
    assert!(gone.damage[0].what.contains("is not stored"), "{:?}", gone.damage);
    // And nothing is ever written over.
    let before = files_below(&to).len();
    assert!(restore::restore(&dest, &to, At::End).unwrap_err().to_string().contains("is a studio already"));
    assert_eq!(files_below(&to).len(), before);
}

/// What somebody wished to be gone does not come back with the past.
#[tokio::test]
async fn going_back_keeps_what_was_erased_since() {
    let home = folder();
    let (root, dest, to) =
        (home.path().join("studio"), home.path().join("backup"), home.path().join("restored"));
    let store = EmbeddedStore::open(options(&root)).unwrap();
    for seq in 0..6 {
        store.append(append(1, seq, 1 + u128::from(seq), vec![titled("secret", 5)])).await.unwrap();
    }
    backup::backup(&root, &dest).unwrap();
    let then = restore::dry_run(&dest, At::Records(4)).unwrap().root;
    store.redact(StreamId(1), 2).await.unwrap();
    store.redact(StreamId(1), 6).await.unwrap();
    backup::backup(&root, &dest).unwrap();
    let restored = restore::restore(&dest, &to, At::Records(4)).unwrap();
    assert_eq!((restored.entries, restored.root), (4, then));
    let store = EmbeddedStore::open(options(&to)).unwrap();
    let entries = store.read(StreamId(1), 0, 9).await.unwrap();
    let erased: Vec<u64> = entries.iter().filter(|it| it.payload.is_none()).map(|it| it.seq).collect();
    assert_eq!((entries.len(), erased), (4, vec![2]));
    store.append(append(1, 4, 99, vec![titled("on", 5)])).await.unwrap();
}
