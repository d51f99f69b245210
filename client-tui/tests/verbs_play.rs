//! The verb `play` into files: what stands in them is what was asked, frame by frame.

#![allow(clippy::unwrap_used)] // helpers of tests may panic: that is how a test fails

use std::{
    f64::consts::TAU,
    path::Path,
    process::{Command, Output, Stdio},
};

use deadwax_dsp::{
    Block, Source,
    write::{AudioWriter, Encoding},
};
use serde_json::Value;

const RATE: u32 = 48_000;
/// 5 ms
const FADE: usize = 240;

/// Two seconds of sine, another on each side.
fn save(path: &Path, hz: f64, peak: f64) -> Block {
    let plane = |hz: f64| (0..96_000).map(|n| peak * (TAU * hz * n as f64 / f64::from(RATE)).sin()).collect();
    let block = Block { channels: vec![plane(hz), plane(hz * 1.5)] };
    let mut writer = AudioWriter::create(path, Encoding::Wav24, RATE, 2, None).unwrap();
    writer.write(&block).unwrap();
    writer.finish().unwrap();
    load(path)
}

fn load(path: &Path) -> Block {
    let mut source = Source::open(path).unwrap();
    let (mut block, mut all) = (Block::default(), Block::new(2, 0));
    while source.read(&mut block, 4_096).unwrap() > 0 {
        for (to, from) in all.channels.iter_mut().zip(&block.channels) {
            to.extend_from_slice(from);
        }
    }
    all
}

fn run(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_deadwax"))
        .args(args)
        .current_dir(folder)
        .env("DEADWAX_HOME", folder.join("home"))
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn told(output: &Output) -> Value {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_range_as_it_is_is_cut_to_the_bit() {
    let folder = tempfile::tempdir().unwrap();
    let source = save(&folder.path().join("a.wav"), 440.0, 0.5);
    let args = [
        "play",
        "a.wav",
        "--to",
        "b.wav",
        "--from",
        "0.5",
        "--to-time",
        "1.25",
        "--level",
        "as-is",
        "--json",
    ];
    let told = told(&run(folder.path(), &args));
    assert_eq!(
        (&told["frames"], &told["seconds"], &told["underruns"]),
        (&36_000.into(), &0.75.into(), &0.into())
    );
    let out = load(&folder.path().join("b.wav"));
    for side in 0..2 {
        assert_eq!(out.channels[side][..], source.channels[side][24_000..60_000]);
    }
}

#[test]
fn a_loop_goes_round_without_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    let source = save(&folder.path().join("a.wav"), 440.0, 0.5);
    let args = ["play", "a.wav", "--to", "b.wav", "--from", "0.1", "--to-time", "0.3", "--loop", "5"];
    assert_eq!(run(folder.path(), &args).status.code(), Some(0));
    let out = load(&folder.path().join("b.wav"));
    assert_eq!(out.frames(), 9_600 * 5);
    for (i, sample) in out.channels[0].iter().enumerate() {
        assert_eq!(*sample, source.channels[0][4_800 + i % 9_600], "frame {i}");
    }
}

#[test]
fn two_files_are_switched_at_the_same_position_as_loud_as_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let loud = save(&folder.path().join("loud.wav"), 1_000.0, 0.8);
    let soft = save(&folder.path().join("soft.wav"), 1_000.0, 0.4);
    let args = ["play", "loud.wav", "soft.wav", "--to", "b.wav", "--switch-at", "1", "--json"];
    let told = told(&run(folder.path(), &args));
    let gain_db = told["tracks"][0]["gain_db"].as_f64().unwrap();
    assert!((gain_db + 6.02).abs() < 0.05 && told["tracks"][1]["gain_db"] == 0.0, "{told}");
    let out = load(&folder.path().join("b.wav"));
    let gain = 10f64.powf(gain_db / 20.0);
    for n in 0..96_000 {
        let wanted = if n < 48_000 { loud.channels[0][n] * gain } else { soft.channels[0][n] };
        let near = if (48_000..48_000 + FADE).contains(&n) { 0.005 } else { 1e-6 };
        assert!((out.channels[0][n] - wanted).abs() < near, "frame {n}");
    }
}

