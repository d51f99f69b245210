//! A link to listen, made by keys: what is offered first, what is sent, what stands on the screen once. And what becomes of it where the studio says no.

use deadwax_client::tui::{
    Effect, Failure, Msg,
    model::{Ask, Screen},
    people::{News, Order, Share},
};
use deadwax_proto::v1::{
    LinkHeard, LinkInfo, LinkOpening, LinkState, MakeLinkResponse, Role, link_scope::Of as Scope,
    row::Row as Of,
};

use crate::{
    rooms::{manager, people, shoot},
    sample::{self, HOSTILE, HOUR, LONG, NOW_MS, Names, PLAIN},
    seat::Seat,
};

const LINK: &str = "https://studio.example:8899/s#dwx_link_0123456789abcdefghjkmnpqrstvwxyz0123456789abcdefg";
const PRINT: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const PASSWORD: &str = "k7fm-q2xw-9dhr";

fn asked(seat: &mut Seat) -> Vec<Share> {
    let of = |it| match it {
        Effect::People(Order::Share(it)) => Some(*it),
        _ => None,
    };
    std::mem::take(&mut seat.effects).into_iter().filter_map(of).collect()
}

fn made(seat: &mut Seat, share: Share) {
    let answer = MakeLinkResponse {
        link_id: "l1".into(),
        link: LINK.into(),
        fingerprint: PRINT.into(),
        expires_ms: share.request.expires_ms,
        guest_id: "g1".into(),
    };
    let password = share.with_password.then(|| PASSWORD.to_owned());
    seat.tell(Msg::People(News::Made { share: Box::new(share), outcome: Ok((answer, password)) }));
}

/// The song with a manager in front of it.
fn song(size: (u16, u16), names: Names) -> Seat {
    let mut seat = manager(size, names);
    if let Screen::Project { song, .. } = seat.model.top_mut() {
        *song = Some("s0".into());
    }
    seat.press("<enter>");
    seat.effects.clear();
    seat
}

#[test]
fn screens() {
    shoot("share", |size| {
        let mut seat = song(size, PLAIN);
        seat.press("@Dana Holt<tab>");
        seat
    });
    shoot("share_long", |size| {
        let mut seat = song(size, LONG);
        seat.press("@");
        seat
    });
    shoot("share_link", |size| {
        let mut seat = song(size, PLAIN);
        seat.press("@Dana Holt<up><right><enter>");
        let share = asked(&mut seat).remove(0);
        made(&mut seat, share);
        seat
    });
    shoot("share_list", |size| {
        let mut seat = people(size, PLAIN);
        seat.tell(Msg::People(News::Shared { project_id: "P".into(), outcome: Ok(links(PLAIN)) }));
        seat.press("<end><up><up>");
        seat
    });
}

fn links(names: Names) -> Vec<LinkInfo> {
    let link = |id: &str, state: LinkState, used: u32| LinkInfo {
        link_id: id.into(),
        recipient: if names.people == PLAIN.people { "Dana Holt".into() } else { names.people[2].into() },
        scope_words: format!("Mix 2 of {}", names.project),
        made_by: names.people[0].into(),
        expires_ms: NOW_MS + 200 * HOUR,
        sessions_used: used,
        sessions_max: 3,
        state: state.into(),
        notes: true,
        heard: vec![LinkHeard { what: "Glass Hour, Mix 2".into(), percent: 80, ..LinkHeard::default() }],
        opened: (0..used)
            .map(|nth| LinkOpening {
                nth: nth + 1,
                device: "Firefox on Android".into(),
                first_ms: NOW_MS - 2 * HOUR,
                last_ms: NOW_MS - HOUR,
                open: nth == 0,
                ..LinkOpening::default()
            })
            .collect(),
        ..LinkInfo::default()
    };
    vec![link("l1", LinkState::Live, 1), link("l2", LinkState::UsedUp, 3), link("l3", LinkState::Revoked, 0)]
}

#[test]
fn what_is_on_the_screen_is_offered_first_and_the_rest_by_turning() {
    let mut seat = song((120, 40), PLAIN);
    seat.press("@");
    assert!(asked(&mut seat).is_empty());
    seat.press("<enter>");
    assert!(
        asked(&mut seat).is_empty() && seat.screen().contains("The name is still empty."),
        "{}",
        seat.screen()
    );
    seat.press("Dana Holt<enter>");
    let share = asked(&mut seat).remove(0);
    let request = &share.request;
    assert!(matches!(&request.scope.as_ref().unwrap().of, Some(Scope::VersionId(_))), "{request:?}");
    assert_eq!(request.recipient, "Dana Holt");
    assert_eq!((request.notes, request.download, request.sessions_max), (false, false, 3));
    assert_eq!(request.expires_ms - NOW_MS, 14 * 24 * HOUR);
    assert!(!share.with_password && request.password.is_empty());

    // The song, then the album; notes; four weeks; once; with a password.
    let mut seat = song((120, 40), PLAIN);
    seat.press("@Dana<tab><right><right><tab><right><tab><right><tab><left><tab><right><enter>");
    let share = asked(&mut seat).remove(0);
    let request = &share.request;
    assert_eq!(request.scope.as_ref().unwrap().of, Some(Scope::Album(true)));
    assert_eq!((request.notes, request.download, request.sessions_max), (true, false, 1));
    assert_eq!(request.expires_ms - NOW_MS, 28 * 24 * HOUR);
    assert!(share.with_password);
}

