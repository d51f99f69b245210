//! What lies at the studio: versions side by side, or the songs of a project with their joints. For a file it is fetched whole first and compared with its
//! digest; for the ear it is played as it comes, and the studio is told what was heard. Never here: sound.

use std::path::Path;

use deadwax_proto::v1::{self, FadeShape, SongRow, SpacingItem, VersionFile, VersionRow};

use super::{Joint, Part};
use crate::{
    cli::Play,
    net::Client,
    play::{HeardRange, Loaded, Setup, Shape, Stand, Track, output::Choice},
    verbs::{
        Context, VerbError,
        house::House,
        out::Bar,
        place::{Wanted, place_download},
        words,
    },
};

/// A file to be fetched, and how it lies on the deck.
struct Asked<'a> {
    song: &'a SongRow,
    version: &'a VersionRow,
    file: &'a VersionFile,
    joint: Joint,
}

/// A deck whose files are on their way.
pub(super) struct Laid {
    pub(super) loaded: Loaded,
    tracks: Vec<Track>,
    client: Client,
    /// Fetches for as long as it is held.
    _stand: Stand,
}

/// Finds what was asked for and begins to fetch it, what is heard first before the rest.
pub(super) async fn lay(c: &Context, asked: &Play) -> Result<Laid, VerbError> {
    let client = c.client(&asked.place.who).await?;
    let house = House::find(&client, asked.place.project.as_deref()).await?;
    let found = if asked.album { record(&house)? } else { side_by_side(&house, asked)? };
    let tracks: Vec<Track> = found.iter().map(|wanted| track(&house, wanted)).collect();
    let broken = |what: String| VerbError::no("CANNOT_PLAY", what, "Write it into a file with --to FILE.");
    let setup = Setup::for_client(&client, 0, Choice::Any)
        .map_err(|it| VerbError::no("NO_CACHE", it.text, it.hint))?;
    let stand = Stand::lay(&client, &setup.cache, tracks.clone(), 0).map_err(broken)?;
    let parts = tracks.iter().cloned().zip(found.iter().map(|wanted| wanted.joint)).collect();
    let loaded = Loaded::new(super::deck(asked, parts), stand.sounds(), stand.rate());
    let loaded = loaded.map_err(|e| broken(e.to_string()))?;
    Ok(Laid { loaded, tracks, client, _stand: stand })
}

impl Laid {
    /// The deck apart from what brings it.
    pub(super) fn take_apart(self) -> (Loaded, Told) {
        (self.loaded, Told { tracks: self.tracks, client: self.client, _stand: self._stand })
    }
}

/// Whom it is told what was heard.
pub(super) struct Told {
    tracks: Vec<Track>,
    client: Client,
    _stand: Stand,
}

impl Told {
    pub(super) async fn heard(&self, ranges: &[HeardRange], rate: u32) -> Result<(), VerbError> {
        let ms = |frames: u64| frames.saturating_mul(1000) / u64::from(rate.max(1));
        for (index, track) in self.tracks.iter().enumerate() {
            let own = ranges.iter().filter(|range| range.track == index);
            let ranges: Vec<v1::HeardRange> =
                own.map(|range| v1::HeardRange { start_ms: ms(range.from), end_ms: ms(range.to) }).collect();
            if ranges.is_empty() {
                continue;
            }
            let request = v1::ReportHeardRequest {
                project_id: track.project_id.clone(),
                version_id: track.version_id.clone(),
                alternate: track.alternate.clone(),
                ranges,
            };
            self.client.report_heard(request).await?;
        }
        Ok(())
    }
}

/// Fetches what was asked for into the folder.
pub(super) async fn parts(c: &Context, asked: &Play, folder: &Path) -> Result<Vec<Part>, VerbError> {
    let client = c.client(&asked.place.who).await?;
    let house = House::find(&client, asked.place.project.as_deref()).await?;
    let found = if asked.album { record(&house)? } else { side_by_side(&house, asked)? };
    let mut parts = Vec::new();
    for wanted in &found {
        parts.push(fetch(&client, &house, wanted, folder).await?);
    }
    Ok(parts)
}

