//! Who is here, over the wire: people see each other, what may not be seen is not there, and neither a flood nor a cut leaves anything behind.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;
#[allow(dead_code)]
mod media_kit;

use std::time::Duration;

use common::*;
use deadwax_domain::{
    Alternate, Command, NewFile, ProjectId, Role, ShootoutId, SongId, VersionId, VersionKind,
};
use deadwax_proto::v1::{self, presence_client::PresenceClient};
use media_kit::{sha256, take, tone, upload};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};

/// An open stream of somebody.
struct Attending {
    tells: mpsc::Sender<v1::Attending>,
    answers: Streaming<v1::Attendance>,
}

async fn attend(seat: &Seat, first: v1::Attending) -> Result<Attending, Status> {
    let (tells, told) = mpsc::channel(64);
    tells.send(first).await.unwrap();
    let mut client = PresenceClient::new(seat.channel.clone());
    let answers = client.attend(seat.with(ReceiverStream::new(told))).await?.into_inner();
    Ok(Attending { tells, answers })
}

impl Attending {
    async fn tell(&self, place: v1::Attending) {
        self.tells.send(place).await.unwrap();
    }

    /// The next answer of which this is true; others on the way are what was true before.
    async fn sees(&mut self, what: &str, is: impl Fn(&[v1::Attendee]) -> bool) -> Vec<v1::Attendee> {
        within(Duration::from_secs(20), what, async {
            loop {
                let answer = self.answers.message().await.unwrap().expect("the stream goes on");
                if is(&answer.attendees) {
                    return answer.attendees;
                }
            }
        })
        .await
    }

    async fn end(&mut self) -> Status {
        within(Duration::from_secs(20), "the end", async {
            loop {
                match self.answers.message().await {
                    Ok(Some(_)) => {}
                    Ok(None) => panic!("it ended without a word"),
                    Err(status) => return status,
                }
            }
        })
        .await
    }
}

fn here(project: ProjectId) -> v1::Attending {
    v1::Attending { project_id: id_text(project.0), ..v1::Attending::default() }
}

fn at(song: SongId, version: VersionId, playhead_ms: u64) -> v1::Attending {
    v1::Attending {
        song_id: id_text(song.0),
        version_id: id_text(version.0),
        playhead_ms: Some(playhead_ms),
        playing: true,
        ..v1::Attending::default()
    }
}

fn names(attendees: &[v1::Attendee]) -> Vec<&str> {
    attendees.iter().map(|it| it.name.as_str()).collect()
}

async fn song_of(house: &House, project: ProjectId) -> SongId {
    house.studio.ledger.project(project).await.unwrap().unwrap().project.running_order[0]
}

#[tokio::test]
async fn two_people_see_each_other_and_a_cut_removes() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let lou = house.person("Lou", false).await;
    let (project, version) = take(&house, &mut ana, &tone(100)).await;
    let song = song_of(&house, project).await;
    let roles = [Role::Listener].into();
    house.perform(&ana, project, Command::AddMember { person: lou.id, roles }).await;

    let mut first = attend(&ana, here(project)).await.unwrap();
    let alone = first.sees("oneself", |all| all.len() == 1).await;
    assert!(alone[0].you && alone[0].name == "Ana" && alone[0].playhead_ms.is_none());
    let mut second =
        attend(&lou, v1::Attending { project_id: id_text(project.0), ..at(song, version, 1234) })
            .await
            .unwrap();
    let both = first.sees("the other", |all| all.len() == 2).await;
    assert_eq!(names(&both), ["Ana", "Lou"], "in the order in which they came");
    let lou_there = &both[1];
    assert_eq!((lou_there.playhead_ms, lou_there.playing, lou_there.you), (Some(1234), true, false));
    assert_eq!((&lou_there.song_id, &lou_there.version_id), (&id_text(song.0), &id_text(version.0)));
    assert_eq!(second.sees("both", |all| all.len() == 2).await[1].name, "Lou");

    first.tell(v1::Attending { alternate: "instrumental".into(), ..at(song, version, 7) }).await;
    let seen = second.sees("a new place", |all| all[0].playhead_ms == Some(7)).await;
    assert_eq!(seen[0].alternate, "instrumental");
    drop(second);
    let left = first.sees("that one left", |all| all.len() == 1).await;
    assert_eq!(names(&left), ["Ana"]);

    let stranger = house.person("Bob", true).await;
    refused(attend(&stranger, here(project)).await.map(|_| ()), "NO_SUCH_PROJECT");
    refused(attend(&ana, v1::Attending::default()).await.map(|_| ()), "MALFORMED");
    first.tell(here(ProjectId(77))).await;
    refused::<()>(Err(first.end().await), "MALFORMED");
}

#[tokio::test]
async fn the_second_leader_waits_for_the_first() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let (project, version) = take(&house, &mut ana, &tone(100)).await;
    let song = song_of(&house, project).await;
    let leads = |leading| v1::Attending { leading, ..at(song, version, 0) };
    let mut desk = attend(&ana, here(project)).await.unwrap();
    desk.tell(leads(true)).await;
    desk.sees("leading", |all| all[0].leading).await;
    let phone = attend(&ana, here(project)).await.unwrap();
    phone.tell(leads(true)).await;
    let seen = desk.sees("the second on the song", |all| all.len() == 2 && !all[1].song_id.is_empty()).await;
    assert_eq!((seen[0].leading, seen[1].leading), (true, false));
    desk.tell(leads(false)).await;
    desk.sees("the second leads", |all| all.len() == 2 && !all[0].leading && all[1].leading).await;
}

