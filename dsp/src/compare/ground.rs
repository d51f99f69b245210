//! What holds for the whole song: in every band, by what B differs throughout (a tilt, a shelf), and how much is left after that (a coder's noise, dither,
//! a limiter at work). A change in a part of the song is what stands out of it. Never here: ranges, words.

use super::sheet::Sheet;

/// Of the energy that a band has on average: cells under it say nothing of a ratio.
const QUIET: f64 = 1e-3;
/// What the figures themselves may be wrong by: -95 dB of A, and -125 dBFS.
const FLOOR: f64 = 3e-10;
/// Cells of about a second.
const SECOND_CELLS: usize = 10;
/// A band that keeps more than this of A everywhere (-55 dB) is no clean copy.
const ROUGH: f64 = 3e-6;
const FLOOR_ABSOLUTE: f64 = 3e-13;

/// Of one cell after the match: energy of A, product with the rest, energy of the rest.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cell {
    pub e: f64,
    pub re: f64,
    pub im: f64,
    pub q: f64,
}

impl Cell {
    pub(super) fn add(&mut self, other: Cell) {
        self.e += other.e;
        self.re += other.re;
        self.im += other.im;
        self.q += other.q;
    }

    /// Without the part of the rest that is `h` times A.
    fn without(self, (hr, hi): (f64, f64)) -> Cell {
        Cell {
            e: self.e,
            re: self.re - hr * self.e,
            im: self.im - hi * self.e,
            q: (self.q - 2.0 * (hr * self.re + hi * self.im) + (hr * hr + hi * hi) * self.e).max(0.0),
        }
    }

    /// Share of the rest that is A itself, filtered: 1 for an equaliser or a fader, little for a voice or noise.
    pub(super) fn explained(&self) -> f64 {
        let both = self.e * self.q;
        if both > 0.0 { ((self.re * self.re + self.im * self.im) / both).min(1.0) } else { 0.0 }
    }

    /// Level of B against the matched A, as a factor of power.
    pub(super) fn power_ratio(&self) -> f64 {
        if self.e > 0.0 { ((self.e + 2.0 * self.re + self.q) / self.e).max(0.0) } else { f64::INFINITY }
    }
}

/// What a band does throughout.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Band {
    /// The rest is this times A, everywhere; zero where there is no such thing.
    pub h: (f64, f64),
    /// What is left: a share of A, and of its own.
    pub rho: f64,
    pub noise: f64,
    /// Share of A that the slope of a filter inside the band may leave.
    pub bend: f64,
    /// How much that varies, dB (one standard deviation).
    pub spread_db: f64,
}

pub(super) struct Ground<'a> {
    pub sheet: &'a Sheet,
    pub gain: f64,
    /// Something is left everywhere that is no part of A: a coder's noise, another chain. Small finds are chance then.
    pub rough: bool,
    bands: Vec<Band>,
}

