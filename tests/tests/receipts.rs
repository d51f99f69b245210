//! Who signed which bytes, from the signer's key to the third person's desk: two people sign a mix with keys of their own, the evidence is fetched, and both
//! our reader and the script that comes along (ssh-keygen, sha256sum) accept it and refuse what was touched. Goal: the two halves were written apart and agree.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{fs, path::Path};

use deadwax_tests::{
    demo::{Log, Material, Studio, mixing},
    evidence, song,
};

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
    for place in [&zip, &folder] {
        let said = label.try_verb(["verify", place.to_str().unwrap()]).unwrap();
        assert_eq!(said.code, 0, "{:?} {}", said.lines, said.stderr);
    }
    if let Some((holds, said)) = evidence::script(&folder, &[]).unwrap() {
        assert!(holds, "{said}");
    }
    for (name, from, to) in [
        ("statements/000001.txt", "decision: approve", "decision: approvE"),
        ("statements/000001.txt", "role: ", "role:  "),
        ("CHAIN", "1 ", "2 "),
        ("checkpoint.txt", "receipts: ", "receipts: 1"),
        ("allowed_signers", "ssh-ed25519 AAAA", "ssh-ed25519 AAAB"),
    ] {
        let copy = evidence::copy(&folder).unwrap();
        evidence::replaced(copy.path(), name, from, to).unwrap();
        let said = label.try_verb(["verify", copy.path().to_str().unwrap()]).unwrap();
        assert_eq!(said.code, 1, "{name}: {:?} {}", said.lines, said.stderr);
        if let Some((holds, said)) = evidence::script(copy.path(), &[]).unwrap() {
            assert!(!holds && said.contains(name), "{name}: {said}");
        }
    }
}
