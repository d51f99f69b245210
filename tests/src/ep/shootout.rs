//! Night Drive in mixing: two engineers compete blind, one is picked; three rounds, a note that moves with the edit, a hold and its lifting. Each step with
//! its checks. Never here: rules.

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{Ep, On, Print, Tune};
use crate::demo::studio::text;

pub fn take(on: On<'_>, tune: &Tune) -> Result<()> {
    let Ep { artist, teo, .. } = on.ep;
    let folder = on.ep.root.join("files").join(tune.title);
    let mut files = tune.print(&folder, "take", Print { level_db: -2.0, ..Print::default() })?;
    files.truncate(1);
    on.push(artist, "take", &files, "As we played it.")?;
    on.approve(teo, "Take 1", "mix-engineer")?;
    on.stands_in("mixing")
}

pub fn night_drive(ep: &Ep, tune: &Tune) -> Result<()> {
    let on = On { ep, song: tune.title };
    ep.log.step("Night Drive: a take, then two engineers compete");
    take(on, tune)?;
    compete(on, tune)?;
    pick(on)?;
    let note = first_round(on, tune)?;
    second_round(on, tune, &note)?;
    hold(on)?;
    third_round(on, tune)
}

fn compete(on: On<'_>, tune: &Tune) -> Result<()> {
    let Ep { owner, artist, teo, juno, lena, log, .. } = on.ep;
    on.verb(owner, &["shootout", "open", "--entrant", "Teo Brandt", "--entrant", "Juno Park"])?;
    let folder = on.ep.root.join("files").join(tune.title);
    let first = Print { place_db: -3.0, ..Print::default() };
    let bright = tune.print(&folder, "teo1", first)?;
    on.push(teo, "mix", &bright, "Open and wide.")?;
    let dark = tune.print(&folder, "juno1", Print { dark: true, level_db: -3.0, ..first })?;
    on.push(juno, "mix", &dark, "Warmer.")?;
    let seen = |seat, name: &str| on.version(seat, name).is_ok();
    let (teos, junos) = (on.mix(teo, 1)?, on.mix(juno, 1)?);
    log.check(teos != junos && seen(lena, &teos) && seen(lena, &junos), "the label sees both lines")?;
    log.check(
        seen(teo, &teos) && !seen(teo, &junos) && seen(juno, &junos) && !seen(juno, &teos),
        "each engineer sees their own line only, whichever letter the lot gave it",
    )?;
    let everything =
        format!("{:?}", on.rows(lena)?.values().filter(|row| row["row"] == "version").collect::<Vec<_>>());
    log.check(
        !everything.contains("Juno Park") && !everything.contains("juno1"),
        "no row of a version tells the label whose mix it is",
    )?;
    let early = ["approve", "--version", &teos.to_lowercase(), "--role", "label", "--yes"];
    on.refused(lena, "SHOOTOUT_OPEN", &early)?;
    let ears = on.ep.root.join("ears");
    for (seat, name) in [(lena, "lena"), (artist, "mara")] {
        let folder = ears.join(name);
        on.verb(seat, &["shootout", "fetch", "-o", &folder.to_string_lossy()])?;
        let files = std::fs::read_dir(&folder)?.flatten().count();
        log.same(
            &files,
            &2,
            &format!("{name} hears two files of one loudness, in an order that nobody was told"),
        )?;
    }
    on.verb(artist, &["shootout", "vote", "X1", "X2", "--reason", "The words come through."])?;
    on.verb(lena, &["shootout", "vote", "X2", "X1"])?;
    Ok(())
}

fn pick(on: On<'_>) -> Result<()> {
    let Ep { teo, juno, lena, paul, log, .. } = on.ep;
    let (teos, junos) = (on.line(teo)?, on.line(juno)?);
    on.refused(teo, "NOT_YOUR_ROLE", &["shootout", "pick", &teos, "--yes"])?;
    let said = on.verb(lena, &["shootout", "pick", &junos, "--reason", "The low end.", "--yes"])?;
    let told = said.lines.iter().any(|line| line.to_string().contains("thanks"));
    log.check(told, "the other line is closed with thanks")?;
    on.refused(paul, "SHOOTOUT_DECIDED", &["shootout", "pick", &teos, "--yes"])?;
    let lost = on.mix(teo, 1)?;
    log.check(on.version(teo, &lost)?["closed_with_thanks"] == true, format!("{lost} is kept"))?;
    let row = on.song_row(juno)?;
    let votes = row["shootout"]["votes"].as_array().map_or(0, Vec::len);
    log.same(&votes, &2, "both votes are on record, and told after the pick")
}

