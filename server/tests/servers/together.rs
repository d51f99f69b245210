//! What is asked at one server counts at the other: at once where somebody comes from there, and within a second where somebody only watches. Never here: servers
//! or databases that fail (`faults`).

use std::time::{Duration, Instant};

use deadwax_proto::v1::{
    self, action::Action, media_client::MediaClient, presence_client::PresenceClient,
    sessions_client::SessionsClient,
};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming, transport::Channel};

use crate::{
    Dice, cluster,
    house::House,
    machine::Machine,
    pieces::Piece,
    seats::{Seat, new_id, retitled},
};

/// What is promised, and how long a machine under load gets before something counts as lost.
const SECOND: Duration = Duration::from_secs(1);
pub const LOST: Duration = Duration::from_secs(20);

fn code_of(link: &str) -> String {
    link.split('/').nth(3).unwrap().split('#').next().unwrap().to_owned()
}

pub async fn invited(owner: &Seat, name: &str, project: &str) -> Result<String, Status> {
    let asked = v1::CreateInviteRequest {
        name: name.into(),
        email: format!("{name}@x.example"),
        project_id: project.into(),
        roles: if project.is_empty() { vec![] } else { vec![v1::Role::Artist.into()] },
        proof: None,
    };
    Ok(code_of(&owner.sessions().create_invite(owner.with(asked)).await?.into_inner().link))
}

/// Somebody who signs what a token alone does not do.
pub async fn at_a_machine(channel: Channel, code: &str) -> (Seat, Machine) {
    let machine = Machine::new();
    let asked = machine.with_code(code, "");
    let answer = SessionsClient::new(channel.clone()).login(asked).await.unwrap().into_inner();
    (Seat { channel, token: answer.token }, machine)
}

pub async fn challenge(seat: &Seat) -> String {
    seat.sessions().challenge(v1::ChallengeRequest {}).await.unwrap().into_inner().challenge
}

pub async fn watch(seat: &Seat, project: &str, from: u64) -> Result<Streaming<v1::Update>, Status> {
    let asked = v1::WatchRequest { project_id: project.into(), from };
    Ok(seat.projects().watch(seat.with(asked)).await?.into_inner())
}

/// Reads until the stream says why it ended.
pub async fn end<T>(stream: &mut Streaming<T>) -> Status {
    loop {
        match stream.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it ended without a word"),
            Err(status) => return status,
        }
    }
}

