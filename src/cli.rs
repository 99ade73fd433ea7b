//! The command line. Only this module reads arguments; each verb has a module of its own.

mod settings;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::Styles;
use clap::parser::ValueSource;
use clap::{Args, Command, CommandFactory, FromArgMatches, Parser, Subcommand};

pub use settings::Settings;

use crate::exit::{self, Exit};
use crate::report::ladder::LEGEND;
use crate::report::style;
use crate::{plan, screen, verbs};

/// Breaks distributed systems on purpose and proves what broke.
///
/// Exit codes: 0 valid, 1 an anomaly, 2 unknown or a kind of fault was never injected, 254 bad arguments, 255 the
/// tool itself failed or could not write what was asked for. Of several the worst counts: 255, 254, 1, 2, 0.
#[derive(Debug, Parser)]
#[command(name = "rupture", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run clients against a cluster while faults come and go, and judge what they saw.
    #[command(allow_negative_numbers = true)]
    Run(Box<RunArgs>),
    /// Judge histories that any tool recorded.
    #[command(allow_negative_numbers = true, after_help = legend())]
    Check(Box<CheckArgs>),
    /// Run a recorded run again and compare every byte.
    Replay(ReplayArgs),
    /// Take away what a run of real processes has left behind because it was killed.
    Heal(HealArgs),
    /// Look what this machine allows: which worlds, which faults, and what would help.
    Doctor(DoctorArgs),
    /// Be one node of a target, on real sockets and a real disk.
    Node(Box<NodeArgs>),
    /// Name what there is: targets, mutants, workloads, nemeses, models.
    List(ListArgs),
    /// Print the JSON Schema of a file that people write: `plan`, for `run --plan`.
    Schema(SchemaArgs),
}

/// What `rupture check --help` ends with.
fn legend() -> String {
    let lines = LEGEND.iter().map(|sentence| format!("  - {sentence}"));
    let lines: Vec<String> = lines.collect();
    format!("Levels of isolation:\n{}", lines.join("\n"))
}

