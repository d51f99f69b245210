//! What cannot be made is refused with what is wrong, on what, and what to do next; nothing half stands under a name.

use std::{fs, path::Path};

use deadwax_dsp::{
    DspError,
    record::{Job, ProfileText},
    write::Encoding,
};
use proptest::prelude::*;

use crate::kit::{cover, files, made, named, own, plain, run, said, small, sound};

const TRACKS: &str = "[[file]]\nkind = \"track\"\nencoding = \"wav16\"\nname = \"{title}\"\ntags = true\n";

fn two(dir: &Path, profiles: Vec<ProfileText>) -> Job {
    let songs =
        [("One", sound(Encoding::Wav16, 44_100, 2, 500)), ("Two", sound(Encoding::Wav16, 48_000, 2, 400))];
    plain(dir, &songs, profiles)
}

fn refused(job: &Job) -> String {
    match run(job) {
        Err(error) => error.to_string(),
        Ok(_) => panic!("it was made"),
    }
}

#[test]
fn a_plan_that_blocks_is_refused_with_its_source_and_mend_and_nothing_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = two(dir.path(), named(&["streaming"]));
    job.sheet.copy.upc = "036000291453".into();
    let said = refused(&job);
    for words in ["streaming cannot be made", "UPC", "GS1", "bar code"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(!job.out_dir.exists());
}

#[test]
fn a_profile_with_an_error_is_refused_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let said = refused(&two(dir.path(), vec![own("mine", "[[file]]\nkind = \"trak\"\nname = \"x\"\n")]));
    assert!(said.contains("\"mine\" is wrong in line 5") && said.contains("track"), "{said}");
    let other = ProfileText { name: "yours".into(), ..own("mine", TRACKS) };
    assert!(refused(&two(dir.path(), vec![other])).contains("calls itself \"mine\""));
    let twice = refused(&two(dir.path(), vec![own("mine", TRACKS), own("Mine", TRACKS)]));
    assert!(twice.contains("\"Mine\" is asked for twice"), "{twice}");
    assert!(refused(&two(dir.path(), Vec::new())).contains("no profile is named"));
    assert!(refused(&two(dir.path(), named(&["mix-handoff"]))).contains("only checks"));
    for name in ["../up", "a/b", "a\\b", "..", ".hidden", "nul", "x ", "a:b"] {
        let said = refused(&two(dir.path(), vec![own(name, TRACKS)]));
        assert!(said.contains("no folder can have"), "{name}: {said}");
    }
    assert!(!dir.path().join("out").exists());
}

#[test]
fn a_master_that_is_missing_or_another_is_told_by_name_before_anything_is_rendered() {
    let dir = tempfile::tempdir().unwrap();
    let job = two(dir.path(), vec![own("mine", TRACKS)]);
    let path = job.songs[1].main.path.clone();
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    let said = refused(&job);
    assert!(said.contains("the master of song 2") && said.contains("Get the file anew"), "{said}");
    let mut other = bytes.clone();
    let middle = other.len() / 2;
    other[middle] ^= 1;
    fs::write(&path, other).unwrap();
    let said = refused(&job);
    assert!(said.contains("song 2") && said.contains("not the file that was signed"), "{said}");
    fs::write(&path, &bytes[..bytes.len() - 400]).unwrap();
    refused(&job);
    assert_eq!(files(&job.out_dir).len(), 0);
    // What the sheet says wrongly is told too, before an hour of work.
    fs::write(&path, bytes).unwrap();
    let mut lies = job.clone();
    lies.sheet.songs[1].source.frames += 1;
    let said = refused(&lies);
    assert!(said.contains("the sheet says 19201 frames at 48000 Hz"), "{said}");
    let mut lies = job.clone();
    lies.songs[0].main.sha256 = "abc".into();
    assert!(refused(&lies).contains("no digest"));
    lies.songs.pop();
    assert!(refused(&lies).contains("2 songs and 1 have files"));
    made(&job);
}

