//! What a mastering engineer's quality check wants to know beyond the levels, in one pass with bounded memory: offsets, balance, correlation over time,
//! spectrum, noise, clips and overs with their times, live bits, traces of lossy coding and up-sampling, clicks and drop-outs.
//! Figures are the same for every size of block, to the bit, and never NaN. Never here: files, targets, profiles.

mod bits;
mod clicks;
mod cutoff;
mod dropouts;
mod edges;
mod events;
mod finder;
mod findings;
mod flat;
mod levels;
mod low;
pub(crate) mod spectrum;
mod stereo;
mod stretch;
mod sums;

use serde::Serialize;

pub use bits::BitDepth;
pub use cutoff::{Cutoff, Origin};
pub use edges::Edges;
pub use events::{Event, Events, LISTED_MAX};
pub(crate) use finder::ClickFinder;
pub use findings::{Finding, Severity};
pub use levels::{ChannelLevels, Noise};
pub use spectrum::{Band, Spectrum};
pub use stereo::{Correlation, POINTS_MAX, Relation, Stereo};

use crate::{Block, Spec, math, measure::Measurement, true_peak::Over};
use stretch::{CONTEXT_CELLS, Stage, Stretch, cell_frames};
use sums::Sums;

/// Overs are looked for above this, linear: 0 dBTP.
pub const OVERS_LIMIT: f64 = 1.0;

/// Everything found in one file. The names of its fields are the keys of its JSON and stay; levels of silence are minus infinity, `null` in JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    pub seconds: f64,
    /// True peak to loudness: dBTP minus integrated LUFS of the measurement; `null` where there is no loudness.
    pub plr_db: Option<f64>,
    /// True peak of the whole file minus its loudest short-term LUFS; `null` for less than 3 s or silence.
    pub psr_db: Option<f64>,
    pub channels: Vec<ChannelLevels>,
    /// Of the first two channels; `null` for mono.
    pub stereo: Option<Stereo>,
    pub edges: Edges,
    pub noise: Noise,
    pub spectrum: Spectrum,
    /// A wall in the spectrum, where there is one.
    pub cutoff: Option<Cutoff>,
    /// Runs of three and more samples at full scale; of float and lossy sound, which may go over it, of one value at or over it.
    pub clips: Events,
    /// The like under full scale, at the highest level of a channel.
    pub flat_tops: Events,
    /// Where the wave is over 0 dBTP, between the samples or at them, as the meter told.
    pub overs: Events,
    pub clicks: Events,
    pub dropouts: Events,
    /// Bits that the file's header states for integers; `null` for float and for codecs without.
    pub container_bits: Option<u32>,
    /// The file's own codec is lossy.
    pub coded_with_loss: bool,
}

/// Takes a sound block by block.
pub struct Inspector {
    spec: Spec,
    stage: Stage,
    work: Work,
    overs: Vec<Events>,
}

/// All detectors; fed with stretches.
struct Work {
    sample_rate: u32,
    frames: u64,
    step: Step,
    low_step: LowStep,
    channels: Vec<Channel>,
    floor: levels::Floor,
    image: stereo::Image,
    ends: edges::Ends,
    analyser: spectrum::Analyser,
}

struct Channel {
    whole: levels::Whole,
    bits: bits::Bits,
    flat: flat::Flat,
    clicks: clicks::Clicks,
    dropouts: dropouts::Dropouts,
}

/// The 100 ms that are being filled, by channel.
struct Step {
    sums: Vec<Sums>,
    pair: sums::Pair,
    frames: u64,
    done: u64,
}

/// The like below 300 Hz, at the low rate.
struct LowStep {
    bands: Option<[low::LowBand; 2]>,
    halvings: u32,
    product: stereo::Product,
    done: u64,
}

impl Inspector {
    /// Channels stand in the order of WAVE: L, R, C, LFE, Ls, Rs.
    pub fn new(spec: &Spec) -> Self {
        let sample_rate = spec.sample_rate.max(1);
        let cell = cell_frames(sample_rate);
        Inspector {
            spec: spec.clone(),
            stage: Stage::new(spec.channels, CONTEXT_CELLS * cell),
            work: Work::new(spec, sample_rate, cell),
            overs: vec![Events::default(); spec.channels],
        }
    }

