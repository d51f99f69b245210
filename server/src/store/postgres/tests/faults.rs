//! The engine is killed in the middle of load, lines are cut again and again, locks are held by others: what was acknowledged is there once, and nothing is twice.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use super::{cluster::Cluster, *};
use crate::store::{CommandKey, conformance::append};

const STREAMS: u128 = 4;

/// Writers that append to a few streams, each with commands of its own, and send the same again until they know. Answers what was acknowledged: command and text.
pub(super) async fn load(
    stores: &[Arc<PostgresStore>],
    writers: u128,
    stop: &Arc<AtomicBool>,
) -> BTreeMap<u128, (StreamId, u64)> {
    let hands = (0..writers).map(|writer| {
        let (store, stop) = (Arc::clone(&stores[writer as usize % stores.len()]), Arc::clone(stop));
        tokio::spawn(async move {
            let (mut acknowledged, mut expected) = (BTreeMap::new(), 0);
            let stream = StreamId(1 + writer % STREAMS);
            for turn in 0u128.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let id = writer << 64 | turn;
                let command = CommandKey { id, request_sha256: [7; 32] };
                loop {
                    let entries = vec![Bytes::from(format!("{id:x}"))];
                    let one =
                        Append { stream, expected, command, entries, claims: Vec::new(), desk: Vec::new() };
                    match store.append(one).await {
                        Ok(done) => {
                            expected = done.last_seq;
                            acknowledged.insert(id, (stream, done.first_seq));
                            break;
                        }
                        Err(AppendError::Conflict { head, .. }) => expected = head,
                        Err(AppendError::Unavailable(_)) if !stop.load(Ordering::Relaxed) => {}
                        Err(AppendError::Unavailable(_)) => break,
                        Err(other) => panic!("{other}"),
                    }
                }
            }
            acknowledged
        })
    });
    let hands = futures::future::join_all(hands.collect::<Vec<_>>()).await;
    hands.into_iter().flat_map(|acknowledged| acknowledged.unwrap()).collect()
}

