//! Whoever is out is out at once: every kind of stream that this server offers ends with its session, however the session ends. Never here: calls that are over when they are answered.

use std::{
    collections::BTreeSet,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use deadwax_domain::{Alternate, Command, NewFile, ProjectId, Role, SongId, VersionId, VersionKind};
use deadwax_proto::v1::{
    self, mastering_client::MasteringClient, presence_client::PresenceClient,
    projects_client::ProjectsClient, records_client::RecordsClient,
};
use deadwax_server::auth::SESSION_TTL;
use futures::{FutureExt as _, StreamExt as _, future::BoxFuture, stream};
use prost::Message as _;
use tonic::{Response, Status, Streaming};

use crate::{
    common::{Seat, id_text, machine::Machine, refused, within},
    denied::Log,
    media_kit::{self, sha256, tone},
    world::{Asker, Place, State, World, at},
};

/// Opened here, each for itself.
const OPEN: [&str; 8] = [
    "Projects/Watch",
    "Projects/WatchDesk",
    "Presence/Attend",
    "Mastering/WatchRender",
    "Records/WatchRecord",
    "Media/Upload",
    "Media/Download",
    "Records/PutCover",
];
/// Files on their way: the same stream as a download (`rpc/until.rs`), and too short here to be met half-way.
const AS_DOWNLOAD: [&str; 6] = [
    "Media/Listen",
    "Media/GetHandoff",
    "Records/Fetch",
    "Records/GetCover",
    "Records/GetChain",
    "Records/GetEvidence",
];

#[test]
fn no_kind_of_stream_is_left_out() {
    let offered = prost_types::FileDescriptorSet::decode(deadwax_proto::DESCRIPTORS).unwrap();
    let offered =
        offered.file.iter().filter(|file| file.package() == "deadwax.v1").flat_map(|file| &file.service);
    let streams = offered.flat_map(|service| {
        let methods = service.method.iter().filter(|it| it.server_streaming() || it.client_streaming());
        methods.map(|method| format!("{}/{}", service.name(), method.name()))
    });
    let known = OPEN.iter().chain(&AS_DOWNLOAD).map(|name| (*name).to_owned());
    assert_eq!(streams.collect::<BTreeSet<_>>(), known.collect::<BTreeSet<_>>());
}

type Ends = BoxFuture<'static, Status>;

/// Reads until it ends; fails where it comes to an end of its own.
fn end_of<T: Send + 'static>(what: &'static str, mut answers: Streaming<T>) -> Ends {
    async move {
        loop {
            match answers.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{what} came to its own end"),
                Err(status) => return status,
            }
        }
    }
    .boxed()
}

/// A call that takes more than it was given, and so waits.
fn end_of_call<T: Send + 'static>(
    what: &'static str,
    call: impl Future<Output = Result<Response<T>, Status>> + Send + 'static,
) -> Ends {
    async move {
        match call.await {
            Ok(_) => panic!("{what} was answered"),
            Err(status) => status,
        }
    }
    .boxed()
}

/// The manager, signed in once more.
async fn signed_in(world: &World) -> Seat {
    let people = &world.house.studio.people;
    let code = people.issue_code(world.cast.id(Asker::Manager)).await.unwrap().code;
    let mut seat = world.house.stranger().await;
    seat.login_at(Machine::new(), code.reveal(), "").await.unwrap();
    seat
}

/// A version so large that its download does not come to an end by itself.
async fn large(world: &World, songs: Place, seat: &mut Seat) -> v1::DownloadRequest {
    let bytes = tone(48 << 20);
    let project = ProjectId(songs.project);
    media_kit::upload(seat, project, &bytes).await.unwrap();
    let version = VersionId(uuid::Uuid::now_v7().as_u128());
    let add = Command::AddVersion {
        version,
        song: SongId(songs.base + at::RECORDING),
        kind: VersionKind::Take,
        title: String::new(),
        changelog: String::new(),
        files: vec![NewFile { alternate: Alternate::Main, digest: sha256(&bytes), name: "long.wav".into() }],
    };
    let roles = [Role::Manager, Role::Producer].into();
    world.house.perform(seat, project, Command::ChangeRoles { person: seat.id, roles }).await;
    world.house.perform(seat, project, add).await;
    media_kit::fetch(project, version, sha256(&bytes))
}

