//! The rule of a gate as people write it: flags over the rule that holds, a file that a studio keeps, and sentences. What a rule means and
//! whether it is allowed, only the server says.

use deadwax_proto::v1::{self, Carry, GateRule, Need};
use serde::{Deserialize, Serialize};

use super::{VerbError, dates, words};
use crate::{cli::GateFlags, name};

/// The rule of a stage as it holds now; one that asks nothing where none was set.
pub fn present(rules: &[GateRule], stage: v1::Stage) -> GateRule {
    let found = rules.iter().find(|rule| rule.stage == stage as i32);
    found.cloned().unwrap_or_else(|| GateRule { stage: stage as i32, ..GateRule::default() })
}

/// True where at least one thing other than the stage is asked for.
pub fn says_something(flags: &GateFlags) -> bool {
    *flags != GateFlags { stage: flags.stage.clone(), ..GateFlags::default() }
}

/// `base` with what the flags say; all else stays.
pub fn changed(base: GateRule, flags: &GateFlags) -> Result<GateRule, VerbError> {
    let mut rule = base;
    if !flags.need.is_empty() {
        rule.needs = needs(&flags.need)?;
    }
    if !flags.alternates.is_empty() {
        rule.required_alternates = alternates(&flags.alternates)?;
    }
    if let Some(said) = &flags.open_notes {
        rule.open_notes_allowed = words::parse_yes("a word for --open-notes", said)?;
    }
    if let Some(said) = &flags.self_approval {
        rule.self_approval = self_approval(said)?;
    }
    if let Some(said) = &flags.preflight {
        rule.preflight_ignored = !words::parse_yes("a word for --preflight", said)?;
    }
    if let Some(percent) = flags.heard {
        rule.heard_percent = percent;
    }
    if let Some(said) = &flags.spacing {
        rule.spacing_roles = spacing_roles(said)?;
    }
    if let Some(said) = &flags.due {
        rule.due_ms = dates::parse_or_none(said)?;
    }
    if let Some(said) = &flags.closes {
        rule.closes_when_due = words::parse_yes("a word for --closes", said)?;
    }
    // Without a date there is nothing to close at, unless that was asked for in so many words: then the server says no.
    if rule.due_ms == 0 && flags.closes.is_none() {
        rule.closes_when_due = false;
    }
    if let Some(said) = &flags.signed {
        rule.signed = words::parse_yes("a word for --signed", said)?;
    }
    if let Some(said) = &flags.carry {
        (rule.carry, rule.carry_residual_db) = parse_carry(said)?;
    }
    Ok(rule)
}

fn is_none(items: &[String]) -> bool {
    matches!(items, [only] if only.trim().eq_ignore_ascii_case("none"))
}

fn needs(said: &[String]) -> Result<Vec<Need>, VerbError> {
    if is_none(said) {
        return Ok(Vec::new());
    }
    said.iter().map(|text| need(text)).collect()
}

/// "artist|producer:1"; without a number one.
fn need(text: &str) -> Result<Need, VerbError> {
    let (roles, count) = text.rsplit_once(':').unwrap_or((text, "1"));
    let wrong = || {
        VerbError::Usage(format!(
            "{text:?} is not a need; write label:1, or artist|producer:1 where either role will do"
        ))
    };
    let count: u32 = count.trim().parse().map_err(|_| wrong())?;
    if count == 0 {
        return Err(wrong());
    }
    let roles = roles.split(['|', ',']).map(|role| words::parse_role(role.trim()).map(|r| r as i32));
    Ok(Need { any_of: roles.collect::<Result<_, _>>()?, count })
}

fn alternates(said: &[String]) -> Result<Vec<String>, VerbError> {
    if is_none(said) {
        return Ok(Vec::new());
    }
    match said.iter().find(|token| !name::is_token(token)) {
        Some(wrong) => Err(VerbError::Usage(format!(
            "{wrong:?} is not an alternate; examples: instrumental, tv, a-cappella, vocal-up+0.5, or none"
        ))),
        None => Ok(said.to_vec()),
    }
}

