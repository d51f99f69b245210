//! A record by keys alone, on a real server: two short songs that were signed, an approved spacing, then two people at their terminals. One chooses what the record
//! is for, reads the dry run and has it made; the other signs it with a key, delivers it and fetches its files. What the house says of it is asked beside the screens.
#![allow(clippy::unwrap_used)] // A test fails by panicking.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use deadwax_dsp::{
    Block,
    write::{AudioWriter, Encoding},
};
use deadwax_tests::{
    demo::{
        Log,
        studio::{digest, text},
    },
    ep::{Ep, On},
    harness::Seat,
    pane::Pane,
};
use portable_pty::CommandBuilder;
use serde_json::Value;

const PROJECT: &str = "Two Songs";
const SONGS: [(&str, &str, f64); 2] =
    [("Night Drive", "QZDWX2600001", 220.0), ("Salt", "QZDWX2600002", 330.0)];
const RATE_HZ: u32 = 44_100;
const SECONDS: usize = 5;
const SMALL: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (120, 40);

#[test]
fn a_record_is_planned_made_signed_delivered_and_fetched_by_keys_alone() {
    let root = tempfile::tempdir().unwrap();
    let exe = Path::new(env!("CARGO_BIN_EXE_demo"));
    let songs = SONGS.map(|(title, isrc, _)| (title, isrc.to_owned()));
    let mut ep = Ep::gather(exe, root.path(), Log::new(true), PROJECT, &songs).unwrap();
    signed_songs(&ep).unwrap();
    spaced(&ep).unwrap();
    // What is chosen for the second record begins with what the first was for: that is taken away, and the other put in its place.
    by_keys(exe, &ep, 1, SMALL, &["reference"]).unwrap();
    by_keys(exe, &ep, 2, LARGE, &["reference", "cd"]).unwrap();
    ep.house.close().unwrap();
}

/// A tone with its fifth, of its own for each file: what is signed twice would be one file.
fn sound(path: &Path, hz: f64, level: f64) -> Result<PathBuf> {
    let frames = RATE_HZ as usize * SECONDS;
    let sample = |at: usize, hz: f64| (at as f64 / f64::from(RATE_HZ) * hz * std::f64::consts::TAU).sin();
    // Soft at both ends.
    let fade = |at: usize| (at.min(frames - 1 - at) as f64 / 2205.0).min(1.0);
    let plane = |hz: f64| {
        (0..frames).map(|at| level * fade(at) * (sample(at, hz) + sample(at, hz * 1.5)) / 2.0).collect()
    };
    let mut writer = AudioWriter::create(path, Encoding::Wav24, RATE_HZ, 2, None)?;
    writer.write(&Block { channels: vec![plane(hz), plane(hz * 1.01)] })?;
    writer.finish()?;
    Ok(path.to_owned())
}

/// One approval a stage, by verbs.
fn signed_songs(ep: &Ep) -> Result<()> {
    for (stage, need) in [("recording", "mix-engineer:1"), ("mixing", "artist:1"), ("mastering", "label:1")] {
        ep.owner.verb(["gate", "set", "--stage", stage, "--need", need])?;
    }
    let folder = ep.root.join("files");
    fs::create_dir_all(&folder)?;
    for (at, (title, _, hz)) in SONGS.into_iter().enumerate() {
        let on = On { ep, song: title };
        let steps = [
            ("take", &ep.artist, &ep.teo, "mix-engineer", 0.3),
            ("mix", &ep.teo, &ep.artist, "artist", 0.4),
            ("master", &ep.ines, &ep.lena, "label", 0.5),
        ];
        for (stage, from, by, role, level) in steps {
            let file = sound(&folder.join(format!("{at}-{stage}.wav")), hz, level)?;
            on.push(from, stage, &[("main".into(), file)], "")?;
            on.wait("its examination", || candidate(on, stage))?;
            on.verb(by, &["approve", "--role", role, "--yes"])?;
        }
        ensure!(text(&on.song_row(&ep.owner)?, "stage") == "delivered", "{title} is not signed");
    }
    Ok(())
}

