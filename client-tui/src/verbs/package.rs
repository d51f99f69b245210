//! A package on this machine: read, held against its own manifest, unpacked. Whoever made the zip may mean harm: before a byte is written every entry must
//! be a plain file with a plain name in the one folder, stored as it is, nothing twice, nothing on top of another. No server is asked here.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use zip::{CompressionMethod, ZipArchive, result::ZipError};

use super::{
    VerbError,
    place::{self, failed},
};
use crate::{net::digest_of, scrub};

const MANIFEST: &str = "manifest.json";
const SUMS: &str = "SHA256SUMS";
/// The form of the manifest that is read here.
const FORMAT: u32 = 1;
/// A version has a few hundred files at most.
const ENTRIES_MAX: usize = 2000;
const PAPER_BYTES_MAX: u64 = 8 << 20;
const NAME_BYTES_MAX: usize = 150;

pub struct Package {
    /// For messages.
    path: String,
    zip: ZipArchive<File>,
    folder: String,
    manifest: Manifest,
}

/// What a sound package says of itself.
pub struct Checked {
    pub title: String,
    pub artist: String,
    pub version: String,
    pub fingerprint: String,
    pub files: usize,
}

#[derive(Deserialize)]
struct Manifest {
    deadwax_handoff: u32,
    project: Project,
    song: Song,
    version: Version,
    files: Vec<Listed>,
}

#[derive(Deserialize)]
struct Project {
    artist: String,
}

#[derive(Deserialize)]
struct Song {
    title: String,
}

#[derive(Deserialize)]
struct Version {
    name: String,
    fingerprint: String,
}

#[derive(Deserialize)]
struct Listed {
    name: String,
    sha256: String,
    bytes: u64,
    /// Of audio.
    alternate: Option<String>,
}

impl Package {
    /// Reads the list of entries and the manifest; no audio yet.
    pub fn open(path: &Path) -> Result<Self, VerbError> {
        let file = File::open(path).map_err(failed(path, "opened"))?;
        let path = scrub::line(&path.to_string_lossy());
        let zip = ZipArchive::new(file).map_err(|error| no_zip(&path, &error))?;
        let (folder, manifest) = (String::new(), Manifest::default());
        let mut package = Self { path, zip, folder, manifest };
        package.folder = package.must_be_plain()?;
        package.manifest = package.read_manifest()?;
        package.must_be_listed()?;
        Ok(package)
    }

    /// Files, those that list the others included.
    pub fn count(&self) -> usize {
        self.zip.len()
    }

    /// The one folder. Everything that could reach beyond it, or grow while it is unpacked, is refused here.
    fn must_be_plain(&mut self) -> Result<String, VerbError> {
        let count = self.zip.len();
        if count == 0 || count > ENTRIES_MAX {
            return Err(self.no(&format!("it has {count} entries")));
        }
        let lapped = self.zip.has_overlapping_entries().map_err(|error| no_zip(&self.path, &error))?;
        if lapped || self.zip.has_duplicate_names() {
            return Err(self.no("entries lie on top of each other, or two have one name"));
        }
        let (mut folder, mut seen) = (None::<String>, BTreeSet::new());
        for at in 0..count {
            let entry = self.zip.by_index(at).map_err(|error| no_zip(&self.path, &error))?;
            let name = entry.name().map(|name| name.into_owned()).unwrap_or_default();
            let plain = entry.is_file() && !entry.is_symlink() && !entry.encrypted();
            let stored =
                entry.compression() == CompressionMethod::Stored && entry.size() == entry.compressed_size();
            drop(entry);
            let parts = name.split_once('/').filter(|(folder, file)| is_plain(folder) && is_plain(file));
            let Some((of, file)) = parts else {
                return Err(self.no(&format!("\u{201c}{name}\u{201d} is no plain name in a folder")));
            };
            if !plain || !stored {
                return Err(self.no(&format!("{file} is not a file that is stored as it is")));
            }
            if folder.get_or_insert_with(|| of.to_owned()) != of {
                return Err(self.no("it has more than one folder"));
            }
            // Not every disk tells large letters from small.
            if !seen.insert(file.to_ascii_lowercase()) {
                return Err(self.no(&format!("{file} is in it twice")));
            }
        }
        folder.ok_or_else(|| self.no("it is empty"))
    }

    fn read_manifest(&mut self) -> Result<Manifest, VerbError> {
        let bytes = self.paper(MANIFEST)?;
        let manifest: Manifest = serde_json::from_slice(&bytes)
            .map_err(|error| self.no(&format!("its manifest cannot be read: {error}")))?;
        if manifest.deadwax_handoff != FORMAT {
            let text = format!("{} was made by another version of the studio's server.", self.path);
            return Err(VerbError::no("PACKAGE_IS_NEWER", text, "Update this client."));
        }
        let sums = self.paper(SUMS)?;
        let sums = String::from_utf8_lossy(&sums);
        let stated: Option<BTreeMap<&str, &str>> =
            sums.lines().map(|line| line.split_once("  ").map(|(sha256, name)| (name, sha256))).collect();
        let own = hex::encode(Sha256::digest(&bytes));
        let listed = manifest.files.iter().map(|file| (file.name.as_str(), file.sha256.as_str()));
        let listed: BTreeMap<&str, &str> = listed.chain([(MANIFEST, own.as_str())]).collect();
        if stated.as_ref() != Some(&listed) {
            return Err(self.no("SHA256SUMS and the manifest say different things"));
        }
        Ok(manifest)
    }

