//! Who signed which bytes, from the signer's key to the third person's desk: two people sign a mix with keys of their own, the evidence is fetched, and both
//! our reader and the script that comes along (ssh-keygen, sha256sum) accept it and refuse what was touched. Goal: the two halves were written apart and agree.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use deadwax_tests::{
    demo::{Log, Material, Studio, mixing},
    song,
};

/// The script, with ordinary tools alone. `None` where they are absent.
fn script(folder: &Path) -> Option<(bool, String)> {
    let there = |tool: &str| {
        Command::new("sh").args(["-c", &format!("command -v {tool}")]).output().unwrap().status.success()
    };
    if !there("ssh-keygen") || !there("sha256sum") {
        println!("ssh-keygen or sha256sum is absent: the script was not run");
        return None;
    }
    let said = Command::new("sh")
        .arg("verify.sh")
        .current_dir(folder)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&said.stdout).into_owned() + &String::from_utf8_lossy(&said.stderr);
    Some((said.status.success(), text))
}

fn touched(folder: &Path, name: &str, from: &str, to: &str) -> PathBuf {
    let copy = tempfile::tempdir().unwrap().keep();
    for part in ["", "statements"] {
        fs::create_dir_all(copy.join(part)).unwrap();
        for entry in fs::read_dir(folder.join(part)).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_file() {
                fs::copy(entry.path(), copy.join(part).join(entry.file_name())).unwrap();
            }
        }
    }
    let text = fs::read_to_string(copy.join(name)).unwrap();
    assert!(text.contains(from), "{name} has no {from}");
    fs::write(copy.join(name), text.replacen(from, to, 1)).unwrap();
    copy
}

#[test]
fn what_was_signed_with_keys_is_accepted_by_both_readers_and_what_was_touched_by_none() {
    let root = tempfile::tempdir().unwrap();
    let exe = Path::new(env!("CARGO_BIN_EXE_demo"));
    let material = Material::Song(Box::new(song::arrange().begun_at_the_bridge()));
    let on = Studio::found(exe, root.path(), material, Log::new(true)).unwrap();
    let (artist, label) = (&on.cast.artist, &on.cast.label);
    label.refused("NO_RECEIPTS", ["evidence", "-o", root.path().join("none.zip").to_str().unwrap()]).unwrap();
    for seat in [artist, label] {
        seat.verb(["key", "new", "--no-passphrase"]).unwrap();
    }
    mixing::take(&on).unwrap();
    mixing::first_mix(&on).unwrap();
    mixing::notes(&on).unwrap();
    mixing::revision(&on).unwrap();
    mixing::second_mix(&on).unwrap();
    mixing::sign(&on, "mix", 2).unwrap();
    let receipts = label.verb(["receipts"]).unwrap();
    assert!(receipts.lines.len() >= 2, "{:?}", receipts.lines);

    let (zip, folder) = (root.path().join("evidence.zip"), root.path().join("evidence"));
    label.verb(["evidence", "-o", zip.to_str().unwrap()]).unwrap();
    artist.verb(["evidence", "-o", folder.to_str().unwrap()]).unwrap();
    let folder = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    for evidence in [&zip, &folder] {
        let said = label.try_verb(["verify", evidence.to_str().unwrap()]).unwrap();
        assert_eq!(said.code, 0, "{:?} {}", said.lines, said.stderr);
    }
    if let Some((holds, said)) = script(&folder) {
        assert!(holds, "{said}");
    }
    for (name, from, to) in [
        ("statements/000001.txt", "decision: approve", "decision: approvE"),
        ("statements/000001.txt", "role: ", "role:  "),
        ("CHAIN", "1 ", "2 "),
        ("checkpoint.txt", "receipts: ", "receipts: 1"),
        ("allowed_signers", "ssh-ed25519 AAAA", "ssh-ed25519 AAAB"),
    ] {
        let copy = touched(&folder, name, from, to);
        let said = label.try_verb(["verify", copy.to_str().unwrap()]).unwrap();
        assert_eq!(said.code, 1, "{name}: {:?} {}", said.lines, said.stderr);
        if let Some((holds, said)) = script(&copy) {
            assert!(!holds && said.contains(name), "{name}: {said}");
        }
        fs::remove_dir_all(copy).unwrap();
    }
}
