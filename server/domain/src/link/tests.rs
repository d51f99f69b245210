//! Given a project, when somebody makes a link, then its guest hears what it names and nothing else.

use super::*;
use crate::{Alternate, Event, NoteId, audience, decide, testing::*};

const LINK: LinkId = LinkId(0x11);
const GUEST: PersonId = PersonId(0x12);
const OTHER: SongId = SongId(200);
const DAYS: i64 = 86_400_000;

fn link(scope: LinkScope) -> Command {
    Command::MakeLink {
        link: LINK,
        guest: GUEST,
        scope,
        expires: Time(14 * DAYS),
        sessions_max: 3,
        download: false,
        notes: true,
        has_password: false,
    }
}

fn version_link() -> Command {
    link(LinkScope::Version(VersionId(10)))
}

fn sees(given: &Given, version: u128) -> bool {
    let project = &given.project;
    audience::sees_version(project, GUEST, project.versions.get(VersionId(version)).unwrap())
}

fn mix(id: u128, song: SongId, file: u8) -> Command {
    let mut command = add_version(id, VersionKind::Mix, &[(Alternate::Main, file)]);
    if let Command::AddVersion { song: of, .. } = &mut command {
        *of = song;
    }
    command
}

/// Ember has Take 1 (1), Mix 1 (10) and Mix 2 (11); Ash has a take (30).
fn two_songs() -> Given {
    let add = Command::AddSong { song: OTHER, title: "Ash".to_owned(), isrc: String::new() };
    let mut take = add_version(30, VersionKind::Take, &[(Alternate::Main, 5)]);
    if let Command::AddVersion { song, .. } = &mut take {
        *song = OTHER;
    }
    Given::mixed().and(person(MIXER), mix(11, SONG, 3)).and(person(OWNER), add).and(person(ARTIST), take)
}

#[test]
fn those_who_answer_for_the_music_give_it_away_and_nobody_else() {
    let given = Given::mixed();
    for who in [OWNER, LABEL, ARTIST] {
        given.when(person(who), version_link()).facts(&["LINK_MADE"]);
    }
    for who in [MIXER, MASTERER, LISTENER] {
        given.when(person(who), version_link()).refused(Reason::NotYourRole);
    }
    given.when(person(STRANGER), version_link()).refused(Reason::NotAMember);
    given.when(Actor::Worker, version_link()).refused(Reason::NotYourRole);
    given.when(person(OWNER), link(LinkScope::Version(VersionId(99)))).refused(Reason::NoSuchVersion);
    given.when(person(OWNER), link(LinkScope::Song(OTHER))).refused(Reason::NoSuchSong);
    given.when(person(OWNER), link(LinkScope::Record(RecordId(1)))).refused(Reason::NoSuchRecord);
    let made = given.and(person(LABEL), version_link());
    made.when(person(LABEL), version_link()).refused(Reason::IdTaken);
    let mut second = version_link();
    if let Command::MakeLink { link, .. } = &mut second {
        *link = LinkId(0x13);
    }
    made.when(person(LABEL), second).refused(Reason::IdTaken);
    let member = Command::AddMember { person: GUEST, roles: Roles::from([Role::Artist]) };
    made.when(person(OWNER), member).refused(Reason::NoSuchPerson);
    let empty = nothing()
        .and(person(OWNER), Command::CreateProject { title: "Dust".to_owned(), artist: "Lena".to_owned() });
    empty.when(person(OWNER), link(LinkScope::Album)).refused(Reason::NoSuchSong);
}

