//! Is every file what its label says? The same sound twice, and labels that changed places: told from which file holds what the other lacks.
//! Never here: levels, rides, how clean a voice was taken out.

use super::{
    Examination, Part,
    Severity::{Block, Warn},
    ledger::Blend,
    song::{Member, SAME_DB, Song, UNTOUCHED_DB, UNTOUCHED_LOSSY_DB},
    words::finding,
};
use crate::math;

/// A sum of the wrong way round must null at least so well, and by so much better than the right one.
const WRONG_SUM_DB: f64 = -15.0;
const BETTER_BY_DB: f64 = 10.0;
/// How near to -1 the share must be with which one file contains the other.
const CONTAINS_WITHIN: f64 = 0.15;
/// Of what a ride moved or a TV mix left out, at least this share is the voice; at most the other share is the band.
const MOSTLY: f64 = 0.5;
const HARDLY: f64 = 0.25;
/// Lows (below 100 Hz) that a voice does not have: the file with so much more of them is the band.
const LOWS_WARN_DB: f64 = 8.0;
const LOWS_BLOCK_DB: f64 = 15.0;
const LOW_BANDS: usize = 2;

/// Two files that are one sound. What is the main again is not judged further.
pub fn same_files(song: &mut Song<'_>, out: &mut Examination) {
    let mut again = Vec::new();
    for j in 1..song.members.len() {
        for i in 0..j {
            let (x, y) = (&song.members[i], &song.members[j]);
            if !(x.belongs && y.belongs) || again.contains(&i) {
                continue;
            }
            let null_db = song.null(&song.apart(x, y), &x.blend).db;
            let limit = same_under_db(song, x, y);
            if null_db >= limit {
                continue;
            }
            let harmless = harmless(&x.part, &y.part);
            let severity = if harmless { Warn } else { Block };
            let words = match (&y.part, i) {
                (Part::Tv, 0) | (Part::Instrumental, 0) => format!(
                    "{} is the main: nothing was taken out of it (they null to {null_db:.0} dB).",
                    y.token
                ),
                (Part::VocalUp(_) | Part::VocalDown(_), 0) => format!(
                    "{} is the main: its voice was not moved (they null to {null_db:.0} dB).",
                    y.token
                ),
                (Part::Clean, 0) => {
                    format!("{} is the main: no word was taken out (they null to {null_db:.0} dB).", y.token)
                }
                _ => {
                    format!("{} and {} are the same sound (they null to {null_db:.0} dB).", y.token, x.token)
                }
            };
            out.findings.push(finding(
                "ALT_SAME_FILE",
                severity,
                &[&y.token, &x.token],
                (null_db, "dB"),
                words,
            ));
            if i == 0 || harmless {
                again.push(j);
            }
        }
    }
    for index in again {
        song.members[index].belongs = false;
    }
}

fn same_under_db(song: &Song<'_>, x: &Member, y: &Member) -> f64 {
    let takes_out = |p: &Part| matches!(p, Part::Instrumental | Part::Tv | Part::Acappella);
    let one_takes_out = takes_out(&x.part) != takes_out(&y.part);
    match (one_takes_out, song.lossy(&[x, y])) {
        (true, true) => UNTOUCHED_LOSSY_DB,
        (true, false) => UNTOUCHED_DB,
        _ => SAME_DB,
    }
}

/// A song without backing voices has one TV mix and instrumental; one without bad words is its own clean version.
fn harmless(x: &Part, y: &Part) -> bool {
    let pair = |a: fn(&Part) -> bool, b: fn(&Part) -> bool| (a(x) && b(y)) || (a(y) && b(x));
    pair(|p| matches!(p, Part::Tv), |p| matches!(p, Part::Instrumental))
        || pair(|p| matches!(p, Part::Clean), |p| matches!(p, Part::Main))
        || pair(|p| matches!(p, Part::Other), |_| true)
}

/// Labels that changed places; whether any did.
pub fn exchanged(song: &Song<'_>, out: &mut Examination) -> bool {
    let before = out.findings.len();
    for x in [song.instrumental(), song.acappella(), song.tv()].into_iter().flatten() {
        if main_and(song, x, out) {
            return true;
        }
    }
    if let (Some(i), Some(a)) = (song.instrumental(), song.acappella()) {
        instrumental_and_acappella(song, i, a, out);
    }
    if let (Some(i), Some(tv)) = (song.instrumental(), song.tv())
        && out.findings.len() == before
    {
        instrumental_and_tv(song, i, tv, out);
    }
    if out.findings.len() == before {
        up_and_down(song, out);
    }
    out.findings.len() > before
}

