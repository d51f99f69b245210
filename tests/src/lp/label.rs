//! What stands on the label, by the label's own hand: codes, lines, credits, shares, the cover. What is wrong is refused with its mend. Never here: how it is
//! written into files.

use std::{fs, io::BufWriter, path::Path};

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::Lp;
use crate::{demo::studio::text, ep::Ep, harness::Said};

pub const UPC: &str = "4006381333931";
pub const CATALOGUE: &str = "LMP-007";
const COVER_SIDE: u32 = 1400;

pub fn copy_and_cover(lp: &Lp) -> Result<()> {
    let Ep { lena, artist, log, root, .. } = &lp.ep;
    log.step("Lena Ruiz writes the label copy: codes, lines, credits, shares, the cover");
    told(lp, &set(lp, &json!({ "upc": "4006381333932" }))?, "digit", "a UPC with a wrong check digit")?;
    let beyond = json!({ "songs": [{ "song": lp.pieces[0].title, "splits": [
        { "name": "Mara Lind", "of": "composition", "percent": "60.00" },
        { "name": "Teo Brandt", "of": "composition", "percent": "50.00" },
    ] }] });
    told(lp, &set(lp, &beyond)?, "110.00", "shares of more than the whole")?;
    let typo = json!({ "songs": [{ "song": lp.pieces[0].title, "explict": "no" }] });
    told(lp, &set(lp, &typo)?, "explicit", "a slip in a key")?;
    let isrc = &lp.pieces[0].isrc;
    let twice = lp.ep.owner.refused("ISRC_TWICE", ["song", "add", "A Twin", "--isrc", isrc])?;
    told(lp, &twice, isrc, "an ISRC that another song has")?;
    let other = lp.ep.owner.try_verb(["song", "add", "A Foreigner", "--isrc", "1Z-DWX-26-1"])?;
    told(lp, &other, "ISRC_INVALID", "an ISRC of another form")?;

    let path = root.join("label-copy.json");
    fs::write(&path, serde_json::to_string_pretty(&label_copy(lp))?)?;
    let path = path.to_string_lossy();
    let foreign = artist.try_verb(["label-copy", "set", &path])?;
    log.check(foreign.code != 0, "the artist does not write what stands on the label")?;
    lena.verb(["label-copy", "set", &path])?;
    let shown = lena.verb(["label-copy", "show"])?;
    let shown = shown.first();
    log.same(&text(shown, "upc"), &UPC, "the UPC stands there")?;
    let songs = shown["songs"].as_array().map_or(0, Vec::len);
    log.same(&songs, &lp.pieces.len(), "and an entry for every song")?;
    cover(lp)
}

fn set(lp: &Lp, copy: &Value) -> Result<Said> {
    let path = lp.ep.root.join("wrong-label-copy.json");
    fs::write(&path, copy.to_string())?;
    lp.ep.lena.try_verb(["label-copy", "set", &path.to_string_lossy()])
}

/// Refused, in words that say what is wrong.
fn told(lp: &Lp, said: &Said, word: &str, what: &str) -> Result<()> {
    let told = said.code != 0 && said.stderr.contains(word);
    lp.ep.log.check(told, format!("{what} is refused: {}", said.stderr.trim()))
}

fn label_copy(lp: &Lp) -> Value {
    let songs: Vec<Value> = lp
        .pieces
        .iter()
        .enumerate()
        .map(|(at, piece)| {
            let share =
                |name: &str, of: &str, percent: &str| json!({ "name": name, "of": of, "percent": percent });
            json!({
                "song": piece.title,
                "version_title": if at == 3 { "Night Bus Version" } else { "" },
                "explicit": if at == 6 { "yes" } else { "no" },
                "credits": [
                    { "role": "Main artist", "name": "Mara Lind" },
                    { "role": "Composer", "name": "Mara Lind" },
                    { "role": "Mix engineer", "name": "Teo Brandt" },
                    { "role": "Mastering engineer", "name": "Ines Okafor" },
                ],
                "splits": [
                    share("Mara Lind", "composition", "66.67"),
                    share("Teo Brandt", "composition", "33.33"),
                    share("Lamplight", "recording", "100.00"),
                ],
            })
        })
        .collect();
    json!({
        "upc": UPC, "catalogue": CATALOGUE, "label": "Lamplight", "p_line": "2026 Lamplight", "c_line": "2026 Lamplight",
        "release_date": "2026-12-11", "genre": "Alternative", "language": "en", "songs": songs,
    })
}

/// A picture that a service would take: square, of 1400 pixels.
fn cover(lp: &Lp) -> Result<()> {
    let Ep { lena, log, root, .. } = &lp.ep;
    let path = root.join("cover.png");
    paint(&path)?;
    let path_text = path.to_string_lossy();
    lena.verb(["label-copy", "cover", &path_text])?;
    let back = root.join("cover-back.png");
    lena.verb(["label-copy", "cover", "--to", &back.to_string_lossy()])?;
    log.check(fs::read(&path)? == fs::read(&back)?, "the cover comes back as it was sent")?;
    let bad = root.join("not-a-cover.png");
    fs::write(&bad, b"\x89PNG\r\n\x1a\nnot a picture")?;
    let refused = lena.try_verb(["label-copy", "cover", &bad.to_string_lossy()])?;
    log.check(refused.code != 0, "what is no picture is refused")
}

fn paint(path: &Path) -> Result<()> {
    let file = fs::File::create(path).with_context(|| format!("painting {}", path.display()))?;
    let mut encoder = png::Encoder::new(BufWriter::new(file), COVER_SIDE, COVER_SIDE);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut pixels = Vec::with_capacity((COVER_SIDE * COVER_SIDE * 3) as usize);
    for y in 0..COVER_SIDE {
        for x in 0..COVER_SIDE {
            // A moon over the road.
            let (dx, dy) = (x.abs_diff(COVER_SIDE / 2), y.abs_diff(COVER_SIDE / 3));
            let moon = dx * dx + dy * dy < 200 * 200;
            let night = (y / 12) as u8;
            pixels.extend_from_slice(&if moon { [240, 230, 200] } else { [night / 3, night / 3, night] });
        }
    }
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(())
}
