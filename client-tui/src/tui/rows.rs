//! One project as the server sent it: a map from key to row, and the questions that screens ask of it. Never a rule: `may` only
//! repeats what the server wrote beside a row.

use std::collections::{BTreeMap, HashMap};

use deadwax_proto::v1::{
    Allowed, AudioFacts, DeliveryRow, GateRow, MemberRow, NoteRow, NoteState, NoteVerdict, PlaceKind,
    ProjectRow, RecipeRow, RenderRow, RequestRow, SongRow, Stage, Update, VersionFile, VersionRow,
    row::Row as Of,
};

/// How long a changed row stays marked, in milliseconds.
pub const FRESH_MS: i64 = 2_500;

/// The reason of a refusal that asks for an explicit yes: the round lies beyond the terms and is billed.
pub const BEYOND_TERMS: &str = "BEYOND_TERMS";

/// The key of the row of the project itself.
pub const PROJECT_KEY: &str = "project";

#[derive(Clone, Debug, Default)]
pub struct Project {
    pub rows: BTreeMap<String, Of>,
    /// Of the newest update: where a watch goes on.
    pub seq: u64,
    pub loaded: bool,
    /// Keys that changed a moment ago, with the time at which the mark fades.
    pub fresh: HashMap<String, i64>,
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
    /// Takes an update in. The first snapshot marks nothing as fresh: everything is new then.
    pub fn take(&mut self, update: Update, now_ms: i64) {
        let first = !self.loaded;
        let before = if update.snapshot { std::mem::take(&mut self.rows) } else { BTreeMap::new() };
        for row in update.upserts {
            let Some(of) = row.row else { continue };
            let old = if update.snapshot { before.get(&row.key) } else { self.rows.get(&row.key) };
            if !first && old != Some(&of) {
                self.fresh.insert(row.key.clone(), now_ms + FRESH_MS);
            }
            self.rows.insert(row.key, of);
        }
        for key in update.removals {
            self.rows.remove(&key);
        }
        self.seq = update.seq;
        self.loaded = true;
    }

    pub fn is_fresh(&self, key: &str) -> bool {
        self.fresh.contains_key(key)
    }

    pub fn head(&self) -> Option<&ProjectRow> {
        match self.rows.get(PROJECT_KEY) {
            Some(Of::Project(it)) => Some(it),
            _ => None,
        }
    }

    pub fn members(&self) -> Vec<&MemberRow> {
        self.rows.values().filter_map(|row| if let Of::Member(it) = row { Some(it) } else { None }).collect()
    }

    /// In running order.
    pub fn songs(&self) -> Vec<&SongRow> {
        let mut songs: Vec<_> = self
            .rows
            .values()
            .filter_map(|row| if let Of::Song(it) = row { Some(it) } else { None })
            .collect();
        songs.sort_by_key(|song| (song.position, &song.song_id));
        songs
    }

    pub fn songs_in(&self, stage: Stage) -> Vec<&SongRow> {
        self.songs().into_iter().filter(|song| song.stage() == stage).collect()
    }

    pub fn song(&self, song_id: &str) -> Option<&SongRow> {
        match self.rows.get(&format!("song/{song_id}")) {
            Some(Of::Song(it)) => Some(it),
            _ => None,
        }
    }

    pub fn gate(&self, song_id: &str) -> Option<&GateRow> {
        match self.rows.get(&format!("gate/{song_id}")) {
            Some(Of::Gate(it)) => Some(it),
            _ => None,
        }
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
        match self.rows.get(&format!("version/{version_id}")) {
            Some(Of::Version(it)) => Some(it),
            _ => None,
        }
    }

    pub fn note(&self, note_id: &str) -> Option<&NoteRow> {
        match self.rows.get(&format!("note/{note_id}")) {
            Some(Of::Note(it)) => Some(it),
            _ => None,
        }
    }

    pub fn render(&self, render_id: &str) -> Option<&RenderRow> {
        match self.rows.get(&format!("render/{render_id}")) {
            Some(Of::Render(it)) => Some(it),
            _ => None,
        }
    }

