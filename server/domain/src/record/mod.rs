//! Records: the files made of the signed masters and one spacing, for the profiles that were asked. Numbered, immutable, signed as a whole, delivered as they
//! were signed (P-5). Never here: sound, profiles' rules.

mod differs;
mod rules;

#[cfg(test)]
mod tests;

use crate::{ApprovalId, Digest, PersonId, Project, RecordId, Role, SongId, Stage, Time, VersionId, text};

pub use differs::differs;
pub(crate) use rules::{approval, rule, twin};
pub use rules::{is_file_name, sound_level, sound_profiles};

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
    /// [`record_fingerprint`] of the files; `None` before it is made.
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

impl Record {
    /// "Record 2".
    pub fn name(&self) -> String {
        format!("Record {}", self.number)
    }

    pub fn is_alive(&self) -> bool {
        matches!(self.state, RecordState::Queued | RecordState::Running)
    }

    /// Its files are there, for ever.
    pub fn is_made(&self) -> bool {
        matches!(self.state, RecordState::Made | RecordState::Delivered)
    }

    pub(crate) fn stand(&mut self, state: RecordState, at: Time) {
        self.state = state;
        self.state_since = at;
    }
}

impl RecordFile {
    /// Where it lies in the delivery: "cd/image.wav", or the name alone.
    pub fn place(&self) -> String {
        if self.folder.is_empty() { self.name.clone() } else { format!("{}/{}", self.folder, self.name) }
    }
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
    /// Its giver left, or lost the role, before the record was delivered. Coming back does not bring it again.
    pub ended: Option<Time>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordDelivered {
    pub by: Option<PersonId>,
    pub at: Time,
    pub manifest_json: String,
}

/// Who starts, cancels and delivers one.
pub const STARTERS: [Role; 3] = [Role::Manager, Role::Label, Role::MasteringEngineer];
pub const DELIVERERS: [Role; 3] = [Role::Manager, Role::Label, Role::MasteringEngineer];
/// Who approves one where no label is a member.
const WITHOUT_LABEL: [Role; 3] = [Role::Producer, Role::Artist, Role::Manager];

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

/// The label; where no label is a member, producer, artist or manager.
pub fn approvers(project: &Project) -> &'static [Role] {
    if project.holders(Role::Label).next().is_some() { &[Role::Label] } else { &WITHOUT_LABEL }
}

/// It speaks for the record: its giver still holds the role, did not start the record (where one may not approve one's own), and signed with a key where that
/// is asked. What was delivered on it, stays delivered on it.
pub fn counts(project: &Project, record: &Record, approval: &RecordApproval) -> bool {
    if approval.ended.is_some() {
        return false;
    }
    let own = project.self_approval(Stage::Mastering) || record.by != Some(approval.person);
    let asked = project.gate(Stage::Mastering).is_some_and(|rule| rule.signed);
    let signed = !asked || project.receipt_of(approval.id).is_some();
    let holds = project.holds_role(approval.person, approval.role);
    record.delivered.is_some() || (own && signed && holds)
}

/// Somebody who is asked now has approved it.
pub fn is_approved(project: &Project, record: &Record) -> bool {
    let asked = approvers(project);
    record.approvals.iter().any(|it| asked.contains(&it.role) && counts(project, record, it))
}

/// Who could approve it and did not, each once, in the first role that is asked.
pub fn could_approve(project: &Project, record: &Record) -> Vec<(PersonId, Role)> {
    let own = project.self_approval(Stage::Mastering);
    let mut could: Vec<(PersonId, Role)> = Vec::new();
    for role in approvers(project) {
        for person in project.holders(*role).filter(|person| own || record.by != Some(*person)) {
            if could.iter().all(|(known, _)| *known != person) {
                could.push((person, *role));
            }
        }
    }
    could
}

/// What comes next and from whom, in a sentence; empty: nothing.
pub fn waits_for(project: &Project, record: &Record, names: &dyn Fn(PersonId) -> String) -> String {
    let name = record.name();
    match record.state {
        RecordState::Queued => format!("{name} waits to be made."),
        RecordState::Running => format!("{name} is being made."),
        RecordState::Failed => format!("{name} failed: start it again when the reason is mended."),
        RecordState::Cancelled | RecordState::Delivered => String::new(),
        RecordState::Made if is_outdated(project, record) => {
            format!("{name} is outdated: a master or the spacing is another by now. Start a new one.")
        }
        RecordState::Made if is_approved(project, record) => format!("{name} waits for its delivery."),
        RecordState::Made => {
            let who: Vec<String> =
                could_approve(project, record).into_iter().map(|(person, _)| names(person)).collect();
            if who.is_empty() {
                return format!(
                    "{name} waits for an approval that nobody can give: only who started it could. Add a member, or allow self-approval."
                );
            }
            let who = match who.split_last() {
                Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
                _ => text::list(&who),
            };
            format!("{name} waits for the approval of {who}.")
        }
    }
}

/// The newest whose files are there.
pub(crate) fn newest_made(project: &Project) -> Option<&Record> {
    project.records.iter().rev().find(|record| record.is_made())
}
