//! The profiles that a record can be made for. Never here: rules.

use deadwax_proto::v1;
use tonic::Status;

use super::Service;
use crate::auth::Caller;

impl Service {
    pub(super) async fn profiles(&self, _caller: &Caller) -> Result<v1::ListProfilesResponse, Status> {
        let info =
            |(it, text, of_the_studio): (&deadwax_dsp::profile::Profile, &str, bool)| v1::ProfileInfo {
                name: it.name.clone(),
                dated: it.dated.clone(),
                about: it.about.clone(),
                toml: text.to_owned(),
                of_the_studio,
            };
        Ok(v1::ListProfilesResponse { profiles: self.studio.planner.offered.all().map(info).collect() })
    }
}
