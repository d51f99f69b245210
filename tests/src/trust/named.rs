//! Gates that need the inner parts of a crate are tests of that crate: they are run by name, and tell their figures in lines `#gate ID held|missed|not-run FIGURES`.
//! A test that tells nothing has proved nothing. Never here: what a test does.

use std::process::Command;

use anyhow::{Context as _, Result};

use super::gate::{Found, Run, Verdict};

/// How much of what a failed test said stands under the table.
const TAIL_LINES: usize = 12;

/// What cargo tells of itself to the programs that it runs.
pub const ABOUT_US: [&str; 5] =
    ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];

/// A test by name. It reads `DEADWAX_TEST_TRUST` (`quick` or `full`) and `DEADWAX_TEST_SEED`.
pub struct Named {
    pub package: &'static str,
    /// A file of `tests/`; `None`: a test within the library.
    pub file: Option<&'static str>,
    /// Its path; what begins so is run.
    pub name: &'static str,
    pub features: &'static [&'static str],
}

impl Named {
    pub fn run(&self, run: &Run, id: &str) -> Result<Found> {
        let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
        // What cargo told this program of itself: a crate that asks for it (ring) would be built anew each time, and all that stands on it.
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            if ABOUT_US.iter().any(|begin| name.starts_with(begin)) {
                command.env_remove(&*name);
            }
        }
        command.args(["test", "--locked", "--quiet"]);
        // With the features of the whole workspace, as everybody else builds: those of one package alone would have half of the house built again.
        match self.features {
            [] => command.arg("--workspace"),
            _ => command.args(["--package", self.package]),
        };
        match self.file {
            Some(file) => command.args(["--test", file]),
            None => command.arg("--lib"),
        };
        for feature in self.features {
            command.args(["--features", feature]);
        }
        command.args([self.name, "--", "--nocapture", "--include-ignored", "--test-threads=1"]);
        command
            .env("DEADWAX_TEST_TRUST", run.times("quick", "full"))
            .env("DEADWAX_TEST_SEED", run.seed.to_string());
        let output = command.output().context("cargo could not be started")?;
        let text = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        let mut found = read(id, &text[0]);
        if !output.status.success() {
            found.verdict = Verdict::Missed;
            let all: Vec<&str> = text.iter().flat_map(|it| it.lines()).collect();
            let tail = all[all.len().saturating_sub(TAIL_LINES)..].join("\n");
            found.notes.push(format!("{id}: `{}` failed:\n```\n{tail}\n```", self.name));
        }
        Ok(found)
    }
}

/// What a test told of this gate.
fn read(id: &str, said: &str) -> Found {
    let lines =
        said.lines().filter_map(|line| line.split_once("#gate ")?.1.strip_prefix(id)?.strip_prefix(' '));
    let told: Vec<(&str, &str)> = lines.filter_map(|line| line.trim().split_once(' ')).collect();
    if told.is_empty() {
        return Found::judged(false, "no figure was told");
    }
    let figures =
        |word: &str| -> Vec<&str> { told.iter().filter(|it| it.0 == word).map(|it| it.1.trim()).collect() };
    let (held, not_run) = (figures("held"), figures("not-run"));
    if held.len() + not_run.len() == told.len() && !not_run.is_empty() {
        return Found::not_run(not_run.join("; "));
    }
    let all: Vec<&str> = told.iter().map(|it| it.1.trim()).collect();
    Found::judged(held.len() == told.len(), all.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_test_told_of_this_gate_counts() {
        let said = "running 1 test\ntest x ... #gate G2 held 12 cuts, 0 lost\n#gate G2a missed 3 lost\n#gate G2 held 4 more\n";
        assert_eq!(read("G2", said), Found::judged(true, "12 cuts, 0 lost; 4 more"));
        assert_eq!(read("G2a", said), Found::judged(false, "3 lost"));
    }

    #[test]
    fn silence_and_half_a_line_are_no_proof() {
        for said in ["", "test x ... ok", "#gate G3", "#gate G3 held", "#gate G30 held 1 site"] {
            assert_eq!(read("G3", said).verdict, Verdict::Missed, "{said}");
        }
        assert_eq!(read("G3", "#gate G3 maybe 1 site").verdict, Verdict::Missed);
        let half = "#gate G3 held 1 site\n#gate G3 not-run no /dev/fuse";
        assert_eq!(read("G3", half), Found::not_run("no /dev/fuse"));
        assert_eq!(read("G3", &format!("{half}\n#gate G3 missed 1 site")).verdict, Verdict::Missed);
        assert_eq!(read("G3", "#gate G3 held 1 site\n#gate G3 missed 1 site").verdict, Verdict::Missed);
    }
}
