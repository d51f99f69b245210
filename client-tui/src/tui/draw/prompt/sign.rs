//! A signature: what is signed stands there in full (song, version, length, levels, files, fingerprint), and the yes is never the default.

use deadwax_proto::v1::{self, VersionFile, VersionRow};
use ratatui::{Frame, layout::Rect};

use super::{Said, buttons, open, say, too_small, whole};
use crate::tui::{
    draw::{
        text::{clip, pad, pad_left, wrap},
        theme::Theme,
    },
    model::{ApproveAsk, Model, Sign},
    rows, update, words,
};

/// The lines of an approval for a body of this size: what is signed, its files, as whom, and whether it can be signed.
struct Quote {
    head: Said,
    files: Said,
    tail: Said,
    able: bool,
}

impl Quote {
    fn of(model: &Model, theme: &Theme, area: Rect, ask: &ApproveAsk) -> Quote {
        let room = usize::from(approve_columns(area).saturating_sub(4));
        let rows = model.projects.get(&ask.project);
        let version = rows.and_then(|rows| rows.version(&ask.version));
        let song = version.and_then(|it| rows?.song(&it.song_id)).map_or("", |it| it.title.as_str());
        let mut head: Said = vec![(clip(song, room), theme.head())];
        let mut told = Vec::new();
        if let Some(version) = version {
            head.extend(quote(theme, version, room));
            // Before anyone is asked to judge: what the studio found out by itself.
            for (text, warns) in rows.map_or_else(Vec::new, |rows| update::examined(rows, version)) {
                head.extend(whole(&text, room, if warns { theme.warn() } else { theme.dim() }));
            }
            told = update::before_signing(model, ask);
        }
        let digest = format!("Fingerprint {}", words::fingerprint(&ask.fingerprint));
        head.extend(whole(&digest, room, theme.plain()));
        head.extend(wrap(&ask.fingerprint, room).into_iter().map(|line| (line, theme.dim())));
        let role = |(at, role): (usize, &v1::Role)| {
            if at == ask.role { format!("({})", words::role(*role)) } else { words::role(*role).into() }
        };
        let roles: Vec<String> = ask.roles.iter().enumerate().map(role).collect();
        let choose = if ask.roles.len() > 1 { "   ↑↓ choose" } else { "" };
        let mut tail = whole(&format!("You sign as {}{choose}", roles.join(" ")), room, theme.plain());
        if let Sign::Pick { reason, .. } = &ask.sign
            && !reason.is_empty()
        {
            tail.extend(
                wrap(&format!("Your reason: {reason}"), room).into_iter().map(|it| (it, theme.plain())),
            );
        }
        if matches!(ask.sign, Sign::Approve)
            && let Some((text, warns)) = update::signing::line(model)
        {
            tail.extend(whole(&text, room, if warns { theme.warn() } else { theme.plain() }));
        }
        if ask.passphrase.is_some() {
            tail.extend(whole("Passphrase: type it, nothing is shown; Enter signs.", room, theme.head()));
        }
        let problem = update::approve_problem(model, ask);
        let able = problem.is_none();
        // Of what is not signed nothing follows.
        if !ask.consequence.is_empty() && able {
            tail.extend(whole(&ask.consequence, room, theme.warn()));
        }
        tail.extend(match problem {
            None => {
                let exactly = "You sign exactly these files; a new upload needs a new signature.";
                whole(exactly, room, theme.dim())
            }
            Some((text, hint)) => whole(&format!("× {text} {hint}"), room, theme.bad()),
        });
        let spare = usize::from(area.height).saturating_sub(head.len() + tail.len() + 7);
        head.extend(warnings(theme, &told, room, spare));
        let files_room = usize::from(area.height).saturating_sub(head.len() + tail.len() + 6).max(1);
        let files = version.map_or_else(Vec::new, |it| files(theme, it, room, files_room));
        Quote { head, files, tail, able }
    }

    /// With the border, the empty lines between the parts, and the buttons.
    fn lines(&self) -> usize {
        self.head.len() + self.files.len() + self.tail.len() + 6
    }
}

/// A line each; where the window is too low for that, shorter and one behind the other.
fn warnings(theme: &Theme, told: &[(String, bool)], room: usize, spare: usize) -> Said {
    let packed = |each: usize| -> Said {
        let all: Vec<String> = told.iter().map(|(text, _)| clip(text, each)).collect();
        wrap(&all.join("  "), room).into_iter().map(|line| (line, theme.warn())).collect()
    };
    if told.len() <= spare {
        let style = |warns: bool| if warns { theme.warn() } else { theme.plain() };
        return told.iter().map(|(text, warns)| (clip(text, room), style(*warns))).collect();
    }
    let long = packed(room);
    if long.len() <= spare { long } else { packed((room / 2).saturating_sub(1)) }
}

