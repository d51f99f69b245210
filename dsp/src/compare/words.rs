//! A comparison in plain sentences: the summary, then what was cut, then what changed. Never here: figures that were not measured.

use std::fmt::Write as _;

use super::{
    Comparison, Sameness,
    changes::{Change, ChangeKind, Place},
    edits::Edit,
};

/// "1:32" for people, tenths where a stretch is short.
pub fn clock(seconds: f64) -> String {
    let tenths = (seconds.max(0.0) * 10.0).round() as u64;
    match tenths % 10 {
        0 => format!("{}:{:02}", tenths / 600, tenths / 10 % 60),
        part => format!("{}:{:02}.{part}", tenths / 600, tenths / 10 % 60),
    }
}

/// "1-4 kHz", "80-250 Hz", "under 160 Hz", "over 8 kHz"
pub fn band(low_hz: f64, high_hz: f64) -> String {
    match (low_hz < 30.0, high_hz > 15_500.0) {
        (true, true) => "all frequencies".into(),
        (true, false) => format!("under {}", hz(high_hz)),
        (false, true) => format!("over {}", hz(low_hz)),
        _ if low_hz >= 1000.0 => format!("{}-{}", kilo(low_hz), hz(high_hz)),
        _ if high_hz < 1000.0 => format!("{}-{}", plain(low_hz), hz(high_hz)),
        _ => format!("{}-{}", hz(low_hz), hz(high_hz)),
    }
}

/// The nominal edges of third octaves are round numbers: two digits are enough.
fn plain(value: f64) -> String {
    let step = if value < 100.0 { 5.0 } else { 10.0 };
    format!("{:.0}", (value / step).round() * step)
}

fn kilo(value: f64) -> String {
    let text = format!("{:.1}", value / 1000.0);
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn hz(value: f64) -> String {
    if value >= 1000.0 { format!("{} kHz", kilo(value)) } else { format!("{} Hz", plain(value)) }
}

/// "+0.8 dB"; two digits where one would hide it.
pub fn decibels(db: f64) -> String {
    if db.abs() < 0.95 { format!("{db:+.2} dB") } else { format!("{db:+.1} dB") }
}

fn when(change: &Change) -> String {
    if change.whole_song {
        "the whole song".into()
    } else {
        let (from, to) = (clock(change.start_s), clock(change.end_s));
        if from == to { from } else { format!("{from}-{to}") }
    }
}

fn place(place: Place) -> &'static str {
    match place {
        Place::Centre => ", in the centre",
        Place::Sides => ", at the sides",
        Place::Everywhere => "",
    }
}

pub(super) fn change(change: &Change) -> String {
    let (time, range) = (when(change), band(change.low_hz, change.high_hz));
    if let Some(stem) = &change.stem {
        let what = match (change.kind, change.part_db) {
            (ChangeKind::Removed, _) | (_, None) => format!("{stem} was taken out"),
            (_, Some(db)) => format!("{db:+.2} dB on {stem}"),
        };
        let mut text = format!("{what}, {time}");
        if change.explained < 0.9 {
            let _ = write!(text, " (explains {:.0} % of what changed there)", 100.0 * change.explained);
        }
        return text;
    }
    let spot = place(change.place);
    let level = decibels(change.change_db);
    let vocal = if change.place == Place::Centre
        && change.low_hz < 1_600.0
        && change.high_hz > 1_000.0
        && change.low_hz > 100.0
    {
        ": the vocal region"
    } else {
        ""
    };
    match (change.kind, change.part_db) {
        (ChangeKind::Level, _) => format!("{level}, {range}, {time}{spot}"),
        (ChangeKind::Part, Some(part)) => format!(
            "a part of the mix was turned by about {part:+.1} dB, {range}, {time}{spot}{vocal}; the level there changed by {level}"
        ),
        (ChangeKind::Removed, _) => {
            format!(
                "something was taken out, {range}, {time}{spot}{vocal}; the level there changed by {level}"
            )
        }
        (ChangeKind::Replaced, _) => {
            format!(
                "something was replaced, {range}, {time}{spot}{vocal}; the level there changed by {level}"
            )
        }
        (ChangeKind::Limited, _) => {
            format!(
                "loud moments are held down by up to {:.1} dB: a limiter or a compressor",
                change.change_db.abs()
            )
        }
        (ChangeKind::Part, None) => {
            format!("something changed, {range}, {time}{spot}; the level there changed by {level}")
        }
        (ChangeKind::New, _) => format!(
            "other sound than before, {range}, {time}{spot}; it stands {:.0} dB {} the music there",
            change.residual_db.abs(),
            if change.residual_db < 0.0 { "under" } else { "over" }
        ),
    }
}

