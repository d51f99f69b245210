//! Records: the files made of the signed masters and one spacing, for the profiles that were asked. Numbered, immutable, signed as a whole, delivered as they
//! were signed (P-5). Never here: sound, profiles' rules.

mod differs;
mod rules;
mod texts;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::{
    ApprovalId, Digest, PersonId, Project, RecordId, Role, SongId, Stage, Time, VersionId, spacing, text,
};

pub use differs::{differs, outdated_by};
pub(crate) use rules::{approval, rule, twin};
pub use rules::{is_file_name, sound_level, sound_medium, sound_profiles};
pub use texts::{RecordTexts, SongTexts, basis};

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
    /// What its sides are cut on, by the name that a profile gives it; empty: nobody said.
    pub medium: String,
    /// Those of its start. Its files are made of them, and of no later ones.
    pub texts: Arc<RecordTexts>,
    pub by: Option<PersonId>,
    pub at: Time,
    pub state: RecordState,
    pub state_since: Time,
    /// Attempts begun. The running one carries this number; a worker with an older one is stale.
    pub attempt: u32,
    /// Attempts whose worker was told to stop. They count for nothing.
    pub given_back: u32,
    pub engine: String,
    /// Failures that were reported.
    pub failures: u32,
    /// Of the last failure.
    pub reason: String,
    /// The record whose files it came out with, byte for byte: that one stands.
    pub same_as: Option<u32>,
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

    /// Attempts that count: ended by a failure, by the death of their worker, or not yet.
    pub fn tries(&self) -> u32 {
        self.attempt.saturating_sub(self.given_back)
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
    /// Samples that were cut off at full scale while it was made. `None`: no sound, or made before it was counted.
    pub over_full_scale: Option<u64>,
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

/// A master of it, the spacing, or what stands in its files beside the sound is another by now; [`outdated_by`] names it.
pub fn is_outdated(project: &Project, record: &Record) -> bool {
    let newest = project.spacings.last().map(|spacing| spacing.number);
    newest != Some(record.spacing)
        || !record.sources.iter().all(|source| is_current(project, source))
        || !record.texts.is_now(project)
}

fn is_current(project: &Project, source: &RecordSource) -> bool {
    let now = project.candidate(source.song);
    now.is_some_and(|now| (now.id, now.fingerprint) == (source.version, source.fingerprint))
}

/// "Record 1 is outdated. Spacing 2 is the newest."
fn outdated_text(project: &Project, record: &Record) -> String {
    const TOLD: usize = 2;
    let all = outdated_by(project, record);
    let more = match all.len().saturating_sub(TOLD) {
        0 => String::new(),
        more => format!(" {} more {} another.", more, if more == 1 { "thing is" } else { "things are" }),
    };
    let first: Vec<&str> = all.iter().take(TOLD).map(String::as_str).collect();
    format!("{} is outdated. {}{more}", record.name(), first.join(" "))
}

/// What is to be read before it is signed or delivered: nothing of it keeps anybody from it.
pub fn cautions(project: &Project, record: &Record) -> Vec<String> {
    let newest = project.spacings.last().map(|newest| newest.number);
    if record.state != RecordState::Made || newest != Some(record.spacing) {
        return Vec::new();
    }
    let all = [cut_off(record), spacing::unapproved(project), spacing::open_notes(project)];
    all.into_iter().flatten().collect()
}

/// "12 samples of cd/image.bin were cut off at full scale, and some of 2 other files."
fn cut_off(record: &Record) -> Option<String> {
    let cut = |it: &RecordFile| it.over_full_scale.unwrap_or_default();
    let files = || record.files.iter().filter(|it| cut(it) > 0);
    let worst = files().max_by_key(|it| cut(it))?;
    let samples = match cut(worst) {
        1 => "1 sample".to_owned(),
        most => format!("{most} samples"),
    };
    let were = if cut(worst) == 1 { "was" } else { "were" };
    let others = match files().count() - 1 {
        0 => String::new(),
        1 => ", and some of another file".to_owned(),
        others => format!(", and some of {others} other files"),
    };
    Some(format!("{samples} of {} {were} cut off at full scale{others}.", worst.place()))
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
            format!("{} Start a new one.", outdated_text(project, record))
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
