//! Given signed masters and a spacing, when a record is started, made, approved, delivered.

mod current;

use super::*;
use crate::{
    Actor, Command, Fact, GateRule, Reason, Roles, SpacingItem, VersionKind, dry, gate, limits, testing::*,
    waits,
};

const RECORD: RecordId = RecordId(300);

fn start_of(id: u128, spacing: u32, profiles: &[&str]) -> Command {
    let profile =
        |name: &&str| RecordProfile { name: (*name).to_owned(), toml: format!("name = \"{name}\"\n") };
    Command::StartRecord {
        record: RecordId(id),
        spacing,
        profiles: profiles.iter().map(profile).collect(),
        loudest_track_lufs: None,
        medium: String::new(),
        basis: None,
    }
}

fn lease_of(record: RecordId) -> Command {
    Command::LeaseRecord { record, engine: "press 1".to_owned() }
}

fn made_file(profile: &str, name: &str, number: u8) -> RecordFile {
    RecordFile {
        profile: profile.to_owned(),
        folder: profile.to_owned(),
        name: name.to_owned(),
        digest: digest(number),
        bytes: 1000,
        kind: "track".to_owned(),
        sample_rate_hz: 44_100,
        bits: 16,
        frames: 44_100,
        exact: false,
        integrated_lufs: Some(-14.0),
        true_peak_dbtp: Some(-1.0),
        over_full_scale: Some(0),
    }
}

fn complete_of(record: RecordId, attempt: u32, files: Vec<RecordFile>) -> Command {
    Command::CompleteRecord { record, attempt, files, report_json: "{}".to_owned() }
}

fn sign(given: &Given, approval: u128, record: RecordId, role: Role) -> Command {
    let fingerprint = given.project.record(record).and_then(|it| it.fingerprint).unwrap_or(digest(0));
    Command::ApproveRecord { approval: ApprovalId(approval), record, role, fingerprint }
}

fn deliver_of(record: RecordId) -> Command {
    Command::DeliverRecord { record, manifest_json: "{}".to_owned() }
}

/// Spacing 1 of the one song, whose master is signed.
fn spaced() -> Given {
    let items = vec![SpacingItem::after(SONG, 0)];
    Given::delivered().and(person(ARTIST), Command::SetSpacing { items })
}

fn queued() -> Given {
    spaced().and(person(OWNER), start_of(300, 1, &["cd", "archive"]))
}

fn two_files() -> Vec<RecordFile> {
    vec![made_file("cd", "image.bin", 1), made_file("archive", "01 Ember.wav", 2)]
}

fn made() -> Given {
    queued().and(Actor::Worker, lease_of(RECORD)).and(Actor::Worker, complete_of(RECORD, 1, two_files()))
}

fn record(given: &Given) -> &Record {
    given.project.record(RECORD).expect("it was started")
}

/// Spacing 2: everything else stays.
fn spaced_anew(given: Given) -> Given {
    let items = vec![SpacingItem { fade_out_ms: 1000, ..SpacingItem::after(SONG, 0) }];
    given.and(person(ARTIST), Command::SetSpacing { items })
}

#[test]
fn a_record_is_made_of_signed_masters_and_the_spacing_that_was_seen() {
    let start = |spacing| start_of(300, spacing, &["cd"]);
    Given::delivered().when(person(OWNER), start(0)).refused(Reason::NoSpacing);
    let given = spaced();
    given.when(person(ARTIST), start(1)).refused(Reason::NotYourRole);
    given.when(person(LABEL), start(2)).refused(Reason::SpacingChanged);
    let events = given.when(person(MASTERER), start(1)).facts(&["RECORD_QUEUED"]);
    let Fact::RecordQueued { number, spacing, sources, .. } = &events[0].fact else { unreachable!() };
    let master = given.project.candidate(SONG).unwrap();
    let source = RecordSource { song: SONG, version: master.id, fingerprint: master.fingerprint };
    assert_eq!((*number, *spacing, &sources[..]), (1, 1, &[source][..]));
    // A song that came since is missing in it; once it is in, its master is.
    let second = SongId(101);
    let add = Command::AddSong { song: second, title: "Ash".to_owned(), isrc: String::new() };
    let more = given.and(person(OWNER), add);
    more.when(person(LABEL), start(1)).refused(Reason::SpacingChanged);
    let items = vec![SpacingItem::after(SONG, 0), SpacingItem::after(second, 2000)];
    let more = more.and(person(ARTIST), Command::SetSpacing { items });
    let no = more.when(person(LABEL), start(2)).0.unwrap_err();
    assert_eq!(no.reason, Reason::NotDeliveredYet);
    assert_eq!(no.text, "\"Ash\" has no master that is signed yet.");
    let unsigned = Given::mastered()
        .and(person(ARTIST), Command::SetSpacing { items: vec![SpacingItem::after(SONG, 0)] });
    unsigned.when(person(LABEL), start(1)).refused(Reason::NotDeliveredYet);
}

