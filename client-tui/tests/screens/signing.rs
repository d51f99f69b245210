//! Signing with a key in the terminal client: what the prompt says before, while and after, and that a passphrase is on no screen.

use deadwax_client::{
    receipt::approve::What,
    tui::{
        Effect, Failure, Msg,
        model::Notice,
        signing::{Key, News, Order},
    },
};
use deadwax_proto::v1::Role;

use crate::{
    sample::{self, PLAIN},
    seat::Seat,
};

const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];

/// The label in front of Mix 2, with this key.
fn label(size: (u16, u16), key: Key) -> Seat {
    let mut seat = Seat::sample(size, 3, PLAIN);
    seat.press("<enter>");
    seat.tell(Msg::Signing(News::Key(key)));
    seat.press("a");
    seat.effects.clear();
    seat
}

fn ready() -> Key {
    Key::Ready { label: "1a2b3c4d5e6f (made here)".into() }
}

fn locked() -> Key {
    Key::Locked { label: "1a2b3c4d5e6f (made here)".into() }
}

fn orders(seat: &mut Seat) -> Vec<Order> {
    let taken = std::mem::take(&mut seat.effects);
    taken
        .into_iter()
        .filter_map(|it| if let Effect::Signing(order) = it { Some(order) } else { None })
        .collect()
}

fn ended(seat: &mut Seat, ticket: u64, outcome: Result<(u32, bool), Failure>) {
    seat.tell(Msg::Signing(News::Ended { ticket, outcome }));
}

fn refused(text: &str) -> Failure {
    Failure::Refused { reason: "NO".into(), text: text.into(), hint: "Try again.".into() }
}

#[test]
fn the_prompt_says_with_which_key_or_that_there_is_none() {
    for size in SIZES {
        for (name, key) in [
            ("none", Key::None),
            ("ready", ready()),
            ("locked", locked()),
            (
                "broken",
                Key::Broken { text: "The key can be read by others.".into(), hint: "Say chmod 600.".into() },
            ),
        ] {
            let seat = label(size, key);
            insta::assert_snapshot!(format!("sign_key_{name}_{}", size.0), seat.screen());
        }
    }
}

#[test]
fn a_key_that_was_made_meanwhile_counts_without_a_restart() {
    let mut seat = label(SIZES[0], Key::None);
    assert_eq!(orders(&mut seat), [], "looked for once a prompt");
    seat.press("<esc>");
    seat.press("a");
    assert_eq!(orders(&mut seat), [Order::Look]);
    seat.tell(Msg::Signing(News::Key(ready())));
    assert!(seat.screen().contains("Signed with your key 1a2b3c4d5e6f"), "{}", seat.screen());
    assert_eq!(orders(&mut seat), [], "and no more while it stays open");
}

#[test]
fn yes_signs_exactly_what_was_quoted_and_tells_how_far_it_is() {
    for size in SIZES {
        let mut seat = label(size, ready());
        seat.press("y");
        let [Order::Sign { ticket, wish, passphrase: None }] = &orders(&mut seat)[..] else { panic!() };
        let quoted = sample::version("v2", 0, deadwax_proto::v1::VersionKind::Mix, 2, PLAIN);
        assert_eq!(wish.what, What::Version { version_id: "v2".into(), fingerprint: quoted.fingerprint });
        assert_eq!((wish.project_id.as_str(), wish.role), ("P", Role::Label));
        let step = News::Step {
            ticket: *ticket,
            step: "Fetching instrumental".into(),
            done: 12_000_000,
            total: 40_000_000,
        };
        seat.tell(Msg::Signing(step));
        insta::assert_snapshot!(format!("sign_on_its_way_{}", size.0), seat.screen());
        // A second yes changes nothing.
        seat.press("yy<enter>");
        assert!(orders(&mut seat).is_empty() && seat.sent().is_empty());
        ended(&mut seat, *ticket, Ok((7, true)));
        assert!(seat.model.prompt.is_none());
        let Some(Notice::Done(text)) = &seat.model.notice else { panic!("{:?}", seat.model.notice) };
        assert!(text.contains("receipt #7") && text.contains("made known"), "{text}");
    }
}

