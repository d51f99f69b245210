//! Files of a record on their way out. Never here: rules.

use deadwax_proto::v1;
use tonic::Status;

use super::Service;
use crate::auth::Caller;

impl Service {
    pub(super) async fn fetched(
        &self,
        caller: &Caller,
        asked: v1::FetchRequest,
    ) -> Result<super::Answers<v1::DownloadChunk>, Status> {
        self.project(caller, super::project_id(&asked.project_id)?).await?;
        Err(Status::unimplemented("This server makes no records yet."))
    }
}
