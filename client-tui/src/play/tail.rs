//! What still sounds of the sound that was left: a few milliseconds that die away while the new one rises. Never here: where the sound comes from.

use super::Frame;

/// 5 ms at 384 kHz.
pub(super) const TAIL_MAX: usize = 1920;

pub(super) struct Tail {
    ring: Box<[Frame]>,
    next: usize,
    left: usize,
}

impl Tail {
    pub(super) fn new() -> Tail {
        Tail { ring: vec![[0.0; 2]; TAIL_MAX].into_boxed_slice(), next: 0, left: 0 }
    }

    pub(super) fn is_over(&self) -> bool {
        self.left == 0
    }

    /// Puts `frame` over what sounds `ahead` frames from now. Further ahead than the longest fade it is left out.
    pub(super) fn add(&mut self, ahead: usize, frame: Frame) {
        if ahead >= TAIL_MAX {
            return;
        }
        let place = &mut self.ring[(self.next + ahead) % TAIL_MAX];
        place[0] += frame[0];
        place[1] += frame[1];
        self.left = self.left.max(ahead + 1);
    }

    /// Adds itself to the next frames that leave.
    pub(super) fn mix(&mut self, out: &mut [Frame]) {
        let count = self.left.min(out.len());
        for frame in &mut out[..count] {
            let place = std::mem::take(&mut self.ring[self.next]);
            frame[0] += place[0];
            frame[1] += place[1];
            self.next = (self.next + 1) % TAIL_MAX;
        }
        self.left -= count;
    }
}
