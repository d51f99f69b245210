//! One file a service: takes the caller, checks shapes and limits, hands over. Never here: rules of the studio, folding, the store's engine.

pub mod media;
pub mod session;

use std::sync::Arc;

use anyhow::Context as _;
use deadwax_proto::v1::{media_server::MediaServer, sessions_server::SessionsServer};
use tonic::{Status, service::Routes};
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::{status, studio::Studio};

/// The oldest client protocol that is still understood.
pub const API_MIN: u32 = 1;
/// An answer larger than this is a bug here.
const ANSWER_BYTES: usize = 4 << 20;

/// Every service of this server. A new one is one line in the macro's list below.
pub async fn routes(studio: &Arc<Studio>) -> anyhow::Result<(Routes, HealthReporter)> {
    let asked_bytes = studio.config.limits.message_bytes as usize;
    let (health, health_service) = tonic_health::server::health_reporter();
    let mut routes = Routes::builder();
    routes.add_service(health_service);
    macro_rules! offer {
        ($($server:ident: $service:expr),+ $(,)?) => {$(
            routes.add_service(
                $server::new($service)
                    .max_decoding_message_size(asked_bytes)
                    .max_encoding_message_size(ANSWER_BYTES),
            );
            health.set_service_status(
                <$server<_> as NamedAs>::name(&$service_name), ServingStatus::Serving).await;
        )+};
    }
    let _ = &mut routes;
    todo!()
}
