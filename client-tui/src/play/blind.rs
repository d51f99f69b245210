//! Listening without knowing: A/B/X of two tracks, and any number of tracks under letters. Pure state that is drawn and asked; the same seed makes the same
//! test. Never here: sound, chance from outside.

use std::fmt;

/// What the person listens to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Button {
    A,
    B,
    X,
}

/// Which of the two X is, or is said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Is {
    A,
    B,
}

/// Is X the one or the other? Again and again, each time by a fair coin. What X is stays hidden until all is answered.
#[derive(Clone, PartialEq, Eq)]
pub struct Abx {
    /// Indices on the deck.
    a: usize,
    b: usize,
    hidden: Vec<Is>,
    votes: Vec<Is>,
}

/// How a finished test came out.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    pub right: u32,
    pub of: u32,
    /// How likely somebody who hears no difference is right at least so often.
    pub p_value: f64,
}

impl Abx {
    /// `rounds` is at least 1.
    pub fn new(a: usize, b: usize, rounds: usize, seed: u64) -> Abx {
        let mut chance = Chance(seed);
        let coin = |_| if chance.next() >> 63 == 0 { Is::A } else { Is::B };
        Abx { a, b, hidden: (0..rounds.max(1)).map(coin).collect(), votes: Vec::new() }
    }

    /// Which track of the deck a button plays. X of a test that is over is that of its last round.
    pub fn track(&self, button: Button) -> usize {
        match button {
            Button::A => self.a,
            Button::B => self.b,
            Button::X => match self.hidden[self.round().min(self.hidden.len() - 1)] {
                Is::A => self.a,
                Is::B => self.b,
            },
        }
    }

    /// Rounds answered.
    pub fn round(&self) -> usize {
        self.votes.len()
    }

    pub fn rounds(&self) -> usize {
        self.hidden.len()
    }

    pub fn is_over(&self) -> bool {
        self.round() == self.rounds()
    }

    /// Answers this round and goes to the next. False where all was answered already.
    pub fn vote(&mut self, vote: Is) -> bool {
        if self.is_over() {
            return false;
        }
        self.votes.push(vote);
        true
    }

    pub fn votes(&self) -> &[Is] {
        &self.votes
    }

    /// What X was in each round; `None` before the end.
    pub fn answers(&self) -> Option<&[Is]> {
        self.is_over().then_some(self.hidden.as_slice())
    }

    /// `None` before the end: a count that is shown on the way tells what X was.
    pub fn outcome(&self) -> Option<Outcome> {
        let answers = self.answers()?;
        let right = self.votes.iter().zip(answers).filter(|(vote, is)| vote == is).count();
        let (right, of) = (u32::try_from(right).ok()?, u32::try_from(answers.len()).ok()?);
        Some(Outcome { right, of, p_value: p_value(right, of) })
    }
}

/// Without what is hidden.
impl fmt::Debug for Abx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Abx")
            .field("votes", &self.votes)
            .field("rounds", &self.rounds())
            .finish_non_exhaustive()
    }
}

/// The chance of at least `right` heads in `of` throws of a fair coin.
pub fn p_value(right: u32, of: u32) -> f64 {
    // C(n, k) / 2^n, from k = n downwards; a term too small for a float does not count in the sum either.
    let mut log_term = -f64::from(of) * std::f64::consts::LN_2;
    let mut sum = 0.0;
    for k in (right.min(of)..=of).rev() {
        sum += log_term.exp();
        if k > 0 {
            log_term += (f64::from(k) / f64::from(of - k + 1)).ln();
        }
    }
    if right == 0 { 1.0 } else { f64::min(sum, 1.0) }
}

/// Tracks of a shootout under letters: A is any of them, and nobody knows which.
#[derive(Clone, PartialEq, Eq)]
pub struct Letters {
    /// The track under each letter.
    tracks: Vec<usize>,
}

