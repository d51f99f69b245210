//! One demo under way: the house, the people, the sound, the log, and where things lie. Never here: a step.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{cast::Cast, material::Material, print::Log};
use crate::harness::House;

pub struct Studio {
    pub house: House,
    pub cast: Cast,
    pub material: Material,
    pub log: Log,
    pub root: PathBuf,
    /// For questions that no verb asks.
    pub runtime: tokio::runtime::Runtime,
}

impl Studio {
    /// Founds the house below `root` and signs everybody in.
    pub fn found(exe: &Path, root: &Path, material: Material, log: Log) -> Result<Studio> {
        let mut house = House::found(exe, root)?;
        house.open()?;
        let link = house.owner_link.clone();
        let cast = Cast::assemble(&house, root, &link)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        Ok(Studio { house, cast, material, log, root: root.to_owned(), runtime })
    }

    /// A folder below the root, made where it is missing.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.root.join(name);
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        Ok(folder)
    }

    pub fn project_id(&self) -> Result<String> {
        let rows = super::cast::rows(&self.cast.owner)?;
        let project = rows.get("project").context("the project is not there")?;
        Ok(text(project, "project_id").to_owned())
    }
}

pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// `-14.0 LUFS  -1.0 dBTP` from facts or a measurement.
pub fn levels(facts: &Value) -> String {
    let level = |key: &str| facts[key].as_f64().map_or("-inf".to_owned(), |value| format!("{value:.2}"));
    format!("{} LUFS  {} dBTP", level("integrated_lufs"), level("true_peak_dbtp"))
}

/// `65.3 s  48000 Hz 24 bit`
pub fn shape(facts: &Value) -> String {
    let rate = facts["sample_rate"].as_u64().unwrap_or(1).max(1);
    let seconds = facts["frames"].as_f64().unwrap_or(0.0) / rate as f64;
    let bits = match facts["bits"].as_u64() {
        Some(bits) if bits > 0 => format!("{bits} bit"),
        _ => text(facts, "codec").to_owned(),
    };
    format!("{seconds:.1} s  {rate} Hz {bits}")
}

pub fn digest(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(hex::encode(Sha256::digest(bytes)))
}

/// Reads every file that `SHA256SUMS` names and every other in the folder; answers how many there are.
///
/// # Errors
/// A digest that differs, a file that is missing, or one that is not listed.
pub fn check_sums(folder: &Path) -> Result<usize> {
    let sums = fs::read_to_string(folder.join("SHA256SUMS"))?;
    let mut names = Vec::new();
    for line in sums.lines() {
        let (listed, name) = line.split_once("  ").context("a line of SHA256SUMS without two spaces")?;
        ensure!(digest(&folder.join(name))? == listed, "{name} has other bytes than SHA256SUMS says");
        names.push(name.to_owned());
    }
    for entry in fs::read_dir(folder)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        ensure!(name == "SHA256SUMS" || names.contains(&name), "{name} is not listed in SHA256SUMS");
    }
    Ok(names.len())
}
