//! The first pass of a render: main and alternates go side by side through the recipe's chain, block for block, the alternates with what the steps
//! told of the main; then each to every rate asked for, and into a take. Never here: the level, the limiter, files that are given out.

use std::path::Path;

use super::{
    Role,
    reel::{Origin, Reel, Tail},
    refuse_insane,
    steps::Steps,
    sums::Residual,
    take::{Recorder, Take},
};
use crate::{
    block::Block,
    error::DspError,
    measure::Measurement,
    processors::{Chain, Control, CurveSettings},
};

/// One source of the job.
#[derive(Clone, Debug)]
pub struct Voice {
    pub token: String,
    pub origin: Origin,
    /// Of an alternate.
    pub role: Role,
}

/// What is heard together.
pub struct Cast<'a> {
    pub main: &'a Voice,
    pub others: &'a [&'a Voice],
    /// Sets of others that are meant to add up to the main, by their place.
    pub sums: &'a [Vec<usize>],
    pub rates: &'a [u32],
}

pub struct Heard {
    /// Rate by rate: of the main, then of the others.
    pub takes: Vec<Vec<Take>>,
    pub input: Measurement,
    /// How long each of the others is.
    pub tails: Vec<Tail>,
    pub residuals: Vec<Residual>,
}

/// One voice on its way.
struct Line {
    reel: Reel,
    chain: Chain,
    block: Block,
    recorders: Vec<Recorder>,
}

/// Hears the cast once. `chain`: with what it has studied, not yet prepared. `curve`: of the limiter.
pub fn hear(
    cast: &Cast<'_>,
    chain: &Chain,
    curve: &CurveSettings,
    dir: &Path,
    steps: &mut Steps<'_>,
) -> Result<Heard, DspError> {
    let mut main = Line::open(cast.main, chain, cast.rates, curve, dir, true)?;
    main.reel = main.reel.metered();
    let mut others = cast
        .others
        .iter()
        .map(|voice| Line::open(voice, chain, cast.rates, curve, dir, false))
        .collect::<Result<Vec<_>, _>>()?;
    let (mut controls, mut frames) = (Vec::new(), 0u64);
    let mut residuals = vec![Residual::default(); cast.sums.len()];
    let mut early = main.chain.latency_frames();
    while main.reel.next(&mut main.block)? {
        let n = main.block.frames();
        frames += n as u64;
        for line in &mut others {
            line.reel.take(n, &mut line.block)?;
        }
        for (residual, sum) in residuals.iter_mut().zip(cast.sums) {
            residual.push(&main.block, sum.iter().filter_map(|i| others.get(*i)).map(|line| &line.block));
        }
        work(&mut main, &mut others, &mut controls, &mut early)?;
        steps.at(main.reel.fraction())?;
    }
    let late = main.chain.latency_frames();
    if late > 0 {
        for line in others.iter_mut().chain([&mut main]) {
            line.block = Block::new(line.block.channels.len(), late);
        }
        work(&mut main, &mut others, &mut controls, &mut early)?;
    }
    let input =
        main.reel.measurement().ok_or_else(|| DspError::Invalid("the main was never measured".into()))?;
    refuse_insane(&cast.main.origin.path, &input)?;
    let mut tails = Vec::new();
    for line in &mut others {
        tails.push(line.reel.tail(frames)?);
    }
    let mut takes: Vec<Vec<Take>> = cast.rates.iter().map(|_| Vec::new()).collect();
    for (line, voice) in
        [main].into_iter().chain(others).zip([cast.main].into_iter().chain(cast.others.iter().copied()))
    {
        for (recorder, takes) in line.recorders.into_iter().zip(&mut takes) {
            takes.push(recorder.finish(&voice.origin)?);
        }
    }
    Ok(Heard { takes, input, tails, residuals })
}

/// The blocks of all lines through their chains and on; the chain's delay is thrown away.
fn work(
    main: &mut Line,
    others: &mut [Line],
    controls: &mut Vec<Control>,
    early: &mut usize,
) -> Result<(), DspError> {
    main.chain.process(&mut main.block, controls)?;
    let skip = (*early).min(main.block.frames());
    *early -= skip;
    main.record(skip)?;
    for line in others {
        line.chain.follow(&mut line.block, controls)?;
        line.record(skip)?;
    }
    Ok(())
}

impl Line {
    fn open(
        voice: &Voice,
        chain: &Chain,
        rates: &[u32],
        curve: &CurveSettings,
        dir: &Path,
        leads: bool,
    ) -> Result<Self, DspError> {
        let reel = Reel::open(&voice.origin)?;
        let mut chain = chain.clone();
        let (rate, channels) = (voice.origin.rate, voice.origin.channels);
        chain.prepare(rate, channels)?;
        let keep = |hz: u32| !(chain.is_empty() && hz == rate && reel.cheap());
        let recorders = rates
            .iter()
            .map(|hz| Recorder::create(&voice.origin, *hz, curve, dir, leads, keep(*hz)))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Line { reel, chain, block: Block::new(channels, 0), recorders })
    }

    fn record(&mut self, skip: usize) -> Result<(), DspError> {
        if skip > 0 {
            self.block.channels.iter_mut().for_each(|c| drop(c.drain(..skip)));
        }
        self.recorders.iter_mut().try_for_each(|r| r.push(&self.block))
    }
}
