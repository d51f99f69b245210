//! Approvals and holds: one person's signature, in a role, on one fingerprint (P-2), or their veto on a song.

use crate::{
    Actor, ApprovalId, Command, Digest, Fact, PersonId, Project, Reason, Refusal, Role, SongId, Stage, Time,
    Version, VersionId,
    asker::{Asker, either, free_id},
    audience,
    decide::{Ruling, Touched, misrouted},
    examination, limits, planted,
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
    /// Later versions that the carry rule let it count for.
    pub carried: Vec<Carried>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    pub to: VersionId,
    pub why: String,
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

/// P-4: only for the candidate itself, and only while its bytes are those signed; or for one to which the carry rule took it, as long as the gate still
/// has such a rule. There is no third way to say yes.
fn counts(project: &Project, approval: &Approval, version: VersionId, fingerprint: Digest) -> bool {
    let Some(kind) = approval.stage.kind() else { return false };
    project.newest(approval.song, kind).is_some_and(|candidate| {
        let signed = candidate.id == version && candidate.fingerprint == fingerprint;
        let signed = signed || planted!("approval-sticky");
        (signed || examination::is_carried(project, approval, candidate.id))
            && !sent_back(project, approval, candidate.id)
            && is_signed_where_asked(project, approval)
            && (project.self_approval(approval.stage) || project.maker(candidate) != Some(approval.person))
    })
}

/// A gate that asks for receipts takes no approval without one, whenever it was given; what passed a gate before it asked has passed it. An approval that was
/// carried has a receipt too: over the version that was signed.
fn is_signed_where_asked(project: &Project, approval: &Approval) -> bool {
    let pending = project.songs.get(approval.song).is_some_and(|song| song.stage == approval.stage);
    let asked = pending && project.gate(approval.stage).is_some_and(|rule| rule.signed);
    !asked || project.receipt_of(approval.id).is_some()
}

/// Whoever asked for another version since wants to hear that, not to have signed this one.
pub(crate) fn sent_back(project: &Project, approval: &Approval, version: VersionId) -> bool {
    project.requests_of(approval.song).any(|request| {
        request.version == version && request.by == approval.person && request.at >= approval.at
    })
}

/// How much the giver has heard of what the approval speaks of. One that was carried speaks of the same sound.
pub fn heard_of(project: &Project, approval: &Approval, candidate: VersionId) -> u32 {
    let signed = match approval.says {
        Says::Yes { version, .. } => Some(version),
        Says::Hold { .. } => None,
    };
    let carried = approval.carried.iter().map(|carried| carried.to);
    let heard = |version| project.heard_percent(version, approval.person);
    signed.into_iter().chain(carried).chain([candidate]).map(heard).max().unwrap_or(0)
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
                let text = "That approval does not count any more.";
                return no(Reason::NothingToChange, text, "There is nothing to withdraw.");
            }
            Ok(Ruling::fact(Fact::ApprovalWithdrawn { approval: *id }))
        }
        Command::Hold { approval, song, role, reason } => {
            asker.must_speak_as(*role)?;
            let of = asker.song(*song)?;
            must_be_asked(&asker, of.stage, *role)?;
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
                let text = "That hold is lifted already.";
                return no(Reason::NothingToChange, text, "There is nothing to do.");
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
    must_not_have_come_back(project, version)?;
    must_be_asked(asker, version.kind.stage(), role)?;
    if fingerprint != version.fingerprint {
        let text = format!("{} does not hold the files that you saw.", version.name());
        return no(Reason::FingerprintDiffers, text, "Look at it again, then approve what is there now.");
    }
    let stage = version.kind.stage();
    if project.maker(version) == Some(asker.id) && !project.self_approval(stage) {
        let done = if version.by.is_some() { "uploaded" } else { "had the server render" };
        let text = format!("You {done} {}; somebody else has to approve it.", version.name());
        let hint = "The manager may allow self-approval in the terms or at this gate.";
        return no(Reason::SelfApproval, text, hint);
    }
    if own_hold(asker, version.song).is_some() {
        return no(Reason::OnHold, "You hold this song yourself.", "Lift your hold first.");
    }
    let mut counting =
        project.approvals_of(version.song).filter(|(_, state)| *state == ApprovalState::Counts);
    let same = counting
        .find(|(approval, _)| (approval.person, approval.role, approval.stage) == (asker.id, role, stage));
    if let Some((approval, _)) = same {
        let text = match &approval.says {
            Says::Yes { version: signed, .. } if *signed != version.id => {
                let signed = project.version_name(*signed);
                format!("Your approval of {signed} as {role} counts for {} too.", version.name())
            }
            _ => format!("You approved {} as {role} already.", version.name()),
        };
        return no(
            Reason::AlreadyApproved,
            text,
            "There is nothing to do; withdraw it if you changed your mind.",
        );
    }
    must_have_heard(asker, version)
}

