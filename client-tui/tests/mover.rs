//! Transfers against a small server: what is fetched is whole or not there, what is sent goes on after a cut, and an order stops what it names.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

mod net_fake;

use std::{path::Path, time::Duration};

use deadwax_client::{
    net::Client,
    profile::Profile,
    tui::{
        Msg,
        mover::Mover,
        transfers::{Job, News, OfRecord, Order, Sent, State, Wanted, What},
    },
};
use deadwax_proto::v1::{self, action::Action};
use net_fake::Fake;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc::{self, Receiver};

fn sha(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Bytes that differ everywhere.
fn bytes(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|at| u8::try_from((at * 31 + at / 251 + usize::from(seed)) % 256).unwrap()).collect()
}

async fn mover(fake: &Fake) -> (Mover, Receiver<Msg>) {
    let address = fake.serve(None).await;
    let profile = Profile {
        name: "test".into(),
        url: format!("deadwax+http://{address}"),
        token: Some("tok-1".into()),
        ..Profile::default()
    };
    let client = Client::connect(&profile).await.unwrap();
    let (out, inbox) = mpsc::channel(256);
    (Mover::new(client, out), inbox)
}

/// The next state of that job; figures and steps pass by.
async fn state(inbox: &mut Receiver<Msg>, of: u64) -> State {
    loop {
        let news =
            tokio::time::timeout(Duration::from_secs(60), inbox.recv()).await.expect("no news").unwrap();
        if let Msg::Transfer(News::Changed { id, state }) = news
            && id == of
        {
            return state;
        }
    }
}

async fn end(inbox: &mut Receiver<Msg>, of: u64) -> State {
    loop {
        match state(inbox, of).await {
            State::Waiting | State::Running => {}
            ended => return ended,
        }
    }
}

fn fetch(id: u64, files: &[(&str, &[u8])], folder: &Path) -> Order {
    let files = files
        .iter()
        .map(|(name, it)| Wanted { sha256: sha(it), name: (*name).into(), bytes: it.len() as u64 })
        .collect();
    let what = What::Fetch {
        project_id: "p".into(),
        version_id: "v".into(),
        files,
        papers: vec![("manifest.json".into(), b"{}\n".to_vec())],
        folder: folder.to_owned(),
    };
    Order::Start(Job { id, title: "a fetch".into(), what })
}

fn send(id: u64, files: &[(&str, &Path)]) -> Order {
    sending(id, files, false)
}

fn sending(id: u64, files: &[(&str, &Path)], twins: bool) -> Order {
    let files = files.iter().map(|(alternate, path)| Sent {
        path: (*path).to_owned(),
        alternate: (*alternate).into(),
        bytes: 1,
    });
    let what = What::Send {
        project_id: "p".into(),
        files: files.collect(),
        add: Box::new(v1::AddVersion {
            version_id: "v".into(),
            song_id: "s".into(),
            ..v1::AddVersion::default()
        }),
        command_id: "c-1".into(),
        twins,
    };
    Order::Start(Job { id, title: "a send".into(), what })
}

fn put(fake: &Fake, all: &[&[u8]]) {
    for it in all {
        fake.seen().files.insert(sha(it), it.to_vec());
    }
}

#[tokio::test]
async fn files_come_whole_with_their_sums_and_papers() {
    let fake = Fake::default();
    let (a, b) = (bytes(50_000, 1), bytes(7_001, 2));
    put(&fake, &[&a, &b]);
    let (mover, mut inbox) = mover(&fake).await;
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("new/Song");
    mover.order(fetch(1, &[("A.wav", &a), ("B.wav", &b)], &into));
    assert_eq!(end(&mut inbox, 1).await, State::Done);
    assert_eq!(std::fs::read(into.join("A.wav")).unwrap(), a);
    assert_eq!(std::fs::read(into.join("B.wav")).unwrap(), b);
    assert_eq!(std::fs::read(into.join("manifest.json")).unwrap(), b"{}\n");
    let sums = std::fs::read_to_string(into.join("SHA256SUMS")).unwrap();
    assert!(sums.contains(&format!("{}  A.wav", sha(&a))) && sums.lines().count() == 3, "{sums}");
    assert_eq!(std::fs::read_dir(&into).unwrap().count(), 4, "nothing half is left");
    // The same again is no work and no error.
    mover.order(fetch(2, &[("A.wav", &a)], &into));
    assert_eq!(end(&mut inbox, 2).await, State::Done);
}

