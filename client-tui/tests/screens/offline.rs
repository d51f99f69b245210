//! Without a line: what is kept is shown with its age, what is written waits in its order, and what was said to it is told.

use deadwax_client::{
    cache::{queue::Unsent, rows::Start},
    tui::{Effect, Failure, Model, Msg, model::Notice, update},
};
use deadwax_proto::v1::{PerformResponse, action::Action as Do};

use crate::{
    sample::{self, HOUR, MINUTE, NOW_MS, PLAIN},
    seat::Seat,
};

/// On the song of the sample, as its artist, with the line cut.
fn cut() -> Seat {
    let mut seat = Seat::sample((120, 40), 0, PLAIN);
    seat.press("<enter>");
    seat.answer_wave();
    seat.tell(Msg::Lost { why: "the wire".into() });
    seat.effects.clear();
    seat
}

/// As a new client on the machine where this was kept.
fn restart(size: (u16, u16), kept_ms: i64, unsent: Vec<Unsent>) -> Seat {
    let mut seat = Seat::new(size);
    let start = Start {
        me: Some(sample::person(0, PLAIN)),
        studio: "Studio Nord".into(),
        projects: vec![sample::summary(0, PLAIN)],
        desk: Some(sample::desk(PLAIN)),
        at_ms: kept_ms,
        seen: [("P".to_owned(), kept_ms)].into(),
    };
    seat.tell(Msg::Kept { start: Some(Box::new(start)), unsent });
    seat
}

fn unsent(seat: &Seat) -> Vec<Unsent> {
    let kept = |effect: &Effect| match effect {
        Effect::KeepUnsent(it) => Some((**it).clone()),
        _ => None,
    };
    seat.effects.iter().filter_map(kept).collect()
}

fn performs(seat: &Seat) -> Vec<(String, Do)> {
    let sent = |effect: &Effect| match effect {
        Effect::Perform { command_id, action, .. } => Some((command_id.clone(), action.action.clone()?)),
        _ => None,
    };
    seat.effects.iter().filter_map(sent).collect()
}

fn done(seat: &mut Seat, command_id: &str) {
    let outcome = Ok(PerformResponse { effects: vec!["Noted.".into()], ..PerformResponse::default() });
    seat.tell(Msg::Performed { command_id: command_id.into(), outcome });
}

fn refused(seat: &mut Seat, command_id: &str) {
    let outcome = Err(Failure::Refused {
        reason: "NOTE_NOT_OPEN".into(),
        text: "The note was closed meanwhile.".into(),
        hint: "Open it again first.".into(),
    });
    seat.tell(Msg::Performed { command_id: command_id.into(), outcome });
}

#[test]
fn words_are_kept_and_shown_and_signatures_are_not() {
    let mut seat = cut();
    seat.press("nTwo words.<enter>");
    let kept = unsent(&seat);
    assert_eq!(kept.len(), 1);
    assert!(
        matches!(&kept[0].request.action.as_ref().unwrap().action, Some(Do::AddNote(it)) if it.text == "Two words.")
    );
    assert!(performs(&seat).is_empty(), "nothing goes out");
    let screen = seat.screen();
    assert!(screen.contains("Two words.") && screen.contains("Kept here: the note."), "{screen}");
    for (key, what) in
        [("a", "What decides is not kept for later"), ("H", "What decides is not kept for later")]
    {
        seat.press("<esc>");
        seat.press(key);
        let screen = seat.screen();
        assert!(seat.model.prompt.is_none() && screen.contains(what), "{key}: {screen}");
    }
    assert_eq!(unsent(&seat).len(), 1);
}

#[test]
fn more_is_written_while_something_waits_and_all_of_it_is_listed() {
    let mut seat = cut();
    seat.press("nOne.<enter>nTwo.<enter>");
    assert_eq!(unsent(&seat).len(), 2);
    seat.press("<esc>");
    assert!(seat.screen().contains("2 commands wait for the line; 9 lists them."), "{}", seat.screen());
    seat.press("9");
    let screen = seat.screen();
    assert!(screen.contains("1. the note on ") && screen.contains(": One. · Kleine Nacht"), "{screen}");
}

