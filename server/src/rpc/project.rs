//! The Projects service: one door for writes, four ways to read. See `project.proto`. Never here: rules (the domain), folding (the ledger), which rows
//! somebody sees (`wire/view`). Strangers and absent projects get the same answer everywhere.

mod ask;
mod frozen;
mod webhook;

use std::{pin::Pin, sync::Arc};

use deadwax_domain::{
    Actor, Command, PersonId, Project, ProjectId, Reason, Refusal, Roles, SongId, Stage, audience, check,
};
use deadwax_proto::v1;
use futures::{Stream, StreamExt as _};
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request, Response, Status};

use crate::{
    auth::{Caller, People},
    ledger::{Ledger, LedgerError, Perform, Snapshot},
    rpc::{id_text, planner::Planner},
    status,
    studio::Studio,
    watch::{Ended, Hub, Names},
    wire::{self, action::ActionError, words},
};

/// A request larger than this asks for something that no rule would allow.
const REQUEST_BYTES_MAX: usize = 256 * 1024;
const HISTORY_DEFAULT: usize = 100;
const HISTORY_MAX: usize = 500;
/// Facts read at once for the history, and in all for one answer: a viewer who sees few of them must not make the server read for ever.
const HISTORY_PAGE: u64 = 512;
const HISTORY_SCAN: u64 = 16 * HISTORY_PAGE;

pub struct Service {
    ledger: Arc<Ledger>,
    hub: Arc<Hub>,
    closing: CancellationToken,
    /// Absent where the service stands alone, without a studio.
    webhooks: Option<webhook::Webhooks>,
    /// Likewise.
    planner: Option<Arc<Planner>>,
    /// Likewise.
    people: Option<Arc<People>>,
}

impl Service {
    pub fn of(studio: &Arc<Studio>) -> Self {
        let people = Arc::clone(&studio.people);
        let names: Names = Arc::new(move || people.directory());
        let alone = Self::new(Arc::clone(&studio.ledger), names, studio.closing.clone());
        let planner = Some(Arc::clone(&studio.planner));
        let people = Some(Arc::clone(&studio.people));
        Self { webhooks: Some(webhook::Webhooks::of(studio)), planner, people, ..alone }
    }

    /// `closing`: cancelled when the server stops.
    pub fn new(ledger: Arc<Ledger>, names: Names, closing: CancellationToken) -> Self {
        let hub = Hub::new(Arc::clone(&ledger), names);
        Self { ledger, hub, closing, webhooks: None, planner: None, people: None }
    }

    fn ended(&self, ended: Ended) -> Status {
        ended_status(ended, &self.closing)
    }

    /// The project, for a member of it.
    async fn project_for(&self, id: ProjectId, person: PersonId) -> Result<(Arc<Snapshot>, Roles), Status> {
        let snapshot = self.ledger.project(id).await.map_err(status::ledger)?;
        let roles = snapshot.as_ref().and_then(|snapshot| snapshot.project.roles_of(person).cloned());
        match (snapshot, roles) {
            (Some(snapshot), Some(roles)) => Ok((snapshot, roles)),
            _ => Err(no_project()),
        }
    }

    /// What is not asked of a guest is not looked at either: what stands in it is answered by nobody.
    async fn must_be_for_guests(&self, caller: &Caller, perform: &Perform) -> Result<(), Status> {
        if !caller.person.is_guest() || matches!(perform.command, Command::AddNote { .. }) {
            return Ok(());
        }
        let known = self.ledger.project(perform.project).await.map_err(status::ledger)?;
        let theirs = known.is_some_and(|it| it.project.guests.contains(caller.person.id));
        if theirs { Err(status::not_for_guests()) } else { Ok(()) }
    }

    /// The links that ended with their maker's membership end for those who came by them: at once, and in so many words.
    async fn end_links_by(&self, maker: PersonId, project: &Project) {
        let Some(people) = &self.people else { return };
        let theirs = project.links.values().filter(|link| link.by == Some(maker) && link.ended.is_some());
        for link in theirs.map(|link| link.id).collect::<Vec<_>>() {
            // The project's own fact shuts them out already.
            if let Err(error) = people.end_link(link).await {
                tracing::warn!(%error, link = %id_text(link.0), "the sessions of a link whose maker left go on, without a project");
            }
        }
    }

    /// Whom the project adds must be somebody of this studio. Asked after the rules, so that nobody else learns who is.
    async fn must_know_newcomer(&self, perform: &Perform) -> Result<(), LedgerError> {
        let Command::AddMember { person, .. } = &perform.command else { return Ok(()) };
        let snapshot = self.ledger.project(perform.project).await?;
        let allowed = snapshot.is_some_and(|it| check(&it.project, &perform.actor, &perform.command).is_ok());
        let names = self.hub.names();
        if allowed && names.people.get(person).is_none_or(crate::auth::Person::is_guest) {
            return Err(LedgerError::Refused(Refusal {
                reason: Reason::NoSuchPerson,
                text: "There is no such person in this studio.".to_owned(),
                hint: "Invite them first.".to_owned(),
            }));
        }
        Ok(())
    }
}