    /// Newest first.
    pub fn versions(&self, song_id: &str) -> Vec<&VersionRow> {
        let mut versions: Vec<_> = self
            .rows
            .values()
            .filter_map(|row| if let Of::Version(it) = row { Some(it) } else { None })
            .filter(|version| version.song_id == song_id)
            .collect();
        versions.sort_by_key(|it| std::cmp::Reverse((it.kind, it.number, it.at_ms)));
        versions
    }

    /// Notes that are not replies, in the order of the song; those on the song as a whole come first. Settled ones only if asked for.
    pub fn notes(&self, song_id: &str, settled_too: bool) -> Vec<&NoteRow> {
        let mut notes: Vec<_> = self
            .rows
            .values()
            .filter_map(|row| if let Of::Note(it) = row { Some(it) } else { None })
            .filter(|note| note.song_id == song_id && note.parent_note_id.is_empty())
            .filter(|note| settled_too || !is_settled(note))
            .collect();
        notes.sort_by(|a, b| (a.start_ms, a.at_ms, &a.note_id).cmp(&(b.start_ms, b.at_ms, &b.note_id)));
        notes
    }

    /// By the note that they answer, oldest first.
    pub fn replies(&self, song_id: &str) -> HashMap<&str, Vec<&NoteRow>> {
        let mut threads: HashMap<&str, Vec<&NoteRow>> = HashMap::new();
        let notes = self.rows.values().filter_map(|row| if let Of::Note(it) = row { Some(it) } else { None });
        for note in notes.filter(|note| note.song_id == song_id && !note.parent_note_id.is_empty()) {
            threads.entry(&note.parent_note_id).or_default().push(note);
        }
        for thread in threads.values_mut() {
            thread.sort_by_key(|note| (note.at_ms, &note.note_id));
        }
        threads
    }

    /// Newest first.
    pub fn requests(&self, song_id: &str) -> Vec<&RequestRow> {
        let mut requests: Vec<_> = self
            .rows
            .values()
            .filter_map(|row| if let Of::Request(it) = row { Some(it) } else { None })
            .filter(|request| request.song_id == song_id)
            .collect();
        requests.sort_by_key(|request| std::cmp::Reverse((request.at_ms, request.round)));
        requests
    }

    /// Newest first.
    pub fn renders(&self, song_id: &str) -> Vec<&RenderRow> {
        let mut renders: Vec<_> = self
            .rows
            .values()
            .filter_map(|row| if let Of::Render(it) = row { Some(it) } else { None })
            .filter(|render| render.song_id == song_id)
            .collect();
        renders.sort_by(|a, b| (b.at_ms, &b.render_id).cmp(&(a.at_ms, &a.render_id)));
        renders
    }

    /// Of a song, or with an empty id of the project. Newest first.
    pub fn recipes(&self, song_id: &str) -> Vec<&RecipeRow> {
        let mut recipes: Vec<_> = self
            .rows
            .values()
            .filter_map(|row| if let Of::Recipe(it) = row { Some(it) } else { None })
            .filter(|recipe| recipe.song_id == song_id)
            .collect();
        recipes.sort_by_key(|recipe| std::cmp::Reverse(recipe.number));
        recipes
    }

    /// Newest first.
    pub fn deliveries(&self, song_id: &str) -> Vec<&DeliveryRow> {
        let mut deliveries: Vec<_> = self
            .rows
            .values()
            .filter_map(|row| if let Of::Delivery(it) = row { Some(it) } else { None })
            .filter(|delivery| delivery.song_id == song_id)
            .collect();
        deliveries.sort_by_key(|delivery| std::cmp::Reverse(delivery.at_ms));
        deliveries
    }

    /// What the server says of an action; the first of these rows that speaks of it decides.
    pub fn answer(&self, action: &str, keys: &[String]) -> Option<&Allowed> {
        keys.iter()
            .find_map(|key| self.rows.get(key).map_or(&[][..], allowed).iter().find(|it| it.action == action))
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
        Of::Gate(_) | Of::Request(_) | Of::Delivery(_) | Of::Recipe(_) => &[],
    }
}
