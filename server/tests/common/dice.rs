//! Numbers by lot that come again: for tests that are run with a seed. Never here: what is drawn for.
#![allow(dead_code, reason = "each suite draws its own way")]

/// The same numbers for the same seed (splitmix64).
#[derive(Clone)]
pub struct Dice(pub u64);

impl Dice {
    /// By `DEADWAX_TEST_SEED`, or 1.
    pub fn seeded() -> Self {
        Self(std::env::var("DEADWAX_TEST_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.next() % (to - from)
    }
}
