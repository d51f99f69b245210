//! Mastering of one song: renders with their progress, the figures before and after, and beside them the curves, the steps or the recipe.

use deadwax_dsp::recipe::Recipe;
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
    selected_render, sheet,
    text::{clip, pad, pad_left, wrap},
    theme::Theme,
    waits_for,
};
use crate::tui::{
    master::{Pane, Paper},
    model::Model,
    rows::{self, Project},
    update, words,
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
    // The curves take what the figures leave.
    let left = if area.width >= 100 { area.width * 9 / 20 } else { area.width * 11 / 20 };
    let left = left.max(38).min(area.width);
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
    pane(model, theme, frame, right, rows, (song, render));
}

/// The right half: one of the views, which `v` turns.
fn pane(
    model: &Model,
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    rows: &Project,
    (song, render): (&SongRow, Option<&RenderRow>),
) {
    let mut spans = Vec::new();
    for it in Pane::ALL {
        let on = it == model.master.pane;
        let (text, style) = if on {
            (format!("[{}]", it.name()), theme.accent())
        } else {
            (format!(" {} ", it.name()), theme.dim())
        };
        spans.push(Span::styled(text, style));
    }
    spans.push(Span::styled("  v turns", theme.dim()));
    put(frame, area, 0, Line::from(spans));
    let area = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    if model.master.pane == Pane::Recipe {
        return recipe(theme, frame, area, rows, song, render);
    }
    let sheet = render.and_then(|it| model.master.sheet(&it.render_id));
    match (model.master.pane, sheet) {
        (Pane::Curves, Some(sheet)) => sheet::curves(theme, frame, area, sheet),
        (Pane::Steps, Some(sheet)) => {
            lines_of(theme, frame, area, sheet::steps(theme, sheet, usize::from(area.width)));
        }
        (pane, _) => {
            let why = missing(model, render);
            let told = if pane == Pane::Steps {
                planned(theme, song, render, usize::from(area.width))
            } else {
                Vec::new()
            };
            if told.is_empty() {
                empty(theme, frame, area, &[why.as_str()]);
            } else {
                lines_of(theme, frame, area, told);
            }
        }
    }
}

fn lines_of(theme: &Theme, frame: &mut Frame<'_>, area: Rect, lines: Vec<(String, Style)>) {
    let height = usize::from(area.height);
    let more = lines.len() > height;
    for (row, (text, style)) in lines.into_iter().enumerate().take(height) {
        let cut = more && row + 1 == height;
        let line =
            if cut { Line::styled(" … b shows all of it", theme.dim()) } else { Line::styled(text, style) };
        put(frame, area, u16::try_from(row).unwrap_or(u16::MAX), line);
    }
}

/// Why there are no curves to show, and what to do.
fn missing(model: &Model, render: Option<&RenderRow>) -> String {
    let Some(render) = render else { return "There is no render yet. s starts one.".into() };
    match model.master.sheets.get(&render.render_id) {
        Some(Paper::Failed(why)) => format!("The sheet did not come: {why} b asks again."),
        _ if render.has_sheet && model.online() => "The sheet is on its way ...".into(),
        _ if render.has_sheet => "The sheet comes when the line is back.".into(),
        _ => match render.state() {
            RenderState::Queued | RenderState::Running => {
                "The curves are here when the render is done.".into()
            }
            RenderState::Failed | RenderState::Cancelled => {
                "This render made no master, so it has no curves.".into()
            }
            RenderState::Done | RenderState::Unspecified => {
                "An older server made this render: it has no sheet.".into()
            }
        },
    }
}

