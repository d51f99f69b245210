//! One project as the server sent it: a map from key to row, and the questions that screens ask of it. Never a rule: `may` only
//! repeats what the server wrote beside a row.

mod frozen;
mod index;
mod list;
mod pack;
mod store;
#[cfg(test)]
mod tests;
mod unpacked;

use std::{cell::RefCell, collections::HashMap, marker::PhantomData};

use deadwax_proto::v1::{
    Allowed, AudioFacts, DeliveryRow, GateRow, MemberRow, NoteRow, NoteState, NoteVerdict, PlaceKind,
    ProjectRow, RecipeRow, RecordRow, RenderRow, RequestRow, SongRow, Stage, Update, Verdict, VersionFile,
    VersionRow, row::Row as Of,
};

use super::album::Laid;
use crate::verbs::record::told;
pub use frozen::Frozen;
use index::Index;
pub use list::{List, Pick};
pub use pack::Brief;
use pack::Kind;
use store::{Put, Store};

/// How long a changed row stays marked, in milliseconds.
pub const FRESH_MS: i64 = 2_500;

/// The reason of a refusal that asks for an explicit yes: the round lies beyond the terms and is billed.
pub const BEYOND_TERMS: &str = "BEYOND_TERMS";

/// The key of the row of the project itself.
pub const PROJECT_KEY: &str = "project";

/// An update of more rows than this is put in order once, at its end.
const MANY: usize = 64;
/// Of more open notes than this the studio's count stands as it is: no frame reads through thousands.
const COUNTED_MAX: usize = 256;
/// So many marks at most: nobody sees more change at once.
const FRESH_MAX: usize = 4_096;

/// The rows lie packed; each question costs what it answers. What it gives is borrowed: rows are unpacked when they are asked for.
#[derive(Clone, Debug, Default)]
pub struct Project {
    store: Store,
    index: Index,
    /// Of the newest update: where a watch goes on. 0 while a snapshot comes in: it is then asked for from its beginning.
    pub seq: u64,
    pub loaded: bool,
    /// A snapshot of several messages is under way.
    filling: bool,
    /// Keys that changed a moment ago, with the time at which the mark fades.
    pub fresh: HashMap<String, i64>,
    /// The record as it follows from these rows, until one that it follows from changes.
    pub(super) laid: RefCell<Option<Laid>>,
}

impl PartialEq for Project {
    /// The same rows at the same seq.
    fn eq(&self, other: &Project) -> bool {
        let same = |slot: u32| other.get(&self.store.key(slot)) == Some(self.store.row(slot));
        self.seq == other.seq && self.len() == other.len() && self.store.all().all(same)
    }
}

/// The server's answer to "may I?".
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum May<'a> {
    Yes,
    No(&'a Allowed),
    /// No row speaks of it: the server will decide when asked.
    Unsaid,
}

impl Project {
    /// Takes an update in. The first snapshot marks nothing as fresh: everything is new then. What a later snapshot does not speak of
    /// goes when its last message is here, so that the screen never blinks.
    pub fn take(&mut self, update: Update, now_ms: i64) {
        if update.snapshot {
            self.store.age_all();
            self.filling = true;
        }
        let many_messages = self.filling && update.seq == 0;
        let quiet = !self.loaded || many_messages || (self.filling && !update.snapshot);
        let many = update.upserts.len() > MANY;
        if many {
            self.index.begin_many();
        }
        for row in update.upserts {
            let Some(mut of) = row.row else { continue };
            if let Of::Record(record) = &mut of {
                self.keep_files(&row.key, record);
            }
            if self.upsert(&row.key, &of, false) && !quiet && self.fresh.len() < FRESH_MAX {
                self.fresh.insert(row.key, now_ms + FRESH_MS);
            }
        }
        for key in update.removals {
            self.remove(&key);
        }
        if many {
            self.index.end_many(&self.store);
        }
        if self.filling && !many_messages {
            self.filling = false;
            for slot in self.store.take_old_ones() {
                self.laid.take();
                self.index.remove(&self.store, slot);
                self.store.remove(slot);
            }
        }
        self.seq = update.seq;
        self.loaded = true;
    }

    /// An older record comes without its files; those that were asked for stay with it as long as it is the same record.
    fn keep_files(&self, key: &str, new: &mut RecordRow) {
        let Some(Of::Record(old)) = self.get(key) else { return };
        let same = old.record_id == new.record_id && old.fingerprint == new.fingerprint;
        if same && !told::is_whole(new) && told::is_whole(old) {
            new.files.clone_from(&old.files);
            if new.delivered_ms == old.delivered_ms {
                new.manifest_json.clone_from(&old.manifest_json);
            }
        }
    }

