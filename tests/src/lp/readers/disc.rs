//! The disc by every way it goes out: the set, the cue sheet, the TOC file. Each is read by a program that shares nothing with the writer, and held against the
//! running order, the masters and the label copy that the house was asked for: places to the sector, codes, titles. Never here: how a disc is written.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{
    super::{Lp, asked::Asked, pressing::Made, tools::must},
    folders,
};
use crate::demo::studio::text;

const SECTORS_PER_S: f64 = 75.0;
/// Before the first sound of a disc.
const PAUSE: f64 = 150.0;
/// Lengths were rounded to frames before they are rounded to sectors, of which each has 588.
const FRAMES: f64 = 0.01;

/// What a reader found of a disc. What it does not tell is not there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    pub upc: Option<String>,
    pub title: Option<String>,
    pub artist: Option<String>,
    pub sectors: Option<f64>,
    pub tracks: Vec<Track>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Track {
    pub isrc: Option<String>,
    pub title: Option<String>,
    pub artist: Option<String>,
    /// Where its pause begins, in sectors from the beginning of the pause of track 1.
    pub index0: Option<f64>,
    pub index1: Option<f64>,
}

/// How a reader shows a title of the label copy.
type Spelling = fn(&str) -> String;

/// A cue sheet knows no quotes within a text.
fn in_cue(title: &str) -> String {
    title.replace('"', "'")
}

/// CD-Text is of Latin-1: one letter of this record has a plain form instead.
fn in_cd_text(title: &str) -> String {
    title.replace('Č', "C")
}

/// A sentence for everything that is not as it was planned. `with_pauses`: the reader tells where pauses begin.
pub fn differences(asked: &Asked, found: &Found, spelling: Spelling, with_pauses: bool) -> Vec<String> {
    let mut said = Vec::new();
    let mut word = |what: String, wanted: &str, found: &Option<String>| {
        if let Some(found) = found.as_ref().filter(|found| *found != wanted) {
            said.push(format!("{what} is {found:?}, {wanted:?} was planned"));
        }
    };
    word("the UPC".into(), &asked.upc, &found.upc);
    word("the title".into(), &asked.album, &found.title);
    word("the artist".into(), &asked.artist, &found.artist);
    for (number, (song, track)) in (1..).zip(asked.tracks().zip(&found.tracks)) {
        word(format!("the ISRC of track {number}"), &song.isrc, &track.isrc);
        word(format!("the title of track {number}"), &spelling(&song.title), &track.title);
        word(format!("the artist of track {number}"), &asked.artist, &track.artist);
    }
    // An index stands on the sector in which its song begins, so that nothing of the song is missed; a pause begins behind the last sector with sound.
    let begins = |wanted: f64, found: f64| (-FRAMES..1.0 + FRAMES).contains(&(wanted - found));
    let ends = |wanted: f64, found: f64| begins(found, wanted);
    let mut place =
        |what: String, wanted: Option<f64>, found: Option<f64>, fits: &dyn Fn(f64, f64) -> bool| {
            let fits = match (wanted, found) {
                (None, None) => true,
                (Some(wanted), Some(found)) => fits(wanted, found),
                _ => false,
            };
            if !fits {
                said.push(format!("{what} lies at {found:?}, {wanted:?} was planned (in sectors)"));
            }
        };
    let sector = |from_s: f64| PAUSE + from_s * SECTORS_PER_S;
    for (number, (song, track)) in (1..).zip(asked.tracks().zip(&found.tracks)) {
        if track.index1.is_some() {
            place(format!("INDEX 01 of track {number}"), Some(sector(song.from_s)), track.index1, &begins);
        }
        if with_pauses {
            let pause = match number {
                1 => Some(0.0),
                _ => (song.gap_s > 0.0).then(|| sector(song.from_s - song.gap_s)),
            };
            place(format!("INDEX 00 of track {number}"), pause, track.index0, &ends);
        }
    }
    if found.sectors.is_some() {
        place("the end".into(), Some(sector(asked.length_s())), found.sectors, &ends);
    }
    let (wanted, count) = (asked.tracks().count(), found.tracks.len());
    if wanted != count {
        said.push(format!("it has {count} tracks, {wanted} were planned"));
    }
    said
}

