//! The two files side by side, taken down as figures: for every tenth of a second and every third of an octave, in the middle and at the sides, how much
//! sound A has, how much is left when A is taken from B, and how the two hang together. From these every question is answered later without reading
//! again. Never here: answers.

use std::{f64::consts::TAU, path::Path};

use super::{
    follow::Follower,
    time_map::{Piece, TimeMap},
    track::{Progress, still},
};
use crate::{Block, DspError, fft::Fft, math};

/// Of a window; from one to the next is half of it.
const WINDOW_S: f64 = 0.186;
/// Third octaves, base ten, from here up.
const LOWEST_HZ: f64 = 25.0;
const PER_DECADE: f64 = 10.0;
/// Share of the rate up to which converted sound is compared; converters differ above.
const CONVERTED: f64 = 0.4;
/// Under this, bins count less and less for the gain of a stem.
const LOWS_HZ: f64 = 250.0;
/// Longer songs are taken down in longer cells.
const MOST_CELLS: usize = 40_000;

/// What one cell holds, mean squares in units of full scale. `rest` is B minus A times the first gain.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stat {
    pub a: f32,
    pub rest: f32,
    /// A's spectrum, conjugate, times the rest's: real and imaginary part.
    pub cross_re: f32,
    pub cross_im: f32,
}

/// Sums over all frames that run side by side, of the channels that are compared.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub a: f64,
    pub rest: f64,
    pub cross: f64,
    pub samples: f64,
}

/// Of one window: products of the stems, of A and of the rest.
#[derive(Clone, Debug, Default)]
pub(super) struct StemStat {
    /// Stem i with stem j, row by row.
    pub own: Vec<f64>,
    pub with_rest: Vec<f64>,
    pub with_a: Vec<f64>,
    pub rest: f64,
    pub cross: f64,
    pub a: f64,
}

pub(super) struct Sheet {
    /// Low and high edge of each band, Hz, and the bins it has.
    pub bands: Vec<(f64, f64)>,
    pub bins: Vec<f64>,
    /// Middle alone, or middle and sides.
    pub planes: usize,
    /// Middle of each cell, seconds of A, ascending; and seconds from one to the next.
    pub times: Vec<f64>,
    pub step_s: f64,
    /// Windows in a cell.
    pub windows: usize,
    stats: Vec<Stat>,
    /// Cells beside a joint of two pieces: a window there hears both.
    pub beside: Vec<bool>,
    /// Not all frequencies are compared: where sound was converted, the filter's slope would be taken for a change.
    pub limited: bool,
    /// Highest sample of A and of B in each cell.
    pub peaks: Vec<[f32; 2]>,
    pub stems: Vec<StemStat>,
    pub totals: Totals,
    /// What A was multiplied by before it was taken from B; with B's sign.
    pub gain: f64,
}

impl Sheet {
    /// Sums over all bands that are compared: A, the rest, their product, and the samples they stand for.
    pub(super) fn banded(&self) -> Totals {
        let mut totals =
            Totals { samples: (self.times.len() * self.windows * self.planes) as f64, ..Totals::default() };
        for stat in &self.stats {
            totals.a += f64::from(stat.a);
            totals.rest += f64::from(stat.rest);
            totals.cross += f64::from(stat.cross_re);
        }
        totals
    }

    pub(super) fn stat(&self, cell: usize, plane: usize, band: usize) -> Stat {
        self.stats[(cell * self.planes + plane) * self.bands.len() + band]
    }
}

/// What is read side by side.
pub(super) struct Side<'a> {
    pub a: &'a Path,
    pub b: &'a Path,
    pub rate: u32,
    pub map: &'a TimeMap,
    pub gain: f64,
    /// One of them is converted to the other's rate.
    pub converted: bool,
    /// Files and where A's frame 0 stands in them, in frames at `rate`.
    pub stems: &'a [(&'a Path, f64)],
    /// What is known of the stems already: it is taken away too.
    pub moves: &'a [Move],
}

/// A stem stands in B `more` times itself above what it has in A, between two moments of A.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Move {
    pub stem: usize,
    pub start_s: f64,
    pub end_s: f64,
    pub more: f64,
}

/// Cells this near to where a move begins or ends are not looked at: it is known to a cell only.
const EDGE_S: f64 = 0.4;

