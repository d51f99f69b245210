//! Errors that are put into copies of delivered files, one at a time: every reader has to find every one of them in every field that it promises. A reader that
//! finds none would hold anything for right. Never here: a rule of what has to stand in a file.

use std::{collections::BTreeSet, fs, path::PathBuf};

use anyhow::{Context as _, Result, ensure};

use super::{
    super::{
        Lp,
        pressing::{Made, place},
    },
    Sound, disc,
    facts::*,
    levels,
    programs::{READERS, Reader},
    sounds,
};
use crate::{demo::studio::text, ep::Ep};

/// The bytes of a file with one thing otherwise; nothing where this kind of file has no such thing.
type Touch = fn(&Sound<'_>, &[u8]) -> Option<Vec<u8>>;

/// Where a field has more than one, a reader has to find one of them: who reads heads alone sees no lost sound, and who decodes does not believe a head.
const PLANTS: [(&str, Touch); 25] = [
    (TITLE, |sound, bytes| other_word(sound, bytes, TITLE)),
    (ARTIST, |sound, bytes| other_word(sound, bytes, ARTIST)),
    (ALBUM, |sound, bytes| other_word(sound, bytes, ALBUM)),
    (YEAR, |sound, bytes| other_word(sound, bytes, YEAR)),
    (ISRC, |sound, bytes| other_word(sound, bytes, ISRC)),
    (UPC, |sound, bytes| other_word(sound, bytes, UPC)),
    (TRACK, other_track),
    (COVER, |_, bytes| replaced(bytes, b"image/png", b"image/gif").map(|it| without_magic(&it))),
    (PIXELS, |_, bytes| replaced(bytes, &1400u32.to_be_bytes(), &1401u32.to_be_bytes())),
    (PICTURE, |_, bytes| {
        let at = find(bytes, b"IDAT")? + 1000;
        Some(with(bytes, at, bytes[at] ^ 1))
    }),
    (RATE, other_rate),
    (CHANNELS, other_channels),
    (BITS, other_bits),
    (FRAMES, fewer_in_head),
    (FRAMES, fewer_frames),
    (BEXT_VERSION, |_, bytes| in_bext(bytes, 346, &[1])),
    (TIME_REFERENCE, |_, bytes| in_bext(bytes, 338, &[1])),
    (DESCRIPTION, |_, bytes| in_bext(bytes, 0, b"X")),
    (ORIGINATOR, |_, bytes| in_bext(bytes, 256, b"X")),
    (REFERENCE, |_, bytes| in_bext(bytes, 288, b"X")),
    (CODING, |_, bytes| in_bext(bytes, 602, b"A=PCM,F=1")),
    (COMPLAINT, |_, bytes| Some(with(bytes, bytes.len() * 9 / 10, bytes[bytes.len() * 9 / 10] ^ 1))),
    (COMPLAINT, |_, bytes| Some(bytes[..bytes.len() - 5000].to_vec())),
    (COMPLAINT, |_, bytes| Some(bytes[..find(bytes, b"image/png")?].to_vec())),
    (COMPLAINT, |_, bytes| Some(bytes[..bytes.len() / 2].to_vec())),
];

/// The five levels, as they stand in the chunk: a tenth of a unit more is another level.
const LEVELS: [(&str, usize); 5] =
    [(LOUDNESS, 412), (RANGE, 414), (TRUE_PEAK, 416), (MOMENTARY, 418), (SHORT_TERM, 420)];

pub fn planted_errors_are_found(lp: &Lp, made: &Made) -> Result<()> {
    let Ep { log, .. } = &lp.ep;
    log.step("Errors planted in copies of delivered files: every reader finds each in all that it tells");
    let all = sounds(made)?;
    let of = |ending: &str| {
        // Of WAV one that is a Broadcast Wave too.
        let whole = |it: &&Sound<'_>| ending != "wav" || it.wanted.get(LOUDNESS).is_some();
        // The second track: its title is part of no other word.
        let such = all.iter().filter(|it| it.ending() == ending && text(it.file, "kind") == "track");
        such.filter(whole).nth(1).with_context(|| format!("no second {ending}"))
    };
    let specimens = [of("wav")?, of("flac")?, of("mp3")?];
    for reader in READERS.iter().filter(|reader| lp.bench.has(log, reader.tool)) {
        for sound in specimens.into_iter().filter(|it| !(reader.tells)(it.ending()).is_empty()) {
            finds_all(lp, reader, sound)?;
        }
    }
    words_that_nobody_planned(lp, &all)?;
    if lp.bench.has(log, "ffmpeg") && lp.bench.has(log, "sox") {
        louder(lp, specimens[1])?;
    }
    disc::planted_errors_are_found(lp, made)
}

/// Every field that the reader tells of this file, one after the other.
fn finds_all(lp: &Lp, reader: &Reader, sound: &Sound<'_>) -> Result<()> {
    let bytes = fs::read(&sound.path)?;
    let tells = (reader.tells)(sound.ending());
    let mut found = BTreeSet::new();
    for field in tells {
        let copies: Vec<Vec<u8>> = match LEVELS.iter().find(|(name, _)| name == field) {
            Some((_, at)) => other_level(&bytes, *at).into_iter().collect(),
            None => {
                let plants = PLANTS.iter().filter(|(name, _)| name == field);
                plants.filter_map(|(_, touch)| touch(sound, &bytes)).collect()
            }
        };
        ensure!(
            !copies.is_empty() && copies.iter().all(|copy| *copy != bytes),
            "no other {field} could be planted in {}",
            place(sound.file)
        );
        let mut said = Vec::new();
        let mut told = false;
        for copy in &copies {
            said = said_of(reader, sound, copy)?;
            // An error in how the file is built may be told as a complaint, or keep the program from reading it at all.
            let words = [*field, COMPLAINT, UNREAD];
            told |= said.iter().any(|it| words.iter().any(|word| it.starts_with(word)));
        }
        ensure!(told, "{} does not find another {field} in {}: {said:?}", reader.name, place(sound.file));
        found.insert(*field);
    }
    ensure!(!found.is_empty(), "{} was shown nothing", reader.name);
    let fields = found.into_iter().collect::<Vec<_>>().join(", ");
    lp.ep.log.check(true, format!("{} in {}: finds another {fields}", reader.name, sound.ending()))
}

/// Begins what is said of a file that a program refuses to read.
const UNREAD: &str = "unread";

fn said_of(reader: &Reader, sound: &Sound<'_>, bytes: &[u8]) -> Result<Vec<String>> {
    let room = tempfile::Builder::new().prefix("planted-").tempdir()?;
    let copy: PathBuf = room.path().join(format!("copy.{}", sound.ending()));
    fs::write(&copy, bytes)?;
    Ok(match reader.read(&[copy], room.path()) {
        Ok(found) => differences(&sound.wanted, &found[0], (reader.tells)(sound.ending())),
        Err(error) => vec![format!("{UNREAD}: {error:#}")],
    })
}

/// A file that has no words is given a title: whoever reads titles says that nobody planned it.
fn words_that_nobody_planned(lp: &Lp, all: &[Sound<'_>]) -> Result<()> {
    let log = &lp.ep.log;
    let bare = all.iter().find(|it| it.ending() == "wav" && it.wanted.get(TITLE).is_none());
    let bare = bare.context("every file has a title")?;
    let mut chunks = chunks(&fs::read(&bare.path)?)?;
    chunks.push((*b"LIST", b"INFOINAM\x06\0\0\0Ghost\0".to_vec()));
    let touched = riff(&chunks);
    for reader in READERS.iter().filter(|it| (it.tells)("wav").contains(&TITLE) && it.name != "exiftool, ID3")
    {
        if lp.bench.has(log, reader.tool) {
            let said = said_of(reader, bare, &touched)?;
            log.check(
                said.iter().any(|it| it.starts_with(TITLE) && it.contains("by nobody")),
                format!("{} finds a title that nobody planned", reader.name),
            )?;
        }
    }
    Ok(())
}

/// A copy that is half a decibel louder: the meter of others says so.
fn louder(lp: &Lp, sound: &Sound<'_>) -> Result<()> {
    let room = tempfile::Builder::new().prefix("planted-").tempdir()?;
    let copy = Sound { path: room.path().join("louder.flac"), file: sound.file, wanted: Facts::default() };
    let from = sound.path.to_string_lossy();
    let to = copy.path.to_string_lossy();
    let line = ["-v", "error", "-i", &from, "-map", "0:a", "-af", "volume=0.5dB", &to];
    super::must("ffmpeg", line, room.path())?;
    let [lufs, dbtp] = levels::louder(sound, &copy, room.path())?;
    for (meter, why) in [("ffmpeg", lufs), ("sox", dbtp)] {
        let told = why.clone().unwrap_or_default();
        lp.ep.log.check(why.is_some(), format!("{meter} hears half a decibel more: {told}"))?;
    }
    Ok(())
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|it| it == what)
}

fn with(bytes: &[u8], at: usize, byte: u8) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[at] = byte;
    bytes
}

