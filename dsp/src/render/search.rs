//! The search for the level that meets a target under a ceiling, with the limiter in place. It works on the tracks of a take, which costs
//! milliseconds a try, and asks the sound itself once or twice what the tracks cannot know. Never here: output files.

use super::{
    CLEAN_REDUCTION_DB,
    level::{Level, Lift},
    steps::Steps,
    take::Take,
};
use crate::{error::DspError, processors::CurveSettings, recipe::Target};

/// The search on tracks ends here.
const SEARCH_TOLERANCE_LU: f64 = 0.001;
const TRIES: usize = 20;
/// If a decibel of gain gives less than a fifth of a decibel of loudness, the release is too slow for so much limiting.
const SATURATED_DB_PER_LU: f64 = 5.0;
/// Nobody hears so little, and a limiter that works harder is heard.
const AS_LOUD_LU: f64 = 0.1;
/// Releases are tried at these parts of their length, slowest first.
const PACES: [f64; 4] = [1.0, 0.5, 0.25, 0.125];
/// Times that the sound is played to correct what the tracks tell.
const REHEARSALS: usize = 5;
/// After a rehearsal that was no further off, the next one may be left to the meter that judges the file.
const NEARLY_LU: f64 = 0.15;
const NEARLY_DB: f64 = 0.25;
/// A rehearsal this near needs no other, and no other gain either.
const SURE_LU: f64 = 0.003;
const SLIGHT_DB: f64 = 0.1;
/// Where no peak is pushed down further than this, the tracks tell the loudness to some thousandths of a LU and next to nothing passes the limiter:
/// the sound is not played before it is printed. The meter that judges the file holds it to the same bounds, and has it mended if they are passed.
const PROMPT_DB: f64 = 3.0;
/// Steps in which a penalty table is looked over.
const PENALTY_STEP_DB: f64 = 0.25;
/// More gain than this over what the target would need without limiting leads nowhere.
const GAIN_ROOM_DB: f64 = 24.0;

/// What the search aims at.
#[derive(Clone, Debug)]
pub struct Aim {
    pub target: Option<Target>,
    /// In dBTP, already lowered by what quantising and other meters may add.
    pub ceiling_dbtp: f64,
    /// For people.
    pub stated_ceiling_dbtp: f64,
    /// `None`: no limiter; gain goes as far as the ceiling allows.
    pub limiter: Option<Limiter>,
}

#[derive(Clone, Debug)]
pub struct Limiter {
    pub curve: CurveSettings,
    pub max_reduction_db: f64,
}

/// How a search ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// At this loudness, if a number was aimed at.
    Met(Option<f64>),
    /// The allowed reduction is used up; this loudness was reached.
    Spent(f64),
    /// More gain hardly gives more loudness; this was reached.
    Saturated(f64),
    /// There is no limiter, and this is as loud as the ceiling allows.
    Unlimited(f64),
    /// The sound is silent, too short or too soft.
    NoLoudness { silent: bool },
}

impl Outcome {
    /// Why the target is missed, for people.
    pub fn in_words(&self, aim: &Aim) -> Option<String> {
        let ceiling = aim.stated_ceiling_dbtp;
        let asked = match &aim.target {
            Some(Target::Lufs(target)) => format!("{target:.1} LUFS"),
            _ => "the target".to_owned(),
        };
        match self {
            Outcome::Met(_) => None,
            Outcome::Spent(lufs) => Some(format!(
                "{asked} under {ceiling:.1} dBTP would take more than the {:.1} dB of limiting that the recipe allows; this is {lufs:.2} LUFS",
                aim.limiter.as_ref().map_or(0.0, |l| l.max_reduction_db)
            )),
            Outcome::Saturated(lufs) => Some(format!(
                "more gain gives no more loudness under {ceiling:.1} dBTP; this is {lufs:.2} LUFS instead of {asked}"
            )),
            Outcome::Unlimited(lufs) => {
                Some(format!("the recipe has no limiter, and the ceiling allows {lufs:.1} LUFS without one"))
            }
            Outcome::NoLoudness { silent: true } => {
                Some("the sound is silent: it has no loudness".to_owned())
            }
            Outcome::NoLoudness { silent: false } => Some(
                "the sound is too short or too soft to have a loudness (400 ms above -70 LUFS are needed)"
                    .to_owned(),
            ),
        }
    }
}

