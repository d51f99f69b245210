//! Listening: how much of a version each person has heard. The seconds themselves are kept elsewhere; the ledger learns a share, at the marks that a gate may
//! ask for. Never here: what was played when.

use crate::{
    Actor, Command, Fact, PersonId, Project, Reason, Refusal, VersionId,
    asker::Asker,
    decide::{Ruling, Touched, misrouted},
    refusal::no,
};

/// Marks that are told whatever the gates ask: every tenth, and what the field calls heard.
const MARKS: [u32; 11] = [10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 100];

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{GateRule, Stage, gate, testing::*};

    fn heard(percent: u32) -> Command {
        Command::RecordHeard { version: VersionId(10), percent }
    }

    #[test]
    fn only_marks_become_facts() {
        let given = Given::mixed();
        given.when(person(LABEL), heard(9)).refused(Reason::NothingToChange);
        let half = given.and(person(LABEL), heard(61));
        assert_eq!(half.project.heard_percent(VersionId(10), LABEL), 61);
        assert_eq!(half.project.heard_percent(VersionId(10), ARTIST), 0);
        half.when(person(LABEL), heard(69)).refused(Reason::NothingToChange);
        half.when(person(LABEL), heard(55)).refused(Reason::NothingToChange);
        let all = half.and(person(LABEL), heard(250));
        assert_eq!(all.project.heard_percent(VersionId(10), LABEL), 100);
        all.when(person(STRANGER), heard(100)).refused(Reason::NotAMember);
        all.when(Actor::Worker, heard(100)).refused(Reason::NotYourRole);
    }

    #[test]
    fn what_a_gate_asks_is_a_mark() {
        let rule = gate::default_rule(Stage::Mixing).expect("mixing has a gate");
        let rule = GateRule { heard_percent: 85, ..rule };
        let given = Given::mixed().and(person(LABEL), heard(60));
        let given = given.and(person(LABEL), heard(80));
        given.when(person(LABEL), heard(85)).refused(Reason::NothingToChange);
        let asked = given.and(person(OWNER), Command::SetGate { rule });
        asked.when(person(LABEL), heard(84)).refused(Reason::NothingToChange);
        asked.when(person(LABEL), heard(85)).facts(&["VERSION_HEARD"]);
    }
}
