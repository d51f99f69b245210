//! A record while it is made. Never here: rules.

use std::sync::Arc;

use deadwax_domain::{Project, RecordId};
use deadwax_dsp::record::Progress;
use deadwax_proto::v1;
use tonic::Status;

use super::{Service, no_record, parse_id, project_id};
use crate::{
    auth::Caller,
    render::record::RecordKey,
    rpc::{
        follow::{Followed, progress},
        until::Answers,
    },
};

impl Service {
    pub(super) async fn watched(
        &self,
        caller: &Caller,
        asked: v1::WatchRecordRequest,
    ) -> Result<Answers<v1::RecordProgress>, Status> {
        let project = project_id(&asked.project_id)?;
        let record = RecordId(parse_id("record_id", &asked.record_id)?);
        let snapshot = self.project(caller, project).await?;
        snapshot.project.record(record).ok_or_else(no_record)?;
        let running = Arc::clone(&self.studio.making);
        let key = (project, record);
        let followed = Followed { project, running, key, alive, line, ended };
        Ok(Box::pin(progress(&self.studio, caller, followed)))
    }
}

fn alive(project: &Project, (_, record): &RecordKey) -> bool {
    project.record(*record).is_some_and(|it| it.is_alive())
}

fn line(now: Progress) -> v1::RecordProgress {
    let Progress { step, fraction, files_done, files } = now;
    let step = crate::wire::text::scrub(&step);
    v1::RecordProgress { step, fraction, files_done, files, ended: false }
}

fn ended() -> v1::RecordProgress {
    v1::RecordProgress { fraction: 1.0, ended: true, ..v1::RecordProgress::default() }
}
