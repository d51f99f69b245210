//! The key of a profile: one made here (DEADWAX_HOME/keys/NAME, in the format of OpenSSH, readable by its owner alone), a file that was there before, or one that an
//! ssh-agent holds. Ed25519 only. Never here: what is signed; and nothing of a private key reaches an error, a log or `Debug`.

use std::{
    fmt, fs,
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use ssh_key::{Algorithm, LineEnding, PrivateKey, PublicKey, rand_core::OsRng};
use zeroize::Zeroizing;

use super::{Trouble, agent::Agent, secret::Secret, short, sign::Public};
use crate::{
    profile::{Home, Profile},
    scrub,
};

/// Far beyond any key of this kind.
const FILE_BYTES_MAX: u64 = 64 << 10;
/// What a key is called that another one took the place of: it may still have to vouch.
const OLDER: &str = ".old-";

/// Where a profile's key is, as the profile says it in one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setup {
    /// "own"
    Own,
    /// "file:/home/ana/.ssh/id_ed25519"
    File(PathBuf),
    /// "agent:FINGERPRINT"
    Agent(String),
}

impl Setup {
    pub fn read(text: &str) -> Option<Setup> {
        match text.split_once(':') {
            None if text == "own" => Some(Setup::Own),
            Some(("file", path)) if Path::new(path).is_absolute() => Some(Setup::File(path.into())),
            Some(("agent", key)) if super::is_digest(key) => Some(Setup::Agent(key.to_owned())),
            _ => None,
        }
    }

    /// `None`: a path that is no text, which a profile cannot keep.
    pub fn text(&self) -> Option<String> {
        match self {
            Setup::Own => Some("own".to_owned()),
            Setup::File(path) => path.to_str().map(|path| format!("file:{path}")),
            Setup::Agent(key) => Some(format!("agent:{key}")),
        }
    }
}

/// A key that can sign now.
#[derive(Clone)]
pub struct Signer {
    public: PublicKey,
    known: Public,
    blob: Vec<u8>,
    label: String,
    way: Way,
}

/// Not `Debug`: one of them holds the key itself.
#[derive(Clone)]
pub enum Way {
    Here(Box<PrivateKey>),
    Agent(Agent),
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("fingerprint", &self.known.fingerprint).finish_non_exhaustive()
    }
}

impl Signer {
    fn new(public: &PublicKey, place: &str, way: Way) -> Result<Signer, Trouble> {
        let known = Public::of(public).ok_or_else(|| kind(place))?;
        let blob = public.to_bytes().map_err(|_| kind(place))?;
        let label = format!("{} ({place})", short(&known.fingerprint));
        Ok(Signer { public: public.clone(), known, blob, label, way })
    }

    /// A key that is in memory. `place`: where it came from, for people.
    pub(super) fn here(key: PrivateKey, place: &str) -> Result<Signer, Trouble> {
        Signer::new(&key.public_key().clone(), place, Way::Here(Box::new(key)))
    }

    /// "1a2b3c4d5e6f (made here)"
    pub fn label(&self) -> &str {
        &self.label
    }

    pub fn fingerprint(&self) -> &str {
        &self.known.fingerprint
    }

    /// As in `authorized_keys`, without a comment.
    pub fn line(&self) -> &str {
        &self.known.line
    }

    pub(super) fn public(&self) -> &PublicKey {
        &self.public
    }

    pub(super) fn blob(&self) -> &[u8] {
        &self.blob
    }

    pub(super) fn way(&self) -> &Way {
        &self.way
    }
}

/// A key as it was found.
#[derive(Clone, Debug)]
pub enum Found {
    Ready(Box<Signer>),
    /// Needs its passphrase.
    Locked(Box<Locked>),
}

impl Found {
    pub fn public(&self) -> &Public {
        match self {
            Found::Ready(signer) => &signer.known,
            Found::Locked(locked) => &locked.known,
        }
    }

    pub fn label(&self) -> &str {
        match self {
            Found::Ready(signer) => &signer.label,
            Found::Locked(locked) => &locked.label,
        }
    }
}

#[derive(Clone)]
pub struct Locked {
    key: Box<PrivateKey>,
    known: Public,
    label: String,
    place: String,
}

impl fmt::Debug for Locked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Locked").field("fingerprint", &self.known.fingerprint).finish_non_exhaustive()
    }
}

impl Locked {
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Takes as long as guessing shall take.
    ///
    /// # Errors
    /// `PASSPHRASE_WRONG`.
    pub fn unlock(&self, passphrase: &Secret) -> Result<Signer, Trouble> {
        let key = self.key.decrypt(passphrase.bytes()).map_err(|_| {
            Trouble::no(
                "PASSPHRASE_WRONG",
                format!("That is not the passphrase of the key {}.", self.label),
                "Try again; nothing was signed.",
            )
        })?;
        // What was inside must be the private half of what stands outside.
        if key.public_key().key_data() != self.key.public_key().key_data() {
            return Err(no_key(&self.place));
        }
        Signer::here(key, &self.place)
    }
}

