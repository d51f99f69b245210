//! What every engine must do, written once and run on each (`suite!`). A case asks its engine for the store before every step, so
//! that an engine which closes and opens itself in between proves that the answer does not live in memory.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::join_all;

use super::{
    Append, AppendError, Appended, CommandKey, DeskChange, Entry, MAX_ENTRY_BYTES, MAX_ROW_BYTES, Store,
    StreamId,
};
pub(crate) use crate::disk::faulty::Dice;

pub(crate) trait Engine {
    fn fresh() -> Self;
    fn store(&mut self) -> Arc<dyn Store>;
}

macro_rules! suite {
    ($engine:ty) => {
        mod conformance {
            use super::*;
            use $crate::store::conformance as cases;
            $crate::store::conformance::suite!(@ $engine:
                seqs_have_no_gaps, limit_and_after, conflict_tells_the_head, conflict_changes_nothing,
                retry_returns_the_first_answer, reuse_is_refused, claims_are_for_ever, claim_twice_in_one_append,
                desk_rows, redaction, redaction_of_nothing, marks_stay, heads_list_every_stream, large_entries,
                too_large_changes_nothing, append_without_entries, one_winner_per_seq, many_streams_at_once,
                retries_at_the_same_time, random_history_matches_the_model);
        }
    };
    (@ $engine:ty: $($case:ident),*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            cases::$case(&mut <$engine as Engine>::fresh()).await;
        })*
    };
}
pub(crate) use suite;

pub(crate) fn append(stream: u128, expected: u64, command: u128, entries: &[&str]) -> Append {
    Append {
        stream: StreamId(stream),
        expected,
        command: CommandKey { id: command, request_sha256: [command as u8; 32] },
        entries: entries.iter().map(|text| Bytes::copy_from_slice(text.as_bytes())).collect(),
        claims: Vec::new(),
        desk: Vec::new(),
    }
}

fn put(owner: u128, key: &str, row: &str) -> DeskChange {
    DeskChange { owner, key: Bytes::from(key.to_owned()), row: Some(Bytes::from(row.to_owned())) }
}

fn remove(owner: u128, key: &str) -> DeskChange {
    DeskChange { owner, key: Bytes::from(key.to_owned()), row: None }
}

fn texts(entries: &[Entry]) -> Vec<(u64, String)> {
    let text = |entry: &Entry| match &entry.payload {
        Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        None => "(redacted)".to_owned(),
    };
    entries.iter().map(|entry| (entry.seq, text(entry))).collect()
}

async fn all(engine: &mut impl Engine, stream: u128) -> Vec<(u64, String)> {
    texts(&engine.store().read(StreamId(stream), 0, usize::MAX).await.unwrap())
}

pub(crate) async fn seqs_have_no_gaps(engine: &mut impl Engine) {
    let first = engine.store().append(append(1, 0, 1, &["a", "b"])).await.unwrap();
    assert_eq!(first, Appended { stream: StreamId(1), first_seq: 1, last_seq: 2, repeated: false });
    let second = engine.store().append(append(1, 2, 2, &["c"])).await.unwrap();
    assert_eq!((second.first_seq, second.last_seq), (3, 3));
    let read = all(engine, 1).await;
    assert_eq!(read, [(1, "a".into()), (2, "b".into()), (3, "c".into())]);
}

pub(crate) async fn limit_and_after(engine: &mut impl Engine) {
    engine.store().append(append(1, 0, 1, &["a", "b", "c", "d"])).await.unwrap();
    // A neighbouring stream must not leak into a page that runs past the end.
    engine.store().append(append(2, 0, 2, &["other"])).await.unwrap();
    let page = engine.store().read(StreamId(1), 1, 2).await.unwrap();
    assert_eq!(texts(&page), [(2, "b".into()), (3, "c".into())]);
    let page = engine.store().read(StreamId(1), 3, 100).await.unwrap();
    assert_eq!(texts(&page), [(4, "d".into())]);
    assert!(engine.store().read(StreamId(1), 4, 100).await.unwrap().is_empty());
    assert!(engine.store().read(StreamId(1), u64::MAX, 100).await.unwrap().is_empty());
    assert!(engine.store().read(StreamId(1), 0, 0).await.unwrap().is_empty());
    assert!(engine.store().read(StreamId(77), 0, 100).await.unwrap().is_empty());
}

pub(crate) async fn conflict_tells_the_head(engine: &mut impl Engine) {
    engine.store().append(append(1, 0, 1, &["a"])).await.unwrap();
    for expected in [0, 2] {
        let refused = engine.store().append(append(1, expected, 2, &["b"])).await.unwrap_err();
        assert!(matches!(refused, AppendError::Conflict { head: 1, expected: e } if e == expected));
    }
}

