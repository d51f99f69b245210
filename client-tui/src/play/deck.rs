//! What lies on the player with its sounds: reads a stretch of it, levels applied, as far as it is there. Made before it is handed to the engine, so that
//! the engine allocates nothing. Never here: time, fades of the player, what was asked.

use std::sync::Arc;

use deadwax_dsp::{
    album::{Song, Timeline},
    math::linear,
    processors::fade,
};

use super::{
    AlbumItem, Deck, Frame, Level, Shape, Sound, Status, Track, TrackStatus,
    heard::{Heard, HeardRange},
    level::gains_db,
};

/// A change of level takes so long: long enough for no zipper, short enough to feel like a switch.
const RAMP_MS: u64 = 20;
/// Rates that a deck may have.
const RATES_HZ: std::ops::RangeInclusive<u32> = 8_000..=384_000;

/// Why a deck cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeckFault {
    #[error("there is nothing on the deck")]
    Empty,
    #[error("the deck has {tracks} tracks and {sounds} sounds")]
    Sounds { tracks: usize, sounds: usize },
    #[error("a deck at {0} Hz cannot be played; 8000 to 384000 Hz can")]
    Rate(u32),
}

/// A deck, its sounds in the same order, and their common rate.
pub struct Loaded {
    deck: Deck,
    sounds: Vec<Arc<dyn Sound>>,
    rate: u32,
    frames: u64,
    /// `None`: side by side.
    record: Option<Timeline>,
    gains: Vec<Gain>,
    ramp_frames: u32,
    /// How many frames are left until the gains are at their goal.
    ramp_left: u32,
    heard: Heard,
}

/// Of one track: the level mode's part.
struct Gain {
    from: f32,
    to: f32,
    to_db: f64,
}

impl Loaded {
    /// Errors: an empty deck, another number of sounds than tracks, a rate outside of 8 to 384 kHz.
    pub fn new(deck: Deck, sounds: Vec<Arc<dyn Sound>>, rate: u32) -> Result<Loaded, DeckFault> {
        let count = tracks(&deck).count();
        if count == 0 {
            return Err(DeckFault::Empty);
        }
        if count != sounds.len() {
            return Err(DeckFault::Sounds { tracks: count, sounds: sounds.len() });
        }
        if !RATES_HZ.contains(&rate) {
            return Err(DeckFault::Rate(rate));
        }
        let record = match &deck {
            Deck::Side { .. } => None,
            Deck::Album { items } => Some(timeline(items, &sounds, rate)),
        };
        let frames = match &record {
            Some(record) => record.frames(),
            None => sounds.iter().map(|sound| sound.frames()).max().unwrap_or(0),
        };
        let ramp_frames = u32::try_from(u64::from(rate) * RAMP_MS / 1000).unwrap_or(1).max(1);
        let gains = (0..count).map(|_| Gain { from: 1.0, to: 1.0, to_db: 0.0 }).collect();
        let heard = Heard::new();
        Ok(Loaded { deck, sounds, rate, frames, record, gains, ramp_frames, ramp_left: 0, heard })
    }

    pub fn deck(&self) -> &Deck {
        &self.deck
    }

    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Side by side: of the longest track.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// Moves what was heard since the last call behind `into`.
    pub fn take_heard(&mut self, into: &mut Vec<HeardRange>) {
        self.heard.take(into);
    }

    pub(super) fn tracks(&self) -> usize {
        self.sounds.len()
    }

    /// The track that the deck itself names.
    pub(super) fn first_heard(&self) -> usize {
        match &self.deck {
            Deck::Side { heard, .. } => (*heard).min(self.tracks() - 1),
            Deck::Album { .. } => 0,
        }
    }

    /// On an album the song at a frame, else the one chosen.
    pub(super) fn sounding(&self, chosen: usize, at: u64) -> usize {
        self.record.as_ref().map_or(chosen, |record| record.current(at))
    }

    /// Where a song of the record begins; `None` side by side.
    pub(super) fn start_of(&self, index: usize) -> Option<u64> {
        self.record.as_ref()?.songs().get(index).map(|song| song.start)
    }

