//! A link is made: the fact in the project's stream first, for the rules are asked there, then what opens it. A crash in between leaves a link that nobody can
//! open; the same command again completes it. Never here: the password, but on its way to be hashed.

use deadwax_domain::{Command, LinkId, LinkScope, PersonId, RecordId, SongId, Time, VersionId};
use deadwax_proto::v1::{self, link_scope::Of};
use prost::Message;
use sha2::{Digest as _, Sha256};
use tonic::{Code, Status};
use zeroize::Zeroizing;

use super::{Service, actor, guest_of, id_text, parse_id, project_id};
use crate::{
    auth::{Caller, KeepLink, People},
    ledger::Perform,
    status,
};

/// Where nobody says how long.
const DAYS: i64 = 14;
const DAY_MS: i64 = 24 * 3600 * 1000;
/// Where nobody says how often.
const SESSIONS: u32 = 3;

impl Service {
    pub(super) async fn made(
        &self,
        caller: &Caller,
        mut asked: v1::MakeLinkRequest,
    ) -> Result<v1::MakeLinkResponse, Status> {
        // No trace of a password is kept with the command, not even its digest, which is soon guessed.
        let password = Zeroizing::new(std::mem::take(&mut asked.password));
        let has_password = !password.is_empty();
        let command_id = parse_id("command_id", &asked.command_id)?;
        let project = project_id(&asked.project_id)?;
        let scope = scope(asked.scope.as_ref())?;
        let recipient = People::recipient(&asked.recipient).map_err(status::auth)?;
        let people = &self.studio.people;
        people.look().await.map_err(status::auth)?;
        self.project(caller, project).await?;
        let about = [recipient.as_str(), "deadwax"];
        let phc = people.link_password(&password, &about).await.map_err(status::auth)?;
        // By whom, where and which: nobody meets the link of somebody else, whatever ids they send.
        let seed = seed(caller.person.id, project.0, command_id);
        let (link, guest) = (LinkId(id_of(b"link", &seed)), guest_of(&seed));
        let (now, sessions) = (self.studio.ledger.now(), asked.sessions_max);
        let until =
            if asked.expires_ms == 0 { now.0.saturating_add(DAYS * DAY_MS) } else { asked.expires_ms };
        let command = Command::MakeLink {
            link,
            guest,
            scope,
            expires: Time(until),
            sessions_max: if sessions == 0 { SESSIONS } else { sessions },
            download: asked.download,
            notes: asked.notes,
            has_password,
        };
        let request_sha256 = {
            let asked_sha256 = request_sha256(caller.person.id, &asked);
            Sha256::new().chain_update(asked_sha256).chain_update([u8::from(has_password)]).finalize().into()
        };
        let perform =
            Perform { command_id, request_sha256, project, actor: actor(caller), expected: None, command };
        self.studio.ledger.perform(perform).await.map_err(status::ledger)?;
        // As it stands: a retry comes with another clock, and what was said first holds.
        let snapshot = self.project(caller, project).await?;
        let kept = snapshot.project.links.get(link);
        let kept = kept.ok_or_else(|| status::internal(&"a link that was made is not there"))?;
        let secret = people.keep_link(KeepLink {
            link,
            guest,
            recipient,
            project,
            by: caller.person.id,
            expires_ms: kept.expires.0,
            sessions_max: kept.sessions_max,
            phc,
        });
        let secret = secret.await.map_err(status::auth)?;
        tracing::info!(person = %id_text(caller.person.id.0), link = %id_text(link.0), "a link was made");
        Ok(v1::MakeLinkResponse {
            link_id: id_text(link.0),
            link: self.studio.share_link(&secret),
            fingerprint: self.studio.fingerprint().map(|it| it.to_string()).unwrap_or_default(),
            expires_ms: kept.expires.0,
            guest_id: id_text(guest.0),
        })
    }
}

fn scope(asked: Option<&v1::LinkScope>) -> Result<LinkScope, Status> {
    let nothing = || {
        let text = "A link names one version, one song, the album or one record; this one names nothing.";
        status::refuse(Code::InvalidArgument, "LINK_TERMS_INVALID", text, "Say what is to be heard.")
    };
    Ok(match asked.and_then(|asked| asked.of.as_ref()).ok_or_else(nothing)? {
        Of::VersionId(id) => LinkScope::Version(VersionId(parse_id("version_id", id)?)),
        Of::SongId(id) => LinkScope::Song(SongId(parse_id("song_id", id)?)),
        Of::Album(true) => LinkScope::Album,
        Of::Album(false) => return Err(nothing()),
        Of::RecordId(id) => LinkScope::Record(RecordId(parse_id("record_id", id)?)),
    })
}

fn seed(person: PersonId, project: u128, command_id: u128) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"deadwax-link-1\n");
    [person.0, project, command_id].into_iter().for_each(|id| hash.update(id.to_be_bytes()));
    hash.finalize().into()
}

pub(super) fn id_of(what: &[u8], seed: &[u8; 32]) -> u128 {
    let hash = Sha256::new().chain_update(what).chain_update(seed).finalize();
    let bytes: Vec<u8> = hash.into_iter().take(16).collect();
    // As a UUID that somebody made of random bytes: version 4, its variant.
    let id = bytes.into_iter().fold(0, |id, byte| id << 8 | u128::from(byte));
    (id & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62)
}

/// What was asked and by whom (L-3).
pub(super) fn request_sha256(person: PersonId, asked: &impl Message) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"deadwax-link-command-1\n");
    hash.update(person.0.to_be_bytes());
    hash.update(asked.encode_to_vec());
    hash.finalize().into()
}
