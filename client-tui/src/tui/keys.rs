//! One table of keys. The handler finds the verb in it, the status bar and the help screen are written from it, so that help is never wrong.

mod group;
mod key;
mod keymap;
mod name;

use crossterm::event::{KeyCode, KeyEvent};

pub use group::{GROUPS, group};
pub use key::{Binding, Key};
pub use keymap::{Bound, Clash, Keymap};
pub(crate) use name::kebab;
pub use name::{POSSIBLE, parse as parse_key, verb_name, written};

/// What kind of screen is on top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    Desk,
    Projects,
    Project,
    Song,
    Master,
    History,
    Turnaround,
    Compare,
    Album,
    Delivery,
    Record,
    People,
    LabelCopy,
    Transfers,
    Help,
}

impl Kind {
    pub const ALL: [Kind; 15] = [
        Kind::Desk,
        Kind::Projects,
        Kind::Project,
        Kind::Song,
        Kind::Master,
        Kind::History,
        Kind::Turnaround,
        Kind::Compare,
        Kind::Album,
        Kind::Delivery,
        Kind::Record,
        Kind::People,
        Kind::LabelCopy,
        Kind::Transfers,
        Kind::Help,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Kind::Desk => "Desk",
            Kind::Projects => "Projects",
            Kind::Project => "Project",
            Kind::Song => "Song",
            Kind::Master => "Master",
            Kind::History => "History",
            Kind::Turnaround => "Turnaround",
            Kind::Compare => "Compare",
            Kind::Album => "Album",
            Kind::Delivery => "Delivery",
            Kind::Record => "Record",
            Kind::People => "People",
            Kind::LabelCopy => "Label copy",
            Kind::Transfers => "Transfers",
            Kind::Help => "Help",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    First,
    Last,
    Open,
    Back,
    Quit,
    Help,
    Desk,
    Projects,
    History,
    Master,
    NextPane,
    NextAlternate,
    About,
    ZoomIn,
    ZoomOut,
    ZoomAll,
    NoteBefore,
    NoteAfter,
    MarkRange,
    Settled,
    AddNote,
    AddSongNote,
    Reply,
    Address,
    Accept,
    Reopen,
    Decline,
    Tick,
    RequestRevision,
    Approve,
    Withdraw,
    Hold,
    LiftHold,
    AcceptHandoff,
    ReturnHandoff,
    MakeDelivery,
    StartRender,
    CancelRender,
    EditRecipe,
    Sheet,
    Compare,
    Upload,
    More,
    MoveNote,
    Gate,
    Override,
    SwapMix,
    PutForward,
    OpenShootout,
    Shootout,
    Vote,
    Pick,
    Handoff,
    Follow,
    Spacing,
    ApproveSpacing,
    Terms,
    Turnaround,
    Palette,
    Heard,
    // Other rooms.
    Board,
    Album,
    Delivery,
    Record,
    Songs,
    People,
    LabelCopy,
    Transfers,
    Outbox,
    // The player, on every screen that has something to hear.
    PlayPause,
    Stop,
    Rewind,
    Forward,
    LoopRange,
    Switch,
    PreviousAlternate,
    Level,
    Mono,
    Side,
    Swap,
    Dim,
    Blind,
    // Lists and texts.
    Filter,
    Select,
    Undo,
    Redo,
    Copy,
    EditOutside,
    Suspend,
    Retry,
    // The running order.
    MoveUp,
    MoveDown,
    GapLess,
    GapMore,
    GapMuchLess,
    GapMuchMore,
    CrossfadeLess,
    CrossfadeMore,
    TrimIn,
    TrimInLess,
    TrimOut,
    TrimOutLess,
    Hidden,
    FadeIn,
    FadeInLess,
    FadeOut,
    FadeOutLess,
    Shape,
    GainLess,
    GainMore,
    Save,
    TakeTheirs,
    NextJoint,
    PreviousJoint,
    Medium,
    SideBreak,
    EvenSides,
    JointNote,
    OrderNote,
    CloseJointNote,
    // Deliveries.
    Manifest,
    Checks,
    StartRecord,
    CancelRecord,
    ApproveRecord,
    DeliverRecord,
    // Sections of a song.
    Sections,
    // Songs and projects.
    AddSong,
    EditSong,
    NewProject,
    // People.
    Invite,
    Roles,
    Remove,
    RevokeKey,
    AddDevice,
    Share,
    // What stands on the label.
    EditCopy,
    Cover,
    FetchCover,
    RemoveCover,
    // Transfers.
    Fetch,
    Pause,
    Cancel,
    Clear,
    // Listening together.
    SharePlayhead,
    Lead,
    FollowLead,
}

impl Verb {
    /// Due once or twice in a song's life.
    pub fn is_rare(self) -> bool {
        matches!(
            self,
            Verb::AcceptHandoff
                | Verb::MakeDelivery
                | Verb::LiftHold
                | Verb::Vote
                | Verb::Pick
                | Verb::ApproveSpacing
                | Verb::CancelRecord
                | Verb::ApproveRecord
                | Verb::DeliverRecord
                | Verb::Reopen
        )
    }

