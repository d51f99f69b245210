//! The Audit service: who received which bytes. See `audit.proto`. Never here: the book itself (`egress`); what a caller may not know of a project is the
//! domain's `audience`.

use std::sync::Arc;

use deadwax_domain::{PersonId, Project, ProjectId, RecordId, Role, SongId, VersionId, audience};
use deadwax_proto::v1;
use tonic::{Code, Request, Response, Status};

use super::{id_text, media::digest, parse_id};
use crate::{
    auth::Caller,
    egress::{Begun, Of, Reception, Way},
    ledger::Snapshot,
    status,
    studio::Studio,
    wire::text::scrub,
};

const DEFAULT: usize = 100;
const MOST: usize = 500;
/// Pages of the book read for one answer: a caller who may see few of them must not make the server read for ever.
const SCAN: usize = 16_384;

pub struct Service {
    studio: Arc<Studio>,
}

impl Service {
    pub fn new(studio: Arc<Studio>) -> Self {
        Self { studio }
    }
}

#[tonic::async_trait]
impl v1::audit_server::Audit for Service {
    async fn received(
        &self,
        request: Request<v1::ReceivedRequest>,
    ) -> Result<Response<v1::ReceivedResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.told(&caller, request.into_inner()).await.map(Response::new)
    }
}

impl Service {
    async fn told(
        &self,
        caller: &Caller,
        asked: v1::ReceivedRequest,
    ) -> Result<v1::ReceivedResponse, Status> {
        let within = self.within(caller, &asked.project_id).await?;
        let of = of(&asked)?;
        let before = if asked.before == 0 { u64::MAX } else { asked.before };
        let most = match asked.limit as usize {
            0 => DEFAULT,
            limit => limit.min(MOST),
        };
        let (viewer, owner) = (caller.person.id, caller.person.studio_owner);
        let wanted = move |begun: &Begun| match &within {
            None => true,
            Some((id, of)) => {
                begun.project == *id
                    && (owner || of.as_ref().is_some_and(|it| may_know(&it.project, viewer, begun)))
            }
        };
        let received = self.studio.egress.received(of, before, (SCAN, most), wanted).await;
        let (receptions, next_before) = received.map_err(status::book)?;
        let mut told = Vec::with_capacity(receptions.len());
        for reception in &receptions {
            told.push(self.row(viewer, reception).await?);
        }
        Ok(v1::ReceivedResponse { receptions: told, next_before })
    }

    /// `None`: the whole studio. An owner may name a project that they are no member of, or that is gone.
    async fn within(
        &self,
        caller: &Caller,
        id: &str,
    ) -> Result<Option<(ProjectId, Option<Arc<Snapshot>>)>, Status> {
        let owner = caller.person.studio_owner;
        if id.is_empty() {
            let text = "Seeing what left the whole studio needs a studio owner.";
            let hint = "Name a project of which you are the manager or the label, or ask a studio owner.";
            return if owner { Ok(None) } else { Err(not_your_role(text, hint)) };
        }
        let id = ProjectId(parse_id("project_id", id)?);
        let snapshot = self.studio.ledger.project(id).await.map_err(status::ledger)?;
        if owner {
            return Ok(Some((id, snapshot)));
        }
        let unknown = || status::not_found("NO_SUCH_PROJECT", "project");
        let snapshot = snapshot.ok_or_else(unknown)?;
        let roles = snapshot.project.roles_of(caller.person.id).ok_or_else(unknown)?;
        if roles.contains(&Role::Manager) || roles.contains(&Role::Label) {
            return Ok(Some((id, Some(snapshot))));
        }
        let text = "Who received what is for the managers and the label of the project.";
        Err(not_your_role(text, "Ask one of them."))
    }

    async fn row(&self, viewer: PersonId, reception: &Reception) -> Result<v1::Reception, Status> {
        let Reception { begun, ended } = reception;
        let snapshot = self.studio.ledger.project(begun.project).await.map_err(status::ledger)?;
        let what = snapshot.map(|it| what(&it.project, viewer, begun)).unwrap_or_default();
        let names = self.studio.people.directory();
        let sessions = self.studio.people.sessions_of(begun.person);
        let device = sessions.into_iter().find(|it| it.id == begun.session).map(|it| it.device);
        Ok(v1::Reception {
            number: begun.number,
            begun_ms: begun.at_ms,
            ended_ms: ended.map_or(0, |ended| ended.at_ms),
            person_id: id_text(begun.person.0),
            name: scrub(names.name(begun.person)),
            session_id: id_text(begun.session),
            device: scrub(&device.unwrap_or_default()),
            address: begun.address.map(|address| address.to_string()).unwrap_or_default(),
            way: begun.way.word().to_owned(),
            project_id: id_text(begun.project.0),
            object_id: if begun.object == 0 { String::new() } else { id_text(begun.object) },
            what: scrub(&what),
            sha256: begun.digest.to_string(),
            offset: begun.offset,
            file_bytes: begun.file_bytes,
            sent_bytes: ended.map_or(0, |ended| ended.sent),
        })
    }
}

fn not_your_role(text: &str, hint: &str) -> Status {
    status::refuse(Code::PermissionDenied, "NOT_YOUR_ROLE", text, hint)
}

fn of(asked: &v1::ReceivedRequest) -> Result<Of, Status> {
    match (asked.sha256.as_str(), asked.person_id.as_str()) {
        ("", "") => Ok(Of::All),
        (text, "") => digest(text).map(Of::Digest),
        ("", text) => Ok(Of::Person(PersonId(parse_id("person_id", text)?))),
        _ => Err(status::malformed("Give `sha256` or `person_id`, not both.")),
    }
}

/// V-1: who fetched a mix before all others tells whose it is.
fn may_know(project: &Project, viewer: PersonId, begun: &Begun) -> bool {
    audience::may_name(project, viewer, VersionId(begun.object), begun.person)
}

/// In words. An owner of the studio who is no member of the project is told ids alone: running a server is no seat at the table.
fn what(project: &Project, viewer: PersonId, begun: &Begun) -> String {
    if project.roles_of(viewer).is_none() {
        return String::new();
    }
    in_words(project, begun)
}

/// What was given, for whoever may know all of the project.
pub fn in_words(project: &Project, begun: &Begun) -> String {
    match begun.way {
        Way::Download | Way::Listen => {
            let version = project.versions.get(VersionId(begun.object));
            let name =
                |it: &deadwax_domain::Version| format!("{}, {}", project.song_name(it.song), it.name());
            version.map(name).unwrap_or_default()
        }
        Way::Handoff => project.song_name(SongId(begun.object)),
        Way::Record => project.record(RecordId(begun.object)).map(|it| it.name()).unwrap_or_default(),
        Way::Cover | Way::Evidence => project.title.clone(),
    }
}
