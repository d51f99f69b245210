//! Those who are slow on purpose: an upload that trickles, a watcher who never reads. Goal: the first is given up with its bytes kept, the second costs the
//! others nothing and queues nothing: what it reads at last is one step from where it was.

use std::time::{Duration, Instant};

use deadwax_proto::v1::{self, media_client::MediaClient};
use futures::StreamExt as _;
use tokio_stream::wrappers::IntervalStream;

use crate::{
    alone, gate,
    house::{House, Seat, refused, retitled},
    victim::{ms, p99},
};

/// As if the settings knew no pace: this file asks more quickly than a person.
pub const UNHURRIED: [(&str, &str); 3] = [
    ("DOOR__CALLS_PER_S", "100000"),
    ("DOOR__CALLS_BURST", "100000"),
    ("DOOR__CONNECTIONS_PER_PERSON", "100"),
];

const STALL_S: u64 = 2;

async fn trickle(house: &House, owner: &Seat) -> String {
    let project_id = owner.new_project().await;
    let mut media = MediaClient::new(owner.channel.clone());
    let asked = v1::BeginUploadRequest {
        project_id,
        sha256: "ab".repeat(32),
        bytes: 10 << 20,
        name: "song.wav".into(),
    };
    let state = media.begin_upload(owner.with(asked.clone())).await.unwrap().into_inner();
    let mut offset = 0;
    let drops = IntervalStream::new(tokio::time::interval(Duration::from_millis(100))).map(move |_| {
        let chunk = v1::UploadChunk { upload_id: state.upload_id.clone(), offset, data: vec![7; 100].into() };
        offset += 100;
        chunk
    });
    let begun = Instant::now();
    // The one that stays silent after its first chunk is given up likewise (`media.rs`).
    refused(media.upload(owner.with(drops)).await, "UPLOAD_STALLED");
    let took = begun.elapsed();
    let again = media.begin_upload(owner.with(asked)).await.unwrap().into_inner();
    assert!(again.offset > 0 && again.offset < 10_000, "what arrived is kept: {}", again.offset);
    assert!(house.resident_kib() > 0 && took >= Duration::from_secs(STALL_S), "{took:?}");
    format!(
        "an upload of 1 kB/s given up after {:.1} s of {STALL_S} s patience, {} bytes kept",
        took.as_secs_f64(),
        again.offset
    )
}

/// From asked to seen by the last of eight watchers, for each of `facts`.
async fn seen(owner: &Seat, project: &str, song: &str, facts: u64) -> Vec<Duration> {
    let mut watchers = Vec::new();
    for _ in 0..8 {
        let asked = v1::WatchRequest { project_id: project.into(), from: 0 };
        let mut rows = owner.projects().watch(owner.with(asked)).await.unwrap().into_inner();
        rows.message().await.unwrap();
        watchers.push(rows);
    }
    let mut took = Vec::new();
    for n in 0..facts {
        let begun = Instant::now();
        let seq = owner.perform(project, retitled(song, 1_000_000 + n)).await.unwrap();
        let all = watchers
            .iter_mut()
            .map(|rows| async move { while rows.message().await.unwrap().unwrap().seq < seq {} });
        futures::future::join_all(all).await;
        took.push(begun.elapsed());
    }
    took
}

struct Watched {
    /// What a busy machine cannot change.
    stood: bool,
    /// What it can.
    in_time: bool,
    figures: String,
}

async fn stalled_watcher(house: &House, owner: &Seat) -> Watched {
    let project = owner.new_project().await;
    let song = owner.new_song(&project).await;
    let facts = if crate::is_long() { 5_000 } else { 200 };
    let without = p99(seen(owner, &project, &song, facts).await);

    // A window smaller than the first message, and nobody reads.
    let narrow = house.endpoint().initial_stream_window_size(128).connect().await.unwrap();
    let stalled = owner.over(narrow);
    let asked = v1::WatchRequest { project_id: project.clone(), from: 0 };
    let mut rows = stalled.projects().watch(stalled.with(asked)).await.unwrap().into_inner();
    let before = house.resident_kib();
    let with = p99(seen(owner, &project, &song, facts).await);
    let grown_kib = house.resident_kib().saturating_sub(before);

    // It wakes up: what it missed is one step, not one message for each fact.
    let last = owner.perform(&project, retitled(&song, 7)).await.unwrap();
    let mut messages = 0;
    while rows.message().await.unwrap().unwrap().seq < last {
        messages += 1;
        assert!(messages < 50, "{facts} facts were queued for somebody who does not read");
    }
    let added = with.saturating_sub(without);
    let stood = grown_kib <= 32 << 10;
    let in_time = with <= 3 * without.max(Duration::from_millis(10));
    let figures = format!(
        "8 watchers: p99 {} without and {} with a stalled one (+{}), +{grown_kib} KiB; {facts} missed facts came as {} messages",
        ms(without),
        ms(with),
        ms(added),
        messages + 1
    );
    Watched { stood, in_time, figures }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_ones_cost_themselves_alone() {
    let _turn = alone().await;
    let stall = STALL_S.to_string();
    let settings = [UNHURRIED.as_slice(), &[("LIMITS__UPLOAD_STALL_S", &stall)]].concat();
    let house = House::open(&settings);
    let owner = house.owner().await;
    let upload = trickle(&house, &owner).await;
    let mut watched = stalled_watcher(&house, &owner).await;
    if watched.stood && !watched.in_time {
        // Whatever else the machine did in that moment: a fault of the server is there the second time too.
        watched = stalled_watcher(&house, &owner).await;
    }
    let held = watched.stood && watched.in_time;
    let figures = format!("{upload}; {}", watched.figures);
    gate("SLOW", held, &figures);
    assert!(held, "{figures}");
}
