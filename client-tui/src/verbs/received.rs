//! Who received which bytes: a line for each time. The figures are the server's. Never here: who may ask.

use deadwax_proto::v1::{self, Reception};
use serde_json::json;

use super::{Context, VerbError, dates, house::House};
use crate::cli::Received;

pub async fn received(c: &Context, asked: Received) -> Result<(), VerbError> {
    let client = c.client(&asked.who).await?;
    let mut question = v1::ReceivedRequest::default();
    if !asked.studio {
        let house = House::find(&client, asked.project.as_deref()).await?;
        question.project_id.clone_from(&house.project.project_id);
        if let Some(person) = &asked.person {
            question.person_id = house.member(person)?.person_id.clone();
        }
    } else if let Some(person) = asked.person {
        // Beyond a project nobody is known by name.
        question.person_id = person;
    }
    question.sha256 = asked.sha256.unwrap_or_default().to_ascii_lowercase();
    let (receptions, more) = client.received(question, asked.limit).await?;
    for reception in &receptions {
        c.out.object(&object(reception))?;
        c.out.text(&line(reception))?;
    }
    if receptions.is_empty() {
        c.out.text("Nobody received such bytes.")?;
    }
    if more {
        c.out.aside("There are older ones: --limit tells how many are shown.");
    }
    Ok(())
}

fn object(it: &Reception) -> serde_json::Value {
    json!({
        "row": "reception", "number": it.number, "begun_ms": it.begun_ms, "ended_ms": it.ended_ms, "person_id": it.person_id,
        "name": it.name, "session_id": it.session_id, "device": it.device, "address": it.address, "way": it.way,
        "project_id": it.project_id, "object_id": it.object_id, "what": it.what, "sha256": it.sha256, "offset": it.offset,
        "file_bytes": it.file_bytes, "sent_bytes": it.sent_bytes,
    })
}

fn line(it: &Reception) -> String {
    let what = if it.what.is_empty() { it.object_id.as_str() } else { it.what.as_str() };
    let device = if it.device.is_empty() { String::new() } else { format!(" on {}", it.device) };
    let sent = match it.ended_ms {
        0 => "not ended".to_owned(),
        _ if it.sent_bytes == it.file_bytes => format!("all {} bytes", it.sent_bytes),
        _ => format!("{} of {} bytes", it.sent_bytes, it.file_bytes),
    };
    let (when, digest) = (dates::exact(it.begun_ms), it.sha256.get(..12).unwrap_or_default());
    format!("{when}  {}  {what}  {} from {}{device}, {sent}  {digest}", it.way, it.name, it.address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_who_what_and_how_much() {
        let it = Reception {
            begun_ms: 1_795_000_000_000,
            ended_ms: 1_795_000_000_001,
            name: "Lena".into(),
            address: "192.0.2.7".into(),
            way: "download".into(),
            what: "Ember, Mix 2".into(),
            sha256: "ab".repeat(32),
            file_bytes: 10,
            sent_bytes: 4,
            ..Reception::default()
        };
        let told = line(&it);
        assert!(
            told.contains("download  Ember, Mix 2  Lena from 192.0.2.7, 4 of 10 bytes  abababababab"),
            "{told}"
        );
        let whole = line(&Reception { sent_bytes: 10, device: "laptop".into(), ..it.clone() });
        assert!(whole.contains("192.0.2.7 on laptop, all 10 bytes"), "{whole}");
        assert!(line(&Reception { ended_ms: 0, ..it }).contains("not ended"));
    }
}
