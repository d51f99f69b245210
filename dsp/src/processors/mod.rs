//! Processors: what a recipe's chain is made of. Each works on planar blocks in place and keeps its state between blocks, so that the size
//! of the blocks changes nothing, to the bit. Never here: files, targets, the words of a recipe.

pub use crate::math::{decibels, linear};
use crate::{block::Block, error::DspError};

pub mod analogue;
pub mod biquad;
pub mod cascade;
pub mod compressor;
pub mod control;
pub mod crossover;
pub mod de_esser;
pub mod declick;
pub mod detector;
pub mod dynamic_band;
pub mod dynamic_eq;
pub mod eq;
pub mod fade;
pub mod gain;
pub mod gain_curve;
mod image;
pub mod insert;
pub mod limiter;
pub mod linear_eq;
pub mod loudness;
pub mod matched;
pub mod matching;
pub mod mixed;
pub mod moving_filter;
pub mod multiband;
pub mod oversample;
pub mod placement;
pub mod saturate;
pub mod stereo;
pub mod width;

pub use compressor::{Compressor, CompressorSettings, CompressorStep, Sensing};
pub use control::{Control, Repair};
pub use de_esser::{DeEsser, DeEsserSettings, Listen, SibilantBand};
pub use declick::{Declick, DeclickSettings};
pub use detector::{PeakDetector, group_frames};
pub use dynamic_eq::{DynamicBandSettings, DynamicEq, DynamicEqSettings, DynamicKind, When};
pub use eq::{Band, BandKind, EqBandSettings, EqPhase, EqSettings, Equaliser};
pub use fade::{Fade, FadeSettings};
pub use gain::{DcFilter, DcSettings, Gain, GainSettings};
pub use gain_curve::{CurveSettings, GainCurve, apply_ramp};
pub use limiter::Limiter;
pub use loudness::{Loudness, LoudnessSettings};
pub use matching::{Match, MatchSettings};
pub use mixed::Mixed;
pub use multiband::{BandStep, Crossover, Multiband, MultibandStep};
pub use oversample::Oversampling;
pub use placement::Placement;
pub use saturate::{Saturate, SaturateSettings};
pub use stereo::{Stereo, StereoSettings};
pub use width::Width;

/// One step of a chain.
///
/// A main goes through [`process`](Processor::process); its alternates go, beside it and block for block, through [`follow`](Processor::follow) of
/// clones of their own, and get the very gains that the main got. For a fixed course of the main a step must be linear in the alternate:
/// `follow(a) + follow(b) = follow(a + b)`, and `follow` of the main itself gives what `process` gave. So mastered alternates sum (D-4).
pub trait Processor: CloneBox + Send {
    /// Makes ready for a stream of this kind, and forgets the one before; what was studied stays. An error names what cannot be at this rate or
    /// with so many channels.
    fn prepare(&mut self, sample_rate: u32, channels: usize) -> Result<(), DspError>;

    /// Forgets all sound heard, keeps the settings and what was studied.
    fn reset(&mut self);

    /// Works on `block` in place. What was done that depends on the sound is told to `control`, which comes in empty and holds exactly the frames
    /// that go out.
    fn process(&mut self, block: &mut Block, control: &mut Control) -> Result<(), DspError>;

    /// Does to the block of an alternate what the main got in the same frames. Steps that do the same to every sound need no other way.
    fn follow(&mut self, block: &mut Block, _control: &Control) -> Result<(), DspError> {
        self.process(block, &mut Control::default())
    }

    /// By how many frames the output comes late. Known after `prepare`.
    fn latency_frames(&self) -> usize {
        0
    }

    /// The steps before give the sound late by so many frames. Told after each `prepare`, to a step that knows times of the song: its frame 0 is
    /// the song's frame -`frames`.
    fn comes_late(&mut self, _frames: usize) {}

    /// Whether it must hear the whole main, as it comes out of the steps before, ahead of the first `process`.
    fn studies(&self) -> bool {
        false
    }

    /// Hears a block of the main. Called between `prepare` and [`Processor::studied`], only where [`Processor::studies`]. What is heard begins and
    /// ends with the song: the delay of the steps before is taken off.
    fn study(&mut self, _block: &Block) {}

    /// The main has ended: settles what follows from it.
    fn studied(&mut self) -> Result<(), DspError> {
        Ok(())
    }