/// What to run.
#[derive(Debug, Clone, Args)]
pub struct RunArgs {
    /// A plan: a TOML file, or the run.json of a run. Other arguments come in place of what it says (`rupture schema`).
    #[arg(short, long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// Where the target lives: `sim` for the simulator, `local` for processes of this machine.
    #[arg(long, default_value = plan::WORLDS[0], value_name = "WORLD")]
    pub world: String,
    /// The system under test.
    #[arg(short, long, default_value = "raft")]
    pub target: String,
    /// Which operations to send, and which checker judges them.
    #[arg(short, long, default_value = "register")]
    pub workload: String,
    /// Switch on one planted bug of the target (`rupture list mutants`).
    #[arg(short, long)]
    pub mutant: Option<String>,
    /// How the target answers reads (`rupture list targets`) [default: the target's first].
    #[arg(long, value_name = "HOW")]
    pub reads: Option<String>,
    /// Sets a number of the target, such as `snapshot-threshold=50`; may be given again (`rupture list targets`).
    #[arg(long, value_name = "NAME=NUMBER")]
    pub set: Vec<String>,
    /// A node; may be given again.
    #[arg(short, long, value_name = "HOST")]
    pub node: Vec<String>,
    /// Nodes, separated by commas, or how many [default: n1,n2,n3,n4,n5].
    #[arg(long, value_name = "A,B | COUNT")]
    pub nodes: Option<String>,
    /// A file that names a node a line.
    #[arg(long, value_name = "FILE")]
    pub nodes_file: Option<PathBuf>,
    /// Client threads: a number, or `2n` for twice the number of nodes.
    #[arg(short, long, default_value = "10")]
    pub concurrency: String,
    /// The first of the ports that real nodes listen on, two a node [default: any that are free].
    #[arg(long, value_name = "PORT")]
    pub base_port: Option<u16>,
    /// Which node may answer a client: `own` for the client's own, `any` for one that it is sent on to as well.
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "WHICH",
        hide_possible_values = true
    )]
    pub client_routing: plan::Routing,
    /// How long clients run, in seconds or with units (`500ms`, `2m`, `1h30m`) [default: 30 s, 10 s in a real world].
    #[arg(long, value_parser = plan::milliseconds, value_name = "TIME")]
    pub time_limit: Option<u64>,
    /// About how many operations a second all clients together start; 0 for as fast as they can.
    #[arg(short, long, default_value_t = 200)]
    pub rate: u32,
    /// Operations a key before the next key is used.
    #[arg(long, default_value_t = 100)]
    pub ops_per_key: u64,
    /// How long a client waits for an operation before it gives up.
    #[arg(long, default_value = "2", value_parser = plan::milliseconds, value_name = "TIME")]
    pub op_timeout: u64,
    /// Faults, separated by commas (`rupture list nemeses`); `none` and `all` are names too.
    #[arg(long, value_delimiter = ',', value_name = "A,B")]
    pub nemesis: Vec<String>,
    /// The mean wait between two faults of a kind [default: a tenth of the time limit, 3 s at most].
    #[arg(long, value_parser = plan::milliseconds, value_name = "TIME")]
    pub nemesis_interval: Option<u64>,
    /// A file of timed faults in place of random ones (`at 2s partition halves for 3s`).
    #[arg(long, value_name = "FILE")]
    pub nemesis_script: Option<PathBuf>,
    /// Decides every random choice; the same seed gives the same run, byte for byte.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Run every seed of a range, such as `0..500`, over all cores.
    #[arg(long, value_name = "A..B", conflicts_with_all = ["seed", "test_count"])]
    pub seeds: Option<String>,
    /// Run this many seeds, from --seed on.
    #[arg(long, value_name = "N")]
    pub test_count: Option<u64>,
    /// How many seeds of a search are recorded whole, of those that are invalid and of those that are unknown: a
    /// number, or `all` [default: 5].
    #[arg(long, value_parser = plan::keep, value_name = "N | all")]
    pub keep: Option<u64>,
    /// End a search at its first seed that is invalid or fails; lower seeds that are running end first.
    #[arg(long)]
    pub fail_fast: bool,
    /// Go on with a search that was cut short: its folder. Nothing runs twice; the other arguments may be left out.
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["seed", "test_count", "name", "results"])]
    pub resume: Option<PathBuf>,
    /// The arguments that the command line names, by their ids.
    #[arg(skip)]
    pub given: Vec<String>,
    /// End the run at the first event after which no order explains what the clients saw.
    #[arg(long)]
    pub stop_on_anomaly: bool,
    /// The name of the folder below the results [default: target-workload].
    #[arg(long)]
    pub name: Option<String>,
    /// Where the results go.
    #[arg(long, default_value = "results", value_name = "DIR")]
    pub results: PathBuf,
    /// How long the checker may take, in real time.
    #[arg(long, default_value = "120", value_parser = plan::milliseconds, value_name = "TIME")]
    pub check_timeout: u64,
    /// How much memory the checker may use.
    #[arg(long, default_value = "4GiB", value_parser = plan::bytes, value_name = "SIZE")]
    pub check_memory: u64,
    /// Print the verdict as one line of JSON.
    #[arg(long)]
    pub json: bool,
}

