//! Markers in: each becomes a note, is known already, or is told with its line. The whole plan is made before the first note is written.

use std::{collections::HashMap, fs, io::Read as _, path::Path};

use deadwax_proto::v1::{self, AddNote, NoteRow, SongRow, VersionRow, action::Action};
use serde_json::json;

use super::{
    super::{
        Context, VerbError,
        house::{House, ask_allowed, short_id},
        place::failed,
        words,
    },
    counted, head, rate_of, said, span_in,
};
use crate::{
    cli::NotesImport,
    markers::{self, Found, Marker, Read, Reading},
    net::{Client, NetError, new_id},
    scrub,
};

/// What the server says of one note and not of the rest.
const OF_ONE_NOTE: [&str; 8] = [
    "NOTE_BEYOND_END",
    "NOTE_RANGE_EMPTY",
    "TEXT_EMPTY",
    "TEXT_TOO_LONG",
    "NAME_INVALID",
    "NO_SUCH_NOTE",
    "NO_SUCH_ALTERNATE",
    "NO_SUCH_PERSON",
];

/// The server's own limit of a note, so that --dry-run and --strict know of it before.
const TEXT_CHARS_MAX: usize = 4000;

/// What becomes of one marker.
enum Step {
    Write(Box<AddNote>),
    /// There already, as this note; what differs, if anything.
    There {
        note_id: String,
        differs: String,
    },
    No(String),
    /// Its line could not be read.
    Unread(String),
}

struct Planned {
    line: usize,
    start_ms: Option<u64>,
    text: String,
    step: Step,
}

#[derive(Default)]
struct Counts {
    written: usize,
    there: usize,
    not_taken: usize,
    /// Lines that could not be read.
    unread: usize,
}

pub async fn import(c: &Context, asked: &NotesImport) -> Result<(), VerbError> {
    let unclear =
        || VerbError::Usage("the song was said twice; say it before the file, or with --song".into());
    let (song, file) = asked.song_and_file().ok_or_else(unclear)?;
    let bytes = content(file)?;
    let client = c.client(&asked.who).await?;
    let house = House::find(&client, asked.project.as_deref()).await?;
    let song = house.song(song.as_deref())?;
    let version = house.version(song, asked.version.as_deref())?;
    ask_allowed(&version.allowed, "add_note")?;
    let reading = Reading {
        dialect: asked.format,
        rate_hz: asked.rate.unwrap_or_else(|| rate_of(version)),
        fps: asked.fps,
        counts: asked.times,
        begins: asked.offset.clone(),
    };
    let shown = scrub::line(&file.to_string_lossy());
    let read = markers::read(&bytes, &reading).map_err(|e| match said(&e) {
        VerbError::Input(text) => VerbError::Input(format!("{shown}: {text}\nNothing was written.")),
        other => other,
    })?;
    let addressee = asked.addressee.as_deref().map(|it| house.member(it)).transpose()?;
    let plan = Plan { house: &house, song, version, asked, addressee, read: &read };
    let steps = plan.steps();
    run(c, &client, &plan, steps, &shown).await
}

/// A pipe has no length: one byte more than is taken is read at most.
pub(in super::super) fn content(path: &Path) -> Result<Vec<u8>, VerbError> {
    let fault = failed(path, "read");
    let file = fs::File::open(path).map_err(&fault)?;
    let mut bytes = Vec::new();
    file.take(markers::BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(&fault)?;
    Ok(bytes)
}

struct Plan<'a> {
    house: &'a House,
    song: &'a SongRow,
    version: &'a VersionRow,
    asked: &'a NotesImport,
    addressee: Option<&'a v1::MemberRow>,
    read: &'a Read,
}

