//! Leases rest on the bound of the clocks' drift: within it they never give a stale read, beyond it they do.

use std::collections::BTreeMap;

use rupture_protocols::NodeId;
use rupture_protocols::Reply;
use rupture_protocols::raft::{Call, Config, Raft, ReadMode};
use rupture_protocols::sim::{Outside, Sim, SimOptions};
use rupture_protocols::store::{Command, Datum, Request, Response};

const MS: u64 = 1_000_000;

/// A leader with a slow clock is cut off from followers with fast ones. It is read from all the time, while the
/// others are written to as soon as one of them leads.
struct Trial {
    sim: Sim<Raft>,
    calls: u64,
    /// Elements whose addition was acknowledged.
    acknowledged: u64,
    /// By call: how much was acknowledged when it began.
    known: BTreeMap<u64, u64>,
    fresh: u32,
    stale: u32,
}

/// How many reads were fresh and how many stale, over many seeds.
fn reads(promised_ppm: u32, actual_ppm: i64) -> (u32, u32) {
    let (mut fresh, mut stale) = (0, 0);
    for seed in 0..60 {
        let mut trial = Trial::new(seed, promised_ppm);
        trial.run(actual_ppm);
        fresh += trial.fresh;
        stale += trial.stale;
    }
    (fresh, stale)
}

#[test]
fn leases_are_as_good_as_the_clocks() {
    let (fresh, stale) = reads(350_000, 350_000);
    assert!(fresh > 1_000 && stale == 0, "{fresh} {stale}");
    let (_, stale) = reads(0, 350_000);
    assert!(stale > 0);
}

impl Trial {
    fn new(seed: u64, lease_drift_ppm: u32) -> Self {
        let config = Config {
            reads: ReadMode::Lease,
            lease_drift_ppm,
            heartbeat_ms: 10,
            ..Config::for_nodes(3)
        };
        let make = move |_| Raft::new(config.clone());
        Self {
            sim: Sim::new(SimOptions::default(), seed, 3, make),
            calls: 0,
            acknowledged: 0,
            known: BTreeMap::new(),
            fresh: 0,
            stale: 0,
        }
    }

    fn run(&mut self, ppm: i64) {
        self.wait(1_000 * MS);
        let old = self.leader(None).expect("somebody leads after a second");
        for node in 0..3 {
            self.sim
                .set_drift(node, if node == old { -ppm } else { ppm });
        }
        self.wait(500 * MS);
        assert_eq!(self.leader(None), Some(old), "drift alone deposes nobody");
        for node in (0..3).filter(|node| *node != old) {
            self.sim.cut(old, node);
            self.sim.cut(node, old);
        }
        for _ in 0..600 {
            self.ask(old, Command::SetRead(Datum::Nil));
            if let Some(new) = self.leader(Some(old)) {
                let element = Datum::Int(self.calls as i64);
                self.ask(new, Command::SetAdd(Datum::Nil, element));
            }
            self.wait(MS);
        }
    }

    fn leader(&self, except: Option<NodeId>) -> Option<NodeId> {
        let leads = |node: &u32| self.sim.node(*node).is_some_and(Raft::is_leader);
        (0..3).filter(|node| Some(*node) != except).find(leads)
    }

    fn ask(&mut self, node: NodeId, command: Command) {
        self.calls += 1;
        self.known.insert(self.calls, self.acknowledged);
        let idempotency_key = format!("{}:{}", self.calls, command.operation_type());
        let request = Request {
            idempotency_key,
            command,
        };
        self.sim.call(0, node, self.calls, Call::Request(request));
    }

    fn wait(&mut self, ns: u64) {
        let until_ns = self.sim.now_ns() + ns;
        while let Some(outside) = self.sim.advance(until_ns) {
            match outside {
                Outside::Reply {
                    id,
                    reply: Reply::Ok(Response::Value(Datum::List(elements))),
                    ..
                } => self.judge(id, elements.len() as u64),
                Outside::Reply {
                    reply: Reply::Ok(_),
                    ..
                } => self.acknowledged += 1,
                _ => {}
            }
        }
    }

    fn judge(&mut self, id: u64, elements: u64) {
        if elements < self.known[&id] {
            self.stale += 1;
        } else {
            self.fresh += 1;
        }
    }
}
