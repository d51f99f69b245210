//! The key of a machine: what it signs when its person signs in. A challenge is not kept by the server: it carries its time and a seal, so that asking for
//! many takes no memory; only those that were used are remembered, until they are stale. Never here: passphrases, people.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use deadwax_domain::Refusal;
use ring::hmac;

use super::secret::Hash;
use crate::signature;

/// What the signature of a device is for; no receipt can be taken for one.
pub const NAMESPACE: &str = "device@deadwax";
/// How long a challenge is good for.
const LIFE: Duration = Duration::from_secs(120);

/// What a device signs to show that it has the key that is to be known from now on.
pub fn text_of_code(code: &Hash) -> String {
    format!("deadwax code {}\n", hex::encode(code))
}

/// What a known device signs to open a session.
pub fn text_of_challenge(challenge: &str) -> String {
    format!("deadwax challenge {challenge}\n")
}

/// The key of a device that has signed `text` with it.
///
/// # Errors
/// `KEY_INVALID`, `SIGNATURE_INVALID`.
pub fn shown(line: &str, text: &str, armored: &str) -> Result<Hash, Refusal> {
    let (key, _) = signature::public_key(line)?;
    signature::by(key, NAMESPACE, text, armored)?;
    Ok(key.0)
}

/// Makes challenges, and takes each of them once.
pub struct Challenges {
    seal: hmac::Key,
    /// Moments are counted from here: no clock that somebody can set.
    start: Instant,
    used: Mutex<HashMap<[u8; 32], Instant>>,
}

impl Challenges {
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn new() -> Result<Self, getrandom::Error> {
        let mut secret = [0_u8; 32];
        getrandom::fill(&mut secret)?;
        let seal = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        Ok(Self { seal, start: Instant::now(), used: Mutex::default() })
    }

    /// 8 bytes of time, 16 of chance, 32 of seal; in hex.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn make(&self, now: Instant) -> Result<String, getrandom::Error> {
        let mut bytes = [0_u8; 24];
        bytes[..8].copy_from_slice(&(now.duration_since(self.start).as_millis() as u64).to_be_bytes());
        getrandom::fill(&mut bytes[8..])?;
        let seal = hmac::sign(&self.seal, &bytes);
        Ok(hex::encode([&bytes, seal.as_ref()].concat()))
    }

    /// Whether this process made it, lately, and it was not used yet. From now on it is.
    pub fn take(&self, challenge: &str, now: Instant) -> bool {
        let Ok(bytes) = hex::decode(challenge) else { return false };
        let Some((head, seal)) = bytes.split_at_checked(24) else { return false };
        if hmac::verify(&self.seal, head, seal).is_err() {
            return false;
        }
        let Ok(made_ms) = head[..8].try_into().map(u64::from_be_bytes) else { return false };
        let made = self.start + Duration::from_millis(made_ms);
        if now.duration_since(made) >= LIFE {
            return false;
        }
        let Ok(seal) = <[u8; 32]>::try_from(seal) else { return false };
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, made| now.duration_since(*made) < LIFE);
        used.insert(seal, made).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_good_once_for_two_minutes_and_by_its_own_maker() {
        let (here, elsewhere) = (Challenges::new().unwrap(), Challenges::new().unwrap());
        let now = Instant::now();
        let challenge = here.make(now).unwrap();
        assert!(!elsewhere.take(&challenge, now));
        assert!(here.take(&challenge, now));
        assert!(!here.take(&challenge, now), "once");
        let late = here.make(now).unwrap();
        assert!(!here.take(&late, now + LIFE));
        for hurt in ["", "00", "zz", &late[2..], &format!("{late}00"), &late.replacen(&late[..1], "f", 1)] {
            assert!(!here.take(hurt, now), "{hurt}");
        }
        assert!(here.take(&late, now + LIFE / 2));
    }
}
