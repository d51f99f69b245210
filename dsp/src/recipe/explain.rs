//! A recipe in words: each step in order with its settings in engineers' units, made from the canonical text, so that no step can be forgotten here.
//! Never here: what was measured; that is the render's to tell.

use serde::Serialize;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Overs, Recipe, Target};

/// One step in words.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explained {
    /// The title that the step has in the chain too; "level", "limiter", "alternates" and "output" stand for what comes after.
    pub title: String,
    /// Settings: "compressor: threshold -20 dB, ratio 2 : 1, attack 10 ms".
    pub text: String,
    /// It stands in the text and not in the chain.
    pub bypassed: bool,
}

/// Ends of keys that are units, and how they are written.
const UNITS: &[(&str, &str)] = &[
    ("db", "dB"),
    ("dbtp", "dBTP"),
    ("dbfs", "dBFS"),
    ("lufs", "LUFS"),
    ("lu", "LU"),
    ("hz", "Hz"),
    ("ms", "ms"),
    ("s", "s"),
    ("octaves", "octaves"),
    ("degrees", "degrees"),
    ("percent", "%"),
    ("mb", "MB"),
];
/// Numbers beyond these are a table, and are counted instead of told.
const NUMBERS_MAX: usize = 6;

impl Recipe {
    /// Each step in words, in the order of the sound.
    pub fn explain(&self) -> Vec<Explained> {
        let mut all = self.explain_short();
        for step in &self.steps {
            let settings = words(step, &["name", "bypass", "mix", "kind"]);
            let mut text = step.work.kind().to_owned();
            if !settings.is_empty() {
                text = format!("{text}: {settings}");
            }
            if step.mix.get() < 1.0 {
                text += &format!("; mixed in at {} %", number(100.0 * step.mix.get()));
            }
            all.push(Explained { title: step.title(), text, bypassed: step.bypass });
        }
        all.extend(self.explain_level());
        all
    }

    fn explain_short(&self) -> Vec<Explained> {
        let mut all = Vec::new();
        let mut add = |title: &str, text: String| all.push(told(title, text));
        if let Some(hz) = self.dc_filter_hz {
            add("dc filter", format!("constant offset away, corner {}", with_unit(hz, "Hz")));
        }
        if let Some(db) = self.input_gain_db {
            add("input gain", signed(db, "dB"));
        }
        if !self.eq.is_empty() {
            let bands: Vec<String> = self.eq.iter().map(|band| words(band, &[])).collect();
            add("eq", bands.join("; "));
        }
        if let Some(compressor) = &self.compressor {
            add("compressor", words(compressor, &[]));
        }
        if let Some(width) = &self.width {
            add("width", words(width, &[]));
        }
        all
    }

    fn explain_level(&self) -> Vec<Explained> {
        let ceiling = format!("under {}", with_unit(self.ceiling_dbtp, "dBTP"));
        let clean = |db: f64| {
            format!("as loud as it is with its loudest peak pushed down by {}", with_unit(db, "dB"))
        };
        let level = match self.target() {
            None => format!("as the chain leaves it, {ceiling}"),
            Some(Target::Lufs(lufs)) => format!("to {}, {ceiling}", with_unit(lufs, "LUFS")),
            Some(Target::Clean { reduction_db }) => format!("{}, {ceiling}", clean(reduction_db)),
            Some(Target::Range { low_lufs, high_lufs, reduction_db }) => format!(
                "{}, within {} to {}, {ceiling}",
                clean(reduction_db),
                number(low_lufs),
                with_unit(high_lufs, "LUFS")
            ),
            Some(Target::Penalty { points, cost_per_db }) => format!(
                "where {} penalties and {} for each dB of limiting cost least, {ceiling}",
                points.len(),
                number(cost_per_db)
            ),
        };
        let mut all = vec![told("level", level)];
        all.push(match &self.limiter {
            Some(limiter) => told("limiter", format!("true peak: {}", words(limiter, &[]))),
            None => told("limiter", "none: gain goes only as far as the ceiling allows".into()),
        });
        let share = self.alternates.share_max_db;
        all.push(told(
            "alternates",
            match self.alternates.overs {
                Overs::Share => format!(
                    "they get the main's gains; one that is over makes the common curve deeper, by {} at most",
                    with_unit(share, "dB")
                ),
                Overs::Own => "they get the main's gains; one that is over gets a limiter of its own".into(),
            },
        ));
        all.extend(self.outputs.iter().map(|output| {
            let rate = output.rate.map_or("the rate of the main".into(), |hz| with_unit(f64::from(hz), "Hz"));
            let level = output
                .label()
                .map_or(String::new(), |label| format!(", at {}", label.replace('_', " under ")));
            told("output", format!("{} at {rate}{level}", output.encoding))
        }));
        all
    }
}

