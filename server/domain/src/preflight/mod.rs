//! Preflight: what can be said of a version from its files' measures and from its examination. A block keeps the gate shut; a warning is for people. Here
//! are the answer's types and the rule by which a project sets severities of its own; `table` holds the checks as data, `checks` makes them.

mod checks;
mod table;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::{
    Actor, Alternate, Command, Fact, Project, Reason, Refusal, Role, Version, VersionKind,
    asker::Asker,
    decide::{Ruling, Touched, misrouted},
    refusal::no,
};

pub use checks::findings;

/// How grave a check is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Off,
    Warn,
    Block,
}

/// A change to one check of a project. `None`: as the house has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreflightSetting {
    pub code: String,
    pub kind: VersionKind,
    pub severity: Option<Severity>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Else a warning.
    pub block: bool,
    /// Stable.
    pub code: &'static str,
    pub text: String,
    pub alternate: Alternate,
    /// Where the limit comes from.
    pub source: &'static str,
    /// What to do about it.
    pub mend: &'static str,
}

/// One check as it stands in a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub code: &'static str,
    pub kind: VersionKind,
    pub severity: Severity,
    /// As shipped; else set for this project.
    pub of_the_house: bool,
    pub source: &'static str,
    pub mend: &'static str,
}

/// Every check of every kind of version.
pub fn rules(project: &Project) -> Vec<Rule> {
    let of = |kind: VersionKind| {
        let asked = table::CHECKS.iter().filter(move |check| table::of_the_house(check.code, kind).is_some());
        asked.map(move |check| table::rule(project, check.code, kind).0)
    };
    table::KINDS.into_iter().flat_map(of).collect()
}

pub fn blocks(project: &Project, version: &Version) -> bool {
    findings(project, version).iter().any(|finding| finding.block)
}

/// The manager or the mastering engineer. What cannot be heard cannot be let through: silence stays a block.
pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let Command::SetPreflight { settings } = command else { return misrouted() };
    Asker::of(project, actor)?.must_hold(&[Role::Manager, Role::MasteringEngineer], "set preflight")?;
    let mut named = BTreeSet::new();
    for setting in settings {
        let PreflightSetting { code, kind, severity } = setting;
        let word = kind.to_string().to_lowercase();
        if table::of_the_house(code, *kind).is_none() {
            // Told without the asker's own words: they could be anything.
            let text = format!("There is no such check of a {word}.");
            return no(Reason::RuleInvalid, text, "Look at the list of checks for its code.");
        }
        if !named.insert((code.as_str(), *kind)) {
            let text = format!("{code} of a {word} is set twice at once.");
            return no(Reason::RuleInvalid, text, "Say it once.");
        }
        if code == SILENT && severity.is_some_and(|severity| severity != Severity::Block) {
            let text = format!("{SILENT} of a {word} cannot be eased: it stays a block.");
            return no(Reason::RuleInvalid, text, "Leave it as the house has it.");
        }
    }
    let now =
        |setting: &PreflightSetting| project.preflight.get(&(setting.code.clone(), setting.kind)).copied();
    let settings: Vec<PreflightSetting> =
        settings.iter().filter(|setting| now(setting) != setting.severity).cloned().collect();
    if settings.is_empty() {
        let text = "The checks are set like that already.";
        return no(Reason::NothingToChange, text, "There is nothing to do.");
    }
    Ok(Ruling::fact(Fact::PreflightSet { settings }).touching(Touched::All))
}

const SILENT: &str = "SILENT";
