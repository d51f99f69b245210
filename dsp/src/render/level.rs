//! The last gain and the limiter as the render uses them: peaks looked at once, kept in a file, and turned into gains for any level.

use super::scratch::{FloatReader, Floats};
use crate::{
    block::Block,
    error::DspError,
    processors::{CurveSettings, GainCurve, linear},
};

/// Everything that decides the level of one take at one rate.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    pub gain_db: f64,
    /// What the limiter aims at: the ceiling, or a little under it where the wave was seen to rise over it. `None`: no limiting.
    pub limit_dbtp: Option<f64>,
    pub curve: CurveSettings,
    /// After the limiter, 0 or less: the last resort that holds the ceiling.
    pub trim_db: f64,
}

impl Level {
    /// No gain, no limiting.
    pub fn unity() -> Self {
        let curve =
            CurveSettings { lookahead_ms: 0.0, hold_ms: 0.0, fast_release_ms: 0.0, slow_release_ms: 0.0 };
        Level { gain_db: 0.0, limit_dbtp: None, curve, trim_db: 0.0 }
    }
}

/// Gains for the frames of one take, in order.
pub struct Gains<'a> {
    before: f64,
    after: f64,
    limiting: Option<Limiting<'a>>,
    factors: Vec<f64>,
    lowest: f64,
}

struct Limiting<'a> {
    peaks: FloatReader<'a>,
    curve: GainCurve,
    limit: f64,
    heard: Vec<f64>,
}

impl<'a> Gains<'a> {
    /// `peaks`: for each frame the height of the wave before any of this gain.
    pub fn new(level: &Level, sample_rate: u32, peaks: &'a Floats) -> Result<Self, DspError> {
        let mut gains = Gains {
            before: linear(level.gain_db),
            after: linear(level.trim_db),
            limiting: None,
            factors: Vec::new(),
            lowest: 1.0,
        };
        if let Some(limit_dbtp) = level.limit_dbtp {
            let curve = GainCurve::new(&level.curve, sample_rate);
            let late = curve.latency_frames();
            gains.limiting = Some(Limiting {
                peaks: peaks.reader()?,
                curve,
                limit: linear(limit_dbtp),
                heard: Vec::new(),
            });
            gains.advance(late)?;
        }
        Ok(gains)
    }

    /// Runs the curve over the next `n` peaks; silence follows the last.
    fn advance(&mut self, n: usize) -> Result<(), DspError> {
        self.factors.clear();
        let Some(l) = &mut self.limiting else {
            self.factors.resize(n, 1.0);
            return Ok(());
        };
        l.heard.clear();
        l.peaks.read(n, &mut l.heard)?;
        l.heard.resize(n, 0.0);
        for peak in &l.heard {
            let height = peak * self.before;
            self.factors.push(l.curve.next(if height > l.limit { l.limit / height } else { 1.0 }));
        }
        Ok(())
    }

    /// Applies gain, limiter and trim to the next frames.
    pub fn apply(&mut self, block: &mut Block) -> Result<(), DspError> {
        self.advance(block.frames())?;
        for factor in &mut self.factors {
            self.lowest = self.lowest.min(*factor);
            *factor *= self.before * self.after;
        }
        for samples in &mut block.channels {
            samples.iter_mut().zip(&self.factors).for_each(|(s, f)| *s *= f);
        }
        Ok(())
    }

    /// How far the limiter went down at most so far, in decibels, 0 or more.
    pub fn max_reduction_db(&self) -> f64 {
        20.0 * (1.0 / self.lowest).log10()
    }
}
