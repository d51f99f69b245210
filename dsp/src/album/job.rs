//! What is asked of the renderer, what it gives back, and every refusal that needs no look into a file. Never here: sound.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{
    DspError, decode::Bext, dither::Dither, measure::Measurement, processors::fade::Shape, write::Encoding,
};

/// A disc has no more (IEC 60908).
pub const TRACKS_MAX: usize = 99;
/// Of a disc.
pub(super) const DISC_HZ: u32 = 44_100;
/// What the file systems of all desks take.
const NAME_MAX_BYTES: usize = 200;
/// An album is turned by no more than this: further out a unit was mistaken.
const ALBUM_GAIN_MAX_DB: f64 = 60.0;

/// One song of the record: the file that is signed, and how it lies.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    pub path: PathBuf,
    /// Of the file that was signed. Another file is refused.
    pub sha256: Option<String>,
    pub trim_in_ms: u32,
    pub trim_out_ms: u32,
    /// Silence before it.
    pub gap_ms: u32,
    /// How long it sounds together with the one before; then its gap is not used.
    pub crossfade_ms: u32,
    pub fade_in_ms: u32,
    pub fade_out_ms: u32,
    /// Of its fades and of the crossfade into it.
    pub shape: Shape,
    /// Hundredths of a decibel.
    pub gain_cb: i32,
    /// It lies in the pre-gap of the first track and is no track of its own. Only the first song can.
    pub hidden: bool,
}

impl Source {
    /// A song as it is, with nothing before it.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Source {
            path: path.into(),
            sha256: None,
            trim_in_ms: 0,
            trim_out_ms: 0,
            gap_ms: 0,
            crossfade_ms: 0,
            fade_in_ms: 0,
            fade_out_ms: 0,
            shape: Shape::default(),
            gain_cb: 0,
            hidden: false,
        }
    }

    pub(super) fn gain_db(&self) -> f64 {
        f64::from(self.gain_cb) / 100.0
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub songs: Vec<Source>,
    pub outputs: Vec<Output>,
    /// One gain for all songs: their levels against each other are kept.
    pub album_gain_db: f64,
    pub out_dir: PathBuf,
}

/// Where the record is cut into files.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Cut {
    /// In one piece.
    Whole,
    /// At INDEX 1 of every song: a gap belongs to the end of the track before it. The first begins with the record; where a song is hidden before it, at
    /// its own INDEX 1. Joined, with the hidden song, the tracks are the whole.
    Tracks,
    /// At INDEX 1 of these songs, by index: the first of every side after the first. Joined, the sides are the whole.
    Sides(Vec<usize>),
    /// The image of a disc: raw samples of 16 bits at 44.1 kHz, little endian, in sectors of 588 frames.
    Disc,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    pub cut: Cut,
    /// Of a disc: WAV of 16 bits, whose samples the image has without the header.
    pub encoding: Encoding,
    /// 0: that of the highest source; of a disc 44100.
    pub sample_rate: u32,
    /// One a file, in order; `/` parts folders. A file whose name is empty is not made: so tracks can go to outputs of different rates. With a hidden song
    /// tracks have one name a track, then it is left out, or one a song, then it is a file of its own.
    pub names: Vec<String>,
    /// `None`: the house's, which is plain triangular noise.
    pub dither: Option<Dither>,
    /// Of Broadcast Waves: one a file, in order, or none at all. Their levels are filled in.
    pub bext: Vec<Bext>,
}

impl Output {
    pub fn new(cut: Cut, encoding: Encoding, sample_rate: u32, names: Vec<String>) -> Self {
        Output { cut, encoding, sample_rate, names, dither: None, bext: Vec::new() }
    }
}

/// A file that was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    pub name: String,
    pub encoding: Encoding,
    pub sample_rate: u32,
    /// With the silence that a disc adds.
    pub frames: u64,
    pub bytes: u64,
    pub sha256: String,
    /// Its samples are those of the source, every one: nothing was cut, turned, resampled, rounded or dithered. A longer word holds a shorter one exactly.
    /// Of a disc: those of all its sources, with silence between them.
    pub exact: bool,
    /// Samples that were beyond full scale and had to be cut off at it. Always 0 for floats, which hold them, and for coders, which are judged by what
    /// comes back.
    pub over_full_scale: u64,
    /// The songs in whose stretch they are, each with how many: a crossfade counts for the song that it leads into.
    pub overs: Vec<(usize, u64)>,
    /// Of what is in the file; of a lossy one, of what a decoder makes of it.
    pub measurement: Measurement,
    pub tracks: Vec<TrackMark>,
    /// It stood finished already and was left as it was.
    pub resumed: bool,
}

/// Where a song lies in a file, in frames of the file. Those of a disc stand on sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackMark {
    /// By its index in the job. A hidden song has no mark but in a file of its own.
    pub song: usize,
    /// Where the pause before it begins; that of the first mark of a file is 0. The same as `index1` where there is no pause.
    pub index0: u64,
    pub index1: u64,
    /// Where the pause before the next begins, or the next itself, or the file ends.
    pub end: u64,
}

