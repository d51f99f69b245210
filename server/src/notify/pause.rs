//! How long to wait after a failure. Never here: clocks, and randomness that a test cannot set.

use std::sync::Arc;

/// From 0 to 1. The system's in a server, a number in a test.
pub type Dice = Arc<dyn Fn() -> f64 + Send + Sync>;

/// What failed is tried again until it is this old.
pub const PATIENCE_MS: i64 = 24 * 3_600_000;
const FIRST_MS: i64 = 10_000;
const LONGEST_MS: i64 = 2 * 3_600_000;

/// Dice of the operating system; the middle where it has none to give.
pub fn dice() -> Dice {
    Arc::new(|| {
        let mut bytes = [0; 4];
        getrandom::fill(&mut bytes)
            .map_or(0.5, |()| f64::from(u32::from_be_bytes(bytes)) / f64::from(u32::MAX))
    })
}

/// Before the next try after `failures` in a row: 10 s, 30 s, 90 s and so on to two hours, a quarter more or less, so that what failed together
/// does not come back together. Makes about twenty tries a day.
pub fn pause_ms(failures: u32, dice: &Dice) -> i64 {
    let full = FIRST_MS.saturating_mul(3_i64.saturating_pow(failures.saturating_sub(1))).min(LONGEST_MS);
    let share = 0.75 + 0.5 * dice().clamp(0.0, 1.0);
    (full as f64 * share) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end_growing() {
        let middle: Dice = Arc::new(|| 0.5);
        let pauses: Vec<i64> = (1..10).map(|failures| pause_ms(failures, &middle) / 1000).collect();
        assert_eq!(pauses, [10, 30, 90, 270, 810, 2430, 7200, 7200, 7200]);
        assert_eq!(pause_ms(u32::MAX, &middle), LONGEST_MS);
        let (low, high): (Dice, Dice) = (Arc::new(|| 0.0), Arc::new(|| 9.0));
        assert_eq!((pause_ms(1, &low), pause_ms(1, &high)), (7_500, 12_500));
        let tries = pauses.iter().sum::<i64>();
        assert!(tries < PATIENCE_MS / 1000, "nine tries are within the day");
    }

    #[test]
    fn the_systems_dice_differ() {
        let dice = dice();
        let thrown: Vec<f64> = (0..8).map(|_| dice()).collect();
        assert!(thrown.iter().all(|one| (0.0..=1.0).contains(one)));
        assert!(thrown.windows(2).any(|two| two[0] != two[1]));
    }
}
