//! Signing in, inviting and ending sessions through the wire.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;

use std::{sync::atomic::Ordering, time::Duration};

use common::{House, code_of, id_text, refused, within};
use deadwax_domain::{Command, Role};
use deadwax_proto::v1;
use tonic::Code;

fn invite(project: u128, email: &str, roles: &[v1::Role]) -> v1::CreateInviteRequest {
    v1::CreateInviteRequest {
        name: "Lena Ruiz".into(),
        email: email.into(),
        project_id: id_text(project),
        roles: roles.iter().map(|role| *role as i32).collect(),
        proof: None,
    }
}

#[tokio::test]
async fn anyone_meets_the_studio_and_nobody_goes_further_without_a_session() {
    let house = House::open().await;
    let mut stranger = house.stranger().await;
    let info = stranger.sessions.get_server_info(v1::GetServerInfoRequest {}).await.unwrap().into_inner();
    assert_eq!((info.studio.as_str(), info.api_min, info.api_max), ("Gold Room", 1, 1));
    assert!(!info.read_only);
    let no = refused(stranger.sessions.who_am_i(v1::WhoAmIRequest {}).await, "SESSION_ENDED");
    assert_eq!(no.code(), Code::Unauthenticated);
    stranger.token = "dwx_00".into();
    let asked = stranger.with(v1::WhoAmIRequest {});
    refused(stranger.sessions.who_am_i(asked).await, "SESSION_ENDED");
    house.store.fail("the disk is gone");
    let info = stranger.sessions.get_server_info(v1::GetServerInfoRequest {}).await.unwrap().into_inner();
    assert!(info.read_only);
}

#[tokio::test]
async fn every_service_but_the_open_ones_asks_for_a_session() {
    let house = House::open().await;
    let mut stranger = house.stranger().await;
    let asked = v1::BeginUploadRequest::default();
    refused(stranger.media.begin_upload(asked).await, "SESSION_ENDED");
    refused(stranger.media.download(v1::DownloadRequest::default()).await, "SESSION_ENDED");
    refused(stranger.media.waveform(v1::WaveformRequest::default()).await, "SESSION_ENDED");
    refused(stranger.sessions.create_invite(v1::CreateInviteRequest::default()).await, "SESSION_ENDED");
}

