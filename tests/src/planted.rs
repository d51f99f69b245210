//! The table of planted bugs as data: docs/PLANTED.md, read. Never here: how a bug is chosen, or a test run.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};

pub const PAPER: &str = "docs/PLANTED.md";
/// How many there are.
pub const BUGS: usize = 21;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planted {
    /// What `DEADWAX_TEST_PLANT` says, and `planted!` in the code.
    pub bug: String,
    /// The file that it is in.
    pub site: String,
    /// The file of the test that catches it.
    pub file: String,
    pub test: String,
    /// Stands in what the test says when it does.
    pub says: String,
}

/// The rows of the paper of this workspace.
///
/// # Errors
/// Where it cannot be read, or a row has not the form of the others.
pub fn table() -> Result<Vec<Planted>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(PAPER);
    let text = fs::read_to_string(&path).with_context(|| format!("{PAPER} could not be read"))?;
    read(&text)
}

fn read(paper: &str) -> Result<Vec<Planted>> {
    paper.lines().filter(|line| line.starts_with("| `")).map(row).collect()
}

fn row(line: &str) -> Result<Planted> {
    let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
    ensure!(cells.len() == 5, "{PAPER}: {} cells instead of 5: {line}", cells.len());
    let code = |at: usize| -> Result<&str> {
        let inner = cells[at].strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
        inner.filter(|it| !it.is_empty()).with_context(|| format!("{PAPER}: no code in cell {at}: {line}"))
    };
    let (file, test) = code(3)?.split_once("::").with_context(|| format!("{PAPER}: no test in {line}"))?;
    ensure!(!cells[1].is_empty() && !cells[4].is_empty(), "{PAPER}: an empty cell: {line}");
    Ok(Planted {
        bug: code(0)?.to_owned(),
        site: code(2)?.to_owned(),
        file: file.to_owned(),
        test: test.to_owned(),
        says: cells[4].to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_whole_or_refused() {
        let good = "| `a-bug` | something | `server/src/x.rs` | `server/tests/y.rs::z` | it says so |";
        let planted = Planted {
            bug: "a-bug".into(),
            site: "server/src/x.rs".into(),
            file: "server/tests/y.rs".into(),
            test: "z".into(),
            says: "it says so".into(),
        };
        assert_eq!(read(&format!("# Title\n\n| bug | what |\n| --- | --- |\n{good}\n")).unwrap(), [planted]);
        for bad in [
            good.replace(" | it says so", ""),
            good.replace("it says so", ""),
            good.replace("::z", ""),
            good.replace("`server/src/x.rs`", "server/src/x.rs"),
        ] {
            assert!(read(&bad).is_err(), "{bad}");
        }
    }
}
