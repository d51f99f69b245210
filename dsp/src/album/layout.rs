//! From the job and what the files say of themselves to frames: where every song lies at every rate, where every file begins and ends, which stretches
//! are handed on untouched. Never here: samples.

use std::path::Path;

use super::{CHANNELS, Cut, Job, Output, Song, Source, Timeline, TrackMark, job::DISC_HZ};
use crate::{
    Block, DspError, Spec,
    decode::{self, Bext},
    digest::digest_of,
    dither::{Dither, Quantiser},
    math::linear,
    write::Encoding,
};

/// Frames of a sector of a disc: 1/75 s.
pub(super) const SECTOR_FRAMES: u64 = 588;
/// Two seconds at least lie before INDEX 1 of the first track (IEC 60908).
pub(super) const PAUSE_FRAMES: u64 = 150 * SECTOR_FRAMES;
const READ_FRAMES: usize = 1 << 14;

/// A song's file, as far as it must be known before any of it is used.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub spec: Spec,
    pub frames: u64,
    pub sha256: String,
}

impl Known {
    /// Errors: those of `decode`, `Unsupported` for more than two channels.
    pub fn read(path: &Path, still: &mut dyn FnMut() -> Result<(), DspError>) -> Result<Known, DspError> {
        let mut source = decode::Source::open(path)?;
        let spec = source.spec().clone();
        if spec.channels > CHANNELS {
            return Err(DspError::unsupported(
                path,
                format!(
                    "it has {} channels, and a record is stereo: make a version of two channels",
                    spec.channels
                ),
            ));
        }
        let frames = match spec.frames.filter(|_| lossless(&spec)) {
            Some(frames) => frames,
            // What a coder says of its length is not always true: it is counted.
            None => {
                let mut block = Block::default();
                while source.read(&mut block, READ_FRAMES)? > 0 {
                    still()?;
                }
                source.position()
            }
        };
        if frames == 0 {
            return Err(DspError::not_audio(path, "it holds no sound"));
        }
        let sha256 = digest_of(path, &mut |_| still())?.sha256;
        Ok(Known { spec, frames, sha256 })
    }

    /// Files of this encoding hold every sample of it as it is.
    fn fits(&self, encoding: Encoding) -> bool {
        let bits = self.spec.bits.unwrap_or(u32::MAX);
        let room = match (self.spec.float, encoding.float()) {
            (false, false) => encoding.bits(),
            // The whole numbers that a float of 32 bits tells apart.
            (false, true) => 24,
            (true, true) => 32,
            (true, false) => return false,
        };
        lossless(&self.spec) && !encoding.lossy() && bits <= room
    }
}

fn lossless(spec: &Spec) -> bool {
    matches!(spec.codec, "pcm" | "flac" | "alac")
}

/// A stretch of the record from one INDEX 1 to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub from: u64,
    pub to: u64,
    pub file: usize,
    /// The song that begins in it, and the frames of the record where that one sounds.
    pub song: usize,
    pub song_from: u64,
    pub song_to: u64,
    /// Its samples stand on the grid of the file as they are: no dither.
    pub kept: bool,
}

#[derive(Clone, Debug)]
pub(super) struct FilePlan {
    /// Empty: it is not made.
    pub name: String,
    /// Of the record.
    pub from: u64,
    pub to: u64,
    /// Silence that a disc adds.
    pub lead: u64,
    pub pad: u64,
    /// The songs whose samples it has, every one of every song, with nothing but silence between them. None: it holds no song as it is.
    pub exact: Vec<usize>,
    pub marks: Vec<TrackMark>,
    pub bext: Option<Bext>,
}

impl FilePlan {
    pub fn asked(&self) -> bool {
        !self.name.is_empty()
    }

    pub fn frames(&self) -> u64 {
        self.lead + (self.to - self.from) + self.pad
    }
}

#[derive(Clone, Debug)]
pub(super) struct OutputPlan {
    pub encoding: Encoding,
    pub sample_rate: u32,
    pub dither: Dither,
    /// Without any header.
    pub raw: bool,
    pub pieces: Vec<Piece>,
    pub files: Vec<FilePlan>,
}

impl OutputPlan {
    pub fn quantiser(&self) -> Result<Quantiser, DspError> {
        Quantiser::with(CHANNELS, self.encoding.bits(), self.dither, self.sample_rate)
    }
}

/// Everything in frames.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub outputs: Vec<OutputPlan>,
}

/// The rate that an output is made at.
pub(super) fn rate_of(output: &Output, known: &[Known]) -> u32 {
    match (output.sample_rate, &output.cut) {
        (0, Cut::Disc) => DISC_HZ,
        (0, _) => known.iter().map(|song| song.spec.sample_rate).max().unwrap_or(DISC_HZ),
        (rate, _) => rate,
    }
}

