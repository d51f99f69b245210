//! Times as workstations write them: minutes and seconds, and timecode with its frame rates. Whole numbers all the way: a frame of
//! 29.97 is 1001 thirty-thousandths of a second.

use std::str::FromStr;

/// Frames per second, with and without the labels that are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fps {
    /// As the labels count: 30 for 29.97.
    nominal: i64,
    /// Slower by 1000/1001.
    ntsc: bool,
    drop: bool,
}

/// What `--fps` takes.
pub const RATES: &str =
    "23.976, 24, 25, 29.97, 29.97df, 30, 30df, 47.952, 48, 50, 59.94, 59.94df, 60, 60df, 100, 119.88, 120";

impl FromStr for Fps {
    type Err = String;

    fn from_str(text: &str) -> Result<Fps, String> {
        let word: String = text.to_ascii_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
        let plain = word.trim_end_matches("fps").trim_end_matches("frame");
        let (number, drop) = match plain.strip_suffix("df").or_else(|| plain.strip_suffix("drop")) {
            Some(number) => (number, true),
            None => (plain.trim_end_matches("nd"), false),
        };
        let (nominal, ntsc) = match number {
            "23.976" | "23.98" => (24, true),
            "24" => (24, false),
            "25" => (25, false),
            "29.97" => (30, true),
            "30" => (30, false),
            "47.952" | "47.95" => (48, true),
            "48" => (48, false),
            "50" => (50, false),
            "59.94" => (60, true),
            "60" => (60, false),
            "100" => (100, false),
            "119.88" => (120, true),
            "120" => (120, false),
            _ => return Err(format!("{text:?} is no frame rate; the rates are {RATES}")),
        };
        if drop && !matches!(nominal, 30 | 60) {
            return Err(format!("{text:?}: only 29.97, 30, 59.94 and 60 have drop frame"));
        }
        Ok(Fps { nominal, ntsc, drop })
    }
}

impl std::fmt::Display for Fps {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.rate())?;
        f.write_str(if self.drop { "df" } else { "" })
    }
}

