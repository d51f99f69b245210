//! The machine under a simulated server: a disk that keeps what was synced, and the power. Each start of the server gets a plug of its own; once it is out,
//! nothing that is left of that start reaches the disk any more. Never here: when it is pulled (`weather`).

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use deadwax_server::disk::{
    Access, Disk, DiskFile, Meta, Room, Site,
    faulty::{FaultyDisk, Loss},
};

/// What the studio folder is called on the simulated disk: one name, so that it is there before anything is synced.
const STUDIO: &str = "studio";

#[derive(Clone)]
pub struct Plug {
    state: Arc<Mutex<State>>,
    /// As the server calls the studio folder.
    folder: PathBuf,
}

struct State {
    disk: FaultyDisk,
    is_in: bool,
    /// After so many calls of the disk it is out, and un-synced bytes fare so.
    pulled: Option<(u64, Loss)>,
}

impl Plug {
    pub fn of(disk: FaultyDisk, folder: &Path) -> Self {
        let state = Arc::new(Mutex::new(State { disk, is_in: true, pulled: None }));
        Self { state, folder: folder.to_owned() }
    }

    fn on_disk(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.folder).map_or_else(|_| path.to_owned(), |rest| Path::new(STUDIO).join(rest))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Of the process alone: what was written stays in the machine's memory.
    pub fn kill(&self) {
        self.lock().is_in = false;
    }

    pub fn pull(&self, loss: Loss) {
        self.lock().pull(loss);
    }

    pub fn pull_after(&self, calls: u64, loss: Loss) {
        self.lock().pulled = Some((calls, loss));
    }

    pub fn is_in(&self) -> bool {
        self.lock().is_in
    }

    /// Before each call.
    fn check(&self) -> io::Result<FaultyDisk> {
        let mut state = self.lock();
        match &mut state.pulled {
            Some((0, loss)) => {
                let loss = *loss;
                state.pull(loss);
            }
            Some((calls, _)) => *calls -= 1,
            None => {}
        }
        if state.is_in {
            Ok(state.disk.clone())
        } else {
            Err(io::Error::other("the power is off (simulated)"))
        }
    }

    fn file(&self, file: Arc<dyn DiskFile>) -> Arc<dyn DiskFile> {
        Arc::new(Plugged { plug: self.clone(), file })
    }
}

impl State {
    fn pull(&mut self, loss: Loss) {
        if std::mem::take(&mut self.is_in) {
            self.disk.cut_power(loss);
        }
        self.pulled = None;
    }
}

struct Plugged {
    plug: Plug,
    file: Arc<dyn DiskFile>,
}

impl Disk for Plug {
    fn make_dir(&self, site: Site, path: &Path) -> io::Result<()> {
        self.check()?.make_dir(site, &self.on_disk(path))
    }

    fn create(&self, site: Site, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.file(self.check()?.create(site, &self.on_disk(path))?))
    }

    fn open(&self, site: Site, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        Ok(self.file(self.check()?.open(site, &self.on_disk(path), access)?))
    }

    fn meta(&self, site: Site, path: &Path) -> io::Result<Meta> {
        self.check()?.meta(site, &self.on_disk(path))
    }

    fn list(&self, site: Site, folder: &Path) -> io::Result<Vec<String>> {
        self.check()?.list(site, &self.on_disk(folder))
    }

    fn rename(&self, site: Site, from: &Path, to: &Path) -> io::Result<()> {
        self.check()?.rename(site, &self.on_disk(from), &self.on_disk(to))
    }

    fn make_private(&self, site: Site, path: &Path) -> io::Result<()> {
        self.check()?.make_private(site, &self.on_disk(path))
    }

    fn remove(&self, site: Site, path: &Path) -> io::Result<()> {
        self.check()?.remove(site, &self.on_disk(path))
    }

    fn sync_dir(&self, site: Site, folder: &Path) -> io::Result<()> {
        self.check()?.sync_dir(site, &self.on_disk(folder))
    }

    fn room(&self, site: Site, folder: &Path) -> io::Result<Room> {
        self.check()?.room(site, &self.on_disk(folder))
    }
}

impl DiskFile for Plugged {
    fn write_at(&self, site: Site, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.plug.check()?;
        self.file.write_at(site, offset, bytes)
    }

    fn read_at(&self, site: Site, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.plug.check()?;
        self.file.read_at(site, offset, buffer)
    }

    fn sync_data(&self, site: Site) -> io::Result<()> {
        self.plug.check()?;
        self.file.sync_data(site)
    }

    fn truncate(&self, site: Site, bytes: u64) -> io::Result<()> {
        self.plug.check()?;
        self.file.truncate(site, bytes)
    }

    fn meta(&self, site: Site) -> io::Result<Meta> {
        self.plug.check()?;
        self.file.meta(site)
    }
}
