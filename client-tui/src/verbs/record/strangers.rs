//! What lies in the folders of a record and is none of its files: two records in one folder would go to a plant as one. They are named and nothing is fetched;
//! what an earlier manifest lists may be taken away for whoever says so. Never here: taking anything away.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use super::{
    files::{Asked, Listed, MANIFEST, is_plain, shown},
    manifest::Manifest,
};
use crate::{
    receipt::is_digest,
    scrub,
    verbs::{
        VerbError,
        place::{Standing, failed, standing},
    },
};

/// Far more than a manifest of 600 files has.
const MANIFEST_BYTES_MAX: u64 = 16 << 20;
/// A folder of a record that holds more than this is none.
const ENTRIES_MAX: usize = 20_000;
const DEPTH_MAX: usize = 8;
/// How many are named; the others are counted.
const NAMED_MAX: usize = 5;

/// Files of an earlier record that are to go, inside of `dir`; without `over` there are none of them.
///
/// # Errors
/// `FILE_EXISTS` names what belongs to no file of the record.
pub(super) fn look(dir: &Path, asked: &Asked, over: bool) -> Result<Vec<PathBuf>, VerbError> {
    let all = || asked.files.iter().chain(&asked.others);
    let known: BTreeSet<String> = all().map(|it| folded(&it.path())).collect();
    let tops: BTreeSet<&Path> = all().filter_map(|it| it.folder.iter().next().map(Path::new)).collect();
    let mut found = BTreeSet::new();
    for top in tops {
        walk(dir, top, 0, &mut found)?;
    }
    found.retain(|path| !known.contains(&folded(path)));
    // What stays out of this fetch is of this record or it is not there.
    for file in &asked.others {
        if is_of_another(dir, file)? {
            found.insert(file.path());
        }
    }
    let before = earlier(dir, &asked.fingerprint);
    let mut old = Vec::new();
    if let Some(before) = &before {
        for (path, sha256) in before {
            let stays = known.contains(&folded(path)) && !found.contains(path);
            if !stays && standing(&dir.join(path), sha256)? == Standing::Same {
                found.remove(path);
                old.push(path.clone());
            }
        }
        // A record that is not delivered has no manifest to put over the one that lies there.
        if asked.manifest.is_none() {
            old.push(MANIFEST.into());
        }
    }
    if over && found.is_empty() {
        return Ok(old);
    }
    let named: Vec<PathBuf> =
        if over { found.into_iter().collect() } else { found.into_iter().chain(old).collect() };
    match named.is_empty() {
        true => Ok(Vec::new()),
        false => Err(in_the_way(dir, &named, over)),
    }
}

fn in_the_way(dir: &Path, named: &[PathBuf], over: bool) -> VerbError {
    let names: Vec<String> = named.iter().take(NAMED_MAX).map(|it| shown(it)).collect();
    let more = match named.len().saturating_sub(NAMED_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let hint = if over {
        "Move them away or name another folder; only what an earlier manifest lists is taken away by --force."
    } else {
        "Name another folder or move them away; --force takes away what an earlier manifest there lists."
    };
    let text = format!(
        "In {} there is what does not belong to this record: {}{more}. Nothing was fetched.",
        shown(dir),
        names.join(", ")
    );
    VerbError::no("FILE_EXISTS", text, hint)
}

fn is_of_another(dir: &Path, file: &Listed) -> Result<bool, VerbError> {
    let path = dir.join(file.path());
    // Of another length: not worth reading.
    match fs::symlink_metadata(&path) {
        Err(_) => Ok(false),
        Ok(meta) if !meta.is_file() || meta.len() != file.bytes => Ok(true),
        Ok(_) => Ok(standing(&path, &file.sha256)? == Standing::Other),
    }
}

/// Files below a folder. A link is named and never followed; where the folder itself is one, whoever writes into it says so.
fn walk(dir: &Path, folder: &Path, depth: usize, found: &mut BTreeSet<PathBuf>) -> Result<(), VerbError> {
    let whole = dir.join(folder);
    if !fs::symlink_metadata(&whole).is_ok_and(|meta| meta.is_dir()) {
        return Ok(());
    }
    for entry in fs::read_dir(&whole).map_err(failed(&whole, "read"))? {
        let entry = entry.map_err(failed(&whole, "read"))?;
        let name = entry.file_name();
        let path = folder.join(&name);
        if is_left_by_a_desktop(&name.to_string_lossy()) {
            continue;
        }
        let is_folder = entry.file_type().map_err(failed(&whole, "read"))?.is_dir();
        if is_folder && depth < DEPTH_MAX {
            walk(dir, &path, depth + 1, found)?;
        } else {
            found.insert(path);
        }
        if found.len() > ENTRIES_MAX {
            return Err(in_the_way(dir, &found.iter().cloned().collect::<Vec<_>>(), false));
        }
    }
    Ok(())
}

/// What a file manager writes unasked, and the parts of a fetch that was cut. No file of a record begins with a dot.
fn is_left_by_a_desktop(name: &str) -> bool {
    name.starts_with('.') || ["thumbs.db", "desktop.ini"].contains(&name.to_lowercase().as_str())
}

/// One name in the ways in which file systems hand it back.
fn folded(path: &Path) -> String {
    let text = path.to_string_lossy();
    if text.chars().any(scrub::is_hostile) { text.into_owned() } else { scrub::line(&text) }
}

/// What the manifest of another record that lies there lists; `None`: there is none that can be read.
fn earlier(dir: &Path, fingerprint: &str) -> Option<BTreeMap<PathBuf, String>> {
    let path = dir.join(MANIFEST);
    if !fs::symlink_metadata(&path).ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    fs::File::open(&path).ok()?.take(MANIFEST_BYTES_MAX).read_to_string(&mut text).ok()?;
    let said: Manifest = serde_json::from_str(&text).ok()?;
    if said.record.fingerprint == fingerprint {
        return None;
    }
    let mut listed = BTreeMap::new();
    for it in said.files {
        let parts = it.folder.split('/').filter(|_| !it.folder.is_empty());
        if !parts.clone().chain([it.name.as_str()]).all(is_plain) || !is_digest(&it.sha256) {
            return None;
        }
        listed.insert(parts.collect::<PathBuf>().join(&it.name), it.sha256);
    }
    Some(listed)
}
