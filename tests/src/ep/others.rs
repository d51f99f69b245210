//! The other three songs: a signature that is carried to the same sound, a swap of the mix after mastering began, an override; then the spacing of the
//! record. Never here: rules.

use anyhow::Result;

use super::{Ep, On, Print, Tune, shootout::take};
use crate::demo::studio::text;

fn mix(on: On<'_>, tune: &Tune, name: &str, print: Print, note: &str) -> Result<()> {
    let folder = on.ep.root.join("files").join(tune.title);
    on.push(&on.ep.teo, "mix", &tune.print(&folder, name, print)?, note)
}

fn sign(on: On<'_>, name: &str) -> Result<()> {
    for (seat, role) in [(&on.ep.artist, "artist"), (&on.ep.lena, "label")] {
        on.verb(seat, &["heard", "--version", name, "--all"])?;
        on.approve(seat, name, role)?;
    }
    Ok(())
}

/// The label signs; then the same sound comes in another container, and her signature goes with it.
pub fn salt(ep: &Ep, tune: &Tune) -> Result<()> {
    let on = On { ep, song: tune.title };
    ep.log.step("Salt: the same sound in another container carries a signature, a changed one does not");
    take(on, tune)?;
    mix(on, tune, "teo1", Print::default(), "First balance.")?;
    on.verb(&ep.lena, &["heard", "--version", "mix 1", "--all"])?;
    on.approve(&ep.lena, "Mix 1", "label")?;
    let folder = ep.root.join("files").join(tune.title);
    let wav = folder.join("teo1_main.wav");
    let flac = folder.join("teo2_main.flac");
    let recipe = folder.join("copy.toml");
    std::fs::write(&recipe, "name = \"copy\"\nceiling_dbtp = 0.0\n\n[[output]]\nencoding = \"flac24\"\n")?;
    ep.teo.verb([
        "master",
        &wav.to_string_lossy(),
        "-o",
        &flac.to_string_lossy(),
        "--recipe",
        &recipe.to_string_lossy(),
    ])?;
    on.push(&ep.teo, "mix", &[("main".into(), flac)], "The same as FLAC.")?;
    let second = on.examined(&ep.teo, "Mix 2")?;
    ep.log.check(second["examination"]["same_pcm"] == true, "Mix 2 is the same to the sample")?;
    let gate = on.gate(&ep.owner)?;
    let carried = gate["approvals"].as_array().into_iter().flatten().any(|approval| {
        approval["state"] == "counts" && approval["carried_to_version_id"] == second["version_id"]
    });
    ep.log.check(carried, "the label's signature counts for it too, and says why")?;
    mix(on, tune, "teo3", Print { level_db: -0.5, ..Print::default() }, "Half a decibel down.")?;
    on.examined(&ep.teo, "Mix 3")?;
    let counts = on.gate(&ep.owner)?["approvals"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|approval| approval["state"] == "counts" && approval["role"] == "label");
    ep.log.check(!counts, "for Mix 3 nobody has signed")?;
    sign(on, "Mix 3")?;
    on.stands_in("mastering")
}

pub fn under_glass(ep: &Ep, tune: &Tune) -> Result<()> {
    let on = On { ep, song: tune.title };
    ep.log.step("Under Glass: the mix is swapped after mastering began, with its price told before");
    take(on, tune)?;
    mix(on, tune, "teo1", Print::default(), "First balance.")?;
    on.examined(&ep.teo, "Mix 1")?;
    sign(on, "Mix 1")?;
    on.wait("the first master", || Ok(on.version(&ep.ines, "Master 1").ok()))?;
    let row = on.song_row(&ep.teo)?;
    let price =
        row["allowed"].as_array().into_iter().flatten().find(|one| one["action"] == "swap_mix").cloned();
    let price = price.unwrap_or_default();
    ep.log.check(text(&price, "text").contains("Master 1"), format!("before: {}", text(&price, "text")))?;
    on.refused(&ep.artist, "NOT_YOUR_ROLE", &["swap", "--reason", "A better one.", "--yes"])?;
    on.verb(&ep.teo, &["swap", "--reason", "The bass was muted in the print.", "--yes"])?;
    on.stands_in("mixing")?;
    mix(on, tune, "teo2", Print { place_db: 1.0, ..Print::default() }, "With the bass.")?;
    on.examined(&ep.teo, "Mix 2")?;
    sign(on, "Mix 2")?;
    on.stands_in("mastering")
}

pub fn last_bus(ep: &Ep, tune: &Tune) -> Result<()> {
    let on = On { ep, song: tune.title };
    ep.log.step("Last Bus: the label is away, the manager opens the gate and says why");
    take(on, tune)?;
    mix(on, tune, "teo1", Print::default(), "First balance.")?;
    on.examined(&ep.teo, "Mix 1")?;
    on.verb(&ep.artist, &["heard", "--all"])?;
    on.approve(&ep.artist, "Mix 1", "artist")?;
    let dry = ep.owner.try_verb(on.args(&["gate", "try", "--stage", "mixing", "--need", "artist:1"]))?;
    ep.log.same(&dry.code, &0, "tried dry, the artist alone would do")?;
    on.refused(&ep.lena, "NOT_YOUR_ROLE", &["gate", "override", "--reason", "Hurry.", "--yes"])?;
    let silent = ep.owner.try_verb(on.args(&["gate", "override", "--reason", "", "--yes"]))?;
    ep.log
        .check(silent.code != 0 && silent.stderr.contains("TEXT_EMPTY"), "without a reason it stays shut")?;
    on.verb(
        &ep.owner,
        &["gate", "override", "--reason", "Both labels are on a plane; agreed by phone.", "--yes"],
    )?;
    on.stands_in("mastering")
}

pub fn spacing(ep: &Ep) -> Result<()> {
    ep.log.step("The order and the gaps of the record are agreed");
    ep.owner.verb(["spacing", "set", "Salt", "Night Drive:2.5", "Last Bus:1.0", "Under Glass:3.0"])?;
    ep.lena.verb(["spacing", "approve", "--role", "label", "--yes"])?;
    let again = ep.lena.refused("ALREADY_APPROVED", ["spacing", "approve", "--role", "label", "--yes"])?;
    ep.log.check(!again.stderr.is_empty(), "signed once")
}
