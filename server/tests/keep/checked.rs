//! `verify`, `backup` and `restore` as their operator runs them: exit codes, words, JSON.

use std::{fs, path::Path, process::Command};

use bytes::Bytes;
use deadwax_server::{
    blob::Blobs,
    store::{EmbeddedStore, Store, embedded::Options},
};
use serde_json::Value;

use crate::{Dice, append, blob_file, cover, folder, titled};

pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

pub fn run(words: &[&str]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_deadwax-server")).args(words).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Said { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

pub fn studio(dir: &Path) -> String {
    let dir = dir.to_str().unwrap().to_owned();
    let made = run(&["init", &dir, "--name", "Gold Room", "--owner", "Ana", "--email", "ana@example.org"]);
    assert_eq!(made.code, 0, "{}", made.err);
    dir
}

pub fn json(dir: &str, more: &[&str]) -> (i32, Value) {
    let said = run(&[&["verify", dir, "--json"], more].concat());
    (said.code, serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{}", said.err)))
}

async fn take(root: &Path, bytes: Bytes, says: u64) -> deadwax_domain::Digest {
    let store = EmbeddedStore::open(Options { reserve_bytes: 0, ..Options::new(root) }).unwrap();
    let blobs = Blobs::open_with(root.to_owned(), 0).await.unwrap();
    let digest = blobs.put(bytes).await.unwrap();
    let heads = store.heads().await.unwrap();
    let head = heads.iter().find(|(stream, _)| stream.0 == 5).map_or(0, |(_, head)| *head);
    store.append(append(5, head, u128::from(head) + 900, vec![cover(digest, says, 5)])).await.unwrap();
    digest
}

#[tokio::test]
async fn verify_names_what_is_missing_cut_strange_and_damaged() {
    let home = folder();
    let root = home.path().join("studio");
    let dir = studio(&root);
    let bytes = Dice(1).bytes(500_000);
    let digest = take(&root, bytes.clone(), 500_000).await;
    let (code, fine) = json(&dir, &[]);
    assert_eq!((code, &fine["named"], &fine["blobs_read"]), (0, &1.into(), &1.into()), "{fine}");
    assert_eq!(fine["index"], "as the journal says");
    assert_eq!(json(&dir, &["--sample", "0%"]).1["blobs_read"], 0);
    assert_eq!(json(&dir, &["--data"]).1["root"], fine["root"]);
    assert_eq!(run(&["verify", &dir, "--sample", "many"]).code, 2);
    assert_eq!(run(&["verify", &dir, "--sample", "5%", "--data"]).code, 2);

    let file = blob_file(&root, digest);
    fs::write(&file, &bytes[..400_000]).unwrap();
    let (code, cut) = json(&dir, &["--sample", "0%"]);
    let said = cut["damaged"][0].to_string();
    assert!(code == 1 && said.contains("400000 bytes, and facts say 500000"), "{said}");
    fs::remove_file(&file).unwrap();
    let gone = run(&["verify", &dir]);
    assert!(
        gone.code == 1 && gone.out.contains("is not stored") && gone.out.contains("next: "),
        "{}",
        gone.out
    );
    assert!(gone.err.contains(&digest.to_string()), "{}", gone.err);
    fs::write(&file, &bytes).unwrap();
    let strange = "ab".repeat(32);
    fs::create_dir_all(root.join("blobs/ab")).unwrap();
    fs::write(root.join("blobs/ab").join(&strange[2..]), "no such bytes").unwrap();
    let (code, found) = json(&dir, &[]);
    assert_eq!((code, &found["strangers"][0]), (1, &Value::from(strange)));
    assert_eq!(found["damaged"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn verify_holds_the_index_against_the_journal() {
    let home = folder();
    let (root, other) = (home.path().join("studio"), home.path().join("other"));
    let dir = studio(&root);
    take(&root, Bytes::from_static(b"one"), 3).await;
    // Taken back to what it was before: behind, which is fine.
    crate::copy_folder(&root.join("index"), &other);
    take(&root, Bytes::from_static(b"two"), 3).await;
    fs::remove_dir_all(root.join("index")).unwrap();
    crate::copy_folder(&other, &root.join("index"));
    let (code, behind) = json(&dir, &[]);
    assert!(code == 0 && behind["index"] == "1 records behind, taken in at the next start", "{behind}");
    // Ahead of the journal is not: the journal lost its end.
    let store = EmbeddedStore::open(Options { reserve_bytes: 0, ..Options::new(&root) }).unwrap();
    store.append(append(6, 0, 77, vec![titled("last", 5)])).await.unwrap();
    drop(store);
    let segment = root.join("journal/00000001.journal");
    let good = fs::read(&segment).unwrap();
    fs::write(&segment, &good[..good.len() - 1]).unwrap();
    let short = run(&["verify", &dir]);
    assert!(short.code == 1 && short.out.contains("the index has seen more"), "{} {}", short.out, short.err);
    fs::write(&segment, &good).unwrap();
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    fs::write(&segment, &flipped).unwrap();
    let damaged = run(&["verify", &dir]);
    assert!(damaged.code == 1 && damaged.out.contains("00000001.journal"), "{} {}", damaged.out, damaged.err);
}

#[tokio::test]
async fn backup_verify_and_restore_tell_one_root() {
    let home = folder();
    let (root, dest, to) =
        (home.path().join("studio"), home.path().join("backup"), home.path().join("restored"));
    let dir = studio(&root);
    take(&root, Dice(4).bytes(300_000), 300_000).await;
    let (dest_name, to_name) = (dest.to_str().unwrap(), to.to_str().unwrap());
    let made = run(&["backup", &dir, dest_name]);
    assert_eq!(made.code, 0, "{}", made.err);
    let root_hash = json(&dir, &[]).1["root"].as_str().unwrap().to_owned();
    assert!(made.out.contains(&root_hash), "{}", made.out);
    let dry = run(&["restore", dest_name, "--dry-run", "--json"]);
    let said: Value = serde_json::from_str(&dry.out).unwrap();
    assert_eq!((said["root"].as_str(), said["dry_run"].as_bool()), (Some(&*root_hash), Some(true)));
    assert!(!to.exists());
    assert_eq!(run(&["restore", dest_name]).code, 2, "where to?");
    let restored = run(&["restore", dest_name, "--to", to_name]);
    assert!(restored.code == 0 && restored.out.contains(&root_hash), "{} {}", restored.out, restored.err);
    assert_eq!(json(to_name, &[]).1["root"].as_str(), Some(&*root_hash));
    let people = run(&["user", to_name, "list"]);
    assert!(people.code == 0 && people.out.contains("Ana"), "{} {}", people.out, people.err);
    let again = run(&["restore", dest_name, "--to", to_name]);
    assert!(again.code == 1 && again.err.contains("is a studio already"), "{}", again.err);
    assert_eq!(run(&["restore", dest_name, "--to", "x", "--at", "yesterday"]).code, 2);
    let back = home.path().join("back");
    let early = run(&["restore", dest_name, "--to", back.to_str().unwrap(), "--at", "1"]);
    assert!(early.code == 0 && early.out.contains("1 records"), "{} {}", early.out, early.err);
    assert!(early.out.contains("sessions"), "{}", early.out);
}
