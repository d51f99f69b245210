//! Going back: the journal of a copy is cut after a record. Redactions that came later are kept, written once more at the new end: what somebody wished to be
//! gone does not come back, and the bytes are gone anyway. Only for copies that no server holds. Never here: which record it shall be.

use std::{
    collections::HashMap,
    fs::{self, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

use super::{
    OpenError,
    journal::{Cursor, Journal, Position, segment_name},
    record::{Head, What},
};
use crate::{disk::Drive, store::StreamId};

/// Leaves the first `records` records; a torn tail goes in any case. Durable on return.
pub(super) fn cut(folder: &Path, records: u64) -> Result<(), OpenError> {
    let journal = Journal::open(Drive::real(), folder)?;
    let nothing_known = Position { segment: 0, offset: 0 };
    let scan = journal.scan(journal.start(), nothing_known, &mut |_| Ok(()))?;
    let mut end = scan.end;
    let (mut heads, mut later) = (HashMap::new(), Vec::new());
    journal.scan(journal.start(), nothing_known, &mut |found| {
        if found.at >= scan.end.at {
            return Ok(());
        }
        if found.head.index == records {
            end = Cursor { at: found.at, index: records, previous: found.head.previous };
        }
        match &found.head.what {
            What::Append { stream, payloads, .. } if found.head.index < records => {
                *heads.entry(*stream).or_insert(0) += payloads.len() as u64;
            }
            What::Redact { stream, seq } if found.head.index >= records => later.push((*stream, *seq)),
            _ => {}
        }
        Ok(())
    })?;
    later.retain(|(stream, seq)| heads.get(stream).is_some_and(|head| seq <= head));
    let frames = redactions(&journal.id, end, &later);
    shorten(folder, end.at, &frames).map_err(OpenError::io("cutting the copy of the journal"))
}

fn redactions(journal: &[u8; 32], end: Cursor, later: &[(StreamId, u64)]) -> Vec<u8> {
    let (mut frames, mut cursor) = (Vec::new(), end);
    for (stream, seq) in later {
        let what = What::Redact { stream: *stream, seq: *seq };
        let head =
            Head { index: cursor.index, previous: cursor.previous, durable_before: end.at.offset, what };
        let (frame, hash) = head.frame(journal, &[]);
        frames.extend_from_slice(&frame);
        cursor = Cursor { index: cursor.index + 1, previous: hash, ..cursor };
    }
    frames
}

fn shorten(folder: &Path, end: Position, frames: &[u8]) -> io::Result<()> {
    // From the back: a cut that is cut short leaves no gap.
    for entry in later_segments(folder, end.segment)?.iter().rev() {
        fs::remove_file(folder.join(entry))?;
    }
    let last = OpenOptions::new().write(true).open(folder.join(segment_name(end.segment)))?;
    last.set_len(end.offset)?;
    last.sync_all()?;
    last.write_all_at(frames, end.offset)?;
    last.sync_all()?;
    fs::File::open(folder)?.sync_all()
}

fn later_segments(folder: &Path, last: u32) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".journal") && name > segment_name(last) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
