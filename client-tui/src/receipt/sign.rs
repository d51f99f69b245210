//! Signatures in the format of OpenSSH: Ed25519, SHA-512, a namespace. What was signed is verified before it is handed on, so that a damaged key or
//! a strange agent is noticed here. Never here: what a text must say.

use ssh_key::{Algorithm, HashAlg, LineEnding, PublicKey, Signature, SshSig};

use super::{
    Trouble,
    keys::{Signer, Way},
};

/// Far beyond any signature of this kind.
const SIGNATURE_BYTES_MAX: usize = 4096;

/// An armored signature over the text.
///
/// # Errors
/// Where the agent does not sign, or what came is no signature of this key.
pub fn sign(signer: &Signer, namespace: &str, text: &str) -> Result<String, Trouble> {
    let odd = |what: String| {
        Trouble::no(
            "NOT_SIGNED",
            format!("The key {} did not sign: {what}.", signer.label()),
            "Look at it with `deadwax key show`; nothing was sent.",
        )
    };
    let made = match signer.way() {
        Way::Here(key) => {
            key.sign(namespace, HashAlg::Sha512, text.as_bytes()).map_err(|e| odd(e.to_string()))?
        }
        Way::Agent(agent) => {
            let data = SshSig::signed_data(namespace, HashAlg::Sha512, text.as_bytes())
                .map_err(|e| odd(e.to_string()))?;
            let raw = agent.sign(signer.blob(), &data)?;
            let signature = Signature::new(Algorithm::Ed25519, raw).map_err(|e| odd(e.to_string()))?;
            SshSig::new(signer.public().key_data().clone(), namespace, HashAlg::Sha512, signature)
                .map_err(|e| odd(e.to_string()))?
        }
    };
    let armored = made.to_pem(LineEnding::LF).map_err(|e| odd(e.to_string()))?;
    let by = verify(namespace, text, &armored).map_err(|what| odd(what.to_owned()))?;
    if by.fingerprint != signer.fingerprint() {
        return Err(odd("another key signed".to_owned()));
    }
    Ok(armored)
}

/// A public key as this house names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public {
    /// Hex SHA-256 of the key as OpenSSH encodes it.
    pub fingerprint: String,
    /// "ssh-ed25519 AAAA...", without a comment.
    pub line: String,
}

impl Public {
    /// `None` for another kind of key.
    pub fn of(key: &PublicKey) -> Option<Public> {
        if key.algorithm() != Algorithm::Ed25519 {
            return None;
        }
        let mut key = key.clone();
        key.set_comment("");
        let line = key.to_openssh().ok()?.trim().to_owned();
        Some(Public { fingerprint: super::digest(key.to_bytes().ok()?), line })
    }

    /// A line as in `authorized_keys`, with or without a comment.
    pub fn read(line: &str) -> Option<Public> {
        // Nothing that long is a key of this kind.
        let line = Some(line.trim()).filter(|it| it.len() <= SIGNATURE_BYTES_MAX)?;
        Public::of(&PublicKey::from_openssh(line).ok()?)
    }
}

/// Whether an armour is written as this house writes it, to the byte.
pub fn is_plain(armored: &str) -> bool {
    let read = SshSig::from_pem(armored).ok().and_then(|it| it.to_pem(LineEnding::LF).ok());
    read.is_some_and(|plain| plain == armored)
}

/// Whose signature over `text` this is. That the key is anybody's is not said by it.
///
/// # Errors
/// A part of a sentence: what is wrong with it.
pub fn verify(namespace: &str, text: &str, armored: &str) -> Result<Public, &'static str> {
    if armored.len() > SIGNATURE_BYTES_MAX {
        return Err("it is too long for a signature");
    }
    let signature = SshSig::from_pem(armored).map_err(|_| "it is no signature in the format of OpenSSH")?;
    if signature.namespace() != namespace {
        return Err("it was made for another purpose");
    }
    if signature.hash_alg() != HashAlg::Sha512 || !signature.reserved().is_empty() {
        return Err("it is a signature of another kind");
    }
    let key = PublicKey::from(signature.public_key().clone());
    let public = Public::of(&key).ok_or("it is by a key that is not Ed25519")?;
    key.verify(namespace, text.as_bytes(), &signature).map_err(|_| "it does not belong to this text")?;
    Ok(public)
}
