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
pub mod gate;
pub mod handoff;
pub mod limits;
pub mod member;
pub mod note;
pub mod preflight;
pub mod recipe;
pub mod render;
pub mod revision;
pub mod sentence;
pub mod song;
pub mod text;
pub mod version;
pub mod waits;

pub use approval::{Approval, ApprovalState, Ended, Says};
pub use command::*;
pub use decide::{check, decide};
pub use delivery::Delivery;
pub use event::*;
pub use file::*;
pub use gate::{GateLine, GateReport, GateRule, Need};
pub use handoff::{Handoff, HandoffState};
pub use ids::*;
pub use member::Member;
pub use note::{Item, Note, NoteState};
pub use preflight::Finding;
pub use project::{Project, Terms};
pub use recipe::{Recipe, RecipeVersion};
pub use refusal::*;
pub use render::{Render, RenderState};
pub use revision::RevisionRequest;
pub use sentence::{Sentence, sentence};
pub use song::Song;
pub use table::Table;
pub use version::{Version, fingerprint};
pub use waits::{Target, Wait, WaitKind, waits};
pub use words::*;
