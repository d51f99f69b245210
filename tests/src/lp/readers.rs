//! The delivered files in the hands of programs of others, each where it is installed: checksums, decoders, tag readers, readers of cue sheets and TOC files,
//! and our own reader of DDP-compatible sets, which shares nothing with the writer. Never here: what the writers meant by themselves; only what was planned.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{
    Lp,
    label::{CATALOGUE, UPC},
    pressing::{Made, place},
    tools::{ask, must},
};
use crate::{demo::studio::text, ep::Ep, evidence};

/// Command lines have an end.
const AT_ONCE: usize = 40;

/// A file of sound, once for all profiles that hold the same bytes.
struct Sound<'a> {
    path: PathBuf,
    file: &'a Value,
    plan: &'a Value,
    /// Of the one song that it is a track of.
    isrc: Option<&'a str>,
}

impl Sound<'_> {
    fn ending(&self) -> &str {
        self.path.extension().and_then(|it| it.to_str()).unwrap_or_default()
    }

    fn is_raw(&self) -> bool {
        matches!(self.ending(), "DAT" | "bin")
    }

    fn number(&self, key: &str) -> u64 {
        self.plan[key].as_u64().unwrap_or(0)
    }

    /// 16, 24: of what has a word length.
    fn bits(&self) -> Option<u64> {
        if self.is_raw() {
            return Some(16);
        }
        let format = text(self.plan, "format");
        [16, 24, 32].into_iter().find(|bits| format.contains(&format!("{bits} bit")))
    }
}

pub fn read_all(lp: &Lp, made: &Made) -> Result<()> {
    let Ep { log, .. } = &lp.ep;
    log.step(&format!("Record {} in the hands of programs of others", made.number));
    let sounds = sounds(lp, made)?;
    log.say(&format!(
        "{} files of sound, {} of them apart by their bytes",
        made.files().filter(|it| is_sound(it)).count(),
        sounds.len()
    ));
    sums(lp, made)?;
    decoded(lp, made, &sounds)?;
    probed(lp, made, &sounds)?;
    by_sox(lp, made, &sounds)?;
    by_mediainfo(lp, made, &sounds)?;
    by_sndfile(lp, made, &sounds)?;
    by_exiftool(lp, made, &sounds)?;
    discs(lp, made)
}

fn is_sound(file: &Value) -> bool {
    file["sample_rate"].as_u64().unwrap_or(0) > 0
}

fn sounds<'a>(lp: &'a Lp, made: &'a Made) -> Result<Vec<Sound<'a>>> {
    let plans: BTreeMap<String, &Value> = made.planned().map(|file| (place(file), file)).collect();
    let mut songs = BTreeMap::new();
    for piece in &lp.pieces {
        let row = lp.on(piece).song_row(&lp.ep.owner)?;
        songs.insert(text(&row, "song_id").to_owned(), piece.isrc.as_str());
    }
    let mut seen = BTreeSet::new();
    let mut sounds = Vec::new();
    for file in made.files().filter(|it| is_sound(it)) {
        if !seen.insert(text(file, "sha256")) {
            continue;
        }
        let plan = *plans.get(&place(file)).with_context(|| format!("{} was not planned", place(file)))?;
        let song =
            plan["songs"].as_array().or_else(|| plan["song_ids"].as_array()).and_then(|songs| songs.first());
        let of = song.and_then(Value::as_str).and_then(|id| songs.get(id).copied());
        let isrc = of.filter(|_| text(file, "kind") == "track");
        sounds.push(Sound { path: made.path(file), file, plan, isrc });
    }
    Ok(sounds)
}

fn names<'a>(sounds: &'a [&'a Sound<'a>]) -> impl Iterator<Item = std::ffi::OsString> + 'a {
    sounds.iter().map(|sound| sound.path.as_os_str().to_owned())
}

fn of<'a>(sounds: &'a [Sound<'a>], endings: &[&str]) -> Vec<&'a Sound<'a>> {
    sounds.iter().filter(|sound| endings.contains(&sound.ending())).collect()
}

