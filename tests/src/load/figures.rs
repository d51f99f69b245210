//! What a measurement says: spreads of times, and lines with a goal and a verdict. Never here: how anything is measured.

use std::{fmt, time::Duration};

use hdrhistogram::Histogram;

/// The longest time that is told apart; longer ones count as this.
const LONGEST_US: u64 = 600_000_000;

/// Times of many calls, to three digits.
#[derive(Clone)]
pub struct Spread(Histogram<u64>);

impl Default for Spread {
    fn default() -> Spread {
        Spread(Histogram::new_with_bounds(1, LONGEST_US, 3).expect("1 is below the longest time"))
    }
}

impl Spread {
    pub fn add(&mut self, time: Duration) {
        self.0.saturating_record(u64::try_from(time.as_micros()).unwrap_or(LONGEST_US).max(1));
    }

    pub fn join(&mut self, other: &Spread) {
        self.0.add(&other.0).expect("both have the same bounds");
    }

    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// Milliseconds that a share of all calls (0 to 1) stayed within; 0 where there were none.
    pub fn ms(&self, share: f64) -> f64 {
        self.0.value_at_quantile(share) as f64 / 1000.0
    }

    pub fn longest_ms(&self) -> f64 {
        self.0.max() as f64 / 1000.0
    }
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p50, p99, p999) = (self.ms(0.5), self.ms(0.99), self.ms(0.999));
        write!(f, "p50 {p50:.1}, p99 {p99:.1}, p99.9 {p999:.1} ms")
    }
}

/// One line of the table.
#[derive(Clone, Debug)]
pub struct Line {
    pub what: String,
    pub measured: String,
    /// Empty: told for what it is, nothing is asked.
    pub goal: String,
    pub held: Option<bool>,
}

impl Line {
    pub fn told(what: impl Into<String>, measured: impl Into<String>) -> Line {
        Line { what: what.into(), measured: measured.into(), goal: String::new(), held: None }
    }

    pub fn judged(
        what: impl Into<String>,
        measured: impl Into<String>,
        goal: impl Into<String>,
        held: bool,
    ) -> Line {
        Line { what: what.into(), measured: measured.into(), goal: goal.into(), held: Some(held) }
    }

    pub fn verdict(&self) -> &'static str {
        match self.held {
            None => "",
            Some(true) => "held",
            Some(false) => "MISSED",
        }
    }

    /// A line as [`Line::json`] tells it.
    pub fn read(json: &str) -> Option<Line> {
        let told: serde_json::Value = serde_json::from_str(json).ok()?;
        let text = |key: &str| told[key].as_str().map(str::to_owned);
        let held = match told["verdict"].as_str()? {
            "held" => Some(true),
            "MISSED" => Some(false),
            _ => None,
        };
        Some(Line { what: text("what")?, measured: text("measured")?, goal: text("goal")?, held })
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({ "what": self.what, "measured": self.measured, "goal": self.goal, "verdict": self.verdict() })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "| {} | {} | {} | {} |", self.what, self.goal, self.measured, self.verdict())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_written_is_read_again() {
        let told = Line::told("memory", "43 MB");
        let lines =
            [Line::judged("writers", "3/s", ">= 2/s", true), Line::judged("a \"b\"", "x", "y", false), told];
        for line in lines {
            let read = Line::read(&line.json().to_string()).unwrap();
            assert_eq!((read.to_string(), read.held), (line.to_string(), line.held));
        }
        assert!(Line::read("{}").is_none());
    }

    #[test]
    fn a_spread_tells_its_shares_and_joins_with_another() {
        let mut low = Spread::default();
        (1..=99).for_each(|ms| low.add(Duration::from_millis(ms)));
        let mut high = Spread::default();
        high.add(Duration::from_secs(3600));
        low.join(&high);
        assert_eq!(low.count(), 100);
        assert!((low.ms(0.5) - 50.0).abs() < 0.1, "{low}");
        assert!((low.ms(0.99) - 99.0).abs() < 0.1, "{low}");
        assert!(low.longest_ms() > 599_000.0, "an hour is as long as it gets");
        assert!(Spread::default().ms(0.99) < f64::EPSILON);
    }
}
