//! What is only read: all about a version, the versions of a recipe, the sheet of a render, what changed since the version before. Nothing here asks
//! the studio for a change.

use deadwax_dsp::sheet::{self, Look, Sheet};
use deadwax_proto::v1::VersionRow;

use super::super::{
    draw,
    master::Paper,
    model::{Ask, Model, Notice, Prompt, ReadAsk, Screen},
    msg::{Effect, Failure, Page},
    rows::Project,
    words,
};
use crate::verbs::pages::Head;

/// Columns that a page of the sheet may take inside its frame.
const SHEET_COLUMNS_MAX: u16 = 116;

pub(super) fn show(model: &mut Model, title: String, lines: Vec<String>, ticket: Option<u64>) {
    let ask = Ask::Read(Box::new(ReadAsk { title, lines, at: 0, ticket, unsent: Vec::new(), chosen: 0 }));
    model.prompt = Some(Prompt { ask, shown: false });
}

pub(super) fn tell(model: &mut Model, why: &str) -> Vec<Effect> {
    model.notice = Some(Notice::Tell(why.into()));
    Vec::new()
}

/// Opens the page at once and fills it when the answer comes.
fn ask(model: &mut Model, title: String, waiting: &str, page: Page) -> Vec<Effect> {
    if !model.online() {
        model.notice = Some(super::act::offline());
        return Vec::new();
    }
    let ticket = model.next_ticket();
    show(model, title, vec![waiting.to_owned()], Some(ticket));
    vec![Effect::Read { ticket, page }]
}

/// The page of the chosen render: before and after.
pub(super) fn sheet(model: &mut Model) -> Vec<Effect> {
    let Screen::Master { project, song, render } = model.top() else { return Vec::new() };
    let Some(rows) = model.projects.get(project) else { return Vec::new() };
    let Some(render) = draw::selected_render(rows, song, render.as_deref()) else {
        return tell(model, "There is no render yet. s starts one.");
    };
    if !render.has_sheet {
        return tell(model, "This render has no sheet: it is not done, or an older server made it.");
    }
    let master = rows.version(&render.master_version_id);
    let title =
        master.map_or_else(|| "Before and after".into(), |it| format!("Sheet of {}", words::version(it)));
    let render_id = render.render_id.clone();
    let columns = page_columns(model);
    match model.master.sheets.get(&render_id) {
        Some(Paper::Here(sheet)) => {
            let lines = sheet_text(sheet, columns);
            show(model, title, lines, None);
            Vec::new()
        }
        // On its way for the curves already.
        Some(Paper::Asked(ticket)) => {
            let ticket = *ticket;
            show(model, title, vec!["Fetching ...".into()], Some(ticket));
            Vec::new()
        }
        Some(Paper::Failed(_)) | None => match super::master::page(model, &render_id) {
            Some(page) => {
                let effects = ask(model, title, "Fetching ...", page);
                if !effects.is_empty() {
                    model.master.keep(&render_id, Paper::Asked(model.ticket), &[]);
                }
                effects
            }
            None => Vec::new(),
        },
    }
}

/// The version before of the same kind; before a first master stands the mix that it was rendered from.
pub(crate) fn before<'a>(rows: &'a Project, version: &VersionRow) -> Option<&'a VersionRow> {
    let mut older = rows.versions(&version.song_id).into_iter();
    let rendered = || {
        let renders = rows.renders(&version.song_id);
        let render = renders.iter().find(|it| it.master_version_id == version.version_id)?;
        rows.version(&render.source_version_id)
    };
    let before =
        |it: &&VersionRow| it.kind == version.kind && it.line == version.line && it.number < version.number;
    older.find(before).or_else(rendered)
}

