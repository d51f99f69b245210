//! The file that says which ranges of an entry are here: records of one size, appended after their bytes are on the disk, each with a check of its own. One that
//! is torn or damaged is not believed; then less is here than might be, never something else. Never here: the audio itself.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::Path,
};

use sha2::{Digest as _, Sha256};

use super::Ranges;

const RECORD_BYTES: usize = 28;
/// A map beyond this is not read: it would be longer than the audio is worth.
const MAP_BYTES_MAX: u64 = 4 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// The length of the whole file.
    Total(u64),
    Range(u64, u64),
    /// All bytes together had the right digest.
    Whole,
}

/// What a map told.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) total: Option<u64>,
    pub(super) ranges: Ranges,
    pub(super) whole: bool,
    /// Something in it was not believed, or it is longer than it need be.
    pub(super) mend: bool,
}

impl Record {
    fn bytes(self, name: &str) -> [u8; RECORD_BYTES] {
        let (kind, a, b): (u32, u64, u64) = match self {
            Record::Total(bytes) => (1, bytes, 0),
            Record::Range(from, to) => (2, from, to),
            Record::Whole => (3, 0, 0),
        };
        let mut out = [0; RECORD_BYTES];
        out[..4].copy_from_slice(&kind.to_le_bytes());
        out[4..12].copy_from_slice(&a.to_le_bytes());
        out[12..20].copy_from_slice(&b.to_le_bytes());
        // With the name of the entry: a map under another name says nothing.
        let check = Sha256::new().chain_update(name).chain_update(&out[..20]).finalize();
        out[20..].copy_from_slice(&check[..8]);
        out
    }

    fn read(bytes: &[u8; RECORD_BYTES], name: &str) -> Option<Record> {
        let number = |at: usize| bytes[at..at + 8].iter().rev().fold(0u64, |sum, b| sum << 8 | u64::from(*b));
        let record = match bytes[..4] {
            [1, 0, 0, 0] => Record::Total(number(4)),
            [2, 0, 0, 0] => Record::Range(number(4), number(12)),
            [3, 0, 0, 0] => Record::Whole,
            _ => return None,
        };
        (record.bytes(name) == *bytes).then_some(record)
    }
}

pub(super) fn read(path: &Path, name: &str) -> io::Result<Told> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(MAP_BYTES_MAX).read_to_end(&mut bytes)?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Told::default()),
        Err(e) => return Err(e),
    };
    let mut told = Told::default();
    let (records, rest) = bytes.as_chunks::<RECORD_BYTES>();
    told.mend = !rest.is_empty() || records.len() > 1_000;
    for record in records {
        match Record::read(record, name) {
            Some(Record::Total(total)) if told.total.is_none_or(|known| known == total) => {
                told.total = Some(total);
            }
            Some(Record::Range(from, to)) => told.ranges.add(from, to),
            Some(Record::Whole) => told.whole = true,
            // Two lengths, or a record that is none: nothing that follows can be trusted to belong to it.
            _ => {
                told.mend = true;
                break;
            }
        }
    }
    Ok(told)
}

/// Written in one piece: what two clients append does not mix.
pub(super) fn append(path: &Path, name: &str, records: &[Record]) -> io::Result<()> {
    let bytes: Vec<u8> = records.iter().flat_map(|record| record.bytes(name)).collect();
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(&bytes)
}

/// The same in as few records as it takes, in a new file put in place of the old.
pub(super) fn rewrite(path: &Path, name: &str, told: &Told) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    let total = told.total.map(Record::Total);
    let ranges = told.ranges.iter().map(|(from, to)| Record::Range(from, to));
    let whole = told.whole.then_some(Record::Whole);
    for record in total.into_iter().chain(ranges).chain(whole) {
        file.write_all(&record.bytes(name))?;
    }
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}
