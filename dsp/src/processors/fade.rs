//! Fades, in and out, as a gain over the time of the song. What lies before a fade in and after a fade out is silence, what lies on the other side is
//! left to the bit. Never here: where a song begins or ends musically.

use std::f64::consts::{FRAC_PI_2, PI};

use serde::{Deserialize, Serialize};

use super::{Control, Processor, linear};
use crate::{block::Block, error::DspError, math};

crate::amounts! {
    /// A time of the song; negative counts from its end.
    FadeTime: -36000.0..=36000.0, "s";
}

/// The exponential fade is straight in decibels from here up; a constant is taken off, so that it ends at nothing.
const FLOOR_DB: f64 = -60.0;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    In,
    Out,
}

/// The gain `g(u)` of a fade in, u from 0 at its beginning to 1 at its end; a fade out is `g(1 - u)`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// `u`
    Linear,
    /// `sin(u pi/2)`: the powers of a fade in and a fade out over each other add up to 1.
    EqualPower,
    /// `(1000^u - 1) / 999`: straight in decibels but for the last of 60, as a room dies away.
    Exponential,
    /// `(1 - cos(u pi)) / 2`: begins and ends without a bend; gains add up to 1.
    #[default]
    SCurve,
}

impl Shape {
    pub const ALL: [Shape; 4] = [Shape::Linear, Shape::EqualPower, Shape::Exponential, Shape::SCurve];

    /// `u` from 0 to 1.
    pub fn gain(self, u: f64) -> f64 {
        match self {
            Shape::Linear => u,
            Shape::EqualPower => math::sin(u * FRAC_PI_2),
            Shape::Exponential => {
                let floor = linear(FLOOR_DB);
                (linear(FLOOR_DB * (1.0 - u)) - floor) / (1.0 - floor)
            }
            Shape::SCurve => 0.5 - 0.5 * math::cos(u * PI),
        }
    }

    pub fn token(self) -> &'static str {
        match self {
            Shape::Linear => "linear",
            Shape::EqualPower => "equal-power",
            Shape::Exponential => "exponential",
            Shape::SCurve => "s-curve",
        }
    }
}

/// One fade. Without `from_s` a fade in begins with the song; without `to_s` a fade out ends with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FadeSettings {
    pub direction: Direction,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_s: Option<FadeTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to_s: Option<FadeTime>,
    #[serde(default)]
    pub shape: Shape,
}

impl FadeSettings {
    pub fn check(&self) -> Result<(), DspError> {
        let missing = match self.direction {
            Direction::In if self.to_s.is_none() => "a fade in needs to_s, the time at which it is done",
            Direction::Out if self.from_s.is_none() => "a fade out needs from_s, the time at which it begins",
            _ => {
                // Times from one and the same end can be compared without the song.
                let (from, to) = (self.from(), self.to());
                let same_end = from.is_sign_negative() == to.is_some_and(f64::is_sign_negative);
                return match to {
                    Some(to) if same_end && from >= to => Err(backwards(from, to)),
                    _ => Ok(()),
                };
            }
        };
        Err(DspError::Invalid(missing.into()))
    }

    fn from(&self) -> f64 {
        self.from_s.map_or(0.0, FadeTime::get)
    }

    /// `None`: the end of the song.
    fn to(&self) -> Option<f64> {
        self.to_s.map(FadeTime::get)
    }

    fn needs_the_end(&self) -> bool {
        self.from().is_sign_negative() || self.to().is_none_or(f64::is_sign_negative)
    }
}

fn backwards(from_s: f64, to_s: f64) -> DspError {
    DspError::Invalid(format!("a fade from {from_s} s to {to_s} s ends before it begins"))
}

#[derive(Clone)]
pub struct Fade {
    settings: FadeSettings,
    sample_rate: u32,
    /// Frames heard while it studied.
    heard: u64,
    song_s: Option<f64>,
    /// Of the song, in seconds, once they are known.
    span_s: Option<(f64, f64)>,
    late: u64,
    /// Frames of the stream, which comes late.
    at: u64,
    gains: Vec<f64>,
}

