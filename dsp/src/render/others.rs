//! Alternates beside their main: they get its gains frame by frame. Where that leaves one over the ceiling, either the limiter is made deep enough
//! for all, so that everything still adds up, or that one gets a guard of its own. Never here: how the main's level is found.

use super::{
    Role,
    batch::Batch,
    fault::{Fault, LAST_RESORT, REPRINTS, unheld},
    hear::Voice,
    level::{Gains, GuardDid, Guarded, Level, Lift},
    print::{Format, Plate, Printed, print},
    report,
    run::{Done, Plates, Run},
    search::{Aim, Outcome},
    share,
    take::{Take, rises, worst_db},
};
use crate::{error::DspError, processors::decibels, recipe::LimiterRecipe};

/// Times that the limiter of the main is made deeper after files were printed.
pub const SHARE_ROUNDS: usize = 2;
/// What an alternate may be over by the tracks before anything is done about it: less than files are allowed.
pub const OVER_DB: f64 = 0.005;
/// Places of a guard that lie nearer together than this are one.
const ONE_PLACE_S: f64 = 0.25;
/// The report names so many of them.
const PLACES: usize = 50;

/// What is done about alternates that are over the ceiling with the gains of the main.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sharing {
    /// The limiter is made deep enough for main and parts together; else each gets a guard of its own.
    pub shared: bool,
    /// A part that would need more than this gets a guard of its own all the same.
    pub share_max_db: f64,
}

impl Sharing {
    pub fn only_if(self, may: bool) -> Self {
        Sharing { shared: self.shared && may, ..self }
    }
}

impl Default for Sharing {
    fn default() -> Self {
        Sharing { shared: true, share_max_db: 3.0 }
    }
}

/// How an alternate fares under the level that was found for the main alone.
#[derive(Clone, Copy)]
pub struct Standing {
    pub over_db: f64,
    pub shares: bool,
}

impl Standing {
    pub fn of(
        (voice, take): (&Voice, &Take),
        main: &Take,
        level: &Level,
        aim: &Aim,
        sharing: Sharing,
    ) -> Result<Self, DspError> {
        let over_db = share::over_db(level, main, take, level.limit_dbtp.unwrap_or(aim.ceiling_dbtp))?;
        let shares = sharing.shared && voice.role == Role::Part && over_db <= sharing.share_max_db;
        Ok(Standing { over_db, shares })
    }
}

/// An alternate at the rate of a batch.
pub struct Other<'t> {
    pub voice: &'t Voice,
    pub take: &'t Take,
    pub standing: Standing,
    /// The limiter holds it beside the main.
    pub shares: bool,
}

/// A main at the rate of a batch with its keyed alternates.
pub struct Ensemble<'t> {
    pub batch: &'t Batch,
    pub aim: &'t Aim,
    pub main: &'t Take,
    pub others: Vec<Other<'t>>,
}

impl Ensemble<'_> {
    fn at(&self, other: &Other<'_>) -> String {
        format!("{} at {} Hz", other.voice.token, self.batch.hz)
    }
}