/// One gain that was tried.
#[derive(Clone)]
struct Trial {
    gain_db: f64,
    lufs: f64,
    curve: CurveSettings,
}

/// The search for one take.
#[derive(Clone)]
pub struct Search<'t> {
    take: &'t Take,
    aim: &'t Aim,
    /// What the sound is louder than its tracks tell, around the level last heard.
    offset_lu: f64,
    /// The level that the tracks were last asked about, and what they told.
    told: Option<(Level, f64)>,
    /// What was tried for the target last asked.
    trials: Vec<Trial>,
    /// `None`: the gain is given, by a main to its alternate.
    target: Option<Target>,
    pub level: Level,
    pub outcome: Outcome,
}

impl<'t> Search<'t> {
    /// Of a main. `start`: the level found at another rate, to begin from.
    pub fn of_main(take: &'t Take, aim: &'t Aim, start: Option<&Level>) -> Self {
        let target = aim.target.clone();
        let mut search = Search::new(take, aim, target);
        if let Some(start) = start {
            (search.level.gain_db, search.level.curve) = (start.gain_db, start.curve);
        }
        search
    }

    /// Of an alternate, which takes the gain of its main.
    pub fn of_alternate(take: &'t Take, aim: &'t Aim, main: &Level) -> Self {
        let mut search = Search::new(take, aim, None);
        (search.level.gain_db, search.level.curve) = (main.gain_db, main.curve);
        search.level.trim_db = main.trim_db;
        search
    }

    fn new(take: &'t Take, aim: &'t Aim, target: Option<Target>) -> Self {
        let level = match &aim.limiter {
            Some(limiter) => {
                Level { limit_dbtp: Some(aim.ceiling_dbtp), curve: limiter.curve, ..Level::unity() }
            }
            None => Level::unity(),
        };
        Search {
            take,
            aim,
            offset_lu: 0.0,
            told: None,
            trials: Vec::new(),
            target,
            level,
            outcome: Outcome::Met(None),
        }
    }

