//! Two things let somebody in: a code or the key of a known machine, and the passphrase. One of them alone opens nothing.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;

use std::sync::atomic::Ordering;

use common::{House, Seat, id_text, machine::Machine, refused};
use deadwax_domain::{Command, Role};
use deadwax_proto::v1;
use deadwax_server::{
    auth::{ADDRESS_TRIES, SESSION_IDLE, TRIES},
    config::Passphrases,
};
use tonic::Code;
use tonic_types::StatusExt as _;

const WORDS: &str = "four old tape machines";
const OTHERS: &str = "seven rusty razor blades";

/// A link for a further device of somebody who is signed in.
async fn code(of: &Seat) -> String {
    of.further().await.unwrap()
}

/// Another session for a known machine.
async fn sign_in(
    machine: &Machine,
    seat: &mut Seat,
    passphrase: &str,
) -> Result<v1::LoginResponse, tonic::Status> {
    let asked = machine.again(seat.challenge().await, passphrase);
    let answer = seat.sessions.sign_in(asked).await?.into_inner();
    seat.token.clone_from(&answer.token);
    Ok(answer)
}

async fn choose(seat: &mut Seat, current: &str, wanted: &str) -> Result<u32, tonic::Status> {
    let asked = v1::SetPassphraseRequest {
        current: current.into(),
        passphrase: wanted.into(),
        end_other_sessions: true,
        proof: seat.proof("SetPassphrase").await,
    };
    let asked = seat.with(asked);
    Ok(seat.sessions.set_passphrase(asked).await?.into_inner().sessions_ended)
}

async fn works(seat: &mut Seat) -> bool {
    let asked = seat.with(v1::WhoAmIRequest {});
    seat.sessions.who_am_i(asked).await.is_ok()
}

/// Ana with a passphrase and a machine that is known.
async fn ana(house: &House) -> (Seat, Machine) {
    let mut first = house.person("Ana", true).await;
    let (code, machine) = (code(&first).await, Machine::new());
    let mut seat = house.stranger().await;
    let answer = seat.sessions.login(machine.with_code(&code, WORDS)).await.unwrap().into_inner();
    assert!(answer.person.as_ref().unwrap().has_passphrase);
    seat.token = answer.token;
    (seat.id, seat.machine) = (first.id, Some(machine.clone()));
    let asked = first.with(v1::LogoutRequest {});
    first.sessions.logout(asked).await.unwrap();
    (seat, machine)
}

#[tokio::test]
async fn a_known_machine_signs_in_again_with_the_passphrase() {
    let house = House::open().await;
    let (mut seat, machine) = ana(&house).await;
    house.clock.0.fetch_add(31 * 24 * 3600 * 1000, Ordering::SeqCst);
    assert!(!works(&mut seat).await, "the session has run out");
    sign_in(&machine, &mut seat, WORDS).await.unwrap();
    assert!(works(&mut seat).await);
    let asked = seat.with(v1::ListSessionsRequest::default());
    let sessions = seat.sessions.list_sessions(asked).await.unwrap().into_inner().sessions;
    assert_eq!(sessions.len(), 1, "{sessions:?}");
    assert_eq!((sessions[0].device.as_str(), sessions[0].signs_in_again), ("test", true));
    // Its earlier session ends with the next.
    let earlier = seat.token.clone();
    sign_in(&machine, &mut seat, WORDS).await.unwrap();
    seat.token = earlier;
    assert!(!works(&mut seat).await);
}

