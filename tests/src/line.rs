//! A line between a client and a server that can be cut and mended: bytes are passed on over loopback, unread. Never here: what they mean.

use std::{
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use anyhow::Result;

/// Both ends of every connection that goes through.
#[derive(Default)]
struct Wires {
    cut: bool,
    open: Vec<TcpStream>,
}

pub struct Line {
    pub address: SocketAddr,
    wires: Arc<Mutex<Wires>>,
}

impl Line {
    pub fn to(server: &str) -> Result<Line> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (wires, server) = (Arc::<Mutex<Wires>>::default(), server.to_owned());
        let shared = Arc::clone(&wires);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let mut wires = shared.lock().unwrap_or_else(PoisonError::into_inner);
                // A cut line takes the connection and drops it, as a dead router does at best.
                if wires.cut {
                    continue;
                }
                let Ok(far) = TcpStream::connect(&server) else { continue };
                for (from, into) in [(&near, &far), (&far, &near)] {
                    if let (Ok(from), Ok(into)) = (from.try_clone(), into.try_clone()) {
                        pass_on(from, into);
                    }
                }
                wires.open.extend([near, far]);
            }
        });
        Ok(Line { address, wires })
    }

    /// Whatever goes through ends at once, and nothing new goes through.
    pub fn cut(&self) {
        let mut wires = self.wires.lock().unwrap_or_else(PoisonError::into_inner);
        wires.cut = true;
        for wire in wires.open.drain(..) {
            // It may have ended by itself.
            drop(wire.shutdown(Shutdown::Both));
        }
    }

    pub fn mend(&self) {
        self.wires.lock().unwrap_or_else(PoisonError::into_inner).cut = false;
    }
}

fn pass_on(mut from: TcpStream, mut into: TcpStream) {
    thread::spawn(move || {
        // An error is an end like any other here.
        drop(std::io::copy(&mut from, &mut into));
        drop(into.shutdown(Shutdown::Both));
    });
}
