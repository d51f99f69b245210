//! What a dry run and a record say, in words for verbs and screens alike: sums, findings, what the services do to the level, sizes and lengths. Pure; foreign text
//! is scrubbed where it is printed or drawn.

use deadwax_proto::v1::{PlanFinding, PlanResponse, PlannedFile, RecordFile, RecordRow, RecordState};
use serde::Deserialize;
use serde_json::Value;

use crate::verbs::words;

/// What one service does to the level of the songs.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Penalty {
    pub service: String,
    /// Listeners choose it.
    pub by_choice: bool,
    /// One gain for the record as a whole.
    pub album: bool,
    pub album_change_db: Option<f64>,
    pub tracks: Vec<Change>,
}

#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub struct Change {
    pub song_id: String,
    pub change_db: Option<f64>,
    pub over_peak_db: Option<f64>,
}

/// `None`: this client cannot read what the studio wrote.
pub fn penalties(json: &str) -> Option<Vec<Penalty>> {
    if json.trim().is_empty() {
        return Some(Vec::new());
    }
    serde_json::from_str(json).ok()
}

/// "Spotify turns the record down by 3.6 dB", "YouTube turns songs down by 0.4 to 3.6 dB".
pub fn penalty(it: &Penalty) -> String {
    let service = crate::scrub::line(&it.service);
    let service = if it.by_choice { format!("{service}, where it is chosen,") } else { service };
    let whole = it.album_change_db.filter(|db| it.album && db.is_finite());
    let each = it.tracks.iter().filter(|_| whole.is_none()).filter_map(|it| it.change_db);
    let changes = || each.clone().filter(|it| it.is_finite()).chain(whole);
    let least = changes().fold(f64::INFINITY, f64::min);
    let most = changes().fold(f64::NEG_INFINITY, f64::max);
    let what = if it.album { "the record" } else { "songs" };
    let plays = |db: f64| db.abs() < 0.05;
    let by = |a: f64, b: f64| {
        let (a, b) = (a.abs().min(b.abs()), a.abs().max(b.abs()));
        if b - a < 0.05 { format!("{b:.1} dB") } else { format!("{a:.1} to {b:.1} dB") }
    };
    let level = match (least, most) {
        (least, most) if least > most => return format!("{service} says nothing of its level"),
        (least, most) if plays(least) && plays(most) => format!("plays {what} as it is signed"),
        (least, most) if most < 0.05 => format!("turns {what} down by {}", by(least, most.min(0.0))),
        (least, most) if least > -0.05 => format!("turns {what} up by {}", by(least.max(0.0), most)),
        (least, most) => format!("moves {what} by {least:+.1} to {most:+.1} dB"),
    };
    let over = it.tracks.iter().filter_map(|it| it.over_peak_db).filter(|it| it.is_finite());
    let over = over.fold(0.0, f64::max);
    match over {
        0.05.. => format!("{service} {level}; true peaks are up to {over:.1} dB over what it asks"),
        _ => format!("{service} {level}"),
    }
}

/// Sentences on what stands out among the songs.
pub fn outliers(json: &str) -> Vec<String> {
    let value: Value = serde_json::from_str(json).unwrap_or_default();
    let all = value.get("outliers").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    all.iter().filter_map(Value::as_str).map(crate::scrub::line).collect()
}

/// Whether the studio is still at work on it.
pub fn is_under_way(row: &RecordRow) -> bool {
    matches!(row.state(), RecordState::Queued | RecordState::Running)
}

/// It ended as it should: it is made, or it came out as a record that stands already.
pub fn ended_well(row: &RecordRow) -> bool {
    matches!(row.state(), RecordState::Made | RecordState::Delivered) || row.same_as > 0
}

pub fn blocks(plan: &PlanResponse) -> usize {
    plan.findings.iter().filter(|it| it.block).count()
}

/// "Dry run with spacing 3: 42 files, 1.3 GB; 1 block, 2 warnings"
pub fn sum(plan: &PlanResponse) -> String {
    let with = match plan.spacing {
        0 => "no spacing".to_owned(),
        number => format!("spacing {number}"),
    };
    let (blocks, all) = (blocks(plan), plan.findings.len());
    format!(
        "Dry run with {with}: {}, {}; {}, {}",
        count(plan.files.len(), "file", "files"),
        size(plan.bytes),
        count(blocks, "block", "blocks"),
        count(all - blocks, "warning", "warnings")
    )
}

/// "× cd: CD_TEXT: The title ..."
pub fn finding(it: &PlanFinding, title: &str) -> String {
    let sign = if it.block { "× blocks" } else { "! warns" };
    let of: Vec<&str> = [it.profile.as_str(), title].into_iter().filter(|it| !it.is_empty()).collect();
    let of = if of.is_empty() { String::new() } else { format!(" [{}]", of.join(", ")) };
    format!("{sign}{of} {}: {}", it.code, it.text)
}

