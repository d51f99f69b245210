//! The report of a record that was made, as [`super::Made`] says it: for people who look years later, and for programs. Never here: what is not known
//! already.

use serde_json::{Map, Value, json};

use super::{orders::Orders, room::Finished, work::heard_in};
use crate::{
    disc::{self, Rule},
    profile::{Finding, Kind, Penalty, Plan, consistency, planned_disc},
};

/// It is stored with every record.
const MAX_BYTES: usize = 100 * 1024;
const COLUMNS: [&str; 9] = [
    "file",
    "integrated_lufs",
    "range_lu",
    "max_momentary_lufs",
    "max_short_term_lufs",
    "true_peak_dbtp",
    "sample_peak_dbfs",
    "clipped_samples",
    "over_full_scale",
];
/// Of a list of texts that had to be shortened.
const FEW: usize = 8;
const TEXT_LETTERS: usize = 160;

pub(super) fn report(orders: &Orders, finished: &[Finished]) -> String {
    let sheet = &orders.sheet;
    let on_disc =
        |it: &Plan| it.files.iter().any(|it| it.kind == Kind::DdpImage || it.kind == Kind::DiscImage);
    let disc = orders.plans.iter().any(on_disc).then(|| planned_disc(sheet)).flatten();
    let rules: Vec<Rule> = disc.as_ref().map(disc::check).unwrap_or_default();
    let mut report = Map::new();
    report.insert("made_by".into(), json!(concat!("Deadwax ", env!("CARGO_PKG_VERSION"))));
    report.insert("record".into(), json!(sheet.number));
    report.insert("album_gain_db".into(), json!(sheet.album_gain_db));
    report.insert("profiles".into(), orders.plans.iter().map(profile).collect());
    report.insert("disc".into(), rules.iter().map(rule).collect());
    report.insert("made".into(), heard(orders, finished));
    report.insert("level_columns".into(), json!(COLUMNS));
    report.insert("levels".into(), levels(finished));
    report.insert("consistency".into(), json!(consistency(&sheet.beside())));
    report.insert("penalties".into(), penalties(&orders.plans));
    let mut report = Value::Object(report);
    round(&mut report);
    fitting(report)
}

fn profile(plan: &Plan) -> Value {
    let sounds = plan.files.iter().filter(|it| it.encoding.is_some() || it.kind == Kind::DdpImage);
    json!({
        "name": plan.profile,
        "dated": plan.dated,
        "sha256": plan.sha256,
        "files": plan.files.len(),
        "sounds": sounds.count(),
        "warned": plan.findings.iter().filter(|it| !it.block).map(finding).collect::<Vec<_>>(),
    })
}

fn finding(it: &Finding) -> Value {
    json!({ "code": it.code, "text": it.text, "source": it.source, "mend": it.mend, "songs": it.songs })
}

fn rule(it: &Rule) -> Value {
    json!({ "code": it.code, "text": it.text, "source": it.source, "mend": it.mend, "track": it.track })
}

fn levels(finished: &[Finished]) -> Value {
    let rows = finished.iter().enumerate().filter_map(|(at, it)| {
        let levels = it.levels.as_ref()?;
        Some(json!([
            at,
            it.file.integrated_lufs,
            levels.range_lu,
            levels.max_momentary_lufs,
            levels.max_short_term_lufs,
            it.file.true_peak_dbtp,
            levels.sample_peak_dbfs,
            levels.clipped_samples,
            levels.over_full_scale
        ]))
    });
    rows.collect()
}

/// What is to be known of sounds that were made: what kept none of them from being made.
fn heard(orders: &Orders, finished: &[Finished]) -> Value {
    let of = |(at, it): (usize, &Finished)| -> Vec<Value> {
        let Some(levels) = &it.levels else { return Vec::new() };
        let told = heard_in(orders, at, it.file.true_peak_dbtp, levels);
        let row = |told: &Finding| {
            let mut row = finding(told);
            row["file"] = json!(at);
            row
        };
        told.iter().map(row).collect()
    };
    finished.iter().enumerate().flat_map(of).collect()
}

fn penalties(plans: &[Plan]) -> Value {
    let mut all: Vec<(&Penalty, Vec<&str>)> = Vec::new();
    for plan in plans {
        for it in &plan.penalties {
            match all.iter_mut().find(|(other, _)| *other == it) {
                Some((_, profiles)) => profiles.push(&plan.profile),
                None => all.push((it, vec![&plan.profile])),
            }
        }
    }
    let row = |(it, profiles): (&Penalty, Vec<&str>)| {
        let mut row = json!(it);
        row["profiles"] = json!(profiles);
        row
    };
    all.into_iter().map(row).collect()
}

/// To two places: what was measured is no truer than that.
fn round(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(figure) = number.as_f64().filter(|_| number.is_f64()) {
                let two = (figure * 100.0).round() / 100.0;
                // Minus zero is a zero to people.
                *value = json!(if two == 0.0 { 0.0 } else { two });
            }
        }
        Value::Array(all) => all.iter_mut().for_each(round),
        Value::Object(all) => all.values_mut().for_each(round),
        _ => {}
    }
}

/// What is left out, and how.
type Step = (&'static str, fn(&mut Value));

/// The text, held to its size: what is told elsewhere goes first, and the report says that it is gone.
fn fitting(mut report: Value) -> String {
    let mut left_out: Vec<&str> = Vec::new();
    let steps: [Step; 5] = [
        ("penalties of single songs", |report| each(&mut report["penalties"], |it| it["songs"] = json!([]))),
        ("bands of songs", |report| {
            each(&mut report["consistency"]["songs"], |it| it["bands_db"] = Value::Null);
        }),
        ("long texts, and findings after the first", |report| {
            each(&mut report["profiles"], |it| few(&mut it["warned"]));
            few(&mut report["disc"]);
            few(&mut report["made"]);
            few(&mut report["consistency"]["outliers"]);
        }),
        ("penalties", |report| report["penalties"] = json!([])),
        ("levels but the first two", |report| {
            each(&mut report["levels"], |row| {
                if let Value::Array(row) = row {
                    row.truncate(3);
                }
            });
        }),
    ];
    let mut text = report.to_string();
    for (what, leave_out) in steps {
        if text.len() <= MAX_BYTES {
            break;
        }
        leave_out(&mut report);
        left_out.push(what);
        report["left_out"] = json!(left_out);
        text = report.to_string();
    }
    text
}

fn each(list: &mut Value, change: impl Fn(&mut Value)) {
    if let Value::Array(all) = list {
        all.iter_mut().for_each(change);
    }
}

fn few(list: &mut Value) {
    if let Value::Array(all) = list {
        all.truncate(FEW);
        for it in all {
            match it {
                Value::String(text) => shorten(text),
                Value::Object(fields) => {
                    for field in fields.values_mut() {
                        if let Value::String(text) = field {
                            shorten(text);
                        }
                    }
                }
                _ => {}
            }
        }
    }
}

fn shorten(text: &mut String) {
    if let Some((at, _)) = text.char_indices().nth(TEXT_LETTERS) {
        text.truncate(at);
        text.push('…');
    }
}
