//! What every list that goes out says of project, song and version, in one shape and order of keys. Never here: files, signatures, whether it may go out.

use deadwax_domain::{Project, ProjectId, Song, Version};
use serde::Serialize;

use super::id;

#[derive(Serialize)]
pub struct AboutProject<'a> {
    id: String,
    title: &'a str,
    artist: &'a str,
}

impl<'a> AboutProject<'a> {
    pub fn of(project_id: ProjectId, project: &'a Project) -> AboutProject<'a> {
        AboutProject { id: id(project_id.0), title: &project.title, artist: &project.artist }
    }
}

#[derive(Serialize)]
pub struct AboutSong<'a> {
    id: String,
    title: &'a str,
    isrc: &'a str,
    position: u32,
}

impl<'a> AboutSong<'a> {
    pub fn of(project: &Project, song: &'a Song) -> AboutSong<'a> {
        AboutSong {
            id: id(song.id.0),
            title: &song.title,
            isrc: &song.isrc,
            position: project.position(song.id).unwrap_or_default(),
        }
    }
}

#[derive(Serialize)]
pub struct AboutVersion {
    id: String,
    name: String,
    /// SHA-256 over the sorted list of alternate and digest: what the approvals sign.
    fingerprint: String,
}

impl AboutVersion {
    pub fn of(version: &Version) -> AboutVersion {
        AboutVersion {
            id: id(version.id.0),
            name: version.name(),
            fingerprint: version.fingerprint.to_string(),
        }
    }
}
