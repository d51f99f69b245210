//! The course of one render: measure the main; then, rate by rate, find the level on the main, print it and its alternates, judge every file and
//! print again what is over the ceiling; last, give the files their names and write the report.

use std::path::Path;

use tempfile::TempDir;

use super::{
    ENGINE, Job, MAIN, METER_ROOM_DB, OutputReport, Progress, REDUCTION_WORTH_A_WARNING_DB, Report, Specs,
    Way,
    check::{self, Checked},
    feed::{Feed, Origin},
    level::{Gains, Level},
    print::{Format, Plate, print},
    refuse_insane,
    search::{Aim, Limiter, Outcome, Search},
    steps::Steps,
    take::{Sound, Take},
    tolerance_lu,
};
use crate::{
    block::Spec,
    error::{DspError, Flow},
    measure::Measurement,
    processors::{decibels, linear},
    recipe::{LimiterRecipe, Output, Target},
};

/// A file that is over the ceiling or off the target is printed again, at most so many times.
const REPRINTS: usize = 6;
/// From this print on the ceiling alone counts: a sound in which loudness and ceiling undo each other is turned down as a whole.
const LAST_RESORT: usize = 4;
/// What a finished file may be off the target before it is printed again.
const OFF_LU: f64 = 0.012;
/// The same for what comes out of a lossy file; and the loss that is not made up for.
const OFF_LOSSY_LU: f64 = 0.06;
const LOST_LU: f64 = 0.5;
/// What a file may stand over the aim, which lies [`METER_ROOM_DB`] under the ceiling.
const SLACK_DB: f64 = 0.02;
/// Steps of progress for one source at one rate: listen, search, print, judge.
const STEPS_PER_PRINT: usize = 4;

pub struct Run<'a> {
    job: &'a Job,
    specs: Specs,
    way: Way,
    steps: Steps<'a>,
    /// Everything is made in here; what is left when it is dropped is deleted.
    workshop: TempDir,
    rates: Vec<Rate>,
    /// `None` until the main was heard once.
    input: Option<Measurement>,
    outputs: Vec<OutputReport>,
    loudest_clean_lufs: Option<f64>,
    reasons: Vec<String>,
    warnings: Vec<String>,
}

/// All outputs of one rate.
struct Rate {
    hz: u32,
    outputs: Vec<Output>,
}

/// One source of the job.
#[derive(Clone, Copy)]
struct Part<'a> {
    token: &'a str,
    path: &'a Path,
    spec: &'a Spec,
}

/// Files being made of one source at one rate, and what is known of them.
struct Plates {
    all: Vec<Plate>,
    done: Vec<Option<Done>>,
}

struct Done {
    checked: Checked,
    gain_db: f64,
    max_reduction_db: f64,
}

impl<'a> Run<'a> {
    pub fn new(
        job: &'a Job,
        specs: Specs,
        way: Way,
        progress: &'a mut dyn FnMut(Progress) -> Flow,
    ) -> Result<Self, DspError> {
        let mut rates: Vec<Rate> = Vec::new();
        for output in &job.recipe.outputs {
            let hz = output.rate.unwrap_or(specs.main.sample_rate);
            match rates.iter_mut().find(|r| r.hz == hz) {
                Some(rate) if rate.outputs.iter().any(|o| o.encoding == output.encoding) => {}
                Some(rate) => rate.outputs.push(output.clone()),
                None => rates.push(Rate { hz, outputs: vec![output.clone()] }),
            }
        }
        // The level is found at the rate of the main first, where there is such an output.
        rates.sort_by_key(|r| r.hz != specs.main.sample_rate);
        let planned = rates.len() * STEPS_PER_PRINT * (1 + job.alternates.len());
        let workshop = tempfile::Builder::new()
            .prefix(".deadwax-render-")
            .tempdir_in(&job.out_dir)
            .map_err(|source| DspError::Write { path: job.out_dir.clone(), source })?;
        Ok(Run {
            job,
            specs,
            way,
            steps: Steps::new(planned, progress),
            workshop,
            rates,
            input: None,
            outputs: Vec::new(),
            loudest_clean_lufs: None,
            reasons: Vec::new(),
            warnings: Vec::new(),
        })
    }

