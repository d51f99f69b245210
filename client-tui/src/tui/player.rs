//! The player as the screens see it: what lies on it, what it was asked for and what it told last. `update::listen` changes it, `play` does it. Never
//! here: sound.

use std::collections::BTreeMap;

use deadwax_proto::v1::{VersionFile, VersionRow};

use super::{rows::Project, words};
use crate::play::{Deck, Level, Monitor, Platform, Status, Track};

/// What services do to loudness, as their pages told in 2026. They drift: the name alone is a promise of none of them.
pub const PLATFORMS: [Platform; 6] = [
    Platform { name: "Spotify", target_lufs: -14.0, up_to_dbtp: Some(-1.0), by_album: true },
    Platform { name: "Apple Music", target_lufs: -16.0, up_to_dbtp: Some(-1.0), by_album: true },
    Platform { name: "YouTube", target_lufs: -14.0, up_to_dbtp: None, by_album: false },
    Platform { name: "TIDAL", target_lufs: -14.0, up_to_dbtp: None, by_album: true },
    Platform { name: "Amazon", target_lufs: -14.0, up_to_dbtp: None, by_album: false },
    Platform { name: "Deezer", target_lufs: -15.0, up_to_dbtp: None, by_album: false },
];

#[derive(Clone, Debug)]
pub struct Player {
    /// What the player was asked to load; `None`: nothing lies on it.
    pub deck: Option<Deck>,
    /// What it told last.
    pub status: Option<Status>,
    /// Project and song that the deck is of; `None` for a record.
    pub about: Option<(String, String)>,
    /// It was asked to play and has not told that it stopped.
    pub playing: bool,
    pub level: Level,
    pub monitor: Monitor,
    /// The cursor goes where the sound is.
    pub follow: bool,
    /// The person moved the cursor and has not said yet what for.
    pub aimed: bool,
    /// What was heard before what is heard now.
    pub before: Option<Track>,
    /// By version and alternate, how much was heard, as the studio counted it last.
    pub heard: BTreeMap<(String, String), u32>,
}

impl Default for Player {
    fn default() -> Player {
        Player {
            deck: None,
            status: None,
            about: None,
            playing: false,
            level: Level::default(),
            monitor: Monitor::default(),
            follow: true,
            aimed: false,
            before: None,
            heard: BTreeMap::new(),
        }
    }
}

impl Player {
    /// The tracks that lie side by side, and which of them is heard. A record has none.
    pub fn side(&self) -> Option<(&[Track], usize)> {
        match &self.deck {
            Some(Deck::Side { tracks, heard }) => Some((tracks, *heard)),
            _ => None,
        }
    }

    /// What is heard: a track of the deck, or the song of a record that sounds.
    pub fn track(&self) -> Option<&Track> {
        match self.deck.as_ref()? {
            Deck::Side { tracks, heard } => tracks.get(*heard),
            Deck::Album { items } => {
                items.get(self.status.as_ref().map_or(0, |it| it.heard)).map(|it| &it.track)
            }
        }
    }

    /// Whether what lies side by side is of this song.
    pub fn is_on(&self, project: &str, song: &str) -> bool {
        self.side().is_some() && self.about.as_ref().is_some_and(|(p, s)| p == project && s == song)
    }

    /// Frames in a second of the deck.
    pub fn rate(&self) -> u32 {
        let told = self.status.as_ref().map(|it| it.rate).filter(|it| *it > 0);
        let first = || match self.deck.as_ref()? {
            Deck::Side { tracks, .. } => tracks.first().map(|it| it.sample_rate),
            Deck::Album { items } => items.first().map(|it| it.track.sample_rate),
        };
        told.or_else(first).filter(|it| *it > 0).unwrap_or(48_000)
    }

    /// Where the sound is, in microseconds of the deck.
    pub fn at_us(&self) -> Option<u64> {
        self.status.as_ref().map(|it| us_of(it.at, self.rate()))
    }

    /// The loop, in microseconds.
    pub fn looped_us(&self) -> Option<(u64, u64)> {
        let (from, to) = self.status.as_ref()?.looped?;
        Some((us_of(from, self.rate()), us_of(to, self.rate())))
    }

    /// By how much what is heard is turned up or down.
    pub fn gain_db(&self) -> Option<f64> {
        let status = self.status.as_ref()?;
        let heard = self.side().map_or(status.heard, |(_, heard)| heard);
        status.tracks.get(heard).map(|it| it.gain_db)
    }
}

pub fn frame_of(us: u64, rate: u32) -> u64 {
    u64::try_from(u128::from(us) * u128::from(rate) / 1_000_000).unwrap_or(u64::MAX)
}

pub fn us_of(frame: u64, rate: u32) -> u64 {
    let us = (u128::from(frame) * 1_000_000).checked_div(u128::from(rate)).unwrap_or(0);
    u64::try_from(us).unwrap_or(u64::MAX)
}

