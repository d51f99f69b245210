//! How much was turned down, how much on average and when most, said in a line. Never here: gains.

/// Of every so many values one counts for the average.
const EVERY: u64 = 16;

/// What a course of gains came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reduction {
    /// Values a second.
    pace: f64,
    /// By how many values the gain comes before the sound.
    early: u64,
    seen: u64,
    counted: u64,
    sum_db: f64,
    lowest_db: f64,
    lowest_at: u64,
}

impl Reduction {
    pub fn new(pace: f64, early: u64) -> Self {
        Reduction { pace, early, seen: 0, counted: 0, sum_db: 0.0, lowest_db: 0.0, lowest_at: 0 }
    }

    pub fn forget(&mut self) {
        *self = Self::new(self.pace, self.early);
    }

    /// Gains in decibels, of all lanes over the same values.
    #[inline(always)]
    pub fn count<'a>(&mut self, lanes: impl Iterator<Item = &'a [f64]>) {
        let mut n = 0;
        for gains_db in lanes {
            n = gains_db.len();
            let lowest = gains_db.iter().fold(0.0, |low, g| if *g < low { *g } else { low });
            if lowest < self.lowest_db {
                let at = gains_db.iter().position(|g| *g == lowest).unwrap_or(0);
                (self.lowest_db, self.lowest_at) = (lowest, self.seen + at as u64);
            }
            let first = self.seen.next_multiple_of(EVERY) - self.seen;
            for gain_db in gains_db.iter().skip(first as usize).step_by(EVERY as usize) {
                self.sum_db += gain_db;
                self.counted += 1;
            }
        }
        self.seen += n as u64;
    }

    /// "gain reduction 1.2 dB on average, 4.1 dB at most, at 1:32"
    pub fn words(&self) -> String {
        // What is less than half of the last digit is nothing.
        if self.lowest_db > -0.05 {
            return "no gain reduction".into();
        }
        let average_db = (self.sum_db / self.counted.max(1) as f64).abs();
        let seconds = self.lowest_at.saturating_sub(self.early) as f64 / self.pace;
        format!(
            "gain reduction {average_db:.1} dB on average, {:.1} dB at most, at {}",
            -self.lowest_db,
            crate::processors::minutes(seconds)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn average_most_and_when_do_not_depend_on_the_stretches() {
        let mut gains = vec![-1.0; 64_000];
        gains[33_000] = -4.06;
        for stretch in [1, 7, 256, 64_000] {
            let mut reduction = Reduction::new(500.0, 50);
            gains.chunks(stretch).for_each(|part| reduction.count(std::iter::once(part)));
            assert_eq!(
                reduction.words(),
                "gain reduction 1.0 dB on average, 4.1 dB at most, at 1:05",
                "in stretches of {stretch}"
            );
            reduction.forget();
            assert_eq!(reduction.words(), "no gain reduction");
        }
    }
}
