//! Receivers that the tests of news speak to: a web server and a mail server, each on a port of this machine, each doing what it is told. Both write
//! down everything that they hear. Never here: anything of the server under test.
#![allow(dead_code, clippy::unwrap_used)] // Each test file uses its part of this.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

/// Longer than anything here takes, so that only what never happens runs into it.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// Long enough for something that must not happen to happen.
pub const A_WHILE: Duration = Duration::from_millis(250);

pub async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// RFC 2104 over SHA-256, written out: independent of what the server computes with.
pub fn hmac_sha256_hex(key: &[u8], message: &[u8]) -> String {
    let mut block = [0_u8; 64];
    if key.len() > 64 {
        block[..32].copy_from_slice(&Sha256::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let pad = |with: u8| block.map(|byte| byte ^ with);
    let inner = Sha256::digest([&pad(0x36)[..], message].concat());
    hex::encode(Sha256::digest([&pad(0x5c)[..], &inner[..]].concat()))
}

/// What the web server does with a request.
#[derive(Clone, Debug)]
pub enum Answer {
    Status(u16),
    Redirect(String),
    /// Reads, and never says anything.
    Hang,
    /// Says something that is no HTTP, without an end.
    Garbage,
    /// Closes the connection.
    Close,
}

#[derive(Clone, Debug)]
pub struct Heard {
    pub head: String,
    pub body: String,
}

impl Heard {
    pub fn header(&self, name: &str) -> &str {
        let line = self.head.lines().find(|line| line.to_lowercase().starts_with(&format!("{name}:")));
        line.and_then(|line| line.split_once(':'))
            .unwrap_or_else(|| panic!("no {name}: {}", self.head))
            .1
            .trim()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap().to_owned()
    }

    /// As a receiver would: recompute and compare.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let signature = self.header("deadwax-signature");
        let (at, tag) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
        tag == hmac_sha256_hex(secret.as_bytes(), format!("{at}.{}", self.body).as_bytes())
    }
}

#[derive(Clone)]
pub struct WebSink {
    pub address: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
    connections: Arc<Mutex<usize>>,
    script: Arc<Mutex<VecDeque<Answer>>>,
    usual: Arc<Mutex<Answer>>,
}

impl WebSink {
    pub async fn open() -> Self {
        Self::open_with(None).await
    }

    /// `tls`: the certificate that it shows.
    pub async fn open_with(tls: Option<tokio_rustls::TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sink = Self {
            address: listener.local_addr().unwrap(),
            heard: Arc::default(),
            connections: Arc::default(),
            script: Arc::default(),
            usual: Arc::new(Mutex::new(Answer::Status(204))),
        };
        let it = sink.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                *it.connections.lock().unwrap() += 1;
                let (it, tls) = (it.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                it.serve(stream).await;
                            }
                        }
                        None => it.serve(stream).await,
                    }
                });
            }
        });
        sink
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook?token=a", self.address)
    }

    /// The answers to come; after them the usual one.
    pub fn then(&self, answers: impl IntoIterator<Item = Answer>) {
        self.script.lock().unwrap().extend(answers);
    }

    pub fn usually(&self, answer: Answer) {
        *self.usual.lock().unwrap() = answer;
    }

    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    pub fn codes(&self) -> Vec<String> {
        self.heard().iter().map(Heard::code).collect()
    }

    pub async fn until_heard(&self, count: usize) -> Vec<Heard> {
        let what = format!("{count} deliveries");
        until(&what, || Some(self.heard()).filter(|heard| heard.len() >= count)).await
    }

    async fn serve(&self, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let mut stream = BufReader::new(stream);
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            if let Some(bytes) = line.to_lowercase().strip_prefix("content-length:") {
                length = bytes.trim().parse().unwrap();
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await.unwrap();
        self.heard.lock().unwrap().push(Heard { head, body: String::from_utf8(body).unwrap() });
        let answer = self.script.lock().unwrap().pop_front().unwrap_or(self.usual.lock().unwrap().clone());
        let said = match answer {
            Answer::Status(status) => format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\n\r\n"),
            Answer::Redirect(to) => format!("HTTP/1.1 307 x\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"),
            Answer::Close => return,
            Answer::Hang => return std::future::pending().await,
            Answer::Garbage => {
                while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
                return;
            }
        };
        let _gone = stream.write_all(said.as_bytes()).await;
        let _gone = stream.shutdown().await;
    }
}

