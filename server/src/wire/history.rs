//! Who did what, in sentences, for one viewer. Filtered by the audience rule as it holds now.

use deadwax_domain::{Event, PersonId, Project, Roles, SongId, audience, sentence};
use deadwax_proto::v1;

use super::{id, text::scrub};
use crate::{
    auth::Directory,
    ledger::{Kept, Recorded},
};

/// `None` where the viewer may not know of it. `song`: only facts of that song.
pub fn entry(
    project: &Project,
    roles: &Roles,
    names: &Directory,
    recorded: &Recorded,
    song: Option<SongId>,
) -> Option<v1::HistoryEntry> {
    match &recorded.kept {
        Kept::Event(event) => {
            let said = told(project, roles, names, event)?;
            let fits = song.is_none() || said.song == song;
            fits.then(|| v1::HistoryEntry {
                seq: recorded.seq,
                at_ms: event.at.0,
                who: event.by.map_or_else(|| "Deadwax".to_owned(), |person| scrub(names.name(person))),
                code: said.code.to_owned(),
                text: scrub(&said.text),
                song_id: said.song.map(|song| id(song.0)).unwrap_or_default(),
            })
        }
        // What it hides is not known here, so only those who may see everything are told that it is there.
        Kept::Newer { at, by } => {
            (song.is_none() && audience::is_workshop(roles)).then(|| v1::HistoryEntry {
                seq: recorded.seq,
                at_ms: at.0,
                who: by.map_or_else(|| "Deadwax".to_owned(), |person| scrub(names.name(person))),
                code: "NEWER_FACT".to_owned(),
                text: "A newer fact, which this server does not know.".to_owned(),
                song_id: String::new(),
            })
        }
        Kept::Redacted => None,
    }
}

/// What a command did, for whoever gave it.
pub fn effects(project: &Project, roles: &Roles, names: &Directory, events: &[Event]) -> Vec<String> {
    let said = events.iter().filter_map(|event| told(project, roles, names, event));
    said.map(|said| scrub(&said.text)).collect()
}

fn told(
    project: &Project,
    roles: &Roles,
    names: &Directory,
    event: &Event,
) -> Option<deadwax_domain::Sentence> {
    let name = |person: PersonId| names.name(person).to_owned();
    audience::visible_fact(project, roles, event).then(|| sentence(project, event, &name))
}
