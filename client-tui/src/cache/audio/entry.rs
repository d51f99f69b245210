//! One file of the cache: a sparse file, and which of its bytes are here. Whoever holds an entry keeps it from being removed, in this process and in any other.
//! Where the disk takes no more, what comes is held in memory for as long as it fits. Never here: the line, decoding.

use std::{
    collections::VecDeque,
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::SystemTime,
};

use sha2::{Digest as _, Sha256};

use super::{
    Key, Ranges,
    map::{self, Record},
};

/// So much of one file is held in memory where the disk is full: a minute of music in high resolution.
const SPILL_BYTES_MAX: u64 = 48 << 20;
/// Bytes that are here and not yet in the map: what a kill costs at most.
const UNMAPPED_BYTES_MAX: u64 = 1 << 20;

/// What became of bytes that were put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Disk,
    /// The disk takes no more.
    Memory,
}

/// What a check of all bytes found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Not all is here, or it cannot be checked: a copy for listening has no digest of its own.
    Open,
    Right,
    /// These are other bytes than those asked for; all of them were thrown away.
    Wrong,
}

pub struct Entry {
    key: Key,
    file: File,
    map: PathBuf,
    state: Mutex<State>,
    /// No more is written to the disk.
    full: AtomicBool,
}

#[derive(Default)]
struct State {
    total: Option<u64>,
    ranges: Ranges,
    /// On the disk, not in the map.
    unmapped: Ranges,
    whole: bool,
    spill: VecDeque<(u64, Vec<u8>)>,
    spill_bytes: u64,
}

impl Entry {
    /// Opens or makes it. Holds a shared lock on the data as long as it lives.
    pub(super) fn open(folder: &Path, key: Key) -> io::Result<Entry> {
        let (data, map) = (folder.join(key.file_name("audio")), folder.join(key.file_name("map")));
        let file = loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed())
                .open(&data)?;
            file.lock_shared()?;
            // Between opening and locking somebody may have removed it: then this one has no name any more.
            match std::fs::metadata(&data) {
                Ok(named) if named.ino() == file.metadata()?.ino() => break file,
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
        };
        let name = key.name();
        let mut told = map::read(&map, &name)?;
        let held = file.metadata()?.len();
        let total = told.total.unwrap_or(0);
        // A map without its bytes, or beyond them, is not believed.
        if told.total.is_none() || held != total {
            told.mend |= told.ranges.bytes() > 0;
            told = map::Told { mend: told.mend, ..map::Told::default() };
        }
        told.ranges.take_out(total, u64::MAX);
        told.whole &= told.ranges.bytes() == total;
        if told.mend {
            map::rewrite(&map, &name, &told)?;
        }
        let state = State { total: told.total, ranges: told.ranges, whole: told.whole, ..State::default() };
        let entry = Entry { key, file, map, state: Mutex::new(state), full: AtomicBool::new(false) };
        entry.touch();
        Ok(entry)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn key(&self) -> &Key {
        &self.key
    }

    /// For the order in which entries go: this one was wanted now.
    fn touch(&self) {
        // Where the time cannot be set it goes earlier than it might.
        drop(self.file.set_modified(SystemTime::now()));
    }

    pub fn total(&self) -> Option<u64> {
        self.state().total
    }

    /// Learns the length. Where another was known, what is here belongs to something else and is forgotten.
    pub fn set_total(&self, total: u64) {
        let mut state = self.state();
        if state.total == Some(total) {
            return;
        }
        *state = State { total: Some(total), ..State::default() };
        if self.make_room(total).is_err() {
            self.full.store(true, Ordering::Relaxed);
        }
    }

    fn make_room(&self, total: u64) -> io::Result<()> {
        let name = self.key.name();
        let held = self.file.metadata()?.len();
        if held != total && held != 0 {
            // Another length: the file begins anew, unless somebody else has it open and believes in what it holds.
            let alone = self.file.try_lock();
            let begun = alone.map_err(io::Error::from).and_then(|()| {
                let told = map::Told { total: Some(total), ..map::Told::default() };
                map::rewrite(&self.map, &name, &told)?;
                self.file.set_len(0)?;
                self.file.set_len(total)
            });
            self.file.lock_shared()?;
            return begun;
        }
        // The length first: bytes that another client put there stay.
        self.file.set_len(total)?;
        map::append(&self.map, &name, &[Record::Total(total)])
    }

    /// Keeps bytes and says where. They can be read at once.
    pub fn put(&self, at: u64, data: &[u8]) -> Kept {
        let end = at + data.len() as u64;
        if !self.full.load(Ordering::Relaxed) && self.file.write_all_at(data, at).is_err() {
            self.full.store(true, Ordering::Relaxed);
        }
        let full = self.full.load(Ordering::Relaxed);
        let mut state = self.state();
        state.ranges.add(at, end);
        if !full {
            state.unmapped.add(at, end);
            return Kept::Disk;
        }
        state.spill.push_back((at, data.to_vec()));
        state.spill_bytes += data.len() as u64;
        while state.spill_bytes > SPILL_BYTES_MAX
            && let Some((at, gone)) = state.spill.pop_front()
        {
            state.spill_bytes -= gone.len() as u64;
            state.ranges.take_out(at, at + gone.len() as u64);
        }
        Kept::Memory
    }

