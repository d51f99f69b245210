//! A whole server whose audio lies in a real object store. Goal: what was acknowledged is there for a server that lost its folder, a cut upload goes on there, and
//! a store that is away refuses and loses nothing. Method: moto, people on the wire, and folders that are emptied between two starts.
#![cfg(feature = "s3")]
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;
mod media_kit;
#[path = "../src/blob/far/s3/tests/moto.rs"]
#[allow(dead_code, reason = "the tests of the store itself use more of it")]
mod moto;

use std::{fs, net::TcpStream, sync::Arc, time::Duration};

use common::{FakeInspect, House, refused};
use deadwax_server::{
    blob::settings::{Hidden, Kind},
    config::Config,
    keep::{
        backup::backup_beside,
        elsewhere::Elsewhere,
        restore,
        travel::export::export,
        verify::{Sample, verify_beside},
    },
};
use media_kit::{chunks, download, fetch, send, sha256, start, take, tone, upload};
use moto::Moto;

fn in_bucket(endpoint: String, bucket: String) -> impl Fn(&mut Config) {
    move |config| {
        let audio = &mut config.audio;
        (audio.store, audio.endpoint, audio.bucket) = (Kind::S3, endpoint.clone(), bucket.clone());
        (audio.access_key, audio.secret_key) = ("AKID".into(), Hidden::new("top-secret"));
    }
}

async fn opened(moto: &Moto) -> House {
    House::open_on(Arc::new(FakeInspect), in_bucket(moto.endpoint(), moto.bucket())).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_lost_its_copies_and_uploads_has_them_from_the_store() {
    let Some(moto) = Moto::shared() else { return };
    let house = opened(moto).await;
    let mut ana = house.person("Ana", true).await;
    let bytes = tone(700_000);
    let (project, version) = take(&house, &mut ana, &bytes).await;
    let far = house.studio.blobs.far().unwrap();
    assert_eq!(far.length_of(sha256(&bytes)).await.unwrap(), Some(700_000));
    // A second file, cut half way.
    let other = tone(900_000);
    let begun = start(&mut ana, project, &other).await.unwrap();
    let mut half = chunks(&begun.upload_id, &other, 0);
    half.truncate(3);
    let told = send(&mut ana, half).await.unwrap();
    assert!(told.offset == 512 << 10 && !told.done, "{told:?}");
    // Another machine in its place: nothing of the audio is in its folder.
    let copy = house.studio.blobs.local_path(sha256(&bytes)).await.unwrap();
    fs::remove_file(copy).unwrap();
    for file in fs::read_dir(house.folder.path().join("uploads")).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    let asked = fetch(project, version, sha256(&bytes));
    assert_eq!(download(&mut ana, asked).await.unwrap(), (700_000, bytes));
    let fresh = tempfile::tempdir().unwrap();
    let root = fresh.path().to_owned();
    let drive = deadwax_server::disk::Drive::real();
    let blobs = deadwax_server::blob::Blobs::open_beside(Some(far.clone()), drive, root, 0).await.unwrap();
    let id = common::uuid_of(&begun.upload_id);
    assert_eq!(blobs.staged(id).await.unwrap().offset, told.offset, "another server goes on with it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_away_refuses_what_is_new_and_gives_what_lies_here() {
    let Some(moto) = Moto::start(&[]) else { return };
    let house = opened(&moto).await;
    let mut ana = house.person("Ana", true).await;
    let bytes = tone(100_000);
    let (project, version) = take(&house, &mut ana, &bytes).await;
    let port = moto.port();
    drop(moto);
    while TcpStream::connect(("127.0.0.1", port)).is_ok() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let status = refused(upload(&mut ana, project, &tone(50_000)).await, "AUDIO_UNAVAILABLE");
    assert_eq!(status.code(), tonic::Code::Unavailable);
    let asked = fetch(project, version, sha256(&bytes));
    assert_eq!(download(&mut ana, asked).await.unwrap(), (100_000, bytes));
}

/// What the operator's verbs say of a studio whose folder holds no copy.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verify_backup_restore_and_export_know_what_lies_far() {
    let Some(moto) = Moto::shared() else { return };
    let folder = tempfile::tempdir().unwrap();
    let house = House::open_embedded(folder, in_bucket(moto.endpoint(), moto.bucket())).await;
    let mut ana = house.person("Ana", true).await;
    let bytes = tone(300_000);
    take(&house, &mut ana, &bytes).await;
    let (far, config) = (house.studio.blobs.far().unwrap().clone(), house.studio.config());
    house.stop.cancel();
    house.served.await.unwrap().unwrap();
    let (root, store) = (house.folder, Arc::downgrade(&house.studio));
    drop((house.studio, ana));
    common::within(Duration::from_secs(10), "letting the folder go", async {
        while store.strong_count() > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    let (root, other) = (root.path(), tempfile::tempdir().unwrap());
    fs::remove_dir_all(root.join("blobs")).unwrap();
    let there = Elsewhere::of(Some(&far)).await.unwrap();
    assert_eq!(there.files, [(sha256(&bytes), 300_000)].into());
    let mut report = verify_beside(root, Sample::All, &there).unwrap();
    report.read_far(&far, &there, Sample::All).await.unwrap();
    assert_eq!((&report.damage[..], report.named, report.far, report.far_read), (&[][..], 1, 1, 1));
    assert!(!verify_beside(root, Sample::All, &Elsewhere::default()).unwrap().damage.is_empty());
    let dest = other.path().join("backup");
    let made = backup_beside(root, &dest, &there).unwrap();
    assert_eq!((&made.missing[..], made.far), (&[][..], 1));
    let dry = restore::dry_run(&dest, restore::At::End).unwrap();
    assert_eq!((&dry.damage[..], dry.far), (&[][..], 1));
    let back = restore::restore(&dest, &other.path().join("back"), restore::At::End).unwrap();
    assert_eq!((&back.damage[..], back.far), (&[][..], 1));
    let to = other.path().join("export");
    let done = export(root, &config, None, &to).await.unwrap();
    assert_eq!((done.audio, done.bytes), (1, 300_000));
}
