//! The rules of the studio. `decide` says what follows from a command, `Project::apply` makes it so; both are pure.
//! Never here: a clock, IO, randomness, an async runtime, a wire format, a store. Invariants P-1 to P-6 are kept here and named in the tests.

mod apply;
mod asker;
mod command;
mod decide;
mod event;
mod file;
mod ids;
mod project;
mod refusal;
mod table;
mod token;
mod words;

#[cfg(test)]
mod testing;

pub mod approval;
pub mod audience;
pub mod delivery;
pub mod dry;
pub mod examination;
pub mod gate;
pub mod handoff;
pub mod heard;
pub mod label_copy;
pub mod limits;
pub mod link;
pub mod member;
pub mod note;
pub mod notice;
pub mod planted;
pub mod preflight;
pub mod receipt;
pub mod recipe;
pub mod record;
pub mod render;
pub mod revision;
pub mod section;
pub mod sentence;
pub mod shootout;
pub mod song;
pub mod spacing;
pub mod text;
pub mod turnaround;
pub mod urgency;
pub mod version;
pub mod waits;

pub use approval::{Approval, ApprovalState, Ended, Says};
pub use command::*;
pub use decide::{check, decide};
pub use delivery::Delivery;
pub use event::*;
pub use examination::{Examined, Found, NoteOutcome, PlaceKind, Placed, Sameness, Stretch, Verdict};
pub use file::*;
pub use gate::{Carry, GateLine, GateReport, GateRule, Need, Overridden};
pub use handoff::{Handoff, HandoffState, Package, ReturnItem};
pub use ids::*;
pub use label_copy::{Cover, Credit, Explicit, LabelCopy, SongCopy, Split};
pub use link::{Link, LinkScope};
pub use member::Member;
pub use note::{Item, Note, NoteState, NoteVerdict, Place};
pub use notice::{FollowLevel, Webhook};
pub use preflight::{Finding, PreflightSetting, Severity};
pub use project::{Project, Terms};
pub use receipt::{Kept, Key, Receipt, Revoked};
pub use recipe::{Recipe, RecipeVersion};
pub use record::{
    Record, RecordApproval, RecordDelivered, RecordFile, RecordProfile, RecordSource, RecordState,
    RecordTexts, record_fingerprint,
};
pub use refusal::*;
pub use render::{Render, RenderState};
pub use revision::{RevisionKind, RevisionRequest};
pub use section::Section;
pub use sentence::{Sentence, sentence, sentence_for};
pub use shootout::{Line, Picked, Shootout, Vote};
pub use song::{Returned, Song};
pub use spacing::{FadeShape, Spacing, SpacingApproval, SpacingItem, SpacingNote};
pub use table::Table;
pub use turnaround::{SongTurnaround, StageTime, turnaround};
pub use urgency::{Piece, Urgency, urgency};
pub use version::{Version, fingerprint};
pub use waits::{Target, Wait, WaitKind, waits};
pub use words::*;
