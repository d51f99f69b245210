//! The package of a handoff, from any byte on. Never here: where it is put, and whether its digest is right; the caller checks that.

use std::{io::Write, sync::Arc};

use deadwax_proto::v1;

use super::{CALL_TIMEOUT, Clean as _, Client, NetError};

impl Client {
    /// Writes the package of the song's newest handoff, from `offset` on, where it is the one named by `sha256`; another is an error, since its bytes
    /// would not go on from those that are there. Answers its whole size.
    pub async fn handoff(
        &self,
        project_id: &str,
        song_id: &str,
        sha256: &str,
        offset: u64,
        out: &mut (impl Write + Send),
        progress: &(impl Fn(u64, u64) + Sync),
    ) -> Result<u64, NetError> {
        let (project_id, song_id) = (project_id.to_owned(), song_id.to_owned());
        let mut stream = self.open_handoff(v1::GetHandoffRequest { project_id, song_id, offset }).await?;
        let mut told: Option<v1::Package> = None;
        let mut done = offset;
        let late = |_| NetError::TimedOut { seconds: CALL_TIMEOUT.as_secs() };
        loop {
            let heard = tokio::time::timeout(CALL_TIMEOUT, stream.message()).await.map_err(late)?;
            let Some(chunk) = heard.map_err(|s| self.fault(&s))? else { break };
            if let Some(mut package) = chunk.package.filter(|_| told.is_none()) {
                package.clean();
                if package.sha256 != sha256 {
                    return Err(NetError::Odd("the song was handed over anew meanwhile; ask again".into()));
                }
                told = Some(package);
            }
            let Some(package) = &told else {
                return Err(NetError::Odd("bytes came before the package was told".into()));
            };
            done += chunk.data.len() as u64;
            if done > package.bytes {
                return Err(NetError::Odd("more bytes came than the package has".into()));
            }
            out.write_all(&chunk.data).map_err(|source| NetError::File {
                what: "the package could not be written".into(),
                source: Arc::new(source),
            })?;
            progress(done, package.bytes);
        }
        match told {
            Some(package) if done == package.bytes => Ok(done),
            _ => {
                Err(NetError::Unreachable { url: self.url().to_owned(), what: "the download was cut".into() })
            }
        }
    }

    /// What the server says of the package: itself, or why there is none.
    pub async fn ask_handoff(&self, project_id: &str, song_id: &str) -> Result<v1::Package, NetError> {
        let (project_id, song_id) = (project_id.to_owned(), song_id.to_owned());
        let mut stream = self.open_handoff(v1::GetHandoffRequest { project_id, song_id, offset: 0 }).await?;
        let late = |_| NetError::TimedOut { seconds: CALL_TIMEOUT.as_secs() };
        let first = tokio::time::timeout(CALL_TIMEOUT, stream.message()).await.map_err(late)?;
        let mut package = first
            .map_err(|s| self.fault(&s))?
            .and_then(|chunk| chunk.package)
            .ok_or_else(|| NetError::Odd("the package was not told".into()))?;
        package.clean();
        Ok(package)
    }

    async fn open_handoff(
        &self,
        asked: v1::GetHandoffRequest,
    ) -> Result<tonic::Streaming<v1::HandoffChunk>, NetError> {
        self.admitted(CALL_TIMEOUT, || async { self.media().get_handoff(asked.clone()).await }).await
    }
}