    /// The field of `Action` on the wire, where the verb asks the server for something.
    pub fn action(self) -> Option<&'static str> {
        Some(match self {
            Verb::AddNote | Verb::AddSongNote | Verb::Reply => "add_note",
            Verb::Address => "address_note",
            Verb::Accept => "accept_note",
            Verb::Reopen => "reopen_note",
            Verb::Decline => "decline_note",
            Verb::Tick => "tick_checklist",
            Verb::RequestRevision => "request_revision",
            Verb::Approve => "approve",
            Verb::Withdraw => "withdraw_approval",
            Verb::Hold => "hold",
            Verb::LiftHold => "lift_hold",
            Verb::AcceptHandoff => "accept_handoff",
            Verb::ReturnHandoff => "return_handoff",
            Verb::MakeDelivery => "make_delivery",
            Verb::StartRender => "start_render",
            Verb::CancelRender => "cancel_render",
            Verb::EditRecipe => "set_recipe",
            Verb::Upload => "add_version",
            Verb::MoveNote => "move_note",
            Verb::Override => "override_gate",
            Verb::SwapMix => "swap_mix",
            Verb::PutForward => "put_forward",
            Verb::OpenShootout => "open_shootout",
            Verb::Vote => "cast_vote",
            Verb::Pick => "pick_mix",
            Verb::Follow => "follow",
            Verb::ApproveSpacing => "approve_spacing",
            Verb::AddSong => "add_song",
            Verb::EditSong => "edit_song",
            Verb::NewProject => "create_project",
            Verb::Invite => "add_member",
            Verb::Roles => "change_roles",
            Verb::Remove => "remove_member",
            Verb::RevokeKey => "revoke_key",
            Verb::Sections => "set_sections",
            Verb::Save => "set_spacing",
            Verb::StartRecord => "start_record",
            Verb::CancelRecord => "cancel_record",
            Verb::ApproveRecord => "approve_record",
            Verb::DeliverRecord => "deliver_record",
            Verb::EditCopy | Verb::EditOutside => "set_label_copy",
            Verb::Cover | Verb::RemoveCover => "set_cover",
            Verb::JointNote | Verb::OrderNote => "add_spacing_note",
            Verb::CloseJointNote => "close_spacing_note",
            _ => return None,
        })
    }
}

macro_rules! bind {
    ($($verb:ident, [$($key:expr),+], $short:literal, $does:literal;)+) => {
        &[$(Binding { keys: &[$($key),+], verb: Verb::$verb, short: $short, does: $does }),+]
    };
}

mod delivery;
mod label_copy;
mod people;

use delivery::{DELIVERY, RECORD};

use Key::{Char, Code, Ctrl};

const COMMON: &[Binding] = bind! {
    Help, [Char('?'), Code(KeyCode::F(1))], "help", "The keys of this screen";
    Palette, [Char(':'), Ctrl('p')], "find", "Find any action by its words and do it from here";
    Back, [Code(KeyCode::Esc), Char('q')], "back", "Close a message, else go back; on the first screen q leaves";
    Stop, [Code(KeyCode::Backspace)], "", "Take everything off the player";
    Retry, [Code(KeyCode::F(5))], "", "Offline: try the line at once";
    Suspend, [Ctrl('z')], "", "To the shell; fg comes back";
    Quit, [Ctrl('c')], "", "Leave at once";
};

