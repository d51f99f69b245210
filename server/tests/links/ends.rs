//! How a link ends: at once and for everybody who came by it, open streams included. Never here: how one is opened.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use deadwax_domain::{Command, ProjectId};
use deadwax_proto::v1::{
    self, link_scope::Of, presence_client::PresenceClient, projects_client::ProjectsClient,
};
use futures::{StreamExt as _, stream};
use tokio::task::JoinHandle;
use tonic::{Status, Streaming};

use crate::{
    common::{House, Seat, id_text, refused, within},
    media_kit::{self, sha256, tone},
    room::{DAY_MS, Room, one_more, open},
};

/// A second on a machine with nothing else to do; this is for one that has.
const PATIENCE: Duration = Duration::from_secs(15);

fn end_of<T: Send + 'static>(mut answers: Streaming<T>, slowly: Duration) -> JoinHandle<Status> {
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(slowly).await;
            match answers.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("it came to an end of its own"),
                Err(status) => return status,
            }
        }
    })
}

async fn watch(seat: &Seat, project: ProjectId) -> JoinHandle<Status> {
    let asked = seat.with(v1::WatchRequest { project_id: id_text(project.0), from: 0 });
    let watch = ProjectsClient::new(seat.channel.clone()).watch(asked).await.unwrap();
    end_of(watch.into_inner(), Duration::ZERO)
}

