//! Files and names twice: as they can be read, and as the disk has them. Between the two lie the changes that no sync has reached. Never here: faults.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What a write is torn into when the power goes.
const SECTOR: usize = 97;

/// What becomes of un-synced bytes and names when the power goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// All of it is lost.
    All,
    /// All of it has reached the disk.
    None,
    /// Any sectors survive, and a file may have its length without its bytes; drawn by lot.
    Torn(u64),
    /// Any whole writes survive, later ones without earlier ones; drawn by lot.
    Reordered(u64),
}

/// A random number after the other, from a seed: xorshift.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.roll() % bound
    }

    /// Seeds that lie side by side must not begin alike.
    pub fn from_seed(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..8 {
            dice.roll();
        }
        dice
    }
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    MakeDir(PathBuf),
    Create(PathBuf),
    Write(usize, u64, Arc<[u8]>),
    Truncate(usize, u64),
    Sync(usize),
    /// A failed sync: what it should have written is not tried again.
    Forget(usize),
    Rename(PathBuf, PathBuf),
    Remove(PathBuf),
    SyncFolder(PathBuf),
    Plant(PathBuf, Arc<[u8]>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Node {
    Folder,
    File(usize),
}

#[derive(Clone, Default)]
pub(super) struct State {
    files: Vec<Inode>,
    names: BTreeMap<PathBuf, Node>,
    durable_names: BTreeMap<PathBuf, Node>,
    /// Changes of names that no sync has reached. A rename is one change, and durable with its new folder.
    pending_names: Vec<Naming>,
}

#[derive(Clone, Default)]
struct Inode {
    bytes: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Pending>,
}

#[derive(Clone)]
enum Pending {
    Write(usize, Arc<[u8]>),
    Truncate(usize),
}

#[derive(Clone)]
struct Naming {
    /// The name that is given.
    set: Option<(PathBuf, Node)>,
    /// The name that goes.
    unset: Option<PathBuf>,
}

impl Naming {
    fn folder(&self) -> Option<&Path> {
        let given = self.set.as_ref().map(|(path, _)| path);
        given.or(self.unset.as_ref()).and_then(|path| path.parent())
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, Node>) {
        if let Some(path) = &self.unset {
            names.remove(path);
        }
        if let Some((path, node)) = &self.set {
            names.insert(path.clone(), *node);
        }
    }
}

impl State {
    pub(super) fn node(&self, path: &Path) -> Option<Node> {
        self.names.get(path).copied()
    }

    pub(super) fn next_inode(&self) -> usize {
        self.files.len()
    }

    pub(super) fn len(&self, inode: usize) -> u64 {
        self.files[inode].bytes.len() as u64
    }

    pub(super) fn bytes(&self, path: &Path) -> Option<&[u8]> {
        match self.node(path)? {
            Node::File(inode) => Some(&self.files[inode].bytes),
            Node::Folder => None,
        }
    }

    pub(super) fn read(&self, inode: usize, offset: u64, buffer: &mut [u8]) -> usize {
        let rest = self.files[inode].bytes.get(offset as usize..).unwrap_or_default();
        let read = rest.len().min(buffer.len());
        buffer[..read].copy_from_slice(&rest[..read]);
        read
    }

    pub(super) fn list(&self, folder: &Path) -> Vec<String> {
        let inside = self.names.keys().filter(|path| path.parent() == Some(folder));
        inside.filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned())).collect()
    }

    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::MakeDir(path) => self.make_dir(&path),
            Change::Create(path) => {
                self.files.push(Inode::default());
                self.name(Naming { set: Some((path, Node::File(self.files.len() - 1))), unset: None });
            }
            Change::Write(inode, offset, bytes) => {
                let file = &mut self.files[inode];
                put(&mut file.bytes, offset as usize, &bytes);
                file.pending.push(Pending::Write(offset as usize, bytes));
            }
            Change::Truncate(inode, len) => {
                let file = &mut self.files[inode];
                file.bytes.resize(len as usize, 0);
                file.pending.push(Pending::Truncate(len as usize));
            }
            Change::Sync(inode) => self.files[inode].settle(|_| true),
            Change::Forget(inode) => self.files[inode].pending.clear(),
            Change::Rename(from, to) => {
                if let Some(node) = self.names.get(&from).copied() {
                    self.name(Naming { set: Some((to, node)), unset: Some(from) });
                }
            }
            Change::Remove(path) => self.name(Naming { set: None, unset: Some(path) }),
            Change::SyncFolder(folder) => {
                for naming in std::mem::take(&mut self.pending_names) {
                    if naming.folder() == Some(&folder) {
                        naming.apply(&mut self.durable_names);
                    } else {
                        self.pending_names.push(naming);
                    }
                }
            }
            Change::Plant(path, bytes) => {
                self.make_dir(path.parent().unwrap_or(Path::new("")));
                let file = Inode { bytes: bytes.to_vec(), durable: bytes.to_vec(), pending: Vec::new() };
                self.files.push(file);
                let node = Node::File(self.files.len() - 1);
                self.names.insert(path.clone(), node);
                self.durable_names.insert(path, node);
            }
        }
    }

    fn name(&mut self, naming: Naming) {
        naming.apply(&mut self.names);
        self.pending_names.push(naming);
    }

    fn make_dir(&mut self, path: &Path) {
        let mut missing: Vec<_> = path.ancestors().filter(|folder| !folder.as_os_str().is_empty()).collect();
        missing.reverse();
        for (depth, folder) in missing.into_iter().enumerate() {
            if self.names.contains_key(folder) {
                continue;
            }
            if depth == 0 {
                // The studio folder itself was made long ago.
                self.names.insert(folder.to_owned(), Node::Folder);
                self.durable_names.insert(folder.to_owned(), Node::Folder);
            } else {
                self.name(Naming { set: Some((folder.to_owned(), Node::Folder)), unset: None });
            }
        }
    }

    pub(super) fn cut_power(&mut self, loss: Loss) {
        let mut dice = match loss {
            Loss::Torn(seed) | Loss::Reordered(seed) => Dice::from_seed(seed),
            Loss::All | Loss::None => Dice(1),
        };
        let mut survives = || match loss {
            Loss::All => false,
            Loss::None => true,
            Loss::Torn(_) | Loss::Reordered(_) => dice.roll() >> 20 & 1 == 1,
        };
        for file in &mut self.files {
            let len = file.bytes.len();
            match loss {
                Loss::Torn(_) => {
                    file.tear(&mut survives);
                    if survives() && file.durable.len() < len {
                        file.durable.resize(len, 0);
                    }
                }
                _ => file.settle(|_| survives()),
            }
            file.bytes = file.durable.clone();
        }
        for naming in std::mem::take(&mut self.pending_names) {
            if survives() {
                naming.apply(&mut self.durable_names);
            }
        }
        // What lies in a folder that is not there is not there either.
        let mut names = BTreeMap::new();
        for (path, node) in &self.durable_names {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            if parent.is_none_or(|parent| names.contains_key(parent)) {
                names.insert(path.clone(), *node);
            }
        }
        self.durable_names = names.clone();
        self.names = names;
    }
}

impl Inode {
    fn settle(&mut self, mut survives: impl FnMut(&Pending) -> bool) {
        for pending in self.pending.drain(..) {
            if !survives(&pending) {
                continue;
            }
            match pending {
                Pending::Truncate(len) => self.durable.resize(len, 0),
                Pending::Write(offset, bytes) => put(&mut self.durable, offset, &bytes),
            }
        }
    }

    fn tear(&mut self, survives: &mut impl FnMut() -> bool) {
        for pending in self.pending.drain(..) {
            match pending {
                Pending::Truncate(len) if survives() => self.durable.resize(len, 0),
                Pending::Truncate(_) => {}
                Pending::Write(offset, bytes) => {
                    for (number, sector) in bytes.chunks(SECTOR).enumerate() {
                        if survives() {
                            put(&mut self.durable, offset + number * SECTOR, sector);
                        }
                    }
                }
            }
        }
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, chunk: &[u8]) {
    if bytes.len() < offset + chunk.len() {
        bytes.resize(offset + chunk.len(), 0);
    }
    bytes[offset..offset + chunk.len()].copy_from_slice(chunk);
}
