//! The files of a record on the disk, fetched by a person at a shell: what lands there, what never does, and what is left alone.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

mod kit;
mod net_fake;
mod record_house;

use std::{fs, path::PathBuf};

use deadwax_proto::v1::RecordState;
use record_house::*;
use serde_json::Value;

#[tokio::test]
async fn files_are_fetched_resumed_and_never_written_over_unasked() {
    let house = made().await;
    // The first file is cut twice; the fetch goes on by itself.
    house.fake.seen().cuts = [10, 20].into();
    let (code, told, aside) = house.told(&["record", "fetch", "--to", "out", "--only", "cd"]).await;
    assert_eq!(code, 0, "{told}{aside}");
    assert!(aside.contains("not delivered yet"), "{aside}");
    let offsets: Vec<u64> = house.fake.seen().stretches.iter().map(|it| it.2).collect();
    assert_eq!(offsets, [0, 10, 30, 0], "from where it was cut");
    let out = house.path().join("out");
    let cd = vec![
        (PathBuf::from("cd/Ana-EP-DDP/IMAGE.DAT"), IMAGE.to_vec()),
        ("cd/EP.cue".into(), SHEET.to_vec()),
    ];
    assert_eq!(tree(&out), cd, "no part is left");

    // What is right stays; what is not there yet comes; a delivered record brings its manifest as it was frozen.
    let delivered = delivered(2, &files());
    let frozen = delivered.manifest_json.clone();
    house.fake.seen().rows = rows(vec![delivered]);
    let (code, told, _) = house.told(&["--json", "record", "fetch", "2", "--to", "out"]).await;
    assert_eq!(code, 0, "{told}");
    let objects: Vec<Value> = told.lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    let new: Vec<bool> = objects[..3].iter().map(|it| it["fetched"].as_bool().unwrap()).collect();
    assert_eq!(new, [false, false, true]);
    assert_eq!((objects[3]["files"].as_u64(), objects[3]["fetched"].as_u64()), (Some(3), Some(1)));
    assert_eq!(fs::read(out.join("hi-res/01 夜.wav")).unwrap(), TRACK);
    assert_eq!(fs::read(out.join("manifest.json")).unwrap(), frozen.as_bytes());
    assert_eq!(house.fake.seen().stretches.len(), 5);

    // Another file lies there: nothing is fetched, nothing is lost, and --force takes its place.
    fs::write(out.join("cd/EP.cue"), "mine").unwrap();
    fs::remove_file(out.join("hi-res/01 夜.wav")).unwrap();
    let (code, _, told) = house.told(&["record", "fetch", "--to", "out"]).await;
    assert!(code == 1 && told.contains("EP.cue exists already") && told.contains("--force"), "{told}");
    assert_eq!(fs::read(out.join("cd/EP.cue")).unwrap(), b"mine");
    assert!(!out.join("hi-res/01 夜.wav").exists(), "looked at first");
    let (code, ..) = house.told(&["record", "fetch", "--to", "out", "--force"]).await;
    assert_eq!((code, fs::read(out.join("cd/EP.cue")).unwrap()), (0, SHEET.to_vec()));
    assert!(out.join("hi-res/01 夜.wav").exists());
    fs::write(out.join("manifest.json"), "{}").unwrap();
    let (code, _, told) = house.told(&["record", "fetch", "--to", "out"]).await;
    assert!(code == 1 && told.contains("of another record"), "{told}");
    let (code, _, told) = house.told(&["record", "fetch", "--to", "out", "--only", "vinyl"]).await;
    assert!(code == 2 && told.contains("it has cd, hi-res"), "{told}");
}

#[tokio::test]
async fn a_line_that_stays_cut_leaves_a_part_and_the_next_fetch_goes_on_from_it() {
    let house = made().await;
    house.fake.seen().cuts = [25, 0, 0, 0, 0, 0, 0, 0].into();
    let (code, ..) = house.told(&["record", "fetch", "--to", "out"]).await;
    assert_eq!(code, 1);
    let found = tree(&house.path().join("out"));
    let [(path, bytes)] = found.as_slice() else { panic!("{found:?}") };
    assert!(path.to_string_lossy().ends_with(".part") && bytes == &IMAGE[..25], "{path:?}");
    house.fake.seen().cuts.clear();
    house.fake.seen().stretches.clear();
    let (code, ..) = house.told(&["record", "fetch", "--to", "out"]).await;
    assert_eq!((code, house.fake.seen().stretches[0].2), (0, 25));
    assert_eq!(fs::read(house.path().join("out/cd/Ana-EP-DDP/IMAGE.DAT")).unwrap(), IMAGE);
}

#[tokio::test]
async fn wrong_bytes_get_no_name() {
    let house = made().await;
    house.fake.seen().files.insert(sha(IMAGE), [&IMAGE[..IMAGE.len() - 1], b"X"].concat());
    let (code, _, told) = house.told(&["record", "fetch", "--to", "out"]).await;
    assert!(code == 1 && told.contains("thrown away"), "{told}");
    assert!(tree(&house.path().join("out")).is_empty());
}

