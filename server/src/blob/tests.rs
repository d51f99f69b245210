//! What uploads and blobs promise, on a real folder.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::{FileExt, PermissionsExt},
    time::{Duration, SystemTime},
};

use futures::{TryStreamExt, future::join_all};
use sha2::{Digest as _, Sha256};

use super::*;
use crate::store::conformance::Dice;

fn song(bytes: usize, seed: u64) -> (Bytes, Digest) {
    let mut dice = Dice(seed);
    let song: Bytes = (0..bytes).map(|_| dice.roll() as u8).collect();
    let digest = Digest(Sha256::digest(&song).into());
    (song, digest)
}

/// On a real folder, or beside the object store of whoever includes this file.
async fn open(folder: &tempfile::TempDir) -> Arc<Blobs> {
    let far = far_of_tests(folder.path());
    Blobs::open_beside(far, Drive::real(), folder.path().join("studio"), 0).await.unwrap()
}

/// What lies far comes back from there: `far::tests` has its own stories for that.
fn lies_here_alone(folder: &tempfile::TempDir) -> bool {
    far_of_tests(folder.path()).is_none()
}

async fn whole(blobs: &Blobs, digest: Digest) -> Result<Vec<u8>, BlobError> {
    let (_, chunks) = blobs.read(digest, 0, None).await?;
    Ok(chunks.try_collect::<Vec<_>>().await?.concat())
}

#[tokio::test]
async fn an_upload_goes_on_after_cuts_at_random_offsets_and_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let (song, digest) = song(700_001, 5);
    let mut dice = Dice(99);
    let mut blobs = open(&folder).await;
    let mut cuts = 0;
    loop {
        let staged = blobs.stage(digest, song.len() as u64, "ann/ep".into()).await.unwrap();
        let mut offset = staged.offset;
        // One connection: some chunks, some of them synced, then a cut.
        for _ in 0..dice.below(6) {
            let end = (offset + 1 + dice.below(40_000)).min(song.len() as u64);
            let chunk = song.slice(offset as usize..end as usize);
            offset = blobs.write_staged(staged.id, offset, chunk).await.unwrap();
            if dice.below(2) == 0 {
                assert_eq!(blobs.sync_staged(staged.id).await.unwrap(), offset);
            }
        }
        if offset == song.len() as u64 {
            assert_eq!(blobs.finish_staged(staged.id).await.unwrap(), digest);
            break;
        }
        cuts += 1;
        if dice.below(2) == 0 {
            drop(blobs);
            blobs = open(&folder).await;
        }
    }
    assert!(cuts > 5, "only {cuts} cuts");
    assert_eq!(whole(&blobs, digest).await.unwrap(), song);
    assert_eq!(fs::read_dir(folder.path().join("studio/uploads")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_restart_in_the_middle_keeps_what_was_synced_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let (song, digest) = song(50_000, 6);
    let blobs = open(&folder).await;
    let staged = blobs.stage(digest, 50_000, "ann".into()).await.unwrap();
    blobs.write_staged(staged.id, 0, song.slice(..20_000)).await.unwrap();
    blobs.sync_staged(staged.id).await.unwrap();
    blobs.write_staged(staged.id, 20_000, song.slice(20_000..30_000)).await.unwrap();
    drop(blobs);
    let blobs = open(&folder).await;
    let again = blobs.staged(staged.id).await.unwrap();
    assert_eq!((again.offset, again.owner.as_str()), (20_000, "ann"));
    blobs.write_staged(staged.id, 20_000, song.slice(20_000..)).await.unwrap();
    blobs.finish_staged(staged.id).await.unwrap();
    assert_eq!(whole(&blobs, digest).await.unwrap(), song);
}

/// The process dies between the name and the fact that tells of it.
#[tokio::test]
async fn bytes_that_have_their_name_are_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let (song, digest) = song(50_000, 16);
    let uploads = folder.path().join("studio/uploads");
    let blobs = open(&folder).await;
    let id = blobs.stage(digest, 50_000, "ann".into()).await.unwrap().id;
    blobs.write_staged(id, 0, song.clone()).await.unwrap();
    blobs.sync_staged(id).await.unwrap();
    blobs.name_staged(id).await.unwrap();
    for _ in 0..2 {
        let blobs = open(&folder).await;
        let there = blobs.stage(digest, 50_000, "ann".into()).await.unwrap();
        assert_eq!((there.id, there.offset), (id, 50_000));
        assert_eq!(fs::read(there.path).unwrap(), song);
        assert_eq!(blobs.check_staged(id).await.unwrap().digest, digest);
        assert_eq!(blobs.name_staged(id).await.unwrap(), digest);
    }
    let blobs = open(&folder).await;
    blobs.forget_staged(id).await.unwrap();
    assert_eq!(fs::read_dir(&uploads).unwrap().count(), 0);
    assert_eq!(whole(&blobs, digest).await.unwrap(), song, "they stay under their name");
    assert_eq!(blobs.stage(digest, 50_000, "ann".into()).await.unwrap().offset, 0);
}

