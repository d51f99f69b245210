//! Progress of a render, and the question whether to go on.

use super::Progress;
use crate::error::{DspError, Flow};

pub struct Steps<'a> {
    tell: &'a mut dyn FnMut(Progress) -> Flow,
    step: String,
    begun: usize,
    planned: usize,
    furthest: f64,
}

impl<'a> Steps<'a> {
    pub fn new(planned: usize, tell: &'a mut dyn FnMut(Progress) -> Flow) -> Self {
        Steps { tell, step: String::new(), begun: 0, planned: planned.max(1), furthest: 0.0 }
    }

    pub fn begin(&mut self, step: String) -> Result<(), DspError> {
        self.step = step;
        self.begun += 1;
        self.at(0.0)
    }

    /// `fraction` of this step is done.
    pub fn at(&mut self, fraction: f64) -> Result<(), DspError> {
        let whole = (self.begun.saturating_sub(1) as f64 + fraction.clamp(0.0, 1.0)) / self.planned as f64;
        self.furthest = self.furthest.max(whole.min(1.0));
        self.still()
    }

    /// Nothing new to tell, but the caller may want to stop.
    pub fn still(&mut self) -> Result<(), DspError> {
        match (self.tell)(Progress { step: self.step.clone(), fraction: self.furthest }) {
            Flow::Go => Ok(()),
            Flow::Stop => Err(DspError::Stopped),
        }
    }
}
