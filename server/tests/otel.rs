//! Spans as a collector meets them. Goal: they arrive, tell of calls, and hold nothing that people wrote. Method: a collector of our own that keeps the bytes of
//! what it is sent, and words that stand nowhere else in everything that a call may carry.
#![cfg(feature = "otel")]
#![allow(clippy::unwrap_used)] // A test fails by panicking.

mod common;

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use common::{House, within};
use deadwax_proto::v1;
use futures::{FutureExt as _, future::BoxFuture};
use http_body_util::BodyExt as _;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{body::Body, server::NamedService};

const CANARY: &str = "kanarienvogel7zq";

/// `TraceService.Export`, whose answer may be empty.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<u8>>>);

impl NamedService for Collector {
    const NAME: &'static str = "opentelemetry.proto.collector.trace.v1.TraceService";
}

impl tower::Service<http::Request<Body>> for Collector {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let kept = Arc::clone(&self.0);
        async move {
            let headers = format!("{:?}", request.headers());
            let body = request.into_body().collect().await.unwrap().to_bytes();
            let mut kept = kept.lock().unwrap();
            kept.extend_from_slice(headers.as_bytes());
            kept.extend_from_slice(&body);
            // A message without fields.
            let answer = http_body_util::Full::new(bytes::Bytes::from_static(&[0; 5]));
            let trailers = http::HeaderMap::from_iter([(
                http::HeaderName::from_static("grpc-status"),
                http::HeaderValue::from_static("0"),
            )]);
            let body = Body::new(answer.with_trailers(async move { Some(Ok(trailers)) }));
            let answer = http::Response::builder().header("content-type", "application/grpc");
            Ok(answer.body(body).unwrap())
        }
        .boxed()
    }
}

fn holds(bytes: &[u8], word: &str) -> bool {
    bytes.windows(word.len()).any(|it| it == word.as_bytes())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_of_calls_arrive_and_hold_no_text_of_people() {
    let collector = Collector::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let otlp = format!("http://{}", listener.local_addr().unwrap());
    let served = tonic::transport::Server::builder()
        .add_service(collector.clone())
        .serve_with_incoming(TcpListenerStream::new(listener));
    tokio::spawn(served);

    let house = House::open_with(|config| config.telemetry.otlp = otlp).await;
    let mut ana = house.person(&format!("Ana {CANARY}"), true).await;
    house.project(&ana).await;
    let asked = ana.with(v1::CreateInviteRequest {
        name: CANARY.into(),
        email: format!("{CANARY}@example.org"),
        ..Default::default()
    });
    let _either = ana.sessions.create_invite(asked).await;
    let mut wrong = tonic::Request::new(v1::LoginRequest { code: CANARY.into(), ..Default::default() });
    wrong
        .metadata_mut()
        .insert("traceparent", format!("00-{}-00f067aa0ba902b7-01", "5a".repeat(16)).parse().unwrap());
    wrong.metadata_mut().insert("baggage", format!("who={CANARY}").parse().unwrap());
    ana.sessions.login(wrong).await.unwrap_err();
    let token = ana.token.clone();
    drop(ana);
    house.stop.cancel();
    within(Duration::from_secs(30), "stopping", house.served).await.unwrap().unwrap();

    let kept = collector.0.lock().unwrap().clone();
    for there in [
        "deadwax.v1.Sessions/CreateInvite",
        "deadwax.v1.Sessions/Login",
        "deadwax-server",
        "rpc.grpc.status_code",
    ] {
        assert!(holds(&kept, there), "{there}");
    }
    for foreign in [CANARY, "example.org", "Nachtlied", "127.0.0.1:", &token] {
        assert!(!holds(&kept, foreign), "{foreign}");
    }
    // Whoever calls gives no span a parent.
    assert!(!holds(&kept, "\x5a".repeat(16).as_str()));
}

#[tokio::test]
async fn a_collector_that_is_not_there_costs_nobody_anything() {
    let house = House::open_with(|config| config.telemetry.otlp = "http://127.0.0.1:9".into()).await;
    let mut ana = house.stranger().await;
    ana.sessions.get_server_info(v1::GetServerInfoRequest {}).await.unwrap();
    house.stop.cancel();
    within(Duration::from_secs(30), "stopping", house.served).await.unwrap().unwrap();
}
