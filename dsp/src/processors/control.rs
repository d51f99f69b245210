//! What a step did to a block of the main, kept until its alternates have got the same. Never here: sound.

/// The course of one step over the frames of one block.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Control {
    /// Linear gains. Which plane belongs to which channel or band, and how many values a frame has, is the step's own affair.
    pub planes: Vec<Vec<f64>>,
    /// Stretches drawn anew, in the order in which that was done.
    pub repairs: Vec<Repair>,
}

/// A stretch of one channel that was drawn anew from what is around it.
#[derive(Clone, Debug, PartialEq)]
pub struct Repair {
    pub channel: usize,
    /// First frame, as the step counts what came in.
    pub at: u64,
    pub frames: usize,
    /// Of the predictor of the main around it: a sample plus these times those before it is what cannot be foretold.
    pub predictor: Vec<f64>,
}

impl Control {
    /// Empties it and keeps its memory.
    pub fn clear(&mut self) {
        self.planes.iter_mut().for_each(Vec::clear);
        self.repairs.clear();
    }

    /// Makes it hold `planes` planes, keeping the memory they have.
    pub fn open(&mut self, planes: usize) -> &mut [Vec<f64>] {
        self.planes.resize_with(planes, Vec::new);
        &mut self.planes
    }

    /// The lowest gain of all, at most 1.
    pub fn lowest(&self) -> f64 {
        self.planes.iter().flatten().fold(1.0, |m: f64, g| m.min(*g))
    }
}