fn must_have_heard(asker: &Asker<'_>, version: &Version) -> Result<(), Refusal> {
    let asked = asker.project.gate(version.kind.stage()).map_or(0, |rule| rule.heard_percent);
    let heard = asker.project.heard_percent(version.id, asker.id);
    if heard >= asked {
        return Ok(());
    }
    let text = format!("You have heard {heard} % of {}; the gate asks for {asked} %.", version.name());
    no(Reason::NotHeard, text, "Listen to the rest of its main, then approve.")
}

/// Only what the present gate looks at can be approved or sent back. `doing`: "approve".
pub(crate) fn must_be_candidate(project: &Project, version: &Version, doing: &str) -> Result<(), Refusal> {
    let name = version.name();
    let stage = project.songs.get(version.song).map_or(Stage::Delivered, |song| song.stage);
    if version.kind == crate::VersionKind::Mix {
        crate::shootout::must_be_closed(project, version.song, doing)?;
    }
    if project.is_superseded(version) {
        let newest = project.newest(version.song, version.kind);
        let (text, hint) = match newest {
            Some(newest) => (
                format!("You cannot {doing} {name}: {} has taken its place.", newest.name()),
                format!("Look at {}.", newest.name()),
            ),
            None => (
                format!("You cannot {doing} {name}: nothing is the candidate now."),
                "Wait for the next version, or for the pick where mixes compete.".to_owned(),
            ),
        };
        return no(Reason::VersionSuperseded, text, hint);
    }
    if stage > version.kind.stage() {
        let text = format!("You cannot {doing} {name}: the song has left {}.", version.kind.stage());
        return no(Reason::StageLeftAlready, text, "Look at what its present stage has.");
    }
    if stage < version.kind.stage() {
        let text = format!("You cannot {doing} {name}: the song stands in {stage}.");
        return no(Reason::WrongStage, text, "The gate of the present stage comes first.");
    }
    Ok(())
}

/// What mastering sent back is not waved through again as if nothing had happened.
fn must_not_have_come_back(project: &Project, version: &Version) -> Result<(), Refusal> {
    if project.came_back(version).is_none() {
        return Ok(());
    }
    let (name, next) = (version.name(), project.next_name(version.song, version.kind));
    let text = format!("{name} came back from mastering; it needs another mix.");
    let hint = format!("Wait for {next}; who mixes may also put {name} forward again, with a reason.");
    no(Reason::HandoffEnded, text, hint)
}

fn must_be_asked(asker: &Asker<'_>, stage: Stage, role: Role) -> Result<(), Refusal> {
    let Some(gate) = asker.project.gate(stage) else {
        let text = format!("No gate comes after {stage}.");
        return no(Reason::StageLeftAlready, text, "What is delivered stays as it was signed.");
    };
    let asked: crate::Roles = gate.needs.iter().flat_map(|need| need.any_of.iter().copied()).collect();
    if asked.contains(&role) {
        return Ok(());
    }
    let text = format!("The gate of {stage} does not ask the {role}; it asks the {}.", either(&asked));
    let hint = if asker.roles.contains(&Role::Manager) {
        "Leave a note, or change the gate."
    } else {
        "Leave a note, or ask the manager to change the gate."
    };
    no(Reason::NotAskedByGate, text, hint)
}

