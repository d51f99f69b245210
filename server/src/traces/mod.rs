//! Spans of calls for a collector of traces, where a build has the feature `otel` and the settings name one: the method, how it ended and how long it took, and
//! nothing else. What callers send along decides nothing here: every span is its own root. Never here: text of people, ids, addresses.

#[cfg(feature = "otel")]
mod otlp;

use std::sync::Arc;

use tonic::Code;

use crate::metrics::settings::Telemetry;

/// Where spans go.
trait Collect: Send + Sync + 'static {
    /// `None`: not this one.
    fn begin(&self, method: &'static str) -> Option<Box<dyn End>>;
    /// Sends what waits. Blocks for seconds at most.
    fn close(&self);
}

/// A span that was begun.
trait End: Send + Sync {
    /// `None`: the caller gave up.
    fn end(self: Box<Self>, code: Option<Code>);
}

#[derive(Clone, Default)]
pub struct Traces(Option<Arc<dyn Collect>>);

pub struct Span(Box<dyn End>);

impl Traces {
    /// Within a runtime. Nothing is sent yet: a collector that is not there costs its spans and nothing else.
    ///
    /// # Errors
    /// The address cannot be used.
    pub fn open(settings: &Telemetry) -> anyhow::Result<Self> {
        if settings.otlp.is_empty() {
            return Ok(Self::default());
        }
        #[cfg(feature = "otel")]
        return Ok(Self(Some(Arc::new(otlp::Otlp::open(settings)?))));
        #[cfg(not(feature = "otel"))]
        anyhow::bail!("`telemetry.otlp` needs a build with the feature `otel`");
    }

    pub fn call(&self, method: &'static str) -> Option<Span> {
        self.0.as_ref()?.begin(method).map(Span)
    }

    /// Sends what waits; not on a thread of the runtime.
    pub async fn close(&self) {
        if let Some(collect) = self.0.clone() {
            let _sent = tokio::task::spawn_blocking(move || collect.close()).await;
        }
    }
}

impl Span {
    pub fn end(self, code: Option<Code>) {
        self.0.end(code);
    }
}
