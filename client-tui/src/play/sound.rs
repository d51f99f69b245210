//! What the engine pulls its samples from. A sound answers at once with what it has: an engine that waited would be heard.

/// Left and right, full scale 1.0. A mono file stands in both.
pub type Frame = [f32; 2];

/// One file as stereo frames at the deck's rate.
pub trait Sound: Send + Sync {
    /// Of the whole file, at the deck's rate.
    fn frames(&self) -> u64;

    /// Copies frames from `at` on as far as they are there, and answers how many. Never waits. 0 before the end: not here yet.
    fn read(&self, at: u64, out: &mut [Frame]) -> usize;

    /// The engine will read here soon: after a seek, at the start of a loop, at the joint to the next song.
    fn want(&self, at: u64);

    /// How much of it is here, 0 to 1, for the screen.
    fn here(&self) -> f64 {
        1.0
    }

    /// Why it will not come, where it will not.
    fn problem(&self) -> Option<String> {
        None
    }
}

/// A whole sound in memory.
impl Sound for Vec<Frame> {
    fn frames(&self) -> u64 {
        self.len() as u64
    }

    fn read(&self, at: u64, out: &mut [Frame]) -> usize {
        let from = usize::try_from(at).map_or(self.len(), |at| at.min(self.len()));
        let count = out.len().min(self.len() - from);
        out[..count].copy_from_slice(&self[from..from + count]);
        count
    }

    fn want(&self, _at: u64) {}
}
