//! What is refused, with words that help, and what a kill leaves: between the two marks, while the database is killed, and a move that is taken back. Never here: the
//! whole way (`journey`).

use std::{fs, os::unix::fs::symlink, path::Path, time::Duration};

use crate::{
    cluster,
    studio::{Mover, Studio, in_database, moved, no_move, program, secret},
};

fn state_of(folder: &Path, state: &str) {
    let path = folder.join("move.json");
    let mut mark: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    mark["state"] = state.into();
    fs::write(path, mark.to_string()).unwrap();
}

fn take_back(folder: &Path) -> Result<(), String> {
    let told = program("migrate").arg("--take-back").arg(folder).output().unwrap();
    if told.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&told.stderr).into_owned()) }
}

#[test]
fn what_cannot_be_moved_is_refused_in_words() {
    let root = tempfile::tempdir().unwrap();
    let (old, _) = Studio::init(root.path().join("old"));
    let (other, _) = Studio::init(root.path().join("other"));
    let folder = |name: &str| root.path().join(name);
    assert!(no_move(&old.folder, &old.folder).contains("the same folder"));
    assert!(no_move(&old.folder, &folder("nowhere")).contains("nowhere"));
    fs::create_dir(folder("bare")).unwrap();
    assert!(no_move(&old.folder, &folder("bare")).contains("has no studio.toml"));
    let no = no_move(&old.folder, &other.folder);
    assert!(no.contains("holds something already") && no.contains("choose a new folder"), "{no}");
    // The beginning of a move of another studio.
    let new = Studio::settled(folder("new"), "");
    moved(&old.folder, &new.folder);
    state_of(&new.folder, "filling");
    let no = no_move(&other.folder, &new.folder);
    assert!(no.contains("another studio"), "{no}");
    // Where it went already.
    let third = Studio::settled(folder("third"), "");
    let no = no_move(&old.folder, &third.folder);
    assert!(no.contains("was moved to") && no.contains("--take-back"), "{no}");
    // A database that is not there is waited for, then named.
    secret(&folder("url"), "host=127.0.0.1 port=1 user=deadwax dbname=nothing");
    let fourth = Studio::settled(folder("fourth"), &in_database(&folder("url"), None));
    let no = no_move(&other.folder, &fourth.folder);
    assert!(no.contains("cannot be reached"), "{no}");
    other.opens().unwrap();
}

#[test]
fn damage_is_named_and_not_carried_on() {
    let root = tempfile::tempdir().unwrap();
    let (old, _) = Studio::init(root.path().join("old"));
    let new = Studio::settled(root.path().join("new"), "");
    let shelf = old.folder.join("blobs/ab");
    fs::create_dir_all(&shelf).unwrap();
    let name = "0".repeat(62);
    fs::write(shelf.join(&name), b"not what it says").unwrap();
    let no = no_move(&old.folder, &new.folder);
    assert!(no.contains("the source is damaged") && no.contains(&format!("ab{name}")), "{no}");
    old.opens().unwrap();
    assert!(new.opens().is_err());
    fs::remove_file(shelf.join(&name)).unwrap();
    let segment = old.folder.join("journal/00000001.journal");
    let whole = fs::read(&segment).unwrap();
    let mut bytes = whole.clone();
    // In the first record: what lies behind it was acknowledged.
    bytes[130] ^= 4;
    fs::write(&segment, bytes).unwrap();
    let no = no_move(&old.folder, &new.folder);
    assert!(no.contains("00000001.journal"), "{no}");
    fs::write(&segment, whole).unwrap();
    let done = moved(&old.folder, &new.folder);
    new.opens().unwrap();
    assert_eq!(new.verified()["root"], done["root"]);
}