fn self_approval(said: &str) -> Result<Option<bool>, VerbError> {
    words::one_of(
        "a word for the deciding vote of the uploader",
        said,
        &[("yes", Some(true)), ("no", Some(false)), ("terms", None)],
    )
}

fn spacing_roles(said: &str) -> Result<Vec<i32>, VerbError> {
    if said.trim().eq_ignore_ascii_case("none") {
        return Ok(Vec::new());
    }
    said.split(',').map(|role| words::parse_role(role).map(|r| r as i32)).collect()
}

fn parse_carry(said: &str) -> Result<(i32, f64), VerbError> {
    let wrong = || {
        VerbError::Usage(format!(
            "{said:?} is no rule of carrying; say never, metadata, same-pcm, or residual:-90 for what may be left in dB"
        ))
    };
    let said = said.trim().to_ascii_lowercase();
    match said.split_once(':') {
        Some(("residual", level)) => {
            let level: f64 = level.trim().parse().map_err(|_| wrong())?;
            if level.is_finite() { Ok((Carry::Residual as i32, level)) } else { Err(wrong()) }
        }
        Some(_) => Err(wrong()),
        None => {
            let all =
                [("never", Carry::Unspecified), ("metadata", Carry::Metadata), ("same-pcm", Carry::SamePcm)];
            let found = all.iter().find(|(word, _)| *word == said).ok_or_else(wrong)?;
            Ok((found.1 as i32, 0.0))
        }
    }
}

/// The word that `--carry` takes.
pub fn carry(rule: &GateRule) -> String {
    match Carry::try_from(rule.carry) {
        Ok(Carry::Unspecified) => "never".into(),
        Ok(Carry::Metadata) => "metadata".into(),
        Ok(Carry::SamePcm) => "same-pcm".into(),
        Ok(Carry::Residual) => format!("residual:{}", rule.carry_residual_db),
        Err(_) => "unknown".into(),
    }
}

/// What the rule asks, a line each.
pub fn sentences(rule: &GateRule) -> Vec<String> {
    let mut lines: Vec<String> = rule
        .needs
        .iter()
        .map(|need| format!("{} approval(s) as {}", need.count, words::roles(&need.any_of).join(" or ")))
        .collect();
    if rule.needs.is_empty() {
        lines.push("no approval".into());
    }
    if !rule.required_alternates.is_empty() {
        lines.push(format!("these alternates: {}", rule.required_alternates.join(", ")));
    }
    lines.push(format!(
        "open notes: {}",
        if rule.open_notes_allowed { "may stay" } else { "none may be left" }
    ));
    lines.push(format!(
        "the uploader's own deciding vote: {}",
        match rule.self_approval {
            Some(true) => "counts",
            Some(false) => "does not count",
            None => "as the terms of the project have it",
        }
    ));
    lines.push(format!(
        "blocks of preflight: {}",
        if rule.preflight_ignored { "do not keep it shut" } else { "keep it shut" }
    ));
    if rule.heard_percent > 0 {
        lines.push(format!("{} % of the main heard by everyone whose approval counts", rule.heard_percent));
    }
    if !rule.spacing_roles.is_empty() {
        lines.push(format!("spacing approved by: {}", words::roles(&rule.spacing_roles).join(", ")));
    }
    if rule.due_ms != 0 {
        let after =
            if rule.closes_when_due { "after it nothing goes through" } else { "after it still open" };
        lines.push(format!("due {}; {after}", dates::shown(rule.due_ms)));
    }
    if rule.signed {
        lines.push("an approval is signed with a key of its giver".into());
    }
    lines.push(match Carry::try_from(rule.carry) {
        Ok(Carry::Unspecified) => "an approval never counts for the next version".into(),
        Ok(Carry::Metadata) => "an approval counts on where only metadata changed".into(),
        Ok(Carry::SamePcm) => "an approval counts on where the samples are the same".into(),
        Ok(Carry::Residual) => {
            format!(
                "an approval counts on where no more than {} dB is left of the difference",
                rule.carry_residual_db
            )
        }
        Err(_) => "a rule of carrying that is newer than this client".into(),
    });
    lines
}

