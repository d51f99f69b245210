//! The words of the running order on the command line: what comes before each song, what is cut from it, where sides begin, what is said of it. What is typed,
//! with its help; nothing is done here.

use std::path::PathBuf;

use clap::Subcommand;

use super::InProject;

#[derive(Debug, Subcommand)]
pub enum SpacingVerb {
    /// The running order with gaps, trims, sides, notes and who approved it; how the songs stand to each other
    ///
    /// With --json one object, which `deadwax spacing set --file` reads back.
    Show {
        #[command(flatten)]
        at: InProject,
    },
    /// Set the running order: every song once, with what comes before it (default: as it is now, else no gap)
    ///
    /// SONG:2.5 is a gap of two and a half seconds, SONG:x1.5 a crossfade with the song before. More, after commas: in=0.5 and out=8 (fades in seconds),
    /// trim-in=0.25 and trim-out=3 (seconds cut from head and tail), shape=equal-power, linear or exponential, gain=-1.5 (dB against the other songs),
    /// hidden (the first song, in the pre-gap before track 1), side (of vinyl: it begins one); hidden=no and side=no take that away:
    /// "Night Drive:x2,out=8,shape=linear", "Last Bus:4,trim-in=0.3,side".
    Set {
        #[arg(required_unless_present = "file", value_name = "SONG[:GAP|xCROSSFADE[,SETTING]...]")]
        songs: Vec<String>,
        /// The whole running order as `deadwax spacing show --json` writes it; - is standard input. What a song does not say stays as it is
        #[arg(long, value_name = "FILE", conflicts_with = "songs")]
        file: Option<PathBuf>,
        #[command(flatten)]
        at: InProject,
    },
    /// Leave a note on the running order as a whole, or with --before on the joint before a song
    Note {
        text: String,
        /// The song that the joint leads into
        #[arg(long, value_name = "SONG")]
        before: Option<String>,
        #[command(flatten)]
        at: InProject,
    },
    /// Close a note on the running order: its id, or the digits that `deadwax spacing show` tells
    Close {
        note: String,
        /// What is answered
        #[arg(long, default_value = "", hide_default_value = true)]
        answer: String,
        #[command(flatten)]
        at: InProject,
    },
    /// Approve the spacing as it is now
    Approve {
        #[arg(long)]
        role: Option<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Without a signature, although this profile has a key
        #[arg(long)]
        no_key: bool,
        #[command(flatten)]
        at: InProject,
    },
}