/// What the gate looks at, once the house has looked at it.
fn candidate(on: On<'_>, kind: &str) -> Result<Option<Value>> {
    let rows = on.rows(&on.ep.owner)?;
    let song = rows.values().find(|row| row["row"] == "song" && row["title"] == on.song);
    let id = text(song.context("the song is not there")?, "candidate_version_id");
    let done = |row: &&Value| row["examination"]["state"] == "done" || row["examination"].is_null();
    let version = rows.values().find(|row| row["row"] == "version" && row["version_id"] == id);
    Ok(version.filter(|row| row["kind"] == kind).filter(done).cloned())
}

fn spaced(ep: &Ep) -> Result<()> {
    let [(first, ..), (second, ..)] = SONGS;
    ep.ines.verb(["spacing", "set", first, &format!("{second}:2")])?;
    ep.lena.verb(["key", "new", "--no-passphrase"])?;
    ep.lena.verb(["spacing", "approve", "--role", "label", "--yes"]).map(drop)
}

/// A person's client, in a home where downloads land that is not the tester's.
fn pane(exe: &Path, seat: &Seat, size: (u16, u16)) -> Result<Pane> {
    let mut command = CommandBuilder::new(exe);
    command.arg("client");
    command.env("DEADWAX_HOME", &seat.home);
    command.env("HOME", &seat.home);
    command.env("TERM", "xterm-256color");
    for gone in ["NO_COLOR", "COLORTERM", "COLORFGBG", "TMUX", "DEADWAX_PROFILE", "XDG_DOWNLOAD_DIR"] {
        command.env_remove(gone);
    }
    let mut pane = Pane::run(command, &seat.name, size)?;
    pane.sees("● live")?;
    pane.does("2", PROJECT)?;
    pane.does("<enter>", SONGS[0].0)?;
    pane.does("7", "single songs")?;
    Ok(pane)
}

fn show(ep: &Ep, number: u32) -> Result<Value> {
    let said = ep.owner.verb(["record", "show", &number.to_string()])?;
    said.lines.into_iter().find(|it| it["number"] == number).with_context(|| format!("no Record {number}"))
}

/// One record, from the list of profiles to the files in a folder.
fn by_keys(exe: &Path, ep: &Ep, number: u32, size: (u16, u16), toggled: &[&str]) -> Result<()> {
    let profile = *toggled.last().context("no profile")?;
    let mut ines = pane(exe, &ep.ines, size)?;
    let mut lena = pane(exe, &ep.lena, size)?;
    if number == 1 {
        ines.sees("No record was made yet.")?;
    }
    let plan = planned_and_started(ep, &mut ines, number, toggled)?;
    let (made, waits) = (format!("Record {number} ◐ made"), format!("Record {number} waits for"));
    for pane in [&ines, &lena] {
        pane.sees(&made)?;
        pane.sees(&waits)?;
    }
    let row = show(ep, number)?;
    ensure!(row["state"] == "made" && row["profiles"].to_string().contains(profile), "{row}");
    let place = |it: &Value| format!("{}/{}", text(it, "folder"), text(it, "name"));
    let planned: BTreeSet<String> = files(&plan).map(place).collect();
    ensure!(planned == files(&row).map(place).collect(), "{planned:?} was planned: {row}");
    ensure!(!planned.is_empty() && files(&row).all(|it| it["profile"] == profile), "{row}");
    // A record is the label's to sign, and the screen says so.
    ines.does("a", "You may not approve a record here: that is for the label")?;
    ensure!(show(ep, number)?["approvals"].as_array().is_none_or(Vec::is_empty), "it was signed");
    signed_and_delivered(ep, &mut lena, number)?;
    ines.sees(&format!("Record {number} ● delivered"))?;
    fetched(ep, &mut lena, number)?;
    for pane in [ines, lena] {
        let name = pane.name.clone();
        ensure!(pane.leave()? == 0, "{name}'s client ended badly");
    }
    Ok(())
}

fn files(row: &Value) -> impl Iterator<Item = &Value> {
    row["files"].as_array().into_iter().flatten()
}

