//! kill -9 of the whole server under sixty-four writers, four uploads and renders, at a moment drawn by lot, again and again on the same folder. Goal: after
//! each start everything that was acknowledged is there, what was cut off is done once when it is asked for again, uploads go on, no start is refused, and
//! nobody has to repair anything. Renders are taken up again: each ends as done, with one master of its own, or parked after ten attempts.

use std::{fs, time::Duration};

use crate::{
    Dice, alone,
    house::House,
    pieces::SYNC_BYTES,
    times,
    world::{Sum, UPLOADERS, WRITERS, World},
};

/// In one folder; then a new one, so that a long run asks what a short one asks.
const CYCLES_A_FOLDER: u64 = 100;
const KILLED_AFTER_MS: (u64, u64) = (50, 1_200);
const UPLOAD_BYTES: (u64, u64) = (100_000, 12_000_000);

#[derive(Default)]
struct Told {
    sum: Sum,
    starts: u64,
    slowest_ms: u128,
    taken_twice_most: u64,
}

/// What lies of each upload on the disk.
fn parts(house: &House) -> Vec<(String, u64)> {
    let names = house.names_in("uploads").into_iter().filter(|name| name.ends_with(".part"));
    let long = |name: &String| fs::metadata(house.studio.join("uploads").join(name)).unwrap().len();
    names.map(|name| (name.clone(), long(&name))).collect()
}

async fn folder(dice: &mut Dice, cycles: u64, told: &mut Told) {
    let root = tempfile::tempdir().unwrap();
    let mut house = House::found(&root.path().join("studio"), root.path());
    house.start();
    let mut world = World::found(&house, dice, UPLOAD_BYTES).await;
    for cycle in 0..cycles {
        let time = Duration::from_millis(dice.between(KILLED_AFTER_MS.0, KILLED_AFTER_MS.1));
        world.work(&mut house, dice, time, House::kill).await;
        let before = parts(&house);
        if cycle % 10 == 9 {
            house.verify();
        }
        house.start();
        // The start cuts every part to what is durable of it: what the server had taken beyond comes a second time.
        for (name, bytes) in parts(&house) {
            let taken = before.iter().find(|it| it.0 == name).map_or(0, |it| it.1);
            told.taken_twice_most = told.taken_twice_most.max(taken.saturating_sub(bytes));
        }
        world.check(&house).await;
    }
    world.close(&mut house).await;
    told.starts += house.starts;
    told.slowest_ms = told.slowest_ms.max(house.slowest_start.as_millis());
    told.sum.add(&world.sum);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_nothing_acknowledged_is_lost() {
    let _turn = alone().await;
    let (mut dice, mut told) = (Dice::seeded(), Told::default());
    let cycles = times(1_000, 50, 2);
    let mut left = cycles;
    while left > 0 {
        let now = left.min(CYCLES_A_FOLDER);
        folder(&mut dice, now, &mut told).await;
        left -= now;
    }
    let Told { sum, starts, slowest_ms, taken_twice_most } = told;
    let held = taken_twice_most <= SYNC_BYTES && sum.entries > cycles;
    let word = if held { "held" } else { "missed" };
    println!(
        "#gate G1 {word} {cycles} kills under {WRITERS} writers and {UPLOADERS} uploads: {} entries acknowledged and {} cut off, {} uploads acknowledged and {} gone on with, 0 lost; {starts} of {starts} starts, the slowest {slowest_ms} ms; {:.1} MiB of an upload taken twice at most; {} renders done once, {} parked, {} leases, none stuck",
        sum.entries,
        sum.cut_off,
        sum.uploads,
        sum.uploads_resumed,
        taken_twice_most as f64 / f64::from(1 << 20),
        sum.renders,
        sum.renders_parked,
        sum.leases,
    );
    assert!(held, "{taken_twice_most} bytes of an upload were taken twice");
}
