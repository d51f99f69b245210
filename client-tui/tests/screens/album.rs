//! The record: its running order as a draft that is heard before it is saved, with other people's changes beside it.

use deadwax_client::{
    play::{Deck, News, Order, Shape, Status},
    tui::{Effect, Msg},
};
use deadwax_proto::v1::{row::Row as Of, *};

use crate::{
    review,
    sample::{self, HOSTILE, HOUR, LONG, NOW_MS, Names, PLAIN, no, yes},
    seat::Seat,
    shots::{cut, shoot},
};

pub(crate) const SIZE: (u16, u16) = (80, 24);

/// Masters of every song, of different loudness and length.
fn masters(names: Names) -> Vec<Row> {
    let figures = [(-14.0, -1.2, 204), (-14.4, -1.0, 187), (-10.9, -0.2, 251), (-14.2, -1.1, 930)];
    let mut rows = Vec::new();
    for (at, (lufs, dbtp, seconds)) in figures.into_iter().enumerate() {
        let id = format!("w{at}");
        let mut version = sample::version(&id, at, VersionKind::Master, 1, names);
        for file in &mut version.files {
            file.sha256 = format!("{at}{}", &file.sha256[1..]);
            let facts = file.facts.as_mut().unwrap();
            facts.integrated_lufs = lufs;
            facts.true_peak_dbtp = dbtp;
            facts.frames = u64::from(facts.sample_rate) * seconds;
        }
        rows.push(sample::row(&format!("version/{id}"), Of::Version(version)));
        rows.push(review::song(2, names, &format!("s{at}"), |it| {
            it.candidate_version_id = id;
            if at != 3 {
                it.set_stage(Stage::Mastering);
            }
        }));
    }
    rows
}

pub(crate) fn spacing(number: u32, by: &str, order: [usize; 4]) -> Spacing {
    let item = |(at, song): (usize, usize)| SpacingItem {
        song_id: format!("s{song}"),
        gap_ms: if at == 0 { 0 } else { 2_000 },
        ..SpacingItem::default()
    };
    Spacing {
        notes: Vec::new(),
        number,
        items: order.into_iter().enumerate().map(item).collect(),
        by: by.into(),
        at_ms: NOW_MS - HOUR,
        approvals: Vec::new(),
    }
}

pub(crate) fn head(names: Names, change: impl FnOnce(&mut ProjectRow)) -> Row {
    review::project(2, names, |it| {
        it.allowed = vec![yes("set_spacing"), yes("approve_spacing")];
        it.spacing = Some(spacing(1, names.people[0], [0, 1, 2, 3]));
        change(it);
    })
}

/// The mastering engineer in the room of the record.
pub(crate) fn seat(size: (u16, u16), names: Names) -> Seat {
    let mut seat = Seat::sample(size, 2, names);
    let mut rows = masters(names);
    rows.push(head(names, |_| {}));
    seat.press("2<enter>");
    seat.rows(false, rows);
    seat.tell(Msg::Tick(NOW_MS + 5_000));
    seat.press("4");
    seat
}

pub(crate) fn set(seat: &mut Seat) -> SetSpacing {
    let sent = seat.sent();
    let [Effect::Perform { action, .. }] = sent.as_slice() else { panic!("{sent:?}") };
    let Some(action::Action::SetSpacing(it)) = action.action.clone() else { panic!() };
    it
}

pub(crate) fn order(seat: &Seat) -> Vec<String> {
    let rows = &seat.model.projects["P"];
    seat.model.album.items("P", rows).into_iter().map(|it| it.song_id).collect()
}

pub(crate) fn played(seat: &mut Seat) -> Vec<Order> {
    let all = std::mem::take(&mut seat.effects);
    all.into_iter().filter_map(|it| if let Effect::Play(order) = it { Some(order) } else { None }).collect()
}