#[test]
fn profiles_and_level_are_sound() {
    let given = spaced();
    let refused = |profiles: &[&str], said: &str| {
        let no = given.when(person(LABEL), start_of(300, 1, profiles)).0.unwrap_err();
        assert_eq!(no.reason, Reason::ProfileInvalid);
        assert!(no.text.contains(said), "{no}");
    };
    refused(&[], "for no profile");
    refused(&["cd", "CD"], "named twice");
    let names: Vec<String> = (0..=limits::PROFILES_PER_RECORD_MAX).map(|it| it.to_string()).collect();
    refused(&names.iter().map(String::as_str).collect::<Vec<_>>(), "24 are the limit");
    let with = |toml: &str, count: usize, lufs: Option<f64>| Command::StartRecord {
        record: RECORD,
        spacing: 1,
        profiles: (0..count)
            .map(|it| RecordProfile { name: format!("p{it}"), toml: toml.to_owned() })
            .collect(),
        loudest_track_lufs: lufs,
        medium: String::new(),
        basis: None,
    };
    let most = "#".repeat(limits::PROFILE_BYTES_MAX);
    given.when(person(LABEL), with(&most, 3, None)).facts(&["RECORD_QUEUED"]);
    given.when(person(LABEL), with(&most, 4, None)).refused(Reason::ProfileInvalid);
    given.when(person(LABEL), with(&(most + "#"), 1, None)).refused(Reason::ProfileInvalid);
    given.when(person(LABEL), with(" \n", 1, None)).refused(Reason::ProfileInvalid);
    given.when(person(LABEL), start_of(300, 1, &["a/b"])).refused(Reason::NameInvalid);
    for bad in [-30.01, -5.99, f64::NAN, f64::NEG_INFINITY] {
        given.when(person(LABEL), with("a", 1, Some(bad))).refused(Reason::RuleInvalid);
    }
    given.when(person(LABEL), with("a", 1, Some(-14.0))).facts(&["RECORD_QUEUED"]);
}

#[test]
fn a_spacing_that_the_signed_masters_cannot_play_makes_no_record() {
    // The mix had 100 s; the master that came of it has 5.
    let short = crate::AudioFacts { frames: 240_000, ..clean_facts() };
    let file = crate::ReceivedFile { facts: short, ..received(30, clean_facts()) };
    let items = vec![SpacingItem { fade_out_ms: 6000, ..SpacingItem::after(SONG, 0) }];
    let given = Given::mastering()
        .and(person(ARTIST), Command::SetSpacing { items })
        .and(person(MASTERER), Command::ReceiveFile { file })
        .and(person(MASTERER), add_version(40, VersionKind::Master, &[(crate::Alternate::Main, 30)]))
        .approved(ARTIST, 40, Role::Artist)
        .approved(LABEL, 40, Role::Label);
    let no = given.when(person(LABEL), start_of(300, 1, &["cd"])).0.unwrap_err();
    assert_eq!(no.reason, Reason::RuleInvalid);
    assert!(no.text.contains("longer than the song (0:05.0)"), "{no}");
}

