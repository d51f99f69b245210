//! The record: the running order with gaps, trims, fades and gains, where its sides end, how its songs stand to each other, and what was said of it.
//! Everything is drawn from the draft of `album`; bars are read without colour, and what stands out is said in words.

mod beside;
mod cells;
mod notes;
mod sides;

use deadwax_proto::v1::{SongRow, SpacingNote, Stage};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::{Line as Text, Span},
};

use super::{
    Hit, arrived, empty, first_shown,
    project::lacks,
    put, row_of, sought,
    text::{clip, pad, pad_left, width},
    theme::Theme,
};
use crate::{
    play::Deck,
    tui::{
        album::{self, Line, Lines, Order, View},
        lists,
        model::Model,
        rows::{May, PROJECT_KEY, Project},
        words,
    },
};
use cells::{before, fades, gain, length, letter, trims};

/// From here on the stage and the side have columns of their own.
const WIDE: u16 = 100;

/// Everything that the parts of the screen share.
struct Page<'a> {
    model: &'a Model,
    theme: &'a Theme,
    rows: &'a Project,
    project: &'a str,
    order: &'a Order,
    lines: Lines<'a>,
    /// Of the newest spacing: the open ones first.
    notes: Vec<&'a SpacingNote>,
    /// The first songs of the sides after the first.
    starts: Vec<usize>,
    /// The places that the filter shows.
    kept: Vec<usize>,
    at: usize,
}

pub(super) fn draw(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    project: &str,
    at: usize,
) {
    let Some(rows) = arrived(model, theme, frame, area, project) else { return };
    let order = model.album.order(project, rows);
    let lines = album::lines(rows, &order);
    let starts = model.album.side_starts(&order);
    let at = at.min(lines.len().saturating_sub(1));
    let kept = match sought(model) {
        Some(filter) => lists::kept_of(filter, rows, order.pieces()),
        None => (0..lines.len()).collect(),
    };
    let (order, notes) = (&*order, album::notes(rows));
    let page = Page { model, theme, rows, project, order, lines, notes, starts, kept, at };
    if page.lines.is_empty() {
        return empty(theme, frame, area, &["There are no songs yet. The board tells how to add one: 3."]);
    }
    let told = page.state();
    let told_lines = u16::try_from(told.len()).unwrap_or(1);
    let [head, body] = Layout::vertical([Constraint::Length(told_lines), Constraint::Min(0)]).areas(area);
    for (row, line) in told.into_iter().enumerate() {
        put(frame, head, u16::try_from(row).unwrap_or(u16::MAX), line);
    }
    match model.album.view {
        View::Order => page.draw_order(frame, body),
        View::Beside => page.beside(frame, body),
        View::Notes => page.notes(frame, body),
    }
}

