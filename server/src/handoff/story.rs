//! What is handed over, as it stood when the gate of mixing was met: the project folded to that fact, and what the stream tells of the handoffs before it.
//! What happened since then is not in a package, so that the same handoff is the same bytes whenever it is packed. Never here: files, how it is told.

use deadwax_domain::{Event, Fact, PersonId, Project, ProjectId, ReturnItem, Song, SongId, Time, Version};

/// Where a stream tells of a handoff, and of those before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Of the fact; 0: the song was never handed over.
    pub seq: u64,
    pub at: Time,
    /// Of the song, from 1.
    pub number: usize,
    /// Oldest first: how the earlier ones came back.
    pub earlier: Vec<CameBack>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CameBack {
    pub at: Time,
    pub by: Option<PersonId>,
    /// The mix was to be another; else it was returned from mastering.
    pub swapped: bool,
    pub reason: String,
    pub items: Vec<ReturnItem>,
}

impl Found {
    /// One fact more, in order. At the end it stands at the newest handoff of the song.
    pub fn hear(&mut self, seq: u64, event: &Event, of: SongId) {
        let came_back = |swapped, reason: &str, items: &[ReturnItem]| CameBack {
            at: event.at,
            by: event.by,
            swapped,
            reason: reason.to_owned(),
            items: items.to_vec(),
        };
        match &event.fact {
            Fact::HandoffMade { song, .. } if *song == of => {
                (self.seq, self.at) = (seq, event.at);
                self.number += 1;
            }
            Fact::HandoffReturned { song, reason, items } if *song == of => {
                self.earlier.push(came_back(false, reason, items));
            }
            Fact::MixSwapped { song, reason } if *song == of => {
                self.earlier.push(came_back(true, reason, &[]));
            }
            _ => {}
        }
    }
}

/// One handoff, ready to be told.
pub struct Story<'a> {
    pub id: ProjectId,
    pub project: &'a Project,
    pub song: &'a Song,
    pub version: &'a Version,
    pub found: &'a Found,
    pub names: &'a dyn Fn(PersonId) -> String,
    /// Of the version's files in the package, in their order.
    pub files: Vec<String>,
    /// Without an ending.
    pub name: String,
}

impl<'a> Story<'a> {
    /// `project` as it stood at the handoff. `None` where the song was not handed over then.
    pub fn new(
        id: ProjectId,
        project: &'a Project,
        song: SongId,
        found: &'a Found,
        names: &'a dyn Fn(PersonId) -> String,
    ) -> Option<Self> {
        let song = project.songs.get(song)?;
        let version = project.versions.get(song.handoff.as_ref()?.version)?;
        let (artist, title) = (&project.artist, &song.title);
        let place = (project.position(song.id).unwrap_or_default(), found.number);
        let files = super::names::of_files(artist, title, version);
        let name = super::names::of_package(artist, title, &version.name(), place);
        Some(Self { id, project, song, version, found, names, files, name })
    }

    pub fn person(&self, id: Option<PersonId>) -> String {
        id.map_or_else(|| "the house".to_owned(), |id| (self.names)(id))
    }
}

/// "2026-11-18 11:06 UTC".
pub fn moment(time: Time) -> String {
    match jiff::Timestamp::from_millisecond(time.0) {
        Ok(at) => at.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => "at no time that can be told".to_owned(),
    }
}

/// "1:32.5"
pub fn clock(ms: u64) -> String {
    let (minutes, seconds, tenth) = (ms / 60_000, ms / 1000 % 60, ms % 1000 / 100);
    format!("{minutes}:{seconds:02}.{tenth}")
}
