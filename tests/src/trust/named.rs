//! Gates that need the inner parts of a crate are tests of that crate: they are run by name, and tell their figures in lines `#gate ID held|missed|not-run FIGURES`.
//! A test that tells nothing has proved nothing. Never here: what a test does.

use std::{
    collections::BTreeMap,
    process::Command,
    sync::{Mutex, PoisonError},
};

use anyhow::{Context as _, Result};

use super::gate::{Found, Run, Verdict};

/// How much of what a failed test said stands under the table.
const TAIL_LINES: usize = 12;

/// What cargo tells of itself to the programs that it runs.
pub const ABOUT_US: [&str; 5] =
    ["CARGO_MANIFEST_", "CARGO_PKG_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];

/// A test by name. It reads `DEADWAX_TEST_TRUST` (`quick` or `full`) and `DEADWAX_TEST_SEED`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Named {
    /// A file of `tests/` of any package; `None`: tests within the libraries.
    file: Option<&'static str>,
    /// Its path; what begins so is run.
    name: &'static str,
    /// More for cargo. Features build the house a second time: minutes, and gigabytes of the disk.
    cargo: &'static [&'static str],
}

#[derive(Clone)]
struct Said {
    success: bool,
    stdout: String,
    stderr: String,
}

/// What was run already.
static KNOWN: Mutex<BTreeMap<Named, Said>> = Mutex::new(BTreeMap::new());

impl Named {
    pub const fn test(file: &'static str, name: &'static str) -> Named {
        Named { file: Some(file), name, cargo: &[] }
    }

    pub const fn unit(name: &'static str) -> Named {
        Named { file: None, name, cargo: &[] }
    }

    /// With these words for cargo too, such as `--features faults`.
    #[allow(dead_code, reason = "for gates that need a build of their own")]
    pub const fn with(self, cargo: &'static [&'static str]) -> Named {
        Named { cargo, ..self }
    }

    pub fn run(&self, run: &Run, id: &str) -> Result<Found> {
        if self.cargo.is_empty()
            && let Some(said) = run.told.of(self.file, self.name)
            && said.contains(&format!("#gate {id} "))
        {
            return Ok(read(id, &said));
        }
        let said = self.said(run)?;
        let mut found = read(id, &said.stdout);
        if !said.success {
            found.verdict = Verdict::Missed;
            let all: Vec<&str> = said.stdout.lines().chain(said.stderr.lines()).collect();
            let tail = all[all.len().saturating_sub(TAIL_LINES)..].join("\n");
            found.notes.push(format!("{id}: `{}` failed:\n```\n{tail}\n```", self.name));
        }
        Ok(found)
    }

    /// Some tests tell several gates: each is run once in a table.
    fn said(&self, run: &Run) -> Result<Said> {
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(said) = known.get(self) {
            return Ok(said.clone());
        }
        let output = self.command(run).output().context("cargo could not be started")?;
        let [stdout, stderr] =
            [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
        let said = Said { success: output.status.success(), stdout, stderr };
        known.insert(*self, said.clone());
        Ok(said)
    }

    fn command(&self, run: &Run) -> Command {
        let mut command = cargo();
        // With the features of the whole workspace, as everybody else builds: those of one package alone would have half of the house built again.
        command.args(["test", "--locked", "--quiet", "--workspace"]).args(self.cargo);
        // Hours of work are done by optimised programs; what every change goes through is built as everybody builds.
        command.args(run.times(&[][..], &["--profile", "long"][..]));
        match self.file {
            Some(file) => command.args(["--test", file]),
            None => command.arg("--lib"),
        };
        command.args([self.name, "--", "--nocapture", "--include-ignored", "--test-threads=1"]);
        command
            .env("DEADWAX_TEST_TRUST", run.times("quick", "full"))
            .env("DEADWAX_TEST_SEED", run.seed.to_string());
        command
    }
}

/// In this workspace.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    // What cargo told this program of itself: a crate that asks for it (ring) would be built anew each time, and all that stands on it.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if ABOUT_US.iter().any(|begin| name.starts_with(begin)) {
            command.env_remove(&*name);
        }
    }
    command
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
