//! How an alternate fares under the gains of its main: by what its wave is over the aim, and the tracks of several sources joined so that one
//! limiter holds them all. Never here: what is decided from that.

use std::path::Path;

use super::{
    level::{Control, Level, Ramp},
    scratch::{Planes, PlanesWriter},
    take::Take,
};
use crate::{
    error::DspError,
    processors::{decibels, linear},
};

/// By what the wave of an alternate is over the limiter's aim with the gains of its main, in decibels; negative where there is room.
pub fn over_db(level: &Level, main: &Take, other: &Take, aim_dbtp: f64) -> Result<f64, DspError> {
    let factor_db = level.gain_db + level.trim_db;
    let Some(control) = Control::new(level, main)? else {
        return Ok(other.own_peak_dbtp() + factor_db - aim_dbtp);
    };
    let mut ramp = Ramp::new(control, main.lanes());
    let mut reader = other.own_peaks().reader()?;
    let mut peaks = vec![Vec::new(); other.lanes()];
    let mut highest = 0.0f64;
    while reader.more(&mut peaks)? > 0 {
        ramp.lower(&mut peaks)?;
        highest = peaks.iter().flatten().fold(highest, |m, p| m.max(*p));
        peaks.iter_mut().for_each(Vec::clear);
    }
    Ok(decibels(highest * linear(factor_db)) - aim_dbtp)
}

/// Group by group the highest of all takes' own peaks, and the highest of them all.
pub fn joined(takes: &[&Take], dir: &Path) -> Result<(Planes, f64), DspError> {
    let mut readers = takes.iter().map(|take| take.own_peaks().reader()).collect::<Result<Vec<_>, _>>()?;
    let lanes = takes.first().map_or(1, |take| take.lanes());
    let mut writer = PlanesWriter::create(dir, lanes, true)?;
    let (mut highest, mut peaks, mut more) = (Vec::new(), Vec::new(), true);
    while more {
        highest.clear();
        highest.resize(lanes, Vec::new());
        more = false;
        for reader in &mut readers {
            peaks.clear();
            peaks.resize(lanes, Vec::new());
            more |= reader.more(&mut peaks)? > 0;
            for (highest, peaks) in highest.iter_mut().zip(&peaks) {
                highest.resize(highest.len().max(peaks.len()), 0.0f64);
                highest.iter_mut().zip(peaks).for_each(|(h, p)| *h = h.max(*p));
            }
        }
        writer.write(&highest)?;
    }
    let peak_dbtp = takes.iter().fold(f64::NEG_INFINITY, |m, take| m.max(take.own_peak_dbtp()));
    Ok((writer.finish()?, peak_dbtp))
}
