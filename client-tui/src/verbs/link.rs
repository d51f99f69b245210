//! Share links: making one, what became of them, taking one back. The rules are the server's. Never here: how a page is opened.

use deadwax_proto::v1::{self, LinkInfo, LinkState, link_scope::Of};
use serde_json::json;

use super::{
    Context, VerbError, dates,
    house::{House, short_id},
    sign_in, studio,
};
use crate::{
    cli::{InProject, LinkVerb, MakeLink},
    name,
};

pub async fn link(c: &Context, verb: LinkVerb) -> Result<(), VerbError> {
    match verb {
        LinkVerb::Make(asked) => make(c, asked).await,
        LinkVerb::List { at } => list(c, &at).await,
        LinkVerb::Revoke { link, yes, at } => revoke(c, &link, yes, &at).await,
    }
}

async fn make(c: &Context, asked: MakeLink) -> Result<(), VerbError> {
    let expires_ms = asked.until.as_deref().map(dates::parse).transpose()?.unwrap_or_default();
    let client = c.client(&asked.place.who).await?;
    let house = House::find(&client, asked.place.project.as_deref()).await?;
    let scope = scope(&house, &asked)?;
    let password = sign_in::password_of_link(c, asked.password, asked.password_file.as_deref()).await?;
    let request = v1::MakeLinkRequest {
        project_id: house.project.project_id.clone(),
        scope: Some(v1::LinkScope { of: Some(scope) }),
        recipient: asked.recipient.clone(),
        expires_ms,
        sessions_max: asked.times,
        download: asked.download,
        notes: asked.notes,
        password: password.text().to_owned(),
        ..v1::MakeLinkRequest::default()
    };
    let made = client.make_link(request).await?;
    let until = dates::shown(made.expires_ms);
    c.out.aside(&format!(
        "This is for {}, until {until}. Whoever has it hears what it names: send it over a way that you trust. It is not shown again.",
        asked.recipient
    ));
    if !made.fingerprint.is_empty() {
        c.out.aside(&format!(
            "A browser may ask about the studio's certificate; it is the right one where its SHA-256 is {}.",
            made.fingerprint
        ));
    }
    c.out.both(
        &made.link,
        &json!({
            "link_id": made.link_id, "link": made.link, "fingerprint": made.fingerprint, "expires_ms": made.expires_ms,
            "guest_id": made.guest_id,
        }),
    )
}

fn scope(house: &House, asked: &MakeLink) -> Result<Of, VerbError> {
    if asked.album {
        return Ok(Of::Album(true));
    }
    if let Some(number) = asked.record {
        let found = house.records.iter().find(|record| record.number == number);
        let record = found.ok_or_else(|| {
            VerbError::Usage(format!("there is no Record {number} here; see `deadwax record list`"))
        })?;
        return Ok(Of::RecordId(record.record_id.clone()));
    }
    let song = house.song(asked.place.song.as_deref())?;
    match &asked.version {
        None => Ok(Of::SongId(song.song_id.clone())),
        Some(wanted) => Ok(Of::VersionId(house.version(song, Some(wanted))?.version_id.clone())),
    }
}

async fn list(c: &Context, at: &InProject) -> Result<(), VerbError> {
    let (client, house) = studio::enter(c, at).await?;
    let links = client.list_links(&house.project.project_id).await?;
    if links.is_empty() {
        c.out.text("There is no link. `deadwax link make --for NAME` makes one.")?;
    }
    for link in &links {
        c.out.both(&told(link), &object(link))?;
    }
    Ok(())
}

fn state(link: &LinkInfo) -> &'static str {
    match link.state() {
        LinkState::Live => "live",
        LinkState::UsedUp => "used up",
        LinkState::Expired => "expired",
        LinkState::Revoked => "revoked",
        LinkState::Unspecified => "unknown",
    }
}

fn told(link: &LinkInfo) -> String {
    let who = if link.recipient.is_empty() { "somebody who left" } else { &link.recipient };
    let may =
        [(link.download, "may fetch"), (link.notes, "may write notes"), (link.has_password, "password")];
    let may: Vec<&str> = may.into_iter().filter_map(|(is, word)| is.then_some(word)).collect();
    let may = if may.is_empty() { String::new() } else { format!(", {}", may.join(", ")) };
    let mut text = format!(
        "{}  {who} | {} | {}, until {} | opened {} of {} times{may} | by {}",
        short_id(&link.link_id),
        link.scope_words,
        state(link),
        dates::shown(link.expires_ms),
        link.sessions_used,
        link.sessions_max,
        link.made_by
    );
    for one in &link.opened {
        let device = if one.device.is_empty() { String::new() } else { format!(" on {}", one.device) };
        let open = if one.open { ", open" } else { "" };
        text += &format!(
            "\n    {}. {}{device}, last {}{open}",
            one.nth,
            dates::shown(one.first_ms),
            dates::shown(one.last_ms)
        );
        for got in &one.received {
            text += &format!("\n       {}  {}  {}", dates::shown(got.at_ms), got.way, got.what);
        }
    }
    for heard in &link.heard {
        text += &format!("\n    heard {} % of {}", heard.percent, heard.what);
    }
    text
}

