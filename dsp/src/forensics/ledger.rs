//! The books of an examination: how much every file has in common with every other, by time and band. All files of a song stand in one space that
//! its sources span, so every question (does this sum give the main? how much of the voice is left in here?) is a quadratic form of these inner
//! products, and no sound has to be kept. Memory is bounded: where a song is long, neighbouring cells are merged.
//! Never here: files, verdicts, words.

use std::ops::Range;

use crate::{DspError, fft::Fft, lanes, math};

/// Upper edges of the bands, Hz: about a third of an octave to half an octave, wide enough at the low end for the transform's resolution.
const EDGES_HZ: [f64; 19] = [
    60.0, 100.0, 150.0, 200.0, 280.0, 400.0, 550.0, 750.0, 1000.0, 1350.0, 1800.0, 2400.0, 3200.0, 4200.0,
    5600.0, 7500.0, 10_000.0, 13_500.0, 18_000.0,
];
/// Below it stands what no mix holds on purpose.
const LOWEST_HZ: f64 = 20.0;
/// The fine grid's bands, as upper edges counted in [`EDGES_HZ`]: up to 100 Hz (where few voices reach), 1 kHz,
/// 4.2 kHz, the rest.
const GROUP_ENDS: [usize; 3] = [2, 9, 14];
/// A window is about this long: two or three periods of the lowest band, and shorter than most syllables.
const WINDOW_S: f64 = 0.085;
/// Hops in one cell of the coarse grid: about a third of a second.
const HOPS_PER_CELL: usize = 8;
const FINE_CELLS_MAX: usize = 8192;
const COARSE_CELLS_MAX: usize = 1024;
const LANES: usize = 8;

/// A sum of files, each with a factor: `Blend::of(main) - Blend::of(instrumental)` is what the instrumental lacks.
#[derive(Clone, Debug, PartialEq)]
pub struct Blend(Vec<f64>);

impl Blend {
    pub fn of(strand: usize, strands: usize) -> Blend {
        let mut factors = vec![0.0; strands];
        factors[strand] = 1.0;
        Blend(factors)
    }

    /// This plus `factor` times the other.
    pub fn and(&self, factor: f64, other: &Blend) -> Blend {
        Blend(self.0.iter().zip(&other.0).map(|(a, b)| a + factor * b).collect())
    }

    pub fn times(&self, factor: f64) -> Blend {
        Blend(self.0.iter().map(|a| a * factor).collect())
    }
}

/// Inner products of K blends in one band and one stretch of time.
#[derive(Clone, Copy, Debug)]
pub struct Cell<const K: usize> {
    /// Which stretch of the grid, and which of its bands.
    pub time: usize,
    pub band: usize,
    pub inner: [[f64; K]; K],
}

/// Sums of inner products, pairs x bands x stretches of time.
pub struct Grid {
    strands: usize,
    pub bands: usize,
    /// Hops in one stretch; doubles where stretches are merged.
    pub hops_per_cell: usize,
    cells_max: usize,
    cells: Vec<f64>,
    open: Vec<f64>,
    hops_open: usize,
    /// Hops in which each strand has sound of its own file.
    present: Vec<Range<usize>>,
}

impl Grid {
    fn new(present: Vec<Range<usize>>, bands: usize, hops_per_cell: usize, cells_max: usize) -> Grid {
        let strands = present.len();
        let row = bands * strands * (strands + 1) / 2;
        let (cells, open) = (Vec::new(), vec![0.0; row]);
        Grid { strands, bands, hops_per_cell, cells_max, cells, open, hops_open: 0, present }
    }

    /// `sums`: bands x pairs of one hop.
    fn push(&mut self, sums: &[f64]) {
        for (open, sum) in self.open.iter_mut().zip(sums) {
            *open += sum;
        }
        self.hops_open += 1;
        if self.hops_open == self.hops_per_cell {
            self.cells.extend_from_slice(&self.open);
            self.open.fill(0.0);
            self.hops_open = 0;
            if self.times() > self.cells_max {
                self.halve();
            }
        }
    }

    fn halve(&mut self) {
        let row = self.open.len();
        let odd = self.times() % 2 == 1;
        let merged: Vec<f64> = self
            .cells
            .chunks_exact(2 * row)
            .flat_map(|pair| pair[..row].iter().zip(&pair[row..]).map(|(a, b)| a + b).collect::<Vec<_>>())
            .collect();
        if odd {
            let last = self.cells.len() - row;
            self.open.copy_from_slice(&self.cells[last..]);
            self.hops_open = self.hops_per_cell;
        }
        self.hops_per_cell *= 2;
        self.cells = merged;
    }

