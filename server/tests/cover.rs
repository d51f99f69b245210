//! The cover over the wire: taken in whole or not at all, once for each command, seen by who sees the work, gone when it is taken away.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;

use std::time::Duration;

use bytes::Bytes;
use common::*;
use deadwax_domain::{Command, Digest, ProjectId, Role};
use deadwax_proto::v1::{self, projects_client::ProjectsClient, records_client::RecordsClient};
use deadwax_server::config::Config;
use futures::{StreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use tonic::Status;

const CHUNK: usize = 256 << 10;

/// As small as they come, with `filling` bytes of what a picture would hold.
fn png(width: u32, height: u32, filling: usize) -> Vec<u8> {
    let mut png = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR".to_vec();
    png.extend(width.to_be_bytes());
    png.extend(height.to_be_bytes());
    png.extend(b"\x08\x02\0\0\0crc4");
    png.extend((filling as u32).to_be_bytes());
    png.extend(b"IDAT");
    png.extend((0..filling).map(|at| at as u8));
    png.extend(b"crc4\0\0\0\0IENDcrc4");
    png
}

fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut jpeg = b"\xFF\xD8\xFF\xC0\0\x11\x08".to_vec();
    jpeg.extend(height.to_be_bytes());
    jpeg.extend(width.to_be_bytes());
    jpeg.extend(b"\x03\x01\x11\0\x02\x11\x01\x03\x11\x01\xFF\xDA\0\x02sound\xFF\xD9");
    jpeg
}

fn messages(project: ProjectId, command: u128, bytes: &[u8]) -> Vec<v1::PutCoverRequest> {
    let head = v1::PutCoverRequest {
        project_id: id_text(project.0),
        command_id: id_text(command),
        data: Bytes::new(),
    };
    let body = bytes
        .chunks(CHUNK)
        .map(|data| v1::PutCoverRequest { data: data.to_vec().into(), ..v1::PutCoverRequest::default() });
    std::iter::once(head).chain(body).collect()
}

async fn put(
    seat: &Seat,
    project: ProjectId,
    command: u128,
    bytes: &[u8],
) -> Result<v1::PutCoverResponse, Status> {
    let sent = seat.with(stream::iter(messages(project, command, bytes)));
    Ok(RecordsClient::new(seat.channel.clone()).put_cover(sent).await?.into_inner())
}

async fn get(seat: &Seat, project: ProjectId) -> Result<(v1::Cover, Vec<u8>), Status> {
    let asked = seat.with(v1::GetCoverRequest { project_id: id_text(project.0) });
    let mut answer = RecordsClient::new(seat.channel.clone()).get_cover(asked).await?.into_inner();
    let cover = answer.message().await?.unwrap().cover.unwrap();
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.message().await? {
        assert!(chunk.cover.is_none() && chunk.data.len() <= CHUNK);
        bytes.extend_from_slice(&chunk.data);
    }
    Ok((cover, bytes))
}

/// Of the project's row as this person sees it.
async fn row(seat: &Seat, project: ProjectId) -> Option<v1::Cover> {
    let asked = seat.with(v1::GetRequest { project_id: id_text(project.0) });
    let rows = ProjectsClient::new(seat.channel.clone()).get(asked).await.unwrap().into_inner();
    let project = rows.upserts.into_iter().find_map(|row| match row.row {
        Some(v1::row::Row::Project(project)) => Some(project),
        _ => None,
    });
    project.unwrap().label_copy.and_then(|copy| copy.cover)
}

async fn perform(
    seat: &Seat,
    project: ProjectId,
    action: v1::action::Action,
) -> Result<v1::PerformResponse, Status> {
    let asked = seat.with(v1::PerformRequest {
        command_id: id_text(fresh()),
        project_id: id_text(project.0),
        expected: None,
        action: Some(v1::Action { action: Some(action) }),
    });
    Ok(ProjectsClient::new(seat.channel.clone()).perform(asked).await?.into_inner())
}

fn fresh() -> u128 {
    uuid::Uuid::now_v7().as_u128()
}

fn sha256(bytes: &[u8]) -> String {
    Digest(Sha256::digest(bytes).into()).to_string()
}

struct Release {
    house: House,
    owner: Seat,
    project: ProjectId,
}

impl Release {
    async fn begin() -> Self {
        Self::within(|_| {}).await
    }

    async fn within(change: impl FnOnce(&mut Config)) -> Self {
        let house = House::open_with(change).await;
        let owner = house.person("Ana", true).await;
        let project = house.project(&owner).await;
        Self { house, owner, project }
    }

