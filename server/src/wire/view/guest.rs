//! What the guest of a link sees: what the link names, as one hears it, and the threads that they began. No members, no gates, no approvals, no other song or
//! version, and no count, name or answer that tells of them. Never here: what a scope holds (the domain's `link`).

use deadwax_domain::{Link, LinkScope, Note, NoteState, Record, Song, Version, audience};
use deadwax_proto::v1::{self, row::Row as Kind};

use super::{Viewer, note, record, review, version};
use crate::wire::{id, text::scrub, words};

pub fn rows(viewer: &Viewer<'_>, link: &Link, put: &mut dyn FnMut(String, Kind)) {
    let project = viewer.project;
    put("project".to_owned(), Kind::Project(house(viewer, link)));
    for (it, position) in project.songs_in_order().zip(1..) {
        if link.holds_song(project, it.id) {
            put(format!("song/{}", id(it.id.0)), Kind::Song(song(viewer, it, position)));
        }
    }
    for it in project.versions.values().filter(|it| audience::sees_version(project, viewer.person, it)) {
        put(format!("version/{}", id(it.id.0)), Kind::Version(heard(viewer, it)));
    }
    for it in project.notes.values().filter(|it| audience::reads_note(project, viewer.person, it)) {
        put(format!("note/{}", id(it.id.0)), Kind::Note(said(viewer, it)));
    }
    if let LinkScope::Record(of) = link.scope
        && let Some(it) = project.record(of)
    {
        put(format!("record/{}", it.number), Kind::Record(record(it)));
    }
}

fn house(viewer: &Viewer<'_>, link: &Link) -> v1::ProjectRow {
    let it = viewer.project;
    let newest = it.spacings.last().filter(|_| link.scope == LinkScope::Album);
    v1::ProjectRow {
        project_id: id(viewer.project_id.0),
        title: scrub(&it.title),
        artist: scrub(&it.artist),
        your_roles: words::roles(viewer.roles),
        spacing: newest.map(|newest| {
            let v1::Spacing { number, items, .. } = review::spacing(viewer, newest);
            v1::Spacing { number, items, ..v1::Spacing::default() }
        }),
        ..v1::ProjectRow::default()
    }
}

fn song(viewer: &Viewer<'_>, song: &Song, position: u32) -> v1::SongRow {
    let project = viewer.project;
    let candidate = project.candidate(song.id);
    let candidate = candidate.filter(|it| audience::sees_version(project, viewer.person, it));
    v1::SongRow {
        song_id: id(song.id.0),
        title: scrub(&song.title),
        position,
        stage: words::stage(song.stage).into(),
        candidate_version_id: candidate.map(|it| id(it.id.0)).unwrap_or_default(),
        ..v1::SongRow::default()
    }
}

/// As a listener sees it. That something newer took its place is told: whoever listens to what was replaced has to know.
fn heard(viewer: &Viewer<'_>, it: &Version) -> v1::VersionRow {
    let row = version::row(viewer, it);
    let allowed = row.allowed.into_iter().filter(|it| it.action == "add_note").collect();
    v1::VersionRow { allowed, closed_with_thanks: false, ..row }
}

/// A note without what members make of it among themselves.
fn said(viewer: &Viewer<'_>, it: &Note) -> v1::NoteRow {
    let row = note::row(viewer, it);
    let seen = match it.state {
        NoteState::Addressed(version) => viewer.sees_version_id(version),
        NoteState::Open | NoteState::Accepted | NoteState::Declined => true,
    };
    let addressed_in_version_id = if seen { row.addressed_in_version_id } else { String::new() };
    v1::NoteRow {
        allowed: Vec::new(),
        verdicts: Vec::new(),
        addressee: String::new(),
        addressee_id: String::new(),
        addressed_in_version_id,
        ..row
    }
}

/// What there is to hear and to fetch of a record; who started, signed and delivered it is for members.
pub fn record(it: &Record) -> v1::RecordRow {
    let source = |it: &deadwax_domain::RecordSource| v1::RecordSource {
        song_id: id(it.song.0),
        version_id: id(it.version.0),
        fingerprint: it.fingerprint.to_string(),
    };
    v1::RecordRow {
        record_id: id(it.id.0),
        number: it.number,
        state: record::state(it.state).into(),
        sources: it.sources.iter().map(source).collect(),
        profiles: it.profiles.iter().map(|profile| scrub(&profile.name)).collect(),
        files: it.files.iter().map(record::file).collect(),
        file_count: u32::try_from(it.files.len()).unwrap_or(u32::MAX),
        bytes: it.files.iter().fold(0, |sum, file| sum.saturating_add(file.bytes)),
        fingerprint: it.fingerprint.map(|it| it.to_string()).unwrap_or_default(),
        ..v1::RecordRow::default()
    }
}
