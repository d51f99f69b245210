//! Sound through other people's programs: what they give back comes out whole, and each way in which a program can fail ends in an error that names it.

#![cfg(unix)]
#![allow(clippy::disallowed_methods)]
#![allow(clippy::unwrap_used)] // a test that cannot start its commands may panic

mod render_kit;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use deadwax_dsp::{
    Block, DspError,
    processors::insert::{
        Allowed, AllowedCommand, Insert, InsertSettings, NoProgress, Parameter, Sample, Value,
    },
};
use render_kit::{RATE, song};

fn command(program: &str, args: &[&str]) -> AllowedCommand {
    AllowedCommand {
        program: program.into(),
        args: args.iter().map(|a| a.to_string()).collect(),
        sample: Sample::F32,
        env: BTreeMap::new(),
        parameters: BTreeMap::new(),
        no_progress_s: NoProgress::at(20.0),
    }
}

fn sh(script: &str) -> AllowedCommand {
    command("/bin/sh", &["-c", script])
}

fn settings(latency_frames: u32) -> InsertSettings {
    InsertSettings { command: "it".into(), latency_frames, parameters: BTreeMap::new() }
}

fn only(command: AllowedCommand) -> Allowed {
    Allowed { commands: BTreeMap::from([("it".into(), command)]) }
}

fn still() -> Result<(), DspError> {
    Ok(())
}

/// Everything that comes back.
fn through(
    command: AllowedCommand,
    settings: &InsertSettings,
    input: &Block,
    block: usize,
) -> Result<Block, DspError> {
    let channels = input.channels.len();
    let mut insert = Insert::start(settings, &only(command), RATE, channels)?;
    let (mut all, mut out) = (Block::new(channels, 0), Block::default());
    let mut keep = |out: &Block| all.channels.iter_mut().zip(&out.channels).for_each(|(a, c)| a.extend(c));
    for start in (0..input.frames()).step_by(block) {
        let end = (start + block).min(input.frames());
        let part = Block { channels: input.channels.iter().map(|c| c[start..end].to_vec()).collect() };
        insert.push(&part, &mut out, &mut still)?;
        keep(&out);
    }
    insert.end();
    while insert.take(&mut out, &mut still)? {
        assert!(out.frames() > 0);
        keep(&out);
    }
    Ok(all)
}

fn error(command: AllowedCommand, latency_frames: u32) -> String {
    match through(command, &settings(latency_frames), &song(RATE, 1.0, 0.5), 1000) {
        Ok(block) => format!("{} frames came back without an error", block.frames()),
        Err(e) => e.to_string(),
    }
}

fn as_f32(block: &Block) -> Block {
    let narrow = |c: &Vec<f64>| c.iter().map(|s| f64::from(*s as f32)).collect();
    Block { channels: block.channels.iter().map(narrow).collect() }
}

#[test]
fn what_passes_unchanged_comes_back_to_the_bit_in_blocks_of_any_size() {
    let input = song(RATE, 2.0, 0.9);
    for block in [333, 4096, 100_000] {
        assert_eq!(through(sh("cat"), &settings(0), &input, block).unwrap(), as_f32(&input));
        let wide = AllowedCommand { sample: Sample::F64, ..sh("cat") };
        assert_eq!(through(wide, &settings(0), &input, block).unwrap(), input);
    }
    let five = Block { channels: (0..5).map(|c| vec![0.1 * f64::from(c); 999]).collect() };
    assert_eq!(through(sh("cat"), &settings(0), &five, 100).unwrap(), as_f32(&five));
    let none = Block::new(2, 0);
    assert_eq!(through(sh("cat"), &settings(0), &none, 100).unwrap(), none);
}

#[test]
fn a_command_that_hears_the_whole_song_before_it_speaks_is_waited_for() {
    let input = song(RATE, 8.0, 0.9);
    let held = sh("cat > all && cat all");
    assert_eq!(through(held, &settings(0), &input, 5000).unwrap(), as_f32(&input));
}

