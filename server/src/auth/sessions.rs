//! Sessions that are open, devices that may open another, and their end. Never here: how one begins (`sign_in`).

use deadwax_domain::PersonId;
use deadwax_proto::ledger::v1::{self as stored, studio_fact::Fact};

use super::{AuthError, People, Shown, fold::Device};

/// One line of somebody's list of sessions: an open one, or a device whose session has ended and that may open another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionLine {
    pub id: u128,
    pub person: PersonId,
    pub device: String,
    pub opened_ms: i64,
    pub expires_ms: i64,
    /// Its device has a key.
    pub signs_in_again: bool,
}

impl People {
    /// The open sessions of somebody, newest first, then their devices without one.
    pub fn sessions_of(&self, person: PersonId) -> Vec<SessionLine> {
        let now_ms = self.clock.now_ms();
        let state = self.state();
        let open = state.sessions_of(person).into_iter().filter(|it| it.expires_ms > now_ms);
        let mut lines: Vec<SessionLine> = open
            .map(|session| SessionLine {
                id: session.id,
                person: session.person,
                signs_in_again: session.key.is_some_and(|key| state.device(&key).is_some()),
                device: session.device,
                opened_ms: session.opened_ms,
                expires_ms: session.expires_ms,
            })
            .collect();
        let closed = |device: &Device| !lines.iter().any(|line| line.id == device.session);
        let quiet: Vec<Device> =
            state.devices_of(person).into_iter().map(|it| it.1).filter(|device| closed(device)).collect();
        lines.extend(quiet.into_iter().map(|device| SessionLine {
            id: device.session,
            person,
            device: device.name,
            opened_ms: device.opened_ms,
            // A session that nobody used ends before its time.
            expires_ms: device.expires_ms.min(now_ms),
            signs_in_again: true,
        }));
        lines
    }

    /// Whose session this is, while it is open or its device may open another.
    pub fn owner_of_session(&self, session_id: u128) -> Option<PersonId> {
        let state = self.state();
        let open = state.session(session_id).map(|session| session.person);
        open.or_else(|| Some(state.device_of_session(session_id)?.1))
    }

    /// Ends a session and every stream that runs under it; its device needs a code from now on.
    ///
    /// # Errors
    /// `NoSuchSession`; `ProofRefused` where another server took the same proof; `EndedUntilRestart` where it could not be written down.
    pub async fn end_session(&self, session_id: u128, shown: Shown) -> Result<(), AuthError> {
        let ended = self.ended_by(|| {
            let state = self.state();
            let open = state.session(session_id);
            let key = open.and_then(|session| session.key);
            let key = key.or_else(|| Some(state.device_of_session(session_id)?.0));
            let ended = open.map(|_| ended(session_id));
            let facts: Vec<Fact> = ended.into_iter().chain(key.map(|key| forgotten(&key))).collect();
            if facts.is_empty() { Err(AuthError::NoSuchSession) } else { Ok((facts, shown.claims(), ())) }
        });
        shown.used(ended.await)
    }

    /// Ends everything that lets somebody in: sessions, devices, links and the passphrase. Answers how many sessions were open.
    ///
    /// # Errors
    /// `NoSuchPerson`; `ProofRefused` where another server took the same proof; `EndedUntilRestart` where it could not be written down.
    pub async fn end_access(&self, person: PersonId, shown: Shown) -> Result<usize, AuthError> {
        let ended = self.ended_by(|| {
            let state = self.state();
            state.person(person).ok_or(AuthError::NoSuchPerson)?;
            let fact = Fact::AccessEnded(stored::AccessEnded { person_id: person.0.to_be_bytes().to_vec() });
            Ok((vec![fact], shown.claims(), state.sessions_of(person).len()))
        });
        shown.used(ended.await)
    }
}

pub(super) fn ended(session_id: u128) -> Fact {
    Fact::SessionEnded(stored::SessionEnded { session_id: session_id.to_be_bytes().to_vec() })
}

pub(super) fn forgotten(key: &[u8; 32]) -> Fact {
    Fact::DeviceForgotten(stored::DeviceForgotten { device_sha256: key.to_vec() })
}
