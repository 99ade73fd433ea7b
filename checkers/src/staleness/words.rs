//! What is wrong, in words.

use rupture_history::{Anomaly, Evidence, History, Operation};

use super::bounds::overwritten;
use super::clusters::{Cluster, Impossible, Reading, RegisterCall, read};
use super::delta::{Times, conflicts};
use crate::linearizability::calls::Part;
use crate::models::Register;
use crate::models::op::RegisterOp;
use crate::{Id, Model};

/// One register and its operations.
pub(super) type RegisterPart = Part<RegisterOp>;

/// How many writes are named one by one.
const NAMED: usize = 4;

/// A span of time for people: three digits behind the point of the largest unit that fits.
pub(super) fn duration(ns: u64) -> String {
    let (unit, size) = match ns {
        0..1_000 => return format!("{ns} ns"),
        1_000..1_000_000 => ("us", 1_000),
        1_000_000..1_000_000_000 => ("ms", 1_000_000),
        _ => ("s", 1_000_000_000),
    };
    let rest = ns % size * 1_000 / size;
    if ns.is_multiple_of(size) {
        return format!("{} {unit}", ns / size);
    }
    let exact = if ns.is_multiple_of(size / 1_000) {
        ""
    } else {
        "about "
    };
    format!("{exact}{}.{rest:03} {unit}", ns / size)
}

fn writes(count: usize) -> String {
    match count {
        1 => "1 write".to_owned(),
        count => format!("{count} writes"),
    }
}

fn later(count: usize) -> String {
    match count {
        1 => "1 later write".to_owned(),
        count => format!("{count} later writes"),
    }
}

/// Words about the calls of one part.
pub(super) struct Words<'a> {
    history: &'a History,
    operations: &'a [Operation],
    part: &'a RegisterPart,
}

impl<'a> Words<'a> {
    pub(super) fn new(
        history: &'a History,
        operations: &'a [Operation],
        part: &'a RegisterPart,
    ) -> Self {
        Self {
            history,
            operations,
            part,
        }
    }

    fn call(&self, call: u32) -> &RegisterCall {
        &self.part.calls[call as usize]
    }

    /// An operation by who did what in which events.
    fn name(&self, call: u32) -> String {
        let call = self.call(call);
        let operation = &self.operations[call.operation as usize];
        let what = Register.describe(&call.op, &self.part.values);
        let begin = self.index(call.invoked);
        let events = match operation.ended() {
            Some(row) => format!("events {begin} to {}", self.index(row)),
            None => format!("event {begin}, never seen to complete"),
        };
        let process = self.history.process(operation.process);
        format!("process {process}'s {what} ({events})")
    }

    fn index(&self, row: u32) -> u64 {
        self.history.get(row as usize).index()
    }

    fn on(&self) -> String {
        let key = self.part.key.as_ref();
        key.map_or(String::new(), |key| format!(" on key {key}"))
    }

    fn anomaly(
        &self,
        kind: &str,
        summary: String,
        explanation: Vec<String>,
        calls: &[u32],
    ) -> Anomaly {
        let of = |call: &u32| {
            let operation = self.call(*call).operation;
            Evidence::of(self.history, &self.operations[operation as usize])
        };
        Anomaly {
            kind: kind.to_owned(),
            key: self.part.key.clone(),
            summary,
            explanation,
            evidence: calls.iter().map(of).collect(),
            ..Anomaly::default()
        }
    }

    /// A read that no bound explains.
    pub(super) fn impossible(&self, found: Impossible) -> Anomaly {
        let read = self.name(found.read);
        let Some(write) = found.write else {
            let summary = format!("{read} returned a value that nobody wrote{}", self.on());
            let why = "No bound on staleness explains a value from nowhere.".to_owned();
            return self.anomaly("unwritten-read", summary, vec![why], &[found.read]);
        };
        let summary = format!(
            "{read} returned a value before anybody had begun to write it{}",
            self.on()
        );
        let why = vec![
            format!("The first write of it is {}.", self.name(write)),
            "No bound on staleness explains a value from the future.".to_owned(),
        ];
        self.anomaly("future-read", summary, why, &[found.read, write])
    }

    /// Operations that have no order.
    pub(super) fn no_order(
        &self,
        kind: &str,
        summary: String,
        explanation: Vec<String>,
        calls: &[u32],
    ) -> Anomaly {
        self.anomaly(kind, summary, explanation, calls)
    }