    fn finish(&mut self) {
        if self.hops_open > 0 {
            self.cells.extend_from_slice(&self.open);
            self.hops_open = 0;
        }
    }

    pub fn times(&self) -> usize {
        self.cells.len() / self.open.len().max(1)
    }

    /// The cells in which every file that the blends are made of has sound of its own.
    pub fn view<const K: usize>(&self, blends: [&Blend; K]) -> Vec<Cell<K>> {
        let used: Vec<usize> = (0..self.strands).filter(|s| blends.iter().any(|b| b.0[*s] != 0.0)).collect();
        let pairs = self.strands * (self.strands + 1) / 2;
        let row = self.open.len();
        let mut seen = Vec::with_capacity(self.times() * self.bands);
        for time in 0..self.times() {
            let hops = time * self.hops_per_cell..(time + 1) * self.hops_per_cell;
            let whole = |s: &usize| self.present[*s].start <= hops.start && hops.end <= self.present[*s].end;
            if !used.iter().all(whole) {
                continue;
            }
            for band in 0..self.bands {
                let sums = &self.cells[time * row + band * pairs..][..pairs];
                let mut inner = [[0.0; K]; K];
                for (a, blend) in blends.iter().enumerate() {
                    for (b, other) in blends.iter().enumerate().skip(a) {
                        let product = form(sums, &used, &blend.0, &other.0);
                        inner[a][b] = product;
                        inner[b][a] = product;
                    }
                }
                seen.push(Cell { time, band, inner });
            }
        }
        seen
    }
}

/// Where the pair (i, j) stands among the pairs of a hop.
fn at(i: usize, j: usize) -> usize {
    let (low, high) = (i.min(j), i.max(j));
    high * (high + 1) / 2 + low
}

fn form(sums: &[f64], used: &[usize], x: &[f64], y: &[f64]) -> f64 {
    let mut total = 0.0;
    for &i in used.iter().filter(|i| x[**i] != 0.0) {
        for &j in used.iter().filter(|j| y[**j] != 0.0) {
            total += x[i] * y[j] * sums[at(i, j)];
        }
    }
    total
}

/// What one strand gives to one hop: pairs of channels, each window long.
pub struct Ledger {
    pub rate: u32,
    pub window: usize,
    pub hop: usize,
    pub coarse: Grid,
    pub fine: Grid,
    /// First bin of each band, and the end of the last.
    bins: Vec<usize>,
    taper: Vec<f64>,
    fft: Fft,
    /// For each strand and pair of channels one packed transform.
    spectra: Vec<Vec<(Vec<f64>, Vec<f64>)>>,
    scratch: (Vec<f64>, Vec<f64>),
    sums: Vec<f64>,
    group_sums: Vec<f64>,
    hops: usize,
}

impl Ledger {
    /// Frames of the window at this rate.
    pub fn window_frames(rate: u32) -> usize {
        // Even, so that a hop is half of it.
        2 * Fft::good_len((f64::from(rate) * WINDOW_S / 2.0) as usize)
    }

    /// `present`: for each strand the frames in which it has sound of its own, counted as the main counts. `channels` of every strand.
    pub fn new(rate: u32, channels: usize, present: &[Range<u64>]) -> Result<Ledger, DspError> {
        let window = Self::window_frames(rate);
        let fft = Fft::new(window)
            .ok_or_else(|| DspError::Invalid(format!("a window of {window} frames has no transform here")))?;
        let hop = window / 2;
        let half = f64::from(rate) / 2.0;
        let bin = |hz: f64| ((hz / f64::from(rate) * window as f64).round() as usize).clamp(1, window / 2);
        let mut bins = vec![bin(LOWEST_HZ)];
        bins.extend(EDGES_HZ.iter().map(|hz| bin(hz.min(half))));
        bins.push(window / 2);
        let hops_of = |frames: &Range<u64>| {
            (frames.start.div_ceil(hop as u64)) as usize
                ..(frames.end.saturating_sub(window as u64) / hop as u64 + 1) as usize
        };
        let hops: Vec<Range<usize>> = present
            .iter()
            .map(|frames| if frames.end - frames.start < window as u64 { 0..0 } else { hops_of(frames) })
            .collect();
        let (strands, bands, groups) = (present.len(), bins.len() - 1, GROUP_ENDS.len() + 1);
        let pairs = strands * (strands + 1) / 2;
        let packed = channels.div_ceil(2);
        let turn = std::f64::consts::TAU / window as f64;
        Ok(Ledger {
            rate,
            window,
            hop,
            coarse: Grid::new(hops.clone(), bands, HOPS_PER_CELL, COARSE_CELLS_MAX),
            fine: Grid::new(hops, groups, 1, FINE_CELLS_MAX),
            bins,
            taper: (0..window).map(|n| 0.5 - 0.5 * math::cos(turn * (n as f64 + 0.5))).collect(),
            fft,
            spectra: vec![vec![(vec![0.0; window], vec![0.0; window]); packed]; strands],
            scratch: (vec![0.0; window], vec![0.0; window]),
            sums: vec![0.0; bands * pairs],
            group_sums: vec![0.0; groups * pairs],
            hops: 0,
        })
    }