#[test]
fn the_link_and_its_password_stand_there_once_and_are_copied_each() {
    let mut seat = song((80, 24), PLAIN);
    seat.press("@Dana Holt<up><right><enter>");
    let share = asked(&mut seat).remove(0);
    made(&mut seat, share);
    seat.press_unseen("<esc>");
    assert!(
        matches!(&seat.model.prompt, Some(open) if matches!(open.ask, Ask::Link(_))),
        "not before it was seen"
    );
    seat.tell(Msg::Shown);
    let screen = seat.screen();
    for said in ["The link of Dana Holt", PASSWORD, "another way", "It opens 3 times", "hears what it names"]
    {
        assert!(screen.contains(said), "{said:?}\n{screen}");
    }
    seat.effects.clear();
    seat.press("yp");
    let copied = [Effect::Copy(LINK.into()), Effect::Copy(PASSWORD.into())];
    assert_eq!(std::mem::take(&mut seat.effects), copied);
    seat.press("<esc>");
    assert!(!seat.screen().contains("k7fm") && !seat.screen().contains("dwx_link"), "{}", seat.screen());
}

#[test]
fn a_no_of_the_studio_gives_the_form_back() {
    let mut seat = song((80, 24), PLAIN);
    seat.press("@Dana Holt<tab><right><enter>");
    let share = asked(&mut seat).remove(0);
    let no = Failure::Refused {
        reason: "LIMIT_REACHED".into(),
        text: "200 links are open.".into(),
        hint: "Revoke one.".into(),
    };
    seat.tell(Msg::People(News::Made { share: Box::new(share.clone()), outcome: Err(no) }));
    seat.tell(Msg::Shown);
    assert!(
        seat.screen().contains("200 links are open.") && seat.screen().contains("Dana Holt"),
        "{}",
        seat.screen()
    );
    seat.press("<enter>");
    let again = asked(&mut seat).remove(0);
    assert_eq!(again.request.scope, share.request.scope, "what was chosen before is chosen still");
    let cut = Failure::Offline("The line was cut.".into());
    seat.tell(Msg::People(News::Made { share: Box::new(again), outcome: Err(cut) }));
    seat.tell(Msg::Shown);
    assert!(seat.screen().contains("The line was cut."), "{}", seat.screen());
}

#[test]
fn only_whose_music_it_is_gives_it_away() {
    let mut seat = Seat::sample((80, 24), 0, PLAIN);
    let mut rows = sample::rows(0, PLAIN);
    for row in &mut rows {
        if let Some(Of::Project(it)) = &mut row.row {
            it.your_roles = vec![Role::MixEngineer.into()];
        }
    }
    seat.press("2<enter>");
    seat.rows(true, rows);
    seat.press("@");
    assert!(seat.model.prompt.is_none());
    assert!(
        seat.screen().contains("Links are made by the manager, the label and the artist."),
        "{}",
        seat.screen()
    );
}

#[test]
fn hostile_names_stay_words_and_an_old_answer_opens_nothing() {
    let mut seat = people((80, 24), HOSTILE);
    seat.tell(Msg::People(News::Shared { project_id: "P".into(), outcome: Ok(links(HOSTILE)) }));
    assert!(!seat.screen().contains('\u{202e}'), "{}", seat.screen());
    // Of another project: not shown here.
    let mut seat = people((80, 24), PLAIN);
    seat.tell(Msg::People(News::Shared { project_id: "Q".into(), outcome: Ok(links(PLAIN)) }));
    assert!(!seat.screen().contains("Share links"), "{}", seat.screen());
    seat.tell(Msg::People(News::Shared { project_id: "P".into(), outcome: Ok(links(PLAIN)) }));
    let screen = seat.screen();
    assert!(screen.contains("Share links") && !screen.contains("revoked"), "{screen}");
}

#[test]
fn revoking_asks_and_then_ends_that_link() {
    let mut seat = people((120, 40), PLAIN);
    seat.tell(Msg::People(News::Shared { project_id: "P".into(), outcome: Ok(links(PLAIN)) }));
    while !seat.screen().contains("▸ Dana Holt") {
        seat.press("<down>");
    }
    seat.effects.clear();
    seat.press("xy");
    let order = Order::RevokeShared { project_id: "P".into(), link_id: "l1".into() };
    assert_eq!(std::mem::take(&mut seat.effects), [Effect::People(order)]);
    seat.tell(Msg::People(News::SharedRevoked(Ok(()))));
    assert!(seat.screen().contains("The link is revoked."), "{}", seat.screen());
    assert!(
        seat.effects.contains(&Effect::People(Order::Shared { project_id: "P".into() })),
        "the list comes anew"
    );
}
