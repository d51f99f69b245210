//! The command line: what is typed, with its help. Stable, people script against it. Nothing is done here; `verbs` does it.

mod ddp;
mod gate;
mod handoff;
mod label_copy;
mod link;
mod markers;
mod play;
mod receipt;
mod record;
mod review;
mod sections;
mod spacing;
mod studio;
mod watch_folder;
mod work;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use self::{
    ddp::*, gate::*, handoff::*, label_copy::*, link::*, markers::*, play::*, receipt::*, record::*,
    review::*, sections::*, spacing::*, studio::*, watch_folder::*, work::*,
};

#[derive(Debug, Parser)]
#[command(
    name = "deadwax",
    version,
    about = "A song from the first take to the label's signature.",
    long_about = "A song from the first take to the label's signature.\n\nWithout a verb the terminal client opens. Songs, projects and \
versions are named by id, by the beginning of their title, or by number (\"mix 2\").",
    after_help = "Exit codes: 0 fine, 1 the answer is no, 2 wrong usage, 3 bad input file.\nDEADWAX_HOME names another folder for profiles."
)]
pub struct Cli {
    /// One JSON object a line on standard output; all else goes to standard error
    #[arg(long, global = true)]
    pub json: bool,
    /// As whom: a profile made at login (default: the one signed in last)
    #[arg(long, value_name = "NAME", env = "DEADWAX_PROFILE")]
    pub profile: Option<String>,
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// As whom, after the verb.
#[derive(Args, Debug, Clone, Default)]
pub struct Who {
    /// As whom: a profile made at login (default: the one signed in last)
    #[arg(long = "profile", value_name = "NAME")]
    pub as_whom: Option<String>,
}

/// Which song.
#[derive(Args, Debug, Clone, Default)]
pub struct Where {
    #[command(flatten)]
    pub who: Who,
    /// Project: id or beginning of its title (default: the only one)
    #[arg(long, value_name = "PROJECT")]
    pub project: Option<String>,
    /// Song: id, number, or beginning of its title (default: the only one)
    #[arg(long, value_name = "SONG")]
    pub song: Option<String>,
}

/// Which project.
#[derive(Args, Debug, Clone, Default)]
pub struct InProject {
    #[command(flatten)]
    pub who: Who,
    /// Project: id or beginning of its title (default: the only one)
    #[arg(long, value_name = "PROJECT")]
    pub project: Option<String>,
}

/// Which song, said first or behind --song.
#[derive(Args, Debug, Clone, Default)]
pub struct Of {
    /// Song: id, number, or beginning of its title (default: the only one)
    #[arg(value_name = "SONG", conflicts_with = "song")]
    pub of: Option<String>,
    #[command(flatten)]
    pub place: Where,
}

impl Of {
    pub fn place(self) -> Where {
        Where { song: self.of.or(self.place.song), ..self.place }
    }
}

#[derive(Args, Debug, Clone, Default)]
pub struct WhichVersion {
    #[command(flatten)]
    pub place: Where,
    /// Version: "mix 2", "master 1", or an id (default: the one that the gate looks at)
    #[arg(long, value_name = "VERSION")]
    pub version: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StageArg {
    Take,
    Mix,
    Master,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MailArg {
    /// As soon as something new waits on you
    Each,
    /// Once a day
    Digest,
    None,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Sign in with the link of an invite; without one: again, with this machine's key and your passphrase
    Login {
        /// deadwax://host:port/CODE#sha256=FINGERPRINT
        url: Option<String>,
        /// The server's fingerprint, where the link holds none
        #[arg(long, value_name = "FINGERPRINT")]
        trust: Option<String>,
        #[command(flatten)]
        files: TlsFiles,
        /// How this machine is called in the list of your sessions
        #[arg(long)]
        device: Option<String>,
        /// The passphrase is the first line of this file; - for standard input
        #[arg(long, value_name = "FILE")]
        passphrase_file: Option<PathBuf>,
        #[command(flatten)]
        who: Who,
    },
    /// Choose a passphrase, or another one
    Passphrase {
        /// The current one is the first line of this file
        #[arg(long, value_name = "FILE")]
        current_file: Option<PathBuf>,
        /// The new one is the first line of this file
        #[arg(long, value_name = "FILE")]
        new_file: Option<PathBuf>,
        /// End your sessions on other machines, and make their keys worthless
        #[arg(long)]
        end_others: bool,
        #[command(flatten)]
        who: Who,
    },
    /// For a studio owner: end every way in of somebody who left or whose machine was lost
    EndAccess {
        email: String,
        /// Take them out of every project as well
        #[arg(long)]
        leave_projects: bool,
        /// Without being asked
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        who: Who,
    },
    /// How you hear by mail of what waits on you: at once, once a day, or not at all; without a word: how it is now
    Mail {
        #[arg(value_enum)]
        choice: Option<MailArg>,
        #[command(flatten)]
        who: Who,
    },
    /// Sign out and forget the token
    Logout {
        /// Forget it here even where the server cannot be reached; the session itself then ends by time, or from another machine
        #[arg(long)]
        here_only: bool,
        #[command(flatten)]
        who: Who,
    },
    /// What waits on you, your projects, and where each song stands
    Status {
        #[command(flatten)]
        place: Where,
    },
    /// What waits on you
    Desk {
        #[command(flatten)]
        who: Who,
    },
    /// Projects
    Project {
        #[command(subcommand)]
        verb: ProjectVerb,
    },
    /// Songs
    Song {
        #[command(subcommand)]
        verb: SongVerb,
    },
    /// Invite a person; without a name: a link for another device of your own
    Invite {
        #[arg(long)]
        name: Option<String>,
        #[arg(long)]
        email: Option<String>,
        /// artist, producer, mix-engineer, mastering-engineer, label, manager, listener
        #[arg(long, value_delimiter = ',', value_name = "ROLE")]
        roles: Vec<String>,
        #[arg(long)]
        project: Option<String>,
        #[command(flatten)]
        who: Who,
    },
    /// Links for people who are no members: they hear what you name in a browser, and nothing else
    Link {
        #[command(subcommand)]
        verb: LinkVerb,
    },
    /// Upload a new version: one main file and its alternates
    Push(Push),
    /// Fetch files, a handoff package or a delivery
    Pull(Pull),
    /// Leave a note in a version
    Note {
        text: String,
        /// Where: 1:23.4, or 83.4 in seconds
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// The end of a range
        #[arg(long, value_name = "TIME", requires = "at")]
        to: Option<String>,
        /// In one alternate only
        #[arg(long)]
        alternate: Option<String>,
        /// Engineers and producer only
        #[arg(long)]
        internal: bool,
        /// To whom: a name or an id
        #[arg(long = "for", value_name = "PERSON")]
        addressee: Option<String>,
        /// An answer to this note
        #[arg(long, value_name = "NOTE")]
        reply: Option<String>,
        /// A thing to tick off; may be given several times
        #[arg(long = "check", value_name = "TEXT")]
        checklist: Vec<String>,
        #[command(flatten)]
        which: WhichVersion,
    },
    /// Notes: see them, answer for them
    Notes {
        #[command(subcommand)]
        verb: NotesVerb,
    },
    /// Where the parts of a song begin: intro, verse, chorus
    Sections {
        #[command(subcommand)]
        verb: SectionsVerb,
    },
    /// Sign exact bytes, in a role
    Approve {
        /// In which role (default: the one that the gate asks of you)
        #[arg(long)]
        role: Option<String>,
        /// Only if the fingerprint begins so (8 hex digits or more)
        #[arg(long, value_name = "HEX")]
        fingerprint: Option<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Without a signature, although this profile has a key
        #[arg(long)]
        no_key: bool,
        #[command(flatten)]
        which: WhichVersion,
    },
    /// Withdraw your approval while the stage is not yet left
    Withdraw {
        #[command(flatten)]
        place: Where,
    },
    /// Put a hold on a song: nothing leaves its stage until you lift it
    Hold {
        reason: String,
        #[arg(long)]
        role: Option<String>,
        #[command(flatten)]
        place: Where,
    },
    /// Lift your hold
    Lift {
        #[command(flatten)]
        place: Where,
    },
    /// Send a version back with its notes
    RequestRevision(Revision),
    /// After mastering began: back to mixing, because the mix is to be another
    Swap(Reasoned),
    /// Make an earlier version the one that the gate looks at
    PutForward {
        /// "mix 2", "master 1", or an id
        version: String,
        #[arg(long)]
        reason: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        place: Where,
    },
    /// What leaving a stage needs
    Gate {
        #[command(subcommand)]
        verb: GateVerb,
    },
    /// Mixes that compete for a song
    Shootout {
        #[command(subcommand)]
        verb: ShootoutVerb,
    },
    /// Checks of what is uploaded, and how grave each is in this project
    Preflight {
        #[command(subcommand)]
        verb: PreflightVerb,
    },
    /// The running order: gaps, trims, sides, notes on it, its approval
    Spacing {
        #[command(subcommand)]
        verb: SpacingVerb,
    },
    /// What stands on the label: codes, lines, credits, splits, the cover
    LabelCopy {
        #[command(subcommand)]
        verb: LabelCopyVerb,
    },
    /// Say that you listened to it in another player
    Heard(Heard),
    /// How much you hear of a project, or of a song
    Follow(FollowArgs),
    /// Addresses that are told what happens
    Webhook {
        #[command(subcommand)]
        verb: WebhookVerb,
    },
    /// Members and their roles
    Member {
        #[command(subcommand)]
        verb: MemberVerb,
    },
    /// How long each song stood in each stage, and how many rounds it took
    Turnaround {
        #[command(flatten)]
        at: InProject,
    },
    /// Who received which bytes, newest first: by digest, by person, or all of a project
    Received(Received),
    /// What changed from one version to another: level-matched, by band and time, with edits
    Changes(Changes),
    /// The package that came from mixing: fetch it, check it, take it, send it back
    Handoff(HandoffArgs),
    /// Renders on the server
    Render {
        #[command(subcommand)]
        verb: RenderVerb,
    },
    /// The recipe of a song
    Recipe {
        #[command(subcommand)]
        verb: RecipeVerb,
    },
    /// Freeze what was signed as a delivery
    Deliver {
        #[command(flatten)]
        place: Where,
    },
    /// The record: what it is made for, its dry run, making, signing and fetching it
    Record {
        #[command(subcommand)]
        verb: RecordVerb,
    },
    /// Everything of a song: rows and history as JSON lines, and its audio
    Export {
        /// Into this folder (default: standard output, without audio)
        folder: Option<PathBuf>,
        /// Rows and history only
        #[arg(long)]
        no_audio: bool,
        #[command(flatten)]
        place: Where,
    },
    /// The key that you sign with
    Key {
        #[command(subcommand)]
        verb: KeyVerb,
    },
    /// Who signed what with which key, checked
    Receipts {
        #[command(flatten)]
        of: Of,
    },
    /// Everything that a third person needs to check who signed what, as a zip or folder
    Evidence(EvidenceArgs),
    /// Offline: checks an evidence or one statement, and sound against it; exit 1 where it does not hold
    Verify(VerifyArgs),
    /// Who did what, newest first
    History {
        #[arg(long, default_value_t = 50)]
        limit: u32,
        #[command(flatten)]
        place: Where,
    },
    /// Rows as they change, one JSON object a line, until stopped
    Watch {
        #[command(flatten)]
        place: Where,
    },
    /// Offline: loudness, true peak, range, DC, correlation, format
    Measure {
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Offline: preflight against a profile; exit 1 on a block
    Check {
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// mix-handoff, streaming, or a TOML file of your own
        #[arg(long, value_name = "NAME", default_value = "mix-handoff")]
        profile: String,
    },
    /// Offline: the same render that the server runs; exit 1 where the target was missed (the file is written)
    Master(Master),
    /// Offline: lays two files on each other: what changed, by band and time; exit 1 where they have nothing in common
    Compare {
        a: PathBuf,
        b: PathBuf,
        /// A stem of the first file (its a cappella, say): changes are solved for as gain on it; may be given several times
        #[arg(long, value_name = "FILE")]
        stem: Vec<PathBuf>,
    },
    /// Offline: before and after of a master that was made elsewhere, on a page
    Sheet {
        before: PathBuf,
        after: PathBuf,
        /// Write the page here (.html, .svg or .png) instead of showing it
        #[arg(long, value_name = "FILE")]
        report: Option<PathBuf>,
    },
    /// Offline: the overview, in the terminal
    Waveform {
        file: PathBuf,
        /// Columns (default: the width of the terminal)
        #[arg(long)]
        width: Option<u16>,
    },
    /// Offline: a DDP-compatible folder as a plant reads it
    Ddp {
        #[command(subcommand)]
        verb: DdpVerb,
    },
    /// Keys, colours, cache and sound of the terminal client: the file that holds them
    Config {
        #[command(subcommand)]
        verb: ConfigVerb,
    },
    /// Push every whole bounce that appears in a folder
    WatchFolder(WatchFolder),
    /// Manual pages of every verb
    Man(Man),
    /// Play files, versions or a whole record, to the loudspeaker or into a file
    Play(Play),
    /// Completions for a shell, on standard output
    Completions { shell: clap_complete::Shell },
}

#[derive(Debug, Subcommand)]
pub enum ProjectVerb {
    /// Make a project; you become its manager
    Create {
        title: String,
        /// Whose it is, as it goes out
        #[arg(long)]
        artist: String,
        #[command(flatten)]
        who: Who,
    },
    /// Your projects
    List {
        #[command(flatten)]
        who: Who,
    },
    /// The terms: rounds, corrections, the cut-off date, and whether the uploader may cast the deciding vote
    Terms(Terms),
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigVerb {
    /// Reads the file as the client does and tells every fault with its line; exit 3 where there is one
    Check,
    /// Where the file is looked for
    Path,
    /// A file with every default in it, to begin with
    Default,
}

#[derive(Debug, Subcommand)]
pub enum SongVerb {
    /// Add a song to a project
    Add {
        title: String,
        #[arg(long, default_value = "")]
        isrc: String,
        #[arg(long)]
        project: Option<String>,
        #[command(flatten)]
        who: Who,
    },
    /// Songs with their versions
    List {
        #[command(flatten)]
        place: Where,
    },
}

#[derive(Debug, Args)]
pub struct Push {
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// What it is (default: as the song's stage asks)
    #[arg(long, value_enum)]
    pub stage: Option<StageArg>,
    /// main, vocal-up+0.5, instrumental, ...; once for each file, in their order (default: read from the names)
    #[arg(long, value_name = "TOKEN")]
    pub alternate: Vec<String>,
    /// What changed
    #[arg(long, default_value = "")]
    pub note: String,
    /// A name for this version
    #[arg(long, default_value = "")]
    pub title: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub place: Where,
}

#[derive(Debug, Args)]
pub struct Pull {
    /// Into this folder (default: one named after song and version)
    pub folder: Option<PathBuf>,
    /// The package for mastering: approved mix, alternates, notes, brief, preflight, manifest
    #[arg(long, conflicts_with_all = ["version", "delivery"])]
    pub handoff: bool,
    /// The newest delivery: exactly the bytes signed, manifest and checksums
    #[arg(long, conflicts_with = "version")]
    pub delivery: bool,
    /// These alternates only
    #[arg(long, value_name = "TOKEN")]
    pub alternate: Vec<String>,
    #[command(flatten)]
    pub which: WhichVersion,
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_verb_is_well_formed() {
        use clap::CommandFactory as _;
        super::Cli::command().debug_assert();
    }
}
