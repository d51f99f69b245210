//! The course of one render: measure the main; then, rate by rate, find the level on the main, print it and its alternates, judge every file and
//! print again what is over the ceiling; last, give the files their names and write the report.

use std::path::Path;

use tempfile::TempDir;

use super::{
    ENGINE, Job, MAIN, METER_ROOM_DB, METERS_AGREE_LU, OutputReport, Progress, REDUCTION_WORTH_A_WARNING_DB,
    Report, Specs, TARGET_TOLERANCE_LU,
    check::{self, Checked},
    feed::Feed,
    level::Level,
    print::{Plate, Printed, print},
    refuse_insane,
    search::{Aim, Limiter, Take, find, hold_ceiling},
    steps::Steps,
};
use crate::{
    block::Spec,
    error::{DspError, Flow},
    measure::Measurement,
    processors::{decibels, linear},
    write::Encoding,
};

/// A file that is over the ceiling is turned down by what it is over and printed again, at most so many times.
const REPRINTS: usize = 5;
/// Steps of progress for one source at one rate: listen, search, print, judge.
const STEPS_PER_PRINT: usize = 4;

pub struct Run<'a> {
    job: &'a Job,
    specs: Specs,
    block_frames: usize,
    steps: Steps<'a>,
    /// Everything is made in here; what is left when it is dropped is deleted.
    workshop: TempDir,
    rates: Vec<Rate>,
    input: Measurement,
    outputs: Vec<OutputReport>,
    reasons: Vec<String>,
    warnings: Vec<String>,
}

/// All outputs of one rate.
struct Rate {
    hz: u32,
    encodings: Vec<Encoding>,
}

/// One source of the job.
#[derive(Clone, Copy)]
struct Part<'a> {
    token: &'a str,
    path: &'a Path,
    spec: &'a Spec,
}

