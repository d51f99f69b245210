//! Audio up and down. Up: the digest first, then chunks from where the server stands; a cut goes on there. Down: chunks into any writer,
//! the digest counted while writing. Nothing here opens a path that a server named.

use std::{
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use deadwax_proto::v1;
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{Backoff, Clean as _, Client, NetError};

/// What the contract allows at most in one message.
const CHUNK_BYTES: usize = 256 << 10;
/// Chunks that wait between the disk and the line: 2 MiB, enough to keep both busy.
const CHUNKS_AHEAD: usize = 8;
/// Tries in a row that brought no progress.
const TRIES_MAX: u32 = 6;

/// A local file, hashed: what will be uploaded.
#[derive(Clone, Debug)]
pub struct Local {
    pub path: PathBuf,
    /// The last part of the path, as text.
    pub name: String,
    pub bytes: u64,
    /// Hex.
    pub sha256: String,
}

/// Hashes a reader to its end, telling the bytes done so far. Answers length and hex digest.
pub fn digest_of(mut reader: impl Read, mut progress: impl FnMut(u64)) -> io::Result<(u64, String)> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut done = 0;
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        hasher.update(&buffer[..count]);
        done += count as u64;
        progress(done);
    }
    Ok((done, hex::encode(hasher.finalize())))
}

impl Local {
    pub fn open(path: &Path, progress: impl FnMut(u64)) -> Result<Local, NetError> {
        let failed = |e| file_fault(path, "could not be read", e);
        let file = std::fs::File::open(path).map_err(failed)?;
        if file.metadata().map_err(failed)?.is_dir() {
            return Err(failed(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")));
        }
        let (bytes, sha256) = digest_of(file, progress).map_err(failed)?;
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Local { path: path.to_owned(), name, bytes, sha256 })
    }
}

fn file_fault(path: &Path, what: &str, source: io::Error) -> NetError {
    NetError::File {
        what: format!("{} {what}", crate::scrub::line(&path.to_string_lossy())),
        source: Arc::new(source),
    }
}

impl Client {
    /// Uploads a file into a project and answers when the server has measured it. Goes on after cuts; `progress` hears the bytes that left
    /// this machine. The name travels for people only.
    pub async fn upload(
        &self,
        project_id: &str,
        file: &Local,
        progress: impl Fn(u64) + Send + Sync + 'static,
    ) -> Result<v1::AudioFacts, NetError> {
        let progress = Arc::new(progress);
        let mut backoff = Backoff::default();
        let mut furthest = 0;
        loop {
            let tried =
                self.upload_once(project_id, file, &mut furthest, &mut backoff, progress.clone()).await;
            match tried {
                Ok(facts) => return Ok(facts),
                Err(e) if may_go_on(&e) && backoff.tries() < TRIES_MAX => {
                    tokio::time::sleep(backoff.wait_after(&e)).await;
                }
                Err(e) => return Err(e),
            }
        }
    }

    async fn upload_once(
        &self,
        project_id: &str,
        file: &Local,
        furthest: &mut u64,
        backoff: &mut Backoff,
        progress: Arc<impl Fn(u64) + Send + Sync + 'static>,
    ) -> Result<v1::AudioFacts, NetError> {
        let request = v1::BeginUploadRequest {
            project_id: project_id.to_owned(),
            sha256: file.sha256.clone(),
            bytes: file.bytes,
            name: file.name.clone(),
        };
        let begin = || async { self.media().begin_upload(request.clone()).await };
        let mut state: v1::UploadState = self.once(begin).await?;
        if !state.done {
            if state.offset > *furthest {
                // The server holds more than last time: the line works, so patience begins anew.
                *furthest = state.offset;
                backoff.reset();
            }
            state = self.send_from(file, &state, progress.clone()).await?;
        }
        progress(file.bytes);
        match (state.done, state.facts) {
            (true, Some(facts)) => Ok(facts),
            _ => Err(NetError::Odd("the upload ended without being done".into())),
        }
    }

    async fn send_from(
        &self,
        file: &Local,
        state: &v1::UploadState,
        progress: Arc<impl Fn(u64) + Send + Sync + 'static>,
    ) -> Result<v1::UploadState, NetError> {
        if state.offset > file.bytes {
            return Err(NetError::Odd("the server holds more bytes than the file has".into()));
        }
        let (chunks, queue) = mpsc::channel(CHUNKS_AHEAD);
        let (path, upload_id, offset) = (file.path.clone(), state.upload_id.clone(), state.offset);
        // The reader ends by itself when the call is dropped: its channel closes.
        let reader = tokio::task::spawn_blocking(move || {
            read_chunks(&path, upload_id, offset, &chunks, &*progress)
                .map_err(|e| file_fault(&path, "could not be read", e))
        });
        let answer = self.media().upload(ReceiverStream::new(queue)).await;
        let read = reader.await.map_err(|_| NetError::Odd("reading the file was cut short".into()))?;
        match answer {
            Ok(answer) => {
                let mut state = answer.into_inner();
                state.clean();
                Ok(state)
            }
            // A file that could not be read ends the stream early; its own error says more than the server's.
            Err(status) => Err(read.err().unwrap_or_else(|| self.fault(&status))),
        }
    }

