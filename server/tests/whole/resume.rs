//! Uploads that are cut at bytes drawn by lot, the client and the server ended in turn; the same stretch sent by two at once, and from the wrong place. Goal:
//! every digest is right in the end, and what the server had taken comes a second time by one stretch between syncs at most.

use std::{
    fs,
    time::{Duration, Instant},
};

use deadwax_server::status::reason_of;

use crate::{
    Dice, alone,
    house::House,
    pieces::{ON_THE_LINE, Piece, SYNC_BYTES},
    seats::Seat,
    times,
};

const PIECE_BYTES: (u64, u64) = (20_000_000, 40_000_000);
const STRETCH_BYTES: (u64, u64) = (1, 12_000_000);
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Default)]
struct Sum {
    cuts: u64,
    kills: u64,
    pieces: u64,
    doubles: u64,
    misplaced: u64,
    twice_most: u64,
    again_most: u64,
}

/// What the server has taken of an upload, synced or not.
fn taken(house: &House, upload_id: &str) -> u64 {
    let name = format!("{}.part", upload_id.replace('-', ""));
    fs::metadata(house.studio.join("uploads").join(name)).map_or(0, |part| part.len())
}

/// Sends a stretch and cuts it: the client hangs up, or the server is killed.
async fn cut(house: &mut House, seat: &mut Seat, piece: &mut Piece, dice: &mut Dice, sum: &mut Sum) {
    let state = piece.begin(seat).await.unwrap();
    let end =
        (state.offset + dice.between(STRETCH_BYTES.0, STRETCH_BYTES.1)).min(piece.bytes.len() as u64 - 1);
    let line = seat.over(house.channel().await);
    {
        let mut sending = Box::pin(piece.send(&line, &state, end));
        // To the end of the stretch, or anywhere in it.
        let until = if dice.next().is_multiple_of(2) { end } else { state.offset + (end - state.offset) / 2 };
        let begun = Instant::now();
        while taken(house, &state.upload_id) < until {
            let answer = tokio::time::timeout(Duration::from_millis(2), &mut sending).await;
            assert!(answer.is_err(), "it has no end to be answered at: {answer:?}");
            assert!(begun.elapsed() < PATIENCE, "{} of {until}", taken(house, &state.upload_id));
        }
        if sum.cuts.is_multiple_of(2) {
            house.kill();
            sum.kills += 1;
        }
    }
    drop(line);
    let had = taken(house, &state.upload_id);
    if sum.cuts.is_multiple_of(2) {
        house.start();
        *seat = seat.over(house.channel().await);
    }
    let there = piece.begin(seat).await.unwrap();
    sum.twice_most = sum.twice_most.max(had.saturating_sub(there.offset));
    sum.again_most = sum.again_most.max(piece.again(there.offset));
    sum.cuts += 1;
}

/// The rest of it, by two clients at once: one of them brings it to its end, or both are told that it is there.
async fn finish_by_two(house: &House, seat: &Seat, piece: &mut Piece, sum: &mut Sum) {
    let begun = Instant::now();
    let mut done = 0;
    while done == 0 {
        assert!(begun.elapsed() < PATIENCE, "two who send the same come to no end");
        let state = piece.begin(seat).await.unwrap();
        if state.done {
            break;
        }
        let (one, other) = (seat.over(house.channel().await), seat.over(house.channel().await));
        let both = tokio::join!(piece.send(&one, &state, u64::MAX), piece.send(&other, &state, u64::MAX));
        for answer in [both.0, both.1] {
            match answer {
                Ok(state) => done += u64::from(state.done),
                Err(no) => {
                    let reason = reason_of(&no);
                    let known = ["OFFSET_DIFFERS", "UPLOAD_UNKNOWN", "TOO_MANY_BYTES"];
                    assert!(reason.as_deref().is_some_and(|it| known.contains(&it)), "{no:?}");
                }
            }
        }
        sum.doubles += 1;
    }
}

/// From a place where the upload does not stand: refused, and nothing moves.
async fn misplace(seat: &Seat, piece: &mut Piece, dice: &mut Dice, sum: &mut Sum) {
    let state = piece.begin(seat).await.unwrap();
    for offset in [state.offset + dice.between(1, 1_000_000), state.offset.saturating_sub(1)] {
        if offset == state.offset || offset >= piece.bytes.len() as u64 {
            continue;
        }
        let elsewhere = deadwax_proto::v1::UploadState { offset, ..state.clone() };
        let no = piece.send(seat, &elsewhere, u64::MAX).await.unwrap_err();
        assert_eq!(reason_of(&no).as_deref(), Some("OFFSET_DIFFERS"), "{no:?}");
        sum.misplaced += 1;
    }
    assert_eq!(piece.begin(seat).await.unwrap().offset, state.offset);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upload_cut_anywhere_comes_to_its_end() {
    let _turn = alone().await;
    let root = tempfile::tempdir().unwrap();
    let mut house = House::found(&root.path().join("studio"), root.path());
    house.start();
    let mut seat = Seat::login(house.channel().await, &house.owner_code).await.unwrap();
    let project = seat.new_project().await;
    let (mut dice, mut sum) = (Dice::seeded(), Sum::default());
    let cuts = times(200, 20, 2);
    while sum.cuts < cuts {
        let bytes = dice.between(PIECE_BYTES.0, PIECE_BYTES.1) as usize;
        let mut piece = Piece::new(&mut dice, &project, bytes);
        while sum.cuts < cuts && piece.begin(&seat).await.unwrap().offset + 1 < piece.bytes.len() as u64 {
            cut(&mut house, &mut seat, &mut piece, &mut dice, &mut sum).await;
        }
        misplace(&seat, &mut piece, &mut dice, &mut sum).await;
        finish_by_two(&house, &seat, &mut piece, &mut sum).await;
        assert!(piece.begin(&seat).await.unwrap().done && piece.lies_in(&house.studio));
        sum.pieces += 1;
    }
    house.stop();
    house.verify();
    assert_eq!(house.panics(), 0, "{}", house.log_tail());
    let held = sum.twice_most <= SYNC_BYTES && sum.again_most <= SYNC_BYTES + ON_THE_LINE;
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    let figures = format!(
        "{} cuts, {} of them kills of the server, in {} pieces, every digest right; {:.1} MiB taken twice at most ({:.1} MiB by what the client had handed to the line); {} stretches sent by two at once, {} from the wrong place",
        sum.cuts,
        sum.kills,
        sum.pieces,
        mib(sum.twice_most),
        mib(sum.again_most),
        sum.doubles,
        sum.misplaced,
    );
    println!("#gate RESUME {} {figures}", if held { "held" } else { "missed" });
    assert!(held, "{figures}");
}
