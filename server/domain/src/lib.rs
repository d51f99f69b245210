//! The rules of the studio. `decide` says what follows from a command, `Project::apply` makes it so; both are pure.
//! Never here: a clock, IO, randomness, an async runtime, a wire format, a store. Invariants P-1 to P-6 are kept here and named in the tests.

mod apply;
mod command;
mod event;
mod file;
mod ids;
mod project;
mod refusal;
mod table;
mod token;
mod words;

pub mod approval;
pub mod delivery;
pub mod gate;
pub mod handoff;
pub mod member;
pub mod note;
pub mod render;
pub mod revision;
pub mod song;
pub mod version;

pub use approval::{Approval, ApprovalState, Ended, Says};
pub use command::*;
pub use delivery::Delivery;
pub use event::*;
pub use file::*;
pub use gate::{GateRule, Need};
pub use handoff::{Handoff, HandoffState};
pub use ids::*;
pub use member::Member;
pub use note::{Item, Note, NoteState};
pub use project::{Project, Terms};
pub use refusal::*;
pub use render::{Render, RenderState};
pub use revision::RevisionRequest;
pub use song::Song;
pub use table::Table;
pub use version::Version;
pub use words::*;

/// What follows from a command: facts, or a refusal. Pure; never panics (P-6).
pub fn decide(
    _project: &Project,
    _actor: &Actor,
    _command: &Command,
    _now: Time,
) -> Result<Vec<Event>, Refusal> {
    unimplemented!()
}