#[test]
fn one_record_at_a_time_and_an_end_is_an_end() {
    let given = queued();
    given.when(person(LABEL), start_of(301, 1, &["cd"])).refused(Reason::RecordRunning);
    let cancel = |id| Command::CancelRecord { record: RecordId(id) };
    given.when(person(ARTIST), cancel(300)).refused(Reason::NotYourRole);
    given.when(person(LABEL), cancel(301)).refused(Reason::NoSuchRecord);
    let ended = given.and(person(LABEL), cancel(300));
    ended.when(person(LABEL), cancel(300)).refused(Reason::RecordEnded);
    ended.when(Actor::Worker, lease_of(RECORD)).refused(Reason::RecordEnded);
    ended.when(person(LABEL), start_of(300, 1, &["cd"])).refused(Reason::IdTaken);
    let events = ended.when(person(LABEL), start_of(301, 1, &["cd"])).facts(&["RECORD_QUEUED"]);
    assert!(matches!(events[0].fact, Fact::RecordQueued { number: 2, .. }), "P-1: a number is used once");
}

#[test]
fn a_stale_attempt_is_fenced_off_and_failures_park() {
    let given = queued();
    let fail = |attempt, retry| Command::FailRecord {
        record: RECORD,
        attempt,
        reason: "The disk\n is full.".to_owned(),
        retry,
    };
    given.when(Actor::Worker, complete_of(RECORD, 0, two_files())).refused(Reason::StaleAttempt);
    given.when(person(OWNER), lease_of(RECORD)).refused(Reason::NotYourRole);
    let twice = given.clone().and(Actor::Worker, lease_of(RECORD)).and(Actor::Worker, lease_of(RECORD));
    twice.when(Actor::Worker, complete_of(RECORD, 1, two_files())).refused(Reason::StaleAttempt);
    twice.when(Actor::Worker, fail(1, true)).refused(Reason::StaleAttempt);
    twice.when(person(OWNER), complete_of(RECORD, 2, two_files())).refused(Reason::NotYourRole);
    twice.when(Actor::Worker, complete_of(RECORD, 2, two_files())).facts(&["RECORD_MADE"]);
    let mut tried = given.clone();
    for attempt in 1..=limits::RENDER_FAILURES_MAX {
        tried = tried.and(Actor::Worker, lease_of(RECORD)).and(Actor::Worker, fail(attempt, true));
    }
    assert_eq!(
        (record(&tried).state, record(&tried).reason.as_str()),
        (RecordState::Failed, "The disk is full.")
    );
    let failed = given.clone().and(Actor::Worker, lease_of(RECORD)).and(Actor::Worker, fail(1, false));
    assert_eq!(record(&failed).state, RecordState::Failed);
    failed.when(person(LABEL), start_of(301, 1, &["cd"])).facts(&["RECORD_QUEUED"]);
    let waiting = waits(&failed.project);
    assert!(
        waiting.iter().any(|it| it.person == OWNER && it.target == crate::Target::Record(1)),
        "{waiting:?}"
    );
    let mut dying = given;
    for _ in 0..limits::RENDER_ATTEMPTS_MAX {
        dying = dying.and(Actor::Worker, lease_of(RECORD));
    }
    dying.when(Actor::Worker, lease_of(RECORD)).facts(&["RECORD_FAILED"]);
}

#[test]
fn an_attempt_that_was_given_back_is_no_try() {
    let mut given = queued();
    let back = |attempt| Command::GiveBackRecord { record: RECORD, attempt };
    for attempt in 1..=5 {
        given = given.and(Actor::Worker, lease_of(RECORD)).and(Actor::Worker, back(attempt));
    }
    assert_eq!((record(&given).state, record(&given).tries()), (RecordState::Queued, 0));
    given.when(Actor::Worker, back(5)).refused(Reason::StaleAttempt);
    given.when(person(OWNER), back(5)).refused(Reason::NotYourRole);
    for _ in 0..limits::RENDER_ATTEMPTS_MAX {
        given = given.and(Actor::Worker, lease_of(RECORD));
    }
    given.when(Actor::Worker, lease_of(RECORD)).facts(&["RECORD_FAILED"]);
}

