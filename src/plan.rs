//! A plan: everything that decides what a run does. The same plan and binary give the same bytes.

pub mod draft;
pub mod file;
pub mod keys;
pub mod schema;
mod values;
pub mod written;

use rupture_targets::Settings;
use serde::{Deserialize, Serialize};

use crate::exit::{bad_input, unknown_name};

/// The version of `run.json`, which holds a plan.
pub const FORMAT: u32 = 1;

rupture_targets::words! {
    /// Where a target lives; the usual world first.
    pub enum World {
        /// Virtual time, in this process.
        Sim = "sim",
        /// Processes of this machine.
        Local = "local",
    }
}

impl World {
    /// The world of a plan, which was validated.
    pub fn of(plan: &Plan) -> Self {
        let named = Self::ALL.into_iter().find(|it| it.name() == plan.world);
        named.unwrap_or(Self::Sim)
    }
}

/// The worlds that a plan can name.
pub const WORLDS: [&str; World::ALL.len()] = {
    let mut names = [""; World::ALL.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = World::ALL[at].name();
        at += 1;
    }
    names
};

/// Which node a client's request may be answered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Routing {
    /// Any: a client whose node knows a better one asks that.
    #[default]
    Any,
    /// The client's own: a node that cannot answer is a failure.
    Own,
}

impl Routing {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Any, Self::Own];

    /// Its name, in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::Own => "own",
        }
    }

    #[allow(clippy::trivially_copy_pass_by_ref)] // As serde hands it over.
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// One run, as data. It is kept in `run.json` and is all that `replay` needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Where the target lives: one of [`WORLDS`].
    pub world: String,
    /// The system under test.
    pub target: String,
    /// Which of its planted bugs is switched on.
    pub mutant: Option<String>,
    /// How the target answers reads; none for its default.
    pub reads: Option<String>,
    /// Numbers of the target by name; the target's default for every other.
    #[serde(default, skip_serializing_if = "Settings::is_empty")]
    pub settings: Settings,
    /// Which operations to send, and which checker judges them.
    pub workload: String,
    /// The nodes by name.
    pub nodes: Vec<String>,
    /// How many client threads there are.
    pub concurrency: usize,
    /// Which node answers a client. Left out where it is any, so that such plans are written as they always were.
    #[serde(default, skip_serializing_if = "Routing::is_usual")]
    pub routing: Routing,
    /// The first of the ports that real nodes listen on, two a node; any that are free where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_port: Option<u16>,
    /// How long the main phase lasts, in milliseconds.
    pub time_limit_ms: u64,
    /// How many operations a second all clients together start, about; none for as fast as they can.
    pub rate: Option<std::num::NonZeroU32>,
    /// How many operations a key gets before the next one is used.
    pub ops_per_key: u64,
    /// How long an operation may take before it is given up, in milliseconds.
    pub op_timeout_ms: u64,
    /// The faults, by name.
    pub nemesis: Vec<String>,
    /// The mean wait between two faults of a kind, in milliseconds.
    pub nemesis_interval_ms: u64,
    /// A script of timed faults, which replaces the random ones.
    pub script: Option<String>,
    /// Decides every random choice of the run.
    pub seed: u64,
    /// Whether the run ends at the first event after which no order explains what the clients saw. Left out
    /// where it does not, so that plans without it are written as they always were.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stop_on_anomaly: bool,
    /// How long the checker may take, in milliseconds of real time.
    pub check_timeout_ms: u64,
    /// How much memory the checker may use, in bytes.
    pub check_memory: u64,
}

impl Default for Plan {
    /// What `rupture run` does without arguments.
    fn default() -> Self {
        Self {
            world: WORLDS[0].to_owned(),
            target: "raft".to_owned(),
            mutant: None,
            reads: None,
            settings: Settings::new(),
            workload: "register".to_owned(),
            nodes: numbered(5),
            concurrency: 10,
            routing: Routing::default(),
            base_port: None,
            time_limit_ms: 30_000,
            rate: std::num::NonZeroU32::new(200),
            ops_per_key: 100,
            op_timeout_ms: 2_000,
            nemesis: vec!["default".to_owned()],
            nemesis_interval_ms: 3_000,
            script: None,
            seed: 0,
            stop_on_anomaly: false,
            check_timeout_ms: 120_000,
            check_memory: 4 << 30,
        }
    }
}

