//! Ends that are away, full, newer than the program or taken by another mover, and audio that moves alone. The source stays the studio until a move is done, and the
//! same again goes on. Never here: people at work (`journey`), and bad input (`stops`).

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    Dice, cluster,
    moto::Moto,
    studio::{Mover, Studio, audio_of, in_bucket, in_database, moved, no_move, put_audio, secret},
};

const FAIR: u32 = 0;
const BUSY: u32 = 1;
const SLOW: u32 = 2;

/// A line to an object store that answers 503, or late, while it is told to.
struct Weather {
    port: u16,
    now: Arc<AtomicU32>,
    met: Arc<AtomicUsize>,
}

impl Weather {
    fn before(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (now, met) = (Arc::new(AtomicU32::new(FAIR)), Arc::new(AtomicUsize::new(0)));
        let (weather, counted) = (Arc::clone(&now), Arc::clone(&met));
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                let now = weather.load(Ordering::Relaxed);
                counted.fetch_add(usize::from(now != FAIR), Ordering::Relaxed);
                // However it ends: that is the weather.
                thread::spawn(move || pass(client, server, now));
            }
        });
        Self { port, now, met }
    }

    fn turns(&self, to: u32) {
        self.now.store(to, Ordering::Relaxed);
    }

    fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// One connection. It ends after a moment of silence, so that the next one meets the weather of its own time.
fn pass(mut client: TcpStream, server: u16, now: u32) -> std::io::Result<()> {
    if now == BUSY {
        let _asked = client.read(&mut [0; 1 << 16])?;
        client.write_all(b"HTTP/1.1 503 Slow Down\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")?;
        return client.shutdown(Shutdown::Both);
    }
    if now == SLOW {
        thread::sleep(Duration::from_millis(400));
    }
    let mut far = TcpStream::connect(("127.0.0.1", server))?;
    far.set_read_timeout(Some(Duration::from_millis(500)))?;
    let (mut asking, mut asked) = (client.try_clone()?, far.try_clone()?);
    thread::spawn(move || {
        let _ended = std::io::copy(&mut asking, &mut asked);
        let _ = asked.shutdown(Shutdown::Write);
    });
    let _ended = std::io::copy(&mut far, &mut client);
    client.shutdown(Shutdown::Both)
}

#[test]
fn an_object_store_that_is_busy_or_slow_in_the_middle_is_waited_for() {
    let Some(moto) = Moto::shared() else { return };
    let (root, mut dice) = (tempfile::tempdir().unwrap(), Dice::seeded());
    let (mut old, _) = Studio::init(root.path().join("old"));
    put_audio(&old.folder, &mut dice, 30, 300_000);
    old.start(None);
    let weather = Weather::before(moto.port());
    let bucket = moto.bucket();
    let new = Studio::settled(root.path().join("new"), &in_bucket(&weather.endpoint(), &bucket));
    let mut mover = Mover::start(&old.folder, &new.folder);
    mover.until("stop them when you are ready");
    // What comes now meets 503, then a line on which each call takes long.
    put_audio(&old.folder, &mut dice, 30, 300_000);
    weather.turns(BUSY);
    thread::sleep(Duration::from_secs(4));
    let met = weather.met.load(Ordering::Relaxed);
    assert!(met > 3, "{met} answers of 503");
    let (held, shut) = (old.opens().unwrap_err(), new.opens().unwrap_err());
    assert!(held.contains("another deadwax-server holds") && shut.contains("not finished"), "{held} {shut}");
    weather.turns(SLOW);
    old.stop();
    let done = mover.ended();
    assert_eq!((done["blobs"].as_u64(), done["root"].clone()), (Some(60), old.verified()["root"].clone()));
    assert!(weather.met.load(Ordering::Relaxed) > met + 10, "nothing was slow");
    weather.turns(FAIR);
    // Back into a folder over a line that fails at times: the same files.
    let back = Studio::settled(root.path().join("back"), "");
    let mut mover = Mover::start(&new.folder, &back.folder);
    for turn in 0..8 {
        thread::sleep(Duration::from_millis(150));
        weather.turns([BUSY, FAIR][turn % 2]);
    }
    assert!(mover.ends(), "{}", mover.said());
    assert_eq!(audio_of(&back.folder), audio_of(&old.folder));
}

