//! What was found, in words that a person can check by hand. A transaction is called by the index of the event that
//! invoked it.

use rupture_history::Outcome;

use super::atomic::Missed;
use super::dependencies::Dependencies;
use super::flaws::Flaw;
use super::precedence::path;
use super::scan::NONE;
use super::views::{Overtaken, Torn};
use super::{Finding, Prepared};
use crate::Id;
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
        }
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

    /// A cycle, with a reason for each step; `sessions`: whether their order is one.
    pub(super) fn cycle(
        &self,
        (kind, sessions): (&'static str, bool),
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
            sentences: Vec::new(),
            nodes: cycle.to_vec(),
        };
        for (&from, &to) in cycle.iter().zip(cycle.iter().cycle().skip(1)) {
            let direct = self.direct(from, to, sessions);
            let reason = direct.unwrap_or_else(|| why(from, to));
            all.sentences.extend(reason.sentences);
            all.nodes.extend(reason.nodes);
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
        let (earlier, later) = (self.name(from), self.name(to));
        let mut reads = self.dependencies.reads.of(to).iter();
        let sentence = if let Some(read) = reads.find(|read| read.source == from) {
            format!(
                "{later} read {} of key {}, which {earlier} had written, so {earlier} came before {later}.",
                self.value(from, read.key),
                self.key(read.key)
            )
        } else if sessions && self.dependencies.before(to).contains(&from) {
            let number = self.dependencies.number[from as usize];
            let process = self.transactions.operations[number as usize].process;
            format!(
                "Process {process} had completed {earlier} before it invoked {later}, so {earlier} came before {later}."
            )
        } else {
            return None;
        };
        Some(Reason {
            sentences: vec![sentence],
            nodes: vec![from, to],
        })
    }

    /// How one node happened before another, step by step.
    pub(super) fn happened(&self, from: u32, to: u32) -> Reason {
        let mut all = Reason::default();
        let path = path(self.dependencies, from, to).unwrap_or_default();
        for pair in path.windows(2) {
            let reason = self.direct(pair[0], pair[1], true).unwrap_or_default();
            all.sentences.extend(reason.sentences);
            all.nodes.extend(reason.nodes);
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
        self.finding("write-co-init-read", Some(missed.key), summary, reason)
    }

    /// Reads of one transaction that no order of what happened before it explains.
    pub(super) fn view(&self, torn: &Torn) -> Finding {
        let reader = self.name(torn.reader);
        let mut reason = Reason {
            sentences: Vec::new(),
            nodes: vec![torn.reader],
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
        let mut add = |more: Reason| {
            reason.sentences.extend(more.sentences);
            reason.nodes.extend(more.nodes);
        };
        if step.source != step.writer {
            add(self.happened(step.source, step.writer));
        }
        if step.writer == next {
            return;
        }
        add(self.happened(step.writer, reader));
        let (name, writer, next_name) =
            (self.name(reader), self.name(step.writer), self.name(next));
        add(Reason {
            sentences: vec![format!(
                "{writer} wrote {} to key {}, and {name} read {}, which {next_name} had written: so to {name} \
                 {writer} came before {next_name}.",
                self.value(step.writer, step.key),
                self.key(step.key),
                self.value(next, step.key),
            )],
            nodes: vec![step.writer, next],
        });
    }
}