#[tokio::test]
async fn a_client_of_another_age_is_told_which_side_to_update() {
    let house = House::open().await;
    let mut stranger = house.stranger().await;
    let asked = |api| v1::LoginRequest { code: "x".into(), device: "y".into(), api, ..Default::default() };
    let older = refused(stranger.sessions.login(asked(0)).await, "API_VERSION");
    assert!(older.message().contains("older"), "{older:?}");
    let newer = refused(stranger.sessions.login(asked(99)).await, "API_VERSION");
    assert!(newer.message().contains("newer"), "{newer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_code_is_one_login_however_many_try() {
    let house = House::open().await;
    let ana = house.studio.people.add("Ana", "ana@example.org", true).await.unwrap();
    let code = house.studio.people.issue_code(ana.id).await.unwrap().code.reveal().to_owned();
    let seat = house.stranger().await;
    let tries = (0..100).map(|_| {
        let (mut seat, code) = (seat.clone(), code.clone());
        tokio::spawn(async move { seat.login(&code).await })
    });
    let answers: Vec<_> = futures::future::join_all(tries).await.into_iter().map(Result::unwrap).collect();
    let won: Vec<_> = answers.iter().flatten().collect();
    assert_eq!(won.len(), 1);
    assert_eq!(house.studio.people.sessions_of(ana.id).len(), 1);
}

#[tokio::test]
async fn many_wrong_codes_are_too_many() {
    let house = House::open().await;
    let mut stranger = house.stranger().await;
    for _ in 0..deadwax_server::auth::ADDRESS_TRIES {
        refused(stranger.login("wrong").await, "INVITE_UNKNOWN");
    }
    let no = refused(stranger.login("wrong").await, "TOO_MANY_TRIES");
    assert_eq!(no.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn hostile_device_names_are_refused_and_use_up_nothing() {
    let house = House::open().await;
    let ana = house.studio.people.add("Ana", "ana@example.org", true).await.unwrap();
    let code = house.studio.people.issue_code(ana.id).await.unwrap().code.reveal().to_owned();
    let mut stranger = house.stranger().await;
    for device in ["a\u{1b}[2Jb", "a\u{202e}b", &"x".repeat(10_000)] {
        let asked =
            v1::LoginRequest { code: code.clone(), device: device.into(), api: 1, ..Default::default() };
        refused(stranger.sessions.login(asked).await, "NAME_INVALID");
    }
    stranger.login(&code).await.unwrap();
}

#[tokio::test]
async fn sessions_are_listed_and_end_at_once() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let mut bob = house.person("Bob", false).await;
    // A further device for oneself.
    let mut phone = house.stranger().await;
    phone.login(&ana.further().await.unwrap()).await.unwrap();
    assert_eq!(phone.id, ana.id);

    let asked = ana.with(v1::ListSessionsRequest::default());
    let sessions = ana.sessions.list_sessions(asked).await.unwrap().into_inner().sessions;
    assert_eq!(sessions.len(), 2);
    let other = sessions.iter().find(|session| !session.current).unwrap().session_id.clone();

    // Not somebody else's, and an absent one answers alike.
    let theirs = refused(bob.revoke(&other).await, "NO_SUCH_SESSION");
    let absent = refused(bob.revoke(&id_text(7)).await, "NO_SUCH_SESSION");
    assert_eq!(theirs.message(), absent.message());
    let asked = phone.with(v1::WhoAmIRequest {});
    let still = phone.sessions.who_am_i(asked).await;
    assert!(still.is_ok(), "what was refused was done all the same: {still:?}");
    let asked = bob.with(v1::ListSessionsRequest { person_id: id_text(ana.id.0) });
    refused(bob.sessions.list_sessions(asked).await, "NOT_YOUR_ROLE");

    ana.revoke(&other).await.unwrap();
    let asked = phone.with(v1::WhoAmIRequest {});
    refused(phone.sessions.who_am_i(asked).await, "SESSION_ENDED");

    let asked = ana.with(v1::LogoutRequest {});
    ana.sessions.logout(asked).await.unwrap();
    let asked = ana.with(v1::WhoAmIRequest {});
    refused(ana.sessions.who_am_i(asked).await, "SESSION_ENDED");
}

/// The six letters at the end of a token: the CRC-32 of everything before them, to the base of 62.
fn with_sum(body: &str) -> String {
    let letters: Vec<char> = ('0'..='9').chain('A'..='Z').chain('a'..='z').collect();
    let crc = crc32fast::hash(body.as_bytes()) as usize;
    let sum = (0..6).rev().map(|place| letters[crc / letters.len().pow(place) % letters.len()]);
    format!("{body}{}", sum.collect::<String>())
}

/// By somebody who knows how a token is built: its sum is right.
#[tokio::test]
async fn a_token_counts_to_its_last_letter() {
    let house = House::open().await;
    let ana = house.person("Ana", true).await;
    let people = &house.studio.people;
    assert!(people.caller(&ana.token).is_some());
    let (body, _) = ana.token.split_at(ana.token.len() - 6);
    assert_eq!(with_sum(body), ana.token, "the test knows how a token is built");
    for at in "dwx_session_".len()..body.len() {
        let other = if body.as_bytes()[at] == b'0' { "1" } else { "0" };
        let mut near = body.to_owned();
        near.replace_range(at..=at, other);
        let near = with_sum(&near);
        assert!(people.caller(&near).is_none(), "a token that differs at letter {at} opened the session");
        assert!(people.caller(&ana.token[..at]).is_none(), "the first {at} letters opened the session");
    }
    assert!(people.caller(&format!("{}0", ana.token)).is_none());
}

#[tokio::test]
async fn a_session_runs_out() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    house.clock.0.fetch_add(31 * 24 * 3600 * 1000, Ordering::SeqCst);
    let asked = ana.with(v1::WhoAmIRequest {});
    refused(ana.sessions.who_am_i(asked).await, "SESSION_ENDED");
}

#[tokio::test]
async fn an_invite_makes_a_member_and_a_retry_makes_no_second() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let project = house.project(&ana).await;
    let asked = || invite(project.0, "lena@label.example", &[v1::Role::Label]);
    let first = ana.with(asked());
    let first = ana.sessions.create_invite(first).await.unwrap().into_inner();
    let again = ana.with(asked());
    let again = ana.sessions.create_invite(again).await.unwrap().into_inner();
    assert_eq!(first.person_id, again.person_id);
    let snapshot = house.studio.ledger.project(project).await.unwrap().unwrap();
    assert_eq!(snapshot.project.members.len(), 2);

    let mut lena = house.stranger().await;
    lena.login(&code_of(&first.link)).await.unwrap();
    assert!(snapshot.project.holds_role(lena.id, Role::Label));
    assert!(first.link.starts_with(&format!("deadwax://{}/", house.address)), "{}", first.link);
}

