//! How far the whole work is, over all renderings and files, and whether it shall go on. Never here: work.

use super::Progress;
use crate::{DspError, Flow};

/// Work comes in stretches, each with a weight; what is told never falls.
pub(super) struct Teller<'a> {
    tell: &'a mut dyn FnMut(&Progress) -> Flow,
    told: Progress,
    /// Weights: of what is behind, of the stretch that goes on, of all.
    done: f64,
    stretch: f64,
    total: f64,
}

impl<'a> Teller<'a> {
    pub fn new(files: usize, total: f64, tell: &'a mut dyn FnMut(&Progress) -> Flow) -> Teller<'a> {
        let told = Progress { files: u32::try_from(files).unwrap_or(u32::MAX), ..Progress::default() };
        Teller { tell, told, done: 0.0, stretch: 0.0, total: total.max(1.0) }
    }

    /// Ends the stretch before and begins another.
    pub fn begin(&mut self, step: impl Into<String>, weight: f64) -> Result<(), DspError> {
        self.done += self.stretch;
        self.stretch = weight;
        self.told.step = step.into();
        self.at(0.0)
    }

    pub fn step(&mut self, step: String) {
        self.told.step = step;
    }

    /// So much of the stretch, 0 to 1. Errors: `Stopped`.
    pub fn at(&mut self, part: f64) -> Result<(), DspError> {
        let fraction = (self.done + self.stretch * part.clamp(0.0, 1.0)) / self.total;
        // All of it only when it is all of it.
        self.told.fraction = fraction.min(0.999).max(self.told.fraction);
        self.ask()
    }

    pub fn file_done(&mut self) {
        self.told.files_done = self.told.files.min(self.told.files_done + 1);
    }

    pub fn end(&mut self) -> Result<(), DspError> {
        self.told.step = "done".into();
        self.told.fraction = 1.0;
        self.ask()
    }

    fn ask(&mut self) -> Result<(), DspError> {
        match (self.tell)(&self.told) {
            Flow::Go => Ok(()),
            Flow::Stop => Err(DspError::Stopped),
        }
    }
}
