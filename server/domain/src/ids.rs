//! Identities. Ids are made by whoever sends a command and come with it; nothing here is random and nothing reads a clock.

use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u128);

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:032x})"), self.0)
            }
        }
    };
}

id!(/// A project: one stream of facts.
    ProjectId);
id!(/// A person of the studio, the same in every project.
    PersonId);
id!(SongId);
id!(VersionId);
id!(NoteId);
id!(RequestId);
id!(/// An approval or a hold: one signature of one person.
    ApprovalId);
id!(RenderId);
id!(DeliveryId);
id!(/// Mixes that compete for one song.
    ShootoutId);
id!(WebhookId);

/// Milliseconds since 1970-01-01 UTC. A label for people; the order of facts is the order of the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// SHA-256, the name of bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}
