//! Given a spacing, when somebody changes, remarks on or signs it.

use super::*;
use crate::{Command, Reason, testing::*};

const SECOND: SongId = SongId(101);

fn given() -> Given {
    let add = Command::AddSong { song: SECOND, title: "Ash".to_owned(), isrc: String::new() };
    Given::mixed().and(person(OWNER), add)
}

fn set(items: &[(SongId, u32)]) -> Command {
    let item = |(song, gap_ms): &(SongId, u32)| SpacingItem::after(*song, *gap_ms);
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
fn songs_run_into_each_other_and_fade_within_what_they_are() {
    let given = given();
    let with = |change: &dyn Fn(&mut SpacingItem, &mut SpacingItem)| {
        let (mut first, mut second) = (SpacingItem::after(SONG, 0), SpacingItem::after(SECOND, 0));
        change(&mut first, &mut second);
        Command::SetSpacing { items: vec![first, second] }
    };
    let refused = |change: &dyn Fn(&mut SpacingItem, &mut SpacingItem), said: &str| {
        let no = given.when(person(ARTIST), with(change)).0.unwrap_err();
        assert_eq!(no.reason, Reason::RuleInvalid);
        assert!(no.text.contains(said), "{no}");
    };
    refused(&|first, _| first.crossfade_ms = 1, "before the first song");
    refused(&|_, second| (second.gap_ms, second.crossfade_ms) = (1, 1), "a gap and a crossfade");
    refused(&|_, second| second.crossfade_ms = 30_001, "at most 30 s");
    refused(&|first, _| (first.fade_in_ms, first.fade_out_ms) = (60_000, 40_001), "(1:40.0)");
    refused(&|first, _| first.fade_out_ms = u32::MAX, "The fades of \"Ember\"");
    refused(&|first, _| first.gain_cb = 601, "at most 6 dB");
    refused(&|first, _| first.gain_cb = i32::MIN, "at most 6 dB");
    let all = with(&|first, second| {
        (first.fade_in_ms, first.gain_cb) = (60_000, -600);
        (second.crossfade_ms, second.fade_out_ms) = (30_000, 100_000);
        second.shape = FadeShape::Exponential;
    });
    let set = given.clone().and(person(ARTIST), all.clone());
    set.when(person(ARTIST), all).refused(Reason::NothingToChange);
    let items = &set.project.spacings.last().unwrap().items;
    assert_eq!(items[0].treatment(), "fade in 60.00 s, -6.00 dB");
    assert_eq!(items[1].joint(), "30.00 s crossfade");
    assert_eq!(items[1].treatment(), "fade out 100.00 s, exponential");
    let turned = [SpacingItem::after(SECOND, 0), SpacingItem::after(SONG, 2000)];
    assert_eq!(
        changes(&set.project, items, &turned),
        [
            "the order is \"Ash\", \"Ember\"",
            "\"Ash\": as it is",
            "2.00 s gap before \"Ember\" instead of 0.00 s gap",
            "\"Ember\": as it is",
        ]
    );
    assert_eq!(changes(&set.project, items, items), [""; 0]);
    let short = crate::ReceivedFile {
        facts: crate::AudioFacts { frames: 240_000, ..clean_facts() },
        ..received(20, clean_facts())
    };
    let short = given
        .clone()
        .and(person(MIXER), Command::ReceiveFile { file: short })
        .and(person(MIXER), add_version(11, crate::VersionKind::Mix, &[(crate::Alternate::Main, 20)]));
    let over = with(&|_, second| second.crossfade_ms = 5001);
    let no = short.when(person(ARTIST), over).0.unwrap_err();
    assert!(
        no.reason == Reason::RuleInvalid && no.text.contains("the shorter of its songs (0:05.0)"),
        "{no}"
    );
    let whole = with(&|_, second| second.crossfade_ms = 5000);
    short.when(person(ARTIST), whole).facts(&["SPACING_SET"]);
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

fn two(change: &dyn Fn(&mut SpacingItem, &mut SpacingItem)) -> Command {
    let (mut first, mut second) = (SpacingItem::after(SONG, 0), SpacingItem::after(SECOND, 0));
    change(&mut first, &mut second);
    Command::SetSpacing { items: vec![first, second] }
}

/// "Ember" has 100 s; "Ash" and what its length is nobody knows yet.
#[test]
fn what_is_trimmed_is_not_there_for_fades_and_crossfades() {
    let given = given();
    let refused = |change: &dyn Fn(&mut SpacingItem, &mut SpacingItem), said: &str| {
        let no = given.when(person(ARTIST), two(change)).0.unwrap_err();
        assert_eq!(no.reason, Reason::RuleInvalid);
        assert!(no.text.contains(said), "{no}");
    };
    refused(&|first, _| first.trim_in_ms = 100_000, "leaves nothing of it: it is 1:40.0 long");
    refused(&|first, _| (first.trim_in_ms, first.trim_out_ms) = (60_000, 40_000), "leaves nothing");
    refused(&|first, _| first.trim_out_ms = u32::MAX, "leaves nothing");
    refused(
        &|first, _| (first.trim_in_ms, first.fade_out_ms) = (99_000, 1001),
        "longer than the song (0:01.0)",
    );
    refused(
        &|first, second| (first.trim_out_ms, second.crossfade_ms) = (95_000, 5001),
        "the shorter of its songs (0:05.0)",
    );
    let fits = two(&|first, second| {
        (first.trim_in_ms, first.trim_out_ms, first.fade_in_ms) = (45_000, 50_000, 5000);
        second.crossfade_ms = 5000;
    });
    let set = given.clone().and(person(ARTIST), fits);
    let item = set.project.spacings.last().unwrap().items[0];
    assert_eq!(item.treatment(), "45.00 s cut from its head, 50.00 s cut from its tail, fade in 5.00 s");
    // What nobody can know is not refused.
    given.when(person(ARTIST), two(&|_, second| second.trim_in_ms = u32::MAX)).facts(&["SPACING_SET"]);
}

#[test]
fn the_crossfades_at_both_ends_of_a_song_leave_each_other_room() {
    let third = SongId(102);
    let add = Command::AddSong { song: third, title: "Oak".to_owned(), isrc: String::new() };
    let given = given().and(person(OWNER), add);
    let set = |trim_ms: u32, into_ms: u32, out_ms: u32| {
        let item = |song, crossfade_ms| SpacingItem { crossfade_ms, ..SpacingItem::after(song, 0) };
        let middle = SpacingItem { trim_in_ms: trim_ms, ..item(SONG, into_ms) };
        Command::SetSpacing { items: vec![item(SECOND, 0), middle, item(third, out_ms)] }
    };
    given.when(person(ARTIST), set(50_000, 25_000, 25_000)).facts(&["SPACING_SET"]);
    let no = given.when(person(ARTIST), set(50_000, 25_001, 25_000)).0.unwrap_err();
    assert_eq!(no.reason, Reason::RuleInvalid);
    assert_eq!(no.text, "The crossfades into \"Ember\" and out of it overlap: the song has 0:50.0.");
    given.when(person(ARTIST), set(0, 25_001, 25_000)).facts(&["SPACING_SET"]);
}

#[test]
fn only_the_first_of_several_songs_is_hidden_and_no_side_begins_with_it() {
    let given = given();
    let refused = |given: &Given, command: Command, said: &str| {
        let no = given.when(person(ARTIST), command).0.unwrap_err();
        assert_eq!(no.reason, Reason::RuleInvalid);
        assert!(no.text.contains(said), "{no}");
    };
    refused(&given, two(&|_, second| second.hidden = true), "only the first song can");
    refused(
        &given,
        two(&|first, _| (first.hidden, first.begins_side) = (true, true)),
        "does not begin a side",
    );
    let alone = SpacingItem { hidden: true, ..SpacingItem::after(SONG, 0) };
    refused(&Given::mixed(), Command::SetSpacing { items: vec![alone] }, "would have no track");
    let set =
        given.and(person(ARTIST), two(&|first, second| (first.hidden, second.begins_side) = (true, true)));
    let items = &set.project.spacings.last().unwrap().items;
    let plain = [SpacingItem::after(SONG, 0), SpacingItem::after(SECOND, 0)];
    assert_eq!(
        changes(&set.project, &plain, items),
        ["\"Ember\": hidden before track 1", "\"Ash\": begins a side"]
    );
    assert_eq!(changes(&set.project, items, &plain), ["\"Ember\": as it is", "\"Ash\": as it is"]);
    let cut = [SpacingItem { trim_out_ms: 250, ..plain[0] }, plain[1]];
    assert_eq!(changes(&set.project, &plain, &cut), ["\"Ember\": 0.25 s cut from its tail"]);
}

#[test]
fn a_note_stands_on_the_spacing_that_was_seen_until_it_is_closed() {
    let note = |id, number, song: Option<SongId>| Command::AddSpacingNote {
        note: NoteId(id),
        number,
        song,
        text: "Too long a gap.".to_owned(),
    };
    let close = |id| Command::CloseSpacingNote { note: NoteId(id), answer: "Done.".to_owned() };
    let given = given();
    given.when(person(LABEL), note(1, 1, None)).refused(Reason::NoSpacing);
    let given = given.and(person(ARTIST), set(&[(SONG, 0), (SECOND, 2000)]));
    given.when(person(LISTENER), note(1, 1, None)).refused(Reason::NotYourRole);
    given.when(person(LABEL), note(1, 2, None)).refused(Reason::SpacingChanged);
    given.when(person(LABEL), note(1, 1, Some(SongId(9)))).refused(Reason::NoSuchSong);
    let silent = Command::AddSpacingNote { note: NoteId(1), number: 1, song: None, text: " ".to_owned() };
    given.when(person(LABEL), silent).refused(Reason::TextEmpty);
    let noted = given.and(person(LABEL), note(1, 1, Some(SECOND))).and(person(MIXER), note(2, 1, None));
    noted.when(person(LABEL), note(1, 1, None)).refused(Reason::IdTaken);
    noted.when(person(MIXER), close(3)).refused(Reason::NoSuchNote);
    noted.when(person(MIXER), close(1)).refused(Reason::NotYourRole);
    noted.when(person(MIXER), close(2)).facts(&["SPACING_NOTE_CLOSED"]);
    let newer =
        noted.and(person(MASTERER), set(&[(SONG, 0), (SECOND, 1000)])).and(person(MASTERER), close(1));
    newer.when(person(LABEL), close(1)).refused(Reason::NoteNotOpen);
    let closed = &newer.project.spacing_notes[0];
    assert_eq!((closed.number, closed.closed.as_ref().unwrap().by), (1, Some(MASTERER)));
    assert!(newer.project.spacing_notes[1].closed.is_none());
}
