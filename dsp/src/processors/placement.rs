//! Where in a stereo sound a band works. What is not worked on keeps its bits: a mid that changes by d adds d to both sides, and no more.
//! Never here: filters.

use std::ops::Range;

use crate::{block::Block, error::DspError, lanes};

/// Frames worked on at once: they stay in the first cache.
const PIECE_FRAMES: usize = 512;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Placement {
    /// All channels alike.
    #[default]
    Stereo,
    /// Half the sum of left and right. A mono sound is all mid.
    Mid,
    /// Half the difference of left and right. A mono sound has none.
    Side,
    Left,
    Right,
}

impl Placement {
    /// The word of the recipe.
    pub fn token(self) -> &'static str {
        match self {
            Placement::Stereo => "stereo",
            Placement::Mid => "mid",
            Placement::Side => "side",
            Placement::Left => "left",
            Placement::Right => "right",
        }
    }

    /// Whether a sound of so many channels has this place; `what` is named in the error.
    pub fn check(self, channels: usize, what: &str) -> Result<(), DspError> {
        let known = match self {
            Placement::Stereo => true,
            Placement::Mid | Placement::Side => channels <= 2,
            Placement::Left | Placement::Right => channels == 2,
        };
        if known {
            return Ok(());
        }
        Err(DspError::Invalid(format!(
            "{what} works on the {}, but the sound has {channels} channel{}; put it on \"stereo\"",
            self.token(),
            if channels == 1 { "" } else { "s" }
        )))
    }

    /// How many planes [`Placement::through`] hands on.
    pub fn planes(self, channels: usize) -> usize {
        match self {
            Placement::Stereo => channels,
            Placement::Side if channels == 1 => 0,
            _ => 1,
        }
    }

    /// Hands the planes at this place to `work`, which changes them in place: in pieces, each with the frame of the block it starts at.
    pub fn through(self, block: &mut Block, mut work: impl FnMut(usize, &mut [&mut [f64]])) {
        match (self, block.channels.as_mut_slice()) {
            (Placement::Stereo, planes) => {
                let mut planes: Vec<&mut [f64]> = planes.iter_mut().map(Vec::as_mut_slice).collect();
                work(0, &mut planes);
            }
            (Placement::Mid, [one]) | (Placement::Left, [one, _]) | (Placement::Right, [_, one]) => {
                work(0, &mut [one.as_mut_slice()]);
            }
            (Placement::Mid, [left, right]) => between(left, right, 1.0, work),
            (Placement::Side, [left, right]) => between(left, right, -1.0, work),
            _ => {}
        }
    }

    /// The planes at this place, some frames of `block` read into `to`.
    pub fn read(self, block: &Block, frames: Range<usize>, to: &mut Vec<Vec<f64>>) {
        to.resize_with(self.planes(block.channels.len()), Vec::new);
        let sign = if self == Placement::Side { -1.0 } else { 1.0 };
        match (self, block.channels.as_slice(), to.as_mut_slice()) {
            (Placement::Mid | Placement::Side, [left, right], [plane]) => {
                plane.resize(frames.len(), 0.0);
                let (left, right) = (&left[frames.clone()], &right[frames]);
                lanes::wide(
                    #[inline(always)]
                    || mix(plane, left, right, sign),
                );
            }
            (Placement::Left | Placement::Mid, [one, ..], [plane])
            | (Placement::Right, [_, one], [plane]) => {
                plane.clear();
                plane.extend_from_slice(&one[frames.clone()]);
            }
            (Placement::Stereo, all, planes) => {
                for (plane, one) in planes.iter_mut().zip(all) {
                    plane.clear();
                    plane.extend_from_slice(&one[frames.clone()]);
                }
            }
            _ => {}
        }
    }
}

#[inline(always)]
fn mix(to: &mut [f64], left: &[f64], right: &[f64], sign: f64) {
    for ((to, l), r) in to.iter_mut().zip(left).zip(right) {
        *to = 0.5 * (l + sign * r);
    }
}

fn between(left: &mut [f64], right: &mut [f64], sign: f64, mut work: impl FnMut(usize, &mut [&mut [f64]])) {
    let mut changed = [0.0; PIECE_FRAMES];
    let pieces = left.chunks_mut(PIECE_FRAMES).zip(right.chunks_mut(PIECE_FRAMES));
    for (piece, (left, right)) in pieces.enumerate() {
        let changed = &mut changed[..left.len().min(right.len())];
        lanes::wide(
            #[inline(always)]
            || mix(changed, left, right, sign),
        );
        work(piece * PIECE_FRAMES, &mut [&mut *changed]);
        lanes::wide(
            #[inline(always)]
            || {
                for ((changed, l), r) in changed.iter().zip(left).zip(right) {
                    let by = changed - 0.5 * (*l + sign * *r);
                    (*l, *r) = (*l + by, *r + sign * by);
                }
            },
        );
    }
}