impl Plan {
    /// A short name for the folder of its results, such as `raft-register`.
    pub fn name(&self) -> String {
        match &self.mutant {
            Some(mutant) => format!("{}-{}-{mutant}", self.target, self.workload),
            None => format!("{}-{}", self.target, self.workload),
        }
    }

    /// Refuses what contradicts itself, before anything starts.
    ///
    /// # Errors
    /// Which setting, and what to do instead.
    pub fn validate(&self) -> anyhow::Result<()> {
        let refuse = |message: String| Err(bad_input(message));
        if !WORLDS.contains(&self.world.as_str()) {
            return Err(unknown_name("world", &self.world, &WORLDS));
        }
        if self.nodes.is_empty() {
            return refuse(
                "clients without nodes: name at least one with --node or --nodes".into(),
            );
        }
        if self.nodes.len() > 1000 {
            return refuse(format!(
                "{} nodes are too many: 1000 at the most",
                self.nodes.len()
            ));
        }
        if self.nodes.iter().any(String::is_empty) {
            return refuse(NAMELESS.into());
        }
        if let Some(twice) = first_duplicate(&self.nodes) {
            return refuse(format!("node `{twice}` is named twice"));
        }
        if let Some(base) = self.base_port {
            let last = u32::from(base) + 2 * self.nodes.len() as u32 - 1;
            if World::of(self) == World::Sim {
                return refuse(
                    "--base-port: nobody listens in the simulator; give --world local".into(),
                );
            }
            if base < 1024 || last > u32::from(u16::MAX) {
                return refuse(format!(
                    "--base-port {base}: {} nodes take the ports {base} to {last}, and 1024 to 65535 are free for that",
                    self.nodes.len()
                ));
            }
        }
        if self.concurrency == 0 {
            return refuse("--concurrency 0: nobody would ask anything; give at least 1".into());
        }
        if self.concurrency > 10_000 {
            return refuse(format!(
                "--concurrency {} is too many: 10000 at the most",
                self.concurrency
            ));
        }
        if self.time_limit_ms == 0 {
            return refuse("--time-limit 0: nothing would be asked".into());
        }
        if self.ops_per_key == 0 {
            return refuse("--ops-per-key must be at least 1".into());
        }
        if self.op_timeout_ms == 0 {
            return refuse("--op-timeout must be above 0".into());
        }
        // A plan may come from a file that somebody has edited.
        for (option, ms) in [
            ("--time-limit", self.time_limit_ms),
            ("--op-timeout", self.op_timeout_ms),
            ("--nemesis-interval", self.nemesis_interval_ms),
            ("--check-timeout", self.check_timeout_ms),
        ] {
            if ms as f64 > LONGEST_MS {
                return refuse(format!("{option} {ms}ms is too long: 11574d at the most"));
            }
        }
        if !(1..=LARGEST).contains(&self.check_memory) {
            return refuse(format!(
                "--check-memory {} is {OUT_OF_RANGE}",
                self.check_memory
            ));
        }
        if self.nemesis.iter().any(String::is_empty) {
            return refuse("--nemesis has an empty name; write `none` for no fault".into());
        }
        if self.nemesis.len() > 1 && self.nemesis.iter().any(|name| name == "none") {
            return refuse(format!(
                "--nemesis {}: `none` and other faults contradict each other; leave one of them out",
                self.nemesis.join(",")
            ));
        }
        if self.nemesis_interval_ms == 0 {
            return refuse("--nemesis-interval must be above 0".into());
        }
        if self.script.is_some() && self.nemesis.iter().any(|name| name != "none") {
            return refuse("--nemesis and --nemesis-script contradict each other: give one".into());
        }
        Ok(())
    }
}

const NAMELESS: &str = "a node without a name; write --nodes n1,n2,n3";

fn first_duplicate(names: &[String]) -> Option<&str> {
    let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    sorted.windows(2).find(|w| w[0] == w[1]).map(|w| w[0])
}