#[tokio::test]
async fn bytes_whose_name_is_gone_meanwhile_are_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    if !lies_here_alone(&folder) {
        return;
    }
    let (song, digest) = song(5_000, 17);
    let blobs = open(&folder).await;
    let id = blobs.stage(digest, 5_000, "ann".into()).await.unwrap().id;
    blobs.write_staged(id, 0, song).await.unwrap();
    blobs.name_staged(id).await.unwrap();
    fs::remove_file(blobs.path_of(digest)).unwrap();
    assert!(matches!(blobs.name_staged(id).await, Err(BlobError::NoSuchUpload(_))));
    let again = blobs.stage(digest, 5_000, "ann".into()).await.unwrap();
    assert!(again.id != id && again.offset == 0);
    blobs.write_staged(again.id, 0, Bytes::from_static(b"x")).await.unwrap();
    drop(blobs);
    let blobs = open(&folder).await;
    assert!(matches!(blobs.staged(id).await, Err(BlobError::NoSuchUpload(_))));
}

#[tokio::test]
async fn a_wrong_digest_is_refused_and_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let (song, received) = song(1_000, 7);
    let stated = Digest([7; 32]);
    let blobs = open(&folder).await;
    let staged = blobs.stage(stated, 1_000, "ann".into()).await.unwrap();
    blobs.write_staged(staged.id, 0, song).await.unwrap();
    let refused = blobs.finish_staged(staged.id).await.unwrap_err();
    assert!(
        matches!(refused, BlobError::DigestDiffers { stated: s, received: r } if s == stated && r == received)
    );
    assert!(matches!(blobs.staged(staged.id).await, Err(BlobError::NoSuchUpload(_))));
    assert!(!blobs.has(stated).await.unwrap() && !blobs.has(received).await.unwrap());
    assert!(!staged.path.exists());
}

#[tokio::test]
async fn wrong_offsets_early_ends_and_too_many_bytes_are_refused_and_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (song, digest) = song(1_000, 8);
    let blobs = open(&folder).await;
    let id = blobs.stage(digest, 1_000, "ann".into()).await.unwrap().id;
    let refused = blobs.write_staged(id, 1, song.slice(..1)).await;
    assert!(matches!(refused, Err(BlobError::OffsetDiffers { offset: 0, sent: 1 })));
    blobs.write_staged(id, 0, song.slice(..600)).await.unwrap();
    let repeated = blobs.write_staged(id, 0, song.slice(..600)).await;
    assert!(matches!(repeated, Err(BlobError::OffsetDiffers { offset: 600, sent: 0 })));
    let early = blobs.finish_staged(id).await;
    assert!(matches!(early, Err(BlobError::OffsetDiffers { offset: 600, sent: 1_000 })));
    let oversize = blobs.write_staged(id, 600, song.slice(..401)).await;
    assert!(matches!(oversize, Err(BlobError::TooManyBytes)));
    blobs.write_staged(id, 600, song.slice(600..)).await.unwrap();
    assert_eq!(blobs.finish_staged(id).await.unwrap(), digest);
}

