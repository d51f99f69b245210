//! What the hands of one person hold on this machine: filters, chosen lines, steps that can be taken back, a text that was not sent, the last press of the
//! mouse. Data only; `update::hands` changes it. Never here: anything the studio knows.

use std::collections::BTreeSet;

use deadwax_proto::v1::Action;

use super::{
    filter::Filter,
    keys::{Kind, Verb},
    model::{Ask, Model, Pending},
};

/// How many actions the palette remembers, and how many steps can be taken back.
pub const RECENT_MAX: usize = 8;
pub const STEPS_MAX: usize = 100;

#[derive(Clone, Debug, Default)]
pub struct Hands {
    /// The deepest screen last.
    pub filters: Vec<Filter>,
    pub chosen: Option<ChosenLines>,
    /// The newest first.
    pub recent: Vec<Verb>,
    /// The newest last.
    pub steps: Vec<Step>,
    pub undone: Vec<Step>,
    /// Commands on their way that could be taken back, with how.
    pub on_way: Vec<(String, Command)>,
    pub batch: Option<Batch>,
    /// A text that was being written when the client ended without being asked to.
    pub draft: Option<Draft>,
    /// What was last given to the disk of it.
    pub kept: Option<Draft>,
    pub press: Option<Press>,
    /// What each command on its way was written in, by the command's id: a refusal opens it again.
    pub asked: Vec<(String, Ask)>,
    /// The studio's words on what is open again; gone with the next key.
    pub refused: Option<String>,
}

impl Hands {
    /// Of the screen on top.
    pub fn filter(&self, model: &Model) -> Option<&Filter> {
        self.filters.last().filter(|it| (it.depth, it.kind) == (model.stack.len(), model.top().kind()))
    }

    /// Whether the line with this id is chosen on the screen on top.
    pub fn is_chosen(&self, model: &Model, id: &str) -> bool {
        self.chosen(model).is_some_and(|it| it.contains(id))
    }

    /// The ids that are chosen on the screen on top; `None` where there are none.
    pub fn chosen(&self, model: &Model) -> Option<&BTreeSet<String>> {
        let here = (model.stack.len(), model.top().kind());
        self.chosen.as_ref().filter(|it| (it.depth, it.kind) == here && !it.ids.is_empty()).map(|it| &it.ids)
    }
}

/// Lines chosen on one screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChosenLines {
    pub depth: usize,
    pub kind: Kind,
    pub ids: BTreeSet<String>,
}

/// A command and what takes it back.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    pub there: Pending,
    pub back: Action,
    /// Those sent together are taken back together.
    pub batch: u64,
}

/// Something that can be taken back.
#[derive(Clone, Debug)]
pub enum Step {
    /// A text that was thrown away.
    Text(Box<Ask>),
    /// Settled notes were shown or hidden, on this song of this project.
    Settled {
        project: String,
        song: String,
    },
    /// A range was dropped: its mark and its other end.
    Range {
        project: String,
        song: String,
        mark_ms: u64,
        cursor_ms: u64,
    },
    Filter {
        depth: usize,
        kind: Kind,
        typed: String,
    },
    Chosen(ChosenLines),
    Sent(Vec<Command>),
}

/// Several commands from one key, until the studio has answered each.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Batch {
    pub number: u64,
    pub waits_for: Vec<String>,
    pub done: usize,
    pub refused: Vec<String>,
}

/// A text on the disk of its writer, so that it outlives this client.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Draft {
    pub project: String,
    pub title: String,
    pub text: String,
    #[serde(default)]
    pub internal: Option<bool>,
    pub of: DraftOf,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DraftOf {
    Note {
        version: String,
        alternate: String,
        start_ms: Option<u64>,
        end_ms: Option<u64>,
    },
    Reply {
        version: String,
        parent: String,
    },
    Reopen {
        note: String,
    },
    Decline {
        note: String,
    },
    /// A reason for something that has to be asked anew.
    Reason,
}

/// Where and when a button of the mouse went down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    pub column: u16,
    pub line: u16,
    pub at_ms: i64,
    /// On a picture: its first column, its width, its time, and the time under the press.
    pub picture: Option<(u16, u16, u64, u64, u64)>,
}
