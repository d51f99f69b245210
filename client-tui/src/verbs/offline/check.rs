//! `check`: measures the files, applies a profile, prints what was found; a main and its alternates among them are heard together as well. Exit 1 on a
//! block, 3 where a file cannot be used. Never here: the rules, what alternates mean.

use std::path::{Path, PathBuf};

use deadwax_dsp::{profile, recipe::nearest, report::FileReport};
use serde_json::json;

use super::{alternates, preflight::siblings, read, told};
use crate::{
    checks::{self, Checks, Found, Measured, one},
    name::{self, Guess},
    verbs::{Context, VerbError},
};

pub fn check(c: &Context, files: &[PathBuf], profile: &str) -> Result<(), VerbError> {
    let checks = load(profile)?;
    let mut all_read = true;
    let mut measured: Vec<(FileReport, Guess)> = Vec::new();
    for path in files {
        match read(path, false) {
            Ok((report, _)) => measured.push((report, name::parse(&path.to_string_lossy()))),
            Err(e) => all_read &= told(c, path, &e)?,
        }
    }
    let mut found: Vec<Vec<Found>> =
        measured.iter().map(|(report, _)| one(&checks, &Measured::of_report(report))).collect();
    if let Some(rules) = &checks.alternates {
        for (index, finding) in siblings(rules, &measured) {
            found[index].push(finding);
        }
    }
    c.out.text(&format!("Checked against {} of {}: {}", checks.name, checks.dated, checks.about))?;
    let mut passed = true;
    for ((report, guess), found) in measured.iter().zip(&found) {
        let blocks = found.iter().filter(|f| f.block).count();
        passed &= blocks == 0;
        print(c, &checks, report, guess, found, blocks)?;
    }
    for set in alternates::sets(&measured) {
        let said = |token: &str, code: &str| {
            let files = measured.iter().zip(&found);
            files.filter(|((_, g), _)| g.alternate == token).any(|(_, f)| f.iter().any(|f| f.code == code))
        };
        match alternates::listen(&set, &said) {
            Ok(heard) => passed &= alternates::print(c, &set, &heard)?,
            Err(e) => all_read &= told(c, &set.main, &e)?,
        }
    }
    c.out.text(&format!("The limits come from: {}.", checks.sources.join("; ")))?;
    match (all_read, passed) {
        (false, _) => Err(VerbError::Said(3)),
        (true, false) => Err(VerbError::Said(1)),
        (true, true) => Ok(()),
    }
}

fn print(
    c: &Context,
    checks: &Checks,
    report: &FileReport,
    guess: &Guess,
    found: &[Found],
    blocks: usize,
) -> Result<(), VerbError> {
    let mut text = format!(
        "{} ({}): {}",
        report.file.display(),
        guess.alternate,
        match (blocks, found.len() - blocks) {
            (0, 0) => "fine".to_owned(),
            (0, warnings) => format!("passes with {warnings} warning(s)"),
            (blocks, warnings) => format!("{blocks} block(s), {warnings} warning(s)"),
        }
    );
    for finding in found {
        text += &format!(
            "\n  {}  {}: {}",
            if finding.block { "BLOCK" } else { "warn " },
            finding.code,
            finding.text
        );
    }
    c.out.both(
        &text,
        &json!({
            "file": report.file.to_string_lossy(), "profile": checks.name, "about": checks.about, "dated": checks.dated, "alternate": guess.alternate,
            "passed": blocks == 0, "sources": checks.sources, "findings": found, "sha256": report.sha256,
        }),
    )
}

/// A shipped profile by name, or a file of the studio's own.
fn load(wanted: &str) -> Result<Checks, VerbError> {
    if let Some(text) = profile::text(wanted) {
        return parse(wanted, text);
    }
    let path = Path::new(wanted);
    if path.extension().is_none_or(|e| e != "toml") {
        let names: Vec<&str> = profile::shipped().iter().map(|(name, _)| *name).collect();
        let meant = nearest(wanted, &names).map(|near| format!("did you mean {near}? There "));
        return Err(VerbError::Usage(format!(
            "there is no profile {wanted:?}; {}are {}, or name a TOML file",
            meant.unwrap_or_else(|| "there ".into()),
            names.join(", ")
        )));
    }
    let text = std::fs::read_to_string(path)
        .map_err(|e| VerbError::Input(format!("the profile {wanted} could not be read: {e}")))?;
    parse(wanted, &text)
}

fn parse(name: &str, text: &str) -> Result<Checks, VerbError> {
    checks::parse(text).map_err(|(line, what)| {
        VerbError::Input(format!("the profile {name} is wrong in line {line}: {what}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_profiles_are_dated_and_sourced() {
        for (name, _) in profile::shipped() {
            let checks = load(name).unwrap();
            assert_eq!(checks.name, *name);
            assert!(checks.dated.len() == 10 && !checks.sources.is_empty() && !checks.about.is_empty());
        }
    }

    #[test]
    fn an_unknown_key_is_an_error_with_its_line() {
        let error =
            parse("own.toml", "name = 'x'\ndated = 'y'\nsources = []\n[limits]\nloud = 3\n").unwrap_err();
        assert!(error.to_string().contains("line 5"), "{error}");
        assert_eq!(error.exit_code(), 3);
        assert_eq!(load("nope").unwrap_err().exit_code(), 2);
    }
}
