//! Rows that somebody asked for, whole, by slot. Few of many thousands are at a time, so places for them are made by the chunk, when the first of a chunk is
//! asked for. Never here: how a row is packed.

use std::cell::{Cell, OnceCell};

use deadwax_proto::v1::row::Row as Of;

/// Slots side by side are often asked for together: those of one song were written one after the other.
const CHUNK: usize = 64;

type Chunk = OnceCell<Box<[OnceCell<Box<Of>>; CHUNK]>>;

#[derive(Clone, Debug, Default)]
pub(super) struct Unpacked {
    chunks: Vec<Chunk>,
    count: Cell<usize>,
}

impl Unpacked {
    pub(super) fn count(&self) -> usize {
        self.count.get()
    }

    /// From now on so many slots may be asked for.
    pub(super) fn reach(&mut self, slots: usize) {
        let chunks = slots.div_ceil(CHUNK);
        if self.chunks.len() < chunks {
            self.chunks.resize(chunks, OnceCell::new());
        }
    }

    /// The row of a slot that was reached; made if it is not here.
    pub(super) fn get(&self, slot: u32, make: impl FnOnce() -> Box<Of>) -> &Of {
        let (chunk, at) = place(slot);
        let chunk = self.chunks[chunk].get_or_init(|| Box::new(std::array::from_fn(|_| OnceCell::new())));
        chunk[at].get_or_init(|| {
            self.count.set(self.count.get() + 1);
            make()
        })
    }

    /// The next who asks makes it anew.
    pub(super) fn take(&mut self, slot: u32) {
        let (chunk, at) = place(slot);
        let row = self.chunks.get_mut(chunk).and_then(OnceCell::get_mut).and_then(|rows| rows[at].take());
        if row.is_some() {
            self.count.set(self.count.get() - 1);
        }
    }

    pub(super) fn clear(&mut self) {
        self.chunks.iter_mut().for_each(|chunk| drop(chunk.take()));
        self.count.set(0);
    }
}

fn place(slot: u32) -> (usize, usize) {
    (slot as usize / CHUNK, slot as usize % CHUNK)
}
