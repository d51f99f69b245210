//! What is kept of a record and stands in no row: all files of an older one, and the report of how one was made. Never here: rules.

use std::sync::Arc;

use deadwax_domain::{ProjectId, RecordId};
use deadwax_proto::v1;
use tonic::{Code, Status};

use super::{Service, no_record, parse_id, project_id};
use crate::{
    auth::Caller,
    ledger::Snapshot,
    status,
    wire::{
        text::scrub,
        view::{self, Viewer},
    },
};

impl Service {
    pub(super) async fn record_got(
        &self,
        caller: &Caller,
        asked: v1::GetRecordRequest,
    ) -> Result<v1::GetRecordResponse, Status> {
        let project = project_id(&asked.project_id)?;
        let record = RecordId(parse_id("record_id", &asked.record_id)?);
        let snapshot = self.project_of_record(caller, project, record).await?;
        let names = self.studio.people.directory();
        let viewer =
            Viewer::new(project, &snapshot.project, caller.person.id, &names).ok_or_else(no_record)?;
        let record = snapshot.project.record(record).ok_or_else(no_record)?;
        let row = match viewer.comes_by() {
            Some(_) => view::guest::record(record),
            None => view::record::whole(&viewer, record),
        };
        Ok(v1::GetRecordResponse { record: Some(row) })
    }

    /// The project; for the guest of a link where the link names this record.
    async fn project_of_record(
        &self,
        caller: &Caller,
        id: ProjectId,
        record: RecordId,
    ) -> Result<Arc<Snapshot>, Status> {
        if !caller.person.is_guest() {
            return self.project(caller, id).await;
        }
        let snapshot = self.studio.ledger.project(id).await.map_err(status::ledger)?;
        let unknown = || status::not_found("NO_SUCH_PROJECT", "project");
        let snapshot = snapshot.ok_or_else(unknown)?;
        let link = snapshot.project.guest(caller.person.id).ok_or_else(unknown)?;
        if link.holds_record(record) { Ok(snapshot) } else { Err(no_record()) }
    }

    pub(super) async fn report_got(
        &self,
        caller: &Caller,
        asked: v1::GetReportRequest,
    ) -> Result<v1::GetReportResponse, Status> {
        let project = project_id(&asked.project_id)?;
        let record = RecordId(parse_id("record_id", &asked.record_id)?);
        let snapshot = self.project(caller, project).await?;
        let record = snapshot.project.record(record).ok_or_else(no_record)?;
        if !record.is_made() {
            let text = format!("{} is not made: there is no report of it.", record.name());
            let hint = "Wait until it is made, or look at the report of an earlier one.";
            return Err(status::refuse(Code::FailedPrecondition, "RECORD_NOT_MADE", text, hint));
        }
        // Titles stand in it as they were typed.
        Ok(v1::GetReportResponse { report_json: scrub(&record.report_json) })
    }
}
