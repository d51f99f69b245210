//! The peer table does not rot: our own column is made in its short form, on music by formula, without any peer. Goal: the command works on every
//! machine, its judge finds nothing wrong with what we write, and it says so when something is. Method: run the program that people run.

use std::process::{Command, Output};

fn peers(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_peers")).args(arguments).output().expect("the program of this crate")
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn our_column_clears_the_bars_of_quality() {
    let output = peers(&["--quick", "--alone", "--check", "--only", "accuracy,artefacts,conversion,words"]);
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    for title in
        ["Target and ceiling", "Worst cases", "What limiting does", "Sample-rate conversion", "16-bit words"]
    {
        assert!(said.contains(title), "no table {title}: {said}");
    }
    let rows = said.lines().filter(|line| line.starts_with("| **Deadwax**")).count();
    assert!(rows >= 12, "{rows} rows of ours: {said}");
    assert!(!said.contains("NaN"), "{said}");
}

#[test]
fn every_speed_table_has_our_row_with_time_and_memory() {
    let output = peers(&["--quick", "--alone", "--only", "speed"]);
    let said = text(&output);
    assert!(output.status.success(), "{said}");
    let rows: Vec<Vec<&str>> = said
        .lines()
        .filter(|line| line.starts_with("| **Deadwax**"))
        .map(|line| line.split('|').collect())
        .collect();
    assert_eq!(rows.len(), 8, "{said}");
    for row in rows {
        let figure = |at: usize| row[at].trim().parse::<f64>().expect("a number");
        assert!(figure(2) > 0.0 && figure(5) > 0.0, "{row:?}");
    }
}

#[test]
fn what_cannot_be_done_is_said_and_ends_with_an_error() {
    for (arguments, word) in [
        (&["--music", "/nowhere"][..], "/nowhere"),
        (&["--runs", "0"], "at least one run"),
        (&["--read", "/nowhere.wav"], "/nowhere.wav"),
        (&["work", "nothing"], "no such task"),
    ] {
        let output = peers(arguments);
        assert!(!output.status.success() && text(&output).contains(word), "{arguments:?}: {}", text(&output));
    }
}
