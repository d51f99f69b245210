//! Signatures in the format of OpenSSH: Ed25519, SHA-512, a namespace. What was signed is verified before it is handed on, so that a damaged key or
//! a strange agent is noticed here. Never here: what a text must say.

use ssh_key::{Algorithm, HashAlg, LineEnding, PublicKey, Signature, SshSig};

use super::{
    Trouble,
    keys::{Signer, Way},
};

/// Far beyond any signature of this kind.
const SIGNATURE_BYTES_MAX: usize = 4096;
/// As ssh-keygen breaks it.
const ARMOUR_COLUMNS: usize = 70;

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

/// A key that somebody has elsewhere, by the word that its page shows: the signature by which it asks to be enrolled, without its armour. Answers the key, and that
/// signature as it is sent.
///
/// # Errors
/// A part of a sentence: what is wrong with it.
pub fn offered(word: &str) -> Result<(Public, String), &'static str> {
    const NONE: &str = "it is none, or not whole";
    let word = word.trim();
    if word.len() > SIGNATURE_BYTES_MAX || !word.is_ascii() {
        return Err(NONE);
    }
    let lines: Vec<_> = word.as_bytes().chunks(ARMOUR_COLUMNS).map(String::from_utf8_lossy).collect();
    let armored =
        format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"));
    let signature = SshSig::from_pem(&armored).map_err(|_| NONE)?;
    let key = PublicKey::from(signature.public_key().clone());
    let key = Public::of(&key).ok_or("it is of a key that is not Ed25519")?;
    let proof = signature.to_pem(LineEnding::LF).map_err(|_| NONE)?;
    verify(super::KEY, &key.line, &proof)?;
    Ok((key, proof))
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

#[cfg(test)]
mod tests {
    use ssh_key::{Algorithm, PrivateKey, rand_core::OsRng};

    use super::*;
    use crate::receipt::KEY;

    fn key() -> Signer {
        Signer::here(PrivateKey::random(&mut OsRng, Algorithm::Ed25519).unwrap(), "a test").unwrap()
    }

    fn word(armored: &str) -> String {
        armored.lines().filter(|line| !line.starts_with('-')).collect()
    }

    #[test]
    fn a_key_that_is_offered_shows_that_its_owner_has_it_and_nothing_else_is_taken_for_one() {
        let key = key();
        let proof = sign(&key, KEY, key.line()).unwrap();
        let (found, sent) = offered(&word(&proof)).unwrap();
        assert_eq!((found.fingerprint.as_str(), found.line.as_str()), (key.fingerprint(), key.line()));
        assert_eq!(sent, proof);
        assert!(offered(&format!("  {}\n", word(&proof))).is_ok());
        // Over another text, for another purpose, cut, changed, or something else.
        let other = sign(&key, KEY, "ssh-ed25519 AAAA").unwrap();
        let purpose = sign(&key, crate::receipt::STATEMENT, key.line()).unwrap();
        let whole = word(&proof);
        let (last, rest) = (whole.as_bytes()[200], &whole[..200]);
        let changed = format!("{rest}{}{}", if last == b'A' { 'B' } else { 'A' }, &whole[201..]);
        for wrong in [
            &word(&other),
            &word(&purpose),
            &whole[..whole.len() - 8],
            &changed,
            "",
            key.line(),
            "\u{e9}",
            &"A".repeat(5000),
        ] {
            assert!(offered(wrong).is_err(), "{wrong}");
        }
    }
}
