//! The studio's own settings: terms, members, preflight. What they mean only the server says.

use deadwax_proto::v1::{self, PreflightRule, Severity, VersionKind, action::Action};
use serde_json::json;

use super::{
    Context, VerbError, dates,
    house::{House, ask_allowed},
    json as row_json, key,
    rounds::agree,
    words,
};
use crate::{
    cli::{InProject, MemberVerb, PreflightVerb, Terms},
    net::Client,
};

/// A client and the project named.
pub async fn enter(c: &Context, at: &InProject) -> Result<(Client, House), VerbError> {
    let client = c.client(&at.who).await?;
    let house = House::find(&client, at.project.as_deref()).await?;
    Ok((client, house))
}

pub async fn terms(c: &Context, asked: Terms) -> Result<(), VerbError> {
    let cut_off_ms = asked.cut_off.as_deref().map(dates::parse_or_none).transpose()?;
    let at = InProject { who: asked.who, project: asked.project };
    let (client, house) = enter(c, &at).await?;
    let change = v1::ChangeTerms {
        rounds_included: asked.rounds,
        self_approval: asked.self_approval,
        corrections_free: asked.corrections,
        cut_off_ms,
    };
    if change == v1::ChangeTerms::default() {
        return show_terms(c, &house);
    }
    c.perform(&client, &house.project.project_id, Action::ChangeTerms(change)).await.map(|_| ())
}

fn show_terms(c: &Context, house: &House) -> Result<(), VerbError> {
    let p = &house.project;
    let cut_off = if p.cut_off_ms == 0 { "none".to_owned() } else { dates::shown(p.cut_off_ms) };
    c.out.both(
        &format!(
            "{}\n  rounds included          {}\n  free corrections         {}\n  cut-off date             {cut_off}\n  uploader's deciding vote {}",
            p.title,
            p.rounds_included,
            p.corrections_free,
            if p.self_approval { "counts" } else { "does not count" },
        ),
        &json!({
            "row": "terms", "rounds_included": p.rounds_included, "corrections_free": p.corrections_free,
            "cut_off_ms": p.cut_off_ms, "self_approval": p.self_approval,
        }),
    )
}

pub async fn member(c: &Context, verb: MemberVerb) -> Result<(), VerbError> {
    match verb {
        MemberVerb::List { at } => {
            let (_, house) = enter(c, &at).await?;
            for member in &house.members {
                let mut text = format!("{}  {}", member.name, words::roles(&member.roles).join(", "));
                let alike = house.looks_like(&member.person_id, &member.name);
                if let Some(alike) = &alike {
                    text += &format!("\n  ! {alike}");
                }
                for it in &member.keys {
                    text += &format!("\n  key {} {}", crate::receipt::short(&it.fingerprint), key::state(it));
                }
                let mut row = row_json::member(member);
                row["name_warning"] = json!(alike);
                c.out.both(&text, &row)?;
            }
            Ok(())
        }
        MemberVerb::Roles { person, roles, at } => {
            let roles: Vec<i32> =
                roles.iter().map(|r| words::parse_role(r).map(|r| r as i32)).collect::<Result<_, _>>()?;
            let (client, house) = enter(c, &at).await?;
            let member = house.member(&person)?;
            ask_allowed(&member.allowed, "change_roles")?;
            let person_id = member.person_id.clone();
            let action = Action::ChangeRoles(v1::ChangeRoles { person_id, roles });
            c.perform(&client, &house.project.project_id, action).await.map(|_| ())
        }
        MemberVerb::Remove { person, yes, at } => {
            let (client, house) = enter(c, &at).await?;
            let member = house.member(&person)?;
            let question = format!(
                "Take {} ({}) out of {}?",
                member.name,
                words::roles(&member.roles).join(", "),
                house.project.title
            );
            agree(c, &member.allowed, "remove_member", &question, yes).await?;
            let person_id = member.person_id.clone();
            let action = Action::RemoveMember(v1::RemoveMember { person_id });
            c.perform(&client, &house.project.project_id, action).await.map(|_| ())
        }
    }
}

