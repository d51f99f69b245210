//! What reaches the hash of a passphrase. Here and not beside the wire, because only here the hashes can be counted.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, rand_core::OsRng};

use super::*;
use crate::store::MemoryStore;

const WORDS: &str = "four old tape machines";
const WRONG: &str = "seven rusty razor blades";

struct Hand(AtomicI64);

impl Clock for Hand {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

struct Machine(PrivateKey);

impl Machine {
    fn line(&self) -> String {
        self.0.public_key().to_openssh().unwrap()
    }

    fn sign(&self, text: &str) -> String {
        let signed = self.0.sign(device::NAMESPACE, HashAlg::Sha512, text.as_bytes()).unwrap();
        signed.to_pem(LineEnding::LF).unwrap()
    }
}

/// Ana, her machine, and her session.
async fn ana() -> (Arc<People>, Arc<Machine>, Opened) {
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let clock: Arc<dyn Clock> = Arc::new(Hand(AtomicI64::new(1_000)));
    let people = People::open(store, clock, CancellationToken::new()).await.unwrap();
    let ana = people.add("Ana", "ana@example.org", true).await.unwrap().id;
    let machine = Arc::new(Machine(PrivateKey::random(&mut OsRng, Algorithm::Ed25519).unwrap()));
    let issued = people.issue_code(ana).await.unwrap();
    let asked = Redeem {
        code: issued.code.reveal(),
        device: "laptop",
        passphrase: WORDS,
        key: &machine.line(),
        signature: &machine.sign(&device::text_of_code(&issued.code.hash())),
        ..Redeem::default()
    };
    let opened = people.redeem(asked).await.unwrap();
    (people, machine, opened)
}

async fn with_code(people: &People, code: &str, passphrase: &str) -> Result<Opened, AuthError> {
    people.redeem(Redeem { code, device: "x", passphrase, ..Redeem::default() }).await
}

async fn with_machine(people: &People, machine: &Machine, passphrase: &str) -> Result<Opened, AuthError> {
    let challenge = people.challenge().unwrap();
    let signature = machine.sign(&device::text_of_challenge(&challenge));
    let (key, address) = (machine.line(), Some(IpAddr::from([192, 0, 2, 1])));
    let (challenge, key, signature) = (challenge.as_str(), key.as_str(), signature.as_str());
    people.sign_in(Again { challenge, key, signature, passphrase, address }).await
}

/// What a hundred of these at once were told: hashed, wrong, turned away before that; in this order.
async fn hundred<T: Send + 'static>(
    people: &Arc<People>,
    one: impl Fn() -> futures::future::BoxFuture<'static, Result<T, AuthError>>,
) -> [usize; 3] {
    let before = people.hasher.begun.load(Ordering::SeqCst);
    let all = futures::future::join_all((0..100).map(|_| tokio::spawn(one()))).await;
    let told = |is: fn(&AuthError) -> bool| {
        all.iter().filter(|it| it.as_ref().unwrap().as_ref().is_err_and(is)).count()
    };
    let wrong = told(|it| matches!(it, AuthError::PassphraseWrong | AuthError::SignInRefused));
    let turned = told(|it| matches!(it, AuthError::TooManyTries { .. }));
    [people.hasher.begun.load(Ordering::SeqCst) - before, wrong, turned]
}

/// Gate TRIES.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_a_hundred_wrong_ones_at_once_ten_are_hashed() {
    use futures::FutureExt as _;
    let (people, machine, opened) = ana().await;
    let code: Arc<str> = people.issue_code(opened.person.id).await.unwrap().code.reveal().into();
    let by_code = hundred(&people, || {
        let (people, code) = (people.clone(), code.clone());
        async move { with_code(&people, &code, WRONG).await }.boxed()
    });
    assert_eq!(by_code.await, [10, 10, 90]);
    assert!(matches!(with_code(&people, &code, WORDS).await, Err(AuthError::TooManyTries { wait_s: 800.. })));

    // The stranger's tries are not the machine's, nor those of a session; each of these has ten of its own.
    let by_session = hundred(&people, || {
        let (people, session) = (people.clone(), opened.session_id);
        async move { people.set_passphrase(session, WRONG, WORDS, false, Shown::default()).await }.boxed()
    });
    assert_eq!(by_session.await, [10, 10, 90]);
    let by_machine = hundred(&people, || {
        let (people, machine) = (people.clone(), machine.clone());
        async move { with_machine(&people, &machine, WRONG).await }.boxed()
    });
    assert_eq!(by_machine.await, [10, 10, 90]);
    println!(
        "#gate TRIES held 100 wrong passphrases at once, each of 3 ways: 10 hashed, 90 turned away before"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_right_counts_nowhere_however_often() {
    let (people, machine, opened) = ana().await;
    for _ in 0..2 * TRIES {
        with_machine(&people, &machine, WORDS).await.unwrap();
    }
    for _ in 0..TRIES - 1 {
        assert!(matches!(with_machine(&people, &machine, WRONG).await, Err(AuthError::SignInRefused)));
    }
    with_machine(&people, &machine, WORDS).await.unwrap();
    // Nor what was no guess: a passphrase that is too weak, none at all.
    let bob = people.add("Bob", "bob@example.org", false).await.unwrap().id;
    let code = people.issue_code(bob).await.unwrap().code;
    for _ in 0..2 * TRIES {
        assert!(matches!(with_code(&people, code.reveal(), "weak").await, Err(AuthError::PassphraseWeak(_))));
    }
    let hers = people.issue_code(opened.person.id).await.unwrap().code;
    for _ in 0..2 * TRIES {
        let asked = with_code(&people, hers.reveal(), "").await;
        assert!(matches!(asked, Err(AuthError::PassphraseNeeded { .. })));
    }
    with_code(&people, hers.reveal(), WORDS).await.unwrap();
}

/// A session that is used at one server does not end at the others for want of use; one that nobody uses ends at all of them.
#[cfg(feature = "postgres")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_used_anywhere_ends_nowhere() {
    use crate::store::postgres::tests::{opened, place};
    const DAY_MS: i64 = 24 * 3600 * 1000;
    let Some(options) = place() else { return };
    let clock = Arc::new(Hand(AtomicI64::new(1_000)));
    let (mut servers, closing) = (Vec::new(), CancellationToken::new());
    for _ in 0..2 {
        let (store, clock): (_, Arc<dyn Clock>) = (opened(&options).await, clock.clone());
        servers.push(People::open(store, clock, closing.clone()).await.unwrap());
    }
    let (here, there) = (&servers[0], &servers[1]);
    let ana = here.add("Ana", "ana@example.org", true).await.unwrap().id;
    let mut tokens = Vec::new();
    for server in [here, there] {
        let code = server.issue_code(ana).await.unwrap().code;
        tokens.push(with_code(there, code.reveal(), "").await.unwrap().token);
    }
    for _ in 0..10 {
        clock.0.fetch_add(DAY_MS, Ordering::SeqCst);
        here.look().await.unwrap();
        assert!(here.caller(tokens[0].reveal()).is_some());
        for server in [here, there] {
            server.share_uses().await;
            server.sweep();
        }
    }
    there.look().await.unwrap();
    assert!(there.caller(tokens[0].reveal()).is_some(), "used every day, at the other server");
    for server in [here, there] {
        assert!(server.caller(tokens[1].reveal()).is_none(), "used nowhere for ten days");
    }
}