/// The record at a rate. Errors: `Invalid` where trims or crossfades do not fit into a song.
pub(super) fn timeline(job: &Job, known: &[Known], rate: u32) -> Result<Timeline, DspError> {
    let frames = |ms: u32| (u64::from(ms) * u64::from(rate) + 500) / 1000;
    let song = |(song, known): (&Source, &Known)| Song {
        frames: at_rate(known.frames, known.spec.sample_rate, rate),
        trim_in: frames(song.trim_in_ms),
        trim_out: frames(song.trim_out_ms),
        gap: frames(song.gap_ms),
        crossfade: frames(song.crossfade_ms),
        fade_in: frames(song.fade_in_ms),
        fade_out: frames(song.fade_out_ms),
        shape: song.shape,
        gain_db: song.gain_db(),
    };
    let songs: Vec<Song> = job.songs.iter().zip(known).map(song).collect();
    for (n, song) in songs.iter().enumerate() {
        let trims = song.trim_in.saturating_add(song.trim_out);
        if trims >= song.frames {
            return Err(DspError::Invalid(format!(
                "song {} is {} long and {} are cut from it: nothing is left. Cut less",
                n + 1,
                clock(song.frames, rate),
                clock(trims, rate)
            )));
        }
        let left = song.frames - trims;
        let next = songs.get(n + 1).map_or(0, |next| next.crossfade);
        // Each of both may be rounded up by half a frame.
        if song.crossfade.saturating_add(next) > left + 1 {
            return Err(DspError::Invalid(format!(
                "the crossfades of song {} overlap: {} with the one before and {} with the next are more than its {}. Shorten one of them",
                n + 1,
                clock(song.crossfade, rate),
                clock(next, rate),
                clock(left, rate)
            )));
        }
    }
    Ok(Timeline::new(&songs))
}

/// As the resampler rounds it.
fn at_rate(frames: u64, from: u32, to: u32) -> u64 {
    let from = u128::from(from.max(1));
    u64::try_from((u128::from(frames) * u128::from(to) + from / 2) / from).unwrap_or(u64::MAX)
}

fn clock(frames: u64, rate: u32) -> String {
    crate::processors::fade::clock(frames as f64 / f64::from(rate.max(1)))
}

impl Layout {
    pub fn new(job: &Job, known: &[Known]) -> Result<Layout, DspError> {
        let outputs =
            job.outputs.iter().map(|output| output_plan(job, known, output)).collect::<Result<_, _>>()?;
        Ok(Layout { outputs })
    }

    /// The rates asked for, from the lowest, each once.
    pub fn rates(&self) -> Vec<u32> {
        let rates: std::collections::BTreeSet<u32> = self.outputs.iter().map(|it| it.sample_rate).collect();
        rates.into_iter().collect()
    }
}

fn output_plan(job: &Job, known: &[Known], output: &Output) -> Result<OutputPlan, DspError> {
    let rate = rate_of(output, known);
    let record = timeline(job, known, rate)?;
    let starts: Vec<u64> = record.songs().iter().map(|song| song.start).collect();
    let cuts: Vec<u64> = match &output.cut {
        Cut::Whole | Cut::Disc => Vec::new(),
        Cut::Sides(firsts) => firsts.iter().map(|first| starts[*first]).collect(),
        Cut::Tracks => starts[1..].to_vec(),
    };
    // A hidden song without a name of its own is cut off all the same, and its file is not made.
    let left_out = output.cut == Cut::Tracks && output.names.len() < job.songs.len();
    let unnamed = left_out.then_some((String::new(), None));
    let bexts = output.bext.iter().cloned().map(Some).chain(std::iter::repeat(None));
    let names = unnamed.into_iter().chain(output.names.iter().cloned().zip(bexts));
    let raw = output.cut == Cut::Disc;
    let ends = cuts.iter().copied().chain([record.frames()]);
    let mut files = Vec::new();
    for ((from, to), (name, bext)) in [0].into_iter().chain(cuts.iter().copied()).zip(ends).zip(names) {
        if from >= to && !name.is_empty() {
            return Err(DspError::Invalid(format!(
                "{name:?} would be empty: the next song begins together with its own. Shorten the crossfade"
            )));
        }
        let mut file =
            FilePlan { name, from, to, lead: 0, pad: 0, exact: Vec::new(), marks: Vec::new(), bext };
        let hidden = job.songs[0].hidden;
        if raw {
            let disc = on_disc(&record, hidden);
            (file.lead, file.pad, file.marks) = (disc.lead, disc.frames - disc.lead - to, disc.marks);
        } else {
            file.marks = marks(&record, hidden, &Stretch { from, to, lead: 0, frames: to - from, sector: 1 });
        }
        file.exact = exact(job, known, &record, output, rate, &file);
        files.push(file);
    }
    let mut pieces = Vec::new();
    for (n, known) in known.iter().enumerate() {
        let from = if n == 0 { 0 } else { starts[n] };
        let to = starts.get(n + 1).copied().unwrap_or(record.frames());
        let kept = as_it_is(job, known, &record, n, rate) && known.fits(output.encoding);
        let file = files.partition_point(|file| file.to <= from);
        let (song_from, song_to) = (starts[n], record.songs()[n].end());
        if from < to {
            pieces.push(Piece { from, to, file, song: n, song_from, song_to, kept });
        }
    }
    let dither = output.dither.unwrap_or_default();
    Ok(OutputPlan { encoding: output.encoding, sample_rate: rate, dither, raw, pieces, files })
}

