//! What changed between two files of a project: asked once of a child, then kept beside the blobs. Never here: how sound is compared (the dsp room).

use std::{path::PathBuf, sync::Arc};

use deadwax_domain::{
    Alternate, Digest, File, PersonId, TvDefinition, Version, VersionId, VersionKind, audience,
};
use deadwax_proto::v1;
use sha2::{Digest as _, Sha256};
use tonic::{Code, Status};

use super::Service;
use crate::{
    auth::Caller,
    ledger::Snapshot,
    render::{
        COMPARISON,
        compare::{CompareFiles, Stem},
        inspect::InspectError,
    },
    rpc::parse_id,
    status,
};

/// Grows when the same files may be told of in other words; old answers are then made anew.
const FORM: &str = concat!("deadwax-compare-1 ", env!("CARGO_PKG_VERSION"));
/// What a child writes is a page or two.
const ANSWER_BYTES_MAX: u64 = 4 << 20;

impl Service {
    pub(super) async fn compared(
        &self,
        caller: &Caller,
        asked: v1::CompareRequest,
    ) -> Result<v1::CompareResponse, Status> {
        let snapshot = self.project(caller, &asked.project_id).await?;
        let person = caller.person.id;
        let a = version(&snapshot, person, "version_a", &asked.version_a)?;
        let b = version(&snapshot, person, "version_b", &asked.version_b)?;
        let (was, is) = (file(a, &asked.alternate_a)?, file(b, &asked.alternate_b)?);
        // Behind a mastering chain no part is what it was: levels of parts are told of mixes only.
        let mixes = [a, b].iter().all(|version| version.kind != VersionKind::Master);
        let stems = if mixes && was.alternate == Alternate::Main { parts_of(a) } else { Vec::new() };
        let name = name_of(was, is, &stems);
        if let Some(kept) = self.kept(name).await {
            return Ok(kept);
        }
        let _one_at_a_time = self.comparing.lock().await;
        if let Some(kept) = self.kept(name).await {
            return Ok(kept);
        }
        let blobs = &self.studio.blobs;
        let path = async |file: &File| blobs.local_path(file.digest).await.map_err(status::blob);
        let mut named = Vec::new();
        for part in stems {
            let minus = match part.minus {
                Some(minus) => Some(path(minus).await?),
                None => None,
            };
            named.push(Stem { name: part.name.to_owned(), file: path(part.file).await?, minus });
        }
        // Stems that have to be made lie where the renders lie: emptied at start, gone with this request, and never on the last of the disk.
        let made = named.iter().filter(|stem| stem.minus.is_some()).count() as u64;
        let samples = was.facts.frames.saturating_mul(was.facts.channels.into());
        blobs.must_have_room(samples.saturating_mul(4).saturating_mul(made)).await.map_err(status::blob)?;
        let room = room(self.studio.folder.join("renders")).await?;
        let out = blobs.path_of_derived(name, COMPARISON);
        let (a, b, room_path) = (path(was).await?, path(is).await?, room.path().to_owned());
        let files = CompareFiles { a, b, stems: named, room: room_path, out };
        self.studio.inspect.compare(&files).await.map_err(failed)?;
        self.kept(name).await.ok_or_else(|| status::internal(&format!("no comparison was made: {name}")))
    }

    async fn kept(&self, name: Digest) -> Option<v1::CompareResponse> {
        let path = self.studio.blobs.path_of_derived(name, COMPARISON);
        let bytes = tokio::fs::metadata(&path).await.ok()?.len();
        if bytes > ANSWER_BYTES_MAX {
            return None;
        }
        let comparison_json = tokio::fs::read_to_string(&path).await.ok()?;
        Some(v1::CompareResponse { comparison_json })
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

fn version<'a>(
    snapshot: &'a Arc<Snapshot>,
    person: PersonId,
    field: &str,
    id: &str,
) -> Result<&'a Version, Status> {
    let id = VersionId(parse_id(field, id)?);
    let project = &snapshot.project;
    let seen = project.versions.get(id).filter(|version| audience::sees_version(project, person, version));
    seen.ok_or_else(|| status::not_found("NO_SUCH_VERSION", "version"))
}

/// The first file of the alternate: a master has one for each format, and they hold the same sound.
fn file<'a>(version: &'a Version, token: &str) -> Result<&'a File, Status> {
    let token = if token.is_empty() { "main" } else { token };
    let alternate = Alternate::parse(token);
    let found = version.files.iter().find(|file| Some(file.alternate) == alternate);
    found.ok_or_else(|| status::not_found("NO_SUCH_FILE", "file"))
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

async fn room(folder: PathBuf) -> Result<tempfile::TempDir, Status> {
    tokio::fs::create_dir_all(&folder).await.map_err(|error| status::internal(&error))?;
    let made =
        tokio::task::spawn_blocking(move || tempfile::Builder::new().prefix("compare-").tempdir_in(folder));
    made.await.map_err(|error| status::internal(&error))?.map_err(|error| status::internal(&error))
}

fn failed(error: InspectError) -> Status {
    let hint = "Listen to both; the files themselves are untouched.";
    status::refuse(Code::FailedPrecondition, "COMPARE_FAILED", sentence(&error.to_string()), hint)
}

fn sentence(text: &str) -> String {
    let text = text.trim_end_matches('.');
    let mut chars = text.chars();
    let first = chars.next().map(char::to_uppercase).into_iter().flatten();
    first.chain(chars).chain(['.']).collect()
}