    /// Two channels of one strand (an absent right channel is silence), a window long. `late_frames` is the rest of a frame by which the strand comes
    /// late; its spectrum is turned back by it.
    pub fn hear(
        &mut self,
        strand: usize,
        pair: usize,
        left: &[f64],
        right: Option<&[f64]>,
        late_frames: f64,
    ) {
        for ((re, x), w) in self.scratch.0.iter_mut().zip(left).zip(&self.taper) {
            *re = x * w;
        }
        match right {
            Some(right) => {
                for ((im, x), w) in self.scratch.1.iter_mut().zip(right).zip(&self.taper) {
                    *im = x * w;
                }
            }
            None => self.scratch.1.fill(0.0),
        }
        let (re, im) = &mut self.spectra[strand][pair];
        self.fft.forward_into(&self.scratch.0, &self.scratch.1, re, im);
        if late_frames != 0.0 {
            turn_back(re, im, late_frames);
        }
    }

    /// All strands were heard: their inner products go into the books.
    pub fn close_hop(&mut self) {
        let strands = self.spectra.len();
        let pairs = strands * (strands + 1) / 2;
        self.sums.fill(0.0);
        for i in 0..strands {
            for j in 0..=i {
                for (a, b) in self.spectra[i].iter().zip(&self.spectra[j]) {
                    for (band, edges) in self.bins.windows(2).enumerate() {
                        self.sums[band * pairs + at(i, j)] += inner(a, b, edges[0], edges[1]);
                    }
                }
            }
        }
        self.group_sums.fill(0.0);
        for (band, sums) in self.sums.chunks_exact(pairs).enumerate() {
            let group = GROUP_ENDS.iter().position(|end| band < *end).unwrap_or(GROUP_ENDS.len());
            for (to, sum) in self.group_sums[group * pairs..][..pairs].iter_mut().zip(sums) {
                *to += sum;
            }
        }
        self.coarse.push(&self.sums);
        self.fine.push(&self.group_sums);
        self.hops += 1;
    }

    pub fn finish(&mut self) {
        self.coarse.finish();
        self.fine.finish();
    }

    /// The edges of a band of the coarse grid, Hz.
    pub fn band_hz(&self, band: usize) -> (f64, f64) {
        let hz = |bin: usize| bin as f64 * f64::from(self.rate) / self.window as f64;
        let low = if band == 0 { LOWEST_HZ } else { EDGES_HZ[band - 1] };
        let high = EDGES_HZ.get(band).copied().unwrap_or(f64::INFINITY).min(hz(self.window / 2));
        (low.min(high), high)
    }

    /// When a cell of the grid begins, s.
    pub fn start_s(&self, grid: &Grid, time: usize) -> f64 {
        (time * grid.hops_per_cell * self.hop) as f64 / f64::from(self.rate)
    }

    /// The energy that white noise of this mean square, per channel, leaves in one cell of the grid in one band.
    pub fn noise_energy(&self, grid: &Grid, band: usize, mean_square: f64) -> f64 {
        let bins = if grid.bands == self.bins.len() - 1 {
            self.bins[band + 1] - self.bins[band]
        } else {
            let ends: Vec<usize> =
                std::iter::once(0).chain(GROUP_ENDS).chain([self.bins.len() - 1]).collect();
            self.bins[ends[band + 1]] - self.bins[ends[band]]
        };
        let taper: f64 = self.taper.iter().map(|w| w * w).sum();
        let channels = self.spectra.first().map_or(1, Vec::len) * 2;
        mean_square * taper * (2 * bins * channels * grid.hops_per_cell) as f64
    }
}