/// The answer, if its page is still open.
pub(super) fn arrived(model: &mut Model, ticket: u64, page: &Page, outcome: Result<String, Failure>) {
    let columns = page_columns(model);
    let Some(Prompt { ask: Ask::Read(ask), .. }) = &mut model.prompt else { return };
    if ask.ticket != Some(ticket) {
        return;
    }
    ask.ticket = None;
    ask.lines = match (outcome, page) {
        (Ok(json), Page::Sheet { head, .. }) => sheet_lines(&json, head, columns),
        // Comparisons have a screen of their own.
        (Ok(_), Page::Compare(_)) => return,
        (Err(Failure::Refused { text, hint, .. }), _) => vec![text, hint],
        (Err(Failure::Offline(why)), _) => vec![why],
    };
}

pub(super) const UNREADABLE: &str =
    "The studio's answer cannot be read by this client. Update it, or ask with --json.";

fn sheet_lines(json: &str, head: &Head, columns: u16) -> Vec<String> {
    let Ok(mut page) = serde_json::from_str::<Sheet>(json) else { return vec![UNREADABLE.into()] };
    head.put_on(&mut page);
    sheet_text(&page, columns)
}

/// Inside the frame of a page.
fn page_columns(model: &Model) -> u16 {
    model.size.0.saturating_sub(6).min(SHEET_COLUMNS_MAX)
}

fn sheet_text(page: &Sheet, columns: u16) -> Vec<String> {
    // Plain: the frame around it scrubs what is no text.
    let look = Look { columns: usize::from(columns), colours: false, ascii: false };
    sheet::terminal(page, look).lines().map(str::to_owned).collect()
}

/// Everything that the song screen has no room for, of the version that is looked at.
pub(super) fn about(model: &mut Model) {
    let Screen::Song(view) = model.top() else { return };
    let Some(rows) = model.projects.get(&view.project) else { return };
    let Some(version) = view.version(rows) else { return };
    let mut lines = vec![format!("Fingerprint {}", version.fingerprint)];
    let changed = if version.changelog.trim().is_empty() { "Nothing said." } else { &version.changelog };
    lines.extend([String::new(), "What changed".into()]);
    lines.extend(changed.lines().map(|line| format!("  {line}")));
    lines.extend(super::pages::examination(rows, version));
    lines.extend([String::new(), "Preflight".into()]);
    if version.preflight.is_empty() {
        lines.push("  ✓ Nothing found.".into());
    }
    lines.extend(super::pages::findings(version));
    lines.extend([String::new(), "Files".into()]);
    for file in &version.files {
        let facts = file.facts.as_ref().map_or_else(String::new, |it| {
            let (lufs, peak) = (words::lufs(it.integrated_lufs), words::dbtp(it.true_peak_dbtp));
            format!("{}, {lufs}, {peak}, {}", words::format(it), words::bytes(it.bytes))
        });
        lines.push(format!("  {}: {facts}", file.alternate));
        lines.push(format!("    {}", file.name));
        lines.push(format!("    {}", file.sha256));
    }
    let title = format!("About {}", words::version(version));
    show(model, title, lines, None);
}

/// Every version of the recipe that counts for the song: who, when and why. Newest first.
pub(super) fn recipes(model: &mut Model) {
    let Screen::Master { project, song, .. } = model.top() else { return };
    let Some(rows) = model.projects.get(project) else { return };
    let title = rows.song(song).map_or_else(String::new, |it| crate::scrub::line(&it.title));
    let mut lines = Vec::new();
    for (of, head) in [(song.as_str(), format!("Of {title}")), ("", "Of the whole project".to_owned())] {
        let versions = rows.recipes(of);
        if versions.is_empty() {
            continue;
        }
        lines.push(head);
        for it in versions {
            let age = words::age(model.now_ms, it.at_ms);
            let hash: String = it.hash.chars().take(12).collect();
            let what = if it.toml.is_empty() { "none of its own any more" } else { hash.as_str() };
            lines.push(format!("  {}  {what}  {}, {age}", it.number, it.by));
            let why = if it.why.is_empty() { "No reason was given." } else { it.why.as_str() };
            lines.push(format!("     {why}"));
        }
        lines.push(String::new());
    }
    if lines.is_empty() {
        lines.push("Neither the song nor the project has a recipe: the studio's default is used.".into());
    }
    show(model, "Recipes: who and why".into(), lines, None);
}
