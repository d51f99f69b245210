//! The course of one render: hear main and alternates together; then, batch by batch, find the level on the main, print it and its alternates, judge
//! every file and print again what is over the ceiling; last, give the files their names and write the report.

use tempfile::TempDir;

use super::{
    AlternateReport, ENGINE, Job, MAIN, METER_ROOM_DB, OutputReport, Progress, REDUCTION_WORTH_A_WARNING_DB,
    Report, Role, Specs, Way,
    batch::{Batch, batches, off_target, voices},
    check::{self, Checked},
    explain::Explaining,
    fault::SLACK_DB,
    hear::{Cast, Heard, Hearing, Segment, Voice, hear},
    level::Level,
    others::{Ensemble, GuardTold, OVER_DB, Other, SHARE_ROUNDS, Sharing, Standing},
    print::Plate,
    search::{Aim, Limiter, Outcome, Search},
    share,
    steps::Steps,
    sums::Residual,
    take::Take,
    watch::{Asked, StepFiles},
};
use crate::{
    error::{DspError, Flow},
    measure::Measurement,
    processors::{CurveSettings, decibels, linear},
    recipe::{LimiterRecipe, Output, Overs},
};

pub struct Run<'a> {
    pub job: &'a Job,
    pub specs: Specs,
    way: Way,
    pub steps: Steps<'a>,
    /// Everything is made in here; what is left when it is dropped is deleted.
    pub workshop: TempDir,
    pub main: Voice,
    pub others: Vec<Voice>,
    /// `None` until the main was heard once.
    pub input: Option<Measurement>,
    pub outputs: Vec<OutputReport>,
    alternates: Vec<AlternateReport>,
    /// Of the sources of each sum.
    pub residuals: Vec<Residual>,
    loudest_clean_lufs: Option<f64>,
    reasons: Vec<String>,
    /// Files of the main that are off their target, said once if nothing else is wrong.
    off: Vec<String>,
    warnings: Vec<String>,
    /// What was seen on the way, where that was asked for.
    pub seen: Explaining,
    step_files: Vec<StepFiles>,
}

/// Files being made of one source in one batch, and what is known of them.
pub struct Plates {
    pub all: Vec<Plate>,
    pub done: Vec<Option<Done>>,
}

pub struct Done {
    pub checked: Checked,
    pub gain_db: f64,
    pub max_reduction_db: f64,
    /// Squares of all samples.
    pub energy: f64,
    pub guarded: Option<GuardTold>,
}

/// Steps of progress: of a source in a batch, write and check; of a main, the search too.
const STEPS_PER_PRINT: f64 = 2.0;
/// Four steps of 16 bits, generously.
const ROUNDING: f64 = 4.0 / 32_768.0;
/// Hearing a source takes as long as so many of them.
const HEARING: f64 = 2.0;

