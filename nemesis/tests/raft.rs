//! The whole nemesis against the simulated Raft: its faults take hold, end, and the cluster recovers.

use std::collections::BTreeMap;

use rupture_history::{Kind, Value};
use rupture_nemesis::{
    Asked, Evidence, Injector, Plan, Receipt, Schedule, Script, State, Step, evidence, parse,
};
use rupture_targets::{
    Capability, Happening, Invocation, Link, LinkShape, NodeName, Simulated, Status, TargetOptions,
    random, simulated,
};

const SECOND: u64 = 1_000_000_000;
const THREADS: usize = 5;

/// A healed cluster answers within this time.
const ANSWERS_WITHIN_NS: u64 = 3 * SECOND;

struct Run {
    target: Box<dyn Simulated>,
    receipts: Vec<Receipt>,
    ended: BTreeMap<Kind, u64>,
    done_ns: u64,
}

fn build(nodes: u32, seed: u64) -> Box<dyn Simulated> {
    let options = TargetOptions {
        nodes,
        threads: THREADS,
        seed,
        independent: false,
        ..TargetOptions::default()
    };
    simulated("raft", &options).expect("the options are good")
}

fn write(target: &mut dyn Simulated, thread: usize, request_id: u64) {
    let invocation = Invocation {
        thread,
        request_id,
        node: thread,
        stays: false,
        f: "write",
        value: &Value::Int(request_id as i64),
        extra: &[],
        deadline_ns: target.now_ns() + SECOND,
    };
    target.invoke(invocation).expect("it is known");
}

/// Drives a plan as a controller does, with every thread writing all the time.
fn drive(plan: &Plan, nodes: u32, seed: u64) -> Run {
    let mut target = build(nodes, seed);
    let plan = plan
        .check_against(&target.capabilities(), nodes as usize)
        .expect("the plan is possible");
    let mut schedule = Schedule::new(&plan, nodes as usize);
    let mut injector = Injector::new();
    let mut times = random::stream(seed, "nemesis schedule");
    let mut victims = random::stream(seed, "nemesis targets");
    let mut ended: BTreeMap<Kind, u64> = BTreeMap::new();
    let mut requests = THREADS as u64;
    (0..THREADS).for_each(|thread| write(target.as_mut(), thread, thread as u64));
    loop {
        let now_ns = target.now_ns();
        let until_ns = match schedule.next(now_ns, &mut times) {
            Step::Begin { id, fault } => {
                let cluster = target.as_cluster();
                let receipt = injector.begin(id, &fault, cluster, now_ns, &mut victims);
                schedule.told(&receipt);
                continue;
            }
            Step::Tick { id } => {
                injector.tick(id, target.as_cluster(), now_ns);
                continue;
            }
            Step::End { id } => {
                injector.end(id, target.as_cluster(), now_ns);
                continue;
            }
            Step::HealAll => {
                injector.heal_all(target.as_cluster(), now_ns);
                continue;
            }
            Step::Verify => {
                injector.verify(target.as_cluster(), now_ns);
                continue;
            }
            Step::Wait { until_ns } => until_ns,
            Step::Done => break,
        };
        if let Some(Happening::Completed { thread, completion }) = target.advance(until_ns) {
            *ended.entry(completion.kind).or_default() += 1;
            write(target.as_mut(), thread, requests);
            requests += 1;
        }
    }
    Run {
        done_ns: target.now_ns(),
        target,
        receipts: injector.receipts().to_vec(),
        ended,
    }
}

fn assert_is_new(target: &mut dyn Simulated, nodes: u32) {
    let names = target.nodes().unwrap();
    assert_eq!(names.len(), nodes as usize);
    assert_eq!(target.members().unwrap(), names);
    for from in &names {
        assert_eq!(target.status(from).unwrap(), Status::Running);
        assert_eq!(target.clock_offset(from).unwrap(), 0);
        for to in names.iter().filter(|to| *to != from) {
            let link = Link::new(from, to);
            assert!(target.reach(&link).unwrap());
            assert_eq!(target.link_shape(&link).unwrap(), LinkShape::default());
        }
    }
}

/// Whether some operation that is invoked now succeeds in time.
fn assert_answers(target: &mut dyn Simulated) {
    let limit_ns = target.now_ns() + ANSWERS_WITHIN_NS;
    let mut requests = 1 << 40;
    while let Some(happening) = target.advance(limit_ns) {
        if let Happening::Completed { thread, completion } = happening {
            if completion.kind == Kind::Ok {
                return;
            }
            write(target, thread, requests);
            requests += 1;
        }
    }
    panic!("it does not answer");
}

fn weigh(run: &Run, asked: &Asked) -> Evidence {
    evidence(asked, &run.receipts)
}

/// Clusters of every size, every kind of fault at once, at twice the usual pace.
#[test]
fn one_to_nine_nodes_recover_from_everything() {
    for nodes in 1..=9 {
        for seed in 0..3 {
            let plan = Plan {
                interval_ns: Plan::INTERVAL_NS / 2,
                ..Plan::mix(parse(&["all"]).unwrap(), 20 * SECOND)
            };
            let mut run = drive(&plan, nodes, seed);
            for receipt in &run.receipts {
                let is_fine = matches!(receipt.state, State::Injected)
                    || receipt.state == State::NotInjected
                        && (!receipt.acted || receipt.fault.kind().is_up_to_the_cluster());
                assert!(is_fine, "{nodes} nodes, seed {seed}: {receipt:#?}");
            }
            assert_is_new(run.target.as_mut(), nodes);
            assert_answers(run.target.as_mut());
        }
    }
}

