//! Who hears of what, and where else it is told: following, muting, webhooks. Never here: sending.

use crate::{
    Actor, Command, Fact, PersonId, Project, Reason, Refusal, Role, SongId, Time, WebhookId,
    asker::{Asker, free_id},
    decide::{Ruling, misrouted},
    limits,
    refusal::no,
    sentence, text,
};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum FollowLevel {
    /// What waits on oneself.
    #[default]
    Waiting,
    /// Everything that happens, too.
    All,
    Muted,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    pub id: WebhookId,
    pub url: String,
    /// Of facts; empty: all.
    pub codes: Vec<String>,
    pub by: PersonId,
    pub at: Time,
}

impl Project {
    /// What was said of the song, else of the project, else the default.
    pub fn follow_level(&self, person: PersonId, song: Option<SongId>) -> FollowLevel {
        let said = |song: Option<SongId>| self.follows.get(&(person, song)).copied();
        song.and_then(|song| said(Some(song))).or_else(|| said(None)).unwrap_or_default()
    }
}

pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let asker = Asker::of(project, actor)?;
    match command {
        Command::Follow { song, level } => {
            if let Some(song) = song {
                asker.song(*song)?;
            }
            let said = project.follows.get(&(asker.id, *song)).copied();
            let now = said.unwrap_or_else(|| project.follow_level(asker.id, *song));
            if now == *level {
                return no(
                    Reason::NothingToChange,
                    "You hear of it like that already.",
                    "There is nothing to do.",
                );
            }
            Ok(Ruling::fact(Fact::Followed { song: *song, level: *level }))
        }
        Command::SetWebhook { webhook, url, codes } => {
            asker.must_hold(&[Role::Manager], "set a webhook")?;
            free_id(project.webhooks.contains(*webhook))?;
            limits::room(project.webhooks.len(), limits::WEBHOOKS_MAX, "webhooks")?;
            limits::at_most(codes.len(), limits::WEBHOOK_CODES_MAX, "kinds of facts")?;
            let url = text::required("The address", url)?;
            if let Some(unknown) = codes.iter().find(|code| !sentence::CODES.contains(&code.as_str())) {
                let text =
                    format!("No kind of fact is called \"{}\".", text::name("A kind of fact", unknown)?);
                return no(
                    Reason::RuleInvalid,
                    text,
                    "Use the codes of the history: VERSION_ADDED, APPROVED, ...",
                );
            }
            let codes = codes.clone();
            Ok(Ruling::fact(Fact::WebhookSet { webhook: *webhook, url, codes }))
        }
        Command::RemoveWebhook { webhook } => {
            asker.must_hold(&[Role::Manager], "remove a webhook")?;
            if !project.webhooks.contains(*webhook) {
                let hint = "Look at the list of webhooks.";
                return no(Reason::NoSuchWebhook, "There is no such webhook in this project.", hint);
            }
            Ok(Ruling::fact(Fact::WebhookRemoved { webhook: *webhook }))
        }
        _ => misrouted(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    fn follow(song: Option<SongId>, level: FollowLevel) -> Command {
        Command::Follow { song, level }
    }

    fn hook(id: u128, codes: &[&str]) -> Command {
        let codes = codes.iter().map(|code| (*code).to_owned()).collect();
        Command::SetWebhook { webhook: WebhookId(id), url: "https://example.org/hook".to_owned(), codes }
    }

    #[test]
    fn what_is_said_of_a_song_goes_before_what_is_said_of_the_project() {
        let given = Given::mixed();
        given.when(person(STRANGER), follow(None, FollowLevel::All)).refused(Reason::NotAMember);
        given.when(person(LISTENER), follow(None, FollowLevel::Waiting)).refused(Reason::NothingToChange);
        given.when(person(LISTENER), follow(Some(SongId(9)), FollowLevel::All)).refused(Reason::NoSuchSong);
        let given = given.and(person(LISTENER), follow(None, FollowLevel::Muted));
        assert_eq!(given.project.follow_level(LISTENER, Some(SONG)), FollowLevel::Muted);
        let given = given.and(person(LISTENER), follow(Some(SONG), FollowLevel::All));
        assert_eq!(given.project.follow_level(LISTENER, Some(SONG)), FollowLevel::All);
        assert_eq!(given.project.follow_level(LISTENER, None), FollowLevel::Muted);
        assert_eq!(given.project.follow_level(ARTIST, Some(SONG)), FollowLevel::Waiting);
        // Who comes back begins anew.
        let gone = given.and(person(OWNER), Command::RemoveMember { person: LISTENER });
        assert_eq!(gone.project.follow_level(LISTENER, Some(SONG)), FollowLevel::Waiting);
    }

    #[test]
    fn a_webhook_is_the_managers_and_hears_of_facts_that_there_are() {
        let given = Given::mixed();
        given.when(person(LABEL), hook(1, &[])).refused(Reason::NotYourRole);
        given.when(person(OWNER), hook(1, &["APROVED"])).refused(Reason::RuleInvalid);
        given.when(person(OWNER), hook(1, &["APPROVED", "\u{1b}[2J"])).refused(Reason::NameInvalid);
        let given = given.and(person(OWNER), hook(1, &["APPROVED", "VERSION_ADDED"]));
        given.when(person(OWNER), hook(1, &[])).refused(Reason::IdTaken);
        let remove = |id| Command::RemoveWebhook { webhook: WebhookId(id) };
        given.when(person(OWNER), remove(2)).refused(Reason::NoSuchWebhook);
        given.when(person(LABEL), remove(1)).refused(Reason::NotYourRole);
        given.when(person(OWNER), remove(1)).facts(&["WEBHOOK_REMOVED"]);
        let full = (2..=limits::WEBHOOKS_MAX as u128)
            .fold(given, |given, id| given.and(person(OWNER), hook(id, &[])));
        full.when(person(OWNER), hook(99, &[])).refused(Reason::LimitReached);
    }
}