#[tokio::test]
async fn neither_the_passphrase_alone_nor_the_machine_alone_opens_anything() {
    let house = House::open().await;
    let (mut seat, machine) = ana(&house).await;
    seat.token.clear();
    let stranger = refused(sign_in(&Machine::new(), &mut seat, WORDS).await, "SIGN_IN_REFUSED");
    let wrong = refused(sign_in(&machine, &mut seat, OTHERS).await, "SIGN_IN_REFUSED");
    let none = refused(sign_in(&machine, &mut seat, "").await, "SIGN_IN_REFUSED");
    let said = |status: &tonic::Status| (status.code(), status.message().to_owned());
    assert_eq!((said(&stranger), said(&wrong)), (said(&wrong), said(&none)), "which of the two is not told");
    assert_eq!(stranger.code(), Code::Unauthenticated);

    // A signature for something else, of another text, by another machine's key.
    let challenge = seat.sessions.challenge(v1::ChallengeRequest {}).await.unwrap().into_inner().challenge;
    let text = format!("deadwax challenge {challenge}\n");
    for signature in [
        machine.sign("statement@deadwax", &text),
        machine.sign("device@deadwax", "deadwax challenge 00\n"),
        Machine::new().sign("device@deadwax", &text),
        String::new(),
    ] {
        let challenge =
            seat.sessions.challenge(v1::ChallengeRequest {}).await.unwrap().into_inner().challenge;
        let asked = v1::SignInRequest {
            challenge,
            device_key: machine.line(),
            device_signature: signature,
            passphrase: WORDS.into(),
            api: 1,
        };
        refused(seat.sessions.sign_in(asked).await, "SIGN_IN_REFUSED");
    }
}

#[tokio::test]
async fn a_challenge_is_used_once() {
    let house = House::open().await;
    let (mut seat, machine) = ana(&house).await;
    let challenge = seat.sessions.challenge(v1::ChallengeRequest {}).await.unwrap().into_inner().challenge;
    let asked = v1::SignInRequest {
        device_key: machine.line(),
        device_signature: machine.sign("device@deadwax", &format!("deadwax challenge {challenge}\n")),
        challenge,
        passphrase: WORDS.into(),
        api: 1,
    };
    seat.sessions.sign_in(asked.clone()).await.unwrap();
    refused(seat.sessions.sign_in(asked).await, "SIGN_IN_REFUSED");
}

#[tokio::test]
async fn a_stolen_link_is_worth_nothing_without_the_passphrase_and_is_not_used_up_by_trying() {
    let house = House::open().await;
    let (seat, _) = ana(&house).await;
    let (code, thief) = (code(&seat).await, Machine::new());
    let mut stranger = house.stranger().await;
    refused(stranger.sessions.login(thief.with_code(&code, "")).await, "PASSPHRASE_NEEDED");
    refused(stranger.sessions.login(thief.with_code(&code, OTHERS)).await, "PASSPHRASE_WRONG");
    let phone = Machine::new();
    stranger.sessions.login(phone.with_code(&code, WORDS)).await.unwrap();
    refused(stranger.sessions.login(phone.with_code(&code, WORDS)).await, "INVITE_UNKNOWN");
}

#[tokio::test]
async fn a_machine_shows_that_it_has_the_key_it_names() {
    let house = House::open().await;
    let (seat, machine) = ana(&house).await;
    let code = code(&seat).await;
    let mut asked = Machine::new().with_code(&code, WORDS);
    asked.device_key = machine.line();
    let mut stranger = house.stranger().await;
    refused(stranger.sessions.login(asked.clone()).await, "SIGNATURE_INVALID");
    asked.device_key = "ssh-rsa AAAA".into();
    refused(stranger.sessions.login(asked).await, "KEY_INVALID");
    stranger.sessions.login(Machine::new().with_code(&code, WORDS)).await.unwrap();
}

#[tokio::test]
async fn where_the_studio_asks_for_it_everybody_chooses_a_passphrase() {
    let house = House::open_with(|config| config.access.passphrase = Passphrases::Required).await;
    let bob = house.studio.people.add("Bob", "bob@example.org", false).await.unwrap();
    let code = house.studio.people.issue_code(bob.id).await.unwrap().code.reveal().to_owned();
    let (mut stranger, machine) = (house.stranger().await, Machine::new());
    let info = stranger.sessions.get_server_info(v1::GetServerInfoRequest {}).await.unwrap().into_inner();
    assert!(info.passphrases);
    refused(stranger.sessions.login(machine.with_code(&code, "")).await, "PASSPHRASE_TO_CHOOSE");
    refused(stranger.sessions.login(machine.with_code(&code, "bob@example.org")).await, "PASSPHRASE_WEAK");
    stranger.sessions.login(machine.with_code(&code, WORDS)).await.unwrap();
}