/// Everywhere; of the same length.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Option<Vec<u8>> {
    let mut out = bytes.to_vec();
    let mut at = 0;
    while let Some(here) = find(&out[at..], from) {
        out[at + here..at + here + from.len()].copy_from_slice(&to[..from.len()]);
        at += here + from.len();
    }
    (at > 0).then_some(out)
}

/// Its last letter or digit is another, wherever the word stands.
fn other_word(sound: &Sound<'_>, bytes: &[u8], field: &str) -> Option<Vec<u8>> {
    let word = sound.wanted.get(field)?.as_bytes();
    let mut other = word.to_vec();
    *other.last_mut()? ^= 1;
    replaced(bytes, word, &other)
}

fn other_track(_: &Sound<'_>, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = bytes.to_vec();
    let mut done = false;
    for head in [&b"TRACKNUMBER="[..], b"ITRK\x02\0\0\0", b"TRCK\0\0\0\x02\0\0\0"] {
        if let Some(at) = find(&out, head) {
            out[at + head.len()] = b'9';
            done = true;
        }
    }
    done.then_some(out)
}

/// The picture does not begin like one any more: some tell its kind by that.
fn without_magic(bytes: &[u8]) -> Vec<u8> {
    replaced(bytes, b"\x89PNG\r\n\x1a\n", b"GIF89a\0\0").unwrap_or_default()
}

