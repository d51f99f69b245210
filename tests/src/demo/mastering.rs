//! From the handoff to the delivery: what the mastering engineer, the artist and the label do. Each function is one step, with its checks;
//! every figure is measured a second time by meters that the studio does not use. Never here: rules, processing.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    thread::JoinHandle,
};

use anyhow::{Context as _, Result, anyhow};
use serde_json::Value;

use super::{
    cast::{self, file, of_kind, rows, version},
    mixing::{effects, sign},
    print::short,
    sound::{self, Figures},
    studio::{Studio, check_sums, digest, levels, text},
};
use crate::harness::Said;

/// The recipe that Master 2 is made with: louder, a little less mud, wide enough above the bass. It stands here as a person would write it.
const LOUDER: &str = r#"# Louder than Master 1, for the single.
name = "night-drive-loud"
target_lufs = -11.0
ceiling_dbtp = -1.0
dc_filter_hz = 3.0

[[eq]]
kind = "bell"
hz = 240.0
gain_db = -1.0
q = 0.9

[[eq]]
kind = "high-shelf"
hz = 9000.0
gain_db = 1.0

[compressor]
threshold_db = -20.0
ratio = 1.6
attack_ms = 30.0
release_ms = 180.0
key_low_cut_hz = 90.0

[limiter]

[[output]]
encoding = "wav24"

[[output]]
encoding = "wav16"
rate = 44100

[[output]]
encoding = "flac24"
"#;

/// Of the target, by the studio's rule (D-2).
const TARGET_WITHIN_LU: f64 = 0.1;
/// Two meters of different make agree this well on one file.
const METERS_WITHIN: f64 = 0.1;

pub fn handoff(on: &Studio) -> Result<()> {
    let Studio { log, cast, .. } = on;
    log.step("Ines Okafor (mastering engineer) takes the handoff");
    let folder = on.root.join("handoff");
    let said = cast.masterer.verb([OsString::from("pull"), "--handoff".into(), folder.into()])?;
    let unpacked = said.lines.iter().find(|line| line["unpacked"] == true);
    let folder = PathBuf::from(text(unpacked.context("nothing was unpacked")?, "folder"));
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json"))?)?;
    let listed = manifest["files"].as_array().context("the manifest lists no files")?;
    for entry in listed {
        let there = digest(&folder.join(text(entry, "name")))?;
        log.check(there == text(entry, "sha256"), format!("{}  {}", short(&there), text(entry, "name")))?;
    }
    let mix = version(&cast.masterer, "mix", 2)?;
    log.same(
        &text(&manifest["version"], "fingerprint"),
        &text(&mix, "fingerprint"),
        "the manifest names the fingerprint that was signed",
    )?;
    let count = check_sums(&folder)?;
    log.check(
        count > listed.len(),
        format!("SHA256SUMS covers all {count} files, brief and manifest among them"),
    )?;
    let said = cast.masterer.verb(["handoff", "accept"])?;
    log.say(&effects(&said));
    Ok(())
}

/// The folder of the package, as it was unpacked.
fn unpacked(on: &Studio) -> Result<PathBuf> {
    let mut inside = fs::read_dir(on.root.join("handoff"))?.flatten().map(|entry| entry.path());
    inside.find(|path| path.is_dir()).context("the handoff was not unpacked")
}

pub fn first_master(on: &Studio) -> Result<()> {
    let Studio { log, .. } = on;
    log.step("The server renders Master 1 by its default recipe, Ines Okafor follows");
    let said = follow(on, &["render", "watch"])?;
    let fractions: Vec<f64> = said
        .lines
        .iter()
        .filter(|line| line["row"] == "render_progress")
        .filter_map(|line| line["fraction"].as_f64())
        .collect();
    let rises = fractions.windows(2).all(|pair| pair[0] <= pair[1]);
    log.check(
        rises && !fractions.is_empty(),
        format!("{} steps of progress, never backwards", fractions.len()),
    )?;
    let render = said.lines.last().context("the render said nothing")?;
    judge(on, 1, render)
}

