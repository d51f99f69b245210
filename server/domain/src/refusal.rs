//! The expected "no". A code that never changes, a sentence for a person, and the next step. Only names that the asker may see stand in it.

use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    pub reason: Reason,
    /// One sentence with a full stop.
    pub text: String,
    /// What to do next; empty where there is nothing.
    pub hint: String,
}

/// Stable: clients match on `code`. Add at the end, never rename.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    NoSuchProject,
    ProjectExists,
    NotAMember,
    NotYourRole,
    AlreadyMember,
    NoSuchPerson,
    LastManager,
    NoSuchSong,
    NoSuchVersion,
    NoSuchNote,
    NoSuchApproval,
    NoSuchRender,
    IdTaken,
    NameInvalid,
    TextTooLong,
    TextEmpty,
    IsrcInvalid,
    RuleInvalid,
    WrongStage,
    FileNotUploaded,
    MainMissing,
    AlternateTwice,
    SameFiles,
    NoteBeyondEnd,
    NoteRangeEmpty,
    NoteNotOpen,
    NoSuchItem,
    NoNotes,
    VersionSuperseded,
    FingerprintDiffers,
    NotAskedByGate,
    SelfApproval,
    AlreadyApproved,
    OnHold,
    StageLeftAlready,
    NoHandoff,
    HandoffEnded,
    RecipeInvalid,
    RenderRunning,
    RenderEnded,
    StaleAttempt,
    NotDeliveredYet,
    DeliveredAlready,
    LimitReached,
    NothingToChange,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}
