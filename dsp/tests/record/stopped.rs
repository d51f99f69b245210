//! Whatever stops the work, the next run goes on, and nobody can tell it from the bytes.

use std::{collections::BTreeMap, fs, sync::OnceLock};

use deadwax_dsp::{
    DspError, Flow,
    record::{Job, Made, ProfileText, Progress, clear_marks, make},
    write::Encoding,
};
use proptest::prelude::*;

use crate::kit::{cover, files, made, named, own, plain, said, sound};

const ASKS: &str = r#"
[[file]]
kind = "track"
encoding = "wav24"
folder = "wav"
name = "{track}_{title}"
tags = true
bext = true
[[file]]
kind = "track"
encoding = "mp3-320"
name = "{track}_{title}"
tags = true
[[file]]
kind = "song"
encoding = "flac16"
sample_rate_hz = 44100
name = "{title}"
tags = true
[[file]]
kind = "whole"
encoding = "wav16"
name = "whole"
[[file]]
kind = "side"
encoding = "aiff24"
name = "side_{side}"
[[file]]
kind = "sha256"
name = "sums"
[[file]]
kind = "md5"
folder = "wav"
name = "sums"
"#;

fn profiles() -> Vec<ProfileText> {
    named(&["cd"]).into_iter().chain([own("mine", ASKS), own("other", ASKS)]).collect()
}

fn job(dir: &std::path::Path) -> Job {
    let songs = [
        ("One", sound(Encoding::Wav24, 48_000, 2, 4_100)),
        ("Two", sound(Encoding::Wav16, 44_100, 2, 4_050)),
    ];
    let mut job = plain(dir, &songs, profiles());
    job.sheet.songs[1].placing.gap_ms = 123;
    job.sheet.sides = vec![1];
    job.cover = Some(cover(dir));
    job
}

/// An undisturbed run, and how often it asked.
fn reference() -> &'static (BTreeMap<String, String>, Made, usize) {
    static DONE: OnceLock<(BTreeMap<String, String>, Made, usize)> = OnceLock::new();
    DONE.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let job = job(dir.path());
        let mut asked = 0;
        let mut told = |_: &Progress| {
            asked += 1;
            Flow::Go
        };
        let made = make(&job, &mut told).unwrap_or_else(|error| panic!("{error}"));
        (files(&job.out_dir), made, asked)
    })
}

/// Stops the work when it asks for the `nth` time.
fn stopped_at(job: &Job, nth: usize) -> Result<Made, DspError> {
    let mut left = nth;
    make(job, &mut |_| {
        left = left.saturating_sub(1);
        if left == 0 { Flow::Stop } else { Flow::Go }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn stopped_anywhere_and_begun_again_it_has_the_same_bytes(first in 0.0..1.0, second in 0.0..1.0) {
        let (there, whole, asked) = reference();
        let dir = tempfile::tempdir().unwrap();
        let job = job(dir.path());
        for part in [first, second] {
            let nth = 1 + (part * *asked as f64) as usize;
            match stopped_at(&job, nth) {
                Err(DspError::Stopped) => {}
                // It had less to do than that.
                Ok(made) => prop_assert_eq!(&made, whole),
                Err(error) => panic!("{error}"),
            }
            for (name, sum) in files(&job.out_dir) {
                prop_assert_eq!(Some(&sum), there.get(&name), "{} is under its name and not whole", name);
            }
        }
        let made = made(&job);
        prop_assert_eq!(&files(&job.out_dir), there);
        prop_assert_eq!(&made, whole, "levels and report too");
    }
}

#[test]
fn the_first_question_and_the_last_may_stop_it_too() {
    let (there, whole, asked) = reference();
    let dir = tempfile::tempdir().unwrap();
    let job = job(dir.path());
    for nth in [1, 2, *asked] {
        assert!(matches!(stopped_at(&job, nth), Err(DspError::Stopped)), "{nth}");
    }
    assert_eq!(&files(&job.out_dir), there, "stopped at the very end it has everything");
    assert_eq!(&made(&job), whole);
}

#[test]
fn what_is_finished_is_not_made_again_and_what_was_changed_is() {
    let (there, whole, _) = reference();
    assert_eq!(there, &said(whole));
    let dir = tempfile::tempdir().unwrap();
    let job = job(dir.path());
    made(&job);
    // Without its masters nothing could be rendered.
    fs::rename(&job.songs[0].main.path, dir.path().join("away")).unwrap();
    assert_eq!(&made(&job), whole);
    fs::rename(dir.path().join("away"), &job.songs[0].main.path).unwrap();
    for path in ["cd/MothParade-NightDrive-DDP/IMAGE.DAT", "mine/wav/01_One.wav", "mine/sums.txt"] {
        let path = job.out_dir.join(path);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::remove_file(&path).unwrap();
        fs::write(&path, bytes).unwrap();
    }
    fs::remove_file(job.out_dir.join("cd/MothParade-NightDrive-DDP/DDPMS")).unwrap();
    assert_eq!(&made(&job), whole);
    assert_eq!(&files(&job.out_dir), there);
}

#[test]
fn when_its_marks_are_cleared_only_the_files_are_left_and_the_next_run_makes_the_same() {
    let (there, whole, _) = reference();
    let dir = tempfile::tempdir().unwrap();
    let job = job(dir.path());
    made(&job);
    clear_marks(&job).unwrap();
    clear_marks(&job).unwrap();
    let mut names: Vec<String> = fs::read_dir(&job.out_dir)
        .unwrap()
        .map(|it| it.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(names, ["cd", "mine", "other"]);
    assert_eq!(&made(&job), whole);
    assert_eq!(&files(&job.out_dir), there);
}

#[test]
fn another_job_in_the_same_room_takes_nothing_from_the_first() {
    let (there, _, _) = reference();
    let dir = tempfile::tempdir().unwrap();
    let mut job = job(dir.path());
    made(&job);
    job.sheet.songs[1].placing.gap_ms += 1;
    let other = made(&job);
    assert_eq!(files(&job.out_dir), said(&other));
    let whole = "mine/whole.wav";
    assert_ne!(files(&job.out_dir)[whole], there[whole]);
}

#[test]
fn progress_never_falls_and_ends_with_every_file() {
    let dir = tempfile::tempdir().unwrap();
    let job = job(dir.path());
    let mut all: Vec<Progress> = Vec::new();
    make(&job, &mut |it| {
        all.push(it.clone());
        Flow::Go
    })
    .unwrap();
    assert!(
        all.windows(2).all(|it| it[0].fraction <= it[1].fraction && it[0].files_done <= it[1].files_done)
    );
    let last = all.last().unwrap();
    assert_eq!((last.fraction, last.files_done), (1.0, last.files));
    assert!(all[..all.len() - 1].iter().all(|it| it.fraction < 1.0));
    for step in ["cd: image", "mine: track 2 of 2", "other: side 1 of 2"] {
        assert!(all.iter().any(|it| it.step == step), "{step}");
    }
    let halves = all.iter().filter(|it| (0.2..0.8).contains(&it.fraction)).count();
    assert!(halves > all.len() / 10, "it moves all the time: {halves} of {}", all.len());
}

#[test]
fn two_runs_in_one_folder_do_not_disturb_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let job = job(dir.path());
    let mut refused = 0;
    make(&job, &mut |_| {
        if refused == 0 {
            for error in [make(&job, &mut |_| Flow::Go).err(), clear_marks(&job).err()] {
                let error = error.unwrap().to_string();
                assert!(error.contains("by another run"), "{error}");
                refused += 1;
            }
        }
        Flow::Go
    })
    .unwrap();
    assert_eq!(refused, 2);
}
