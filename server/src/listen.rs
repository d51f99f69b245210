//! Connections before they speak gRPC: accepts, limits how many there are, does the TLS handshake beside the accept loop, and hangs up on whoever
//! stays silent, sends frames that ask for nothing, or has been here too long. Never here: requests.
//!
//! HTTP/2 keepalive begins after the client's preface only, and whoever answers pings and never calls would keep a place for nothing. One timer from the end
//! of the handshake to the first call that is let in ends both.
//!
//! tonic asks an old connection to leave, and with a grace set it cuts it without having asked; so it is given the age alone, and the cut is made here.

use std::{
    collections::HashMap,
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
    sync::{mpsc, watch},
    time::{Instant, Sleep},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::transport::server::Connected;

use crate::{
    door::{
        line::{Book, Line},
        meter::Meter,
        told::Told,
    },
    metrics::lines::{Ending, Lines, OpenLine, Verdict},
};

/// Where connections come from: the network of this machine, or a simulated one.
pub trait Source: Send + 'static {
    type Line: AsyncRead + AsyncWrite + Send + Unpin + 'static;

    fn address(&self) -> io::Result<SocketAddr>;
    fn accept(&mut self) -> impl Future<Output = io::Result<(Self::Line, SocketAddr)>> + Send;
}

impl Source for TcpListener {
    type Line = TcpStream;

    fn address(&self) -> io::Result<SocketAddr> {
        self.local_addr()
    }

    async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr)> {
        let (stream, peer) = TcpListener::accept(self).await?;
        // Refused only by a connection that is gone already; its first read will say so.
        let _ = stream.set_nodelay(true);
        Ok((stream, peer))
    }
}

/// How many connections there may be, how long each may stay, and stay silent, and what they are shown. Another room counts for those that come from then on;
/// its ages do not change.
#[derive(Clone)]
pub struct Room {
    /// `None`: they speak in the clear.
    pub tls: Option<TlsAcceptor>,
    pub figures: Lines,
    pub told: Arc<Told>,
    pub total: u32,
    pub per_address: u32,
    /// Of each person.
    pub book: Arc<Book>,
    pub handshake: Duration,
    /// From the end of the handshake to the first call that is let in.
    pub first_call: Duration,
    /// Connections get these ages in turn and are cut at their end, so that those which came together do not go together.
    pub ages: Vec<Duration>,
}

