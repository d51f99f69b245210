//! The other side of `traces`: OpenTelemetry's own crates, OTLP over gRPC by the tonic that we have. Never here: what a span may hold beyond `traces`.

use std::time::Duration;

use anyhow::Context as _;
use opentelemetry::{
    KeyValue,
    trace::{Span as _, SpanKind, Status, Tracer as _, TracerProvider as _},
};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracer, SdkTracerProvider, Span},
};
use tonic::Code;

use super::{Collect, End};
use crate::metrics::{calls, settings::Telemetry};

/// For one batch.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Otlp {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Otlp {
    pub(super) fn open(settings: &Telemetry) -> anyhow::Result<Self> {
        let exporter = SpanExporter::builder()
            .with_tonic()
            .with_endpoint(settings.otlp.clone())
            .with_timeout(PATIENCE)
            .build()
            .with_context(|| format!("`telemetry.otlp` {} cannot be used", settings.otlp))?;
        // Without what the environment says: nothing about this machine goes along.
        let resource = Resource::builder_empty()
            .with_attributes([
                KeyValue::new("service.name", "deadwax-server"),
                KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
            ])
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::TraceIdRatioBased(settings.share))
            .with_resource(resource)
            .build();
        let tracer = provider.tracer("deadwax-server");
        Ok(Self { provider, tracer })
    }
}

impl Collect for Otlp {
    fn begin(&self, method: &'static str) -> Option<Box<dyn End>> {
        let (service, name) = method.split_once('/').unwrap_or((method, ""));
        let span = self
            .tracer
            .span_builder(method)
            .with_kind(SpanKind::Server)
            .with_attributes([
                KeyValue::new("rpc.system", "grpc"),
                KeyValue::new("rpc.service", service),
                KeyValue::new("rpc.method", name),
            ])
            .start_with_context(&self.tracer, &opentelemetry::Context::new());
        span.is_recording().then(|| Box::new(Begun(span)) as Box<dyn End>)
    }

    fn close(&self) {
        if let Err(error) = self.provider.shutdown_with_timeout(PATIENCE) {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }
}

struct Begun(Span);

impl End for Begun {
    fn end(mut self: Box<Self>, code: Option<Code>) {
        let number = code.unwrap_or(Code::Cancelled) as i64;
        self.0.set_attribute(KeyValue::new("rpc.grpc.status_code", number));
        // As the conventions have it: an error is what the server is to blame for.
        if let Some(code @ (Code::Unknown | Code::Internal | Code::DataLoss | Code::Unavailable)) = code {
            self.0.set_status(Status::error(calls::word(code)));
        }
        self.0.end();
    }
}
