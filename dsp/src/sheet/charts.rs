//! The three charts of a sheet as drawings of the width asked: loudness over time, gain of the dynamic steps on the same time axis, spectrum with
//! its change. Never here: the page around them, markup.

use super::{
    Curve, Sheet, Track,
    drawing::{AFTER, AXIS, Anchor, BEFORE, Drawing, Ink, Point, QUIET, RULE, TARGET, TEXT, Type, WORK},
    scale::{self, Axis},
    words,
};

/// Left of every chart, for the figures of its axis; on the right half of the last time.
const GUTTER: f32 = 30.0;
const RIGHT: f32 = 12.0;
const HEAD: f32 = 15.5;
const FOOT: f32 = 13.0;
const TITLE: Type = Type::medium(9.0, TEXT);
const SMALL: Type = Type::regular(7.0, QUIET);
const HAIR: f32 = 0.4;
const TIMES_MAX: usize = 10;

/// A rectangle in which curves are drawn.
#[derive(Clone, Copy)]
struct Frame {
    x: f32,
    y: f32,
    width: f32,
    height: f32,
}

impl Frame {
    /// Shares of the width from the left and of the height from the bottom.
    fn point(self, along: f64, up: f64) -> Point {
        [self.x + self.width * along as f32, self.y + self.height * (1.0 - up as f32)]
    }

    fn right(self) -> f32 {
        self.x + self.width
    }

    fn bottom(self) -> f32 {
        self.y + self.height
    }
}

/// A sample of a line and what it stands for.
struct Key {
    text: String,
    ink: Ink,
    dashed: bool,
}

/// Short-term loudness of both sides, with the target.
pub(super) fn loudness(sheet: &Sheet, width: f32, height: f32) -> Drawing {
    let mut d = Drawing::new(width, HEAD + height + FOOT);
    let frame = Frame { x: GUTTER, y: HEAD, width: width - GUTTER - RIGHT, height };
    let value =
        |lufs: Option<f64>| lufs.map_or_else(String::new, |l| format!(" {} LUFS", words::fixed(Some(l), 1)));
    let mut keys = vec![
        Key { text: format!("before{}", value(sheet.before.lufs)), ink: BEFORE, dashed: false },
        Key { text: format!("after{}", value(sheet.after.lufs)), ink: AFTER, dashed: false },
    ];
    if let Some(target) = sheet.target_lufs {
        keys.push(Key {
            text: format!("target {}", words::fixed(Some(target), 1)),
            ink: TARGET,
            dashed: true,
        });
    }
    let Some(axis) = scale::loudness(sheet) else {
        let short = sheet.after.lufs.is_some() || sheet.before.lufs.is_some();
        let why = if short { "shorter than 3 s: no short-term loudness" } else { "silence" };
        return empty("Loudness over time", why, width);
    };
    heading(&mut d, "Loudness over time", "short-term (3 s), LUFS", &keys);
    let step = if axis.high - axis.low > 18.0 { 6.0 } else { 3.0 };
    levels(&mut d, frame, axis, step);
    let seconds = scale::seconds(sheet);
    time_axis(&mut d, frame, seconds);
    curve(&mut d, frame, axis, seconds, &sheet.before.short_term, (BEFORE, 1.1));
    if let Some(target) = sheet.target_lufs {
        let up = axis.at(target);
        d.dashed(vec![frame.point(0.0, up), frame.point(1.0, up)], TARGET, 0.8, [4.0, 2.5]);
    }
    curve(&mut d, frame, axis, seconds, &sheet.after.short_term, (AFTER, 1.4));
    d
}

/// What lies under the axis is left out: the line breaks off at the bottom.
fn curve(d: &mut Drawing, frame: Frame, axis: Axis, seconds: f64, curve: &Curve, (ink, width): (Ink, f32)) {
    let mut line: Vec<Point> = Vec::new();
    let mut last: Option<(f64, f64)> = None;
    for (time, value) in scale::points(curve).filter(|(time, _)| *time <= seconds) {
        if let Some((from, was)) = last.filter(|(_, was)| (*was < axis.low) != (value < axis.low)) {
            let cut = from + (time - from) * (axis.low - was) / (value - was);
            line.push(frame.point(cut / seconds, 0.0));
        }
        if value < axis.low {
            d.line(std::mem::take(&mut line), ink, width);
        } else {
            line.push(frame.point(time / seconds, axis.at(value)));
        }
        last = Some((time, value));
    }
    if let ([(time, value)], true) =
        (scale::points(curve).take(2).collect::<Vec<_>>().as_slice(), line.len() == 1)
    {
        // One window alone is as wide as it is long.
        let ends = [(time - ONE_WINDOW_S / 2.0).max(0.0), (time + ONE_WINDOW_S / 2.0).min(seconds)];
        line = ends.map(|end| frame.point(end / seconds, axis.at(*value))).to_vec();
    }
    d.line(line, ink, width);
}