/// A render takes its time: every fifth of it is told.
fn follow(on: &Studio, args: &[&str]) -> Result<Said> {
    let mut told = 0.0;
    on.cast.masterer.follow_verb(args, |line| {
        let fraction = line["fraction"].as_f64().unwrap_or(0.0);
        if fraction >= told + 0.2 && line["ended"] == false {
            told = fraction;
            on.log.say(&format!("{:>3.0} %  {}", fraction * 100.0, text(line, "step")));
        }
    })
}

/// Answers what the offline render of the same recipe said.
pub fn second_master(on: &Studio) -> Result<Said> {
    let Studio { log, cast, .. } = on;
    log.step("Ines Okafor tunes the recipe and renders again: Master 2");
    let path = on.folder("files")?.join("louder.toml");
    fs::write(&path, LOUDER)?;
    let broken = on.folder("files")?.join("broken.toml");
    fs::write(&broken, LOUDER.replace("ratio = 1.6", "ratoi = 1.6"))?;
    let why = "--why=less mud, wider, as loud as the label asked";
    let wrong =
        cast.masterer.try_verb([OsString::from("recipe"), "set".into(), broken.into(), why.into()])?;
    let line = LOUDER.lines().position(|line| line.starts_with("ratio")).map_or(0, |at| at + 1);
    log.check(
        wrong.code == 3 && wrong.stderr.contains(&format!("line {line}")),
        format!("a slip in the recipe is found before anything runs, with its line ({line})"),
    )?;
    cast.masterer.verb([OsString::from("recipe"), "set".into(), path.into(), why.into()])?;
    let beside = offline(on)?;
    let said = follow(on, &["render", "start", "--wait"])?;
    let offline = beside.join().map_err(|_| anyhow!("the offline render panicked"))??;
    judge(on, 2, said.lines.last().context("the render said nothing")?)?;
    let figures = |number| -> Result<(f64, f64)> {
        let master = version(&cast.masterer, "master", number)?;
        let facts = &file(&master, "main")?["facts"];
        let level = |key: &str| facts[key].as_f64().context("a level is missing");
        Ok((level("integrated_lufs")?, level("loudness_range_lu")?))
    };
    let ((one, range_one), (two, range_two)) = (figures(1)?, figures(2)?);
    log.say(&format!(
        "Master 1 {one:.2} LUFS, range {range_one:.1} LU;  Master 2 {two:.2} LUFS, range {range_two:.1} LU"
    ));
    let first = rows(&cast.label)?;
    let superseded = of_kind(&first, "version")
        .any(|row| row["kind"] == "master" && row["number"] == 1 && row["superseded"] == true);
    log.check(superseded, "Master 1 stays as it was and is superseded")?;
    Ok(offline)
}

/// A master against its recipe, by the row and by other meters on the bytes that the server gives out.
fn judge(on: &Studio, number: u64, render: &Value) -> Result<()> {
    let (log, cast) = (&on.log, &on.cast);
    log.same(&text(render, "state"), &"done", "the render is done")?;
    let report = &render["report"];
    let (target, ceiling) = (
        report["target_lufs"].as_f64(),
        report["ceiling_dbtp"].as_f64().context("no ceiling in the report")?,
    );
    let target = target.context("no target in the report")?;
    let master = version(&cast.masterer, "master", number)?;
    log.say(&format!(
        "Master {number}  fingerprint {}  recipe {}",
        short(text(&master, "fingerprint")),
        short(text(report, "recipe_sha256"))
    ));
    let folder = on.folder("masters")?.join(format!("Master{number}"));
    let name = format!("master {number}");
    let said =
        cast.masterer.verb([OsString::from("pull"), folder.into(), "--version".into(), name.into()])?;
    for got in said.lines.iter().filter(|line| line["alternate"] == "main") {
        let path = Path::new(text(got, "file"));
        let found = sound::measure(path)?;
        log.say(&figures_line(path, &found));
        log.check(
            found.dbtp <= ceiling,
            format!("{:.2} dBTP is not over the ceiling of {ceiling:.1}, by a meter of its own", found.dbtp),
        )?;
        let stored =
            master["files"].as_array().and_then(|files| files.iter().find(|f| f["sha256"] == got["sha256"]));
        let told = stored
            .and_then(|file| file["facts"]["integrated_lufs"].as_f64())
            .context("no loudness in the row")?;
        let agree = (told - found.lufs).abs() < METERS_WITHIN;
        log.check(agree, format!("{told:.2} LUFS in the row, {:.2} by the second meter", found.lufs))?;
        if report["reached"] == true {
            let off = (found.lufs - target).abs();
            log.check(off <= TARGET_WITHIN_LU, format!("{off:.3} LU from the target of {target:.1} LUFS"))?;
        }
    }
    match report["reached"].as_bool() {
        Some(true) => Ok(()),
        // Honest where the ceiling does not allow it; the synthesised song always can.
        Some(false) => {
            let why = text(report, "reason");
            log.check(
                !why.is_empty() && !is_song(on),
                format!("the target was not reached, and the report says why: {why}"),
            )
        }
        None => log.check(false, "the report says whether the target was reached"),
    }
}

