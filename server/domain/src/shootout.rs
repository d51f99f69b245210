//! Shootouts: several mix engineers mix one song, each in a numbered line of their own; people compare blind and vote; one is picked, the others are kept and
//! closed with thanks. Never here: how mixes are compared by ear.

use crate::{
    Actor, Command, PersonId, Project, Refusal, Role, ShootoutId, SongId, Time, VersionId,
    decide::{Ruling, misrouted},
};

/// A line of mixes, from 1: A, B, ... A song's later shootouts go on where the letters ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line(pub u8);

impl Line {
    /// A to Z, then AA, AB ...
    pub fn letter(self) -> String {
        let letter = |index: u8| char::from(b'A' + index % 26);
        match self.0.saturating_sub(1) {
            index @ 0..=25 => letter(index).to_string(),
            index => format!("{}{}", letter(index / 26 - 1), letter(index)),
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Shootout {
    pub id: ShootoutId,
    pub song: SongId,
    pub opened_at: Time,
    pub opened_by: Option<PersonId>,
    /// Whose line is whose stays hidden until the pick.
    pub blind: bool,
    pub lines: Vec<(Line, PersonId)>,
    /// The newest of each person and role.
    pub votes: Vec<Vote>,
    pub picked: Option<Picked>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Vote {
    pub by: PersonId,
    pub role: Role,
    pub ranking: Vec<VersionId>,
    pub blind: bool,
    pub matched_lufs: f64,
    pub reason: String,
    pub at: Time,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Picked {
    pub version: VersionId,
    pub by: PersonId,
    pub role: Role,
    pub reason: String,
    pub at: Time,
}

impl Project {
    /// The newest of the song, open or decided.
    pub fn shootout(&self, song: SongId) -> Option<&Shootout> {
        self.songs.get(song)?.shootouts.last()
    }

    /// Mixes compete now.
    pub fn open_shootout(&self, song: SongId) -> Option<&Shootout> {
        self.shootout(song).filter(|shootout| shootout.picked.is_none())
    }
}

pub(crate) fn rule(project: &Project, actor: &Actor, command: &Command) -> Result<Ruling, Refusal> {
    let _ = (project, actor, command);
    misrouted()
}