fn new_signature(asker: &Asker<'_>, id: ApprovalId, song: SongId) -> Result<(), Refusal> {
    free_id(asker.project.knows_signature(id))?;
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
    // Whoever only listens knows of none.
    let known = asker.project.approvals.get(id).filter(|_| audience::sees_work(asker.roles));
    match known.filter(|approval| kind(approval)) {
        None => no(
            Reason::NoSuchApproval,
            "There is no such approval or hold in this project.",
            "Look at the gate of the song.",
        ),
        Some(approval) if approval.person != asker.id => {
            let text = "Only the person who gave it may take it back.";
            no(Reason::NotYourRole, text, "Ask them.")
        }
        Some(approval) => Ok(approval),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{VersionKind, testing::*};

    #[test]
    fn p2_an_approval_names_the_files_that_were_seen() {
        let given = Given::mixed();
        let command = |fingerprint| Command::Approve {
            approval: ApprovalId(9),
            version: VersionId(10),
            role: Role::Label,
            fingerprint,
        };
        given.when(person(LABEL), command(digest(77))).refused(Reason::FingerprintDiffers);
        let seen = given.project.versions.get(VersionId(10)).unwrap().fingerprint;
        given.when(person(LABEL), command(seen)).facts(&["APPROVED"]);
    }

    #[test]
    fn p4_a_new_mix_makes_approvals_outdated() {
        let given = Given::mixed().approved(LABEL, 10, Role::Label);
        let given =
            given.and(person(MIXER), add_version(11, VersionKind::Mix, &[(crate::Alternate::Main, 3)]));
        let states: Vec<_> = given.project.approvals_of(SONG).map(|(_, state)| state).collect();
        assert_eq!(states[0], ApprovalState::Outdated);
        given.when(person(ARTIST), given.approve(11, Role::Artist)).facts(&["APPROVED"]);
        given.when(person(ARTIST), given.approve(10, Role::Artist)).refused(Reason::VersionSuperseded);
    }

    #[test]
    fn nobody_approves_their_own_upload_unless_the_terms_allow_it() {
        let roles = crate::Roles::from([Role::MixEngineer, Role::Artist, Role::Label]);
        let given = Given::mixed().and(person(OWNER), Command::ChangeRoles { person: MIXER, roles });
        given.when(person(MIXER), given.approve(10, Role::Artist)).refused(Reason::SelfApproval);
        let solo = given.and(person(OWNER), set_terms(true)).approved(MIXER, 10, Role::Artist);
        solo.when(person(MIXER), solo.approve(10, Role::Artist)).refused(Reason::AlreadyApproved);
        solo.when(person(MIXER), solo.approve(10, Role::Label)).facts(&[
            "APPROVED",
            "STAGE_LEFT",
            "HANDOFF_MADE",
            "RENDER_QUEUED",
        ]);
        // The terms change back before the gate is met: what only they allowed no longer counts.
        let back = solo.and(person(OWNER), set_terms(false));
        assert_eq!(back.project.approvals_of(SONG).next().unwrap().1, ApprovalState::Outdated);
    }

    #[test]
    fn one_person_with_two_roles_fills_one_need() {
        let roles = crate::Roles::from([Role::Artist, Role::Label]);
        let given = Given::mixed().and(person(OWNER), Command::ChangeRoles { person: ARTIST, roles });
        let given = given.approved(ARTIST, 10, Role::Artist);
        given.when(person(ARTIST), given.approve(10, Role::Label)).facts(&["APPROVED"]);
    }

    #[test]
    fn a_rendered_master_was_uploaded_by_nobody() {
        let given = Given::mastered();
        assert_eq!(given.project.versions.get(VersionId(20)).unwrap().by, None);
    }

    #[test]
    fn only_asked_roles_that_one_holds_speak() {
        let given = Given::mixed();
        given.when(person(LABEL), given.approve(10, Role::Artist)).refused(Reason::NotYourRole);
        given
            .when(person(MASTERER), given.approve(10, Role::MasteringEngineer))
            .refused(Reason::NotAskedByGate);
        given.when(person(STRANGER), given.approve(10, Role::Label)).refused(Reason::NotAMember);
        given.when(Actor::Worker, given.approve(10, Role::Label)).refused(Reason::NotYourRole);
    }

    #[test]
    fn a_hold_stays_across_versions_until_its_giver_lifts_it() {
        let hold = Command::Hold {
            approval: ApprovalId(5),
            song: SONG,
            role: Role::Label,
            reason: "Wrong lyrics.".to_owned(),
        };
        let given = Given::mixed().and(person(LABEL), hold.clone());
        given.when(person(LABEL), given.approve(10, Role::Label)).refused(Reason::OnHold);
        given
            .when(person(ARTIST), Command::LiftHold { approval: ApprovalId(5) })
            .refused(Reason::NotYourRole);
        let again = Command::Hold {
            approval: ApprovalId(6),
            song: SONG,
            role: Role::Label,
            reason: "Still.".to_owned(),
        };
        given.when(person(LABEL), again).refused(Reason::OnHold);
        let given =
            given.and(person(MIXER), add_version(11, VersionKind::Mix, &[(crate::Alternate::Main, 3)]));
        assert_eq!(given.project.approvals_of(SONG).next().unwrap().1, ApprovalState::Hold);
        let lifted = given.and(person(LABEL), Command::LiftHold { approval: ApprovalId(5) });
        assert_eq!(lifted.project.approvals_of(SONG).next().unwrap().1, ApprovalState::HoldLifted);
    }

    #[test]
    fn lifting_the_last_hold_opens_a_gate_that_is_otherwise_met() {
        let second = PersonId(8);
        let add = Command::AddMember { person: second, roles: crate::Roles::from([Role::Artist]) };
        let hold = Command::Hold {
            approval: ApprovalId(5),
            song: SONG,
            role: Role::Artist,
            reason: "Wait.".to_owned(),
        };
        let given = Given::mixed().and(person(OWNER), add).and(person(second), hold);
        let given = given.approved(ARTIST, 10, Role::Artist).approved(LABEL, 10, Role::Label);
        assert_eq!(given.stage(), Stage::Mixing);
        let opened = ["STAGE_LEFT", "HANDOFF_MADE", "RENDER_QUEUED"];
        let lifted: Vec<_> = ["HOLD_LIFTED"].into_iter().chain(opened).collect();
        given.when(person(second), Command::LiftHold { approval: ApprovalId(5) }).facts(&lifted);
        let removed: Vec<_> = ["MEMBER_REMOVED"].into_iter().chain(opened).collect();
        given.when(person(OWNER), Command::RemoveMember { person: second }).facts(&removed);
    }

    #[test]
    fn an_approval_is_withdrawn_only_before_its_gate_is_passed() {
        let given = Given::mixed().approved(ARTIST, 10, Role::Artist);
        let approval = given.project.approvals_of(SONG).next().unwrap().0.id;
        let withdraw = Command::WithdrawApproval { approval };
        given.when(person(LABEL), withdraw.clone()).refused(Reason::NotYourRole);
        given.when(person(ARTIST), withdraw.clone()).facts(&["APPROVAL_WITHDRAWN"]);
        given
            .approved(LABEL, 10, Role::Label)
            .when(person(ARTIST), withdraw)
            .refused(Reason::StageLeftAlready);
    }

    #[test]
    fn who_leaves_takes_a_pending_approval_along() {
        let given = Given::mixed().approved(ARTIST, 10, Role::Artist);
        let given = given.and(person(OWNER), Command::RemoveMember { person: ARTIST });
        assert_eq!(given.project.approvals_of(SONG).next().unwrap().1, ApprovalState::Outdated);
    }
}
