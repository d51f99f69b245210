//! The record and its proofs as rows: label copy, notes on the spacing, records, keys, the head of the chain of statements. Whoever only listens sees
//! none of it but the public keys, which are nobody's secret.

use deadwax_domain::{
    ApprovalId, Explicit, PersonId, Project, Record, RecordApproval, RecordFile, RecordState, SongCopy,
    SongId, dry, record,
};
use deadwax_proto::v1::{self, row::Row as Kind};

use super::Viewer;
use crate::wire::{id, text::scrub, words};

pub fn rows(viewer: &Viewer<'_>, put: &mut dyn FnMut(String, Kind)) {
    let records = &viewer.project.records;
    let newest = |is: fn(&Record) -> bool| records.iter().rev().find(|it| is(it)).map(|it| it.id);
    let (made, delivered) = (newest(Record::is_made), newest(|it| it.delivered.is_some()));
    for it in records {
        let id = Some(it.id);
        let row = if id == made || id == delivered { whole(viewer, it) } else { row(viewer, it) };
        put(format!("record/{}", it.number), Kind::Record(row));
    }
}

/// With its files and its manifest, which are long: rows carry those of the newest records alone.
pub fn whole(viewer: &Viewer<'_>, it: &Record) -> v1::RecordRow {
    let manifest = it.delivered.as_ref().map(|it| it.manifest_json.clone());
    v1::RecordRow {
        files: it.files.iter().map(file).collect(),
        manifest_json: manifest.unwrap_or_default(),
        ..row(viewer, it)
    }
}

fn row(viewer: &Viewer<'_>, it: &Record) -> v1::RecordRow {
    let project = viewer.project;
    let source = |it: &deadwax_domain::RecordSource| v1::RecordSource {
        song_id: id(it.song.0),
        version_id: id(it.version.0),
        fingerprint: it.fingerprint.to_string(),
    };
    let delivered = it.delivered.as_ref();
    v1::RecordRow {
        record_id: id(it.id.0),
        number: it.number,
        state: state(it.state).into(),
        spacing: it.spacing,
        sources: it.sources.iter().map(source).collect(),
        profiles: it.profiles.iter().map(|profile| scrub(&profile.name)).collect(),
        by: viewer.name_or(it.by, ""),
        at_ms: it.at.0,
        files: Vec::new(),
        file_count: u32::try_from(it.files.len()).unwrap_or(u32::MAX),
        bytes: it.files.iter().fold(0, |sum, file| sum.saturating_add(file.bytes)),
        fingerprint: it.fingerprint.map(|it| it.to_string()).unwrap_or_default(),
        approvals: it.approvals.iter().map(|approval| signed(viewer, it, approval)).collect(),
        reason: scrub(&it.reason),
        differs: record::differs(project, it).iter().map(|text| scrub(text)).collect(),
        outdated: record::is_outdated(project, it),
        allowed: viewer.allowed(dry::record_actions(project, &viewer.actor, it)),
        delivered_ms: delivered.map_or(0, |it| it.at.0),
        delivered_by: delivered.map(|it| viewer.name_or(it.by, "")).unwrap_or_default(),
        manifest_json: String::new(),
        attempt: it.attempt,
        loudest_track_lufs: it.loudest_track_lufs,
        waits_for: scrub(&record::waits_for(project, it, &|person| viewer.name(person))),
        medium: scrub(&it.medium),
        outdated_by: record::outdated_by(project, it).iter().map(|text| scrub(text)).collect(),
        cautions: record::cautions(project, it).iter().map(|text| scrub(text)).collect(),
        same_as: it.same_as.unwrap_or(0),
        asked_roles: record::approvers(project).iter().map(|role| words::role(*role).into()).collect(),
    }
}

pub(super) fn state(state: RecordState) -> v1::RecordState {
    match state {
        RecordState::Queued => v1::RecordState::Queued,
        RecordState::Running => v1::RecordState::Running,
        RecordState::Made => v1::RecordState::Made,
        RecordState::Failed => v1::RecordState::Failed,
        RecordState::Cancelled => v1::RecordState::Cancelled,
        RecordState::Delivered => v1::RecordState::Delivered,
    }
}

pub(super) fn file(it: &RecordFile) -> v1::RecordFile {
    v1::RecordFile {
        profile: scrub(&it.profile),
        folder: scrub(&it.folder),
        name: scrub(&it.name),
        sha256: it.digest.to_string(),
        bytes: it.bytes,
        kind: scrub(&it.kind),
        sample_rate: it.sample_rate_hz,
        bits: it.bits,
        frames: it.frames,
        exact: it.exact,
        integrated_lufs: it.integrated_lufs,
        true_peak_dbtp: it.true_peak_dbtp,
        over_full_scale: it.over_full_scale,
    }
}

