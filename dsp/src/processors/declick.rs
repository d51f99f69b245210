//! The pencil of a mastering editor: clicks of up to 20 ms, at given times or found, drawn anew from what is around them. Every other sample stays to
//! the bit.
//!
//! Clicks are found by the detector of the inspection, in the main as it comes into the step, ahead of the render. An alternate is drawn anew in the
//! same places with the predictors of the main: what is drawn is then linear in the alternate, and mastered alternates sum (D-4).
//! Never here: crackle in rows, hum, clipped tops.

mod predict;

use serde::{Deserialize, Serialize};

use super::{Control, Processor, Repair, fade::clock};
use crate::{block::Block, error::DspError, inspect::ClickFinder, math};

crate::amounts! {
    /// A time of the song.
    ClickTime: 0.0..=36000.0, "s";
    /// How much around a given time is drawn anew.
    ClickLength: 0.05..=20.0, "ms";
    /// 0.5 finds what an inspection finds; at 1 a click may stick out half as much, at 0 it must stick out twice as much.
    Sensitivity: 0.0..=1.0, "";
}

/// Order of the predictor for a stretch of m frames: 3 m + 2 (Janssen and others), but within these, as times: 512 to 1000 at 44.1 kHz.
const ORDER_MIN_S: f64 = 0.011_61;
const ORDER_MAX_S: f64 = 0.022_68;
/// So much is listened to on either side: 4096 frames at 44.1 kHz.
const AROUND_S: f64 = 0.092_9;
/// Found clicks are at most 0.25 ms wide on either side of their peak; this is drawn anew beyond what was found.
const FOUND_MAX_S: f64 = 0.000_3;
const MARGIN_S: f64 = 0.000_05;
/// Stretches that lie closer become one.
const APART_MIN: usize = 16;
/// So many are told one by one.
const TOLD_MAX: usize = 12;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    #[default]
    Both,
    Left,
    Right,
}

/// Times, or a sensitivity, or both.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclickSettings {
    /// The middle of each click.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at_s: Vec<ClickTime>,
    /// Of all given clicks.
    #[serde(default = "length_default")]
    pub length_ms: ClickLength,
    /// On which a given click is.
    #[serde(default)]
    pub side: Side,
    /// Clicks of up to 0.25 ms are looked for, on every channel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitivity: Option<Sensitivity>,
}

fn length_default() -> ClickLength {
    ClickLength::at(1.0)
}

impl DeclickSettings {
    pub fn check(&self) -> Result<(), DspError> {
        if self.at_s.is_empty() && self.sensitivity.is_none() {
            return Err(DspError::Invalid(
                "a declick step needs times (at_s), or a sensitivity with which clicks are looked for".into(),
            ));
        }
        Ok(())
    }
}

/// A stretch to be drawn anew, in frames of the song.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Mark {
    channel: usize,
    from: u64,
    frames: usize,
}

#[derive(Clone)]
pub struct Declick {
    settings: DeclickSettings,
    sample_rate: u32,
    finder: Option<ClickFinder>,
    /// Found while it studied: channel, peak in seconds, frames.
    found: Vec<(usize, f64, u64)>,
    /// In the order in which they end.
    marks: Vec<Mark>,
    longest: usize,
    around: usize,
    late: u64,
    /// Which mark is next.
    next: usize,
    /// Frames that came in.
    came: u64,
    /// Of each channel: what was given out and is still listened to, then what waits.
    held: Vec<Vec<f64>>,
    done: Vec<Mark>,
}

impl Declick {
    pub fn new(settings: DeclickSettings) -> Self {
        Declick {
            settings,
            sample_rate: 0,
            finder: None,
            found: Vec::new(),
            marks: Vec::new(),
            longest: 0,
            around: 0,
            late: 0,
            next: 0,
            came: 0,
            held: Vec::new(),
            done: Vec::new(),
        }
    }

