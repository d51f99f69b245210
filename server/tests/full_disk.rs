//! A disk that fills up, a small one of its own: audio is refused early and clearly, people can still sign, and the server goes on when there is room again.
//! Needs the right to mount; where that is missing the test says so and does nothing.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;

use std::{path::Path, process::Command as Shell};

use common::{House, Seat, id_text, refused};
use deadwax_domain::ProjectId;
use deadwax_proto::v1::{self, action::Action as Act, projects_client::ProjectsClient};
use futures::stream;
use sha2::{Digest as _, Sha256};
use tonic::Status;

const MIB: usize = 1 << 20;
const DISK_MIB: usize = 160;
const RESERVE_MIB: usize = 64;

/// A file system of its own, gone at the end.
struct Disk(std::path::PathBuf);

impl Disk {
    /// With room for so many files. `None`: that is not allowed here, and told.
    fn mount(at: &Path, files: usize) -> Option<Self> {
        let size = format!("size={DISK_MIB}m,nr_inodes={files}");
        let mut mount = Shell::new("mount");
        let done = mount.args(["-t", "tmpfs", "-o", &size, "deadwax-test"]).arg(at).output();
        if done.is_ok_and(|done| done.status.success()) {
            return Some(Self(at.to_owned()));
        }
        println!("#gate FULL not-run a small disk could not be mounted here");
        None
    }

