//! The room where files are made before they get their names: a folder beside those of the profiles, with sound that was rendered, the file that is worked
//! at, and a note for every file that is finished. It belongs to one job; another job begins with an empty one. Never here: what a file is made of.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::MadeFile;
use crate::{DspError, album, digest::digest_of};

/// No profile's folder begins with a point.
const NAME: &str = ".making";
const LOCK: &str = "lock";
const KEY: &str = "job";
/// A note has some hundred bytes.
const NOTE_MAX_BYTES: u64 = 1 << 16;

/// A file under its name, and what was measured in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Finished {
    pub file: MadeFile,
    pub levels: Option<Levels>,
}

/// Beside those of [`MadeFile`]. `None`: silence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Levels {
    pub range_lu: f64,
    pub max_momentary_lufs: Option<f64>,
    pub max_short_term_lufs: Option<f64>,
    pub sample_peak_dbfs: Option<f64>,
    pub clipped_samples: u64,
    pub over_full_scale: u64,
    /// The songs in whose stretch these samples are.
    pub over_songs: Vec<usize>,
}

impl Levels {
    pub fn of(made: &album::Made) -> Levels {
        let it = &made.measurement;
        let level = |db: f64| Some(db).filter(|db| db.is_finite());
        Levels {
            range_lu: it.loudness_range_lu,
            max_momentary_lufs: level(it.max_momentary_lufs),
            max_short_term_lufs: level(it.max_short_term_lufs),
            sample_peak_dbfs: level(it.sample_peak_dbfs),
            clipped_samples: it.clipped_samples,
            over_full_scale: made.over_full_scale,
            over_songs: made.overs.iter().map(|(song, _)| *song).collect(),
        }
    }
}

pub(super) struct Room {
    out_dir: PathBuf,
    dir: PathBuf,
    /// Held as long as the room is used; the system lets go of it where the program ends in whatever way.
    _lock: File,
}

impl Room {
    /// The room of a job: as it was left, where it is this job's. Errors: `Write`; `Invalid` where another run is in it.
    pub fn open(out_dir: &Path, key: &str) -> Result<Room, DspError> {
        let dir = out_dir.join(NAME);
        fs::create_dir_all(&dir).map_err(|e| DspError::write(&dir, e))?;
        let room = Room { out_dir: out_dir.to_owned(), _lock: lock(&dir)?, dir };
        let stands = fs::read_to_string(room.dir.join(KEY)).is_ok_and(|it| it == key);
        if !stands {
            room.empty(|name| name != LOCK)?;
            room.put(&room.dir.join(KEY), key.as_bytes())?;
        }
        // What a run that was killed had in its hands.
        room.empty(|name| !matches!(name, LOCK | KEY | "sound" | "notes"))?;
        for name in ["sound", "notes", "bench"] {
            let dir = room.dir.join(name);
            fs::create_dir_all(&dir).map_err(|e| DspError::write(&dir, e))?;
        }
        sweep(&room.sound())?;
        sweep(&room.dir.join("notes"))?;
        Ok(room)
    }

    /// Sound that was rendered.
    pub fn sound(&self) -> PathBuf {
        self.dir.join("sound")
    }

    /// A free place for the file that is worked at.
    pub fn bench(&self, name: &str) -> Result<PathBuf, DspError> {
        let path = self.dir.join("bench").join(name);
        remove(&path)?;
        Ok(path)
    }

    pub fn out(&self, path: &str) -> PathBuf {
        self.out_dir.join(path)
    }

    /// What was noted of a file, if it still is what the note says.
    pub fn finished(
        &self,
        order: usize,
        path: &str,
        still: &mut dyn FnMut() -> Result<(), DspError>,
    ) -> Result<Option<Finished>, DspError> {
        let note = self.note_path(order);
        let readable = fs::metadata(&note).is_ok_and(|it| it.is_file() && it.len() <= NOTE_MAX_BYTES);
        let said = if readable { fs::read(&note).ok() } else { None };
        let Some(said) = said.and_then(|it| serde_json::from_slice::<Finished>(&it).ok()) else {
            return Ok(None);
        };
        if format!("{}/{}", said.file.folder, said.file.name) != path {
            return Ok(None);
        }
        let plain =
            fs::symlink_metadata(self.out(path)).is_ok_and(|it| it.is_file() && it.len() == said.file.bytes);
        if !plain {
            return Ok(None);
        }
        match digest_of(&self.out(path), &mut |_| still()) {
            Ok(there) => Ok(Some(said).filter(|said| there.sha256 == said.file.sha256)),
            Err(DspError::Stopped) => Err(DspError::Stopped),
            // Gone or unreadable: it is made anew.
            Err(_) => Ok(None),
        }
    }

    pub fn note(&self, order: usize, finished: &Finished) -> Result<(), DspError> {
        let text = serde_json::to_vec(finished)
            .map_err(|error| DspError::Invalid(format!("a note cannot be written: {error}")))?;
        // It need not outlast a power cut: the file is looked at again, and without its note it is made anew.
        self.put_in(&self.note_path(order), &text, false)
    }

