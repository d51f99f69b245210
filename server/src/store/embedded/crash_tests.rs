//! A script of appends and redactions with the power cut, or a call failing, at every single call of the disk. Whatever was
//! acknowledged is there afterwards; what was not is there whole or not at all.

use std::collections::BTreeMap;

use futures::future::join_all;

use super::{
    faulty::{Fault, FaultyDisk, Loss},
    *,
};
use crate::store::{
    DeskChange,
    conformance::{Dice, append},
};

const STREAMS: u128 = 3;

/// What a writer saw of one run.
#[derive(Default)]
struct History {
    attempted: BTreeMap<u128, Append>,
    acked: BTreeMap<u128, Appended>,
    redactions_attempted: Vec<(StreamId, u64)>,
    redactions_acked: Vec<(StreamId, u64)>,
}

fn open_faulty(disk: &FaultyDisk) -> Result<EmbeddedStore, OpenError> {
    let options = Options { root: "studio".into(), reserve_bytes: 0, segment_bytes: 1500 };
    EmbeddedStore::open_on(&options, Arc::new(disk.clone()), &Keep::Memory, None)
}

/// Appends alone and in groups over several streams, with claims and desk rows, redactions, and segments that end in between.
async fn script(store: &EmbeddedStore, history: &mut History, from: u128) {
    let mut dice = Dice(0xDEAD_BEEF + from as u64);
    for round in 0..9u128 {
        let streams: Vec<_> = (0..STREAMS).filter(|_| round % 2 == 0 || dice.below(3) == 0).collect();
        let group = streams.into_iter().map(|stream| {
            let id = from + round * 10 + stream;
            let expected = history.head(StreamId(stream));
            let mut next = append(stream, expected, id, &[]);
            let entry = |at| Bytes::from(format!("{id}.{at} ").repeat(1 + dice.below(30) as usize));
            next.entries = (0..1 + id as u64 % 3).map(entry).collect();
            next.claims = vec![Bytes::from(format!("claim {id}"))];
            let row = Some(Bytes::from(format!("{id}")));
            next.desk = vec![DeskChange { owner: stream, key: Bytes::from(format!("{id}")), row }];
            next
        });
        let group: Vec<_> = group.collect();
        history.attempted.extend(group.iter().map(|append| (append.command.id, append.clone())));
        let failed = store.read_only().is_some();
        let answers = join_all(group.into_iter().map(|next| {
            let id = next.command.id;
            async move { (id, store.append(next).await) }
        }));
        for (id, answer) in answers.await {
            history.hear(store, failed, id, answer);
        }
        if round % 3 == 2 && history.head(StreamId(0)) > 0 {
            let target = (StreamId(0), 1 + dice.below(history.head(StreamId(0))));
            history.redactions_attempted.push(target);
            let failed = store.read_only().is_some();
            if store.redact(target.0, target.1).await.is_ok() {
                assert!(!failed, "acknowledged after a failure");
                history.redactions_acked.push(target);
            }
        }
    }
}

impl History {
    fn head(&self, stream: StreamId) -> u64 {
        let mine = self.acked.values().filter(|done| done.stream == stream);
        mine.map(|done| done.last_seq).max().unwrap_or(0)
    }

    fn hear(&mut self, store: &EmbeddedStore, failed: bool, id: u128, answer: Result<Appended, AppendError>) {
        match answer {
            Ok(done) => {
                assert!(!failed, "acknowledged after a failure");
                self.acked.insert(id, done);
            }
            Err(AppendError::ReadOnly(_)) => assert!(store.read_only().is_some()),
            Err(error) => panic!("{error}"),
        }
    }

    /// All that was acknowledged is there, and what is there is whole. Takes note of what turned out to be there.
    async fn check(&mut self, store: &EmbeddedStore) {
        let mut counts = [0; STREAMS as usize];
        for (id, append) in &self.attempted {
            let known = store.command(*id).await.unwrap();
            if let Some(done) = self.acked.get(id) {
                assert_eq!(
                    known,
                    Some((*done, append.command.request_sha256)),
                    "command {id:x} was acknowledged"
                );
            }
            let desk = store.desk(append.stream.0).await.unwrap();
            let has_row = desk.iter().any(|(key, _)| *key == format!("{id}"));
            assert_eq!(has_row, known.is_some(), "desk of {id:x}");
            let Some((done, _)) = known else { continue };
            self.acked.insert(*id, done);
            counts[append.stream.0 as usize] += append.entries.len() as u64;
            let read = store.read(append.stream, done.first_seq - 1, append.entries.len()).await.unwrap();
            for (entry, wanted) in read.iter().zip(&append.entries) {
                let place = (append.stream, entry.seq);
                match &entry.payload {
                    Some(payload) => {
                        assert_eq!(payload, wanted);
                        assert!(!self.redactions_acked.contains(&place), "{place:?} is erased");
                    }
                    None => assert!(self.redactions_attempted.contains(&place), "{place:?} is not erased"),
                }
            }
            assert_eq!(read.len(), append.entries.len());
        }
        for (stream, count) in (0..).zip(counts) {
            let read = store.read(StreamId(stream), 0, usize::MAX).await.unwrap();
            assert!(read.iter().map(|entry| entry.seq).eq(1..=count), "stream {stream}");
        }
    }
}

