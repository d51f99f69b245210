//! What is typed for the label copy and the cover. Nothing is done here.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::InProject;

#[derive(Debug, Subcommand)]
pub enum LabelCopyVerb {
    /// What stands on the label, with what is missing marked; with --json what `set` takes
    Show {
        /// One song with every name: id, number, or beginning of its title
        #[arg(value_name = "SONG")]
        song: Option<String>,
        #[command(flatten)]
        at: InProject,
    },
    /// Set it from JSON: keys that are left out stay as they are
    #[command(
        after_help = "{\"upc\": \"..\", \"catalogue\": \"..\", \"label\": \"..\", \"p_line\": \"..\", \"c_line\": \"..\", \"release_date\": \"2026-11-27\",
 \"genre\": \"..\", \"language\": \"en\", \"songs\": [{\"song\": \"title or id\", \"isrc\": \"..\", \"version_title\": \"\",
 \"explicit\": \"no, yes, cleaned or nothing\", \"credits\": [{\"role\": \"producer\", \"name\": \"..\"}],
 \"splits\": [{\"name\": \"..\", \"of\": \"composition or recording\", \"percent\": \"50.00\"}]}]}

Credits and splits are lists: a list that is given replaces the one that is there."
    )]
    Set(LabelCopySet),
    /// The cover: a JPEG or PNG is set, --to fetches it, --remove takes it away
    Cover(CoverArgs),
}

#[derive(Args, Debug, Clone)]
pub struct LabelCopySet {
    /// A file, or - for standard input
    #[arg(value_name = "FILE|-")]
    pub file: PathBuf,
    /// Shares may still be missing
    #[arg(long)]
    pub draft: bool,
    /// Tell what would change, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub at: InProject,
}

#[derive(Args, Debug, Clone)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub struct CoverArgs {
    /// JPEG or PNG, up to 16 MB; stores ask for a square
    #[arg(group = "what")]
    pub file: Option<PathBuf>,
    /// Fetch it into this file
    #[arg(long, value_name = "FILE", group = "what")]
    pub to: Option<PathBuf>,
    /// Take it away
    #[arg(long, group = "what")]
    pub remove: bool,
    #[command(flatten)]
    pub at: InProject,
}
