//! The four songs of the record: one that is made of stems, so that it has true alternates, and three finished pieces of music: recordings that were
//! given, or other mixes of the same stems. Prints are what mix engineers do to them: a part louder, a beginning cut, another tone. Never here: the
//! studio.

use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use deadwax_dsp::{
    Block,
    write::{AudioWriter, Encoding},
};

use crate::{
    demo::sound,
    song::{self, MixSettings, RATE_HZ, Stems},
};

/// A recording counts for so long; whole songs would make the script a matter of minutes for nothing more.
const EXCERPT_S: usize = 30;
/// Where a mastering engineer asks the peaks of a mix.
const PEAK_DBFS: f64 = -6.0;

pub struct Tune {
    pub title: &'static str,
    pub rate_hz: u32,
    sound: Sound,
    /// Frames that the artist's first note is about.
    pub place: Range<usize>,
}

enum Sound {
    Stems(Box<Stems>),
    /// Stereo, with a second of silence in front.
    Whole(Block),
}

/// What a mix engineer does in one print.
#[derive(Clone, Copy, Debug, Default)]
pub struct Print {
    /// At the place of the note: the lead where there are stems, else everything.
    pub place_db: f64,
    /// Of the whole.
    pub level_db: f64,
    /// Cut from the beginning, after the silence.
    pub cut_s: f64,
    /// Another engineer's ears: less of the highs.
    pub dark: bool,
    /// Swap the instrumental and the a cappella, as a tired engineer does.
    pub swapped: bool,
}

impl Tune {
    pub fn stems() -> Tune {
        let stems = song::arrange().begun_at_the_bridge();
        let place = stems.last_chorus.clone();
        Tune { title: "Night Drive", rate_hz: RATE_HZ, sound: Sound::Stems(Box::new(stems)), place }
    }

    /// A recording of real music: half a minute from its middle.
    pub fn recording(title: &'static str, path: &Path) -> Result<Tune> {
        let (spec, planes) = sound::whole(path)?;
        ensure!(spec.sample_rate >= 44_100, "{} has {} Hz; 44100 or more", path.display(), spec.sample_rate);
        let frames = planes.first().map_or(0, Vec::len);
        let want = (EXCERPT_S * spec.sample_rate as usize).min(frames);
        let from = (frames - want) / 2;
        let side =
            |at: usize| planes.get(at).or(planes.first()).map(|plane| plane[from..from + want].to_vec());
        let channels = vec![side(0).context("no channel")?, side(1).context("no channel")?];
        Ok(Tune::whole(title, spec.sample_rate, Block { channels }))
    }

    /// Three pieces of the same band, where no recordings were given.
    pub fn made(titles: [&'static str; 3]) -> Vec<Tune> {
        let piece = |title, keep: fn(&mut Stems)| {
            let mut stems = song::arrange().begun_at_the_bridge();
            keep(&mut stems);
            let length = stems.frames().min(EXCERPT_S * RATE_HZ as usize);
            let mut block = song::mix(&stems, MixSettings::FIRST, "main");
            block.channels.iter_mut().for_each(|plane| plane.truncate(length));
            Tune::whole(title, RATE_HZ, block)
        };
        vec![
            piece(titles[0], |stems| {
                stems.lead.fill([0.0; 2]);
                stems.backing.fill([0.0; 2]);
            }),
            piece(titles[1], |stems| {
                stems.drums.fill([0.0; 2]);
                stems.bass.fill([0.0; 2]);
            }),
            piece(titles[2], |stems| stems.chords.fill([0.0; 2])),
        ]
    }

    fn whole(title: &'static str, rate_hz: u32, mut block: Block) -> Tune {
        let peak = block.channels.iter().flatten().fold(0.0f64, |peak, sample| peak.max(sample.abs()));
        let gain = 10f64.powf(PEAK_DBFS / 20.0) / peak.max(1e-6);
        let fade = rate_hz as usize / 20;
        for plane in &mut block.channels {
            let last = plane.len().saturating_sub(1);
            for (at, sample) in plane.iter_mut().enumerate() {
                let edge = (at.min(last - at) as f64 / fade as f64).min(1.0);
                *sample *= gain * edge;
            }
            let silence = vec![0.0; rate_hz as usize];
            plane.splice(0..0, silence.iter().copied());
            plane.extend(silence);
        }
        let frames = block.frames();
        Tune { title, rate_hz, sound: Sound::Whole(block), place: frames / 2..frames * 5 / 8 }
    }

    pub fn place_ms(&self) -> (u64, u64) {
        let ms = |frame: usize| frame as u64 * 1000 / u64::from(self.rate_hz);
        (ms(self.place.start), ms(self.place.end))
    }

    pub fn has_alternates(&self) -> bool {
        matches!(self.sound, Sound::Stems(_))
    }

    /// Writes the files that are pushed, the main first, under names that a person would give them.
    pub fn print(&self, folder: &Path, name: &str, print: Print) -> Result<Vec<(String, PathBuf)>> {
        std::fs::create_dir_all(folder)?;
        let tokens: &[&str] =
            if self.has_alternates() { &["main", "instrumental", "a-cappella"] } else { &["main"] };
        let mut written = Vec::new();
        for token in tokens {
            let taken = match (*token, print.swapped) {
                ("instrumental", true) => "a-cappella",
                ("a-cappella", true) => "instrumental",
                (token, _) => token,
            };
            let block = self.block(taken, print);
            let path = folder.join(format!("{name}_{token}.wav"));
            let mut writer = AudioWriter::create(&path, Encoding::Wav24, self.rate_hz, 2, None)?;
            writer.write(&block)?;
            writer.finish()?;
            written.push(((*token).to_owned(), path));
        }
        Ok(written)
    }

    fn block(&self, token: &str, print: Print) -> Block {
        let mut block = match &self.sound {
            Sound::Stems(stems) => {
                let settings = MixSettings { lead_last_chorus_db: print.place_db, ..MixSettings::REVISED };
                song::mix(stems, settings, token)
            }
            Sound::Whole(block) => {
                let mut block = block.clone();
                let gain = 10f64.powf(print.place_db / 20.0);
                for plane in &mut block.channels {
                    plane[self.place.clone()].iter_mut().for_each(|sample| *sample *= gain);
                }
                block
            }
        };
        let level = 10f64.powf(print.level_db / 20.0);
        for plane in &mut block.channels {
            plane.iter_mut().for_each(|sample| *sample *= level);
            if print.dark {
                darken(plane);
            }
            let cut = (print.cut_s * f64::from(self.rate_hz)) as usize;
            let head = self.rate_hz as usize;
            plane.drain(head..(head + cut).min(plane.len()));
        }
        block
    }
}

/// A gentle low pass at about 5 kHz, half of it.
fn darken(plane: &mut [f64]) {
    let mut low = 0.0;
    for sample in plane {
        low += 0.48 * (*sample - low);
        *sample = 0.5 * *sample + 0.5 * low;
    }
}
