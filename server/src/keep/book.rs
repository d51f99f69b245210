//! The egress book in a backup, on its way back and under `verify`: copied page by page up to the last whole one, held against the copy that was there, never
//! put in its place where the two differ. Never here: what a page says (`egress`).

use std::{
    fs,
    io::{self, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;

use super::{Finding, make_private_dir};
use crate::egress::{self, BookError, Whole};

const FROM_BACKUP: &str = "keep the file as it is, find out who could write to it, and take the book of the last backup; see docs/RUNBOOK.md, the egress book is damaged";

pub fn path(root: &Path) -> PathBuf {
    root.join(egress::FOLDER).join(egress::NAME)
}

/// The book of a folder as `verify` tells it. Damage is a finding that names page and line.
pub fn look(root: &Path) -> anyhow::Result<(Option<Whole>, Vec<Finding>)> {
    match egress::whole(root) {
        Ok(None) => Ok((None, Vec::new())),
        Ok(Some(whole)) => {
            let findings = ends_badly(&whole);
            Ok((Some(whole), findings.into_iter().collect()))
        }
        Err(error @ BookError::Damaged { .. }) => {
            Ok((None, vec![Finding::new(error.to_string(), FROM_BACKUP)]))
        }
        Err(error) => Err(error).context("the egress book cannot be read"),
    }
}

/// A write that was cut short leaves pages that do not hold together, and so does a change of the newest ones.
fn ends_badly(whole: &Whole) -> Option<Finding> {
    (whole.torn_pages() > 0).then(|| {
        let what = format!(
            "page {} of the egress book (byte {}, line {} or its end) and what lies behind it do not hold together: {} bytes",
            whole.pages,
            whole.bytes(),
            whole.receptions + 1,
            whole.torn_bytes
        );
        let next = "after a crash the next start of the server cuts them off, and nothing was sent for them; after an orderly stop somebody changed them: take the book of the last backup";
        Finding::new(what, next)
    })
}

/// What became of a copy.
#[derive(Debug, Default)]
pub struct Copied {
    pub book: Option<Whole>,
    pub findings: Vec<Finding>,
}

/// From one studio folder or backup to another; the source may be written meanwhile. Nothing is replaced by a book that does not begin with it.
pub fn copy(from: &Path, to: &Path) -> anyhow::Result<Copied> {
    let (source, dest) = (path(from), path(to));
    let half = dest.with_extension("part");
    if !source.exists() {
        return Ok(Copied::default());
    }
    dest.parent().map_or(Ok(()), make_private_dir).context("making the folder of the egress book failed")?;
    copy_file(&source, &half).context("copying the egress book failed")?;
    let copied = match egress::book_in(&half) {
        Ok(Some(copied)) => copied,
        Ok(None) => return Ok(Copied::default()),
        Err(error @ BookError::Damaged { .. }) => {
            let findings = vec![Finding::new(format!("{error}; it was not copied"), FROM_BACKUP)];
            fs::remove_file(&half).context("removing the copy of a damaged egress book failed")?;
            return Ok(Copied { book: None, findings });
        }
        Err(error) => return Err(error).context("reading the copy of the egress book failed"),
    };
    if let Some(what) = differs(&dest, &half)? {
        fs::remove_file(&half).context("removing the copy of another egress book failed")?;
        let next =
            "keep both; if the book was moved away on purpose, move the copy away too and back up again";
        return Ok(Copied { book: None, findings: vec![Finding::new(what, next)] });
    }
    settle(&half, &dest, copied.bytes())
        .context("putting the copy of the egress book in its place failed")?;
    Ok(Copied { book: Some(Whole { torn_bytes: 0, ..copied }), findings: Vec::new() })
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let mut copy = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(to)?;
    let (mut source, mut buffer) = (fs::File::open(from)?, vec![0; 1 << 20]);
    loop {
        match source.read(&mut buffer)? {
            0 => return copy.sync_all(),
            read => copy.write_all(&buffer[..read])?,
        }
    }
}

/// Whether the book that is there already is not how the new one begins.
fn differs(there: &Path, new: &Path) -> anyhow::Result<Option<String>> {
    let old = match egress::book_in(there) {
        Ok(None) => return Ok(None),
        Ok(Some(old)) => old,
        Err(error @ BookError::Damaged { .. }) => {
            return Ok(Some(format!("the egress book that lies in {} already: {error}", there.display())));
        }
        Err(error) => return Err(error).context("reading the egress book of the earlier backup failed"),
    };
    let begins = egress::link_at(new, old.pages).context("reading the copy of the egress book failed")?;
    Ok((begins != Some(old.link)).then(|| {
        format!(
            "the egress book does not begin with the {} pages that the earlier backup of it has: it was changed, or is another one",
            old.pages
        )
    }))
}

fn settle(half: &Path, dest: &Path, bytes: u64) -> io::Result<()> {
    let file = fs::OpenOptions::new().write(true).open(half)?;
    file.set_len(bytes)?;
    file.sync_all()?;
    fs::rename(half, dest)?;
    match dest.parent() {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

/// Whether the book in a folder is not the one that the page of the backup tells of, nor has grown from it.
pub fn grew_from(root: &Path, (pages, link): (u32, &str)) -> anyhow::Result<Option<Finding>> {
    let found = egress::link_at(&path(root), pages).context("reading the egress book failed")?;
    Ok((found.map(hex::encode).as_deref() != Some(link)).then(|| {
        let what = format!("the egress book lost or changed pages: the backup was made with {pages} of them");
        Finding::new(what, "take another backup, and find out who could write to this one")
    }))
}