    /// The stretches of all clicks; those that touch become one, so far as the longest allows.
    fn mark(&mut self, channels: usize) -> Result<(), DspError> {
        let rate = f64::from(self.sample_rate);
        let frames = |seconds: f64| (seconds * rate).round() as usize;
        let given = frames(self.settings.length_ms.get() / 1000.0).max(1);
        let widest = frames(FOUND_MAX_S) + frames(MARGIN_S).max(2);
        let mut marks = Vec::new();
        for at in &self.settings.at_s {
            let from = (frames(at.get()) as u64).saturating_sub(given as u64 / 2);
            let sides = match self.settings.side {
                Side::Both => 0..channels,
                Side::Left => 0..1,
                Side::Right => 1..2,
            };
            marks.extend(sides.map(|channel| Mark { channel, from, frames: given }));
        }
        for (channel, at_s, wide) in &self.found {
            let reach = (*wide as usize + frames(MARGIN_S).max(2)).min(widest);
            let from = (frames(*at_s) as u64).saturating_sub(reach as u64);
            marks.push(Mark { channel: *channel, from, frames: 2 * reach + 1 });
        }
        marks.sort_by_key(|mark| (mark.channel, mark.from));
        let most = frames(ClickLength::HIGH / 1000.0).max(2 * widest + 1);
        let mut joined: Vec<Mark> = Vec::new();
        for mark in marks {
            match joined
                .last_mut()
                .filter(|last| last.channel == mark.channel && last.end() + APART_MIN as u64 > mark.from)
            {
                None => joined.push(mark),
                Some(last) => last.frames = (mark.end().max(last.end()) - last.from) as usize,
            }
        }
        if let Some(long) = joined.iter().find(|mark| mark.frames > most) {
            return Err(DspError::Invalid(format!(
                "clicks at {} run into each other to {:.1} ms; {} ms is the most that can be drawn anew",
                clock(long.from as f64 / rate),
                long.frames as f64 * 1000.0 / rate,
                ClickLength::HIGH
            )));
        }
        joined.sort_by_key(|mark| (mark.end(), mark.channel));
        self.longest = joined.iter().map(|mark| mark.frames).max().unwrap_or(0);
        self.around = if joined.is_empty() { 0 } else { frames(AROUND_S) };
        self.marks = joined;
        Ok(())
    }

    /// Sound comes in, `mend` works on what is held, and what has waited long enough goes out.
    fn run(&mut self, block: &mut Block, mend: impl FnOnce(&mut Self)) {
        let frames = block.frames();
        for (held, samples) in self.held.iter_mut().zip(&block.channels) {
            held.extend_from_slice(samples);
        }
        self.came += frames as u64;
        mend(self);
        let given_out = self.around;
        for (held, samples) in self.held.iter_mut().zip(&mut block.channels) {
            samples.copy_from_slice(&held[given_out..given_out + frames]);
            held.drain(..frames);
        }
    }

    /// The next mark around which enough has come in.
    fn ready(&mut self) -> Option<Mark> {
        let mark = *self.marks.get(self.next)?;
        let whole = mark.end() + self.late + self.around as u64 <= self.came;
        self.next += usize::from(whole);
        whole.then_some(mark)
    }

    /// Fits the predictor of the main around a mark.
    fn fit(&self, mark: &Mark) -> Option<Repair> {
        let held = self.held.get(mark.channel)?;
        let from = self.place(mark.from + self.late)?;
        let to = from + mark.frames;
        // What is listened to ends where the next click of this channel begins.
        let marks =
            self.marks[self.next..].iter().filter(|m| m.channel == mark.channel && m.from >= mark.end());
        let free = marks.map(|m| (m.from - mark.end()) as usize).min().unwrap_or(usize::MAX);
        let around = self.around;
        let after = &held[to..(to + around.min(free)).min(held.len())];
        let start = self.place(self.late).unwrap_or(0);
        let before = &held[from.saturating_sub(around).max(start).min(from)..from];
        let order = order(mark.frames, f64::from(self.sample_rate)).min(free);
        let longer = before.len().max(after.len());
        let order = order.min(longer / 2);
        Some(Repair {
            channel: mark.channel,
            at: mark.from + self.late,
            frames: mark.frames,
            predictor: predict::fit(before, after, order),
        })
    }

    fn draw(&mut self, repair: &Repair) {
        let Some(from) = self.place(repair.at) else { return };
        if let Some(held) = self.held.get_mut(repair.channel) {
            predict::interpolate(held, from..from + repair.frames, &repair.predictor);
        }
    }

