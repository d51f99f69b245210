//! What happened to one project, as everybody outside saw it, held against what the journal says in the end. Whoever tries a server under faults writes
//! down calls, answers, watches and restarts while they happen (`Book`); `check` judges them in one pass in the order of the facts. Nothing here knows whether
//! the server was simulated. Never here: the server, and the faults.

mod check;
mod ledger;
mod moves;
mod watched;

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use deadwax_domain::{Actor, Command, Digest, Event, PersonId, Stage, VersionId};

pub use check::check;
pub use ledger::{facts_of, prefix};
pub use watched::{Rows, Screen, rows_of};

/// A moment. Only the order counts: of two of them the larger was later, whoever wrote them down.
pub type Tick = u64;

/// An answer that never came.
pub const NEVER: Tick = Tick::MAX;

/// One sending of one command.
#[derive(Clone, Debug)]
pub struct Call {
    pub id: u128,
    pub actor: Actor,
    pub command: Command,
    pub expected: Option<u64>,
    pub begun: Tick,
    /// `NEVER`: nobody knows what became of it.
    pub ended: Tick,
    pub answer: Answer,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The facts that it made; `last` before `first`: none.
    Done { first: u64, last: u64 },
    /// By this rule; nothing was made.
    Refused(String),
    /// `expected` was not where the project stood.
    Conflict,
    /// It may have been done, or not, or may be done later.
    Unknown,
}

/// What a watcher was told last on one connection, and what was on the screen then.
#[derive(Clone, Debug)]
pub struct Heard {
    pub person: PersonId,
    /// From where it was asked to go on; 0: from the beginning.
    pub from: u64,
    /// Each update in its order.
    pub updates: Vec<Update>,
    pub screen: Rows,
}

#[derive(Clone, Copy, Debug)]
pub struct Update {
    pub at: Tick,
    pub seq: u64,
    /// It replaces everything.
    pub whole: bool,
    /// Rows that came although they were there already, or went although they were not.
    pub doubles: u32,
    pub empty: bool,
}

/// Audio whose upload was answered as done.
#[derive(Clone, Debug)]
pub struct Received {
    pub digest: Digest,
    pub begun: Tick,
    pub ended: Tick,
}

/// A start of the server: what its journal held then. Or a look into a database while others write to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// Before it was read: whatever was known by then is in it.
    pub at: Tick,
    /// After it was read: from then on it is known.
    pub read: Tick,
    pub head: u64,
    /// [`prefix`] of the facts up to `head`.
    pub facts: [u8; 32],
}

/// A fact as the journal has it in the end, in order from 1.
#[derive(Clone, Debug)]
pub struct Fact {
    pub command: u128,
    pub sha256: [u8; 32],
    pub event: Event,
}

/// All that is known of one project.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// So many facts were there before anybody was looked at.
    pub given: u64,
    pub facts: Vec<Fact>,
    pub calls: Vec<Call>,
    pub heard: Vec<Heard>,
    pub received: Vec<Received>,
    pub lives: Vec<Life>,
}

/// What must not be. Each names where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    #[error(
        "command {id:032x} was acknowledged with the facts {first} to {last}, and these are not its facts"
    )]
    Lost { id: u128, first: u64, last: u64 },
    #[error("after the start at {at} the journal held {head} facts; {known} was known outside before")]
    Undone { at: Tick, head: u64, known: u64 },
    #[error("the facts that the start at {at} read are not the first {head} of the end")]
    Rewritten { at: Tick, head: u64 },
    #[error("command {id:032x} took effect twice: at {first} and at {second}")]
    Twice { id: u128, first: u64, second: u64 },
    #[error("command {id:032x} was answered {one}, and another time {other}")]
    AnsweredTwice { id: u128, one: String, other: String },
    #[error("fact {seq} was made by command {id:032x}, which nobody sent")]
    FromNowhere { id: u128, seq: u64 },
    #[error("fact {seq} stands before {later}, whose call began after its own had ended")]
    OutOfTime { seq: u64, later: u64 },
    #[error("the rules make other facts of command {id:032x} at {seq} than were written: {what}")]
    OtherFacts { id: u128, seq: u64, what: String },
    #[error("command {id:032x} was refused as {reason}, which no moment of its call tells")]
    NoReason { id: u128, reason: String },
    #[error("audio {digest} was acknowledged and is no fact")]
    AudioLost { digest: Digest },
    #[error("a watch of {person:?} went back from {before} to {seq}")]
    WentBack { person: PersonId, before: u64, seq: u64 },
    #[error("a watch of {person:?} was told twice of the same at {seq}")]
    Double { person: PersonId, seq: u64 },
    #[error("a watch of {person:?} shows at {seq} other rows than the project has for them")]
    Gap { person: PersonId, seq: u64 },
    #[error("a watch of {person:?} was told of {seq}, and the project ends at {head}")]
    Ahead { person: PersonId, seq: u64, head: u64 },
    #[error("song in {stage:?} was let through its gate at {seq} by {version:?} and had left it before")]
    TwoWinners { stage: Stage, version: VersionId, seq: u64 },
}

/// Written while it happens, by everybody at once.
#[derive(Default)]
pub struct Book {
    ticks: AtomicU64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    calls: Vec<Call>,
    heard: Vec<Heard>,
    received: Vec<Received>,
    lives: Vec<Life>,
}

impl Book {
    /// Now.
    pub fn tick(&self) -> Tick {
        self.ticks.fetch_add(1, Ordering::SeqCst)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before it is sent; the place for its answer.
    pub fn begin(&self, actor: Actor, (id, command): (u128, &Command), expected: Option<u64>) -> usize {
        let (begun, command) = (self.tick(), command.clone());
        let call = Call { id, actor, command, expected, begun, ended: NEVER, answer: Answer::Unknown };
        let calls = &mut self.kept().calls;
        calls.push(call);
        calls.len() - 1
    }

    pub fn answered(&self, place: usize, answer: Answer) {
        let ended = if answer == Answer::Unknown { NEVER } else { self.tick() };
        if let Some(call) = self.kept().calls.get_mut(place) {
            (call.ended, call.answer) = (ended, answer);
        }
    }

    pub fn heard(&self, heard: Heard) {
        self.kept().heard.push(heard);
    }

    pub fn received(&self, digest: Digest, begun: Tick) {
        let received = Received { digest, begun, ended: self.tick() };
        self.kept().received.push(received);
    }

    pub fn started(&self, facts: &[Fact]) {
        self.looked(self.tick(), facts);
    }

    /// These were there when somebody looked; `at` was now when the look began.
    pub fn looked(&self, at: Tick, facts: &[Fact]) {
        let life = Life { at, read: self.tick(), head: facts.len() as u64, facts: prefix(facts) };
        self.kept().lives.push(life);
    }

    /// Together with what the journal holds in the end. What the first start read was there before.
    pub fn close(&self, facts: Vec<Fact>) -> History {
        let Kept { calls, heard, received, lives } = std::mem::take(&mut *self.kept());
        let given = lives.first().map_or(0, |life| life.head);
        History { given, facts, calls, heard, received, lives }
    }
}
