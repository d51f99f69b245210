//! Straight lines through measured offsets: one slope for the whole file (two clocks), and a jump wherever something was cut in or out. Whole numbers
//! where the measurement does not speak against them. Never here: sound, files.

use super::align::middle;

/// Further from its line than this, in frames, a place belongs to another piece.
const SAME_FRAMES: f64 = 3.0;
/// Chance puts no two places at one offset, nor three on one slope; a place that stands alone must agree beyond doubt.
const SEVERAL: usize = 2;
const ALONE: f64 = 0.25;
/// Within the reach of a measurement a wrong summit can be taken for the right one.
const MISREAD_FRAMES: f64 = 500.0;
/// Share of what the places reach alone that they must reach together for there to be no drift.
const AGREED: f64 = 0.6;
/// Clocks of one recording are never further apart.
const MAX_DRIFT: f64 = 0.002;
/// A drift that moves nothing by more than this, in frames, over all that was measured is none.
const NO_DRIFT_FRAMES: f64 = 0.1;

/// The offset measured at one place; frames at the common rate.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub a: f64,
    /// B minus A.
    pub shift: f64,
    pub agrees: f64,
    /// The same for the nearest whole number.
    pub agrees_whole: f64,
    pub inverted: bool,
    pub gain: f64,
    /// Agreement at whole shifts, the first of them `curve_from`.
    pub curve: Vec<f32>,
    pub curve_from: i64,
}

/// A piece with one offset: shift = offset + drift * a.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    pub offset: f64,
    /// First and last place that was measured on it.
    pub first: f64,
    pub last: f64,
    /// Places on it, and the mean share of the spectrum that agreed there.
    pub points: usize,
    pub agrees: f64,
}

#[derive(Clone, Debug)]
pub(super) struct Lines {
    pub courses: Vec<Course>,
    pub drift: f64,
}

/// `None` where there are no points.
pub(super) fn courses(points: &[Point]) -> Option<Lines> {
    let inverted = inverted(points);
    let points: Vec<Point> = points.iter().filter(|p| p.inverted == inverted).cloned().collect();
    if let Some(lines) = still(&points, if inverted { -1.0 } else { 1.0 }) {
        return Some(lines);
    }
    let points = &without_strays(&points, first_drift(&points))[..];
    let drift = refined_drift(points, first_drift(points));
    let mut pieces: Vec<Vec<&Point>> = Vec::new();
    for point in points {
        let straight = |p: &Point| p.shift - drift * p.a;
        match pieces.last_mut() {
            Some(piece) if (straight(piece[piece.len() - 1]) - straight(point)).abs() < SAME_FRAMES => {
                piece.push(point);
            }
            _ => pieces.push(vec![point]),
        }
    }
    let courses: Vec<Course> = pieces
        .iter()
        .map(|piece| {
            let offset = middle(piece.iter().map(|p| p.shift - drift * p.a).collect());
            let offset = if drift == 0.0 { whole(offset, piece) } else { offset };
            let agrees = piece.iter().map(|p| p.agrees).sum::<f64>() / piece.len() as f64;
            let (first, last) = (piece[0].a, piece[piece.len() - 1].a);
            Course { offset, first, last, points: piece.len(), agrees }
        })
        .filter(|course| course.points >= SEVERAL + usize::from(drift != 0.0) || course.agrees >= ALONE)
        .collect();
    (!courses.is_empty()).then_some(Lines { courses, drift })
}

/// Without drift all places of a piece agree on one whole shift, each a little; together they are surer than each alone. `None` where they do not agree:
/// there is drift.
fn still(points: &[Point], sign: f64) -> Option<Lines> {
    let mut courses: Vec<Course> = Vec::new();
    let (mut together, mut alone) = (0.0, 0.0);
    let mut from = 0;
    for until in 1..=points.len() {
        if until < points.len() && (points[until].shift - points[until - 1].shift).abs() < MISREAD_FRAMES {
            continue;
        }
        let piece = &points[from..until];
        from = until;
        let mut sums: std::collections::BTreeMap<i64, f64> = std::collections::BTreeMap::new();
        for point in piece {
            for (lag, height) in (point.curve_from..).zip(&point.curve) {
                *sums.entry(lag).or_default() += sign * f64::from(*height);
            }
        }
        let (shift, height) = sums.iter().max_by(|x, y| x.1.total_cmp(y.1)).map(|(s, h)| (*s, *h))?;
        let peaks: f64 = piece.iter().map(|p| p.agrees_whole).sum();
        (together, alone) = (together + height, alone + peaks);
        let near: Vec<&Point> = piece.iter().filter(|p| (p.shift - shift as f64).abs() <= 1.0).collect();
        let offset = match near.is_empty() {
            true => shift as f64,
            false => whole(middle(near.iter().map(|p| p.shift).collect()), &near),
        };
        let agrees = height / piece.len() as f64;
        let (first, last) = (piece[0].a, piece[piece.len() - 1].a);
        if piece.len() >= SEVERAL || agrees >= ALONE {
            courses.push(Course { offset, first, last, points: piece.len(), agrees });
        }
    }
    (together > AGREED * alone && !courses.is_empty()).then_some(Lines { courses, drift: 0.0 })
}

