//! Every call but Perform as it is asked in the matrix. Never here: what the answer should be.

use bytes::Bytes;
use deadwax_proto::v1;
use prost::Message;

use crate::{
    common::id_text,
    media_kit::{self, sha256},
    rows::Asking,
    world::at,
};

fn one(message: impl Message) -> Vec<Bytes> {
    vec![message.encode_to_vec().into()]
}

fn project(asked: &Asking<'_>) -> String {
    id_text(asked.project.project)
}

pub fn empty(_: &Asking<'_>) -> Vec<Bytes> {
    vec![Bytes::new()]
}

/// The project alone: it is field 1 of all of these.
pub fn get(asked: &Asking<'_>) -> Vec<Bytes> {
    one(v1::GetRequest { project_id: project(asked) })
}

pub fn login(asked: &Asking<'_>) -> Vec<Bytes> {
    let (code, device) = (asked.made.to_owned(), "test".to_owned());
    one(v1::LoginRequest { code, device, api: deadwax_proto::API, ..v1::LoginRequest::default() })
}

/// Whoever asks is let in to the question: what is wrong is the client's age.
pub fn sign_in_of_tomorrow(_: &Asking<'_>) -> Vec<Bytes> {
    one(v1::SignInRequest { api: 99, ..v1::SignInRequest::default() })
}

pub fn weak_passphrase(asked: &Asking<'_>) -> Vec<Bytes> {
    let (passphrase, proof) = ("short".into(), asked.proof.clone());
    one(v1::SetPassphraseRequest { passphrase, proof, ..v1::SetPassphraseRequest::default() })
}

pub fn end_access(asked: &Asking<'_>) -> Vec<Bytes> {
    let person_id = id_text(asked.cast.second.0);
    let proof = asked.proof.clone();
    one(v1::EndAccessRequest { person_id, proof, ..v1::EndAccessRequest::default() })
}

pub fn set_mail(_: &Asking<'_>) -> Vec<Bytes> {
    one(v1::SetMailRequest { choice: v1::MailChoice::None.into() })
}

pub fn create_invite(asked: &Asking<'_>) -> Vec<Bytes> {
    let email = format!("new{}@example.org", asked.fresh);
    let roles = vec![v1::Role::Artist.into()];
    one(v1::CreateInviteRequest { name: "New".into(), email, project_id: project(asked), roles, proof: None })
}

pub fn invite_device(asked: &Asking<'_>) -> Vec<Bytes> {
    one(v1::CreateInviteRequest { proof: asked.proof.clone(), ..v1::CreateInviteRequest::default() })
}

pub fn invite_to_studio(asked: &Asking<'_>) -> Vec<Bytes> {
    let email = format!("guest{}@example.org", asked.fresh);
    one(v1::CreateInviteRequest { name: "Guest".into(), email, ..v1::CreateInviteRequest::default() })
}

pub fn list_invites(asked: &Asking<'_>) -> Vec<Bytes> {
    one(v1::ListInvitesRequest { project_id: project(asked) })
}

pub fn revoke_invite(asked: &Asking<'_>) -> Vec<Bytes> {
    one(v1::RevokeInviteRequest { project_id: project(asked), invite_id: asked.made.into() })
}

pub fn sessions_of_somebody(asked: &Asking<'_>) -> Vec<Bytes> {
    one(v1::ListSessionsRequest { person_id: id_text(asked.cast.second.0) })
}

pub fn revoke_session(asked: &Asking<'_>) -> Vec<Bytes> {
    one(v1::RevokeSessionRequest { session_id: asked.made.into(), proof: asked.proof.clone() })
}

pub fn revoke_session_of_somebody(asked: &Asking<'_>) -> Vec<Bytes> {
    one(v1::RevokeSessionRequest { session_id: asked.made.into(), proof: asked.proof.clone() })
}

pub fn try_gate(asked: &Asking<'_>) -> Vec<Bytes> {
    let song_id = asked.it.id(at::MIXING);
    one(v1::TryGateRequest { project_id: project(asked), song_id, ..v1::TryGateRequest::default() })
}

pub fn webhook_secret(asked: &Asking<'_>) -> Vec<Bytes> {
    one(v1::WebhookSecretRequest { project_id: project(asked), webhook_id: asked.it.id(at::WEBHOOK) })
}

/// Bytes that nobody has sent yet.
pub fn new_bytes(fresh: u128) -> Vec<u8> {
    [b"tone of ".as_slice(), &fresh.to_be_bytes()].concat()
}

pub fn begin_upload(asked: &Asking<'_>) -> Vec<Bytes> {
    let bytes = new_bytes(asked.fresh);
    let project = deadwax_domain::ProjectId(asked.project.project);
    one(media_kit::begin(project, &bytes, "a.wav"))
}

/// The upload that was begun for this call, or one that is not there.
fn upload_id(asked: &Asking<'_>) -> String {
    if asked.made.is_empty() { asked.it.id(at::FRESH) } else { asked.made.to_owned() }
}

pub fn upload(asked: &Asking<'_>) -> Vec<Bytes> {
    let chunks = media_kit::chunks(&upload_id(asked), &new_bytes(asked.fresh), 0);
    chunks.iter().map(|chunk| chunk.encode_to_vec().into()).collect()
}

