//! The files of an evidence, from a folder or from a zip, in memory and bounded: whoever made it may mean harm. Only plain files with plain names, nothing twice,
//! nothing packed. Never here: what they say.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::Read as _,
    path::Path,
};

use zip::{CompressionMethod, ZipArchive};

use super::super::Trouble;
use crate::scrub;

/// A statement and its signature each.
const FILES_MAX: usize = 40_000;
const FILE_BYTES_MAX: u64 = 64 << 20;
const ALL_BYTES_MAX: u64 = 256 << 20;
const NAME_BYTES_MAX: usize = 150;

/// By name within the folder, "statements/000001.txt".
pub type Files = BTreeMap<String, Vec<u8>>;

fn no(path: &Path, what: &str) -> Trouble {
    let path = scrub::line(&path.to_string_lossy());
    Trouble::no(
        "EVIDENCE_INVALID",
        format!("{path} is no evidence: {}.", scrub::line(what)),
        "Fetch it again with `deadwax evidence`, or ask whoever gave it to you for another copy.",
    )
}

fn is_plain(name: &str) -> bool {
    let fine = |c: char| c != '/' && c != '\\' && !scrub::is_hostile(c);
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name != "." && name != ".." && name.chars().all(fine)
}

/// Files with the name of the folder that they lie in.
pub fn read(path: &Path) -> Result<(String, Files), Trouble> {
    let about = fs::symlink_metadata(path).map_err(|e| Trouble::file(path, "read", &e))?;
    if about.is_dir() {
        let name = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        return Ok((name, from_folder(path)?));
    }
    from_zip(path)
}

struct Bag<'a> {
    path: &'a Path,
    files: Files,
    bytes: u64,
}

impl Bag<'_> {
    fn take(&mut self, name: String, source: impl std::io::Read) -> Result<(), Trouble> {
        if self.files.len() >= FILES_MAX {
            return Err(no(self.path, "it has too many files"));
        }
        let mut bytes = Vec::new();
        let read = source.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes);
        read.map_err(|_| no(self.path, &format!("{name} is damaged")))?;
        self.bytes += bytes.len() as u64;
        if bytes.len() as u64 > FILE_BYTES_MAX || self.bytes > ALL_BYTES_MAX {
            return Err(no(self.path, &format!("{name} is too large")));
        }
        if self.files.insert(name.clone(), bytes).is_some() {
            return Err(no(self.path, &format!("{name} is in it twice")));
        }
        Ok(())
    }
}

fn from_folder(path: &Path) -> Result<Files, Trouble> {
    let mut bag = Bag { path, files: Files::new(), bytes: 0 };
    walk(path, "", &mut bag)?;
    Ok(bag.files)
}

fn walk(folder: &Path, prefix: &str, bag: &mut Bag<'_>) -> Result<(), Trouble> {
    let entries = fs::read_dir(folder).map_err(|e| Trouble::file(folder, "read", &e))?;
    for entry in entries {
        let entry = entry.map_err(|e| Trouble::file(folder, "read", &e))?;
        let Some(name) = entry.file_name().to_str().filter(|it| is_plain(it)).map(str::to_owned) else {
            return Err(no(bag.path, "a file in it has a name that no evidence has"));
        };
        let about = fs::symlink_metadata(entry.path()).map_err(|e| Trouble::file(folder, "read", &e))?;
        if about.is_dir() && prefix.is_empty() {
            walk(&entry.path(), &format!("{name}/"), bag)?;
        } else if about.is_file() {
            let file = File::open(entry.path()).map_err(|e| Trouble::file(&entry.path(), "read", &e))?;
            bag.take(format!("{prefix}{name}"), file)?;
        } else {
            return Err(no(bag.path, &format!("{prefix}{name} is no plain file")));
        }
    }
    Ok(())
}

fn from_zip(path: &Path) -> Result<(String, Files), Trouble> {
    let file = File::open(path).map_err(|e| Trouble::file(path, "opened", &e))?;
    let mut zip = ZipArchive::new(file).map_err(|_| no(path, "it is neither a folder nor a zip"))?;
    if zip.len() > FILES_MAX || zip.has_duplicate_names() || zip.has_overlapping_entries().unwrap_or(true) {
        return Err(no(path, "its entries lie on top of each other, or are too many"));
    }
    let mut bag = Bag { path, files: Files::new(), bytes: 0 };
    let mut folder: Option<String> = None;
    for at in 0..zip.len() {
        let entry = zip.by_index(at).map_err(|_| no(path, "an entry of it is damaged"))?;
        let name = entry.name().map(|it| it.into_owned()).unwrap_or_default();
        let parts: Vec<&str> = name.split('/').collect();
        let plain = matches!(parts.len(), 2 | 3) && parts.iter().all(|it| is_plain(it));
        let stored = entry.is_file()
            && !entry.is_symlink()
            && !entry.encrypted()
            && entry.compression() == CompressionMethod::Stored;
        if !plain || !stored {
            return Err(no(path, &format!("\u{201c}{name}\u{201d} is no plain file in a folder")));
        }
        if folder.get_or_insert_with(|| parts[0].to_owned()) != parts[0] {
            return Err(no(path, "it has more than one folder"));
        }
        let inner = parts[1..].join("/");
        bag.take(inner, entry)?;
    }
    let folder = folder.ok_or_else(|| no(path, "it is empty"))?;
    Ok((folder, bag.files))
}
