//! What the index knows, as typed rows over `Rows`: heads, places of entries, claims, commands, desks, and up to which record it has
//! come. Everything in it is made from journal records by `apply` and nothing else, so it can always be made again.

use std::io;

use bytes::{Buf, BufMut, Bytes};

use super::{
    front::Front,
    journal::{Cursor, Found, Position},
    record::{Hash, PayloadMark, What},
    rows::{Change, Row, Rows},
};
use crate::{
    disk::Latch,
    store::{Appended, StreamId},
};

const HEAD: u8 = b'h';
const PLACE: u8 = b'p';
const CLAIM: u8 = b'c';
const COMMAND: u8 = b'k';
const DESK: u8 = b'd';
/// Redactions whose bytes may not have been overwritten yet.
const ERASE: u8 = b'e';
const APPLIED: &[u8] = b"applied";

pub(super) struct Index {
    rows: Box<dyn Rows>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Applied {
    pub journal: Hash,
    /// Where the last record taken in begins.
    pub last: Position,
    pub cursor: Cursor,
}

/// Where an entry lies.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub at: Position,
    pub mark: PayloadMark,
    pub redacted: bool,
}

impl Index {
    pub(super) fn new(rows: Box<dyn Rows>) -> Self {
        Self { rows }
    }

    /// From now on its rows reach the disk a moment later.
    pub(super) fn behind_front(self, latch: &Latch) -> io::Result<Self> {
        Ok(Self { rows: Box::new(Front::before(self.rows, APPLIED, latch.clone())?) })
    }

    /// Which journal it was made from and how far; `None` for an empty one.
    pub(super) fn applied(&self) -> io::Result<Option<Applied>> {
        self.rows.get(APPLIED)?.map(|row| parse_applied(&row).ok_or_else(broken)).transpose()
    }

    /// Takes records in, in order, whole or not at all.
    pub(super) fn apply<'a>(
        &self,
        journal: Hash,
        records: impl Iterator<Item = &'a Found>,
    ) -> io::Result<()> {
        let mut changes = Vec::new();
        let mut applied = None;
        for record in records {
            match &record.head.what {
                What::Append { .. } => append_changes(record, &mut changes),
                What::Redact { stream, seq } => {
                    // The append may be in the same batch, so what this batch puts counts before what is stored.
                    let key = place_key(*stream, *seq);
                    let put = changes
                        .iter()
                        .rev()
                        .find(|(known, _)| *known == key)
                        .and_then(|(_, row)| row.clone());
                    let stored = if put.is_some() { put } else { self.rows.get(&key)? };
                    if let Some(mut row) = stored {
                        row[0] = 1;
                        changes.push((key.clone(), Some(row)));
                        changes.push(([&[ERASE], &key[1..]].concat(), Some(Vec::new())));
                    }
                }
            }
            applied = Some(Applied { journal, last: record.at, cursor: record.next });
        }
        if let Some(applied) = applied {
            changes.push((APPLIED.to_vec(), Some(applied_row(&applied))));
            self.rows.apply(changes)?;
        }
        Ok(())
    }

    pub(super) fn heads(&self) -> io::Result<Vec<(StreamId, u64)>> {
        let rows = self.rows.range(&[HEAD], &[HEAD], usize::MAX)?;
        rows.iter().map(|(key, row)| Ok((StreamId(get_u128(&key[1..])?), get_u64(row)?))).collect()
    }

    /// Places of entries with `seq > after`.
    pub(super) fn places(&self, stream: StreamId, after: u64, limit: usize) -> io::Result<Vec<(u64, Place)>> {
        let Some(first) = after.checked_add(1) else { return Ok(Vec::new()) };
        let (from, prefix) = (place_key(stream, first), stream_prefix(stream));
        let rows = self.rows.range(&from, &prefix, limit)?;
        rows.iter().map(|(key, row)| Ok((get_u64_be(&key[17..])?, parse_place(row)?))).collect()
    }

    pub(super) fn place(&self, stream: StreamId, seq: u64) -> io::Result<Option<Place>> {
        self.rows.get(&place_key(stream, seq))?.map(|row| parse_place(&row)).transpose()
    }

    pub(super) fn is_claimed(&self, claim: &Hash) -> io::Result<bool> {
        Ok(self.rows.get(&claim_key(claim))?.is_some())
    }

    pub(super) fn command(&self, id: u128) -> io::Result<Option<(Appended, Hash)>> {
        let Some(row) = self.rows.get(&command_key(id))? else { return Ok(None) };
        let mut row = &row[..];
        let parsed = (|| {
            let stream = StreamId(row.try_get_u128_le().ok()?);
            let (first_seq, last_seq) = (row.try_get_u64_le().ok()?, row.try_get_u64_le().ok()?);
            let request = row.try_into().ok()?;
            Some((Appended { stream, first_seq, last_seq, repeated: false }, request))
        })();
        parsed.map(Some).ok_or_else(broken)
    }

    pub(super) fn desk(&self, owner: u128) -> io::Result<Vec<(Bytes, Bytes)>> {
        let prefix = desk_key(owner, &[]);
        let rows = self.rows.range(&prefix, &prefix, usize::MAX)?;
        Ok(rows.into_iter().map(|(key, row)| (Bytes::from(key).slice(17..), Bytes::from(row))).collect())
    }

    /// Redactions whose bytes are still to be overwritten.
    pub(super) fn to_erase(&self) -> io::Result<Vec<(StreamId, u64)>> {
        let rows: Vec<Row> = self.rows.range(&[ERASE], &[ERASE], usize::MAX)?;
        rows.iter().map(|(key, _)| Ok((StreamId(get_u128(&key[1..17])?), get_u64_be(&key[17..])?))).collect()
    }

    pub(super) fn erased(&self, stream: StreamId, seq: u64) -> io::Result<()> {
        let key = place_key(stream, seq);
        self.rows.apply(vec![([&[ERASE], &key[1..]].concat(), None)])
    }
}

