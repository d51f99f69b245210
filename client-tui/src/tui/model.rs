//! Everything the client knows. Screens draw from it, `update` alone changes it. Selections are held by id, not by place, so that a
//! row that arrives while somebody looks never moves the mark to another thing. No clock and no randomness of its own: time comes by
//! `Msg::Tick`, ids come from a generator that was seeded at the start.

use std::collections::BTreeMap;

pub use super::ask::{
    Addressee, ApproveAsk, Ask, BlindAsk, BlindKind, ConfirmAsk, Decision, EntrantsAsk, FollowAsk, Offers,
    PaletteAsk, Prompt, Purpose, ReadAsk, RecipeAsk, RecipeCheck, RecipeTold, RevisionAsk, SectionsAsk,
    Sends, Sign, SignedAsk, TEXT_CHARS_MAX, TickAsk, VoteAsk, WriteAsk, YesOrNo, text_area,
};
pub use super::compare::{Chosen, CompareView, ComparisonPage};
pub use super::history::HistoryPage;
use super::{
    album::Album,
    delivery,
    draw::wave::pixels,
    hands::Hands,
    keys::{Kind, Verb},
    label_copy, master,
    msg::WaveAsk,
    offline::Offline,
    people::People,
    player::Player,
    presence::Presence,
    record,
    rows::Project,
    settings::Settings,
    signing,
    transfers::Transfers,
};
use deadwax_proto::v1::{
    Action, DeskRow, Person, ProjectSummary, RenderProgress, Role, SongTurnaround, VersionFile, VersionRow,
    WaveformResponse,
};

#[derive(Clone, Debug)]
pub struct Model {
    pub size: (u16, u16),
    pub now_ms: i64,
    pub zone: jiff::tz::TimeZone,
    /// False where NO_COLOR is set.
    pub colour: bool,
    pub me: Option<Person>,
    pub studio: String,
    pub link: Link,
    /// Tries to connect since the last rows came: what the wait before the next one grows by.
    pub tries: u32,
    pub desk: Option<Vec<DeskRow>>,
    pub list: Option<Vec<ProjectSummary>>,
    pub projects: BTreeMap<String, Project>,
    /// Never empty; the last is on top.
    pub stack: Vec<Screen>,
    pub prompt: Option<Prompt>,
    pub pending: Vec<Pending>,
    pub notice: Option<Notice>,
    /// The good news on the screen and since when, so that it can fade.
    pub told: Option<(String, i64)>,
    pub wave: Option<Wave>,
    /// The picture in pixels that was asked for last, and the newest that came.
    pub picture: (Option<pixels::Ask>, Option<pixels::Shown>),
    pub progress: Option<(String, RenderProgress)>,
    pub history: Option<HistoryPage>,
    pub turnaround: Option<TurnaroundPage>,
    pub comparison: Option<ComparisonPage>,
    /// A project named on the command line: opened as soon as it is known.
    pub start: Option<String>,
    /// Drafts of running orders.
    pub album: Album,
    pub delivery: delivery::Room,
    pub record: record::Room,
    pub master: master::Room,
    pub offline: Offline,
    pub settings: Settings,
    pub player: Player,
    pub transfers: Transfers,
    pub presence: Presence,
    pub people: People,
    pub label_copy: label_copy::Room,
    pub signing: signing::Room,
    pub hands: Hands,
    /// Songs of the board that the next key is about, where it is about several.
    pub chosen: std::collections::BTreeSet<String>,
    pub subscribed: Subscribed,
    pub dirty: bool,
    pub quit: bool,
    pub ids: Ids,
    pub ticket: u64,
}

impl Model {
    pub fn new(size: (u16, u16), now_ms: i64, seed: u64) -> Model {
        Model {
            size,
            now_ms,
            zone: jiff::tz::TimeZone::UTC,
            colour: true,
            me: None,
            studio: String::new(),
            link: Link::Connecting,
            tries: 0,
            desk: None,
            list: None,
            projects: BTreeMap::new(),
            stack: vec![Screen::Desk { at: 0 }],
            prompt: None,
            pending: Vec::new(),
            notice: None,
            told: None,
            wave: None,
            picture: (None, None),
            progress: None,
            history: None,
            turnaround: None,
            comparison: None,
            start: None,
            album: Album::default(),
            delivery: delivery::Room::default(),
            record: record::Room::default(),
            master: master::Room::default(),
            offline: Offline::default(),
            settings: Settings::default(),
            player: Player::default(),
            transfers: Transfers::default(),
            presence: Presence::default(),
            people: People::default(),
            label_copy: label_copy::Room::default(),
            signing: signing::Room::default(),
            hands: Hands::default(),
            chosen: std::collections::BTreeSet::new(),
            subscribed: Subscribed::default(),
            dirty: true,
            quit: false,
            ids: Ids { state: seed },
            ticket: 0,
        }
    }