/// Of short-term loudness.
const ONE_WINDOW_S: f64 = 3.0;

const TRACK_WORDS: f32 = 10.5;
const TRACK_GAP: f32 = 3.5;

/// One strip for each dynamic step; `None` where there is none.
pub(super) fn reduction(sheet: &Sheet, width: f32, strip: f32) -> Option<Drawing> {
    let (tracks, more) = words::tracks(sheet);
    if tracks.is_empty() {
        return None;
    }
    let each = TRACK_WORDS + strip + TRACK_GAP;
    let rest = if more.is_some() { 11.0 } else { 0.0 };
    let mut d = Drawing::new(width, HEAD + each * tracks.len() as f32 + FOOT - TRACK_GAP + rest);
    heading(&mut d, words::tracks_title(sheet), "dB", &[]);
    let axis = scale::gains(&sheet.reduction);
    let seconds = scale::seconds(sheet);
    for (i, track) in tracks.iter().enumerate() {
        let y = HEAD + each * i as f32 - 2.0;
        let name = Type::medium(7.5, TEXT);
        let said = words::track(track);
        let said_width = SMALL.width(&said);
        let title =
            name.fit(&words::capital(&words::name(&track.name)), width - GUTTER - RIGHT - said_width - 12.0);
        d.words(GUTTER, y + 8.0, name, &title);
        d.words(GUTTER + name.width(&title) + 7.0, y + 8.0, SMALL, &said);
        let frame = Frame { x: GUTTER, y: y + TRACK_WORDS, width: width - GUTTER - RIGHT, height: strip };
        track_strip(&mut d, frame, track, axis, seconds);
        if i + 1 == tracks.len() {
            time_axis(&mut d, frame, seconds);
        }
    }
    if let Some(more) = more {
        d.words(GUTTER, d.height - 2.0, SMALL, &more);
    }
    Some(d)
}

fn track_strip(d: &mut Drawing, frame: Frame, track: &Track, axis: Axis, seconds: f64) {
    for end in [axis.low, axis.high] {
        let up = axis.at(end);
        let ink = if end == 0.0 { AXIS } else { RULE };
        d.line(vec![frame.point(0.0, up), frame.point(1.0, up)], ink, HAIR);
        let [_, y] = frame.point(0.0, up);
        d.anchored([frame.x - 4.0, y + 2.4], SMALL, Anchor::End, &words::signed(Some(end), 0));
    }
    let zero = axis.at(0.0);
    if axis.low < 0.0 && axis.high > 0.0 {
        d.line(vec![frame.point(0.0, zero), frame.point(1.0, zero)], AXIS, HAIR);
    }
    // Every value stands for its whole span of time.
    let half = f64::from(track.gain_db.step_s) / 2.0;
    let mut top: Vec<Point> = Vec::new();
    for (time, value) in scale::points(&track.gain_db) {
        let (from, to) = ((time - half).max(0.0) / seconds, (time + half) / seconds);
        let up = axis.at(value);
        top.push(frame.point(from.clamp(0.0, 1.0), up));
        top.push(frame.point(to.clamp(0.0, 1.0), up));
    }
    let (Some(first), Some(last)) = (top.first().copied(), top.last().copied()) else { return };
    let base = frame.point(0.0, zero)[1];
    let mut area = vec![[first[0], base]];
    area.extend(&top);
    area.push([last[0], base]);
    d.area(area, WORK);
}

/// Sixth octaves of both sides, the one before raised to the loudness of the one after, and the change under them.
pub(super) fn spectrum(sheet: &Sheet, width: f32, height: f32, change: f32) -> Drawing {
    const BETWEEN: f32 = 11.0;
    let mut d = Drawing::new(width, HEAD + height + BETWEEN + change + FOOT);
    let frame = Frame { x: GUTTER, y: HEAD, width: width - GUTTER - RIGHT, height };
    let Some(spectra) = scale::spectra(sheet) else {
        return empty("Spectrum", "silence", width);
    };
    let raised = words::match_db(sheet);
    let before = if raised.abs() < 0.05 {
        "before".to_owned()
    } else {
        format!("before, {} dB to match", words::signed(Some(raised), 1))
    };
    let keys = [
        Key { text: before, ink: BEFORE, dashed: false },
        Key { text: "after".into(), ink: AFTER, dashed: false },
    ];
    heading(&mut d, "Spectrum", "about a third of an octave, dBFS, level-matched", &keys);
    let lower = Frame { y: frame.bottom() + BETWEEN, height: change, ..frame };
    pitch_axis(&mut d, frame, lower);
    levels(&mut d, frame, spectra.level, 12.0);
    let curve = |of: fn(&scale::Pair) -> f64| {
        let place = |p: &scale::Pair| frame.point(scale::pitch(p.hz), spectra.level.at(of(p)));
        spectra.pairs.iter().map(place).collect::<Vec<_>>()
    };
    d.line(curve(|p| p.before), BEFORE, 1.1);
    d.line(curve(|p| p.after), AFTER, 1.4);
    changes(&mut d, lower, &spectra);
    d
}