fn append_changes(record: &Found, changes: &mut Vec<Change>) {
    let What::Append { stream, first_seq, command, payloads, claims, desk } = &record.head.what else {
        return;
    };
    let last_seq = first_seq + payloads.len() as u64 - 1;
    for ((seq, mark), at) in (*first_seq..).zip(payloads).zip(&record.payloads) {
        let mut row = Vec::with_capacity(49);
        row.put_u8(0);
        row.put_u32_le(at.segment);
        row.put_u64_le(at.offset);
        row.put_u32_le(mark.bytes);
        row.put_slice(&mark.sha256);
        changes.push((place_key(*stream, seq), Some(row)));
    }
    if !payloads.is_empty() {
        changes.push((head_key(*stream), Some(last_seq.to_le_bytes().to_vec())));
    }
    let mut row = Vec::with_capacity(64);
    row.put_u128_le(stream.0);
    row.put_u64_le(*first_seq);
    row.put_u64_le(last_seq);
    row.put_slice(&command.request_sha256);
    changes.push((command_key(command.id), Some(row)));
    changes.extend(claims.iter().map(|claim| (claim_key(claim), Some(Vec::new()))));
    let desk = desk
        .iter()
        .map(|change| (desk_key(change.owner, &change.key), change.row.as_ref().map(|r| r.to_vec())));
    changes.extend(desk);
}

fn parse_place(mut row: &[u8]) -> io::Result<Place> {
    let parsed = (|| {
        let redacted = row.try_get_u8().ok()? == 1;
        let at = Position { segment: row.try_get_u32_le().ok()?, offset: row.try_get_u64_le().ok()? };
        let mark = PayloadMark { bytes: row.try_get_u32_le().ok()?, sha256: row.try_into().ok()? };
        Some(Place { at, mark, redacted })
    })();
    parsed.ok_or_else(broken)
}

fn applied_row(applied: &Applied) -> Vec<u8> {
    let Applied { journal, last, cursor } = applied;
    let mut row = Vec::with_capacity(96);
    row.put_slice(journal);
    row.put_u32_le(last.segment);
    row.put_u64_le(last.offset);
    row.put_u32_le(cursor.at.segment);
    row.put_u64_le(cursor.at.offset);
    row.put_u64_le(cursor.index);
    row.put_slice(&cursor.previous);
    row
}

fn parse_applied(mut row: &[u8]) -> Option<Applied> {
    let mut journal = [0; 32];
    row.try_copy_to_slice(&mut journal).ok()?;
    let last = Position { segment: row.try_get_u32_le().ok()?, offset: row.try_get_u64_le().ok()? };
    let at = Position { segment: row.try_get_u32_le().ok()?, offset: row.try_get_u64_le().ok()? };
    let index = row.try_get_u64_le().ok()?;
    Some(Applied { journal, last, cursor: Cursor { at, index, previous: row.try_into().ok()? } })
}

// Numbers in keys are big-endian, so that keys sort as numbers do.

fn head_key(stream: StreamId) -> Vec<u8> {
    [&[HEAD][..], &stream.0.to_be_bytes()].concat()
}

fn stream_prefix(stream: StreamId) -> Vec<u8> {
    [&[PLACE][..], &stream.0.to_be_bytes()].concat()
}

fn place_key(stream: StreamId, seq: u64) -> Vec<u8> {
    [&[PLACE][..], &stream.0.to_be_bytes(), &seq.to_be_bytes()].concat()
}

fn claim_key(claim: &Hash) -> Vec<u8> {
    [&[CLAIM][..], claim].concat()
}

fn command_key(id: u128) -> Vec<u8> {
    [&[COMMAND][..], &id.to_be_bytes()].concat()
}

fn desk_key(owner: u128, key: &[u8]) -> Vec<u8> {
    [&[DESK][..], &owner.to_be_bytes(), key].concat()
}

fn broken() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a row of the index is malformed; run rebuild-index")
}

fn get_u64(row: &[u8]) -> io::Result<u64> {
    row.try_into().map(u64::from_le_bytes).map_err(|_| broken())
}

fn get_u64_be(row: &[u8]) -> io::Result<u64> {
    row.try_into().map(u64::from_be_bytes).map_err(|_| broken())
}

fn get_u128(row: &[u8]) -> io::Result<u128> {
    row.try_into().map(u128::from_be_bytes).map_err(|_| broken())
}
