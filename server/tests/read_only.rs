//! A server whose disk has failed: nothing is acknowledged any more, by any call that would keep something; facts can be read, bytes do not
//! leave because the egress book could not say so, health says so, and a restart is all it takes. How a disk fails is tested within the crate (`disk/trial`).
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;
#[allow(dead_code)]
mod media_kit;

use std::time::{Duration, Instant};

use common::*;
use deadwax_domain::{ProjectId, VersionId};
use deadwax_proto::v1::{self, action::Action as Act, projects_client::ProjectsClient};
use media_kit::*;
use tonic::Status;
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

const WRITE: [&str; 6] = [
    "",
    "deadwax.v1.Projects",
    "deadwax.v1.Sessions",
    "deadwax.v1.Mastering",
    "deadwax.v1.Media",
    "deadwax.v1.Records",
];

async fn health(house: &House, service: &str) -> ServingStatus {
    let asked = HealthCheckRequest { service: service.into() };
    HealthClient::new(house.channel().await).check(asked).await.unwrap().into_inner().status()
}

async fn change(seat: &Seat, project: ProjectId, act: Act) -> Result<v1::PerformResponse, Status> {
    let asked = seat.with(v1::PerformRequest {
        command_id: id_text(uuid::Uuid::now_v7().as_u128()),
        project_id: id_text(project.0),
        expected: None,
        action: Some(v1::Action { action: Some(act) }),
    });
    ProjectsClient::new(seat.channel.clone()).perform(asked).await.map(tonic::Response::into_inner)
}

fn add_song(title: &str) -> Act {
    let song_id = id_text(uuid::Uuid::now_v7().as_u128());
    Act::AddSong(v1::AddSong { song_id, title: title.into(), isrc: String::new() })
}

async fn heard(seat: &mut Seat, project: ProjectId, version: VersionId) -> Result<u32, Status> {
    let asked = seat.with(v1::ReportHeardRequest {
        project_id: id_text(project.0),
        version_id: id_text(version.0),
        alternate: String::new(),
        ranges: vec![v1::HeardRange { start_ms: 0, end_ms: 500 }],
    });
    Ok(seat.media.report_heard(asked).await?.into_inner().percent)
}

async fn reads_go_on(seat: &Seat, project: ProjectId) {
    let asked = seat.with(v1::GetRequest { project_id: id_text(project.0) });
    ProjectsClient::new(seat.channel.clone()).get(asked).await.unwrap();
}

async fn bytes_leave(seat: &mut Seat, project: ProjectId, version: VersionId, bytes: &[u8]) {
    let (_, got) = download(seat, fetch(project, version, sha256(bytes))).await.unwrap();
    assert_eq!(got, bytes);
}

/// Gate G3-RO.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_disk_failed_nothing_is_acknowledged_and_a_restart_mends_it() {
    let house = House::open_embedded(tempfile::tempdir().unwrap(), |_| {}).await;
    let mut ana = house.person("Ana", true).await;
    let song = tone(5000);
    let (project, version) = take(&house, &mut ana, &song).await;
    let later = tone(CHUNK + 10);
    let begun = start(&mut ana, project, &later).await.unwrap();
    for service in WRITE {
        assert_eq!(health(&house, service).await, ServingStatus::Serving, "{service}");
    }

    let latch = house.studio.store.drive().latch().clone();
    let failed = Instant::now();
    latch.fall("a sync failed, for this test");
    refused(change(&ana, project, add_song("Too late")).await, "READ_ONLY");
    let told = refused(start(&mut ana, project, &tone(777)).await, "READ_ONLY");
    assert_eq!(told.code(), tonic::Code::Unavailable);
    refused(send(&mut ana, chunks(&begun.upload_id, &later, 0)).await, "READ_ONLY");
    refused(heard(&mut ana, project, version).await, "READ_ONLY");
    let asked = ana.with(v1::CreateInviteRequest {
        email: "eva@example.org".into(),
        name: "Eva".into(),
        ..Default::default()
    });
    refused(ana.sessions.create_invite(asked).await, "READ_ONLY");
    let blobs = &house.studio.blobs;
    assert!(blobs.put(bytes::Bytes::from_static(b"a render")).await.is_err());
    assert!(blobs.must_have_room(0).await.is_err(), "no render is begun that cannot be kept");
    within(Duration::from_secs(10), "health", async {
        for service in WRITE {
            while health(&house, service).await != ServingStatus::NotServing {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    })
    .await;
    let everywhere = failed.elapsed();
    assert_eq!(health(&house, "deadwax.v1.Presence").await, ServingStatus::Serving);
    reads_go_on(&ana, project).await;
    // What leaves is written down first, on the disk that failed.
    refused(download(&mut ana, fetch(project, version, sha256(&song))).await, "EGRESS_UNWRITTEN");
    let info = ana.sessions.get_server_info(v1::GetServerInfoRequest {}).await.unwrap().into_inner();
    assert!(info.read_only);

    // Whoever looks after the server starts it again.
    let House { stop, served, folder, studio, .. } = house;
    stop.cancel();
    within(Duration::from_secs(15), "stopping", served).await.unwrap().unwrap();
    drop(studio);
    let token = ana.token.clone();
    let house = House::open_embedded(folder, |_| {}).await;
    let mut ana = Seat { token, ..house.stranger().await };
    reads_go_on(&ana, project).await;
    bytes_leave(&mut ana, project, version, &song).await;
    change(&ana, project, add_song("In time")).await.unwrap();
    assert!(upload(&mut ana, project, &later).await.unwrap().done);
    let songs = house.studio.ledger.project(project).await.unwrap().unwrap().project.songs.len();
    assert_eq!(songs, 2, "what was refused is not there");
    println!(
        "#gate G3-RO held 7 ways to write refused and 6 health answers changed within {} ms of the failure; reads went on; a restart mended it",
        everywhere.as_millis()
    );
    house.stop.cancel();
    let _ = house.served.await;
}
