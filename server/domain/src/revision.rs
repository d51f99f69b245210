//! Revision requests: a signed bundle of notes that asks for a new version, counted in rounds.

use std::collections::BTreeSet;

use crate::{
    Actor, Approval, ApprovalState, Command, Fact, NoteId, NoteState, PersonId, Project, Reason, Refusal,
    RequestId, Role, Says, SongId, Time, Version, VersionId, VersionKind, approval,
    asker::{Asker, free_id},
    decide::{Ruling, misrouted},
    limits,
    refusal::no,
    text,
};

#[derive(Clone, Debug, PartialEq)]
pub struct RevisionRequest {
    pub id: RequestId,
    pub song: SongId,
    pub version: VersionId,
    pub by: PersonId,
    pub role: Role,
    pub at: Time,
    pub message: String,
    pub notes: Vec<NoteId>,
    /// From 1, per song; of one that is free, the last that counted.
    pub round: u32,
    pub kind: RevisionKind,
    /// A correction that the terms include: it counts as no round.
    pub free: bool,
    pub beyond_terms: bool,
    pub answered_by: Option<VersionId>,
}

/// The field tells them apart, and so do the terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RevisionKind {
    #[default]
    Change,
    /// What should have been right: levels, EQ, gaps.
    Correction,
}

/// Where one more request would stand in the terms: what the asker is told before it is sent, and what the rule goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Which round it would be; where it is free, the last one that counted.
    pub round: u32,
    pub included: u32,
    /// A correction that counts as no round.
    pub free: bool,
    /// Over the included rounds, or after the cut-off date: it is billed.
    pub beyond: bool,
    /// "This is round 3 of 2 included: it is billed."
    pub sentence: String,
}

/// Does the request still ask for another version than this one? One that was answered does again where its own version was put forward, until whoever
/// asked approves that after all.
pub(crate) fn asks_of(project: &Project, request: &RevisionRequest, candidate: &Version) -> bool {
    let agreed = |(approval, state): (&Approval, ApprovalState)| {
        let signed = matches!(approval.says, Says::Yes { version, .. } if version == candidate.id);
        state == ApprovalState::Counts && signed && approval.person == request.by
    };
    request.version == candidate.id
        && (request.answered_by.is_none() || !project.approvals_of(request.song).any(agreed))
}

/// A request on the same version that counts and was not answered: one more joins its round.
fn open_round(project: &Project, version: &Version) -> Option<u32> {
    let open = |request: &&RevisionRequest| {
        request.version == version.id && request.answered_by.is_none() && !request.free
    };
    project.requests_of(version.song).filter(open).map(|request| request.round).max()
}

pub fn standing(project: &Project, version: &Version, kind: RevisionKind, now: Time) -> Standing {
    let song = version.song;
    if let Some(round) = open_round(project, version) {
        let sentence = format!("It joins round {round}, which was asked for already.");
        let included = project.terms.rounds_included;
        return Standing { round, included, free: false, beyond: false, sentence };
    }
    let terms = project.terms;
    let late = terms.cut_off.is_some_and(|cut_off| now > cut_off);
    let correction = kind == RevisionKind::Correction;
    let spent = project.requests_of(song).filter(|request| request.free).count();
    let left = u32::try_from(spent).is_ok_and(|spent| spent < terms.corrections_free);
    let free = correction && left && !late;
    let included = terms.rounds_included;
    let round = project.rounds_used(song).saturating_add(u32::from(!free));
    let beyond = !free && (late || round > included);
    let count = format!("round {round} of {included} included");
    let sentence = match (late, free, beyond) {
        (true, ..) => {
            let day = terms.cut_off.map_or_else(String::new, Time::words);
            format!("The cut-off date has passed ({day}): this is {count}, and it is billed.")
        }
        (_, true, _) => {
            "This is a correction that the terms include: it is free and counts as no round.".to_owned()
        }
        (_, _, true) => format!("This is {count}: it is billed."),
        _ => format!("This is {count}."),
    };
    let sentence = if correction && !free && !late {
        format!("No correction is free any more. {sentence}")
    } else {
        sentence
    };
    Standing { round, included, free, beyond, sentence }
}