#[test]
fn a_command_that_speaks_before_it_listens_is_late_by_what_it_said() {
    let input = song(RATE, 1.0, 0.9);
    // 256 frames of two floats.
    let early = "head -c 2048 /dev/zero; ";
    for after in ["head -c 352800", "cat"] {
        // Whether it drops what comes too late or gives it out.
        let out = through(sh(&format!("{early}{after}")), &settings(256), &input, 1000).unwrap();
        assert_eq!(out, as_f32(&input));
    }
    // It talks as much as pipes and queues hold, and much more, before it reads.
    let loud = Block { channels: vec![vec![0.25; 400_000]; 2] };
    let late = sh("head -c 1600000 /dev/zero; cat");
    assert_eq!(through(late, &settings(200_000), &loud, 50_000).unwrap(), loud);
}

#[test]
fn a_real_program_does_what_it_says() {
    if !Path::new("/usr/bin/sox").exists() {
        println!("skipped: there is no /usr/bin/sox here");
        return;
    }
    let raw =
        ["-t", "raw", "-e", "floating-point", "-b", "32", "-L", "-r", "{rate}", "-c", "{channels}", "-"];
    let args: Vec<&str> =
        ["-V1", "-D"].iter().chain(&raw).chain(&raw).chain(&["vol", "{gain}", "dB"]).copied().collect();
    let gain = Parameter::Number { low: -20.0, high: 0.0, default: Some(0.0) };
    let parameters = BTreeMap::from([("gain".to_owned(), gain)]);
    let sox = AllowedCommand { parameters, ..command("/usr/bin/sox", &args) };
    let set = BTreeMap::from([("gain".to_owned(), Value::Number(-6.0))]);
    // sox works in 32-bit integers: full scale is its end.
    let input = song(RATE, 2.0, 0.4);
    let out = through(sox, &InsertSettings { parameters: set, ..settings(0) }, &input, 1000).unwrap();
    assert_eq!(out.frames(), input.frames());
    let factor = 10.0f64.powf(-6.0 / 20.0);
    for (a, b) in out.channels.iter().flatten().zip(input.channels.iter().flatten()) {
        assert!((a - factor * b).abs() < 1e-7, "{a} {b}");
    }
}

#[test]
fn a_command_that_hangs_is_ended_with_all_that_it_started() {
    let brief = |script: &str| AllowedCommand { no_progress_s: NoProgress::at(0.3), ..sh(script) };
    for script in
        ["echo tired >&2; sleep 100", "cat > /dev/null; sleep 100 & wait", "exec 0<&- 1>&-; sleep 100"]
    {
        let since = Instant::now();
        let said = error(brief(script), 0);
        assert!(said.contains("hangs") || said.contains("does not end"), "{said}");
        assert!(since.elapsed() < Duration::from_secs(10), "{said}");
    }
    assert!(error(brief("echo tired >&2; sleep 100"), 0).contains("last words: tired"));
    // What it started is gone too: it would write a file later.
    let dir = tempfile::tempdir().unwrap();
    let late = dir.path().join("late");
    let script = format!("(sleep 1; touch {}) & sleep 100", late.display());
    error(brief(&script), 0);
    std::thread::sleep(Duration::from_millis(1200));
    assert!(!late.exists());
}

#[test]
fn a_command_that_dies_is_named_with_its_last_words() {
    let said = error(sh("head -c 8000; echo 'first'; printf 'no licence\\033[1m\\n\\n' >&2; exit 3"), 0);
    assert!(said.contains("the insert \"it\" ended with code 3"), "{said}");
    assert!(said.contains("last words: no licence") && !said.contains('\u{1b}'), "{said}");
    let said = error(sh("head -c 8000; kill -9 $$"), 0);
    assert!(said.contains("signal 9"), "{said}");
    // After everything was right it still counts.
    assert!(error(sh("cat; exit 7"), 0).contains("code 7"));
}

