//! Spacing: the running order of the record with its gaps, as numbered data that can be approved. A new number makes the approvals of the one before
//! outdated. Never here: sound.

use std::collections::BTreeSet;

use crate::{
    Actor, ApprovalId, Command, Fact, PersonId, Project, Reason, Refusal, Role, SongId, Stage, Time,
    asker::{Asker, free_id},
    decide::{Ruling, Touched, misrouted},
    limits,
    refusal::no,
};

/// Who sets a running order and its gaps.
pub const SETTERS: [Role; 4] = [Role::Manager, Role::Producer, Role::Artist, Role::MasteringEngineer];
/// Who may be asked to approve one.
pub const APPROVERS: [Role; 4] = [Role::Artist, Role::Producer, Role::Label, Role::Manager];
/// A minute: longer is a hidden track, which is a song of its own.
pub const GAP_MAX_MS: u32 = 60_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Spacing {
    /// From 1.
    pub number: u32,
    pub items: Vec<SpacingItem>,
    pub by: Option<PersonId>,
    pub at: Time,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpacingItem {
    pub song: SongId,
    /// Silence before the song begins; 0 for the first.
    pub gap_ms: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpacingApproval {
    pub id: ApprovalId,
    pub number: u32,
    pub person: PersonId,
    pub role: Role,
    pub at: Time,
}

/// Every song of the project once, and nothing else.
pub fn names_every_song(project: &Project, items: &[SpacingItem]) -> bool {
    let named: BTreeSet<SongId> = items.iter().map(|item| item.song).collect();
    named.len() == items.len()
        && named.len() == project.songs.len()
        && named.iter().all(|song| project.songs.contains(*song))
}

/// By somebody who holds the role now, of the newest number; who set it counts only where one may approve one's own.
pub fn is_approved(project: &Project, stage: Stage, role: Role) -> bool {
    let Some(newest) = project.spacings.last() else { return false };
    let own = project.self_approval(stage);
    project.spacing_approvals.iter().any(|approval| {
        approval.number == newest.number
            && approval.role == role
            && project.holds_role(approval.person, role)
            && (own || newest.by != Some(approval.person))
    })
}

/// Who could give an approval of the newest spacing that a gate waits for.
pub fn could_approve(project: &Project, stage: Stage, role: Role) -> impl Iterator<Item = PersonId> {
    let own = project.self_approval(stage);
    let by = project.spacings.last().and_then(|newest| newest.by);
    project.holders(role).filter(move |person| own || by != Some(*person))
}

pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let asker = Asker::of(project, actor)?;
    match command {
        Command::SetSpacing { items } => set(&asker, items),
        Command::ApproveSpacing { approval, number, role } => approve(&asker, *approval, *number, *role),
        _ => misrouted(),
    }
}

fn set(asker: &Asker<'_>, items: &[SpacingItem]) -> Result<Ruling, Refusal> {
    let project = asker.project;
    asker.must_hold(&SETTERS, "set the running order and its gaps")?;
    let wrong = |text: &str, hint: &str| no(Reason::RuleInvalid, text, hint);
    if items.is_empty() {
        return wrong("A spacing of no songs says nothing.", "Add a song first.");
    }
    if !names_every_song(project, items) {
        let text = "A spacing names every song of the project once, and no other.";
        return wrong(text, "List all songs in the running order, each with the gap before it.");
    }
    if items.first().is_some_and(|first| first.gap_ms != 0) {
        return wrong("No gap comes before the first song.", "Give the first song a gap of 0.");
    }
    if items.iter().any(|item| item.gap_ms > GAP_MAX_MS) {
        let text = format!("A gap is at most {} s long.", GAP_MAX_MS / 1000);
        return wrong(&text, "Shorten it.");
    }
    if project.spacings.last().is_some_and(|newest| newest.items == items) {
        let text = "The spacing is this already.";
        return no(Reason::NothingToChange, text, "There is nothing to do.");
    }
    limits::room(project.spacings.len(), limits::SPACINGS_MAX, "spacings")?;
    let number = u32::try_from(project.spacings.len() + 1).unwrap_or(u32::MAX);
    Ok(Ruling::fact(Fact::SpacingSet { number, items: items.to_vec() }).touching(Touched::All))
}

fn approve(asker: &Asker<'_>, id: ApprovalId, number: u32, role: Role) -> Result<Ruling, Refusal> {
    let project = asker.project;
    asker.must_hold(&APPROVERS, "approve the spacing")?;
    asker.must_speak_as(role)?;
    if !APPROVERS.contains(&role) {
        let text = format!("The {role} does not approve a spacing.");
        return no(Reason::NotYourRole, text, "Choose artist, producer, label or manager.");
    }
    let Some(newest) = project.spacings.last() else {
        let hint = "Somebody sets the running order and its gaps first.";
        return no(Reason::NoSpacing, "There is no spacing yet.", hint);
    };
    if newest.number != number {
        let text = format!("Spacing {number} is not the newest; spacing {} is.", newest.number);
        return no(Reason::SpacingChanged, text, "Look at the newest one, then approve that.");
    }
    if newest.by == Some(asker.id) && !own_counts(project, role) {
        let text = format!("You set spacing {number}; somebody else has to approve it.");
        return no(Reason::SelfApproval, text, "The manager may allow self-approval in the terms.");
    }
    let mine = |known: &SpacingApproval| (known.number, known.person, known.role) == (number, asker.id, role);
    if project.spacing_approvals.iter().any(mine) {
        let text = format!("You approved spacing {number} as {role} already.");
        return no(Reason::AlreadyApproved, text, "There is nothing to do.");
    }
    free_id(project.spacing_approvals.iter().any(|known| known.id == id))?;
    Ok(Ruling::fact(Fact::SpacingApproved { approval: id, number, role }).touching(Touched::All))
}

/// Some gate that asks this role lets one approve one's own; where none asks, the terms say.
fn own_counts(project: &Project, role: Role) -> bool {
    let asks = |stage: &&Stage| project.gate(**stage).is_some_and(|rule| rule.spacing_roles.contains(&role));
    let mut asked = Stage::ALL.iter().filter(asks).peekable();
    if asked.peek().is_none() {
        return project.terms.self_approval;
    }
    asked.any(|stage| project.self_approval(*stage))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    const SECOND: SongId = SongId(101);

    fn given() -> Given {
        let add = Command::AddSong { song: SECOND, title: "Ash".to_owned(), isrc: String::new() };
        Given::mixed().and(person(OWNER), add)
    }

    fn set(items: &[(SongId, u32)]) -> Command {
        let item = |(song, gap_ms): &(SongId, u32)| SpacingItem { song: *song, gap_ms: *gap_ms };
        Command::SetSpacing { items: items.iter().map(item).collect() }
    }

    fn sign(number: u32, role: Role) -> Command {
        Command::ApproveSpacing { approval: ApprovalId(1), number, role }
    }

    #[test]
    fn a_spacing_is_every_song_once_with_a_gap_before_all_but_the_first() {
        let given = given();
        let refused =
            |items: &[(SongId, u32)]| given.when(person(ARTIST), set(items)).refused(Reason::RuleInvalid);
        refused(&[]);
        refused(&[(SONG, 0)]);
        refused(&[(SONG, 0), (SONG, 0)]);
        refused(&[(SONG, 0), (SECOND, 0), (SONG, 0)]);
        refused(&[(SONG, 0), (SongId(9), 0)]);
        refused(&[(SONG, 1), (SECOND, 0)]);
        refused(&[(SONG, 0), (SECOND, GAP_MAX_MS + 1)]);
        let whole = set(&[(SECOND, 0), (SONG, GAP_MAX_MS)]);
        given.when(person(LABEL), whole.clone()).refused(Reason::NotYourRole);
        let set_once = given.and(person(ARTIST), whole.clone());
        set_once.when(person(MASTERER), whole).refused(Reason::NothingToChange);
        assert_eq!(set_once.project.running_order, [SECOND, SONG]);
        let again = set_once.and(person(MASTERER), set(&[(SONG, 0), (SECOND, 0)]));
        assert_eq!(again.project.spacings.last().map(|newest| newest.number), Some(2));
        let without = crate::testing::nothing()
            .and(person(OWNER), Command::CreateProject { title: "P".to_owned(), artist: "A".to_owned() });
        without.when(person(OWNER), set(&[])).refused(Reason::RuleInvalid);
    }

    #[test]
    fn what_was_seen_is_signed_once_by_somebody_else() {
        let given = given();
        given.when(person(ARTIST), sign(1, Role::Artist)).refused(Reason::NoSpacing);
        let given = given.and(person(ARTIST), set(&[(SONG, 0), (SECOND, 2000)]));
        given.when(person(LABEL), sign(0, Role::Label)).refused(Reason::SpacingChanged);
        given.when(person(LABEL), sign(2, Role::Label)).refused(Reason::SpacingChanged);
        given.when(person(LABEL), sign(1, Role::Artist)).refused(Reason::NotYourRole);
        given.when(person(MIXER), sign(1, Role::MixEngineer)).refused(Reason::NotYourRole);
        given.when(person(LISTENER), sign(1, Role::Listener)).refused(Reason::NotYourRole);
        given.when(person(ARTIST), sign(1, Role::Artist)).refused(Reason::SelfApproval);
        let solo = given.clone().and(person(OWNER), set_terms(true));
        solo.when(person(ARTIST), sign(1, Role::Artist)).facts(&["SPACING_APPROVED"]);
        let signed = given.and(person(LABEL), sign(1, Role::Label));
        signed.when(person(LABEL), sign(1, Role::Label)).refused(Reason::AlreadyApproved);
        signed.when(person(OWNER), sign(1, Role::Manager)).refused(Reason::IdTaken);
        assert!(is_approved(&signed.project, Stage::Mixing, Role::Label));
        let newer = signed.and(person(MASTERER), set(&[(SECOND, 0), (SONG, 2000)]));
        assert!(!is_approved(&newer.project, Stage::Mixing, Role::Label));
    }
}
