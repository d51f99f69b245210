//! Questions with one answer. Each has a time limit; reads and `perform` are tried again after a cut, `perform` with the same command id,
//! so that the server does it once (L-3).

use std::{future::Future, time::Duration};

use deadwax_proto::v1::{self, action::Action};
use tonic::{Response, Status};
use uuid::Uuid;

use super::{Backoff, CALL_TIMEOUT, Clean, Client, NetError};

/// After the first try. With the waits between: about 3 s.
const TRIES_MAX: u32 = 4;

/// Times that a call is sent again because the server asked to wait: with the growing waits about 40 s.
const BUSY_TRIES_MAX: u32 = 8;

/// A new id: of a command, or of what it makes. Ordered by time.
pub fn new_id() -> String {
    Uuid::now_v7().to_string()
}

/// Two hours of music are heard several times over.
const COMPARE_TIMEOUT: Duration = Duration::from_secs(15 * 60);

impl Client {
    pub(super) async fn once<T: Clean, F>(&self, call: impl Fn() -> F) -> Result<T, NetError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        self.within(CALL_TIMEOUT, call).await
    }

    pub(super) async fn within<T: Clean, F>(
        &self,
        limit: Duration,
        call: impl Fn() -> F,
    ) -> Result<T, NetError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let mut message: T = self.admitted(limit, call).await?;
        message.clean();
        Ok(message)
    }

    /// A call that the server let in. One that it turned away for its pace was not done: it is sent again once the server's wait is over, whatever it asks for.
    pub(super) async fn admitted<T, F>(&self, limit: Duration, call: impl Fn() -> F) -> Result<T, NetError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let mut backoff = Backoff::default();
        loop {
            let answer = tokio::time::timeout(limit, call())
                .await
                .map_err(|_| NetError::TimedOut { seconds: limit.as_secs() })?;
            match answer.map(Response::into_inner).map_err(|status| self.fault(&status)) {
                Err(busy @ NetError::Busy { .. }) if backoff.tries() < BUSY_TRIES_MAX => {
                    tokio::time::sleep(backoff.wait_after(&busy)).await;
                }
                answer => return answer,
            }
        }
    }

    /// For calls that may be repeated without harm.
    pub(super) async fn again<T: Clean, F>(&self, call: impl Fn() -> F) -> Result<T, NetError>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        let mut backoff = Backoff::default();
        loop {
            match self.once(&call).await {
                Err(e) if e.is_passing() && backoff.tries() < TRIES_MAX => {
                    tokio::time::sleep(backoff.next_wait()).await;
                }
                answer => return answer,
            }
        }
    }

    pub(super) fn fault(&self, status: &Status) -> NetError {
        NetError::from_status(self.url(), status)
    }

    pub async fn server_info(&self) -> Result<v1::ServerInfo, NetError> {
        let info: v1::ServerInfo = self
            .again(|| async { self.sessions().get_server_info(v1::GetServerInfoRequest {}).await })
            .await?;
        let own = deadwax_proto::API;
        if own < info.api_min {
            return Err(NetError::ApiVersion(format!(
                "this client speaks protocol {own}, the server understands {} to {}: update this client",
                info.api_min, info.api_max
            )));
        }
        if own > info.api_max {
            return Err(NetError::ApiVersion(format!(
                "this client speaks protocol {own}, the server understands {} to {}: ask the studio to update its server",
                info.api_min, info.api_max
            )));
        }
        Ok(info)
    }

    /// Not repeated by itself: a code works once.
    pub async fn login(&self, request: v1::LoginRequest) -> Result<v1::LoginResponse, NetError> {
        self.once(|| async { self.sessions().login(request.clone()).await }).await
    }

    /// What this machine signs to open a session.
    pub async fn challenge(&self) -> Result<String, NetError> {
        let answer: v1::ChallengeResponse =
            self.again(|| async { self.sessions().challenge(v1::ChallengeRequest {}).await }).await?;
        Ok(answer.challenge)
    }

    /// Not repeated by itself: a challenge works once.
    pub async fn sign_in(&self, request: v1::SignInRequest) -> Result<v1::LoginResponse, NetError> {
        self.once(|| async { self.sessions().sign_in(request.clone()).await }).await
    }

    /// Not repeated by itself: the second time the passphrase is another one.
    pub async fn set_passphrase(
        &self,
        request: v1::SetPassphraseRequest,
    ) -> Result<v1::SetPassphraseResponse, NetError> {
        let machine = self.machine()?;
        self.once(|| async {
            let proof = self.proof(&machine, "SetPassphrase").await?;
            self.sessions().set_passphrase(v1::SetPassphraseRequest { proof, ..request.clone() }).await
        })
        .await
    }

    pub async fn end_access(&self, request: v1::EndAccessRequest) -> Result<v1::EndAccessResponse, NetError> {
        let machine = self.machine()?;
        self.again(|| async {
            let proof = self.proof(&machine, "EndAccess").await?;
            self.sessions().end_access(v1::EndAccessRequest { proof, ..request.clone() }).await
        })
        .await
    }

    pub async fn logout(&self) -> Result<(), NetError> {
        self.once(|| async { self.sessions().logout(v1::LogoutRequest {}).await }).await.map(|_| ())
    }

    pub async fn who_am_i(&self) -> Result<v1::Person, NetError> {
        self.again(|| async { self.sessions().who_am_i(v1::WhoAmIRequest {}).await }).await
    }

    pub async fn set_mail(&self, choice: v1::MailChoice) -> Result<v1::Person, NetError> {
        let asked = v1::SetMailRequest { choice: choice.into() };
        self.again(|| async { self.sessions().set_mail(asked).await }).await
    }

    pub async fn create_invite(
        &self,
        request: v1::CreateInviteRequest,
    ) -> Result<v1::CreateInviteResponse, NetError> {
        let machine = self.machine()?;
        self.once(|| async {
            let proof = self.proof(&machine, "CreateInvite").await?;
            self.sessions().create_invite(v1::CreateInviteRequest { proof, ..request.clone() }).await
        })
        .await
    }

    pub async fn list(&self) -> Result<Vec<v1::ProjectSummary>, NetError> {
        let answer: v1::ListResponse =
            self.again(|| async { self.projects().list(v1::ListRequest {}).await }).await?;
        Ok(answer.projects)
    }

    /// All rows of one project as this person sees them.
    pub async fn get(&self, project_id: &str) -> Result<v1::Update, NetError> {
        self.again(|| async {
            self.projects().get(v1::GetRequest { project_id: project_id.to_owned() }).await
        })
        .await
    }

    pub async fn history(&self, request: v1::HistoryRequest) -> Result<v1::HistoryResponse, NetError> {
        self.again(|| async { self.projects().history(request.clone()).await }).await
    }

    pub async fn desk(&self) -> Result<Vec<v1::DeskRow>, NetError> {
        let answer: v1::DeskResponse =
            self.again(|| async { self.projects().desk(v1::DeskRequest {}).await }).await?;
        Ok(answer.rows)
    }

    /// Asks for one change. A cut or a timeout repeats the same command id, so it happens once or not at all.
    pub async fn perform(&self, project_id: &str, action: Action) -> Result<v1::PerformResponse, NetError> {
        self.perform_as(&new_id(), project_id, None, action).await
    }

    /// `command_id` from [`new_id`], kept by whoever may have to repeat it later; `expected` refuses unless the project stands at that seq.
    pub async fn perform_as(
        &self,
        command_id: &str,
        project_id: &str,
        expected: Option<u64>,
        action: Action,
    ) -> Result<v1::PerformResponse, NetError> {
        let request = v1::PerformRequest {
            command_id: command_id.to_owned(),
            project_id: project_id.to_owned(),
            expected,
            action: Some(v1::Action { action: Some(action) }),
        };
        self.again(|| async { self.projects().perform(request.clone()).await }).await
    }

    pub async fn waveform(&self, request: v1::WaveformRequest) -> Result<v1::WaveformResponse, NetError> {
        let answer: v1::WaveformResponse =
            self.again(|| async { self.media().waveform(request.clone()).await }).await?;
        let wanted = request.columns as usize * answer.channels as usize;
        if answer.min.len() != answer.max.len() || answer.min.len() > wanted {
            return Err(NetError::Odd("the overview has another size than asked".into()));
        }
        Ok(answer)
    }

    /// The sheet of a render as JSON.
    pub async fn sheet(&self, project_id: &str, render_id: &str) -> Result<String, NetError> {
        let (project_id, render_id) = (project_id.to_owned(), render_id.to_owned());
        let asked = v1::GetSheetRequest { project_id, render_id };
        let answer: v1::GetSheetResponse =
            self.again(|| async { self.mastering().get_sheet(asked.clone()).await }).await?;
        Ok(answer.sheet_json)
    }

    /// What changed between two files of a project, as JSON. Takes as long as the studio needs to hear both.
    pub async fn compare(&self, asked: v1::CompareRequest) -> Result<String, NetError> {
        let answer: v1::CompareResponse =
            self.within(COMPARE_TIMEOUT, || async { self.media().compare(asked.clone()).await }).await?;
        Ok(answer.comparison_json)
    }

    pub async fn list_recipes(&self) -> Result<Vec<v1::RecipeInfo>, NetError> {
        let answer: v1::ListRecipesResponse =
            self.again(|| async { self.mastering().list_recipes(v1::ListRecipesRequest {}).await }).await?;
        Ok(answer.recipes)
    }

    pub async fn check_recipe(&self, toml: &str) -> Result<v1::CheckRecipeResponse, NetError> {
        self.again(|| async {
            self.mastering().check_recipe(v1::CheckRecipeRequest { toml: toml.to_owned() }).await
        })
        .await
    }

    /// Waits until tonic has a line again, at most `limit`; for a person's "try now".
    pub async fn ping(&self, limit: Duration) -> Result<(), NetError> {
        tokio::time::timeout(limit, self.server_info())
            .await
            .map_err(|_| NetError::TimedOut { seconds: limit.as_secs() })?
            .map(|_| ())
    }
}
