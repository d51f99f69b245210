//! Looks on at the main's way through the chain, where that was asked for: what goes into each step and comes out of it, the course of its gains,
//! and its sound as files. Never here: the chain itself, alternates.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{
    block::Block,
    error::DspError,
    measure::Loudness,
    processors::{Chain, Control, decibels},
    sheet::{Track, TrackMeter},
    write::{AudioWriter, Encoding},
};

/// A file name made of a title has so many characters at most.
const TITLE_CHARS: usize = 40;

/// What is looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked<'a> {
    pub figures: bool,
    pub files: Option<&'a Path>,
}

impl Asked<'_> {
    pub fn any(self) -> bool {
        self.figures || self.files.is_some()
    }
}

/// What one step did to the main.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub title: String,
    pub lufs: [Option<f64>; 2],
    pub peak_dbfs: [f64; 2],
    /// Of a step whose gain follows the sound.
    pub track: Option<Track>,
}

/// Loudness and highest sample of the main where a stretch of the chain begins and where it ends.
pub type Ends = [(Option<f64>, f64); 2];

impl Seen {
    /// Of a step that lies between two stretches.
    pub fn between(title: String, before: (Option<f64>, f64), after: (Option<f64>, f64)) -> Self {
        Seen { title, lufs: [before.0, after.0], peak_dbfs: [before.1, after.1], track: None }
    }
}

/// A place between two steps.
struct Place {
    /// Delay of the steps before: frames still to be thrown away.
    early: usize,
    late: usize,
    loudness: Loudness,
    peak: f64,
    writer: Option<AudioWriter>,
}

pub struct Watch {
    figures: bool,
    titles: Vec<String>,
    places: Vec<Place>,
    tracks: Vec<TrackMeter>,
    tracked: Vec<bool>,
    early: Vec<usize>,
    shown: Block,
    files: Option<StepFiles>,
}

/// Files of steps: made in a folder of their own beside where they go.
pub struct StepFiles {
    workshop: TempDir,
    folder: PathBuf,
    names: Vec<String>,
}

impl StepFiles {
    /// Gives them their names.
    pub fn name(self) -> Result<Vec<PathBuf>, DspError> {
        let mut named = Vec::new();
        for name in &self.names {
            let to = self.folder.join(name);
            if let Err(source) = std::fs::rename(self.workshop.path().join(name), &to) {
                named.iter().for_each(|file| drop(std::fs::remove_file(file)));
                return Err(DspError::write(&to, source));
            }
            named.push(to);
        }
        Ok(named)
    }
}

impl Watch {
    /// `chain` is prepared. `first`: how many steps of the way come before it; `behind`: the title of the last of these, if it is an insert: what
    /// came out of that one is what comes in here.
    pub fn new(
        asked: Asked<'_>,
        chain: &Chain,
        (sample_rate, channels): (u32, usize),
        first: usize,
        behind: Option<&str>,
    ) -> Result<Self, DspError> {
        let titles: Vec<String> = chain.steps().iter().map(|(title, _)| (*title).to_owned()).collect();
        let files = asked.files.map(|folder| {
            let behind = behind.map(|title| (first, title));
            let own = titles.iter().enumerate().map(|(i, title)| (first + i + 1, title.as_str()));
            StepFiles::create(folder, behind.into_iter().chain(own))
        });
        let files = files.transpose()?;
        let (mut places, mut late) = (Vec::new(), 0);
        for i in 0..=titles.len() {
            late +=
                i.checked_sub(1).and_then(|i| chain.steps().get(i).map(|(_, frames)| *frames)).unwrap_or(0);
            // What comes in is no step's file, unless it comes out of an insert.
            let name = if behind.is_some() { Some(i) } else { i.checked_sub(1) };
            let writer = files.as_ref().zip(name).map(|(files, name)| {
                let path = files.workshop.path().join(&files.names[name]);
                AudioWriter::create(&path, Encoding::Wav32f, sample_rate, channels, None)
            });
            let (loudness, writer) = (Loudness::new(sample_rate, channels), writer.transpose()?);
            places.push(Place { early: late, late, loudness, peak: 0.0, writer });
        }
        Ok(Watch {
            figures: asked.figures,
            early: places.iter().skip(1).map(|place| place.late).collect(),
            tracks: titles.iter().map(|title| TrackMeter::new(title, sample_rate)).collect(),
            tracked: vec![false; titles.len()],
            titles,
            places,
            shown: Block::default(),
            files,
        })
    }

