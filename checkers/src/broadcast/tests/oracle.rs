//! The properties as they are defined, over lists of small histories. Shares no code with the judge.

use std::collections::{BTreeMap, BTreeSet};

use rupture_history::{Event, Kind, Process};

#[derive(Clone, Debug)]
struct Op {
    process: i64,
    broadcast: bool,
    invoked: usize,
    completed: Option<usize>,
    kind: Kind,
    /// The message that it broadcasts or delivers.
    value: Option<i64>,
}

/// What an oracle has to say.
#[derive(Debug, Default)]
pub(super) struct Truth {
    /// How often each property is broken; for the three orders, whether.
    pub(super) broken: BTreeMap<&'static str, usize>,
    /// Deliveries that may still come.
    pub(super) outstanding: usize,
    pub(super) nothing: bool,
}

fn ops(events: &[Event]) -> Vec<Op> {
    let mut ops: Vec<Op> = Vec::new();
    for (row, event) in events.iter().enumerate() {
        let Process::Client(process) = event.process else {
            continue;
        };
        if event.kind == Kind::Invoke {
            ops.push(Op {
                process,
                broadcast: &*event.f == "broadcast",
                invoked: row,
                completed: None,
                kind: Kind::Info,
                value: event.value.as_int(),
            });
            continue;
        }
        let op = ops.iter_mut().rfind(|op| op.process == process).unwrap();
        (op.completed, op.kind) = (Some(row), event.kind);
        if !op.broadcast && op.kind == Kind::Ok {
            op.value = event.value.as_int();
        }
    }
    ops
}

struct Rules {
    ops: Vec<Op>,
    uniform: bool,
    complete: bool,
    truth: Truth,
}

pub(super) fn truth(events: &[Event], uniform: bool, complete: bool) -> Truth {
    let mut rules = Rules {
        ops: ops(events),
        uniform,
        complete,
        truth: Truth::default(),
    };
    let unseen = rules.ops.iter().all(|op| op.kind != Kind::Ok);
    let delivered = rules.messages().iter().any(|m| rules.any_delivery(*m));
    rules.truth.nothing = unseen || !delivered;
    rules.integrity();
    rules.arrival();
    rules.fifo();
    rules.causal();
    rules.total();
    rules.truth
}

impl Rules {
    fn count(&mut self, property: &'static str, times: usize) {
        if times > 0 {
            *self.truth.broken.entry(property).or_default() += times;
        }
    }

    fn processes(&self) -> BTreeSet<i64> {
        self.ops.iter().map(|op| op.process).collect()
    }

    fn messages(&self) -> BTreeSet<i64> {
        self.ops.iter().filter_map(|op| op.value).collect()
    }

    fn is_delivery(op: &Op) -> bool {
        !op.broadcast && op.kind == Kind::Ok && op.value.is_some()
    }

    /// The deliveries of a process, by the places of their operations.
    fn deliveries(&self, process: i64) -> Vec<(usize, i64)> {
        let own = |(_, op): &(usize, &Op)| op.process == process && Self::is_delivery(op);
        let own = self.ops.iter().enumerate().filter(own);
        own.map(|(at, op)| (at, op.value.unwrap())).collect()
    }

    /// Those that are held to an order.
    fn judged(&self, process: i64) -> Vec<(usize, i64)> {
        let unsure = |op: &Op| {
            let given_up = op.kind == Kind::Info && op.completed.is_some();
            op.process == process && !op.broadcast && given_up
        };
        let until = self.ops.iter().position(unsure).unwrap_or(self.ops.len());
        let mut deliveries = self.deliveries(process);
        deliveries.retain(|(at, _)| *at < until);
        deliveries
    }

    fn any_delivery(&self, message: i64) -> bool {
        let of = |op: &Op| Self::is_delivery(op) && op.value == Some(message);
        self.ops.iter().any(of)
    }

    /// The broadcast of a message that did not fail.
    fn broadcast(&self, message: i64) -> Option<usize> {
        let of = |op: &Op| op.broadcast && op.value == Some(message) && op.kind != Kind::Fail;
        self.ops.iter().position(of)
    }

    fn is_member(&self, process: i64) -> bool {
        self.ops
            .iter()
            .any(|op| op.process == process && !op.broadcast)
    }

    fn is_stopped(&self, process: i64) -> bool {
        self.ops.iter().any(|op| {
            let stops = op.completed.is_some() || op.broadcast;
            op.process == process && op.kind == Kind::Info && stops
        })
    }

    fn integrity(&mut self) {
        let created = |message: &i64| {
            let early = |op: &&Op| {
                let sent = self.broadcast(*message).map(|at| self.ops[at].invoked);
                let of = Self::is_delivery(op) && op.value == Some(*message);
                of && sent.is_none_or(|sent| op.completed.unwrap() < sent)
            };
            self.ops.iter().any(|op| early(&op))
        };
        let created = self.messages().iter().filter(|m| created(m)).count();
        self.count("no-creation", created);
        for process in self.processes() {
            let delivered = self.deliveries(process);
            let once: BTreeSet<i64> = delivered.iter().map(|(_, message)| *message).collect();
            self.count("no-duplication", delivered.len() - once.len());
        }
    }