/// Wherever there is something to give away to hear.
const SHARE: &[Binding] = bind! {
    Share, [Char('@')], "", "A link to listen for somebody who is no member: what, until when";
};

const LISTS: &[Binding] = bind! {
    Filter, [Char('/')], "", "Type words: only lines that hold them stay";
    Select, [Char('*')], "", "Choose the line too, or let it go: keys act on all chosen";
    Copy, [Char('y')], "", "Copy what the line is about: its text, digest or link";
    Undo, [Char('U')], "", "Take back the last step, or bring back a text not sent";
    Redo, [Ctrl('r')], "", "Do again what was taken back";
};

const MOVE: &[Binding] = bind! {
    Up, [Code(KeyCode::Up), Char('k')], "", "One line up";
    Down, [Code(KeyCode::Down), Char('j')], "", "One line down";
    PageUp, [Code(KeyCode::PageUp)], "", "Ten lines up";
    PageDown, [Code(KeyCode::PageDown)], "", "Ten lines down";
    First, [Code(KeyCode::Home)], "", "The first line";
    Last, [Code(KeyCode::End)], "", "The last line";
};

const GO: &[Binding] = bind! {
    Desk, [Char('1')], "", "The desk: what waits on you";
    Projects, [Char('2'), Char('p')], "projects", "Choose a project";
    Board, [Char('3')], "", "The project: songs by stage";
    Album, [Char('4')], "", "The record: running order, gaps, fades";
    Delivery, [Char('5')], "", "Deliveries: checks, files, who signed";
    People, [Char('6')], "", "Members, invites, devices";
    Record, [Char('7')], "", "The record: dry run, files, approval, delivery";
    LabelCopy, [Char('%')], "", "What stands on the label: codes, credits, splits, the cover";
    Transfers, [Char('8')], "", "Files on their way";
    Outbox, [Char('9')], "", "What waits for the line, and what was sent late";
};

const DESK: &[Binding] = bind! {
    Open, [Code(KeyCode::Enter)], "open", "Open what the line speaks of";
};

/// On every screen that has something to hear.
const PLAYER: &[Binding] = bind! {
    PlayPause, [Char(' ')], "play", "Play from the cursor, or pause";
    LoopRange, [Char('\\')], "loop", "Loop the range or what is chosen; again ends the loop";
    Rewind, [Char('<')], "", "Five seconds back";
    Forward, [Char('>')], "", "Five seconds on";
    Level, [Char('J')], "", "Level: matched, as is, as a platform plays it";
    Mono, [Char('K')], "", "Mono, or stereo again";
    Side, [Char('Y')], "", "Only what is at the sides, or stereo again";
    Swap, [Char('W')], "", "Left and right swapped";
    Dim, [Char('Q')], "", "20 dB quieter while you talk";
};

const PROJECTS: &[Binding] = bind! {
    Open, [Code(KeyCode::Enter)], "open", "Open the project";
    NewProject, [Char('n')], "new project", "Make a project: for owners of the studio";
};

const PROJECT: &[Binding] = bind! {
    Open, [Code(KeyCode::Enter)], "open", "Open the song";
    ApproveSpacing, [Char('A')], "approve spacing", "Approve the running order and its gaps";
    Left, [Code(KeyCode::Left), Char('h')], "", "One stage to the left";
    Right, [Code(KeyCode::Right), Char('l')], "", "One stage to the right";
    Upload, [Char('u')], "upload", "Upload files to this song as a new version";
    Fetch, [Char('f'), Ctrl('f')], "fetch", "Fetch files of the song, or of all chosen songs";
    Select, [Char(' ')], "choose", "Choose the song too, or let it go: f and z act on all chosen";
    AddSong, [Char('n')], "new song", "Add a song";
    EditSong, [Char('e')], "", "Title and ISRC of the song";
    Master, [Char('m')], "master", "Recipe and renders of the song";
    History, [Char('i')], "history", "Who did what";
    Spacing, [Char('s')], "spacing", "The record: running order, gaps, fades, and who approved them";
    Terms, [Char('t')], "terms", "The terms and the gates of the project";
    Turnaround, [Char('T')], "turnaround", "How long each song stood in each stage";
    Follow, [Char('z')], "", "Hear all of it, what waits on you, or nothing";
};

