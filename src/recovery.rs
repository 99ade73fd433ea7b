//! Whether a healed system serves again: probes of every key through every node that promises it, from the moment
//! at which everything was healed.
//!
//! A probe is an operation of a client like any other: it is recorded, and judged with the rest. One that is not
//! answered `ok` is sent again after a pause, until the time that the target claims has passed; whatever is
//! invoked after that has to be answered `ok`, and a probe that is not breaks the claim. A read goes to each pair
//! of a key and a node, and a write follows where it covers each key and each node once: a system that reads and
//! cannot write is not back.
//!
//! Deliberately absent: who leads, or whether anybody does. A system without primaries can recover too.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;

use rupture_targets::{NodeName, RecoveryClaim};
use rupture_workloads::Probes;
use rupture_workloads::checkers::history::{Event, Kind, Process, Value};
use rupture_workloads::generator::Op;

use crate::report::thousands;

/// How many pairs of a key and a node are probed. Those that cover each key and each node once come first.
const MOST_PAIRS: usize = 10_000;
/// How long a probe that was not answered `ok` rests before it is sent again.
const PAUSE_NS: u64 = 100_000_000;
/// After so many breaches nothing more is tried: they are shown, and there is no doubt left.
const MOST_BREACHES: usize = 20;

/// A probe that a free thread is to send.
#[derive(Clone, Debug)]
pub struct Probe {
    /// What to ask.
    pub op: Op,
    /// Through whom.
    pub through: NodeName,
    /// How long the answer may take, in nanoseconds.
    pub answers_ns: u64,
}

/// What to do now.
#[derive(Debug)]
pub enum Next {
    /// Send this.
    Probe(Probe),
    /// Nothing before this time, unless a probe completes.
    WaitUntil(u64),
    /// Nothing until a probe completes.
    Pending,
    /// It is known whether the system serves again.
    Done,
}

/// One probe that had to be answered and was not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Through whom alone it was sent; `None` where anybody might be asked.
    pub through: Option<NodeName>,
    /// The function.
    pub f: String,
    /// The argument.
    pub value: Value,
    /// Who asked.
    pub process: Process,
    /// When it was invoked, in nanoseconds since the run began.
    pub invoked_ns: u64,
    /// When it completed.
    pub completed_ns: u64,
    /// How: `fail` or `info`.
    pub outcome: Kind,
    /// What the client said about it.
    pub error: Option<Value>,
    /// How often the same had been tried in vain before.
    pub tries: u32,
}

impl Breach {
    /// What a completion says that came too late to be anything but `ok`.
    pub fn new(through: Option<NodeName>, event: &Event, invoked_ns: u64, tries: u32) -> Self {
        let error = event.extra.iter().find(|(name, _)| &**name == "error");
        Self {
            through,
            f: event.f.to_string(),
            value: event.value.clone(),
            process: event.process.clone(),
            invoked_ns,
            completed_ns: event.time as u64,
            outcome: event.kind,
            error: error.map(|(_, error)| error.clone()),
            tries,
        }
    }
}

impl fmt::Display for Breach {
    /// Such as `` `read [7 nil]` through n3, asked at 45.210 s: info at 50.210 s, :timeout; tried once before``.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = self.outcome.name();
        write!(f, "`{} {}`", self.f, self.value)?;
        if let Some(node) = &self.through {
            write!(f, " through {node}")?;
        }
        write!(
            f,
            ", asked at {:.3} s: {outcome} at {:.3} s",
            self.invoked_ns as f64 / 1e9,
            self.completed_ns as f64 / 1e9,
        )?;
        if let Some(error) = &self.error {
            write!(f, ", {error}")?;
        }
        match self.tries {
            0 => Ok(()),
            1 => write!(f, "; tried once before"),
            n => write!(f, "; tried {n} times before"),
        }
    }
}

/// How the recovery went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// What was claimed; `None` where the target claims nothing or it was never asked.
    pub claim: Option<RecoveryClaim>,
    /// When everything was healed, in nanoseconds since the run began.
    pub healed_ns: u64,
    /// How long after that the last probe was answered, if all were.
    pub served_after_ns: Option<u64>,
    /// How many pairs of a key and a node were probed.
    pub pairs: usize,
    /// How many more there were.
    pub left_out: usize,
    /// The probes that broke the claim.
    pub breaches: Vec<Breach>,
}

impl Recovered {
    /// What was not looked at, if anything was not.
    pub fn not_probed(&self) -> Option<String> {
        (self.left_out > 0).then(|| {
            format!(
                "whether it served again was asked of {} pairs of a key and a node; {} more were left out",
                thousands(self.pairs as u64),
                thousands(self.left_out as u64)
            )
        })
    }
}