impl<'a> Ground<'a> {
    /// `lossy`: one of the files went through a coder that loses something.
    pub(super) fn of(sheet: &'a Sheet, gain: f64, lossy: bool) -> Ground<'a> {
        let mut ground = Ground { sheet, gain, rough: lossy, bands: Vec::new() };
        for plane in 0..sheet.planes {
            for band in 0..sheet.bands.len() {
                let cells: Vec<Cell> = (0..sheet.times.len()).map(|t| ground.raw(t, plane, band)).collect();
                ground.bands.push(throughout(&cells));
            }
        }
        ground.bends();
        ground.rough |= ground.alien();
        ground
    }

    /// Inside a band a filter's slope leaves something, more or less by what sounds: a share of the steps to the bands beside.
    fn bends(&mut self) {
        let bands = self.sheet.bands.len();
        let old: Vec<(f64, f64)> = self.bands.iter().map(|b| b.h).collect();
        for (index, band) in self.bands.iter_mut().enumerate() {
            let at = index % bands;
            let step = |other: usize| {
                let (dr, di) = (old[other].0 - band.h.0, old[other].1 - band.h.1);
                dr * dr + di * di
            };
            let before = if at > 0 { step(index - 1) } else { 0.0 };
            let after = if at + 1 < bands { step(index + 1) } else { 0.0 };
            let own = band.h.0 * band.h.0 + band.h.1 * band.h.1;
            band.bend = 0.5 * before.max(after) + 0.02 * own;
        }
    }

    /// Whether most bands keep something that does not hang together with A as a part of it would.
    fn alien(&self) -> bool {
        let heard = |b: usize| (100.0..8_000.0).contains(&self.sheet.bands[b].0);
        let bands: Vec<usize> = (0..self.sheet.bands.len()).filter(|b| heard(*b)).collect();
        let strange = |b: &&usize| {
            let band = self.band(0, **b);
            if band.rho < ROUGH {
                return false;
            }
            let mut all = Cell::default();
            (0..self.sheet.times.len()).for_each(|t| all.add(self.cell(t, 0, **b)));
            // A part turned by g: <rest, rest> / <A, rest> = g - 1, and no mix turns a part by more than 9 dB throughout.
            let turned = 1.0 + all.q / all.re;
            !(0.35..2.8).contains(&turned)
        };
        2 * bands.iter().filter(strange).count() > bands.len()
    }

    pub(super) fn band(&self, plane: usize, band: usize) -> Band {
        self.bands[plane * self.sheet.bands.len() + band]
    }

    /// After the match by one gain.
    pub(super) fn raw(&self, t: usize, plane: usize, band: usize) -> Cell {
        let stat = self.sheet.stat(t, plane, band);
        let (a, rest) = (f64::from(stat.a), f64::from(stat.rest));
        let (re, im) = (f64::from(stat.cross_re), f64::from(stat.cross_im));
        let more = self.gain - self.sheet.gain;
        Cell {
            e: self.gain * self.gain * a,
            re: self.gain * (re - more * a),
            im: self.gain * im,
            q: (rest - 2.0 * more * re + more * more * a).max(0.0),
        }
    }

    /// After what holds for the whole song was taken out too.
    pub(super) fn cell(&self, t: usize, plane: usize, band: usize) -> Cell {
        self.raw(t, plane, band).without(self.band(plane, band).h)
    }

    /// What is expected to be left in a cell.
    pub(super) fn expected(&self, cell: &Cell, plane: usize, band: usize) -> f64 {
        let ground = self.band(plane, band);
        (ground.rho + ground.bend + FLOOR) * cell.e + ground.noise + FLOOR_ABSOLUTE
    }
}

fn throughout(cells: &[Cell]) -> Band {
    let mean = cells.iter().map(|c| c.e).sum::<f64>() / cells.len().max(1) as f64;
    let loud: Vec<&Cell> = cells.iter().filter(|c| c.e > QUIET * mean && c.e > 1e-13).collect();
    let noise = quantile(cells.iter().map(|c| (c.q, 1.0)).collect(), 0.1);
    if loud.is_empty() {
        return Band { noise, ..Band::default() };
    }
    let ratio = |f: fn(&Cell) -> f64| loud.iter().map(|c| (f(c) / c.e, c.e)).collect::<Vec<_>>();
    let h = (quantile(ratio(|c| c.re), 0.5), quantile(ratio(|c| c.im), 0.5));
    let off = loud.iter().map(|c| ((c.re / c.e - h.0).abs().max((c.im / c.e - h.1).abs()), c.e));
    let spread = quantile(off.collect(), 0.5);
    let mut all = Cell::default();
    loud.iter().for_each(|c| all.add(**c));
    let size = (h.0 * h.0 + h.1 * h.1).sqrt();
    // A filter does the same to every moment; a part that was turned does not.
    let steady = spread < 0.25 * size || (all.explained() > 0.8 && spread < 0.6 * size);
    let filtered = size > 1e-4 && steady && always(cells, mean, h);
    let h = if filtered { h } else { (0.0, 0.0) };
    let left: Vec<(f64, f64)> = loud.iter().map(|c| (c.without(h).q / c.e, c.e)).collect();
    let (rho, low) = (quantile(left.clone(), 0.3), quantile(left, 0.05));
    // 30 % and 5 % of a normal distribution are 1.12 standard deviations apart.
    let apart = 10.0 * crate::math::log10((rho + FLOOR) / (low + FLOOR));
    Band { h, rho, noise, bend: 0.0, spread_db: apart / 1.12 }
}

/// Whether nearly every second holds the same: a bass that was turned is not there in every one.
fn always(cells: &[Cell], mean: f64, h: (f64, f64)) -> bool {
    let size = (h.0 * h.0 + h.1 * h.1).sqrt();
    let (mut held, mut heard) = (0usize, 0usize);
    for block in cells.chunks(SECOND_CELLS) {
        let mut sum = Cell::default();
        block.iter().for_each(|c| sum.add(*c));
        if sum.e <= 0.1 * QUIET * mean * block.len() as f64 || sum.e < 1e-12 {
            continue;
        }
        heard += 1;
        let (dr, di) = (sum.re / sum.e - h.0, sum.im / sum.e - h.1);
        held += usize::from((dr * dr + di * di).sqrt() < 0.5 * size);
    }
    held as f64 >= 0.9 * heard as f64
}

/// The value under which a share of the weight lies.
pub(super) fn quantile(mut values: Vec<(f64, f64)>, share: f64) -> f64 {
    values.sort_by(|x, y| x.0.total_cmp(&y.0));
    let all: f64 = values.iter().map(|v| v.1).sum();
    let mut sum = 0.0;
    for (value, weight) in &values {
        sum += weight;
        if sum >= share * all {
            return *value;
        }
    }
    values.last().map_or(0.0, |v| v.0)
}
