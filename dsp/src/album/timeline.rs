//! A record as one stretch of time: where each song begins, how it comes in and goes out, how loud it is at any frame. The player and the renderer of a
//! record both ask here, so that what was signed by ear is what is pressed. Never here: samples, files, the words of the studio.
//!
//! With `n` the frames of a song that sound (its frames less both trims) and `t` one of them, from 0:
//!
//! - Frame `t` is frame `trim_in + t` of the song's file. Trims longer than the song leave nothing of it.
//! - It begins `gap` frames behind the end of the one before, or `crossfade` frames before that end; then `gap` is not used.
//! - In: `g((t + 1/2) / a)` for `t < a`, where `a` is the longer of its fade in and its crossfade. Out: `g((n - t - 1/2) / b)` for `t >= n - b`, where `b` is
//!   the longer of its fade out and the crossfade into the next. `g` is the shape's fade in ([`Shape::gain`]); the shape of a crossfade is that of the song
//!   that comes in, for both of them.
//! - The halves put every frame into the middle of its share of the fade: in and out mirror each other exactly, and two linear fades add up to 1.
//! - Gain at a frame: in x out x 10^(gain_db / 20).
//!
//! A crossfade is held to the room that there is: never longer than either song, and never into the crossfade before it. So two songs sound at a time at most.

use std::iter::Fuse;

use crate::{math::linear, processors::fade::Shape};

/// A song as it is to lie on the record, in frames.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Song {
    /// Of the whole file.
    pub frames: u64,
    /// Cut from its head.
    pub trim_in: u64,
    /// Cut from its tail.
    pub trim_out: u64,
    /// Silence before it.
    pub gap: u64,
    /// How long it sounds together with the one before. Nothing for the first.
    pub crossfade: u64,
    pub fade_in: u64,
    pub fade_out: u64,
    /// Of its fades and of the crossfade into it.
    pub shape: Shape,
    pub gain_db: f64,
}

/// A song in its place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// On the record, in frames.
    pub start: u64,
    /// That sound.
    pub frames: u64,
    /// The first frame of the file that sounds.
    pub trim_in: u64,
    trim_out: u64,
    fade_in: u64,
    shape_in: Shape,
    fade_out: u64,
    shape_out: Shape,
    /// Factor of amplitude.
    gain: f64,
}

impl Placed {
    pub fn end(&self) -> u64 {
        self.start.saturating_add(self.frames)
    }

    /// Nothing is cut from it, faded or turned: it sounds as its file has it, from end to end.
    pub fn untouched(&self) -> bool {
        (self.trim_in, self.trim_out, self.fade_in, self.fade_out) == (0, 0, 0, 0) && self.gain == 1.0
    }

    /// At a frame of the song; 0 where there is none.
    fn gain(&self, t: u64) -> f64 {
        if t >= self.frames {
            return 0.0;
        }
        let mut gain = self.gain;
        if t < self.fade_in {
            gain *= self.shape_in.gain((t as f64 + 0.5) / self.fade_in as f64);
        }
        let left = self.frames - t;
        if left <= self.fade_out {
            gain *= self.shape_out.gain((left as f64 - 0.5) / self.fade_out as f64);
        }
        gain
    }
}

/// Songs in their places, one after the other, with no list of them all: what is known of a song is known when the one behind it is there, because a crossfade
/// into that one is its fade out as well. The one rule of where a song lies; a [`Timeline`] is what it gives.
#[derive(Clone, Debug)]
pub struct Places<I: Iterator<Item = Song>> {
    songs: Fuse<I>,
    /// Placed already, and not given out yet.
    before: Option<Placed>,
    /// How much of the song before is already given to the crossfade into it.
    used: u64,
    end: u64,
}

/// Where these songs lie, in their order.
pub fn places<I: IntoIterator<Item = Song>>(songs: I) -> Places<I::IntoIter> {
    Places { songs: songs.into_iter().fuse(), before: None, used: 0, end: 0 }
}

impl<I: Iterator<Item = Song>> Places<I> {
    /// Behind the one before, which may get its fade out from it.
    fn place(&mut self, song: &Song) -> Placed {
        let frames = song.frames.saturating_sub(song.trim_in).saturating_sub(song.trim_out);
        let room = self.before.as_ref().map_or(0, |before| before.frames - self.used);
        let crossfade = song.crossfade.min(room).min(frames);
        let gap = if self.before.is_some() && song.crossfade > 0 { 0 } else { song.gap };
        if let Some(before) = &mut self.before
            && crossfade > before.fade_out
        {
            (before.fade_out, before.shape_out) = (crossfade, song.shape);
        }
        let start = self.end.saturating_add(gap) - crossfade;
        self.used = crossfade;
        self.end = start.saturating_add(frames);
        Placed {
            start,
            frames,
            trim_in: song.trim_in,
            trim_out: song.trim_out,
            fade_in: song.fade_in.max(crossfade).min(frames),
            shape_in: song.shape,
            fade_out: song.fade_out.min(frames),
            shape_out: song.shape,
            gain: linear(song.gain_db),
        }
    }
}

