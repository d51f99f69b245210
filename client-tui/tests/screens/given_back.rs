//! What somebody wrote is never lost: not by a refusal, not by a cut, not by leaving, and it comes back where it belongs.

use deadwax_client::tui::{
    Effect, Failure, Msg,
    model::{Notice, Screen},
};

use crate::{sample::PLAIN, seat::Seat};

const SIZE: (u16, u16) = (80, 24);

fn song() -> Seat {
    let mut seat = Seat::sample(SIZE, 0, PLAIN);
    seat.press("<enter>");
    assert!(matches!(seat.model.top(), Screen::Song(_)), "{}", seat.screen());
    seat.effects.clear();
    seat
}

fn command(seat: &mut Seat) -> String {
    match seat.sent().last() {
        Some(Effect::Perform { command_id, .. }) => command_id.clone(),
        other => panic!("nothing was sent: {other:?}"),
    }
}

fn refuse(seat: &mut Seat, command_id: String) {
    let outcome = Err(Failure::Refused {
        reason: "NO".into(),
        text: "The song moved on.".into(),
        hint: "Look again.".into(),
    });
    seat.tell(Msg::Performed { command_id, outcome });
}

#[test]
fn a_refused_note_opens_again_with_its_words_and_the_reason() {
    let mut seat = song();
    seat.press("nMore air, please.<enter>");
    let id = command(&mut seat);
    refuse(&mut seat, id);
    let screen = seat.screen();
    assert!(screen.contains("More air, please.") && screen.contains("× The song moved on."), "{screen}");
    seat.press("!<enter>");
    let id = command(&mut seat);
    seat.press("?");
    refuse(&mut seat, id);
    assert!(seat.model.prompt.is_some(), "with no question open it opens on any screen");
}

#[test]
fn where_another_question_is_open_the_text_is_put_aside_and_said() {
    let mut seat = song();
    seat.press("nFirst words.<enter>");
    let id = command(&mut seat);
    seat.press("SSecond");
    refuse(&mut seat, id);
    assert!(seat.screen().contains("Second") && !seat.screen().contains("First words."), "{}", seat.screen());
    assert!(
        matches!(&seat.model.notice, Some(Notice::Refused { hint, .. }) if hint.contains("U brings it back"))
    );
    seat.press("<esc><esc>UU");
    assert!(seat.model.prompt.is_some());
}

#[test]
fn a_text_comes_back_on_its_own_song() {
    let mut seat = song();
    seat.press("nThought.<esc><esc>");
    seat.press("1U");
    assert!(matches!(seat.model.top(), Screen::Song(_)), "{}", seat.screen());
    let screen = seat.screen();
    assert!(screen.contains("Thought.") && screen.contains("Glass Hour: Note on Mix 2"), "{screen}");
}

#[test]
fn a_text_that_is_too_long_is_told_before_it_is_sent() {
    let mut seat = song();
    seat.press("n");
    seat.tell(Msg::Paste("x".repeat(4499)));
    seat.tell(Msg::Shown);
    assert!(seat.screen().contains("4,499 of 4,000"), "{}", seat.screen());
    seat.press("<enter>");
    assert!(seat.sent().is_empty() && seat.model.prompt.is_some());
    assert!(seat.screen().contains("4,000 characters at most"), "{}", seat.screen());
    seat.press("<c-u>Short.<enter>");
    assert_eq!(seat.sent().len(), 1);
}

#[test]
fn what_waits_can_be_dropped_and_its_words_come_back() {
    let mut seat = song();
    seat.tell(Msg::Lost {
        why: "http://studio.example:7443 could not be reached: refused (os error 111)".into(),
    });
    seat.press("nOne.<enter><esc>nTwo.<enter><esc>9");
    let screen = seat.screen();
    assert!(
        screen.contains(": One.") && screen.contains(": Two.") && screen.contains("Glass Hour"),
        "{screen}"
    );
    seat.press("jxy");
    assert_eq!(seat.model.pending.len(), 1, "{}", seat.screen());
    assert!(seat.effects.iter().any(|it| matches!(it, Effect::ForgetUnsent { .. })));
    seat.press("U");
    assert!(seat.screen().contains("Two."), "{}", seat.screen());
}

#[test]
fn f5_tries_the_line_at_once_and_the_reason_is_short() {
    let mut seat = song();
    seat.tell(Msg::Lost {
        why: "http://studio.example:7443 could not be reached: refused (os error 111)".into(),
    });
    let screen = seat.screen();
    assert!(
        screen.contains("F5 tries now") && screen.contains("studio.example could not be reached."),
        "{screen}"
    );
    seat.effects.clear();
    seat.press("nstill here<f5>");
    assert!(seat.effects.contains(&Effect::Connect { after_ms: 0 }));
    assert!(seat.screen().contains("still here"), "{}", seat.screen());
}
