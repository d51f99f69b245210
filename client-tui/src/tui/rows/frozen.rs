//! A project as it is at one moment, cheap to take because it shares the packed bytes, and its way to a file and back. What a file says
//! is believed only where every row of it can be unpacked. Never here: files, folders, and rows that this client made up itself.

use std::{
    io::{self, Read, Write},
    sync::Arc,
};

use super::{
    Project,
    index::Index,
    pack,
    pack::KINDS,
    store::{Record, Store},
};

/// A text of a studio is far smaller; a length beyond it is damage.
const PART_BYTES_MAX: u32 = 32 << 20;
/// Marks a number among the words that no row uses.
const NO_WORD: u32 = u32::MAX;

#[derive(Clone, PartialEq)]
pub struct Frozen {
    pub seq: u64,
    pub(super) words: Vec<Option<Arc<[u8]>>>,
    pub(super) segments: Vec<Arc<Vec<u8>>>,
    /// Segment and start of each row.
    pub(super) rows: Vec<(u32, u32)>,
}

impl std::fmt::Debug for Frozen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Frozen({} rows at {})", self.rows.len(), self.seq)
    }
}

impl Project {
    /// Everything that the server sent, as it stands now.
    pub fn freeze(&self) -> Frozen {
        Frozen { seq: self.seq, ..self.store.freeze() }
    }

    /// About how many bytes its file has.
    pub fn bytes(&self) -> usize {
        self.store.bytes()
    }

    /// What `Frozen::write` wrote.
    ///
    /// # Errors
    /// Where the file ends early or holds something that no project wrote.
    pub fn thaw(from: &mut impl Read) -> io::Result<Project> {
        let seq = u64::from_le_bytes(exactly(from)?);
        let count = number(from)?;
        let mut words = Vec::new();
        for _ in 0..count {
            words.push(match number(from)? {
                NO_WORD => None,
                len => Some(part(from, len)?.into()),
            });
        }
        let (mut store, mut index) = (Store::with_words(words), Index::default());
        index.begin_many();
        let (mut key, mut body) = (Vec::new(), Vec::new());
        for _ in 0..number(from)? {
            let [kind] = exactly(from)?;
            let kind = *KINDS.get(usize::from(kind)).ok_or_else(damaged)?;
            let (key_len, body_len) = (number(from)?, number(from)?);
            part_into(from, key_len, &mut key)?;
            part_into(from, body_len, &mut body)?;
            let id = pack::unpack_key(&key).ok_or_else(damaged)?;
            let row = store.read(kind, &body, pack::id_of(&id)).ok_or_else(damaged)?;
            let place = index.place(&row);
            let slot = store.restore(&key, &body, place).ok_or_else(damaged)?;
            index.insert(&store, slot);
        }
        store.forget_unused_words();
        index.end_many(&store);
        Ok(Project { store, index, seq, loaded: true, ..Project::default() })
    }
}

impl Frozen {
    /// # Errors
    /// Those of the file.
    pub fn write(&self, to: &mut impl Write) -> io::Result<()> {
        to.write_all(&self.seq.to_le_bytes())?;
        put(to, self.words.len())?;
        for word in &self.words {
            match word {
                None => to.write_all(&NO_WORD.to_le_bytes())?,
                Some(word) => {
                    put(to, word.len())?;
                    to.write_all(word)?;
                }
            }
        }
        put(to, self.rows.len())?;
        for &(segment, start) in &self.rows {
            let bytes = self.segments[segment as usize].get(start as usize..).unwrap_or_default();
            let Record { kind, key, body, .. } = Record::read(bytes).ok_or_else(damaged)?;
            // In the file lengths have four bytes each.
            to.write_all(&[kind])?;
            put(to, key.len())?;
            put(to, body.len())?;
            to.write_all(key)?;
            to.write_all(body)?;
        }
        Ok(())
    }
}

fn put(to: &mut impl Write, len: usize) -> io::Result<()> {
    let len = u32::try_from(len).map_err(|_| damaged())?;
    to.write_all(&len.to_le_bytes())
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "these are no rows")
}

fn exactly<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn number(from: &mut impl Read) -> io::Result<u32> {
    exactly(from).map(u32::from_le_bytes)
}

fn part(from: &mut impl Read, len: u32) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    part_into(from, len, &mut bytes)?;
    Ok(bytes)
}

fn part_into(from: &mut impl Read, len: u32, bytes: &mut Vec<u8>) -> io::Result<()> {
    if len > PART_BYTES_MAX {
        return Err(damaged());
    }
    bytes.clear();
    let read = from.by_ref().take(len.into()).read_to_end(bytes)?;
    if read == len as usize { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}