    pub fn finish(mut self) -> Result<Report, DspError> {
        let rates = std::mem::take(&mut self.rates);
        let mut level = None;
        for rate in &rates {
            level = Some(self.print_rate(rate, level.as_ref())?);
        }
        self.warn_of_lengths();
        self.judge_main();
        let mut named = Vec::new();
        for output in &self.outputs {
            let (from, to) = (self.workshop.path().join(&output.file), self.job.out_dir.join(&output.file));
            if let Err(source) = std::fs::rename(&from, &to) {
                // Half a delivery is none: what got its name already goes too.
                named.iter().for_each(|file| drop(std::fs::remove_file(file)));
                return Err(DspError::Write { path: to, source });
            }
            named.push(to);
        }
        let recipe = &self.job.recipe;
        let main = self.outputs.iter().find(|o| o.alternate == MAIN);
        let input = self.input.ok_or_else(|| DspError::Invalid("the main was never read".into()))?;
        Ok(Report {
            target_lufs: recipe.target_lufs,
            ceiling_dbtp: recipe.ceiling_dbtp,
            reached: self.reasons.is_empty(),
            reason: (!self.reasons.is_empty()).then(|| self.reasons.join("; ")),
            engine: ENGINE,
            recipe_sha256: hex::encode(recipe.hash()),
            gain_db: main.map_or(0.0, |o| o.gain_db),
            max_gain_reduction_db: main.map_or(0.0, |o| o.max_gain_reduction_db),
            loudest_clean_lufs: self.loudest_clean_lufs,
            input,
            outputs: self.outputs,
            warnings: self.warnings,
        })
    }

    /// Main and alternates at one rate. Returns the level that was found for the main.
    fn print_rate(&mut self, rate: &Rate, start: Option<&Level>) -> Result<Level, DspError> {
        let job = self.job;
        if rate.hz > self.specs.main.sample_rate {
            self.warn(format!(
                "{} Hz is above the rate of the main ({} Hz): nothing is gained by it",
                rate.hz, self.specs.main.sample_rate
            ));
        }
        let aim = self.aim(rate);
        let spec = self.specs.main.clone();
        let main = Part { token: MAIN, path: &job.main, spec: &spec };
        if job.recipe.leaves_the_sound_alone() {
            self.copy_part(main, rate)?;
        }
        let level = if job.recipe.leaves_the_sound_alone() {
            Level::unity()
        } else {
            self.print_part(main, rate, &aim, start, None)?
        };
        let specs = self.specs.alternates.clone();
        for ((token, path), spec) in job.alternates.iter().zip(&specs) {
            let part = Part { token, path, spec };
            if job.recipe.leaves_the_sound_alone() {
                self.copy_part(part, rate)?;
            } else {
                self.print_part(part, rate, &aim, None, Some(&level))?;
            }
        }
        Ok(level)
    }

    /// The ceiling less what other meters may read and what dither and rounding can add between samples, taken generously as four steps of the
    /// coarsest format.
    fn aim(&self, rate: &Rate) -> Aim {
        let recipe = &self.job.recipe;
        let coarsest = rate.outputs.iter().map(|o| o.encoding).filter(|e| !e.float()).map(|e| e.bits()).min();
        let room = coarsest.map_or(0.0, |bits| 4.0 * 0.5f64.powi(bits as i32 - 1));
        let ceiling = linear(recipe.ceiling_dbtp - METER_ROOM_DB - SLACK_DB);
        Aim {
            target: recipe.target(),
            ceiling_dbtp: decibels((ceiling - room).max(0.5 * ceiling)),
            stated_ceiling_dbtp: recipe.ceiling_dbtp,
            limiter: recipe
                .limiter
                .as_ref()
                .map(|l| Limiter { curve: l.curve(), max_reduction_db: l.max_reduction_db }),
        }
    }

