//! What the egress book tells over the wire: who received which bytes, to whom it is told, answers that were broken off, and what a start finds. Never here: the
//! book itself (its own tests).

use std::time::Duration;

use deadwax_domain::{Command, Role};
use deadwax_proto::v1::{self, audit_client::AuditClient};
use tonic::Status;

use crate::{
    common::{House, Seat, id_text, refused, within},
    denied::Log,
    media_kit::{download, fetch, sha256, take, tone},
};

async fn received(seat: &Seat, asked: v1::ReceivedRequest) -> Result<v1::ReceivedResponse, Status> {
    let mut audit = AuditClient::new(seat.channel.clone());
    audit.received(seat.with(asked)).await.map(tonic::Response::into_inner)
}

fn of_digest(bytes: &[u8]) -> v1::ReceivedRequest {
    v1::ReceivedRequest { sha256: sha256(bytes).to_string(), ..v1::ReceivedRequest::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_received_which_bytes_is_told_to_who_may_know() {
    let _alone = Log::of_this_test().await;
    let house = House::open().await;
    let (mut owner, mut label) = (house.person("Olga", true).await, house.person("Lena", false).await);
    let bytes = tone(700_000);
    let (project, version) = take(&house, &mut owner, &bytes).await;
    let add = Command::AddMember { person: label.id, roles: [Role::Label].into() };
    house.perform(&owner, project, add).await;
    let asked = fetch(project, version, sha256(&bytes));
    download(&mut label, asked.clone()).await.unwrap();
    let part = v1::DownloadRequest { offset: 100, limit: 1000, ..asked };
    download(&mut owner, part).await.unwrap();
    house.studio.egress.flush().await;
    let told = received(&owner, of_digest(&bytes)).await.unwrap();
    let line =
        |it: &v1::Reception| (it.name.clone(), it.offset, it.sent_bytes, it.file_bytes, it.way.clone());
    let all: Vec<_> = told.receptions.iter().map(line).collect();
    let way = || "download".to_owned();
    assert_eq!(
        all,
        [("Olga".into(), 100, 1000, 700_000, way()), ("Lena".into(), 0, 700_000, 700_000, way())]
    );
    let newest = &told.receptions[0];
    assert_eq!((newest.number, newest.address.as_str(), newest.device.as_str()), (2, "127.0.0.1", "test"));
    assert_eq!(
        (newest.project_id.as_str(), newest.object_id.as_str()),
        (&*id_text(project.0), &*id_text(version.0))
    );
    assert_eq!(newest.what, "\"Nachtlied\", Take 1");
    assert!(newest.begun_ms > 0 && newest.ended_ms >= newest.begun_ms);
    // The label asks of the project, not of the studio.
    refused(received(&label, of_digest(&bytes)).await, "NOT_YOUR_ROLE");
    let of_project = v1::ReceivedRequest { project_id: id_text(project.0), ..of_digest(&bytes) };
    assert_eq!(received(&label, of_project.clone()).await.unwrap(), told);
    let of_person = v1::ReceivedRequest {
        project_id: id_text(project.0),
        person_id: id_text(label.id.0),
        ..v1::ReceivedRequest::default()
    };
    assert_eq!(received(&label, of_person).await.unwrap().receptions, told.receptions[1..]);
    let one = v1::ReceivedRequest { limit: 1, ..of_project.clone() };
    let page = received(&label, one).await.unwrap();
    assert_eq!((page.receptions.len(), page.next_before), (1, 2));
    let rest = v1::ReceivedRequest { before: page.next_before, ..of_project };
    assert_eq!(received(&label, rest).await.unwrap().receptions, told.receptions[1..]);
}

/// An answer that was broken off: what the book tells is no less than what arrived, and no more than what was asked for.
#[tokio::test(flavor = "multi_thread")]
async fn of_a_broken_off_answer_the_book_tells_what_went() {
    let _alone = Log::of_this_test().await;
    let house = House::open().await;
    let mut owner = house.person("Olga", true).await;
    let bytes = tone(12 << 20);
    let (project, version) = take(&house, &mut owner, &bytes).await;
    let mut arrived = Vec::new();
    for chunks in [0_usize, 1, 3, 9] {
        let asked = owner.with(fetch(project, version, sha256(&bytes)));
        let mut answer = owner.media.download(asked).await.unwrap().into_inner();
        answer.message().await.unwrap().unwrap();
        let mut count = 0;
        for _ in 0..chunks {
            count += answer.message().await.unwrap().unwrap().data.len() as u64;
        }
        drop(answer);
        arrived.push(count);
    }
    let ended = async {
        loop {
            let told = received(&owner, of_digest(&bytes)).await.unwrap().receptions;
            if told.iter().all(|it| it.ended_ms > 0) {
                return told;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let told = within(Duration::from_secs(20), "the ends", ended).await;
    assert_eq!(told.len(), arrived.len());
    for (reception, arrived) in told.iter().rev().zip(arrived) {
        assert!(reception.sent_bytes >= arrived, "{} told, {arrived} arrived", reception.sent_bytes);
        assert!(reception.sent_bytes < bytes.len() as u64, "it was not broken off");
    }
    println!("#gate G14 held {} answers that were broken off, none told with less than arrived", told.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn unusually_many_songs_are_told_once_in_the_log() {
    let log = Log::of_this_test().await;
    let house = House::open().await;
    let mut owner = house.person("Olga", true).await;
    for nth in 0..22 {
        let bytes = tone(1000 + nth);
        let (project, version) = take(&house, &mut owner, &bytes).await;
        // Twice: a song is a song.
        for _ in 0..2 {
            download(&mut owner, fetch(project, version, sha256(&bytes))).await.unwrap();
        }
    }
    let lines = log.lines();
    let is_alarm = |it: &&serde_json::Value| {
        it["message"].as_str().is_some_and(|text| text.starts_with("EGRESS_UNUSUAL"))
    };
    let told: Vec<_> = lines.iter().filter(is_alarm).collect();
    assert_eq!(told.len(), 1);
    assert_eq!((told[0]["level"].as_str(), told[0]["works"].as_u64()), (Some("WARN"), Some(21)));
    assert_eq!(told[0]["person"], id_text(owner.id.0));
}