fn object(link: &LinkInfo) -> serde_json::Value {
    let scope = match link.scope.as_ref().and_then(|scope| scope.of.as_ref()) {
        Some(Of::VersionId(id)) => json!({ "version_id": id }),
        Some(Of::SongId(id)) => json!({ "song_id": id }),
        Some(Of::Album(_)) => json!({ "album": true }),
        Some(Of::RecordId(id)) => json!({ "record_id": id }),
        None => json!({}),
    };
    let received = |got: &v1::LinkReceived| json!({ "what": got.what, "way": got.way, "at_ms": got.at_ms, "sent_bytes": got.sent_bytes });
    let opened = |one: &v1::LinkOpening| {
        json!({
            "nth": one.nth, "device": one.device, "first_ms": one.first_ms, "last_ms": one.last_ms, "open": one.open,
            "received": one.received.iter().map(received).collect::<Vec<_>>(),
        })
    };
    let heard = |one: &v1::LinkHeard| json!({ "version_id": one.version_id, "what": one.what, "percent": one.percent, "seconds": one.seconds });
    json!({
        "row": "link", "link_id": link.link_id, "scope": scope, "scope_words": link.scope_words, "recipient": link.recipient,
        "guest_id": link.guest_id, "made_by": link.made_by, "made_by_id": link.made_by_id, "made_ms": link.made_ms,
        "expires_ms": link.expires_ms, "sessions_used": link.sessions_used, "sessions_max": link.sessions_max,
        "download": link.download, "notes": link.notes, "has_password": link.has_password, "state": state(link),
        "revoked_ms": link.revoked_ms, "revoked_by": link.revoked_by,
        "opened": link.opened.iter().map(opened).collect::<Vec<_>>(),
        "heard": link.heard.iter().map(heard).collect::<Vec<_>>(),
    })
}

async fn revoke(c: &Context, wanted: &str, yes: bool, at: &InProject) -> Result<(), VerbError> {
    let (client, house) = studio::enter(c, at).await?;
    let project_id = &house.project.project_id;
    let links = client.list_links(project_id).await?;
    let link = named(&links, wanted)?;
    let question = format!("The link of {} to {} ends, for ever.", link.recipient, link.scope_words);
    c.out.confirm(&question, yes).await?;
    let ended = client.revoke_link(project_id, &link.link_id).await?;
    let text = format!("The link of {} has ended; {ended} session(s) were open.", link.recipient);
    c.out.both(&text, &json!({ "link_id": link.link_id, "revoked": true, "sessions_ended": ended }))
}

/// One that is not revoked goes before those that are: names come again.
fn named<'a>(links: &'a [LinkInfo], wanted: &str) -> Result<&'a LinkInfo, VerbError> {
    let key = name::key(wanted);
    let digits = wanted.trim().to_ascii_lowercase();
    let by_id = |link: &&LinkInfo| link.link_id == digits || short_id(&link.link_id) == digits;
    if let Some(link) = links.iter().find(by_id) {
        return Ok(link);
    }
    let live = |link: &&LinkInfo| link.state() != LinkState::Revoked;
    let fits = |link: &&LinkInfo| !key.is_empty() && name::key(&link.recipient).starts_with(&key);
    let mut found = links.iter().filter(live).filter(fits);
    match (found.next(), found.next()) {
        (Some(link), None) => Ok(link),
        (Some(_), Some(_)) => Err(VerbError::Usage(format!(
            "several links are for {:?}; name the id of one, as `deadwax link list` tells it",
            wanted.trim()
        ))),
        (None, _) => Err(VerbError::no(
            "NO_SUCH_LINK",
            format!("No link here is {:?}.", wanted.trim()),
            "See `deadwax link list`, and name its id.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(id: &str, recipient: &str, state: LinkState) -> LinkInfo {
        LinkInfo {
            link_id: id.into(),
            recipient: recipient.into(),
            state: state.into(),
            scope_words: "Mix 2 of \"Ember\"".into(),
            sessions_max: 3,
            ..LinkInfo::default()
        }
    }

    #[test]
    fn a_link_is_named_by_id_or_by_whom_it_is_for() {
        let one = "01890a5d-ac96-774b-bcce-b302099a8057";
        let two = "01890a5d-ac96-774b-bcce-b302099a8058";
        let links = [link(one, "Dana Holt", LinkState::Revoked), link(two, "Dana Holt", LinkState::Live)];
        let id = |wanted: &str| named(&links, wanted).map(|link| link.link_id.clone()).ok();
        assert_eq!(id("dana").as_deref(), Some(two), "the one that is not revoked");
        assert_eq!(id(one).as_deref(), Some(one));
        assert_eq!(id("099a8058").as_deref(), Some(two));
        assert_eq!(id("lena"), None);
        assert_eq!(id(""), None);
        let twice = [link(one, "Dana", LinkState::Live), link(two, "Dana", LinkState::UsedUp)];
        assert_eq!(named(&twice, "dana").unwrap_err().exit_code(), 2);
    }

    #[test]
    fn a_line_tells_for_whom_what_and_how_often() {
        let mut it = link("01890a5d-ac96-774b-bcce-b302099a8057", "Dana Holt", LinkState::Live);
        (it.download, it.has_password, it.sessions_used) = (true, true, 1);
        it.opened =
            vec![v1::LinkOpening { nth: 1, open: true, device: "Firefox".into(), ..Default::default() }];
        it.heard = vec![v1::LinkHeard { what: "Ember, Mix 2".into(), percent: 50, ..Default::default() }];
        let text = told(&it);
        assert!(text.starts_with("099a8057  Dana Holt | Mix 2 of \"Ember\" | live, until "), "{text}");
        assert!(text.contains("opened 1 of 3 times, may fetch, password | by "), "{text}");
        assert!(text.contains("on Firefox") && text.ends_with("heard 50 % of Ember, Mix 2"), "{text}");
    }
}