    /// What it did since `prepare`, in words and figures, a line each: "gain reduction 1.2 dB on average, 4.1 dB at most, at 1:32".
    fn told(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A step that can be had twice: alternates run on clones of the main's steps.
pub trait CloneBox {
    fn clone_box(&self) -> Box<dyn Processor>;
}

impl<T: Processor + Clone + 'static> CloneBox for T {
    fn clone_box(&self) -> Box<dyn Processor> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Processor> {
    fn clone(&self) -> Self {
        (**self).clone_box()
    }
}

/// Processors in order, each with a title for people.
#[derive(Clone, Default)]
pub struct Chain {
    links: Vec<Link>,
}

#[derive(Clone)]
struct Link {
    title: String,
    step: Box<dyn Processor>,
    /// It has heard all that it must hear.
    ready: bool,
}

/// Hears the main for one step that must hear it whole: runs the steps before it and throws their delay away.
pub struct Study {
    /// Place of the step that hears.
    place: usize,
    early: usize,
    controls: Vec<Control>,
}

impl Chain {
    pub fn new(steps: Vec<Box<dyn Processor>>) -> Self {
        Self::named(steps.into_iter().map(|step| (String::new(), step)).collect())
    }

    /// Steps with their titles.
    pub fn named(steps: Vec<(String, Box<dyn Processor>)>) -> Self {
        let link = |(title, step): (String, Box<dyn Processor>)| Link { title, ready: !step.studies(), step };
        Chain { links: steps.into_iter().map(link).collect() }
    }

    /// An empty chain hands every sample through untouched.
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    pub fn prepare(&mut self, sample_rate: u32, channels: usize) -> Result<(), DspError> {
        let mut late = 0;
        for Link { step, .. } in &mut self.links {
            step.prepare(sample_rate, channels)?;
            step.comes_late(late);
            late += step.latency_frames();
        }
        Ok(())
    }

    pub fn reset(&mut self) {
        self.links.iter_mut().for_each(|link| link.step.reset());
    }

    /// `controls`: one for each step; what they held is gone.
    pub fn process(&mut self, block: &mut Block, controls: &mut Vec<Control>) -> Result<(), DspError> {
        Self::run(&mut self.links, block, controls)
    }

    fn run(links: &mut [Link], block: &mut Block, controls: &mut Vec<Control>) -> Result<(), DspError> {
        controls.resize_with(links.len(), Control::default);
        for (link, control) in links.iter_mut().zip(controls) {
            control.clear();
            link.step.process(block, control)?;
        }
        Ok(())
    }

    /// [`Chain::process`] that lets `show` look at the block as it comes in, which is place 0, and after every step, with what that step told.
    pub fn process_shown(
        &mut self,
        block: &mut Block,
        controls: &mut Vec<Control>,
        show: &mut dyn FnMut(usize, &Block, &Control) -> Result<(), DspError>,
    ) -> Result<(), DspError> {
        controls.resize_with(self.links.len(), Control::default);
        show(0, block, &Control::default())?;
        for (i, (link, control)) in self.links.iter_mut().zip(controls).enumerate() {
            control.clear();
            link.step.process(block, control)?;
            show(i + 1, block, control)?;
        }
        Ok(())
    }

    /// Title and delay in frames of each step in order.
    pub fn steps(&self) -> Vec<(&str, usize)> {
        self.links.iter().map(|link| (link.title.as_str(), link.step.latency_frames())).collect()
    }

    /// `controls`: of the main's same frames.
    pub fn follow(&mut self, block: &mut Block, controls: &[Control]) -> Result<(), DspError> {
        self.links.iter_mut().zip(controls).try_for_each(|(link, control)| link.step.follow(block, control))
    }

    pub fn latency_frames(&self) -> usize {
        self.links.iter().map(|link| link.step.latency_frames()).sum()
    }

    /// Begins the hearing that the first step needs that has not heard the main yet; `None` when the chain is ready to process. The chain is
    /// prepared. Then: every block of the main through [`Chain::study`], and [`Chain::studied`]; until there is none left to begin.
    pub fn begin_study(&mut self) -> Option<Study> {
        let place = self.links.iter().position(|link| !link.ready)?;
        self.reset();
        let early = self.links[..place].iter().map(|link| link.step.latency_frames()).sum();
        Some(Study { place, early, controls: Vec::new() })
    }

    /// The next block of the main; it is worked on in place and of no use afterwards.
    pub fn study(&mut self, study: &mut Study, block: &mut Block) -> Result<(), DspError> {
        let (before, rest) = self.links.split_at_mut(study.place);
        Self::run(before, block, &mut study.controls)?;
        let skip = study.early.min(block.frames());
        study.early -= skip;
        block.channels.iter_mut().for_each(|c| drop(c.drain(..skip)));
        if let Some(link) = rest.first_mut() {
            link.step.study(block);
        }
        Ok(())
    }

    /// The main has ended: what still is in the steps before is heard, and the step settles what follows.
    pub fn studied(&mut self, mut study: Study, channels: usize) -> Result<(), DspError> {
        let late = self.links[..study.place].iter().map(|link| link.step.latency_frames()).sum();
        self.study(&mut study, &mut Block::new(channels, late))?;
        if let Some(link) = self.links.get_mut(study.place) {
            link.step.studied()?;
            link.ready = true;
        }
        self.reset();
        Ok(())
    }

    /// Title and what it did to the main, of each step in order.
    pub fn told(&self) -> Vec<(&str, Vec<String>)> {
        self.links.iter().map(|link| (link.title.as_str(), link.step.told())).collect()
    }
}

/// The time of the most that a step did, for people, to the second begun: 1:32.
pub(crate) fn minutes(seconds: f64) -> String {
    let whole = seconds as u64;
    format!("{}:{:02}", whole / 60, whole % 60)
}

/// The share of the way that a one-pole smoother goes in one frame, for a time constant in milliseconds.
pub(crate) fn one_pole(time_ms: f64, sample_rate: u32) -> f64 {
    if time_ms <= 0.0 { 1.0 } else { 1.0 - crate::math::exp(-1000.0 / (time_ms * f64::from(sample_rate))) }
}
