//! Keys of the screen "Delivery". `None`: the key means the same here as elsewhere.

use deadwax_proto::v1::{SongRow, VersionFile};

use super::{nav, pages, read};
use crate::tui::{
    delivery::{self, Standing},
    keys::Verb,
    model::{Model, Notice, Screen, SongView},
    msg::Effect,
    rows::Project,
    words,
};

pub(super) fn press(model: &mut Model, verb: Verb) -> Option<Vec<Effect>> {
    let Screen::Delivery { project, at } = model.top() else { return None };
    let (project, at) = (project.clone(), *at);
    let (rows, song) = here(model)?;
    let files = delivery::files(rows, song).len();
    match verb {
        // Among the lines that a filter shows the mark is moved as in every list.
        Verb::Up | Verb::Down | Verb::PageUp | Verb::PageDown | Verb::First | Verb::Last
            if !model.delivery.in_files && model.hands.filter(model).is_some_and(|it| !it.is_empty()) =>
        {
            return None;
        }
        Verb::Up | Verb::Down | Verb::PageUp | Verb::PageDown | Verb::First | Verb::Last => {
            let songs = rows.songs().len();
            if model.delivery.in_files {
                model.delivery.file = nav::moved(model.delivery.file, files, verb);
            } else if let Screen::Delivery { at: place, .. } = model.top_mut() {
                *place = nav::moved(at, songs, verb);
                model.delivery.file = 0;
            }
        }
        Verb::NextPane => {
            model.delivery.in_files = !model.delivery.in_files && files > 0;
            if files == 0 {
                return Some(read::tell(
                    model,
                    "This song has no master yet, so there are no files to deliver.",
                ));
            }
        }
        Verb::Open => {
            let mut view = SongView::new(project, song.song_id.clone());
            view.version = delivery::version(rows, song).map(|it| it.version_id.clone());
            model.stack.push(Screen::Song(view));
        }
        Verb::Copy => return Some(copy(model)),
        Verb::Manifest => manifest(model),
        Verb::Checks => checks(model),
        _ => return None,
    }
    Some(Vec::new())
}

/// The chosen song.
fn here(model: &Model) -> Option<(&Project, &SongRow)> {
    let Screen::Delivery { project, at } = model.top() else { return None };
    let rows = model.projects.get(project)?;
    let songs = rows.songs();
    let song = songs.get((*at).min(songs.len().saturating_sub(1)))?;
    Some((rows, song))
}

fn chosen_file(model: &Model) -> Option<&VersionFile> {
    let (rows, song) = here(model)?;
    delivery::files(rows, song).get(model.delivery.file)
}

/// In the files the digest of one; else the fingerprint, which is what was signed.
fn copy(model: &mut Model) -> Vec<Effect> {
    let text = match model.delivery.in_files {
        true => chosen_file(model).map(|it| (it.sha256.clone(), format!("The SHA-256 of {}", it.name))),
        false => here(model).and_then(|(rows, song)| {
            let version = delivery::version(rows, song)?;
            Some((version.fingerprint.clone(), format!("The fingerprint of {}", words::version(version))))
        }),
    };
    let Some((text, what)) = text else {
        return read::tell(model, "There is nothing to copy yet: this song has no master.");
    };
    model.notice = Some(Notice::Done(format!("{what} is on the clipboard.")));
    vec![Effect::Copy(text)]
}

/// The frozen manifest of the newest delivery, as it is written beside the files; before it, what a delivery would list.
fn manifest(model: &mut Model) {
    let Some((rows, song)) = here(model) else { return };
    let title = crate::scrub::line(&song.title);
    let deliveries = rows.deliveries(&song.song_id);
    let Some(newest) = deliveries.first() else {
        let text = match delivery::standing(rows, song) {
            Standing::Ready => "Nothing was delivered yet: D makes the delivery and its manifest.",
            _ => "Nothing was delivered yet: a manifest is made with the delivery.",
        };
        read::tell(model, text);
        return;
    };
    let when = words::date(&model.zone, newest.at_ms);
    let mut lines = vec![format!("Made by {}, {when}; it never changes", newest.by)];
    lines.push(format!("  fingerprint {}", newest.fingerprint));
    lines.extend([String::new(), "Who signed these bytes".into()]);
    for it in &newest.signed_by {
        lines.push(format!("  {}", pages::approval(rows, it)));
        lines.push(format!("    fingerprint {}", it.fingerprint));
    }
    lines.extend([String::new(), "Manifest, as it lies beside the files".into()]);
    lines.extend(pretty(&newest.manifest_json).into_iter().map(|it| format!("  {it}")));
    if deliveries.len() > 1 {
        lines.extend([String::new(), "Deliveries before this one".into()]);
        for it in &deliveries[1..] {
            let files = words::count(it.files.len(), "file", "files");
            let print = words::fingerprint(&it.fingerprint);
            let when = words::date(&model.zone, it.at_ms);
            lines.push(format!("  {when} by {}: {files}, fingerprint {print}", it.by));
        }
    }
    read::show(model, format!("Delivery of {title}"), lines, None);
}

/// Indented where it is JSON; else as it came.
pub(super) fn pretty(json: &str) -> Vec<String> {
    let value: Option<serde_json::Value> = serde_json::from_str(json).ok();
    let text = value.and_then(|it| serde_json::to_string_pretty(&it).ok()).unwrap_or_else(|| json.to_owned());
    crate::scrub::block(&text).lines().map(str::to_owned).collect()
}

/// Every finding of every profile with its files, and where the limits come from; then the studio's own preflight.
fn checks(model: &mut Model) {
    let Some((rows, song)) = here(model) else { return };
    let files = delivery::files(rows, song);
    let Some(version) = delivery::version(rows, song) else {
        read::tell(model, "This song has no master yet: there is nothing to check.");
        return;
    };
    let mut lines = Vec::new();
    for profile in delivery::profiles() {
        lines.push(format!("{} of {}: {}", profile.name, profile.dated, profile.about));
        let said = delivery::checked(profile, files);
        if said.is_empty() {
            lines.push("  ✓ Nothing found.".into());
        }
        for it in said {
            let sign = if it.found.block { "× blocks" } else { "! warns" };
            lines.push(format!("  {sign}, {}: {}", it.found.code, it.found.text));
            let count = words::count(it.files, "file", "files");
            lines.push(format!("    {count}: {}", it.of.join(", ")));
        }
        lines.extend(profile.sources.iter().map(|it| format!("  Source: {it}")));
        lines.push(String::new());
    }
    lines.push("Preflight of the studio".into());
    lines.extend(pages::findings(version));
    lines.extend([String::new(), "The same for files on this machine, in a shell".into()]);
    lines.push("  deadwax check FILE... --profile streaming".into());
    let title = format!("Checks of {}", words::version(version));
    read::show(model, title, lines, None);
}
