//! Records: the files made of the signed masters and one spacing, for the profiles that were asked. Numbered, immutable, signed as a whole, delivered as they
//! were signed (P-5). Never here: sound, profiles' rules.

use crate::{
    Actor, ApprovalId, Command, Digest, PersonId, Project, RecordId, Refusal, Role, SongId, Time, VersionId,
    decide::{Ruling, misrouted},
};

#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    pub id: RecordId,
    /// From 1.
    pub number: u32,
    /// The number of the spacing.
    pub spacing: u32,
    /// In the running order.
    pub sources: Vec<RecordSource>,
    pub profiles: Vec<RecordProfile>,
    /// All songs are moved together so that the loudest plays at this; `None`: kept as they were signed.
    pub loudest_track_lufs: Option<f64>,
    pub by: Option<PersonId>,
    pub at: Time,
    pub state: RecordState,
    pub state_since: Time,
    /// Attempts begun. The running one carries this number; a worker with an older one is stale.
    pub attempt: u32,
    pub engine: String,
    /// Failures that were reported.
    pub failures: u32,
    /// Of the last failure.
    pub reason: String,
    pub files: Vec<RecordFile>,
    /// [`record_fingerprint`](crate::record_fingerprint) of the files; `None` before it is made.
    pub fingerprint: Option<Digest>,
    pub report_json: String,
    pub approvals: Vec<RecordApproval>,
    pub delivered: Option<RecordDelivered>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecordState {
    Queued,
    Running,
    Made,
    /// Parked: nobody tries again unless asked.
    Failed,
    Cancelled,
    Delivered,
}

/// A signed master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordSource {
    pub song: SongId,
    pub version: VersionId,
    pub fingerprint: Digest,
}

/// The text itself: one that is changed later changes nothing that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordProfile {
    pub name: String,
    pub toml: String,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RecordFile {
    /// Its name.
    pub profile: String,
    /// Within the delivery; may be empty.
    pub folder: String,
    pub name: String,
    pub digest: Digest,
    pub bytes: u64,
    /// "track", "side", "cue": what it is of.
    pub kind: String,
    /// 0: no sound.
    pub sample_rate_hz: u32,
    pub bits: u32,
    pub frames: u64,
    /// Bit for bit the sound that was signed.
    pub exact: bool,
    pub integrated_lufs: Option<f64>,
    pub true_peak_dbtp: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordApproval {
    pub id: ApprovalId,
    pub person: PersonId,
    pub role: Role,
    pub at: Time,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordDelivered {
    pub by: Option<PersonId>,
    pub at: Time,
    pub manifest_json: String,
}

pub(crate) fn rule(_project: &Project, _actor: &Actor, _command: &Command) -> Result<Ruling, Refusal> {
    misrouted()
}

/// What an approval signs: SHA-256 over one line a file, sorted: its place in the delivery, then its digest.
pub fn record_fingerprint(files: &[RecordFile]) -> Digest {
    use sha2::{Digest as _, Sha256};
    let mut lines: Vec<String> =
        files.iter().map(|file| format!("{}/{} {}\n", file.folder, file.name, file.digest)).collect();
    lines.sort();
    Digest(Sha256::digest(lines.concat()).into())
}

/// A master of it, or the spacing, is another by now.
pub fn is_outdated(project: &Project, record: &Record) -> bool {
    let newest = project.spacings.last().map(|spacing| spacing.number);
    let same = |source: &RecordSource| {
        project
            .candidate(source.song)
            .is_some_and(|now| (now.id, now.fingerprint) == (source.version, source.fingerprint))
    };
    newest != Some(record.spacing) || !record.sources.iter().all(same)
}

/// Its giver still speaks in that role.
pub fn counts(project: &Project, _record: &Record, approval: &RecordApproval) -> bool {
    project.holds_role(approval.person, approval.role)
}

/// What is otherwise than in the record before, in words.
pub fn differs(_project: &Project, _record: &Record) -> Vec<String> {
    Vec::new()
}

/// What comes next and from whom, in a sentence; empty: nothing.
pub fn waits_for(_project: &Project, _record: &Record, _names: &dyn Fn(PersonId) -> String) -> String {
    String::new()
}