#[test]
fn too_much_and_too_little_tell_both_lengths() {
    let said = error(sh("cat; head -c 8 /dev/zero"), 0);
    assert!(said.contains("44101") && said.contains("44100"), "{said}");
    let said = error(sh("head -c 352792"), 0);
    assert!(said.contains("44099") && said.contains("44100") && said.contains("latency_frames"), "{said}");
    let said = error(sh("yes"), 0);
    assert!(said.contains("where it had been given"), "{said}");
    let said = error(sh("cat; printf abc"), 0);
    assert!(said.contains("44100 frames and 3 bytes over"), "{said}");
    let said = error(sh("head -c 352800"), 100);
    assert!(said.contains("44100 frames given back of 44100 and 100 of latency"), "{said}");
    let said = error(sh("cat; head -c 808 /dev/zero"), 100);
    assert!(said.contains("44301") && said.contains("100 late"), "{said}");
}

#[test]
fn what_is_no_sound_is_refused() {
    // Halves of doubles taken for floats.
    let said = error(sh("cat > /dev/null; printf '\\377\\377\\377\\177\\377\\377\\377\\177'; sleep 5"), 0);
    assert!(said.contains("no sound"), "{said}");
}

#[test]
fn only_what_the_operator_allows_is_run() {
    let start = |allowed: &Allowed, settings: &InsertSettings| match Insert::start(settings, allowed, RATE, 2)
    {
        Ok(_) => "started".into(),
        Err(e) => e.to_string(),
    };
    let other = InsertSettings { command: "rm".into(), ..settings(0) };
    assert!(start(&only(sh("cat")), &other).contains("allows it"));
    assert!(start(&Allowed::default(), &other).contains("allows no inserts"));
    assert!(start(&only(command("cat", &[])), &settings(0)).contains("no absolute path"));
    assert!(start(&only(command("/no/such/program", &[])), &settings(0)).contains("could not be started"));
    assert!(start(&only(command("/bin/cat", &["{gain}"])), &settings(0)).contains("not described"));
    let late = settings(1_000_000);
    assert!(start(&only(sh("cat")), &late).contains("960000"));

    let number = Parameter::Number { low: 0.0, high: 1.0, default: None };
    let word = Parameter::Word { of: vec!["soft".into(), "hard".into()], default: Some("soft".into()) };
    let parameters = BTreeMap::from([("amount".to_owned(), number), ("kind".to_owned(), word)]);
    let both = AllowedCommand { parameters, ..command("/bin/sh", &["-c", "cat", "{kind}={amount}"]) };
    let with = |pairs: &[(&str, Value)]| InsertSettings {
        parameters: pairs.iter().map(|(k, v)| (k.to_string(), v.clone())).collect(),
        ..settings(0)
    };
    let said = |pairs: &[(&str, Value)]| start(&only(both.clone()), &with(pairs));
    assert_eq!(said(&[("amount", Value::Number(0.5))]), "started");
    assert!(said(&[]).contains("no default"));
    assert!(said(&[("amount", Value::Number(2.0))]).contains("limits of 0 to 1"));
    assert!(said(&[("amount", Value::Number(f64::NAN))]).contains("limits of 0 to 1"));
    assert!(said(&[("amount", Value::Word("--help".into()))]).contains("must be a number"));
    let amount = ("amount", Value::Number(1.0));
    assert!(said(&[amount.clone(), ("kind", Value::Word("; rm -r /".into()))]).contains("allows soft, hard"));
    assert!(said(&[amount, ("knid", Value::Word("soft".into()))]).contains("it has amount, kind"));
}