    /// What is listed is there, with the size that is stated, and nothing else is.
    fn must_be_listed(&mut self) -> Result<(), VerbError> {
        let prefix = format!("{}/", self.folder);
        let there: BTreeSet<String> = self
            .zip
            .file_names()
            .filter_map(|name| name.ok().and_then(|name| name.strip_prefix(&prefix).map(str::to_owned)))
            .collect();
        let listed = self.manifest.files.iter().map(|file| file.name.clone());
        let listed: BTreeSet<String> = listed.chain([MANIFEST, SUMS].map(str::to_owned)).collect();
        if let Some(name) = there.difference(&listed).next() {
            return Err(self.no(&format!("{name} is in it and not in the manifest")));
        }
        if let Some(name) = listed.difference(&there).next() {
            return Err(self.no(&format!("{} is in the manifest and not in it", scrub::line(name))));
        }
        if listed.len() != self.manifest.files.len() + 2 {
            return Err(self.no("the manifest lists a file twice"));
        }
        for at in 0..self.manifest.files.len() {
            let (name, stated) = (self.manifest.files[at].name.clone(), self.manifest.files[at].bytes);
            if self.entry(&name)?.size() != stated {
                return Err(self.no(&format!("{name} has another size than the manifest says")));
            }
        }
        Ok(())
    }

    /// Hears every byte.
    pub fn check(&mut self) -> Result<Checked, VerbError> {
        for at in 0..self.manifest.files.len() {
            let (name, stated) =
                (self.manifest.files[at].name.clone(), self.manifest.files[at].sha256.clone());
            let read = self.entry(&name).map(|entry| digest_of(entry, |_| {}))?;
            match read {
                Ok((_, found)) if found == stated => {}
                _ => return Err(self.damaged(&name)),
            }
        }
        let fingerprint = self.must_be_signed()?;
        let Manifest { project, song, version, files, .. } = &self.manifest;
        Ok(Checked {
            title: scrub::line(&song.title),
            artist: scrub::line(&project.artist),
            version: scrub::line(&version.name),
            fingerprint,
            files: files.len(),
        })
    }

    /// The fingerprint of the version over the digests that were found: what the approvals sign.
    fn must_be_signed(&self) -> Result<String, VerbError> {
        let audio = self.manifest.files.iter();
        let mut lines: Vec<String> = audio
            .filter_map(|file| {
                file.alternate.as_ref().map(|alternate| format!("{alternate} {}\n", file.sha256))
            })
            .collect();
        lines.sort_unstable();
        let fingerprint = hex::encode(Sha256::digest(format!("deadwax-fingerprint-1\n{}", lines.concat())));
        if fingerprint != self.manifest.version.fingerprint {
            return Err(self.no("its audio is not the set of files that was signed"));
        }
        Ok(fingerprint)
    }

    /// Into its folder below `parent`. Every file gets its name only once its digest is right; what is there with other bytes is left alone.
    pub fn unpack(&mut self, parent: &Path) -> Result<PathBuf, VerbError> {
        self.must_be_signed()?;
        let into = parent.join(&self.folder);
        place::make_own_folder(&into)?;
        let mut names: Vec<(String, String)> =
            self.manifest.files.iter().map(|file| (file.name.clone(), file.sha256.clone())).collect();
        for name in [MANIFEST, SUMS] {
            let bytes = self.paper(name)?;
            names.push((name.to_owned(), hex::encode(Sha256::digest(&bytes))));
        }
        for (name, sha256) in names {
            let damaged = self.damaged(&name);
            let entry = self.entry(&name)?;
            if !place::place_stream(&into, &name, &sha256, entry)? {
                return Err(damaged);
            }
        }
        Ok(into)
    }

    fn entry(&mut self, name: &str) -> Result<zip::read::ZipFile<'_, File>, VerbError> {
        let path = format!("{}/{name}", self.folder);
        self.zip.by_name(&path).map_err(|error| no_zip(&self.path, &error))
    }

    fn paper(&mut self, name: &str) -> Result<Vec<u8>, VerbError> {
        let path = self.path.clone();
        let mut bytes = Vec::new();
        let read = self.entry(name).map(|entry| entry.take(PAPER_BYTES_MAX + 1).read_to_end(&mut bytes));
        match read {
            Ok(Ok(_)) if bytes.len() as u64 <= PAPER_BYTES_MAX => Ok(bytes),
            Ok(_) => Err(self.damaged(name)),
            Err(_) => Err(VerbError::Input(format!("{path} is no package of a handoff: it has no {name}"))),
        }
    }

    fn no(&self, what: &str) -> VerbError {
        VerbError::Input(format!("{} is not as a studio packs: {}", self.path, scrub::line(what)))
    }

    fn damaged(&self, name: &str) -> VerbError {
        VerbError::Input(format!(
            "{}: {name} is damaged: its bytes are not those of the manifest. Fetch the package again.",
            self.path
        ))
    }
}

impl Default for Manifest {
    fn default() -> Self {
        let (artist, title, name, fingerprint) = Default::default();
        Self {
            deadwax_handoff: 0,
            project: Project { artist },
            song: Song { title },
            version: Version { name, fingerprint },
            files: Vec::new(),
        }
    }
}

fn no_zip(path: &str, error: &ZipError) -> VerbError {
    let what = match error {
        ZipError::Io(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
            format!("{path} could not be read: {error}")
        }
        error => format!("{path} is no whole zip: {}", scrub::line(&error.to_string())),
    };
    VerbError::Input(what)
}

/// A name that is one everywhere: letters, digits, `_`, `-` and single dots within; not hidden, not one that a system keeps for itself.
fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let stem = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let kept = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || (stem.len() == 4 && (stem.starts_with("COM") || stem.starts_with("LPT")));
    !name.is_empty()
        && name.len() <= NAME_BYTES_MAX
        && name.chars().all(plain)
        && !name.starts_with(['.', '-'])
        && !name.ends_with('.')
        && !name.contains("..")
        && !kept
}

#[cfg(test)]
mod tests;
