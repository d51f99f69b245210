//! What a studio is beside its facts and its audio: certificate, keys, profiles, the egress book, what was heard, what was told by mail and webhook, and the files that
//! settings name. Copied from folder to folder, each whole or not at all. Never here: settings themselves, which say where a studio is, and what lies in a database.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use sha2::{Digest as _, Sha256};

use crate::{
    config::{self, Config},
    egress, evidence,
    keep::{book, files_below, make_private_dir, write_whole},
    notify, tls,
};

const HEARD: &str = "heard";
/// In the folder of the target while it is filled.
const BROUGHT: &str = "move.brought";

/// What the folder of a target may not hold unless this move put it there.
pub fn must_be_new(dir: &Path, shares_blobs: bool) -> anyhow::Result<()> {
    let mut never = vec![
        "journal",
        "index",
        egress::FOLDER,
        evidence::KEY_FOLDER,
        HEARD,
        notify::kept::FOLDER,
        "uploads",
        "derived",
    ];
    if !shares_blobs {
        never.push("blobs");
    }
    for name in never {
        let path = dir.join(name);
        let full = match fs::read_dir(&path) {
            Ok(mut entries) => entries.next().is_some(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error).with_context(|| format!("looking at {} failed", path.display())),
        };
        ensure!(
            !full,
            "{} holds something already, and no move to here was begun: choose a new folder that has {} alone",
            path.display(),
            config::FILE
        );
    }
    Ok(())
}

/// Files that settings name, keys and profiles, as they were brought: by their names, each SHA-256 that was. What somebody else put into the target since is told apart by it.
pub struct Brought {
    to: PathBuf,
    files: BTreeMap<String, BTreeSet<String>>,
}

