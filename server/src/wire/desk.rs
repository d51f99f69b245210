//! What waits on a person, as a row. Stored in the same form as it is sent: the stored desk can always be rebuilt from the facts.

use bytes::Bytes;
use deadwax_domain::{FollowLevel, PersonId, Project, ProjectId, Target, Wait, WaitKind, waits};
use deadwax_proto::v1;
use prost::Message as _;

use super::{id, text::scrub};

/// The rows of one project with their owners; who muted a song has none of it. Keys are stable: project, kind and what is to be opened.
pub fn rows(project_id: ProjectId, project: &Project) -> Vec<(PersonId, v1::DeskRow)> {
    let heard = |wait: &Wait| project.follow_level(wait.person, wait.song) != FollowLevel::Muted;
    waits(project)
        .into_iter()
        .filter(heard)
        .map(|wait| (wait.person, row(project_id, project, &wait)))
        .collect()
}

fn row(project_id: ProjectId, project: &Project, wait: &Wait) -> v1::DeskRow {
    let target_key = target(wait.target);
    let kind = kind(wait.kind);
    v1::DeskRow {
        key: format!("{}/{}/{target_key}", id(project_id.0), kind.as_str_name()),
        project_id: id(project_id.0),
        project_title: scrub(&project.title),
        song_id: wait.song.map(|song| id(song.0)).unwrap_or_default(),
        song_title: wait
            .song
            .and_then(|song| project.songs.get(song))
            .map(|song| scrub(&song.title))
            .unwrap_or_default(),
        kind: kind.into(),
        text: scrub(&wait.text),
        since_ms: wait.since.0,
        target_key,
        due_ms: super::words::date(wait.due),
        blocks: wait.blocks,
    }
}

fn target(target: Target) -> String {
    match target {
        Target::Song(song) => format!("song/{}", id(song.0)),
        Target::Version(version) => format!("version/{}", id(version.0)),
        Target::Note(note) => format!("note/{}", id(note.0)),
        Target::Render(render) => format!("render/{}", id(render.0)),
        Target::Record(number) => format!("record/{number}"),
    }
}

fn kind(kind: WaitKind) -> v1::DeskKind {
    match kind {
        WaitKind::Approve => v1::DeskKind::Approve,
        WaitKind::Upload => v1::DeskKind::Upload,
        WaitKind::Note => v1::DeskKind::Note,
        WaitKind::Handoff => v1::DeskKind::Handoff,
        WaitKind::RenderFailed => v1::DeskKind::RenderFailed,
        WaitKind::Deliver => v1::DeskKind::Deliver,
        WaitKind::Pick => v1::DeskKind::Pick,
        WaitKind::Listen => v1::DeskKind::Listen,
        WaitKind::Spacing => v1::DeskKind::Spacing,
    }
}

pub fn encode(row: &v1::DeskRow) -> Bytes {
    row.encode_to_vec().into()
}

/// The whole list of one person: what blocks others first, then by due date, then by how long it waits. A row that cannot be read is left out: the desk is a view, never the truth.
pub fn response(stored: Vec<(Bytes, Bytes)>) -> v1::DeskResponse {
    let mut rows: Vec<v1::DeskRow> =
        stored.iter().filter_map(|(_, row)| v1::DeskRow::decode(&row[..]).ok()).collect();
    let due = |row: &v1::DeskRow| if row.due_ms == 0 { i64::MAX } else { row.due_ms };
    rows.sort_by(|a, b| {
        let order = |row: &v1::DeskRow| (std::cmp::Reverse(row.blocks > 0), due(row), row.since_ms);
        order(a).cmp(&order(b)).then_with(|| a.key.cmp(&b.key))
    });
    v1::DeskResponse { rows }
}
