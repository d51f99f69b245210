//! `deadwax`: hands the arguments to the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    deadwax_client::main_with(std::env::args_os().collect())
}