/// The promise holds for the middle of what was measured however busy the machine is; nothing may take so long that it counts as lost.
pub fn within_a_second(what: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let (middle, slowest) = (took[took.len() / 2], took[took.len() - 1]);
    println!("{what}: {} times, the middle {middle:?}, the slowest {slowest:?}", took.len());
    assert!(middle < SECOND, "{what}: the middle of {} is {middle:?}", took.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_a_project_and_a_place_in_it_are_known_at_the_other_server_at_once() {
    let Some(cluster) = cluster::shared() else { return };
    let house = House::open(cluster, 2);
    let (here, there) = (house.channel(0).await, house.channel(1).await);
    let owner = Seat::login(here.clone(), &house.owner_code).await.unwrap();
    for turn in 0..10u64 {
        // Made at one server, used at the other in the same breath: a link, a session, a project, a song, a seq.
        let code = invited(&owner.over(there.clone()), &format!("p{turn}"), "").await.unwrap();
        let seat = Seat::login(here.clone(), &code).await.unwrap();
        assert_eq!(seat.over(there.clone()).who_am_i().await.unwrap().name, format!("p{turn}"));
        let project = owner.new_project().await;
        let song = owner.over(there.clone()).new_song(&project).await;
        let seq = owner.perform(&project, retitled(&song, turn + 1)).await.unwrap();
        let mut updates = watch(&owner.over(there.clone()), &project, seq).await.unwrap();
        let first = timeout(LOST, updates.message()).await.unwrap().unwrap().unwrap();
        assert!(first.seq >= seq && !first.snapshot, "resumed where the other server was: {first:?}");
        let seq = owner.over(there.clone()).perform(&project, retitled(&song, turn + 2)).await.unwrap();
        let mut updates = watch(&owner, &project, seq - 1).await.unwrap();
        while timeout(LOST, updates.message()).await.unwrap().unwrap().unwrap().seq < seq {}
    }
    let mut stranger = owner.clone();
    stranger.token = owner.token.replace(&owner.token[20..24], "AAAA");
    assert_eq!(stranger.over(there).who_am_i().await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watchers_of_the_other_server_see_it_within_a_second() {
    let Some(cluster) = cluster::shared() else { return };
    let house = House::open(cluster, 2);
    let owner = Seat::login(house.channel(0).await, &house.owner_code).await.unwrap();
    let project = owner.new_project().await;
    let song = owner.new_song(&project).await;
    let mut updates = watch(&owner.over(house.channel(1).await), &project, 0).await.unwrap();
    let mut took = Vec::new();
    for title in 1..=30 {
        let seq = owner.perform(&project, retitled(&song, title)).await.unwrap();
        let told = Instant::now();
        while timeout(LOST, updates.message()).await.expect("the watcher is told").unwrap().unwrap().seq < seq
        {
        }
        took.push(told.elapsed());
    }
    within_a_second("a change at one server, seen at the other", took);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ended_session_is_ended_at_the_other_server_within_a_second() {
    let Some(cluster) = cluster::shared() else { return };
    let house = House::open(cluster, 2);
    let (here, there) = (house.channel(0).await, house.channel(1).await);
    let (owner, machine) = at_a_machine(here.clone(), &house.owner_code).await;
    let project = owner.new_project().await;
    let (mut took, mut calls) = (Vec::new(), Vec::new());
    for turn in 0..8 {
        let code = invited(&owner, &format!("r{turn}"), &project).await.unwrap();
        let seat = Seat::login(there.clone(), &code).await.unwrap();
        let mut rows = watch(&seat, &project, 0).await.unwrap();
        let mut room = Room::enter(&seat, &project).await;
        let person_id = seat.who_am_i().await.unwrap().person_id;
        // One session, or everything that lets somebody in.
        if turn % 2 == 0 {
            let asked = v1::ListSessionsRequest { person_id };
            let sessions = owner.sessions().list_sessions(owner.with(asked)).await.unwrap().into_inner();
            let session_id = sessions.sessions[0].session_id.clone();
            let proof = Some(machine.proof("RevokeSession", challenge(&owner).await));
            let asked = owner.with(v1::RevokeSessionRequest { session_id, proof });
            owner.sessions().revoke_session(asked).await.unwrap();
        } else {
            let proof = Some(machine.proof("EndAccess", challenge(&owner).await));
            let asked = v1::EndAccessRequest { person_id, proof, ..Default::default() };
            owner.sessions().end_access(owner.with(asked)).await.unwrap();
        }
        let told = Instant::now();
        let why = timeout(LOST, end(&mut rows)).await.expect("the stream is ended");
        assert_eq!(why.code(), Code::Unauthenticated, "{why:?}");
        let why = timeout(LOST, end(&mut room.answers)).await.expect("the stream is ended");
        assert_eq!(why.code(), Code::Unauthenticated, "{why:?}");
        took.push(told.elapsed());
        assert_eq!(seat.who_am_i().await.unwrap_err().code(), Code::Unauthenticated);
        calls.push(told.elapsed());
    }
    within_a_second("a session ended at one server, its streams at the other", took);
    within_a_second("and its next call refused", calls);
}

/// An open presence stream.
struct Room {
    _tells: mpsc::Sender<v1::Attending>,
    answers: Streaming<v1::Attendance>,
}

impl Room {
    async fn enter(seat: &Seat, project: &str) -> Self {
        let (tells, told) = mpsc::channel(8);
        tells.send(v1::Attending { project_id: project.into(), ..Default::default() }).await.unwrap();
        let mut client = PresenceClient::new(seat.channel.clone());
        let answers = client.attend(seat.with(ReceiverStream::new(told))).await.unwrap().into_inner();
        Self { _tells: tells, answers }
    }

    /// Until these are here, by name.
    async fn sees(&mut self, names: &[&str]) -> Duration {
        let begun = Instant::now();
        let seen = async {
            loop {
                let here = self.answers.message().await.unwrap().unwrap().attendees;
                if here.iter().map(|it| it.name.as_str()).collect::<Vec<_>>() == names {
                    return;
                }
            }
        };
        timeout(LOST, seen).await.unwrap_or_else(|_| panic!("{names:?} were never here"));
        begun.elapsed()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_here_is_seen_at_every_server_and_who_was_at_a_killed_one_goes() {
    let Some(cluster) = cluster::shared() else { return };
    let mut house = House::open(cluster, 2);
    let owner = Seat::login(house.channel(0).await, &house.owner_code).await.unwrap();
    let project = owner.new_project().await;
    let code = invited(&owner, "Ben", &project).await.unwrap();
    let ben = Seat::login(house.channel(1).await, &code).await.unwrap();
    let mut here = Room::enter(&owner, &project).await;
    here.sees(&["Noor"]).await;
    let (mut came, mut left) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let mut there = Room::enter(&ben, &project).await;
        came.push(here.sees(&["Noor", "Ben"]).await);
        there.sees(&["Noor", "Ben"]).await;
        drop(there);
        left.push(here.sees(&["Noor"]).await);
    }
    within_a_second("somebody came at one server, seen at the other", came);
    within_a_second("and left", left);
    let _there = Room::enter(&ben, &project).await;
    here.sees(&["Noor", "Ben"]).await;
    house.servers[1].kill();
    let gone = here.sees(&["Noor"]).await;
    println!("who was at a killed server was gone after {gone:?}");
    assert!(gone < Duration::from_secs(10), "{gone:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_who_decide_on_the_same_sight_at_two_servers_one_wins() {
    let Some(cluster) = cluster::shared() else { return };
    let house = House::open(cluster, 2);
    let (here, there) = (house.channel(0).await, house.channel(1).await);
    let owner = Seat::login(here.clone(), &house.owner_code).await.unwrap();
    let project = owner.new_project().await;
    let song = owner.new_song(&project).await;
    let mut seq = owner.perform(&project, retitled(&song, 1)).await.unwrap();
    for title in 2..40 {
        let tries = [&here, &there].map(|channel| {
            let (seat, action) =
                (owner.over(channel.clone()), Some(v1::Action { action: Some(retitled(&song, title)) }));
            let asked = v1::PerformRequest {
                command_id: new_id(),
                project_id: project.clone(),
                expected: Some(seq),
                action,
            };
            async move { seat.projects().perform(seat.with(asked)).await }
        });
        let answers = futures::future::join_all(tries).await;
        let lost: Vec<Code> = answers.iter().filter_map(|it| it.as_ref().err()).map(Status::code).collect();
        assert_eq!(lost, [Code::Aborted], "one wins, and the other is told");
        seq = answers.into_iter().find_map(Result::ok).unwrap().into_inner().seq;
    }
    // A link lets one in.
    for turn in 0..8 {
        let code = invited(&owner, &format!("w{turn}"), "").await.unwrap();
        let answers = [&here, &there, &here, &there].map(|channel| Seat::login(channel.clone(), &code));
        let let_in = futures::future::join_all(answers).await.into_iter().filter(Result::is_ok).count();
        assert_eq!(let_in, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_again_to_the_other_server_is_done_once() {
    let Some(cluster) = cluster::shared() else { return };
    let house = House::open(cluster, 2);
    let (here, there) = (house.channel(0).await, house.channel(1).await);
    let owner = Seat::login(here, &house.owner_code).await.unwrap();
    let other = owner.over(there);
    let project = owner.new_project().await;
    let song = owner.new_song(&project).await;
    let mut before = owner.perform(&project, retitled(&song, 1)).await.unwrap();
    for title in 2..30 {
        let command = new_id();
        let asked = || retitled(&song, title);
        // One after the other, or both at once, as a client that gave up waiting does.
        let (first, second) = if title % 2 == 0 {
            let first = owner.perform_as(&command, &project, asked()).await;
            (first, other.perform_as(&command, &project, asked()).await)
        } else {
            tokio::join!(
                owner.perform_as(&command, &project, asked()),
                other.perform_as(&command, &project, asked())
            )
        };
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_eq!((first, second), (before + 1, before + 1));
        before = first;
    }
}

/// The people's stream is one for the whole studio: who meets there is not told of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_invited_at_every_server_at_once_and_nobody_is_sent_away() {
    let Some(cluster) = cluster::shared() else { return };
    let house = House::open(cluster, 3);
    let owner = Seat::login(house.channel(0).await, &house.owner_code).await.unwrap();
    let mut channels = Vec::new();
    for server in 0..3 {
        channels.push(house.channel(server).await);
    }
    let project = owner.new_project().await;
    let all = (0..60).map(|number| {
        let (seat, door) = (owner.over(channels[number % 3].clone()), channels[(number + 1) % 3].clone());
        let project = if number % 2 == 0 { project.clone() } else { String::new() };
        tokio::spawn(async move {
            let code = invited(&seat, &format!("n{number}"), &project).await.unwrap();
            Seat::login(door, &code).await.unwrap()
        })
    });
    let seats = futures::future::join_all(all.collect::<Vec<_>>()).await;
    assert_eq!(seats.into_iter().filter(Result::is_ok).count(), 60);
    // The same e-mail at all of them: one person.
    for turn in 0..5 {
        let name = format!("same{turn}");
        let all = channels.iter().map(|channel| {
            let (seat, name) = (owner.over(channel.clone()), name.clone());
            async move { invited(&seat, &name, "").await }
        });
        let made = futures::future::join_all(all).await;
        assert!(made.iter().any(Result::is_ok), "{made:?}");
        for no in made.iter().filter_map(|it| it.as_ref().err()) {
            assert_eq!(no.code(), Code::FailedPrecondition, "{no:?}");
        }
    }
}

/// A machine asks one server for a challenge and answers another; no answer opens two sessions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_challenge_of_one_server_is_answered_at_the_other_once() {
    let Some(cluster) = cluster::shared() else { return };
    let house = House::open(cluster, 2);
    let (here, there) = (house.channel(0).await, house.channel(1).await);
    let (machine, words) = (Machine::new(), "four old tape machines");
    let (mut one, mut two) = (SessionsClient::new(here), SessionsClient::new(there));
    one.login(machine.with_code(&house.owner_code, words)).await.unwrap();
    for _ in 0..4 {
        let challenge = one.challenge(v1::ChallengeRequest {}).await.unwrap().into_inner().challenge;
        let asked = machine.again(challenge, words);
        two.sign_in(asked.clone()).await.unwrap();
        assert_eq!(two.sign_in(asked.clone()).await.unwrap_err().code(), Code::Unauthenticated);
        assert_eq!(one.sign_in(asked).await.unwrap_err().code(), Code::Unauthenticated, "nor at its maker");
    }
}

/// What was shown at one server beside a call makes no second link at the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proof_for_one_server_is_good_at_the_other_once() {
    let Some(cluster) = cluster::shared() else { return };
    let house = House::open(cluster, 2);
    let (here, there) = (house.channel(0).await, house.channel(1).await);
    let (owner, machine) = at_a_machine(here, &house.owner_code).await;
    let elsewhere = owner.over(there);
    for _ in 0..4 {
        let proof = Some(machine.proof("CreateInvite", challenge(&owner).await));
        let asked = v1::CreateInviteRequest { proof, ..Default::default() };
        let link = elsewhere.sessions().create_invite(elsewhere.with(asked.clone())).await;
        assert!(!link.unwrap().into_inner().link.is_empty());
        for seat in [&owner, &elsewhere] {
            let no = seat.sessions().create_invite(seat.with(asked.clone())).await.unwrap_err();
            assert_eq!(no.code(), Code::PermissionDenied, "{no:?}");
        }
    }
}

/// Three servers, asked in turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_song_made_at_one_server_is_renamed_and_shown_at_all() {
    let Some(cluster) = cluster::shared() else { return };
    let house = House::open(cluster, 3);
    let owner = Seat::login(house.channel(0).await, &house.owner_code).await.unwrap();
    let project = owner.new_project().await;
    let mut last = 0;
    for turn in 0..12 {
        let seat = owner.over(house.channel(turn % 3).await);
        let song_id = new_id();
        let add = v1::AddSong { song_id, title: format!("Song {turn}"), isrc: String::new() };
        last = seat.perform(&project, Action::AddSong(add)).await.unwrap();
    }
    for server in 0..3 {
        let seat = owner.over(house.channel(server).await);
        let mut updates = watch(&seat, &project, 0).await.unwrap();
        let mut songs = 0;
        loop {
            let update = timeout(LOST, updates.message()).await.unwrap().unwrap().unwrap();
            let song = |row: &&v1::Row| matches!(row.row, Some(v1::row::Row::Song(_)));
            songs += update.upserts.iter().filter(song).count();
            if update.seq >= last {
                break;
            }
        }
        assert_eq!(songs, 12, "server {server}");
    }
}

/// Audio that came in at one server is named by a fact of the second and goes out at the third: they share the folder where it lies.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audio_that_came_in_at_one_server_goes_out_at_the_others() {
    let Some(cluster) = cluster::shared() else { return };
    let house = House::open(cluster, 3);
    let owner = Seat::login(house.channel(0).await, &house.owner_code).await.unwrap();
    let (second, third) = (owner.over(house.channel(1).await), owner.over(house.channel(2).await));
    let project = owner.new_project().await;
    let person_id = owner.who_am_i().await.unwrap().person_id;
    let roles = vec![v1::Role::Manager.into(), v1::Role::Producer.into()];
    owner.perform(&project, Action::ChangeRoles(v1::ChangeRoles { person_id, roles })).await.unwrap();
    let song_id = owner.new_song(&project).await;
    let mut piece = Piece::new(&mut Dice(1), &project, 400_000);
    assert!(piece.upload(&owner).await.unwrap());
    assert!(piece.upload(&third).await.unwrap(), "it is here already");
    let (version_id, sha256) = (new_id(), piece.sha256.clone());
    let file = v1::NewFile { alternate: "main".into(), sha256: sha256.clone(), name: "noise.wav".into() };
    let kind = v1::VersionKind::Take.into();
    let (files, title) = (vec![file], "Take 1".to_owned());
    let add =
        v1::AddVersion { version_id: version_id.clone(), song_id, kind, title, files, ..Default::default() };
    second.perform(&project, Action::AddVersion(add)).await.unwrap();
    for seat in [&owner, &second, &third] {
        let (project_id, version_id, sha256) = (project.clone(), version_id.clone(), sha256.clone());
        let asked = v1::DownloadRequest { project_id, version_id, sha256, offset: 0, limit: 0 };
        let mut media = MediaClient::new(seat.channel.clone());
        let mut chunks = media.download(seat.with(asked)).await.unwrap().into_inner();
        let mut bytes = Vec::new();
        while let Some(chunk) = chunks.message().await.unwrap() {
            bytes.extend_from_slice(&chunk.data);
        }
        assert!(bytes == piece.bytes, "{} bytes came, of {}", bytes.len(), piece.bytes.len());
    }
}

/// Whoever makes a project and looks at the list does so through a balancer, which sends the two calls to two servers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_made_at_one_server_is_in_the_list_of_the_other_at_once() {
    let Some(cluster) = cluster::shared() else { return };
    let house = House::open(cluster, 2);
    let here = Seat::login(house.channel(0).await, &house.owner_code).await.unwrap();
    let there = here.over(house.channel(1).await);
    for made in 1..=40 {
        let project = here.new_project().await;
        let listed =
            there.projects().list(there.with(v1::ListRequest::default())).await.unwrap().into_inner();
        assert!(listed.projects.iter().any(|it| it.project_id == project), "project {made}");
        assert_eq!(listed.projects.len(), made);
    }
}
