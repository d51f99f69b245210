//! What a match knows of a sound: its loudness, and the levels of mid and side in sixth octaves, of the parts that count. Small enough to stand in a
//! recipe, so that no reference's sound has to travel with it. Never here: what is made of it.

use std::{f64::consts::TAU, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    block::Block,
    decode::Source,
    error::DspError,
    fft::Fft,
    math,
    measure::{Loudness, lufs},
    processors::biquad::Coefficients,
};

/// Sixth octaves, base ten (IEC 61260-1:2014): middles 10^(n/20) Hz from 20 Hz (n = 26) to 20 kHz (n = 86).
pub const BANDS: usize = 61;
const FIRST: f64 = 26.0;
const TO_A_DECADE: f64 = 20.0;
/// Octaves from one band to the next.
pub(super) const BAND_OCTAVES: f64 = 0.166_096_404_744_368_1;
/// Stands for "nothing there".
pub const NOTHING_DB: f64 = -120.0;
/// Windows of 0.4 s, every 0.2 s: whole frames at every usual rate, and as long as the gating blocks of ITU-R BS.1770-5.
const HOPS_PER_SECOND: u32 = 5;
/// The gate of BS.1770-5, over windows here: below -70 LUFS, and more than 10 LU below the rest, nothing counts. So neither silence nor a fade does.
const ABSOLUTE_GATE_LUFS: f64 = -70.0;
const RELATIVE_GATE_LU: f64 = -10.0;
/// Windows are kept in classes of loudness this wide, so that the gate can be drawn at the end in little memory.
const CLASS_LU: f64 = 0.25;
const CLASSES: usize = 400;

/// The middle of a band.
pub fn band_hz(band: usize) -> f64 {
    math::pow(10.0, (FIRST + band as f64) / TO_A_DECADE)
}

/// Gain of the K-weighting in decibels: the shelf and the high pass behind BS.1770-5, within 0.05 dB of the standard's own coefficients.
pub(super) fn k_weight_db(hz: f64) -> f64 {
    const RATE: u32 = 192_000;
    let shelf = Coefficients::high_shelf(RATE, 1_681.974, 3.999_8, 0.707_2);
    // The standard's high pass has a gain of 1.004 far above its corner.
    let pass = Coefficients::low_cut(RATE, 38.135, 0.500_3);
    shelf.response_db(RATE, hz) + pass.response_db(RATE, hz)
}

/// The figures of one sound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Integrated, by ITU-R BS.1770-5.
    pub loudness_lufs: f64,
    /// Mean square in dBFS of (left + right) / 2 in each of [`BANDS`] sixth octaves from 20 Hz to 20 kHz; -120 is nothing.
    pub mid_db: Vec<f64>,
    /// The same of (left - right) / 2.
    pub side_db: Vec<f64>,
}

impl Profile {
    /// Hears a whole file. A file without sound above the gate has no profile: it is an error that says so.
    pub fn of_file(path: &Path) -> Result<Self, DspError> {
        const BLOCK_FRAMES: usize = 16_384;
        let mut source = Source::open(path)?;
        let spec = source.spec().clone();
        if !(1..=2).contains(&spec.channels) {
            return Err(DspError::unsupported(
                path,
                format!("{} channels; a reference is mono or stereo", spec.channels),
            ));
        }
        let mut listener = Listener::new(spec.sample_rate, spec.channels)?;
        let mut block = Block::new(spec.channels, 0);
        while source.read(&mut block, BLOCK_FRAMES)? > 0 {
            listener.push(&block);
        }
        listener.finish().ok_or_else(|| {
            DspError::Invalid(format!(
                "{} is silent: nothing in it is above -70 LUFS, so it cannot be a reference",
                path.display()
            ))
        })
    }

