//! What is kept of a record and stands in no row: all files of an older one, and the report of how one was made. Never here: rules.

use deadwax_domain::RecordId;
use deadwax_proto::v1;
use tonic::{Code, Status};

use super::{Service, no_record, parse_id, project_id};
use crate::{
    auth::Caller,
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
        let snapshot = self.project(caller, project).await?;
        let names = self.studio.people.directory();
        let viewer =
            Viewer::new(project, &snapshot.project, caller.person.id, &names).ok_or_else(no_record)?;
        let record = snapshot.project.record(record).ok_or_else(no_record)?;
        Ok(v1::GetRecordResponse { record: Some(view::record::whole(&viewer, record)) })
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
