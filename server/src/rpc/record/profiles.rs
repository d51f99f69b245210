//! The profiles that a record can be made for. Never here: rules.

use deadwax_proto::v1;
use tonic::Status;

use super::Service;
use crate::auth::Caller;

impl Service {
    pub(super) async fn profiles(&self, _caller: &Caller) -> Result<v1::ListProfilesResponse, Status> {
        Err(Status::unimplemented("This server lists no profiles yet."))
    }
}