/// Inside of the profile's own folder.
pub fn inner<'a>(profile: &str, folder: &'a str) -> &'a str {
    match folder.strip_prefix(profile) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => rest.trim_start_matches('/'),
        _ => folder,
    }
}

/// "3:24.0"; empty for what is no sound.
pub fn length(frames: u64, sample_rate: u32) -> String {
    if sample_rate == 0 || frames == 0 {
        return String::new();
    }
    words::clock(frames as f64 / f64::from(sample_rate))
}

/// "24/96"; empty for what is no sound.
pub fn sound(file: &RecordFile) -> String {
    if file.sample_rate == 0 {
        return String::new();
    }
    let khz = f64::from(file.sample_rate) / 1000.0;
    if file.bits == 0 { format!("{khz}") } else { format!("{}/{khz}", file.bits) }
}

/// "12 samples were cut off at full scale"; `None` where none was, or nobody counted.
pub fn cut_off(file: &RecordFile) -> Option<String> {
    let samples = file.over_full_scale.filter(|samples| *samples > 0)?;
    let (count, were) =
        if samples == 1 { ("1 sample".to_owned(), "was") } else { (format!("{samples} samples"), "were") };
    Some(format!("{count} {were} cut off at full scale"))
}

/// Of a planned file; "~" where it is a guess.
pub fn planned_size(it: &PlannedFile) -> String {
    let guess = if it.estimated { "~" } else { "" };
    format!("{guess}{}", size(it.bytes))
}

pub fn size(bytes: u64) -> String {
    let value = bytes as f64;
    match bytes {
        0..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", value / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", value / 1e6),
        _ => format!("{:.2} GB", value / 1e9),
    }
}

/// How many files it has, whether they stand in the row or not.
pub fn files(row: &RecordRow) -> usize {
    row.files.len().max(usize::try_from(row.file_count).unwrap_or(usize::MAX))
}

/// Its files are here; those of older records are asked for.
pub fn is_whole(row: &RecordRow) -> bool {
    row.files.len() == files(row)
}

/// Of all its files.
pub fn bytes(row: &RecordRow) -> u64 {
    if !is_whole(row) {
        return row.bytes;
    }
    row.files.iter().fold(0, |sum, it| sum.saturating_add(it.bytes))
}

pub fn count(number: usize, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {many}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_service_does_is_one_sentence() {
        let of = |album: bool, changes: &[f64]| {
            let track = |db: &f64| Change { change_db: Some(*db), ..Change::default() };
            let tracks = changes.iter().map(track).collect();
            penalty(&Penalty { service: "S".into(), album, tracks, ..Penalty::default() })
        };
        for (album, changes, wanted) in [
            (true, &[-3.6, -3.6][..], "S turns the record down by 3.6 dB"),
            (false, &[-3.6, -0.4], "S turns songs down by 0.4 to 3.6 dB"),
            (false, &[0.0, -2.0], "S turns songs down by 0.0 to 2.0 dB"),
            (false, &[1.0, 2.0], "S turns songs up by 1.0 to 2.0 dB"),
            (false, &[1.0, -2.0], "S moves songs by -2.0 to +1.0 dB"),
            (true, &[0.0], "S plays the record as it is signed"),
            (true, &[], "S says nothing of its level"),
            (true, &[f64::NAN], "S says nothing of its level"),
        ] {
            assert_eq!(of(album, changes), wanted);
        }
        let track = Change { change_db: Some(-9.0), over_peak_db: Some(0.41), ..Change::default() };
        let it = Penalty {
            service: "S".into(),
            by_choice: true,
            album: true,
            album_change_db: Some(-3.6),
            tracks: vec![track],
        };
        let wanted = "S, where it is chosen, turns the record down by 3.6 dB; true peaks are up to 0.4 dB over what it asks";
        assert_eq!(penalty(&it), wanted, "the gain is that of the record");
    }

    #[test]
    fn what_cannot_be_read_is_no_empty_report() {
        assert_eq!(penalties(""), Some(Vec::new()));
        assert_eq!(penalties("{"), None);
        let it = penalties(
            r#"[{"service":"Tidal","album":true,"tracks":[{"song_id":"s","change_db":-1.5}],"new":1}]"#,
        );
        assert_eq!(it.unwrap()[0].tracks[0].change_db, Some(-1.5));
        assert!(outliers("nonsense").is_empty());
        assert_eq!(outliers(r#"{"outliers":["Lamps is 4.0 LU louder."]}"#), ["Lamps is 4.0 LU louder."]);
    }

    #[test]
    fn the_folder_of_the_profile_is_said_once() {
        assert_eq!((inner("cd", "cd"), inner("cd", "cd/DDP"), inner("cd", "DDP")), ("", "DDP", "DDP"));
        assert_eq!(inner("cd", "cdx/DDP"), "cdx/DDP");
    }
}
