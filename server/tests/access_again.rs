//! A token that was taken does not change how its person signs in and puts nobody out: what does is signed by the machine of the session, once and for one call.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;

use common::{House, Seat, id_text, machine::Machine, refused};
use deadwax_domain::Role;
use deadwax_proto::v1;
use tonic::{Code, Status};

const WORDS: &str = "four old tape machines";
const CALLS: [&str; 4] = ["SetPassphrase", "CreateInvite", "RevokeSession", "EndAccess"];

/// What such a call is about: another session of the one who asks, and somebody else.
struct About {
    session: String,
    person: String,
}

async fn ask(by: &Seat, call: &str, about: &About, proof: Option<v1::Proof>) -> Result<(), Status> {
    let mut sessions = by.sessions.clone();
    let (session_id, person_id) = (about.session.clone(), about.person.clone());
    match call {
        "SetPassphrase" => {
            let asked = v1::SetPassphraseRequest { passphrase: WORDS.into(), proof, ..Default::default() };
            sessions.set_passphrase(by.with(asked)).await.map(drop)
        }
        "CreateInvite" => {
            let asked = v1::CreateInviteRequest { proof, ..Default::default() };
            sessions.create_invite(by.with(asked)).await.map(drop)
        }
        "RevokeSession" => {
            sessions.revoke_session(by.with(v1::RevokeSessionRequest { session_id, proof })).await.map(drop)
        }
        _ => {
            let asked = v1::EndAccessRequest { person_id, proof, ..Default::default() };
            sessions.end_access(by.with(asked)).await.map(drop)
        }
    }
}

async fn works(seat: &Seat) -> bool {
    seat.sessions.clone().who_am_i(seat.with(v1::WhoAmIRequest {})).await.is_ok()
}

/// Ana, an owner without a passphrase, at her machine; her phone; and Bob.
async fn three(house: &House) -> (Seat, Seat, Seat, About) {
    let ana = house.person("Ana", true).await;
    let mut phone = house.stranger().await;
    phone.login_at(Machine::new(), &ana.further().await.unwrap(), "").await.unwrap();
    let bob = house.person("Bob", false).await;
    let session = id_text(house.studio.people.caller(&phone.token).unwrap().session_id);
    let person = id_text(bob.id.0);
    (ana, phone, bob, About { session, person })
}

#[tokio::test]
async fn a_token_alone_changes_no_way_in_and_its_machine_does() {
    let house = House::open().await;
    let (ana, phone, bob, about) = three(&house).await;
    let before = house.studio.people.sessions_of(ana.id);
    for call in CALLS {
        let told = refused(ask(&ana, call, &about, None).await, "PROOF_NEEDED");
        assert_eq!(told.code(), Code::FailedPrecondition);
        assert!(
            format!("{told:?}").contains("has to be updated"),
            "a client that knows none of it: {told:?}"
        );
        // The machine of a thief, her own phone, a proof for another call, one that was changed, one that no server asked for.
        let hers = ana.machine.clone().unwrap();
        let of_a_thief = Machine::new().proof(call, ana.challenge().await);
        let of_her_phone = phone.machine.clone().unwrap().proof(call, ana.challenge().await);
        let for_another = hers.proof("SetMail", ana.challenge().await);
        let to_sign_in = hers.again(ana.challenge().await, "");
        let to_sign_in = v1::Proof {
            challenge: to_sign_in.challenge,
            device_key: to_sign_in.device_key,
            device_signature: to_sign_in.device_signature,
        };
        let changed =
            v1::Proof { challenge: ana.challenge().await, ..hers.proof(call, ana.challenge().await) };
        let invented = hers.proof(call, "00".repeat(56));
        let under_her_name = v1::Proof { device_key: hers.line(), ..of_a_thief.clone() };
        for (what, proof) in [
            ("a thief", of_a_thief),
            ("her phone", of_her_phone),
            ("another call", for_another),
            ("to sign in", to_sign_in),
            ("changed", changed),
            ("invented", invented),
            ("under her name", under_her_name),
            ("empty", v1::Proof::default()),
        ] {
            let told = refused(ask(&ana, call, &about, Some(proof)).await, "PROOF_REFUSED");
            assert_eq!(told.code(), Code::PermissionDenied, "{call}, {what}");
        }
    }
    assert_eq!(house.studio.people.sessions_of(ana.id), before);
    assert!(!house.studio.people.has_passphrase(ana.id) && works(&phone).await && works(&bob).await);

    for call in ["CreateInvite", "RevokeSession", "EndAccess", "SetPassphrase"] {
        let proof = ana.proof(call).await;
        ask(&ana, call, &about, proof.clone()).await.unwrap();
        refused(ask(&ana, "CreateInvite", &about, proof).await, "PROOF_REFUSED");
    }
    assert!(house.studio.people.has_passphrase(ana.id) && !works(&phone).await && !works(&bob).await);
}

