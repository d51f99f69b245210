//! Alternates of one song among the files of a check, told by their names, and what their forensics say. Never here: figures of single files.

use std::path::PathBuf;

use deadwax_dsp::{
    DspError, Flow,
    forensics::{Examination, Part, Severity, examine},
    report::FileReport,
};
use serde_json::json;

use super::preflight::same_song;
use crate::{
    name::Guess,
    verbs::{Context, VerbError, out::Bar},
};

/// A main and the alternates that came with it.
pub struct Set {
    pub title: String,
    pub number: Option<u32>,
    pub main: PathBuf,
    pub alternates: Vec<(String, Part, PathBuf)>,
}

/// One set for each main that came with at least one alternate. Two mains of one song and version are left to the other checks: nobody could say whose
/// the alternates are.
pub fn sets(files: &[(FileReport, Guess)]) -> Vec<Set> {
    let is_main = |guess: &Guess| guess.alternate == "main";
    let mut sets = Vec::new();
    for (report, guess) in files.iter().filter(|(_, guess)| is_main(guess)) {
        let of_it = |other: &&(FileReport, Guess)| same_song(&other.1, guess);
        if files.iter().filter(of_it).filter(|(_, g)| is_main(g)).count() > 1 {
            continue;
        }
        let alternates: Vec<_> = files
            .iter()
            .filter(of_it)
            .filter(|(_, g)| !is_main(g))
            .map(|(r, g)| (g.alternate.clone(), part(&g.alternate), r.file.clone()))
            .collect();
        if !alternates.is_empty() {
            let (title, number) = (guess.title.clone(), guess.number);
            sets.push(Set { title, number, main: report.file.clone(), alternates });
        }
    }
    sets
}

/// What a token means for the ears.
pub fn part(token: &str) -> Part {
    let db = |rest: &str| rest.parse::<f64>().ok();
    if let Some(db) = token.strip_prefix("vocal-up+").and_then(db) {
        return Part::VocalUp(db);
    }
    if let Some(db) = token.strip_prefix("vocal-down-").and_then(db) {
        return Part::VocalDown(db);
    }
    match token {
        "main" => Part::Main,
        "instrumental" => Part::Instrumental,
        "a-cappella" => Part::Acappella,
        "tv" => Part::Tv,
        "clean" => Part::Clean,
        // Shorter or longer on purpose.
        "radio-edit" | "extended" | "sting" | "bumper" | "underscore" => Part::Edit,
        other if other.starts_with("cut-") => Part::Edit,
        other if other.starts_with("stem-") => Part::Stem(other.to_owned()),
        _ => Part::Other,
    }
}

/// Codes that the checks of single files have said already, with the limits of the profile.
const SAID: [(&str, &str); 4] = [
    ("ALT_LENGTH", "ALTERNATE_LENGTH"),
    ("ALT_RATE", "ALTERNATE_FORMAT"),
    ("ALT_CHANNELS", "ALTERNATE_FORMAT"),
    ("ALT_SAME_FILE", "SAME_BYTES"),
];

/// Listens to a set. `said`: codes found for a token's file already.
pub fn listen(set: &Set, said: &dyn Fn(&str, &str) -> bool) -> Result<Examination, DspError> {
    let bar = Bar::share(&set.title);
    let mut heard = examine(&set.main, &set.alternates, &mut |share| {
        bar.step("", share);
        Flow::Go
    })?;
    heard.findings.retain(|f| {
        let twin = SAID.iter().find(|(code, _)| *code == f.code);
        let token = f.tokens.first().map_or("", String::as_str);
        twin.is_none_or(|(_, of_file)| !said(token, of_file))
    });
    Ok(heard)
}

/// A line for each verdict, or one object. Whether nothing blocks.
pub fn print(c: &Context, set: &Set, heard: &Examination) -> Result<bool, VerbError> {
    let version = set.number.map_or_else(String::new, |n| format!(" v{n:02}"));
    let mut text =
        format!("{}{version}, main and {} alternate(s), heard together:", set.title, set.alternates.len());
    for finding in &heard.findings {
        let weight = match finding.severity {
            Severity::Block => "BLOCK",
            Severity::Warn => "warn ",
            Severity::Info => "info ",
        };
        text += &format!("\n  {weight}  {}: {}", finding.code, finding.words);
    }
    if heard.findings.is_empty() {
        text += "\n  fine: they start, run and end with their main, and nothing strange is in them.";
    }
    let files: Vec<_> = set
        .alternates
        .iter()
        .map(|(token, _, path)| json!({ "alternate": token, "file": path.to_string_lossy() }))
        .collect();
    c.out.both(
        &text,
        &json!({
            "set": set.title, "version": set.number, "main": set.main.to_string_lossy(), "alternates": files, "passed": !heard.blocked(),
            "findings": heard.findings, "laid": heard.laid, "sums": heard.sums, "vocal_db": heard.vocal_db,
        }),
    )?;
    Ok(!heard.blocked())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_become_parts() {
        assert_eq!(part("vocal-up+0.5"), Part::VocalUp(0.5));
        assert_eq!(part("vocal-down-1.0"), Part::VocalDown(1.0));
        assert_eq!(part("stem-3"), Part::Stem("stem-3".into()));
        assert_eq!(part("cut-30"), Part::Edit);
        assert_eq!(part("tv-lowered"), Part::Other);
        assert_eq!(part("a-cappella"), Part::Acappella);
    }
}