#[test]
fn without_a_key_it_goes_as_before_and_with_a_broken_one_not_at_all() {
    let mut seat = label(SIZES[0], Key::None);
    seat.press("y");
    assert_eq!(seat.sent().len(), 1);
    let mut seat = label(SIZES[0], Key::Broken { text: "No.".into(), hint: "Mend it.".into() });
    seat.press("y");
    assert!(seat.sent().is_empty() && orders(&mut seat).is_empty() && seat.model.prompt.is_some());
}

#[test]
fn esc_stops_it_and_a_late_answer_is_nobodys() {
    let mut seat = label(SIZES[0], ready());
    seat.press("y");
    let [Order::Sign { ticket, .. }] = &orders(&mut seat)[..] else { panic!() };
    seat.press("<esc>");
    assert_eq!(orders(&mut seat), [Order::Stop]);
    assert!(seat.model.prompt.is_none() && seat.model.signing.run.is_none());
    seat.model.notice = None;
    ended(&mut seat, *ticket, Err(refused("late")));
    assert_eq!(seat.model.notice, None);
}

#[test]
fn what_went_wrong_stands_in_the_prompt_and_yes_tries_again() {
    let mut seat = label(SIZES[0], ready());
    seat.press("y");
    let [Order::Sign { ticket, .. }] = &orders(&mut seat)[..] else { panic!() };
    ended(&mut seat, *ticket, Err(refused("The studio's record was rewritten.")));
    assert!(seat.screen().contains("The studio's record was rewritten."), "{}", seat.screen());
    seat.press("y");
    assert!(matches!(&orders(&mut seat)[..], [Order::Sign { ticket: again, .. }] if again != ticket));
}

#[test]
fn a_passphrase_is_on_no_screen_and_in_no_debug_output() {
    for size in SIZES {
        let mut seat = label(size, locked());
        seat.press("y");
        assert!(orders(&mut seat).is_empty());
        insta::assert_snapshot!(format!("sign_passphrase_{}", size.0), seat.screen());
        let before = seat.screen();
        seat.press("sesyme");
        assert_eq!(seat.screen(), before, "nothing is shown, not even how long it is");
        assert!(!format!("{:?}", seat.model).contains("sesyme"));
        seat.press("<enter>");
        let orders = orders(&mut seat);
        let [Order::Sign { passphrase: Some(given), .. }] = &orders[..] else { panic!() };
        assert_eq!(*given, deadwax_client::receipt::secret::Secret::new("sesyme"));
        assert!(!format!("{orders:?}").contains("sesyme"));
    }
    // Left, it is forgotten.
    let mut seat = label(SIZES[0], locked());
    seat.press("ysesyme<esc>");
    assert!(seat.model.prompt.is_none() && seat.effects.iter().all(|it| !matches!(it, Effect::Keep(_))));
}

/// The label in the room of the record, in front of spacing 7, with this key.
fn label_of_record(size: (u16, u16), key: Key) -> Seat {
    use deadwax_proto::v1::{Spacing, SpacingItem};
    let mut seat = Seat::sample(size, 3, PLAIN);
    seat.press("2<enter>");
    let item = |at: usize| SpacingItem {
        song_id: format!("s{at}"),
        gap_ms: if at == 0 { 0 } else { 2_000 },
        hidden: at == 0,
        trim_out_ms: if at == 1 { 250 } else { 0 },
        begins_side: at == 2,
        ..SpacingItem::default()
    };
    seat.rows(
        false,
        vec![crate::review::project(3, PLAIN, |it| {
            it.allowed = vec![sample::then("approve_spacing", "It is to be signed with your key.")];
            it.spacing = Some(Spacing {
                number: 7,
                items: (0..4).map(item).collect(),
                by: "Mara Voss".into(),
                ..Spacing::default()
            });
        })],
    );
    seat.tell(Msg::Signing(News::Key(key)));
    seat.press("4A");
    // The question looked for the key anew.
    seat.effects.clear();
    seat
}

