//! Wake-ups, drift, jumps and pauses.

use crate::puppet::{Act, MS, Puppet, Told, exact, got, pass, puppets, told, until};
use rupture_protocols::sim::{Sim, SimOptions, Status, WAKE_RESOLUTION_NS};

/// When a node woke, in true time and by its own clock.
fn woke(seen: &crate::puppet::Seen) -> Vec<(u64, u64)> {
    let woke = |(at, _, what): &(u64, u32, Told)| match what {
        Told::Woke(shown) => Some((*at, *shown)),
        _ => None,
    };
    told(seen).iter().filter_map(woke).collect()
}

/// A puppet that was told, at 1 ms, to wake after so long.
fn waiting(after_ns: u64) -> Sim<Puppet> {
    let mut sim = puppets(1);
    sim.call(0, 0, 1, vec![Act::WakeAfter(after_ns)]);
    until(&mut sim, MS);
    sim
}

#[test]
fn only_the_last_wish_to_be_woken_counts() {
    for (first, second) in [(5, 9), (9, 5)] {
        let mut sim = puppets(1);
        let script = vec![Act::WakeAfter(first * MS), Act::WakeAfter(second * MS)];
        sim.call(0, 0, 1, script);
        let at = (second + 1) * MS;
        assert_eq!(woke(&pass(&mut sim, 50 * MS)), [(at, at)]);
        assert_eq!(sim.counters().wakes, 1);
    }
}

#[test]
fn a_time_that_is_put_off_again_and_again_costs_few_events() {
    let mut sim = waiting(10 * MS);
    for id in 2..50 {
        sim.call(0, 0, id, vec![Act::WakeAfter(10 * MS)]);
        assert_eq!(woke(&pass(&mut sim, MS)), []);
    }
    assert_eq!(woke(&pass(&mut sim, 20 * MS)), [(59 * MS, 59 * MS)]);
}

#[test]
fn a_wish_for_the_past_does_not_stop_time() {
    let make = |_| Puppet {
        on_wake: vec![Act::WakeAt(0)],
        steps: 0,
    };
    let mut sim = Sim::new(exact(), 1, 1, make);
    sim.call(0, 0, 1, vec![Act::WakeAt(0)]);
    let seen = until(&mut sim, 2 * MS);
    assert_eq!(woke(&seen).len() as u64, MS / WAKE_RESOLUTION_NS);
}

#[test]
fn drift_moves_a_wake_up_that_was_asked_for_before() {
    // Twice as fast from the first millisecond on: 10 ms of its own take 5.
    let mut sim = waiting(10 * MS);
    sim.set_drift(0, 1_000_000);
    assert_eq!(woke(&pass(&mut sim, 50 * MS)), [(6 * MS, 11 * MS)]);

    // Half as fast, and back after 4 ms, of which 2 were counted: 8 are left.
    let mut sim = waiting(10 * MS);
    sim.set_drift(0, -500_000);
    pass(&mut sim, 4 * MS);
    assert_eq!(sim.monotonic_ns(0), 3 * MS);
    sim.set_drift(0, 0);
    assert_eq!(woke(&pass(&mut sim, 50 * MS)), [(13 * MS, 11 * MS)]);
}

#[test]
fn drift_is_kept_within_bounds() {
    let mut sim = puppets(1);
    sim.set_drift(0, i64::MIN);
    assert_eq!(sim.drift_ppm(0), -900_000);
    sim.set_drift(0, i64::MAX);
    assert_eq!(sim.drift_ppm(0), 9_000_000);
    sim.set_drift(7, 5);
    assert_eq!(
        (sim.drift_ppm(7), sim.wall_ns(7), sim.monotonic_ns(7)),
        (0, 0, 0)
    );
}

#[test]
fn a_jump_moves_the_wall_clock_and_no_wake_up() {
    let mut sim = waiting(10 * MS);
    sim.bump_clock(0, 1_000 * MS as i64);
    assert_eq!(sim.wall_ns(0), 1_001 * MS);
    assert_eq!(woke(&pass(&mut sim, 50 * MS)), [(11 * MS, 11 * MS)]);
    sim.bump_clock(0, -2_000 * MS as i64);
    assert_eq!(sim.wall_ns(0), 0, "before the run's epoch it shows 0");
    sim.bump_clock(0, 1_000 * MS as i64);
    assert_eq!(
        sim.wall_ns(0),
        sim.now_ns(),
        "jumps that cancel out leave no trace"
    );
}