#[test]
fn after_a_restart_everything_waits_still_and_goes_out_one_by_one_in_its_order() {
    let mut before = cut();
    before.press("nOne.<enter>nTwo.<enter>nThree.<enter>");
    let waiting = unsent(&before);
    let mut seat = restart((120, 40), NOW_MS, waiting.clone());
    assert!(unsent(&seat).is_empty(), "they stand on disk already");
    seat.connect(0, PLAIN);
    let ids: Vec<String> = waiting.iter().map(|it| it.request.command_id.clone()).collect();
    assert_eq!(performs(&seat).iter().map(|it| it.0.clone()).collect::<Vec<_>>(), ids[..1]);
    done(&mut seat, &ids[0]);
    assert_eq!(performs(&seat).len(), 2, "the next goes out with the verdict on the one before");
    refused(&mut seat, &ids[1]);
    // A cut in the middle: nobody knows whether it was done, so it goes out again, with the same id.
    seat.tell(Msg::Performed { command_id: ids[2].clone(), outcome: Err(Failure::Offline("cut".into())) });
    seat.connect(0, PLAIN);
    assert_eq!(
        performs(&seat).iter().map(|it| it.0.as_str()).collect::<Vec<_>>(),
        [&ids[0], &ids[1], &ids[2], &ids[2]]
    );
    done(&mut seat, &ids[2]);
    let gone = |id: &String| seat.effects.contains(&Effect::ForgetUnsent { command_id: id.clone() });
    assert!(ids.iter().all(gone), "what was answered leaves the disk");
    assert!(
        matches!(&seat.model.notice, Some(Notice::Refused { text, .. }) if text.contains("2 sent, 1 refused"))
    );
    // What was refused is open again with its words; left, it is put aside.
    assert!(seat.screen().contains("Two."), "{}", seat.screen());
    seat.press("<esc><esc>9");
    let screen = seat.screen();
    assert!(screen.matches("✓ sent: the note").count() == 2, "{screen}");
    assert!(screen.contains("× refused: the note") && screen.contains("Open it again first."), "{screen}");
    assert!(seat.model.pending.is_empty());
}

#[test]
fn a_start_without_a_line_shows_desk_list_and_kept_projects_with_their_age() {
    for size in [(80, 24), (120, 40)] {
        let mut seat = restart(size, NOW_MS - 3 * HOUR, Vec::new());
        assert!(seat.screen().contains("What you see is 3 h old."), "{}", seat.screen());
        seat.tell(Msg::Lost { why: "nobody answers".into() });
        let screen = seat.screen();
        assert!(screen.contains("What you see is 3 h old.") && screen.contains("Mara Voss"), "{screen}");
        seat.press("2");
        assert!(seat.screen().contains("kept, 3 h"), "{}", seat.screen());
        seat.press("<enter>");
        assert!(seat.effects.contains(&Effect::OpenKept { project_id: "P".into() }));
        let mut other = Seat::sample(size, 0, PLAIN);
        other.tell(Msg::Tick(NOW_MS + MINUTE));
        let rows = other.model.projects.remove("P").unwrap();
        let seq = rows.seq;
        seat.tell(Msg::KeptRows { project_id: "P".into(), rows: Some(Box::new(rows)) });
        assert!(seat.screen().contains("Glass Hour"), "{}", seat.screen());
        seat.connect(0, PLAIN);
        assert!(seat.effects.contains(&Effect::WatchProject { project_id: "P".into(), from: seq }));
    }
}

#[test]
fn a_project_that_was_not_kept_says_so() {
    let mut seat = restart((80, 24), NOW_MS, Vec::new());
    seat.tell(Msg::Lost { why: "nobody answers".into() });
    seat.press("2<enter>");
    seat.tell(Msg::KeptRows { project_id: "P".into(), rows: None });
    assert!(seat.screen().contains("It was not opened on this machine before"), "{}", seat.screen());
}

#[test]
fn what_changed_is_written_now_and_then_and_at_the_end() {
    let kept = |effects: &[Effect]| effects.iter().filter(|it| matches!(it, Effect::KeepRows { .. })).count();
    let mut seat = Seat::sample((80, 24), 0, PLAIN);
    seat.press("2<enter>");
    seat.tell(Msg::Tick(NOW_MS + 500));
    assert_eq!(kept(&seat.effects), 1);
    seat.tell(Msg::Tick(NOW_MS + 1_000));
    assert_eq!(kept(&seat.effects), 1, "nothing changed");
    seat.rows(false, sample::many_notes(3));
    seat.tell(Msg::Tick(NOW_MS + 2_000));
    assert_eq!(kept(&seat.effects), 1, "not yet");
    assert_eq!(kept(&update::at_end(&mut seat.model)), 1);
    seat.rows(false, sample::many_notes(4));
    seat.tell(Msg::Tick(NOW_MS + 20_000));
    assert_eq!(kept(&seat.effects), 2);
    seat.tell(Msg::ProjectGone { project_id: "P".into() });
    assert!(seat.effects.contains(&Effect::ForgetKept { project_id: "P".into() }));
    let mut fresh = Model::new((80, 24), NOW_MS, 1);
    assert!(update::at_end(&mut fresh).is_empty(), "who saw nothing keeps nothing");
}

#[test]
fn a_full_disk_is_told() {
    let mut seat = cut();
    seat.tell(Msg::NotKept { why: "No space left on device\u{1b}[2J".into() });
    let screen = seat.screen();
    assert!(screen.contains("could not be kept on this machine") && !screen.contains('\u{1b}'), "{screen}");
}

#[test]
fn signing_out_elsewhere_throws_nothing_away_that_was_written() {
    let mut seat = cut();
    seat.press("nOne.<enter>");
    seat.tell(Msg::SessionEnded { text: "Signed out.".into(), hint: "Sign in again.".into() });
    assert_eq!(seat.model.pending.len(), 1);
    assert!(!seat.effects.iter().any(|it| matches!(it, Effect::ForgetUnsent { .. })));
    seat.press("<esc>nTwo.<enter>");
    assert_eq!(unsent(&seat).len(), 1, "nothing new is taken on for somebody who is signed out");
}
