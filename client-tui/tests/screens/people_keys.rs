//! Keys of members in the room of the people: which one is revoked, why it has to be said, and that nothing goes out by accident.

use deadwax_client::tui::{
    Msg,
    model::{Ask, Notice},
};
use deadwax_proto::v1::{KeyView, Row, action::Action as Do, row::Row as Of};

use crate::{
    rooms::{actions, people},
    sample::{self, HOSTILE, NOW_MS, Names, PLAIN},
    seat::Seat,
};

const DAY: i64 = 24 * 3_600_000;
const OLD: &str = "aa11bb22cc33";
const NEW: &str = "dd44ee55ff66";

fn key(start: &str, days: i64, revoked: bool) -> KeyView {
    KeyView {
        fingerprint: start.chars().chain(std::iter::repeat('0')).take(64).collect(),
        enrolled_ms: NOW_MS - days * DAY,
        revoked_ms: if revoked { NOW_MS - DAY } else { 0 },
        ..KeyView::default()
    }
}

/// The member at `at`, with these keys; whether a revocation is allowed says the row.
fn holds(seat: &mut Seat, names: Names, at: usize, keys: Vec<KeyView>, may: bool) {
    let is = |it: &Row| matches!(&it.row, Some(Of::Member(it)) if it.person_id == format!("p{at}"));
    let mut row = sample::rows(0, names).into_iter().find(is).unwrap();
    if let Some(Of::Member(it)) = &mut row.row {
        it.keys = keys;
        it.allowed = vec![match may {
            true => sample::then("revoke_key", "Receipts of Lena need a new key from then on."),
            false => sample::no("revoke_key", "NOT_YOUR_ROLE", "Only a manager may.", "Ask Mara."),
        }];
    }
    seat.rows(false, vec![row]);
}

/// The mark on the member of that name.
fn mark(seat: &mut Seat, name: &str) {
    seat.press("<home>");
    for _ in 0..6 {
        let screen = seat.screen();
        if screen.lines().any(|it| it.contains('▸') && it.contains(name)) {
            return;
        }
        seat.press("<down>");
    }
    panic!("{name}\n{}", seat.screen());
}

#[test]
fn a_key_of_a_member_is_revoked_with_a_reason_and_the_question_says_what_it_means() {
    for size in [(80, 24), (120, 40)] {
        let mut seat = people(size, PLAIN);
        // Given two keys that hold and one that is revoked already.
        let keys = vec![key("99", 90, true), key(OLD, 60, false), key(NEW, 2, false)];
        holds(&mut seat, PLAIN, 3, keys, true);
        mark(&mut seat, PLAIN.people[3]);
        seat.effects.clear();
        seat.press("K");
        let screen = seat.screen();
        for part in
            ["Revoke a key of Lena Ruiz", NEW, "stays signed", "cannot be taken back", "need a new key"]
        {
            assert!(screen.contains(part), "{part}\n{screen}");
        }
        // Without a reason nothing goes out.
        seat.press("<enter>");
        assert!(actions(&mut seat).is_empty() && seat.screen().contains("Say why"), "{}", seat.screen());
        // When the older one is chosen and the reason is said.
        seat.press("<right>");
        assert!(seat.screen().contains(OLD), "{}", seat.screen());
        seat.press("<tab>The laptop was stolen.<enter>");
        // Then exactly this key is revoked, once.
        let sent = actions(&mut seat);
        let [Do::RevokeKey(it)] = sent.as_slice() else { panic!("{sent:?}") };
        assert_eq!(it.fingerprint, key(OLD, 60, false).fingerprint);
        assert_eq!(it.reason, "The laptop was stolen.");
        assert!(seat.model.prompt.is_none());
        seat.press("K");
        assert!(seat.model.prompt.is_none(), "the first one is still on its way");
    }
}

#[test]
fn what_is_not_allowed_is_said_and_devices_have_no_keys() {
    let mut seat = people((80, 24), PLAIN);
    holds(&mut seat, PLAIN, 3, vec![key(NEW, 2, false)], false);
    mark(&mut seat, PLAIN.people[3]);
    seat.press("K");
    assert!(seat.model.prompt.is_none());
    assert!(
        matches!(&seat.model.notice, Some(Notice::Refused { text, .. }) if text.contains("Only a manager"))
    );
    // Nobody's key.
    holds(&mut seat, PLAIN, 3, vec![key(NEW, 2, true)], true);
    seat.press("K");
    assert!(matches!(&seat.model.notice, Some(Notice::Tell(text)) if text.contains("no key here")));
    seat.press("<end>K");
    assert!(matches!(&seat.model.notice, Some(Notice::Tell(text)) if text.contains("Choose a member first")));
    // Offline it cannot be asked at all.
    holds(&mut seat, PLAIN, 3, vec![key(NEW, 2, false)], true);
    mark(&mut seat, PLAIN.people[3]);
    seat.tell(Msg::Lost { why: "Connection refused.".into() });
    seat.press("K");
    assert!(seat.model.prompt.is_none() && actions(&mut seat).is_empty());
}

#[test]
fn ones_own_key_is_called_so_and_no_name_breaks_the_question() {
    let mut seat = people((80, 24), PLAIN);
    holds(&mut seat, PLAIN, 0, vec![key(NEW, 2, false)], true);
    mark(&mut seat, "(you)");
    seat.press("K");
    assert!(seat.screen().contains("Revoke a key of yours"), "{}", seat.screen());
    seat.press("<esc>");
    assert!(actions(&mut seat).is_empty());

    let mut seat = people((80, 24), HOSTILE);
    let mut odd = key(NEW, 2, false);
    odd.fingerprint = "\u{1b}[2J\u{202e}ff".into();
    holds(&mut seat, HOSTILE, 0, vec![odd], true);
    mark(&mut seat, "(you)");
    seat.press("K");
    assert!(matches!(seat.model.prompt.as_ref().map(|it| &it.ask), Some(Ask::Form(_))));
    let screen = seat.screen();
    assert!(!screen.contains('\u{1b}') && !screen.contains('\u{202e}'), "{screen:?}");
}
