//! The CSV of Reaper's Region/Marker Manager: `#,Name,Start,End,Length` and sometimes `Color`; `M1` is a marker, `R1` a region. Times come
//! as the ruler of the project shows them: 1:23.456, seconds, samples, h:m:s:f, frames, or bars, which say nothing without a tempo.

use csv::StringRecord;

use super::{
    Counts, Dialect, Marker, MarkerError, Read, Reader, Reading, begins, clock, tag, text, timecode,
};

const HEAD: [&str; 5] = ["#", "Name", "Start", "End", "Length"];

pub(super) fn is(text: &str) -> bool {
    let head = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().to_ascii_lowercase();
    let cells: Vec<&str> = head.split(',').map(|cell| cell.trim().trim_matches('"')).collect();
    ["#", "name", "start"].iter().all(|wanted| cells.contains(wanted))
}

pub(super) fn write(markers: &[Marker]) -> Result<Vec<u8>, MarkerError> {
    let mut rows = csv::WriterBuilder::new().from_writer(Vec::new());
    let (mut points, mut regions) = (0, 0);
    let fault = |e: csv::Error| MarkerError::Broken(e.to_string());
    rows.write_record(HEAD).map_err(fault)?;
    for marker in markers {
        let Some(start) = marker.start_ms else { continue };
        let name = text::guarded(&tag::named(marker));
        let row = match marker.end_ms.filter(|end| *end > start) {
            Some(end) => {
                regions += 1;
                [format!("R{regions}"), name, clock(start), clock(end), clock(end - start)]
            }
            None => {
                points += 1;
                [format!("M{points}"), name, clock(start), String::new(), String::new()]
            }
        };
        rows.write_record(&row).map_err(fault)?;
    }
    rows.into_inner().map_err(|e| MarkerError::Broken(e.to_string()))
}

/// Where a head has its columns.
pub(super) struct Columns(StringRecord);

impl Columns {
    pub(super) fn of(head: &StringRecord) -> Columns {
        Columns(head.iter().map(|cell| cell.trim().to_ascii_lowercase()).collect())
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|cell| cell == name)
    }

    /// The cell of a row, trimmed; empty where there is none.
    pub(super) fn cell<'a>(&self, row: &'a StringRecord, name: &str) -> &'a str {
        let at = self.0.iter().position(|cell| cell == name);
        at.and_then(|at| row.get(at)).unwrap_or_default().trim()
    }
}

/// Rows with the lines on which they begin. What is no row at all is a fault.
pub(super) fn rows(text: &str, reader: &mut Reader) -> (Columns, Vec<(usize, StringRecord)>) {
    let mut csv = csv::ReaderBuilder::new().flexible(true).has_headers(false).from_reader(text.as_bytes());
    let mut all: Vec<(usize, StringRecord)> = Vec::new();
    let mut count = Lines { text: text.as_bytes(), at: 0, line: 1 };
    for row in csv.records() {
        match row {
            Ok(row) => all.push((count.of(row.position()), row)),
            Err(e) => reader.fault(count.of(e.position()), "it is no row of a CSV"),
        }
    }
    let head = if all.is_empty() { StringRecord::new() } else { all.remove(0).1 };
    unclosed(text, &head, &mut all, reader);
    (Columns::of(&head), all)
}

/// Which line a row begins on. The crate's own count is one short where lines end with two signs.
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
    line: usize,
}

impl Lines<'_> {
    fn of(&mut self, position: Option<&csv::Position>) -> usize {
        let wanted = position.and_then(|it| usize::try_from(it.byte()).ok()).unwrap_or(self.at);
        while let Some(byte) = self.text.get(self.at) {
            let is_break = matches!(byte, b'\r' | b'\n');
            if self.at >= wanted && !is_break {
                break;
            }
            // Of two signs the second one counts.
            self.line +=
                usize::from(*byte == b'\n' || (is_break && self.text.get(self.at + 1) != Some(&b'\n')));
            self.at += 1;
        }
        self.line
    }
}

/// A quote that is never closed swallows the rest of the file. It must not go down quietly.
fn unclosed(text: &str, head: &StringRecord, all: &mut Vec<(usize, StringRecord)>, reader: &mut Reader) {
    let Some((line, last)) = all.last() else { return };
    let lines = text::lines(text.trim_end()).count();
    let hides = last.iter().next_back().is_some_and(|cell| cell.contains('\n'));
    if last.len() < head.len() && hides && !text.trim_end().ends_with('"') {
        let (line, last_line) = (*line, lines.max(*line));
        reader.fault(
            line,
            format!("a quote opens and is not closed: lines {line} to {last_line} were not read"),
        );
        all.pop();
    }
}

