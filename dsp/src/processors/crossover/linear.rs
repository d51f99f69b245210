//! The bank without a turn of phase: low passes with the Linkwitz-Riley magnitude 1 / (1 + (f / edge)^4), symmetric in time, by overlap-save. A band is the
//! difference of two of them, and the last is the sound less the highest, so the bands sum to the sound whatever the filters are. Put together as the
//! sound plus what each gain changes in its band: gains of 1 leave every bit. Never here: blocks, levels.

use std::f64::consts::{PI, SQRT_2};

use super::{EdgeHz, Line, PLACES, Pair};
use crate::{fft::Fft, lanes, math};

/// The response of an edge has fallen to e^-16, -139 dB, where it is cut off.
const DECAYS: f64 = 16.0;
/// The last part of it is faded out.
const FADED: f64 = 0.25;
/// Shortest half of a filter, in frames at 48 kHz: high edges leave a bend of the spectrum at half the rate.
const HALF_LEAST: f64 = 512.0;

pub(crate) struct LinearBank {
    fft: Fft,
    half: usize,
    hop: usize,
    /// The spectrum of each low pass, real, over the length of the transform.
    lows: Vec<Vec<f64>>,
    /// Of a pair of channels: left is real, right imaginary.
    spectrum: [Vec<f64>; 2],
    made: [Vec<f64>; 2],
    /// For each pair of channels the sound itself: what waits for the look-ahead, then the last hop.
    straight: Vec<Vec<Pair>>,
}

impl Clone for LinearBank {
    fn clone(&self) -> Self {
        LinearBank {
            fft: Fft::new(self.fft.len()).expect("there was a transform of this length"),
            half: self.half,
            hop: self.hop,
            lows: self.lows.clone(),
            spectrum: self.spectrum.clone(),
            made: self.made.clone(),
            straight: self.straight.clone(),
        }
    }
}

impl LinearBank {
    /// Works in multiples of `stretch` frames; `late`: frames that the sound waits for its gain.
    pub fn new(edges: &[EdgeHz], sample_rate: u32, pairs: usize, stretch: usize, late: usize) -> Self {
        let rate = f64::from(sample_rate);
        // The response of an edge dies away with the time constant sqrt(2) / (2 pi edge) on both sides.
        let slowest_s = edges.first().map_or(0.0, |edge| SQRT_2 / (2.0 * PI * edge.get()));
        let half = (DECAYS * slowest_s * rate).max(HALF_LEAST * rate / 48_000.0).ceil() as usize;
        let len = (5 * half).next_power_of_two().max(4 * stretch);
        let hop = (len - 2 * half) / stretch * stretch;
        let mut fft = Fft::new(len).expect("a power of two has a transform");
        let lows = edges.iter().map(|edge| low_pass(&mut fft, edge.get() / rate, half)).collect();
        let planes = || [vec![0.0; len], vec![0.0; len]];
        LinearBank {
            fft,
            half,
            hop,
            lows,
            spectrum: planes(),
            made: planes(),
            straight: vec![vec![[0.0; 2]; late + hop]; pairs],
        }
    }

    pub fn reset(&mut self) {
        self.straight.iter_mut().for_each(|s| s.fill([0.0; 2]));
    }

    pub fn hop(&self) -> usize {
        self.hop
    }

    /// Frames that must be known before and behind a hop.
    pub fn reach(&self) -> usize {
        self.half
    }

    /// Splits the hop in the middle of `sound`, which has [`LinearBank::reach`] frames more on both sides.
    pub fn split(&mut self, pair: usize, sound: [&[f64]; 2], bands: &mut [Vec<Pair>]) {
        let Self { fft, half, hop, lows, spectrum: [re, im], made: [left, right], straight } = self;
        let used = 2 * *half + *hop;
        let straight = &mut straight[pair];
        let before = straight.len() - *hop;
        let middle = sound.map(|s| &s[*half..*half + *hop]);
        for (both, (l, r)) in straight[before..].iter_mut().zip(middle[0].iter().zip(middle[1])) {
            *both = [*l, *r];
        }
        // Behind what is known there may stand anything: it wraps to where nothing is taken from.
        for (plane, s) in [&mut *re, &mut *im].into_iter().zip(sound) {
            plane[..used].copy_from_slice(&s[..used]);
            plane[used..].fill(0.0);
        }
        let apart = Apart::of(sound);
        if apart != Apart::Silent {
            fft.forward(re, im);
        }
        let Some((last, lower)) = bands.split_last_mut() else { return };
        last[before..].copy_from_slice(&straight[before..]);
        for (band, low) in lower.iter_mut().zip(lows) {
            let band = &mut band[before..];
            if apart == Apart::Silent {
                band.fill([0.0; 2]);
                continue;
            }
            lanes::wide(
                #[inline(always)]
                || {
                    left.iter_mut().zip(&*re).zip(&*low).for_each(|((out, x), h)| *out = x * h);
                    right.iter_mut().zip(&*im).zip(&*low).for_each(|((out, x), h)| *out = x * h);
                },
            );
            fft.inverse(left, right);
            let made = left[*half..].iter().zip(&right[*half..]);
            band.iter_mut().zip(made).for_each(|(both, (l, r))| *both = apart.tidy([*l, *r]));
        }
        // Low passes into bands, from the top: each less the one below.
        for b in (0..bands.len()).rev().take(bands.len() - 1) {
            let (below, here) = bands.split_at_mut(b);
            let (below, here) = (&below[b - 1][before..], &mut here[0][before..]);
            lanes::wide(
                #[inline(always)]
                || {
                    for (x, low) in here.as_flattened_mut().iter_mut().zip(below.as_flattened()) {
                        *x -= low;
                    }
                },
            );
        }
    }

