//! The keys of a plan file, one row each. What reads them, what writes them and the schema are all made from this
//! table and the types in it, so that none of the three can know a key that another does not.

use std::num::NonZeroU32;

use rupture_nemesis::nemeses;
use rupture_targets::{SettingInfo, Settings, targets};
use rupture_workloads::workloads;

use super::draft::Draft;
use super::{Routing, WORLDS};

/// Where in a draft a key's value lives.
type At<T> = fn(&mut Draft) -> &mut T;

/// A key of a plan file.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The key, after the names of the tables that hold it: `faults.interval`.
    pub path: &'static str,
    /// One line.
    pub about: &'static str,
    /// What it holds.
    pub field: Field,
}

impl Row {
    /// The table that holds it, and its name there; the table without a name is the whole file.
    pub fn split(&self) -> (&'static str, &'static str) {
        self.path.rsplit_once('.').unwrap_or(("", self.path))
    }
}

/// What a key holds: the type of its place in the draft decides what may be written.
#[derive(Clone, Copy, Debug)]
pub enum Field {
    /// One of some names.
    Name(Names, At<String>),
    /// One of some names, or nothing.
    Perhaps(Names, At<Option<String>>),
    /// Which node answers a client.
    Routing(At<Routing>),
    /// A time, in milliseconds.
    Time(At<u64>),
    /// A time, in milliseconds, that follows from others where nobody says.
    Derived(At<Option<u64>>),
    /// A size, in bytes.
    Size(At<u64>),
    /// A number, from the first on.
    Number(u64, At<u64>),
    /// Operations a second; 0 for as many as there can be.
    Rate(At<Option<NonZeroU32>>),
    /// A port, or whichever is free.
    Port(At<Option<u16>>),
    /// Yes or no.
    Flag(At<bool>),
    /// Names of nodes, or how many.
    Nodes(At<Vec<String>>),
    /// Client threads.
    Threads(At<String>),
    /// Kinds of faults.
    Faults(At<Option<Vec<String>>>),
    /// Timed faults.
    Script(At<Option<String>>),
    /// Numbers of the target, each with a name of its own.
    Settings(At<Settings>),
}

/// Names that a value can have.
#[derive(Clone, Copy, Debug)]
pub struct Names {
    /// What they name, for a message.
    pub what: &'static str,
    /// All of them.
    pub list: fn() -> Vec<&'static str>,
}

