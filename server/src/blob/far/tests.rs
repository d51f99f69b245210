//! What audio that lies far promises, over the shed. Blob's own promises are held over it as well (`own`).

use std::{fs, path::PathBuf, sync::atomic::Ordering};

use futures::{TryStreamExt as _, future::join_all};
use sha2::{Digest as _, Sha256};

use super::{
    shed::{Shed, far},
    *,
};
use crate::{
    blob::{Blobs, Staged, Thing},
    disk::Drive,
    store::conformance::Dice,
};

fn song(bytes: usize, seed: u64) -> (Bytes, Digest) {
    let mut dice = Dice(seed);
    let song: Bytes = (0..bytes).map(|_| dice.roll() as u8).collect();
    let digest = Digest(Sha256::digest(&song).into());
    (song, digest)
}

struct Server {
    folder: tempfile::TempDir,
    far: Arc<Far>,
    blobs: Arc<Blobs>,
}

impl Server {
    /// One more of the same studio, with a folder of its own.
    async fn new(shed: &Arc<Shed>, local_bytes: u64) -> Self {
        let (folder, far) = (tempfile::tempdir().unwrap(), far(shed, local_bytes));
        let root = folder.path().to_owned();
        let blobs = Blobs::open_beside(Some(far.clone()), Drive::real(), root, 0).await.unwrap();
        Self { folder, far, blobs }
    }

    fn copies(&self) -> usize {
        let folders = fs::read_dir(self.folder.path().join("blobs")).unwrap();
        folders.map(|folder| fs::read_dir(folder.unwrap().path()).unwrap().count()).sum()
    }

    fn copy(&self, digest: Digest) -> PathBuf {
        self.folder.path().join(key_of(digest))
    }

    async fn whole(&self, digest: Digest) -> Result<Vec<u8>, BlobError> {
        let (_, chunks) = self.blobs.read(digest, 0, None).await?;
        Ok(chunks.try_collect::<Vec<_>>().await?.concat())
    }

    /// As a client does it: what was away is asked for again.
    async fn patient<T, F: Future<Output = Result<T, BlobError>>>(&self, mut ask: impl FnMut() -> F) -> T {
        for _ in 0..200 {
            match ask().await {
                Err(BlobError::Far(_)) => {}
                done => return done.unwrap(),
            }
        }
        panic!("the object store never answered");
    }
}

#[tokio::test]
async fn what_was_acknowledged_at_one_server_goes_on_at_another() {
    let shed = Arc::new(Shed::default());
    let (song, digest) = song(900_001, 5);
    let servers = [Server::new(&shed, 1 << 30).await, Server::new(&shed, 1 << 30).await];
    let mut dice = Dice(7);
    let (mut acknowledged, mut moved, mut at) = (0, 0, 0);
    shed.fail(3, 6);
    let id = loop {
        let next = dice.below(2) as usize;
        moved += u32::from(next != at);
        at = next;
        let it = &servers[at];
        let Staged { id, offset, .. } =
            it.patient(|| it.blobs.stage(digest, song.len() as u64, "ann/ep".into())).await;
        assert!(offset >= acknowledged, "{acknowledged} bytes were acknowledged, {offset} are left");
        let mut offset = offset;
        for _ in 0..1 + dice.below(4) {
            let end = (offset + 1 + dice.below(25_000)).min(song.len() as u64);
            offset =
                it.blobs.write_staged(id, offset, song.slice(offset as usize..end as usize)).await.unwrap();
            if let Ok(synced) = it.blobs.sync_staged(id).await {
                assert_eq!(synced, offset);
                acknowledged = offset;
            }
        }
        if acknowledged == song.len() as u64 {
            break id;
        }
    };
    let met = shed.met.load(Ordering::Relaxed);
    assert!(moved > 5 && met > 20, "{moved} moves, {met} faults");
    // The one that did not bring the last bytes brings it to its end.
    let other = &servers[1 - at];
    let told = other.patient(|| other.blobs.staged(id)).await;
    assert_eq!((told.offset, told.owner.as_str()), (song.len() as u64, "ann/ep"));
    assert_eq!(other.patient(|| other.blobs.name_staged(id)).await, digest);
    shed.fail(0, 0);
    other.blobs.forget_staged(id).await.unwrap();
    let refused = servers[at].blobs.staged(id).await;
    assert!(matches!(refused, Err(BlobError::NoSuchUpload(it)) if it == id), "{refused:?}");
    assert_eq!(servers[at].whole(digest).await.unwrap(), song);
    assert_eq!(shed.keys(), [key_of(digest)], "pieces were left");
}

