//! The record at one rate, slice by slice: the songs that sound, each with its gain, added up. Never here: files, word lengths.

use std::collections::BTreeMap;

use super::{CHANNELS, Timeline, voice::Voice};
use crate::{Block, DspError, lanes};

pub(super) struct Mix {
    pub rate: u32,
    pub record: Timeline,
    /// Of all songs, as a factor.
    album_gain: f64,
    /// Frames of the record that are made.
    pub at: u64,
    /// The last slice.
    pub block: Block,
    song: Block,
    gains: Vec<f64>,
}

impl Mix {
    pub fn new(rate: u32, record: Timeline, album_gain: f64) -> Self {
        let (block, song) = (Block::new(CHANNELS, 0), Block::new(CHANNELS, 0));
        Mix { rate, record, album_gain, at: 0, block, song, gains: Vec::new() }
    }

    /// Makes the frames up to `to`. A song without a voice is nobody's and stays silent. `line`: the place of this rate in the voices.
    pub fn slice(
        &mut self,
        to: u64,
        line: usize,
        voices: &mut BTreeMap<usize, Voice>,
    ) -> Result<(), DspError> {
        let from = self.at;
        let frames = usize::try_from(to - from).expect("a slice is as long as a block");
        self.block.resize(CHANNELS, 0);
        self.block.resize(CHANNELS, frames);
        self.block.channels.iter_mut().for_each(|plane| plane.fill(0.0));
        // Up to here there is sound already: behind it a sample is laid down, not added to silence, which would cost minus zero its sign.
        let mut laid = from;
        for n in self.record.sounding(from, to) {
            let Some(voice) = voices.get_mut(&n) else { continue };
            let song = self.record.songs()[n];
            let (first, behind) = (song.start.max(from), song.end().min(to));
            if first >= behind {
                continue;
            }
            voice.take(line, (behind - first) as usize, &mut self.song)?;
            self.turn(n, first, behind);
            let over = laid.clamp(first, behind);
            let place = |frame: u64| (frame - from) as usize;
            for (plane, song) in self.block.channels.iter_mut().zip(&self.song.channels) {
                let (both, alone) = song.split_at((over - first) as usize);
                plane[place(first)..place(over)].iter_mut().zip(both).for_each(|(sum, s)| *sum += s);
                plane[place(over)..place(behind)].copy_from_slice(alone);
            }
            laid = laid.max(behind);
        }
        self.at = to;
        Ok(())
    }

    /// Brings what was taken of a song to its level.
    fn turn(&mut self, n: usize, from: u64, to: u64) {
        if let Some(gain) = self.record.steady_gain(n, from, to) {
            let gain = gain * self.album_gain;
            if gain != 1.0 {
                for plane in &mut self.song.channels {
                    lanes::wide(
                        #[inline(always)]
                        || plane.iter_mut().for_each(|s| *s *= gain),
                    );
                }
            }
            return;
        }
        self.gains.clear();
        self.gains.extend((from..to).map(|frame| self.record.gain_at(n, frame) * self.album_gain));
        for plane in &mut self.song.channels {
            plane.iter_mut().zip(&self.gains).for_each(|(s, gain)| *s *= gain);
        }
    }
}