/// "07:12:34" or "7:12.34"
fn clock(text: &str) -> Option<f64> {
    let parts: Vec<&str> = text.trim().split([':', '.']).collect();
    let [minutes, seconds, sectors] = parts[..] else { return None };
    let number = |text: &str| text.parse::<f64>().ok();
    Some((number(minutes)? * 60.0 + number(seconds)?) * SECTORS_PER_S + number(sectors)?)
}

/// The lines of a cue sheet, as everybody reads them; codes and titles by cueprint.
fn by_cueprint(path: &Path) -> Result<Found> {
    let folder = path.parent().context("a file lies in a folder")?;
    let line = ["-d", "%T|%P\\n", "-t", "%i|%t|%p\\n"].map(OsStr::new).into_iter();
    let said = must("cueprint", line.chain([path.as_os_str()]), folder)?;
    let mut lines = said.out.lines().map(str::trim).filter(|line| !line.is_empty());
    let word = |text: Option<&str>| text.map(ToOwned::to_owned).or(Some(String::new()));
    let mut head = lines.next().unwrap_or_default().split('|');
    let mut found = Found { title: word(head.next()), artist: word(head.next()), ..Found::default() };
    for line in lines {
        let mut parts = line.split('|');
        let [isrc, title, artist] = [(); 3].map(|()| word(parts.next()));
        found.tracks.push(Track { isrc, title, artist, ..Track::default() });
    }
    places_of_cue(path, &mut found)?;
    Ok(found)
}

/// Its places and its UPC, which no program prints.
fn places_of_cue(path: &Path, found: &mut Found) -> Result<()> {
    let sheet = fs::read_to_string(path)?;
    let mut at = 0;
    for line in sheet.lines().map(str::trim) {
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("CATALOG"), Some(code), None) => found.upc = Some(code.to_owned()),
            (Some("TRACK"), Some(_), _) => at += 1,
            (Some("INDEX"), Some(index), Some(place)) => {
                let track = found.tracks.get_mut(at - 1).context("an index before the first track")?;
                let place = Some(clock(place).with_context(|| format!("no time: {line}"))?);
                if index == "00" { track.index0 = place } else { track.index1 = place }
            }
            _ => {}
        }
    }
    ensure!(found.upc.is_some(), "no UPC in {}", path.display());
    ensure!(found.tracks.iter().all(|track| track.index1.is_some()), "a track without INDEX 01");
    Ok(())
}

/// Where one track ends and the next begins.
fn by_cuebreakpoints(path: &Path) -> Result<Found> {
    let folder = path.parent().context("a file lies in a folder")?;
    let said = must("cuebreakpoints", [path.as_os_str()], folder)?;
    // The first begins where everything does; its line is not printed.
    let mut found = Found { tracks: vec![Track::default()], ..Found::default() };
    for line in said.out.lines().filter(|line| !line.trim().is_empty()) {
        let place = Some(clock(line).with_context(|| format!("no time: {line}"))?);
        found.tracks.push(Track { index1: place, ..Track::default() });
    }
    Ok(found)
}

/// "QZ DWX 26 00001", "START  00:07:07(   532)"
fn by_cdrdao(path: &Path) -> Result<Found> {
    let folder = path.parent().context("a file lies in a folder")?;
    let name = path.file_name().context("a file has a name")?;
    must("cdrdao", ["read-test".as_ref(), name], folder)?;
    let said = must("cdrdao", ["show-toc".as_ref(), name], folder)?;
    let mut found = Found { upc: Some(String::new()), ..Found::default() };
    let in_brackets = |text: &str| {
        let (_, rest) = text.split_once('(')?;
        rest.split_once(')')?.0.trim().parse::<f64>().ok()
    };
    let mut pause = 0.0;
    for line in said.out.lines().chain(said.err.lines()).map(str::trim) {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim();
        match (word, found.tracks.last_mut()) {
            ("CATALOG", _) => found.upc = rest.strip_prefix("NUMBER:").map(|code| code.trim().to_owned()),
            ("TRACK", _) => {
                found.tracks.push(Track { isrc: Some(String::new()), ..Track::default() });
                pause = 0.0;
            }
            ("ISRC", Some(track)) => track.isrc = Some(rest.split_whitespace().collect()),
            ("PREGAP", Some(_)) => pause = in_brackets(rest).context("a pause without a length")?,
            ("START", Some(track)) => {
                let start = PAUSE + in_brackets(rest).context("a track without a start")?;
                (track.index1, track.index0) = (Some(start), (pause > 0.0).then_some(start - pause));
            }
            // It counts to the end of the last track.
            ("END", Some(_)) => found.sectors = in_brackets(rest).map(|it| it + PAUSE),
            _ => {}
        }
    }
    if let Some(first) = found.tracks.first_mut() {
        // The two seconds that the program makes by itself come before it.
        first.index0 = Some(0.0);
    }
    ensure!(found.tracks.iter().all(|track| track.index1.is_some()), "a track without a start");
    Ok(found)
}

