//! Folders from somebody who means harm, or from a broken disk: cut files, false lengths, links and pipes, bytes at random. Nothing panics, nothing is read
//! without bound, and nothing that was changed goes unnoticed.

use std::{cell::RefCell, fs, path::Path};

use deadwax_client::ddp::{self, Report};
use proptest::{prelude::*, sample::Index, test_runner::TestRunner};

use crate::ddp_set::{AT, Files, SUMS, lay, put, resum, sound_set};

const NAMES: [&str; 6] = ["DDPID", "DDPMS", "PQDESCR", "CDTEXT.BIN", SUMS, "IMAGE.DAT"];

fn room() -> (tempfile::TempDir, Files) {
    let folder = tempfile::tempdir().unwrap();
    let mut there = Files::new();
    lay(folder.path(), &sound_set(), &mut there);
    (folder, there)
}

fn has(report: &Report, code: &str) -> bool {
    report.findings.iter().any(|it| it.code == code)
}

/// Which file, where in it, and what stands there then.
fn edits() -> impl Strategy<Value = Vec<(usize, Index, u8)>> {
    let byte = prop_oneof![any::<u8>(), b'0'..=b'9', Just(b' '), Just(b'\n'), Just(b'A'), Just(0)];
    proptest::collection::vec((0..NAMES.len(), any::<Index>(), byte), 1..4)
}

fn edited(sound: &Files, edits: &[(usize, Index, u8)]) -> Files {
    let mut files = sound.clone();
    for (name, at, byte) in edits {
        let bytes = files.get_mut(NAMES[*name]).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = *byte;
    }
    files
}

fn runner(cases: u32) -> TestRunner {
    TestRunner::new(ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() })
}

#[test]
fn what_was_changed_is_told_or_changes_nothing_that_is_read() {
    let (folder, there) = room();
    let sound = there.clone();
    let meant = ddp::read(folder.path()).unwrap();
    let there = RefCell::new(there);
    let told = runner(96).run(&edits(), |edits| {
        lay(folder.path(), &edited(&sound, &edits), &mut there.borrow_mut());
        let report = ddp::check(folder.path());
        if report.findings.is_empty() {
            prop_assert_eq!(&report.set, &meant);
            prop_assert_eq!(fs::read(folder.path().join("IMAGE.DAT")).unwrap() == sound["IMAGE.DAT"], true);
        }
        Ok(())
    });
    told.unwrap();
}

/// Somebody changed bytes and wrote the checksums anew: whatever passes then is a disc that can be pressed.
#[test]
fn what_passes_is_a_disc_whatever_the_bytes_are() {
    let (folder, there) = room();
    let sound = there.clone();
    let there = RefCell::new(there);
    let told = runner(96).run(&edits(), |edits| {
        let mut files = edited(&sound, &edits);
        resum(&mut files);
        lay(folder.path(), &files, &mut there.borrow_mut());
        let report = ddp::check(folder.path());
        if report.passed() {
            is_a_disc(&report)?;
        }
        Ok(())
    });
    told.unwrap();
}

fn is_a_disc(report: &Report) -> Result<(), TestCaseError> {
    let set = &report.set;
    prop_assert_eq!(set.image.bytes, u64::from(set.sectors) * 2352);
    prop_assert!(!set.tracks.is_empty() && set.tracks.len() <= 99 && set.sectors <= (79 * 60 + 57) * 75);
    prop_assert!(set.tracks[0].index0 == Some(0) && set.tracks[0].index1 >= 150);
    let mut before = None;
    for (number, track) in (1..).zip(&set.tracks) {
        prop_assert_eq!(track.number, number);
        for at in
            track.index0.into_iter().chain([track.index1]).chain(track.further.iter().map(|(_, at)| *at))
        {
            prop_assert!(before < Some(at));
            before = Some(at);
        }
        prop_assert!(track.next_start - track.index1 >= 300);
        prop_assert!(track.isrc.is_empty() || track.isrc.len() == 12);
    }
    prop_assert!(before < Some(set.sectors));
    Ok(())
}

#[test]
fn files_of_any_length_and_content_do_no_harm() {
    let (folder, there) = room();
    let (sound, meant) = (there.clone(), ddp::read(folder.path()).unwrap());
    let there = RefCell::new(there);
    let content = proptest::collection::vec(any::<u8>(), 0..700);
    let lengths = (0..NAMES.len(), any::<Index>(), content, any::<bool>());
    let told = runner(96).run(&lengths, |(name, at, content, cut)| {
        let mut files = sound.clone();
        let bytes = files.get_mut(NAMES[name]).unwrap();
        let at = at.index(bytes.len());
        bytes.truncate(at);
        if !cut {
            bytes.extend(content);
        }
        lay(folder.path(), &files, &mut there.borrow_mut());
        let report = ddp::check(folder.path());
        // A line's end that is gone from the checksums changes nothing.
        let same = report.set == meant && NAMES[name] == SUMS;
        prop_assert!(!report.passed() || same, "{} was cut at {at}", NAMES[name]);
        drop(ddp::read(folder.path()));
        Ok(())
    });
    told.unwrap();
}

