//! A file system in memory, mounted over FUSE, that keeps what was synced and forgets the rest when its power is cut: file contents
//! without fsync, names without an fsync of their folder. Enough of a file system for a journal and for sled, and no more.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    path::Path,
    process::{Command, Stdio},
    sync::{Arc, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use fuser::{
    BackgroundSession, BsdFileFlags, Config, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags,
    Generation, INodeNo, LockOwner, MountOption, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow,
    WriteFlags,
};

/// Nothing may be cached by name or size: a cut changes both.
const TTL: Duration = Duration::ZERO;

/// Children of a dead server, and threads of a store that was just let go, end a moment later and hold their files until then.
pub fn take_away(session: BackgroundSession, at: &Path) {
    let begun = Instant::now();
    while !Command::new("umount").arg(at).stderr(Stdio::null()).status().unwrap().success() {
        assert!(begun.elapsed() < Duration::from_secs(20), "somebody holds {}", at.display());
        thread::sleep(Duration::from_millis(20));
    }
    // It may find itself gone already.
    let _ = session.umount_and_join();
}

#[derive(Clone, Default)]
pub struct Forgetful(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    nodes: BTreeMap<u64, Node>,
    names: Names,
    durable_names: Names,
    dead: bool,
    pub syncs: u64,
}

type Names = BTreeMap<(u64, OsString), u64>;

struct Node {
    folder: bool,
    mode: u16,
    bytes: Vec<u8>,
    durable: Vec<u8>,
}

impl Node {
    fn new(folder: bool, mode: u32) -> Self {
        Self { folder, mode: (mode & 0o7777) as u16, bytes: Vec::new(), durable: Vec::new() }
    }
}

impl Forgetful {
    pub fn new() -> Self {
        let disk = Self::default();
        disk.state().nodes.insert(INodeNo::ROOT.0, Node::new(true, 0o755));
        disk
    }

    /// `Err` where this machine or user cannot mount.
    pub fn mount(&self, at: &Path) -> std::io::Result<BackgroundSession> {
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("forgetful".into())];
        fuser::spawn_mount(self.clone(), at, &config)
    }

    /// From now on every call fails, so nothing more can be acknowledged.
    pub fn cut_power(&self) {
        self.state().dead = true;
    }

    /// The power is back; only what was synced is there.
    pub fn power_on(&self) {
        let state = &mut *self.state();
        state.names = state.durable_names.clone();
        state.nodes.values_mut().for_each(|node| node.bytes.clone_from(&node.durable));
        state.dead = false;
    }

    /// What the kernel does on its own every few seconds: everything reaches the disk.
    pub fn write_back(&self) {
        let state = &mut *self.state();
        state.durable_names = state.names.clone();
        state.nodes.values_mut().for_each(|node| node.durable.clone_from(&node.bytes));
    }

    pub fn syncs(&self) -> u64 {
        self.state().syncs
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn live(&self) -> Result<MutexGuard<'_, State>, Errno> {
        let state = self.state();
        if state.dead { Err(Errno::EIO) } else { Ok(state) }
    }
}

impl State {
    fn attr(&self, ino: u64) -> Result<FileAttr, Errno> {
        let node = self.nodes.get(&ino).ok_or(Errno::ENOENT)?;
        let size = node.bytes.len() as u64;
        Ok(FileAttr {
            ino: INodeNo(ino),
            size,
            blocks: size.div_ceil(512),
            atime: UNIX_EPOCH,
            mtime: UNIX_EPOCH,
            ctime: UNIX_EPOCH,
            crtime: UNIX_EPOCH,
            kind: if node.folder { FileType::Directory } else { FileType::RegularFile },
            perm: node.mode,
            nlink: if node.folder { 2 } else { 1 },
            uid: 0,
            gid: 0,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        })
    }

    fn find(&self, parent: INodeNo, name: &OsStr) -> Result<u64, Errno> {
        self.names.get(&(parent.0, name.to_owned())).copied().ok_or(Errno::ENOENT)
    }

    fn file(&mut self, ino: INodeNo) -> Result<&mut Node, Errno> {
        self.nodes.get_mut(&ino.0).ok_or(Errno::ENOENT)
    }

    fn make(&mut self, parent: INodeNo, name: &OsStr, node: Node) -> Result<FileAttr, Errno> {
        let ino = self.nodes.keys().max().copied().unwrap_or(0) + 1;
        self.nodes.insert(ino, node);
        self.names.insert((parent.0, name.to_owned()), ino);
        self.attr(ino)
    }