    /// Whether the numbers can be those of a sound.
    pub(super) fn check(&self) -> Result<(), String> {
        let sane = |db: &f64| (NOTHING_DB..=40.0).contains(db);
        if self.mid_db.len() != BANDS || self.side_db.len() != BANDS {
            return Err(format!("a profile has {BANDS} levels of mid and of side"));
        }
        if !self.mid_db.iter().chain(&self.side_db).all(sane) {
            return Err(format!("the levels of a profile are within {NOTHING_DB} to 40 dB"));
        }
        if !(-70.0..=20.0).contains(&self.loudness_lufs) {
            return Err("the loudness of a profile is within -70 to 20 LUFS".into());
        }
        if self.mid_db.iter().chain(&self.side_db).all(|db| *db <= NOTHING_DB) {
            return Err("a profile of silence cannot be matched".into());
        }
        Ok(())
    }
}

/// Takes a sound block by block and makes its profile. The size of the blocks changes nothing, to the bit.
#[derive(Clone)]
pub struct Listener {
    fft: Fft,
    window: Vec<f64>,
    /// Mid and side of the window that is being filled.
    planes: [Vec<f64>; 2],
    re: Vec<f64>,
    im: Vec<f64>,
    /// By band: first bin, and the share of each bin from there.
    bands: Vec<(usize, Vec<f64>)>,
    weights: Vec<f64>,
    loudness: Loudness,
    classes: Vec<Class>,
    windows: u64,
}

/// Windows of about the same loudness.
#[derive(Clone, Default)]
struct Class {
    windows: u64,
    energy: f64,
    mid: Vec<f64>,
    side: Vec<f64>,
}

impl Listener {
    pub fn new(sample_rate: u32, channels: usize) -> Result<Self, DspError> {
        let len = 2 * Fft::good_len((sample_rate / HOPS_PER_SECOND).max(1) as usize);
        let fft = Fft::new(len)
            .ok_or_else(|| DspError::Invalid(format!("nothing can be matched at {sample_rate} Hz")))?;
        let hann = |n: usize| 0.5 - 0.5 * math::cos(TAU * n as f64 / len as f64);
        Ok(Listener {
            fft,
            window: (0..len).map(hann).collect(),
            planes: [Vec::new(), Vec::new()],
            re: vec![0.0; len],
            im: vec![0.0; len],
            bands: (0..BANDS).map(|band| shares(band, sample_rate, len)).collect(),
            weights: (0..BANDS).map(|band| math::pow(10.0, k_weight_db(band_hz(band)) / 10.0)).collect(),
            loudness: Loudness::new(sample_rate, channels),
            classes: vec![Class::default(); CLASSES],
            windows: 0,
        })
    }

    pub fn push(&mut self, block: &Block) {
        self.loudness.push(block);
        let [mid, side] = &mut self.planes;
        let sane = |x: f64| if x.abs() < 1e6 { x } else { 0.0 };
        match block.channels.as_slice() {
            [left, right] => {
                mid.extend(left.iter().zip(right).map(|(l, r)| sane(0.5 * (l + r))));
                side.extend(left.iter().zip(right).map(|(l, r)| sane(0.5 * (l - r))));
            }
            [one, ..] => {
                mid.extend(one.iter().map(|x| sane(*x)));
                side.resize(mid.len(), 0.0);
            }
            [] => {}
        }
        let len = self.window.len();
        let mut at = 0;
        while self.planes[0].len() - at >= len {
            self.hear(at, len);
            at += len / 2;
        }
        self.planes.iter_mut().for_each(|p| drop(p.drain(..at)));
    }