pub(crate) async fn conflict_changes_nothing(engine: &mut impl Engine) {
    engine.store().append(append(1, 0, 1, &["a"])).await.unwrap();
    let mut late = append(1, 0, 2, &["b"]);
    late.claims = vec![Bytes::from_static(b"mail")];
    late.desk = vec![put(5, "k", "row")];
    engine.store().append(late.clone()).await.unwrap_err();
    assert!(engine.store().desk(5).await.unwrap().is_empty());
    assert_eq!(engine.store().command(2).await.unwrap(), None);
    // The claim and the command id of the refused append are still free.
    late.expected = 1;
    engine.store().append(late).await.unwrap();
    assert_eq!(all(engine, 1).await.len(), 2);
}

pub(crate) async fn retry_returns_the_first_answer(engine: &mut impl Engine) {
    let first = engine.store().append(append(1, 0, 1, &["a", "b"])).await.unwrap();
    engine.store().append(append(1, 2, 2, &["c"])).await.unwrap();
    // The stream has moved on; the retry is answered all the same, also with another `expected`.
    let again = engine.store().append(append(1, 0, 1, &["a", "b"])).await.unwrap();
    assert_eq!(again, Appended { repeated: true, ..first });
    let known = engine.store().command(1).await.unwrap();
    assert_eq!(known, Some((first, [1; 32])));
    assert_eq!(engine.store().command(99).await.unwrap(), None);
    assert_eq!(all(engine, 1).await.len(), 3);
}

pub(crate) async fn reuse_is_refused(engine: &mut impl Engine) {
    engine.store().append(append(1, 0, 1, &["a"])).await.unwrap();
    let mut other = append(1, 1, 1, &["b"]);
    other.command.request_sha256 = [9; 32];
    let refused = engine.store().append(other).await.unwrap_err();
    assert!(matches!(refused, AppendError::CommandReused(1)));
    assert_eq!(all(engine, 1).await.len(), 1);
}

pub(crate) async fn claims_are_for_ever(engine: &mut impl Engine) {
    let mail = || Bytes::from_static(b"ann@example.org");
    let mut first = append(1, 0, 1, &["a"]);
    first.claims = vec![mail()];
    engine.store().append(first).await.unwrap();
    let mut second = append(2, 0, 2, &["b"]);
    second.claims = vec![Bytes::from_static(b"free"), mail()];
    let refused = engine.store().append(second.clone()).await.unwrap_err();
    assert!(matches!(refused, AppendError::ClaimTaken(1)));
    assert!(all(engine, 2).await.is_empty());
    second.claims.pop();
    engine.store().append(second).await.unwrap();
}

pub(crate) async fn claim_twice_in_one_append(engine: &mut impl Engine) {
    let mut twice = append(1, 0, 1, &["a"]);
    twice.claims = vec![Bytes::from_static(b"x"), Bytes::from_static(b"x")];
    let refused = engine.store().append(twice).await.unwrap_err();
    assert!(matches!(refused, AppendError::ClaimTaken(1)));
}

pub(crate) async fn desk_rows(engine: &mut impl Engine) {
    let mut first = append(1, 0, 1, &["a"]);
    first.desk = vec![put(7, "b", "2"), put(7, "a", "1"), put(8, "a", "other"), put(7, "gone", "x")];
    engine.store().append(first).await.unwrap();
    let mut second = append(1, 1, 2, &["b"]);
    second.desk = vec![put(7, "b", "two"), remove(7, "gone"), remove(7, "never"), put(7, "", "empty key")];
    engine.store().append(second).await.unwrap();
    let rows = engine.store().desk(7).await.unwrap();
    let rows: Vec<_> = rows.iter().map(|(key, row)| (&key[..], &row[..])).collect();
    assert_eq!(rows, [(&b""[..], &b"empty key"[..]), (b"a", b"1"), (b"b", b"two")]);
    assert_eq!(engine.store().desk(8).await.unwrap().len(), 1);
    assert!(engine.store().desk(9).await.unwrap().is_empty());
}

pub(crate) async fn redaction(engine: &mut impl Engine) {
    engine.store().append(append(1, 0, 1, &["a", "secret", "c"])).await.unwrap();
    engine.store().redact(StreamId(1), 2).await.unwrap();
    engine.store().redact(StreamId(1), 2).await.unwrap();
    let read = all(engine, 1).await;
    assert_eq!(read, [(1, "a".into()), (2, "(redacted)".into()), (3, "c".into())]);
    engine.store().append(append(1, 3, 2, &["d"])).await.unwrap();
    assert_eq!(all(engine, 1).await.len(), 4);
}

