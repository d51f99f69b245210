//! The multiband compressor: a crossover of 2 to 6 bands, a compressor for each, the bands together again. The bands are worked on in whole stretches
//! counted from the first frame, so the sound comes late by less than one. A gain is found for a group of about 0.18 ms and moves in a straight line
//! between two: pumped by 60 Hz with an attack of 2 ms, the images of a tone around the grid's frequency stay 86 dB under the tone and 50 dB under the
//! sidebands of the pumping itself (dsp/tests/multiband.rs). Never here: the law of the gain, filters.

use std::ops::Range;

use serde::{Deserialize, Serialize};

pub use super::crossover::{BANDS_MOST, Crossover, EdgeHz};
use super::{
    Control, Processor, Sensing,
    compressor::{self, *},
    crossover::{self, GROUP_MOST, Line, LinearBank, MinimumBank, Pair},
    linear,
};
use crate::{block::Block, error::DspError, lanes};

/// Frames worked on at once.
const STRETCH: usize = 256;
/// A group is this long at 44.1 and 48 kHz.
const GROUP: u32 = 8;
const GROUP_RATE: u32 = 48_000;

/// What is done to one band.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BandStep {
    /// The band comes out as it went in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bypass: bool,
    /// Of the band's own level. Without it the band is not compressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold_db: Option<ThresholdDb>,
    #[serde(default = "ratio")]
    pub ratio: Ratio,
    #[serde(default = "compressor::knee")]
    pub knee_db: KneeDb,
    #[serde(default = "compressor::attack")]
    pub attack_ms: AttackMs,
    #[serde(default = "compressor::release")]
    pub release_ms: ReleaseMs,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow_release_ms: Option<SlowReleaseMs>,
    #[serde(default = "compressor::hold")]
    pub hold_ms: HoldMs,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range_db: Option<RangeDb>,
    /// Level of the band behind its compressor.
    #[serde(default = "compressor::makeup")]
    pub makeup_db: MakeupDb,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub auto_makeup: bool,
    #[serde(default)]
    pub sensing: Sensing,
    #[serde(default = "compressor::rms")]
    pub rms_ms: RmsMs,
    #[serde(default = "compressor::link")]
    pub link: Link,
}

/// A multiband compressor. What the settings of a band mean stands at [`CompressorStep`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultibandStep {
    /// From low to high, at least a third of an octave apart.
    pub edges_hz: Vec<EdgeHz>,
    #[serde(default)]
    pub crossover: Crossover,
    /// Of all bands, rounded to a group of frames.
    #[serde(default = "compressor::lookahead")]
    pub lookahead_ms: LookaheadMs,
    /// From low to high, one more than edges.
    pub band: Vec<BandStep>,
}

fn ratio() -> Ratio {
    Ratio::at(2.0)
}

impl Default for BandStep {
    /// Neither compressed nor made louder.
    fn default() -> Self {
        BandStep {
            bypass: false,
            threshold_db: None,
            ratio: ratio(),
            knee_db: compressor::knee(),
            attack_ms: compressor::attack(),
            release_ms: compressor::release(),
            slow_release_ms: None,
            hold_ms: compressor::hold(),
            range_db: None,
            makeup_db: compressor::makeup(),
            auto_makeup: false,
            sensing: Sensing::Rms,
            rms_ms: compressor::rms(),
            link: compressor::link(),
        }
    }
}

impl BandStep {
    /// The compressor of the band, if it has one.
    pub fn compressor(&self) -> Option<CompressorStep> {
        let threshold_db = self.threshold_db.filter(|_| !self.bypass)?;
        Some(CompressorStep {
            knee_db: self.knee_db,
            attack_ms: self.attack_ms,
            release_ms: self.release_ms,
            slow_release_ms: self.slow_release_ms,
            hold_ms: self.hold_ms,
            range_db: self.range_db,
            makeup_db: self.makeup_db,
            auto_makeup: self.auto_makeup,
            sensing: self.sensing,
            rms_ms: self.rms_ms,
            link: self.link,
            ..CompressorStep::new(threshold_db, self.ratio)
        })
    }
}

impl MultibandStep {
    /// Whether the settings go together, at any rate.
    pub fn check(&self) -> Result<(), DspError> {
        crossover::check(&self.edges_hz)?;
        let (edges, bands) = (self.edges_hz.len(), self.band.len());
        if bands != edges + 1 {
            return Err(DspError::Invalid(format!(
                "{edges} band edges make {} bands, but {bands} are described; write one [[step.band]] for each",
                edges + 1
            )));
        }
        for (band, number) in self.band.iter().zip(1..) {
            if let Some(step) = band.compressor() {
                step.check().map_err(|why| DspError::Invalid(format!("band {number}: {why}")))?;
            }
        }
        Ok(())
    }