#[tokio::test]
async fn a_session_ends_itself_by_its_token_alone() {
    let house = House::open().await;
    let (ana, phone, bob, about) = three(&house).await;
    let asked = v1::RevokeSessionRequest { session_id: about.session, proof: None };
    phone.sessions.clone().revoke_session(phone.with(asked)).await.unwrap();
    bob.sessions.clone().logout(bob.with(v1::LogoutRequest {})).await.unwrap();
    assert!(!works(&phone).await && !works(&bob).await && works(&ana).await);
}

/// As a program's token is, or that of a client from before machines had keys.
#[tokio::test]
async fn a_session_without_a_machines_key_works_and_changes_no_way_in() {
    let house = House::open().await;
    let (ana, phone, bob, about) = three(&house).await;
    let code = ana.further().await.unwrap();
    let mut program = house.stranger().await;
    program.login(&code).await.unwrap();
    for call in CALLS {
        refused(ask(&program, call, &about, None).await, "NO_MACHINE_KEY");
        // A key that the session did not begin with makes no difference, whosever it is.
        let proof = ana.machine.clone().unwrap().proof(call, program.challenge().await);
        refused(ask(&program, call, &about, Some(proof)).await, "NO_MACHINE_KEY");
    }
    assert!(works(&phone).await && works(&bob).await && !house.studio.people.has_passphrase(ana.id));
    // It may do its work all the same: somebody new is invited.
    let (name, email) = ("Eva".into(), "eva@example.org".into());
    let asked = v1::CreateInviteRequest { name, email, ..Default::default() };
    let made = program.sessions.clone().create_invite(program.with(asked)).await.unwrap().into_inner();
    assert!(!made.link.is_empty());
    program.sessions.clone().logout(program.with(v1::LogoutRequest {})).await.unwrap();
    assert!(!works(&program).await);
}

#[tokio::test]
async fn a_link_for_somebody_who_signs_in_already_wants_more_than_an_owners_token() {
    let house = House::open().await;
    let (ana, _, bob, _) = three(&house).await;
    let invite = |email: &str, project: &str, roles: &[v1::Role], proof| v1::CreateInviteRequest {
        name: "Somebody".into(),
        email: email.into(),
        project_id: project.into(),
        roles: roles.iter().map(|role| *role as i32).collect(),
        proof,
    };
    let made = async |asked| ana.sessions.clone().create_invite(ana.with(asked)).await;
    // An owner who has never come in: their link would be an owner's way in.
    house.studio.people.add("Carla", "carla@example.org", true).await.unwrap();
    for email in ["bob@example.org", "carla@example.org", "ana@example.org"] {
        refused(made(invite(email, "", &[], None)).await, "PROOF_NEEDED");
        let proof = ana.proof("CreateInvite").await;
        assert!(!made(invite(email, "", &[], proof)).await.unwrap().into_inner().link.is_empty());
    }
    // Into a project they come without a link, which they do not need.
    let project = house.project(&ana).await;
    let (id, roles) = (id_text(project.0), [v1::Role::Artist]);
    let wrong = Some(v1::Proof::default());
    refused(made(invite("bob@example.org", &id, &roles, wrong)).await, "PROOF_REFUSED");
    assert!(made(invite("bob@example.org", &id, &roles, None)).await.unwrap().into_inner().link.is_empty());
    let now = house.studio.ledger.project(project).await.unwrap().unwrap();
    assert!(now.project.roles_of(bob.id).is_some_and(|held| held.contains(&Role::Artist)));
    let proof = ana.proof("CreateInvite").await;
    let again = made(invite("bob@example.org", &id, &roles, proof)).await.unwrap().into_inner();
    assert!(!again.link.is_empty());
    // Nor is a new person anybody's way in yet.
    assert!(!made(invite("new@example.org", &id, &roles, None)).await.unwrap().into_inner().link.is_empty());
}
