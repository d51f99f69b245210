//! Copies of the delivery in which something was touched, by those who hold bytes against digests and rules. Never here: fields of a file.

use std::fs;

use anyhow::{Context as _, Result};

use super::{
    super::{
        Lp,
        pressing::{Made, place},
        tools::ask,
    },
    folders,
};
use crate::{demo::studio::text, evidence};

/// A copy of the delivery with one bit changed, two files swapped, or one missing: whoever reads it says so.
pub fn touched_files_are_refused(lp: &Lp, made: &Made) -> Result<()> {
    let log = &lp.ep.log;
    log.step("Touched copies of delivered files are refused by those who read them");
    let set = folders(made, "DDPID").into_iter().next().context("no set for a plant")?;
    for name in ["DDPID", "DDPMS", "PQDESCR", "CDTEXT.BIN", "IMAGE.DAT", "CHECKSUM.MD5"] {
        let copy = evidence::copy(&set)?;
        evidence::flipped(&copy.path().join(name), 0.3)?;
        let said = lp.ep.ines.try_verb(["ddp".into(), "check".into(), copy.path().as_os_str().to_owned()])?;
        log.check(
            said.code == 1 || said.code == 3,
            format!("ddp check refuses a set with one bit of {name} changed"),
        )?;
    }
    if lp.bench.has(log, "md5sum") {
        let copy = evidence::copy(&set)?;
        evidence::flipped(&copy.path().join("IMAGE.DAT"), 0.9)?;
        let said = ask("md5sum", ["--strict", "--quiet", "-c", "CHECKSUM.MD5"], copy.path())?;
        log.check(!said.ok, "md5sum -c refuses it too")?;
    }
    let flac = made.files().find(|file| text(file, "name").ends_with(".flac"));
    if let Some(flac) = flac.filter(|_| lp.bench.has(log, "flac")) {
        let room = tempfile::Builder::new().prefix("touched-").tempdir()?;
        let copy = room.path().join("a.flac");
        fs::copy(made.path(flac), &copy)?;
        evidence::flipped(&copy, 0.97)?;
        log.check(
            !ask("flac", ["--silent", "-t", "a.flac"], room.path())?.ok,
            "flac -t refuses one bit of its sound",
        )?;
    }
    if !lp.bench.has(log, "sha256sum") {
        return Ok(());
    }
    let list = made.files().find(|file| text(file, "profile") == "hi-res" && text(file, "kind") == "sha256");
    let list = list.context("hi-res has no list of digests")?;
    let room = evidence::copy(made.path(list).parent().context("a folder")?)?;
    let tracks: Vec<String> = made
        .files()
        .filter(|file| text(file, "profile") == "hi-res" && text(file, "kind") == "track")
        .filter_map(|file| place(file).strip_prefix("hi-res/").map(ToOwned::to_owned))
        .collect();
    let check =
        || ask("sha256sum", ["--strict", "--quiet", "-c", text(list, "name")], room.path()).map(|it| it.ok);
    log.check(check()?, "sha256sum -c holds for a true copy")?;
    evidence::swapped(room.path(), &tracks[0], &tracks[1])?;
    log.check(!check()?, "sha256sum -c refuses two files that changed places")?;
    evidence::swapped(room.path(), &tracks[0], &tracks[1])?;
    fs::remove_file(room.path().join(&tracks[2]))?;
    log.check(!check()?, "and one that is missing")
}