const SONG: &[Binding] = bind! {
    Open, [Code(KeyCode::Enter)], "", "To the note; while it plays, on from where you put the cursor";
    AcceptHandoff, [Char('g')], "accept handoff", "Accept the handoff to mastering";
    MakeDelivery, [Char('D')], "deliver", "Make the delivery";
    LiftHold, [Char('L')], "lift hold", "Lift your hold";
    Pick, [Char('P')], "pick", "Pick this mix among those that compete: sign its exact files";
    Vote, [Char('V')], "vote", "Vote: the mixes that compete, the best first";
    Approve, [Char('a')], "approve", "Approve the version: sign its exact files";
    AddNote, [Char('n')], "note", "A note at the cursor, or on the marked range";
    AddSongNote, [Char('N')], "", "A note on the song as a whole";
    Reply, [Char('r')], "reply", "Answer the note";
    Compare, [Char('C')], "compare", "Beside the version before: what changed, switched while it plays";
    About, [Char('I')], "", "About the version: what changed, preflight, every file";
    Gate, [Char('e')], "gate", "The gate line by line, who signed, how to mend preflight";
    NextPane, [Code(KeyCode::Tab)], "pane", "Versions or notes: where up and down move";
    Address, [Char('d')], "done", "Mark the note as done in the newest version";
    Accept, [Char('c')], "accept", "Accept what was done for the note";
    Reopen, [Char('o')], "reopen", "Open the note again, with a reason";
    Decline, [Char('x')], "", "Decline the note, with a reason";
    Tick, [Char('t')], "", "Tick an item of the note's checklist";
    MoveNote, [Char('M')], "", "Move the note to the cursor or the range in the shown version";
    RequestRevision, [Char('R')], "revision", "Ask for a revision with chosen notes";
    Withdraw, [Char('w')], "", "Withdraw your approval";
    Hold, [Char('H')], "", "Put the song on hold, with a reason";
    Override, [Char('O')], "", "Override the gate as manager, with a reason that History keeps";
    ReturnHandoff, [Char('G')], "", "Return the handoff to mixing, with reasons, by file too";
    SwapMix, [Char('S')], "", "Ask for another mix after mastering began, with a reason";
    PutForward, [Char('F')], "", "Put the shown version forward again, with a reason";
    OpenShootout, [Char('B')], "", "Let the mixes of several engineers compete, blind or named";
    Shootout, [Char('s')], "", "The mixes that compete: lines, votes, how to listen";
    Handoff, [Char('Z')], "", "The handoff package: name, size, digest, how to fetch it";
    Heard, [Char('E')], "", "Say that you have heard the version in another player";
    Follow, [Char('z')], "", "Hear all of this song, what waits on you, or nothing";
    Upload, [Char('u')], "upload", "Upload files to this song as a new version";
    Fetch, [Ctrl('f')], "", "Fetch files of the version, the delivery or the handoff";
    Master, [Char('m')], "master", "Recipe and renders";
    History, [Char('i')], "", "Who did what on this song";
    Left, [Code(KeyCode::Left), Char('h')], "", "Time cursor to the left";
    Right, [Code(KeyCode::Right), Char('l')], "", "Time cursor to the right";
    NoteBefore, [Char('[')], "", "Time cursor to the note before";
    NoteAfter, [Char(']')], "", "Time cursor to the next note";
    MarkRange, [Char('v')], "range", "Start a range at the cursor, or drop it";
    ZoomIn, [Char('+'), Char('=')], "", "Zoom in around the cursor";
    ZoomOut, [Char('-')], "", "Zoom out";
    ZoomAll, [Char('0')], "", "The whole song";
    NextAlternate, [Char('.')], "", "The next alternate of the version, heard at the same position";
    PreviousAlternate, [Char(',')], "", "The alternate before";
    Switch, [Char('X')], "", "Back to what was heard before, at the same position";
    Blind, [Char('b')], "", "Blind: A, B or X? Where mixes compete: all of them, and vote";
    Sections, [Char('T')], "", "The parts of the song: name one at the cursor, edit the list";
    Settled, [Char('f')], "", "Show or hide settled notes";
    SharePlayhead, [Char(';')], "", "Let the others see what you play and where, or not any more";
    Lead, [Char('\'')], "", "Lead: others hear what you play; again stops";
    FollowLead, [Char('"')], "", "Hear what whoever leads plays; again stops";
};

