//! The dry run of a record. Never here: rules.

use deadwax_proto::v1;
use tonic::Status;

use super::Service;
use crate::auth::Caller;

impl Service {
    pub(super) async fn planned(
        &self,
        caller: &Caller,
        asked: v1::PlanRequest,
    ) -> Result<v1::PlanResponse, Status> {
        self.project(caller, super::project_id(&asked.project_id)?).await?;
        Err(Status::unimplemented("This server plans no records yet."))
    }
}
