//! How a session begins: with a one-time code, and the passphrase of whoever has one; or with the key of a known device and the passphrase. Never here: how
//! it ends (`sessions`), how a passphrase is hashed (`passphrase`), what a device signs (`device`).

use std::{hash, net::IpAddr, sync::Arc, time::Instant};

use deadwax_domain::PersonId;
use deadwax_proto::ledger::v1::{self as stored, studio_fact::Fact};

use super::{
    AuthError, NotOpened, Opened, People, Person, Ruling, SESSION_TTL, SESSIONS_MAX, Shown, device,
    fold::Device,
    passphrase::Passphrase,
    secret::{self, Hash, Kind},
    sessions::{ended, forgotten},
    tries::{Tries, Way, customer},
};
use crate::{name, store::AppendError};

/// Devices of one person that may sign in again; a new one takes the place of the one that was quiet longest.
const DEVICES_MAX: usize = 64;

/// A code that is to become a session.
#[derive(Clone, Copy, Default)]
pub struct Redeem<'a> {
    pub code: &'a str,
    /// What the device is called.
    pub device: &'a str,
    /// Where wrong codes and passphrases are counted; `None` for callers inside this process.
    pub address: Option<IpAddr>,
    /// Empty: none is given.
    pub passphrase: &'a str,
    /// Whoever has no passphrase must choose one now.
    pub must_choose: bool,
    /// The line of the device's key and its signature; both empty: it has none.
    pub key: &'a str,
    pub signature: &'a str,
}

/// A known device that asks for another session.
#[derive(Clone, Copy)]
pub struct Again<'a> {
    pub challenge: &'a str,
    pub key: &'a str,
    pub signature: &'a str,
    pub passphrase: &'a str,
    pub address: Option<IpAddr>,
}

/// A session that is to begin.
struct Begin {
    person: PersonId,
    device: String,
    code: Option<Hash>,
    /// The challenge that was answered, where another server could be shown it again.
    challenge: Option<Hash>,
    key: Option<Hash>,
    /// What has to stand in the journal beside it.
    more: Vec<Fact>,
}

impl People {
    /// Turns a code into a session. Of many who try the same code at once exactly one wins: the code is claimed in the store.
    pub async fn redeem(&self, asked: Redeem<'_>) -> Result<Opened, AuthError> {
        let device =
            name::clean("device name", asked.device, name::PERSON_MAX).map_err(AuthError::NameInvalid)?;
        let code = secret::read(Kind::Invite, asked.code);
        let key = match (code, asked.key, asked.signature) {
            (None, ..) | (_, "", "") => None,
            (Some(code), line, signature) => {
                Some(device::shown(line, &device::text_of_code(&code), signature)?)
            }
        };
        counted(&self.addresses, asked.address.map(customer), async {
            let code = code.ok_or(AuthError::CodeUnknown)?;
            // Another server may have made it a moment ago.
            self.look().await?;
            let person = self.holder(&code)?;
            let shown = counted(&self.ways, Some(Way::Codes(person.id)), async {
                self.prove(&person, asked.passphrase, asked.must_choose).await
            });
            let (kept, chosen) = shown.await?;
            self.decided(|| {
                let person = self.holder(&code)?;
                if self.state().passphrase(person.id) != kept {
                    return Err(AuthError::PassphraseWrong);
                }
                let set = chosen.clone().map(|phc| set(person.id, phc));
                let known = key.map(|key| known(&key, person.id));
                let more = set.into_iter().chain(known).collect();
                let device = device.clone();
                self.begin(Begin { person: person.id, device, code: Some(code), challenge: None, key, more })
            })
            .await
            .map_err(|error| taken(error, AuthError::CodeUnknown))
        })
        .await
    }

    /// A text that a device signs to open a session.
    pub fn challenge(&self) -> Result<String, AuthError> {
        Ok(self.challenges.make(self.challenges.now())?)
    }

