//! The way to a server: TLS to whom the profile trusts, the token on every call, limits, timeouts, retries, and answers scrubbed as they are decoded.
//! Never here: screens, printing, rules. Errors are `NetError`, whose `reason` and `hint` go straight to a person.

mod again;
mod audit;
mod call;
mod clean;
mod cover;
mod error;
mod follow;
mod link;
mod listen;
mod package;
mod people;
mod presence;
mod receipt;
mod record;
mod retry;
mod review;
mod shared;
mod tls;
mod transfer;
mod trust;

use std::{sync::Arc, time::Duration};

use deadwax_proto::v1::{
    mastering_client::MasteringClient, media_client::MediaClient, projects_client::ProjectsClient,
    sessions_client::SessionsClient,
};
use hyper_util::rt::TokioIo;
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::{Interceptor, interceptor::InterceptedService},
    transport::{Channel, Endpoint, Uri},
};
use zeroize::Zeroizing;

pub use self::{
    call::new_id,
    clean::Clean,
    error::NetError,
    follow::{Followed, follow, follow_desk},
    link::{DEFAULT_PORT, Fingerprint, Link},
    listen::{Incoming, Stretch},
    presence::attend,
    record::follow_record,
    retry::Backoff,
    tls::look,
    transfer::{Local, digest_of},
};
use self::{tls::ConnectError, trust::Trust};
use crate::profile::Profile;

/// TCP, TLS and HTTP/2 settings together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// One question and its answer. Streams and uploads have none: there the keepalive notices a dead line.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(30);
const PING_EVERY: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(10);
/// A snapshot of a large project is the largest answer; a row is a few hundred bytes.
const ANSWER_BYTES_MAX: usize = 32 << 20;
const QUESTION_BYTES_MAX: usize = 4 << 20;

/// The channel with the token on every call.
pub type Wire = InterceptedService<Channel, Bearer>;

/// Puts the token into the metadata. Not `Debug`: it holds the token.
#[derive(Clone)]
pub struct Bearer(Option<MetadataValue<Ascii>>);

impl Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