/// A file that says that it is a terabyte, and is one to whoever asks for its length.
fn huge(path: &Path) {
    fs::OpenOptions::new().write(true).open(path).unwrap().set_len(1 << 40).unwrap();
}

#[test]
fn a_terabyte_is_not_read() {
    for name in NAMES {
        let (folder, _) = room();
        huge(&folder.path().join(name));
        let report = ddp::check(folder.path());
        assert!(has(&report, "FILE_TOO_LARGE") && !report.passed(), "{name}");
        assert!(
            ddp::read(folder.path()).is_ok() == matches!(name, "CDTEXT.BIN" | SUMS | "IMAGE.DAT"),
            "{name}"
        );
    }
}

#[test]
fn claims_beyond_all_measure_are_told() {
    let (folder, mut there) = room();
    let mut files = there.clone();
    put(&mut files, "DDPMS", 256 + 14, b"99999999");
    put(&mut files, "PQDESCR", 5 * 64 + 10, b"995974");
    put(&mut files, "PQDESCR", 6 * 64 + 10, b"995974");
    resum(&mut files);
    lay(folder.path(), &files, &mut there);
    let report = ddp::check(folder.path());
    assert!(has(&report, "MAP_FILE_LENGTH") && has(&report, "DISC_LONG") && has(&report, "LEAD_OUT"));
    // A packet for every kilobyte that the file may have, all wrong: told a few times, and counted.
    let mut files = there.clone();
    files.insert("PQDESCR".into(), vec![b'V'; 1 << 20]);
    lay(folder.path(), &files, &mut there);
    let report = ddp::check(folder.path());
    assert!(report.findings.len() < 100 && report.left_out > 10_000);
}

#[cfg(unix)]
#[test]
fn links_and_pipes_are_not_followed_and_not_waited_for() {
    let (folder, _) = room();
    let outside = tempfile::tempdir().unwrap();
    let (image, secret) = (folder.path().join("IMAGE.DAT"), outside.path().join("secret"));
    fs::rename(&image, &secret).unwrap();
    std::os::unix::fs::symlink(&secret, &image).unwrap();
    let report = ddp::check(folder.path());
    assert!(has(&report, "FILE_LINK") && has(&report, "FILE_MISSING") && !report.passed());
    assert_eq!(report.set.image.bytes, 0);
    fs::remove_file(&image).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&image).status().unwrap();
    assert!(made.success());
    let report = ddp::check(folder.path());
    assert!(has(&report, "FILE_SPECIAL") && has(&report, "FILE_MISSING"));
    // A pipe in the place of a file that is read whole.
    fs::rename(&image, folder.path().join("x")).unwrap();
    fs::remove_file(folder.path().join("DDPID")).unwrap();
    fs::rename(folder.path().join("x"), folder.path().join("DDPID")).unwrap();
    assert!(has(&ddp::check(folder.path()), "FILE_SPECIAL"));
    assert!(ddp::read(folder.path()).is_err());
}

#[test]
fn folders_that_are_no_set_are_told() {
    let (folder, _) = room();
    fs::create_dir(folder.path().join("LAYER0")).unwrap();
    assert!(has(&ddp::check(folder.path()), "FOLDER_INSIDE"));
    let report = ddp::check(&folder.path().join("nowhere"));
    assert!(has(&report, "FOLDER_UNREADABLE") && !report.readable && !report.passed());
    let crowded = tempfile::tempdir().unwrap();
    for n in 0..2100 {
        fs::write(crowded.path().join(n.to_string()), b"").unwrap();
    }
    assert!(has(&ddp::check(crowded.path()), "FOLDER_CROWDED"));
}

/// What stands in the bytes never reaches a terminal as it is.
#[test]
fn foreign_text_is_scrubbed_where_it_is_shown() {
    let (folder, mut there) = room();
    let mut files = there.clone();
    put(&mut files, "DDPID", 38, b"\x1b[2J\x1b]52;c;eA==\x07");
    put(&mut files, "PQDESCR", 64 + 20, b"\x1b[2J\nBLOCK ok");
    put(&mut files, "CDTEXT.BIN", 4, b"\x1b[31m\n\r");
    files.insert("a\nBLOCK b\x1b[2J".into(), b"x".to_vec());
    lay(folder.path(), &files, &mut there);
    for verb in ["check", "show"] {
        for args in [vec!["ddp", verb, "."], vec!["--json", "ddp", verb, "."]] {
            let (_, out, err) = crate::deadwax(folder.path(), &args);
            assert!(
                !out.chars().chain(err.chars()).any(|c| c.is_control() && c != '\n'),
                "{args:?}: {out:?} {err:?}"
            );
            assert!(!out.lines().any(|line| line.starts_with("BLOCK")), "{args:?}: {out}");
        }
    }
    assert_eq!(ddp::read(folder.path()).unwrap().sectors, AT[3]);
}
