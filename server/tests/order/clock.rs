//! The wall clock of the server is set back an hour and ahead a day while people write, watch and sign in and while masters are rendered. Goal: the order of facts
//! is the order of their numbers and never the clock's; no lease is lost or doubled; sessions and links live as long as the clock says and no jump of a day
//! ends them; whoever guesses codes waits by a clock that does not jump.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use deadwax_domain::{
    Alternate, Command, Digest, NewFile, Project, ProjectId, ReceivedFile, Render, RenderId, RenderState,
    Role, SongId, Time, VersionId, VersionKind,
};
use deadwax_proto::v1;
use deadwax_server::ledger::Kept;
use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;
use tonic_types::StatusExt as _;

use crate::{
    beside,
    common::{House, Seat, child, facts, id_text, refused, within},
    gate, new_id, now, perform, projects, retitled, song,
};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const WRITERS: usize = 8;
const WATCHERS: usize = 4;
/// Of the clock, from where it stood at the beginning.
const JUMPS: [(&str, i64); 4] = [
    ("back an hour", -HOUR_MS),
    ("ahead a day", DAY_MS),
    ("back a day", 0),
    ("back an hour again", -HOUR_MS),
];
const BETWEEN: Duration = Duration::from_millis(400);
const PATIENCE: Duration = Duration::from_secs(60);
const MASTERED: SongId = SongId(100);

/// The same song's title again and again; every answer is later than the one before.
fn write(seat: Seat, project: ProjectId, song: String, stop: Arc<AtomicBool>) -> JoinHandle<Vec<u64>> {
    tokio::spawn(async move {
        let mut seqs = Vec::new();
        for title in 1.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let done = perform(&seat, &new_id(), project, None, retitled(&song, title)).await;
            seqs.push(done.expect("a jump of the clock is no reason to refuse").seq);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        seqs
    })
}

/// Rows as they change, until `until` was seen. Answers the rows and how often a place went back.
fn watch(
    seat: Seat,
    project: ProjectId,
    until: Arc<AtomicU64>,
) -> JoinHandle<(BTreeMap<String, v1::Row>, u64)> {
    tokio::spawn(async move {
        let asked = v1::WatchRequest { project_id: id_text(project.0), from: 0 };
        let mut updates = projects(&seat).watch(seat.with(asked)).await.unwrap().into_inner();
        let (mut rows, mut seq, mut back) = (BTreeMap::new(), 0, 0);
        while seq < until.load(Ordering::Relaxed) {
            let Ok(update) = tokio::time::timeout(Duration::from_millis(200), updates.message()).await else {
                continue;
            };
            let update = update.expect("a jump of the clock ends no watch").unwrap();
            back += u64::from(update.seq < seq);
            seq = update.seq;
            for key in update.removals {
                rows.remove(&key);
            }
            rows.extend(update.upserts.into_iter().map(|row| (row.key.clone(), row)));
        }
        (rows, back)
    })
}

/// A song in mastering; the gate has its first render queued.
async fn in_mastering(house: &House, owner: &Seat) -> ProjectId {
    let project = house.project(owner).await;
    let roles = [Role::Manager, Role::Producer, Role::MixEngineer, Role::MasteringEngineer].into();
    house.perform(owner, project, Command::ChangeRoles { person: owner.id, roles }).await;
    let add = Command::AddSong { song: MASTERED, title: "Nachtlied".into(), isrc: String::new() };
    house.perform(owner, project, add).await;
    for (version, kind) in [(VersionId(10), VersionKind::Take), (VersionId(20), VersionKind::Mix)] {
        let bytes = child::wav(48_000, 16, 2, 300.0 + version.0 as f64);
        let digest = Digest(Sha256::digest(&bytes).into());
        let file = ReceivedFile { digest, name: "mix.wav".into(), facts: facts(bytes.len() as u64) };
        house.studio.blobs.put(bytes.into()).await.unwrap();
        house.perform(owner, project, Command::ReceiveFile { file }).await;
        let files = vec![NewFile { alternate: Alternate::Main, digest, name: "mix.wav".into() }];
        let (title, changelog) = (String::new(), String::new());
        let add = Command::AddVersion { version, song: MASTERED, kind, title, changelog, files };
        house.perform(owner, project, add).await;
        let reason = "For the test.".to_owned();
        house.perform(owner, project, Command::OverrideGate { song: MASTERED, version: None, reason }).await;
    }
    project
}

async fn render_is(house: &House, project: ProjectId, what: &str, is: impl Fn(&Render) -> bool) -> Render {
    let newest = |project: &Project| project.renders_of(MASTERED).next_back().filter(|it| is(it)).cloned();
    house.until(project, (PATIENCE, what), newest).await
}

/// A render under which the clock jumps: one lease, one end.
async fn render_over_a_jump(house: &House, owner: &Seat, project: ProjectId, (n, to_ms): (usize, i64)) {
    if n > 0 {
        let (render, recipe) = (RenderId(1_000 + n as u128), None);
        house.perform(owner, project, Command::StartRender { render, song: MASTERED, recipe }).await;
    }
    let leased = render_is(house, project, "a lease", |render| render.attempt > 0).await;
    house.clock.0.store(to_ms, Ordering::SeqCst);
    let done = render_is(house, project, "the end of a render", |render| !render.is_alive()).await;
    assert_eq!((done.id, done.state, done.reason.as_str()), (leased.id, RenderState::Done, ""));
    assert_eq!((done.attempt, done.failures), (1, 0), "one lease, and nobody took it over");
}

async fn code_for(house: &House, seat: &Seat) -> String {
    house.studio.people.issue_code(seat.id).await.unwrap().code.reveal().to_owned()
}

