//! What the house finds out about a version by itself: whether its alternates belong to its main, what changed since the version before, whether notes
//! were done and where they stand now. The sound is looked at elsewhere; here is what follows from it. Never here: how it is measured.

use crate::{
    Actor, Alternate, Approval, ApprovalId, Carry, Command, Event, Fact, GateRule, NoteId, NoteState, Place,
    Project, Reason, Refusal, Says, Stage, Time, Version, VersionId, VersionKind, approval,
    decide::{Ruling, Touched, misrouted},
    refusal::no,
};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Examined {
    /// The version that it was compared with.
    pub against: Option<VersionId>,
    /// Why it could not be examined.
    pub failed: Option<String>,
    /// Said of the alternates among each other.
    pub found: Vec<Found>,
    pub notes: Vec<NoteOutcome>,
    /// Sentences, the gravest change first.
    pub changes: Vec<String>,
    pub same: Sameness,
    /// What is left when both are laid over each other, of all files the loudest, against the music, dB. `None`: nothing, or nothing was compared.
    pub residual_db: Option<f64>,
    /// Which stretch of the version before runs beside which of this one, in the order of the one before. Empty: the whole runs side by side, or nobody
    /// knows.
    pub stretches: Vec<Stretch>,
}

/// From `was_ms` to `was_end_ms` in the version before; from `is_ms` to `is_end_ms` in this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    pub was_ms: u64,
    pub was_end_ms: u64,
    pub is_ms: u64,
    pub is_end_ms: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub block: bool,
    pub code: String,
    pub text: String,
    pub alternate: Alternate,
}

/// What became of a note in a version: its verdict and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct NoteOutcome {
    pub note: NoteId,
    pub verdict: Verdict,
    /// "change found: +0.8 dB, 1-4 kHz, 1:32-1:41"
    pub text: String,
    /// `None`: the note has no time.
    pub place: Option<Placed>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    pub kind: PlaceKind,
    pub span: crate::Span,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verdict {
    #[default]
    Unknown,
    Changed,
    Untouched,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlaceKind {
    #[default]
    Same,
    /// The edit moved it.
    Moved,
    /// What it spoke of was cut; it stands at the nearest place.
    Gone,
    ByHand,
}

/// How like a version is to the one before: all its files against all of that one, by alternate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sameness {
    /// Other alternates, other music, or not compared.
    #[default]
    Other,
    /// Something is left; [`Examined::residual_db`] says how much.
    Residual,
    /// The same samples, in another container or word length.
    Pcm,
    /// The same samples in the same form.
    Metadata,
}

impl Project {
    /// The version that a comparison of this one begins from: the one before of its kind and line; of masters the one before of the present mix.
    pub fn predecessor(&self, version: &Version) -> Option<&Version> {
        let returned = self.songs.get(version.song).map_or(0, |song| song.versions_before_return);
        let skip = if version.kind == VersionKind::Master { returned } else { 0 };
        let before = |other: &&Version| {
            other.kind == version.kind && other.line == version.line && other.number < version.number
        };
        self.versions_of(version.song).skip(skip).filter(before).last()
    }

    /// Whether there is anything to find out: alternates that a person printed, or something to compare with.
    pub fn wants_examination(&self, version: &Version) -> bool {
        let printed =
            version.by.is_some() && version.files.iter().any(|file| file.alternate != Alternate::Main);
        printed || self.predecessor(version).is_some()
    }

    /// Wanted and not there yet.
    pub fn awaits_examination(&self, version: &Version) -> bool {
        !self.examinations.contains(version.id) && self.wants_examination(version)
    }

    /// Work for the examiner, oldest first.
    pub fn unexamined(&self) -> Vec<&Version> {
        let mut due: Vec<&Version> =
            self.versions.values().filter(|version| self.awaits_examination(version)).collect();
        due.sort_by_key(|version| (version.at, version.id));
        due
    }

    /// Notes whose place and outcome an examination of this version should tell: open or addressed, written on an earlier version of its kind and line.
    pub fn notes_to_examine(&self, version: &Version) -> Vec<&crate::Note> {
        let earlier = |id: VersionId| {
            self.versions.get(id).is_some_and(|written| {
                written.kind == version.kind
                    && written.line == version.line
                    && written.number < version.number
            })
        };
        self.notes_of(version.song)
            .filter(|note| note.parent.is_none() && earlier(note.version))
            .filter(|note| matches!(note.state, NoteState::Open | NoteState::Addressed(_)))
            .collect()
    }
}

/// The worker, once for each version. A note that is not the version's to judge is dropped; a place beyond its end is brought back to the end.
pub(crate) fn rule(
    project: &Project,
    actor: &Actor,
    command: &Command,
    now: Time,
) -> Result<Ruling, Refusal> {
    let Command::RecordExamination { version, examined } = command else { return misrouted() };
    if *actor != Actor::Worker {
        let hint = "It is made by itself when a version is added.";
        return no(Reason::NotYourRole, "Only the house examines versions.", hint);
    }
    let Some(of) = project.versions.get(*version) else {
        return no(
            Reason::NoSuchVersion,
            "There is no such version in this project.",
            "Look at the song again.",
        );
    };
    if !project.awaits_examination(of) {
        return no(Reason::NothingToChange, "That version is examined already.", "There is nothing to do.");
    }
    let mut examined = examined.clone();
    let ours: Vec<NoteId> = project.notes_to_examine(of).iter().map(|note| note.id).collect();
    examined.notes.retain(|outcome| ours.contains(&outcome.note));
    for outcome in &mut examined.notes {
        if let Some(placed) = &mut outcome.place {
            placed.span = Place::within(of, placed.span);
        }
    }
    // Only the difference to the version before says whether approvals pass; of any other, nothing is known.
    if examined.against.is_none_or(|against| project.predecessor(of).is_none_or(|old| old.id != against)) {
        examined.against = None;
        examined.same = Sameness::Other;
        examined.stretches = Vec::new();
    }
    let fact = Fact::VersionExamined { version: *version, examined };
    let consequences = carried(project, &fact, now);
    Ok(Ruling { facts: vec![fact], consequences, touched: Touched::Song(of.song) })
}

