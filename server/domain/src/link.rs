//! Links: what somebody who is no member may hear, until when, and who may give that away. A guest is a person whose whole membership is one link: a listener
//! inside its scope, and nobody anywhere else. What is in a scope is told here and asked in `audience`. Never here: the secret, the password and how often a link
//! was opened; those are the studio's.

use crate::{
    Actor, Command, Fact, LinkId, PersonId, Project, Reason, RecordId, Refusal, Role, Roles, SongId, Time,
    Version, VersionId, VersionKind,
    asker::{Asker, free_id},
    decide::{Ruling, misrouted},
    limits,
    refusal::no,
};

/// Who may give something away to hear: whoever answers for the project, and those whose music it is. Those who work on it for them may not.
pub const MAKERS: [Role; 3] = [Role::Manager, Role::Label, Role::Artist];

const DAY_MS: i64 = 24 * 3600 * 1000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkScope {
    Version(VersionId),
    /// Its versions as a listener hears them, those to come too.
    Song(SongId),
    /// Of every song the version that counts now.
    Album,
    /// The files of a record, and the masters that it was made from.
    Record(RecordId),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    pub id: LinkId,
    /// Who hears by it: a person made for this link alone.
    pub guest: PersonId,
    pub by: Option<PersonId>,
    pub at: Time,
    pub scope: LinkScope,
    pub expires: Time,
    pub sessions_max: u32,
    /// Originals may be fetched.
    pub download: bool,
    /// The guest may write notes.
    pub notes: bool,
    pub has_password: bool,
    /// When it was revoked, and by whom; the clock may have ended it before.
    pub ended: Option<(Time, Option<PersonId>)>,
    /// Of its guest: a listener.
    pub roles: Roles,
}

impl Link {
    /// Is the version in its scope? Whether a listener sees it at all is asked elsewhere.
    pub fn holds(&self, project: &Project, version: &Version) -> bool {
        match self.scope {
            LinkScope::Version(id) => version.id == id,
            LinkScope::Song(song) => version.song == song,
            LinkScope::Album => project.on_the_album(version.song).is_some_and(|it| it.id == version.id),
            LinkScope::Record(record) => project
                .record(record)
                .is_some_and(|record| record.sources.iter().any(|source| source.version == version.id)),
        }
    }

    /// The same of a song: of something that stands in its scope.
    pub fn holds_song(&self, project: &Project, song: SongId) -> bool {
        match self.scope {
            LinkScope::Version(id) => project.versions.get(id).is_some_and(|version| version.song == song),
            LinkScope::Song(id) => id == song,
            LinkScope::Album => project.songs.contains(song),
            LinkScope::Record(record) => project
                .record(record)
                .is_some_and(|record| record.sources.iter().any(|source| source.song == song)),
        }
    }

    pub fn holds_record(&self, record: RecordId) -> bool {
        self.scope == LinkScope::Record(record)
    }

    /// What it names, in words.
    pub fn scope_words(&self, project: &Project) -> String {
        scope_words(project, self.scope)
    }
}

/// "Mix 2 of \"Ember\"".
pub fn scope_words(project: &Project, scope: LinkScope) -> String {
    match scope {
        LinkScope::Version(id) => match project.versions.get(id) {
            Some(version) => format!("{} of {}", version.name(), project.song_name(version.song)),
            None => "a version".to_owned(),
        },
        LinkScope::Song(song) => project.song_name(song),
        LinkScope::Album => "the album".to_owned(),
        LinkScope::Record(id) => {
            project.record(id).map_or_else(|| "a record".to_owned(), crate::Record::name)
        }
    }
}

impl Project {
    /// What an album plays of a song: the version that counts now; where its stage has none yet, the newest of the furthest stage that has one.
    pub fn on_the_album(&self, song: SongId) -> Option<&Version> {
        let newest = |kind| self.newest(song, kind);
        self.candidate(song)
            .or_else(|| newest(VersionKind::Master))
            .or_else(|| newest(VersionKind::Mix))
            .or_else(|| newest(VersionKind::Take))
    }

    /// Of a project at this moment.
    pub fn live_links(&self, now: Time) -> usize {
        self.links.values().filter(|link| link.ended.is_none() && link.expires > now).count()
    }
}

/// A guest hears, and writes notes where the link says so; nothing else that members do is there for them.
pub(crate) fn must_be_open_to_guests(
    project: &Project,
    actor: &Actor,
    command: &Command,
) -> Result<(), Refusal> {
    let Actor::Person { id, .. } = actor else { return Ok(()) };
    let Some(link) = project.guest(*id) else { return Ok(()) };
    match command {
        Command::RecordHeard { .. } => Ok(()),
        Command::AddNote { .. } if link.notes => Ok(()),
        Command::AddNote { .. } => not_for_guests("Notes are not part of this link."),
        _ => not_for_guests("A guest hears what a link names; the work on it is for members."),
    }
}