    /// Channels beyond those promised are left out. What is no number counts as silence.
    pub fn push(&mut self, block: &Block) {
        let mut at = 0;
        while at < block.frames() && !self.work.channels.is_empty() {
            at += self.stage.take(block, at);
            if self.stage.is_full() {
                self.work.stretch(&self.stage.stretch(), false);
                self.stage.advance();
            }
        }
    }

    /// What the meter that hears the same sound found above [`OVERS_LIMIT`], in the order of time: [`Meter::with_overs`],
    /// [`Meter::take_overs`] after each block, [`Meter::last_overs`] before its end.
    ///
    /// [`Meter::with_overs`]: crate::measure::Meter::with_overs
    /// [`Meter::take_overs`]: crate::measure::Meter::take_overs
    /// [`Meter::last_overs`]: crate::measure::Meter::last_overs
    pub fn add_overs(&mut self, overs: &[Over]) {
        for over in overs {
            if let Some(events) = self.overs.get_mut(over.channel) {
                events.add(Event {
                    channel: over.channel,
                    at_s: over.start_frame as f64 / f64::from(self.work.sample_rate),
                    frames: over.end_frame - over.start_frame,
                    level_db: math::decibels(over.peak_linear),
                });
            }
        }
    }

    /// `measured`: of the same sound, for what follows from its levels.
    pub fn finish(self, measured: &Measurement) -> Inspection {
        let Inspector { spec, stage, mut work, overs } = self;
        stage.drain(|channels, last| work.stretch(channels, last));
        let peak = measured.true_peak_dbtp;
        let over = |loudness: f64| (peak.is_finite() && loudness.is_finite()).then_some(peak - loudness);
        let seconds = work.frames as f64 / f64::from(work.sample_rate);
        let Work { sample_rate, channels, floor, image, ends, analyser, .. } = work;
        let (spectrum, cutoff) = analyser.finish();
        let (mut levels, mut events) = (Vec::new(), [const { Vec::new() }; 4]);
        for channel in channels {
            levels.push(channel.whole.finish(channel.bits.finish()));
            let (clips, tops) = channel.flat.finish();
            let found = [clips, tops, channel.clicks.finish(), channel.dropouts.finish()];
            events.iter_mut().zip(found).for_each(|(all, one)| all.push(one));
        }
        let [clips, flat_tops, clicks, dropouts] = events.map(Events::together);
        Inspection {
            seconds,
            plr_db: over(measured.integrated_lufs),
            psr_db: over(measured.max_short_term_lufs),
            stereo: (levels.len() >= 2).then(|| image.finish()),
            channels: levels,
            edges: ends.finish(),
            noise: floor.finish(sample_rate),
            spectrum,
            cutoff,
            clips,
            flat_tops,
            overs: Events::together(overs),
            clicks,
            dropouts,
            container_bits: if spec.float { None } else { spec.bits },
            coded_with_loss: !matches!(spec.codec, "pcm" | "flac" | "alac"),
        }
    }
}

impl Work {
    fn new(spec: &Spec, sample_rate: u32, cell: usize) -> Self {
        let context = CONTEXT_CELLS * cell;
        let channel = |index| Channel {
            whole: levels::Whole::default(),
            bits: bits::Bits::new(),
            flat: flat::Flat::new(index, spec),
            clicks: clicks::Clicks::new(index, sample_rate, cell, clicks::RATIO),
            dropouts: dropouts::Dropouts::new(index, sample_rate, context),
        };
        let pair = spec.channels >= 2;
        Work {
            sample_rate,
            frames: 0,
            step: Step {
                sums: vec![Sums::default(); spec.channels],
                pair: sums::Pair::default(),
                frames: 0,
                done: 0,
            },
            low_step: LowStep {
                bands: pair.then(|| [low::LowBand::new(sample_rate), low::LowBand::new(sample_rate)]),
                halvings: low::halvings(sample_rate),
                product: stereo::Product::default(),
                done: 0,
            },
            channels: (0..spec.channels).map(channel).collect(),
            floor: levels::Floor::new(),
            image: stereo::Image::default(),
            ends: edges::Ends::default(),
            analyser: spectrum::Analyser::new(spec.channels, sample_rate),
        }
    }

