//! What one key makes of a running order. What cannot be is said with the next step; what the studio takes it says itself. Never here: what is sent, drawing.

use deadwax_proto::v1::{FadeShape, SpacingItem};

use super::{on_record, placing::shape};
use crate::{
    play::Shape,
    tui::rows::{self, Project},
};

/// Of `SpacingItem.gain_cb`.
pub const GAIN_CB_MAX: i32 = 600;
/// Ten minutes: no key is held for longer.
const LONGEST_MS: i64 = 600_000;
/// The steps of a fade.
const FADES_MS: [u32; 12] = [0, 50, 250, 500, 1_000, 2_000, 3_000, 5_000, 8_000, 12_000, 20_000, 30_000];
/// Up to where a trim goes in steps of how much: what is cut close to the music is cut finely.
const TRIMS_MS: [(u32, u32); 4] = [(200, 10), (1_000, 50), (5_000, 250), (u32::MAX, 1_000)];

const FIRST: &str = "Nothing comes before the first song.";
const SIDE: &str =
    "A side begins with this song: nothing sounds over into it. B lets the side begin elsewhere.";
const HIDDEN: &str =
    "The song in the pre-gap has to be the first. P on it brings it out, then the order can change.";
const ALONE: &str = "A record of one song would have no track: nothing can be hidden before it.";
const SPENT: &str = "No more can be cut: of the song must be left what its crossfades need.";

/// One change by a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Up,
    Down,
    /// More silence before the song; below none it is a crossfade, and the other way round.
    Gap(i32),
    /// Longer or shorter together with the song before.
    Crossfade(i32),
    /// One step longer, or shorter.
    FadeIn(bool),
    FadeOut(bool),
    /// One step more off its head, or less.
    TrimIn(bool),
    TrimOut(bool),
    Shape,
    /// In hundredths of a decibel.
    Gain(i32),
    /// Into the pre-gap of the first track, or out of it.
    Hidden,
}

/// Applies it to the song at this place; answers where the song is then.
pub(super) fn apply(
    rows: &Project,
    items: &mut [SpacingItem],
    at: usize,
    change: Change,
) -> Result<usize, &'static str> {
    match change {
        Change::Up | Change::Down => return moved(items, at, change == Change::Up),
        Change::Gap(_) | Change::Crossfade(_) => joint(rows, items, at, change)?,
        Change::FadeIn(longer) => items[at].fade_in_ms = faded(items[at].fade_in_ms, longer),
        Change::FadeOut(longer) => items[at].fade_out_ms = faded(items[at].fade_out_ms, longer),
        Change::TrimIn(more) => {
            items[at].trim_in_ms = trimmed(rows, items, at, (items[at].trim_in_ms, more))?;
        }
        Change::TrimOut(more) => {
            items[at].trim_out_ms = trimmed(rows, items, at, (items[at].trim_out_ms, more))?;
        }
        Change::Shape => {
            let next = match shape(&items[at]) {
                Shape::EqualPower => FadeShape::Linear,
                Shape::Linear => FadeShape::Exponential,
                Shape::Exponential => FadeShape::EqualPower,
            };
            items[at].set_shape(next);
        }
        Change::Gain(by) => {
            let next = items[at].gain_cb.saturating_add(by).clamp(-GAIN_CB_MAX, GAIN_CB_MAX);
            if next == items[at].gain_cb {
                return Err("A song is moved by 6 dB at most: the master is what it is.");
            }
            items[at].gain_cb = next;
        }
        Change::Hidden => match (at, items.len()) {
            (0, 1) => return Err(ALONE),
            (0, _) => items[0].hidden = !items[0].hidden,
            _ => {
                return Err("Only the first song can lie in the pre-gap, before track 1. [ moves it up.");
            }
        },
    }
    Ok(at)
}

fn moved(items: &mut [SpacingItem], at: usize, up: bool) -> Result<usize, &'static str> {
    let to = if up { at.checked_sub(1) } else { Some(at + 1) };
    let to = to.filter(|to| *to < items.len()).ok_or("It is at the end already.")?;
    if at.min(to) == 0 && items[0].hidden {
        return Err(HIDDEN);
    }
    items.swap(at, to);
    // What lies before the first song is the joint's, not the song's.
    if at.min(to) == 0
        && let [first, second, ..] = items
    {
        (second.gap_ms, second.crossfade_ms) = (first.gap_ms, first.crossfade_ms);
        second.begins_side = first.begins_side;
        (first.gap_ms, first.crossfade_ms, first.begins_side) = (0, 0, false);
    }
    Ok(to)
}

