use rupture_history::{Kind, Value};

use crate::{
    Completion, Happening, Invocation, Keep, Link, NodeName, Simulated, Status, TargetOptions,
    simulated,
};

const SECOND: u64 = 1_000_000_000;

fn build(nodes: u32) -> Box<dyn Simulated> {
    let options = TargetOptions {
        nodes,
        threads: 3,
        seed: u64::from(nodes),
        independent: false,
        watch: true,
        ..TargetOptions::default()
    };
    simulated("raft", &options).expect("the options are good")
}

fn n(number: u32) -> NodeName {
    NodeName::numbered(number - 1)
}

fn invoke(target: &mut dyn Simulated, thread: usize, f: &str, value: &Value, for_ns: u64) {
    let request_id = target.now_ns();
    let invocation = Invocation {
        thread,
        request_id: request_id * 10 + thread as u64,
        node: thread,
        stays: false,
        f,
        value,
        extra: &[],
        deadline_ns: target.now_ns() + for_ns,
    };
    target.invoke(invocation).expect("it is known");
}

/// Runs one operation to its end.
fn run(target: &mut dyn Simulated, f: &str, value: &Value) -> Completion {
    invoke(target, 0, f, value, 10 * SECOND);
    let limit_ns = target.now_ns() + 10 * SECOND;
    while let Some(happening) = target.advance(limit_ns) {
        if let Happening::Completed { completion, .. } = happening {
            return completion;
        }
    }
    panic!("no operation outlives its deadline");
}

fn pass(target: &mut dyn Simulated, ns: u64) {
    let until_ns = target.now_ns() + ns;
    while target.advance(until_ns).is_some() {}
    assert_eq!(target.now_ns(), until_ns);
}

#[test]
fn clusters_of_one_to_nine_nodes_answer() {
    for nodes in 1..=9 {
        let mut target = build(nodes);
        let target = target.as_mut();
        let written = run(target, "write", &Value::Int(3));
        assert_eq!(
            (written.kind, written.error),
            (Kind::Ok, None),
            "{nodes} nodes"
        );
        let pair = |old: i64, new: i64| Value::Vector(vec![old.into(), new.into()]);
        assert_eq!(run(target, "cas", &pair(3, 4)).kind, Kind::Ok);
        assert_eq!(run(target, "cas", &pair(3, 5)).kind, Kind::Fail);
        assert_eq!(run(target, "read", &Value::Nil).value, Value::Int(4));
        assert_eq!(target.nodes().unwrap().len(), nodes as usize);
        assert_eq!(target.members(), target.nodes());
        assert_eq!(target.primaries().unwrap().len(), 1);
    }
}

#[test]
fn an_operation_ends_at_its_deadline_at_the_latest() {
    let mut target = build(3);
    let target = target.as_mut();
    pass(target, SECOND);
    for node in target.nodes().unwrap() {
        target.pause(&node).unwrap();
    }
    invoke(target, 1, "write", &Value::Int(1), SECOND / 2);
    invoke(target, 2, "read", &Value::Nil, SECOND / 2);
    target.alarm(77, SECOND * 5 / 4);
    let mut seen = Vec::new();
    while let Some(happening) = target.advance(10 * SECOND) {
        match happening {
            Happening::Completed { thread, completion } => {
                assert_eq!(target.now_ns(), SECOND * 3 / 2);
                assert_eq!(completion.error, Some(Value::str("TIMEOUT")));
                seen.push((thread, completion.kind));
            }
            Happening::Alarm { token } => {
                assert_eq!((token, target.now_ns()), (77, SECOND * 5 / 4));
            }
            Happening::Node(_) | Happening::Observed(_) | Happening::Busy => {}
            Happening::Storm(storm) => panic!("{storm:?}"),
            Happening::Died { node, how, .. } => panic!("{node} {how}"),
        }
    }
    // A write may yet take effect; a read that was not answered never did.
    seen.sort();
    assert_eq!(seen, [(1, Kind::Info), (2, Kind::Fail)]);
    assert_eq!(target.now_ns(), 10 * SECOND);
}

