//! The figures of a sound, in one pass: loudness, peaks, range, DC, correlation, silence, clipping. Never here: files, targets, verdicts.

mod gate;
mod layout;
mod loudness;
mod totals;
mod weighting;

pub use gate::{integrated_lufs, lufs, range_lu};
pub use layout::channel_weights;
pub use loudness::{Levels, Loudness};
pub use weighting::WeightedEnergy;

use serde::Serialize;

use crate::{
    Block, Spec, lanes,
    math::decibels,
    true_peak::{Over, TruePeak, magnitude},
};
use totals::Lanes;

/// Below this a head or a tail is silent (-60 dBFS).
const SILENCE: f64 = 0.001;
/// So many samples in a row at full scale are a clip.
const CLIP_RUN: u64 = 3;
/// Samples that are looked at together before each of them.
const CLIP_LOOK: usize = 128;

/// What a sound measures. Levels of silence are minus infinity, `null` in JSON; nothing is ever NaN.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Measurement {
    /// Counted, not claimed.
    pub frames: u64,
    /// Minus infinity too where the sound is shorter than one gating block of 400 ms.
    pub integrated_lufs: f64,
    /// 0 where the sound is shorter than 3 s.
    pub loudness_range_lu: f64,
    pub max_momentary_lufs: f64,
    /// Minus infinity too where the sound is shorter than 3 s.
    pub max_short_term_lufs: f64,
    pub true_peak_dbtp: f64,
    pub sample_peak_dbfs: f64,
    /// Mean of the worse channel, of full scale, with its sign.
    pub dc_offset: f64,
    /// Of the first two channels, -1 to 1; 1 for mono, 0 where one of them is silent.
    pub correlation: f64,
    pub head_silence_s: f64,
    pub tail_silence_s: f64,
    /// Samples in runs of at least three at full scale, all channels; of float and lossy sound, which may go over it, in runs of one value at or over it.
    pub clipped_samples: u64,
    /// Two channels that are the same to the bit, and not silent.
    pub dual_mono: bool,
}

/// Takes a sound block by block. The size of the blocks changes nothing, to the bit: all sums are tied to the frames of the stream.
pub struct Meter {
    sample_rate: u32,
    full_scale: f64,
    /// The samples may go over full scale: a wave that is round there is whole.
    open_ended: bool,
    loudness: Loudness,
    true_peak: TruePeak,
    channels: Vec<Channel>,
    frames: u64,
    cross: Lanes,
    same: bool,
    /// First and last frame at or above -60 dBFS.
    loud: Option<(u64, u64)>,
}

#[derive(Clone, Default)]
struct Channel {
    peak: f64,
    sum: Lanes,
    energy: Lanes,
    run: u64,
    run_value: f64,
    clipped: u64,
}

impl Meter {
    /// Channels stand in the order of WAVE: L, R, C, LFE, Ls, Rs.
    pub fn new(spec: &Spec) -> Self {
        Meter {
            sample_rate: spec.sample_rate.max(1),
            full_scale: full_scale(spec),
            open_ended: spec.float || spec.bits.is_none(),
            loudness: Loudness::new(spec.sample_rate.max(1), spec.channels),
            true_peak: TruePeak::new(spec.channels, spec.sample_rate),
            channels: vec![Channel::default(); spec.channels],
            frames: 0,
            cross: Lanes::default(),
            same: true,
            loud: None,
        }
    }

    /// Reports where the wave is above `threshold` (linear) too; to be asked for before the first push. See [`TruePeak::with_overs`].
    pub fn with_overs(mut self, threshold: f64) -> Self {
        self.true_peak = self.true_peak.with_overs(threshold);
        self
    }

    /// [`TruePeak::take_overs`].
    pub fn take_overs(&mut self) -> Vec<Over> {
        self.true_peak.take_overs()
    }

    /// [`TruePeak::last_overs`].
    pub fn last_overs(&self) -> Vec<Over> {
        self.true_peak.last_overs()
    }