fn words(text: &str) -> Vec<std::ffi::OsString> {
    text.split_whitespace().map(Into::into).collect()
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

/// To the last sample: by flac against its own MD5, by ffmpeg without one complaint.
fn decoded(lp: &Lp, made: &Made, sounds: &[Sound<'_>]) -> Result<()> {
    let log = &lp.ep.log;
    let flacs = of(sounds, &["flac"]);
    if !flacs.is_empty() && lp.bench.has(log, "flac") {
        must(
            "flac",
            words("--silent --warnings-as-errors -t").into_iter().chain(names(&flacs)),
            &made.folder,
        )?;
        log.check(true, format!("flac -t: {} files, every sample against its MD5", flacs.len()))?;
    }
    if !lp.bench.has(log, "ffmpeg") {
        return Ok(());
    }
    for some in sounds.chunks(AT_ONCE / 2) {
        let mut line = words("-hide_banner -nostats -v error -xerror");
        for sound in some {
            if sound.is_raw() {
                line.extend(words("-f s16le -ar 44100 -ac 2"));
            }
            line.extend(["-i".into(), sound.path.as_os_str().to_owned()]);
        }
        for at in 0..some.len() {
            line.extend(["-map".into(), format!("{at}:a").into()]);
        }
        line.extend(words("-f null -"));
        let answer = must("ffmpeg", line, &made.folder)?;
        ensure!(answer.err.trim().is_empty(), "ffmpeg complains: {}", answer.err);
    }
    log.check(true, format!("ffmpeg decodes {} files to their end and has nothing to say", sounds.len()))
}

/// What a reader found, against what was planned: rate, channels, word length, frames.
fn as_planned(reader: &str, sound: &Sound<'_>, found: [Option<u64>; 4]) -> Result<()> {
    let lossy = matches!(sound.ending(), "mp3" | "opus");
    // A coder pads: its frames are held by ear, within a twentieth of a second.
    let slack = if lossy { sound.number("sample_rate") / 20 } else { 0 };
    let bits = if lossy { None } else { sound.bits() };
    let wanted = [Some(sound.number("sample_rate")), Some(2), bits, Some(sound.number("frames"))];
    for ((what, found), wanted) in ["rate", "channels", "bits", "frames"].iter().zip(found).zip(wanted) {
        let (Some(found), Some(wanted)) = (found, wanted) else { continue };
        let slack = if *what == "frames" { slack } else { 0 };
        ensure!(
            found.abs_diff(wanted) <= slack,
            "{reader} reads {what} {found} in {}, {wanted} was planned",
            place(sound.file)
        );
    }
    Ok(())
}

fn carries(reader: &str, sound: &Sound<'_>, said: &str) -> Result<()> {
    let Some(isrc) = sound.isrc.filter(|_| sound.ending() != "opus") else { return Ok(()) };
    let tagged = text(sound.file, "profile") != "cd";
    ensure!(!tagged || said.contains(isrc), "{reader} finds no {isrc} in {}: {said}", place(sound.file));
    Ok(())
}

fn as_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()))
}