    /// Where a frame that came in stands in what is held.
    fn place(&self, frame: u64) -> Option<usize> {
        let held = self.held.first().map_or(0, Vec::len) as u64;
        usize::try_from((frame + held).checked_sub(self.came)?).ok()
    }
}

impl Mark {
    fn end(&self) -> u64 {
        self.from + self.frames as u64
    }
}

fn order(frames: usize, rate: f64) -> usize {
    (3 * frames + 2).clamp((ORDER_MIN_S * rate) as usize, (ORDER_MAX_S * rate) as usize)
}

impl Processor for Declick {
    fn prepare(&mut self, sample_rate: u32, channels: usize) -> Result<(), DspError> {
        self.settings.check()?;
        if self.settings.side != Side::Both && channels != 2 {
            return Err(DspError::Invalid(format!(
                "a click of the left or right needs two channels, the sound has {channels}; leave side out"
            )));
        }
        self.sample_rate = sample_rate;
        self.late = 0;
        self.finder = self.settings.sensitivity.map(|sensitivity| {
            let caution = math::exp2(1.0 - 2.0 * sensitivity.get());
            ClickFinder::new(channels, sample_rate, caution)
        });
        self.held = vec![Vec::new(); channels];
        self.mark(channels)?;
        self.reset();
        Ok(())
    }

    fn reset(&mut self) {
        let held = self.around + self.latency_frames();
        for plane in &mut self.held {
            plane.clear();
            plane.resize(held, 0.0);
        }
        self.next = 0;
        self.came = 0;
        self.done.clear();
    }

    fn comes_late(&mut self, frames: usize) {
        self.late = frames as u64;
    }

    fn process(&mut self, block: &mut Block, control: &mut Control) -> Result<(), DspError> {
        self.run(block, |step| {
            while let Some(mark) = step.ready() {
                if let Some(repair) = step.fit(&mark) {
                    step.draw(&repair);
                    step.done.push(mark);
                    control.repairs.push(repair);
                }
            }
        });
        Ok(())
    }

    fn follow(&mut self, block: &mut Block, control: &Control) -> Result<(), DspError> {
        self.run(block, |step| control.repairs.iter().for_each(|repair| step.draw(repair)));
        Ok(())
    }

    fn latency_frames(&self) -> usize {
        self.longest + self.around
    }

    fn studies(&self) -> bool {
        self.settings.sensitivity.is_some()
    }

    fn study(&mut self, block: &Block) {
        if let Some(finder) = &mut self.finder {
            finder.push(block);
        }
    }

    fn studied(&mut self) -> Result<(), DspError> {
        let Some(finder) = self.finder.take() else { return Ok(()) };
        self.found = finder.finish().into_iter().map(|e| (e.channel, e.at_s, e.frames)).collect();
        self.mark(self.held.len())?;
        self.reset();
        Ok(())
    }

    fn told(&self) -> Vec<String> {
        let rate = f64::from(self.sample_rate.max(1));
        let count = self.done.len();
        let mut told = vec![match count {
            0 => "no click was drawn anew".to_owned(),
            1 => "1 click was drawn anew".to_owned(),
            n => format!("{n} clicks were drawn anew"),
        }];
        let side = |channel: usize| match (self.held.len(), channel) {
            (1, _) => String::new(),
            (2, 0) => ", left".to_owned(),
            (2, _) => ", right".to_owned(),
            (_, n) => format!(", channel {}", n + 1),
        };
        told.extend(self.done.iter().take(TOLD_MAX).map(|mark| {
            let ms = mark.frames as f64 * 1000.0 / rate;
            format!(
                "at {}{}: {} frames, {ms:.2} ms",
                clock(mark.from as f64 / rate),
                side(mark.channel),
                mark.frames
            )
        }));
        if count > TOLD_MAX {
            told.push(format!("and {} more", count - TOLD_MAX));
        }
        let missed = self.marks.len() - self.next;
        if missed > 0 && self.came > 0 {
            told.push(format!("{missed} given times lie after the end of the sound"));
        }
        told
    }
}
