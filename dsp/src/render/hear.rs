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
    watch::{Asked, Seen, StepFiles, Watch},
};
use crate::{
    block::Block,
    error::DspError,
    measure::Measurement,
    processors::{Chain, Control, CurveSettings},
    recipe::Stage,
    sheet::Side,
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
    /// The main as it came, if that was asked for.
    pub side: Option<Side>,
    /// How long each of the others is.
    pub tails: Vec<Tail>,
    pub residuals: Vec<Residual>,
    /// What each step did to the main.
    pub seen: Vec<Seen>,
    pub told: Vec<Vec<String>>,
    pub files: Vec<StepFiles>,
    /// The stages with what they have studied.
    pub studied: Vec<Stage>,
}

/// How to hear.
pub struct Hearing<'a> {
    pub stages: &'a [Stage],
    /// Of the limiter.
    pub curve: &'a CurveSettings,
    /// Where what is kept goes.
    pub dir: &'a Path,
    pub asked: Asked<'a>,
}

/// Where a line's sound comes from.
enum Supply {
    Source(Reel),
}

impl Supply {
    fn next(&mut self, block: &mut Block) -> Result<bool, DspError> {
        match self {
            Supply::Source(reel) => reel.next(block),
        }
    }

    fn take(&mut self, frames: usize, block: &mut Block) -> Result<(), DspError> {
        match self {
            Supply::Source(reel) => reel.take(frames, block),
        }
    }

    fn fraction(&self) -> f64 {
        match self {
            Supply::Source(reel) => reel.fraction(),
        }
    }
}

/// One voice on its way.
struct Line {
    supply: Supply,
    chain: Chain,
    block: Block,
    recorders: Vec<Recorder>,
}

/// Hears the cast once, and before that the main for every step that must hear it whole.
pub fn hear(cast: &Cast<'_>, how: &Hearing<'_>, steps: &mut Steps<'_>) -> Result<Heard, DspError> {
    let mut chain = match how.stages.first() {
        Some(Stage::Chain(chain)) => chain.clone(),
        None => Chain::default(),
    };
    let origin = &cast.main.origin;
    chain.prepare(origin.rate, origin.channels)?;
    study(&mut chain, origin, steps)?;
    let mut main = Line::open(cast.main, chain.clone(), cast.rates, how, true)?;
    let mut others = cast
        .others
        .iter()
        .map(|voice| Line::open(voice, chain.clone(), cast.rates, how, false))
        .collect::<Result<Vec<_>, _>>()?;
    let mut watch = how
        .asked
        .any()
        .then(|| Watch::new(how.asked, &main.chain, origin.rate, origin.channels, 0))
        .transpose()?;
    let mut way = Way { controls: Vec::new(), early: main.chain.latency_frames(), watch: watch.as_mut() };
    let (mut frames, mut residuals) = (0u64, vec![Residual::default(); cast.sums.len()]);
    while main.supply.next(&mut main.block)? {
        let n = main.block.frames();
        frames += n as u64;
        for line in &mut others {
            line.supply.take(n, &mut line.block)?;
        }
        for (residual, sum) in residuals.iter_mut().zip(cast.sums) {
            residual.push(&main.block, sum.iter().filter_map(|i| others.get(*i)).map(|line| &line.block));
        }
        way.work(&mut main, &mut others, false)?;
        steps.at(main.supply.fraction())?;
    }
    let late = main.chain.latency_frames();
    if late > 0 || way.watch.is_some() {
        for line in others.iter_mut().chain([&mut main]) {
            line.block = Block::new(line.block.channels.len(), late);
        }
        way.work(&mut main, &mut others, true)?;
    }
    let Supply::Source(reel) = &mut main.supply;
    let (input, side) =
        reel.measured().ok_or_else(|| DspError::Invalid("the main was never measured".into()))?;
    refuse_insane(&origin.path, &input)?;
    let mut tails = Vec::new();
    for line in &mut others {
        let Supply::Source(reel) = &mut line.supply;
        tails.push(reel.tail(frames)?);
    }
    let told = main.chain.told().into_iter().map(|(_, lines)| lines).collect();
    let mut takes: Vec<Vec<Take>> = cast.rates.iter().map(|_| Vec::new()).collect();
    let voices = [cast.main].into_iter().chain(cast.others.iter().copied());
    for (line, voice) in [main].into_iter().chain(others).zip(voices) {
        for (recorder, takes) in line.recorders.into_iter().zip(&mut takes) {
            takes.push(recorder.finish(&voice.origin)?);
        }
    }
    let (seen, files) = watch.map(Watch::finish).transpose()?.unwrap_or_default();
    let studied = how.stages.first().map(|_| Stage::Chain(chain)).into_iter().collect();
    Ok(Heard {
        takes,
        input,
        side,
        tails,
        residuals,
        seen,
        told,
        files: files.into_iter().collect(),
        studied,
    })
}

/// Lets the steps hear the main that must hear it whole.
fn study(chain: &mut Chain, origin: &Origin, steps: &mut Steps<'_>) -> Result<(), DspError> {
    while let Some(mut study) = chain.begin_study() {
        let (mut reel, mut block) = (Reel::open(origin)?, Block::default());
        while reel.next(&mut block)? {
            chain.study(&mut study, &mut block)?;
            steps.still()?;
        }
        chain.studied(study, origin.channels)?;
    }
    Ok(())
}

/// What goes with the blocks from one to the next.
struct Way<'w> {
    controls: Vec<Control>,
    /// Frames of the chain's delay still to be thrown away.
    early: usize,
    watch: Option<&'w mut Watch>,
}

impl Way<'_> {
    /// The blocks of all lines through their chains and on.
    fn work(&mut self, main: &mut Line, others: &mut [Line], last: bool) -> Result<(), DspError> {
        match &mut self.watch {
            Some(watch) => watch.process(&mut main.chain, &mut main.block, &mut self.controls, last)?,
            None => main.chain.process(&mut main.block, &mut self.controls)?,
        }
        let skip = self.early.min(main.block.frames());
        self.early -= skip;
        main.record(skip)?;
        for line in others {
            line.chain.follow(&mut line.block, &self.controls)?;
            line.record(skip)?;
        }
        Ok(())
    }
}

impl Line {
    /// `chain`: prepared, with what it has studied.
    fn open(
        voice: &Voice,
        chain: Chain,
        rates: &[u32],
        how: &Hearing<'_>,
        leads: bool,
    ) -> Result<Self, DspError> {
        let mut reel = Reel::open(&voice.origin)?;
        if leads {
            reel = reel.metered(how.asked.figures);
        }
        let (rate, channels) = (voice.origin.rate, voice.origin.channels);
        let keep = |hz: u32| !(chain.is_empty() && hz == rate && reel.cheap());
        let recorders = rates
            .iter()
            .map(|hz| Recorder::create(&voice.origin, *hz, how.curve, how.dir, leads, keep(*hz)))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Line { supply: Supply::Source(reel), chain, block: Block::new(channels, 0), recorders })
    }

    fn record(&mut self, skip: usize) -> Result<(), DspError> {
        if skip > 0 {
            self.block.channels.iter_mut().for_each(|c| drop(c.drain(..skip)));
        }
        self.recorders.iter_mut().try_for_each(|r| r.push(&self.block))
    }
}
