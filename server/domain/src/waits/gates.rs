//! What a gate waits for beside approvals: that somebody listens, that the spacing is set and signed.

use super::{OnSong, Target, WaitKind};
use crate::{GateReport, PersonId, Stage, Version, spacing};

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
                if let Some(text) = self.unheard(*person, candidate, report.stage) {
                    let target = Target::Version(candidate.id);
                    self.add(*person, WaitKind::Listen, target, text, candidate.at);
                }
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
        let items = vec![crate::SpacingItem { song: SONG, gap_ms: 0 }];
        let set = given.and(person(ARTIST), Command::SetSpacing { items });
        assert_eq!(spacing(&set), [LABEL]);
        let sign = Command::ApproveSpacing { approval: crate::ApprovalId(1), number: 1, role: Role::Label };
        assert_eq!(spacing(&set.and(person(LABEL), sign)), []);
    }
}