#[test]
fn album() {
    shoot("album_normal", |size| seat(size, PLAIN));
    shoot("album_unsaved", |size| {
        let mut seat = seat(size, PLAIN);
        seat.press("<down>]lllHc<down>fooos+++M");
        seat
    });
    shoot("album_long", |size| seat(size, LONG));
    shoot("album_empty", |size| {
        let mut seat = Seat::new(size);
        seat.connect(2, PLAIN);
        seat.press("2<enter>");
        seat.rows(true, sample::rows(2, PLAIN).into_iter().take(1).collect());
        seat.press("4");
        seat
    });
    shoot("album_nothing_measured", |size| {
        let mut seat = Seat::sample(size, 3, PLAIN);
        seat.press("2<enter>4");
        seat
    });
    shoot("album_refused", |size| {
        let mut seat = seat(size, PLAIN);
        let row = head(PLAIN, |it| {
            it.allowed = vec![no(
                "set_spacing",
                "NOT_YOUR_ROLE",
                "The label does not set the running order.",
                "Ask the manager, producer, artist or mastering engineer.",
            )];
        });
        seat.rows(false, vec![row]);
        seat.press("]w");
        seat
    });
    shoot("album_overtaken", |size| {
        let mut seat = seat(size, PLAIN);
        seat.press("]");
        seat.rows(false, vec![head(PLAIN, |it| it.spacing = Some(spacing(2, "Ben Okafor", [3, 2, 1, 0])))]);
        seat
    });
    shoot("album_offline", |size| {
        let mut seat = seat(size, PLAIN);
        cut(&mut seat);
        seat.press("<down>ll");
        seat
    });
    shoot("album_approve", |size| {
        let mut seat = Seat::sample(size, 3, PLAIN);
        seat.press("2<enter>");
        seat.rows(false, masters(PLAIN));
        seat.rows(
            false,
            vec![review::project(3, PLAIN, |it| {
                it.allowed = vec![yes("approve_spacing")];
                it.spacing = Some(spacing(1, "Mara Voss", [0, 1, 2, 3]));
            })],
        );
        seat.press("4]A");
        seat
    });
}

#[test]
fn a_song_is_moved_and_the_joint_keeps_its_gap() {
    let mut seat = seat(SIZE, PLAIN);
    seat.press("]");
    assert_eq!(order(&seat), ["s1", "s0", "s2", "s3"]);
    assert!(seat.screen().contains("not saved"), "{}", seat.screen());
    seat.press("w");
    let sent = set(&mut seat);
    assert_eq!(sent.items.iter().map(|it| it.gap_ms).collect::<Vec<_>>(), [0, 2_000, 2_000, 2_000]);
    assert_eq!(sent.items[1].song_id, "s0", "the mark went along and the song with it");
    seat.press("w");
    assert!(seat.sent().is_empty(), "it is on its way already");
}

#[test]
fn a_gap_below_none_is_a_crossfade_and_back_again() {
    let mut seat = seat(SIZE, PLAIN);
    seat.press("hll");
    assert!(!seat.screen().contains("not saved"), "nothing comes before the first song");
    seat.press("<down>HH<left><left>");
    let items = |seat: &Seat| seat.model.album.items("P", &seat.model.projects["P"]);
    assert_eq!((items(&seat)[1].gap_ms, items(&seat)[1].crossfade_ms), (0, 200));
    assert!(seat.screen().contains("over 0.2 s"), "{}", seat.screen());
    seat.press("lll");
    assert_eq!((items(&seat)[1].gap_ms, items(&seat)[1].crossfade_ms), (100, 0));
    seat.press("c");
    assert_eq!((items(&seat)[1].gap_ms, items(&seat)[1].crossfade_ms), (0, 500));
    seat.press("CC");
    assert_eq!((items(&seat)[1].gap_ms, items(&seat)[1].crossfade_ms), (0, 0));
    assert!(seat.screen().contains("no crossfade here"));
}

#[test]
fn two_songs_sound_together_no_longer_than_the_shorter_lasts() {
    let mut seat = seat(SIZE, PLAIN);
    seat.press(&format!("<down>{}", "H".repeat(400)));
    let rows = &seat.model.projects["P"];
    assert_eq!(seat.model.album.items("P", rows)[1].crossfade_ms, 187_000);
}