#[test]
fn files_have_a_place_each_and_names_for_every_file_system() {
    let given = queued().and(Actor::Worker, lease_of(RECORD));
    let with = |change: &dyn Fn(&mut RecordFile)| {
        let mut files = two_files();
        change(&mut files[1]);
        given.when(Actor::Worker, complete_of(RECORD, 1, files))
    };
    with(&|_| {}).facts(&["RECORD_MADE"]);
    with(&|file| file.folder.clear()).facts(&["RECORD_MADE"]);
    with(&|file| file.folder = "archive/flac".to_owned()).facts(&["RECORD_MADE"]);
    for bad in ["", ".", "..", "a/b", "a\\b", "a\nb", " a", "a ", "a.", "a\u{202e}b", &"é".repeat(128)] {
        with(&|file| bad.clone_into(&mut file.name)).refused(Reason::NameInvalid);
    }
    for bad in ["/a", "a/", "a//b", "../a", "a/..", "a\\b"] {
        with(&|file| bad.clone_into(&mut file.folder)).refused(Reason::NameInvalid);
    }
    with(&|file| (file.folder, file.name) = ("CD".to_owned(), "IMAGE.bin".to_owned()))
        .refused(Reason::RuleInvalid);
    with(&|file| file.profile = "vinyl".to_owned()).refused(Reason::RuleInvalid);
    with(&|file| file.bytes = 0).refused(Reason::RuleInvalid);
    with(&|file| file.true_peak_dbtp = Some(f64::NAN)).refused(Reason::RuleInvalid);
    with(&|file| file.integrated_lufs = Some(f64::NEG_INFINITY)).facts(&["RECORD_MADE"]);
    given.when(Actor::Worker, complete_of(RECORD, 1, Vec::new())).refused(Reason::RuleInvalid);
    let many = |count: usize| (0..count).map(|it| made_file("cd", &it.to_string(), 1)).collect::<Vec<_>>();
    given.when(Actor::Worker, complete_of(RECORD, 1, many(limits::RECORD_FILES_MAX))).facts(&["RECORD_MADE"]);
    let more = many(limits::RECORD_FILES_MAX + 1);
    given.when(Actor::Worker, complete_of(RECORD, 1, more)).refused(Reason::LimitReached);
    let report_json = "x".repeat(limits::RECORD_BYTES_MAX);
    let long = Command::CompleteRecord { record: RECORD, attempt: 1, files: two_files(), report_json };
    given.when(Actor::Worker, long).refused(Reason::LimitReached);
}

/// printf 'archive/01 Ember.wav 0202...\ncd/image.bin 0101...\n' | sha256sum
#[test]
fn p2_a_fingerprint_names_the_exact_files_in_any_order() {
    let files = two_files();
    let turned: Vec<RecordFile> = files.iter().rev().cloned().collect();
    assert_eq!(record_fingerprint(&files), record_fingerprint(&turned));
    let text = format!("archive/01 Ember.wav {}\ncd/image.bin {}\n", "02".repeat(32), "01".repeat(32));
    assert_eq!(record_fingerprint(&files), crate::receipt::digest_of(&text));
    for change in [
        &(|file: &mut RecordFile| file.digest = digest(9)) as &dyn Fn(&mut RecordFile),
        &|file| file.name.push('x'),
        &|file| file.folder.clear(),
    ] {
        let mut other = files.clone();
        change(&mut other[0]);
        assert_ne!(record_fingerprint(&files), record_fingerprint(&other));
    }
}

#[test]
fn p1_what_is_made_changes_no_more() {
    let given = made();
    let before = record(&given).clone();
    let mut other = two_files();
    other[0].digest = digest(9);
    let again = Fact::RecordMade {
        record: RECORD,
        files: other.clone(),
        fingerprint: record_fingerprint(&other),
        report_json: String::new(),
    };
    let mut project = given.project.clone();
    for fact in [
        again,
        Fact::RecordCancelled { record: RECORD },
        Fact::RecordLeased { record: RECORD, attempt: 7, engine: String::new() },
        Fact::RecordFailed { record: RECORD, attempt: 1, reason: String::new(), parked: true },
    ] {
        project.apply(&crate::Event { at: Time(3000), by: Some(OWNER), fact });
    }
    assert_eq!(project.record(RECORD), Some(&before));
    given.when(Actor::Worker, complete_of(RECORD, 1, two_files())).refused(Reason::RecordEnded);
}