impl Run<'_> {
    /// Plays every alternate that shares the limiter and tells where its wave still rises over the aim.
    pub fn lifts_of_sharers(
        &mut self,
        ensemble: &Ensemble<'_>,
        level: &Level,
    ) -> Result<Vec<Lift>, DspError> {
        let mut lifts = Vec::new();
        for other in ensemble.others.iter().filter(|o| o.shares) {
            let gains = Gains::replay(level, ensemble.main, None)?;
            let found = rises(other.take, gains, ensemble.aim.ceiling_dbtp, &mut self.steps)?;
            lifts.extend(level.lifts_for(&found, ensemble.main)?);
        }
        Ok(lifts)
    }

    /// Prints one alternate at a level of its main until it keeps the ceiling. `lift`: where it cannot, and shares the limiter, the answer is what
    /// the main's limiter should do about it; the files are wrong then.
    pub fn print_other(
        &mut self,
        ensemble: &Ensemble<'_>,
        other: &Other<'_>,
        (level, mine): (&Level, &[usize]),
        plates: &mut Plates,
        lift: bool,
    ) -> Result<Vec<Lift>, DspError> {
        let at = ensemble.at(other);
        let (batch, take) = (ensemble.batch, other.take);
        let format =
            Format { rate: batch.hz, channels: take.channels, frames: Some(take.frames), grid_bits: None };
        let limit_dbtp = level.limit_dbtp.unwrap_or(ensemble.aim.ceiling_dbtp);
        let over_db = share::over_db(level, ensemble.main, take, limit_dbtp)?;
        let first = (!other.shares && over_db > OVER_DB).then(|| guard(level, ensemble.aim, over_db));
        let mut waiting = vec![(first, mine.to_vec())];
        for reprint in 0..=REPRINTS {
            let mut again = Vec::new();
            for (own, mine) in waiting {
                let all: Vec<&Plate> = mine.iter().map(|i| &plates.all[*i]).collect();
                let guarded = |own| Guarded { level: own, take };
                let gains = Gains::replay(level, ensemble.main, own.as_ref().map(guarded))?;
                if reprint == 0 {
                    self.steps.begin(format!("write {at}"))?;
                }
                let (printed, _) = print(take.sound()?, Some(gains), &all, &format, &mut self.steps)?;
                if reprint == 0 {
                    self.steps.begin(format!("check {at}"))?;
                }
                let checked = self.check(plates, &mine)?;
                let did = told(ensemble, own.as_ref(), &printed);
                let mut wrong: Vec<(usize, f64)> = Vec::new();
                for (i, checked) in mine.into_iter().zip(checked) {
                    let fault = Fault::of(&plates.all[i], &checked, batch.ceiling_dbtp, &Outcome::Met(None));
                    if fault.stands() {
                        wrong.push((i, fault.over_db));
                    }
                    plates.done[i] = Some(Done {
                        checked,
                        gain_db: level.gain_db + level.trim_db + own.as_ref().map_or(0.0, |own| own.trim_db),
                        max_reduction_db: printed.max_reduction_db,
                        energy: printed.energy,
                        guarded: did.clone(),
                    });
                }
                let (lossy, plain): (Vec<_>, Vec<_>) =
                    wrong.into_iter().partition(|(i, _)| plates.all[*i].encoding().lossy());
                if lift && other.shares && !plain.is_empty() {
                    let found = rises(
                        take,
                        Gains::replay(level, ensemble.main, None)?,
                        ensemble.aim.ceiling_dbtp,
                        &mut self.steps,
                    )?;
                    let lifts = level.lifts_for(&found, ensemble.main)?;
                    if !lifts.is_empty() {
                        return Ok(lifts);
                    }
                }
                for wrong in [plain].into_iter().chain(lossy.into_iter().map(|one| vec![one])) {
                    if !wrong.is_empty() {
                        let over_db = wrong.iter().fold(0.0, |m: f64, (_, over_db)| m.max(*over_db));
                        let own = self.tighten(ensemble, other, level, own.as_ref(), (over_db, reprint))?;
                        again.push((Some(own), wrong.into_iter().map(|(i, _)| i).collect()));
                    }
                }
            }
            if again.is_empty() {
                return Ok(Vec::new());
            }
            waiting = again;
        }
        let ceiling = batch.ceiling_dbtp;
        if plates.done.iter().flatten().any(|d| d.checked.measurement.true_peak_dbtp > ceiling) {
            return Err(unheld(ceiling, &at));
        }
        Ok(Vec::new())
    }

    /// A guard that holds what was over by so much: behind it the sound is played again, and what does not show there is kept free as a whole.
    fn tighten(
        &mut self,
        ensemble: &Ensemble<'_>,
        other: &Other<'_>,
        level: &Level,
        own: Option<&Level>,
        (over_db, reprint): (f64, usize),
    ) -> Result<Level, DspError> {
        let mut own = own.cloned().unwrap_or_else(|| guard(level, ensemble.aim, 0.0));
        let Some(limit_dbtp) = own.limit_dbtp.filter(|_| reprint < LAST_RESORT) else {
            own.trim_db -= over_db + 0.001;
            return Ok(own);
        };
        let guarded = Guarded { level: &own, take: other.take };
        let gains = Gains::replay(level, ensemble.main, Some(Guarded { ..guarded }))?;
        let found = rises(other.take, gains, ensemble.aim.ceiling_dbtp, &mut self.steps)?;
        let lifts = guarded.lifts_for(&found, (level, ensemble.main))?;
        own.lift(&lifts);
        if worst_db(&found) < over_db {
            own.limit_dbtp = Some(limit_dbtp - over_db - 0.001);
        }
        Ok(own)
    }
}

/// A limiter behind the main's gains; where the recipe has none, the whole is turned down by what it is over.
fn guard(level: &Level, aim: &Aim, over_db: f64) -> Level {
    let curve = aim.limiter.as_ref().map_or(LimiterRecipe::default().curve(), |l| l.curve);
    let trim_db = if level.limit_dbtp.is_some() { 0.0 } else { -over_db.max(0.0) };
    Level { gain_db: level.gain_db, limit_dbtp: level.limit_dbtp, curve, trim_db, lifts: Vec::new() }
}

/// What a guard did, for the report; the residual is set against the main when its files are known.
fn told(ensemble: &Ensemble<'_>, own: Option<&Level>, printed: &Printed) -> Option<GuardTold> {
    let own = own?;
    let trim = crate::processors::linear(own.trim_db);
    // What turning down takes away, on top of what the limiter did.
    let trimmed = if trim < 1.0 { printed.energy * (1.0 / trim - 1.0) * (1.0 / trim - 1.0) } else { 0.0 };
    let (reduction_db, taken, places) = printed.guard.as_ref().map_or((0.0, 0.0, Vec::new()), |did| {
        (did.reduction_db, did.energy, places(did, ensemble.main.group, ensemble.main.sample_rate))
    });
    Some(GuardTold {
        told: report::Guarded { reduction_db, trim_db: own.trim_db, residual_db: f64::NEG_INFINITY, places },
        taken: taken + trimmed,
    })
}

/// Of one alternate, and the squares that it lost by it.
#[derive(Clone)]
pub struct GuardTold {
    pub told: report::Guarded,
    pub taken: f64,
}

impl GuardTold {
    /// Against the squares of the main.
    pub fn against(mut self, main_energy: f64) -> report::Guarded {
        if self.taken > 0.0 && main_energy > 0.0 {
            self.told.residual_db = 0.5 * decibels(self.taken / main_energy);
        }
        self.told
    }
}

/// The deepest places of a guard, deepest first.
fn places(did: &GuardDid, group: usize, sample_rate: u32) -> Vec<report::Place> {
    let seconds = |group_number: u64| group_number as f64 * group as f64 / f64::from(sample_rate);
    let mut all: Vec<report::Place> = Vec::new();
    for span in &did.spans {
        let place = report::Place {
            start_s: seconds(span.start_group),
            end_s: seconds(span.end_group + 1),
            reduction_db: decibels(1.0 / span.gain),
        };
        match all.last_mut() {
            Some(last) if place.start_s - last.end_s < ONE_PLACE_S => {
                last.end_s = place.end_s;
                last.reduction_db = last.reduction_db.max(place.reduction_db);
            }
            _ => all.push(place),
        }
    }
    all.sort_by(|a, b| b.reduction_db.total_cmp(&a.reduction_db));
    all.truncate(PLACES);
    all
}
