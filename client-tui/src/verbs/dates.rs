//! Dates that people type and read: local where nothing is said, UTC where a Z is written. What is no date is refused with an example.

use jiff::{Timestamp, civil, tz::TimeZone};

use super::VerbError;

const WRONG: &str =
    "write 2026-12-03 (the end of that day here), \"2026-12-03 18:00\" (here), or 2026-12-03T18:00Z (UTC)";

/// Milliseconds since 1970. A day without an hour means its end, here.
pub fn parse(text: &str) -> Result<i64, VerbError> {
    read(text.trim(), TimeZone::system()).ok_or_else(|| {
        VerbError::Usage(format!(
            "{:?} is not a date; {WRONG}",
            crate::scrub::cut(&crate::scrub::line(text), 40)
        ))
    })
}

/// The same, with `none` as 0.
pub fn parse_or_none(text: &str) -> Result<i64, VerbError> {
    if text.trim().eq_ignore_ascii_case("none") {
        return Ok(0);
    }
    match parse(text)? {
        at_ms if at_ms > 0 => Ok(at_ms),
        _ => Err(VerbError::Usage(format!("{text:?} lies before 1970; {WRONG}"))),
    }
}

fn read(text: &str, zone: TimeZone) -> Option<i64> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_millisecond());
    }
    // An hour without minutes, or other shorthand that a reader of dates would take, is not what anybody types by intent.
    let plain = |part: &str, shape: &[u8]| {
        part.len() == shape.len()
            && part.bytes().zip(shape).all(|(b, s)| if *s == b'0' { b.is_ascii_digit() } else { b == *s })
    };
    let (day, hour) = match text.split_once([' ', 'T']) {
        Some((day, hour)) => (day, Some(hour)),
        None => (text, None),
    };
    if !plain(day, b"0000-00-00") {
        return None;
    }
    let day: civil::Date = day.parse().ok()?;
    let at = match hour {
        None => day.at(23, 59, 59, 0),
        Some(hour) => {
            let (hour, zone) = hour.strip_suffix('Z').map_or((hour, zone.clone()), |h| (h, TimeZone::UTC));
            if !plain(hour, b"00:00") {
                return None;
            }
            let time: civil::Time = format!("{hour}:00").parse().ok()?;
            return Some(day.to_datetime(time).to_zoned(zone).ok()?.timestamp().as_millisecond());
        }
    };
    Some(at.to_zoned(zone).ok()?.timestamp().as_millisecond())
}

/// "2026-12-03 23:59 CET": never without the zone.
pub fn shown(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).map_or_else(
        |_| String::from("?"),
        |t| t.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M %Z").to_string(),
    )
}

/// As a file keeps it: 2026-12-03T22:59:59Z.
pub fn exact(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).map_or_else(|_| String::from("?"), |t| t.to_string())
}

pub fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

/// "3 d 4 h", "4 h 12 min", "12 min"; less than a minute is "0 min".
pub fn span(ms: i64) -> String {
    let minutes = ms.max(0) / 60_000;
    let (days, hours, rest) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours) {
        (0, 0) => format!("{rest} min"),
        (0, _) => format!("{hours} h {rest} min"),
        (_, 0) => format!("{days} d"),
        _ => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_here_and_a_z_means_utc() {
        let east = || TimeZone::fixed(jiff::tz::offset(2));
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        assert_eq!(read("2026-12-03", east()), Some(at("2026-12-03T21:59:59Z")));
        assert_eq!(read("2026-12-03 18:00", east()), Some(at("2026-12-03T16:00:00Z")));
        assert_eq!(read("2026-12-03T18:00Z", east()), Some(at("2026-12-03T18:00:00Z")));
        assert_eq!(read("2026-12-03T18:00:30+05:00", east()), Some(at("2026-12-03T13:00:30Z")));
        assert_eq!(exact(at("2026-12-03T18:00:00Z")), "2026-12-03T18:00:00Z");
    }

    #[test]
    fn what_is_no_date_is_refused_with_an_example() {
        for text in [
            "",
            "tomorrow",
            "2026-02-30",
            "03.12.2026",
            "2026-12-03 6pm",
            "2026-12-03 25:00",
            "20261203",
            "2026-12-3",
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{text}");
            assert!(error.to_string().contains("2026-12-03T18:00Z"), "{error}");
        }
        assert_eq!(parse_or_none("none").unwrap(), 0);
        assert!(parse_or_none("1969-01-01T00:00Z").is_err(), "0 and below would mean no date");
    }

    #[test]
    fn spans_are_short() {
        for (ms, text) in [
            (0, "0 min"),
            (-5, "0 min"),
            (12 * 60_000, "12 min"),
            (3_600_000, "1 h 0 min"),
            (100 * 3_600_000, "4 d 4 h"),
            (48 * 3_600_000, "2 d"),
        ] {
            assert_eq!(span(ms), text);
        }
    }
}
