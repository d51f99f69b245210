//! Approvals and holds: one person's signature, in a role, on one fingerprint (P-2), or their veto on a song.

use crate::{
    Actor, ApprovalId, Command, Digest, Fact, PersonId, Project, Reason, Refusal, Role, SongId, Stage, Time,
    Version, VersionId,
    asker::{Asker, either, free_id},
    decide::{Ruling, Touched, misrouted},
    limits,
    refusal::no,
    text,
};

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

impl Approval {
    pub fn is_hold(&self) -> bool {
        matches!(self.says, Says::Hold { .. })
    }
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
        (Says::Yes { version, fingerprint }, None) if counts(project, approval, *version, *fingerprint) => {
            ApprovalState::Counts
        }
        (Says::Yes { .. }, None) => ApprovalState::Outdated,
    }
}

/// P-4: only for the candidate itself, and only while its bytes are those signed. The carry rule (same PCM, metadata only, null residual
/// under a set level) would be a second way to say yes here, and nowhere else.
fn counts(project: &Project, approval: &Approval, version: VersionId, fingerprint: Digest) -> bool {
    let Some(kind) = approval.stage.kind() else { return false };
    project.newest(approval.song, kind).is_some_and(|candidate| {
        candidate.id == version
            && candidate.fingerprint == fingerprint
            && (project.terms.self_approval || candidate.by != Some(approval.person))
    })
}

pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let asker = Asker::of(project, actor)?;
    match command {
        Command::Approve { approval, version, role, fingerprint } => {
            let version = asker.version(*version)?;
            may_approve(&asker, version, *role, *fingerprint)?;
            new_signature(&asker, *approval, version.song)?;
            let fact = Fact::Approved {
                approval: *approval,
                song: version.song,
                version: version.id,
                role: *role,
                fingerprint: *fingerprint,
            };
            Ok(Ruling::fact(fact).touching(Touched::Song(version.song)))
        }
        Command::WithdrawApproval { approval: id } => {
            let approval = own(&asker, *id, |approval| !approval.is_hold())?;
            let song = asker.song(approval.song)?;
            if song.stage != approval.stage {
                let text = format!("The gate of {} is passed; the approval stands.", approval.stage);
                return no(Reason::StageLeftAlready, text, "A handoff can still be returned, with a reason.");
            }
            if state(project, approval) != ApprovalState::Counts {
                return no(Reason::NothingToChange, "That approval does not count any more.", "");
            }
            Ok(Ruling::fact(Fact::ApprovalWithdrawn { approval: *id }))
        }
        Command::Hold { approval, song, role, reason } => {
            asker.must_speak_as(*role)?;
            let of = asker.song(*song)?;
            must_be_asked(project, of.stage, *role)?;
            if let Some(_mine) = own_hold(&asker, *song) {
                return no(Reason::OnHold, "You hold this song already.", "Lift that hold first.");
            }
            let reason = text::required("The reason", reason)?;
            new_signature(&asker, *approval, *song)?;
            Ok(Ruling::fact(Fact::HoldPlaced { approval: *approval, song: *song, role: *role, reason }))
        }
        Command::LiftHold { approval: id } => {
            let hold = own(&asker, *id, Approval::is_hold)?;
            if hold.ended.is_some() {
                return no(Reason::NothingToChange, "That hold is lifted already.", "");
            }
            Ok(Ruling::fact(Fact::HoldLifted { approval: *id }).touching(Touched::Song(hold.song)))
        }
        _ => misrouted(),
    }
}

