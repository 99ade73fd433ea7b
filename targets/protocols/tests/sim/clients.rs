//! Calls, answers, refusals and broken connections; alarms.

use crate::puppet::{Act, MS, Seen, Told, pass, puppets, told, until};
use rupture_protocols::sim::{Keep, Outside};

/// What clients were told: when, which call, and how.
fn answers(seen: &Seen) -> Vec<(u64, u64, &'static str)> {
    let answer = |(at, outside): &(u64, Outside<crate::puppet::Puppet>)| match outside {
        Outside::Reply { id, .. } => Some((*at, *id, "reply")),
        Outside::Refused { id, .. } => Some((*at, *id, "refused")),
        Outside::Broken { id, .. } => Some((*at, *id, "broken")),
        _ => None,
    };
    seen.iter().filter_map(answer).collect()
}

#[test]
fn a_call_is_answered_once_a_round_later() {
    let mut sim = puppets(1);
    sim.call(3, 0, 5, vec![Act::Reply, Act::ReplyTo(5), Act::ReplyTo(6)]);
    assert_eq!(answers(&pass(&mut sim, 10 * MS)), [(2 * MS, 5, "reply")]);
    assert_eq!(sim.counters().stray_replies, 2);
}

#[test]
fn a_call_to_no_process_is_refused() {
    let mut sim = puppets(1);
    sim.crash(0, Keep::Written);
    sim.call(3, 0, 5, vec![Act::Reply]);
    sim.call(3, 7, 6, vec![Act::Reply]);
    let seen = pass(&mut sim, 10 * MS);
    assert_eq!(
        answers(&seen),
        [(2 * MS, 5, "refused"), (2 * MS, 6, "refused")]
    );
}

#[test]
fn a_number_that_is_open_is_refused() {
    let mut sim = puppets(1);
    sim.call(3, 0, 5, vec![]);
    sim.call(4, 0, 5, vec![]);
    assert_eq!(answers(&pass(&mut sim, 10 * MS)), [(2 * MS, 5, "refused")]);
}

#[test]
fn open_and_waiting_calls_break_and_those_under_way_reach_the_next_process() {
    let mut sim = puppets(1);
    sim.call(0, 0, 9, vec![Act::Sync, Act::Reply]);
    sim.call(0, 0, 8, vec![Act::Reply]);
    sim.call(0, 0, 7, vec![Act::Reply]);
    until(&mut sim, 2 * MS);
    sim.call(0, 0, 1, vec![Act::Reply]);
    let report = sim.crash(0, Keep::Synced);
    assert_eq!((report.broken_calls, report.undone_effects), (3, 2));
    sim.start(0);
    let seen = pass(&mut sim, 10 * MS);
    let broken = [7, 8, 9].map(|id| (3 * MS, id, "broken"));
    assert_eq!(answers(&seen)[..3], broken);
    assert_eq!(answers(&seen)[3..], [(4 * MS, 1, "reply")]);
    let called: Vec<Told> = told(&seen).into_iter().map(|(_, _, what)| what).collect();
    assert_eq!(called, [Told::Started(vec![]), Told::Called(1)]);
}

#[test]
fn an_answer_under_way_outlives_its_process() {
    let mut sim = puppets(1);
    sim.call(0, 0, 1, vec![Act::Reply]);
    until(&mut sim, MS);
    assert_eq!(sim.crash(0, Keep::Synced).broken_calls, 0);
    assert_eq!(answers(&pass(&mut sim, 5 * MS)), [(2 * MS, 1, "reply")]);
}

#[test]
fn partitions_do_not_touch_clients() {
    let mut sim = puppets(2);
    sim.cut(0, 1);
    sim.cut(1, 0);
    sim.call(0, 0, 1, vec![Act::Reply]);
    sim.call(1, 1, 2, vec![Act::Reply]);
    assert_eq!(answers(&pass(&mut sim, 5 * MS)).len(), 2);
}

#[test]
fn alarms_come_at_their_time_and_in_order() {
    let mut sim = puppets(1);
    pass(&mut sim, 10);
    for (token, at_ns) in [(1, 50), (2, 30), (3, 50), (4, 0)] {
        sim.alarm(token, at_ns);
    }
    assert!(
        sim.advance(9).is_none() && sim.now_ns() == 10,
        "time never goes back"
    );
    let rings: Vec<(u64, u64)> = until(&mut sim, 50)
        .into_iter()
        .map(|(at, outside)| match outside {
            Outside::Alarm { token } => (at, token),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(rings, [(10, 4), (30, 2), (50, 1), (50, 3)]);
    assert!(sim.advance(u64::MAX).is_none() && sim.now_ns() == u64::MAX);
}
