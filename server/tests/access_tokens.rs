//! Tokens and codes at rest: what a studio's folder holds of them opens nothing, and what released servers gave out goes on to work. How they are made and read is tested beside them
//! (`auth/secret.rs`).
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{
    collections::HashSet,
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use bytes::Bytes;
use deadwax_domain::{LinkId, PersonId, ProjectId};
use deadwax_proto::ledger::v1::{self as stored, StudioFact, studio_fact::Fact};
use deadwax_server::{
    admin,
    auth::{CODE_TTL, KeepLink, People, Redeem, SESSION_TTL, secret},
    config::Config,
    ledger::Clock,
    store::{Append, CommandKey, MemoryStore, STUDIO, Store},
};
use prost::Message as _;
use tokio_util::sync::CancellationToken;

#[derive(Default)]
struct Hand(AtomicI64);

impl Clock for Hand {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

async fn people(store: Arc<dyn Store>, clock: &Arc<Hand>) -> Arc<People> {
    People::open(store, clock.clone(), CancellationToken::new()).await.unwrap()
}

fn full() -> bool {
    std::env::var("DEADWAX_TEST_TRUST").is_ok_and(|form| form == "full")
}

/// A piece of a secret that does not occur by chance.
const PIECE: usize = 16;

/// Pieces of what was given out that stand anywhere in the files below, and how many bytes those have.
fn found(folder: &Path, pieces: &HashSet<&[u8]>) -> (usize, usize) {
    let (mut hits, mut bytes) = (0, 0);
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            let (more, read) = found(&entry.path(), pieces);
            (hits, bytes) = (hits + more, bytes + read);
        } else {
            let text = fs::read(entry.path()).unwrap();
            bytes += text.len();
            hits += text.windows(PIECE).filter(|window| pieces.contains(window)).count();
        }
    }
    (hits, bytes)
}

/// What opens a link of theirs.
async fn link(people: &People, by: PersonId) -> String {
    let keep = KeepLink {
        link: LinkId(uuid::Uuid::now_v7().as_u128()),
        guest: PersonId(uuid::Uuid::now_v7().as_u128()),
        recipient: "Dana Holt".into(),
        project: ProjectId(7),
        by,
        expires_ms: 1_000_000,
        sessions_max: 3,
        phc: None,
    };
    people.keep_link(keep).await.unwrap().reveal().to_owned()
}

/// Gate TOKENS.
#[tokio::test]
async fn no_token_that_was_given_out_stands_in_the_folder() {
    let wanted = if full() { 10_000 } else { 300 };
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(Hand::default());
    let (mut given, mut links) = (Vec::new(), Vec::new());
    {
        let store = admin::open_store(folder.path(), &Config::default()).unwrap();
        let people = people(store, &clock).await;
        let mut person = None;
        while given.len() < wanted {
            // Sixty sessions of one person are enough.
            if given.len() % 120 == 0 {
                let email = format!("p{}@example.org", given.len());
                person = Some(people.add("Ana", &email, false).await.unwrap().id);
            }
            let code = people.issue_code(person.unwrap()).await.unwrap().code;
            let asked = Redeem { code: code.reveal(), device: "x", ..Redeem::default() };
            let opened = people.redeem(asked).await.unwrap();
            assert!(people.caller(opened.token.reveal()).is_some(), "it is alive");
            given.extend([code.reveal().to_owned(), opened.token.reveal().to_owned()]);
            if given.len() % 20 == 0 {
                links.push(link(&people, person.unwrap()).await);
            }
        }
        given.append(&mut links);
    }
    // Of each secret the beginning, the middle and the end of what was drawn: whatever way it was written.
    let drawn = given.iter().map(|text| text.rsplit('_').next().unwrap().as_bytes());
    let pieces: HashSet<&[u8]> =
        drawn.flat_map(|it| [&it[..PIECE], &it[16..32], &it[it.len() - PIECE..]]).collect();
    let (hits, bytes) = found(folder.path(), &pieces);
    assert_eq!(hits, 0, "in {bytes} bytes");
    // The search itself: one that somebody wrote down is found.
    fs::write(folder.path().join("note"), format!("by the way: {}", given[7])).unwrap();
    assert!(found(folder.path(), &pieces).0 >= 3);
    println!("#gate TOKENS held {} tokens and codes, 0 of them in {bytes} bytes of the folder", given.len());
}

#[tokio::test]
async fn a_token_and_a_code_of_a_released_server_work_until_they_end() {
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(Hand(AtomicI64::new(1_000))));
    let ana = people(store.clone(), &clock).await.add("Ana", "ana@example.org", true).await.unwrap();
    let (token, code) = (format!("dwx_{}", "5a".repeat(32)), "c0de".repeat(10));
    let person_id = ana.id.0.to_be_bytes().to_vec();
    // As such a server wrote them.
    let facts = [
        Fact::SessionOpened(stored::SessionOpened {
            session_id: 7_u128.to_be_bytes().to_vec(),
            token_sha256: secret::hash(&token).to_vec(),
            person_id: person_id.clone(),
            expires_ms: 1_000 + SESSION_TTL.as_millis() as i64,
            ..stored::SessionOpened::default()
        }),
        Fact::CodeIssued(stored::CodeIssued {
            code_sha256: secret::hash(&code).to_vec(),
            person_id,
            expires_ms: 1_000 + CODE_TTL.as_millis() as i64,
        }),
    ];
    let entries =
        facts.map(|fact| Bytes::from(StudioFact { at_ms: 1_000, fact: Some(fact) }.encode_to_vec()));
    let expected = store.read(STUDIO, 0, 100).await.unwrap().len() as u64;
    let append = Append {
        stream: STUDIO,
        expected,
        command: CommandKey { id: 1, request_sha256: [0; 32] },
        entries: entries.to_vec(),
        claims: Vec::new(),
        desk: Vec::new(),
    };
    store.append(append).await.unwrap();

    let people = people(store, &clock).await;
    assert_eq!(people.caller(&token).unwrap().person.id, ana.id);
    let opened = people.redeem(Redeem { code: &code, device: "x", ..Redeem::default() }).await.unwrap();
    assert!(opened.token.reveal().starts_with("dwx_session_"), "what is given out now has the new form");
    assert!(people.redeem(Redeem { code: &code, device: "x", ..Redeem::default() }).await.is_err(), "once");
    clock.0.fetch_add(SESSION_TTL.as_millis() as i64, Ordering::SeqCst);
    assert!(people.caller(&token).is_none(), "it ends when it was to end");
}
