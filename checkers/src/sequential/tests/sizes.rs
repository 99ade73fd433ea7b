//! Stores that are sequentially consistent and not linearizable, at length.

use std::time::{Duration, Instant};

use rupture_history::{Event, History, Kind, Validity, Value};

use crate::linearizability::tests::random::Random;
use crate::models::{CasRegister, FifoQueue, Register};
use crate::{Budget, Checker, Linearizable, Model, Sequential};

/// How a store is not linearizable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Store {
    /// The first client only reads, from a replica that is behind.
    OneReplica,
    /// Every client reads from a replica of its own; its writes wait for that.
    Replicas,
    /// Atomic, but the clients' clocks disagree.
    Skewed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kinds {
    /// Reads, and writes of values of their own.
    Unique,
    /// Reads, writes and compare-and-sets of five values.
    Five,
    /// Values of their own go in and out.
    Queue,
}

#[derive(Clone, Copy, Debug)]
struct Plan {
    store: Store,
    kinds: Kinds,
    clients: usize,
    operations: usize,
    keys: usize,
    /// How many writes a replica is behind at most, or by how many operations clocks disagree.
    lag: usize,
    /// Whether one read late in the history goes back.
    lie: bool,
    seed: u64,
}

struct Draft {
    client: usize,
    key: usize,
    f: &'static str,
    argument: Value,
    result: Value,
    kind: Kind,
    invoked: usize,
    effect: usize,
    completed: usize,
}

/// What was written, and what each client knows of it.
struct World {
    /// The values of each key, and after how many writes it had them.
    values: Vec<Vec<(usize, i64)>>,
    writes: usize,
    /// How many writes each client's replica has.
    applied: Vec<usize>,
    queues: Vec<std::collections::VecDeque<i64>>,
}

impl World {
    fn write(&mut self, key: usize, client: usize, value: i64) {
        self.writes += 1;
        self.values[key].push((self.writes, value));
        self.applied[client] = self.writes;
    }

    fn at(&self, key: usize, writes: usize) -> i64 {
        let known = self.values[key].partition_point(|(after, _)| *after <= writes);
        known.checked_sub(1).map_or(0, |at| self.values[key][at].1)
    }
}

fn int(n: i64) -> Value {
    match n {
        0 => Value::Nil,
        n => Value::Int(n),
    }
}

/// Operations of clients in a closed loop, each with a moment of effect.
fn drafts(plan: &Plan, random: &mut Random) -> Vec<Draft> {
    let mut clocks = vec![0; plan.clients];
    let mut drafts = Vec::new();
    for number in 0..plan.operations {
        let client = (0..plan.clients).min_by_key(|&c| clocks[c]).unwrap();
        let invoked = clocks[client] + 1 + random.below(1000);
        let takes = 3 + random.below(20_000);
        let small = |random: &mut Random| Value::Int(1 + random.below(5) as i64);
        let reader = plan.store == Store::OneReplica && client == 0;
        let (f, argument) = match (plan.kinds, random.below(3)) {
            _ if reader => ("read", Value::Nil),
            (Kinds::Queue, 0) => ("dequeue", Value::Nil),
            (Kinds::Queue, _) => ("enqueue", Value::Int(1 + number as i64)),
            (_, 0) => ("read", Value::Nil),
            (Kinds::Unique, _) => ("write", Value::Int(1 + number as i64)),
            (Kinds::Five, 1) => ("write", small(random)),
            (Kinds::Five, _) => ("cas", Value::Vector(vec![small(random), small(random)])),
        };
        drafts.push(Draft {
            client,
            key: random.below(plan.keys),
            f,
            argument,
            result: Value::Nil,
            kind: Kind::Ok,
            invoked,
            effect: invoked + 1 + random.below(takes - 2),
            completed: invoked + takes,
        });
        clocks[client] = invoked + takes;
    }
    drafts.sort_by_key(|draft| draft.effect);
    drafts
}

fn take_effect(plan: &Plan, drafts: &mut [Draft], random: &mut Random) {
    let mut world = World {
        values: vec![Vec::new(); plan.keys],
        writes: 0,
        applied: vec![0; plan.clients],
        queues: vec![std::collections::VecDeque::new(); plan.keys],
    };
    for draft in drafts {
        let (key, client) = (draft.key, draft.client);
        let now = world.at(key, world.writes);
        draft.result = draft.argument.clone();
        match draft.f {
            "write" => world.write(key, client, draft.argument.as_int().unwrap()),
            "cas" => {
                let pair = draft.argument.items().unwrap();
                if int(now) == pair[0] {
                    world.write(key, client, pair[1].as_int().unwrap());
                } else {
                    draft.kind = Kind::Fail;
                }
            }
            "enqueue" => world.queues[key].push_back(draft.argument.as_int().unwrap()),
            "dequeue" => draft.result = int(world.queues[key].pop_front().unwrap_or(0)),
            _ => {
                let behind = match plan.store {
                    Store::OneReplica if client > 0 => 0,
                    Store::Skewed => 0,
                    _ => random.below(plan.lag),
                };
                let applied = world.applied[client].max(world.writes.saturating_sub(behind));
                world.applied[client] = applied;
                draft.result = int(world.at(key, applied));
            }
        }
    }
}

