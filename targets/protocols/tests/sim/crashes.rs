//! Crashes, at rest and between two effects, restarts, and what the disk keeps.

use std::collections::BTreeSet;

use crate::puppet::{Act, MS, Puppet, Seen, Told, exact, got, pass, puppets, said, told, until};
use rupture_protocols::NodeId;
use rupture_protocols::sim::{CrashReport, Keep, Outside, Sim, Status};

/// What a node read from its disk when it last started.
fn read(seen: &Seen, node: NodeId) -> Option<Vec<u32>> {
    let records = |(_, who, what): (u64, NodeId, Told)| match what {
        Told::Started(records) if who == node => Some(records),
        _ => None,
    };
    told(seen).into_iter().filter_map(records).next_back()
}

fn ordered_crash(seen: &Seen) -> Option<(u64, CrashReport)> {
    let crash = |(at, outside): &(u64, Outside<Puppet>)| match outside {
        Outside::Crashed { report, .. } => Some((*at, *report)),
        _ => None,
    };
    seen.iter().find_map(crash)
}

/// Two records synced, three not.
fn saved() -> Sim<Puppet> {
    let mut sim = puppets(1);
    let script = [1, 2, 3, 4, 5].map(Act::Save).to_vec();
    sim.call(0, 0, 1, [&script[..2], &[Act::Sync], &script[2..]].concat());
    pass(&mut sim, 20 * MS);
    assert_eq!((sim.records(0).len(), sim.unsynced(0)), (5, 3));
    sim
}

#[test]
fn each_kind_of_crash_keeps_what_it_says() {
    let mut torn_lengths = BTreeSet::new();
    for keep in [Keep::Written, Keep::Synced, Keep::Torn] {
        let mut sim = saved();
        let report = sim.crash(0, keep);
        assert!(report.was_up && sim.node(0).is_none());
        assert_eq!(sim.status(0), Status::Down);
        sim.start(0);
        let records = read(&pass(&mut sim, 0), 0).expect("it started");
        assert_eq!(records, [1, 2, 3, 4, 5][..records.len()]);
        assert_eq!(report.lost_records, 5 - records.len());
        assert_eq!(report.torn, keep == Keep::Torn);
        match keep {
            Keep::Written => assert_eq!((records.len(), sim.unsynced(0)), (5, 3)),
            Keep::Synced => assert_eq!((records.len(), sim.unsynced(0)), (2, 0)),
            Keep::Torn => assert!((2..5).contains(&records.len()) && sim.unsynced(0) == 0),
        }
        torn_lengths.insert(records.len());
    }
    assert!(torn_lengths.len() > 1);
}

#[test]
fn what_a_restarted_process_read_is_not_durable_for_that() {
    let mut sim = saved();
    assert_eq!(sim.crash(0, Keep::Written).lost_records, 0);
    sim.start(0);
    pass(&mut sim, MS);
    assert_eq!(sim.crash(0, Keep::Synced).lost_records, 3);
}

#[test]
fn a_crash_of_a_node_that_is_down_hits_its_disk_alone() {
    let mut sim = saved();
    sim.crash(0, Keep::Written);
    let report = sim.crash(0, Keep::Synced);
    assert_eq!((report.was_up, report.lost_records), (false, 3));
    assert_eq!(sim.crash(0, Keep::Torn), CrashReport::default());
    assert_eq!(sim.crash(9, Keep::Torn), CrashReport::default());
    assert_eq!(sim.counters().crashes, 1);
}

#[test]
fn a_node_takes_no_input_while_it_syncs() {
    let mut sim = puppets(2);
    sim.call(0, 0, 1, vec![Act::Sync, Act::Say(1)]);
    sim.call(0, 1, 2, vec![Act::Send(0, 2)]);
    let seen = pass(&mut sim, 50 * MS);
    let own: Vec<(u64, Told)> = told(&seen)
        .into_iter()
        .filter(|(_, node, _)| *node == 0)
        .map(|(at, _, what)| (at, what))
        .collect();
    let at = 11 * MS;
    let expected = [
        (MS, Told::Called(1)),
        (at, Told::Said(1)),
        (at, Told::Got(1, 2)),
    ];
    assert_eq!(own, expected);
}

