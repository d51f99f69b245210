//! Real music that nobody here made: songs out of Debian packages, by apt-get, dpkg and ffmpeg. The licences are those of the packages. Never here:
//! anything that is committed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

/// A song: name, package, files below the package's root. Two files are stems, which are summed.
const SONGS: &[(&str, &str, &[&str])] = &[
    (
        "01_orchestral",
        "wesnoth-1.16-music",
        &["usr/share/games/wesnoth/1.16/data/core/music/the_dangerous_symphony.ogg"],
    ),
    (
        "02_folk",
        "wesnoth-1.16-music",
        &["usr/share/games/wesnoth/1.16/data/core/music/traveling_minstrels.ogg"],
    ),
    ("03_epic", "wesnoth-1.16-music", &["usr/share/games/wesnoth/1.16/data/core/music/northerners.ogg"]),
    ("04_rlyeh", "hyperrogue-music", &["usr/share/hyperrogue/music/hr3-rlyeh.ogg"]),
    ("05_hell", "hyperrogue-music", &["usr/share/hyperrogue/music/hr3-hell.ogg"]),
    (
        "06_metal",
        "fretsonfire-songs-muldjord",
        &[
            "usr/share/games/fretsonfire/data/songs/muldjord/chaos_god/song.ogg",
            "usr/share/games/fretsonfire/data/songs/muldjord/chaos_god/guitar.ogg",
        ],
    ),
    (
        "07_rock",
        "fretsonfire-songs-sectoid",
        &[
            "usr/share/games/fretsonfire/data/songs/sectoid/Feelings/song.ogg",
            "usr/share/games/fretsonfire/data/songs/sectoid/Feelings/guitar.ogg",
        ],
    ),
    ("08_garden", "supertuxkart-data", &["usr/share/games/supertuxkart/data/music/garden.ogg"]),
    ("09_electronic", "supertuxkart-data", &["usr/share/games/supertuxkart/data/music/alien_signal.ogg"]),
    (
        "10_battle",
        "supertuxkart-data",
        &["usr/share/games/supertuxkart/data/tracks/ancient_colosseum_labyrinth/Battle_Theme_1.ogg"],
    ),
    ("11_country", "supertuxkart-data", &["usr/share/games/supertuxkart/data/music/farm.ogg"]),
    ("12_ambient", "singularity-music", &["usr/share/games/singularity/music/Nebula.ogg"]),
    (
        "13_industrial",
        "warzone2100-music",
        &["usr/share/games/warzone2100/music/albums/original_soundtrack/track2.opus"],
    ),
    ("14_hardrock", "hedgewars-data", &["usr/share/games/hedgewars/Data/Music/Rock.ogg"]),
    ("15_intro", "colobot-common-sounds", &["usr/share/games/colobot/music/Intro2.ogg"]),
    ("16_jungle", "hyperrogue-music", &["usr/share/hyperrogue/music/hr3-jungle.ogg"]),
];

/// Fills `folder` with songs as 44.1 kHz 24-bit WAV files, over a gigabyte of packages the first time. Songs that are there already stay.
pub fn fetch(folder: &Path) -> Result<PathBuf> {
    let music = folder.join("music");
    fs::create_dir_all(&music)?;
    for (name, package, parts) in SONGS {
        let song = music.join(format!("{name}.wav"));
        if song.exists() {
            continue;
        }
        eprintln!("fetching {name} from {package}");
        let root = unpack(folder, package)?;
        let files: Vec<PathBuf> = parts.iter().map(|part| root.join(part)).collect();
        decode(&files, &song).with_context(|| format!("decoding {name}"))?;
    }
    Ok(music)
}

fn unpack(folder: &Path, package: &str) -> Result<PathBuf> {
    let root = folder.join("packages").join(package);
    if root.exists() {
        return Ok(root);
    }
    let downloads = folder.join("downloads");
    fs::create_dir_all(&downloads)?;
    run(Command::new("apt-get").current_dir(&downloads).args(["download", "-q", package]))?;
    let begins = format!("{package}_");
    let found = fs::read_dir(&downloads)?.flatten().map(|entry| entry.path()).find(|path| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(&begins))
    });
    let archive = found.with_context(|| format!("apt-get left no file of {package}"))?;
    let part = root.with_extension("part");
    fs::create_dir_all(&part)?;
    run(Command::new("dpkg").arg("-x").arg(&archive).arg(&part))?;
    fs::rename(&part, &root)?;
    fs::remove_file(archive)?;
    Ok(root)
}

/// Sums the files and converts them; a decoder's overs are turned down to -0.1 dBFS, so that 24 bits hold all of it.
fn decode(files: &[PathBuf], song: &Path) -> Result<()> {
    let sum = match files.len() {
        1 => "[0:a]anull".to_owned(),
        n => format!("{}amix=inputs={n}:normalize=0", (0..n).map(|k| format!("[{k}:a]")).collect::<String>()),
    };
    let filter = format!("{sum},aformat=sample_fmts=fltp,aresample=44100:resampler=soxr:precision=28");
    let raw = song.with_extension("part");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y"]);
    for file in files {
        ffmpeg.arg("-i").arg(file);
    }
    run(ffmpeg.arg("-filter_complex").arg(filter).args(["-c:a", "pcm_f32le", "-f", "wav"]).arg(&raw))?;
    let mut sound = super::wav::read(&raw)?;
    let peak = sound.channels.iter().flatten().fold(0.0, |m: f64, s| m.max(s.abs()));
    let highest = 10f64.powf(-0.1 / 20.0);
    if peak > highest {
        sound.channels.iter_mut().flatten().for_each(|s| *s *= highest / peak);
    }
    super::wav::write_24(song, &sound)?;
    Ok(fs::remove_file(raw)?)
}

fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("running {:?}", command.get_program()))?;
    ensure!(status.success(), "{:?} ended with {status}", command.get_program());
    Ok(())
}
