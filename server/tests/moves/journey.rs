//! The whole way: folder to database and bucket while people work, with kills of the mover on the way and in its last round, and back into a folder. Never here: what
//! is refused (`stops`).

use std::{
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::{
    Dice, cluster,
    moto::Moto,
    people::{Told, Where, World, channel, watcher, writer},
    seats::Seat,
    studio::{Mover, Studio, audio_of, in_database, program, secret},
};

/// Kills while the servers run, and after they were stopped.
const KILLS: usize = 6;
const LAST_KILLS: usize = 12;

/// Everybody at work until they are told to end.
struct Work {
    writers: Vec<tokio::task::JoinHandle<Vec<Told>>>,
    watcher: tokio::task::JoinHandle<u64>,
    ended: Arc<AtomicBool>,
}

impl Work {
    fn begin(world: &World, place: &Where) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let each = world.songs.iter();
        let writers =
            each.map(|song| writer(world.owner.clone(), place.clone(), song.clone(), ended.clone()));
        let project = world.songs[0].0.clone();
        let watcher = watcher(world.owner.clone(), place.clone(), project, ended.clone());
        Self { writers: writers.collect(), watcher, ended }
    }

    /// What they were told, by writer; the watcher saw the last of its project.
    async fn end(self, project: &str) -> Vec<Vec<Told>> {
        // The watcher hears of what was told last.
        tokio::time::sleep(Duration::from_millis(800)).await;
        self.ended.store(true, Ordering::Relaxed);
        let mut told = Vec::new();
        for writer in self.writers {
            told.push(writer.await.unwrap());
        }
        let seen = self.watcher.await.unwrap();
        let of_project = told.iter().flatten().filter(|it| it.project == project);
        let last = of_project.map(|it| it.seq).max().unwrap();
        assert!(seen + 400 > last, "the watcher saw {seen} of {last}");
        told
    }
}

/// Never both: whichever of two folders opens, the other one says no.
fn at_most_one_opens(one: &Studio, two: &Studio) {
    let (first, second) = (one.opens(), two.opens());
    assert!(first.is_err() || second.is_err(), "both folders may be served");
}

/// From one studio to the other: rounds with kills beside a server at work, its stop, kills in the last round, the end.
async fn moves(from: &mut Studio, to: &mut Studio, place: &Where, dice: &mut Dice) -> serde_json::Value {
    for _ in 0..KILLS {
        let after = Duration::from_millis(dice.between(30, 900));
        tokio::task::block_in_place(|| Mover::start(&from.folder, &to.folder).kill_after(after));
        if to.folder.join("move.json").exists() {
            let shut = to.opens().unwrap_err();
            assert!(shut.contains("not finished"), "{shut}");
        }
    }
    let mut mover = Mover::start(&from.folder, &to.folder);
    tokio::task::block_in_place(|| {
        mover.until("stop them when you are ready");
        mover.kill_after(Duration::from_millis(300))
    });
    from.stop();
    for _ in 0..LAST_KILLS {
        let after = Duration::from_millis(dice.between(20, 1500));
        let worked = tokio::task::block_in_place(|| Mover::start(&from.folder, &to.folder).kill_after(after));
        at_most_one_opens(from, to);
        if !worked {
            break;
        }
    }
    let done = tokio::task::block_in_place(|| Mover::start(&from.folder, &to.folder).ended());
    let left = from.opens().unwrap_err();
    assert!(left.contains("was moved to") && left.contains("--take-back"), "{left}");
    to.start(None);
    *place.lock().unwrap() = to.address.unwrap();
    done
}

fn redact(studio: &Studio, email: &str) {
    let mut command: Command = program("user");
    let told = command.arg(&studio.folder).args(["redact", email]).output().unwrap();
    assert!(told.status.success(), "{told:?}");
}

fn receptions(studio: &Studio, digest: &str) -> usize {
    let told = program("received").arg(&studio.folder).args([digest, "--csv"]).output().unwrap();
    String::from_utf8_lossy(&told.stdout).lines().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_studio_goes_to_database_and_bucket_and_back_while_people_work() {
    let (Some(cluster), Some(moto)) = (cluster::shared(), Moto::shared()) else { return };
    let (root, mut dice) = (tempfile::tempdir().unwrap(), Dice::seeded());
    let (mut old, code) = Studio::init(root.path().join("old"));
    let told = program("invite")
        .arg(&old.folder)
        .args(["--email", "eve@x.example", "--name", "Eve"])
        .output()
        .unwrap();
    assert!(told.status.success());
    redact(&old, "eve@x.example");
    old.start(None);
    let place: Where = Arc::new(Mutex::new(old.address.unwrap()));
    let mut world = World::found(&place, &code, &mut dice).await;
    let url = root.path().join("url");
    secret(&url, cluster.place().url.reveal());
    let there = in_database(&url, Some((moto.endpoint(), moto.bucket())));
    let mut new = Studio::settled(root.path().join("new"), &there);
    let work = Work::begin(&world, &place);
    let done = moves(&mut old, &mut new, &place, &mut dice).await;
    assert_eq!(old.verified()["root"], done["root"], "equal roots");
    world.must_be_whole(&place).await;
    world.add_file(&place, &mut dice).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let told = work.end(&world.songs[0].0).await;
    let count: usize = told.iter().map(Vec::len).sum();
    println!("{count} commands were told beside and after the first move");
    for told in &told {
        world.again(&place, &told[told.len().saturating_sub(40)..]).await;
        world.again(&place, &told[..told.len().min(10)]).await;
    }
    let used = Seat::login(channel(&place).await.unwrap(), &code).await;
    assert!(used.is_err(), "a link that was used opens the door again");

    // And back, into a folder of its own.
    let mut back = Studio::settled(root.path().join("back"), "");
    let work = Work::begin(&world, &place);
    let done = moves(&mut new, &mut back, &place, &mut dice).await;
    world.must_be_whole(&place).await;
    let told = work.end(&world.songs[0].0).await;
    for told in &told {
        world.again(&place, &told[told.len().saturating_sub(40)..]).await;
    }
    world.finish_half(&place).await;
    back.stop();
    let verified = back.verified();
    assert_eq!(verified["damaged"].as_array().unwrap().len(), 0, "{verified}");
    assert_ne!(done["root"], "", "{done}");
    let audio = audio_of(&back.folder);
    assert!(world.files.iter().all(|file| audio.contains(file)), "{audio:?} lacks some of {:?}", world.files);
    let digest = &world.version.2.sha256;
    assert!(receptions(&back, digest) >= 3, "the egress book travelled");
    // The names that were erased are erased everywhere, and what was claimed stays claimed.
    assert_eq!(verified["redactions"].as_u64(), old.verified()["redactions"].as_u64());
}
