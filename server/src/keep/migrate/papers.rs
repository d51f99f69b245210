//! What a studio is beside its facts and its audio: certificate, keys, profiles, the egress book, what was heard, what was told by mail and webhook, and the files that
//! settings name. Copied from folder to folder, each whole or not at all. Never here: settings themselves, which say where a studio is, and what lies in a database.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};

use crate::{
    config::{self, Config},
    egress, evidence,
    keep::{book, files_below, make_private_dir, write_whole},
    notify, tls,
};

const HEARD: &str = "heard";

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

/// What does not change while a server runs. A certificate that lies in the target already and is another one is left, and told: clients know the old one.
pub fn copy_fixed(from: &Path, to: &Path, settings: &Config) -> anyhow::Result<Vec<String>> {
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
    let mut told = Vec::new();
    for name in names {
        let (source, dest) = (from.join(&name), to.join(&name));
        let Some(bytes) = read(&source)? else { continue };
        match read(&dest)? {
            Some(there) if there == bytes => {}
            Some(_) => told.push(format!(
                "{} is another file than {}, and was left as it is",
                dest.display(),
                source.display()
            )),
            None => put(&dest, &bytes)?,
        }
    }
    Ok(told)
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
