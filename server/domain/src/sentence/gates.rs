//! Sentences of gates and of what they look at: rules, examinations, overrides, preflight, spacing, listening, dates.

use super::{Said, Say, list, plural};
use crate::{
    Carry, Fact, GateRule, PreflightSetting, Severity, SongId, SpacingItem, VersionId, asker::either,
    spacing, text::one_line,
};

/// A sentence that names more of them is no sentence any more.
const SPACING_CHANGES: usize = 4;

impl Say<'_> {
    pub(super) fn gates(&self, fact: &Fact) -> Said {
        let (who, project) = (&self.who, self.project);
        let name = |version: VersionId| project.version_name(version);
        let of = |version: VersionId| project.versions.get(version).map(|version| version.song);
        let title = |song: SongId| project.song_name(song);
        match fact {
            Fact::VersionExamined { version, examined } => {
                let text = if examined.failed.is_some() {
                    format!("{} could not be examined.", name(*version))
                } else {
                    let (against, found) = (examined.against.map(name), examined.found.len());
                    let beside = against.map_or_else(String::new, |old| format!(" beside {old}"));
                    let remarks = match found {
                        0 => String::new(),
                        some => format!(": {}", plural(some, "remark")),
                    };
                    format!("{} was examined{beside}{remarks}.", name(*version))
                };
                (of(*version), text)
            }
            Fact::GateOverridden { song, stage, version, reason, unmet } => {
                let text = format!(
                    "{who} OVERRODE the gate of {stage}: {} goes on with {} although {} missing. {} The reason: {}",
                    title(*song),
                    name(*version),
                    if unmet.len() == 1 {
                        "1 thing is".to_owned()
                    } else {
                        format!("{} things are", unmet.len())
                    },
                    unmet.join(" "),
                    // Whoever opens a gate answers for it in public.
                    one_line(reason)
                );
                // The lines are sentences of the house; should one of them be none, this one still is.
                let text = text.trim_end();
                (Some(*song), if text.ends_with('.') { text.to_owned() } else { format!("{text}.") })
            }
            Fact::PreflightSet { settings } => {
                let codes: Vec<String> = settings.iter().map(setting_words).collect();
                (None, format!("{who} set preflight: {}.", codes.join(", ")))
            }
            Fact::SpacingSet { number, items } => {
                let songs = plural(items.len(), "song");
                (None, format!("{who} set spacing {number} of {songs}{}.", self.spaced(*number, items)))
            }
            Fact::SectionsSet { version, sections } => {
                let text = match sections.len() {
                    0 => format!("{who} took the sections of {} away.", name(*version)),
                    count => format!("{who} marked {} of {}.", plural(count, "section"), name(*version)),
                };
                (of(*version), text)
            }
            Fact::SpacingApproved { number, role, .. } => {
                (None, format!("{who} approved spacing {number} as {role}."))
            }
            Fact::ApprovalsCarried { from, to, approvals, why } => {
                let count = plural(approvals.len(), "approval");
                let verb = if approvals.len() == 1 { "counts" } else { "count" };
                (of(*to), format!("{count} of {} {verb} for {} too: {why}", name(*from), name(*to)))
            }
            Fact::DeadlinePassed { stage, due } => {
                (None, format!("The date of the gate of {stage} has come: {}.", due.words()))
            }
            Fact::VersionHeard { version, percent } => {
                (of(*version), format!("{who} has heard {percent} % of {}.", name(*version)))
            }
            _ => (None, String::new()),
        }
    }

    /// ": 2.00 s gap before "Ash" instead of 1.00 s gap", against the spacing before.
    fn spaced(&self, number: u32, items: &[SpacingItem]) -> String {
        let before = self.project.spacings.iter().find(|it| it.number.checked_add(1) == Some(number));
        let Some(before) = before else { return String::new() };
        let mut told = spacing::changes(self.project, &before.items, items);
        let more = told.len().saturating_sub(SPACING_CHANGES);
        if more > 0 {
            told.truncate(SPACING_CHANGES);
            told.push(format!("and {}", plural(more, "more change")));
        }
        if told.is_empty() { String::new() } else { format!(": {}", told.join("; ")) }
    }

    /// In the same breath.
    pub(super) fn was_overridden(&self, song: SongId, version: VersionId) -> bool {
        self.project.songs.get(song).is_some_and(|song| {
            song.overrides.iter().any(|opened| opened.version == version && opened.at == self.at)
        })
    }

    /// "Lena changed the gate of mixing: it asks the artist and the label, every note answered, 95 % heard."
    pub(super) fn gate_set(&self, rule: &GateRule) -> String {
        let mut asks: Vec<String> = rule
            .needs
            .iter()
            .map(|need| match need.count {
                1 => format!("the {}", either(&need.any_of)),
                count => format!("{count} of {}", either(&need.any_of)),
            })
            .collect();
        let mut ask = |yes: bool, what: String| {
            if yes {
                asks.push(what);
            }
        };
        let alternates = rule.required_alternates.len();
        ask(alternates > 0, plural(alternates, "alternate"));
        ask(!rule.open_notes_allowed, "every note answered".to_owned());
        ask(rule.preflight_ignored, "no preflight".to_owned());
        ask(rule.heard_percent > 0, format!("{} % heard", rule.heard_percent));
        ask(!rule.spacing_roles.is_empty(), format!("the spacing approved by {}", list(&rule.spacing_roles)));
        ask(rule.signed, "every approval signed with a key".to_owned());
        if let Some(own) = rule.self_approval {
            ask(true, format!("self-approval {}", if own { "allowed" } else { "not allowed" }));
        }
        if let Some(due) = rule.due {
            let closes = if rule.closes_when_due { " at the latest" } else { "" };
            ask(true, format!("by {}{closes}", due.words()));
        }
        let carry = match rule.carry {
            Carry::Never => None,
            Carry::Metadata => Some("the same sound in the same form".to_owned()),
            Carry::SamePcm => Some("the same samples".to_owned()),
            Carry::Residual { below_db } => Some(format!("less than {below_db:.1} dB of difference")),
        };
        let carry = carry.map_or_else(String::new, |what| format!("; approvals carry over {what}"));
        format!("{} changed the gate of {}: it asks {}{carry}.", self.who, rule.stage, asks.join(", "))
    }
}

