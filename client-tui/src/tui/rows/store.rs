//! The rows of one project as packed bytes in segments: no allocation of its own for a row, and no second copy of its key. Rows are
//! unpacked when somebody asks for them and stay unpacked until there are many. Never here: orders, lists, questions of screens.

use std::{
    cell::RefCell,
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
};

use deadwax_proto::v1::{VersionFile, row::Row as Of};
use hashbrown::HashTable;

use super::{
    frozen::Frozen,
    index::Place,
    pack::{self, Brief, Kind, Words},
    unpacked::Unpacked,
};

/// Small enough that moving what still counts out of one costs nothing that a person could notice; a little less than whole pages, so that what an allocator
/// writes beside it does not begin one more.
const SEGMENT_BYTES: usize = (256 << 10) - 64;
/// So many rows may stay unpacked: some screens full. One takes kilobytes, most of it answers to "may I?".
const UNPACKED_MAX: usize = 256;
/// Of a slot that holds no row.
const NOWHERE: u32 = u32::MAX;

#[derive(Clone, Debug, Default)]
pub(super) struct Store {
    segments: Vec<Segment>,
    empty: Vec<u32>,
    open: Option<u32>,
    slots: Vec<Slot>,
    free: Vec<u32>,
    keys: HashTable<u32>,
    hasher: RandomState,
    words: Words,
    unpacked: Unpacked,
    sieve: RefCell<Sieve>,
    /// By slot: of a snapshot that is being replaced, and not heard of since. Empty at all other times.
    old: Vec<bool>,
    scratch: Vec<u8>,
}

/// What was answered to one question by the rows that were asked, as long as they stay as they are.
#[derive(Clone, Debug, Default)]
struct Sieve {
    question: String,
    answers: Vec<Option<bool>>,
}

/// Shared with whoever writes it to disk at this moment; then changing it copies it first.
#[derive(Clone, Debug, Default)]
struct Segment {
    bytes: Arc<Vec<u8>>,
    dead: usize,
}

/// A hundred thousand rows have one. How long the record is stands in its head.
#[derive(Clone, Debug)]
struct Slot {
    /// `NOWHERE` where the slot holds no row.
    segment: u32,
    start: u32,
    place: Place,
}

#[cfg(test)]
pub(super) const SLOT_BYTES: usize = size_of::<Slot>();

impl Slot {
    fn is_held(&self) -> bool {
        self.segment != NOWHERE
    }
}

/// A row as it lies in a segment: the number of its slot, its kind, the lengths of its key and of its body, then both.
pub(super) struct Record<'a> {
    slot: u32,
    pub(super) kind: u8,
    pub(super) key: &'a [u8],
    pub(super) body: &'a [u8],
    /// With its head.
    len: usize,
}

impl<'a> Record<'a> {
    /// The one that begins here. `None` where none does: this store wrote every byte, so that is the end.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Record<'a>> {
        let (slot, rest) = bytes.split_first_chunk()?;
        let (kind, rest) = rest.split_first()?;
        let mut rest = rest;
        let (key_len, body_len) = (pack::take_len(&mut rest)?, pack::take_len(&mut rest)?);
        let (key, rest) = rest.split_at_checked(key_len)?;
        let (body, rest) = rest.split_at_checked(body_len)?;
        let len = bytes.len() - rest.len();
        Some(Record { slot: u32::from_le_bytes(*slot), kind: *kind, key, body, len })
    }

    fn put_head(slot: u32, kind: u8, key: &[u8], body: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&slot.to_le_bytes());
        out.push(kind);
        pack::put_len(key.len(), out);
        pack::put_len(body.len(), out);
    }
}

/// What became of a row that was put.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Put {
    New(u32),
    /// With the place that it had before.
    Changed(u32, Place),
    Same,
}

impl Store {
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(super) fn find(&self, key: &str) -> Option<u32> {
        let key = pack::pack_key(key);
        self.keys.find(self.hasher.hash_one(key.as_slice()), |&slot| self.key_bytes(slot) == key).copied()
    }

    pub(super) fn place(&self, slot: u32) -> Place {
        self.slots[slot as usize].place
    }

    /// There is a row with this number.
    pub(super) fn holds(&self, slot: u32) -> bool {
        self.slots.get(slot as usize).is_some_and(Slot::is_held)
    }

    /// Of a song, without unpacking it.
    pub(super) fn title(&self, slot: u32) -> String {
        pack::brief(self.body(slot), self.key_bytes(slot), &self.words).title.into_owned()
    }

    pub(super) fn key(&self, slot: u32) -> String {
        pack::unpack_key(self.key_bytes(slot)).expect("it was packed by pack_key")
    }

