//! How the record runs: order, gaps, a crossfade, fades, trims, a level, sides, a hidden song; a note on it and its answer; the signatures. Never here: sound.

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::{Lp, songs};
use crate::{demo::studio::text, ep::Ep};

/// Of the first song of side B.
pub const SIDE_B: usize = 5;

/// One item as `spacing show --json` prints it.
fn item(id: &str) -> Value {
    json!({
        "song_id": id, "gap_ms": 0, "crossfade_ms": 0, "fade_in_ms": 0, "fade_out_ms": 0, "shape": "equal-power", "gain_db": 0.0,
        "trim_in_ms": 0, "trim_out_ms": 0, "hidden": false, "begins_side": false,
    })
}

/// The first idea of the order: a crossfade stands where the record is turned over.
pub fn first_idea(lp: &Lp) -> Result<Vec<Value>> {
    let ids = ids(lp)?;
    let mut items: Vec<Value> = ids.iter().map(|id| item(id)).collect();
    let mut set = |at: usize, key: &str, value: Value| items[at][key] = value;
    for (at, gap_ms) in [(1, 2000), (2, 1500), (4, 1250), (7, 3000), (8, 500), (9, 2333)] {
        set(at, "gap_ms", gap_ms.into());
    }
    set(3, "crossfade_ms", 800.into());
    set(3, "shape", "linear".into());
    set(SIDE_B, "crossfade_ms", 1000.into());
    set(SIDE_B, "begins_side", true.into());
    set(1, "trim_in_ms", 120.into());
    set(1, "trim_out_ms", 80.into());
    set(4, "gain_db", json!(-1.5));
    set(9, "fade_out_ms", 1200.into());
    Ok(items)
}

/// Of the songs, as the pieces stand.
pub fn ids(lp: &Lp) -> Result<Vec<String>> {
    lp.pieces
        .iter()
        .map(|piece| Ok(text(&lp.on(piece).song_row(&lp.ep.owner)?, "song_id").to_owned()))
        .collect()
}

pub fn set(lp: &Lp, items: &[Value], name: &str) -> Result<()> {
    let path = lp.ep.root.join(format!("{name}.json"));
    std::fs::write(&path, json!({ "items": items }).to_string())?;
    lp.ep.ines.verb(["spacing", "set", "--file", &path.to_string_lossy()]).map(drop)
}

pub fn shown(lp: &Lp) -> Result<Value> {
    Ok(lp.ep.owner.verb(["spacing", "show"])?.first().clone())
}

/// A note on the joint, the mended spacing, the late instrumental, the signatures.
pub fn mended_and_signed(lp: &Lp) -> Result<()> {
    let Ep { artist, ines, lena, log, .. } = &lp.ep;
    log.step("The order is mended: a note at the joint, its answer, signatures with keys");
    let turned = lp.pieces[SIDE_B].title;
    artist.verb([
        "spacing",
        "note",
        "--before",
        turned,
        "Here the record is turned over: no crossfade, please.",
    ])?;
    let note = shown(lp)?["notes"].as_array().and_then(|notes| notes.first().cloned()).context("no note")?;
    let mut items = first_idea(lp)?;
    items[SIDE_B]["crossfade_ms"] = 0.into();
    items[SIDE_B]["gap_ms"] = 1000.into();
    set(lp, &items, "spacing-2")?;
    let again =
        ines.try_verb(["spacing", "set", "--file", &lp.ep.root.join("spacing-2.json").to_string_lossy()])?;
    log.check(
        again.code == 1 && again.stderr.contains("NOTHING_TO_CHANGE"),
        "the same again is no new spacing",
    )?;
    ines.verb([
        "spacing",
        "close",
        text(&note, "note_id"),
        "--answer",
        "A gap of a second; side B begins there.",
    ])?;
    let now = shown(lp)?;
    log.same(&now["number"].as_u64(), &Some(2), "it is spacing 2")?;
    let open = now["notes"].as_array().into_iter().flatten().filter(|note| note["closed"] != true).count();
    let told = lp.ep.owner.verb(["history", "--limit", "100"])?.lines;
    let closed = told.iter().any(|line| text(line, "code") == "SPACING_NOTE_CLOSED");
    log.check(open == 0 && closed, "the note is closed, and History says so")?;
    for (key, at, value) in
        [("trim_in_ms", 1, json!(120)), ("crossfade_ms", 3, json!(800)), ("begins_side", SIDE_B, json!(true))]
    {
        log.same(&now["items"][at][key], &value, &format!("{key} of song {} is kept", at + 1))?;
    }
    songs::forgotten_instrumental(lp)?;
    for (seat, role) in [(artist, "artist"), (lena, "label")] {
        seat.verb(["spacing", "approve", "--role", role, "--yes"])?;
    }
    lena.refused("ALREADY_APPROVED", ["spacing", "approve", "--role", "label", "--yes"])?;
    let receipts = lena.verb(["receipts"])?.lines;
    let signed = receipts.iter().filter(|line| line.to_string().contains("spacing")).count();
    log.check(signed >= 2, format!("{signed} signatures on the spacing, each with its receipt"))
}

/// The second record: other gaps, and the song that opens the record lies hidden before track 1.
pub fn with_a_hidden_song(lp: &Lp) -> Result<()> {
    let mut items = shown(lp)?["items"].as_array().cloned().context("no items")?;
    items[2]["gap_ms"] = 2750.into();
    items[0]["hidden"] = true.into();
    set(lp, &items, "spacing-3")
}
