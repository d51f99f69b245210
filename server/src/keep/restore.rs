//! `deadwax-server restore`: a backup becomes a studio folder again, as it stood at its end, after a record or at a time. The dry run reads every byte of the
//! backup and writes nothing. Never here: taking the backup.

use std::path::Path;

use anyhow::{Context as _, ensure};
use deadwax_domain::Digest;
use deadwax_proto::ledger::v1::StudioFact;
use prost::Message as _;

use super::{
    Finding, audio_in,
    backup::{self, copy_papers, names_in},
    book,
    elsewhere::Elsewhere,
    hash_file,
};
use crate::{
    config,
    store::{
        STUDIO,
        embedded::{self, Met},
    },
    wire::ledger::{self, Read},
};

/// Up to where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    End,
    /// So many records from the beginning, as `verify` and `backup` count them.
    Records(u64),
    /// Everything until then, in ms since 1970.
    Time(i64),
}

impl std::str::FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(records) = text.parse() {
            return Ok(Self::Records(records));
        }
        match text.parse::<jiff::Timestamp>() {
            Ok(time) => Ok(Self::Time(time.as_millisecond())),
            Err(_) => Err("it must be a number of records, or a time such as 2026-11-21T18:00:00Z".into()),
        }
    }
}

#[derive(Debug)]
pub struct Restored {
    pub records: u64,
    pub entries: u64,
    /// The hash over the chains of all streams.
    pub root: [u8; 32],
    pub audio: u64,
    pub bytes: u64,
    /// Files that facts name and that the backup says to lie in an object store: not looked at.
    pub far: u64,
    pub damage: Vec<Finding>,
}

/// Reads every byte of `source`, writes nothing.
pub fn dry_run(source: &Path, at: At) -> anyhow::Result<Restored> {
    let (whole, mut damage) = looked_at(source)?;
    let records = records_at(source, at, whole)?;
    let (names, journal) = names_in(source, Some(records))?;
    let elsewhere = Elsewhere::told_in(source)?;
    damage.extend(names.missing(source, &elsewhere));
    let far = names.far(source, &elsewhere);
    damage.extend(book::look(source)?.1);
    let (mut audio, mut bytes) = (0, 0);
    for (digest, path, length) in audio_in(source).context("listing the audio failed")? {
        let Some(digest) = digest else { continue };
        let (found, _) = hash_file(&path).with_context(|| format!("reading {} failed", path.display()))?;
        (audio, bytes) = (audio + 1, bytes + length);
        if found != digest {
            damage.push(damaged(digest));
        }
    }
    Ok(Restored { records, entries: journal.entries, root: journal.root, audio, bytes, far, damage })
}

/// Makes `dest`, which must hold no studio yet, from `source`.
pub fn restore(source: &Path, dest: &Path, at: At) -> anyhow::Result<Restored> {
    ensure!(
        !dest.join(config::FILE).exists() && !dest.join("journal").exists(),
        "{} is a studio already; choose another folder",
        dest.display()
    );
    let (whole, mut damage) = looked_at(source)?;
    let records = records_at(source, at, whole)?;
    let copied = embedded::restore(source, dest, records).context("the restore was not finished")?;
    let hex = copied.damaged_blobs.iter().filter_map(|hex| hex::decode(hex).ok()?.try_into().ok());
    damage.extend(hex.map(|digest| damaged(Digest(digest))));
    copy_papers(source, dest)?;
    // Whole, whatever the record: what left then cannot be called back.
    damage.extend(book::copy(source, dest)?.findings);
    let (names, journal) = names_in(dest, None)?;
    let elsewhere = Elsewhere::told_in(source)?;
    damage.extend(names.missing(dest, &elsewhere));
    Ok(Restored {
        records,
        entries: journal.entries,
        root: journal.root,
        audio: copied.copied_blobs,
        bytes: copied.copied_bytes,
        far: names.far(dest, &elsewhere),
        damage,
    })
}

fn damaged(digest: Digest) -> Finding {
    let next = "take it from another backup; where the studio still has it, remove it here and back up again";
    Finding::new(format!("the bytes of {digest} in the backup do not match their name"), next)
}

/// How many records the backup has, and whether it is what its page says.
fn looked_at(source: &Path) -> anyhow::Result<(u64, Vec<Finding>)> {
    let journal = embedded::survey_copy(source, None, &mut |_| ())
        .context("the journal of the backup does not verify; take another backup")?;
    let differs = backup::differs(source, &journal)?;
    Ok((journal.records, differs.into_iter().collect()))
}

fn records_at(source: &Path, at: At, whole: u64) -> anyhow::Result<u64> {
    match at {
        At::End => Ok(whole),
        At::Records(records) => {
            ensure!(records <= whole, "the backup has {whole} records, not {records}; take a newer one");
            Ok(records)
        }
        At::Time(ms) => {
            let mut first_later = None;
            let mut look = |met: Met| {
                if first_later.is_none() && at_ms(&met).is_some_and(|at| at > ms) {
                    first_later = Some(met.record);
                }
            };
            embedded::survey_copy(source, None, &mut look).context("reading the times of facts failed")?;
            Ok(first_later.unwrap_or(whole))
        }
    }
}

/// When a fact came to be.
fn at_ms(met: &Met) -> Option<i64> {
    if met.stream == STUDIO {
        return Some(StudioFact::decode(met.payload.clone()?).ok()?.at_ms);
    }
    match ledger::decode(met.payload.as_ref()?).ok()? {
        Read::Event(event) => Some(event.at.0),
        Read::Newer { at, .. } => Some(at.0),
    }
}
