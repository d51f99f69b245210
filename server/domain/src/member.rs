//! Members: who belongs to a project, in which roles; and the project's own beginning and terms.

use crate::{
    Actor, Command, Fact, PersonId, Project, Reason, Refusal, Role, Roles, Time,
    asker::Asker,
    decide::{Ruling, Touched, misrouted},
    limits,
    refusal::no,
    text,
};

#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub person: PersonId,
    pub roles: Roles,
    pub since: Time,
}

/// Only a studio owner; they become the manager.
pub(crate) fn create_project(
    project: &Project,
    actor: &Actor,
    title: &str,
    artist: &str,
) -> Result<Ruling, Refusal> {
    let Actor::Person { id, studio_owner: true } = actor else {
        let text = "Only a studio owner may create a project.";
        return no(Reason::NotYourRole, text, "Ask the owner of this studio.");
    };
    if project.exists {
        return no(Reason::ProjectExists, "This project exists already.", "Use a new project id.");
    }
    let created = Fact::ProjectCreated {
        title: text::name("The title", title)?,
        artist: text::name("The artist", artist)?,
    };
    let joined = Fact::MemberAdded { person: *id, roles: Roles::from([Role::Manager]) };
    Ok(Ruling { facts: vec![created, joined], ..Ruling::default() })
}

pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    match command {
        Command::ChangeTerms { .. } => change_terms(project, actor, command),
        Command::AddMember { person, roles } => {
            may_manage(project, actor, "add members")?;
            some_role(roles)?;
            if project.members.contains(*person) {
                let hint = "Change the roles instead.";
                return no(Reason::AlreadyMember, "That person is a member already.", hint);
            }
            if project.guests.contains(*person) {
                let text = "That person is the guest of a link.";
                return no(Reason::NoSuchPerson, text, "Invite them by their e-mail.");
            }
            limits::room(project.members.len(), limits::MEMBERS_MAX, "members")?;
            Ok(Ruling::fact(Fact::MemberAdded { person: *person, roles: roles.clone() }))
        }
        Command::ChangeRoles { person, roles } => {
            may_manage(project, actor, "change roles")?;
            some_role(roles)?;
            let now = known(project, *person)?;
            if now == roles {
                return no(
                    Reason::NothingToChange,
                    "That person holds exactly these roles already.",
                    "There is nothing to do.",
                );
            }
            if !roles.contains(&Role::Manager) {
                keep_a_manager(project, *person)?;
            }
            let fact = Fact::RolesChanged { person: *person, roles: roles.clone() };
            Ok(Ruling::fact(fact).touching(Touched::All))
        }
        Command::RemoveMember { person } => {
            may_manage(project, actor, "remove members")?;
            known(project, *person)?;
            keep_a_manager(project, *person)?;
            // Their hold goes with them, and that may be all that kept a gate shut.
            Ok(Ruling::fact(Fact::MemberRemoved { person: *person }).touching(Touched::All))
        }
        _ => misrouted(),
    }
}

fn change_terms(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let Command::ChangeTerms { rounds_included, self_approval, corrections_free, cut_off } = command else {
        return misrouted();
    };
    Asker::of(project, actor)?.must_hold(&[Role::Manager], "change the terms")?;
    let now = project.terms;
    let terms = crate::Terms {
        rounds_included: rounds_included.unwrap_or(now.rounds_included),
        self_approval: self_approval.unwrap_or(now.self_approval),
        corrections_free: corrections_free.unwrap_or(now.corrections_free),
        cut_off: cut_off.unwrap_or(now.cut_off),
    };
    let most = limits::ROUNDS_INCLUDED_MAX;
    let asked = terms.rounds_included.max(terms.corrections_free);
    if asked > most {
        let text = format!("{asked} rounds or corrections cannot be included; {most} can.");
        return no(Reason::RuleInvalid, text, "Give a smaller number.");
    }
    if terms == now {
        return no(Reason::NothingToChange, "The terms are these already.", "There is nothing to do.");
    }
    Ok(Ruling::fact(Fact::TermsChanged { terms }).touching(Touched::All))
}