#[test]
fn probes_see_what_was_done_and_that_it_was_undone() {
    let mut target = build(5);
    let target = target.as_mut();
    pass(target, SECOND);
    let link = Link::new(&n(1), &n(2));
    target.cut(std::slice::from_ref(&link)).unwrap();
    assert!(!target.reach(&link).unwrap());
    assert!(target.reach(&Link::new(&n(2), &n(1))).unwrap());
    target.mend(std::slice::from_ref(&link)).unwrap();
    assert!(target.reach(&link).unwrap());

    target.bump_clock(&n(3), -60 * SECOND as i64).unwrap();
    assert_eq!(target.clock_offset(&n(3)).unwrap(), -60 * SECOND as i64);
    target.drift_clock(&n(3), 10_000).unwrap();
    pass(target, SECOND);
    assert_eq!(
        target.clock_offset(&n(3)).unwrap(),
        -60 * SECOND as i64 + 10_000_000
    );
    target.reset_clock(&n(3)).unwrap();
    pass(target, SECOND);
    assert_eq!(target.clock_offset(&n(3)).unwrap(), 0);

    target.kill(&n(4), Keep::Synced).unwrap();
    assert_eq!(target.status(&n(4)).unwrap(), Status::Stopped);
    assert!(target.last_loss(&n(4)).unwrap().is_some());
    assert!(target.kill(&n(4), Keep::Synced).is_err());
    target.start(&n(4)).unwrap();
    assert_eq!(target.status(&n(4)).unwrap(), Status::Running);
    target.kill_amid(&n(5), Keep::Torn, SECOND / 10).unwrap();
    pass(target, SECOND / 10);
    assert_eq!(target.status(&n(5)).unwrap(), Status::Stopped);
    assert_eq!(target.last_loss(&n(1)).unwrap(), None);
    let unknown = target.status(&n(6)).unwrap_err().to_string();
    assert_eq!(
        unknown,
        "no node is called n6; there are n1, n2, n3, n4, n5"
    );
}

#[test]
fn the_cluster_takes_nodes_in_and_lets_them_go() {
    let mut target = build(3);
    let target = target.as_mut();
    pass(target, SECOND);
    assert_eq!(target.grow().unwrap(), n(4));
    let leader = target.primaries().unwrap()[0].clone();
    target.shrink(&leader).unwrap();
    assert_eq!(target.members().unwrap().len(), 3);
    pass(target, 3 * SECOND);
    let members = target.members().unwrap();
    assert_eq!(members.len(), 3);
    assert!(members.contains(&n(4)) && !members.contains(&leader));
    assert_eq!(target.nodes().unwrap(), members);
    assert_eq!(target.status(&leader).unwrap(), Status::Stopped);
    assert_eq!(run(target, "write", &Value::Int(1)).kind, Kind::Ok);
    for node in &members[..2] {
        target.shrink(node).unwrap();
    }
    assert!(target.shrink(&members[2]).is_err(), "the last node stays");
    pass(target, 3 * SECOND);
    assert_eq!(target.members().unwrap(), members[2..]);
    assert_eq!(run(target, "read", &Value::Nil).value, Value::Int(1));
}

