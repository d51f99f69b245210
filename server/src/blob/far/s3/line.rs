//! The line to an object store: HTTP/1.1 over the TLS that is here, the authorities of the settings, limits of time. Never here: what is asked, and when it is
//! asked again.

use std::{
    fmt, io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{Method, Uri};
use http_body_util::BodyExt as _;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::{
    client::legacy::{
        Client, Error as ClientError,
        connect::{Connected, Connection},
    },
    rt::{TokioExecutor, TokioIo, TokioTimer},
};
use object_store::{
    ClientOptions,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody, HttpResponse,
        HttpResponseBody, HttpService,
    },
};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tower::util::BoxCloneSyncService;

/// Name look-up, TCP and TLS.
const CONNECT: Duration = Duration::from_secs(10);
/// From the request to the first line of the answer, where something is only read.
const READ: Duration = Duration::from_secs(12);
/// Where something is written, and more by the length of what is sent: a store may copy or put parts together first.
const ANSWER: Duration = Duration::from_secs(30);
const SLOWEST_BYTES_PER_S: u64 = 256 << 10;
/// A connection that nobody uses is closed.
const IDLE: Duration = Duration::from_secs(20);

type Dial = BoxCloneSyncService<Uri, Wire, io::Error>;

/// Connections to one object store.
#[derive(Clone)]
pub(super) struct Line {
    client: Client<Dial, HttpRequestBody>,
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

impl Line {
    pub(super) fn new(tls: Arc<rustls::ClientConfig>) -> Self {
        let tls = TlsConnector::from(tls);
        let dial = tower::service_fn(move |uri: Uri| {
            let tls = tls.clone();
            async move {
                tokio::time::timeout(CONNECT, dial(tls, uri))
                    .await
                    .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no connection in time")))
            }
        });
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(BoxCloneSyncService::new(dial));
        Self { client }
    }
}

async fn dial(tls: TlsConnector, uri: Uri) -> io::Result<Wire> {
    let encrypted = uri.scheme_str() == Some("https");
    let no_host = || io::Error::new(io::ErrorKind::InvalidInput, "the address names no host");
    let host = uri.host().ok_or_else(no_host)?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let port = uri.port_u16().unwrap_or(if encrypted { 443 } else { 80 });
    let stream = TcpStream::connect((bare, port)).await?;
    stream.set_nodelay(true)?;
    if !encrypted {
        return Ok(Wire(TokioIo::new(Box::pin(stream))));
    }
    let name = ServerName::try_from(bare.to_owned()).map_err(|_| no_host())?;
    Ok(Wire(TokioIo::new(Box::pin(tls.connect(name, stream).await?))))
}

#[tonic::async_trait]
impl HttpService for Line {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let sent = request.body().content_length() as u64;
        let patience = match *request.method() {
            Method::GET | Method::HEAD => READ,
            _ => ANSWER + Duration::from_secs(sent / SLOWEST_BYTES_PER_S),
        };
        let answer = tokio::time::timeout(patience, self.client.request(request)).await;
        let answer = answer
            .map_err(|_| {
                let slow = io::Error::new(io::ErrorKind::TimedOut, "no answer in time");
                HttpError::new(HttpErrorKind::Timeout, slow)
            })?
            .map_err(|error: ClientError| {
                let kind =
                    if error.is_connect() { HttpErrorKind::Connect } else { HttpErrorKind::Interrupted };
                HttpError::new(kind, error)
            })?;
        let (parts, body) = answer.into_parts();
        let body = body.map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error));
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(body)))
    }
}

impl HttpConnector for Line {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.clone()))
    }
}

trait Stream: AsyncRead + AsyncWrite + Send {}
impl<S: AsyncRead + AsyncWrite + Send> Stream for S {}

/// With TLS or, on this machine alone, without.
struct Wire(TokioIo<Pin<Box<dyn Stream>>>);

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl Write for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
