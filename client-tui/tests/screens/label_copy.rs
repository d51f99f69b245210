//! The page "Label copy": what stands on it in each of its moods, what its forms and the editor outside send, and that nothing wrong leaves the hands.

use deadwax_client::{
    scrub,
    tui::{
        Effect, Failure, Msg,
        keys::Kind,
        label_copy::{News, Order},
        model::Notice,
    },
};
use deadwax_proto::v1::{action::Action as Do, row::Row as Of, *};

use crate::{
    sample::{self, LONG, Names, PLAIN, no, yes},
    seat::Seat,
    shots::{cut, shoot},
};

fn split(name: &str, of: SplitOf, share: u32) -> Split {
    Split { name: name.into(), of: of.into(), share }
}

/// Half of it is done, as on a Tuesday before the deadline.
fn half(rows: &mut [Row], names: Names) {
    for row in rows.iter_mut().filter_map(|it| it.row.as_mut()) {
        match row {
            Of::Project(it) => {
                it.allowed.extend([yes("set_label_copy"), yes("set_cover")]);
                it.label_copy = Some(LabelCopy {
                    upc: "036000291452".into(),
                    label: names.artist.into(),
                    p_line: format!("2026 {}", names.project),
                    release_date: "2026-11-27".into(),
                    cover: Some(Cover {
                        sha256: "ab".repeat(32),
                        bytes: 1_234_567,
                        mime: "image/jpeg".into(),
                        width: 3000,
                        height: 3000,
                    }),
                    ..LabelCopy::default()
                });
            }
            Of::Song(it) if it.song_id == "s0" => {
                it.isrc = "GBA1B2600001".into();
                it.copy = Some(SongCopy {
                    version_title: names.title.into(),
                    explicit: Explicit::No.into(),
                    credits: vec![
                        Credit { role: "producer".into(), name: names.people[0].into() },
                        Credit { role: "drums".into(), name: names.people[1].into() },
                    ],
                    splits: vec![
                        split(names.people[0], SplitOf::Composition, 5000),
                        split(names.people[1], SplitOf::Composition, 4000),
                        split(names.people[3], SplitOf::Recording, 10_000),
                    ],
                });
            }
            _ => {}
        }
    }
}

fn copy(size: (u16, u16), names: Names) -> Seat {
    let mut seat = Seat::sample(size, 3, names);
    let mut rows = sample::rows(3, names);
    half(&mut rows, names);
    seat.rows(true, rows);
    seat.press("2<enter>%");
    assert_eq!(seat.model.top().kind(), Kind::LabelCopy);
    seat
}

/// As somebody whom the studio does not let.
fn refused(size: (u16, u16)) -> Seat {
    let mut seat = copy(size, PLAIN);
    let text = "Setting the label copy needs the manager, the label or the producer.";
    let mut rows = sample::rows(1, PLAIN);
    half(&mut rows, PLAIN);
    if let Some(Of::Project(it)) = &mut rows[0].row {
        it.allowed = vec![no("set_label_copy", "NOT_YOUR_ROLE", text, "Ask Lena Ruiz.")];
    }
    seat.rows(true, rows);
    seat
}

#[test]
fn the_page_in_its_moods() {
    shoot("label_copy_normal", |size| copy(size, PLAIN));
    shoot("label_copy_song", |size| {
        let mut seat = copy(size, PLAIN);
        seat.press("<end><up><up><up>");
        seat
    });
    shoot("label_copy_long", |size| {
        let mut seat = copy(size, LONG);
        seat.press("<end><up><up><up>");
        seat
    });
    shoot("label_copy_empty", |size| {
        let mut seat = Seat::sample(size, 3, PLAIN);
        let mut rows = sample::rows(3, PLAIN);
        rows.retain(|it| matches!(it.row, Some(Of::Project(_))));
        seat.rows(true, rows);
        seat.press("2<enter>%");
        seat
    });
    shoot("label_copy_refused", |size| {
        let mut seat = refused(size);
        seat.press("<enter>");
        seat
    });
    shoot("label_copy_offline", |size| {
        let mut seat = copy(size, PLAIN);
        cut(&mut seat);
        seat.press("<enter>");
        seat
    });
    shoot("label_copy_no_colour", |size| {
        let mut seat = copy(size, PLAIN);
        seat.model.colour = false;
        seat.press("<down><down>");
        seat
    });
    shoot("label_copy_release_form", |size| {
        let mut seat = copy(size, PLAIN);
        seat.press("<down><enter>NR-014");
        seat
    });
    shoot("label_copy_song_form", |size| {
        let mut seat = copy(size, LONG);
        seat.press("<end><up><up><up><enter><tab><tab><tab>");
        seat
    });
}

