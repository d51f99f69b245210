//! Songs: titles, ISRC, the stage they stand in.

use crate::{
    Actor, ApprovalId, Command, DeliveryId, Fact, Handoff, Line, NoteId, Overridden, Project, Reason,
    RecipeVersion, Refusal, RenderId, RequestId, Role, Shootout, SongId, Stage, Time, VersionId,
    asker::{Asker, free_id},
    decide::{Ruling, misrouted},
    limits,
    refusal::no,
    text,
};

#[derive(Clone, Debug, PartialEq)]
pub struct Song {
    pub id: SongId,
    pub title: String,
    /// Twelve characters without hyphens, or empty.
    pub isrc: String,
    pub added_at: Time,
    pub stage: Stage,
    pub stage_since: Time,
    /// Its own, oldest first; see [`Project::recipe_of`].
    pub recipes: Vec<RecipeVersion>,
    /// The newest.
    pub handoff: Option<Handoff>,
    /// How many versions there were when a handoff last came back: masters among them are history.
    pub versions_before_return: usize,
    /// The mix that came back, until somebody puts it forward again or it is handed over again.
    pub returned: Option<Returned>,
    /// A version that was put forward again: the candidate until a newer one of its kind is added.
    pub forward: Option<VersionId>,
    /// When it was put forward.
    pub forward_since: Time,
    /// Oldest first.
    pub shootouts: Vec<Shootout>,
    /// The line of mixes that was picked.
    pub line: Option<Line>,
    /// Gates that a manager opened.
    pub overrides: Vec<Overridden>,
    // Everything that belongs to the song, oldest first.
    pub versions: Vec<VersionId>,
    pub notes: Vec<NoteId>,
    pub requests: Vec<RequestId>,
    pub approvals: Vec<ApprovalId>,
    pub renders: Vec<RenderId>,
    pub deliveries: Vec<DeliveryId>,
}

/// The mix of a handoff that came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returned {
    pub version: VersionId,
    /// The mix was swapped; else the handoff was returned.
    pub swapped: bool,
}

pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let asker = Asker::of(project, actor)?;
    match command {
        Command::AddSong { song, title, isrc } => {
            asker.must_hold(&[Role::Manager, Role::Producer, Role::Artist], "add songs")?;
            free_id(project.songs.contains(*song))?;
            limits::room(project.songs.len(), limits::SONGS_MAX, "songs")?;
            let title = text::name("The title", title)?;
            let isrc = own_isrc(project, *song, isrc)?;
            Ok(Ruling::fact(Fact::SongAdded { song: *song, title, isrc }))
        }
        Command::EditSong { song: id, title, isrc } => {
            asker.must_hold(&[Role::Manager, Role::Producer, Role::Artist, Role::Label], "edit songs")?;
            let song = asker.song(*id)?;
            let title =
                title.as_ref().map_or(Ok(song.title.clone()), |title| text::name("The title", title))?;
            let isrc = isrc.as_ref().map_or(Ok(song.isrc.clone()), |isrc| own_isrc(project, *id, isrc))?;
            if title == song.title && isrc == song.isrc {
                return no(
                    Reason::NothingToChange,
                    "The song is called that already.",
                    "There is nothing to do.",
                );
            }
            Ok(Ruling::fact(Fact::SongEdited { song: *id, title, isrc }))
        }
        _ => misrouted(),
    }
}

/// One recording, one ISRC (ISO 3901): no two songs of a project share it.
fn own_isrc(project: &Project, song: SongId, isrc: &str) -> Result<String, Refusal> {
    let isrc = text::isrc(isrc)?;
    let other =
        project.songs.values().find(|other| other.id != song && !isrc.is_empty() && other.isrc == isrc);
    match other {
        None => Ok(isrc),
        Some(other) => {
            let text = format!("The ISRC {isrc} belongs to \"{}\" already.", other.title);
            let hint = "Every recording has its own ISRC: correct one of the two, or leave this one empty.";
            no(Reason::IsrcTwice, text, hint)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::*;

    fn edit(song: SongId, isrc: &str) -> Command {
        Command::EditSong { song, title: None, isrc: Some(isrc.to_owned()) }
    }

    #[test]
    fn one_recording_has_one_isrc_and_the_other_song_is_named() {
        let second = SongId(101);
        let add =
            |isrc: &str| Command::AddSong { song: second, title: "Ash".to_owned(), isrc: isrc.to_owned() };
        let given = Given::mixed().and(person(LABEL), edit(SONG, "GB-A1B-26-00001"));
        let twice = given.when(person(OWNER), add("gba1b2600001")).0.unwrap_err();
        assert_eq!(twice.reason, Reason::IsrcTwice);
        assert_eq!(twice.text, "The ISRC GBA1B2600001 belongs to \"Ember\" already.");
        let given = given.and(person(OWNER), add("GB-A1B-26-00002"));
        given.when(person(LABEL), edit(second, "GB-A1B-26-00001")).refused(Reason::IsrcTwice);
        given.when(person(LABEL), edit(second, "GB-A1B-2600001")).refused(Reason::IsrcInvalid);
        given.when(person(LABEL), edit(SONG, "GBA1B2600001")).refused(Reason::NothingToChange);
        given.when(person(LABEL), edit(second, "")).facts(&["SONG_EDITED"]);
        let third = Command::AddSong { song: SongId(102), title: "Oak".to_owned(), isrc: String::new() };
        given.and(person(LABEL), edit(second, "")).when(person(OWNER), third).facts(&["SONG_ADDED"]);
    }
}