#[tokio::test]
async fn every_flipped_bit_is_noticed_before_the_last_chunk() {
    let folder = tempfile::tempdir().unwrap();
    if !lies_here_alone(&folder) {
        return;
    }
    let (song, digest) = song(600_000, 9);
    let blobs = open(&folder).await;
    assert_eq!(blobs.put(song.clone()).await.unwrap(), digest);
    let path = blobs.local_path(digest).await.unwrap();
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    let mut dice = Dice(3);
    for _ in 0..20 {
        let at = dice.below(song.len() as u64);
        let flipped = song[at as usize] ^ 1 << dice.below(8);
        file.write_all_at(&[flipped], at).unwrap();
        let (total, mut chunks) = blobs.read(digest, 0, None).await.unwrap();
        let mut received = 0;
        let end = loop {
            match chunks.try_next().await {
                Ok(Some(chunk)) => received += chunk.len() as u64,
                end => break end,
            }
        };
        assert!(matches!(end, Err(BlobError::Corrupt(d)) if d == digest));
        assert!(received < total);
        file.write_all_at(&song[at as usize..=at as usize], at).unwrap();
    }
    assert_eq!(blobs.verify(digest).await.unwrap(), song.len() as u64);
    // A blob that was cut short is noticed too, and heals when the same bytes arrive again.
    file.set_len(1_000).unwrap();
    assert!(matches!(whole(&blobs, digest).await, Err(BlobError::Corrupt(_))));
    blobs.put(song.clone()).await.unwrap();
    assert_eq!(whole(&blobs, digest).await.unwrap(), song);
}