#[derive(Clone, Debug)]
struct Pair {
    key: usize,
    through: NodeName,
    /// Whether a write follows the read.
    writes: bool,
    is_read: bool,
    tries: u32,
    not_before_ns: u64,
}

/// Sends probes and takes in their answers.
pub struct Recovery {
    probes: Probes,
    waiting: VecDeque<Pair>,
    open: Vec<Option<(Pair, u64)>>,
    open_count: usize,
    outcome: Recovered,
}

impl Recovery {
    /// Begins with what the target claims at the moment of healing, and with whom it promises to answer an operation
    /// through.
    pub fn new(
        probes: Probes,
        claim: Option<RecoveryClaim>,
        serving: &mut dyn FnMut(&Op) -> Vec<NodeName>,
        threads: usize,
        healed_ns: u64,
    ) -> Self {
        let mut recovery = Self {
            open: vec![None; threads],
            open_count: 0,
            waiting: VecDeque::new(),
            outcome: Recovered {
                claim,
                healed_ns,
                ..Recovered::default()
            },
            probes,
        };
        if claim.is_some() {
            recovery.plan(serving);
        }
        recovery
    }

    /// Pairs every key with every node that promises it. A diagonal comes first, which covers each key and each
    /// node.
    fn plan(&mut self, serving: &mut dyn FnMut(&Op) -> Vec<NodeName>) {
        let nodes: Vec<Vec<NodeName>> = (0..self.probes.keys())
            .map(|key| serving(&self.probes.read(key)))
            .collect();
        let pair = |key: usize, node: usize, writes| Pair {
            key,
            through: nodes[key][node].clone(),
            writes,
            is_read: true,
            tries: 0,
            not_before_ns: 0,
        };
        let widest = nodes.iter().map(Vec::len).max().unwrap_or(0);
        let diagonal: BTreeSet<(usize, usize)> = (0..nodes.len().max(widest))
            .filter_map(|step| {
                let key = step % nodes.len();
                let count = nodes[key].len();
                (count > 0).then(|| (key, step % count))
            })
            .collect();
        let first = diagonal.iter().map(|&(key, node)| pair(key, node, true));
        let places = |key: usize| (0..nodes[key].len()).map(move |node| (key, node));
        let all = (0..nodes.len()).flat_map(places);
        let others = all.filter(|place| !diagonal.contains(place));
        let others = others.map(|(key, node)| pair(key, node, false));
        self.waiting = first.chain(others).take(MOST_PAIRS).collect();
        self.outcome.pairs = self.waiting.len();
        let promised: usize = nodes.iter().map(Vec::len).sum();
        self.outcome.left_out = promised - self.waiting.len();
    }

    fn deadline_ns(&self) -> u64 {
        let within_ns = self.outcome.claim.map_or(0, |claim| claim.within_ns);
        self.outcome.healed_ns.saturating_add(within_ns)
    }

    /// What to do now, given whether a thread is free.
    pub fn next(&mut self, now_ns: u64, free: Option<usize>) -> Next {
        if self.outcome.breaches.len() >= MOST_BREACHES {
            self.waiting.clear();
        }
        let Some(first) = self.waiting.front() else {
            return if self.open_count > 0 {
                Next::Pending
            } else {
                Next::Done
            };
        };
        let Some(thread) = free else {
            return Next::Pending;
        };
        // Those that rest stand behind those that do not, in the order in which their rest ends.
        if first.not_before_ns > now_ns {
            return Next::WaitUntil(first.not_before_ns);
        }
        let Some(pair) = self.waiting.pop_front() else {
            return Next::Pending;
        };
        let op = if pair.is_read {
            self.probes.read(pair.key)
        } else {
            self.probes.write(pair.key)
        };
        let probe = Probe {
            op,
            through: pair.through.clone(),
            answers_ns: self.outcome.claim.map_or(0, |claim| claim.answers_ns),
        };
        self.open[thread] = Some((pair, now_ns));
        self.open_count += 1;
        Next::Probe(probe)
    }

    /// Takes in how the probe of a thread completed.
    pub fn completed(&mut self, thread: usize, event: &Event) {
        let Some((mut pair, invoked_ns)) = self.open.get_mut(thread).and_then(Option::take) else {
            return;
        };
        self.open_count -= 1;
        let now_ns = event.time as u64;
        if event.kind == Kind::Ok {
            if pair.is_read && pair.writes {
                pair.is_read = false;
                pair.tries = 0;
                self.waiting.push_front(pair);
            } else if self.waiting.is_empty() && self.open_count == 0 {
                let after_ns = now_ns.saturating_sub(self.outcome.healed_ns);
                self.outcome.served_after_ns = Some(after_ns);
            }
            return;
        }
        if invoked_ns >= self.deadline_ns() {
            let through = Some(pair.through);
            let breach = Breach::new(through, event, invoked_ns, pair.tries);
            self.outcome.breaches.push(breach);
            return;
        }
        pair.tries += 1;
        pair.not_before_ns = now_ns.saturating_add(PAUSE_NS);
        self.waiting.push_back(pair);
    }