#[test]
fn what_an_encoder_cannot_take_is_told_in_the_plan() {
    let dir = tempfile::tempdir().unwrap();
    let said = refused(&two(dir.path(), vec![own("mine", &TRACKS.replace("wav16", "opus-160"))]));
    assert!(said.contains("mine cannot be made: Opus cannot hold 44100 Hz"), "{said}");
    let mut job = two(dir.path(), vec![own("mine", &TRACKS.replace("track", "song"))]);
    crate::kit::alternate(dir.path(), &mut job, 0, "tv", &sound(Encoding::Wav16, 44_100, 3, 500));
    job.profiles.push(own("tv", &TRACKS.replace("\"track\"", "\"song\"\nalternate = \"tv\"")));
    assert!(refused(&job).contains("The tv of \"One\" has 3 channels"), "{}", refused(&job));
}

#[test]
fn a_cover_that_is_none_is_told_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let mut job = two(dir.path(), vec![own("mine", TRACKS)]);
    job.cover = Some(dir.path().join("cover.png"));
    assert!(matches!(run(&job), Err(DspError::Open { .. })));
    fs::write(dir.path().join("cover.png"), b"GIF89a").unwrap();
    let said = refused(&job);
    assert!(said.contains("cover.png") && said.contains("neither JPEG nor PNG"), "{said}");
    job.cover = Some(cover(dir.path()));
    made(&job);
}

#[test]
fn a_folder_that_holds_something_else_or_cannot_be_made_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let job = two(dir.path(), vec![own("mine", TRACKS)]);
    fs::create_dir_all(job.out_dir.join("mine/x")).unwrap();
    fs::write(job.out_dir.join("mine/x/old.wav"), b"old").unwrap();
    let said = refused(&job);
    assert!(said.contains("old.wav is no file of this record"), "{said}");
    let job = Job { out_dir: dir.path().join("song0.wav"), ..job };
    assert!(matches!(run(&job), Err(DspError::Write { .. } | DspError::Open { .. })));
}

#[test]
fn two_files_of_one_name_get_two() {
    let dir = tempfile::tempdir().unwrap();
    let asks = format!("{TRACKS}{TRACKS}[[file]]\nkind = \"whole\"\nencoding = \"wav16\"\nname = \"One\"\n");
    let mut job = two(dir.path(), vec![own("mine", &asks)]);
    job.sheet.copy.tracks[1].title = "one".into();
    let made = made(&job);
    let names: Vec<&str> = made.files.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["One.wav", "One-2.wav", "One-3.wav", "One-4.wav", "One-5.wav"]);
    assert_eq!(files(&job.out_dir), said(&made));
    assert_eq!(made.files[0].sha256, made.files[2].sha256);
}

#[test]
fn ninety_nine_tracks_of_half_a_second() {
    let dir = tempfile::tempdir().unwrap();
    let asks = format!("{TRACKS}[[file]]\nkind = \"sha256\"\nname = \"sums\"\n");
    let profiles = vec![own("mine", &asks), own("yours", &asks)];
    let mut job = plain(dir.path(), &[("Half", sound(Encoding::Wav16, 44_100, 2, 500))], profiles);
    let (song, files_of, copy) =
        (job.sheet.songs[0].clone(), job.songs[0].clone(), job.sheet.copy.tracks[0].clone());
    job.sheet.songs = vec![song; 99];
    job.songs = vec![files_of; 99];
    let row = |n: usize| deadwax_dsp::profile::label_copy::TrackCopy {
        isrc: format!("SEAYE26{n:05}"),
        ..copy.clone()
    };
    job.sheet.copy.tracks = (0..99).map(row).collect();
    let made = made(&job);
    assert_eq!(made.files.len(), 200);
    assert_eq!(files(&job.out_dir), said(&made));
    assert!(made.files[..99].iter().all(|it| it.exact && it.frames == 22_050));
    // Six hundred files, warned of in every way, have a report that is short still.
    job.profiles = named(&["streaming", "spotify", "apple-music", "tidal", "amazon", "deezer"]);
    let many = crate::kit::made(&job);
    assert!(many.files.len() > 600, "{}", many.files.len());
    assert!(many.report_json.len() <= 100 * 1024, "{}", many.report_json.len());
    let report: serde_json::Value = serde_json::from_str(&many.report_json).unwrap();
    assert_eq!(report["levels"].as_array().unwrap().len(), 6 * 99);
    assert!(
        report["profiles"].as_array().unwrap().iter().all(|it| it["sha256"].as_str().unwrap().len() == 64)
    );
    // A disc has no tracks so short.
    job.profiles = named(&["cd"]);
    job.out_dir = dir.path().join("disc");
    assert!(refused(&job).contains("at least 4 s"));
}