    /// Unpacked now if it was not. A row that cannot be unpacked would be one that this store did not pack.
    pub(super) fn row(&self, slot: u32) -> &Of {
        self.unpacked.get(slot, || {
            let key = self.key(slot);
            let row = pack::unpack(self.place(slot).kind, self.body(slot), pack::id_of(&key), &self.words);
            Box::new(row.expect("it was packed by pack, with these words"))
        })
    }

    /// The judge's answer about a song, asked of it once while it and the question stay the same.
    pub(super) fn keeps(&self, slot: u32, question: &str, judge: impl FnOnce(&Brief<'_>) -> bool) -> bool {
        let sieve = &mut *self.sieve.borrow_mut();
        if sieve.question != question {
            question.clone_into(&mut sieve.question);
            sieve.answers.clear();
        }
        if sieve.answers.len() < self.slots.len() {
            sieve.answers.resize(self.slots.len(), None);
        }
        *sieve.answers[slot as usize]
            .get_or_insert_with(|| judge(&pack::brief(self.body(slot), self.key_bytes(slot), &self.words)))
    }

    /// What a song hands to the record, without unpacking it: the ids of its candidate and of what was handed to mastering.
    pub(super) fn on_record(&self, slot: u32) -> [Option<String>; 2] {
        pack::on_record(self.body(slot), self.key_bytes(slot), &self.words)
    }

    /// The first file of a version, without unpacking the rest of it.
    pub(super) fn main_file(&self, slot: u32) -> Option<VersionFile> {
        pack::main_file(self.body(slot))
    }

    /// Lets go of what was unpacked for the screens before, once it is much.
    pub(super) fn rest(&mut self) {
        if self.unpacked.count() > UNPACKED_MAX {
            self.unpacked.clear();
        }
    }

    /// Takes the row in, unless it is there with this very content.
    pub(super) fn put(&mut self, key: &str, row: &Of, place: Place) -> Put {
        let mut packed = std::mem::take(&mut self.scratch);
        packed.clear();
        pack::pack(row, pack::id_of(key), &mut self.words, &mut packed);
        let packed_key = pack::pack_key(key);
        let done = match self.find(key) {
            Some(slot) if self.body(slot) == packed && self.place(slot) == place => {
                pack::release(&packed, &mut self.words);
                self.not_old(slot);
                Put::Same
            }
            Some(slot) => {
                let before = self.place(slot);
                self.bury(slot);
                self.write(slot, &packed_key, &packed, place);
                Put::Changed(slot, before)
            }
            None => {
                let slot = self.vacant();
                self.write(slot, &packed_key, &packed, place);
                let hash = self.hasher.hash_one(packed_key.as_slice());
                self.enter(hash, slot);
                Put::New(slot)
            }
        };
        self.scratch = packed;
        done
    }

    /// The slot is free from now on.
    pub(super) fn remove(&mut self, slot: u32) {
        let hash = self.hasher.hash_one(self.key_bytes(slot));
        if let Ok(found) = self.keys.find_entry(hash, |&other| other == slot) {
            found.remove();
        }
        self.bury(slot);
        self.free.push(slot);
    }

    /// From now on every row is old until it is put again, or until somebody asks which still are.
    pub(super) fn age_all(&mut self) {
        self.old = vec![true; self.slots.len()];
    }

    pub(super) fn take_old_ones(&mut self) -> Vec<u32> {
        let old = std::mem::take(&mut self.old);
        let is_old = |slot: &u32| old.get(*slot as usize) == Some(&true) && !self.place(*slot).ours;
        self.all().filter(is_old).collect()
    }

    fn not_old(&mut self, slot: u32) {
        if let Some(old) = self.old.get_mut(slot as usize) {
            *old = false;
        }
    }

    /// Every slot that holds a row.
    pub(super) fn all(&self) -> impl Iterator<Item = u32> {
        (0..).zip(&self.slots).filter(|(_, slot)| slot.is_held()).map(|(at, _)| at)
    }

    fn vacant(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            let place = Place::default();
            self.slots.push(Slot { segment: NOWHERE, start: 0, place });
            self.unpacked.reach(self.slots.len());
            u32::try_from(self.slots.len() - 1).expect("a project has fewer than 2^32 rows")
        })
    }

    fn key_bytes(&self, slot: u32) -> &[u8] {
        key_in(&self.segments, &self.slots[slot as usize])
    }

    fn body(&self, slot: u32) -> &[u8] {
        record_in(&self.segments, &self.slots[slot as usize]).body
    }

    fn write(&mut self, slot: u32, key: &[u8], body: &[u8], place: Place) {
        let mut head = Vec::with_capacity(16);
        Record::put_head(slot, place.kind as u8, key, body, &mut head);
        if let Some(answer) = self.sieve.get_mut().answers.get_mut(slot as usize) {
            *answer = None;
        }
        self.not_old(slot);
        let (segment, start) = self.append(&[&head, key, body]);
        self.slots[slot as usize] = Slot { segment, start, place };
    }

    fn append(&mut self, parts: &[&[u8]]) -> (u32, u32) {
        let len: usize = parts.iter().map(|it| it.len()).sum();
        let fits = |at: &u32| self.segments[*at as usize].bytes.len() + len <= SEGMENT_BYTES;
        let at = self.open.filter(fits).unwrap_or_else(|| self.open_segment(len));
        let bytes = Arc::make_mut(&mut self.segments[at as usize].bytes);
        let start = bytes.len();
        parts.iter().for_each(|part| bytes.extend_from_slice(part));
        (at, u32::try_from(start).expect("a segment is smaller than 4 GiB"))
    }

    fn open_segment(&mut self, len: usize) -> u32 {
        let bytes = Arc::new(Vec::with_capacity(len.max(SEGMENT_BYTES)));
        let segment = Segment { bytes, dead: 0 };
        let at = match self.empty.pop() {
            Some(at) => {
                self.segments[at as usize] = segment;
                at
            }
            None => {
                self.segments.push(segment);
                u32::try_from(self.segments.len() - 1).expect("fewer segments than rows")
            }
        };
        self.open = Some(at);
        at
    }

    /// The bytes of this slot count no more. A segment of which a third is dead gives what lives to the open one, and goes.
    fn bury(&mut self, slot: u32) {
        let Slot { segment: at, .. } = self.slots[slot as usize];
        let record = record_in(&self.segments, &self.slots[slot as usize]);
        pack::release(record.body, &mut self.words);
        let len = record.len;
        self.unpacked.take(slot);
        self.slots[slot as usize].segment = NOWHERE;
        let segment = &mut self.segments[at as usize];
        segment.dead += len;
        if segment.dead * 3 < segment.bytes.len() {
            return;
        }
        let all = segment.dead >= segment.bytes.len();
        if self.open == Some(at) && !all {
            return;
        }
        let bytes = std::mem::take(segment).bytes;
        if self.open == Some(at) {
            self.open = None;
        }
        let mut start = 0;
        while let Some(record) = bytes.get(start..).and_then(Record::read) {
            let owner = record.slot as usize;
            let slot = &self.slots[owner];
            if slot.segment == at && slot.start as usize == start {
                let (segment, start) = self.append(&[&bytes[start..start + record.len]]);
                (self.slots[owner].segment, self.slots[owner].start) = (segment, start);
            }
            start += record.len;
        }
        self.empty.push(at);
    }

    /// Without the rows that this client made up; the seq is the caller's.
    pub(super) fn freeze(&self) -> Frozen {
        let told = self.slots.iter().filter(|slot| slot.is_held() && !slot.place.ours);
        Frozen {
            seq: 0,
            words: self.words.list(),
            segments: self.segments.iter().map(|it| Arc::clone(&it.bytes)).collect(),
            rows: told.map(|slot| (slot.segment, slot.start)).collect(),
        }
    }

    pub(super) fn with_words(words: Vec<Option<Arc<[u8]>>>) -> Store {
        Store { words: Words::from_list(words), ..Store::default() }
    }

    pub(super) fn read(&self, kind: Kind, body: &[u8], id: &str) -> Option<Of> {
        pack::unpack(kind, body, id, &self.words)
    }

    /// A row that `read` could read. `None` where its key is there already.
    pub(super) fn restore(&mut self, key: &[u8], body: &[u8], place: Place) -> Option<u32> {
        let hash = self.hasher.hash_one(key);
        if self.keys.find(hash, |&slot| self.key_bytes(slot) == key).is_some() {
            return None;
        }
        pack::claim(body, &mut self.words);
        let slot = self.vacant();
        self.write(slot, key, body, place);
        self.enter(hash, slot);
        Some(slot)
    }

    pub(super) fn forget_unused_words(&mut self) {
        self.words.forget_unused();
    }

    fn enter(&mut self, hash: u64, slot: u32) {
        let Store { keys, slots, segments, hasher, .. } = self;
        keys.insert_unique(hash, slot, |&other| hasher.hash_one(key_in(segments, &slots[other as usize])));
    }

    pub(super) fn bytes(&self) -> usize {
        self.segments.iter().map(|it| it.bytes.len()).sum()
    }

    #[cfg(test)]
    pub(super) fn words_len(&self) -> usize {
        self.words.len()
    }
}

fn record_in<'a>(segments: &'a [Segment], slot: &Slot) -> Record<'a> {
    let bytes = &segments[slot.segment as usize].bytes[slot.start as usize..];
    Record::read(bytes).expect("a slot that holds a row says where one begins")
}

fn key_in<'a>(segments: &'a [Segment], slot: &Slot) -> &'a [u8] {
    record_in(segments, slot).key
}