fn kind(place: &str) -> Trouble {
    Trouble::no(
        "KEY_INVALID",
        format!("The key ({place}) is not Ed25519."),
        "Make one with `deadwax key new`, or with `ssh-keygen -t ed25519`.",
    )
}

fn no_key(place: &str) -> Trouble {
    Trouble::no(
        "KEY_INVALID",
        format!("{place} is no private key in the format of OpenSSH."),
        "Give a file that `ssh-keygen -t ed25519` made, or make one with `deadwax key new`.",
    )
}

/// That there is none, and how to have one.
pub fn none() -> Trouble {
    Trouble::no(
        "NO_KEY",
        "No key is set up for this profile.",
        "Make one with `deadwax key new`; or take one that you have with `deadwax key use FILE` or `deadwax key agent`.",
    )
}

/// The key that the profile names. `None` where it names none.
///
/// # Errors
/// Where it is not there, is open to others, or is no key of this kind.
pub fn find(home: &Home, profile: &Profile) -> Result<Option<Found>, Trouble> {
    let Some(word) = &profile.key else { return Ok(None) };
    let setup = Setup::read(word).ok_or_else(|| {
        Trouble::no(
            "KEY_INVALID",
            format!("The profile {:?} names its key in a way that cannot be read.", profile.name),
            "Set it anew with `deadwax key new`, `deadwax key use FILE` or `deadwax key agent`.",
        )
    })?;
    match setup {
        Setup::Own => read(&home.key_path(&profile.name)?, "made here").map(Some),
        Setup::File(path) => {
            let place = scrub::cut(&scrub::line(&path.to_string_lossy()), 60);
            read(&path, &place).map(Some)
        }
        Setup::Agent(key) => from_agent(&Agent::find()?, &key).map(|it| Some(Found::Ready(Box::new(it)))),
    }
}

/// The key of this fingerprint that the agent holds.
pub fn from_agent(agent: &Agent, fingerprint: &str) -> Result<Signer, Trouble> {
    for identity in agent.identities()? {
        let Ok(public) = PublicKey::from_bytes(&identity.blob) else { continue };
        if super::digest(&identity.blob) == fingerprint {
            return Signer::new(&public, "ssh-agent", Way::Agent(agent.clone()));
        }
    }
    Err(Trouble::no(
        "NO_KEY",
        format!("The ssh-agent does not hold the key {}.", short(fingerprint)),
        "Add it with `ssh-add FILE`, or choose another with `deadwax key agent`.",
    ))
}

/// A private key from a file.
pub fn read(path: &Path, place: &str) -> Result<Found, Trouble> {
    let failed = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => Trouble::no(
            "NO_KEY",
            format!("The key {} is not there.", scrub::line(&path.to_string_lossy())),
            "Make one with `deadwax key new`, or name another with `deadwax key use FILE`.",
        ),
        _ => Trouble::file(path, "read", &error),
    };
    let file = fs::File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    if !about.is_file() || about.len() > FILE_BYTES_MAX {
        return Err(no_key(place));
    }
    must_be_private(path, &about)?;
    let mut text = Zeroizing::new(String::with_capacity(FILE_BYTES_MAX as usize));
    if file.take(FILE_BYTES_MAX).read_to_string(&mut text).is_err() {
        return Err(no_key(place));
    }
    if text.trim_start().starts_with("ssh-") {
        return Err(Trouble::no(
            "KEY_INVALID",
            format!("{place} is the public half of a key."),
            "Name the private file, or let an ssh-agent hold it and say `deadwax key agent`.",
        ));
    }
    let key = PrivateKey::from_openssh(text.as_bytes()).map_err(|_| no_key(place))?;
    let public = key.public_key().clone();
    if key.algorithm() != Algorithm::Ed25519 {
        return Err(kind(place));
    }
    if !key.is_encrypted() {
        return Signer::here(key, place).map(|it| Found::Ready(Box::new(it)));
    }
    let known = Public::of(&public).ok_or_else(|| kind(place))?;
    let label = format!("{} ({place})", short(&known.fingerprint));
    Ok(Found::Locked(Box::new(Locked { key: Box::new(key), known, label, place: place.to_owned() })))
}

