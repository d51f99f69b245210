//! One demo under way: the house, the people, the sound, the log, and where things lie. Never here: a step.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    cast::{self, Cast},
    material::Material,
    print::Log,
};
use crate::{
    harness::{House, Seat},
    scale::{self, Front, Scale},
};

pub struct Studio {
    pub house: House,
    /// The rest of a house that stands on several machines.
    pub scale: Option<Scale>,
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
        Studio::of(house, None, root, (material, log))
    }

    /// The same with two servers and a worker; the people are spread over both.
    ///
    /// # Errors
    /// Where one of the programs that this needs is not installed, or something does not start.
    pub fn found_on_several(exe: &Path, root: &Path, material: Material, log: Log) -> Result<Studio> {
        Studio::found_behind(exe, root, Front::Whatever, (material, log))
    }

    /// With that in front of the servers.
    ///
    /// # Errors
    /// As [`Studio::found_on_several`].
    pub fn found_behind(exe: &Path, root: &Path, front: Front, with: (Material, Log)) -> Result<Studio> {
        let (house, scale) = scale::open(exe, root, front)?;
        let on = Studio::of(house, Some(scale), root, with)?;
        for seat in [&on.cast.mixer, &on.cast.label] {
            on.lead(seat)?;
        }
        Ok(on)
    }

    fn of(
        house: House,
        scale: Option<Scale>,
        root: &Path,
        (material, log): (Material, Log),
    ) -> Result<Studio> {
        let link = house.owner_link.clone();
        let cast = Cast::assemble(&house, root, &link)?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        Ok(Studio { house, scale, cast, material, log, root: root.to_owned(), runtime })
    }

    /// Where several servers stand without a balancer everybody changes to the other one; a balancer does that by itself with each connection.
    ///
    /// # Errors
    /// Where a profile cannot be read or written.
    pub fn swap(&self) -> Result<()> {
        let Cast { owner, artist, mixer, masterer, label } = &self.cast;
        [owner, artist, mixer, masterer, label].into_iter().try_for_each(|seat| self.lead(seat))
    }

    /// To the other server from now on.
    pub fn lead(&self, seat: &Seat) -> Result<()> {
        let Some(Scale { second, balancer: None, .. }) = &self.scale else { return Ok(()) };
        let mut profile = cast::profile(seat)?;
        let (here, there) = (&self.house.address, &second.address);
        let (from, to) = if profile.url.contains(here.as_str()) { (here, there) } else { (there, here) };
        profile.url = profile.url.replacen(from.as_str(), to, 1);
        Ok(deadwax_client::profile::Home::at(&seat.home).save(&profile)?)
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
