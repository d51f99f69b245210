//! The record itself: planned when it cannot be made yet, planned again, made, signed, delivered, fetched; and a second one that says what differs. What was
//! planned is held against what was made. Never here: programs of others.

use std::{collections::BTreeMap, fs, path::PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{Lp, asked::Asked, songs, spacing};
use crate::{
    demo::studio::{digest, text},
    ep::Ep,
    harness::Said,
};

/// A record in the hands: its row, its plan, and where its files lie.
pub struct Made {
    pub number: u64,
    pub row: Value,
    pub plan: Value,
    /// What the house said on the day that it was planned.
    pub asked: Asked,
    /// What was measured when it was made.
    pub report: Value,
    pub folder: PathBuf,
}

impl Made {
    pub fn files(&self) -> impl Iterator<Item = &Value> {
        self.row["files"].as_array().into_iter().flatten()
    }

    pub fn planned(&self) -> impl Iterator<Item = &Value> {
        self.plan["files"].as_array().into_iter().flatten()
    }

    pub fn path(&self, file: &Value) -> PathBuf {
        self.folder.join(place(file))
    }
}

/// Where a file lies in the delivery: below the folder of its profile.
pub fn place(file: &Value) -> String {
    let (profile, folder, name) = (text(file, "profile"), text(file, "folder"), text(file, "name"));
    match folder.strip_prefix(profile) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{folder}/{name}"),
        _ if folder.is_empty() => format!("{profile}/{name}"),
        _ => format!("{profile}/{folder}/{name}"),
    }
}

/// All that come along and ask for files.
fn shipped(lp: &Lp) -> Result<Vec<String>> {
    let said = lp.ep.ines.verb(["record", "profiles"])?;
    let lines = said.lines.iter().flat_map(|line| match line["profiles"].as_array() {
        Some(list) => list.clone(),
        None => vec![line.clone()],
    });
    let asks = |profile: &Value| {
        let toml = text(profile, "toml");
        toml.is_empty() || toml.contains("[[file]]")
    };
    let names: Vec<String> = lines.filter(asks).map(|profile| text(&profile, "name").to_owned()).collect();
    lp.ep.log.check(names.len() >= 16, format!("{} profiles: {}", names.len(), names.join(", ")))?;
    Ok(names)
}

fn plan(lp: &Lp, profiles: &[String]) -> Result<Said> {
    lp.ep.ines.try_verb(["record", "plan", "--for", &profiles.join(",")])
}

fn blocks(plan: &Value) -> Vec<&Value> {
    plan["findings"].as_array().into_iter().flatten().filter(|finding| finding["block"] == true).collect()
}

/// The dry run says why the record does not fit yet, for each profile, with source and mend; nothing can be started.
pub fn planned_too_early(lp: &Lp) -> Result<()> {
    let Ep { ines, log, .. } = &lp.ep;
    log.step("Nine songs are signed; the dry run of all profiles says what is missing");
    for piece in lp.pieces.iter().filter(|piece| piece.title != songs::FORGOTTEN) {
        songs::signed(lp, piece)?;
    }
    let profiles = shipped(lp)?;
    let without = plan(lp, &profiles)?;
    log.check(
        without.code != 0 && without.stderr.contains("NO_SPACING"),
        "without a running order there is no plan",
    )?;
    spacing::set(lp, &spacing::first_idea(lp)?, "spacing-1")?;
    let said = plan(lp, &profiles)?;
    log.same(&said.code, &1, "the dry run ends with 1: something blocks")?;
    let plan = said.first();
    let mut per_profile: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for finding in blocks(plan) {
        let of = text(finding, "profile");
        log.say(&format!("{of}: {} {}", text(finding, "code"), text(finding, "text")));
        per_profile.entry(of).or_default().push(text(finding, "code"));
        let whole = ["text", "source", "mend"].iter().all(|key| !text(finding, key).is_empty());
        log.check(whole, format!("it names its source and its mend: {}", text(finding, "mend")))?;
    }
    let has = |profile: &str, code: &str| per_profile.get(profile).is_some_and(|codes| codes.contains(&code));
    log.check(has("sync", "ALTERNATE_MISSING"), "sync wants the instrumental of every song")?;
    for plant in profiles.iter().filter(|name| name.starts_with("vinyl")) {
        log.check(
            has(plant, "SIDE_CROSSFADE"),
            format!("{plant}: no crossfade runs over the end of a side"),
        )?;
    }
    let unsigned = blocks(plan).iter().any(|finding| {
        finding.to_string().contains(songs::FORGOTTEN) || !text(finding, "song_id").is_empty()
    });
    log.check(unsigned, "and the song that nobody signed yet is named")?;
    let early = ines.try_verb(["record", "start", "--for", "streaming", "--yes"])?;
    log.check(early.code == 1, "a record of unsigned songs is not begun")?;
    let typo = lp.ep.root.join("typo.toml");
    fs::write(
        &typo,
        "name = \"mine\"\ndated = \"2026-11-21\"\nsources = [\"us\"]\n\n[[file]]\nkind = \"trakc\"\n",
    )?;
    let typo = ines.try_verb(["record", "plan", "--file", &typo.to_string_lossy()])?;
    log.check(
        typo.code != 0 && typo.stderr.contains('6'),
        format!("a slip in a profile is told with its line: {}", typo.stderr.trim()),
    )
}

