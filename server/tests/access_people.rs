//! People, codes and sessions over the store: what is kept, what works once, what ends when.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use deadwax_server::{
    auth::{ADDRESS_TRIES, AuthError, CODE_TTL, People, Redeem, SESSION_TTL},
    ledger::Clock,
    store::{MemoryStore, STUDIO, Store},
};
use tokio_util::sync::CancellationToken;

#[derive(Default)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

struct House {
    store: Arc<MemoryStore>,
    clock: Arc<Hand>,
    people: Arc<People>,
}

async fn open(store: &Arc<MemoryStore>, clock: &Arc<Hand>) -> Arc<People> {
    let (store, clock): (Arc<dyn Store>, Arc<dyn Clock>) = (store.clone(), clock.clone());
    People::open(store, clock, CancellationToken::new()).await.unwrap()
}

async fn house() -> House {
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(Hand(AtomicI64::new(1_000_000))));
    let people = open(&store, &clock).await;
    House { store, clock, people }
}

/// Everything that the studio's stream holds, as bytes.
async fn stored(store: &MemoryStore) -> Vec<u8> {
    let entries = store.read(STUDIO, 0, 10_000).await.unwrap();
    entries.into_iter().filter_map(|entry| entry.payload).flatten().collect()
}

fn holds(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle.as_bytes())
}

