//! What is known of a record before it is made: its songs with their figures, how they lie, what stands on its label. Plain data; whoever keeps a studio
//! fills it in. Never here: rules, file names, samples.

use serde::{Deserialize, Serialize};

use super::{
    consistency::{TrackFigures, bands_of},
    label_copy::LabelCopy,
};
use crate::{Spec, inspect::Spectrum, measure::Measurement, processors::fade::Shape, write::Cover};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RecordSheet {
    /// Record n.
    pub number: u32,
    /// Titles, names and codes, with a row for every song.
    pub copy: LabelCopy,
    /// In the running order.
    pub songs: Vec<SongSheet>,
    /// The first song of every side after the first.
    pub sides: Vec<usize>,
    /// What it is pressed on, as profiles call it: `12" 33 rpm`; empty where nobody said.
    pub medium: String,
    /// Of all songs alike.
    pub album_gain_db: f64,
    /// Of the spaced record as one sound, where it was measured.
    pub album: Option<Figures>,
    /// A picture of megabytes is no part of a sheet as text: whoever sends one sends the picture beside it.
    #[serde(skip)]
    pub cover: Option<Cover>,
    /// Whom a plant may ask, for the cue sheet of the sides.
    pub contact: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SongSheet {
    /// Of the signed master.
    pub version: u32,
    /// The best of its files.
    pub source: AudioFile,
    pub figures: Figures,
    /// The other files of the master, of another rate or word length each: what asks for the very form takes it.
    #[serde(default)]
    pub others: Vec<FormatSheet>,
    pub alternates: Vec<AlternateSheet>,
    pub placing: Placing,
}

/// A song in another form, signed together with its best.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FormatSheet {
    pub source: AudioFile,
    pub figures: Figures,
}

impl SongSheet {
    /// 0 its best, from 1 its others.
    pub(crate) fn file(&self, pick: usize) -> &AudioFile {
        pick.checked_sub(1).and_then(|nth| self.others.get(nth)).map_or(&self.source, |it| &it.source)
    }

    pub(crate) fn figures_of(&self, pick: usize) -> Figures {
        pick.checked_sub(1).and_then(|nth| self.others.get(nth)).map_or(self.figures, |it| it.figures)
    }
}

/// A file that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioFile {
    /// "wav", "flac".
    pub container: String,
    /// "pcm", "mp3".
    pub codec: String,
    pub sample_rate: u32,
    pub bits: Option<u32>,
    pub float: bool,
    pub channels: usize,
    pub frames: u64,
}

impl AudioFile {
    /// `frames`: as they were counted.
    pub fn of(spec: &Spec, frames: u64) -> AudioFile {
        AudioFile {
            container: spec.container.to_owned(),
            codec: spec.codec.to_owned(),
            sample_rate: spec.sample_rate,
            bits: spec.bits,
            float: spec.float,
            channels: spec.channels,
            frames,
        }
    }

    pub(crate) fn lossy(&self) -> bool {
        matches!(self.codec.as_str(), "mp3" | "aac" | "vorbis" | "opus")
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AlternateSheet {
    /// "instrumental", "cut-30".
    pub token: String,
    pub source: AudioFile,
    pub figures: Figures,
    /// As of a song.
    #[serde(default)]
    pub others: Vec<FormatSheet>,
}

impl AlternateSheet {
    /// 0 its best, from 1 its others.
    pub(crate) fn file(&self, pick: usize) -> &AudioFile {
        pick.checked_sub(1).and_then(|nth| self.others.get(nth)).map_or(&self.source, |it| &it.source)
    }
}

/// How a song lies on the record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Placing {
    pub trim_in_ms: u32,
    pub trim_out_ms: u32,
    pub gap_ms: u32,
    pub crossfade_ms: u32,
    pub fade_in_ms: u32,
    pub fade_out_ms: u32,
    pub shape: Shape,
    /// In hundredths of a decibel.
    pub gain_cb: i32,
    /// It lies in the pre-gap of the first track. Only the first song can.
    pub hidden: bool,
}

/// Measured on the source, before any gain of the record. In JSON, which has no minus infinity, the level of silence is `null`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    #[serde(with = "level")]
    pub integrated_lufs: f64,
    #[serde(with = "level")]
    pub range_lu: f64,
    #[serde(with = "level")]
    pub max_momentary_lufs: f64,
    #[serde(with = "level")]
    pub max_short_term_lufs: f64,
    #[serde(with = "level")]
    pub true_peak_dbtp: f64,
    pub clipped_samples: u64,
    /// Levels of [`super::BANDS`], where a spectrum was taken.
    #[serde(with = "levels")]
    pub bands_dbfs: Option<[f64; 8]>,
}

