//! Files of a record on their way out. Never here: rules.

use deadwax_domain::{RecordId, audience};
use deadwax_proto::v1;
use tonic::{Code, Status};

use super::{Service, no_record, parse_id, project_id};
use crate::{
    auth::Caller,
    rpc::{
        id_text,
        media::digest,
        outgoing::{self, Range},
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
        if !audience::may_fetch(roles) || !audience::sees_work(roles) {
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
        let may = move |project: &deadwax_domain::Project| {
            let roles = project.roles_of(person);
            roles.is_some_and(|roles| audience::may_fetch(roles) && audience::sees_work(roles))
        };
        outgoing::file(&self.studio, caller, id, (digest, range), may).await
    }
}
