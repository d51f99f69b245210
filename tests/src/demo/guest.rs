//! Somebody who is no member hears the signed master by a link, and nothing else; then the link is taken back. Never here: the page in a browser.

use anyhow::{Context as _, Result};
use deadwax_client::net::{Client, NetError};
use deadwax_proto::v1::{self, row::Row};

use super::{
    cast,
    studio::{Studio, text},
};

/// A session by the link, as a program opens it: the same certificate is pinned, and no key or passphrase is there.
async fn open(on: &Studio, link: &str) -> Result<Result<Client, NetError>> {
    let mut profile = cast::profile(&on.cast.label)?;
    (profile.token, profile.device, profile.key) = (None, None, None);
    let asked = v1::OpenLinkRequest {
        secret: link.split_once('#').context("a share link has a secret behind its #")?.1.to_owned(),
        password: String::new(),
        device: "a browser of hers".into(),
        api: deadwax_proto::API,
    };
    match Client::connect(&profile).await?.open_link(asked).await {
        Ok(opened) => {
            profile.token = Some(opened.token);
            Ok(Ok(Client::connect(&profile).await?))
        }
        Err(no) => Ok(Err(no)),
    }
}

pub fn hears(on: &Studio) -> Result<()> {
    let Studio { log, cast, .. } = on;
    log.step("Dana Holt, who is no member, gets a link to Master 2");
    let made = ["link", "make", "--for", "Dana Holt", "--version", "master 2", "--times", "1"];
    let said = cast.label.verb(made)?;
    let link = text(said.first(), "link");
    log.say(&format!("{}#...", link.split('#').next().unwrap_or_default()));
    log.check(
        link.starts_with("https://") && link.contains("/s#dwx_link_"),
        "its secret stands behind the #, which no browser sends",
    )?;
    let guest = on.runtime.block_on(open(on, link))??;
    let project_id = on.project_id()?;
    let rows = on.runtime.block_on(guest.get(&project_id))?.upserts;
    let seen: Vec<String> = rows
        .iter()
        .filter_map(|row| match &row.row {
            Some(Row::Version(it)) => Some(it.version_id.clone()),
            _ => None,
        })
        .collect();
    let master = cast::version(&cast.label, "master", 2)?;
    log.check(seen == [text(&master, "version_id")], "she sees that master and no other version")?;
    let closed =
        rows.iter().any(|row| matches!(&row.row, Some(Row::Note(_) | Row::Gate(_) | Row::Member(_))));
    log.check(!closed, "no note, no gate and no member of the project")?;
    let desk = on.runtime.block_on(guest.desk());
    log.check(
        desk.is_err_and(|no| no.reason() == "NOT_FOR_GUESTS"),
        "what members do is closed: NOT_FOR_GUESTS",
    )?;
    let again = on.runtime.block_on(open(on, link))?;
    log.check(again.is_err_and(|no| no.reason() == "LINK_USED_UP"), "it opens once: LINK_USED_UP")?;
    let listed = cast.owner.verb(["link", "list"])?;
    let opened = &listed.first()["opened"][0]["device"];
    log.same(
        &opened.as_str().unwrap_or_default(),
        &"a browser of hers",
        "the manager sees who opened it, and on what",
    )?;
    cast.label.verb(["link", "revoke", "Dana", "--yes"])?;
    let ended = on.runtime.block_on(guest.get(&project_id));
    log.check(
        ended.is_err_and(|no| no.reason() == "SESSION_ENDED"),
        "taken back, it ends at once: SESSION_ENDED",
    )
}
