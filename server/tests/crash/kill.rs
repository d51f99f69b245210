//! kill -9 at random moments, again and again on the same folder. `DEADWAX_KILL_CYCLES` asks for more, and so does the long form of the gates of trust.

use std::{collections::BTreeMap, thread, time::Duration};

use deadwax_server::{
    blob::{BlobError, Blobs},
    store::embedded::verify,
};

use crate::child::{Ack, Writer, check_entries};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kill_9_loses_nothing_acknowledged() {
    let asked = std::env::var("DEADWAX_KILL_CYCLES").ok().and_then(|cycles| cycles.parse().ok());
    let cycles = asked.unwrap_or(if crate::is_long() { 1_000 } else { 12 });
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("studio");
    let mut acks = Vec::new();
    let mut random = [0; 2];
    for _ in 0..cycles {
        let writer = Writer::start("studio", &root);
        writer.wait_for(1);
        getrandom::fill(&mut random).unwrap();
        thread::sleep(Duration::from_micros(u64::from(u16::from_le_bytes(random)) * 8));
        acks.extend(writer.kill());
        check_entries(&root, &acks).await;
        check_uploads(&root, &acks).await;
    }
    let entries = check_entries(&root, &acks).await;
    let report = verify(&root).unwrap();
    assert_eq!(report.entries, entries as u64);
    println!(
        "#gate G1 held {cycles} kills, {} acknowledgements, {entries} entries, 0 lost, 0 refused starts",
        acks.len()
    );
    assert!(acks.len() > cycles * 10);
}

/// An upload stands at least where it was told to stand, and a finished one has its bytes.
async fn check_uploads(root: &std::path::Path, acks: &[Ack]) {
    let blobs = Blobs::open_with(root.to_owned(), 0).await.unwrap();
    let mut synced = BTreeMap::new();
    for ack in acks {
        match ack {
            Ack::Blob { digest } => assert_eq!(blobs.verify(*digest).await.unwrap(), 1_500_000),
            Ack::Synced { upload, offset } => drop(synced.insert(*upload, *offset)),
            _ => {}
        }
    }
    for (upload, offset) in synced {
        match blobs.staged(upload).await {
            Ok(staged) => assert!(staged.offset >= offset, "{} < {offset}", staged.offset),
            // Finished; its blob was or was not yet told.
            Err(BlobError::NoSuchUpload(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