impl<'a> Run<'a> {
    pub fn new(
        job: &'a Job,
        specs: Specs,
        block_frames: usize,
        progress: &'a mut dyn FnMut(Progress) -> Flow,
    ) -> Result<Self, DspError> {
        let mut rates: Vec<Rate> = Vec::new();
        for output in &job.recipe.outputs {
            let hz = output.rate.unwrap_or(specs.main.sample_rate);
            match rates.iter_mut().find(|r| r.hz == hz) {
                Some(rate) if rate.encodings.contains(&output.encoding) => {}
                Some(rate) => rate.encodings.push(output.encoding),
                None => rates.push(Rate { hz, encodings: vec![output.encoding] }),
            }
        }
        // The level is found at the rate of the main first, where there is such an output.
        rates.sort_by_key(|r| r.hz != specs.main.sample_rate);
        let planned = 1 + rates.len() * STEPS_PER_PRINT * (1 + job.alternates.len());
        let mut steps = Steps::new(planned, progress);
        steps.begin("measure".into())?;
        let input = check::measure(&job.main, &mut steps)?;
        refuse_insane(&job.main, &input)?;
        let workshop = tempfile::Builder::new()
            .prefix(".deadwax-render-")
            .tempdir_in(&job.out_dir)
            .map_err(|source| DspError::Write { path: job.out_dir.clone(), source })?;
        Ok(Run {
            job,
            specs,
            block_frames,
            steps,
            workshop,
            rates,
            input,
            outputs: Vec::new(),
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
        for output in &self.outputs {
            let (from, to) = (self.workshop.path().join(&output.file), self.job.out_dir.join(&output.file));
            std::fs::rename(&from, &to).map_err(|source| DspError::Write { path: to, source })?;
        }
        let recipe = &self.job.recipe;
        let main = self.outputs.iter().find(|o| o.alternate == MAIN);
        Ok(Report {
            target_lufs: recipe.target_lufs,
            ceiling_dbtp: recipe.ceiling_dbtp,
            reached: self.reasons.is_empty(),
            reason: (!self.reasons.is_empty()).then(|| self.reasons.join("; ")),
            engine: ENGINE,
            recipe_sha256: hex::encode(recipe.hash()),
            gain_db: main.map_or(0.0, |o| o.gain_db),
            max_gain_reduction_db: main.map_or(0.0, |o| o.max_gain_reduction_db),
            input: self.input,
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
        let level = self.print_part(main, rate, &aim, start, None)?;
        let specs = self.specs.alternates.clone();
        for ((token, path), spec) in job.alternates.iter().zip(&specs) {
            self.print_part(Part { token, path, spec }, rate, &aim, None, Some(&level))?;
        }
        Ok(level)
    }

    /// The ceiling less what dither and rounding can add between samples, taken generously as four steps of the coarsest format.
    fn aim(&self, rate: &Rate) -> Aim {
        let recipe = &self.job.recipe;
        let coarsest = rate.encodings.iter().filter(|e| !e.float()).map(|e| e.bits()).min();
        let room = coarsest.map_or(0.0, |bits| 4.0 / 2f64.powi(bits as i32 - 1));
        let ceiling = linear(recipe.ceiling_dbtp - METER_ROOM_DB);
        Aim {
            target_lufs: recipe.target_lufs,
            ceiling_dbtp: decibels((ceiling - room).max(0.5 * ceiling)),
            limiter: recipe
                .limiter
                .as_ref()
                .map(|l| Limiter { curve: l.curve(), max_reduction_db: l.max_reduction_db }),
        }
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
        let untouched = self.job.recipe.leaves_the_sound_alone();
        let at = format!("{} at {} Hz", part.token, rate.hz);
        self.steps.begin(format!("listen to {at}"))?;
        let take = if untouched {
            None
        } else {
            let feed = self.feed(part, rate)?;
            Some(Take::prepare(
                feed,
                rate.hz,
                self.workshop.path(),
                &mut self.steps,
                aim,
                given.map(|l| l.gain_db),
            )?)
        };
        self.steps.begin(format!("find the level of {at}"))?;
        let mut level = match (&take, given) {
            (Some(take), None) => {
                let found = find(take, aim, start, &mut self.steps)?;
                self.note_reason(found.reason);
                found.level
            }
            (Some(take), Some(main)) => {
                let mut level = main.clone();
                hold_ceiling(take, aim, &mut level, &mut self.steps)?;
                level
            }
            (None, _) => Level::unity(),
        };
        self.print_until_under(part, rate, take.as_ref(), &mut level)?;
        Ok(level)
    }

    /// Prints, judges the files, and prints again a little lower where a file is over the ceiling.
    fn print_until_under(
        &mut self,
        part: Part<'_>,
        rate: &Rate,
        take: Option<&Take>,
        level: &mut Level,
    ) -> Result<(), DspError> {
        let at = format!("{} at {} Hz", part.token, rate.hz);
        let ceiling = self.job.recipe.ceiling_dbtp;
        let plates = self.plates(part, rate);
        // An empty chain nulls against its source (D-3) and cannot be turned down; everything else stays under the ceiling (D-2).
        let binding = take.is_some();
        self.steps.begin(format!("write {at}"))?;
        for reprint in 0..=REPRINTS {
            let grid = (take.is_none() && part.spec.sample_rate == rate.hz && !part.spec.float)
                .then_some(part.spec.bits)
                .flatten();
            let gains = take.map(|t| t.gains(level)).transpose()?;
            let printed = print(self.feed(part, rate)?, gains, rate.hz, &plates, grid, &mut self.steps)?;
            if reprint == 0 {
                self.steps.begin(format!("check {at}"))?;
            }
            let mut checked = Vec::new();
            for plate in &plates {
                checked.push(check::check(&plate.path, &mut self.steps)?);
                self.steps.at(checked.len() as f64 / plates.len() as f64)?;
            }
            let highest =
                checked.iter().map(|one| one.measurement.true_peak_dbtp).fold(f64::NEG_INFINITY, f64::max);
            if !binding || highest <= ceiling - METER_ROOM_DB {
                if highest > ceiling {
                    self.note_reason(Some(format!(
                        "{at} stands at {highest:+.2} dBTP, over {ceiling:.1}; the recipe leaves the sound alone, so it stays"
                    )));
                }
                return self.book(part, rate, &plates, checked, level, &printed);
            }
            level.trim_db -= highest - ceiling + METER_ROOM_DB + 0.0005;
        }
        Err(DspError::Invalid(format!(
            "the ceiling of {ceiling} dBTP could not be held on {at}; this is a fault of the limiter, please report it"
        )))
    }

    /// Puts the finished files into the report.
    fn book(
        &mut self,
        part: Part<'_>,
        rate: &Rate,
        plates: &[Plate],
        checked: Vec<Checked>,
        level: &Level,
        printed: &Printed,
    ) -> Result<(), DspError> {
        let is_main = part.token == MAIN;
        for (plate, checked) in plates.iter().zip(checked) {
            let (bytes, sha256) = check::digest(&plate.path)?;
            if is_main && !checked.meters_agree() {
                self.note_reason(Some(format!(
                    "the two meters disagree on {}: {:.2} and {:.2} LUFS; do not ship it",
                    plate.file, checked.measurement.integrated_lufs, checked.second_meter_lufs
                )));
            }
            let measurement = checked.measurement;
            if measurement.frames != printed.frames {
                return Err(DspError::Invalid(format!(
                    "{} holds {} frames where {} were written",
                    plate.file, measurement.frames, printed.frames
                )));
            }
            self.outputs.push(OutputReport {
                alternate: part.token.to_owned(),
                file: plate.file.clone(),
                encoding: plate.encoding.to_string(),
                sample_rate: rate.hz,
                channels: checked.channels,
                bits: checked.bits,
                bytes,
                sha256,
                measurement,
                gain_db: level.gain_db + level.trim_db,
                max_gain_reduction_db: printed.max_reduction_db,
                second_meter_lufs: is_main.then_some(checked.second_meter_lufs),
            });
        }
        if printed.max_reduction_db > REDUCTION_WORTH_A_WARNING_DB {
            self.warn(format!(
                "the limiter takes up to {:.1} dB off {} at {} Hz",
                printed.max_reduction_db, part.token, rate.hz
            ));
        }
        Ok(())
    }

    fn feed(&self, part: Part<'_>, rate: &Rate) -> Result<Feed, DspError> {
        Feed::open(part.path, &self.job.recipe, rate.hz, self.block_frames)
    }

    fn plates(&self, part: Part<'_>, rate: &Rate) -> Vec<Plate> {
        let name = if part.token == MAIN {
            self.job.stem.clone()
        } else {
            format!("{}_{}", self.job.stem, part.token)
        };
        rate.encodings
            .iter()
            .map(|encoding| {
                let file = format!("{name}_{encoding}_{}.{}", rate.hz, encoding.extension());
                Plate { encoding: *encoding, path: self.workshop.path().join(&file), file }
            })
            .collect()
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
        let Some(target) = self.job.recipe.target_lufs else { return };
        let off: Vec<(String, f64)> = self
            .outputs
            .iter()
            .filter(|o| o.alternate == MAIN)
            .map(|o| (o.file.clone(), o.measurement.integrated_lufs))
            .filter(|(_, lufs)| (lufs - target).abs() > TARGET_TOLERANCE_LU || lufs.is_nan())
            .collect();
        if self.reasons.is_empty()
            && let Some((file, lufs)) = off.first()
        {
            self.reasons.push(format!("{file} is at {lufs:.2} LUFS instead of {target:.1}"));
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

impl Checked {
    fn meters_agree(&self) -> bool {
        let (a, b) = (self.measurement.integrated_lufs, self.second_meter_lufs);
        // Under the absolute gate the two may call silence by different names.
        (a - b).abs() <= METERS_AGREE_LU || (a <= -70.0 && b <= -70.0)
    }
}