/// Every kind of stream that a guest has open: the page's rows, who is here, and a file on its way.
async fn open_all(room: &Room, seat: &Seat, file: &v1::DownloadRequest) -> Vec<JoinHandle<Status>> {
    let rows = watch(seat, room.project).await;
    let here = v1::Attending { project_id: id_text(room.project.0), ..v1::Attending::default() };
    let told = stream::iter([here]).chain(stream::pending());
    let present = PresenceClient::new(seat.channel.clone()).attend(seat.with(told)).await.unwrap();
    let mut reading = seat.media.clone().download(seat.with(file.clone())).await.unwrap().into_inner();
    reading.message().await.unwrap().unwrap();
    let reading = end_of(reading, Duration::from_millis(20));
    vec![rows, end_of(present.into_inner(), Duration::ZERO), reading]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_link_ends_its_open_pages_within_a_second() {
    let mut room = Room::open().await;
    let bytes = tone(48 << 20);
    let long = one_more(&mut room, &bytes).await;
    let file = media_kit::fetch(room.project, long, sha256(&bytes));
    let of_song = Of::SongId(id_text(room.ember.0));
    let all = |asked: &mut v1::MakeLinkRequest| asked.download = true;
    let made = room.make(&room.label, of_song.clone(), all).await.unwrap();
    let beside = room.guest(of_song, all).await;
    let mut open_streams = Vec::new();
    let mut guests = Vec::new();
    for _ in 0..2 {
        let (guest, _) = open(&room.house, &made, "").await.unwrap();
        open_streams.extend(open_all(&room, &guest, &file).await);
        guests.push(guest);
    }
    let others = watch(&beside, room.project).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(open_streams.iter().all(|it| !it.is_finished()));
    assert_eq!(room.revoke(&room.label, &made.link_id).await.unwrap(), 2);
    let done = Instant::now();
    let mut slowest = Duration::ZERO;
    for ends in open_streams {
        let status = within(PATIENCE, "an open page", ends).await.unwrap();
        slowest = slowest.max(done.elapsed());
        refused::<()>(Err(status), "SESSION_ENDED");
    }
    println!("#gate LINKENDS held 6 streams of 2 sessions; the slowest {} ms after it", slowest.as_millis());
    for guest in &guests {
        refused(room.rows(guest).await, "SESSION_ENDED");
        refused(room.listen(guest, room.asked(0)).await, "SESSION_ENDED");
    }
    refused(open(&room.house, &made, "").await.map(drop), "LINK_ENDED");
    assert!(!others.is_finished() && room.rows(&beside).await.is_ok(), "another link goes on");
    others.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_expires_by_the_clock() {
    let room = Room::open().await;
    let now_ms = room.house.clock.0.load(Ordering::SeqCst);
    let in_two_days = |asked: &mut v1::MakeLinkRequest| asked.expires_ms = now_ms + 2 * DAY_MS;
    let made = room.make(&room.manager, room.scope(0), in_two_days).await.unwrap();
    let (guest, _) = open(&room.house, &made, "").await.unwrap();
    let open_page = watch(&guest, room.project).await;
    room.house.clock.0.fetch_add(2 * DAY_MS - 1, Ordering::SeqCst);
    assert!(room.rows(&guest).await.is_ok());
    open(&room.house, &made, "").await.unwrap();
    room.house.clock.0.fetch_add(1, Ordering::SeqCst);
    let status = within(PATIENCE, "the open page", open_page).await.unwrap();
    refused::<()>(Err(status), "SESSION_ENDED");
    refused(room.rows(&guest).await, "SESSION_ENDED");
    refused(open(&room.house, &made, "").await.map(drop), "LINK_ENDED");
    let links = room.list(&room.manager).await.unwrap();
    assert_eq!(links[0].state(), v1::LinkState::Expired);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_end_when_whoever_made_them_leaves_or_is_shut_out() {
    let room = Room::open().await;
    let made = room.make(&room.label, room.scope(0), |_| {}).await.unwrap();
    let others = room.make(&room.manager, room.scope(0), |_| {}).await.unwrap();
    let (guest, _) = open(&room.house, &made, "").await.unwrap();
    let open_page = watch(&guest, room.project).await;
    let remove = Command::RemoveMember { person: room.label.id };
    room.house.perform(&room.manager, room.project, remove).await;
    let status = within(PATIENCE, "the open page", open_page).await.unwrap();
    refused::<()>(Err(status), "NO_SUCH_PROJECT");
    refused(open(&room.house, &made, "").await.map(drop), "LINK_ENDED");
    open(&room.house, &others, "").await.unwrap();
    // Whoever took a manager's machine may have read what they sent.
    let second = room.house.person("Eva Stern", true).await;
    let asked = v1::EndAccessRequest { person_id: id_text(room.manager.id.0), ..Default::default() };
    second.end_access(asked).await.unwrap();
    refused(open(&room.house, &others, "").await.map(drop), "LINK_ENDED");
    // A guest is shut out as anybody is.
    let asked = v1::EndAccessRequest { person_id: id_text(guest.id.0), ..Default::default() };
    second.end_access(asked).await.unwrap();
    refused(room.rows(&guest).await, "SESSION_ENDED");
}

async fn stopped(house: House) -> tempfile::TempDir {
    let House { stop, served, folder, studio, .. } = house;
    stop.cancel();
    within(PATIENCE, "stopping", served).await.unwrap().unwrap();
    drop(studio);
    folder
}

async fn again(room: Room) -> Room {
    let Room { house, manager, label, mixer, project, ember, ash, takes } = room;
    let house = House::open_embedded(stopped(house).await, |_| {}).await;
    let mut seats = Vec::new();
    for seat in [manager, label, mixer] {
        seats.push(Seat { token: seat.token, machine: seat.machine, id: seat.id, ..house.stranger().await });
    }
    let [manager, label, mixer] = <[Seat; 3]>::try_from(seats).unwrap_or_else(|_| panic!("three"));
    Room { house, manager, label, mixer, project, ember, ash, takes }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_changes_nothing_for_those_who_came_by_a_link() {
    let room = Room::of(House::open_embedded(tempfile::tempdir().unwrap(), |_| {}).await).await;
    let twice = |asked: &mut v1::MakeLinkRequest| {
        (asked.sessions_max, asked.password) = (2, "amber wolf 12".into());
    };
    let made = room.make(&room.manager, room.scope(0), twice).await.unwrap();
    let revoked = room.make(&room.manager, room.scope(0), |_| {}).await.unwrap();
    let (guest, _) = open(&room.house, &made, "amber wolf 12").await.unwrap();
    room.revoke(&room.manager, &revoked.link_id).await.unwrap();
    let room = again(room).await;
    let guest = Seat { token: guest.token, id: guest.id, ..room.house.stranger().await };
    assert!(!room.listen(&guest, room.asked(0)).await.unwrap().is_empty());
    refused(open(&room.house, &revoked, "").await.map(drop), "LINK_ENDED");
    refused(open(&room.house, &made, "amber wolf 13").await.map(drop), "LINK_PASSWORD_WRONG");
    open(&room.house, &made, "amber wolf 12").await.unwrap();
    refused(open(&room.house, &made, "amber wolf 12").await.map(drop), "LINK_USED_UP");
    stopped(room.house).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_disk_that_failed_a_revoked_link_is_ended_until_the_restart() {
    let room = Room::of(House::open_embedded(tempfile::tempdir().unwrap(), |_| {}).await).await;
    let made = room.make(&room.manager, room.scope(0), |_| {}).await.unwrap();
    let (guest, _) = open(&room.house, &made, "").await.unwrap();
    room.house.studio.store.drive().latch().fall("a sync failed, for this test");
    refused(room.revoke(&room.manager, &made.link_id).await, "ENDED_UNTIL_RESTART");
    refused(room.rows(&guest).await, "SESSION_ENDED");
    refused(open(&room.house, &made, "").await.map(drop), "LINK_ENDED");
    let room = again(room).await;
    let guest = Seat { token: guest.token, id: guest.id, ..room.house.stranger().await };
    assert!(room.rows(&guest).await.is_ok(), "so far it stands nowhere, as was told");
    assert_eq!(room.revoke(&room.manager, &made.link_id).await.unwrap(), 1);
    refused(room.rows(&guest).await, "SESSION_ENDED");
    stopped(room.house).await;
}
