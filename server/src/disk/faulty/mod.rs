//! A disk in memory that keeps only what was synced when its power goes, fails where it is told to, and writes down every change, so that a test can look at
//! the disk after each of them. Stricter than most real ones: the name of a new file lasts only after its folder was synced, un-synced writes survive in any
//! part and order, and a failed sync drops what it should have written. Never here: what journal and audio promise.

mod replay;
mod state;

use std::{
    collections::BTreeMap,
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

pub use replay::Replay;
pub use state::{Dice, Loss};

use super::{Access, Call, Disk, DiskFile, Meta, Room, Site};
use state::{Change, Node, State};

/// What goes wrong with a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The call fails and did nothing. A failed sync also drops what it should have written, as Linux does.
    Eio,
    /// No room: the call fails and did nothing.
    Enospc,
    /// Interrupted: the call did nothing and can be made again.
    Eintr,
    /// Half of it is written or read, and told so.
    Short,
    /// Half of it is written, and then there is no room.
    HalfThenFull,
}

impl Fault {
    pub const ALL: &[Fault] = &[Fault::Eio, Fault::Enospc, Fault::Eintr, Fault::Short, Fault::HalfThenFull];

    /// Whether it can happen to such a call.
    pub fn meets(self, call: Call) -> bool {
        match self {
            Fault::Eio | Fault::Enospc | Fault::Eintr => true,
            Fault::Short => matches!(call, Call::Write | Call::Read),
            Fault::HalfThenFull => call == Call::Write,
        }
    }

    fn error(self) -> io::Error {
        match self {
            Fault::Eio | Fault::Short => io::Error::other("input/output error (simulated)"),
            Fault::Enospc | Fault::HalfThenFull => io::ErrorKind::StorageFull.into(),
            Fault::Eintr => io::ErrorKind::Interrupted.into(),
        }
    }
}

/// Clones are the same disk.
#[derive(Clone)]
pub struct FaultyDisk {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    state: State,
    /// Every change since `record`.
    log: Option<Vec<Change>>,
    asked: BTreeMap<Site, u64>,
    plans: Vec<Plan>,
    met: Vec<(Site, Fault)>,
    /// It says that it has synced, and has not.
    lies: bool,
    /// Syncs of this site do not come back before it is let go.
    held: Option<Site>,
    /// One of them is waiting.
    waits: bool,
    room: Room,
}

/// The call number `nth` of `site` from now on (from 0) meets `fault`.
struct Plan {
    site: Site,
    nth: u64,
    fault: Fault,
}

struct Handle {
    inner: Arc<Mutex<Inner>>,
    inode: usize,
}

impl Default for FaultyDisk {
    fn default() -> Self {
        Self::of(State::default())
    }
}

impl FaultyDisk {
    fn of(state: State) -> Self {
        let room = Room { bytes: u64::MAX, files: u64::MAX };
        let inner = Inner {
            state,
            log: None,
            asked: BTreeMap::new(),
            plans: Vec::new(),
            met: Vec::new(),
            lies: false,
            held: None,
            waits: false,
            room,
        };
        Self { inner: Arc::new(Mutex::new(inner)) }
    }

    /// One whose syncs do nothing and say that all is well: whoever looks for losses must find some here.
    pub fn lying() -> Self {
        let disk = Self::default();
        disk.lock().lies = true;
        disk
    }

    /// Another disk with the same files, durable as far as they are here.
    pub fn twin(&self) -> Self {
        Self::of(self.lock().state.clone())
    }

    /// The call number `nth` of `site` from now on (from 0) meets `fault`.
    pub fn plan(&self, site: Site, nth: u64, fault: Fault) {
        let inner = &mut *self.lock();
        let nth = nth + inner.asked.get(&site).copied().unwrap_or(0);
        inner.plans.push(Plan { site, nth, fault });
    }

    /// From now on no sync of `site` comes back, until `let_go`: the time in which nothing may be told yet.
    pub fn hold(&self, site: Site) {
        self.lock().held = Some(site);
    }

    /// Whether a sync is being held.
    pub fn holds(&self) -> bool {
        self.lock().waits
    }

    pub fn let_go(&self) {
        let inner = &mut *self.lock();
        (inner.held, inner.waits) = (None, false);
    }

    /// How often each site was asked.
    pub fn asked(&self) -> BTreeMap<Site, u64> {
        self.lock().asked.clone()
    }

    /// The faults that were met.
    pub fn met(&self) -> Vec<(Site, Fault)> {
        self.lock().met.clone()
    }

    /// No more faults. What is in memory stays, as after a restart of the process alone.
    pub fn repair(&self) {
        self.lock().plans.clear();
    }