/// Answers the id of the artist's note.
fn first_round(on: On<'_>, tune: &Tune) -> Result<String> {
    let Ep { artist, juno, lena, log, .. } = on.ep;
    log.step("Round 1: a note at its place, an internal one, a revision request");
    let (from, to) = tune.place_ms();
    let (from, to) = (format!("{:.3}", from as f64 / 1000.0), format!("{:.3}", to as f64 / 1000.0));
    let words = "The lead drowns here: 3 dB more.";
    let said = on.verb(
        artist,
        &[
            "note",
            words,
            "--at",
            &from,
            "--to",
            &to,
            "--for",
            "Juno Park",
            "--check",
            "lead",
            "--check",
            "backing",
        ],
    )?;
    let note = text(said.first(), "note_id").to_owned();
    on.verb(lena, &["note", "The first bar is too long for radio.", "--at", "1.5"])?;
    on.verb(juno, &["note", "Bus at 2:1, mind the release.", "--internal"])?;
    on.verb(
        artist,
        &["request-revision", "--all-open", "--message", "Nearly there.", "--role", "artist", "--yes"],
    )?;
    let request = request(on, 1)?;
    log.check(request["counts"] == true && request["beyond_terms"] == false, "it is round 1 of 2 included")?;
    let folder = on.ep.root.join("files").join(tune.title);
    let print = Print { place_db: 0.0, dark: true, cut_s: 0.5, level_db: -3.0, ..Print::default() };
    let files = tune.print(&folder, "juno2", print)?;
    on.push(juno, "mix", &files, "Lead up in the last chorus, half a second out of the front.")?;
    let mix = on.examined(juno, &on.mix(juno, 2)?)?;
    log.say(&format!("what the house found: {}", mix["examination"]["changes"]));
    let carried = on.note(artist, &note)?;
    let verdict = last(&carried["verdicts"]);
    log.check(verdict["verdict"] == "changed", format!("the artist's note: {}", text(verdict, "text")))?;
    let place = last(&carried["places"]);
    let moved = carried["start_ms"].as_i64().unwrap_or(0) - place["start_ms"].as_i64().unwrap_or(0);
    log.check(
        (480..=520).contains(&moved),
        format!(
            "the note moved with the edit by {moved} ms; where it was written stays {}",
            carried["start_ms"]
        ),
    )?;
    on.verb(juno, &["notes", "address", &note])?;
    on.verb(artist, &["notes", "accept", &note])?;
    Ok(note)
}

fn second_round(on: On<'_>, tune: &Tune, note: &str) -> Result<()> {
    let Ep { artist, juno, lena, log, .. } = on.ep;
    log.step("Round 2, and a correction that is free; a note that nobody touched is told");
    on.verb(artist, &["notes", "reopen", note, "Now it is too much."])?;
    on.verb(artist, &["request-revision", "--note", note, "--role", "artist", "--correction", "--yes"])?;
    let free = request(on, 2)?;
    log.check(free["counts"] == false, "a correction is free once")?;
    let folder = on.ep.root.join("files").join(tune.title);
    let print = Print { place_db: 0.0, dark: true, cut_s: 0.5, level_db: -3.4, ..Print::default() };
    on.push(juno, "mix", &tune.print(&folder, "juno3", print)?, "A touch quieter, nothing else.")?;
    on.examined(juno, &on.mix(juno, 3)?)?;
    let seen = on.note(artist, note)?;
    let verdict = last(&seen["verdicts"]);
    log.check(
        verdict["verdict"] == "untouched",
        format!("the note in her third mix: {}", text(verdict, "text")),
    )?;
    let gate = on.gate(lena)?;
    let untouched =
        gate["lines"].as_array().into_iter().flatten().any(|line| line["code"] == "UNTOUCHED_NOTES");
    log.check(untouched, "the gate says so before anybody is asked to listen")?;
    on.verb(artist, &["request-revision", "--note", note, "--role", "artist", "--yes"])?;
    log.check(request(on, 3)?["round"] == 2, "the next one is round 2")?;
    let print = Print { place_db: -1.0, dark: true, cut_s: 0.5, level_db: -3.0, swapped: true };
    on.push(juno, "mix", &tune.print(&folder, "juno4", print)?, "Lead back by a decibel.")?;
    let mix = on.examined(juno, &on.mix(juno, 4)?)?;
    let blocked = mix["preflight"].as_array().into_iter().flatten().any(|finding| {
        finding["block"] == true
            && text(finding, "code").starts_with("ALT_")
            && !text(finding, "mend").is_empty()
    });
    log.check(blocked, "the swapped alternates are found, with how to mend it")
}

