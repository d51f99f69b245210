//! Writing one take at one rate into every encoding asked for, in one pass. Never here: the search, the judgement of the files.

use std::path::PathBuf;

use super::{feed::Feed, level::Gains, steps::Steps};
use crate::{
    block::Block,
    dither::Quantiser,
    error::DspError,
    write::{AudioWriter, Encoding},
};

/// One file to be written.
#[derive(Clone, Debug)]
pub struct Plate {
    pub encoding: Encoding,
    /// Its name, and where it is made.
    pub file: String,
    pub path: PathBuf,
}

pub struct Printed {
    pub frames: u64,
    pub max_reduction_db: f64,
}

struct Press {
    writer: AudioWriter,
    /// `None`: the samples already are what the format holds, or the format holds floats.
    quantiser: Option<Quantiser>,
    block: Block,
}

/// `grid_bits`: the whole-number depth the feed's samples are known to have, when nothing changes them on the way.
pub fn print(
    mut feed: Feed,
    mut gains: Option<Gains<'_>>,
    rate: u32,
    plates: &[Plate],
    grid_bits: Option<u32>,
    steps: &mut Steps<'_>,
) -> Result<Printed, DspError> {
    let channels = feed.channels();
    let mut presses =
        plates.iter().map(|p| press(p, rate, channels, grid_bits)).collect::<Result<Vec<_>, _>>()?;
    let (mut frames, mut block) = (0u64, Block::new(channels, 0));
    while feed.next(&mut block)? {
        if let Some(gains) = &mut gains {
            gains.apply(&mut block)?;
        }
        for p in &mut presses {
            match &mut p.quantiser {
                Some(quantiser) => {
                    p.block.clone_from(&block);
                    quantiser.process(&mut p.block);
                    p.writer.write(&p.block)?;
                }
                None => p.writer.write(&block)?,
            }
        }
        frames += block.frames() as u64;
        steps.at(feed.fraction(frames, rate))?;
    }
    for p in presses {
        p.writer.finish()?;
    }
    Ok(Printed { frames, max_reduction_db: gains.map_or(0.0, |g| g.max_reduction_db()) })
}

fn press(plate: &Plate, rate: u32, channels: usize, grid_bits: Option<u32>) -> Result<Press, DspError> {
    let bits = plate.encoding.bits();
    let exact = plate.encoding.float() || grid_bits.is_some_and(|grid| grid <= bits);
    Ok(Press {
        writer: AudioWriter::create(&plate.path, plate.encoding, rate, channels, None)?,
        quantiser: (!exact).then(|| Quantiser::new(channels, bits)),
        block: Block::new(channels, 0),
    })
}
