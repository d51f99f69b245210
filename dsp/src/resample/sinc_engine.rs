//! Conversion between rates without a common grid: each output frame is the input under the filter, moved to its exact place. The filter stands in a
//! table of places between two input frames; between those a cubic goes through four of them. Never here: the filter's design.

use super::{Phase, design, take};
use crate::{block::Block, lanes};

/// Values of the filter per frame of the lower rate: the cubic's error is then under -200 dB of the signal.
const DENSITY: usize = 512;
/// The order of summing is that of so many running sums, on every machine.
const SUMS: usize = 16;

pub(super) struct SincEngine {
    from: u64,
    to: u64,
    /// Rows: the filter at one place between two input frames, `taps` long. Row 0 is one step before the first place, and there are two after the last.
    table: Vec<f64>,
    taps: usize,
    places: u64,
    /// Input frames that must be there after the frame at or before an output's place.
    ahead: usize,
    /// The filter at the place of one output frame.
    filter: Vec<f64>,
    waiting: Vec<Vec<f64>>,
    /// The next output's place: its frame in `waiting` where the filter starts, and the rest in `to`-ths of a frame.
    start: usize,
    rest: u64,
    given: u64,
}

impl SincEngine {
    /// `from` and `to` in lowest terms.
    pub fn new(channels: usize, from: u64, to: u64, phase: Phase) -> Option<SincEngine> {
        let reach = design::reach(phase);
        let low = from.min(to);
        let frames = |low_frames: usize| (low_frames as u64 * from).div_ceil(low) as usize;
        let (before, ahead) = (frames(reach.post), frames(reach.pre) + 1);
        let taps = (before + 1 + ahead).next_multiple_of(SUMS);
        // Where there are few places, each has its own row, and the cubic is always at a row itself.
        let wanted = (DENSITY as u64 * low).div_ceil(from);
        let places = if to <= 2 * wanted { to } else { wanted };
        // An input frame is low / from frames of the lower rate, a place a part of that. Read from a kernel dense enough for a cubic itself.
        let kernel = design::kernel(phase, DENSITY)?;
        let value = |t: f64| cubic_at(&kernel, (t + reach.pre as f64) * DENSITY as f64);
        let scale = low as f64 / from as f64;
        let mut table = Vec::with_capacity((places as usize + 3) * taps);
        for row in 0..places + 3 {
            let place = (row as f64 - 1.0) / places as f64;
            for tap in 0..taps {
                table.push(scale * value((place + before as f64 - tap as f64) * scale));
            }
        }
        Some(SincEngine {
            from,
            to,
            table,
            taps,
            places,
            ahead,
            filter: vec![0.0; taps],
            waiting: vec![vec![0.0; before]; channels],
            start: 0,
            rest: 0,
            given: 0,
        })
    }

    pub fn push(&mut self, block: &Block, out: &mut Block) {
        for (waiting, c) in self.waiting.iter_mut().zip(&block.channels) {
            take(waiting, c);
        }
        self.run(out, u64::MAX);
    }

    pub fn finish(&mut self, total: u64, out: &mut Block) {
        while self.given < total {
            self.waiting.iter_mut().for_each(|c| c.resize(c.len() + self.taps + self.ahead, 0.0));
            self.run(out, total);
        }
    }

    fn run(&mut self, out: &mut Block, total: u64) {
        lanes::wide(|| {
            while self.start + self.taps <= self.waiting[0].len() && self.given < total {
                self.place();
                for (to, waiting) in out.channels.iter_mut().zip(&self.waiting) {
                    to.push(dot(&self.filter, &waiting[self.start..][..self.taps]));
                }
                self.given += 1;
                self.rest += self.from;
                self.start += (self.rest / self.to) as usize;
                self.rest %= self.to;
            }
        });
        let done = self.start.min(self.waiting[0].len());
        self.waiting.iter_mut().for_each(|c| {
            c.drain(..done);
        });
        self.start -= done;
    }

    /// Brings `filter` to the next output's place.
    #[inline(always)]
    fn place(&mut self) {
        let scaled = self.rest * self.places;
        let row = (scaled / self.to) as usize;
        let x = (scaled % self.to) as f64 / self.to as f64;
        let n = self.taps;
        let rows = &self.table[row * n..][..4 * n];
        let out = &mut self.filter[..n];
        if x == 0.0 {
            out.copy_from_slice(&rows[n..2 * n]);
            return;
        }
        let (a, rest) = rows.split_at(n);
        let (b, rest) = rest.split_at(n);
        let (c, d) = rest.split_at(n);
        let [wa, wb, wc, wd] = cubic(x);
        for i in 0..n {
            out[i] = (wa * a[i] + wb * b[i]) + (wc * c[i] + wd * d[i]);
        }
    }
}

/// Weights of four equally spaced values for the place `x` between the second and the third (Lagrange).
#[inline(always)]
fn cubic(x: f64) -> [f64; 4] {
    let (before, one, two) = (x + 1.0, x - 1.0, x - 2.0);
    [-x * one * two / 6.0, before * one * two / 2.0, -before * x * two / 2.0, before * x * one / 6.0]
}

/// The function whose values stand in `kernel`, at `place`; zero outside.
fn cubic_at(kernel: &[f64], place: f64) -> f64 {
    let floor = place.floor();
    let at = |i: f64| {
        let index = floor + i;
        if index < 0.0 { 0.0 } else { kernel.get(index as usize).copied().unwrap_or(0.0) }
    };
    let w = cubic(place - floor);
    (w[0] * at(-1.0) + w[1] * at(0.0)) + (w[2] * at(1.0) + w[3] * at(2.0))
}

#[inline(always)]
fn dot(filter: &[f64], signal: &[f64]) -> f64 {
    let mut sums = [0.0; SUMS];
    for (h, x) in filter.chunks_exact(SUMS).zip(signal.chunks_exact(SUMS)) {
        for i in 0..SUMS {
            sums[i] += h[i] * x[i];
        }
    }
    let mut width = SUMS / 2;
    while width > 0 {
        for i in 0..width {
            sums[i] += sums[i + width];
        }
        width /= 2;
    }
    sums[0]
}
