//! Who you are and what there is: logout, status, desk, projects, songs, invites.

use deadwax_proto::v1::{self, action::Action};
use serde_json::json;

use super::{Context, VerbError, dates, gate, house::House, json as row_json, standing, words};
use crate::{
    cache::rows::Kept,
    cli::{MailArg, ProjectVerb, SongVerb, Where, Who},
    net::{Client, Link, NetError, new_id},
    profile::ProfileError,
};

/// "ana", or "ana-studio-example", or with a number: free, or the same person on the same server.
pub(super) fn profile_name_for(
    taken: &[String],
    person: &str,
    host: &str,
    same: impl Fn(&str) -> bool,
) -> String {
    let plain = |text: &str| -> String {
        let words: Vec<String> = text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|w| !w.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        words.join("-").chars().take(18).collect()
    };
    let first = Some(plain(person)).filter(|p| !p.is_empty()).unwrap_or_else(|| "me".into());
    let second = format!("{first}-{}", plain(host));
    let numbered = (2..).map(|n| format!("{first}-{n}"));
    [first.clone(), second]
        .into_iter()
        .chain(numbered)
        .find(|name| !taken.contains(name) || same(name))
        .unwrap_or(first)
}

pub async fn mail(c: &Context, choice: Option<MailArg>, who: &Who) -> Result<(), VerbError> {
    let client = Client::connect(&c.profile(who)?).await?;
    let person = match choice {
        None => client.who_am_i().await?,
        Some(choice) => {
            let choice = match choice {
                MailArg::Each => v1::MailChoice::Each,
                MailArg::Digest => v1::MailChoice::Digest,
                MailArg::None => v1::MailChoice::None,
            };
            client.set_mail(choice).await?
        }
    };
    let (word, text) = match person.mail() {
        v1::MailChoice::Unspecified => ("off", "This studio sends no mail."),
        v1::MailChoice::Each => ("each", "Mail comes as soon as something new waits on you."),
        v1::MailChoice::Digest => ("digest", "Mail comes once a day, where there is something new."),
        v1::MailChoice::None => ("none", "No mail comes."),
    };
    c.out.both(text, &json!({ "mail": word }))
}

pub async fn logout(c: &Context, here_only: bool, who: &Who) -> Result<(), VerbError> {
    let profile = c.profile(who)?;
    let told = match Client::connect(&profile).await {
        Ok(client) => client.logout().await,
        Err(e) => Err(e),
    };
    match told {
        Ok(()) => {}
        // The session ended already: what is left is to forget it here.
        Err(NetError::Refused { code: tonic::Code::Unauthenticated, .. }) => {}
        Err(e @ NetError::Refused { .. }) if e.reason() == "ENDED_UNTIL_RESTART" => {
            c.out.aside(&format!("{e}\n{}", e.hint()));
        }
        Err(e) if here_only => {
            c.out.aside(&format!(
                "The server was not told ({e}): the session ends by time, or from another machine."
            ));
        }
        Err(e) => return Err(e.into()),
    }
    c.home.remove(&profile.name)?;
    let kept = Kept::of(&c.home, &profile);
    let failed = |source| ProfileError::Io { path: kept.folder().to_owned(), what: "removed", source };
    kept.forget().map_err(failed)?;
    let sound = crate::cache::remove(&profile.name).err();
    let sound = sound.map_or_else(String::new, |e| format!(" What it kept here could not be removed: {e}."));
    c.out.both(
        &format!("Signed out; the profile {} is gone.{sound}", profile.name),
        &json!({ "signed_out": profile.name }),
    )
}

