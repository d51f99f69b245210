//! Gates: what each stage asks, a rule tried dry, a rule set, a gate opened by hand. What a rule means only the server says.

use std::path::Path;

use deadwax_proto::v1::{self, GateLine, GateRow, GateRule, action::Action};
use serde_json::json;

use super::{
    Context, VerbError, gate_rule,
    house::{House, ask_allowed},
    json as row_json,
    review::enter,
    rounds::agree,
    words,
};
use crate::{
    cli::{GateFlags, GateVerb, Where},
    net::Client,
};

/// A file of rules is a page, not a book.
const FILE_BYTES_MAX: u64 = 256 << 10;

pub async fn gate(c: &Context, verb: GateVerb) -> Result<(), VerbError> {
    match verb {
        GateVerb::Show { toml, stage, of } => show(c, toml, stage.as_deref(), &of.place()).await,
        GateVerb::Set { flags, file, place } => set(c, &flags, file.as_deref(), &place).await,
        GateVerb::Try { flags, file, at, place } => trial(c, &flags, file.as_deref(), at, &place).await,
        GateVerb::Override { reason, yes, of } => {
            let place = of.place();
            let (client, house) = enter(c, &place).await?;
            let song = house.song(place.song.as_deref())?;
            ask_allowed(&song.allowed, "override_gate")?;
            c.out.aside(&format!("The gate of {} opens although it is not met:", song.title));
            for line in house.gate(&song.song_id).iter().flat_map(|g| &g.lines).filter(|l| !l.met) {
                c.out.aside(&format!("  [ ] {}", line.text));
            }
            agree(c, &song.allowed, "override_gate", "History tells everybody. Override it?", yes).await?;
            let song_id = song.song_id.clone();
            let version_id = song.candidate_version_id.clone();
            let action = Action::OverrideGate(v1::OverrideGate { song_id, reason, version_id });
            c.perform(&client, &house.project.project_id, action).await.map(|_| ())
        }
    }
}

async fn show(c: &Context, toml: bool, stage: Option<&str>, place: &Where) -> Result<(), VerbError> {
    let stage = stage.map(words::parse_stage).transpose()?;
    let (_, house) = enter(c, place).await?;
    let only = place.song.as_deref().map(|s| house.song(Some(s))).transpose()?;
    let rules: Vec<GateRule> =
        house.project.gates.iter().filter(|r| stage.is_none_or(|s| s as i32 == r.stage)).cloned().collect();
    if toml {
        let text = gate_rule::to_toml(&rules)?;
        return c.out.both(text.trim_end(), &json!({ "row": "gate_rules", "toml": text }));
    }
    for rule in &rules {
        let mut text = format!("{} is left with", words::stage(rule.stage));
        for line in gate_rule::sentences(rule) {
            text += &format!("\n  - {line}");
        }
        let mut object = row_json::rule(rule);
        if let Some(object) = object.as_object_mut() {
            object.insert("row".into(), json!("gate_rule"));
        }
        c.out.both(&text, &object)?;
    }
    if rules.is_empty() {
        c.out.text("No rule is set.")?;
    }
    for song in house.songs.iter().filter(|s| only.is_none_or(|o| o.song_id == s.song_id)) {
        let Some(gate) = house.gate(&song.song_id) else { continue };
        if stage.is_none_or(|s| s as i32 == gate.stage) {
            tell(c, &house, gate)?;
        }
    }
    Ok(())
}

fn tell(c: &Context, house: &House, gate: &GateRow) -> Result<(), VerbError> {
    let song = house.songs.iter().find(|s| s.song_id == gate.song_id);
    let title = song.map_or("A song of then", |s| s.title.as_str());
    let state = if gate.met { "met" } else { "not met" };
    let mut text = format!("{title}: the gate of {} is {state}", words::stage(gate.stage));
    for line in &gate.lines {
        text += &format!("\n  [{}] {}", mark(line, song.is_some_and(|it| it.overdue)), line.text);
    }
    c.out.both(&text, &row_json::gate(gate))
}

/// A line that is met but only told: it keeps nothing shut, and somebody should look.
pub fn is_only_told(line: &GateLine, overdue: bool) -> bool {
    line.met && (line.code == "UNTOUCHED_NOTES" || (line.code == "DEADLINE" && overdue))
}

/// Of a line of the gate, between its brackets.
pub fn mark(line: &GateLine, overdue: bool) -> char {
    match line.met {
        _ if is_only_told(line, overdue) => '!',
        true => 'x',
        false => ' ',
    }
}

/// The stage said, else that of the song said, else of the only song.
fn stage_of(house: &House, flags: &GateFlags, place: &Where) -> Result<v1::Stage, VerbError> {
    if let Some(said) = &flags.stage {
        return words::parse_stage(said);
    }
    let unsaid = || VerbError::Usage("of which stage? Say --stage mixing".into());
    let song = match &place.song {
        Some(wanted) => house.song(Some(wanted))?,
        None if house.songs.len() == 1 => &house.songs[0],
        None => return Err(unsaid()),
    };
    words::parse_stage(&words::stage(song.stage)).map_err(|_| unsaid())
}

