//! Members: who belongs to a project, in which roles.

use crate::{PersonId, Roles, Time};

#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub person: PersonId,
    pub roles: Roles,
    pub since: Time,
}
