//! Calls: how many of which method ended how, how long their answers took to begin, how many are open. A method that there is not counts as `other`, so that
//! nobody outside can make lines here. Never here: who called, and with what.

use std::{collections::BTreeSet, sync::LazyLock, time::Instant};

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::Code;

use super::Shelf;

const OTHER: &str = "other";
/// Seconds.
const ANSWERS: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

/// `service/method`, of all that this program describes.
static METHODS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
    let sets = [
        deadwax_proto::DESCRIPTORS,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    let files = sets.iter().filter_map(|set| FileDescriptorSet::decode(*set).ok()).flat_map(|set| set.file);
    files
        .flat_map(|file| {
            let package = file.package().to_owned();
            file.service.into_iter().map(move |service| (package.clone(), service))
        })
        .flat_map(|(package, service)| {
            let name = format!("{package}.{}", service.name());
            service.method.into_iter().map(move |method| format!("{name}/{}", method.name()))
        })
        .collect()
});

/// The method of a path, or `other`.
pub fn method(path: &str) -> &'static str {
    METHODS.get(path.trim_start_matches('/')).map_or(OTHER, String::as_str)
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Of {
    method: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    method: &'static str,
    code: &'static str,
}

#[derive(Clone)]
pub struct Calls {
    ended: Family<Ended, Counter>,
    answers: Family<Of, Histogram>,
    open: Family<Of, Gauge>,
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            ended: Family::default(),
            answers: Family::new_with_constructor(|| Histogram::new(ANSWERS)),
            open: Family::default(),
        }
    }
}

impl Calls {
    pub(super) fn shelve(&self, shelf: &mut Shelf) {
        shelf.counter("calls", "Calls that ended, by method and code", self.ended.clone());
        shelf.histogram(
            "call_seconds",
            "Time until the answer of a call began, by method",
            self.answers.clone(),
        );
        shelf.gauge(
            "calls_open",
            "Calls that are open, streams and watchers among them, by method",
            self.open.clone(),
        );
    }

    /// Open until it is dropped.
    pub fn begin(&self, path: &str) -> Open {
        let method = method(path);
        self.open.get_or_create(&Of { method }).inc();
        Open { calls: self.clone(), method, began: Instant::now(), code: None, answered: false }
    }
}

/// A call on its way.
pub struct Open {
    calls: Calls,
    pub method: &'static str,
    began: Instant,
    code: Option<Code>,
    answered: bool,
}

impl Open {
    /// The first lines of its answer are there.
    pub fn answers(&mut self) {
        if !std::mem::replace(&mut self.answered, true) {
            let took = self.began.elapsed().as_secs_f64();
            self.calls.answers.get_or_create(&Of { method: self.method }).observe(took);
        }
    }

    pub fn ends(&mut self, code: Code) {
        self.code = Some(code);
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.calls.open.get_or_create(&Of { method: self.method }).dec();
        let ended = Ended { method: self.method, code: self.code.map_or("GIVEN_UP", word) };
        self.calls.ended.get_or_create(&ended).inc();
    }
}

/// As gRPC writes it.
pub fn word(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_those_that_are_described() {
        for path in [
            "/deadwax.v1.Projects/Watch",
            "/deadwax.v1.Sessions/Login",
            "/grpc.health.v1.Health/Check",
            "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        ] {
            assert_eq!(method(path), &path[1..]);
        }
        for path in ["", "/", "/deadwax.v1.Projects/watch", "/a\u{1b}[2J", "/deadwax.v1.Projects/Watch/x"] {
            assert_eq!(method(path), OTHER, "{path:?}");
        }
    }

    #[test]
    fn a_call_is_open_once_and_ends_once() {
        let calls = Calls::default();
        let mut open = calls.begin("/deadwax.v1.Projects/Watch");
        let of = Of { method: open.method };
        assert_eq!(calls.open.get_or_create(&of).get(), 1);
        open.answers();
        open.answers();
        open.ends(Code::Ok);
        drop(open);
        drop(calls.begin("/no/such"));
        assert_eq!(calls.open.get_or_create(&of).get(), 0);
        let ended = |method, code| calls.ended.get_or_create(&Ended { method, code }).get();
        assert_eq!((ended(of.method, "OK"), ended(OTHER, "GIVEN_UP")), (1, 1));
    }
}