#[test]
fn p2_an_approval_is_of_exactly_the_files_that_were_seen() {
    let given = made();
    let unmade = queued();
    unmade.when(person(LABEL), sign(&unmade, 7, RECORD, Role::Label)).refused(Reason::RecordNotMade);
    given.when(person(LABEL), sign(&given, 7, RecordId(9), Role::Label)).refused(Reason::NoSuchRecord);
    given.when(person(ARTIST), sign(&given, 7, RECORD, Role::Artist)).refused(Reason::NotYourRole);
    given.when(person(LABEL), sign(&given, 7, RECORD, Role::Artist)).refused(Reason::NotYourRole);
    given
        .when(person(MASTERER), sign(&given, 7, RECORD, Role::MasteringEngineer))
        .refused(Reason::NotYourRole);
    let blind = Command::ApproveRecord {
        approval: ApprovalId(7),
        record: RECORD,
        role: Role::Label,
        fingerprint: digest(9),
    };
    given.when(person(LABEL), blind).refused(Reason::FingerprintDiffers);
    let signed = given.clone().and(person(LABEL), sign(&given, 7, RECORD, Role::Label));
    signed.when(person(LABEL), sign(&signed, 8, RECORD, Role::Label)).refused(Reason::AlreadyApproved);
    let taken = given.project.approvals.keys().next().unwrap();
    given.when(person(LABEL), sign(&given, taken.0, RECORD, Role::Label)).refused(Reason::IdTaken);
    let fact = Fact::RecordApproved {
        approval: ApprovalId(8),
        record: RECORD,
        role: Role::Label,
        fingerprint: digest(9),
    };
    let mut project = given.project.clone();
    project.apply(&crate::Event { at: Time(1), by: Some(LABEL), fact });
    assert!(project.record(RECORD).unwrap().approvals.is_empty(), "the fold knows it too");
}

#[test]
fn nobody_waves_their_own_record_through_and_without_a_label_others_sign() {
    let start = start_of(300, 1, &["cd", "archive"]);
    let own = spaced().and(person(LABEL), start).and(Actor::Worker, lease_of(RECORD));
    let own = own.and(Actor::Worker, complete_of(RECORD, 1, two_files()));
    own.when(person(LABEL), sign(&own, 7, RECORD, Role::Label)).refused(Reason::SelfApproval);
    let told = waits_for(&own.project, record(&own), &|_| "Lena Ruiz".to_owned());
    assert!(told.starts_with("Record 1 waits for an approval that nobody can give"), "{told}");
    let solo = own.clone().and(person(OWNER), set_terms(true));
    let signed = solo.clone().and(person(LABEL), sign(&solo, 7, RECORD, Role::Label));
    assert!(is_approved(&signed.project, record(&signed)));
    let strict = signed.and(person(OWNER), set_terms(false));
    assert!(!is_approved(&strict.project, record(&strict)), "it counts where one may approve one's own");
    let without = own.and(person(OWNER), Command::RemoveMember { person: LABEL });
    let named = waits_for(&without.project, record(&without), &|person| format!("Person {}", person.0));
    assert_eq!(named, "Record 1 waits for the approval of Person 2 or Person 1.");
    let signed = without.clone().and(person(ARTIST), sign(&without, 7, RECORD, Role::Artist));
    signed.when(person(OWNER), deliver_of(RECORD)).facts(&["RECORD_DELIVERED"]);
    // Where a label is a member again, it is asked.
    let roles = Roles::from([Role::Label]);
    let back = signed.and(person(OWNER), Command::AddMember { person: LABEL, roles });
    back.when(person(OWNER), deliver_of(RECORD)).refused(Reason::RecordNotApproved);
}