/// All profiles, from the plan to the folder.
pub fn first_record(lp: &Lp) -> Result<Made> {
    let Ep { lena, artist, log, .. } = &lp.ep;
    log.step("Record 1 for every profile: planned, made, signed, delivered, fetched");
    let profiles = shipped(lp)?;
    let made = pressed(lp, &profiles)?;
    log.same(&made.number, &1, "it is Record 1")?;
    let unsigned = lena.try_verb(["record", "deliver", "1", "--yes"])?;
    log.check(unsigned.code == 1, "nothing is delivered that nobody signed")?;
    artist.refused("NOT_YOUR_ROLE", ["record", "approve", "1", "--as", "artist", "--yes"])?;
    lena.verb(["record", "approve", "1", "--as", "label", "--yes"])?;
    lena.verb(["record", "deliver", "1", "--yes"])?;
    lena.refused("DELIVERED_ALREADY", ["record", "deliver", "1", "--yes"])?;
    fetched(lp, made)
}

/// A gap is another, the first song is hidden: a new number, for the disc and the listeners; Record 1 stays as it was.
pub fn second_record(lp: &Lp, first: &Made) -> Result<Made> {
    let Ep { lena, log, .. } = &lp.ep;
    log.step("Another gap and a hidden song: Record 2 says what differs, Record 1 stays as it was");
    spacing::with_a_hidden_song(lp)?;
    lena.verb(["spacing", "approve", "--role", "label", "--yes"])?;
    let made = pressed(lp, &["cd".to_owned(), "streaming".to_owned()])?;
    log.same(&made.number, &2, "it is Record 2")?;
    let differs = made.row["differs"].to_string();
    log.say(&format!("what differs: {differs}"));
    log.check(
        differs.contains("2.75") && differs.contains("hidden"),
        "it says which gap, and what is hidden",
    )?;
    lena.verb(["record", "approve", "2", "--as", "label", "--yes"])?;
    lena.verb(["record", "deliver", "2", "--yes"])?;
    let before = show(lp, first.number)?;
    log.same(&before["fingerprint"], &first.row["fingerprint"], "Record 1 has the files that it had")?;
    log.same(&text(&before, "state"), &"delivered", "and stays delivered")?;
    fetched(lp, made)
}

/// Plans, starts and follows it to its end, and holds what was made against the plan.
fn pressed(lp: &Lp, profiles: &[String]) -> Result<Made> {
    let Ep { ines, log, .. } = &lp.ep;
    let said = plan(lp, profiles)?;
    let plan = said.first().clone();
    let asked = Asked::of(lp, profiles)?;
    for finding in blocks(&plan) {
        log.say(&format!(
            "blocks: {} {} {}",
            text(finding, "profile"),
            text(finding, "code"),
            text(finding, "text")
        ));
    }
    log.check(said.code == 0 && plan["ready"] == true, "the dry run is ready")?;
    let warned = plan["findings"].as_array().map_or(0, Vec::len);
    let count = plan["files"].as_array().map_or(0, Vec::len);
    log.say(&format!("{count} files, {} bytes, {warned} things to know", plan["bytes"]));
    let mut told = (0.0, true);
    let names = profiles.join(",");
    ines.follow_verb(&["record", "start", "--for", &names, "--watch", "--yes"], |line| {
        let Some(fraction) = line["fraction"].as_f64() else { return };
        told.1 &= fraction >= told.0 - 1e-9;
        if fraction >= told.0 + 0.2 {
            log.say(&format!("{:>3.0} %  {}", fraction * 100.0, text(line, "step")));
        }
        told.0 = told.0.max(fraction);
    })?;
    log.check(told.1, "progress never goes backwards")?;
    let newest = ines.verb(["record", "show"])?;
    let number = newest.lines.iter().filter_map(|line| line["number"].as_u64()).max().context("no record")?;
    let row = show(lp, number)?;
    log.same(&text(&row, "state"), &"made", &format!("Record {number} is made"))?;
    let folder = lp.out.join(format!("Record-{number}"));
    let report =
        lp.ep.lena.verb(["record", "show", &number.to_string(), "--report"])?.first()["report"].clone();
    let made = Made { number, row, plan, asked, report, folder };
    as_planned(lp, &made)?;
    Ok(made)
}

