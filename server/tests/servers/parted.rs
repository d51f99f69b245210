//! One of two servers loses its line to the database, or to the object store, for longer than its patience, while the other goes on. It says so, lets nobody in on what
//! it knew, takes no change, and afterwards tells everything that happened meanwhile, without a gap. Never here: processes that die (`faults`).

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use deadwax_proto::v1::{self, action::Action, media_client::MediaClient};
use deadwax_server::status::reason_of;
use tokio::time::timeout;
use tonic::{Code, Status, Streaming};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{
    Dice,
    cluster::{self, Cluster},
    house::House,
    line::Line,
    moto::Moto,
    pieces::Piece,
    seats::{Seat, new_id, retitled},
    together::{at_a_machine, challenge, invited},
};

/// What is promised of an ended session, on a machine with other work.
const SURE: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(60);

/// The same database over a line of the test's own.
fn over(line: &Line, cluster: &Cluster, url: &str) -> String {
    let (_, place) = url.split_once("user=").unwrap();
    assert!(url.contains(&format!("port={}", cluster.port())));
    format!("host=127.0.0.1 port={} sslmode=disable user={place}", line.front.port())
}

async fn serves(house: &House, server: usize) -> bool {
    let asked = HealthCheckRequest { service: String::new() };
    let answer = HealthClient::new(house.channel(server).await).check(asked).await.unwrap().into_inner();
    answer.status() == ServingStatus::Serving
}

