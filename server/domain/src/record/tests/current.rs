//! Given a record, when what it was made of is changed: its texts, its spacing, the plan that was seen; and what it is compared with.

use super::*;
use crate::{Cover, Credit, Explicit, LabelCopy, NoteId, SongCopy};

const SECOND: RecordId = RecordId(301);

fn upc(digits: &str) -> Command {
    Command::SetLabelCopy { copy: LabelCopy { upc: digits.to_owned(), ..LabelCopy::default() } }
}

fn titled(title: &str, isrc: &str) -> Command {
    Command::EditSong { song: SONG, title: Some(title.to_owned()), isrc: Some(isrc.to_owned()) }
}

fn covered(number: u8) -> Command {
    let mime = "image/png".to_owned();
    let cover = Cover { digest: digest(number), bytes: 9, mime, width: 3000, height: 3000 };
    Command::SetCover { cover: Some(cover) }
}

fn song_copy() -> Command {
    let credits = vec![Credit { role: "mixer".to_owned(), name: "Jo".to_owned() }];
    let copy = SongCopy { credits, explicit: Some(Explicit::Yes), ..SongCopy::default() };
    Command::SetSongCopy { song: SONG, copy }
}

fn by(given: &Given) -> Vec<String> {
    outdated_by(&given.project, record(given))
}

#[test]
fn every_text_that_stands_in_the_files_outdates_what_was_made_of_it() {
    let given = made();
    assert_eq!((by(&given), is_outdated(&given.project, record(&given))), (vec![], false));
    for (change, said) in [
        (upc("036000291452"), "The label copy differs in UPC."),
        (titled("Embers", ""), "\"Embers\" differs in title."),
        (titled("Ember", "SEAYE2600001"), "\"Ember\" differs in ISRC."),
        (song_copy(), "\"Ember\" differs in explicit and credits."),
        (covered(7), "The cover is new."),
    ] {
        let after = given.clone().and(person(OWNER), change);
        assert_eq!(by(&after), [said]);
        assert!(is_outdated(&after.project, record(&after)), "{said}");
        // The approval is of files that say something else by now.
        let no = after.when(person(LABEL), sign(&after, 7, RECORD, Role::Label)).0.unwrap_err();
        assert_eq!((no.reason, no.text), (Reason::RecordOutdated, format!("Record 1 is outdated. {said}")));
    }
    let signed = given.clone().and(person(LABEL), sign(&given, 7, RECORD, Role::Label));
    let signed = signed.and(person(LABEL), upc("036000291452"));
    signed.when(person(OWNER), deliver_of(RECORD)).refused(Reason::RecordOutdated);
    // Set back, it is what was signed once more.
    let back = signed.and(person(LABEL), upc(""));
    back.when(person(OWNER), deliver_of(RECORD)).facts(&["RECORD_DELIVERED"]);
}

#[test]
fn a_record_keeps_the_texts_of_its_start() {
    let given = queued().and(person(OWNER), titled("Embers", "SEAYE2600001")).and(person(OWNER), covered(7));
    let texts = &record(&given).texts;
    assert_eq!((texts.title.as_str(), texts.cover), (given.project.title.as_str(), None));
    assert_eq!(texts.of(SONG).map(|it| (it.title.as_str(), it.isrc.as_str())), Some(("Ember", "")));
    let cancel = Command::CancelRecord { record: RECORD };
    let next = given.and(person(OWNER), cancel).and(person(OWNER), start_of(301, 1, &["cd"]));
    let next = next.project.record(SECOND).unwrap();
    assert_eq!(next.texts.cover, Some(digest(7)));
    assert_eq!(next.texts.of(SONG).map(|it| it.title.as_str()), Some("Embers"));
}

#[test]
fn the_same_bytes_under_other_texts_are_a_record_of_their_own() {
    let given = made().and(person(OWNER), upc("036000291452"));
    let start = start_of(301, 1, &["cd", "archive"]);
    let given = given.and(person(OWNER), start).and(Actor::Worker, lease_of(SECOND));
    given.when(Actor::Worker, complete_of(SECOND, 1, two_files())).facts(&["RECORD_MADE"]);
    let given = given.and(Actor::Worker, complete_of(SECOND, 1, two_files()));
    let told = differs(&given.project, given.project.record(SECOND).unwrap());
    let head = "Compared with Record 1, which was never delivered.";
    assert_eq!(told, [head, "The label copy differs in UPC."]);
}

#[test]
fn what_changed_since_the_dry_run_is_not_started() {
    let given = spaced();
    let with = |given: &Given, basis| {
        let Command::StartRecord { record, spacing, profiles, loudest_track_lufs, medium, .. } =
            start_of(300, 1, &["cd"])
        else {
            unreachable!()
        };
        let start = Command::StartRecord { record, spacing, profiles, loudest_track_lufs, medium, basis };
        given.when(person(LABEL), start)
    };
    let seen = basis(&given.project);
    assert!(seen.is_some() && basis(&Given::delivered().project).is_none());
    with(&given, seen).facts(&["RECORD_QUEUED"]);
    for change in [upc("036000291452"), titled("Embers", ""), song_copy(), covered(7)] {
        let after = given.clone().and(person(OWNER), change);
        with(&after, seen).refused(Reason::PlanChanged);
        with(&after, basis(&after.project)).facts(&["RECORD_QUEUED"]);
        with(&after, None).facts(&["RECORD_QUEUED"]);
    }
    // What is no part of the files does not stand in the way.
    let note = Command::AddSpacingNote { note: NoteId(5), number: 1, song: None, text: "Long.".to_owned() };
    with(&given.and(person(ARTIST), note), seen).facts(&["RECORD_QUEUED"]);
}

