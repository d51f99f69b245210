//! The first pass of a render: main and alternates go side by side through the recipe's chain, block for block, the alternates with what the steps
//! told of the main; then each to every rate asked for, and into a take. An insert breaks the chain: there each goes through a command by itself and
//! is kept, and the pass goes on from there. Never here: the level, the limiter, files that are given out.

use std::path::Path;

use super::{
    Role,
    reel::{Origin, Reel, Tail},
    refuse_insane,
    scratch::{Planes, PlanesReader, PlanesWriter},
    steps::Steps,
    sums::Residual,
    take::{Recorder, Take},
    watch::{Asked, Ends, Seen, StepFiles, Watch},
};
use crate::{
    block::Block,
    error::DspError,
    measure::Measurement,
    processors::{
        Chain, Control, CurveSettings,
        insert::{Allowed, Insert, InsertSettings},
    },
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
    /// The chains with what they have studied.
    pub studied: Vec<Segment>,
}

/// How to hear.
pub struct Hearing<'a> {
    pub segments: &'a [Segment],
    /// Commands that inserts may run.
    pub allowed: &'a Allowed,
    /// Of the limiter.
    pub curve: &'a CurveSettings,
    /// Where what is kept goes.
    pub dir: &'a Path,
    pub asked: Asked<'a>,
}

/// Steps that main and alternates go through side by side, and the insert behind them.
#[derive(Clone)]
pub struct Segment {
    chain: Chain,
    insert: Option<(String, InsertSettings)>,
}

impl Segment {
    /// The last one has no insert.
    pub fn of(stages: Vec<Stage>) -> Vec<Segment> {
        let (mut all, mut open) = (Vec::new(), Chain::default());
        for stage in stages {
            match stage {
                Stage::Chain(chain) => open = chain,
                Stage::Insert { title, settings } => {
                    all.push(Segment { chain: std::mem::take(&mut open), insert: Some((title, settings)) });
                }
            }
        }
        all.push(Segment { chain: open, insert: None });
        all
    }
}

/// Hears the cast once, and before that the main for every step that must hear it whole.
pub fn hear(cast: &Cast<'_>, how: &Hearing<'_>, steps: &mut Steps<'_>) -> Result<Heard, DspError> {
    let mut pass = Pass::new(cast, how)?;
    let passes = how.segments.len();
    for (i, segment) in how.segments.iter().enumerate() {
        pass.run(segment, &mut |fraction| steps.at((i as f64 + fraction) / passes as f64))?;
    }
    pass.finish()
}

/// Called at every block with the part of a pass that is done; its error ends the work.
type Tell<'t> = dyn FnMut(f64) -> Result<(), DspError> + 't;

/// The cast on its way through the segments.
struct Pass<'a> {
    cast: &'a Cast<'a>,
    how: &'a Hearing<'a>,
    /// Of the main, then of the others: what an insert gave back. Empty before the first one.
    kept: Vec<Planes>,
    /// Of the song, known after the first segment.
    frames: u64,
    input: Option<(Measurement, Option<Side>)>,
    tails: Vec<Tail>,
    residuals: Vec<Residual>,
    takes: Vec<Vec<Take>>,
    seen: Vec<Seen>,
    told: Vec<Vec<String>>,
    /// The insert before, and what went into it.
    behind: Option<(String, Ends)>,
    files: Vec<StepFiles>,
    studied: Vec<Segment>,
}

impl<'a> Pass<'a> {
    fn new(cast: &'a Cast<'a>, how: &'a Hearing<'a>) -> Result<Self, DspError> {
        for (_, settings) in how.segments.iter().filter_map(|segment| segment.insert.as_ref()) {
            // What is not allowed is refused before any work is done.
            how.allowed.command(&settings.command)?;
        }
        Ok(Pass {
            cast,
            how,
            kept: Vec::new(),
            frames: 0,
            input: None,
            tails: Vec::new(),
            residuals: vec![Residual::default(); cast.sums.len()],
            takes: cast.rates.iter().map(|_| Vec::new()).collect(),
            seen: Vec::new(),
            told: Vec::new(),
            behind: None,
            files: Vec::new(),
            studied: Vec::new(),
        })
    }

