//! Inviting: a member of a project, a person without one, a further device of one's own. Never here: who may add a member (the domain, asked dry before anything is
//! written), how a code is made or kept (`auth`), links that are open (`invites`).

use deadwax_domain::{Actor, Command, PersonId, ProjectId, Reason, Refusal, Roles};
use deadwax_proto::v1;
use tonic::Status;

use super::{Service, id_text, owners_only, parse_id, roles};
use crate::{
    auth::{Caller, Person, Shown},
    ledger::LedgerError,
    status,
};

/// As its proof names it.
const CALL: &str = "CreateInvite";

/// Who was invited, and what was shown for the link that the inviter gets. `None`: they get none.
struct Invited {
    person: Person,
    link: Option<Shown>,
}

impl Service {
    pub(super) async fn invite(
        &self,
        caller: &Caller,
        asked: &v1::CreateInviteRequest,
    ) -> Result<v1::CreateInviteResponse, Status> {
        self.look().await?;
        let Invited { person, link } = if asked.project_id.is_empty() {
            self.invite_to_studio(caller, asked).await?
        } else {
            self.invite_to_project(caller, asked).await?
        };
        let person_id = id_text(person.id.0);
        let Some(shown) = link else {
            return Ok(v1::CreateInviteResponse { person_id, link: String::new(), expires_ms: 0 });
        };
        let issued = self.studio.people.issue_code_by(person.id, shown).await.map_err(status::auth)?;
        let link = self.studio.invite_link(&issued.code);
        Ok(v1::CreateInviteResponse { person_id, link, expires_ms: issued.expires_ms })
    }

    /// A link lets whoever sees it sign in as this person. Whoever signs in already needs none, and a manager must not be able to act as a studio
    /// owner, or as the label of a project that is not theirs: only an owner makes a link for a person that others know.
    pub(super) async fn may_show_link(
        &self,
        caller: &Caller,
        known: &Person,
        project: ProjectId,
    ) -> Result<bool, Status> {
        if caller.person.studio_owner {
            return Ok(true);
        }
        if known.studio_owner || self.studio.people.has_signed_in(known.id) {
            return Ok(false);
        }
        let theirs = self.studio.ledger.projects_of(known.id).await.map_err(status::ledger)?;
        Ok(theirs.iter().all(|snapshot| snapshot.id == project))
    }

    /// Whether a link for this person is a further way in to something that is somebody's already: then a token alone makes none.
    fn has_a_way_in(&self, person: &Person) -> bool {
        person.studio_owner || self.studio.people.has_signed_in(person.id)
    }

    /// A further device for the caller, or (owners) a person without a project.
    async fn invite_to_studio(
        &self,
        caller: &Caller,
        asked: &v1::CreateInviteRequest,
    ) -> Result<Invited, Status> {
        let people = &self.studio.people;
        let known = people.by_email(&asked.email);
        if asked.email.is_empty() || known.as_ref().is_some_and(|known| known.id == caller.person.id) {
            let shown = self.shown_again(caller, CALL, asked.proof.as_ref())?;
            return Ok(Invited { person: caller.person.clone(), link: Some(shown) });
        }
        if !caller.person.studio_owner {
            return Err(owners_only("Inviting somebody without a project"));
        }
        let shown = match &known {
            Some(known) if self.has_a_way_in(known) => {
                self.shown_again(caller, CALL, asked.proof.as_ref())?
            }
            _ => Shown::default(),
        };
        let person = match known {
            Some(person) => person,
            None => people.add(&asked.name, &asked.email, false).await.map_err(status::auth)?,
        };
        Ok(Invited { person, link: Some(shown) })
    }

    async fn invite_to_project(
        &self,
        caller: &Caller,
        asked: &v1::CreateInviteRequest,
    ) -> Result<Invited, Status> {
        let project = ProjectId(parse_id("project_id", &asked.project_id)?);
        let roles = roles(&asked.roles)?;
        let ledger = &self.studio.ledger;
        let snapshot = ledger.project(project).await.map_err(status::ledger)?;
        let snapshot = snapshot.ok_or_else(|| status::not_found("NO_SUCH_PROJECT", "project"))?;
        let actor = Actor::Person { id: caller.person.id, studio_owner: caller.person.studio_owner };

        // Asked dry first, with the id that the person will have: a refused invite makes nobody.
        let people = &self.studio.people;
        let known = people.by_email(&asked.email);
        let id = known.as_ref().map_or_else(|| PersonId(uuid::Uuid::now_v7().as_u128()), |known| known.id);
        let add = Command::AddMember { person: id, roles: roles.clone() };
        let member_already = match ledger.dry(&snapshot, &actor, &add) {
            Ok(()) => false,
            Err(Refusal { reason: Reason::AlreadyMember, .. })
                if snapshot.project.roles_of(id) == Some(&roles) =>
            {
                true
            }
            Err(refusal) => return Err(status::refusal(refusal)),
        };
        let link = match &known {
            Some(known) if !self.may_show_link(caller, known, project).await? => None,
            // They are made a member all the same: whoever signs in already needs no link.
            Some(known) if self.has_a_way_in(known) && asked.proof.is_none() => None,
            Some(known) if self.has_a_way_in(known) => {
                Some(self.shown_again(caller, CALL, asked.proof.as_ref())?)
            }
            _ => Some(Shown::default()),
        };
        let person = match known {
            Some(person) => person,
            None => people.add_as(id, &asked.name, &asked.email, false).await.map_err(status::auth)?,
        };
        if !member_already {
            self.add_member(project, actor, person.id, roles).await?;
        }
        Ok(Invited { person, link })
    }

    async fn add_member(
        &self,
        project: ProjectId,
        actor: Actor,
        person: PersonId,
        roles: Roles,
    ) -> Result<(), Status> {
        match self.about(project, actor, person, Command::AddMember { person, roles }).await {
            // Two invites of one person at once: the other made the member, this one still makes a link.
            Err(LedgerError::Refused(Refusal { reason: Reason::AlreadyMember, .. })) => Ok(()),
            done => done.map_err(status::ledger),
        }
    }
}
