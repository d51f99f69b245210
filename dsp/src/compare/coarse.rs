//! Where the stretches of A stand in B, by the thumbnails: short windows of A are looked for in B, first where they are expected, then everywhere; the
//! cheapest way through what was found is the alignment. Edits show as jumps. Never here: full-rate sound.

use super::correlate::{Correlator, Peak};

/// Of a window that is looked for, and from one to the next.
const WINDOW_S: f64 = 4.0;
const HOP_S: f64 = 2.0;
/// What a find must stand out: noise over a whole song reaches 6; within reach of a known place less is enough.
const SURE_Z: f64 = 11.0;
const LIKELY_Z: f64 = 7.5;
/// Windows that are looked for everywhere before anything is known, and afterwards; after so many in vain no more are. A
/// find that stands out by less than this share of what is usual is not trusted.
const ALIKE: f64 = 0.7;
const PROBES: usize = 16;
const SEARCHES: usize = 60;
const IN_VAIN: usize = 8;
/// Probes that must agree before the search is narrowed.
const AGREE: usize = 3;
/// Clocks further apart than this are not the same recording.
const MAX_DRIFT: f64 = 0.002;
/// Ways that are kept in mind.
const BEAM: usize = 12;
/// What a jump costs, where a window found beyond doubt earns 1.
const JUMP: f64 = 0.8;
/// A window whose level is this far under the loudest says nothing.
const QUIET: f64 = 1e-5;

/// A window of A and its place in B, in frames of the thumbnails.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor {
    pub a: i64,
    /// B minus A.
    pub shift: f64,
    pub z: f64,
}

/// What the thumbnails say.
#[derive(Debug, Default)]
pub(super) struct Coarse {
    pub anchors: Vec<Anchor>,
    /// Windows of A that are loud enough to say something and would have a place in B at the shift found nearby.
    pub asked: usize,
    /// Frames of a window.
    pub window: usize,
}

/// `rate` of the thumbnails in Hz.
pub(super) fn coarse(a: &[f32], b: &[f32], rate: f64, progress: &mut dyn FnMut(f64)) -> Coarse {
    let shorter = a.len().min(b.len());
    let window = ((WINDOW_S * rate) as usize).min(shorter.max(16));
    let mut finder = Finder { a, b, correlator: Correlator::new(window), known: Vec::new(), typical_z: 0.0 };
    let window = finder.correlator.len();
    let hop = (window as f64 * HOP_S / WINDOW_S) as usize;
    let mut starts: Vec<i64> =
        (0..).map(|n| (n * hop) as i64).take_while(|s| (*s as usize) < a.len()).collect();
    // The last window ends with the sound, so that nothing of a short file is left out.
    if let Some(last) = starts.last_mut() {
        *last = (*last).min((a.len() as i64 - window as i64).max(0));
    }
    starts.dedup();
    let loudness: Vec<f64> = starts.iter().map(|s| energy(a, *s, window)).collect();
    let loudest = loudness.iter().copied().fold(0.0, f64::max);
    let heard = |index: usize| loudness[index] > QUIET * loudest && loudness[index] > 0.0;
    finder.probe(&spread(&starts, &loudness));
    if finder.known.is_empty() {
        return Coarse { anchors: Vec::new(), asked: starts.len(), window };
    }
    let mut searches = Budget { left: SEARCHES, in_vain: IN_VAIN };
    let mut finds: Vec<(i64, Vec<Anchor>)> = Vec::new();
    for (index, start) in starts.iter().enumerate() {
        if heard(index) {
            finds.push((*start, finder.find(*start, &mut searches)));
        }
        progress(index as f64 / starts.len() as f64);
    }
    let anchors = cheapest(&finds, hop as f64);
    let inside = |start: i64| {
        let near = anchors.iter().min_by_key(|x| (x.a - start).abs());
        near.is_some_and(|x| {
            let at = start as f64 + x.shift;
            at >= 0.0 && at + window as f64 <= b.len() as f64
        })
    };
    let asked = finds.iter().filter(|(start, _)| inside(*start)).count().max(anchors.len());
    Coarse { anchors, asked, window }
}