/// Where the work stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    /// For people: "song 3 of 12", "check side-a.wav".
    pub step: String,
    /// 0 to 1, never falling.
    pub fraction: f64,
    /// Files that are finished, and how many there will be.
    pub done: usize,
    pub files: usize,
}

impl Job {
    /// What can be refused without looking into a file. Errors: `Invalid`.
    pub fn check(&self) -> Result<(), DspError> {
        if self.songs.is_empty() {
            return wrong("the record has no songs: put at least one into the running order".into());
        }
        if self.outputs.is_empty() {
            return wrong("nothing is asked for: name at least one kind of file".into());
        }
        let gain = self.album_gain_db;
        if !gain.is_finite() || gain.abs() > ALBUM_GAIN_MAX_DB {
            return wrong(format!(
                "an album gain of {gain} dB cannot be meant: {ALBUM_GAIN_MAX_DB} dB is the most"
            ));
        }
        self.check_hidden()?;
        if self.songs[0].crossfade_ms > 0 {
            return wrong(
                "the first song has a crossfade, and nothing sounds before it: take it away".into(),
            );
        }
        for (n, output) in self.outputs.iter().enumerate() {
            self.check_output(output)
                .map_err(|what| DspError::Invalid(format!("output {}: {what}", n + 1)))?;
        }
        self.check_names()
    }

    fn check_hidden(&self) -> Result<(), DspError> {
        if let Some(n) = self.songs.iter().skip(1).position(|song| song.hidden) {
            return wrong(format!(
                "song {} is hidden and is not the first: only before the first track is there a pre-gap that no player stops at. \
                 Put it first, or let it be a track",
                n + 2
            ));
        }
        if self.songs[0].hidden && self.songs.len() < 2 {
            return wrong("the only song is hidden: there must be a track behind it".into());
        }
        Ok(())
    }

    fn check_output(&self, output: &Output) -> Result<(), String> {
        let tracks = self.tracks();
        let (few, many) = match &output.cut {
            Cut::Whole | Cut::Disc => (1, 1),
            Cut::Tracks => (tracks, self.songs.len()),
            Cut::Sides(firsts) => {
                self.check_sides(firsts)?;
                (firsts.len() + 1, firsts.len() + 1)
            }
        };
        let names = output.names.len();
        if output.names.iter().all(String::is_empty) {
            return Err("none of its files has a name: give one to those that are to be made".into());
        }
        if names != few && names != many {
            return Err(format!("it makes {few} files and has {names} names: give one a file"));
        }
        if !output.bext.is_empty() && output.bext.len() != names {
            return Err(format!(
                "{names} files and {} bext chunks: give one a file, or none",
                output.bext.len()
            ));
        }
        if output.cut == Cut::Disc {
            if output.encoding != Encoding::Wav16 || !matches!(output.sample_rate, 0 | DISC_HZ) {
                return Err(format!(
                    "a disc holds 16 bits at {DISC_HZ} Hz, not {} at {} Hz: ask for wav16 at {DISC_HZ}",
                    output.encoding, output.sample_rate
                ));
            }
            if tracks > TRACKS_MAX {
                return Err(format!(
                    "a disc has at most {TRACKS_MAX} tracks, not {tracks}: make two discs, or join songs"
                ));
            }
        }
        Ok(())
    }

    fn check_sides(&self, firsts: &[usize]) -> Result<(), String> {
        let mut before = 0;
        for &first in firsts {
            if first <= before || first >= self.songs.len() {
                return Err(format!(
                    "a side cannot begin with song {}: sides begin with songs 2 to {}, each behind the side before it",
                    first + 1,
                    self.songs.len()
                ));
            }
            if first == 1 && self.songs[0].hidden {
                return Err(
                    "the first side would hold the hidden song alone: begin the second side later".into()
                );
            }
            if self.songs[first].crossfade_ms > 0 {
                return Err(format!(
                    "song {} begins a side and sounds together with the one before, which is on the other side: take the \
                     crossfade away, or begin the side elsewhere",
                    first + 1
                ));
            }
            before = first;
        }
        Ok(())
    }

    fn check_names(&self) -> Result<(), DspError> {
        let mut taken = std::collections::BTreeSet::new();
        for name in self.names() {
            let plain = |part: &str| {
                !part.is_empty()
                    && !part.starts_with('.')
                    && part.len() <= NAME_MAX_BYTES
                    && !part.chars().any(|c| c.is_control() || matches!(c, '\\' | ':'))
            };
            if !name.split('/').all(plain) || name.ends_with(super::done::ENDING) {
                return wrong(format!("{name:?} cannot be the name of a file here: choose another"));
            }
            // Some desks do not tell capitals from small letters.
            if !taken.insert(name.to_lowercase()) {
                return wrong(format!("two files would be called {name:?}: give each a name of its own"));
            }
        }
        Ok(())
    }

    /// Of the files that are to be made.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.outputs.iter().flat_map(|output| &output.names).filter(|name| !name.is_empty())
    }

    /// Songs that are tracks.
    pub(super) fn tracks(&self) -> usize {
        self.songs.iter().filter(|song| !song.hidden).count()
    }
}

fn wrong(what: String) -> Result<(), DspError> {
    Err(DspError::Invalid(what))
}
