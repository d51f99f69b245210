//! Facts from engine to engine and back, with a store at work beside the mover and a mover that is begun again and again. Goal: what the first engine answered, the
//! last one answers. Method: a random history with commands of no entries, claims, desks and redactions. Never here: processes, which `server/tests/moves` has.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use super::{
    audio::Audio,
    facts::{Facts, Source, Target, journal},
};
use crate::{
    blob::{
        far::shed,
        moved::{Giver, Taker},
    },
    keep::blob_path,
    store::{
        Append, AppendError, DeskChange, EmbeddedStore, Store, StreamId,
        conformance::{Dice, append},
        embedded::{self, Options, carry::Filling},
    },
};

const STREAMS: u64 = 5;
const OWNERS: u64 = 3;

/// What was done, to be asked for again.
#[derive(Default)]
struct History {
    done: Vec<(Append, u64)>,
    redacted: BTreeSet<(u128, u64)>,
    claimed: Vec<Bytes>,
}

impl History {
    async fn go_on(&mut self, store: &dyn Store, dice: &mut Dice, steps: usize) {
        for _ in 0..steps {
            let stream = u128::from(dice.below(STREAMS));
            let head = store.head(StreamId(stream)).await.unwrap();
            if head > 0 && dice.below(9) == 0 {
                let seq = 1 + dice.below(head);
                store.redact(StreamId(stream), seq).await.unwrap();
                self.redacted.insert((stream, seq));
                continue;
            }
            let id = u128::from(dice.roll());
            let texts: Vec<String> = (0..dice.below(4)).map(|n| format!("{id} {n}")).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let mut asked = append(stream, head, id, &texts);
            if dice.below(3) == 0 {
                asked.claims = vec![Bytes::from(format!("claim {id}"))];
                self.claimed.extend(asked.claims.iter().cloned());
            }
            for _ in 0..dice.below(3) {
                let row = (dice.below(3) > 0).then(|| Bytes::from(format!("row {}", dice.roll())));
                let (owner, key) =
                    (u128::from(dice.below(OWNERS)), Bytes::from(format!("key {}", dice.below(6))));
                asked.desk.push(DeskChange { owner, key, row });
            }
            let done = store.append(asked.clone()).await.unwrap();
            self.done.push((asked, done.last_seq));
        }
    }

    /// The same as `model` in everything that can be asked.
    async fn must_stand(&self, store: &dyn Store, desks: &[Vec<(Bytes, Bytes)>]) {
        for (asked, last_seq) in &self.done {
            let again = store.append(asked.clone()).await.unwrap();
            assert!(again.repeated && again.last_seq == *last_seq, "{again:?}");
            let (stream, first) = (asked.stream, asked.expected);
            let entries = store.read(stream, first, asked.entries.len().max(1)).await.unwrap();
            for (entry, payload) in entries.iter().zip(&asked.entries) {
                let gone = self.redacted.contains(&(stream.0, entry.seq));
                assert_eq!(entry.payload.as_ref(), Some(payload).filter(|_| !gone), "{entry:?}");
            }
        }
        for claim in &self.claimed {
            let head = store.head(StreamId(1)).await.unwrap();
            let mut taken = append(1, head, u128::from(u64::MAX) + u128::from(head), &["x"]);
            taken.claims = vec![Bytes::from("free"), claim.clone()];
            assert!(matches!(store.append(taken).await, Err(AppendError::ClaimTaken(1))), "{claim:?}");
        }
        assert_eq!(desks_of(store).await, desks);
    }
}

async fn desks_of(store: &dyn Store) -> Vec<Vec<(Bytes, Bytes)>> {
    let mut desks = Vec::new();
    for owner in 0..OWNERS {
        desks.push(store.desk(owner.into()).await.unwrap());
    }
    desks
}

fn options(root: &Path) -> Options {
    Options { reserve_bytes: 0, segment_bytes: 6000, ..Options::new(root) }
}