/// Wrong codes close the way in to an address for a quarter of an hour, whatever the clock on the wall does.
async fn throttle_waits_by_another_clock(house: &House, begun_ms: i64) {
    for _ in 0..deadwax_server::auth::ADDRESS_TRIES {
        refused(house.stranger().await.login("wrong").await, "INVITE_UNKNOWN");
    }
    for jump_ms in [0, -HOUR_MS, DAY_MS, 30 * DAY_MS] {
        house.clock.0.store(begun_ms + jump_ms, Ordering::SeqCst);
        let no = refused(house.stranger().await.login("wrong").await, "TOO_MANY_TRIES");
        let wait: u64 = no.get_details_error_info().unwrap().metadata["retry_after_s"].parse().unwrap();
        assert!((1..=900).contains(&wait), "{wait} s");
    }
}

/// Facts in the order of their numbers, and no time before the one above it.
async fn times_never_fall(house: &House, project: ProjectId) -> (u64, i64) {
    let (mut after, mut last, mut most) = (0, Time(i64::MIN), 0);
    loop {
        let page = house.studio.ledger.events(project, after, 1_000).await.unwrap();
        let Some(end) = page.last() else { return (after, most) };
        for one in &page {
            after += 1;
            let Kept::Event(event) = &one.kept else { panic!("{one:?}") };
            assert!(one.seq == after && event.at >= last, "entry {}: {:?} after {last:?}", one.seq, event.at);
            (last, most) = (event.at, most.max(event.at.0));
        }
        after = end.seq;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_jumps_changes_no_order_and_no_lease() {
    let house = House::open_rendering(child::server()).await;
    let begun_ms = house.clock.0.load(Ordering::SeqCst);
    let (owner, guest) = (house.person("Olga", true).await, house.person("Mia", false).await);
    let mastering = in_mastering(&house, &owner).await;
    let project = house.project(&owner).await;
    let (stop, until) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(u64::MAX)));
    let mut writers = Vec::new();
    for _ in 0..WRITERS {
        let song = song(&owner, project).await;
        writers.push(write(beside(&house, &owner).await, project, song, Arc::clone(&stop)));
    }
    let mut watchers = Vec::new();
    for _ in 0..WATCHERS {
        watchers.push(watch(beside(&house, &owner).await, project, Arc::clone(&until)));
    }
    let mut signed_in = 0;
    for (n, (jump, by_ms)) in JUMPS.into_iter().enumerate() {
        // A link made before the jump is good after it: it lives for three days.
        let code = code_for(&house, &guest).await;
        render_over_a_jump(&house, &owner, mastering, (n, begun_ms + by_ms)).await;
        tokio::time::sleep(BETWEEN).await;
        let mut again = house.stranger().await;
        again.login(&code).await.unwrap_or_else(|no| panic!("{jump}: {no:?}"));
        let me = v1::WhoAmIRequest {};
        assert!(guest.sessions.clone().who_am_i(guest.with(me)).await.is_ok(), "{jump}: sessions go on");
        signed_in += 1;
    }
    stop.store(true, Ordering::Relaxed);
    let mut acknowledged = 0;
    for writer in writers {
        let seqs = writer.await.unwrap();
        assert!(seqs.is_sorted_by(|a, b| a < b), "{seqs:?}");
        acknowledged += seqs.len();
    }
    let there = now(&owner, project).await;
    until.store(there.seq, Ordering::Relaxed);
    let rows: BTreeMap<_, _> = there.upserts.into_iter().map(|row| (row.key.clone(), row)).collect();
    let mut orders = 0;
    for watcher in watchers {
        let (seen, back) = within(PATIENCE, "a watcher", watcher).await.unwrap();
        orders += back + u64::from(seen != rows);
    }
    let (entries, _) = times_never_fall(&house, project).await;
    let (_, newest_ms) = times_never_fall(&house, mastering).await;
    assert!(newest_ms <= begun_ms + DAY_MS, "no time that no clock ever showed");
    let masters = house.studio.ledger.project(mastering).await.unwrap().unwrap();
    let masters = masters.project.versions.values().filter(|it| it.kind == VersionKind::Master).count();
    assert_eq!((entries, masters), (there.seq, 1), "the same source and recipe: one master, told four times");
    throttle_waits_by_another_clock(&house, begun_ms).await;
    let held = orders == 0 && acknowledged > WRITERS;
    let figures = format!(
        "{} jumps under {WRITERS} writers and {WATCHERS} watchers: {acknowledged} facts, {orders} orders changed; {} renders over a jump, one lease each; {signed_in} links and sessions went on; the throttle waited 900 s at most",
        JUMPS.len(),
        JUMPS.len()
    );
    gate("CLOCK", held, &figures);
    assert!(held, "{figures}");
}

/// What has a time to live ends by the clock, once, and does not come back with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_run_out_stays_out() {
    let house = House::open().await;
    let begun_ms = house.clock.0.load(Ordering::SeqCst);
    let (idle, guest) = (house.person("Mia", false).await, house.person("Max", false).await);
    let code = code_for(&house, &guest).await;
    house.clock.0.store(begun_ms + 8 * DAY_MS, Ordering::SeqCst);
    // Swept every second.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    for back_ms in [8 * DAY_MS, 0, -HOUR_MS] {
        house.clock.0.store(begun_ms + back_ms, Ordering::SeqCst);
        let me = idle.sessions.clone().who_am_i(idle.with(v1::WhoAmIRequest {})).await;
        assert!(me.is_err(), "a session that nobody used for a week");
        refused(house.stranger().await.login(&code).await, "INVITE_UNKNOWN");
    }
}
