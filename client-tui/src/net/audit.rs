//! Who received which bytes, as the server's egress book tells it. Never here: what an answer means.

use deadwax_proto::v1::{self, audit_client::AuditClient};

use super::{ANSWER_BYTES_MAX, Client, NetError, QUESTION_BYTES_MAX, Wire};

/// Asked for at once.
const PAGE: u32 = 500;

impl Client {
    fn audit(&self) -> AuditClient<Wire> {
        AuditClient::new(self.wire.clone())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
            .max_encoding_message_size(QUESTION_BYTES_MAX)
    }

    /// The newest first, at most `most`; the second value says whether there are more.
    pub async fn received(
        &self,
        asked: v1::ReceivedRequest,
        most: usize,
    ) -> Result<(Vec<v1::Reception>, bool), NetError> {
        let mut asked = v1::ReceivedRequest { limit: PAGE, ..asked };
        let mut all = Vec::new();
        loop {
            let answer: v1::ReceivedResponse =
                self.again(|| async { self.audit().received(asked.clone()).await }).await?;
            all.extend(answer.receptions);
            if all.len() > most || answer.next_before == 0 {
                let more = all.len() > most;
                all.truncate(most);
                return Ok((all, more));
            }
            asked.before = answer.next_before;
        }
    }
}
