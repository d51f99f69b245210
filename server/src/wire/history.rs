//! Who did what, in sentences, for one viewer. Filtered by the audience rule as it holds now.

use deadwax_domain::{Event, PersonId, Project, Sentence, SongId, audience, sentence_for};
use deadwax_proto::v1;

use super::{id, text::scrub};
use crate::{
    auth::Directory,
    ledger::{Kept, Recorded},
};

/// `None` where the viewer may not know of it. `song`: only facts of that song.
pub fn entry(
    project: &Project,
    viewer: PersonId,
    names: &Directory,
    recorded: &Recorded,
    song: Option<SongId>,
) -> Option<v1::HistoryEntry> {
    match &recorded.kept {
        Kept::Event(event) => {
            let said = told(project, viewer, names, event)?;
            let fits = song.is_none() || said.song == song;
            fits.then(|| v1::HistoryEntry {
                seq: recorded.seq,
                at_ms: event.at.0,
                who: scrub(&said.who),
                code: said.code.to_owned(),
                text: scrub(&said.text),
                song_id: said.song.map(|song| id(song.0)).unwrap_or_default(),
            })
        }
        // What it hides is not known here, so only those who may see everything are told that it is there.
        Kept::Newer { at, by } => {
            let workshop = project.roles_of(viewer).is_some_and(audience::is_workshop);
            (song.is_none() && workshop).then(|| v1::HistoryEntry {
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
pub fn effects(project: &Project, viewer: PersonId, names: &Directory, events: &[Event]) -> Vec<String> {
    let said = events.iter().filter_map(|event| told(project, viewer, names, event));
    said.map(|said| scrub(&said.text)).collect()
}

fn told(project: &Project, viewer: PersonId, names: &Directory, event: &Event) -> Option<Sentence> {
    let name = |person: PersonId| names.name(person).to_owned();
    sentence_for(project, viewer, event, &name)
}
