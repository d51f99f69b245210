//! The studio's own settings: terms, members, preflight, spacing. What they mean only the server says.

use deadwax_proto::v1::{
    self, PreflightRule, Role, Severity, Spacing, SpacingItem, VersionKind, action::Action,
};
use serde_json::json;

use super::{
    Context, VerbError, dates,
    house::{House, ask_allowed},
    json as row_json,
    key::{self, Pen},
    rounds::{agree, own_role},
    words,
};
use crate::{
    cli::{InProject, MemberVerb, PreflightVerb, SpacingVerb, Terms},
    net::{Client, new_id},
    receipt::approve::{What, Wish},
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
                for it in &member.keys {
                    text += &format!("\n  key {} {}", crate::receipt::short(&it.fingerprint), key::state(it));
                }
                c.out.both(&text, &row_json::member(member))?;
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

pub async fn spacing(c: &Context, verb: SpacingVerb) -> Result<(), VerbError> {
    match verb {
        SpacingVerb::Show { at } => {
            let (_, house) = enter(c, &at).await?;
            match &house.project.spacing {
                Some(spacing) => c.out.both(&spacing_text(&house, spacing), &row_json::spacing(spacing)),
                None => c.out.text("No spacing is set. Set one with `deadwax spacing set SONG:GAP ...`."),
            }
        }
        SpacingVerb::Set { songs, at } => {
            let (client, house) = enter(c, &at).await?;
            let items = spacing_items(&house, &songs)?;
            let action = Action::SetSpacing(v1::SetSpacing { items });
            c.perform(&client, &house.project.project_id, action).await.map(|_| ())
        }
        SpacingVerb::Approve { role, yes, no_key, at } => {
            let (client, house) = enter(c, &at).await?;
            let Some(spacing) = &house.project.spacing else {
                return Err(VerbError::no(
                    "NO_SPACING",
                    format!("{} has no spacing yet.", house.project.title),
                    "Set one with `deadwax spacing set SONG:GAP ...`.",
                ));
            };
            let among = [Role::Artist, Role::Producer, Role::Label, Role::Manager];
            let role = own_role(&house, role.as_deref(), &among)?;
            c.out.aside(&spacing_text(&house, spacing));
            let pen = Pen::find(c, &at.who, no_key)?;
            let question = format!("Approve it as {}?", words::role(role as i32));
            agree(c, &house.project.allowed, "approve_spacing", &question, yes).await?;
            let (approval_id, number) = (new_id(), spacing.number);
            let wish = Wish {
                project_id: house.project.project_id.clone(),
                what: What::Spacing { number },
                role,
                approval_id: approval_id.clone(),
            };
            let signed = pen.sign(c, &at.who, &client, &wish).await?;
            let more = json!({
                "approval_id": approval_id, "number": number, "role": words::role(role as i32), "receipt": key::told(signed.as_ref()),
            });
            if let Some(signed) = signed {
                return c.tell(&signed.answer, more);
            }
            let (role, receipt) = (role as i32, None);
            let action = Action::ApproveSpacing(v1::ApproveSpacing { receipt, approval_id, number, role });
            let done =
                client.perform(&house.project.project_id, action).await.map_err(key::with_the_key_hint)?;
            c.tell(&done, more)
        }
    }
}

fn spacing_text(house: &House, spacing: &Spacing) -> String {
    let mut text = format!("Spacing {} by {}, {}", spacing.number, spacing.by, dates::shown(spacing.at_ms));
    for (index, item) in spacing.items.iter().enumerate() {
        let song = house.songs.iter().find(|s| s.song_id == item.song_id);
        let title = crate::scrub::cut(song.map_or("a song that you cannot see", |s| s.title.as_str()), 50);
        let crossfade = item.crossfade_ms > 0;
        let before_ms = if crossfade { item.crossfade_ms } else { item.gap_ms };
        let mark = if crossfade { "x" } else { " " };
        let alone = SpacingItem { gap_ms: 0, crossfade_ms: 0, ..item.clone() };
        let done = words::joined(&alone, true);
        let done = if done.is_empty() { done } else { format!(" ({done})") };
        text += &format!("\n {mark}{:>7.3} s  {}. {title}{done}", f64::from(before_ms) / 1000.0, index + 1);
    }
    for approval in &spacing.approvals {
        text += &format!(
            "\n  approved by {} as {} ({})",
            approval.name,
            words::role(approval.role),
            words::approval_state(approval.state)
        );
    }
    text
}

/// Every song once is the server's rule; here each word becomes a song and what comes before it. `Title:2.5`, `Title:x1.5,out=8,shape=linear,gain=-1.5`.
fn spacing_items(house: &House, said: &[String]) -> Result<Vec<SpacingItem>, VerbError> {
    let present = house.project.spacing.as_ref().map(|s| s.items.as_slice()).unwrap_or_default();
    let mut items: Vec<SpacingItem> = Vec::new();
    for text in said {
        let (wanted, asked) = match text.rsplit_once(':') {
            Some((wanted, asked)) if is_asked(asked) => (wanted, Some(asked)),
            _ => (text.as_str(), None),
        };
        let song = house.song(Some(wanted))?;
        if items.iter().any(|i| i.song_id == song.song_id) {
            return Err(VerbError::Usage(format!("{} stands there twice; name every song once", song.title)));
        }
        let mut item = present.iter().find(|i| i.song_id == song.song_id).cloned().unwrap_or_default();
        item.song_id.clone_from(&song.song_id);
        for part in asked.into_iter().flat_map(|asked| asked.split(',')) {
            change(&mut item, text, part.trim())?;
        }
        items.push(item);
    }
    Ok(items)
}

/// What stands behind the last colon: a number, a crossfade or a setting; else it is part of the title.
fn is_asked(text: &str) -> bool {
    let numeric = |text: &str| text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.');
    let setting = |text: &str| {
        SETTINGS.iter().any(|name| text.strip_prefix(name).is_some_and(|it| it.starts_with('=')))
    };
    let first = text.split(',').next().unwrap_or_default().trim();
    numeric(first) || first.strip_prefix('x').is_some_and(numeric) || setting(first)
}

const SETTINGS: [&str; 4] = ["in", "out", "shape", "gain"];

/// A gap takes the crossfade away, and the other way round: a song has one of them.
fn change(item: &mut SpacingItem, text: &str, part: &str) -> Result<(), VerbError> {
    match part.split_once('=') {
        Some(("in", seconds)) => item.fade_in_ms = gap_of(text, seconds)?,
        Some(("out", seconds)) => item.fade_out_ms = gap_of(text, seconds)?,
        Some(("shape", word)) => item.shape = words::parse_fade_shape(word)?.into(),
        Some(("gain", db)) => {
            let db: Option<f64> =
                db.trim_end_matches("dB").parse().ok().filter(|db: &f64| db.abs() <= 1000.0);
            let wrong = || {
                VerbError::Usage(format!("{text:?} has no gain that can be had; write dB, as \"gain=-1.5\""))
            };
            item.gain_cb = (db.ok_or_else(wrong)? * 100.0).round() as i32;
        }
        Some((other, _)) => {
            return Err(VerbError::Usage(format!(
                "{text:?}: there is no {other:?}; write in, out, shape or gain, as \"Night Drive:x2,out=8\""
            )));
        }
        None => match part.strip_prefix('x') {
            Some(seconds) => (item.gap_ms, item.crossfade_ms) = (0, gap_of(text, seconds)?),
            None => (item.gap_ms, item.crossfade_ms) = (gap_of(text, part)?, 0),
        },
    }
    Ok(())
}

fn gap_of(text: &str, gap: &str) -> Result<u32, VerbError> {
    let seconds: Option<f64> =
        gap.parse().ok().filter(|s: &f64| (0.0..=f64::from(u32::MAX) / 1000.0).contains(s));
    seconds.map(|s| (s * 1000.0).round() as u32).ok_or_else(|| {
        VerbError::Usage(format!(
            "{text:?} has no gap that can be had; write seconds, as \"Night Drive:2.5\""
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn house() -> House {
        let song = |id: &str, title: &str, position| v1::SongRow {
            song_id: id.into(),
            title: title.into(),
            position,
            ..v1::SongRow::default()
        };
        let mut house =
            House { songs: vec![song("s1", "Lamps", 1), song("s2", "Part 2: Rain", 2)], ..House::default() };
        let items = vec![SpacingItem { song_id: "s1".into(), gap_ms: 1500, ..SpacingItem::default() }];
        house.project.spacing = Some(Spacing { items, ..Spacing::default() });
        house
    }

    fn items(said: &[&str]) -> Result<Vec<(String, u32)>, VerbError> {
        let said: Vec<String> = said.iter().map(|s| (*s).to_owned()).collect();
        Ok(spacing_items(&house(), &said)?.into_iter().map(|i| (i.song_id, i.gap_ms)).collect())
    }

    #[test]
    fn songs_and_gaps_are_read_in_their_order() {
        assert_eq!(items(&["Part 2: Rain:0", "1:2.25"]).unwrap(), [("s2".into(), 0), ("s1".into(), 2250)]);
        assert_eq!(items(&["lamps", "Part 2: Rain"]).unwrap(), [("s1".into(), 1500), ("s2".into(), 0)]);
        for wrong in [&["lamps:-1"][..], &["lamps", "s1:2"], &["lamps:1e99"], &["nothing:2"], &["lamps:2s"]] {
            assert_eq!(items(wrong).unwrap_err().exit_code(), 2, "{wrong:?}");
        }
    }

    #[test]
    fn crossfades_fades_and_levels_are_read_after_the_colon() {
        let one = |said: &str| spacing_items(&house(), &[said.to_owned()]).map(|items| items[0].clone());
        let lamps = one("lamps:x1.5,in=0.25,out=8,shape=linear,gain=-1.5").unwrap();
        assert_eq!(
            (lamps.gap_ms, lamps.crossfade_ms, lamps.fade_in_ms, lamps.fade_out_ms),
            (0, 1500, 250, 8000)
        );
        assert_eq!((lamps.shape(), lamps.gain_cb), (v1::FadeShape::Linear, -150));
        assert_eq!(one("lamps:out=2").unwrap().gap_ms, 1500, "what is not said stays");
        assert_eq!(one("Part 2: Rain").unwrap().song_id, "s2");
        for wrong in
            ["lamps:x-1", "lamps:1,up=3", "lamps:gain=loud", "lamps:shape=round", "lamps:x", "lamps:1,x"]
        {
            assert_eq!(one(wrong).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }

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
