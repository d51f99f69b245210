//! How much one connection, one address and one person may have: connections, streams, headers, messages. Goal: the first beyond a limit is refused, and
//! nobody else feels it.

use std::{net::IpAddr, time::Duration};

use deadwax_proto::v1;
use tonic::Code;

use crate::{
    alone,
    frames::{DATA, END_HEADERS, END_STREAM, HEADERS, call, frame},
    gate,
    house::{House, Seat, refused},
    raw::{Raw, attacker},
};

const PER_ADDRESS: usize = 64;
const TOTAL: usize = 150;

/// As many as were let in, of those that were tried.
async fn lines(house: &House, from: IpAddr, tried: usize) -> Vec<Raw> {
    let mut open = Vec::new();
    for _ in 0..tried {
        if let Ok(raw) = Raw::open(house, from).await
            && !raw.hung_up(Duration::from_millis(20)).await
        {
            open.push(raw);
        }
    }
    open
}

async fn connections(house: &House, owner: &Seat) -> String {
    let first = lines(house, attacker(1), PER_ADDRESS + 1).await;
    assert_eq!(first.len(), PER_ADDRESS, "the 65th of one address is closed at once");
    owner.who_am_i().await.expect("others are unharmed");
    let second = lines(house, attacker(2), PER_ADDRESS + 1).await;
    assert_eq!(second.len(), PER_ADDRESS);
    // One connection is the owner's.
    let third = lines(house, attacker(3), PER_ADDRESS).await;
    assert_eq!(third.len(), TOTAL - 2 * PER_ADDRESS - 1, "the whole house is full");
    for raw in &first {
        assert!(!raw.seen().closed, "those that are in stay");
    }
    drop((first, second, third));
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(lines(house, attacker(1), 1).await.len(), 1, "places are given back");
    format!("connection {} of an address and {} of all closed", PER_ADDRESS + 1, TOTAL + 1)
}

async fn streams(house: &House) -> String {
    let mut raw = Raw::open(house, attacker(4)).await.unwrap();
    // An empty health request; the stream stays open.
    for n in 0..101 {
        let stream = 1 + 2 * n;
        let asked = frame(HEADERS, END_HEADERS, stream, &call("/grpc.health.v1.Health/Watch", &[]));
        raw.send(&[asked, frame(DATA, END_STREAM, stream, &[0; 5])].concat()).await.unwrap();
    }
    let settled = async {
        while raw.seen().answers < 100 || raw.seen().resets.is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let _asserted_below = tokio::time::timeout(Duration::from_secs(10), settled).await;
    let seen = raw.seen();
    // REFUSED_STREAM: nothing was done, the client may try again elsewhere.
    assert_eq!((seen.answers, seen.resets.get(&7)), (100, Some(&1)), "{seen:?}");
    "stream 101 refused".into()
}

async fn sizes(house: &House, owner: &Seat) -> String {
    let mut large = owner.with(v1::WhoAmIRequest {});
    large.metadata_mut().insert("x-large", "y".repeat(17 << 10).parse().unwrap());
    assert!(owner.sessions().who_am_i(large).await.is_err(), "headers over 16 KiB");
    let before = house.resident_kib();
    for _ in 0..50 {
        let asked = v1::ListSessionsRequest { person_id: "x".repeat((1 << 20) + 1) };
        let no = owner.sessions().list_sessions(owner.with(asked)).await.unwrap_err();
        assert!(matches!(no.code(), Code::OutOfRange | Code::ResourceExhausted), "{no:?}");
    }
    let grown_kib = house.resident_kib().saturating_sub(before);
    assert!(grown_kib <= 32 << 10, "{grown_kib} KiB for messages that were refused");
    let mut zipped = owner.with(v1::WhoAmIRequest {});
    zipped.metadata_mut().insert("grpc-encoding", "gzip".parse().unwrap());
    let no = owner.sessions().who_am_i(zipped).await.unwrap_err();
    assert_eq!(no.code(), Code::Unimplemented, "{no:?}");
    owner.who_am_i().await.unwrap();
    format!("17 KiB of headers, 50 messages of 1 MiB + 1 (+{grown_kib} KiB) and gzip refused")
}

async fn identity(house: &House, owner: &Seat) -> String {
    let mut seats = vec![owner.clone()];
    for _ in 1..16 {
        let seat = owner.over(house.channel(None).await);
        seat.who_am_i().await.unwrap();
        seats.push(seat);
    }
    let further = owner.over(house.channel(None).await);
    refused(further.who_am_i().await, "TOO_MANY_CONNECTIONS");
    for seat in &seats {
        seat.who_am_i().await.unwrap();
    }
    drop(seats.pop());
    tokio::time::sleep(Duration::from_millis(300)).await;
    further.who_am_i().await.expect("a place was given back");
    "connection 17 of a person refused".into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_beyond_each_limit_is_refused() {
    let _turn = alone().await;
    let total = TOTAL.to_string();
    let house = House::open(&[("LIMITS__CONNECTIONS", &total), ("DOOR__FIRST_CALL_S", "60")]);
    let owner = house.owner().await;
    let told = [
        connections(&house, &owner).await,
        streams(&house).await,
        sizes(&house, &owner).await,
        identity(&house, &owner).await,
    ];
    gate("LIMITS", true, &told.join("; "));
}
