//! What deliveries are signed with. One key per studio, in a file of its own; the secret of a webhook is the HMAC of its id under that key, so
//! that it can be shown again and is stored nowhere. Never here: who may see a secret (the domain says so), and any of it in a log.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use anyhow::{Context as _, ensure};
use ring::hmac;

/// In the studio folder, 0600; made at first need. Whoever has it can sign in the studio's name.
pub const KEY_FILE: &str = "webhooks.key";
const KEY_BYTES: usize = 32;

/// The key of one studio, read or made at first need.
#[derive(Debug)]
pub struct Secrets {
    path: PathBuf,
    key: OnceLock<[u8; KEY_BYTES]>,
    /// Of all servers of the studio, where there may be several: all of them make the same key of it.
    seal: Option<[u8; KEY_BYTES]>,
}

impl Secrets {
    pub fn of(folder: &Path) -> Self {
        Self::among(folder, None)
    }

    /// As [`Secrets::of`]; a key that is not there yet is made of what all servers of this studio know, and not drawn.
    pub fn among(folder: &Path, seal: Option<[u8; KEY_BYTES]>) -> Self {
        Self { path: folder.join(KEY_FILE), key: OnceLock::new(), seal }
    }

    /// The secret of one webhook, in 64 hexadecimal digits. Reads a small file the first time.
    pub fn secret(&self, webhook: u128) -> anyhow::Result<String> {
        let key = match self.key.get() {
            Some(key) => key,
            None => {
                let key = read_or_make(&self.path, self.seal.as_ref())?;
                self.key.get_or_init(|| key)
            }
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let id = uuid::Uuid::from_u128(webhook).to_string();
        Ok(hex::encode(hmac::sign(&key, format!("deadwax-webhook-1 {id}").as_bytes())))
    }
}

/// `t=SECONDS,v1=HEX`: HMAC-SHA256 under the secret's text of `SECONDS.BODY`. A receiver refuses what is old, so that nothing can be played again.
pub fn signature(secret: &str, at_s: i64, body: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{at_s}.{body}").as_bytes());
    format!("t={at_s},v1={}", hex::encode(tag))
}

fn read_or_make(path: &Path, seal: Option<&[u8; KEY_BYTES]>) -> anyhow::Result<[u8; KEY_BYTES]> {
    match std::fs::File::open(path) {
        Ok(mut file) => {
            let mode = file.metadata().context("reading the webhooks' key failed")?.permissions().mode();
            ensure!(
                mode & 0o077 == 0,
                "others can read {}: whoever has it can sign webhooks in the studio's name; make it 0600",
                path.display()
            );
            let mut text = String::new();
            file.read_to_string(&mut text).with_context(|| format!("reading {} failed", path.display()))?;
            let mut key = [0; KEY_BYTES];
            hex::decode_to_slice(text.trim(), &mut key).ok().with_context(|| {
                format!("{} does not hold 64 hexadecimal digits; restore it from a backup", path.display())
            })?;
            Ok(key)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => make(path, seal),
        Err(error) => Err(error).with_context(|| format!("reading {} failed", path.display())),
    }
}

/// Whole or not at all: a key cut short by a crash would sign with something else after the next start.
fn make(path: &Path, seal: Option<&[u8; KEY_BYTES]>) -> anyhow::Result<[u8; KEY_BYTES]> {
    let mut key = [0; KEY_BYTES];
    match seal {
        Some(seal) => {
            let made = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, seal), b"deadwax-webhooks-key-1");
            key.copy_from_slice(made.as_ref());
        }
        None => {
            getrandom::fill(&mut key)
                .ok()
                .context("the system gave no random bytes for the webhooks' key")?;
        }
    }
    let write = || -> std::io::Result<()> {
        // Made for this user alone, and never put over a key that another call made meanwhile.
        let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
        file.write_all(format!("{}\n", hex::encode(key)).as_bytes())?;
        file.as_file().sync_all()?;
        file.persist_noclobber(path)?;
        Ok(())
    };
    match write() {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => read_or_make(path, seal),
        Err(error) => Err(error).with_context(|| format!("writing {} failed", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_the_hooks_own_and_the_same_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Secrets::of(folder.path());
        let first = secrets.secret(1).unwrap();
        assert_eq!(first.len(), 64);
        assert_ne!(first, secrets.secret(2).unwrap());
        assert_eq!(first, Secrets::of(folder.path()).secret(1).unwrap());
        let key = folder.path().join(KEY_FILE);
        assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        assert_ne!(first, std::fs::read_to_string(&key).unwrap().trim(), "the key itself is told to nobody");
        let other = tempfile::tempdir().unwrap();
        assert_ne!(first, Secrets::of(other.path()).secret(1).unwrap());
        let servers = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let [one, two] =
            servers.each_ref().map(|it| Secrets::among(it.path(), Some([7; 32])).secret(1).unwrap());
        assert_eq!(one, two, "servers of one studio");
        assert_ne!(
            one,
            Secrets::among(tempfile::tempdir().unwrap().path(), Some([8; 32])).secret(1).unwrap()
        );
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_cut_short_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        Secrets::of(folder.path()).secret(1).unwrap();
        let key = folder.path().join(KEY_FILE);
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(format!("{:#}", Secrets::of(folder.path()).secret(1).unwrap_err()).contains("0600"));
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&key, "abcd\n").unwrap();
        assert!(format!("{:#}", Secrets::of(folder.path()).secret(1).unwrap_err()).contains("backup"));
    }

    #[test]
    fn a_known_signature() {
        // Computed with `printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret`.
        let known = "t=1700000000,v1=49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686";
        assert_eq!(signature("secret", 1_700_000_000, "{\"a\":1}"), known);
    }
}
