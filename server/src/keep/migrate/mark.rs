//! What stands in a studio folder about a move: of which it is the one end, and how far that came. By it servers are kept out of a folder that is half filled and out
//! of one that was left, so that never two accept facts. Where facts are in a database the same stands there (`store::postgres::moved`). Never here: moving.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::keep::write_whole;

pub const FILE: &str = "move.json";
const FORMAT: u32 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A target that is not whole yet.
    Filling,
    /// A target that was held against its source.
    Complete,
    /// A source whose studio is elsewhere.
    Moved,
    /// A target whose source was taken back.
    GivenUp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub(super) format: u32,
    pub state: State,
    #[serde(with = "text")]
    pub id: Uuid,
    /// The public key of the studio.
    pub studio: String,
    /// The folder at the other end.
    pub other: PathBuf,
    /// Of the facts, once they were held against each other.
    #[serde(default)]
    pub root: String,
    /// Of a source: how it came to be the studio itself, for the case that it is taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<Mark>>,
}

/// An id as people write it.
mod text {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};
    use uuid::Uuid;

    pub(super) fn serialize<S: Serializer>(id: &Uuid, to: S) -> Result<S::Ok, S::Error> {
        id.to_string().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Uuid, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl Mark {
    pub fn new(state: State, id: Uuid, studio: &str, other: &Path) -> Self {
        let (studio, other) = (studio.to_owned(), other.to_owned());
        Self { format: FORMAT, state, id, studio, other, root: String::new(), before: None }
    }

    /// What stands in a folder; `None`: nothing.
    ///
    /// # Errors
    /// Where it cannot be read: then nothing may be believed of the folder.
    pub fn of(dir: &Path) -> anyhow::Result<Option<Self>> {
        let path = dir.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("reading {} failed", path.display())),
        };
        let mark: Self = serde_json::from_slice(&text).with_context(|| {
            format!("{} cannot be read; it says whether this folder may be served: find out what it was before you remove it", path.display())
        })?;
        ensure!(
            mark.format <= FORMAT,
            "{} has format {}; this server reads up to {FORMAT}. Use a newer deadwax-server",
            path.display(),
            mark.format
        );
        Ok(Some(mark))
    }

    /// Durable on return.
    ///
    /// # Errors
    /// Where it cannot be written; what stood there before stands there then.
    pub fn put(&self, dir: &Path) -> anyhow::Result<()> {
        let text =
            serde_json::to_vec_pretty(self).context("the mark of the move cannot be written as text")?;
        write_whole(&dir.join(FILE), &text)
            .with_context(|| format!("writing {} failed", dir.join(FILE).display()))
    }

    /// Nothing stands there on return, durably.
    ///
    /// # Errors
    /// Where it cannot be removed.
    pub fn remove(dir: &Path) -> anyhow::Result<()> {
        let removed = match fs::remove_file(dir.join(FILE)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::File::open(dir).and_then(|folder| folder.sync_all()),
        };
        removed.with_context(|| format!("removing {} failed", dir.join(FILE).display()))
    }
}

/// Whether a process may open the facts of this folder to write to them.
///
/// # Errors
/// Why not, and what to do.
pub fn may_be_served(dir: &Path) -> anyhow::Result<()> {
    let Some(mark) = Mark::of(dir)? else { return Ok(()) };
    let (here, other) = (dir.display(), mark.other.display());
    match mark.state {
        State::Complete => Ok(()),
        State::Filling => bail!(
            "a studio is being moved into {here}, and that is not finished. Go on with: deadwax-server migrate {other} --to {here}. To give it up, remove {here} and serve {other}"
        ),
        State::Moved => bail!(
            "the studio of {here} was moved to {other}: serve that. What was done there since is not here; to take the studio back all the same: deadwax-server migrate --take-back {here}"
        ),
        State::GivenUp => bail!(
            "the studio of {here} was taken back to {other}: serve that. What was acknowledged here since the move is nowhere else: keep this folder until that is settled. To move again: deadwax-server migrate {other} --to a new folder"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(state: State) -> Mark {
        Mark::new(state, Uuid::nil(), "ssh-ed25519 AAAA", Path::new("/studios/old"))
    }

    #[test]
    fn only_a_complete_target_and_a_folder_without_a_mark_are_served() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        may_be_served(dir).unwrap();
        for (state, word) in [
            (State::Filling, "--to"),
            (State::Moved, "--take-back"),
            (State::GivenUp, "taken back to /studios/old"),
        ] {
            mark(state).put(dir).unwrap();
            let no = may_be_served(dir).unwrap_err().to_string();
            assert!(no.contains(word) && no.contains("/studios/old"), "{no}");
        }
        mark(State::Complete).put(dir).unwrap();
        may_be_served(dir).unwrap();
        assert_eq!(Mark::of(dir).unwrap(), Some(mark(State::Complete)));
        Mark::remove(dir).unwrap();
        Mark::remove(dir).unwrap();
        assert_eq!(Mark::of(dir).unwrap(), None);
    }

    #[test]
    fn a_mark_that_cannot_be_read_keeps_everybody_out() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["{", "{\"format\":1}", ""] {
            fs::write(folder.path().join(FILE), text).unwrap();
            let no = format!("{:#}", may_be_served(folder.path()).unwrap_err());
            assert!(no.contains("move.json cannot be read"), "{no}");
        }
        let newer = Mark { format: 9, ..mark(State::Complete) };
        newer.put(folder.path()).unwrap();
        assert!(may_be_served(folder.path()).unwrap_err().to_string().contains("newer deadwax-server"));
    }
}
