//! The same seed and plan give the same bytes, in every file of a run.

use rupture::plan::Plan;
use rupture::record::Memory;
use rupture::run;

fn plan(seed: u64) -> Plan {
    // Every fault there is and a workload of each kind, so that no source of disorder stays out of sight.
    let (workload, nemesis) = match seed % 3 {
        0 => ("register", "all"),
        1 => ("cas-register", "default"),
        _ => ("set", "all"),
    };
    Plan {
        workload: workload.to_owned(),
        nemesis: vec![nemesis.to_owned()],
        nemesis_interval_ms: 400,
        time_limit_ms: 4_000,
        seed,
        ..Plan::default()
    }
}

fn recorded(plan: &Plan) -> Memory {
    let mut memory = Memory::default();
    run::run(plan, &mut memory, &|| false).expect("a run");
    memory
}

#[test]
fn fifty_seeds_run_twice_give_the_same_bytes() {
    for seed in 0..50 {
        let plan = plan(seed);
        let (first, second) = (recorded(&plan), recorded(&plan));
        for ((path, one), (_, other)) in first.files.iter().zip(&second.files) {
            assert!(one == other, "seed {seed}: {path} differs between two runs");
        }
        assert_eq!(first, second, "seed {seed}");
        for path in [
            "history.jsonl",
            "history.edn",
            "faults.jsonl",
            "nodes/n1.log",
        ] {
            let file = first.files.iter().find(|(name, _)| name == path);
            assert!(
                file.is_some_and(|(_, bytes)| !bytes.is_empty()),
                "seed {seed}: nothing in {path}"
            );
        }
    }
}

#[test]
fn another_seed_is_another_run() {
    assert_ne!(
        recorded(&plan(0)),
        recorded(&Plan {
            seed: 1000,
            ..plan(0)
        })
    );
}

#[test]
fn keeping_files_changes_nothing_that_happens() {
    let plan = plan(5);
    let kept = run::run(&plan, &mut Memory::default(), &|| false).expect("a run");
    let not_kept = run::run(&plan, &mut rupture::record::Nowhere, &|| false).expect("a run");
    assert_eq!(kept.parts, not_kept.parts);
    assert_eq!(kept.counts, not_kept.counts);
    assert_eq!(kept.receipts, not_kept.receipts);
}