/// What to judge.
#[derive(Debug, Clone, Args)]
#[allow(clippy::struct_excessive_bools)] // Each is an option of its own.
pub struct CheckArgs {
    /// What the operations mean (`rupture list models`); guessed from the operations when left out.
    #[arg(short, long)]
    pub model: Option<String>,
    /// The promise, such as `linearizable` [default: the model's strongest; of transactions all that hold].
    #[arg(short, long, value_name = "LEVEL")]
    pub consistency: Option<String>,
    /// Where an order of all operations goes that proves `valid`; help says of it what the setting says.
    #[arg(long, value_name = "FILE")]
    pub witness: Option<PathBuf>,
    /// Write the graph of every anomaly that is one to this file, as Graphviz's DOT.
    #[arg(long, value_name = "FILE")]
    pub dot: Option<PathBuf>,
    /// The histories have completions alone: add an invocation right before each. What overlapped is then judged as
    /// if it had run one after the other, so an anomaly may come from that order and not from the system.
    #[arg(long)]
    pub completions_only: bool,
    /// Print one JSON object a file.
    #[arg(long)]
    pub json: bool,
    /// How long one file may take, in seconds or with a unit; past it the verdict is `unknown`.
    #[arg(long, default_value = "600", value_parser = plan::milliseconds, value_name = "TIME")]
    pub timeout: u64,
    /// How much memory the process may hold for one file, the history included; past it the verdict is `unknown`.
    #[arg(long, default_value = "4GiB", value_parser = plan::bytes, value_name = "SIZE")]
    pub memory: u64,
    /// History files, or folders of them; `-` is the standard input. Files may be packed by gzip or zstd.
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// What the history does not say by itself.
    #[command(flatten)]
    pub settings: Settings,
}

/// What to run again.
#[derive(Debug, Clone, Args)]
pub struct ReplayArgs {
    /// The folder of a run, such as `results/latest`.
    #[arg(default_value = "results/latest", value_name = "RUN")]
    pub run: PathBuf,
}

/// What to take away.
#[derive(Debug, Clone, Args)]
pub struct HealArgs {
    /// The folder of a run, such as `results/latest`.
    #[arg(default_value = "results/latest", value_name = "RUN")]
    pub run: PathBuf,
}