/// One of each, all under the session of this seat.
async fn open_all(
    (songs, making): (Place, Place),
    seat: &mut Seat,
    file: &v1::DownloadRequest,
) -> Vec<(&'static str, Ends)> {
    let project_id = id_text(songs.project);
    let line = seat.channel.clone();
    let mut open: Vec<(&'static str, Ends)> = Vec::new();

    let asked = seat.with(v1::WatchRequest { project_id: project_id.clone(), from: 0 });
    let watch = ProjectsClient::new(line.clone()).watch(asked).await.unwrap().into_inner();
    open.push((OPEN[0], end_of(OPEN[0], watch)));
    let desk = ProjectsClient::new(line.clone()).watch_desk(seat.with(v1::DeskRequest {})).await;
    open.push((OPEN[1], end_of(OPEN[1], desk.unwrap().into_inner())));

    let here = v1::Attending { project_id: project_id.clone(), ..v1::Attending::default() };
    let told = stream::iter([here]).chain(stream::pending());
    let attended = PresenceClient::new(line.clone()).attend(seat.with(told)).await.unwrap().into_inner();
    open.push((OPEN[2], end_of(OPEN[2], attended)));

    let render_id = songs.id(at::RENDER);
    let asked = seat.with(v1::WatchRenderRequest { project_id: project_id.clone(), render_id });
    let render = MasteringClient::new(line.clone()).watch_render(asked).await.unwrap().into_inner();
    open.push((OPEN[3], end_of(OPEN[3], render)));
    let record_id = making.id(at::RECORD);
    let asked = seat.with(v1::WatchRecordRequest { project_id: id_text(making.project), record_id });
    let record = RecordsClient::new(line.clone()).watch_record(asked).await.unwrap().into_inner();
    open.push((OPEN[4], end_of(OPEN[4], record)));

    let song = tone(100 + open.len());
    let begun = media_kit::start(seat, ProjectId(songs.project), &song).await.unwrap();
    let half = media_kit::chunks(&begun.upload_id, &song, 0)[..1].to_vec();
    let asked = seat.with(stream::iter(half).chain(stream::pending()));
    let mut media = seat.media.clone();
    open.push((OPEN[5], end_of_call(OPEN[5], async move { media.upload(asked).await })));

    let mut reading = seat.media.download(seat.with(file.clone())).await.unwrap().into_inner();
    reading.message().await.unwrap().unwrap();
    // Read slowly, so that it is on its way for as long as it takes.
    let slowly = async move {
        loop {
            tokio::time::sleep(Duration::from_millis(20)).await;
            match reading.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the whole file came through"),
                Err(status) => return status,
            }
        }
    };
    open.push((OPEN[6], slowly.boxed()));

    let command_id = id_text(uuid::Uuid::now_v7().as_u128());
    let head = v1::PutCoverRequest { project_id, command_id, data: songs.cover()[..4].to_vec().into() };
    let asked = seat.with(stream::iter([head]).chain(stream::pending()));
    let mut covers = RecordsClient::new(line);
    open.push((OPEN[7], end_of_call(OPEN[7], async move { covers.put_cover(asked).await })));
    open
}

#[derive(Clone, Copy, Debug)]
enum By {
    Logout,
    AnotherSession,
    AnOwner,
    TheClock,
}

async fn end(world: &World, seat: &mut Seat, by: By) {
    match by {
        By::Logout => {
            let asked = seat.with(v1::LogoutRequest {});
            seat.sessions.logout(asked).await.unwrap();
        }
        By::AnotherSession => {
            let session_id = id_text(world.house.studio.people.caller(&seat.token).unwrap().session_id);
            signed_in(world).await.revoke(&session_id).await.unwrap();
        }
        By::AnOwner => {
            let person_id = id_text(seat.id.0);
            let asked = v1::EndAccessRequest { person_id, ..v1::EndAccessRequest::default() };
            world.cast.seat(Asker::Owner).end_access(asked).await.unwrap();
        }
        By::TheClock => {
            world.house.clock.0.fetch_add(SESSION_TTL.as_millis() as i64, Ordering::SeqCst);
        }
    }
}

/// Gate REVOKE.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_open_stream_ends_with_its_session() {
    // Others read the log, in which these ends stand as well.
    let _alone = Log::of_this_test().await;
    let mut world = World::open().await;
    let songs = world.own;
    world.renew(State::Making).await;
    let places = (songs, world.own);
    let mut first = signed_in(&world).await;
    let file = large(&world, songs, &mut first).await;
    let mut slowest = (Duration::ZERO, "", By::Logout);
    let mut ended = 0;
    for by in [By::Logout, By::AnotherSession, By::AnOwner, By::TheClock] {
        let mut seat = signed_in(&world).await;
        let open = open_all(places, &mut seat, &file).await;
        let waiting: Vec<_> = open.into_iter().map(|(what, ends)| (what, tokio::spawn(ends))).collect();
        tokio::time::sleep(Duration::from_millis(200)).await;
        assert!(waiting.iter().all(|(_, ends)| !ends.is_finished()), "{by:?}: all are open");
        end(&world, &mut seat, by).await;
        let done = Instant::now();
        for (what, ends) in waiting {
            // A second on a machine with nothing else to do; the figure is told.
            let status = within(Duration::from_secs(15), what, ends).await.unwrap();
            refused::<()>(Err(status), "SESSION_ENDED");
            ended += 1;
            if done.elapsed() > slowest.0 {
                slowest = (done.elapsed(), what, by);
            }
        }
    }
    println!(
        "#gate REVOKE held {ended} streams of {} kinds, ended in 4 ways; the slowest {} ms after it ({}, {:?})",
        OPEN.len(),
        slowest.0.as_millis(),
        slowest.1,
        slowest.2
    );
}