fn swap(out: &mut Examination, x: &Member, y: &Member, figure: (f64, &'static str), why: &str) {
    let words = format!("{} and {} have changed places: {why}.", x.token, y.token);
    out.findings.push(finding("ALT_SWAPPED", Block, &[&x.token, &y.token], figure, words));
}

/// Main, instrumental and a cappella: one of the three is the sum of the other two. Asked first: beside a false main, true parts look like strangers.
pub fn main_in_a_part(song: &Song<'_>, out: &mut Examination) -> bool {
    let (Some(i), Some(a)) = (song.instrumental(), song.acappella()) else { return false };
    let main = song.main();
    let sum_db = |whole: &Member, one: &Member, other: &Member| {
        song.null(&song.apart(whole, one).and(-1.0, &other.blend), &whole.blend).db
    };
    let right_db = sum_db(main, i, a);
    let wrong = [(sum_db(i, main, a), i, a), (sum_db(a, main, i), a, i)];
    if let Some((null_db, x, other)) = wrong.into_iter().min_by(|p, q| p.0.total_cmp(&q.0))
        && null_db < WRONG_SUM_DB
        && null_db < right_db - BETTER_BY_DB
    {
        let why =
            format!("{} and {} together give {} (to {null_db:.0} dB)", main.token, other.token, x.token);
        swap(out, main, x, (null_db, "dB"), &why);
        return true;
    }
    false
}

/// Main and one part of it: the file that holds what the other lacks is the main.
fn main_and(song: &Song<'_>, x: &Member, out: &mut Examination) -> bool {
    let main = song.main();
    let apart = song.apart(main, x);
    if let Some(t) = song.books().left_in(&x.blend, &apart)
        && t.sure()
        && (t.share + 1.0).abs() < CONTAINS_WITHIN
    {
        let why = format!("what sets them apart is in {}, and nothing of it in {}", x.token, main.token);
        swap(out, main, x, (100.0 * -t.share, "%"), &why);
        return true;
    }
    false
}

/// TV minus instrumental is backing voices, which the instrumental has not.
fn instrumental_and_tv(song: &Song<'_>, i: &Member, tv: &Member, out: &mut Examination) {
    if let Some(t) = song.books().left_in(&i.blend, &song.apart(tv, i))
        && t.sure()
        && (t.share + 1.0).abs() < CONTAINS_WITHIN
    {
        let why = format!("voices that {} lacks are in {}", tv.token, i.token);
        swap(out, i, tv, (100.0 * -t.share, "%"), &why);
    }
}

/// Which of the two is the voice: what rides move and TV mixes leave out; without them, the one that has no lows.
fn instrumental_and_acappella(song: &Song<'_>, i: &Member, a: &Member, out: &mut Examination) {
    let main = song.main();
    let by_db = lows_db(song, &a.blend) - lows_db(song, &i.blend);
    let voices = song.members[1..]
        .iter()
        .filter(|m| m.belongs && (m.part.ride_db().is_some() || matches!(m.part, Part::Tv)));
    let mut asked = false;
    for m in voices {
        let moved = song.apart(m, main);
        let (as_voice, as_band) = (share_of(song, &moved, &a.blend), share_of(song, &moved, &i.blend));
        asked |= as_voice.max(as_band) > MOSTLY;
        // A ride may have moved the band, by mistake: the lows must not speak against it.
        if as_band > MOSTLY && as_voice < HARDLY && by_db > -LOWS_WARN_DB {
            let why = format!(
                "what {} moved is {:.0} % in {} and {:.0} % in {}",
                m.token,
                100.0 * as_band,
                i.token,
                100.0 * as_voice,
                a.token
            );
            swap(out, i, a, (100.0 * as_band, "%"), &why);
            return;
        }
    }
    if asked {
        return;
    }
    if by_db > LOWS_WARN_DB {
        let words = format!(
            "{} and {} seem to have changed places: {} has {by_db:.0} dB more below 100 Hz, where voices have little.",
            i.token, a.token, a.token
        );
        let severity = if by_db > LOWS_BLOCK_DB { Block } else { Warn };
        out.findings.push(finding("ALT_SWAPPED", severity, &[&i.token, &a.token], (by_db, "dB"), words));
    }
}

/// Energy below 100 Hz against the main's, dB.
fn lows_db(song: &Song<'_>, x: &Blend) -> f64 {
    let null = song.null(x, &song.main().blend);
    let lows = |pick: fn(&(f64, f64)) -> f64| null.bands[..LOW_BANDS].iter().map(pick).sum::<f64>();
    math::decibels_of_power((lows(|b| b.0) / lows(|b| b.1).max(1e-30)).max(1e-12))
}

/// Share of what was moved that one sound explains, cell by cell, 0 to 1.
pub fn share_of(song: &Song<'_>, moved: &Blend, by: &Blend) -> f64 {
    let grid = &song.ledger.coarse;
    let floors = song.books().floors(grid);
    let (mut explained, mut whole) = (0.0, 0.0);
    for c in grid.view([moved, by]) {
        let [[dd, dv], [_, vv]] = c.inner;
        if dd > 4.0 * floors[c.band] && vv > 0.0 {
            // By the root, so that one loud word does not speak for the song.
            let weight = dd.sqrt();
            whole += weight;
            explained += weight * (dv * dv / (dd * vv)).min(1.0);
        }
    }
    if whole > 0.0 { explained / whole } else { 0.0 }
}

/// A vocal up that is down, and the other way round.
fn up_and_down(song: &Song<'_>, out: &mut Examination) {
    let rides: Vec<(&Member, f64)> = song
        .members
        .iter()
        .filter(|m| m.belongs && m.part.ride_db().is_some())
        .filter_map(|m| super::rides::ride(song, m).map(|r| (m, r.real_db)))
        .collect();
    let wrong = |(m, real): &(&Member, f64)| m.part.ride_db().is_some_and(|named| named * real < 0.0);
    let wrong_ones: Vec<&(&Member, f64)> = rides.iter().filter(|r| wrong(r)).collect();
    match wrong_ones[..] {
        [] => {}
        [(m, real_db)] => {
            let words = format!(
                "{} is the other way round: its voice is {real_db:+.2} dB against the main.",
                m.token
            );
            out.findings.push(finding("ALT_SWAPPED", Block, &[&m.token], (*real_db, "dB"), words));
        }
        [(x, x_db), (y, y_db), ..] => {
            let why = format!("the voice is {x_db:+.2} dB in the one and {y_db:+.2} dB in the other");
            swap(out, x, y, (*x_db, "dB"), &why);
        }
    }
}
