//! Passphrases: argon2id with the floor of OWASP (19 MiB, two passes, one lane), at most two at a time, so that those who sign in never take both cores
//! from those who listen. Never here: whose passphrase it is, and any of it in a log, an error or `Debug`.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString},
};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use super::{AuthError, NotOpened};

/// KiB of memory for one hash.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Hashes that are computed at the same time.
const AT_ONCE: usize = 2;
/// Who waits beyond that is told to come again: 64 take less than two seconds.
const WAITING: usize = 64;
/// Characters.
const CHARS_MIN: usize = 12;
const BYTES_MAX: usize = 1024;
/// Of the password of a link, which stands beside a secret of 256 bits.
const LINK_CHARS_MIN: usize = 8;

/// What somebody typed, in the form that is hashed. Wiped when it is dropped.
#[derive(Clone)]
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// `None`: nothing was given. One that is too long to be one is cut nowhere: it fits nothing.
    pub fn read(given: &str) -> Option<Self> {
        if given.is_empty() {
            return None;
        }
        // The same letters typed on two systems may come in two forms.
        let text: String = if given.len() > BYTES_MAX { String::new() } else { given.nfc().collect() };
        Some(Self(Zeroizing::new(text)))
    }

    /// Whether it may be chosen. `about`: words that stand for the person, and so are soon guessed.
    ///
    /// # Errors
    /// `PassphraseWeak`, with the reason in words.
    pub fn check(&self, about: &[&str]) -> Result<(), AuthError> {
        let weak = |why: &str| Err(AuthError::PassphraseWeak(why.to_owned()));
        if self.0.is_empty() {
            return weak("The passphrase is too long: at most 1,024 bytes.");
        }
        if self.0.chars().count() < CHARS_MIN {
            return weak(
                "The passphrase is too short: at least 12 characters; four words that have nothing to do with each other are good.",
            );
        }
        if zxcvbn::zxcvbn(&self.0, about).score() < zxcvbn::Score::Three {
            return weak(
                "The passphrase is soon guessed; take four words that have nothing to do with each other or with you.",
            );
        }
        Ok(())
    }
}

impl Passphrase {
    /// The same of the password of a link: read out over a telephone, and worth nothing without the link.
    ///
    /// # Errors
    /// `PasswordWeak`, with the reason in words.
    pub fn check_for_link(&self, about: &[&str]) -> Result<(), NotOpened> {
        let weak = |why: &str| Err(NotOpened::PasswordWeak(why.to_owned()));
        if self.0.is_empty() {
            return weak("The password is too long: at most 1,024 bytes.");
        }
        if self.0.chars().count() < LINK_CHARS_MIN {
            return weak("The password is too short: at least 8 characters.");
        }
        if zxcvbn::zxcvbn(&self.0, about).score() < zxcvbn::Score::Two {
            return weak(
                "The password is soon guessed; take two words that have nothing to do with each other.",
            );
        }
        Ok(())
    }
}

fn argon2() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The only place where hashes are made and compared.
pub struct Hasher {
    at_once: Arc<Semaphore>,
    waiting: Semaphore,
    #[cfg(test)]
    pub(super) begun: std::sync::atomic::AtomicUsize,
    /// Compared with where there is no passphrase, so that the answer takes as long.
    nobodys: String,
}

impl Hasher {
    /// # Errors
    /// Where the system gives no random bytes.
    pub fn new() -> Result<Self, AuthError> {
        let mut unknown = [0_u8; 32];
        getrandom::fill(&mut unknown)?;
        let nobodys = hash_now(&hex::encode(unknown))?;
        Ok(Self {
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Semaphore::new(WAITING),
            #[cfg(test)]
            begun: Default::default(),
            nobodys,
        })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AuthError> {
        let _waiting = self.waiting.try_acquire().map_err(|_| AuthError::Busy)?;
        #[cfg(test)]
        self.begun.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let turn = Arc::clone(&self.at_once).acquire_owned().await.map_err(|_| AuthError::Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            work()
        });
        done.await.map_err(|_| AuthError::Busy)
    }

    /// Hashes that are computed or wait for their turn.
    pub fn waiting(&self) -> usize {
        WAITING.saturating_sub(self.waiting.available_permits())
    }

    /// The PHC string to keep.
    ///
    /// # Errors
    /// `Busy`; no random bytes.
    pub async fn hash(&self, passphrase: &Passphrase) -> Result<String, AuthError> {
        let text = passphrase.0.clone();
        self.run(move || hash_now(&text)).await?
    }

