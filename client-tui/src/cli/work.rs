//! The words of the engineers' work on the command line: renders, recipes, pages, and the offline master. What is typed, with its help;
//! nothing is done here.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Where, WhichVersion, Who};

#[derive(Debug, Subcommand)]
pub enum RenderVerb {
    /// Render the song's mix with its recipe, or with this one
    Start {
        #[arg(long, value_name = "FILE")]
        recipe: Option<PathBuf>,
        /// Wait until it ended
        #[arg(long)]
        wait: bool,
        #[command(flatten)]
        place: Where,
    },
    /// Stop the render that runs or waits
    Cancel {
        #[command(flatten)]
        place: Where,
    },
    /// Progress of the newest render until it ended
    Watch {
        #[command(flatten)]
        place: Where,
    },
    /// Before and after of a master: loudness, gain reduction, spectrum, every step in figures
    Sheet(SheetOf),
}

#[derive(Debug, Args)]
pub struct SheetOf {
    /// Write the page here (.html, .svg or .png) instead of showing it
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    #[command(flatten)]
    pub which: WhichVersion,
}

#[derive(Debug, Args)]
pub struct Received {
    /// SHA-256 of the file, in hex (default: every file)
    #[arg(value_name = "DIGEST", conflicts_with = "person")]
    pub sha256: Option<String>,
    /// What this person received: id or beginning of the name
    #[arg(long, value_name = "PERSON")]
    pub person: Option<String>,
    /// Of the whole studio, for its owners
    #[arg(long, conflicts_with = "project")]
    pub studio: bool,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: usize,
    /// Project: id or beginning of its title (default: the only one)
    #[arg(long, value_name = "PROJECT")]
    pub project: Option<String>,
    #[command(flatten)]
    pub who: Who,
}

#[derive(Debug, Args)]
pub struct Changes {
    /// What was, as "mix 1" or "mix 1:instrumental" (default: the version before of the same kind)
    #[arg(long, value_name = "VERSION[:ALTERNATE]")]
    pub from: Option<String>,
    /// What is (default: the version that the gate looks at)
    #[arg(long, value_name = "VERSION[:ALTERNATE]")]
    pub to: Option<String>,
    #[command(flatten)]
    pub place: Where,
}

#[derive(Debug, Subcommand)]
pub enum RecipeVerb {
    /// Show the recipe that the song would be rendered with
    Show {
        /// An older version by its number; see `recipe log`
        #[arg(long, value_name = "N")]
        number: Option<u32>,
        /// The recipe of the whole project
        #[arg(long)]
        whole_project: bool,
        #[command(flatten)]
        place: Where,
    },
    /// Give the song a recipe: a file, one of the studio's by name, or an older version by its number
    Set {
        recipe: String,
        /// Why: kept with the version
        #[arg(long, value_name = "TEXT")]
        why: String,
        /// For every song that has none of its own
        #[arg(long)]
        whole_project: bool,
        #[command(flatten)]
        place: Where,
    },
    /// Take the song's own recipe away: the project's counts again, or the studio's
    Drop {
        #[arg(long, value_name = "TEXT")]
        why: String,
        /// The project's own
        #[arg(long)]
        whole_project: bool,
        #[command(flatten)]
        place: Where,
    },
    /// Every version of the recipe: who, when and why
    Log {
        /// Of the whole project
        #[arg(long)]
        whole_project: bool,
        #[command(flatten)]
        place: Where,
    },
    /// The recipes that the studio offers
    List {
        #[command(flatten)]
        who: Who,
    },
}

#[derive(Debug, Args)]
pub struct Master {
    pub input: PathBuf,
    /// The file to write; with several formats its ending is replaced
    #[arg(short, long = "output", value_name = "OUT")]
    pub output: PathBuf,
    /// A recipe in TOML (default: gain, limiter and target only)
    #[arg(long, value_name = "FILE")]
    pub recipe: Option<PathBuf>,
    #[arg(long, value_name = "LUFS", allow_negative_numbers = true)]
    pub target_lufs: Option<f64>,
    #[arg(long, value_name = "DBTP", allow_negative_numbers = true)]
    pub ceiling_dbtp: Option<f64>,
    /// wav16, wav24, wav32, wav32f, aiff16, aiff24, flac16, flac24, mp3-320 (or mp3), mp3-v0, opus-160; may be given several times
    #[arg(long, value_name = "FORMAT")]
    pub format: Vec<String>,
    /// Hz (default: the input's)
    #[arg(long, value_name = "HZ")]
    pub rate: Option<u32>,
    /// Alternates to render with the main's gain curves; what they are is read from their names
    #[arg(long, value_name = "FILE")]
    pub alternate: Vec<PathBuf>,
    /// Say what each step did, in words and figures
    #[arg(long)]
    pub explain: bool,
    /// A sheet of before and after: .html, .svg or .png
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write the main's sound behind every step into this folder
    #[arg(long, value_name = "DIR")]
    pub write_steps: Option<PathBuf>,
    /// Leave out a step, by its name or kind; may be given several times
    #[arg(long, value_name = "STEP")]
    pub bypass: Vec<String>,
    /// Leave out everything of the chain behind this step
    #[arg(long, value_name = "STEP")]
    pub up_to: Option<String>,
    /// A track to come near to: for the recipe's match, or for one that is put behind the chain
    #[arg(long, value_name = "FILE")]
    pub reference: Vec<PathBuf>,
    /// Let inserts of the recipe run this; {rate} and {channels} stand for the sound's own
    #[arg(long, value_name = "NAME=COMMAND")]
    pub allow_insert: Vec<String>,
}