/// The list of hashes is what others keep: it grows at its end and never changes, whatever is erased.
pub(crate) async fn marks_stay(engine: &mut impl Engine) {
    engine.store().append(append(1, 0, 1, &["a", "secret", "a"])).await.unwrap();
    engine.store().append(append(2, 0, 2, &["other"])).await.unwrap();
    let before = engine.store().marks(StreamId(1), 0, usize::MAX).await.unwrap();
    assert_eq!(before.iter().map(|mark| mark.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_ne!(before[0].sha256, before[1].sha256);
    engine.store().redact(StreamId(1), 2).await.unwrap();
    engine.store().append(append(1, 3, 3, &["d"])).await.unwrap();
    let after = engine.store().marks(StreamId(1), 0, usize::MAX).await.unwrap();
    assert_eq!((after.len(), &after[..3]), (4, &before[..]));
    assert_eq!(engine.store().marks(StreamId(1), 1, 2).await.unwrap(), after[1..3]);
    assert!(engine.store().marks(StreamId(1), 4, 9).await.unwrap().is_empty());
    assert!(engine.store().marks(StreamId(1), u64::MAX, 9).await.unwrap().is_empty());
    assert!(engine.store().marks(StreamId(77), 0, 9).await.unwrap().is_empty());
}

pub(crate) async fn redaction_of_nothing(engine: &mut impl Engine) {
    engine.store().append(append(1, 0, 1, &["a"])).await.unwrap();
    for (stream, seq) in [(1, 0), (1, 2), (2, 1)] {
        let refused = engine.store().redact(StreamId(stream), seq).await.unwrap_err();
        assert!(matches!(refused, AppendError::Conflict { .. }), "{refused}");
    }
}

pub(crate) async fn heads_list_every_stream(engine: &mut impl Engine) {
    engine.store().append(append(0, 0, 1, &["studio"])).await.unwrap();
    engine.store().append(append(u128::MAX, 0, 2, &["x", "y"])).await.unwrap();
    engine.store().append(append(3, 0, 3, &["z"])).await.unwrap();
    let mut heads = engine.store().heads().await.unwrap();
    heads.sort();
    assert_eq!(heads, [(StreamId(0), 1), (StreamId(3), 1), (StreamId(u128::MAX), 2)]);
}

pub(crate) async fn large_entries(engine: &mut impl Engine) {
    let large: Bytes = (0..MAX_ENTRY_BYTES).map(|at| (at * 31 % 251) as u8).collect();
    let mut whole = append(1, 0, 1, &[]);
    whole.entries = vec![large.clone(), Bytes::new(), large.clone()];
    engine.store().append(whole).await.unwrap();
    let read = engine.store().read(StreamId(1), 0, 10).await.unwrap();
    let payloads: Vec<_> = read.into_iter().map(|entry| entry.payload.unwrap()).collect();
    assert_eq!(payloads, [large.clone(), Bytes::new(), large]);
}

pub(crate) async fn too_large_changes_nothing(engine: &mut impl Engine) {
    let mut entry = append(1, 0, 1, &["fits"]);
    entry.entries.push(Bytes::from(vec![0; MAX_ENTRY_BYTES + 1]));
    let refused = engine.store().append(entry).await.unwrap_err();
    assert!(matches!(refused, AppendError::TooLarge { limit: MAX_ENTRY_BYTES, .. }));
    let mut row = append(1, 0, 2, &["fits"]);
    row.desk = vec![put(1, "k", &"x".repeat(MAX_ROW_BYTES + 1))];
    let refused = engine.store().append(row).await.unwrap_err();
    assert!(matches!(refused, AppendError::TooLarge { limit: MAX_ROW_BYTES, .. }));
    assert!(engine.store().heads().await.unwrap().is_empty());
}

pub(crate) async fn append_without_entries(engine: &mut impl Engine) {
    let mut only_desk = append(1, 0, 1, &[]);
    only_desk.desk = vec![put(1, "k", "row")];
    let done = engine.store().append(only_desk).await.unwrap();
    assert_eq!((done.first_seq, done.last_seq), (1, 0));
    assert_eq!(engine.store().desk(1).await.unwrap().len(), 1);
    assert!(engine.store().heads().await.unwrap().is_empty());
    engine.store().append(append(1, 0, 2, &["a"])).await.unwrap();
}

/// 64 writers race for every seq: exactly one wins each, and the stream is what the winners wrote.
pub(crate) async fn one_winner_per_seq(engine: &mut impl Engine) {
    let store = engine.store();
    for round in 0..5u64 {
        let race = (0..64u128).map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                let text = format!("{round}:{writer}");
                let id = u128::from(round) << 64 | writer;
                (writer, store.append(append(1, round, id, &[&text])).await)
            })
        });
        let answers: Vec<_> = join_all(race).await.into_iter().map(Result::unwrap).collect();
        let winners: Vec<_> = answers.iter().filter(|(_, answer)| answer.is_ok()).collect();
        assert_eq!(winners.len(), 1, "round {round}");
        let losers = answers.iter().filter(|(_, answer)| answer.is_err());
        for (_, answer) in losers {
            let head = round + 1;
            assert!(matches!(answer, Err(AppendError::Conflict { head: h, .. }) if *h == head));
        }
        let read = store.read(StreamId(1), round, 9).await.unwrap();
        assert_eq!(texts(&read), [(round + 1, format!("{round}:{}", winners[0].0))]);
    }
}

