//! The same promises over a real S3 server (moto) and over a line to it that breaks by lot. Where none is installed the tests say `not-run`;
//! `DEADWAX_TEST_S3=required` makes that a failure. Never here: the server itself (`moto`).

mod moto;
mod weather;

use std::{fs, os::unix::fs::PermissionsExt as _, sync::atomic::Ordering, time::Duration};

use deadwax_domain::Digest;
use futures::TryStreamExt as _;
use sha2::{Digest as _, Sha256};

use super::*;
use crate::{
    blob::{
        BlobError, Blobs,
        settings::{Hidden, Kind},
    },
    disk::Drive,
    store::conformance::Dice,
};
use moto::Moto;
use weather::Weather;

fn settings(endpoint: String, bucket: &str) -> Audio {
    Audio {
        store: Kind::S3,
        endpoint,
        bucket: bucket.into(),
        prefix: "a/studio".into(),
        access_key: "AKID".into(),
        secret_key: Hidden::new("top-secret"),
        ..Audio::default()
    }
}

fn song(bytes: usize, seed: u64) -> (Bytes, Digest) {
    let mut dice = Dice(seed);
    let song: Bytes = (0..bytes.div_ceil(8)).flat_map(|_| dice.roll().to_le_bytes()).take(bytes).collect();
    let digest = Digest(Sha256::digest(&song).into());
    (song, digest)
}

struct Server {
    folder: tempfile::TempDir,
    blobs: Arc<Blobs>,
}

impl Server {
    async fn new(audio: &Audio) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let s3 = S3::open(audio, folder.path()).unwrap();
        let far = Far::patient(Arc::new(s3), 1 << 30, Duration::from_millis(20), Duration::from_secs(20));
        let root = folder.path().to_owned();
        let blobs = Blobs::open_beside(Some(far), Drive::real(), root, 0).await.unwrap();
        Self { folder, blobs }
    }

    async fn whole(&self, digest: Digest) -> Result<Vec<u8>, BlobError> {
        let (_, chunks) = self.blobs.read(digest, 0, None).await?;
        Ok(chunks.try_collect::<Vec<_>>().await?.concat())
    }
}

#[tokio::test]
async fn a_real_server_does_what_is_asked_of_a_bucket() {
    let Some(moto) = Moto::shared() else { return };
    let s3 = S3::open(&settings(moto.endpoint(), &moto.bucket()), std::path::Path::new("/")).unwrap();
    let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
    assert_eq!(s3.put("blobs/aa/1", bytes("one"), true).await, Ok(Put::Made));
    assert_eq!(s3.put("blobs/aa/1", bytes("two"), true).await, Ok(Put::Exists));
    assert_eq!(s3.put("blobs/aa/2", bytes(""), true).await, Ok(Put::Made));
    let read = |key: &'static str, from| {
        let s3 = &s3;
        async move {
            let (total, arriving) = s3.get(key, from).await.unwrap()?;
            Some((total, arriving.try_collect::<Vec<_>>().await.unwrap().concat()))
        }
    };
    assert_eq!(read("blobs/aa/1", 0).await, Some((3, b"one".to_vec())));
    assert_eq!(read("blobs/aa/1", 2).await, Some((3, b"e".to_vec())));
    assert_eq!(read("blobs/aa/2", 0).await, Some((0, vec![])));
    assert_eq!(read("blobs/aa/3", 0).await, None);
    assert_eq!(s3.put("blobs/aa/1", bytes("two!"), false).await, Ok(Put::Made));
    assert_eq!((s3.length("blobs/aa/1").await, s3.length("blobs/x").await), (Ok(Some(4)), Ok(None)));
    assert_eq!(s3.copy("blobs/aa/1", "trash/1-5").await, Ok(true));
    assert_eq!(s3.copy("blobs/aa/none", "trash/1-6").await, Ok(false));
    let listed = |folder: &'static str| {
        let s3 = &s3;
        async move { s3.list(folder).await.unwrap().into_iter().map(|it| (it.key, it.bytes)).collect::<Vec<_>>() }
    };
    assert_eq!(listed("blobs").await, [("blobs/aa/1".to_owned(), 4), ("blobs/aa/2".to_owned(), 0)]);
    assert_eq!(listed("trash").await, [("trash/1-5".to_owned(), 4)]);
    let age = s3.list("trash").await.unwrap()[0].changed.elapsed().unwrap_or_default();
    assert!(age < Duration::from_secs(120), "{age:?}");
    for key in ["blobs/aa/1", "blobs/aa/1", "never"] {
        assert_eq!(s3.remove(key).await, Ok(()));
    }
    assert_eq!(listed("blobs").await, [("blobs/aa/2".to_owned(), 0)]);
    // More than a thousand: the list comes in pages.
    let many = (0..1100).map(|number| {
        let s3 = &s3;
        async move { s3.put(&format!("uploads/{number}"), Bytes::from_static(b"x"), false).await.unwrap() }
    });
    futures::stream::iter(many).buffer_unordered(8).collect::<Vec<_>>().await;
    assert_eq!(s3.list("uploads").await.unwrap().len(), 1100);
}