    /// Puts the first hop together again, each band times its line.
    pub fn join(
        &mut self,
        pair: usize,
        bands: &[Vec<Pair>],
        lines: &[Vec<Line>],
        group: usize,
        out: [&mut [f64]; 2],
    ) {
        let straight = &mut self.straight[pair];
        let hop = self.hop;
        let [left, right] = out;
        lanes::wide(
            #[inline(always)]
            || {
                let outs = left.chunks_exact_mut(group).zip(right.chunks_exact_mut(group));
                for (k, ((left, right), sound)) in outs.zip(straight.chunks_exact(group)).enumerate() {
                    let mut sum = [[0.0; 2]; super::GROUP_MOST];
                    let sum = &mut sum[..group];
                    sum.copy_from_slice(sound);
                    for (band, lines) in bands.iter().zip(lines) {
                        let Line { from, step } = lines[k];
                        let band = &band[k * group..][..group];
                        for ((s, x), place) in sum.iter_mut().zip(band).zip(&PLACES) {
                            for l in 0..2 {
                                s[l] += x[l] * ((from[l] - 1.0) + step[l] * place);
                            }
                        }
                    }
                    for (both, (l, r)) in sum.iter().zip(left.iter_mut().zip(right)) {
                        (*l, *r) = (both[0], both[1]);
                    }
                }
            },
        );
        straight.copy_within(hop.., 0);
    }
}

/// What two channels in one transform may not do to each other: rounding of one must not be heard in the other.
#[derive(Clone, Copy, PartialEq)]
enum Apart {
    Silent,
    LeftOnly,
    RightOnly,
    Same,
    Both,
}

impl Apart {
    fn of(sound: [&[f64]; 2]) -> Self {
        let (mut any_left, mut any_right, mut differ) = (0u64, 0u64, 0u64);
        lanes::wide(
            #[inline(always)]
            || {
                for (l, r) in sound[0].iter().zip(sound[1]) {
                    // Without the sign: minus zero is silent.
                    any_left |= l.to_bits() << 1;
                    any_right |= r.to_bits() << 1;
                    differ |= l.to_bits() ^ r.to_bits();
                }
            },
        );
        match (any_left != 0, any_right != 0) {
            (false, false) => Apart::Silent,
            (true, false) => Apart::LeftOnly,
            (false, true) => Apart::RightOnly,
            (true, true) if differ == 0 => Apart::Same,
            (true, true) => Apart::Both,
        }
    }

    #[inline(always)]
    fn tidy(self, [l, r]: Pair) -> Pair {
        match self {
            Apart::Silent => [0.0, 0.0],
            Apart::LeftOnly => [l, 0.0],
            Apart::RightOnly => [0.0, r],
            Apart::Same => [l, l],
            Apart::Both => [l, r],
        }
    }
}

/// The real spectrum of the symmetric low pass, divided by the length of the transform. `edge`: in parts of the sample rate.
fn low_pass(fft: &mut Fft, edge: f64, half: usize) -> Vec<f64> {
    let len = fft.len();
    let (mut re, mut im) = (vec![0.0; len], vec![0.0; len]);
    for (k, x) in re.iter_mut().enumerate() {
        let way = k.min(len - k) as f64 / len as f64 / edge;
        *x = 1.0 / (1.0 + (way * way) * (way * way));
    }
    fft.inverse(&mut re, &mut im);
    let faded = (FADED * half as f64).ceil();
    for (k, x) in re.iter_mut().enumerate() {
        let left = (half as f64 - k.min(len - k) as f64).max(0.0);
        let fade = if left < faded { 0.5 - 0.5 * math::cos(PI * left / faded) } else { 1.0 };
        *x *= fade / len as f64;
    }
    im.fill(0.0);
    fft.forward(&mut re, &mut im);
    re.iter_mut().for_each(|x| *x /= len as f64);
    re
}
