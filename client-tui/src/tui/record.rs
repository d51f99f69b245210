//! The records of a project as the screens see them: which one is looked at, its files as a tree, how far one is that is being made; the questions that come before
//! one is started or signed; orders to the task behind them and what it tells. Never here: IO, a rule of the studio.

use std::collections::BTreeSet;

use deadwax_proto::v1::{
    PlanResponse, ProfileInfo, RecordFile, RecordProfile, RecordProgress, RecordRow, RecordState, Role,
};
use ratatui_textarea::TextArea;

use super::msg::Failure;
pub use crate::verbs::record::told::is_under_way;
use crate::{receipt::secret::Secret, verbs::record::balance::Table};

/// Where the keys are, and what was asked for. Which record is looked at stands in the screen: without a number the newest is followed.
#[derive(Clone, Debug, Default)]
pub struct Room {
    /// In the files; else in the list of records.
    pub in_files: bool,
    /// Which line of the tree.
    pub line: usize,
    /// Profiles whose files are shown. Where there is one alone it always is.
    pub open: BTreeSet<String>,
    /// Of the record that is looked at.
    pub tree: Tree,
    /// What a record can be made for; kept once it was told.
    pub profiles: Option<Vec<ProfileInfo>>,
    /// Of the record with this id.
    pub progress: Option<(String, RecordProgress)>,
    /// Whose files were asked for, by id; once while it is looked at.
    pub asked: Option<String>,
    /// Of the newest dry run: its project, its spacing, and how the songs stand to each other in it.
    pub balance: Option<(String, u32, Table)>,
}

/// The files of a record in the order of their profiles: made once, so that a frame costs what it shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tree {
    /// Record and fingerprint that it was made from.
    of: (String, String),
    pub groups: Vec<Group>,
    /// Places in the list of the row.
    order: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub profile: String,
    pub bytes: u64,
    /// Of the files in `order`.
    from: usize,
    pub files: usize,
}

/// A line of the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Branch {
    /// Which group.
    Profile(usize),
    /// Place of the file in the list of the row.
    File(usize),
}

impl Tree {
    pub fn is_of(&self, row: &RecordRow) -> bool {
        self.of.0 == row.record_id && self.of.1 == row.fingerprint && self.order.len() == row.files.len()
    }

    pub fn of(row: &RecordRow) -> Tree {
        let mut tree = Tree {
            of: (row.record_id.clone(), row.fingerprint.clone()),
            groups: Vec::new(),
            order: (0..row.files.len()).collect(),
        };
        let mut profiles: Vec<&str> = Vec::new();
        let mut places = std::collections::HashMap::new();
        for file in &row.files {
            places.entry(file.profile.as_str()).or_insert_with(|| {
                profiles.push(&file.profile);
                profiles.len()
            });
        }
        // Stable: within a profile and a folder they stay as the studio lists them.
        tree.order.sort_by_key(|at| {
            let file = &row.files[*at];
            (places.get(file.profile.as_str()).copied().unwrap_or(0), file.folder.as_str())
        });
        for (from, at) in tree.order.iter().enumerate() {
            let file = &row.files[*at];
            match tree.groups.last_mut().filter(|it| it.profile == file.profile) {
                Some(group) => {
                    group.files += 1;
                    group.bytes = group.bytes.saturating_add(file.bytes);
                }
                None => tree.groups.push(Group {
                    profile: file.profile.clone(),
                    bytes: file.bytes,
                    from,
                    files: 1,
                }),
            }
        }
        tree
    }

    pub fn is_open(&self, group: &Group, open: &BTreeSet<String>) -> bool {
        self.groups.len() == 1 || open.contains(&group.profile)
    }

