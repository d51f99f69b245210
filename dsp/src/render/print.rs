//! Writing one take at one level into every encoding asked for, in one pass. Never here: the search, the judgement of the files.

use std::path::PathBuf;

use super::{
    level::{Gains, GuardDid},
    steps::Steps,
    take::Sound,
};
use crate::{
    block::Block,
    dither::Quantiser,
    error::DspError,
    recipe::Output,
    write::{AudioWriter, Encoding},
};

/// One file to be written.
#[derive(Clone, Debug)]
pub struct Plate {
    pub output: Output,
    /// Its name, and where it is made.
    pub file: String,
    pub path: PathBuf,
}

impl Plate {
    pub fn encoding(&self) -> Encoding {
        self.output.encoding
    }
}

pub struct Printed {
    pub frames: u64,
    pub max_reduction_db: f64,
    /// Squares of all samples, before they are quantised.
    pub energy: f64,
    pub guard: Option<GuardDid>,
}

/// What is known of the sound before it is printed.
pub struct Format {
    pub rate: u32,
    pub channels: usize,
    pub frames: Option<u64>,
    /// The whole-number depth that the samples are known to have, when nothing changes them on the way.
    pub grid_bits: Option<u32>,
}

struct Press {
    writer: AudioWriter,
    /// `None`: the samples already are what the format holds, or the format holds floats.
    quantiser: Option<Quantiser>,
    block: Block,
}

/// Gives the sound back, which may have measured itself on the way.
pub fn print(
    mut sound: Sound,
    mut gains: Option<Gains<'_>>,
    plates: &[&Plate],
    format: &Format,
    steps: &mut Steps<'_>,
) -> Result<(Printed, Sound), DspError> {
    let mut presses = plates.iter().map(|p| press(p, format)).collect::<Result<Vec<_>, _>>()?;
    let (mut frames, mut energy, mut block) = (0u64, 0.0, Block::new(format.channels, 0));
    while sound.next(&mut block)? {
        if let Some(gains) = &mut gains {
            gains.apply(&mut block)?;
        }
        frames += block.frames() as u64;
        energy += block.channels.iter().flatten().map(|s| s * s).sum::<f64>();
        let last = presses.len().saturating_sub(1);
        for (i, p) in presses.iter_mut().enumerate() {
            match &mut p.quantiser {
                Some(quantiser) if i == last => {
                    quantiser.process(&mut block);
                    p.writer.write(&block)?;
                }
                Some(quantiser) => {
                    p.block.clone_from(&block);
                    quantiser.process(&mut p.block);
                    p.writer.write(&p.block)?;
                }
                None => p.writer.write(&block)?,
            }
        }
        steps.at(format.frames.map_or(0.0, |all| frames as f64 / all.max(1) as f64))?;
    }
    for p in presses {
        p.writer.finish()?;
    }
    let max_reduction_db = gains.as_ref().map_or(0.0, Gains::max_reduction_db);
    let guard = gains.and_then(Gains::guarded);
    Ok((Printed { frames, max_reduction_db, energy, guard }, sound))
}

fn press(plate: &Plate, format: &Format) -> Result<Press, DspError> {
    let (encoding, channels) = (plate.encoding(), format.channels);
    let bits = encoding.bits();
    let exact = encoding.float() || format.grid_bits.is_some_and(|grid| grid <= bits);
    Ok(Press {
        writer: AudioWriter::create(&plate.path, encoding, format.rate, channels, None)?,
        quantiser: (!exact)
            .then(|| Quantiser::with(channels, bits, plate.output.dither, format.rate))
            .transpose()?,
        block: Block::new(channels, 0),
    })
}
