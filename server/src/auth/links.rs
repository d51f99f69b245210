//! Links to listen: what is kept of one beside the project's own fact, how it is opened, and how it ends. A guest is a person without an e-mail, made for one
//! link. The project's stream says what a link names and the studio's what opens it; one without the other opens nothing. Never here: the scope (the domain's
//! `link`), who may make one, and any secret or password in a log, an error or `Debug`.

use std::{net::IpAddr, sync::Arc};

use deadwax_domain::{LinkId, PersonId, ProjectId};
use deadwax_proto::ledger::v1::{self as stored, studio_fact::Fact};

use super::{
    AuthError, Opened, People, Ruling, SESSION_TTL,
    fold::Link,
    passphrase::Passphrase,
    secret::{self, Hash, Kind, Secret},
    sign_in::counted,
    tries::{Way, customer},
};
use crate::name;

/// Why a link does not open, or cannot be made so.
#[derive(Debug, thiserror::Error)]
pub enum NotOpened {
    #[error("no link has this secret")]
    Unknown,
    #[error("the link was revoked or has expired")]
    Ended,
    #[error("the link was opened as often as it may be")]
    UsedUp,
    #[error("the link has a password")]
    PasswordNeeded,
    #[error("the password of the link is not right")]
    PasswordWrong,
    #[error("{0}")]
    PasswordWeak(String),
}

/// A link that the project's stream has.
pub struct KeepLink {
    pub link: LinkId,
    pub guest: PersonId,
    pub recipient: String,
    pub project: ProjectId,
    pub by: PersonId,
    pub expires_ms: i64,
    pub sessions_max: u32,
    /// Of its password, where it has one.
    pub phc: Option<String>,
}

/// What a secret leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkPlace {
    pub link: LinkId,
    pub guest: PersonId,
    pub project: ProjectId,
    secret: Hash,
}

/// A link that is to become a session.
#[derive(Clone, Copy)]
pub struct OpenLink<'a> {
    pub place: LinkPlace,
    /// Empty: none is given.
    pub password: &'a str,
    pub device: &'a str,
    /// Where wrong passwords are counted; `None` for callers inside this process.
    pub address: Option<IpAddr>,
}

/// What the studio knows of a link.
#[derive(Clone, Debug)]
pub struct LinkLine {
    /// It was revoked, or its maker's access was ended; the clock is asked elsewhere.
    pub ended: bool,
    /// Oldest first.
    pub opened: Vec<OpeningLine>,
}

/// One time that it was opened.
#[derive(Clone, Debug)]
pub struct OpeningLine {
    pub session_id: u128,
    pub at_ms: i64,
    /// When a call last came under it, where its session is open and that is known.
    pub used_ms: Option<i64>,
    /// Empty once the session has ended.
    pub device: String,
    pub is_open: bool,
}

impl People {
    /// The name of a recipient, as it will be kept.
    ///
    /// # Errors
    /// `NameInvalid`, with the reason in words.
    pub fn recipient(asked: &str) -> Result<String, AuthError> {
        name::clean("name of the recipient", asked, name::PERSON_MAX).map_err(AuthError::NameInvalid)
    }

    /// The hash of a password that a link is to have; `None`: none is asked.
    ///
    /// # Errors
    /// `PasswordWeak`; `Busy` where too many are hashed at once.
    pub async fn link_password(&self, asked: &str, about: &[&str]) -> Result<Option<String>, AuthError> {
        let Some(password) = Passphrase::read(asked) else { return Ok(None) };
        password.check_for_link(about)?;
        self.hasher.hash(&password).await.map(Some)
    }