impl Room {
    fn send_away(&self, verdict: Verdict, address: IpAddr) {
        self.figures.came(verdict);
        self.told.sent_away(verdict, address.to_canonical());
    }
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
    fn take(counted: &Arc<Mutex<Count>>, address: IpAddr, room: &Room) -> Result<Self, Verdict> {
        let mut count = counted.lock().unwrap_or_else(PoisonError::into_inner);
        let here = count.by_address.get(&address).copied().unwrap_or(0);
        if count.total >= room.total {
            return Err(Verdict::full);
        }
        if here >= room.per_address {
            return Err(Verdict::address_full);
        }
        count.total += 1;
        count.by_address.insert(address, here + 1);
        Ok(Self { counted: Arc::clone(counted), address })
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

/// One for each age of the room.
pub type Incoming<L> = mpsc::Receiver<io::Result<Connection<L>>>;

/// Accepts until the receivers are dropped. `cut` closes every connection at once.
pub fn accept<S: Source>(
    mut source: S,
    rooms: watch::Receiver<Arc<Room>>,
    cut: CancellationToken,
) -> Vec<Incoming<S::Line>> {
    let ages = rooms.borrow().ages.clone();
    let (ready, incoming): (Vec<_>, Vec<_>) = ages.iter().map(|_| mpsc::channel(64)).unzip();
    let counted = Arc::new(Mutex::new(Count::default()));
    tokio::spawn(async move {
        let mut turns = ages.iter().zip(&ready).cycle();
        let Some(any) = ready.first() else { return };
        loop {
            let accepted = tokio::select! {
                accepted = source.accept() => accepted,
                () = any.closed() => return,
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
            let room = Arc::clone(&rooms.borrow());
            let place = match Place::take(&counted, peer.ip().to_canonical(), &room) {
                Ok(place) => place,
                Err(verdict) => {
                    room.send_away(verdict, peer.ip());
                    continue;
                }
            };
            let Some((age, ready)) = turns.next() else { return };
            let (ready, cut, age) = (ready.clone(), cut.child_token(), *age);
            tokio::spawn(async move {
                let line = Line::new(peer, Arc::clone(&room.book), cut.clone());
                let coming = Coming { stream, line, place, cut };
                if let Some(connection) = coming.greet(&room, age).await {
                    // Fails only where the server has stopped listening.
                    let _stopped = ready.send(Ok(connection)).await;
                }
            });
        }
    });
    incoming
}

/// Accepted, and not greeted yet.
struct Coming<L> {
    stream: L,
    line: Line,
    place: Place,
    cut: CancellationToken,
}

impl<L: AsyncRead + AsyncWrite + Unpin> Coming<L> {
    async fn greet(self, room: &Room, age: Duration) -> Option<Connection<L>> {
        let Self { stream, line, place, cut } = self;
        let io = match &room.tls {
            None => Io::Plain(stream),
            Some(tls) => match tokio::time::timeout(room.handshake, tls.accept(stream)).await {
                Ok(Ok(stream)) => Io::Tls(Box::new(stream)),
                Ok(Err(_)) | Err(_) => {
                    room.send_away(Verdict::no_handshake, line.peer().ip());
                    return None;
                }
            },
        };
        Some(Connection {
            io,
            line,
            silent: Some(Box::pin(tokio::time::sleep(room.first_call))),
            end: Box::pin(tokio::time::sleep(age)),
            meter: Meter::new(Instant::now().into_std()),
            cut: Box::pin(cut.cancelled_owned()),
            open: room.figures.enter(),
            _place: place,
        })
    }
}

enum Io<L> {
    Plain(L),
    Tls(Box<TlsStream<L>>),
}

pub struct Connection<L = TcpStream> {
    io: Io<L>,
    line: Line,
    /// Runs until a call was let in.
    silent: Option<Pin<Box<Sleep>>>,
    end: Pin<Box<Sleep>>,
    meter: Meter,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    open: OpenLine,
    _place: Place,
}

impl<L> Drop for Connection<L> {
    fn drop(&mut self) {
        self.line.leave();
    }
}

impl<L> Connected for Connection<L> {
    type ConnectInfo = Line;
    fn connect_info(&self) -> Line {
        self.line.clone()
    }
}

impl<L> Connection<L> {
    /// Why this connection is over, where it is.
    fn over(&mut self, context: &mut Context<'_>) -> Option<io::ErrorKind> {
        if self.cut.as_mut().poll(context).is_ready() || self.end.as_mut().poll(context).is_ready() {
            self.open.hang_up(Ending::cut);
            return Some(io::ErrorKind::ConnectionAborted);
        }
        if self.line.has_admitted() {
            self.silent = None;
        }
        let silent = self.silent.as_mut().is_some_and(|silent| silent.as_mut().poll(context).is_ready());
        if silent {
            self.open.hang_up(Ending::silent);
        }
        silent.then_some(io::ErrorKind::TimedOut)
    }

    fn wrote(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = written {
            self.meter.wrote(bytes);
            self.open.wrote(bytes);
        }
        written
    }
}

impl<L: AsyncRead + AsyncWrite + Unpin> AsyncRead for Connection<L> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Some(over) = this.over(context) {
            return Poll::Ready(Err(over.into()));
        }
        let before = buffer.filled().len();
        let read = match &mut this.io {
            Io::Plain(io) => Pin::new(io).poll_read(context, buffer),
            Io::Tls(io) => Pin::new(io).poll_read(context, buffer),
        };
        this.open.read(buffer.filled().len() - before);
        if this.meter.read(&buffer.filled()[before..], Instant::now().into_std()).is_err() {
            this.open.hang_up(Ending::flood);
            tracing::warn!(address = %this.line.peer().ip(), "hung up: a flood of frames that ask for nothing");
            return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
        }
        read
    }
}

impl<L: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Connection<L> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_write(context, bytes),
            Io::Tls(io) => Pin::new(io).poll_write(context, bytes),
        };
        self.wrote(written)
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
        let written = match &mut self.io {
            Io::Plain(io) => Pin::new(io).poll_write_vectored(context, slices),
            Io::Tls(io) => Pin::new(io).poll_write_vectored(context, slices),
        };
        self.wrote(written)
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
    use std::net::SocketAddr;

    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio_stream::wrappers::ReceiverStream;

    use super::*;
    use crate::door::{layer::DoorLayer, settings::Door};

    async fn hung_up(mut stream: TcpStream) {
        let mut buffer = [0; 1024];
        while !matches!(stream.read(&mut buffer).await, Ok(0) | Err(_)) {}
    }

    /// A tonic server behind this door, with the health service alone.
    async fn door(tls: bool, age: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let soon = Duration::from_millis(150);
        let (book, ages) = (Book::new(16), vec![age]);
        let folder = tempfile::tempdir().unwrap();
        crate::tls::make(folder.path(), "x", None).unwrap();
        let tls = tls.then(|| {
            TlsAcceptor::from(crate::tls::Identity::load(folder.path()).unwrap().server_config().unwrap())
        });
        let figures = Lines::default();
        let room = Room {
            tls,
            figures,
            told: Arc::default(),
            total: 100,
            per_address: 100,
            book,
            handshake: soon,
            first_call: soon,
            ages,
        };
        let (_, rooms) = watch::channel(Arc::new(room));
        let incoming = accept(listener, rooms, CancellationToken::new()).remove(0);
        let (_, health) = tonic_health::server::health_reporter();
        let mut server =
            tonic::transport::Server::builder().layer(DoorLayer::new(&Door::default(), Lines::default()));
        tokio::spawn(server.add_service(health).serve_with_incoming(ReceiverStream::new(incoming)));
        address
    }

    const HOUR: Duration = Duration::from_secs(3600);
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

    #[tokio::test]
    async fn whoever_never_calls_is_hung_up_on() {
        let limit = Duration::from_secs(3);
        let silent = TcpStream::connect(door(true, HOUR).await).await.unwrap();
        tokio::time::timeout(limit, hung_up(silent)).await.expect("silent before TLS");

        let plain = door(false, HOUR).await;
        let said: [(&str, &[u8]); 3] =
            [("nothing", b""), ("half a preface", b"PRI * HTTP/2.0\r\n"), ("a whole preface", PREFACE)];
        for (what, bytes) in said {
            let mut stream = TcpStream::connect(plain).await.unwrap();
            stream.write_all(bytes).await.unwrap();
            tokio::time::timeout(limit, hung_up(stream)).await.expect(what);
        }
    }

    #[tokio::test]
    async fn whoever_called_may_be_silent_until_they_are_old() {
        let call = async |address: SocketAddr| {
            let endpoint = tonic::transport::Endpoint::from_shared(format!("http://{address}")).unwrap();
            let mut client =
                tonic_health::pb::health_client::HealthClient::new(endpoint.connect().await.unwrap());
            let asked = tonic_health::pb::HealthCheckRequest { service: String::new() };
            client.watch(asked).await.unwrap().into_inner()
        };
        let mut young = call(door(false, HOUR).await).await;
        let mut old = call(door(false, Duration::from_millis(700)).await).await;
        assert!(young.message().await.is_ok() && old.message().await.is_ok());
        let (patience, limit) = (Duration::from_millis(500), Duration::from_secs(3));
        assert!(tokio::time::timeout(patience, young.message()).await.is_err(), "still there");
        let cut = tokio::time::timeout(limit, old.message()).await.expect("an old connection is cut");
        assert!(cut.is_err());
    }
}
