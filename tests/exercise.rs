//! What a run without arguments brings about. What it exercises may only grow: raise a floor when it has.

use std::collections::BTreeMap;

use rayon::prelude::*;
use rupture::plan::Plan;
use rupture::record::Memory;
use rupture::run;
use serde_json::Value;

type Floor = (&'static str, fn(&Value) -> bool, usize);

/// What a node may live through, and in how many of fifty seeds it must at least happen to some node.
const FLOORS: &[Floor] = &[
    ("an election", |event| is(event, "leader_elected"), 50),
    (
        "a leader that steps down",
        |event| is(event, "stepped_down"),
        50,
    ),
    ("a snapshot", |event| is(event, "snapshot_taken"), 50),
    (
        "a snapshot from the leader",
        |event| is(event, "snapshot_installed"),
        45,
    ),
    ("a restart from a snapshot", restarts_from_snapshot, 45),
    (
        "a leader that hands over",
        |event| is(event, "leadership_transferred"),
        45,
    ),
    (
        "a conflict in a log",
        |event| is(event, "conflict_resolved"),
        40,
    ),
    (
        "a peer that is not heard",
        |event| is(event, "partition_detected"),
        50,
    ),
];

fn is(event: &Value, name: &str) -> bool {
    event["event"] == name
}

fn restarts_from_snapshot(event: &Value) -> bool {
    is(event, "node_started") && event["context"]["snapshot"]["index"].as_u64() > Some(0)
}

/// Which of the floors' things the run of a seed lives through.
fn happenings(seed: u64) -> Vec<bool> {
    let plan = Plan {
        seed,
        ..Plan::default()
    };
    let mut memory = Memory::default();
    run::run(&plan, &mut memory, &|| false).expect("a run");
    let logs = memory
        .files
        .iter()
        .filter(|(name, _)| name.starts_with("nodes/") && name.contains(".log"));
    let text: String = logs
        .map(|(_, bytes)| String::from_utf8_lossy(bytes))
        .collect();
    let events: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("an event is JSON"))
        .collect();
    let happened = FLOORS
        .iter()
        .map(|(_, happens, _)| events.iter().any(happens));
    happened.collect()
}

#[test]
fn the_default_run_lives_through_all_of_this() {
    let runs: Vec<Vec<bool>> = (0..50).into_par_iter().map(happenings).collect();
    let mut seeds: BTreeMap<&str, usize> = BTreeMap::new();
    for happened in runs {
        for ((what, ..), happened) in FLOORS.iter().zip(happened) {
            *seeds.entry(what).or_default() += usize::from(happened);
        }
    }
    println!("{seeds:#?}");
    for (what, _, floor) in FLOORS {
        assert!(
            seeds[what] >= *floor,
            "{what} in {} of 50 seeds: {seeds:#?}",
            seeds[what]
        );
    }
}
