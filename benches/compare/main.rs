//! What whole checks cost, beside the bars that we set ourselves and the figures of the best other tool.
//!
//! `cargo bench --bench compare` generates the histories of the table, lets `rupture check` judge each of them
//! three times as a whole process, file parsing included, and prints a table in Markdown. `cargo bench
//! --bench compare -- slope` times the judges of unique values in this process against the number of
//! operations, and says how steeply the time grows.
//!
//! | argument | meaning |
//! |---|---|
//! | `slope` | time against the number of operations, from 10^3 to 10^6 |
//! | `--full` | with `slope`: up to 10^7 operations |
//! | `--plot FILE` | with `slope`: draw it as SVG |
//! | `--violation` | with `slope`: histories with one violation in place of valid ones |
//! | `--only TEXT` | only rows whose name has this in it |
//! | `--most N` | only histories of at most so many operations |
//! | `--limit SECONDS` | how long one check may take, 60 unless told; five seconds later it is killed |
//! | `--times N` | how often each is judged, 3 unless told |
//!
//! | variable | meaning |
//! |---|---|
//! | `RUPTURE_PEER` | a program to time on the same files, in turns with ours. It is given our arguments: `check --json --memory SIZE --timeout SECONDS --model M [--independent] FILE`, and answers with our exit codes, and if it will with a line of our JSON. Another build of ours can be a peer, and so can a script around another tool. |
//! | `RUPTURE_CORPUS` | a folder of Porcupine's histories: `etcd_*.log` and key-value `*.txt` |
//!
//! Deliberately absent: statistics of small differences, for which the benches with criterion are there.

mod plot;
mod process;
mod rows;
mod series;
mod slope;
mod stores;
mod table;
mod transactions;

#[allow(dead_code, unreachable_pub)]
#[path = "../../checkers/tests/common/mod.rs"]
mod common;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

/// What was asked for.
struct Asked {
    slope: bool,
    full: bool,
    violation: bool,
    plot: Option<PathBuf>,
    only: String,
    most: usize,
    limit: Duration,
    times: usize,
}

impl Asked {
    fn parse(arguments: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut asked = Self {
            slope: false,
            full: false,
            violation: false,
            plot: None,
            only: String::new(),
            most: usize::MAX,
            limit: Duration::from_secs(60),
            times: 3,
        };
        let mut arguments = arguments.filter(|it| it != "--bench");
        while let Some(argument) = arguments.next() {
            let mut next = || {
                let missing = || format!("{argument} needs a value");
                arguments.next().ok_or_else(missing)
            };
            match argument.as_str() {
                "slope" => asked.slope = true,
                "--full" => asked.full = true,
                "--violation" => asked.violation = true,
                "--plot" => asked.plot = Some(next()?.into()),
                "--only" => asked.only = next()?,
                "--most" => asked.most = number(&next()?)?,
                "--limit" => asked.limit = Duration::from_secs(number(&next()?)? as u64),
                "--times" => asked.times = number(&next()?)?.max(1),
                _ => {
                    return Err(format!(
                        "what is `{argument}`? benches/compare/main.rs says"
                    ));
                }
            }
        }
        Ok(asked)
    }

    /// Whether a row of this name and size was asked for.
    fn wants(&self, name: &str, operations: usize) -> bool {
        name.contains(&self.only) && operations <= self.most
    }
}

fn number(text: &str) -> Result<usize, String> {
    let digits = text.replace('_', "");
    digits.parse().map_err(|_| format!("`{text}` is no number"))
}

fn main() -> ExitCode {
    // `cargo test --benches` runs this too, without `--bench`: it is to compile, not to take minutes.
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |name: &str| arguments.iter().any(|it| it == name);
    if has("--test") || has("--list") || !has("--bench") {
        return ExitCode::SUCCESS;
    }
    let done = Asked::parse(arguments.into_iter()).and_then(|asked| {
        if asked.slope {
            slope::main(&asked)
        } else {
            table::main(&asked)
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