#[test]
fn a_command_sees_its_arguments_as_they_are_and_nothing_of_ours() {
    // What the command sees comes back as its last words.
    let word = Parameter::Word { of: vec!["a b; $HOME `x` {rate}".into()], default: None };
    let parameters = BTreeMap::from([("w".to_owned(), word)]);
    let told = AllowedCommand {
        parameters,
        ..command(
            "/bin/sh",
            &["-c", "echo \"$1|$2|${NOTHING-none}\" >&2; exit 1", "sh", "{w}", "{rate}/{channels}/{}"],
        )
    };
    let set = BTreeMap::from([("w".to_owned(), Value::Word("a b; $HOME `x` {rate}".into()))]);
    let with = InsertSettings { parameters: set, ..settings(0) };
    let said = through(told, &with, &song(RATE, 0.1, 0.5), 1000).unwrap_err().to_string();
    assert!(said.contains("a b; $HOME `x` {rate}|44100/2/{}|none"), "{said}");
    // PATH, HOME, TMPDIR, LC_ALL; PWD and the like are the shell's own.
    let bare = command("/usr/bin/env", &[]);
    let sixteen = through(bare, &settings(0), &Block::new(1, 1), 1).unwrap_err().to_string();
    assert!(!sixteen.contains("CARGO"), "{sixteen}");
    let home = sh(
        "test \"$HOME\" = \"$TMPDIR\" && test \"$(pwd)\" = \"$HOME\" && test -z \"${CARGO_MANIFEST_DIR+x}\" && cat",
    );
    assert!(through(home, &settings(0), &song(RATE, 0.1, 0.5), 1000).is_ok());
}

#[test]
fn the_caller_can_stop_while_it_waits() {
    let mut insert = Insert::start(&settings(0), &only(sh("sleep 100")), RATE, 2).unwrap();
    let mut out = Block::default();
    insert.push(&Block::new(2, 100), &mut out, &mut still).unwrap();
    insert.end();
    let stopped = insert.take(&mut out, &mut || Err(DspError::Stopped));
    assert!(matches!(stopped, Err(DspError::Stopped)));
}

#[test]
fn the_list_reads_as_an_operator_writes_it() {
    let text = r#"
        [tape]
        program = "/usr/bin/sox"
        args = ["-", "overdrive", "{drive}", "{tone}"]
        sample = "f64"
        no_progress_s = 30
        parameters.drive = { low = 0, high = 20, default = 3 }
        parameters.tone = { of = ["dark", "bright"] }
    "#;
    let allowed: Allowed = toml::from_str(text).unwrap();
    allowed.check().unwrap();
    let tape = allowed.command("tape").unwrap();
    assert_eq!(tape.program, PathBuf::from("/usr/bin/sox"));
    assert_eq!((tape.sample, tape.no_progress_s.get()), (Sample::F64, 30.0));
    let again: Allowed = toml::from_str(&toml::to_string(&allowed).unwrap()).unwrap();
    assert_eq!(again, allowed);
    for (wrong, about) in [
        ("[a]\nprogram = \"sox\"", "no absolute path"),
        ("[a]\nprogram = \"/x\"\nargs = [\"{a}\"]", "not described"),
        ("[a]\nprogram = \"/x\"\nparameters.a = { low = 0, high = 1 }", "none of its arguments"),
        ("[a]\nprogram = \"/x\"\nargs = [\"{a}\"]\nparameters.a = { low = 2, high = 1 }", "no range"),
        (
            "[a]\nprogram = \"/x\"\nargs = [\"{a}\"]\nparameters.a = { low = 0, high = 1, default = 2 }",
            "limits",
        ),
        ("[a]\nprogram = \"/x\"\nargs = [\"{a}\"]\nparameters.a = { of = [] }", "no word"),
        (
            "[a]\nprogram = \"/x\"\nargs = [\"{rate}\"]\nparameters.rate = { low = 0, high = 1 }",
            "other than rate",
        ),
    ] {
        let allowed: Allowed = toml::from_str(wrong).unwrap();
        let said = allowed.check().unwrap_err().to_string();
        assert!(said.contains(about), "{wrong}: {said}");
    }
    let step: InsertSettings = toml::from_str(
        "command = \"tape\"\nlatency_frames = 64\nparameters = { drive = 2, tone = \"dark\" }",
    )
    .unwrap();
    assert_eq!(step.parameters["drive"], Value::Number(2.0));
    assert_eq!(toml::from_str::<InsertSettings>(&toml::to_string(&step).unwrap()).unwrap(), step);
}
