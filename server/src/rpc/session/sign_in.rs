//! Signing in, the passphrase, and ending somebody's access. Never here: what is hashed, kept or compared (`auth`).

use std::{net::IpAddr, sync::Arc};

use deadwax_domain::{Actor, Command, PersonId, Reason, Refusal};
use deadwax_proto::v1;
use tonic::Status;
use zeroize::Zeroizing;

use super::{Service, check_api, id_text, owners_only, parse_id, to_its_end};
use crate::{
    auth::{Again, AuthError, Caller, Opened, Redeem},
    config::Passphrases,
    ledger::LedgerError,
    status,
};

/// What somebody came in with, for the log: "a code, a machine's key".
fn shown(first: &[&str], machine: bool, passphrase: bool) -> String {
    let more = [(machine, "a machine's key"), (passphrase, "a passphrase")];
    let more = more.into_iter().filter_map(|(is, what)| is.then_some(what));
    first.iter().copied().chain(more).collect::<Vec<_>>().join(", ")
}

impl Service {
    pub(super) fn must_choose(&self) -> bool {
        self.studio.config().access.passphrase == Passphrases::Required
    }

    pub(super) async fn first_sign_in(
        &self,
        asked: v1::LoginRequest,
        address: Option<IpAddr>,
    ) -> Result<v1::LoginResponse, Status> {
        check_api(asked.api)?;
        let (people, must_choose) = (Arc::clone(&self.studio.people), self.must_choose());
        let passphrase = Zeroizing::new(asked.passphrase);
        let by = shown(&["a code"], !asked.device_key.is_empty(), !passphrase.is_empty());
        let opened = to_its_end(async move {
            let device = if asked.device.trim().is_empty() { "unnamed device" } else { &asked.device };
            let (key, signature) = (asked.device_key.as_str(), asked.device_signature.as_str());
            let passphrase = passphrase.as_str();
            let code = asked.code.as_str();
            people.redeem(Redeem { code, device, address, passphrase, must_choose, key, signature }).await
        });
        Ok(self.opened(opened.await?.map_err(status::auth)?, &by, address))
    }

    pub(super) async fn sign_in_again(
        &self,
        asked: v1::SignInRequest,
        address: Option<IpAddr>,
    ) -> Result<v1::LoginResponse, Status> {
        check_api(asked.api)?;
        let people = Arc::clone(&self.studio.people);
        let passphrase = Zeroizing::new(asked.passphrase);
        let by = shown(&[], true, !passphrase.is_empty());
        let opened = to_its_end(async move {
            let again = Again {
                challenge: &asked.challenge,
                key: &asked.device_key,
                signature: &asked.device_signature,
                passphrase: &passphrase,
                address,
            };
            people.sign_in(again).await
        });
        Ok(self.opened(opened.await?.map_err(status::auth)?, &by, address))
    }

    fn opened(&self, opened: Opened, by: &str, address: Option<IpAddr>) -> v1::LoginResponse {
        let address = address.map(|it| it.to_canonical().to_string()).unwrap_or_default();
        tracing::info!(person = %id_text(opened.person.id.0), by, address, "signed in");
        v1::LoginResponse {
            token: opened.token.reveal().to_owned(),
            person: Some(self.person(opened.person)),
            expires_ms: opened.expires_ms,
        }
    }

    pub(super) async fn choose_passphrase(
        &self,
        caller: &Caller,
        asked: v1::SetPassphraseRequest,
    ) -> Result<v1::SetPassphraseResponse, Status> {
        let shown = self.shown_again(caller, "SetPassphrase", asked.proof.as_ref())?;
        let (people, session) = (Arc::clone(&self.studio.people), caller.session_id);
        let (current, wanted) = (Zeroizing::new(asked.current), Zeroizing::new(asked.passphrase));
        let ended = to_its_end(async move {
            people.set_passphrase(session, &current, &wanted, asked.end_other_sessions, shown).await
        });
        let ended = ended.await?.map_err(status::auth)?;
        tracing::info!(person = %id_text(caller.person.id.0), sessions_ended = ended, "passphrase set");
        Ok(v1::SetPassphraseResponse { sessions_ended: u32::try_from(ended).unwrap_or(u32::MAX) })
    }

    pub(super) async fn shut_out(
        &self,
        caller: &Caller,
        asked: &v1::EndAccessRequest,
    ) -> Result<v1::EndAccessResponse, Status> {
        if !caller.person.studio_owner {
            return Err(owners_only("Ending somebody's access"));
        }
        // A store that is away keeps nobody in.
        let _what_is_known_counts = self.look().await;
        let person = match asked.email.as_str() {
            "" => PersonId(parse_id("person_id", &asked.person_id)?),
            email => {
                let known = self.studio.people.by_email(email);
                known.map(|it| it.id).ok_or(AuthError::NoSuchPerson).map_err(status::auth)?
            }
        };
        if person == caller.person.id {
            return Err(status::auth(AuthError::Yourself));
        }
        // Whoever took the token of an owner must not put everybody out.
        let shown = self.shown_again(caller, "EndAccess", asked.proof.as_ref())?;
        let people = Arc::clone(&self.studio.people);
        let ended =
            to_its_end(async move { people.end_access(person, shown).await }).await?.map_err(status::auth)?;
        let by = id_text(caller.person.id.0);
        tracing::info!(person = %id_text(person.0), by, sessions_ended = ended, "access ended");
        let sessions_ended = u32::try_from(ended).unwrap_or(u32::MAX);
        let mut answer = v1::EndAccessResponse { sessions_ended, ..Default::default() };
        if asked.leave_projects {
            self.leave_projects(caller, person, &mut answer).await?;
        }
        Ok(answer)
    }

    /// Takes somebody out of every project that does not need them.
    async fn leave_projects(
        &self,
        caller: &Caller,
        person: PersonId,
        answer: &mut v1::EndAccessResponse,
    ) -> Result<(), Status> {
        let actor = Actor::Person { id: caller.person.id, studio_owner: true };
        for snapshot in self.studio.ledger.projects_of(person).await.map_err(status::ledger)? {
            match self.about(snapshot.id, actor, person, Command::RemoveMember { person }).await {
                Ok(()) => answer.projects_left += 1,
                Err(LedgerError::Refused(Refusal { reason: Reason::LastManager, .. })) => {
                    answer.still_in.push(snapshot.project.title.clone());
                }
                // Somebody else took them out in the meantime.
                Err(LedgerError::Refused(Refusal { reason: Reason::NoSuchPerson, .. })) => {}
                Err(error) => return Err(status::ledger(error)),
            }
        }
        Ok(())
    }
}
