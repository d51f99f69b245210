//! What one listened to elsewhere, how much one hears of a project, and which addresses are told. Never here: playing sound.

use deadwax_proto::v1::{self, FollowLevel, action::Action};
use serde_json::json;

use super::{Context, VerbError, json as row_json, review::enter, studio, words};
use crate::{
    cli::{FollowArgs, Heard, WebhookVerb},
    net::new_id,
};

/// As the contract has it, for one report.
const RANGES_MAX: usize = 1000;

pub async fn heard(c: &Context, asked: Heard) -> Result<(), VerbError> {
    let mut place = asked.place;
    let mut said = asked.words.as_slice();
    if let (None, Some(first)) = (&place.song, said.first())
        && parse_range(first).is_err()
        // What has digits on both sides of its hyphen was meant as a range; a wrong one is told, not taken for a title.
        && !looks_like_range(first)
    {
        place.song = Some(first.clone());
        said = &said[1..];
    }
    let mut ranges = said.iter().map(|text| parse_range(text)).collect::<Result<Vec<_>, _>>()?;
    if asked.all != ranges.is_empty() {
        return Err(VerbError::Usage("say what you heard: 0:00-1:30, or --all".into()));
    }
    if ranges.len() > RANGES_MAX {
        return Err(VerbError::Usage(format!("at most {RANGES_MAX} ranges can be told at once")));
    }
    let (client, house) = enter(c, &place).await?;
    let song = house.song(place.song.as_deref())?;
    let version = house.version(song, asked.version.as_deref())?;
    let alternate = if asked.alternate.is_empty() { "main" } else { asked.alternate.as_str() };
    let Some(file) = version.files.iter().find(|f| f.alternate == alternate) else {
        let list: Vec<&str> = version.files.iter().map(|f| f.alternate.as_str()).collect();
        return Err(VerbError::Usage(format!(
            "{} has no {alternate:?}; it has {}",
            words::version(version),
            list.join(", ")
        )));
    };
    if asked.all {
        let facts = file.facts.as_ref().filter(|f| f.sample_rate > 0);
        let end_ms = facts.map_or(0, |f| (u128::from(f.frames) * 1000 / u128::from(f.sample_rate)) as u64);
        ranges.push(v1::HeardRange { start_ms: 0, end_ms });
    }
    let percent = client
        .report_heard(v1::ReportHeardRequest {
            project_id: house.project.project_id.clone(),
            version_id: version.version_id.clone(),
            alternate: asked.alternate.clone(),
            ranges,
        })
        .await?;
    c.out.both(
        &format!("{} of {}: {percent} % of {alternate} heard.", words::version(version), song.title),
        &json!({ "row": "heard", "version_id": version.version_id, "alternate": alternate, "percent": percent }),
    )
}

fn looks_like_range(text: &str) -> bool {
    text.split_once('-').is_some_and(|(a, b)| {
        let time = |part: &str| {
            part.starts_with(|c: char| c.is_ascii_digit())
                && part.bytes().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.'))
        };
        time(a.trim()) && time(b.trim())
    })
}

/// "0:00-1:30"
fn parse_range(text: &str) -> Result<v1::HeardRange, VerbError> {
    let wrong = || VerbError::Usage(format!("{text:?} is not a range; write 0:00-1:30"));
    let (start, end) = text.split_once('-').ok_or_else(wrong)?;
    let start_ms = words::parse_time(start).map_err(|_| wrong())?;
    let end_ms = words::parse_time(end).map_err(|_| wrong())?;
    if start_ms >= end_ms {
        return Err(VerbError::Usage(format!("{text:?} ends before it begins; write 0:00-1:30")));
    }
    Ok(v1::HeardRange { start_ms, end_ms })
}

pub async fn follow(c: &Context, asked: FollowArgs) -> Result<(), VerbError> {
    let mut place = asked.place;
    let level = match asked.words.as_slice() {
        [level] => level,
        [song, level] if place.song.is_none() => {
            place.song = Some(song.clone());
            level
        }
        _ => return Err(VerbError::Usage("say one song, and all, waiting or muted".into())),
    };
    let levels =
        [("all", FollowLevel::All), ("waiting", FollowLevel::Unspecified), ("muted", FollowLevel::Muted)];
    let level = words::one_of("how much one can hear", level, &levels)?;
    let (client, house) = enter(c, &place).await?;
    let song_id = match &place.song {
        Some(wanted) => house.song(Some(wanted))?.song_id.clone(),
        None => String::new(),
    };
    let action = Action::Follow(v1::Follow { song_id, level: level as i32 });
    c.perform(&client, &house.project.project_id, action).await.map(|_| ())
}

pub async fn webhook(c: &Context, verb: WebhookVerb) -> Result<(), VerbError> {
    match verb {
        WebhookVerb::List { at } => {
            let (_, house) = studio::enter(c, &at).await?;
            if house.project.webhooks.is_empty() {
                c.out.text("No address is told. Only managers see them.")?;
            }
            for hook in &house.project.webhooks {
                let codes = if hook.codes.is_empty() { "everything".into() } else { hook.codes.join(", ") };
                let text = format!("{}  {} | {codes} | by {}", hook.webhook_id, hook.url, hook.by);
                c.out.both(&text, &row_json::webhook(hook))?;
            }
            Ok(())
        }
        WebhookVerb::Add { url, codes, at } => {
            let (client, house) = studio::enter(c, &at).await?;
            let project_id = &house.project.project_id;
            let webhook_id = new_id();
            let codes = codes.iter().map(|c| c.trim().to_ascii_uppercase()).collect();
            let action = Action::SetWebhook(v1::SetWebhook { webhook_id: webhook_id.clone(), url, codes });
            let done = client.perform(project_id, action).await?;
            let secret = client.webhook_secret(project_id, &webhook_id).await?;
            c.tell(&done, json!({ "webhook_id": webhook_id, "secret": secret }))?;
            c.out.aside("What is sent is signed with this (HMAC-SHA256). Keep it where the receiver reads it; it is not shown again.");
            c.out.text(&secret)
        }
        WebhookVerb::Remove { webhook, at } => {
            let (client, house) = studio::enter(c, &at).await?;
            let wanted = webhook.trim();
            let fits = |h: &&v1::Webhook| h.webhook_id == wanted || h.url == wanted;
            let mut found = house.project.webhooks.iter().filter(fits);
            let (Some(hook), None) = (found.next(), found.next()) else {
                return Err(VerbError::no(
                    "NO_SUCH_WEBHOOK",
                    format!("No one address here is {wanted:?}."),
                    "See `deadwax webhook list`, and name its id.",
                ));
            };
            let webhook_id = hook.webhook_id.clone();
            let action = Action::RemoveWebhook(v1::RemoveWebhook { webhook_id });
            c.perform(&client, &house.project.project_id, action).await.map(|_| ())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_and_wrong_ones_refused() {
        let range = parse_range("0:30-1:02.5").unwrap();
        assert_eq!((range.start_ms, range.end_ms), (30_000, 62_500));
        for text in ["", "0:30", "1:00-0:30", "0:30-0:30", "a-b", "-1-2", "0:10-9:99"] {
            assert!(parse_range(text).is_err(), "{text}");
        }
        assert!(looks_like_range("1:00-0:30") && looks_like_range("0:10-9:99"));
        assert!(!looks_like_range("Night-Drive") && !looks_like_range("lamps"));
    }
}
