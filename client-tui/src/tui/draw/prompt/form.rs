//! Short lines to fill in, a search line that leaves the list in sight, and a link that is shown once.

use ratatui::{
    Frame,
    layout::Rect,
    text::{Line, Span},
    widgets::Clear,
};

use super::{Said, editor, open, say, whole};
use crate::tui::{
    draw::{
        put,
        text::{clip, pad, width, wrap},
        theme::Theme,
    },
    form::{Field, FormAsk, Input, LinkAsk, LinkFor, Purpose, ROLES, SearchAsk},
    model::Model,
    words,
};

const COLUMNS: u16 = 76;
/// Of the names of fields, at least.
const LABEL: usize = 8;

fn room(area: Rect) -> usize {
    usize::from(area.width.min(COLUMNS).saturating_sub(4))
}

fn told(theme: &Theme, area: Rect, ask: &FormAsk) -> Said {
    let told = ask.told.iter().filter(|it| !it.is_empty());
    told.flat_map(|it| wrap(it, room(area))).map(|line| (line, theme.dim())).collect()
}

/// What the window must hold before Enter counts.
pub(super) fn lines(theme: &Theme, area: Rect, ask: &FormAsk) -> usize {
    told(theme, area, ask).len() + ask.fields.iter().map(|it| tall(area, it)).sum::<usize>() + 6
}

fn tall(area: Rect, field: &Field) -> usize {
    match &field.input {
        Input::Roles { .. } => roles_lines(area).len(),
        Input::Line(_) | Input::Choice { .. } => 1,
    }
}

/// Places of the roles in lines that fit.
fn roles_lines(area: Rect) -> Vec<Vec<usize>> {
    let room = room(area).saturating_sub(LABEL);
    let mut lines: Vec<Vec<usize>> = vec![Vec::new()];
    let mut used = 0;
    for (at, role) in ROLES.iter().enumerate() {
        let wide = width(words::role(*role)) + 6;
        if used + wide > room && used > 0 {
            lines.push(Vec::new());
            used = 0;
        }
        used += wide;
        lines.last_mut().expect("there is always one").push(at);
    }
    lines
}

pub(super) fn draw(theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &FormAsk) {
    let lines = lines(theme, area, ask);
    if lines > usize::from(area.height) {
        return super::too_small(theme, frame, area, &ask.title, "fill it in");
    }
    let size = (area.width.min(COLUMNS), u16::try_from(lines).unwrap_or(u16::MAX));
    let inner = open(theme, frame, area, &ask.title, size);
    let mut row = say(frame, inner, 0, told(theme, area, ask));
    for (at, field) in ask.fields.iter().enumerate() {
        row += draw_field(
            theme,
            frame,
            Rect { y: inner.y + row, height: inner.height - row, ..inner },
            field,
            (at == ask.at, label(ask)),
        );
    }
    let columns = usize::from(inner.width);
    // What is wrong may take the line of the hint and the one below it: its end says what would be right.
    let problem = ask.problem.as_deref().map_or_else(Vec::new, |it| wrap(it, columns));
    if problem.len() > 1 {
        let first = row + 1;
        for (line, text) in (first..inner.height).zip(problem) {
            put(frame, inner, line, Line::styled(text, theme.bad()));
        }
        return;
    }
    let hint = ask.fields.get(ask.at).map_or("", |it| it.hint);
    put(frame, inner, row + 1, Line::styled(clip(hint, columns), theme.dim()));
    let foot = match &ask.problem {
        Some(problem) => Line::styled(clip(problem, columns), theme.bad()),
        None if ask.fields.len() > 1 => {
            let enter = does(&ask.purpose);
            Line::styled(
                format!("Enter {enter}, Tab and ↑ ↓ move between the lines, Esc leaves"),
                theme.dim(),
            )
        }
        None => Line::styled(format!("Enter {}, Esc leaves", does(&ask.purpose)), theme.dim()),
    };
    put(frame, inner, inner.height.saturating_sub(1), foot);
}

