//! Notes as the markers of a workstation, written and read: Reaper's CSV, the session text of Pro Tools, MIDI, EDL, and a CSV of our own.
//! Pure: bytes in, markers out, and back. Never here: files, the server, what a note may be. What cannot be read is said with its line.

mod edl;
mod midi;
mod own;
mod protools;
mod reaper;
mod tag;
mod text;
mod timecode;

pub use self::{
    tag::names,
    text::{one_line, spoken},
    timecode::{Fps, RATES},
};

use crate::scrub;

/// A file of markers is text of a few hundred lines; what is larger is something else.
pub const BYTES_MAX: usize = 8 << 20;
/// As many as a song may have notes.
pub const MARKERS_MAX: usize = 10_000;

/// What is told of more lines than these is no help any more.
const FAULTS_MAX: usize = 1000;
const FAULT_COLUMNS: usize = 200;

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Dialect {
    /// The CSV of Reaper's Region/Marker Manager
    Reaper,
    /// The session text of Pro Tools, which writes it and does not read it: for tools that turn it into something else
    Protools,
    /// A MIDI file of markers; import it with its tempo
    Midi,
    /// A CMX 3600 list with markers, as DaVinci Resolve has it; to the nearest frame
    Edl,
    /// Every column, for spreadsheets and programs
    Csv,
}

impl Dialect {
    pub const ALL: [Dialect; 5] =
        [Dialect::Reaper, Dialect::Protools, Dialect::Midi, Dialect::Edl, Dialect::Csv];

    pub fn word(self) -> &'static str {
        match self {
            Dialect::Reaper => "reaper",
            Dialect::Protools => "protools",
            Dialect::Midi => "midi",
            Dialect::Edl => "edl",
            Dialect::Csv => "csv",
        }
    }

    /// How its places are counted.
    pub fn counted(self) -> &'static str {
        if self == Dialect::Midi { "marker" } else { "line" }
    }
}

/// One note on a time line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marker {
    /// In the version, from its first sample. Absent: the song as a whole, which only our own CSV can hold.
    pub start_ms: Option<u64>,
    pub end_ms: Option<u64>,
    /// The words at the marker.
    pub name: String,
    /// More words, where the format has a second place for them: the comment of Pro Tools.
    pub comment: String,
    /// Of the note that it stands for: an id, or the end of one.
    pub id: Option<String>,
    /// For engineers and producer only.
    pub internal: bool,
    /// What our own CSV tells beyond that.
    pub about: About,
}

/// Columns of our own CSV, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    pub author: String,
    pub role: String,
    pub to: String,
    pub state: String,
    pub alternate: String,
    /// The version that the times speak of.
    pub version: String,
    /// Where it was written, and at what time there.
    pub written_in: String,
    pub written_start: String,
    pub written_end: String,
    pub reply_to: String,
    /// One thing a line, a box before it: `[x] ` where it is done, else `[ ] `.
    pub checklist: String,
    pub reason: String,
}

/// What a bare whole number in a CSV counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Counts {
    /// Samples where every number is whole, else seconds
    #[default]
    Auto,
    Seconds,
    Samples,
    /// Frames at --fps
    Frames,
}

/// What a file does not say of itself.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Else it is found out.
    pub dialect: Option<Dialect>,
    /// Of the version; 0: unknown.
    pub rate_hz: u32,
    pub fps: Option<Fps>,
    pub counts: Counts,
    /// Where the song begins in the file's own time: a time, or a timecode.
    pub begins: Option<String>,
}

/// For writing.
#[derive(Clone, Debug, Default)]
pub struct Writing {
    /// Of the session or sequence.
    pub title: String,
    /// Of the version; 0: unknown.
    pub rate_hz: u32,
    pub fps: Option<Fps>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// From 1; of MIDI the how manieth marker.
    pub line: usize,
    pub marker: Marker,
}

