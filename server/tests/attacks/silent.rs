//! Lines that are opened and never used: silent before TLS, after TLS, after the preface, a header that comes byte by byte, one that answers pings and never
//! calls, one that called and then went deaf. Goal: none of them keeps its place.

use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;

use crate::{
    alone,
    frames::{ACK, END_HEADERS, END_STREAM, HEADERS, PING, call, frame},
    gate,
    house::House,
    is_long,
    raw::{Raw, attacker, tcp, tls},
};

const KINDS: [&str; 6] = [
    "silent before TLS",
    "silent after TLS",
    "silent after the preface",
    "1 byte/s of a header",
    "pongs and no call",
    "called and deaf",
];

/// How long a line of this kind lasted; `None`: it was still there at the end of our patience.
async fn lasted(house: &House, kind: usize, patience: Duration) -> Option<Duration> {
    let from = attacker(10 + u8::try_from(kind).unwrap());
    let begun = Instant::now();
    let until_hung_up = async {
        match kind {
            0 => {
                let mut stream = tcp(house.address, from).await.unwrap();
                while !matches!(stream.read(&mut [0; 64]).await, Ok(0) | Err(_)) {}
            }
            1 => {
                let mut stream = tls(house, from).await.unwrap();
                while !matches!(stream.read(&mut [0; 64]).await, Ok(0) | Err(_)) {}
            }
            2 => silent_after_the_preface(house, from, &[]).await,
            3 => byte_by_byte(house, from).await,
            4 => only_pongs(house, from).await,
            _ => {
                let asked = frame(HEADERS, END_HEADERS, 1, &call("/grpc.health.v1.Health/Watch", &[]));
                let body = frame(0, END_STREAM, 1, &[0; 5]);
                silent_after_the_preface(house, from, &[asked, body].concat()).await;
            }
        }
    };
    tokio::time::timeout(patience, until_hung_up).await.ok().map(|()| begun.elapsed())
}

async fn silent_after_the_preface(house: &House, from: std::net::IpAddr, more: &[u8]) {
    let mut raw = Raw::open(house, from).await.unwrap();
    let _may_be_gone = raw.send(more).await;
    while !raw.hung_up(Duration::from_secs(60)).await {}
}

async fn byte_by_byte(house: &House, from: std::net::IpAddr) {
    let mut raw = Raw::open(house, from).await.unwrap();
    for byte in frame(HEADERS, END_HEADERS, 1, &call("/grpc.health.v1.Health/Watch", &[])).into_iter().cycle()
    {
        if raw.send(&[byte]).await.is_err() || raw.hung_up(Duration::from_secs(1)).await {
            return;
        }
    }
}

async fn only_pongs(house: &House, from: std::net::IpAddr) {
    let mut raw = Raw::open(house, from).await.unwrap();
    let mut answered = 0;
    while !raw.hung_up(Duration::from_millis(100)).await {
        let pings = raw.seen().pings;
        for ping in &pings[answered..] {
            let _may_be_gone = raw.send(&frame(PING, ACK, 0, ping)).await;
        }
        answered = pings.len();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn attack_silence_keeps_no_place() {
    let _turn = alone().await;
    let quick = [
        ("DOOR__HANDSHAKE_S", "1"),
        ("DOOR__FIRST_CALL_S", "2"),
        ("DOOR__KEEPALIVE_S", "1"),
        ("DOOR__KEEPALIVE_TIMEOUT_S", "2"),
    ];
    let (house, each, limit) = if is_long() {
        (House::open(&[]), 33, Duration::from_secs(35))
    } else {
        (House::open(&quick), 10, Duration::from_secs(8))
    };
    let owner = house.owner().await;
    let before = house.resident_kib();
    // With time to spare: a busy machine is late, a line that stays stays for ever.
    let patience = 3 * limit;
    let lines = (0..KINDS.len() * each).map(|n| lasted(&house, n % KINDS.len(), patience));
    let lasted = futures::future::join_all(lines).await;
    let grown_kib = house.resident_kib().saturating_sub(before);
    let stayed = lasted.iter().filter(|it| it.is_none_or(|time| time > limit)).count();
    let longest: Vec<String> = KINDS
        .iter()
        .enumerate()
        .map(|(kind, name)| {
            let of_kind = lasted.iter().skip(kind).step_by(KINDS.len());
            let longest = of_kind.map(|it| it.unwrap_or(patience)).max().unwrap_or_default();
            format!("{name} {:.1} s", longest.as_secs_f64())
        })
        .collect();
    owner.who_am_i().await.unwrap();
    let for_ever = lasted.iter().filter(|it| it.is_none()).count();
    // A busy machine hangs up late, in the short form with its short patience more than that; a line that keeps its place keeps it for ever.
    let held = (if is_long() { stayed } else { for_ever }) == 0 && grown_kib <= 32 << 10;
    let figures = format!(
        "silence: {stayed} of {} lines left after {} s, {for_ever} for ever, +{:.1} MiB; longest: {}",
        lasted.len(),
        limit.as_secs(),
        grown_kib as f64 / 1024.0,
        longest.join(", ")
    );
    gate("ATTACK", held, &figures);
    assert_eq!(for_ever, 0, "{figures}");
}
