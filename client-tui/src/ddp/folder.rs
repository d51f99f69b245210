//! The folder as it lies on the disk, seen once. Foreign: a link is never followed, a pipe never waited for, a file never read further than it may be
//! long. Never here: what the files mean.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use super::rules::{
    FILE_EMPTY, FILE_LINK, FILE_MISSING, FILE_SPECIAL, FILE_TOO_LARGE, FILE_UNREADABLE, FOLDER_CROWDED,
    FOLDER_INSIDE, Findings, NAME_CASE,
};

/// A set has five to ten files; more than this is somebody's home.
const ENTRIES_MAX: usize = 2000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    File,
    Folder,
    Link,
    /// A pipe, a socket, a device.
    Special,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub name: String,
    pub kind: Kind,
    pub bytes: u64,
    path: PathBuf,
}

impl Entry {
    /// Only a plain file is opened, whatever has come into its place since the folder was looked at.
    pub fn open(&self) -> io::Result<(File, u64)> {
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
            options.custom_flags(flags.bits().cast_signed());
        }
        let file = options.open(&self.path)?;
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file"));
        }
        Ok((file, meta.len()))
    }
}

#[derive(Debug)]
pub struct Folder {
    entries: BTreeMap<String, Entry>,
}

impl Folder {
    pub fn open(root: &Path, findings: &mut Findings) -> io::Result<Folder> {
        let mut entries = BTreeMap::new();
        for entry in std::fs::read_dir(root)? {
            if entries.len() >= ENTRIES_MAX {
                findings.tell(FOLDER_CROWDED, "", format!("More than {ENTRIES_MAX} entries stand in it."));
                break;
            }
            let entry = entry?;
            let path = entry.path();
            // Of the entry itself: where a link points is nothing that is asked.
            let meta = std::fs::symlink_metadata(&path)?;
            let kind = match meta.file_type() {
                it if it.is_symlink() => Kind::Link,
                it if it.is_dir() => Kind::Folder,
                it if it.is_file() => Kind::File,
                _ => Kind::Special,
            };
            let name = entry.file_name().to_string_lossy().into_owned();
            entries.insert(name.clone(), Entry { name, kind, bytes: meta.len(), path });
        }
        let folder = Folder { entries };
        folder.tell_kinds(findings);
        Ok(folder)
    }

    fn tell_kinds(&self, findings: &mut Findings) {
        for entry in self.entries.values() {
            match entry.kind {
                Kind::File => {}
                Kind::Link => {
                    findings.tell(FILE_LINK, &entry.name, "It is a link, which is not followed.".into());
                }
                Kind::Folder => {
                    findings.tell(FOLDER_INSIDE, &entry.name, "It is a folder inside the set.".into());
                }
                Kind::Special => findings.tell(FILE_SPECIAL, &entry.name, "It is no plain file.".into()),
            }
        }
    }

    pub fn files(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().filter(|entry| entry.kind == Kind::File)
    }

    /// By its name; where only the case of letters differs, that is told.
    pub fn find(&self, name: &str, findings: &mut Findings) -> Option<&Entry> {
        if let Some(entry) = self.entries.get(name) {
            return (entry.kind == Kind::File).then_some(entry);
        }
        let entry = self.files().find(|entry| entry.name.eq_ignore_ascii_case(name))?;
        if !findings.list.iter().any(|it| it.code == NAME_CASE.code && it.file == entry.name) {
            findings.tell(NAME_CASE, &entry.name, format!("It is asked for as {name:?}."));
        }
        Some(entry)
    }

    /// A file that must be there and is small. None: told why.
    pub fn small(&self, name: &str, bytes_max: u64, findings: &mut Findings) -> Option<(String, Vec<u8>)> {
        let Some(entry) = self.find(name, findings) else {
            findings.tell(FILE_MISSING, name, "It is not in the folder.".into());
            return None;
        };
        let shown = entry.name.clone();
        let read = entry.open().and_then(|(file, bytes)| {
            let mut content = Vec::new();
            file.take(bytes_max + 1).read_to_end(&mut content)?;
            Ok((content, bytes))
        });
        match read {
            Err(e) => findings.tell(FILE_UNREADABLE, &shown, format!("It cannot be read: {e}.")),
            Ok((content, bytes)) if content.len() as u64 > bytes_max => {
                findings.tell(
                    FILE_TOO_LARGE,
                    &shown,
                    format!("It has {bytes} bytes; {bytes_max} are the most."),
                );
            }
            Ok((content, _)) if content.is_empty() => {
                findings.tell(FILE_EMPTY, &shown, "It has no content.".into());
            }
            Ok((content, _)) => return Some((shown, content)),
        }
        None
    }
}
