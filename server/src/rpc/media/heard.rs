//! What was played to the caller: checked, kept, and told to the ledger where a mark is passed. Never here: which marks there are (the domain).

use deadwax_domain::{Actor, Alternate, Command, VersionId, audience};
use deadwax_proto::v1;
use sha2::{Digest as _, Sha256};
use tonic::{Code, Status};

use super::Service;
use crate::{
    auth::Caller,
    ledger::{LedgerError, Perform},
    listening::Ear,
    rpc::parse_id,
    status,
};

const RANGES_MAX: usize = 1000;

impl Service {
    pub(super) async fn heard(
        &self,
        caller: &Caller,
        asked: v1::ReportHeardRequest,
    ) -> Result<v1::ReportHeardResponse, Status> {
        let snapshot = self.project(caller, &asked.project_id).await?;
        let project = &snapshot.project;
        let person = caller.person.id;
        let id = VersionId(parse_id("version_id", &asked.version_id)?);
        let seen = project.versions.get(id).filter(|it| audience::sees_version(project, person, it));
        let version = seen.ok_or_else(|| status::not_found("NO_SUCH_VERSION", "version"))?;
        let token = if asked.alternate.is_empty() { "main" } else { &asked.alternate };
        let alternate = Alternate::parse(token);
        let file = version.files.iter().find(|file| Some(file.alternate) == alternate);
        let file = file.ok_or_else(|| status::not_found("NO_SUCH_FILE", "file"))?;
        let rate = u64::from(file.facts.sample_rate_hz.max(1));
        let length_ms = file.facts.frames.saturating_mul(1000).div_ceil(rate);
        let ranges = ranges(&asked.ranges, length_ms)?;
        // Seconds heard lie outside of the journal, and are an answer like any other.
        self.studio.store.drive().latch().check().map_err(|_| status::read_only())?;
        let ear = Ear { project: snapshot.id, version: id, person, file: file.digest };
        let percent = self.studio.listening.add(ear, length_ms, ranges).await;
        let percent = percent.map_err(|error| status::internal(&error))?;
        if file.alternate == Alternate::Main && project.heard_mark(id, person, percent) {
            let actor = Actor::Person { id: person, studio_owner: caller.person.studio_owner };
            let told = self.studio.ledger.perform(Perform {
                command_id: uuid::Uuid::now_v7().as_u128(),
                request_sha256: Sha256::digest(b"deadwax-heard-1").into(),
                project: snapshot.id,
                actor,
                expected: None,
                command: Command::RecordHeard { version: id, percent },
            });
            match told.await {
                // Another report of the same person came first.
                Ok(_) | Err(LedgerError::Refused(_)) => {}
                Err(error) => return Err(status::ledger(error)),
            }
        }
        Ok(v1::ReportHeardResponse { percent })
    }
}

fn ranges(asked: &[v1::HeardRange], length_ms: u64) -> Result<Vec<(u64, u64)>, Status> {
    let refuse = |text: String| {
        let hint = "Report ranges of whole milliseconds within the file, at most 1000 at once.";
        Err(status::refuse(Code::InvalidArgument, "RANGE_INVALID", text, hint))
    };
    if asked.len() > RANGES_MAX {
        return refuse(format!("{} ranges were given.", asked.len()));
    }
    for range in asked {
        let (start, end) = (range.start_ms, range.end_ms);
        if start >= end {
            return refuse(format!("The range from {start} ms to {end} ms is empty."));
        }
        if end > length_ms {
            return refuse(format!("The range ends at {end} ms; the file has {length_ms} ms."));
        }
    }
    Ok(asked.iter().map(|range| (range.start_ms, range.end_ms)).collect())
}
