//! Pieces of sound and their way to the server, which is cut and gone on with. Never here: when it is cut.

use std::{
    fs,
    iter::once,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use deadwax_proto::v1::{self, media_client::MediaClient};
use futures::{StreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use tonic::Status;

use crate::{Dice, seats::Seat};

const CHUNK: usize = 256 << 10;
/// The server syncs an upload so often: what it took since then may come a second time.
pub const SYNC_BYTES: u64 = 8 << 20;
/// What client, line and server hold of an upload at most while it runs: windows of HTTP/2 and a chunk on either side. Handed over by the sender, not yet
/// taken by the server; and the chunk with which it passes its mark. 3.07 MiB were seen in 500 cuts of the power.
pub const ON_THE_LINE: u64 = 4 << 20;

/// A WAV of noise, and how far the server has it.
pub struct Piece {
    pub bytes: Bytes,
    pub sha256: String,
    pub project: String,
    /// As the server said: durable so far.
    pub told: u64,
    /// Handed to the line so far.
    pub sent: Arc<AtomicU64>,
}

impl Piece {
    pub fn new(dice: &mut Dice, project: &str, bytes: usize) -> Self {
        let (data, rate) = ((bytes - 44) / 4 * 4, 44_100_u32);
        let mut wav = b"RIFF".to_vec();
        wav.extend((36 + data as u32).to_le_bytes());
        wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
        wav.extend([rate, rate * 4].map(u32::to_le_bytes).concat());
        wav.extend(b"\x04\0\x10\0data");
        wav.extend((data as u32).to_le_bytes());
        while wav.len() < data + 44 {
            // Four samples at a quarter of full scale.
            let four = dice.next().to_le_bytes();
            wav.extend(four.chunks(2).flat_map(|it| (i16::from_le_bytes([it[0], it[1]]) / 4).to_le_bytes()));
        }
        wav.truncate(data + 44);
        let sha256 = hex::encode(Sha256::digest(&wav));
        Self { bytes: wav.into(), sha256, project: project.into(), told: 0, sent: Arc::default() }
    }

    /// Where it stands by the server.
    pub async fn begin(&mut self, seat: &Seat) -> Result<v1::UploadState, Status> {
        let asked = v1::BeginUploadRequest {
            project_id: self.project.clone(),
            sha256: self.sha256.clone(),
            bytes: self.bytes.len() as u64,
            name: "noise.wav".into(),
        };
        let mut media = MediaClient::new(seat.channel.clone());
        let state = media.begin_upload(seat.with(asked)).await?.into_inner();
        if !state.done {
            assert!(state.offset >= self.told, "durable up to {} and then {}", self.told, state.offset);
            self.told = state.offset;
        }
        Ok(state)
    }

    /// Sends from where `state` says up to `end`; where that is not the end of all, the call stays open.
    pub async fn send(
        &self,
        seat: &Seat,
        state: &v1::UploadState,
        end: u64,
    ) -> Result<v1::UploadState, Status> {
        let (from, end) = (state.offset as usize, (end as usize).min(self.bytes.len()));
        let first =
            v1::UploadChunk { upload_id: state.upload_id.clone(), offset: state.offset, data: Bytes::new() };
        let (bytes, sent) = (self.bytes.clone(), Arc::clone(&self.sent));
        let rest = (from..end).step_by(CHUNK).map(move |at| {
            let to = (at + CHUNK).min(end);
            sent.fetch_max(to as u64, Ordering::Relaxed);
            v1::UploadChunk { upload_id: String::new(), offset: 0, data: bytes.slice(at..to) }
        });
        let chunks = stream::iter(once(first).chain(rest));
        let mut media = MediaClient::new(seat.channel.clone());
        let answer = match end == self.bytes.len() {
            true => media.upload(seat.with(chunks)).await,
            false => media.upload(seat.with(chunks.chain(stream::pending()))).await,
        };
        answer.map(tonic::Response::into_inner)
    }

    /// All of it; `true` where the server said that it has it.
    pub async fn upload(&mut self, seat: &Seat) -> Result<bool, Status> {
        let state = self.begin(seat).await?;
        if state.done {
            return Ok(true);
        }
        Ok(self.send(seat, &state, u64::MAX).await?.done)
    }

    /// What has to be sent a second time when it goes on at `offset`.
    pub fn again(&self, offset: u64) -> u64 {
        self.sent.load(Ordering::Relaxed).saturating_sub(offset)
    }

    /// Whether the bytes lie under their name.
    pub fn lies_in(&self, studio: &Path) -> bool {
        let path = studio.join("blobs").join(&self.sha256[..2]).join(&self.sha256[2..]);
        fs::read(path).is_ok_and(|bytes| bytes == self.bytes)
    }
}
