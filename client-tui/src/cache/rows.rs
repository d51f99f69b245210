//! What a person saw of a studio, kept on their machine: desk, list and every project that was opened, so that a start without a line
//! shows them and a watch goes on where it stopped. One folder for each profile and server, readable by its owner only; files are
//! replaced whole or not at all, and one that does not hold its own digest counts as absent. Never here: audio, tokens, screens.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use deadwax_proto::v1::{DeskResponse, DeskRow, ListResponse, Person, ProjectSummary};
use prost::Message as _;
use sha2::{Digest as _, Sha256};

use crate::{
    profile::{Home, Profile},
    tui::rows::{Frozen, Project},
};

/// Changes whenever the layout of a file does; files of another layout count as absent.
const MARK: &[u8; 8] = b"dwkept\x00\x01";
const DIGEST_BYTES: usize = 32;
const VERSION: &str = env!("CARGO_PKG_VERSION");
const RECENT: Duration = Duration::from_secs(12 * 3600);
/// Desk and list are small; what is larger is damage.
const START_BYTES_MAX: u64 = 64 << 20;

/// What stands on the first screens.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Start {
    pub me: Option<Person>,
    pub studio: String,
    pub projects: Vec<ProjectSummary>,
    pub desk: Option<Vec<DeskRow>>,
    /// When desk and list were known to be so, in milliseconds.
    pub at_ms: i64,
    /// When each project was known to be as it is kept.
    pub seen: BTreeMap<String, i64>,
}

/// The folder of one person on one server.
#[derive(Clone, Debug)]
pub struct Kept {
    folder: PathBuf,
}

impl Kept {
    pub fn of(home: &Home, profile: &Profile) -> Kept {
        let who = Sha256::digest(format!("{}\n{}", profile.url, profile.person_id));
        let name = format!("{}-{}", profile.name, hex::encode(&who[..8]));
        Kept { folder: home.folder().join("kept").join(name) }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// `None` where nothing was kept, or nothing that can be read.
    pub fn start(&self) -> Option<Start> {
        read(&self.folder.join("start"), |from| {
            let mut bytes = Vec::new();
            from.take(START_BYTES_MAX).read_to_end(&mut bytes)?;
            start_of(&bytes).ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
        })
    }

    /// # Errors
    /// Those of the disk; what was kept before stays.
    pub fn keep_start(&self, start: &Start) -> io::Result<()> {
        replace(&self.folder.join("start"), |to| to.write_all(&bytes_of(start)))
    }

    /// Rows that another version of this program kept may lack what this one shows: they count as absent.
    pub fn project(&self, project_id: &str) -> Option<Project> {
        read(&self.path(project_id), |mut from| {
            let mut version = [0; VERSION.len()];
            from.read_exact(&mut version)?;
            if version != *VERSION.as_bytes() {
                return Err(io::ErrorKind::InvalidData.into());
            }
            Project::thaw(&mut from)
        })
    }

    /// Whether a watch may go on from what was kept. Names and what was heard change beside the record of a project; after some hours all of
    /// it is fetched anew, while what was kept is on the screen.
    pub fn is_recent(&self, project_id: &str) -> bool {
        let written = fs::metadata(self.path(project_id)).and_then(|it| it.modified());
        written.is_ok_and(|at| at.elapsed().is_ok_and(|age| age < RECENT))
    }

    /// # Errors
    /// Those of the disk; what was kept before stays.
    pub fn keep_project(&self, project_id: &str, rows: &Frozen) -> io::Result<()> {
        replace(&self.path(project_id), |mut to| {
            to.write_all(VERSION.as_bytes())?;
            rows.write(&mut to)
        })
    }

    /// Fine where it was not kept.
    pub fn forget_project(&self, project_id: &str) {
        drop(fs::remove_file(self.path(project_id)));
    }

    /// Everything of this person on this server: who signs out leaves nothing behind.
    pub fn forget(&self) -> io::Result<()> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// What the studio showed; what its person wrote and nobody answered yet stays. Answers whether there was something.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn forget_rows(&self) -> io::Result<bool> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            entries => entries?,
        };
        let mut were_some = false;
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::remove_file(entry.path())?;
                were_some = true;
            }
        }
        Ok(were_some)
    }

    /// The id comes from a server: it names no path.
    fn path(&self, project_id: &str) -> PathBuf {
        let digest = Sha256::digest(project_id);
        self.folder.join(format!("{}.rows", hex::encode(&digest[..16])))
    }
}

fn bytes_of(start: &Start) -> Vec<u8> {
    let list = ListResponse { projects: start.projects.clone() };
    let desk = start.desk.as_ref().map(|rows| DeskResponse { rows: rows.clone() }.encode_to_vec());
    let me = start.me.as_ref().map(Person::encode_to_vec);
    let mut out = start.at_ms.to_le_bytes().to_vec();
    let mut put = |part: &[u8]| {
        out.extend_from_slice(&(part.len() as u64).to_le_bytes());
        out.extend_from_slice(part);
    };
    put(&me.unwrap_or_default());
    put(start.studio.as_bytes());
    put(&list.encode_to_vec());
    put(&[u8::from(desk.is_some())]);
    put(&desk.unwrap_or_default());
    for (project_id, at_ms) in &start.seen {
        put(project_id.as_bytes());
        put(&at_ms.to_le_bytes());
    }
    out
}

