//! Progress of a render, and the question whether to go on.

use super::Progress;
use crate::error::{DspError, Flow};

pub struct Steps<'a> {
    tell: &'a mut dyn FnMut(Progress) -> Flow,
    step: String,
    /// Weight of the steps that are done, and of the one at work.
    done: f64,
    weight: f64,
    planned: f64,
    furthest: f64,
}

impl<'a> Steps<'a> {
    /// `planned`: the weights of all steps together.
    pub fn new(planned: f64, tell: &'a mut dyn FnMut(Progress) -> Flow) -> Self {
        Steps { tell, step: String::new(), done: 0.0, weight: 0.0, planned: planned.max(1.0), furthest: 0.0 }
    }

    pub fn begin(&mut self, step: String) -> Result<(), DspError> {
        self.begin_weighing(step, 1.0)
    }

    /// Begins a step that takes so many times as long as others.
    pub fn begin_weighing(&mut self, step: String, weight: f64) -> Result<(), DspError> {
        self.step = step;
        self.done += self.weight;
        self.weight = weight;
        self.at(0.0)
    }

    /// `fraction` of this step is done.
    pub fn at(&mut self, fraction: f64) -> Result<(), DspError> {
        let whole = (self.done + self.weight * fraction.clamp(0.0, 1.0)) / self.planned;
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