impl Fade {
    pub fn new(settings: FadeSettings) -> Self {
        Fade {
            settings,
            sample_rate: 0,
            heard: 0,
            song_s: None,
            span_s: None,
            late: 0,
            at: 0,
            gains: Vec::new(),
        }
    }

    /// Settles where the fade lies, if that can be known yet.
    fn place(&mut self) -> Result<(), DspError> {
        let end = self.song_s;
        if self.settings.needs_the_end() && end.is_none() {
            self.span_s = None;
            return Ok(());
        }
        let place = |s: f64| if s.is_sign_negative() { end.unwrap_or(0.0) + s } else { s };
        let from = place(self.settings.from());
        let to = self.settings.to().map_or(end.unwrap_or(0.0), place);
        if from < 0.0 || to < 0.0 {
            return Err(DspError::Invalid(format!(
                "a fade that begins {} s before the end does not fit into a song of {:.2} s",
                -self.settings.from(),
                end.unwrap_or(0.0)
            )));
        }
        if from >= to {
            return Err(backwards(from, to));
        }
        self.span_s = Some((from, to));
        Ok(())
    }
}

impl Processor for Fade {
    fn prepare(&mut self, sample_rate: u32, _channels: usize) -> Result<(), DspError> {
        self.settings.check()?;
        self.sample_rate = sample_rate;
        self.heard = 0;
        self.late = 0;
        self.reset();
        self.place()
    }

    fn reset(&mut self) {
        self.at = 0;
    }

    fn comes_late(&mut self, frames: usize) {
        self.late = frames as u64;
    }

    fn process(&mut self, block: &mut Block, _control: &mut Control) -> Result<(), DspError> {
        let Some((from_s, to_s)) = self.span_s else {
            return Err(DspError::Invalid(
                "a fade to the end of a song must hear the song's length first".into(),
            ));
        };
        let rate = f64::from(self.sample_rate);
        let (from, to) = ((from_s * rate).round(), (to_s * rate).round());
        let frames = block.frames();
        let first = self.at as f64 - self.late as f64;
        self.at += frames as u64;
        let place = |at: f64| (at - first).clamp(0.0, frames as f64) as usize;
        // Through the fade, the frames before it and those after it.
        let (begins, ends) = (place(from), place(to));
        let (out, shape) = (self.settings.direction == Direction::Out, self.settings.shape);
        let per_frame = 1.0 / (to - from).max(1.0);
        self.gains.clear();
        self.gains.extend((begins..ends).map(|i| {
            let frames = if out { to - (first + i as f64) } else { first + i as f64 - from };
            shape.gain(frames * per_frame)
        }));
        for samples in &mut block.channels {
            if out {
                samples[ends..].fill(0.0);
            } else {
                samples[..begins].fill(0.0);
            }
            samples[begins..ends].iter_mut().zip(&self.gains).for_each(|(s, gain)| *s *= gain);
        }
        Ok(())
    }

    fn studies(&self) -> bool {
        self.settings.needs_the_end()
    }

    fn study(&mut self, block: &Block) {
        self.heard += block.frames() as u64;
    }

    fn studied(&mut self) -> Result<(), DspError> {
        self.song_s = Some(self.heard as f64 / f64::from(self.sample_rate.max(1)));
        self.place()
    }

    fn told(&self) -> Vec<String> {
        let Some((from, to)) = self.span_s else { return Vec::new() };
        let way = if self.settings.direction == Direction::Out { "out" } else { "in" };
        let shape = self.settings.shape.token();
        let mut told = vec![format!("fade {way} from {} to {}, {shape}", clock(from), clock(to))];
        if let Some(end) = self.song_s.filter(|end| *end < to) {
            told.push(format!("the song ends at {}, before the fade does", clock(end)));
        }
        told
    }
}

/// Minutes, seconds and hundredths: 3:07.50.
pub(crate) fn clock(seconds: f64) -> String {
    let hundredths = (seconds * 100.0).round() as u64;
    format!("{}:{:02}.{:02}", hundredths / 6000, hundredths / 100 % 60, hundredths % 100)
}