impl Default for Figures {
    /// Silence.
    fn default() -> Self {
        let silent = f64::NEG_INFINITY;
        Figures {
            integrated_lufs: silent,
            range_lu: 0.0,
            max_momentary_lufs: silent,
            max_short_term_lufs: silent,
            true_peak_dbtp: silent,
            clipped_samples: 0,
            bands_dbfs: None,
        }
    }
}

impl Figures {
    pub fn of(measured: &Measurement, spectrum: Option<&Spectrum>) -> Figures {
        Figures {
            integrated_lufs: measured.integrated_lufs,
            range_lu: measured.loudness_range_lu,
            max_momentary_lufs: measured.max_momentary_lufs,
            max_short_term_lufs: measured.max_short_term_lufs,
            true_peak_dbtp: measured.true_peak_dbtp,
            clipped_samples: measured.clipped_samples,
            bands_dbfs: spectrum.map(bands_of),
        }
    }

    /// The same sound, louder by `db`.
    pub fn louder(self, db: f64) -> Figures {
        Figures {
            integrated_lufs: self.integrated_lufs + db,
            max_momentary_lufs: self.max_momentary_lufs + db,
            max_short_term_lufs: self.max_short_term_lufs + db,
            true_peak_dbtp: self.true_peak_dbtp + db,
            bands_dbfs: self.bands_dbfs.map(|bands| bands.map(|it| it + db)),
            ..self
        }
    }
}

impl RecordSheet {
    /// What is done to the level of a song.
    pub(crate) fn gain_db(&self, song: usize) -> f64 {
        self.album_gain_db + f64::from(self.songs[song].placing.gain_cb) / 100.0
    }

    /// As the song sounds on the record.
    pub(crate) fn heard(&self, song: usize) -> Figures {
        self.songs[song].figures.louder(self.gain_db(song))
    }

    /// The songs beside each other, as they sound on the record.
    pub fn beside(&self) -> Vec<TrackFigures> {
        let title = |song: usize| self.copy.tracks.get(song).map(|it| it.full_title()).unwrap_or_default();
        let of = |song: usize| TrackFigures { title: title(song), figures: self.heard(song) };
        (0..self.songs.len()).map(of).collect()
    }

    /// Every song that is a track of its own.
    pub(crate) fn tracks(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.songs.len()).filter(|song| !self.songs[*song].placing.hidden)
    }

    /// The songs of each side.
    pub(crate) fn sides(&self) -> Vec<std::ops::Range<usize>> {
        let starts = std::iter::once(0).chain(self.sides.iter().copied());
        let ends = self.sides.iter().copied().chain([self.songs.len()]);
        starts.zip(ends).map(|(from, to)| from..to).collect()
    }

    /// A song by name, for a sentence.
    pub(crate) fn called(&self, song: usize) -> String {
        match self.copy.tracks.get(song).map(|it| it.title.trim()) {
            Some(title) if !title.is_empty() => format!("\"{title}\""),
            _ => format!("song {}", song + 1),
        }
    }

    pub(crate) fn all_called(&self, songs: &[usize]) -> String {
        const NAMED: usize = 3;
        let names: Vec<String> = songs.iter().take(NAMED).map(|song| self.called(*song)).collect();
        match songs.len().saturating_sub(NAMED) {
            0 => names.join(", "),
            more => format!("{} and {more} more", names.join(", ")),
        }
    }
}

/// A level in JSON: a number, or `null` for silence.
mod level {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn number(level: f64) -> Option<f64> {
        Some(level).filter(|it| it.is_finite())
    }

    pub(super) fn serialize<S: Serializer>(level: &f64, to: S) -> Result<S::Ok, S::Error> {
        number(*level).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
        Ok(Option::deserialize(from)?.unwrap_or(f64::NEG_INFINITY))
    }
}

/// The same for the bands.
mod levels {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(bands: &Option<[f64; 8]>, to: S) -> Result<S::Ok, S::Error> {
        bands.map(|bands| bands.map(super::level::number)).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<[f64; 8]>, D::Error> {
        let bands: Option<[Option<f64>; 8]> = Option::deserialize(from)?;
        Ok(bands.map(|bands| bands.map(|band| band.unwrap_or(f64::NEG_INFINITY))))
    }
}
