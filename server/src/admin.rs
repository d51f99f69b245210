//! The verbs that work on a studio folder while its server is stopped: one process holds the folder. Never here: rules; people and sessions
//! are `auth`'s, bytes are the store's.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::Path,
    sync::Arc,
};

use anyhow::{Context as _, ensure};
use deadwax_domain::PersonId;
use tokio_util::sync::CancellationToken;

use crate::{
    auth::{AuthError, Issued, People},
    blob::far,
    cli::{Export, Failure, Import, Init, Invite, Migrate, Restore, UserVerb, Verify},
    config::{self, Config},
    evidence::StudioKey,
    keep::{self, Finding, backup::Backup, elsewhere::Elsewhere, restore::At, travel, verify::Sample},
    name,
    store::{
        Store,
        embedded::{self, EmbeddedStore, Options},
        settings::Engine,
    },
    studio::{SystemClock, invite_link},
    tls,
};

/// The facts of a studio, wherever its settings say that they are.
pub async fn store(dir: &Path, config: &Config) -> anyhow::Result<Arc<dyn Store>> {
    match config.store.engine {
        Engine::Embedded => open_store(dir, config),
        Engine::Postgres => open_postgres(dir, config).await,
    }
}

#[cfg(feature = "postgres")]
async fn open_postgres(dir: &Path, config: &Config) -> anyhow::Result<Arc<dyn Store>> {
    use crate::store::postgres::{Options, PostgresStore};
    keep::migrate::mark::may_be_served(dir)?;
    ensure!(
        !dir.join("journal").exists(),
        "{} holds the journal of an embedded store, which a server on Postgres would not read; choose a folder without one, or set store.engine = \"embedded\"",
        dir.display()
    );
    let settings = &config.store;
    let url = settings.secret_url(dir).map_err(anyhow::Error::msg)?;
    let ca = (!settings.ca.as_os_str().is_empty()).then(|| dir.join(&settings.ca));
    let options = Options { pool: settings.pool as usize, ca, ..Options::new(url) };
    let store = PostgresStore::open(options).await?;
    // Once more: a move may have come to its end while it was opened.
    keep::migrate::mark::may_be_served(dir)?;
    Ok(Arc::new(store))
}

#[cfg(not(feature = "postgres"))]
async fn open_postgres(_: &Path, _: &Config) -> anyhow::Result<Arc<dyn Store>> {
    anyhow::bail!("this deadwax-server was built without the feature `postgres`")
}

/// For verbs that read the journal itself.
fn needs_journal(verb: &str, config: &Config) -> anyhow::Result<()> {
    ensure!(
        config.store.engine == Engine::Embedded,
        "`{verb}` works on the journal of an embedded store; this studio keeps its facts in Postgres. Back up the database with its own tools (pg_dump, or a copy of the cluster with its log), and the folder's `blobs` beside it"
    );
    Ok(())
}

/// The journal of a studio folder, held alone.
pub fn open_store(dir: &Path, config: &Config) -> anyhow::Result<Arc<dyn Store>> {
    keep::migrate::mark::may_be_served(dir)?;
    // Audio stops at the whole reserve; the last quarter is the journal's own, so that people can still approve when audio has filled the rest.
    let reserve_bytes = config.limits.reserve_bytes / 4;
    let options = Options { reserve_bytes, ..Options::new(dir) };
    let store = EmbeddedStore::open(options)?;
    // Once more: a move may have come to its end before the folder was held.
    keep::migrate::mark::may_be_served(dir)?;
    Ok(Arc::new(store))
}

async fn people(dir: &Path, config: &Config) -> anyhow::Result<Arc<People>> {
    let store = store(dir, config).await?;
    People::open(store, Arc::new(SystemClock), CancellationToken::new())
        .await
        .context("reading the people of the studio failed")
}

