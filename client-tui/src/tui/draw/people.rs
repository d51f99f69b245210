//! Who works on the project and as what, open invites, and the devices of this person.

use deadwax_proto::v1::{InviteInfo, LinkInfo, MemberRow, Role, SessionInfo};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    text::Line,
};

use super::{
    arrived, first_shown, heading, put,
    text::{clip, pad, pad_left, width, wrap},
    theme::Theme,
};
use crate::tui::{
    model::Model,
    people::{Line as Of, lines, state},
    rows::Project,
    words,
};

const FOOT: u16 = 6;

/// A line of the list: headings, what stands for a list that is not there, and what can be chosen.
enum Shown<'a> {
    Head(&'static str, String),
    Say(String),
    Of(usize, Of<'a>),
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
    let all = lines(model, project);
    let at = at.min(all.len().saturating_sub(1));
    let shown = sections(model, &all);
    let below = FOOT.min(area.height / 3);
    let [list, foot] = Layout::vertical([Constraint::Min(1), Constraint::Length(below)]).areas(area);
    let height = usize::from(list.height);
    let marked = shown.iter().position(|it| matches!(it, Shown::Of(place, _) if *place == at)).unwrap_or(0);
    let first = if marked + 1 < height { 0 } else { first_shown(marked, shown.len(), height) };
    for (row, it) in shown.iter().skip(first).take(height).enumerate() {
        let row = u16::try_from(row).unwrap_or(u16::MAX);
        let line = match it {
            Shown::Head(name, rest) => heading(theme, name, rest, area.width, false),
            Shown::Say(text) => {
                Line::styled(clip(&format!("  {text}"), usize::from(area.width)), theme.dim())
            }
            Shown::Of(place, of) => {
                let key =
                    if let Of::Member(it) = of { format!("member/{}", it.person_id) } else { String::new() };
                let style = theme.row(*place == at, rows.is_fresh(&key), model.online());
                Line::styled(line(model, *of, *place == at, usize::from(area.width)), style)
            }
        };
        put(frame, list, row, line);
    }
    let Some(of) = all.get(at) else { return };
    let room = usize::from(area.width.saturating_sub(4));
    for (row, (text, warns)) in
        about(model, rows, *of, room).into_iter().take(usize::from(below) - 1).enumerate()
    {
        let style = if warns { theme.warn() } else { theme.plain() };
        put(
            frame,
            foot,
            u16::try_from(row + 1).unwrap_or(u16::MAX),
            Line::styled(format!("  {text}"), style),
        );
    }
}

fn sections<'a>(model: &Model, all: &[Of<'a>]) -> Vec<Shown<'a>> {
    let mut shown = Vec::new();
    let count = |is: fn(&Of<'a>) -> bool| all.iter().filter(|it| is(it)).count();
    let members = count(|it| matches!(it, Of::Member(_)));
    shown.push(Shown::Head("Members", members.to_string()));
    let take = |shown: &mut Vec<Shown<'a>>, is: fn(&Of<'a>) -> bool| {
        shown.extend(all.iter().enumerate().filter(|(_, it)| is(it)).map(|(at, it)| Shown::Of(at, *it)));
    };
    take(&mut shown, |it| matches!(it, Of::Member(_)));
    // Only managers may see invites: others get no heading for what they have not.
    if model.my_roles().contains(&Role::Manager) {
        shown.push(Shown::Head("Open invites", String::new()));
        match &model.people.invites {
            Some(Ok(list)) if list.is_empty() => {
                shown.push(Shown::Say("None: everybody invited has signed in.".into()));
            }
            Some(Ok(_)) => take(&mut shown, |it| matches!(it, Of::Invite(_))),
            Some(Err(why)) => shown.push(Shown::Say(format!("Not loaded: {why}"))),
            None => shown.push(Shown::Say(waiting(model))),
        }
    }
    if !model.people.shared.is_empty() {
        shown.push(Shown::Head("Share links", String::new()));
        take(&mut shown, |it| matches!(it, Of::Shared(_)));
    }
    shown.push(Shown::Head("Your devices", String::new()));
    match &model.people.sessions {
        Some(Ok(_)) => take(&mut shown, |it| matches!(it, Of::Session(_))),
        Some(Err(why)) => shown.push(Shown::Say(format!("Not loaded: {why}"))),
        None => shown.push(Shown::Say(waiting(model))),
    }
    shown
}

fn waiting(model: &Model) -> String {
    if model.online() { "Asking the studio ...".into() } else { "Not loaded: the line is down.".into() }
}