/// Every key, those before that others depend on.
pub const ROWS: [Row; 21] = [
    Row {
        path: "world",
        about: "Where the target lives: sim is the simulator, local runs real processes on this machine.",
        field: Field::Name(WORLD, |draft| &mut draft.plan.world),
    },
    Row {
        path: "target.name",
        about: "The system under test.",
        field: Field::Name(TARGET, |draft| &mut draft.plan.target),
    },
    Row {
        path: "target.mutant",
        about: "The planted bug of the target that is switched on.",
        field: Field::Perhaps(MUTANT, |draft| &mut draft.plan.mutant),
    },
    Row {
        path: "target.reads",
        about: "How the target answers reads; its own default where this is left out.",
        field: Field::Perhaps(READS, |draft| &mut draft.plan.reads),
    },
    Row {
        path: "target.settings",
        about: "Numbers of the target by name; its own default for every other.",
        field: Field::Settings(|draft| &mut draft.plan.settings),
    },
    Row {
        path: "workload",
        about: "Which operations to send, and which checker judges them.",
        field: Field::Name(WORKLOAD, |draft| &mut draft.plan.workload),
    },
    Row {
        path: "nodes",
        about: "How many nodes there are, or their names.",
        field: Field::Nodes(|draft| &mut draft.plan.nodes),
    },
    Row {
        path: "concurrency",
        about: "How many client threads there are: a number, or \"2n\" for twice the number of nodes.",
        field: Field::Threads(|draft| &mut draft.concurrency),
    },
    Row {
        path: "client-routing",
        about: "Which node may answer a client: \"own\" for the client's own, \"any\" for one that it is sent on to as well.",
        field: Field::Routing(|draft| &mut draft.plan.routing),
    },
    Row {
        path: "base-port",
        about: "The first of the ports that real nodes listen on, two a node; any that are free where it is left out.",
        field: Field::Port(|draft| &mut draft.plan.base_port),
    },
    Row {
        path: "time-limit",
        about: "How long clients run: 30 s, and 10 s in a real world, where it is left out.",
        field: Field::Derived(|draft| &mut draft.time_limit_ms),
    },
    Row {
        path: "rate",
        about: "About how many operations a second all clients together start; 0 for as fast as they can.",
        field: Field::Rate(|draft| &mut draft.plan.rate),
    },
    Row {
        path: "ops-per-key",
        about: "How many operations a key gets before the next one is used.",
        field: Field::Number(1, |draft| &mut draft.plan.ops_per_key),
    },
    Row {
        path: "op-timeout",
        about: "How long a client waits for an operation before it gives up.",
        field: Field::Time(|draft| &mut draft.plan.op_timeout_ms),
    },
    Row {
        path: "seed",
        about: "Decides every random choice; in the simulator the same seed gives the same run, byte for byte.",
        field: Field::Number(0, |draft| &mut draft.plan.seed),
    },
    Row {
        path: "faults.random",
        about: "Kinds of faults that come and go at random; \"none\" for none.",
        field: Field::Faults(|draft| &mut draft.nemesis),
    },
    Row {
        path: "faults.interval",
        about: "The mean wait between two random faults of a kind; a tenth of the time limit, 3 s at the most, where it is left out.",
        field: Field::Derived(|draft| &mut draft.nemesis_interval_ms),
    },
    Row {
        path: "faults.timed",
        about: "Faults at times that somebody chose, in place of random ones.",
        field: Field::Script(|draft| &mut draft.plan.script),
    },
    Row {
        path: "checks.timeout",
        about: "How long the checker may take, in real time.",
        field: Field::Time(|draft| &mut draft.plan.check_timeout_ms),
    },
    Row {
        path: "checks.memory",
        about: "How much memory the checker may use.",
        field: Field::Size(|draft| &mut draft.plan.check_memory),
    },
    Row {
        path: "checks.stop-on-anomaly",
        about: "Whether the run ends at the first event after which no order explains what the clients saw.",
        field: Field::Flag(|draft| &mut draft.plan.stop_on_anomaly),
    },
];

/// The key of a timed fault that is written as a table, and what it holds.
pub const TIMED: [(&str, &str); 4] = [
    ("at", "When it begins, since the run began: \"2s\"."),
    (
        "fault",
        "What: \"partition halves\", as in a script of faults.",
    ),
    (
        "for",
        "How long it lasts; until it is healed where this is left out.",
    ),
    (
        "heal",
        "In place of a fault: the kind that ends, or \"all\".",
    ),
];

/// The worlds.
pub const WORLD: Names = Names {
    what: "world",
    list: || WORLDS.to_vec(),
};
/// The targets.
pub const TARGET: Names = Names {
    what: "target",
    list: || targets().iter().map(|target| target.name).collect(),
};
/// The mutants of every target.
pub const MUTANT: Names = Names {
    what: "mutant",
    list: || {
        let mutants = targets().iter().flat_map(|target| &target.mutants);
        sorted(mutants.map(|mutant| mutant.name).collect())
    },
};
/// How any target answers reads.
pub const READS: Names = Names {
    what: "way to read",
    list: || {
        let ways = targets().iter().flat_map(|target| &target.reads);
        sorted(ways.copied().collect())
    },
};
/// The workloads.
pub const WORKLOAD: Names = Names {
    what: "workload",
    list: || workloads().iter().map(|workload| workload.name).collect(),
};
/// What a plan may ask for as random faults.
pub const FAULT: Names = Names {
    what: "nemesis",
    list: || nemeses().iter().map(|nemesis| nemesis.name).collect(),
};

/// Every number of every target, with the widest range where two targets have one of the same name.
pub fn settings() -> Vec<SettingInfo> {
    let all = targets().iter().flat_map(|target| &target.settings);
    let mut all: Vec<SettingInfo> = all.cloned().collect();
    all.sort_by_key(|info| info.name);
    all.dedup_by(|other, kept| {
        let is_same = other.name == kept.name;
        if is_same {
            kept.least = kept.least.min(other.least);
            kept.most = kept.most.max(other.most);
        }
        is_same
    });
    all
}

fn sorted(mut names: Vec<&'static str>) -> Vec<&'static str> {
    names.sort_unstable();
    names.dedup();
    names
}