fn show(lp: &Lp, number: u64) -> Result<Value> {
    let said = lp.ep.lena.verb(["record", "show", &number.to_string()])?;
    let row = said.lines.iter().find(|line| line["number"].as_u64() == Some(number));
    row.cloned().with_context(|| format!("no Record {number}"))
}

/// Every planned file was made, with the format, length and size that the plan said; nothing else was.
fn as_planned(lp: &Lp, made: &Made) -> Result<()> {
    let log = &lp.ep.log;
    let files: BTreeMap<String, &Value> = made.files().map(|file| (place(file), file)).collect();
    let planned: BTreeMap<String, &Value> = made.planned().map(|file| (place(file), file)).collect();
    let lacking: Vec<&String> = planned.keys().filter(|place| !files.contains_key(*place)).collect();
    let beyond: Vec<&String> = files.keys().filter(|place| !planned.contains_key(*place)).collect();
    log.check(
        lacking.is_empty() && beyond.is_empty(),
        format!("{} files, as planned; lacking {lacking:?}, beyond {beyond:?}", files.len()),
    )?;
    let (mut exact, mut sized) = (0, 0);
    for (place, plan) in &planned {
        let file = files[place];
        for key in ["profile", "kind", "sample_rate", "frames", "exact"] {
            if plan[key] != file[key] {
                log.check(
                    false,
                    format!("{place}: {key} was planned as {} and is {}", plan[key], file[key]),
                )?;
            }
        }
        if plan["estimated"] != true && plan["bytes"] != file["bytes"] {
            log.check(
                false,
                format!("{place}: {} bytes were planned, {} were made", plan["bytes"], file["bytes"]),
            )?;
        }
        sized += usize::from(plan["estimated"] != true);
        exact += usize::from(file["exact"] == true);
    }
    log.check(true, "rate, length, kind of each as planned")?;
    log.check(sized > 0, format!("{sized} sizes were known to the byte before"))?;
    log.check(exact > 0, format!("{exact} files hold the signed samples bit for bit"))
}

/// Into the folder; every digest is the one that was signed. A second fetch takes nothing, a touched file is not overwritten.
fn fetched(lp: &Lp, made: Made) -> Result<Made> {
    let Ep { lena, log, .. } = &lp.ep;
    let (number, to) = (made.number.to_string(), made.folder.to_string_lossy().into_owned());
    lena.verb(["record", "fetch", &number, "--to", &to])?;
    for file in made.files() {
        let path = made.path(file);
        let there = digest(&path)?;
        if there != text(file, "sha256") || fs::metadata(&path)?.len() != file["bytes"].as_u64().unwrap_or(0)
        {
            log.check(false, format!("{} holds other bytes than were made", place(file)))?;
        }
    }
    log.check(true, format!("{} files in {to}, each by its digest", made.files().count()))?;
    let manifest: Value = serde_json::from_slice(&fs::read(made.folder.join("manifest.json"))?)?;
    let whole = manifest.to_string();
    log.check(
        whole.contains(text(&made.row, "fingerprint")),
        "manifest.json names the fingerprint that was signed",
    )?;
    log.check(made.files().all(|file| whole.contains(text(file, "sha256"))), "and every file by its digest")?;
    lena.verb(["record", "fetch", &number, "--to", &to])?;
    let first = made.files().next().context("no files")?;
    let path = made.path(first);
    let kept = fs::read(&path)?;
    fs::write(&path, b"mine")?;
    let over = lena.try_verb(["record", "fetch", &number, "--to", &to])?;
    log.check(over.code != 0 && fs::read(&path)? == b"mine", "a file of other bytes is not written over")?;
    fs::write(&path, kept)?;
    Ok(made)
}