/// Everything acknowledged stands where it was said to stand; nothing stands twice; numbers have no gaps (`read` would refuse them).
pub(super) async fn whole(store: &PostgresStore, acknowledged: &BTreeMap<u128, (StreamId, u64)>) -> usize {
    let mut there = BTreeMap::new();
    for stream in (1..=STREAMS).map(StreamId) {
        for entry in store.read(stream, 0, usize::MAX).await.unwrap() {
            let text = String::from_utf8(entry.payload.unwrap().to_vec()).unwrap();
            let id = u128::from_str_radix(&text, 16).unwrap();
            assert_eq!(there.insert(id, (stream, entry.seq)), None, "{id:x} stands twice");
        }
    }
    for (id, at) in acknowledged {
        assert_eq!(there.get(id), Some(at), "{id:x} was acknowledged");
    }
    there.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_and_restarted_engine_loses_and_doubles_nothing() {
    let Some(cluster) = Cluster::start(&[]) else { return };
    let options = Options { pool: 8, ..cluster.place() };
    let stores = [opened(&options).await, opened(&options).await];
    let stop = Arc::new(AtomicBool::new(false));
    let driver = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            for _ in 0..3 {
                std::thread::sleep(Duration::from_millis(700));
                cluster.kill();
                cluster.go();
            }
            std::thread::sleep(Duration::from_millis(500));
            stop.store(true, Ordering::Relaxed);
            cluster
        }
    });
    let acknowledged = load(&stores, 16, &stop).await;
    let _cluster = driver.join().unwrap();
    let there = whole(&stores[0], &acknowledged).await;
    println!("3 kills: {} acknowledged, {there} there", acknowledged.len());
    assert!(acknowledged.len() > 16, "{} were acknowledged", acknowledged.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_lines_lose_and_double_nothing() {
    let Some(options) = place() else { return };
    let options = Options { pool: 8, ..options };
    let (store, stop) = (opened(&options).await, Arc::new(AtomicBool::new(false)));
    // By its schema: other tests use the same cluster.
    let pids = Arc::clone(&store);
    let cutter = tokio::spawn({
        let stop = Arc::clone(&stop);
        async move {
            let mut cuts = 0i64;
            for _ in 0..40 {
                tokio::time::sleep(Duration::from_millis(50)).await;
                let Ok(client) = pids.link.client().await else { continue };
                let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                    WHERE query LIKE '%deadwax_%' AND query NOT LIKE '%pg_stat_activity%' AND pid IN (
                        SELECT l.pid FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = current_schema())";
                if let Ok(row) = client.query_one(cut, &[]).await {
                    cuts += row.get::<_, i64>(0);
                }
            }
            stop.store(true, Ordering::Relaxed);
            cuts
        }
    });
    let acknowledged = load(&[Arc::clone(&store)], 16, &stop).await;
    let cuts = cutter.await.unwrap();
    let there = whole(&store, &acknowledged).await;
    println!("{cuts} lines cut: {} acknowledged, {there} there", acknowledged.len());
    assert!(cuts > 0 && acknowledged.len() > 16, "{cuts} cuts, {} acknowledged", acknowledged.len());
}

/// The answer to a COMMIT is lost after it counted: the same append finds itself and is not done again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_append_whose_answer_was_lost_is_found_by_its_command() {
    let Some(options) = place() else { return };
    let store = opened(&options).await;
    let columns = Columns::of(append(1, 0, 1, &["once"]), None).unwrap();
    // As if the answer had been lost: made, and not told.
    assert!(matches!(write::append(&store, &columns).await.unwrap(), Answer::Appended(_)));
    let again = store.persist(columns).await.unwrap();
    assert_eq!((again.first_seq, again.last_seq, again.repeated), (1, 1, true));
    assert_eq!(store.read(StreamId(1), 0, 9).await.unwrap().len(), 1);
}

/// Somebody else holds the row for longer than the store is patient: told as a state that passes, and nothing is left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_others_hold_is_waited_for_and_then_told() {
    let Some(options) = place() else { return };
    let store = opened(&Options { patience: Duration::from_millis(1), ..options }).await;
    store.append(append(1, 0, 1, &["one"])).await.unwrap();
    let mut holder = store.link.client().await.unwrap();
    let held = holder.transaction().await.unwrap();
    held.query("SELECT head FROM deadwax_streams FOR UPDATE", &[]).await.unwrap();
    let no = store.append(append(1, 1, 2, &["two"])).await.unwrap_err();
    assert!(matches!(no, AppendError::Unavailable(_)), "{no}");
    held.rollback().await.unwrap();
    store.append(append(1, 1, 2, &["two"])).await.unwrap();
    assert_eq!(store.read(StreamId(1), 0, 9).await.unwrap().len(), 2);
}

/// Whoever holds a turn appends; others wait until it is given back, and then go on by themselves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_keeps_others_waiting_and_is_given_back() {
    let Some(options) = place() else { return };
    let (slow, quick) = (opened(&options).await, opened(&options).await);
    slow.append(append(1, 0, 1, &["one"])).await.unwrap();
    let turn = slow.turn(StreamId(1)).await.unwrap();
    let other = Arc::clone(&quick);
    let waits = tokio::spawn(async move { other.append(append(1, 1, 2, &["two"])).await });
    quick.append(append(2, 0, 3, &["elsewhere"])).await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!waits.is_finished());
    slow.append(append(1, 1, 4, &["two, by the slow one"])).await.unwrap();
    drop(turn);
    let no = tokio::time::timeout(Duration::from_secs(10), waits).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(no, AppendError::Conflict { expected: 1, head: 2 }), "{no}");
    quick.append(append(1, 2, 5, &["three"])).await.unwrap();
}
