//! Frames of HTTP/2 that ask for nothing and bring nothing: h2 answers every PING and SETTINGS and forgets every reset, however many come. Here they are
//! counted as they arrive, and whoever sends too many is hung up on. Bytes that were really moved pay for the frames that moving them needs. Never here: what
//! a frame means; h2 reads the same bytes and judges them.

use std::time::{Duration, Instant};

/// The client's preface, before the first frame.
const PREFACE: usize = 24;
const HEAD: usize = 9;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
/// Below this a frame of data brings less than its own handling costs.
const SMALL_DATA: usize = 16;

/// Idle frames that may come at once: a client that lost its window gives back hundreds of streams in one go.
const BURST: u64 = 2_000;
/// And this many a second from then on. Our own client sends a few.
const PER_SECOND: u64 = 200;
/// Bytes moved, in either direction, that pay for one frame: a reader opens its window about twice for each 16 KiB.
const BYTES_A_FRAME: u64 = 4 << 10;

pub struct Meter {
    head: [u8; HEAD],
    /// Of the head that is being read.
    filled: usize,
    /// Of the preface, or of the payload that is passing by.
    passing: usize,
    /// What may still be sent.
    left: u64,
    moved: u64,
    since: Instant,
}

/// More frames came than anybody needs.
#[derive(Debug, PartialEq, Eq)]
pub struct Flood;

impl Meter {
    pub fn new(now: Instant) -> Self {
        Self { head: [0; HEAD], filled: 0, passing: PREFACE, left: BURST, moved: 0, since: now }
    }

    /// What was written to the other side.
    pub fn wrote(&mut self, bytes: usize) {
        self.pay(bytes);
    }

    /// What came from the other side.
    pub fn read(&mut self, mut bytes: &[u8], now: Instant) -> Result<(), Flood> {
        loop {
            let pass = self.passing.min(bytes.len());
            (self.passing, bytes) = (self.passing - pass, &bytes[pass..]);
            let take = (HEAD - self.filled).min(bytes.len());
            if take == 0 {
                return Ok(());
            }
            self.head[self.filled..self.filled + take].copy_from_slice(&bytes[..take]);
            (self.filled, bytes) = (self.filled + take, &bytes[take..]);
            if self.filled == HEAD {
                self.filled = 0;
                let [a, b, c, kind, flags, ..] = self.head;
                self.passing = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                self.frame(kind, flags, now)?;
            }
        }
    }

    fn frame(&mut self, kind: u8, flags: u8, now: Instant) -> Result<(), Flood> {
        let idle = match kind {
            // Calls have a rate of their own.
            HEADERS | GOAWAY => false,
            DATA => {
                self.pay(self.passing);
                self.passing < SMALL_DATA && flags & END_STREAM == 0
            }
            _ => true,
        };
        if !idle {
            return Ok(());
        }
        if self.left == 0 {
            self.rest(now);
        }
        self.left = self.left.checked_sub(1).ok_or(Flood)?;
        Ok(())
    }

    fn pay(&mut self, bytes: usize) {
        self.moved += bytes as u64;
        let frames = self.moved / BYTES_A_FRAME;
        self.moved %= BYTES_A_FRAME;
        self.left = (self.left + frames).min(BURST);
    }

    /// What the time since the last look has given back.
    fn rest(&mut self, now: Instant) {
        let given = now.duration_since(self.since).as_millis() as u64 * PER_SECOND / 1000;
        if given > 0 {
            self.left = (self.left + given).min(BURST);
            self.since += Duration::from_millis(given * 1000 / PER_SECOND);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: usize) -> Vec<u8> {
        let mut bytes = vec![0; HEAD + payload];
        bytes[..3].copy_from_slice(&(payload as u32).to_be_bytes()[1..]);
        (bytes[3], bytes[4]) = (kind, flags);
        bytes
    }

    fn meter(now: Instant) -> Meter {
        let mut meter = Meter::new(now);
        meter.read(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", now).unwrap();
        meter
    }

    #[test]
    fn a_flood_of_pings_ends_however_it_is_cut_into_pieces() {
        let now = Instant::now();
        let flood = frame(6, 0, 8).repeat(3_000);
        for piece in [1, 7, 9, 17, 4096] {
            let mut meter = meter(now);
            let met = flood.chunks(piece).position(|piece| meter.read(piece, now).is_err());
            let frames = met.unwrap() * piece / 17;
            assert!((1_700..=2_001).contains(&frames), "{piece}: {frames}");
        }
    }

    #[test]
    fn work_is_no_flood() {
        let now = Instant::now();
        let mut meter = meter(now);
        // Calls with small messages, an upload, and a reader that opens its window twice for each 16 KiB.
        for _ in 0..50_000 {
            meter.read(&frame(HEADERS, 4, 60), now).unwrap();
            meter.read(&frame(DATA, END_STREAM, 5), now).unwrap();
            meter.read(&frame(DATA, 0, 16_384), now).unwrap();
            meter.wrote(16_384);
            meter.read(&frame(8, 0, 4).repeat(2), now).unwrap();
        }
    }

    #[test]
    fn time_gives_back_and_empty_data_counts() {
        let mut now = Instant::now();
        let mut meter = meter(now);
        for _ in 0..BURST {
            meter.read(&frame(DATA, 0, 0), now).unwrap();
        }
        assert_eq!(meter.read(&frame(DATA, 0, 0), now), Err(Flood));
        for _ in 0..10 {
            now += Duration::from_secs(1);
            for _ in 0..PER_SECOND {
                meter.read(&frame(6, 0, 8), now).unwrap();
            }
        }
        assert_eq!(meter.read(&frame(4, 0, 0), now), Err(Flood));
    }
}
