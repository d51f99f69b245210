//! The questions that stand on top of a screen: what each needs to know until it is answered. Data only; keys are read in
//! `update::prompt`, the boxes are drawn in `draw::prompt`.

use std::collections::BTreeMap;

use deadwax_proto::v1::{
    CheckRecipeResponse, RecipeInfo, ReportHeardRequest, RevisionKind, Role, action::Action as Do,
};
use ratatui_textarea::{TextArea, WrapMode};

use crate::receipt::approve::Wish;

use super::{
    form::{FormAsk, LinkAsk, SearchAsk},
    keys::{Kind, Verb},
    msg::Effect,
    record::{PlanAsk, ProfilesAsk, SignAsk},
    transfers::UploadAsk,
};

/// A question on top of the screen. It takes no yes before it was drawn once: keys typed ahead cannot sign anything.
#[derive(Clone, Debug)]
pub struct Prompt {
    pub ask: Ask,
    pub shown: bool,
}

#[derive(Clone, Debug)]
pub enum Ask {
    Approve(ApproveAsk),
    Confirm(Box<ConfirmAsk>),
    Write(Box<WriteAsk>),
    Tick(TickAsk),
    Revision(Box<RevisionAsk>),
    Recipe(Box<RecipeAsk>),
    Entrants(Box<EntrantsAsk>),
    Vote(Box<VoteAsk>),
    Blind(Box<BlindAsk>),
    Sections(Box<SectionsAsk>),
    Follow(FollowAsk),
    Palette(PaletteAsk),
    Read(Box<ReadAsk>),
    Form(Box<FormAsk>),
    Upload(Box<UploadAsk>),
    Search(Box<SearchAsk>),
    Link(Box<LinkAsk>),
    Profiles(Box<ProfilesAsk>),
    Plan(Box<PlanAsk>),
    SignRecord(Box<SignAsk>),
}

/// Something to read; it asks nothing.
#[derive(Clone, Debug)]
pub struct ReadAsk {
    pub title: String,
    pub lines: Vec<String>,
    /// The first line that is shown.
    pub at: usize,
    /// The answer that is still awaited.
    pub ticket: Option<u64>,
    /// What waits for the line, where the page shows it: commands in the order of the lines, and which of them is chosen.
    pub unsent: Vec<String>,
    pub chosen: usize,
}

/// What the signature is for. Both name the exact files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sign {
    Approve,
    /// The mix of this song among those that compete, with the reason that was written before.
    Pick {
        song: String,
        reason: String,
    },
}

#[derive(Clone, Debug)]
pub struct ApproveAsk {
    pub project: String,
    pub version: String,
    pub sign: Sign,
    /// As it stood when the prompt opened: what the person reads is what is signed.
    pub fingerprint: String,
    /// What the server says follows from it; may be empty.
    pub consequence: String,
    pub roles: Vec<Role>,
    pub role: usize,
    pub on_yes: bool,
    /// Being typed; shown by nothing.
    pub passphrase: Option<crate::receipt::secret::Secret>,
}

/// What a yes sends.
#[derive(Clone, Debug)]
pub enum Sends {
    Action(Do),
    /// One after the other: verb, the key of the row, what is asked, how it is called.
    Actions(Vec<(Verb, String, Do, String)>),
    /// It is told to where the files are, and is no act on the project.
    Heard(ReportHeardRequest),
    /// It is no act on a project: a transfer, an invite, a device.
    Order(Box<Effect>),
    /// What is signed with a key, where there is one.
    Signed(Box<SignedAsk>),
}

/// An approval that is no version's: of a running order, of a record.
#[derive(Clone, Debug)]
pub struct SignedAsk {
    pub wish: Wish,
    /// What goes out where there is no key.
    pub unsigned: Do,
    /// Being typed; shown by nothing.
    pub passphrase: Option<crate::receipt::secret::Secret>,
}

#[derive(Clone, Debug)]
pub struct ConfirmAsk {
    pub project: String,
    pub verb: Verb,
    pub about: String,
    pub title: String,
    pub lines: Vec<String>,
    pub yes: &'static str,
    pub sends: Sends,
    pub say: String,
    pub on_yes: bool,
    /// The first line that is shown, where the window does not hold all of them.
    pub at: usize,
    /// Where a no leads back to, so that nothing written is lost.
    pub back: Option<Box<Ask>>,
}

/// A question of yes or no before it stands anywhere.
pub struct YesOrNo {
    pub project: String,
    pub verb: Verb,
    pub about: String,
    pub title: String,
    pub lines: Vec<String>,
    pub yes: &'static str,
    pub sends: Sends,
    pub say: String,
}