impl<I: Iterator<Item = Song>> Iterator for Places<I> {
    type Item = Placed;

    fn next(&mut self) -> Option<Placed> {
        while let Some(song) = self.songs.next() {
            let placed = self.place(&song);
            if let Some(before) = self.before.replace(placed) {
                return Some(before);
            }
        }
        self.before.take()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let kept = usize::from(self.before.is_some());
        let (least, most) = self.songs.size_hint();
        (least.saturating_add(kept), most.and_then(|it| it.checked_add(kept)))
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    placed: Vec<Placed>,
    frames: u64,
}

impl FromIterator<Song> for Timeline {
    fn from_iter<T: IntoIterator<Item = Song>>(songs: T) -> Timeline {
        let placed: Vec<Placed> = places(songs).collect();
        let frames = placed.last().map_or(0, Placed::end);
        Timeline { placed, frames }
    }
}

impl Timeline {
    pub fn new(songs: &[Song]) -> Timeline {
        songs.iter().copied().collect()
    }

    /// Of the whole record.
    pub fn frames(&self) -> u64 {
        self.frames
    }

    /// In their order.
    pub fn songs(&self) -> &[Placed] {
        &self.placed
    }

    /// The gain of a song at a frame of the record; 0 outside of it.
    pub fn gain_at(&self, index: usize, frame: u64) -> f64 {
        match self.placed.get(index) {
            Some(song) if frame >= song.start => song.gain(frame - song.start),
            _ => 0.0,
        }
    }

    /// The gain of a song where it is the same over frames `from..to` of the record; `None` inside of a fade.
    pub fn steady_gain(&self, index: usize, from: u64, to: u64) -> Option<f64> {
        let song = self.placed.get(index)?;
        let steady =
            from >= song.start.saturating_add(song.fade_in) && to.saturating_add(song.fade_out) <= song.end();
        steady.then_some(song.gain)
    }

    /// The songs that sound anywhere in frames `from..to`, by index, in their order.
    pub fn sounding(&self, from: u64, to: u64) -> std::ops::Range<usize> {
        // Ends and starts grow along the record.
        let first = self.placed.partition_point(|song| song.end() <= from);
        let behind = self.placed.partition_point(|song| song.start < to);
        first..behind.max(first)
    }