    /// "120-800 Hz"
    fn name(&self, band: usize) -> String {
        let edge = |i: usize| self.edges_hz.get(i).map(|edge| edge.get());
        match (band.checked_sub(1).and_then(edge), edge(band)) {
            (None, Some(high)) => format!("up to {high} Hz"),
            (Some(low), Some(high)) => format!("{low}-{high} Hz"),
            (Some(low), None) => format!("from {low} Hz"),
            (None, None) => "all".into(),
        }
    }
}

#[derive(Clone)]
pub struct Multiband {
    step: MultibandStep,
    running: Option<Running>,
}

impl Multiband {
    /// The settings are checked by `prepare`.
    pub fn new(step: MultibandStep) -> Self {
        Multiband { step, running: None }
    }
}

#[derive(Clone)]
enum Bank {
    Minimum(MinimumBank),
    Linear(Box<LinearBank>),
}

#[derive(Clone)]
struct Running {
    bank: Bank,
    /// Frames of one split, and how many must be known before and behind them.
    hop: usize,
    reach: usize,
    group: usize,
    channels: usize,
    courses: Vec<BandCourse>,
    /// Pair of channels, band, frame: what waits for its gain, then the last hop.
    bands: Vec<Vec<Vec<Pair>>>,
    waiting: Vec<Vec<f64>>,
    /// Of the waiting frames these are done with.
    done: usize,
    ready: Vec<Vec<f64>>,
    /// The gains reached, plane by plane.
    reached: Vec<f64>,
    room: Room,
}

#[derive(Clone)]
struct BandCourse {
    course: Option<Course>,
    sensing: Sensing,
    /// Where there is no course.
    gain: f64,
    planes: Range<usize>,
}

/// Memory used anew for every stretch.
#[derive(Clone, Default)]
struct Room {
    /// Sums of squares or peaks of each group, channel by channel.
    tops: Vec<Vec<f64>>,
    streams: Vec<Vec<f64>>,
    lines: Vec<Vec<Line>>,
    out: [Vec<f64>; 2],
}

impl Running {
    fn new(step: &MultibandStep, sample_rate: u32, channels: usize) -> Result<Self, DspError> {
        step.check()?;
        crossover::check_rate(&step.edges_hz, sample_rate)?;
        let longer = (sample_rate.div_ceil(GROUP_RATE)).max(1).ilog2();
        let group = ((GROUP << longer) as usize).min(GROUP_MOST);
        let groups = step.lookahead_ms.get() * f64::from(sample_rate) / 1000.0 / group as f64;
        let late = groups.round() as usize * group;
        let pairs = channels.div_ceil(2);
        let (bank, hop, reach) = match step.crossover {
            Crossover::LinkwitzRiley => {
                (Bank::Minimum(MinimumBank::new(&step.edges_hz, sample_rate, pairs)), STRETCH, 0)
            }
            Crossover::LinearPhase => {
                let bank = LinearBank::new(&step.edges_hz, sample_rate, pairs, STRETCH, late);
                let (hop, reach) = (bank.hop(), bank.reach());
                (Bank::Linear(Box::new(bank)), hop, reach)
            }
        };
        let mut planes = 0;
        let mut course = |band: &BandStep| {
            let step_of = band.compressor();
            let course = step_of.map(|s| Course::new(&s, step.lookahead_ms, sample_rate, group, channels));
            let first = planes;
            planes += course.as_ref().map_or(0, Course::lanes);
            let gain = if band.bypass { 1.0 } else { linear(band.makeup_db.get()) };
            BandCourse { course, sensing: band.sensing, gain, planes: first..planes }
        };
        let courses: Vec<BandCourse> = step.band.iter().map(&mut course).collect();
        let mut running = Running {
            bank,
            hop,
            reach,
            group,
            channels,
            bands: vec![vec![vec![[0.0; 2]; late + hop]; courses.len()]; pairs],
            courses,
            waiting: vec![vec![0.0; reach]; channels],
            done: 0,
            ready: Vec::new(),
            reached: Vec::new(),
            room: Room { out: [vec![0.0; hop], vec![0.0; hop]], ..Room::default() },
        };
        running.ready = vec![vec![0.0; hop + reach - 1]; channels];
        running.rest();
        Ok(running)
    }

