//! What the review asks of the server beside rows: a gate tried dry, time in each stage, the secret of a webhook, what was listened to.
//! Never here: what an answer means.

use deadwax_proto::v1;

use super::{Client, NetError};

impl Client {
    /// A rule, or the one that holds, held against songs as they stand or stood. Changes nothing.
    pub async fn try_gate(&self, asked: v1::TryGateRequest) -> Result<v1::TryGateResponse, NetError> {
        self.again(|| async { self.projects().try_gate(asked.clone()).await }).await
    }

    /// How long each song stood in each stage, in the running order.
    pub async fn turnaround(&self, project_id: &str) -> Result<Vec<v1::SongTurnaround>, NetError> {
        let asked = v1::TurnaroundRequest { project_id: project_id.to_owned() };
        let answer: v1::TurnaroundResponse =
            self.again(|| async { self.projects().turnaround(asked.clone()).await }).await?;
        Ok(answer.songs)
    }

    /// What a webhook's deliveries are signed with. It is a secret: whoever prints it says so.
    pub async fn webhook_secret(&self, project_id: &str, webhook_id: &str) -> Result<String, NetError> {
        let asked =
            v1::WebhookSecretRequest { project_id: project_id.to_owned(), webhook_id: webhook_id.to_owned() };
        let answer: v1::WebhookSecretResponse =
            self.again(|| async { self.projects().webhook_secret(asked.clone()).await }).await?;
        Ok(answer.secret)
    }

    /// Tells which parts were listened to, and answers the per cent of the file that all reports together cover. The same twice counts once.
    pub async fn report_heard(&self, heard: v1::ReportHeardRequest) -> Result<u32, NetError> {
        let answer: v1::ReportHeardResponse =
            self.again(|| async { self.media().report_heard(heard.clone()).await }).await?;
        Ok(answer.percent)
    }
}
