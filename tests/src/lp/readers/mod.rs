//! The delivered files in the hands of programs of others, each where it is installed. What has to stand in each file is put together from what the house was
//! asked when the record was planned; what a program reads there is held against it, field by field. `planted` shows that every one of these readers finds an
//! error that is put in. Never here: what the writers meant by themselves.

mod disc;
mod facts;
mod levels;
mod planted;
mod programs;
mod touched;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use self::{
    facts::{
        ALBUM, ARTIST, BITS, CHANNELS, COVER, FRAMES, Facts, ISRC, PICTURE, PIXELS, RATE, TITLE, TRACK, UPC,
        YEAR, differences,
    },
    programs::{READERS, Reader},
};
pub use self::{planted::planted_errors_are_found, touched::touched_files_are_refused};
use super::{
    Lp,
    asked::{Asked, Marks},
    pressing::{Made, place},
    tools::must,
};
use crate::{demo::studio::text, ep::Ep};

/// A file of sound, once for all profiles that hold the same bytes.
struct Sound<'a> {
    path: PathBuf,
    file: &'a Value,
    wanted: Facts,
}

impl Sound<'_> {
    fn ending(&self) -> &str {
        self.path.extension().and_then(|it| it.to_str()).unwrap_or_default()
    }

    fn is_raw(&self) -> bool {
        matches!(self.ending(), "DAT" | "bin")
    }
}

pub fn read_all(lp: &Lp, made: &Made) -> Result<()> {
    let Ep { log, .. } = &lp.ep;
    log.step(&format!("Record {} in the hands of programs of others", made.number));
    let sounds = sounds(made)?;
    log.say(&format!(
        "{} files of sound, {} of them apart by their bytes",
        made.files().filter(|it| is_sound(it)).count(),
        sounds.len()
    ));
    sums(lp, made)?;
    for reader in &READERS {
        read_by(lp, made, &sounds, reader)?;
    }
    levels::measured_again(lp, made, &sounds)?;
    disc::read(lp, made)
}

fn is_sound(file: &Value) -> bool {
    file["sample_rate"].as_u64().unwrap_or(0) > 0
}

fn sounds(made: &Made) -> Result<Vec<Sound<'_>>> {
    let plans: BTreeMap<String, &Value> = made.planned().map(|file| (place(file), file)).collect();
    let levels = levels::by_place(made)?;
    let mut seen = BTreeSet::new();
    let mut sounds = Vec::new();
    for file in made.files().filter(|it| is_sound(it)) {
        if !seen.insert(text(file, "sha256")) {
            continue;
        }
        let here = place(file);
        let plan = *plans.get(&here).with_context(|| format!("{here} was not planned"))?;
        let mut sound = Sound { path: made.path(file), file, wanted: Facts::default() };
        sound.wanted = wanted(&made.asked, plan, sound.is_raw()).with_context(|| here.clone())?;
        if marks(&made.asked, plan)?.is_some_and(|marks| marks.bext) {
            let levels =
                levels.get(&here).with_context(|| format!("the report tells no levels of {here}"))?;
            levels::bext(&mut sound.wanted, plan, levels)?;
        }
        let known = READERS.iter().any(|reader| !(reader.tells)(sound.ending()).is_empty());
        ensure!(known, "no program of others reads {here}");
        sounds.push(sound);
    }
    Ok(sounds)
}

/// "WAV 24 bit 96 kHz" is "wav24" in a profile; none of what is part of a disc.
fn encoding(plan: &Value) -> Option<String> {
    let mut words = text(plan, "format").split_whitespace();
    let name = words.next().unwrap_or_default().to_lowercase();
    let size = words.next().unwrap_or_default().to_lowercase();
    match name.as_str() {
        "wav" | "flac" | "aiff" => Some(format!("{name}{size}")),
        "mp3" | "opus" => Some(format!("{name}-{size}")),
        _ => None,
    }
}

fn marks(asked: &Asked, plan: &Value) -> Result<Option<Marks>> {
    let Some(encoding) = encoding(plan) else { return Ok(None) };
    asked.marks(text(plan, "profile"), text(plan, "kind"), &encoding).map(Some)
}

