//! Links that nobody has used yet: how one is made, which there are, and how one is made worthless. Never here: how one is used (`sign_in`); who may ask (`rpc/session`).

use deadwax_domain::PersonId;
use deadwax_proto::ledger::v1::{self as stored, studio_fact::Fact};

use super::{
    AuthError, CODE_TTL, CODES_MAX, People, Shown,
    secret::{self, Hash, Kind, Secret},
};

/// A one-time code, to be shown once.
pub struct Issued {
    pub code: Secret,
    pub expires_ms: i64,
}

/// An open link of somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InviteLine {
    /// Tells nothing of the code.
    pub id: u128,
    pub person: PersonId,
    pub made_ms: i64,
    pub expires_ms: i64,
}

fn id_of(code: &Hash) -> u128 {
    let hash = secret::hash(&format!("deadwax invite {}", hex::encode(code)));
    hash.iter().take(16).fold(0, |id, byte| id << 8 | u128::from(*byte))
}

impl People {
    /// A one-time code for somebody who is here already, on the word of the operator.
    ///
    /// # Errors
    /// As [`People::issue_code_by`].
    pub async fn issue_code(&self, person: PersonId) -> Result<Issued, AuthError> {
        self.issue_code_by(person, Shown::default()).await
    }

    /// The same, by a call.
    ///
    /// # Errors
    /// `NoSuchPerson`; `LimitReached` where many are open; `ProofRefused` where another server took the same proof.
    pub async fn issue_code_by(&self, person: PersonId, shown: Shown) -> Result<Issued, AuthError> {
        let code = secret::new(Kind::Invite)?;
        let expires_ms = self.clock.now_ms().saturating_add_unsigned(CODE_TTL.as_millis() as u64);
        let issued = self.decided(|| {
            self.person(person).ok_or(AuthError::NoSuchPerson)?;
            self.sweep();
            if self.state().open_codes(person) >= CODES_MAX {
                let what = format!(
                    "{CODES_MAX} invite links of this person are open; use one, or wait until they expire."
                );
                return Err(AuthError::LimitReached(what));
            }
            let fact = Fact::CodeIssued(stored::CodeIssued {
                code_sha256: code.hash().to_vec(),
                person_id: person.0.to_be_bytes().to_vec(),
                expires_ms,
            });
            Ok((vec![fact], shown.claims(), ()))
        });
        shown.used(issued.await)?;
        Ok(Issued { code, expires_ms })
    }

    /// The links of somebody that can still be used, oldest first.
    pub fn invites_of(&self, person: PersonId) -> Vec<InviteLine> {
        let now_ms = self.clock.now_ms();
        let state = self.state();
        let open = state.codes.iter().filter(|(_, code)| code.person == person && code.expires_ms > now_ms);
        let line = |(hash, code): (&Hash, &super::fold::Code)| InviteLine {
            id: id_of(hash),
            person,
            made_ms: code.made_ms,
            expires_ms: code.expires_ms,
        };
        let mut lines: Vec<InviteLine> = open.map(line).collect();
        lines.sort_by_key(|line| (line.made_ms, line.id));
        lines
    }

    /// # Errors
    /// `CodeUnknown` where it was used or has expired meanwhile; `EndedUntilRestart` where it could not be written down.
    pub async fn revoke_invite(&self, person: PersonId, invite: u128) -> Result<(), AuthError> {
        self.ended_by(|| {
            let state = self.state();
            let mut open = state.codes.iter().filter(|(_, code)| code.person == person);
            let code = open.find(|(hash, _)| id_of(hash) == invite).map(|(hash, _)| hash.to_vec());
            let code_sha256 = code.ok_or(AuthError::CodeUnknown)?;
            Ok((vec![Fact::CodeRevoked(stored::CodeRevoked { code_sha256 })], Vec::new(), ()))
        })
        .await
    }
}
