//! Links of a project that nobody has used yet, for its managers. Never here: sessions, and links of people who have signed in: those are their own affair.

use std::sync::Arc;

use deadwax_domain::{ProjectId, Role};
use deadwax_proto::v1;
use tonic::{Code, Status};

use super::{Service, to_its_end};
use crate::{
    auth::{AuthError, Caller, InviteLine, Person},
    rpc::{id_text, parse_id},
    status,
};

impl Service {
    pub(super) async fn invites(
        &self,
        caller: &Caller,
        project: &str,
    ) -> Result<Vec<(Person, InviteLine)>, Status> {
        let id = ProjectId(parse_id("project_id", project)?);
        let snapshot = self.studio.ledger.project(id).await.map_err(status::ledger)?;
        let member = snapshot.filter(|snapshot| snapshot.project.roles_of(caller.person.id).is_some());
        let snapshot = member.ok_or_else(|| status::not_found("NO_SUCH_PROJECT", "project"))?;
        if !snapshot.project.holds_role(caller.person.id, Role::Manager) {
            let text = "Links of this project are its managers' affair.";
            let hint = "Ask a manager of the project.";
            return Err(status::refuse(Code::PermissionDenied, "NOT_YOUR_ROLE", text, hint));
        }
        let people = &self.studio.people;
        let mut found = Vec::new();
        for member in snapshot.project.members.keys() {
            let Some(person) = people.person(member).filter(|person| !people.has_signed_in(person.id)) else {
                continue;
            };
            // Somebody whom other projects invited too: their links are not this manager's alone.
            if self.may_show_link(caller, &person, id).await? {
                found.extend(people.invites_of(person.id).into_iter().map(|line| (person.clone(), line)));
            }
        }
        found.sort_by_key(|(_, line)| (line.made_ms, line.id));
        Ok(found)
    }

    pub(super) async fn revoke(
        &self,
        caller: &Caller,
        asked: &v1::RevokeInviteRequest,
    ) -> Result<(), Status> {
        // A store that is away keeps nobody in.
        let _what_is_known_counts = self.look().await;
        let invites = self.invites(caller, &asked.project_id).await?;
        let invite = parse_id("invite_id", &asked.invite_id)?;
        let found = invites.into_iter().find(|(_, line)| line.id == invite);
        let (person, line) = found.ok_or_else(|| status::auth(AuthError::CodeUnknown))?;
        let people = Arc::clone(&self.studio.people);
        let revoked = to_its_end(async move { people.revoke_invite(person.id, line.id).await });
        revoked.await?.map_err(status::auth)
    }
}

pub(super) fn info((person, line): (Person, InviteLine)) -> v1::InviteInfo {
    v1::InviteInfo {
        invite_id: id_text(line.id),
        person_id: id_text(person.id.0),
        name: crate::wire::text::scrub(&person.name),
        made_ms: line.made_ms,
        expires_ms: line.expires_ms,
    }
}