#[test]
fn whoever_only_listens_is_told_so_and_sees_no_empty_page() {
    let mut seat = copy((80, 24), PLAIN);
    let mut rows = sample::rows(3, PLAIN);
    if let Some(Of::Project(it)) = &mut rows[0].row {
        it.your_roles = vec![Role::Listener.into()];
    }
    seat.rows(true, rows);
    let screen = seat.screen();
    assert!(screen.contains("Listeners hear the songs") && !screen.contains("none"), "{screen}");
}

/// The actions that were sent since the last look.
fn actions(seat: &mut Seat) -> Vec<Do> {
    let action = |it| match it {
        Effect::Perform { action, .. } => action.action,
        _ => None,
    };
    seat.sent().into_iter().filter_map(action).collect()
}

fn answer(seat: &mut Seat, outcome: Result<PerformResponse, Failure>) {
    let command_id = seat.model.pending[0].command_id.clone();
    seat.tell(Msg::Performed { command_id, outcome });
    seat.tell(Msg::Shown);
}

#[test]
fn it_is_reached_from_the_album_and_the_delivery_room_and_by_its_words() {
    for way in ["4", "5", "6"] {
        let mut seat = copy((80, 24), PLAIN);
        seat.press(way);
        assert_ne!(seat.model.top().kind(), Kind::LabelCopy);
        seat.press("%");
        assert_eq!(seat.model.top().kind(), Kind::LabelCopy, "from {way}");
        seat.press("<esc>");
        assert_eq!(seat.model.top().kind(), Kind::Project, "Esc leads to the project");
    }
    let mut seat = copy((80, 24), PLAIN);
    seat.press("5:splits<enter>");
    assert_eq!(seat.model.top().kind(), Kind::LabelCopy);
}

#[test]
fn the_release_is_sent_as_a_whole_with_what_was_changed() {
    let mut seat = copy((80, 24), PLAIN);
    seat.press("<down><enter>NR-014<enter>");
    let sent = actions(&mut seat);
    let [Do::SetLabelCopy(SetLabelCopy { copy: Some(copy) })] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!((copy.catalogue.as_str(), copy.upc.as_str()), ("NR-014", "036000291452"));
    assert_eq!(copy.release_date, "2026-11-27");
    assert!(seat.model.prompt.is_none());
}

#[test]
fn a_form_that_was_not_touched_sends_nothing() {
    let mut seat = copy((80, 24), PLAIN);
    seat.press("<enter><enter>");
    assert!(seat.screen().contains("Nothing is changed yet.") && seat.sent().is_empty());
    seat.press("<esc>");
    assert!(seat.model.prompt.is_none(), "and nothing is lost by leaving it");
}

#[test]
fn a_wrong_digit_is_told_at_its_line_with_the_right_one() {
    let mut seat = copy((80, 24), PLAIN);
    seat.press("<down><enter><up><backspace>3<tab><tab><enter>");
    let screen = seat.screen();
    assert!(screen.contains("its last digit is 3, and 2 would check"), "{screen}");
    assert!(screen.contains("Compare it with the bar code"), "to its end: {screen}");
    assert!(screen.contains("▸UPC"), "the line has the keys: {screen}");
    assert!(seat.sent().is_empty());
    seat.press("<backspace>2NR<enter>");
    assert!(seat.screen().contains("12 digits"), "{}", seat.screen());
}

#[test]
fn a_song_sends_its_isrc_and_its_copy_each_by_its_own_action() {
    let mut seat = copy((80, 24), PLAIN);
    // Paper Boats has nothing yet.
    seat.press("<end><up><up><enter>");
    seat.press("<tab>gb-a1b-26-00002<tab><right><right><tab>producer: Jo Bell; drums: Ann<tab>Jo Bell 66,67; Ann 33.33<enter>");
    let sent = actions(&mut seat);
    let [Do::EditSong(edit), Do::SetSongCopy(set)] = sent.as_slice() else {
        panic!("{sent:?} {}", seat.screen())
    };
    assert_eq!(
        (edit.song_id.as_str(), edit.isrc.as_deref(), edit.title.as_deref()),
        ("s1", Some("gb-a1b-26-00002"), None)
    );
    let copy = set.copy.as_ref().unwrap();
    assert_eq!(copy.explicit(), Explicit::Yes);
    let splits = [split("Jo Bell", SplitOf::Composition, 6667), split("Ann", SplitOf::Composition, 3333)];
    assert_eq!((copy.splits.as_slice(), copy.credits.len()), (&splits[..], 2));
    assert_eq!(copy.credits[1], Credit { role: "drums".into(), name: "Ann".into() });
}

