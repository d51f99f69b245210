//! A line over TLS on which any bytes can be written, and what the server said on it. Never here: what is written.

use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};

use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf},
    net::{TcpSocket, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{
    frames::{self, ACK, GOAWAY, HEAD, HEADERS, PING, RESET},
    house::House,
};

/// What came from the server.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    pub answers: u32,
    /// How often, by code.
    pub resets: BTreeMap<u32, u32>,
    pub goaway: Option<u32>,
    /// Asked, and not answered.
    pub pings: Vec<Vec<u8>>,
    pub closed: bool,
}

pub struct Raw {
    writer: WriteHalf<TlsStream<TcpStream>>,
    seen: Arc<Mutex<Seen>>,
    reader: JoinHandle<()>,
}

impl Drop for Raw {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// The `n`th address of an attacker.
pub fn attacker(n: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(127, 0, 1, n))
}

pub async fn tcp(to: SocketAddr, from: IpAddr) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    let stream = socket.connect(to).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

pub async fn tls(house: &House, from: IpAddr) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(house.certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = tcp(house.address, from).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

impl Raw {
    /// TLS, the preface and empty settings. Pings of the server stay unanswered.
    pub async fn open(house: &House, from: IpAddr) -> io::Result<Self> {
        let (reader, writer) = tokio::io::split(tls(house, from).await?);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let reader = tokio::spawn({
            let seen = Arc::clone(&seen);
            async move {
                let _hung_up = read(reader, &seen).await;
                seen.lock().unwrap().closed = true;
            }
        });
        let mut raw = Self { writer, seen, reader };
        let acknowledged = frames::frame(frames::SETTINGS, ACK, 0, &[]);
        raw.send(&[frames::PREFACE, &frames::settings(), &acknowledged].concat()).await?;
        Ok(raw)
    }

    pub async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        // A server that does not read any more has not hung up yet.
        let written = async {
            self.writer.write_all(bytes).await?;
            self.writer.flush().await
        };
        tokio::time::timeout(Duration::from_secs(20), written).await.unwrap_or(Ok(()))
    }

    pub fn seen(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// Whether the server hangs up within this time.
    pub async fn hung_up(&self, within: Duration) -> bool {
        let begun = tokio::time::Instant::now();
        while begun.elapsed() < within {
            if self.seen().closed {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.seen().closed
    }
}

async fn read(mut from: ReadHalf<TlsStream<TcpStream>>, seen: &Mutex<Seen>) -> io::Result<()> {
    let mut head = [0; HEAD];
    loop {
        from.read_exact(&mut head).await?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        from.read_exact(&mut payload).await?;
        let word = |at: usize| payload.get(at..at + 4).map(|it| u32::from_be_bytes(it.try_into().unwrap()));
        let mut seen = seen.lock().unwrap();
        match head[3] {
            HEADERS => seen.answers += 1,
            RESET => *seen.resets.entry(word(0).unwrap_or_default()).or_default() += 1,
            GOAWAY => seen.goaway = word(4),
            PING if head[4] & ACK == 0 => seen.pings.push(payload),
            _ => {}
        }
    }
}