    /// All files of a record that was asked for, into its row; everything else stays as the newest update has it.
    pub fn complete(&mut self, whole: RecordRow) {
        let key = format!("record/{}", whole.number);
        let Some(Of::Record(now)) = self.get(&key) else { return };
        if now.record_id != whole.record_id || now.fingerprint != whole.fingerprint || told::is_whole(now) {
            return;
        }
        let RecordRow { files, manifest_json, .. } = whole;
        let row = RecordRow { files, manifest_json, ..now.clone() };
        self.upsert(&key, &Of::Record(row), false);
    }

    /// Whether anything changed by it.
    fn upsert(&mut self, key: &str, of: &Of, ours: bool) -> bool {
        let mut place = self.index.place(of);
        place.ours = ours;
        let keeps_record = self.keeps_record(key, of, place);
        if let Some(slot) = self.store.find(key)
            && self.store.place(slot) != place
        {
            self.index.remove(&self.store, slot);
        }
        match self.store.put(key, of, place) {
            Put::New(slot) => self.index.insert(&self.store, slot),
            Put::Changed(slot, before) if before != place => self.index.insert(&self.store, slot),
            Put::Changed(..) => {}
            Put::Same => return false,
        }
        if !keeps_record {
            self.laid.take();
        }
        true
    }

    /// Whether the record stays as it is when this row comes.
    fn keeps_record(&self, key: &str, of: &Of, place: index::Place) -> bool {
        match of {
            Of::Project(_) | Of::Version(_) => false,
            Of::Song(song) => self.store.find(key).is_some_and(|slot| {
                let handed = song.handoff.as_ref().map(|it| it.version_id.as_str());
                let [candidate, before] = self.store.on_record(slot);
                self.store.place(slot) == place
                    && candidate.unwrap_or_default() == song.candidate_version_id
                    && before.as_deref() == handed
            }),
            _ => true,
        }
    }

    fn remove(&mut self, key: &str) {
        if let Some(slot) = self.store.find(key) {
            self.laid.take();
            self.index.remove(&self.store, slot);
            self.store.remove(slot);
        }
    }

    /// Shows a row that was written here and that the server has not answered yet. One of the server's own stays as it is.
    pub fn expect(&mut self, key: &str, of: &Of) {
        if self.store.find(key).is_none_or(|slot| self.store.place(slot).ours) {
            self.upsert(key, of, true);
        }
    }

    /// It came to nothing.
    pub fn expect_no_more(&mut self, key: &str) {
        if self.store.find(key).is_some_and(|slot| self.store.place(slot).ours) {
            self.remove(key);
        }
    }

    /// True between the first and the last message of a snapshot.
    pub fn is_filling(&self) -> bool {
        self.filling
    }

    /// Lets go of rows that were unpacked for what is not on the screen any more.
    pub fn rest(&mut self) {
        self.store.rest();
    }

    pub fn is_fresh(&self, key: &str) -> bool {
        self.fresh.contains_key(key)
    }

    pub fn get(&self, key: &str) -> Option<&Of> {
        Some(self.store.row(self.store.find(key)?))
    }

    /// How many rows there are, of all kinds.
    pub fn len(&self) -> usize {
        self.store.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn list<'a, T>(&'a self, slots: &'a [u32]) -> List<'a, T> {
        List { store: &self.store, slots, of: PhantomData }
    }

    fn of_kind<T>(&self, song_id: &str, kind: Kind) -> List<'_, T> {
        self.list(self.index.of_kind(&self.store, song_id, kind))
    }

    pub fn head(&self) -> Option<&ProjectRow> {
        ProjectRow::pick(self.get(PROJECT_KEY)?)
    }

    pub fn members(&self) -> Vec<&MemberRow> {
        self.list(self.index.members()).iter().collect()
    }