fn setting_words(setting: &PreflightSetting) -> String {
    let how = match setting.severity {
        None => "as the house has it",
        Some(Severity::Off) => "off",
        Some(Severity::Warn) => "a warning",
        Some(Severity::Block) => "a block",
    };
    format!("{} of a {} is {how}", setting.code, setting.kind.to_string().to_lowercase())
}

#[cfg(test)]
mod tests {
    use crate::{
        Carry, Command, Event, Fact, GateRule, Roles, Stage, Time, VersionId, gate, sentence, testing::*,
    };

    fn said(given: &Given, fact: Fact) -> String {
        let event = Event { at: Time(1000), by: Some(OWNER), fact };
        sentence(&given.project, &event, &|_| "Olive".to_owned()).text
    }

    #[test]
    fn a_changed_gate_is_told_with_what_it_asks() {
        let plain = gate::default_rule(Stage::Mixing).expect("mixing has a gate");
        let rule = GateRule {
            heard_percent: 95,
            spacing_roles: Roles::from([crate::Role::Label]),
            self_approval: Some(false),
            due: Some(Time(0)),
            closes_when_due: true,
            carry: Carry::Residual { below_db: -60.0 },
            ..plain.clone()
        };
        let given = Given::mixed();
        assert_eq!(
            said(&given, Fact::GateSet { rule: plain }),
            "Olive changed the gate of mixing: it asks the artist, the label, every note answered."
        );
        assert_eq!(
            said(&given, Fact::GateSet { rule }),
            "Olive changed the gate of mixing: it asks the artist, the label, every note answered, 95 % heard, the spacing approved by label, \
             self-approval not allowed, by 1970-01-01 00:00 UTC at the latest; approvals carry over less than -60.0 dB of difference."
        );
    }

    #[test]
    fn a_stage_left_by_an_override_is_not_told_as_a_met_gate() {
        let over = Command::OverrideGate { song: SONG, version: None, reason: "The tour.".to_owned() };
        let left =
            Fact::StageLeft { song: SONG, from: Stage::Mixing, to: Stage::Mastering, version: VersionId(10) };
        let overridden = Given::mixed().and(person(OWNER), over);
        let text = "The gate of mixing was overridden for Mix 1: \"Ember\" is now in mastering.";
        assert_eq!(said(&overridden, left.clone()), text);
        let text = "The gate of mixing is met with Mix 1: \"Ember\" is now in mastering.";
        assert_eq!(said(&Given::mastering(), left), text);
    }
}
