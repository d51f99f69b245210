//! What lies in a package: one folder with the audio, the brief twice, the recipe, a manifest and SHA256SUMS. A pure function of the story, but for the
//! audio itself, of which digest and size stand here. Never here: blobs, the zip.

use deadwax_domain::Digest;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{brief, story::Story};
use crate::wire::about::{AboutProject, AboutSong, AboutVersion};

/// Changes when a reader of manifests would have to know.
const FORMAT: u32 = 1;

pub struct Contents {
    /// `NAME` of `NAME.zip`, and of the one folder in it.
    pub name: String,
    /// In this order, before the papers.
    pub audio: Vec<Audio>,
    pub papers: Vec<Paper>,
}

pub struct Audio {
    pub name: String,
    pub digest: Digest,
    pub bytes: u64,
}

pub struct Paper {
    pub name: &'static str,
    pub bytes: Vec<u8>,
}

impl Contents {
    pub fn of(story: &Story<'_>) -> Self {
        let audio: Vec<Audio> = story
            .version
            .files
            .iter()
            .zip(&story.files)
            .map(|(file, name)| Audio { name: name.clone(), digest: file.digest, bytes: file.facts.bytes })
            .collect();
        let page = brief::brief(story);
        let mut papers = vec![
            Paper { name: "brief.txt", bytes: page.text().into_bytes() },
            Paper { name: "brief.html", bytes: page.html().into_bytes() },
        ];
        if let Some(recipe) = brief::recipe(story) {
            papers.push(Paper { name: "recipe.toml", bytes: recipe.toml.clone().into_bytes() });
        }
        papers.push(Paper { name: "manifest.json", bytes: manifest(story, &papers) });
        let sums = sums(&audio, &papers);
        papers.push(Paper { name: "SHA256SUMS", bytes: sums.into_bytes() });
        Self { name: story.name.clone(), audio, papers }
    }

    /// Of everything, without what the zip adds.
    pub fn bytes(&self) -> u64 {
        let papers = self.papers.iter().map(|paper| paper.bytes.len() as u64);
        self.audio.iter().map(|audio| audio.bytes).chain(papers).fold(0, u64::saturating_add)
    }
}

fn sha256(bytes: &[u8]) -> Digest {
    Digest(Sha256::digest(bytes).into())
}

/// As `sha256sum -c` reads it. It lists everything but itself.
fn sums(audio: &[Audio], papers: &[Paper]) -> String {
    let audio = audio.iter().map(|audio| format!("{}  {}\n", audio.digest, audio.name));
    let papers = papers.iter().map(|paper| format!("{}  {}\n", sha256(&paper.bytes), paper.name));
    audio.chain(papers).collect()
}

#[derive(Serialize)]
struct Manifest<'a> {
    deadwax_handoff: u32,
    made_by: &'static str,
    handed_over_ms: i64,
    handoff: usize,
    project: AboutProject<'a>,
    song: AboutSong<'a>,
    version: AboutVersion,
    files: Vec<Entry<'a>>,
}

/// Every file but the manifest and SHA256SUMS.
#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    sha256: String,
    bytes: u64,
    #[serde(flatten)]
    sound: Option<Sound<'a>>,
}

#[derive(Serialize)]
struct Sound<'a> {
    alternate: String,
    /// As it was uploaded.
    source_name: &'a str,
    container: &'a str,
    codec: &'a str,
    sample_rate: u32,
    channels: u32,
    bits: u32,
    float: bool,
    frames: u64,
    integrated_lufs: f64,
    true_peak_dbtp: f64,
    sample_peak_dbfs: f64,
}

fn manifest(story: &Story<'_>, papers: &[Paper]) -> Vec<u8> {
    let (project, song, version) = (story.project, story.song, story.version);
    let sound = version.files.iter().zip(&story.files).map(|(file, name)| {
        let facts = &file.facts;
        let sound = Sound {
            alternate: file.alternate.to_string(),
            source_name: &file.name,
            container: &facts.container,
            codec: &facts.codec,
            sample_rate: facts.sample_rate_hz,
            channels: facts.channels,
            bits: facts.bits,
            float: facts.float,
            frames: facts.frames,
            integrated_lufs: facts.integrated_lufs,
            true_peak_dbtp: facts.true_peak_dbtp,
            sample_peak_dbfs: facts.sample_peak_dbfs,
        };
        Entry { name, sha256: file.digest.to_string(), bytes: facts.bytes, sound: Some(sound) }
    });
    let papers = papers.iter().map(|paper| Entry {
        name: paper.name,
        sha256: sha256(&paper.bytes).to_string(),
        bytes: paper.bytes.len() as u64,
        sound: None,
    });
    let manifest = Manifest {
        deadwax_handoff: FORMAT,
        made_by: concat!("deadwax-server ", env!("CARGO_PKG_VERSION")),
        handed_over_ms: story.found.at.0,
        handoff: story.found.number,
        project: AboutProject::of(story.id, project),
        song: AboutSong::of(project, song),
        version: AboutVersion::of(version),
        files: sound.chain(papers).collect(),
    };
    // Strings and numbers only: it cannot fail.
    let mut json = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
    json.push(b'\n');
    json
}
