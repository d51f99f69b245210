//! The verbs that work on a studio folder while its server is stopped: one process holds the folder. Never here: rules; people and sessions
//! are `auth`'s, bytes are the store's.

use std::{
    fs,
    io::{Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, ensure};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use crate::{
    auth::{AuthError, Issued, People},
    cli::{Failure, Init, Invite, UserVerb},
    config::{self, Config},
    evidence, name, notify,
    store::{
        Store,
        embedded::{self, EmbeddedStore, Options},
    },
    studio::{SystemClock, invite_link},
    tls,
};

/// The journal of a studio folder, held alone.
pub fn open_store(dir: &Path, config: &Config) -> anyhow::Result<Arc<dyn Store>> {
    // Audio stops at the whole reserve; the last quarter is the journal's own, so that people can still approve when audio has filled the rest.
    let reserve_bytes = config.limits.reserve_bytes / 4;
    let options = Options { reserve_bytes, ..Options::new(dir) };
    Ok(Arc::new(EmbeddedStore::open(options)?))
}

async fn people(dir: &Path, config: &Config) -> anyhow::Result<Arc<People>> {
    let store = open_store(dir, config)?;
    People::open(store, Arc::new(SystemClock), CancellationToken::new())
        .await
        .context("reading the people of the studio failed")
}

/// The link for somebody's code, by the settings alone.
fn link(dir: &Path, config: &Config, issued: &Issued) -> anyhow::Result<String> {
    let fingerprint = match config.tls {
        true => Some(tls::Identity::load(dir)?.fingerprint()),
        false => None,
    };
    Ok(invite_link(&config.address_for_links(config.listen), &issued.code, fingerprint))
}

/// Names and e-mails given on the command line are bad input where they cannot be used.
fn explain(error: AuthError) -> Failure {
    match error {
        AuthError::NameInvalid(what) | AuthError::EmailInvalid(what) => Failure::BadInput(what),
        error => Failure::No(error.into()),
    }
}

fn utc(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms)
        .map_or_else(|_| "-".into(), |time| time.strftime("%F %R UTC").to_string())
}

pub async fn init(asked: Init) -> Result<(), Failure> {
    // Everything that can be wrong is found before the folder is touched.
    let studio = name::clean("studio's name", &asked.name, name::PERSON_MAX).map_err(Failure::BadInput)?;
    let owner = name::clean("owner's name", &asked.owner, name::PERSON_MAX).map_err(Failure::BadInput)?;
    let email = name::email(&asked.email).map_err(Failure::BadInput)?;
    if asked.listen.port() == 0 {
        return Err(Failure::BadInput("`--listen` needs a port: it stands in the owner's link.".into()));
    }
    let config = Config {
        name: studio,
        listen: asked.listen,
        public_address: asked.public_address.clone(),
        ..Config::default()
    };
    config.check()?;

    let dir = &asked.dir;
    make_folder(dir)?;
    let host = config::split_address(&config.public_address).map(|(host, _)| host);
    tls::make(dir, &config.name, host)?;
    tls::write_new(&dir.join(config::FILE), &config.template(), 0o600)?;
    let people = people(dir, &config).await?;
    let owner = people.add(&owner, &email, true).await.map_err(explain)?;
    let issued = people.issue_code(owner.id).await.map_err(explain)?;
    let link = link(dir, &config, &issued)?;
    if asked.json {
        let said = serde_json::json!({
            "studio": config.name, "dir": dir, "owner": owner.name, "link": link, "expires_ms": issued.expires_ms,
            "sha256": tls::Identity::load(dir)?.fingerprint().to_string(),
        });
        println!("{said}");
        return Ok(());
    }
    println!("The studio {} stands in {}.", config.name, dir.display());
    println!("Start it:      deadwax-server serve {}", dir.display());
    println!("Sign in once:  deadwax login '{link}'");
    println!("The link works for {} until {}.", owner.name, utc(issued.expires_ms));
    Ok(())
}

/// An empty folder of this user's own, 0700.
fn make_folder(dir: &Path) -> anyhow::Result<()> {
    match fs::read_dir(dir) {
        Ok(mut entries) => {
            ensure!(
                !dir.join(config::FILE).exists(),
                "{} is a studio already; serve it, or choose another folder",
                dir.display()
            );
            ensure!(entries.next().is_none(), "{} is not empty; choose a new folder", dir.display());
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
        }
        Err(error) => Err(error),
    }
    .with_context(|| format!("making the folder {} failed", dir.display()))
}

pub async fn user(dir: &Path, verb: UserVerb) -> Result<(), Failure> {
    let config = Config::load(dir, config::environment())?;
    let people = people(dir, &config).await?;
    match verb {
        UserVerb::List { json } => {
            for person in people.list() {
                let sessions = people.sessions_of(person.id).len();
                if json {
                    let id = crate::rpc::id_text(person.id.0);
                    let said = serde_json::json!({
                        "person_id": id, "name": person.name, "email": person.email,
                        "studio_owner": person.studio_owner, "sessions": sessions,
                    });
                    println!("{said}");
                } else {
                    let owner = if person.studio_owner { ", owner" } else { "" };
                    println!("{} <{}>{owner}, {sessions} open sessions", person.name, person.email);
                }
            }
            Ok(())
        }
        UserVerb::Redact { email } => {
            let person = people.by_email(&email).context("nobody here has this e-mail")?;
            people.redact(person.id).await.map_err(explain)?;
            println!("Name, e-mail and device names are erased; the sessions ended.");
            Ok(())
        }
    }
}

