//! Cuts, losses, delays, copies and reordering.

use crate::puppet::{Act, MS, exact, got, pass, puppets, puppets_in, told, until};
use rupture_protocols::sim::{Latency, LinkFault, Sim, SimOptions};

fn sends(to: u32, count: u32) -> Vec<Act> {
    (0..count).map(|number| Act::Send(to, number)).collect()
}

/// Messages one after another rather than all at once: one script a millisecond.
fn trickle(sim: &mut Sim<crate::puppet::Puppet>, count: u32) {
    for number in 0..count {
        sim.call(0, 0, 1_000 + u64::from(number), vec![Act::Send(1, number)]);
        pass(sim, 100_000);
    }
}

#[test]
fn a_cut_is_one_way_and_is_decided_on_arrival() {
    let mut sim = puppets(2);
    sim.call(0, 0, 1, vec![Act::Send(1, 7)]);
    until(&mut sim, MS + MS / 2);
    assert_eq!(sim.counters().in_flight(), 1);
    assert!(sim.carries(0, 1) && sim.cut(0, 1) && !sim.cut(0, 1) && !sim.carries(0, 1));
    assert!(sim.carries(1, 0));
    assert_eq!(got(&pass(&mut sim, 10 * MS), 1), Vec::<u32>::new());
    assert_eq!(sim.counters().cut, 1);

    sim.call(0, 1, 2, vec![Act::Send(0, 8)]);
    assert_eq!(
        got(&pass(&mut sim, 10 * MS), 0),
        [8],
        "the other way is open"
    );

    sim.call(0, 0, 3, vec![Act::Send(1, 9)]);
    pass(&mut sim, MS + MS / 2);
    assert!(sim.mend(0, 1) && !sim.mend(0, 1) && sim.carries(0, 1));
    assert_eq!(
        got(&pass(&mut sim, 10 * MS), 1),
        [9],
        "it arrives after the mending"
    );
}

#[test]
fn links_that_do_not_exist_cannot_be_cut() {
    let mut sim = puppets(2);
    assert!(!sim.cut(0, 0) && !sim.cut(0, 2) && !sim.cut(9, 0));
    assert!(sim.carries(0, 0) && sim.carries(9, 0));
}

#[test]
fn a_link_keeps_the_order_of_its_messages() {
    let options = SimOptions {
        latency: Latency::new(1, 5 * MS, 100 * MS),
        ..exact()
    };
    let mut sim = puppets_in(options, 2);
    sim.link(0, 1).jitter_ns = 3 * MS;
    sim.call(0, 0, 1, sends(1, 200));
    let seen = pass(&mut sim, 1_000 * MS);
    assert_eq!(got(&seen, 1), (0..200).collect::<Vec<u32>>());
    assert_eq!(sim.counters().reordered, 0);
}

#[test]
fn a_delay_is_exact_and_its_undoing_works_at_once() {
    let mut sim = puppets(2);
    sim.link(0, 1).delay_ns = 3_600_000 * MS;
    sim.call(0, 0, 1, vec![Act::Send(1, 1), Act::Send(1, 2)]);
    pass(&mut sim, 2 * MS);
    sim.link(0, 1).delay_ns = 40 * MS;
    sim.call(0, 0, 2, vec![Act::Send(1, 3)]);
    let seen = told(&pass(&mut sim, 100 * MS));
    assert_eq!(seen.last().map(|seen| seen.0), Some(44 * MS));
    *sim.link(0, 1) = LinkFault::default();
    sim.call(0, 0, 3, vec![Act::Send(1, 4)]);
    assert_eq!(got(&pass(&mut sim, 2 * MS), 1), [4]);
    assert_eq!(got(&pass(&mut sim, 3_600_000 * MS), 1), [1, 2]);
    assert_eq!(sim.counters().reordered, 2);
}

