//! Who may see and hear what (V-1). Every view, every sentence of the history and every refusal asks here.

use crate::{
    Event, Fact, Line, Link, Note, NoteId, PersonId, Project, Role, Roles, Shootout, SongId, Version,
    VersionId, shootout,
};

/// Internal notes are for these.
pub const WORKSHOP: [Role; 3] = [Role::Producer, Role::MixEngineer, Role::MasteringEngineer];

/// Someone who has no role beside listener: hears songs and versions, sees no notes, requests, renders or deliveries.
pub fn only_listens(roles: &Roles) -> bool {
    roles.iter().all(|role| *role == Role::Listener)
}

pub fn is_workshop(roles: &Roles) -> bool {
    WORKSHOP.iter().any(|role| roles.contains(role))
}

/// By role alone; [`reads_note`] is the whole question.
pub fn sees_note(roles: &Roles, note: &Note) -> bool {
    !only_listens(roles) && (!note.internal || is_workshop(roles))
}

/// Notes, requests, gates, approvals, renders, deliveries.
pub fn sees_work(roles: &Roles) -> bool {
    !only_listens(roles)
}

/// Somebody who comes by a link, or came by one: nothing is there for them but what `link` holds.
pub fn is_guest(project: &Project, person: PersonId) -> bool {
    project.guests.contains(person)
}

/// A member's world is the project, a guest's the scope of their link, and that of a link that ended is empty.
fn in_scope(project: &Project, person: PersonId, holds: impl Fn(&Link) -> bool) -> bool {
    !is_guest(project, person) || project.guest(person).is_some_and(holds)
}

/// May this person know that the song is there?
pub fn sees_song(project: &Project, person: PersonId, song: SongId) -> bool {
    in_scope(project, person, |link| link.holds_song(project, song))
}

/// A guest reads the threads that were begun under their link, as far as they are about what they hear.
fn guest_reads(project: &Project, person: PersonId, note: &Note) -> bool {
    let first = note.parent.and_then(|parent| project.notes.get(parent)).unwrap_or(note);
    project.guest(person).is_some_and(|link| link.notes)
        && first.author == person
        && !first.internal
        && !note.internal
        && [first, note].iter().all(|it| knows_of(project, person, it.version))
}

/// May this person know that the note is there? Not behind the workshop's door, not on a mix that is hidden from them, and no reply to such a note.
pub fn reads_note(project: &Project, person: PersonId, note: &Note) -> bool {
    if is_guest(project, person) {
        return guest_reads(project, person, note);
    }
    let Some(roles) = project.roles_of(person) else { return false };
    let open = |note: &Note| sees_note(roles, note) && knows_of(project, person, note.version);
    open(note) && note.parent.and_then(|parent| project.notes.get(parent)).is_none_or(open)
}

/// May this person know that the version is there? While mixes compete, each engineer sees their own line; those who compare see all. A guest sees those in
/// their scope.
pub fn sees_version(project: &Project, person: PersonId, version: &Version) -> bool {
    sees_line(project, person, version.song, version.line)
        && in_scope(project, person, |link| link.holds(project, version))
}

fn sees_line(project: &Project, person: PersonId, song: SongId, line: Option<Line>) -> bool {
    let (Some(line), Some(open)) = (line, project.open_shootout(song)) else { return true };
    match open.engineer_of(line) {
        None => true,
        Some(engineer) => engineer == person || shootout::sees_all_lines(project, person, open),
    }
}

/// A version that is not there is nobody's secret.
fn knows_of(project: &Project, person: PersonId, version: VersionId) -> bool {
    project.versions.get(version).is_none_or(|version| sees_version(project, person, version))
}

/// May this person know whose work the version is? While mixes compete blind, only the manager and the engineer do.
pub fn knows_maker(project: &Project, person: PersonId, version: &Version) -> bool {
    match (version.line, project.competes_in(version)) {
        (Some(line), Some(open)) => knows_line(project, person, open, line),
        _ => true,
    }
}

/// The same of a line.
pub fn knows_line(project: &Project, person: PersonId, shootout: &Shootout, line: Line) -> bool {
    let told = shootout.picked.is_some() || !shootout.blind;
    told || project.holds_role(person, Role::Manager) || shootout.engineer_of(line) == Some(person)
}

/// May `named` be named to this person beside that version: as author of a note on it, as its addressee, as who did something about it? Not where they
/// are its engineer and that is not to be known.
pub fn may_name(project: &Project, person: PersonId, version: VersionId, named: PersonId) -> bool {
    let Some(version) = project.versions.get(version) else { return true };
    let engineer = |open: &Shootout| version.line.and_then(|line| open.engineer_of(line));
    let is_engineer = project.competes_in(version).and_then(engineer) == Some(named);
    !is_engineer || knows_maker(project, person, version)
}

