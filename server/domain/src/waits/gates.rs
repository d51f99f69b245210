//! What a gate waits for beside approvals: that somebody listens, that the spacing is set and signed.

use super::{OnSong, Target, Wait, WaitKind};
use crate::{ApprovalState, GateReport, PersonId, Stage, Version, spacing};

impl OnSong<'_> {
    /// What the person has to do before the gate takes an approval of theirs.
    pub(super) fn unheard(&self, person: PersonId, candidate: &Version, stage: Stage) -> Option<String> {
        let asked = self.project.gate(stage).map_or(0, |rule| rule.heard_percent);
        let heard = self.project.heard_percent(candidate.id, person);
        let text =
            format!("Listen to {}: you heard {heard} %, the gate asks for {asked} %.", candidate.name());
        (heard < asked).then_some(text)
    }

    /// Approved already, and heard less than the gate asks since.
    pub(super) fn listening(&mut self, report: &GateReport) {
        let Some(candidate) = self.project.candidate(self.song.id) else { return };
        for line in report.lines.iter().filter(|line| line.code == "HEARD" && !line.met) {
            for person in &line.waits_for {
                let target = Target::Version(candidate.id);
                let asked = |wait: &Wait| {
                    (wait.person, wait.kind, wait.target) == (*person, WaitKind::Listen, target)
                };
                // Who did not approve yet is asked with the approvals, or not at all while they wait.
                let signed = self
                    .project
                    .approvals_of(self.song.id)
                    .any(|(approval, state)| state == ApprovalState::Counts && approval.person == *person);
                if !signed || self.all.iter().any(asked) {
                    continue;
                }
                if let Some(text) = self.unheard(*person, candidate, report.stage) {
                    self.add(*person, WaitKind::Listen, target, text, candidate.at);
                }
            }
        }
    }

    /// A hold is its giver's to lift.
    pub(super) fn holds(&mut self) {
        let project = self.project;
        let (target, title) = (Target::Song(self.song.id), project.song_name(self.song.id));
        for (hold, _) in project.approvals_of(self.song.id).filter(|(_, state)| *state == ApprovalState::Hold)
        {
            let text = format!("You hold {title}: lift it or say what is missing.");
            self.add(hold.person, WaitKind::Approve, target, text, hold.at);
        }
    }

    /// After its date the gate waits for the manager alone.
    pub(super) fn closed(&mut self, report: &GateReport) {
        let (stage, target) = (report.stage, Target::Song(self.song.id));
        let since = self.project.gate(stage).and_then(|rule| rule.due).unwrap_or(self.song.stage_since);
        for line in report.lines.iter().filter(|line| line.code == "DEADLINE" && !line.met) {
            for person in &line.waits_for {
                let text =
                    format!("Move the date of {stage}, or open the gate: it closed on {}.", since.words());
                self.add(*person, WaitKind::Approve, target, text, since);
            }
        }
    }

    pub(super) fn spacing(&mut self, report: &GateReport) {
        let lines = report.lines.iter().filter(|line| line.code == "SPACING" && !line.met);
        for line in lines {
            let newest = self.project.spacings.last();
            let whole = newest.filter(|one| spacing::names_every_song(self.project, &one.items));
            let target = Target::Song(self.song.id);
            if let Some(newest) = whole {
                for person in &line.waits_for {
                    let text = format!("Approve spacing {}.", newest.number);
                    self.add(*person, WaitKind::Spacing, target, text, newest.at);
                }
            } else {
                for person in self.members(&spacing::SETTERS) {
                    let text = "Set the running order and its gaps.".to_owned();
                    self.add(person, WaitKind::Spacing, target, text, self.song.stage_since);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Command, Role, Roles, VersionId, gate, testing::*, waits::tests::of};

    #[test]
    fn who_has_not_heard_enough_is_asked_to_listen_before_anything_else() {
        let rule = |heard_percent| {
            let rule = gate::default_rule(Stage::Mixing).expect("mixing has a gate");
            Command::SetGate { rule: crate::GateRule { heard_percent, ..rule } }
        };
        let heard = Command::RecordHeard { version: VersionId(10), percent: 95 };
        let given = Given::mixed().and(person(OWNER), rule(95)).and(person(LABEL), heard);
        let listen = |person| {
            let text = "Listen to Mix 1: you heard 0 %, the gate asks for 95 %.".to_owned();
            (person, WaitKind::Listen, text)
        };
        let approve = (LABEL, WaitKind::Approve, "Approve Mix 1 as label.".to_owned());
        assert_eq!(of(&given), [listen(ARTIST), approve]);
        // Signed before the gate asked for it.
        let signed = Given::mixed().approved(ARTIST, 10, Role::Artist).and(person(OWNER), rule(95));
        assert_eq!(of(&signed), [listen(LABEL), listen(ARTIST)]);
    }

    #[test]
    fn a_spacing_waits_on_who_sets_it_and_then_on_who_signs_it() {
        let rule = gate::default_rule(Stage::Mixing).expect("mixing has a gate");
        let rule = crate::GateRule { spacing_roles: Roles::from([Role::Label]), ..rule };
        let given = Given::mixed().and(person(OWNER), Command::SetGate { rule });
        let spacing = |given: &Given| -> Vec<PersonId> {
            of(given)
                .into_iter()
                .filter(|(_, kind, _)| *kind == WaitKind::Spacing)
                .map(|(who, ..)| who)
                .collect()
        };
        assert_eq!(spacing(&given), [OWNER, ARTIST, MASTERER]);
        let items = vec![crate::SpacingItem::after(SONG, 0)];
        let set = given.and(person(ARTIST), Command::SetSpacing { items });
        assert_eq!(spacing(&set), [LABEL]);
        let sign = Command::ApproveSpacing { approval: crate::ApprovalId(1), number: 1, role: Role::Label };
        assert_eq!(spacing(&set.and(person(LABEL), sign)), []);
    }

    #[test]
    fn a_hold_waits_on_its_giver_and_a_closed_gate_on_the_manager() {
        let hold = Command::Hold {
            approval: crate::ApprovalId(5),
            song: SONG,
            role: Role::Label,
            reason: "Wrong lyrics.".to_owned(),
        };
        let held = of(&Given::mixed().and(person(LABEL), hold));
        let text = "You hold \"Ember\": lift it or say what is missing.".to_owned();
        assert!(held.contains(&(LABEL, WaitKind::Approve, text)), "{held:?}");
        let rule = gate::default_rule(Stage::Mixing).expect("mixing has a gate");
        let due = Some(crate::Time(1500));
        let rule = crate::GateRule { due, closes_when_due: true, ..rule };
        let mut given = Given::mixed().and(person(OWNER), Command::SetGate { rule });
        assert!(of(&given).iter().all(|(who, ..)| *who != OWNER), "it is ahead still");
        given.project.as_of = crate::Time(1500);
        let told = of(&given);
        let moves = |(who, _, text): &(PersonId, WaitKind, String)| {
            *who == OWNER && text.starts_with("Move the date of mixing, or open the gate: it closed on ")
        };
        assert!(told.iter().any(moves), "{told:?}");
    }
}
