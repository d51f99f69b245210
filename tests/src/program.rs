//! Every program of the tests is also the server (`... server ...`) and the client (`... client ...`), so that what is tried is what was just built.
//! Never here: what a program of the tests does by itself.

use std::{ffi::OsString, process::ExitCode};

use deadwax_server::render::Program;

/// What the server or the client ended with, where the first word asks for one of them.
pub fn server_or_client() -> Option<ExitCode> {
    let mut args: Vec<OsString> = std::env::args_os().collect();
    match args.get(1).and_then(|word| word.to_str()) {
        Some("server") => {
            args.remove(1);
            let exe = match std::env::current_exe() {
                Ok(exe) => exe,
                Err(error) => {
                    eprintln!("this program cannot find itself: {error}");
                    return Some(ExitCode::FAILURE);
                }
            };
            Some(deadwax_server::main_with(args, Program { exe, prefix: vec!["server".into()] }))
        }
        Some("client") => {
            args.remove(1);
            Some(deadwax_client::main_with(args))
        }
        _ => None,
    }
}
