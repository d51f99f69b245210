//! The machine dies under the whole server: the studio lies on a file system that forgets what was not synced, names included, and each cut is followed by a
//! start on what is left. Goal: as after kill -9. The control, a store that trusts sled's flush, stands beside the store's own test (`../crash/power.rs`).

use std::{fs, time::Duration};

use crate::{
    Dice, alone,
    forgetful::{Forgetful, take_away},
    house::House,
    times,
    world::{UPLOADERS, WRITERS, World},
};

const CUT_AFTER_MS: (u64, u64) = (100, 1_500);
/// They live in the memory of this process.
const UPLOAD_BYTES: (u64, u64) = (100_000, 12_000_000);
const CUTS_A_FOLDER: u64 = 50;

/// After the power the machine has another boot id: what the index wrote down of the last one holds no more. One that says it was closed in order is left so.
fn another_boot(house: &House) {
    let trust = house.studio.join("index").join("trust");
    if fs::read_to_string(&trust).is_ok_and(|word| word != "clean") {
        fs::write(&trust, "another boot").unwrap();
    }
}

/// Answers acknowledged entries and uploads, syncs; `None` where nothing can be mounted, and tells so.
async fn folder(dice: &mut Dice, cuts: u64) -> Option<(u64, u64, u64)> {
    let (root, disk) = (tempfile::tempdir().unwrap(), Forgetful::new());
    let at = root.path().join("disk");
    fs::create_dir(&at).unwrap();
    let mut session = match disk.mount(&at) {
        Ok(session) => session,
        Err(error) => {
            println!("#gate G2b not-run mounting over /dev/fuse failed: {error}");
            return None;
        }
    };
    let mut house = House::found(&at.join("studio"), root.path());
    // The studio was made long ago.
    disk.write_back();
    house.start();
    let mut world = World::found(&house, dice, UPLOAD_BYTES).await;
    for cut in 0..cuts {
        let time = Duration::from_millis(dice.between(CUT_AFTER_MS.0, CUT_AFTER_MS.1));
        if cut % 2 == 1 {
            // What the kernel does by itself every few seconds: an older state of everything reaches the disk.
            disk.write_back();
        }
        let power = disk.clone();
        world
            .work(&mut house, dice, time, |house| {
                power.cut_power();
                house.kill();
            })
            .await;
        take_away(session, &at);
        disk.power_on();
        session = disk.mount(&at).unwrap();
        another_boot(&house);
        house.start();
        world.check(&house).await;
    }
    world.close(&mut house).await;
    take_away(session, &at);
    Some((world.sum.entries, world.sum.uploads, disk.syncs()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_off_at_any_moment_nothing_acknowledged_is_lost() {
    let _turn = alone().await;
    let mut dice = Dice::seeded();
    let cuts = times(500, 4, 1);
    let (mut left, mut all) = (cuts, (0, 0, 0));
    while left > 0 {
        let now = left.min(CUTS_A_FOLDER);
        let Some(told) = folder(&mut dice, now).await else { return };
        all = (all.0 + told.0, all.1 + told.1, all.2 + told.2);
        left -= now;
    }
    let (entries, uploads, syncs) = all;
    println!(
        "#gate G2b held the whole server: {cuts} cuts under {WRITERS} writers and {UPLOADERS} uploads, {entries} entries and {uploads} uploads acknowledged, {syncs} syncs, 0 lost, {cuts} of {cuts} starts"
    );
}
