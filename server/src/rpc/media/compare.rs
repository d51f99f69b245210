//! What changed between two files of a project: who may ask, and for what. Never here: how sound is compared (the dsp room), where answers are kept (`render`).

use std::sync::Arc;

use deadwax_domain::{Alternate, File, PersonId, Version, VersionId, audience};
use deadwax_proto::v1;
use tonic::{Code, Status};

use super::Service;
use crate::{
    auth::Caller,
    ledger::Snapshot,
    render::{
        compared::{CompareError, Haste, Side},
        inspect::InspectError,
    },
    rpc::parse_id,
    status,
};

impl Service {
    pub(super) async fn compared(
        &self,
        caller: &Caller,
        asked: v1::CompareRequest,
    ) -> Result<v1::CompareResponse, Status> {
        let snapshot = self.project(caller, &asked.project_id).await?;
        let person = caller.person.id;
        let a = version(&snapshot, person, "version_a", &asked.version_a)?;
        let b = version(&snapshot, person, "version_b", &asked.version_b)?;
        let was = Side { version: a, file: file(a, &asked.alternate_a)? };
        let is = Side { version: b, file: file(b, &asked.alternate_b)? };
        let told = self.studio.comparisons.between(was, is, Haste::Awaited).await;
        let comparison_json = told.map_err(|error| match error {
            CompareError::Blob(error) => status::blob(error),
            CompareError::Inspect(error) => failed(error),
            CompareError::Io(_) | CompareError::Vanished(_) => status::internal(&error),
        })?;
        Ok(v1::CompareResponse { comparison_json })
    }
}

fn version<'a>(
    snapshot: &'a Arc<Snapshot>,
    person: PersonId,
    field: &str,
    id: &str,
) -> Result<&'a Version, Status> {
    let id = VersionId(parse_id(field, id)?);
    let project = &snapshot.project;
    let seen = project.versions.get(id).filter(|version| audience::sees_version(project, person, version));
    seen.ok_or_else(|| status::not_found("NO_SUCH_VERSION", "version"))
}

/// The first file of the alternate: a master has one for each format, and they hold the same sound.
fn file<'a>(version: &'a Version, token: &str) -> Result<&'a File, Status> {
    let token = if token.is_empty() { "main" } else { token };
    let alternate = Alternate::parse(token);
    let found = version.files.iter().find(|file| Some(file.alternate) == alternate);
    found.ok_or_else(|| status::not_found("NO_SUCH_FILE", "file"))
}

fn failed(error: InspectError) -> Status {
    let hint = "Listen to both; the files themselves are untouched.";
    status::refuse(Code::FailedPrecondition, "COMPARE_FAILED", sentence(&error.to_string()), hint)
}

fn sentence(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let mut chars = text.chars();
    let first = chars.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(chars).chain(['.']).collect()
}