#[test]
fn a_set_has_its_folder_to_itself() {
    let dir = tempfile::tempdir().unwrap();
    for beside in ["kind = \"pq-sheet\"\nname = \"pq\"", "kind = \"cue-bin\"\nname = \"x\"", "kind = \"ddp\""]
    {
        let asks =
            format!("[[file]]\nkind = \"ddp\"\nfolder = \"set\"\n[[file]]\nfolder = \"set\"\n{beside}\n");
        let said = refused(&small(dir.path(), vec![own("mine", &asks)]));
        assert!(said.contains("would lie in the folder of the DDP-compatible set"), "{said}");
    }
}

fn title() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("../../etc/passwd".to_owned()),
        Just("..".to_owned()),
        Just("/absolute".to_owned()),
        Just("C:\\up\\..\\x".to_owned()),
        Just("夜明け".to_owned()),
        Just("🎸".to_owned()),
        Just("a\u{1b}[2Jb\0c".to_owned()),
        Just("x".repeat(300)),
        Just("長".repeat(300)),
        Just("long ".repeat(200)),
        Just("\u{202e}reversed".to_owned()),
        "[./\\\\]{1,8}",
        "\\PC{1,40}",
        ".{1,40}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 8, ..ProptestConfig::default() })]

    #[test]
    fn no_title_leads_out_of_the_folder(titles in proptest::collection::vec(title(), 6), disc: bool) {
        let dir = tempfile::tempdir().unwrap();
        let asks = TRACKS.to_owned()
            + "[[file]]\nkind = \"whole\"\nencoding = \"flac16\"\nfolder = \"{artist}-{album}\"\nname = \"{catalogue}\"\ntags = true\n"
            + "[[file]]\nkind = \"label-copy-json\"\nname = \"{album}\"\n[[file]]\nkind = \"sha256\"\nname = \"sums\"\n";
        let mut job = if disc {
            let song = || sound(Encoding::Wav16, 44_100, 2, 4_000);
            plain(dir.path(), &[("", song()), ("", song())], named(&["cd"]))
        } else {
            two(dir.path(), vec![own("mine", &asks)])
        };
        let copy = &mut job.sheet.copy;
        (copy.title, copy.artist, copy.catalogue) = (titles[0].clone(), titles[1].clone(), titles[2].clone());
        copy.tracks[0].title = titles[3].clone();
        copy.tracks[1].title = titles[4].clone();
        copy.tracks[1].version_title = titles[5].clone();
        let before = files(dir.path());
        let done = run(&job);
        let after = files(dir.path());
        let outside: Vec<&String> = after.keys().filter(|name| !name.starts_with("out/")).collect();
        prop_assert_eq!(outside, before.keys().collect::<Vec<_>>());
        match done {
            Ok(made) => prop_assert_eq!(files(&job.out_dir), said(&made)),
            Err(DspError::Invalid(what)) => {
                prop_assert!(what.contains("cannot be made"), "{}", what);
                prop_assert!(!job.out_dir.exists(), "{}", what);
            }
            Err(error) => panic!("{error}"),
        }
    }
}
