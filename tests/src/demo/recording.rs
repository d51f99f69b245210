//! A recording of one's own as the song of the demo: decoded once, its mixes are copies of it with headroom. A finished stereo file has no
//! stems, so there is no instrumental and no a cappella here, and nothing pretends to be one. Never here: the studio.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use deadwax_dsp::{
    Block, Flow, Source,
    recipe::Recipe,
    render::{self, Job},
    write::{AudioWriter, Encoding},
};

use super::sound;

const READ_FRAMES: usize = 1 << 14;
/// Where a mastering engineer asks the peaks of a mix.
const PEAK_DBFS: f64 = -6.0;
const SECONDS_MIN: f64 = 8.0;
/// A mix below the rate of a CD is blocked by preflight; such a recording is brought up first.
const RATE_MIN_HZ: u32 = 44_100;
const RATE_UP_HZ: u32 = 48_000;

pub struct Recording {
    /// As it was given: this is the take.
    pub original: PathBuf,
    /// What is read: the original, or the original brought to 48 kHz.
    source: PathBuf,
    pub rate_hz: u32,
    channels: usize,
    frames: u64,
    peak: f64,
    kind: String,
}

impl Recording {
    /// Reads all of it once. `folder` takes what has to be converted.
    ///
    /// # Errors
    /// What cannot be decoded, is silent, too short, or of more than two channels.
    pub fn open(path: &Path, folder: &Path) -> Result<Recording> {
        let spec = Source::open(path).context("this recording cannot be used")?.spec().clone();
        ensure!(
            spec.channels <= 2,
            "this recording cannot be used: {} has {} channels, a mix is mono or stereo",
            path.display(),
            spec.channels
        );
        let kind = format!(
            "{} {}, {} Hz, {} channel(s)",
            spec.container, spec.codec, spec.sample_rate, spec.channels
        );
        let (source, rate_hz) = if spec.sample_rate < RATE_MIN_HZ {
            (convert(path, folder)?, RATE_UP_HZ)
        } else {
            (path.to_owned(), spec.sample_rate)
        };
        let (mut frames, mut peak) = (0u64, 0.0f64);
        sound::each_block(&source, READ_FRAMES, |block| {
            frames += block.frames() as u64;
            peak = block.channels.iter().flatten().fold(peak, |most, sample| most.max(sample.abs()));
            Ok(())
        })
        .context("this recording cannot be used")?;
        let seconds = frames as f64 / f64::from(rate_hz);
        ensure!(
            seconds >= SECONDS_MIN,
            "this recording cannot be used: {} lasts {seconds:.1} s, the job needs {SECONDS_MIN:.0} s or more",
            path.display()
        );
        ensure!(
            peak > 1e-4 && peak.is_finite(),
            "this recording cannot be used: {} is silent or broken",
            path.display()
        );
        Ok(Recording {
            original: path.to_owned(),
            source,
            rate_hz,
            channels: spec.channels,
            frames,
            peak,
            kind,
        })
    }

    pub fn length_ms(&self) -> u64 {
        self.frames * 1000 / u64::from(self.rate_hz)
    }

    pub fn say(&self) -> String {
        let raised = if self.source == self.original { "" } else { "; mixes are brought to 48000 Hz" };
        format!(
            "{} ({}, {:.1} s{raised})\na finished recording has no stems: its mixes are main and limited (the loud reference), no other alternates",
            self.original.display(),
            self.kind,
            self.length_ms() as f64 / 1000.0
        )
    }

    /// Mix 1: the recording with its peak at -6 dBFS. Mix 2: half a decibel less, a second of silence in front. `limited` is made from
    /// the main, so both change together and stay of one length.
    pub fn mix(&self, number: u32, main: &Path, limited: &Path) -> Result<()> {
        let (trim_db, head) = if number == 1 { (0.0, 0) } else { (-0.5, self.rate_hz as usize) };
        let gain = 10f64.powf((PEAK_DBFS + trim_db) / 20.0) / self.peak;
        let mut writer = AudioWriter::create(main, Encoding::Wav24, self.rate_hz, self.channels, None)?;
        writer.write(&Block::new(self.channels, head))?;
        let mut block = Block::default();
        sound::each_block(&self.source, READ_FRAMES, |read| {
            block.clone_from(read);
            block.channels.iter_mut().flatten().for_each(|sample| *sample *= gain);
            writer.write(&block)?;
            Ok(())
        })?;
        writer.finish()?;
        let loud = "name = \"loud reference\"\ntarget_lufs = -12.0\nceiling_dbtp = -1.0\n\n[limiter]\n\n[[output]]\nencoding = \"wav24\"\n";
        render_one(main, loud, limited)
    }
}

fn convert(path: &Path, folder: &Path) -> Result<PathBuf> {
    let up = folder.join("brought-up.wav");
    let recipe = format!(
        "name = \"bring up\"\nceiling_dbtp = 0.0\n\n[[output]]\nencoding = \"wav32f\"\nrate = {RATE_UP_HZ}\n"
    );
    render_one(path, &recipe, &up)?;
    Ok(up)
}

/// One file through the render, to where it is wanted.
fn render_one(from: &Path, recipe: &str, to: &Path) -> Result<()> {
    let folder = to.parent().context("a file lies in a folder")?;
    let room = tempfile::Builder::new().prefix(".render-").tempdir_in(folder)?;
    let job = Job::new(from.to_owned(), Recipe::parse(recipe)?, room.path().to_owned(), "one".into());
    let report =
        render::run(&job, &mut |_| Flow::Go).with_context(|| format!("rendering {}", from.display()))?;
    let made = report.outputs.first().context("the render made nothing")?;
    std::fs::rename(room.path().join(&made.file), to)?;
    Ok(())
}