impl Fps {
    fn rate(self) -> &'static str {
        match (self.nominal, self.ntsc) {
            (24, true) => "23.976",
            (24, false) => "24",
            (25, _) => "25",
            (30, true) => "29.97",
            (30, false) => "30",
            (48, true) => "47.952",
            (48, false) => "48",
            (50, _) => "50",
            (60, true) => "59.94",
            (60, false) => "60",
            (100, _) => "100",
            (_, true) => "119.88",
            (_, false) => "120",
        }
    }

    /// As the head of a session text has it: "29.97 Drop Frame".
    pub(super) fn session(self) -> String {
        format!("{}{} Frame", self.rate(), if self.drop { " Drop" } else { "" })
    }

    pub(super) fn from_session(text: &str) -> Option<Fps> {
        text.trim().parse().ok()
    }

    pub(super) fn drops(self) -> bool {
        self.drop
    }

    /// Thousandths of a second that `nominal` frames take.
    fn second(self) -> i64 {
        if self.ntsc { 1001 } else { 1000 }
    }

    /// The beginning of a frame, to the nearest millisecond.
    pub(super) fn ms_of(self, frames: i64) -> i64 {
        rounded(i128::from(frames) * i128::from(self.second()), i128::from(self.nominal))
    }

    /// The same with hundredths of a frame.
    fn ms_of_hundredths(self, hundredths: i64) -> i64 {
        rounded(i128::from(hundredths) * i128::from(self.second()), i128::from(self.nominal) * 100)
    }

    /// The nearest frame.
    pub(super) fn frame_at(self, ms: u64) -> i64 {
        rounded(i128::from(ms) * i128::from(self.nominal), i128::from(self.second()))
    }

    /// How far a time may lie from the frame that stands for it.
    pub(super) fn grain_ms(self) -> u64 {
        u64::try_from(self.second() / self.nominal / 2 + 1).unwrap_or(1)
    }

    /// Labels that a minute leaves out, except each tenth.
    fn dropped(self) -> i64 {
        if self.drop { self.nominal / 15 } else { 0 }
    }

    /// The label of a frame; past a day there is none.
    pub(super) fn label(self, frames: i64) -> Option<String> {
        let per_minute = self.nominal * 60 - self.dropped();
        let per_ten = per_minute * 10 + self.dropped();
        let (tens, rest) = (frames.checked_div(per_ten)?, frames.checked_rem(per_ten)?);
        // The first minute of ten is whole.
        let minutes = if rest < self.nominal * 60 { 0 } else { 1 + (rest - self.nominal * 60) / per_minute };
        let counted = frames.checked_add(self.dropped() * (tens * 9 + minutes))?;
        let (seconds, frame) = (counted / self.nominal, counted % self.nominal);
        let hours = seconds / 3600;
        if frames < 0 || hours > 99 {
            return None;
        }
        let before = if self.drop { ';' } else { ':' };
        Some(format!("{hours:02}:{:02}:{:02}{before}{frame:02}", seconds / 60 % 60, seconds % 60))
    }

    /// Which frame a label names, with hundredths: "01:00:00:00", "01:00:00;02", "23:57:56:02.24".
    fn hundredths_of(self, text: &str) -> Result<i64, String> {
        let wrong = || format!("{text} is no timecode at {self}");
        let (label, part) = match text.split_once('.') {
            Some((label, part)) => (label, part),
            None => (text, ""),
        };
        let fields: Vec<&str> = label.split([':', ';']).collect();
        let [hours, minutes, seconds, frame] = fields.as_slice() else { return Err(wrong()) };
        if label.contains(';') && !self.drop {
            return Err(format!("{text} is drop frame, and {self} has none: say --fps 29.97df or 59.94df"));
        }
        let number = |text: &str, most: i64| -> Option<i64> {
            let fits = (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
            text.parse().ok().filter(|value| fits && *value <= most)
        };
        let hours = number(hours, 99).ok_or_else(wrong)?;
        let minutes = number(minutes, 59).ok_or_else(wrong)?;
        let seconds = number(seconds, 59).ok_or_else(wrong)?;
        let frame = number(frame, self.nominal - 1).ok_or_else(wrong)?;
        let part = match part.len() {
            0 => 0,
            1 => number(part, 9).ok_or_else(wrong)? * 10,
            2 => number(part, 99).ok_or_else(wrong)?,
            _ => return Err(wrong()),
        };
        if seconds == 0 && minutes % 10 != 0 && frame < self.dropped() {
            return Err(format!("{text} is a label that {self} leaves out"));
        }
        let minutes = hours * 60 + minutes;
        let counted = (minutes * 60 + seconds) * self.nominal + frame;
        Ok((counted - self.dropped() * (minutes - minutes / 10)) * 100 + part)
    }

    pub(super) fn frames_of(self, text: &str) -> Result<i64, String> {
        self.hundredths_of(text.trim()).map(|it| it / 100)
    }

    /// The time from one label to another.
    pub(super) fn between_ms(self, from: &str, to: &str) -> Result<i64, String> {
        let span = self.hundredths_of(to.trim())? - self.hundredths_of(from.trim())?;
        Ok(self.ms_of_hundredths(span))
    }
}

/// To the nearest, halves away from zero.
pub(super) fn rounded(value: i128, by: i128) -> i64 {
    let half = if value < 0 { -by / 2 } else { by / 2 };
    i64::try_from(value.saturating_add(half) / by.max(1)).unwrap_or(i64::MAX)
}

pub(super) fn samples_ms(samples: i64, rate_hz: u32) -> i64 {
    rounded(i128::from(samples) * 1000, i128::from(rate_hz))
}

/// Four fields are hours, minutes, seconds and frames.
pub(super) fn looks_so(text: &str) -> bool {
    text.matches([':', ';']).count() == 3
}

