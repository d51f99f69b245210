//! `[door]` of the settings: what one connection, one address and one person may ask for at the door. The defaults are safe on a public address. Never here:
//! how a limit is kept.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Door {
    /// Calls and streams that one connection has open at the same time.
    pub streams_per_connection: u32,
    /// Connections that one person has open at the same time, on all devices together.
    pub connections_per_person: u32,
    /// From the TCP connection to the end of the TLS handshake.
    pub handshake_s: u32,
    /// From the end of the handshake to the first call that is let in.
    pub first_call_s: u32,
    /// A quiet connection is asked for a sign of life so often, and hung up on where none comes within `keepalive_timeout_s`.
    pub keepalive_s: u32,
    pub keepalive_timeout_s: u32,
    /// A connection older than this, give or take a tenth, is asked to leave; `connection_age_grace_s` later it is cut. Clients resume.
    pub connection_age_s: u32,
    pub connection_age_grace_s: u32,
    /// All headers of a call together.
    pub header_bytes: u32,
    /// Calls of one person, and of one address that has not signed in: so many at once, then so many a second.
    pub calls_per_s: u32,
    pub calls_burst: u32,
    /// Changes that are worked on at the same time, of all people together; what comes beyond is turned away.
    pub changes_at_once: u32,
    /// Audio of one person within 24 hours, and the files that it comes in.
    pub upload_bytes_per_day: u64,
    pub upload_files_per_day: u64,
}

impl Default for Door {
    fn default() -> Self {
        Self {
            streams_per_connection: 100,
            connections_per_person: 16,
            handshake_s: 5,
            first_call_s: 10,
            keepalive_s: 20,
            keepalive_timeout_s: 10,
            connection_age_s: 3600,
            connection_age_grace_s: 30,
            header_bytes: 16 << 10,
            calls_per_s: 50,
            calls_burst: 200,
            changes_at_once: 200,
            upload_bytes_per_day: 256 << 30,
            upload_files_per_day: 10_000,
        }
    }
}

impl Door {
    /// The key that cannot be used, and why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        for (key, value) in [
            ("door.streams_per_connection", self.streams_per_connection),
            ("door.connections_per_person", self.connections_per_person),
            ("door.handshake_s", self.handshake_s),
            ("door.first_call_s", self.first_call_s),
            ("door.keepalive_s", self.keepalive_s),
            ("door.keepalive_timeout_s", self.keepalive_timeout_s),
            ("door.connection_age_s", self.connection_age_s),
            ("door.connection_age_grace_s", self.connection_age_grace_s),
            ("door.calls_per_s", self.calls_per_s),
            ("door.calls_burst", self.calls_burst),
            ("door.changes_at_once", self.changes_at_once),
        ] {
            if value == 0 {
                return Err((key, "it must be at least 1.".into()));
            }
        }
        if !(4 << 10..=256 << 10).contains(&self.header_bytes) {
            return Err(("door.header_bytes", "it must be 4096 to 262144.".into()));
        }
        for (key, value) in [
            ("door.upload_bytes_per_day", self.upload_bytes_per_day),
            ("door.upload_files_per_day", self.upload_files_per_day),
        ] {
            if value == 0 {
                return Err((key, "it must be at least 1.".into()));
            }
        }
        Ok(())
    }
}
