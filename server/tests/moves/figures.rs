//! How long a move takes, how long its final stop is, and how much memory the mover has, for a studio of some size. Asked for by hand, with the optimised program:
//! `cargo test --profile long --workspace --test moves -- --ignored --nocapture`. Never here: what has to hold.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use crate::{
    Dice, cluster,
    moto::Moto,
    process::connect,
    seats::{Seat, retitled},
    studio::{Mover, Studio, in_database, put_audio, secret},
};

const FACTS: u64 = 100_000;
const FILES: usize = 64;
const FILE_BYTES: u64 = 21 << 20;
const WRITERS: usize = 48;

/// Writes until there are so many.
async fn facts(studio: &Studio, code: &str) -> u64 {
    let address = studio.address.unwrap();
    let owner = Seat::login(connect(address).await.unwrap(), code).await.unwrap();
    let done = Arc::new(AtomicU64::new(0));
    let mut writers = Vec::new();
    for _ in 0..WRITERS {
        let (seat, done) = (owner.over(connect(address).await.unwrap()), Arc::clone(&done));
        let project = seat.new_project().await;
        let song = seat.new_song(&project).await;
        writers.push(tokio::spawn(async move {
            loop {
                let title = 1 + done.fetch_add(1, Ordering::Relaxed);
                if title > FACTS {
                    return;
                }
                seat.perform(&project, retitled(&song, title)).await.unwrap();
            }
        }));
    }
    for writer in writers {
        writer.await.unwrap();
    }
    FACTS
}

/// One move beside a server that is stopped when the mover is ready for it; in words.
fn measured(from: &mut Studio, to: &Studio) -> String {
    let begun = Instant::now();
    let mut mover = Mover::start(&from.folder, &to.folder);
    mover.until("stop them when you are ready");
    let beside = begun.elapsed();
    from.stop();
    let stopped = Instant::now();
    let most_kib = mover.most_kib();
    assert!(mover.ends(), "{}", mover.said());
    let stop = stopped.elapsed();
    let said = mover.said();
    let round = said.lines().find(|line| line.starts_with("The last round took")).unwrap().to_owned();
    format!(
        "beside the server {beside:.1?}; from its end to that of the move {stop:.1?}; {round} Memory at most {} MiB",
        most_kib / 1024
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it measures, and takes minutes"]
async fn what_a_move_of_a_hundred_thousand_facts_and_a_gibibyte_takes() {
    let (Some(cluster), Some(moto)) = (cluster::shared(), Moto::shared()) else { return };
    let (root, mut dice) = (tempfile::tempdir().unwrap(), Dice::seeded());
    let (mut old, code) = Studio::init(root.path().join("old"));
    old.start(None);
    let begun = Instant::now();
    let facts = facts(&old, &code).await;
    println!("{facts} facts in {:.1?}", begun.elapsed());
    put_audio(&old.folder, &mut dice, FILES, FILE_BYTES);
    let url = root.path().join("url");
    secret(&url, cluster.place().url.reveal());
    tokio::task::block_in_place(|| {
        let mut database = Studio::settled(root.path().join("database"), &in_database(&url, None));
        println!("journal to Postgres, folder to folder: {}", measured(&mut old, &database));
        database.start(None);
        let mut back = Studio::settled(root.path().join("back"), "");
        println!("Postgres to journal, folder to folder: {}", measured(&mut database, &back));
        back.start(None);
        let bucket = Some((moto.endpoint(), moto.bucket()));
        secret(&url, cluster.place().url.reveal());
        let mut far = Studio::settled(root.path().join("far"), &in_database(&url, bucket));
        println!("journal to Postgres, folder to S3: {}", measured(&mut back, &far));
        far.start(None);
        let home = Studio::settled(root.path().join("home"), "");
        println!("Postgres to journal, S3 to folder: {}", measured(&mut far, &home));
    });
}
