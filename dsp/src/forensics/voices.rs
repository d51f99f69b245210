//! Voices where none should be: a voice in the instrumental, the band in the a cappella, a lead left in the TV mix.
//! Never here: sums, rides, exchanged labels.

use super::{
    Examination, Severity,
    Severity::{Block, Warn},
    estimate::Trace,
    song::{Member, Song},
    words::finding,
};
use crate::math;

/// A voice under this against its level in the main is not heard through the band.
const BLEED: f64 = 0.028;
/// Over it the alternate cannot be used.
const BLEED_GRAVE: f64 = 0.2;
/// Over it nothing was taken out.
const WHOLE: f64 = 0.7;
/// A singer's headphones leave a trace of the band in every a cappella.
const BAND_IN_VOICE: f64 = 0.06;
/// A lead this far down in a TV mix is heard in its pauses.
const LEAD: f64 = 0.025;
const LEAD_GRAVE: f64 = 0.1;

pub fn voices(song: &Song<'_>, reacted: bool, out: &mut Examination) {
    if let Some(i) = song.instrumental() {
        instrumental(song, i, reacted, out);
    }
    if let Some(a) = song.acappella() {
        acappella(song, a, out);
    }
    if let Some(tv) = song.tv() {
        lead_left_in(song, tv, reacted, out);
    }
    for clean in song.all(|p| matches!(p, super::Part::Clean)) {
        super::clean::clean(song, clean, out);
    }
}

/// Level at which what sets the member apart from the main still stands in it, against its level in the main: 0 gone, 1 as it was.
fn still_in(song: &Song<'_>, member: &Member) -> Option<Trace> {
    let gone = song.apart(song.main(), member);
    let t = song.books().left_in(&member.blend, &gone)?;
    let whole = 1.0 + t.share;
    (whole > 0.05).then(|| Trace { share: t.share / whole, error: t.error / (whole * whole), steady: t.steady })
}

fn heard(trace: Option<Trace>, over: f64) -> Option<f64> {
    trace.filter(|t| t.share > over && t.sure()).map(|t| t.share)
}

fn grave(share: f64, limit: f64) -> Severity {
    if share > limit { Block } else { Warn }
}

fn instrumental(song: &Song<'_>, i: &Member, reacted: bool, out: &mut Examination) {
    let trace = match song.acappella() {
        Some(a) => song.books().trace(&i.blend, &a.blend),
        // A gain that wanders looks like something left in.
        None if reacted => None,
        None => still_in(song, i),
    };
    let Some(share) = heard(trace, BLEED) else { return };
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
    let Some(share) = heard(trace, LEAD) else { return };
    let db = math::decibels(share);
    let words = format!(
        "The lead is left in {}, {:.1} dB under its level in the main.",
        tv.token, -db
    );
    out.findings.push(finding("ALT_LEAD_LEFT_IN", grave(share, LEAD_GRAVE), &[&tv.token], (db, "dB"), words));
}

/// From a share of what is gone to a share of what was there before.
fn still(t: Trace) -> Trace {
    let whole = (1.0 + t.share).max(0.05);
    Trace { share: t.share / whole, error: t.error / (whole * whole), steady: t.steady }
}