fn is_song(on: &Studio) -> bool {
    matches!(on.material, super::Material::Song(_))
}

fn figures_line(path: &Path, found: &Figures) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let depth = match (found.spec.bits, found.spec.float) {
        (Some(bits), true) => format!("{bits} bit float"),
        (Some(bits), false) => format!("{bits} bit"),
        (None, _) => found.spec.codec.to_owned(),
    };
    format!(
        "{name:<52} {:<4} {:>6} Hz {depth}  {:>9} frames  {:>7.2} LUFS  {:>7.2} dBTP",
        found.spec.container, found.spec.sample_rate, found.frames, found.lufs, found.dbtp
    )
}

/// The same source and recipe on this machine, without the server, while the server renders on its own.
fn offline(on: &Studio) -> Result<JoinHandle<Result<Said>>> {
    let folder = unpacked(on)?;
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json"))?)?;
    let listed = manifest["files"].as_array().context("the manifest lists no files")?;
    let (mut main, mut words) = (None, Vec::new());
    for entry in listed {
        let path = folder.join(text(entry, "name"));
        match text(entry, "alternate") {
            "main" => main = Some(path),
            // The papers, and the mixer's own reference, are not mastered.
            "" | "limited" => {}
            // Alternates are parts of the same render: the limiter holds them all by one curve.
            _ => words.extend([OsString::from("--alternate"), path.into()]),
        }
    }
    let main = main.context("no main in the handoff")?;
    let (recipe, output) =
        (on.folder("files")?.join("louder.toml"), on.folder("offline")?.join("Master2.wav"));
    let seat = on.cast.masterer.clone();
    Ok(std::thread::spawn(move || {
        let all = [
            OsString::from("master"),
            main.into(),
            "--output".into(),
            output.into(),
            "--recipe".into(),
            recipe.into(),
        ];
        seat.verb(all.into_iter().chain(words))
    }))
}

/// D-1: what both made is the same to the bit.
pub fn same_bytes(on: &Studio, offline: Said) -> Result<()> {
    let Studio { log, cast, .. } = on;
    log.step("The same render twice: Ines Okafor mastered the handoff offline, beside the server");
    let master = version(&cast.masterer, "master", 2)?;
    let stored: Vec<&str> =
        master["files"].as_array().into_iter().flatten().map(|f| text(f, "sha256")).collect();
    let outputs = offline.first()["outputs"].as_array().context("the offline render said nothing")?;
    log.same(&outputs.len(), &stored.len(), "every output of the recipe was written, of every alternate")?;
    for made in outputs {
        let here = digest(Path::new(text(made, "file")))?;
        log.check(
            stored.contains(&here.as_str()),
            format!("{} {}: the same bytes as the server's", text(made, "encoding"), short(&here)),
        )?;
    }
    Ok(())
}