/// Nothing happens to the samples of this song on their way.
fn as_it_is(job: &Job, known: &Known, record: &Timeline, n: usize, rate: u32) -> bool {
    known.spec.sample_rate == rate && record.songs()[n].untouched() && linear(job.album_gain_db) == 1.0
}

fn exact(
    job: &Job,
    known: &[Known],
    record: &Timeline,
    output: &Output,
    rate: u32,
    file: &FilePlan,
) -> Vec<usize> {
    let kept = |n: usize| {
        known[n].spec.channels == CHANNELS
            && known[n].fits(output.encoding)
            && as_it_is(job, &known[n], record, n, rate)
    };
    if output.cut == Cut::Disc {
        // A song that is as it was has no crossfade: all of them lie apart, with silence between.
        let all = 0..known.len();
        return if all.clone().all(kept) { all.collect() } else { Vec::new() };
    }
    let sounding = record.sounding(file.from, file.to);
    let n = sounding.start;
    if sounding.len() != 1 {
        return Vec::new();
    }
    let song = &record.songs()[n];
    let exact = (song.start, song.end()) == (file.from, file.to) && kept(n);
    if exact { vec![n] } else { Vec::new() }
}

/// A record on a disc.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OnDisc {
    /// Frames of silence before it.
    pub lead: u64,
    /// Of the whole image, in whole sectors.
    pub frames: u64,
    pub marks: Vec<TrackMark>,
}

/// Where the tracks of a record lie on a disc. `record`: at 44.1 kHz; `first_hidden`: its first song lies in the pre-gap. The first two seconds are silent:
/// before the first track by the rule of discs, before a hidden song because no drive of a computer reads them.
pub fn on_disc(record: &Timeline, first_hidden: bool) -> OnDisc {
    let first = record.songs().first().map_or(0, |song| song.start);
    let lead = if first < PAUSE_FRAMES { PAUSE_FRAMES } else { 0 };
    let to = record.frames();
    let frames = (lead + to).next_multiple_of(SECTOR_FRAMES);
    let stretch = Stretch { from: 0, to, lead, frames, sector: SECTOR_FRAMES };
    OnDisc { lead, frames, marks: marks(record, first_hidden, &stretch) }
}

/// A file as a stretch of the record, in frames.
struct Stretch {
    from: u64,
    to: u64,
    /// Silence before it.
    lead: u64,
    /// Of the file.
    frames: u64,
    /// An index stands on a multiple of it.
    sector: u64,
}

/// The songs that begin in a file. On a disc an index stands on the sector in which its song begins, so that nothing of the song is missed, and a pause
/// begins behind the last sector with sound.
fn marks(record: &Timeline, first_hidden: bool, file: &Stretch) -> Vec<TrackMark> {
    let songs = record.songs();
    let alone = record.sounding(file.from, file.to).len() == 1;
    // Of the frame of the record at or behind which something ends.
    let pause = |end: u64, next: u64| {
        (file.lead + end.saturating_sub(file.from)).next_multiple_of(file.sector).min(next)
    };
    let index1 = |n: usize| (file.lead + songs[n].start - file.from) / file.sector * file.sector;
    let mut marks: Vec<TrackMark> = Vec::new();
    for (n, song) in songs.iter().enumerate() {
        let listed = !(first_hidden && n == 0) || alone;
        if !listed || song.start < file.from || song.start >= file.to {
            continue;
        }
        let index0 = if marks.is_empty() { 0 } else { pause(songs[n - 1].end(), index1(n)) };
        let end = match songs.get(n + 1) {
            Some(next) if next.start < file.to => pause(song.end(), index1(n + 1)),
            Some(_) => pause(song.end(), file.frames),
            None => file.frames,
        };
        marks.push(TrackMark { song: n, index0, index1: index1(n), end });
    }
    marks
}
