//! The Links service: giving something to hear to somebody who is no member. See `link.proto`. Never here: what a guest sees (the domain's `audience`), how a
//! secret or a password is kept (`auth::links`).

mod list;
mod make;

use std::{net::IpAddr, sync::Arc};

use deadwax_domain::{
    Actor, Command, LinkId, LinkScope, PersonId, Project, ProjectId, Reason, Refusal, link,
};
use deadwax_proto::v1;
use tonic::{Request, Response, Status};
use zeroize::Zeroizing;

use super::{
    id_text, parse_id,
    session::{check_api, to_its_end},
};
use crate::{
    auth::{Caller, LinkPlace, NotOpened, OpenLink, layer::address},
    ledger::{LedgerError, Perform, Snapshot},
    status,
    studio::Studio,
};

#[derive(Clone)]
pub struct Service {
    studio: Arc<Studio>,
}

impl Service {
    pub fn new(studio: Arc<Studio>) -> Self {
        Self { studio }
    }

    /// The project, where the caller is a member of it.
    async fn project(&self, caller: &Caller, id: ProjectId) -> Result<Arc<Snapshot>, Status> {
        let snapshot = self.studio.ledger.project(id).await.map_err(status::ledger)?;
        let member = snapshot.filter(|it| it.project.members.contains(caller.person.id));
        member.ok_or_else(|| status::not_found("NO_SUCH_PROJECT", "project"))
    }
}

fn actor(caller: &Caller) -> Actor {
    Actor::Person { id: caller.person.id, studio_owner: caller.person.studio_owner }
}

fn project_id(text: &str) -> Result<ProjectId, Status> {
    parse_id("project_id", text).map(ProjectId)
}

fn told(scope: LinkScope) -> v1::LinkScope {
    use v1::link_scope::Of;
    let of = match scope {
        LinkScope::Version(version) => Of::VersionId(id_text(version.0)),
        LinkScope::Song(song) => Of::SongId(id_text(song.0)),
        LinkScope::Album => Of::Album(true),
        LinkScope::Record(record) => Of::RecordId(id_text(record.0)),
    };
    v1::LinkScope { of: Some(of) }
}

#[tonic::async_trait]
impl v1::links_server::Links for Service {
    async fn make(
        &self,
        request: Request<v1::MakeLinkRequest>,
    ) -> Result<Response<v1::MakeLinkResponse>, Status> {
        let caller = Caller::of(&request)?;
        let service = self.clone();
        let made = to_its_end(async move { service.made(&caller, request.into_inner()).await });
        Ok(Response::new(made.await??))
    }

    async fn list(
        &self,
        request: Request<v1::ListLinksRequest>,
    ) -> Result<Response<v1::ListLinksResponse>, Status> {
        let caller = Caller::of(&request)?;
        self.listed(&caller, &request.into_inner().project_id).await.map(Response::new)
    }

    async fn revoke(
        &self,
        request: Request<v1::RevokeLinkRequest>,
    ) -> Result<Response<v1::RevokeLinkResponse>, Status> {
        let caller = Caller::of(&request)?;
        let service = self.clone();
        let revoked = to_its_end(async move { service.revoked(&caller, &request.into_inner()).await });
        Ok(Response::new(revoked.await??))
    }

    async fn open(
        &self,
        request: Request<v1::OpenLinkRequest>,
    ) -> Result<Response<v1::OpenLinkResponse>, Status> {
        let (service, address) = (self.clone(), address(request.extensions()));
        let opened = to_its_end(async move { service.opened(request.into_inner(), address).await });
        Ok(Response::new(opened.await??))
    }
}

impl Service {
    /// What opens it ends first: a crash in between leaves a link that nobody opens, and the next try writes down the rest.
    async fn revoked(
        &self,
        caller: &Caller,
        asked: &v1::RevokeLinkRequest,
    ) -> Result<v1::RevokeLinkResponse, Status> {
        let command_id = parse_id("command_id", &asked.command_id)?;
        let (project, id) = (project_id(&asked.project_id)?, LinkId(parse_id("link_id", &asked.link_id)?));
        // A store that is away keeps nobody in.
        let _what_is_known_counts = self.studio.people.look().await;
        let snapshot = self.project(caller, project).await?;
        let known = snapshot.project.links.get(id);
        if !known.is_some_and(|known| link::answers_for(&snapshot.project, caller.person.id, known)) {
            return Err(status::not_found("NO_SUCH_LINK", "link"));
        }
        let ended = self.studio.people.end_link(id).await.map_err(status::auth)?;
        let told = self.studio.ledger.perform(Perform {
            command_id,
            request_sha256: make::request_sha256(caller.person.id, asked),
            project,
            actor: actor(caller),
            expected: None,
            command: Command::RevokeLink { link: id },
        });
        match told.await {
            // It has ended: by somebody else, or with whoever made it.
            Ok(_) | Err(LedgerError::Refused(Refusal { reason: Reason::NothingToChange, .. })) => {}
            Err(error) => return Err(status::ledger(error)),
        }
        tracing::info!(person = %id_text(caller.person.id.0), link = %id_text(id.0), "a link was revoked");
        Ok(v1::RevokeLinkResponse { sessions_ended: u32::try_from(ended).unwrap_or(u32::MAX) })
    }

    async fn opened(
        &self,
        asked: v1::OpenLinkRequest,
        address: Option<IpAddr>,
    ) -> Result<v1::OpenLinkResponse, Status> {
        check_api(asked.api)?;
        let (secret, password) = (Zeroizing::new(asked.secret), Zeroizing::new(asked.password));
        let people = &self.studio.people;
        let place = people.link_of(&secret, address).await.map_err(status::auth)?;
        let snapshot = self.studio.ledger.project(place.project).await.map_err(status::ledger)?;
        let snapshot = snapshot.ok_or_else(|| status::auth(NotOpened::Unknown.into()))?;
        let stands = stands(&snapshot.project, &place).map_err(|no| status::auth(no.into()))?.clone();
        let device = if asked.device.trim().is_empty() { "unnamed browser" } else { &asked.device };
        let open = OpenLink { place, password: &password, device, address };
        let opened = people.open_link(open).await.map_err(status::auth)?;
        let address = address.map(|it| it.to_canonical().to_string()).unwrap_or_default();
        tracing::info!(person = %id_text(opened.person.id.0), link = %id_text(place.link.0), address, "a link was opened");
        Ok(v1::OpenLinkResponse {
            token: opened.token.reveal().to_owned(),
            expires_ms: opened.expires_ms,
            project_id: id_text(place.project.0),
            guest: Some(v1::Person {
                person_id: id_text(opened.person.id.0),
                name: opened.person.name,
                ..v1::Person::default()
            }),
            scope: Some(told(stands.scope)),
            studio: self.studio.config().name.clone(),
            download: stands.download,
            notes: stands.notes,
        })
    }
}

/// What the project says of the link. A secret without its fact opens nothing: its making was cut short.
fn stands<'a>(project: &'a Project, place: &LinkPlace) -> Result<&'a deadwax_domain::Link, NotOpened> {
    let known = project.links.get(place.link).filter(|known| known.guest == place.guest);
    let known = known.ok_or(NotOpened::Unknown)?;
    if project.guest(place.guest).is_none() { Err(NotOpened::Ended) } else { Ok(known) }
}

/// Of a person; never of one who is a member of anything.
fn guest_of(command: &[u8; 32]) -> PersonId {
    PersonId(make::id_of(b"guest", command))
}
