//! Ten songs from the take to a signed master, by as few hands as the rules permit: one approval a stage, the last one signed with a key. Never here: the
//! record that is made of them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{Lp, pieces::Piece};
use crate::{
    demo::studio::text,
    ep::{Ep, On},
};

/// One file of each: a house may set its own formats, and ten songs in three would be made for nothing.
const RECIPE: &str = "name = \"record\"\ntarget_lufs = -14.0\nceiling_dbtp = -1.5\n\n[limiter]\n\n[[output]]\nencoding = \"wav24\"\n";

/// The song whose instrumental nobody sent with the mix.
pub const FORGOTTEN: &str = "Wintergarten";

/// One approval a stage; of a master and of all that follows, signed.
pub fn rules(lp: &Lp) -> Result<()> {
    let Ep { owner, ines, artist, lena, log, root, .. } = &lp.ep;
    log.step("The house rules of this record, the recipe, the keys");
    for rule in [
        &["--stage", "recording", "--need", "mix-engineer:1"][..],
        &["--stage", "mixing", "--need", "artist:1"],
        &["--stage", "mastering", "--need", "label:1", "--signed", "yes"],
    ] {
        owner.verb(["gate", "set"].iter().chain(rule).copied())?;
    }
    let recipe = root.join("record.toml");
    std::fs::write(&recipe, RECIPE)?;
    let why = "one format for the record";
    ines.verb(["recipe", "set", &recipe.to_string_lossy(), "--why", why, "--whole-project"])?;
    for seat in [artist, lena] {
        seat.verb(["key", "new", "--no-passphrase"])?;
    }
    log.check(true, "Mara Lind and Lena Ruiz sign with keys of their own")
}

/// Takes and mixes are pushed one after the other, so that the house examines and renders the first while the last is on its way.
pub fn to_mastering(lp: &Lp) -> Result<()> {
    let Ep { teo, artist, log, .. } = &lp.ep;
    log.step("Ten songs: a take, a mix with its instrumental, one approval each");
    for piece in &lp.pieces {
        let on = lp.on(piece);
        log.say(&format!("{}: {}", piece.title, piece.source));
        on.push(artist, "take", &[("main".into(), piece.take.clone())], "")?;
        sign(on, teo, "mix-engineer")?;
        let mut mix = piece.mix.clone();
        if piece.title == FORGOTTEN {
            mix.truncate(1);
        }
        on.push(teo, "mix", &mix, "")?;
        sign(on, artist, "artist")?;
    }
    for piece in &lp.pieces {
        let on = lp.on(piece);
        let row = on.wait("mastering", || {
            Ok(Some(on.song_row(&lp.ep.owner)?).filter(|row| text(row, "stage") == "mastering"))
        })?;
        log.same(&text(&row, "isrc"), &piece.isrc.as_str(), &format!("{} is in mastering", piece.title))?;
    }
    Ok(())
}

/// Some masters come from the mastering engineer's own tools, in 16 bits; the others are rendered by the house.
pub fn masters(lp: &Lp) -> Result<()> {
    let Ep { ines, log, .. } = &lp.ep;
    log.step("Masters: the house's recipe for most, Ines Okafor's own for some");
    for piece in lp.pieces.iter().filter(|piece| piece.own_master) {
        let files = by_hand(lp, piece, "wav16")?;
        lp.on(piece).push(ines, "master", &files, "From my own desk.")?;
    }
    for piece in &lp.pieces {
        let on = lp.on(piece);
        let master = on.wait("the master", || candidate(on, "master"))?;
        let main = &master["files"][0]["facts"];
        let rate = main["sample_rate"].as_u64();
        log.same(&rate, &Some(piece.rate_hz.into()), &format!("{}: the rate of its mix", piece.title))?;
        let bits = if piece.own_master { 16 } else { 24 };
        log.same(&main["bits"].as_u64(), &Some(bits), "and the word length that was meant")?;
    }
    Ok(())
}

/// The late instrumental, beside a main from the same desk.
pub fn forgotten_instrumental(lp: &Lp) -> Result<()> {
    let piece = lp.piece(FORGOTTEN)?;
    let files = by_hand(lp, piece, "wav24")?;
    lp.on(piece).push(&lp.ep.ines, "master", &files, "With the instrumental.")?;
    signed(lp, piece)
}

/// The label signs with her key: the client fetches the bytes and hashes them itself.
pub fn signed(lp: &Lp, piece: &Piece) -> Result<()> {
    let on = lp.on(piece);
    on.wait("the examination of the master", || {
        let done = |row: &Value| row["examination"]["state"] == "done" || row["examination"].is_null();
        Ok(candidate(on, "master")?.filter(done))
    })?;
    sign(on, &lp.ep.lena, "label")?;
    on.stands_in("delivered")
}

/// What the gate looks at, where it is of this kind.
pub fn candidate(on: On<'_>, kind: &str) -> Result<Option<Value>> {
    let rows = on.rows(&on.ep.owner)?;
    let song = rows.values().find(|row| row["row"] == "song" && row["title"] == on.song);
    let id = text(song.context("the song is not there")?, "candidate_version_id");
    let found = rows.values().find(|row| row["row"] == "version" && row["version_id"] == id);
    Ok(found.filter(|row| row["kind"] == kind).cloned())
}

fn sign(on: On<'_>, seat: &crate::harness::Seat, role: &str) -> Result<()> {
    on.verb(seat, &["approve", "--role", role, "--yes"]).map(drop)
}

/// `deadwax master` on the engineer's own machine. A master that misses its level is written all the same.
fn by_hand(lp: &Lp, piece: &Piece, format: &str) -> Result<Vec<(String, PathBuf)>> {
    let folder = lp.ep.root.join("own").join(piece.title.replace(['/', '"'], "-"));
    std::fs::create_dir_all(&folder)?;
    let [main, instrumental] = [0, 1].map(|at| piece.mix[at].1.to_string_lossy().into_owned());
    let out = folder.join("master_main.wav");
    let out_text = out.to_string_lossy();
    let said = lp.ep.ines.try_verb([
        "master",
        &main,
        "--alternate",
        &instrumental,
        "-o",
        &out_text,
        "--target-lufs",
        "-14",
        "--ceiling-dbtp",
        "-1.5",
        "--format",
        format,
    ])?;
    let outputs =
        said.first()["outputs"].as_array().with_context(|| format!("no master: {}", said.stderr))?;
    outputs
        .iter()
        .map(|output| Ok((text(output, "alternate").to_owned(), Path::new(text(output, "file")).to_owned())))
        .collect()
}