impl Brought {
    /// # Errors
    /// Where the list of an earlier call cannot be read.
    pub fn of(to: &Path) -> anyhow::Result<Self> {
        let list = to.join(BROUGHT);
        let files = match read(&list)? {
            None => BTreeMap::new(),
            // A list that was cut short is none: what differs is told then.
            Some(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
        };
        Ok(Self { to: to.to_owned(), files })
    }

    /// What changed at the source since it was brought is brought again. A file that lies in the target of somebody else's making and is another one is left, and
    /// told: clients know the certificate that was there.
    ///
    /// # Errors
    /// Where a file cannot be read or written.
    pub fn copy(mut self, from: &Path, settings: &Config) -> anyhow::Result<Vec<String>> {
        let mut told = Vec::new();
        for name in fixed_names(from, settings)? {
            let (source, dest) = (from.join(&name), self.to.join(&name));
            let Some(bytes) = read(&source)? else { continue };
            let there = read(&dest)?;
            let key = name.to_string_lossy().into_owned();
            let ours = |there: &Vec<u8>| self.files.get(&key).is_some_and(|sums| sums.contains(&sum(there)));
            match there {
                Some(there) if there == bytes => continue,
                Some(there) if !ours(&there) => {
                    told.push(format!(
                        "{} is another file than {}, and was left as it is",
                        dest.display(),
                        source.display()
                    ));
                    continue;
                }
                _ => {}
            }
            // Listed first: killed between the two, nothing of ours is taken for somebody else's.
            self.files.entry(key).or_default().insert(sum(&bytes));
            put(&self.to.join(BROUGHT), &serde_json::to_vec(&self.files)?)?;
            put(&dest, &bytes)?;
        }
        Ok(told)
    }

    /// The list is of no more use.
    pub fn forget(to: &Path) {
        // One that stays does no harm: it is read by a move to this folder alone.
        let _stays = fs::remove_file(to.join(BROUGHT));
    }
}

fn sum(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// What changes seldom while a server runs.
fn fixed_names(from: &Path, settings: &Config) -> anyhow::Result<Vec<PathBuf>> {
    let key = PathBuf::from(evidence::KEY_FOLDER).join(evidence::KEY_FILE);
    let mut names: Vec<PathBuf> =
        [tls::CERTIFICATE_FILE, tls::KEY_FILE, notify::secret::KEY_FILE].map(PathBuf::from).into();
    names.push(key);
    let certificate = &settings.certificate;
    let named = [&certificate.file, &certificate.key, &certificate.client_authority, &settings.render.recipe];
    let named = named.into_iter().chain([
        &settings.mail.password_file,
        &settings.mail.roots,
        &settings.webhooks.roots,
        &settings.store.ca,
        &settings.audio.ca,
    ]);
    names.extend(named.filter(|path| !path.as_os_str().is_empty() && path.is_relative()).cloned());
    for path in files_below(&from.join(config::PROFILES)).context("listing the profiles failed")? {
        names.push(path.strip_prefix(from).unwrap_or(&path).to_owned());
    }
    Ok(names)
}

/// What was heard: small files that a server writes anew.
pub fn copy_heard(from: &Path, to: &Path) -> anyhow::Result<()> {
    let files = files_below(&from.join(HEARD)).context("listing what was heard failed")?;
    for path in files {
        let name = path.strip_prefix(from).unwrap_or(&path);
        let Some(bytes) = read(&path)? else { continue };
        let dest = to.join(name);
        if read(&dest)?.as_ref() != Some(&bytes) {
            put(&dest, &bytes)?;
        }
    }
    Ok(())
}

/// What was told by mail and webhook, each book by its name, as its writer put it.
pub type Told = BTreeMap<String, Vec<u8>>;

/// What a server that tells alone keeps of it.
pub fn told_in(dir: &Path) -> anyhow::Result<Told> {
    let mut told = Told::new();
    for path in files_below(&dir.join(notify::kept::FOLDER)).context("listing what was told failed")? {
        // A server that was killed while it wrote left something under another name.
        let name = path.file_name().and_then(|name| name.to_str()).filter(|name| name.ends_with(".json"));
        if let (Some(name), Some(bytes)) = (name, read(&path)?) {
            told.insert(name.to_owned(), bytes);
        }
    }
    Ok(told)
}

pub fn put_told(dir: &Path, told: &Told) -> anyhow::Result<()> {
    for (name, bytes) in told {
        ensure!(Path::new(name).file_name() == Some(name.as_ref()), "{name:?} is no name of a file");
        let dest = dir.join(notify::kept::FOLDER).join(name);
        if read(&dest)?.as_ref() != Some(bytes) {
            put(&dest, bytes)?;
        }
    }
    Ok(())
}

/// The egress book, once no server writes it. One that is damaged is not carried on.
pub fn copy_book(from: &Path, to: &Path) -> anyhow::Result<()> {
    let copied = book::copy(from, to)?;
    if let Some(finding) = copied.findings.first() {
        bail!("{}; {}", finding.what, finding.next);
    }
    Ok(())
}

fn read(path: &Path) -> anyhow::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {} failed", path.display())),
    }
}

fn put(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    path.parent()
        .map_or(Ok(()), make_private_dir)
        .and_then(|()| write_whole(path, bytes))
        .with_context(|| format!("writing {} failed", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_at_the_source_is_brought_again_and_what_is_not_ours_is_left() {
        let root = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| root.path().join(name));
        for dir in [&from, &to] {
            fs::create_dir(dir).unwrap();
        }
        let settings = Config::default();
        let bring = || Brought::of(&to).unwrap().copy(&from, &settings).unwrap();
        let [here, there] = [&from, &to].map(|dir| dir.join(tls::CERTIFICATE_FILE));
        for certificate in ["first", "renewed", "renewed", "first"] {
            fs::write(&here, certificate).unwrap();
            assert_eq!(bring(), Vec::<String>::new());
            assert_eq!(fs::read_to_string(&there).unwrap(), certificate);
        }
        fs::write(&there, "of the operator").unwrap();
        fs::write(&here, "renewed again").unwrap();
        let told = bring();
        assert!(matches!(&told[..], [told] if told.contains("left as it is")), "{told:?}");
        assert_eq!(fs::read_to_string(&there).unwrap(), "of the operator");
        Brought::forget(&to);
        assert!(!to.join(BROUGHT).exists());
    }
}