pub(super) fn sheet(side: &Side<'_>, progress: Progress<'_>) -> Result<Sheet, DspError> {
    let mut writer = Writer::new(side)?;
    let rate = f64::from(side.rate);
    let total: f64 = side.map.pieces.iter().map(|p| p.a_end_s - p.a_s).sum();
    let mut done = 0.0;
    let last = side.map.pieces.len().saturating_sub(1);
    for (index, piece) in side.map.pieces.iter().enumerate() {
        let first_cell = writer.sheet.times.len();
        let from = (piece.a_s * rate).round();
        let frames = (piece.a_end_s * rate).round() - from;
        // An offset that was found to be whole stays whole.
        let exact = (piece.b_s - piece.a_s * piece.pace) * rate;
        let offset = if (exact - exact.round()).abs() < 1e-3 { exact.round() } else { exact };
        let start_b = if piece.pace == 1.0 { from + offset } else { from * piece.pace + offset };
        writer.piece(from, start_b, piece.pace, frames.max(0.0) as usize, &mut |f| {
            progress((done + f * (piece.a_end_s - piece.a_s)) / total.max(1e-9))
        })?;
        done += piece.a_end_s - piece.a_s;
        writer.sheet.beside.resize(writer.sheet.times.len(), false);
        writer.mark_joints(first_cell, index > 0, index < last);
    }
    writer.mark_moves();
    Ok(writer.sheet)
}

struct Writer {
    sheet: Sheet,
    rate: f64,
    a: Follower,
    b: Follower,
    stems: Vec<(Follower, f64)>,
    moves: Vec<Move>,
    fft: Fft,
    window: Vec<f64>,
    edges: Vec<usize>,
    scale: f64,
    /// Of the middle, where there are stems: A and the rest, one value a bin; and what each bin weighs.
    spectrum_a: Vec<(f64, f64)>,
    spectrum_rest: Vec<(f64, f64)>,
    weights: Vec<f64>,
    /// The cell being summed.
    cell: Vec<Stat>,
    cell_windows: usize,
}

impl Writer {
    fn new(side: &Side<'_>) -> Result<Self, DspError> {
        let rate = f64::from(side.rate);
        let seconds: f64 = side.map.pieces.iter().map(|p| p.a_end_s - p.a_s).sum();
        let len = Fft::good_len(((WINDOW_S * rate) as usize).max(64)).next_multiple_of(2);
        let len = if Fft::takes(len) { len } else { len.next_power_of_two() };
        let (a, b) = (Follower::open(side.a, side.rate)?, Follower::open(side.b, side.rate)?);
        let stems = side.stems.iter().map(|(path, offset)| Ok((Follower::open(path, side.rate)?, *offset)));
        let stems: Vec<(Follower, f64)> = stems.collect::<Result<_, DspError>>()?;
        let window: Vec<f64> =
            (0..len).map(|n| 0.5 - 0.5 * math::cos(TAU * (n as f64 + 0.5) / len as f64)).collect();
        let whole = |p: &Piece| {
            let shift = (p.b_s - p.a_s * p.pace) * rate;
            p.pace == 1.0 && (shift - shift.round()).abs() < 1e-3
        };
        let limited = side.converted || !side.map.pieces.iter().all(whole);
        let top_hz = if limited { CONVERTED * rate } else { 0.5 * rate };
        let (bands, edges) = bands(rate, len, top_hz);
        let step = 0.5 * len as f64 / rate;
        let windows = ((seconds / step) as usize).div_ceil(MOST_CELLS).max(1);
        let planes = a.channels().min(b.channels()).min(2);
        let energy: f64 = window.iter().map(|w| w * w).sum();
        let sheet = Sheet {
            bins: edges.windows(2).map(|e| (e[1] - e[0]) as f64).collect(),
            planes,
            times: Vec::new(),
            step_s: step * windows as f64,
            windows,
            stats: Vec::new(),
            beside: Vec::new(),
            limited,
            peaks: Vec::new(),
            stems: Vec::new(),
            totals: Totals::default(),
            gain: side.gain,
            bands,
        };
        Ok(Writer {
            cell: vec![Stat::default(); sheet.bands.len() * planes],
            cell_windows: 0,
            sheet,
            rate,
            spectrum_a: vec![(0.0, 0.0); len / 2],
            spectrum_rest: vec![(0.0, 0.0); len / 2],
            weights: (0..len / 2).map(|k| weight(k as f64 * rate / len as f64)).collect(),
            a,
            b,
            stems,
            moves: side.moves.to_vec(),
            fft: Fft::new(len).expect("a good length is always taken"),
            window,
            edges,
            scale: 2.0 / (len as f64 * energy),
        })
    }