    fn origin<'p>(&self, part: Part<'p>, rate: &Rate) -> Origin<'p>
    where
        'a: 'p,
    {
        Origin {
            path: part.path,
            recipe: &self.job.recipe,
            rate: rate.hz,
            block_frames: self.way.block_frames,
        }
    }

    /// Hears the main's own figures, which come with the first pass over it.
    fn hear(&mut self, part: Part<'_>, input: Option<Measurement>) -> Result<(), DspError> {
        if let Some(input) = input {
            refuse_insane(part.path, &input)?;
            self.input = Some(input);
        }
        Ok(())
    }

    /// An empty chain: the sound is handed on as it is, and nulls against its source (D-3), so it cannot be turned down.
    fn copy_part(&mut self, part: Part<'_>, rate: &Rate) -> Result<(), DspError> {
        let at = format!("{} at {} Hz", part.token, rate.hz);
        let ceiling = self.job.recipe.ceiling_dbtp;
        let mut plates = self.plates(part, rate);
        self.steps.begin(format!("write {at}"))?;
        let mut feed = Feed::open(self.origin(part, rate))?;
        let metered = part.token == MAIN && self.input.is_none();
        if metered {
            feed = feed.metered();
        }
        let grid_bits =
            (part.spec.sample_rate == rate.hz && !part.spec.float).then_some(part.spec.bits).flatten();
        let format =
            Format { rate: rate.hz, channels: part.spec.channels, frames: part.spec.frames, grid_bits };
        let all: Vec<&Plate> = plates.all.iter().collect();
        let (printed, feed) = print(Sound::Again(Box::new(feed)), None, &all, &format, &mut self.steps)?;
        let input = if let Sound::Again(mut feed) = feed { feed.measurement() } else { None };
        self.hear(part, input)?;
        self.steps.begin(format!("check {at}"))?;
        let checked = self.check(&plates, &(0..plates.all.len()).collect::<Vec<_>>())?;
        for (done, checked) in plates.done.iter_mut().zip(checked) {
            let peak = checked.measurement.true_peak_dbtp;
            if peak > ceiling {
                self.note_reason(Some(format!(
                    "{at} stands at {peak:+.2} dBTP, over {ceiling:.1}; the recipe leaves the sound alone, so it stays"
                )));
            }
            *done = Some(Done { checked, gain_db: 0.0, max_reduction_db: 0.0 });
        }
        self.book(part, rate, plates, printed.frames)
    }

    /// `start`: the main's level at another rate; `given`: the main's level at this rate, for an alternate.
    fn print_part(
        &mut self,
        part: Part<'_>,
        rate: &Rate,
        aim: &Aim,
        start: Option<&Level>,
        given: Option<&Level>,
    ) -> Result<Level, DspError> {
        let at = format!("{} at {} Hz", part.token, rate.hz);
        self.steps.begin(format!("listen to {at}"))?;
        let metered = given.is_none() && self.input.is_none();
        let curve = aim.limiter.as_ref().map_or(LimiterRecipe::default().curve(), |l| l.curve);
        let origin = self.origin(part, rate);
        let mut take = Take::prepare(origin, metered, self.workshop.path(), &curve, &mut self.steps)?;
        self.hear(part, take.input.take())?;
        self.steps.begin(format!("find the level of {at}"))?;
        let mut search = match given {
            None => Search::of_main(&take, aim, start),
            Some(main) => Search::of_alternate(&take, aim, main),
        };
        search.run(&mut self.steps)?;
        let level = search.level.clone();
        let outcome = search.outcome.clone();
        if given.is_none() {
            self.note_reason(outcome.in_words(aim));
            let clean = search.loudest_clean_lufs()?;
            self.loudest_clean_lufs = self.loudest_clean_lufs.or(clean);
        }
        self.print_until_right(part, rate, &take, search)?;
        Ok(level)
    }

    /// Prints, judges the files, and prints those again that are over the ceiling or off the target: each file for itself, because what encoding
    /// and decoding add differs.
    fn print_until_right(
        &mut self,
        part: Part<'_>,
        rate: &Rate,
        take: &Take<'_>,
        search: Search<'_, '_>,
    ) -> Result<(), DspError> {
        let at = format!("{} at {} Hz", part.token, rate.hz);
        let ceiling = self.job.recipe.ceiling_dbtp;
        let mut plates = self.plates(part, rate);
        let format =
            Format { rate: rate.hz, channels: take.channels, frames: Some(take.frames), grid_bits: None };
        let mut waiting: Vec<(Search<'_, '_>, Vec<usize>)> = vec![(search, (0..plates.all.len()).collect())];
        self.steps.begin(format!("write {at}"))?;
        for reprint in 0..=REPRINTS {
            let mut again = Vec::new();
            for (search, mine) in waiting {
                let gains = Gains::new(&search.level, take)?;
                let all: Vec<&Plate> = mine.iter().map(|i| &plates.all[*i]).collect();
                let (printed, _) = print(take.sound()?, Some(gains), &all, &format, &mut self.steps)?;
                if reprint == 0 {
                    self.steps.begin(format!("check {at}"))?;
                }
                let checked = self.check(&plates, &mine)?;
                let mut wrong: Vec<(usize, Fault)> = Vec::new();
                for (i, checked) in mine.into_iter().zip(checked) {
                    let fault = fault(&plates.all[i], &checked, ceiling, &search.outcome);
                    if fault.stands() {
                        wrong.push((i, fault));
                    }
                    let gain_db = search.level.gain_db + search.level.trim_db;
                    plates.done[i] =
                        Some(Done { checked, gain_db, max_reduction_db: printed.max_reduction_db });
                }
                if reprint < LAST_RESORT {
                    self.mend(search, wrong, &plates, &mut again)?;
                } else if let Some(turned_down) = turn_down(search, &wrong) {
                    self.note_reason(Some(format!(
                        "{at} could not have both its loudness and its ceiling, and was turned down to hold the ceiling"
                    )));
                    again.push(turned_down);
                }
            }
            if again.is_empty() {
                return self.book(part, rate, plates, take.frames);
            }
            waiting = again;
        }
        let over = plates.done.iter().flatten().any(|d| d.checked.measurement.true_peak_dbtp > ceiling);
        if over {
            return Err(DspError::Invalid(format!(
                "the ceiling of {ceiling} dBTP could not be held on {at}; this is a fault of the limiter, please report it"
            )));
        }
        self.book(part, rate, plates, take.frames)
    }

    /// What is wrong with files of whole numbers is mended for all of them at once; a lossy file gets a level of its own.
    fn mend<'t, 's>(
        &mut self,
        search: Search<'t, 's>,
        wrong: Vec<(usize, Fault)>,
        plates: &Plates,
        again: &mut Vec<(Search<'t, 's>, Vec<usize>)>,
    ) -> Result<(), DspError> {
        let (lossy, plain): (Vec<_>, Vec<_>) =
            wrong.into_iter().partition(|(i, _)| plates.all[*i].encoding().lossy());
        for (i, fault) in lossy {
            let mut search = search.clone();
            search.lower(fault.over_db, fault.off_lu)?;
            again.push((search, vec![i]));
        }
        if plain.is_empty() {
            return Ok(());
        }
        let over_db = plain.iter().fold(0.0, |m: f64, (_, f)| m.max(f.over_db));
        let off_lu =
            plain.iter().fold(0.0, |m: f64, (_, f)| if f.off_lu.abs() > m.abs() { f.off_lu } else { m });
        let mut search = search;
        search.mend(over_db, off_lu, &mut self.steps)?;
        again.push((search, plain.into_iter().map(|(i, _)| i).collect()));
        Ok(())
    }

    fn check(&mut self, plates: &Plates, which: &[usize]) -> Result<Vec<Checked>, DspError> {
        let paths: Vec<_> = which.iter().map(|i| plates.all[*i].path.clone()).collect();
        check::check(&paths, self.way.threads, &mut self.steps)
    }

    /// Puts the finished files into the report. Two meters that disagree end the render: one of them is wrong, and nobody knows which.
    fn book(&mut self, part: Part<'_>, rate: &Rate, plates: Plates, frames: u64) -> Result<(), DspError> {
        let mut deepest = 0.0f64;
        for (plate, done) in plates.all.into_iter().zip(plates.done) {
            let Some(Done { checked, gain_db, max_reduction_db }) = done else { continue };
            if !checked.meters_agree() {
                return Err(DspError::Invalid(format!(
                    "the two meters disagree on {}: {:.2} and {:.2} LUFS; nothing is given out, please report it",
                    plate.file, checked.measurement.integrated_lufs, checked.second_meter_lufs
                )));
            }
            let measurement = checked.measurement;
            if measurement.frames != frames {
                return Err(DspError::Invalid(format!(
                    "{} holds {} frames where {frames} were written",
                    plate.file, measurement.frames
                )));
            }
            deepest = deepest.max(max_reduction_db);
            self.outputs.push(OutputReport {
                alternate: part.token.to_owned(),
                file: plate.file,
                encoding: plate.output.encoding.to_string(),
                sample_rate: rate.hz,
                channels: checked.channels,
                bits: checked.bits,
                bytes: checked.bytes,
                sha256: checked.sha256,
                measurement,
                gain_db,
                max_gain_reduction_db: max_reduction_db,
                second_meter_lufs: Some(checked.second_meter_lufs),
            });
        }
        if deepest > REDUCTION_WORTH_A_WARNING_DB {
            let clean = self.loudest_clean_lufs.filter(|_| part.token == MAIN).map_or(String::new(), |lufs| {
                format!(
                    "; the loudest clean level, with at most {REDUCTION_WORTH_A_WARNING_DB:.0} dB of limiting, is {lufs:.1} LUFS"
                )
            });
            self.warn(format!(
                "the limiter takes up to {deepest:.1} dB off {} at {} Hz{clean}",
                part.token, rate.hz
            ));
        }
        Ok(())
    }

    fn plates(&self, part: Part<'_>, rate: &Rate) -> Plates {
        let name = if part.token == MAIN {
            self.job.stem.clone()
        } else {
            format!("{}_{}", self.job.stem, part.token)
        };
        let plate = |output: &Output| {
            let encoding = output.encoding;
            let file = format!("{name}_{encoding}_{}.{}", rate.hz, encoding.extension());
            Plate { output: output.clone(), path: self.workshop.path().join(&file), file }
        };
        let all: Vec<Plate> = rate.outputs.iter().map(plate).collect();
        Plates { done: all.iter().map(|_| None).collect(), all }
    }

    /// Alternates are meant to lie under the main in a session: a length that differs is worth a word.
    fn warn_of_lengths(&mut self) {
        let mains: Vec<(u32, u64)> = self
            .outputs
            .iter()
            .filter(|o| o.alternate == MAIN)
            .map(|o| (o.sample_rate, o.measurement.frames))
            .collect();
        let mut odd: Vec<&str> = Vec::new();
        for o in &self.outputs {
            if mains.iter().any(|(hz, frames)| *hz == o.sample_rate && *frames != o.measurement.frames)
                && !odd.contains(&o.alternate.as_str())
            {
                odd.push(&o.alternate);
            }
        }
        let words: Vec<String> = odd
            .iter()
            .map(|token| format!("{token} is not as long as the main; it keeps its own length"))
            .collect();
        self.warnings.extend(words);
    }

    /// Holds the main's files against the target.
    fn judge_main(&mut self) {
        let (low, high) = match self.job.recipe.target() {
            Some(Target::Lufs(target)) => (target, target),
            Some(Target::Range { low_lufs, high_lufs, .. }) => (low_lufs, high_lufs),
            _ => return,
        };
        let off: Vec<(String, f64)> = self
            .outputs
            .iter()
            .filter(|o| o.alternate == MAIN)
            .map(|o| (o, o.measurement.integrated_lufs))
            .filter(|(o, lufs)| {
                let tolerance = tolerance_lu(&o.encoding);
                !(low - tolerance..=high + tolerance).contains(lufs)
            })
            .map(|(o, lufs)| (o.file.clone(), lufs))
            .collect();
        if self.reasons.is_empty()
            && let Some((file, lufs)) = off.first()
        {
            let wanted = if low < high { format!("{low:.1} to {high:.1}") } else { format!("{low:.1}") };
            self.reasons.push(format!("{file} is at {lufs:.2} LUFS instead of {wanted}"));
        }
    }

    fn note_reason(&mut self, reason: Option<String>) {
        self.reasons.extend(reason.filter(|r| !self.reasons.contains(r)));
    }

    fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

