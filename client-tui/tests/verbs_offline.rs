//! The offline verbs on files made here: figures that are known beforehand, exit codes, and what a stop leaves behind.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

use std::{
    collections::BTreeSet,
    f64::consts::TAU,
    path::Path,
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use deadwax_dsp::{
    Block,
    write::{AudioWriter, Encoding},
};
use serde_json::Value;

const RATE: u32 = 48_000;

/// A 997 Hz sine on both channels with a little of it on the other side, so that it is no dual mono.
fn sine(path: &Path, seconds: f64, peak_dbfs: f64, encoding: Encoding) {
    let frames = (seconds * f64::from(RATE)) as usize;
    let peak = 10f64.powf(peak_dbfs / 20.0);
    let mut writer = AudioWriter::create(path, encoding, RATE, 2, None).unwrap();
    let mut done = 0;
    while done < frames {
        let count = (frames - done).min(16_384);
        // It dies away within 100 ms: a sound that breaks off is a cut tail.
        let fade = |n: usize| ((frames - 1 - n) as f64 / 4800.0).min(1.0).powi(4);
        let tone = |n: usize| peak * (TAU * 997.0 * n as f64 / f64::from(RATE)).sin();
        let at = |i: usize| tone(done + i) * fade(done + i);
        let left: Vec<f64> = (0..count).map(at).collect();
        let right: Vec<f64> = (0..count).map(|i| at(i) * 0.99).collect();
        writer.write(&Block { channels: vec![left, right] }).unwrap();
        done += count;
    }
    writer.finish().unwrap();
}

/// Noise that goes on, the band, and noise in phrases of half a second, the voice, which is moved by so many decibels.
fn band_and_voice(path: &Path, seconds: f64, voice_db: f64) {
    let frames = (seconds * f64::from(RATE)) as usize;
    let mut state = 1u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    };
    let voice = 0.1 * 10f64.powf(voice_db / 20.0);
    let mut block = Block::new(2, frames);
    for n in 0..frames {
        let (from_start, to_end) = (n as f64 / 480.0, (frames - 1 - n) as f64 / 4800.0);
        let fade = from_start.min(to_end).min(1.0).powi(4);
        let sung = (TAU * n as f64 / f64::from(RATE)).sin().max(0.0) * voice * noise();
        for side in 0..2 {
            block.channels[side][n] = fade * (0.08 * noise() + sung);
        }
    }
    let mut writer = AudioWriter::create(path, Encoding::Wav24, RATE, 2, None).unwrap();
    writer.write(&block).unwrap();
    writer.finish().unwrap();
}

fn command(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deadwax"));
    command.args(args).current_dir(folder).env("DEADWAX_HOME", folder.join("home")).stdin(Stdio::null());
    command
}

