//! What can be told sample by sample: peak, offset, correlation, silence at both ends, clipping.

use crate::{Block, Spec};

/// -60 dBFS.
const SILENCE: f64 = 0.001;
const CLIP_RUN: u64 = 3;

pub(super) struct Stats {
    pub(super) frames: u64,
    pub(super) peak: f64,
    sums: Vec<f64>,
    /// Of the first two channels: left squared, right squared, left times right.
    products: [f64; 3],
    first_sound: Option<u64>,
    after_sound: u64,
    full_scale: f64,
    runs: Vec<u64>,
    clipped: u64,
    differs: bool,
}

impl Stats {
    pub(super) fn new(spec: &Spec) -> Self {
        // The largest positive value of the format: 32,767 of 32,768 for 16 bits. Float clips at 1.0 and above.
        let full_scale = match spec.bits {
            Some(bits) if !spec.float && (8..=32).contains(&bits) => {
                1.0 - 1.0 / f64::from(1u32 << (bits - 1))
            }
            _ => 1.0,
        };
        Stats {
            frames: 0,
            peak: 0.0,
            sums: vec![0.0; spec.channels],
            products: [0.0; 3],
            first_sound: None,
            after_sound: 0,
            full_scale,
            runs: vec![0; spec.channels],
            clipped: 0,
            differs: false,
        }
    }

    pub(super) fn push(&mut self, block: &Block) {
        let frames = block.frames();
        let (mut first, mut last) = (None::<usize>, None::<usize>);
        for (index, channel) in block.channels.iter().enumerate() {
            let mut run = self.runs[index];
            for (frame, sample) in channel.iter().enumerate() {
                let size = sample.abs();
                self.peak = self.peak.max(size);
                self.sums[index] += sample;
                if size >= SILENCE {
                    first = Some(first.map_or(frame, |was| was.min(frame)));
                    last = Some(last.map_or(frame, |was| was.max(frame)));
                }
                if size >= self.full_scale {
                    run += 1;
                } else {
                    self.clipped += if run >= CLIP_RUN { run } else { 0 };
                    run = 0;
                }
            }
            self.runs[index] = run;
        }
        if let [left, right, ..] = block.channels.as_slice() {
            for (l, r) in left.iter().zip(right) {
                self.products[0] += l * l;
                self.products[1] += r * r;
                self.products[2] += l * r;
                self.differs |= l != r;
            }
        }
        if let (Some(first), Some(last)) = (first, last) {
            self.first_sound.get_or_insert(self.frames + first as u64);
            self.after_sound = self.frames + last as u64 + 1;
        }
        self.frames += frames as u64;
    }

    pub(super) fn dc_offset(&self) -> f64 {
        let means = self.sums.iter().map(|sum| sum / self.frames.max(1) as f64);
        means.fold(0.0, |worse: f64, mean| if mean.abs() > worse.abs() { mean } else { worse })
    }

    /// Without the means: an offset must not make two channels look alike.
    pub(super) fn correlation(&self) -> f64 {
        let [ll, rr, lr] = self.products;
        let n = self.frames.max(1) as f64;
        let (Some(left), Some(right)) = (self.sums.first(), self.sums.get(1)) else { return 1.0 };
        let (ll, rr, lr) = (ll - left * left / n, rr - right * right / n, lr - left * right / n);
        let size = (ll * rr).sqrt();
        if size > 1e-15 * n { (lr / size).clamp(-1.0, 1.0) } else { 1.0 }
    }

    pub(super) fn head_silence(&self) -> u64 {
        self.first_sound.unwrap_or(self.frames)
    }

    pub(super) fn tail_silence(&self) -> u64 {
        self.frames - self.after_sound
    }

    pub(super) fn clipped(&self) -> u64 {
        self.clipped + self.runs.iter().filter(|run| **run >= CLIP_RUN).sum::<u64>()
    }

    pub(super) fn dual_mono(&self) -> bool {
        self.sums.len() == 2 && self.frames > 0 && !self.differs
    }
}
