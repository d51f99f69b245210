//! A record while it is made. Never here: rules.

use deadwax_proto::v1;
use tonic::Status;

use super::Service;
use crate::auth::Caller;

impl Service {
    pub(super) async fn watched(
        &self,
        caller: &Caller,
        asked: v1::WatchRecordRequest,
    ) -> Result<super::Answers<v1::RecordProgress>, Status> {
        self.project(caller, super::project_id(&asked.project_id)?).await?;
        Err(Status::unimplemented("This server makes no records yet."))
    }
}
