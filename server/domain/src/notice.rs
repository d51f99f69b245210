//! Who hears of what, and where else it is told: following, muting, webhooks. Never here: sending.

use crate::{
    Actor, Command, Fact, PersonId, Project, Reason, Refusal, Role, SongId, Time, WebhookId,
    asker::{Asker, free_id},
    decide::{Ruling, misrouted},
    limits,
    refusal::no,
    text,
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
            let code = |code: &String| text::required("A kind of fact", code);
            let codes = codes.iter().map(code).collect::<Result<_, _>>()?;
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
