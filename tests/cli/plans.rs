//! Plans from files: what they say, how they are refused, and what is made from the same table as their reader.

use std::fs;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rupture::plan::draft::Draft;
use rupture::plan::{FORMAT, Plan, Routing, WORLDS, file, keys, written};
use serde_json::{Value, json};

use crate::{expect, scratch, write};

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(text: &str) -> Result<Plan, String> {
    let file = file::parse("plan.toml", text.to_owned()).map_err(|error| error.to_string())?;
    let plan = file.draft().finish();
    plan.map_err(|error| file.locate(error, Draft::finish).to_string())
}

/// The plan that a run left behind.
fn recorded(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("results/latest/run.json")).expect("run.json");
    let manifest: Value = serde_json::from_str(&text).expect("JSON");
    manifest["plan"].clone()
}

/// Plans that are valid, with anything that people could want in them.
fn plans() -> impl Strategy<Value = Plan> {
    let name = || proptest::sample::select(vec!["n1", "ä b", "\"'\\", "a.b#[c]", "\u{7f}\u{1}\n"]);
    let nodes = prop_oneof![
        (1usize..30).prop_map(|count| (1..=count).map(|it| format!("n{it}")).collect()),
        proptest::collection::btree_set(name().prop_map(str::to_owned), 1..5)
            .prop_map(|names| names.into_iter().collect::<Vec<String>>()),
    ];
    let faults = prop_oneof![
        proptest::sample::subsequence(vec!["kill", "pause", "all", "default", "disk"], 0..4)
            .prop_map(|names| (names, None)),
        (
            proptest::sample::select(vec![vec![], vec!["none"]]),
            proptest::sample::select(vec![
                "",
                "at 1s kill one\n",
                "# why\r\n\nat 1s kill \"n1\" # \t\n",
                "at 1s kill one; at 2s heal\nat 3s disk torn one for 1ms",
                "[{\"at_ns\":1,\n\"action\":{\"heal\":{\"kind\":null}}}]",
            ])
        )
            .prop_map(|(names, script)| (names, Some(script.to_owned()))),
    ];
    let target = (
        proptest::sample::select(vec![None, Some("stale-read"), Some("double-vote")]),
        proptest::sample::select(vec![None, Some("local"), Some("lease")]),
        proptest::sample::select((keys::WORKLOAD.list)()),
        proptest::collection::btree_map(
            proptest::sample::select(keys::settings()).prop_map(|info| info.name.to_owned()),
            any::<u64>(),
            0..3,
        ),
        proptest::sample::select(WORLDS.to_vec()),
    );
    let times = || prop_oneof![1u64..100_000, (1u64..100_000).prop_map(|it| it * 60_000)];
    let numbers = (
        1usize..10_000,
        times(),
        any::<u32>(),
        1u64..=u64::MAX,
        times(),
        times(),
        any::<u64>(),
        times(),
        prop_oneof![
            1u64..=1_000_000_000_000_000,
            (1u64..900_000).prop_map(|it| it << 30)
        ],
    );
    let words = (
        any::<bool>(),
        proptest::sample::select(Routing::ALL.to_vec()),
        any::<Option<u16>>(),
    );
    (nodes, faults, target, numbers, words).prop_map(|(nodes, faults, target, numbers, words)| {
        Plan {
            world: target.4.to_owned(),
            target: "raft".to_owned(),
            mutant: target.0.map(str::to_owned),
            reads: target.1.map(str::to_owned),
            settings: target.3,
            workload: target.2.to_owned(),
            nodes,
            concurrency: numbers.0,
            routing: words.1,
            base_port: words
                .2
                .filter(|port| target.4 != WORLDS[0] && (1024..60_000).contains(port)),
            time_limit_ms: numbers.1,
            rate: NonZeroU32::new(numbers.2),
            ops_per_key: numbers.3,
            op_timeout_ms: numbers.4,
            nemesis: faults.0.into_iter().map(str::to_owned).collect(),
            nemesis_interval_ms: numbers.5,
            script: faults.1,
            seed: numbers.6,
            stop_on_anomaly: words.0,
            check_timeout_ms: numbers.7,
            check_memory: numbers.8,
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn every_plan_is_written_and_read_back_the_same(plan in plans()) {
        // Some names are only text to a script.
        let is_script = plan.script.as_deref().is_none_or(|it| rupture_nemesis::Script::parse(it).is_ok());
        prop_assume!(is_script);
        let text = written::toml(&plan);
        prop_assert_eq!(read(&text), Ok(plan.clone()), "{}", text);
        // The same as the file of a run.
        let manifest = json!({ "format": FORMAT, "plan": plan }).to_string();
        prop_assert_eq!(read(&manifest), Ok(plan));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "([a-z]+ = |\\[|\\{|\\]|\"|[0-9]|\n|seed|nodes|faults|timed|at 1s|é|=|,|'''|#){0,12}") {
        match file::parse("plan.toml", text) {
            Ok(file) => drop(file.draft().finish()),
            Err(error) => prop_assert!(error.to_string().starts_with("plan.toml: "), "{}", error),
        }
    }
}

#[test]
fn an_empty_file_is_the_default_run() {
    for text in ["", "\n# nothing\n", "[faults]\n[target.settings]\n"] {
        assert_eq!(read(text), Ok(Plan::default()));
    }
    let folder = scratch();
    write(&folder, "empty.toml", "");
    let run = ["run", "--nemesis", "none", "--time-limit", "1"];
    expect(0, folder.path(), &run);
    let without = recorded(folder.path());
    let (printed, _) = expect(
        0,
        folder.path(),
        &[&run[..], &["--plan", "empty.toml"]].concat(),
    );
    assert_eq!(recorded(folder.path()), without);
    assert!(
        printed.contains("--nemesis, --time-limit in place of what the plan says"),
        "{printed}"
    );
}

/// Texts, and what is said of them: line, column, words.
const WRONG: &[(&str, usize, usize, &str)] = &[
    (
        "seed = 1\nworkloda = \"set\"\n",
        2,
        1,
        "unknown key `workloda`; did you mean `workload`",
    ),
    (
        "[target]\n  mutnat = \"x\"",
        2,
        3,
        "unknown key `mutnat` in [target]; did you mean `mutant`?",
    ),
    ("[fualts]\nrandom = []", 1, 2, "did you mean `faults`?"),
    (
        "[faults]\nmutant = \"stale-read\"",
        2,
        1,
        "belongs into [target]",
    ),
    ("[checks]\nseed = 4", 2, 1, "before the first [table]"),
    ("target = \"raft\"", 1, 10, "write [target]"),
    (
        "workload = \"registre\"",
        1,
        12,
        "unknown workload `registre`; did you mean `register`",
    ),
    (
        "target.name = \"rafd\"",
        1,
        15,
        "unknown target `rafd`; did you mean `raft`?",
    ),
    (
        "world = \"locale\"",
        1,
        9,
        "unknown world `locale`; did you mean `local`?",
    ),
    ("client-routing = \"owner\"", 1, 18, "\"own\" or \"any\""),
    (
        "[target]\nname = \"raft\"\nmutant = \"stale-raed\"",
        3,
        10,
        "did you mean `stale-read`",
    ),
    (
        "[target]\nreads = \"laese\"",
        2,
        9,
        "unknown way to read `laese`; did you mean `lease`",
    ),
    (
        "[target.settings]\nheartbeat = 4",
        2,
        1,
        "did you mean `heartbeat-ms`",
    ),
    (
        "[target.settings]\nheartbeat-ms = \"soon\"",
        2,
        16,
        "whole number",
    ),
    (
        "[faults]\nrandom = [\"kill\", \"puase\"]",
        2,
        19,
        "unknown nemesis `puase`; did you mean `pause`",
    ),
    ("[faults]\nrandom = \"kil\"", 2, 10, "did you mean `kill`"),
    ("[faults]\nrandom = 3", 2, 10, "a list of kinds of faults"),
    ("time-limit = \"30 parsecs\"", 1, 14, "write seconds"),
    (
        "time-limit = true",
        1,
        14,
        "takes a time such as \"30s\"; found true",
    ),
    ("time-limit = -3", 1, 14, "`time-limit` -3"),
    (
        "rate = \"fast\"",
        1,
        8,
        "a whole number from 0 to 4294967295; found the string \"fast\"",
    ),
    ("rate = -1", 1, 8, "found the number -1"),
    ("seed = 1.5", 1, 8, "found the number 1.5"),
    ("seed = 99999999999999999999", 1, 8, "a whole number"),
    ("ops-per-key = 0", 1, 15, "a whole number from 1"),
    ("nodes = 1001", 1, 9, "1000 at the most"),
    (
        "nodes = [\"n1\", 2]",
        1,
        16,
        "names of nodes; found the number 2",
    ),
    ("nodes = [\"n1\",\n \"\"]", 2, 2, "names of nodes"),
    (
        "concurrency = \"2m\"",
        1,
        15,
        "\"2n\" for two clients a node",
    ),
    ("[checks]\nmemory = \"lots\"", 2, 10, "512MB"),
    ("[checks]\nmemory = 0", 2, 10, "out of range"),
    (
        "[checks]\nstop-on-anomaly = 1",
        2,
        19,
        "takes true or false",
    ),
    ("seed = 1\nseed = 2", 2, 1, "duplicate"),
    ("seed = ", 1, 8, ""),
    ("nodes = [\"n1\"", 1, 14, ""),
    // What only the whole plan shows.
    (
        "nodes = [\"a\", \"a\"]\nseed = 1",
        1,
        9,
        "node `a` is named twice",
    ),
    (
        "seed = 3\ntime-limit = \"0s\"",
        2,
        14,
        "nothing would be asked",
    ),
    (
        "seed = 3\nconcurrency = 0\nnodes = 3",
        2,
        15,
        "nobody would ask",
    ),
    ("concurrency = \"3000n\"\nnodes = 5", 1, 15, "too many"),
    (
        "[faults]\nrandom = [\"none\", \"kill\"]",
        2,
        10,
        "contradict",
    ),
    (
        "[faults]\nrandom = [\"kill\"]\ntimed = [\"at 1s kill one\"]",
        3,
        9,
        "contradict",
    ),
    ("[faults]\ninterval = 0", 2, 12, "above 0"),
    // Timed faults.
    (
        "[faults]\ntimed = [\n  \"at 1s kill one\",\n  \"at 2s klil one\",\n]",
        4,
        10,
        "found `klil`",
    ),
    (
        "[faults]\ntimed = \"\"\"\nat 1s kill one\n  at 2 kill one\"\"\"",
        4,
        6,
        "expected a time",
    ),
    (
        "[faults]\ntimed = [\"at 1s \\u006bill none for\"]",
        2,
        10,
        "expected",
    ),
    (
        "[faults]\ntimed = [\"at 1s clock drift 0ppm one\"]",
        2,
        11,
        "0ppm is none",
    ),
    (
        "[faults]\ntimed = [{ at = \"2s\", fault = \"partition hlaves\" }]",
        2,
        42,
        "found `hlaves`",
    ),
    (
        "[faults]\ntimed = [{ at = \"2x\", fault = \"kill one\" }]",
        2,
        18,
        "expected a time",
    ),
    (
        "[faults]\ntimed = [{ at = \"2s\", fault = \"kill one\", for = \"3\" }]",
        2,
        50,
        "expected a time",
    ),
    (
        "[faults]\ntimed = [{ at = \"2s\", heal = \"partitoin\" }]",
        2,
        31,
        "kind of fault",
    ),
    (
        "[faults]\ntimed = [{ at = \"2s\", fualt = \"kill one\" }]",
        2,
        23,
        "did you mean `fault`",
    ),
    (
        "[faults]\ntimed = [{ at = \"2s\" }]",
        2,
        10,
        "either `fault`",
    ),
    (
        "[faults]\ntimed = [{ at = \"2s\", heal = \"all\", for = \"2s\" }]",
        2,
        10,
        "either `fault`",
    ),
    (
        "[faults]\ntimed = [{ at = 2, fault = \"kill one\" }]",
        2,
        17,
        "takes",
    ),
    (
        "[faults]\ntimed = [{ at = \"2s\", fault = \"kill one #\", for = \"1s\" }]",
        2,
        31,
        "takes",
    ),
    ("[faults]\ntimed = [3]", 2, 10, "list of faults"),
];

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let mut wrong = Vec::new();
    for (text, line, column, words) in WRONG {
        let error = read(text).expect_err(text);
        let place = format!("plan.toml: line {line}, column {column}: ");
        if !error.starts_with(&place) || !error.contains(words) {
            wrong.push(format!("{text}\n{error}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn what_cannot_run_is_refused_with_its_place_before_anything_starts() {
    let folder = scratch();
    for (text, place, words) in [
        (
            "seed = 1\n[target]\nmutant = \"no-such\"",
            "line 3, column 10",
            "mutant",
        ),
        (
            "[target.settings]\nheartbeat-ms = 0",
            "line 2, column 16",
            "heartbeat-ms",
        ),
        (
            "nodes = 2\n[faults]\ntimed = [\"at 1s kill n7\"]",
            "line 3, column 9",
            "n7",
        ),
        (
            "workload = \"bank\"\n[checks]\nstop-on-anomaly = true",
            "line 3, column 19",
            "watched",
        ),
        ("nodes = [\"a\", \"b\"]", "line 1, column 9", "n1, n2"),
    ] {
        write(&folder, "plan.toml", text);
        let (_, complaint) = expect(254, folder.path(), &["run", "--plan", "plan.toml"]);
        let complaint = complaint.replace('\n', " ");
        assert!(
            complaint.contains(&format!("plan.toml: {place}: ")),
            "{text}\n{complaint}"
        );
        assert!(complaint.contains(words), "{text}\n{complaint}");
        assert!(!folder.path().join("results").exists(), "{text}");
    }
    // What an argument says has no place in the file.
    write(&folder, "plan.toml", "seed = 1");
    let wrong = ["run", "--plan", "plan.toml", "--concurrency", "0"];
    let (_, complaint) = expect(254, folder.path(), &wrong);
    assert!(!complaint.contains("line "), "{complaint}");
    let (_, complaint) = expect(254, folder.path(), &["run", "--plan", "none.toml"]);
    assert!(complaint.contains("none.toml"), "{complaint}");
    // Nor does what it mends.
    write(&folder, "plan.toml", "nodes = [\"a\"]");
    let mended = [
        "run",
        "--plan",
        "plan.toml",
        "--nodes",
        "3",
        "--time-limit",
        "1",
    ];
    expect(0, folder.path(), &mended);
}

#[test]
fn arguments_come_in_place_of_what_a_plan_says() {
    let folder = scratch();
    let text = "concurrency = \"2n\"\ntime-limit = \"5s\"\nseed = 9\n[target]\nmutant = \"stale-read\"\n\
                [target.settings]\nheartbeat-ms = 40\n[faults]\ntimed = [\"at 100ms kill one for 100ms\"]\n";
    write(&folder, "plan.toml", text);
    let with = |arguments: &[&str]| {
        let run = ["run", "--plan", "plan.toml", "--time-limit", "1", "--json"];
        let _ = crate::rupture(folder.path())
            .args([&run[..], arguments].concat())
            .output();
        recorded(folder.path())
    };
    let plan = with(&[]);
    assert_eq!(plan["concurrency"], 10);
    assert_eq!(plan["time_limit_ms"], 1000);
    assert_eq!(plan["nemesis_interval_ms"], 100);
    assert_eq!(plan["seed"], 9);
    assert_eq!(plan["settings"]["heartbeat-ms"], 40);
    assert_eq!(plan["settings"]["snapshot-threshold"], 100);
    assert_eq!(plan["script"], "at 100ms kill one for 100ms");
    let plan = with(&[
        "--nodes",
        "3",
        "--set",
        "snapshot-threshold=7",
        "--nemesis",
        "kill",
        "--seed",
        "0",
    ]);
    assert_eq!(plan["concurrency"], 6);
    assert_eq!(plan["settings"]["heartbeat-ms"], 40);
    assert_eq!(plan["settings"]["snapshot-threshold"], 7);
    assert_eq!(plan["script"], Value::Null);
    assert_eq!(plan["nemesis"], json!(["kill"]));
    assert_eq!(plan["seed"], 0);
    // A search begins at the plan's seed.
    let search = [
        "run",
        "--plan",
        "plan.toml",
        "--time-limit",
        "1",
        "--test-count",
        "2",
    ];
    let (printed, _) = expect(
        0,
        folder.path(),
        &[&search[..], &["--nemesis", "none", "--workload", "set"]].concat(),
    );
    assert!(printed.contains("9..11"), "{printed}");
}

#[test]
fn a_run_can_be_run_again_from_what_it_left() {
    let folder = scratch();
    let at =
        |name: &str| fs::read_to_string(folder.path().join("results/latest").join(name)).unwrap();
    expect(
        0,
        folder.path(),
        &["run", "--time-limit", "2", "--seed", "3"],
    );
    let history = at("history.jsonl");
    let plan = recorded(folder.path());
    write(&folder, "run.json", at("run.json"));
    write(&folder, "plan.toml", at("plan.toml"));
    for file in ["run.json", "plan.toml"] {
        expect(0, folder.path(), &["run", "--plan", file]);
        assert_eq!(recorded(folder.path()), plan, "{file}");
        assert_eq!(at("history.jsonl"), history, "{file}");
    }
    let manifest = at("run.json");
    for (from, to, words) in [
        (
            "\"seed\"",
            "\"sede\"",
            "unknown key `sede`; did you mean `seed`?",
        ),
        ("\"seed\": 3", "\"seed\": -3", "line "),
        ("\"format\": 1", "\"format\": 7", "format is not 1"),
        ("\"plan\"", "\"plam\"", "JSON without a plan"),
        ("\"plan\"", "plan", "line "),
    ] {
        let changed = manifest.replacen(from, to, 1);
        assert_ne!(changed, manifest, "{from}");
        write(&folder, "run.json", changed);
        let (_, complaint) = expect(254, folder.path(), &["run", "--plan", "run.json"]);
        assert!(complaint.contains(words), "{from}: {complaint}");
    }
}

pub(crate) fn examples() -> Vec<PathBuf> {
    let files = fs::read_dir(root().join("plans")).expect("plans").flatten();
    let mut files: Vec<PathBuf> = files.map(|file| file.path()).collect();
    files.sort();
    assert!(files.len() >= 3, "{files:?}");
    files
}

#[test]
fn nobody_is_accused_of_not_leading_where_clients_keep_to_their_own_node() {
    let folder = scratch();
    let own = [
        "run",
        "--client-routing",
        "own",
        "--time-limit",
        "5",
        "--nemesis",
        "kill,partition",
    ];
    // More clients than nodes, of which some find the leader, and one that does not: it may see no answer at all.
    expect(
        0,
        folder.path(),
        &[&own[..], &["--test-count", "5"]].concat(),
    );
    let alone = [&own[..], &["--concurrency", "1", "--seed", "3", "--json"]].concat();
    let output = crate::rupture(folder.path()).args(alone).output().unwrap();
    assert_ne!(
        output.status.code(),
        Some(1),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
fn every_example_runs_as_it_is() {
    let folder = scratch();
    for path in examples() {
        expect(0, folder.path(), &["run", "--plan", path.to_str().unwrap()]);
    }
}
