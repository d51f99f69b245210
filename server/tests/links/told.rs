//! What is told of links to those who answer for them: who opened which when, what was heard and fetched, and that the book of what left names the recipient.

use std::sync::atomic::Ordering;

use deadwax_proto::v1::{self, link_scope::Of, projects_client::ProjectsClient};

use crate::{
    common::{Seat, id_text, refused},
    media_kit,
    room::{Room, open, secret_of},
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_tells_who_opened_what_and_the_book_names_the_recipient() {
    let room = Room::open().await;
    let all = |asked: &mut v1::MakeLinkRequest| asked.download = true;
    let made = room.make(&room.label, room.scope(0), all).await.unwrap();
    let (first, _) = open(&room.house, &made, "").await.unwrap();
    room.listen(&first, room.asked(0)).await.unwrap();
    let report = v1::ReportHeardRequest {
        project_id: id_text(room.project.0),
        version_id: id_text(room.takes[0].0),
        ranges: vec![v1::HeardRange { start_ms: 0, end_ms: 500 }],
        ..v1::ReportHeardRequest::default()
    };
    first.media.clone().report_heard(first.with(report)).await.unwrap();
    room.house.clock.0.fetch_add(60_000, Ordering::SeqCst);
    let (second, _) = open(&room.house, &made, "").await.unwrap();
    media_kit::download(&mut second.clone(), room.asked(0)).await.unwrap();
    let asked = first.with(v1::LogoutRequest {});
    first.sessions.clone().logout(asked).await.unwrap();
    room.house.studio.egress.flush().await;

    let links = room.list(&room.label).await.unwrap();
    let link = &links[0];
    assert_eq!((link.recipient.as_str(), link.made_by.as_str()), ("Dana Holt", "Lena Ruiz"));
    assert_eq!(link.scope_words, "Take 1 of \"Ember\"");
    assert_eq!((link.sessions_used, link.sessions_max, link.download), (2, 3, true));
    assert_eq!(link.state(), v1::LinkState::Live);
    let [once, twice] = &link.opened[..] else { panic!("{:?}", link.opened) };
    assert_eq!((once.nth, once.open, once.device.as_str()), (1, false, ""));
    assert_eq!((twice.nth, twice.open, twice.device.as_str()), (2, true, "Firefox on Android"));
    assert_eq!(twice.first_ms, once.first_ms + 60_000);
    let given = |opening: &v1::LinkOpening| {
        let one = &opening.received[..];
        (one.len(), one[0].way.clone(), one[0].what.clone())
    };
    assert_eq!(given(once), (1, "listen".into(), "\"Ember\", Take 1".into()));
    assert_eq!(given(twice), (1, "download".into(), "\"Ember\", Take 1".into()));
    assert_eq!(twice.received[0].sent_bytes, 1000);
    assert_eq!(link.heard.len(), 1);
    assert_eq!((link.heard[0].percent, link.heard[0].version_id.clone()), (50, id_text(room.takes[0].0)));
    // The secret is in none of it.
    assert!(!format!("{links:?}").contains(&secret_of(&made)));

    let book = room.received(&room.manager).await;
    let ways: Vec<(&str, &str)> = book.iter().map(|it| (it.name.as_str(), it.way.as_str())).collect();
    assert_eq!(ways, [("Dana Holt", "download"), ("Dana Holt", "listen")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manager_sees_all_links_others_their_own_and_those_who_make_none_no_list() {
    let room = Room::open().await;
    let labels = room.make(&room.label, room.scope(0), |_| {}).await.unwrap();
    let managers = room.make(&room.manager, Of::Album(true), |_| {}).await.unwrap();
    let ids = async |seat: &Seat| -> Vec<String> {
        room.list(seat).await.unwrap().into_iter().map(|link| link.link_id).collect()
    };
    let mut all = ids(&room.manager).await;
    all.sort();
    let mut both = vec![labels.link_id.clone(), managers.link_id.clone()];
    both.sort();
    assert_eq!(all, both);
    assert_eq!(ids(&room.label).await, std::slice::from_ref(&labels.link_id));
    refused(room.list(&room.mixer).await, "NOT_YOUR_ROLE");
    refused(room.revoke(&room.label, &managers.link_id).await, "NO_SUCH_LINK");
    refused(room.revoke(&room.mixer, &labels.link_id).await, "NO_SUCH_LINK");
    room.revoke(&room.manager, &labels.link_id).await.unwrap();
    let told = async |seat: &Seat| -> Vec<String> {
        let asked = v1::HistoryRequest { project_id: id_text(room.project.0), ..Default::default() };
        let mut projects = ProjectsClient::new(seat.channel.clone());
        let history = projects.history(seat.with(asked)).await.unwrap().into_inner();
        let of_links = history.entries.into_iter().filter(|it| it.code.starts_with("LINK_"));
        of_links.map(|it| it.text).collect()
    };
    let managers = told(&room.manager).await;
    assert_eq!(managers[0], "Olga Brandt ended the link of Dana Holt.");
    assert!(
        managers[1].starts_with("Olga Brandt made a link for Dana Holt to hear the album, until 2026-12-")
    );
    assert_eq!(managers.len(), 3);
    assert_eq!(told(&room.label).await.len(), 2, "their own, and that it was ended");
    assert!(told(&room.mixer).await.is_empty());
}