    /// One piece: windows that overlap by half, the last ones filled up with silence.
    fn piece(
        &mut self,
        from: f64,
        start_b: f64,
        pace: f64,
        frames: usize,
        progress: Progress<'_>,
    ) -> Result<(), DspError> {
        let len = self.window.len();
        let hop = len / 2;
        let (mut planes_a, mut planes_rest) = (vec![vec![0.0; len]; 2], vec![vec![0.0; len]; 2]);
        let mut voices = vec![vec![0.0; len]; self.stems.len()];
        let (mut block, mut at) = (Block::default(), 0usize);
        while at < frames {
            let fresh = hop.min(frames - at);
            for plane in planes_a.iter_mut().chain(&mut planes_rest).chain(&mut voices) {
                plane.copy_within(hop.., 0);
                plane[hop..].fill(0.0);
            }
            self.a.read(from + at as f64, 1.0, fresh, &mut block)?;
            let peak_a = spread(&block, self.sheet.planes, &mut planes_a, hop);
            self.b.read(start_b + pace * at as f64, pace, fresh, &mut block)?;
            let peak_b = spread(&block, self.sheet.planes, &mut planes_rest, hop);
            self.take_a(&planes_a, &mut planes_rest, hop, fresh);
            for (index, voice) in voices.iter_mut().enumerate() {
                let (stem, offset) = &mut self.stems[index];
                stem.read(from + *offset + at as f64, 1.0, fresh, &mut block)?;
                middle_of(&block, &mut voice[hop..]);
                self.take_moves(index, &block, from + at as f64, &mut planes_rest, hop);
            }
            let time = (from + at as f64) / self.rate;
            self.spectra(&planes_a, &planes_rest);
            self.take_stems(&voices);
            self.end_window(time, [peak_a, peak_b]);
            at += fresh;
            still(progress, at as f64 / frames as f64)?;
        }
        // A piece ends its cell.
        if self.cell_windows > 0 {
            self.end_cell();
        }
        Ok(())
    }

    /// Cells whose windows reach over a joint or the end.
    fn mark_joints(&mut self, first_cell: usize, joint_before: bool, joint_after: bool) {
        let cells = self.sheet.beside.len();
        let reach = if self.sheet.windows == 1 { 2 } else { 1 };
        // The last window is filled up with silence, and a filter's end is not in it.
        if cells > first_cell + 2 {
            self.sheet.beside[cells - 1] = true;
        }
        if joint_before {
            self.sheet.beside[first_cell..(first_cell + reach).min(cells)].fill(true);
        }
        if joint_after {
            self.sheet.beside[cells.saturating_sub(reach).max(first_cell)..].fill(true);
        }
    }

    /// Takes what one stem is known to have moved by out of the rest; `block` is of the stem, from A's frame `from`.
    fn take_moves(&self, stem: usize, block: &Block, from: f64, rest: &mut [Vec<f64>], hop: usize) {
        let until = from + block.frames() as f64;
        for m in self.moves.iter().filter(|m| m.stem == stem) {
            let begin = (m.start_s * self.rate).max(from);
            let end = (m.end_s * self.rate).min(until);
            if begin >= end {
                continue;
            }
            let (first, last) = ((begin - from) as usize, ((end - from) as usize).min(block.frames()));
            for i in first..last {
                match &block.channels[..] {
                    [left, right, ..] => {
                        rest[0][hop + i] -= 0.5 * m.more * (left[i] + right[i]);
                        rest[1][hop + i] -= 0.5 * m.more * (left[i] - right[i]);
                    }
                    [one] => rest[0][hop + i] -= m.more * one[i],
                    [] => {}
                }
            }
        }
    }

