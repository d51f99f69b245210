//! Parts that together must be the main: instrumental and a cappella, stems. Never here: who changed places, what a compressor did.

use super::{
    Examination, Part,
    Severity::{Block, Info, Warn},
    Sum,
    estimate::Null,
    ledger::Blend,
    song::{Member, Song},
    words::{self, DEEPEST_DB, finding, worst_band},
};

/// What is left may be this far under the main: free-running effects, converters, a dither each.
const FINE_DB: f64 = -40.0;
/// More left than this, and the parts are not those of the main.
const BROKEN_DB: f64 = -14.0;
/// The same where a lossy coder was at work.
const LOSSY_FINE_DB: f64 = -18.0;

/// `reacted`: a compressor was found at work, which explains a rest.
pub fn sums(song: &Song<'_>, reacted: bool, out: &mut Examination) {
    if let (Some(i), Some(a)) = (song.instrumental(), song.acappella()) {
        sum(song, &[i, a], reacted, out);
    }
    let stems: Vec<&Member> = song.all(|p| matches!(p, Part::Stem(_))).collect();
    if stems.len() >= 2 {
        sum(song, &stems, false, out);
    }
}

fn sum(song: &Song<'_>, parts: &[&Member], reacted: bool, out: &mut Examination) {
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
    let why = if reacted {
        "the bus compressor explains it".to_owned()
    } else {
        explain(song, parts, &rest, &null)
    };
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
            format!("most of it is what {} plays, at another level than in the main: was it printed from another version of the mix?", part.token)
        }
        _ if null.db > BROKEN_DB => "something is missing, or was printed from another version of the mix".to_owned(),
        _ => "it was printed from another version of the mix, or effects ran freely".to_owned(),
    }
}
