//! The machine dies: the disk forgets what was not synced. The embedded store loses nothing; a store that acknowledges on sled's flush
//! loses, which proves that this test can see a loss at all.

use std::{path::Path, thread};

use crate::{
    child::{Ack, Writer, check_entries},
    forgetful::{Forgetful, take_away},
};

/// Mounting needs /dev/fuse and, without a setuid helper, root.
fn mountable(at: &Path) -> Option<(Forgetful, fuser::BackgroundSession)> {
    let disk = Forgetful::new();
    match disk.mount(at) {
        Ok(session) => Some((disk, session)),
        Err(error) => {
            println!("SKIPPED: a power cut cannot be simulated here.");
            println!("#gate G2b not-run mounting over /dev/fuse failed: {error}");
            None
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut acks = Vec::new();
    let Some((disk, mut session)) = mountable(folder.path()) else { return };
    // The studio folder itself was made long ago.
    let root = folder.path().join("studio");
    std::fs::create_dir(&root).unwrap();
    disk.write_back();
    let cuts = if crate::is_long() { 500 } else { 4 };
    for cycle in 0..cuts {
        let writer = Writer::start("journal", &root);
        if cycle % 2 == 1 {
            // An older index reaches the disk, and must be brought up to the journal.
            writer.wait_for(20);
            disk.write_back();
        }
        writer.wait_for(40 + cycle % 8 * 60);
        disk.cut_power();
        acks.extend(writer.kill());
        take_away(session, folder.path());
        disk.power_on();
        session = disk.mount(folder.path()).unwrap();
        let entries = check_entries(&root, &acks).await;
        assert!(entries >= acks.len());
    }
    println!("#gate G2b held {cuts} cuts, {} acknowledgements, {} syncs, 0 lost", acks.len(), disk.syncs());
    take_away(session, folder.path());
}

/// The negative control. sled is given every chance: its files and names are on the disk before the writes that count.
#[test]
fn a_store_that_trusts_sleds_flush_loses_acknowledged_writes() {
    let folder = tempfile::tempdir().unwrap();
    let Some((disk, session)) = mountable(folder.path()) else { return };
    let writer = Writer::start("sled", folder.path());
    writer.wait_for(20);
    disk.write_back();
    writer.wait_for(150);
    disk.cut_power();
    let acks = writer.kill();
    take_away(session, folder.path());
    disk.power_on();
    let session = disk.mount(folder.path()).unwrap();
    let path = folder.path().join("sled");
    // It may not open at all; that is a loss of everything.
    let found = thread::spawn(move || {
        let db = sled::Config::new().path(path).open()?;
        acks.iter().try_fold((0, 0), |(kept, lost), ack| {
            let Ack::Key { key } = ack else { return Ok((kept, lost)) };
            Ok(if db.contains_key(key.to_be_bytes())? { (kept + 1, lost) } else { (kept, lost + 1) })
        })
    });
    let found: Result<Result<(u32, u32), sled::Error>, _> = found.join();
    assert!(!matches!(found, Ok(Ok((_, 0)))), "sled lost nothing: then this test cannot see a loss");
    let lost = match found {
        Ok(Ok((kept, lost))) => format!("{lost} of {} lost", kept + lost),
        _ => "it does not open any more".into(),
    };
    println!("#gate G2b held the control, sled's flush alone: {lost}");
    take_away(session, folder.path());
}
