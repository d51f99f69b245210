//! The disk that fills up, by a figure that the test sets: bytes and names. Nothing here stops the server for good: room again is work again. The same on a
//! real small file system is in `server/tests/full_disk.rs`.

use std::sync::Arc;

use bytes::Bytes;
use deadwax_domain::Digest;

use crate::{
    blob::{BlobError, Blobs},
    disk::{Drive, Room, faulty::FaultyDisk},
    store::{AppendError, EmbeddedStore, Store as _, StreamId, conformance::append, embedded::Options},
};

const RESERVE: u64 = 64 << 10;
const PLENTY: u64 = 10 << 20;

async fn open(disk: &FaultyDisk) -> (EmbeddedStore, Arc<Blobs>) {
    let drive = Drive::on(Arc::new(disk.clone()));
    let options = Options { root: "studio".into(), reserve_bytes: RESERVE / 4, segment_bytes: 3000 };
    let store = EmbeddedStore::open_on_disk(&options, drive.clone()).unwrap();
    (store, Blobs::open_on(drive, "studio".into(), RESERVE).await.unwrap())
}

fn room(disk: &FaultyDisk, bytes: u64, files: u64) {
    disk.set_room(Room { bytes, files });
}

async fn entries(store: &EmbeddedStore) -> u64 {
    store.read(StreamId(1), 0, usize::MAX).await.unwrap().len() as u64
}

#[tokio::test]
async fn bytes_run_out_and_come_back() {
    let disk = FaultyDisk::default();
    room(&disk, PLENTY, u64::MAX);
    let (store, blobs) = open(&disk).await;
    store.append(append(1, 0, 1, &["before", "secret"])).await.unwrap();
    let kept = blobs.put(Bytes::from_static(b"kept")).await.unwrap();
    let staged = blobs.stage(Digest([1; 32]), 5000, "ann".into()).await.unwrap();
    let offset = blobs.write_staged(staged.id, 0, Bytes::from(vec![1; 2000])).await.unwrap();

    // Audio stops at its reserve; people go on within theirs.
    room(&disk, RESERVE - 1, u64::MAX);
    assert!(matches!(blobs.put(Bytes::new()).await, Err(BlobError::DiskNearlyFull { .. })));
    let refused = blobs.write_staged(staged.id, offset, Bytes::from(vec![1; 100])).await;
    assert!(matches!(refused, Err(BlobError::DiskNearlyFull { .. })));
    store.append(append(1, 2, 2, &["an approval"])).await.unwrap();

    // Under the last quarter only what removes something is written.
    room(&disk, RESERVE / 4 - 1, u64::MAX);
    assert!(matches!(store.append(append(1, 3, 3, &["x"])).await, Err(AppendError::DiskNearlyFull { .. })));
    store.redact(StreamId(1), 2).await.unwrap();
    blobs.forget_staged(staged.id).await.unwrap();

    // Nothing at all, taken by somebody else between the look and the write.
    room(&disk, 0, u64::MAX);
    assert!(matches!(store.redact(StreamId(1), 1).await, Err(AppendError::DiskNearlyFull { .. })));
    assert_eq!(store.read_only(), None);
    assert_eq!(entries(&store).await, 3);
    assert_eq!(blobs.verify(kept).await.unwrap(), 4);

    // Room again, without a restart; and a restart loses nothing.
    room(&disk, PLENTY, u64::MAX);
    store.append(append(1, 3, 4, &["after"])).await.unwrap();
    blobs.put(Bytes::from_static(b"after")).await.unwrap();
    drop((store, blobs));
    let (store, blobs) = open(&disk).await;
    assert_eq!(entries(&store).await, 4);
    assert_eq!(store.read(StreamId(1), 1, 1).await.unwrap()[0].payload, None);
    assert_eq!(blobs.verify(kept).await.unwrap(), 4);
    println!("#gate FULL held simulated: bytes run out and come back, 0 lost, no restart");
}

#[tokio::test]
async fn names_run_out_and_facts_go_on() {
    let disk = FaultyDisk::default();
    room(&disk, PLENTY, 1000);
    let (store, blobs) = open(&disk).await;
    let kept = blobs.put(Bytes::from_static(b"kept")).await.unwrap();

    // Uploads leave names to the others.
    room(&disk, PLENTY, 200);
    assert!(matches!(blobs.put(Bytes::new()).await, Err(BlobError::TooFewFiles { .. })));

    // Not one name is left: the last segment goes on past its size.
    room(&disk, PLENTY, 0);
    for step in 0..60 {
        store.append(append(1, step, 1 + u128::from(step), &[&"long ".repeat(30)])).await.unwrap();
    }
    assert_eq!(store.read_only(), None);
    assert!(disk.bytes("studio/journal/00000002.journal".as_ref()).is_none());
    assert!(disk.bytes("studio/journal/00000001.journal".as_ref()).unwrap().len() > 6000);

    room(&disk, PLENTY, 1000);
    store.append(append(1, 60, 99, &["after"])).await.unwrap();
    assert!(disk.bytes("studio/journal/00000002.journal".as_ref()).is_some());
    drop((store, blobs));
    let (store, blobs) = open(&disk).await;
    assert_eq!(entries(&store).await, 61);
    assert_eq!(blobs.verify(kept).await.unwrap(), 4);
    println!("#gate FULL held simulated: names run out, 60 facts go on in the last segment, 0 lost");
}