/// A file of rules: `[[gate]]`, each whole. What is not written is not asked.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rules {
    gate: Vec<Rule>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    stage: String,
    #[serde(default)]
    needs: Vec<String>,
    #[serde(default)]
    alternates: Vec<String>,
    #[serde(default)]
    open_notes: bool,
    #[serde(default = "as_the_terms")]
    self_approval: String,
    #[serde(default = "yes")]
    preflight: bool,
    #[serde(default)]
    heard_percent: u32,
    #[serde(default)]
    spacing: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<String>,
    #[serde(default)]
    closes_when_due: bool,
    #[serde(default = "never")]
    carry: String,
    #[serde(default)]
    signed: bool,
}

fn as_the_terms() -> String {
    "terms".into()
}

fn yes() -> bool {
    true
}

fn never() -> String {
    "never".into()
}

pub fn to_toml(rules: &[GateRule]) -> Result<String, VerbError> {
    let gate = rules.iter().map(|rule| Rule {
        stage: words::stage(rule.stage),
        needs: rule
            .needs
            .iter()
            .map(|n| format!("{}:{}", words::roles(&n.any_of).join("|"), n.count))
            .collect(),
        alternates: rule.required_alternates.clone(),
        open_notes: rule.open_notes_allowed,
        self_approval: match rule.self_approval {
            Some(true) => "yes".into(),
            Some(false) => "no".into(),
            None => as_the_terms(),
        },
        preflight: !rule.preflight_ignored,
        heard_percent: rule.heard_percent,
        spacing: words::roles(&rule.spacing_roles).into_iter().map(str::to_owned).collect(),
        due: (rule.due_ms != 0).then(|| dates::exact(rule.due_ms)),
        closes_when_due: rule.closes_when_due,
        carry: carry(rule),
        signed: rule.signed,
    });
    toml::to_string(&Rules { gate: gate.collect() })
        .map_err(|e| VerbError::Input(format!("the rules cannot be written as a file: {e}")))
}

pub fn from_toml(text: &str) -> Result<Vec<GateRule>, VerbError> {
    let rules: Rules =
        toml::from_str(text).map_err(|e| VerbError::Input(format!("this is no file of gate rules: {e}")))?;
    rules.gate.into_iter().map(rule_of).collect()
}

