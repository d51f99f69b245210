//! What is told of links: to whom the music was given to hear, and that it ended. Never a secret: none is here.

use super::{Said, Say};
use crate::{Fact, LinkId, LinkScope, SongId, link::scope_words};

impl Say<'_> {
    pub(super) fn link_text(&self, fact: &Fact) -> Said {
        let (who, project) = (&self.who, self.project);
        match fact {
            Fact::LinkMade { guest, scope, expires, download, .. } => {
                let (guest, what) = ((self.names)(*guest), scope_words(project, *scope));
                let may = if *download { "hear and fetch" } else { "hear" };
                let text =
                    format!("{who} made a link for {guest} to {may} {what}, until {}.", expires.words());
                (self.song_of(*scope), text)
            }
            Fact::LinkRevoked { link } => {
                let known = project.links.get(*link);
                let guest = known.map_or_else(|| "somebody".to_owned(), |link| (self.names)(link.guest));
                (self.song_of_link(*link), format!("{who} ended the link of {guest}."))
            }
            _ => (None, String::new()),
        }
    }

    fn song_of_link(&self, link: LinkId) -> Option<SongId> {
        self.song_of(self.project.links.get(link)?.scope)
    }

    fn song_of(&self, scope: LinkScope) -> Option<SongId> {
        match scope {
            LinkScope::Version(version) => self.project.versions.get(version).map(|version| version.song),
            LinkScope::Song(song) => Some(song),
            LinkScope::Album | LinkScope::Record(_) => None,
        }
    }
}