fn rules_of(file: &Path) -> Result<Vec<GateRule>, VerbError> {
    let shown = crate::scrub::line(&file.to_string_lossy());
    let failed = |e: std::io::Error| VerbError::Input(format!("{shown} could not be read: {e}"));
    if std::fs::metadata(file).map_err(failed)?.len() > FILE_BYTES_MAX {
        return Err(VerbError::Input(format!("{shown} is too large for a file of rules")));
    }
    let rules = gate_rule::from_toml(&std::fs::read_to_string(file).map_err(failed)?)?;
    if rules.is_empty() {
        return Err(VerbError::Input(format!("{shown} holds no [[gate]]; see `deadwax gate show --toml`")));
    }
    Ok(rules)
}

/// What was asked for: whole rules of a file, or the rule that holds with what the flags change.
fn asked(
    house: &House,
    flags: &GateFlags,
    file: Option<&Path>,
    place: &Where,
) -> Result<Vec<GateRule>, VerbError> {
    let Some(file) = file else {
        let base = gate_rule::present(&house.project.gates, stage_of(house, flags, place)?);
        return Ok(vec![gate_rule::changed(base, flags)?]);
    };
    let only = flags.stage.as_deref().map(words::parse_stage).transpose()?;
    let mut rules = rules_of(file)?;
    rules.retain(|rule| only.is_none_or(|s| s as i32 == rule.stage));
    match rules.is_empty() {
        true => Err(VerbError::Usage("the file holds no rule of that stage".into())),
        // What is said beside the file counts over it.
        false => rules.into_iter().map(|rule| gate_rule::changed(rule, flags)).collect(),
    }
}

async fn set(c: &Context, flags: &GateFlags, file: Option<&Path>, place: &Where) -> Result<(), VerbError> {
    if file.is_none() && !gate_rule::says_something(flags) {
        return Err(VerbError::Usage(
            "say what it shall ask, as --need label:1; see `deadwax gate set --help`".into(),
        ));
    }
    let (client, house) = enter(c, place).await?;
    let project_id = &house.project.project_id;
    for rule in asked(&house, flags, file, place)? {
        let done =
            client.perform(project_id, Action::SetGate(v1::SetGate { rule: Some(rule.clone()) })).await?;
        // The rule stands; what cannot be met with the people of now is said, and that this could not be asked is no failure of it.
        let warnings = warnings(&client, project_id, &rule).await.unwrap_or_default();
        for warning in warnings.iter().filter(|w| !done.effects.contains(w)) {
            c.out.aside(&format!("warning: {warning}"));
        }
        c.tell(&done, json!({ "rule": row_json::rule(&rule), "warnings": warnings }))?;
    }
    Ok(())
}

async fn warnings(client: &Client, project_id: &str, rule: &GateRule) -> Result<Vec<String>, VerbError> {
    let project_id = project_id.to_owned();
    let asked = v1::TryGateRequest { project_id, rule: Some(rule.clone()), ..v1::TryGateRequest::default() };
    Ok(client.try_gate(asked).await?.warnings)
}

async fn trial(
    c: &Context,
    flags: &GateFlags,
    file: Option<&Path>,
    at_seq: u64,
    place: &Where,
) -> Result<(), VerbError> {
    let (client, house) = enter(c, place).await?;
    let song = place.song.as_deref().map(|s| house.song(Some(s))).transpose()?;
    let mut question = v1::TryGateRequest {
        project_id: house.project.project_id.clone(),
        song_id: song.map(|s| s.song_id.clone()).unwrap_or_default(),
        at_seq,
        ..v1::TryGateRequest::default()
    };
    let mut questions = Vec::new();
    if file.is_some() || gate_rule::says_something(flags) {
        for rule in asked(&house, flags, file, place)? {
            questions.push(v1::TryGateRequest { rule: Some(rule), ..question.clone() });
        }
    } else {
        if let Some(stage) = &flags.stage {
            question.stage = words::parse_stage(stage)? as i32;
        }
        questions.push(question);
    }
    let (mut tried, mut unmet) = (0, 0);
    for question in questions {
        let answer = client.try_gate(question).await?;
        for gate in &answer.gates {
            tried += 1;
            unmet += u32::from(!gate.met);
            tell(c, &house, gate)?;
        }
        for warning in &answer.warnings {
            c.out.both(&format!("warning: {warning}"), &json!({ "row": "gate_warning", "text": warning }))?;
        }
    }
    if tried == 0 {
        c.out.text("There is no song to try it on.")?;
    }
    if unmet > 0 { Err(VerbError::Said(1)) } else { Ok(()) }
}