/// Both take bytes of one upload, cut otherwise; what each acknowledged counts.
#[tokio::test]
async fn two_servers_that_take_the_same_upload_at_once_bring_it_to_one_end() {
    let shed = Arc::new(Shed::default());
    let (song, digest) = song(100_000, 6);
    let (one, two) = (Server::new(&shed, 1 << 30).await, Server::new(&shed, 1 << 30).await);
    let id = one.blobs.stage(digest, 100_000, "ann".into()).await.unwrap().id;
    assert_eq!(two.blobs.stage(digest, 100_000, "ann".into()).await.unwrap().id, id);
    for (server, cuts) in [(&one, [0, 30_000, 55_000]), (&two, [0, 40_000, 70_000])] {
        for part in cuts.windows(2) {
            let chunk = song.slice(part[0]..part[1]);
            server.blobs.write_staged(id, part[0] as u64, chunk).await.unwrap();
            server.blobs.sync_staged(id).await.unwrap();
        }
    }
    let third = Server::new(&shed, 1 << 30).await;
    assert_eq!(third.blobs.staged(id).await.unwrap().offset, 70_000);
    assert_eq!(one.blobs.staged(id).await.unwrap().offset, 70_000);
    one.blobs.write_staged(id, 70_000, song.slice(70_000..)).await.unwrap();
    assert_eq!(one.blobs.finish_staged(id).await.unwrap(), digest);
    assert_eq!(third.whole(digest).await.unwrap(), song);
    assert!(matches!(two.blobs.staged(id).await, Err(BlobError::NoSuchUpload(_))));
    assert_eq!(shed.keys(), [key_of(digest)]);
}

#[tokio::test]
async fn a_damaged_piece_is_sent_again_by_its_sender() {
    let shed = Arc::new(Shed::default());
    let (song, digest) = song(60_000, 7);
    let one = Server::new(&shed, 1 << 30).await;
    let id = one.blobs.stage(digest, 60_000, "ann".into()).await.unwrap().id;
    for at in [0, 20_000, 40_000] {
        one.blobs.write_staged(id, at, song.slice(at as usize..at as usize + 20_000)).await.unwrap();
        one.blobs.sync_staged(id).await.unwrap();
    }
    let damaged = shed.keys().into_iter().find(|key| key.contains("00020000-")).unwrap();
    shed.lay(&damaged, &[0; 20_000]);
    let two = Server::new(&shed, 1 << 30).await;
    assert_eq!(two.blobs.staged(id).await.unwrap().offset, 20_000);
    two.blobs.write_staged(id, 20_000, song.slice(20_000..)).await.unwrap();
    two.blobs.finish_staged(id).await.unwrap();
    assert_eq!(two.whole(digest).await.unwrap(), song);
}

