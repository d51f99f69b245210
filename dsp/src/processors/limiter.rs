//! The true-peak look-ahead limiter as a processor: detector, gain curve and a delay of the sound that matches them. The render runs the same
//! two parts apart, so that the wave is looked at once for many gains. One gain for all channels.

use std::collections::VecDeque;

use super::{CurveSettings, GainCurve, PeakDetector, Processor};
use crate::block::Block;

pub struct Limiter {
    settings: CurveSettings,
    ceiling: f64,
    running: Option<Running>,
}

struct Running {
    sample_rate: u32,
    channels: usize,
    detector: PeakDetector,
    curve: GainCurve,
    delay: Vec<VecDeque<f64>>,
    peaks: Vec<f64>,
    /// Frames still to come before the curve's output belongs to a frame of the stream.
    early: usize,
    gains: VecDeque<f64>,
}

impl Limiter {
    /// `ceiling_linear`: the wave stays at or under this, but for what the gain's own movement adds (under 0.1 dB; the render measures it).
    pub fn new(settings: CurveSettings, ceiling_linear: f64) -> Self {
        Limiter { settings, ceiling: ceiling_linear, running: None }
    }
}

impl Running {
    fn new(settings: &CurveSettings, ceiling: f64, sample_rate: u32, channels: usize) -> Self {
        let detector = PeakDetector::new(channels, sample_rate, ceiling);
        let curve = GainCurve::new(settings, sample_rate);
        let latency = detector.latency_frames() + curve.latency_frames();
        Running {
            sample_rate,
            channels,
            delay: vec![vec![0.0; latency].into(); channels],
            peaks: Vec::new(),
            early: curve.latency_frames(),
            gains: vec![1.0; latency].into(),
            detector,
            curve,
        }
    }
}

impl Processor for Limiter {
    fn prepare(&mut self, sample_rate: u32, channels: usize) {
        self.running = Some(Running::new(&self.settings, self.ceiling, sample_rate, channels));
    }

    fn reset(&mut self) {
        if let Some(r) = &self.running {
            self.prepare(r.sample_rate, r.channels);
        }
    }

    fn process(&mut self, block: &mut Block, key: Option<&Block>) {
        let Some(r) = &mut self.running else { return };
        r.peaks.clear();
        r.detector.push(key.unwrap_or(block), &mut r.peaks);
        for peak in &r.peaks {
            let gain = r.curve.next(if *peak > self.ceiling { self.ceiling / peak } else { 1.0 });
            if r.early > 0 {
                r.early -= 1;
            } else {
                r.gains.push_back(gain);
            }
        }
        let gains: Vec<f64> = (0..block.frames()).map(|_| r.gains.pop_front().unwrap_or(1.0)).collect();
        for (samples, delay) in block.channels.iter_mut().zip(&mut r.delay) {
            for (s, gain) in samples.iter_mut().zip(&gains) {
                delay.push_back(*s);
                *s = delay.pop_front().unwrap_or(0.0) * gain;
            }
        }
    }

    fn latency_frames(&self) -> usize {
        self.running.as_ref().map_or(0, |r| r.detector.latency_frames() + r.curve.latency_frames())
    }
}
