//! One record of the journal as bytes, and back. The head (all but the payloads) carries the hash of each payload and of the record
//! before it; the chain runs over heads, so a payload can be erased and the chain still verifies.
//! The layout is for ever: a change needs a new `FORMAT` and a reader for the old one.
//!
//! ```text
//! magic u32 | crc32c u32 over the journal's id and all that follows up to the payloads | head length u32 | payload area length u32
//! | head | payload area
//! payload area: for each entry a salt of 16 bytes, then its bytes
//! ```

use bytes::{Buf, BufMut, Bytes};
use sha2::{Digest as _, Sha256};

use crate::{
    planted::planted,
    store::{CommandKey, DeskChange, StreamId},
};

pub(super) type Hash = [u8; 32];

pub(super) const MAGIC: u32 = u32::from_le_bytes(*b"DWXr");
pub(super) const PREFIX_BYTES: usize = 16;
pub(super) const SALT_BYTES: usize = 16;
/// Limits that `Append::check_sizes` keeps far inside; a larger number in a frame is damage, not a record.
const MAX_HEAD_BYTES: usize = 64 << 20;
const MAX_AREA_BYTES: usize = 16 << 20;

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Head {
    /// Counts records from 0 over all segments.
    pub index: u64,
    /// SHA-256 of the head before; of the journal's id for the first.
    pub previous: Hash,
    /// Everything in this segment before this offset was synced before this record was written. Tells a torn tail from damage.
    pub durable_before: u64,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum What {
    Append {
        stream: StreamId,
        first_seq: u64,
        command: CommandKey,
        payloads: Vec<PayloadMark>,
        claims: Vec<Hash>,
        desk: Vec<DeskChange>,
    },
    Redact {
        stream: StreamId,
        seq: u64,
    },
}

/// What stays of a payload for ever: its length and the hash over salt and bytes. The salt goes with the bytes, so that a short
/// erased text cannot be guessed from its hash.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PayloadMark {
    pub bytes: u32,
    pub sha256: Hash,
}

impl PayloadMark {
    pub(super) fn of(salt: &[u8], payload: &[u8]) -> Self {
        let hash = Sha256::new().chain_update(salt).chain_update(payload);
        Self { bytes: payload.len() as u32, sha256: hash.finalize().into() }
    }

    /// `salted`: the salt and the bytes as they lie in the payload area.
    pub(super) fn matches(&self, salted: &[u8]) -> bool {
        salted.len() == self.salted_bytes() && Hash::from(Sha256::digest(salted)) == self.sha256
    }

    pub(super) fn salted_bytes(&self) -> usize {
        SALT_BYTES + self.bytes as usize
    }
}

/// The fixed start of a frame, checked for plausible lengths only.
pub(super) struct Prefix {
    crc: u32,
    pub head_bytes: usize,
    pub area_bytes: usize,
}

impl Prefix {
    pub(super) fn parse(mut bytes: &[u8]) -> Option<Self> {
        if bytes.len() < PREFIX_BYTES || bytes.get_u32_le() != MAGIC {
            return None;
        }
        let crc = bytes.get_u32_le();
        let (head_bytes, area_bytes) = (bytes.get_u32_le() as usize, bytes.get_u32_le() as usize);
        (head_bytes <= MAX_HEAD_BYTES && area_bytes <= MAX_AREA_BYTES).then_some(Self {
            crc,
            head_bytes,
            area_bytes,
        })
    }

    pub(super) fn frame_bytes(&self) -> u64 {
        (PREFIX_BYTES + self.head_bytes + self.area_bytes) as u64
    }

    /// The head and its own hash (the next record's `previous`); `None` where a byte of it is wrong or it is of another journal.
    pub(super) fn head(&self, journal: &Hash, bytes: &[u8]) -> Option<(Head, Hash)> {
        let crc_fits = self.crc == crc(journal, bytes, self.area_bytes) || planted!("no-record-checksum");
        if bytes.len() != self.head_bytes || !crc_fits {
            return None;
        }
        let head = decode(bytes)?;
        let area: usize = head.payloads().iter().map(PayloadMark::salted_bytes).sum();
        (area == self.area_bytes).then(|| (head, Sha256::digest(bytes).into()))
    }
}

impl Head {
    pub(super) fn payloads(&self) -> &[PayloadMark] {
        match &self.what {
            What::Append { payloads, .. } => payloads,
            What::Redact { .. } => &[],
        }
    }

    /// The whole frame and this head's hash. `area` holds each salt and payload, as marked in the head.
    pub(super) fn frame(&self, journal: &Hash, area: &[u8]) -> (Vec<u8>, Hash) {
        let head = encode(self);
        let mut frame = Vec::with_capacity(PREFIX_BYTES + head.len() + area.len());
        frame.put_u32_le(MAGIC);
        frame.put_u32_le(crc(journal, &head, area.len()));
        frame.put_u32_le(head.len() as u32);
        frame.put_u32_le(area.len() as u32);
        frame.put_slice(&head);
        frame.put_slice(area);
        (frame, Sha256::digest(&head).into())
    }
}

/// The journal's id is random and never leaves the server, so nobody can send an entry whose bytes pass for a record when a torn tail is
/// searched.
fn crc(journal: &Hash, head: &[u8], area_bytes: usize) -> u32 {
    let crc = crc32c::crc32c(journal);
    let crc = crc32c::crc32c_append(crc, &(head.len() as u32).to_le_bytes());
    let crc = crc32c::crc32c_append(crc, &(area_bytes as u32).to_le_bytes());
    crc32c::crc32c_append(crc, head)
}