/// P-4: what the examination of a version lets pass, said in the same breath.
fn carried(project: &Project, fact: &Fact, now: Time) -> Vec<Fact> {
    let Fact::VersionExamined { version, .. } = fact else { return Vec::new() };
    let mut after = project.clone();
    after.apply(&Event { at: now, by: None, fact: fact.clone() });
    carry_over(&after, *version).into_iter().collect()
}

/// The same where a rule changes after the examinations were made: what it lets pass is carried then, version by version, as it would have been.
pub(crate) fn carried_by(project: &Project, rule: &GateRule, now: Time) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut after = project.clone();
    after.gates.insert(rule.stage, rule.clone());
    for song in project.songs_in_order().filter(|song| song.stage == rule.stage) {
        for version in &song.versions {
            if let Some(fact) = carry_over(&after, *version) {
                after.apply(&Event { at: now, by: None, fact: fact.clone() });
                facts.push(fact);
            }
        }
    }
    facts
}

/// The approvals that the gate's carry rule lets count for this version too: those that counted for the one before while it was the candidate. Never at
/// the gate of mastering: what is delivered is exactly what was signed (P-5).
fn carry_over(project: &Project, to: VersionId) -> Option<Fact> {
    let (new, examined) = (project.versions.get(to)?, project.examinations.get(to)?);
    let from = examined.against?;
    let (old, song, stage) = (project.versions.get(from)?, project.songs.get(new.song)?, new.kind.stage());
    let rule = project.gate(stage).filter(|rule| song.stage == stage && allows(rule, examined))?;
    let signed = song.approvals.iter().filter_map(|id| project.approvals.get(*id));
    let approvals: Vec<ApprovalId> = signed
        .filter(|approval| speaks_for(project, approval, old, (new, examined)))
        .map(|approval| approval.id)
        .collect();
    let why = why(&rule, examined, &old.name(), &new.name());
    (!approvals.is_empty()).then_some(Fact::ApprovalsCarried { from, to, approvals, why })
}

/// Does the rule let approvals pass over such a difference?
fn allows(rule: &GateRule, examined: &Examined) -> bool {
    if examined.failed.is_some() || rule.stage == Stage::Mastering {
        return false;
    }
    match rule.carry {
        Carry::Never => false,
        Carry::Metadata => examined.same >= Sameness::Metadata,
        Carry::SamePcm => examined.same >= Sameness::Pcm,
        Carry::Residual { below_db } => {
            let left = examined.residual_db.is_some_and(|left_db| left_db < below_db);
            examined.same >= Sameness::Pcm || (examined.same == Sameness::Residual && left)
        }
    }
}

/// The approval counted for `old` while that was the candidate, and nothing but the new version would end it.
fn speaks_for(
    project: &Project,
    approval: &Approval,
    old: &Version,
    (new, examined): (&Version, &Examined),
) -> bool {
    let Says::Yes { version, fingerprint } = &approval.says else { return false };
    let signed = (*version, *fingerprint) == (old.id, old.fingerprint);
    let own = project.self_approval(approval.stage);
    let made = |version: &Version| project.maker(version) == Some(approval.person);
    approval.ended.is_none()
        && !approval::sent_back(project, approval, old.id)
        && approval.stage == new.kind.stage()
        && (signed || is_carried(project, approval, old.id))
        && bridges(examined, *version)
        && project.holds_role(approval.person, approval.role)
        && (own || !(made(old) || made(new)))
        && !approval.carried.iter().any(|carried| carried.to == new.id)
}

/// Where something is left, only the version that was signed itself is the measure: many small steps would lead anywhere.
fn bridges(examined: &Examined, signed: VersionId) -> bool {
    examined.same >= Sameness::Pcm || examined.against == Some(signed)
}

/// Did the carry rule take this approval to the version, and would the gate's rule of now let every step of the way pass?
pub(crate) fn is_carried(project: &Project, approval: &Approval, version: VersionId) -> bool {
    let Some(steps) = approval.carried.iter().position(|carried| carried.to == version) else {
        return false;
    };
    let (Some(rule), Says::Yes { version: signed, .. }) = (project.gate(approval.stage), &approval.says)
    else {
        return false;
    };
    let passes = |examined: &Examined| allows(&rule, examined) && bridges(examined, *signed);
    let mut way = approval.carried.iter().take(steps + 1);
    way.all(|carried| project.examinations.get(carried.to).is_some_and(passes))
}

/// Receipts do not carry: they name the bytes that were signed, and no others.
fn why(rule: &GateRule, examined: &Examined, old: &str, new: &str) -> String {
    let why = same_as(rule, examined, old, new);
    if rule.signed { format!("{why} The receipts stay with {old}.") } else { why }
}

fn same_as(rule: &GateRule, examined: &Examined, old: &str, new: &str) -> String {
    match (examined.same, rule.carry) {
        (Sameness::Metadata, _) => format!("{new} is the same sound in the same form as {old}."),
        (Sameness::Residual, Carry::Residual { below_db }) => {
            let left_db = examined.residual_db.unwrap_or(f64::NEG_INFINITY);
            format!(
                "Laid over {old}, {new} leaves {left_db:.1} dB; the gate allows what is below {below_db:.1} dB."
            )
        }
        _ => format!("{new} has the same samples as {old}."),
    }
}

#[cfg(test)]
mod tests;