    /// Another session for a device that is known. Its earlier ones end. A machine that has shown its key is not slowed by what others at its address try.
    pub async fn sign_in(&self, asked: Again<'_>) -> Result<Opened, AuthError> {
        // Another server may have met this machine a moment ago.
        self.look().await?;
        let shown = self.machine(&asked);
        let (key, device) = match shown {
            Ok(shown) => shown,
            Err(refused) => {
                return counted(&self.addresses, asked.address.map(customer), async { Err(refused) }).await;
            }
        };
        counted(&self.ways, Some(Way::Machine(key)), async {
            let kept = self.state().passphrase(device.person);
            let given = Passphrase::read(asked.passphrase);
            if !self.hasher.fits(given.as_ref(), kept.as_deref()).await? {
                return Err(AuthError::SignInRefused);
            }
            let name = if device.name.is_empty() { "unnamed device".into() } else { device.name };
            let challenge = self.challenges.are_shared().then(|| secret::hash(asked.challenge));
            self.decided(|| {
                let more: Vec<Fact> = {
                    let state = self.state();
                    if state.device(&key).is_none() || state.passphrase(device.person) != kept {
                        return Err(AuthError::SignInRefused);
                    }
                    let earlier =
                        state.sessions_of(device.person).into_iter().filter(|it| it.key == Some(key));
                    earlier.map(|session| ended(session.id)).collect()
                };
                let (person, device) = (device.person, name.clone());
                self.begin(Begin { person, device, code: None, challenge, key: Some(key), more })
            })
            .await
            .map_err(|error| taken(error, AuthError::SignInRefused))
        })
        .await
    }

    /// The machine that has signed the challenge, which is used up by it.
    fn machine(&self, asked: &Again<'_>) -> Result<(Hash, Device), AuthError> {
        if !self.challenges.take(asked.challenge, self.challenges.now()) {
            return Err(AuthError::SignInRefused);
        }
        let text = device::text_of_challenge(asked.challenge);
        let key = device::shown(asked.key, &text, asked.signature).map_err(|_| AuthError::SignInRefused)?;
        let device = self.state().device(&key).cloned().ok_or(AuthError::SignInRefused)?;
        Ok((key, device))
    }

    /// Sets the passphrase of somebody who is signed in and has shown it. Answers how many other sessions ended.
    pub async fn set_passphrase(
        &self,
        session_id: u128,
        current: &str,
        wanted: &str,
        end_others: bool,
        shown: Shown,
    ) -> Result<usize, AuthError> {
        self.look().await?;
        let person = self.owner_of_session(session_id).and_then(|id| self.person(id));
        let person = person.ok_or(AuthError::NoSuchSession)?;
        counted(&self.ways, Some(Way::Session(session_id)), async {
            let kept = self.state().passphrase(person.id);
            let given = Passphrase::read(current);
            if kept.is_some() && !self.hasher.fits(given.as_ref(), kept.as_deref()).await? {
                return Err(AuthError::PassphraseWrong);
            }
            let phc = self.choose(&person, &Passphrase::read(wanted)).await?;
            let done = self.decided(|| {
                let (mut facts, mut others) = (vec![set(person.id, phc.clone())], 0);
                let state = self.state();
                if state.passphrase(person.id) != kept {
                    return Err(AuthError::PassphraseWrong);
                }
                let mine = state.session(session_id).ok_or(AuthError::NoSuchSession)?.key;
                if end_others {
                    let sessions = state.sessions_of(person.id).into_iter().filter(|it| it.id != session_id);
                    facts.extend(sessions.map(|session| ended(session.id)));
                    others = facts.len() - 1;
                    let devices = state.devices_of(person.id).into_iter().filter(|it| Some(it.0) != mine);
                    facts.extend(devices.map(|(key, _)| forgotten(&key)));
                }
                Ok((facts, shown.claims(), others))
            });
            shown.used(done.await)
        })
        .await
    }

    pub fn has_passphrase(&self, person: PersonId) -> bool {
        self.state().passphrase(person).is_some()
    }

    /// Who may use this code now.
    fn holder(&self, code: &Hash) -> Result<Person, AuthError> {
        let now_ms = self.clock.now_ms();
        let state = self.state();
        let open = state.codes.get(code).filter(|code| code.expires_ms > now_ms);
        open.and_then(|code| state.person(code.person)).ok_or(AuthError::CodeUnknown)
    }

    /// What is kept of somebody's passphrase, once it was shown; or the hash of the one they choose.
    async fn prove(
        &self,
        person: &Person,
        given: &str,
        must_choose: bool,
    ) -> Result<(Option<Arc<str>>, Option<String>), AuthError> {
        let kept = self.state().passphrase(person.id);
        let given = Passphrase::read(given);
        match (&kept, &given) {
            (Some(_), None) => Err(AuthError::PassphraseNeeded { choose: false }),
            (Some(phc), Some(_)) => match self.hasher.fits(given.as_ref(), Some(phc)).await? {
                true => Ok((kept, None)),
                false => Err(AuthError::PassphraseWrong),
            },
            (None, None) if must_choose => Err(AuthError::PassphraseNeeded { choose: true }),
            (None, None) => Ok((None, None)),
            (None, Some(_)) => Ok((None, Some(self.choose(person, &given).await?))),
        }
    }

