//! Stored forms over time: a store folder as it was first written is opened by every later server, and one of a later form is refused in words. The folder
//! `golden/store-1` is never written anew; `DEADWAX_BLESS=1` makes it where it is absent.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use bytes::Bytes;
use deadwax_server::{
    blob::Blobs,
    keep::verify::{self, Sample},
    store::{
        EmbeddedStore, Store, StreamId,
        embedded::{OpenError, Options},
    },
};
use sha2::{Digest as _, Sha256};

use crate::{append, copy_folder, cover, files_below, folder, titled};

const AUDIO: &[u8] = b"the first take that was ever stored";

fn golden() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/store-1")
}

fn options(root: &Path) -> Options {
    Options { reserve_bytes: 0, segment_bytes: 700, ..Options::new(root) }
}

/// Two streams, three segments, one erased entry, one file.
async fn make(root: &Path) {
    let store = EmbeddedStore::open(options(root)).unwrap();
    let blobs = Blobs::open_with(root.to_owned(), 0).await.unwrap();
    let digest = blobs.put(Bytes::from_static(AUDIO)).await.unwrap();
    store.append(append(1, 0, 1, vec![titled("Night Drive", 10)])).await.unwrap();
    store.append(append(1, 1, 2, vec![cover(digest, AUDIO.len() as u64, 20)])).await.unwrap();
    store.append(append(2, 0, 3, vec![titled("Other", 30), titled("erased", 31)])).await.unwrap();
    store.redact(StreamId(2), 2).await.unwrap();
    store.append(append(1, 2, 4, vec![titled("Night Drive, again", 40)])).await.unwrap();
    drop((store, blobs));
    for passing in ["index", "uploads", "derived"] {
        fs::remove_dir_all(root.join(passing)).unwrap();
    }
    fs::remove_file(root.join("lock")).unwrap();
    let report = verify::verify(root, Sample::All).unwrap();
    fs::remove_file(root.join("lock")).unwrap();
    fs::write(root.join("ROOT"), format!("{}\n", hex::encode(report.journal.unwrap().root))).unwrap();
}

#[tokio::test]
async fn the_first_store_that_was_written_opens_today() {
    if std::env::var_os("DEADWAX_BLESS").is_some() && !golden().exists() {
        make(&golden()).await;
    }
    let home = folder();
    let root = home.path().join("studio");
    copy_folder(&golden(), &root);
    let report = verify::verify(&root, Sample::All).unwrap();
    assert!(report.damage.is_empty() && report.strangers.is_empty(), "{}", report.text());
    let said = fs::read_to_string(golden().join("ROOT")).unwrap();
    assert_eq!(hex::encode(report.journal.as_ref().unwrap().root), said.trim());
    assert!(report.journal.unwrap().segments > 1);
    let store = EmbeddedStore::open(options(&root)).unwrap();
    let blobs = Blobs::open_with(root.clone(), 0).await.unwrap();
    let first = store.read(StreamId(1), 0, 9).await.unwrap();
    let digest = deadwax_domain::Digest(Sha256::digest(AUDIO).into());
    let payloads: Vec<_> = first.into_iter().map(|entry| entry.payload.unwrap()).collect();
    let cover = cover(digest, AUDIO.len() as u64, 20);
    assert_eq!(payloads, [titled("Night Drive", 10), cover, titled("Night Drive, again", 40)]);
    let second = store.read(StreamId(2), 0, 9).await.unwrap();
    assert_eq!(second.iter().map(|entry| entry.payload.is_some()).collect::<Vec<_>>(), [true, false]);
    assert_eq!(blobs.verify(digest).await.unwrap(), AUDIO.len() as u64);
    assert!(store.append(append(1, 1, 2, vec![titled("a retry", 1)])).await.unwrap().repeated);
    store.append(append(1, 3, 5, vec![titled("and on", 50)])).await.unwrap();
    assert!(files_below(&golden()).iter().all(|file| !file.ends_with("lock")), "it is never written to");
}

/// The form stands in the head of every segment.
#[test]
fn an_old_server_refuses_a_newer_store_in_words_and_leaves_it_alone() {
    let home = folder();
    let root = home.path().join("studio");
    let dir = root.to_str().unwrap();
    let server = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_deadwax-server")).args(words).output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let made = server(&["init", dir, "--name", "Gold Room", "--owner", "Ana", "--email", "ana@example.org"]);
    assert_eq!(made.0, 0, "{}", made.1);
    let segment = root.join("journal/00000001.journal");
    let mut bytes = fs::read(&segment).unwrap();
    bytes[8] += 1;
    fs::write(&segment, &bytes).unwrap();
    let refused = EmbeddedStore::open(options(&root)).map(drop).unwrap_err();
    assert!(matches!(refused, OpenError::Newer { format: 2, known: 1, .. }), "{refused}");
    for words in [&["serve", dir][..], &["verify", dir], &["user", dir, "list"]] {
        let (code, said) = server(words);
        let told = said.contains("has format 2") && said.contains("Start a newer deadwax-server");
        assert!(code == 1 && told, "{words:?}: {code} {said}");
    }
    assert_eq!(fs::read(&segment).unwrap(), bytes);
}
