//! How loud each track is played: all as loud as the quietest, as they are, or as a service would. Figures in, decibels out. The services stand in
//! `client-tui/platforms/platforms.toml`, dated and with their sources. Never here: samples, measuring.

use std::sync::LazyLock;

use serde::Deserialize;

use super::{Deck, Level, Platform, Track, deck::tracks};
use crate::name;

/// Alternates that are a part of the song and not the song.
const PARTS: [&str; 3] = ["a-cappella", "lead-vocal-only", "bgv-only"];

/// A service, and what is known about it.
#[derive(Clone, Debug, PartialEq)]
pub struct PlatformFacts {
    /// `None`: it leaves loudness alone.
    pub platform: Option<Platform>,
    pub name: &'static str,
    pub about: &'static str,
    pub sources: Vec<&'static str>,
    /// "2026-11-21": when it was looked at.
    pub dated: &'static str,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    dated: String,
    platform: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    target_lufs: Option<f64>,
    up_to_dbtp: Option<f64>,
    by_album: bool,
    about: String,
    sources: Vec<String>,
}

/// Read once; its names live as long as the program.
static FACTS: LazyLock<Vec<PlatformFacts>> = LazyLock::new(|| {
    let table: Table = toml::from_str(include_str!("../../platforms/platforms.toml"))
        .expect("the table is part of the program and a test reads it");
    let dated: &'static str = table.dated.leak();
    let facts = |line: Line| {
        let name: &'static str = line.name.leak();
        PlatformFacts {
            platform: line.target_lufs.map(|target_lufs| Platform {
                name,
                target_lufs,
                up_to_dbtp: line.up_to_dbtp,
                by_album: line.by_album,
            }),
            name,
            about: line.about.leak(),
            sources: line.sources.into_iter().map(|source| &*source.leak()).collect(),
            dated,
        }
    };
    table.platform.into_iter().map(facts).collect()
});

/// Every service of the table, those that leave loudness alone too.
pub fn platform_facts() -> &'static [PlatformFacts] {
    &FACTS
}

impl Platform {
    /// Those that do something to loudness, in the order of the table: to step through with a key.
    pub fn all() -> Vec<Platform> {
        FACTS.iter().filter_map(|facts| facts.platform).collect()
    }
}

impl Level {
    /// "matched", "as-is", or the name of a service or its beginning; letters and digits count alone.
    pub fn from_word(word: &str) -> Option<Level> {
        let wanted = name::key(word);
        match wanted.as_str() {
            "" => return None,
            "matched" => return Some(Level::Matched),
            "asis" => return Some(Level::AsIs),
            _ => {}
        }
        let named = |facts: &&PlatformFacts| name::key(facts.name) == wanted;
        let begins = |facts: &&PlatformFacts| name::key(facts.name).starts_with(&wanted);
        let found = FACTS.iter().find(named).or_else(|| FACTS.iter().find(begins))?;
        Some(found.platform.map_or(Level::AsIs, Level::Platform))
    }

    /// "matched", "as is", "Spotify"
    pub fn word(self) -> &'static str {
        match self {
            Level::Matched => "matched",
            Level::AsIs => "as is",
            Level::Platform(platform) => platform.name,
        }
    }
}

/// By how many decibels each track is turned up or down, in the order of the deck. Always finite; silence is left as it is.
pub fn gains_db(deck: &Deck, level: Level) -> Vec<f64> {
    let count = tracks(deck).count();
    match (level, deck) {
        (Level::AsIs, _) => vec![0.0; count],
        (Level::Matched, Deck::Side { tracks, .. }) => matched_db(tracks),
        // A record is one thing: its songs keep their levels. Where a song was turned up against the others, all of it goes down by what would clip.
        (Level::Matched, Deck::Album { items }) => {
            let raised = items.iter().filter(|item| item.gain_db > 0.0);
            let over = raised.map(|item| item.track.true_peak_dbtp + item.gain_db).fold(0.0, f64::max);
            vec![settled(-over); count]
        }
        (Level::Platform(platform), Deck::Side { tracks, .. }) => {
            tracks.iter().map(|track| platform_gain_db(&platform, track.lufs, track.true_peak_dbtp)).collect()
        }
        (Level::Platform(platform), Deck::Album { items }) if platform.by_album => {
            let peak = items
                .iter()
                .map(|item| item.track.true_peak_dbtp + item.gain_db)
                .fold(f64::NEG_INFINITY, f64::max);
            let songs = items.iter().map(|item| (&item.track, item.gain_db));
            vec![platform_gain_db(&platform, album_lufs(songs), peak); count]
        }
        (Level::Platform(platform), Deck::Album { items }) => {
            let gain = |track: &Track, gain_db: f64| {
                platform_gain_db(&platform, track.lufs + gain_db, track.true_peak_dbtp + gain_db)
            };
            items.iter().map(|item| gain(&item.track, item.gain_db)).collect()
        }
    }
}

