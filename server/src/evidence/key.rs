//! The studio's own key: what it signs its checkpoints with. Ed25519 in the format of OpenSSH, without a passphrase, made at first need. Never here: any
//! of it in a log or an answer but the public half; what is signed.

use std::{
    fs::{self, File},
    io::{ErrorKind, Write as _},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    sync::OnceLock,
};

use anyhow::{Context as _, ensure};
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, private::Ed25519Keypair};

/// In the studio folder, 0700.
pub const FOLDER: &str = "keys";
/// In it, 0600. Whoever has it can write checkpoints in the studio's name.
pub const KEY_FILE: &str = "checkpoint_ed25519";
const WHAT: &str = "the studio's key for checkpoints";

/// The key of one studio, read or made at first need.
pub struct StudioKey {
    folder: PathBuf,
    key: OnceLock<PrivateKey>,
}

/// A signature, and by which key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Armored SSHSIG.
    pub signature: String,
    /// One line as in `authorized_keys`, without a comment.
    pub public_key: String,
}

impl StudioKey {
    /// `studio`: the studio's folder.
    pub fn of(studio: &Path) -> Self {
        Self { folder: studio.join(FOLDER), key: OnceLock::new() }
    }

    /// # Errors
    /// Where the key cannot be read, made, or be kept from others.
    pub fn sign(&self, namespace: &str, text: &str) -> anyhow::Result<Signed> {
        let key = self.key()?;
        let signature = key
            .sign(namespace, HashAlg::Sha512, text.as_bytes())
            .and_then(|signature| signature.to_pem(LineEnding::LF))
            .context("signing with the studio's key failed")?;
        Ok(Signed { signature, public_key: public_line(key)? })
    }

    /// One line as in `authorized_keys`, without a comment.
    ///
    /// # Errors
    /// As [`StudioKey::sign`].
    pub fn public_key(&self) -> anyhow::Result<String> {
        public_line(self.key()?)
    }

    /// `SHA256:...`, as `ssh-keygen -l` shows it.
    ///
    /// # Errors
    /// As [`StudioKey::sign`].
    pub fn fingerprint(&self) -> anyhow::Result<String> {
        Ok(self.key()?.fingerprint(HashAlg::Sha256).to_string())
    }

    /// Reads a small file the first time.
    fn key(&self) -> anyhow::Result<&PrivateKey> {
        match self.key.get() {
            Some(key) => Ok(key),
            None => {
                let key = read_or_make(&self.folder)?;
                Ok(self.key.get_or_init(|| key))
            }
        }
    }
}

fn public_line(key: &PrivateKey) -> anyhow::Result<String> {
    let line = key.public_key().to_openssh().context("the studio's key cannot be written as text")?;
    Ok(line.trim().to_owned())
}

fn read_or_make(folder: &Path) -> anyhow::Result<PrivateKey> {
    let path = folder.join(KEY_FILE);
    match fs::metadata(&path) {
        Ok(found) => {
            ensure!(
                found.permissions().mode() & 0o077 == 0,
                "others can read {}: whoever has it can sign checkpoints in the studio's name; make it 0600",
                path.display()
            );
            let text =
                fs::read_to_string(&path).with_context(|| format!("reading {} failed", path.display()))?;
            // What the parser says of a damaged key stays here: it might quote it.
            let key = PrivateKey::from_openssh(&text).ok().filter(is_usable);
            let mut key = key.with_context(|| {
                format!(
                    "{} holds no Ed25519 key without a passphrase; restore it from a backup",
                    path.display()
                )
            })?;
            key.set_comment("");
            Ok(key)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => make(folder, &path),
        Err(error) => Err(error).with_context(|| format!("reading {} failed", path.display())),
    }
}

fn is_usable(key: &PrivateKey) -> bool {
    key.algorithm() == Algorithm::Ed25519 && !key.is_encrypted()
}

/// Whole or not at all, and on the disk before anything is signed with it: a checkpoint by a key that a power cut took away would be a stranger's.
fn make(folder: &Path, path: &Path) -> anyhow::Result<PrivateKey> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).ok().with_context(|| format!("the system gave no random bytes for {WHAT}"))?;
    let key = PrivateKey::new(Ed25519Keypair::from_seed(&seed).into(), "")
        .with_context(|| format!("making {WHAT} failed"))?;
    let text = key.to_openssh(LineEnding::LF).with_context(|| format!("writing {WHAT} as text failed"))?;
    let write = || -> std::io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        // Made for this user alone, and never put over a key that another call made meanwhile.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path)?;
        File::open(folder)?.sync_all()?;
        File::open(folder.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    match write() {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read_or_make(folder),
        Err(error) => Err(error).with_context(|| format!("writing {} failed", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature;

    #[test]
    fn the_key_is_made_once_for_this_user_alone_and_signs_the_same_after_a_restart() {
        let studio = tempfile::tempdir().unwrap();
        let key = StudioKey::of(studio.path());
        assert!(!studio.path().join(FOLDER).exists(), "it is made at first need");
        let signed = key.sign("checkpoint@deadwax", "a text\n").unwrap();
        let path = studio.path().join(FOLDER).join(KEY_FILE);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "nothing else is left there");
        assert_eq!(StudioKey::of(studio.path()).sign("checkpoint@deadwax", "a text\n").unwrap(), signed);
        assert!(signed.public_key.starts_with("ssh-ed25519 AAAA") && !signed.public_key.ends_with(' '));
        let by = signature::verify("checkpoint@deadwax", "a text\n", &signed.signature).unwrap();
        assert_eq!(by, signature::public_key(&signed.public_key).unwrap().0);
        assert!(signature::verify("checkpoint@deadwax", "another\n", &signed.signature).is_err());
        assert!(signature::verify("statement@deadwax", "a text\n", &signed.signature).is_err());
        assert!(key.fingerprint().unwrap().starts_with("SHA256:"));
        let other = tempfile::tempdir().unwrap();
        assert_ne!(StudioKey::of(other.path()).public_key().unwrap(), signed.public_key);
    }

    #[test]
    fn two_that_need_it_at_the_same_time_get_the_same_key() {
        let studio = tempfile::tempdir().unwrap();
        let folder = studio.path();
        let keys: Vec<String> = std::thread::scope(|scope| {
            let made: Vec<_> =
                (0..8).map(|_| scope.spawn(|| StudioKey::of(folder).public_key().unwrap())).collect();
            made.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_damaged_is_refused_without_a_word_of_it() {
        let studio = tempfile::tempdir().unwrap();
        StudioKey::of(studio.path()).public_key().unwrap();
        let path = studio.path().join(FOLDER).join(KEY_FILE);
        let why = || format!("{:#}", StudioKey::of(studio.path()).public_key().unwrap_err());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(why().contains("0600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, &text[..text.len() / 2]).unwrap();
        let why = why();
        assert!(why.contains("backup") && !why.contains("b3BlbnNzaC1rZXk"), "{why}");
    }
}
