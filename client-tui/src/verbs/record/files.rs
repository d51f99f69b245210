//! The files of a record on this machine: `DIR/<folder>/<name>`, whatever a studio calls them never outside of DIR; what is right stays, what differs is not
//! overwritten unasked, and every digest is checked. For verbs and screens alike. Never here: printing.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use deadwax_proto::v1::RecordRow;

use super::{manifest, strangers};
use crate::{
    net::Client,
    receipt::{approve::of_record, is_digest},
    scrub,
    verbs::{
        VerbError,
        place::{self, Fetched, Standing, aside, failed, make_folder},
    },
};

/// What lies beside the folders of a delivered record.
pub const MANIFEST: &str = "manifest.json";
/// Longer names no file system takes.
const NAME_BYTES_MAX: usize = 255;

/// A file of a record and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub profile: String,
    /// Inside of the folder that was asked for; every part was checked.
    pub folder: PathBuf,
    pub name: String,
    pub sha256: String,
    pub bytes: u64,
}

impl Listed {
    pub fn path(&self) -> PathBuf {
        self.folder.join(&self.name)
    }
}

/// The files of a record, of some profiles or of all. All of them are looked at in either case: a record that lists one file that leads elsewhere is not trusted
/// with the others.
///
/// # Errors
/// Where the list does not fit the fingerprint that is signed, or a name is none.
pub fn listed(row: &RecordRow, only: &[String]) -> Result<Vec<Listed>, VerbError> {
    if row.files.is_empty() {
        return Err(VerbError::no(
            "RECORD_NOT_MADE",
            format!("Record {} has no files yet. {}", row.number, row.waits_for).trim_end().to_owned(),
            "Look at it with `deadwax record show`.",
        ));
    }
    if of_record(row).own_fingerprint() != row.fingerprint {
        return Err(odd(row, "its files do not fit the fingerprint that is signed"));
    }
    let mut taken: BTreeSet<String> = BTreeSet::from([MANIFEST.to_owned()]);
    let mut folders: BTreeSet<String> = BTreeSet::new();
    let mut files = Vec::new();
    for file in &row.files {
        let shown = scrub::cut(&scrub::line(&format!("{}/{}", file.folder, file.name)), 80);
        let mut folder = PathBuf::new();
        for part in file.folder.split('/').filter(|_| !file.folder.is_empty()) {
            if !is_plain(part) {
                return Err(odd(row, &format!("{shown:?} is no place inside of a folder")));
            }
            folder.push(part);
            folders.insert(folded(&folder));
        }
        if !is_plain(&file.name) {
            return Err(odd(row, &format!("{shown:?} is no name of a file")));
        }
        if !is_digest(&file.sha256) {
            return Err(odd(row, &format!("{shown:?} has no digest")));
        }
        // Two names that some file systems take for one would lie in one place.
        if !taken.insert(folded(&folder.join(&file.name))) {
            return Err(odd(row, &format!("{shown:?} is listed twice")));
        }
        let (profile, name) = (file.profile.clone(), file.name.clone());
        files.push(Listed { profile, folder, name, sha256: file.sha256.clone(), bytes: file.bytes });
    }
    if let Some(both) = taken.intersection(&folders).next() {
        return Err(odd(row, &format!("{:?} is a file and a folder", scrub::line(both))));
    }
    Ok(files.into_iter().filter(|it| only.is_empty() || only.contains(&it.profile)).collect())
}

pub(super) fn odd(row: &RecordRow, what: &str) -> VerbError {
    VerbError::no(
        "RECORD_ODD",
        format!("Nothing was fetched. Record {}: {what}.", row.number),
        "Tell the studio: what it lists cannot be trusted.",
    )
}

fn folded(path: &Path) -> String {
    path.to_string_lossy().to_lowercase()
}

/// One part of a path: itself and nothing else, seen in a listing, and nothing that a terminal would obey.
pub(super) fn is_plain(part: &str) -> bool {
    let mut parts = Path::new(part).components();
    let itself = matches!((parts.next(), parts.next()), (Some(Component::Normal(it)), None) if it == part);
    itself
        && part.len() <= NAME_BYTES_MAX
        // Hidden, an option to whoever writes `*` at a shell, or another name than it seems where Windows keeps it.
        && !part.starts_with(['.', '-', ' '])
        && !part.ends_with(['.', ' '])
        && !is_device(part)
        && !part.chars().any(|c| "/\\:*?\"<>|".contains(c) || scrub::is_hostile(c))
}

/// Names that Windows keeps for itself, with any ending.
fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let port = |it: &str| stem.strip_prefix(it).is_some_and(|nth| nth.chars().count() == 1);
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") || port("COM") || port("LPT")
}

