//! Stereo width: the side signal louder or softer, and none of it below a frequency. Mono and more than two channels pass untouched.

use super::{Control, Processor, image::Image};
use crate::{block::Block, error::DspError};

#[derive(Clone)]
pub struct Width {
    /// 1 leaves the image, 0 is mono, 2 doubles the side.
    width: f64,
    mono_below_hz: Option<f64>,
    image: Option<Image>,
}

impl Width {
    pub fn new(width: f64, mono_below_hz: Option<f64>) -> Self {
        Width { width, mono_below_hz, image: None }
    }
}

impl Processor for Width {
    fn prepare(&mut self, sample_rate: u32, _channels: usize) -> Result<(), DspError> {
        let image = Image::new(1.0, 1.0, &[], &[self.width], sample_rate);
        self.image = Some(match self.mono_below_hz {
            Some(hz) => image.mono_below(hz, sample_rate),
            None => image,
        });
        Ok(())
    }

    fn reset(&mut self) {
        if let Some(image) = &mut self.image {
            image.reset();
        }
    }

    fn process(&mut self, block: &mut Block, _control: &mut Control) -> Result<(), DspError> {
        if let ([left, right], Some(image)) = (block.channels.as_mut_slice(), &mut self.image) {
            image.run(left, right);
        }
        Ok(())
    }

    fn told(&self) -> Vec<String> {
        let mut told = vec![format!("side times {}", self.width)];
        told.extend(self.mono_below_hz.map(|hz| format!("mono below {hz} Hz, 24 dB an octave")));
        told
    }
}
