//! What the delivery room knows of a song: whether it is delivered, ready, or what is missing; which files are meant; what the profiles say of them.
//! Made from rows alone. Never here: keys, drawing, a rule of the studio.

use std::sync::LazyLock;

use deadwax_proto::v1::{
    ApprovalState, ApprovalView, DeliveryRow, SongRow, VersionFile, VersionKind, VersionRow,
};

use super::{
    album,
    rows::{May, Project},
};
use crate::checks::{self, Checks, Found, of_facts, one};

/// Where the keys are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// In the list of files; else in the list of songs.
    pub in_files: bool,
    pub file: usize,
}

/// How far a song is.
#[derive(Clone, Debug)]
pub enum Standing<'a> {
    Delivered(&'a DeliveryRow),
    Ready,
    /// Why not, and the next step; the studio's own words.
    Not {
        text: &'a str,
        hint: &'a str,
    },
    /// The studio says nothing of it to this person.
    Unsaid,
}

pub fn standing<'a>(rows: &'a Project, song: &'a SongRow) -> Standing<'a> {
    if let Some(it) = rows.deliveries(&song.song_id).first() {
        return Standing::Delivered(it);
    }
    match rows.may("make_delivery", &[format!("song/{}", song.song_id), super::rows::PROJECT_KEY.into()]) {
        May::Yes => Standing::Ready,
        May::No(no) => Standing::Not { text: &no.text, hint: &no.hint },
        May::Unsaid => Standing::Unsaid,
    }
}

/// The version that was delivered, or that would be: a mix is not.
pub fn version<'a>(rows: &'a Project, song: &'a SongRow) -> Option<&'a VersionRow> {
    match rows.deliveries(&song.song_id).first() {
        Some(it) => rows.version(&it.version_id),
        None => album::on_record(rows, song).filter(|it| it.kind() == VersionKind::Master),
    }
}

/// Those of the delivery, which are frozen; else those of the master.
pub fn files<'a>(rows: &'a Project, song: &'a SongRow) -> &'a [VersionFile] {
    match rows.deliveries(&song.song_id).first() {
        Some(it) => it.files.as_slice(),
        None => version(rows, song).map_or(&[], |it| it.files.as_slice()),
    }
}

/// Who signed exactly these bytes: frozen in a delivery, else what counts at the gate today.
pub fn signed<'a>(rows: &'a Project, song: &'a SongRow) -> Vec<&'a ApprovalView> {
    if let Some(it) = rows.deliveries(&song.song_id).first() {
        return it.signed_by.iter().collect();
    }
    let Some(version) = version(rows, song) else { return Vec::new() };
    let counts = |it: &&ApprovalView| {
        it.state() == ApprovalState::Counts
            && (it.version_id == version.version_id || it.carried_to_version_id == version.version_id)
    };
    rows.gate(&song.song_id).into_iter().flat_map(|it| &it.approvals).filter(counts).collect()
}

/// The profiles that speak of finished masters.
pub fn profiles() -> &'static [Checks] {
    static PROFILES: LazyLock<Vec<Checks>> = LazyLock::new(|| {
        checks::SHIPPED
            .iter()
            .filter(|name| **name != "mix-handoff")
            .filter_map(|name| checks::shipped(name))
            .collect()
    });
    &PROFILES
}

/// One finding, and the files that it is said of.
#[derive(Clone, Debug, PartialEq)]
pub struct Said {
    pub found: Found,
    /// "main", "instrumental", in the order of the files; each once.
    pub of: Vec<String>,
    pub files: usize,
}

/// What a profile says of these files; what is said of several stands once. Blocks come first.
pub fn checked(profile: &Checks, files: &[VersionFile]) -> Vec<Said> {
    let mut all: Vec<Said> = Vec::new();
    for file in files {
        let Some(facts) = &file.facts else { continue };
        for found in one(profile, &of_facts(&file.name, facts)) {
            let at = match all.iter().position(|it| it.found == found) {
                Some(at) => at,
                None => {
                    all.push(Said { found, of: Vec::new(), files: 0 });
                    all.len() - 1
                }
            };
            all[at].files += 1;
            if !all[at].of.contains(&file.alternate) {
                all[at].of.push(file.alternate.clone());
            }
        }
    }
    all.sort_by_key(|it| !it.found.block);
    all
}