    fn note_path(&self, order: usize) -> PathBuf {
        self.dir.join("notes").join(format!("{order:05}.json"))
    }

    /// A text, whole or not at all, readable for whom new files are readable.
    pub fn put(&self, path: &Path, bytes: &[u8]) -> Result<(), DspError> {
        self.put_in(path, bytes, true)
    }

    fn put_in(&self, path: &Path, bytes: &[u8], lasting: bool) -> Result<(), DspError> {
        let mut part = tempfile::Builder::new();
        part.prefix("text-").suffix(".part");
        #[cfg(unix)]
        part.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let at_write = |source| DspError::write(path, source);
        let mut part = part.tempfile_in(&self.dir).map_err(at_write)?;
        part.write_all(bytes).map_err(at_write)?;
        if lasting {
            part.as_file().sync_data().map_err(at_write)?;
        }
        folder_of(path)?;
        part.persist(path).map_err(|error| at_write(error.error))?;
        Ok(())
    }

    /// Gives a file of the bench its name. What stood there is replaced.
    pub fn place(&self, bench: &Path, path: &str) -> Result<(), DspError> {
        let to = self.out(path);
        folder_of(&to)?;
        fs::rename(bench, &to).map_err(|e| DspError::write(&to, e))?;
        // Of two names of one file the system renames none.
        remove(bench)
    }

    /// Takes away rendered sound that nobody waits for.
    pub fn let_go(&self, raw: &str) -> Result<(), DspError> {
        remove(&self.sound().join(raw))?;
        remove(&self.sound().join(format!("{raw}.done")))
    }

    fn empty(&self, what: impl Fn(&str) -> bool) -> Result<(), DspError> {
        let at = |e| DspError::write(&self.dir, e);
        for entry in fs::read_dir(&self.dir).map_err(at)? {
            let entry = entry.map_err(at)?;
            if what(&entry.file_name().to_string_lossy()) {
                remove(&entry.path())?;
            }
        }
        Ok(())
    }
}

/// Lays the same bytes under another name: as a link where the file system can, else as a copy.
pub(super) fn twin(
    from: &Path,
    to: &Path,
    still: &mut dyn FnMut(f64) -> Result<(), DspError>,
) -> Result<(), DspError> {
    if fs::hard_link(from, to).is_ok() {
        return still(1.0);
    }
    copy(from, to, still)
}

fn copy(from: &Path, to: &Path, still: &mut dyn FnMut(f64) -> Result<(), DspError>) -> Result<(), DspError> {
    let at_write = |e| DspError::write(to, e);
    let mut source = File::open(from).map_err(|e| DspError::open(from, e))?;
    let total = source.metadata().map_err(|e| DspError::open(from, e))?.len().max(1);
    let mut copy = File::create_new(to).map_err(at_write)?;
    let (mut piece, mut at) = (vec![0; 1 << 18], 0u64);
    loop {
        let count = io::Read::read(&mut source, &mut piece).map_err(|e| DspError::open(from, e))?;
        if count == 0 {
            break;
        }
        copy.write_all(&piece[..count]).map_err(at_write)?;
        at += count as u64;
        still(at as f64 / total as f64)?;
    }
    copy.sync_data().map_err(at_write)
}

/// Takes the room of a record away. Errors: `Write`; `Invalid` where a run is in it.
pub(super) fn clear(out_dir: &Path) -> Result<(), DspError> {
    let dir = out_dir.join(NAME);
    if !dir.exists() {
        return Ok(());
    }
    let _lock = lock(&dir)?;
    remove(&dir)
}

/// Everything beneath a folder of a profile that is no file of `known`, the first of it.
pub(super) fn stranger(
    out_dir: &Path,
    profile: &str,
    known: &dyn Fn(&str) -> bool,
) -> Result<Option<PathBuf>, DspError> {
    let mut open = vec![profile.to_owned()];
    while let Some(folder) = open.pop() {
        let dir = out_dir.join(&folder);
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(DspError::open(&dir, error)),
        };
        for entry in entries {
            let entry = entry.map_err(|e| DspError::open(&dir, e))?;
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            let kind = entry.file_type().map_err(|e| DspError::open(&entry.path(), e))?;
            if kind.is_dir() {
                open.push(path);
            } else if !kind.is_file() || !known(&path) {
                return Ok(Some(entry.path()));
            }
        }
    }
    Ok(None)
}

fn lock(dir: &Path) -> Result<File, DspError> {
    let path = dir.join(LOCK);
    let file = File::create(&path).map_err(|e| DspError::write(&path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DspError::Invalid(format!(
            "the record in {} is being made by another run: wait for it, or stop it",
            dir.parent().unwrap_or(dir).display()
        ))),
        Err(TryLockError::Error(error)) => Err(DspError::write(&path, error)),
    }
}

