//! The file system of this machine, call by call. Never here: what to do about an error.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt},
    path::Path,
    sync::Arc,
    time::SystemTime,
};

use super::{Access, Disk, DiskFile, Meta, Room, Site};

pub struct RealDisk;

impl Disk for RealDisk {
    fn make_dir(&self, _: Site, path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    fn create(&self, _: Site, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Arc::new(file))
    }

    fn open(&self, _: Site, path: &Path, access: Access) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(access == Access::ReadWrite).open(path)?;
        Ok(Arc::new(file))
    }

    fn meta(&self, _: Site, path: &Path) -> io::Result<Meta> {
        fs::metadata(path).map(|found| meta(&found))
    }

    fn list(&self, _: Site, folder: &Path) -> io::Result<Vec<String>> {
        let entries = fs::read_dir(folder)?;
        let names: io::Result<Vec<_>> =
            entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect();
        let mut names = names?;
        names.sort();
        Ok(names)
    }

    fn rename(&self, _: Site, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn make_private(&self, _: Site, path: &Path) -> io::Result<()> {
        fs::set_permissions(path, Permissions::from_mode(0o600))
    }

    fn remove(&self, _: Site, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, _: Site, folder: &Path) -> io::Result<()> {
        File::open(folder)?.sync_all()
    }

    fn room(&self, _: Site, folder: &Path) -> io::Result<Room> {
        let disk = rustix::fs::statvfs(folder)?;
        let bytes = disk.f_bavail.saturating_mul(disk.f_frsize);
        // Some file systems make room for names as they come and tell 0 of 0.
        let files = if disk.f_files == 0 { u64::MAX } else { disk.f_favail };
        Ok(Room { bytes, files })
    }
}

impl DiskFile for File {
    fn write_at(&self, _: Site, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        FileExt::write_at(self, bytes, offset)
    }

    fn read_at(&self, _: Site, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }

    /// On Linux this is fdatasync.
    fn sync_data(&self, _: Site) -> io::Result<()> {
        File::sync_data(self)
    }

    fn truncate(&self, _: Site, bytes: u64) -> io::Result<()> {
        self.set_len(bytes)
    }

    fn meta(&self, _: Site) -> io::Result<Meta> {
        self.metadata().map(|found| meta(&found))
    }
}

fn meta(found: &fs::Metadata) -> Meta {
    Meta { bytes: found.len(), modified: found.modified().unwrap_or(SystemTime::UNIX_EPOCH) }
}
