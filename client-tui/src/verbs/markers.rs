//! Notes as markers of a workstation: out here, in under `import`. What a marker file looks like is known to `crate::markers` alone.

mod import;

use std::{
    io::{IsTerminal as _, Write as _},
    path::Path,
};

use deadwax_proto::v1::{self, NoteRow, NoteState, PlaceKind, SongRow, VersionRow};
use serde_json::{Value, json};

pub(super) use self::import::content;
pub use self::import::import;
use super::{Context, VerbError, house::House, place::place_bytes, words};
use crate::{
    cli::NotesExport,
    markers::{self, About, Dialect, Marker, MarkerError, Writing},
    scrub,
};

/// Of a note's words that stand at a marker; all of them are in the house, and in our own CSV.
const WORDS_COLUMNS: usize = 120;

pub(super) fn said(error: &MarkerError) -> VerbError {
    match error {
        MarkerError::Say { .. } => VerbError::Usage(format!("{error}. {}", error.hint())),
        _ => VerbError::Input(format!("{error}\n{}", error.hint())),
    }
}

/// A span of time in a version.
type Span = (Option<u64>, Option<u64>);

/// Where a note stands in a version, and what that place is. None: that version has nothing of it.
fn span_in(note: &NoteRow, version_id: &str) -> Option<(Span, PlaceKind)> {
    let written = (note.start_ms, note.end_ms);
    if note.version_id == version_id {
        return Some((written, PlaceKind::Unspecified));
    }
    match note.places.iter().rev().find(|place| place.version_id == version_id) {
        Some(place) => place.start_ms.map(|start| ((Some(start), place.end_ms), place.kind())),
        None => Some((written, PlaceKind::Unspecified)),
    }
}

/// What is told of notes that are no markers.
#[derive(Default)]
struct LeftOut {
    later: usize,
    cut: usize,
    whole: usize,
    answers: usize,
    shortened: usize,
    /// Among them, and to stay among engineers.
    internal: usize,
}

impl LeftOut {
    fn tell(&self, c: &Context) {
        let lines = [
            (self.later, "written in a later version: not in this one"),
            (self.cut, "speaks of something that this version does not have"),
            (self.whole, "on the whole song: no marker; --format csv has it"),
            (self.answers, "an answer: no marker; --format csv has it"),
            (self.internal, "internal, for engineers and producer only: mind who gets this file"),
            (self.shortened, "longer than a marker's name: cut; --format csv has all of it"),
        ];
        for (count, what) in lines.iter().filter(|(count, _)| *count > 0) {
            c.out.aside(&format!("{count} x {what}"));
        }
    }

    fn count(&self) -> usize {
        self.later + self.cut + self.whole + self.answers
    }
}

