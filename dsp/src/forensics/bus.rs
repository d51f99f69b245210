//! A compressor on the mix bus hears less in an alternate than in the main, holds it back less, and the two no longer sum or cut together. It shows as a
//! gain that wanders with the music where both are the same sound, the same in every band. Never here: level differences that stay.

use super::{
    Examination, Part,
    Severity::{Block, Warn},
    estimate::{fit, weighted_median, weighted_quantile},
    song::{Member, Song},
    voices::voice_in,
    words::finding,
};
use crate::math;

/// Fine cells in which all but this share (power) of two files is one sound tell their gain.
const ONE_SOUND: f64 = 2e-3;
/// Fewer such cells tell nothing.
const CELLS_MIN: usize = 40;
/// The gain must wander by more than this to be a compressor's work.
const WANDERS_DB: f64 = 0.25;
/// Wandering by more is heard at once when the two are cut together.
const GRAVE_DB: f64 = 6.0;
/// No bus compressor does more: there the voice stands alone, and is left in the one and whole in the other.
const MOST_DB: f64 = 9.0;

/// Tokens of the members whose gain wanders against the main's.
pub fn reacted(song: &Song<'_>, out: &mut Examination) -> Vec<String> {
    let mut tokens = Vec::new();
    for member in song.members[1..].iter().filter(|m| m.belongs) {
        let wanders_db = match member.part {
            Part::Acappella => match song.instrumental() {
                Some(i) => beside(song, member, i),
                None => None,
            },
            Part::VocalUp(_) | Part::VocalDown(_) => around_the_voice(song, member),
            Part::Instrumental => match song.acappella() {
                // A voice left in is louder where the voice is, as if a compressor let go there.
                Some(a) if voice_in(song, member, a).is_some() => None,
                Some(a) => beside(song, member, a),
                None => wanders(song, member),
            },
            Part::Tv => wanders(song, member),
            // What wanders in a clean version is told as a change.
            Part::Clean | Part::Stem(_) | Part::Other | Part::Edit | Part::Main => None,
        };
        let Some(wanders_db) = wanders_db.filter(|db| db.abs() > WANDERS_DB) else { continue };
        tokens.push(member.token.clone());
        let severity = if wanders_db.abs() > GRAVE_DB { Block } else { Warn };
        let words = format!(
            "The bus compressor reacted differently in {}: its gain wanders by up to {:.1} dB against the main's. Print alternates with the compressor keyed by the full mix.",
            member.token,
            wanders_db.abs()
        );
        out.findings.push(finding("ALT_BUS_REACTED", severity, &[&member.token], (wanders_db, "dB"), words));
    }
    tokens
}

/// By how much the member's gain against the main's wanders from where it mostly is, dB: positive where it comes out louder.
fn wanders(song: &Song<'_>, member: &Member) -> Option<f64> {
    let grid = &song.ledger.fine;
    let floors = song.books().floors(grid);
    let main = song.main();
    let mut bands: Vec<Vec<(f64, f64)>> = vec![Vec::new(); grid.bands];
    for c in grid.view([&main.blend, &member.blend]) {
        let [[mm, mx], [_, xx]] = c.inner;
        if xx > 1000.0 * floors[c.band] && mx > 0.0 && mm * xx - mx * mx < ONE_SOUND * mm * xx {
            bands[c.band].push((math::decibels(xx / mx), xx.sqrt().sqrt()));
        }
    }
    // Beside a voice that is not known only the band's own corner tells: what moved there may also be one instrument's fader.
    ends(bands)?.first().copied()
}

/// The same for a ride: the main's gain in it, beside the voice, whose level was changed on purpose.
fn around_the_voice(song: &Song<'_>, member: &Member) -> Option<f64> {
    let main = song.main();
    let voice = match (song.acappella(), song.instrumental().or(song.tv())) {
        (Some(a), _) => a.blend.clone(),
        (None, Some(without)) => song.apart(main, without),
        (None, None) => return None,
    };
    let grid = &song.ledger.fine;
    let floors = song.books().floors(grid);
    let mut bands: Vec<Vec<(f64, f64)>> = vec![Vec::new(); grid.bands];
    for c in grid.view([&member.blend, &voice, &main.blend]) {
        let (whole, own) = (c.inner[0][0], c.inner[2][2]);
        let Some(f) = fit(&c) else { continue };
        // Here the main is the ride's second part: its gain is what is asked.
        let clear = f.rest < ONE_SOUND * whole.min(own) && f.weight > 0.3 * whole;
        if own > 1000.0 * floors[c.band] && clear && f.ride > 0.0 {
            bands[c.band].push((math::decibels(f.ride), own.sqrt().sqrt()));
        }
    }
    most_do(&ends(bands)?)
}

/// The same for a file that is never the main alone: its gain in the main, beside its partner.
fn beside(song: &Song<'_>, member: &Member, partner: &Member) -> Option<f64> {
    let grid = &song.ledger.fine;
    let floors = song.books().floors(grid);
    let main = song.main();
    let mut bands: Vec<Vec<(f64, f64)>> = vec![Vec::new(); grid.bands];
    for c in grid.view([&main.blend, &partner.blend, &member.blend]) {
        let (whole, own) = (c.inner[0][0], c.inner[2][2]);
        let Some(f) = fit(&c) else { continue };
        let clear = f.rest < ONE_SOUND * whole.min(own) && f.weight > 0.1 * whole;
        if own > 1000.0 * floors[c.band] && clear && f.ride > 0.0 {
            bands[c.band].push((-math::decibels(f.ride), own.sqrt().sqrt()));
        }
    }
    most_do(&ends(bands)?)
}

/// Each band from its own middle, so that an equaliser is not taken for a compressor. A bus moves all bands, a fader of one instrument only its own: the
/// ends of all bands that tell, the greatest first.
fn ends(bands: Vec<Vec<(f64, f64)>>) -> Option<Vec<f64>> {
    let mut ends: Vec<f64> = Vec::new();
    for mut band in bands.into_iter().filter(|b| b.len() >= CELLS_MIN) {
        let middle = weighted_median(&mut band)?;
        let mut from_it: Vec<(f64, f64)> =
            band.iter().map(|(db, weight)| (db - middle, *weight)).filter(|p| p.0.abs() < MOST_DB).collect();
        let (low, high) = (weighted_quantile(&mut from_it, 0.04)?, weighted_quantile(&mut from_it, 0.96)?);
        ends.push(if high > -low { high } else { low });
    }
    ends.sort_by(|a, b| b.abs().total_cmp(&a.abs()));
    Some(ends)
}

/// What more than half of the bands do.
fn most_do(ends: &[f64]) -> Option<f64> {
    ends.get(ends.len() / 2).copied()
}
