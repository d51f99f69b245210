//! Knowing a hash grants nothing: the digest of a master of another project opens no door, and no answer tells that anybody has it. Never here: roles.

use deadwax_domain::ProjectId;
use deadwax_proto::v1;
use prost::Message;

use crate::{
    asked::{Answer, ask},
    common::{Seat, id_text},
    denied::Log,
    media_kit::{self, sha256, tone},
    world::{Asker, State, World, at},
};

async fn asked(seat: &Seat, path: &str, message: impl Message) -> Answer {
    ask(seat, path, vec![message.encode_to_vec().into()]).await
}

/// What the manager of the own project hears of a digest, by every call that takes one.
async fn heard(world: &World, bytes: &[u8]) -> Vec<(&'static str, Answer)> {
    let seat = world.cast.seat(Asker::Manager);
    let (project_id, sha256) = (id_text(world.own.project), sha256(bytes).to_string());
    let version_id = world.own.id(at::MASTER);
    let download = v1::DownloadRequest {
        project_id: project_id.clone(),
        version_id: version_id.clone(),
        sha256: sha256.clone(),
        offset: 0,
        limit: 0,
    };
    let waveform = v1::WaveformRequest {
        project_id: project_id.clone(),
        version_id,
        sha256: sha256.clone(),
        start_frame: 0,
        end_frame: 0,
        columns: 8,
    };
    let fetch = v1::FetchRequest {
        project_id: project_id.clone(),
        record_id: world.own.id(at::RECORD),
        sha256: sha256.clone(),
        offset: 0,
        limit: 0,
    };
    let received = v1::ReceivedRequest {
        project_id: project_id.clone(),
        sha256: sha256.clone(),
        ..v1::ReceivedRequest::default()
    };
    let artist = world.cast.seat(Asker::Artist);
    let version = v1::AddVersion {
        version_id: id_text(uuid::Uuid::now_v7().as_u128()),
        song_id: world.own.id(at::RECORDING),
        kind: v1::VersionKind::Take.into(),
        files: vec![v1::NewFile { alternate: "main".into(), sha256, name: "b.wav".into() }],
        ..v1::AddVersion::default()
    };
    let perform = v1::PerformRequest {
        command_id: id_text(uuid::Uuid::now_v7().as_u128()),
        project_id,
        expected: None,
        action: Some(v1::Action { action: Some(v1::action::Action::AddVersion(version)) }),
    };
    vec![
        ("download", asked(seat, "deadwax.v1.Media/Download", download.clone()).await),
        ("listen", asked(seat, "deadwax.v1.Media/Listen", download).await),
        ("overview", asked(seat, "deadwax.v1.Media/Waveform", waveform).await),
        ("record", asked(seat, "deadwax.v1.Records/Fetch", fetch).await),
        ("received", asked(seat, "deadwax.v1.Audit/Received", received).await),
        ("version", asked(artist, "deadwax.v1.Projects/Perform", perform).await),
    ]
}

/// An offer to upload, up to the id that is new each time.
async fn offered(world: &World, bytes: &[u8]) -> v1::UploadState {
    let seat = world.cast.seat(Asker::Manager);
    let begin = media_kit::begin(ProjectId(world.own.project), bytes, "a.wav");
    let state = seat.media.clone().begin_upload(seat.with(begin)).await.unwrap().into_inner();
    assert!(!state.upload_id.is_empty());
    v1::UploadState { upload_id: String::new(), ..state }
}

#[tokio::test(flavor = "multi_thread")]
async fn knowing_a_hash_grants_nothing() {
    let _alone = Log::of_this_test().await;
    let mut world = World::open().await;
    for state in [State::Songs, State::Made] {
        world.renew(state).await;
        let (theirs, nobodys) = (world.foreign.master(), tone(7777));
        assert!(world.house.studio.blobs.has(sha256(&theirs)).await.unwrap(), "the other project has it");
        let mut refused = 0;
        for ((door, of_theirs), (_, of_nobody)) in
            heard(&world, &theirs).await.into_iter().zip(heard(&world, &nobodys).await)
        {
            assert_eq!(of_theirs, of_nobody, "{door} tells whether somebody has it");
            match of_theirs {
                Ok(empty) => {
                    assert!(door == "received" && empty.iter().all(|it| it.is_empty()), "{door}: {empty:?}");
                }
                Err(_) => refused += 1,
            }
        }
        assert_eq!(refused, 5);
        let of_nobody = offered(&world, &nobodys).await;
        assert_eq!(offered(&world, &theirs).await, of_nobody, "the offer tells whether somebody has it");
        assert!(!of_nobody.done && of_nobody.offset == 0 && of_nobody.facts.is_none());
    }
    println!("#gate HASH held 7 doors, none tells a digest of another project from one of nobody");
}
