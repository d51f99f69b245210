//! The stored form of links, there and back. Never here: a secret or a password; they stand in no project's stream.

use deadwax_domain::{Fact, LinkId, LinkScope, RecordId, Time};
use deadwax_proto::ledger::v1::{self as stored, fact::What, link_scope::Of};

use super::{
    read::{self, No, present},
    write::id,
};

/// As [`super::record::what`].
pub fn what(fact: &Fact) -> Option<What> {
    Some(match fact {
        Fact::LinkMade { link, guest, scope, expires, sessions_max, download, notes, has_password } => {
            What::LinkMade(stored::LinkMade {
                link: id(link.0),
                guest: id(guest.0),
                scope: Some(stored::LinkScope { of: Some(of(*scope)) }),
                expires_ms: expires.0,
                sessions_max: *sessions_max,
                download: *download,
                notes: *notes,
                has_password: *has_password,
            })
        }
        Fact::LinkRevoked { link } => What::LinkRevoked(stored::LinkRevoked { link: id(link.0) }),
        _ => return None,
    })
}

fn of(scope: LinkScope) -> Of {
    match scope {
        LinkScope::Version(version) => Of::Version(id(version.0)),
        LinkScope::Song(song) => Of::Song(id(song.0)),
        LinkScope::Album => Of::Album(true),
        LinkScope::Record(record) => Of::Record(id(record.0)),
    }
}

/// The other way.
pub fn fact(what: What) -> Result<Fact, No> {
    Ok(match what {
        What::LinkMade(it) => Fact::LinkMade {
            link: link(&it.link)?,
            guest: read::person(&it.guest)?,
            // A scope of another kind was written by a server that knows more of them.
            scope: scope(present("scope", it.scope)?.of.ok_or(No::Newer)?)?,
            expires: Time(it.expires_ms),
            sessions_max: it.sessions_max,
            download: it.download,
            notes: it.notes,
            has_password: it.has_password,
        },
        What::LinkRevoked(it) => Fact::LinkRevoked { link: link(&it.link)? },
        _ => return Err(No::Newer),
    })
}

fn scope(of: Of) -> Result<LinkScope, No> {
    Ok(match of {
        Of::Version(it) => LinkScope::Version(read::version(&it)?),
        Of::Song(it) => LinkScope::Song(read::song(&it)?),
        Of::Album(_) => LinkScope::Album,
        Of::Record(it) => LinkScope::Record(RecordId(read::id("record", &it)?)),
    })
}

fn link(bytes: &[u8]) -> Result<LinkId, No> {
    Ok(LinkId(read::id("link", bytes)?))
}