fn changes(d: &mut Drawing, frame: Frame, spectra: &scale::Spectra) {
    let axis = spectra.change;
    for tick in [axis.low, 0.0, axis.high] {
        let [_, y] = frame.point(0.0, axis.at(tick));
        let ink = if tick == 0.0 { AXIS } else { RULE };
        d.line(vec![[frame.x, y], [frame.right(), y]], ink, HAIR);
        d.anchored([frame.x - 4.0, y + 2.4], SMALL, Anchor::End, &words::signed(Some(tick), 0));
    }
    let zero = frame.point(0.0, 0.5)[1];
    let bar = frame.width / 60.0 * 0.72;
    for pair in spectra.pairs.iter().filter(|pair| spectra.tells(**pair)) {
        let [x, y] = frame.point(scale::pitch(pair.hz), axis.at(pair.change()));
        let left = (x - bar / 2.0).max(frame.x);
        let right = (x + bar / 2.0).min(frame.right());
        d.rect(left, y.min(zero), right - left, (y - zero).abs(), AFTER);
    }
    d.anchored([frame.right() - 4.0, frame.y + 7.5], SMALL, Anchor::End, "change, dB");
}

fn heading(d: &mut Drawing, title: &str, what: &str, keys: &[Key]) {
    d.words(0.0, 9.0, TITLE, title);
    d.words(TITLE.width(title) + 6.0, 9.0, SMALL, what);
    let mut x = d.width - RIGHT;
    for key in keys.iter().rev() {
        x -= SMALL.width(&key.text);
        d.words(x, 9.0, Type::regular(7.0, TEXT), &key.text);
        let line = vec![[x - 18.0, 6.6], [x - 4.0, 6.6]];
        if key.dashed {
            d.dashed(line, key.ink, 1.0, [4.0, 2.5]);
        } else {
            d.line(line, key.ink, if key.ink == AFTER { 1.8 } else { 1.3 });
        }
        x -= 28.0;
    }
}

/// In place of a chart that has nothing to show.
fn empty(title: &str, why: &str, width: f32) -> Drawing {
    let mut d = Drawing::new(width, HEAD);
    heading(&mut d, title, why, &[]);
    d
}

/// Rules and figures of a vertical axis.
fn levels(d: &mut Drawing, frame: Frame, axis: Axis, step: f64) {
    for tick in axis.ticks(step) {
        let [_, y] = frame.point(0.0, axis.at(tick));
        let ink = if tick == axis.low { AXIS } else { RULE };
        d.line(vec![[frame.x, y], [frame.right(), y]], ink, HAIR);
        d.anchored([frame.x - 4.0, y + 2.4], SMALL, Anchor::End, &words::fixed(Some(tick), 0));
    }
}

fn time_axis(d: &mut Drawing, frame: Frame, seconds: f64) {
    let times = scale::times(seconds, TIMES_MAX);
    let whole = times.iter().all(|time| time.fract() == 0.0);
    d.line(vec![[frame.x, frame.bottom()], [frame.right(), frame.bottom()]], AXIS, HAIR);
    for time in times {
        let [x, y] = frame.point((time / seconds).clamp(0.0, 1.0), 0.0);
        d.line(vec![[x, y], [x, y + 2.5]], AXIS, HAIR);
        d.anchored([x, y + 10.0], SMALL, Anchor::Middle, &scale::time(time, whole));
    }
}

fn pitch_axis(d: &mut Drawing, upper: Frame, lower: Frame) {
    const MARKED: [(f64, &str); 10] = [
        (20.0, "20 Hz"),
        (50.0, "50"),
        (100.0, "100"),
        (200.0, "200"),
        (500.0, "500"),
        (1000.0, "1 kHz"),
        (2000.0, "2"),
        (5000.0, "5"),
        (10_000.0, "10"),
        (20_000.0, "20 kHz"),
    ];
    for (hz, text) in MARKED {
        let along = scale::pitch(hz);
        for frame in [upper, lower] {
            d.line(vec![frame.point(along, 0.0), frame.point(along, 1.0)], RULE, HAIR);
        }
        let [x, y] = lower.point(along, 0.0);
        d.anchored([x, y + 10.0], SMALL, Anchor::Middle, text);
    }
}
