//! Offline checks of a studio folder's journal, under its lock: read everything, believe nothing, change nothing but the index.

use std::{
    collections::{HashMap, HashSet},
    fs, io,
    path::{Path, PathBuf},
};

use super::{
    Keep, OpenError, SledRows,
    journal::{Journal, Position, damaged},
    lock, open_index,
    record::What,
    rows::Distrust,
};
use crate::{disk::Drive, store::StreamId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    pub segments: u32,
    pub records: u64,
    pub entries: u64,
    pub streams: u64,
    pub redactions: u64,
    /// Redacted entries whose bytes still lie there; the next start of the server overwrites them.
    pub unfinished_redactions: u64,
    pub bytes: u64,
    /// Bytes after the last whole record, never acknowledged; the next start cuts them off.
    pub torn_bytes: u64,
    /// The hash at the end of the chain: equal in two journals means equal in every record.
    pub chain: [u8; 32],
}

/// Reads every record: checksum, chain, payload hashes, sequence numbers, command ids, redactions.
pub fn verify(root: &Path) -> Result<VerifyReport, OpenError> {
    let folder = existing(root)?;
    let _lock = lock(root)?;
    verify_journal(&Journal::open(Drive::real(), &folder)?)
}

pub(super) fn verify_journal(journal: &Journal) -> Result<VerifyReport, OpenError> {
    let mut heads: HashMap<StreamId, u64> = HashMap::new();
    let mut commands = HashSet::new();
    let mut redacted = HashMap::new();
    let (mut records, mut entries, mut redactions) = (0, 0, Vec::new());
    let nothing_known = Position { segment: 0, offset: 0 };
    let scan = journal.scan(journal.start(), nothing_known, &mut |_| Ok(()))?;
    // Only now is it known where the journal ends: a record in a torn tail is none.
    journal.scan(journal.start(), nothing_known, &mut |found| {
        if found.at >= scan.end.at {
            return Ok(());
        }
        records += 1;
        let wrong = |what| Err(damaged(found.at.segment, found.at.offset, Some(found.head.index), what));
        match &found.head.what {
            What::Append { stream, first_seq, command, payloads, .. } => {
                let head = heads.entry(*stream).or_default();
                if *first_seq != *head + 1 {
                    return wrong(format!("stream {:032x} goes from {head} to {first_seq}", stream.0));
                }
                *head += payloads.len() as u64;
                entries += payloads.len() as u64;
                if !commands.insert(command.id) {
                    return wrong(format!("command {:032x} was done twice", command.id));
                }
                for bad in &found.bad {
                    let place = (found.payloads[*bad], payloads[*bad]);
                    redacted.insert((*stream, first_seq + *bad as u64), place);
                }
            }
            What::Redact { stream, seq } => {
                if *seq == 0 || heads.get(stream).is_none_or(|head| seq > head) {
                    return wrong(format!(
                        "entry {seq} of stream {:032x} was redacted and never was",
                        stream.0
                    ));
                }
                redactions.push((*stream, *seq));
            }
        }
        Ok(())
    })?;
    let mut unfinished_redactions = 0;
    for entry in &redactions {
        let erased = match redacted.get(entry) {
            Some((at, mark)) => {
                journal.is_erased(*at, mark).map_err(OpenError::io("reading a redacted entry"))?
            }
            None => false,
        };
        unfinished_redactions += u64::from(!erased);
    }
    let segments = journal.segment_count();
    let lengths: Result<Vec<u64>, _> = (1..=segments).map(|segment| journal.len(segment)).collect();
    heads.retain(|_, head| *head > 0);
    Ok(VerifyReport {
        segments,
        records,
        entries,
        streams: heads.len() as u64,
        redactions: redactions.len() as u64,
        unfinished_redactions,
        bytes: lengths?.iter().sum(),
        torn_bytes: scan.torn_bytes,
        chain: scan.end.previous,
    })
}

/// Throws the index away and makes it again. Returns how many records it was made from.
pub fn rebuild_index(root: &Path) -> Result<u64, OpenError> {
    let folder = existing(root)?;
    let _lock = lock(root)?;
    let journal = Journal::open(Drive::real(), &folder)?;
    let index = root.join("index");
    drop(SledRows::fresh(&index, &Distrust::Unclean).map_err(OpenError::Index)?);
    let (_, cursor) = open_index(&journal, &Keep::Sled(index))?;
    Ok(cursor.index)
}

pub(super) fn existing(root: &Path) -> Result<PathBuf, OpenError> {
    let folder = root.join("journal");
    match fs::metadata(&folder) {
        Ok(found) if found.is_dir() => Ok(folder),
        Ok(_) => Err(OpenError::io("opening the journal folder")(io::ErrorKind::NotADirectory.into())),
        Err(error) => Err(OpenError::io(&format!("looking for {}", folder.display()))(error)),
    }
}
