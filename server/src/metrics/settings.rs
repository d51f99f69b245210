//! `[metrics]` and `[telemetry]` of the settings: where figures and spans go. Nothing goes anywhere unless it is set. Never here: what is counted.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use url::Url;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Address and port of a door of its own for /metrics, /healthz and /readyz, over plain HTTP and without a login. Empty: there is none.
    pub listen: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// Where spans of calls go, OTLP over gRPC: `http://127.0.0.1:4317`. Empty: nowhere. Needs a build with the feature `otel`.
    pub otlp: String,
    /// The share of calls that get a span, 0 to 1.
    pub share: f64,
}

impl Default for Telemetry {
    fn default() -> Self {
        Self { otlp: String::new(), share: 1.0 }
    }
}

impl Metrics {
    /// `None`: there is no such door.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listen.parse().ok()
    }

    /// The key that cannot be used, and why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if self.listen.is_empty() || self.address().is_some() {
            return Ok(());
        }
        Err(("metrics.listen", "it must be an address with a port, such as 127.0.0.1:9464.".into()))
    }
}

impl Telemetry {
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let plain = |url: &Url| {
            let bare = url.username().is_empty() && url.password().is_none() && url.query().is_none();
            url.scheme() == "http" && url.host_str().is_some() && bare
        };
        if !self.otlp.is_empty() && !Url::parse(&self.otlp).is_ok_and(|url| plain(&url)) {
            let what = "it must be http://host:port of a collector near by, without a name or a password.";
            return Err(("telemetry.otlp", what.into()));
        }
        if !self.otlp.is_empty() && !cfg!(feature = "otel") {
            return Err((
                "telemetry.otlp",
                "this server was built without the feature `otel`; build it with it, or leave it empty."
                    .into(),
            ));
        }
        if !(0.0..=1.0).contains(&self.share) {
            return Err(("telemetry.share", "it must be 0 to 1.".into()));
        }
        Ok(())
    }
}
