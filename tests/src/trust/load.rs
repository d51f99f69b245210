//! Load: whether every change reaches everybody while many write, watch, return and carry large files. The short form judges what no machine may excuse: what was
//! missed and what failed; times are judged by `cargo load`, on a machine that does nothing else. Never here: the load.

use std::{fs, process::Command};

use anyhow::{Context as _, Result, ensure};
use deadwax_tests::load::{self, Size, figures::Line, stand::Under};

use super::{
    gate::{Form, Found, Gate, Goal, Run},
    named::cargo,
};

pub const GATES: &[Gate] = &[Gate {
    id: "G10",
    what: "load: writers, watchers, a storm of returns, large files",
    goal: Goal {
        quick: Some("16 writers, 100 watchers, 100 returns: 0 who missed a change, 0 refused"),
        full: "what docs/LOAD.md asks of two cores, each held",
    },
    run,
}];

/// What is no matter of time.
const ALWAYS: [&str; 2] = ["watchers that missed a change", "of them without what they missed"];
const QUICK: [&str; 3] = ["watchers", "storm", "performs"];

fn run(run: &Run) -> Result<Found> {
    let lines = match run.form {
        Form::Quick => here(run)?,
        Form::Full => optimised(run)?,
    };
    let held = lines.iter().all(|line| {
        let judged = run.form == Form::Full || ALWAYS.contains(&line.what.as_str());
        !judged || line.held != Some(false)
    });
    let told = lines
        .iter()
        .map(|line| format!("{}: {} {}", line.what, line.measured, line.verdict().to_lowercase()));
    Ok(Found::judged(held, told.collect::<Vec<_>>().join("; ")))
}

/// With this very program, however it was built.
fn here(run: &Run) -> Result<Vec<Line>> {
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime of the load")?;
    let (size, mut lines) = (Size::small(), Vec::new());
    for part in QUICK {
        lines.extend(runtime.block_on(load::run(part, &size, &Under::Embedded, &run.exe, &run.dir))?);
    }
    Ok(lines)
}

/// By a program of its own that was built as `cargo load` builds it: times of a build for development say nothing.
fn optimised(run: &Run) -> Result<Vec<Line>> {
    let mut build = cargo();
    build.args(["build", "--locked", "--quiet", "--workspace", "--profile", "long", "--bin", "load"]);
    let built = build.arg("--message-format=json").output().context("cargo could not be started")?;
    let said = String::from_utf8_lossy(&built.stdout).into_owned();
    ensure!(
        built.status.success(),
        "the load tool was not built: {}",
        String::from_utf8_lossy(&built.stderr)
    );
    let exe = said.lines().find_map(executable).context("cargo did not say where the load tool is")?;
    let json = run.dir.join("load.json");
    let ran = Command::new(exe).arg("--json").arg(&json).arg("--dir").arg(&run.dir).output();
    let ran = ran.context("starting the load tool")?;
    ensure!(ran.status.success(), "the load tool failed: {}", String::from_utf8_lossy(&ran.stderr));
    let told = fs::read_to_string(&json).with_context(|| format!("read {}", json.display()))?;
    told.lines().map(|line| Line::read(line).with_context(|| format!("the load tool said {line}"))).collect()
}

/// Where cargo says that it put the program called `load`.
fn executable(message: &str) -> Option<String> {
    let message: serde_json::Value = serde_json::from_str(message).ok()?;
    let is_it = message["reason"] == "compiler-artifact" && message["target"]["name"] == "load";
    is_it.then(|| message["executable"].as_str().map(str::to_owned))?
}
