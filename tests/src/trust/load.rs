//! Load: whether every change reaches everybody while many write, watch, return and carry large files. The short form judges what no machine may excuse: what was
//! missed and what failed; times are judged by `cargo load`, on a machine that does nothing else. Never here: the load.

use anyhow::{Context as _, Result};
use deadwax_tests::load::{self, PARTS, Size};

use super::gate::{Found, Gate, Goal, Run};

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

fn run(run: &Run) -> Result<Found> {
    let size = run.times(Size::small(), Size::whole());
    let parts: &[&str] = run.times(&["watchers", "storm", "performs"], &PARTS);
    let runtime = tokio::runtime::Runtime::new().context("starting the runtime of the load")?;
    let mut lines = Vec::new();
    for part in parts {
        lines.extend(runtime.block_on(load::run(part, &size, &run.exe, &run.dir))?);
    }
    let held = lines.iter().all(|line| {
        let judged = run.times(ALWAYS.contains(&line.what.as_str()), true);
        !judged || line.held != Some(false)
    });
    let told = lines
        .iter()
        .map(|line| format!("{}: {} {}", line.what, line.measured, line.verdict().to_lowercase()));
    Ok(Found::judged(held, told.collect::<Vec<_>>().join("; ")))
}
