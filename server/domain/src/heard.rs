//! Listening: how much of a version each person has heard. The seconds themselves are kept elsewhere; the ledger learns a share, at the marks that a gate may
//! ask for. Never here: what was played when.

use crate::{
    Actor, Command, Fact, PersonId, Project, Reason, Refusal, VersionId,
    asker::Asker,
    decide::{Ruling, Touched, misrouted},
    refusal::no,
};

/// Marks that are told whatever the gates ask.
const MARKS: [u32; 2] = [50, 95];

impl Project {
    /// Of the Main, 0 to 100, as the ledger knows it.
    pub fn heard_percent(&self, version: VersionId, person: PersonId) -> u32 {
        self.heard.get(&(version, person)).copied().unwrap_or(0)
    }

    /// Worth a fact: the share has come past a mark that it had not reached before.
    pub fn heard_mark(&self, version: VersionId, person: PersonId, percent: u32) -> bool {
        let before = self.heard_percent(version, person);
        let asked = self.gates.values().map(|rule| rule.heard_percent).filter(|mark| *mark > 0);
        asked.chain(MARKS).any(|mark| before < mark && percent >= mark)
    }
}

pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let Command::RecordHeard { version, percent } = command else { return misrouted() };
    let asker = Asker::of(project, actor)?;
    let version = asker.version(*version)?;
    let percent = (*percent).min(100);
    if !project.heard_mark(version.id, asker.id, percent) {
        return no(Reason::NothingToChange, "No mark is passed by that.", "There is nothing to do.");
    }
    let fact = Fact::VersionHeard { version: version.id, percent };
    Ok(Ruling::fact(fact).touching(Touched::Song(version.song)))
}