    /// Copies bytes from `at` on as far as they are here, and answers how many.
    pub fn read_at(&self, at: u64, out: &mut [u8]) -> io::Result<usize> {
        let state = self.state();
        let reach = state.ranges.reach(at);
        let count = usize::try_from(reach - at).map_or(out.len(), |n| n.min(out.len()));
        if count == 0 {
            return Ok(0);
        }
        let spilled = state.spill.iter().find(|(from, data)| (*from..from + data.len() as u64).contains(&at));
        if let Some((from, data)) = spilled {
            let held = &data[(at - from) as usize..];
            let count = held.len().min(count);
            out[..count].copy_from_slice(&held[..count]);
            return Ok(count);
        }
        // What lies in memory further on is not on the disk.
        let next = state.spill.iter().map(|(from, _)| *from).filter(|from| *from > at).min();
        let count = next.map_or(count, |next| usize::try_from(next - at).map_or(count, |n| n.min(count)));
        drop(state);
        self.file.read_exact_at(&mut out[..count], at)?;
        Ok(count)
    }

    /// The first bytes from `at` on that are not here.
    pub fn gap(&self, at: u64) -> Option<(u64, u64)> {
        let state = self.state();
        state.ranges.gap(at, state.total?)
    }

    /// Bytes that are here.
    pub fn bytes(&self) -> u64 {
        self.state().ranges.bytes()
    }

    pub fn is_complete(&self) -> bool {
        let state = self.state();
        state.total.is_some_and(|total| state.ranges.bytes() == total)
    }

    /// So much came since the map was written that it should be now.
    pub fn is_due(&self) -> bool {
        self.state().unmapped.bytes() >= UNMAPPED_BYTES_MAX
    }

    /// First the bytes, then the map. Takes as long as the disk takes.
    pub fn flush(&self) -> io::Result<()> {
        let fresh = std::mem::take(&mut self.state().unmapped);
        if fresh.bytes() == 0 {
            return Ok(());
        }
        self.file.sync_data()?;
        let records: Vec<Record> = fresh.iter().map(|(from, to)| Record::Range(from, to)).collect();
        map::append(&self.map, &self.key.name(), &records)
    }

    /// Reads all that came and compares its digest, once for ever. Takes as long as the disk takes.
    pub fn check(&self) -> io::Result<Check> {
        let total = {
            let state = self.state();
            let Some(total) = state.total.filter(|total| state.ranges.bytes() == *total) else {
                return Ok(Check::Open);
            };
            if state.whole {
                return Ok(Check::Right);
            }
            if self.key.listening || !state.spill.is_empty() {
                return Ok(Check::Open);
            }
            total
        };
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; 1 << 18];
        let mut at = 0;
        while at < total {
            let count = usize::try_from(total - at).map_or(buffer.len(), |n| n.min(buffer.len()));
            self.file.read_exact_at(&mut buffer[..count], at)?;
            hasher.update(&buffer[..count]);
            at += count as u64;
        }
        if hex::encode(hasher.finalize()) == self.key.sha256 {
            self.flush()?;
            map::append(&self.map, &self.key.name(), &[Record::Whole])?;
            self.state().whole = true;
            return Ok(Check::Right);
        }
        self.forget()?;
        Ok(Check::Wrong)
    }

    /// Throws away what came; its length is known still.
    pub fn forget(&self) -> io::Result<()> {
        let mut state = self.state();
        *state = State { total: state.total, ..State::default() };
        let told = map::Told { total: state.total, ..map::Told::default() };
        map::rewrite(&self.map, &self.key.name(), &told)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        // What is not in the map comes again.
        drop(self.flush());
        self.touch();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_holds_bytes_in_memory_up_to_a_bound_and_keeps_none() {
        let dir = tempfile::tempdir().unwrap();
        let key = || Key::new(&"ab".repeat(32), false).unwrap();
        {
            let entry = Entry::open(dir.path(), key()).unwrap();
            entry.set_total(200 << 20);
            entry.put(0, &[7; 1000]);
            entry.full.store(true, Ordering::Relaxed);
            assert_eq!(entry.put(1000, &[8; 1000]), Kept::Memory);
            assert_eq!(entry.put(2000, &[9; 1000]), Kept::Memory);
            let mut out = vec![0; 3000];
            let mut at = 0;
            while at < 3000 {
                let count = entry.read_at(at as u64, &mut out[at..]).unwrap();
                assert!(count > 0, "stops at {at}");
                at += count;
            }
            assert!(out[..1000].iter().all(|b| *b == 7) && out[1000..2000].iter().all(|b| *b == 8));
            assert!(out[2000..].iter().all(|b| *b == 9));
            let chunk = vec![1; 8 << 20];
            for n in 1..10u64 {
                entry.put(n * chunk.len() as u64, &chunk);
            }
            assert!(entry.bytes() <= SPILL_BYTES_MAX + 3000, "{}", entry.bytes());
            assert_eq!(entry.read_at(1000, &mut out).unwrap(), 0, "the oldest went");
        }
        assert_eq!(Entry::open(dir.path(), key()).unwrap().bytes(), 1000, "what is on the disk stays");
    }

    #[test]
    fn a_copy_of_another_length_is_another_copy() {
        let dir = tempfile::tempdir().unwrap();
        let key = || Key::new(&"cd".repeat(32), true).unwrap();
        let entry = Entry::open(dir.path(), key()).unwrap();
        entry.set_total(1000);
        entry.put(0, &[1; 1000]);
        entry.set_total(900);
        assert_eq!((entry.bytes(), entry.gap(0)), (0, Some((0, 900))));
        assert_eq!(entry.check().unwrap(), Check::Open);
        entry.put(0, &[2; 900]);
        // It has no digest that could be compared.
        assert_eq!(entry.check().unwrap(), Check::Open);
        drop(entry);
        let entry = Entry::open(dir.path(), key()).unwrap();
        let mut out = vec![0; 900];
        assert_eq!((entry.read_at(0, &mut out).unwrap(), out[899]), (900, 2));
    }
}