fn probed(lp: &Lp, made: &Made, sounds: &[Sound<'_>]) -> Result<()> {
    let log = &lp.ep.log;
    if !lp.bench.has(log, "ffprobe") {
        return Ok(());
    }
    let mut coded = 0;
    for sound in sounds.iter().filter(|sound| !sound.is_raw()) {
        let line = words(
            "-v error -of json -show_entries stream=codec_type,codec_name,sample_rate,channels,bits_per_sample,bits_per_raw_sample,duration_ts,time_base:format_tags:stream_tags",
        );
        let answer =
            must("ffprobe", line.into_iter().chain([sound.path.as_os_str().to_owned()]), &made.folder)?;
        ensure!(answer.err.trim().is_empty(), "ffprobe complains: {}", answer.err);
        let said: Value = serde_json::from_str(&answer.out)?;
        let streams = said["streams"].as_array().context("no streams")?;
        let audio = streams.iter().find(|it| it["codec_type"] == "audio").context("no sound")?;
        let bits = ["bits_per_raw_sample", "bits_per_sample"]
            .iter()
            .filter_map(|key| as_number(&audio[*key]))
            .find(|bits| *bits > 0);
        let rate = as_number(&audio["sample_rate"]);
        let in_frames = audio["time_base"] == format!("1/{}", rate.unwrap_or(0));
        let frames = as_number(&audio["duration_ts"]).filter(|_| in_frames);
        as_planned("ffprobe", sound, [rate, as_number(&audio["channels"]), bits, frames])?;
        carries("ffprobe", sound, &answer.out)?;
        coded += usize::from(sound.isrc.is_some());
    }
    log.check(true, format!("ffprobe: rate, depth, length as planned, the ISRC in each of {coded} tracks"))
}

fn by_sox(lp: &Lp, made: &Made, sounds: &[Sound<'_>]) -> Result<()> {
    let log = &lp.ep.log;
    if !lp.bench.has(log, "soxi") {
        return Ok(());
    }
    let read = of(sounds, &["wav", "flac"]);
    for some in read.chunks(AT_ONCE) {
        let mut columns = Vec::new();
        for option in ["-r", "-c", "-b", "-s"] {
            let answer = must("soxi", [option.into()].into_iter().chain(names(some)), &made.folder)?;
            let numbers: Vec<Option<u64>> = answer.out.lines().map(|line| line.trim().parse().ok()).collect();
            ensure!(
                numbers.len() == some.len(),
                "soxi {option} answered {} lines for {} files",
                numbers.len(),
                some.len()
            );
            columns.push(numbers);
        }
        for (at, sound) in some.iter().enumerate() {
            let found = [0, 1, 2, 3].map(|column| columns[column][at]);
            ensure!(found.iter().all(Option::is_some), "soxi cannot read {}", place(sound.file));
            as_planned("soxi", sound, found)?;
        }
    }
    log.check(true, format!("soxi: rate, depth, length of {} files as planned", read.len()))
}

fn by_mediainfo(lp: &Lp, made: &Made, sounds: &[Sound<'_>]) -> Result<()> {
    let log = &lp.ep.log;
    if !lp.bench.has(log, "mediainfo") {
        return Ok(());
    }
    let read = of(sounds, &["wav", "flac", "mp3"]);
    for some in read.chunks(AT_ONCE) {
        let answer =
            must("mediainfo", ["--Output=JSON".into()].into_iter().chain(names(some)), &made.folder)?;
        let said: Value = serde_json::from_str(&answer.out).context("what mediainfo said")?;
        let list = said.as_array().cloned().unwrap_or_else(|| vec![said]);
        ensure!(list.len() == some.len(), "mediainfo told of {} of {} files", list.len(), some.len());
        for (sound, said) in some.iter().zip(&list) {
            let tracks = said["media"]["track"].as_array().context("no tracks")?;
            let audio = tracks.iter().find(|it| it["@type"] == "Audio");
            let audio =
                audio.with_context(|| format!("mediainfo finds no sound in {}", place(sound.file)))?;
            let number = |key: &str| as_number(&audio[key]);
            let frames = number("SamplingCount").filter(|_| sound.ending() != "mp3");
            as_planned(
                "mediainfo",
                sound,
                [number("SamplingRate"), number("Channels"), number("BitDepth"), frames],
            )?;
            carries("mediainfo", sound, &said.to_string())?;
        }
    }
    log.check(true, format!("mediainfo: rate, depth, length, ISRC of {} files as planned", read.len()))
}

fn by_sndfile(lp: &Lp, made: &Made, sounds: &[Sound<'_>]) -> Result<()> {
    let log = &lp.ep.log;
    if !lp.bench.has(log, "sndfile-info") {
        return Ok(());
    }
    let read = of(sounds, &["wav", "flac"]);
    let mut levels = 0;
    for sound in &read {
        let answer = must("sndfile-info", [&sound.path], &made.folder)?;
        let field = |name: &str| {
            // The summary stands last.
            let line = answer.out.lines().rev().find_map(|line| line.strip_prefix(name))?;
            line.trim_start().strip_prefix(':')?.trim().parse().ok()
        };
        let found = [field("Sample Rate"), field("Channels"), None, field("Frames")];
        ensure!(found[3].is_some(), "sndfile-info cannot read {}: {}", place(sound.file), answer.out);
        as_planned("sndfile-info", sound, found)?;
        if text(sound.file, "profile") == "archive" && sound.ending() == "wav" {
            let bext = must("sndfile-info", ["--broadcast".as_ref(), sound.path.as_os_str()], &made.folder)?;
            ensure!(
                bext.out.contains("Deadwax"),
                "no broadcast chunk in {}: {}",
                place(sound.file),
                bext.out
            );
            levels += 1;
        }
    }
    log.check(
        true,
        format!("sndfile-info: {} files as planned, {levels} of them Broadcast Waves", read.len()),
    )
}

fn by_exiftool(lp: &Lp, made: &Made, sounds: &[Sound<'_>]) -> Result<()> {
    let log = &lp.ep.log;
    if !lp.bench.has(log, "exiftool") {
        return Ok(());
    }
    let read = of(sounds, &["wav", "flac", "mp3"]);
    let mut covers = 0;
    for some in read.chunks(AT_ONCE) {
        let line = words("-json -a -G -validate -warning -error").into_iter().chain(words("-Title -Artist -ISRC -SampleRate -NumChannels -Channels -Picture -PictureMIMEType -BitsPerSample"));
        let answer = must("exiftool", line.chain(names(some)), &made.folder)?;
        let said: Vec<Value> = serde_json::from_str(&answer.out).context("what exiftool said")?;
        ensure!(said.len() == some.len(), "exiftool told of {} of {} files", said.len(), some.len());
        for (sound, said) in some.iter().zip(&said) {
            let fields = said.as_object().context("no fields")?;
            let ends =
                |ending: &str| fields.iter().find(|(key, _)| key.ends_with(ending)).map(|(_, value)| value);
            let fault = fields.iter().find(|(key, _)| key.ends_with(":Error") || key.ends_with("Error"));
            ensure!(fault.is_none(), "exiftool finds a fault in {}: {fault:?}", place(sound.file));
            as_planned("exiftool", sound, [ends("SampleRate").and_then(as_number), None, None, None])?;
            covers += usize::from(ends("PictureMIMEType").is_some() || ends("Picture").is_some());
        }
    }
    log.check(true, format!("exiftool: no fault in {} files, a cover in {covers}", read.len()))
}

/// The disc by every way it goes out: the set, the cue sheet, the TOC file. Each says the same tracks and codes.
fn discs(lp: &Lp, made: &Made) -> Result<()> {
    let log = &lp.ep.log;
    let tracks: Vec<&str> =
        lp.pieces.iter().skip(usize::from(made.number == 2)).map(|piece| piece.isrc.as_str()).collect();
    for folder in folders(made, "DDPID") {
        let said = lp.ep.ines.try_verb(["ddp".into(), "check".into(), folder.clone().into_os_string()])?;
        log.check(said.code == 0, format!("deadwax ddp check: {} {}", folder.display(), said.stderr.trim()))?;
        let shown = lp.ep.ines.verb(["ddp".into(), "show".into(), folder.into_os_string()])?;
        let set = shown.lines.iter().map(Value::to_string).collect::<String>();
        let all =
            tracks.iter().all(|isrc| set.contains(isrc)) && set.contains(UPC) && set.contains(CATALOGUE);
        log.check(all, format!("it holds {} ISRCs, UPC and catalogue number", tracks.len()))?;
    }
    for (path, kind) in made.files().map(|file| (made.path(file), text(file, "kind"))) {
        match kind {
            "toc" => toc(lp, &path, &tracks)?,
            "cue" => cue(lp, &path, &tracks)?,
            _ => {}
        }
    }
    Ok(())
}

/// Folders of the delivery with a file of this name in them.
fn folders(made: &Made, name: &str) -> Vec<PathBuf> {
    let with = made.files().filter(|file| text(file, "name") == name);
    with.filter_map(|file| made.path(file).parent().map(Path::to_owned)).collect()
}

fn toc(lp: &Lp, path: &Path, tracks: &[&str]) -> Result<()> {
    let log = &lp.ep.log;
    if !lp.bench.has(log, "cdrdao") {
        return Ok(());
    }
    let folder = path.parent().context("a file lies in a folder")?;
    let name = path.file_name().context("a file has a name")?;
    let shown = must("cdrdao", ["show-toc".as_ref(), name], folder)?;
    let said: String = (shown.out + &shown.err).chars().filter(|c| !c.is_whitespace()).collect();
    ensure!(said.contains(UPC), "cdrdao finds no UPC in {}", path.display());
    for isrc in tracks {
        ensure!(said.contains(isrc), "cdrdao finds no {isrc} in {}: {said}", path.display());
    }
    must("cdrdao", ["read-test".as_ref(), name], folder)?;
    log.check(true, format!("cdrdao show-toc, read-test: {} tracks with their ISRCs", tracks.len()))
}

fn cue(lp: &Lp, path: &Path, tracks: &[&str]) -> Result<()> {
    let log = &lp.ep.log;
    let folder = path.parent().context("a file lies in a folder")?;
    ensure!(fs::read_to_string(path)?.contains(UPC), "no UPC in {}", path.display());
    if lp.bench.has(log, "cueprint") {
        let said = must(
            "cueprint",
            ["-d".as_ref(), "%N\\n".as_ref(), "-t".as_ref(), "%n %i\\n".as_ref(), path.as_os_str()],
            folder,
        )?;
        let wanted = std::iter::once(tracks.len().to_string())
            .chain(tracks.iter().enumerate().map(|(at, isrc)| format!("{} {isrc}", at + 1)));
        let lines: Vec<&str> = said.out.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        log.same(
            &lines,
            &wanted.collect::<Vec<_>>().iter().map(String::as_str).collect::<Vec<_>>(),
            "cueprint: tracks and codes as planned",
        )?;
    }
    if lp.bench.has(log, "cuebreakpoints") {
        let said = must("cuebreakpoints", [path.as_os_str()], folder)?;
        log.same(
            &said.out.lines().count(),
            &(tracks.len() - 1),
            "cuebreakpoints: a limit between any two tracks",
        )?;
    }
    Ok(())
}

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