fn rule_of(rule: Rule) -> Result<GateRule, VerbError> {
    let (carry, carry_residual_db) = parse_carry(&rule.carry)?;
    Ok(GateRule {
        stage: words::parse_stage(&rule.stage)? as i32,
        needs: rule.needs.iter().map(|text| need(text)).collect::<Result<_, _>>()?,
        required_alternates: alternates(&rule.alternates)?,
        open_notes_allowed: rule.open_notes,
        self_approval: self_approval(&rule.self_approval)?,
        preflight_ignored: !rule.preflight,
        heard_percent: rule.heard_percent,
        spacing_roles: rule
            .spacing
            .iter()
            .map(|role| words::parse_role(role).map(|r| r as i32))
            .collect::<Result<_, _>>()?,
        due_ms: rule.due.as_deref().map_or(Ok(0), dates::parse_or_none)?,
        closes_when_due: rule.closes_when_due,
        carry,
        carry_residual_db,
        signed: rule.signed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use v1::{Role, Stage};

    fn whole() -> GateRule {
        GateRule {
            stage: Stage::Mixing as i32,
            needs: vec![
                Need { any_of: vec![Role::Label as i32], count: 2 },
                Need { any_of: vec![Role::Artist as i32, Role::Producer as i32], count: 1 },
            ],
            required_alternates: vec!["instrumental".into(), "vocal-up+0.5".into()],
            open_notes_allowed: true,
            self_approval: Some(false),
            preflight_ignored: true,
            heard_percent: 95,
            spacing_roles: vec![Role::Label as i32],
            due_ms: 1_796_000_000_000,
            closes_when_due: true,
            signed: true,
            carry: Carry::Residual as i32,
            carry_residual_db: -90.5,
        }
    }

    fn flags(args: &[&str]) -> GateFlags {
        use clap::Parser as _;
        let cli = crate::cli::Cli::try_parse_from([&["deadwax", "gate", "set"], args].concat()).unwrap();
        let Some(crate::cli::Verb::Gate { verb: crate::cli::GateVerb::Set { flags, .. } }) = cli.verb else {
            panic!()
        };
        *flags
    }

    #[test]
    fn only_what_is_given_changes() {
        assert!(!says_something(&flags(&["--stage", "mixing"])));
        assert_eq!(changed(whole(), &flags(&["--stage", "mixing"])).unwrap(), whole());
        let one = |args: &[&str], change: &dyn Fn(&mut GateRule)| {
            let mut wanted = whole();
            change(&mut wanted);
            assert_ne!(wanted, whole(), "{args:?} must change something");
            assert_eq!(changed(whole(), &flags(args)).unwrap(), wanted, "{args:?}");
        };
        one(&["--need", "label:1"], &|r| r.needs = vec![Need { any_of: vec![Role::Label as i32], count: 1 }]);
        one(&["--need", "none"], &|r| r.needs.clear());
        one(&["--alternate", "tv"], &|r| r.required_alternates = vec!["tv".into()]);
        one(&["--alternate", "none"], &|r| r.required_alternates.clear());
        one(&["--open-notes", "no"], &|r| r.open_notes_allowed = false);
        one(&["--self-approval", "terms"], &|r| r.self_approval = None);
        one(&["--self-approval", "yes"], &|r| r.self_approval = Some(true));
        one(&["--preflight", "yes"], &|r| r.preflight_ignored = false);
        one(&["--heard", "0"], &|r| r.heard_percent = 0);
        one(&["--spacing", "label,artist"], &|r| {
            r.spacing_roles = vec![Role::Label as i32, Role::Artist as i32];
        });
        one(&["--spacing", "none"], &|r| r.spacing_roles.clear());
        one(&["--due", "2026-12-03T18:00Z"], &|r| r.due_ms = 1_796_320_800_000);
        one(&["--due", "none"], &|r| (r.due_ms, r.closes_when_due) = (0, false));
        one(&["--closes=no"], &|r| r.closes_when_due = false);
        one(&["--signed", "no"], &|r| r.signed = false);
        one(&["--carry", "same-pcm"], &|r| (r.carry, r.carry_residual_db) = (Carry::SamePcm as i32, 0.0));
        one(&["--carry", "residual:-60"], &|r| r.carry_residual_db = -60.0);
    }

    #[test]
    fn words_that_are_no_rule_are_refused_with_what_to_say() {
        for args in [
            &["--need", "king:1"][..],
            &["--need", "label:0"],
            &["--need", "label:many"],
            &["--alternate", "loudest"],
            &["--open-notes", "maybe"],
            &["--self-approval", "sometimes"],
            &["--spacing", "label,king"],
            &["--due", "soon"],
            &["--carry", "residual"],
            &["--carry", "residual:nan"],
            &["--carry", "always"],
        ] {
            let error = changed(whole(), &flags(args)).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{args:?}");
            assert!(error.to_string().len() > 20, "{error}");
        }
    }

    #[test]
    fn a_file_of_rules_says_the_same_both_ways() {
        let bare = GateRule { stage: Stage::Mastering as i32, ..GateRule::default() };
        let rules = vec![whole(), bare];
        let text = to_toml(&rules).unwrap();
        assert_eq!(from_toml(&text).unwrap(), rules, "{text}");
        let short = from_toml("[[gate]]\nstage = \"mixing\"\nneeds = [\"label:1\"]\n").unwrap();
        assert!(!short[0].preflight_ignored && short[0].self_approval.is_none() && short[0].due_ms == 0);
        for wrong in [
            "",
            "[[gate]]\n",
            "[[gate]]\nstage = \"delivered\"\n",
            "[[gate]]\nstage = \"mixing\"\nheared_percent = 95\n",
        ] {
            assert!(from_toml(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn every_option_that_is_set_is_told() {
        let told = sentences(&whole()).join("\n");
        for part in [
            "label",
            "artist or producer",
            "instrumental",
            "95 %",
            "-90.5 dB",
            "due 20",
            "nothing goes through",
        ] {
            assert!(told.contains(part), "{part} is missing:\n{told}");
        }
    }
}