    async fn join(&self, name: &str, role: Role) -> Seat {
        let seat = self.house.person(name, false).await;
        let add = Command::AddMember { person: seat.id, roles: [role].into() };
        self.house.perform(&self.owner, self.project, add).await;
        seat
    }

    async fn seq(&self) -> u64 {
        self.house.studio.ledger.project(self.project).await.unwrap().unwrap().seq
    }
}

#[tokio::test]
async fn a_cover_goes_in_whole_once_a_command_and_comes_out_the_same() {
    let it = Release::begin().await;
    let lena = it.join("Lena", Role::Label).await;
    let mixer = it.join("Mo", Role::MixEngineer).await;
    refused(get(&mixer, it.project).await, "NO_COVER");
    assert_eq!(row(&mixer, it.project).await, None);

    let (picture, command) = (png(3000, 3000, 700_000), fresh());
    let done = put(&lena, it.project, command, &picture).await.unwrap();
    let cover = done.cover.clone().unwrap();
    assert_eq!(cover.sha256, sha256(&picture));
    assert_eq!((cover.bytes, cover.mime.as_str()), (picture.len() as u64, "image/png"));
    assert_eq!((cover.width, cover.height), (3000, 3000));
    assert_eq!(done.effects, ["Lena set the cover: PNG, 3000 by 3000 pixels."]);
    assert_eq!((row(&mixer, it.project).await, it.seq().await), (Some(cover.clone()), done.seq));
    assert_eq!(get(&mixer, it.project).await.unwrap(), (cover.clone(), picture.clone()));
    // Under its digest: what a backup copies and `verify` reads is everything that lies there.
    let digest = Digest(hex::decode(&cover.sha256).unwrap().try_into().unwrap());
    it.house.studio.blobs.verify(digest).await.unwrap();

    // The answer was lost on its way: the same again is the same answer and no second fact.
    assert_eq!(put(&lena, it.project, command, &picture).await.unwrap(), done);
    assert_eq!(it.seq().await, done.seq);
    refused(put(&lena, it.project, command, &jpeg(10, 10)).await, "COMMAND_ID_REUSED");
    refused(put(&lena, it.project, fresh(), &picture).await, "NOTHING_TO_CHANGE");

    let wide = put(&it.owner, it.project, fresh(), &jpeg(1600, 1200)).await.unwrap();
    assert_eq!(wide.effects, ["Ana set the cover: JPEG, 1600 by 1200 pixels, not square."]);
    // An answer that came late after another cover was set still tells what was done then.
    assert_eq!(put(&lena, it.project, command, &picture).await.unwrap().seq, done.seq);
    assert_eq!(row(&lena, it.project).await.unwrap().width, 1600);

    let remove = v1::action::Action::RemoveCover(v1::RemoveCover {});
    refused(perform(&mixer, it.project, remove.clone()).await, "NOT_YOUR_ROLE");
    perform(&lena, it.project, remove.clone()).await.unwrap();
    refused(perform(&lena, it.project, remove).await, "NOTHING_TO_CHANGE");
    assert_eq!(row(&lena, it.project).await, None);
    refused(get(&lena, it.project).await, "NO_COVER");
}

#[tokio::test]
async fn the_label_copy_and_the_cover_leave_each_other_alone() {
    let it = Release::begin().await;
    put(&it.owner, it.project, fresh(), &jpeg(500, 500)).await.unwrap();
    let copy = v1::LabelCopy { label: "Night Records".into(), ..v1::LabelCopy::default() };
    let set = v1::action::Action::SetLabelCopy(v1::SetLabelCopy { copy: Some(copy) });
    perform(&it.owner, it.project, set).await.unwrap();
    assert_eq!(row(&it.owner, it.project).await.unwrap().height, 500);
}

#[tokio::test]
async fn what_is_no_whole_picture_leaves_nothing_behind() {
    let it = Release::begin().await;
    let seq = it.seq().await;
    let whole = png(64, 64, 40_000);
    for (bad, said) in [
        (Vec::new(), "empty"),
        (b"GIF89a and so on".to_vec(), "neither JPEG nor PNG"),
        (whole[..20].to_vec(), "does not state its size"),
        (whole[..20_000].to_vec(), "cut off"),
        (jpeg(64, 64)[..26].to_vec(), "cut off"),
        (png(0, 64, 10), "does not state its size"),
        (png(64, 64, 16_000_000), "more than 16000000 bytes"),
    ] {
        let no = refused(put(&it.owner, it.project, fresh(), &bad).await, "COVER_INVALID");
        assert!(no.message().contains(said), "{said}: {}", no.message());
        let digest = Digest(Sha256::digest(&bad).into());
        assert!(!it.house.studio.blobs.has(digest).await.unwrap(), "{said}");
    }
    // The biggest that fits is taken.
    let most = png(64, 64, 16_000_000 - png(64, 64, 0).len());
    assert_eq!(most.len(), 16_000_000);
    assert_eq!(it.seq().await, seq);
    put(&it.owner, it.project, fresh(), &most).await.unwrap();

    let large = v1::PutCoverRequest { data: vec![0; CHUNK + 1].into(), ..v1::PutCoverRequest::default() };
    let mut sent = messages(it.project, fresh(), &[]);
    sent.push(large);
    let mut client = RecordsClient::new(it.owner.channel.clone());
    refused(client.put_cover(it.owner.with(stream::iter(sent))).await, "MALFORMED");
    refused(client.put_cover(it.owner.with(stream::iter(Vec::new()))).await, "MALFORMED");
}

