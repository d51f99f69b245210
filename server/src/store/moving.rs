//! Facts on their way from one engine to another: what a command made as it is stored (salts, hashes, claims as hashes, desk rows), and the tally by which two
//! engines are held against each other. Bytes only. Never here: reading or writing an engine (`embedded::carry`, `postgres::moved`), and when a move is done
//! (`keep::migrate`).

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    CommandKey, DeskChange, MAX_ITEMS, STUDIO, StreamId,
    embedded::{MovedRecord, Roots},
};

type Hash = [u8; 32];

/// What asked for a record that carries claims and desk rows alone, from an engine that keeps them apart from its commands. No command asks this.
pub const REST: Hash = *b"deadwax moved: claims and desks\n";

/// One step of a source, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moving {
    Append(Carried),
    Redact { stream: StreamId, seq: u64 },
}

/// What one command appended, with all that stands beside its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    pub record: MovedRecord,
    /// As they are stored: hashes under the seed of the studio's claims.
    pub claims: Vec<Hash>,
    pub desk: Vec<DeskChange>,
}

impl Moving {
    /// About how much it holds in memory.
    pub fn bytes(&self) -> usize {
        let Self::Append(carried) = self else { return 64 };
        let entries = carried.record.entries.iter().map(|it| it.salted.as_ref().map_or(0, Bytes::len) + 64);
        let desk = carried.desk.iter().map(|it| it.key.len() + it.row.as_ref().map_or(0, Bytes::len) + 64);
        128 + entries.sum::<usize>() + desk.sum::<usize>() + carried.claims.len() * 32
    }
}

/// Records of claims and desk rows alone. `head`: of the studio's own stream, in which they stand.
pub fn rest(head: u64, claims: &[Hash], desk: &[DeskChange]) -> Vec<Moving> {
    let bare = |claims: &[Hash], desk: &[DeskChange]| {
        let command = CommandKey { id: Uuid::now_v7().as_u128(), request_sha256: REST };
        let record = MovedRecord { stream: STUDIO, first_seq: head + 1, command, entries: Vec::new() };
        Moving::Append(Carried { record, claims: claims.to_vec(), desk: desk.to_vec() })
    };
    // Rows have up to 12 KiB: fewer in one record than claims.
    let claims = claims.chunks(MAX_ITEMS).map(|some| bare(some, &[]));
    claims.chain(desk.chunks(MAX_ITEMS / 32).map(|some| bare(&[], some))).collect()
}

/// A sum that does not depend on the order in which things were met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    pub count: u64,
    lanes: [u64; 4],
}

impl Sum {
    fn add(&mut self, hash: &Hash) {
        self.count += 1;
        for (lane, bytes) in self.lanes.iter_mut().zip(hash.chunks_exact(8)) {
            let part = bytes.iter().fold(0_u64, |part, byte| part << 8 | u64::from(*byte));
            *lane = lane.wrapping_add(part);
        }
    }
}

/// All that a store holds, as far as two stores can be told apart by it.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Every entry at its place.
    pub roots: Roots,
    pub redacted: BTreeSet<(StreamId, u64)>,
    pub commands: Sum,
    pub claims: Sum,
    /// The hash of each row that stands on a desk.
    pub desk: BTreeMap<(u128, Bytes), Hash>,
}

impl Tally {
    pub fn command(&mut self, key: &CommandKey, stream: StreamId, (first_seq, last_seq): (u64, u64)) {
        if key.request_sha256 == REST {
            return;
        }
        let hash = Sha256::new()
            .chain_update(key.id.to_be_bytes())
            .chain_update(key.request_sha256)
            .chain_update(stream.0.to_be_bytes())
            .chain_update(first_seq.to_be_bytes())
            .chain_update(last_seq.to_be_bytes());
        self.commands.add(&hash.finalize().into());
    }

    pub fn claim(&mut self, claim: &Hash) {
        self.claims.add(claim);
    }

    pub fn desk(&mut self, owner: u128, key: &Bytes, row: Option<&[u8]>) {
        let key = (owner, key.clone());
        match row {
            Some(row) => self.desk.insert(key, Sha256::digest(row).into()),
            None => self.desk.remove(&key),
        };
    }