impl Plan<'_> {
    /// Answers last: what they answer must be there.
    fn steps(&self) -> Vec<Planned> {
        let (first, answers): (Vec<&Found>, Vec<&Found>) =
            self.read.markers.iter().partition(|it| it.marker.about.reply_to.is_empty());
        let mut ids: HashMap<String, String> = HashMap::new();
        let mut seen: HashMap<(Option<u64>, Option<u64>, String, String), usize> = HashMap::new();
        let mut steps = Vec::new();
        for found in first.into_iter().chain(answers) {
            let marker = &found.marker;
            let text = markers::spoken(&marker.name, &marker.comment);
            let key = (marker.start_ms, marker.end_ms, text.clone(), marker.about.alternate.clone());
            let step = match seen.get(&key) {
                Some(line) => Step::No(format!("it says the same as {} {line}", self.read.dialect.counted())),
                None => self.step(marker, &text, &mut ids),
            };
            seen.entry(key).or_insert(found.line);
            steps.push(Planned { line: found.line, start_ms: marker.start_ms, text, step });
        }
        let unread = self.read.faults.iter().map(|fault| Planned {
            line: fault.line,
            start_ms: None,
            text: String::new(),
            step: Step::Unread(fault.text.clone()),
        });
        steps.extend(unread);
        steps.sort_by_key(|it| it.line);
        steps
    }

    fn step(&self, marker: &Marker, text: &str, ids: &mut HashMap<String, String>) -> Step {
        if let Some(step) = self.known(marker, text) {
            return step;
        }
        if text.is_empty() {
            return Step::No("it has no words: a note needs some".to_owned());
        }
        if text.chars().count() > TEXT_CHARS_MAX {
            return Step::No(format!("it has more than {TEXT_CHARS_MAX} letters: shorten it"));
        }
        if let Some(text) = self.does_not_fit(marker) {
            return Step::No(text);
        }
        let parent_note_id = match marker.about.reply_to.as_str() {
            "" => String::new(),
            wanted => match ids.get(wanted).or_else(|| self.of_song(wanted).map(|it| &it.note_id)) {
                Some(id) => id.clone(),
                None => return Step::No("it answers a note that is not here".to_owned()),
            },
        };
        let note_id = new_id();
        if let Some(id) = &marker.id {
            ids.insert(id.clone(), note_id.clone());
        }
        let said_to = || self.house.member(&marker.about.to).ok();
        let addressee = self.addressee.or_else(|| (!marker.about.to.is_empty()).then(said_to).flatten());
        Step::Write(Box::new(AddNote {
            note_id,
            version_id: self.version.version_id.clone(),
            alternate: marker.about.alternate.clone(),
            parent_note_id,
            start_ms: marker.start_ms,
            end_ms: marker.end_ms,
            text: text.to_owned(),
            internal: self.asked.internal || marker.internal,
            addressee_id: addressee.map(|it| it.person_id.clone()).unwrap_or_default(),
            checklist: checklist(&marker.about.checklist),
        }))
    }

    fn of_song(&self, id: &str) -> Option<&NoteRow> {
        let mut notes = self.house.notes.iter().filter(|it| it.song_id == self.song.song_id);
        notes.find(|it| markers::names(id, &it.note_id))
    }

    /// By its id, else by time and words.
    fn known(&self, marker: &Marker, text: &str) -> Option<Step> {
        if let Some(id) = &marker.id {
            if let Some(note) = self.of_song(id) {
                return Some(self.there(note, marker, text));
            }
            if let Some(note) = self.house.notes.iter().find(|it| markers::names(id, &it.note_id)) {
                let song = self.house.songs.iter().find(|it| it.song_id == note.song_id);
                let title = song.map_or("another song", |it| it.title.as_str());
                return Some(Step::No(format!("it is a note of {title}, not of {}", self.song.title)));
            }
        }
        let mut notes = self.house.notes.iter().filter(|it| it.song_id == self.song.song_id);
        let note = notes.find(|it| self.same_time(it, marker) && says(it, marker, text))?;
        Some(Step::There { note_id: note.note_id.clone(), differs: String::new() })
    }

    fn same_time(&self, note: &NoteRow, marker: &Marker) -> bool {
        let near = |a: Option<u64>, b: Option<u64>| match (a, b) {
            (Some(a), Some(b)) => a.abs_diff(b) <= self.read.grain_ms,
            (a, b) => a == b,
        };
        span_in(note, &self.version.version_id)
            .is_some_and(|((start, end), _)| near(start, marker.start_ms) && near(end, marker.end_ms))
    }

    fn there(&self, note: &NoteRow, marker: &Marker, text: &str) -> Step {
        let mut differs = Vec::new();
        if !self.same_time(note, marker) {
            differs.push("stands at another time in the file");
        }
        if !says(note, marker, text) {
            differs.push("has other words in the file");
        }
        Step::There { note_id: note.note_id.clone(), differs: differs.join(" and ") }
    }

    /// What the server would refuse, as far as the rows tell: so that --dry-run and --strict know before the first note is written.
    fn does_not_fit(&self, marker: &Marker) -> Option<String> {
        let wanted = if marker.about.alternate.is_empty() { "main" } else { &marker.about.alternate };
        let file = self.version.files.iter().find(|it| it.alternate == wanted);
        if file.is_none() && wanted != "main" {
            return Some(format!("{} has no {wanted}", words::version(self.version)));
        }
        let facts = file.and_then(|it| it.facts.as_ref()).filter(|it| it.sample_rate > 0 && it.frames > 0)?;
        // A started millisecond counts.
        let length = (u128::from(facts.frames) * 1000).div_ceil(u128::from(facts.sample_rate));
        let last = marker.end_ms.or(marker.start_ms).unwrap_or(0);
        (u128::from(last) > length).then(|| {
            format!(
                "it stands at {}, and {} ends at {}: say --offset if the song begins later in the file",
                markers::clock(last),
                words::version(self.version),
                markers::clock(u64::try_from(length).unwrap_or(u64::MAX))
            )
        })
    }
}