#[test]
fn an_approval_ends_when_its_giver_leaves_and_does_not_come_back() {
    let given = made();
    let signed = given.clone().and(person(LABEL), sign(&given, 7, RECORD, Role::Label));
    let roles = |role| Command::ChangeRoles { person: LABEL, roles: Roles::from([role]) };
    let gone =
        signed.clone().and(person(OWNER), roles(Role::Producer)).and(person(OWNER), roles(Role::Label));
    let it = record(&gone);
    assert!(!counts(&gone.project, it, &it.approvals[0]) && !is_approved(&gone.project, it));
    gone.when(person(OWNER), deliver_of(RECORD)).refused(Reason::RecordNotApproved);
    gone.when(person(LABEL), sign(&gone, 8, RECORD, Role::Label)).facts(&["RECORD_APPROVED"]);
    let delivered = signed
        .and(person(OWNER), deliver_of(RECORD))
        .and(person(OWNER), Command::RemoveMember { person: LABEL });
    let it = record(&delivered);
    assert!(
        counts(&delivered.project, it, &it.approvals[0]),
        "what was delivered on it stays delivered on it"
    );
}

#[test]
fn p5_a_delivery_is_exactly_the_bytes_signed_once_and_of_now() {
    let given = made();
    given.when(person(ARTIST), deliver_of(RECORD)).refused(Reason::NotYourRole);
    given.when(person(OWNER), deliver_of(RecordId(9))).refused(Reason::NoSuchRecord);
    given.when(person(OWNER), deliver_of(RECORD)).refused(Reason::RecordNotApproved);
    queued().when(person(OWNER), deliver_of(RECORD)).refused(Reason::RecordNotMade);
    let signed = given.clone().and(person(LABEL), sign(&given, 7, RECORD, Role::Label));
    let long = "x".repeat(limits::MANIFEST_BYTES_MAX + 1);
    let long = Command::DeliverRecord { record: RECORD, manifest_json: long };
    signed.when(person(OWNER), long).refused(Reason::LimitReached);
    let delivered = signed.clone().and(person(MASTERER), deliver_of(RECORD));
    let it = record(&delivered);
    assert_eq!((it.state, &it.files), (RecordState::Delivered, &two_files()));
    assert_eq!(it.fingerprint, Some(record_fingerprint(&it.files)));
    delivered.when(person(OWNER), deliver_of(RECORD)).refused(Reason::DeliveredAlready);
    let outdated = spaced_anew(signed);
    assert!(is_outdated(&outdated.project, record(&outdated)));
    outdated.when(person(OWNER), deliver_of(RECORD)).refused(Reason::RecordOutdated);
    let outdated = spaced_anew(given);
    outdated.when(person(LABEL), sign(&outdated, 7, RECORD, Role::Label)).refused(Reason::RecordOutdated);
    let told = waits_for(&outdated.project, record(&outdated), &|_| String::new());
    assert!(told.starts_with("Record 1 is outdated"), "{told}");
    assert!(
        waits(&outdated.project).iter().all(|wait| wait.song.is_some()),
        "nothing waits on an outdated one"
    );
}

#[test]
fn the_same_files_again_are_set_aside_for_the_record_that_is_there() {
    let given = made()
        .and(person(OWNER), start_of(301, 1, &["archive", "cd"]))
        .and(Actor::Worker, lease_of(RecordId(301)));
    let turned: Vec<RecordFile> = two_files().into_iter().rev().collect();
    let events =
        given.when(Actor::Worker, complete_of(RecordId(301), 1, turned.clone())).facts(&["RECORD_CANCELLED"]);
    let after = given.clone().and(Actor::Worker, complete_of(RecordId(301), 1, turned));
    let second = after.project.record(RecordId(301)).unwrap();
    let why = "Its files are those of Record 1, byte for byte: that one stands.";
    assert_eq!((second.state, second.reason.as_str()), (RecordState::Cancelled, why));
    let told = crate::sentence(&after.project, &events[0], &|_| String::new()).text;
    assert_eq!(told, format!("Record 2 was set aside. {why}"));
    // One other byte, and it is a record of its own; of another spacing too.
    let mut other = two_files();
    other[0].digest = digest(9);
    given.when(Actor::Worker, complete_of(RecordId(301), 1, other)).facts(&["RECORD_MADE"]);
    let anew = spaced_anew(made()).and(person(OWNER), start_of(301, 2, &["archive", "cd"]));
    let anew = anew.and(Actor::Worker, lease_of(RecordId(301)));
    anew.when(Actor::Worker, complete_of(RecordId(301), 1, two_files())).facts(&["RECORD_MADE"]);
}

