//! The rows of a project for one viewer (V-1): what the audience rule hides is not there, and nothing that is there tells of it: no count, no id,
//! no sentence. Pure; each kind of row has its file. Never here: a rule of the studio; "may I?" is asked of `deadwax_domain::dry`.

mod gate;
pub mod guest;
mod house;
mod marks;
mod note;
pub mod record;
pub mod review;
mod version;
mod work;

use std::collections::BTreeMap;

use deadwax_domain::{
    Actor, Link, PersonId, Project, ProjectId, Refusal, Roles, VersionId, audience, dry::Answer,
};
use deadwax_proto::v1::{self, row::Row as Kind};

use super::text::{scrub, scrubbed};
use crate::auth::Directory;

/// By `Row.key`.
pub type Rows = BTreeMap<String, v1::Row>;

/// One member who looks.
pub struct Viewer<'a> {
    pub project_id: ProjectId,
    pub project: &'a Project,
    pub person: PersonId,
    pub roles: &'a Roles,
    pub names: &'a Directory,
    actor: Actor,
}

impl<'a> Viewer<'a> {
    /// `None` for whoever is not a member: the project does not exist for them.
    pub fn new(
        project_id: ProjectId,
        project: &'a Project,
        person: PersonId,
        names: &'a Directory,
    ) -> Option<Self> {
        let roles = project.roles_of(person)?;
        let studio_owner = names.people.get(&person).is_some_and(|known| known.studio_owner);
        let actor = Actor::Person { id: person, studio_owner };
        Some(Self { project_id, project, person, roles, names, actor })
    }

    /// The link that the viewer comes by; members come by none.
    pub fn comes_by(&self) -> Option<&'a Link> {
        self.project.guest(self.person)
    }

    fn sees_work(&self) -> bool {
        audience::sees_work(self.roles)
    }

    /// A version that is not there is nobody's secret.
    fn sees_version_id(&self, version: VersionId) -> bool {
        let known = self.project.versions.get(version);
        known.is_none_or(|version| audience::sees_version(self.project, self.person, version))
    }

    fn name(&self, person: PersonId) -> String {
        scrub(self.names.name(person))
    }

    /// The house itself has no name of a person.
    fn name_or(&self, person: Option<PersonId>, house: &str) -> String {
        person.map_or_else(|| house.to_owned(), |person| self.name(person))
    }

    fn allowed(&self, answers: Vec<Answer>) -> Vec<v1::Allowed> {
        answers.into_iter().map(|(action, answer)| allowed(action, answer)).collect()
    }
}

fn allowed(action: &str, answer: Result<String, Refusal>) -> v1::Allowed {
    let action = action.to_owned();
    match answer {
        Ok(then) => v1::Allowed { action, yes: true, text: scrubbed(then), ..v1::Allowed::default() },
        Err(no) => v1::Allowed {
            action,
            yes: false,
            reason: no.reason.code().to_owned(),
            text: scrubbed(no.text),
            hint: scrubbed(no.hint),
        },
    }
}

pub use self::{gate::tried as tried_gate, house::turnaround, marks::Marks};

/// Every row that the viewer sees.
pub fn rows(viewer: &Viewer<'_>) -> Rows {
    let mut rows = Rows::new();
    let mut put = |key: String, kind: Kind| {
        rows.insert(key.clone(), v1::Row { key, row: Some(kind) });
    };
    if let Some(link) = viewer.comes_by() {
        guest::rows(viewer, link, &mut put);
        return rows;
    }
    house::rows(viewer, &mut put);
    version::rows(viewer, &mut put);
    if viewer.sees_work() {
        gate::rows(viewer, &mut put);
        note::rows(viewer, &mut put);
        work::rows(viewer, &mut put);
        record::rows(viewer, &mut put);
    }
    rows
}