/// Where the facts of a FLAC stream stand: behind its mark and the head of its first block.
const STREAM_AT: usize = 8;

fn is_flac(bytes: &[u8]) -> bool {
    bytes.starts_with(b"fLaC")
}

fn is_wav(bytes: &[u8]) -> bool {
    bytes.starts_with(b"RIFF")
}

fn other_rate(_: &Sound<'_>, bytes: &[u8]) -> Option<Vec<u8>> {
    if is_flac(bytes) {
        // 20 bits: 48000 is 0x0BB80.
        return Some(with(&with(bytes, STREAM_AT + 10, 0x0B), STREAM_AT + 11, 0xB8));
    }
    if is_wav(bytes) {
        return in_chunk(bytes, b"fmt ", 4, &32_000u32.to_le_bytes());
    }
    // Every frame of MPEG: the third of three rates.
    frames_of_mpeg(bytes, |head| head[2] = head[2] & !0x0C | 0x08)
}

fn other_channels(_: &Sound<'_>, bytes: &[u8]) -> Option<Vec<u8>> {
    if is_flac(bytes) {
        return Some(with(bytes, STREAM_AT + 12, bytes[STREAM_AT + 12] & !0x0E | 0x04));
    }
    if is_wav(bytes) {
        return in_chunk(bytes, b"fmt ", 2, &[1]);
    }
    frames_of_mpeg(bytes, |head| head[3] |= 0xC0)
}

