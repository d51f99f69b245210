//! Who else is here, and listening together: keys and attendances in, orders and screens out.

use deadwax_client::{
    play::{News, Order as Play, Status, TrackStatus},
    tui::{Effect, Msg, model::Notice, presence::Order},
};
use deadwax_proto::v1::{Attendee, Attending};

use crate::{
    sample::{HOSTILE, LONG, Names, PLAIN},
    seat::Seat,
};

/// Lena on the song, as she tells it.
fn lena(names: Names) -> Attendee {
    Attendee {
        attendee_id: "a2".into(),
        person_id: "p3".into(),
        name: names.people[3].into(),
        song_id: "s0".into(),
        ..Attendee::default()
    }
}

fn playing(version: &str, at_ms: u64) -> Attendee {
    Attendee { version_id: version.into(), playhead_ms: Some(at_ms), playing: true, ..lena(PLAIN) }
}

fn me(names: Names) -> Attendee {
    Attendee {
        attendee_id: "a1".into(),
        person_id: "p1".into(),
        name: names.people[1].into(),
        you: true,
        ..Attendee::default()
    }
}

/// On the song "Glass Hour", with what else is told.
fn on_song(size: (u16, u16), names: Names) -> Seat {
    let mut seat = Seat::sample(size, 1, names);
    seat.press("<enter>");
    seat.answer_wave();
    seat
}

fn told(seat: &mut Seat) -> Vec<Attending> {
    let effects = std::mem::take(&mut seat.effects).into_iter();
    effects
        .filter_map(|effect| match effect {
            Effect::Present(Order::Tell(place)) => Some(place),
            _ => None,
        })
        .collect()
}

fn orders(seat: &mut Seat) -> Vec<Play> {
    let effects = std::mem::take(&mut seat.effects).into_iter();
    effects
        .filter_map(|effect| match effect {
            Effect::Play(order) => Some(order),
            _ => None,
        })
        .collect()
}

fn here(seat: &mut Seat, others: Vec<Attendee>) {
    seat.tell(Msg::Present([vec![me(PLAIN)], others].concat()));
}

/// The player tells where it is.
fn status(seat: &mut Seat, at_ms: u64, playing: bool) {
    let tracks = seat.model.player.side().map_or(0, |(tracks, _)| tracks.len());
    let heard = seat.model.player.side().map_or(0, |(_, heard)| heard);
    let status = Status {
        tracks: vec![TrackStatus { here: 1.0, ..TrackStatus::default() }; tracks],
        heard,
        rate: 48_000,
        frames: 48_000 * 204,
        at: at_ms * 48,
        playing,
        ..Status::default()
    };
    seat.tell(Msg::Play(News::Status(Box::new(status))));
}

#[test]
fn the_others_stand_in_the_first_line_and_on_the_board() {
    for size in [(80, 24), (120, 40)] {
        let mut seat = on_song(size, PLAIN);
        let teo = Attendee { attendee_id: "a3".into(), name: "Teo".into(), ..lena(PLAIN) };
        let elsewhere = Attendee { song_id: "s1".into(), name: "Noor".into(), ..lena(PLAIN) };
        let others = vec![playing("v2", 83_000), teo, elsewhere];
        here(&mut seat, others.clone());
        let screen = seat.screen();
        let line = screen.lines().next().unwrap();
        assert!(line.ends_with("Here: Lena Ruiz (1:23 playing), Teo"), "{line}");
        // Through the list of projects one leaves the room; entering it again, one is told anew.
        seat.press("2");
        assert!(seat.effects.contains(&Effect::Present(Order::Leave)));
        seat.press("<enter>");
        here(&mut seat, others);
        let screen = seat.screen();
        assert!(screen.contains("◉2"), "{screen}");
        here(&mut seat, vec![]);
        assert!(!seat.screen().contains('◉'));
    }
}

#[test]
fn names_of_others_are_cut_and_never_obeyed() {
    for names in [LONG, HOSTILE] {
        for size in [(41, 13), (80, 24), (120, 40)] {
            let mut seat = on_song(size, names);
            seat.tell(Msg::Present(vec![me(names), Attendee { leading: true, ..lena(names) }]));
            for keys in ["", "\"", "<esc><esc>"] {
                seat.press(keys);
                let terminal = seat.terminal();
                for cell in terminal.backend().buffer().content() {
                    assert!(
                        !cell.symbol().chars().any(deadwax_client::scrub::is_hostile),
                        "{:?}",
                        cell.symbol()
                    );
                }
            }
        }
    }
}

#[test]
fn a_place_is_told_once_and_a_playhead_only_where_it_is_shared() {
    let mut seat = Seat::sample((80, 24), 1, PLAIN);
    assert!(told(&mut seat).iter().all(|place| place.song_id.is_empty()), "the project alone");
    seat.press("<enter>");
    let places = told(&mut seat);
    let last = places.last().unwrap();
    assert_eq!(
        (last.project_id.as_str(), last.song_id.as_str(), last.version_id.as_str()),
        ("P", "s0", "v2")
    );
    assert_eq!(last.playhead_ms, None);
    seat.press("jk?<esc>");
    seat.tell(Msg::Tick(seat.model.now_ms + 10_000));
    seat.effects.retain(|effect| matches!(effect, Effect::Present(_)));
    let again = told(&mut seat);
    assert!(again.iter().all(|place| place.playhead_ms.is_none()));
    // Playing for itself tells nothing of where.
    seat.press(" ");
    (0..20).for_each(|step| status(&mut seat, step * 50, true));
    assert!(told(&mut seat).iter().all(|place| place.playhead_ms.is_none() && !place.playing));
    seat.press(";");
    assert_eq!(
        told(&mut seat).last().map(|place| (place.playhead_ms, place.playing)),
        Some((Some(950), true))
    );
    // Ten seconds at twenty reports a second: four of them are told.
    (0..200).for_each(|step| status(&mut seat, 1000 + step * 50, true));
    let count = told(&mut seat).len();
    assert!((38..=42).contains(&count), "{count} in ten seconds");
    status(&mut seat, 11_000, false);
    assert_eq!(told(&mut seat).len(), 1, "a stop is told at once");
    (0..20).for_each(|_| status(&mut seat, 11_000, false));
    assert_eq!(told(&mut seat), [], "and nothing more where nothing changes");
    seat.press(";");
    assert_eq!(told(&mut seat).last().map(|place| place.playhead_ms), Some(None));
}