pub async fn export(c: &Context, asked: &NotesExport) -> Result<(), VerbError> {
    let dialect = asked.format.unwrap_or_else(|| by_ending(asked.output.as_deref()));
    if dialect == Dialect::Midi && asked.output.is_none() && (c.out.json || std::io::stdout().is_terminal()) {
        return Err(VerbError::Usage("a MIDI file is no text: say where it goes with -o FILE".into()));
    }
    let client = c.client(&asked.who).await?;
    let house = House::find(&client, asked.project.as_deref()).await?;
    let song = house.song(asked.of.as_deref().or(asked.song.as_deref()))?;
    let version = house.version(song, asked.version.as_deref())?;
    let mut left = LeftOut::default();
    let markers = collect(&house, song, version, dialect, asked.open_only, &mut left);
    let writing = Writing {
        title: format!("{}, {}", song.title, words::version(version)),
        rate_hz: asked.rate.unwrap_or_else(|| rate_of(version)),
        fps: asked.fps,
    };
    let bytes = markers::write(dialect, &markers, &writing).map_err(|e| said(&e))?;
    left.tell(c);
    let Some(path) = &asked.output else {
        if c.out.json {
            return markers.iter().try_for_each(|marker| c.out.object(&object(marker)));
        }
        let mut out = std::io::stdout().lock();
        return match out.write_all(&bytes).and_then(|()| out.flush()) {
            Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Err(VerbError::Pipe),
            written => written.map_err(VerbError::Out),
        };
    };
    put(path, &bytes)?;
    let shown = path.to_string_lossy();
    c.out.both(
        &format!("{} of {} as {} in {shown}.", counted(markers.len(), "note"), writing.title, dialect.word()),
        &json!({
            "exported": shown, "format": dialect.word(), "notes": markers.len(), "left_out": left.count(),
            "version_id": version.version_id,
        }),
    )
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn by_ending(path: Option<&Path>) -> Dialect {
    let ending = path.and_then(Path::extension).unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    match ending.as_str() {
        "mid" | "midi" => Dialect::Midi,
        "edl" => Dialect::Edl,
        "txt" => Dialect::Protools,
        _ => Dialect::Csv,
    }
}

fn put(path: &Path, bytes: &[u8]) -> Result<(), VerbError> {
    let folder = path.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().and_then(|it| it.to_str()).ok_or_else(|| {
        VerbError::Usage(format!("{} is no name of a file", scrub::line(&path.to_string_lossy())))
    })?;
    match place_bytes(folder, name, bytes) {
        Err(VerbError::No { reason, text, .. }) => Err(VerbError::no(reason, text, "Name another file.")),
        placed => placed.map(|_| ()),
    }
}

fn main_of(version: &VersionRow) -> Option<&v1::AudioFacts> {
    let main = version.files.iter().find(|file| file.alternate == "main").or(version.files.first());
    main.and_then(|file| file.facts.as_ref())
}

pub(super) fn rate_of(version: &VersionRow) -> u32 {
    main_of(version).map_or(0, |facts| facts.sample_rate)
}

/// The notes that stand in this version, in the order of time.
fn collect(
    house: &House,
    song: &SongRow,
    version: &VersionRow,
    dialect: Dialect,
    open_only: bool,
    left: &mut LeftOut,
) -> Vec<Marker> {
    let order: Vec<&str> = house.versions_of(&song.song_id).map(|it| it.version_id.as_str()).collect();
    let age = |id: &str| order.iter().position(|it| *it == id);
    let mut found: Vec<Marker> = Vec::new();
    for note in house.notes.iter().filter(|it| it.song_id == song.song_id) {
        if open_only && note.state != NoteState::Open as i32 {
            continue;
        }
        if age(&note.version_id) > age(&version.version_id) {
            left.later += 1;
            continue;
        }
        let Some((span, kind)) = span_in(note, &version.version_id) else {
            left.cut += 1;
            continue;
        };
        if dialect != Dialect::Csv {
            if !note.parent_note_id.is_empty() {
                left.answers += 1;
                continue;
            }
            if span.0.is_none() {
                left.whole += 1;
                continue;
            }
        }
        let marker = marker(house, note, version, span, kind, dialect);
        let is_cut = !marker.name.contains(&markers::one_line(&note.text));
        left.shortened += usize::from(is_cut && !matches!(dialect, Dialect::Csv | Dialect::Protools));
        left.internal += usize::from(note.internal);
        found.push(marker);
    }
    found.sort_by_key(|it| (it.start_ms, it.end_ms));
    found
}

/// Who says what.
fn head(note: &NoteRow) -> String {
    let alternate = if note.alternate.is_empty() { String::new() } else { format!(" on {}", note.alternate) };
    let to = if note.addressee.is_empty() { String::new() } else { format!(" to {}", note.addressee) };
    let text = scrub::cut(&markers::one_line(&note.text), WORDS_COLUMNS);
    format!("{} ({}){to}{alternate}: {text}", note.author, words::role(note.author_role))
}

/// And how it stands: "Ben (artist): voice too loud [open]".
fn name(note: &NoteRow, kind: PlaceKind) -> String {
    let place = if kind == PlaceKind::Gone { ", cut here" } else { "" };
    format!("{} [{}{place}]", head(note), words::note_state(note.state))
}

fn marker(
    house: &House,
    note: &NoteRow,
    version: &VersionRow,
    span: Span,
    kind: PlaceKind,
    dialect: Dialect,
) -> Marker {
    let checklist: Vec<String> = note
        .checklist
        .iter()
        .map(|it| format!("[{}] {}", if it.done { 'x' } else { ' ' }, it.text))
        .collect();
    let checklist = checklist.join("\n");
    let time = |ms: Option<u64>| ms.map(markers::clock).unwrap_or_default();
    // The comment says what the name does not: words that were cut, and the things to tick off.
    let is_cut = scrub::cut(&markers::one_line(&note.text), WORDS_COLUMNS) != markers::one_line(&note.text);
    let words = if is_cut { note.text.as_str() } else { "" };
    let comment = markers::spoken(words, &checklist);
    Marker {
        start_ms: span.0,
        end_ms: span.1,
        name: if dialect == Dialect::Csv { note.text.clone() } else { name(note, kind) },
        comment: if dialect == Dialect::Protools { comment } else { String::new() },
        id: Some(note.note_id.clone()),
        internal: note.internal,
        about: About {
            author: note.author.clone(),
            role: words::role(note.author_role).to_owned(),
            to: note.addressee.clone(),
            state: words::note_state(note.state),
            alternate: note.alternate.clone(),
            version: words::version(version),
            written_in: house.version_by_id(&note.version_id).map(words::version).unwrap_or_default(),
            written_start: time(note.start_ms),
            written_end: time(note.end_ms),
            reply_to: note.parent_note_id.clone(),
            checklist,
            reason: note.reason.clone(),
        },
    }
}

fn object(marker: &Marker) -> Value {
    json!({
        "note_id": marker.id, "start_ms": marker.start_ms, "end_ms": marker.end_ms, "name": marker.name,
        "comment": marker.comment, "internal": marker.internal, "state": marker.about.state,
    })
}
