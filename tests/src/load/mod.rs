//! Load on one machine: many writers, many watchers, a storm of returns, large files, too much of it, a large journal, all at once. The generator is a process beside the server and its calls
//! go out by the clock, not when the last one has come back, so that a slow server cannot make its own load lighter. Never here: shortcuts into the server.

pub mod figures;
pub mod foreign;
pub mod growth;
pub mod mix;
pub mod overload;
pub mod performs;
pub mod probe;
pub mod restart;
pub mod stand;
pub mod storm;
pub mod transfers;
pub mod watchers;

use std::path::Path;

use anyhow::{Context as _, Result};

use self::{
    figures::Line,
    stand::{Stand, Under},
};

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
    pub notes: usize,
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
            notes: 100,
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
            notes: 5,
        }
    }
}

/// The parts, by the name that a person gives.
pub const PARTS: [&str; 10] =
    ["performs", "watchers", "crowd", "storm", "transfers", "overload", "mix", "h2load", "growth", "start"];
/// Those that kill servers, or ask the system about them.
const OF_OURS: [&str; 2] = ["storm", "start"];

/// Runs one part on fresh servers.
///
/// # Errors
/// Where the load could not be made; a missed goal is no error.
pub async fn run(part: &str, size: &Size, under: &Under, exe: &Path, root: &Path) -> Result<Vec<Line>> {
    if OF_OURS.contains(&part) && matches!(under, Under::At { .. }) {
        return Ok(vec![Line::told(part, "not run: it kills servers, and these are somebody else's")]);
    }
    let folder = root.join(part);
    std::fs::create_dir_all(&folder)?;
    let mut stand = Stand::open(under, exe, &folder)?;
    let lines = match part {
        "performs" => performs::measure(&stand, size, exe).await,
        "watchers" => watchers::measure(&stand, size).await,
        "crowd" => watchers::measure_one(&stand, size).await,
        "storm" => storm::measure(&mut stand, size).await,
        "transfers" => transfers::measure(&stand, size).await,
        "overload" => overload::measure(&stand, size).await,
        "mix" => mix::measure(&stand, size).await,
        "h2load" => foreign::measure(&stand, size).await,
        "start" => restart::measure(&mut stand, size).await,
        _ => growth::measure(&stand, size).await,
    };
    drop(stand);
    // Gigabytes of sound; the next part shall find the disk as this one did.
    std::fs::remove_dir_all(&folder).with_context(|| format!("removing {}", folder.display()))?;
    lines.with_context(|| format!("the part {part}"))
}