    fn voices(&self) -> Vec<&'a Voice> {
        [self.cast.main].into_iter().chain(self.cast.others.iter().copied()).collect()
    }

    fn supply(&self, at: usize, voice: &Voice) -> Result<Supply, DspError> {
        match self.kept.get(at) {
            Some(planes) => {
                let waiting = vec![Vec::new(); voice.origin.channels];
                Ok(Supply::Kept { reader: planes.reader()?, waiting, given: 0, frames: self.frames })
            }
            None => Ok(Supply::Source(Box::new(Reel::open(&voice.origin)?))),
        }
    }

    fn run(&mut self, segment: &Segment, tell: &mut Tell<'_>) -> Result<(), DspError> {
        let origin = &self.cast.main.origin;
        let mut chain = segment.chain.clone();
        chain.prepare(origin.rate, origin.channels)?;
        self.study(&mut chain, tell)?;
        let mut lines = Vec::new();
        for (i, voice) in self.voices().into_iter().enumerate() {
            lines.push(self.line(i, voice, &chain, segment)?);
        }
        let after = self.behind.take();
        let mut watch = if self.how.asked.any() {
            let behind = after.as_ref().map(|(title, _)| title.as_str());
            let first = self.seen.len() + usize::from(behind.is_some());
            Some(Watch::new(self.how.asked, &chain, (origin.rate, origin.channels), first, behind)?)
        } else {
            None
        };
        self.blocks(&mut lines, watch.as_mut(), tell)?;
        let leading = lines.first().map_or_else(Vec::new, |main| main.chain.told());
        let told: Vec<Vec<String>> = leading.into_iter().map(|(_, lines)| lines).collect();
        if let Some(watch) = watch {
            let (seen, ends, files) = watch.finish()?;
            if let Some((title, before)) = after {
                self.seen.push(Seen::between(title, before[1], ends[0]));
                self.told.push(vec![
                    "each source went through the command by itself: not keyed, not reproducible".into(),
                ]);
            }
            self.seen.extend(seen);
            self.told.extend(told);
            self.files.extend(files);
            self.behind = segment.insert.as_ref().map(|(title, _)| (title.clone(), ends));
        }
        self.studied.push(Segment { chain, insert: segment.insert.clone() });
        self.kept.clear();
        for (line, voice) in lines.into_iter().zip(self.voices()) {
            match line.sink {
                Sink::Takes(recorders) => {
                    for (recorder, takes) in recorders.into_iter().zip(&mut self.takes) {
                        takes.push(recorder.finish(&voice.origin)?);
                    }
                }
                Sink::Insert { mut insert, mut out, mut writer } => {
                    out.clear();
                    while insert.take(&mut out, &mut || tell(1.0))? {
                        writer.write(&out.channels)?;
                        out.clear();
                    }
                    self.kept.push(writer.finish()?);
                }
            }
        }
        Ok(())
    }

    /// Lets the steps hear the main that must hear it whole.
    fn study(&self, chain: &mut Chain, tell: &mut Tell<'_>) -> Result<(), DspError> {
        while let Some(mut study) = chain.begin_study() {
            let (mut supply, mut block) = (self.supply(0, self.cast.main)?, Block::default());
            while supply.next(&mut block)? {
                chain.study(&mut study, &mut block)?;
                tell(0.0)?;
            }
            chain.studied(study, self.cast.main.origin.channels)?;
        }
        Ok(())
    }

    /// All blocks of all lines, in step.
    fn blocks(
        &mut self,
        lines: &mut [Line],
        watch: Option<&mut Watch>,
        tell: &mut Tell<'_>,
    ) -> Result<(), DspError> {
        let Some((main, others)) = lines.split_first_mut() else { return Ok(()) };
        let from_sources = self.kept.is_empty();
        let late = main.chain.latency_frames();
        let mut way = Way { controls: Vec::new(), early: late, watch };
        let mut frames = 0u64;
        while main.supply.next(&mut main.block)? {
            let n = main.block.frames();
            frames += n as u64;
            for line in &mut *others {
                line.supply.take(n, &mut line.block)?;
            }
            if from_sources {
                for (residual, sum) in self.residuals.iter_mut().zip(self.cast.sums) {
                    let parts = sum.iter().filter_map(|i| others.get(*i)).map(|line| &line.block);
                    residual.push(&main.block, parts);
                }
            }
            let fraction = main.supply.fraction();
            way.work(main, others, false, &mut || tell(fraction))?;
            tell(fraction)?;
        }
        if late > 0 || way.watch.is_some() {
            for line in others.iter_mut().chain([&mut *main]) {
                line.block = Block::new(line.block.channels.len(), late);
            }
            way.work(main, others, true, &mut || tell(1.0))?;
        }
        if !from_sources {
            return Ok(());
        }
        self.frames = frames;
        if let Supply::Source(reel) = &mut main.supply {
            self.input = reel.measured();
        }
        for line in others {
            if let Supply::Source(reel) = &mut line.supply {
                self.tails.push(reel.tail(frames)?);
            }
        }
        if let Some((input, _)) = &self.input {
            refuse_insane(&self.cast.main.origin.path, input)?;
        }
        Ok(())
    }

    /// `chain`: prepared, with what it has studied. The first line leads.
    fn line(&self, at: usize, voice: &Voice, chain: &Chain, segment: &Segment) -> Result<Line, DspError> {
        let (leads, how, origin) = (at == 0, self.how, &voice.origin);
        let mut supply = self.supply(at, voice)?;
        let mut cheap = false;
        if let Supply::Source(reel) = &mut supply {
            cheap = chain.is_empty() && reel.cheap();
            if leads {
                reel.meter(how.asked.figures);
            }
        }
        let sink = match &segment.insert {
            Some((_, settings)) => Sink::Insert {
                insert: Box::new(Insert::start(settings, how.allowed, origin.rate, origin.channels)?),
                out: Block::new(origin.channels, 0),
                writer: PlanesWriter::create(how.dir, origin.channels, false)?,
            },
            None => {
                let recorder = |hz: &u32| {
                    Recorder::create(origin, *hz, how.curve, how.dir, leads, !(cheap && *hz == origin.rate))
                };
                Sink::Takes(self.cast.rates.iter().map(recorder).collect::<Result<_, _>>()?)
            }
        };
        Ok(Line { supply, chain: chain.clone(), block: Block::new(origin.channels, 0), sink })
    }

    fn finish(self) -> Result<Heard, DspError> {
        let (input, side) =
            self.input.ok_or_else(|| DspError::Invalid("the main was never measured".into()))?;
        Ok(Heard {
            takes: self.takes,
            input,
            side,
            tails: self.tails,
            residuals: self.residuals,
            seen: self.seen,
            told: self.told,
            files: self.files,
            studied: self.studied,
        })
    }
}