fn approve_columns(area: Rect) -> u16 {
    area.width.min(84)
}

pub(super) fn lines(model: &Model, theme: &Theme, area: Rect, ask: &ApproveAsk) -> usize {
    Quote::of(model, theme, area, ask).lines()
}

pub(super) fn draw(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, ask: &ApproveAsk) {
    let quote = Quote::of(model, theme, area, ask);
    let (title, yes) = match ask.sign {
        Sign::Approve => ("Approve: sign these exact files?", "Approve"),
        Sign::Pick { .. } => ("Pick this mix: sign these exact files?", "Pick"),
    };
    let lines = u16::try_from(quote.lines()).unwrap_or(u16::MAX);
    if lines > area.height {
        return too_small(theme, frame, area, title, "sign");
    }
    let inner = open(theme, frame, area, title, (approve_columns(area), lines));
    let row = say(frame, inner, 0, quote.head);
    let row = say(frame, inner, row + 1, quote.files);
    let row = say(frame, inner, row + 1, quote.tail);
    buttons(theme, frame, (inner, row + 1), yes, ask.on_yes, quote.able);
}

/// Title, who and when, length and levels of the Main.
fn quote(theme: &Theme, version: &VersionRow, room: usize) -> Said {
    let name = words::version(version);
    let title = if version.title.is_empty() { name } else { format!("{name}  {}", version.title) };
    // Whose it is stays hidden while mixes compete blind.
    let by = version.uploaded_by.as_str();
    let title = if by.is_empty() { title } else { format!("{title}  by {by}") };
    let length = words::clock(rows::length_ms(version), true);
    let levels =
        rows::main_file(version).and_then(|it| it.facts.as_ref()).map_or_else(String::new, |facts| {
            format!("{}   {}", words::lufs(facts.integrated_lufs), words::dbtp(facts.true_peak_dbtp))
        });
    let mut said = vec![(clip(&title, room), theme.head())];
    said.extend(whole(&format!("Length {length}   {levels}"), room, theme.plain()));
    said
}

/// Each file with its alternate, format, size and the first digits of its digest.
fn files(theme: &Theme, version: &VersionRow, room: usize, lines: usize) -> Said {
    if version.files.len() > lines {
        return groups(theme, version, room, lines);
    }
    let mut said: Said = Vec::new();
    let name = room.saturating_sub(15 + 13 + 9 + 2 + 12);
    for file in &version.files {
        let format = file.facts.as_ref().map_or_else(String::new, words::format);
        let size = file.facts.as_ref().map_or_else(String::new, |it| words::bytes(it.bytes));
        let digest: String = file.sha256.chars().take(12).collect();
        let line = format!(
            "{}{}{}{}  {}",
            pad(&file.alternate, 15),
            pad(&format, 13),
            pad(&file.name, name),
            pad_left(&size, 9),
            clip(&digest, 12)
        );
        said.push((line, theme.plain()));
    }
    said
}

/// Where the files are more than the lines: an alternate a line, with its formats.
fn groups(theme: &Theme, version: &VersionRow, room: usize, lines: usize) -> Said {
    let groups: Vec<&[VersionFile]> = version.files.chunk_by(|a, b| a.alternate == b.alternate).collect();
    let shown = if groups.len() > lines { lines.saturating_sub(1) } else { groups.len() };
    let mut said: Said = Vec::new();
    for group in &groups[..shown] {
        let facts = || group.iter().filter_map(|it| it.facts.as_ref());
        let size = words::bytes(facts().map(|it| it.bytes).sum());
        let formats = facts().map(words::format).collect::<Vec<_>>().join(", ");
        let middle = room.saturating_sub(15 + 9);
        let line = format!("{}{}{}", pad(&group[0].alternate, 15), pad(&formats, middle), pad_left(&size, 9));
        said.push((line, theme.plain()));
    }
    let left: usize = groups[shown..].iter().map(|group| group.len()).sum();
    if left > 0 {
        let more = words::count(left, "file more", "files more");
        said.push((format!("and {more}; the fingerprint holds them all"), theme.dim()));
    }
    said
}