fn encode(head: &Head) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.put_u64_le(head.index);
    out.put_slice(&head.previous);
    out.put_u64_le(head.durable_before);
    match &head.what {
        What::Append { stream, first_seq, command, payloads, claims, desk } => {
            out.put_u8(1);
            out.put_u128_le(stream.0);
            out.put_u64_le(*first_seq);
            out.put_u128_le(command.id);
            out.put_slice(&command.request_sha256);
            out.put_u32_le(payloads.len() as u32);
            for mark in payloads {
                out.put_u32_le(mark.bytes);
                out.put_slice(&mark.sha256);
            }
            out.put_u32_le(claims.len() as u32);
            claims.iter().for_each(|claim| out.put_slice(claim));
            out.put_u32_le(desk.len() as u32);
            for change in desk {
                out.put_u128_le(change.owner);
                put_bytes(&mut out, &change.key);
                out.put_u8(change.row.is_some().into());
                change.row.iter().for_each(|row| put_bytes(&mut out, row));
            }
        }
        What::Redact { stream, seq } => {
            out.put_u8(2);
            out.put_u128_le(stream.0);
            out.put_u64_le(*seq);
        }
    }
    out
}

/// `None` where the bytes are no head of this format. The checksum was right, so only a newer writer or a bug comes here.
fn decode(bytes: &[u8]) -> Option<Head> {
    let mut bytes = Bytes::copy_from_slice(bytes);
    let index = bytes.try_get_u64_le().ok()?;
    let previous = get_hash(&mut bytes)?;
    let durable_before = bytes.try_get_u64_le().ok()?;
    let kind = bytes.try_get_u8().ok()?;
    let stream = StreamId(bytes.try_get_u128_le().ok()?);
    let what = match kind {
        1 => {
            let first_seq = bytes.try_get_u64_le().ok()?;
            let id = bytes.try_get_u128_le().ok()?;
            let command = CommandKey { id, request_sha256: get_hash(&mut bytes)? };
            let payloads = get_list(&mut bytes, |bytes| {
                Some(PayloadMark { bytes: bytes.try_get_u32_le().ok()?, sha256: get_hash(bytes)? })
            })?;
            let claims = get_list(&mut bytes, get_hash)?;
            let desk = get_list(&mut bytes, |bytes| {
                let owner = bytes.try_get_u128_le().ok()?;
                let key = get_bytes(bytes)?;
                let row = if bytes.try_get_u8().ok()? == 1 { Some(get_bytes(bytes)?) } else { None };
                Some(DeskChange { owner, key, row })
            })?;
            What::Append { stream, first_seq, command, payloads, claims, desk }
        }
        2 => What::Redact { stream, seq: bytes.try_get_u64_le().ok()? },
        _ => return None,
    };
    bytes.is_empty().then_some(Head { index, previous, durable_before, what })
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.put_u32_le(bytes.len() as u32);
    out.put_slice(bytes);
}

fn get_bytes(bytes: &mut Bytes) -> Option<Bytes> {
    let len = bytes.try_get_u32_le().ok()? as usize;
    (len <= bytes.len()).then(|| bytes.split_to(len))
}

fn get_hash(bytes: &mut Bytes) -> Option<Hash> {
    let mut hash = [0; 32];
    bytes.try_copy_to_slice(&mut hash).ok()?;
    Some(hash)
}

fn get_list<T>(bytes: &mut Bytes, item: impl Fn(&mut Bytes) -> Option<T>) -> Option<Vec<T>> {
    let count = bytes.try_get_u32_le().ok()? as usize;
    // Not reserved by `count`: it was read from the disk.
    let mut items = Vec::new();
    for _ in 0..count {
        items.push(item(bytes)?);
    }
    Some(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: Hash = [6; 32];

    fn sample() -> (Head, Vec<u8>) {
        let area = [&[7u8; 16][..], b"one", &[8; 16], b""].concat();
        let payloads = vec![PayloadMark::of(&[7; 16], b"one"), PayloadMark::of(&[8; 16], b"")];
        let row = |row: &'static [u8]| DeskChange {
            owner: 4,
            key: Bytes::from_static(b"k"),
            row: Some(row.into()),
        };
        let desk = vec![row(b"row"), DeskChange { row: None, ..row(b"") }];
        let command = CommandKey { id: 3, request_sha256: [3; 32] };
        let (stream, claims) = (StreamId(9), vec![[5; 32]]);
        let what = What::Append { stream, first_seq: 5, command, payloads, claims, desk };
        (Head { index: 2, previous: [1; 32], durable_before: 77, what }, area)
    }

    #[test]
    fn a_record_comes_back_as_it_went() {
        let (append, area) = sample();
        let redact = Head { what: What::Redact { stream: StreamId(1), seq: 2 }, ..append.clone() };
        for (head, area) in [(append, &area[..]), (redact, &[])] {
            let (frame, hash) = head.frame(&ID, area);
            let prefix = Prefix::parse(&frame).unwrap();
            assert_eq!(prefix.frame_bytes(), frame.len() as u64);
            let parsed = prefix.head(&ID, &frame[PREFIX_BYTES..PREFIX_BYTES + prefix.head_bytes]).unwrap();
            assert_eq!(parsed, (head, hash));
            assert_eq!(prefix.head(&[7; 32], &frame[PREFIX_BYTES..PREFIX_BYTES + prefix.head_bytes]), None);
        }
    }

    #[test]
    fn every_flipped_bit_of_the_head_is_noticed() {
        let (head, area) = sample();
        let (frame, _) = head.frame(&ID, &area);
        for bit in 0..(frame.len() - area.len()) * 8 {
            let mut bad = frame.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            let found = Prefix::parse(&bad).and_then(|prefix| {
                prefix.head(&ID, bad.get(PREFIX_BYTES..PREFIX_BYTES + prefix.head_bytes)?)
            });
            assert_eq!(found, None, "bit {bit}");
        }
    }
}