    fn mark_moves(&mut self) {
        let Sheet { times, beside, .. } = &mut self.sheet;
        let near = |t: f64| {
            self.moves.iter().any(|m| (t - m.start_s).abs() < EDGE_S || (t - m.end_s).abs() < EDGE_S)
        };
        for (time, beside) in times.iter().zip(beside) {
            *beside |= near(*time);
        }
    }

    /// Makes the rest out of B's planes, and sums what runs side by side.
    fn take_a(&mut self, a: &[Vec<f64>], rest: &mut [Vec<f64>], hop: usize, fresh: usize) {
        let (gain, totals) = (self.sheet.gain, &mut self.sheet.totals);
        for (a, rest) in a.iter().zip(rest).take(self.sheet.planes) {
            for (a, rest) in a[hop..hop + fresh].iter().zip(&mut rest[hop..hop + fresh]) {
                *rest -= gain * a;
                totals.a += a * a;
                totals.rest += *rest * *rest;
                totals.cross += a * *rest;
                totals.samples += 1.0;
            }
        }
    }

    fn spectra(&mut self, a: &[Vec<f64>], rest: &[Vec<f64>]) {
        let len = self.window.len();
        let bands = self.sheet.bands.len();
        let (mut re, mut im) = (vec![0.0; len], vec![0.0; len]);
        for plane in 0..self.sheet.planes {
            for i in 0..len {
                re[i] = a[plane][i] * self.window[i];
                im[i] = rest[plane][i] * self.window[i];
            }
            self.fft.forward(&mut re, &mut im);
            if plane == 0 && !self.stems.is_empty() {
                parted(&re, &im, &mut self.spectrum_a, &mut self.spectrum_rest);
            }
            for band in 0..bands {
                let mut sums = [0.0f64; 4];
                for k in self.edges[band]..self.edges[band + 1] {
                    let m = len - k;
                    let (p, q, r, s) = (re[k], im[k], re[m], im[m]);
                    let (x, y) = ((0.5 * (p + r), 0.5 * (q - s)), (0.5 * (q + s), 0.5 * (r - p)));
                    sums[0] += x.0 * x.0 + x.1 * x.1;
                    sums[1] += y.0 * y.0 + y.1 * y.1;
                    sums[2] += x.0 * y.0 + x.1 * y.1;
                    sums[3] += x.0 * y.1 - x.1 * y.0;
                }
                let stat = &mut self.cell[plane * bands + band];
                let scaled = sums.map(|s| (s * self.scale) as f32);
                stat.a += scaled[0];
                stat.rest += scaled[1];
                stat.cross_re += scaled[2];
                stat.cross_im += scaled[3];
            }
        }
    }

    /// Products of the stems with each other, with A and with the rest, over the bins, lows weighing less.
    fn take_stems(&mut self, voices: &[Vec<f64>]) {
        if voices.is_empty() {
            return;
        }
        let len = self.window.len();
        let mut spectra = vec![vec![(0.0, 0.0); len / 2]; voices.len() + voices.len() % 2];
        let (mut re, mut im) = (vec![0.0; len], vec![0.0; len]);
        for (pair, to) in voices.chunks(2).zip(spectra.chunks_mut(2)) {
            for i in 0..len {
                re[i] = pair[0][i] * self.window[i];
                im[i] = pair.get(1).map_or(0.0, |v| v[i] * self.window[i]);
            }
            self.fft.forward(&mut re, &mut im);
            if let [first, second] = to {
                parted(&re, &im, first, second);
            }
        }
        spectra.truncate(voices.len());
        let weights = &self.weights;
        let product = |x: &[(f64, f64)], y: &[(f64, f64)]| -> f64 {
            x.iter().zip(y).zip(weights).map(|((x, y), w)| w * (x.0 * y.0 + x.1 * y.1)).sum()
        };
        let (a, rest) = (&self.spectrum_a, &self.spectrum_rest);
        let own = spectra.iter().flat_map(|x| spectra.iter().map(|y| product(x, y)));
        let stat = StemStat {
            own: own.collect(),
            with_rest: spectra.iter().map(|v| product(v, rest)).collect(),
            with_a: spectra.iter().map(|v| product(v, a)).collect(),
            rest: product(rest, rest),
            cross: product(a, rest),
            a: product(a, a),
        };
        if self.cell_windows == 0 {
            self.sheet.stems.push(stat);
        } else if let Some(sum) = self.sheet.stems.last_mut() {
            add(&mut sum.own, &stat.own);
            add(&mut sum.with_rest, &stat.with_rest);
            add(&mut sum.with_a, &stat.with_a);
            sum.rest += stat.rest;
            sum.cross += stat.cross;
            sum.a += stat.a;
        }
    }

