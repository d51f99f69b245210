//! Voices where none should be: a voice in the instrumental, the band in the a cappella, a lead left in the TV mix.
//! Never here: sums, rides, exchanged labels.

use super::{
    Examination, Severity,
    Severity::{Block, Warn},
    estimate::Trace,
    ledger::Blend,
    rides,
    song::{Member, Song},
    words::{finding, moment},
};
use crate::math;

/// A voice under this against its level in the main is not heard through the band.
const BLEED: f64 = 0.02;
/// Over it the alternate cannot be used.
const BLEED_GRAVE: f64 = 0.2;
/// Over it nothing was taken out.
const WHOLE: f64 = 0.7;
/// A singer's headphones leave a trace of the band in every a cappella.
const BAND_IN_VOICE: f64 = 0.06;
/// A lead this far down in a TV mix is heard in its pauses.
const LEAD: f64 = 0.025;
const LEAD_GRAVE: f64 = 0.1;
/// Cells (a third of a second each) that are asked together for a lead left in at a place.
const PLACE_CELLS: usize = 6;
/// Share (power) of the TV mix's voices that a ride holds back where a lead was left out: more, and it rode the backing voices too.
const RODE_ALL: f64 = 0.3;
/// Share (power) of the lead that the TV mix did not leave out, where it was left in.
const LEAD_HERE: f64 = 0.5;

/// `reacted`: tokens of files whose gain wanders. Whether something was left in the instrumental or the a cappella.
pub fn voices(song: &Song<'_>, reacted: &[String], out: &mut Examination) -> bool {
    let before = out.findings.len();
    if let Some(i) = song.instrumental() {
        instrumental(song, i, reacted.contains(&i.token), out);
    }
    if let Some(a) = song.acappella() {
        acappella(song, a, out);
    }
    let left_in = out.findings.len() > before;
    if let Some(tv) = song.tv() {
        lead_left_in(song, tv, !reacted.is_empty(), out);
    }
    for clean in song.all(|p| matches!(p, super::Part::Clean)) {
        super::clean::clean(song, clean, out);
    }
    left_in
}

/// Level at which what sets the member apart from the main still stands in it, against its level in the main: 0 gone, 1 as it was.
fn still_in(song: &Song<'_>, member: &Member) -> Option<Trace> {
    let gone = song.apart(song.main(), member);
    let t = song.books().left_in(&member.blend, &gone)?;
    let whole = 1.0 + t.share;
    (whole > 0.05).then(|| Trace {
        share: t.share / whole,
        error: t.error / (whole * whole),
        steady: t.steady,
    })
}

fn heard(trace: Option<Trace>, over: f64) -> Option<f64> {
    trace.filter(|t| t.share > over && t.sure()).map(|t| t.share)
}

fn grave(share: f64, limit: f64) -> Severity {
    if share > limit { Block } else { Warn }
}

/// Level of the a cappella that stands in the instrumental, where it is heard.
pub fn voice_in(song: &Song<'_>, i: &Member, a: &Member) -> Option<f64> {
    heard(song.books().trace(&i.blend, &a.blend), BLEED)
}

fn instrumental(song: &Song<'_>, i: &Member, reacted: bool, out: &mut Examination) {
    let share = match song.acappella() {
        Some(a) => voice_in(song, i, a),
        // A gain that wanders looks like something left in.
        None if reacted => None,
        None => heard(still_in(song, i), BLEED),
    };
    let Some(share) = share else { return };
    let db = math::decibels(share);
    let token = &i.token;
    let words = if share > WHOLE {
        format!("{token} is no instrumental: the voice is in it at {db:+.1} dB against the main.")
    } else {
        format!("The voice is left in {token}, {:.1} dB under its level in the main.", -db)
    };
    out.findings.push(finding("ALT_VOICE_LEFT_IN", grave(share, BLEED_GRAVE), &[token], (db, "dB"), words));
}

fn acappella(song: &Song<'_>, a: &Member, out: &mut Examination) {
    let trace = match song.instrumental() {
        Some(i) => song.books().trace(&a.blend, &i.blend),
        None => still_in(song, a),
    };
    let Some(share) = heard(trace, BAND_IN_VOICE) else { return };
    let db = math::decibels(share);
    let token = &a.token;
    let words = if share > WHOLE {
        format!("{token} is no a cappella: the band is in it at {db:+.1} dB against the main.")
    } else {
        format!("The band is left in {token}, {:.1} dB under its level in the main.", -db)
    };
    out.findings.push(finding("ALT_BAND_LEFT_IN", grave(share, BLEED_GRAVE), &[token], (db, "dB"), words));
}