#[tokio::test]
async fn another_passphrase_needs_the_current_one_and_may_end_everything_else() {
    let house = House::open().await;
    let (mut seat, machine) = ana(&house).await;
    let (code, phone) = (code(&seat).await, Machine::new());
    let mut other = house.stranger().await;
    other.token = other.sessions.login(phone.with_code(&code, WORDS)).await.unwrap().into_inner().token;
    refused(choose(&mut seat, "", OTHERS).await, "PASSPHRASE_WRONG");
    refused(choose(&mut seat, WORDS, "tape").await, "PASSPHRASE_WEAK");
    assert!(works(&mut other).await);
    assert_eq!(choose(&mut seat, WORDS, OTHERS).await.unwrap(), 1);
    assert!(!works(&mut other).await && works(&mut seat).await);
    refused(sign_in(&phone, &mut other, OTHERS).await, "SIGN_IN_REFUSED");
    refused(sign_in(&machine, &mut other, WORDS).await, "SIGN_IN_REFUSED");
    sign_in(&machine, &mut other, OTHERS).await.unwrap();
}

#[tokio::test]
async fn a_revoked_machine_stays_out_even_where_its_session_had_ended() {
    let house = House::open().await;
    let (mut seat, _) = ana(&house).await;
    let (code, lost) = (code(&seat).await, Machine::new());
    let mut thief = house.stranger().await;
    thief.token = thief.sessions.login(lost.with_code(&code, WORDS)).await.unwrap().into_inner().token;
    // Nobody used the lost machine; Ana worked on.
    for _ in 0..3 {
        house.clock.0.fetch_add(SESSION_IDLE.as_millis() as i64 / 2, Ordering::SeqCst);
        assert!(works(&mut seat).await);
        house.studio.people.sweep();
    }
    assert!(!works(&mut thief).await, "a session that nobody uses ends");
    let asked = seat.with(v1::ListSessionsRequest::default());
    let sessions = seat.sessions.list_sessions(asked).await.unwrap().into_inner().sessions;
    let quiet = sessions.iter().find(|it| !it.current).unwrap();
    assert!(quiet.signs_in_again && quiet.expires_ms <= house.clock.0.load(Ordering::SeqCst), "{quiet:?}");
    seat.revoke(&quiet.session_id).await.unwrap();
    refused(sign_in(&lost, &mut thief, WORDS).await, "SIGN_IN_REFUSED");
}

#[tokio::test]
async fn who_leaves_has_no_way_in_and_no_project_any_more() {
    let house = House::open().await;
    let (owner, _) = ana(&house).await;
    let project = house.project(&owner).await;
    let mut bob = house.person("Bob", false).await;
    let (code, machine) = (code(&bob).await, Machine::new());
    bob.sessions.login(machine.with_code(&code, WORDS)).await.unwrap();
    let open_link = self::code(&bob).await;
    let member = Command::AddMember { person: bob.id, roles: [Role::MixEngineer].into() };
    house.perform(&owner, project, member).await;

    let end = |id: u128| v1::EndAccessRequest {
        person_id: id_text(id),
        leave_projects: true,
        ..Default::default()
    };
    refused(bob.end_access(end(owner.id.0)).await, "NOT_YOUR_ROLE");
    refused(owner.end_access(end(owner.id.0)).await, "YOURSELF");
    refused(owner.end_access(end(77)).await, "NO_SUCH_PERSON");

    let done = owner.end_access(end(bob.id.0)).await.unwrap();
    assert_eq!((done.sessions_ended, done.projects_left, done.still_in.len()), (2, 1, 0));
    assert!(!works(&mut bob).await);
    refused(sign_in(&machine, &mut bob, WORDS).await, "SIGN_IN_REFUSED");
    refused(bob.sessions.login(machine.with_code(&open_link, WORDS)).await, "INVITE_UNKNOWN");
    let snapshot = house.studio.ledger.project(project).await.unwrap().unwrap();
    assert!(!snapshot.project.members.contains(bob.id));
    // They come back by a new invite, and choose anew.
    let code = house.studio.people.issue_code(bob.id).await.unwrap().code.reveal().to_owned();
    bob.sessions.login(machine.with_code(&code, OTHERS)).await.unwrap();
}

