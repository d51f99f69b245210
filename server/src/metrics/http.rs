//! The door for probes: a listener of its own that answers GET /metrics, /healthz and /readyz over plain HTTP/1.1, and nothing else. It asks for no login and tells
//! nothing of people; who may reach it is decided by the address it listens on. Never here: what is told.

use std::{convert::Infallible, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use anyhow::Context as _;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::{body::Incoming, client, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

use super::{settings::Metrics as Settings, text};
use http_body::Body as _;

use crate::studio::Studio;

/// Whoever asks for figures asks alone, and comes again.
const AT_ONCE: usize = 16;
/// From the connection to the end of its one answer.
const PATIENCE: Duration = Duration::from_secs(10);
const HEAD_PATIENCE: Duration = Duration::from_secs(5);
const HEAD_BYTES: usize = 16 << 10;

/// Of an answer that is read.
const WORDS_BYTES: usize = 1024;
const PLAIN: &str = "text/plain; charset=utf-8";

/// Listens where the settings say; `None` where they say nothing.
///
/// # Errors
/// The address is taken, or not of this machine.
pub async fn listen(settings: &Settings) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = settings.address() else { return Ok(None) };
    let listener = TcpListener::bind(address).await.with_context(|| {
        format!("listening on {address} for probes failed; set `metrics.listen` in {}", crate::config::FILE)
    })?;
    Ok(Some(listener))
}

/// Answers until it is dropped.
pub async fn serve(listener: TcpListener, studio: Arc<Studio>) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "accepting a connection for probes failed");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // Beyond the limit it is closed at once.
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let studio = Arc::clone(&studio);
        tokio::spawn(async move {
            let _place = place;
            let _in_time = tokio::time::timeout(PATIENCE, one(stream, studio)).await;
        });
    }
}

/// One answer, then the connection is closed. What goes wrong is the other side's.
async fn one(stream: TcpStream, studio: Arc<Studio>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let studio = Arc::clone(&studio);
        async move { Ok::<_, Infallible>(answer(request.method(), request.uri().path(), &studio).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_PATIENCE)
        .max_buf_size(HEAD_BYTES)
        .keep_alive(false);
    let _theirs = http.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(method: &Method, path: &str, studio: &Studio) -> Response<String> {
    if !matches!(path, "/metrics" | "/healthz" | "/readyz") {
        return told(StatusCode::NOT_FOUND, PLAIN, "there are /metrics, /healthz and /readyz\n".to_owned());
    }
    if method != Method::GET && method != Method::HEAD {
        let mut no = told(StatusCode::METHOD_NOT_ALLOWED, PLAIN, "GET only\n".to_owned());
        no.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return no;
    }
    match path {
        "/metrics" => told(StatusCode::OK, text::CONTENT_TYPE, studio.metrics.page(studio).await),
        "/healthz" => told(StatusCode::OK, PLAIN, "alive\n".to_owned()),
        _ => match studio.ready() {
            Ok(()) => told(StatusCode::OK, PLAIN, "serving\n".to_owned()),
            Err(why) => told(StatusCode::SERVICE_UNAVAILABLE, PLAIN, format!("not serving: {why}\n")),
        },
    }
}

/// What a server says at /readyz, in its own words.
///
/// # Errors
/// Nobody answers, or it does not serve.
pub async fn ask_ready(address: SocketAddr) -> anyhow::Result<String> {
    // A door that listens everywhere is asked at home.
    let at = match address.ip() {
        ip if !ip.is_unspecified() => address,
        ip if ip.is_ipv4() => SocketAddr::from(([127, 0, 0, 1], address.port())),
        _ => SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], address.port())),
    };
    let asked = async {
        let stream = TcpStream::connect(at).await?;
        let (mut sender, line) = client::conn::http1::handshake(TokioIo::new(stream)).await?;
        let line = tokio::spawn(line);
        let request = Request::get("/readyz").header(header::HOST, "localhost").body(String::new())?;
        let mut answer = sender.send_request(request).await?;
        let mut words = Vec::new();
        while let Some(frame) =
            std::future::poll_fn(|context| Pin::new(answer.body_mut()).poll_frame(context)).await
        {
            words.extend(frame?.into_data().unwrap_or_default().iter().take(WORDS_BYTES - words.len()));
        }
        line.abort();
        anyhow::Ok((answer.status(), String::from_utf8_lossy(&words).trim().to_owned()))
    };
    let (status, words) = tokio::time::timeout(PATIENCE, asked)
        .await
        .context("no answer in time")
        .and_then(|answer| answer)
        .with_context(|| format!("asking http://{at}/readyz failed"))?;
    anyhow::ensure!(status == StatusCode::OK, "{words}");
    Ok(words)
}

fn told(status: StatusCode, kind: &'static str, text: String) -> Response<String> {
    let mut answer = Response::new(text);
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}
