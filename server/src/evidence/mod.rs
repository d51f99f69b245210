//! The proof of who signed which bytes, for a third person: the studio's own key, the chain list of a project, the checkpoint over it, and the folder of
//! evidence as one zip. What stands in each file is told in docs/RECEIPTS.md and never changes without a new first line. Never here: who may ask (`rpc`),
//! what a statement must say (the domain).

mod chain;
mod checkpoint;
mod key;
mod papers;
mod readme;

use std::io;

use deadwax_domain::{Kept, PersonId, Project, SongId, Time, VersionId, audience};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncSeek, AsyncWrite};

pub use self::{
    chain::{Chain, Chains, LINES_AT_ONCE, Line},
    checkpoint::{CHECKPOINT, Checkpoint},
    key::{FOLDER as KEY_FOLDER, KEY_FILE, Signed, StudioKey},
};
use crate::handoff::{names, zip::Zip};

pub(crate) use papers::cell;

/// What a person runs who has nothing but the folder.
pub const VERIFY: &str = include_str!("verify.sh");

/// All that the evidence of a project is made of.
pub struct Facts<'a> {
    /// The studio's name.
    pub studio: &'a str,
    pub project: &'a Project,
    /// As known now.
    pub names: &'a dyn Fn(PersonId) -> String,
    /// The chain list as it stood with `project`.
    pub chain: &'a str,
    pub checkpoint: &'a Checkpoint,
    pub key: &'a StudioKey,
}

/// One file of the evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paper {
    /// Within the folder.
    pub name: String,
    pub bytes: Vec<u8>,
}

/// The folder of evidence: its name and its files, sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    pub name: String,
    pub papers: Vec<Paper>,
}

impl Folder {
    /// The same for the same facts, checkpoint and key.
    ///
    /// # Errors
    /// Where the studio's key cannot be read or made.
    pub fn of(facts: &Facts<'_>) -> anyhow::Result<Self> {
        let mut papers = papers::statements(facts.project);
        let mut put = |name: &str, text: String| {
            papers.push(Paper { name: name.to_owned(), bytes: text.into_bytes() });
        };
        put("CHAIN", facts.chain.to_owned());
        put("FILES", papers::files(facts.project));
        put("README.txt", readme::text(facts)?);
        put("allowed_signers", papers::allowed_signers(facts.project));
        put("checkpoint.txt", facts.checkpoint.text.clone());
        put("checkpoint.txt.sig", facts.checkpoint.signature.clone());
        put("names.csv", papers::names(facts));
        put("studio_signers", papers::studio_signers(facts.studio, &facts.key.public_key()?));
        put("verify.sh", VERIFY.to_owned());
        papers.sort_by(|a, b| a.name.cmp(&b.name));
        let digest =
            |paper: &Paper| format!("{}  {}\n", hex::encode(Sha256::digest(&paper.bytes)), paper.name);
        let sums: String = papers.iter().map(digest).collect();
        // The list is what ties keys, times and names to the studio's word: none of them is in anybody's statement.
        let signed = facts.key.sign(CHECKPOINT, &sums)?;
        papers.push(Paper { name: "SHA256SUMS".into(), bytes: sums.into_bytes() });
        papers.push(Paper { name: "SHA256SUMS.sig".into(), bytes: signed.signature.into_bytes() });
        papers.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { name: name(facts), papers })
    }

    /// Writes the zip. `at`: the time of every entry.
    pub async fn write<W: AsyncWrite + AsyncSeek + Unpin>(&self, out: W, at: Time) -> io::Result<W> {
        let mut zip = Zip::new(out, at);
        for paper in &self.papers {
            zip.whole(&format!("{}/{}", self.name, paper.name), &paper.bytes).await?;
        }
        zip.finish().await
    }
}

/// `evidence-TITLE-N`, N being how many statements there are.
fn name(facts: &Facts<'_>) -> String {
    let title = names::camel(&facts.project.title, "Project");
    format!("evidence-{title}-{}", facts.project.receipts.len())
}

/// Whether a statement speaks of that song.
pub fn is_about(project: &Project, kept: &Kept, song: SongId) -> bool {
    version_of(project, kept)
        .and_then(|id| project.versions.get(id))
        .is_some_and(|version| version.song == song)
}

/// A song of which a statement tells what this person may not know: that a mix is there which competes with theirs, or whose it is (V-1).
pub fn hidden_song(project: &Project, person: PersonId) -> Option<SongId> {
    project.receipts.iter().find_map(|kept| {
        let version = project.versions.get(version_of(project, kept)?)?;
        let open = audience::sees_version(project, person, version)
            && audience::may_name(project, person, version.id, kept.person);
        (!open).then_some(version.song)
    })
}

/// The version that was signed, where it was one. The rules held the statement against the project when it was made.
fn version_of(project: &Project, kept: &Kept) -> Option<VersionId> {
    let text = line(&kept.receipt.statement, "object-id")?;
    let id = VersionId(uuid::Uuid::try_parse(text).ok()?.as_u128());
    project.versions.contains(id).then_some(id)
}

/// What stands behind a key of a statement.
fn line<'t>(statement: &'t str, key: &str) -> Option<&'t str> {
    statement.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
}