/// Sum over the bins `from..to` and their mirrors of the real part of A times B conjugate. A holds one channel as its real part and one as its
/// imaginary part; in the sum over both mirrors what the two channels have in common falls away, and twice the sum of both channels' inner products stays.
fn inner(a: &(Vec<f64>, Vec<f64>), b: &(Vec<f64>, Vec<f64>), from: usize, to: usize) -> f64 {
    let len = a.0.len();
    let span = |range: Range<usize>| {
        dot(&a.0[range.clone()], &b.0[range.clone()]) + dot(&a.1[range.clone()], &b.1[range])
    };
    span(from..to) + span(len + 1 - to..len + 1 - from)
}

/// In a fixed order of additions, eight at a time.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    lanes::wide(
        #[inline(always)]
        || {
            let mut sums = [0.0; LANES];
            let (a, b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
            let rest: f64 = a.remainder().iter().zip(b.remainder()).map(|(x, y)| x * y).sum();
            for (x, y) in a.zip(b) {
                for lane in 0..LANES {
                    sums[lane] += x[lane] * y[lane];
                }
            }
            sums.iter().sum::<f64>() + rest
        },
    )
}

/// A strand that comes `late_frames` late is moved forward: bin k turns by 2 pi k late / len, its mirror the other way.
fn turn_back(re: &mut [f64], im: &mut [f64], late_frames: f64) {
    let len = re.len();
    let step = std::f64::consts::TAU * late_frames / len as f64;
    let mut turn = |bin: usize, angle: f64| {
        let (cos, sin) = (math::cos(angle), math::sin(angle));
        let (x, y) = (re[bin], im[bin]);
        re[bin] = x * cos - y * sin;
        im[bin] = x * sin + y * cos;
    };
    for k in 1..len.div_ceil(2) {
        turn(k, step * k as f64);
        turn(len - k, -step * k as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_products_are_those_of_the_sound() {
        // Two channels of noise against themselves, a factor and a delay: the books must say what plain sums say.
        let rate = 48_000;
        let window = Ledger::window_frames(rate);
        let frames = window * 12;
        let mut state = 7u64;
        let mut noise = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        };
        let x: Vec<[f64; 2]> = (0..frames).map(|_| [noise(), noise()]).collect();
        let y: Vec<[f64; 2]> = x.iter().map(|f| [0.5 * f[0] + 0.1 * noise(), -0.25 * f[1]]).collect();
        let whole = 0..frames as u64;
        let mut ledger = Ledger::new(rate, 2, &[whole.clone(), whole]).unwrap();
        let (mut xy, mut xx) = (0.0, 0.0);
        let mut start = 0;
        while start + window <= frames {
            for (strand, sound) in [&x, &y].into_iter().enumerate() {
                let side = |s: usize| sound[start..start + window].iter().map(|f| f[s]).collect::<Vec<_>>();
                ledger.hear(strand, 0, &side(0), Some(&side(1)), 0.0);
            }
            ledger.close_hop();
            for (n, w) in ledger.taper.iter().enumerate() {
                let (a, b) = (x[start + n], y[start + n]);
                xy += w * w * (a[0] * b[0] + a[1] * b[1]);
                xx += w * w * (a[0] * a[0] + a[1] * a[1]);
            }
            start += ledger.hop;
        }
        ledger.finish();
        let blends = [Blend::of(0, 2), Blend::of(1, 2)];
        let total = |cells: Vec<Cell<2>>| {
            cells.iter().fold((0.0, 0.0), |t, c| (t.0 + c.inner[0][1], t.1 + c.inner[0][0]))
        };
        let (got_xy, got_xx) = total(ledger.coarse.view([&blends[0], &blends[1]]));
        // Bins below 20 Hz and at half the rate are left out: less than a hundredth.
        assert!((got_xy / got_xx - xy / xx).abs() < 2e-3, "{} {}", got_xy / got_xx, xy / xx);
        let (fine_xy, fine_xx) = total(ledger.fine.view([&blends[0], &blends[1]]));
        assert!((fine_xy / fine_xx - xy / xx).abs() < 2e-2, "{} {}", fine_xy / fine_xx, xy / xx);
    }

    #[test]
    fn merged_cells_keep_their_sums() {
        let one = 0..1000;
        let mut grid = Grid::new(Vec::from([one]), 1, 1, 8);
        for hop in 0..37 {
            grid.push(&[f64::from(hop)]);
        }
        grid.finish();
        assert!(grid.times() <= 9 && grid.hops_per_cell > 1);
        let total: f64 = grid.cells.iter().sum();
        assert_eq!(total, f64::from(36 * 37 / 2));
    }
}