async fn until_serves(house: &House, server: usize, wanted: bool) -> Duration {
    let begun = Instant::now();
    while serves(house, server).await != wanted {
        assert!(begun.elapsed() < PATIENCE, "server {server} serves: {}", !wanted);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    begun.elapsed()
}

async fn watch(seat: &Seat, project: &str) -> Streaming<v1::Update> {
    let asked = v1::WatchRequest { project_id: project.into(), from: 0 };
    seat.projects().watch(seat.with(asked)).await.unwrap().into_inner()
}

/// Every seq that is told, until the last one is.
async fn told_until(updates: &mut Streaming<v1::Update>, last: u64) -> Vec<u64> {
    let mut told = Vec::new();
    while told.last() != Some(&last) {
        let update = timeout(PATIENCE, updates.message()).await.unwrap().unwrap().unwrap();
        told.extend(Some(update.seq).filter(|seq| *seq > 0));
    }
    told
}

fn is_refused(no: &Status) -> bool {
    reason_of(no).as_deref() == Some("STORE_UNAVAILABLE") && no.code() == Code::Unavailable
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_cut_off_from_the_database_lets_nobody_in_and_catches_up_without_a_gap() {
    let Some(cluster) = cluster::shared() else { return };
    let line = Line::to(cluster.port()).await;
    let place = cluster.place();
    let url = place.url.reveal().to_owned();
    let mut house = House::open_at(&url, 2, &[]);
    let by_line = over(&line, cluster, &url);
    house = tokio::task::spawn_blocking(move || {
        house.servers[1].stop();
        house.servers[1].set("STORE__URL_FILE", "");
        house.servers[1].set("STORE__URL", &by_line);
        house.servers[1].start();
        house
    })
    .await
    .unwrap();
    let (owner, machine) = at_a_machine(house.channel(0).await, &house.owner_code).await;
    let project = owner.new_project().await;
    let song = owner.new_song(&project).await;
    let code = invited(&owner, "Ana", &project).await.unwrap();
    let ana = Seat::login(house.channel(1).await, &code).await.unwrap();
    let person_id = ana.who_am_i().await.unwrap().person_id;
    let there = owner.over(house.channel(1).await);
    let mut updates = watch(&there, &project).await;
    let mut of_ana = watch(&ana, &project).await;
    let mut last = owner.perform(&project, retitled(&song, 1)).await.unwrap();
    told_until(&mut updates, last).await;

    line.cut();
    let proof = Some(machine.proof("EndAccess", challenge(&owner).await));
    let asked = v1::EndAccessRequest { person_id, proof, ..Default::default() };
    owner.sessions().end_access(owner.with(asked)).await.unwrap();
    let ended = Instant::now();
    tokio::time::sleep(SURE).await;
    // Whoever was ended elsewhere, and whoever was not: here nobody can tell.
    let (mut refused, mut title) = (0, 1);
    while ended.elapsed() < Duration::from_secs(15) {
        let (of_ended, of_other) =
            tokio::join!(timeout(PATIENCE, ana.who_am_i()), timeout(PATIENCE, there.who_am_i()));
        for answer in [of_ended.unwrap(), of_other.unwrap()] {
            let no = answer.expect_err("somebody was let in by a server that cannot know");
            assert!(is_refused(&no), "{no:?}");
            refused += 1;
        }
        title += 1;
        last = owner.perform(&project, retitled(&song, title)).await.unwrap();
    }
    let command = new_id();
    let no = there.perform_as(&command, &project, retitled(&song, 1000)).await.unwrap_err();
    assert!(is_refused(&no), "{no:?}");
    until_serves(&house, 1, false).await;
    assert!(serves(&house, 0).await, "the other one goes on");
    println!("cut off for {:?}: {refused} calls refused, none let in; not ready", ended.elapsed());

    line.mend();
    println!("ready {:?} after the line was mended", until_serves(&house, 1, true).await);
    let told = told_until(&mut updates, last).await;
    assert!(told.windows(2).all(|pair| pair[0] < pair[1]), "in order, and nothing twice: {told:?}");
    let no = ana.who_am_i().await.unwrap_err();
    assert_eq!(no.code(), Code::Unauthenticated, "it has heard: {no:?}");
    let why = loop {
        match timeout(PATIENCE, of_ana.message()).await.expect("the stream of the ended session ends") {
            Ok(Some(_)) => {}
            Ok(None) => panic!("it ended without a word"),
            Err(why) => break why,
        }
    };
    assert_eq!(why.code(), Code::Unauthenticated, "{why:?}");
    // What was refused is asked for again with the same command, here: it is done once.
    let seq = there.perform_as(&command, &project, retitled(&song, 1000)).await.unwrap();
    assert_eq!(seq, last + 1);
    assert_eq!(owner.perform_as(&command, &project, retitled(&song, 1000)).await.unwrap(), seq);
}

async fn download(seat: &Seat, project: &str, version: &str, sha256: &str) -> Result<Vec<u8>, Status> {
    let asked = v1::DownloadRequest {
        project_id: project.into(),
        version_id: version.into(),
        sha256: sha256.into(),
        offset: 0,
        limit: 0,
    };
    let mut chunks = MediaClient::new(seat.channel.clone()).download(seat.with(asked)).await?.into_inner();
    let mut bytes = Vec::new();
    while let Some(chunk) = chunks.message().await? {
        bytes.extend_from_slice(&chunk.data);
    }
    Ok(bytes)
}

/// A take of noise whose bytes came in by this seat.
async fn take(seat: &Seat, project: &str, dice: &mut Dice) -> (String, Piece) {
    let song_id = seat.new_song(project).await;
    let mut piece = Piece::new(dice, project, 300_000);
    assert!(piece.upload(seat).await.unwrap());
    let version_id = new_id();
    let file = v1::NewFile { alternate: "main".into(), sha256: piece.sha256.clone(), name: "n.wav".into() };
    let add = v1::AddVersion {
        version_id: version_id.clone(),
        song_id,
        kind: v1::VersionKind::Take.into(),
        title: String::new(),
        files: vec![file],
        ..Default::default()
    };
    seat.perform(project, Action::AddVersion(add)).await.unwrap();
    (version_id, piece)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_cut_off_from_the_object_store_refuses_audio_and_goes_on_with_the_rest() {
    let (Some(cluster), Some(moto)) = (cluster::shared(), Moto::shared()) else { return };
    let line = Arc::new(Line::to(moto.port()).await);
    let (endpoint, bucket) = (moto.endpoint(), moto.bucket());
    let audio = [
        ("AUDIO__STORE", "s3"),
        ("AUDIO__ENDPOINT", &endpoint),
        ("AUDIO__BUCKET", &bucket),
        ("AUDIO__ACCESS_KEY", "AKID"),
        ("AUDIO__SECRET_KEY", "none of anybody's"),
    ];
    let mut house = House::open_with(cluster, 2, &audio);
    let by_line = format!("http://{}", line.front);
    house = tokio::task::spawn_blocking(move || {
        house.servers[1].stop();
        house.servers[1].keep_audio_apart();
        house.servers[1].set("AUDIO__ENDPOINT", &by_line);
        house.servers[1].start();
        house
    })
    .await
    .unwrap();
    let owner = Seat::login(house.channel(0).await, &house.owner_code).await.unwrap();
    let there = owner.over(house.channel(1).await);
    let project = owner.new_project().await;
    let person_id = owner.who_am_i().await.unwrap().person_id;
    let roles = vec![v1::Role::Manager.into(), v1::Role::Producer.into()];
    owner.perform(&project, Action::ChangeRoles(v1::ChangeRoles { person_id, roles })).await.unwrap();
    let mut dice = Dice(1);
    let (known, known_piece) = take(&there, &project, &mut dice).await;

    line.cut();
    let (version, piece) = take(&owner, &project, &mut dice).await;
    let begun = Instant::now();
    // As many calls as fit: none hangs for longer than patience, none gives other bytes.
    let no = timeout(PATIENCE, download(&there, &project, &version, &piece.sha256)).await.unwrap();
    let no = no.expect_err("it cannot have these bytes");
    assert_eq!(reason_of(&no).as_deref(), Some("AUDIO_UNAVAILABLE"), "{no:?}");
    println!("audio that is not here was refused after {:?}", begun.elapsed());
    let mut fresh = Piece::new(&mut dice, &project, 200_000);
    let no = timeout(PATIENCE, fresh.upload(&there)).await.unwrap().unwrap_err();
    assert_eq!(reason_of(&no).as_deref(), Some("AUDIO_UNAVAILABLE"), "{no:?}");
    // Facts, and what lies here as a copy.
    let song = there.new_song(&project).await;
    there.perform(&project, retitled(&song, 7)).await.unwrap();
    let copy = download(&there, &project, &known, &known_piece.sha256).await.unwrap();
    assert!(copy == known_piece.bytes);

    line.mend();
    let bytes = loop {
        match download(&there, &project, &version, &piece.sha256).await {
            Ok(bytes) => break bytes,
            Err(no) => {
                assert_eq!(reason_of(&no).as_deref(), Some("AUDIO_UNAVAILABLE"), "{no:?}");
                assert!(begun.elapsed() < PATIENCE * 2, "it does not find the store again");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    };
    assert!(bytes == piece.bytes, "the very bytes that the other one took");
    assert!(fresh.upload(&there).await.unwrap());
}