impl YesOrNo {
    pub fn asked(self) -> ConfirmAsk {
        self.asked_from(None)
    }

    /// `back`: where a no leads back to. Whatever is asked begins on the no, at its first line.
    pub fn asked_from(self, back: Option<Box<Ask>>) -> ConfirmAsk {
        let YesOrNo { project, verb, about, title, lines, yes, sends, say } = self;
        ConfirmAsk { project, verb, about, title, lines, yes, sends, say, on_yes: false, at: 0, back }
    }
}

/// The studio takes no longer note, answer or reason.
pub const TEXT_CHARS_MAX: usize = 4000;

/// What the written text is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    Note {
        version: String,
        alternate: String,
        start_ms: Option<u64>,
        end_ms: Option<u64>,
    },
    Reply {
        version: String,
        parent: String,
    },
    Reopen {
        note: String,
    },
    Decline {
        note: String,
    },
    Hold {
        song: String,
        roles: Vec<Role>,
        role: usize,
    },
    /// `alternates` are those of the handoff: a line that begins with one of them is said of that file.
    Return {
        song: String,
        alternates: Vec<String>,
    },
    Decide(Decision),
    /// The signature comes after it.
    Pick {
        version: String,
    },
    /// On the joint before a song; without one on the running order as a whole.
    Joint {
        number: u32,
        song: Option<String>,
    },
    CloseJoint {
        note: String,
    },
}

/// What changes the way of a song, and wants a reason for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    Override { song: String },
    Swap { song: String },
    Forward { version: String },
}

#[derive(Clone, Debug)]
pub struct WriteAsk {
    pub project: String,
    pub purpose: Purpose,
    pub title: String,
    /// What the server says follows from it: stands above the text. May be empty.
    pub consequence: String,
    pub area: TextArea<'static>,
    /// `None` where it cannot be chosen.
    pub internal: Option<bool>,
    pub addressee: Option<Addressee>,
    pub problem: Option<&'static str>,
}

/// Whom a note is for: 0 is nobody in particular, then the people in order.
#[derive(Clone, Debug, Default)]
pub struct Addressee {
    /// Id and name.
    pub people: Vec<(String, String)>,
    pub at: usize,
}

impl Addressee {
    pub fn chosen(&self) -> Option<&(String, String)> {
        self.people.get(self.at.checked_sub(1)?)
    }

    pub fn turn(&mut self, back: bool) {
        let count = self.people.len() + 1;
        self.at = if back { (self.at + count - 1) % count } else { (self.at + 1) % count };
    }
}

#[derive(Clone, Debug)]
pub struct TickAsk {
    pub project: String,
    pub note: String,
    pub at: usize,
}

