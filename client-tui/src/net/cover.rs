//! The cover up and down. A cut is tried again with the same command id, so that it is set once. Never here: whether the bytes are a picture.

use bytes::Bytes;
use deadwax_proto::v1;
use sha2::{Digest as _, Sha256};

use super::{Backoff, CALL_TIMEOUT, Clean as _, Client, NetError, new_id};

/// What the contract allows at most in one message.
const CHUNK_BYTES: usize = 256 << 10;
const TRIES_MAX: u32 = 4;
/// The contract says 16,000,000; more from a server is none of ours to keep.
const COVER_BYTES_MAX: u64 = 32 << 20;

impl Client {
    pub async fn put_cover(&self, project_id: &str, bytes: Bytes) -> Result<v1::PutCoverResponse, NetError> {
        let (command_id, mut backoff) = (new_id(), Backoff::default());
        loop {
            match self.put_cover_once(project_id, &command_id, bytes.clone()).await {
                Err(e) if e.is_passing() && backoff.tries() < TRIES_MAX => {
                    tokio::time::sleep(backoff.wait_after(&e)).await;
                }
                answer => return answer,
            }
        }
    }

    /// The server gives a stalled line up by itself; a dead one is noticed by the keepalive.
    async fn put_cover_once(
        &self,
        project_id: &str,
        command_id: &str,
        bytes: Bytes,
    ) -> Result<v1::PutCoverResponse, NetError> {
        let (project_id, command_id) = (project_id.to_owned(), command_id.to_owned());
        let head = v1::PutCoverRequest { project_id, command_id, data: Bytes::new() };
        let starts = (0..bytes.len()).step_by(CHUNK_BYTES);
        let body = starts.map(move |at| v1::PutCoverRequest {
            data: bytes.slice(at..bytes.len().min(at + CHUNK_BYTES)),
            ..v1::PutCoverRequest::default()
        });
        let sent = futures::stream::iter(std::iter::once(head).chain(body));
        let answer = self.record_files().put_cover(sent).await.map_err(|s| self.fault(&s))?;
        let mut answer = answer.into_inner();
        answer.clean();
        Ok(answer)
    }

    /// The cover with its bytes, which are those of its digest.
    pub async fn cover(&self, project_id: &str) -> Result<(v1::Cover, Vec<u8>), NetError> {
        let late = |_| NetError::TimedOut { seconds: CALL_TIMEOUT.as_secs() };
        let asked = v1::GetCoverRequest { project_id: project_id.to_owned() };
        let open = || async { self.record_files().get_cover(asked.clone()).await };
        let mut stream = self.admitted(CALL_TIMEOUT, open).await?;
        let (mut cover, mut bytes): (Option<v1::Cover>, Vec<u8>) = (None, Vec::new());
        loop {
            let heard = tokio::time::timeout(CALL_TIMEOUT, stream.message()).await.map_err(late)?;
            let Some(chunk) = heard.map_err(|s| self.fault(&s))? else { break };
            cover = cover.or(chunk.cover);
            let told = cover.as_ref().map_or(0, |it| it.bytes).min(COVER_BYTES_MAX);
            if bytes.len() as u64 + chunk.data.len() as u64 > told {
                return Err(NetError::Odd("more bytes came than the cover has".into()));
            }
            bytes.extend_from_slice(&chunk.data);
        }
        let mut cover = cover.ok_or_else(|| NetError::Odd("the cover came without its head".into()))?;
        cover.clean();
        if bytes.len() as u64 != cover.bytes {
            return Err(NetError::Unreachable {
                url: self.url().to_owned(),
                what: "the cover was cut".into(),
            });
        }
        if hex::encode(Sha256::digest(&bytes)) != cover.sha256 {
            return Err(NetError::Odd("the bytes of the cover are not those of its digest".into()));
        }
        Ok((cover, bytes))
    }
}