/// One server as one person. Cheap to clone; clones share the connection, which is made again by itself at the next call after a cut.
#[derive(Clone)]
pub struct Client {
    url: String,
    profile: String,
    wire: Wire,
    /// The key of this machine, as the profile keeps it.
    machine: Option<Arc<Zeroizing<String>>>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Client {
    /// Connects now and tells at once when that fails. Without a pin or an authority in the profile only plain loopback is possible.
    ///
    /// # Errors
    /// `PinDiffers` is a hard stop: nothing was sent. `Unreachable` may be tried again.
    pub async fn connect(profile: &Profile) -> Result<Client, NetError> {
        let (endpoint, link, trust) = Client::prepare(profile)?;
        let url = link.url();
        let connector = connector(link, trust);
        let channel = endpoint.connect_with_connector(connector).await.map_err(|e| {
            NetError::find(&url, &e).unwrap_or_else(|| NetError::Unreachable {
                url: url.clone(),
                what: crate::scrub::line(&e.to_string()),
            })
        })?;
        Client::over(channel, url, profile)
    }

    /// The same without connecting: the first call does, and fails in its place. For a client that starts while its server is down.
    /// Must run inside a tokio runtime.
    pub fn connect_lazy(profile: &Profile) -> Result<Client, NetError> {
        let (endpoint, link, trust) = Client::prepare(profile)?;
        let url = link.url();
        Client::over(endpoint.connect_with_connector_lazy(connector(link, trust)), url, profile)
    }

    fn prepare(profile: &Profile) -> Result<(Endpoint, Link, Option<Trust>), NetError> {
        let link: Link = profile.url.parse()?;
        let trust = link.tls.then(|| Trust::of(profile, &link)).transpose()?;
        // The connector does TLS itself, so tonic is told "http"; the origin is what the server reads.
        let origin = format!("{}://{}", if link.tls { "https" } else { "http" }, link.authority());
        let odd = |e: &dyn std::fmt::Display| NetError::Address(format!("{}: {e}", link.url()));
        let endpoint = Endpoint::from_shared(format!("http://{}", link.authority()))
            .map_err(|e| odd(&e))?
            .origin(origin.parse::<Uri>().map_err(|e| odd(&e))?)
            .user_agent(concat!("deadwax/", env!("CARGO_PKG_VERSION")))
            .map_err(|e| odd(&e))?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(true)
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(4 << 20);
        Ok((endpoint, link, trust))
    }

    fn over(channel: Channel, url: String, profile: &Profile) -> Result<Client, NetError> {
        let bearer = match &profile.token {
            None => None,
            Some(token) => {
                let mut value: MetadataValue<Ascii> = format!("Bearer {token}").parse().map_err(|_| {
                    NetError::Address("the token in the profile is damaged; sign in again".into())
                })?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        Ok(Client {
            url,
            profile: profile.name.clone(),
            wire: InterceptedService::new(channel, Bearer(bearer)),
            machine: profile.device.clone().map(|kept| Arc::new(Zeroizing::new(kept))),
        })
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The name of the profile that it speaks for.
    pub fn profile(&self) -> &str {
        &self.profile
    }

    /// The generated client: answers come unscrubbed. Prefer the methods of `Client`.
    pub fn sessions(&self) -> SessionsClient<Wire> {
        SessionsClient::new(self.wire.clone())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
            .max_encoding_message_size(QUESTION_BYTES_MAX)
    }

    /// The generated client: answers come unscrubbed. Prefer the methods of `Client`.
    pub fn projects(&self) -> ProjectsClient<Wire> {
        ProjectsClient::new(self.wire.clone())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
            .max_encoding_message_size(QUESTION_BYTES_MAX)
    }

    /// The generated client: answers come unscrubbed. Prefer the methods of `Client`.
    pub fn media(&self) -> MediaClient<Wire> {
        MediaClient::new(self.wire.clone())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
            .max_encoding_message_size(QUESTION_BYTES_MAX)
    }

    /// The generated client: answers come unscrubbed. Prefer the methods of `Client`.
    pub fn mastering(&self) -> MasteringClient<Wire> {
        MasteringClient::new(self.wire.clone())
            .max_decoding_message_size(ANSWER_BYTES_MAX)
            .max_encoding_message_size(QUESTION_BYTES_MAX)
    }
}

/// Makes a connection whenever tonic asks for one: at first, and again after each cut. The trust holds for each of them; without one the line is plain.
fn connector(
    link: Link,
    trust: Option<Trust>,
) -> impl tower::Service<
    Uri,
    Response = TokioIo<Stream>,
    Error = ConnectError,
    Future = impl Future<Output = Result<TokioIo<Stream>, ConnectError>> + Send,
> + Clone
+ Send
+ 'static {
    tower::service_fn(move |_: Uri| {
        let (link, trust) = (link.clone(), trust.clone());
        async move {
            let open = async {
                match &trust {
                    Some(trust) => Ok(Stream::Tls(Box::new(tls::connect(&link, trust).await?))),
                    None => Ok(Stream::Plain(tls::dial(&link).await?)),
                }
            };
            let stream =
                tokio::time::timeout(CONNECT_TIMEOUT, open).await.unwrap_or(Err(ConnectError::Slow))?;
            Ok(TokioIo::new(stream))
        }
    })
}

/// Either kind of line, as one type for tonic.
enum Stream {
    Plain(tokio::net::TcpStream),
    Tls(Box<tokio_rustls::client::TlsStream<tokio::net::TcpStream>>),
}

mod stream {
    //! The two kinds of line forwarded; nothing else.
    use super::Stream;
    use std::{
        io,
        pin::Pin,
        task::{Context, Poll},
    };
    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    impl AsyncRead for Stream {
        fn poll_read(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buf: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            match self.get_mut() {
                Stream::Plain(s) => Pin::new(s).poll_read(cx, buf),
                Stream::Tls(s) => Pin::new(s.as_mut()).poll_read(cx, buf),
            }
        }
    }

    impl AsyncWrite for Stream {
        fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            match self.get_mut() {
                Stream::Plain(s) => Pin::new(s).poll_write(cx, buf),
                Stream::Tls(s) => Pin::new(s.as_mut()).poll_write(cx, buf),
            }
        }
        fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            match self.get_mut() {
                Stream::Plain(s) => Pin::new(s).poll_flush(cx),
                Stream::Tls(s) => Pin::new(s.as_mut()).poll_flush(cx),
            }
        }
        fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            match self.get_mut() {
                Stream::Plain(s) => Pin::new(s).poll_shutdown(cx),
                Stream::Tls(s) => Pin::new(s.as_mut()).poll_shutdown(cx),
            }
        }
    }
}
