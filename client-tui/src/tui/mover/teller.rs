//! How far a transfer is, as the screens are told: bytes, and the speed of the last seconds. Never here: the bytes themselves.

use std::{
    collections::VecDeque,
    sync::Mutex,
    time::{Duration, Instant},
};

use tokio::sync::mpsc::Sender;

use crate::tui::{msg::Msg, transfers::News};

/// The speed is that of this long.
const SPEED_OVER: Duration = Duration::from_secs(4);
/// Between two figures on the screen.
const TOLD_EVERY: Duration = Duration::from_millis(200);

/// Figures of one run for the screen: not more often than somebody can read them, and the last of them always.
pub(super) struct Teller {
    out: Sender<Msg>,
    id: u64,
    begun: Instant,
    now: Mutex<Figures>,
}

struct Figures {
    bytes: u64,
    done: u64,
    meter: Meter,
    told: Option<Duration>,
}

impl Teller {
    pub(super) fn new(out: Sender<Msg>, id: u64, bytes: u64) -> Teller {
        let now = Figures { bytes, done: 0, meter: Meter::default(), told: None };
        Teller { out, id, begun: Instant::now(), now: Mutex::new(now) }
    }

    fn figures(&self) -> std::sync::MutexGuard<'_, Figures> {
        self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) async fn step(&self, text: &str) {
        let news = News::Step { id: self.id, text: text.to_owned() };
        drop(self.out.send(Msg::Transfer(news)).await);
    }

    pub(super) fn measured(&self, bytes: u64) {
        self.figures().bytes = bytes;
    }

    /// Bytes that went over the line.
    pub(super) fn moved(&self, done: u64) {
        let at = self.begun.elapsed();
        let mut now = self.figures();
        now.done = done;
        now.meter.add(at, done);
        if now.told.is_none_or(|told| at >= told + TOLD_EVERY) {
            now.told = Some(at);
            let news = self.news(&now);
            // Where the screens are behind, the next figure will do.
            drop(self.out.try_send(Msg::Transfer(news)));
        }
    }

    /// A file is there, maybe from before: that is no speed.
    pub(super) fn reached(&self, done: u64) {
        let mut now = self.figures();
        if done != now.done {
            now.meter = Meter::default();
        }
        now.done = done;
    }

    pub(super) async fn settle(&self) {
        let news = self.news(&self.figures());
        drop(self.out.send(Msg::Transfer(news)).await);
    }

    fn news(&self, now: &Figures) -> News {
        News::Moved {
            id: self.id,
            bytes: now.bytes,
            bytes_done: now.done.min(now.bytes),
            bytes_per_s: now.meter.per_s(),
        }
    }
}

/// Bytes over the last seconds. The first figure is where a run began and no speed.
#[derive(Default)]
struct Meter {
    points: VecDeque<(Duration, u64)>,
}

impl Meter {
    fn add(&mut self, at: Duration, done: u64) {
        // Began anew from an earlier byte.
        if self.points.back().is_some_and(|(_, before)| done < *before) {
            self.points.clear();
        }
        self.points.push_back((at, done));
        while self.points.len() > 2 && self.points.front().is_some_and(|(then, _)| at - *then > SPEED_OVER) {
            self.points.pop_front();
        }
    }

    fn per_s(&self) -> u64 {
        let (Some(first), Some(last)) = (self.points.front(), self.points.back()) else { return 0 };
        let ms = last.0.saturating_sub(first.0).as_millis();
        let rate = u128::from(last.1 - first.1) * 1000;
        rate.checked_div(ms).map_or(0, |it| u64::try_from(it).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_speed_is_that_of_the_last_seconds_and_knows_no_past() {
        let mut meter = Meter::default();
        let s = Duration::from_secs;
        meter.add(s(0), 1_000_000);
        assert_eq!(meter.per_s(), 0, "what was there before is no speed");
        meter.add(s(1), 1_002_000);
        assert_eq!(meter.per_s(), 2000);
        for at in 2..20 {
            meter.add(s(at), 1_002_000 + (at - 1) * 500);
        }
        assert_eq!(meter.per_s(), 500, "the fast beginning is forgotten");
        meter.add(s(20), 10);
        assert_eq!(meter.per_s(), 0, "begun anew");
    }
}