    /// The hash of a passphrase that may be chosen.
    async fn choose(&self, person: &Person, wanted: &Option<Passphrase>) -> Result<String, AuthError> {
        let Some(wanted) = wanted else {
            return Err(AuthError::PassphraseWeak("The passphrase is empty.".into()));
        };
        wanted.check(&[&person.name, &person.email, "deadwax"])?;
        self.hasher.hash(wanted).await
    }

    /// What makes a session begin now.
    fn begin(&self, begin: Begin) -> Ruling<Opened> {
        let Begin { person, device, code, challenge, key, more } = begin;
        let mut facts = more;
        let person = {
            let state = self.state();
            if code.is_some() && state.sessions_of(person).len() >= SESSIONS_MAX {
                let what = format!("You have {SESSIONS_MAX} open sessions; end some of them first.");
                return Err(AuthError::LimitReached(what));
            }
            if code.is_some() && key.is_some() {
                let others = state.devices_of(person).into_iter().filter(|it| Some(it.0) != key);
                facts.extend(others.skip(DEVICES_MAX - 1).map(|(quiet, _)| forgotten(&quiet)));
            }
            state.person(person).ok_or(AuthError::CodeUnknown)?
        };
        let token = secret::new(Kind::Session)?;
        let session_id = uuid::Uuid::now_v7().as_u128();
        let ttl_ms = SESSION_TTL.as_millis() as u64;
        let expires_ms = self.clock.now_ms().saturating_add_unsigned(ttl_ms);
        facts.push(Fact::SessionOpened(stored::SessionOpened {
            session_id: session_id.to_be_bytes().to_vec(),
            token_sha256: token.hash().to_vec(),
            person_id: person.id.0.to_be_bytes().to_vec(),
            expires_ms,
            code_sha256: code.map(|it| it.to_vec()).unwrap_or_default(),
            device_sha256: key.map(|it| it.to_vec()).unwrap_or_default(),
        }));
        let named = stored::SessionNamed { session_id: session_id.to_be_bytes().to_vec(), device };
        facts.push(Fact::SessionNamed(named));
        let claims = code.map(|code| [b"code/".as_slice(), &code].concat().into());
        let answered = challenge.map(|it| [b"challenge/".as_slice(), &it].concat().into());
        let claims = claims.into_iter().chain(answered).collect();
        Ok((facts, claims, Opened { token, person, session_id, expires_ms }))
    }
}

/// Of many who come with the same at once one is let in.
pub(super) fn taken(error: AuthError, refused: AuthError) -> AuthError {
    if matches!(error, AuthError::Append(AppendError::ClaimTaken(_))) { refused } else { error }
}

/// Counted before the work, so that those that come at once are not looked at beyond the limit. What was no guess counts nowhere.
pub(super) async fn counted<Key: Eq + hash::Hash + Copy, T>(
    tries: &Tries<Key>,
    key: Option<Key>,
    work: impl Future<Output = Result<T, AuthError>>,
) -> Result<T, AuthError> {
    let too_many = |wait_s| AuthError::TooManyTries { wait_s };
    let one = key.map(|key| tries.take(key, Instant::now())).transpose().map_err(too_many)?;
    let done = work.await;
    let one = one.filter(|_| !done.as_ref().is_err_and(AuthError::is_a_wrong_try));
    if let Some(one) = one {
        one.give_back();
    }
    done
}

impl AuthError {
    /// Whether somebody may be guessing.
    fn is_a_wrong_try(&self) -> bool {
        matches!(
            self,
            Self::CodeUnknown
                | Self::PassphraseWrong
                | Self::SignInRefused
                | Self::Link(NotOpened::Unknown | NotOpened::PasswordWrong)
        )
    }
}

fn set(person: PersonId, phc: String) -> Fact {
    Fact::PassphraseSet(stored::PassphraseSet { person_id: person.0.to_be_bytes().to_vec(), phc })
}

fn known(key: &Hash, person: PersonId) -> Fact {
    let person_id = person.0.to_be_bytes().to_vec();
    Fact::DeviceKnown(stored::DeviceKnown { device_sha256: key.to_vec(), person_id })
}
