//! The fold of links. Total like the rest of it (P-6): a link whose guest is somebody already is none.

use crate::{Event, Fact, Link, LinkId, PersonId, Project, Role, Roles};

impl Project {
    pub(super) fn fold_link(&mut self, event: &Event) {
        match &event.fact {
            Fact::LinkMade { link, guest, scope, expires, sessions_max, download, notes, has_password } => {
                let is_somebody = self.members.contains(*guest) || self.guests.contains(*guest);
                let new = Link {
                    id: *link,
                    guest: *guest,
                    by: event.by,
                    at: event.at,
                    scope: *scope,
                    expires: *expires,
                    sessions_max: *sessions_max,
                    download: *download,
                    notes: *notes,
                    has_password: *has_password,
                    ended: None,
                    roles: Roles::from([Role::Listener]),
                };
                if !is_somebody && self.links.insert_new(*link, new) {
                    self.guests.insert_new(*guest, *link);
                }
            }
            Fact::LinkRevoked { link } => self.end_link(*link, event),
            _ => {}
        }
    }

    /// Whoever leaves knew the secrets that they gave out.
    pub(super) fn end_links_by(&mut self, person: PersonId, event: &Event) {
        let theirs = self.links.values().filter(|link| link.by == Some(person) && link.ended.is_none());
        let theirs: Vec<LinkId> = theirs.map(|link| link.id).collect();
        theirs.into_iter().for_each(|link| self.end_link(link, event));
    }

    fn end_link(&mut self, link: LinkId, event: &Event) {
        self.links.change(link, |link| {
            link.ended.get_or_insert((event.at, event.by));
        });
    }
}
