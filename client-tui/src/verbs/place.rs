//! Putting files where a person asked: names made here, never by a server; nothing that exists is overwritten by other bytes; a file
//! has its name only when it is whole. Unfinished downloads wait in `.deadwax-part/` for the next try.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use sha2::{Digest as _, Sha256};

use super::error::VerbError;
use crate::{
    net::{Backoff, Client, NetError, digest_of},
    scrub,
};

/// The folder beside the files in which unfinished downloads wait.
const PARTS: &str = ".deadwax-part";
/// Tries in a row that brought no byte.
const TRIES_MAX: u32 = 6;

/// One file to fetch.
pub struct Wanted<'a> {
    pub project_id: &'a str,
    pub version_id: &'a str,
    pub sha256: &'a str,
    pub bytes: u64,
    /// Made here; no path parts.
    pub name: String,
}

pub fn failed(path: &Path, what: &str) -> impl Fn(io::Error) -> VerbError {
    let text = format!("{} could not be {what}", scrub::line(&path.to_string_lossy()));
    move |e| VerbError::Input(format!("{text}: {e}"))
}

pub fn make_folder(folder: &Path) -> Result<(), VerbError> {
    fs::create_dir_all(folder).map_err(failed(folder, "made"))
}

/// A folder that something from outside is unpacked into: never through a link that waits under its name.
pub fn make_own_folder(folder: &Path) -> Result<(), VerbError> {
    if fs::symlink_metadata(folder).is_ok_and(|meta| !meta.is_dir()) {
        let text =
            format!("{} exists and is no folder; it was left alone.", scrub::line(&folder.to_string_lossy()));
        return Err(VerbError::no("FILE_EXISTS", text, "Move it away, or name another folder with -o."));
    }
    make_folder(folder)
}

/// What stands under a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Nothing,
    /// Exactly these bytes.
    Same,
    Other,
}

pub fn standing(target: &Path, sha256: &str) -> Result<Standing, VerbError> {
    // A link or a pipe that waits under the name would be followed by open; it counts as other bytes.
    let meta = match fs::symlink_metadata(target) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Standing::Nothing),
        Err(e) => return Err(failed(target, "looked at")(e)),
        Ok(meta) => meta,
    };
    if meta.is_file() {
        let file = fs::File::open(target).map_err(failed(target, "read"))?;
        let (_, digest) = digest_of(file, |_| {}).map_err(failed(target, "read"))?;
        if digest == sha256 {
            return Ok(Standing::Same);
        }
    }
    Ok(Standing::Other)
}

/// True where the target is there already with these bytes; an error where it holds others, unless they are to be replaced.
fn is_there(target: &Path, sha256: &str, over: bool) -> Result<bool, VerbError> {
    match standing(target, sha256)? {
        Standing::Same => return Ok(true),
        Standing::Nothing => return Ok(false),
        Standing::Other if over => return Ok(false),
        Standing::Other => {}
    }
    Err(VerbError::no(
        "FILE_EXISTS",
        format!(
            "{} exists already and holds something else; it was left alone.",
            scrub::line(&target.to_string_lossy())
        ),
        "Name another folder.",
    ))
}

/// Text or a manifest, whole or not at all.
pub fn place_bytes(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, VerbError> {
    put_bytes(folder, name, bytes, false)
}

/// The same; with `over` in the place of other bytes.
pub fn put_bytes(folder: &Path, name: &str, bytes: &[u8], over: bool) -> Result<PathBuf, VerbError> {
    let target = folder.join(name);
    if is_there(&target, &hex::encode(Sha256::digest(bytes)), over)? {
        return Ok(target);
    }
    let mut file = tempfile::Builder::new()
        .prefix(".deadwax-")
        .tempfile_in(folder)
        .map_err(failed(&target, "written"))?;
    file.write_all(bytes)
        .and_then(|()| file.as_file().sync_all())
        .and_then(|()| readable(file.as_file()))
        .map_err(failed(&target, "written"))?;
    let named = if over { file.persist(&target) } else { file.persist_noclobber(&target) };
    named.map_err(|e| failed(&target, "named")(e.error))?;
    Ok(target)
}

/// What a reader gives, under its name once the digest is right. False: it is another digest, or the reader failed, and nothing was named.
pub fn place_stream(
    folder: &Path,
    name: &str,
    sha256: &str,
    mut reader: impl io::Read,
) -> Result<bool, VerbError> {
    let target = folder.join(name);
    if is_there(&target, sha256, false)? {
        return Ok(true);
    }
    let fault = failed(&target, "written");
    let mut file = tempfile::Builder::new().prefix(".deadwax-").tempfile_in(folder).map_err(&fault)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                hasher.update(&buffer[..count]);
                file.write_all(&buffer[..count]).map_err(&fault)?;
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Ok(false),
        }
    }
    if hex::encode(hasher.finalize()) != sha256 {
        return Ok(false);
    }
    file.as_file().sync_all().and_then(|()| readable(file.as_file())).map_err(&fault)?;
    file.persist_noclobber(&target).map_err(|e| failed(&target, "named")(e.error))?;
    Ok(true)
}

