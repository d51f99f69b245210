//! Mastering of one song: renders with their progress, the figures before and after, the recipe.

use deadwax_proto::v1::{RenderRow, RenderState, SongRow};
use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::Style,
    text::{Line, Span},
};

use super::{
    empty, first_shown, heading, put,
    report::{self, Report},
    selected_render,
    text::{clip, pad, pad_left, wrap},
    theme::Theme,
    waits_for,
};
use crate::tui::{
    model::Model,
    rows::{self, Project},
    words,
};

pub(super) fn draw(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    project: &str,
    song: &str,
    chosen: Option<&str>,
) {
    let rows = model.projects.get(project).filter(|it| it.loaded);
    let Some((rows, song)) = rows.and_then(|rows| Some((rows, rows.song(song)?))) else {
        return empty(theme, frame, area, &["This song is not here.", "Esc goes back."]);
    };
    let waits = clip(&waits_for(rows, song), usize::from(area.width.saturating_sub(2)));
    put(frame, area, 0, Line::raw(format!(" {waits}")));
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let left = (area.width * 11 / 20).max(38).min(area.width);
    let [left, right] =
        Layout::horizontal([Constraint::Length(left), Constraint::Min(0)]).spacing(1).areas(body);
    let renders = rows.renders(&song.song_id);
    let height = u16::try_from(renders.len() + 1).unwrap_or(u16::MAX).clamp(3, body.height / 3 + 1);
    let [top, bottom] = Layout::vertical([Constraint::Length(height), Constraint::Min(1)]).areas(left);
    renders_of(model, theme, frame, top, rows, &renders, chosen, song);
    let render = selected_render(rows, &song.song_id, chosen);
    if let Some(render) = render {
        result(model, theme, frame, bottom, rows, render);
    }
    recipe(theme, frame, right, rows, song, render);
}

#[expect(clippy::too_many_arguments, reason = "a row of the layout, called once")]
fn renders_of(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    rows: &Project,
    renders: &[&RenderRow],
    chosen: Option<&str>,
    song: &SongRow,
) {
    put(frame, area, 0, heading(theme, "Renders", "", area.width, true));
    if renders.is_empty() {
        let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        return empty(
            theme,
            frame,
            below,
            &["No renders yet. One starts by itself when the mix gate is met; s starts one."],
        );
    }
    let at = selected_render(rows, &song.song_id, chosen)
        .and_then(|it| renders.iter().position(|render| render.render_id == it.render_id))
        .unwrap_or(0);
    let height = usize::from(area.height.saturating_sub(1));
    let first = first_shown(at, renders.len(), height);
    for (line, render) in renders.iter().enumerate().skip(first).take(height) {
        let (sign, state) = words::render_state(render.state());
        let source = rows.version(&render.source_version_id).map_or_else(|| "?".into(), words::version);
        let made = rows
            .version(&render.master_version_id)
            .map_or_else(String::new, |it| format!(" → {}", words::version(it)));
        let mark = if line == at { "▸" } else { " " };
        let age = words::age(model.now_ms, render.at_ms);
        let text = format!("{mark}{sign} {} {source}{made} · {age} · {}", pad(state, 9), render.requested_by);
        let fresh = rows.is_fresh(&format!("render/{}", render.render_id));
        let style = theme.row(line == at, fresh, model.online());
        let text = pad(&text, usize::from(area.width));
        let row = u16::try_from(line - first + 1).unwrap_or(u16::MAX);
        theme.hit(super::row_of(area, row), || super::Hit::Id(render.render_id.clone()));
        put(frame, area, row, Line::styled(text, style));
    }
}

fn result(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    rows: &Project,
    render: &RenderRow,
) {
    put(frame, area, 0, heading(theme, "Figures", "", area.width, false));
    let room = usize::from(area.width.saturating_sub(2));
    match render.state() {
        RenderState::Queued | RenderState::Running | RenderState::Unspecified => {
            progress(model, theme, frame, area, render);
        }
        RenderState::Failed | RenderState::Cancelled => {
            let reason =
                if render.reason.is_empty() { words::render_state(render.state()).1 } else { &render.reason };
            for (at, line) in wrap(reason, room).into_iter().enumerate() {
                let row = u16::try_from(at + 1).unwrap_or(u16::MAX);
                put(frame, area, row, Line::styled(format!(" {line}"), theme.bad()));
            }
        }
        RenderState::Done => {
            let report = report::read(&render.report_json);
            let source = rows.version(&render.source_version_id);
            let before = source.and_then(rows::main_file).and_then(|it| it.facts.as_ref());
            figures(theme, frame, area, &report::figures(before, &report));
            verdict(theme, frame, area, &report, render);
        }
    }
}

/// "███████░░░  64 %", and the step below it.
fn progress(model: &Model, theme: &Theme, frame: &mut Frame<'_>, area: Rect, render: &RenderRow) {
    let here = model.progress.as_ref().filter(|(id, _)| *id == render.render_id).map(|(_, it)| it);
    let Some(now) = here else {
        let text = if render.state() == RenderState::Queued { "Waits for its turn." } else { "Running ..." };
        return put(frame, area, 1, Line::raw(format!(" {text}")));
    };
    let fraction = if now.fraction.is_finite() { now.fraction.clamp(0.0, 1.0) } else { 0.0 };
    let bar = usize::from(area.width.saturating_sub(8)).max(8);
    let full = (fraction * bar as f64).round() as usize;
    let spans = vec![
        Span::styled(format!(" {}", "█".repeat(full)), theme.accent()),
        Span::styled("░".repeat(bar - full), theme.dim()),
        Span::raw(format!(" {:3.0} %", fraction * 100.0)),
    ];
    put(frame, area, 1, Line::from(spans));
    let room = usize::from(area.width.saturating_sub(2));
    put(frame, area, 2, Line::styled(format!(" {}", clip(&now.step, room)), theme.plain()));
}