#[tokio::test]
async fn a_hostile_studio_writes_nothing_outside_of_the_folder() {
    let house = made().await;
    let before = tree(house.path());
    for (folder, name) in [
        ("..", "evil.wav"),
        ("cd/../../..", "evil.wav"),
        ("/tmp", "evil.wav"),
        ("cd", "../../evil.wav"),
        ("cd", "/tmp/evil.wav"),
        (".ssh", "authorized_keys"),
        ("", ".bashrc"),
        ("", "manifest.json"),
        ("cd", "EP.cue/evil"),
    ] {
        let mut all = files();
        all.push(("cd", folder, name, b"evil"));
        house.fake.seen().rows = rows(vec![record(2, RecordState::Made, &all)]);
        house.fake.seen().files.insert(sha(b"evil"), b"evil".to_vec());
        for only in [&[][..], &["--only", "hi-res"]] {
            let args = [&["record", "fetch", "--to", "out", "--force"], only].concat();
            let (code, _, told) = house.told(&args).await;
            assert_eq!(code, 1, "{folder} {name}: {told}");
            assert!(told.contains("Nothing was fetched"), "{told}");
        }
        assert_eq!(tree(house.path()), before, "{folder} {name}");
    }
    assert!(house.fake.seen().stretches.is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_in_the_folder_leads_nowhere() {
    let house = made().await;
    let elsewhere = house.path().join("elsewhere");
    fs::create_dir_all(&elsewhere).unwrap();
    fs::write(elsewhere.join("EP.cue"), "mine").unwrap();
    fs::create_dir_all(house.path().join("out/cd")).unwrap();
    std::os::unix::fs::symlink(elsewhere.join("EP.cue"), house.path().join("out/cd/EP.cue")).unwrap();
    let (code, ..) = house.told(&["record", "fetch", "--to", "out"]).await;
    assert_eq!(code, 1);
    // Forced, the link is replaced and what it led to stays.
    let (code, ..) = house.told(&["record", "fetch", "--to", "out", "--force"]).await;
    assert_eq!(code, 0);
    assert_eq!(fs::read(elsewhere.join("EP.cue")).unwrap(), b"mine");
    assert_eq!(fs::read(house.path().join("out/cd/EP.cue")).unwrap(), SHEET);
    // A whole folder that is a link is not entered, forced or not.
    std::os::unix::fs::symlink(&elsewhere, house.path().join("linked")).unwrap();
    fs::create_dir_all(house.path().join("two")).unwrap();
    std::os::unix::fs::symlink(&elsewhere, house.path().join("two/cd")).unwrap();
    let (code, _, told) = house.told(&["record", "fetch", "--to", "two", "--force"]).await;
    assert!(code == 1 && told.contains("is no folder"), "{told}");
    assert_eq!(tree(&elsewhere).len(), 1);
}

#[tokio::test]
async fn a_manifest_that_tells_of_other_files_is_put_nowhere() {
    let house = made().await;
    let mut odd = delivered(2, &files());
    odd.manifest_json = odd.manifest_json.replace(&sha(TRACK), &sha(IMAGE));
    let mut foreign = delivered(2, &files());
    foreign.manifest_json = delivered(1, &files()).manifest_json;
    let mut none = delivered(2, &files());
    none.manifest_json = "a list".into();
    for (row, said) in [(odd, "differ in \"hi-res/"), (foreign, "another record"), (none, "cannot be read")] {
        house.fake.seen().rows = rows(vec![row]);
        let (code, _, told) = house.told(&["record", "fetch", "--to", "out", "--force"]).await;
        assert!(code == 1 && told.contains(said) && told.contains("Nothing was fetched"), "{said}\n{told}");
        assert!(tree(&house.path().join("out")).is_empty());
    }
}

#[tokio::test]
async fn two_records_never_lie_in_one_folder() {
    // Given Record 1 with its manifest, of which Record 2 has not every file.
    let house = made().await;
    let out = house.path().join("out");
    let first: Vec<Made<'_>> = vec![
        ("cd", "cd", "EP.cue", b"an older sheet"),
        ("cd", "cd", "EP v1.cue", b"a sheet with another name"),
        ("vinyl", "vinyl", "Side A.wav", b"a side"),
    ];
    for (.., bytes) in &first {
        house.fake.seen().files.insert(sha(bytes), bytes.to_vec());
    }
    house.fake.seen().rows = rows(vec![delivered(1, &first)]);
    assert_eq!(house.told(&["record", "fetch", "--to", "out"]).await.0, 0);

    // When Record 2, which is not delivered, is fetched into it: it is refused with names, and nothing moves.
    house.fake.seen().rows = rows(vec![record(2, RecordState::Made, &files())]);
    let before = tree(&out);
    let (code, _, told) = house.told(&["record", "fetch", "--to", "out", "--only", "hi-res"]).await;
    for part in ["EP v1.cue", "Side A.wav", "manifest.json", "--force"] {
        assert!(code == 1 && told.contains(part), "{part}\n{told}");
    }
    assert_eq!(tree(&out), before);

    // A file that no manifest lists stays whatever is said.
    fs::write(out.join("cd/my notes.txt"), "mine").unwrap();
    let (code, _, told) = house.told(&["record", "fetch", "--to", "out", "--force"]).await;
    assert!(code == 1 && told.contains("my notes.txt") && !told.contains("Side A"), "{told}");
    fs::remove_file(out.join("cd/my notes.txt")).unwrap();
    fs::write(out.join("cd/.DS_Store"), "a desktop's").unwrap();

    // With --force what the manifest lists goes, and the folder is that of Record 2 alone.
    let (code, _, told) = house.told(&["record", "fetch", "--to", "out", "--force"]).await;
    assert!(code == 0 && told.contains("Taken away"), "{told}");
    fs::remove_file(out.join("cd/.DS_Store")).unwrap();
    let names: Vec<PathBuf> = tree(&out).into_iter().map(|it| it.0).collect();
    let wanted = ["cd/Ana-EP-DDP/IMAGE.DAT", "cd/EP.cue", "hi-res/01 夜.wav"].map(PathBuf::from);
    assert_eq!(names, wanted);
    assert_eq!(fs::read(out.join("cd/EP.cue")).unwrap(), SHEET);
}
