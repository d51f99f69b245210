//! The sound of the ten songs: the made song, and recordings that were given, or further pieces of the same band. Rates, word lengths and channels differ, as
//! they do on a record that was not made in one room. Written once, held as paths. Never here: the studio.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use deadwax_dsp::{
    Block,
    write::{AudioWriter, Encoding},
};

use crate::{
    demo::sound,
    song::{self, MixSettings, Stems},
};

/// Where a mastering engineer asks the peaks of a mix.
const PEAK_DBFS: f64 = -6.0;
/// Made pieces are so long; a disc takes no track under four seconds.
pub const MADE_S: f64 = 4.6;
/// Over a recording.
const VOICES_BELOW: f64 = 0.25;
const RECORDINGS_MAX: usize = 9;
const ENDINGS: [&str; 8] = ["wav", "flac", "ogg", "mp3", "m4a", "aif", "aiff", "opus"];

/// Title, rate, channels, and whether the mastering engineer makes the master with tools of her own, of 16 bits.
type Cast = (&'static str, u32, usize, bool);

/// One title is beyond Latin-1, one has a colon, one needs quotes in a cue sheet.
const CAST: [Cast; 10] = [
    ("Night Drive", 48_000, 2, false),
    ("Salt", 44_100, 2, true),
    ("Under Glass", 96_000, 2, false),
    ("Last Bus", 48_000, 2, false),
    ("Paper Boats", 44_100, 1, false),
    ("Čas", 48_000, 2, false),
    ("Ember: Ash", 96_000, 2, false),
    ("The \"Signal\" Song", 44_100, 2, true),
    ("Home, Then", 48_000, 2, false),
    ("Wintergarten", 48_000, 2, false),
];

pub struct Piece {
    pub title: &'static str,
    pub isrc: String,
    pub rate_hz: u32,
    pub channels: usize,
    /// The master comes from outside, with 16 bits at the rate of the mix.
    pub own_master: bool,
    pub take: PathBuf,
    /// Main and instrumental.
    pub mix: Vec<(String, PathBuf)>,
    /// What it is, for the log.
    pub source: String,
}

/// QZ-DWX-26-00001 and on.
pub fn isrc(at: usize) -> String {
    format!("QZDWX26{:05}", at + 1)
}

/// Titles with their codes, in the order in which the songs are added.
pub fn titles() -> Vec<(&'static str, String)> {
    CAST.iter().enumerate().map(|(at, cast)| (cast.0, isrc(at))).collect()
}

/// The files that a folder holds, or the files themselves, sorted within a folder.
pub fn recordings(given: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for path in given {
        if !path.is_dir() {
            all.push(path.clone());
            continue;
        }
        let inside = fs::read_dir(path).with_context(|| format!("reading {}", path.display()))?;
        let mut inside: Vec<PathBuf> = inside.flatten().map(|entry| entry.path()).collect();
        inside.retain(|it| {
            let ending = it.extension().and_then(|it| it.to_str()).unwrap_or_default().to_lowercase();
            ENDINGS.contains(&ending.as_str())
        });
        inside.sort();
        all.extend(inside);
    }
    all.truncate(RECORDINGS_MAX);
    Ok(all)
}

/// Ten pieces: the made song first, then the recordings, then made ones. Of a recording at most `seconds` are taken.
pub fn pieces(folder: &Path, recordings: &[PathBuf], seconds: f64) -> Result<Vec<Piece>> {
    let stems = song::arrange();
    let mut all = Vec::new();
    for (at, cast) in CAST.into_iter().enumerate() {
        let folder = folder.join(format!("{:02}", at + 1));
        fs::create_dir_all(&folder)?;
        let recording = at.checked_sub(1).and_then(|at| recordings.get(at));
        all.push(match recording {
            Some(path) => recorded(&folder, at, cast, (path, seconds), &stems)?,
            // Beside recordings the song is played to its end.
            None if at == 0 && !recordings.is_empty() => {
                let whole = stems.frames() as f64 / f64::from(song::RATE_HZ);
                made(&folder, at, cast, &stems, whole)?
            }
            None => made(&folder, at, cast, &stems, MADE_S)?,
        });
    }
    Ok(all)
}

/// The recording with the song's voices over it, well below; its instrumental is the recording alone.
fn recorded(
    folder: &Path,
    at: usize,
    cast: Cast,
    (path, seconds): (&Path, f64),
    stems: &Stems,
) -> Result<Piece> {
    let (spec, mut planes) = sound::whole(path)?;
    let frames = planes.first().map_or(0, Vec::len);
    let rate = spec.sample_rate;
    ensure!(
        rate >= 44_100 && spec.channels <= 2 && frames as f64 >= 5.0 * f64::from(rate),
        "{} cannot be used: {} channels at {rate} Hz, {frames} frames; a mix is mono or stereo, of 44100 Hz or more and five seconds",
        path.display(),
        spec.channels
    );
    planes.iter_mut().for_each(|plane| plane.truncate((seconds * f64::from(rate)) as usize));
    let alone = Block { channels: planes };
    let voices = song::mix(stems, MixSettings::REVISED, "a-cappella");
    let mut main = alone.clone();
    for (plane, voice) in main.channels.iter_mut().zip(&voices.channels) {
        plane.iter_mut().zip(voice).for_each(|(sample, voice)| *sample += VOICES_BELOW * voice);
    }
    let gain = gain_of(&main);
    let (main, alone) = (finished(main, rate, gain), finished(alone, rate, gain));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let source = format!("{name}, {} {rate} Hz", spec.codec);
    write(folder, at, (cast.0, rate, spec.channels, cast.3), (&main, &alone), source)
}

/// A window of the song with faders of its own, played at the piece's rate: half as long and an octave up at 96 kHz, a little slower at 44.1.
fn made(folder: &Path, at: usize, cast: Cast, stems: &Stems, seconds: f64) -> Result<Piece> {
    let (_, rate, channels, _) = cast;
    let frames = ((seconds * f64::from(rate)) as usize).min(stems.frames());
    let from = sung(stems, frames, at);
    let settings = MixSettings {
        lead_last_chorus_db: 0.0,
        drums_db: -1.5 * (at % 4) as f64,
        bass_db: -((at % 3) as f64),
    };
    let window = |token: &str| {
        let mut block = song::mix(stems, settings, token);
        for plane in &mut block.channels {
            plane.drain(..from);
            plane.truncate(frames);
        }
        if channels == 1 {
            let mono = block.channels[0].iter().zip(&block.channels[1]).map(|(a, b)| (a + b) / 2.0);
            block = Block { channels: vec![mono.collect()] };
        }
        block
    };
    let main = window("main");
    let gain = gain_of(&main);
    let instrumental = finished(window("instrumental"), rate, gain);
    let main = finished(main, rate, gain);
    let source = format!("made from stems, {rate} Hz, {channels} channel(s)");
    write(folder, at, cast, (&main, &instrumental), source)
}

/// Where the window of a piece begins: somewhere else for each, and never where nobody sings, for then its instrumental would be its main.
fn sung(stems: &Stems, frames: usize, at: usize) -> usize {
    let step = song::RATE_HZ as usize / 2;
    let sings = |from: &usize| {
        let window = &stems.lead[*from..from + frames];
        window.iter().filter(|frame| frame[0].abs() > 0.01).count() > frames / 20
    };
    let all: Vec<usize> = (0..=stems.frames() - frames).step_by(step).filter(sings).collect();
    all.get(all.len() * at / CAST.len()).copied().unwrap_or(0)
}

fn gain_of(block: &Block) -> f64 {
    let peak = block.channels.iter().flatten().fold(0.0f64, |peak, sample| peak.max(sample.abs()));
    10f64.powf(PEAK_DBFS / 20.0) / peak.max(1e-6)
}

/// Headroom, soft ends, a quarter of a second of silence at both.
fn finished(mut block: Block, rate: u32, gain: f64) -> Block {
    let (fade, silence) = (rate as usize / 20, rate as usize / 4);
    for plane in &mut block.channels {
        let last = plane.len().saturating_sub(1);
        for (at, sample) in plane.iter_mut().enumerate() {
            *sample *= gain * (at.min(last - at) as f64 / fade as f64).min(1.0);
        }
        plane.splice(0..0, std::iter::repeat_n(0.0, silence));
        plane.extend(std::iter::repeat_n(0.0, silence));
    }
    block
}

fn write(
    folder: &Path,
    at: usize,
    (title, rate_hz, channels, own_master): Cast,
    (main, instrumental): (&Block, &Block),
    source: String,
) -> Result<Piece> {
    let file = |name: &str, encoding: Encoding, block: &Block| -> Result<PathBuf> {
        let path = folder.join(name);
        let mut writer = AudioWriter::create(&path, encoding, rate_hz, channels, None)?;
        writer.write(block)?;
        writer.finish()?;
        Ok(path)
    };
    let take = file("take_main.flac", Encoding::Flac16, main)?;
    let mix = vec![
        ("main".to_owned(), file("mix_main.wav", Encoding::Wav24, main)?),
        ("instrumental".to_owned(), file("mix_instrumental.wav", Encoding::Wav24, instrumental)?),
    ];
    Ok(Piece { title, isrc: isrc(at), rate_hz, channels, own_master, take, mix, source })
}