    fn sync_names(&mut self, folder: u64) {
        self.durable_names.retain(|(parent, _), _| *parent != folder);
        let inside = self.names.iter().filter(|((parent, _), _)| *parent == folder);
        self.durable_names.extend(inside.map(|(name, ino)| (name.clone(), *ino)));
    }
}

/// Answers with what was found, or with the error number.
macro_rules! answer {
    ($reply:ident, $result:expr, |$found:pat_param| $ok:expr) => {
        match $result {
            Ok($found) => $ok,
            Err(error) => $reply.error(error),
        }
    };
}

impl Filesystem for Forgetful {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let found = self.live().and_then(|state| state.attr(state.find(parent, name)?));
        answer!(reply, found, |attr| reply.entry(&TTL, &attr, Generation(0)));
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        answer!(reply, self.live().and_then(|state| state.attr(ino.0)), |attr| reply.attr(&TTL, &attr));
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let set = || -> Result<_, Errno> {
            let mut state = self.live()?;
            let node = state.file(ino)?;
            node.mode = mode.map_or(node.mode, |mode| (mode & 0o7777) as u16);
            if let Some(size) = size {
                node.bytes.resize(size as usize, 0);
            }
            state.attr(ino.0)
        };
        answer!(reply, set(), |attr| reply.attr(&TTL, &attr));
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, mode: u32, _: u32, reply: ReplyEntry) {
        let made = self.live().and_then(|mut state| state.make(parent, name, Node::new(true, mode)));
        answer!(reply, made, |attr| reply.entry(&TTL, &attr, Generation(0)));
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        // The node stays: an open handle or a durable name may still lead to it.
        let gone = self.live().map(|mut state| state.names.remove(&(parent.0, name.to_owned())).is_some());
        answer!(reply, gone, |_| reply.ok());
    }

    fn rmdir(&self, request: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        self.unlink(request, parent, name, reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let moved = || -> Result<_, Errno> {
            let mut state = self.live()?;
            let ino = state.find(parent, name)?;
            state.names.remove(&(parent.0, name.to_owned()));
            state.names.insert((new_parent.0, new_name.to_owned()), ino);
            Ok(())
        };
        answer!(reply, moved(), |()| reply.ok());
    }

    fn create(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        let made = self.live().and_then(|mut state| state.make(parent, name, Node::new(false, mode)));
        answer!(reply, made, |attr| reply.created(
            &TTL,
            &attr,
            Generation(0),
            FileHandle(0),
            FopenFlags::empty()
        ));
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let read = || -> Result<_, Errno> {
            let mut state = self.live()?;
            let rest = state.file(ino)?.bytes.get(offset as usize..).unwrap_or_default();
            Ok(rest[..rest.len().min(size as usize)].to_vec())
        };
        answer!(reply, read(), |bytes| reply.data(&bytes));
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        let write = || -> Result<_, Errno> {
            let mut state = self.live()?;
            let bytes = &mut state.file(ino)?.bytes;
            let (from, to) = (offset as usize, offset as usize + data.len());
            bytes.resize(bytes.len().max(to), 0);
            bytes[from..to].copy_from_slice(data);
            Ok(())
        };
        answer!(reply, write(), |()| reply.written(data.len() as u32));
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        // Called at close, which makes nothing durable.
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let synced = || -> Result<_, Errno> {
            let mut state = self.live()?;
            state.syncs += 1;
            let node = state.file(ino)?;
            node.durable.clone_from(&node.bytes);
            Ok(())
        };
        answer!(reply, synced(), |()| reply.ok());
    }

    fn readdir(&self, _: &Request, ino: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let Ok(state) = self.live() else { return reply.error(Errno::EIO) };
        let inside = state.names.iter().filter(|((parent, _), _)| *parent == ino.0);
        for (number, ((_, name), child)) in (1u64..).zip(inside).skip(offset as usize) {
            let folder = state.nodes.get(child).is_some_and(|node| node.folder);
            let kind = if folder { FileType::Directory } else { FileType::RegularFile };
            if reply.add(INodeNo(*child), number, kind, name) {
                break;
            }
        }
        reply.ok();
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        let synced = self.live().map(|mut state| state.sync_names(ino.0));
        answer!(reply, synced, |()| reply.ok());
    }

    fn opendir(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(0), FopenFlags::empty());
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        reply.statfs(1 << 30, 1 << 30, 1 << 30, 1 << 20, 1 << 20, 4096, 255, 4096);
    }
}