#[tokio::test]
async fn other_bytes_are_thrown_away_and_other_files_left_alone() {
    let fake = Fake::default();
    let (right, wrong) = (bytes(5_000, 1), bytes(5_000, 9));
    fake.seen().files.insert(sha(&right), wrong);
    let (mover, mut inbox) = mover(&fake).await;
    let folder = tempfile::tempdir().unwrap();
    mover.order(fetch(1, &[("A.wav", &right)], folder.path()));
    let State::Failed { text, hint } = end(&mut inbox, 1).await else { panic!("it was taken") };
    assert!(text.contains("other bytes") && !hint.is_empty(), "{text} {hint}");
    assert!(!folder.path().join("A.wav").exists());
    // The storage was mended: the same order goes on.
    put(&fake, &[&right]);
    mover.order(Order::Resume { id: 1 });
    assert_eq!(end(&mut inbox, 1).await, State::Done);
    std::fs::write(folder.path().join("B.wav"), "mine").unwrap();
    mover.order(fetch(2, &[("B.wav", &right)], folder.path()));
    let State::Failed { text, .. } = end(&mut inbox, 2).await else { panic!("it was overwritten") };
    assert!(text.contains("left alone"), "{text}");
    assert_eq!(std::fs::read(folder.path().join("B.wav")).unwrap(), b"mine");
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_says_what_to_do() {
    let fake = Fake::default();
    let a = bytes(100, 1);
    put(&fake, &[&a]);
    let (mover, mut inbox) = mover(&fake).await;
    let folder = tempfile::tempdir().unwrap();
    // A file stands where the folder should: nobody can make it, whoever they are.
    std::fs::write(folder.path().join("here"), "x").unwrap();
    mover.order(fetch(1, &[("A.wav", &a)], &folder.path().join("here/Song")));
    let State::Failed { text, hint } = end(&mut inbox, 1).await else { panic!("it was made") };
    assert!(text.contains("could not be made") && hint.contains("folder"), "{text} {hint}");
}

#[tokio::test]
async fn an_upload_goes_on_from_where_the_server_stands_and_adds_the_version_once() {
    let fake = Fake::default();
    let (main, tv) = (bytes(900_000, 1), bytes(300_000, 2));
    fake.seen().cut_at = Some(400_000);
    fake.seen().lose_answers = 1;
    let (mover, mut inbox) = mover(&fake).await;
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.wav"), folder.path().join("b.wav"));
    std::fs::write(&a, &main).unwrap();
    std::fs::write(&b, &tv).unwrap();
    mover.order(send(1, &[("main", &a), ("tv", &b)]));
    assert_eq!(end(&mut inbox, 1).await, State::Done);
    let seen = fake.seen();
    assert_eq!(seen.uploads[&sha(&main)], main);
    assert_eq!(seen.uploads[&sha(&tv)], tv);
    assert!(seen.upload_offsets.iter().any(|it| *it >= 400_000), "{:?}", seen.upload_offsets);
    assert!(seen.commands.iter().all(|it| it == "c-1"), "{:?}", seen.commands);
    let [Action::AddVersion(add)] = seen.actions.as_slice() else { panic!("{:?}", seen.actions) };
    let files: Vec<_> = add.files.iter().map(|it| (it.alternate.as_str(), it.sha256.clone())).collect();
    assert_eq!(files, [("main", sha(&main)), ("tv", sha(&tv))]);
}

#[tokio::test]
async fn one_bounce_under_two_names_is_sent_only_where_the_project_warns() {
    let fake = Fake::default();
    let (mover, mut inbox) = mover(&fake).await;
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (folder.path().join("a.wav"), folder.path().join("b.wav"));
    std::fs::write(&a, "same").unwrap();
    std::fs::write(&b, "same").unwrap();
    mover.order(send(1, &[("main", &a), ("tv", &b)]));
    let State::Failed { text, .. } = end(&mut inbox, 1).await else { panic!("it was sent") };
    assert!(text.contains("the same file byte for byte"), "{text}");
    assert!(fake.seen().uploads.is_empty());
    // Where the project only warns of it the studio is asked, and says so in its preflight.
    mover.order(sending(2, &[("main", &a), ("clean", &b)], true));
    assert_eq!(end(&mut inbox, 2).await, State::Done);
    let seen = fake.seen();
    let [Action::AddVersion(add)] = seen.actions.as_slice() else { panic!("{:?}", seen.actions) };
    assert_eq!(add.files.len(), 2);
}

#[tokio::test]
async fn a_paused_fetch_keeps_its_bytes_and_a_cancelled_one_leaves_none() {
    let fake = Fake::default();
    let a = bytes(40_000, 1);
    put(&fake, &[&a]);
    let folder = tempfile::tempdir().unwrap();
    let parts = folder.path().join(".deadwax-part");
    std::fs::create_dir(&parts).unwrap();
    let part = parts.join(format!("{}.part", sha(&a)));
    // What an earlier try brought.
    std::fs::write(&part, &a[..25_000]).unwrap();
    let (mover, mut inbox) = mover(&fake).await;
    // Both orders are there before the first of them is done.
    mover.order(fetch(1, &[("A.wav", &a)], folder.path()));
    mover.order(Order::Pause { id: 1 });
    match end(&mut inbox, 1).await {
        State::Paused => {
            assert!(std::fs::read(&part).unwrap().len() >= 25_000, "what came is kept");
            assert!(!folder.path().join("A.wav").exists());
            mover.order(Order::Resume { id: 1 });
            assert_eq!(end(&mut inbox, 1).await, State::Done);
        }
        // It was faster than the order.
        ended => assert_eq!(ended, State::Done),
    }
    assert_eq!(std::fs::read(folder.path().join("A.wav")).unwrap(), a);

    // One that failed in the middle holds a part; cancelling removes it.
    let b = bytes(9_000, 2);
    std::fs::create_dir_all(&parts).unwrap();
    let part = parts.join(format!("{}.part", sha(&b)));
    std::fs::write(&part, &b[..3_000]).unwrap();
    mover.order(fetch(2, &[("B.wav", &b)], folder.path()));
    let State::Failed { .. } = end(&mut inbox, 2).await else { panic!("the server has no such file") };
    assert!(part.exists());
    mover.order(Order::Cancel { id: 2 });
    loop {
        let Some(Msg::Transfer(news)) = inbox.recv().await else { panic!("no news") };
        if news == (News::Gone { id: 2 }) {
            break;
        }
    }
    assert!(!part.exists() && !parts.exists());
    assert!(folder.path().join("A.wav").exists(), "whole files stay");
}

#[tokio::test]
async fn two_jobs_never_write_into_one_folder_at_once() {
    let fake = Fake::default();
    let a = bytes(60_000, 1);
    put(&fake, &[&a]);
    let (mover, mut inbox) = mover(&fake).await;
    let folder = tempfile::tempdir().unwrap();
    for id in 1..=3 {
        mover.order(fetch(id, &[("A.wav", &a)], folder.path()));
    }
    let (mut running, mut done) = (0, 0);
    while done < 3 {
        let Some(Msg::Transfer(news)) = inbox.recv().await else { panic!("no news") };
        match news {
            News::Changed { state: State::Running, .. } => running += 1,
            News::Changed { state: State::Done, .. } => (running, done) = (running - 1, done + 1),
            News::Changed { state: State::Waiting, .. } => {}
            News::Changed { state, .. } => panic!("{state:?}"),
            _ => {}
        }
        assert!(running <= 1);
    }
}

fn told(it: &v1::RecordFile) -> serde_json::Value {
    serde_json::json!({ "folder": it.folder, "name": it.name, "sha256": it.sha256, "bytes": it.bytes })
}

/// A record as it is moved: two files in the folders of their profiles.
fn of_record(id: u64, files: &[(&str, &str, &[u8])], manifest: Option<&str>, folder: &Path) -> Order {
    let listed = |(folder, name, it): &(&str, &str, &[u8])| v1::RecordFile {
        profile: "cd".into(),
        folder: (*folder).into(),
        name: (*name).into(),
        sha256: sha(it),
        bytes: it.len() as u64,
        ..v1::RecordFile::default()
    };
    let mut lines: Vec<String> =
        files.iter().map(|(folder, name, it)| format!("{folder}/{name} {}\n", sha(it))).collect();
    lines.sort();
    let mut row = v1::RecordRow {
        record_id: "r".into(),
        number: 2,
        files: files.iter().map(listed).collect(),
        fingerprint: sha(lines.concat().as_bytes()),
        ..v1::RecordRow::default()
    };
    // What the studio froze, with this behind it.
    if let Some(end) = manifest {
        let all: Vec<_> = row.files.iter().map(told).collect();
        let record = serde_json::json!({ "id": "r", "number": 2, "fingerprint": row.fingerprint });
        row.manifest_json = format!("{}{end}", serde_json::json!({ "record": record, "files": all }));
    }
    let what = What::Record(Box::new(OfRecord {
        project_id: "p".into(),
        record_id: "r".into(),
        asked: OfRecord::asked(&row, &[]).unwrap(),
        folder: folder.to_owned(),
    }));
    Order::Start(Job { id, title: "a record".into(), what })
}

#[tokio::test]
async fn a_record_comes_into_the_folders_of_its_profiles_and_what_is_in_the_way_stops_it() {
    let fake = Fake::default();
    let (a, b) = (bytes(50_000, 1), bytes(7_001, 2));
    put(&fake, &[&a, &b]);
    let (mover, mut inbox) = mover(&fake).await;
    let folder = tempfile::tempdir().unwrap();
    let into = folder.path().join("Record 2");
    let files = [("cd/DDP", "IMAGE.DAT", a.as_slice()), ("cd", "x.cue", b.as_slice())];
    // Cut on its way: it is told, and goes on from there.
    fake.seen().cuts = [20_000].into();
    mover.order(of_record(1, &files, Some("\n"), &into));
    assert_eq!(end(&mut inbox, 1).await, State::Done);
    assert_eq!(std::fs::read(into.join("cd/DDP/IMAGE.DAT")).unwrap(), a);
    assert_eq!(std::fs::read(into.join("cd/x.cue")).unwrap(), b);
    let manifest = std::fs::read_to_string(into.join("manifest.json")).unwrap();
    assert!(manifest.contains("IMAGE.DAT") && manifest.ends_with("}\n"), "{manifest}");
    assert!(!into.join("cd/DDP/.deadwax-part").exists());
    let asked = fake.seen().stretches.len();
    mover.order(of_record(2, &files, Some("\n"), &into));
    assert_eq!(end(&mut inbox, 2).await, State::Done);
    assert_eq!(fake.seen().stretches.len(), asked, "what is right is not fetched again");
    // The manifest of another record, then another file.
    mover.order(of_record(3, &files, Some(" \n"), &into));
    assert!(
        matches!(end(&mut inbox, 3).await, State::Failed { text, .. } if text.contains("another record"))
    );
    std::fs::write(into.join("cd/x.cue"), "mine").unwrap();
    mover.order(of_record(4, &files, None, &into));
    assert!(matches!(end(&mut inbox, 4).await, State::Failed { text, .. } if text.contains("x.cue")));
    assert_eq!(std::fs::read(into.join("cd/x.cue")).unwrap(), b"mine");
}
