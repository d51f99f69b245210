//! The operators' log: one line per request with method, ids of person and session, address, outcome and milliseconds; of a denied one also the reason. Never in it: tokens, codes, note text, names,
//! titles, request bodies. The rule that keeps it so: a request is never printed, not even at TRACE; only ids and codes are.

mod plain;

use std::{
    io::IsTerminal as _,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Instant,
};

use deadwax_domain::PersonId;
use futures::{FutureExt as _, future::BoxFuture};
use http::{HeaderMap, Request, Response};
use tonic::{Code, Status, body::Body};
use tower::{Layer, Service};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter, reload};

use self::plain::Plain;
use crate::{
    auth::layer::address,
    config::{Log, LogFormat, LogLevel},
    metrics::calls::{Calls, Open},
    page, status,
    traces::{Span, Traces},
};

type SetLevel = Box<dyn Fn(LogLevel) + Send + Sync>;

/// Of the log that [`install`] put up.
static LEVEL: OnceLock<SetLevel> = OnceLock::new();

/// A subscriber for this process, or for one test.
pub fn subscriber<W>(log: &Log, writer: W) -> Box<dyn tracing::Subscriber + Send + Sync>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    adjustable(log, writer).0
}

/// Libraries speak from `warn` on: their debug lines print headers.
fn filter(level: LogLevel) -> EnvFilter {
    EnvFilter::new(format!("warn,deadwax_server={}", level.word()))
}

/// A subscriber, and what sets its level.
fn adjustable<W>(log: &Log, writer: W) -> (Box<dyn tracing::Subscriber + Send + Sync>, SetLevel)
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    fn setting<S: 'static>(handle: reload::Handle<EnvFilter, S>) -> SetLevel {
        // It fails where the log is gone, and nobody reads it then.
        Box::new(move |level| drop(handle.reload(filter(level))))
    }
    let colours = log.format == LogFormat::Text && std::io::stderr().is_terminal();
    let writer = Plain { into: writer, colours };
    let builder = tracing_subscriber::fmt().with_env_filter(filter(log.level)).with_writer(writer);
    match log.format {
        LogFormat::Json => {
            let builder = builder.json().flatten_event(true).with_filter_reloading();
            let set = setting(builder.reload_handle());
            (Box::new(builder.finish()), set)
        }
        LogFormat::Text => {
            let builder = builder.with_ansi(colours).with_filter_reloading();
            let set = setting(builder.reload_handle());
            (Box::new(builder.finish()), set)
        }
    }
}

/// Installs the log of this process on standard error. A second call changes nothing (tests start several servers).
pub fn install(log: &Log) {
    let (subscriber, set) = adjustable(log, std::io::stderr);
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        let _first = LEVEL.set(set);
    }
}

/// What the log of this process tells from now on.
pub fn set_level(level: LogLevel) {
    if let Some(set) = LEVEL.get() {
        set(level);
    }
}

/// What the inner layers learn about a request, for its line in the log.
#[derive(Clone, Default)]
pub struct Seen(Arc<OnceLock<(PersonId, u128)>>);

impl Seen {
    /// Who, and in which session.
    pub fn person(&self, id: PersonId, session: u128) {
        let _first_stays = self.0.set((id, session));
    }
}

/// Tells of each call: in the log, in the figures, as a span.
#[derive(Clone)]
pub struct RequestLog {
    pub calls: Calls,
    pub traces: Traces,
}

impl<S> Layer<S> for RequestLog {
    type Service = Logged<S>;
    fn layer(&self, inner: S) -> Logged<S> {
        Logged { told: self.clone(), inner }
    }
}

#[derive(Clone)]
pub struct Logged<S> {
    told: RequestLog,
    inner: S,
}

