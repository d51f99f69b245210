//! Where exactly something was cut in or out: the joints between the pieces of an alignment, found in the sound itself, to a millisecond or two. Never
//! here: levels, words.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{
    align::{Alignment, middle},
    follow::Follower,
    time_map::{Piece, TimeMap, in_order},
    track::fold,
};
use crate::{Block, DspError, math};

/// Errors are summed over this long.
const GRAIN_S: f64 = 0.001;
/// And frame by frame within this of what they say.
const CLOSE_S: f64 = 0.004;
/// A joint is looked for this far to both sides of where the pieces were last seen.
const SEARCH_S: f64 = 30.0;
/// Shorter differences at the ends of a file are its offset, no edit.
const LEAST_END_S: f64 = 0.05;
/// What is shorter than this between two joints is the same joint.
const LEAST_GAP_S: f64 = 0.03;

/// Something that one file has and the other has not: at `a_s` of A and `b_s` of B.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Edit {
    pub a_s: f64,
    pub b_s: f64,
    /// Seconds of B that A has not.
    pub inserted_s: f64,
    /// Seconds of A that B has not.
    pub removed_s: f64,
}

/// Both files and how they were laid on each other.
pub(super) struct Files<'a> {
    pub a: &'a Path,
    pub b: &'a Path,
    pub a_s: f64,
    pub b_s: f64,
}

/// The map with its joints where they are, and the edits between its pieces.
pub(super) fn joints(files: &Files<'_>, alignment: &Alignment) -> Result<(TimeMap, Vec<Edit>), DspError> {
    let mut pieces: Vec<Piece> =
        in_order(&alignment.map.pieces).into_iter().map(|i| alignment.map.pieces[i]).collect();
    if pieces.len() > 1 {
        let mut listener = Listener {
            a: Follower::open(files.a, alignment.rate)?,
            b: Follower::open(files.b, alignment.rate)?,
            rate: f64::from(alignment.rate),
            gain: math::linear(alignment.gain_db) * if alignment.inverted { -1.0 } else { 1.0 },
        };
        for index in 1..pieces.len() {
            let (before, after) = (pieces[index - 1], pieces[index]);
            let (ends, begins) = joint(&mut listener, before, after, [files.a_s, files.b_s])?;
            pieces[index - 1].a_end_s = ends;
            pieces[index].b_s += (begins - after.a_s) * after.pace;
            pieces[index].a_s = begins;
        }
        pieces.retain(|p| p.a_end_s - p.a_s > LEAST_GAP_S);
    }
    let edits = edits(&pieces, files.a_s, files.b_s);
    Ok((TimeMap { pieces }, edits))
}

struct Listener {
    a: Follower,
    b: Follower,
    rate: f64,
    /// B against A, with its sign.
    gain: f64,
}

impl Listener {
    /// For every grain from `from_s` of A: the share of what differs when B is laid there by `piece`, 0 to 1; `None` where there is next to no sound.
    fn differing(
        &mut self,
        piece: Piece,
        from_s: f64,
        grains: usize,
        grain: usize,
    ) -> Result<Vec<Option<f64>>, DspError> {
        let start_a = (from_s * self.rate).round();
        let start_b = ((piece.b_s + (from_s - piece.a_s) * piece.pace) * self.rate).round();
        let (mut of_a, mut of_b) = (Block::default(), Block::default());
        let (mut mono_a, mut mono_b) = (Vec::new(), Vec::new());
        let mut out = Vec::with_capacity(grains);
        self.a.read(start_a, 1.0, grain * grains, &mut of_a)?;
        self.b.read(start_b, 1.0, grain * grains, &mut of_b)?;
        fold(&of_a, &mut mono_a);
        fold(&of_b, &mut mono_b);
        for (a, b) in mono_a.chunks_exact(grain).zip(mono_b.chunks_exact(grain)) {
            let (mut both, mut apart) = (0.0, 0.0);
            for (a, b) in a.iter().zip(b) {
                let a = self.gain * a;
                both += a * a + b * b;
                apart += (a - b) * (a - b);
            }
            let heard = both > 1e-9 * grain as f64;
            out.push(heard.then(|| (apart / both).min(1.0)));
        }
        Ok(out)
    }
}