fn hold(on: On<'_>) -> Result<()> {
    let Ep { lena, paul, artist, log, .. } = on.ep;
    log.step("A hold by the label, and its lifting");
    on.verb(lena, &["hold", "Legal has to hear the sample first.", "--role", "label"])?;
    let gate = on.gate(artist)?;
    let held = gate["lines"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|line| line["code"] == "ON_HOLD" && line["met"] == false);
    log.check(held, "the gate is held by the label")?;
    let lifted = paul.try_verb(on.args(&["lift"]))?;
    log.check(lifted.code != 0, "another label cannot lift it")?;
    on.verb(lena, &["lift"])?;
    Ok(())
}

fn third_round(on: On<'_>, tune: &Tune) -> Result<()> {
    let Ep { artist, juno, lena, log, .. } = on.ep;
    log.step("Round 3 lies beyond the terms: refused until it is said; then the signatures");
    on.refused(lena, "BEYOND_TERMS", &["request-revision", "--all-open", "--role", "label", "--yes"])?;
    on.verb(lena, &["request-revision", "--all-open", "--role", "label", "--beyond-terms", "--yes"])?;
    log.check(request(on, 4)?["beyond_terms"] == true, "round 3 of 2 is recorded as billed")?;
    let folder = on.ep.root.join("files").join(tune.title);
    let print = Print { place_db: -1.0, dark: true, cut_s: 0.5, level_db: -3.0, ..Print::default() };
    on.push(juno, "mix", &tune.print(&folder, "juno5", print)?, "The right files.")?;
    on.examined(juno, &on.mix(juno, 5)?)?;
    let open: Vec<String> = open_notes(on)?;
    for note in &open {
        on.verb(juno, &["notes", "address", note])?;
    }
    let mix = on.mix(juno, 5)?;
    on.refused(artist, "NOT_HEARD", &["approve", "--version", &mix, "--role", "artist", "--yes"])?;
    for (seat, role) in [(artist, "artist"), (lena, "label")] {
        on.verb(seat, &["heard", "--version", &mix, "--all"])?;
        on.approve(seat, &mix, role)?;
    }
    on.stands_in("mastering")
}

fn open_notes(on: On<'_>) -> Result<Vec<String>> {
    let song = on.song_row(&on.ep.owner)?;
    let rows = on.rows(&on.ep.juno)?;
    let open = rows.values().filter(|row| {
        row["row"] == "note"
            && row["song_id"] == song["song_id"]
            && row["state"] == "open"
            && row["parent_note_id"] == ""
    });
    Ok(open.map(|row| text(row, "note_id").to_owned()).collect())
}

/// The nth request of the song, from 1.
fn request(on: On<'_>, number: usize) -> Result<Value> {
    let song = on.song_row(&on.ep.owner)?;
    let rows = on.rows(&on.ep.owner)?;
    let mut all: Vec<Value> = rows
        .values()
        .filter(|row| row["row"] == "request" && row["song_id"] == song["song_id"])
        .cloned()
        .collect();
    all.sort_by_key(|row| row["at_ms"].as_i64());
    all.get(number - 1).cloned().with_context(|| format!("no request {number}"))
}

fn last(list: &Value) -> &Value {
    list.as_array().and_then(|list| list.last()).unwrap_or(&Value::Null)
}
