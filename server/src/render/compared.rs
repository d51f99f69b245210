//! Comparisons of stored files, each made once and kept beside the blobs: what `Media.Compare` answers and what the examiner reads is the same page. Never
//! here: which versions may be compared and by whom, how sound is compared (the dsp room).

use std::{path::PathBuf, sync::Arc};

use deadwax_domain::{Alternate, Digest, File, TvDefinition, Version, VersionKind};
use sha2::{Digest as _, Sha256};

use super::{
    COMPARISON,
    compare::{CompareFiles, Stem},
    inspect::InspectError,
    shift::empty,
};
use crate::{
    blob::{BlobError, Blobs},
    studio::Inspect,
};

/// Grows when the same files may be told of in other words; old answers are then made anew.
const FORM: &str = concat!("deadwax-compare-2 ", env!("CARGO_PKG_VERSION"));
/// What a child writes is a page or two.
const ANSWER_BYTES_MAX: u64 = 4 << 20;

#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error(transparent)]
    Inspect(#[from] InspectError),
    #[error("the folder for parts could not be made: {0}")]
    Io(#[from] std::io::Error),
    #[error("no comparison was made: {0}")]
    Vanished(Digest),
}

/// A file and the version that it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    pub version: &'a Version,
    pub file: &'a File,
}

/// Whether somebody looks at an empty screen until the answer is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Haste {
    Awaited,
    /// Behind everything else that the machine has to do.
    Background,
}

pub struct Comparisons {
    blobs: Arc<Blobs>,
    inspect: Arc<dyn Inspect>,
    room: PathBuf,
    /// A comparison costs several decodings.
    one_at_a_time: tokio::sync::Mutex<()>,
}

impl Comparisons {
    /// `room`: a folder for parts that have to be made; emptied now, since what lies there belongs to a process that is gone.
    pub async fn open(
        blobs: Arc<Blobs>,
        inspect: Arc<dyn Inspect>,
        room: PathBuf,
    ) -> std::io::Result<Arc<Self>> {
        empty(&room).await?;
        Ok(Arc::new(Self { blobs, inspect, room, one_at_a_time: tokio::sync::Mutex::default() }))
    }

    /// What changed from one file to the other, as `deadwax_dsp::compare::Comparison` in JSON.
    pub async fn between(&self, was: Side<'_>, is: Side<'_>, haste: Haste) -> Result<String, CompareError> {
        // Behind a mastering chain no part is what it was: levels of parts are told of mixes only.
        let mixes = [was, is].iter().all(|side| side.version.kind != VersionKind::Master);
        let parts = mixes && was.file.alternate == Alternate::Main;
        let stems = if parts { parts_of(was.version) } else { Vec::new() };
        let name = name_of(was.file, is.file, &stems);
        if let Some(kept) = self.kept(name).await {
            return Ok(kept);
        }
        let _one_at_a_time = self.one_at_a_time.lock().await;
        if let Some(kept) = self.kept(name).await {
            return Ok(kept);
        }
        self.make(was.file, is.file, &stems, name, haste).await?;
        self.kept(name).await.ok_or(CompareError::Vanished(name))
    }

    async fn make(
        &self,
        was: &File,
        is: &File,
        stems: &[Part<'_>],
        name: Digest,
        haste: Haste,
    ) -> Result<(), CompareError> {
        let mut named = Vec::new();
        for part in stems {
            let minus = match part.minus {
                Some(minus) => Some(self.blobs.local_path(minus.digest).await?),
                None => None,
            };
            let file = self.blobs.local_path(part.file.digest).await?;
            named.push(Stem { name: part.name.to_owned(), file, minus });
        }
        // Stems that have to be made are gone with this call, and never written on the last of the disk.
        let made = named.iter().filter(|stem| stem.minus.is_some()).count() as u64;
        let samples = was.facts.frames.saturating_mul(was.facts.channels.into());
        self.blobs.must_have_room(samples.saturating_mul(4).saturating_mul(made)).await?;
        let folder = self.room.clone();
        let room = tokio::task::spawn_blocking(move || tempfile::TempDir::with_prefix_in("compare-", folder));
        let room = room.await.map_err(std::io::Error::other)??;
        let files = CompareFiles {
            a: self.blobs.local_path(was.digest).await?,
            b: self.blobs.local_path(is.digest).await?,
            stems: named,
            room: room.path().to_owned(),
            out: self.blobs.path_of_derived(name, COMPARISON),
            haste,
        };
        Ok(self.inspect.compare(&files).await?)
    }

    async fn kept(&self, name: Digest) -> Option<String> {
        let path = self.blobs.path_of_derived(name, COMPARISON);
        let bytes = tokio::fs::metadata(&path).await.ok()?.len();
        if bytes > ANSWER_BYTES_MAX {
            return None;
        }
        tokio::fs::read_to_string(&path).await.ok()
    }
}

/// Something that a main is made of, by what was printed beside it.
struct Part<'a> {
    name: &'static str,
    file: &'a File,
    minus: Option<&'a File>,
}

/// The voices, as exactly as the alternates of the version tell them apart: the lead is the main without its TV mix, the background vocals are the TV
/// mix without the instrumental; where there is no TV mix, the a cappella is all there is to know.
fn parts_of(version: &Version) -> Vec<Part<'_>> {
    let of = |alternate| version.files.iter().find(|file| file.alternate == alternate);
    let mut parts = Vec::new();
    if let (Some(main), Some(tv)) = (of(Alternate::Main), of(Alternate::Tv(TvDefinition::NoLead))) {
        parts.push(Part { name: "lead", file: main, minus: Some(tv) });
        if let Some(instrumental) = of(Alternate::Instrumental) {
            parts.push(Part { name: "backing vocals", file: tv, minus: Some(instrumental) });
        }
    } else if let Some(voices) = of(Alternate::ACappella) {
        parts.push(Part { name: "a-cappella", file: voices, minus: None });
    }
    parts
}

/// Of this question, as a digest: the same files in the same places are told the same.
fn name_of(was: &File, is: &File, stems: &[Part<'_>]) -> Digest {
    let mut hash = Sha256::new();
    hash.update(FORM);
    hash.update(was.digest.0);
    hash.update(is.digest.0);
    for stem in stems {
        hash.update(stem.name);
        hash.update(stem.file.digest.0);
        hash.update(stem.minus.map_or([0; 32], |minus| minus.digest.0));
    }
    Digest(hash.finalize().into())
}