    fn free(&self) -> u64 {
        let disk = rustix::fs::statvfs(&self.0).unwrap();
        disk.f_bavail * disk.f_frsize
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Shell::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Bytes that the fake decoder takes; no two seeds alike.
fn song(bytes: usize, seed: u8) -> Vec<u8> {
    let mut all = vec![seed; bytes];
    all[..4].copy_from_slice(b"tone");
    all
}

async fn upload(seat: &mut Seat, project: ProjectId, bytes: Vec<u8>) -> Result<v1::UploadState, Status> {
    let asked = seat.with(v1::BeginUploadRequest {
        project_id: id_text(project.0),
        sha256: hex::encode(Sha256::digest(&bytes)),
        bytes: bytes.len() as u64,
        name: "mix.wav".into(),
    });
    let state = seat.media.begin_upload(asked).await?.into_inner();
    let chunks: Vec<_> = bytes[state.offset as usize..]
        .chunks(256 << 10)
        .map(|data| v1::UploadChunk {
            upload_id: state.upload_id.clone(),
            offset: state.offset,
            data: data.to_vec().into(),
        })
        .collect();
    let asked = seat.with(stream::iter(chunks));
    Ok(seat.media.upload(asked).await?.into_inner())
}

/// A write to the ledger, through the wire.
async fn add_song(seat: &Seat, project: ProjectId, title: &str) -> Result<v1::PerformResponse, Status> {
    let song_id = id_text(uuid::Uuid::now_v7().as_u128());
    let add = v1::AddSong { song_id, title: title.into(), isrc: String::new() };
    let asked = seat.with(v1::PerformRequest {
        command_id: id_text(uuid::Uuid::now_v7().as_u128()),
        project_id: id_text(project.0),
        expected: None,
        action: Some(v1::Action { action: Some(Act::AddSong(add)) }),
    });
    ProjectsClient::new(seat.channel.clone()).perform(asked).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn a_full_disk_refuses_clearly_and_the_studio_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(folder.path(), 100_000) else { return };
    let house =
        House::open_embedded(folder, |config| config.limits.reserve_bytes = (RESERVE_MIB * MIB) as u64).await;
    let mut ana = house.person("Ana", true).await;
    let project = house.project(&ana).await;

    // One that can never fit is refused before its first byte is sent.
    let free = disk.free();
    refused(upload(&mut ana, project, song(120 * MIB, 9)).await, "DISK_NEARLY_FULL");
    assert!(free - disk.free() < MIB as u64, "nothing of it was kept");

    // Songs come until audio has filled what audio may fill.
    let mut songs = Vec::new();
    let full = loop {
        let seed = u8::try_from(songs.len()).unwrap();
        match upload(&mut ana, project, song(16 * MIB, seed)).await {
            Ok(state) => songs.push(state.done),
            Err(no) => break no,
        }
    };
    refused::<()>(Err(full), "DISK_NEARLY_FULL");
    assert!(!songs.is_empty() && songs.iter().all(|done| *done), "some came in: {songs:?}");
    assert!(disk.free() >= (RESERVE_MIB * MIB) as u64, "the reserve was left");

    // Another program takes more, under the reserve of audio: people still work.
    let ballast = disk.0.join("ballast");
    std::fs::write(&ballast, vec![1; disk.free() as usize - 32 * MIB]).unwrap();
    refused(upload(&mut ana, project, song(4096, 100)).await, "DISK_NEARLY_FULL");
    add_song(&ana, project, "Signed on a full disk").await.unwrap();

    // All of it: refused clearly, nothing half done.
    let rest = disk.0.join("rest");
    std::fs::write(&rest, vec![1; disk.free() as usize - 2 * MIB]).unwrap();
    refused(add_song(&ana, project, "No room").await, "DISK_NEARLY_FULL");
    let songs_now = |house: &House| {
        let ledger = house.studio.ledger.clone();
        async move { ledger.project(project).await.unwrap().unwrap().project.songs.len() }
    };
    assert_eq!(songs_now(&house).await, 1);

    // Room again, without a restart.
    std::fs::remove_file(&ballast).unwrap();
    std::fs::remove_file(&rest).unwrap();
    add_song(&ana, project, "Room again").await.unwrap();
    assert!(upload(&mut ana, project, song(4096, 100)).await.unwrap().done);
    assert_eq!(songs_now(&house).await, 2);

    // Full once more: it stops in order, says why it does not start, and with room it has what it had.
    std::fs::write(&ballast, vec![1; disk.free() as usize]).unwrap();
    let House { stop, served, folder, studio, .. } = house;
    stop.cancel();
    served.await.unwrap().unwrap();
    drop(studio);
    let mut config = deadwax_server::config::Config::default();
    config.limits.reserve_bytes = (RESERVE_MIB * MIB) as u64;
    let refused = deadwax_server::admin::open_store(folder.path(), &config).map(drop).unwrap_err();
    assert!(refused.to_string().contains("the disk is full"), "{refused:#}");
    std::fs::remove_file(&ballast).unwrap();
    let house =
        House::open_embedded(folder, |config| config.limits.reserve_bytes = (RESERVE_MIB * MIB) as u64).await;
    assert_eq!(songs_now(&house).await, 2);
    let taken = songs.len();
    println!(
        "#gate FULL held a disk of {DISK_MIB} MiB: {taken} uploads, then refused; facts go on; work again without a restart; stopped in order on the full disk; 0 lost"
    );
    house.stop.cancel();
    let _ = house.served.await;
}

/// Not bytes but names run out: audio needs them, facts do not.
#[tokio::test]
async fn where_no_file_can_be_made_facts_go_on() {
    const FILES: usize = 2000;
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(folder.path(), FILES) else { return };
    let house = House::open_embedded(folder, |config| config.limits.reserve_bytes = MIB as u64).await;
    let mut ana = house.person("Ana", true).await;
    let project = house.project(&ana).await;
    assert!(upload(&mut ana, project, song(4096, 1)).await.unwrap().done);
    let clutter = disk.0.join("clutter");
    std::fs::create_dir(&clutter).unwrap();
    let made =
        (0..).take_while(|number| std::fs::write(clutter.join(number.to_string()), []).is_ok()).count();
    assert!(made > FILES / 2, "{made}");
    refused(upload(&mut ana, project, song(4096, 2)).await, "DISK_NEARLY_FULL");
    for number in 0..20 {
        add_song(&ana, project, &format!("Song {number}")).await.unwrap();
    }
    std::fs::remove_dir_all(&clutter).unwrap();
    assert!(upload(&mut ana, project, song(4096, 2)).await.unwrap().done);
    let songs = house.studio.ledger.project(project).await.unwrap().unwrap().project.songs.len();
    assert_eq!(songs, 20);
    println!(
        "#gate FULL held a disk of {FILES} files: uploads refused, 20 facts go on, 0 lost; work again without a restart"
    );
    house.stop.cancel();
    let _ = house.served.await;
}