/// The nodes that the arguments name: Jepsen concatenates the file, the list and the single ones, and takes
/// n1 to n5 when there is none. A list that is a number stands for n1 to that.
///
/// # Errors
/// An empty name.
pub fn nodes(
    file: Option<&str>,
    list: Option<&str>,
    single: &[String],
) -> anyhow::Result<Vec<String>> {
    if file.is_none() && list.is_none() && single.is_empty() {
        return Ok(numbered(5));
    }
    let mut names: Vec<String> = Vec::new();
    if let Some(text) = file {
        names.extend(
            text.lines()
                .map(str::trim)
                .filter(|l| !l.is_empty())
                .map(str::to_owned),
        );
    }
    match list.map(str::trim) {
        Some(list) if list.chars().all(|c| c.is_ascii_digit()) && !list.is_empty() => {
            let count: usize = list
                .parse()
                .map_err(|_| bad_input(format!("--nodes {list}: 1000 at the most")))?;
            if count > 1000 {
                return Err(bad_input(format!("--nodes {list}: 1000 at the most")));
            }
            names.extend(numbered(count));
        }
        Some(list) if !list.is_empty() => {
            names.extend(list.split(',').map(|n| n.trim().to_owned()));
        }
        _ => {}
    }
    names.extend(single.iter().cloned());
    if names.iter().any(String::is_empty) {
        return Err(bad_input(NAMELESS));
    }
    Ok(names)
}

fn numbered(count: usize) -> Vec<String> {
    (1..=count).map(|i| format!("n{i}")).collect()
}

/// A concurrency such as `10` or `2n` (twice the number of nodes).
///
/// # Errors
/// Anything else.
pub fn concurrency(text: &str, nodes: usize) -> anyhow::Result<usize> {
    let (digits, times) = match text.strip_suffix('n') {
        Some(digits) => (digits, nodes),
        None => (text, 1),
    };
    digits
        .parse::<usize>()
        .ok()
        .and_then(|n| n.checked_mul(times))
        .ok_or_else(|| {
            bad_input(format!(
                "--concurrency {text}: write a number such as 10, or 2n for two clients a node"
            ))
        })
}

/// Settings of a target, each `NAME=NUMBER`.
///
/// # Errors
/// Anything else, and a name that is given twice.
pub fn settings(texts: &[String]) -> anyhow::Result<Settings> {
    let mut settings = Settings::new();
    for text in texts {
        let wrong = || {
            bad_input(format!(
                "--set {text}: write a name and a number, such as snapshot-threshold=50"
            ))
        };
        let (name, number) = text.split_once('=').ok_or_else(wrong)?;
        let number = number.trim().parse().map_err(|_| wrong())?;
        let name = name.trim().to_owned();
        if name.is_empty() {
            return Err(wrong());
        }
        if settings.insert(name.clone(), number).is_some() {
            return Err(bad_input(format!("--set {name} is given twice")));
        }
    }
    Ok(settings)
}

/// Seeds from the first to the last, both of them with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seeds {
    /// The lowest.
    pub first: u64,
    /// The highest.
    pub last: u64,
}

impl Seeds {
    /// How many they are; all of them are more than a `u64` can count, and count as one less.
    pub fn count(self) -> u64 {
        (self.last - self.first).saturating_add(1)
    }
}

impl std::fmt::Display for Seeds {
    /// As the command line takes them: `0..500` without its end, but for the highest seed of all.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.last.checked_add(1) {
            Some(end) => write!(f, "{}..{end}", self.first),
            None => write!(f, "{}..={}", self.first, self.last),
        }
    }
}

/// A range of seeds, `A..B` without B, or `A..=B`.
///
/// # Errors
/// Anything else, and empty ranges.
pub fn seeds(text: &str) -> anyhow::Result<Seeds> {
    let wrong = || {
        bad_input(format!(
            "--seeds {text}: write a range such as 0..500, which leaves out its end; a seed is {} at the most",
            u64::MAX
        ))
    };
    let number = |text: &str| text.parse::<u64>().map_err(|_| wrong());
    let (first, end) = text.split_once("..").ok_or_else(wrong)?;
    let first = number(first)?;
    let last = match end.strip_prefix('=') {
        Some(last) => Some(number(last)?),
        None => number(end)?.checked_sub(1),
    };
    match last {
        Some(last) if first <= last => Ok(Seeds { first, last }),
        _ => Err(bad_input(format!("--seeds {text} is empty"))),
    }
}

/// How many failing seeds are kept: a number, or `all`.
///
/// # Errors
/// Anything else.
pub fn keep(text: &str) -> Result<u64, String> {
    match text {
        "all" => Ok(u64::MAX),
        number => number
            .parse()
            .map_err(|_| "write a number such as 20, or all".to_owned()),
    }
}

/// How long the main phase usually lasts in a world: real time is dear.
pub fn time_limit_ms(world: &str) -> u64 {
    if world == WORLDS[0] { 30_000 } else { 10_000 }
}

