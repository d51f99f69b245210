//! The Sessions service: meeting the studio, signing in, inviting, ending sessions. See `session.proto`. Never here: how a secret is made or
//! kept (`auth`), and who may add a member (the domain, asked dry before anything is written).

mod invites;
mod inviting;
mod sign_in;

use std::sync::Arc;

use deadwax_domain::{Actor, Command, PersonId, ProjectId, Role, Roles};
use deadwax_proto::{API, v1};
use sha2::{Digest as _, Sha256};
use tonic::{Code, Request, Response, Status};

use super::{API_MIN, id_text, parse_id};
use crate::{
    auth::{AuthError, Caller, MailChoice, Person, Proof, Shown, layer::address},
    ledger::{LedgerError, Perform},
    planted::planted,
    status,
    studio::Studio,
};

#[derive(Clone)]
pub struct Service {
    studio: Arc<Studio>,
}

impl Service {
    pub fn new(studio: Arc<Studio>) -> Self {
        Self { studio }
    }
}

#[tonic::async_trait]
impl v1::sessions_server::Sessions for Service {
    async fn get_server_info(
        &self,
        _request: Request<v1::GetServerInfoRequest>,
    ) -> Result<Response<v1::ServerInfo>, Status> {
        Ok(Response::new(v1::ServerInfo {
            studio: self.studio.config().name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            api_min: API_MIN,
            api_max: API,
            max_upload_bytes: self.studio.config().limits.max_upload_bytes,
            read_only: self.studio.store.read_only().is_some(),
            passphrases: self.must_choose(),
            forget_kept: self.studio.config().access.forget_after_session,
        }))
    }

    async fn login(&self, request: Request<v1::LoginRequest>) -> Result<Response<v1::LoginResponse>, Status> {
        let address = address(request.extensions());
        self.first_sign_in(request.into_inner(), address).await.map(Response::new)
    }

    async fn challenge(
        &self,
        _request: Request<v1::ChallengeRequest>,
    ) -> Result<Response<v1::ChallengeResponse>, Status> {
        let challenge = self.studio.people.challenge().map_err(status::auth)?;
        Ok(Response::new(v1::ChallengeResponse { challenge }))
    }

    async fn sign_in(
        &self,
        request: Request<v1::SignInRequest>,
    ) -> Result<Response<v1::LoginResponse>, Status> {
        let address = address(request.extensions());
        self.sign_in_again(request.into_inner(), address).await.map(Response::new)
    }

    async fn set_passphrase(
        &self,
        request: Request<v1::SetPassphraseRequest>,
    ) -> Result<Response<v1::SetPassphraseResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.choose_passphrase(&caller, request.into_inner()).await.map(Response::new)
    }

    async fn end_access(
        &self,
        request: Request<v1::EndAccessRequest>,
    ) -> Result<Response<v1::EndAccessResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.shut_out(&caller, request.get_ref()).await.map(Response::new)
    }

    async fn logout(
        &self,
        request: Request<v1::LogoutRequest>,
    ) -> Result<Response<v1::LogoutResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.end_session(caller.session_id, Shown::default()).await?;
        Ok(Response::new(v1::LogoutResponse {}))
    }

    async fn who_am_i(&self, request: Request<v1::WhoAmIRequest>) -> Result<Response<v1::Person>, Status> {
        Ok(Response::new(self.person(Caller::of(&request)?.person)))
    }

    async fn set_mail(&self, request: Request<v1::SetMailRequest>) -> Result<Response<v1::Person>, Status> {
        let caller = Caller::of(&request)?;
        let choice = match request.get_ref().choice() {
            v1::MailChoice::Each => MailChoice::Each,
            v1::MailChoice::Digest => MailChoice::Digest,
            v1::MailChoice::None => MailChoice::None,
            v1::MailChoice::Unspecified => {
                return Err(status::malformed("`choice` is neither each, digest nor none."));
            }
        };
        if !self.studio.config().mail.is_set_up() {
            return Err(status::refuse(
                Code::FailedPrecondition,
                "MAIL_NOT_SET_UP",
                "This studio sends no mail.",
                "Ask the studio's operator to fill in [mail] in studio.toml.",
            ));
        }
        let (people, id) = (Arc::clone(&self.studio.people), caller.person.id);
        to_its_end(async move { people.set_mail(id, choice).await }).await?.map_err(status::auth)?;
        Ok(Response::new(self.person(caller.person)))
    }

    async fn create_invite(
        &self,
        request: Request<v1::CreateInviteRequest>,
    ) -> Result<Response<v1::CreateInviteResponse>, Status> {
        let caller = Caller::of(&request)?;
        let service = self.clone();
        let invited = to_its_end(async move { service.invite(&caller, &request.into_inner()).await });
        Ok(Response::new(invited.await??))
    }

    async fn list_invites(
        &self,
        request: Request<v1::ListInvitesRequest>,
    ) -> Result<Response<v1::ListInvitesResponse>, Status> {
        let caller = Caller::of(&request)?;
        let found = self.invites(&caller, &request.into_inner().project_id).await?;
        let invites = found.into_iter().map(invites::info).collect();
        Ok(Response::new(v1::ListInvitesResponse { invites }))
    }

    async fn revoke_invite(
        &self,
        request: Request<v1::RevokeInviteRequest>,
    ) -> Result<Response<v1::RevokeInviteResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.revoke(&caller, request.get_ref()).await?;
        Ok(Response::new(v1::RevokeInviteResponse {}))
    }

    async fn list_sessions(
        &self,
        request: Request<v1::ListSessionsRequest>,
    ) -> Result<Response<v1::ListSessionsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner().person_id;
        let of = if asked.is_empty() { caller.person.id } else { PersonId(parse_id("person_id", &asked)?) };
        if of != caller.person.id && !caller.person.studio_owner {
            return Err(owners_only("Seeing somebody else's sessions"));
        }
        self.look().await?;
        let sessions = self.studio.people.sessions_of(of).into_iter().map(|line| v1::SessionInfo {
            session_id: id_text(line.id),
            device: line.device,
            opened_ms: line.opened_ms,
            expires_ms: line.expires_ms,
            current: line.id == caller.session_id,
            signs_in_again: line.signs_in_again,
        });
        Ok(Response::new(v1::ListSessionsResponse { sessions: sessions.collect() }))
    }

    async fn revoke_session(
        &self,
        request: Request<v1::RevokeSessionRequest>,
    ) -> Result<Response<v1::RevokeSessionResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let session_id = parse_id("session_id", &asked.session_id)?;
        // A store that is away keeps nobody in.
        let _what_is_known_counts = self.look().await;
        let of = self.studio.people.owner_of_session(session_id);
        if planted!("authorised-after-effect") {
            self.end_session(session_id, Shown::default()).await?;
        }
        // Somebody else's session and an absent one get the same answer.
        if of != Some(caller.person.id) && !caller.person.studio_owner {
            return Err(status::auth(AuthError::NoSuchSession));
        }
        // Whoever sits at a session may leave it by its token alone.
        let shown = if session_id == caller.session_id {
            Shown::default()
        } else {
            self.shown_again(&caller, "RevokeSession", asked.proof.as_ref())?
        };
        self.end_session(session_id, shown).await?;
        Ok(Response::new(v1::RevokeSessionResponse {}))
    }
}