#[tokio::test]
async fn the_stream_ends_with_session_and_membership_and_there_are_not_many() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let mut lou = house.person("Lou", false).await;
    let (project, _) = take(&house, &mut ana, &tone(100)).await;
    let roles = [Role::Artist].into();
    house.perform(&ana, project, Command::AddMember { person: lou.id, roles }).await;
    let mut many = Vec::new();
    for _ in 0..8 {
        many.push(attend(&lou, here(project)).await.unwrap());
    }
    refused(attend(&lou, here(project)).await.map(|_| ()), "LIMIT_REACHED");
    let mut anas = attend(&ana, here(project)).await.unwrap();
    anas.sees("everybody", |all| all.len() == 9).await;

    house.perform(&ana, project, Command::RemoveMember { person: lou.id }).await;
    refused::<()>(Err(many[0].end().await), "NO_SUCH_PROJECT");
    assert_eq!(names(&anas.sees("them gone", |all| all.len() == 1).await), ["Ana"]);
    lou.sessions.logout(lou.with(v1::LogoutRequest {})).await.unwrap();
    ana.sessions.logout(ana.with(v1::LogoutRequest {})).await.unwrap();
    refused::<()>(Err(anas.end().await), "SESSION_ENDED");
}

/// Two engineers who compete blind, a label who compares, and a mix of the first.
async fn competing(house: &House) -> (Seat, Seat, Seat, ProjectId, SongId, VersionId) {
    let mut ana = house.person("Ana", true).await;
    let mut max = house.person("Max", false).await;
    let sue = house.person("Sue", false).await;
    let (project, take) = take(house, &mut ana, &tone(100)).await;
    let song = song_of(house, project).await;
    for (seat, role) in [(&max, Role::MixEngineer), (&sue, Role::MixEngineer)] {
        let add = Command::AddMember { person: seat.id, roles: [role].into() };
        house.perform(&ana, project, add).await;
    }
    let lia = house.person("Lia", false).await;
    let add = Command::AddMember { person: lia.id, roles: [Role::Label, Role::Artist].into() };
    house.perform(&ana, project, add).await;
    house.nothing_found(project).await;
    approve(house, project, &lia, take, Role::Artist).await;
    let open =
        Command::OpenShootout { shootout: ShootoutId(1), song, entrants: vec![max.id, sue.id], blind: true };
    house.perform(&ana, project, open).await;
    let bytes = tone(200);
    upload(&mut max, project, &bytes).await.unwrap();
    let version = VersionId(uuid::Uuid::now_v7().as_u128());
    let files = vec![NewFile { alternate: Alternate::Main, digest: sha256(&bytes), name: "a.wav".into() }];
    let (title, changelog) = (String::new(), String::new());
    let add = Command::AddVersion { version, song, kind: VersionKind::Mix, title, changelog, files };
    house.perform(&max, project, add).await;
    (max, sue, lia, project, song, version)
}

async fn approve(house: &House, project: ProjectId, by: &Seat, version: VersionId, role: Role) {
    let now = house.studio.ledger.project(project).await.unwrap().unwrap();
    let fingerprint = now.project.versions.get(version).unwrap().fingerprint;
    let approval = deadwax_domain::ApprovalId(uuid::Uuid::now_v7().as_u128());
    house.perform(by, project, Command::Approve { approval, version, role, fingerprint }).await;
}

#[tokio::test]
async fn v1_nobody_is_seen_on_a_version_that_is_not_to_be_known() {
    let house = House::open().await;
    let (max, sue, lia, project, song, version) = competing(&house).await;
    let on_it = v1::Attending { project_id: id_text(project.0), ..at(song, version, 5) };
    let mut maxs = attend(&max, on_it).await.unwrap();
    maxs.sees("oneself", |all| all[0].playhead_ms == Some(5)).await;
    // Sue competes: the mix does not exist for her. Lia compares and may not know whose it is: that Max is on it would tell.
    for seat in [&sue, &lia] {
        let mut theirs = attend(seat, here(project)).await.unwrap();
        let seen = theirs.sees("Max", |all| all.iter().any(|it| it.name == "Max")).await;
        let max_there = seen.iter().find(|it| it.name == "Max").unwrap();
        assert_eq!(max_there.song_id, id_text(song.0), "that he is on the song is no secret");
        assert_eq!(
            (max_there.version_id.as_str(), max_there.playhead_ms, max_there.playing),
            ("", None, false)
        );
    }
}

#[tokio::test]
async fn a_flood_is_merged_and_the_newest_counts() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let (project, version) = take(&house, &mut ana, &tone(100)).await;
    let song = song_of(&house, project).await;
    let mut watcher = attend(&ana, here(project)).await.unwrap();
    let flood = attend(&ana, here(project)).await.unwrap();
    watcher.sees("both", |all| all.len() == 2).await;
    for ms in 1..=3000 {
        flood.tell(at(song, version, ms)).await;
    }
    let mut answers = 0;
    within(Duration::from_secs(20), "the newest", async {
        loop {
            let answer = watcher.answers.message().await.unwrap().unwrap();
            answers += 1;
            if answer.attendees[1].playhead_ms == Some(3000) {
                return;
            }
        }
    })
    .await;
    assert!(answers < 300, "{answers} answers to 3000 messages");
}
