//! `deadwax config`: a person's own file is checked as the client reads it, and every fault is told with its line.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::{path::Path, process::Command};

fn config(home: &Path, args: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_deadwax"))
        .env("DEADWAX_HOME", home)
        .arg("config")
        .args(args)
        .output()
        .unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_default_file_is_sound_and_names_every_part() {
    let home = tempfile::tempdir().unwrap();
    let (code, text) = config(home.path(), &["default"]);
    assert_eq!(code, 0);
    for part in
        ["[theme]", "[wave]", "[sound]", "[cache]", "[mouse]", "[keys]", "[keys.song]", "# approve = \"a\""]
    {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    std::fs::write(home.path().join("config.toml"), text).unwrap();
    let (code, said) = config(home.path(), &["check"]);
    assert_eq!((code, said.contains("is sound")), (0, true), "{said}");
}

#[test]
fn every_fault_is_told_with_its_line_and_ends_with_3() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(config(home.path(), &["check"]).0, 0, "no file is no fault");
    std::fs::write(home.path().join("config.toml"), "[theme]\naccent = 'ultraviolet'\n[keys]\nfly = 'x'\n")
        .unwrap();
    let (code, said) = config(home.path(), &["check"]);
    assert_eq!(code, 3);
    assert!(said.contains("config.toml:2:") && said.contains("config.toml:4:"), "{said}");
    let (_, lines) = config(home.path(), &["check", "--json"]);
    let faults: Vec<serde_json::Value> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((faults.len(), &faults[1]["line"], &faults[0]["fine"]), (2, &4.into(), &false.into()));
    let (_, path) = config(home.path(), &["path"]);
    assert_eq!(Path::new(path.trim()), home.path().join("config.toml"));
}

/// A planted bug (docs/PLANTED.md) is in no program that was built without the feature: not even its name.
#[cfg(not(feature = "planted"))]
#[test]
fn the_program_holds_no_planted_bug() {
    let program = std::fs::read(env!("CARGO_BIN_EXE_deadwax")).unwrap();
    // As text: the library's search is a fast one, also in a test that is not.
    let program = String::from_utf8_lossy(&program);
    let holds = |word: &str| program.contains(word);
    assert!(holds("config.toml"), "the reader finds what is there");
    let paper = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/PLANTED.md")).unwrap();
    let bugs = paper.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let words: Vec<&str> = bugs.chain(["DEADWAX_TEST_PLANT"]).collect();
    assert_eq!(words.len(), 22);
    let held: Vec<&str> = words.into_iter().filter(|word| holds(word)).collect();
    assert!(held.is_empty(), "{held:?}");
}