/// Where the piece before ends and where the piece after begins, in seconds of A.
fn joint(
    listener: &mut Listener,
    before: Piece,
    after: Piece,
    lengths: [f64; 2],
) -> Result<(f64, f64), DspError> {
    let middle_s = 0.5 * (before.a_end_s + after.a_s);
    let shift = |p: Piece| p.b_s - p.a_s * p.pace;
    let jump = shift(after) - shift(before);
    let removed = (-jump).max(0.0);
    let reach = SEARCH_S.min(5.0 + removed);
    let from_s = (middle_s - reach).max(before.a_s);
    let until_s = (middle_s + reach).min(after.a_end_s).min(lengths[0]);
    let grain = (GRAIN_S * listener.rate).round().max(1.0) as usize;
    let grain_s = grain as f64 / listener.rate;
    let grains = ((until_s - from_s) / grain_s).max(0.0) as usize;
    if grains < 2 {
        return Ok((before.a_end_s, after.a_s.max(before.a_end_s)));
    }
    let first = listener.differing(before, from_s, grains, grain)?;
    let second = listener.differing(after, from_s, grains, grain)?;
    let costs = |of: &[Option<f64>], good: &[Option<f64>]| -> Vec<f64> {
        let floor = middle(good.iter().flatten().copied().collect());
        let bar = 0.5 * (floor + 0.9);
        of.iter().map(|d| d.map_or(0.0, |d| d - bar)).collect()
    };
    let quarter = grains.div_ceil(4);
    let (cost_1, cost_2) = (costs(&first, &first[..quarter]), costs(&second, &second[grains - quarter..]));
    // Running sums: what it costs to follow the first piece up to here, and the second from here on.
    let (mut up_to, mut from_here) = (vec![0.0; grains + 1], vec![0.0; grains + 1]);
    for i in 0..grains {
        up_to[i + 1] = up_to[i] + cost_1[i];
        from_here[grains - 1 - i] = from_here[grains - i] + cost_2[grains - 1 - i];
    }
    let least = |costs: &[f64]| (0..=grains).min_by(|x, y| costs[*x].total_cmp(&costs[*y])).unwrap_or(0);
    let (ends, begins) = (least(&up_to), least(&from_here));
    let gone = (removed / grain_s).round() as usize;
    let time = |grain: usize| from_s + grain as f64 * grain_s;
    if begins > ends + gone + (LEAST_GAP_S / grain_s) as usize {
        return Ok((time(ends), time(begins)));
    }
    // Cut in or out and nothing else: one place decides both.
    let both = |i: &usize| up_to[*i] + from_here[(*i + gone).min(grains)];
    let last = grains.saturating_sub(gone);
    let cut = (0..=last).min_by(|x, y| both(x).total_cmp(&both(y))).unwrap_or(ends);
    let cut_s = to_the_frame(listener, before, after, time(cut), removed)?;
    Ok((cut_s, cut_s + removed))
}

/// The same within a few milliseconds, frame by frame.
fn to_the_frame(
    listener: &mut Listener,
    before: Piece,
    after: Piece,
    cut_s: f64,
    removed_s: f64,
) -> Result<f64, DspError> {
    let from_s = ((cut_s - CLOSE_S).max(before.a_s) * listener.rate).round() / listener.rate;
    let frames = (2.0 * CLOSE_S * listener.rate) as usize;
    let first = listener.differing(before, from_s, frames, 1)?;
    let second = listener.differing(after, from_s + removed_s, frames, 1)?;
    let mut cost: f64 = second.iter().flatten().sum();
    let mut best = (cost, cut_s);
    for (frame, (one, other)) in first.iter().zip(&second).enumerate() {
        cost += one.unwrap_or(0.0) - other.unwrap_or(0.0);
        // Where several places are as good, the one nearest to what the longer view said.
        let at_s = from_s + (frame + 1) as f64 / listener.rate;
        let nearer = (at_s - cut_s).abs() < (best.1 - cut_s).abs();
        if cost < best.0 - 1e-9 || (cost < best.0 + 1e-9 && nearer) {
            best = (cost, at_s);
        }
    }
    Ok(best.1)
}

fn edits(pieces: &[Piece], a_s: f64, b_s: f64) -> Vec<Edit> {
    let mut edits = Vec::new();
    let (mut at_a, mut at_b, mut least) = (0.0, 0.0, LEAST_END_S);
    let ends = [(a_s, b_s, true)];
    let starts = pieces.iter().map(|p| (p.a_s, p.b_s, false));
    for ((next_a, next_b, end), piece) in starts.chain(ends).zip(pieces.iter().map(Some).chain([None])) {
        let least_here = if end { LEAST_END_S } else { least };
        let (removed_s, inserted_s) = ((next_a - at_a).max(0.0), (next_b - at_b).max(0.0));
        if removed_s > least_here || inserted_s > least_here {
            edits.push(Edit { a_s: at_a, b_s: at_b, inserted_s, removed_s });
        }
        if let Some(piece) = piece {
            (at_a, at_b) = (piece.a_end_s, piece.b_end_s());
        }
        least = 0.0005;
    }
    edits
}
