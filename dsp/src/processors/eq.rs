//! The parametric equaliser: any number of bands, each one second-order section, minimum phase.

use super::{Control, Processor, biquad::Coefficients, cascade::Cascade};
use crate::{block::Block, error::DspError};

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

#[derive(Clone)]
pub struct Equaliser {
    bands: Vec<Band>,
    cascade: Cascade,
}

impl Equaliser {
    pub fn new(bands: Vec<Band>) -> Self {
        Equaliser { bands, cascade: Cascade::default() }
    }
}

impl Processor for Equaliser {
    fn prepare(&mut self, sample_rate: u32, channels: usize) -> Result<(), DspError> {
        let stages: Vec<Coefficients> = self.bands.iter().map(|b| b.coefficients(sample_rate)).collect();
        self.cascade = Cascade::new(&stages, channels);
        Ok(())
    }

    fn reset(&mut self) {
        self.cascade.reset();
    }

    fn process(&mut self, block: &mut Block, _control: &mut Control) -> Result<(), DspError> {
        self.cascade.run(&mut block.channels);
        Ok(())
    }
}
