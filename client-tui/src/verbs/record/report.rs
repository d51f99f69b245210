//! The report of a made record in words, for `record show N --report` and the page of the room: levels of every file, what the checks warned of, the rules of the disc,
//! how even the songs are, what the services do to the level. Pure. A line without an indent is a heading. Never here: where the report comes from.

use deadwax_proto::v1::RecordFile;
use serde::Deserialize;
use serde_json::Value;

use super::{
    show::fit,
    told::{self, Change, Penalty},
};
use crate::scrub;

const COLUMNS: usize = 78;
/// What goes on below is indented so far at most, whatever stood before it.
const INDENT_MAX: usize = 8;
/// Of a table: the name of a file or a song.
const NAME: usize = 36;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Report {
    made_by: String,
    album_gain_db: Option<f64>,
    profiles: Vec<Profile>,
    disc: Vec<Found>,
    level_columns: Vec<String>,
    levels: Vec<Vec<Value>>,
    consistency: Consistency,
    penalties: Vec<Service>,
    left_out: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Profile {
    name: String,
    dated: String,
    files: u64,
    warned: Vec<Found>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Found {
    code: String,
    text: String,
    source: String,
    mend: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Consistency {
    median_lufs: Option<f64>,
    spread_lu: Option<f64>,
    songs: Vec<Song>,
    outliers: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Song {
    title: String,
    integrated_lufs: Option<f64>,
    from_median_lu: Option<f64>,
    step_lu: Option<f64>,
    range_lu: Option<f64>,
    true_peak_dbtp: Option<f64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Service {
    platform: String,
    by_choice: bool,
    songs: Vec<Heard>,
    album: Option<Heard>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Heard {
    gain_db: Option<f64>,
    over_peak_db: Option<f64>,
}

/// `files`: of the record, in the order of its row. `None`: this client cannot read what the studio wrote.
pub fn lines(json: &str, files: &[RecordFile]) -> Option<Vec<String>> {
    let value: Value = serde_json::from_str(json).ok().filter(Value::is_object)?;
    let report: Report = serde_json::from_value(value).ok()?;
    let mut said =
        vec![format!("Made by {}", said_or(&report.made_by, "a studio that does not say by what"))];
    if let Some(db) = report.album_gain_db.filter(|db| db.abs() >= 0.005) {
        said.push(format!("  all songs were moved together by {db:+.2} dB"));
    }
    levels(&report, files, &mut said);
    for profile in &report.profiles {
        let files = told::count(usize::try_from(profile.files).unwrap_or(usize::MAX), "file", "files");
        said.push(format!("{}, {}: {files}", scrub::line(&profile.name), scrub::line(&profile.dated)));
        found(&profile.warned, "its checks warned of nothing", &mut said);
    }
    if !report.disc.is_empty() {
        said.push("The disc".into());
        found(&report.disc, "", &mut said);
    }
    songs(&report.consistency, &mut said);
    let services: Vec<&Service> = report.penalties.iter().collect();
    if !services.is_empty() {
        said.push("What the services do to its level".into());
        said.extend(services.into_iter().map(|it| format!("  {}", told::penalty(&penalty(it)))));
    }
    if !report.left_out.is_empty() {
        said.push("Left out, because the report would be too long".into());
        said.extend(report.left_out.iter().map(|it| format!("  {}", scrub::line(it))));
    }
    Some(said)
}

fn said_or(text: &str, else_: &str) -> String {
    let text = scrub::line(text);
    if text.is_empty() { else_.to_owned() } else { text }
}

/// "-14.2"; a dash for silence and for what was not measured.
fn figure(value: Option<f64>) -> String {
    value.filter(|it| it.is_finite()).map_or_else(|| "–".to_owned(), |it| format!("{it:.1}"))
}

fn signed(value: Option<f64>) -> String {
    value.filter(|it| it.is_finite()).map_or_else(|| "–".to_owned(), |it| format!("{it:+.1}"))
}

fn levels(report: &Report, files: &[RecordFile], said: &mut Vec<String>) {
    if report.levels.is_empty() {
        return;
    }
    let column = |name: &str| report.level_columns.iter().position(|it| it == name);
    let (file, lufs, range) = (column("file"), column("integrated_lufs"), column("range_lu"));
    let (peak, clipped, over) =
        (column("true_peak_dbtp"), column("clipped_samples"), column("over_full_scale"));
    said.push("Levels of the files".into());
    said.push(format!(
        "  {}{:>8}{:>8}{:>8}{:>9}{:>7}",
        fit("", NAME),
        "LUFS",
        "LU",
        "dBTP",
        "clipped",
        "over"
    ));
    for row in &report.levels {
        let cell = |at: Option<usize>| at.and_then(|at| row.get(at));
        let number = |at: Option<usize>| cell(at).and_then(Value::as_f64);
        let count = |at: Option<usize>| match cell(at) {
            Some(Value::Bool(yes)) => if *yes { "yes" } else { "no" }.to_owned(),
            Some(Value::Number(it)) => it.to_string(),
            _ => "–".to_owned(),
        };
        let at = cell(file).and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok());
        let name = at.and_then(|at| files.get(at)).map_or_else(
            || "a file that is not listed".to_owned(),
            |it| format!("{}: {}", it.profile, it.name),
        );
        said.push(format!(
            "  {}{:>8}{:>8}{:>8}{:>9}{:>7}",
            fit(&name, NAME),
            figure(number(lufs)),
            figure(number(range)),
            figure(number(peak)),
            scrub::cut(&count(clipped), 8),
            scrub::cut(&count(over), 6)
        ));
    }
}

fn found(all: &[Found], none: &str, said: &mut Vec<String>) {
    if all.is_empty() && !none.is_empty() {
        said.push(format!("  {none}"));
    }
    for it in all {
        said.push(format!("  ! {}: {}", scrub::line(&it.code), scrub::line(&it.text)));
        for (word, text) in [("mend", &it.mend), ("from", &it.source)] {
            if !text.is_empty() {
                said.push(format!("    {word}: {}", scrub::line(text)));
            }
        }
    }
}

fn songs(it: &Consistency, said: &mut Vec<String>) {
    if it.songs.is_empty() {
        return;
    }
    let (median, spread) = (figure(it.median_lufs), figure(it.spread_lu));
    said.push(format!("The songs beside each other: median {median} LUFS, spread {spread} LU"));
    let head =
        format!("  {}{:>8}{:>9}{:>7}{:>8}{:>8}", fit("", NAME), "LUFS", "median", "step", "LU", "dBTP");
    said.push(head);
    for song in &it.songs {
        said.push(format!(
            "  {}{:>8}{:>9}{:>7}{:>8}{:>8}",
            fit(&song.title, NAME),
            figure(song.integrated_lufs),
            signed(song.from_median_lu),
            signed(song.step_lu),
            figure(song.range_lu),
            figure(song.true_peak_dbtp)
        ));
    }
    said.extend(it.outliers.iter().map(|text| format!("  ! {}", scrub::line(text))));
}

fn penalty(it: &Service) -> Penalty {
    let change = |heard: &Heard| Change {
        change_db: heard.gain_db,
        over_peak_db: heard.over_peak_db,
        ..Change::default()
    };
    Penalty {
        service: it.platform.clone(),
        by_choice: it.by_choice,
        album: it.album.is_some(),
        album_change_db: it.album.as_ref().and_then(|heard| heard.gain_db),
        tracks: it.songs.iter().map(change).collect(),
    }
}

/// For a terminal: what is longer than a line goes on below, under its own indent.
pub fn wrapped(lines: &[String]) -> String {
    let mut text = String::new();
    for line in lines {
        let indent = (line.len() - line.trim_start().len()).min(INDENT_MAX);
        let mut rest = line.trim_end();
        let mut first = true;
        while !rest.is_empty() {
            let pad = if first { 0 } else { indent + 2 };
            let cut = end(rest, COLUMNS.saturating_sub(pad));
            text += &format!("{}{}\n", " ".repeat(pad), rest[..cut].trim_end());
            rest = rest[cut..].trim_start();
            first = false;
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// Where a line of so many columns ends: behind its last word that fits, or in the middle of one that never would.
fn end(text: &str, columns: usize) -> usize {
    let (mut used, mut word) = (0, 0);
    for (at, c) in text.char_indices() {
        used += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if used > columns {
            return match (word, at) {
                (0, 0) => c.len_utf8(),
                (0, at) => at,
                (word, _) => word,
            };
        }
        if c == ' ' && !text[..at].trim().is_empty() {
            word = at + 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    const REPORT: &str = r#"{"made_by":"Deadwax 0.7.0","record":2,"album_gain_db":1.25,
        "profiles":[{"name":"cd","dated":"2026-11-21","files":3,"sounds":1,"warned":[
            {"code":"CD_TEXT","text":"The title has letters that CD-Text has not, and it goes on for longer than one line of a terminal is wide.","source":"the red book","mend":"Give it a title in Latin letters.","songs":[0]}]},
            {"name":"hi-res","dated":"2026-11-21","files":1,"sounds":1,"warned":[]}],
        "disc":[{"code":"SHORT","text":"Track 1 is short.","source":"the red book","mend":"","track":1}],
        "level_columns":["file","integrated_lufs","range_lu","max_momentary_lufs","max_short_term_lufs","true_peak_dbtp","sample_peak_dbfs","clipped_samples","over_full_scale"],
        "levels":[[1,-9.04,4.2,-7.0,-8.0,0.31,0.0,12,3],[9,null,0.0,null,null,null,null,0,0]],
        "consistency":{"median_lufs":-14.0,"spread_lu":5.0,"songs":[{"title":"Lamps\u001b[2J","integrated_lufs":-9.0,"from_median_lu":5.0,"step_lu":null,"range_lu":4.2,"true_peak_dbtp":0.31,"bands_db":null}],"outliers":["Lamps is 5.0 LU louder than the record."]},
        "penalties":[{"platform":"Spotify","by_choice":false,"source":"its help","plays_at_lufs":-14.0,"songs":[],"album":{"integrated_lufs":-9.0,"gain_db":-5.0,"unsaid_db":0.0,"over_peak_db":1.3},"profiles":["cd"]}],
        "left_out":["bands of songs"]}"#;

    fn files() -> Vec<RecordFile> {
        let file =
            |name: &str| RecordFile { profile: "cd".into(), name: name.into(), ..RecordFile::default() };
        vec![file("DDPID"), file("夜のドライブととても長い名前のファイルのための名前.wav")]
    }

    #[test]
    fn everything_that_was_found_is_told() {
        let said = lines(REPORT, &files()).expect("a report");
        let all = said.join("\n");
        for part in [
            "Made by Deadwax 0.7.0",
            "all songs were moved together by +1.25 dB",
            "cd, 2026-11-21: 3 files",
            "! CD_TEXT: The title",
            "mend: Give it a title",
            "from: the red book",
            "its checks warned of nothing",
            "! SHORT: Track 1",
            "median -14.0 LUFS, spread 5.0 LU",
            "! Lamps is 5.0 LU louder",
            "Spotify turns the record down by 5.0 dB",
            "bands of songs",
        ] {
            assert!(all.contains(part), "{part}\n{all}");
        }
        let level = said.iter().find(|it| it.contains("夜の")).expect("its level");
        assert!(level.ends_with("    -9.0     4.2     0.3       12      3"), "{level}");
        let silent = said.iter().find(|it| it.contains("not listed")).expect("its level");
        assert!(silent.contains("–"), "silence has no figure: {silent}");
        assert!(!all.contains('\x1b'), "a title is nobody's command");
    }

    #[test]
    fn lines_stay_in_80_columns_and_lose_no_word() {
        let said = lines(REPORT, &files()).expect("a report");
        let text = wrapped(&said);
        for line in text.lines() {
            assert!(line.width() <= 80, "{line}");
        }
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(words(&text), words(&said.join("\n")));
        // A word that no line has room for.
        let long = vec!["  ".to_owned() + &"夜".repeat(200)];
        assert_eq!(wrapped(&long).chars().filter(|it| *it == '夜').count(), 200);
        // An indent of others' making, and a letter without a width before a wide one.
        let odd = vec![format!("{}{}", " ".repeat(200), "\u{301}𝄞".repeat(100))];
        assert_eq!(wrapped(&odd).chars().filter(|it| *it == '𝄞').count(), 100);
    }

    #[test]
    fn what_is_no_report_is_none() {
        assert_eq!(lines("", &[]), None);
        assert_eq!(lines("[]", &[]), None);
        assert!(lines("{}", &[]).is_some_and(|it| it.len() == 1));
    }
}
