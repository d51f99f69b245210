//! Connections before they speak gRPC: accepts, limits how many there are, does the TLS handshake beside the accept loop, and hangs up on whoever
//! stays silent. Never here: requests.
//!
//! HTTP/2 keepalive begins after the client's preface only; so a connection that finished TLS and then says nothing would stay for ever. A
//! timer ends it.

use std::{
    collections::HashMap,
    future::Future as _,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::Sleep,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::{Connected, TcpConnectInfo};

pub const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// From accepted to the first bytes of HTTP/2.
pub const PREFACE_TIMEOUT: Duration = Duration::from_secs(10);
/// The client's preface (24 bytes) and the head of its SETTINGS frame (9 bytes).
const PREFACE_BYTES: usize = 33;

/// How many connections there may be, and how long each may stay silent.
#[derive(Clone, Copy)]
pub struct Room {
    pub total: u32,
    pub per_address: u32,
    pub handshake: Duration,
    pub preface: Duration,
}

#[derive(Default)]
struct Count {
    total: u32,
    by_address: HashMap<IpAddr, u32>,
}

/// One counted connection; counts itself out.
struct Place {
    counted: Arc<Mutex<Count>>,
    address: IpAddr,
}

impl Place {
    fn take(counted: &Arc<Mutex<Count>>, address: IpAddr, room: Room) -> Option<Self> {
        let mut count = counted.lock().unwrap_or_else(PoisonError::into_inner);
        let here = count.by_address.get(&address).copied().unwrap_or(0);
        if count.total >= room.total || here >= room.per_address {
            return None;
        }
        count.total += 1;
        count.by_address.insert(address, here + 1);
        Some(Self { counted: Arc::clone(counted), address })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut count = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        count.total = count.total.saturating_sub(1);
        if let Some(here) = count.by_address.get_mut(&self.address) {
            *here = here.saturating_sub(1);
            if *here == 0 {
                count.by_address.remove(&self.address);
            }
        }
    }
}

/// Accepts until the receiver is dropped. `cut` closes every connection at once.
pub fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    room: Room,
    cut: CancellationToken,
) -> mpsc::Receiver<io::Result<Connection>> {
    let (ready, incoming) = mpsc::channel(64);
    let counted = Arc::new(Mutex::new(Count::default()));
    tokio::spawn(async move {
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                () = ready.closed() => return,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: others must close first.
                    tracing::warn!(%error, "accepting a connection failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            let Some(place) = Place::take(&counted, peer.ip().to_canonical(), room) else { continue };
            let (tls, ready, cut) = (tls.clone(), ready.clone(), cut.clone());
            tokio::spawn(async move {
                if let Some(connection) = greet(stream, peer, tls, place, room, cut).await {
                    // Fails only where the server has stopped listening.
                    let _stopped = ready.send(Ok(connection)).await;
                }
            });
        }
    });
    incoming
}

async fn greet(
    stream: TcpStream,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    place: Place,
    room: Room,
    cut: CancellationToken,
) -> Option<Connection> {
    stream.set_nodelay(true).ok()?;
    let io = match tls {
        None => Io::Plain(stream),
        Some(tls) => {
            let handshake = tokio::time::timeout(room.handshake, tls.accept(stream)).await;
            Io::Tls(Box::new(handshake.ok()?.ok()?))
        }
    };
    Some(Connection {
        io,
        peer,
        silent: Some(Box::pin(tokio::time::sleep(room.preface))),
        received: 0,
        cut: Box::pin(cut.cancelled_owned()),
        _place: place,
    })
}

enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

pub struct Connection {
    io: Io,
    peer: SocketAddr,
    /// Runs until the preface was received.
    silent: Option<Pin<Box<Sleep>>>,
    received: usize,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    _place: Place,
}

impl Connected for Connection {
    type ConnectInfo = TcpConnectInfo;
    fn connect_info(&self) -> TcpConnectInfo {
        TcpConnectInfo { local_addr: None, remote_addr: Some(self.peer) }
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.cut.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        let before = buffer.filled().len();
        let read = match &mut this.io {
            Io::Plain(io) => Pin::new(io).poll_read(context, buffer),
            Io::Tls(io) => Pin::new(io).poll_read(context, buffer),
        };
        if let Some(silent) = &mut this.silent {
            this.received += buffer.filled().len() - before;
            if this.received >= PREFACE_BYTES {
                this.silent = None;
            } else if silent.as_mut().poll(context).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_write(context, bytes),
            Io::Tls(io) => Pin::new(io).poll_write(context, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_flush(context),
            Io::Tls(io) => Pin::new(io).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_shutdown(context),
            Io::Tls(io) => Pin::new(io).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_write_vectored(context, slices),
            Io::Tls(io) => Pin::new(io).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.io {
            Io::Plain(io) => io.is_write_vectored(),
            Io::Tls(io) => io.is_write_vectored(),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};

    use super::*;

    async fn hung_up(mut stream: TcpStream) {
        let mut buffer = [0; 1024];
        while !matches!(stream.read(&mut buffer).await, Ok(0) | Err(_)) {}
    }

    /// A tonic server without services behind this door.
    async fn door(tls: bool) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let soon = Duration::from_millis(150);
        let room = Room { total: 100, per_address: 100, handshake: soon, preface: soon };
        let folder = tempfile::tempdir().unwrap();
        crate::tls::make(folder.path(), "x", None).unwrap();
        let acceptor = tls.then(|| {
            TlsAcceptor::from(crate::tls::Identity::load(folder.path()).unwrap().server_config().unwrap())
        });
        let incoming = ReceiverStream::new(accept(listener, acceptor, room, CancellationToken::new()));
        let (_, health) = tonic_health::server::health_reporter();
        let server = tonic::transport::Server::builder().add_service(health);
        tokio::spawn(server.serve_with_incoming(incoming.map(|io| io)));
        address
    }

    #[tokio::test]
    async fn whoever_stays_silent_is_hung_up_on() {
        let limit = Duration::from_secs(3);
        let silent = TcpStream::connect(door(true).await).await.unwrap();
        tokio::time::timeout(limit, hung_up(silent)).await.expect("silent before TLS");

        let plain = door(false).await;
        let silent = TcpStream::connect(plain).await.unwrap();
        tokio::time::timeout(limit, hung_up(silent)).await.expect("silent before HTTP/2");
        let mut half = TcpStream::connect(plain).await.unwrap();
        half.write_all(b"PRI * HTTP/2.0\r\n").await.unwrap();
        tokio::time::timeout(limit, hung_up(half)).await.expect("silent inside the preface");
    }

    #[tokio::test]
    async fn whoever_spoke_may_be_silent() {
        let mut stream = TcpStream::connect(door(false).await).await.unwrap();
        stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
        let silent = tokio::time::timeout(Duration::from_millis(600), hung_up(stream)).await;
        assert!(silent.is_err(), "still there; from here on HTTP/2 keepalive watches");
    }
}