/// The usual wait between two faults of a kind: a tenth of the run, so that a short one meets each kind too, and
/// 3 s at the most.
pub fn nemesis_interval_ms(time_limit_ms: u64) -> u64 {
    (time_limit_ms / 10).clamp(10, 3_000)
}

/// The units of a time, in milliseconds. `ms` comes before those that end like it.
const TIME_UNITS: [(&str, f64); 5] = [
    ("ms", 1.0),
    ("s", 1_000.0),
    ("m", 60_000.0),
    ("h", 3_600_000.0),
    ("d", 86_400_000.0),
];
/// A time as [`milliseconds`] reads it, for a schema.
const TIME: &str = r"^([0-9.]+d)?([0-9.]+h)?([0-9.]+m)?([0-9.]+s)?([0-9.]+ms)?$|^[0-9.]+$";
/// A size as [`bytes`] reads it, for a schema.
const SIZE: &str = "^[0-9.]+ *([KkMmGg]([Ii]?[Bb])?|[Bb])?$";
/// Client threads as [`concurrency`] reads them, for a schema.
const THREADS: &str = "^[0-9]+n?$";
/// The longest time, about 31 years: in nanoseconds it is far from the end of a `u64`.
const LONGEST_MS: f64 = 1e12;

/// Seconds, such as `30` or `0.5`, or with units: `500ms`, `1.5s`, `2m`, `1h30m`, `1d`; as milliseconds.
///
/// # Errors
/// Anything else.
pub fn milliseconds(text: &str) -> Result<u64, String> {
    let wrong =
        || "write seconds such as 30 or 0.5, or units: 500ms, 1.5s, 2m, 1h30m, 1d".to_owned();
    let mut rest = text.trim();
    let mut ms = 0.0;
    let mut smallest = f64::INFINITY;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.');
        let (number, tail) = rest.split_at(end.unwrap_or(rest.len()));
        let value: f64 = number.parse().map_err(|_| wrong())?;
        let bare = tail.is_empty() && smallest.is_infinite();
        let unit = TIME_UNITS.iter().find(|(name, _)| tail.starts_with(name));
        let (name, scale) = match unit {
            Some(unit) => *unit,
            None if bare => ("", 1_000.0),
            None => return Err(wrong()),
        };
        // From the largest unit down, each one once: `30m1h` is more likely a slip than a time.
        if scale >= smallest {
            return Err(wrong());
        }
        smallest = scale;
        ms += value * scale;
        rest = &tail[name.len()..];
    }
    if smallest.is_infinite() {
        return Err(wrong());
    }
    if ms > LONGEST_MS {
        return Err("too long: 11574d at the most".to_owned());
    }
    if ms > 0.0 && ms < 1.0 {
        return Err("too short: 1ms at the least".to_owned());
    }
    Ok(ms.round() as u64)
}

/// The largest size in bytes, and what is said of others.
const LARGEST: u64 = 1_000_000_000_000_000;
const OUT_OF_RANGE: &str = "out of range: from 1 byte to 1e15 bytes";