#[test]
fn loss_and_copies_come_at_their_rates() {
    let mut sim = puppets(2);
    *sim.link(0, 1) = LinkFault {
        loss_ppm: 250_000,
        duplicate_ppm: 100_000,
        ..LinkFault::default()
    };
    sim.call(0, 0, 1, sends(1, 10_000));
    pass(&mut sim, 1_000 * MS);
    let counters = *sim.counters();
    assert!(counters.lost.abs_diff(2_500) < 150, "{counters:?}");
    assert!(counters.duplicated.abs_diff(750) < 100, "{counters:?}");
    assert_eq!(
        counters.delivered,
        10_000 - counters.lost + counters.duplicated
    );
    assert_eq!(counters.in_flight(), 0);
}

#[test]
fn certain_loss_loses_all_and_certain_copies_copy_all() {
    for (loss_ppm, duplicate_ppm, delivered) in [(1_000_000, 0, 0), (0, 1_000_000, 20), (0, 0, 10)]
    {
        let options = SimOptions {
            loss_ppm,
            duplicate_ppm,
            ..exact()
        };
        let mut sim = puppets_in(options, 2);
        sim.call(0, 0, 1, sends(1, 10));
        assert_eq!(got(&pass(&mut sim, 100 * MS), 1).len(), delivered);
    }
}

#[test]
fn reordering_has_later_messages_overtake() {
    let options = SimOptions {
        latency: Latency::new(MS, MS, 3 * MS),
        ..exact()
    };
    let mut sim = puppets_in(options, 2);
    sim.link(0, 1).reorder_ppm = 200_000;
    sim.call(0, 0, 1, sends(1, 100));
    let mut numbers = got(&pass(&mut sim, 100 * MS), 1);
    assert!(!numbers.is_sorted());
    assert!(sim.counters().reordered > 50);
    numbers.sort_unstable();
    assert_eq!(numbers, (0..100).collect::<Vec<u32>>(), "none is lost");

    sim.link(0, 1).reorder_ppm = 0;
    sim.call(0, 0, 2, sends(1, 100));
    assert!(got(&pass(&mut sim, 100 * MS), 1).is_sorted());
}

#[test]
fn a_fault_on_one_link_shifts_nothing_on_another() {
    let trace = |fault: LinkFault| {
        let options = SimOptions {
            latency: SimOptions::default().latency,
            ..exact()
        };
        let mut sim = puppets_in(options, 3);
        *sim.link(0, 1) = fault;
        let script = [sends(1, 50), sends(2, 50)].concat();
        sim.call(0, 0, 1, script);
        let mut seen = told(&pass(&mut sim, 1_000 * MS));
        seen.retain(|(_, node, _)| *node == 2);
        seen
    };
    let fault = LinkFault {
        delay_ns: MS,
        jitter_ns: MS,
        loss_ppm: 500_000,
        duplicate_ppm: 500_000,
        reorder_ppm: 500_000,
    };
    assert_eq!(trace(fault), trace(LinkFault::default()));
}

#[test]
fn one_rate_does_not_shift_what_another_decides() {
    let lost = |duplicate_ppm| {
        let mut sim = puppets(2);
        *sim.link(0, 1) = LinkFault {
            loss_ppm: 300_000,
            duplicate_ppm,
            ..LinkFault::default()
        };
        sim.call(0, 0, 1, sends(1, 100));
        let mut numbers = got(&pass(&mut sim, 100 * MS), 1);
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    };
    assert_eq!(lost(0), lost(900_000));
}

#[test]
fn mend_all_undoes_every_cut_and_fault() {
    let mut sim = puppets(3);
    sim.cut(0, 1);
    sim.link(0, 1).loss_ppm = 1_000_000;
    sim.link(2, 1).delay_ns = 1_000 * MS;
    sim.mend_all();
    trickle(&mut sim, 20);
    assert!(sim.carries(0, 1));
    assert_eq!(*sim.link(2, 1), LinkFault::default());
    pass(&mut sim, 10 * MS);
    assert_eq!(sim.counters().delivered, 20);
}

#[test]
#[should_panic(expected = "there is no link")]
fn a_fault_needs_a_link() {
    puppets(2).link(1, 1);
}