#[test]
fn a_link_has_an_end_and_a_number_of_sessions() {
    let given = Given::mixed();
    let with = |until: i64, sessions: u32| {
        let mut command = version_link();
        if let Command::MakeLink { expires, sessions_max, .. } = &mut command {
            (*expires, *sessions_max) = (Time(until), sessions);
        }
        given.when(person(OWNER), command)
    };
    // The rule is asked at 2000.
    with(2001, 1).facts(&["LINK_MADE"]);
    with(2000 + 90 * DAYS, 100).facts(&["LINK_MADE"]);
    for (until, sessions) in
        [(2000, 1), (i64::MIN, 1), (2001 + 90 * DAYS, 1), (i64::MAX, 1), (2001, 0), (2001, 101)]
    {
        with(until, sessions).refused(Reason::LinkTermsInvalid);
    }
}

#[test]
fn so_many_are_open_at_once_and_the_ended_ones_leave_room() {
    let nth = |n: u128| {
        let mut command = version_link();
        if let Command::MakeLink { link, guest, .. } = &mut command {
            (*link, *guest) = (LinkId(1000 + n), PersonId(5000 + n));
        }
        command
    };
    let full =
        (0..limits::LINKS_LIVE_MAX as u128).fold(Given::mixed(), |given, n| given.and(person(OWNER), nth(n)));
    full.when(person(OWNER), nth(999)).refused(Reason::LimitReached);
    let later = decide(&full.project, &person(OWNER), &nth(999), Time(14 * DAYS));
    assert_eq!(later.unwrap_err().reason, Reason::LinkTermsInvalid, "by then they have expired, as would it");
    let ended = full.and(person(OWNER), Command::RevokeLink { link: LinkId(1000) });
    ended.when(person(OWNER), nth(999)).facts(&["LINK_MADE"]);
}

#[test]
fn v1_a_guest_hears_what_the_link_names_and_nothing_else_is_there() {
    let given = two_songs();
    let seen = |scope: LinkScope| -> Vec<u128> {
        let with = given.clone().and(person(OWNER), link(scope));
        [1, 10, 11, 30].into_iter().filter(|version| sees(&with, *version)).collect()
    };
    assert_eq!(seen(LinkScope::Version(VersionId(10))), [10]);
    assert_eq!(seen(LinkScope::Song(SONG)), [1, 10, 11]);
    assert_eq!(seen(LinkScope::Song(OTHER)), [30]);
    assert_eq!(seen(LinkScope::Album), [11, 30], "of each song what counts now");
    let album = given.clone().and(person(OWNER), link(LinkScope::Album)).and(person(MIXER), mix(12, SONG, 4));
    assert!(sees(&album, 12) && !sees(&album, 11), "what counts later takes its place");
    let one = given.and(person(OWNER), version_link());
    assert!(
        audience::sees_song(&one.project, GUEST, SONG) && !audience::sees_song(&one.project, GUEST, OTHER)
    );
    assert!(audience::sees_song(&one.project, ARTIST, OTHER), "a member's world is the project");
    // Refusals sound as if nothing were there.
    one.when(person(GUEST), add_note(7, 11, false)).refused(Reason::NoSuchVersion);
    one.when(person(GUEST), add_note(7, 99, false)).refused(Reason::NoSuchVersion);
    assert_eq!(one.project.roles_of(GUEST), Some(&Roles::from([Role::Listener])));
    assert!(!one.project.members.contains(GUEST));
}

#[test]
fn v1_while_mixes_compete_a_guest_hears_none_of_them() {
    let second = PersonId(8);
    let open = Command::OpenShootout {
        shootout: crate::ShootoutId(1),
        song: SONG,
        entrants: vec![MIXER, second],
        blind: true,
    };
    let roles = Roles::from([Role::MixEngineer]);
    let given = Given::mixed()
        .and(person(OWNER), Command::AddMember { person: second, roles })
        .and(person(OWNER), link(LinkScope::Song(SONG)))
        .and(person(OWNER), open)
        .and(person(MIXER), mix(11, SONG, 3));
    assert!(sees(&given, 10) && !sees(&given, 11));
    let mut of_one = link(LinkScope::Version(VersionId(11)));
    if let Command::MakeLink { link, guest, .. } = &mut of_one {
        (*link, *guest) = (LinkId(0x21), PersonId(0x22));
    }
    given.when(person(OWNER), of_one).refused(Reason::ShootoutOpen);
}

