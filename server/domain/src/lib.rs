//! The rules of the studio. `decide` says what follows from a command, `Project::apply` makes it so; both are pure.
//! Never here: a clock, IO, randomness, an async runtime, a wire format, a store. Invariants P-1 to P-6 are kept here and named in the tests.

mod command;
mod event;
mod file;
mod ids;
mod refusal;
mod words;

pub use command::*;
pub use event::*;
pub use file::*;
pub use ids::*;
pub use refusal::*;
pub use words::*;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateRule {
    pub stage: Stage,
    pub needs: Vec<Need>,
    pub required_alternates: Vec<Alternate>,
    pub open_notes_allowed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    pub any_of: Roles,
    pub count: u32,
}

/// All that is known of one project: the fold of its facts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Project {}

impl Project {
    /// Total (P-6): a fact that makes no sense here changes nothing.
    pub fn apply(&mut self, _event: &Event) {}
}

/// What follows from a command: facts, or a refusal. Pure; never panics (P-6).
pub fn decide(
    _project: &Project,
    _actor: &Actor,
    _command: &Command,
    _now: Time,
) -> Result<Vec<Event>, Refusal> {
    unimplemented!()
}