pub(super) fn read(text: &str, how: &Reading) -> Result<Read, MarkerError> {
    let mut reader = Reader::new(Dialect::Reaper, begins(how, 0)?.unwrap_or(0));
    let (columns, rows) = rows(text, &mut reader);
    if !columns.has("start") || !columns.has("name") {
        return Err(MarkerError::Unknown(text::seen(text)));
    }
    let numbers = Numbers::of(how, &columns, &rows, &mut reader)?;
    for (line, row) in &rows {
        if row.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let cell = |name| columns.cell(row, name);
        let start = match numbers.ms(cell("start")) {
            Ok(start) => start,
            Err(text) => {
                reader.fault(*line, text);
                continue;
            }
        };
        let end = match (cell("end"), cell("length")) {
            ("", "") => Ok(None),
            // A region without an end has a length.
            ("", length) => numbers.ms(length).map(|it| start.checked_add(it)),
            (end, _) => numbers.ms(end).map(Some),
        };
        match end {
            Ok(end) => reader.take(*line, start, end, text::unguarded(cell("name")), ""),
            Err(text) => reader.fault(*line, text),
        }
    }
    Ok(reader.read)
}

/// What the numbers of this file mean.
struct Numbers<'a> {
    how: &'a Reading,
    counts: Counts,
}

fn is_whole(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// "144.2.00": measure, beat, hundredths.
fn is_bars(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.matches('.').count() == 2 && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}

impl Numbers<'_> {
    fn of<'a>(
        how: &'a Reading,
        columns: &Columns,
        rows: &[(usize, StringRecord)],
        reader: &mut Reader,
    ) -> Result<Numbers<'a>, MarkerError> {
        let starts = || rows.iter().map(|(_, row)| columns.cell(row, "start")).filter(|it| !it.is_empty());
        let whole = starts().any(is_whole) && starts().all(|it| is_whole(it) || it.contains(':'));
        let counts = match how.counts {
            Counts::Auto if whole => {
                reader.read.assumed.push(format!(
                    "Its times are whole numbers: read as samples at {} Hz. Say --times seconds or --times frames if they are.",
                    how.rate_hz
                ));
                Counts::Samples
            }
            Counts::Auto => Counts::Seconds,
            said => said,
        };
        let say = |text: &str, hint: &str| MarkerError::Say { text: text.to_owned(), hint: hint.to_owned() };
        if counts == Counts::Samples && how.rate_hz == 0 {
            return Err(say(
                "it counts samples, and the rate of this version is not known",
                "Say --rate 48000.",
            ));
        }
        let frames = starts().any(timecode::looks_so) || counts == Counts::Frames;
        match (frames, how.fps) {
            (true, None) => Err(say(
                "it counts frames, and does not say how many make a second",
                "Say --fps 25, or as the project has it.",
            )),
            (true, Some(fps)) => {
                reader.read.grain_ms = fps.grain_ms();
                Ok(Numbers { how, counts })
            }
            (false, _) => Ok(Numbers { how, counts }),
        }
    }

    fn ms(&self, text: &str) -> Result<i64, String> {
        if text.is_empty() {
            return Err("it has no time".to_owned());
        }
        if is_bars(text) {
            return Err(format!(
                "{text} counts bars, which are no time without the tempo of the project: set the ruler to Minutes:Seconds and export again"
            ));
        }
        let no_time = || format!("{:?} is not a time", crate::scrub::cut(&crate::scrub::line(text), 30));
        if timecode::looks_so(text) {
            let fps = self.how.fps.ok_or_else(|| format!("{text} counts frames: say --fps"))?;
            return fps.frames_of(text).map(|frames| fps.ms_of(frames)).map_err(|_| no_time());
        }
        match (is_whole(text), self.counts, self.how.fps) {
            (true, Counts::Samples, _) => {
                text.parse().map(|it| timecode::samples_ms(it, self.how.rate_hz)).map_err(|_| no_time())
            }
            (true, Counts::Frames, Some(fps)) => text.parse().map(|it| fps.ms_of(it)).map_err(|_| no_time()),
            _ => timecode::clock_ms(text).ok_or_else(no_time),
        }
    }
}
