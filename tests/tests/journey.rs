//! The whole job over a real server, by the steps of the demo with a shorter song: while the label watches, her line is cut and mended; the
//! server is killed and started again. Goal: what people see of it is the same as if nothing had happened.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{path::Path, thread, time::Duration};

use deadwax_client::net::Client;
use deadwax_tests::{
    demo::{Log, Material, Studio, Watcher, cast, ending, mastering, mixing},
    line::Line,
    song,
};

#[test]
fn a_song_goes_from_the_take_to_the_delivery_through_a_cut_and_a_restart() {
    let root = tempfile::tempdir().unwrap();
    let exe = Path::new(env!("CARGO_BIN_EXE_demo"));
    let material = Material::Song(Box::new(song::arrange().begun_at_the_bridge()));
    let mut on = Studio::found(exe, root.path(), material, Log::new(true)).unwrap();

    let line = Line::to(&on.house.address).unwrap();
    let mut profile = cast::profile(&on.cast.label).unwrap();
    profile.url = format!("deadwax://{}", line.address);
    let client = on.runtime.block_on(Client::connect(&profile)).unwrap();
    let watcher = Watcher::start(&on.runtime, client, &on.project_id().unwrap());

    mixing::take(&on).unwrap();
    mixing::first_mix(&on).unwrap();
    wait_until("the watcher sees Mix 1", || {
        watcher.seen().rows.keys().any(|key| key.starts_with("version/"))
    });
    line.cut();
    // What happens now happens without her.
    mixing::notes(&on).unwrap();
    mixing::revision(&on).unwrap();
    let away = watcher.seen();
    assert!(away.lost > 0, "the cut was noticed");
    assert!(!away.rows.keys().any(|key| key.starts_with("request/")), "nothing came through the cut line");
    line.mend();
    mixing::second_mix(&on).unwrap();
    mixing::mix_approvals(&on).unwrap();
    let (fresh, seen) = watcher.beside_get(&on.runtime).unwrap();
    assert!(seen.snapshots <= 2 && seen.ended.is_none());
    assert_eq!(seen.rows, fresh, "the stream made up for what it missed");

    mastering::handoff(&on).unwrap();
    mastering::first_master(&on).unwrap();
    let offline = mastering::second_master(&on).unwrap();
    mastering::same_bytes(&on, offline).unwrap();
    mastering::master_approvals(&on).unwrap();
    mastering::delivery(&on).unwrap();
    ending::power_cut(&mut on).unwrap();
    ending::watched(&on, &watcher).unwrap();
    ending::stop(&mut on).unwrap();
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..400 {
        if holds() {
            return;
        }
        thread::sleep(Duration::from_millis(25));
    }
    panic!("it never came that {what}");
}
