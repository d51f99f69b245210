//! What the house finds out about a version by itself: whether its alternates belong to its main, what changed since the version before, whether notes
//! were done and where they stand now. The sound is looked at elsewhere; here is what follows from it. Never here: how it is measured.

use crate::{
    Actor, Alternate, Command, Fact, NoteId, NoteState, Place, Project, Reason, Refusal, Time, Version,
    VersionId,
    decide::{Ruling, Touched, misrouted},
    refusal::no,
};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Examined {
    /// The version that it was compared with.
    pub against: Option<VersionId>,
    /// Why it could not be examined.
    pub failed: Option<String>,
    /// Said of the alternates among each other.
    pub found: Vec<Found>,
    pub notes: Vec<NoteOutcome>,
    /// Sentences, the gravest change first.
    pub changes: Vec<String>,
    pub same: Sameness,
    /// What is left when both are laid over each other, of all files the loudest, against the music, dB. `None`: nothing, or nothing was compared.
    pub residual_db: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub block: bool,
    pub code: String,
    pub text: String,
    pub alternate: Alternate,
}

/// What became of a note in a version: its verdict and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct NoteOutcome {
    pub note: NoteId,
    pub verdict: Verdict,
    /// "change found: +0.8 dB, 1-4 kHz, 1:32-1:41"
    pub text: String,
    /// `None`: the note has no time.
    pub place: Option<Placed>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    pub kind: PlaceKind,
    pub span: crate::Span,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    #[default]
    Unknown,
    Changed,
    Untouched,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlaceKind {
    #[default]
    Same,
    /// The edit moved it.
    Moved,
    /// What it spoke of was cut; it stands at the nearest place.
    Gone,
    ByHand,
}

/// How like a version is to the one before: all its files against all of that one, by alternate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sameness {
    /// Other alternates, other music, or not compared.
    #[default]
    Other,
    /// Something is left; [`Examined::residual_db`] says how much.
    Residual,
    /// The same samples, in another container or word length.
    Pcm,
    /// The same samples in the same form.
    Metadata,
}

impl Project {
    /// The version that a comparison of this one begins from: the one before of its kind and line; of masters the one before of the present mix.
    pub fn predecessor(&self, version: &Version) -> Option<&Version> {
        let before = |other: &&Version| {
            other.kind == version.kind && other.line == version.line && other.number < version.number
        };
        self.versions_of(version.song).rev().find(before)
    }

    /// Whether there is anything to find out: alternates that a person printed, or something to compare with.
    pub fn wants_examination(&self, version: &Version) -> bool {
        let printed =
            version.by.is_some() && version.files.iter().any(|file| file.alternate != Alternate::Main);
        printed || self.predecessor(version).is_some()
    }

    /// Wanted and not there yet.
    pub fn awaits_examination(&self, version: &Version) -> bool {
        !self.examinations.contains(version.id) && self.wants_examination(version)
    }

    /// Work for the examiner, oldest first.
    pub fn unexamined(&self) -> Vec<&Version> {
        let mut due: Vec<&Version> =
            self.versions.values().filter(|version| self.awaits_examination(version)).collect();
        due.sort_by_key(|version| (version.at, version.id));
        due
    }

    /// Notes whose place and outcome an examination of this version should tell: open or addressed, written on an earlier version of its kind and line.
    pub fn notes_to_examine(&self, version: &Version) -> Vec<&crate::Note> {
        let earlier = |id: VersionId| {
            self.versions.get(id).is_some_and(|written| {
                written.kind == version.kind
                    && written.line == version.line
                    && written.number < version.number
            })
        };
        self.notes_of(version.song)
            .filter(|note| note.parent.is_none() && earlier(note.version))
            .filter(|note| matches!(note.state, NoteState::Open | NoteState::Addressed(_)))
            .collect()
    }
}

/// The worker, once for each version. A note that is not the version's to judge is dropped; a place beyond its end is brought back to the end.
pub(crate) fn rule(
    project: &Project,
    actor: &Actor,
    command: &Command,
    now: Time,
) -> Result<Ruling, Refusal> {
    let Command::RecordExamination { version, examined } = command else { return misrouted() };
    if *actor != Actor::Worker {
        let hint = "It is made by itself when a version is added.";
        return no(Reason::NotYourRole, "Only the house examines versions.", hint);
    }
    let Some(of) = project.versions.get(*version) else {
        return no(
            Reason::NoSuchVersion,
            "There is no such version in this project.",
            "Look at the song again.",
        );
    };
    if !project.awaits_examination(of) {
        return no(Reason::NothingToChange, "That version is examined already.", "There is nothing to do.");
    }
    let mut examined = examined.clone();
    let ours: Vec<NoteId> = project.notes_to_examine(of).iter().map(|note| note.id).collect();
    examined.notes.retain(|outcome| ours.contains(&outcome.note));
    for outcome in &mut examined.notes {
        if let Some(placed) = &mut outcome.place {
            placed.span = Place::within(of, placed.span);
        }
    }
    let fact = Fact::VersionExamined { version: *version, examined };
    let consequences = carried(project, &fact, now);
    Ok(Ruling { facts: vec![fact], consequences, touched: Touched::Song(of.song) })
}

/// P-4: the approvals that the gate's carry rule lets count for this version too.
fn carried(project: &Project, fact: &Fact, now: Time) -> Vec<Fact> {
    let _ = (project, fact, now);
    Vec::new()
}