/// Answers the dry run, as the command line tells it.
fn planned_and_started(ep: &Ep, ines: &mut Pane, number: u32, toggled: &[&str]) -> Result<Value> {
    let said = ep.ines.verb(["record", "profiles"])?;
    let list: Vec<Value> = match said.first()["profiles"].as_array() {
        Some(list) => list.clone(),
        None => said.lines.clone(),
    };
    ines.does("s", "What is the record for?")?;
    ines.sees("] streaming")?;
    let mut chosen = usize::from(number > 1);
    let mut here = 0;
    for profile in toggled {
        let there = list.iter().position(|it| it["name"] == *profile).context("no such profile")?;
        let step = if there < here { "<up>" } else { "<down>" };
        for _ in 0..there.abs_diff(here) {
            ines.keys(step)?;
        }
        here = there;
        let was_chosen = number > 1 && *profile == "reference";
        chosen = if was_chosen { chosen - 1 } else { chosen + 1 };
        ines.sees(&format!("▸[{}] {profile}", if was_chosen { 'x' } else { ' ' }))?;
        ines.does("<space>", &format!("▸[{}] {profile}", if was_chosen { ' ' } else { 'x' }))?;
        ines.sees(&format!("{chosen} chosen"))?;
    }
    let plan = ep.ines.verb(["record", "plan", "--for", toggled.last().context("no profile")?])?;
    let count = plan.first()["files"].as_array().map_or(0, Vec::len);
    ines.does("<enter>", &format!("Dry run with spacing 1: {count} files"))?;
    ines.sees("0 blocks")?;
    // Drawn to its last line: which page is open, and the files by their names.
    ines.sees("Esc goes back to the profiles")?;
    if ines.screen().contains("▸Findings") {
        ines.keys("<tab>")?;
    }
    ines.sees(&format!("▸Files {count}"))?;
    for file in files(plan.first()) {
        // Of a long name its end is there, which is what tells files of one folder apart.
        let name = text(file, "name");
        ines.sees(&name[name.len().saturating_sub(24)..])?;
    }
    ensure!(show(ep, number).is_err(), "a dry run made a record");
    ines.does("s", "Make this record?")?;
    // Enter is on "Cancel": whoever runs ahead makes nothing.
    ines.does("<enter>", "starts it")?;
    ensure!(show(ep, number).is_err(), "Enter made a record");
    ines.does("s", "Make this record?")?;
    ines.keys("y")?;
    ines.sees_no("Make this record?")?;
    Ok(plan.first().clone())
}

fn signed_and_delivered(ep: &Ep, lena: &mut Pane, number: u32) -> Result<()> {
    let fingerprint = text(&show(ep, number)?, "fingerprint").to_owned();
    lena.does("a", "Approve the record: sign these exact files?")?;
    lena.sees(&fingerprint)?;
    lena.sees("Signed with your key")?;
    lena.keys("<enter>")?;
    lena.sees("y signs, nothing else does")?;
    lena.keys("y")?;
    lena.sees_no("sign these exact files?")?;
    lena.sees("receipt #")?;
    let row = show(ep, number)?;
    let approvals = row["approvals"].as_array().map_or(0, Vec::len);
    ensure!(approvals == 1 && row["approvals"][0]["fingerprint"] == fingerprint.as_str(), "{row}");
    lena.does("D", "Please confirm")?;
    lena.keys("y")?;
    lena.sees_no("Please confirm")?;
    lena.sees(&format!("Record {number} ● delivered"))?;
    lena.sees("frozen; e shows the manifest")?;
    ensure!(show(ep, number)?["state"] == "delivered", "the house knows of no delivery");
    Ok(())
}

fn fetched(ep: &Ep, lena: &mut Pane, number: u32) -> Result<()> {
    lena.does("f", &format!("Fetch Record {number}"))?;
    lena.keys("<enter>")?;
    lena.sees_no(&format!("Fetch Record {number}"))?;
    let folder = ep.lena.home.join(format!("Deadwax/{PROJECT}/Record {number}"));
    let row = show(ep, number)?;
    let count = files(&row).count();
    // Where the folder's name breaks the line hangs on the window.
    lena.sees(&format!("{count} of {count} here"))?;
    for file in files(&row) {
        let path = folder.join(text(file, "folder")).join(text(file, "name"));
        ensure!(digest(&path)? == text(file, "sha256"), "{} has other bytes", path.display());
    }
    let manifest = fs::read_to_string(folder.join("manifest.json"))?;
    ensure!(manifest.contains(text(&row, "fingerprint")), "{manifest}");
    // The set for a plant is one, by the reader that shares nothing with its writer.
    for id in files(&row).filter(|it| it["name"] == "DDPID") {
        ep.lena.verb(["ddp".into(), "check".into(), folder.join(text(id, "folder")).into_os_string()])?;
    }
    Ok(())
}