#[test]
fn a_medium_is_a_line_that_the_record_keeps() {
    let on = |medium: &str| {
        let Command::StartRecord { record, spacing, profiles, loudest_track_lufs, basis, .. } =
            start_of(300, 1, &["cd"])
        else {
            unreachable!()
        };
        let medium = medium.to_owned();
        Command::StartRecord { record, spacing, profiles, loudest_track_lufs, medium, basis }
    };
    let given = spaced();
    let started = given.clone().and(person(LABEL), on(" 7\" 45 rpm / test "));
    assert_eq!(record(&started).medium, "7\" 45 rpm / test");
    given.when(person(LABEL), on("a\u{1b}[2J")).refused(Reason::NameInvalid);
    given.when(person(LABEL), on(&"x".repeat(65))).refused(Reason::TextTooLong);
}

#[test]
fn a_record_is_compared_with_what_was_delivered() {
    let given = made();
    let signed = given.clone().and(person(LABEL), sign(&given, 7, RECORD, Role::Label));
    let delivered = signed.and(person(OWNER), deliver_of(RECORD));
    // A second one that is made and never delivered, and a third.
    let next = |given: Given, id: u128, number: u8| {
        let record = RecordId(id);
        let files = vec![made_file("cd", "image.bin", number), made_file("archive", "01 Ember.wav", 2)];
        let start = start_of(id, 2, &["cd", "archive"]);
        let given = given.and(person(OWNER), start).and(Actor::Worker, lease_of(record));
        given.and(Actor::Worker, complete_of(record, 1, files))
    };
    let given = next(next(spaced_anew(delivered), 301, 4), 302, 5);
    let told = |id| differs(&given.project, given.project.record(RecordId(id)).unwrap());
    let all = [
        "Compared with Record 1, which was delivered.",
        "Spacing 2 instead of 1: \"Ember\": fade out 1.00 s.",
        "1 file differs: cd/image.bin.",
    ];
    assert_eq!((told(301), told(302)), (all.map(str::to_owned).to_vec(), all.map(str::to_owned).to_vec()));
    // Once the third is out, it is what the next is held against; what it was held against itself stays.
    let third = RecordId(302);
    let signed = given.clone().and(person(LABEL), sign(&given, 8, third, Role::Label));
    let out = signed.and(person(OWNER), deliver_of(third));
    assert_eq!(differs(&out.project, out.project.record(third).unwrap()), all);
    let again = next(out, 303, 6);
    let again = differs(&again.project, again.project.record(RecordId(303)).unwrap());
    assert_eq!(again, ["Compared with Record 3, which was delivered.", "1 file differs: cd/image.bin."]);
}

#[test]
fn a_spacing_that_nobody_approved_is_said_before_it_is_signed() {
    let said = |given: &Given| cautions(&given.project, record(given));
    let given = made();
    assert_eq!(said(&given), ["Spacing 1 is approved by nobody."]);
    let note = Command::AddSpacingNote { note: NoteId(5), number: 1, song: None, text: "Long.".to_owned() };
    let noted = given.clone().and(person(LABEL), note);
    assert_eq!(said(&noted), ["Spacing 1 is approved by nobody.", "1 note on the spacing is open."]);
    let approve = Command::ApproveSpacing { approval: ApprovalId(70), number: 1, role: Role::Label };
    let approved = noted.and(person(LABEL), approve);
    assert_eq!(said(&approved), ["1 note on the spacing is open."]);
    // The gate asks for another voice.
    let rule = gate::default_rule(Stage::Mastering).expect("mastering has a gate");
    let roles = Roles::from([Role::Artist, Role::Label]);
    let rule = Command::SetGate { rule: GateRule { spacing_roles: roles, ..rule } };
    let asked = approved.clone().and(person(OWNER), rule);
    assert!(spacing::is_asked_for(&asked.project) && !spacing::is_asked_for(&approved.project));
    assert_eq!(said(&asked)[0], "Spacing 1 is not approved by the artist.");
    let close = Command::CloseSpacingNote { note: NoteId(5), answer: String::new() };
    let closed = approved.and(person(LABEL), close);
    assert_eq!(said(&closed), [""; 0]);
    // It keeps nobody from signing, and once it is delivered nothing is said any more.
    let signed = given.clone().and(person(LABEL), sign(&given, 7, RECORD, Role::Label));
    let delivered = signed.and(person(OWNER), deliver_of(RECORD));
    assert_eq!(said(&delivered), [""; 0]);
}

#[test]
fn samples_that_were_cut_off_are_said_before_it_is_signed() {
    let of = |cut: &[Option<u64>]| {
        let mut project = made().project;
        let mut file = made_file("cd", "x", 1);
        let files = cut.iter().enumerate().map(|(at, cut)| {
            (file.name, file.over_full_scale) = (format!("{at}.wav"), *cut);
            file.clone()
        });
        project.records[0].files = files.collect();
        cautions(&project, &project.records[0])[0].clone()
    };
    let nothing = "Spacing 1 is approved by nobody.";
    for (cut, said) in [
        (&[None, Some(0)][..], nothing),
        (&[Some(1), None], "1 sample of cd/0.wav was cut off at full scale."),
        (&[Some(1), Some(7)], "7 samples of cd/1.wav were cut off at full scale, and some of another file."),
        (
            &[Some(9), Some(7), Some(8), None],
            "9 samples of cd/0.wav were cut off at full scale, and some of 2 other files.",
        ),
    ] {
        assert_eq!(of(cut), said);
    }
}
