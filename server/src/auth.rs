//! People, invites, sessions: the studio's own stream. Tokens and codes are stored as SHA-256 only and never logged.

use std::{collections::HashMap, sync::Arc};

use deadwax_domain::PersonId;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub id: PersonId,
    pub name: String,
    pub email: String,
    pub studio_owner: bool,
}

/// Names for views, as they stood at one moment.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    pub people: HashMap<PersonId, Person>,
}

impl Directory {
    /// "somebody who left" where a person was redacted.
    pub fn name(&self, id: PersonId) -> &str {
        self.people.get(&id).map_or("somebody who left", |person| person.name.as_str())
    }
}

/// Who calls: put into the request's extensions by the interceptor, taken out by every handler.
#[derive(Clone, Debug)]
pub struct Caller {
    pub person: Person,
    pub session_id: u128,
    /// Cancelled within a second of the session's end: every stream selects on it.
    pub ended: tokio_util::sync::CancellationToken,
}

pub struct People {}

impl People {
    pub fn directory(&self) -> Arc<Directory> {
        unimplemented!()
    }
}