#[test]
fn of_two_movers_at_the_same_time_one_comes_to_the_end() {
    let root = tempfile::tempdir().unwrap();
    let (mut old, _) = Studio::init(root.path().join("old"));
    let settled = |name: &str| Studio::settled(root.path().join(name), "");
    let (one, two) = (settled("one"), settled("two"));
    old.start(None);
    let mut first = Mover::start(&old.folder, &one.folder);
    first.until("stop them when you are ready");
    // Into the same folder: no. Into another one: it is waited who is quicker.
    let no = no_move(&old.folder, &one.folder);
    assert!(no.contains("the folder of the target is in use"), "{no}");
    let mut second = Mover::start(&old.folder, &two.folder);
    second.until("stop them when you are ready");
    old.stop();
    let (first_done, second_done) = (first.ends(), second.ends());
    assert!(first_done != second_done, "{}\n{}", first.said(), second.said());
    let slower = if first_done { &second } else { &first };
    assert!(slower.said().contains("another move was quicker"), "{}", slower.said());
    assert_eq!((one.opens().is_ok(), two.opens().is_ok()), (first_done, second_done));
    assert!(old.opens().unwrap_err().contains("was moved to"));
}

#[test]
fn of_two_movers_out_of_one_database_one_comes_to_the_end() {
    let Some(cluster) = cluster::shared() else { return };
    let root = tempfile::tempdir().unwrap();
    let (old, _) = Studio::init(root.path().join("old"));
    let url = root.path().join("url");
    secret(&url, cluster.place().url.reveal());
    let mut new = Studio::settled(root.path().join("new"), &in_database(&url, None));
    moved(&old.folder, &new.folder);
    new.start(None);
    // The second one knows the studio by another folder over the same database.
    let twin = new.twin(root.path().join("twin"));
    let settled = |name: &str| Studio::settled(root.path().join(name), "");
    let (one, two) = (settled("one"), settled("two"));
    let mut first = Mover::start(&new.folder, &one.folder);
    let mut second = Mover::start(&twin.folder, &two.folder);
    first.until("stop them when you are ready");
    second.until("stop them when you are ready");
    new.stop();
    let (first_done, second_done) = (first.ends(), second.ends());
    assert!(first_done != second_done, "{}\n{}", first.said(), second.said());
    let slower = if first_done { &second } else { &first };
    assert!(slower.said().contains("belongs to another move"), "{}", slower.said());
    assert_eq!((one.opens().is_ok(), two.opens().is_ok()), (first_done, second_done));
    assert!(new.opens().is_err() && twin.opens().unwrap_err().contains("was moved to"));
}

/// A small disk, gone at the end.
struct Disk(PathBuf);

