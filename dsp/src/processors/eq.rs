//! The parametric equaliser: any number of bands, each one second-order section, minimum phase.

use super::{
    Processor,
    biquad::{Coefficients, Section},
};
use crate::block::Block;

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BandKind {
    Bell,
    LowShelf,
    HighShelf,
    /// 12 dB an octave below `hz`; `gain_db` has no meaning.
    LowCut,
    /// 12 dB an octave above `hz`; `gain_db` has no meaning.
    HighCut,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    pub kind: BandKind,
    pub hz: f64,
    pub gain_db: f64,
    pub q: f64,
}

impl Band {
    pub fn coefficients(&self, sample_rate: u32) -> Coefficients {
        let Band { kind, hz, gain_db, q } = *self;
        match kind {
            BandKind::Bell => Coefficients::bell(sample_rate, hz, gain_db, q),
            BandKind::LowShelf => Coefficients::low_shelf(sample_rate, hz, gain_db, q),
            BandKind::HighShelf => Coefficients::high_shelf(sample_rate, hz, gain_db, q),
            BandKind::LowCut => Coefficients::low_cut(sample_rate, hz, q),
            BandKind::HighCut => Coefficients::high_cut(sample_rate, hz, q),
        }
    }
}

pub struct Equaliser {
    bands: Vec<Band>,
    coefficients: Vec<Coefficients>,
    /// Channel by channel, band by band.
    state: Vec<Vec<Section>>,
}

impl Equaliser {
    pub fn new(bands: Vec<Band>) -> Self {
        Equaliser { bands, coefficients: Vec::new(), state: Vec::new() }
    }
}

impl Processor for Equaliser {
    fn prepare(&mut self, sample_rate: u32, channels: usize) {
        self.coefficients = self.bands.iter().map(|b| b.coefficients(sample_rate)).collect();
        self.state = vec![vec![Section::default(); self.bands.len()]; channels];
    }

    fn reset(&mut self) {
        self.state.iter_mut().flatten().for_each(|s| *s = Section::default());
    }

    fn process(&mut self, block: &mut Block, _key: Option<&Block>) {
        for (samples, sections) in block.channels.iter_mut().zip(&mut self.state) {
            for (section, c) in sections.iter_mut().zip(&self.coefficients) {
                samples.iter_mut().for_each(|s| *s = section.run(c, *s));
            }
        }
    }
}