/// Halves that a killed writer left.
fn sweep(dir: &Path) -> Result<(), DspError> {
    for entry in fs::read_dir(dir).map_err(|e| DspError::write(dir, e))? {
        let path = entry.map_err(|e| DspError::write(dir, e))?.path();
        if path.extension().is_some_and(|it| it == "part") {
            remove(&path)?;
        }
    }
    Ok(())
}

fn folder_of(path: &Path) -> Result<(), DspError> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(|e| DspError::write(folder, e))
}

fn remove(path: &Path) -> Result<(), DspError> {
    let gone = match fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match gone {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(DspError::write(path, error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_no_link_can_be_made_the_copy_is_whole_and_can_be_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        let bytes: Vec<u8> = (0..700_000u32).map(|n| (n % 251) as u8).collect();
        fs::write(&from, &bytes).unwrap();
        let mut parts = Vec::new();
        copy(&from, &to, &mut |part| {
            parts.push(part);
            Ok(())
        })
        .unwrap();
        assert!(fs::read(&to).unwrap() == bytes);
        assert!(parts.len() > 2 && parts.is_sorted() && parts.last() == Some(&1.0), "{parts:?}");
        assert!(copy(&from, &to, &mut |_| Ok(())).is_err(), "what stands there is not written over");
        let stopped = copy(&from, &dir.path().join("other"), &mut |_| Err(DspError::Stopped));
        assert!(matches!(stopped, Err(DspError::Stopped)));
    }

    #[test]
    fn a_room_belongs_to_one_job_and_what_was_left_half_is_swept() {
        let dir = tempfile::tempdir().unwrap();
        let still = &mut || Ok(());
        let room = Room::open(dir.path(), "one").unwrap();
        assert!(matches!(Room::open(dir.path(), "one"), Err(DspError::Invalid(_))));
        let bench = room.bench("a.txt").unwrap();
        room.put(&bench, b"text").unwrap();
        room.place(&bench, "p/f/a.txt").unwrap();
        let sha256 = digest_of(&room.out("p/f/a.txt"), &mut |_| Ok(())).unwrap().sha256;
        let file =
            MadeFile { folder: "p/f".into(), name: "a.txt".into(), sha256, bytes: 4, ..MadeFile::default() };
        let finished = Finished { file, levels: None };
        room.note(3, &finished).unwrap();
        fs::write(room.sound().join("0000.wav"), b"sound").unwrap();
        for half in ["sound/.deadwax-x.part", "bench/half.wav", "notes/00004.json", "text-1.part"] {
            fs::write(dir.path().join(NAME).join(half), b"{").unwrap();
        }
        drop(room);
        let room = Room::open(dir.path(), "one").unwrap();
        assert_eq!(room.finished(3, "p/f/a.txt", still).unwrap(), Some(finished));
        assert_eq!(room.finished(3, "p/f/b.txt", still).unwrap(), None, "a note of another file");
        assert_eq!(room.finished(4, "p/f/a.txt", still).unwrap(), None, "half a note");
        assert!(room.sound().join("0000.wav").exists());
        for half in ["sound/.deadwax-x.part", "bench/half.wav", "text-1.part"] {
            assert!(!dir.path().join(NAME).join(half).exists(), "{half}");
        }
        fs::write(dir.path().join("p/f/a.txt"), b"tent").unwrap();
        assert_eq!(room.finished(3, "p/f/a.txt", still).unwrap(), None, "it was changed");
        drop(room);
        let room = Room::open(dir.path(), "two").unwrap();
        assert!(!room.sound().join("0000.wav").exists());
        assert_eq!(room.finished(3, "p/f/a.txt", still).unwrap(), None);
        drop(room);
        clear(dir.path()).unwrap();
        assert!(!dir.path().join(NAME).exists() && dir.path().join("p/f/a.txt").exists());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_place_of_a_file_does_not_count_as_it() {
        let dir = tempfile::tempdir().unwrap();
        let room = Room::open(dir.path(), "one").unwrap();
        let bench = room.bench("a.txt").unwrap();
        room.put(&bench, b"text").unwrap();
        room.place(&bench, "p/a.txt").unwrap();
        let sha256 = digest_of(&room.out("p/a.txt"), &mut |_| Ok(())).unwrap().sha256;
        let file =
            MadeFile { folder: "p".into(), name: "a.txt".into(), sha256, bytes: 4, ..MadeFile::default() };
        room.note(0, &Finished { file, levels: None }).unwrap();
        fs::rename(room.out("p/a.txt"), dir.path().join("elsewhere")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), room.out("p/a.txt")).unwrap();
        assert_eq!(room.finished(0, "p/a.txt", &mut || Ok(())).unwrap(), None);
        let known = |path: &str| path == "p/a.txt";
        assert_eq!(stranger(dir.path(), "p", &known).unwrap(), Some(room.out("p/a.txt")));
    }
}