pub async fn status(c: &Context, place: &Where) -> Result<(), VerbError> {
    let profile = c.profile(&place.who)?;
    let client = Client::connect(&profile).await?;
    c.out.text(&format!("{} on {} ({})", profile.person, profile.studio, profile.url))?;
    let mut desk = client.desk().await?;
    let projects = client.list().await?;
    let mut houses = Vec::new();
    if place.project.is_some() || place.song.is_some() {
        let house = House::find(&client, place.project.as_deref()).await?;
        desk.retain(|d| d.project_id == house.project.project_id);
        houses.push(house);
    } else {
        for project in &projects {
            houses.push(House::fetch(&client, &project.project_id).await?);
        }
    }
    print_desk(c, &desk)?;
    for house in &houses {
        let song = place.song.as_deref().map(|s| house.song(Some(s))).transpose()?;
        print_house(c, house, song.map(|s| s.song_id.as_str()))?;
    }
    Ok(())
}

fn print_desk(c: &Context, rows: &[v1::DeskRow]) -> Result<(), VerbError> {
    if rows.is_empty() {
        c.out.text("Nothing waits on you.")?;
    } else {
        c.out.text("Waits on you:")?;
    }
    for row in rows {
        let place = [row.project_title.as_str(), row.song_title.as_str()];
        let place: Vec<&str> = place.into_iter().filter(|p| !p.is_empty()).collect();
        let facts = standing::desk_facts(row, dates::now_ms());
        let facts = if facts.is_empty() { facts } else { format!("\n    {facts}") };
        c.out.both(&format!("  {}: {}{facts}", place.join(" / "), row.text), &row_json::desk(row))?;
    }
    Ok(())
}

fn print_house(c: &Context, house: &House, only: Option<&str>) -> Result<(), VerbError> {
    let p = &house.project;
    let artist = if p.artist.is_empty() { String::new() } else { format!(" by {}", p.artist) };
    c.out.both(
        &format!("\n{}{artist} (you: {})", p.title, words::roles(&p.your_roles).join(", ")),
        &row_json::project(p),
    )?;
    for song in house.songs.iter().filter(|s| only.is_none_or(|id| s.song_id == id)) {
        let newest = house.version_by_id(&song.candidate_version_id).map(words::version);
        c.out.both(
            &format!(
                "  {}. {} | {} | {} | {} open note(s) | {}",
                song.position,
                song.title,
                words::stage(song.stage),
                newest.as_deref().unwrap_or("nothing yet"),
                song.open_notes,
                song.waits_for
            ),
            &row_json::song(song),
        )?;
        for line in standing::of_song(house, song) {
            c.out.text(&format!("       {line}"))?;
        }
        if let Some(gate) = house.gate(&song.song_id) {
            for line in &gate.lines {
                c.out.text(&format!("       [{}] {}", gate::mark(line, song.overdue), line.text))?;
            }
            c.out.object(&row_json::gate(gate))?;
        }
    }
    Ok(())
}

pub async fn desk(c: &Context, who: &Who) -> Result<(), VerbError> {
    let rows = c.client(who).await?.desk().await?;
    print_desk(c, &rows)
}

pub async fn project(c: &Context, verb: ProjectVerb) -> Result<(), VerbError> {
    match verb {
        ProjectVerb::Create { title, artist, who } => {
            let client = c.client(&who).await?;
            let id = new_id();
            let action = Action::CreateProject(v1::CreateProject { title, artist });
            let done = client.perform(&id, action).await?;
            c.tell(&done, json!({ "project_id": id }))
        }
        ProjectVerb::List { who } => {
            let projects = c.client(&who).await?.list().await?;
            if projects.is_empty() {
                c.out.text("You are in no project yet.")?;
            }
            for p in &projects {
                c.out.both(
                    &format!(
                        "{}  {} by {} | {} of {} song(s) delivered | {}",
                        p.project_id,
                        p.title,
                        p.artist,
                        p.songs_delivered,
                        p.songs,
                        words::roles(&p.your_roles).join(", ")
                    ),
                    &row_json::summary(p),
                )?;
            }
            Ok(())
        }
        ProjectVerb::Terms(asked) => super::studio::terms(c, asked).await,
    }
}