#[test]
fn a_guest_does_nothing_that_members_do() {
    let given = two_songs().and(person(OWNER), link(LinkScope::Song(SONG)));
    for command in [
        given.approve(10, Role::Listener),
        mix(40, SONG, 6),
        Command::Follow { song: None, level: crate::FollowLevel::All },
        Command::RevokeLink { link: LINK },
        version_link(),
        set_terms(true),
        Command::AcceptNote { note: NoteId(7) },
        Command::RemoveMember { person: ARTIST },
    ] {
        given.when(person(GUEST), command).refused(Reason::NotForGuests);
    }
    // A studio owner cannot be one, and if they were: nothing more.
    let owner = Actor::Person { id: GUEST, studio_owner: true };
    given.when(owner, Command::RemoveMember { person: ARTIST }).refused(Reason::NotForGuests);
    given
        .when(person(GUEST), Command::RecordHeard { version: VersionId(10), percent: 50 })
        .facts(&["VERSION_HEARD"]);
    given
        .when(person(GUEST), Command::RecordHeard { version: VersionId(30), percent: 50 })
        .refused(Reason::NoSuchVersion);
}

fn reply(id: u128, to: u128) -> Command {
    let mut command = add_note(id, 10, false);
    if let Command::AddNote { parent, .. } = &mut command {
        *parent = Some(NoteId(to));
    }
    command
}

#[test]
fn v1_a_guest_reads_their_own_threads_and_holds_nothing_up() {
    let given = Given::mixed()
        .and(person(ARTIST), add_note(7, 10, false))
        .and(person(OWNER), version_link())
        .and(person(GUEST), add_note(8, 10, false))
        .and(person(MIXER), reply(9, 8));
    let reads = |note: u128| {
        audience::reads_note(&given.project, GUEST, given.project.notes.get(NoteId(note)).unwrap())
    };
    assert!(!reads(7) && reads(8) && reads(9));
    assert_eq!(given.project.notes.get(NoteId(8)).unwrap().role, Role::Listener);
    given.when(person(GUEST), reply(10, 7)).refused(Reason::NoSuchNote);
    given.when(person(GUEST), reply(10, 99)).refused(Reason::NoSuchNote);
    given.when(person(GUEST), reply(10, 8)).facts(&["NOTE_ADDED"]);
    given.when(person(GUEST), add_note(10, 10, true)).refused(Reason::NotYourRole);
    let mut addressed = add_note(10, 10, false);
    if let Command::AddNote { addressee, .. } = &mut addressed {
        *addressee = Some(ARTIST);
    }
    given.when(person(GUEST), addressed).refused(Reason::NotForGuests);
    // The workshop's talk about it stays in the workshop.
    let mut behind = reply(11, 8);
    if let Command::AddNote { internal, .. } = &mut behind {
        *internal = true;
    }
    let talked = given.clone().and(person(MIXER), behind);
    let said = talked.project.notes.get(NoteId(11)).unwrap();
    assert!(!audience::reads_note(&talked.project, GUEST, said));
    // A member's note keeps the gate, a guest's does not.
    assert_eq!(given.project.open_notes(SONG).map(|note| note.id).collect::<Vec<_>>(), [NoteId(7)]);
    given.when(person(LABEL), Command::AcceptNote { note: NoteId(8) }).refused(Reason::NotYourRole);
    given.when(person(OWNER), Command::AcceptNote { note: NoteId(8) }).facts(&["NOTE_ACCEPTED"]);
    // A link without notes.
    let mut silent = version_link();
    if let Command::MakeLink { notes, .. } = &mut silent {
        *notes = false;
    }
    let silent = Given::mixed().and(person(OWNER), silent);
    silent.when(person(GUEST), add_note(8, 10, false)).refused(Reason::NotForGuests);
}

