//! The server under everything that goes wrong, with its history judged: the whole of it simulated, by seed, a real process under kills and cuts, and two of them over
//! one database. The gates
//! of trust read the lines `#gate`. `DEADWAX_TEST_SEED` is the first seed, `DEADWAX_TEST_SEEDS` how many; `DEADWAX_TEST_TELL=1` tells what a simulation does.
//! Never here: the simulation, and the judge.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod judge;

use std::{
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use deadwax_tests::sim::{Simulator, real, several};

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn first_seed() -> u64 {
    number("DEADWAX_TEST_SEED").unwrap_or(1)
}

/// `None`: not asked by the gates, but among all tests.
fn form() -> Option<String> {
    std::env::var("DEADWAX_TEST_TRUST").ok()
}

#[derive(Default)]
struct Sum {
    facts: usize,
    calls: usize,
    starts: usize,
    blows: usize,
    simulated: Duration,
    slowest_s: f64,
    wrong: Vec<String>,
}

mod simulated {
    use super::*;

    #[test]
    fn every_seed_holds() {
        let seeds = match form().as_deref() {
            Some("full") => 10_000,
            Some(_) => 200,
            None => 10,
        };
        let seeds = number("DEADWAX_TEST_SEEDS").unwrap_or(seeds);
        let (next, end) = (AtomicU64::new(first_seed()), first_seed() + seeds);
        let (sum, begun) = (Mutex::new(Sum::default()), Instant::now());
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let simulator = Simulator::new().unwrap();
                    loop {
                        let seed = next.fetch_add(1, Ordering::SeqCst);
                        if seed >= end {
                            return;
                        }
                        let begun = Instant::now();
                        let outcome = simulator.run(seed).unwrap();
                        let mut sum = sum.lock().unwrap();
                        sum.facts += outcome.facts;
                        sum.calls += outcome.calls;
                        sum.starts += outcome.starts;
                        sum.blows += outcome.blows;
                        sum.simulated += outcome.simulated;
                        sum.slowest_s = sum.slowest_s.max(begun.elapsed().as_secs_f64());
                        sum.wrong.extend(outcome.wrong.into_iter().map(|it| format!("seed {seed}: {it}")));
                    }
                });
            }
        });
        let Sum { facts, calls, starts, blows, simulated, slowest_s, wrong } = sum.into_inner().unwrap();
        let (verdict, took) =
            (if wrong.is_empty() { "held" } else { "missed" }, begun.elapsed().as_secs_f64());
        println!(
            "#gate G6 {verdict} {seeds} seeds from {}: {facts} facts, {calls} calls, {starts} starts, {blows} faults, {} wrong; {:.0} s simulated in {took:.0} s, one in {slowest_s:.1} s at most",
            first_seed(),
            wrong.len(),
            simulated.as_secs_f64()
        );
        for line in &wrong {
            println!("{line}");
            let seed = line.split([' ', ':']).nth(1).unwrap_or_default();
            println!(
                "  again: DEADWAX_TEST_SEED={seed} DEADWAX_TEST_SEEDS=1 DEADWAX_TEST_TELL=1 cargo test --locked --workspace --test sim simulated::every_seed -- --nocapture"
            );
        }
        assert!(wrong.is_empty(), "{} wrong", wrong.len());
        assert!(facts as u64 > seeds * 8 && starts as u64 > seeds, "too little happened to prove anything");
    }

    #[test]
    fn the_same_seed_does_the_same() {
        let seeds = [first_seed(), first_seed() + 7, first_seed() + 70];
        let traces = || {
            let simulator = Simulator::new().unwrap();
            seeds.map(|seed| hex::encode(simulator.run(seed).unwrap().trace))
        };
        let (once, again) = (traces(), traces());
        let same = once.iter().zip(&again).filter(|(one, other)| one == other).count();
        let verdict = if same == seeds.len() { "held" } else { "missed" };
        println!("#gate G6 {verdict} {same} of {} seeds run twice have an equal trace", seeds.len());
        assert_eq!(once, again);
        assert!(once[0] != once[1], "seeds that differ do different things");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_real_server_under_kills_and_cuts_keeps_its_history() {
    let (rounds, long) = match form().as_deref() {
        Some("full") => (50, Duration::from_secs(45)),
        Some(_) => (1, Duration::from_secs(25)),
        None => (1, Duration::from_secs(6)),
    };
    let exe = Path::new(env!("CARGO_BIN_EXE_demo"));
    let (mut wrong, mut facts, mut calls, mut kills, mut cuts, mut judged_s) =
        (Vec::new(), 0, 0, 0, 0, 0.0_f64);
    for round in 0..rounds {
        let root = tempfile::tempdir().unwrap();
        let fought = real::fight(exe, root.path(), first_seed() + round, long).await.unwrap();
        facts += fought.facts;
        calls += fought.calls;
        kills += fought.kills;
        cuts += fought.cuts;
        judged_s = judged_s.max(fought.judged_s);
        wrong.extend(fought.wrong);
    }
    let verdict = if wrong.is_empty() { "held" } else { "missed" };
    println!(
        "#gate G5 {verdict} 16 clients, {calls} calls, {facts} facts, {kills} kills, {cuts} lines cut, {} wrong; judged in {judged_s:.1} s at most",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(kills > 0 && cuts > 0 && facts > 60, "too little happened to prove anything");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_over_one_database_under_kills_and_cuts_keep_one_history() {
    let (rounds, long) = match form().as_deref() {
        Some("full") => (50, Duration::from_secs(45)),
        Some(_) => (1, Duration::from_secs(25)),
        None => (1, Duration::from_secs(8)),
    };
    let exe = Path::new(env!("CARGO_BIN_EXE_demo"));
    let (mut sum, mut judged_s) = (several::Fought::default(), 0.0_f64);
    for round in 0..rounds {
        let root = tempfile::tempdir().unwrap();
        let fought = several::fight(exe, root.path(), first_seed() + round, long).await.unwrap();
        let Some(fought) = fought else {
            println!("#gate SERVERS not-run no Postgres is installed (apt-get install postgresql)");
            return;
        };
        sum.facts += fought.facts;
        sum.calls += fought.calls;
        sum.kills += fought.kills;
        sum.stops += fought.stops;
        sum.cuts += fought.cuts;
        sum.blackouts += fought.blackouts;
        sum.dark += fought.dark;
        judged_s = judged_s.max(fought.judged_s);
        sum.wrong.extend(fought.wrong.into_iter().map(|it| format!("seed {}: {it}", first_seed() + round)));
    }
    let several::Fought { wrong, facts, calls, kills, stops, cuts, blackouts, dark, .. } = sum;
    let verdict = if wrong.is_empty() { "held" } else { "missed" };
    println!(
        "#gate SERVERS {verdict} 16 clients at 2 servers, {calls} calls, {facts} facts, {kills} kills, {stops} stops, {cuts} lines cut, the database away {blackouts} times for {:.1} s, {} wrong; judged in {judged_s:.1} s at most",
        dark.as_secs_f64(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{wrong:#?}");
    let enough = kills + stops > 0 && cuts > 0 && facts > 60 && blackouts as u64 == rounds;
    assert!(enough, "too little happened to prove anything");
}