/// Heads of frames, and the few bytes of sound that look like one.
fn frames_of_mpeg(bytes: &[u8], touch: impl Fn(&mut [u8])) -> Option<Vec<u8>> {
    let mut out = bytes.to_vec();
    // Behind the tag, whose size stands in four times seven bits.
    let size = out.get(6..10)?.iter().fold(0, |size, byte| size << 7 | usize::from(*byte));
    let first = 10 + size;
    for at in first..out.len() - 4 {
        if out[at] == 0xFF && out[at + 1] & 0xFE == 0xFA && out[at + 2] & 0xF0 == 0xE0 {
            touch(&mut out[at..at + 4]);
        }
    }
    Some(out)
}

fn other_bits(_: &Sound<'_>, bytes: &[u8]) -> Option<Vec<u8>> {
    if is_flac(bytes) {
        // Five bits, one less than the word length: 19 for 20.
        let high = with(bytes, STREAM_AT + 12, bytes[STREAM_AT + 12] & !1 | 1);
        return Some(with(&high, STREAM_AT + 13, bytes[STREAM_AT + 13] & 0x0F | 0x30));
    }
    let narrow = in_chunk(bytes, b"fmt ", 14, &16u16.to_le_bytes())?;
    in_chunk(&narrow, b"fmt ", 12, &4u16.to_le_bytes())
}

/// A FLAC stream tells its length at its beginning.
fn fewer_in_head(_: &Sound<'_>, bytes: &[u8]) -> Option<Vec<u8>> {
    is_flac(bytes).then(|| with(bytes, STREAM_AT + 17, bytes[STREAM_AT + 17] ^ 1))
}

fn fewer_frames(_: &Sound<'_>, bytes: &[u8]) -> Option<Vec<u8>> {
    if !is_wav(bytes) {
        return Some(bytes[..bytes.len() - 2000].to_vec());
    }
    let mut chunks = chunks(bytes).ok()?;
    let (_, data) = chunks.iter_mut().find(|(name, _)| name == b"data")?;
    data.truncate(data.len() - 12);
    Some(riff(&chunks))
}

fn other_level(bytes: &[u8], at: usize) -> Option<Vec<u8>> {
    let chunks = chunks(bytes).ok()?;
    let (_, body) = chunks.iter().find(|(name, _)| name == b"bext")?;
    let level = i16::from_le_bytes(*body.get(at..)?.first_chunk()?) + 10;
    in_chunk(bytes, b"bext", at, &level.to_le_bytes())
}

fn in_bext(bytes: &[u8], at: usize, other: &[u8]) -> Option<Vec<u8>> {
    in_chunk(bytes, b"bext", at, other)
}

/// Bytes of a chunk are others.
fn in_chunk(bytes: &[u8], name: &[u8; 4], at: usize, other: &[u8]) -> Option<Vec<u8>> {
    let mut chunks = chunks(bytes).ok()?;
    let (_, body) = chunks.iter_mut().find(|(it, _)| it == name)?;
    body.get_mut(at..at + other.len())?.copy_from_slice(other);
    Some(riff(&chunks))
}

type Chunk = ([u8; 4], Vec<u8>);

fn chunks(bytes: &[u8]) -> Result<Vec<Chunk>> {
    let mut all = Vec::new();
    let mut rest = bytes.get(12..).context("no RIFF")?;
    while let Some((head, behind)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, size @ ..] = *head;
        let size = u32::from_le_bytes(size) as usize;
        all.push(([a, b, c, d], behind.get(..size).context("a chunk that is cut off")?.to_vec()));
        rest = behind.get(size + size % 2..).unwrap_or_default();
    }
    Ok(all)
}

fn riff(chunks: &[Chunk]) -> Vec<u8> {
    let mut body = b"WAVE".to_vec();
    for (name, bytes) in chunks {
        body.extend(name);
        body.extend((bytes.len() as u32).to_le_bytes());
        body.extend(bytes);
        body.extend(std::iter::repeat_n(0, bytes.len() % 2));
    }
    let mut whole = b"RIFF".to_vec();
    whole.extend((body.len() as u32).to_le_bytes());
    whole.extend(body);
    whole
}