impl Letters {
    /// At most 26.
    pub fn new(count: usize, seed: u64) -> Letters {
        let mut tracks: Vec<usize> = (0..count.min(26)).collect();
        let mut chance = Chance(seed);
        for last in (1..tracks.len()).rev() {
            tracks.swap(last, chance.below(last + 1));
        }
        Letters { tracks }
    }

    pub fn len(&self) -> usize {
        self.tracks.len()
    }

    pub fn is_empty(&self) -> bool {
        self.tracks.is_empty()
    }

    /// 'A' for the first place.
    pub fn letter(place: usize) -> char {
        char::from(b'A' + u8::try_from(place.min(25)).unwrap_or(0))
    }

    /// To play it, and to send a vote for it: never to be drawn.
    pub fn track(&self, letter: char) -> Option<usize> {
        let place = u32::from(letter.to_ascii_uppercase()).checked_sub(u32::from('A'))?;
        self.tracks.get(usize::try_from(place).ok()?).copied()
    }

    /// Under which letter a track stood, for the end.
    pub fn letter_of(&self, track: usize) -> Option<char> {
        self.tracks.iter().position(|t| *t == track).map(Letters::letter)
    }
}

impl fmt::Debug for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letters").field("count", &self.tracks.len()).finish_non_exhaustive()
    }
}

/// SplitMix64: enough for coins and shuffles, the same on every machine.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Evenly: the high half of a product of 64 bits is off by less than 2^-58 for so few.
    fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.next()) * count as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_told_before_the_end_and_all_of_it_then() {
        let mut test = Abx::new(4, 7, 8, 42);
        for round in 0..8 {
            assert_eq!((test.round(), test.outcome(), test.answers()), (round, None, None));
            assert!(!format!("{test:?}").contains("hidden"));
            let x = test.track(Button::X);
            assert!(test.vote(if x == test.track(Button::A) { Is::A } else { Is::B }));
        }
        let outcome = test.outcome().unwrap();
        assert_eq!((outcome.right, outcome.of), (8, 8));
        assert!((outcome.p_value - 1.0 / 256.0).abs() < 1e-12);
        assert!(!test.vote(Is::A) && test.votes() == test.answers().unwrap());
    }

    #[test]
    fn the_same_seed_is_the_same_test_and_the_coin_is_fair() {
        assert_eq!(Abx::new(0, 1, 20, 5), Abx::new(0, 1, 20, 5));
        assert_ne!(Abx::new(0, 1, 20, 5), Abx::new(0, 1, 20, 6));
        let heads = (0..10_000).filter(|seed| Abx::new(0, 1, 1, *seed).track(Button::X) == 0).count();
        assert!((4_800..5_200).contains(&heads), "{heads}");
    }

    #[test]
    fn the_p_value_is_the_binomial_one() {
        // 12 of 16: (1820 + 560 + 120 + 16 + 1) / 65536.
        assert!((p_value(12, 16) - 2517.0 / 65536.0).abs() < 1e-12);
        assert_eq!((p_value(0, 10), p_value(0, 0)), (1.0, 1.0));
        assert!((p_value(5, 10) - 638.0 / 1024.0).abs() < 1e-12);
        assert!(p_value(3000, 3000) == 0.0 && (p_value(1500, 3000) - 0.5).abs() < 0.01);
    }

    #[test]
    fn letters_hold_every_track_once_and_stand_evenly() {
        let mut first = [0; 4];
        for seed in 0..8_000 {
            let letters = Letters::new(4, seed);
            let mut tracks: Vec<usize> = "abcd".chars().filter_map(|l| letters.track(l)).collect();
            first[tracks[0]] += 1;
            assert_eq!(letters.letter_of(tracks[2]), Some('C'));
            tracks.sort_unstable();
            assert_eq!(tracks, [0, 1, 2, 3]);
        }
        assert!(first.iter().all(|n| (1_800..2_200).contains(n)), "{first:?}");
        let letters = Letters::new(3, 1);
        assert_eq!((letters.track('D'), letters.track('!'), letters.letter_of(3)), (None, None, None));
    }
}
