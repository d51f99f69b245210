//! Night Drive in mastering: the package, a return with what is wrong with which file, another mix, an automatic and an own master side by side, the label's
//! signature, the delivery. Never here: rules.

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{Ep, On, Print, Tune};
use crate::demo::studio::{digest, text};

pub fn night_drive(ep: &Ep, tune: &Tune) -> Result<()> {
    let on = On { ep, song: tune.title };
    package(on)?;
    returned(on, tune)?;
    masters(on)
}

fn package(on: On<'_>) -> Result<()> {
    let Ep { ines, log, .. } = on.ep;
    log.step("The handoff: one package, made once, downloaded and checked");
    let made = on.wait("the package", || {
        let handoff = on.song_row(ines)?["handoff"].clone();
        Ok(Some(handoff["package"].clone()).filter(Value::is_object))
    })?;
    let file = on.ep.root.join("handoff").join(text(&made, "name"));
    std::fs::create_dir_all(file.parent().context("a folder")?)?;
    on.verb(ines, &["handoff", "-o", &file.to_string_lossy()])?;
    log.same(&digest(&file)?.as_str(), &text(&made, "sha256"), "the bytes are those that the server named")?;
    let checked = ines.verb(["handoff".into(), "check".into(), file.into_os_string()])?;
    log.check(checked.code == 0, "every file in it is what its manifest says")
}

fn returned(on: On<'_>, tune: &Tune) -> Result<()> {
    let Ep { ines, juno, artist, lena, log, .. } = on.ep;
    log.step("Ines Okafor sends it back: what is wrong with which file; another mix comes");
    on.verb(
        ines,
        &["handoff", "return", "The a cappella ends early.", "--item", "a-cappella=cut at the last word"],
    )?;
    on.stands_in("mixing")?;
    let items = on.song_row(juno)?["handoff"]["items"].clone();
    log.same(&text(&items[0], "alternate"), &"a-cappella", "the mixer reads which file it was")?;
    let folder = on.ep.root.join("files").join(tune.title);
    let print = Print { place_db: -1.0, dark: true, cut_s: 0.5, level_db: -3.0, ..Print::default() };
    let mut files = tune.print(&folder, "juno6", Print { level_db: -3.1, ..print })?;
    files.truncate(3);
    on.push(juno, "mix", &files, "A longer tail on the voices.")?;
    let mix = on.mix(juno, 6)?;
    on.examined(juno, &mix)?;
    for (seat, role) in [(artist, "artist"), (lena, "label")] {
        on.verb(seat, &["heard", "--version", &mix, "--all"])?;
        on.approve(seat, &mix, role)?;
    }
    on.stands_in("mastering")?;
    on.verb(ines, &["handoff", "accept"])?;
    Ok(())
}

fn masters(on: On<'_>) -> Result<()> {
    let Ep { ines, juno, artist, lena, log, .. } = on.ep;
    log.step("An automatic master and one from her own tools, side by side; the label signs; the delivery");
    on.wait("the automatic master", || Ok(on.version(ines, "Master 1").ok()))?;
    let folder = on.ep.root.join("own");
    let picked = on.mix(juno, 6)?;
    on.verb(ines, &["pull", &folder.to_string_lossy(), "--version", &picked, "--alternate", "main"])?;
    let mix = std::fs::read_dir(&folder)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|ending| ending == "wav"))
        .context("no main came")?;
    let own = on.ep.root.join("own").join("own-master.wav");
    ines.verb([
        "master",
        &mix.to_string_lossy(),
        "-o",
        &own.to_string_lossy(),
        "--target-lufs",
        "-12",
        "--format",
        "wav24",
    ])?;
    on.push(ines, "master", &[("main".into(), own)], "By hand.")?;
    let candidate =
        |on: On<'_>| on.song_row(&on.ep.owner).map(|row| text(&row, "candidate_version_id").to_owned());
    let id = |name: &str| on.version(ines, name).map(|row| text(&row, "version_id").to_owned());
    log.same(&candidate(on)?, &id("Master 2")?, "her own master is the candidate")?;
    on.verb(ines, &["put-forward", "master 1", "--reason", "The automatic one breathes more.", "--yes"])?;
    log.same(&candidate(on)?, &id("Master 1")?, "and she may put the automatic one forward again")?;
    for (seat, role) in [(artist, "artist"), (lena, "label")] {
        on.approve(seat, "Master 1", role)?;
    }
    on.stands_in("delivered")?;
    on.verb(lena, &["deliver"])?;
    Ok(())
}
