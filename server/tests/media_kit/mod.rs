//! What the tests of audio share: bytes that stand for a song, and the calls that send and fetch them.

use deadwax_domain::{Alternate, Command, Digest, NewFile, ProjectId, Role, SongId, VersionId, VersionKind};
use deadwax_proto::v1;
use futures::stream;
use sha2::{Digest as _, Sha256};
use tonic::Status;

use crate::common::{House, Seat, id_text};

pub const CHUNK: usize = 256 << 10;

pub fn tone(bytes: usize) -> Vec<u8> {
    let body = (0..bytes as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8);
    b"tone".iter().copied().chain(body).take(bytes).collect()
}

/// A WAV of 16 bits, stereo, 44.1 kHz.
#[allow(dead_code, reason = "not every test of audio sends a real file")]
pub fn wav(samples: Vec<u8>) -> Vec<u8> {
    let mut wav = b"RIFF".to_vec();
    wav.extend((36 + samples.len() as u32).to_le_bytes());
    wav.extend(b"WAVEfmt \x10\0\0\0\x01\0\x02\0");
    wav.extend(44_100_u32.to_le_bytes());
    wav.extend((44_100_u32 * 4).to_le_bytes());
    wav.extend(b"\x04\0\x10\0data");
    wav.extend((samples.len() as u32).to_le_bytes());
    wav.extend(samples);
    wav
}

pub fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

pub fn begin(project: ProjectId, bytes: &[u8], name: &str) -> v1::BeginUploadRequest {
    v1::BeginUploadRequest {
        project_id: id_text(project.0),
        sha256: sha256(bytes).to_string(),
        bytes: bytes.len() as u64,
        name: name.into(),
    }
}

pub fn chunks(upload_id: &str, bytes: &[u8], from: usize) -> Vec<v1::UploadChunk> {
    let mut all =
        vec![v1::UploadChunk { upload_id: upload_id.into(), offset: from as u64, data: bytes::Bytes::new() }];
    all.extend(bytes[from..].chunks(CHUNK).map(|data| v1::UploadChunk {
        upload_id: String::new(),
        offset: 0,
        data: data.to_vec().into(),
    }));
    all
}

pub async fn start(seat: &mut Seat, project: ProjectId, bytes: &[u8]) -> Result<v1::UploadState, Status> {
    let asked = seat.with(begin(project, bytes, "mix.wav"));
    seat.media.begin_upload(asked).await.map(tonic::Response::into_inner)
}

pub async fn send(seat: &mut Seat, chunks: Vec<v1::UploadChunk>) -> Result<v1::UploadState, Status> {
    let asked = seat.with(stream::iter(chunks));
    seat.media.upload(asked).await.map(tonic::Response::into_inner)
}

pub async fn upload(seat: &mut Seat, project: ProjectId, bytes: &[u8]) -> Result<v1::UploadState, Status> {
    let state = start(seat, project, bytes).await?;
    send(seat, chunks(&state.upload_id, bytes, state.offset as usize)).await
}

/// A project with one Take of these bytes.
pub async fn take(house: &House, owner: &mut Seat, bytes: &[u8]) -> (ProjectId, VersionId) {
    let project = house.project(owner).await;
    upload(owner, project, bytes).await.unwrap();
    let (song, version) = (SongId(uuid::Uuid::now_v7().as_u128()), VersionId(uuid::Uuid::now_v7().as_u128()));
    house
        .perform(owner, project, Command::AddSong { song, title: "Nachtlied".into(), isrc: String::new() })
        .await;
    let roles = [Role::Manager, Role::Producer].into();
    house.perform(owner, project, Command::ChangeRoles { person: owner.id, roles }).await;
    let files = vec![NewFile { alternate: Alternate::Main, digest: sha256(bytes), name: "take.wav".into() }];
    let (title, changelog) = (String::new(), String::new());
    house
        .perform(
            owner,
            project,
            Command::AddVersion { version, song, kind: VersionKind::Take, title, changelog, files },
        )
        .await;
    (project, version)
}

pub fn fetch(project: ProjectId, version: VersionId, digest: Digest) -> v1::DownloadRequest {
    v1::DownloadRequest {
        project_id: id_text(project.0),
        version_id: id_text(version.0),
        sha256: digest.to_string(),
        offset: 0,
        limit: 0,
    }
}

pub async fn download(seat: &mut Seat, asked: v1::DownloadRequest) -> Result<(u64, Vec<u8>), Status> {
    let asked = seat.with(asked);
    let mut chunks = seat.media.download(asked).await?.into_inner();
    let (mut total, mut bytes) = (None, Vec::new());
    while let Some(chunk) = chunks.message().await? {
        total.get_or_insert(chunk.total_bytes);
        assert!(chunk.data.len() <= CHUNK);
        bytes.extend_from_slice(&chunk.data);
    }
    Ok((total.unwrap(), bytes))
}

#[allow(dead_code, reason = "not every test of audio counts what a project received")]
pub async fn received(house: &House, project: ProjectId) -> usize {
    house.studio.ledger.project(project).await.unwrap().unwrap().project.received.len()
}
