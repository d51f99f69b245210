//! What the client knows of being without a line: how old what it shows is, which commands wait, and what the server said to those that
//! were sent late. Data only; `update::offline` changes it.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Link, Model};

/// So many verdicts are remembered.
pub const VERDICTS_MAX: usize = 200;

#[derive(Clone, Debug, Default)]
pub struct Offline {
    /// When each project was last known to be as it is shown, in milliseconds.
    pub seen: BTreeMap<String, i64>,
    /// The same of desk and list; 0 where there are none.
    pub at_ms: i64,
    /// What was said to commands that were not sent when they were given, the oldest first.
    pub verdicts: Vec<Verdict>,
    /// How many verdicts there were when commands last went out after a cut.
    pub told: usize,
    /// Commands that stand on disk.
    pub kept: BTreeSet<String>,
    /// Projects that the disk was asked for.
    pub asked: BTreeSet<String>,
    /// When each project was last written to disk, and its seq then.
    pub written: BTreeMap<String, (i64, u64)>,
    pub start_written_ms: i64,
    /// Desk or list changed since.
    pub start_changed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub command_id: String,
    pub say: String,
    pub at_ms: i64,
    pub said: Said,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    Done(String),
    Refused { text: String, hint: String },
}

impl Model {
    /// When what is on the screen was last known to be so; `None` while it is followed, and where nothing is there yet.
    pub fn as_of_ms(&self) -> Option<i64> {
        if self.online() {
            return None;
        }
        let at_ms = match self.project_id() {
            Some(project) => self.offline.seen.get(project).copied(),
            None => Some(self.offline.at_ms),
        };
        at_ms.filter(|it| *it > 0)
    }

    /// Whether the row with this key waits for the server: because of a command about it, or because it was written here.
    pub fn waits(&self, key: &str) -> bool {
        self.pending.iter().any(|it| it.about == key || it.makes() == Some(key.to_owned()))
    }

    /// Whether a command given now could be kept until the line is back.
    pub fn can_keep(&self) -> bool {
        self.me.is_some() && matches!(self.link, Link::Offline { .. } | Link::Connecting)
    }
}