/// Whether a note says what a marker says: in its own words, or in those that an export gave it, whatever its state was then.
fn says(note: &NoteRow, marker: &Marker, text: &str) -> bool {
    let own = markers::one_line(&note.text);
    if markers::one_line(text) == own || markers::one_line(&marker.comment) == own {
        return true;
    }
    // A time line of Resolve has no bars in its words.
    let plain = |text: &str| markers::one_line(text).replace('|', "¦");
    let marked = plain(&marker.name);
    let state = marked.strip_prefix(&plain(&head(note))).map(str::trim);
    state.is_some_and(|it| it.starts_with('[') && it.find(']') == Some(it.len() - 1))
}

/// "[x] louder": what was ticked is open again in a new note.
fn checklist(text: &str) -> Vec<String> {
    let item = |line: &str| {
        let line = line.trim();
        let bare = line.strip_prefix("[x]").or_else(|| line.strip_prefix("[ ]")).unwrap_or(line);
        bare.trim().to_owned()
    };
    text.lines().map(item).filter(|it| !it.is_empty()).collect()
}

/// One line about one marker.
fn tell(
    c: &Context,
    plan: &Plan<'_>,
    it: &Planned,
    what: &str,
    object: serde_json::Value,
) -> Result<(), VerbError> {
    let unit = plan.read.dialect.counted();
    let at = it.start_ms.map_or_else(|| "whole song".to_owned(), markers::clock);
    let words = scrub::cut(&markers::one_line(&it.text), 60);
    let mut value = json!({ "line": it.line, "start_ms": it.start_ms, "text": it.text });
    if let (Some(value), serde_json::Value::Object(more)) = (value.as_object_mut(), object) {
        value.extend(more);
    }
    c.out.both(&format!("{unit} {}: {at}  {words}  {what}", it.line), &value)
}

