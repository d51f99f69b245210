//! Our own CSV (RFC 4180): every column of a note, for spreadsheets and programs. Columns are found by their names, so that a person may
//! move or leave out some; `start` and `text` must be there.

use super::{
    About, Dialect, Found, MARKERS_MAX, Marker, MarkerError, Read, Reader, Reading, begins, clock,
    reaper::rows, text, timecode,
};

const HEAD: [&str; 18] = [
    "note_id",
    "start",
    "end",
    "text",
    "author",
    "role",
    "to",
    "state",
    "internal",
    "alternate",
    "version",
    "written_in",
    "written_start",
    "written_end",
    "reply_to",
    "checklist",
    "reason",
    "start_ms",
];

pub(super) fn is(text: &str) -> bool {
    let head = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().to_ascii_lowercase();
    let cells: Vec<&str> = head.split(',').map(|cell| cell.trim().trim_matches('"')).collect();
    ["note_id", "start", "text"].iter().all(|wanted| cells.contains(wanted))
}

pub(super) fn write(markers: &[Marker]) -> Result<Vec<u8>, MarkerError> {
    let fault = |e: csv::Error| MarkerError::Broken(e.to_string());
    let mut rows = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    rows.write_record(HEAD).map_err(fault)?;
    for marker in markers {
        let About {
            author,
            role,
            to,
            state,
            alternate,
            version,
            written_in,
            written_start,
            written_end,
            reply_to,
            checklist,
            reason,
        } = &marker.about;
        let start = marker.start_ms.map(clock).unwrap_or_default();
        let end = marker.end_ms.map(clock).unwrap_or_default();
        let start_ms = marker.start_ms.map(|it| it.to_string()).unwrap_or_default();
        let words = crate::scrub::block(&marker.name);
        let internal = if marker.internal { "yes" } else { "no" };
        let row = [
            marker.id.as_deref().unwrap_or_default(),
            &start,
            &end,
            &words,
            author,
            role,
            to,
            state,
            internal,
            alternate,
            version,
            written_in,
            written_start,
            written_end,
            reply_to,
            checklist,
            reason,
            &start_ms,
        ];
        rows.write_record(row.map(text::guarded)).map_err(fault)?;
    }
    rows.into_inner().map_err(|e| MarkerError::Broken(e.to_string()))
}

pub(super) fn read(text: &str, how: &Reading) -> Result<Read, MarkerError> {
    let mut reader = Reader::new(Dialect::Csv, begins(how, 0)?.unwrap_or(0));
    let (columns, rows) = rows(text, &mut reader);
    if !columns.has("start") || !columns.has("text") {
        return Err(MarkerError::Unknown(text::seen(text)));
    }
    for (line, row) in &rows {
        if row.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let cell = |name| text::unguarded(columns.cell(row, name));
        let block = |name| crate::scrub::block(cell(name)).trim().to_owned();
        match (time(cell("start"), reader.zero_ms), time(cell("end"), reader.zero_ms)) {
            (Ok(start_ms), Ok(end_ms)) => {
                if end_ms.is_some() && (start_ms.is_none() || end_ms < start_ms) {
                    reader.fault(*line, "it ends before it begins");
                    continue;
                }
                let marker = Marker {
                    start_ms,
                    end_ms: end_ms.filter(|_| end_ms > start_ms),
                    name: block("text"),
                    comment: String::new(),
                    id: Some(cell("note_id").to_ascii_lowercase()).filter(|it| !it.is_empty()),
                    internal: matches!(cell("internal").to_ascii_lowercase().as_str(), "yes" | "true" | "1"),
                    about: About {
                        author: block("author"),
                        role: block("role"),
                        to: block("to"),
                        state: block("state"),
                        alternate: block("alternate"),
                        version: block("version"),
                        written_in: block("written_in"),
                        written_start: block("written_start"),
                        written_end: block("written_end"),
                        reply_to: block("reply_to"),
                        checklist: block("checklist"),
                        reason: block("reason"),
                    },
                };
                if reader.read.markers.len() <= MARKERS_MAX {
                    reader.read.markers.push(Found { line: *line, marker });
                }
            }
            (Err(text), _) | (_, Err(text)) => reader.fault(*line, text),
        }
    }
    Ok(reader.read)
}

/// An empty cell is no time: the note speaks of the whole song.
fn time(cell: &str, zero_ms: i64) -> Result<Option<u64>, String> {
    if cell.is_empty() {
        return Ok(None);
    }
    let shown = || crate::scrub::cut(&crate::scrub::line(cell), 30);
    let at = timecode::clock_ms(cell).ok_or_else(|| format!("{:?} is not a time", shown()))?;
    let in_song = at.checked_sub(zero_ms).and_then(|it| u64::try_from(it).ok());
    in_song.map(Some).ok_or_else(|| "it stands before the song begins".to_owned())
}