#[test]
fn a_crash_during_a_sync_leaves_the_records_unsynced_and_the_rest_undone() {
    let mut sim = puppets(1);
    sim.call(0, 0, 1, vec![Act::Save(1), Act::Sync, Act::Say(7)]);
    until(&mut sim, 10 * MS);
    let report = sim.crash(0, Keep::Synced);
    assert_eq!((report.lost_records, report.undone_effects), (1, 2));
    sim.start(0);
    let seen = pass(&mut sim, 50 * MS);
    assert_eq!(read(&seen, 0), Some(vec![]));
    assert_eq!(
        said(&seen, 0),
        Vec::<u32>::new(),
        "the old process's sync must not go on"
    );
    assert_eq!(sim.counters().syncs, 0);
}

#[test]
fn the_end_of_a_sync_of_an_earlier_process_ends_no_other() {
    let mut sim = puppets(1);
    sim.call(0, 0, 1, vec![Act::Sync]);
    until(&mut sim, 5 * MS);
    sim.crash(0, Keep::Written);
    sim.start(0);
    sim.call(0, 0, 2, vec![Act::Save(1), Act::Sync, Act::Say(2)]);
    let seen = told(&pass(&mut sim, 50 * MS));
    assert_eq!(seen.last(), Some(&(16 * MS, 0, Told::Said(2))));
    assert_eq!(sim.counters().syncs, 1);
}

#[test]
fn a_replacement_is_atomic() {
    let script = vec![
        Act::Save(1),
        Act::Sync,
        Act::Replace(vec![8, 9]),
        Act::Save(10),
    ];
    for (at_ns, keep, kept) in [
        (15 * MS, Keep::Written, vec![1]),
        (15 * MS, Keep::Torn, vec![1]),
        (25 * MS, Keep::Written, vec![8, 9, 10]),
        (25 * MS, Keep::Synced, vec![8, 9]),
        (25 * MS, Keep::Torn, vec![8, 9]),
    ] {
        let mut sim = puppets(1);
        sim.call(0, 0, 1, script.clone());
        until(&mut sim, at_ns);
        sim.crash(0, keep);
        assert_eq!(sim.records(0), kept, "{keep:?} at {at_ns}");
    }
}

#[test]
fn a_crash_loses_what_waits_and_the_wake_up() {
    let mut sim = puppets(2);
    sim.call(0, 0, 1, vec![Act::WakeAfter(5 * MS), Act::Sync]);
    sim.call(0, 1, 2, vec![Act::Send(0, 1)]);
    until(&mut sim, 3 * MS);
    assert_eq!(sim.counters().in_flight(), 1);
    sim.crash(0, Keep::Written);
    sim.call(0, 1, 3, vec![Act::Send(0, 2)]);
    pass(&mut sim, 3 * MS);
    assert_eq!((sim.counters().in_flight(), sim.counters().unheard), (0, 2));
    assert!(sim.start(0) && !sim.start(0));
    let seen = pass(&mut sim, 50 * MS);
    assert_eq!(told(&seen), [(6 * MS, 0, Told::Started(vec![]))]);
    assert_eq!(sim.node(0).map(|node| node.steps), Some(1));
}

#[test]
fn a_message_outlives_its_sender() {
    let mut sim = puppets(2);
    sim.call(0, 0, 1, vec![Act::Send(1, 7)]);
    until(&mut sim, MS);
    sim.crash(0, Keep::Synced);
    assert_eq!(got(&pass(&mut sim, 10 * MS), 1), [7]);
}

/// Every prefix of a step's effects is what some crash leaves.
#[test]
fn a_crash_between_effects_reaches_every_cut() {
    let script = vec![
        Act::Save(1),
        Act::Say(1),
        Act::Send(1, 2),
        Act::Sync,
        Act::Save(3),
        Act::Replace(vec![4, 5]),
        Act::Say(6),
    ];
    let after = |effects| {
        let mut sim = puppets(2);
        sim.call(0, 0, 1, script.clone());
        until(&mut sim, MS - 1);
        sim.crash_amid(0, Keep::Written, effects, 900 * MS);
        let seen = pass(&mut sim, 900 * MS);
        let (at, report) = ordered_crash(&seen).expect("it was ordered");
        let traces = (said(&seen, 0), got(&seen, 1), sim.records(0).to_vec());
        (at, report.undone_effects, sim.counters().syncs, traces)
    };
    // The first effect of the step tells of the call; then come the seven of the script.
    let none = Vec::new;
    let expected = [
        (MS - 1, 0, 0, (none(), none(), none())),
        (MS, 7, 0, (none(), none(), none())),
        (MS, 6, 0, (none(), none(), vec![1])),
        (MS, 5, 0, (vec![1], none(), vec![1])),
        (MS, 4, 0, (vec![1], vec![2], vec![1])),
        (11 * MS, 3, 1, (vec![1], vec![2], vec![1])),
        (11 * MS, 2, 1, (vec![1], vec![2], vec![1, 3])),
        (21 * MS, 1, 1, (vec![1], vec![2], vec![4, 5])),
        (21 * MS, 0, 1, (vec![1, 6], vec![2], vec![4, 5])),
    ];
    for (effects, expected) in expected.into_iter().enumerate() {
        assert_eq!(after(effects as u32), expected, "after {effects} effects");
    }
}