const SUMS_BYTES_MAX: u64 = 1 << 20;

/// SHA256SUMS of fetched files. One that is there from an earlier fetch into the same folder keeps its other lines; a file of that name
/// that is no such list is left alone.
pub fn place_sums(folder: &Path, fetched: &[(String, String)]) -> Result<(), VerbError> {
    const NAME: &str = "SHA256SUMS";
    let target = folder.join(NAME);
    let old = match fs::symlink_metadata(&target) {
        Ok(meta) if meta.is_file() && meta.len() <= SUMS_BYTES_MAX => fs::read_to_string(&target).ok(),
        _ => None,
    };
    let Some(old) = old else { return place_bytes(folder, NAME, sums(fetched).as_bytes()).map(|_| ()) };
    let is_digest = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    let lines = old.lines().map(|line| line.split_once("  ").filter(|(digest, _)| is_digest(digest)));
    let Some(mut all) = lines.collect::<Option<BTreeMap<_, _>>>().map(|by_digest| {
        by_digest
            .into_iter()
            .map(|(digest, name)| (name.to_owned(), digest.to_owned()))
            .collect::<BTreeMap<_, _>>()
    }) else {
        return place_bytes(folder, NAME, sums(fetched).as_bytes()).map(|_| ());
    };
    all.extend(fetched.iter().cloned());
    let text = sums(&all.into_iter().collect::<Vec<_>>());
    if text == old {
        return Ok(());
    }
    let mut file = tempfile::Builder::new()
        .prefix(".deadwax-")
        .tempfile_in(folder)
        .map_err(failed(&target, "written"))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .and_then(|()| readable(file.as_file()))
        .map_err(failed(&target, "written"))?;
    file.persist(&target).map_err(|e| failed(&target, "named")(e.error))?;
    Ok(())
}

/// What leaves the house may be read like any other file; only profiles are private.
#[cfg(unix)]
pub fn readable(file: &fs::File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
pub fn readable(_: &fs::File) -> io::Result<()> {
    Ok(())
}

/// Counts the digest of what goes through.
pub struct Hashing {
    file: fs::File,
    hasher: Sha256,
}

impl Write for Hashing {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let count = self.file.write(data)?;
        self.hasher.update(&data[..count]);
        Ok(count)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// What is fetched, whoever sends it.
pub struct Fetched<'a> {
    pub sha256: &'a str,
    pub bytes: u64,
    /// Made here; no path parts.
    pub name: &'a str,
}

/// Fetches a file of a version into the folder; see [`place_from`].
pub async fn place_download(
    client: &Client,
    folder: &Path,
    wanted: &Wanted<'_>,
    progress: &(impl Fn(u64, u64) + Sync),
) -> Result<bool, VerbError> {
    let Wanted { project_id, version_id, sha256, bytes, ref name } = *wanted;
    let ask = async |offset: u64, out: &mut Hashing| {
        client.download(project_id, version_id, sha256, offset, out, progress).await
    };
    place_from(folder, &Fetched { sha256, bytes, name }, ask).await
}

/// Where an unfinished download of these bytes waits for the next try.
fn part_of(folder: &Path, sha256: &str) -> PathBuf {
    folder.join(PARTS).join(format!("{sha256}.part"))
}

/// Removes what came so far of files that nobody wants any more; whole files stay. A part that is not there is no error.
pub fn forget_parts<'a>(folder: &Path, digests: impl Iterator<Item = &'a str>) {
    // Nothing but a digest may become part of a path.
    for sha256 in digests.filter(|it| it.bytes().all(|b| b.is_ascii_hexdigit())) {
        drop(fs::remove_file(part_of(folder, sha256)));
    }
    drop(fs::remove_dir(folder.join(PARTS)));
}

/// Work of the disk and the processor: kept off the threads that talk to the server and draw.
pub async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, VerbError> + Send + 'static,
) -> Result<T, VerbError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| VerbError::Input("the work on the file was cut short; try again".into()))?
}

/// Fetches a file into the folder. True: fetched now; false: it was there already, byte for byte. `ask` writes from an offset on; after a cut it is
/// asked again from where it stopped, by this call or by the next.
pub async fn place_from(
    folder: &Path,
    wanted: &Fetched<'_>,
    ask: impl AsyncFn(u64, &mut Hashing) -> Result<u64, NetError>,
) -> Result<bool, VerbError> {
    place(folder, wanted, false, ask).await
}

