//! What can be played, what can be asked of a player, and what it tells: data alone. Screens and the verb `play` say it, the player does it, tests replay it.
//! Positions are frames at the deck's rate, which is the rate of its first track. Never here: sound, threads, files.

use deadwax_proto::v1::{AudioFacts, VersionFile, VersionRow};

/// One file of a version, as its row tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    pub project_id: String,
    pub version_id: String,
    /// As in `VersionFile.alternate`.
    pub alternate: String,
    pub sha256: String,
    /// "Mix 2", "Mix 2 instrumental"
    pub label: String,
    pub sample_rate: u32,
    pub channels: u32,
    pub frames: u64,
    pub bytes: u64,
    /// Integrated, ITU-R BS.1770; -inf for silence.
    pub lufs: f64,
    pub true_peak_dbtp: f64,
    /// False for a listener: the server's copy for listening is played instead of the original.
    pub original: bool,
}

impl Track {
    pub fn of(
        project_id: &str,
        version: &VersionRow,
        file: &VersionFile,
        facts: &AudioFacts,
        label: String,
    ) -> Track {
        Track {
            project_id: project_id.to_owned(),
            version_id: version.version_id.clone(),
            alternate: file.alternate.clone(),
            sha256: file.sha256.clone(),
            label,
            sample_rate: facts.sample_rate,
            channels: facts.channels,
            frames: facts.frames,
            bytes: facts.bytes,
            lufs: facts.integrated_lufs,
            true_peak_dbtp: facts.true_peak_dbtp,
            original: file.may_fetch,
        }
    }
}

/// What lies on the player: files side by side at one position, or a record one song after the other.
#[derive(Clone, Debug, PartialEq)]
pub enum Deck {
    /// The same music several times. One is heard; the others stand ready at the same position.
    Side { tracks: Vec<Track>, heard: usize },
    /// A record with its joints.
    Album { items: Vec<AlbumItem> },
}

/// A song of a record and how it begins and ends.
#[derive(Clone, Debug, PartialEq)]
pub struct AlbumItem {
    pub track: Track,
    /// Silence before it.
    pub gap_ms: u32,
    /// How long it sounds together with the one before; then `gap_ms` is not used.
    pub crossfade_ms: u32,
    pub fade_in_ms: u32,
    pub fade_out_ms: u32,
    /// Cut from its head before anything else.
    pub trim_in_ms: u32,
    pub trim_out_ms: u32,
    pub shape: Shape,
    pub gain_db: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Shape {
    #[default]
    EqualPower,
    Linear,
    Exponential,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    Load {
        deck: Deck,
        at: u64,
        play: bool,
    },
    Play,
    Pause,
    /// Takes everything off the player.
    Stop,
    Seek {
        at: u64,
    },
    /// From the first frame up to, not including, the second.
    Loop(Option<(u64, u64)>),
    /// Another track of the side-by-side deck at the same position.
    Switch(usize),
    Level(Level),
    Monitor(Monitor),
}

/// How loud each track is played.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub enum Level {
    /// Every track as loud as the quietest of the deck (integrated loudness): nothing is ever turned up into clipping. On an album the whole record moves as one.
    #[default]
    Matched,
    /// As the file is.
    AsIs,
    /// As a streaming service would play it.
    Platform(Platform),
}

/// What a service does to loudness.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Platform {
    pub name: &'static str,
    pub target_lufs: f64,
    /// Quiet music is turned up, but its true peak not over this; `None`: never turned up.
    pub up_to_dbtp: Option<f64>,
    /// Songs of an album keep their levels among each other.
    pub by_album: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Monitor {
    pub channels: Channels,
    /// Left and right exchanged.
    pub swap: bool,
    /// 20 dB quieter.
    pub dim: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Channels {
    #[default]
    Stereo,
    /// (L + R) / 2 on both
    Mono,
    /// (L - R) / 2 on both
    Side,
}

/// What the player tells. `Status` comes at every change and several times a second while it plays.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    Status(Box<Status>),
    /// The studio was told what was heard; how much of the file it is now.
    Heard {
        version_id: String,
        alternate: String,
        percent: u32,
    },
    /// Something that a person should read once: no sound device, a file that cannot be played.
    Trouble {
        text: String,
        hint: String,
    },
}

#[derive(Clone, Debug, PartialEq, Default)]
pub struct Status {
    /// In the order of the deck.
    pub tracks: Vec<TrackStatus>,
    /// Which track is heard; on an album the song that sounds.
    pub heard: usize,
    /// Of the deck, in Hz.
    pub rate: u32,
    /// Of the deck.
    pub frames: u64,
    /// What leaves the loudspeaker now.
    pub at: u64,
    pub playing: bool,
    /// Playing, but the sound has not come yet.
    pub waiting: bool,
    pub looped: Option<(u64, u64)>,
    pub level: Level,
    pub monitor: Monitor,
    /// How often sound was missing while it played, since the deck was loaded.
    pub underruns: u64,
    /// "PulseAudio", "aplay", "no sound device"
    pub output: String,
    /// False for the silent clock and for files: nobody heard it.
    pub audible: bool,
}

#[derive(Clone, Debug, PartialEq, Default)]
pub struct TrackStatus {
    /// By how much it is turned up or down now.
    pub gain_db: f64,
    /// How much of the file is here, 0 to 1.
    pub here: f64,
    pub problem: Option<String>,
}
