//! Connections: what became of those that came, why some were hung up on, what the door turned away, bytes in both directions. Never here: addresses.

use prometheus_client::{
    encoding::{EncodeLabelSet, EncodeLabelValue},
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};

use super::Shelf;

/// What becomes of a connection at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[allow(non_camel_case_types)] // As the label says it.
pub enum Verdict {
    let_in,
    /// `limits.connections` are open.
    full,
    /// `limits.connections_per_address` are open from there.
    address_full,
    /// No TLS in time, or none that we speak.
    no_handshake,
}

/// Why one that was let in was ended by us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[allow(non_camel_case_types)] // As the label says it.
pub enum Ending {
    /// No call was let in within `door.first_call_s`.
    silent,
    /// Frames that ask for nothing.
    flood,
    /// It was cut: too old, too many calls turned away, or the server stops.
    cut,
}

/// Why a call was turned away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
#[allow(non_camel_case_types)] // As the label says it.
pub enum TurnedAway {
    calls,
    connections,
    /// Of all people together.
    changes,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Came {
    verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Left {
    reason: Ending,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refused {
    too_many: TurnedAway,
}

/// Clones count together.
#[derive(Clone, Default)]
pub struct Lines {
    open: Gauge,
    came: Family<Came, Counter>,
    hung_up: Family<Left, Counter>,
    turned_away: Family<Refused, Counter>,
    pub received: Counter,
    pub sent: Counter,
}

impl Lines {
    pub(super) fn shelve(&self, shelf: &mut Shelf) {
        shelf.gauge("connections_open", "Connections that were let in and are open", self.open.clone());
        shelf.counter(
            "connections",
            "Connections that came, by what became of them at the door",
            self.came.clone(),
        );
        shelf.counter("hangups", "Connections that this server ended, by reason", self.hung_up.clone());
        shelf.counter(
            "turned_away",
            "Calls turned away at the door, by what there was too much of",
            self.turned_away.clone(),
        );
        shelf.counter(
            "received_bytes",
            "Bytes that came over connections, inside TLS",
            self.received.clone(),
        );
        shelf.counter("sent_bytes", "Bytes that went over connections, inside TLS", self.sent.clone());
    }

    pub fn came(&self, verdict: Verdict) {
        self.came.get_or_create(&Came { verdict }).inc();
    }

    pub fn hang_up(&self, reason: Ending) {
        self.hung_up.get_or_create(&Left { reason }).inc();
    }

    pub fn turn_away(&self, too_many: TurnedAway) {
        self.turned_away.get_or_create(&Refused { too_many }).inc();
    }

    /// Let in, and open until it is dropped.
    pub fn enter(&self) -> OpenLine {
        self.came(Verdict::let_in);
        self.open.inc();
        OpenLine(self.clone())
    }
}

/// One connection that is open.
pub struct OpenLine(Lines);

impl OpenLine {
    pub fn read(&self, bytes: usize) {
        self.0.received.inc_by(bytes as u64);
    }

    pub fn wrote(&self, bytes: usize) {
        self.0.sent.inc_by(bytes as u64);
    }

    pub fn hang_up(&self, reason: Ending) {
        self.0.hang_up(reason);
    }
}

impl Drop for OpenLine {
    fn drop(&mut self) {
        self.0.open.dec();
    }
}