#[tokio::test]
async fn audio_lies_in_a_real_server_and_comes_back_from_it() {
    let Some(moto) = Moto::shared() else { return };
    let audio = settings(moto.endpoint(), &moto.bucket());
    let server = Server::new(&audio).await;
    server.blobs.far().unwrap().check("ours").await.unwrap();
    let refused = Server::new(&audio).await.blobs.far().unwrap().check("theirs").await.unwrap_err();
    assert!(refused.contains("another studio"), "{refused}");
    let (small, large) = (song(300_001, 1), song(40_000_003, 2));
    assert_eq!(server.blobs.put(small.0.clone()).await.unwrap(), small.1);
    let path = server.folder.path().join("long.wav");
    fs::write(&path, &large.0).unwrap();
    assert_eq!(server.blobs.adopt(path).await.unwrap(), (large.1, 40_000_003));
    // The same again finds it there.
    assert_eq!(server.blobs.put(small.0.clone()).await.unwrap(), small.1);
    let other = Server::new(&audio).await;
    for (song, digest) in [&small, &large] {
        assert!(other.whole(*digest).await.unwrap() == song[..]);
        assert_eq!(other.blobs.check(*digest, &crate::blob::Pace::of(0)).await.unwrap(), song.len() as u64);
    }
    // Begun at one server, gone on with and finished at the other.
    let (song, digest) = song(9_000_000, 3);
    let id = server.blobs.stage(digest, song.len() as u64, "ann".into()).await.unwrap().id;
    server.blobs.write_staged(id, 0, song.slice(..8_500_000)).await.unwrap();
    server.blobs.sync_staged(id).await.unwrap();
    drop(server);
    let staged = other.blobs.stage(digest, song.len() as u64, "ann".into()).await.unwrap();
    assert_eq!((staged.id, staged.offset), (id, 8_500_000));
    other.blobs.write_staged(id, 8_500_000, song.slice(8_500_000..)).await.unwrap();
    assert_eq!(other.blobs.finish_staged(id).await.unwrap(), digest);
    let third = Server::new(&audio).await;
    assert!(third.whole(digest).await.unwrap() == song[..]);
    assert_eq!(third.blobs.names().await.unwrap().len(), 3);
    // What nobody names.
    assert!(third.blobs.take_touched().contains(&digest));
    assert!(third.blobs.discard(digest, 5).await.unwrap());
    let discarded = Server::new(&audio).await.blobs.trash().await.unwrap()[0];
    assert_eq!(discarded.digest, digest);
    third.blobs.erase(discarded).await.unwrap();
    assert!(!Server::new(&audio).await.blobs.has(digest).await.unwrap());
}