impl Service {
    /// As the person themselves is told.
    fn person(&self, person: Person) -> v1::Person {
        let mail = match self.studio.people.mail(person.id) {
            _ if !self.studio.config().mail.is_set_up() => v1::MailChoice::Unspecified,
            MailChoice::Each => v1::MailChoice::Each,
            MailChoice::Digest => v1::MailChoice::Digest,
            MailChoice::None => v1::MailChoice::None,
        };
        v1::Person {
            has_passphrase: self.studio.people.has_passphrase(person.id),
            person_id: id_text(person.id.0),
            name: person.name,
            email: person.email,
            studio_owner: person.studio_owner,
            mail: mail.into(),
        }
    }

    /// Who comes from another server is answered on what stands there now.
    pub(super) async fn look(&self) -> Result<(), Status> {
        self.studio.people.look().await.map_err(status::auth)
    }

    /// What the token alone does not do: the machine of the session has signed the call.
    fn shown_again(&self, caller: &Caller, call: &str, proof: Option<&v1::Proof>) -> Result<Shown, Status> {
        let proof = proof.map(|it| Proof {
            challenge: &it.challenge,
            key: &it.device_key,
            signature: &it.device_signature,
        });
        let shown = self.studio.people.shown_again(caller.session_id, call, proof);
        shown.map_err(|error| {
            tracing::info!(person = %id_text(caller.person.id.0), call, %error, "not shown again");
            status::auth(error)
        })
    }

    async fn end_session(&self, session_id: u128, shown: Shown) -> Result<(), Status> {
        let people = Arc::clone(&self.studio.people);
        to_its_end(async move { people.end_session(session_id, shown).await }).await?.map_err(status::auth)
    }

    /// A change of a project that comes with a call about a person, and not with an id of its own.
    async fn about(
        &self,
        project: ProjectId,
        actor: Actor,
        person: PersonId,
        command: Command,
    ) -> Result<(), LedgerError> {
        let command_id = uuid::Uuid::now_v7().as_u128();
        let request_sha256 =
            Sha256::digest([person.0.to_be_bytes(), project.0.to_be_bytes()].concat()).into();
        let perform = Perform { command_id, request_sha256, project, actor, expected: None, command };
        self.studio.ledger.perform(perform).await.map(drop)
    }
}

/// Goes on when the caller goes away: a call that ends between an append and its fold would leave the people of this process behind the journal.
pub(super) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Status> {
    tokio::spawn(work).await.map_err(|error| status::internal(&error))
}

pub(super) fn check_api(client: u32) -> Result<(), Status> {
    let (text, hint) = if client < API_MIN {
        ("This client is older than this studio understands.", "Update the client.")
    } else if client > API {
        ("This client is newer than this studio's server.", "Ask the studio's owner to update the server.")
    } else {
        return Ok(());
    };
    let more = [("api_min", API_MIN.to_string()), ("api_max", API.to_string())];
    Err(status::refuse_with(Code::FailedPrecondition, "API_VERSION", text, hint, more))
}

fn owners_only(what: &str) -> Status {
    let text = format!("{what} needs a studio owner.");
    status::refuse(Code::PermissionDenied, "NOT_YOUR_ROLE", text, "Ask a studio owner.")
}

fn roles(asked: &[i32]) -> Result<Roles, Status> {
    let role = |number: &i32| match v1::Role::try_from(*number) {
        Ok(v1::Role::Artist) => Ok(Role::Artist),
        Ok(v1::Role::Producer) => Ok(Role::Producer),
        Ok(v1::Role::MixEngineer) => Ok(Role::MixEngineer),
        Ok(v1::Role::MasteringEngineer) => Ok(Role::MasteringEngineer),
        Ok(v1::Role::Label) => Ok(Role::Label),
        Ok(v1::Role::Manager) => Ok(Role::Manager),
        Ok(v1::Role::Listener) => Ok(Role::Listener),
        Ok(v1::Role::Unspecified) | Err(_) => Err(status::malformed("An unknown role was asked for.")),
    };
    asked.iter().map(role).collect()
}