/// A size such as `512MB`, `2GiB` or a number of bytes.
///
/// # Errors
/// Anything else.
pub fn bytes(text: &str) -> Result<u64, String> {
    let lower = text.to_ascii_lowercase();
    let units = [
        ("kib", 1u64 << 10),
        ("mib", 1 << 20),
        ("gib", 1 << 30),
        ("kb", 1000),
        ("mb", 1_000_000),
        ("gb", 1_000_000_000),
        ("k", 1 << 10),
        ("m", 1 << 20),
        ("g", 1 << 30),
        ("b", 1),
    ];
    let (number, unit) = units
        .iter()
        .find_map(|(suffix, unit)| lower.strip_suffix(suffix).map(|n| (n, *unit)))
        .unwrap_or((lower.as_str(), 1));
    let value: f64 = number
        .trim()
        .parse()
        .map_err(|_| "write a size such as 512MB or 2GiB".to_owned())?;
    let size = value * unit as f64;
    if !(1.0..=LARGEST as f64).contains(&size) {
        return Err(OUT_OF_RANGE.into());
    }
    Ok(size as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_concatenated_and_have_a_default() {
        assert_eq!(
            nodes(None, None, &[]).unwrap(),
            ["n1", "n2", "n3", "n4", "n5"]
        );
        assert_eq!(
            nodes(Some("a\n\nb\n"), Some("c, d"), &["e".into()]).unwrap(),
            ["a", "b", "c", "d", "e"]
        );
        assert_eq!(nodes(None, Some("3"), &[]).unwrap(), ["n1", "n2", "n3"]);
        assert!(nodes(None, Some("a,,b"), &[]).is_err());
        assert_eq!(nodes(None, Some("0"), &[]).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn concurrency_may_depend_on_the_nodes() {
        assert_eq!(concurrency("7", 5).unwrap(), 7);
        assert_eq!(concurrency("2n", 5).unwrap(), 10);
        for wrong in ["", "n", "-1", "2m", "1.5n", "99999999999999999999n"] {
            assert!(concurrency(wrong, 5).is_err(), "{wrong}");
        }
    }

    #[test]
    fn settings_are_names_and_numbers() {
        let read =
            |texts: &[&str]| settings(&texts.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
        let two = read(&["snapshot-threshold=50", "heartbeat-ms = 20"]).unwrap();
        assert_eq!(
            two.into_iter().collect::<Vec<_>>(),
            [
                ("heartbeat-ms".into(), 20),
                ("snapshot-threshold".into(), 50)
            ]
        );
        for wrong in [
            "snapshot-threshold",
            "=5",
            "a=",
            "a=-1",
            "a=1.5",
            "a=99999999999999999999",
        ] {
            assert!(read(&[wrong]).is_err(), "{wrong}");
        }
        assert!(
            read(&["a=1", "a=2"])
                .unwrap_err()
                .to_string()
                .contains("twice")
        );
    }

    #[test]
    fn no_fault_and_some_faults_contradict_each_other() {
        let with = |names: &[&str]| Plan {
            nemesis: names.iter().map(|name| (*name).to_owned()).collect(),
            ..Plan::default()
        };
        assert!(with(&["none"]).validate().is_ok());
        for wrong in [
            &["none", "kill"][..],
            &["default", "none"],
            &["none", "none"],
        ] {
            let error = with(wrong).validate().unwrap_err().to_string();
            assert!(error.contains("contradict"), "{error}");
        }
    }

    #[test]
    fn ranges_durations_and_sizes() {
        let range = |first, last| Seeds { first, last };
        let highest = "1..=18446744073709551615";
        assert_eq!(seeds("3..5").unwrap(), range(3, 4));
        assert_eq!(seeds("3..=5").unwrap(), range(3, 5));
        assert_eq!(seeds(highest).unwrap(), range(1, u64::MAX));
        assert_eq!(seeds(highest).unwrap().to_string(), highest);
        assert_eq!(range(3, 4).to_string(), "3..5");
        assert_eq!(range(0, u64::MAX).count(), u64::MAX);
        for wrong in [
            "5..3",
            "3..3",
            "3",
            "a..b",
            "..",
            "0..0",
            "-1..3",
            "1..18446744073709551616",
        ] {
            assert!(seeds(wrong).is_err(), "{wrong}");
        }
        assert_eq!(milliseconds("30"), Ok(30_000));
        assert_eq!(milliseconds("0.5"), Ok(500));
        assert_eq!(milliseconds("250ms"), Ok(250));
        assert_eq!(milliseconds("2m"), Ok(120_000));
        assert_eq!(milliseconds("1.5s"), Ok(1_500));
        assert_eq!(milliseconds("2h"), Ok(7_200_000));
        assert_eq!(milliseconds("1d"), Ok(86_400_000));
        assert_eq!(milliseconds("1h30m"), Ok(5_400_000));
        assert_eq!(milliseconds("1m1s500ms"), Ok(61_500));
        assert_eq!(milliseconds("0"), Ok(0));
        assert_eq!(milliseconds("1000000000"), Ok(1_000_000_000_000));
        for wrong in [
            "",
            "x",
            "-1",
            "nan",
            "inf",
            "h",
            "1h30",
            "30m1h",
            "1m1m",
            "1.2.3s",
            ".",
            "s",
            "1x",
            "1000000001",
            "99999999999999999999999d",
            "0.1ms",
        ] {
            assert!(milliseconds(wrong).is_err(), "{wrong}");
        }
        assert_eq!(bytes("2GiB"), Ok(2 << 30));
        assert_eq!(bytes("512MB"), Ok(512_000_000));
        assert_eq!(bytes("77"), Ok(77));
        for wrong in ["", "GB", "-1", "1TBx"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }
}