    fn end_window(&mut self, time: f64, peaks: [f64; 2]) {
        let peaks = peaks.map(|p| p as f32);
        if self.cell_windows == 0 {
            self.sheet.times.push(time);
            self.sheet.peaks.push(peaks);
        } else if let Some(held) = self.sheet.peaks.last_mut() {
            *held = [held[0].max(peaks[0]), held[1].max(peaks[1])];
        }
        self.cell_windows += 1;
        if self.cell_windows == self.sheet.windows {
            self.end_cell();
        }
    }

    fn end_cell(&mut self) {
        self.sheet.stats.extend_from_slice(&self.cell);
        self.cell.fill(Stat::default());
        self.cell_windows = 0;
    }
}

/// Two real signals out of one transform, bins under half the rate.
fn parted(re: &[f64], im: &[f64], first: &mut [(f64, f64)], second: &mut [(f64, f64)]) {
    let len = re.len();
    for (k, (first, second)) in first.iter_mut().zip(second).enumerate() {
        let m = (len - k) % len;
        let (p, q, r, s) = (re[k], im[k], re[m], im[m]);
        *first = (0.5 * (p + r), 0.5 * (q - s));
        *second = (0.5 * (q + s), 0.5 * (r - p));
    }
}

/// What a bin counts when stems are laid on what is left: a bass must not drown a voice.
fn weight(hz: f64) -> f64 {
    let square = hz * hz / (hz * hz + LOWS_HZ * LOWS_HZ);
    square * square
}

fn add(sum: &mut [f64], more: &[f64]) {
    sum.iter_mut().zip(more).for_each(|(s, m)| *s += m);
}

/// Middle and sides of a block into the second half of the planes; its highest sample.
fn spread(block: &Block, planes: usize, to: &mut [Vec<f64>], hop: usize) -> f64 {
    middle_of(block, &mut to[0][hop..]);
    if let ([left, right, ..], 2) = (&block.channels[..], planes) {
        for ((to, l), r) in to[1][hop..].iter_mut().zip(left).zip(right) {
            *to = 0.5 * (l - r);
        }
    }
    block.channels.iter().flatten().fold(0.0f64, |m, s| m.max(s.abs()))
}

fn middle_of(block: &Block, to: &mut [f64]) {
    match &block.channels[..] {
        [left, right, ..] => {
            to.iter_mut().zip(left).zip(right).for_each(|((to, l), r)| *to = 0.5 * (l + r));
        }
        [one] => to.iter_mut().zip(one).for_each(|(to, s)| *to = *s),
        [] => {}
    }
}

/// Edges in Hz and in bins. Low bands that would have less than two bins are joined.
fn bands(rate: f64, len: usize, top_hz: f64) -> (Vec<(f64, f64)>, Vec<usize>) {
    let bin = |hz: f64| ((hz * len as f64 / rate).round() as usize).clamp(1, len / 2);
    let (mut bands, mut edges) = (Vec::new(), vec![bin(LOWEST_HZ / math::pow(10.0, 0.5 / PER_DECADE))]);
    let mut low_hz = LOWEST_HZ / math::pow(10.0, 0.5 / PER_DECADE);
    for n in 0.. {
        let high_hz = LOWEST_HZ * math::pow(10.0, (f64::from(n) + 0.5) / PER_DECADE);
        let last = high_hz >= top_hz;
        let high = if last { top_hz } else { high_hz };
        let from = edges[edges.len() - 1];
        if bin(high) >= from + 2 {
            bands.push((low_hz, high));
            edges.push(bin(high));
            low_hz = high;
        }
        if last {
            break;
        }
    }
    if bands.is_empty() {
        (bands, edges) = (vec![(0.0, 0.5 * rate)], vec![1, len / 2]);
    }
    (bands, edges)
}
