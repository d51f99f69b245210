//! How high the wave stands at each frame, between the samples too: what the limiter listens to.

use crate::{
    block::Block,
    true_peak::{Bank, magnitude},
};

/// Effective rate of the detector: 8 x 44.1 kHz.
const DETECTOR_RATE_HZ: f64 = 352_800.0;
const DETECTOR_HALF: usize = 16;
const DETECTOR_BETA: f64 = 6.5;
/// Frames that are screened together.
const RUN: usize = 32;

/// Gives one number for each frame: the largest magnitude of the wave of any channel from the frame before it to the frame after it.
/// What rings before the first frame counts for the first, what rings after the last counts for the last.
pub struct PeakDetector {
    bank: Bank,
    /// Below this, a frame may be given its largest sample instead of the wave: nobody acts on it.
    floor: f64,
    windows: Vec<Vec<f64>>,
    /// Largest magnitude from frame n to n + 1, for the frames not given out yet.
    segments: Vec<f64>,
    /// Frame number of the first entry of `segments`; negative before the stream.
    next: i64,
    pushed: u64,
    before: f64,
}

impl PeakDetector {
    /// `floor`: linear; peaks below it need not be exact. 0 asks for all.
    pub fn new(channels: usize, sample_rate: u32, floor: f64) -> Self {
        let phases = (DETECTOR_RATE_HZ / f64::from(sample_rate.max(1))).ceil() as usize;
        let bank = Bank::new(phases.next_power_of_two().clamp(2, 8), DETECTOR_HALF, DETECTOR_BETA);
        PeakDetector {
            bank,
            floor,
            windows: vec![vec![0.0; 2 * DETECTOR_HALF - 1]; channels],
            segments: Vec::new(),
            next: -(DETECTOR_HALF as i64),
            pushed: 0,
            before: 0.0,
        }
    }

    /// Frames that must follow before a frame's peak is known.
    pub fn latency_frames(&self) -> usize {
        DETECTOR_HALF
    }

    /// Takes a stretch and appends what is now known to `peaks`.
    pub fn push(&mut self, block: &Block, peaks: &mut Vec<f64>) {
        self.scan(block);
        self.pushed += block.frames() as u64;
        let mut segments = std::mem::take(&mut self.segments);
        for segment in segments.drain(..) {
            let peak = segment.max(self.before);
            if self.next >= 0 {
                peaks.push(peak);
                self.before = segment;
            } else {
                self.before = peak;
            }
            self.next += 1;
        }
        self.segments = segments;
    }

    /// Appends the peaks of the last frames: the stream is over and silence follows.
    pub fn finish(&mut self, peaks: &mut Vec<f64>) {
        let start = peaks.len();
        let last = (self.pushed - self.next.max(0).unsigned_abs()) as usize;
        self.push(&Block::new(self.windows.len(), 2 * DETECTOR_HALF - 1), peaks);
        let ringing = magnitude(&peaks[start..][last.saturating_sub(1)..]);
        peaks.truncate(start + last);
        if let Some(p) = peaks[start..].last_mut() {
            *p = ringing;
        }
    }

    fn scan(&mut self, block: &Block) {
        let Self { bank, floor, windows, segments, .. } = self;
        segments.clear();
        segments.resize(block.frames(), 0.0);
        let width = 2 * DETECTOR_HALF;
        for (window, samples) in windows.iter_mut().zip(&block.channels) {
            window.extend(samples.iter().map(|s| if s.is_finite() { *s } else { 0.0 }));
            for start in (0..segments.len()).step_by(RUN) {
                let run = RUN.min(segments.len() - start);
                let fine = magnitude(&window[start..start + run + width - 1]) * bank.bound() > *floor;
                for i in start..start + run {
                    let mut peak = segments[i].max(window[i + DETECTOR_HALF - 1].abs());
                    if fine {
                        for p in 1..bank.phases() {
                            peak = peak.max(bank.at(p, &window[i..i + width]).abs());
                        }
                    }
                    segments[i] = peak;
                }
            }
            window.drain(..window.len() + 1 - width);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peaks(signal: &[f64], block: usize, floor: f64) -> Vec<f64> {
        let mut detector = PeakDetector::new(1, 44_100, floor);
        let mut out = Vec::new();
        for part in signal.chunks(block) {
            detector.push(&Block { channels: vec![part.to_vec()] }, &mut out);
        }
        detector.finish(&mut out);
        out
    }

    #[test]
    fn one_peak_a_frame_at_any_length_and_block_size() {
        for n in [0usize, 1, 2, 15, 16, 17, 31, 32, 33, 100, 1000] {
            let signal: Vec<f64> = (0..n).map(|i| (i as f64 * 0.7).sin()).collect();
            let whole = peaks(&signal, 4096, 0.0);
            assert_eq!(whole.len(), n);
            assert_eq!(whole, peaks(&signal, 1, 0.0));
            assert_eq!(whole, peaks(&signal, 7, 0.0));
            assert!(whole.iter().zip(&signal).all(|(p, s)| *p >= s.abs()));
        }
    }

    #[test]
    fn the_wave_between_two_samples_counts_for_both() {
        // fs / 4 at 45 degrees: samples at 0.707, the wave at 1.
        let signal: Vec<f64> = (0..400)
            .map(|i| (std::f64::consts::FRAC_PI_2 * f64::from(i) + std::f64::consts::FRAC_PI_4).sin())
            .collect();
        assert!(peaks(&signal, 64, 0.0)[50..350].iter().all(|p| (p - 1.0).abs() < 0.01));
    }

    #[test]
    fn a_floor_never_hides_what_is_above_it() {
        let signal: Vec<f64> =
            (0..3000).map(|i| (f64::from(i) * 1.9).sin() * f64::from(i) / 3000.0).collect();
        for (exact, screened) in peaks(&signal, 64, 0.0).iter().zip(peaks(&signal, 64, 0.5)) {
            assert!(*exact == screened || *exact <= 0.5);
        }
    }
}
