//! Keys of people, and what they signed with them: a statement is a text that says who approves which bytes, in one chain a project. The mathematics of
//! signatures is done before a command comes here; this is what a statement must say. Never here: cryptography beyond SHA-256, files.

use crate::{
    Actor, ApprovalId, Command, Digest, PersonId, Project, Refusal, Time,
    decide::{Ruling, misrouted},
};

/// The public half of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// SHA-256 of the key as OpenSSH encodes it.
    pub id: Digest,
    pub person: PersonId,
    /// One line as in `authorized_keys`, without a comment.
    pub public_key: String,
    pub enrolled_at: Time,
    /// The older key that signed for it. `None`: the first, or the first after a revocation.
    pub vouched_by: Option<Digest>,
    /// What the new key signed when it came, and what the older one did.
    pub proof: String,
    pub vouch: String,
    pub revoked: Option<Revoked>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    pub at: Time,
    pub by: Option<PersonId>,
    pub reason: String,
}

/// What comes with a command that signs. The server has checked that `signature` is one of `key` over `statement`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub statement: String,
    pub signature: String,
    pub key: Digest,
}

/// A receipt in the chain of its project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub approval: ApprovalId,
    /// From 1, without gaps.
    pub sequence: u32,
    pub person: PersonId,
    pub at: Time,
    /// Of the statement: what the next one names.
    pub digest: Digest,
    pub receipt: Receipt,
}

pub(crate) fn rule(_project: &Project, _actor: &Actor, _command: &Command) -> Result<Ruling, Refusal> {
    misrouted()
}

pub(crate) fn signed(
    _project: &Project,
    _actor: &Actor,
    _approve: &Command,
    _receipt: &Receipt,
    _now: Time,
) -> Result<Ruling, Refusal> {
    misrouted()
}

/// The newest place in the chain and the digest that the next statement names; 0 and zeros where there is none.
pub fn head(project: &Project) -> (u32, Digest) {
    project.receipts.last().map_or((0, Digest([0; 32])), |kept| (kept.sequence, kept.digest))
}
