//! Gates: what leaving a stage needs, as data (P-3). Here are the rule and its report as types; `report` says what is missing, `seats` who fills which
//! approval, `impossible` what could never be met, `set` what a rule may be, `open` what a met or overridden gate does.

mod impossible;
mod open;
mod report;
mod seats;
mod set;

#[cfg(test)]
mod options;
#[cfg(test)]
mod tests;

use crate::{Alternate, PersonId, Project, Role, Roles, SongId, Stage, Time, VersionId};

pub use impossible::impossible;
pub(crate) use open::{open_what_is_met, rule};
pub use report::{report, try_rule, try_stage};
pub(crate) use set::set;
pub use set::sound;

const NEEDS_MAX: usize = 16;
const APPROVALS_MAX: u32 = 32;
const ALTERNATES_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq)]
pub struct GateRule {
    pub stage: Stage,
    pub needs: Vec<Need>,
    pub required_alternates: Vec<Alternate>,
    pub open_notes_allowed: bool,
    /// `None`: as the terms of the project have it.
    pub self_approval: Option<bool>,
    /// Blocks of preflight and a missing examination do not keep it shut.
    pub preflight_ignored: bool,
    /// Of the candidate's Main, by everyone whose approval counts; 0: not asked.
    pub heard_percent: u32,
    /// Each must have approved the newest spacing; empty: not asked.
    pub spacing_roles: Roles,
    pub due: Option<Time>,
    /// After the date nothing goes through until the manager moves it.
    pub closes_when_due: bool,
    pub carry: Carry,
    /// An approval needs a receipt: it is signed with a key of its giver.
    pub signed: bool,
}

/// What lets an approval count for the next version too (P-4).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Carry {
    #[default]
    Never,
    /// The same sound in the same form.
    Metadata,
    /// The same samples.
    SamePcm,
    /// Laid over each other, less than this is left, dB.
    Residual { below_db: f64 },
}

/// A gate that a manager opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overridden {
    pub stage: Stage,
    pub version: VersionId,
    pub by: Option<PersonId>,
    pub at: Time,
    pub reason: String,
    pub unmet: Vec<String>,
}

impl GateRule {
    /// These needs and nothing else asked.
    pub fn new(stage: Stage, needs: Vec<Need>) -> GateRule {
        GateRule {
            stage,
            needs,
            required_alternates: Vec::new(),
            open_notes_allowed: true,
            self_approval: None,
            preflight_ignored: false,
            heard_percent: 0,
            spacing_roles: Roles::new(),
            due: None,
            closes_when_due: false,
            carry: Carry::Never,
            signed: false,
        }
    }

    /// Its date has come and it closes on it.
    pub fn is_closed(&self, now: Time) -> bool {
        self.closes_when_due && self.due.is_some_and(|due| due <= now)
    }
}

/// `count` approvals, each in one of these roles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    pub any_of: Roles,
    pub count: u32,
}

/// Recording: one of artist, producer, mix engineer or label says that there is enough to mix. Mixing and mastering: the artist and the
/// label, and every note answered.
pub fn default_rule(stage: Stage) -> Option<GateRule> {
    let need = |roles: &[Role]| Need { any_of: roles.iter().copied().collect(), count: 1 };
    let (needs, open_notes_allowed) = match stage {
        Stage::Recording => {
            (vec![need(&[Role::Artist, Role::Producer, Role::MixEngineer, Role::Label])], true)
        }
        Stage::Mixing | Stage::Mastering => (vec![need(&[Role::Artist]), need(&[Role::Label])], false),
        Stage::Delivered => return None,
    };
    Some(GateRule { open_notes_allowed, ..GateRule::new(stage, needs) })
}

/// A gate tried dry: of a song's present stage, or of the stage that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateReport {
    pub song: SongId,
    pub stage: Stage,
    pub candidate: Option<VersionId>,
    pub met: bool,
    /// One for each thing asked, met or not.
    pub lines: Vec<GateLine>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateLine {
    pub met: bool,
    /// Stable: CANDIDATE, SHOOTOUT, APPROVALS, NOBODY_HOLDS_ROLE, HEARD, ON_HOLD, RETURNED, REVISION_REQUESTED, ALTERNATES, EXAMINATION, PREFLIGHT, OPEN_NOTES,
    /// UNTOUCHED_NOTES (only told, always met), SPACING, DEADLINE.
    pub code: &'static str,
    /// Without names: whoever shows it adds those of `waits_for`.
    pub text: String,
    /// What is missing could be given in one of these roles ...
    pub missing_roles: Roles,
    /// ... by these people.
    pub waits_for: Vec<PersonId>,
}

impl Project {
    /// May one approve one's own upload in this stage, and fill several places of its gate? The gate may say other than the terms.
    pub fn self_approval(&self, stage: Stage) -> bool {
        self.gates.get(&stage).and_then(|rule| rule.self_approval).unwrap_or(self.terms.self_approval)
    }

    /// The newest opening of a gate by a manager for this version: what a delivery's manifest has to tell.
    pub fn override_of(&self, song: SongId, version: VersionId) -> Option<&Overridden> {
        self.songs.get(song)?.overrides.iter().rev().find(|opened| opened.version == version)
    }

    /// Stages whose date has come and was not recorded yet: work for the house.
    pub fn deadlines_due(&self, now: Time) -> Vec<Stage> {
        let due = |rule: &&GateRule| {
            rule.due.is_some_and(|due| due <= now && !self.deadlines_passed.contains(&(rule.stage, due)))
        };
        self.gates.values().filter(due).map(|rule| rule.stage).collect()
    }
}
