//! "May I?" for the record and its proofs.

use super::{Answer, NEW, SOME, best_role, how_signed};
use crate::{
    Actor, ApprovalId, Command, Cover, Digest, LabelCopy, NoteId, PersonId, Project, Record, RecordId,
    RecordProfile, Refusal, SongCopy, SongId, check,
};

/// A fingerprint of nothing that is there.
const NOBODYS: Digest = Digest([0xff; 32]);

pub(super) fn project_actions(project: &Project, actor: &Actor) -> Vec<(&'static str, Result<(), Refusal>)> {
    let number = project.spacings.last().map_or(0, |newest| newest.number);
    let ask = |command| check(project, actor, &command);
    let profiles = vec![RecordProfile { name: SOME.to_owned() + "x", toml: SOME.to_owned() }];
    vec![
        (
            "add_spacing_note",
            ask(Command::AddSpacingNote { note: NoteId(NEW), number, song: None, text: SOME.to_owned() }),
        ),
        ("set_label_copy", ask(Command::SetLabelCopy { copy: other_copy(&project.label_copy) })),
        ("set_cover", ask(Command::SetCover { cover: Some(some_cover()) })),
        (
            "start_record",
            ask(Command::StartRecord {
                record: RecordId(NEW),
                spacing: number,
                profiles,
                loudest_track_lufs: None,
                medium: String::new(),
                basis: None,
            }),
        ),
        ("enrol_key", enrol_key(project, actor)),
    ]
}

fn other_copy(now: &LabelCopy) -> LabelCopy {
    LabelCopy { catalogue: other_than(&now.catalogue), ..now.clone() }
}

fn some_cover() -> Cover {
    Cover { digest: NOBODYS, bytes: 1, mime: "image/png".to_owned(), width: 1, height: 1 }
}

fn other_than(text: &str) -> String {
    if text == SOME { "-".to_owned() } else { SOME.to_owned() }
}

/// One key more, vouched for where that is asked.
fn enrol_key(project: &Project, actor: &Actor) -> Result<(), Refusal> {
    let vouched_by = match actor {
        Actor::Person { id, .. } => project.keys_of(*id).first().map(|key| key.id),
        Actor::Worker => None,
    };
    let command = Command::EnrolKey {
        key: NOBODYS,
        public_key: SOME.to_owned(),
        proof: String::new(),
        vouched_by,
        vouch: String::new(),
    };
    check(project, actor, &command)
}

/// The oldest key of that person that holds.
pub(super) fn revoke_key(project: &Project, actor: &Actor, person: PersonId) -> Result<(), Refusal> {
    let key = project.keys_of(person).first().map_or(NOBODYS, |key| key.id);
    check(project, actor, &Command::RevokeKey { key, reason: SOME.to_owned() })
}

pub(super) fn set_song_copy(project: &Project, actor: &Actor, song: SongId) -> Result<(), Refusal> {
    let now = project.song_copies.get(&song).cloned().unwrap_or_default();
    let copy = SongCopy { version_title: other_than(&now.version_title), ..now };
    check(project, actor, &Command::SetSongCopy { song, copy })
}

pub fn record_actions(project: &Project, actor: &Actor, record: &Record) -> Vec<Answer> {
    let ask = |command| check(project, actor, &command).map(|()| String::new());
    let fingerprint = record.fingerprint.unwrap_or(NOBODYS);
    let approve =
        |role| Command::ApproveRecord { approval: ApprovalId(NEW), record: record.id, role, fingerprint };
    let approval = best_role(project, actor, approve).map(|role| how_signed(project, actor, &approve(role)));
    vec![
        ("cancel_record", ask(Command::CancelRecord { record: record.id })),
        ("approve_record", approval),
        ("deliver_record", ask(Command::DeliverRecord { record: record.id, manifest_json: String::new() })),
    ]
}
