//! The stereo image: which channel is which, middle and side, width by band, mono below a frequency, balance; in this order. Mono and more than two
//! channels pass untouched, and it says so.
//!
//! Bands of the side are split by first-order filters whose sum is the side itself (6 dB an octave, 45 degrees at an edge): equal widths change nothing,
//! and no band turns its phase against the middle by more than a shelf does. Mono below a frequency is steep: 24 dB an octave.

use serde::{Deserialize, Serialize};

use super::{Control, Processor, image::Image, linear};
use crate::{block::Block, error::DspError};

crate::amounts! {
    /// Factor of the side: 1 leaves the image, 0 is mono, 2 doubles the side.
    SideWidth: 0.0..=4.0, "";
    /// Between two bands.
    EdgeHz: 20.0..=40000.0, "Hz";
    /// Below it there is no side.
    MonoBelowHz: 20.0..=500.0, "Hz";
    /// By so much the right channel is louder than before against the left.
    BalanceDb: -24.0..=24.0, "dB";
    /// Of middle or side.
    ImageDb: -60.0..=24.0, "dB";
}

const EDGES_MAX: usize = 7;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StereoSettings {
    /// Left and right change places, before anything else.
    #[serde(skip_serializing_if = "is_off")]
    pub swap: bool,
    #[serde(skip_serializing_if = "is_off")]
    pub invert_left: bool,
    #[serde(skip_serializing_if = "is_off")]
    pub invert_right: bool,
    #[serde(skip_serializing_if = "is_none_db")]
    pub mid_gain_db: ImageDb,
    #[serde(skip_serializing_if = "is_none_db")]
    pub side_gain_db: ImageDb,
    /// Edges between the bands, rising; none is one band.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub edges_hz: Vec<EdgeHz>,
    /// Of each band from the lowest up: one more than there are edges. None at all leaves the width.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub widths: Vec<SideWidth>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mono_below_hz: Option<MonoBelowHz>,
    /// Half of it is taken from the left and half given to the right; negative the other way.
    #[serde(skip_serializing_if = "is_even")]
    pub balance_db: BalanceDb,
}

fn is_off(switch: &bool) -> bool {
    !switch
}

fn is_none_db(gain: &ImageDb) -> bool {
    gain.get() == 0.0
}

fn is_even(balance: &BalanceDb) -> bool {
    balance.get() == 0.0
}

impl Default for StereoSettings {
    /// Leaves every bit.
    fn default() -> Self {
        StereoSettings {
            swap: false,
            invert_left: false,
            invert_right: false,
            mid_gain_db: ImageDb::at(0.0),
            side_gain_db: ImageDb::at(0.0),
            edges_hz: Vec::new(),
            widths: Vec::new(),
            mono_below_hz: None,
            balance_db: BalanceDb::at(0.0),
        }
    }
}

impl StereoSettings {
    pub fn check(&self) -> Result<(), DspError> {
        let (edges, widths) = (&self.edges_hz, &self.widths);
        let invalid = |what| Err(DspError::Invalid(what));
        if edges.len() > EDGES_MAX {
            return invalid(format!("a stereo step has {} edges, {EDGES_MAX} are the most", edges.len()));
        }
        if let Some(pair) = edges.windows(2).find(|pair| pair[0] >= pair[1]) {
            let [low, high] = [pair[0].get(), pair[1].get()];
            return invalid(format!("the edges of a stereo step rise; {high} Hz comes after {low} Hz"));
        }
        let due = edges.len() + 1;
        if widths.len() != due && !(widths.is_empty() && edges.is_empty()) {
            return invalid(format!(
                "a stereo step with {} edges has {due} bands; it has {} widths",
                edges.len(),
                widths.len()
            ));
        }
        Ok(())
    }

