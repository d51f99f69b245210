//! Integrated loudness alone (ITU-R BS.1770-5 Annex 1), for the search of a gain: one number, as cheap as it can be. The figures of a report
//! come from the meter of `measure` and from a second one that shares no code with either.

use std::f64::consts::PI;

use crate::{
    block::Block,
    processors::biquad::{Coefficients, Section},
};

const ABSOLUTE_GATE_LUFS: f64 = -70.0;
const RELATIVE_GATE_LU: f64 = -10.0;
/// A gating block is four steps of 100 ms.
const STEPS_PER_BLOCK: usize = 4;

/// The two filters of the standard, from their analogue form, so that they hold at every rate; at 48 kHz they are the standard's table.
fn k_weighting(sample_rate: u32) -> [Coefficients; 2] {
    let rate = f64::from(sample_rate);
    let shelf = {
        let (hz, gain_db, q) = (1_681.974_450_955_533, 3.999_843_853_973_347, 0.707_175_236_955_419_6);
        let k = (PI * hz / rate).tan();
        let high = 10f64.powf(gain_db / 20.0);
        let band = high.powf(0.499_666_774_154_541_6);
        let a0 = 1.0 + k / q + k * k;
        Coefficients {
            b: [
                (high + band * k / q + k * k) / a0,
                2.0 * (k * k - high) / a0,
                (high - band * k / q + k * k) / a0,
            ],
            a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0],
        }
    };
    let high_pass = {
        let (hz, q) = (38.135_470_876_024_44, 0.500_327_037_323_877_3);
        let k = (PI * hz / rate).tan();
        let a0 = 1.0 + k / q + k * k;
        Coefficients { b: [1.0, -2.0, 1.0], a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0] }
    };
    [shelf, high_pass]
}

/// Mono and stereo; every channel weighs the same.
pub struct Integrated {
    filters: [Coefficients; 2],
    state: Vec<[Section; 2]>,
    step_frames: usize,
    filled: usize,
    energy: f64,
    /// Mean square of each finished 100 ms, channels summed.
    steps: Vec<f64>,
}

impl Integrated {
    pub fn new(channels: usize, sample_rate: u32) -> Self {
        Integrated {
            filters: k_weighting(sample_rate),
            state: vec![[Section::default(); 2]; channels],
            step_frames: (sample_rate as usize).div_ceil(10).max(1),
            filled: 0,
            energy: 0.0,
            steps: Vec::new(),
        }
    }

    pub fn push(&mut self, block: &Block) {
        let mut start = 0;
        while start < block.frames() {
            let run = (self.step_frames - self.filled).min(block.frames() - start);
            for (samples, [first, second]) in block.channels.iter().zip(&mut self.state) {
                for s in &samples[start..start + run] {
                    let y = second.run(&self.filters[1], first.run(&self.filters[0], *s));
                    self.energy += y * y;
                }
            }
            start += run;
            self.filled += run;
            if self.filled == self.step_frames {
                self.steps.push(self.energy / self.step_frames as f64);
                (self.filled, self.energy) = (0, 0.0);
            }
        }
    }

    /// LUFS; `None` for silence and for less than 400 ms.
    pub fn lufs(&self) -> Option<f64> {
        let blocks =
            || self.steps.windows(STEPS_PER_BLOCK).map(|w| w.iter().sum::<f64>() / STEPS_PER_BLOCK as f64);
        let mean_above = |gate: f64| {
            let (sum, n) =
                blocks().filter(|p| loudness(*p) > gate).fold((0.0, 0u32), |(s, n), p| (s + p, n + 1));
            (n > 0).then(|| sum / f64::from(n))
        };
        let relative = loudness(mean_above(ABSOLUTE_GATE_LUFS)?) + RELATIVE_GATE_LU;
        mean_above(relative.max(ABSOLUTE_GATE_LUFS)).map(loudness)
    }
}

fn loudness(mean_square: f64) -> f64 {
    -0.691 + 10.0 * mean_square.log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: u32, seconds: f64, level_db: f64) -> Vec<f64> {
        let a = 10f64.powf(level_db / 20.0);
        (0..(seconds * f64::from(rate)) as usize)
            .map(|i| a * (2.0 * PI * 1000.0 * i as f64 / f64::from(rate)).sin())
            .collect()
    }

    #[test]
    fn ebu_3341_signals_1_to_4_read_within_a_tenth() {
        for rate in [44_100, 48_000, 96_000, 11_025] {
            let cases: [(&[(f64, f64)], f64); 4] = [
                (&[(20.0, -23.0)], -23.0),
                (&[(20.0, -33.0)], -33.0),
                (&[(10.0, -36.0), (60.0, -23.0), (10.0, -36.0)], -23.0),
                (&[(10.0, -72.0), (10.0, -36.0), (60.0, -23.0), (10.0, -36.0), (10.0, -72.0)], -23.0),
            ];
            for (parts, expected) in cases {
                let signal: Vec<f64> = parts.iter().flat_map(|(s, db)| tone(rate, *s, *db)).collect();
                let mut meter = Integrated::new(2, rate);
                for part in signal.chunks(1000) {
                    meter.push(&Block { channels: vec![part.to_vec(), part.to_vec()] });
                }
                let read = meter.lufs().unwrap();
                assert!((read - expected).abs() < 0.1, "{read} for {expected} at {rate}");
            }
        }
    }

    #[test]
    fn silence_and_very_short_sounds_have_no_loudness() {
        let mut meter = Integrated::new(1, 48_000);
        assert_eq!(meter.lufs(), None);
        meter.push(&Block::new(1, 48_000));
        assert_eq!(meter.lufs(), None);
        let mut short = Integrated::new(1, 48_000);
        short.push(&Block { channels: vec![tone(48_000, 0.39, -10.0)] });
        assert_eq!(short.lufs(), None);
    }
}