/// One scale: a crossfade is a gap below none.
fn joint(rows: &Project, items: &mut [SpacingItem], at: usize, change: Change) -> Result<(), &'static str> {
    if at == 0 {
        return Err(FIRST);
    }
    let now = i64::from(items[at].gap_ms) - i64::from(items[at].crossfade_ms);
    let most = i64::try_from(together_ms_max(rows, &items[at - 1], &items[at])).unwrap_or(i64::MAX);
    let next = match change {
        // A crossfade that is asked for begins at once, whatever silence there was.
        Change::Crossfade(by) => (now.min(0) - i64::from(by)).clamp(-most, 0),
        Change::Gap(by) => (now + i64::from(by)).clamp(-most, LONGEST_MS),
        _ => now,
    };
    if next < 0 && next < now && items[at].begins_side {
        return Err(SIDE);
    }
    if next == now {
        return Err(if next < 0 {
            "The crossfade is as long as the shorter song."
        } else {
            "There is no crossfade here."
        });
    }
    items[at].gap_ms = u32::try_from(next.max(0)).unwrap_or(0);
    items[at].crossfade_ms = u32::try_from((-next).max(0)).unwrap_or(0);
    Ok(())
}

/// The next step; after the longest none.
fn faded(now: u32, longer: bool) -> u32 {
    if longer {
        FADES_MS.into_iter().find(|it| *it > now).unwrap_or(0)
    } else {
        FADES_MS.into_iter().rev().find(|it| *it < now).unwrap_or(0)
    }
}

/// One step further from `now`, or back. What is left of the song is as long as its crossfades at least.
fn trimmed(
    rows: &Project,
    items: &[SpacingItem],
    at: usize,
    (now, more): (u32, bool),
) -> Result<u32, &'static str> {
    let step_at = |ms: u32| TRIMS_MS.into_iter().find(|(to, _)| ms < *to).map_or(1_000, |(_, step)| step);
    if !more {
        if now == 0 {
            return Err("Nothing is cut there.");
        }
        let step = step_at(now - 1);
        return Ok((now - 1) / step * step);
    }
    let step = step_at(now);
    let next = (now / step + 1).saturating_mul(step);
    let item = &items[at];
    let after = items.get(at + 1).map_or(0, |it| it.crossfade_ms);
    let needed = (u64::from(item.crossfade_ms) + u64::from(after)).max(1);
    let both = u64::from(item.trim_in_ms) + u64::from(item.trim_out_ms) - u64::from(now) + u64::from(next);
    let long = length_ms(rows, item);
    if i64::from(next) > LONGEST_MS || (long > 0 && both + needed > long) {
        return Err(SPENT);
    }
    Ok(next)
}

/// Of its Main; 0 where nothing was measured.
fn length_ms(rows: &Project, item: &SpacingItem) -> u64 {
    rows.song(&item.song_id).and_then(|song| on_record(rows, song)).map_or(0, rows::length_ms)
}

/// Two songs cannot sound together for longer than what is left of the shorter one.
fn together_ms_max(rows: &Project, before: &SpacingItem, item: &SpacingItem) -> u64 {
    let left = |it: &SpacingItem| {
        length_ms(rows, it).saturating_sub(u64::from(it.trim_in_ms) + u64::from(it.trim_out_ms))
    };
    left(before).min(left(item))
}

/// The sides begin with these songs from now on, and with the first. False: one of them would be cut in a crossfade, and nothing changed.
pub(super) fn begin_sides(items: &mut [SpacingItem], starts: &[usize]) -> bool {
    // What is set so already can still be mended.
    let crosses = |at: &usize| items.get(*at).is_some_and(|it| it.crossfade_ms > 0 && !it.begins_side);
    if starts.iter().any(crosses) {
        return false;
    }
    for (at, item) in items.iter_mut().enumerate() {
        item.begins_side = at > 0 && starts.contains(&at);
    }
    true
}
