//! A disk in memory that keeps only what was synced when its power is cut, and fails on purpose. Stricter than most real ones: the
//! name of a new file lasts only after its folder was synced, and un-synced writes survive in any torn part and order.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use super::disk::{Disk, DiskFile};
use crate::store::conformance::Dice;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The call fails. A failed sync also drops what it should have written, as Linux does.
    Eio,
    /// A write stops half way: the disk is full.
    Short,
    /// The call is cut off in its middle and nothing is answered any more.
    PowerCut,
}

/// What becomes of un-synced bytes and names when the power goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Loss {
    All,
    None,
    Torn(u64),
}

#[derive(Clone, Default)]
pub(super) struct FaultyDisk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    files: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    calls: Vec<&'static str>,
    fault: Option<(usize, Fault)>,
    dead: bool,
}

#[derive(Default)]
struct Inode {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Pending>,
}

enum Pending {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

struct Handle(Arc<Mutex<State>>, usize);

impl FaultyDisk {
    /// The `number`th changing call from now on (from 0) meets `fault`.
    pub(super) fn plan(&self, number: usize, fault: Fault) {
        let mut state = self.0.lock().unwrap();
        state.calls.clear();
        state.fault = Some((number, fault));
    }

    /// The changing calls so far.
    pub(super) fn calls(&self) -> Vec<&'static str> {
        self.0.lock().unwrap().calls.clone()
    }

    /// The fault is over; what is in memory stays, as after a restart of the process alone.
    pub(super) fn repair(&self) {
        let mut state = self.0.lock().unwrap();
        state.fault = None;
        state.dead = false;
    }

    pub(super) fn cut_power(&self, loss: Loss) {
        let state = &mut *self.0.lock().unwrap();
        let mut dice = Dice(if let Loss::Torn(seed) = loss { seed | 1 } else { 1 });
        let mut survives = |_: &()| match loss {
            Loss::All => false,
            Loss::None => true,
            Loss::Torn(_) => dice.next() >> 20 & 1 == 1,
        };
        for inode in &mut state.files {
            for pending in inode.pending.drain(..) {
                match pending {
                    Pending::Truncate(len) if survives(&()) => inode.durable.resize(len, 0),
                    Pending::Truncate(_) => {}
                    Pending::Write(offset, bytes) => {
                        for (number, sector) in bytes.chunks(97).enumerate() {
                            if survives(&()) {
                                put(&mut inode.durable, offset + number * 97, sector);
                            }
                        }
                    }
                }
            }
            inode.bytes = inode.durable.clone();
        }
        let mut names = state.durable_names.clone();
        for (path, inode) in &state.names {
            if !names.contains_key(path) && survives(&()) {
                names.insert(path.clone(), *inode);
            }
        }
        names.retain(|path, _| state.names.contains_key(path) || !survives(&()));
        state.names = names.clone();
        state.durable_names = names;
        state.fault = None;
        state.dead = false;
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, chunk: &[u8]) {
    if bytes.len() < offset + chunk.len() {
        bytes.resize(offset + chunk.len(), 0);
    }
    bytes[offset..offset + chunk.len()].copy_from_slice(chunk);
}

fn eio() -> io::Error {
    io::Error::other("injected EIO")
}

impl State {
    /// Counts a changing call and tells what goes wrong with it.
    fn call(&mut self, name: &'static str) -> io::Result<Option<Fault>> {
        if self.dead {
            return Err(eio());
        }
        let number = self.calls.len();
        self.calls.push(name);
        let fault = self.fault.filter(|(at, _)| *at == number).map(|(_, fault)| fault);
        self.dead |= fault == Some(Fault::PowerCut);
        Ok(fault)
    }
}

impl Disk for FaultyDisk {
    fn make_dir(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
    fn create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.0.lock().unwrap();
        let fault = state.call("create")?;
        if matches!(fault, Some(Fault::Eio | Fault::Short)) {
            return Err(eio());
        }
        if state.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = state.files.len();
        state.files.push(Inode::default());
        state.names.insert(path.to_owned(), inode);
        if fault.is_some() { Err(eio()) } else { Ok(Arc::new(Handle(self.0.clone(), inode))) }
    }
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let inode = self.0.lock().unwrap().names.get(path).copied();
        Ok(Arc::new(Handle(self.0.clone(), inode.ok_or(io::ErrorKind::NotFound)?)))
    }
    fn list(&self, folder: &Path) -> io::Result<Vec<String>> {
        let state = self.0.lock().unwrap();
        let inside = state.names.keys().filter(|path| path.parent() == Some(folder));
        Ok(inside.map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect())
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        if matches!(state.call("remove")?, Some(Fault::Eio | Fault::Short)) {
            return Err(eio());
        }
        state.names.remove(path);
        if state.dead { Err(eio()) } else { Ok(()) }
    }
    fn sync_dir(&self, folder: &Path) -> io::Result<()> {
        let state = &mut *self.0.lock().unwrap();
        if state.call("sync_dir")?.is_some() {
            return Err(eio());
        }
        state.durable_names.retain(|path, _| path.parent() != Some(folder) || state.names.contains_key(path));
        let inside = state.names.iter().filter(|(path, _)| path.parent() == Some(folder));
        state.durable_names.extend(inside.map(|(path, inode)| (path.clone(), *inode)));
        Ok(())
    }
    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        Ok(u64::MAX)
    }
}

impl DiskFile for Handle {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        let fault = state.call("write")?;
        let bytes = match fault {
            Some(Fault::Eio) => return Err(eio()),
            Some(Fault::Short) => &bytes[..bytes.len() / 2],
            Some(Fault::PowerCut) | None => bytes,
        };
        let inode = &mut state.files[self.1];
        put(&mut inode.bytes, offset as usize, bytes);
        inode.pending.push(Pending::Write(offset as usize, bytes.to_vec()));
        if fault.is_some() { Err(eio()) } else { Ok(()) }
    }
    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let state = self.0.lock().unwrap();
        let rest = state.files[self.1].bytes.get(offset as usize..).unwrap_or_default();
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        Ok(read)
    }
    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        let fault = state.call("sync")?;
        let inode = &mut state.files[self.1];
        match fault {
            // The pages are called clean and never reach the disk; they can still be read.
            Some(Fault::Eio | Fault::Short) => inode.pending.clear(),
            Some(Fault::PowerCut) => {}
            None => {
                for pending in inode.pending.drain(..) {
                    match pending {
                        Pending::Truncate(len) => inode.durable.resize(len, 0),
                        Pending::Write(offset, bytes) => put(&mut inode.durable, offset, &bytes),
                    }
                }
            }
        }
        if fault.is_some() { Err(eio()) } else { Ok(()) }
    }
    fn truncate(&self, len: u64) -> io::Result<()> {
        let mut state = self.0.lock().unwrap();
        let fault = state.call("truncate")?;
        if matches!(fault, Some(Fault::Eio | Fault::Short)) {
            return Err(eio());
        }
        let inode = &mut state.files[self.1];
        inode.bytes.resize(len as usize, 0);
        inode.pending.push(Pending::Truncate(len as usize));
        if fault.is_some() { Err(eio()) } else { Ok(()) }
    }
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.lock().unwrap().files[self.1].bytes.len() as u64)
    }
}