async fn run(
    c: &Context,
    client: &Client,
    plan: &Plan<'_>,
    steps: Vec<Planned>,
    shown: &str,
) -> Result<(), VerbError> {
    let mut counts = Counts { unread: plan.read.faults.len(), ..Counts::default() };
    for said in &plan.read.assumed {
        c.out.aside(said);
    }
    let in_the_way = steps.iter().any(|it| matches!(it.step, Step::No(_))) || counts.unread > 0;
    let held_back = plan.asked.dry_run || (plan.asked.strict && in_the_way);
    let write = !held_back;
    for it in steps {
        match &it.step {
            Step::There { note_id, differs } => {
                counts.there += 1;
                let more = if differs.is_empty() { String::new() } else { format!(", which {differs}") };
                let what = format!("is there already: {}{more}", short_id(note_id));
                tell(
                    c,
                    plan,
                    &it,
                    &what,
                    json!({ "taken": false, "reason": "THERE", "note_id": note_id, "why": differs }),
                )?;
            }
            Step::Unread(why) => {
                let unit = plan.read.dialect.counted();
                let place = if it.line == 0 { "the file".to_owned() } else { format!("{unit} {}", it.line) };
                c.out.both(
                    &format!("{place}: not taken: {why}"),
                    &json!({ "line": it.line, "taken": false, "reason": "UNREAD", "why": why }),
                )?;
            }
            Step::No(why) => {
                counts.not_taken += 1;
                let what = format!("not taken: {why}");
                tell(c, plan, &it, &what, json!({ "taken": false, "reason": "NOT_TAKEN", "why": why }))?;
            }
            Step::Write(note) if write => perform(c, client, plan, &it, note, &mut counts).await?,
            Step::Write(_) => {
                counts.written += 1;
                let would = if plan.asked.dry_run { "would be a note" } else { "is left out with the rest" };
                tell(c, plan, &it, would, json!({ "taken": false, "reason": "NOT_WRITTEN" }))?;
            }
        }
    }
    finish(c, plan, &counts, write, shown)
}

async fn perform(
    c: &Context,
    client: &Client,
    plan: &Plan<'_>,
    it: &Planned,
    note: &AddNote,
    counts: &mut Counts,
) -> Result<(), VerbError> {
    match client.perform(&plan.house.project.project_id, Action::AddNote(note.clone())).await {
        Ok(_) => {
            counts.written += 1;
            let what = format!("is a note: {}", short_id(&note.note_id));
            tell(c, plan, it, &what, json!({ "taken": true, "note_id": note.note_id }))
        }
        Err(NetError::Refused { reason, text, hint, .. })
            if !plan.asked.strict && OF_ONE_NOTE.contains(&reason.as_str()) =>
        {
            counts.not_taken += 1;
            let why = format!("{text} {hint}");
            let what = format!("not taken: {why}");
            tell(c, plan, it, &what, json!({ "taken": false, "reason": reason, "why": why }))
        }
        Err(e) => {
            let unit = plan.read.dialect.counted();
            c.out.aside(&format!(
                "Stopped at {unit} {}: {} written. Import the same file again: what is there is left alone.",
                it.line,
                counted(counts.written, "note")
            ));
            Err(e.into())
        }
    }
}

fn finish(c: &Context, plan: &Plan<'_>, counts: &Counts, write: bool, shown: &str) -> Result<(), VerbError> {
    let notes = counted(counts.written, "note");
    let done = match (write, plan.asked.dry_run) {
        (true, _) => format!("{notes} written"),
        (false, true) => format!("{notes} would be written"),
        (false, false) => "nothing was written, because of --strict".to_owned(),
    };
    let nothing = counts.written + counts.there + counts.not_taken + counts.unread == 0;
    let done = if nothing { "it holds no markers".to_owned() } else { done };
    let text = format!(
        "{shown}, {}: {done}, {} there already, {} not taken.",
        plan.read.dialect.word(),
        counts.there,
        counts.not_taken + counts.unread
    );
    c.out.both(
        &text,
        &json!({
            "dialect": plan.read.dialect.word(), "written": if write { counts.written } else { 0 }, "there": counts.there,
            "not_taken": counts.not_taken, "unread": counts.unread, "dry_run": plan.asked.dry_run,
            "assumed": plan.read.assumed, "version_id": plan.version.version_id,
        }),
    )?;
    match (counts.unread, counts.not_taken) {
        (0, 0) => Ok(()),
        (0, _) => Err(VerbError::Said(1)),
        _ => Err(VerbError::Said(3)),
    }
}