const MASTER: &[Binding] = bind! {
    MakeDelivery, [Char('D')], "deliver", "Make the delivery";
    AcceptHandoff, [Char('g')], "accept handoff", "Accept the handoff to mastering";
    StartRender, [Char('s')], "render", "Start a render with the song's recipe";
    CancelRender, [Char('c')], "cancel", "Cancel the render";
    EditRecipe, [Char('e')], "recipe", "Edit the song's recipe";
    Open, [Code(KeyCode::Enter)], "open", "Open the master that the render made";
    NextPane, [Char('v')], "view", "Curves, what each step did, or the recipe";
    Select, [Char('*')], "", "Let this master stand beside the one you choose next";
    Sheet, [Char('b')], "sheet", "Before and after of the render, on a page";
    Compare, [Char('C')], "compare", "Beside the master before: what changed, level-matched";
    About, [Char('I')], "recipes", "Every version of the recipe: who and why";
    History, [Char('i')], "", "Who did what on this song";
    Handoff, [Char('Z')], "", "The handoff package: name, size, digest, how to fetch it";
    ReturnHandoff, [Char('G')], "", "Return the handoff to mixing, with reasons, by file too";
    SwapMix, [Char('S')], "", "Ask for another mix after mastering began, with a reason";
    Override, [Char('O')], "", "Override the gate as manager, with a reason that History keeps";
};

/// Two files beside each other.
const SWITCH: &[Binding] = bind! {
    Switch, [Code(KeyCode::Tab), Char('X')], "switch", "Hear the other one, at the same position";
};

const HISTORY: &[Binding] = bind! {
    Open, [Code(KeyCode::Enter)], "open", "Open the song or version that the line speaks of";
    Filter, [Char('/')], "search", "Search: words, who:lena what:approved after:2026-11-01";
    More, [Char('m')], "older", "Load older entries";
};

const COMPARE: &[Binding] = bind! {
    Open, [Code(KeyCode::Enter)], "hear it", "Play from where the chosen change begins";
    Left, [Code(KeyCode::Left), Char('h')], "", "Time cursor to the left";
    Right, [Code(KeyCode::Right), Char('l')], "", "Time cursor to the right";
    NoteBefore, [Char('[')], "", "Hold it against an older version";
    NoteAfter, [Char(']')], "", "Hold it against a newer version";
    NextAlternate, [Char('.')], "", "Both of them: the next alternate";
    PreviousAlternate, [Char(',')], "", "Both of them: the alternate before";
    Blind, [Char('b')], "blind", "Blind: which of the two is X?";
    About, [Char('I')], "", "Everything the studio says of the two, in sentences";
};

