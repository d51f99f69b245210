//! The profiles that a record can be made for. Never here: rules.

use deadwax_dsp::profile::{Profile, shipped};
use deadwax_proto::v1;
use tonic::Status;

use super::Service;
use crate::{auth::Caller, status};

impl Service {
    pub(super) async fn profiles(&self, _caller: &Caller) -> Result<v1::ListProfilesResponse, Status> {
        let info = |(name, text): &(&str, &str)| {
            let it = Profile::parse(text)
                .map_err(|(line, what)| status::internal(&format!("profile {name}, line {line}: {what}")))?;
            Ok(v1::ProfileInfo {
                name: it.name,
                dated: it.dated,
                about: it.about,
                toml: (*text).to_owned(),
                of_the_studio: false,
            })
        };
        let profiles = shipped().iter().map(info).collect::<Result<_, Status>>()?;
        Ok(v1::ListProfilesResponse { profiles })
    }
}
