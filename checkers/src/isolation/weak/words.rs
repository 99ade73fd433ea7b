//! What was found, in words that a person can check by hand. A transaction is called by the index of the event that
//! invoked it.

use rupture_history::{Dependency, Outcome};

use super::arrows::{Arrow, CF};
use super::atomic::Missed;
use super::dependencies::Dependencies;
use super::flaws::Flaw;
use super::precedence::path;
use super::scan::NONE;
use super::views::{Overtaken, Torn};
use super::{Finding, Prepared};
use crate::Id;
use crate::isolation::graph::{WR, kind_name};
use crate::isolation::promise::Fault;
use crate::isolation::transactions::{Act, Registers, Transactions};

/// Puts findings into words.
pub(super) struct Words<'w, 'h> {
    pub(super) transactions: &'w Transactions<'h, Registers>,
    pub(super) dependencies: &'w Dependencies,
}

/// Why one transaction of a cycle comes before the next, and who else proves it.
#[derive(Clone, Debug, Default)]
pub(super) struct Reason {
    pub(super) sentences: Vec<String>,
    pub(super) nodes: Vec<u32>,
    /// The edges of the cycle, or of the way, in their order.
    pub(super) way: Vec<Arrow>,
    /// What those of them rest on that follow from something.
    pub(super) rests: Vec<Arrow>,
}

impl Reason {
    /// Adds what comes next.
    pub(super) fn then(&mut self, more: Self) {
        self.sentences.extend(more.sentences);
        self.nodes.extend(more.nodes);
        self.way.extend(more.way);
        self.rests.extend(more.rests);
    }

    /// Adds what others rest on.
    pub(super) fn rests_on(&mut self, more: Self) {
        self.sentences.extend(more.sentences);
        self.nodes.extend(more.nodes);
        self.rests.extend(more.way);
        self.rests.extend(more.rests);
    }
}

/// The first finding of each kind, in the order in which the kinds were found: the smaller ones come first.
pub(super) fn of_each_kind(findings: Vec<Finding>) -> Vec<Finding> {
    let mut first: Vec<Finding> = Vec::new();
    for finding in findings {
        if first.iter().all(|known| known.kind != finding.kind) {
            first.push(finding);
        }
    }
    first
}

impl<'w, 'h> Words<'w, 'h> {
    pub(super) fn of(prepared: &'w Prepared<'_, 'h>) -> Self {
        Self {
            transactions: prepared.transactions,
            dependencies: &prepared.dependencies,
        }
    }

    /// A node's name.
    pub(super) fn name(&self, node: u32) -> String {
        self.called(self.dependencies.number[node as usize])
    }

    fn called(&self, number: u32) -> String {
        format!("T{}", self.transactions.index(number))
    }

    pub(super) fn key(&self, key: u32) -> String {
        self.transactions.keys.text(Id(key))
    }

    /// The last value that a node wrote to a key; `nil` for the initial version.
    pub(super) fn value(&self, writer: u32, key: u32) -> String {
        let mut value = Id::NIL;
        if writer != NONE {
            for micro in self
                .transactions
                .micros_of(self.dependencies.number[writer as usize])
            {
                if let Act::Write(written) = micro.act
                    && micro.key == key
                {
                    value = written;
                }
            }
        }
        self.transactions.values.text(value)
    }

    /// A finding about these nodes.
    pub(super) fn finding(
        &self,
        kind: &'static str,
        key: Option<u32>,
        summary: String,
        reason: Reason,
    ) -> Finding {
        let numbers = reason.nodes.iter().filter(|&&node| node != NONE);
        let mut transactions: Vec<u32> = numbers
            .map(|&node| self.dependencies.number[node as usize])
            .collect();
        transactions.sort_unstable();
        transactions.dedup();
        let dependencies = self.edges(&reason);
        let mut explanation = reason.sentences;
        for &number in &transactions {
            if self.transactions.outcome(number) == Outcome::Info {
                explanation.push(format!(
                    "Nobody was told whether {} committed; what was read of it shows that it did.",
                    self.called(number)
                ));
            }
        }
        Finding {
            kind,
            key,
            summary,
            explanation,
            transactions,
            dependencies,
        }
    }