const ALBUM: &[Binding] = bind! {
    TakeTheirs, [Char('t')], "", "Take the studio's order instead of your draft";
    MoveUp, [Char('[')], "up", "Move the song up in the running order";
    MoveDown, [Char(']')], "down", "Move the song down in the running order";
    GapLess, [Code(KeyCode::Left), Char('h')], "gap", "0.1 s less before the song; below none it is a crossfade";
    GapMore, [Code(KeyCode::Right), Char('l')], "", "0.1 s more before the song";
    GapMuchLess, [Char('H')], "", "A second less before the song";
    GapMuchMore, [Char('L')], "", "A second more before the song";
    Save, [Char('w'), Ctrl('s')], "save", "Save the order, gaps, trims, fades, gains and sides";
    ApproveSpacing, [Char('A')], "approve", "Approve the running order and its gaps as they are saved";
    NextJoint, [Char('.')], "joint", "Hear the next joint, from 5 s before";
    PreviousJoint, [Char(',')], "", "Hear the joint before, from 5 s before";
    JointNote, [Char('n')], "note", "A note on the joint before this song";
    OrderNote, [Char('N')], "", "A note on the running order as a whole";
    CloseJointNote, [Char('d')], "", "Close the marked note with an answer, or the oldest here";
    NextPane, [Code(KeyCode::Tab)], "view", "The running order, the songs beside each other, or the notes";
    CrossfadeMore, [Char('c')], "", "Let it begin half a second earlier, over the song before";
    CrossfadeLess, [Char('C')], "", "Half a second less over the song before";
    FadeIn, [Char('f')], "fade", "Fade in longer; after the longest none";
    FadeInLess, [Char('F')], "", "Fade in shorter";
    FadeOut, [Char('o')], "", "Fade out longer; after the longest none";
    FadeOutLess, [Char('O')], "", "Fade out shorter";
    TrimIn, [Char('x')], "", "Cut more off its head, in fine steps first";
    TrimInLess, [Char('X')], "", "Cut less off its head";
    TrimOut, [Char('v')], "", "Cut more off its tail";
    TrimOutLess, [Char('V')], "", "Cut less off its tail";
    Hidden, [Char('P')], "", "The first song into the pre-gap, or out of it";
    Shape, [Char('s')], "", "Shape of fades and crossfade: equal power, linear, exponential";
    GainMore, [Char('+'), Char('=')], "gain", "0.1 dB louder against the other songs";
    GainLess, [Char('-')], "", "0.1 dB quieter against the other songs";
    Undo, [Char('U')], "undo", "Take the last change back";
    Redo, [Ctrl('r')], "", "Do again what was taken back";
    Medium, [Char('M')], "", "The next medium: vinyl sizes, CD";
    SideBreak, [Char('B')], "", "A side begins with this song, or does not any more";
    EvenSides, [Char('E')], "", "Sides as even as the order allows; again: none is set";
    Open, [Code(KeyCode::Enter)], "open", "Open the song in the version that would go on the record";
    Copy, [Char('y')], "", "Copy the running order as text";
    History, [Char('i')], "", "Who did what";
};

const TRANSFERS: &[Binding] = bind! {
    Pause, [Char(' ')], "pause", "Pause it, or let it go on; one that failed is tried again";
    Cancel, [Char('x')], "stop", "Stop it; one that ended leaves the list";
    Clear, [Char('c')], "clear", "Take all that ended off the list";
};

/// All bindings of a screen, its own first.
pub fn bindings(kind: Kind) -> impl Iterator<Item = &'static Binding> {
    let heard: &[&[Binding]] = match kind {
        Kind::Song | Kind::Album => &[PLAYER],
        Kind::Master | Kind::Compare => &[PLAYER, SWITCH],
        _ => &[],
    };
    let shared = match kind {
        Kind::Project | Kind::Song | Kind::Album | Kind::Record | Kind::Delivery => SHARE,
        _ => &[],
    };
    let own = match kind {
        Kind::Desk => DESK,
        Kind::Projects => PROJECTS,
        Kind::Project => PROJECT,
        Kind::Song => SONG,
        Kind::Master => MASTER,
        Kind::History => HISTORY,
        Kind::Compare => COMPARE,
        Kind::Album => ALBUM,
        Kind::Delivery => DELIVERY,
        Kind::Record => RECORD,
        Kind::People => people::KEYS,
        Kind::LabelCopy => label_copy::KEYS,
        Kind::Transfers => TRANSFERS,
        Kind::Turnaround | Kind::Help => &[],
    };
    // What a screen binds itself replaces what all lists and rooms have.
    let new = move |it: &&Binding| own.iter().all(|here| here.verb != it.verb);
    let (lists, go) = (LISTS.iter().filter(new), GO.iter().filter(new));
    own.iter()
        .chain(heard.iter().copied().flatten())
        .chain(shared)
        .chain(MOVE)
        .chain(lists)
        .chain(go)
        .chain(COMMON)
}

/// As the table has it; what a person changed stands in [`Keymap::find`].
pub fn find(kind: Kind, event: &KeyEvent) -> Option<Verb> {
    Keymap::default().find(kind, event)
}

#[cfg(test)]
mod tests;