    /// How many lines there are.
    pub fn len(&self, open: &BTreeSet<String>) -> usize {
        self.groups.iter().map(|it| 1 + if self.is_open(it, open) { it.files } else { 0 }).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    pub fn line(&self, line: usize, open: &BTreeSet<String>) -> Option<Branch> {
        let mut left = line;
        for (at, group) in self.groups.iter().enumerate() {
            let Some(inside) = left.checked_sub(1) else { return Some(Branch::Profile(at)) };
            let files = if self.is_open(group, open) { group.files } else { 0 };
            if inside < files {
                return self.order.get(group.from + inside).map(|it| Branch::File(*it));
            }
            left = inside - files;
        }
        None
    }
}

/// A sign and a word.
pub fn state(row: &RecordRow) -> (&'static str, &'static str) {
    match row.state() {
        RecordState::Unspecified | RecordState::Queued => ("○", "queued"),
        RecordState::Running => ("▶", "being made"),
        RecordState::Made if row.outdated => ("!", "outdated"),
        RecordState::Made => ("◐", "made"),
        RecordState::Failed => ("×", "failed"),
        RecordState::Cancelled => ("–", "cancelled"),
        RecordState::Delivered => ("●", "delivered"),
    }
}

/// The file that a line is about.
pub fn file(row: &RecordRow, branch: Branch) -> Option<&RecordFile> {
    match branch {
        Branch::File(at) => row.files.get(at),
        Branch::Profile(_) => None,
    }
}

/// What a record shall be made for: profiles of the studio, of one's own by path, and the level of the loudest song.
#[derive(Clone, Debug)]
pub struct ProfilesAsk {
    pub project: String,
    /// While the list is awaited.
    pub ticket: Option<u64>,
    pub chosen: BTreeSet<String>,
    pub at: usize,
    pub pane: Pane,
    pub own: TextArea<'static>,
    pub loudest: TextArea<'static>,
    pub problem: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pane {
    List,
    Own,
    Loudest,
}

pub const PANES: [Pane; 3] = [Pane::List, Pane::Own, Pane::Loudest];

/// The dry run.
#[derive(Clone, Debug)]
pub struct PlanAsk {
    pub project: String,
    /// While it is awaited.
    pub ticket: Option<u64>,
    /// As they were planned: exactly these are started.
    pub profiles: Vec<RecordProfile>,
    pub loudest: Option<f64>,
    /// That of the Album room; empty: one without sides.
    pub medium: String,
    pub plan: Option<Box<PlanResponse>>,
    /// What the services do to its level and what stands out, a line each.
    pub levels: Vec<String>,
    /// Why there is none, and the next step.
    pub problem: Option<(String, String)>,
    pub page: Page,
    pub at: usize,
    pub back: Box<ProfilesAsk>,
}

impl PlanAsk {
    /// What its sides are for; empty where it has none: a disc is cut on nothing.
    pub fn cut_on(&self) -> &str {
        let sides = self.plan.iter().flat_map(|it| &it.files).any(|it| it.kind.starts_with("side"));
        if sides { &self.medium } else { "" }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    Findings,
    Files,
    Levels,
}

pub const PAGES: [Page; 3] = [Page::Findings, Page::Files, Page::Levels];

/// The signature under a record. What stands in it when it opens is what is signed.
#[derive(Clone, Debug)]
pub struct SignAsk {
    pub project: String,
    pub number: u32,
    pub record: String,
    pub fingerprint: String,
    /// The fingerprint is that of the files which are listed.
    pub fits: bool,
    /// What the server says follows from it; may be empty.
    pub consequence: String,
    pub roles: Vec<Role>,
    pub role: usize,
    /// Being typed; shown by nothing.
    pub passphrase: Option<Secret>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    Profiles {
        ticket: u64,
    },
    Plan {
        ticket: u64,
        project_id: String,
        names: Vec<String>,
        /// Files of this machine.
        own: Vec<String>,
        loudest: Option<f64>,
        /// Empty: nobody said.
        medium: String,
    },
    Watch {
        project_id: String,
        record_id: String,
    },
    Unwatch,
    /// All files of one that is looked at.
    Whole {
        project: String,
        record_id: String,
    },
    Report {
        ticket: u64,
        project: String,
        record_id: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum News {
    Profiles { ticket: u64, outcome: Result<Vec<ProfileInfo>, Failure> },
    Planned { ticket: u64, outcome: Result<(Vec<RecordProfile>, Box<PlanResponse>), Failure> },
    Progress { record_id: String, progress: RecordProgress },
    Whole { project: String, outcome: Result<Box<RecordRow>, Failure> },
    Report { ticket: u64, outcome: Result<String, Failure> },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> RecordRow {
        let file = |profile: &str, folder: &str, name: &str| RecordFile {
            profile: profile.into(),
            folder: folder.into(),
            name: name.into(),
            bytes: 10,
            ..RecordFile::default()
        };
        RecordRow {
            files: vec![
                file("hi-res", "hi-res", "1"),
                file("cd", "cd/b", "2"),
                file("hi-res", "hi-res", "3"),
                file("cd", "cd", "4"),
            ],
            ..RecordRow::default()
        }
    }

    #[test]
    fn files_stand_under_their_profile_wherever_they_were_listed() {
        let row = row();
        let tree = Tree::of(&row);
        assert!(tree.is_of(&row));
        let lines = |open: &BTreeSet<String>| -> Vec<Branch> {
            (0..20).map_while(|at| tree.line(at, open)).collect()
        };
        let (none, cd) = (BTreeSet::new(), BTreeSet::from(["cd".to_owned()]));
        assert_eq!(lines(&none), [Branch::Profile(0), Branch::Profile(1)]);
        let wanted = [Branch::Profile(0), Branch::Profile(1), Branch::File(3), Branch::File(1)];
        assert_eq!(lines(&cd), wanted);
        assert_eq!((tree.len(&none), tree.len(&cd)), (2, 4));
        assert_eq!((tree.groups[0].files, tree.groups[0].bytes), (2, 20));
        // One alone is always open.
        let one = RecordRow { files: row.files[..1].to_vec(), ..RecordRow::default() };
        assert_eq!(Tree::of(&one).len(&none), 2);
        assert_eq!(Tree::of(&RecordRow::default()).line(0, &none), None);
    }
}