/// A line that was not taken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub line: usize,
    pub text: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    pub dialect: Dialect,
    pub markers: Vec<Found>,
    pub faults: Vec<Fault>,
    /// What was assumed because the file does not say it.
    pub assumed: Vec<String>,
    /// How far two times of this file may lie apart and still be the same.
    pub grain_ms: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarkerError {
    #[error("it has {0} bytes; {BYTES_MAX} is the most")]
    Large(usize),
    #[error("it has more than {MARKERS_MAX} markers")]
    Many,
    #[error("{0}")]
    NoText(String),
    #[error("it is no file of markers that is known here: {0}")]
    Unknown(String),
    /// Something must be said on the command line.
    #[error("{text}")]
    Say { text: String, hint: String },
    #[error("{0}")]
    Broken(String),
    /// Of writing.
    #[error("a note at {0} ms does not fit into this format")]
    Late(u64),
}

impl MarkerError {
    pub fn hint(&self) -> String {
        match self {
            MarkerError::Large(_) | MarkerError::Many => {
                "Export the markers alone, or a part of them.".to_owned()
            }
            MarkerError::NoText(_) => "Export it again as UTF-8.".to_owned(),
            MarkerError::Unknown(_) => {
                let known = [
                    "reaper (Region/Marker Manager, CSV: #,Name,Start,End,Length)",
                    "protools (Export Session Info as Text, with markers)",
                    "midi (a Standard MIDI File with markers)",
                    "edl (CMX 3600 with |M: or * LOC: lines)",
                    "csv (our own: deadwax notes export --format csv)",
                ];
                format!("Known are: {}.", known.join("; "))
            }
            MarkerError::Say { hint, .. } => hint.clone(),
            MarkerError::Broken(_) => "Export it again.".to_owned(),
            MarkerError::Late(_) => "Choose another format: csv takes every time.".to_owned(),
        }
    }
}

/// Reads a file of markers. What single lines lack is among the faults; an error means that nothing could be read.
///
/// # Errors
/// `Unknown` where the content is no dialect that is known here; `Say` where the file lacks something that must be said.
pub fn read(bytes: &[u8], how: &Reading) -> Result<Read, MarkerError> {
    if bytes.len() > BYTES_MAX {
        return Err(MarkerError::Large(bytes.len()));
    }
    let read = if how.dialect == Some(Dialect::Midi) || (how.dialect.is_none() && midi::is(bytes)) {
        midi::read(bytes, how)?
    } else {
        let text = text::decoded(bytes)?;
        match how.dialect.or_else(|| recognised(&text)) {
            Some(Dialect::Reaper) => reaper::read(&text, how)?,
            Some(Dialect::Protools) => protools::read(&text, how)?,
            Some(Dialect::Edl) => edl::read(&text, how)?,
            Some(Dialect::Csv) => own::read(&text, how)?,
            Some(Dialect::Midi) | None => return Err(MarkerError::Unknown(text::seen(&text))),
        }
    };
    if read.markers.len() > MARKERS_MAX { Err(MarkerError::Many) } else { Ok(read) }
}

/// By content alone: a name of a file says nothing that is sure.
fn recognised(text: &str) -> Option<Dialect> {
    if own::is(text) {
        Some(Dialect::Csv)
    } else if reaper::is(text) {
        Some(Dialect::Reaper)
    } else if protools::is(text) {
        Some(Dialect::Protools)
    } else if edl::is(text) {
        Some(Dialect::Edl)
    } else {
        None
    }
}

/// Writes markers in their order. Those without a time are left out, except in our own CSV.
///
/// # Errors
/// `Late` for a time that the format cannot hold; `Say` where a frame rate is needed.
pub fn write(dialect: Dialect, markers: &[Marker], how: &Writing) -> Result<Vec<u8>, MarkerError> {
    match dialect {
        Dialect::Reaper => reaper::write(markers),
        Dialect::Protools => protools::write(markers, how),
        Dialect::Midi => midi::write(markers, how),
        Dialect::Edl => edl::write(markers, how),
        Dialect::Csv => own::write(markers),
    }
}

/// A time line being read: lines in, what came of them out.
struct Reader {
    read: Read,
    /// Where the song begins.
    zero_ms: i64,
}

impl Reader {
    fn new(dialect: Dialect, zero_ms: i64) -> Reader {
        let read =
            Read { dialect, markers: Vec::new(), faults: Vec::new(), assumed: Vec::new(), grain_ms: 1 };
        Reader { read, zero_ms }
    }

