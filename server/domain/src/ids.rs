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
id!(/// What somebody who is no member may hear.
    LinkId);

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

    /// Of exactly `2026-11-21T20:15:00Z`; `None` for any other form, and for a day or an hour that there is not.
    pub fn of_utc(text: &str) -> Option<Time> {
        let rest = text.strip_suffix('Z')?;
        let (date, clock) = rest.split_once('T')?;
        let mut parts = clock.split(':');
        let mut part = |below: u32| number(parts.next()?, 2).filter(|it| *it < below).map(i64::from);
        let (hour, minute, second) = (part(24)?, part(60)?, part(60)?);
        let seconds = day_of(date)? * 86_400 + hour * 3600 + minute * 60 + second;
        parts.next().is_none().then_some(Time(seconds * 1000))
    }
}

/// Days since 1970-01-01 of exactly `2026-11-21`, the other way round than [`Time::words`]; `None` for a day that there is not.
pub(crate) fn day_of(date: &str) -> Option<i64> {
    let mut parts = date.split('-');
    let (year, month, day) =
        (number(parts.next()?, 4)?, number(parts.next()?, 2)?, number(parts.next()?, 2)?);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(leap),
        1..=12 => 31,
        _ => return None,
    };
    if parts.next().is_some() || !(1..=days).contains(&day) {
        return None;
    }
    let (year, month, day) = (i64::from(year), i64::from(month), i64::from(day));
    // Years that begin in March.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (cycle, of_cycle) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(cycle * 146_097 + of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year - 719_468)
}

/// Exactly so many digits.
fn number(digits: &str, count: usize) -> Option<u32> {
    let sound = digits.len() == count && digits.bytes().all(|byte| byte.is_ascii_digit());
    sound.then(|| digits.parse().ok()).flatten()
}

/// A UUID as it is written on the wire and in statements: lower-case hex in five groups.
pub fn uuid(id: u128) -> String {
    let hex = format!("{id:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
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

    /// The same by hand: date -u -d 2026-11-30T12:00:59Z +%s
    #[test]
    fn a_date_is_read_in_one_form_only() {
        assert_eq!(Time::of_utc("1970-01-01T00:00:00Z"), Some(Time(0)));
        assert_eq!(Time::of_utc("2026-11-30T12:00:59Z"), Some(Time(1_796_040_059_000)));
        assert_eq!(Time::of_utc("2000-02-29T00:00:00Z"), Some(Time(951_782_400_000)));
        for bad in [
            "2026-11-30T12:00:59",
            "2026-11-30 12:00:59Z",
            "2026-11-30T12:00:59.5Z",
            "2026-11-30T24:00:00Z",
            "2026-11-30T12:60:00Z",
            "2026-11-30T12:00:60Z",
            "2026-11-31T12:00:00Z",
            "2025-02-29T12:00:00Z",
            "1900-02-29T12:00:00Z",
            "2026-00-10T12:00:00Z",
            "2026-13-10T12:00:00Z",
            "2026-1-10T12:00:00Z",
            "+026-01-10T12:00:00Z",
            "2026-01-10T12:00:00:00Z",
            "2026-01-10-01T12:00:00Z",
            "",
            "Z",
        ] {
            assert_eq!(Time::of_utc(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_day_is_read_as_it_is_told() {
        for day in -200_000..200_000i64 {
            let told = Time(day * 86_400_000).words();
            assert_eq!(day_of(&told[..10]), Some(day), "{told}");
        }
    }

    #[test]
    fn a_uuid_is_written_in_five_groups() {
        let id = 0x0189_0a5d_ac96_774b_bcce_b302_099a_8057;
        assert_eq!(uuid(id), "01890a5d-ac96-774b-bcce-b302099a8057");
        assert_eq!(uuid(7), "00000000-0000-0000-0000-000000000007");
    }
}
