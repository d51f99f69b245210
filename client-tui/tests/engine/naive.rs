//! The player once more, one frame at a time and in doubles, with every dying sound written down: slow, and easy to see through.

use std::{collections::VecDeque, sync::Arc};

use crate::kit::{FADE, Patchy};

/// 50 ms
const AHEAD: usize = 2_400;

pub struct Naive {
    sounds: Vec<Arc<Patchy>>,
    frames: usize,
    pub at: usize,
    pub playing: bool,
    pub waiting: bool,
    pub underruns: u64,
    pub heard: Vec<Vec<bool>>,
    flowing: bool,
    risen: usize,
    chosen: usize,
    looped: Option<(usize, usize)>,
    last: [f64; 2],
    dying: VecDeque<[f64; 2]>,
}

impl Naive {
    pub fn new(sounds: Vec<Arc<Patchy>>) -> Naive {
        let frames = sounds.iter().map(|sound| sound.frames.len()).max().unwrap();
        let heard = sounds.iter().map(|sound| vec![false; sound.frames.len()]).collect();
        Naive {
            sounds,
            frames,
            heard,
            at: 0,
            playing: true,
            waiting: false,
            underruns: 0,
            flowing: false,
            risen: 0,
            chosen: 0,
            looped: None,
            last: [0.0; 2],
            dying: VecDeque::new(),
        }
    }

    fn frame(&self, at: usize) -> Option<[f64; 2]> {
        let sound = &self.sounds[self.chosen];
        match sound.frames.get(at) {
            None => Some([0.0; 2]),
            Some(frame) if sound.has(at) => Some(frame.map(f64::from)),
            Some(_) => None,
        }
    }

    fn run_end(&self, at: usize) -> usize {
        self.looped.map(|(_, to)| to).filter(|to| at < *to).unwrap_or(self.frames)
    }

    fn after(&self, at: usize) -> usize {
        match self.looped {
            Some((from, to)) if at + 1 == to => from,
            _ => at + 1,
        }
    }

    fn die(&mut self, frames: &[[f64; 2]]) {
        for (i, frame) in frames.iter().enumerate() {
            let gain = (self.risen - i) as f64 / FADE as f64;
            if self.dying.len() <= i {
                self.dying.push_back([0.0; 2]);
            }
            self.dying[i][0] += frame[0] * gain;
            self.dying[i][1] += frame[1] * gain;
        }
    }

    fn let_go(&mut self) {
        if self.playing && self.flowing {
            let (mut at, mut last, mut frames, mut lost) = (self.at, self.last, Vec::new(), false);
            // What is missing is stood in for until the sound would turn; a block is what is read at once.
            let mut run = 0;
            while frames.len() < self.risen && at < self.frames {
                if run == 0 {
                    run = (self.run_end(at) - at).min(self.risen - frames.len());
                    lost = false;
                }
                match self.frame(at).filter(|_| !lost) {
                    Some(frame) => last = frame,
                    None => lost = true,
                }
                frames.push(last);
                at = self.after(at);
                run -= 1;
            }
            self.die(&frames);
        }
        self.flowing = false;
        self.waiting = false;
        self.risen = 0;
    }

    pub fn play(&mut self) {
        if !self.playing {
            if self.at >= self.frames {
                self.at = self.looped.map_or(0, |(from, _)| from);
            }
            self.playing = true;
        }
    }

    pub fn pause(&mut self) {
        self.let_go();
        self.playing = false;
    }

    pub fn seek(&mut self, at: usize) {
        if at.min(self.frames) != self.at {
            self.let_go();
            self.at = at.min(self.frames);
        }
    }

    pub fn set_loop(&mut self, range: Option<(usize, usize)>) {
        self.looped = range.map(|(from, to)| (from, to.min(self.frames))).filter(|(from, to)| from < to);
        if let Some((from, to)) = self.looped
            && !(from..to).contains(&self.at)
        {
            self.seek(from);
        }
    }

    pub fn switch(&mut self, track: usize) {
        if track != self.chosen && track < self.sounds.len() {
            self.let_go();
            self.chosen = track;
        }
    }

    pub fn pull(&mut self, count: usize) -> Vec<[f64; 2]> {
        let mut broke_off = false;
        (0..count).map(|_| self.next(&mut broke_off)).collect()
    }

    fn next(&mut self, broke_off: &mut bool) -> [f64; 2] {
        let mut out = [0.0; 2];
        if self.playing && !*broke_off {
            if !self.flowing {
                let need = (self.run_end(self.at) - self.at).min(AHEAD);
                self.flowing = (self.at..self.at + need).all(|at| self.frame(at).is_some());
                self.waiting = !self.flowing;
                self.risen = if self.at == 0 && self.dying.is_empty() { FADE } else { 0 };
            }
            if self.flowing && self.at == self.frames {
                (self.playing, self.flowing) = (false, false);
            } else if self.flowing {
                match self.frame(self.at) {
                    Some(frame) => {
                        out = frame.map(|sample| sample * self.risen as f64 / FADE as f64);
                        self.step(frame);
                    }
                    None => {
                        let last = vec![self.last; self.risen];
                        self.die(&last);
                        (self.flowing, self.waiting, self.risen) = (false, true, 0);
                        self.underruns += 1;
                        *broke_off = true;
                    }
                }
            }
        }
        let dying = self.dying.pop_front().unwrap_or_default();
        [out[0] + dying[0], out[1] + dying[1]]
    }

    fn step(&mut self, frame: [f64; 2]) {
        self.last = frame;
        self.risen = FADE.min(self.risen + 1);
        if let Some(heard) = self.heard[self.chosen].get_mut(self.at) {
            *heard = true;
        }
        let turned = self.looped.is_some_and(|(_, to)| self.at + 1 == to);
        self.at = self.after(self.at);
        if !turned && self.at == self.frames {
            (self.playing, self.flowing) = (false, false);
        }
    }
}
