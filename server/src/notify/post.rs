//! One delivery to one webhook: resolves the name itself, connects only to an address that may be called, and to exactly that one, so that no
//! second look-up can lead elsewhere. Follows no redirect and reads nothing but the status. Never here: what is told, and when again.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use futures::{FutureExt as _, future::BoxFuture};
use http::{Request, StatusCode, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::address::{self, Bounds, permitted, reach};

/// Name look-up, TCP, TLS and the answer's first lines, all together.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// Addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;
const ANSWER_HEAD_BYTES: usize = 16 << 10;

/// Looks up names. The system's; a test has its own.
pub trait Resolve: Send + Sync + 'static {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>>;
}

pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, host: &'a str, port: u16) -> BoxFuture<'a, io::Result<Vec<SocketAddr>>> {
        async move { Ok(tokio::net::lookup_host((host, port)).await?.collect()) }.boxed()
    }
}

/// What is sent.
pub struct Delivery {
    pub id: String,
    pub signature: String,
    pub body: String,
}

/// Why a delivery did not arrive. Holds nothing that the receiver said beyond its status, and no part of the address: both may hold secrets.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    #[error("the studio's key for webhooks cannot be used")]
    Unsigned,
    #[error("the address may not be called")]
    Address,
    #[error("the name leads to addresses that may not be called only")]
    NotPublic,
    #[error("the name could not be looked up: {0}")]
    Name(io::ErrorKind),
    #[error("no connection: {0}")]
    Connect(io::ErrorKind),
    #[error("no encrypted connection: {0}")]
    Tls(io::ErrorKind),
    #[error("no answer in HTTP")]
    Http,
    #[error("no answer in time")]
    TooSlow,
    #[error("the receiver answered {0}")]
    Answer(StatusCode),
}

impl PostError {
    /// The receiver read this delivery and will never take it: the next one may fare better.
    pub fn is_final(&self) -> bool {
        const FINAL: [StatusCode; 3] =
            [StatusCode::BAD_REQUEST, StatusCode::PAYLOAD_TOO_LARGE, StatusCode::UNPROCESSABLE_ENTITY];
        matches!(self, Self::Answer(status) if FINAL.contains(status))
    }
}

#[derive(Clone)]
pub struct Poster {
    pub bounds: Bounds,
    pub timeout: Duration,
    resolver: Arc<dyn Resolve>,
    tls: TlsConnector,
}

impl Poster {
    /// `roots`: authorities trusted beside the public ones, in PEM.
    pub fn new(bounds: Bounds, roots: Option<&Path>, resolver: Arc<dyn Resolve>) -> anyhow::Result<Self> {
        let mut trusted = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for certificate in roots.map(read_roots).transpose()?.unwrap_or_default() {
            trusted.add(certificate).context("a certificate of `webhooks.roots` is no authority")?;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .context("TLS is not there")?
            .with_root_certificates(trusted)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { bounds, timeout: TIMEOUT, resolver, tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Returns when the receiver said that it has the delivery.
    pub async fn post(&self, url: &str, delivery: &Delivery) -> Result<(), PostError> {
        tokio::time::timeout(self.timeout, self.try_post(url, delivery))
            .await
            .unwrap_or(Err(PostError::TooSlow))
    }

    async fn try_post(&self, url: &str, delivery: &Delivery) -> Result<(), PostError> {
        // Asked again: the operator may have changed their mind since it was set.
        let url = address::check(url, &self.bounds).map_err(|_| PostError::Address)?;
        let stream = self.connect(&url).await?;
        let status = if url.scheme() == "https" {
            let name = match url.host().ok_or(PostError::Address)? {
                Host::Domain(name) => ServerName::try_from(name.trim_end_matches('.').to_owned())
                    .map_err(|_| PostError::Address)?,
                Host::Ipv4(ip) => ServerName::IpAddress(IpAddr::from(ip).into()),
                Host::Ipv6(ip) => ServerName::IpAddress(IpAddr::from(ip).into()),
            };
            let stream =
                self.tls.connect(name, stream).await.map_err(|error| PostError::Tls(error.kind()))?;
            exchange(stream, request(&url, delivery)?).await?
        } else {
            exchange(stream, request(&url, delivery)?).await?
        };
        if status.is_success() { Ok(()) } else { Err(PostError::Answer(status)) }
    }

    /// To the first address that answers, of those that may be called.
    async fn connect(&self, url: &Url) -> Result<TcpStream, PostError> {
        let port = url.port_or_known_default().ok_or(PostError::Address)?;
        let found = match url.host().ok_or(PostError::Address)? {
            Host::Ipv4(ip) => vec![SocketAddr::from((ip, port))],
            Host::Ipv6(ip) => vec![SocketAddr::from((ip, port))],
            Host::Domain(name) => {
                let found = self.resolver.resolve(name, port).await;
                found.map_err(|error| PostError::Name(error.kind()))?
            }
        };
        let may = found.into_iter().filter(|found| permitted(reach(found.ip()), self.bounds.allow_private));
        let mut last = PostError::NotPublic;
        for address in may.take(ADDRESSES_MAX) {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => last = PostError::Connect(error.kind()),
            }
        }
        Err(last)
    }
}

fn read_roots(path: &Path) -> anyhow::Result<Vec<CertificateDer<'static>>> {
    let roots = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let roots = roots.with_context(|| format!("reading `webhooks.roots` {} failed", path.display()))?;
    anyhow::ensure!(!roots.is_empty(), "`webhooks.roots` {} holds no certificate", path.display());
    Ok(roots)
}

fn request(url: &Url, delivery: &Delivery) -> Result<Request<String>, PostError> {
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    Request::post(target)
        .header(header::HOST, host)
        .header(header::USER_AGENT, concat!("deadwax-server/", env!("CARGO_PKG_VERSION")))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONNECTION, "close")
        .header("deadwax-delivery", &delivery.id)
        .header("deadwax-signature", &delivery.signature)
        .body(delivery.body.clone())
        .map_err(|_| PostError::Address)
}

/// One request, and the status of its answer; the rest of it stays unread.
async fn exchange<S>(stream: S, request: Request<String>) -> Result<StatusCode, PostError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(ANSWER_HEAD_BYTES)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| PostError::Http)?;
    let answered = sender.send_request(request);
    // Driven here and not by a task of its own: when this future ends, the connection does.
    tokio::pin!(connection, answered);
    let answer = tokio::select! {
        answer = &mut answered => answer,
        _ended = &mut connection => answered.await,
    };
    answer.map(|answer| answer.status()).map_err(|_| PostError::Http)
}