    fn fault(&mut self, line: usize, text: impl Into<String>) {
        // It may quote the file.
        let text = scrub::cut(&scrub::line(&text.into()), FAULT_COLUMNS);
        match self.read.faults.len() {
            FAULTS_MAX => {
                let text =
                    "nor was anything after it that could not be read; the rest is not told".to_owned();
                self.read.faults.push(Fault { line, text });
            }
            told if told < FAULTS_MAX => self.read.faults.push(Fault { line, text }),
            _ => {}
        }
    }

    /// A marker at its time in the file. Its name may carry our tag.
    fn take(&mut self, line: usize, start: i64, end: Option<i64>, name: &str, comment: &str) {
        let in_song = |at: i64| u64::try_from(at.checked_sub(self.zero_ms)?).ok();
        let Some(start_ms) = in_song(start) else {
            return self.fault(line, "it stands before the song begins");
        };
        let end_ms = end.and_then(in_song);
        if end_ms.is_some_and(|end| end < start_ms) || (end.is_some() && end_ms.is_none()) {
            return self.fault(line, "it ends before it begins");
        }
        let (comment, in_comment) = tag::split(comment);
        // Where the comment says whose it is, the name is words alone.
        let (name, tag) = match in_comment {
            Some(tag) => (name.to_owned(), Some(tag)),
            None => tag::split(name),
        };
        let marker = Marker {
            start_ms: Some(start_ms),
            // A region of no length is a point.
            end_ms: end_ms.filter(|end| *end > start_ms),
            name: text::back(&name),
            comment: text::back(&comment),
            internal: tag.as_ref().is_some_and(|it| it.internal),
            id: tag.as_ref().map(|it| it.id.clone()),
            about: About::default(),
        };
        if tag.is_some_and(|it| it.end) {
            return self.close(line, &marker);
        }
        if self.read.markers.len() <= MARKERS_MAX {
            self.read.markers.push(Found { line, marker });
        }
    }

    /// The end of a range, in formats that know points only.
    fn close(&mut self, line: usize, end: &Marker) {
        let id = end.id.as_deref().unwrap_or_default();
        let is_its = |it: &&mut Found| it.marker.id.as_deref().is_some_and(|begun| tag::names(id, begun));
        match self.read.markers.iter_mut().rev().find(is_its).map(|it| &mut it.marker) {
            Some(marker) if marker.end_ms.is_none() && marker.start_ms < end.start_ms => {
                marker.end_ms = end.start_ms;
            }
            _ => self.fault(line, "it ends a range that does not begin before it"),
        }
    }
}

/// In formats that know points only a range is two markers. The second one says whose end it is.
fn points(markers: &[Marker]) -> Vec<(u64, String, &Marker)> {
    let mut all: Vec<(u64, String, &Marker)> = Vec::new();
    for marker in markers {
        let Some(start) = marker.start_ms else { continue };
        all.push((start, tag::named(marker), marker));
        if let (Some(end), Some(id)) = (marker.end_ms.filter(|end| *end > start), &marker.id) {
            all.push((end, tag::end(id), marker));
        }
    }
    all.sort_by_key(|(at, _, _)| *at);
    all
}

/// "1:23.456", and "1:02:03.456" from the first hour on.
pub fn clock(ms: u64) -> String {
    let (hours, minutes, seconds, rest) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}.{rest:03}")
    } else {
        format!("{minutes}:{seconds:02}.{rest:03}")
    }
}

/// Where the song begins in the file's time, by what was said. `origin_ms` is the timecode at the file's zero.
fn begins(how: &Reading, origin_ms: i64) -> Result<Option<i64>, MarkerError> {
    let Some(said) = how.begins.as_deref().map(str::trim) else { return Ok(None) };
    let wrong = |text: String| MarkerError::Say {
        text,
        hint: "Write --offset 1:23.4, or a timecode such as 01:00:00:00 with --fps.".to_owned(),
    };
    if timecode::looks_so(said) {
        let fps = how.fps.ok_or_else(|| wrong(format!("{said} counts frames, and no rate is known")))?;
        let frames = fps.frames_of(said).map_err(wrong)?;
        return Ok(Some(fps.ms_of(frames) - origin_ms));
    }
    timecode::clock_ms(said).map(Some).ok_or_else(|| wrong(format!("{said:?} is not a time")))
}