/// Must it stay untold who did this? Then it was an engineer, on a mix that competes blind.
pub fn hidden_maker(project: &Project, person: PersonId, event: &Event) -> bool {
    let Some(by) = event.by else { return false };
    let untold = |version: &VersionId| !may_name(project, person, *version, by);
    if let Fact::VersionAdded { song, line: Some(line), .. } = &event.fact {
        let open = project.open_shootout(*song).filter(|open| open.engineer_of(*line).is_some());
        return open.is_some_and(|open| !knows_line(project, person, open, *line));
    }
    versions_of(project, &event.fact).iter().any(untold)
}

/// The versions that a fact tells of.
fn versions_of(project: &Project, fact: &Fact) -> Vec<VersionId> {
    let written = |note: &NoteId| project.notes.get(*note).map(|note| note.version);
    match fact {
        Fact::VersionAdded { version, .. }
        | Fact::RevisionRequested { version, .. }
        | Fact::RevisionAnswered { version, .. }
        | Fact::Approved { version, .. }
        | Fact::VersionExamined { version, .. }
        | Fact::PutForward { version, .. }
        | Fact::MixPicked { version, .. }
        | Fact::VersionHeard { version, .. }
        | Fact::SectionsSet { version, .. } => vec![*version],
        Fact::NoteAdded { version, parent, .. } => {
            std::iter::once(*version).chain(parent.as_ref().and_then(written)).collect()
        }
        Fact::NoteAddressed { note, version } | Fact::NoteMoved { note, version, .. } => {
            std::iter::once(*version).chain(written(note)).collect()
        }
        Fact::NoteAccepted { note }
        | Fact::NoteReopened { note, .. }
        | Fact::NoteDeclined { note, .. }
        | Fact::ChecklistTicked { note, .. } => written(note).into_iter().collect(),
        Fact::ApprovalsCarried { from, to, .. } => vec![*from, *to],
        _ => Vec::new(),
    }
}

/// Original files. A listener may hear, not fetch.
pub fn may_fetch(roles: &Roles) -> bool {
    !only_listens(roles)
}

/// The same of somebody: a guest where the link says so.
pub fn fetches(project: &Project, person: PersonId) -> bool {
    match project.guest(person) {
        Some(link) => link.download,
        None => project.roles_of(person).is_some_and(may_fetch),
    }
}

pub fn may_upload(roles: &Roles) -> bool {
    !only_listens(roles)
}

/// May this fact stand in the history that this person reads? `project` may be of before or after the fact, or of now.
pub fn visible_fact(project: &Project, person: PersonId, event: &Event) -> bool {
    if is_guest(project, person) {
        return guest_sees(project, person, &event.fact);
    }
    let Some(roles) = project.roles_of(person) else { return false };
    if let Fact::VersionAdded { song, line, .. } = &event.fact
        && !sees_line(project, person, *song, *line)
    {
        return false;
    }
    if !versions_of(project, &event.fact).iter().all(|version| knows_of(project, person, *version)) {
        return false;
    }
    let by_id = |id| project.notes.get(id).is_none_or(|note| reads_note(project, person, note));
    match &event.fact {
        Fact::ProjectCreated { .. }
        | Fact::MemberAdded { .. }
        | Fact::RolesChanged { .. }
        | Fact::MemberRemoved { .. }
        | Fact::SongAdded { .. }
        | Fact::SongEdited { .. }
        | Fact::VersionAdded { .. }
        | Fact::KeyEnrolled { .. }
        | Fact::KeyRevoked { .. }
        | Fact::StageLeft { .. } => true,
        // A file is the uploader's own affair until a version names it: its name may say more than the version will.
        Fact::FileReceived { .. } => false,
        Fact::NoteAdded { internal, parent, .. } => {
            sees_work(roles) && (!internal || is_workshop(roles)) && parent.is_none_or(by_id)
        }
        Fact::NoteAddressed { note, .. }
        | Fact::NoteAccepted { note }
        | Fact::NoteReopened { note, .. }
        | Fact::NoteDeclined { note, .. }
        | Fact::NoteMoved { note, .. }
        | Fact::ChecklistTicked { note, .. } => sees_work(roles) && by_id(*note),
        // A vote speaks to others when all have spoken.
        Fact::VoteCast { song, ranking, .. } => {
            let competes = |id: &VersionId| {
                project.versions.get(*id).is_some_and(|version| project.competes_in(version).is_some())
            };
            let counted = project.open_shootout(*song).is_some() && ranking.iter().any(competes);
            sees_work(roles) && (!counted || event.by == Some(person))
        }
        // How much one hears of a project is one's own affair.
        Fact::Followed { .. } => event.by == Some(person),
        Fact::WebhookSet { .. } | Fact::WebhookRemoved { .. } => roles.contains(&Role::Manager),
        // To whom the music was given is for those who answer for it.
        Fact::LinkMade { link, .. } | Fact::LinkRevoked { link } => {
            let made = project.links.get(*link).is_some_and(|link| link.by == Some(person));
            made || roles.contains(&Role::Manager)
        }
        _ => sees_work(roles),
    }
}

