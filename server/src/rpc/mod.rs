//! One file a service: takes the caller, checks shapes and limits, hands over. Never here: rules of the studio, folding, the store's engine.

pub mod audit;
pub mod follow;
pub mod link;
pub mod mastering;
pub mod media;
pub mod outgoing;
mod pace;
pub mod planner;
pub mod presence;
pub mod project;
mod quota;
pub mod record;
pub mod session;
pub mod until;

use std::{convert::Infallible, sync::Arc};

use anyhow::Context as _;
use deadwax_proto::v1::{
    audit_server::AuditServer, links_server::LinksServer, mastering_server::MasteringServer,
    media_server::MediaServer, presence_server::PresenceServer, projects_server::ProjectsServer,
    records_server::RecordsServer, sessions_server::SessionsServer,
};
use http::{Request, Response};
use tonic::{
    Status,
    body::Body,
    server::NamedService,
    service::{Routes, RoutesBuilder},
};
use tonic_health::{ServingStatus, server::HealthReporter};
use tower::Service;

use crate::{status, studio::Studio};

/// The oldest client protocol that is still understood.
pub const API_MIN: u32 = 1;
/// An answer larger than this is a bug here. Watch cuts its updates into small ones, files come in chunks.
const ANSWER_BYTES: usize = 4 << 20;
/// Get answers with a whole project, however many versions and notes it has.
const PROJECT_BYTES: usize = 32 << 20;

/// Every service of this server, with health and reflection. A new service is one call of `offer` more.
pub async fn routes(studio: &Arc<Studio>) -> anyhow::Result<(Routes, Health)> {
    let asked_bytes = studio.config().limits.message_bytes as usize;
    let (reporter, health_service) = tonic_health::server::health_reporter();
    let mut offered = Offered { routes: Routes::builder(), health: Health { reporter, names: Vec::new() } };
    offered.routes.add_service(health_service);
    macro_rules! limited {
        ($server:ident, $service:expr) => {
            $server::new($service)
                .max_decoding_message_size(asked_bytes)
                .max_encoding_message_size(ANSWER_BYTES)
        };
    }
    let projects = limited!(ProjectsServer, project::Service::of(studio));
    offered.offer(projects.max_encoding_message_size(PROJECT_BYTES));
    offered.offer(limited!(SessionsServer, session::Service::new(Arc::clone(studio))));

    offered.offer(limited!(LinksServer, link::Service::new(Arc::clone(studio))));
    offered.offer(limited!(AuditServer, audit::Service::new(Arc::clone(studio))));
    offered.offer(limited!(MasteringServer, mastering::Service::new(Arc::clone(studio))));
    offered.offer(limited!(MediaServer, media::Service::new(Arc::clone(studio))));
    offered.offer(limited!(PresenceServer, presence::Service::new(Arc::clone(studio))));
    offered.offer(limited!(RecordsServer, record::Service::new(Arc::clone(studio))));

    let describe = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(deadwax_proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    offered.routes.add_service(describe().build_v1().context("describing the services failed")?);
    offered.routes.add_service(describe().build_v1alpha().context("describing the services failed")?);
    offered.health.say(ServingStatus::Serving).await;
    Ok((offered.routes.routes(), offered.health))
}

struct Offered {
    routes: RoutesBuilder,
    health: Health,
}

impl Offered {
    fn offer<S>(&mut self, service: S)
    where
        S: Service<Request<Body>, Error = Infallible, Response = Response<Body>>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.routes.add_service(service);
        self.health.names.push(S::NAME);
    }
}

/// The name under which the health service tells whether all stored bytes are sound, as far as they were read.
pub const STORED_BYTES: &str = "deadwax.StoredBytes";

/// Services that keep nothing: they go on when the server writes no more.
const KEEPS_NOTHING: &[&str] = &[PresenceServer::<presence::Service>::NAME];

/// What the health service tells about each service.
pub struct Health {
    reporter: HealthReporter,
    names: Vec<&'static str>,
}

impl Health {
    /// The empty name stands for the server as a whole.
    pub async fn say(&self, status: ServingStatus) {
        for name in self.names.iter().copied().chain([""]) {
            self.reporter.set_service_status(name, status).await;
        }
    }

    pub async fn say_stored_bytes(&self, sound: bool) {
        let status = if sound { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.reporter.set_service_status(STORED_BYTES, status).await;
    }

    /// Nothing is written any more: the services that do, and the server as a whole, need its owner. Calls that read are answered as before.
    pub async fn say_read_only(&self) {
        for name in self.names.iter().copied().chain([""]).filter(|name| !KEEPS_NOTHING.contains(name)) {
            self.reporter.set_service_status(name, ServingStatus::NotServing).await;
        }
    }
}

/// An id on the wire is a UUID in text.
pub fn parse_id(field: &str, text: &str) -> Result<u128, Status> {
    let id =
        uuid::Uuid::try_parse(text).map_err(|_| status::malformed(format!("`{field}` is not a UUID.")))?;
    Ok(id.as_u128())
}

pub fn id_text(id: u128) -> String {
    uuid::Uuid::from_u128(id).to_string()
}
