//! What is to happen at which frame while it plays into a device: switches, and the end after so many times round. It goes by the position, so that sound that
//! was missing moves nothing. Never here: devices, how a switch sounds.

use super::Plan;
use crate::play::{Engine, EngineOrder, Frame};

pub(super) struct Script {
    to: u64,
    /// Still to come, the next one last.
    switches: Vec<u64>,
    tracks: usize,
    heard: usize,
    /// Frames of the deck until the end.
    left: u64,
    total: u64,
}

impl Script {
    pub(super) fn new(plan: &Plan, tracks: usize) -> Script {
        let total = (plan.to - plan.from).saturating_mul(plan.times);
        let switches = plan.switches.iter().rev().copied().collect();
        Script { to: plan.to, switches, tracks, heard: 0, left: total, total }
    }

    /// 0 to 1
    pub(super) fn share(&self) -> f64 {
        1.0 - self.left as f64 / self.total.max(1) as f64
    }

    pub(super) fn is_over(&self) -> bool {
        self.left == 0
    }

    /// Pulls the engine, in pieces that end where something happens.
    pub(super) fn pull(&mut self, engine: &mut Engine, out: &mut [Frame]) {
        let mut done = 0;
        while done < out.len() {
            let rest = &mut out[done..];
            let before = engine.now();
            if !before.playing || self.left == 0 {
                self.left = 0;
                drop(engine.order(EngineOrder::Pause));
                return engine.pull(rest);
            }
            while self.switches.last() == Some(&before.at) {
                self.switches.pop();
                self.heard = (self.heard + 1) % self.tracks.max(1);
                drop(engine.order(EngineOrder::Switch(self.heard)));
            }
            let to_turn = self.to.saturating_sub(before.at).max(1);
            let to_switch = self.switches.last().map_or(u64::MAX, |at| at.saturating_sub(before.at).max(1));
            let most = self.left.min(to_turn).min(to_switch);
            let count = usize::try_from(most).map_or(rest.len(), |most| most.min(rest.len()));
            engine.pull(&mut rest[..count]);
            let after = engine.now();
            let moved = match after.at.checked_sub(before.at) {
                Some(0) if after.waiting => 0,
                Some(moved) if moved > 0 => moved,
                // Once round.
                _ => count as u64,
            };
            self.left = self.left.saturating_sub(moved);
            done += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::play::{Deck, Level, Loaded, Sound, Track};

    const FADE: usize = 240;

    fn noise(seed: u32) -> Vec<Frame> {
        let value = |n: u32| (n.wrapping_mul(2_654_435_761).wrapping_add(seed) % 1_000) as f32 / 1_000.0;
        (0..20_000).map(|n| [value(n), -value(n + 7)]).collect()
    }

    fn played(plan: &Plan, sizes: &[usize]) -> Vec<Frame> {
        let track = Track {
            project_id: String::new(),
            version_id: String::new(),
            alternate: "main".into(),
            sha256: String::new(),
            label: String::new(),
            sample_rate: 48_000,
            channels: 2,
            frames: 20_000,
            bytes: 0,
            lufs: -14.0,
            true_peak_dbtp: 0.0,
            original: true,
        };
        let deck = Deck::Side { tracks: vec![track.clone(), track], heard: 0 };
        let sounds: Vec<Arc<dyn Sound>> = vec![Arc::new(noise(1)), Arc::new(noise(2))];
        let loaded = Box::new(Loaded::new(deck, sounds, 48_000).unwrap());
        let mut engine = Engine::for_files();
        for order in [
            EngineOrder::Level(Level::AsIs),
            EngineOrder::Load { loaded, at: plan.from, play: true },
            EngineOrder::Loop((plan.times > 1).then_some((plan.from, plan.to))),
        ] {
            drop(engine.order(order));
        }
        let mut script = Script::new(plan, 2);
        let mut out = Vec::new();
        let mut sizes = sizes.iter().cycle();
        while !script.is_over() {
            let mut piece = vec![[0.0; 2]; *sizes.next().unwrap()];
            script.pull(&mut engine, &mut piece);
            out.extend(piece);
        }
        out
    }

    #[test]
    fn it_switches_at_the_frame_and_ends_at_the_frame_whatever_a_device_pulls() {
        let (a, b) = (noise(1), noise(2));
        for sizes in [&[512][..], &[1, 777, 30], &[5_000]] {
            let out = played(&Plan { from: 1_000, to: 9_000, times: 1, switches: vec![5_001] }, sizes);
            assert_eq!(out[..4_001], a[1_000..5_001], "{sizes:?}");
            assert_eq!(out[4_001 + FADE..8_000], b[5_001 + FADE..9_000], "{sizes:?}");
            assert!(out.iter().skip(8_000 + FADE).all(|frame| *frame == [0.0; 2]), "{sizes:?}");
        }
    }

    #[test]
    fn it_goes_round_as_often_as_asked() {
        let a = noise(1);
        for sizes in [&[512][..], &[100], &[333, 1]] {
            let out = played(&Plan { from: 200, to: 300, times: 7, switches: Vec::new() }, sizes);
            for (i, frame) in out[..700].iter().enumerate() {
                assert_eq!(*frame, a[200 + i % 100], "{sizes:?}, frame {i}");
            }
            assert!(out[700..].iter().skip(FADE).all(|frame| *frame == [0.0; 2]));
        }
        let whole = played(&Plan { from: 0, to: 20_000, times: 1, switches: Vec::new() }, &[480]);
        assert_eq!(whole[..20_000], a[..]);
    }
}