#[test]
fn every_change_can_be_taken_back_and_done_again() {
    let mut seat = seat(SIZE, PLAIN);
    let before = seat.screen();
    seat.press("<down>]lcfos+<up><up>[");
    let after = seat.screen();
    seat.press("UUUUUUU");
    assert!(!seat.screen().contains("not saved"), "{}", seat.screen());
    assert_eq!(order(&seat), ["s0", "s1", "s2", "s3"]);
    seat.press("<home>");
    assert_eq!(seat.screen(), before);
    seat.press("U");
    assert!(seat.screen().contains("nothing to undo"));
    seat.press("<c-r><c-r><c-r><c-r><c-r><c-r><c-r><home>");
    assert_eq!(
        seat.screen().lines().take(8).collect::<Vec<_>>(),
        after.lines().take(8).collect::<Vec<_>>(),
        "all of it again"
    );
}

#[test]
fn what_was_saved_is_settled_and_then_follows_the_studio() {
    let mut seat = seat(SIZE, PLAIN);
    seat.press("]w");
    let items = set(&mut seat).items;
    let saved = |number, items| {
        head(PLAIN, |it| it.spacing = Some(Spacing { items, ..spacing(number, "Iris Lund", [0, 1, 2, 3]) }))
    };
    seat.rows(false, vec![saved(2, items)]);
    assert!(!seat.screen().contains("not saved"), "{}", seat.screen());
    seat.rows(false, vec![head(PLAIN, |it| it.spacing = Some(spacing(3, "Ben Okafor", [3, 2, 1, 0])))]);
    assert_eq!(order(&seat), ["s3", "s2", "s1", "s0"], "nothing unsaved lies here: theirs is shown");
    assert!(!seat.screen().contains("meanwhile"));
}

#[test]
fn somebody_elses_order_never_takes_a_draft_away() {
    let theirs = || head(PLAIN, |it| it.spacing = Some(spacing(2, "Ben Okafor", [3, 2, 1, 0])));
    let mut seat = seat(SIZE, PLAIN);
    seat.press("]");
    seat.rows(false, vec![theirs()]);
    assert_eq!(order(&seat), ["s1", "s0", "s2", "s3"], "mine is still here");
    assert!(seat.screen().contains("Ben Okafor set spacing 2 meanwhile"), "{}", seat.screen());
    seat.press("t");
    assert_eq!(order(&seat), ["s3", "s2", "s1", "s0"]);
    seat.press("U");
    assert_eq!(order(&seat), ["s1", "s0", "s2", "s3"], "mine came back");
    assert!(!seat.screen().contains("meanwhile"), "theirs was seen");

    let mut seat = super::album::seat(SIZE, PLAIN);
    seat.press("]");
    seat.rows(false, vec![theirs()]);
    seat.press("w");
    assert!(seat.sent().is_empty() && seat.screen().contains("Yours takes its place"), "{}", seat.screen());
    seat.press("y");
    assert_eq!(set(&mut seat).items[0].song_id, "s1");
}

#[test]
fn a_song_that_came_since_stands_at_the_end_of_a_draft() {
    let mut seat = seat(SIZE, PLAIN);
    seat.press("]");
    let new = SongRow {
        song_id: "s9".into(),
        title: "Encore".into(),
        position: 5,
        stage: Stage::Recording.into(),
        ..SongRow::default()
    };
    seat.rows(false, vec![sample::row("song/s9", Of::Song(new))]);
    assert_eq!(order(&seat), ["s1", "s0", "s2", "s3", "s9"]);
    seat.press("w");
    assert_eq!(set(&mut seat).items.len(), 5, "the studio wants every song once");
}