/// What is asked of a record: the files, those of it that stay out, and its manifest where it is delivered.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub files: Vec<Listed>,
    pub others: Vec<Listed>,
    pub manifest: Option<String>,
    pub fingerprint: String,
}

impl Asked {
    /// Of some profiles or of all. The manifest was read, and it tells of these files and no others.
    ///
    /// # Errors
    /// As `listed` and `manifest::checked`.
    pub fn of(row: &RecordRow, only: &[String]) -> Result<Asked, VerbError> {
        let all = listed(row, &[])?;
        let manifest = manifest::checked(row)?.map(str::to_owned);
        let (files, others) = all.into_iter().partition(|it| only.is_empty() || only.contains(&it.profile));
        Ok(Asked { files, others, manifest, fingerprint: row.fingerprint.clone() })
    }
}

/// What is to be fetched into a folder, after what lies there was looked at.
#[derive(Debug, Default)]
pub struct Work {
    pub missing: Vec<Listed>,
    pub right: Vec<Listed>,
    /// Files of the record that lay there before, whole as its manifest lists them, which this one has not: they go first.
    pub old: Vec<PathBuf>,
}

/// Looks at what lies there, without changing anything. `over`: files of other bytes are to be replaced.
///
/// # Errors
/// `FILE_EXISTS` names the first that is in the way, and how many more are; so does one that belongs to no file of this record.
pub async fn look(
    dir: &Path,
    asked: &Asked,
    over: bool,
    progress: impl Fn(u64) + Send + 'static,
) -> Result<Work, VerbError> {
    let (dir, asked) = (dir.to_owned(), asked.clone());
    aside(move || {
        if let Some(manifest) = asked.manifest.as_deref().filter(|_| !over)
            && manifest_differs(&dir, manifest)?
        {
            return Err(VerbError::no(
                "FILE_EXISTS",
                format!("{} is of another record; nothing was fetched.", shown(&dir.join(MANIFEST))),
                "Name another folder, or say --force to put this record in its place.",
            ));
        }
        let old = strangers::look(&dir, &asked, over)?;
        let (mut work, mut other) = (Work { old, ..Work::default() }, Vec::new());
        let mut done = 0u64;
        for file in asked.files {
            no_links(&dir, &file.folder)?;
            done = done.saturating_add(file.bytes);
            match place::standing(&dir.join(file.path()), &file.sha256)? {
                Standing::Same => work.right.push(file),
                Standing::Nothing => work.missing.push(file),
                Standing::Other if over => work.missing.push(file),
                Standing::Other => other.push(file),
            }
            progress(done);
        }
        match other.split_first() {
            None => Ok(work),
            Some((first, more)) => Err(in_the_way(&dir.join(first.path()), more.len())),
        }
    })
    .await
}

fn in_the_way(path: &Path, more: usize) -> VerbError {
    let more = if more > 0 { format!(", and so do {more} more") } else { String::new() };
    VerbError::no(
        "FILE_EXISTS",
        format!("{} exists already and holds something else{more}; nothing was fetched.", shown(path)),
        "Name another folder, or say --force to put the files of the record in their place.",
    )
}

/// Takes away what the record before left. Nothing else is ever removed.
pub async fn clear(dir: &Path, old: Vec<PathBuf>) -> Result<usize, VerbError> {
    let dir = dir.to_owned();
    aside(move || {
        for path in &old {
            if let Some(folder) = path.parent() {
                no_links(&dir, folder)?;
            }
            let path = dir.join(path);
            std::fs::remove_file(&path).map_err(failed(&path, "removed"))?;
        }
        Ok(old.len())
    })
    .await
}

/// A folder that something from outside is put into is never a link to another place.
fn no_links(dir: &Path, folder: &Path) -> Result<(), VerbError> {
    let mut path = dir.to_owned();
    for part in folder.components() {
        path.push(part);
        if std::fs::symlink_metadata(&path).is_ok_and(|meta| !meta.is_dir()) {
            return Err(VerbError::no(
                "FILE_EXISTS",
                format!("{} exists and is no folder; it was left alone.", shown(&path)),
                "Move it away, or name another folder.",
            ));
        }
    }
    Ok(())
}

pub(super) fn shown(path: &Path) -> String {
    scrub::line(&path.to_string_lossy())
}

/// Of which record, and where to.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub project_id: &'a str,
    pub record_id: &'a str,
    pub dir: &'a Path,
    pub over: bool,
}

