//! Files of a record on their way out. Never here: rules.

use deadwax_domain::{Digest, Record, RecordFile, RecordId, audience};
use deadwax_proto::v1;
use tonic::{Code, Status};

use super::{Service, no_record, parse_id, project_id};
use crate::{
    auth::Caller,
    egress::Way,
    rpc::{
        id_text,
        media::digest,
        outgoing::{self, Range, Stored},
        until::Answers,
    },
    status,
};

impl Service {
    pub(super) async fn fetched(
        &self,
        caller: &Caller,
        asked: v1::FetchRequest,
    ) -> Result<Answers<v1::DownloadChunk>, Status> {
        let id = project_id(&asked.project_id)?;
        let record = RecordId(parse_id("record_id", &asked.record_id)?);
        let digest = digest(&asked.sha256)?;
        let person = caller.person.id;
        let unknown = || status::not_found("NO_SUCH_PROJECT", "project");
        let snapshot = self.studio.ledger.project(id).await.map_err(status::ledger)?.ok_or_else(unknown)?;
        let roles = snapshot.project.roles_of(person).ok_or_else(unknown)?;
        let by_link = snapshot.project.guest(person);
        if by_link.is_some_and(|link| !link.holds_record(record)) {
            return Err(no_record());
        }
        let sees = by_link.is_some() || audience::sees_work(roles);
        if !audience::fetches(&snapshot.project, person) || !sees {
            let text = "Listeners hear the songs and may not fetch the files of a record.";
            let hint = "Ask a manager of the project.";
            return Err(status::refuse(Code::PermissionDenied, "ORIGINALS_CLOSED", text, hint));
        }
        let record = snapshot.project.record(record).ok_or_else(no_record)?;
        let there = record.files.iter().any(|file| file.digest == digest);
        if !there {
            return Err(status::not_found("NO_SUCH_FILE", "file"));
        }
        tracing::info!(person = %id_text(person.0), project = %id_text(id.0), %digest, "download of a record");
        let range = Range { offset: asked.offset, limit: asked.limit };
        let id_of = record.id;
        let may = move |project: &deadwax_domain::Project| {
            let sees = match project.guest(person) {
                Some(link) => link.holds_record(id_of),
                None => project.roles_of(person).is_some_and(audience::sees_work),
            };
            sees && audience::fetches(project, person)
        };
        let work = work(record, digest);
        let of = Stored { way: Way::Record, project: id, object: record.id.0, work, digest };
        outgoing::file(&self.studio, caller, (of, range), may).await
    }
}

/// What counts as one piece of music: the song of a track, however many profiles have it; the record where a file holds several or is no sound.
fn work(record: &Record, digest: Digest) -> u128 {
    let found = record.files.iter().find(|file| file.digest == digest);
    let Some(file) = found.filter(|file| file.kind == "track") else { return record.id.0 };
    let ending = |name: &str| name.rsplit_once('.').map(|(_, ending)| ending.to_owned());
    let beside = |it: &&RecordFile| {
        let same = (&it.profile, &it.folder, &it.kind) == (&file.profile, &file.folder, &file.kind);
        same && ending(&it.name) == ending(&file.name)
    };
    let tracks: Vec<&RecordFile> = record.files.iter().filter(beside).collect();
    // A song that is hidden before the first one is no track of its own.
    let hidden = record.sources.len().checked_sub(tracks.len()).filter(|hidden| *hidden <= 1);
    let place = tracks.iter().position(|it| it.digest == digest);
    let source = hidden.zip(place).and_then(|(hidden, place)| record.sources.get(hidden + place));
    source.map_or(record.id.0, |source| source.song.0)
}