    /// Keeps what opens a link, and makes its guest. Of a link that is kept already: another secret; the one before opens nothing any more.
    ///
    /// # Errors
    /// `Ended` where it was revoked meanwhile.
    pub async fn keep_link(&self, keep: KeepLink) -> Result<Secret, AuthError> {
        let secret = secret::new(Kind::Link)?;
        self.decided(|| {
            let known = {
                let state = self.state();
                if state.link(keep.link).is_some_and(|link| link.ended) {
                    return Err(NotOpened::Ended.into());
                }
                state.link(keep.link).is_some()
            };
            let mut facts = if known { Vec::new() } else { begun(&keep) };
            facts.push(Fact::LinkSecret(stored::LinkSecret {
                link_id: keep.link.0.to_be_bytes().to_vec(),
                secret_sha256: secret.hash().to_vec(),
                phc: keep.phc.clone().unwrap_or_default(),
            }));
            Ok((facts, Vec::new(), ()))
        })
        .await?;
        Ok(secret)
    }

    /// The guest of a link of another studio, whose project comes here: a name, and no way in.
    ///
    /// # Errors
    /// `NameInvalid`.
    pub async fn add_guest(&self, id: PersonId, name: &str) -> Result<(), AuthError> {
        let name = Self::recipient(name)?;
        self.decided(|| Ok((named(id, &name), Vec::new(), ()))).await
    }

    /// Where a secret leads, ended or not: whoever has it may be told.
    ///
    /// # Errors
    /// `Unknown`; `TooManyTries`.
    pub async fn link_of(&self, secret: &str, address: Option<IpAddr>) -> Result<LinkPlace, AuthError> {
        counted(&self.addresses, address.map(customer), async {
            let secret = secret::read(Kind::Link, secret).ok_or(NotOpened::Unknown)?;
            // Another server may have made it a moment ago.
            self.look().await?;
            let state = self.state();
            let link = state.link_by_secret(&secret).ok_or(NotOpened::Unknown)?;
            Ok(LinkPlace { link: link.id, guest: link.person, project: link.project, secret })
        })
        .await
    }

    /// Begins a session of a link's guest. Of many who open it at once no more get in than it has sessions.
    ///
    /// # Errors
    /// `Ended`, `UsedUp`, `PasswordNeeded`, `PasswordWrong`, `TooManyTries`, `NameInvalid` (of the device), `Busy`.
    pub async fn open_link(&self, asked: OpenLink<'_>) -> Result<Opened, AuthError> {
        let device =
            name::clean("device name", asked.device, name::PERSON_MAX).map_err(AuthError::NameInvalid)?;
        let place = asked.place;
        let kept = self.may_be_opened(&place)?;
        counted(&self.addresses, asked.address.map(customer), async {
            if let Some(phc) = &kept {
                let given = Passphrase::read(asked.password).ok_or(NotOpened::PasswordNeeded)?;
                counted(&self.ways, Some(Way::Link(place.link.0)), async {
                    let fits = self.hasher.fits(Some(&given), Some(phc)).await?;
                    if fits { Ok(()) } else { Err(NotOpened::PasswordWrong.into()) }
                })
                .await?;
            }
            self.decided(|| {
                // It may have ended, been opened by others or been given another secret while the password was looked at.
                if self.may_be_opened(&place)? != kept {
                    return Err(NotOpened::Unknown.into());
                }
                self.begin_as_guest(&place, device.clone())
            })
            .await
        })
        .await
    }

    /// The hash of the password that it takes.
    fn may_be_opened(&self, place: &LinkPlace) -> Result<Option<Arc<str>>, AuthError> {
        let now_ms = self.clock.now_ms();
        let state = self.state();
        let link = state.link_by_secret(&place.secret).filter(|link| link.id == place.link);
        let link = link.ok_or(NotOpened::Unknown)?;
        if link.ended || link.expires_ms <= now_ms {
            return Err(NotOpened::Ended.into());
        }
        if link.opened.len() >= link.sessions_max as usize {
            return Err(NotOpened::UsedUp.into());
        }
        Ok(link.phc.clone())
    }

