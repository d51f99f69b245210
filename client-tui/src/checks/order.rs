//! What the sound library is asked about a running order, whether it stands in rows or in a draft: where each song lies, in milliseconds, and how it sounds in its
//! place. Never here: rows, a figure of our own.

use deadwax_dsp::{
    album::Song,
    processors::fade::Shape,
    profile::{Figures, TrackFigures},
};

/// No figure of a server is trusted to be small.
pub const LENGTH_MAX: u64 = 1 << 48;

/// A song and what lies before it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Piece {
    /// 0 where nothing was measured.
    pub length_ms: u64,
    pub trim_in_ms: u32,
    pub trim_out_ms: u32,
    pub gap_ms: u32,
    pub crossfade_ms: u32,
}

/// A frame for a millisecond; fades and gains move nothing.
pub fn song(it: Piece) -> Song {
    Song {
        frames: it.length_ms.min(LENGTH_MAX),
        trim_in: it.trim_in_ms.into(),
        trim_out: it.trim_out_ms.into(),
        gap: it.gap_ms.into(),
        crossfade: it.crossfade_ms.into(),
        fade_in: 0,
        fade_out: 0,
        shape: Shape::Linear,
        gain_db: 0.0,
    }
}

/// As a song sounds on the record: with its gain. Of its file as a whole: what is trimmed was measured too. `None`: nothing was measured.
pub fn as_heard(title: &str, measured: Option<Figures>, gain_db: f64) -> TrackFigures {
    TrackFigures {
        title: title.trim().to_owned(),
        figures: measured.map(|it| it.louder(gain_db)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gain_moves_levels_and_no_range_and_silence_stays_silent() {
        let measured =
            Figures { integrated_lufs: -12.0, range_lu: 6.0, true_peak_dbtp: -1.0, ..Figures::default() };
        let it = as_heard(" Ash ", Some(measured), 1.5);
        assert_eq!((it.title.as_str(), it.figures.integrated_lufs, it.figures.range_lu), ("Ash", -10.5, 6.0));
        assert_eq!((it.figures.true_peak_dbtp, it.figures.max_momentary_lufs), (0.5, f64::NEG_INFINITY));
        assert_eq!(as_heard("", None, 3.0).figures, Figures::default());
        assert_eq!(song(Piece { length_ms: u64::MAX, ..Piece::default() }).frames, LENGTH_MAX);
    }
}