    /// A read that no version explains.
    pub(super) fn flaw(&self, fault: Fault, flaw: Flaw, count: usize) -> Finding {
        let reader = self.called(flaw.reader);
        let other = self.called(flaw.other);
        let read = self.did(flaw.place);
        let did = self.did(flaw.other_place);
        let sentence = match fault {
            Fault::GarbageRead => format!("{reader} {read}, which nobody wrote."),
            Fault::AbortedRead => format!("{reader} {read}; but {other}, which {did}, failed."),
            Fault::IntermediateRead => {
                format!("{reader} {read}; but {other}, which {did}, then wrote the key again.")
            }
            Fault::FutureRead => {
                format!("{reader} {read}, which {reader} itself wrote only later.")
            }
            _ => format!("{reader} {read}, which contradicts what {reader} did before: it {did}."),
        };
        let more = match count {
            0 | 1 => String::new(),
            2 => " There is one more like it.".to_owned(),
            _ => format!(" There are {} more like it.", count - 1),
        };
        let mut transactions = vec![flaw.reader, flaw.other];
        transactions.sort_unstable();
        transactions.dedup();
        Finding {
            kind: fault.name(),
            key: Some(flaw.key),
            summary: sentence + &more,
            explanation: Vec::new(),
            transactions,
            dependencies: self.dirty(fault, flaw),
        }
    }

    /// The edge of a read of what did not commit, or was not to stay.
    fn dirty(&self, fault: Fault, flaw: Flaw) -> Vec<Dependency> {
        if !matches!(fault, Fault::AbortedRead | Fault::IntermediateRead) {
            return Vec::new();
        }
        let (reader, other) = (self.called(flaw.reader), self.called(flaw.other));
        vec![Dependency {
            from: self.transactions.index(flaw.other),
            to: self.transactions.index(flaw.reader),
            kind: kind_name(WR).to_owned(),
            why: format!(
                "{reader} {}, and {other} {}.",
                self.did(flaw.place),
                self.did(flaw.other_place)
            ),
        }]
    }

    /// What a micro-operation did, after the name of its transaction.
    fn did(&self, place: u32) -> String {
        let micro = self.transactions.micros()[place as usize];
        let key = self.key(micro.key);
        match micro.act {
            Act::Write(value) => {
                format!(
                    "wrote {} to key {key}",
                    self.transactions.values.text(value)
                )
            }
            Act::Read(value) => {
                format!("read {} of key {key}", self.transactions.values.text(value))
            }
        }
    }