/// Whom a command takes out of the project.
fn leaver(command: &Command) -> Option<PersonId> {
    if let Command::RemoveMember { person } = command { Some(*person) } else { None }
}

fn no_project() -> Status {
    status::not_found("NO_SUCH_PROJECT", "project")
}

fn ended_status(ended: Ended, closing: &CancellationToken) -> Status {
    match ended {
        Ended::Session if closing.is_cancelled() => status::closing(),
        Ended::Session => status::unauthenticated(),
        Ended::NotAMember => no_project(),
        Ended::Ledger(error) => status::ledger(error),
    }
}

fn malformed(error: ActionError) -> Status {
    match error {
        ActionError::Unknown => status::refuse(
            Code::InvalidArgument,
            "ACTION_UNKNOWN",
            error.to_string(),
            "Ask the studio's owner to update the server.",
        ),
        ActionError::Malformed { .. } => status::malformed(error.to_string()),
        ActionError::Refused(no) => status::refusal(no),
    }
}

fn project_id(text: &str) -> Result<ProjectId, Status> {
    wire::action::id("project_id", text).map(ProjectId).map_err(malformed)
}

/// What was asked and by whom (L-3): another person who sends the same id does not get the first one's answer.
fn request_sha256(person: PersonId, asked: &v1::PerformRequest) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(b"deadwax-perform-1\n");
    hash.update(person.0.to_be_bytes());
    hash.update(asked.encode_to_vec());
    hash.finalize().into()
}