#[test]
fn a_spacing_is_signed_as_it_was_quoted() {
    for size in SIZES {
        let mut seat = label_of_record(size, ready());
        let screen = seat.screen().replace('\n', " ");
        for part in ["hidden", "cut from its tail", "begins a side", "Signed with your key"] {
            assert!(screen.contains(part), "{part}: {}", seat.screen());
        }
        insta::assert_snapshot!(format!("sign_spacing_{}", size.0), seat.screen());
        seat.press("y");
        let [Order::Sign { ticket, wish, passphrase: None }] = &orders(&mut seat)[..] else { panic!() };
        assert_eq!((&wish.what, wish.role), (&What::Spacing { number: 7 }, Role::Label));
        seat.press("yy<enter>");
        assert!(orders(&mut seat).is_empty() && seat.sent().is_empty(), "it is under way");
        ended(&mut seat, *ticket, Err(refused("The studio's record was rewritten.")));
        assert!(seat.screen().contains("was rewritten"), "{}", seat.screen());
        seat.press("y");
        let [Order::Sign { ticket: again, .. }] = &orders(&mut seat)[..] else { panic!() };
        ended(&mut seat, *again, Ok((9, false)));
        assert!(seat.model.prompt.is_none());
        let Some(Notice::Done(text)) = &seat.model.notice else { panic!("{:?}", seat.model.notice) };
        assert!(text.contains("the approval of spacing 7") && text.contains("receipt #9"), "{text}");
    }
}

#[test]
fn a_spacing_asks_for_the_passphrase_stops_at_esc_and_goes_unsigned_only_without_a_key() {
    let mut seat = label_of_record(SIZES[0], locked());
    seat.press("y");
    assert!(orders(&mut seat).is_empty() && seat.screen().contains("Passphrase"), "{}", seat.screen());
    let before = seat.screen();
    seat.press("sesyme");
    assert_eq!(seat.screen(), before);
    assert!(!format!("{:?}", seat.model).contains("sesyme"));
    seat.press("<enter>");
    let [Order::Sign { passphrase: Some(given), .. }] = &orders(&mut seat)[..] else { panic!() };
    assert_eq!(*given, deadwax_client::receipt::secret::Secret::new("sesyme"));
    seat.press("<esc>");
    assert_eq!(orders(&mut seat), [Order::Stop]);
    assert!(seat.model.prompt.is_none());
    let mut seat = label_of_record(SIZES[0], Key::Broken { text: "No.".into(), hint: "Mend it.".into() });
    seat.press("y");
    assert!(seat.sent().is_empty() && orders(&mut seat).is_empty() && seat.model.prompt.is_some());
    let mut seat = label_of_record(SIZES[0], Key::None);
    seat.press("y");
    assert_eq!(seat.sent().len(), 1);
    let mut seat = label_of_record(SIZES[0], ready());
    seat.press_unseen("<esc>Ay");
    assert_eq!(orders(&mut seat), [Order::Look], "typed ahead signs nothing");
}

#[test]
fn nothing_goes_out_unsigned_while_the_key_is_looked_for() {
    let open = |keys: &str| {
        let mut seat = label(SIZES[0], Key::Unknown);
        seat.press(keys);
        seat.effects.clear();
        seat
    };
    let spacing = || label_of_record(SIZES[0], Key::Unknown);
    for mut seat in [open(""), spacing()] {
        seat.tell(Msg::Shown);
        seat.yes_at_once();
        assert!(seat.sent().is_empty() && seat.model.prompt.is_some(), "{:?}", seat.effects);
        assert!(seat.screen().contains("Looking for your key"), "{}", seat.screen());
        // Found: the same yes signs with it.
        seat.tell(Msg::Signing(News::Key(ready())));
        assert!(!seat.screen().contains("Looking for"), "{}", seat.screen());
        seat.press_unseen("y");
        assert!(matches!(&orders(&mut seat)[..], [Order::Sign { .. }]));
    }
    // None: it is said, and the next yes sends it.
    let mut seat = spacing();
    seat.tell(Msg::Shown);
    seat.yes_at_once();
    seat.tell(Msg::Signing(News::Key(Key::None)));
    assert!(seat.sent().is_empty() && seat.screen().contains("Not signed with a key"), "{}", seat.screen());
    seat.press_unseen("y");
    assert_eq!(seat.sent().len(), 1);
}
