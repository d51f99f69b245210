//! Open invites and sessions. Never here: who may see them; the server says so.

use deadwax_proto::v1;

use super::{Client, NetError};

impl Client {
    /// Links of a project that nobody has used yet. For its managers.
    pub async fn list_invites(&self, project_id: &str) -> Result<Vec<v1::InviteInfo>, NetError> {
        let asked = v1::ListInvitesRequest { project_id: project_id.to_owned() };
        let answer: v1::ListInvitesResponse =
            self.again(|| async { self.sessions().list_invites(asked.clone()).await }).await?;
        Ok(answer.invites)
    }

    /// Not repeated by itself: the second answer would be that there is no such invite.
    pub async fn revoke_invite(&self, project_id: &str, invite_id: &str) -> Result<(), NetError> {
        let (project_id, invite_id) = (project_id.to_owned(), invite_id.to_owned());
        let asked = v1::RevokeInviteRequest { project_id, invite_id };
        self.once(|| async { self.sessions().revoke_invite(asked.clone()).await }).await.map(|_| ())
    }

    /// One's own.
    pub async fn list_sessions(&self) -> Result<Vec<v1::SessionInfo>, NetError> {
        let asked = v1::ListSessionsRequest::default();
        let answer: v1::ListSessionsResponse =
            self.again(|| async { self.sessions().list_sessions(asked.clone()).await }).await?;
        Ok(answer.sessions)
    }

    pub async fn revoke_session(&self, session_id: &str) -> Result<(), NetError> {
        let machine = self.machine()?;
        let revoked = self.once(|| async {
            let proof = self.proof(&machine, "RevokeSession").await?;
            let session_id = session_id.to_owned();
            self.sessions().revoke_session(v1::RevokeSessionRequest { session_id, proof }).await
        });
        revoked.await.map(|_| ())
    }
}
