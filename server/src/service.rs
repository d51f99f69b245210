//! What systemd is told of this process, by its own small protocol: a word in a datagram to a socket that it names. Without one nothing is told. Never here: what the
//! words stand for.

use std::{ffi::OsString, io, os::unix::net::UnixDatagram};

/// The server answers.
pub const READY: &str = "READY=1";
/// It was asked to stop.
pub const STOPPING: &str = "STOPPING=1";

/// Where systemd listens, if it does.
const SOCKET: &str = "NOTIFY_SOCKET";

/// Says a word. Where it cannot be said the start goes on: systemd tells by itself that nobody was heard.
pub fn say(word: &str) {
    let Some(socket) = std::env::var_os(SOCKET) else { return };
    if let Err(error) = send(&socket, word) {
        tracing::warn!(%error, "systemd could not be told");
    }
}

fn send(socket: &OsString, word: &str) -> io::Result<()> {
    let from = UnixDatagram::unbound()?;
    #[cfg(target_os = "linux")]
    if let Some(name) = socket.to_str().and_then(|socket| socket.strip_prefix('@')) {
        use std::os::linux::net::SocketAddrExt as _;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
        from.send_to_addr(word.as_bytes(), &address)?;
        return Ok(());
    }
    from.send_to(word.as_bytes(), socket)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_arrives_where_it_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let heard = UnixDatagram::bind(&path).unwrap();
        send(&path.clone().into_os_string(), READY).unwrap();
        let mut bytes = [0; 64];
        let length = heard.recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..length], READY.as_bytes());
        assert!(send(&folder.path().join("nobody").into_os_string(), READY).is_err());
    }
}
