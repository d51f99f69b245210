//! What a client keeps of a studio and what becomes of it when its session is over, at a real command line. Goal: where the studio wants it, rows and audio are gone; words
//! that were not sent are not. Method: files in the places where the client keeps its own, and sessions that are ended, run out, or live.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{
    fs,
    path::{Path, PathBuf},
};

use deadwax_tests::{
    harness::{House, Seat},
    pane::Pane,
};
use sha2::{Digest as _, Sha256};

const EXE: &str = env!("CARGO_BIN_EXE_demo");
const BOB: &str = "bob@mix.example";

/// What a client keeps: rows of a project, audio, and a command that nobody answered.
struct Kept {
    rows: PathBuf,
    sound: PathBuf,
    unsent: PathBuf,
}

impl Kept {
    fn of(seat: &Seat) -> Self {
        let name = "bob-kern";
        let profile: toml::Table = fs::read_to_string(profile(seat)).unwrap().parse().unwrap();
        let text = |key: &str| profile[key].as_str().unwrap().to_owned();
        let who = hex::encode(&Sha256::digest(format!("{}\n{}", text("url"), text("person_id")))[..8]);
        let folder = seat.home.join("kept").join(format!("{name}-{who}"));
        let kept = Self {
            rows: folder.join("0123.rows"),
            sound: seat.home.join("cache").join(name).join("audio").join("0123"),
            unsent: folder.join("unsent").join("0123"),
        };
        for file in [&kept.rows, &kept.sound, &kept.unsent] {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "of the studio").unwrap();
        }
        kept
    }

    /// Rows, audio, unsent words.
    fn there(&self) -> [bool; 3] {
        [&self.rows, &self.sound, &self.unsent].map(|file| file.exists())
    }
}

fn profile(seat: &Seat) -> PathBuf {
    seat.home.join("profiles/bob-kern.toml")
}

/// A studio with its owner, and Bob at a machine of his own.
fn studio(root: &Path, forgets: bool) -> (House, Seat, Seat) {
    let mut house = House::found(Path::new(EXE), root).unwrap();
    house.set([("access", "forget_after_session", forgets)]).unwrap();
    house.open().unwrap();
    let noor = house.seat(root, "noor").unwrap();
    noor.verb(["login", &house.owner_link]).unwrap();
    let said = noor.verb(["invite", "--name", "Bob Kern", "--email", BOB]).unwrap();
    let bob = house.seat(root, "bob").unwrap();
    bob.verb(["login", said.first()["link"].as_str().unwrap()]).unwrap();
    (house, noor, bob)
}

#[test]
fn where_the_studio_wants_it_nothing_is_kept_after_a_session_that_was_ended() {
    for forgets in [false, true] {
        let root = tempfile::tempdir().unwrap();
        let (_house, noor, bob) = studio(root.path(), forgets);
        let kept = Kept::of(&bob);
        bob.verb(["status"]).unwrap();
        assert_eq!(kept.there(), [true; 3], "as long as the session lives");
        noor.verb(["end-access", BOB, "--yes"]).unwrap();
        let said = bob.refused("SESSION_ENDED", ["status"]).unwrap();
        assert_eq!(kept.there(), [!forgets, !forgets, true], "{}", said.stderr);
        assert_eq!(said.stderr.contains("wants nothing kept after it"), forgets, "{}", said.stderr);
        assert!(profile(&bob).exists(), "the way to sign in again");
    }
}

#[test]
fn a_session_that_ran_out_is_forgotten_without_a_line() {
    let root = tempfile::tempdir().unwrap();
    let (mut house, _noor, bob) = studio(root.path(), true);
    let kept = Kept::of(&bob);
    house.kill().unwrap();
    bob.refused("UNREACHABLE", ["status"]).unwrap();
    assert_eq!(kept.there(), [true; 3], "work without a line goes on while the session lives");
    let text = fs::read_to_string(profile(&bob)).unwrap();
    let mut whole: toml::Table = text.parse().unwrap();
    assert!(whole["expires_ms"].as_integer().unwrap() > 1_700_000_000_000);
    whole.insert("expires_ms".into(), 1_700_000_000_000_i64.into());
    fs::write(profile(&bob), whole.to_string()).unwrap();
    bob.refused("UNREACHABLE", ["status"]).unwrap();
    assert_eq!(kept.there(), [false, false, true]);
}

#[test]
fn the_screens_forget_too() {
    let root = tempfile::tempdir().unwrap();
    let (_house, noor, bob) = studio(root.path(), true);
    let kept = Kept::of(&bob);
    let pane = Pane::open(Path::new(EXE), &bob.home, "bob", (100, 30)).unwrap();
    pane.sees("Desk").unwrap();
    noor.verb(["end-access", BOB, "--yes"]).unwrap();
    pane.sees("signed out").unwrap();
    pane.leave().unwrap();
    assert_eq!(kept.there(), [false, false, true]);
}
