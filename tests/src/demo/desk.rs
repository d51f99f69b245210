//! What the mastering desk tells: what changed between two mixes, whether mastered alternates still add up, the sheet of a render, who set which
//! recipe and why. Every figure is known beforehand from how the song was made, or measured here from the files. Never here: rules, processing.

use std::{ffi::OsString, fs, path::Path};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{
    material::Material,
    sound,
    studio::{Studio, text},
};

/// The mix engineer lifted the lead by this in the last chorus.
const LEAD_DB: f64 = 2.0;
const SIZED_WITHIN_DB: f64 = 0.1;
/// The room around a voice rings on after the last word.
const PLACED_WITHIN_S: f64 = 1.0;
/// Three files of 24 bits with dither of two steps each: a peak of 4.5 / 2^23 at the very worst is -125.4 dBFS.
const SUM_RESIDUAL_DBFS: f64 = -125.0;

/// Mix 1 against Mix 2: what the artist asked for must be found, where and by how much.
pub fn what_changed(on: &Studio) -> Result<()> {
    let Studio { log, cast, .. } = on;
    log.step("What changed from Mix 1 to Mix 2? Mara Lind (artist) asks before she listens");
    let said = cast.artist.verb(["changes", "--from", "mix 1", "--to", "mix 2"])?;
    let told = said.first();
    for line in told["words"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        log.say(line);
    }
    if !matches!(on.material, Material::Song(_)) {
        return log.check(told["words"].is_array(), "the studio tells in words what it found");
    }
    let (from_ms, to_ms) = on.material.place_ms();
    let (from_s, to_s) = (from_ms as f64 / 1000.0, to_ms as f64 / 1000.0);
    let lead = largest_on(told, "lead")?;
    log.check(
        (lead.db - LEAD_DB).abs() <= SIZED_WITHIN_DB,
        format!("the lead is told as {:+.2} dB; it was moved by {LEAD_DB:+.1} dB", lead.db),
    )?;
    let placed =
        (lead.start_s - from_s).abs() <= PLACED_WITHIN_S && (lead.end_s - to_s).abs() <= PLACED_WITHIN_S;
    log.check(
        placed,
        format!(
            "from {:.2} to {:.2} s; the last chorus lies from {from_s:.2} to {to_s:.2} s",
            lead.start_s, lead.end_s
        ),
    )?;
    let said = cast.artist.verb(["changes", "--from", "mix 2:main", "--to", "mix 2:vocal-up+1.0"])?;
    let up = largest_on(said.first(), "lead")?;
    log.check(
        (up.db - 1.0).abs() <= SIZED_WITHIN_DB,
        format!("vocal-up+1.0 against its main: the lead is {:+.2} dB up", up.db),
    )
}

struct Moved {
    db: f64,
    start_s: f64,
    end_s: f64,
}

/// Of the changes that were solved for on this stem, the one that lasts longest.
fn largest_on(told: &Value, stem: &str) -> Result<Moved> {
    let changes = told["changes"].as_array().context("no list of changes")?;
    let at = |it: &Value, key: &str| it[key].as_f64().unwrap_or(f64::NAN);
    changes
        .iter()
        .filter(|it| it["stem"] == stem)
        .map(|it| Moved { db: at(it, "part_db"), start_s: at(it, "start_s"), end_s: at(it, "end_s") })
        .max_by(|a, b| (a.end_s - a.start_s).total_cmp(&(b.end_s - b.start_s)))
        .with_context(|| format!("the {stem} was moved and nothing was told of it"))
}

/// D-4: what was one song before mastering is one song after it.
pub fn alternates_add_up(on: &Studio, number: u64) -> Result<()> {
    if !matches!(on.material, Material::Song(_)) {
        return Ok(());
    }
    let Studio { log, .. } = on;
    log.step("Do the mastered alternates still make the song? Sums of the files that the server gave out");
    let folder = on.folder("masters")?.join(format!("Master{number}"));
    let found = |alternate: &str| -> Result<std::path::PathBuf> {
        let part = |name: &str| match alternate {
            "main" => {
                !["_instrumental_", "_a-cappella_", "_tv_", "_vocal"].iter().any(|it| name.contains(it))
            }
            other => name.contains(&format!("_{other}_")),
        };
        let mut files = fs::read_dir(&folder)?.filter_map(|entry| Some(entry.ok()?.path()));
        files
            .find(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
                name.ends_with("_wav24_48000.wav") && part(&name)
            })
            .with_context(|| format!("no {alternate} in {}", folder.display()))
    };
    let [main, instrumental, vocal] = [found("main")?, found("instrumental")?, found("a-cappella")?];
    let residual = sound::residual_dbfs(&main, &instrumental, &vocal)?;
    log.check(
        residual < SUM_RESIDUAL_DBFS,
        format!("D-4: instrumental + a cappella = main, the largest difference at {residual:.1} dBFS"),
    )
}

/// The page that goes to the client, and the versions of the recipe.
pub fn on_paper(on: &Studio) -> Result<()> {
    let Studio { log, cast, .. } = on;
    log.step("Ines Okafor prints the sheet of Master 2 and looks who set which recipe");
    let page = on.folder("files")?.join("Master2.html");
    let words = ["render".into(), "sheet".into(), "--report".into(), page.clone().into_os_string()];
    cast.masterer.verb(words.into_iter().chain(["--version".into(), OsString::from("master 2")]))?;
    let html = fs::read_to_string(&page)?;
    let holds = |what: &str| html.contains(what);
    log.check(
        holds("Night Drive") && holds("Master 2 of Mix 2") && holds("<svg") && !holds("<script"),
        format!("one page of {} kB, drawn, without a script", html.len() / 1000),
    )?;
    let said = cast.masterer.verb(["recipe", "log"])?;
    let newest = said.lines.last().context("no recipe was told")?;
    log.check(
        newest["number"] == 1 && text(newest, "by") == "Ines Okafor" && text(newest, "why").contains("label"),
        format!("recipe 1 by {}: {}", text(newest, "by"), text(newest, "why")),
    )
}

/// Every alternate of the handoff is what its name says.
pub fn alternates_are_true(on: &Studio) -> Result<()> {
    if !matches!(on.material, Material::Song(_)) {
        return Ok(());
    }
    let Studio { log, cast, .. } = on;
    log.step("Are the alternates what their names say? Ines Okafor checks the set before she masters it");
    let folder = on.root.join("handoff");
    let mut words: Vec<OsString> = vec!["check".into()];
    words.extend(audio(&folder)?.into_iter().map(std::path::PathBuf::into_os_string));
    let said = cast.masterer.try_verb(words)?;
    log.check(said.code == 0, format!("nothing blocks (exit code {})", said.code))
}

fn audio(folder: &Path) -> Result<Vec<std::path::PathBuf>> {
    let mut all = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|it| it == "wav") {
                all.push(path);
            }
        }
    }
    all.sort();
    Ok(all)
}
