//! A fact of the domain to stored bytes and back, exactly. What a newer server wrote is told apart from what is broken: the first is kept and
//! not applied, the second is an error. Field numbers and their promise stand in `facts.proto`; golden files guard them.

mod link;
mod read;
mod record;
mod review;
mod write;

use bytes::Bytes;
use deadwax_domain::{Event, PersonId, Time};
use deadwax_proto::ledger::v1 as stored;
use prost::Message as _;

/// One entry, read.
#[derive(Clone, Debug, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly every one is an event; a box for each would cost more than it saves"
)]
pub enum Read {
    Event(Event),
    /// Written by a newer server: it keeps its place, is shown as such and changes nothing here.
    Newer {
        at: Time,
        by: Option<PersonId>,
    },
}

/// The bytes are no fact at all: damage, not age.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("it is no protobuf message: {0}")]
    NotAMessage(String),
    #[error("{field} has {bytes} bytes, not {wanted}")]
    Length { field: &'static str, bytes: usize, wanted: usize },
    #[error("{0} is absent")]
    Absent(&'static str),
}

pub fn encode(event: &Event, command_id: u128) -> Bytes {
    let fact = stored::Fact {
        at_ms: event.at.0,
        by: event.by.map(|person| write::id(person.0)).unwrap_or_default(),
        command: write::id(command_id),
        what: write::what(&event.fact),
    };
    fact.encode_to_vec().into()
}

pub fn decode(payload: &[u8]) -> Result<Read, Unreadable> {
    let fact = stored::Fact::decode(payload).map_err(|error| Unreadable::NotAMessage(error.to_string()))?;
    let at = Time(fact.at_ms);
    let by = read::optional_id("by", &fact.by)?.map(PersonId);
    let Some(what) = fact.what else { return Ok(Read::Newer { at, by }) };
    match read::fact(what) {
        Ok(fact) => Ok(Read::Event(Event { at, by, fact })),
        Err(read::No::Newer) => Ok(Read::Newer { at, by }),
        Err(read::No::Broken(broken)) => Err(broken),
    }
}