    /// The level mode's gains, at once or as a ramp from where they are now.
    pub(super) fn set_level(&mut self, level: Level, at_once: bool) {
        let (left, over) = (self.ramp_left, self.ramp_frames);
        for (gain, to_db) in self.gains.iter_mut().zip(gains_db(&self.deck, level)) {
            let to = linear(to_db) as f32;
            let from = if at_once { to } else { gain.at(left, over) };
            *gain = Gain { from, to, to_db };
        }
        self.ramp_left = if at_once { 0 } else { over };
    }

    /// Frames went by.
    pub(super) fn passed(&mut self, frames: usize) {
        self.ramp_left = self.ramp_left.saturating_sub(u32::try_from(frames).unwrap_or(u32::MAX));
    }

    /// Fills `out` from frame `at` of the deck on and answers how many frames are there. `one` is room for as many.
    pub(super) fn read(&self, chosen: usize, at: u64, out: &mut [Frame], one: &mut [Frame]) -> usize {
        match &self.record {
            None => self.read_side(chosen, at, out),
            Some(record) => self.read_record(record, at, out, one),
        }
    }

    fn read_side(&self, chosen: usize, at: u64, out: &mut [Frame]) -> usize {
        let sound = &self.sounds[chosen];
        let inside = held(out.len(), sound.frames().saturating_sub(at));
        // Behind the end of a shorter track is silence.
        out[inside..].fill([0.0; 2]);
        let got = if inside == 0 { 0 } else { sound.read(at, &mut out[..inside]).min(inside) };
        let gain = &self.gains[chosen];
        if self.ramp_left > 0 {
            for (i, frame) in out[..got].iter_mut().enumerate() {
                let now = gain.at(self.left_at(i), self.ramp_frames);
                *frame = frame.map(|sample| sample * now);
            }
        } else if gain.to != 1.0 {
            out[..got].iter_mut().for_each(|frame| *frame = frame.map(|sample| sample * gain.to));
        }
        if got == inside { out.len() } else { got }
    }

    fn read_record(&self, record: &Timeline, at: u64, out: &mut [Frame], one: &mut [Frame]) -> usize {
        let to = at + out.len() as u64;
        let mut ready = out.len();
        out.fill([0.0; 2]);
        for index in record.sounding(at, to) {
            let song = record.songs()[index];
            let (from, to) = (at.max(song.start), to.min(song.end()));
            // Of a song of which trims leave nothing no frame is asked for: there may be none.
            if from >= to {
                continue;
            }
            let (skip, count) = ((from - at) as usize, (to - from) as usize);
            let got = self.sounds[index].read(song.trim_in + from - song.start, &mut one[..count]).min(count);
            if got < count {
                ready = ready.min(skip + got);
            }
            let steady = record.steady_gain(index, from, to);
            let gain = &self.gains[index];
            for (i, (out, frame)) in out[skip..].iter_mut().zip(&one[..got]).enumerate() {
                let placed = steady.unwrap_or_else(|| record.gain_at(index, from + i as u64)) as f32;
                let now = placed * gain.at(self.left_at(skip + i), self.ramp_frames);
                out[0] += frame[0] * now;
                out[1] += frame[1] * now;
            }
        }
        ready
    }

    fn left_at(&self, i: usize) -> u32 {
        self.ramp_left.saturating_sub(u32::try_from(i).unwrap_or(u32::MAX))
    }

    /// Says to every sound that is heard in frames `from..to` that it will be read there.
    pub(super) fn want(&self, chosen: usize, from: u64, to: u64) {
        match &self.record {
            None if from < self.sounds[chosen].frames() => self.sounds[chosen].want(from),
            None => {}
            Some(record) => {
                for index in record.sounding(from, to) {
                    let song = record.songs()[index];
                    if song.frames > 0 {
                        self.sounds[index].want(song.trim_in + from.saturating_sub(song.start));
                    }
                }
            }
        }
    }

    /// Side by side: the others stand ready at the same position.
    pub(super) fn want_others(&self, chosen: usize, at: u64) {
        if self.record.is_none() {
            (0..self.tracks()).filter(|other| *other != chosen).for_each(|other| self.want(other, at, at));
        }
    }

