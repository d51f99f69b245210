//! The time between a write and its sync, held open: nobody is answered and nobody sees anything before it is over (L-1). Never here: disks that fail.

use std::{sync::Arc, time::Duration};

use deadwax_domain::{Actor, Command, PersonId, ProjectId, SongId};

use crate::{
    disk::{Drive, Site, faulty::FaultyDisk},
    ledger::{Clock, Ledger, Perform},
    store::{EmbeddedStore, Store as _, StreamId, conformance::append, embedded::Options},
};

/// Whoever tells too early has done it by then.
const EARLY: Duration = Duration::from_millis(300);
const PATIENCE: Duration = Duration::from_secs(30);

struct Standing;

impl Clock for Standing {
    fn now_ms(&self) -> i64 {
        1_800_000_000_000
    }
}

fn open(disk: &FaultyDisk) -> Arc<EmbeddedStore> {
    let options = Options { root: "studio".into(), reserve_bytes: 0, segment_bytes: 1 << 20 };
    Arc::new(EmbeddedStore::open_on_disk(&options, Drive::on(Arc::new(disk.clone()))).unwrap())
}

/// Waits until the journal stands in its sync, and then a little longer.
async fn held(disk: &FaultyDisk) {
    let begun = std::time::Instant::now();
    while !disk.holds() {
        assert!(begun.elapsed() < PATIENCE, "the journal never came to its sync");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(EARLY).await;
}

#[tokio::test]
async fn nothing_is_acknowledged_before_its_sync() {
    let disk = FaultyDisk::default();
    let store = open(&disk);
    store.append(append(1, 0, 1, &["before"])).await.unwrap();
    // A journal that answers too early may still stand in the sync of this one; what can be read is through it.
    while store.read(StreamId(1), 0, 9).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    disk.hold(Site::RecordSync);
    let asked = tokio::spawn({
        let store = store.clone();
        async move { store.append(append(1, 1, 2, &["after"])).await }
    });
    held(&disk).await;
    let early = asked.is_finished();
    let seen = store.read(StreamId(1), 0, 9).await.unwrap().len();
    disk.let_go();
    let done = asked.await.unwrap().unwrap();
    assert!(!early, "acknowledged while its sync was under way");
    assert_eq!((seen, done.last_seq), (1, 2), "read while its sync was under way");
}

/// Number 1 makes the project, every other a song.
fn asked(id: u128) -> Perform {
    Perform {
        command_id: id,
        request_sha256: [1; 32],
        project: ProjectId(7),
        actor: Actor::Person { id: PersonId(1), studio_owner: true },
        expected: None,
        command: match id {
            1 => Command::CreateProject { title: "One".into(), artist: "Ana".into() },
            _ => Command::AddSong { song: SongId(id), title: "Nachtlied".into(), isrc: String::new() },
        },
    }
}

#[tokio::test]
async fn nothing_is_published_before_its_sync() {
    let disk = FaultyDisk::default();
    let ledger = Ledger::open(open(&disk), Arc::new(Standing)).await.unwrap();
    let created = ledger.perform(asked(1)).await.unwrap();
    let mut watch = ledger.watch(ProjectId(7));
    watch.mark_unchanged();
    disk.hold(Site::RecordSync);
    let asked = tokio::spawn({
        let ledger = ledger.clone();
        async move { ledger.perform(asked(2)).await }
    });
    held(&disk).await;
    let woken = watch.has_changed().unwrap();
    let seen = ledger.project(ProjectId(7)).await.unwrap().unwrap().seq;
    disk.let_go();
    let done = asked.await.unwrap().unwrap();
    assert!(!woken, "watchers were woken while the sync was under way");
    assert_eq!(seen, created.last_seq, "the project was shown with a fact whose sync was under way");
    assert!(done.last_seq > created.last_seq && watch.has_changed().unwrap());
}
