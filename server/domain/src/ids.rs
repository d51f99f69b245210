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
id!(/// A set of files made of the signed masters.
    RecordId);

/// Milliseconds since 1970-01-01 UTC. A label for people; the order of facts is the order of the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    /// "2026-11-30 12:00 UTC", by the Gregorian calendar: days are counted from the first of March of year 0 in cycles of 400 years.
    pub fn words(self) -> String {
        let (days, minutes) = (self.0.div_euclid(86_400_000), self.0.rem_euclid(86_400_000) / 60_000);
        let since = days + 719_468;
        let (cycle, day) = (since.div_euclid(146_097), since.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let of_year = day - (365 * year + year / 4 - year / 100);
        let month = (5 * of_year + 2) / 153;
        let date = of_year - (153 * month + 2) / 5 + 1;
        let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
        let year = year + 400 * cycle + next;
        format!("{year:04}-{month:02}-{date:02} {:02}:{:02} UTC", minutes / 60, minutes % 60)
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    /// The same by hand: date -u -d @SECONDS
    #[test]
    fn a_time_is_told_as_a_date() {
        assert_eq!(Time(0).words(), "1970-01-01 00:00 UTC");
        assert_eq!(Time(951_782_400_000).words(), "2000-02-29 00:00 UTC");
        assert_eq!(Time(1_796_040_059_999).words(), "2026-11-30 12:00 UTC");
        assert_eq!(Time(-1).words(), "1969-12-31 23:59 UTC");
        assert!(Time(i64::MAX).words().ends_with("UTC") && Time(i64::MIN).words().ends_with("UTC"));
    }
}