    /// The power goes: what was not synced is lost as `loss` says.
    pub fn cut_power(&self, loss: Loss) {
        let inner = &mut *self.lock();
        inner.state.cut_power(loss);
        inner.log = None;
    }

    /// How much there is room for; what is written takes it, what is removed gives it back.
    pub fn set_room(&self, room: Room) {
        self.lock().room = room;
    }

    /// From now on changes are written down.
    pub fn record(&self) -> Replay {
        let inner = &mut *self.lock();
        inner.log = Some(Vec::new());
        Replay::from(inner.state.clone())
    }

    /// How many changes were written down.
    pub fn recorded(&self) -> usize {
        self.lock().log.as_ref().map_or(0, Vec::len)
    }

    /// A file that somebody else made, durable.
    pub fn plant(&self, path: &Path, bytes: &[u8]) {
        self.lock().change(Change::Plant(path.to_owned(), bytes.into()));
    }

    /// Writes into a file from outside, unsynced.
    pub fn scribble(&self, path: &Path, offset: u64, bytes: &[u8]) {
        let inner = &mut *self.lock();
        if let Some(Node::File(inode)) = inner.state.node(path) {
            inner.change(Change::Write(inode, offset, bytes.into()));
        }
    }

    /// The bytes of a file as they can be read now.
    pub fn bytes(&self, path: &Path) -> Option<Vec<u8>> {
        self.lock().state.bytes(path).map(<[u8]>::to_vec)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        lock(&self.inner)
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    fn change(&mut self, change: Change) {
        if let Some(log) = &mut self.log {
            log.push(change.clone());
        }
        self.state.apply(change);
    }

    /// Counts a call and tells what goes wrong with it.
    fn meet(&mut self, site: Site, call: Call) -> Option<Fault> {
        assert_eq!(site.call(), call, "{site:?} was asked for another call than its table says");
        let asked = self.asked.entry(site).or_default();
        let number = *asked;
        *asked += 1;
        let at = self.plans.iter().position(|plan| plan.site == site && plan.nth == number)?;
        let fault = self.plans.remove(at).fault;
        self.met.push((site, fault));
        if fault == Fault::HalfThenFull {
            self.plans.push(Plan { site, nth: number + 1, fault: Fault::Enospc });
        }
        Some(fault)
    }

    /// As `meet`, for calls that cannot be done by half.
    fn ask(&mut self, site: Site, call: Call) -> io::Result<()> {
        self.meet(site, call).map_or(Ok(()), |fault| Err(fault.error()))
    }

    fn node(&self, path: &Path) -> io::Result<Node> {
        self.state.node(path).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn take_file(&mut self) -> io::Result<()> {
        if self.room.files == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.room.files -= u64::from(self.room.files != u64::MAX);
        Ok(())
    }

    /// Room for what goes past the end of a file; how many of `bytes` fit.
    fn take_bytes(&mut self, inode: usize, offset: u64, bytes: usize) -> io::Result<usize> {
        if self.room.bytes == u64::MAX {
            return Ok(bytes);
        }
        let len = self.state.len(inode);
        let within = len.saturating_sub(offset).min(bytes as u64);
        let fits = (within + self.room.bytes).min(bytes as u64);
        if fits == 0 && bytes > 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.room.bytes -= fits - within;
        Ok(fits as usize)
    }

    fn give_bytes(&mut self, bytes: u64) {
        self.room.bytes = self.room.bytes.saturating_add(bytes);
    }
}

impl Disk for FaultyDisk {
    fn make_dir(&self, site: Site, path: &Path) -> io::Result<()> {
        let inner = &mut *self.lock();
        inner.ask(site, Call::MakeDir)?;
        inner.change(Change::MakeDir(path.to_owned()));
        Ok(())
    }

    fn create(&self, site: Site, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let inner = &mut *self.lock();
        inner.ask(site, Call::Create)?;
        if inner.state.node(path).is_some() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        inner.node(path.parent().unwrap_or(path))?;
        inner.take_file()?;
        let inode = inner.state.next_inode();
        inner.change(Change::Create(path.to_owned()));
        Ok(Arc::new(Handle { inner: self.inner.clone(), inode }))
    }

    fn open(&self, site: Site, path: &Path, _: Access) -> io::Result<Arc<dyn DiskFile>> {
        let inner = &mut *self.lock();
        inner.ask(site, Call::Open)?;
        match inner.node(path)? {
            Node::File(inode) => Ok(Arc::new(Handle { inner: self.inner.clone(), inode })),
            Node::Folder => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    fn meta(&self, site: Site, path: &Path) -> io::Result<Meta> {
        let inner = &mut *self.lock();
        inner.ask(site, Call::Meta)?;
        let bytes = match inner.node(path)? {
            Node::File(inode) => inner.state.len(inode),
            Node::Folder => 0,
        };
        Ok(Meta { bytes, modified: SystemTime::now() })
    }

    fn list(&self, site: Site, folder: &Path) -> io::Result<Vec<String>> {
        let inner = &mut *self.lock();
        inner.ask(site, Call::List)?;
        inner.node(folder)?;
        Ok(inner.state.list(folder))
    }

    fn rename(&self, site: Site, from: &Path, to: &Path) -> io::Result<()> {
        let inner = &mut *self.lock();
        inner.ask(site, Call::Rename)?;
        inner.node(from)?;
        inner.node(to.parent().unwrap_or(to))?;
        // Another first folder is another disk.
        if from.components().next() != to.components().next() {
            return Err(io::ErrorKind::CrossesDevices.into());
        }
        inner.change(Change::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn make_private(&self, site: Site, path: &Path) -> io::Result<()> {
        let inner = &mut *self.lock();
        inner.ask(site, Call::MakePrivate)?;
        inner.node(path).map(drop)
    }

    fn remove(&self, site: Site, path: &Path) -> io::Result<()> {
        let inner = &mut *self.lock();
        inner.ask(site, Call::Remove)?;
        if let Node::File(inode) = inner.node(path)? {
            let bytes = inner.state.len(inode);
            inner.give_bytes(bytes);
            inner.room.files = inner.room.files.saturating_add(1);
        }
        inner.change(Change::Remove(path.to_owned()));
        Ok(())
    }

    fn sync_dir(&self, site: Site, folder: &Path) -> io::Result<()> {
        let inner = &mut *self.lock();
        inner.ask(site, Call::SyncDir)?;
        inner.node(folder)?;
        if !inner.lies {
            inner.change(Change::SyncFolder(folder.to_owned()));
        }
        Ok(())
    }

    fn room(&self, site: Site, _: &Path) -> io::Result<Room> {
        let inner = &mut *self.lock();
        inner.ask(site, Call::Room)?;
        Ok(inner.room)
    }
}

impl Handle {
    fn is_held(&self, site: Site) -> bool {
        let inner = &mut *lock(&self.inner);
        let held = inner.held == Some(site);
        inner.waits |= held;
        held
    }
}

impl DiskFile for Handle {
    fn write_at(&self, site: Site, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let inner = &mut *lock(&self.inner);
        let wanted = match inner.meet(site, Call::Write) {
            None => bytes.len(),
            Some(Fault::Short | Fault::HalfThenFull) => bytes.len().div_ceil(2),
            Some(fault) => return Err(fault.error()),
        };
        let fits = inner.take_bytes(self.inode, offset, wanted)?;
        inner.change(Change::Write(self.inode, offset, bytes[..fits].into()));
        Ok(fits)
    }

    fn read_at(&self, site: Site, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let inner = &mut *lock(&self.inner);
        let wanted = match inner.meet(site, Call::Read) {
            None => buffer.len(),
            Some(Fault::Short) => buffer.len().div_ceil(2),
            Some(fault) => return Err(fault.error()),
        };
        let read = inner.state.read(self.inode, offset, &mut buffer[..wanted]);
        Ok(read)
    }

    fn sync_data(&self, site: Site) -> io::Result<()> {
        while self.is_held(site) {
            std::thread::sleep(Duration::from_millis(1));
        }
        let inner = &mut *lock(&self.inner);
        match inner.meet(site, Call::Sync) {
            None if inner.lies => {}
            None => inner.change(Change::Sync(self.inode)),
            Some(Fault::Eintr) => return Err(Fault::Eintr.error()),
            Some(fault) => {
                // The pages are called clean and never reach the disk; they can still be read.
                inner.change(Change::Forget(self.inode));
                return Err(fault.error());
            }
        }
        Ok(())
    }

    fn truncate(&self, site: Site, bytes: u64) -> io::Result<()> {
        let inner = &mut *lock(&self.inner);
        inner.ask(site, Call::Truncate)?;
        let before = inner.state.len(self.inode);
        inner.give_bytes(before.saturating_sub(bytes));
        inner.change(Change::Truncate(self.inode, bytes));
        Ok(())
    }

    fn meta(&self, site: Site) -> io::Result<Meta> {
        let inner = &mut *lock(&self.inner);
        inner.ask(site, Call::Meta)?;
        Ok(Meta { bytes: inner.state.len(self.inode), modified: SystemTime::now() })
    }
}