fn figures(theme: &Theme, frame: &mut Frame<'_>, area: Rect, figures: &[report::Figure]) {
    let header = format!(" {}{}{}", pad("", 12), pad_left("before", 8), pad_left("after", 8));
    put(frame, area, 1, Line::styled(header, theme.dim()));
    for (at, (name, before, after, unit)) in figures.iter().enumerate() {
        let spans = vec![
            Span::raw(format!(" {}", pad(name, 12))),
            Span::styled(pad_left(&report::number(*before), 8), theme.dim()),
            Span::styled(pad_left(&report::number(*after), 8), theme.head()),
            Span::styled(format!(" {unit}"), theme.dim()),
        ];
        put(frame, area, u16::try_from(at + 2).unwrap_or(u16::MAX), Line::from(spans));
    }
}

/// Target hit or missed, ceiling held or not, each with its number and a word.
fn verdict(theme: &Theme, frame: &mut Frame<'_>, area: Rect, report: &Report, render: &RenderRow) {
    let mut lines: Vec<(String, Style)> = Vec::new();
    if let Some(target) = report.target_lufs {
        let (sign, word, style) = match report.reached {
            Some(true) => ("✓", "reached", theme.good()),
            Some(false) => ("×", "missed", theme.warn()),
            None => ("·", "not told", theme.dim()),
        };
        lines.push((format!("{sign} Target  {target:>6.1} LUFS  {word}"), style));
    }
    if let Some(ceiling) = report.ceiling_dbtp {
        // The ceiling is a promise (D-2), so it is compared without rounding.
        let (sign, word, style) = match report.highest_peak_dbtp {
            Some(peak) if peak <= ceiling => ("✓", "held", theme.good()),
            Some(_) => ("×", "exceeded", theme.bad()),
            None => ("·", "not told", theme.dim()),
        };
        lines.push((format!("{sign} Ceiling {ceiling:>6.1} dBTP  {word}"), style));
    }
    if let (Some(gain_db), Some(limited_db)) = (report.gain_db, report.max_gain_reduction_db) {
        let text = format!("gain {gain_db:+.1} dB, limiter at most {:.1} dB", limited_db.abs());
        lines.push((text, theme.dim()));
    }
    let reason = if report.reason.is_empty() { &render.reason } else { &report.reason };
    let room = usize::from(area.width.saturating_sub(2));
    lines.extend(wrap(reason, room).into_iter().map(|line| (line, theme.warn())));
    let hash: String = render.recipe_hash.chars().take(12).collect();
    let recipe = if hash.is_empty() { String::new() } else { format!("recipe {hash} · ") };
    lines.push((format!("{recipe}{}", render.engine), theme.dim()));
    for (at, (line, style)) in lines.into_iter().enumerate() {
        let line = format!(" {}", clip(&line, room));
        put(frame, area, u16::try_from(at + 6).unwrap_or(u16::MAX), Line::styled(line, style));
    }
}

/// The recipe that counts for the song, with its number, else the one that the chosen render used; where they differ, the heading says so.
fn recipe(
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    rows: &Project,
    song: &SongRow,
    render: Option<&RenderRow>,
) {
    let used = render.map_or("", |it| it.recipe_toml.as_str());
    let own = !song.recipe_toml.trim().is_empty();
    let changed = own && used != song.recipe_toml && !used.is_empty();
    let by_hand = [song.song_id.as_str(), ""]
        .iter()
        .find_map(|of| rows.recipes(of).first().filter(|it| !it.toml.is_empty()).copied());
    let name = match by_hand {
        Some(it) if it.song_id.is_empty() => format!("Recipe {} of the project", it.number),
        Some(it) => format!("Recipe {}", it.number),
        None => "Recipe".to_owned(),
    };
    let rest = match by_hand {
        _ if changed => "changed since this render".to_owned(),
        Some(it) => it.by.clone(),
        None if own => String::new(),
        None => "the studio's default".to_owned(),
    };
    put(frame, area, 0, heading(theme, &name, &rest, area.width, false));
    let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    let shown = if own { song.recipe_toml.as_str() } else { used };
    if shown.trim().is_empty() {
        return empty(theme, frame, below, &["No recipe of its own. e writes one for this song."]);
    }
    let text = crate::scrub::block(shown);
    let height = usize::from(below.height);
    for (at, line) in text.lines().take(height).enumerate() {
        let cut = at + 1 == height && text.lines().count() > height;
        let line = if cut { "…".into() } else { clip(line, usize::from(below.width.saturating_sub(1))) };
        let style = if line.trim_start().starts_with('#') { theme.dim() } else { theme.plain() };
        put(frame, below, u16::try_from(at).unwrap_or(u16::MAX), Line::styled(format!(" {line}"), style));
    }
}
