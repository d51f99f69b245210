//! What was said of the running order and of its joints: who, when, of which spacing, and with what answer it was closed.

use deadwax_proto::v1::SpacingNote;
use ratatui::{Frame, layout::Rect, text::Line as Text};

use super::Page;
use crate::tui::{
    album,
    draw::{
        empty, heading, put,
        text::{clip, wrap},
    },
    words,
};

impl Page<'_> {
    pub(super) fn notes(&self, frame: &mut Frame<'_>, area: Rect) {
        let (model, theme) = (self.model, self.theme);
        let notes = &self.notes;
        let open = notes.iter().filter(|it| !it.closed).count();
        let rest = format!("{open} open · n on the joint of the marked song, N on the order, d closes one");
        put(frame, area, 0, heading(theme, "Notes", &rest, area.width, true));
        let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        if notes.is_empty() {
            let said = [
                "Nothing was said of this running order.",
                "n writes a note on the joint before the marked song.",
            ];
            return empty(theme, frame, body, &said);
        }
        let at = model.album.note.min(notes.len() - 1);
        let room = usize::from(area.width.saturating_sub(4));
        // From the marked one back as far as it fits: it is in sight, whole.
        let height = usize::from(body.height);
        let mut first = at;
        let mut used = self.lines_of(notes[at], room).len();
        while first > 0 {
            let above = self.lines_of(notes[first - 1], room).len();
            if used + above > height {
                break;
            }
            used += above;
            first -= 1;
        }
        let mut row = 0;
        for (place, note) in notes.iter().enumerate().skip(first) {
            if row >= body.height {
                break;
            }
            for (line, text) in self.lines_of(note, room).into_iter().enumerate() {
                let mark = if place == at && line == 0 { "▸" } else { " " };
                let style = match (line, note.closed) {
                    (0, false) => theme.head(),
                    (_, true) => theme.dim(),
                    _ => theme.plain(),
                };
                put(frame, body, row, Text::styled(format!("{mark}{text}"), style));
                row += 1;
            }
        }
    }

    /// Its head, its text, and its answer.
    fn lines_of(&self, note: &SpacingNote, room: usize) -> Vec<String> {
        let sign = if note.closed { "●" } else { "○" };
        let on = self.place(note);
        let age = words::age(self.model.now_ms, note.at_ms);
        let head = format!("{sign} {on} · {}, {age}, of spacing {}", clip(&note.by, 24), note.number);
        let mut lines = vec![clip(&head, room + 2)];
        lines.extend(wrap(&note.text, room).into_iter().map(|it| format!("   {it}")));
        if note.closed {
            let by = if note.closed_by.is_empty() { "somebody" } else { note.closed_by.as_str() };
            let told = match note.answer.trim() {
                "" => format!("closed by {by}"),
                answer => format!("closed by {by}: {answer}"),
            };
            lines.extend(wrap(&told, room.saturating_sub(2)).into_iter().map(|it| format!("   → {it}")));
        }
        lines
    }

    /// "before 2 Paper Boats", "the order as a whole"
    fn place(&self, note: &SpacingNote) -> String {
        if note.song_id.is_empty() {
            return "the order as a whole".into();
        }
        let song = self.rows.song_number(&note.song_id);
        let at = song.and_then(|song| self.order.pieces().iter().position(|it| it.song == song));
        let title = self.rows.song(&note.song_id).map_or("a song that is not here", |it| it.title.as_str());
        match at {
            Some(at) => format!("before {} {}", at + 1, clip(title, 30)),
            None => format!("before {}", clip(title, 30)),
        }
    }

    /// Of the open notes on the order as a whole, in one line; `None` where there are none.
    pub(super) fn said_of_all(&self) -> Option<String> {
        let open = album::order_open(&self.notes);
        let first = open.first()?;
        let more = if open.len() > 1 { format!(" (and {} more)", open.len() - 1) } else { String::new() };
        Some(format!(" ○ {} on the order{more}: {}", first.by, first.text))
    }

    /// Of the marked song: how it lies, in full, and the open notes on its joint.
    pub(super) fn in_full(&self) -> Vec<String> {
        let Some(line) = self.lines.get(self.at) else { return Vec::new() };
        let id = self.rows.song_id_numbered(line.song);
        let open = album::joint_open(&self.notes, &id);
        let how = crate::verbs::words::joined(&line.placing.item(id), self.at == 0);
        let how = if how.is_empty() { "as it is".to_owned() } else { how };
        let mut said = vec![format!(" {}. {how}", self.at + 1)];
        if let Some(first) = open.first() {
            let more = if open.len() > 1 { format!(" (and {} more)", open.len() - 1) } else { String::new() };
            said.push(format!(" ○ {} on this joint{more}: {}", first.by, first.text));
        }
        said
    }
}