    /// Writes one file of a version, from `offset` on, and answers the total that the server told. The caller checks the digest.
    pub async fn download(
        &self,
        project_id: &str,
        version_id: &str,
        sha256: &str,
        offset: u64,
        out: &mut (impl Write + Send),
        progress: &(impl Fn(u64, u64) + Sync),
    ) -> Result<u64, NetError> {
        let request = v1::DownloadRequest {
            project_id: project_id.to_owned(),
            version_id: version_id.to_owned(),
            sha256: sha256.to_owned(),
            offset,
            limit: 0,
        };
        let open = || async { self.media().download(request.clone()).await };
        let stream = self.admitted(super::CALL_TIMEOUT, open).await?;
        self.pour(stream, offset, out, progress).await
    }

    /// Writes what comes until the file is whole, and answers its size.
    pub(super) async fn pour(
        &self,
        mut stream: tonic::Streaming<v1::DownloadChunk>,
        offset: u64,
        out: &mut (impl Write + Send),
        progress: &(impl Fn(u64, u64) + Sync),
    ) -> Result<u64, NetError> {
        let mut total = None;
        let mut done = offset;
        loop {
            let heard = tokio::time::timeout(super::CALL_TIMEOUT, stream.message()).await;
            let heard = heard.map_err(|_| NetError::TimedOut { seconds: super::CALL_TIMEOUT.as_secs() })?;
            let Some(chunk) = heard.map_err(|s| self.fault(&s))? else { break };
            let total = *total.get_or_insert(chunk.total_bytes);
            done += chunk.data.len() as u64;
            if done > total {
                return Err(NetError::Odd("more bytes came than the file has".into()));
            }
            out.write_all(&chunk.data).map_err(|source| NetError::File {
                what: "the file could not be written".into(),
                source: Arc::new(source),
            })?;
            progress(done, total);
        }
        match total {
            Some(total) if done == total => Ok(total),
            _ => {
                Err(NetError::Unreachable { url: self.url().to_owned(), what: "the download was cut".into() })
            }
        }
    }

    /// Progress of one render until it ended. Answers the stream scrubbed through `heard`.
    pub async fn watch_render(
        &self,
        project_id: &str,
        render_id: &str,
        mut heard: impl FnMut(&v1::RenderProgress),
    ) -> Result<(), NetError> {
        let request =
            v1::WatchRenderRequest { project_id: project_id.to_owned(), render_id: render_id.to_owned() };
        let open = || async { self.mastering().watch_render(request.clone()).await };
        let mut stream = self.admitted(super::CALL_TIMEOUT, open).await?;
        while let Some(mut progress) = stream.message().await.map_err(|s| self.fault(&s))? {
            progress.clean();
            heard(&progress);
            if progress.ended {
                return Ok(());
            }
        }
        Ok(())
    }
}

fn read_chunks(
    path: &Path,
    upload_id: String,
    offset: u64,
    chunks: &mpsc::Sender<v1::UploadChunk>,
    progress: &(impl Fn(u64) + ?Sized),
) -> io::Result<()> {
    let mut file = std::fs::File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let sent = AtomicU64::new(offset);
    // The first message names the upload and the offset; it may be the only one when all bytes are there already.
    let mut chunk = v1::UploadChunk { upload_id, offset, data: Bytes::new() };
    let mut first = true;
    loop {
        let mut data = Vec::with_capacity(CHUNK_BYTES);
        (&mut file).take(CHUNK_BYTES as u64).read_to_end(&mut data)?;
        if data.is_empty() && !first {
            return Ok(());
        }
        let count = data.len() as u64;
        chunk.data = data.into();
        if chunks.blocking_send(std::mem::take(&mut chunk)).is_err() {
            // The call ended: its status tells why.
            return Ok(());
        }
        first = false;
        progress(sent.fetch_add(count, Ordering::Relaxed) + count);
    }
}

/// After these the server is asked where it stands, and the upload goes on there.
fn may_go_on(error: &NetError) -> bool {
    error.is_passing() || matches!(error.reason(), "OFFSET_DIFFERS" | "UPLOAD_STALLED" | "UPLOAD_UNKNOWN")
}
