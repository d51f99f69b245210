//! Quantising to whole numbers with TPDF dither: two least significant bits peak to peak, its own noise for each channel, the same noise every
//! time (D-1). Used once, last. S. P. Lipshitz, R. A. Wannamaker, J. Vanderkooy, "Quantization and Dither: A Theoretical Survey", JAES 40(5), 1992:
//! the first two moments of the error are then free of the signal.

use crate::block::Block;

/// Part of what makes the noise the same every time; a change of it is a change of the engine.
const SEED: u64 = 0x6465_6164_7761_7801;

/// Puts samples on the grid of `bits`-bit whole numbers. The values stay f64; each is exactly a number that the format holds.
#[derive(Clone, Debug)]
pub struct Quantiser {
    scale: f64,
    noise: Vec<Noise>,
}

impl Quantiser {
    /// `bits`: 8 to 32.
    pub fn new(channels: usize, bits: u32) -> Self {
        let noise = (0..channels as u64)
            .map(|c| Noise(SEED.wrapping_add(c.wrapping_mul(0xD1B5_4A32_D192_ED03))))
            .collect();
        Quantiser { scale: 2f64.powi(bits.clamp(8, 32) as i32 - 1), noise }
    }

    /// Adds the noise, rounds, and clips what the format cannot hold.
    pub fn process(&mut self, block: &mut Block) {
        let scale = self.scale;
        for (samples, noise) in block.channels.iter_mut().zip(&mut self.noise) {
            for s in samples {
                let whole = (*s * scale + noise.next()).round();
                *s = whole.clamp(-scale, scale - 1.0) / scale;
            }
        }
    }
}

/// SplitMix64 (G. L. Steele, D. Lea, C. H. Flood, 2014). Its top and bottom halves are the two uniform numbers of one triangular one.
#[derive(Clone, Debug)]
struct Noise(u64);

impl Noise {
    /// Triangular between -1 and 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        (((z >> 32) as f64) - ((z & 0xFFFF_FFFF) as f64)) / 4_294_967_296.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise_of(bits: u32) -> Block {
        let mut block = Block::new(2, 200_000);
        Quantiser::new(2, bits).process(&mut block);
        block
    }

    #[test]
    fn the_noise_is_triangular_and_its_own_in_each_channel() {
        let block = noise_of(16);
        let lsb = 1.0 / 32768.0;
        for c in &block.channels {
            assert!(c.iter().all(|s| s.abs() <= lsb), "at most one step either way on silence");
            // TPDF of two steps and rounding: variance 1/4 of a step squared in all.
            let variance = c.iter().map(|s| (s / lsb).powi(2)).sum::<f64>() / c.len() as f64;
            assert!((variance - 0.25).abs() < 0.005, "{variance}");
            let mean = c.iter().map(|s| s / lsb).sum::<f64>() / c.len() as f64;
            assert!(mean.abs() < 0.005, "{mean}");
        }
        let together: f64 =
            block.channels[0].iter().zip(&block.channels[1]).map(|(a, b)| a * b / lsb / lsb).sum();
        assert!((together / 200_000.0).abs() < 0.003, "the channels are not alike");
    }

    #[test]
    fn the_error_does_not_follow_the_signal() {
        // A constant between two steps comes out right on average, and its noise is as strong as on a step.
        for offset in [0.0, 0.25, 0.5] {
            let mut block = Block { channels: vec![vec![(10.0 + offset) / 32768.0; 200_000]] };
            Quantiser::new(1, 16).process(&mut block);
            let errors: Vec<f64> = block.channels[0].iter().map(|s| s * 32768.0 - 10.0 - offset).collect();
            let mean = errors.iter().sum::<f64>() / errors.len() as f64;
            let variance = errors.iter().map(|e| e * e).sum::<f64>() / errors.len() as f64;
            assert!(mean.abs() < 0.005 && (variance - 0.25).abs() < 0.005, "{offset}: {mean} {variance}");
        }
    }

    #[test]
    fn every_value_is_one_the_format_holds_and_block_size_changes_nothing() {
        let signal: Vec<f64> = (0..10_000).map(|i| (f64::from(i) * 0.013).sin() * 1.2).collect();
        for bits in [16, 24] {
            let scale = 2f64.powi(bits - 1);
            let mut whole = Block { channels: vec![signal.clone(), signal.clone()] };
            Quantiser::new(2, bits as u32).process(&mut whole);
            assert!(
                whole.channels.iter().flatten().all(|s| (s * scale).fract() == 0.0 && *s >= -1.0 && *s < 1.0)
            );
            let mut quantiser = Quantiser::new(2, bits as u32);
            let mut parts = Block::new(2, 0);
            for part in signal.chunks(7) {
                let mut block = Block { channels: vec![part.to_vec(), part.to_vec()] };
                quantiser.process(&mut block);
                for (all, c) in parts.channels.iter_mut().zip(block.channels) {
                    all.extend(c);
                }
            }
            assert_eq!(whole, parts);
        }
    }
}