#[test]
fn a_cut_line_leaves_the_room_and_comes_back_into_it() {
    let mut seat = on_song((80, 24), PLAIN);
    here(&mut seat, vec![playing("v2", 5)]);
    seat.effects.clear();
    seat.tell(Msg::Lost { why: "the cable".into() });
    assert!(seat.effects.contains(&Effect::Present(Order::Leave)), "{:?}", seat.effects);
    assert!(!seat.screen().contains("Here:"), "nobody knows who is there now");
    seat.effects.clear();
    seat.connect(1, PLAIN);
    assert_eq!(told(&mut seat).last().map(|place| place.song_id.as_str()), Some("s0"));
}

#[test]
fn following_moves_version_and_playhead_and_no_further_than_needed() {
    let mut seat = on_song((80, 24), PLAIN);
    seat.press("\"");
    assert!(matches!(&seat.model.notice, Some(Notice::Tell(text)) if text.starts_with("Nobody leads")));
    here(&mut seat, vec![Attendee { leading: true, ..playing("v1", 60_000) }]);
    seat.effects.clear();
    seat.press("<esc>\"");
    assert!(seat.screen().contains("Following Lena Ruiz: any key of the player stops following."));
    let made = orders(&mut seat);
    assert!(
        matches!(made.as_slice(), [Play::Load { at, play: true, .. }] if *at == 60 * 48_000),
        "her version, her place: {made:?}"
    );
    assert_eq!(seat.model.player.track().map(|it| it.version_id.as_str()), Some("v1"));
    status(&mut seat, 60_200, true);
    here(&mut seat, vec![Attendee { leading: true, ..playing("v1", 60_250) }]);
    assert_eq!(orders(&mut seat), [], "near enough");
    let late = Attendee { leading: true, age_ms: 900, ..playing("v1", 60_250) };
    here(&mut seat, vec![late]);
    assert_eq!(orders(&mut seat), [Play::Seek { at: 61_150 * 48 }], "where she is now, not where she was");
    status(&mut seat, 61_150, true);
    here(&mut seat, vec![Attendee { leading: true, playing: false, ..playing("v1", 61_150) }]);
    assert_eq!(orders(&mut seat), [Play::Pause]);
    let line = seat.screen().lines().next().unwrap().to_owned();
    assert!(line.ends_with("Following Lena Ruiz (1:01)"), "{line}");
    here(&mut seat, vec![Attendee { leading: true, version_id: "hidden".into(), ..playing("v1", 0) }]);
    assert_eq!(orders(&mut seat), [], "what may not be heard is not followed to");
    here(&mut seat, vec![lena(PLAIN)]);
    assert!(matches!(&seat.model.notice, Some(Notice::Tell(text)) if text.contains("leads no more")));
    here(&mut seat, vec![Attendee { leading: true, ..playing("v2", 0) }]);
    assert_eq!(orders(&mut seat), [], "who leads again is followed when asked to");
}

#[test]
fn a_key_of_the_player_stops_following_and_does_its_own() {
    let mut seat = on_song((80, 24), PLAIN);
    here(&mut seat, vec![Attendee { leading: true, ..playing("v2", 60_000) }]);
    seat.press("\"");
    status(&mut seat, 60_000, true);
    seat.effects.clear();
    seat.press(" ");
    assert_eq!(orders(&mut seat), [Play::Pause]);
    here(&mut seat, vec![Attendee { leading: true, ..playing("v2", 90_000) }]);
    assert_eq!(orders(&mut seat), [], "the sound is in one's own hands");
    seat.press("\"");
    assert!(!orders(&mut seat).is_empty(), "and can be given away again");
    seat.press("\"");
    assert_eq!(seat.model.presence.follows, None);
}

#[test]
fn who_leads_shares_and_who_is_second_is_told_to_wait() {
    let mut seat = on_song((80, 24), PLAIN);
    seat.effects.clear();
    seat.press("'");
    assert!(told(&mut seat).last().is_some_and(|place| place.leading));
    assert!(seat.model.presence.shares_playhead);
    let own = Attendee { leading: true, song_id: "s0".into(), ..me(PLAIN) };
    seat.tell(Msg::Present(vec![own, lena(PLAIN)]));
    let line = seat.screen().lines().next().unwrap().to_owned();
    assert!(line.ends_with("You lead. Here: Lena Ruiz"), "{line}");
    seat.press("'");
    assert!(told(&mut seat).last().is_some_and(|place| !place.leading));
    here(&mut seat, vec![Attendee { leading: true, ..playing("v2", 1) }]);
    seat.press("'");
    assert!(seat.screen().contains("Lena Ruiz leads this song; you do when they stop."));
}