    pub fn top(&self) -> &Screen {
        self.stack.last().expect("the stack keeps its first screen")
    }

    pub fn top_mut(&mut self) -> &mut Screen {
        self.stack.last_mut().expect("the stack keeps its first screen")
    }

    /// The project that the top screen shows.
    pub fn project(&self) -> Option<&Project> {
        self.projects.get(self.project_id()?)
    }

    pub fn project_id(&self) -> Option<&str> {
        self.stack.iter().rev().find_map(|screen| match screen {
            Screen::Project { project, .. }
            | Screen::Master { project, .. }
            | Screen::History { project, .. }
            | Screen::Album { project, .. }
            | Screen::Delivery { project, .. }
            | Screen::Record { project, .. }
            | Screen::People { project, .. }
            | Screen::LabelCopy { project, .. }
            | Screen::Turnaround { project, .. } => Some(project.as_str()),
            Screen::Song(view) => Some(view.project.as_str()),
            Screen::Compare(view) => Some(view.project.as_str()),
            Screen::Desk { .. }
            | Screen::Projects { .. }
            | Screen::Transfers { .. }
            | Screen::Help { .. } => None,
        })
    }

    pub fn my_roles(&self) -> Vec<Role> {
        self.project().and_then(Project::head).map_or(Vec::new(), |head| head.your_roles().collect())
    }

    /// How the key of an action is called here, as this person has it; the palette's where it has none.
    pub fn key(&self, verb: Verb) -> String {
        let kind = self.top().kind();
        let name = self.settings.keys.name(kind, verb);
        if name.is_empty() { self.settings.keys.name(kind, Verb::Palette) } else { name }
    }

    pub fn online(&self) -> bool {
        self.link == Link::Online
    }

    pub fn next_ticket(&mut self) -> u64 {
        self.ticket += 1;
        self.ticket
    }

    pub fn new_id(&mut self) -> String {
        let now_ms = self.now_ms;
        self.ids.next(now_ms)
    }

    pub fn is_pending(&self, verb: Verb, about: &str) -> bool {
        // What waits for the line is no reason not to write more.
        let more = matches!(verb, Verb::AddNote | Verb::AddSongNote | Verb::Reply | Verb::Tick);
        self.pending.iter().any(|it| it.verb == verb && it.about == about && !(more && it.queued))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    Connecting,
    Online,
    Offline { since_ms: i64, retry_at_ms: i64, why: String },
    Ended { text: String, hint: String },
}

#[derive(Clone, Debug)]
pub enum Screen {
    Desk { at: usize },
    Projects { at: usize },
    Project { project: String, song: Option<String> },
    Song(SongView),
    Master { project: String, song: String, render: Option<String> },
    History { project: String, song: String, at: usize },
    Turnaround { project: String, at: usize },
    Compare(CompareView),
    Album { project: String, at: usize },
    Delivery { project: String, at: usize },
    Record { project: String, number: Option<u32> },
    People { project: String, at: usize },
    LabelCopy { project: String, at: usize },
    Transfers { at: usize },
    Help { of: Kind, at: usize },
}

impl Screen {
    pub fn kind(&self) -> Kind {
        match self {
            Screen::Desk { .. } => Kind::Desk,
            Screen::Projects { .. } => Kind::Projects,
            Screen::Project { .. } => Kind::Project,
            Screen::Song(_) => Kind::Song,
            Screen::Master { .. } => Kind::Master,
            Screen::History { .. } => Kind::History,
            Screen::Turnaround { .. } => Kind::Turnaround,
            Screen::Compare(_) => Kind::Compare,
            Screen::Album { .. } => Kind::Album,
            Screen::Delivery { .. } => Kind::Delivery,
            Screen::Record { .. } => Kind::Record,
            Screen::People { .. } => Kind::People,
            Screen::LabelCopy { .. } => Kind::LabelCopy,
            Screen::Transfers { .. } => Kind::Transfers,
            Screen::Help { .. } => Kind::Help,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    Versions,
    Notes,
}

#[derive(Clone, Debug)]
pub struct SongView {
    pub project: String,
    pub song: String,
    pub focus: Focus,
    /// `None` follows the candidate of the gate.
    pub version: Option<String>,
    /// Which file of the version is drawn; 0 is the Main.
    pub file: usize,
    pub note: Option<String>,
    pub settled: bool,
    pub cursor_ms: u64,
    /// How far beyond `cursor_ms` it stands, in microseconds: single samples are nearer to each other than a millisecond.
    pub cursor_us: u32,
    /// The other end of a range.
    pub mark_ms: Option<u64>,
    /// What is on the screen; `None` is the whole song.
    pub window: Option<(u64, u64)>,
}

impl SongView {
    pub fn new(project: String, song: String) -> SongView {
        SongView {
            project,
            song,
            focus: Focus::Notes,
            version: None,
            file: 0,
            note: None,
            settled: false,
            cursor_ms: 0,
            cursor_us: 0,
            mark_ms: None,
            window: None,
        }
    }

    /// The version that is looked at: the chosen one, else what the gate looks at, else the newest.
    pub fn version<'a>(&self, project: &'a Project) -> Option<&'a VersionRow> {
        self.version
            .as_deref()
            .and_then(|id| project.version(id))
            .or_else(|| SongView::first(project, &self.song))
    }