/// CD-Text, as cdrdao reads it: "DTITLE=Mara Lind / Night Drive LP", "TTITLE0=Night Drive"; and the places of the tracks.
fn by_toc2cddb(path: &Path) -> Result<Found> {
    let folder = path.parent().context("a file lies in a folder")?;
    let name = path.file_name().context("a file has a name")?;
    let said = must("toc2cddb", [name], folder)?.out;
    let value = |key: &str| said.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let (artist, title) =
        value("DTITLE").and_then(|both| both.split_once(" / ")).context("no title of the disc")?;
    let places = said.lines().filter_map(|line| line.strip_prefix("# ")?.trim().parse::<f64>().ok());
    let mut found = Found { title: Some(title.into()), artist: Some(artist.into()), ..Found::default() };
    for (at, place) in places.enumerate() {
        let title = value(&format!("TTITLE{at}")).context("a track without a title")?.to_owned();
        found.tracks.push(Track { title: Some(title), index1: Some(place), ..Track::default() });
    }
    Ok(found)
}

struct Reader {
    tool: &'static str,
    /// Of a delivered file.
    kind: &'static str,
    spelling: Spelling,
    with_pauses: bool,
    read: fn(&Path) -> Result<Found>,
    /// An error that is put into a copy, and what it is called.
    plants: &'static [(&'static str, Touch)],
}

/// Of the text of a sheet.
type Touch = fn(&Asked, &str) -> String;

/// One sector later, in the line that begins so.
fn later(sheet: &str, word: &str, nth: usize) -> String {
    let mut seen = 0;
    let lines = sheet.lines().map(|line| {
        let here = line.trim_start().starts_with(word);
        seen += usize::from(here);
        let Some((rest, sectors)) = line.rsplit_once(':').filter(|_| here && seen == nth) else {
            return line.to_owned();
        };
        let sectors: u32 = sectors.parse().unwrap_or(0);
        format!("{rest}:{:02}", if sectors >= 74 { sectors - 2 } else { sectors + 1 })
    });
    lines.map(|line| line + "\n").collect()
}

fn other_isrc(asked: &Asked, sheet: &str) -> String {
    let isrc = asked.tracks().nth(1).map_or("", |song| song.isrc.as_str());
    sheet.replacen(isrc, &isrc.replace("QZ", "QA"), 1)
}

fn other_upc(asked: &Asked, sheet: &str) -> String {
    sheet.replacen(&asked.upc, "4006381333948", 1)
}

fn other_title(asked: &Asked, sheet: &str) -> String {
    let title = asked.tracks().last().map_or("", |song| song.title.as_str());
    sheet.replacen(&format!("\"{title}\""), "\"Sommergarten\"", 1)
}

fn other_artist(asked: &Asked, sheet: &str) -> String {
    sheet.replacen(&format!("PERFORMER \"{}\"", asked.artist), "PERFORMER \"Mara Lund\"", 1)
}

fn later_track(_: &Asked, sheet: &str) -> String {
    later(sheet, "INDEX 01", 3)
}

fn later_pause(_: &Asked, sheet: &str) -> String {
    later(sheet, "INDEX 00", 2)
}

/// The pause of track 2 ends a sector later.
fn later_start(_: &Asked, sheet: &str) -> String {
    later(sheet, "START", 1)
}

fn last_track_lost(_: &Asked, sheet: &str) -> String {
    let at = sheet.rfind("TRACK ").unwrap_or(0);
    let line = sheet[..at].rfind('\n').map_or(at, |line| line + 1);
    sheet[..line].to_owned()
}