#[test]
fn leaving_asks_once_and_the_draft_waits() {
    let mut seat = seat(SIZE, PLAIN);
    seat.press("]<esc>");
    assert!(seat.screen().contains("w saves, Esc again leaves"), "{}", seat.screen());
    seat.press("l<esc>");
    assert!(seat.screen().contains("w saves, Esc again leaves"), "another key was pressed: it asks again");
    seat.press("<esc>");
    assert!(!seat.screen().contains("not saved"), "it is the board:\n{}", seat.screen());
    seat.press("4");
    assert_eq!(order(&seat)[0], "s1", "nothing was lost");
    seat.press("<c-c>");
    assert!(!seat.model.quit, "quitting would lose it");
    seat.press("<c-c>");
    assert!(seat.model.quit);
}

#[test]
fn what_the_studio_refuses_is_not_sent_and_offline_keeps_it() {
    let mut seat = seat(SIZE, PLAIN);
    seat.rows(
        false,
        vec![head(PLAIN, |it| it.allowed = vec![no("set_spacing", "X", "Not your role.", "Ask.")])],
    );
    seat.press("]w");
    assert!(seat.sent().is_empty() && seat.screen().contains("Not your role."), "{}", seat.screen());
    let mut seat = super::album::seat(SIZE, PLAIN);
    cut(&mut seat);
    seat.press("]w");
    assert!(seat.sent().is_empty() && seat.screen().contains("the draft stays here"), "{}", seat.screen());
}

#[test]
fn space_hears_the_draft_from_the_joint() {
    let mut seat = seat(SIZE, PLAIN);
    seat.press("<down>ll ");
    let orders = played(&mut seat);
    let [Order::Load { deck: Deck::Album { items }, at, play: true }] = orders.as_slice() else {
        panic!("{orders:?}")
    };
    assert_eq!(items.len(), 4);
    assert_eq!(items[1].gap_ms, 2_200, "the gap that nobody saved yet");
    assert_eq!(*at, 48_000 * (204 * 10 + 22 - 50) / 10, "5 s before the second song begins");
    assert_eq!(items[0].shape, Shape::EqualPower);
    let status = Status { playing: true, rate: 48_000, at: *at, heard: 0, ..Status::default() };
    seat.tell(Msg::Play(News::Status(Box::new(status.clone()))));
    assert!(seat.screen().contains("▶3:2"), "where it is:\n{}", seat.screen());
    seat.press(".");
    let second = 48_000 * (204 * 10 + 22 + 187 * 10 + 20 - 50) / 10;
    assert_eq!(played(&mut seat), [Order::Seek { at: second }, Order::Play]);
    seat.tell(Msg::Play(News::Status(Box::new(Status { at: second + 48_000, heard: 1, ..status }))));
    seat.press(",");
    let back = played(&mut seat);
    assert_eq!(back[0], Order::Seek { at: 48_000 * (204 * 10 + 22 - 50) / 10 }, "the joint before");
    seat.press("l ");
    assert!(
        matches!(played(&mut seat).as_slice(), [Order::Load { play: true, .. }]),
        "what was changed since is loaded anew"
    );
}

#[test]
fn a_joint_is_looped_with_all_of_its_crossfade() {
    let mut seat = seat(SIZE, PLAIN);
    seat.press("<down>cc\\");
    let orders = played(&mut seat);
    let [Order::Load { at, .. }, Order::Loop(Some((from, to)))] = orders.as_slice() else {
        panic!("{orders:?}")
    };
    let joint = 48_000 * (204 - 1);
    assert_eq!((*at, *from, *to), (joint - 240_000, joint - 240_000, joint + 48_000 + 240_000));
    let status = Status { playing: true, rate: 48_000, looped: Some((*from, *to)), ..Status::default() };
    seat.tell(Msg::Play(News::Status(Box::new(status))));
    seat.press("\\");
    assert_eq!(played(&mut seat), [Order::Loop(None)]);
}