/// As ssh itself holds it: a key that others can read is nobody's signature.
#[cfg(unix)]
fn must_be_private(path: &Path, about: &fs::Metadata) -> Result<(), Trouble> {
    use std::os::unix::fs::PermissionsExt as _;
    if about.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    let path = scrub::line(&path.to_string_lossy());
    Err(Trouble::no(
        "KEY_OPEN",
        format!("{path} can be read by others than you; it was not used."),
        format!("Say `chmod 600 {path}`; if others may have read it, make another and revoke this one."),
    ))
}

#[cfg(not(unix))]
fn must_be_private(_: &Path, _: &fs::Metadata) -> Result<(), Trouble> {
    Ok(())
}

/// Makes the profile's own key. `again`: one that is there is set aside, since it may have to vouch for the new one.
///
/// # Errors
/// `KEY_EXISTS`; nothing is overwritten.
pub fn make(home: &Home, profile: &str, passphrase: Option<&Secret>, again: bool) -> Result<Public, Trouble> {
    let path = home.key_path(profile)?;
    let folder = path.parent().unwrap_or(home.folder());
    crate::profile::private_folder(folder).map_err(|e| Trouble::file(folder, "made", &e))?;
    if fs::symlink_metadata(&path).is_ok() {
        if !again {
            return Err(Trouble::no(
                "KEY_EXISTS",
                format!("{} is there already.", scrub::line(&path.to_string_lossy())),
                "Use it with `deadwax key show`, or make another with `deadwax key new --again`: the old one is kept to vouch for it.",
            ));
        }
        set_aside(&path)?;
    }
    let failed = || Trouble::no("KEY_INVALID", "A key could not be made.", "Try again.");
    let mut key = PrivateKey::random(&mut OsRng, Algorithm::Ed25519).map_err(|_| failed())?;
    key.set_comment(format!("{profile} deadwax"));
    let public = key.public_key().clone();
    if let Some(passphrase) = passphrase {
        key = key.encrypt(&mut OsRng, passphrase.bytes()).map_err(|_| failed())?;
    }
    let text = key.to_openssh(LineEnding::LF).map_err(|_| failed())?;
    place(&path, text.as_bytes())?;
    let line = public.to_openssh().map_err(|_| failed())?;
    let beside = path.with_file_name(format!("{profile}.pub"));
    // It can be made again from the key; one of an older key must not stay.
    drop(fs::remove_file(&beside));
    place(&beside, format!("{}\n", line.trim()).as_bytes())?;
    Public::of(&public).ok_or_else(failed)
}

fn set_aside(path: &Path) -> Result<(), Trouble> {
    let name = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    for at in 1..1000 {
        let aside = path.with_file_name(format!("{name}{OLDER}{at}"));
        if fs::symlink_metadata(&aside).is_err() {
            return fs::rename(path, &aside).map_err(|e| Trouble::file(path, "set aside", &e));
        }
    }
    Err(Trouble::Input("there are too many old keys; take some away".into()))
}

/// Whole or not at all, and never over something else. `tempfile` makes it 0600.
fn place(path: &Path, bytes: &[u8]) -> Result<(), Trouble> {
    let failed = |error: &io::Error| Trouble::file(path, "written", error);
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|e| failed(&e))?;
    file.write_all(bytes).and_then(|()| file.as_file().sync_all()).map_err(|e| failed(&e))?;
    file.persist_noclobber(path).map_err(|e| failed(&e.error))?;
    Ok(())
}

/// A key of this person that can vouch: one of these fingerprints, set aside here, named, or held by the agent.
pub fn voucher(
    home: &Home,
    profile: &str,
    named: Option<&Path>,
    of: &[&str],
) -> Result<Option<Found>, Trouble> {
    let fits = |found: &Found| of.contains(&found.public().fingerprint.as_str());
    if let Some(path) = named {
        let found = read(path, &scrub::cut(&scrub::line(&path.to_string_lossy()), 60))?;
        return match fits(&found) {
            true => Ok(Some(found)),
            false => Err(Trouble::no(
                "KEY_NOT_VOUCHED",
                format!("The key {} does not hold in this project.", found.label()),
                "Name the file of a key that does; see `deadwax member list`.",
            )),
        };
    }
    let own = home.key_path(profile)?;
    let older = (1..1000).map(|at| own.with_file_name(format!("{profile}{OLDER}{at}")));
    for path in std::iter::once(own.clone()).chain(older.take_while(|it| it.exists())) {
        // One that cannot be read is passed over: another may do.
        if let Ok(found) = read(&path, "an older one, made here")
            && fits(&found)
        {
            return Ok(Some(found));
        }
    }
    if let Ok(agent) = Agent::find() {
        for fingerprint in of {
            if let Ok(signer) = from_agent(&agent, fingerprint) {
                return Ok(Some(Found::Ready(Box::new(signer))));
            }
        }
    }
    Ok(None)
}
