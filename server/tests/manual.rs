//! The comments in the .proto files are the manual: every refusal stands there, and no refusal stands there that cannot come.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{collections::BTreeSet, path::Path};

use deadwax_domain::Reason;

/// Not said over the wire: a stranger hears NO_SUCH_PROJECT, only the worker can be stale, people are made by the operator's own commands, and
/// claims on names are answered in other words by whoever makes them.
const INSIDE: [&str; 5] = ["NOT_A_MEMBER", "STALE_ATTEMPT", "EMAIL_TAKEN", "LAST_OWNER", "ALREADY_TAKEN"];

/// Words of two parts or more in capitals.
fn codes(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'));
    let sound = |word: &&str| word.contains('_') && !word.starts_with('_') && !word.ends_with('_');
    words.filter(sound).map(str::to_owned).collect()
}

fn files(folder: &Path, extension: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, extension, found);
        } else if path.extension().is_some_and(|it| it == extension) {
            found.push(std::fs::read_to_string(path).unwrap());
        }
    }
}

fn comments() -> String {
    let mut protos = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../proto/deadwax/v1"), "proto", &mut protos);
    let lines = protos.iter().flat_map(|text| text.lines());
    lines.filter_map(|line| line.split_once("//")).map(|(_, comment)| format!("{comment}\n")).collect()
}

#[test]
fn every_refusal_of_the_rules_stands_in_the_manual() {
    let told = codes(&comments());
    let missing: Vec<_> = Reason::ALL
        .iter()
        .map(|reason| reason.code())
        .filter(|code| !INSIDE.contains(code) && !told.contains(*code))
        .collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn every_refusal_of_the_server_stands_in_the_manual() {
    let told = codes(&comments());
    let status = include_str!("../src/status.rs");
    let said: BTreeSet<String> = status
        .split('"')
        .skip(1)
        .step_by(2)
        .flat_map(codes)
        .filter(|code| !INSIDE.contains(&code.as_str()))
        .collect();
    let missing: Vec<_> = said.difference(&told).collect();
    assert_eq!(missing, Vec::<&String>::new());
}

#[test]
fn the_manual_tells_of_nothing_that_cannot_come() {
    let mut sources = Vec::new();
    for folder in ["src", "domain/src"] {
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), "rs", &mut sources);
    }
    let known: BTreeSet<String> =
        sources.iter().flat_map(|text| text.split('"').skip(1).step_by(2)).flat_map(codes).collect();
    let grpc = [
        "FAILED_PRECONDITION",
        "PERMISSION_DENIED",
        "NOT_FOUND",
        "INVALID_ARGUMENT",
        "RESOURCE_EXHAUSTED",
        "DEADLINE_EXCEEDED",
        "DATA_LOSS",
    ];
    let invented: Vec<_> = codes(&comments())
        .into_iter()
        .filter(|code| !known.contains(code) && !grpc.contains(&code.as_str()))
        .collect();
    assert_eq!(invented, Vec::<String>::new());
}
