//! Triangular noise in lanes. Frame n of a channel takes the number of lane n mod 8, so that eight steps are one run of wide registers and the
//! layout is the same on every machine. Part of the engine: another seed, lane count or step is another engine.

/// Frames made at once; a whole number of lanes.
pub(super) const PERIOD: usize = 512;
const LANES: usize = 8;
const SEED: u64 = 0x6465_6164_7761_7802;
/// 2^52: a whole number of 32 bits in the low bits of this float is added to it.
const TWO_52: u64 = 0x4330_0000_0000_0000;
const HALF: f64 = 1.0 / 4_294_967_296.0;

/// Eight generators xorshift128+ (S. Vigna, "Further scramblings of Marsaglia's xorshift generators", 2017; shifts 23, 18, 5), started apart by
/// SplitMix64. They need no products, which wide registers of 64 bits lack.
#[derive(Clone, Debug)]
pub(super) struct Noise {
    a: [u64; LANES],
    b: [u64; LANES],
}

impl Noise {
    pub(super) fn new(channel: u64) -> Self {
        let mut seed = SEED.wrapping_add(channel.wrapping_mul(0xD1B5_4A32_D192_ED03));
        Noise { a: [0; LANES].map(|_| split_mix(&mut seed)), b: [0; LANES].map(|_| split_mix(&mut seed)) }
    }

    /// The next frames: triangular between -1 and 1. The upper and the lower half of a number are the two even ones whose difference it is.
    #[inline(always)]
    pub(super) fn fill(&mut self, steps: &mut [f64; PERIOD]) {
        let (mut a, mut b) = (self.a, self.b);
        for eight in steps.chunks_exact_mut(LANES) {
            let mut sums = [0; LANES];
            for i in 0..LANES {
                let (x, y) = (a[i], b[i]);
                a[i] = y;
                let x = x ^ (x << 23);
                b[i] = x ^ y ^ (x >> 18) ^ (y >> 5);
                sums[i] = b[i].wrapping_add(y);
            }
            for (step, sum) in eight.iter_mut().zip(sums) {
                let upper = f64::from_bits((sum >> 32) | TWO_52);
                let lower = f64::from_bits((sum & 0xFFFF_FFFF) | TWO_52);
                *step = (upper - lower) * HALF;
            }
        }
        (self.a, self.b) = (a, b);
    }
}

/// G. L. Steele, D. Lea, C. H. Flood, "Fast splittable pseudorandom number generators", 2014.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