    /// The newest first.
    pub fn records(&self) -> List<'_, RecordRow> {
        self.list(self.index.records())
    }

    /// In running order.
    pub fn songs(&self) -> List<'_, SongRow> {
        self.list(self.index.songs())
    }

    pub fn songs_in(&self, stage: Stage) -> List<'_, SongRow> {
        self.list(self.index.stage(stage))
    }

    /// The number of a song. It holds as long as the row of the song is here: what follows from rows may keep it instead of an id of 36 letters.
    pub fn song_number(&self, song_id: &str) -> Option<u32> {
        self.store.find(&format!("song/{song_id}"))
    }

    /// Those of all songs, in running order.
    pub fn song_numbers(&self) -> &[u32] {
        self.index.songs()
    }

    pub fn song_numbered(&self, number: u32) -> Option<&SongRow> {
        SongRow::pick(self.numbered(number)?)
    }

    /// Without unpacking it.
    pub fn song_id_numbered(&self, number: u32) -> String {
        if self.store.holds(number) { pack::id_of(&self.store.key(number)).to_owned() } else { String::new() }
    }

    /// The title of a song, without unpacking it.
    pub fn title_numbered(&self, number: u32) -> String {
        if self.store.holds(number) { self.store.title(number) } else { String::new() }
    }

    /// As of songs.
    pub fn version_number(&self, version_id: &str) -> Option<u32> {
        self.store.find(&format!("version/{version_id}"))
    }

    pub fn version_numbered(&self, number: u32) -> Option<&VersionRow> {
        VersionRow::pick(self.numbered(number)?)
    }

    fn numbered(&self, number: u32) -> Option<&Of> {
        self.store.holds(number).then(|| self.store.row(number))
    }

    /// What would go on the record of the song with this number, with the first of its files: nothing is unpacked for it.
    pub fn on_record(&self, song: u32) -> Option<(u32, Option<VersionFile>)> {
        if !self.store.holds(song) {
            return None;
        }
        let ids = self.store.on_record(song).into_iter().flatten();
        let slot = { ids }.find_map(|id| self.version_number(&id))?;
        Some((slot, self.store.main_file(slot)))
    }

    /// The first file of the version with this number: the rest of it stays packed.
    pub fn main_file_numbered(&self, version: u32) -> Option<VersionFile> {
        if self.store.holds(version) { self.store.main_file(version) } else { None }
    }

    /// Without unpacking it.
    pub fn has_song(&self, song_id: &str) -> bool {
        self.song_number(song_id).is_some()
    }

    pub fn song(&self, song_id: &str) -> Option<&SongRow> {
        SongRow::pick(self.get(&format!("song/{song_id}"))?)
    }

    pub fn gate(&self, song_id: &str) -> Option<&GateRow> {
        GateRow::pick(self.get(&format!("gate/{song_id}"))?)
    }

    /// How much of the candidate the gate of the song's stage asks of the viewer, in per cent; 0 where nothing.
    pub fn heard_asked(&self, song: &SongRow) -> u32 {
        let Some(head) = self.head() else { return 0 };
        let rule = head.gates.iter().find(|it| it.stage() == song.stage());
        let mine = |it: &&deadwax_proto::v1::GateRule| {
            it.needs.iter().flat_map(|need| &need.any_of).any(|role| head.your_roles.contains(role))
        };
        rule.filter(mine).map_or(0, |it| it.heard_percent)
    }

    pub fn version(&self, version_id: &str) -> Option<&VersionRow> {
        VersionRow::pick(self.get(&format!("version/{version_id}"))?)
    }

    pub fn note(&self, note_id: &str) -> Option<&NoteRow> {
        NoteRow::pick(self.get(&format!("note/{note_id}"))?)
    }

    /// The song that a row is about, by the row's key: "note/ID".
    pub fn song_of<'a>(&'a self, key: &'a str) -> Option<&'a str> {
        let (kind, id) = key.split_once('/')?;
        match kind {
            "note" => self.note(id).map(|it| it.song_id.as_str()),
            "version" => self.version(id).map(|it| it.song_id.as_str()),
            "song" => Some(id),
            _ => None,
        }
    }

    pub fn render(&self, render_id: &str) -> Option<&RenderRow> {
        RenderRow::pick(self.get(&format!("render/{render_id}"))?)
    }

    /// Newest first.
    pub fn versions(&self, song_id: &str) -> Vec<&VersionRow> {
        self.of_kind(song_id, Kind::Version).iter().collect()
    }

    /// The newest, without looking at the others.
    pub fn newest_version(&self, song_id: &str) -> Option<&VersionRow> {
        self.of_kind(song_id, Kind::Version).first()
    }

    /// Notes that are not replies, in the order of the song; those on the song as a whole come first. Settled ones only if asked for.
    pub fn notes(&self, song_id: &str, settled_too: bool) -> List<'_, NoteRow> {
        if settled_too {
            self.of_kind(song_id, Kind::Note)
        } else {
            self.list(self.index.open_notes(song_id))
        }
    }

    /// The replies to one note, oldest first.
    pub fn replies(&self, note: &NoteRow) -> Vec<&NoteRow> {
        let near: List<'_, NoteRow> =
            self.list(self.index.replies_to(&self.store, &note.song_id, &note.note_id));
        near.iter().filter(|it| it.parent_note_id == note.note_id).collect()
    }

    /// Newest first.
    pub fn requests(&self, song_id: &str) -> Vec<&RequestRow> {
        self.of_kind(song_id, Kind::Request).iter().collect()
    }

    /// Newest first.
    pub fn renders(&self, song_id: &str) -> Vec<&RenderRow> {
        self.of_kind(song_id, Kind::Render).iter().collect()
    }

    /// Of a song, or with an empty id of the project. Newest first.
    pub fn recipes(&self, song_id: &str) -> Vec<&RecipeRow> {
        self.of_kind(song_id, Kind::Recipe).iter().collect()
    }

    /// Newest first.
    pub fn deliveries(&self, song_id: &str) -> Vec<&DeliveryRow> {
        self.of_kind(song_id, Kind::Delivery).iter().collect()
    }

    /// What the server says of an action; the first of these rows that speaks of it decides.
    pub fn answer(&self, action: &str, keys: &[String]) -> Option<&Allowed> {
        keys.iter()
            .find_map(|key| self.get(key).map_or(&[][..], allowed).iter().find(|it| it.action == action))
    }

    /// A refusal that a yes of the asker lifts is a question, and stands in the prompt.
    pub fn may(&self, action: &str, keys: &[String]) -> May<'_> {
        match self.answer(action, keys) {
            None => May::Unsaid,
            Some(it) if it.yes || it.reason == BEYOND_TERMS => May::Yes,
            Some(it) => May::No(it),
        }
    }
}