fn told(title: &str, text: String) -> Explained {
    Explained { title: title.into(), text, bypassed: false }
}

/// Settings in words, in the order of their struct, without the keys in `but`.
fn words<T: Serialize>(settings: &T, but: &[&str]) -> String {
    let text = toml::to_string(settings).unwrap_or_default();
    match DeTable::parse(&text) {
        Ok(table) => table_words(table.get_ref(), but),
        Err(_) => String::new(),
    }
}

fn table_words(table: &DeTable<'_>, but: &[&str]) -> String {
    let mut entries: Vec<_> =
        table.iter().filter(|(key, _)| !but.contains(&key.get_ref().as_ref())).collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let told: Vec<String> = entries.iter().map(|(key, value)| entry(key.get_ref(), value)).collect();
    told.into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(", ")
}

fn entry(key: &str, value: &Spanned<DeValue<'_>>) -> String {
    let (stem, unit) = split(key);
    let spoken = stem.replace('_', " ");
    let labelled = |said: String| if spoken.is_empty() { said } else { format!("{spoken} {said}") };
    match value.get_ref() {
        DeValue::Boolean(true) => spoken,
        DeValue::Boolean(false) => format!("no {spoken}"),
        DeValue::String(word) if matches!(key, "kind" | "shape" | "name") => word.to_string(),
        DeValue::String(word) => labelled(word.to_string()),
        DeValue::Array(items) if items.iter().all(|i| i.get_ref().is_table()) => {
            let tables = items.iter().filter_map(|i| i.get_ref().as_table());
            let each: Vec<String> = tables.map(|t| format!("({})", table_words(t, &[]))).collect();
            labelled(each.join(" "))
        }
        DeValue::Array(items) if items.len() > NUMBERS_MAX => format!("{} values of {spoken}", items.len()),
        DeValue::Array(items) => {
            let each: Vec<String> = items.iter().map(|i| plain(i.get_ref(), "")).collect();
            labelled(format!("{} {unit}", each.join(", ")).trim_end().to_owned())
        }
        DeValue::Table(table) => labelled(format!("({})", table_words(table, &[]))),
        other if matches!(stem, "gain" | "makeup" | "trim") => {
            let value = plain(other, unit);
            if value.starts_with('-') || value.starts_with("0 ") {
                labelled(value)
            } else {
                labelled(format!("+{value}"))
            }
        }
        other if key == "ratio" => format!("ratio {} : 1", plain(other, "")),
        other => labelled(plain(other, unit)),
    }
}

/// "threshold_db" is a threshold in dB.
fn split(key: &str) -> (&str, &'static str) {
    let of = |end: &str| UNITS.iter().find(|(short, _)| *short == end).map(|(_, unit)| *unit);
    match key.rsplit_once('_') {
        Some((stem, end)) => of(end).map_or((key, ""), |unit| (stem, unit)),
        None => of(key).filter(|_| key.len() > 1).map_or((key, ""), |unit| ("", unit)),
    }
}

fn plain(value: &DeValue<'_>, unit: &str) -> String {
    let text = match value {
        DeValue::Float(x) => x.as_str(),
        DeValue::Integer(n) => n.as_str(),
        DeValue::String(word) => return word.to_string(),
        DeValue::Boolean(yes) => return yes.to_string(),
        _ => return "...".into(),
    };
    text.parse().map_or_else(|_| text.to_owned(), |x| with_unit(x, unit))
}

fn with_unit(value: f64, unit: &str) -> String {
    match unit {
        "" => number(value),
        "Hz" if value.abs() >= 1000.0 => format!("{} kHz", number(value / 1000.0)),
        "%" => format!("{} %", number(value)),
        _ => format!("{} {unit}", number(value)),
    }
}

fn signed(value: f64, unit: &str) -> String {
    let sign = if value > 0.0 { "+" } else { "" };
    format!("{sign}{}", with_unit(value, unit))
}

/// At most three places behind the point, and none that say nothing.
fn number(value: f64) -> String {
    let rounded = (value * 1000.0).round() / 1000.0;
    format!("{}", rounded + 0.0)
}