const READERS: [Reader; 4] = [
    Reader {
        tool: "cueprint",
        kind: "cue",
        spelling: in_cue,
        with_pauses: true,
        read: by_cueprint,
        plants: &[
            ("an ISRC", other_isrc),
            ("the UPC", other_upc),
            ("a title", other_title),
            ("an artist", other_artist),
            ("INDEX 01, by a sector", later_track),
            ("INDEX 00, by a sector", later_pause),
            ("the number of tracks", last_track_lost),
        ],
    },
    Reader {
        tool: "cuebreakpoints",
        kind: "cue",
        spelling: in_cue,
        with_pauses: false,
        read: by_cuebreakpoints,
        plants: &[("INDEX 01, by a sector", later_track), ("the number of tracks", last_track_lost)],
    },
    Reader {
        tool: "cdrdao",
        kind: "toc",
        spelling: in_cd_text,
        with_pauses: true,
        read: by_cdrdao,
        plants: &[
            ("an ISRC", other_isrc),
            ("the UPC", other_upc),
            ("the start of a track, by a sector", later_start),
            ("the number of tracks", last_track_lost),
        ],
    },
    Reader {
        tool: "toc2cddb",
        kind: "toc",
        spelling: in_cd_text,
        with_pauses: false,
        read: by_toc2cddb,
        plants: &[
            ("a title", other_title),
            ("an artist", other_artist),
            ("the start of a track, by a sector", later_start),
            ("the number of tracks", last_track_lost),
        ],
    },
];

fn sheets<'a>(made: &'a Made, kind: &'a str) -> impl Iterator<Item = PathBuf> + 'a {
    made.files().filter(move |file| text(file, "kind") == kind).map(|file| made.path(file))
}

pub fn read(lp: &Lp, made: &Made) -> Result<()> {
    let log = &lp.ep.log;
    let asked = &made.asked;
    for folder in folders(made, "DDPID") {
        set(lp, made, &folder)?;
    }
    for reader in &READERS {
        let all: Vec<PathBuf> = sheets(made, reader.kind).collect();
        log.check(!all.is_empty(), format!("{} files of the kind {}", all.len(), reader.kind))?;
        if !lp.bench.has(log, reader.tool) {
            continue;
        }
        for path in all {
            let found =
                (reader.read)(&path).with_context(|| format!("{} of {}", reader.tool, path.display()))?;
            let differs = differences(asked, &found, reader.spelling, reader.with_pauses);
            let what =
                format!("{}: {} tracks where and as they were planned", reader.tool, found.tracks.len());
            log.check(differs.is_empty(), if differs.is_empty() { what } else { differs.join("; ") })?;
        }
    }
    Ok(())
}

/// Each reader over copies in which one thing is another.
pub fn planted_errors_are_found(lp: &Lp, made: &Made) -> Result<()> {
    let log = &lp.ep.log;
    for reader in READERS.iter().filter(|reader| lp.bench.has(log, reader.tool)) {
        let path = sheets(made, reader.kind).next().context("no sheet")?;
        let sheet = fs::read_to_string(&path)?;
        for (what, touch) in reader.plants {
            let touched = touch(&made.asked, &sheet);
            ensure!(touched != sheet, "{}: nothing was planted as {what}", reader.tool);
            let copy = path.with_extension(format!("touched.{}", reader.kind));
            fs::write(&copy, touched)?;
            let read = (reader.read)(&copy);
            fs::remove_file(&copy)?;
            let said = match read {
                Ok(found) => differences(&made.asked, &found, reader.spelling, reader.with_pauses),
                Err(error) => vec![format!("{error:#}").lines().next().unwrap_or_default().to_owned()],
            };
            let found = said.first().cloned().unwrap_or_default();
            log.check(!said.is_empty(), format!("{} finds another {what}: {found}", reader.tool))?;
        }
    }
    Ok(())
}