/// The service's target less the loudness; upwards only where the service does it, and not further than the true peak allows.
pub fn platform_gain_db(platform: &Platform, lufs: f64, true_peak_dbtp: f64) -> f64 {
    let gain = settled(platform.target_lufs - lufs);
    if gain <= 0.0 {
        return gain;
    }
    match platform.up_to_dbtp {
        Some(most) => gain.min(settled(most - true_peak_dbtp)).max(0.0),
        None => 0.0,
    }
}

/// Of a record: the mean of its songs' power, each weighted with its length. The gate over the whole record, which only the samples could tell, is left out.
fn album_lufs<'a>(songs: impl Iterator<Item = (&'a Track, f64)>) -> f64 {
    let (mut power, mut time) = (0.0, 0.0);
    for (track, gain_db) in songs {
        let seconds = track.frames as f64 / f64::from(track.sample_rate.max(1));
        let lufs = track.lufs + gain_db;
        if lufs.is_finite() {
            power += seconds * 10f64.powf(lufs / 10.0);
            time += seconds;
        }
    }
    10.0 * (power / time).log10()
}

/// A level that is no number, or endless as that of silence, moves nothing.
/// A voice alone is no quieter mix: it moves with the mix that it is part of, else no mix could be heard louder than its voice. Never a gain upwards.
fn matched_db(tracks: &[Track]) -> Vec<f64> {
    let is_part =
        |track: &&Track| PARTS.contains(&track.alternate.as_str()) || track.alternate.starts_with("stem-");
    let quietest = |wholes: bool| {
        let asked = tracks.iter().filter(|track| !(wholes && is_part(track)));
        asked.map(|track| track.lufs).filter(|l| l.is_finite()).fold(f64::INFINITY, f64::min)
    };
    let level = Some(quietest(true)).filter(|l| l.is_finite()).unwrap_or_else(|| quietest(false));
    let down = |track: &Track| settled((level - track.lufs).min(0.0));
    let whole = |part: &Track| {
        let of = |it: &&Track| it.version_id == part.version_id && it.alternate == "main";
        tracks.iter().find(of)
    };
    tracks
        .iter()
        .map(|track| if is_part(&track) { down(whole(track).unwrap_or(track)) } else { down(track) })
        .collect()
}