/// How to look at the machine.
#[derive(Debug, Clone, Args)]
pub struct DoctorArgs {
    /// Where results would go: the speed and the room of that disk count.
    #[arg(long, default_value = "results", value_name = "DIR")]
    pub results: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Which node to be.
#[derive(Debug, Clone, Args)]
pub struct NodeArgs {
    /// Take all of this from the first line of the standard input, and orders from the others; end when it ends.
    #[arg(long, exclusive = true)]
    pub controlled: bool,
    /// The system.
    #[arg(short, long, default_value = "raft")]
    pub target: String,
    /// Switch on one planted bug of the target (`rupture list mutants`).
    #[arg(short, long)]
    pub mutant: Option<String>,
    /// How the target answers reads (`rupture list targets`) [default: the target's first].
    #[arg(long, value_name = "HOW")]
    pub reads: Option<String>,
    /// Sets a number of the target; may be given again (`rupture list targets`).
    #[arg(long, value_name = "NAME=NUMBER")]
    pub set: Vec<String>,
    /// Which node this is: `n1`, `n2`, ...
    #[arg(long, default_value = "n1")]
    pub name: String,
    /// How many nodes the cluster begins with.
    #[arg(long, default_value_t = 1)]
    pub nodes: u32,
    /// Where clients find it.
    #[arg(long, default_value = "127.0.0.1:7100", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Where its peers find it.
    #[arg(long, default_value = "127.0.0.1:7200", value_name = "ADDRESS")]
    pub listen_peers: SocketAddr,
    /// Where a peer is, such as `n2=127.0.0.1:7201`; may be given again.
    #[arg(long, value_name = "NODE=ADDRESS")]
    pub peer: Vec<String>,
    /// The folder of its files; made when it does not exist.
    #[arg(long, default_value = "data", value_name = "DIR")]
    pub data: PathBuf,
    /// A file with what the nodes of the cluster know and nobody else does.
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Write what it does to the standard error, a JSON object a line.
    #[arg(long)]
    pub log: bool,
}

/// What to name.
#[derive(Debug, Clone, Args)]
pub struct ListArgs {
    /// One of `targets`, `mutants`, `workloads`, `nemeses`, `models`; all of them when left out.
    pub what: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub json: bool,
}

/// Which schema to print.
#[derive(Debug, Clone, Args)]
pub struct SchemaArgs {
    /// Of what: `plan`.
    #[arg(default_value = "plan")]
    pub what: String,
}

/// Runs the command line and gives its exit code.
pub fn main(arguments: &[OsString]) -> ExitCode {
    std::panic::set_hook(Box::new(tell_of_panic));
    let exit = std::panic::catch_unwind(|| run(arguments)).unwrap_or(Exit::Failure);
    match screen::failure() {
        Some(why) => {
            complain!("{} {why}", style::error("error:"));
            exit.worst(Exit::Failure).into()
        }
        None => exit.into(),
    }
}

fn run(arguments: &[OsString]) -> Exit {
    let cli = match parse(command(), arguments) {
        Ok(cli) => cli,
        Err(error) => return usage(&error, arguments),
    };
    let words: Vec<String> = arguments
        .iter()
        .skip(1)
        .map(|a| a.to_string_lossy().into_owned())
        .collect();
    let result = match cli.verb {
        Verb::Run(args) => verbs::run::main(&args, &words),
        Verb::Check(args) => verbs::check::main(&args),
        Verb::Replay(args) => verbs::replay::main(&args),
        Verb::Heal(args) => verbs::heal::main(&args),
        Verb::Doctor(args) => verbs::doctor::main(&args),
        Verb::Node(args) => verbs::node::main(&args),
        Verb::List(args) => verbs::list::main(&args),
        Verb::Schema(args) => verbs::schema::main(&args),
    };
    result.unwrap_or_else(|error| {
        let exit = exit::of_error(&error);
        complain!("{} {error:#}", style::error("error:"));
        exit
    })
}

/// The command line, its help as wide as the terminal: clap takes no width from one that reports no rows.
fn command() -> Command {
    const WIDEST: usize = 100;
    let command = Cli::command();
    match screen::terminal_width() {
        Some(width) => command.term_width(width.min(WIDEST)),
        None => command,
    }
}

fn parse(command: Command, arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let matches = command.try_get_matches_from(arguments)?;
    let mut cli = Cli::from_arg_matches(&matches)?;
    if let (Verb::Run(args), Some((_, matches))) = (&mut cli.verb, matches.subcommand()) {
        let ids = matches.ids().map(clap::Id::as_str);
        let given = ids.filter(|id| matches.value_source(id) == Some(ValueSource::CommandLine));
        args.given = given.map(str::to_owned).collect();
    }
    Ok(cli)
}

/// Help, or what is wrong with the arguments. It may repeat them: then it is made from arguments that are safe to show.
fn usage(error: &clap::Error, arguments: &[OsString]) -> Exit {
    let words: Vec<_> = arguments
        .iter()
        .map(|word| word.to_string_lossy())
        .collect();
    if words.iter().any(|word| screen::escape(word) != *word) {
        let command = command().styles(Styles::plain());
        let safe: Vec<OsString> = words
            .iter()
            .map(|word| screen::escape(word).into_owned().into())
            .collect();
        match parse(command.clone(), &safe).and_then(|_| parse(command, arguments)) {
            Err(error) => screen::say_usage(&error, true),
            Ok(_) => screen::say_usage(error, true),
        }
    } else {
        screen::say_usage(error, false);
    }
    if error.use_stderr() {
        Exit::BadArguments
    } else {
        Exit::Valid
    }
}

/// A panic is a bug of ours. What it says may repeat data, so it goes the way of all text.
fn tell_of_panic(info: &std::panic::PanicHookInfo<'_>) {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let what = text.unwrap_or("no reason given");
    let place = info.location().map(|place| format!(" at {place}"));
    complain!(
        "{} a bug of rupture{}: {what}",
        style::error("internal error:"),
        place.unwrap_or_default()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Cli::command().debug_assert();
    }
}
