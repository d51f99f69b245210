//! A second instance takes over: what was acknowledged is on it, and the store finds it by itself. Never here: one instance that comes back (`faults`).

use std::sync::atomic::{AtomicBool, Ordering};

use super::{
    cluster::Cluster,
    faults::{load, whole},
    *,
};
use crate::store::{conformance, settings::Url};

/// Whichever of the two can be written to.
fn either(one: &Cluster, other: &Cluster) -> Options {
    let ports = format!("{},{}", one.port(), other.port());
    Options::new(Url::new(format!(
        "host=127.0.0.1,127.0.0.1 port={ports} user=deadwax dbname=postgres target_session_attrs=read-write"
    )))
}

/// With a standby that must have what is acknowledged: the primary is killed under load, the standby is promoted, and nothing is lost or doubled.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_takes_over_under_load_and_nothing_acknowledged_is_lost() {
    let Some(primary) = Cluster::start(&[]) else { return };
    let Some(standby) = primary.standby() else { return };
    standby.go();
    primary.psql("ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.psql("SELECT pg_reload_conf()");
    let options = Options { pool: 8, ..either(&primary, &standby) };
    let stores = [opened(&options).await, opened(&options).await];
    let stop = Arc::new(AtomicBool::new(false));
    let driver = std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            std::thread::sleep(Duration::from_millis(1500));
            primary.kill();
            standby.promote();
            std::thread::sleep(Duration::from_millis(1500));
            stop.store(true, Ordering::Relaxed);
            (primary, standby)
        }
    });
    let acknowledged = load(&stores, 16, &stop).await;
    let _clusters = driver.join().unwrap();
    let there = whole(&stores[0], &acknowledged).await;
    println!("a standby took over: {} acknowledged, {there} there", acknowledged.len());
    assert!(acknowledged.len() > 16, "{} were acknowledged", acknowledged.len());
    let after = conformance::append(99, 0, 99 << 64, &["after"]);
    stores[1].append(after).await.unwrap();
    assert_eq!(stores[0].read_only(), None);
}

/// Without a standby that must have it, what was acknowledged last may be missing there: the store sees it and does not write over it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_that_lagged_takes_over_and_is_not_written_to() {
    let Some(primary) = Cluster::start(&[]) else { return };
    let first = Options::new(Url::new(format!(
        "host=127.0.0.1 port={} user=deadwax dbname=postgres",
        primary.port()
    )));
    opened(&first).await.append(conformance::append(1, 0, 1, &["one"])).await.unwrap();
    // As it stands now; it does not follow.
    let Some(standby) = primary.standby() else { return };
    let store = opened(&either(&primary, &standby)).await;
    store.append(conformance::append(1, 1, 2, &["two"])).await.unwrap();
    primary.kill();
    standby.go();
    standby.promote();
    let no = store.append(conformance::append(1, 2, 3, &["three"])).await.unwrap_err();
    assert!(matches!(&no, AppendError::ReadOnly(why) if why.contains("went back")), "{no}");
}

/// The primary takes connections and says nothing any more: lines that lead there are given up, and the standby is asked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_primary_that_hangs_is_left_for_the_standby() {
    let Some(primary) = Cluster::start(&[]) else { return };
    let Some(standby) = primary.standby() else { return };
    standby.go();
    primary.psql("ALTER SYSTEM SET synchronous_standby_names = '*'");
    primary.psql("SELECT pg_reload_conf()");
    let store = opened(&Options { pool: 8, ..either(&primary, &standby) }).await;
    for seq in 0..8u64 {
        store.append(conformance::append(1, seq, u128::from(seq) + 1, &["before"])).await.unwrap();
    }
    primary.hang();
    standby.promote();
    let begun = std::time::Instant::now();
    let mut tries = 0;
    loop {
        match store.append(conformance::append(1, 8, 99, &["after"])).await {
            Ok(done) => break assert_eq!(done.last_seq, 9),
            Err(AppendError::Unavailable(_)) if begun.elapsed() < Duration::from_secs(90) => tries += 1,
            Err(other) => panic!("{other}"),
        }
    }
    let took = begun.elapsed();
    let read = store.read(StreamId(1), 0, 99).await.map(|entries| entries.len());
    primary.go_on();
    println!("left a primary that hung after {took:?}, {tries} tries told");
    assert_eq!(read.unwrap(), 9);
}