impl Page<'_> {
    /// The order, the marked song in full where there is more to tell than columns hold, its sides, and the chart.
    fn draw_order(&self, frame: &mut Frame<'_>, area: Rect) {
        let sides = u16::try_from(self.sides().len() + 1).unwrap_or(u16::MAX).min(area.height / 4).max(2);
        let hidden = u16::from(self.lines.get(0).is_some_and(|it| it.placing.hidden));
        let songs = u16::try_from(self.lines.len() + 1).unwrap_or(u16::MAX).saturating_add(hidden);
        // Where one song has more to tell the lines stay where they are whichever is marked.
        let joints = self.notes.iter().any(|it| !it.closed && !it.song_id.is_empty());
        let more = u16::from(self.order.has_more || joints) + u16::from(joints);
        let rest = area.height.saturating_sub(sides + more);
        // The order comes first; the chart gets what it leaves, a third at least.
        let order = songs.min(rest.saturating_sub((rest / 3).max(4).min(songs.saturating_add(1))));
        let [list, full, disc, chart] = Layout::vertical([
            Constraint::Length(order),
            Constraint::Length(more),
            Constraint::Length(sides),
            Constraint::Min(0),
        ])
        .areas(area);
        self.order(frame, list);
        if more > 0 {
            for (row, text) in self.in_full().into_iter().enumerate() {
                let text = clip(&text, usize::from(area.width));
                put(
                    frame,
                    full,
                    u16::try_from(row).unwrap_or(u16::MAX),
                    Text::styled(text, self.theme.dim()),
                );
            }
        }
        self.draw_sides(frame, disc);
        self.chart(frame, chart);
    }

    /// What this order is: saved, not saved, overtaken, not to be saved by this person.
    fn state(&self) -> Vec<Text<'static>> {
        let Page { model, theme, rows, project, .. } = self;
        let spacing = rows.head().and_then(|it| it.spacing.as_ref());
        let set = match spacing {
            Some(it) => format!("Spacing {} by {}, {}", it.number, it.by, words::age(model.now_ms, it.at_ms)),
            None => "No spacing was saved yet".into(),
        };
        let signed: Vec<String> = spacing
            .iter()
            .flat_map(|it| &it.approvals)
            .map(|it| format!("{} ({})", it.name, words::role(it.role())))
            .collect();
        let signed = match (spacing, signed.is_empty()) {
            (None, _) => String::new(),
            (_, true) if rows.may("approve_spacing", &[PROJECT_KEY.to_owned()]) == May::Yes => {
                " · approved by nobody yet, A approves".into()
            }
            (_, true) => " · approved by nobody yet".into(),
            _ => format!(" · approved by {}", signed.join(", ")),
        };
        let count = words::count(self.lines.len(), "song", "songs");
        let total = words::clock(self.lines.total_ms(), true);
        let unsaved = model.album.is_unsaved(project, rows);
        let mark = if unsaved { "● not saved, w saves · " } else { "" };
        let room = usize::from(model.size.0.saturating_sub(1));
        let text = clip(&format!(" {count}, {total} · {set}{signed}"), room.saturating_sub(width(mark)));
        let style = if unsaved { theme.warn() } else { theme.plain() };
        let mut all =
            vec![Text::from(vec![Span::styled(format!(" {mark}"), style), Span::raw(text[1..].to_owned())])];
        if let Some(number) = model.album.overtaken(project, rows) {
            let by = spacing.map_or("somebody", |it| it.by.as_str());
            let text =
                format!(" ! {by} set spacing {number} meanwhile: t takes it, w puts yours in its place.");
            all.push(Text::styled(clip(&text, room), theme.alarm()));
        } else if let (true, May::No(no)) = (unsaved, rows.may("set_spacing", &[PROJECT_KEY.to_owned()])) {
            let text = format!(" × You can hear it, not save it: {}", no.text);
            all.push(Text::styled(clip(&text, room), theme.warn()));
        }
        if model.album.view == View::Order
            && let Some(text) = self.said_of_all()
        {
            all.push(Text::styled(clip(&text, room), theme.plain()));
        }
        all
    }

    /// Which line is heard, and where in it, in milliseconds.
    fn heard(&self) -> Option<(usize, u64)> {
        let player = &self.model.player;
        let (status, Deck::Album { items }) = (player.status.as_ref()?, player.deck.as_ref()?) else {
            return None;
        };
        let item = items.get(status.heard)?;
        let at = self.lines.place_of_version(&item.track.version_id)?;
        let (rate, starts) = album::joints(items);
        let frames = status.at.saturating_sub(*starts.get(status.heard)?);
        Some((at, u64::try_from(u128::from(frames) * 1000 / u128::from(rate.max(1))).unwrap_or(u64::MAX)))
    }

    fn side_of(&self, at: usize) -> usize {
        self.starts.iter().filter(|start| **start <= at).count()
    }

    fn order(&self, frame: &mut Frame<'_>, area: Rect) {
        let wide = area.width >= WIDE;
        let named = |line: &Line<'_>| match (line.version(), line.song()) {
            (Some(it), _) => words::version(it),
            (None, song) => lacks(song.map_or(Stage::Unspecified, SongRow::stage)).to_owned(),
        };
        // The hidden song has a line below it that says so.
        let hidden = self.lines.get(0).is_some_and(|it| it.placing.hidden);
        let height = usize::from(area.height.saturating_sub(1)).saturating_sub(usize::from(hidden));
        let shown = self.window(height);
        let names = shown.iter().filter_map(|(_, at)| self.lines.get(*at)).map(|it| width(&named(&it)));
        let version = names.max().unwrap_or(0).clamp(8, 13) + 1;
        let fixed = 2 + 5 + version + 11 + 8 + 10 + 13 + 7 + if wide { 11 + 5 + 10 } else { 0 };
        let title = usize::from(area.width).saturating_sub(fixed).max(8);
        let extra = if wide { format!("{}{}", pad("Stage", 11), pad("Side", 5)) } else { String::new() };
        let header = format!(
            "  {}{}{}{extra}{}{}{}{}{}{}",
            pad_left("#", 3),
            pad(" Song", title + 2),
            pad("Version", version),
            pad("Before", 11),
            pad_left("Starts", 8),
            pad_left("Length", 10),
            if wide { pad("  Cut", 10) } else { String::new() },
            pad("  Fades", 13),
            pad_left("Gain", 7)
        );
        put(frame, area, 0, Text::styled(header, self.theme.dim()));
        let heard = self.heard();
        let open: Vec<u32> = self
            .notes
            .iter()
            .filter(|it| !it.closed)
            .filter_map(|it| self.rows.song_number(&it.song_id))
            .collect();
        let fresh = self.rows.is_fresh(PROJECT_KEY) && !self.model.album.is_unsaved(self.project, self.rows);
        let mut down = 0;
        for (row, at) in shown {
            let Some(line) = self.lines.get(at) else { continue };
            let notes = open.iter().filter(|it| **it == line.song).count();
            let text = self.song_line((&line, at), (title, version, wide), &named(&line), (notes, heard));
            let style = self.theme.row(at == self.at, fresh, self.model.online());
            self.theme.hit(row_of(area, row + down + 1), || Hit::Row(at));
            put(frame, area, row + down + 1, Text::styled(text, style));
            if line.placing.hidden {
                down = 1;
                let text = "       ↳ hidden in the pre-gap, before track 1: no track of its own";
                put(
                    frame,
                    area,
                    row + 2,
                    Text::styled(clip(text, usize::from(area.width)), self.theme.dim()),
                );
            }
        }
    }

    /// One song of the order.
    fn song_line(
        &self,
        (line, at): (&Line<'_>, usize),
        (title, version, wide): (usize, usize, bool),
        named: &str,
        (notes, heard): (usize, Option<(usize, u64)>),
    ) -> String {
        let placing = &line.placing;
        let extra = if wide {
            let stage = line.song().map_or("", |it| words::stage(it.stage()));
            let side = if self.model.album.medium().has_sides() { letter(self.side_of(at)) } else { '–' };
            format!("{}{}", pad(stage, 11), pad(&side.to_string(), 5))
        } else {
            String::new()
        };
        let long = match heard {
            Some((playing, ms)) if playing == at => format!("▶{}", words::clock(ms, false)),
            _ => length(line.length_ms, placing),
        };
        let mark = if at == self.at { "▸ " } else { "  " };
        let name = line.song().map_or("a song that is not here", |it| it.title.as_str());
        // How many open notes there are on its joint, behind the title.
        let noted = match notes {
            0 => String::new(),
            1 => " ○".into(),
            more => format!(" ○{more}"),
        };
        let room = title.saturating_sub(width(&noted));
        let name = pad(&format!("{}{noted}", clip(name, room)), title);
        format!(
            "{mark}{} {name} {}{extra}{}{}{}{}{}{}",
            pad_left(&(at + 1).to_string(), 3),
            pad(named, version),
            pad(&before(at, placing), 11),
            pad_left(&words::clock(line.start_ms, false), 8),
            pad_left(&long, 10),
            if wide { pad(&format!("  {}", trims(placing)), 10) } else { String::new() },
            pad(&format!("  {}", fades(placing)), 13),
            pad_left(&gain(placing), 7)
        )
    }

    /// The rows of a list and the places that stand in them.
    fn window(&self, height: usize) -> Vec<(u16, usize)> {
        let here = self.kept.iter().position(|it| *it >= self.at).unwrap_or(0);
        let first = first_shown(here, self.kept.len(), height);
        let places = self.kept.iter().skip(first).take(height).copied().enumerate();
        places.map(|(row, at)| (u16::try_from(row).unwrap_or(u16::MAX - 8), at)).collect()
    }
}
