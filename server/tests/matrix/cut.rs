//! Downloads that are cut, counted on both sides. Goal: the book tells of each what arrived at the other end, and at most one frame more; of a whole one
//! exactly its bytes. Method: a client of bare HTTP/2 grants a window, takes all of it (then nothing is left on the line), and hangs up.

use std::time::Duration;

use deadwax_server::egress::{Of, Reception};
use http::{Request, header};
use prost::Message as _;

use crate::{
    common::{House, within},
    denied::Log,
    media_kit::{download, fetch, sha256, take, tone},
};

/// What HTTP/2 takes as one frame where nobody asked for longer ones.
const FRAME: u64 = 16 << 10;
const FILE: usize = 3 << 20;

/// How many bytes of a file lie in what came of an answer, which may end anywhere.
fn in_file(mut answer: &[u8]) -> u64 {
    let mut count = 0;
    while let Some((head, rest)) = answer.split_at_checked(5) {
        let length = u32::from_be_bytes(head[1..].try_into().unwrap()) as usize;
        let whole = &rest[..length.min(rest.len())];
        count += data_in(whole);
        answer = &rest[whole.len()..];
    }
    count
}

/// The chunk's first field is a number, the second and last its bytes.
fn data_in(mut message: &[u8]) -> u64 {
    while let Some((tag, rest)) = message.split_first() {
        let end = rest.iter().position(|byte| *byte < 0x80).map_or(rest.len(), |at| at + 1);
        message = &rest[end..];
        if *tag == 0x12 {
            return message.len() as u64;
        }
    }
    0
}

/// Grants `window` bytes, takes them all, and hangs up: by a reset, or with the whole line. How many bytes of the file arrived.
async fn cut(house: &House, token: &str, question: Vec<u8>, window: u32, whole_line: bool) -> u64 {
    let line = tokio::net::TcpStream::connect(house.address).await.unwrap();
    let mut client = h2::client::Builder::new();
    client.initial_window_size(window).initial_connection_window_size(64 << 20);
    let (mut calls, connection) = client.handshake::<_, bytes::Bytes>(line).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::post(format!("http://{}/deadwax.v1.Media/Download", house.address))
        .header(header::CONTENT_TYPE, "application/grpc")
        .header(header::TE, "trailers")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(())
        .unwrap();
    let (answer, mut body) = calls.send_request(request, false).unwrap();
    let mut message = vec![0];
    message.extend((question.len() as u32).to_be_bytes());
    message.extend(question);
    body.send_data(message.into(), true).unwrap();
    let mut arrived = Vec::new();
    let mut answer = answer.await.unwrap().into_body();
    // Nothing is given back: the server can send no more than was granted.
    while arrived.len() < window as usize {
        arrived.extend_from_slice(&answer.data().await.unwrap().unwrap());
    }
    assert_eq!(arrived.len(), window as usize);
    if whole_line {
        connection.abort();
    } else {
        body.send_reset(h2::Reason::CANCEL);
        drop((answer, body));
        drop(calls);
        let _closed = tokio::time::timeout(Duration::from_secs(5), connection).await;
    }
    in_file(&arrived)
}

async fn all_ended(house: &House, count: usize) -> Vec<Reception> {
    within(Duration::from_secs(60), "the ends", async {
        loop {
            house.studio.egress.flush().await;
            let book = &house.studio.egress;
            let (mut told, _) = book.received(Of::All, u64::MAX, (10_000, 10_000), |_| true).await.unwrap();
            if told.len() == count && told.iter().all(|it| it.ended.is_some()) {
                told.reverse();
                return told;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_book_tells_what_arrived_and_at_most_one_frame_more() {
    let _alone = Log::of_this_test().await;
    let full = std::env::var("DEADWAX_TEST_TRUST").is_ok_and(|it| it == "full");
    let cuts: usize = if full { 100 } else { 20 };
    let seed: u64 = std::env::var("DEADWAX_TEST_SEED").ok().and_then(|it| it.parse().ok()).unwrap_or(1);
    let house = House::open().await;
    let mut owner = house.person("Olga", true).await;
    let bytes = tone(FILE);
    let (project, version) = take(&house, &mut owner, &bytes).await;
    let (asked, mut lot) = (fetch(project, version, sha256(&bytes)), seed | 1);
    let mut arrived = Vec::new();
    for number in 0..cuts {
        lot = lot.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // From the first bytes on, and past several chunks.
        let window = match number % 4 {
            0 => 1 + (lot >> 40) as u32 % 100,
            1 => (lot >> 40) as u32 % 70_000,
            _ => (lot >> 33) as u32 % (FILE as u32 - 100_000),
        };
        let count = cut(&house, &owner.token, asked.encode_to_vec(), window.max(1), number % 5 == 4).await;
        arrived.push(count);
        if number % 5 == 0 {
            let (_, got) = download(&mut owner, asked.clone()).await.unwrap();
            arrived.push(got.len() as u64);
        }
    }
    let told = all_ended(&house, arrived.len()).await;
    let (mut over, mut most, mut below) = (0, 0, 0);
    for (reception, arrived) in told.iter().zip(&arrived) {
        let sent = reception.ended.unwrap().sent;
        below += u64::from(sent < *arrived);
        most = most.max(sent.saturating_sub(*arrived));
        over += sent.saturating_sub(*arrived);
        if *arrived == FILE as u64 {
            assert_eq!(sent, *arrived, "a whole download");
        }
    }
    let held = below == 0 && most <= FRAME;
    println!(
        "#gate EGRESS {} {cuts} cut downloads and {} whole ones: {} bytes arrived, the book tells {over} more, {most} at most of one, {below} with less than arrived",
        if held { "held" } else { "missed" },
        arrived.len() - cuts,
        arrived.iter().sum::<u64>()
    );
    assert!(held, "{below} below, {most} over");
    assert!(over > 0, "nothing was in flight anywhere: then this test cuts nothing");
}