    /// Whether it is the one that was kept. Without one: no, after the same work.
    ///
    /// # Errors
    /// `Busy`.
    pub async fn fits(&self, passphrase: Option<&Passphrase>, kept: Option<&str>) -> Result<bool, AuthError> {
        let text = passphrase.map(|it| it.0.clone()).unwrap_or_default();
        let (phc, is_real) = (kept.unwrap_or(&self.nobodys).to_owned(), kept.is_some());
        let fits = self.run(move || {
            let Ok(phc) = PasswordHash::new(&phc) else {
                tracing::error!("a stored passphrase hash cannot be read");
                return false;
            };
            // The parameters are those of the stored hash: older ones stay good.
            argon2().verify_password(text.as_bytes(), &phc).is_ok() && !text.is_empty()
        });
        Ok(fits.await? && is_real)
    }
}

fn hash_now(text: &str) -> Result<String, AuthError> {
    let mut salt = [0_u8; 16];
    getrandom::fill(&mut salt)?;
    let hashed = SaltString::encode_b64(&salt)
        .and_then(|salt| argon2().hash_password(text.as_bytes(), &salt).map(|hash| hash.to_string()));
    hashed.map_err(|error| AuthError::Hash(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::read(text).unwrap()
    }

    #[tokio::test]
    async fn what_is_kept_is_argon2id_at_the_floor_and_fits_its_own_passphrase_alone() {
        let hasher = Hasher::new().unwrap();
        let phc = hasher.hash(&passphrase("four old tape machines")).await.unwrap();
        let read = PasswordHash::new(&phc).unwrap();
        assert_eq!(read.algorithm.as_str(), "argon2id");
        let params = Params::try_from(&read).unwrap();
        assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), (19_456, 2, 1));
        assert_ne!(phc, hasher.hash(&passphrase("four old tape machines")).await.unwrap(), "salted");
        assert!(hasher.fits(Some(&passphrase("four old tape machines")), Some(&phc)).await.unwrap());
        for wrong in ["four old tape machine", "Four old tape machines", &"x".repeat(5000)] {
            assert!(!hasher.fits(Some(&passphrase(wrong)), Some(&phc)).await.unwrap(), "{wrong}");
        }
        assert!(!hasher.fits(None, Some(&phc)).await.unwrap());
        assert!(!hasher.fits(Some(&passphrase("four old tape machines")), None).await.unwrap());
        assert!(!hasher.fits(Some(&passphrase("four old tape machines")), Some("no phc")).await.unwrap());
    }

    #[tokio::test]
    async fn the_same_letters_in_two_forms_are_one_passphrase() {
        let hasher = Hasher::new().unwrap();
        let phc = hasher.hash(&passphrase("caf\u{e9} beneath the mill")).await.unwrap();
        assert!(hasher.fits(Some(&passphrase("cafe\u{301} beneath the mill")), Some(&phc)).await.unwrap());
    }

    #[test]
    fn what_is_soon_guessed_is_refused_with_the_reason() {
        for (bad, why) in [
            ("short", "too short"),
            ("elevenchars", "too short"),
            ("passwordpassword", "soon guessed"),
            ("123456789012", "soon guessed"),
            ("qwertyuiop[]", "soon guessed"),
            ("ana.ruiz@label.example", "soon guessed"),
            (&"x".repeat(2000), "too long"),
        ] {
            let Err(AuthError::PassphraseWeak(said)) =
                passphrase(bad).check(&["Ana Ruiz", "ana.ruiz@label.example"])
            else {
                panic!("{bad} was taken");
            };
            assert!(said.contains(why), "{bad}: {said}");
        }
        for good in ["four old tape machines", "Gerade eben noch Regen", "夜の高速道路と古い録音機の音を聴く"]
        {
            passphrase(good).check(&["Ana Ruiz"]).unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn however_many_sign_in_two_are_hashed_at_once_and_the_line_has_an_end() {
        let hasher = Arc::new(Hasher::new().unwrap());
        let tries = (0..200).map(|_| {
            let hasher = Arc::clone(&hasher);
            tokio::spawn(async move {
                let free = hasher.at_once.available_permits();
                let answer = hasher.fits(Some(&passphrase("wrong again and again")), None).await;
                (free, answer)
            })
        });
        let answers = futures::future::join_all(tries).await;
        let busy = answers.iter().filter(|it| matches!(it, Ok((_, Err(AuthError::Busy))))).count();
        let told = answers.iter().filter(|it| matches!(it, Ok((_, Ok(false))))).count();
        assert_eq!(busy + told, 200);
        assert!(told >= WAITING, "{told} were answered");
        assert_eq!(hasher.at_once.available_permits(), AT_ONCE, "every turn is given back");
    }
}