fn energy(sound: &[f32], at: i64, frames: usize) -> f64 {
    let from = (at.max(0) as usize).min(sound.len());
    sound[from..(from + frames).min(sound.len())].iter().map(|s| f64::from(*s) * f64::from(*s)).sum()
}

/// The loudest window of each part of the song, the loudest part first.
fn spread(starts: &[i64], loudness: &[f64]) -> Vec<i64> {
    let part = starts.len().div_ceil(PROBES).max(1);
    let mut best: Vec<(f64, i64)> = starts
        .chunks(part)
        .zip(loudness.chunks(part))
        .filter_map(|(starts, loudness)| {
            loudness.iter().copied().zip(starts.iter().copied()).max_by(|x, y| x.0.total_cmp(&y.0))
        })
        .filter(|(loud, _)| *loud > 0.0)
        .collect();
    best.sort_by(|x, y| y.0.total_cmp(&x.0));
    best.into_iter().map(|(_, start)| start).collect()
}

/// Searches of all of B that are still allowed.
struct Budget {
    left: usize,
    in_vain: usize,
}

struct Finder<'a> {
    a: &'a [f32],
    b: &'a [f32],
    correlator: Correlator,
    /// Shifts at which something was found, the newest place of each.
    known: Vec<f64>,
    /// What a find here stands out by.
    typical_z: f64,
}

impl Finder<'_> {
    /// Looks for a few windows everywhere; what is found beyond doubt, or more than once, is known from then on.
    fn probe(&mut self, starts: &[i64]) {
        let mut seen: Vec<Anchor> = Vec::new();
        for start in starts {
            let found = self.everywhere(*start);
            for peak in found {
                let agreeing =
                    seen.iter().filter(|s| near(s.shift, peak.shift, (s.a - peak.a).abs() as f64)).count();
                self.typical_z = self.typical_z.max(peak.z);
                if peak.z >= SURE_Z || (agreeing > 0 && peak.z >= LIKELY_Z) {
                    self.learn(peak.shift);
                }
                seen.push(peak);
                if peak.z >= SURE_Z && agreeing + 1 >= AGREE {
                    return;
                }
            }
        }
    }

    fn learn(&mut self, shift: f64) {
        let reach = 0.125 * self.correlator.len() as f64;
        match self.known.iter_mut().find(|k| (**k - shift).abs() < reach) {
            Some(known) => *known = shift,
            None => self.known.push(shift),
        }
    }

    /// The places of one window: near what is known, or else everywhere.
    fn find(&mut self, start: i64, searches: &mut Budget) -> Vec<Anchor> {
        let len = self.correlator.len() as i64;
        self.correlator.want(self.a, start);
        let mut found: Vec<Anchor> = Vec::new();
        let known = self.known.clone();
        for pair in known.chunks(2) {
            let at = |shift: f64| start + shift.round() as i64 - len / 2;
            let begins = [at(pair[0]), at(*pair.last().expect("chunks are never empty"))];
            let peaks = self.correlator.search(self.b, begins, 2);
            let sides = peaks.iter().zip(begins).take(pair.len());
            for (peaks, begin) in sides {
                found.extend(peaks.iter().filter(|p| p.z >= LIKELY_Z).map(|p| anchor(start, begin, p)));
            }
        }
        // A bar that was played twice is found at the wrong place too, but not as well.
        let best = found.iter().map(|f| f.z).fold(0.0, f64::max);
        if best < SURE_Z.max(ALIKE * self.typical_z) && searches.left > 0 && searches.in_vain > 0 {
            let wider: Vec<Anchor> = self.everywhere(start).into_iter().filter(|f| f.z >= SURE_Z).collect();
            let better = wider.iter().any(|f| f.z > 1.05 * best);
            found.extend(wider);
            searches.left -= 1;
            searches.in_vain = if better { IN_VAIN } else { searches.in_vain - 1 };
        }
        found.sort_by(|x, y| y.z.total_cmp(&x.z));
        found.dedup_by(|x, y| (x.shift - y.shift).abs() < 2.0);
        for sure in found.iter().filter(|f| f.z >= SURE_Z) {
            self.learn(sure.shift);
        }
        if let Some(first) = found.first() {
            self.typical_z += 0.2 * (first.z - self.typical_z);
        }
        found
    }

    /// The best places of one window in all of B.
    fn everywhere(&mut self, start: i64) -> Vec<Anchor> {
        let len = self.correlator.len() as i64;
        self.correlator.want(self.a, start);
        let mut found: Vec<Anchor> = Vec::new();
        // Windows may hang over both ends of B by half.
        let begins: Vec<i64> =
            (0..).map(|n| -len / 2 + n * len).take_while(|s| *s < self.b.len() as i64).collect();
        for pair in begins.chunks(2) {
            let both = [pair[0], *pair.last().expect("chunks are never empty")];
            let peaks = self.correlator.search(self.b, both, 2);
            for (peaks, begin) in peaks.iter().zip(both).take(pair.len()) {
                found.extend(peaks.iter().map(|p| anchor(start, begin, p)));
            }
        }
        found.sort_by(|x, y| y.z.total_cmp(&x.z));
        found.truncate(3);
        found
    }
}