    pub fn push(&mut self, block: &Block) {
        self.loudness.push(block);
        self.true_peak.push(block);
        let mut sound = true;
        for (channel, plane) in self.channels.iter_mut().zip(&block.channels) {
            sound &= channel.push(plane, self.frames, self.full_scale, self.open_ended);
            let loud = |sample: &f64| sample.abs() >= SILENCE;
            if let (Some(first), Some(last)) = (plane.iter().position(loud), plane.iter().rposition(loud)) {
                let (first, last) = (self.frames + first as u64, self.frames + last as u64);
                let (from, to) = self.loud.unwrap_or((first, last));
                self.loud = Some((from.min(first), to.max(last)));
            }
        }
        if let [left, right, ..] = block.channels.as_slice() {
            if sound {
                self.cross.add_products(self.frames, left, right);
            } else {
                self.cross.add_products(self.frames, &totals::sane(left), &totals::sane(right));
            }
            self.same = self.same && left == right;
        }
        self.frames += block.frames() as u64;
    }

    /// The loudness of what was pushed so far, over time too.
    pub fn loudness(&self) -> &Loudness {
        &self.loudness
    }

    pub fn finish(mut self) -> Measurement {
        let levels = self.loudness.levels();
        let seconds = |frames: u64| frames as f64 / f64::from(self.sample_rate);
        let (head, tail) =
            self.loud.map_or((self.frames, self.frames), |(first, last)| (first, self.frames - 1 - last));
        let peak = self.channels.iter().fold(0.0, |peak: f64, channel| peak.max(channel.peak));
        let count = self.frames.max(1) as f64;
        let offsets = self.channels.iter().map(|channel| channel.sum.total() / count);
        Measurement {
            frames: self.frames,
            integrated_lufs: levels.integrated_lufs,
            loudness_range_lu: levels.range_lu,
            max_momentary_lufs: levels.max_momentary_lufs,
            max_short_term_lufs: levels.max_short_term_lufs,
            true_peak_dbtp: decibels(self.true_peak.peak_linear().max(peak)),
            sample_peak_dbfs: decibels(peak),
            dc_offset: offsets
                .fold(0.0, |worst: f64, offset| if offset.abs() > worst.abs() { offset } else { worst }),
            correlation: self.correlation(),
            head_silence_s: seconds(head),
            tail_silence_s: seconds(tail),
            clipped_samples: self.channels.iter().map(Channel::clipped).sum(),
            dual_mono: self.channels.len() == 2 && self.same && peak > 0.0,
        }
    }

    fn correlation(&self) -> f64 {
        match self.channels.as_slice() {
            [left, right, ..] => {
                let size = (left.energy.total() * right.energy.total()).sqrt();
                if size > 0.0 { (self.cross.total() / size).clamp(-1.0, 1.0) } else { 0.0 }
            }
            _ => 1.0,
        }
    }
}

impl Channel {
    /// Says whether every sample is a number that counts; the others count as silence in the sums.
    fn push(&mut self, plane: &[f64], first_frame: u64, full_scale: f64, open_ended: bool) -> bool {
        if plane.is_empty() {
            // Nothing came, so nothing ended: a run of clips goes on in the next block.
            return true;
        }
        let before = (self.sum, self.energy);
        let peak = totals::add(&mut self.sum, &mut self.energy, first_frame, plane);
        let sound = peak <= totals::MAX_SAMPLE && self.sum.total().is_finite();
        if !sound {
            (self.sum, self.energy) = before;
            totals::add(&mut self.sum, &mut self.energy, first_frame, &totals::sane(plane));
        }
        self.peak = self.peak.max(peak);
        if peak < full_scale {
            self.end_run();
            return sound;
        }
        for part in plane.chunks(CLIP_LOOK) {
            if lanes::wide(
                #[inline(always)]
                || magnitude(part),
            ) < full_scale
            {
                self.end_run();
                continue;
            }
            for sample in part {
                if sample.abs() >= full_scale {
                    if open_ended && *sample != self.run_value {
                        self.end_run();
                        self.run_value = *sample;
                    }
                    self.run += 1;
                } else {
                    self.end_run();
                }
            }
        }
        sound
    }

    fn end_run(&mut self) {
        self.clipped = self.clipped();
        self.run = 0;
    }

    fn clipped(&self) -> u64 {
        self.clipped + if self.run >= CLIP_RUN { self.run } else { 0 }
    }
}

/// The largest positive value of the file's integers; of 16 bits where the samples are float or coded, which is where clips come from.
pub(crate) fn full_scale(spec: &Spec) -> f64 {
    let bits = if spec.float { 16 } else { spec.bits.unwrap_or(16) };
    1.0 - 0.5f64.powi(bits.clamp(2, 32) as i32 - 1)
}
