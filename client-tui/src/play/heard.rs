//! Which frames of which track left the player: ranges that grow as it plays and are taken away several times a second. Never here: how much of a file that
//! is, whom it is told.

/// Frames `from..to` of a track of the deck (on an album: of the song), at the deck's rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeardRange {
    pub track: usize,
    pub from: u64,
    pub to: u64,
}

/// So many can wait. Each needs a jump, and they are taken several times a second; what comes over it is not told: rather less was heard than too much.
const RANGES_MAX: usize = 256;

pub(super) struct Heard {
    ranges: Vec<HeardRange>,
}

impl Heard {
    pub(super) fn new() -> Heard {
        Heard { ranges: Vec::with_capacity(RANGES_MAX) }
    }

    /// Joined to a range that it touches; a loop heard twice is one range.
    pub(super) fn add(&mut self, track: usize, from: u64, to: u64) {
        if from >= to {
            return;
        }
        let touches = |range: &&mut HeardRange| range.track == track && range.from <= to && from <= range.to;
        if let Some(range) = self.ranges.iter_mut().rev().find(touches) {
            range.from = range.from.min(from);
            range.to = range.to.max(to);
        } else if self.ranges.len() < RANGES_MAX {
            self.ranges.push(HeardRange { track, from, to });
        }
    }

    /// Moves them behind `into`; the room they stood in stays.
    pub(super) fn take(&mut self, into: &mut Vec<HeardRange>) {
        into.append(&mut self.ranges);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_touches_is_one_range_and_what_does_not_is_its_own() {
        let mut heard = Heard::new();
        for (track, from, to) in [(0, 10, 20), (0, 20, 30), (1, 30, 40), (0, 5, 12), (0, 90, 90), (0, 50, 60)]
        {
            heard.add(track, from, to);
        }
        let mut told = Vec::new();
        heard.take(&mut told);
        let range = |track, from, to| HeardRange { track, from, to };
        assert_eq!(told, [range(0, 5, 30), range(1, 30, 40), range(0, 50, 60)]);
        heard.take(&mut told);
        assert_eq!(told.len(), 3, "each is told once");
    }

    #[test]
    fn it_never_grows_beyond_its_room() {
        let mut heard = Heard::new();
        for n in 0..10_000 {
            heard.add(0, n * 10, n * 10 + 1);
        }
        assert_eq!((heard.ranges.len(), heard.ranges.capacity()), (RANGES_MAX, RANGES_MAX));
    }
}