fn anchor(start: i64, begin: i64, peak: &Peak) -> Anchor {
    let shift = (begin - start) as f64 + peak.shift;
    Anchor { a: start, shift, z: peak.z }
}

/// Whether two shifts, `apart` frames of A from each other, can be one clock.
fn near(x: f64, y: f64, apart: f64) -> bool {
    (x - y).abs() <= 2.0 + MAX_DRIFT * apart
}

#[derive(Clone)]
struct Way {
    worth: f64,
    last: Option<Anchor>,
    /// Of the step before, in the list of steps.
    before: Option<usize>,
}

/// The way through the finds that keeps one shift as long as it can (Viterbi, with a beam).
fn cheapest(finds: &[(i64, Vec<Anchor>)], hop: f64) -> Vec<Anchor> {
    let mut steps: Vec<(Anchor, Option<usize>)> = Vec::new();
    let mut ways = vec![Way { worth: 0.0, last: None, before: None }];
    for (_, peaks) in finds {
        let mut next: Vec<Way> = ways.clone();
        for peak in peaks {
            let cost = |way: &Way| match way.last {
                None => 0.0,
                Some(last) if near(last.shift, peak.shift, (peak.a - last.a).max(hop as i64) as f64) => 0.0,
                Some(_) => JUMP,
            };
            let worth = |way: &Way| way.worth + (peak.z / 30.0).min(1.0) - cost(way);
            let Some(best) = ways.iter().max_by(|x, y| worth(x).total_cmp(&worth(y))) else { continue };
            steps.push((*peak, best.before));
            next.push(Way { worth: worth(best), last: Some(*peak), before: Some(steps.len() - 1) });
        }
        next.sort_by(|x, y| y.worth.total_cmp(&x.worth));
        let mut kept: Vec<Way> = Vec::new();
        for way in next {
            let same = |k: &Way| match (k.last, way.last) {
                (Some(x), Some(y)) => (x.shift - y.shift).abs() < 2.0,
                (None, None) => true,
                _ => false,
            };
            if kept.len() < BEAM && !kept.iter().any(same) {
                kept.push(way);
            }
        }
        ways = kept;
    }
    let mut at = ways.iter().max_by(|x, y| x.worth.total_cmp(&y.worth)).and_then(|w| w.before);
    let mut anchors = Vec::new();
    while let Some(index) = at {
        anchors.push(steps[index].0);
        at = steps[index].1;
    }
    anchors.reverse();
    anchors
}