/// The last resort: everything that is over goes down by what it is over, after the limiter, where a decibel is a decibel.
fn turn_down<'t, 's>(
    mut search: Search<'t, 's>,
    wrong: &[(usize, Fault)],
) -> Option<(Search<'t, 's>, Vec<usize>)> {
    let over: Vec<usize> = wrong.iter().filter(|(_, fault)| fault.over_db > 0.0).map(|(i, _)| *i).collect();
    search.turn_down(wrong.iter().fold(0.0, |most: f64, (_, fault)| most.max(fault.over_db)));
    (!over.is_empty()).then_some((search, over))
}

/// What is wrong with a finished file.
#[derive(Clone, Copy)]
struct Fault {
    /// Over the aim in decibels, 0 where it is not over what is allowed.
    over_db: f64,
    /// Louder than aimed at.
    off_lu: f64,
}

impl Fault {
    fn stands(self) -> bool {
        self.over_db > 0.0 || self.off_lu != 0.0
    }
}

fn fault(plate: &Plate, checked: &Checked, ceiling_dbtp: f64, outcome: &Outcome) -> Fault {
    let over_db = checked.measurement.true_peak_dbtp - (ceiling_dbtp - METER_ROOM_DB);
    let off_lu = match outcome {
        Outcome::Met(Some(aimed)) => checked.measurement.integrated_lufs - aimed,
        _ => 0.0,
    };
    // What an encoder leaves out for good, such as the top of white noise, is no fault of the level.
    let counts = if plate.encoding().lossy() { OFF_LOSSY_LU..LOST_LU } else { OFF_LU..f64::INFINITY };
    Fault {
        over_db: if over_db > 0.0 { over_db + SLACK_DB } else { 0.0 },
        off_lu: if counts.contains(&off_lu.abs()) { off_lu } else { 0.0 },
    }
}