type Updates<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl v1::projects_server::Projects for Service {
    async fn try_gate(
        &self,
        request: Request<v1::TryGateRequest>,
    ) -> Result<Response<v1::TryGateResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.tried(caller.person.id, request.into_inner()).await.map(Response::new)
    }

    async fn turnaround(
        &self,
        request: Request<v1::TurnaroundRequest>,
    ) -> Result<Response<v1::TurnaroundResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.turned_around(caller.person.id, request.into_inner()).await.map(Response::new)
    }

    async fn webhook_secret(
        &self,
        request: Request<v1::WebhookSecretRequest>,
    ) -> Result<Response<v1::WebhookSecretResponse>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(self.secret_of_webhook(caller.person.id, request.get_ref()).await?))
    }

    async fn perform(
        &self,
        request: Request<v1::PerformRequest>,
    ) -> Result<Response<v1::PerformResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let bytes = asked.encoded_len();
        if bytes > REQUEST_BYTES_MAX {
            return Err(status::refuse(
                Code::InvalidArgument,
                "TOO_LARGE",
                format!("The request has {bytes} bytes; {REQUEST_BYTES_MAX} are the limit."),
                "Say it in fewer words.",
            ));
        }
        let person = caller.person.id;
        let mut perform = Perform {
            command_id: wire::action::id("command_id", &asked.command_id).map_err(malformed)?,
            request_sha256: request_sha256(person, &asked),
            project: project_id(&asked.project_id)?,
            actor: Actor::Person { id: person, studio_owner: caller.person.studio_owner },
            expected: asked.expected,
            command: wire::action::command(asked.action).map_err(malformed)?,
        };
        self.must_be_for_guests(&caller, &perform).await?;
        let leaver = leaver(&perform.command);
        if let Some(webhooks) = &self.webhooks {
            webhooks.check(&perform.command).map_err(status::refusal)?;
        }
        webhook::shuffled(self.webhooks.as_ref(), &mut perform.command)
            .map_err(|error| status::internal(&format!("{error:#}")))?;
        let project = perform.project;
        let performed = if frozen::is_frozen(&perform.command) {
            self.freeze(perform).await?
        } else {
            self.must_know_newcomer(&perform).await.map_err(status::ledger)?;
            self.ledger.perform(perform).await.map_err(status::ledger)?
        };
        let now = self.ledger.project(project).await.map_err(status::ledger)?;
        if let (Some(leaver), Some(now)) = (leaver, &now) {
            self.end_links_by(leaver, &now.project).await;
        }
        let told = now.map(|now| {
            let mut told = wire::history::effects(&now.project, person, &self.hub.names(), &performed.events);
            told.extend(ask::warnings(&now.project, &performed.events));
            told
        });
        Ok(Response::new(v1::PerformResponse {
            first_seq: performed.first_seq,
            seq: performed.last_seq,
            effects: told.unwrap_or_default(),
        }))
    }

    async fn list(&self, request: Request<v1::ListRequest>) -> Result<Response<v1::ListResponse>, Status> {
        let caller = Caller::of(&request)?;
        let mine = self.ledger.projects_of(caller.person.id).await.map_err(status::ledger)?;
        let mut projects: Vec<_> = mine.iter().map(|one| summary(one, caller.person.id)).collect();
        projects.sort_by(|a, b| (&a.title, &a.project_id).cmp(&(&b.title, &b.project_id)));
        Ok(Response::new(v1::ListResponse { projects }))
    }

    async fn get(&self, request: Request<v1::GetRequest>) -> Result<Response<v1::Update>, Status> {
        let caller = Caller::of(&request)?;
        let project = project_id(&request.get_ref().project_id)?;
        let rows = self.hub.snapshot(project, caller.person.id).await;
        rows.map(Response::new).map_err(|ended| self.ended(ended))
    }

    type WatchStream = Updates<v1::Update>;

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let project = project_id(&asked.project_id)?;
        let updates = self.hub.watch(project, caller.person.id, asked.from, caller.ended).await;
        let updates = updates.map_err(|ended| self.ended(ended))?;
        let closing = self.closing.clone();
        let updates = updates.map(move |one| one.map_err(|ended| ended_status(ended, &closing)));
        Ok(Response::new(Box::pin(updates)))
    }

    async fn history(
        &self,
        request: Request<v1::HistoryRequest>,
    ) -> Result<Response<v1::HistoryResponse>, Status> {
        let caller = Caller::of(&request)?;
        let asked = request.into_inner();
        let id = project_id(&asked.project_id)?;
        let song = match asked.song_id.as_str() {
            "" => None,
            song => Some(wire::action::id("song_id", song).map(SongId).map_err(malformed)?),
        };
        let (now, _) = self.project_for(id, caller.person.id).await?;
        let limit = match asked.limit as usize {
            0 => HISTORY_DEFAULT,
            limit => limit.min(HISTORY_MAX),
        };
        let newest = now.seq + 1;
        let start = if asked.before_seq == 0 { newest } else { asked.before_seq.min(newest) };
        let (mut before, names) = (start, self.hub.names());
        let mut entries = Vec::new();
        while before > 1 && entries.len() < limit && start - before < HISTORY_SCAN {
            let after = before.saturating_sub(HISTORY_PAGE + 1);
            let count = (before - 1 - after) as usize;
            let page = self.ledger.events(id, after, count).await.map_err(status::ledger)?;
            for one in page.iter().rev() {
                if entries.len() == limit {
                    break;
                }
                before = one.seq;
                entries.extend(wire::history::entry(&now.project, caller.person.id, &names, one, song));
            }
            if page.is_empty() {
                before = 1;
            }
        }
        let next_before_seq = if before > 1 { before } else { 0 };
        Ok(Response::new(v1::HistoryResponse { entries, next_before_seq }))
    }

    async fn desk(&self, request: Request<v1::DeskRequest>) -> Result<Response<v1::DeskResponse>, Status> {
        let caller = Caller::of(&request)?;
        let stored = self.ledger.desk(caller.person.id).await.map_err(status::ledger)?;
        Ok(Response::new(wire::desk::response(stored)))
    }

    type WatchDeskStream = Updates<v1::DeskResponse>;

    async fn watch_desk(
        &self,
        request: Request<v1::DeskRequest>,
    ) -> Result<Response<Self::WatchDeskStream>, Status> {
        let caller = Caller::of(&request)?;
        let closing = self.closing.clone();
        let desk = self.hub.watch_desk(caller.person.id, caller.ended);
        let desk = desk.map(move |one| one.map_err(|ended| ended_status(ended, &closing)));
        Ok(Response::new(Box::pin(desk)))
    }
}

fn summary(snapshot: &Snapshot, person: PersonId) -> v1::ProjectSummary {
    let project = &snapshot.project;
    let count = |songs: usize| u32::try_from(songs).unwrap_or(u32::MAX);
    let songs = || project.songs.values().filter(|song| audience::sees_song(project, person, song.id));
    let in_stage = |stage| count(songs().filter(|song| song.stage == stage).count());
    v1::ProjectSummary {
        project_id: wire::id(snapshot.id.0),
        title: wire::text::scrub(&project.title),
        artist: wire::text::scrub(&project.artist),
        seq: snapshot.seq,
        songs: count(songs().count()),
        songs_delivered: in_stage(Stage::Delivered),
        your_roles: project.roles_of(person).map(words::roles).unwrap_or_default(),
        songs_recording: in_stage(Stage::Recording),
        songs_mixing: in_stage(Stage::Mixing),
        songs_mastering: in_stage(Stage::Mastering),
        changed_ms: project.as_of.0,
    }
}