impl Disk {
    /// `None`: that is not allowed here, and told.
    fn mount(at: PathBuf, mib: u32) -> Option<Self> {
        fs::create_dir(&at).unwrap();
        let size = format!("size={mib}m");
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "deadwax-test"]).arg(&at).output();
        if done.is_ok_and(|done| done.status.success()) {
            return Some(Self(at));
        }
        println!("#gate FULL not-run a small disk could not be mounted here");
        None
    }

    fn grow(&self, mib: u32) {
        let size = format!("remount,size={mib}m");
        assert!(Command::new("mount").args(["-o", &size]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_disk_that_is_full_at_the_target_stops_the_move_and_room_lets_it_go_on() {
    let (root, mut dice) = (tempfile::tempdir().unwrap(), Dice::seeded());
    let (old, _) = Studio::init(root.path().join("old"));
    put_audio(&old.folder, &mut dice, 30, 1 << 20);
    let Some(disk) = Disk::mount(root.path().join("disk"), 8) else { return };
    let new = Studio::settled(disk.0.join("new"), "");
    // Full to the last page: not even the mark has room, or not the journal.
    let ballast = disk.0.join("ballast");
    let mut heavy = fs::File::create(&ballast).unwrap();
    while heavy.write_all(&[0; 4096]).is_ok() {}
    drop(heavy);
    let no = no_move(&old.folder, &new.folder);
    assert!(no.contains("No space left"), "{no}");
    fs::remove_file(&ballast).unwrap();
    // Room for some of the audio.
    for _ in 0..2 {
        let no = no_move(&old.folder, &new.folder);
        let is_full = no.contains("disk is nearly full") || no.contains("No space left");
        assert!(no.contains("run the same again") && is_full, "{no}");
        assert!(new.opens().unwrap_err().contains("not finished"));
        old.opens().unwrap();
    }
    disk.grow(80);
    let done = moved(&old.folder, &new.folder);
    assert_eq!(done["root"], old.verified()["root"]);
    assert_eq!(audio_of(&new.folder), audio_of(&old.folder));
    assert!(old.opens().is_err());
    new.opens().unwrap();
}

#[test]
fn tables_of_another_version_are_not_touched() {
    let Some(cluster) = cluster::shared() else { return };
    let root = tempfile::tempdir().unwrap();
    let (old, _) = Studio::init(root.path().join("old"));
    let settled = |name: &str| {
        let options = cluster.place();
        let schema =
            options.url.reveal().split("search_path=").nth(1).unwrap().trim_end_matches('\'').to_owned();
        let url = root.path().join(format!("{name}.url"));
        secret(&url, options.url.reveal());
        (Studio::settled(root.path().join(name), &in_database(&url, None)), schema)
    };
    let (newer, schema) = settled("newer");
    cluster.psql(&format!(
        "CREATE TABLE {schema}.deadwax_schema (version bigint PRIMARY KEY, applied_at timestamptz NOT NULL); \
         INSERT INTO {schema}.deadwax_schema VALUES (999, now())"
    ));
    let no = no_move(&old.folder, &newer.folder);
    assert!(no.contains("version 999") && no.contains("newer deadwax-server"), "{no}");
    old.opens().unwrap();
    // A source that a newer server brought up, and one that none of this version opened yet.
    let (new, schema) = settled("new");
    moved(&old.folder, &new.folder);
    let back = Studio::settled(root.path().join("back"), "");
    cluster.psql(&format!("INSERT INTO {schema}.deadwax_schema VALUES (999, now())"));
    let no = no_move(&new.folder, &back.folder);
    assert!(no.contains("version 999"), "{no}");
    cluster.psql(&format!("DELETE FROM {schema}.deadwax_schema WHERE version > 4"));
    let no = no_move(&new.folder, &back.folder);
    assert!(no.contains("tables of version 4") && no.contains("start the studio's servers once"), "{no}");
    new.opens().unwrap();
    let done = moved(&new.folder, &back.folder);
    assert_eq!(done["root"], back.verified()["root"]);
}

fn audio_alone(from: &Studio, to: &Studio, files: u64) {
    let done = moved(&from.folder, &to.folder);
    assert_eq!((done["blobs"].as_u64(), done["root"].as_str()), (Some(files), Some("")), "{done}");
    assert!(from.opens().unwrap_err().contains("was moved to"));
    to.opens().unwrap();
}

#[test]
fn audio_moves_alone_over_one_database_and_is_taken_back() {
    let (Some(cluster), Some(moto)) = (cluster::shared(), Moto::shared()) else { return };
    let (root, mut dice) = (tempfile::tempdir().unwrap(), Dice::seeded());
    let (old, _) = Studio::init(root.path().join("old"));
    put_audio(&old.folder, &mut dice, 12, 100_000);
    let url = root.path().join("url");
    secret(&url, cluster.place().url.reveal());
    // Facts alone first.
    let home = Studio::settled(root.path().join("home"), &in_database(&url, None));
    symlink(old.folder.join("blobs"), home.folder.join("blobs")).unwrap();
    assert_eq!(moved(&old.folder, &home.folder)["root"], old.verified()["root"]);
    let far = |name: &str, bucket: String| {
        Studio::settled(root.path().join(name), &in_database(&url, Some((moto.endpoint(), bucket))))
    };
    let (far, other) = (far("far", moto.bucket()), far("other", moto.bucket()));
    assert!(no_move(&home.folder, &home.folder).contains("the same folder"));
    audio_alone(&home, &far, 12);
    audio_alone(&far, &other, 12);
    let back = Studio::settled(root.path().join("back"), &in_database(&url, None));
    audio_alone(&other, &back, 12);
    assert_eq!(audio_of(&back.folder), audio_of(&old.folder));
    let take_back = |folder: &Path| {
        let told = Command::new(crate::studio::EXE).args(["migrate", "--take-back"]).arg(folder).output();
        assert!(told.unwrap().status.success());
    };
    take_back(&other.folder);
    assert!(back.opens().unwrap_err().contains("was taken back to"));
    other.opens().unwrap();
    take_back(&far.folder);
    assert!(other.opens().unwrap_err().contains("was taken back to"));
    far.opens().unwrap();
}