#[test]
fn a_filter_shows_the_songs_that_hold_its_words_in_their_places() {
    let mut seat = seat(SIZE, PLAIN);
    seat.press("/sun<enter>");
    let screen = seat.screen();
    assert!(screen.contains("3 Low Sun") && !screen.contains("Glass Hour"), "{screen}");
    seat.press("<esc><end>[");
    assert_eq!(order(&seat), ["s0", "s1", "s3", "s2"]);
    let mut seat = super::album::seat(SIZE, PLAIN);
    seat.press("5/bus<enter>");
    let screen = seat.screen();
    assert!(screen.contains("4 Night Bus") && !screen.contains("Glass Hour  "), "{screen}");
}

#[test]
fn songs_without_a_file_are_left_out_of_what_is_heard() {
    let mut seat = seat(SIZE, PLAIN);
    let silent = review::song(2, PLAIN, "s1", |it| it.candidate_version_id.clear());
    seat.rows(false, vec![silent]);
    seat.press("<down> ");
    let orders = played(&mut seat);
    let [Order::Load { deck: Deck::Album { items }, at, .. }] = orders.as_slice() else { panic!() };
    assert_eq!(items.len(), 3);
    assert_eq!(*at, 48_000 * (204 + 2 - 5), "the next song that there is");
    let mut seat = Seat::sample(SIZE, 2, PLAIN);
    seat.press("2<enter>");
    seat.rows(true, sample::rows(2, PLAIN).into_iter().filter(|it| !it.key.starts_with("version")).collect());
    seat.press("4 .");
    assert!(played(&mut seat).is_empty() && seat.screen().contains("No song of this record has a file"));
}

#[test]
fn sides_are_even_by_themselves_and_by_hand_where_somebody_says_so() {
    let mut seat = seat(SIZE, PLAIN);
    let screen = seat.screen();
    // 204 + 2 + 187 + 2 + 251 s against 930 s.
    assert!(
        screen.contains("Side A") && screen.contains("10:46.0") && screen.contains("15:30.0"),
        "{screen}"
    );
    seat.press("<down>B");
    let screen = seat.screen();
    assert!(screen.contains("Side C"), "a third side begins with the second song:\n{screen}");
    assert!(screen.contains("sides set") && screen.contains("not saved"), "{screen}");
    let begins = |seat: &Seat| -> Vec<bool> {
        let items = seat.model.album.items("P", &seat.model.projects["P"]);
        items.iter().map(|it| it.begins_side).collect()
    };
    assert_eq!(begins(&seat), [false, true, false, true], "what was even is set with it");
    seat.press("B");
    assert_eq!(begins(&seat), [false, false, false, true]);
    seat.press("BE");
    assert!(!seat.screen().contains("Side C"));
    assert_eq!(begins(&seat), [false, false, false, true], "the even ones are set");
    seat.press("w");
    assert!(set(&mut seat).items[3].begins_side, "saving saves them");
    seat.press("E");
    assert_eq!(begins(&seat), [false; 4], "again: none is set");
    seat.press("U");
    assert_eq!(begins(&seat), [false, false, false, true], "and taken back");
    seat.press("MMMMMM");
    assert!(seat.screen().contains("CD") && seat.screen().contains("26:18.0"), "{}", seat.screen());
    seat.press("B");
    assert!(seat.screen().contains("has no sides"));
}

#[test]
fn what_stands_out_is_said_in_words() {
    let seat = seat((120, 40), PLAIN);
    let screen = seat.screen();
    assert!(screen.contains("! 3.2 LU over, 3.5 LU up, true peak"), "{screen}");
    assert!(screen.contains("! 3.3 LU down"), "{screen}");
    let mut seat = self::seat((80, 24), PLAIN);
    seat.press("<tab>");
    let screen = seat.screen();
    assert!(screen.contains("! 3 Low Sun: 3.5 LU louder than the song before it"), "{screen}");
    assert!(screen.contains("! 4 Night Bus: 3.3 LU quieter than the song before it"), "{screen}");
}