#[tokio::test]
async fn ranges_give_exactly_the_bytes_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (song, digest) = song(600_000, 10);
    let blobs = open(&folder).await;
    blobs.put(song.clone()).await.unwrap();
    let ranges = [(0, Some(10)), (599_999, None), (5, None), (250_000, Some(300_000)), (7, Some(u64::MAX))];
    for (offset, length) in ranges.into_iter().chain([(600_000, None), (700_000, Some(5)), (3, Some(0))]) {
        let (total, chunks) = blobs.read(digest, offset, length).await.unwrap();
        let got = chunks.try_collect::<Vec<_>>().await.unwrap().concat();
        let from = (offset as usize).min(song.len());
        let to = length.map_or(song.len(), |length| from + (length as usize).min(song.len() - from));
        assert_eq!((total, &got[..]), (600_000, &song[from..to]));
    }
    assert!(matches!(blobs.read(Digest([0; 32]), 0, None).await, Err(BlobError::Missing(_))));
    let empty = blobs.put(Bytes::new()).await.unwrap();
    assert!(whole(&blobs, empty).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_file_from_many_hands_is_one_upload_for_each_owner() {
    let folder = tempfile::tempdir().unwrap();
    let (song, digest) = song(100_000, 11);
    let blobs = open(&folder).await;
    let hands = (0..16).map(|hand| {
        let blobs = blobs.clone();
        tokio::spawn(
            async move { blobs.stage(digest, 100_000, format!("owner {}", hand % 2)).await.unwrap().id },
        )
    });
    let mut ids: Vec<_> = join_all(hands).await.into_iter().map(Result::unwrap).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 2);
    // Both send the same chunks at once, twice over; each offset is taken once, and both end in the same blob.
    let writers = ids.iter().chain(&ids).map(|id| {
        let (blobs, song, id) = (blobs.clone(), song.clone(), *id);
        tokio::spawn(async move {
            for at in (0..100_000).step_by(10_000) {
                match blobs.write_staged(id, at, song.slice(at as usize..at as usize + 10_000)).await {
                    Ok(_) | Err(BlobError::OffsetDiffers { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        })
    });
    join_all(writers).await.into_iter().for_each(|done| done.unwrap());
    for id in ids {
        let mut offset = blobs.staged(id).await.unwrap().offset;
        while offset < 100_000 {
            offset = blobs.write_staged(id, offset, song.slice(offset as usize..)).await.unwrap();
        }
        assert_eq!(blobs.finish_staged(id).await.unwrap(), digest);
    }
    assert_eq!(whole(&blobs, digest).await.unwrap(), song);
}

#[tokio::test]
async fn adopt_moves_a_file_under_its_digest() {
    let folder = tempfile::tempdir().unwrap();
    let (song, digest) = song(300_000, 12);
    let blobs = open(&folder).await;
    for _ in 0..2 {
        let path = folder.path().join("render.wav");
        fs::write(&path, &song).unwrap();
        assert_eq!(blobs.adopt(path.clone()).await.unwrap(), (digest, 300_000));
        assert!(!path.exists());
    }
    let path = blobs.local_path(digest).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), song);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(blobs.adopt(folder.path().join("absent.wav")).await.is_err());
}

#[tokio::test]
async fn a_nearly_full_disk_refuses_uploads_and_keeps_reads() {
    let folder = tempfile::tempdir().unwrap();
    let (song, digest) = song(1_000, 13);
    open(&folder).await.put(song.clone()).await.unwrap();
    let full = Blobs::open_with(folder.path().join("studio"), u64::MAX / 2).await.unwrap();
    let refused = full.stage(Digest([1; 32]), 10, "ann".into()).await;
    assert!(matches!(refused, Err(BlobError::DiskNearlyFull { .. })));
    assert!(matches!(full.put(song.clone()).await, Err(BlobError::DiskNearlyFull { .. })));
    assert_eq!(whole(&full, digest).await.unwrap(), song);
    assert_eq!(fs::read_dir(folder.path().join("studio/uploads")).unwrap().count(), 0);
}

#[tokio::test]
async fn stale_uploads_are_swept_and_young_ones_stay() {
    let folder = tempfile::tempdir().unwrap();
    if !lies_here_alone(&folder) {
        return;
    }
    let blobs = open(&folder).await;
    let old = blobs.stage(Digest([1; 32]), 10, "ann".into()).await.unwrap();
    let young = blobs.stage(Digest([2; 32]), 10, "ann".into()).await.unwrap();
    let day = Duration::from_secs(86_400);
    File::options().write(true).open(&old.path).unwrap().set_modified(SystemTime::now() - 3 * day).unwrap();
    assert_eq!(blobs.sweep(2 * day).await.unwrap(), 1);
    assert!(matches!(blobs.staged(old.id).await, Err(BlobError::NoSuchUpload(_))));
    assert_eq!(blobs.staged(young.id).await.unwrap(), young);
    assert!(!old.path.exists() && young.path.exists());
}

#[tokio::test]
async fn files_of_no_upload_go_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(&folder).await);
    let uploads = folder.path().join("studio/uploads");
    fs::write(uploads.join("00000000000000000000000000000001.part"), "no sidecar").unwrap();
    fs::write(uploads.join("00000000000000000000000000000002.json"), "{\"digest\":").unwrap();
    fs::write(uploads.join("stray"), "x").unwrap();
    let blobs = open(&folder).await;
    assert!(matches!(blobs.staged(1).await, Err(BlobError::NoSuchUpload(1))));
    assert!(!uploads.join("00000000000000000000000000000001.part").exists());
    assert!(!uploads.join("00000000000000000000000000000002.json").exists());
}

#[tokio::test]
async fn derived_files_lie_apart_from_the_blobs() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = open(&folder).await;
    let digest = Digest([3; 32]);
    blobs.write_derived(digest, "waveform", Bytes::from_static(b"peaks")).await.unwrap();
    assert_eq!(fs::read(blobs.path_of_derived(digest, "waveform")).unwrap(), b"peaks");
    assert!(!blobs.has(digest).await.unwrap());
}
