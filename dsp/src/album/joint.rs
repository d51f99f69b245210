//! The loudness of songs as one record: all their windows before one gate, and the one gain that brings the record to a level. Never here: files that
//! are written, where songs lie.

use super::{CHANNELS, Source, layout::Known};
use crate::{
    Block, DspError, Flow, decode,
    math::linear,
    measure::{self, Loudness, Measurement, Meter},
};

const READ_FRAMES: usize = 1 << 14;

/// The windows of several songs. What lies between them does not count: silence is under the gate, and a window that reaches over a joint belongs to none.
#[derive(Clone, Debug, Default)]
pub struct Joint {
    momentary: Vec<f64>,
    short_term: Vec<f64>,
}

impl Joint {
    pub fn push(&mut self, song: &Loudness) {
        self.momentary.extend(song.momentary_energies());
        self.short_term.extend(song.short_term_energies());
    }

    /// Of all songs together (ITU-R BS.1770-5); `None` for silence.
    pub fn integrated_lufs(&self) -> Option<f64> {
        measure::integrated_lufs(&self.momentary)
    }

    /// Of all songs together (EBU Tech 3342).
    pub fn range_lu(&self) -> f64 {
        measure::range_lu(&self.short_term)
    }
}

/// The songs of a record by themselves and as one, with their trims and gains, before their fades.
#[derive(Clone, Debug, PartialEq)]
pub struct Together {
    pub songs: Vec<Measurement>,
    pub integrated_lufs: f64,
    pub range_lu: f64,
    /// The highest of all songs.
    pub true_peak_dbtp: f64,
}

/// Measures songs that are to make a record. Errors: as [`super::run`]; `Stopped`.
pub fn together(songs: &[Source], progress: &mut dyn FnMut(f64) -> Flow) -> Result<Together, DspError> {
    let mut joint = Joint::default();
    let mut measured: Vec<Measurement> = Vec::new();
    for (n, song) in songs.iter().enumerate() {
        let mut still = |part: f64| match progress((n as f64 + part.min(1.0)) / songs.len() as f64) {
            Flow::Go => Ok(()),
            Flow::Stop => Err(DspError::Stopped),
        };
        let known = Known::read(&song.path, &mut || still(0.0))?;
        let rate = u64::from(known.spec.sample_rate);
        let trim = |ms: u32| (u64::from(ms) * rate + 500) / 1000;
        let first = trim(song.trim_in_ms);
        let behind = known.frames.saturating_sub(trim(song.trim_out_ms));
        if first >= behind {
            return Err(DspError::Invalid(format!(
                "nothing of song {} is left behind its trims: cut less",
                n + 1
            )));
        }
        let mut source = decode::Source::open(&song.path)?;
        let mut meter = Meter::new(&crate::Spec { channels: CHANNELS, ..known.spec.clone() });
        let gain = linear(song.gain_db());
        let (mut block, mut heard) = (Block::default(), Block::new(CHANNELS, 0));
        let mut at = 0u64;
        loop {
            let frames = source.read(&mut block, READ_FRAMES)? as u64;
            if frames == 0 {
                break;
            }
            let (from, to) = (first.clamp(at, at + frames) - at, behind.clamp(at, at + frames) - at);
            for (channel, plane) in heard.channels.iter_mut().enumerate() {
                let samples = block.channels.get(channel).unwrap_or(&block.channels[0]);
                plane.clear();
                plane.extend(samples[from as usize..to.max(from) as usize].iter().map(|s| s * gain));
            }
            meter.push(&heard);
            at += frames;
            still(at as f64 / known.frames as f64)?;
        }
        joint.push(meter.loudness());
        measured.push(meter.finish());
    }
    let highest = |peak: f64, song: &Measurement| peak.max(song.true_peak_dbtp);
    Ok(Together {
        integrated_lufs: joint.integrated_lufs().unwrap_or(f64::NEG_INFINITY),
        range_lu: joint.range_lu(),
        true_peak_dbtp: measured.iter().fold(f64::NEG_INFINITY, highest),
        songs: measured,
    })
}

/// The one gain for all songs that brings the loudest of them to a level (AES TD1008, which names -14 LUFS): their levels against each other are kept.
/// Silent songs do not count; where all are silent it is 0. What it does to the peaks is not looked at here.
pub fn loudest_track_gain(integrated_lufs: &[f64], target_lufs: f64) -> f64 {
    let loudest = integrated_lufs.iter().copied().filter(|lufs| lufs.is_finite()).reduce(f64::max);
    loudest.map_or(0.0, |loudest| target_lufs - loudest)
}
