//! Which moment of B is which moment of A: pieces that run side by side, and gaps where one file has what the other has not. Notes travel over it
//! from version to version. Never here: sound.

use serde::{Deserialize, Serialize};

/// A stretch in which B runs beside A: from `a_s` to `a_end_s` in A, beginning at `b_s` in B. Seconds of each file's own clock.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Piece {
    pub a_s: f64,
    pub a_end_s: f64,
    pub b_s: f64,
    /// Seconds of B for one second of A, 1 where nothing drifts.
    pub pace: f64,
}

impl Piece {
    pub fn b_end_s(&self) -> f64 {
        self.b_s + (self.a_end_s - self.a_s) * self.pace
    }
}

/// Pieces in order of A. Pieces that were moved lie out of order in B.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TimeMap {
    pub pieces: Vec<Piece>,
}

impl TimeMap {
    /// B is A, shifted: `offset_s` is where A's beginning stands in B (negative: B begins later in the song).
    pub fn shifted(offset_s: f64, a_seconds: f64, b_seconds: f64) -> TimeMap {
        let a_s = (-offset_s).max(0.0);
        let a_end_s = a_seconds.min(b_seconds - offset_s);
        let piece = Piece { a_s, a_end_s, b_s: a_s + offset_s, pace: 1.0 };
        TimeMap { pieces: if a_end_s > a_s { vec![piece] } else { Vec::new() } }
    }

    /// The moment of B that is moment `a_s` of A; `None` where B has nothing of it. A piece holds its start and not its end, the last of all holds both.
    pub fn b_of_a(&self, a_s: f64) -> Option<f64> {
        let last = self.pieces.iter().map(|p| p.a_end_s).fold(f64::NEG_INFINITY, f64::max);
        let within = |p: &&Piece| a_s >= p.a_s && (a_s < p.a_end_s || (a_s == p.a_end_s && a_s == last));
        self.pieces.iter().find(within).map(|p| p.b_s + (a_s - p.a_s) * p.pace)
    }

    /// The moment of A that is moment `b_s` of B; `None` where A has nothing of it.
    pub fn a_of_b(&self, b_s: f64) -> Option<f64> {
        let last = self.pieces.iter().map(Piece::b_end_s).fold(f64::NEG_INFINITY, f64::max);
        let within = |p: &&Piece| b_s >= p.b_s && (b_s < p.b_end_s() || (b_s == p.b_end_s() && b_s == last));
        self.pieces.iter().find(within).map(|p| p.a_s + (b_s - p.b_s) / p.pace)
    }

    /// Where a note at `a_s` should go: its own moment, or the nearest that B still has. `None` only where nothing runs side by side.
    pub fn nearest_b_of_a(&self, a_s: f64) -> Option<f64> {
        self.b_of_a(a_s).or_else(|| {
            let clamped = |p: &Piece| a_s.clamp(p.a_s, p.a_end_s.max(p.a_s));
            let nearest =
                |x: &&Piece, y: &&Piece| (clamped(x) - a_s).abs().total_cmp(&(clamped(y) - a_s).abs());
            self.pieces.iter().min_by(nearest).map(|p| p.b_s + (clamped(p) - p.a_s) * p.pace)
        })
    }
}

/// Without pieces that were moved: of those that run in order in both files, the ones that are longest together, by index.
pub(super) fn in_order(pieces: &[Piece]) -> Vec<usize> {
    let mut best: Vec<(f64, Option<usize>)> = Vec::new();
    for (index, piece) in pieces.iter().enumerate() {
        let before = (0..index)
            .filter(|i| pieces[*i].b_s < piece.b_s && pieces[*i].b_end_s() < piece.b_end_s())
            .max_by(|x, y| best[*x].0.total_cmp(&best[*y].0));
        let length = piece.a_end_s - piece.a_s;
        best.push((length + before.map_or(0.0, |i| best[i].0), before));
    }
    let mut at = (0..pieces.len()).max_by(|x, y| best[*x].0.total_cmp(&best[*y].0));
    let mut kept = Vec::new();
    while let Some(index) = at {
        kept.push(index);
        at = best[index].1;
    }
    kept.reverse();
    kept
}