#[test]
fn monotonic_clocks_start_apart_and_wall_clocks_together() {
    let make = |_| Puppet::default();
    let sim: Sim<Puppet> = Sim::new(SimOptions::default(), 1, 5, make);
    let mut shown: Vec<u64> = (0..5).map(|node| sim.monotonic_ns(node)).collect();
    shown.sort_unstable();
    shown.dedup();
    assert_eq!(shown.len(), 5);
    assert!((0..5).all(|node| sim.wall_ns(node) == 0));
}

#[test]
fn what_reaches_a_paused_node_waits_in_order() {
    let mut sim = puppets(2);
    sim.call(0, 0, 1, vec![Act::WakeAfter(4 * MS)]);
    until(&mut sim, MS);
    assert!(sim.pause(0) && !sim.pause(0));
    assert_eq!(sim.status(0), Status::Paused);
    sim.call(0, 1, 2, vec![Act::Send(0, 1)]);
    pass(&mut sim, 5 * MS);
    sim.call(0, 1, 3, vec![Act::Send(0, 2)]);
    sim.call(0, 0, 4, vec![]);
    let quiet = pass(&mut sim, 5 * MS);
    assert!(told(&quiet).iter().all(|(_, node, _)| *node == 1));
    assert_eq!(sim.counters().in_flight(), 2);
    assert!(sim.resume(0) && !sim.resume(0));
    let at = sim.now_ns();
    let woken: Vec<Told> = told(&until(&mut sim, at))
        .into_iter()
        .map(|seen| seen.2)
        .collect();
    let expected = [
        Told::Got(1, 1),
        Told::Woke(at),
        Told::Called(4),
        Told::Got(1, 2),
    ];
    assert_eq!(woken, expected);
}

#[test]
fn a_wake_up_that_waits_is_dropped_when_an_input_before_it_puts_it_off() {
    let mut sim = waiting(4 * MS);
    sim.pause(0);
    sim.call(0, 0, 2, vec![Act::WakeAfter(30 * MS)]);
    pass(&mut sim, 19 * MS);
    sim.resume(0);
    assert_eq!(woke(&pass(&mut sim, 100 * MS)), [(50 * MS, 50 * MS)]);
}

#[test]
fn a_wake_up_that_waits_does_not_serve_a_wish_of_this_instant() {
    // The mark of a wake-up stands behind an input that asks for the past again.
    let mut sim = waiting(3 * MS);
    sim.pause(0);
    sim.call(0, 0, 2, vec![Act::WakeAt(0)]);
    pass(&mut sim, 9 * MS);
    sim.resume(0);
    let at = sim.now_ns() + WAKE_RESOLUTION_NS;
    assert_eq!(woke(&pass(&mut sim, MS)), [(at, at)]);
}

#[test]
fn a_sync_ends_while_its_process_is_paused_and_a_replacement_does_not() {
    for (act, records, unsynced) in [(Act::Sync, vec![1], 0), (Act::Replace(vec![5]), vec![1], 1)] {
        let mut sim = puppets(1);
        sim.call(0, 0, 1, vec![Act::Save(1), act.clone(), Act::Say(7)]);
        until(&mut sim, 2 * MS);
        sim.pause(0);
        assert_eq!(told(&pass(&mut sim, 30 * MS)), []);
        assert_eq!(
            (sim.records(0), sim.unsynced(0)),
            (&records[..], unsynced),
            "{act:?}"
        );
        sim.resume(0);
        assert_eq!(told(&pass(&mut sim, 0)), [(32 * MS, 0, Told::Said(7))]);
        assert_eq!(sim.unsynced(0), 0);
    }
}

#[test]
fn effects_can_take_time() {
    let options = SimOptions {
        effect_cost_ns: 100,
        ..exact()
    };
    let mut sim = crate::puppet::puppets_in(options, 2);
    sim.call(0, 0, 1, vec![Act::Send(1, 1), Act::Send(1, 2), Act::Reply]);
    let seen = pass(&mut sim, 10 * MS);
    assert_eq!(got(&seen, 1), [1, 2]);
    let times: Vec<u64> = told(&seen).iter().map(|seen| seen.0).collect();
    // The call itself is told first, then come the two messages, 1 ms on the link each.
    assert_eq!(times, [MS, 2 * MS + 100, 2 * MS + 200]);
}