/// On the candidate only, in a role that the asker holds. In mastering it asks for a new master; going back to mixing is the
/// return of the handoff and nothing else. Internal notes stay out: the request is read by everyone.
pub(crate) fn rule(
    project: &Project,
    actor: &Actor,
    command: &Command,
    now: Time,
) -> Result<Ruling, Refusal> {
    let Command::RequestRevision { request, version, role, message, notes, kind, beyond_terms } = command
    else {
        return misrouted();
    };
    let asker = Asker::of(project, actor)?;
    let doing = "request a revision";
    let asks = [Role::Artist, Role::Producer, Role::Label, Role::Manager];
    asker.must_hold(&asks, doing)?;
    asker.must_speak_as(*role)?;
    if !asks.contains(role) {
        let text = format!("The {role} does not request revisions.");
        return no(Reason::NotYourRole, text, "Ask as artist, producer, label or manager.");
    }
    let version = asker.version(*version)?;
    approval::must_be_candidate(project, version, "request a revision of")?;
    free_id(project.requests.contains(*request))?;
    limits::room(
        project.requests_of(version.song).count(),
        limits::REQUESTS_PER_SONG_MAX,
        "revision requests",
    )?;
    let message = text::optional("The message", message)?;
    if notes.is_empty() {
        let text = "A revision request needs at least one note.";
        return no(Reason::NoNotes, text, "Write down what should change, then request the revision.");
    }
    limits::at_most(notes.len(), limits::NOTES_PER_REQUEST_MAX, "notes")?;
    let notes: BTreeSet<NoteId> = notes.iter().copied().collect();
    for id in &notes {
        may_bundle(&asker, version, *id)?;
    }
    refuse_same_notes(&asker, version, &notes)?;
    let standing = standing(project, version, *kind, now);
    if standing.beyond && !beyond_terms {
        let hint = "Ask again and say that it lies beyond the terms, or talk to the manager about them.";
        return no(Reason::BeyondTerms, standing.sentence, hint);
    }
    Ok(Ruling::fact(Fact::RevisionRequested {
        request: *request,
        song: version.song,
        version: version.id,
        role: *role,
        message,
        notes: notes.into_iter().collect(),
        round: standing.round,
        kind: *kind,
        free: standing.free,
        // What was said and is not so is not written down: nobody is billed for a round that is included.
        beyond_terms: standing.beyond,
    }))
}

/// Said twice it is no more than said once.
fn refuse_same_notes(asker: &Asker<'_>, version: &Version, notes: &BTreeSet<NoteId>) -> Result<(), Refusal> {
    let own = asker.project.requests_of(version.song).filter(|request| {
        request.version == version.id && request.by == asker.id && request.answered_by.is_none()
    });
    let sent: BTreeSet<NoteId> = own.flat_map(|request| request.notes.iter().copied()).collect();
    if !notes.is_subset(&sent) {
        return Ok(());
    }
    let text = format!("You asked for a revision of {} with these notes already.", version.name());
    let hint = "Wait for the answer, or add a note of what else should change.";
    no(Reason::NothingToChange, text, hint)
}

fn may_bundle(asker: &Asker<'_>, version: &Version, id: NoteId) -> Result<(), Refusal> {
    let note = asker.note(id)?;
    if note.song != version.song {
        return no(Reason::NoSuchNote, "One of the notes belongs to another song.", "Leave it out.");
    }
    if note.internal || note.parent.is_some() {
        let text = "An internal note or a reply cannot stand in a revision request.";
        return no(Reason::RuleInvalid, text, "Leave it out, or write it as a note for all.");
    }
    if note.state != NoteState::Open {
        return no(Reason::NoteNotOpen, "One of the notes is not open.", "Reopen it, or leave it out.");
    }
    Ok(())
}

/// A new version answers every request that still asked for one of its kind. While mixes compete none of them does: the picked one will.
pub(crate) fn answered_by(project: &Project, song: SongId, new: &Fact) -> Vec<Fact> {
    let Fact::VersionAdded { version, kind, .. } = new else { return Vec::new() };
    if *kind == VersionKind::Mix && project.open_shootout(song).is_some() {
        return Vec::new();
    }
    answered(project, song, *kind, *version)
}

