//! A line between a server and what it stands on, which can be cut without a word, as between two machines: whoever speaks into it hears nothing, not even that it is
//! cut. Never here: what lies at its ends.

use std::net::SocketAddr;

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

pub struct Line {
    pub front: SocketAddr,
    is_cut: watch::Sender<bool>,
}

impl Line {
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let front = listener.local_addr().unwrap();
        let (is_cut, cut) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(carry(near, port, cut.clone()));
            }
        });
        Self { front, is_cut }
    }

    pub fn cut(&self) {
        self.is_cut.send_replace(true);
    }

    /// Lines that were open when it was cut are gone; new ones carry.
    pub fn mend(&self) {
        self.is_cut.send_replace(false);
    }
}

async fn carry(mut near: TcpStream, port: u16, mut cut: watch::Receiver<bool>) {
    if !*cut.borrow_and_update() {
        let Ok(mut far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
        tokio::select! {
            _ended = copy_bidirectional(&mut near, &mut far) => return,
            _cut = cut.wait_for(|is_cut| *is_cut) => {}
        }
    }
    // Held open, and silent.
    let _mended = cut.wait_for(|is_cut| !*is_cut).await;
}
