//! What changed between two versions, asked over the wire: who may ask, for what, and that the answer is kept.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;
#[allow(dead_code)]
mod media_kit;

use common::*;
use deadwax_domain::{Alternate, Command, Digest, NewFile, ProjectId, Role, VersionId, VersionKind};
use deadwax_proto::v1;
use media_kit::*;
use serde_json::{Value, json};
use tonic::Status;

async fn compare(seat: &mut Seat, asked: v1::CompareRequest) -> Result<Value, Status> {
    let asked = seat.with(asked);
    let answer = seat.media.compare(asked).await?.into_inner();
    Ok(serde_json::from_str(&answer.comparison_json).unwrap())
}

fn asked(project: ProjectId, a: VersionId, b: VersionId) -> v1::CompareRequest {
    v1::CompareRequest {
        project_id: id_text(project.0),
        version_a: id_text(a.0),
        version_b: id_text(b.0),
        ..v1::CompareRequest::default()
    }
}

/// Two takes more, with a main and an a cappella each.
async fn takes(house: &House, ana: &mut Seat) -> (ProjectId, VersionId, VersionId) {
    let (project, take) = take(house, ana, &tone(500)).await;
    let song = house.studio.ledger.project(project).await.unwrap().unwrap();
    let song = song.project.versions.get(take).unwrap().song;
    let mut versions = Vec::new();
    for (id, base) in [(101u128, 1000usize), (102, 2000)] {
        let mut files = Vec::new();
        for (alternate, more) in [(Alternate::Main, 0), (Alternate::ACappella, 1)] {
            let bytes = tone(base + more);
            upload(ana, project, &bytes).await.unwrap();
            files.push(NewFile { alternate, digest: sha256(&bytes), name: format!("{alternate}.wav") });
        }
        let add = Command::AddVersion {
            version: VersionId(id),
            song,
            kind: VersionKind::Take,
            title: String::new(),
            changelog: String::new(),
            files,
        };
        house.perform(ana, project, add).await;
        versions.push(VersionId(id));
    }
    (project, versions[0], versions[1])
}

#[tokio::test]
async fn two_versions_are_compared_once_and_with_the_vocal_of_the_first() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let (project, first, second) = takes(&house, &mut ana).await;
    let answer = compare(&mut ana, asked(project, first, second)).await.unwrap();
    assert_eq!(answer, json!({ "a": 1000, "b": 2000, "stems": ["a-cappella"] }));
    let back = compare(&mut ana, asked(project, second, first)).await.unwrap();
    assert_eq!(back["a"], 2000, "the other way round is another question");
    let vocals = v1::CompareRequest {
        alternate_a: "a-cappella".into(),
        alternate_b: "a-cappella".into(),
        ..asked(project, first, second)
    };
    let answer = compare(&mut ana, vocals).await.unwrap();
    assert_eq!(answer, json!({ "a": 1001, "b": 2001, "stems": [] }));

    // What was told stands beside the audio: a second question hears nothing again.
    let one = house.studio.blobs.path_of_derived(Digest([0; 32]), "comparison");
    let derived = one.parent().unwrap();
    let kept: Vec<_> = std::fs::read_dir(derived)
        .unwrap()
        .filter_map(|entry| {
            Some(entry.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "comparison"))
        })
        .collect();
    assert_eq!(kept.len(), 3);
    for path in kept {
        std::fs::write(path, r#"{"kept":true}"#).unwrap();
    }
    assert_eq!(compare(&mut ana, asked(project, first, second)).await.unwrap(), json!({ "kept": true }));
}

#[tokio::test]
async fn v1_strangers_and_absent_files_are_refused_and_a_listener_may_ask() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let (project, first, second) = takes(&house, &mut ana).await;
    let mut bob = house.person("Bob", false).await;
    refused(compare(&mut bob, asked(project, first, second)).await, "NO_SUCH_PROJECT");
    let add = Command::AddMember { person: bob.id, roles: [Role::Listener].into() };
    house.perform(&ana, project, add).await;
    assert!(compare(&mut bob, asked(project, first, second)).await.is_ok());
    refused(compare(&mut ana, asked(project, first, VersionId(999))).await, "NO_SUCH_VERSION");
    let absent = v1::CompareRequest { alternate_b: "instrumental".into(), ..asked(project, first, second) };
    refused(compare(&mut ana, absent).await, "NO_SUCH_FILE");
    let nonsense = v1::CompareRequest { alternate_b: "???".into(), ..asked(project, first, second) };
    refused(compare(&mut ana, nonsense).await, "NO_SUCH_FILE");
}
