//! What somebody should know before they sign a version, in short lines, from the rows that are here. Never here: whether it may be signed.

use deadwax_proto::v1::{
    ApprovalState, GateLine, NoteState, RenderState, RequestRow, VersionKind, VersionRow,
};

use super::approve_problem;
use crate::{
    scrub,
    tui::{
        model::{ApproveAsk, Model},
        rows::Project,
        words,
    },
};

/// Less is not all of it: the edges of a file are seldom heard to the end.
const HEARD_PERCENT: u32 = 95;

/// Each with whether it warns. Empty where the signature is refused anyway: the refusal says all.
pub fn before_signing(model: &Model, ask: &ApproveAsk) -> Vec<(String, bool)> {
    let Some(rows) = model.projects.get(&ask.project) else { return Vec::new() };
    let Some(version) = rows.version(&ask.version) else { return Vec::new() };
    let mut said = Vec::new();
    let changed = scrub::line(version.changelog.trim());
    if !changed.is_empty() {
        said.push((format!("Changed: {changed}"), false));
    }
    if approve_problem(model, ask).is_some() {
        return said;
    }
    let me = model.me.as_ref();
    let warnings = [
        maker(rows, version),
        preflight(version),
        me.and_then(|it| asked_for_another(rows, version, &it.name)),
        notes(rows, version, me.map_or("", |it| it.person_id.as_str())),
        (version.heard_percent < HEARD_PERCENT)
            .then(|| format!("You heard {} % of it.", version.heard_percent)),
        held(rows, version),
        rendering(rows, version),
        waits(rows, version, ask),
    ];
    said.extend(warnings.into_iter().flatten().map(|it| (format!("! {it}"), true)));
    said
}

/// Whose work it is stands beside what is signed: a name that only looks like theirs is told.
fn maker(rows: &Project, version: &VersionRow) -> Option<String> {
    // Who competes blind has no name here.
    if version.uploaded_by_id.is_empty() {
        return None;
    }
    let others = rows.members().into_iter().filter(|it| it.person_id != version.uploaded_by_id);
    let alike = crate::alike::warning(&version.uploaded_by, others.map(|it| it.name.as_str()))?;
    Some(format!("By {}. {alike}", scrub::line(&version.uploaded_by)))
}

fn preflight(version: &VersionRow) -> Option<String> {
    let first = version.preflight.iter().find(|it| it.block).or(version.preflight.first())?;
    let all = version.preflight.len();
    let count = match version.preflight.iter().filter(|it| it.block).count() {
        0 => words::count(all, "preflight remark", "preflight remarks"),
        blocks if blocks == all => format!("Preflight blocks, {blocks} of {all}"),
        blocks => format!("Preflight blocks, {blocks} of {all} remarks"),
    };
    Some(format!("{count}: {}", scrub::line(&first.text)))
}

/// One's own request that no version has answered.
fn asked_for_another(rows: &Project, version: &VersionRow, me: &str) -> Option<String> {
    let requests = rows.requests(&version.song_id);
    let open = |it: &&&RequestRow| {
        it.answered_by_version_id.is_empty() && it.version_id == version.version_id && it.by == me
    };
    requests.iter().find(open).map(|_| "You asked for a revision of it.".to_owned())
}

fn notes(rows: &Project, version: &VersionRow, me: &str) -> Option<String> {
    let notes = rows.notes(&version.song_id, false);
    let open: Vec<_> = notes.into_iter().filter(|it| it.state() == NoteState::Open).collect();
    let own = open.iter().filter(|it| it.author_id == me).count();
    let count = words::count(open.len(), "open note", "open notes");
    match (open.len(), own) {
        (0, _) => None,
        (_, 0) => Some(format!("{count} on the song.")),
        _ => Some(format!("{count} on the song, {own} of them yours.")),
    }
}

fn held(rows: &Project, version: &VersionRow) -> Option<String> {
    let gate = rows.gate(&version.song_id)?;
    let hold = gate.approvals.iter().find(|it| it.state() == ApprovalState::Hold)?;
    Some(format!("On hold by {} as {}.", scrub::line(&hold.name), words::role(hold.role())))
}

fn rendering(rows: &Project, version: &VersionRow) -> Option<String> {
    let renders = rows.renders(&version.song_id);
    let busy = renders.iter().any(|it| matches!(it.state(), RenderState::Queued | RenderState::Running));
    (busy && version.kind() == VersionKind::Master)
        .then(|| "A render is under way: its master would take the place of this one.".to_owned())
}

/// What the gate asks for beside this signature and beside what is said already.
fn waits(rows: &Project, version: &VersionRow, ask: &ApproveAsk) -> Option<String> {
    let gate = rows.gate(&version.song_id)?;
    let role = ask.roles.get(ask.role).copied().map_or("", words::role);
    let told = |it: &GateLine| {
        matches!(it.code.as_str(), "ON_HOLD" | "REVISION_REQUESTED" | "PREFLIGHT" | "OPEN_NOTES" | "HEARD")
    };
    let left: Vec<String> = gate
        .lines
        .iter()
        .filter(|it| !(it.met || told(it) || it.code == "APPROVALS" && is_last(&it.text, role)))
        .map(|it| scrub::line(it.text.trim_end_matches('.')))
        .collect();
    let first = left.first()?;
    let more = left.len() - 1;
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    Some(format!("The gate waits on: {first}{more}."))
}

/// "Label: 0 of 1 approvals" of the role that signs: this signature is what it waits for.
fn is_last(text: &str, role: &str) -> bool {
    let Some((roles, rest)) = text.split_once(':') else { return false };
    let mut numbers = rest.split(' ').filter_map(|it| it.parse::<usize>().ok());
    let of_role = !role.is_empty() && roles.to_lowercase().contains(role);
    match (numbers.next(), numbers.next()) {
        (Some(have), Some(want)) => of_role && have + 1 >= want,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_last;

    #[test]
    fn the_line_that_waits_for_this_signature_is_not_told() {
        assert!(is_last("Label: 0 of 1 approvals; waits for Lena Ruiz.", "label"));
        assert!(!is_last("Label: 0 of 2 approvals.", "label"));
        assert!(!is_last("Artist: 0 of 1 approvals; waits for Mara Voss.", "label"));
        assert!(!is_last("The running order is not approved.", "label"));
    }
}
