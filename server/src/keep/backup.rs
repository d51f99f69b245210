//! `deadwax-server backup`: journal, audio, egress book, settings and keys to another folder while the server runs, and a page that says what they were, so that a copy
//! which lost its end is told from a whole one. Audio that is there already is not copied again: it never changes. Never here: the way back (`restore`).

use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, ensure};
use deadwax_domain::Digest;
use serde::{Deserialize, Serialize};

use super::{Finding, audio_in, book, elsewhere::Elsewhere, make_private_dir, verify::Names, write_whole};
use crate::{
    config, evidence, notify,
    store::embedded::{self, BackupReport, VerifyReport},
    tls,
};

pub const PAGE: &str = "backup.json";
/// The newest form of the page that this server reads.
const FORMAT: u32 = 1;

/// What a backup says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    pub format: u32,
    pub records: u64,
    pub entries: u64,
    /// The hash over the chains of all streams, in hexadecimal digits.
    pub root: String,
    pub made_ms: u64,
    /// Files that facts name.
    pub named: u64,
    /// Of the egress book; 0 and empty where there was none, or the server that made the backup did not take it along.
    #[serde(default)]
    pub book_pages: u32,
    #[serde(default)]
    pub book_link: String,
}

#[derive(Debug)]
pub struct Backup {
    pub copied: BackupReport,
    pub page: Page,
    /// Files that facts name and that lie in an object store alone.
    pub far: u64,
    /// How many times somebody was given bytes, as the copied egress book tells it.
    pub receptions: u64,
    /// What facts name and the copy lacks, and what is wrong with the egress book.
    pub missing: Vec<Finding>,
}

/// Everything that cannot be made again. Running it again brings an earlier backup up to date.
pub fn backup(dir: &Path, dest: &Path) -> anyhow::Result<Backup> {
    backup_beside(dir, dest, &Elsewhere::default())
}

/// As `backup`, of a studio whose audio lies elsewhere: that is named, and of the audio itself only those copies are taken that lie in the folder.
pub fn backup_beside(dir: &Path, dest: &Path, elsewhere: &Elsewhere) -> anyhow::Result<Backup> {
    let copied = embedded::backup(dir, dest).context("the backup was not finished")?;
    copy_papers(dir, dest)?;
    let book = book::copy(dir, dest)?;
    let (names, journal) = names_in(dest, None)?;
    // The earlier copy of the book stays where the new one is not taken.
    let pages = match &book.book {
        Some(whole) => Some(whole.clone()),
        None => book::look(dest)?.0,
    };
    let page = Page {
        format: FORMAT,
        records: journal.records,
        entries: journal.entries,
        root: hex::encode(journal.root),
        made_ms: now_ms(),
        named: names.files.len() as u64,
        book_pages: pages.as_ref().map_or(0, |book| book.pages),
        book_link: pages.as_ref().map(|book| hex::encode(book.link)).unwrap_or_default(),
    };
    let text = serde_json::to_vec_pretty(&page).context("writing the page of the backup failed")?;
    write_whole(&dest.join(PAGE), &text).with_context(|| format!("writing {PAGE} failed"))?;
    elsewhere.tell_in(dest)?;
    let mut missing = names.missing(dest, elsewhere);
    missing.extend(book.findings);
    let far = names.far(dest, elsewhere);
    Ok(Backup { copied, page, far, receptions: pages.map_or(0, |book| book.receptions), missing })
}

/// The page of a backup; `None` where the folder is none.
pub fn page(dir: &Path) -> anyhow::Result<Option<Page>> {
    let text = match fs::read(dir.join(PAGE)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("reading {PAGE} failed")),
    };
    let page: Page = serde_json::from_slice(&text)
        .with_context(|| format!("{PAGE} cannot be read; make the backup again"))?;
    ensure!(
        page.format <= FORMAT,
        "{PAGE} has format {}; this server reads up to {FORMAT}. Use a newer deadwax-server",
        page.format
    );
    Ok(Some(page))
}

/// Whether journal and egress book in a folder are those that its page tells of, or have grown from them.
pub fn differs(dir: &Path, journal: &VerifyReport) -> anyhow::Result<Option<Finding>> {
    let page = match page(dir) {
        Ok(Some(page)) => page,
        Ok(None) => return Ok(None),
        Err(error) => return Ok(Some(Finding::new(format!("{error:#}"), "make the backup again"))),
    };
    if page.book_pages > 0
        && let Some(changed) = book::grew_from(dir, (page.book_pages, &page.book_link))?
    {
        return Ok(Some(changed));
    }
    if journal.records >= page.records {
        let then = embedded::survey_copy(dir, Some(page.records), &mut |_| ())?;
        if hex::encode(then.root) == page.root {
            return Ok(None);
        }
    }
    let what = format!(
        "the journal has {} records and root {}; the backup was made of {} with root {}",
        journal.records,
        hex::encode(journal.root),
        page.records,
        page.root
    );
    Ok(Some(Finding::new(what, "take another backup: this one lost or changed facts after it was made")))
}

/// What the facts of a copy name, up to a record.
pub fn names_in(root: &Path, records: Option<u64>) -> anyhow::Result<(Names, VerifyReport)> {
    let audio = audio_in(root).context("listing the audio failed")?;
    let there: HashSet<Digest> = audio.into_iter().filter_map(|(digest, ..)| digest).collect();
    let mut names = Names::default();
    let journal = embedded::survey_copy(root, records, &mut |met| names.meet(&met, &there))
        .context("the copied journal does not verify")?;
    Ok((names, journal))
}

/// Settings, certificate and keys.
pub fn copy_papers(from: &Path, to: &Path) -> anyhow::Result<()> {
    let key = PathBuf::from(evidence::KEY_FOLDER).join(evidence::KEY_FILE);
    let names = [config::FILE, tls::CERTIFICATE_FILE, tls::KEY_FILE, notify::secret::KEY_FILE];
    for name in names.map(PathBuf::from).into_iter().chain([key]) {
        let (from, to) = (from.join(&name), to.join(&name));
        let bytes = match fs::read(&from) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| format!("reading {} failed", from.display())),
        };
        to.parent()
            .map_or(Ok(()), make_private_dir)
            .and_then(|()| write_whole(&to, &bytes))
            .with_context(|| format!("writing {} failed", to.display()))?;
    }
    Ok(())
}

pub(super) fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