    /// What a song opens on.
    pub fn first<'a>(project: &'a Project, song: &str) -> Option<&'a VersionRow> {
        let candidate = project.song(song).and_then(|it| project.version(&it.candidate_version_id));
        // A candidate that was superseded is one of before the newest row came.
        candidate.filter(|it| !it.superseded).or_else(|| project.newest_version(song))
    }

    /// Where the cursor stands, to the microsecond.
    pub fn cursor(&self) -> u64 {
        self.cursor_ms.saturating_mul(1000).saturating_add(u64::from(self.cursor_us.min(999)))
    }

    pub fn set_cursor(&mut self, us: u64) {
        self.cursor_ms = us / 1000;
        self.cursor_us = u32::try_from(us % 1000).unwrap_or(0);
    }

    /// The file that is drawn.
    pub fn file<'a>(&self, version: &'a VersionRow) -> Option<&'a VersionFile> {
        version.files.get(self.file).or_else(|| version.files.first())
    }

    pub fn range(&self) -> Option<(u64, u64)> {
        let mark = self.mark_ms?;
        Some((mark.min(self.cursor_ms), mark.max(self.cursor_ms)))
    }
}

/// A command that was sent and not yet answered. Kept over a cut: it is sent again with the same id.
#[derive(Clone, Debug, PartialEq)]
pub struct Pending {
    pub command_id: String,
    pub project_id: String,
    pub action: Action,
    pub verb: Verb,
    /// The key of the row that it is about.
    pub about: String,
    /// "note on Mix 2"
    pub say: String,
    /// Waits for the line, or for those before it.
    pub queued: bool,
    /// Was not sent when it was given, or not answered before a cut: what became of it is told in a list.
    pub late: bool,
}

impl Pending {
    /// The key of the row that it makes.
    pub fn makes(&self) -> Option<String> {
        match &self.action.action {
            Some(deadwax_proto::v1::action::Action::AddNote(note)) => Some(format!("note/{}", note.note_id)),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    Done(String),
    Tell(String),
    Refused { text: String, hint: String },
}

/// The overview of one file, as far as it was fetched.
#[derive(Clone, Debug, PartialEq)]
pub struct Wave {
    pub ask: WaveAsk,
    pub state: WaveState,
    /// The newest data of this same file, maybe of another window: drawn until the newer comes.
    pub data: Option<(u64, u64, WaveformResponse)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WaveState {
    Asked,
    Here,
    Failed(String),
}

/// How long each song stood in each stage, as the studio counted it.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnaroundPage {
    pub project: String,
    pub ticket: u64,
    /// `None` until the answer comes.
    pub songs: Option<Vec<SongTurnaround>>,
    pub problem: Option<String>,
}

/// What the runner was asked to keep open. `reconcile` compares it with what the screens need.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscribed {
    pub project: Option<String>,
    pub render: Option<(String, String)>,
    /// Project and record.
    pub record: Option<(String, String)>,
}

/// UUIDv7 from the model's time and a splitmix64 sequence, seeded from the operating system by `run`.
#[derive(Clone, Debug)]
pub struct Ids {
    state: u64,
}

impl Ids {
    fn next(&mut self, now_ms: i64) -> String {
        let mut random = [0u8; 10];
        random[..8].copy_from_slice(&self.draw().to_be_bytes());
        random[8..].copy_from_slice(&self.draw().to_be_bytes()[..2]);
        let ms = u64::try_from(now_ms).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid().to_string()
    }

    /// Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators".
    pub fn draw(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
