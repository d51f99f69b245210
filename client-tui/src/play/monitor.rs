//! How the two channels reach the ears: stereo, mono, side, swapped, dimmed. One matrix of four numbers; a change slides from one to the other. Never here:
//! the loudness of tracks.

use super::{Channels, Frame, Monitor};

/// 20 dB quieter.
const DIM: f32 = 0.1;
/// A change takes so long.
const SLIDE_MS: u64 = 10;

/// Rows are what leaves left and right, columns what comes.
type Matrix = [[f32; 2]; 2];

const STRAIGHT: Matrix = [[1.0, 0.0], [0.0, 1.0]];

fn matrix(monitor: Monitor) -> Matrix {
    let mut rows = match monitor.channels {
        Channels::Stereo => STRAIGHT,
        Channels::Mono => [[0.5, 0.5], [0.5, 0.5]],
        Channels::Side => [[0.5, -0.5], [0.5, -0.5]],
    };
    if monitor.swap {
        // Of the difference it is the sign: left and right were exchanged before it was taken.
        rows = rows.map(|[left, right]| [right, left]);
    }
    if monitor.dim { rows.map(|row| row.map(|part| part * DIM)) } else { rows }
}

pub(super) struct Matrixed {
    asked: Monitor,
    from: Matrix,
    to: Matrix,
    left: u32,
    over: u32,
}

impl Matrixed {
    pub(super) fn new() -> Matrixed {
        Matrixed { asked: Monitor::default(), from: STRAIGHT, to: STRAIGHT, left: 0, over: 1 }
    }

    pub(super) fn asked(&self) -> Monitor {
        self.asked
    }

    /// `at_once` where nothing sounds.
    pub(super) fn set(&mut self, monitor: Monitor, rate: u32, at_once: bool) {
        let now = self.now(self.left);
        self.asked = monitor;
        self.to = matrix(monitor);
        self.over = u32::try_from(u64::from(rate) * SLIDE_MS / 1000).unwrap_or(1).max(1);
        (self.from, self.left) = if at_once { (self.to, 0) } else { (now, self.over) };
    }

    fn now(&self, left: u32) -> Matrix {
        if left == 0 {
            return self.to;
        }
        let share = left as f32 / self.over as f32;
        let mut now = self.to;
        for (row, from) in now.iter_mut().zip(self.from) {
            for (part, from) in row.iter_mut().zip(from) {
                *part += (from - *part) * share;
            }
        }
        now
    }

    pub(super) fn apply(&mut self, out: &mut [Frame]) {
        if self.left == 0 && self.to == STRAIGHT {
            // To the bit what came.
            return;
        }
        for frame in out {
            let rows = self.now(self.left);
            self.left = self.left.saturating_sub(1);
            *frame = rows.map(|[left, right]| left * frame[0] + right * frame[1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(monitor: Monitor, frame: Frame) -> Frame {
        let mut matrixed = Matrixed::new();
        matrixed.set(monitor, 48_000, true);
        let mut out = [frame];
        matrixed.apply(&mut out);
        out[0]
    }

    #[test]
    fn each_way_of_listening_is_what_it_says() {
        let of = |channels, swap, dim| settled(Monitor { channels, swap, dim }, [0.5, -0.25]);
        assert_eq!(of(Channels::Stereo, false, false), [0.5, -0.25]);
        assert_eq!(of(Channels::Stereo, true, false), [-0.25, 0.5]);
        assert_eq!(of(Channels::Mono, false, false), [0.125; 2]);
        assert_eq!(of(Channels::Side, false, false), [0.375; 2]);
        assert_eq!(of(Channels::Side, true, false), [-0.375; 2]);
        assert_eq!(of(Channels::Stereo, false, true), [0.05, -0.025]);
    }

    #[test]
    fn a_change_slides_without_a_step_and_arrives_exactly() {
        let mut matrixed = Matrixed::new();
        matrixed.set(Monitor { swap: true, ..Monitor::default() }, 48_000, false);
        let mut out = vec![[1.0, -1.0]; 600];
        matrixed.apply(&mut out[..100]);
        matrixed.set(Monitor { channels: Channels::Mono, ..Monitor::default() }, 48_000, false);
        matrixed.apply(&mut out[100..]);
        let steps = out.windows(2).map(|w| (w[1][0] - w[0][0]).abs());
        assert!(steps.fold(0.0, f32::max) < 0.01);
        assert_eq!(out[599], [0.0, 0.0]);
    }
}
