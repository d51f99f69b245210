//! Audio in ranges, as a player needs it: originals for those who may have them, copies for listening for the others. Chunks as they come, nothing is
//! written here. Never here: what to fetch next.

use std::time::Duration;

use bytes::Bytes;
use deadwax_proto::v1;
use tonic::Streaming;

use super::{CALL_TIMEOUT, Client, NetError};

/// The first copy of a long file takes the studio a while.
const COPY_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// A stretch of a file of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub project_id: String,
    pub version_id: String,
    /// Of the original.
    pub sha256: String,
    /// The copy for listening instead of the original.
    pub listening: bool,
    pub offset: u64,
    /// 0: to the end.
    pub limit: u64,
}

/// A stretch on its way. Dropped, it stops.
pub struct Incoming {
    client: Client,
    stream: Streaming<v1::DownloadChunk>,
    total: u64,
    first: Option<Bytes>,
}

impl Client {
    /// Asks for a stretch and answers when the studio has said how long the whole is.
    pub async fn stretch(&self, asked: &Stretch) -> Result<Incoming, NetError> {
        let (limit, opening) = if asked.listening {
            (COPY_TIMEOUT, self.open_copy(asked).await)
        } else {
            (CALL_TIMEOUT, self.open_original(asked).await)
        };
        let mut stream = opening?;
        let heard = tokio::time::timeout(limit, stream.message()).await;
        let heard = heard.map_err(|_| NetError::TimedOut { seconds: limit.as_secs() })?;
        let first = heard.map_err(|status| self.fault(&status))?;
        let first = first.ok_or_else(|| NetError::Odd("the audio came without its length".into()))?;
        Ok(Incoming { client: self.clone(), stream, total: first.total_bytes, first: Some(first.data) })
    }

    async fn open_original(&self, asked: &Stretch) -> Result<Streaming<v1::DownloadChunk>, NetError> {
        let request = v1::DownloadRequest {
            project_id: asked.project_id.clone(),
            version_id: asked.version_id.clone(),
            sha256: asked.sha256.clone(),
            offset: asked.offset,
            limit: asked.limit,
        };
        self.admitted(CALL_TIMEOUT, || async { self.media().download(request.clone()).await }).await
    }

    async fn open_copy(&self, asked: &Stretch) -> Result<Streaming<v1::DownloadChunk>, NetError> {
        let request = v1::ListenRequest {
            project_id: asked.project_id.clone(),
            version_id: asked.version_id.clone(),
            sha256: asked.sha256.clone(),
            offset: asked.offset,
            limit: asked.limit,
        };
        self.admitted(COPY_TIMEOUT, || async { self.media().listen(request.clone()).await }).await
    }
}

impl Incoming {
    /// Of the whole file.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The next bytes; `None` at the end of the stretch. May be dropped while it waits: nothing is lost.
    pub async fn next(&mut self) -> Result<Option<Bytes>, NetError> {
        if let Some(first) = self.first.take().filter(|first| !first.is_empty()) {
            return Ok(Some(first));
        }
        let heard = tokio::time::timeout(CALL_TIMEOUT, self.stream.message()).await;
        let heard = heard.map_err(|_| NetError::TimedOut { seconds: CALL_TIMEOUT.as_secs() })?;
        Ok(heard.map_err(|status| self.client.fault(&status))?.map(|chunk| chunk.data))
    }
}
