//! Tests of the tests: every bug of docs/PLANTED.md is built in, and its named test must fail with it, by its own words, and pass without it. The programs of
//! the tests are built once and then run as they are. Never here: a bug, or a test that catches one.

use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use deadwax_tests::planted::{BUGS, Planted, table};

use super::{
    gate::{Found, Gate, Goal, Run},
    named::ABOUT_US,
};

/// Chooses a bug in the programs under test.
const CHOOSES: &str = "DEADWAX_TEST_PLANT";
const FEATURES: &str = "deadwax-server/planted,deadwax/planted";
/// A test that stands still under a bug did not catch it by its own words.
const PATIENCE: Duration = Duration::from_secs(180);
/// Tests side by side: most of them wait.
const HANDS: usize = 2;
/// How much of what a test said stands under the table.
const TAIL_LINES: usize = 12;

pub const GATES: &[Gate] = &[Gate {
    id: "G12",
    what: "tests of the tests: planted bugs, each with the test that must catch it",
    goal: Goal {
        quick: Some("21 of 21 caught by their named tests, which pass without them"),
        full: "21 of 21 caught by their named tests, which pass without them",
    },
    run: planted,
}];

/// The programs of tests by the crate's folder and the target's name; of a library under its folder alone.
type Programs = BTreeMap<(PathBuf, Option<String>), PathBuf>;

