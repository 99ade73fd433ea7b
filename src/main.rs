//! The command line: reads the arguments, runs a verb, exits with its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    rupture::cli::main(std::env::args_os().collect())
}