async fn opened(source: Source, root: &Path, seed: Option<[u8; 32]>) -> Facts {
    let target = Target::Journal(Some(Box::new(Filling::open(root, seed).unwrap())));
    Facts::open(source, target, uuid::Uuid::nil(), 0).await.unwrap()
}

async fn from_journal(from: &Path, to: &Path) -> Facts {
    let taking = journal(from).await.unwrap();
    let seed = taking.seed();
    opened(Source::Journal(Some(taking)), to, Some(seed)).await
}

fn hold(facts: &mut Facts) {
    #[allow(irrefutable_let_patterns, reason = "there may be no other engine")]
    if let Source::Journal(taking) = &mut facts.source {
        taking.as_mut().unwrap().hold().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_follows_another_that_is_written_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    let store = Arc::new(EmbeddedStore::open(options(&from)).unwrap());
    let (mut history, mut dice) = (History::default(), Dice::from_seed(7));
    history.go_on(&*store, &mut dice, 40).await;
    let mut facts = from_journal(&from, &to).await;
    for turn in 0..12 {
        let writer = history.go_on(&*store, &mut dice, 25);
        let (_, round) = tokio::join!(writer, facts.round());
        round.unwrap();
        if turn % 3 == 2 {
            // Killed and begun again: what is there is found, and is not sent again.
            drop(facts);
            facts = from_journal(&from, &to).await;
        }
    }
    let desks = desks_of(&*store).await;
    drop(store);
    hold(&mut facts);
    let last = facts.round().await.unwrap();
    assert_eq!(last.behind, 0);
    let root = facts.compare().await.unwrap();
    drop(facts);
    assert_eq!((embedded::verify(&from).unwrap().root, embedded::verify(&to).unwrap().root), (root, root));
    let moved = EmbeddedStore::open(options(&to)).unwrap();
    history.must_stand(&moved, &desks).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_is_damaged_or_another_one_is_not_moved() {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    let store = EmbeddedStore::open(options(&from)).unwrap();
    let (mut history, mut dice) = (History::default(), Dice::from_seed(9));
    history.go_on(&store, &mut dice, 120).await;
    drop(store);
    let mut facts = from_journal(&from, &to).await;
    facts.round().await.unwrap();
    drop(facts);
    // Another studio into the same target, and one whose journal lost its end.
    let other = folder.path().join("other");
    drop(EmbeddedStore::open(options(&other)).unwrap());
    let seed = journal(&other).await.unwrap().seed();
    let no = Filling::open(&to, Some(seed)).map(drop).unwrap_err().to_string();
    assert!(no.contains("another studio"), "{no}");
    let segment = from.join("journal/00000001.journal");
    let whole = std::fs::read(&segment).unwrap();
    let mut bytes = whole.clone();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let taking = journal(&from).await.unwrap();
    let target = Target::Journal(Some(Box::new(Filling::open(&to, Some(taking.seed())).unwrap())));
    let no =
        Facts::open(Source::Journal(Some(taking)), target, uuid::Uuid::nil(), 0).await.map(drop).unwrap_err();
    assert!(format!("{no:#}").contains("00000001.journal"), "{no:#}");
    std::fs::write(&segment, whole).unwrap();
    let mut facts = from_journal(&from, &to).await;
    hold(&mut facts);
    facts.round().await.unwrap();
    facts.compare().await.unwrap();
}

/// Audio over a store that refuses, loses its answers, tears and bends: rounds until one goes through.
async fn audio_moves(from: Giver, taker: Taker, to: &Path, tries: &mut u32) -> Audio {
    let mut audio = Audio::new(Some(from), taker, to).unwrap();
    loop {
        *tries += 1;
        match audio.round(|_, _| ()).await {
            Ok(_) => return audio,
            Err(error) => assert!(*tries < 300, "{error:#}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audio_goes_over_a_store_that_fails_at_every_third_call_and_back() {
    let root = tempfile::tempdir().unwrap();
    let [from, to, back] = ["from", "to", "back"].map(|name| root.path().join(name));
    let (mut dice, mut named) = (Dice::from_seed(5), BTreeMap::new());
    for _ in 0..40 {
        let sound: Vec<u8> = (0..=dice.below(90_000)).map(|_| dice.roll().to_le_bytes()[0]).collect();
        let digest = deadwax_domain::Digest(Sha256::digest(&sound).into());
        let path = blob_path(&from, digest);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &sound).unwrap();
        named.insert(digest, Some(sound.len() as u64));
    }
    let (shed, mut tries) = (Arc::new(shed::Shed::default()), 0);
    std::fs::create_dir(&to).unwrap();
    shed.fail(3, 3);
    let giver = Giver::open(&from, None, &to, 0).await.unwrap();
    let taker = Taker::open(&to, Some(shed::far(&shed, 0)), 0).await.unwrap();
    let audio = audio_moves(giver, taker, &to, &mut tries).await;
    shed.fail(0, 0);
    let bytes = named.values().flatten().sum();
    assert_eq!(audio.compare(&named).await.unwrap(), (40, bytes));
    shed.fail(4, 3);
    std::fs::create_dir(&back).unwrap();
    let giver = Giver::open(&to, Some(shed::far(&shed, u64::MAX)), &back, 0).await.unwrap();
    let taker = Taker::open(&back, None, 0).await.unwrap();
    let audio = audio_moves(giver, taker, &back, &mut tries).await;
    shed.fail(0, 0);
    assert_eq!(audio.compare(&named).await.unwrap(), (40, bytes));
    for digest in named.keys() {
        assert_eq!(
            std::fs::read(blob_path(&back, *digest)).unwrap(),
            std::fs::read(blob_path(&from, *digest)).unwrap()
        );
    }
    let met = shed.met.load(std::sync::atomic::Ordering::Relaxed);
    println!("{met} faults in {tries} rounds");
    assert!(met > 40, "{met}");
    // One that is away for good is given up, in words.
    let third = root.path().join("third");
    std::fs::create_dir(&third).unwrap();
    shed.fail(5, 1);
    let giver = Giver::open(&from, None, &third, 0).await.unwrap();
    let taker = Taker::open(&third, Some(shed::far(&shed, 0)), 0).await.unwrap();
    let no = Audio::new(Some(giver), taker, &third).unwrap().round(|_, _| ()).await.unwrap_err();
    assert!(format!("{no:#}").contains("listing the audio of the target failed"), "{no:#}");
}

#[cfg(feature = "postgres")]
mod databases {
    use super::*;
    use crate::store::postgres::{
        Options as Database, PostgresStore,
        moved::{Mark, Place, Source as Leaving},
        tests::place,
    };

    fn filling(id: uuid::Uuid) -> Mark {
        Mark { state: "filling".into(), id, studio: "s".into(), other: "/old".into(), appends: 0 }
    }

    async fn into_database(from: &Path, options: &Database, id: uuid::Uuid) -> Facts {
        let taking = journal(from).await.unwrap();
        let to = Place::open(options, true).await.unwrap();
        match to.mark().await.unwrap() {
            Some(mark) => assert_eq!(mark.id, id),
            None => to.put_mark(&filling(id)).await.unwrap(),
        }
        to.put_seed(&taking.seed()).await.unwrap();
        let taken = to.mark().await.unwrap().unwrap().appends;
        Facts::open(Source::Journal(Some(taking)), Target::Database(to), id, taken).await.unwrap()
    }

    async fn from_database(options: &Database, to: &Path) -> Facts {
        let from = Place::open(options, false).await.unwrap();
        let filling = Box::new(Filling::open(to, from.seed().await.unwrap()).unwrap());
        let heads = filling.heads().unwrap().roots.heads().collect();
        let source = Source::Database(Box::new(Leaving::open(from, heads).await.unwrap()));
        Facts::open(source, Target::Journal(Some(filling)), uuid::Uuid::nil(), 0).await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_journal_goes_to_a_database_and_back() {
        let Some(options) = place() else { return };
        let folder = tempfile::tempdir().unwrap();
        let (from, back) = (folder.path().join("from"), folder.path().join("back"));
        let store = EmbeddedStore::open(options_of(&from)).unwrap();
        let (mut history, mut dice, id) = (History::default(), Dice::from_seed(11), uuid::Uuid::now_v7());
        let mut facts = into_database(&from, &options, id).await;
        for turn in 0..8 {
            let (_, round) = tokio::join!(history.go_on(&store, &mut dice, 30), facts.round());
            round.unwrap();
            if turn % 3 == 1 {
                facts = into_database(&from, &options, id).await;
            }
        }
        let refused = PostgresStore::open(options.clone()).await.map(drop).unwrap_err().to_string();
        assert!(refused.contains("not finished"), "{refused}");
        let desks = desks_of(&store).await;
        drop(store);
        hold(&mut facts);
        facts.round().await.unwrap();
        let root = facts.compare().await.unwrap();
        assert_eq!(embedded_root(&from, facts), root);
        let there = Place::open(&options, true).await.unwrap();
        there.put_mark(&Mark { state: "complete".into(), ..filling(id) }).await.unwrap();

        let store = PostgresStore::open(options.clone()).await.unwrap();
        history.must_stand(&store, &desks).await;
        // The way back, with a server at work for a while.
        let mut facts = from_database(&options, &back).await;
        for turn in 0..6 {
            let (_, round) = tokio::join!(history.go_on(&store, &mut dice, 20), facts.round());
            round.unwrap();
            if turn == 3 {
                facts = from_database(&options, &back).await;
            }
        }
        assert!(there.alone().await.unwrap().is_none(), "a server is there");
        let desks = desks_of(&store).await;
        there.close(&Mark { state: "closed".into(), ..filling(id) }).await.unwrap();
        let no = store.append(append(1, 0, 1, &["late"])).await;
        assert!(matches!(no, Err(AppendError::Unavailable(_))), "{no:?}");
        facts.round().await.unwrap();
        facts.rest().await.unwrap();
        let root = facts.compare().await.unwrap();
        drop((facts, store));
        assert_eq!(embedded::verify(&back).unwrap().root, root);
        let store = EmbeddedStore::open(options_of(&back)).unwrap();
        history.must_stand(&store, &desks).await;
        let refused = PostgresStore::open(options.clone()).await.map(drop).unwrap_err().to_string();
        assert!(refused.contains("is being moved to"), "{refused}");
        there.open_again().await.unwrap();
        PostgresStore::open(options).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn claims_without_a_seed_hold_in_a_journal_and_in_the_next_database() {
        let (Some(first), Some(second)) = (place(), place()) else { return };
        let folder = tempfile::tempdir().unwrap();
        let (home, id) = (folder.path().join("home"), uuid::Uuid::now_v7());
        let store = PostgresStore::open(first.clone()).await.unwrap();
        let (mut history, mut dice) = (History::default(), Dice::from_seed(13));
        history.go_on(&store, &mut dice, 80).await;
        let desks = desks_of(&store).await;
        drop(store);
        let mut facts = from_database(&first, &home).await;
        facts.round().await.unwrap();
        facts.rest().await.unwrap();
        facts.compare().await.unwrap();
        drop(facts);
        let store = EmbeddedStore::open(options_of(&home)).unwrap();
        history.must_stand(&store, &desks).await;
        history.go_on(&store, &mut dice, 40).await;
        let desks = desks_of(&store).await;
        drop(store);
        let mut facts = into_database(&home, &second, id).await;
        hold(&mut facts);
        facts.round().await.unwrap();
        facts.compare().await.unwrap();
        let there = Place::open(&second, true).await.unwrap();
        there.put_mark(&Mark { state: "complete".into(), ..filling(id) }).await.unwrap();
        let store = PostgresStore::open(second).await.unwrap();
        history.must_stand(&store, &desks).await;
    }

    fn options_of(root: &Path) -> Options {
        super::options(root)
    }

    fn embedded_root(root: &Path, facts: Facts) -> [u8; 32] {
        drop(facts);
        embedded::verify(root).unwrap().root
    }
}