#[test]
fn a_run_repeats_and_its_log_lines_are_json() {
    let record = |watch: bool| {
        let options = TargetOptions {
            seed: 9,
            watch,
            independent: false,
            ..TargetOptions::default()
        };
        let mut target = simulated("raft", &options).expect("the options are good");
        let (mut ended, mut lines, mut observed) = (Vec::new(), Vec::new(), 0);
        for number in 0..20 {
            target.alarm(number, number * SECOND / 10);
        }
        while let Some(happening) = target.advance(5 * SECOND) {
            match happening {
                Happening::Alarm { token } => {
                    invoke(
                        target.as_mut(),
                        (token % 10) as usize,
                        "write",
                        &Value::Int(1),
                        SECOND * 9 / 10,
                    );
                    if token == 7 {
                        let leader = target.primaries().unwrap();
                        for node in leader {
                            target.pause(&node).unwrap();
                        }
                    }
                }
                Happening::Completed { thread, completion } => {
                    ended.push((target.now_ns(), thread, completion));
                }
                Happening::Node(event) => {
                    observed += usize::from(event.observation().is_some());
                    lines.push(event.line());
                }
                Happening::Observed(_) | Happening::Busy => {}
                Happening::Storm(storm) => panic!("{storm:?}"),
                Happening::Died { node, how, .. } => panic!("{node} {how}"),
            }
        }
        assert_eq!(lines.is_empty(), !watch);
        assert_eq!(observed == 0, !watch);
        (ended, lines)
    };
    let (ended, lines) = record(true);
    assert_eq!(ended.len(), 20);
    assert_eq!(record(true), (ended.clone(), lines.clone()));
    assert_eq!(record(false).0, ended, "watching changes nothing");
    for line in &lines {
        let parsed: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
        let time = parsed["timestamp"].as_str().expect("it has a time");
        assert!(time.starts_with("2000-01-01T00:00:"), "{time}");
    }
}

#[test]
fn every_node_has_metrics() {
    let mut target = build(3);
    pass(target.as_mut(), SECOND);
    let text: String = (0..3).map(|node| target.metrics(node)).collect();
    assert!(text.contains("leader_elections_total"), "{text}");
    assert_eq!(target.metrics(3), "");
}

#[test]
fn metrics_are_those_of_the_nodes_that_are_there() {
    let mut target = build(3);
    let target = target.as_mut();
    pass(target, SECOND);
    target.grow().unwrap();
    target.shrink(&n(1)).unwrap();
    pass(target, 3 * SECOND);
    let nodes = target.nodes().unwrap();
    assert_eq!(nodes, [n(2), n(3), n(4)]);
    for (position, node) in nodes.iter().enumerate() {
        let text = target.metrics(position);
        assert!(text.contains(&format!("\"{node}\"")), "{node}: {text}");
    }
    assert_eq!(target.metrics(3), "");
}

#[test]
fn a_loss_is_that_of_the_last_order_and_no_removal_is_one() {
    let mut target = build(3);
    let target = target.as_mut();
    pass(target, SECOND);
    target.kill(&n(2), Keep::Synced).unwrap();
    target.start(&n(2)).unwrap();
    assert!(target.last_loss(&n(2)).unwrap().is_some());
    target.kill_amid(&n(2), Keep::Torn, 60 * SECOND).unwrap();
    assert_eq!(target.last_loss(&n(2)).unwrap(), None);
    target.call_off(&n(2)).unwrap();
    target.shrink(&n(2)).unwrap();
    pass(target, 3 * SECOND);
    assert_eq!(target.status(&n(2)).unwrap(), Status::Stopped);
    assert_eq!(target.last_loss(&n(2)).unwrap(), None);
}

#[test]
fn who_follows_no_hints_is_answered_by_the_leader_alone() {
    let answered = |follow| {
        let options = TargetOptions {
            nodes: 3,
            threads: 3,
            independent: false,
            follow,
            ..TargetOptions::default()
        };
        let mut target = simulated("raft", &options).expect("the options are good");
        let target = target.as_mut();
        pass(target, SECOND);
        for thread in 0..3 {
            invoke(target, thread, "write", &Value::Int(3), SECOND);
        }
        let limit_ns = target.now_ns() + 2 * SECOND;
        let mut kinds = Vec::new();
        while let Some(happening) = target.advance(limit_ns) {
            if let Happening::Completed { completion, .. } = happening {
                kinds.push(completion.kind);
            }
        }
        kinds.sort();
        kinds
    };
    assert_eq!(answered(true), [Kind::Ok; 3]);
    assert_eq!(answered(false), [Kind::Ok, Kind::Fail, Kind::Fail]);
}
