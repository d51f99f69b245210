//! The whole desk as a mastering engineer would set it up, beside ffmpeg's chain, and what an alternate costs beside its main. Never here: quality.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::{
    Setting,
    material::{self, Track},
    speed::Contest,
    table::{Bars, Table},
    tools::{self, Task},
    wav::{self, Sound},
};

/// Seven bands, four bands of compression, a de-esser, a stereo step, the limiter and the search for the target.
const DESK: &str = r#"
target_lufs = -10.0
ceiling_dbtp = -1.0

[[step]]
kind = "eq"
[[step.band]]
kind = "low-cut"
hz = 28
[[step.band]]
kind = "low-shelf"
hz = 80
gain_db = 1.0
[[step.band]]
kind = "bell"
hz = 300
q = 1.1
gain_db = -1.5
[[step.band]]
kind = "bell"
hz = 900
q = 1.4
gain_db = -0.8
[[step.band]]
kind = "bell"
hz = 3200
q = 1.2
gain_db = 1.2
[[step.band]]
kind = "bell"
hz = 7000
q = 2.0
gain_db = -1.0
[[step.band]]
kind = "high-shelf"
hz = 12000
gain_db = 1.8

[[step]]
kind = "multiband"
edges_hz = [120, 900, 5000]
[[step.band]]
threshold_db = -24
attack_ms = 30
release_ms = 150
[[step.band]]
threshold_db = -26
[[step.band]]
threshold_db = -30
attack_ms = 10
[[step.band]]
threshold_db = -34
attack_ms = 5
release_ms = 80

[[step]]
kind = "de-esser"

[[step]]
kind = "stereo"
edges_hz = [250, 4000]
widths = [0.8, 1.0, 1.15]
mono_below_hz = 100

[limiter]
"#;
/// The reference machine runs ffmpeg's chain at 123 times real time; the desk is to run at 100 there, so the chain may cost this share of it.
const CHAIN_BAR: f64 = 0.81;
/// Shares of the song that are called instrumental and a cappella: for speed the music does not matter.
const SHARES: [f64; 2] = [0.65, 0.35];

pub fn tables(setting: &Setting, bars: &mut Bars) -> Result<Vec<Table>> {
    let song = material::song(&setting.songs, &setting.folder)?;
    let sound = wav::read(&song.file)?;
    let recipe = setting.folder.join("desk.toml");
    std::fs::write(&recipe, DESK)?;
    let alternates = alternates(&sound, &setting.folder)?;
    let task = Task {
        input: &song.file,
        output: setting.folder.join("peer.wav"),
        rate: sound.rate,
        gain_db: 0.0,
        target_lufs: -10.0,
        ceiling_dbtp: -1.0,
    };
    drop(sound);
    Ok(vec![contest(setting, &song, &recipe, &alternates, &task, bars)?])
}

/// Two parts that add up to the song.
fn alternates(sound: &Sound, folder: &Path) -> Result<Vec<PathBuf>> {
    let part = |(i, share): (usize, &f64)| {
        let channels = sound.channels.iter().map(|c| c.iter().map(|x| share * x).collect()).collect();
        let file = folder.join(format!("part{i}.wav"));
        wav::write_24(&file, &Sound { rate: sound.rate, channels })?;
        Ok(file)
    };
    SHARES.iter().enumerate().map(part).collect()
}

fn contest(
    setting: &Setting,
    song: &Track,
    recipe: &Path,
    alternates: &[PathBuf],
    task: &Task<'_>,
    bars: &mut Bars,
) -> Result<Table> {
    let about = "Seven bands, multiband of four, de-esser, stereo, search for -10 LUFS under -1 dBTP with the limiter, 24-bit WAV, measured again \
        with two meters. ffmpeg's chain has five bands, a compressor and a limiter, and meets no target.";
    let mut contest = Contest::new("The whole desk", about, song);
    let words = |alternates: &[PathBuf]| {
        let mut words = format!(
            "master {} {} {}",
            song.file.display(),
            setting.folder.join("own.wav").display(),
            recipe.display()
        );
        alternates.iter().for_each(|a| words.push_str(&format!(" {}", a.display())));
        words
    };
    contest.ours("the main", words(&[]));
    contest.ours("the main and two alternates", words(alternates));
    contest.peers(tools::DESKS, task, setting)?;
    let mut ran = contest.run(setting.runs, &mut |_| String::new())?;
    let (main_s, all_s) = (ran.cpu[0].1, ran.cpu[1].1);
    let each = (all_s - main_s) / alternates.len() as f64 / main_s;
    ran.table.note(format!("An alternate costs {each:.2} of what its main costs."));
    ran.judge(bars, "the desk against ffmpeg's shorter chain", &["chain + alimiter"], CHAIN_BAR);
    bars.times("the main's cost against an alternate's", 1.0 / each, 1.0);
    ran.judge_memory(bars, "the desk");
    Ok(ran.table)
}