impl<'a> Run<'a> {
    pub fn new(
        job: &'a Job,
        specs: Specs,
        way: Way,
        progress: &'a mut dyn FnMut(Progress) -> Flow,
    ) -> Result<Self, DspError> {
        let (main, others) = voices(job, &specs, way);
        let sources = 1.0 + job.alternates.len() as f64;
        let batches = batches(job, specs.main.sample_rate).len() as f64;
        let planned = HEARING * sources + batches * (1.0 + STEPS_PER_PRINT * sources);
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
            main,
            others,
            input: None,
            outputs: Vec::new(),
            alternates: Vec::new(),
            residuals: Vec::new(),
            loudest_clean_lufs: None,
            reasons: Vec::new(),
            off: Vec::new(),
            warnings: Vec::new(),
            seen: Explaining::default(),
            step_files: Vec::new(),
        })
    }

    pub fn finish(mut self) -> Result<Report, DspError> {
        let batches = batches(self.job, self.specs.main.sample_rate);
        for batch in &batches {
            if batch.hz > self.specs.main.sample_rate {
                self.warn(format!(
                    "{} Hz is above the rate of the main ({} Hz): nothing is gained by it",
                    batch.hz, self.specs.main.sample_rate
                ));
            }
        }
        if self.job.recipe.inserts() {
            self.warn(
                "the sound goes through a command of the operator's, each source by itself: the same bytes are not promised, and sums may not hold".into(),
            );
        }
        if self.job.recipe.leaves_the_sound_alone() {
            self.copy(&batches)?;
        } else {
            self.master(&batches)?;
        }
        if self.reasons.is_empty() {
            self.reasons.extend(self.off.first().cloned());
        }
        let sums = self.sums()?;
        if self.job.explain {
            self.hear_after()?;
        }
        self.name_files()?;
        let recipe = &self.job.recipe;
        let main = self.outputs.iter().find(|o| o.alternate == MAIN);
        let input = self.input.ok_or_else(|| DspError::Invalid("the main was never read".into()))?;
        let steps = self.seen.steps(recipe, main.map(|o| o.gain_db));
        let mut report = Report {
            target_lufs: recipe.target_lufs,
            ceiling_dbtp: recipe.ceiling_dbtp,
            reached: self.reasons.is_empty(),
            reason: (!self.reasons.is_empty()).then(|| self.reasons.join("; ")),
            engine: ENGINE,
            reproducible: !recipe.inserts(),
            recipe_sha256: hex::encode(recipe.hash()),
            gain_db: main.map_or(0.0, |o| o.gain_db),
            max_gain_reduction_db: main.map_or(0.0, |o| o.max_gain_reduction_db),
            loudest_clean_lufs: self.loudest_clean_lufs,
            input,
            outputs: self.outputs,
            alternates: self.alternates,
            sums,
            steps,
            sheet: None,
            warnings: self.warnings,
        };
        if self.job.explain {
            report.sheet = Some(Box::new(self.seen.sheet(&report, recipe)));
        }
        Ok(report)
    }

    /// Gives every file its name, or none.
    fn name_files(&mut self) -> Result<(), DspError> {
        let mut named = Vec::new();
        for files in self.step_files.drain(..) {
            named.extend(files.name()?);
        }
        for output in &self.outputs {
            let (from, to) = (self.workshop.path().join(&output.file), self.job.out_dir.join(&output.file));
            if let Err(source) = std::fs::rename(&from, &to) {
                // Half a delivery is none: what got its name already goes too.
                named.iter().for_each(|file| drop(std::fs::remove_file(file)));
                return Err(DspError::Write { path: to, source });
            }
            named.push(to);
        }
        Ok(())
    }

    fn master(&mut self, batches: &[Batch]) -> Result<(), DspError> {
        let limiter = self.job.recipe.limiter.as_ref();
        let curve = limiter.map_or(LimiterRecipe::default().curve(), LimiterRecipe::curve);
        let mut rates: Vec<u32> = Vec::new();
        batches.iter().for_each(|b| rates.extend(Some(b.hz).filter(|hz| !rates.contains(hz))));
        let others = self.others.clone();
        let (edits, keyed): (Vec<&Voice>, Vec<&Voice>) = others.iter().partition(|v| v.role == Role::Edit);
        let mut heard = self.hear_all(&keyed, &rates, &curve)?;
        let mut heard_edits = Vec::new();
        for edit in &edits {
            heard_edits.push(self.hear_edit(edit, &heard.studied, &rates, &curve)?);
        }
        let mut found: Vec<(&Batch, Level)> = Vec::new();
        for batch in batches {
            let Some(at) = rates.iter().position(|hz| *hz == batch.hz) else { continue };
            let aim = self.aim(batch);
            // Other rates begin at what was found for the same level; other levels by themselves, so that no output depends on others.
            let start =
                found.iter().find(|(other, _)| other.level() == batch.level()).map(|(_, level)| level);
            let level = self.print_keyed(batch, &aim, &mut heard.takes[at], &keyed, start)?;
            for (edit, heard) in edits.iter().zip(&heard_edits) {
                self.print_edit(batch, &aim, edit, &heard[at][0], &level)?;
            }
            found.push((batch, level));
        }
        Ok(())
    }

    /// Main and keyed alternates, side by side.
    fn hear_all(
        &mut self,
        keyed: &[&Voice],
        rates: &[u32],
        curve: &CurveSettings,
    ) -> Result<Heard, DspError> {
        let main = self.main.clone();
        let sums: Vec<Vec<usize>> = self
            .job
            .sums
            .iter()
            .map(|sum| sum.iter().filter_map(|token| keyed.iter().position(|v| v.token == *token)).collect())
            .collect();
        let and = if keyed.is_empty() { String::new() } else { format!(" and {} alternates", keyed.len()) };
        self.steps.begin_weighing(format!("listen to main{and}"), HEARING * (1 + keyed.len()) as f64)?;
        let cast = Cast { main: &main, others: keyed, sums: &sums, rates };
        let asked = Asked { figures: self.job.explain, files: self.job.write_steps.as_deref() };
        let segments = Segment::of(self.job.recipe.stages());
        let (dir, allowed) = (self.workshop.path(), &self.job.allowed);
        let how = Hearing { segments: &segments, allowed, curve, dir, asked };
        let mut heard = hear(&cast, &how, &mut self.steps)?;
        self.step_files = std::mem::take(&mut heard.files);
        self.seen.chain(&mut heard);
        let frames = heard.input.frames;
        self.residuals = heard.residuals.clone();
        for (voice, tail) in keyed.iter().zip(&heard.tails) {
            self.judge_length(voice, *tail, frames);
        }
        self.input = Some(heard.input.clone());
        Ok(heard)
    }

    /// An alternate whose time is not the main's goes through the chain by itself.
    fn hear_edit(
        &mut self,
        edit: &Voice,
        segments: &[Segment],
        rates: &[u32],
        curve: &CurveSettings,
    ) -> Result<Vec<Vec<Take>>, DspError> {
        self.steps.begin_weighing(format!("listen to {}", edit.token), HEARING)?;
        let cast = Cast { main: edit, others: &[], sums: &[], rates };
        let (dir, allowed) = (self.workshop.path(), &self.job.allowed);
        let how = Hearing { segments, allowed, curve, dir, asked: Asked::default() };
        Ok(hear(&cast, &how, &mut self.steps)?.takes)
    }

    /// Main and keyed alternates in one batch. Returns the level that was found.
    fn print_keyed(
        &mut self,
        batch: &Batch,
        aim: &Aim,
        takes: &mut [Take],
        keyed: &[&Voice],
        start: Option<&Level>,
    ) -> Result<Level, DspError> {
        self.steps.begin(format!("find the level of main at {} Hz", batch.hz))?;
        let Some((main, others)) = takes.split_first_mut() else { return Ok(Level::unity()) };
        main.share(None);
        let mut search = Search::of_main(main, aim, start);
        search.run(&mut self.steps)?;
        let (alone, met) = (search.level.clone(), matches!(search.outcome, Outcome::Met(_)));
        let mut standings = keyed
            .iter()
            .zip(&*others)
            .map(|(voice, take)| {
                let sharing = self.sharing().only_if(self.adds_up(&voice.token));
                Standing::of((voice, take), main, &alone, aim, sharing)
            })
            .collect::<Result<Vec<_>, _>>()?;
        drop(search);
        // Parts that the main's gains are enough for change nothing. One that would cost the main its target, or more gain than it may be over, is
        // not held with it: the neediest goes first.
        while let Some(neediest) = neediest(&standings) {
            let own: &Take = main;
            let sharers = others.iter().zip(&standings).filter(|(_, s)| s.shares).map(|(take, _)| take);
            let joined =
                share::joined(&[own].into_iter().chain(sharers).collect::<Vec<_>>(), self.workshop.path())?;
            main.share(Some(joined));
            let mut search = Search::of_main(main, aim, Some(&alone));
            search.run(&mut self.steps)?;
            let dear_db = search.level.gain_db - alone.gain_db;
            let still_met = !met || matches!(search.outcome, Outcome::Met(_));
            if still_met && dear_db <= self.sharing().share_max_db {
                let ensemble = Ensemble { batch, aim, main, others: together(keyed, others, &standings) };
                self.note_alternates(&ensemble, true);
                let lifts = self.lifts_of_sharers(&ensemble, &search.level)?;
                search.lift(&lifts)?;
                return self.print_ensemble(&ensemble, search);
            }
            if let (Some(standing), Some(voice)) = (standings.get_mut(neediest), keyed.get(neediest)) {
                standing.shares = false;
                self.warn(format!(
                    "{} at {} Hz is {:.1} dB over the ceiling with the main's gains; held by the main's own limiter it would cost the main {}, so it is held by itself",
                    voice.token,
                    batch.hz,
                    standing.over_db,
                    if still_met { format!("{dear_db:.1} dB more gain") } else { "its target".into() }
                ));
            }
        }
        main.share(None);
        let mut search = Search::of_main(main, aim, start);
        search.run(&mut self.steps)?;
        let ensemble = Ensemble { batch, aim, main, others: together(keyed, others, &standings) };
        self.note_alternates(&ensemble, false);
        self.print_ensemble(&ensemble, search)
    }

    /// Whether it is part of a set whose sources make the main: for any other, a deeper curve of the main would keep nothing together.
    fn adds_up(&self, token: &str) -> bool {
        let sums = self.job.sums.iter().zip(&self.residuals);
        sums.filter(|(sum, _)| sum.iter().any(|it| it == token)).any(|(_, residual)| residual.sources_hold())
    }

    fn sharing(&self) -> Sharing {
        let alternates = &self.job.recipe.alternates;
        Sharing { shared: alternates.overs == Overs::Share, share_max_db: alternates.share_max_db }
    }

    fn print_ensemble(&mut self, ensemble: &Ensemble<'_>, mut search: Search<'_>) -> Result<Level, DspError> {
        let batch = ensemble.batch;
        self.note_reason(search.outcome.in_words(ensemble.aim));
        let clean = search.loudest_clean_lufs()?;
        self.loudest_clean_lufs = self.loudest_clean_lufs.or(clean);
        let level = search.level.clone();
        if self.job.explain {
            self.seen.limiter(&level, ensemble.main)?;
        }
        let mut main_plates = self.plates(MAIN, batch);
        let mut plates: Vec<Plates> =
            ensemble.others.iter().map(|o| self.plates(&o.voice.token, batch)).collect();
        let all = (0..main_plates.all.len()).collect();
        let mut work = vec![(search, all, SHARE_ROUNDS)];
        while let Some((search, mine, rounds)) = work.pop() {
            let at = format!("main at {} Hz", batch.hz);
            let group = (search, mine);
            for (mut search, mine) in
                self.print_until_right(&at, batch, ensemble.main, group, &mut main_plates)?
            {
                let mut lifts = Vec::new();
                for (other, plates) in ensemble.others.iter().zip(&mut plates) {
                    let key = (&search.level, mine.as_slice());
                    lifts.extend(self.print_other(ensemble, other, key, plates, rounds > 0)?);
                }
                if !lifts.is_empty() {
                    search.lift(&lifts)?;
                    work.push((search, mine, rounds - 1));
                }
            }
        }
        let energies: Vec<f64> =
            main_plates.done.iter().map(|d| d.as_ref().map_or(0.0, |d| d.energy)).collect();
        self.book(MAIN, batch, main_plates, ensemble.main.frames, &energies)?;
        for (other, plates) in ensemble.others.iter().zip(plates) {
            self.book(&other.voice.token, batch, plates, ensemble.main.frames, &energies)?;
        }
        Ok(level)
    }

    fn note_alternates(&mut self, ensemble: &Ensemble<'_>, sharing: bool) {
        for other in &ensemble.others {
            let (shared, over_db) = (sharing && other.shares, other.standing.over_db);
            if shared && over_db > OVER_DB {
                self.warn(format!(
                    "the limiter goes up to {:.1} dB deeper so that {} keeps the ceiling too and everything still adds up",
                    over_db, other.voice.token
                ));
            }
            self.alternates.push(AlternateReport {
                alternate: other.voice.token.clone(),
                sample_rate: ensemble.batch.hz,
                target_lufs: ensemble.batch.target_lufs(),
                role: other.voice.role.token(),
                keyed: true,
                over_db,
                shared,
            });
        }
    }

    /// An edit gets the gain of the main and a limiter by itself.
    fn print_edit(
        &mut self,
        batch: &Batch,
        aim: &Aim,
        edit: &Voice,
        take: &Take,
        main: &Level,
    ) -> Result<(), DspError> {
        let at = format!("{} at {} Hz", edit.token, batch.hz);
        let mut search = Search::of_alternate(take, aim, main);
        search.run(&mut self.steps)?;
        let mut plates = self.plates(&edit.token, batch);
        let all = (0..plates.all.len()).collect();
        self.print_until_right(&at, batch, take, (search, all), &mut plates)?;
        self.alternates.push(AlternateReport {
            alternate: edit.token.clone(),
            sample_rate: batch.hz,
            target_lufs: batch.target_lufs(),
            role: edit.role.token(),
            keyed: false,
            over_db: take.own_peak_dbtp() + main.gain_db + main.trim_db - aim.ceiling_dbtp,
            shared: false,
        });
        self.book(&edit.token, batch, plates, take.frames, &[])
    }

    /// The ceiling less what other meters may read, and what dither and rounding can add between samples. The same for every output: a copy of 16 bits
    /// must not change the master of 24.
    fn aim(&self, batch: &Batch) -> Aim {
        let recipe = &self.job.recipe;
        let ceiling = linear(batch.ceiling_dbtp - METER_ROOM_DB - SLACK_DB);
        Aim {
            target: batch.target.clone(),
            ceiling_dbtp: decibels((ceiling - ROUNDING).max(0.5 * ceiling)),
            stated_ceiling_dbtp: batch.ceiling_dbtp,
            limiter: recipe
                .limiter
                .as_ref()
                .map(|l| Limiter { curve: l.curve(), max_reduction_db: l.max_reduction_db }),
        }
    }

    pub fn check(&mut self, plates: &Plates, which: &[usize]) -> Result<Vec<Checked>, DspError> {
        let paths: Vec<_> = which.iter().map(|i| plates.all[*i].path.clone()).collect();
        check::check(&paths, self.way.threads, &mut self.steps)
    }

    /// Puts the finished files into the report. Two meters that disagree end the render: one of them is wrong, and nobody knows which.
    pub fn book(
        &mut self,
        token: &str,
        batch: &Batch,
        plates: Plates,
        frames: u64,
        main_energies: &[f64],
    ) -> Result<(), DspError> {
        let mut deepest = 0.0f64;
        for (i, (plate, done)) in plates.all.into_iter().zip(plates.done).enumerate() {
            let Some(Done { checked, gain_db, max_reduction_db, guarded, .. }) = done else { continue };
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
            let guarded = guarded.map(|g| g.against(main_energies.get(i).copied().unwrap_or(0.0)));
            if let Some(guard) = &guarded {
                self.warn_of_guard(token, batch, guard);
            }
            if token == MAIN {
                self.off.extend(off_target(batch, &plate, measurement.integrated_lufs));
            }
            self.outputs.push(OutputReport {
                alternate: token.to_owned(),
                file: plate.file,
                encoding: plate.output.encoding.to_string(),
                sample_rate: batch.hz,
                channels: checked.channels,
                bits: checked.bits,
                bytes: checked.bytes,
                sha256: checked.sha256,
                target_lufs: batch.target_lufs(),
                ceiling_dbtp: batch.ceiling_dbtp,
                measurement,
                gain_db,
                max_gain_reduction_db: max_reduction_db,
                guarded,
                second_meter_lufs: Some(checked.second_meter_lufs),
            });
        }
        let keyed = self.others.iter().any(|v| v.token == token && v.role != Role::Edit);
        if deepest > REDUCTION_WORTH_A_WARNING_DB && !keyed {
            let clean = self.loudest_clean_lufs.filter(|_| token == MAIN).map_or(String::new(), |lufs| {
                format!(
                    "; the loudest clean level, with at most {REDUCTION_WORTH_A_WARNING_DB:.0} dB of limiting, is {lufs:.1} LUFS"
                )
            });
            self.warn(format!(
                "the limiter takes up to {deepest:.1} dB off {token} at {} Hz{clean}",
                batch.hz
            ));
        }
        Ok(())
    }

    pub fn plates(&self, token: &str, batch: &Batch) -> Plates {
        let name = if token == MAIN { self.job.stem.clone() } else { format!("{}_{token}", self.job.stem) };
        let plate = |output: &Output| {
            let encoding = output.encoding;
            let level = output.label().map_or(String::new(), |label| format!("_{label}"));
            let file = format!("{name}_{encoding}_{}{level}.{}", batch.hz, encoding.extension());
            Plate { output: output.clone(), path: self.workshop.path().join(&file), file }
        };
        let all: Vec<Plate> = batch.outputs.iter().map(plate).collect();
        Plates { done: all.iter().map(|_| None).collect(), all }
    }

    pub fn note_reason(&mut self, reason: Option<String>) {
        self.reasons.extend(reason.filter(|r| !self.reasons.contains(r)));
    }

    pub fn warn(&mut self, warning: String) {
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }
}

/// The part that is furthest over the ceiling among those that the limiter is to hold too; `None` where none of them is over it.
fn neediest(standings: &[Standing]) -> Option<usize> {
    let over = standings.iter().enumerate().filter(|(_, s)| s.shares && s.over_db > OVER_DB);
    over.max_by(|(_, a), (_, b)| a.over_db.total_cmp(&b.over_db)).map(|(i, _)| i)
}

fn together<'t>(keyed: &[&'t Voice], takes: &'t [Take], standings: &[Standing]) -> Vec<Other<'t>> {
    let pairs = keyed.iter().zip(takes).zip(standings);
    pairs
        .map(|((voice, take), standing)| Other { voice, take, standing: *standing, shares: standing.shares })
        .collect()
}