/// The link for somebody's code, by the settings alone.
fn link(dir: &Path, config: &Config, issued: &Issued) -> anyhow::Result<String> {
    let fingerprint = match config.tls {
        true => Some(tls::Identity::of(dir, &config.certificate)?.fingerprint()),
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
    init_for(asked, PersonId(uuid::Uuid::now_v7().as_u128())).await
}

/// `id`: of the first owner.
async fn init_for(asked: Init, id: PersonId) -> Result<(), Failure> {
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
        // Where the facts are is chosen once, at the beginning.
        store: Config::store_of(config::environment())?,
        ..Config::default()
    };
    config.check()?;

    let dir = &asked.dir;
    make_folder(dir)?;
    let host = config::split_address(&config.public_address).map(|(host, _)| host);
    tls::make(dir, &config.name, host)?;
    tls::write_new(&dir.join(config::FILE), &config.template(), 0o600)?;
    // Now and not at first need: a folder that is copied for a further server holds it.
    StudioKey::of(dir).public_key()?;
    let people = people(dir, &config).await?;
    if !people.list().is_empty() {
        return Err(anyhow::anyhow!(
            "the database holds a studio already: remove {}, and give a further server a copy of the first one's folder (settings, certificate, keys)",
            dir.display()
        )
        .into());
    }
    let owner = people.add_as(id, &owner, &email, true).await.map_err(explain)?;
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

/// Reads the journal, the index and the audio, and holds each against the others.
pub async fn verify(asked: &Verify) -> Result<(), Failure> {
    let config = Config::load(&asked.dir, config::environment())?;
    needs_journal("verify", &config)?;
    let sample = asked.sample.unwrap_or(Sample::All);
    let far = far::of_settings(&config.audio, &asked.dir)?;
    let elsewhere = Elsewhere::of(far.as_deref()).await?;
    let mut report = keep::verify::verify_beside(&asked.dir, sample, &elsewhere)?;
    if let Some(far) = &far {
        report.read_far(far, &elsewhere, sample).await?;
    }
    match asked.json {
        true => println!("{}", report.json()),
        false => print!("{}", report.text()),
    }
    no_damage(&report.damage)
}

/// The first thing that is damaged, in one line, for those who read no more; all of them stand above.
fn no_damage(damage: &[Finding]) -> Result<(), Failure> {
    match damage.first() {
        None => Ok(()),
        Some(first) => {
            let count = damage.len();
            Err(anyhow::anyhow!("{count} things are damaged: {}; {}", first.what, first.next).into())
        }
    }
}

pub async fn rebuild_index(dir: &Path) -> Result<(), Failure> {
    needs_journal("rebuild-index", &Config::load(dir, config::environment())?)?;
    let records = embedded::rebuild_index(dir).context("making the index again failed")?;
    println!("The index was made again from {records} records.");
    Ok(())
}

/// Everything that cannot be made again: journal and audio (while the server runs, too), settings, certificate and the studio's keys. Running it again brings
/// an earlier backup up to date.
pub async fn backup(dir: &Path, dest: &Path) -> Result<(), Failure> {
    let config = Config::load(dir, config::environment())?;
    needs_journal("backup", &config)?;
    keep::migrate::mark::may_be_served(dir).context("nothing was backed up")?;
    let elsewhere = Elsewhere::of(far::of_settings(&config.audio, dir)?.as_deref()).await?;
    let made = keep::backup::backup_beside(dir, dest, &elsewhere)?;
    let Backup { copied, page, far, receptions, missing } = made;
    println!(
        "{} records, {} audio files and the egress book ({receptions} lines) are in {}; {} audio files ({} bytes) were new. Root: {}\nRestore: deadwax-server restore {} --to DIR",
        page.records,
        copied.blobs,
        dest.display(),
        copied.copied_blobs,
        copied.copied_bytes,
        page.root,
        dest.display()
    );
    tell_far(far, &elsewhere.place);
    copied.damaged_blobs.iter().for_each(|blob| println!("damaged, not copied: {blob}"));
    missing.iter().for_each(|it| println!("damaged: {}\n  next: {}", it.what, it.next));
    if copied.damaged_blobs.is_empty() {
        return no_damage(&missing);
    }
    Err(anyhow::anyhow!("{} audio files do not match their names", copied.damaged_blobs.len()).into())
}

fn tell_far(files: u64, place: &str) {
    if files > 0 {
        println!(
            "{files} audio files lie in {place} and are not here: keep versions of that bucket, or a copy."
        );
    }
}

/// A studio folder from a backup, or a reading of the whole backup.
pub fn restore(asked: &Restore) -> Result<(), Failure> {
    let at = asked.at.unwrap_or(At::End);
    let done = match (&asked.to, asked.dry_run) {
        (Some(to), false) => keep::restore::restore(&asked.source, to, at)?,
        _ => keep::restore::dry_run(&asked.source, at)?,
    };
    let root = hex::encode(done.root);
    if asked.json {
        let damaged = done.damage.iter().map(|it| serde_json::json!({ "what": it.what, "next": it.next }));
        let said = serde_json::json!({
            "records": done.records, "entries": done.entries, "root": root, "blobs": done.audio,
            "blob_bytes": done.bytes, "far": done.far, "damaged": damaged.collect::<Vec<_>>(), "dry_run": asked.dry_run,
        });
        println!("{said}");
    } else {
        let (records, entries, audio, bytes) = (done.records, done.entries, done.audio, done.bytes);
        let did = if asked.dry_run { "read, nothing written" } else { "restored" };
        println!(
            "{records} records, {entries} entries, {audio} audio files ({bytes} bytes) {did}. Root: {root}"
        );
        if let (Some(to), false) = (&asked.to, asked.dry_run) {
            println!("Start it:  deadwax-server serve {}", to.display());
            if at != At::End {
                println!(
                    "It stands as it stood then: sessions that were ended and people who were removed since are back. Go through `user list` and the members of each project first."
                );
            }
        }
        tell_far(done.far, &Elsewhere::told_in(&asked.source)?.place);
        done.damage.iter().for_each(|it| println!("damaged: {}\n  next: {}", it.what, it.next));
    }
    no_damage(&done.damage)
}

/// Projects as files that anybody can read.
pub async fn export(asked: &Export) -> Result<(), Failure> {
    let config = Config::load(&asked.dir, config::environment())?;
    needs_journal("export", &config)?;
    keep::migrate::mark::may_be_served(&asked.dir).context("nothing was exported")?;
    let done = travel::export::export(&asked.dir, &config, asked.project.as_deref(), &asked.to).await?;
    let entries: u64 = done.page.projects.iter().map(|it| it.entries).sum();
    let (projects, to) = (done.page.projects.len(), asked.to.display());
    println!(
        "{projects} projects, {entries} entries, {} files ({} bytes) are in {to}.",
        done.audio, done.bytes
    );
    println!("Root of these projects: {}", done.page.root);
    Ok(())
}

/// A new studio from an export. Whoever the record names is known by name, and comes in by invitation.
pub async fn import(asked: &Import) -> Result<(), Failure> {
    let chosen = Config { store: Config::store_of(config::environment())?, ..Config::default() };
    needs_journal("import", &chosen)?;
    let checked = travel::import::check(&asked.folder)?;
    let email = name::email(&asked.email).map_err(Failure::BadInput)?;
    let known = checked.people.iter().find(|it| it.email == email);
    let (owner, id) = match known {
        Some(known) => (known.name.clone(), travel::import::person(known)?),
        None => (asked.owner.clone(), PersonId(uuid::Uuid::now_v7().as_u128())),
    };
    let (dir, listen) = (asked.to.clone(), ([127, 0, 0, 1], config::PORT).into());
    let name = checked.page.studio.clone();
    let made = Init { dir, name, owner, email, listen, public_address: String::new(), json: false };
    init_for(made, id).await?;
    let dir = &asked.to;
    let config = Config::load(dir, config::environment())?;
    let people = people(dir, &config).await?;
    for named in checked.people.iter().filter(|it| people.by_email(&it.email).is_none()) {
        let id = travel::import::person(named)?;
        if named.email.is_empty() {
            people.add_guest(id, &named.name).await.map_err(explain)?;
            continue;
        }
        people.add_as(id, &named.name, &named.email, false).await.map_err(explain)?;
    }
    drop(people);
    let done = checked
        .write(&asked.folder, dir)
        .with_context(|| format!("the import was not finished; remove {} and do it again", dir.display()))?;
    println!(
        "{} projects, {} entries, {} files are imported.",
        checked.page.projects.len(),
        done.entries,
        done.audio
    );
    println!("Root of the projects: {}", done.root);
    println!("People come in by a new invitation: deadwax-server invite {} --email ADDRESS", dir.display());
    Ok(())
}

/// A studio goes to another place, or is taken back from there.
pub async fn migrate(asked: &Migrate) -> Result<(), Failure> {
    let Some(to) = asked.to.as_ref().filter(|_| !asked.take_back) else {
        let other = keep::migrate::take_back(&asked.from).await?;
        println!(
            "{} may be served again. What was done at {other} since the move is not here; that folder is shut.",
            asked.from.display()
        );
        return Ok(());
    };
    let done = keep::migrate::migrate(&asked.from, to).await?;
    done.told.iter().for_each(|it| eprintln!("{it}"));
    let (entries, audio, bytes, uploads) = (done.entries, done.audio, done.bytes, done.uploads);
    if asked.json {
        let said = serde_json::json!({
            "entries": entries, "root": done.root, "blobs": audio, "blob_bytes": bytes, "uploads": uploads, "told": done.told,
        });
        println!("{said}");
        return Ok(());
    }
    println!(
        "{entries} entries, {audio} audio files ({bytes} bytes), {uploads} uploads under way. Root: {}",
        done.root
    );
    println!("Start it:  deadwax-server serve {}", to.display());
    Ok(())
}
