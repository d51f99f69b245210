//! The clean version: the main with words taken out, and nothing else. What changed outside of words is told with its time. Never here: other alternates.

use super::{
    Examination,
    Severity::{Info, Warn},
    estimate::ratio_db,
    ledger::{Blend, Cell},
    song::{Member, Song},
    words::{finding, moment},
};

/// What differs by less than this from the main, in its band and moment, was not changed.
const CHANGED: f64 = 1e-4;
const CHANGED_LOSSY: f64 = 3e-2;
/// What is under the song's mean by this (power) is not heard.
const UNHEARD: f64 = 1e-6;
/// A word, and what is put in its place, may be so much louder than the voice around it (power).
const LOUDER: f64 = 8.0;
/// Share (power) of a change that may be the band's by chance.
const BAND_SHARE: f64 = 0.05;
/// Words and short lines end before this; longer stretches are told where no voice is known to judge by.
const LINE_S: f64 = 6.0;

pub fn clean(song: &Song<'_>, clean: &Member, out: &mut Examination) {
    let main = song.main();
    let changed = song.apart(clean, main);
    let voice: Option<Blend> = song
        .acappella()
        .map(|a| a.blend.clone())
        .or_else(|| song.instrumental().map(|i| song.apart(main, i)));
    let Some(stretches) = stretches(song, clean, &changed, voice.as_ref()) else { return };
    let edits: Vec<&Stretch> = stretches.iter().filter(|s| !s.beyond).collect();
    let beyond: Vec<&Stretch> = stretches.iter().filter(|s| s.beyond).collect();
    let token = &clean.token;
    let length = |s: &[&Stretch]| s.iter().map(|s| s.end_s - s.start_s).sum::<f64>();
    if let Some(worst) = beyond.iter().max_by(|a, b| a.db.total_cmp(&b.db)) {
        let words = format!(
            "In {token} more than words changed: {:.1} s in {} place(s), most at {} to {}, {:.1} dB against the main there.",
            length(&beyond),
            beyond.len(),
            moment(worst.start_s),
            moment(worst.end_s),
            worst.db
        );
        out.findings.push(finding("ALT_CLEAN_CHANGED", Warn, &[token], (length(&beyond), "s"), words));
    }
    if !edits.is_empty() {
        let first: Vec<String> = edits.iter().take(4).map(|s| moment(s.start_s)).collect();
        let words = format!(
            "{token} has words taken out in {} place(s), {:.1} s in all ({}).",
            edits.len(),
            length(&edits),
            first.join(", ")
        );
        out.findings.push(finding("CLEAN_EDITS", Info, &[token], (length(&edits), "s"), words));
    }
}

struct Stretch {
    start_s: f64,
    end_s: f64,
    /// Whether it is more than a voice can be.
    beyond: bool,
    db: f64,
}

fn stretches(
    song: &Song<'_>,
    clean: &Member,
    changed: &Blend,
    voice: Option<&Blend>,
) -> Option<Vec<Stretch>> {
    let grid = &song.ledger.coarse;
    let main = &song.main().blend;
    let limit = if song.lossy(&[clean, song.main()]) { CHANGED_LOSSY } else { CHANGED };
    let silence = main.times(0.0);
    let voice_or_none = voice.unwrap_or(&silence);
    let band = main.and(-1.0, voice_or_none);
    let cells = grid.view([changed, main, voice_or_none, &band]);
    let times = grid.times();
    let mean = cells.iter().map(|c| c.inner[1][1]).sum::<f64>() / cells.len().max(1) as f64;
    let (mut energy, mut whole, mut stray) = (vec![0.0; times], vec![0.0; times], vec![0.0; times]);
    // A voice is known by what it has in a band around a moment: words ring on and begin early.
    let mut around = vec![0.0f64; times * grid.bands];
    for c in &cells {
        for t in c.time.saturating_sub(2)..(c.time + 3).min(times) {
            let here = &mut around[t * grid.bands + c.band];
            *here = here.max(c.inner[2][2]);
        }
    }
    for c in &cells {
        let (rest, all) = (c.inner[0][0].max(0.0), c.inner[1][1]);
        whole[c.time] += all;
        if rest > UNHEARD * mean && rest > limit * all {
            energy[c.time] += rest;
            if voice.is_some() && rest > LOUDER * around[c.time * grid.bands + c.band] + limit * all {
                stray[c.time] += rest;
            }
        }
    }
    let with_band = with_band(&cells, times);
    let mut found: Vec<Stretch> = Vec::new();
    let mut open: Option<usize> = None;
    for time in 0..=times {
        let on = time < times && energy[time] > limit * whole[time];
        match (open, on) {
            (None, true) => open = Some(time),
            (Some(start), false) => {
                let sum = |of: &[f64]| of[start..time].iter().sum::<f64>();
                let (start_s, end_s) = (song.ledger.start_s(grid, start), song.ledger.start_s(grid, time));
                let strange = sum(&stray) > 0.05 * sum(&energy)
                    || (voice.is_some() && band_moved(&with_band[start..time]));
                let long = voice.is_none() && end_s - start_s > LINE_S;
                let db = ratio_db(sum(&energy), sum(&whole));
                found.push(Stretch { start_s, end_s, beyond: strange || long, db });
                open = None;
            }
            _ => {}
        }
    }
    (times > 0).then_some(found)
}

/// For each moment the inner products of what changed, the voice and the band, summed over the bands as equals.
fn with_band(cells: &[Cell<4>], times: usize) -> Vec<[f64; 6]> {
    let mut moments = vec![[0.0; 6]; times];
    for c in cells.iter().filter(|c| c.inner[1][1] > 0.0) {
        let [[dd, _, dv, db], _, [_, _, vv, vb], [.., bb]] = c.inner;
        let weight = 1.0 / c.inner[1][1];
        for (to, product) in moments[c.time].iter_mut().zip([dd, dv, db, vv, vb, bb]) {
            *to += weight * product;
        }
    }
    moments
}

/// Whether a fair part of what changed in a stretch is the band's own sound, not only the voice's: least squares on both.
fn band_moved(moments: &[[f64; 6]]) -> bool {
    let mut sums = [0.0; 6];
    for moment in moments {
        sums.iter_mut().zip(moment).for_each(|(to, x)| *to += x);
    }
    let [dd, dv, db, vv, vb, bb] = sums;
    let apart = vv * bb - vb * vb;
    if !(apart > 1e-3 * vv * bb) {
        return bb > 0.0 && db * db > BAND_SHARE * dd * bb;
    }
    let of_band = (db * vv - dv * vb) / apart;
    of_band * of_band * (apart / vv) > BAND_SHARE * dd
}