/// How the level is called, with no figure: "matched", "as is", "as Spotify plays it".
pub fn level_name(level: Level) -> String {
    match level {
        Level::Matched => "matched".into(),
        Level::AsIs => "as is".into(),
        Level::Platform(it) => format!("as {} plays it", it.name),
    }
}

/// The next of all ways to set the level.
pub fn level_after(level: Level) -> Level {
    match level {
        Level::Matched => Level::AsIs,
        Level::AsIs => Level::Platform(PLATFORMS[0]),
        Level::Platform(now) => {
            let at = PLATFORMS.iter().position(|it| it.name == now.name).map_or(0, |at| at + 1);
            PLATFORMS.get(at).map_or(Level::Matched, |next| Level::Platform(*next))
        }
    }
}

/// "+1.2 dB", "-2.3 dB", "0.0 dB".
pub fn gain(db: f64) -> String {
    if !db.is_finite() {
        return "? dB".into();
    }
    // No sign on what rounds to nothing.
    if db.abs() < 0.05 { "0.0 dB".into() } else { format!("{db:+.1} dB") }
}

/// A file of a version as the player takes it; `None` where it was never measured.
pub fn track(project: &str, version: &VersionRow, file: &VersionFile) -> Option<Track> {
    let facts = file.facts.as_ref().filter(|it| it.sample_rate > 0 && it.frames > 0)?;
    let name = words::version(version);
    let main = file.alternate.is_empty() || file.alternate == "main";
    let label = if main { name } else { format!("{name} {}", file.alternate) };
    Some(Track::of(project, version, file, facts, label))
}

/// The deck for a look at one file: the alternates of its version, one file each, and what was heard before, so that all of them are at the same
/// position. `None` where the file cannot be played.
pub fn deck_for(
    project: &str,
    version: &VersionRow,
    file: &VersionFile,
    before: Option<&Track>,
) -> Option<Deck> {
    let wanted = track(project, version, file)?;
    let mut tracks: Vec<Track> = Vec::new();
    for group in version.files.chunk_by(|a, b| a.alternate == b.alternate) {
        let chosen = group.iter().find(|it| it.sha256 == file.sha256).or_else(|| group.first());
        tracks.extend(chosen.and_then(|it| track(project, version, it)));
    }
    let here = |tracks: &[Track], of: &Track| {
        tracks.iter().any(|it| it.sha256 == of.sha256 && it.version_id == of.version_id)
    };
    if let Some(before) = before.filter(|it| !here(&tracks, it)) {
        tracks.push(before.clone());
    }
    let heard =
        tracks.iter().position(|it| it.sha256 == wanted.sha256 && it.version_id == wanted.version_id)?;
    Some(Deck::Side { tracks, heard })
}

/// The file of a version that carries this name; the main for the empty one.
pub fn file_of<'a>(version: &'a VersionRow, alternate: &str) -> Option<&'a VersionFile> {
    if alternate.is_empty() {
        return version.files.first();
    }
    version.files.iter().find(|it| it.alternate == alternate)
}

/// Versions whose mixes compete for a song now and may be heard, by their lines.
pub fn competing<'a>(rows: &'a Project, song: &str) -> Vec<&'a VersionRow> {
    let shootout = rows.song(song).and_then(|it| it.shootout.as_ref());
    let Some(open) = shootout.filter(|it| it.picked_version_id.is_empty()) else { return Vec::new() };
    open.lines.iter().filter_map(|it| rows.version(&it.newest_version_id)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_go_round_and_come_back() {
        let mut level = Level::default();
        let mut names = Vec::new();
        for _ in 0..PLATFORMS.len() + 2 {
            names.push(level_name(level));
            level = level_after(level);
        }
        assert_eq!(level, Level::Matched);
        assert_eq!(&names[..3], ["matched", "as is", "as Spotify plays it"]);
        names.sort();
        names.dedup();
        assert_eq!(names.len(), PLATFORMS.len() + 2, "each once");
    }

    #[test]
    fn frames_and_time_are_each_others_way_back() {
        for rate in [44_100, 48_000, 96_000] {
            for frame in [0, 1, 44_099, 9_999_999] {
                assert!(frame_of(us_of(frame, rate) + 1, rate).abs_diff(frame) <= 1);
            }
        }
        assert_eq!(us_of(5, 0), 0);
        assert_eq!(frame_of(u64::MAX, u32::MAX), u64::MAX);
    }

    #[test]
    fn a_gain_that_rounds_to_nothing_has_no_sign() {
        assert_eq!(
            [gain(-2.31), gain(0.04), gain(-0.04), gain(1.0), gain(f64::NAN)],
            ["-2.3 dB", "0.0 dB", "0.0 dB", "+1.0 dB", "? dB"]
        );
    }
}
