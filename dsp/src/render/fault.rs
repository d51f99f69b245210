//! Files that came out wrong: what is wrong with them, and printing them again until they are right. Never here: the first search, alternates.

use super::{
    METER_ROOM_DB,
    batch::Batch,
    check::Checked,
    level::Gains,
    print::{Format, Plate, print},
    run::{Done, Plates, Run},
    search::{Outcome, Search},
    take::Take,
};
use crate::error::DspError;

/// A file that is over the ceiling or off the target is printed again, at most so many times.
pub const REPRINTS: usize = 6;
/// From this print on the ceiling alone counts: a sound in which loudness and ceiling undo each other is turned down as a whole.
pub const LAST_RESORT: usize = 4;
/// What a finished file may be off the target before it is printed again.
const OFF_LU: f64 = 0.012;
/// The same for what comes out of a lossy file; and the loss that is not made up for.
const OFF_LOSSY_LU: f64 = 0.06;
const LOST_LU: f64 = 0.5;
/// What a file may stand over the aim, which lies [`METER_ROOM_DB`] under the ceiling.
pub const SLACK_DB: f64 = 0.02;

/// What is wrong with a finished file.
#[derive(Clone, Copy)]
pub struct Fault {
    /// Over the aim in decibels, 0 where it is not over what is allowed.
    pub over_db: f64,
    /// Louder than aimed at.
    off_lu: f64,
}

impl Fault {
    pub fn of(plate: &Plate, checked: &Checked, ceiling_dbtp: f64, outcome: &Outcome) -> Self {
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

    pub fn stands(self) -> bool {
        self.over_db > 0.0 || self.off_lu != 0.0
    }
}

/// Files that have one level, by their place among the plates.
pub type Group<'t> = (Search<'t>, Vec<usize>);

impl Run<'_> {
    /// Prints, judges the files, and prints those again that are over the ceiling or off the target: each file for itself, because what encoding
    /// and decoding add differs. Returns the levels that were printed last.
    pub fn print_until_right<'t>(
        &mut self,
        at: &str,
        batch: &Batch,
        take: &Take,
        (search, mine): Group<'t>,
        plates: &mut Plates,
    ) -> Result<Vec<Group<'t>>, DspError> {
        let format =
            Format { rate: batch.hz, channels: take.channels, frames: Some(take.frames), grid_bits: None };
        let (mut right, mut waiting) = (Vec::new(), vec![(search, mine)]);
        for reprint in 0..=REPRINTS {
            let mut again = Vec::new();
            for (search, mine) in waiting {
                let gains = Gains::new(&search.level, take)?;
                let all: Vec<&Plate> = mine.iter().map(|i| &plates.all[*i]).collect();
                if reprint == 0 {
                    self.steps.begin(format!("write {at}"))?;
                }
                let (printed, _) = print(take.sound()?, Some(gains), &all, &format, &mut self.steps)?;
                if reprint == 0 {
                    self.steps.begin(format!("check {at}"))?;
                }
                let checked = self.check(plates, &mine)?;
                let (mut wrong, mut fine) = (Vec::new(), Vec::new());
                for (i, checked) in mine.into_iter().zip(checked) {
                    let fault = Fault::of(&plates.all[i], &checked, batch.ceiling_dbtp, &search.outcome);
                    if fault.stands() {
                        wrong.push((i, fault));
                    } else {
                        fine.push(i);
                    }
                    let gain_db = search.level.gain_db + search.level.trim_db;
                    plates.done[i] = Some(Done {
                        checked,
                        gain_db,
                        max_reduction_db: printed.max_reduction_db,
                        energy: printed.energy,
                        guarded: None,
                    });
                }
                let before = again.len();
                if reprint < LAST_RESORT {
                    self.mend(search.clone(), &wrong, plates, &mut again)?;
                } else if let Some(turned_down) = turn_down(search.clone(), &wrong) {
                    self.note_reason(Some(format!(
                        "{at} could not have both its loudness and its ceiling, and was turned down to hold the ceiling"
                    )));
                    again.push(turned_down);
                }
                let anew: Vec<usize> = again[before..].iter().flat_map(|(_, mine)| mine.clone()).collect();
                fine.extend(wrong.iter().map(|(i, _)| *i).filter(|i| !anew.contains(i)));
                if !fine.is_empty() {
                    right.push((search, fine));
                }
            }
            if again.is_empty() {
                return Ok(right);
            }
            waiting = again;
        }
        let ceiling = batch.ceiling_dbtp;
        if plates.done.iter().flatten().any(|d| d.checked.measurement.true_peak_dbtp > ceiling) {
            return Err(unheld(ceiling, at));
        }
        right.extend(waiting);
        Ok(right)
    }

    /// What is wrong with files of whole numbers is mended for all of them at once; a lossy file gets a level of its own.
    fn mend<'t>(
        &mut self,
        search: Search<'t>,
        wrong: &[(usize, Fault)],
        plates: &Plates,
        again: &mut Vec<Group<'t>>,
    ) -> Result<(), DspError> {
        let (lossy, plain): (Vec<_>, Vec<_>) =
            wrong.iter().copied().partition(|(i, _)| plates.all[*i].encoding().lossy());
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
}

pub fn unheld(ceiling_dbtp: f64, at: &str) -> DspError {
    DspError::Invalid(format!(
        "the ceiling of {ceiling_dbtp} dBTP could not be held on {at}; this is a fault of the limiter, please report it"
    ))
}

/// The last resort: everything that is over goes down by what it is over, after the limiter, where a decibel is a decibel.
fn turn_down<'t>(mut search: Search<'t>, wrong: &[(usize, Fault)]) -> Option<Group<'t>> {
    let over: Vec<usize> = wrong.iter().filter(|(_, fault)| fault.over_db > 0.0).map(|(i, _)| *i).collect();
    search.turn_down(wrong.iter().fold(0.0, |most: f64, (_, fault)| most.max(fault.over_db)));
    (!over.is_empty()).then_some((search, over))
}