#[derive(Clone, Debug)]
pub struct RevisionAsk {
    pub project: String,
    pub version: String,
    pub roles: Vec<Role>,
    pub role: usize,
    pub kind: RevisionKind,
    /// What the server says follows from it: "This is round 3 of 2 included: it is billed."
    pub consequence: String,
    pub chosen: BTreeMap<String, bool>,
    pub at: usize,
    /// The message is being written; else the list of notes has the keys.
    pub writing: bool,
    pub area: TextArea<'static>,
    pub problem: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub struct RecipeAsk {
    pub project: String,
    pub song: String,
    pub area: TextArea<'static>,
    /// What the editor began with: leaving asks once where it was changed.
    pub start: String,
    pub check: RecipeCheck,
    /// Saving waits for the answer of this check.
    pub save: bool,
    /// The recipe is sound: the reason is being written, which the version of the recipe keeps.
    pub why: Option<TextArea<'static>>,
    /// How this client reads the text as it stands: told at once, while the studio is still asked.
    pub told: RecipeTold,
    /// When it was changed last, where the studio was not asked about it yet.
    pub edited_ms: Option<i64>,
    /// A small window shows what the steps do instead of the text.
    pub words: bool,
    pub offers: Offers,
    /// A recipe to begin with is being chosen.
    pub choosing: Option<usize>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecipeTold {
    /// Each step in the order of the sound: its name, and what it does. Of the text as it was when it could be read last.
    pub steps: Vec<(String, String)>,
    /// Line and what is wrong there.
    pub fault: Option<(usize, String)>,
}

/// Recipes to begin with.
#[derive(Clone, Debug, PartialEq)]
pub enum Offers {
    Unasked,
    Asked(u64),
    /// The studio's; with a sentence, those that this client knows, and why.
    Here(Vec<RecipeInfo>, Option<String>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum RecipeCheck {
    Unknown,
    Asked(u64),
    Answer(CheckRecipeResponse),
    Failed(String),
}

/// Who competes: the order of choosing is the order of the lines A, B, ...
#[derive(Clone, Debug)]
pub struct EntrantsAsk {
    pub project: String,
    pub song: String,
    pub consequence: String,
    /// Id and name of everyone who could.
    pub people: Vec<(String, String)>,
    pub chosen: Vec<String>,
    pub at: usize,
    pub blind: bool,
    pub problem: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub struct VoteAsk {
    pub project: String,
    pub song: String,
    pub consequence: String,
    pub roles: Vec<Role>,
    pub role: usize,
    /// Versions, the best first.
    pub order: Vec<String>,
    /// The vote that stands was blind; this one is not.
    pub replaces_blind: bool,
    /// Compared without knowing which is which: the names they were heard under, by version, and the level.
    pub blind: Option<Hidden>,
    pub at: usize,
    /// The reason is being written; else the list has the keys.
    pub writing: bool,
    pub area: TextArea<'static>,
    pub problem: Option<&'static str>,
}

/// Mixes under letters.
#[derive(Clone, Debug, PartialEq)]
pub struct Hidden {
    /// The version behind each letter: the first is called X1.
    pub versions: Vec<String>,
    /// The level at which they were played, in LUFS.
    pub matched_lufs: f64,
}

impl Hidden {
    pub fn name(&self, version: &str) -> Option<String> {
        let at = self.versions.iter().position(|it| it == version)?;
        Some(format!("X{}", at + 1))
    }
}

/// Listening without knowing to what. Nothing on the screen tells it while this is open.
#[derive(Clone, Debug)]
pub struct BlindAsk {
    pub project: String,
    pub song: String,
    /// The tracks of the deck that take part. Two for A/B/X, known; all that compete for a vote, in a drawn order.
    pub tracks: Vec<usize>,
    pub how: BlindKind,
    /// Which button sounds: 0 is A or X1.
    pub heard: usize,
    /// The level mode that was set before: it comes back afterwards.
    pub level: crate::play::Level,
    pub problem: Option<String>,
}

#[derive(Clone, Debug)]
pub enum BlindKind {
    /// Which of two X is, again and again.
    Abx {
        names: [String; 2],
        /// 0: X is A.
        x: usize,
        right: u32,
        rounds: u32,
        /// Whether the last answer was right.
        told: Option<bool>,
        /// X was heard in this round: an answer before it is a guess at nothing.
        listened: bool,
    },
    /// Ranking the mixes that compete, the best first; places in `tracks`.
    Rank { order: Vec<usize>, at: usize, hidden: Hidden, heard: Vec<bool> },
}

/// The parts of a song as they are being named.
#[derive(Clone, Debug)]
pub struct SectionsAsk {
    pub project: String,
    pub version: String,
    pub consequence: String,
    /// Where each begins and how it is called, in the order of the song.
    pub list: Vec<(u64, String)>,
    pub at: usize,
    /// Where a new one would begin.
    pub cursor_ms: u64,
    pub length_ms: u64,
    /// The name that is being written, and whether it is of a new section.
    pub typing: Option<(String, bool)>,
    pub changed: bool,
    pub problem: Option<&'static str>,
}

/// How much one hears of a project, or of a song.
#[derive(Clone, Debug)]
pub struct FollowAsk {
    pub project: String,
    /// Empty: the whole project.
    pub song: String,
    /// Further songs that it is said of, where several were chosen.
    pub more: Vec<String>,
    pub at: usize,
}

/// The keys of the screen below as a list to choose from.
#[derive(Clone, Debug)]
pub struct PaletteAsk {
    pub of: Kind,
    pub typed: String,
    pub at: usize,
}

/// An area that wraps at words and shows a plain cursor line. It draws itself, past the gates of `draw`: nothing that a terminal would obey gets into it
/// (S-1). It does not compose, since the text may be a path that has to be found as it is written.
pub fn text_area(text: &str) -> TextArea<'static> {
    let harmless = |c: char| if c == '\t' { Some(' ') } else { (!crate::scrub::is_hostile(c)).then_some(c) };
    let lines: Vec<String> = text.lines().map(|line| line.chars().filter_map(harmless).collect()).collect();
    let mut area = if lines.is_empty() { TextArea::default() } else { TextArea::new(lines) };
    area.set_cursor_line_style(ratatui::style::Style::default());
    area.set_wrap_mode(WrapMode::WordOrGlyph);
    area
}