#[test]
fn a_later_record_says_what_differs() {
    let given = made();
    assert_eq!(differs(&given.project, record(&given)), [""; 0]);
    let start = Command::StartRecord {
        record: RecordId(301),
        spacing: 2,
        profiles: vec![
            RecordProfile { name: "cd".to_owned(), toml: "name = \"cd\"\nother = 1\n".to_owned() },
            RecordProfile { name: "vinyl".to_owned(), toml: "name = \"vinyl\"\n".to_owned() },
        ],
        loudest_track_lufs: Some(-14.0),
        medium: "12\" 33 rpm".to_owned(),
        basis: None,
    };
    let given = spaced_anew(given).and(person(OWNER), start).and(Actor::Worker, lease_of(RecordId(301)));
    let before = [
        "Compared with Record 1, which was never delivered.",
        "Spacing 2 instead of 1: \"Ember\": fade out 1.00 s.",
        "The profile cd has another text.",
        "The profile vinyl is new.",
        "The profile archive is left out.",
        "It has the loudest track at -14.0 LUFS instead of the levels as they were signed.",
        "It is for 12\" 33 rpm instead of no medium.",
    ];
    let second = |given: &Given| differs(&given.project, given.project.record(RecordId(301)).unwrap());
    assert_eq!(second(&given), before, "before a file is there");
    let files =
        vec![made_file("cd", "image.bin", 3), made_file("vinyl", "A.wav", 4), made_file("vinyl", "B.wav", 5)];
    let given = given.and(Actor::Worker, complete_of(RecordId(301), 1, files));
    let files = [
        "1 file differs: cd/image.bin.",
        "2 files are new: vinyl/A.wav, vinyl/B.wav.",
        "1 file is gone: archive/01 Ember.wav.",
    ];
    assert_eq!(second(&given), [&before[..], &files[..]].concat());
}

#[test]
fn another_master_is_told_by_its_name() {
    let given = made();
    let mut now = record(&given).clone();
    (now.number, now.sources[0].version) = (2, VersionId(10));
    now.id = RecordId(301);
    let head = "Compared with Record 1, which was never delivered.";
    assert_eq!(differs(&given.project, &now), [head, "\"Ember\" is Mix 1 instead of Master 1."]);
    now.sources[0].song = SongId(999);
    let told = differs(&given.project, &now);
    assert_eq!(told, [head, "a song is new.", "\"Ember\" is not on it any more."]);
}

#[test]
fn a_record_waits_on_who_signs_it_and_then_on_who_delivers_it() {
    let of = |given: &Given| -> Vec<(PersonId, String)> {
        let all = waits(&given.project).into_iter().filter(|wait| wait.song.is_none());
        all.map(|wait| (wait.person, wait.text)).collect()
    };
    assert_eq!(of(&queued()), []);
    let given = made();
    assert_eq!(of(&given), [(LABEL, "Approve Record 1 as label.".to_owned())]);
    let name = |_| "Lena Ruiz".to_owned();
    assert_eq!(
        waits_for(&given.project, record(&given), &name),
        "Record 1 waits for the approval of Lena Ruiz."
    );
    let signed = given.clone().and(person(LABEL), sign(&given, 7, RECORD, Role::Label));
    let deliver = |person| (person, "Deliver Record 1.".to_owned());
    assert_eq!(of(&signed), [deliver(OWNER), deliver(MASTERER), deliver(LABEL)]);
    assert_eq!(waits_for(&signed.project, record(&signed), &name), "Record 1 waits for its delivery.");
    let delivered = signed.and(person(LABEL), deliver_of(RECORD));
    assert_eq!(
        (of(&delivered), waits_for(&delivered.project, record(&delivered), &name)),
        (vec![], String::new())
    );
}