fn does(purpose: &Purpose) -> &'static str {
    match purpose {
        Purpose::Fetch { .. } | Purpose::FetchRecord { .. } => "fetches",
        Purpose::AddSong { .. } => "adds",
        Purpose::NewProject | Purpose::Share { .. } => "makes it",
        Purpose::Invite { .. } => "invites",
        Purpose::RevokeKey { .. } => "revokes it",
        Purpose::Cover { to: true, .. } => "fetches",
        Purpose::Cover { .. } => "sets it",
        Purpose::EditSong { .. }
        | Purpose::Roles { .. }
        | Purpose::Release { .. }
        | Purpose::SongCopy { .. } => "saves",
    }
}

fn label(ask: &FormAsk) -> usize {
    ask.fields.iter().map(|it| width(it.label) + 2).max().unwrap_or(0).max(LABEL)
}

/// Answers how many lines it took.
fn draw_field(
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    field: &Field,
    (here, label): (bool, usize),
) -> u16 {
    let mark = if here { "▸" } else { " " };
    let style = if here { theme.accent() } else { theme.dim() };
    put(frame, area, 0, Line::styled(format!("{mark}{}", pad(field.label, label - 1)), style));
    let left = u16::try_from(label).unwrap_or(0).min(area.width);
    let beside = Rect { x: area.x + left, width: area.width - left, ..area };
    let columns = usize::from(beside.width);
    match &field.input {
        Input::Line(text) if here => {
            editor(theme, frame, Rect { height: 1.min(beside.height), ..beside }, text, false);
            1
        }
        Input::Line(text) => {
            put(frame, beside, 0, Line::raw(clip(&text.lines().join(" "), columns)));
            1
        }
        Input::Choice { options, at } => {
            let text = options.get(*at).map_or("", String::as_str);
            let turns = if options.len() > 1 { ("← ", " →") } else { ("", "") };
            let text = format!("{}{}{}", turns.0, clip(text, columns.saturating_sub(4)), turns.1);
            put(frame, beside, 0, Line::styled(text, if here { theme.chosen() } else { theme.plain() }));
            1
        }
        Input::Roles { chosen, at } => {
            let lines = roles_lines(Rect { width: area.width + 4, ..area });
            for (row, places) in lines.iter().enumerate() {
                let mut spans = Vec::new();
                for place in places {
                    let role = ROLES[*place];
                    let sign = if chosen.contains(&role) { "[x] " } else { "[ ] " };
                    let style = if here && place == at { theme.chosen() } else { theme.plain() };
                    spans.push(Span::styled(format!("{sign}{}", words::role(role)), style));
                    spans.push(Span::raw("  "));
                }
                put(frame, beside, u16::try_from(row).unwrap_or(u16::MAX), Line::from(spans));
            }
            u16::try_from(lines.len()).unwrap_or(1)
        }
    }
}

/// On the last lines of the body: what it finds stays in sight.
pub(super) fn search(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &SearchAsk) {
    let lines = 2.min(area.height);
    let place = Rect { y: area.y + area.height - lines, height: lines, ..area };
    frame.render_widget(Clear, place);
    let columns = usize::from(area.width);
    put(frame, place, 0, Line::styled(" /", theme.accent()));
    let beside = Rect { x: place.x + 3, width: place.width.saturating_sub(4), height: 1, ..place };
    editor(theme, frame, beside, &ask.area, false);
    let misread = model.history.as_ref().and_then(|it| it.misread.as_deref());
    let line = match misread {
        Some(why) => Line::styled(clip(&format!(" ! {why}"), columns), theme.bad()),
        None => {
            let keys = " Words, who:lena what:approved after:2026-11-01 on:today. Enter keeps, Esc clears";
            Line::styled(clip(keys, columns), theme.dim())
        }
    };
    put(frame, place, 1, line);
}