    /// One window, of which `filled` frames are there.
    fn hear(&mut self, at: usize, filled: usize) {
        let len = self.window.len();
        for (plane, out) in self.planes.iter().zip([&mut self.re, &mut self.im]) {
            out.fill(0.0);
            for ((out, x), w) in out.iter_mut().zip(&plane[at..at + filled]).zip(&self.window) {
                *out = x * w;
            }
        }
        self.fft.forward(&mut self.re, &mut self.im);
        // The two real sounds come apart by the symmetry of their spectra. A sine of amplitude 1 shall have a power of a half.
        let scale = 1.0 / (len as f64 * self.window.iter().map(|w| w * w).sum::<f64>());
        let power = |bin: usize| {
            let mirror = (len - bin) % len;
            let (a, b, c, d) = (self.re[bin], self.im[bin], self.re[mirror], self.im[mirror]);
            let twice = if bin == 0 || 2 * bin == len { 1.0 } else { 2.0 };
            let mid = ((a + c) * (a + c) + (b - d) * (b - d)) / 4.0;
            let side = ((b + d) * (b + d) + (c - a) * (c - a)) / 4.0;
            (twice * scale * mid, twice * scale * side)
        };
        let levels: Vec<(f64, f64)> = self
            .bands
            .iter()
            .map(|(first, shares)| {
                shares.iter().enumerate().fold((0.0, 0.0), |(m, s), (i, share)| {
                    let (mid, side) = power(first + i);
                    (m + share * mid, s + share * side)
                })
            })
            .collect();
        // Both channels together, as the gate of the standard hears them: l^2 + r^2 = 2 (m^2 + s^2).
        let energy = levels.iter().zip(&self.weights).map(|((m, s), w)| 2.0 * (m + s) * w).sum::<f64>();
        self.windows += 1;
        let place = (lufs(energy) - ABSOLUTE_GATE_LUFS) / CLASS_LU;
        if place >= 0.0 {
            self.classes[(place as usize).min(CLASSES - 1)].add(energy, &levels);
        }
    }

    /// `None` where nothing was above the gate.
    pub fn finish(mut self) -> Option<Profile> {
        let held = self.planes[0].len();
        if self.windows == 0 && held > 0 {
            self.hear(0, held);
        }
        let heard: Vec<&Class> = self.classes.iter().filter(|c| c.windows > 0).collect();
        let count: u64 = heard.iter().map(|c| c.windows).sum();
        let mean = heard.iter().map(|c| c.energy).sum::<f64>() / count.max(1) as f64;
        let gate = lufs(mean) + RELATIVE_GATE_LU;
        let loud: Vec<&Class> =
            heard.into_iter().filter(|c| lufs(c.energy / c.windows as f64) > gate).collect();
        let windows: u64 = loud.iter().map(|c| c.windows).sum();
        let loudness_lufs = self.loudness.integrated_lufs().or((windows > 0).then_some(lufs(mean)))?;
        if windows == 0 {
            return None;
        }
        let level = |of: fn(&Class) -> &Vec<f64>, band: usize| {
            let power: f64 = loud.iter().map(|c| of(c)[band]).sum::<f64>() / windows as f64;
            rounded(math::decibels_of_power(power).max(NOTHING_DB))
        };
        Some(Profile {
            loudness_lufs: rounded(loudness_lufs.max(ABSOLUTE_GATE_LUFS)),
            mid_db: (0..BANDS).map(|band| level(|c| &c.mid, band)).collect(),
            side_db: (0..BANDS).map(|band| level(|c| &c.side, band)).collect(),
        })
    }
}

impl Class {
    fn add(&mut self, energy: f64, levels: &[(f64, f64)]) {
        self.windows += 1;
        self.energy += energy;
        self.mid.resize(levels.len(), 0.0);
        self.side.resize(levels.len(), 0.0);
        for ((mid, side), (m, s)) in self.mid.iter_mut().zip(&mut self.side).zip(levels) {
            *mid += m;
            *side += s;
        }
    }
}

/// Hundredths of a decibel: more would only make the text of a recipe longer.
fn rounded(db: f64) -> f64 {
    (db * 100.0).round() / 100.0
}

/// The bins of a band with the share that lies in it: bin k stands for k - 1/2 to k + 1/2.
fn shares(band: usize, sample_rate: u32, len: usize) -> (usize, Vec<f64>) {
    let bin_hz = f64::from(sample_rate) / len as f64;
    let edge = |half: f64| math::pow(10.0, (FIRST + band as f64 + half) / TO_A_DECADE) / bin_hz + 0.5;
    let (from, to) = (edge(-0.5), edge(0.5));
    let last = (to as usize).min(len / 2);
    let first = (from as usize).min(len / 2 + 1);
    let share = |bin: usize| (to.min(bin as f64 + 1.0) - from.max(bin as f64)).clamp(0.0, 1.0);
    (first, (first..=last).map(share).collect())
}