fn side_by_side<'a>(house: &'a House, asked: &Play) -> Result<Vec<Asked<'a>>, VerbError> {
    let song = house.song(asked.place.song.as_deref())?;
    let alternate = asked.alternate.as_deref().unwrap_or("main");
    let names: Vec<Option<&str>> = match asked.version.is_empty() {
        true => vec![None],
        false => asked.version.iter().map(|name| Some(name.as_str())).collect(),
    };
    let find = |name: Option<&str>| {
        let version = house.version(song, name)?;
        let file = file_of(version, alternate)?;
        Ok(Asked { song, version, file, joint: Joint::default() })
    };
    names.into_iter().map(find).collect()
}

fn file_of<'a>(version: &'a VersionRow, alternate: &str) -> Result<&'a VersionFile, VerbError> {
    let found = version.files.iter().find(|file| file.alternate == alternate);
    found.ok_or_else(|| {
        let list: Vec<&str> = version.files.iter().map(|file| file.alternate.as_str()).collect();
        VerbError::Usage(format!(
            "{} has no {alternate:?}; it has {}",
            words::version(version),
            list.join(", ")
        ))
    })
}

/// The songs in their running order, each with the version that its gate looks at; those without one are left out.
fn record(house: &House) -> Result<Vec<Asked<'_>>, VerbError> {
    let items: Vec<SpacingItem> = match &house.project.spacing {
        Some(spacing) => spacing.items.clone(),
        None => {
            let item =
                |song: &SongRow| SpacingItem { song_id: song.song_id.clone(), ..SpacingItem::default() };
            house.songs.iter().map(item).collect()
        }
    };
    let mut found: Vec<Asked<'_>> = Vec::new();
    for item in &items {
        let Some(song) = house.songs.iter().find(|song| song.song_id == item.song_id) else { continue };
        let Ok(version) = house.version(song, None) else { continue };
        let file = file_of(version, "main")?;
        let first = found.is_empty();
        found.push(Asked { song, version, file, joint: joint(item, first) });
    }
    match found.is_empty() {
        true => Err(VerbError::no(
            "NO_VERSION",
            format!("{} has no version that could be played yet.", house.project.title),
            "Upload one with `deadwax push`.",
        )),
        false => Ok(found),
    }
}

fn joint(item: &SpacingItem, first: bool) -> Joint {
    Joint {
        gap_ms: if first { 0 } else { item.gap_ms },
        crossfade_ms: if first { 0 } else { item.crossfade_ms },
        fade_in_ms: item.fade_in_ms,
        fade_out_ms: item.fade_out_ms,
        trim_in_ms: item.trim_in_ms,
        trim_out_ms: item.trim_out_ms,
        shape: match item.shape() {
            FadeShape::Unspecified | FadeShape::EqualPower => Shape::EqualPower,
            FadeShape::Linear => Shape::Linear,
            FadeShape::Exponential => Shape::Exponential,
        },
        gain_db: f64::from(item.gain_cb) / 100.0,
    }
}

async fn fetch(client: &Client, house: &House, asked: &Asked<'_>, folder: &Path) -> Result<Part, VerbError> {
    let Asked { song, version, file, joint } = asked;
    let name = format!("{}, {}", song.title, words::version(version));
    if !file.may_fetch {
        return Err(VerbError::no(
            "ORIGINALS_CLOSED",
            format!("You may hear {name} but not fetch it."),
            "Open the terminal client and press Space on it.",
        ));
    }
    let facts = file.facts.clone().unwrap_or_default();
    let digits: String = file.sha256.chars().filter(char::is_ascii_hexdigit).collect();
    let wanted = Wanted {
        project_id: &house.project.project_id,
        version_id: &version.version_id,
        sha256: &file.sha256,
        bytes: facts.bytes,
        name: format!("{digits}.audio"),
    };
    let bar = Bar::bytes(&name, facts.bytes);
    place_download(client, folder, &wanted, &|done, _| bar.set(done)).await?;
    let track = track(house, asked);
    Ok(Part { path: folder.join(&wanted.name), track: Some(track), joint: *joint })
}

/// As the rows tell it.
fn track(house: &House, asked: &Asked<'_>) -> Track {
    let Asked { song, version, file, .. } = asked;
    let name = format!("{}, {}", song.title, words::version(version));
    let label = match file.alternate.as_str() {
        "main" => name,
        other => format!("{name} {other}"),
    };
    let facts = file.facts.clone().unwrap_or_default();
    Track::of(&house.project.project_id, version, file, &facts, label)
}
