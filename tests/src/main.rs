//! `cargo demo`: the main job by one command. The same binary is also the server (`demo server ...`) and the client (`demo client ...`), so that
//! the demo and the tests run exactly what was built. See `demo/` in the library.

use std::{ffi::OsString, path::PathBuf, process::ExitCode};

use clap::Parser;
use deadwax_server::render::Program;
use deadwax_tests::{demo, ep};

/// Carries one song from the take to the label's signature, on a server of its own.
#[derive(Debug, Parser)]
#[command(name = "cargo demo")]
struct Cli {
    /// No terminal client: run the whole job, print each step with its figures, exit 0 only if every check held.
    #[arg(long)]
    headless: bool,
    /// A record of four songs through the whole review protocol instead of one song: competing mixes, rounds, a hold, a return, an override.
    #[arg(long)]
    ep: bool,
    /// With --ep: recordings of real music for three of the songs; may be given up to three times.
    #[arg(long, value_name = "FILE", requires = "ep")]
    music: Vec<PathBuf>,
    /// Use this recording instead of the synthesised song (WAV, AIFF, FLAC, ALAC, MP3, AAC, Ogg Vorbis).
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Where the studio, the people's folders and the delivery go; must be new or empty. Without it: a fresh temporary folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

fn main() -> ExitCode {
    let mut args: Vec<OsString> = std::env::args_os().collect();
    match args.get(1).and_then(|word| word.to_str()) {
        Some("server") => {
            args.remove(1);
            let exe = match std::env::current_exe() {
                Ok(exe) => exe,
                Err(error) => {
                    eprintln!("this program cannot find itself: {error}");
                    return ExitCode::FAILURE;
                }
            };
            deadwax_server::main_with(args, Program { exe, prefix: vec!["server".into()] })
        }
        Some("client") => {
            args.remove(1);
            deadwax_client::main_with(args)
        }
        _ => {
            let cli = Cli::parse();
            let done = if cli.ep {
                ep::run(&cli.music, cli.out.as_deref())
            } else {
                demo::run(cli.headless, cli.input.as_deref(), cli.out.as_deref())
            };
            match done {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => {
                    eprintln!("\nthe demo stopped: {error:#}");
                    ExitCode::FAILURE
                }
            }
        }
    }
}
