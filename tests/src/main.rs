//! `cargo demo`: the main job by one command. The same binary is also the server (`demo server ...`) and the client (`demo client ...`), so that
//! the demo and the tests run exactly what was built. See `demo/` in the library.

use std::{path::PathBuf, process::ExitCode};

use clap::Parser;
use deadwax_tests::{demo, ep, lp, program};

/// Carries one song from the take to the label's signature, on a server of its own.
#[derive(Debug, Parser)]
#[command(name = "cargo demo")]
struct Cli {
    /// No terminal client: run the whole job, print each step with its figures, exit 0 only if every check held.
    #[arg(long)]
    headless: bool,
    /// With --headless: on two servers and a worker, over a Postgres and an S3 server of its own, behind haproxy or nginx where one is installed.
    #[arg(long, requires = "headless", conflicts_with_all = ["ep", "lp"])]
    scale_out: bool,
    /// A record of four songs through the whole review protocol instead of one song: competing mixes, rounds, a hold, a return, an override.
    #[arg(long)]
    ep: bool,
    /// A record of ten songs, from the takes to a delivery in every shipped profile, read by programs of others, with the proof of who signed it.
    #[arg(long, conflicts_with = "ep")]
    lp: bool,
    /// Recordings of real music: with --ep for three of the songs, with --lp for nine; a folder stands for the recordings in it. May be given several times.
    #[arg(long, value_name = "FILE|DIR", num_args = 1..)]
    music: Vec<PathBuf>,
    /// With --lp: of each recording at most so many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 240.0, requires = "lp")]
    seconds: f64,
    /// With --lp: fail where one of the programs that read the files is absent, instead of leaving out its part.
    #[arg(long, requires = "lp")]
    strict: bool,
    /// Use this recording instead of the synthesised song (WAV, AIFF, FLAC, ALAC, MP3, AAC, Ogg Vorbis).
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Where the studio, the people's folders and the delivery go; must be new or empty. Without it: a fresh temporary folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    if let Some(ended) = program::server_or_client() {
        return ended;
    }
    let cli = Cli::parse();
    let done = if cli.lp {
        lp::run(&cli.music, cli.seconds, cli.out.as_deref(), cli.strict)
    } else if cli.ep {
        ep::run(&cli.music, cli.out.as_deref())
    } else {
        let form = match (cli.headless, cli.scale_out) {
            (_, true) => demo::Form::ScaleOut,
            (true, false) => demo::Form::Headless,
            (false, false) => demo::Form::Terminal,
        };
        demo::run(form, cli.input.as_deref(), cli.out.as_deref())
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nthe demo stopped: {error:#}");
            ExitCode::FAILURE
        }
    }
}
