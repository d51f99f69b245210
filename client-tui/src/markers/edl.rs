//! Marker lists as CMX 3600 EDLs. Written as DaVinci Resolve exports timeline markers: an event of one frame, and under it
//! ` |C:ResolveColorBlue |M:words |D:frames`. Read too: `* LOC: 01:00:00:00 RED words`, as Avid and others write it. A list does not say
//! how many frames make a second, and its times are whole frames.

use super::{
    Dialect, Marker, MarkerError, Read, Reader, Reading, Writing, begins, tag, text,
    timecode::{self, Fps},
};

/// Where a time line of Resolve begins.
const BEGIN: &str = "01:00:00:00";

pub(super) fn is(text: &str) -> bool {
    text::lines(text).take(200).any(|(_, line)| {
        line.starts_with("FCM:") || line.trim_start().starts_with("* LOC:") || times(line).is_some()
    })
}

pub(super) fn write(markers: &[Marker], how: &Writing) -> Result<Vec<u8>, MarkerError> {
    let fps = how.fps.ok_or_else(no_rate)?;
    let begin = begin(fps)?;
    let fcm = if fps.drops() { "DROP FRAME" } else { "NON-DROP FRAME" };
    let mut out = format!("TITLE: {}\nFCM: {fcm}\n\n", text::one_line(&how.title));
    let mut timed: Vec<(u64, &Marker)> =
        markers.iter().filter_map(|marker| marker.start_ms.map(|at| (at, marker))).collect();
    timed.sort_by_key(|(at, _)| *at);
    let mut free = i64::MIN;
    for (index, (at, marker)) in timed.into_iter().enumerate() {
        // Two markers on one frame are one to Resolve: the later one moves to the next frame that is free.
        let frame = fps.frame_at(at).max(free);
        free = frame.saturating_add(1);
        let lasts = marker.end_ms.filter(|end| *end > at).map_or(1, |end| (fps.frame_at(end) - frame).max(1));
        let label = |frame: i64| fps.label(begin.saturating_add(frame)).ok_or(MarkerError::Late(at));
        let (from, to) = (label(frame)?, label(free)?);
        // A bar would end the words.
        let words = tag::named(marker).replace('|', "¦");
        out += &format!(
            "{:03}  001      V     C        {from} {to} {from} {to}  \n |C:ResolveColorBlue |M:{words} |D:{lasts}\n\n",
            index + 1
        );
    }
    Ok(out.into_bytes())
}

fn no_rate() -> MarkerError {
    MarkerError::Say {
        text: "an EDL counts frames and does not say how many make a second".to_owned(),
        hint: format!("Say --fps, as the time line has it: one of {}.", super::RATES),
    }
}

fn begin(fps: Fps) -> Result<i64, MarkerError> {
    fps.frames_of(BEGIN).map_err(MarkerError::Broken)
}

/// The place of an event on the time line: the last two of its four timecodes.
fn times(line: &str) -> Option<(&str, &str)> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let number = fields.first()?;
    if !number.bytes().all(|b| b.is_ascii_digit()) || fields.len() < 8 {
        return None;
    }
    let last = fields.get(fields.len() - 4..)?;
    last.iter().all(|it| timecode::looks_so(it)).then(|| (last[2], last[3]))
}

/// A marker under its event, or by itself.
struct Mark<'a> {
    line: usize,
    at: &'a str,
    frames: Option<i64>,
    words: String,
}

pub(super) fn read(text: &str, how: &Reading) -> Result<Read, MarkerError> {
    let fps = how.fps.ok_or_else(no_rate)?;
    let (marks, dropping) = marks(text);
    if dropping.is_some_and(|dropping| dropping != fps.drops()) && marks.iter().any(|it| it.at.contains(';'))
    {
        return Err(MarkerError::Say {
            text: format!("it counts in drop frame, and {fps} has none"),
            hint: "Say --fps 29.97df or --fps 59.94df.".to_owned(),
        });
    }
    let mut reader = Reader::new(Dialect::Edl, 0);
    reader.read.grain_ms = fps.grain_ms();
    let mut placed = Vec::new();
    for mark in &marks {
        match fps.frames_of(mark.at) {
            _ if mark.at.is_empty() => reader.fault(mark.line, "it stands under no event"),
            Ok(frame) => placed.push((mark, frame)),
            Err(text) => reader.fault(mark.line, text),
        }
    }
    let hour = begin(fps)?;
    let zero = match begins(how, 0)? {
        Some(ms) => ms,
        None if !placed.is_empty() && placed.iter().all(|(_, frame)| *frame >= hour) => {
            reader.read.assumed.push(format!(
                "No marker stands before {BEGIN}: the song is taken to begin there. Say --offset 0 if it does not."
            ));
            fps.ms_of(hour)
        }
        None => 0,
    };
    reader.zero_ms = zero;
    for (mark, frame) in placed {
        // One frame is a point.
        let end =
            mark.frames.filter(|it| *it > 1).and_then(|it| frame.checked_add(it)).map(|it| fps.ms_of(it));
        reader.take(mark.line, fps.ms_of(frame), end, &mark.words, "");
    }
    Ok(reader.read)
}

/// All markers, and whether the list says that labels are dropped.
fn marks(text: &str) -> (Vec<Mark<'_>>, Option<bool>) {
    let mut marks = Vec::new();
    let mut dropping = None;
    let mut event: Option<&str> = None;
    // Words of a marker that stand in lines of their own before its colour.
    let mut before: Vec<&str> = Vec::new();
    for (line, text) in text::lines(text) {
        if let Some(fcm) = text.strip_prefix("FCM:") {
            dropping = Some(!fcm.contains("NON"));
        } else if let Some((from, _)) = times(text) {
            event = Some(from);
            before.clear();
        } else if let Some(loc) = text.trim_start().strip_prefix("* LOC:") {
            marks.push(locator(line, loc));
        } else if text.contains("|M:") {
            marks.push(resolve(line, event.unwrap_or_default(), text, &before));
            before.clear();
        } else if event.is_some() && !text.trim().is_empty() && !text.trim_start().starts_with('*') {
            before.push(text.trim());
        }
    }
    (marks, dropping)
}

/// ` |C:ResolveColorBlue |M:words |D:1`, with the note of the marker before it.
fn resolve<'a>(line: usize, at: &'a str, text: &str, before: &[&str]) -> Mark<'a> {
    let (note, rest) = text.split_once("|C:").unwrap_or(("", text));
    let words = rest.split_once("|M:").map_or("", |(_, words)| words);
    let (words, frames) = match words.rsplit_once("|D:") {
        Some((words, frames)) => (words, frames.trim().parse().ok()),
        None => (words, None),
    };
    let notes: Vec<&str> = before.iter().copied().chain([note.trim()]).filter(|it| !it.is_empty()).collect();
    Mark { line, at, frames, words: text::spoken(words.trim(), &notes.join("\n")) }
}

/// `01:01:07:21 red   words`
fn locator(line: usize, text: &str) -> Mark<'_> {
    let (at, rest) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
    let rest = rest.trim_start();
    // The colour is one word.
    let words = rest.split_once(char::is_whitespace).map_or("", |(_, words)| words.trim());
    Mark { line, at, frames: None, words: words.to_owned() }
}