#[test]
fn files_as_a_record_join_without_a_gap_and_the_monitor_is_heard() {
    let folder = tempfile::tempdir().unwrap();
    let a = save(&folder.path().join("a.wav"), 440.0, 0.5);
    let b = save(&folder.path().join("b.wav"), 220.0, 0.5);
    let args = ["play", "--album", "a.wav", "b.wav", "--to", "c.wav", "--swap", "--level", "as-is"];
    assert_eq!(run(folder.path(), &args).status.code(), Some(0));
    let out = load(&folder.path().join("c.wav"));
    assert_eq!(out.frames(), 192_000);
    assert_eq!(out.channels[0], [&a.channels[1][..], &b.channels[1][..]].concat());
    let args = ["play", "a.wav", "--to", "d.wav", "--side", "--format", "wav24", "--level", "as-is"];
    assert_eq!(run(folder.path(), &args).status.code(), Some(0));
    let side = load(&folder.path().join("d.wav"));
    for n in 0..96_000 {
        let wanted = (a.channels[0][n] - a.channels[1][n]) / 2.0;
        assert!((side.channels[0][n] - wanted).abs() < 2e-7 && side.channels[0][n] == side.channels[1][n]);
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_the_next_step() {
    let folder = tempfile::tempdir().unwrap();
    save(&folder.path().join("a.wav"), 440.0, 0.5);
    std::fs::write(folder.path().join("text.wav"), "no sound").unwrap();
    for (args, code, word) in [
        (&["play", "--to", "b.wav"][..], 2, "Name files"),
        (&["play", "a.wav", "--to", "b.wav", "--level", "winamp"], 2, "matched, as-is, Spotify"),
        (&["play", "a.wav", "--to", "b.wav", "--from", "3"], 2, "is nothing"),
        (&["play", "a.wav", "--to", "b.wav", "--switch-at", "1"], 2, "two files"),
        (&["play", "a.wav", "a.wav", "--to", "b.wav", "--switch-at", "9"], 2, "lies outside"),
        (&["play", "a.wav", "--to", "a.wav"], 2, "name another file"),
        (&["play", "a.wav", "--to", "b.wav", "--mono", "--side"], 2, "--side"),
        (&["play", "text.wav", "--to", "b.wav"], 3, "not audio"),
        (&["play", "none.wav", "--to", "b.wav"], 3, "could not be opened"),
    ] {
        let output = run(folder.path(), args);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {text}");
        assert!(text.contains(word), "{args:?}: {text}");
        assert!(!folder.path().join("b.wav").exists());
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing unfinished is left");
}

/// The clock in place of a device: it takes as long as the sound, and nobody hears it.
#[test]
fn without_a_device_it_says_so_and_with_the_clock_it_plays_to_the_end() {
    let folder = tempfile::tempdir().unwrap();
    save(&folder.path().join("a.wav"), 440.0, 0.5);
    let sound = |choice: &str, args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deadwax"));
        command.args(args).current_dir(folder.path()).env("DEADWAX_HOME", folder.path().join("home"));
        command.env("DEADWAX_SOUND", choice).env("PATH", "").stdin(Stdio::null()).output().unwrap()
    };
    let args = ["play", "a.wav", "--from", "0.5", "--to-time", "0.6", "--loop", "2", "--json"];
    let output = sound("none", &args);
    let told = told(&output);
    assert_eq!(
        (&told["audible"], &told["underruns"], &told["stopped"]),
        (&false.into(), &0.into(), &false.into())
    );
    let output = sound("aplay", &args);
    assert_eq!(output.status.code(), Some(1));
    let error: Value =
        serde_json::from_str(String::from_utf8_lossy(&output.stderr).lines().last().unwrap()).unwrap();
    assert!(
        error["error"] == "NO_SOUND_DEVICE" && error["hint"].as_str().unwrap().contains("--to FILE"),
        "{error}"
    );
}