/// How many changing calls the undisturbed script makes.
async fn undisturbed() -> Vec<&'static str> {
    let disk = FaultyDisk::default();
    let mut history = History::default();
    let store = open_faulty(&disk).unwrap();
    script(&store, &mut history, 1000).await;
    assert_eq!(history.acked.len(), history.attempted.len());
    assert!(history.acked.len() > 15 && history.redactions_acked.len() > 2);
    drop(store);
    let calls = disk.calls();
    assert!(calls.iter().filter(|call| **call == "create").count() > 3, "segments end in the script");
    calls
}

/// Whether the failure was noticed: the store would not open, or says that it is read-only.
async fn run_with(disk: &FaultyDisk, history: &mut History, at: usize, fault: Fault, from: u128) -> bool {
    disk.plan(at, fault);
    if let Ok(store) = open_faulty(disk) {
        history.check(&store).await;
        script(&store, history, from).await;
        // Reads go on whatever happened.
        store.read(StreamId(0), 0, usize::MAX).await.unwrap();
        return store.read_only().is_some();
    }
    true
}

#[tokio::test]
async fn a_power_cut_at_any_call_loses_nothing_acknowledged() {
    let calls = undisturbed().await.len();
    for at in 0..calls {
        for loss in [Loss::All, Loss::None, Loss::Torn(at as u64 + 1), Loss::Torn(at as u64 * 31 + 77)] {
            let disk = FaultyDisk::default();
            let mut history = History::default();
            run_with(&disk, &mut history, at, Fault::PowerCut, 1000).await;
            disk.cut_power(loss);
            let store = open_faulty(&disk).unwrap_or_else(|error| panic!("call {at}, {loss:?}: {error}"));
            history.check(&store).await;
            drop(store);
            // What was served after the restart stays through the next cut, also one without any write between.
            disk.cut_power(Loss::All);
            let store = open_faulty(&disk).unwrap();
            history.check(&store).await;
        }
    }
}

/// A second cut while the first is being recovered from, at every call of the recovery.
#[tokio::test]
async fn a_power_cut_during_recovery_loses_nothing_either() {
    let calls = undisturbed().await.len();
    for at in (0..calls).step_by(5) {
        for again in 0..8 {
            let disk = FaultyDisk::default();
            let mut history = History::default();
            run_with(&disk, &mut history, at, Fault::PowerCut, 1000).await;
            disk.cut_power(Loss::Torn(at as u64 * 7 + 5));
            run_with(&disk, &mut history, again, Fault::PowerCut, 50_000).await;
            disk.cut_power(Loss::Torn(at as u64 * 13 + 3));
            let store = open_faulty(&disk).unwrap_or_else(|error| panic!("calls {at}, {again}: {error}"));
            history.check(&store).await;
        }
    }
}

#[tokio::test]
async fn after_a_failed_call_nothing_is_acknowledged_and_a_restart_recovers() {
    let calls = undisturbed().await;
    for (at, call) in calls.iter().enumerate() {
        for fault in [Fault::Eio, Fault::Short] {
            let disk = FaultyDisk::default();
            let mut history = History::default();
            // The script asserts that nothing is acknowledged once the store says that it is read-only.
            let noticed = run_with(&disk, &mut history, at, fault, 1000).await;
            // How groups fall into batches varies a little, and the number of calls with it.
            let was_met = disk.calls().len() > at;
            assert_eq!(noticed, was_met, "{call} {at}");
            // The process restarts, the machine ran on: the pages of the failed sync are still in memory.
            disk.repair();
            let store = open_faulty(&disk).unwrap_or_else(|error| panic!("{call} {at}: {error}"));
            history.check(&store).await;
            drop(store);
            disk.cut_power(Loss::All);
            let store = open_faulty(&disk).unwrap();
            history.check(&store).await;
            script(&store, &mut history, 90_000).await;
            history.check(&store).await;
        }
    }
}