    /// A read that is too many versions old, by evidence that is impossible.
    pub(super) fn stale_by_versions(&self, calls: &[u32], k: u32, known: usize) -> Anomaly {
        let clusters = match read(&self.part.calls, calls) {
            Reading::Clusters(clusters) => clusters,
            Reading::Impossible(_) | Reading::Repeated => Vec::new(),
        };
        let counts = overwritten(&clusters);
        let worst = (0..clusters.len()).max_by_key(|&at| (counts[at], std::cmp::Reverse(at)));
        let worst = worst.map(|at| clusters[at]);
        let Some((stale, begun)) = worst.and_then(|stale| Some((stale, stale.last_begun?))) else {
            let summary = format!("a read is older than {k} versions{}", self.on());
            return self.anomaly("stale-read", summary, Vec::new(), calls);
        };
        let between: Vec<&Cluster> = clusters
            .iter()
            .filter(|other| other.begin > stale.first_end && other.first_end < stale.last_begin)
            .collect();
        let mut explanation = vec![self.origin(&stale)];
        explanation.extend(
            between
                .iter()
                .take(NAMED)
                .map(|other| self.overwriting(other, begun)),
        );
        if between.len() > NAMED {
            explanation.push(format!("So had {} more.", writes(between.len() - NAMED)));
        }
        explanation.push(format!(
            "In every order {} lie{} between the value and its read, so it is not among the {k} latest; in all there \
             are at least {known}.",
            writes(between.len()),
            if between.len() == 1 { "s" } else { "" },
        ));
        let summary = format!(
            "{} returned a value that at least {} had replaced, where k-atomic={k} allows {}{}",
            self.name(begun),
            later(known),
            k - 1,
            self.on()
        );
        self.anomaly("stale-read", summary, explanation, calls)
    }

    /// Since when a value was there.
    fn origin(&self, cluster: &Cluster) -> String {
        let Some(write) = cluster.write else {
            return "Its value is the one before the first write.".to_owned();
        };
        match cluster.first_ended.filter(|&ended| ended != write) {
            None => format!(
                "{} had completed before the following writes began.",
                self.name(write)
            ),
            Some(read) => format!(
                "{} had seen the value of {}, and had completed, before the following writes began.",
                self.name(read),
                self.name(write)
            ),
        }
    }

    /// That a write had happened before a read began.
    fn overwriting(&self, other: &Cluster, read: u32) -> String {
        let Some(write) = other.write else {
            return String::new();
        };
        match other.first_ended.filter(|&ended| ended != write) {
            None => format!(
                "{} had completed before {} began.",
                self.name(write),
                self.name(read)
            ),
            Some(seen) => format!(
                "{} had happened before {} began, because {} had seen its value.",
                self.name(write),
                self.name(read),
                self.name(seen)
            ),
        }
    }

    /// A read whose value was overwritten too long ago, by evidence that is impossible.
    pub(super) fn stale_by_time(&self, calls: &[u32], times: Times<'_>, delta: u64) -> Anomaly {
        let clusters = match read(&self.part.calls, calls) {
            Reading::Clusters(clusters) => clusters,
            Reading::Impossible(_) | Reading::Repeated => Vec::new(),
        };
        let found = conflicts(&clusters, times, delta).into_iter().next();
        let Some((found, begun)) = found.and_then(|c| Some((c, c.stale.last_begun?))) else {
            let summary = format!("a read is staler than {}{}", duration(delta), self.on());
            return self.anomaly("stale-read", summary, Vec::new(), calls);
        };
        let explanation = vec![
            self.before(&found.stale, &found.other, times),
            self.before(&found.other, &found.stale, times),
            "Each of the two values would have to come before the other.".to_owned(),
        ];
        let summary = format!(
            "{} returned a value that was at least {} stale when it began, where {} is allowed{}",
            self.name(begun),
            duration(found.needed),
            duration(delta),
            self.on()
        );
        self.anomaly("stale-read", summary, explanation, calls)
    }

    /// Why the value of one cluster came before that of another.
    fn before(&self, one: &Cluster, other: &Cluster, times: Times<'_>) -> String {
        let value = self.value(one);
        let later = self.value(other);
        let Some(ended) = one.first_ended else {
            return format!("{value} came before {later}, because it was there at the beginning.");
        };
        let ended = self.name(ended);
        match (other.write, other.last_begun) {
            (Some(write), _) if one.first_end < other.begin => format!(
                "{value} came before {later}, because {ended} had completed when {} began.",
                self.name(write)
            ),
            (_, Some(read)) => format!(
                "{value} was written before the last time at which {later} may be read, because {ended} had completed \
                 {} before {} began.",
                duration(times.between(one.first_end, other.last_begin)),
                self.name(read)
            ),
            (_, None) => format!("{value} came before {later}."),
        }
    }

    fn value(&self, cluster: &Cluster) -> String {
        match cluster.write.map(|write| self.call(write).op) {
            Some(RegisterOp::Write(value)) => self.part.values.text(value),
            _ => self.part.values.text(Id::NIL),
        }
    }

    /// Operations with repeated values that have no order although reads may be stale.
    pub(super) fn no_order_in_time(&self, calls: &[u32], delta: u64, smallest: bool) -> Anomaly {
        let summary = format!(
            "no order explains these {} operations{}, although a read may be {} stale",
            calls.len(),
            self.on(),
            duration(delta)
        );
        let mut explanation = vec![format!(
            "No order of them is allowed in which each read takes effect at some moment from {} before its \
             invocation to its completion, and each write while it ran.",
            duration(delta)
        )];
        if !smallest {
            explanation.push(
                "The search for the smallest set was cut short: not all of these may be needed."
                    .to_owned(),
            );
        }
        self.anomaly("stale-read", summary, explanation, calls)
    }
}
