//! The chain list and the evidence of a project. Statements, lists and signatures come byte for byte: they have digests of their own, and whoever
//! prints one scrubs it then. Never here: whether they are right.

use std::{io::Write, sync::Arc};

use deadwax_proto::v1;

use super::{CALL_TIMEOUT, Client, NetError};

impl Client {
    /// The studio's checkpoint, and the lines of the chain list from `from_line` on.
    pub async fn chain(
        &self,
        project_id: &str,
        from_line: u64,
        bytes_max: usize,
    ) -> Result<(v1::Checkpoint, String), NetError> {
        let request = v1::GetChainRequest { project_id: project_id.to_owned(), from_line };
        let open = || async { self.record_files().get_chain(request.clone()).await };
        let mut stream = self.admitted(CALL_TIMEOUT, open).await?;
        let (mut checkpoint, mut lines) = (None, String::new());
        loop {
            let heard = tokio::time::timeout(CALL_TIMEOUT, stream.message()).await.map_err(|_| late())?;
            let Some(chunk) = heard.map_err(|s| self.fault(&s))? else { break };
            checkpoint = checkpoint.or(chunk.checkpoint);
            lines += &chunk.lines;
            if lines.len() > bytes_max {
                return Err(NetError::Odd("the list of the record is too long".into()));
            }
        }
        let checkpoint = checkpoint
            .ok_or_else(|| NetError::Odd("the list of the record came without a checkpoint".into()))?;
        Ok((checkpoint, lines))
    }

    /// Writes the evidence of a project and answers how many bytes it has.
    pub async fn evidence(
        &self,
        project_id: &str,
        song_id: &str,
        bytes_max: u64,
        out: &mut (impl Write + Send),
    ) -> Result<u64, NetError> {
        let request =
            v1::GetEvidenceRequest { project_id: project_id.to_owned(), song_id: song_id.to_owned() };
        let open = || async { self.record_files().get_evidence(request.clone()).await };
        let mut stream = self.admitted(CALL_TIMEOUT, open).await?;
        let (mut total, mut done) = (None, 0);
        loop {
            let heard = tokio::time::timeout(CALL_TIMEOUT, stream.message()).await.map_err(|_| late())?;
            let Some(chunk) = heard.map_err(|s| self.fault(&s))? else { break };
            let total = *total.get_or_insert(chunk.total_bytes);
            done += chunk.data.len() as u64;
            if done > total || done > bytes_max {
                return Err(NetError::Odd("more bytes came than the evidence has".into()));
            }
            out.write_all(&chunk.data).map_err(|source| NetError::File {
                what: "the evidence could not be written".into(),
                source: Arc::new(source),
            })?;
        }
        match total {
            Some(total) if done == total => Ok(done),
            _ => {
                Err(NetError::Unreachable { url: self.url().to_owned(), what: "the evidence was cut".into() })
            }
        }
    }
}

fn late() -> NetError {
    NetError::TimedOut { seconds: CALL_TIMEOUT.as_secs() }
}