    fn begin_as_guest(&self, place: &LinkPlace, device: String) -> Ruling<Opened> {
        let (person, link_ends_ms) = {
            let state = self.state();
            let link = state.link(place.link).ok_or(NotOpened::Unknown)?;
            (state.person(link.person).ok_or(NotOpened::Ended)?, link.expires_ms)
        };
        let token = secret::new(Kind::Session)?;
        let session_id = uuid::Uuid::now_v7().as_u128();
        let ttl_ms = u64::try_from(SESSION_TTL.as_millis()).unwrap_or(u64::MAX);
        let expires_ms = self.clock.now_ms().saturating_add_unsigned(ttl_ms).min(link_ends_ms);
        let id = session_id.to_be_bytes().to_vec();
        let facts = vec![
            Fact::SessionOpened(stored::SessionOpened {
                session_id: id.clone(),
                token_sha256: token.hash().to_vec(),
                person_id: person.id.0.to_be_bytes().to_vec(),
                expires_ms,
                code_sha256: Vec::new(),
                device_sha256: Vec::new(),
            }),
            Fact::SessionNamed(stored::SessionNamed { session_id: id.clone(), device }),
            Fact::LinkOpened(stored::LinkOpened {
                link_id: place.link.0.to_be_bytes().to_vec(),
                session_id: id,
            }),
        ];
        Ok((facts, Vec::new(), Opened { token, person, session_id, expires_ms }))
    }

    /// Ends a link and its sessions, open streams included. Answers how many were open. One that is not kept here opens nothing anyway.
    ///
    /// # Errors
    /// `EndedUntilRestart` where it could not be written down.
    pub async fn end_link(&self, link: LinkId) -> Result<usize, AuthError> {
        let open = self.state().link(link).is_some_and(|link| !link.ended);
        if !open {
            return Ok(0);
        }
        self.ended_by(|| {
            let state = self.state();
            let known = state.link(link).ok_or(NotOpened::Unknown)?;
            let open = state.sessions_of(known.person).len();
            let fact = Fact::LinkEnded(stored::LinkEnded { link_id: link.0.to_be_bytes().to_vec() });
            Ok((vec![fact], Vec::new(), open))
        })
        .await
    }

    /// What is known of a link; `None`: nothing here opens it.
    pub fn link_line(&self, link: LinkId) -> Option<LinkLine> {
        let now_ms = self.clock.now_ms();
        let state = self.state();
        let known: &Link = state.link(link)?;
        let line = |(session_id, at_ms): &(u128, i64)| {
            let session = state.session(*session_id).filter(|session| session.expires_ms > now_ms);
            let used_ms = session.map(|it| it.used_ms.load(std::sync::atomic::Ordering::Relaxed));
            OpeningLine {
                session_id: *session_id,
                at_ms: *at_ms,
                used_ms: used_ms.filter(|used_ms| *used_ms > 0),
                device: session.map(|it| it.device.clone()).unwrap_or_default(),
                is_open: session.is_some(),
            }
        };
        Some(LinkLine { ended: known.ended, opened: known.opened.iter().map(line).collect() })
    }
}

/// A guest: somebody without an e-mail.
fn named(guest: PersonId, name: &str) -> Vec<Fact> {
    let (person_id, name) = (guest.0.to_be_bytes().to_vec(), name.to_owned());
    let added = stored::PersonAdded { person_id: person_id.clone(), studio_owner: false };
    let named = stored::PersonNamed { person_id, name, email: String::new() };
    vec![Fact::PersonAdded(added), Fact::PersonNamed(named)]
}

/// The guest, and the link before it has a secret.
fn begun(keep: &KeepLink) -> Vec<Fact> {
    let mut facts = named(keep.guest, &keep.recipient);
    facts.push(Fact::LinkKept(stored::LinkKept {
        link_id: keep.link.0.to_be_bytes().to_vec(),
        person_id: keep.guest.0.to_be_bytes().to_vec(),
        project_id: keep.project.0.to_be_bytes().to_vec(),
        expires_ms: keep.expires_ms,
        sessions_max: keep.sessions_max,
        made_by: keep.by.0.to_be_bytes().to_vec(),
    }));
    facts
}