#[test]
fn the_default_mix_is_eventful_and_proved() {
    for seed in 0..10 {
        let plan = Plan::mix(parse(&["default"]).unwrap(), 30 * SECOND);
        let mut run = drive(&plan, 5, seed);
        let evidence = weigh(&run, &plan.asked());
        assert_eq!(evidence.problems, [], "seed {seed}");
        for kind in plan.kinds() {
            assert!(
                evidence.kinds[&kind].injected >= 3,
                "seed {seed}: {evidence:?}"
            );
        }
        assert!(run.ended[&Kind::Ok] > 1_000, "seed {seed}: {:?}", run.ended);
        assert_eq!(run.done_ns, plan.stop_ns + plan.recovery_ns);
        assert_is_new(run.target.as_mut(), 5);
    }
}

/// Every precise name, alone, is injected and proved on five nodes.
#[test]
fn every_name_can_be_proved() {
    let mut failed = Vec::new();
    let mut refused = Vec::new();
    let simulator = simulated("raft", &TargetOptions::default())
        .expect("it is built")
        .as_cluster()
        .capabilities();
    for info in rupture_nemesis::nemeses() {
        if info.name == "none" {
            continue;
        }
        if parse(&[info.name])
            .unwrap()
            .check_against(&simulator, 5)
            .is_err()
        {
            refused.push(info.name);
            continue;
        }
        let plan = Plan {
            interval_ns: Plan::INTERVAL_NS / 3,
            ..Plan::mix(parse(&[info.name]).unwrap(), 15 * SECOND)
        };
        let mut run = drive(&plan, 5, 7);
        let problems = weigh(&run, &plan.asked()).problems;
        if !problems.is_empty() {
            failed.push((info.name, problems));
        }
        assert_is_new(run.target.as_mut(), 5);
        assert_answers(run.target.as_mut());
    }
    assert!(failed.is_empty(), "{failed:#?}");
    // It carries whole messages, and keeps records and no bytes.
    let impossible = [
        "stream",
        "disk-flip",
        "link-rate",
        "link-slice",
        "link-reset",
        "link-half-close",
    ];
    assert_eq!(refused, impossible);
}

#[test]
fn the_same_seed_gives_the_same_receipts() {
    let plan = Plan::mix(parse(&["all"]).unwrap(), 10 * SECOND);
    let lines = |seed| {
        let run = drive(&plan, 5, seed);
        let line = |receipt: &Receipt| serde_json::to_string(receipt).expect("it is JSON");
        run.receipts.iter().map(line).collect::<Vec<String>>()
    };
    assert_eq!(lines(3), lines(3));
    assert_ne!(lines(3), lines(4));
}

#[test]
fn power_failures_lose_unsynced_records_now_and_then() {
    let plan = Plan::mix(parse(&["disk"]).unwrap(), 60 * SECOND);
    let run = drive(&plan, 5, 1);
    let losses = run
        .receipts
        .iter()
        .flat_map(|receipt| receipt.losses.values());
    let (mut all, mut lossy, mut torn) = (0, 0, 0);
    for loss in losses {
        all += 1;
        lossy += u32::from(loss.records_lost > 0);
        torn += u32::from(loss.torn);
    }
    assert!(
        lossy * 10 >= all && torn > 0,
        "{lossy} of {all} lost something, {torn} tore"
    );
}

#[test]
fn a_script_partitions_the_primary_and_a_new_one_is_elected() {
    let script = Script::parse("at 2s partition primaries; at 4s heal partition").unwrap();
    let plan = Plan::script(script, 5 * SECOND);
    let run = drive(&plan, 5, 2);
    let [receipt] = &run.receipts[..] else {
        panic!("one fault was asked for");
    };
    assert_eq!(receipt.state, State::Injected);
    assert_eq!(
        (receipt.began_ns, receipt.healed_ns),
        (2 * SECOND, Some(4 * SECOND))
    );
    assert_eq!(receipt.links.len(), 8);
    assert!(receipt.traffic.is_some_and(|traffic| traffic.blocked > 0));
}

#[test]
fn a_world_says_what_it_can_do() {
    let target = build(3, 0);
    assert!(!target.capabilities().contains(&Capability::Run));
    assert_eq!(NodeName::numbered(0), NodeName::new("n1"));
}

#[test]
fn a_removal_is_no_failure_of_power() {
    for text in [
        "at 2s membership grow for 1s; at 3s disk torn n6 for 1s",
        "at 2s membership grow for 1s; at 3s kill n6 for 1s",
    ] {
        let plan = Plan::script(Script::parse(text).unwrap(), 6 * SECOND);
        let mut run = drive(&plan, 5, 2);
        let receipt = &run.receipts[1];
        assert_eq!(
            (receipt.state, receipt.acted),
            (State::NotInjected, false),
            "{text}"
        );
        let problems = weigh(&run, &plan.asked()).problems;
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].is_of_a_short_run(), "{problems:?}");
        assert_is_new(run.target.as_mut(), 5);
    }
}

/// The longest jump is taken back exactly, from a clock that has run for a while.
#[test]
fn the_longest_jump_is_undone_exactly() {
    for text in [
        "at 2s clock bump -525600m all for 1s",
        "at 2s clock bump +525600m all for 1s",
        "at 2s clock strobe -525600m every 10ms all for 505ms",
        "at 2s clock drift -900000ppm all for 1s",
        "at 2s clock drift +9000000ppm all for 1s",
    ] {
        let plan = Plan::script(Script::parse(text).unwrap(), 4 * SECOND);
        let mut run = drive(&plan, 3, 2);
        let problems = weigh(&run, &plan.asked()).problems;
        assert_eq!(problems, [], "{text}");
        assert_is_new(run.target.as_mut(), 3);
    }
}
