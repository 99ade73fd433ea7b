//! What can only be tested from within: that the counters tell where every message is, at any moment.

use proptest::prelude::*;
use rand::RngExt;

use super::host::Waiting;
use super::*;
use crate::echo::Echo;

/// The messages that are really there: under way, or waiting at a node.
fn found(sim: &Sim<Echo>) -> usize {
    let travels = |parcel: &&Parcel<Echo>| matches!(parcel, Parcel::Message { .. });
    let waits = |waiting: &&Waiting<Echo>| matches!(waiting, Waiting::Message { .. });
    let waiting = |host: &Host<Echo>| host.inbox.iter().filter(waits).count();
    let travelling = sim.queue.under_way().filter(travels).count();
    travelling + sim.hosts.iter().map(waiting).sum::<usize>()
}

fn disturb(sim: &mut Sim<Echo>, random: &mut Stream) {
    let (a, b) = (random.random_range(0..4), random.random_range(0..4));
    match random.random_range(0..10) {
        0 => drop(sim.cut(a, b)),
        1 => drop(sim.mend(a, b)),
        2 => drop(sim.pause(a)),
        3 | 4 => drop(sim.resume(a)),
        5 => drop(sim.crash(a, Keep::Torn)),
        6 | 7 => drop(sim.start(a)),
        8 => sim.crash_amid(a, Keep::Synced, random.random_range(0..9), u64::MAX),
        _ if a != b => {
            *sim.link(a, b) = LinkFault {
                loss_ppm: random.random_range(0..100_000),
                duplicate_ppm: random.random_range(0..300_000),
                reorder_ppm: random.random_range(0..300_000),
                ..LinkFault::default()
            }
        }
        _ => {}
    }
}

proptest! {
    #[test]
    fn the_counters_tell_where_every_message_is(seed in any::<u64>(), cost_ns in 0..20_000_u64) {
        let mut random = stream(seed, "test");
        let options = SimOptions {
            effect_cost_ns: cost_ns,
            ..SimOptions::default()
        };
        let mut sim = Sim::new(options, seed, 4, |_| Echo::new(3));
        for _ in 0..60 {
            disturb(&mut sim, &mut random);
            prop_assert_eq!(sim.counters().in_flight(), found(&sim) as u64);
            let limit_ns = sim.now_ns() + random.random_range(0..1_000_000);
            while sim.advance(limit_ns).is_some() {}
            prop_assert_eq!(sim.counters().in_flight(), found(&sim) as u64);
        }
    }
}
