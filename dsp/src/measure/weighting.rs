//! The K-weighting of ITU-R BS.1770-5 Annex 1 at any sample rate, and the weights of channels. Never here: gates, windows, levels.

use std::f64::consts::PI;

/// The standard gives coefficients for 48 kHz alone. They are the bilinear transform of a high shelf and a high pass whose analogue
/// corner, gain and quality follow from that table (B. De Man, "Evaluation of implementations of the EBU R128 loudness measurement",
/// AES 145, 2018); transformed anew, they hold at every rate.
const SHELF_HZ: f64 = 1_681.974_450_955_533;
const SHELF_DB: f64 = 3.999_843_853_973_347;
const SHELF_Q: f64 = 0.707_175_236_955_419_6;
/// The shelf's gain at its corner is not the geometric middle; this power of the gain matches the table.
const SHELF_MIDDLE: f64 = 0.499_666_774_154_541_6;
const PASS_HZ: f64 = 38.135_470_876_024_44;
const PASS_Q: f64 = 0.500_327_037_323_877_3;

#[derive(Clone, Copy, Debug)]
struct Section {
    b: [f64; 3],
    a: [f64; 2],
    z: [f64; 2],
}

/// Both filters for one channel.
#[derive(Clone, Debug)]
pub(super) struct KWeighting {
    shelf: Section,
    pass: Section,
}

impl KWeighting {
    pub(super) fn new(sample_rate: u32) -> Self {
        let rate = f64::from(sample_rate);
        let k = (PI * SHELF_HZ / rate).tan();
        let high = 10f64.powf(SHELF_DB / 20.0);
        let middle = high.powf(SHELF_MIDDLE);
        let b =
            [high + middle * k / SHELF_Q + k * k, 2.0 * (k * k - high), high - middle * k / SHELF_Q + k * k];
        let shelf = section(b, k, SHELF_Q);
        let k = (PI * PASS_HZ / rate).tan();
        // The standard's high pass keeps a numerator of 1, -2, 1: it is not divided by a0.
        let a0 = 1.0 + k / PASS_Q + k * k;
        let pass = section([a0, -2.0 * a0, a0], k, PASS_Q);
        KWeighting { shelf, pass }
    }

    /// Filters a stretch and gives the sum of its squares.
    pub(super) fn energy(&mut self, samples: &[f64]) -> f64 {
        let (mut shelf, mut pass) = (self.shelf, self.pass);
        let mut sum = 0.0;
        for sample in samples {
            let weighted = pass.next(shelf.next(*sample));
            sum += weighted * weighted;
        }
        shelf.settle();
        pass.settle();
        (self.shelf, self.pass) = (shelf, pass);
        sum
    }
}

fn section(b: [f64; 3], k: f64, q: f64) -> Section {
    let a0 = 1.0 + k / q + k * k;
    Section { b: b.map(|b| b / a0), a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0], z: [0.0; 2] }
}

impl Section {
    /// Transposed direct form II.
    #[inline]
    fn next(&mut self, x: f64) -> f64 {
        let y = self.b[0] * x + self.z[0];
        self.z[0] = self.b[1] * x - self.a[0] * y + self.z[1];
        self.z[1] = self.b[2] * x - self.a[1] * y;
        y
    }

    /// In silence the state fades into denormal numbers, which are slow and mean nothing.
    fn settle(&mut self) {
        for z in &mut self.z {
            if z.abs() < 1e-30 {
                *z = 0.0;
            }
        }
    }
}

/// What a channel weighs (BS.1770-5 tables 3 and 4), in the order of WAVE. The LFE does not count; a channel between 60 and 120 degrees
/// counts 1.41.
pub(super) fn channel_weights(channels: usize) -> Vec<f64> {
    match channels {
        4 => vec![1.0, 1.0, 1.41, 1.41],
        5 => vec![1.0, 1.0, 1.0, 1.41, 1.41],
        6 => vec![1.0, 1.0, 1.0, 0.0, 1.41, 1.41],
        8 => vec![1.0, 1.0, 1.0, 0.0, 1.0, 1.0, 1.41, 1.41],
        n => vec![1.0; n],
    }
}