#[tokio::test]
async fn a_refused_invite_makes_nobody() {
    let house = House::open().await;
    let ana = house.person("Ana", true).await;
    let project = house.project(&ana).await;
    let mut bob = house.person("Bob", false).await;
    let before = house.studio.people.list().len();
    // A stranger to the project: it does not exist for them.
    let asked = bob.with(invite(project.0, "x@example.org", &[v1::Role::Label]));
    let foreign = refused(bob.sessions.create_invite(asked).await, "NO_SUCH_PROJECT");
    let asked = bob.with(invite(12345, "x@example.org", &[v1::Role::Label]));
    let absent = refused(bob.sessions.create_invite(asked).await, "NO_SUCH_PROJECT");
    assert_eq!(foreign.message(), absent.message());
    // A member without the right.
    house
        .perform(&ana, project, Command::AddMember { person: bob.id, roles: [Role::MixEngineer].into() })
        .await;
    let asked = bob.with(invite(project.0, "x@example.org", &[v1::Role::Label]));
    refused(bob.sessions.create_invite(asked).await, "NOT_YOUR_ROLE");
    // Without a project: owners only.
    let asked = bob.with(v1::CreateInviteRequest {
        name: "X".into(),
        email: "x@example.org".into(),
        ..Default::default()
    });
    refused(bob.sessions.create_invite(asked).await, "NOT_YOUR_ROLE");
    assert_eq!(house.studio.people.list().len(), before);
}

#[tokio::test]
async fn a_manager_cannot_get_a_way_in_as_somebody_who_signs_in_already() {
    let house = House::open().await;
    let ana = house.person("Ana", true).await;
    let mut manager = house.person("Bob", false).await;
    let lena = house.person("Lena", false).await;
    let project = house.project(&ana).await;
    house
        .perform(&ana, project, Command::AddMember { person: manager.id, roles: [Role::Manager].into() })
        .await;
    let asked = manager.with(invite(project.0, "lena@example.org", &[v1::Role::Label]));
    let answer = manager.sessions.create_invite(asked).await.unwrap().into_inner();
    assert_eq!(answer.person_id, id_text(lena.id.0));
    assert_eq!(answer.link, "", "Lena is a member now and signs in with her own session");
    let snapshot = house.studio.ledger.project(project).await.unwrap().unwrap();
    assert!(snapshot.project.holds_role(lena.id, Role::Label));
}