pub(crate) fn not_for_guests<T>(text: &str) -> Result<T, Refusal> {
    no(Reason::NotForGuests, text, "Ask whoever sent the link to invite you as a member.")
}

pub(crate) fn rule(
    project: &Project,
    actor: &Actor,
    command: &Command,
    now: Time,
) -> Result<Ruling, Refusal> {
    let asker = Asker::of(project, actor)?;
    match command {
        Command::MakeLink { .. } => make(&asker, command, now),
        Command::RevokeLink { link } => {
            let link = own(&asker, *link)?;
            if link.ended.is_some() {
                return no(Reason::NothingToChange, "The link has ended already.", "There is nothing to do.");
            }
            Ok(Ruling::fact(Fact::LinkRevoked { link: link.id }))
        }
        _ => misrouted(),
    }
}

/// A manager answers for every link, others for those that they made.
pub fn answers_for(project: &Project, person: PersonId, link: &Link) -> bool {
    project.members.contains(person) && (link.by == Some(person) || project.holds_role(person, Role::Manager))
}

/// A link that the asker does not answer for does not exist for them.
fn own<'a>(asker: &Asker<'a>, id: LinkId) -> Result<&'a Link, Refusal> {
    let known = asker.project.links.get(id);
    match known.filter(|link| answers_for(asker.project, asker.id, link)) {
        Some(link) => Ok(link),
        None => no(
            Reason::NoSuchLink,
            "There is no such link in this project.",
            "Look at the list of links again.",
        ),
    }
}

fn make(asker: &Asker<'_>, command: &Command, now: Time) -> Result<Ruling, Refusal> {
    let Command::MakeLink { link, guest, scope, expires, sessions_max, download, notes, has_password } =
        command
    else {
        return misrouted();
    };
    let project = asker.project;
    asker.must_hold(&MAKERS, "make a link")?;
    let is_somebody = project.members.contains(*guest) || project.guests.contains(*guest);
    free_id(project.links.contains(*link) || is_somebody)?;
    must_be_there(asker, *scope)?;
    sound(*expires, *sessions_max, now)?;
    limits::room(project.live_links(now), limits::LINKS_LIVE_MAX, "links that are open")?;
    limits::room(project.links.len(), limits::LINKS_MAX, "links")?;
    Ok(Ruling::fact(Fact::LinkMade {
        link: *link,
        guest: *guest,
        scope: *scope,
        expires: *expires,
        sessions_max: *sessions_max,
        download: *download,
        notes: *notes,
        has_password: *has_password,
    }))
}

/// Nobody gives away what they do not see, nor what its guest would not see.
fn must_be_there(asker: &Asker<'_>, scope: LinkScope) -> Result<(), Refusal> {
    let project = asker.project;
    match scope {
        LinkScope::Version(id) => {
            let version = asker.version(id)?;
            if project.competes_in(version).is_none() {
                return Ok(());
            }
            let text = format!("{} competes: who does not compare hears it after the pick.", version.name());
            no(Reason::ShootoutOpen, text, "Wait for the pick, or invite them as a member.")
        }
        LinkScope::Song(song) => asker.song(song).map(drop),
        LinkScope::Album if project.running_order.is_empty() => {
            no(Reason::NoSuchSong, "There is no song in this project yet.", "Add one first.")
        }
        LinkScope::Album => Ok(()),
        LinkScope::Record(id) => match project.record(id) {
            Some(record) if record.is_made() => Ok(()),
            Some(record) => {
                let text = format!("{} is not made: there is nothing to hear of it yet.", record.name());
                no(Reason::RecordNotMade, text, "Wait until it is made, or give another one.")
            }
            None => no(
                Reason::NoSuchRecord,
                "There is no such record in this project.",
                "Look at the list of records again.",
            ),
        },
    }
}

fn sound(expires: Time, sessions_max: u32, now: Time) -> Result<(), Refusal> {
    let (days, most) = (limits::LINK_DAYS_MAX, limits::LINK_SESSIONS_MAX);
    let left_ms = expires.0.saturating_sub(now.0);
    if left_ms <= 0 || left_ms > days * DAY_MS {
        let text = format!("A link lives from now on for at most {days} days.");
        return no(Reason::LinkTermsInvalid, text, "Give a date within that time.");
    }
    if sessions_max == 0 || sessions_max > most {
        let text = format!("A link can be opened 1 to {most} times, not {sessions_max}.");
        return no(Reason::LinkTermsInvalid, text, "Give a number within these bounds.");
    }
    Ok(())
}

#[cfg(test)]
mod tests;