/// The set for a plant, by our reader of such sets, which shares nothing with the writer.
fn set(lp: &Lp, made: &Made, folder: &Path) -> Result<()> {
    let log = &lp.ep.log;
    let asked = &made.asked;
    let said = lp.ep.ines.try_verb(["ddp".into(), "check".into(), folder.as_os_str().to_owned()])?;
    log.check(said.code == 0, format!("deadwax ddp check: {} {}", folder.display(), said.stderr.trim()))?;
    let shown = lp.ep.ines.verb(["ddp".into(), "show".into(), folder.as_os_str().to_owned()])?;
    let disc = shown.lines.iter().find_map(|line| line.get("disc")).context("no disc in the set")?;
    log.same(&text(disc, "master_id"), &asked.catalogue.as_str(), "it bears the catalogue number")?;
    let word = |of: &Value, key: &str| Some(text(of, key).to_owned());
    let mut found = Found {
        upc: word(disc, "upc"),
        title: word(disc, "title"),
        artist: word(disc, "performer"),
        sectors: disc["sectors"].as_f64(),
        tracks: Vec::new(),
    };
    for track in shown.lines.iter().filter_map(|line| line.get("track")) {
        found.tracks.push(Track {
            isrc: word(track, "isrc"),
            title: word(track, "title"),
            artist: word(track, "performer"),
            index0: track["index0"].as_f64(),
            index1: track["index1"].as_f64(),
        });
    }
    let differs = differences(asked, &found, in_cd_text, true);
    let what = format!("{} tracks, codes and CD-Text as planned", found.tracks.len());
    log.check(differs.is_empty(), if differs.is_empty() { what } else { differs.join("; ") })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::lp::asked::Song;

    fn asked() -> Asked {
        let song = |number: usize, from_s: f64, gap_s: f64| Song {
            id: number.to_string(),
            title: format!("Song \"{number}\" Č"),
            isrc: format!("QZDWX260000{number}"),
            number: Some(number),
            from_s,
            gap_s,
            length_s: 10.0,
        };
        let hidden = Song { number: None, ..song(9, 0.0, 0.0) };
        Asked {
            album: "A".into(),
            artist: "B".into(),
            upc: "4006381333931".into(),
            catalogue: "C-1".into(),
            year: "2026".into(),
            songs: vec![hidden, song(1, 12.0, 2.0), song(2, 22.0, 0.0)],
            cover: Vec::new(),
            profiles: BTreeMap::new(),
        }
    }

    fn found() -> Found {
        let track = |number: usize, index0: Option<f64>, index1: f64| Track {
            isrc: Some(format!("QZDWX260000{number}")),
            title: Some(format!("Song \"{number}\" C")),
            artist: Some("B".into()),
            index0,
            index1: Some(index1),
        };
        Found {
            upc: Some("4006381333931".into()),
            title: Some("A".into()),
            artist: Some("B".into()),
            sectors: Some(2550.0),
            tracks: vec![track(1, Some(0.0), 1050.0), track(2, None, 1800.0)],
        }
    }

    #[test]
    fn a_disc_as_it_was_planned_differs_in_nothing() {
        assert_eq!(differences(&asked(), &found(), in_cd_text, true), Vec::<String>::new());
        assert_eq!(in_cue("The \"Signal\" Song"), "The 'Signal' Song");
        assert_eq!(clock("07:12:34"), Some(f64::from((7 * 60 + 12) * 75 + 34)));
        assert_eq!(clock("0:09.07"), Some(682.0));
    }

    /// Song 2 begins and ends within a sector.
    #[test]
    fn an_index_stands_before_its_song_and_an_end_behind_it() {
        let mut asked = asked();
        asked.songs[2].from_s += 0.006;
        let mut found = found();
        found.sectors = Some(2551.0);
        assert_eq!(differences(&asked, &found, in_cd_text, true), Vec::<String>::new());
        found.sectors = Some(2550.0);
        assert_eq!(differences(&asked, &found, in_cd_text, true).len(), 1, "it ends in its last song");
        found.sectors = Some(2552.0);
        assert_eq!(differences(&asked, &found, in_cd_text, true).len(), 1, "a sector too many");
        found.sectors = Some(2551.0);
        for place in [1799.0, 1801.0] {
            found.tracks[1].index1 = Some(place);
            assert_eq!(differences(&asked, &found, in_cd_text, true).len(), 1, "{place}");
        }
    }

    #[test]
    fn every_other_thing_of_a_disc_is_told() {
        let touches: [fn(&mut Found); 10] = [
            |it| it.upc = Some("4006381333948".into()),
            |it| it.title = Some("a".into()),
            |it| it.artist = Some(String::new()),
            |it| it.sectors = Some(2552.0),
            |it| it.tracks[1].isrc = Some(String::new()),
            |it| it.tracks[1].title = Some("Song".into()),
            |it| it.tracks[0].artist = Some("b".into()),
            |it| it.tracks[1].index1 = Some(1801.0),
            |it| it.tracks[1].index0 = Some(1799.0),
            |it| drop(it.tracks.pop()),
        ];
        for (at, touch) in touches.into_iter().enumerate() {
            let mut other = found();
            touch(&mut other);
            assert_eq!(differences(&asked(), &other, in_cd_text, true).len(), 1, "{at}");
        }
    }
}