pub(super) fn edit(edit: &Edit, a_s: f64) -> String {
    let length = |s: f64| if s < 0.95 { format!("{:.0} ms", 1000.0 * s) } else { format!("{s:.2} s") };
    let at = if edit.a_s < 0.01 {
        "at the beginning".to_owned()
    } else if edit.a_s + edit.removed_s > a_s - 0.01 {
        format!("at the end, {}", clock(edit.a_s))
    } else {
        format!("at {}", clock(edit.a_s))
    };
    match (edit.inserted_s > 0.0005, edit.removed_s > 0.0005) {
        (true, true) => format!("{} replaced by {} {at}", length(edit.removed_s), length(edit.inserted_s)),
        (true, false) => format!("{} inserted {at}", length(edit.inserted_s)),
        _ => format!("{} removed {at}", length(edit.removed_s)),
    }
}

/// The summary and the changes, a line each.
pub(super) fn all(c: &Comparison) -> Vec<String> {
    let mut lines = vec![summary(c)];
    lines.extend(side_notes(c));
    lines.extend(c.edits.iter().map(|e| edit(e, c.a.seconds())));
    lines.extend(c.changes.iter().map(|x| x.words.clone()));
    if c.untold > 0 {
        lines.push(format!("{} smaller changes are not listed.", c.untold));
    }
    lines
}

fn summary(c: &Comparison) -> String {
    let rest = c.residual_db.map_or("nothing is left".to_owned(), |db| {
        format!("{db:.1} dB is left when one is taken from the other")
    });
    let count = c.edits.len() + c.changes.len();
    match c.same {
        Sameness::Silent => "Both files are silent.".into(),
        Sameness::Unrelated => {
            let why = c.why.clone().unwrap_or_default();
            if why.contains("nothing in common") {
                "These two files have nothing in common.".into()
            } else {
                format!("These two files have nothing in common: {why}.")
            }
        }
        Sameness::Identical => "The same sound, sample for sample.".into(),
        Sameness::Matched => format!("The same sound, but for level, place or rate: {rest}."),
        Sameness::Noise => format!(
            "The same sound but for noise at {:.0} dBFS, as dither leaves it.",
            c.residual_dbfs.unwrap_or(-120.0)
        ),
        Sameness::Lossy => format!("The same sound in a lossy format: {rest}, spread over the whole song."),
        Sameness::Changed if count == 0 => format!("Nearly the same sound: {rest}; no change stands out."),
        Sameness::Changed => {
            format!("The same song with {count} difference{}: {rest}.", if count == 1 { "" } else { "s" })
        }
    }
}

/// Level, place, polarity, speed, rate: what holds for the whole file and is no change of the music.
fn side_notes(c: &Comparison) -> Option<String> {
    c.gain_db?;
    let mut notes = Vec::new();
    if let Some(gain) = c.gain_db.filter(|g| g.abs() >= 0.005) {
        notes.push(format!(
            "the second is {:.2} dB {}",
            gain.abs(),
            if gain > 0.0 { "louder" } else { "softer" }
        ));
    }
    if c.polarity == Some(-1) {
        notes.push("its polarity is turned over".into());
    }
    if let (Some(frames), Some(seconds)) = (c.offset_frames.filter(|o| *o != 0.0), c.offset_s) {
        let number = if frames.fract() == 0.0 {
            format!("{:.0}", frames.abs())
        } else {
            format!("{:.2}", frames.abs())
        };
        let way = if frames > 0.0 { "later" } else { "earlier" };
        notes.push(format!("the music begins {number} frames ({:.4} s) {way} in it", seconds.abs()));
    }
    if let Some(ppm) = c.drift_ppm.filter(|d| *d != 0.0) {
        notes.push(format!("it runs {:.1} ppm {}", ppm.abs(), if ppm > 0.0 { "slower" } else { "faster" }));
    }
    if c.a.sample_rate != c.b.sample_rate {
        notes.push(format!("its rate is {} Hz, not {} Hz", c.b.sample_rate, c.a.sample_rate));
    }
    if c.a.channels != c.b.channels {
        notes.push(format!("it has {} channel(s), not {}", c.b.channels, c.a.channels));
    }
    let longer = c.b.seconds() - c.a.seconds();
    if longer.abs() >= 0.0005 && c.gain_db.is_some() {
        notes.push(format!(
            "it is {:.3} s {}",
            longer.abs(),
            if longer > 0.0 { "longer" } else { "shorter" }
        ));
    }
    let mut text = notes.join("; ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    (!text.is_empty()).then(|| text + ".")
}