/// Every request on a version of this kind that still asks.
pub(crate) fn answered(project: &Project, song: SongId, kind: VersionKind, by: VersionId) -> Vec<Fact> {
    project
        .requests_of(song)
        .filter(|request| request.answered_by.is_none())
        .filter(|request| project.versions.get(request.version).is_some_and(|asked| asked.kind == kind))
        .map(|request| Fact::RevisionAnswered { request: request.id, version: by })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Alternate, testing::*};

    const CHANGE: RevisionKind = RevisionKind::Change;
    const CORRECTION: RevisionKind = RevisionKind::Correction;

    fn terms(rounds: u32, corrections: u32, cut_off: Option<i64>) -> Command {
        Command::ChangeTerms {
            rounds_included: Some(rounds),
            self_approval: None,
            corrections_free: Some(corrections),
            cut_off: Some(cut_off.map(Time)),
        }
    }

    fn ask(number: u128, version: u128, kind: RevisionKind, beyond_terms: bool) -> Command {
        Command::RequestRevision {
            request: RequestId(number),
            version: VersionId(version),
            role: Role::Artist,
            message: String::new(),
            notes: vec![NoteId(7)],
            kind,
            beyond_terms,
        }
    }

    /// An open note on Mix 1, under these terms.
    fn noted(terms: Command) -> Given {
        Given::mixed().and(person(OWNER), terms).and(person(ARTIST), add_note(7, 10, false))
    }

    fn next() -> Command {
        add_version(11, VersionKind::Mix, &[(Alternate::Main, 3)])
    }

    fn mix(given: &Given, id: u128) -> &Version {
        given.project.versions.get(VersionId(id)).expect("it is there")
    }

    fn as_label(command: Command) -> Command {
        let Command::RequestRevision { request, version, message, notes, kind, beyond_terms, .. } = command
        else {
            panic!("it asks for no revision")
        };
        Command::RequestRevision { request, version, role: Role::Label, message, notes, kind, beyond_terms }
    }

    fn last(given: &Given) -> (u32, bool, bool) {
        let request = given.project.requests_of(SONG).next_back().unwrap();
        (request.round, request.free, request.beyond_terms)
    }

    #[test]
    fn a_round_past_the_terms_is_told_refused_and_then_billed() {
        let given = noted(terms(1, 0, None));
        assert_eq!(
            standing(&given.project, mix(&given, 10), CHANGE, Time(1)).sentence,
            "This is round 1 of 1 included."
        );
        let given = given.and(person(ARTIST), ask(1, 10, CHANGE, true));
        assert_eq!(last(&given), (1, false, false), "an included round is not billed, whatever was said");
        let given = given.and(person(MIXER), next());
        let told = standing(&given.project, mix(&given, 11), CHANGE, Time(1));
        assert_eq!(told.sentence, "This is round 2 of 1 included: it is billed.");
        let refusal = given.when(person(ARTIST), ask(2, 11, CHANGE, false)).0.unwrap_err();
        assert_eq!((refusal.reason, refusal.text), (Reason::BeyondTerms, told.sentence));
        assert!(refusal.hint.contains("beyond the terms"));
        let given = given.and(person(ARTIST), ask(2, 11, CHANGE, true));
        assert_eq!(last(&given), (2, false, true));
    }

    #[test]
    fn a_correction_is_free_as_often_as_the_terms_say() {
        let given = noted(terms(1, 1, None)).and(person(ARTIST), ask(1, 10, CORRECTION, false));
        assert_eq!(last(&given), (0, true, false));
        assert_eq!((given.project.rounds_used(SONG), given.project.corrections_used(SONG)), (0, 1));
        let given = given.and(person(MIXER), next());
        let told = standing(&given.project, mix(&given, 11), CORRECTION, Time(1));
        assert_eq!(told.sentence, "No correction is free any more. This is round 1 of 1 included.");
        let given = given.and(person(ARTIST), ask(2, 11, CORRECTION, false));
        assert_eq!(last(&given), (1, false, false), "the second one counts");
        let given = given.and(person(MIXER), add_version(12, VersionKind::Mix, &[(Alternate::Main, 4)]));
        given.when(person(ARTIST), ask(3, 12, CORRECTION, false)).refused(Reason::BeyondTerms);
        // A correction that was counted is not a free one that was used.
        let more = given.and(person(OWNER), terms(1, 2, None));
        more.when(person(ARTIST), ask(3, 12, CORRECTION, false)).facts(&["REVISION_REQUESTED"]);
    }

    #[test]
    fn after_the_cut_off_date_everything_is_billed() {
        // `when` asks at 2000, the story is told at 1000.
        let late = noted(terms(9, 9, Some(1999)));
        late.when(person(ARTIST), ask(1, 10, CHANGE, false)).refused(Reason::BeyondTerms);
        late.when(person(ARTIST), ask(1, 10, CORRECTION, false)).refused(Reason::BeyondTerms);
        let told = standing(&late.project, mix(&late, 10), CORRECTION, Time(2000));
        assert_eq!((told.free, told.beyond, told.round), (false, true, 1));
        assert!(told.sentence.starts_with("The cut-off date has passed"), "{}", told.sentence);
        let events = late.when(person(ARTIST), ask(1, 10, CORRECTION, true)).facts(&["REVISION_REQUESTED"]);
        let Fact::RevisionRequested { free, beyond_terms, .. } = events[0].fact else { panic!("{events:?}") };
        assert_eq!((free, beyond_terms), (false, true));
        let on_the_day = noted(terms(9, 9, Some(2000)));
        on_the_day.when(person(ARTIST), ask(1, 10, CHANGE, false)).facts(&["REVISION_REQUESTED"]);
    }

    #[test]
    fn two_roles_may_ask_for_a_revision_of_one_mix_and_one_answer_serves_both() {
        let given = noted(terms(2, 0, None)).and(person(ARTIST), ask(1, 10, CHANGE, false));
        let given = given.and(person(LABEL), as_label(ask(2, 10, CHANGE, false)));
        given.when(person(MIXER), next()).facts(&["VERSION_ADDED", "REVISION_ANSWERED", "REVISION_ANSWERED"]);
    }

    #[test]
    fn further_requests_on_one_mix_join_its_round() {
        let given = noted(terms(1, 1, None)).and(person(ARTIST), ask(1, 10, CHANGE, false));
        let told = standing(&given.project, mix(&given, 10), CHANGE, Time(1));
        assert_eq!(told.sentence, "It joins round 1, which was asked for already.");
        // Said again it is nothing new; by somebody else, or with another note, it is.
        given.when(person(ARTIST), ask(2, 10, CHANGE, false)).refused(Reason::NothingToChange);
        let both = given.and(person(LABEL), as_label(ask(2, 10, CHANGE, false)));
        assert_eq!(last(&both), (1, false, false), "nobody is billed for the same round twice");
        let both = both.and(person(ARTIST), add_note(8, 10, false));
        let more = |id, notes: &[u128], kind| {
            let mut command = ask(id, 10, kind, false);
            if let Command::RequestRevision { notes: asked, .. } = &mut command {
                *asked = notes.iter().copied().map(NoteId).collect();
            }
            command
        };
        let three = both.and(person(ARTIST), more(3, &[7, 8], CORRECTION));
        assert_eq!((last(&three), three.project.rounds_used(SONG)), ((1, false, false), 1));
        three.when(person(ARTIST), more(4, &[8], CHANGE)).refused(Reason::NothingToChange);
        // The next mix begins the next round.
        let next = three.and(person(MIXER), next());
        next.when(person(ARTIST), ask(5, 11, CHANGE, false)).refused(Reason::BeyondTerms);
    }

    #[test]
    fn a_free_correction_opens_no_round_that_others_could_join() {
        let given = noted(terms(1, 1, None)).and(person(ARTIST), ask(1, 10, CORRECTION, false));
        let given = given.and(person(LABEL), as_label(ask(2, 10, CHANGE, false)));
        assert_eq!((last(&given), given.project.rounds_used(SONG)), ((1, false, false), 1));
    }

    #[test]
    fn a_request_asks_again_where_its_own_mix_is_put_forward() {
        let unmet = |given: &Given| -> Vec<&'static str> {
            let report = crate::gate::report(&given.project, SONG).unwrap();
            report.lines.iter().filter(|line| !line.met).map(|line| line.code).collect()
        };
        let given = noted(terms(2, 0, None)).and(person(ARTIST), ask(1, 10, CHANGE, false));
        let given = given.and(person(MIXER), next());
        assert!(!unmet(&given).contains(&"REVISION_REQUESTED"));
        let forward = Command::PutForward { version: VersionId(10), reason: String::new() };
        let given = given.and(person(MIXER), forward);
        assert!(unmet(&given).contains(&"REVISION_REQUESTED"));
        // Somebody else's signature does not speak for whoever asked; their own, given since, does.
        let given = given.approved(LABEL, 10, Role::Label);
        assert!(unmet(&given).contains(&"REVISION_REQUESTED"));
        let events = given.when(person(ARTIST), given.approve(10, Role::Artist)).facts(&["APPROVED"]);
        let mut after = given;
        after.project.apply_all(&events);
        assert_eq!(unmet(&after), ["OPEN_NOTES"]);
    }

    #[test]
    fn p4_who_asks_for_another_mix_has_not_signed_this_one() {
        let given = noted(terms(2, 0, None)).approved(ARTIST, 10, Role::Artist);
        let state = |given: &Given| given.project.approvals_of(SONG).next().unwrap().1;
        assert_eq!(state(&given), ApprovalState::Counts);
        let other = given.clone().and(person(LABEL), as_label(ask(1, 10, CHANGE, false)));
        assert_eq!(state(&other), ApprovalState::Counts, "others speak for themselves");
        let given = given.and(person(ARTIST), ask(1, 10, CHANGE, false));
        assert_eq!(state(&given), ApprovalState::Outdated);
    }
}