pub fn master_approvals(on: &Studio) -> Result<()> {
    let Studio { log, cast, .. } = on;
    log.step("Artist and label sign Master 2");
    sign(on, "master", 2)?;
    log.same(
        &text(&cast::song(&cast.label)?, "stage"),
        &"delivered",
        "nothing more is asked: the master is signed",
    )
}

pub fn delivery(on: &Studio) -> Result<()> {
    let Studio { log, cast, .. } = on;
    log.step("Lena Ruiz (label) freezes the delivery and fetches it");
    let said = cast.label.verb(["deliver"])?;
    log.say(&effects(&said));
    cast.label.refused("DELIVERED_ALREADY", ["deliver"])?;
    let folder = on.root.join("delivery");
    let said = cast.label.verb([OsString::from("pull"), "--delivery".into(), folder.clone().into()])?;
    let count = check_sums(&folder)?;
    log.check(count > 3, format!("SHA256SUMS holds for all {count} files, every byte read"))?;
    let master = version(&cast.label, "master", 2)?;
    let signed: Value = serde_json::from_slice(&fs::read(folder.join("signatures.json"))?)?;
    log.same(
        &text(&signed, "fingerprint"),
        &text(&master, "fingerprint"),
        "the signatures name the fingerprint of Master 2",
    )?;
    let names: Vec<&str> =
        signed["signed_by"].as_array().into_iter().flatten().map(|by| text(by, "name")).collect();
    log.check(
        names.contains(&"Mara Lind") && names.contains(&"Lena Ruiz"),
        format!("signed by {}", names.join(" and ")),
    )?;
    measure_all(on, &folder, &master, &said.lines)
}

/// Every file of the delivery, read and measured once more; it must be what the label signed.
fn measure_all(on: &Studio, folder: &Path, master: &Value, got: &[Value]) -> Result<()> {
    let files = master["files"].as_array().context("a master without files")?;
    log_count(on, got.iter().filter(|line| line["alternate"].is_string()).count(), files.len())?;
    let mut worst = 0.0f64;
    let audio: Vec<&Value> = got.iter().filter(|line| line["alternate"].is_string()).collect();
    for (line, found) in audio.iter().zip(measured(&audio)?) {
        let path = Path::new(text(line, "file"));
        on.log.say(&figures_line(path.strip_prefix(folder).unwrap_or(path), &found));
        let stored =
            files.iter().find(|f| f["sha256"] == line["sha256"]).context("a file that nobody signed")?;
        let facts = &stored["facts"];
        let same = facts["frames"] == found.frames
            && facts["sample_rate"] == found.spec.sample_rate
            && facts["bits"].as_u64() == found.spec.bits.map(u64::from);
        if !same {
            on.log.check(false, format!("{} is not what its row says: {}", path.display(), levels(facts)))?;
        }
        let told = facts["integrated_lufs"].as_f64().unwrap_or(f64::NEG_INFINITY);
        worst = worst.max((told - found.lufs).abs());
    }
    on.log.check(true, "length, rate and depth of each are as its row says")?;
    on.log.check(
        worst < METERS_WITHIN,
        format!("loudness of each as its row says, within {worst:.3} LU by the second meter"),
    )
}

/// On two threads: it is the demo's longest look at anything.
fn measured(lines: &[&Value]) -> Result<Vec<Figures>> {
    let half = lines.len().div_ceil(2);
    let measure = |part: &[&Value]| {
        part.iter().map(|line| sound::measure(Path::new(text(line, "file")))).collect::<Result<Vec<_>>>()
    };
    let (first, second) = std::thread::scope(|scope| {
        let second = scope.spawn(|| measure(&lines[half..]));
        (measure(&lines[..half]), second.join())
    });
    let mut all = first?;
    all.extend(second.map_err(|_| anyhow!("a measurement panicked"))??);
    Ok(all)
}

fn log_count(on: &Studio, got: usize, signed: usize) -> Result<()> {
    on.log.same(&got, &signed, &format!("{signed} audio files, exactly those signed"))
}
