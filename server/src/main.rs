//! The studio server as a program of its own. Everything is in the library.

use std::process::ExitCode;

use deadwax_server::render::Program;

fn main() -> ExitCode {
    match std::env::current_exe() {
        Ok(exe) => {
            deadwax_server::main_with(std::env::args_os().collect(), Program { exe, prefix: Vec::new() })
        }
        Err(error) => {
            eprintln!("deadwax-server: this program cannot find itself: {error}");
            ExitCode::FAILURE
        }
    }
}
