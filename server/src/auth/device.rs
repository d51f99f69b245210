//! The key of a machine: what it signs when its person signs in. A challenge is not kept by the server: it carries its time and a seal, so that asking for
//! many takes no memory; only those that were used are remembered, until they are stale. Servers over one store share the seal, so that the answer to a
//! challenge may go to another of them. Never here: passphrases, people.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
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

/// What the machine of a session signs beside a call that the token alone does not make.
pub fn text_of_again(call: &str, challenge: &str) -> String {
    format!("deadwax again {call} {challenge}\n")
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
    /// Moments are counted from the start of this process: no clock that somebody can set. `None`: the seal is shared, and so is the time, by the wall.
    start: Option<Instant>,
    used: Mutex<HashMap<[u8; 32], Duration>>,
}

impl Challenges {
    /// `shared`: the seal of all servers over one store; without it one of this process alone.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn new(shared: Option<[u8; 32]>) -> Result<Self, getrandom::Error> {
        let start = shared.is_none().then(Instant::now);
        let secret = match shared {
            Some(secret) => secret,
            None => {
                let mut secret = [0_u8; 32];
                getrandom::fill(&mut secret)?;
                secret
            }
        };
        Ok(Self { seal: hmac::Key::new(hmac::HMAC_SHA256, &secret), start, used: Mutex::default() })
    }

    pub fn now(&self) -> Duration {
        match self.start {
            Some(start) => start.elapsed(),
            None => SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default(),
        }
    }

    /// Whether another process could be shown the same challenge.
    pub fn are_shared(&self) -> bool {
        self.start.is_none()
    }

    /// 8 bytes of time, 16 of chance, 32 of seal; in hex.
    ///
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn make(&self, now: Duration) -> Result<String, getrandom::Error> {
        let mut bytes = [0_u8; 24];
        bytes[..8].copy_from_slice(&(now.as_millis() as u64).to_be_bytes());
        getrandom::fill(&mut bytes[8..])?;
        let seal = hmac::sign(&self.seal, &bytes);
        Ok(hex::encode([&bytes, seal.as_ref()].concat()))
    }

    /// Whether it was made under this seal, lately, and was not used here yet. From now on it is; another process learns of it by the claim of the session.
    pub fn take(&self, challenge: &str, now: Duration) -> bool {
        let Ok(bytes) = hex::decode(challenge) else { return false };
        let Some((head, seal)) = bytes.split_at_checked(24) else { return false };
        if hmac::verify(&self.seal, head, seal).is_err() {
            return false;
        }
        let Ok(made_ms) = head[..8].try_into().map(u64::from_be_bytes) else { return false };
        let made = Duration::from_millis(made_ms);
        // Clocks of two machines differ a little, either way.
        if now.abs_diff(made) >= LIFE {
            return false;
        }
        let Ok(seal) = <[u8; 32]>::try_from(seal) else { return false };
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, made| now.abs_diff(*made) < LIFE);
        used.insert(seal, made).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_good_once_for_two_minutes_and_by_its_own_maker() {
        let (here, elsewhere) = (Challenges::new(None).unwrap(), Challenges::new(None).unwrap());
        let now = here.now();
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

    #[test]
    fn servers_with_one_seal_take_each_others_challenges_and_no_others() {
        let (here, there) =
            (Challenges::new(Some([7; 32])).unwrap(), Challenges::new(Some([7; 32])).unwrap());
        let stranger = Challenges::new(Some([8; 32])).unwrap();
        let (now, skew) = (here.now(), Duration::from_secs(3));
        let challenge = here.make(now).unwrap();
        assert!(here.are_shared() && !stranger.take(&challenge, now));
        assert!(there.take(&challenge, now.saturating_sub(skew)), "a clock that is behind");
        assert!(!there.take(&challenge, now), "once");
        let ahead = here.make(now + LIFE + skew).unwrap();
        assert!(!there.take(&ahead, now), "of a time that is not yet");
    }
}
