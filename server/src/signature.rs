//! Signatures in the format of OpenSSH (SSHSIG, Ed25519), checked and, with the studio's own key, made. What they are over is told by others.
//! Never here: rules, the store.

use deadwax_domain::{Digest, Reason, Refusal};
use sha2::{Digest as _, Sha256};
use ssh_key::{Algorithm, PublicKey, SshSig};

/// What people sign.
pub const STATEMENT: &str = "statement@deadwax";
/// What shows that somebody has a key.
pub const KEY: &str = "key@deadwax";

/// SHA-256 of the key as OpenSSH encodes it: what `ssh-keygen -l` shows, in hex.
fn id(key: &PublicKey) -> Option<Digest> {
    let bytes = key.to_bytes().ok()?;
    Some(Digest(Sha256::digest(bytes).into()))
}

/// The key of a line as in `authorized_keys`, and that line without its comment.
///
/// # Errors
/// `KEY_INVALID` for another kind of key, or none.
pub fn public_key(line: &str) -> Result<(Digest, String), Refusal> {
    let invalid = || {
        Refusal::new(
            Reason::KeyInvalid,
            "That is no Ed25519 public key in the format of OpenSSH.",
            "Make one with `deadwax key new`, or give the line of a .pub file that begins with ssh-ed25519.",
        )
    };
    let mut key = PublicKey::from_openssh(line.trim()).map_err(|_| invalid())?;
    if key.algorithm() != Algorithm::Ed25519 {
        return Err(invalid());
    }
    key.set_comment("");
    let id = id(&key).ok_or_else(invalid)?;
    let line = key.to_openssh().map_err(|_| invalid())?;
    Ok((id, line.trim().to_owned()))
}

/// Whose signature over `text` this is. That the key is anybody's is not said by this.
///
/// # Errors
/// `SIGNATURE_INVALID`.
pub fn verify(namespace: &str, text: &str, armored: &str) -> Result<Digest, Refusal> {
    let invalid = || {
        Refusal::new(
            Reason::SignatureInvalid,
            "The signature does not belong to this text.",
            "Sign again; where it happens twice, look at the key with `deadwax key show`.",
        )
    };
    let signature = SshSig::from_pem(armored).map_err(|_| invalid())?;
    let key = PublicKey::from(signature.public_key().clone());
    if key.algorithm() != Algorithm::Ed25519 {
        return Err(invalid());
    }
    key.verify(namespace, text.as_bytes(), &signature).map_err(|_| invalid())?;
    id(&key).ok_or_else(invalid)
}

/// The same, by that key.
///
/// # Errors
/// `SIGNATURE_INVALID`.
pub fn by(key: Digest, namespace: &str, text: &str, armored: &str) -> Result<(), Refusal> {
    if verify(namespace, text, armored)? == key {
        return Ok(());
    }
    Err(Refusal::new(
        Reason::SignatureInvalid,
        "The signature is by another key.",
        "Sign with the key that is to be enrolled.",
    ))
}
