//! Whatever is done to a cluster, in whatever order, its books balance, its clocks go forward, its disks
//! keep their promise, and once everything is undone it works again.

use std::collections::BTreeMap;

use proptest::prelude::*;
use rand::RngExt;
use rupture_protocols::NodeId;
use rupture_protocols::random::Stream;
use rupture_protocols::sim::{Keep, LinkFault, Outside, Sim, SimOptions, Status};

use crate::puppet::{Act, MS, Puppet, Told, pass};

const NODES: u32 = 5;

/// Anything that can be done to a cluster from outside.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    Cut(NodeId, NodeId),
    Mend(NodeId, NodeId),
    Link(NodeId, NodeId, LinkFault),
    Crash(NodeId, Keep),
    CrashAmid(NodeId, Keep, u32, u64),
    Start(NodeId),
    Pause(NodeId),
    Resume(NodeId),
    Bump(NodeId, i64),
    Drift(NodeId, i64),
    Add,
}

impl Fault {
    /// Draws one. Nodes that do not exist are among them.
    pub(crate) fn drawn(random: &mut Stream) -> Self {
        let mut node = || random.random_range(0..NODES + 2);
        let (a, b) = (node(), node());
        let keep = [Keep::Written, Keep::Synced, Keep::Torn][random.random_range(0..3)];
        match random.random_range(0..24) {
            0..3 => Self::Cut(a, b),
            3..6 => Self::Mend(a, b),
            6..9 => Self::Link(a, b, link_fault(random)),
            9 => Self::Crash(a, keep),
            10..12 => Self::CrashAmid(
                a,
                keep,
                random.random_range(0..20),
                random.random_range(0..2_000 * MS),
            ),
            12..16 => Self::Start(a),
            16..18 => Self::Pause(a),
            18..21 => Self::Resume(a),
            21 => Self::Bump(a, random.random_range(-1_000..1_000) * MS as i64),
            22 => Self::Drift(a, random.random_range(-2_000_000..12_000_000)),
            _ => Self::Add,
        }
    }
}

fn link_fault(random: &mut Stream) -> LinkFault {
    LinkFault {
        delay_ns: random.random_range(0..20) * MS,
        jitter_ns: random.random_range(0..20) * MS,
        loss_ppm: random.random_range(0..300_000),
        duplicate_ppm: random.random_range(0..300_000),
        reorder_ppm: random.random_range(0..300_000),
    }
}

/// Does it, and holds what it did to the rules of durability.
pub(crate) fn apply(sim: &mut Sim<Puppet>, fault: &Fault) {
    match *fault {
        Fault::Cut(from, to) => {
            let cut = sim.cut(from, to);
            assert!(!cut || !sim.carries(from, to));
        }
        Fault::Mend(from, to) => {
            sim.mend(from, to);
            assert!(sim.carries(from, to));
        }
        Fault::Link(from, to, fault) => {
            if from != to && from < sim.nodes() && to < sim.nodes() {
                *sim.link(from, to) = fault;
            }
        }
        Fault::Crash(node, keep) => crash(sim, node, keep),
        Fault::CrashAmid(node, keep, effects, by_ns) => sim.crash_amid(node, keep, effects, by_ns),
        Fault::Start(node) => {
            let was_down = sim.status(node) == Status::Down && node < sim.nodes();
            assert_eq!(sim.start(node), was_down);
        }
        Fault::Pause(node) => {
            let ran = sim.status(node) == Status::Running;
            assert_eq!(sim.pause(node), ran);
        }
        Fault::Resume(node) => {
            let paused = sim.status(node) == Status::Paused;
            assert_eq!(sim.resume(node), paused);
        }
        Fault::Bump(node, delta_ns) => {
            let shown_ns = sim.monotonic_ns(node);
            sim.bump_clock(node, delta_ns);
            assert_eq!(sim.monotonic_ns(node), shown_ns);
        }
        Fault::Drift(node, ppm) => {
            let shown_ns = (sim.monotonic_ns(node), sim.wall_ns(node));
            sim.set_drift(node, ppm);
            assert_eq!((sim.monotonic_ns(node), sim.wall_ns(node)), shown_ns);
        }
        Fault::Add => {
            if sim.nodes() < NODES + 2 {
                sim.add_node();
            }
        }
    }
}

/// What survives a crash is all that was synced, and of the rest everything, nothing, or a prefix.
fn crash(sim: &mut Sim<Puppet>, node: NodeId, keep: Keep) {
    let before = sim.records(node).to_vec();
    let synced = before.len() - sim.unsynced(node);
    let report = sim.crash(node, keep);
    let after = sim.records(node);
    assert_eq!(after, &before[..after.len()]);
    assert_eq!(report.lost_records, before.len() - after.len());
    match keep {
        Keep::Written => assert_eq!(after.len(), before.len()),
        Keep::Synced => assert_eq!(after.len(), synced),
        Keep::Torn => {
            assert!(after.len() >= synced && (after.len() < before.len() || !report.torn));
        }
    }
    assert_eq!(sim.status(node), Status::Down);
    assert!(!sim.crash(node, keep).was_up);
}