fn planted(run: &Run) -> Result<Found> {
    let rows = table()?;
    let begun = Instant::now();
    let places: Vec<Place> = rows.iter().map(Place::of).collect::<Result<_>>()?;
    let programs = build(&places)?;
    let built = begun.elapsed();
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..HANDS {
            scope.spawn(|| {
                while let Some((row, place)) = take(&next, &rows, &places) {
                    if let Err(why) = caught(row, place, &programs, &run.dir) {
                        let mut wrong = wrong.lock().unwrap_or_else(PoisonError::into_inner);
                        wrong.push(format!("G12: `{}` by `{}`: {why:#}", row.bug, row.test));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap_or_else(PoisonError::into_inner);
    let (all, ran) = (rows.len(), begun.elapsed() - built);
    let told = format!(
        "{} of {all} caught; programs built in {} s, run in {} s",
        all - wrong.len(),
        built.as_secs(),
        ran.as_secs()
    );
    let mut found = Found::judged(wrong.is_empty() && all == BUGS, told);
    found.notes = wrong;
    Ok(found)
}

fn take<'a>(
    next: &AtomicUsize,
    rows: &'a [Planted],
    places: &'a [Place],
) -> Option<(&'a Planted, &'a Place)> {
    let at = next.fetch_add(1, Ordering::Relaxed);
    rows.get(at).zip(places.get(at))
}

/// Where a test lives: the folder of its crate, and the file of `tests/` where it is not within the library.
struct Place {
    folder: PathBuf,
    target: Option<String>,
}

impl Place {
    fn of(row: &Planted) -> Result<Place> {
        let file = &row.file;
        let (folder, within) = match (file.split_once("/tests/"), file.split_once("/src/")) {
            (Some((folder, within)), _) => (folder, Some(within)),
            (None, Some((folder, _))) => (folder, None),
            (None, None) => bail!("{file} is in no folder of tests or sources"),
        };
        let target = within.and_then(|it| it.split(['/', '.']).next()).map(str::to_owned);
        Ok(Place { folder: folder.into(), target })
    }
}

/// Builds what the rows name, with every bug in it, and puts the programs of everybody else back.
fn build(places: &[Place]) -> Result<Programs> {
    let mut command = cargo();
    command.args(["test", "--locked", "--workspace", "--no-run", "--features", FEATURES]);
    command.args(["--message-format=json-render-diagnostics", "--lib"]);
    let mut targets: Vec<&str> = places.iter().filter_map(|it| it.target.as_deref()).collect();
    targets.sort_unstable();
    targets.dedup();
    command.args(targets.iter().flat_map(|target| ["--test", target]));
    let output = command.output().context("cargo could not be started")?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(
        output.status.success(),
        "the planted programs could not be built:\n{}",
        tail(&String::from_utf8_lossy(&output.stderr))
    );
    // What bears the names of our programs in the target folder has the bugs in it now.
    let restored = cargo().args(["build", "--locked", "--workspace", "--bins", "--quiet"]).status();
    ensure!(restored.is_ok_and(|it| it.success()), "the programs without bugs could not be put back");
    programs(&said)
}

/// In the folder of the workspace, as if nobody had called us: see `named`.
fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    let ours = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    for name in ours.filter(|name| ABOUT_US.iter().any(|begin| name.starts_with(begin))) {
        command.env_remove(name);
    }
    command
}

fn tail(said: &str) -> String {
    let all: Vec<&str> = said.lines().collect();
    format!("```\n{}\n```", all[all.len().saturating_sub(TAIL_LINES)..].join("\n"))
}

fn programs(said: &str) -> Result<Programs> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let mut programs = Programs::new();
    for line in said.lines().filter(|line| line.starts_with('{')) {
        let told: serde_json::Value = serde_json::from_str(line).context("cargo's answer")?;
        let (Some(program), Some(manifest)) = (told["executable"].as_str(), told["manifest_path"].as_str())
        else {
            continue;
        };
        let kind = told["target"]["kind"][0].as_str().unwrap_or_default();
        if told["profile"]["test"] != true || !["lib", "test"].contains(&kind) {
            continue;
        }
        let folder = Path::new(manifest).parent().context("a manifest lies in a folder")?;
        let folder = folder.strip_prefix(&root).unwrap_or(folder).to_owned();
        let target = told["target"]["name"].as_str().filter(|_| kind == "test").map(str::to_owned);
        programs.insert((folder, target), program.into());
    }
    Ok(programs)
}

/// One test passes without its bug and fails with it, by its own words.
fn caught(row: &Planted, place: &Place, programs: &Programs, dir: &Path) -> Result<()> {
    let key = (place.folder.clone(), place.target.clone());
    let program = programs.get(&key).with_context(|| format!("no program was built for {}", row.file))?;
    let program = Program { path: program, folder: &place.folder, dir };
    let name = program.named(&row.test)?;
    let without = program.run(&name, None)?;
    ensure!(without.contains("test result: ok. 1 passed"), "it fails without the bug:\n{}", tail(&without));
    let with = program.run(&name, Some(&row.bug))?;
    let failed = with.contains("test result: FAILED. 0 passed; 1 failed") && with.contains("panicked at");
    ensure!(failed, "it did not catch it:\n{}", tail(&with));
    let said = with.split_once("panicked at").is_some_and(|(_, words)| words.contains(&row.says));
    ensure!(said, "it failed, and not by saying `{}`:\n{}", row.says, tail(&with));
    Ok(())
}

struct Program<'a> {
    path: &'a Path,
    folder: &'a Path,
    dir: &'a Path,
}

impl Program<'_> {
    fn command(&self) -> Command {
        let mut command = Command::new(self.path);
        // As cargo runs it: in the folder of its crate.
        command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(self.folder));
        command.env_remove(CHOOSES).env_remove("RUST_BACKTRACE").stdin(Stdio::null());
        command
    }

    /// The whole path of the one test of this name.
    fn named(&self, test: &str) -> Result<String> {
        let output = self.command().args(["--list", "--format=terse"]).output()?;
        let list = String::from_utf8_lossy(&output.stdout).into_owned();
        let paths: Vec<&str> = list
            .lines()
            .filter_map(|line| line.strip_suffix(": test"))
            .filter(|path| path.rsplit("::").next() == Some(test))
            .collect();
        ensure!(paths.len() == 1, "{} tests bear the name: {paths:?}", paths.len());
        Ok(paths[0].to_owned())
    }

    fn run(&self, name: &str, bug: Option<&str>) -> Result<String> {
        let file = self.dir.join(format!("{}-{}", name.replace("::", "-"), bug.unwrap_or("none")));
        let mut command = self.command();
        command.args(["--exact", name, "--nocapture", "--include-ignored", "--test-threads=1"]);
        command.env("DEADWAX_TEST_TRUST", "quick").env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1");
        if let Some(bug) = bug {
            command.env(CHOOSES, bug);
        }
        let out = File::create(&file).with_context(|| format!("make {}", file.display()))?;
        let mut child = command.stdout(out.try_clone()?).stderr(out).spawn()?;
        let begun = Instant::now();
        while child.try_wait()?.is_none() {
            if begun.elapsed() > PATIENCE {
                child.kill()?;
                child.wait()?;
                bail!("it stood still for {} s", PATIENCE.as_secs());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(String::from_utf8_lossy(&std::fs::read(&file)?).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(file: &str) -> Place {
        let word = String::from("x");
        let row = Planted {
            bug: word.clone(),
            site: word.clone(),
            file: file.into(),
            test: word.clone(),
            says: word,
        };
        Place::of(&row).unwrap()
    }

    #[test]
    fn a_test_is_found_by_its_file() {
        let told = |file| {
            let place = place(file);
            (place.folder.display().to_string(), place.target)
        };
        assert_eq!(told("server/tests/watch.rs"), ("server".into(), Some("watch".into())));
        assert_eq!(told("server/tests/keep/collect.rs"), ("server".into(), Some("keep".into())));
        assert_eq!(told("server/domain/src/render.rs"), ("server/domain".into(), None));
        assert_eq!(told("server/src/disk/trial/crash.rs"), ("server".into(), None));
    }

    #[test]
    fn programs_are_read_from_what_cargo_says() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
        let line = |kind: &str, name: &str, test: bool| {
            serde_json::json!({
                "reason": "compiler-artifact", "manifest_path": root.join("server/Cargo.toml"), "executable": format!("/deps/{name}"),
                "target": { "kind": [kind], "name": name }, "profile": { "test": test },
            })
            .to_string()
        };
        let said = [
            line("lib", "s", true),
            line("test", "watch", true),
            line("bin", "p", false),
            "and words".into(),
        ];
        let found = programs(&said.join("\n")).unwrap();
        let expected: Vec<(PathBuf, Option<String>)> =
            vec![("server".into(), None), ("server".into(), Some("watch".into()))];
        assert_eq!(found.into_keys().collect::<Vec<_>>(), expected);
    }
}