    /// The gains before anything was heard.
    fn rest(&mut self) {
        self.reached.clear();
        for BandCourse { course, planes, .. } in &self.courses {
            let rest = course.as_ref().map_or(1.0, Course::rest);
            self.reached.resize(planes.end, rest);
        }
    }

    fn late(&self) -> usize {
        self.bands.first().and_then(|bands| bands.first()).map_or(0, |band| band.len() - self.hop)
    }

    fn take(&mut self, block: &Block) {
        for (waiting, new) in self.waiting.iter_mut().zip(&block.channels) {
            waiting.extend_from_slice(new);
        }
    }

    /// Splits the next hop, if all of it is here.
    fn split(&mut self) -> bool {
        let (start, need) = (self.done, self.hop + 2 * self.reach);
        if self.waiting.first().is_none_or(|w| w.len() < start + need) {
            return false;
        }
        for (pair, bands) in self.bands.iter_mut().enumerate() {
            // A channel without a partner is its own: what comes of the second is not used.
            let left = &self.waiting[2 * pair][start..][..need];
            let right = self.waiting.get(2 * pair + 1).map_or(left, |c| &c[start..][..need]);
            match &mut self.bank {
                Bank::Minimum(bank) => bank.split(pair, [left, right], bands),
                Bank::Linear(bank) => bank.split(pair, [left, right], bands),
            }
        }
        self.done += self.hop;
        true
    }

    /// The gains of the hop that was split last, appended to `gains`.
    fn listen(&mut self, gains: &mut [Vec<f64>]) {
        let late = self.late();
        for start in (late..late + self.hop).step_by(STRETCH) {
            for (b, BandCourse { course, sensing, planes, .. }) in self.courses.iter_mut().enumerate() {
                let Some(course) = course else { continue };
                let Room { tops, streams, .. } = &mut self.room;
                tops.resize_with(2 * self.bands.len(), Vec::new);
                for (bands, tops) in self.bands.iter().zip(tops.as_chunks_mut::<2>().0) {
                    let frames = &bands[b][start..][..STRETCH];
                    lanes::wide(
                        #[inline(always)]
                        || measure(frames, *sensing, self.group, tops),
                    );
                }
                streams.resize_with(course.streams(), Vec::new);
                levels(&tops[..self.channels], *sensing, self.group, course.has_common(), streams);
                course.run(streams);
                for (gains, new) in gains[planes.clone()].iter_mut().zip(&*streams) {
                    gains.extend_from_slice(new);
                }
            }
        }
    }

    /// Puts the hop together again that has its gains from place `at` of `gains` on; gives the place behind.
    fn join(&mut self, gains: &[Vec<f64>], at: usize) -> usize {
        let groups = self.hop / self.group;
        for (pair, bands) in self.bands.iter_mut().enumerate() {
            self.room.lines.resize_with(bands.len(), Vec::new);
            for (BandCourse { gain, planes, .. }, lines) in self.courses.iter().zip(&mut self.room.lines) {
                let planes = gains.get(planes.clone()).unwrap_or_default();
                let plane = |lane: usize| planes.get(2 * pair + lane).or(planes.first()).map(Vec::as_slice);
                let ends = [plane(0), plane(1)].map(|p| p.and_then(|p| p.get(at..)));
                lanes::wide(
                    #[inline(always)]
                    || draw(ends, *gain, self.group, groups, lines),
                );
            }
            let Room { lines, out, .. } = &mut self.room;
            let [left, right] = out;
            match &mut self.bank {
                Bank::Minimum(bank) => bank.join(pair, bands, lines, self.group, [left, right]),
                Bank::Linear(bank) => bank.join(pair, bands, lines, self.group, [left, right]),
            }
            for (ready, out) in self.ready[2 * pair..].iter_mut().zip(&self.room.out) {
                ready.extend_from_slice(out);
            }
            for band in bands {
                band.copy_within(self.hop.., 0);
            }
        }
        at + groups
    }

    fn give(&mut self, block: &mut Block) {
        let frames = block.frames();
        for (samples, ready) in block.channels.iter_mut().zip(&mut self.ready) {
            samples.copy_from_slice(&ready[..frames]);
            ready.drain(..frames);
        }
        for waiting in &mut self.waiting {
            waiting.drain(..self.done);
        }
        self.done = 0;
    }
}