fn may_approve(asker: &Asker<'_>, version: &Version, role: Role, fingerprint: Digest) -> Result<(), Refusal> {
    let project = asker.project;
    asker.must_speak_as(role)?;
    must_be_candidate(project, version, "approve")?;
    must_be_asked(project, version.kind.stage(), role)?;
    if fingerprint != version.fingerprint {
        let text = format!("{} does not hold the files that you saw.", version.name());
        return no(Reason::FingerprintDiffers, text, "Look at it again, then approve what is there now.");
    }
    if version.by == Some(asker.id) && !project.terms.self_approval {
        let text = format!("You uploaded {}; somebody else has to approve it.", version.name());
        return no(Reason::SelfApproval, text, "The manager may allow self-approval in the terms.");
    }
    if own_hold(asker, version.song).is_some() {
        return no(Reason::OnHold, "You hold this song yourself.", "Lift your hold first.");
    }
    let twice = project.approvals_of(version.song).any(|(approval, state)| {
        state == ApprovalState::Counts
            && (approval.person, approval.role, approval.stage) == (asker.id, role, version.kind.stage())
    });
    if twice {
        let text = format!("You approved {} as {role} already.", version.name());
        return no(Reason::AlreadyApproved, text, "");
    }
    Ok(())
}

/// Only what the present gate looks at can be approved or sent back. `doing`: "approve".
pub(crate) fn must_be_candidate(project: &Project, version: &Version, doing: &str) -> Result<(), Refusal> {
    let name = version.name();
    let stage = project.songs.get(version.song).map_or(Stage::Delivered, |song| song.stage);
    if project.is_superseded(version) {
        let newest = project.newest(version.song, version.kind);
        let (text, hint) = match newest {
            Some(newest) => (
                format!("You cannot {doing} {name}: {} has taken its place.", newest.name()),
                format!("Look at {}.", newest.name()),
            ),
            None => (format!("You cannot {doing} {name}: its mix went back."), String::new()),
        };
        return no(Reason::VersionSuperseded, text, hint);
    }
    if stage > version.kind.stage() {
        let text = format!("You cannot {doing} {name}: the song has left {}.", version.kind.stage());
        return no(Reason::StageLeftAlready, text, "");
    }
    if stage < version.kind.stage() {
        let text = format!("You cannot {doing} {name}: the song stands in {stage}.");
        return no(Reason::WrongStage, text, "");
    }
    Ok(())
}

fn must_be_asked(project: &Project, stage: Stage, role: Role) -> Result<(), Refusal> {
    let Some(gate) = project.gate(stage) else {
        return no(Reason::StageLeftAlready, format!("No gate comes after {stage}."), "");
    };
    let asked: crate::Roles = gate.needs.iter().flat_map(|need| need.any_of.iter().copied()).collect();
    if asked.contains(&role) {
        return Ok(());
    }
    let text = format!("The gate of {stage} does not ask the {role}; it asks the {}.", either(&asked));
    no(Reason::NotAskedByGate, text, "Leave a note, or ask the manager to change the gate.")
}

fn new_signature(asker: &Asker<'_>, id: ApprovalId, song: SongId) -> Result<(), Refusal> {
    free_id(asker.project.approvals.contains(id))?;
    let have = asker.song(song)?.approvals.len();
    limits::room(have, limits::SIGNATURES_PER_SONG_MAX, "approvals and holds of this song")
}

fn own_hold<'a>(asker: &Asker<'a>, song: SongId) -> Option<&'a Approval> {
    let mut all = asker.project.approvals_of(song);
    all.find(|(approval, state)| *state == ApprovalState::Hold && approval.person == asker.id)
        .map(|(approval, _)| approval)
}

fn own<'a>(
    asker: &Asker<'a>,
    id: ApprovalId,
    kind: impl Fn(&Approval) -> bool,
) -> Result<&'a Approval, Refusal> {
    match asker.project.approvals.get(id).filter(|approval| kind(approval)) {
        None => no(Reason::NoSuchApproval, "There is no such approval or hold in this project.", ""),
        Some(approval) if approval.person != asker.id => {
            let text = "Only the person who gave it may take it back.";
            no(Reason::NotYourRole, text, "Ask them.")
        }
        Some(approval) => Ok(approval),
    }
}