/// All that has to stand in a file: its form from the plan, its words from the label copy, where the profile asks for words.
fn wanted(asked: &Asked, plan: &Value, is_raw: bool) -> Result<Facts> {
    let mut facts = Facts::default();
    let format = text(plan, "format");
    let bits = [16, 24, 32].into_iter().find(|bits| format.contains(&format!("{bits} bit")));
    ensure!(bits.is_some() || format.contains("kbit/s"), "{format:?} tells no word length");
    facts.put(RATE, &plan["sample_rate"]).put(CHANNELS, 2).put(FRAMES, &plan["frames"]).put_some(BITS, bits);
    let tagged = marks(asked, plan)?.is_some_and(|marks| marks.tags);
    if is_raw || !tagged {
        return Ok(facts);
    }
    let cover = png::Decoder::new(std::io::Cursor::new(&asked.cover)).read_info()?;
    let (width, height) = cover.info().size();
    facts.put(COVER, "image/png").put(PIXELS, format!("{width}x{height}"));
    facts.put_some(PICTURE, programs::picture(&asked.cover));
    facts.put(ALBUM, &asked.album).put(ARTIST, &asked.artist).put(YEAR, &asked.year);
    let of_one = matches!(text(plan, "kind"), "track" | "song");
    if !of_one {
        facts.put(TITLE, &asked.album).put(UPC, &asked.upc);
        return Ok(facts);
    }
    let ids = plan["songs"].as_array().or_else(|| plan["song_ids"].as_array());
    let id = ids.and_then(|ids| ids.first()).and_then(Value::as_str).context("of which song?")?;
    let song = asked.song(id)?;
    // An instrumental is another recording: it bears no code of its main.
    if text(plan, "name").contains("_Inst_") {
        facts.put(TITLE, format!("{} [Inst]", song.title));
        return Ok(facts);
    }
    ensure!(text(plan, "name").contains("_Main_"), "which form of the song is it?");
    facts.put(TITLE, &song.title).put(ISRC, &song.isrc).put(UPC, &asked.upc).put_some(TRACK, song.number);
    Ok(facts)
}

/// One program over all files that it reads.
fn read_by(lp: &Lp, made: &Made, sounds: &[Sound<'_>], reader: &Reader) -> Result<()> {
    let log = &lp.ep.log;
    let read: Vec<&Sound<'_>> =
        sounds.iter().filter(|sound| !(reader.tells)(sound.ending()).is_empty()).collect();
    if read.is_empty() {
        log.say(&format!("{}: the record has no file that it reads", reader.name));
        return Ok(());
    }
    if !lp.bench.has(log, reader.tool) {
        return Ok(());
    }
    let paths: Vec<PathBuf> = read.iter().map(|sound| sound.path.clone()).collect();
    let mut held = 0;
    for (sound, found) in read.iter().zip(reader.read(&paths, &made.folder)?) {
        let tells = (reader.tells)(sound.ending());
        let differs = differences(&sound.wanted, &found, tells);
        ensure!(differs.is_empty(), "{} of {}: {}", reader.name, place(sound.file), differs.join("; "));
        held += tells.iter().filter(|name| sound.wanted.get(name).is_some()).count();
    }
    let as_planned = match held {
        0 => "no complaint".to_owned(),
        held => format!("{held} fields as planned, nothing else"),
    };
    log.check(true, format!("{}: {} files, {as_planned}", reader.name, read.len()))
}

/// Every list of digests, by the program that people have, from the folder that it speaks of.
fn sums(lp: &Lp, made: &Made) -> Result<()> {
    let log = &lp.ep.log;
    for (tool, kind) in [("sha256sum", "sha256"), ("md5sum", "md5")] {
        if !lp.bench.has(log, tool) {
            continue;
        }
        let is_list = |file: &&Value| {
            text(file, "kind") == kind || (kind == "md5" && text(file, "name") == "CHECKSUM.MD5")
        };
        let lists: Vec<&Value> = made.files().filter(is_list).collect();
        let mut lines = 0;
        for list in &lists {
            let path = made.path(list);
            let folder = path.parent().context("a file lies in a folder")?;
            must(tool, ["--strict", "--quiet", "-c", text(list, "name")], folder)?;
            lines += fs::read_to_string(&path)?.lines().count();
        }
        log.check(
            lines > 0 || made.number > 1,
            format!("{tool} -c: {lines} digests in {} lists", lists.len()),
        )?;
    }
    Ok(())
}

/// Folders of the delivery with a file of this name in them.
fn folders(made: &Made, name: &str) -> Vec<PathBuf> {
    let with = made.files().filter(|file| text(file, "name") == name);
    with.filter_map(|file| made.path(file).parent().map(Path::to_owned)).collect()
}