    /// How it went.
    pub fn outcome(mut self) -> Recovered {
        let is_done = self.waiting.is_empty() && self.open_count == 0;
        if !is_done || !self.outcome.breaches.is_empty() {
            self.outcome.served_after_ns = None;
        }
        self.outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rupture_workloads::{WorkloadOptions, workload};

    const SECOND: u64 = 1_000_000_000;
    const CLAIM: RecoveryClaim = RecoveryClaim {
        within_ns: 10 * SECOND,
        answers_ns: SECOND,
        holds: "always",
    };

    /// Probes a set on five nodes, of which `dead` never serve, and the others from `serves_ns` on.
    fn probe(dead: &[u32], serves_ns: u64) -> (Recovered, Vec<(u64, String, String)>) {
        let probes = workload("set", &WorkloadOptions::default()).unwrap().probes;
        let mut nodes = |_: &Op| (0..5).map(NodeName::numbered).collect();
        let mut recovery = Recovery::new(probes, Some(CLAIM), &mut nodes, 1, 0);
        let (mut now_ns, mut asked) = (0, Vec::new());
        loop {
            match recovery.next(now_ns, Some(0)) {
                Next::Probe(probe) => {
                    let node = probe.through.to_string();
                    asked.push((now_ns, node.clone(), probe.op.f.to_string()));
                    let is_dead = dead
                        .iter()
                        .any(|it| NodeName::numbered(*it) == probe.through);
                    let kind = if is_dead || now_ns < serves_ns {
                        now_ns += probe.answers_ns;
                        Kind::Info
                    } else {
                        now_ns += 1_000;
                        Kind::Ok
                    };
                    let event = Event {
                        time: now_ns as i64,
                        ..Event::new(0, kind, &probe.op.f, probe.op.value)
                    };
                    recovery.completed(0, &event);
                }
                Next::WaitUntil(at_ns) => now_ns = at_ns,
                Next::Pending => panic!("nothing is open"),
                Next::Done => return (recovery.outcome(), asked),
            }
        }
    }

    #[test]
    fn every_node_is_read_and_written_through_and_asked_again_until_it_serves() {
        let (outcome, asked) = probe(&[], 3 * SECOND);
        assert_eq!((outcome.pairs, outcome.left_out), (5, 0));
        assert!(outcome.breaches.is_empty());
        assert_eq!(outcome.not_probed(), None);
        let some = Recovered {
            pairs: 10_000,
            left_out: 3,
            ..Recovered::default()
        };
        let told = some.not_probed().unwrap();
        assert!(
            told.contains("10,000 pairs") && told.contains("3 more"),
            "{told}"
        );
        let after_ns = outcome.served_after_ns.unwrap();
        assert!((3 * SECOND..4 * SECOND).contains(&after_ns), "{after_ns}");
        for node in 0..5 {
            let name = NodeName::numbered(node).to_string();
            let served = asked.iter().filter(|it| it.0 >= 3 * SECOND && it.1 == name);
            let what: Vec<&str> = served.map(|it| it.2.as_str()).collect();
            assert_eq!(what, ["read", "add"], "{name}");
        }
    }

    /// A system needs no primary for this, and one node that does not serve is enough.
    #[test]
    fn a_node_that_never_serves_breaks_the_claim_once_its_time_is_over() {
        let (outcome, asked) = probe(&[2], 0);
        assert_eq!(outcome.served_after_ns, None);
        let [breach] = &outcome.breaches[..] else {
            panic!("{outcome:?}");
        };
        assert_eq!(breach.through, Some(NodeName::numbered(2)));
        assert!(breach.invoked_ns >= 10 * SECOND && breach.tries > 5);
        let early = asked.iter().filter(|it| it.0 < 10 * SECOND && it.1 == "n3");
        assert_eq!(early.count() as u32, breach.tries);
    }

    #[test]
    fn a_dead_system_is_not_asked_for_ever() {
        let (outcome, _) = probe(&[0, 1, 2, 3, 4], 0);
        assert_eq!(outcome.breaches.len(), 5);
        assert_eq!(outcome.served_after_ns, None);
    }

    #[test]
    fn who_claims_nothing_is_asked_nothing() {
        let probes = workload("set", &WorkloadOptions::default()).unwrap().probes;
        let mut recovery = Recovery::new(probes, None, &mut |_| Vec::new(), 1, 0);
        assert!(matches!(recovery.next(0, Some(0)), Next::Done));
    }
}
