//! Load on one machine: many writers, many watchers, a storm of returns, large files, a large journal. The generator is a process beside the server and its calls
//! go out by the clock, not when the last one has come back, so that a slow server cannot make its own load lighter. Never here: shortcuts into the server.

pub mod figures;
pub mod growth;
pub mod performs;
pub mod probe;
pub mod restart;
pub mod stand;
pub mod storm;
pub mod transfers;
pub mod watchers;

use std::path::Path;

use anyhow::{Context as _, Result};

use self::{figures::Line, stand::Stand};

/// How much of each kind.
#[derive(Clone, Debug)]
pub struct Size {
    pub writers: usize,
    pub seconds: u64,
    pub watchers: usize,
    pub deliveries_per_s: usize,
    pub returning: usize,
    pub file_mib: u64,
    pub players: usize,
    pub entries: u64,
    pub projects: usize,
}

impl Size {
    /// What the goals speak of.
    pub fn whole() -> Size {
        Size {
            writers: 64,
            seconds: 20,
            watchers: 10_000,
            deliveries_per_s: 10_000,
            returning: 5_000,
            file_mib: 1024,
            players: 100,
            entries: 1_000_000,
            projects: 10,
        }
    }

    /// A minute or two, to see that everything still works.
    pub fn small() -> Size {
        Size {
            writers: 16,
            seconds: 3,
            watchers: 100,
            deliveries_per_s: 200,
            returning: 100,
            file_mib: 16,
            players: 10,
            entries: 5_000,
            projects: 2,
        }
    }
}

/// The parts, by the name that a person gives.
pub const PARTS: [&str; 6] = ["performs", "watchers", "storm", "transfers", "start", "growth"];

/// Runs one part on a fresh server.
///
/// # Errors
/// Where the load could not be made; a missed goal is no error.
pub async fn run(part: &str, size: &Size, exe: &Path, root: &Path) -> Result<Vec<Line>> {
    let folder = root.join(part);
    std::fs::create_dir_all(&folder)?;
    let mut stand = Stand::open(exe, &folder)?;
    let lines = match part {
        "performs" => performs::measure(&stand, size).await,
        "watchers" => watchers::measure(&stand, size).await,
        "storm" => storm::measure(&mut stand, size).await,
        "transfers" => transfers::measure(&stand, size).await,
        "start" => restart::measure(&mut stand, size).await,
        _ => growth::measure(&stand, size).await,
    };
    lines.with_context(|| format!("the part {part}"))
}
