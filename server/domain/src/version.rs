//! Versions: immutable, numbered per song and kind without gaps (P-1), named by the fingerprint of their exact files (P-2).

use crate::{Alternate, Digest, File, PersonId, RenderId, SongId, Time, VersionId, VersionKind};

#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    pub id: VersionId,
    pub song: SongId,
    pub kind: VersionKind,
    pub number: u32,
    pub title: String,
    pub changelog: String,
    /// The Main first, then by alternate, then as sent.
    pub files: Vec<File>,
    pub fingerprint: Digest,
    /// Who uploaded it; `None` for a render's master, which nobody uploaded.
    pub by: Option<PersonId>,
    pub at: Time,
    pub render: Option<RenderId>,
}

impl Version {
    /// "Mix 2".
    pub fn name(&self) -> String {
        format!("{} {}", self.kind, self.number)
    }

    /// The Main (of a master, its first encoding).
    pub fn main(&self) -> Option<&File> {
        self.files.iter().find(|file| file.alternate == Alternate::Main)
    }
}
