//! The markers of "Export Session Info as Text" of Pro Tools, read and written. Pro Tools has no way to read such a file; tools that make
//! cue sheets, MIDI or sessions of it do. The shape is that of real exports (Pro Tools 8 to 2023.12), as the test files of DAWFileKit and
//! ptulsconv show it: tabs, padded columns, names with breaks and tabs as they were typed, since 2023.12 two columns more.

use super::{
    Dialect, Fps, Marker, MarkerError, Read, Reader, Reading, Writing, begins, points, tag, text, timecode,
};

const SECTION: &str = "M A R K E R S  L I S T I N G";
const RATE_HZ: u32 = 48_000;
/// The column of names is padded to this; a break or a tab in a name counts.
const NAME_WIDTH: usize = 33;

pub(super) fn is(text: &str) -> bool {
    text::lines(text).any(|(_, line)| line.trim() == SECTION || line.starts_with("SESSION NAME:\t"))
}

pub(super) fn write(markers: &[Marker], how: &Writing) -> Result<Vec<u8>, MarkerError> {
    let rate = if how.rate_hz == 0 { RATE_HZ } else { how.rate_hz };
    let fps = match how.fps {
        Some(fps) => fps,
        None => "30".parse().map_err(MarkerError::Broken)?,
    };
    let zero = fps.label(0).unwrap_or_default();
    let mut out = format!(
        "SESSION NAME:\t{}\nSAMPLE RATE:\t{rate}.000000\nBIT DEPTH:\t24-bit\nSESSION START TIMECODE:\t{zero}\nTIMECODE FORMAT:\t{}\n\
# OF AUDIO TRACKS:\t0\n# OF AUDIO CLIPS:\t0\n# OF AUDIO FILES:\t0\n\n\n{SECTION}\n\
#   \tLOCATION     \tTIME REFERENCE    \tUNITS    \tNAME                             \tCOMMENTS\n",
        text::one_line(&how.title),
        fps.session(),
    );
    for (index, (at, name, marker)) in points(markers).into_iter().enumerate() {
        let ends = marker.start_ms != Some(at);
        let samples = u128::from(at) * u128::from(rate) / 1000
            + u128::from(u128::from(at) * u128::from(rate) % 1000 >= 500);
        let location = match how.fps {
            Some(fps) => fps.label(fps.frame_at(at)).ok_or(MarkerError::Late(at))?,
            None => location(at),
        };
        let (name, comment) = if ends {
            ("end".to_owned(), name)
        } else {
            (text::one_line(&marker.name), tag::commented(marker))
        };
        out +=
            &format!("{:<4}\t{location:<13}\t{samples:<18}\tSamples  \t{name:<33}\t{comment}\n", index + 1);
    }
    Ok(out.into_bytes())
}

/// Minutes are not carried into hours here: "75:00.000".
fn location(ms: u64) -> String {
    format!("{}:{:02}.{:03}", ms / 60_000, ms / 1000 % 60, ms % 1000)
}

/// What the head says.
#[derive(Default)]
struct Session {
    rate_hz: Option<u32>,
    start: String,
    fps: Option<Fps>,
    fps_word: String,
}

/// One marker as it stands there, breaks in its words included.
struct Row<'a> {
    line: usize,
    location: &'a str,
    reference: &'a str,
    units: &'a str,
    words: String,
    /// Of the comment, which goes on in lines of its own.
    more: String,
}

pub(super) fn read(text: &str, how: &Reading) -> Result<Read, MarkerError> {
    let mut session = Session::default();
    let mut lines = text::lines(text);
    let mut head = None;
    while let Some((_, line)) = lines.next() {
        if line.trim() == SECTION {
            head = lines.next();
            break;
        }
        session.note(line);
    }
    let Some((line, head)) = head else {
        return Err(MarkerError::Say {
            text: "it is the text of a Pro Tools session without its markers".to_owned(),
            hint: "Export it again with \"Include Markers\" on.".to_owned(),
        });
    };
    if !head.contains("LOCATION") || !head.contains("NAME") {
        return Err(MarkerError::Broken(format!("line {line} does not name the columns of the markers")));
    }
    let with_track = head.contains("TRACK NAME");
    session.fps = how.fps.or(session.fps);
    let how_here = Reading { fps: session.fps, ..how.clone() };
    let origin_ms = match (&how.begins, session.fps) {
        // A timecode names a place in the session; its start is our zero.
        (Some(said), Some(fps)) if timecode::looks_so(said) && !session.start.is_empty() => {
            let label = session.start.split('.').next().unwrap_or_default();
            let frames = fps.frames_of(label).map_err(MarkerError::Broken)?;
            fps.ms_of(frames)
        }
        _ => 0,
    };
    let mut reader = Reader::new(Dialect::Protools, begins(&how_here, origin_ms)?.unwrap_or(0));
    let rate_hz = session.rate_hz.unwrap_or(how.rate_hz);
    for row in gather(lines, &mut reader) {
        let at = match session.ms(&row, rate_hz, &mut reader) {
            Ok(at) => at,
            Err(text) => {
                reader.fault(row.line, text);
                continue;
            }
        };
        let (name, comment) = columns(&row.words, with_track);
        let comment = format!("{comment}{}", row.more);
        reader.take(row.line, at, None, name.trim(), comment.trim());
    }
    Ok(reader.read)
}

