//! Figures of a render: what stands in its report, beside what was measured of its source. Reads the keys of `deadwax master --json`:
//! target and verdict on top, the measured figures with each output. The first output of the Main speaks for the master.

use deadwax_proto::v1::AudioFacts;
use serde_json::Value;

/// `None`: the report does not say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Report {
    pub integrated_lufs: Option<f64>,
    pub true_peak_dbtp: Option<f64>,
    /// Over all outputs, the alternates' too; unknown where one of them does not say.
    pub highest_peak_dbtp: Option<f64>,
    /// The file that has it, "instrumental wav16"; empty where it is the Main that the figures are of.
    pub highest_in: String,
    pub gain_db: Option<f64>,
    pub max_gain_reduction_db: Option<f64>,
    pub loudness_range_lu: Option<f64>,
    pub max_short_term_lufs: Option<f64>,
    pub target_lufs: Option<f64>,
    pub ceiling_dbtp: Option<f64>,
    pub reached: Option<bool>,
    pub reason: String,
}

/// A broken report is an empty one: the row's own state says how the render ended.
pub(super) fn read(json: &str) -> Report {
    let value: Value = serde_json::from_str(json).unwrap_or_default();
    let outputs = value.get("outputs").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let main = outputs.iter().find(|it| it.get("alternate").and_then(Value::as_str) == Some("main"));
    let number = |key: &str| value.get(key).and_then(Value::as_f64);
    let measured = |key: &str| main?.get(key).and_then(Value::as_f64);
    // Every format must keep the ceiling (D-2): the highest peak of all outputs is the one to hold against it.
    let peaks = outputs.iter().map(|it| it.get("true_peak_dbtp").and_then(Value::as_f64));
    let highest_peak_dbtp =
        peaks.collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().reduce(f64::max));
    let peak_of = |it: &Value| it.get("true_peak_dbtp").and_then(Value::as_f64);
    let in_main = main.and_then(peak_of) == highest_peak_dbtp;
    let highest = outputs.iter().find(|it| peak_of(it) == highest_peak_dbtp).filter(|_| !in_main);
    let word = |it: &Value, key: &str| it.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    let highest_in = highest.map_or_else(String::new, |it| {
        format!("{} {}", word(it, "alternate"), word(it, "encoding")).trim().to_owned()
    });
    Report {
        integrated_lufs: measured("integrated_lufs"),
        true_peak_dbtp: measured("true_peak_dbtp"),
        highest_peak_dbtp,
        highest_in,
        loudness_range_lu: measured("loudness_range_lu"),
        max_short_term_lufs: measured("max_short_term_lufs"),
        gain_db: number("gain_db"),
        max_gain_reduction_db: number("max_gain_reduction_db"),
        target_lufs: number("target_lufs"),
        ceiling_dbtp: number("ceiling_dbtp"),
        reached: value.get("reached").and_then(Value::as_bool),
        reason: value.get("reason").and_then(Value::as_str).unwrap_or_default().to_owned(),
    }
}

/// One line of the table: name, before, after, unit, and digits behind the point. What a promise is held against has two, here as in the verdict below:
/// one figure is rounded in one way.
pub(super) type Figure = (&'static str, Option<f64>, Option<f64>, &'static str, usize);

pub(super) fn figures(before: Option<&AudioFacts>, after: &Report) -> [Figure; 4] {
    [
        ("Loudness", before.map(|it| it.integrated_lufs), after.integrated_lufs, "LUFS", 2),
        ("Short-term", before.map(|it| it.max_short_term_lufs), after.max_short_term_lufs, "LUFS max", 1),
        ("Range", before.map(|it| it.loudness_range_lu), after.loudness_range_lu, "LU", 1),
        ("True peak", before.map(|it| it.true_peak_dbtp), after.true_peak_dbtp, "dBTP", 2),
    ]
}

/// Silence and what was not told are a dash: never a number that looks measured.
pub(super) fn number(value: Option<f64>, digits: usize) -> String {
    value.filter(|it| it.is_finite()).map_or_else(|| "–".into(), |it| format!("{it:.digits$}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_and_a_broken_one_is_empty() {
        let report = read(
            r#"{"ceiling_dbtp":-1,"reached":true,"gain_db":2.25,"outputs":[
                {"alternate":"instrumental","integrated_lufs":-16.3,"true_peak_dbtp":-0.9},
                {"alternate":"main","integrated_lufs":-14.02,"true_peak_dbtp":-1.2,"loudness_range_lu":null},
                {"alternate":"main","integrated_lufs":-99.0,"true_peak_dbtp":-1.1}]}"#,
        );
        assert_eq!(number(report.integrated_lufs, 1), "-14.0");
        assert_eq!(number(report.integrated_lufs, 2), "-14.02");
        assert_eq!(report.true_peak_dbtp, Some(-1.2));
        assert_eq!(report.highest_peak_dbtp, Some(-0.9));
        assert_eq!(report.highest_in, "instrumental");
        assert_eq!(report.ceiling_dbtp, Some(-1.0));
        assert_eq!(report.gain_db, Some(2.25));
        assert_eq!(report.reached, Some(true));
        assert_eq!(number(report.loudness_range_lu, 1), "–");
        let silent = r#"{"outputs":[{"alternate":"main","true_peak_dbtp":null},{"true_peak_dbtp":-3.0}]}"#;
        assert_eq!(read(silent).highest_peak_dbtp, None, "one output does not say");
        assert_eq!(read("{\"integrated_lufs\": \"loud"), Report::default());
        assert_eq!(read("[]"), Report::default());
    }
}