    fn image(&self, sample_rate: u32) -> Result<Image, DspError> {
        let half = f64::from(sample_rate) / 2.0;
        if let Some(hz) = self.edges_hz.iter().map(|hz| hz.get()).find(|hz| *hz >= half) {
            return Err(DspError::Invalid(format!(
                "an edge of a stereo step at {hz} Hz is not below half the rate, {half} Hz"
            )));
        }
        let edges: Vec<f64> = self.edges_hz.iter().map(|hz| hz.get()).collect();
        let widths: Vec<f64> = self.widths.iter().map(|w| w.get()).collect();
        let [mid, side] = [self.mid_gain_db, self.side_gain_db].map(|db| linear(db.get()));
        let image = Image::new(mid, side, &edges, &widths, sample_rate);
        Ok(match self.mono_below_hz {
            Some(hz) => image.mono_below(hz.get(), sample_rate),
            None => image,
        })
    }

    /// Left and right.
    fn balance(&self) -> [f64; 2] {
        let half = self.balance_db.get() / 2.0;
        [linear(-half), linear(half)]
    }
}

#[derive(Clone)]
pub struct Stereo {
    settings: StereoSettings,
    channels: usize,
    /// `None` where there is nothing to do, so that every bit stays.
    image: Option<Image>,
}

impl Stereo {
    pub fn new(settings: StereoSettings) -> Self {
        Stereo { settings, channels: 0, image: None }
    }
}

impl Processor for Stereo {
    fn prepare(&mut self, sample_rate: u32, channels: usize) -> Result<(), DspError> {
        self.settings.check()?;
        self.channels = channels;
        self.image = Some(self.settings.image(sample_rate)?).filter(|image| !image.is_neutral());
        Ok(())
    }

    fn reset(&mut self) {
        if let Some(image) = &mut self.image {
            image.reset();
        }
    }

    fn process(&mut self, block: &mut Block, _control: &mut Control) -> Result<(), DspError> {
        let [left, right] = block.channels.as_mut_slice() else { return Ok(()) };
        let StereoSettings { swap, invert_left, invert_right, .. } = self.settings;
        if swap {
            std::mem::swap(left, right);
        }
        for (samples, inverted) in [(&mut *left, invert_left), (&mut *right, invert_right)] {
            if inverted {
                samples.iter_mut().for_each(|s| *s = -*s);
            }
        }
        if let Some(image) = &mut self.image {
            image.run(left, right);
        }
        for (samples, gain) in [left, right].into_iter().zip(self.settings.balance()) {
            if gain != 1.0 {
                samples.iter_mut().for_each(|s| *s *= gain);
            }
        }
        Ok(())
    }

    fn told(&self) -> Vec<String> {
        if self.channels != 2 {
            return vec![format!("left alone: the sound has {} channels, not two", self.channels)];
        }
        let s = &self.settings;
        let mut told = Vec::new();
        let mut say = |when: bool, what: String| {
            if when {
                told.push(what);
            }
        };
        say(s.swap, "left and right changed places".into());
        say(s.invert_left, "the left channel's polarity turned".into());
        say(s.invert_right, "the right channel's polarity turned".into());
        say(!is_none_db(&s.mid_gain_db), format!("middle {:+.2} dB", s.mid_gain_db.get()));
        say(!is_none_db(&s.side_gain_db), format!("side {:+.2} dB", s.side_gain_db.get()));
        for (i, width) in s.widths.iter().enumerate() {
            let place = match (i.checked_sub(1).map(|i| s.edges_hz[i].get()), s.edges_hz.get(i)) {
                (None, None) => String::new(),
                (None, Some(to)) => format!(" below {} Hz", to.get()),
                (Some(from), None) => format!(" above {from} Hz"),
                (Some(from), Some(to)) => format!(" from {from} to {} Hz", to.get()),
            };
            say(width.get() != 1.0, format!("side times {}{place}", width.get()));
        }
        if let Some(hz) = s.mono_below_hz {
            say(true, format!("mono below {} Hz, 24 dB an octave", hz.get()));
        }
        let [left, right] = self.settings.balance().map(super::decibels);
        say(!is_even(&s.balance_db), format!("balance: left {left:+.2} dB, right {right:+.2} dB"));
        if told.is_empty() {
            told.push("nothing to do".into());
        }
        told
    }
}