/// What the recipe will do, step by step, before anything was rendered with it.
fn planned(theme: &Theme, song: &SongRow, render: Option<&RenderRow>, room: usize) -> Vec<(String, Style)> {
    let used = render.map_or("", |it| it.recipe_toml.as_str());
    let toml = if used.is_empty() { song.recipe_toml.as_str() } else { used };
    let Ok(recipe) = Recipe::parse(toml) else { return Vec::new() };
    let mut all = vec![(" What the recipe says".to_owned(), theme.dim())];
    for step in recipe.explain() {
        let off = if step.bypassed { ", bypassed" } else { "" };
        all.push((
            format!(" {}", clip(&format!("{}{off}", step.title), room.saturating_sub(1))),
            theme.head(),
        ));
        let lines = wrap(&step.text, room.saturating_sub(3));
        all.extend(lines.into_iter().map(|line| (format!("   {line}"), theme.plain())));
    }
    all
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
        let beside = if model.master.other.as_ref() == Some(&render.render_id) { "*" } else { "" };
        let age = words::age(model.now_ms, render.at_ms);
        let text = format!(
            "{mark}{beside}{sign} {} {source}{made} · {age} · {}",
            pad(state, 9),
            render.requested_by
        );
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
            let next = if render.state() == RenderState::Failed {
                "Next: e mends the recipe, s starts it again; i tells who did what."
            } else {
                "Next: s starts it again."
            };
            let lines = wrap(reason, room).into_iter().map(|it| (it, theme.bad()));
            let lines = lines.chain(wrap(next, room).into_iter().map(|it| (it, theme.plain())));
            for (at, (line, style)) in lines.enumerate() {
                let row = u16::try_from(at + 1).unwrap_or(u16::MAX);
                put(frame, area, row, Line::styled(format!(" {line}"), style));
            }
        }
        RenderState::Done => {
            let report = report::read(&render.report_json);
            let source = rows.version(&render.source_version_id);
            let before = source.and_then(rows::main_file).and_then(|it| it.facts.as_ref());
            let beside = update::render_beside(model, rows, &render.song_id, &render.render_id);
            let other = beside.map(|it| {
                let name = rows.version(&it.master_version_id).map_or_else(|| "other".into(), words::version);
                (name, report::figures(before, &report::read(&it.report_json)))
            });
            figures(theme, frame, area, &report::figures(before, &report), other.as_ref());
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
    let left = match model.master.left_ms(&render.render_id, now, model.now_ms) {
        Some(ms) => format!("about {} left", words::clock(u64::try_from(ms).unwrap_or(0), false)),
        None => "how long is not known yet".into(),
    };
    put(
        frame,
        area,
        2,
        Line::styled(format!(" {}", clip(&format!("{} · {left}", now.step), room)), theme.plain()),
    );
    put(frame, area, 3, Line::styled(" c cancels it; nothing of it stays.", theme.dim()));
}

/// Before, after, and where another render stands beside it that one's after.
fn figures(
    theme: &Theme,
    frame: &mut Frame<'_>,
    area: Rect,
    figures: &[report::Figure; 4],
    other: Option<&(String, [report::Figure; 4])>,
) {
    let beside = other.map_or_else(String::new, |(name, _)| pad_left(name, 11));
    let header = format!(" {}{}{}{beside}", pad("", 12), pad_left("before", 8), pad_left("after", 8));
    put(frame, area, 1, Line::styled(header, theme.dim()));
    for (at, (name, before, after, unit, digits)) in figures.iter().enumerate() {
        let beside =
            other.map_or_else(String::new, |(_, it)| pad_left(&report::number(it[at].2, *digits), 11));
        let spans = vec![
            Span::raw(format!(" {}", pad(name, 12))),
            Span::styled(pad_left(&report::number(*before, *digits), 8), theme.dim()),
            Span::styled(pad_left(&report::number(*after, *digits), 8), theme.head()),
            Span::raw(beside),
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
        let got = report.integrated_lufs.map_or_else(String::new, |it| format!(": {it:.2}"));
        lines.push((format!("{sign} Target  {target:>6.1} LUFS  {word}{got}"), style));
    }
    if let Some(ceiling) = report.ceiling_dbtp {
        // The ceiling is a promise (D-2), so it is compared without rounding.
        let (sign, word, style) = match report.highest_peak_dbtp {
            Some(peak) if peak <= ceiling => ("✓", "held", theme.good()),
            Some(_) => ("×", "exceeded", theme.bad()),
            None => ("·", "not told", theme.dim()),
        };
        let got = report.highest_peak_dbtp.map_or_else(String::new, |it| format!(": {it:.2}"));
        lines.push((format!("{sign} Ceiling {ceiling:>6.1} dBTP  {word}{got}"), style));
        if !report.highest_in.is_empty() {
            lines.push((format!("  highest in {}", report.highest_in), theme.dim()));
        }
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