/// Where a note stands in one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub start_ms: Option<u64>,
    pub end_ms: Option<u64>,
    pub kind: PlaceKind,
}

/// As the server placed it in that version; where it says nothing, as it was written.
pub fn place(note: &NoteRow, version_id: &str) -> Place {
    match note.places.iter().rev().find(|it| it.version_id == version_id) {
        Some(it) => Place { start_ms: it.start_ms, end_ms: it.end_ms, kind: it.kind() },
        None => Place { start_ms: note.start_ms, end_ms: note.end_ms, kind: PlaceKind::Same },
    }
}

/// Whether the note was done in that version, where somebody looked.
pub fn verdict<'a>(note: &'a NoteRow, version_id: &str) -> Option<&'a NoteVerdict> {
    note.verdicts.iter().rev().find(|it| it.version_id == version_id)
}

/// How many notes this version left alone of those that still wait: one that was accepted or declined since is answered. Nothing is looked at where the
/// version left none alone.
pub fn untouched(rows: &Project, version: &VersionRow) -> u32 {
    let found = version.examination.as_ref().map_or(0, |it| it.notes_untouched);
    if found == 0 {
        return 0;
    }
    let alone =
        |it: &&NoteRow| verdict(it, &version.version_id).is_some_and(|it| it.verdict() == Verdict::Untouched);
    let open = rows.notes(&version.song_id, false);
    if open.len() > COUNTED_MAX {
        return found;
    }
    u32::try_from(open.iter().filter(alone).count()).unwrap_or(u32::MAX).min(found)
}

pub fn is_settled(note: &NoteRow) -> bool {
    matches!(note.state(), NoteState::Accepted | NoteState::Declined)
}

/// The Main stands first.
pub fn main_file(version: &VersionRow) -> Option<&VersionFile> {
    version.files.first()
}

/// Of the Main, in milliseconds; 0 where nothing was measured.
pub fn length_ms(version: &VersionRow) -> u64 {
    main_file(version).and_then(|file| file.facts.as_ref()).map_or(0, duration_ms)
}

/// No figure of a server is trusted to be small.
pub fn duration_ms(facts: &AudioFacts) -> u64 {
    let ms = (u128::from(facts.frames) * 1000).checked_div(u128::from(facts.sample_rate)).unwrap_or(0);
    u64::try_from(ms).unwrap_or(u64::MAX)
}

fn allowed(row: &Of) -> &[Allowed] {
    match row {
        Of::Project(it) => &it.allowed,
        Of::Member(it) => &it.allowed,
        Of::Song(it) => &it.allowed,
        Of::Version(it) => &it.allowed,
        Of::Note(it) => &it.allowed,
        Of::Render(it) => &it.allowed,
        Of::Record(it) => &it.allowed,
        Of::Gate(_) | Of::Request(_) | Of::Delivery(_) | Of::Recipe(_) => &[],
    }
}