    /// Runs the chain and looks on. `last`: the sound has ended and this is the silence that pushes the rest out.
    pub fn process(
        &mut self,
        chain: &mut Chain,
        block: &mut Block,
        controls: &mut Vec<Control>,
        last: bool,
    ) -> Result<(), DspError> {
        chain.process_shown(block, controls, &mut |i, block, control| {
            let Some(place) = self.places.get_mut(i) else { return Ok(()) };
            let skip = place.early.min(block.frames());
            let end = if last { place.late.min(block.frames()) } else { block.frames() };
            place.early -= skip;
            self.shown.resize(block.channels.len(), 0);
            for (shown, samples) in self.shown.channels.iter_mut().zip(&block.channels) {
                shown.extend_from_slice(samples.get(skip..end).unwrap_or_default());
            }
            if self.figures {
                place.loudness.push(&self.shown);
                place.peak = self.shown.channels.iter().flatten().fold(place.peak, |m, s| m.max(s.abs()));
            }
            if let Some(writer) = &mut place.writer {
                writer.write(&self.shown)?;
            }
            let Some(step) = i.checked_sub(1) else { return Ok(()) };
            // Steps that tell of something else than one gain a frame are not drawn.
            let frames = block.frames();
            let gains = &control.planes;
            if self.figures && !gains.is_empty() && gains.iter().all(|plane| plane.len() == frames) {
                self.tracked[step] = true;
                let skip = self.early[step].min(frames);
                self.early[step] -= skip;
                let planes: Vec<Vec<f64>> =
                    gains.iter().map(|plane| plane.get(skip..end).unwrap_or_default().to_vec()).collect();
                self.tracks[step].push_planes(&planes);
            }
            Ok(())
        })
    }

    /// The figures of each step, those of the ends, and the files.
    pub fn finish(self) -> Result<(Vec<Seen>, Ends, Option<StepFiles>), DspError> {
        let mut heard = Vec::new();
        for place in self.places {
            heard.push((place.loudness.integrated_lufs(), decibels(place.peak)));
            if let Some(writer) = place.writer {
                writer.finish()?;
            }
        }
        let silence = (None, f64::NEG_INFINITY);
        let ends = [heard.first().copied().unwrap_or(silence), heard.last().copied().unwrap_or(silence)];
        let tracks = self.tracks.iter().zip(self.tracked).map(|(track, has)| has.then(|| track.track()));
        let between = self.titles.into_iter().zip(heard.windows(2)).zip(tracks);
        let seen = between.map(|((title, w), track)| Seen { track, ..Seen::between(title, w[0], w[1]) });
        Ok((if self.figures { seen.collect() } else { Vec::new() }, ends, self.files))
    }
}

impl StepFiles {
    /// Numbers and titles of the steps.
    fn create<'t>(folder: &Path, steps: impl Iterator<Item = (usize, &'t str)>) -> Result<Self, DspError> {
        std::fs::create_dir_all(folder).map_err(|e| DspError::write(folder, e))?;
        let workshop = tempfile::Builder::new()
            .prefix(".deadwax-steps-")
            .tempdir_in(folder)
            .map_err(|e| DspError::write(folder, e))?;
        let names = steps.map(|(number, title)| step_file(number, title)).collect();
        Ok(StepFiles { workshop, folder: folder.to_owned(), names })
    }
}

/// `02_de-esser.wav`: nothing in it that a disk could take for something else.
fn step_file(number: usize, title: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c.to_ascii_lowercase() } else { '-' };
    let title: String = title.chars().take(TITLE_CHARS).map(plain).collect();
    format!("{number:02}_{title}.wav")
}