#[test]
fn an_ordered_crash_comes_at_the_latest_time_even_during_a_sync() {
    let mut sim = puppets(1);
    sim.crash_amid(0, Keep::Synced, 100, 5 * MS);
    sim.call(0, 0, 1, vec![Act::Save(1), Act::Sync]);
    let seen = pass(&mut sim, 50 * MS);
    let (at, report) = ordered_crash(&seen).expect("it was ordered");
    assert_eq!(
        (at, report.lost_records, report.undone_effects),
        (5 * MS, 1, 1)
    );
    assert!(!sim.crash_is_ordered(0));
}

#[test]
fn an_ordered_crash_can_be_replaced_and_called_off() {
    let quiet = |order: &dyn Fn(&mut Sim<Puppet>)| {
        let mut sim = puppets(1);
        sim.crash_amid(0, Keep::Synced, 2, 5 * MS);
        assert!(sim.crash_is_ordered(0));
        order(&mut sim);
        sim.call(0, 0, 1, vec![Act::Say(1), Act::Say(2), Act::Say(3)]);
        ordered_crash(&pass(&mut sim, 50 * MS)).map(|(at, _)| at)
    };
    assert_eq!(quiet(&|_| ()), Some(MS));
    assert_eq!(quiet(&|sim| assert!(sim.cancel_crash(0))), None);
    assert_eq!(
        quiet(&|sim| sim.crash_amid(0, Keep::Synced, 99, 9 * MS)),
        Some(9 * MS)
    );
    assert_eq!(
        quiet(&|sim| sim.crash_amid(0, Keep::Synced, 0, 9 * MS)),
        Some(0)
    );
    assert_eq!(
        quiet(&|sim| sim.crash_amid(7, Keep::Synced, 0, 0)),
        Some(MS)
    );
    let restart = |sim: &mut Sim<Puppet>| {
        sim.crash(0, Keep::Synced);
        sim.start(0);
    };
    assert_eq!(quiet(&restart), None);
}

#[test]
fn a_paused_node_can_crash_and_start() {
    let mut sim = puppets(1);
    sim.pause(0);
    assert!(!sim.start(0));
    assert!(sim.crash(0, Keep::Synced).was_up);
    assert!(!sim.resume(0) && !sim.pause(0) && sim.start(0));
    assert_eq!(sim.status(0), Status::Running);
}

#[test]
fn a_node_that_joins_is_told_of_those_before_it() {
    let mut sim = Sim::new(exact(), 1, 2, |_| rupture_protocols::echo::Echo::new(1));
    sim.advance(10 * MS);
    assert_eq!(sim.add_node(), 2);
    assert_eq!((sim.nodes(), sim.status(2)), (3, Status::Running));
    let before = *sim.counters();
    sim.advance(10 * MS + 1);
    assert_eq!(sim.counters().in_flight(), before.in_flight());
    assert_eq!(
        before.in_flight(),
        4,
        "one ball each way, and one to each of the two"
    );
}

#[test]
fn a_message_to_a_node_that_does_not_exist_is_lost() {
    let mut sim = puppets(1);
    sim.call(0, 0, 1, vec![Act::Send(u32::MAX, 1)]);
    pass(&mut sim, 10 * MS);
    assert_eq!((sim.counters().unheard, sim.counters().in_flight()), (1, 0));
}

#[test]
#[should_panic(expected = "must not send to itself")]
fn a_node_that_sends_to_itself_is_a_bug() {
    let mut sim = puppets(1);
    sim.call(0, 0, 1, vec![Act::Send(0, 1)]);
    pass(&mut sim, 10 * MS);
}