fn settled(gain_db: f64) -> f64 {
    if gain_db.is_finite() { gain_db } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::play::{AlbumItem, Shape};

    fn track(lufs: f64, true_peak_dbtp: f64) -> Track {
        Track {
            project_id: String::new(),
            version_id: String::new(),
            alternate: "main".into(),
            sha256: String::new(),
            label: String::new(),
            sample_rate: 48_000,
            channels: 2,
            frames: 48_000,
            bytes: 0,
            lufs,
            true_peak_dbtp,
            original: true,
        }
    }

    fn side(tracks: &[(f64, f64)]) -> Deck {
        Deck::Side { tracks: tracks.iter().map(|(l, p)| track(*l, *p)).collect(), heard: 0 }
    }

    fn album(songs: &[(f64, f64, f64)]) -> Deck {
        let item = |(lufs, peak, gain_db): &(f64, f64, f64)| AlbumItem {
            track: track(*lufs, *peak),
            gap_ms: 0,
            crossfade_ms: 0,
            fade_in_ms: 0,
            fade_out_ms: 0,
            trim_in_ms: 0,
            trim_out_ms: 0,
            shape: Shape::default(),
            gain_db: *gain_db,
        };
        Deck::Album { items: songs.iter().map(item).collect() }
    }

    fn spotify() -> Platform {
        let Some(Level::Platform(platform)) = Level::from_word("spotify") else {
            panic!("it is in the table")
        };
        platform
    }

    #[test]
    fn matched_brings_all_down_to_the_quietest_and_leaves_silence_alone() {
        let silence = f64::NEG_INFINITY;
        let gains = gains_db(&side(&[(-9.0, 0.0), (-14.5, -1.0), (silence, silence)]), Level::Matched);
        assert_eq!(gains, [-5.5, 0.0, 0.0]);
        assert_eq!(gains_db(&side(&[(silence, silence), (f64::NAN, 0.0)]), Level::Matched), [0.0, 0.0]);
        assert_eq!(gains_db(&side(&[(-9.0, 0.0), (-14.5, -1.0)]), Level::AsIs), [0.0, 0.0]);
    }

    #[test]
    fn a_voice_alone_moves_with_its_mix() {
        let of = |alternate: &str, version: &str, lufs| Track {
            alternate: alternate.into(),
            version_id: version.into(),
            ..track(lufs, -1.0)
        };
        let tracks = vec![
            of("main", "mix", -12.0),
            of("instrumental", "mix", -13.0),
            of("a-cappella", "mix", -23.0),
            of("main", "master", -9.0),
            of("stem-2", "master", -30.0),
            of("bgv-only", "other", -10.0),
        ];
        let gains = gains_db(&Deck::Side { tracks, heard: 0 }, Level::Matched);
        assert_eq!(gains, [-1.0, 0.0, -1.0, -4.0, -4.0, -3.0]);
        let voices = vec![of("a-cappella", "mix", -20.0), of("a-cappella", "other", -23.0)];
        assert_eq!(
            gains_db(&Deck::Side { tracks: voices, heard: 0 }, Level::Matched),
            [-3.0, 0.0],
            "beside each other"
        );
    }

    #[test]
    fn a_service_turns_down_and_up_to_its_peak_where_it_turns_up_at_all() {
        let spotify = spotify();
        assert_eq!(platform_gain_db(&spotify, -8.0, 0.5), -6.0);
        assert_eq!(platform_gain_db(&spotify, -20.0, -10.0), 6.0);
        assert_eq!(platform_gain_db(&spotify, -20.0, -3.0), 2.0, "held by the peak");
        assert_eq!(platform_gain_db(&spotify, -20.0, 0.0), 0.0, "never turned down for its peak");
        let youtube = Platform { up_to_dbtp: None, ..spotify };
        assert_eq!(platform_gain_db(&youtube, -20.0, -10.0), 0.0);
        assert_eq!(platform_gain_db(&spotify, f64::NEG_INFINITY, f64::NEG_INFINITY), 0.0);
    }

    #[test]
    fn a_record_moves_as_one_where_the_service_knows_records() {
        let record = album(&[(-8.0, -1.0, 0.0), (-12.0, -1.0, 0.0)]);
        let gains = gains_db(&record, Level::Platform(spotify()));
        // Mean power of -8 and -12 LUFS over equal lengths: -9.555 LUFS.
        assert!((gains[0] + 4.445).abs() < 0.001 && gains[0] == gains[1], "{gains:?}");
        let by_song = Platform { by_album: false, ..spotify() };
        assert_eq!(gains_db(&record, Level::Platform(by_song)), [-6.0, -2.0]);
        assert_eq!(gains_db(&record, Level::Matched), [0.0, 0.0]);
        assert_eq!(gains_db(&album(&[(-8.0, -1.0, 3.0), (-12.0, -1.0, 0.0)]), Level::Matched), [-2.0, -2.0]);
    }

    #[test]
    fn the_table_is_dated_and_sourced_and_its_words_are_found() {
        assert!(Platform::all().len() >= 6);
        for facts in platform_facts() {
            assert!(facts.dated.len() == 10 && !facts.sources.is_empty() && !facts.about.is_empty());
        }
        assert_eq!(Level::from_word("as is"), Some(Level::AsIs));
        assert_eq!(Level::from_word("bandcamp"), Some(Level::AsIs));
        assert_eq!(Level::from_word("Apple").map(Level::word), Some("Apple Music"));
        assert_eq!((Level::from_word("winamp"), Level::from_word("")), (None, None));
    }
}