    fn stretch(&mut self, planes: &[Stretch<'_>], last: bool) {
        let frames = planes.first().map_or(0, |plane| plane.samples().len());
        if planes.first().is_some_and(|plane| plane.first == 0) {
            self.ends.head(planes, self.sample_rate);
        }
        let of_stretch = self.steps(planes, frames);
        for ((channel, plane), sums) in self.channels.iter_mut().zip(planes).zip(&of_stretch) {
            channel.whole.add(sums, frames as u64);
            channel.bits.push(plane.samples());
            channel.flat.push(plane, sums);
            channel.clicks.push(plane);
            channel.dropouts.push(plane);
        }
        if let [left, right, ..] = planes {
            self.low_step.push(left.samples(), right.samples(), self.sample_rate, &mut self.image);
        }
        self.analyser.push(|index| planes[index].samples(), frames);
        self.frames += frames as u64;
        if last {
            self.ends.tail(planes, self.sample_rate);
            self.end_step();
            self.low_step.end(&mut self.image);
        }
    }

    /// Cuts the stretch where steps of 100 ms end, and gives the sums of the whole of it.
    fn steps(&mut self, planes: &[Stretch<'_>], frames: usize) -> Vec<Sums> {
        let mut of_stretch = vec![Sums::default(); planes.len()];
        let mut at = 0;
        while at < frames {
            let end = boundary(self.step.done + 1, self.sample_rate, 0)
                - boundary(self.step.done, self.sample_rate, 0);
            let take = ((end - self.step.frames) as usize).min(frames - at);
            for ((plane, step), whole) in planes.iter().zip(&mut self.step.sums).zip(&mut of_stretch) {
                let sums = sums::sums(&plane.samples()[at..at + take]);
                step.add(&sums);
                whole.add(&sums);
            }
            if let [left, right, ..] = planes {
                let pair = sums::pair(&left.samples()[at..at + take], &right.samples()[at..at + take]);
                self.step.pair.add(&pair);
            }
            self.step.frames += take as u64;
            at += take;
            if self.step.frames == end {
                self.end_step();
            }
        }
        of_stretch
    }

    fn end_step(&mut self) {
        let frames = self.step.frames;
        if frames == 0 {
            return;
        }
        self.floor.step(&self.step.sums, frames);
        if let [left, right, ..] = self.step.sums.as_slice() {
            self.image.step(left, right, &self.step.pair, frames);
        }
        self.step.sums.fill(Sums::default());
        self.step.pair = sums::Pair::default();
        self.step.frames = 0;
        self.step.done += 1;
    }
}

impl LowStep {
    fn push(&mut self, left: &[f64], right: &[f64], sample_rate: u32, image: &mut stereo::Image) {
        let Some([left_band, right_band]) = &mut self.bands else { return };
        let (left, right) = (left_band.push(left), right_band.push(right));
        for (l, r) in left.iter().zip(right) {
            self.product.left += l * l;
            self.product.right += r * r;
            self.product.both += l * r;
            self.product.frames += 1;
            let end = boundary(self.done + 1, sample_rate, self.halvings)
                - boundary(self.done, sample_rate, self.halvings);
            if self.product.frames == end {
                image.low_step(&self.product);
                self.product = stereo::Product::default();
                self.done += 1;
            }
        }
    }

    fn end(&self, image: &mut stereo::Image) {
        if self.product.frames > 0 {
            image.low_step(&self.product);
        }
    }
}

/// The frame at which a step of 100 ms ends, at a rate halved so many times. Nearest whole frames, so that no rate drifts.
fn boundary(step: u64, sample_rate: u32, halvings: u32) -> u64 {
    let parts = 10u64 << halvings;
    (step * u64::from(sample_rate) + parts / 2) / parts
}