/// The same; with `over` it takes the name from other bytes once it is whole and its digest is right.
pub async fn place(
    folder: &Path,
    wanted: &Fetched<'_>,
    over: bool,
    ask: impl AsyncFn(u64, &mut Hashing) -> Result<u64, NetError>,
) -> Result<bool, VerbError> {
    let hex_only = wanted.sha256.len() == 64 && wanted.sha256.bytes().all(|b| b.is_ascii_hexdigit());
    if !hex_only {
        return Err(NetError::Odd("a file of the server has no digest".into()).into());
    }
    let target = folder.join(wanted.name);
    let (looked_at, sha256) = (target.clone(), wanted.sha256.to_owned());
    if aside(move || is_there(&looked_at, &sha256, over)).await? {
        return Ok(false);
    }
    let part = part_of(folder, wanted.sha256);
    let parts = folder.join(PARTS);
    make_folder(&parts)?;
    let mut backoff = Backoff::default();
    loop {
        let (path, bytes) = (part.clone(), wanted.bytes);
        let mut out = aside(move || open_part(&path, bytes)).await?;
        let offset = out.file.metadata().map_err(failed(&part, "read"))?.len();
        let got = if offset == wanted.bytes && offset > 0 { Ok(offset) } else { ask(offset, &mut out).await };
        match got {
            Ok(_) => {
                let (sha256, name) = (wanted.sha256.to_owned(), wanted.name.to_owned());
                let (path, target) = (part.clone(), target.clone());
                aside(move || finish(out, &path, &target, &sha256, (&name, over))).await?;
                // Gone if it is empty now; other downloads may still wait in it.
                drop(fs::remove_dir(&parts));
                return Ok(true);
            }
            Err(e) if e.is_passing() && backoff.tries() < TRIES_MAX => {
                let now = fs::metadata(&part).map_or(0, |m| m.len());
                if now > offset {
                    backoff.reset();
                }
                tokio::time::sleep(backoff.next_wait()).await;
            }
            Err(e) => return Err(e.into()),
        }
    }
}

/// The part so far, hashed, positioned at its end. One that is too long is begun anew.
fn open_part(part: &Path, bytes: u64) -> Result<Hashing, VerbError> {
    let fault = failed(part, "opened");
    let mut options = fs::OpenOptions::new();
    options.create(true).read(true).append(true);
    // A link that somebody laid there must not lead the bytes elsewhere.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        rustix::fs::OFlags::NOFOLLOW.bits().cast_signed(),
    );
    let mut file = options.open(part).map_err(&fault)?;
    if file.metadata().map_err(&fault)?.len() > bytes {
        file.set_len(0).map_err(&fault)?;
    }
    let mut hasher = Sha256::new();
    io::copy(&mut file, &mut HashOnly(&mut hasher)).map_err(&fault)?;
    Ok(Hashing { file, hasher })
}

struct HashOnly<'a>(&'a mut Sha256);

impl Write for HashOnly<'_> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.update(data);
        Ok(data.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn finish(
    out: Hashing,
    part: &Path,
    target: &Path,
    sha256: &str,
    (name, over): (&str, bool),
) -> Result<(), VerbError> {
    let digest = hex::encode(out.hasher.finalize());
    if digest != sha256 {
        drop(fs::remove_file(part));
        return Err(VerbError::no(
            "DIGEST_DIFFERS",
            format!("{name} came with other bytes than its name says; it was thrown away."),
            "Try again; if it stays so, tell the studio: its storage may be damaged.",
        ));
    }
    out.file.sync_all().map_err(failed(part, "written"))?;
    drop(out.file);
    let whole = tempfile::TempPath::try_from_path(part).map_err(failed(part, "named"))?;
    let named = if over { whole.persist(target) } else { whole.persist_noclobber(target) };
    named.map_err(|e| {
        // Losing the race for the name must not lose the bytes.
        let error = e.error;
        drop(e.path.keep());
        failed(target, "named")(error)
    })
}

/// A finished file that was made in the same folder gets its name. True: now; false: it was there already, byte for byte.
pub fn place_file(folder: &Path, name: &str, made: &Path) -> Result<bool, VerbError> {
    let target = folder.join(name);
    let file = fs::File::open(made).map_err(failed(made, "read"))?;
    let (_, sha256) = digest_of(file, |_| {}).map_err(failed(made, "read"))?;
    if is_there(&target, &sha256, false)? {
        return Ok(false);
    }
    let whole = tempfile::TempPath::try_from_path(made).map_err(failed(made, "named"))?;
    whole.persist_noclobber(&target).map_err(|e| failed(&target, "named")(e.error))?;
    Ok(true)
}

/// `SHA256SUMS`, as `sha256sum -c` reads it.
pub fn sums(files: &[(String, String)]) -> String {
    let mut lines: Vec<String> = files.iter().map(|(name, sha256)| format!("{sha256}  {name}\n")).collect();
    lines.sort_by(|a, b| a[66..].cmp(&b[66..]));
    lines.concat()
}