    fn has(&self, process: i64, message: i64) -> bool {
        self.deliveries(process)
            .iter()
            .any(|(_, other)| *other == message)
    }

    /// The row from which on all members that go on owe a message to each other, and the property.
    fn owed(&self, message: i64) -> Option<(usize, &'static str)> {
        let binds = |op: &&Op| self.uniform || !self.is_stopped(op.process);
        let of = |op: &&Op| Self::is_delivery(op) && op.value == Some(message);
        let first = self.ops.iter().filter(of).filter(binds);
        if let Some(row) = first.map(|op| op.completed.unwrap()).min() {
            return Some((row, "agreement"));
        }
        let op = &self.ops[self.broadcast(message)?];
        let announced = !self.is_member(op.process) && !self.is_stopped(op.process);
        (announced && op.kind == Kind::Ok).then(|| (op.completed.unwrap(), "validity"))
    }

    fn arrival(&mut self) {
        for process in self.processes() {
            if !self.is_member(process) || self.is_stopped(process) {
                continue;
            }
            let last = self.ops.iter().rfind(|op| op.process == process).unwrap();
            let drained = !last.broadcast && last.kind == Kind::Ok && last.value.is_none();
            let asked = drained.then_some(last.invoked);
            let asked = if self.complete {
                Some(usize::MAX)
            } else {
                asked
            };
            for message in self.messages() {
                if self.has(process, message) {
                    continue;
                }
                let own = self.broadcast(message).map(|at| &self.ops[at]);
                let own = own.is_some_and(|op| op.process == process && op.kind == Kind::Ok);
                let owed = if own {
                    Some((0, "validity"))
                } else {
                    self.owed(message)
                };
                match owed {
                    None => {}
                    Some((since, property)) if asked.is_some_and(|asked| since < asked) => {
                        self.count(property, 1);
                    }
                    Some(_) => self.truth.outstanding += 1,
                }
            }
        }
    }

    /// Whether a message has a place in the order of its sender.
    fn is_chained(&self, message: i64) -> bool {
        let Some(at) = self.broadcast(message) else {
            return false;
        };
        let later =
            |op: &Op| op.broadcast && op.process == self.ops[at].process && op.kind != Kind::Fail;
        self.ops[at].kind == Kind::Ok || !self.ops[at + 1..].iter().any(later)
    }

    /// Whether one message was broadcast by the same sender before the other.
    fn precedes(&self, first: i64, second: i64) -> bool {
        let (Some(a), Some(b)) = (self.broadcast(first), self.broadcast(second)) else {
            return false;
        };
        self.is_chained(first) && a < b && self.ops[a].process == self.ops[b].process
    }

    /// Whether some process delivers something without what must come before it.
    fn has_gap(&self, before: impl Fn(i64, i64, usize) -> bool) -> bool {
        let messages = self.messages();
        self.processes().into_iter().any(|process| {
            self.judged(process).iter().any(|&(at, second)| {
                let all = self.deliveries(process);
                let had = |first: i64| all.iter().any(|(when, m)| *m == first && *when < at);
                messages
                    .iter()
                    .any(|&first| before(first, second, at) && !had(first))
            })
        })
    }

    fn fifo(&mut self) {
        let gap = self.has_gap(|first, second, _| self.precedes(first, second));
        self.count("fifo-order", usize::from(gap));
    }

    fn in_time(&self, message: i64, delivery: usize) -> bool {
        let sent = self.broadcast(message).map(|at| self.ops[at].invoked);
        sent.is_some_and(|sent| sent < self.ops[delivery].completed.unwrap())
    }

    fn causal(&mut self) {
        let messages: Vec<i64> = self.messages().into_iter().collect();
        let mut before: BTreeSet<(i64, i64)> = BTreeSet::new();
        for &first in &messages {
            for &second in &messages {
                let Some(at) = self.broadcast(second) else {
                    continue;
                };
                let delivered = self.deliveries(self.ops[at].process);
                let mut delivered = delivered.iter();
                let knew =
                    delivered.any(|(d, m)| *m == first && *d < at && self.in_time(first, *d));
                if first != second && (knew || self.precedes(first, second)) {
                    before.insert((first, second));
                }
            }
        }
        for &via in &messages {
            for &first in &messages {
                for &second in &messages {
                    if before.contains(&(first, via)) && before.contains(&(via, second)) {
                        before.insert((first, second));
                    }
                }
            }
        }
        let gap = self.has_gap(|first, second, _| {
            let by_sender = self.precedes(first, second);
            before.contains(&(first, second)) && !by_sender && first != second
        });
        self.count("causal-order", usize::from(gap));
    }

    fn total(&mut self) {
        let mut orders: Vec<Vec<i64>> = Vec::new();
        for process in self.processes() {
            if self.uniform || !self.is_stopped(process) {
                let mut order = Vec::new();
                for (_, message) in self.judged(process) {
                    if !order.contains(&message) {
                        order.push(message);
                    }
                }
                orders.push(order);
            }
        }
        let mut differ = false;
        for one in &orders {
            for other in &orders {
                differ |= one.iter().zip(other).any(|(a, b)| a != b);
            }
        }
        self.count("total-order", usize::from(differ));
    }
}