/// TV minus instrumental should be backing voices only: the lead is looked for in it.
fn lead_left_in(song: &Song<'_>, tv: &Member, reacted: bool, out: &mut Examination) {
    let main = song.main();
    let gone = song.apart(main, tv);
    let trace = match song.instrumental() {
        Some(i) => {
            let voices = song.apart(tv, i);
            song.books().trace(&voices, &gone).map(still)
        }
        None if reacted => None,
        None => still_in(song, tv),
    };
    let Some(share) = heard(trace, LEAD) else {
        // Where gains wander, a ride and a TV mix differ all through the song.
        if let Some(i) = song.instrumental().filter(|_| !reacted) {
            in_places(song, tv, i, out);
        }
        return;
    };
    let db = math::decibels(share);
    let words = format!("The lead is left in {}, {:.1} dB under its level in the main.", tv.token, -db);
    out.findings.push(finding("ALT_LEAD_LEFT_IN", grave(share, LEAD_GRAVE), &[&tv.token], (db, "dB"), words));
}

/// From a share of what is gone to a share of what was there before.
fn still(t: Trace) -> Trace {
    let whole = (1.0 + t.share).max(0.05);
    Trace { share: t.share / whole, error: t.error / (whole * whole), steady: t.steady }
}

/// A lead left in at one place is not known from what the TV mix leaves out, for there it leaves out nothing. A vocal ride knows the lead everywhere.
fn in_places(song: &Song<'_>, tv: &Member, i: &Member, out: &mut Examination) {
    let main = song.main();
    let rode = song.members.iter().filter(|m| m.belongs && m.part.ride_db().is_some());
    let exact = rode.filter_map(|m| rides::ride(song, m).filter(|r| r.exact).map(|r| (m, r))).next();
    let Some((member, ride)) = exact else { return };
    let lead = member.blend.and(-ride.own, &main.blend).times(1.0 / ride.gain);
    let kept_back = lead.and(-1.0, &song.apart(main, tv));
    if rode_all(song, tv, i, &kept_back) {
        return;
    }
    let grid = &song.ledger.coarse;
    let floors = song.books().floors(grid);
    let mut moments = vec![(0.0, 0.0); grid.times()];
    for c in grid.view([&kept_back, &lead]) {
        if c.inner[1][1] > 100.0 * floors[c.band] {
            // By the root, bands as near to equals as their noise allows.
            let weight = 1.0 / c.inner[1][1].sqrt();
            moments[c.time].0 += weight * c.inner[0][0].max(0.0);
            moments[c.time].1 += weight * c.inner[1][1];
        }
    }
    let sum = |of: &[(f64, f64)]| of.iter().fold((0.0, 0.0), |s, m| (s.0 + m.0, s.1 + m.1));
    let loud = 0.2 * sum(&moments).1 / moments.iter().filter(|m| m.1 > 0.0).count().max(1) as f64;
    let here = |at: usize| {
        let (kept, whole) = sum(&moments[at..(at + PLACE_CELLS).min(moments.len())]);
        whole > loud * PLACE_CELLS as f64 && kept > LEAD_HERE * whole
    };
    let places: Vec<usize> = (0..moments.len()).filter(|at| here(*at)).collect();
    let (Some(first), Some(last)) = (places.first(), places.last()) else { return };
    let at_s = |cell: usize| song.ledger.start_s(grid, cell);
    let words = format!(
        "The lead is left in {} between {} and {}: what {} moved stands there unmoved.",
        tv.token,
        moment(at_s(*first)),
        moment(at_s(*last + PLACE_CELLS)),
        member.token
    );
    let length_s = at_s(places.len() + PLACE_CELLS - 1);
    out.findings.push(finding("ALT_LEAD_LEFT_IN", Block, &[&tv.token], (length_s, "s"), words));
}

/// A ride that rode the backing voices too holds back just them wherever the TV mix left out a lead: it says nothing of the lead.
fn rode_all(song: &Song<'_>, tv: &Member, i: &Member, kept_back: &Blend) -> bool {
    let grid = &song.ledger.coarse;
    let left_out = song.apart(song.main(), tv);
    let cells = grid.view([kept_back, &song.apart(tv, i), &left_out]);
    let mean = cells.iter().map(|c| c.inner[2][2]).sum::<f64>() / cells.len().max(1) as f64;
    let sung = cells.iter().filter(|c| c.inner[2][2] > mean);
    let (kept, voices) =
        sung.fold((0.0, 0.0), |s, c| (s.0 + c.inner[0][0].max(0.0), s.1 + c.inner[1][1].max(0.0)));
    kept > RODE_ALL * voices
}