#[tokio::test]
async fn health_and_both_reflections_answer_without_a_session() {
    use tonic_health::pb::{
        HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
    };
    use tonic_reflection::pb::{v1, v1alpha};
    let house = House::open().await;
    let channel = house.channel().await;
    for service in ["", "deadwax.v1.Sessions", "deadwax.v1.Media"] {
        let asked = HealthCheckRequest { service: service.into() };
        let answer = HealthClient::new(channel.clone()).check(asked).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service}");
    }
    let ask = v1::server_reflection_request::MessageRequest::ListServices(String::new());
    let asked = v1::ServerReflectionRequest { host: String::new(), message_request: Some(ask) };
    let mut answers = v1::server_reflection_client::ServerReflectionClient::new(channel.clone())
        .server_reflection_info(futures::stream::iter([asked]))
        .await
        .unwrap()
        .into_inner();
    let answer = format!("{:?}", answers.message().await.unwrap().unwrap());
    assert!(answer.contains("deadwax.v1.Sessions") && answer.contains("deadwax.v1.Media"), "{answer}");
    let ask = v1alpha::server_reflection_request::MessageRequest::FileContainingSymbol(
        "deadwax.v1.Sessions".into(),
    );
    let asked = v1alpha::ServerReflectionRequest { host: String::new(), message_request: Some(ask) };
    let mut answers = v1alpha::server_reflection_client::ServerReflectionClient::new(channel)
        .server_reflection_info(futures::stream::iter([asked]))
        .await
        .unwrap()
        .into_inner();
    let answer = format!("{:?}", answers.message().await.unwrap().unwrap().message_response);
    assert!(answer.contains("FileDescriptorResponse"), "{answer}");
}

#[tokio::test]
async fn the_server_stops_in_order() {
    let house = House::open().await;
    let _idle = house.person("Ana", true).await;
    house.stop.cancel();
    within(Duration::from_secs(3), "stopping", house.served).await.unwrap().unwrap();
    assert!(tokio::net::TcpStream::connect(house.address).await.is_err(), "the port is free");
}

#[tokio::test]
async fn a_manager_sees_links_that_nobody_used_and_makes_them_worthless() {
    let house = House::open().await;
    let mut ana = house.person("Ana", true).await;
    let project = house.project(&ana).await;
    let asked = ana.with(invite(project.0, "lena@example.org", &[v1::Role::Artist]));
    let link = ana.sessions.create_invite(asked).await.unwrap().into_inner().link;
    // A further device of one's own is nobody else's affair, and no invite.
    ana.further().await.unwrap();
    let of = |id: u128| v1::ListInvitesRequest { project_id: id_text(id) };
    let asked = ana.with(of(project.0));
    let invites = ana.sessions.list_invites(asked).await.unwrap().into_inner().invites;
    assert_eq!(invites.len(), 1, "{invites:?}");
    let open = &invites[0];
    assert_eq!((open.name.as_str(), open.expires_ms - open.made_ms), ("Lena Ruiz", 72 * 3_600_000));
    assert!(!link.contains(&open.invite_id.replace('-', "")), "the id tells nothing of the code");

    let mut lou = house.person("Lou", false).await;
    let asked = lou.with(of(project.0));
    refused(lou.sessions.list_invites(asked).await, "NO_SUCH_PROJECT");
    let roles = [Role::Artist].into();
    house.perform(&ana, project, Command::AddMember { person: lou.id, roles }).await;
    let asked = lou.with(of(project.0));
    refused(lou.sessions.list_invites(asked).await, "NOT_YOUR_ROLE");
    let revoke =
        |invite: &str| v1::RevokeInviteRequest { project_id: id_text(project.0), invite_id: invite.into() };
    let asked = lou.with(revoke(&open.invite_id));
    refused(lou.sessions.revoke_invite(asked).await, "NOT_YOUR_ROLE");
    let asked = ana.with(revoke(&id_text(7)));
    refused(ana.sessions.revoke_invite(asked).await, "INVITE_UNKNOWN");
    let asked = ana.with(revoke(&open.invite_id));
    ana.sessions.revoke_invite(asked).await.unwrap();
    let mut lena = house.stranger().await;
    refused(lena.login(&code_of(&link)).await, "INVITE_UNKNOWN");
    let asked = ana.with(of(project.0));
    assert!(ana.sessions.list_invites(asked).await.unwrap().into_inner().invites.is_empty());
    let asked = ana.with(revoke(&open.invite_id));
    refused(ana.sessions.revoke_invite(asked).await, "INVITE_UNKNOWN");
    let now = house.studio.ledger.project(project).await.unwrap().unwrap();
    assert_eq!(now.project.members.len(), 3, "she stays a member");
}