fn start_of(bytes: &[u8]) -> Option<Start> {
    let (at_ms, mut rest) = bytes.split_first_chunk::<8>()?;
    let mut take = || {
        let (len, tail) = rest.split_first_chunk::<8>()?;
        let (part, tail) = tail.split_at_checked(usize::try_from(u64::from_le_bytes(*len)).ok()?)?;
        rest = tail;
        Some(part)
    };
    let me = take()?;
    let me = if me.is_empty() { None } else { Some(Person::decode(me).ok()?) };
    let studio = String::from_utf8(take()?.to_vec()).ok()?;
    let projects = ListResponse::decode(take()?).ok()?.projects;
    let has_desk = take()? == [1];
    let desk = DeskResponse::decode(take()?).ok()?.rows;
    let mut seen = BTreeMap::new();
    while let Some(project_id) = take() {
        let at_ms = i64::from_le_bytes(take()?.try_into().ok()?);
        seen.insert(String::from_utf8(project_id.to_vec()).ok()?, at_ms);
    }
    let at_ms = i64::from_le_bytes(*at_ms);
    Some(Start { me, studio, projects, desk: has_desk.then_some(desk), at_ms, seen })
}

/// A new file beside the old one, then renamed over it. The digest of everything stands at its end.
pub(super) fn replace(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    private_folder(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    seal(file.as_file_mut(), fill)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

fn seal(file: &mut fs::File, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut sealed = Sealed { to: BufWriter::new(file), digest: Sha256::new() };
    sealed.write_all(MARK)?;
    fill(&mut sealed)?;
    let digest = sealed.digest.finalize();
    sealed.to.write_all(&digest)?;
    sealed.to.flush()
}

/// `None` where the file is absent, damaged or of another layout: what is kept can be fetched again.
pub(super) fn read<T>(path: &Path, take: impl FnOnce(&mut dyn Read) -> io::Result<T>) -> Option<T> {
    let file = fs::File::open(path).ok()?;
    let len = file.metadata().ok()?.len().checked_sub(DIGEST_BYTES as u64)?;
    let mut from = Opened { from: BufReader::with_capacity(64 << 10, file).take(len), digest: Sha256::new() };
    let mut mark = [0; MARK.len()];
    from.read_exact(&mut mark).ok()?;
    if &mark != MARK {
        return None;
    }
    let taken = take(&mut from).ok()?;
    io::copy(&mut from, &mut io::sink()).ok()?;
    let Opened { from, digest } = from;
    let mut stated = [0; DIGEST_BYTES];
    from.into_inner().read_exact(&mut stated).ok()?;
    (digest.finalize().as_slice() == stated).then_some(taken)
}

struct Sealed<W> {
    to: W,
    digest: Sha256,
}

impl<W: Write> Write for Sealed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

struct Opened<R> {
    from: R,
    digest: Sha256,
}

impl<R: Read> Read for Opened<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(bytes)?;
        self.digest.update(&bytes[..read]);
        Ok(read)
    }
}

#[cfg(unix)]
pub(super) fn private_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
pub(super) fn private_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(test)]
mod tests {
    use super::*;
    use deadwax_proto::v1::{Row, SongRow, Update, row::Row as Of};

    fn profile(url: &str) -> Profile {
        Profile { name: "ana".into(), url: url.into(), person_id: "p1".into(), ..Profile::default() }
    }

    fn project() -> Project {
        let song = SongRow { song_id: "s1".into(), title: "Glass Hour".into(), ..SongRow::default() };
        let row = Row { key: "song/s1".into(), row: Some(Of::Song(song)) };
        let mut rows = Project::default();
        rows.take(Update { seq: 7, snapshot: true, upserts: vec![row], removals: Vec::new() }, 0);
        rows
    }

    fn start() -> Start {
        Start {
            me: Some(Person { person_id: "p1".into(), name: "Ana".into(), ..Person::default() }),
            studio: "Studio Nord".into(),
            projects: vec![ProjectSummary { project_id: "P".into(), ..ProjectSummary::default() }],
            desk: Some(Vec::new()),
            at_ms: 12,
            seen: BTreeMap::from([("P".to_owned(), 11)]),
        }
    }

    #[test]
    fn what_was_kept_is_read_again_by_its_own_person_and_server_only() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path());
        let kept = Kept::of(&home, &profile("deadwax://a.example"));
        assert_eq!((kept.start(), kept.project("P")), (None, None));
        kept.keep_start(&start()).unwrap();
        kept.keep_project("../../P", &project().freeze()).unwrap();
        assert_eq!(kept.start(), Some(start()));
        let again = kept.project("../../P").unwrap();
        assert_eq!((again.seq, again.song("s1").unwrap().title.as_str()), (7, "Glass Hour"));
        assert_eq!(again, project());
        assert!(kept.is_recent("../../P") && !kept.is_recent("Q"));
        let other = Kept::of(&home, &profile("deadwax://b.example"));
        assert!(other.start().is_none() && other.project("../../P").is_none());
        kept.forget_project("../../P");
        assert!(kept.project("../../P").is_none());
        kept.forget().unwrap();
        kept.forget().unwrap();
        assert_eq!(kept.start(), None);
    }

    #[test]
    fn a_damaged_file_counts_as_absent() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::of(&Home::at(dir.path()), &profile("x"));
        kept.keep_start(&start()).unwrap();
        let path = kept.folder().join("start");
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&path, &bytes).unwrap();
            assert_eq!(kept.start(), None, "byte {at}");
            fs::write(&path, &whole[..at]).unwrap();
            assert_eq!(kept.start(), None, "cut at {at}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::of(&Home::at(dir.path().join("h")), &profile("x"));
        kept.keep_start(&start()).unwrap();
        kept.keep_project("P", &project().freeze()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(kept.folder()), 0o700);
        let files: Vec<_> = fs::read_dir(kept.folder()).unwrap().map(|it| it.unwrap().path()).collect();
        assert_eq!(files.len(), 2);
        assert!(files.iter().all(|it| mode(it) == 0o600));
    }
}