/// Where a line's sound comes from.
enum Supply {
    Source(Box<Reel>),
    /// What an insert gave back.
    Kept {
        reader: PlanesReader,
        waiting: Vec<Vec<f64>>,
        given: u64,
        frames: u64,
    },
}

impl Supply {
    fn next(&mut self, block: &mut Block) -> Result<bool, DspError> {
        match self {
            Supply::Source(reel) => reel.next(block),
            Supply::Kept { reader, given, .. } => {
                let more = reader.next(block)?;
                *given += block.frames() as u64;
                Ok(more)
            }
        }
    }

    fn take(&mut self, frames: usize, block: &mut Block) -> Result<(), DspError> {
        match self {
            Supply::Source(reel) => reel.take(frames, block),
            Supply::Kept { reader, waiting, .. } => {
                while waiting.first().is_some_and(|w| w.len() < frames) && reader.more(waiting)? > 0 {}
                block.resize(waiting.len(), 0);
                for (out, waiting) in block.channels.iter_mut().zip(waiting) {
                    out.extend(waiting.drain(..frames.min(waiting.len())));
                    out.resize(frames, 0.0);
                }
                Ok(())
            }
        }
    }

    fn fraction(&self) -> f64 {
        match self {
            Supply::Source(reel) => reel.fraction(),
            Supply::Kept { given, frames, .. } => *given as f64 / (*frames).max(1) as f64,
        }
    }
}

/// Where a line's sound goes.
enum Sink {
    /// Rate by rate.
    Takes(Vec<Recorder>),
    Insert {
        insert: Box<Insert>,
        out: Block,
        writer: PlanesWriter,
    },
}

/// One voice on its way.
struct Line {
    supply: Supply,
    chain: Chain,
    block: Block,
    sink: Sink,
}

impl Line {
    fn put(&mut self, skip: usize, still: &mut dyn FnMut() -> Result<(), DspError>) -> Result<(), DspError> {
        if skip > 0 {
            self.block.channels.iter_mut().for_each(|c| drop(c.drain(..skip)));
        }
        match &mut self.sink {
            Sink::Takes(recorders) => recorders.iter_mut().try_for_each(|r| r.push(&self.block)),
            Sink::Insert { insert, out, writer } => {
                out.clear();
                insert.push(&self.block, out, still)?;
                writer.write(&out.channels)
            }
        }
    }
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
    fn work(
        &mut self,
        main: &mut Line,
        others: &mut [Line],
        last: bool,
        still: &mut dyn FnMut() -> Result<(), DspError>,
    ) -> Result<(), DspError> {
        match &mut self.watch {
            Some(watch) => watch.process(&mut main.chain, &mut main.block, &mut self.controls, last)?,
            None => main.chain.process(&mut main.block, &mut self.controls)?,
        }
        let skip = self.early.min(main.block.frames());
        self.early -= skip;
        main.put(skip, still)?;
        for line in others {
            line.chain.follow(&mut line.block, &self.controls)?;
            line.put(skip, still)?;
        }
        Ok(())
    }
}