/// The promise of the whole part: acknowledged is there, for a server that has nothing, and nobody is ever given a wrong byte.
async fn storm(shed: Arc<Shed>, seed: u64) {
    let server = Server::new(&shed, 300_000).await;
    let mut dice = Dice(seed);
    let mut acknowledged = Vec::new();
    shed.fail(seed, 4);
    for number in 0..60 {
        let (song, digest) = song(1 + dice.below(120_000) as usize, seed * 1000 + number);
        let stored = match dice.below(3) {
            0 => server.blobs.put(song.clone()).await,
            1 => {
                let path = server.folder.path().join("made.wav");
                fs::write(&path, &song).unwrap();
                let taken = server.blobs.adopt(path.clone()).await.map(|(found, _)| found);
                assert!(taken.is_ok() != path.exists(), "who is refused keeps the file");
                taken
            }
            _ => {
                let blobs = &server.blobs;
                match blobs.stage(digest, song.len() as u64, "ann".into()).await {
                    Ok(staged) if staged.offset == 0 => {
                        blobs.write_staged(staged.id, 0, song.clone()).await.unwrap();
                        blobs.finish_staged(staged.id).await
                    }
                    Ok(_) => continue,
                    Err(error) => Err(error),
                }
            }
        };
        match stored {
            Ok(found) => {
                assert_eq!(found, digest);
                acknowledged.push((song, digest));
            }
            Err(BlobError::Far(_)) => {}
            Err(error) => panic!("{error}"),
        }
        if let Some((song, digest)) = acknowledged.get(dice.below(1 + acknowledged.len() as u64) as usize) {
            match server.whole(*digest).await {
                Ok(read) => assert!(read == song[..], "a wrong byte was served"),
                Err(BlobError::Far(_) | BlobError::Corrupt(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }
    shed.fail(0, 0);
    assert!(acknowledged.len() > 30, "only {}", acknowledged.len());
    let fresh = Server::new(&shed, 1 << 30).await;
    for (song, digest) in &acknowledged {
        assert!(fresh.whole(*digest).await.unwrap() == song[..], "acknowledged and lost");
        assert!(server.whole(*digest).await.unwrap() == song[..]);
    }
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_while_the_store_fails() {
    for seed in 1..=4 {
        storm(Arc::new(Shed::default()), seed).await;
    }
}

#[tokio::test]
async fn a_store_that_ignores_conditions_does_no_harm() {
    for seed in 11..=12 {
        storm(Arc::new(Shed { ignores_conditions: true, ..Shed::default() }), seed).await;
    }
}

#[tokio::test]
async fn a_store_that_is_away_refuses_and_keeps_what_was_given() {
    let shed = Arc::new(Shed::default());
    let server = Server::new(&shed, 1 << 30).await;
    let (song, digest) = song(9_000, 8);
    let id = server.blobs.stage(digest, 9_000, "ann".into()).await.unwrap().id;
    server.blobs.write_staged(id, 0, song.clone()).await.unwrap();
    let away = || server.blobs.far().unwrap().away();
    assert!(!away());
    shed.fail(1, 1);
    for _ in 0..3 {
        assert!(matches!(server.blobs.put(song.clone()).await, Err(BlobError::Far(_))));
        assert!(away(), "whoever watches over it can see it");
        assert!(matches!(server.blobs.name_staged(id).await, Err(BlobError::Far(_))));
    }
    shed.fail(0, 0);
    assert_eq!(server.blobs.finish_staged(id).await.unwrap(), digest);
    assert!(!away());
    assert_eq!(server.whole(digest).await.unwrap(), song);
}

#[tokio::test]
async fn wrong_bytes_under_a_name_are_no_reason_to_say_that_it_is_there() {
    let shed = Arc::new(Shed::default());
    let server = Server::new(&shed, 1 << 30).await;
    for (number, garbage) in [&b"short"[..], &[7; 5_000], b""].into_iter().enumerate() {
        let (song, digest) = song(5_000, 40 + number as u64);
        shed.lay(&key_of(digest), garbage);
        assert_eq!(server.blobs.put(song.clone()).await.unwrap(), digest);
        assert_eq!(Server::new(&shed, 1 << 30).await.whole(digest).await.unwrap(), song);
    }
}

#[tokio::test]
async fn what_is_large_goes_in_parts() {
    let shed = Arc::new(Shed::default());
    let server = Server::new(&shed, 1 << 30).await;
    let bytes: Bytes = (0..(PART_BYTES as u32 * 2 + 77) / 4).flat_map(u32::to_le_bytes).collect();
    let digest = Digest(Sha256::digest(&bytes).into());
    let path = server.folder.path().join("long.wav");
    for _ in 0..2 {
        fs::write(&path, &bytes).unwrap();
        assert_eq!(server.blobs.adopt(path.clone()).await.unwrap(), (digest, bytes.len() as u64));
    }
    assert_eq!(Server::new(&shed, 1 << 30).await.whole(digest).await.unwrap(), bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_readers_bring_it_once() {
    let shed = Arc::new(Shed::default());
    let (song, digest) = song(400_000, 9);
    Server::new(&shed, 1 << 30).await.blobs.put(song.clone()).await.unwrap();
    let server = Arc::new(Server::new(&shed, 1 << 30).await);
    let before = shed.gets.load(Ordering::Relaxed);
    let readers = (0..16).map(|_| {
        let server = server.clone();
        tokio::spawn(async move { server.whole(digest).await.unwrap() })
    });
    for read in join_all(readers).await {
        assert_eq!(read.unwrap(), song);
    }
    assert_eq!(shed.gets.load(Ordering::Relaxed) - before, 1);
    let (total, chunks) = server.blobs.read(digest, 250_000, Some(50)).await.unwrap();
    let part = chunks.try_collect::<Vec<_>>().await.unwrap().concat();
    assert_eq!((total, &part[..]), (400_000, &song[250_000..250_050]));
    assert!(matches!(server.blobs.read(Digest([1; 32]), 0, None).await, Err(BlobError::Missing(_))));
}

#[tokio::test]
async fn the_oldest_copies_leave_and_what_is_lent_stays() {
    let shed = Arc::new(Shed::default());
    let server = Server::new(&shed, 25_000).await;
    let mut songs = Vec::new();
    for number in 0..6 {
        let (song, digest) = song(10_000, 60 + number);
        server.blobs.put(song.clone()).await.unwrap();
        if number == 0 {
            let path = server.blobs.local_path(digest).await.unwrap();
            assert_eq!(fs::read(path).unwrap(), song);
        }
        songs.push((song, digest));
    }
    assert!(server.far.shelf.bytes() <= 25_000 && server.copies() == 2, "{} copies", server.copies());
    assert!(server.copy(songs[0].1).exists(), "it was lent to a child");
    for (song, digest) in &songs {
        assert_eq!(server.whole(*digest).await.unwrap(), song[..]);
    }
    // After a restart the same holds, and what is in use stays.
    let root = server.folder.path().to_owned();
    let again = far(&shed, 25_000);
    let blobs = Blobs::open_beside(Some(again.clone()), Drive::real(), root, 0).await.unwrap();
    assert_eq!(again.shelf.bytes(), 20_000);
    // What the store lost meanwhile does not leave before it is there again.
    let copies: Vec<Digest> =
        songs.iter().map(|it| it.1).filter(|digest| server.copy(*digest).exists()).collect();
    copies.iter().for_each(|digest| drop(shed.objects.lock().unwrap().remove(&key_of(*digest))));
    for number in 0..3 {
        blobs.put(song(10_000, 80 + number).0).await.unwrap();
    }
    assert!(copies.iter().all(|digest| !server.copy(*digest).exists()));
    for digest in copies {
        assert_eq!(blobs.verify(digest).await.unwrap(), 10_000);
    }
}

#[tokio::test]
async fn a_damaged_copy_is_brought_again_and_damage_far_away_is_put_right() {
    let shed = Arc::new(Shed::default());
    let server = Server::new(&shed, 1 << 30).await;
    let pace = Pace::of(0);
    let (song, digest) = song(600_000, 10);
    server.blobs.put(song.clone()).await.unwrap();
    let flip = || {
        let mut bytes = song.to_vec();
        bytes[300_000] ^= 1;
        bytes
    };
    // A copy, met by a reader: the damaged piece is not sent, and the next reader has the right ones.
    fs::write(server.copy(digest), flip()).unwrap();
    assert!(matches!(server.whole(digest).await, Err(BlobError::Corrupt(_))));
    assert_eq!(server.whole(digest).await.unwrap(), song);
    // Met by what hands it to a child, and by the scrub.
    fs::write(server.copy(digest), flip()).unwrap();
    assert_eq!(server.blobs.verify(digest).await.unwrap(), 600_000);
    fs::write(server.copy(digest), flip()).unwrap();
    assert_eq!(server.blobs.check(digest, &pace).await.unwrap(), 600_000);
    assert!(!server.copy(digest).exists() && server.blobs.damage().list().is_empty());
    assert_eq!(server.whole(digest).await.unwrap(), song);
    // Far away, with a good copy here: damaged, then gone.
    shed.lay(&key_of(digest), &flip());
    assert_eq!(server.blobs.check(digest, &pace).await.unwrap(), 600_000);
    shed.objects.lock().unwrap().remove(&key_of(digest));
    assert_eq!(server.blobs.check(digest, &pace).await.unwrap(), 600_000);
    assert_eq!(Server::new(&shed, 1 << 30).await.whole(digest).await.unwrap(), song);
    // Both: told, nothing of it served, and put right by a copy from a backup.
    let backup = server.folder.path().join("backup.wav");
    fs::write(&backup, &song).unwrap();
    shed.lay(&key_of(digest), &flip());
    fs::remove_file(server.copy(digest)).unwrap();
    assert!(matches!(server.blobs.check(digest, &pace).await, Err(BlobError::Corrupt(_))));
    assert_eq!(server.blobs.damage().list()[0].0, Thing::Audio(digest));
    assert!(matches!(server.whole(digest).await, Err(BlobError::Corrupt(_))));
    server.blobs.take_copy(backup, digest).await.unwrap();
    assert!(server.blobs.damage().list().is_empty());
    assert_eq!(Server::new(&shed, 1 << 30).await.whole(digest).await.unwrap(), song);
}

#[tokio::test]
async fn what_nobody_names_goes_in_two_phases_and_comes_back_when_it_is_asked_for() {
    let shed = Arc::new(Shed::default());
    let (server, other) = (Server::new(&shed, 1 << 30).await, Server::new(&shed, 1 << 30).await);
    let (song, digest) = song(4_000, 11);
    server.blobs.put(song.clone()).await.unwrap();
    assert!(!server.blobs.discard(digest, 5).await.unwrap(), "it was touched a moment ago");
    assert!(server.blobs.take_touched().contains(&digest));
    assert_eq!(server.blobs.names().await.unwrap(), [digest]);
    assert!(server.blobs.discard(digest, 5).await.unwrap());
    assert!(!server.blobs.lies_there(digest).await.unwrap() && server.copies() == 0);
    let trash = other.blobs.trash().await.unwrap();
    assert_eq!((trash[0].digest, trash[0].at_ms), (digest, 5));
    // Another server was about to name it and reads it now.
    assert_eq!(other.whole(digest).await.unwrap(), song);
    assert!(server.blobs.trash().await.unwrap().is_empty() && server.blobs.lies_there(digest).await.unwrap());
    assert!(server.blobs.discard(digest, 6).await.unwrap());
    let discarded = server.blobs.trash().await.unwrap()[0];
    assert!(server.blobs.put_back(discarded).await.unwrap());
    server.blobs.take_touched();
    assert!(server.blobs.discard(digest, 7).await.unwrap());
    server.blobs.erase(server.blobs.trash().await.unwrap()[0]).await.unwrap();
    assert_eq!(shed.keys(), Vec::<String>::new());
    assert!(!server.blobs.has(digest).await.unwrap());
}

#[tokio::test]
async fn unfinished_uploads_go_from_the_store_when_nobody_came_back() {
    let shed = Arc::new(Shed::default());
    let server = Server::new(&shed, 1 << 30).await;
    let (old, young) = (song(5_000, 12), song(5_000, 13));
    for (song, digest) in [&old, &young] {
        let id = server.blobs.stage(*digest, 5_000, "ann".into()).await.unwrap().id;
        server.blobs.write_staged(id, 0, song.slice(..2_000)).await.unwrap();
        server.blobs.sync_staged(id).await.unwrap();
        if *digest == old.1 {
            shed.age("", Duration::from_secs(50 * 3600));
        }
    }
    let other = Server::new(&shed, 1 << 30).await;
    let day = Duration::from_secs(86_400);
    assert_eq!(other.blobs.sweep(2 * day).await.unwrap(), 1);
    assert_eq!(shed.keys().len(), 3, "one about, one piece, one begun: {:?}", shed.keys());
    assert_eq!(server.blobs.stage(young.1, 5_000, "ann".into()).await.unwrap().offset, 2_000);
    assert_eq!(server.blobs.stage(old.1, 5_000, "ann".into()).await.unwrap().offset, 0);
}

#[tokio::test]
async fn what_lay_in_the_folder_is_carried_over_and_an_upload_goes_on() {
    let shed = Arc::new(Shed::default());
    let folder = tempfile::tempdir().unwrap();
    let (first, half) = (song(30_000, 14), song(30_000, 15));
    let id = {
        let blobs = Blobs::open_with(folder.path().to_owned(), 0).await.unwrap();
        blobs.put(first.0.clone()).await.unwrap();
        let id = blobs.stage(half.1, 30_000, "ann".into()).await.unwrap().id;
        blobs.write_staged(id, 0, half.0.slice(..10_000)).await.unwrap();
        blobs.sync_staged(id).await.unwrap();
        id
    };
    let far = far(&shed, 1 << 30);
    let root = folder.path().to_owned();
    let blobs = Blobs::open_beside(Some(far), Drive::real(), root, 0).await.unwrap();
    assert_eq!(blobs.carry_over().await.unwrap(), 1);
    assert_eq!(blobs.carry_over().await.unwrap(), 0);
    assert_eq!(blobs.staged(id).await.unwrap().offset, 10_000);
    let other = Server::new(&shed, 1 << 30).await;
    assert_eq!(other.whole(first.1).await.unwrap(), first.0);
    assert_eq!(other.blobs.staged(id).await.unwrap().offset, 10_000);
}

#[tokio::test]
async fn a_place_that_is_somebody_elses_or_cannot_be_used_is_refused() {
    let shed = Arc::new(Shed::default());
    far(&shed, 1 << 30).check("ours").await.unwrap();
    far(&shed, 1 << 30).check("ours").await.unwrap();
    assert_eq!(shed.keys(), [CLAIM]);
    let refused = far(&shed, 1 << 30).check("theirs").await.unwrap_err();
    assert!(refused.contains("another studio") && refused.contains("audio.prefix"), "{refused}");
    shed.fail(1, 1);
    let refused = far(&shed, 1 << 30).check("ours").await.unwrap_err();
    assert!(refused.contains("the shed") && refused.contains("could not write"), "{refused}");
}