/// "1:23.456", "1:02:03.456", "83.456", each also below zero. Not timecode.
pub(super) fn clock_ms(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let fields: Vec<&str> = text.split(':').collect();
    let (last, whole) = fields.split_last()?;
    if whole.len() > 2 {
        return None;
    }
    let (seconds, part) = last.split_once('.').unwrap_or((last, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(seconds) || !digits(part) || seconds.is_empty() {
        return None;
    }
    let mut minutes: i64 = 0;
    for (index, field) in whole.iter().enumerate() {
        let value: i64 = field.parse().ok().filter(|_| digits(field) && !field.is_empty())?;
        if index > 0 && value > 59 {
            return None;
        }
        minutes = minutes.checked_mul(60)?.checked_add(value)?;
    }
    let seconds: i64 = seconds.parse().ok()?;
    if !whole.is_empty() && seconds > 59 {
        return None;
    }
    // Four digits decide how the third is rounded; what follows them cannot.
    let four: i64 = format!("{part:0<4}").get(..4)?.parse().ok()?;
    let ms = minutes.checked_mul(60_000)?.checked_add(seconds.checked_mul(1000)?)?;
    Some(sign * ms.checked_add((four + 5) / 10)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fps(text: &str) -> Fps {
        text.parse().unwrap()
    }

    #[test]
    fn rates_are_read_as_people_and_sessions_write_them() {
        for (text, shown) in [
            ("23.976", "23.976"),
            ("23.976 Frame", "23.976"),
            ("29.97 Drop Frame", "29.97df"),
            ("29.97DF", "29.97df"),
            ("25 fps", "25"),
            ("59.94 drop", "59.94df"),
        ] {
            assert_eq!(fps(text).to_string(), shown, "{text}");
            assert_eq!(Fps::from_session(&fps(text).session()), Some(fps(text)));
        }
        for text in ["", "26", "25df", "fps", "29,97", "-30"] {
            assert!(text.parse::<Fps>().is_err(), "{text}");
        }
        assert!(RATES.split(", ").all(|rate| rate.parse::<Fps>().is_ok_and(|it| it.to_string() == rate)));
    }

    #[test]
    fn labels_count_as_the_standard_says() {
        // SMPTE 12M: one hour of 29.97 drop frame is 107892 frames; the second minute begins with label 02.
        assert_eq!(fps("29.97df").frames_of("01:00:00;00"), Ok(107_892));
        assert_eq!(fps("29.97df").label(1800).as_deref(), Some("00:01:00;02"));
        assert_eq!(fps("59.94df").label(3600).as_deref(), Some("00:01:00;04"));
        assert_eq!(fps("29.97df").label(17_982).as_deref(), Some("00:10:00;00"));
        assert!(fps("29.97df").frames_of("00:01:00;00").is_err(), "left out");
        assert!(fps("29.97").frames_of("00:01:00;02").is_err(), "drop frame at a rate without");
        assert_eq!(fps("25").frames_of("00:00:10:24"), Ok(274));
        assert!(fps("25").frames_of("00:00:10:25").is_err());
        for rate in RATES.split(", ").map(fps) {
            for frame in
                [0, 1, 29, 30, 1799, 1800, 1801, 3599, 3600, 17_981, 17_982, 35_964, 107_892, 999_999]
            {
                let label = rate.label(frame).unwrap();
                assert_eq!(rate.frames_of(&label), Ok(frame), "{label} at {rate}");
            }
        }
    }

    #[test]
    fn a_time_keeps_to_its_frame_and_comes_back() {
        assert_eq!(fps("23.976").between_ms("00:59:55:00", "01:00:00:00"), Ok(5005));
        assert_eq!(fps("23.976").between_ms("23:57:00:00.00", "23:57:56:02.24"), Ok(56_149));
        for rate in RATES.split(", ").map(fps) {
            for ms in (0..200_000).step_by(37) {
                let back = rate.ms_of(rate.frame_at(ms));
                assert!(back.abs_diff(ms as i64) <= rate.grain_ms(), "{ms} at {rate} is {back}");
            }
        }
    }

    #[test]
    fn clocks_are_read_in_every_form_and_nothing_else_is() {
        for (text, ms) in [
            ("0:00.000", 0),
            ("1:23.456", 83_456),
            ("1:02:03.456", 3_723_456),
            ("00:01:00", 60_000),
            ("83.4565", 83_457),
            ("-0:01.5", -1500),
            ("90", 90_000),
            ("75:00", 4_500_000),
        ] {
            assert_eq!(clock_ms(text), Some(ms), "{text}");
        }
        for text in
            ["", ":", "1:60", "1:2:3:4", "1:60:00", "x", "1.2.3", "9999999999999999999", "1e9", "+1", "--1"]
        {
            assert_eq!(clock_ms(text), None, "{text}");
        }
    }
}