#[test]
fn shares_that_miss_something_are_told_once_and_those_over_a_hundred_never_go() {
    let mut seat = copy((80, 24), PLAIN);
    seat.press("<end><up><up><enter><up>Night Records 110<enter>");
    assert!(
        seat.screen().contains("110 % is more") || seat.screen().contains("more than all"),
        "{}",
        seat.screen()
    );
    seat.press("<c-u>Night 60; Records 50<enter><enter><enter>");
    let screen = seat.screen();
    assert!(
        screen.contains("110.00 % of the recording, 10.00 too many") && screen.contains("▸Recording"),
        "{screen}"
    );
    assert!(seat.sent().is_empty());
    seat.press("<c-u>Night 60; Records 30<enter>");
    // The draft was granted by the Enter before; a form that is opened anew asks again.
    assert_eq!(actions(&mut seat).len(), 1);
    let mut seat = copy((80, 24), PLAIN);
    seat.press("<end><up><up><enter><up>Night 90<enter>");
    assert!(seat.screen().contains("90.00 % of the recording, missing 10.00. Enter again keeps it so"));
    assert!(seat.sent().is_empty());
    seat.press("<enter>");
    assert_eq!(actions(&mut seat).len(), 1);
}

#[test]
fn what_the_studio_refuses_opens_again_at_the_line_it_speaks_of() {
    let mut seat = copy((80, 24), PLAIN);
    seat.press("<end><up><up><enter><tab>GBA1B2600009<enter>");
    assert_eq!(actions(&mut seat).len(), 1);
    let no = Failure::Refused {
        reason: "ISRC_TWICE".into(),
        text: "The ISRC GBA1B2600009 belongs to \"Low Sun\" already.".into(),
        hint: "Every recording has its own ISRC.".into(),
    };
    answer(&mut seat, Err(no));
    let screen = seat.screen();
    assert!(screen.contains("▸ISRC") && screen.contains("belongs to \"Low Sun\" already"), "{screen}");
    assert!(screen.contains("GBA1B2600009"), "what was typed is there: {screen}");
}

#[test]
fn what_somebody_else_changed_meanwhile_is_not_taken_back() {
    let mut seat = copy((80, 24), PLAIN);
    seat.press("<down><enter>NR-014");
    let mut rows = sample::rows(3, PLAIN);
    half(&mut rows, PLAIN);
    if let Some(Of::Project(it)) = &mut rows[0].row {
        it.label_copy.as_mut().unwrap().genre = "Electronic".into();
    }
    seat.rows(true, rows);
    seat.press("<enter>");
    let sent = actions(&mut seat);
    let [Do::SetLabelCopy(SetLabelCopy { copy: Some(copy) })] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!((copy.catalogue.as_str(), copy.genre.as_str()), ("NR-014", "Electronic"));
}

/// What the editor outside was given.
fn given(seat: &mut Seat) -> String {
    let edit = std::mem::take(&mut seat.effects).into_iter().find_map(|it| match it {
        Effect::Edit { text, suffix: ".json" } => Some(text),
        _ => None,
    });
    edit.expect("the editor was opened")
}

#[test]
fn all_of_it_goes_through_the_editor_and_is_confirmed_line_by_line() {
    let mut seat = copy((80, 24), PLAIN);
    seat.press("E");
    let text = given(&mut seat);
    seat.tell(Msg::Edited(Ok(text.clone())));
    assert!(seat.screen().contains("Nothing is changed.") && seat.model.prompt.is_none());

    seat.press("E");
    let text = given(&mut seat).replace("\"catalogue\": \"\"", "\"catalog\": \"NR-014\"");
    seat.tell(Msg::Edited(Ok(text.clone())));
    seat.tell(Msg::Shown);
    let screen = seat.screen();
    assert!(screen.contains("there is no key \"catalog\"; did you mean \"catalogue\"?"), "{screen}");
    seat.press("<esc>E");
    assert_eq!(given(&mut seat), text, "it goes on with what was written");

    let right = text.replace("\"catalog\"", "\"catalogue\"").replacen(
        "\"explicit\": \"\"",
        "\"explicit\": \"yes\"",
        1,
    );
    seat.tell(Msg::Edited(Ok(right)));
    seat.press_unseen("y");
    assert!(seat.sent().is_empty(), "nothing counts before it was seen");
    seat.tell(Msg::Shown);
    let screen = seat.screen();
    assert!(
        screen.contains("the release: catalogue number NR-014")
            && screen.contains("Paper Boats: explicit yes"),
        "{screen}"
    );
    seat.press("y");
    let sent = actions(&mut seat);
    assert!(matches!(sent.as_slice(), [Do::SetLabelCopy(_), Do::SetSongCopy(_)]), "{sent:?}");
    seat.press("E");
    assert!(given(&mut seat).contains("\"catalogue\": \"\""), "the rows tell, not what was read before");
}

