//! Two workers and a record: one of them makes it, and one that dies over it is followed by the other, with the same bytes. Never here: what a record consists of
//! (`../record_made.rs`).

use std::time::Duration;

use deadwax_domain::{
    Command, Fact, FadeShape, Record, RecordId, RecordProfile, RecordState, Role, SpacingItem,
};
use rustix::process::Signal;

use crate::{
    LEASE_S, PATIENCE, cluster,
    common::within,
    house::{ARTIST, House, LABEL, MASTERER, SONG},
};

/// Several codings of the same song: long enough to be stopped in.
const PROFILE: &str = r#"
name = "house"
dated = "2026-11-22"
sources = ["the house"]

[limits]
channels = [1, 2]

[[file]]
kind = "whole"
encoding = "wav24"
folder = "BWF"
name = "{artist}_{album}"

[[file]]
kind = "whole"
encoding = "flac24"
folder = "FLAC24"
name = "{artist}_{album}"

[[file]]
kind = "whole"
encoding = "flac16"
folder = "FLAC16"
name = "{artist}_{album}"

[[file]]
kind = "sha256"
name = "SHA256SUMS"
"#;

impl House {
    /// The song's master is signed, and stands alone on the record.
    async fn sign(&self) {
        let queued = self.render().await.id;
        self.perform(MASTERER, Command::CancelRender { render: queued }).await;
        let master = self.unexamined_master(30).await;
        self.nothing_found().await;
        self.approve(10, ARTIST, master, Role::Artist).await;
        self.approve(11, LABEL, master, Role::Label).await;
        let alone = SpacingItem {
            song: SONG,
            gap_ms: 0,
            crossfade_ms: 0,
            fade_in_ms: 0,
            fade_out_ms: 0,
            shape: FadeShape::EqualPower,
            gain_cb: 0,
            trim_in_ms: 0,
            trim_out_ms: 0,
            hidden: false,
            begins_side: false,
        };
        self.perform(MASTERER, Command::SetSpacing { items: vec![alone] }).await;
    }

    async fn start_record(&self, number: u128) -> RecordId {
        let record = RecordId(number);
        let start = Command::StartRecord {
            record,
            spacing: 1,
            profiles: vec![RecordProfile { name: "house".into(), toml: PROFILE.into() }],
            loudest_track_lufs: None,
            medium: String::new(),
            basis: None,
        };
        self.perform(MASTERER, start).await;
        record
    }

    async fn until_record(&self, id: RecordId, what: &str, is: impl Fn(&Record) -> bool) -> Record {
        let found = async {
            loop {
                let now = self.project().await.record(id).unwrap().clone();
                if is(&now) {
                    return now;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        within(PATIENCE, what, found).await
    }

    /// How often it was begun, and how often its files were accepted.
    async fn told_of(&self, id: RecordId) -> (usize, usize) {
        let begun = |fact: &Fact| matches!(fact, Fact::RecordLeased { record, .. } if *record == id);
        let made = |fact: &Fact| matches!(fact, Fact::RecordMade { record, .. } if *record == id);
        (self.count(begun).await, self.count(made).await)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_workers_one_makes_a_record_and_another_goes_on_after_its_death() {
    let Some(cluster) = cluster::shared() else { return };
    let house = House::open(cluster).await;
    house.sign().await;
    let workers = [house.worker("one", LEASE_S), house.worker("two", LEASE_S)];
    let first = house.start_record(1).await;
    let made = house.until_record(first, "the record", |it| !it.is_alive()).await;
    assert_eq!((made.state, made.reason.as_str(), made.attempt), (RecordState::Made, "", 1));
    // Long enough for a second one that must not come.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(house.told_of(first).await, (1, 1));
    for worker in workers {
        let log = worker.end().await;
        assert!(!log.contains("ERROR") && !log.contains("failed"), "{log}");
    }

    let (mut killed, other) = (house.worker("killed", LEASE_S), house.worker("other", LEASE_S));
    other.signal(Signal::STOP);
    let second = house.start_record(2).await;
    house.until_record(second, "the first attempt", |it| it.attempt == 1).await;
    killed.kill();
    other.signal(Signal::CONT);
    let twin = house.until_record(second, "the end", |it| !it.is_alive()).await;
    // The same bytes are no second record to sign: so it says, and only who has made the same bytes can say it.
    assert_eq!((twin.state, twin.attempt, twin.failures), (RecordState::Cancelled, 2, 0), "{}", twin.reason);
    assert!(twin.reason.contains("Record 1"), "{}", twin.reason);
    other.end().await;
}

/// The gate of the ledger behind the lease: whoever slept over his time is refused, whatever he made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_stopped_past_its_lease_delivers_no_record() {
    let Some(cluster) = cluster::shared() else { return };
    let house = House::open(cluster).await;
    house.sign().await;
    let (late, other) = (house.worker("late", LEASE_S), house.worker("other", LEASE_S));
    other.signal(Signal::STOP);
    let record = house.start_record(1).await;
    house.until_record(record, "the first attempt", |it| it.attempt == 1).await;
    late.signal(Signal::STOP);
    other.signal(Signal::CONT);
    house.until_record(record, "somebody else", |it| it.attempt == 2 || !it.is_alive()).await;
    late.signal(Signal::CONT);
    let made = house.until_record(record, "the end", |it| !it.is_alive()).await;
    assert_eq!((made.state, made.attempt, made.failures), (RecordState::Made, 2, 0), "{}", made.reason);
    // What the late one still sends comes before its next sign of life.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(house.told_of(record).await, (2, 1));
    for worker in [late, other] {
        let log = worker.end().await;
        assert!(!log.contains("ERROR"), "{log}");
    }
}