/// One read at nine tenths returns what its client had read before on the same key.
fn lie(drafts: &mut [Draft]) {
    let from = drafts.len() * 9 / 10;
    for at in from..drafts.len() {
        let (client, key) = (drafts[at].client, drafts[at].key);
        let reads = drafts[..at]
            .iter()
            .rev()
            .filter(|draft| draft.f == "read" && (draft.client, draft.key) == (client, key));
        let old = reads.map(|draft| draft.result.clone()).nth(2);
        let Some(old) = old.filter(|old| drafts[at].f == "read" && *old != drafts[at].result)
        else {
            continue;
        };
        drafts[at].result = old;
        return;
    }
}

fn history(plan: &Plan) -> History {
    let mut random = Random::new(plan.seed);
    let mut drafts = drafts(plan, &mut random);
    take_effect(plan, &mut drafts, &mut random);
    if plan.lie {
        lie(&mut drafts);
    }
    let mut events: Vec<(usize, Event)> = Vec::new();
    for draft in &drafts {
        let skew = match plan.store {
            Store::Skewed => draft.client * plan.lag * 10_000 / plan.clients,
            Store::OneReplica | Store::Replicas => 0,
        };
        let event = |kind, value: &Value| {
            let value = match plan.keys {
                1 => value.clone(),
                _ => Value::Vector(vec![Value::Int(draft.key as i64), value.clone()]),
            };
            Event::new(draft.client as i64, kind, draft.f, value)
        };
        events.push((draft.invoked + skew, event(Kind::Invoke, &draft.argument)));
        events.push((draft.completed + skew, event(draft.kind, &draft.result)));
    }
    events.sort_by_key(|(at, _)| *at);
    events.iter().map(|(_, event)| event).collect()
}

const PLAN: Plan = Plan {
    store: Store::OneReplica,
    kinds: Kinds::Unique,
    clients: 5,
    operations: 1_000,
    keys: 1,
    lag: 50,
    lie: false,
    seed: 1,
};

fn verdict_of<M: Model>(model: M, plan: &Plan, budget: &Budget<'_>) -> rupture_history::Verdict {
    let judge = Sequential::new(model).independent(plan.keys > 1);
    judge.check(&history(plan), budget).unwrap()
}

fn judge(plan: &Plan, budget: &Budget<'_>) -> rupture_history::Verdict {
    match plan.kinds {
        Kinds::Unique => verdict_of(Register, plan, budget),
        Kinds::Five => {
            let model = CasRegister {
                observe_failed: false,
            };
            verdict_of(model, plan, budget)
        }
        Kinds::Queue => verdict_of(FifoQueue, plan, budget),
    }
}

#[test]
fn replicas_that_are_behind_are_sequential_and_not_linearizable() {
    for store in [Store::OneReplica, Store::Replicas] {
        for keys in [1, 3] {
            let plan = Plan {
                store,
                keys,
                operations: 2_000,
                ..PLAN
            };
            let strict = Linearizable::new(Register).independent(keys > 1);
            let strict = strict.check(&history(&plan), &Budget::unlimited());
            assert_eq!(strict.unwrap().validity, Validity::Invalid, "{plan:?}");
            let verdict = judge(&plan, &Budget::unlimited());
            assert_eq!(verdict.validity, Validity::Valid, "{plan:?}");
            let plan = Plan { lie: true, ..plan };
            let verdict = judge(&plan, &Budget::unlimited());
            assert_eq!(verdict.validity, Validity::Invalid, "{plan:?}");
            assert!(verdict.anomalies[0].evidence.len() < 40, "{plan:?}");
        }
    }
}

const SECONDS: u64 = 20;

#[test]
#[ignore = "minutes; prints how long histories take"]
fn how_long() {
    for store in [Store::OneReplica, Store::Replicas, Store::Skewed] {
        for kinds in [Kinds::Unique, Kinds::Five, Kinds::Queue] {
            if kinds == Kinds::Queue && store != Store::Skewed {
                continue;
            }
            for (clients, operations) in [(5, 1_000), (5, 10_000), (20, 10_000), (20, 100_000)] {
                for (keys, lie) in [(1, false), (10, false), (1, true), (10, true)] {
                    let plan = Plan {
                        store,
                        kinds,
                        clients,
                        operations,
                        keys,
                        lie,
                        ..PLAN
                    };
                    report(&plan);
                }
            }
        }
    }
}

fn report(plan: &Plan) {
    let begun = Instant::now();
    let over = || begun.elapsed() > Duration::from_secs(SECONDS);
    let budget = Budget::unlimited().with_time(&over).with_bytes(1 << 30);
    let verdict = judge(plan, &budget);
    println!(
        "{:?} {:?} {} clients {} operations {} keys lie {}: {} in {:.2} s, {} explained, evidence {:?}",
        plan.store,
        plan.kinds,
        plan.clients,
        plan.operations,
        plan.keys,
        plan.lie,
        verdict.validity.name(),
        begun.elapsed().as_secs_f64(),
        verdict.explained,
        verdict
            .anomalies
            .iter()
            .map(|a| a.evidence.len())
            .collect::<Vec<_>>(),
    );
}