pub async fn invite(asked: Invite) -> Result<(), Failure> {
    let dir = &asked.dir;
    let config = Config::load(dir, config::environment())?;
    let people = people(dir, &config).await?;
    let person = match people.by_email(&asked.email) {
        Some(person) if asked.owner && !person.studio_owner => {
            return Err(anyhow::anyhow!("{} is here already, and not as an owner", person.name).into());
        }
        Some(person) => person,
        None => people.add(&asked.name, &asked.email, asked.owner).await.map_err(explain)?,
    };
    let issued = people.issue_code(person.id).await.map_err(explain)?;
    let link = link(dir, &config, &issued)?;
    if asked.json {
        println!(
            "{}",
            serde_json::json!({ "link": link, "expires_ms": issued.expires_ms, "name": person.name })
        );
    } else {
        println!("{link}");
        eprintln!("Works once, for {}, until {}.", person.name, utc(issued.expires_ms));
    }
    Ok(())
}

/// Reads every record of the journal and every blob, and compares each with its hash.
pub async fn verify(dir: &Path, json: bool) -> Result<(), Failure> {
    Config::load(dir, config::environment())?;
    let report = embedded::verify(dir).context("the journal does not verify")?;
    let (mut blobs, mut bytes, mut damaged) = (0_u64, 0_u64, Vec::new());
    for file in files_below(&dir.join("blobs"))? {
        let (found, length) =
            hash_file(&file).with_context(|| format!("reading {} failed", file.display()))?;
        blobs += 1;
        bytes += length;
        if blob_name(&file).as_deref() != Some(&found) {
            damaged.push(file.display().to_string());
        }
    }
    if json {
        let said = serde_json::json!({
            "segments": report.segments, "records": report.records, "entries": report.entries,
            "streams": report.streams, "redactions": report.redactions, "journal_bytes": report.bytes,
            "chain": hex::encode(report.chain), "blobs": blobs, "blob_bytes": bytes, "damaged": damaged,
        });
        println!("{said}");
    } else {
        println!(
            "Journal: {} records, {} entries in {} streams, {} bytes; chain {}.",
            report.records,
            report.entries,
            report.streams,
            report.bytes,
            hex::encode(report.chain)
        );
        println!("Audio: {blobs} files, {bytes} bytes, {} damaged.", damaged.len());
        damaged.iter().for_each(|file| println!("damaged: {file}"));
    }
    if damaged.is_empty() {
        return Ok(());
    }
    Err(anyhow::anyhow!("{} audio files do not match their names; restore them from a backup", damaged.len())
        .into())
}

pub async fn rebuild_index(dir: &Path) -> Result<(), Failure> {
    Config::load(dir, config::environment())?;
    let records = embedded::rebuild_index(dir).context("making the index again failed")?;
    println!("The index was made again from {records} records.");
    Ok(())
}

/// Everything that cannot be made again: journal and audio (while the server runs, too), settings, certificate and the studio's keys. Running it again brings
/// an earlier backup up to date.
pub async fn backup(dir: &Path, dest: &Path) -> Result<(), Failure> {
    Config::load(dir, config::environment())?;
    let report = embedded::backup(dir, dest).context("the backup was not finished")?;
    for name in [config::FILE, tls::CERTIFICATE_FILE, tls::KEY_FILE, notify::secret::KEY_FILE] {
        if dir.join(name).exists() {
            copy(&dir.join(name), &dest.join(name))?;
        }
    }
    let keys = dir.join(evidence::KEY_FOLDER).join(evidence::KEY_FILE);
    if keys.exists() {
        let folder = dest.join(evidence::KEY_FOLDER);
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.with_context(|| format!("making {} failed", folder.display()))?;
        copy(&keys, &folder.join(evidence::KEY_FILE))?;
    }
    println!(
        "{} records and {} audio files are in {}; {} audio files ({} bytes) were new. Restore: copy the folder back and serve it.",
        report.journal.records,
        report.blobs,
        dest.display(),
        report.copied_blobs,
        report.copied_bytes
    );
    if report.damaged_blobs.is_empty() {
        return Ok(());
    }
    report.damaged_blobs.iter().for_each(|blob| println!("damaged, not copied: {blob}"));
    Err(anyhow::anyhow!("{} audio files do not match their names", report.damaged_blobs.len()).into())
}

/// Every file below a folder, sorted; none where the folder is absent. Links are not followed.
fn files_below(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error).with_context(|| format!("reading {} failed", folder.display())),
        };
        for entry in entries {
            let entry = entry.with_context(|| format!("reading {} failed", folder.display()))?;
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files.sort();
    Ok(files)
}

/// `blobs/ab/cdef...` is named by the digest `abcdef...`.
fn blob_name(file: &Path) -> Option<String> {
    let folder = file.parent()?.file_name()?.to_str()?;
    Some(format!("{folder}{}", file.file_name()?.to_str()?))
}

fn hash_file(path: &Path) -> std::io::Result<(String, u64)> {
    let mut file = fs::File::open(path)?;
    let (mut hash, mut length, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        let read = file.read(&mut buffer)?;
        if read == 0 {
            return Ok((hex::encode(hash.finalize()), length));
        }
        hash.update(&buffer[..read]);
        length += read as u64;
    }
}

/// Whole or not at all, durable, for this user alone.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let half = to.with_extension("part");
    let copied = || -> std::io::Result<()> {
        let bytes = fs::read(from)?;
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&half)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        fs::rename(&half, to)
    };
    copied().with_context(|| format!("copying {} to {} failed", from.display(), to.display()))
}