#[tokio::test]
async fn who_may_not_set_it_is_told_before_the_bytes_and_strangers_know_of_nothing() {
    let it = Release::begin().await;
    for (name, role) in [("Mo", Role::MixEngineer), ("Li", Role::Listener), ("Ari", Role::Artist)] {
        let seat = it.join(name, role).await;
        // No picture at all, and one that is long on its way: the role is asked first.
        refused(put(&seat, it.project, fresh(), b"no picture").await, "NOT_YOUR_ROLE");
        refused(put(&seat, it.project, fresh(), &png(64, 64, 15_000_000)).await, "NOT_YOUR_ROLE");
    }
    let stranger = it.house.person("Sam", false).await;
    refused(put(&stranger, it.project, fresh(), &jpeg(9, 9)).await, "NO_SUCH_PROJECT");
    refused(get(&stranger, it.project).await, "NO_SUCH_PROJECT");
    put(&it.owner, it.project, fresh(), &jpeg(9, 9)).await.unwrap();
    let listener = it.join("Lo", Role::Listener).await;
    refused(get(&listener, it.project).await, "NOT_YOUR_ROLE");
    assert_eq!(row(&listener, it.project).await, None);
}

#[tokio::test]
async fn covers_count_against_the_day_of_who_sends_them() {
    let it = Release::within(|config| config.door.upload_files_per_day = 2).await;
    let lena = it.join("Lena", Role::Label).await;
    let last = fresh();
    put(&it.owner, it.project, fresh(), &jpeg(9, 9)).await.unwrap();
    put(&it.owner, it.project, last, &jpeg(9, 10)).await.unwrap();
    refused(put(&it.owner, it.project, fresh(), &jpeg(9, 11)).await, "UPLOAD_QUOTA");
    // A retry is no file more.
    put(&it.owner, it.project, last, &jpeg(9, 10)).await.unwrap();
    put(&lena, it.project, fresh(), &jpeg(9, 11)).await.unwrap();
}

#[tokio::test]
async fn one_cover_of_a_person_at_a_time_and_one_that_was_cut_off_makes_room() {
    let it = Release::begin().await;
    let busy = |no: &Status| deadwax_server::status::reason_of(no).as_deref() == Some("TOO_MANY_UPLOADS");
    let slow = || {
        let (more, waits) = futures::channel::mpsc::unbounded();
        let begun = messages(it.project, fresh(), &png(8, 8, CHUNK)).into_iter().take(1);
        begun.for_each(|part| more.unbounded_send(part).unwrap());
        let seat = it.owner.clone();
        let call = async move { RecordsClient::new(seat.channel.clone()).put_cover(seat.with(waits)).await };
        (more, tokio::spawn(call))
    };
    let (mut more, mut running) = slow();
    within(Duration::from_secs(30), "the slow one to be first", async {
        loop {
            match put(&it.owner, it.project, fresh(), b"no picture").await {
                Err(no) if busy(&no) => return,
                _ if running.is_finished() => (more, running) = slow(),
                _ => tokio::task::yield_now().await,
            }
        }
    })
    .await;
    // The end of the stream comes too early: what there is is no picture.
    drop(more);
    refused(running.await.unwrap(), "COVER_INVALID");
    put(&it.owner, it.project, fresh(), &jpeg(9, 9)).await.unwrap();
    // A line that goes away in the middle.
    let cut = messages(it.project, fresh(), &png(8, 8, CHUNK));
    let never_ends = stream::iter(cut).chain(stream::pending());
    let mut client = RecordsClient::new(it.owner.channel.clone());
    let gone = tokio::time::timeout(Duration::from_millis(100), client.put_cover(it.owner.with(never_ends)));
    assert!(gone.await.is_err());
    within(Duration::from_secs(30), "room again", async {
        while put(&it.owner, it.project, fresh(), &jpeg(10, 9)).await.is_err() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
