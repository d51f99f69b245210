//! Files of sound held against what was signed: by their digests, read to the last byte. Paths that an evidence names never lead out of the folder that was given.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    path::{Component, Path, PathBuf},
};

use super::{Report, lists};
use crate::{net::digest_of, scrub};

const DEPTH_MAX: usize = 6;
const FILES_MAX: usize = 20_000;

fn shown(path: &Path) -> String {
    scrub::line(&path.to_string_lossy())
}

/// One file: some statement names exactly these bytes.
pub fn file(report: &mut Report, path: &Path) {
    let found = File::open(path).and_then(|file| digest_of(file, |_| {}));
    let (bytes, sha256) = match found {
        Ok(found) => found,
        Err(error) => return report.find(&shown(path), format!("it could not be read: {error}")),
    };
    let mut named = report.statements.iter().flat_map(|it| &it.files);
    match named.find(|it| it.sha256 == sha256) {
        None => report.find(&shown(path), format!("no statement names these bytes ({sha256})")),
        Some(it) if it.bytes != bytes => report.find(&shown(path), "it has another size than was signed"),
        Some(_) => report.heard += 1,
    }
}

/// A folder: every file of the list is there, under its name.
pub fn folder(report: &mut Report, base: &Path, listed: &str) {
    let Ok(listed) = lists::sums(listed) else { return };
    for (name, sha256) in listed {
        let path = Path::new(name);
        if !path.components().all(|it| matches!(it, Component::Normal(_))) {
            report.find("FILES", format!("{name} is no place within a folder"));
            continue;
        }
        match File::open(base.join(path)).and_then(|file| digest_of(file, |_| {})) {
            Err(error) => report.find(name, format!("it could not be read: {error}")),
            Ok((_, found)) if found != sha256 => {
                report.find(name, format!("its bytes are not those that were signed ({found})"));
            }
            Ok(_) => report.heard += 1,
        }
    }
}

/// A folder without a list: every file that was signed lies in it somewhere.
pub fn search(report: &mut Report, base: &Path) {
    let wanted: Vec<(String, u64, String)> = report
        .statements
        .iter()
        .flat_map(|it| &it.files)
        .map(|it| (it.sha256.clone(), it.bytes, it.name.clone()))
        .collect();
    let mut there = Vec::new();
    walk(base, 0, &mut there);
    let mut found: BTreeMap<String, ()> = BTreeMap::new();
    for (path, bytes) in there {
        if wanted.iter().any(|it| it.1 == bytes)
            && let Ok((_, sha256)) = File::open(&path).and_then(|file| digest_of(file, |_| {}))
        {
            found.insert(sha256, ());
        }
    }
    for (sha256, _, name) in wanted {
        if found.contains_key(&sha256) {
            report.heard += 1;
        } else {
            report.find(&shown(base), format!("no file in it is the signed {name} ({sha256})"));
        }
    }
}

fn walk(folder: &Path, depth: usize, found: &mut Vec<(PathBuf, u64)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.filter_map(Result::ok) {
        let Ok(about) = fs::symlink_metadata(entry.path()) else { continue };
        if about.is_dir() && depth < DEPTH_MAX {
            walk(&entry.path(), depth + 1, found);
        } else if about.is_file() && found.len() < FILES_MAX {
            found.push((entry.path(), about.len()));
        }
    }
}