    /// A cycle, with a reason for each step that is no read, no session (if they count) and not assumed.
    pub(super) fn cycle(
        &self,
        (kind, sessions): (&'static str, bool),
        cycle: &[u32],
        why: impl Fn(u32, u32) -> Reason,
    ) -> Finding {
        self.cycle_of(kind, cycle, |from, to| {
            let direct = self.direct(from, to, sessions);
            let known = direct.or_else(|| self.presumed(from, to));
            known.unwrap_or_else(|| why(from, to))
        })
    }

    /// A cycle, with a reason for each step.
    pub(super) fn cycle_of(
        &self,
        kind: &'static str,
        cycle: &[u32],
        why: impl Fn(u32, u32) -> Reason,
    ) -> Finding {
        let names: Vec<String> = cycle.iter().map(|&node| self.name(node)).collect();
        let first = names.first().cloned().unwrap_or_default();
        let summary = format!(
            "{} < {first}: each would have to come before itself.",
            names.join(" < ")
        );
        let mut all = Reason {
            nodes: cycle.to_vec(),
            ..Reason::default()
        };
        for (&from, &to) in cycle.iter().zip(cycle.iter().cycle().skip(1)) {
            all.then(why(from, to));
        }
        self.finding(kind, None, summary, all)
    }

    /// A cycle of who reads from whom, and of sessions if they count.
    pub(super) fn circular(
        &self,
        (kind, sessions): (&'static str, bool),
        cycle: &[u32],
    ) -> Finding {
        self.cycle((kind, sessions), cycle, |_, _| Reason::default())
    }

    /// Whether one node read from the other or, if that counts, followed it in its session, in words.
    pub(super) fn direct(&self, from: u32, to: u32, sessions: bool) -> Option<Reason> {
        let mut reads = self.dependencies.reads.of(to).iter();
        let arrow = if let Some(read) = reads.find(|read| read.source == from) {
            self.read_from(from, to, read.key)
        } else if sessions && self.dependencies.before(to).contains(&from) {
            self.in_session(from, to)
        } else {
            return None;
        };
        Some(Reason {
            sentences: vec![arrow.why.clone()],
            nodes: vec![from, to],
            way: vec![arrow],
            rests: Vec::new(),
        })
    }

    /// How one node happened before another, step by step.
    pub(super) fn happened(&self, from: u32, to: u32) -> Reason {
        let mut all = Reason::default();
        let path = path(self.dependencies, from, to).unwrap_or_default();
        for pair in path.windows(2) {
            all.then(self.direct(pair[0], pair[1], true).unwrap_or_default());
        }
        all
    }

    /// Someone read the initial version of a key although it had seen a writer of it.
    pub(super) fn causal_initial(&self, missed: &Missed) -> Finding {
        let (reader, writer) = (self.name(missed.reader), self.name(missed.writer));
        let key = self.key(missed.key);
        let summary = format!(
            "{reader} read nil of key {key}, although {writer}, which wrote {} to it, happened before.",
            self.value(missed.writer, missed.key)
        );
        let mut reason = self.happened(missed.writer, missed.reader);
        reason.nodes.extend([missed.writer, missed.reader]);
        let overwritten = self.initial_overwritten(missed.reader, missed.writer, missed.key);
        reason.way.push(overwritten);
        self.finding("write-co-init-read", Some(missed.key), summary, reason)
    }

    /// Reads of one transaction that no order of what happened before it explains.
    pub(super) fn view(&self, torn: &Torn) -> Finding {
        let reader = self.name(torn.reader);
        let mut reason = Reason {
            nodes: vec![torn.reader],
            ..Reason::default()
        };
        let next = torn.steps.iter().cycle().skip(1);
        for (step, next) in torn.steps.iter().zip(next) {
            self.overtaken(torn.reader, *step, next.source, &mut reason);
        }
        if let [step] = torn.steps[..] {
            let summary = format!(
                "{reader} read {} of key {}, but {} had overwritten it with {} before that happened.",
                self.value(step.source, step.key),
                self.key(step.key),
                self.name(step.writer),
                self.value(step.writer, step.key),
            );
            return self.finding("write-co-read", Some(step.key), summary, reason);
        }
        let names: Vec<String> = torn
            .steps
            .iter()
            .map(|step| self.name(step.source))
            .collect();
        let summary = format!(
            "{reader} read what {} wrote, and no order of what happened before {reader} explains all of these reads.",
            names.join(" and ")
        );
        self.finding("fractured-read", None, summary, reason)
    }

    /// Why a source comes before the next in the eyes of the reader.
    fn overtaken(&self, reader: u32, step: Overtaken, next: u32, reason: &mut Reason) {
        if step.source != step.writer {
            reason.then(self.happened(step.source, step.writer));
        }
        if step.writer == next {
            return;
        }
        reason.rests_on(self.happened(step.writer, reader));
        let (name, writer, next_name) =
            (self.name(reader), self.name(step.writer), self.name(next));
        let why = format!(
            "{writer} wrote {} to key {}, and {name} read {}, which {next_name} had written: so to {name} \
             {writer} came before {next_name}.",
            self.value(step.writer, step.key),
            self.key(step.key),
            self.value(next, step.key),
        );
        reason.then(Reason {
            way: vec![Arrow::forced((step.writer, next), CF, &why)],
            rests: vec![self.read_from(next, reader, step.key)],
            sentences: vec![why],
            nodes: vec![step.writer, next],
        });
    }
}
