//! How many bytes a file will have: exact where no coder decides it, else an estimate that says so. Never here: writing.

use crate::{
    decode::Bext,
    write::{Encoding, Tags, pcm_bytes},
};

/// What FLAC makes of music, of the bytes of its samples: loud masters of 16 and 24 bits lie around these.
const FLAC_16: f64 = 0.68;
const FLAC_24: f64 = 0.66;
/// Bytes a second.
const MP3_320: f64 = 40_000.0;
const MP3_V0: f64 = 31_000.0;
const OPUS_160: f64 = 20_000.0;

pub(super) struct Sound<'a> {
    pub encoding: Encoding,
    pub sample_rate: u32,
    pub channels: usize,
    pub frames: u64,
    pub bext: Option<&'a Bext>,
    pub tags: Option<&'a Tags>,
}

/// Bytes, and whether they are exact.
pub(super) fn of_sound(it: &Sound<'_>) -> (u64, bool) {
    if let Some(bytes) = pcm_bytes(it.encoding, it.channels, it.frames, it.bext, it.tags) {
        return (bytes, true);
    }
    let samples = it.frames as f64 * it.channels as f64;
    let seconds = it.frames as f64 / f64::from(it.sample_rate.max(1));
    let sound = match it.encoding {
        Encoding::Flac16 => samples * 2.0 * FLAC_16,
        Encoding::Flac24 => samples * 3.0 * FLAC_24,
        Encoding::Mp3V0 => seconds * MP3_V0,
        Encoding::Opus160 => seconds * OPUS_160,
        _ => seconds * MP3_320,
    };
    let cover = it.tags.and_then(|tags| tags.cover.as_ref()).map_or(0, |cover| cover.bytes().len());
    (sound.round() as u64 + 8_192 + cover as u64, false)
}
