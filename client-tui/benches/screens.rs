//! How long a key takes until the screen is drawn anew: `cargo bench -p deadwax --bench screens`. Prints figures and asserts nothing; a
//! frame lasts 16 ms. Without `--bench` (as a test run starts it) it goes through once, to see that it still works.

#![allow(dead_code, clippy::unwrap_used, reason = "shares the seat of the screen tests")]

#[path = "../tests/screens/sample.rs"]
mod sample;
#[path = "../tests/screens/seat.rs"]
mod seat;

use std::time::{Duration, Instant};

use sample::PLAIN;
use seat::Seat;

const KEYS: [&str; 6] = ["<up>", "<right>", "<up>", "<left>", "]", "["];

fn main() {
    let rounds = if std::env::args().any(|it| it == "--bench") { 600 } else { KEYS.len() };
    println!("{:<34} {:>9} {:>9} {:>9}", "key to screen", "median", "p99", "worst");
    for notes in [0, 200, 2_000] {
        for size in [(80, 24), (120, 40), (200, 60)] {
            let mut seat = song_with(notes, size);
            let mut times: Vec<Duration> =
                KEYS.iter().cycle().take(rounds).map(|key| frame(&mut seat, key)).collect();
            times.sort();
            let name = format!("song, {notes} notes, {}x{}", size.0, size.1);
            let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
            println!("{name:<34} {:>9.1?} {:>9.1?} {:>9.1?}", at(0.5), at(0.99), at(1.0));
        }
    }
}

fn frame(seat: &mut Seat, key: &str) -> Duration {
    let begin = Instant::now();
    seat.press(key);
    std::hint::black_box(seat.screen());
    begin.elapsed()
}

/// The song screen of the sample with so many notes more, every fourth a reply.
fn song_with(notes: u64, size: (u16, u16)) -> Seat {
    let mut seat = Seat::sample(size, 3, PLAIN);
    seat.press("<enter>");
    seat.answer_wave();
    seat.rows(false, sample::many_notes(notes));
    seat.press("<end>");
    seat
}
