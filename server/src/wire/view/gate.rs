//! The gate of each song's present stage, tried dry, with who is missing by name; and every approval and hold.

use deadwax_domain::{Approval, ApprovalState, GateLine, GateReport, Says, Song, gate};
use deadwax_proto::v1::{self, row::Row as Kind};

use super::{Viewer, record};
use crate::wire::{id, text::scrub, words};

pub fn rows(viewer: &Viewer<'_>, put: &mut dyn FnMut(String, Kind)) {
    for song in viewer.project.songs_in_order() {
        put(format!("gate/{}", id(song.id.0)), Kind::Gate(row(viewer, song)));
    }
}

/// After mastering no gate lies ahead: the row then holds the approvals that led there.
pub fn row(viewer: &Viewer<'_>, song: &Song) -> v1::GateRow {
    tried(viewer, song, gate::report(viewer.project, song.id))
}

/// The same for a report of any rule. `None`: no gate lies ahead.
pub fn tried(viewer: &Viewer<'_>, song: &Song, report: Option<GateReport>) -> v1::GateRow {
    let lines = report.as_ref().map(|report| report.lines.iter().map(|one| line(viewer, one)).collect());
    let signed = viewer.project.approvals_of(song.id);
    v1::GateRow {
        song_id: id(song.id.0),
        stage: words::stage(report.as_ref().map_or(song.stage, |report| report.stage)).into(),
        met: report.as_ref().is_none_or(|report| report.met),
        lines: lines.unwrap_or_default(),
        approvals: signed.map(|(one, state)| approval(viewer, one, state)).collect(),
    }
}

/// "Label: 0 of 1 approvals; waits for Lena Ruiz."
fn line(viewer: &Viewer<'_>, line: &GateLine) -> v1::GateLine {
    let names: Vec<String> = line.waits_for.iter().map(|person| viewer.name(*person)).collect();
    let text = match names.split_last() {
        None => line.text.clone(),
        Some((last, [])) => format!("{}; waits for {last}.", line.text.trim_end_matches('.')),
        Some((last, rest)) => {
            format!("{}; waits for {} or {last}.", line.text.trim_end_matches('.'), rest.join(", "))
        }
    };
    v1::GateLine { met: line.met, code: line.code.to_owned(), text: scrub(&text) }
}

pub fn approval(viewer: &Viewer<'_>, approval: &Approval, state: ApprovalState) -> v1::ApprovalView {
    let (version_id, fingerprint, reason) = match &approval.says {
        Says::Yes { version, fingerprint } => (id(version.0), fingerprint.to_string(), String::new()),
        Says::Hold { reason } => (String::new(), String::new(), scrub(reason)),
    };
    let (receipt_sequence, key_fingerprint) = record::receipt_of(viewer.project, approval.id);
    v1::ApprovalView {
        receipt_sequence,
        key_fingerprint,
        approval_id: id(approval.id.0),
        person_id: id(approval.person.0),
        name: viewer.name(approval.person),
        role: words::role(approval.role).into(),
        version_id,
        fingerprint,
        at_ms: approval.at.0,
        state: words::approval_state(state).into(),
        reason,
        carried_to_version_id: approval.carried.last().map(|carried| id(carried.to.0)).unwrap_or_default(),
        carried_why: approval.carried.last().map(|carried| scrub(&carried.why)).unwrap_or_default(),
        heard_percent: match approval.says {
            Says::Yes { version, .. } => viewer.project.heard_percent(version, approval.person),
            Says::Hold { .. } => 0,
        },
    }
}