#[tokio::test]
async fn a_code_works_once_and_the_token_after_a_restart_too() {
    let house = house().await;
    let ana = house.people.add("Ana", "Ana@example.org", true).await.unwrap();
    let issued = house.people.issue_code(ana.id).await.unwrap();
    let opened = house
        .people
        .redeem(Redeem { code: issued.code.reveal(), device: "laptop", address: None, ..Redeem::default() })
        .await
        .unwrap();
    assert_eq!(opened.person.email, "ana@example.org");
    let again = house
        .people
        .redeem(Redeem { code: issued.code.reveal(), device: "laptop", address: None, ..Redeem::default() })
        .await;
    assert!(matches!(again, Err(AuthError::CodeUnknown)));

    let people = open(&house.store, &house.clock).await;
    assert_eq!(people.caller(opened.token.reveal()).unwrap().person, ana);
    let again = people
        .redeem(Redeem { code: issued.code.reveal(), device: "laptop", address: None, ..Redeem::default() })
        .await;
    assert!(matches!(again, Err(AuthError::CodeUnknown)), "used codes stay used after a restart");
    assert!(people.caller("dwx_wrong").is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_who_try_one_code_exactly_one_wins() {
    let house = house().await;
    let ana = house.people.add("Ana", "ana@example.org", true).await.unwrap();
    let code = house.people.issue_code(ana.id).await.unwrap().code.reveal().to_owned();
    // Two processes' worth of memory over one store: the claim decides, not a lock.
    let other = open(&house.store, &house.clock).await;
    let tries = (0..100).map(|n| {
        let people = if n % 2 == 0 { house.people.clone() } else { other.clone() };
        let code = code.clone();
        tokio::spawn(async move {
            people
                .redeem(Redeem { code: &code, device: "x", address: None, ..Redeem::default() })
                .await
                .is_ok()
        })
    });
    let won = futures::future::join_all(tries).await.into_iter().filter(|won| *won.as_ref().unwrap()).count();
    assert_eq!(won, 1);
}

#[tokio::test]
async fn codes_and_sessions_expire() {
    let house = house().await;
    let ana = house.people.add("Ana", "ana@example.org", true).await.unwrap();
    let late = house.people.issue_code(ana.id).await.unwrap();
    let good = house.people.issue_code(ana.id).await.unwrap();
    let opened = house
        .people
        .redeem(Redeem { code: good.code.reveal(), device: "x", address: None, ..Redeem::default() })
        .await
        .unwrap();
    let caller = house.people.caller(opened.token.reveal()).unwrap();

    house.clock.0.fetch_add(CODE_TTL.as_millis() as i64, Ordering::SeqCst);
    let expired = house
        .people
        .redeem(Redeem { code: late.code.reveal(), device: "x", address: None, ..Redeem::default() })
        .await;
    assert!(matches!(expired, Err(AuthError::CodeUnknown)));

    house.clock.0.fetch_add(SESSION_TTL.as_millis() as i64, Ordering::SeqCst);
    assert!(house.people.caller(opened.token.reveal()).is_none());
    assert!(!caller.ended.is_cancelled());
    house.people.sweep();
    assert!(caller.ended.is_cancelled(), "open streams hear of it");
}

#[tokio::test]
async fn an_email_is_one_person_for_the_whole_studio() {
    let house = house().await;
    house.people.add("Ana", "ana@example.org", true).await.unwrap();
    let second = house.people.add("Other", "ANA@example.org", false).await;
    assert!(matches!(second, Err(AuthError::EmailTaken)));
    for (name, email) in [("", "b@x"), ("B\u{202e}", "b@x"), ("B", "b"), ("B\u{1b}[2J", "b@x")] {
        assert!(house.people.add(name, email, false).await.is_err(), "{name:?} {email:?}");
    }
    let long = "x".repeat(10_000);
    assert!(house.people.add(&long, "b@x", false).await.is_err());
    assert_eq!(house.people.list().len(), 1);
}

#[tokio::test]
async fn no_secret_is_stored() {
    let house = house().await;
    let ana = house.people.add("Ana", "ana@example.org", true).await.unwrap();
    let issued = house.people.issue_code(ana.id).await.unwrap();
    let opened = house
        .people
        .redeem(Redeem { code: issued.code.reveal(), device: "laptop", address: None, ..Redeem::default() })
        .await
        .unwrap();
    let bytes = stored(&house.store).await;
    assert!(holds(&bytes, "laptop"), "the search itself works");
    assert!(!holds(&bytes, issued.code.reveal()));
    assert!(!holds(&bytes, opened.token.reveal()));
    assert!(!holds(&bytes, opened.token.reveal().trim_start_matches("dwx_session_")));
}

#[tokio::test]
async fn a_redacted_person_leaves_no_name_and_may_come_back() {
    let house = house().await;
    house.people.add("Owner", "owner@example.org", true).await.unwrap();
    let ana = house.people.add("Ana Canary", "ana@canary.example", false).await.unwrap();
    let issued = house.people.issue_code(ana.id).await.unwrap();
    let spare = house.people.issue_code(ana.id).await.unwrap();
    let opened = house
        .people
        .redeem(Redeem {
            code: issued.code.reveal(),
            device: "canary-laptop",
            address: None,
            ..Redeem::default()
        })
        .await
        .unwrap();
    let caller = house.people.caller(opened.token.reveal()).unwrap();

    house.people.redact(ana.id).await.unwrap();
    assert!(caller.ended.is_cancelled() && house.people.caller(opened.token.reveal()).is_none());
    assert!(
        house
            .people
            .redeem(Redeem { code: spare.code.reveal(), device: "x", address: None, ..Redeem::default() })
            .await
            .is_err()
    );
    assert_eq!(house.people.directory().name(ana.id), "somebody who left");
    let bytes = stored(&house.store).await;
    for word in ["Ana Canary", "ana@canary.example", "canary-laptop"] {
        assert!(!holds(&bytes, word), "{word}");
    }
    let people = open(&house.store, &house.clock).await;
    assert_eq!(people.directory().name(ana.id), "somebody who left");
    let back = people.add("Ana", "ana@canary.example", false).await.unwrap();
    assert_ne!(back.id, ana.id);
}

#[tokio::test]
async fn the_last_owner_stays() {
    let house = house().await;
    let ana = house.people.add("Ana", "ana@example.org", true).await.unwrap();
    assert!(matches!(house.people.redact(ana.id).await, Err(AuthError::LastOwner)));
    assert!(house.people.person(ana.id).is_some());
}

#[tokio::test]
async fn wrong_codes_close_an_address_and_nobody_elses() {
    let house = house().await;
    let ana = house.people.add("Ana", "ana@example.org", true).await.unwrap();
    let issued = house.people.issue_code(ana.id).await.unwrap();
    let (here, there): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
    for _ in 0..ADDRESS_TRIES {
        let wrong = house
            .people
            .redeem(Redeem { code: "wrong", device: "x", address: Some(here), ..Redeem::default() })
            .await;
        assert!(matches!(wrong, Err(AuthError::CodeUnknown)));
    }
    let closed = house
        .people
        .redeem(Redeem { code: issued.code.reveal(), device: "x", address: Some(here), ..Redeem::default() })
        .await;
    assert!(matches!(closed, Err(AuthError::TooManyTries { wait_s }) if wait_s > 800));
    assert!(
        house
            .people
            .redeem(Redeem {
                code: issued.code.reveal(),
                device: "x",
                address: Some(there),
                ..Redeem::default()
            })
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn nothing_is_acknowledged_after_the_disk_failed() {
    let house = house().await;
    let ana = house.people.add("Ana", "ana@example.org", true).await.unwrap();
    let issued = house.people.issue_code(ana.id).await.unwrap();
    house.store.fail("the disk is gone");
    let opened = house
        .people
        .redeem(Redeem { code: issued.code.reveal(), device: "x", address: None, ..Redeem::default() })
        .await;
    assert!(matches!(opened, Err(AuthError::Append(_))));
    assert!(house.people.sessions_of(ana.id).is_empty());
}