/// 503, answers that are lost, bodies that are torn or bent, and a line that is slow.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_no_wrong_byte_is_served_over_a_bad_line() {
    let Some(moto) = Moto::shared() else { return };
    let bucket = moto.bucket();
    let weather = Weather::begin(moto.port()).await;
    let bad = settings(weather.endpoint(), &bucket);
    let (mut acknowledged, mut refused, mut failed_reads) = (Vec::new(), 0, 0);
    let mut dice = Dice(99);
    let server = Server::new(&bad).await;
    for number in 0..40 {
        let length = if number == 20 { 20_000_000 } else { 1 + dice.below(400_000) as usize };
        let (song, digest) = song(length, 100 + number);
        let stored = match dice.below(2) {
            0 => server.blobs.put(song.clone()).await,
            _ => match server.blobs.stage(digest, length as u64, "ann".into()).await {
                Ok(staged) => {
                    server.blobs.write_staged(staged.id, 0, song.clone()).await.unwrap();
                    match server.blobs.sync_staged(staged.id).await {
                        Ok(_) => server.blobs.finish_staged(staged.id).await,
                        Err(error) => Err(error),
                    }
                }
                Err(error) => Err(error),
            },
        };
        match stored {
            Ok(_) => acknowledged.push((song, digest)),
            Err(BlobError::Far(_)) => refused += 1,
            Err(error) => panic!("{error}"),
        }
        let one = dice.below(acknowledged.len().max(1) as u64) as usize;
        if number % 4 == 3
            && let Some((song, digest)) = acknowledged.get(one)
        {
            match Server::new(&bad).await.whole(*digest).await {
                Ok(read) => assert!(read == song[..], "a wrong byte was served"),
                Err(BlobError::Far(_) | BlobError::Corrupt(_)) => failed_reads += 1,
                Err(error) => panic!("{error}"),
            }
        }
    }
    let met = weather.met.load(Ordering::Relaxed);
    println!(
        "{} acknowledged, {refused} refused, {failed_reads} reads failed, {met} faults",
        acknowledged.len()
    );
    assert!(met > 30 && acknowledged.len() > 20, "{met} faults, {} acknowledged", acknowledged.len());
    let good = Server::new(&settings(moto.endpoint(), &bucket)).await;
    for (song, digest) in &acknowledged {
        assert!(good.whole(*digest).await.unwrap() == song[..], "acknowledged and lost");
    }
}

#[tokio::test]
async fn what_cannot_be_used_is_said_in_a_sentence() {
    let Some(moto) = Moto::shared() else { return };
    let asked = |audio: Audio| async move {
        Server::new(&audio).await.blobs.far().unwrap().check("us").await.unwrap_err()
    };
    let said = asked(settings(moto.endpoint(), "no-such-bucket")).await;
    assert!(said.contains("there is no such bucket") && said.contains("audio.bucket"), "{said}");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let said = asked(settings(format!("http://127.0.0.1:{free}"), "music")).await;
    assert!(said.contains("could not write") && said.matches("://").count() == 1, "{said}");
    let closed = Weather::forbids().await;
    let said = asked(settings(closed.endpoint(), "music")).await;
    assert!(said.contains("audio.credentials_file") && !said.contains("top-secret"), "{said}");
}

#[tokio::test]
async fn the_line_is_encrypted_and_believes_the_authority_it_was_given_alone() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".into()]).unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    fs::write(&cert, made.cert.pem()).unwrap();
    fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let more = ["-c", cert.to_str().unwrap(), "-k", key.to_str().unwrap()];
    let Some(moto) = Moto::start(&more) else { return };
    let endpoint = format!("https://localhost:{}", moto.port());
    let known = Audio { ca: cert.clone(), ..settings(endpoint.clone(), "music") };
    let said = Server::new(&known).await.blobs.far().unwrap().check("us").await.unwrap_err();
    assert!(said.contains("there is no such bucket"), "it was heard over TLS: {said}");
    let strange = settings(endpoint, "music");
    let said = Server::new(&strange).await.blobs.far().unwrap().check("us").await.unwrap_err();
    assert!(said.contains("could not write") && !said.contains("bucket;"), "{said}");
}