    /// The song that began last at or before a frame; the first one before that.
    pub fn current(&self, frame: u64) -> usize {
        self.placed.partition_point(|song| song.start <= frame).saturating_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn song(frames: u64) -> Song {
        let shape = Shape::EqualPower;
        Song {
            frames,
            trim_in: 0,
            trim_out: 0,
            gap: 0,
            crossfade: 0,
            fade_in: 0,
            fade_out: 0,
            shape,
            gain_db: 0.0,
        }
    }

    #[test]
    fn trims_shorten_a_song_and_its_fades_lie_on_what_is_left() {
        let trimmed = Song { trim_in: 10, trim_out: 30, fade_in: 5, fade_out: 6, ..song(100) };
        let record = Timeline::new(&[trimmed, Song { gap: 4, ..song(50) }]);
        let left =
            Timeline::new(&[Song { fade_in: 5, fade_out: 6, ..song(60) }, Song { gap: 4, ..song(50) }]);
        assert_eq!(record.frames(), 114);
        assert_eq!(record.songs()[0].trim_in, 10);
        for frame in 0..114 {
            assert_eq!(record.gain_at(0, frame), left.gain_at(0, frame));
        }
        assert!(record.songs()[1].untouched());
        assert!(!Timeline::new(&[Song { trim_out: 1, ..song(9) }]).songs()[0].untouched());
        let nothing = Timeline::new(&[Song { trim_in: 60, trim_out: 60, ..song(100) }]);
        assert_eq!(nothing.frames(), 0);
    }

    #[test]
    fn songs_stand_behind_their_gaps_and_over_their_crossfades() {
        let record = Timeline::new(&[
            Song { gap: 7, ..song(100) },
            Song { gap: 20, ..song(50) },
            Song { gap: 99, crossfade: 10, ..song(80) },
        ]);
        let starts: Vec<u64> = record.songs().iter().map(|s| s.start).collect();
        assert_eq!(starts, [7, 127, 167]);
        assert_eq!(record.frames(), 247);
        assert_eq!(record.sounding(0, 7), 0..0);
        assert_eq!(record.sounding(6, 8), 0..1);
        assert_eq!(record.sounding(107, 127), 1..1);
        assert_eq!(record.sounding(167, 168), 1..3);
        assert_eq!(record.sounding(177, 178), 2..3);
        assert_eq!([0, 106, 126, 127, 166, 167, 999].map(|f| record.current(f)), [0, 0, 0, 1, 1, 2, 2]);
    }

    #[test]
    fn a_linear_crossfade_keeps_the_sum_and_an_equal_power_one_the_power() {
        for shape in [Shape::Linear, Shape::EqualPower] {
            let record = Timeline::new(&[song(100), Song { crossfade: 40, shape, ..song(100) }]);
            for frame in 0..record.frames() {
                let (a, b) = (record.gain_at(0, frame), record.gain_at(1, frame));
                let kept = if shape == Shape::Linear { a + b } else { a * a + b * b };
                assert!((kept - 1.0).abs() < 1e-12, "{shape:?} {frame}: {a} {b}");
            }
        }
    }

    #[test]
    fn fades_mirror_each_other_and_leave_the_middle_alone() {
        let item = Song { fade_in: 10, fade_out: 10, gain_db: -6.0, shape: Shape::Exponential, ..song(60) };
        let record = Timeline::new(&[item]);
        for t in 0..60 {
            assert_eq!(record.gain_at(0, t), record.gain_at(0, 59 - t), "{t}");
        }
        assert_eq!(record.gain_at(0, 30), linear(-6.0));
        assert_eq!(record.steady_gain(0, 10, 50), Some(linear(-6.0)));
        assert_eq!(record.steady_gain(0, 9, 50), None);
        assert_eq!(record.steady_gain(0, 10, 51), None);
        assert_eq!(record.gain_at(0, 60), 0.0);
    }

    #[test]
    fn crossfades_longer_than_the_songs_are_held_to_the_room_there_is() {
        let long = |frames| Song { crossfade: 1000, ..song(frames) };
        let record = Timeline::new(&[song(50), long(30), long(40), long(0), long(20)]);
        for frame in 0..record.frames() {
            let sounding = record.sounding(frame, frame + 1);
            assert!(sounding.len() <= 2, "{frame}: {sounding:?}");
            for index in sounding {
                let gain = record.gain_at(index, frame);
                assert!((0.0..=1.0).contains(&gain));
            }
        }
        assert!(record.songs().windows(2).all(|w| w[0].start <= w[1].start && w[0].end() <= w[1].end()));
        assert_eq!(Timeline::new(&[]).frames(), 0);
    }

    /// The same over a list that is there as a whole, where the song before can be changed in its place.
    fn over_a_list(songs: &[Song]) -> (Vec<Placed>, u64) {
        let mut placed: Vec<Placed> = Vec::new();
        let (mut used, mut end) = (0u64, 0u64);
        for (at, song) in songs.iter().enumerate() {
            let frames = song.frames.saturating_sub(song.trim_in).saturating_sub(song.trim_out);
            let room = if at == 0 { 0 } else { placed[at - 1].frames - used };
            let crossfade = song.crossfade.min(room).min(frames);
            let gap = if at > 0 && song.crossfade > 0 { 0 } else { song.gap };
            if at > 0 && crossfade > placed[at - 1].fade_out {
                (placed[at - 1].fade_out, placed[at - 1].shape_out) = (crossfade, song.shape);
            }
            let start = end.saturating_add(gap) - crossfade;
            placed.push(Placed {
                start,
                frames,
                trim_in: song.trim_in,
                trim_out: song.trim_out,
                fade_in: song.fade_in.max(crossfade).min(frames),
                shape_in: song.shape,
                fade_out: song.fade_out.min(frames),
                shape_out: song.shape,
                gain: linear(song.gain_db),
            });
            (used, end) = (crossfade, start.saturating_add(frames));
        }
        (placed, end)
    }

    proptest::proptest! {
        #[test]
        fn songs_placed_one_by_one_lie_where_they_lie_in_a_list(
            figures in proptest::collection::vec((0u64..9, 0u64..4, 0u64..4, 0u64..9, 0u64..9, 0u64..9, 0u64..9, 0usize..4), 0..12)
        ) {
            let song = |(frames, trim_in, trim_out, gap, crossfade, fade_in, fade_out, more)| Song {
                // Now and then so long that the record ends at the end of all numbers.
                frames: if more == 3 { u64::MAX - frames } else { frames * 10 },
                trim_in,
                trim_out,
                gap,
                crossfade: crossfade * 7 * (more as u64 & 1),
                fade_in,
                fade_out,
                shape: [Shape::Linear, Shape::EqualPower, Shape::Exponential][more % 3],
                gain_db: -(more as f64),
            };
            let songs: Vec<Song> = figures.into_iter().map(song).collect();
            let (placed, frames) = over_a_list(&songs);
            let record = Timeline::new(&songs);
            proptest::prop_assert_eq!(record.songs(), placed.as_slice());
            proptest::prop_assert_eq!(record.frames(), frames);
            let mut one_by_one = places(songs.iter().copied());
            proptest::prop_assert_eq!(one_by_one.size_hint(), (songs.len(), Some(songs.len())));
            proptest::prop_assert_eq!(one_by_one.by_ref().count(), songs.len());
            proptest::prop_assert!(one_by_one.next().is_none());
        }
    }
}