pub(crate) async fn many_streams_at_once(engine: &mut impl Engine) {
    let store = engine.store();
    let writers = (1..=64u128).map(|stream| {
        let store = store.clone();
        tokio::spawn(async move {
            for seq in 0..8u64 {
                let id = stream << 32 | u128::from(seq);
                store.append(append(stream, seq, id, &[&format!("{stream}/{seq}")])).await.unwrap();
            }
        })
    });
    join_all(writers).await.into_iter().for_each(|done| done.unwrap());
    drop(store);
    assert_eq!(engine.store().heads().await.unwrap().len(), 64);
    for stream in [1, 33, 64] {
        let read = all(engine, stream).await;
        let wanted: Vec<_> = (0..8).map(|seq| (seq + 1, format!("{stream}/{seq}"))).collect();
        assert_eq!(read, wanted);
    }
}

/// The same command from 16 hands at once: one effect, one answer.
pub(crate) async fn retries_at_the_same_time(engine: &mut impl Engine) {
    let store = engine.store();
    let hands = (0..16).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { store.append(append(1, 0, 1, &["once"])).await })
    });
    let answers: Vec<_> = join_all(hands).await.into_iter().map(|done| done.unwrap().unwrap()).collect();
    assert_eq!(answers.iter().filter(|answer| !answer.repeated).count(), 1);
    assert!(answers.iter().all(|answer| (answer.first_seq, answer.last_seq) == (1, 1)));
    drop(store);
    assert_eq!(all(engine, 1).await.len(), 1);
}

/// A long random history, compared with the memory store step by step.
pub(crate) async fn random_history_matches_the_model(engine: &mut impl Engine) {
    let model = super::MemoryStore::new();
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for step in 0..150u128 {
        let stream = StreamId(u128::from(dice.below(4)));
        let head = model.read(stream, 0, usize::MAX).await.unwrap().len() as u64;
        if dice.below(10) == 0 {
            let seq = dice.below(head + 2);
            let wanted = model.redact(stream, seq).await.map_err(|e| e.to_string());
            let got = engine.store().redact(stream, seq).await.map_err(|e| e.to_string());
            assert_eq!(got, wanted, "step {step}");
            continue;
        }
        let command = if dice.below(6) == 0 { u128::from(dice.below(30)) } else { step + 1000 };
        let mut next = append(stream.0, head + u64::from(dice.below(8) == 0), command, &[]);
        next.entries = (0..dice.below(4)).map(|at| Bytes::from(format!("{step}.{at}"))).collect();
        next.claims = (0..dice.below(2)).map(|_| Bytes::from(format!("claim {}", dice.below(40)))).collect();
        for _ in 0..dice.below(3) {
            let (owner, key) = (u128::from(dice.below(3)), format!("k{}", dice.below(5)));
            next.desk.push(if dice.below(3) == 0 {
                remove(owner, &key)
            } else {
                put(owner, &key, &format!("{step}"))
            });
        }
        let wanted = model.append(next.clone()).await.map_err(|e| e.to_string());
        let got = engine.store().append(next).await.map_err(|e| e.to_string());
        assert_eq!(got, wanted, "step {step}");
    }
    for id in 0..4 {
        let wanted = texts(&model.read(StreamId(id), 0, usize::MAX).await.unwrap());
        assert_eq!(all(engine, id).await, wanted);
        assert_eq!(engine.store().desk(id).await.unwrap(), model.desk(id).await.unwrap());
    }
    let mut heads = engine.store().heads().await.unwrap();
    heads.sort();
    assert_eq!(heads, model.heads().await.unwrap());
}