fn run(folder: &Path, args: &[&str]) -> Output {
    command(folder, args).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn objects(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout).lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn names(folder: &Path) -> BTreeSet<String> {
    std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn measure_tells_the_stable_keys_and_goes_on_after_a_bad_file() {
    let folder = tempfile::tempdir().unwrap();
    sine(&folder.path().join("a.wav"), 5.0, -20.0, Encoding::Wav24);
    std::fs::write(folder.path().join("bad.wav"), b"RIFF????WAVEjunk").unwrap();
    std::fs::write(folder.path().join("text.wav"), b"hello").unwrap();
    let output = run(folder.path(), &["measure", "bad.wav", "a.wav", "text.wav", "--json"]);
    assert_eq!(code(&output), 3);
    let told = objects(&output);
    assert_eq!(told.len(), 1, "errors go to standard error");
    for key in [
        "file",
        "sample_rate",
        "channels",
        "bits",
        "frames",
        "integrated_lufs",
        "loudness_range_lu",
        "max_momentary_lufs",
        "max_short_term_lufs",
        "true_peak_dbtp",
        "sample_peak_dbfs",
        "dc_offset",
        "correlation",
        "sha256",
    ] {
        assert!(!told[0][key].is_null(), "{key} is missing: {}", told[0]);
    }
    // Two channels of a sine at -20 dBFS peak: -20 LUFS (BS.1770), 0.04 lower for the softer side.
    let lufs = told[0]["integrated_lufs"].as_f64().unwrap();
    assert!((lufs + 20.04).abs() < 0.1, "{lufs}");
    assert_eq!(err(&output).lines().count(), 2, "{}", err(&output));
    assert_eq!(code(&run(folder.path(), &["measure", "a.wav"])), 0);
    assert_eq!(code(&run(folder.path(), &["measure", "none.wav"])), 3);
    assert_eq!(code(&run(folder.path(), &["measure"])), 2);
}

#[test]
fn check_blocks_what_a_mastering_engineer_would_send_back() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    band_and_voice(&at("Ana_Lamps_Main_v01.wav"), 6.0, 0.0);
    band_and_voice(&at("Ana_Lamps_VocUp05_v01.wav"), 6.0, 0.5);
    band_and_voice(&at("Ana_Lamps_Inst_v01.wav"), 5.9, -300.0);
    sine(&at("hot.wav"), 4.0, 0.0, Encoding::Wav16);
    let fine =
        run(folder.path(), &["check", "Ana_Lamps_Main_v01.wav", "Ana_Lamps_VocUp05_v01.wav", "--json"]);
    assert_eq!(code(&fine), 0, "{}", String::from_utf8_lossy(&fine.stdout));
    // Main and alternate are heard together: what the ride really is.
    let set = &objects(&fine)[2];
    assert_eq!((&set["set"], &set["passed"]), (&"Lamps".into(), &true.into()), "{set}");
    let real_db = set["vocal_db"][0]["real_db"].as_f64().unwrap();
    assert!((real_db - 0.5).abs() < 0.1, "{set}");
    std::fs::copy(at("Ana_Lamps_Main_v01.wav"), at("Ana_Lamps_VocDn05_v01.wav")).unwrap();
    let same = run(folder.path(), &["check", "Ana_Lamps_Main_v01.wav", "Ana_Lamps_VocDn05_v01.wav"]);
    assert_eq!(code(&same), 1);
    let short = run(folder.path(), &["check", "Ana_Lamps_Main_v01.wav", "Ana_Lamps_Inst_v01.wav", "--json"]);
    assert_eq!(code(&short), 1);
    let told = objects(&short);
    assert_eq!(told[0]["passed"], true);
    assert_eq!(told[1]["alternate"], "instrumental");
    let codes: Vec<&str> =
        told[1]["findings"].as_array().unwrap().iter().map(|f| f["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"ALTERNATE_LENGTH"), "{codes:?}");
    let hot = run(folder.path(), &["check", "hot.wav", "--profile", "streaming", "--json"]);
    assert!(objects(&hot)[0]["findings"].as_array().unwrap().iter().any(|f| f["code"] == "PLATFORM"));
    assert_eq!(code(&run(folder.path(), &["check", "hot.wav", "--profile", "nope"])), 2);
    assert_eq!(code(&run(folder.path(), &["check", "none.wav"])), 3);
}

#[test]
fn master_hits_its_target_under_its_ceiling_and_says_the_same_as_measure() {
    let folder = tempfile::tempdir().unwrap();
    sine(&folder.path().join("in.wav"), 6.0, -20.0, Encoding::Wav24);
    let args =
        ["master", "in.wav", "-o", "out.wav", "--target-lufs", "-16", "--ceiling-dbtp", "-1", "--json"];
    let output = run(folder.path(), &args);
    assert_eq!(code(&output), 0, "{}", err(&output));
    let told = &objects(&output)[0];
    assert_eq!(told["reached"], true, "{told}");
    assert_eq!(told["target_lufs"], -16.0);
    let outputs = told["outputs"].as_array().unwrap();
    assert_eq!((outputs.len(), outputs[0]["file"].as_str()), (1, Some("out.wav")));
    let again = &objects(&run(folder.path(), &["measure", "out.wav", "--json"]))[0];
    for key in ["integrated_lufs", "sha256", "frames"] {
        assert_eq!(again[key], told[key], "{key}");
    }
    // The render's report takes the higher of two meters.
    let peaks = [&again, &told].map(|o| o["true_peak_dbtp"].as_f64().unwrap());
    assert!((peaks[0] - peaks[1]).abs() < 0.01, "{peaks:?}");
    assert!((again["integrated_lufs"].as_f64().unwrap() + 16.0).abs() <= 0.1);
    assert!(again["true_peak_dbtp"].as_f64().unwrap() <= -1.0);
    // The same again makes the same bytes (D-1); several formats keep their own names.
    let twice = run(folder.path(), &args);
    assert_eq!(objects(&twice)[0]["sha256"], told["sha256"]);
    let many =
        run(folder.path(), &["master", "in.wav", "-o", "m.wav", "--format", "wav16", "--format", "flac24"]);
    assert_eq!(code(&many), 0, "{}", err(&many));
    let left = names(folder.path());
    assert!(left.iter().any(|n| n.starts_with("m_") && n.ends_with(".flac")), "{left:?}");
    assert!(left.iter().all(|n| !n.starts_with(".deadwax")), "{left:?}");
}

#[test]
fn a_missed_target_is_a_no_with_the_file_written() {
    let folder = tempfile::tempdir().unwrap();
    sine(&folder.path().join("in.wav"), 6.0, -20.0, Encoding::Wav24);
    let args = ["master", "in.wav", "-o", "out.wav", "--target-lufs", "-5", "--ceiling-dbtp", "-9", "--json"];
    let output = run(folder.path(), &args);
    assert_eq!(code(&output), 1, "{}", err(&output));
    let told = &objects(&output)[0];
    assert_eq!(told["reached"], false, "{told}");
    assert!(!told["reason"].as_str().unwrap().is_empty(), "{told}");
    assert!(told["true_peak_dbtp"].as_f64().unwrap() <= -9.0, "{told}");
    assert!(folder.path().join("out.wav").is_file());
}

#[test]
fn master_refuses_what_cannot_be_meant() {
    let folder = tempfile::tempdir().unwrap();
    sine(&folder.path().join("in.wav"), 1.0, -20.0, Encoding::Wav24);
    std::fs::write(folder.path().join("bad.toml"), "name = \"x\"\n\nloudness = 3\n").unwrap();
    std::fs::write(folder.path().join("zero.wav"), b"").unwrap();
    for (args, wanted, part) in [
        (&["master", "in.wav", "-o", "in.wav"][..], 2, "one of the inputs"),
        (&["master", "in.wav", "-o", "x/out.wav"], 2, "no folder"),
        (&["master", "in.wav", "-o", "out.wav", "--format", "wav12"], 2, "wav24"),
        (&["master", "in.wav", "-o", "out.wma"], 2, "mp3-320"),
        (&["master", "in.wav", "-o", "out.wav", "--ceiling-dbtp", "9"], 2, ""),
        (&["master", "in.wav", "-o", "out.wav", "--recipe", "bad.toml"], 3, "line 3"),
        (&["master", "zero.wav", "-o", "out.wav"], 3, "empty"),
        (&["master", "none.wav", "-o", "out.wav"], 3, "none.wav"),
    ] {
        let output = run(folder.path(), args);
        assert_eq!(code(&output), wanted, "{args:?}: {}", err(&output));
        assert!(err(&output).contains(part), "{args:?}: {}", err(&output));
    }
    assert_eq!(names(folder.path()).len(), 3, "nothing was left behind: {:?}", names(folder.path()));
}

#[cfg(unix)]
#[test]
fn a_stop_leaves_no_half_file() {
    let folder = tempfile::tempdir().unwrap();
    sine(&folder.path().join("in.wav"), 240.0, -20.0, Encoding::Wav24);
    let mut child = command(folder.path(), &["master", "in.wav", "-o", "out.wav"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Wait until it works: its room stands beside the output.
    let begun = Instant::now();
    while names(folder.path()).len() < 2 && begun.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(300));
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let ended = child.wait().unwrap();
    assert_eq!(ended.code(), Some(1), "it was stopped in the middle");
    assert_eq!(names(folder.path()), BTreeSet::from(["in.wav".to_owned()]));
}

#[test]
fn the_overview_is_as_wide_as_asked() {
    let folder = tempfile::tempdir().unwrap();
    sine(&folder.path().join("in.wav"), 1.0, -6.0, Encoding::Wav24);
    let output = run(folder.path(), &["waveform", "in.wav", "--width", "40"]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.lines().all(|l| l.chars().count() == 40), "{text}");
    assert!(text.ends_with("0:01.0\n"), "{text}");
    let output = run(folder.path(), &["waveform", "in.wav", "--width", "40", "--json"]);
    assert_eq!(objects(&output)[0]["min_max"][0].as_array().unwrap().len(), 80);
}

#[test]
fn an_argument_that_is_no_argument_is_told_without_its_escapes() {
    let folder = tempfile::tempdir().unwrap();
    let output = run(folder.path(), &["waveform", "a.wav", "\u{1b}[2J\u{9b}\u{202e}evil.wav"]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("evil.wav"), "{:?}", err(&output));
    assert!(!err(&output).contains(['\u{1b}', '\u{9b}', '\u{202e}']), "{:?}", err(&output));
}

#[test]
fn a_master_never_lands_on_its_sources_or_under_a_wrong_ending() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["mix.wav", "out_instrumental_wav24_48000.wav", "out_wav16_48000.wav"] {
        sine(&path(name), 1.0, -20.0, Encoding::Wav24);
    }
    std::fs::create_dir(path("dir.wav")).unwrap();
    let before = names(folder.path());
    let sources = || {
        ["out_instrumental_wav24_48000.wav", "out_wav16_48000.wav"].map(|it| std::fs::read(path(it)).unwrap())
    };
    let bytes = sources();
    for args in [
        &["master", "mix.wav", "-o", "out.wav", "--alternate", "out_instrumental_wav24_48000.wav"][..],
        &["master", "out_wav16_48000.wav", "-o", "out.wav", "--format", "wav16", "--format", "wav24"],
        &["master", "mix.wav", "-o", "mix.wav"],
        &["master", "mix.wav", "-o", "dir.wav"],
        &["master", "mix.wav", "-o", "a.flac", "--format", "wav24"],
        &["master", "mix.wav", "-o", "a.wav", "--format", "flac24"],
    ] {
        let output = run(folder.path(), args);
        assert_eq!(code(&output), 2, "{args:?}: {}", err(&output));
        assert_eq!(names(folder.path()), before, "{args:?}");
        assert!(sources() == bytes, "{args:?} wrote over a source");
    }
}