/// What most of the places say.
pub(super) fn inverted(points: &[Point]) -> bool {
    points.iter().filter(|p| p.inverted).count() * 2 > points.len()
}

/// A whole number, unless a fraction explains more than half of what the whole number leaves unexplained.
fn whole(offset: f64, piece: &[&Point]) -> f64 {
    let lost = |agrees: fn(&Point) -> f64| 1.0 - middle(piece.iter().map(|p| agrees(p)).collect());
    let (fraction, rounded) = (lost(|p| p.agrees), lost(|p| p.agrees_whole));
    let off = (offset - offset.round()).abs();
    if off < 0.005 || (off < 0.4 && rounded < 2.0 * fraction) { offset.round() } else { offset }
}

/// Between neighbours that can be one piece, the middle of their slopes.
fn first_drift(points: &[Point]) -> f64 {
    let slopes: Vec<f64> = points
        .windows(2)
        .map(|pair| (pair[1].shift - pair[0].shift) / (pair[1].a - pair[0].a).max(1.0))
        .filter(|slope| slope.abs() < MAX_DRIFT)
        .collect();
    middle(slopes)
}

/// Places that lie off while both neighbours agree with each other are mistakes.
fn without_strays(points: &[Point], drift: f64) -> Vec<Point> {
    let agree = |x: &Point, y: &Point| (x.shift - y.shift - drift * (x.a - y.a)).abs() < SAME_FRAMES;
    let stray = |index: usize| {
        let before = index.checked_sub(1).map(|i| &points[i]);
        match (before, points.get(index + 1)) {
            (Some(before), Some(after)) => agree(before, after) && !agree(before, &points[index]),
            // At either end a place that is off by less than an edit would be was misread.
            (Some(beside), None) | (None, Some(beside)) => {
                let off = (beside.shift - points[index].shift).abs();
                points.len() > 2 && off < MISREAD_FRAMES && !agree(beside, &points[index])
            }
            (None, None) => false,
        }
    };
    (0..points.len()).filter(|i| !stray(*i)).map(|i| points[i].clone()).collect()
}

/// Least squares of one slope under all pieces, each with an offset of its own; places further off than the others count no more.
fn refined_drift(points: &[Point], start: f64) -> f64 {
    let mut drift = start;
    for _ in 0..4 {
        let (mut above, mut below, mut reach) = (0.0, 0.0, 0.0f64);
        let straight = |p: &Point| p.shift - drift * p.a;
        let mut from = 0;
        for until in 1..=points.len() {
            let ends = until == points.len()
                || (straight(&points[until]) - straight(&points[until - 1])).abs() >= SAME_FRAMES;
            if !ends {
                continue;
            }
            let piece = &points[from..until];
            from = until;
            let centre = middle(piece.iter().map(straight).collect());
            let spread = middle(piece.iter().map(|p| (straight(p) - centre).abs()).collect()).max(0.02);
            let good: Vec<&Point> =
                piece.iter().filter(|p| (straight(p) - centre).abs() <= 4.0 * spread).collect();
            let count = good.len() as f64;
            let (mean_a, mean_s) = (
                good.iter().map(|p| p.a).sum::<f64>() / count,
                good.iter().map(|p| p.shift).sum::<f64>() / count,
            );
            above += good.iter().map(|p| (p.a - mean_a) * (p.shift - mean_s)).sum::<f64>();
            below += good.iter().map(|p| (p.a - mean_a) * (p.a - mean_a)).sum::<f64>();
            reach = reach.max(good.last().map_or(0.0, |l| l.a) - good.first().map_or(0.0, |f| f.a));
        }
        if below <= 0.0 {
            return 0.0;
        }
        drift = (above / below).clamp(-MAX_DRIFT, MAX_DRIFT);
        if drift.abs() * reach < NO_DRIFT_FRAMES {
            return 0.0;
        }
    }
    drift
}