/// Fetches one file; after a cut it goes on where it stopped, now or at the next try.
pub async fn fetch(
    client: &Client,
    place: Place<'_>,
    file: &Listed,
    progress: &(impl Fn(u64, u64) + Sync),
) -> Result<(), VerbError> {
    no_links(place.dir, &file.folder)?;
    let folder = place.dir.join(&file.folder);
    make_folder(&folder)?;
    let wanted = Fetched { sha256: &file.sha256, bytes: file.bytes, name: &file.name };
    place::place(&folder, &wanted, place.over, async |offset: u64, out: &mut place::Hashing| {
        let (project, record) = (place.project_id, place.record_id);
        client.fetch_of_record(project, record, &file.sha256, offset, out, progress).await
    })
    .await?;
    Ok(())
}

/// The frozen manifest, byte for byte, beside the folders.
pub fn put_manifest(dir: &Path, manifest: &str, over: bool) -> Result<PathBuf, VerbError> {
    make_folder(dir)?;
    place::put_bytes(dir, MANIFEST, manifest.as_bytes(), over)
}

/// Whether a manifest of other bytes lies there.
fn manifest_differs(dir: &Path, manifest: &str) -> Result<bool, VerbError> {
    let target = dir.join(MANIFEST);
    match std::fs::symlink_metadata(&target) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(failed(&target, "looked at")(e)),
        Ok(_) => Ok(place::standing(&target, &crate::receipt::digest(manifest))? != Standing::Same),
    }
}

#[cfg(test)]
mod tests {
    use deadwax_proto::v1::RecordFile;

    use super::*;

    fn row(files: &[(&str, &str)]) -> RecordRow {
        let file = |(folder, name): &(&str, &str)| RecordFile {
            profile: "cd".into(),
            folder: (*folder).into(),
            name: (*name).into(),
            sha256: "ab".repeat(32),
            bytes: 3,
            ..RecordFile::default()
        };
        let mut row =
            RecordRow { number: 2, files: files.iter().map(file).collect(), ..RecordRow::default() };
        row.fingerprint = of_record(&row).own_fingerprint();
        row
    }

    #[test]
    fn places_stay_inside_and_are_what_they_say() {
        let files = listed(&row(&[("cd/A-DDP", "IMAGE.DAT"), ("", "notes.txt"), ("cd", "夜 – 1.wav")]), &[]);
        let paths: Vec<_> = files.unwrap().iter().map(Listed::path).collect();
        assert_eq!(paths, ["cd/A-DDP/IMAGE.DAT", "notes.txt", "cd/夜 – 1.wav"].map(PathBuf::from));
        let long = "x".repeat(256);
        for (folder, name) in [
            ("..", "a"),
            ("cd/../..", "a"),
            ("/etc", "a"),
            ("cd//x", "a"),
            ("cd/", "a"),
            ("cd", "../a"),
            ("cd", "/etc/passwd"),
            ("cd", ".."),
            ("cd", "."),
            ("cd", ""),
            ("cd", "a/b"),
            ("cd", "a\\b"),
            ("cd", "a\0b"),
            ("cd", "a\u{1b}[2J"),
            ("cd", "a\u{202e}gnp"),
            (".ssh", "authorized_keys"),
            ("cd", ".bashrc"),
            ("cd", "-rf"),
            ("cd", "con.wav"),
            ("LPT1", "a"),
            ("cd", "a.wav:b"),
            ("cd", "a.wav. "),
            (".deadwax-part", "a"),
            ("cd", &long),
            ("", "manifest.json"),
            ("", "MANIFEST.JSON"),
        ] {
            let error = listed(&row(&[("cd", "fine.wav"), (folder, name)]), &[]).unwrap_err();
            assert_eq!((error.reason(), error.exit_code()), ("RECORD_ODD", 1), "{folder:?} {name:?}");
        }
    }

    #[test]
    fn no_two_files_lie_in_one_place() {
        for files in [
            [("cd", "a.wav"), ("cd", "a.wav")],
            [("cd", "a.wav"), ("CD", "A.WAV")],
            [("cd", "a"), ("cd/A", "b")],
        ] {
            assert_eq!(listed(&row(&files), &[]).unwrap_err().reason(), "RECORD_ODD", "{files:?}");
        }
    }

    #[test]
    fn what_the_fingerprint_does_not_hold_is_not_fetched() {
        let mut other = row(&[("cd", "a.wav"), ("cd", "b.wav")]);
        other.files[1].sha256 = "cd".repeat(32);
        let error = listed(&other, &[]).unwrap_err();
        assert!(error.to_string().contains("fingerprint"), "{error}");
        assert_eq!(listed(&RecordRow::default(), &[]).unwrap_err().reason(), "RECORD_NOT_MADE");
    }
}
