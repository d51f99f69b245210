//! Approvals and holds: one person's signature, in a role, on one fingerprint (P-2), or their veto on a song.

use crate::{ApprovalId, Digest, PersonId, Project, Role, SongId, Stage, Time, VersionId};

#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    pub id: ApprovalId,
    pub song: SongId,
    pub person: PersonId,
    pub role: Role,
    pub at: Time,
    /// The stage whose gate it speaks to.
    pub stage: Stage,
    pub says: Says,
    pub ended: Option<Ended>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Says {
    /// These exact files, and no others.
    Yes { version: VersionId, fingerprint: Digest },
    /// A veto on the song, whatever the version, until this person lifts it.
    Hold { reason: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    Withdrawn(Time),
    Lifted(Time),
    /// The handoff that it led to came back: it would have to be given again.
    Returned(Time),
    /// The person left the project, or the role, before the gate was met.
    Left(Time),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApprovalState {
    Counts,
    /// It speaks of files that are no longer the candidate, or its giver may no longer speak.
    Outdated,
    Withdrawn,
    Hold,
    HoldLifted,
}

pub fn state(project: &Project, approval: &Approval) -> ApprovalState {
    match (&approval.says, approval.ended) {
        (Says::Hold { .. }, None) => ApprovalState::Hold,
        (Says::Hold { .. }, Some(_)) => ApprovalState::HoldLifted,
        (Says::Yes { .. }, Some(Ended::Withdrawn(_))) => ApprovalState::Withdrawn,
        (Says::Yes { .. }, Some(_)) => ApprovalState::Outdated,
        (Says::Yes { fingerprint, .. }, None) if counts(project, approval, fingerprint) => {
            ApprovalState::Counts
        }
        (Says::Yes { .. }, None) => ApprovalState::Outdated,
    }
}

/// P-4: only for the candidate's own bytes. The carry rule (same PCM, metadata only, null residual under a set level) would be a
/// second way to say yes here and nowhere else.
fn counts(project: &Project, approval: &Approval, fingerprint: &Digest) -> bool {
    let Some(kind) = approval.stage.kind() else { return false };
    project.newest(approval.song, kind).is_some_and(|candidate| {
        candidate.fingerprint == *fingerprint
            && (project.terms.self_approval || candidate.by != Some(approval.person))
    })
}