fn signed(viewer: &Viewer<'_>, of: &Record, it: &RecordApproval) -> v1::ApprovalView {
    let (receipt_sequence, key_fingerprint) = receipt_of(viewer.project, it.id);
    let state = match record::counts(viewer.project, of, it) {
        true => v1::ApprovalState::Counts,
        false => v1::ApprovalState::Outdated,
    };
    v1::ApprovalView {
        approval_id: id(it.id.0),
        person_id: id(it.person.0),
        name: viewer.name(it.person),
        role: words::role(it.role).into(),
        fingerprint: of.fingerprint.map(|it| it.to_string()).unwrap_or_default(),
        at_ms: it.at.0,
        state: state.into(),
        receipt_sequence,
        key_fingerprint,
        ..v1::ApprovalView::default()
    }
}

/// Its place in the chain and the key that signed; nothing where it was not signed with one.
pub fn receipt_of(project: &Project, approval: ApprovalId) -> (u32, String) {
    let kept = project.receipts.iter().find(|it| it.approval == approval);
    kept.map(|it| (it.sequence, it.receipt.key.to_string())).unwrap_or_default()
}

pub fn head(project: &Project) -> v1::ReceiptHead {
    let (sequence, before) = deadwax_domain::receipt::head(project);
    v1::ReceiptHead { sequence, statement_sha256: before.to_string() }
}

pub fn keys(viewer: &Viewer<'_>, person: PersonId) -> Vec<v1::KeyView> {
    let of = viewer.project.keys.values().filter(|key| key.person == person);
    let mut keys: Vec<_> = of.collect();
    keys.sort_by_key(|key| (key.enrolled_at, key.id));
    let told = |key: &deadwax_domain::Key| {
        let revoked = key.revoked.as_ref();
        v1::KeyView {
            fingerprint: key.id.to_string(),
            public_key: scrub(&key.public_key),
            enrolled_ms: key.enrolled_at.0,
            revoked_ms: revoked.map_or(0, |it| it.at.0),
            revoked_by: revoked.map(|it| viewer.name_or(it.by, "")).unwrap_or_default(),
            reason: revoked.map(|it| scrub(&it.reason)).unwrap_or_default(),
            vouched_by: key.vouched_by.map(|it| it.to_string()).unwrap_or_default(),
        }
    };
    keys.into_iter().map(told).collect()
}

pub fn label_copy(project: &Project) -> Option<v1::LabelCopy> {
    let (it, picture) = (&project.label_copy, project.cover.as_ref());
    (*it != deadwax_domain::LabelCopy::default() || picture.is_some()).then(|| v1::LabelCopy {
        cover: picture.map(cover),
        upc: scrub(&it.upc),
        catalogue: scrub(&it.catalogue),
        label: scrub(&it.label),
        p_line: scrub(&it.p_line),
        c_line: scrub(&it.c_line),
        release_date: scrub(&it.release_date),
        genre: scrub(&it.genre),
        language: scrub(&it.language),
    })
}

pub fn cover(it: &deadwax_domain::Cover) -> v1::Cover {
    let (sha256, mime) = (it.digest.to_string(), scrub(&it.mime));
    v1::Cover { sha256, bytes: it.bytes, mime, width: it.width, height: it.height }
}

pub fn song_copy(project: &Project, song: SongId) -> Option<v1::SongCopy> {
    let it = project.song_copies.get(&song)?;
    (*it != SongCopy::default()).then(|| v1::SongCopy {
        version_title: scrub(&it.version_title),
        explicit: match it.explicit {
            None => v1::Explicit::Unspecified,
            Some(Explicit::No) => v1::Explicit::No,
            Some(Explicit::Yes) => v1::Explicit::Yes,
            Some(Explicit::Cleaned) => v1::Explicit::Cleaned,
        }
        .into(),
        credits: it
            .credits
            .iter()
            .map(|it| v1::Credit { role: scrub(&it.role), name: scrub(&it.name) })
            .collect(),
        splits: it.splits.iter().map(split).collect(),
    })
}

fn split(it: &deadwax_domain::Split) -> v1::Split {
    let of = if it.recording { v1::SplitOf::Recording } else { v1::SplitOf::Composition };
    v1::Split { name: scrub(&it.name), of: of.into(), share: it.share }
}

pub fn spacing_notes(viewer: &Viewer<'_>, newest: u32) -> Vec<v1::SpacingNote> {
    let notes = viewer.project.spacing_notes.iter();
    let told = |it: &deadwax_domain::SpacingNote| v1::SpacingNote {
        note_id: id(it.id.0),
        number: it.number,
        song_id: it.song.map(|song| id(song.0)).unwrap_or_default(),
        by: viewer.name(it.by),
        at_ms: it.at.0,
        text: scrub(&it.text),
        closed: it.closed.is_some(),
        closed_by: it.closed.as_ref().map(|it| viewer.name_or(it.by, "")).unwrap_or_default(),
        answer: it.closed.as_ref().map(|it| scrub(&it.answer)).unwrap_or_default(),
    };
    notes.filter(|it| it.number == newest || it.closed.is_none()).map(told).collect()
}