pub async fn preflight(c: &Context, verb: PreflightVerb) -> Result<(), VerbError> {
    match verb {
        PreflightVerb::Rules { kind, at } => {
            let kind = kind.as_deref().map(words::parse_kind).transpose()?;
            let (_, house) = enter(c, &at).await?;
            let mut shown = 0;
            for rule in house.project.preflight.iter().filter(|r| kind.is_none_or(|k| k as i32 == r.kind)) {
                shown += 1;
                let whose = if rule.of_the_house { "" } else { " (set for this project)" };
                let mut text = format!(
                    "{:<6} {:<6} {}{whose}",
                    words::kind(rule.kind),
                    words::severity(rule.severity),
                    rule.code
                );
                for (word, said) in [("from", &rule.source), ("mend", &rule.mend)] {
                    if !said.is_empty() {
                        text += &format!("\n  {word}: {said}");
                    }
                }
                c.out.both(&text, &row_json::preflight_rule(rule))?;
            }
            if shown == 0 {
                c.out.text("No check is listed.")?;
            }
            Ok(())
        }
        PreflightVerb::Set { settings, kind, at } => {
            let kind = kind.as_deref().map(words::parse_kind).transpose()?;
            let (client, house) = enter(c, &at).await?;
            let settings = preflight_settings(&house.project.preflight, &settings, kind)?;
            let action = Action::SetPreflight(v1::SetPreflight { settings });
            c.perform(&client, &house.project.project_id, action).await.map(|_| ())
        }
    }
}

/// LONG_HEAD=warn, for the kind said or for every kind that has this check.
fn preflight_settings(
    rules: &[PreflightRule],
    said: &[String],
    kind: Option<VersionKind>,
) -> Result<Vec<v1::PreflightSetting>, VerbError> {
    let mut settings = Vec::new();
    for text in said {
        let Some((code, severity)) = text.split_once('=') else {
            return Err(VerbError::Usage(format!("{text:?} is no setting; write LONG_HEAD=warn")));
        };
        let code = code.trim().to_ascii_uppercase().replace('-', "_");
        let severity = words::one_of(
            "how grave a check can be",
            severity,
            &[
                ("off", Severity::Off),
                ("warn", Severity::Warn),
                ("block", Severity::Block),
                ("house", Severity::Unspecified),
            ],
        )?;
        let kinds: Vec<i32> = match kind {
            Some(kind) => vec![kind as i32],
            None => rules.iter().filter(|r| r.code == code).map(|r| r.kind).collect(),
        };
        if kinds.is_empty() {
            return Err(VerbError::Usage(format!(
                "there is no check {code:?}; see `deadwax preflight rules` for all of them"
            )));
        }
        settings.extend(kinds.into_iter().map(|kind| v1::PreflightSetting {
            code: code.clone(),
            kind,
            severity: severity as i32,
        }));
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_goes_to_every_kind_that_has_the_check() {
        let rule = |code: &str, kind: VersionKind| PreflightRule {
            code: code.into(),
            kind: kind as i32,
            ..PreflightRule::default()
        };
        let rules = [rule("LONG_HEAD", VersionKind::Mix), rule("LONG_HEAD", VersionKind::Master)];
        let set = |said: &str, kind| preflight_settings(&rules, &[said.to_owned()], kind);
        assert_eq!(set("long-head=off", None).unwrap().len(), 2);
        let one = set("LONG_HEAD=house", Some(VersionKind::Mix)).unwrap();
        assert_eq!((one.len(), one[0].severity), (1, Severity::Unspecified as i32));
        for wrong in ["LONG_HEAD", "LONG_HEAD=loud", "LOUD_HEAD=warn"] {
            assert_eq!(set(wrong, None).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }
}