/// The manager. A studio owner too, member or not: the house must be able to let people in when a project's only manager is gone.
/// That right ends with members; everything else in the project stays closed to an owner who is not one of them.
fn may_manage(project: &Project, actor: &Actor, doing: &str) -> Result<(), Refusal> {
    if let Actor::Person { studio_owner: true, .. } = actor {
        return Ok(());
    }
    Asker::of(project, actor)?.must_hold(&[Role::Manager], doing).map(|_| ())
}

fn some_role(roles: &Roles) -> Result<(), Refusal> {
    if roles.is_empty() {
        let hint = "Name at least one role: artist, producer, mix-engineer, mastering-engineer, label, manager or listener.";
        return no(Reason::RuleInvalid, "A member needs a role.", hint);
    }
    Ok(())
}

fn known(project: &Project, person: PersonId) -> Result<&Roles, Refusal> {
    match project.roles_of(person) {
        Some(roles) => Ok(roles),
        None => no(Reason::NoSuchPerson, "That person is not a member of this project.", "Add them first."),
    }
}

fn keep_a_manager(project: &Project, leaving: PersonId) -> Result<(), Refusal> {
    let others = project.holders(Role::Manager).any(|manager| manager != leaving);
    if others || !project.holds_role(leaving, Role::Manager) {
        return Ok(());
    }
    let hint = "Make somebody else a manager first.";
    no(Reason::LastManager, "A project cannot lose its last manager.", hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    #[test]
    fn a_project_is_begun_by_a_studio_owner_who_becomes_its_manager() {
        let create = Command::CreateProject { title: "Dust".to_owned(), artist: "Lena".to_owned() };
        nothing().when(person(ARTIST), create.clone()).refused(Reason::NotYourRole);
        nothing().when(person(OWNER), create.clone()).facts(&["PROJECT_CREATED", "MEMBER_ADDED"]);
        Given::studio().when(person(OWNER), create).refused(Reason::ProjectExists);
        let remove = Command::RemoveMember { person: ARTIST };
        nothing().when(person(OWNER), remove).refused(Reason::NoSuchProject);
    }

    #[test]
    fn the_last_manager_stays() {
        let given = Given::studio();
        let demote = Command::ChangeRoles { person: OWNER, roles: Roles::from([Role::Artist]) };
        given.when(person(OWNER), demote.clone()).refused(Reason::LastManager);
        given.when(person(OWNER), Command::RemoveMember { person: OWNER }).refused(Reason::LastManager);
        let promote =
            Command::ChangeRoles { person: LABEL, roles: Roles::from([Role::Label, Role::Manager]) };
        given.and(person(OWNER), promote).when(person(OWNER), demote).facts(&["ROLES_CHANGED"]);
    }

    #[test]
    fn an_owner_who_is_no_member_manages_members_and_nothing_else() {
        let given = Given::studio();
        let owner = Actor::Person { id: STRANGER, studio_owner: true };
        let add = Command::AddMember { person: STRANGER, roles: Roles::from([Role::Manager]) };
        given.when(owner, add.clone()).facts(&["MEMBER_ADDED"]);
        given.when(owner, set_terms(true)).refused(Reason::NotAMember);
        given.when(person(STRANGER), add.clone()).refused(Reason::NotAMember);
        given.when(person(ARTIST), add).refused(Reason::NotYourRole);
        let nobody = Command::AddMember { person: STRANGER, roles: Roles::new() };
        given.when(person(OWNER), nobody).refused(Reason::RuleInvalid);
        let again = Command::AddMember { person: ARTIST, roles: Roles::from([Role::Label]) };
        given.when(person(OWNER), again).refused(Reason::AlreadyMember);
    }
}