#[test]
fn what_may_be_done_with_a_record_is_told_to_its_roles() {
    let yes = |given: &Given, who| -> Vec<&'static str> {
        let answers = dry::record_actions(&given.project, &person(who), record(given));
        answers.into_iter().filter(|(_, answer)| answer.is_ok()).map(|(action, _)| action).collect()
    };
    assert_eq!(yes(&queued(), OWNER), ["cancel_record"]);
    let given = made();
    assert_eq!((yes(&given, LABEL), yes(&given, OWNER)), (vec!["approve_record"], vec![]));
    let signed = given.clone().and(person(LABEL), sign(&given, 7, RECORD, Role::Label));
    assert_eq!((yes(&signed, LABEL), yes(&signed, ARTIST)), (vec!["deliver_record"], vec![]));
}

/// A record of two files, with a receipt at a gate that asks for one.
#[test]
fn a_record_is_signed_file_by_file() {
    let enrol = Command::EnrolKey {
        key: digest(0x21),
        public_key: "ssh-ed25519 AAAA".to_owned(),
        proof: String::new(),
        vouched_by: None,
        vouch: String::new(),
    };
    let rule = gate::default_rule(Stage::Mastering).expect("mastering has a gate");
    let rule = Command::SetGate { rule: GateRule { signed: true, ..rule } };
    let given = made().and(person(LABEL), enrol).and(person(OWNER), rule);
    let approve = sign(&given, 0x2a, RECORD, Role::Label);
    given.when(person(LABEL), approve.clone()).refused(Reason::NotSigned);
    let answers = dry::record_actions(&given.project, &person(LABEL), record(&given));
    let told = answers.into_iter().find(|(action, _)| *action == "approve_record").unwrap().1;
    assert_eq!(told.as_deref(), Ok("It is to be signed with your key."));
    let text = [
        "deadwax-statement/1",
        "project: 00000000-0000-0000-0000-000000000077",
        "project-title: Dust",
        "decision: approve",
        "object: record",
        "object-id: 00000000-0000-0000-0000-00000000012c",
        "name: Record 1",
        "role: label",
        "signer: 00000000-0000-0000-0000-000000000005",
        &format!("key: {}", "21".repeat(32)),
        "approval: 00000000-0000-0000-0000-00000000002a",
        &format!("fingerprint: {}", record_fingerprint(&two_files())),
        &format!("file: {} 1000 archive/01 Ember.wav", "02".repeat(32)),
        &format!("file: {} 1000 cd/image.bin", "01".repeat(32)),
        &format!("previous: {}", "0".repeat(64)),
        "sequence: 1",
        "time: 1970-01-01T00:00:02Z",
        "",
    ]
    .join("\n");
    let signed = |statement: String| Command::Signed {
        approve: Box::new(approve.clone()),
        receipt: crate::Receipt { statement, signature: "s".to_owned(), key: digest(0x21) },
    };
    given.when(person(LABEL), signed(text.clone())).facts(&["RECORD_APPROVED", "RECEIPT_KEPT"]);
    let swapped = text.replace("02".repeat(32).as_str(), "05".repeat(32).as_str());
    given.when(person(LABEL), signed(swapped)).refused(Reason::StatementInvalid);
    let fewer: String =
        text.lines().filter(|line| !line.ends_with("cd/image.bin")).map(|line| format!("{line}\n")).collect();
    given.when(person(LABEL), signed(fewer)).refused(Reason::StatementInvalid);
    // An approval from before the gate asked is none now.
    let before = made();
    let before = before.clone().and(person(LABEL), sign(&before, 7, RECORD, Role::Label));
    let rule = gate::default_rule(Stage::Mastering).expect("mastering has a gate");
    let now = before.and(person(OWNER), Command::SetGate { rule: GateRule { signed: true, ..rule } });
    now.when(person(OWNER), deliver_of(RECORD)).refused(Reason::RecordNotApproved);
}