#[test]
fn whoever_made_a_link_ends_it_or_a_manager_does() {
    let given = Given::mixed().and(person(LABEL), version_link());
    let revoke = |link| Command::RevokeLink { link };
    given.when(person(LABEL), revoke(LinkId(9))).refused(Reason::NoSuchLink);
    for who in [ARTIST, MIXER, LISTENER] {
        given.when(person(who), revoke(LINK)).refused(Reason::NoSuchLink);
    }
    given.when(person(LABEL), revoke(LINK)).facts(&["LINK_REVOKED"]);
    let ended = given.clone().and(person(OWNER), revoke(LINK));
    ended.when(person(OWNER), revoke(LINK)).refused(Reason::NothingToChange);
    assert!(ended.project.roles_of(GUEST).is_none() && !sees(&ended, 10));
    ended.when(person(GUEST), add_note(8, 10, false)).refused(Reason::NotAMember);
    assert!(!ended.project.insiders().any(|person| person == GUEST));
    assert!(given.project.insiders().any(|person| person == GUEST));
}

#[test]
fn links_end_with_the_membership_of_whoever_made_them() {
    let given = Given::mixed().and(person(LABEL), version_link());
    let gone = given.and(person(OWNER), Command::RemoveMember { person: LABEL });
    assert!(gone.project.roles_of(GUEST).is_none() && !sees(&gone, 10));
    assert_eq!(gone.project.live_links(Time(2000)), 0);
    let back = Command::AddMember { person: LABEL, roles: Roles::from([Role::Label]) };
    let back = gone.and(person(OWNER), back);
    assert!(back.project.roles_of(GUEST).is_none(), "an end is an end");
}

#[test]
fn v1_the_history_tells_of_links_to_those_who_answer_for_them() {
    let given = two_songs();
    let made = decide(&given.project, &person(LABEL), &version_link(), Time(1)).unwrap();
    let with = given.and(person(LABEL), version_link());
    let project = &with.project;
    let name = |person: PersonId| format!("Person {}", person.0);
    let told = crate::sentence_for(project, OWNER, &made[0], &name).unwrap();
    assert_eq!(
        told.text,
        "Person 5 made a link for Person 18 to hear Mix 1 of \"Ember\", until 1970-01-15 00:00 UTC."
    );
    assert_eq!(told.song, Some(SONG));
    assert!(crate::sentence_for(project, LABEL, &made[0], &name).is_some());
    for who in [ARTIST, MIXER, LISTENER, GUEST, STRANGER] {
        assert!(crate::sentence_for(project, who, &made[0], &name).is_none());
    }
    let ended = Event { at: Time(2), by: Some(LABEL), fact: Fact::LinkRevoked { link: LINK } };
    let told = crate::sentence_for(project, OWNER, &ended, &name).unwrap();
    assert_eq!(told.text, "Person 5 ended the link of Person 18.");
    let by_another = Event { by: Some(OWNER), ..ended };
    assert!(audience::visible_fact(project, LABEL, &by_another), "whoever made it learns that it ended");
    assert!(!audience::visible_fact(project, ARTIST, &by_another));
    // A guest is told of what they hear.
    let of = |version: u128| {
        let version = project.versions.get(VersionId(version)).unwrap();
        let fact = Fact::VersionAdded {
            version: version.id,
            song: version.song,
            kind: version.kind,
            number: version.number,
            title: String::new(),
            changelog: String::new(),
            files: version.files.clone(),
            fingerprint: version.fingerprint,
            render: None,
            line: None,
        };
        audience::visible_fact(project, GUEST, &Event { at: Time(1), by: Some(MIXER), fact })
    };
    assert!(of(10) && !of(11) && !of(30));
    let joined = Fact::MemberAdded { person: ARTIST, roles: Roles::from([Role::Artist]) };
    assert!(!audience::visible_fact(project, GUEST, &Event { at: Time(1), by: None, fact: joined }));
}
