//! The command line: reads the arguments, runs a verb, exits with its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    rupture::cli::main(&arguments)
}