fn link_said(model: &Model, theme: &Theme, area: Rect, ask: &LinkAsk) -> Said {
    let room = room(area);
    let name = crate::scrub::line(&ask.name);
    let who = match &ask.of {
        LinkFor::Device => "A further device of yours signs in with it:".to_owned(),
        LinkFor::Member => "They sign in with it:".to_owned(),
        LinkFor::Guest { what, .. } => {
            format!("{name} opens it in a browser and hears {}:", crate::scrub::line(what))
        }
    };
    let mut said = whole(&who, room, theme.plain());
    said.push((String::new(), theme.plain()));
    said.extend(in_pieces(&ask.link, room).into_iter().map(|line| (line, theme.head())));
    said.push((String::new(), theme.plain()));
    let warning = match &ask.of {
        LinkFor::Device => "! Whoever sees this link can sign in as you.".to_owned(),
        LinkFor::Member => format!("! Whoever sees this link can sign in as {name}."),
        LinkFor::Guest { .. } => "! Whoever sees this link hears what it names.".to_owned(),
    };
    said.extend(whole(&warning, room, theme.warn()));
    let until = words::date(&model.zone, ask.expires_ms);
    let times = match &ask.of {
        LinkFor::Guest { times, .. } if *times != 1 => format!("It opens {times} times"),
        LinkFor::Guest { .. } => "It opens once".to_owned(),
        LinkFor::Member | LinkFor::Device => "It works once".to_owned(),
    };
    let once = format!("{times}, until {until}. It is shown only here and kept nowhere.");
    said.extend(whole(&once, room, theme.plain()));
    if let LinkFor::Guest { password, fingerprint, .. } = &ask.of {
        if let Some(password) = password {
            said.push((format!("Password: {password}"), theme.head()));
            said.extend(whole(
                "Send it another way than the link. It is shown only here too.",
                room,
                theme.plain(),
            ));
        }
        if !fingerprint.is_empty() {
            let text = format!("Where the browser asks about the certificate, its SHA-256 is {fingerprint}.");
            said.extend(whole(&text, room, theme.dim()));
        }
    }
    said
}

/// Cut at the edge and nowhere else: put together again it is the link.
fn in_pieces(link: &str, room: usize) -> Vec<String> {
    let chars: Vec<char> = crate::scrub::line(link).chars().collect();
    chars.chunks(room.max(1)).map(|it| it.iter().collect()).collect()
}

/// What the window must hold before a key closes it.
pub(super) fn link_lines(model: &Model, theme: &Theme, area: Rect, ask: &LinkAsk) -> usize {
    link_said(model, theme, area, ask).len() + 4
}

pub(super) fn link(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &LinkAsk) {
    let said = link_said(model, theme, area, ask);
    let title = match &ask.of {
        LinkFor::Device => "Your link".to_owned(),
        LinkFor::Member => format!("The invite of {}", ask.name),
        LinkFor::Guest { .. } => format!("The link of {}", ask.name),
    };
    if said.len() + 4 > usize::from(area.height) {
        return super::too_small(theme, frame, area, &title, "read the link");
    }
    let lines = u16::try_from(said.len() + 4).unwrap_or(u16::MAX);
    let inner = open(theme, frame, area, &title, (area.width.min(COLUMNS), lines));
    say(frame, inner, 0, said);
    let has_password = matches!(&ask.of, LinkFor::Guest { password: Some(_), .. });
    let offers = match (has_password, ask.for_browser().is_some()) {
        (true, _) => "y copies the link, p the password, Esc closes",
        (false, true) => "y copies it, b the same for a browser, Esc closes",
        (false, false) => "y copies it, Esc closes",
    };
    let keys = match ask.copied {
        Some(what) => format!("✓ Copied {what}.  {offers}"),
        None => offers.to_owned(),
    };
    let style = if ask.copied.is_some() { theme.good() } else { theme.dim() };
    put(frame, inner, inner.height.saturating_sub(1), Line::styled(keys, style));
}