#[test]
fn the_order_is_copied_with_its_gaps() {
    let mut seat = seat(SIZE, PLAIN);
    seat.press("<down>fs+y");
    let copied =
        seat.effects.iter().find_map(|it| if let Effect::Copy(text) = it { Some(text) } else { None });
    let text = copied.unwrap();
    assert!(text.contains("1. Glass Hour (Master 1, 3:24.0 at 0:00.0)"), "{text}");
    assert!(text.contains("2. Paper Boats after 2.0 s, fade in 0.05 s, linear, +0.1 dB"), "{text}");
    assert!(text.contains("total 26:18.0"), "{text}");
}

#[test]
fn an_approval_is_of_what_is_saved_and_says_so() {
    let mut seat = Seat::sample(SIZE, 3, PLAIN);
    seat.press("2<enter>");
    seat.rows(
        false,
        vec![review::project(3, PLAIN, |it| {
            it.allowed = vec![yes("approve_spacing")];
            it.spacing = Some(spacing(7, "Mara Voss", [0, 1, 2, 3]));
        })],
    );
    seat.press("4]A");
    let screen = seat.screen();
    assert!(screen.contains("What you changed and did not save is not in it"), "{screen}");
    assert!(screen.contains("1. Glass Hour · 2. Paper Boats after 2.0 s"), "{screen}");
    seat.press("y");
    let sent = seat.sent();
    let [Effect::Perform { action, .. }] = sent.as_slice() else { panic!() };
    let Some(action::Action::ApproveSpacing(it)) = &action.action else { panic!() };
    assert_eq!((it.number, it.role()), (7, Role::Label));
}

#[test]
fn no_word_of_others_and_no_figure_breaks_the_room() {
    for size in [(80, 24), (120, 40), (41, 13)] {
        let mut seat = seat(size, HOSTILE);
        for keys in [
            "",
            "]",
            "<down>llc",
            "A",
            "<esc>wy",
            "M",
            "<down><down>B",
            " ",
            "y",
            "xXvV",
            "<home>P",
            "nx<esc><esc>",
            "<tab>",
            "<down>",
            "<tab>",
            "<down>d<esc>",
            "<tab>",
        ] {
            seat.press(keys);
            crate::hostile::assert_clean(&seat, keys);
        }
        let mut wild = spacing(9, HOSTILE.note, [3, 3, 0, 1]);
        for item in &mut wild.items {
            item.gap_ms = u32::MAX;
            item.crossfade_ms = u32::MAX;
            item.fade_in_ms = u32::MAX;
            item.gain_cb = i32::MIN;
            item.shape = 77;
            item.trim_in_ms = u32::MAX;
            item.trim_out_ms = u32::MAX;
            item.hidden = true;
            item.begins_side = true;
        }
        let note = |song_id: &str, closed| SpacingNote {
            note_id: HOSTILE.note.into(),
            number: u32::MAX,
            song_id: song_id.into(),
            by: HOSTILE.note.into(),
            at_ms: i64::MIN,
            text: HOSTILE.note.into(),
            closed,
            closed_by: HOSTILE.note.into(),
            answer: HOSTILE.note.into(),
        };
        wild.notes = vec![note("", false), note("s0", false), note("s0", true), note("nobody", false)];
        let mut version = sample::version("w2", 2, VersionKind::Master, 1, HOSTILE);
        for file in &mut version.files {
            let facts = file.facts.as_mut().unwrap();
            facts.frames = u64::MAX;
            facts.integrated_lufs = f64::NAN;
            facts.true_peak_dbtp = f64::INFINITY;
        }
        let version = sample::row("version/w2", Of::Version(version));
        seat.rows(false, vec![head(HOSTILE, |it| it.spacing = Some(wild)), version]);
        for keys in [
            "t<down>",
            "lhcC+-fFoOsxXvVPE",
            " .,[]y",
            "<tab>",
            "<down>",
            "<tab>",
            "<down><down>",
            "d",
            "<esc>n",
        ] {
            seat.press(keys);
            crate::hostile::assert_clean(&seat, &format!("wild figures {keys}"));
        }
    }
}