/// What a puppet does at each wake-up: a bit of everything.
pub(crate) fn chatter(node: NodeId, nodes: u32) -> Vec<Act> {
    let to = |step: u32| (node + step) % nodes;
    vec![
        Act::Save(node),
        Act::Send(to(1), 1),
        Act::Order(to(2), vec![Act::Save(9), Act::Sync, Act::Say(9)]),
        Act::Sync,
        Act::Say(node),
        Act::Send(to(3), 2),
        Act::Save(node + 1),
        Act::WakeAfter(3 * MS),
    ]
}

fn cluster(seed: u64) -> Sim<Puppet> {
    Sim::new(SimOptions::default(), seed, NODES, |node| Puppet {
        on_wake: chatter(node, NODES),
        steps: 0,
    })
}

/// What must hold of everything that reaches the outside.
#[derive(Default)]
struct Watch {
    now_ns: u64,
    monotonic_ns: BTreeMap<NodeId, u64>,
    got: u64,
    answers: BTreeMap<u64, u32>,
}

impl Watch {
    fn run(&mut self, sim: &mut Sim<Puppet>, limit_ns: u64) {
        while let Some(outside) = sim.advance(limit_ns) {
            assert!((self.now_ns..=limit_ns).contains(&sim.now_ns()));
            self.now_ns = sim.now_ns();
            assert!(sim.counters().in_flight() <= sim.counters().sent * 2);
            self.see(sim, &outside);
        }
        assert_eq!(sim.now_ns(), limit_ns);
    }

    fn see(&mut self, sim: &Sim<Puppet>, outside: &Outside<Puppet>) {
        match outside {
            Outside::Event { node, event, .. } => {
                let shown_ns = sim.monotonic_ns(*node);
                let last_ns = self.monotonic_ns.insert(*node, shown_ns);
                assert!(last_ns.is_none_or(|last_ns| last_ns <= shown_ns));
                self.got += u64::from(matches!(event, Told::Got(..)));
            }
            Outside::Reply { id, .. }
            | Outside::Refused { id, .. }
            | Outside::Broken { id, .. } => {
                *self.answers.entry(*id).or_default() += 1;
            }
            Outside::Crashed { .. } | Outside::Alarm { .. } | Outside::Busy => {}
            Outside::Storm(storm) => panic!("{storm:?}"),
        }
    }
}

/// Undoes everything.
fn heal(sim: &mut Sim<Puppet>) {
    sim.mend_all();
    for node in 0..sim.nodes() {
        sim.cancel_crash(node);
        sim.resume(node);
        sim.start(node);
        sim.set_drift(node, 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_books_balance_and_everything_can_be_undone(seed in any::<u64>(), length in 1..120_u64) {
        let mut random = rupture_protocols::random::stream(seed, "test");
        let mut sim = cluster(seed);
        let mut watch = Watch::default();
        for id in 0..length {
            for _ in 0..random.random_range(1..4) {
                apply(&mut sim, &Fault::drawn(&mut random));
            }
            let script = vec![Act::WakeAfter(MS), Act::Reply];
            sim.call(random.random_range(0..3), random.random_range(0..NODES + 1), id, script);
            let limit_ns = sim.now_ns() + random.random_range(0..20 * MS);
            watch.run(&mut sim, limit_ns);
        }
        heal(&mut sim);
        // The wake-ups go on for ever; a last crash of all nodes ends them, and what is under way arrives.
        let limit_ns = sim.now_ns() + 100 * MS;
        watch.run(&mut sim, limit_ns);
        for node in 0..sim.nodes() {
            prop_assert_eq!(sim.status(node), Status::Running);
            sim.crash(node, Keep::Synced);
            prop_assert_eq!(sim.unsynced(node), 0);
        }
        watch.run(&mut sim, limit_ns + 1_000 * MS);
        prop_assert_eq!(sim.counters().in_flight(), 0);
        prop_assert!(watch.got <= sim.counters().delivered);
        prop_assert_eq!(watch.answers.len() as u64, length, "every call has an end");
        prop_assert!(watch.answers.values().all(|&count| count == 1));

        heal(&mut sim);
        pass(&mut sim, 0);
        for from in 0..NODES {
            let to = (from + 1) % NODES;
            sim.call(9, from, 10_000 + u64::from(from), vec![Act::Send(to, 77)]);
        }
        let seen = pass(&mut sim, 15 * MS);
        for node in 0..NODES {
            prop_assert_eq!(crate::puppet::got(&seen, node), [77]);
        }
    }
}