#[tokio::test]
async fn the_only_manager_of_a_project_stays_its_member_and_the_owner_is_told() {
    let house = House::open().await;
    let (owner, _) = ana(&house).await;
    let bob = house.person("Bob", true).await;
    house.project(&bob).await;
    let asked = v1::EndAccessRequest {
        email: house.studio.people.person(bob.id).unwrap().email,
        leave_projects: true,
        ..Default::default()
    };
    let done = owner.end_access(asked).await.unwrap();
    assert_eq!((done.projects_left, done.still_in.len()), (0, 1), "{done:?}");
}

#[tokio::test]
async fn wrong_passphrases_close_one_way_for_a_while_and_lock_nobody() {
    let house = House::open().await;
    let (mut seat, machine) = ana(&house).await;
    for _ in 0..TRIES {
        refused(sign_in(&machine, &mut seat, OTHERS).await, "SIGN_IN_REFUSED");
    }
    let closed = refused(sign_in(&machine, &mut seat, WORDS).await, "TOO_MANY_TRIES");
    assert_eq!(closed.code(), Code::ResourceExhausted);
    // Who is signed in works on, from that very address.
    assert!(works(&mut seat).await);
}

/// With a link that was stolen and from Ana's own address: everything that somebody can try who has neither her machine nor her session.
#[tokio::test]
async fn what_a_stranger_tries_keeps_nobody_out_of_a_known_machine() {
    let house = House::open().await;
    let (mut seat, machine) = ana(&house).await;
    let (stolen, thief) = (code(&seat).await, Machine::new());
    let mut stranger = house.stranger().await;
    for _ in 0..TRIES {
        refused(stranger.sessions.login(thief.with_code(&stolen, OTHERS)).await, "PASSPHRASE_WRONG");
    }
    let closed = refused(stranger.sessions.login(thief.with_code(&stolen, OTHERS)).await, "TOO_MANY_TRIES");
    assert!(
        closed.get_error_details().error_info().unwrap().metadata["retry_after_s"].parse::<u64>().unwrap()
            > 800
    );
    // Another link of hers is no further ten.
    let second = code(&seat).await;
    refused(stranger.sessions.login(thief.with_code(&second, OTHERS)).await, "TOO_MANY_TRIES");
    // Links of others are tried on: ten of those tries count for this address already.
    for _ in TRIES..ADDRESS_TRIES {
        refused(sign_in(&thief, &mut stranger, WORDS).await, "SIGN_IN_REFUSED");
    }
    refused(sign_in(&thief, &mut stranger, WORDS).await, "TOO_MANY_TRIES");
    refused(stranger.login("wrong").await, "TOO_MANY_TRIES");

    // Ana, at that very address.
    assert!(works(&mut seat).await, "her session goes on");
    sign_in(&machine, &mut seat, WORDS).await.unwrap();
    choose(&mut seat, WORDS, "quiet lamps above a river").await.unwrap();
    refused(sign_in(&machine, &mut seat, WORDS).await, "SIGN_IN_REFUSED");
    sign_in(&machine, &mut seat, "quiet lamps above a river").await.unwrap();
    // And whoever works under a stolen session has ten tries at her passphrase, which are not hers.
    let mut under_hers = seat.clone();
    for _ in 0..TRIES {
        refused(choose(&mut under_hers, OTHERS, WORDS).await, "PASSPHRASE_WRONG");
    }
    refused(choose(&mut under_hers, OTHERS, WORDS).await, "TOO_MANY_TRIES");
    sign_in(&machine, &mut seat, "quiet lamps above a river").await.unwrap();
}
