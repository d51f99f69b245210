//! The true-peak look-ahead limiter as a processor: detector, gain curve and a delay of the sound that matches them. The render runs the same
//! parts apart, so that the wave is looked at once for many gains. Channels share one gain, or part of it.

use super::{Control, CurveSettings, GainCurve, PeakDetector, Processor, apply_ramp, detector::group_frames};
use crate::{block::Block, error::DspError};

#[derive(Clone)]
pub struct Limiter {
    settings: CurveSettings,
    ceiling: f64,
    running: Option<Running>,
}

#[derive(Clone)]
struct Running {
    sample_rate: u32,
    channels: usize,
    group: usize,
    detector: PeakDetector,
    curve: GainCurve,
    delay: Vec<Vec<f64>>,
    peaks: Vec<Vec<f64>>,
    /// Values still to come before one belongs to a group of the stream.
    early: usize,
    /// Lane by lane, from the group of the frame that leaves the delay next.
    gains: Vec<Vec<f64>>,
    /// Place of that frame in its group; frames before the stream are counted down first.
    place: usize,
    before: usize,
}

impl Limiter {
    /// `ceiling_linear`: the wave stays at or under this, but for what the gain's own movement adds (under 0.1 dB; the render measures it).
    pub fn new(settings: CurveSettings, ceiling_linear: f64) -> Self {
        Limiter { settings, ceiling: ceiling_linear, running: None }
    }
}

impl Running {
    fn new(settings: &CurveSettings, sample_rate: u32, channels: usize) -> Self {
        let linked = settings.linked();
        let reach = settings.reach_groups(sample_rate);
        let detector = PeakDetector::new(channels, sample_rate, reach, linked);
        let lanes = detector.lanes();
        let curve = GainCurve::new(settings, sample_rate, lanes);
        let mut running = Running {
            sample_rate,
            channels,
            group: group_frames(sample_rate),
            early: curve.latency_groups(),
            delay: Vec::new(),
            peaks: vec![Vec::new(); lanes],
            gains: vec![Vec::new(); lanes],
            place: 0,
            before: 0,
            detector,
            curve,
        };
        running.before = running.latency_frames();
        running.delay = vec![vec![0.0; running.before]; channels];
        running
    }

    /// The value after a frame's group must be there when the frame leaves.
    fn latency_frames(&self) -> usize {
        self.detector.latency_frames() + (self.curve.latency_groups() + 1) * self.group
    }

    fn listen(&mut self, heard: &Block, ceiling: f64) {
        self.peaks.iter_mut().for_each(Vec::clear);
        self.detector.push(heard, &mut self.peaks);
        self.curve.push(&self.peaks, 1.0, ceiling, &mut self.gains);
        let skip = self.early.min(self.gains.first().map_or(0, Vec::len));
        self.early -= skip;
        for gains in &mut self.gains {
            gains.drain(..skip);
        }
    }
}

impl Processor for Limiter {
    fn prepare(&mut self, sample_rate: u32, channels: usize) -> Result<(), DspError> {
        self.running = Some(Running::new(&self.settings, sample_rate, channels));
        Ok(())
    }

    fn reset(&mut self) {
        if let Some(r) = &mut self.running {
            *r = Running::new(&self.settings, r.sample_rate, r.channels);
        }
    }

    fn process(&mut self, block: &mut Block, control: &mut Control) -> Result<(), DspError> {
        let Some(r) = &mut self.running else { return Ok(()) };
        r.listen(block, self.ceiling);
        let frames = block.frames();
        // Frames from before the stream are silence and need no gain.
        let skip = r.before.min(frames);
        r.before -= skip;
        for (plane, gains) in control.open(r.gains.len()).iter_mut().zip(&r.gains) {
            plane.resize(frames, 1.0);
            apply_ramp(&mut plane[skip..], r.place, r.group, gains, 1.0);
        }
        let gone = r.place + frames - skip;
        r.place = gone % r.group;
        for gains in &mut r.gains {
            gains.drain(..gone / r.group);
        }
        self.follow(block, control)
    }

    fn follow(&mut self, block: &mut Block, control: &Control) -> Result<(), DspError> {
        let Some(r) = &mut self.running else { return Ok(()) };
        let frames = block.frames();
        for (c, (samples, delay)) in block.channels.iter_mut().zip(&mut r.delay).enumerate() {
            delay.extend_from_slice(samples);
            samples.copy_from_slice(&delay[..frames]);
            delay.drain(..frames);
            let gains = &control.planes[c.min(control.planes.len() - 1)];
            samples.iter_mut().zip(gains).for_each(|(s, gain)| *s *= gain);
        }
        Ok(())
    }

    fn latency_frames(&self) -> usize {
        self.running.as_ref().map_or(0, Running::latency_frames)
    }
}
