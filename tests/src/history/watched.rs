//! What a watcher has on the screen, and whether a watch told the truth: in order, nothing twice, nothing left out, nothing that a crash undid. Never here:
//! which rows somebody may see (the server's own view of the replayed project says that).

use std::collections::BTreeMap;

use deadwax_domain::{PersonId, Project, ProjectId};
use deadwax_proto::v1;
use deadwax_server::{
    auth::Directory,
    wire::view::{self, Viewer},
};

use super::{Heard, Tick, Update, Wrong};

pub type Rows = BTreeMap<String, v1::Row>;

/// The rows of one watcher, as a client keeps them. An update that comes in pieces counts when its last piece is here.
#[derive(Clone, Debug, Default)]
pub struct Screen {
    pub seq: u64,
    pub rows: Rows,
    pieces: Vec<v1::Update>,
}

impl Screen {
    /// What was told, once it is told whole.
    pub fn take(&mut self, at: Tick, update: v1::Update) -> Option<Update> {
        let (seq, empty) = (update.seq, update.upserts.is_empty() && update.removals.is_empty());
        let pending = !self.pieces.is_empty();
        if seq == 0 || (seq == self.seq && !update.snapshot && (pending || !empty)) {
            self.pieces.push(update);
            return None;
        }
        let pieces: Vec<v1::Update> = self.pieces.drain(..).chain([update]).collect();
        let whole = pieces.iter().any(|piece| piece.snapshot);
        let mut doubles = 0;
        if whole {
            self.rows.clear();
        }
        for piece in pieces {
            for key in piece.removals {
                doubles += u32::from(self.rows.remove(&key).is_none());
            }
            for row in piece.upserts {
                doubles += u32::from(self.rows.get(&row.key) == Some(&row));
                self.rows.insert(row.key.clone(), row);
            }
        }
        self.seq = seq;
        Some(Update { at, seq, whole, doubles, empty: empty && !pending })
    }

    /// The line is gone, and with it what had come of an update by half.
    pub fn cut(&mut self) {
        self.pieces.clear();
    }
}

/// What a person should see of the project; empty for whoever is no member.
pub fn rows_of(id: ProjectId, project: &Project, person: PersonId, names: &Directory) -> Rows {
    Viewer::new(id, project, person, names).map(|viewer| view::rows(&viewer)).unwrap_or_default()
}

/// Order alone; what the rows say is compared where the project is replayed.
pub(super) fn check(heard: &Heard, head: u64, wrong: &mut Vec<Wrong>) {
    let person = heard.person;
    let mut before = heard.from;
    for (number, update) in heard.updates.iter().enumerate() {
        let seq = update.seq;
        if seq > head {
            wrong.push(Wrong::Ahead { person, seq, head });
        }
        if seq < before {
            wrong.push(Wrong::WentBack { person, before, seq });
        }
        let again = seq == before && number > 0 && !update.empty;
        if again || (update.doubles > 0 && !update.whole) || (update.whole && number > 0) {
            wrong.push(Wrong::Double { person, seq });
        }
        before = seq;
    }
}
