//! Where the deck was at each frame that was pulled, as stretches that go straight on: an output that holds some of them back can tell what is heard now.

/// So many jumps can be told apart.
const MARKS: usize = 64;

#[derive(Clone, Copy, Default)]
struct Mark {
    /// Of what was pulled.
    from: u64,
    at: u64,
    /// The position moves with every frame; else it stands.
    moves: bool,
}

pub(super) struct Course {
    marks: [Mark; MARKS],
    /// How many were ever made.
    made: usize,
    pulled: u64,
}

impl Course {
    pub(super) fn new() -> Course {
        Course { marks: [Mark::default(); MARKS], made: 0, pulled: 0 }
    }

    pub(super) fn pulled(&self) -> u64 {
        self.pulled
    }

    /// The next frames start here.
    pub(super) fn mark(&mut self, at: u64, moves: bool) {
        if let Some(last) = self.made.checked_sub(1).map(|n| self.marks[n % MARKS]) {
            let now = if last.moves { last.at + (self.pulled - last.from) } else { last.at };
            if now == at && last.moves == moves {
                return;
            }
        }
        self.marks[self.made % MARKS] = Mark { from: self.pulled, at, moves };
        self.made += 1;
    }

    pub(super) fn passed(&mut self, frames: usize) {
        self.pulled += frames as u64;
    }

    pub(super) fn at_before(&self, frames: u64) -> u64 {
        let wanted = self.pulled.saturating_sub(frames);
        let oldest = self.made.saturating_sub(MARKS);
        let found = (oldest..self.made).rev().map(|n| self.marks[n % MARKS]).find(|mark| mark.from <= wanted);
        match found {
            Some(mark) if mark.moves => mark.at + (wanted - mark.from),
            Some(mark) => mark.at,
            // Further back than is known: the oldest that is.
            None => self.marks[oldest % MARKS].at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_that_was_pulled_knows_its_place() {
        let mut course = Course::new();
        let mut places = Vec::new();
        for (at, moves, count) in [(0, false, 5), (0, true, 20), (20, true, 10), (4, true, 3), (7, false, 9)]
        {
            course.mark(at, moves);
            course.passed(count);
            places.extend((0..count as u64).map(|i| if moves { at + i } else { at }));
        }
        for back in 1..=places.len() {
            assert_eq!(course.at_before(back as u64), places[places.len() - back], "{back}");
        }
        assert_eq!(course.at_before(1000), 0);
    }
}