/// What a guest hears came, and what was said to them.
fn guest_sees(project: &Project, person: PersonId, fact: &Fact) -> bool {
    let there = |version: &VersionId| {
        project.versions.get(*version).is_some_and(|version| sees_version(project, person, version))
    };
    match fact {
        Fact::VersionAdded { version, .. } => there(version),
        Fact::NoteAdded { note, .. }
        | Fact::NoteAddressed { note, .. }
        | Fact::NoteAccepted { note }
        | Fact::NoteReopened { note, .. }
        | Fact::NoteDeclined { note, .. } => {
            let read = project.notes.get(*note).is_some_and(|note| reads_note(project, person, note));
            read && versions_of(project, fact).iter().all(there)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NoteId, decide, testing::*};

    #[test]
    fn v1_an_internal_note_stands_in_the_workshops_history_only() {
        let given = Given::mixed();
        let events = decide(&given.project, &person(MIXER), &add_note(7, 10, true), crate::Time(1)).unwrap();
        let after = given.and(person(MIXER), add_note(7, 10, true)).project;
        let sees = |who: PersonId, event: &Event| visible_fact(&after, who, event);
        assert!(sees(MASTERER, &events[0]));
        assert!(!sees(ARTIST, &events[0]));
        assert!(!sees(LABEL, &events[0]));
        let ticked = Fact::ChecklistTicked { note: NoteId(7), item: 0, done: true };
        let ticked = Event { at: crate::Time(2), by: Some(MIXER), fact: ticked };
        assert!(sees(MASTERER, &ticked));
        assert!(!sees(OWNER, &ticked));
    }

    #[test]
    fn a_listener_hears_and_does_not_fetch() {
        let listener = Roles::from([Role::Listener]);
        assert!(!may_fetch(&listener) && !sees_work(&listener) && !may_upload(&listener));
        assert!(may_fetch(&Roles::from([Role::Listener, Role::Artist])));
        assert!(!visible_fact(
            &Given::studio().project,
            STRANGER,
            &Event {
                at: crate::Time(1),
                by: None,
                fact: Fact::ProjectCreated { title: String::new(), artist: String::new() }
            }
        ));
    }

    const SECOND: PersonId = PersonId(8);

    fn mix(id: u128, file: u8) -> crate::Command {
        crate::testing::add_version(id, crate::VersionKind::Mix, &[(crate::Alternate::Main, file)])
    }

    /// A is MIXER's line with Mix A 1 (11), B SECOND's with Mix B 1 (12).
    fn competing(blind: bool) -> Given {
        use crate::Command;
        let roles = Roles::from([Role::MixEngineer]);
        let open = Command::OpenShootout {
            shootout: crate::ShootoutId(1),
            song: SONG,
            entrants: vec![MIXER, SECOND],
            blind,
        };
        Given::mixed()
            .and(person(OWNER), Command::AddMember { person: SECOND, roles })
            .and(person(OWNER), open)
            .and(person(MIXER), mix(11, 3))
            .and(person(SECOND), mix(12, 4))
    }

    fn picked(given: &Given) -> Given {
        let fingerprint = given.project.versions.get(VersionId(12)).unwrap().fingerprint;
        let (version, role, reason) = (VersionId(12), Role::Label, String::new());
        let pick = crate::Command::PickMix { song: SONG, version, role, fingerprint, reason };
        given.clone().and(person(LABEL), pick)
    }

    #[test]
    fn v1_an_engineer_who_competes_sees_their_own_line_and_nothing_tells_of_the_others() {
        use crate::{Command, Reason, waits};
        let given = competing(true).and(person(ARTIST), add_note(7, 11, false));
        let project = &given.project;
        let sees = |who, id| sees_version(project, who, project.versions.get(VersionId(id)).unwrap());
        for who in [OWNER, ARTIST, LABEL, MASTERER] {
            assert!(sees(who, 11) && sees(who, 12));
        }
        assert!(sees(MIXER, 11) && !sees(MIXER, 12));
        assert!(!sees(SECOND, 11) && sees(SECOND, 12));
        assert!(!sees(LISTENER, 11) && sees(LISTENER, 10), "who does not compare waits for the pick");
        assert!(!reads_note(project, SECOND, project.notes.get(NoteId(7)).unwrap()));
        // Refusals sound as if nothing were there.
        given.when(person(SECOND), add_note(8, 11, false)).refused(Reason::NoSuchVersion);
        given.when(person(SECOND), add_note(8, 99, false)).refused(Reason::NoSuchVersion);
        let address = |version| Command::AddressNote { note: NoteId(7), version: VersionId(version) };
        given.when(person(SECOND), address(12)).refused(Reason::NoSuchNote);
        // No reply under what is visible carries a hidden thread along.
        let mut reply = add_note(9, 10, false);
        if let Command::AddNote { parent, .. } = &mut reply {
            *parent = Some(NoteId(7));
        }
        let replied = given.clone().and(person(ARTIST), reply);
        assert!(!reads_note(&replied.project, SECOND, replied.project.notes.get(NoteId(9)).unwrap()));
        // What is done in a line is not told on notes that everybody reads.
        let noted = given.clone().and(person(ARTIST), add_note(10, 10, false));
        let done = Command::AddressNote { note: NoteId(10), version: VersionId(11) };
        noted.when(person(MIXER), done).refused(Reason::ShootoutOpen);
        let told = waits(project);
        assert!(told.iter().all(|wait| wait.person != SECOND || !wait.text.contains("Mix A")), "{told:?}");
        assert!(picked(&given).project.notes.values().all(|note| reads_note(&given.project, ARTIST, note)));
        let after = picked(&given).project;
        assert!(sees_version(&after, SECOND, after.versions.get(VersionId(11)).unwrap()));
    }

    #[test]
    fn v1_while_mixes_compete_blind_their_makers_have_no_names() {
        let given = competing(true);
        let events = decide(&given.project, &person(SECOND), &mix(13, 5), crate::Time(1)).unwrap();
        let note = decide(&given.project, &person(SECOND), &add_note(7, 12, false), crate::Time(1)).unwrap();
        let open = given.and(person(SECOND), mix(13, 5)).and(person(SECOND), add_note(7, 12, false));
        let name = |who: PersonId| format!("Person {}", who.0);
        let told = |project: &Project, who| crate::sentence_for(project, who, &events[0], &name);
        let said = told(&open.project, ARTIST).unwrap();
        assert_eq!(
            (said.who.as_str(), said.text.as_str()),
            ("An engineer", "An engineer added Mix B 2 of \"Ember\".")
        );
        assert_eq!(told(&open.project, OWNER).unwrap().who, "Person 8");
        assert_eq!(told(&open.project, SECOND).unwrap().who, "Person 8");
        assert_eq!(told(&open.project, MIXER), None);
        let wrote = crate::sentence_for(&open.project, LABEL, &note[0], &name).unwrap();
        assert_eq!(wrote.text, "An engineer wrote a note on Mix B 1.");
        assert!(!may_name(&open.project, ARTIST, VersionId(12), SECOND));
        assert!(may_name(&open.project, ARTIST, VersionId(12), LABEL));
        assert!(may_name(&open.project, OWNER, VersionId(12), SECOND));
        // Asking whether a note could be addressed to them does not find out either.
        for who in [MIXER, SECOND] {
            let mut guess = add_note(8, 12, false);
            if let crate::Command::AddNote { addressee, .. } = &mut guess {
                *addressee = Some(who);
            }
            open.when(person(ARTIST), guess).refused(crate::Reason::NoSuchPerson);
        }
        // The other opening tells whose line is whose.
        let seen = competing(false).project;
        assert!(knows_maker(&seen, ARTIST, seen.versions.get(VersionId(12)).unwrap()));
    }

    #[test]
    fn v1_votes_are_told_after_the_pick() {
        let vote = crate::Command::CastVote {
            song: SONG,
            role: Role::Artist,
            ranking: vec![VersionId(12), VersionId(11)],
            blind: true,
            matched_lufs: 0.0,
            reason: String::new(),
        };
        let given = competing(true);
        let events = decide(&given.project, &person(ARTIST), &vote, crate::Time(1)).unwrap();
        let open = given.and(person(ARTIST), vote);
        assert!(visible_fact(&open.project, ARTIST, &events[0]));
        assert!(!visible_fact(&open.project, LABEL, &events[0]));
        assert!(!visible_fact(&open.project, MIXER, &events[0]));
        assert!(visible_fact(&picked(&open).project, MIXER, &events[0]));
        assert!(!visible_fact(&picked(&open).project, LISTENER, &events[0]));
    }

    #[test]
    fn v1_what_one_follows_is_ones_own_affair_and_webhooks_the_managers() {
        let given = Given::mixed();
        let event = |fact| Event { at: crate::Time(1), by: Some(ARTIST), fact };
        let followed = event(Fact::Followed { song: None, level: crate::FollowLevel::Muted });
        assert!(visible_fact(&given.project, ARTIST, &followed));
        assert!(!visible_fact(&given.project, OWNER, &followed));
        let hook = event(Fact::WebhookRemoved { webhook: crate::WebhookId(1) });
        assert!(visible_fact(&given.project, OWNER, &hook));
        assert!(!visible_fact(&given.project, ARTIST, &hook));
    }
}