#[test]
fn what_others_set_while_the_editor_was_open_stays_and_a_clash_is_told() {
    // Given an editor that was opened before somebody else set the genre and the catalogue number.
    let mut seat = copy((120, 40), PLAIN);
    seat.press("E");
    let text = given(&mut seat);
    let mut rows = sample::rows(3, PLAIN);
    half(&mut rows, PLAIN);
    if let Some(Of::Project(it)) = &mut rows[0].row {
        let copy = it.label_copy.as_mut().unwrap();
        (copy.genre, copy.catalogue) = ("Electronic".into(), "XX-001".into());
    }
    seat.rows(true, rows);
    // When it closes with another catalogue number.
    seat.tell(Msg::Edited(Ok(text.replace("\"catalogue\": \"\"", "\"catalogue\": \"NR-014\""))));
    seat.tell(Msg::Shown);
    // Then the genre is not taken back, and what both wrote is said.
    let screen = seat.screen();
    assert!(screen.contains("catalogue number NR-014") && !screen.contains("no genre"), "{screen}");
    assert!(screen.contains("is XX-001 by now"), "{screen}");
    seat.press("y");
    let sent = actions(&mut seat);
    let [Do::SetLabelCopy(SetLabelCopy { copy: Some(copy) })] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!((copy.catalogue.as_str(), copy.genre.as_str()), ("NR-014", "Electronic"));
}

#[test]
fn an_editor_that_does_not_work_leaves_all_as_it_was() {
    let mut seat = copy((80, 24), PLAIN);
    seat.press("E");
    seat.tell(Msg::Edited(Err("No such file".into())));
    assert!(
        matches!(&seat.model.notice, Some(Notice::Refused { text, .. }) if text.contains("No such file"))
    );
    // What a later editor brings back for a note is none of this.
    assert!(seat.model.label_copy.outside.is_none());
}

fn cover(seat: &mut Seat) -> Vec<Order> {
    let order = |it| match it {
        Effect::LabelCopy(order) => Some(order),
        _ => None,
    };
    std::mem::take(&mut seat.effects).into_iter().filter_map(order).collect()
}

#[test]
fn a_cover_is_set_fetched_and_taken_away() {
    let mut seat = copy((80, 24), PLAIN);
    seat.press("c<c-u><enter>");
    assert!(seat.screen().contains("Name a file") && cover(&mut seat).is_empty());
    seat.press("/art/front.png<enter>");
    let put = Order::PutCover { project_id: "P".into(), path: "/art/front.png".into() };
    assert_eq!(cover(&mut seat), [put]);
    assert!(seat.screen().contains("on its way ..."));
    let refused = Failure::Refused {
        reason: "COVER_INVALID".into(),
        text: "The picture ends before its own end mark: it was cut off.".into(),
        hint: "Export the picture again.".into(),
    };
    seat.tell(Msg::LabelCopy(News::Put(Err(refused))));
    let screen = seat.screen();
    assert!(screen.contains("it was cut off") && screen.contains("JPEG, 3000 x 3000"), "{screen}");
    let done =
        PutCoverResponse { effects: vec!["Lena set the cover.".into()], ..PutCoverResponse::default() };
    seat.tell(Msg::LabelCopy(News::Put(Ok(done))));
    assert!(seat.screen().contains("Lena set the cover."));

    seat.press("f<enter>");
    let fetch = Order::FetchCover { project_id: "P".into(), path: "~/Deadwax/Kleine Nacht.jpg".into() };
    assert_eq!(cover(&mut seat), [fetch]);
    seat.tell(Msg::LabelCopy(News::Fetched(Ok("/home/x/Deadwax/Kleine Nacht.jpg".into()))));
    assert!(seat.screen().contains("The cover is in /home/x/Deadwax/Kleine Nacht.jpg."));

    seat.press("xn");
    assert!(seat.sent().is_empty());
    seat.press("xy");
    assert_eq!(actions(&mut seat), [Do::RemoveCover(RemoveCover {})]);
}

#[test]
fn names_of_others_reach_neither_the_forms_nor_the_editor_unscrubbed() {
    let mut seat = copy((80, 24), sample::HOSTILE);
    for keys in ["", "<end><up><up><up>", "<enter>", "<esc>", "E"] {
        seat.press(keys);
        let screen = seat.screen();
        assert!(!screen.chars().any(|c| c != '\n' && scrub::is_hostile(c)), "{keys}: {screen}");
    }
}
