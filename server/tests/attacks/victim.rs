//! Somebody who works while others attack: asks a small question again and again over one connection, and how long each answer took. Never here: attacks.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::house::Seat;

/// The pace of a busy person, below what one person may ask for.
const EVERY: Duration = Duration::from_millis(25);
/// An answer that takes longer counts as none.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Debug)]
pub struct Felt {
    pub answered: usize,
    pub failed: usize,
    pub p99: Duration,
}

pub struct Victim {
    working: tokio::task::JoinHandle<Felt>,
    stop: CancellationToken,
}

impl Victim {
    pub fn begin(seat: &Seat) -> Self {
        let stop = CancellationToken::new();
        let working = tokio::spawn(work(seat.clone(), stop.clone()));
        Self { working, stop }
    }

    pub async fn end(self) -> Felt {
        self.stop.cancel();
        self.working.await.unwrap()
    }
}

async fn work(seat: Seat, stop: CancellationToken) -> Felt {
    let (mut took, mut failed) = (Vec::new(), 0);
    let mut every = tokio::time::interval(EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while !stop.is_cancelled() {
        every.tick().await;
        let begun = Instant::now();
        match tokio::time::timeout(PATIENCE, seat.who_am_i()).await {
            Ok(Ok(_)) => took.push(begun.elapsed()),
            _ => failed += 1,
        }
    }
    Felt { answered: took.len(), failed, p99: p99(took) }
}

pub fn p99(mut took: Vec<Duration>) -> Duration {
    took.sort_unstable();
    took.get((took.len() * 99 / 100).min(took.len().saturating_sub(1))).copied().unwrap_or_default()
}

pub fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