pub fn get_upload(asked: &Asking<'_>) -> Vec<Bytes> {
    one(v1::GetUploadRequest { upload_id: upload_id(asked) })
}

pub fn download(asked: &Asking<'_>) -> Vec<Bytes> {
    one(v1::DownloadRequest {
        project_id: project(asked),
        version_id: asked.version(at::MIX_2),
        sha256: asked.it.digest(),
        offset: 0,
        limit: 0,
    })
}

pub fn waveform(asked: &Asking<'_>) -> Vec<Bytes> {
    one(v1::WaveformRequest {
        project_id: project(asked),
        version_id: asked.version(at::MIX_2),
        sha256: asked.it.digest(),
        start_frame: 0,
        end_frame: 0,
        columns: 8,
    })
}

pub fn compare(asked: &Asking<'_>) -> Vec<Bytes> {
    one(v1::CompareRequest {
        project_id: project(asked),
        version_a: asked.own.id(at::MIX_1),
        version_b: asked.version(at::MIX_2),
        ..v1::CompareRequest::default()
    })
}

pub fn get_handoff(asked: &Asking<'_>) -> Vec<Bytes> {
    one(v1::GetHandoffRequest { project_id: project(asked), song_id: asked.it.id(at::MASTERING), offset: 0 })
}

pub fn report_heard(asked: &Asking<'_>) -> Vec<Bytes> {
    one(v1::ReportHeardRequest {
        project_id: project(asked),
        version_id: asked.version(at::MIX_2),
        ranges: vec![v1::HeardRange { start_ms: 0, end_ms: 100 }],
        ..v1::ReportHeardRequest::default()
    })
}

pub fn attend(asked: &Asking<'_>) -> Vec<Bytes> {
    one(v1::Attending { project_id: project(asked), ..v1::Attending::default() })
}

pub fn render(asked: &Asking<'_>) -> Vec<Bytes> {
    one(v1::WatchRenderRequest { project_id: project(asked), render_id: asked.it.id(at::RENDER) })
}

pub fn sheet(asked: &Asking<'_>) -> Vec<Bytes> {
    one(v1::GetSheetRequest { project_id: project(asked), render_id: asked.it.id(at::SHEET) })
}

pub fn plan(asked: &Asking<'_>) -> Vec<Bytes> {
    let profiles = vec![v1::RecordProfile { name: "house".into(), toml: crate::HOUSE.into() }];
    one(v1::PlanRequest { project_id: project(asked), profiles, ..v1::PlanRequest::default() })
}

pub fn record(asked: &Asking<'_>) -> Vec<Bytes> {
    one(v1::GetRecordRequest { project_id: project(asked), record_id: asked.it.id(at::RECORD) })
}

pub fn fetch(asked: &Asking<'_>) -> Vec<Bytes> {
    one(v1::FetchRequest {
        project_id: project(asked),
        record_id: asked.it.id(at::RECORD),
        sha256: sha256(&asked.it.track()).to_string(),
        offset: 0,
        limit: 0,
    })
}

pub fn make_link(asked: &Asking<'_>) -> Vec<Bytes> {
    let song = v1::link_scope::Of::SongId(asked.it.id(at::MIXING));
    one(v1::MakeLinkRequest {
        command_id: id_text(uuid::Uuid::now_v7().as_u128()),
        project_id: project(asked),
        scope: Some(v1::LinkScope { of: Some(song) }),
        recipient: "Dana Holt".into(),
        ..v1::MakeLinkRequest::default()
    })
}

pub fn revoke_link(asked: &Asking<'_>) -> Vec<Bytes> {
    let command_id = id_text(uuid::Uuid::now_v7().as_u128());
    let link_id = asked.made.to_owned();
    one(v1::RevokeLinkRequest { command_id, project_id: project(asked), link_id })
}

pub fn open_link(asked: &Asking<'_>) -> Vec<Bytes> {
    let (secret, device) = (asked.made.to_owned(), "a browser".to_owned());
    one(v1::OpenLinkRequest { secret, device, api: deadwax_proto::API, ..v1::OpenLinkRequest::default() })
}

/// A picture that is another each time.
pub fn put_cover(asked: &Asking<'_>) -> Vec<Bytes> {
    let mut png = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR".to_vec();
    png.extend(1_u32.to_be_bytes());
    png.extend(1_u32.to_be_bytes());
    png.extend(b"\x08\x02\0\0\0crc4");
    png.extend(16_u32.to_be_bytes());
    png.extend(b"IDAT");
    png.extend(asked.fresh.to_be_bytes());
    png.extend(b"crc4\0\0\0\0IENDcrc4");
    let command_id = id_text(uuid::Uuid::now_v7().as_u128());
    one(v1::PutCoverRequest { project_id: project(asked), command_id, data: png.into() })
}

pub fn evidence_of_song(asked: &Asking<'_>) -> Vec<Bytes> {
    one(v1::GetEvidenceRequest { project_id: project(asked), song_id: asked.it.id(at::MIXING) })
}