impl<S> Service<Request<Body>> for Logged<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response<Body>, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let seen = Seen::default();
        request.extensions_mut().insert(seen.clone());
        let open = self.told.calls.begin(request.uri().path());
        let name = match page::is_asked_for(request.method(), request.uri().path()) {
            true => "page".to_owned(),
            false => method(request.uri().path()),
        };
        let mut line = Line {
            span: self.told.traces.call(open.method),
            open,
            method: name,
            address: address(request.extensions()),
            seen,
            began: Instant::now(),
            outcome: None,
        };
        let answer = self.inner.call(request);
        async move {
            let answer = answer.await?;
            line.open.answers();
            match answer.extensions().get::<page::Shown>() {
                Some(page::Shown) => line.ended(Code::Ok, String::new()),
                None => line.see(answer.headers()),
            }
            Ok(answer.map(|body| Body::new(Watched { body, line })))
        }
        .boxed()
    }
}

/// A path comes from outside: only known shapes reach the log.
fn method(path: &str) -> String {
    let sound = path.len() <= 80 && path.chars().all(|c| c.is_ascii_alphanumeric() || "/._".contains(c));
    if sound { path.trim_start_matches('/').to_owned() } else { "unknown".to_owned() }
}

/// The line of one request: written when its answer has gone out or was given up.
struct Line {
    method: String,
    address: Option<IpAddr>,
    seen: Seen,
    began: Instant,
    /// The code, and where it is a refusal its stable reason.
    outcome: Option<(Code, String)>,
    open: Open,
    span: Option<Span>,
}

impl Line {
    fn see(&mut self, headers: &HeaderMap) {
        if let Some(status) = Status::from_header_map(headers) {
            self.ended(status.code(), status::reason_of(&status).unwrap_or_default());
        }
    }

    fn ended(&mut self, code: Code, reason: String) {
        self.open.ends(code);
        self.outcome = Some((code, reason));
    }
}

/// Somebody asked for what is not theirs, or knocked with a wrong key. What is not there counts too: to whoever may not see it, it is not there.
fn is_denial(code: Code) -> bool {
    matches!(code, Code::Unauthenticated | Code::PermissionDenied | Code::NotFound)
}

impl Drop for Line {
    fn drop(&mut self) {
        if let Some(span) = self.span.take() {
            span.end(self.outcome.as_ref().map(|(code, _)| *code));
        }
        let id = |id: u128| uuid::Uuid::from_u128(id).to_string();
        let who = self.seen.0.get().map(|(person, session)| (id(person.0), id(*session)));
        let (person, session) = who.as_ref().map_or(("-", "-"), |(person, session)| (person, session));
        let address = self.address.map(|address| address.to_string()).unwrap_or_default();
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let method = self.method.as_str();
        match &self.outcome {
            Some((Code::Ok, _)) => {
                tracing::info!(method, person, session, address, code = "Ok", ms, "request");
            }
            Some((code @ (Code::Internal | Code::DataLoss | Code::Unknown), _)) => {
                tracing::error!(method, person, session, address, ?code, ms, "request");
            }
            Some((code, reason)) if is_denial(*code) => {
                tracing::warn!(method, person, session, address, ?code, reason, ms, "denied");
            }
            Some((code, _)) => tracing::info!(method, person, session, address, ?code, ms, "request"),
            None => tracing::info!(method, person, session, address, code = "GivenUp", ms, "request"),
        }
    }
}

/// A response body whose trailers tell the outcome.
struct Watched {
    body: Body,
    line: Line,
}

impl http_body::Body for Watched {
    type Data = bytes::Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        let this = &mut *self;
        let frame = Pin::new(&mut this.body).poll_frame(context);
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(trailers) = frame.trailers_ref()
        {
            this.line.see(trailers);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_path_does_not_reach_the_log() {
        assert_eq!(method("/deadwax.v1.Sessions/Login"), "deadwax.v1.Sessions/Login");
        assert_eq!(method("/a\u{1b}[2J"), "unknown");
        assert_eq!(method(&"/a".repeat(1000)), "unknown");
    }
}
