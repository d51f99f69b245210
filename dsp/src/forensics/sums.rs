//! Parts that together must be the main: instrumental and a cappella, stems. Never here: who changed places, what a compressor did.

use super::{
    Examination, Part,
    Severity::{Block, Info, Warn},
    Sum,
    estimate::{Null, fit, weighted_median},
    ledger::Blend,
    song::{Member, Song},
    words::{self, DEEPEST_DB, finding, hz, worst_band},
};
use crate::math;

/// What is left may be this far under the main: free-running effects, converters, a dither each.
const FINE_DB: f64 = -40.0;
/// More left than this, and the parts are not those of the main.
const BROKEN_DB: f64 = -14.0;
/// The same where a lossy coder was at work.
const LOSSY_FINE_DB: f64 = -18.0;
/// Levels by band explain a rest where no more than this share (power) of it stays.
const EXPLAINS: f64 = 0.25;

/// What was found before explains a rest: `reacted` are the tokens of files that a compressor treated differently, `left_in` that a voice was left in.
pub fn sums(song: &Song<'_>, reacted: &[String], left_in: bool, out: &mut Examination) {
    if let (Some(i), Some(a)) = (song.instrumental(), song.acappella()) {
        let known = if left_in {
            Some("what was left in explains it")
        } else if [i, a].iter().any(|m| reacted.contains(&m.token)) {
            Some("the bus compressor explains it")
        } else {
            None
        };
        sum(song, &[i, a], known, out);
    }
    let stems: Vec<&Member> = song.all(|p| matches!(p, Part::Stem(_))).collect();
    if stems.len() >= 2 {
        sum(song, &stems, None, out);
    }
}

fn sum(song: &Song<'_>, parts: &[&Member], known: Option<&str>, out: &mut Examination) {
    let main = song.main();
    let rest = parts.iter().fold(main.blend.clone(), |rest, part| rest.and(-1.0, &part.blend));
    let null = song.null(&rest, &main.blend);
    if !null.heard {
        return;
    }
    let tokens: Vec<&str> = parts.iter().map(|p| p.token.as_str()).collect();
    out.sums.push(Sum {
        tokens: tokens.iter().map(|t| (*t).to_owned()).collect(),
        null_db: null.db.max(DEEPEST_DB),
        bands: words::bands(song.ledger, &null),
    });
    let lossy = song.lossy(parts) || main.lossy;
    let fine_db = if lossy { LOSSY_FINE_DB } else { FINE_DB };
    let names = list(&tokens);
    if null.db <= fine_db {
        let words = format!("{names} give the main: what is left is {:.0} dB under it.", -null.db);
        out.findings.push(finding("ALT_SUM", Info, &tokens, (null.db, "dB"), words));
        return;
    }
    let severity = if null.db > BROKEN_DB { Block } else { Warn };
    if let ([i, a], None) = (parts, known)
        && let Some((words, worst_db)) = by_band(song, i, a, &null)
    {
        let words = format!("{names} are {:.1} dB from giving the main: {words}.", -null.db);
        out.findings.push(finding("ALT_OLDER_MIX", severity, &tokens, (worst_db, "dB"), words));
        return;
    }
    let why = known.map_or_else(|| explain(song, parts, &rest, &null), str::to_owned);
    let words = format!(
        "{names} do not give the main: what is left is {:.1} dB under it, {}; {why}.",
        -null.db,
        worst_band(song.ledger, &null)
    );
    out.findings.push(finding("ALT_SUM", severity, &tokens, (null.db, "dB"), words));
}

fn list(tokens: &[&str]) -> String {
    match tokens {
        [one] => (*one).to_owned(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
        [] => String::new(),
    }
}

/// Whose sound the rest is.
fn explain(song: &Song<'_>, parts: &[&Member], rest: &Blend, null: &Null) -> String {
    let mut shares: Vec<(f64, &Member)> =
        parts.iter().map(|p| (super::labels::share_of(song, rest, &p.blend), *p)).collect();
    shares.sort_by(|a, b| b.0.total_cmp(&a.0));
    match shares.first() {
        Some((share, part)) if *share > 0.6 => {
            format!("most of it is what {} plays, at another level than in the main", part.token)
        }
        _ if null.db > BROKEN_DB => {
            "something is missing, or was printed from another version of the mix".to_owned()
        }
        _ => "it was printed from another version of the mix, or effects ran freely".to_owned(),
    }
}

/// A level in each band that stays over the song: an equaliser or a fader that was moved between the main and its parts. `None` where that does not
/// explain the rest.
fn by_band(song: &Song<'_>, i: &Member, a: &Member, null: &Null) -> Option<(String, f64)> {
    let grid = &song.ledger.coarse;
    let floors = song.books().floors(grid);
    let cells = grid.view([&song.main().blend, &a.blend, &i.blend]);
    let mut fits: Vec<[Vec<(f64, f64)>; 2]> = vec![Default::default(); grid.bands];
    for c in cells.iter().filter(|c| c.inner[2][2].min(c.inner[0][0]) > 100.0 * floors[c.band]) {
        if let Some(f) = fit(c) {
            fits[c.band][0].push((f.own, c.inner[1][1].sqrt()));
            fits[c.band][1].push((f.ride, f.weight.sqrt()));
        }
    }
    let gains: Vec<[f64; 2]> =
        fits.into_iter().map(|both| both.map(|mut told| weighted_median(&mut told).unwrap_or(1.0))).collect();
    let mut left = 0.0;
    for c in &cells {
        let [[mm, ma, mi], [_, aa, ai], [_, _, ii]] = c.inner;
        let [of_a, of_i] = gains[c.band];
        left += mm + of_a * of_a * aa + of_i * of_i * ii - 2.0 * (of_a * ma + of_i * mi - of_a * of_i * ai);
    }
    if left.max(0.0) > EXPLAINS * null.rest {
        return None;
    }
    let sides = [(0, a), (1, i)];
    let worst = (0..grid.bands)
        .flat_map(|band| {
            sides.map(|(side, member)| (band, member, -math::decibels(gains[band][side].max(1e-3))))
        })
        .filter(|(band, ..)| null.bands[*band].0 > 0.05 * null.rest)
        .max_by(|x, y| x.2.abs().total_cmp(&y.2.abs()))?;
    let (band, member, db) = worst;
    let (from, to) = song.ledger.band_hz(band);
    let words = format!(
        "{} is {db:+.1} dB against the main at {} to {}, all through the song: a fader or an equaliser was moved between the two, as in another version of the mix",
        member.token,
        hz(from),
        hz(to)
    );
    Some((words, db))
}