/// A mail that arrived.
#[derive(Clone, Debug)]
pub struct Mail {
    pub from: String,
    pub to: Vec<String>,
    pub text: String,
}

impl Mail {
    pub fn header(&self, name: &str) -> String {
        let head = self.text.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ");
        let line =
            head.lines().find(|line| line.to_lowercase().starts_with(&format!("{}:", name.to_lowercase())));
        line.and_then(|line| line.split_once(':'))
            .unwrap_or_else(|| panic!("no {name}: {head}"))
            .1
            .trim()
            .to_owned()
    }

    /// Quoted-printable undone, where it is used.
    pub fn body(&self) -> String {
        let (head, body) = self.text.split_once("\r\n\r\n").unwrap();
        if !head.to_lowercase().contains("quoted-printable") {
            return body.to_owned();
        }
        let joined = body.replace("=\r\n", "");
        let mut bytes = Vec::new();
        let mut rest = joined.as_bytes();
        while let Some((first, tail)) = rest.split_first() {
            match (first, tail) {
                (b'=', [high, low, tail @ ..]) => {
                    bytes.extend(hex::decode([*high, *low]).unwrap());
                    rest = tail;
                }
                _ => {
                    bytes.push(*first);
                    rest = tail;
                }
            }
        }
        String::from_utf8(bytes).unwrap()
    }
}

/// How the mail server behaves.
#[derive(Clone, Debug, Default)]
pub struct Manner {
    /// What it says to who is to get the mail.
    pub rcpt: Option<&'static str>,
    /// Offers to sign in, and answers with this.
    pub auth: Option<&'static str>,
    /// Accepts connections and says nothing.
    pub silent: bool,
}

#[derive(Clone)]
pub struct MailSink {
    pub address: SocketAddr,
    mails: Arc<Mutex<Vec<Mail>>>,
    lines: Arc<Mutex<Vec<String>>>,
    manner: Arc<Mutex<Manner>>,
}

impl MailSink {
    pub async fn open() -> Self {
        Self::open_at("127.0.0.1:0".parse().unwrap()).await
    }

    pub async fn open_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let sink = Self {
            address: listener.local_addr().unwrap(),
            mails: Arc::default(),
            lines: Arc::default(),
            manner: Arc::default(),
        };
        let it = sink.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let it = it.clone();
                tokio::spawn(async move {
                    let _ended = it.serve(stream).await;
                });
            }
        });
        sink
    }

    pub fn behaves(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    pub fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    /// Every line that it was told, the mails' own aside.
    pub fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    pub async fn until_mails(&self, count: usize) -> Vec<Mail> {
        let what = format!("{count} mails");
        until(&what, || Some(self.mails()).filter(|mails| mails.len() >= count)).await
    }

    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        let manner = self.manner.lock().unwrap().clone();
        if manner.silent {
            return std::future::pending().await;
        }
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 sink ESMTP\r\n").await?;
        let mut mail = Mail { from: String::new(), to: Vec::new(), text: String::new() };
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_owned();
            self.lines.lock().unwrap().push(line.clone());
            let word = line.split(' ').next().unwrap_or_default().to_uppercase();
            let said = match word.as_str() {
                "EHLO" if manner.auth.is_some() => "250-sink\r\n250 AUTH PLAIN LOGIN".to_owned(),
                "EHLO" => "250 sink".to_owned(),
                "AUTH" => manner.auth.unwrap_or("503 no").to_owned(),
                "MAIL" => {
                    mail.from = line;
                    "250 ok".to_owned()
                }
                "RCPT" => {
                    mail.to.push(line);
                    manner.rcpt.unwrap_or("250 ok").to_owned()
                }
                "DATA" => {
                    stream.write_all(b"354 go on\r\n").await?;
                    loop {
                        let mut line = String::new();
                        if stream.read_line(&mut line).await? == 0 {
                            return Ok(());
                        }
                        if line == ".\r\n" {
                            break;
                        }
                        mail.text.push_str(line.strip_prefix('.').unwrap_or(&line));
                    }
                    self.mails.lock().unwrap().push(mail.clone());
                    "250 taken".to_owned()
                }
                "QUIT" => "221 bye".to_owned(),
                _ => "250 ok".to_owned(),
            };
            stream.write_all(format!("{said}\r\n").as_bytes()).await?;
        }
    }
}
