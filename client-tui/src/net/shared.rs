//! Share links: something to hear for somebody who is no member. Never here: who may make one, and what a guest hears; the server says so.

use deadwax_proto::v1::{self, links_client::LinksClient};

use super::{ANSWER_BYTES_MAX, Client, NetError, QUESTION_BYTES_MAX, Wire, new_id};

impl Client {
    /// The generated client: answers come unscrubbed. Prefer the methods of `Client`.
    pub fn links(&self) -> LinksClient<Wire> {
        LinksClient::new(self.wire.clone())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
            .max_encoding_message_size(QUESTION_BYTES_MAX)
    }

    /// Repeated with the same command id: the same link comes, with a secret that nobody else has seen.
    pub async fn make_link(&self, asked: v1::MakeLinkRequest) -> Result<v1::MakeLinkResponse, NetError> {
        let asked = v1::MakeLinkRequest { command_id: new_id(), ..asked };
        self.again(|| async { self.links().make(asked.clone()).await }).await
    }

    /// The newest first, with what became of each.
    pub async fn list_links(&self, project_id: &str) -> Result<Vec<v1::LinkInfo>, NetError> {
        let asked = v1::ListLinksRequest { project_id: project_id.to_owned() };
        let answer: v1::ListLinksResponse =
            self.again(|| async { self.links().list(asked.clone()).await }).await?;
        Ok(answer.links)
    }

    /// How many sessions were open.
    pub async fn revoke_link(&self, project_id: &str, link_id: &str) -> Result<u32, NetError> {
        let asked = v1::RevokeLinkRequest {
            command_id: new_id(),
            project_id: project_id.to_owned(),
            link_id: link_id.to_owned(),
        };
        let answer: v1::RevokeLinkResponse =
            self.again(|| async { self.links().revoke(asked.clone()).await }).await?;
        Ok(answer.sessions_ended)
    }
}
