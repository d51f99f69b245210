//! Bad weather on the line to an S3 server. Never here: the server, and what is tested.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::store::conformance::Dice;

/// A connection that was used a few times is closed after this, so that the next one draws anew.
const IDLE: Duration = Duration::from_millis(30);

/// A line to the server on which every connection meets its fate by lot.
pub(super) struct Weather {
    port: u16,
    pub(super) met: Arc<AtomicU64>,
}

#[derive(Clone, Copy)]
enum Fate {
    Fair,
    /// Closed before anything was heard.
    Closed,
    /// 503, and nothing was done.
    Busy,
    /// What was asked is done, and the answer does not come.
    Lost,
    /// The answers end after so many bytes.
    Torn(u64),
    /// One bit of the answers is bent there.
    Bent(u64),
    Slow,
}

impl Weather {
    pub(super) async fn begin(server: u16) -> Self {
        let dice = Mutex::new(Dice(4711));
        Self::with(move || {
            let mut dice = dice.lock().unwrap();
            let fate = match dice.below(14) {
                0 => Fate::Closed,
                1 | 2 => Fate::Busy,
                3 | 4 => Fate::Lost,
                5 | 6 => Fate::Torn(200 + dice.below(200_000)),
                7 | 8 => Fate::Bent(400 + dice.below(100_000)),
                9 => Fate::Slow,
                _ => Fate::Fair,
            };
            (server, fate, "503 Slow Down")
        })
        .await
    }

    /// Says 403 to everything.
    pub(super) async fn forbids() -> Self {
        Self::with(|| (0, Fate::Busy, "403 Forbidden")).await
    }

    async fn with(draw: impl Fn() -> (u16, Fate, &'static str) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let met = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&met);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, fate, no) = draw();
                if !matches!(fate, Fate::Fair) {
                    counted.fetch_add(1, Ordering::Relaxed);
                }
                tokio::spawn(async move {
                    // However it ends: that is the weather.
                    let _ = pass(client, server, fate, no).await;
                });
            }
        });
        Self { port, met }
    }

    pub(super) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

async fn pass(mut client: TcpStream, server: u16, fate: Fate, no: &str) -> std::io::Result<()> {
    match fate {
        Fate::Closed => return Ok(()),
        Fate::Busy => {
            let mut asked = vec![0; 1 << 16];
            let _ = client.read(&mut asked).await?;
            let answer = format!("HTTP/1.1 {no}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            client.write_all(answer.as_bytes()).await?;
            return client.shutdown().await;
        }
        Fate::Slow => tokio::time::sleep(Duration::from_millis(300)).await,
        _ => {}
    }
    let server = TcpStream::connect(("127.0.0.1", server)).await?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let asking = async {
        tokio::io::copy(&mut from_client, &mut to_server).await?;
        to_server.shutdown().await
    };
    let answering = async {
        let (mut buffer, mut at, mut answers) = (vec![0; 1 << 16], 0u64, 0);
        let most = match fate {
            Fate::Torn(most) => most,
            Fate::Lost => 0,
            _ => u64::MAX,
        };
        loop {
            let read = from_server.read(&mut buffer);
            let read = match answers > 2 {
                true => tokio::time::timeout(IDLE, read).await.unwrap_or(Ok(0))?,
                false => read.await?,
            };
            if read == 0 {
                return to_client.shutdown().await;
            }
            answers += 1;
            let (Some(part), end) = (buffer.get_mut(..read), at + read as u64) else { return Ok(()) };
            if let Fate::Bent(place) = fate
                && (at..end).contains(&place)
            {
                part[(place - at) as usize] ^= 1;
            }
            if end > most {
                to_client.write_all(&part[..(most - at) as usize]).await?;
                return to_client.shutdown().await;
            }
            to_client.write_all(part).await?;
            at = end;
        }
    };
    tokio::select! {
        done = answering => done,
        done = asking => done,
    }
}