/// Rows with what belongs to them: the lines after one that begin no other.
fn gather<'a>(lines: impl Iterator<Item = (usize, &'a str)>, reader: &mut Reader) -> Vec<Row<'a>> {
    let mut rows: Vec<Row<'a>> = Vec::new();
    let mut blank = 0;
    for (line, text) in lines {
        if text.trim().is_empty() && !text.contains('\t') {
            blank += 1;
            continue;
        }
        if is_heading(text) {
            break;
        }
        if let Some(row) = begun(line, text) {
            rows.push(row);
        } else if let Some(row) = rows.last_mut() {
            let breaks = "\n".repeat(1 + blank);
            match comment_goes_on(text) {
                Some(more) => row.more += &format!("{breaks}{more}"),
                None => row.words += &format!("{breaks}{text}"),
            }
        } else {
            reader.fault(line, "it is no marker");
        }
        blank = 0;
    }
    rows
}

/// "T R A C K  L I S T I N G"
fn is_heading(line: &str) -> bool {
    let mut letters = line.trim().chars();
    let spaced =
        letters.by_ref().take(8).enumerate().all(|(at, c)| (c == ' ') == (at % 2 == 1) && !c.is_lowercase());
    spaced && line.trim().len() > 12 && !line.contains('\t')
}

fn begun(line: usize, text: &str) -> Option<Row<'_>> {
    let mut fields = text.splitn(5, '\t');
    let number = fields.next()?.trim();
    let (location, reference, units) = (fields.next()?.trim(), fields.next()?.trim(), fields.next()?.trim());
    let words = fields.next()?;
    let begins = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    (begins && matches!(units, "Samples" | "Ticks")).then(|| Row {
        line,
        location,
        reference,
        units,
        words: words.to_owned(),
        more: String::new(),
    })
}

/// A comment goes on under empty columns.
fn comment_goes_on(text: &str) -> Option<&str> {
    let mut rest = text;
    for _ in 0..4 {
        let (field, after) = rest.split_once('\t')?;
        if !field.trim().is_empty() {
            return None;
        }
        rest = after;
    }
    Some(rest.trim_start_matches([' ', '\t']))
}

/// Name and comment. A name that holds tabs ends at the first one behind its padding.
fn columns(words: &str, with_track: bool) -> (&str, &str) {
    let (name, rest) = field(words);
    if !with_track {
        return (name, rest);
    }
    let (_, rest) = field(rest);
    let (_, comment) = field(rest);
    (name, comment)
}

fn field(text: &str) -> (&str, &str) {
    for (width, (at, c)) in text.char_indices().enumerate() {
        if c == '\t' && width >= NAME_WIDTH {
            return (&text[..at], &text[at + 1..]);
        }
    }
    // Not padded: some other tool wrote it.
    text.split_once('\t').unwrap_or((text, ""))
}

impl Session {
    fn note(&mut self, line: &str) {
        let Some((key, value)) = line.split_once('\t') else { return };
        let value = value.trim();
        match key.trim() {
            "SAMPLE RATE:" => {
                let rate = value.split('.').next().and_then(|it| it.parse().ok());
                self.rate_hz = rate.filter(|rate| (8_000..=768_000).contains(rate));
            }
            "SESSION START TIMECODE:" => value.clone_into(&mut self.start),
            "TIMECODE FORMAT:" => {
                self.fps = Fps::from_session(value);
                value.clone_into(&mut self.fps_word);
            }
            _ => {}
        }
    }

    /// From the beginning of the session. Samples are exact, whatever the time format of the export was.
    fn ms(&self, row: &Row<'_>, rate_hz: u32, reader: &mut Reader) -> Result<i64, String> {
        if row.units == "Samples"
            && rate_hz > 0
            && let Ok(samples) = row.reference.parse::<i64>()
        {
            return Ok(timecode::samples_ms(samples, rate_hz));
        }
        let at = row.location;
        let again = "export again with the time format Min:Secs or Samples";
        if at.contains('|') {
            return Err(format!("{at} counts bars, which are no time without the tempo: {again}"));
        }
        if at.contains('+') {
            return Err(format!("{at} counts feet and frames of film: {again}"));
        }
        if timecode::looks_so(at) {
            let Some(fps) = self.fps else {
                let word = crate::scrub::cut(&crate::scrub::line(&self.fps_word), 30);
                return Err(format!("{at} counts frames at {word:?}, which is no known rate: say --fps"));
            };
            reader.read.grain_ms = fps.grain_ms();
            return fps.between_ms(&self.start, at);
        }
        if at.contains(':') {
            return timecode::clock_ms(at).ok_or_else(|| format!("{at:?} is not a time"));
        }
        match at.parse::<i64>() {
            Ok(samples) if rate_hz > 0 => Ok(timecode::samples_ms(samples, rate_hz)),
            _ => Err(format!("{:?} is not a time: {again}", crate::scrub::cut(&crate::scrub::line(at), 30))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_is_no_name() {
        assert!(is_heading("P L U G - I N S  L I S T I N G") && is_heading(SECTION));
        assert!(!is_heading("A verse of words") && !is_heading("1   \tx") && !is_heading("A B"));
        assert_eq!(location(75 * 60_000), "75:00.000");
    }
}
