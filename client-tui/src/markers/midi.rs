//! Markers as meta events of a Standard MIDI File (RP-001: 06 marker, 07 cue point), through `midly`. Written so that one tick is one
//! millisecond: 500 ticks a quarter at 120 beats a minute. Read with every change of tempo, in whole numbers.

use midly::{
    Format, Fps as MidiFps, Header, MetaMessage, Timing, TrackEvent, TrackEventKind,
    num::{u15, u24, u28},
};

use super::{
    BYTES_MAX, Dialect, Marker, MarkerError, Read, Reader, Reading, Writing, begins, points, text, timecode,
};

const TICKS: u16 = 500;
const QUARTER_US: u32 = 500_000;

pub(super) fn is(bytes: &[u8]) -> bool {
    bytes.starts_with(b"MThd") || (bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"RMID"))
}

pub(super) fn write(markers: &[Marker], how: &Writing) -> Result<Vec<u8>, MarkerError> {
    let title = text::one_line(&how.title);
    let points = points(markers);
    let meta = |delta, message| TrackEvent { delta, kind: TrackEventKind::Meta(message) };
    let mut track = vec![
        meta(u28::from(0), MetaMessage::TrackName(title.as_bytes())),
        meta(u28::from(0), MetaMessage::Tempo(u24::from(QUARTER_US))),
        meta(u28::from(0), MetaMessage::TimeSignature(4, 2, 24, 8)),
    ];
    let mut now = 0;
    for (at, name, _) in &points {
        let wait = u32::try_from(at - now).ok().and_then(u28::try_from).ok_or(MarkerError::Late(*at))?;
        track.push(meta(wait, MetaMessage::Marker(name.as_bytes())));
        now = *at;
    }
    track.push(meta(u28::from(0), MetaMessage::EndOfTrack));
    let header = Header::new(Format::Parallel, Timing::Metrical(u15::from(TICKS)));
    let mut out = Vec::new();
    midly::write_std(&header, [track.iter()], &mut out).map_err(|e| MarkerError::Broken(e.to_string()))?;
    Ok(out)
}

/// One marker, at its tick.
struct Mark {
    tick: u64,
    name: String,
}

#[derive(Default)]
struct Tracks {
    marks: Vec<Mark>,
    /// Ticks, and microseconds a quarter from there on.
    tempi: Vec<(u64, u32)>,
    /// Tracks that break off.
    broken: usize,
}

pub(super) fn read(bytes: &[u8], how: &Reading) -> Result<Read, MarkerError> {
    debug_assert!(bytes.len() <= BYTES_MAX, "looked at before");
    let (header, tracks) =
        midly::parse(bytes).map_err(|e| MarkerError::Broken(format!("it is no MIDI file: {e}")))?;
    if header.format == Format::Sequential {
        return Err(MarkerError::Say {
            text: "it is a MIDI file of independent patterns, which have no common time".to_owned(),
            hint: "Export it as format 0 or 1.".to_owned(),
        });
    }
    let mut reader = Reader::new(Dialect::Midi, begins(how, 0)?.unwrap_or(0));
    let mut all = gather(tracks);
    if all.broken > 0 {
        reader.fault(0, "the file breaks off: what came after is not there");
    }
    let clock = Clock::of(header.timing, &mut all.tempi)?;
    all.marks.sort_by_key(|mark| mark.tick);
    for (index, mark) in all.marks.iter().enumerate() {
        match clock.ms(mark.tick) {
            Some(at) => reader.take(index + 1, at, None, &mark.name, ""),
            None => reader.fault(index + 1, "it stands at no time"),
        }
    }
    Ok(reader.read)
}

fn gather(tracks: midly::TrackIter<'_>) -> Tracks {
    let mut all = Tracks::default();
    for track in tracks {
        let Ok(events) = track else {
            all.broken += 1;
            continue;
        };
        let mut tick: u64 = 0;
        let mut ended = false;
        for event in events.map_while(Result::ok) {
            tick = tick.saturating_add(u64::from(event.delta.as_int()));
            match event.kind {
                TrackEventKind::Meta(MetaMessage::Marker(name) | MetaMessage::CuePoint(name)) => {
                    all.marks.push(Mark { tick, name: words(name) });
                }
                TrackEventKind::Meta(MetaMessage::Tempo(us)) => all.tempi.push((tick, us.as_int())),
                TrackEventKind::Meta(MetaMessage::EndOfTrack) => ended = true,
                _ => {}
            }
        }
        all.broken += usize::from(!ended);
    }
    all
}

/// UTF-8 as it is written today, else one byte a letter, as the standard of 1988 has it.
fn words(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// Ticks to time.
enum Clock {
    /// Ticks a quarter; from each tick on: the microseconds times ticks that lie before it, and microseconds a quarter.
    Beats { ticks: u32, parts: Vec<(u64, u128, u32)> },
    /// Milliseconds times the second number are ticks times the first.
    Frames { ms: i128, ticks: i128 },
}

impl Clock {
    fn of(timing: Timing, tempi: &mut [(u64, u32)]) -> Result<Clock, MarkerError> {
        let broken = || MarkerError::Broken("it is a MIDI file without a measure of time".to_owned());
        match timing {
            Timing::Metrical(ticks) if ticks.as_int() > 0 => {
                // Stable: of two at one tick the later one counts.
                tempi.sort_by_key(|(tick, _)| *tick);
                let mut parts = vec![(0, 0_u128, QUARTER_US)];
                for (tick, quarter_us) in tempi {
                    let (from, before, us) = parts.last().copied().unwrap_or((0, 0, QUARTER_US));
                    parts.push((*tick, before + u128::from(*tick - from) * u128::from(us), *quarter_us));
                }
                Ok(Clock::Beats { ticks: u32::from(ticks.as_int()), parts })
            }
            Timing::Timecode(fps, subframe) if subframe > 0 => {
                let (ms, frames) = match fps {
                    MidiFps::Fps24 => (1000, 24),
                    MidiFps::Fps25 => (1000, 25),
                    MidiFps::Fps29 => (1001, 30),
                    MidiFps::Fps30 => (1000, 30),
                };
                Ok(Clock::Frames { ms, ticks: frames * i128::from(subframe) })
            }
            _ => Err(broken()),
        }
    }

    fn ms(&self, tick: u64) -> Option<i64> {
        match self {
            Clock::Beats { ticks, parts } => {
                let after = parts.partition_point(|(from, _, _)| *from <= tick);
                let (from, before, us) = *parts.get(after.checked_sub(1)?)?;
                let whole = before.checked_add(u128::from(tick - from) * u128::from(us))?;
                let by = u128::from(*ticks) * 1000;
                i64::try_from((whole + by / 2) / by).ok()
            }
            Clock::Frames { ms, ticks } => {
                Some(timecode::rounded(i128::from(tick).checked_mul(*ms)?, *ticks))
            }
        }
    }
}
