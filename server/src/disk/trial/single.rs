//! One failure by itself, in a moment: what the long trials find among many. Never here: more than one failure at a time.

use bytes::Bytes;
use deadwax_domain::Digest;
use sha2::{Digest as _, Sha256};

use super::script::open;
use crate::{
    disk::{
        Site,
        faulty::{Fault, FaultyDisk, Loss},
    },
    store::{AppendError, Store as _, StreamId, conformance::append},
};

#[tokio::test]
async fn a_sync_that_failed_is_never_tried_again() {
    let disk = FaultyDisk::default();
    let rooms = open(&disk).await.unwrap();
    rooms.store.append(append(1, 0, 1, &["before"])).await.unwrap();
    let synced = disk.asked()[&Site::RecordSync];
    disk.plan(Site::RecordSync, 0, Fault::Eio);
    for command in 2..5 {
        let answer = rooms.store.append(append(1, 1, command, &["after"])).await;
        assert!(
            matches!(answer, Err(AppendError::ReadOnly(_))),
            "acknowledged after a sync had failed: {answer:?}"
        );
    }
    assert_eq!(disk.asked()[&Site::RecordSync], synced + 1, "it was tried again");
    assert_eq!(rooms.store.read(StreamId(1), 0, 9).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_acknowledged_has_its_name_after_a_power_cut() {
    let disk = FaultyDisk::default();
    let rooms = open(&disk).await.unwrap();
    let sound = Bytes::from_static(b"the take that everybody wants");
    let digest = rooms.blobs.put(sound.clone()).await.unwrap();
    rooms.store.append(append(1, 0, 1, &["a fact"])).await.unwrap();
    drop(rooms);
    disk.cut_power(Loss::All);
    let rooms = open(&disk).await.unwrap();
    assert_eq!(digest, Digest(Sha256::digest(&sound).into()));
    assert!(rooms.blobs.has(digest).await.unwrap(), "audio that was acknowledged has lost its name");
    let facts = rooms.store.read(StreamId(1), 0, 9).await.unwrap().len();
    assert_eq!(facts, 1, "the journal that was acknowledged has lost its name");
}