    pub fn head(&self, stream: StreamId) -> u64 {
        self.roots.of(stream).0
    }

    /// In what the other one is not the same, in words; `None`: in nothing.
    pub fn differs(&self, other: &Self) -> Option<String> {
        let (root, others) = (hex::encode(self.roots.root()), hex::encode(other.roots.root()));
        if root != others {
            return Some(format!("the root of the facts is {root} and {others}"));
        }
        if self.redacted != other.redacted {
            let (here, there) = (self.redacted.len(), other.redacted.len());
            return Some(format!("{here} entries are redacted and {there}, or others"));
        }
        let sums = [("commands", self.commands, other.commands), ("claims", self.claims, other.claims)];
        for (what, here, there) in sums {
            if here != there {
                return Some(format!("{} {what} stand and {}, or others", here.count, there.count));
            }
        }
        (self.desk != other.desk)
            .then(|| format!("{} rows stand on desks and {}, or others", self.desk.len(), other.desk.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally() -> Tally {
        let mut tally = Tally::default();
        tally.roots.take(StreamId(1), &[1; 32]);
        tally.command(&CommandKey { id: 1, request_sha256: [1; 32] }, StreamId(1), (1, 1));
        tally.command(&CommandKey { id: 2, request_sha256: [2; 32] }, StreamId(1), (2, 1));
        tally.claim(&[3; 32]);
        tally.desk(1, &Bytes::from_static(b"k"), Some(b"row"));
        tally
    }

    #[test]
    fn every_part_of_a_store_is_told_apart() {
        assert_eq!(tally().differs(&tally()), None);
        type Change = fn(&mut Tally);
        let changes: [(Change, &str); 6] = [
            (
                |it| {
                    it.roots.take(StreamId(2), &[2; 32]);
                },
                "root",
            ),
            (|it| it.redacted.extend([(StreamId(1), 1)]), "redacted"),
            (
                |it| it.command(&CommandKey { id: 3, request_sha256: [1; 32] }, StreamId(1), (2, 1)),
                "commands",
            ),
            (|it| it.claim(&[4; 32]), "claims"),
            (|it| it.desk(1, &Bytes::from_static(b"k"), Some(b"other")), "desks"),
            (|it| it.desk(1, &Bytes::from_static(b"k"), None), "desks"),
        ];
        for (change, word) in changes {
            let mut other = tally();
            change(&mut other);
            assert!(tally().differs(&other).is_some_and(|said| said.contains(word)), "{word}");
        }
    }

    #[test]
    fn order_does_not_count_and_what_carries_the_rest_is_no_command() {
        let (mut one, mut two) = (Tally::default(), Tally::default());
        let keys = [5, 6].map(|id| CommandKey { id, request_sha256: [7; 32] });
        keys.iter().for_each(|key| one.command(key, StreamId(1), (1, 1)));
        keys.iter().rev().for_each(|key| two.command(key, StreamId(1), (1, 1)));
        two.command(&CommandKey { id: 9, request_sha256: REST }, STUDIO, (1, 0));
        assert_eq!(one.differs(&two), None);
    }

    #[test]
    fn the_rest_fits_into_records() {
        let claims: Vec<Hash> = (0..5000_u32).map(|n| Sha256::digest(n.to_be_bytes()).into()).collect();
        let row = |n: u32| DeskChange {
            owner: n.into(),
            key: Bytes::from_static(b"k"),
            row: Some(Bytes::from_static(b"r")),
        };
        let desk: Vec<DeskChange> = (0..200).map(row).collect();
        let made = rest(7, &claims, &desk);
        let (mut seen, mut rows) = (Vec::new(), Vec::new());
        for moving in &made {
            let Moving::Append(carried) = moving else { panic!("{moving:?}") };
            assert!(carried.claims.len() <= MAX_ITEMS && carried.desk.len() <= MAX_ITEMS);
            assert_eq!((carried.record.first_seq, carried.record.command.request_sha256), (8, REST));
            seen.extend_from_slice(&carried.claims);
            rows.extend_from_slice(&carried.desk);
        }
        assert_eq!((seen, rows), (claims, desk));
    }
}
