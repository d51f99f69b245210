//! Showing again who one is: what a session's token alone must not do is signed by the machine that the session began on, over a fresh challenge and the name of
//! the call. The key never leaves its machine, so that a token that was taken elsewhere makes none of these calls. Never here: which calls ask (`rpc/session`), what
//! a machine signs (`device`), the passphrase (`passphrase`).

use bytes::Bytes;

use super::{AuthError, Claims, People, device, secret, sign_in::taken};

/// What came beside such a call.
#[derive(Clone, Copy)]
pub struct Proof<'a> {
    pub challenge: &'a str,
    pub key: &'a str,
    pub signature: &'a str,
}

/// A proof that was right, or that none was asked for. What is done by it claims the challenge, so that no other server takes it a second time.
#[derive(Clone, Debug, Default)]
#[must_use = "what is done by a proof has to claim its challenge"]
pub struct Shown(Option<Bytes>);

impl Shown {
    pub(super) fn claims(&self) -> Claims {
        self.0.iter().cloned().collect()
    }

    /// Another server was shown the same challenge.
    pub(super) fn used<T>(&self, done: Result<T, AuthError>) -> Result<T, AuthError> {
        if self.0.is_some() { done.map_err(|error| taken(error, AuthError::ProofRefused)) } else { done }
    }
}

impl People {
    /// Whether this call comes from the machine that its session began on. The challenge is used up by it.
    ///
    /// # Errors
    /// `NoMachineKey` for a session that began without one, or whose machine was signed out; `ProofNeeded`; `ProofRefused`.
    pub fn shown_again(
        &self,
        session_id: u128,
        call: &str,
        proof: Option<Proof<'_>>,
    ) -> Result<Shown, AuthError> {
        let key = {
            let state = self.state();
            let key = state.session(session_id).and_then(|session| session.key);
            key.filter(|key| state.device(key).is_some()).ok_or(AuthError::NoMachineKey)?
        };
        let proof = proof.ok_or(AuthError::ProofNeeded)?;
        if !self.challenges.take(proof.challenge, self.challenges.now()) {
            return Err(AuthError::ProofRefused);
        }
        let text = device::text_of_again(call, proof.challenge);
        let shown = device::shown(proof.key, &text, proof.signature).map_err(|_| AuthError::ProofRefused)?;
        if shown != key {
            return Err(AuthError::ProofRefused);
        }
        let claim = || [b"challenge/".as_slice(), &secret::hash(proof.challenge)].concat().into();
        Ok(Shown(self.challenges.are_shared().then(claim)))
    }
}
