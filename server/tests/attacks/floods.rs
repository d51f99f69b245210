//! Floods of frames that cost the sender next to nothing: each is kept up over two lines at a time, opened anew whenever the server hangs up. Goal: the server
//! lives, its memory stays where it was, whoever floods is hung up on, and somebody at work is answered as before.

use std::{
    cell::Cell,
    net::IpAddr,
    time::{Duration, Instant},
};

use crate::{
    alone,
    frames::{
        CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, SETTINGS, call, frame, reset, window,
    },
    gate,
    house::{House, Seat},
    raw::{Raw, attacker},
    span,
    victim::{Felt, Victim, ms},
};

const WATCH: &str = "/grpc.health.v1.Health/Watch";
const CHECK: &str = "/grpc.health.v1.Health/Check";
const FRAMES_A_BATCH: u32 = 64;
/// Lines that one attacker opens at most; with a pause between, so that the flood is the attack and not the handshake.
const LINES_MAX: u32 = 400;
const PAUSE: Duration = Duration::from_millis(50);
const MEMORY_MAX_KIB: u64 = 32 << 10;

#[derive(Clone, Copy)]
enum Flood {
    RapidReset,
    Continuation,
    EmptyData,
    Pings,
    Settings,
    /// The server is made to reset streams by their windows that overflow, and by data after their end.
    MadeYouReset,
    WindowZero,
    HugeHeaders,
}

const ALL: [(Flood, &str); 8] = [
    (Flood::RapidReset, "rapid reset"),
    (Flood::Continuation, "CONTINUATION"),
    (Flood::EmptyData, "empty DATA"),
    (Flood::Pings, "PING"),
    (Flood::Settings, "SETTINGS"),
    (Flood::MadeYouReset, "MadeYouReset"),
    (Flood::WindowZero, "window 0"),
    (Flood::HugeHeaders, "17 KiB headers"),
];

impl Flood {
    fn begin(self) -> Vec<u8> {
        match self {
            Flood::Continuation => frame(HEADERS, END_STREAM, 1, &call(CHECK, &[])),
            Flood::EmptyData => frame(HEADERS, END_HEADERS, 1, &call(CHECK, &[])),
            _ => Vec::new(),
        }
    }

    /// The frames of the `n`th batch.
    fn batch(self, n: u32) -> Vec<u8> {
        let stream = |k: u32| 1 + 2 * (n * FRAMES_A_BATCH + k);
        let opened = |stream| frame(HEADERS, END_HEADERS | END_STREAM, stream, &call(WATCH, &[]));
        let each = |made: &dyn Fn(u32) -> Vec<u8>| (0..FRAMES_A_BATCH).flat_map(made).collect::<Vec<u8>>();
        match self {
            Flood::RapidReset => each(&|k| [opened(stream(k)), reset(stream(k))].concat()),
            Flood::Continuation => each(&|_| frame(CONTINUATION, 0, 1, b"\0\x01a\x01b")),
            Flood::EmptyData => each(&|_| frame(DATA, 0, 1, &[])),
            Flood::Pings => each(&|_| frame(PING, 0, 0, b"deadwax!")),
            Flood::Settings => each(&|_| frame(SETTINGS, 0, 0, &[])),
            Flood::MadeYouReset => each(&|k| {
                let fault = if k % 2 == 0 {
                    window(stream(k), 0x7fff_ffff)
                } else {
                    frame(DATA, 0, stream(k), b"late")
                };
                [opened(stream(k)), fault].concat()
            }),
            Flood::WindowZero => each(&|k| [opened(stream(k)), window(stream(k), 0)].concat()),
            Flood::HugeHeaders => {
                let large = "y".repeat(17 << 10);
                let block = call(CHECK, &[("x-large", &large)]);
                let (head, rest) = block.split_at(16_000);
                let asked = |k| {
                    let begun = frame(HEADERS, END_STREAM, stream(k), head);
                    [begun, frame(CONTINUATION, END_HEADERS, stream(k), rest)].concat()
                };
                (0..4).flat_map(asked).collect()
            }
        }
    }

    /// A call with headers that are too large is refused alone; its line may go on.
    fn must_be_hung_up_on(self) -> bool {
        !matches!(self, Flood::HugeHeaders)
    }
}