fn line(model: &Model, of: Of<'_>, chosen: bool, columns: usize) -> String {
    let mark = if chosen { "▸ " } else { "  " };
    let name_room = (columns / 3).clamp(14, 34);
    let rest = columns.saturating_sub(2 + name_room + 1);
    match of {
        Of::Member(it) => {
            let me = model.me.as_ref().is_some_and(|me| me.person_id == it.person_id);
            let name = if me {
                format!("{} (you)", clip(&it.name, name_room.saturating_sub(6)))
            } else {
                it.name.clone()
            };
            format!("{mark}{} {}", pad(&name, name_room), clip(&words::roles(it.roles()), rest))
        }
        Of::Invite(it) => {
            format!("{mark}{} {}", pad(&it.name, name_room), clip(&ends(model, it.expires_ms), rest))
        }
        Of::Shared(it) => {
            let what = format!(
                "{}, {}, opened {} of {}",
                it.scope_words,
                state(it),
                it.sessions_used,
                it.sessions_max
            );
            format!("{mark}{} {}", pad(&it.recipient, name_room), clip(&what, rest))
        }
        Of::Session(it) => {
            let here = if it.current { "✓ this one" } else { "" };
            let since = format!("since {}", words::date(&model.zone, it.opened_ms));
            let gap = rest.saturating_sub(width(&since) + 12);
            format!(
                "{mark}{} {}{}{}",
                pad(&it.device, name_room),
                since,
                " ".repeat(gap.min(2)),
                pad_left(here, 10)
            )
        }
    }
}

fn ends(model: &Model, at_ms: i64) -> String {
    if at_ms <= model.now_ms {
        return "! ended: invite again".into();
    }
    format!("ends in {}", words::length(at_ms - model.now_ms))
}

/// Of the chosen line, whole. Each with whether it warns.
fn about(model: &Model, rows: &Project, of: Of<'_>, room: usize) -> Vec<(String, bool)> {
    match of {
        Of::Member(it) => member(model, rows, it, room),
        Of::Invite(it) => invite(model, it, room),
        Of::Shared(it) => shared(model, it, room),
        Of::Session(it) => session(model, it, room),
    }
}

fn member(model: &Model, rows: &Project, it: &MemberRow, room: usize) -> Vec<(String, bool)> {
    let mut said: Vec<(String, bool)> = Vec::new();
    let mut tell =
        |text: &str, warns: bool| said.extend(wrap(text, room).into_iter().map(|line| (line, warns)));
    let may: Vec<&str> = it.roles().map(words::role_may).collect();
    tell(&format!("{}: {}.", it.name, may.join("; ")), false);
    // Which gates ask for them stands in the rules of the project.
    let asked: Vec<&str> = rows
        .head()
        .iter()
        .flat_map(|head| &head.gates)
        .filter(|rule| rule.needs.iter().any(|need| need.any_of.iter().any(|role| it.roles.contains(role))))
        .map(|rule| words::stage(rule.stage()))
        .collect();
    if !asked.is_empty() {
        tell(&format!("Their approval counts at the gate of {}.", asked.join(" and ").to_lowercase()), false);
    }
    // Whoever reads the key below should know that the name above it may mislead.
    let others = rows.members().into_iter().filter(|other| other.person_id != it.person_id);
    if let Some(alike) = crate::alike::warning(&it.name, others.map(|other| other.name.as_str())) {
        tell(&format!("! {alike}"), true);
    }
    // The one that holds, and how many do not any more: the room is small.
    let revoked = it.keys.iter().filter(|key| key.revoked_ms > 0).count();
    for key in it.keys.iter().filter(|key| key.revoked_ms == 0) {
        let since = words::date(&model.zone, key.enrolled_ms);
        let start = crate::receipt::short(&key.fingerprint);
        tell(&format!("Signs with the key {start} since {since}."), false);
    }
    if revoked > 0 {
        tell(&format!("{} revoked.", words::count(revoked, "key", "keys")), true);
    }
    said
}

fn invite(model: &Model, it: &InviteInfo, room: usize) -> Vec<(String, bool)> {
    let text = format!(
        "{} was invited {} and has not signed in. The link works until {}; x revokes it.",
        it.name,
        words::date(&model.zone, it.made_ms),
        words::date(&model.zone, it.expires_ms)
    );
    wrap(&text, room).into_iter().map(|line| (line, false)).collect()
}

fn shared(model: &Model, it: &LinkInfo, room: usize) -> Vec<(String, bool)> {
    let may = [(it.download, "fetch originals"), (it.notes, "write notes")];
    let may: Vec<&str> = may.into_iter().filter_map(|(is, word)| is.then_some(word)).collect();
    let may = if may.is_empty() { "hear it".to_owned() } else { format!("hear it, {}", may.join(", ")) };
    let last = it.opened.last().map_or_else(
        || "Nobody has opened it.".to_owned(),
        |one| format!("Last used {}.", words::date(&model.zone, one.last_ms)),
    );
    let text = format!(
        "{} may {may}, until {}. Made by {}. {last} x revokes it.",
        it.recipient,
        words::date(&model.zone, it.expires_ms),
        it.made_by
    );
    wrap(&text, room).into_iter().map(|line| (line, false)).collect()
}

fn session(model: &Model, it: &SessionInfo, room: usize) -> Vec<(String, bool)> {
    let until = words::date(&model.zone, it.expires_ms);
    let here = if it.current { "You sit at it. " } else { "" };
    let text = if it.expires_ms <= model.now_ms && it.signs_in_again {
        format!(
            "{}: its session has ended; with your passphrase it signs in again. x makes its key worthless.",
            it.device
        )
    } else {
        format!("{}: signed in until {until}. {here}x signs it out.", it.device)
    };
    wrap(&text, room).into_iter().map(|line| (line, false)).collect()
}
