//! The closed list of what can happen to the client, and the closed list of what it can ask the world to do. Data only.

use super::{
    draw::wave::pixels, hands::Draft, label_copy, people, presence, record, rows, settings::Ground, signing,
    transfers,
};
use crate::{
    cache::{queue::Unsent, rows::Start},
    play,
    verbs::pages::Head,
};
use crossterm::event::{KeyEvent, MouseEvent};
use deadwax_proto::v1::{
    Action, Attendee, CheckRecipeResponse, CompareRequest, DeskRow, HistoryResponse, PerformResponse, Person,
    ProjectSummary, RecipeInfo, RenderProgress, ReportHeardRequest, SongTurnaround, Update, WaveformResponse,
};

/// Something that happened. Everything the model learns comes through here.
#[derive(Clone, Debug, PartialEq)]
pub enum Msg {
    Key(KeyEvent),
    Mouse(MouseEvent),
    Paste(String),
    Resize(u16, u16),
    /// The clock; once a second, and oftener while something on the screen fades.
    Tick(i64),
    /// The frame with the newest model is on the screen. A prompt takes no yes before it was seen.
    Shown,
    Connected {
        me: Person,
        studio: String,
        projects: Vec<ProjectSummary>,
    },
    /// The connection is gone; what is on the screen grows old from now on.
    Lost {
        why: String,
    },
    /// The session itself ended: trying again cannot help.
    SessionEnded {
        text: String,
        hint: String,
    },
    Projects(Vec<ProjectSummary>),
    Desk(Vec<DeskRow>),
    Rows {
        project_id: String,
        update: Update,
    },
    /// What stood on disk when the client started: the first screens, and commands that were never answered.
    Kept {
        start: Option<Box<Start>>,
        unsent: Vec<Unsent>,
    },
    /// A project as it stood on disk.
    KeptRows {
        project_id: String,
        rows: Option<Box<rows::Project>>,
    },
    /// The disk did not take something.
    NotKept {
        why: String,
    },
    /// Not a member any more, or never one: the server does not tell which.
    ProjectGone {
        project_id: String,
    },
    Render {
        render_id: String,
        progress: RenderProgress,
    },
    Performed {
        command_id: String,
        outcome: Result<PerformResponse, Failure>,
    },
    Waveform {
        ticket: u64,
        outcome: Result<WaveformResponse, Failure>,
    },
    /// The picture of a file in pixels.
    Picture(pixels::Shown),
    History {
        ticket: u64,
        outcome: Result<HistoryResponse, Failure>,
    },
    Turnaround {
        ticket: u64,
        outcome: Result<Vec<SongTurnaround>, Failure>,
    },
    RecipeChecked {
        ticket: u64,
        outcome: Result<CheckRecipeResponse, Failure>,
    },
    /// The recipes that the studio offers.
    Recipes {
        ticket: u64,
        outcome: Result<Vec<RecipeInfo>, Failure>,
    },
    Page {
        ticket: u64,
        page: Page,
        /// As JSON.
        outcome: Result<String, Failure>,
    },
    /// The person's editor closed.
    Edited(Result<String, String>),
    /// How much of it is heard now, in per cent; `say` names it.
    Heard {
        say: String,
        outcome: Result<u32, Failure>,
    },
    Play(play::News),
    Transfer(transfers::News),
    Present(Vec<Attendee>),
    People(people::News),
    LabelCopy(label_copy::News),
    Signing(signing::News),
    Record(record::News),
    /// The terminal told what its background is.
    Ground(Ground),
    /// A text that an earlier client did not send.
    Draft(Box<Draft>),
    Quit,
}

/// Why a call brought nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The studio said no. `reason` is a stable code.
    Refused { reason: String, text: String, hint: String },
    /// No answer; nothing is known about what the server did.
    Offline(String),
}

/// Something to do. The runner keeps one task for each kind of effect that reads, so that the newest replaces the older.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    Connect {
        after_ms: u64,
    },
    WatchDesk,
    ListProjects,
    WatchProject {
        project_id: String,
        from: u64,
    },
    StopProject,
    WatchRender {
        project_id: String,
        render_id: String,
    },
    StopRender,
    Perform {
        command_id: String,
        project_id: String,
        action: Action,
    },
    /// Onto disk, before it is sent.
    KeepUnsent(Box<Unsent>),
    /// The server has spoken of it.
    ForgetUnsent {
        command_id: String,
    },
    KeepStart(Box<Start>),
    KeepRows {
        project_id: String,
        rows: rows::Frozen,
    },
    OpenKept {
        project_id: String,
    },
    ForgetKept {
        project_id: String,
    },
    Waveform(WaveAsk),
    /// Makes a picture in pixels of columns that are here.
    Picture {
        ask: pixels::Ask,
        answer: Box<WaveformResponse>,
    },
    History {
        ticket: u64,
        project_id: String,
        song_id: String,
        before_seq: u64,
    },
    Turnaround {
        ticket: u64,
        project_id: String,
    },
    CheckRecipe {
        ticket: u64,
        toml: String,
    },
    Recipes {
        ticket: u64,
    },
    Read {
        ticket: u64,
        page: Page,
    },
    ReportHeard {
        request: ReportHeardRequest,
        say: String,
    },
    Play(play::Order),
    Transfer(transfers::Order),
    Present(presence::Order),
    People(people::Order),
    LabelCopy(label_copy::Order),
    Signing(signing::Order),
    Record(record::Order),
    /// Puts a text on the clipboard of the terminal (OSC 52).
    Copy(String),
    /// Keeps a text that is being written where it outlives the client, or forgets it.
    Keep(Option<Draft>),
    /// To the shell, until it brings the client back.
    Suspend,
    /// Hand the terminal to `$EDITOR` with this text.
    Edit {
        text: String,
        suffix: &'static str,
    },
}

/// Something to read that the studio has to be asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Page {
    Sheet { project_id: String, render_id: String, head: Box<Head> },
    Compare(CompareRequest),
}

/// One picture of a file: which part, how fine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaveAsk {
    pub ticket: u64,
    pub project_id: String,
    pub version_id: String,
    pub sha256: String,
    pub start_frame: u64,
    pub end_frame: u64,
    pub columns: u32,
}