/// The sum of squares, or the peak, of each group and channel.
#[inline(always)]
fn measure(frames: &[Pair], sensing: Sensing, group: usize, tops: &mut [Vec<f64>; 2]) {
    let [left, right] = tops;
    left.clear();
    right.clear();
    for frames in frames.chunks_exact(group) {
        // Two sums, so that none waits for the other.
        let (mut even, mut odd) = ([0.0f64; 2], [0.0f64; 2]);
        for two in frames.as_chunks::<2>().0 {
            for l in 0..2 {
                let (x, y) = (two[0][l], two[1][l]);
                if sensing == Sensing::Peak {
                    even[l] = if x.abs() > even[l] { x.abs() } else { even[l] };
                    odd[l] = if y.abs() > odd[l] { y.abs() } else { odd[l] };
                } else {
                    even[l] += x * x;
                    odd[l] += y * y;
                }
            }
        }
        let top = |l: usize| match sensing {
            Sensing::Peak => even[l].max(odd[l]),
            Sensing::Rms => even[l] + odd[l],
        };
        left.push(top(0));
        right.push(top(1));
    }
}

/// Streams of levels as the course wants them.
fn levels(tops: &[Vec<f64>], sensing: Sensing, group: usize, common: bool, streams: &mut [Vec<f64>]) {
    let own = streams.len() - usize::from(common);
    for (i, stream) in streams.iter_mut().enumerate() {
        let heard = if i < own { &tops[i..i + 1] } else { tops };
        let share = 1.0 / (heard.len() * group) as f64;
        stream.clear();
        stream.resize(heard.first().map_or(0, Vec::len), 0.0);
        for top in heard {
            for (level, top) in stream.iter_mut().zip(top) {
                *level = match sensing {
                    Sensing::Peak => level.max(*top),
                    Sensing::Rms => *level + top * share,
                };
            }
        }
    }
}

/// The lines of one band from the values of its planes; without values the gain stands still.
#[inline(always)]
fn draw(planes: [Option<&[f64]>; 2], gain: f64, group: usize, groups: usize, lines: &mut Vec<Line>) {
    lines.clear();
    if let [Some(left), Some(right)] = planes {
        let pairs = left.windows(2).zip(right.windows(2)).take(groups);
        lines.extend(pairs.map(|(l, r)| Line::new([l[0], r[0]], [l[1], r[1]], group)));
    }
    lines.resize(groups, Line { from: [gain; 2], step: [0.0; 2] });
}

impl Processor for Multiband {
    fn prepare(&mut self, sample_rate: u32, channels: usize) -> Result<(), DspError> {
        self.running = Some(Running::new(&self.step, sample_rate, channels)?);
        Ok(())
    }

    fn reset(&mut self) {
        let Some(r) = &mut self.running else { return };
        match &mut r.bank {
            Bank::Minimum(bank) => bank.reset(),
            Bank::Linear(bank) => bank.reset(),
        }
        r.courses.iter_mut().flat_map(|c| &mut c.course).for_each(Course::reset);
        r.bands.iter_mut().flatten().for_each(|band| band.fill([0.0; 2]));
        let refill = |planes: &mut [Vec<f64>], frames: usize| {
            planes.iter_mut().for_each(|p| {
                p.clear();
                p.resize(frames, 0.0);
            });
        };
        refill(&mut r.waiting, r.reach);
        refill(&mut r.ready, r.hop + r.reach - 1);
        r.done = 0;
        r.rest();
    }

    fn process(&mut self, block: &mut Block, control: &mut Control) -> Result<(), DspError> {
        let Some(r) = &mut self.running else { return Ok(()) };
        let gains = control.open(r.reached.len());
        for (gains, reached) in gains.iter_mut().zip(&r.reached) {
            gains.clear();
            gains.push(*reached);
        }
        r.take(block);
        let mut at = 0;
        while r.split() {
            r.listen(gains);
            at = r.join(gains, at);
        }
        r.give(block);
        for (gains, reached) in gains.iter().zip(&mut r.reached) {
            *reached = gains.last().copied().unwrap_or(*reached);
        }
        Ok(())
    }

    fn follow(&mut self, block: &mut Block, control: &Control) -> Result<(), DspError> {
        let Some(r) = &mut self.running else { return Ok(()) };
        r.take(block);
        let mut at = 0;
        while r.split() {
            at = r.join(&control.planes, at);
        }
        r.give(block);
        Ok(())
    }

    fn latency_frames(&self) -> usize {
        self.running.as_ref().map_or(0, |r| r.hop + r.reach - 1 + r.late())
    }

    fn told(&self) -> Vec<String> {
        let Some(r) = &self.running else { return Vec::new() };
        let bands = r.courses.iter().enumerate();
        bands
            .map(|(b, BandCourse { course, .. })| {
                let words = course.as_ref().map_or("not compressed".into(), Course::words);
                format!("band {}, {}: {words}", b + 1, self.step.name(b))
            })
            .collect()
    }
}