    /// Finds the level, and plays the sound as often as needed.
    pub fn run(&mut self, steps: &mut Steps<'_>) -> Result<(), DspError> {
        self.place()?;
        if self.level.gain_db <= self.gain_for(PROMPT_DB) {
            return Ok(());
        }
        for rehearsal in 0..REHEARSALS {
            if !self.limits() {
                return Ok(());
            }
            let heard = self.take.rehearse(&self.level, self.aim.ceiling_dbtp, false, steps)?;
            let (error_lu, worst_db) = (self.learn(heard.lufs)?, heard.worst_db());
            self.level.lift(&heard.lifts);
            // What is lifted so little does not move the loudness.
            if worst_db <= SLIGHT_DB && error_lu.abs() <= SURE_LU {
                return Ok(());
            }
            self.place()?;
            if error_lu.abs() <= NEARLY_LU && worst_db <= NEARLY_DB || rehearsal + 1 == REHEARSALS {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Plays the sound again, looking everywhere for what is over, after a file was found wanting by `over_db` or by `error_lu`.
    pub fn mend(&mut self, over_db: f64, error_lu: f64, steps: &mut Steps<'_>) -> Result<(), DspError> {
        self.offset_lu += error_lu;
        if over_db > 0.0 {
            if self.level.limit_dbtp.is_none() {
                self.level.trim_db -= over_db + 0.001;
            } else {
                let heard = self.take.rehearse(&self.level, self.aim.ceiling_dbtp, true, steps)?;
                self.level.lift(&heard.lifts);
                if let Some(limit) = &mut self.level.limit_dbtp
                    && heard.worst_db() < over_db
                {
                    // What the sound itself does not show comes from quantising: the whole aim goes down.
                    *limit -= over_db + 0.001;
                }
            }
        }
        self.place()
    }

    /// Holds these places too, and finds the gain anew.
    pub fn lift(&mut self, lifts: &[Lift]) -> Result<(), DspError> {
        if lifts.is_empty() {
            return Ok(());
        }
        self.level.lift(lifts);
        self.place()
    }

    /// Lowers the aim, for a file whose encoding adds to the peaks, and finds the gain anew: what goes into the encoder is as loud as before.
    /// `error_lu`: what comes out of it was louder than aimed at.
    pub fn lower(&mut self, over_db: f64, error_lu: f64) -> Result<(), DspError> {
        self.offset_lu += error_lu;
        match &mut self.level.limit_dbtp {
            _ if over_db <= 0.0 => {}
            Some(limit) => *limit -= over_db + 0.001,
            None => self.level.trim_db -= over_db + 0.001,
        }
        self.place()
    }

    /// Turns everything down after the limiter.
    pub fn turn_down(&mut self, over_db: f64) {
        self.level.trim_db -= over_db + 0.001;
    }

    /// Compares what was heard with what the tracks tell, and returns how far the sound is from what was aimed at.
    fn learn(&mut self, heard_lufs: f64) -> Result<f64, DspError> {
        if self.target.is_none() || !heard_lufs.is_finite() {
            return Ok(0.0);
        }
        self.offset_lu = heard_lufs - self.guess_lufs()?;
        match self.outcome {
            Outcome::Met(Some(aimed)) => Ok(heard_lufs - aimed),
            _ => Ok(0.0),
        }
    }

    /// What the tracks tell of the level as it is.
    fn guess_lufs(&mut self) -> Result<f64, DspError> {
        if let Some((level, lufs)) = &self.told
            && *level == self.level
        {
            return Ok(*lufs);
        }
        let lufs = self.take.guess_lufs(&self.level)?;
        self.told = Some((self.level.clone(), lufs));
        Ok(lufs)
    }

    fn limits(&self) -> bool {
        match self.level.limit_dbtp {
            Some(limit) => self.take.peak_dbtp() + self.level.gain_db > limit || !self.level.lifts.is_empty(),
            None => false,
        }
    }

    /// Loudness at `gain_db` with everything else as it is.
    fn loud(&mut self, gain_db: f64) -> Result<f64, DspError> {
        self.level.gain_db = gain_db;
        if !self.limits() {
            let lufs = self.take.lufs.unwrap_or(f64::NEG_INFINITY) + self.offset_lu;
            return Ok(lufs + gain_db + self.level.trim_db);
        }
        Ok(self.guess_lufs()? + self.offset_lu)
    }

    /// The gain at which the loudest peak is pushed down by `reduction_db`.
    fn gain_for(&self, reduction_db: f64) -> f64 {
        self.level.limit_dbtp.unwrap_or(self.aim.ceiling_dbtp) + reduction_db - self.take.peak_dbtp()
    }

    /// Chooses the gain by the tracks, with what was learned of the sound.
    fn place(&mut self) -> Result<(), DspError> {
        let Some(target) = self.target.clone() else {
            return self.place_untargeted();
        };
        let Some(lufs) = self.take.lufs else {
            self.outcome = Outcome::NoLoudness { silent: self.take.peak_dbtp() == f64::NEG_INFINITY };
            self.level.gain_db = 0.0;
            return self.hold_without_limiter();
        };
        let allowed_db = self.aim.limiter.as_ref().map_or(0.0, |l| l.max_reduction_db);
        let wanted = match target {
            Target::Lufs(wanted) => wanted,
            Target::Clean { reduction_db } => return self.place_clean(reduction_db.min(allowed_db)),
            Target::Range { low_lufs, high_lufs, reduction_db } => {
                let gain_db = self.gain_for(reduction_db.min(allowed_db));
                let clean = self.loud(gain_db)?;
                if (low_lufs..=high_lufs).contains(&clean) {
                    return self.place_clean(reduction_db.min(allowed_db));
                }
                clean.clamp(low_lufs, high_lufs)
            }
            Target::Penalty { ref points, cost_per_db } => {
                self.least_penalty(points, cost_per_db, lufs, allowed_db)?
            }
        };
        self.outcome = self.meet(wanted, lufs)?;
        Ok(())
    }

    fn place_untargeted(&mut self) -> Result<(), DspError> {
        self.outcome = Outcome::Met(None);
        self.hold_without_limiter()
    }

    fn hold_without_limiter(&mut self) -> Result<(), DspError> {
        if self.level.limit_dbtp.is_none() {
            let over_db = self.take.peak_dbtp() + self.level.gain_db - self.aim.ceiling_dbtp;
            self.level.trim_db = self.level.trim_db.min(-over_db.max(0.0));
        }
        Ok(())
    }

    fn place_clean(&mut self, reduction_db: f64) -> Result<(), DspError> {
        self.level.gain_db = self.gain_for(reduction_db);
        self.outcome = Outcome::Met(None);
        Ok(())
    }

    /// The loudness between the ends of the table whose penalty and whose limiting together cost least, at the release that the recipe states.
    fn least_penalty(
        &mut self,
        points: &[[f64; 2]],
        cost_per_db: f64,
        lufs: f64,
        allowed_db: f64,
    ) -> Result<f64, DspError> {
        let (low, high) = (points[0][0], points[points.len() - 1][0]);
        let most_db = self.gain_for(allowed_db).min(high - lufs + GAIN_ROOM_DB);
        let mut best = (f64::INFINITY, low);
        let mut weigh = |loud: f64, reduction_db: f64| {
            let cost = penalty(points, loud) + cost_per_db * reduction_db;
            // Of equal costs the softer one.
            if cost < best.0 - 1e-9 {
                best = (cost, loud);
            }
        };
        let mut gain_db = (low - lufs).min(most_db);
        let mut last: Option<(f64, f64)> = None;
        loop {
            let loud = self.loud(gain_db)?;
            let reduction_db = (gain_db - self.gain_for(0.0)).max(0.0);
            // The table's own points count too, where they lie between two tries.
            for [point, _] in points {
                if let Some((before, reduction_before_db)) = last
                    && before < *point
                    && *point < loud
                {
                    let part = (point - before) / (loud - before);
                    weigh(*point, reduction_before_db + part * (reduction_db - reduction_before_db));
                }
            }
            if loud <= high {
                weigh(loud.max(low), reduction_db);
            }
            if gain_db >= most_db || loud >= high {
                break;
            }
            last = Some((loud, reduction_db));
            gain_db = (gain_db + PENALTY_STEP_DB).min(most_db);
        }
        Ok(best.1)
    }

    /// Finds the gain for a loudness with the limiter's aim as it is, with the slowest release that can do it.
    fn meet(&mut self, wanted: f64, lufs: f64) -> Result<Outcome, DspError> {
        let lufs = lufs + self.offset_lu;
        let wanted_db = wanted - lufs;
        let Some(limiter) = &self.aim.limiter else {
            let most_db = self.gain_for(0.0);
            self.level.gain_db = wanted_db.min(most_db);
            let short = most_db < wanted_db - SEARCH_TOLERANCE_LU;
            return Ok(if short { Outcome::Unlimited(lufs + most_db) } else { Outcome::Met(Some(wanted)) });
        };
        let before = self.level.gain_db;
        self.level.gain_db = wanted_db;
        if !self.limits() {
            return Ok(Outcome::Met(Some(wanted)));
        }
        self.level.gain_db = before;
        let spent_db = self.gain_for(limiter.max_reduction_db);
        let most_db = spent_db.min(wanted_db + GAIN_ROOM_DB);
        let mut outcome = Outcome::Met(None);
        self.trials.clear();
        for pace in PACES {
            let curve = CurveSettings {
                fast_release_ms: limiter.curve.fast_release_ms * pace,
                slow_release_ms: limiter.curve.slow_release_ms * pace,
                ..limiter.curve
            };
            // A pace that was left behind once is not tried again.
            if curve.fast_release_ms > self.level.curve.fast_release_ms {
                continue;
            }
            self.level.curve = curve;
            outcome = self.secant(wanted, wanted_db, most_db)?;
            if matches!(outcome, Outcome::Met(_)) {
                break;
            }
        }
        Ok(match outcome {
            Outcome::Spent(_) | Outcome::Saturated(_) => self.least_that_is_as_loud(most_db < spent_db),
            met => met,
        })
    }

    /// Where the target cannot be had, limiting harder only costs: of all that was tried, the least gain that comes within [`AS_LOUD_LU`] of the loudest.
    fn least_that_is_as_loud(&mut self, saturated: bool) -> Outcome {
        let loudest = self.trials.iter().fold(f64::NEG_INFINITY, |m, t| m.max(t.lufs));
        let as_loud = self.trials.iter().filter(|t| t.lufs >= loudest - AS_LOUD_LU);
        let Some(least) = as_loud.min_by(|a, b| a.gain_db.total_cmp(&b.gain_db)).cloned() else {
            return Outcome::Saturated(loudest);
        };
        let highest = self.trials.iter().fold(f64::NEG_INFINITY, |m, t| m.max(t.gain_db));
        (self.level.gain_db, self.level.curve) = (least.gain_db, least.curve);
        if saturated || least.gain_db < highest {
            Outcome::Saturated(least.lufs)
        } else {
            Outcome::Spent(least.lufs)
        }
    }

    /// Secant steps, kept between the gains known to be too low and too high.
    fn secant(&mut self, wanted: f64, wanted_db: f64, most_db: f64) -> Result<Outcome, DspError> {
        let (mut low, mut high) = (wanted_db.min(most_db) - 0.5, most_db);
        let mut gain = self.level.gain_db.max(low).min(most_db);
        let mut last: Option<(f64, f64)> = None;
        let mut lufs = f64::NEG_INFINITY;
        for _ in 0..TRIES {
            lufs = self.loud(gain)?;
            self.trials.push(Trial { gain_db: gain, lufs, curve: self.level.curve });
            let short = wanted - lufs;
            if short.abs() <= SEARCH_TOLERANCE_LU {
                return Ok(Outcome::Met(Some(wanted)));
            }
            if short > 0.0 && gain >= most_db {
                return Ok(Outcome::Spent(lufs));
            }
            let slope = match last {
                Some((g, l)) if (lufs - l).abs() > 1e-5 => (gain - g) / (lufs - l),
                Some(_) => 2.0 * SATURATED_DB_PER_LU,
                None => 1.3,
            };
            if short > 0.1 && slope > SATURATED_DB_PER_LU {
                return Ok(Outcome::Saturated(lufs));
            }
            if short > 0.0 {
                low = gain;
            } else {
                high = gain;
            }
            last = Some((gain, lufs));
            let next = gain + short * slope.clamp(0.8, SATURATED_DB_PER_LU);
            // The upper end may be tried itself: only there can the allowed reduction turn out to be spent.
            gain = if next > low && (next < high || high == most_db) {
                next.min(most_db)
            } else {
                0.5 * (low + high)
            };
        }
        let met = (wanted - lufs).abs() <= 0.01;
        Ok(if met { Outcome::Met(Some(wanted)) } else { Outcome::Saturated(lufs) })
    }

    /// How loud the take is with no peak pushed down by more than [`CLEAN_REDUCTION_DB`]; `None` where the level found asks for no more.
    pub fn loudest_clean_lufs(&mut self) -> Result<Option<f64>, DspError> {
        let clean_db = self.gain_for(CLEAN_REDUCTION_DB);
        if self.target.is_none() || self.take.lufs.is_none() || self.level.limit_dbtp.is_none() {
            return Ok(None);
        }
        let found = self.level.clone();
        if found.gain_db <= clean_db {
            return Ok(None);
        }
        self.level.curve = self.aim.limiter.as_ref().map_or(found.curve, |l| l.curve);
        let lufs = self.loud(clean_db)?;
        self.level = found;
        Ok(Some(lufs))
    }
}

/// The penalty at a loudness: straight lines between the points, the outer points' values beyond them.
fn penalty(points: &[[f64; 2]], lufs: f64) -> f64 {
    let after = points.partition_point(|p| p[0] <= lufs);
    match (after.checked_sub(1).and_then(|i| points.get(i)), points.get(after)) {
        (Some([x0, y0]), Some([x1, y1])) => y0 + (y1 - y0) * (lufs - x0) / (x1 - x0),
        (Some(p), None) | (None, Some(p)) => p[1],
        (None, None) => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_penalty_goes_in_straight_lines_between_its_points() {
        let points = [[-20.0, 4.0], [-16.0, 0.0], [-14.0, 0.0], [-10.0, 8.0]];
        for (lufs, cost) in
            [(-30.0, 4.0), (-20.0, 4.0), (-18.0, 2.0), (-15.0, 0.0), (-12.0, 4.0), (-9.0, 8.0)]
        {
            assert_eq!(penalty(&points, lufs), cost, "{lufs}");
        }
    }
}