pub async fn song(c: &Context, verb: SongVerb) -> Result<(), VerbError> {
    match verb {
        SongVerb::Add { title, isrc, project, who } => {
            let client = c.client(&who).await?;
            let house = House::find(&client, project.as_deref()).await?;
            let song_id = new_id();
            let action = Action::AddSong(v1::AddSong { song_id: song_id.clone(), title, isrc });
            let done = client.perform(&house.project.project_id, action).await?;
            c.tell(&done, json!({ "song_id": song_id }))
        }
        SongVerb::List { place } => {
            let client = c.client(&place.who).await?;
            let house = House::find(&client, place.project.as_deref()).await?;
            let only = place.song.as_deref().map(|s| house.song(Some(s))).transpose()?;
            for song in house.songs.iter().filter(|s| only.is_none_or(|o| o.song_id == s.song_id)) {
                c.out.both(
                    &format!("{}. {} ({})", song.position, song.title, words::stage(song.stage)),
                    &row_json::song(song),
                )?;
                for version in house.versions_of(&song.song_id) {
                    let state = if version.superseded { " (superseded)" } else { "" };
                    let mut alternates: Vec<&str> =
                        version.files.iter().map(|f| f.alternate.as_str()).collect();
                    alternates.dedup();
                    let title = if version.title.is_empty() { "" } else { &format!(" {}", version.title) };
                    c.out.both(
                        &format!(
                            "   {}{state}{title} | {} | {}",
                            words::version(version),
                            words::short(&version.fingerprint),
                            alternates.join(", ")
                        ),
                        &row_json::version(version),
                    )?;
                }
            }
            Ok(())
        }
    }
}

pub async fn invite(
    c: &Context,
    name: Option<String>,
    email: Option<String>,
    roles: &[String],
    project: Option<String>,
    who: &Who,
) -> Result<(), VerbError> {
    let roles =
        roles.iter().map(|r| words::parse_role(r).map(|r| r as i32)).collect::<Result<Vec<_>, _>>()?;
    let client = c.client(who).await?;
    let project_id = match (&project, roles.is_empty()) {
        (None, true) => String::new(),
        (wanted, _) => House::find(&client, wanted.as_deref()).await?.project.project_id,
    };
    if name.is_some() && email.is_none() {
        return Err(VerbError::Usage("a person needs an e-mail: --email ana@example.org".into()));
    }
    let request = v1::CreateInviteRequest {
        name: name.unwrap_or_default(),
        email: email.unwrap_or_default(),
        project_id,
        roles,
        proof: None,
    };
    let (who, is_self) = (request.name.clone(), request.email.is_empty());
    let answer = client.create_invite(request).await?;
    if answer.link.is_empty() && !is_self {
        let who = if who.is_empty() { "The person" } else { &who };
        return c.out.both(
            &format!("{who} is added. They signed in here before: no link is needed, they sign in as they did before."),
            &json!({ "person_id": answer.person_id, "link": null, "expires_ms": null }),
        );
    }
    c.out.aside(
        "The link works once. Give it to the person over a way that you trust; it is not shown again.",
    );
    let browser = answer.link.parse().ok().and_then(|link: Link| link.for_browser());
    if let Some(link) = &browser {
        c.out.aside(&format!("In a browser instead of a terminal: {link}"));
    }
    c.out.both(
        &answer.link,
        &json!({ "person_id": answer.person_id, "link": answer.link, "browser": browser, "expires_ms": answer.expires_ms }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_gets_a_free_name_or_the_persons_own() {
        let taken = ["ana".to_owned(), "ana-studio-example".to_owned()];
        assert_eq!(profile_name_for(&[], "Ana Ruiz", "x", |_| false), "ana-ruiz");
        assert_eq!(profile_name_for(&taken, "Ana", "studio.example", |_| false), "ana-2");
        assert_eq!(profile_name_for(&taken, "Ana", "studio.example", |n| n == "ana"), "ana");
        assert_eq!(profile_name_for(&[], "夜", "x", |_| false), "me");
    }
}