#[test]
fn between_the_two_marks_neither_side_is_served_and_a_move_is_taken_back() {
    let Some(cluster) = cluster::shared() else { return };
    let root = tempfile::tempdir().unwrap();
    let (old, _) = Studio::init(root.path().join("old"));
    let options = cluster.place();
    let schema = options.url.reveal().split("search_path=").nth(1).unwrap().trim_end_matches('\'').to_owned();
    let url = root.path().join("url");
    secret(&url, options.url.reveal());
    let new = Studio::settled(root.path().join("new"), &in_database(&url, None));
    // Audio stays in the folder where it is.
    fs::create_dir_all(old.folder.join("blobs")).unwrap();
    symlink(old.folder.join("blobs"), new.folder.join("blobs")).unwrap();
    let done = moved(&old.folder, &new.folder);
    assert_eq!(done["root"], old.verified()["root"]);
    new.opens().unwrap();
    // As a kill leaves it after the first mark and before the second.
    let database = |state: &str| {
        cluster.psql(&format!("UPDATE {schema}.deadwax_move SET state = '{state}'"));
    };
    state_of(&new.folder, "filling");
    database("filling");
    assert!(old.opens().unwrap_err().contains("was moved to"));
    assert!(new.opens().unwrap_err().contains("not finished"));
    // Another server over the same database, whose folder knows nothing of it.
    let twin = Studio::settled(root.path().join("twin"), &in_database(&url, None));
    assert!(twin.opens().unwrap_err().contains("not finished"));
    assert_eq!(moved(&old.folder, &new.folder)["root"], done["root"]);
    new.opens().unwrap();
    twin.opens().unwrap();
    assert_eq!(moved(&old.folder, &new.folder)["root"], done["root"], "done is done");
    // Killed right before the last mark: the database is open, so servers over it may have gone on; nothing is filled or compared any more.
    state_of(&new.folder, "filling");
    assert_eq!(moved(&old.folder, &new.folder)["root"], done["root"]);
    new.opens().unwrap();
    // A folder that was left is backed up by nobody: the same backup may be the newer studio's by now.
    let backup = program("backup").arg(&old.folder).arg(root.path().join("backup")).output().unwrap();
    let said = String::from_utf8_lossy(&backup.stderr);
    assert!(!backup.status.success() && said.contains("was moved to"), "{said}");
    // A target that is somewhere else by now could not be shut.
    let elsewhere = root.path().join("elsewhere");
    fs::rename(&new.folder, &elsewhere).unwrap();
    let no = take_back(&old.folder).unwrap_err();
    assert!(no.contains("two studios would go on side by side"), "{no}");
    assert!(old.opens().unwrap_err().contains("was moved to"));
    fs::rename(&elsewhere, &new.folder).unwrap();
    // Deliberately back: the target is shut, its database for all.
    take_back(&old.folder).unwrap();
    old.opens().unwrap();
    assert!(new.opens().unwrap_err().contains("was taken back to"));
    assert!(twin.opens().unwrap_err().contains("was moved to"));
    assert!(take_back(&old.folder).unwrap_err().contains("nothing to take back"));
}

#[test]
fn a_database_that_is_killed_in_the_middle_is_waited_for() {
    let Some(cluster) = cluster::Cluster::start(&[]) else { return };
    let root = tempfile::tempdir().unwrap();
    let (mut old, _) = Studio::init(root.path().join("old"));
    let url = root.path().join("url");
    secret(&url, cluster.place().url.reveal());
    let mut new = Studio::settled(root.path().join("new"), &in_database(&url, None));
    old.start(None);
    let mut mover = Mover::start(&old.folder, &new.folder);
    mover.until("stop them when you are ready");
    cluster.kill();
    cluster.go();
    old.stop();
    let done = mover.ended();
    assert_eq!(done["root"], old.verified()["root"]);
    new.start(None);
    // The way back: servers that run are waited for, and killed ones are gone.
    let back = Studio::settled(root.path().join("back"), "");
    let mut mover = Mover::start(&new.folder, &back.folder);
    mover.until("stop them when you are ready");
    std::thread::sleep(Duration::from_millis(200));
    new.kill();
    let done = mover.ended();
    assert_eq!(done["root"], back.verified()["root"]);
    assert!(new.opens().unwrap_err().contains("was moved to"));
    back.opens().unwrap();
}