    /// The songs that begin in frames `from..to` will be read from where they begin to sound.
    pub(super) fn want_next(&self, from: u64, to: u64) {
        if let Some(record) = &self.record {
            for index in record.sounding(from, to).filter(|index| record.songs()[*index].start > from) {
                let song = record.songs()[index];
                if song.frames > 0 {
                    self.sounds[index].want(song.trim_in);
                }
            }
        }
    }

    /// Frames of the deck left the player.
    pub(super) fn was_heard(&mut self, chosen: usize, at: u64, frames: u64) {
        let to = at + frames;
        match &self.record {
            None => {
                let end = to.min(self.sounds[chosen].frames());
                self.heard.add(chosen, at, end);
            }
            Some(record) => {
                for index in record.sounding(at, to) {
                    let song = record.songs()[index];
                    let (from, to) = (at.max(song.start), to.min(song.end()));
                    // Of the file: what is cut from its head was not heard.
                    let of_file = |frame: u64| song.trim_in + (frame - song.start);
                    if from < to {
                        self.heard.add(index, of_file(from), of_file(to));
                    }
                }
            }
        }
    }

    pub(super) fn tell(&self, status: &mut Status) {
        status.rate = self.rate;
        status.frames = self.frames;
        let placed = |index: usize| match &self.deck {
            Deck::Side { .. } => 0.0,
            Deck::Album { items } => items[index].gain_db,
        };
        let told = self.gains.iter().zip(&self.sounds).enumerate().map(|(index, (gain, sound))| {
            TrackStatus { gain_db: gain.to_db + placed(index), here: sound.here(), problem: sound.problem() }
        });
        status.tracks.extend(told);
    }
}

impl Gain {
    /// With `left` of `over` frames of the ramp to come.
    fn at(&self, left: u32, over: u32) -> f32 {
        if left == 0 { self.to } else { self.to + (self.from - self.to) * (left as f32 / over as f32) }
    }
}

fn held(len: usize, room: u64) -> usize {
    usize::try_from(room).map_or(len, |room| room.min(len))
}

/// The files of a deck in their order.
pub fn tracks(deck: &Deck) -> Box<dyn Iterator<Item = &Track> + '_> {
    match deck {
        Deck::Side { tracks, .. } => Box::new(tracks.iter()),
        Deck::Album { items } => Box::new(items.iter().map(|item| &item.track)),
    }
}

/// The rate of a record and where its songs lie, before their sounds are there: the lengths are those that the rows tell, brought to the deck's rate.
pub fn joints(items: &[AlbumItem]) -> (u32, Timeline) {
    let rate = items.first().map_or(0, |item| item.track.sample_rate).max(1);
    let length = |item: &AlbumItem| {
        let from = u128::from(item.track.sample_rate.max(1));
        // As the resampler rounds it.
        u64::try_from((u128::from(item.track.frames) * u128::from(rate) + from / 2) / from)
            .unwrap_or(u64::MAX)
    };
    (rate, placed(items, items.iter().map(length), rate))
}

fn timeline(items: &[AlbumItem], sounds: &[Arc<dyn Sound>], rate: u32) -> Timeline {
    placed(items, sounds.iter().map(|sound| sound.frames()), rate)
}

/// The joints in frames: milliseconds rounded to the nearest frame at the deck's rate.
fn placed(items: &[AlbumItem], lengths: impl Iterator<Item = u64>, rate: u32) -> Timeline {
    let frames = |ms: u32| (u64::from(ms) * u64::from(rate) + 500) / 1000;
    items
        .iter()
        .zip(lengths)
        .map(|(item, length)| Song {
            frames: length,
            trim_in: frames(item.trim_in_ms),
            trim_out: frames(item.trim_out_ms),
            gap: frames(item.gap_ms),
            crossfade: frames(item.crossfade_ms),
            fade_in: frames(item.fade_in_ms),
            fade_out: frames(item.fade_out_ms),
            shape: match item.shape {
                Shape::EqualPower => fade::Shape::EqualPower,
                Shape::Linear => fade::Shape::Linear,
                Shape::Exponential => fade::Shape::Exponential,
            },
            gain_db: item.gain_db,
        })
        .collect()
}