#[derive(Default)]
struct Sum {
    lines: u32,
    turned_away: u32,
    batches: u64,
    closed: u32,
    /// Flooded for more than a second and still there.
    survivors: u32,
}

async fn keep_up(house: &House, flood: Flood, from: IpAddr, until: Instant) -> Sum {
    let mut sum = Sum::default();
    while Instant::now() < until && sum.lines < LINES_MAX {
        tokio::time::sleep(PAUSE).await;
        let Ok(mut raw) = Raw::open(house, from).await else {
            sum.turned_away += 1;
            continue;
        };
        sum.lines += 1;
        let begun = Instant::now();
        let mut cut = raw.send(&flood.begin()).await.is_err();
        for n in 0.. {
            if cut || raw.seen().closed || Instant::now() >= until {
                break;
            }
            cut = raw.send(&flood.batch(n)).await.is_err();
            sum.batches += 1;
            tokio::task::yield_now().await;
        }
        let flooded = begun.elapsed();
        if cut || raw.hung_up(Duration::from_secs(2)).await {
            sum.closed += 1;
        } else if flooded > Duration::from_secs(1) {
            sum.survivors += 1;
        }
    }
    sum
}

struct Told {
    /// The same work just before, without a flood.
    idle: Felt,
    felt: Felt,
    grown_kib: u64,
    lines: u32,
    closed: u32,
    survivors: u32,
    batches: u64,
}

impl Told {
    /// What a machine that is busy with something else could change.
    fn was_in_time(&self) -> bool {
        // What a quiet machine does in a moment is no measure for a busy one.
        self.felt.failed == 0 && self.felt.p99 <= 10 * self.idle.p99.max(Duration::from_millis(10))
    }

    /// What it could not.
    fn stood(&self, flood: Flood) -> bool {
        self.grown_kib <= MEMORY_MAX_KIB
            && (self.survivors == 0 || !flood.must_be_hung_up_on())
            && self.lines > 0
    }
}

async fn under(house: &House, seat: &Seat, flood: Flood, time: Duration) -> Told {
    let idle = Victim::begin(seat);
    tokio::time::sleep(time / 4).await;
    let idle = idle.end().await;
    let before = house.resident_kib();
    let peak = Cell::new(before);
    let sampling = async {
        loop {
            peak.set(peak.get().max(house.resident_kib()));
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let victim = Victim::begin(seat);
    let until = Instant::now() + time;
    let both = futures::future::join(
        keep_up(house, flood, attacker(1), until),
        keep_up(house, flood, attacker(2), until),
    );
    let (a, b) = tokio::select! {
        sums = both => sums,
        () = sampling => unreachable!("sampling has no end"),
    };
    let felt = victim.end().await;
    Told {
        idle,
        felt,
        grown_kib: peak.get() - before,
        lines: a.lines + b.lines,
        closed: a.closed + b.closed,
        survivors: a.survivors + b.survivors,
        batches: a.batches + b.batches,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_floods_leave_the_server_and_those_at_work_alone() {
    let _turn = alone().await;
    let mut house = House::open(&[]);
    let owner = house.owner().await;
    let mut all_held = true;
    for (flood, name) in ALL {
        let time = span(60, 4, 1);
        let mut told = under(&house, &owner, flood, time).await;
        let mut again = "";
        if told.stood(flood) && !told.was_in_time() {
            // Whatever else the machine did in that moment: a fault of the server is there the second time too.
            told = under(&house, &owner, flood, time).await;
            again = " (measured again)";
        }
        let held = house.is_alive() && told.stood(flood) && told.was_in_time();
        let figures = format!(
            "{name}: p99 {} (idle {}){again}, {} answered, {} failed, +{:.1} MiB, {} of {} lines hung up on after {} batches of {FRAMES_A_BATCH}",
            ms(told.felt.p99),
            ms(told.idle.p99),
            told.felt.answered,
            told.felt.failed,
            told.grown_kib as f64 / 1024.0,
            told.closed,
            told.lines,
            told.batches,
        );
        gate("ATTACK", held, &figures);
        all_held &= held;
    }
    assert!(all_held, "see the lines above");
}
