//! What was found, in words that a person can check by hand. A transaction is called by the index of the event that
//! invoked it.

use rupture_history::verdict::{Anomaly, Dependency};
use rupture_history::{Outcome, ValueRef};

use super::anomaly::anomaly;
use super::findings::{Assumed, Finding};
use super::lists::{NONE, elements, length, value};
use super::prepared::Prepared;
use crate::Id;
use crate::isolation::cycles::{Cycle, Step};
use crate::isolation::graph::{CURSOR, PROCESS, REALTIME, RW, WR, WW, kind_name};
use crate::isolation::promise::Fault;
use crate::isolation::transactions::{Act, Write};

/// The longest list that is shown whole, and how many of the last elements are shown of a longer one.
const WHOLE: usize = 8;
const LAST: usize = 4;
/// How many keys are named one by one.
const KEYS: usize = 5;

/// Puts what was found into words.
pub(super) struct Words<'w, 'a, 'h> {
    prepared: &'w Prepared<'a, 'h>,
}

impl<'w, 'a, 'h> Words<'w, 'a, 'h> {
    pub(super) fn of(prepared: &'w Prepared<'a, 'h>) -> Self {
        Self { prepared }
    }

    /// The transaction's name.
    fn name(&self, transaction: u32) -> String {
        format!("T{}", self.prepared.transactions.index(transaction))
    }

    fn key(&self, key: u32) -> String {
        self.prepared.transactions.keys.text(Id(key))
    }

    fn element(&self, place: u32) -> String {
        match self.prepared.transactions.micros()[place as usize].act {
            Act::Write(value) => self.prepared.transactions.values.text(value),
            Act::Read(value) => list(value),
        }
    }

    /// What a micro-operation did, after the name of its transaction.
    fn did(&self, place: u32) -> String {
        let micro = self.prepared.transactions.micros()[place as usize];
        let key = self.key(micro.key);
        match micro.act {
            Act::Write(_) => format!("appended {} to key {key}", self.element(place)),
            Act::Read(value) => format!("read {} of key {key}", list(value)),
        }
    }

    /// An anomaly that one or two transactions show.
    pub(super) fn fault(&self, finding: &Finding, count: usize) -> Anomaly {
        let reader = self.name(finding.reader);
        let other = self.name(finding.other);
        let key = self.key(finding.key);
        let read = self.did(finding.place);
        let theirs = self.did(finding.other_place);
        let own = self.element(finding.other_place);
        let sentence = match finding.fault {
            Fault::GarbageRead => {
                format!("{reader} {read}, which holds an element that nobody appended.")
            }
            Fault::DuplicateElements => {
                format!("{reader} {read}, which holds an element twice; every append happens once.")
            }
            Fault::IncompatibleOrder => {
                format!(
                    "{reader} {read}, and {other} {theirs}: neither list begins with the other."
                )
            }
            Fault::DisorderedAppends => format!(
                "{reader} {read}; but before {other} {theirs} it had appended to that key what does not \
                 come before {own}."
            ),
            Fault::AbortedRead => {
                format!("{reader} {read}, which holds {own}; but {other}, which {theirs}, failed.")
            }
            Fault::DirtyUpdate => {
                format!("{reader} {read}, right onto {own}; but {other}, which {theirs}, failed.")
            }
            Fault::IntermediateRead => format!(
                "{reader} {read}, which ends with {own}; but {other}, which {theirs}, then appended more to it."
            ),
            Fault::FutureRead => {
                format!("{reader} {read}, which holds what {reader} itself appends only later.")
            }
            Fault::Internal => format!(
                "{reader} {read}, which does not follow from what {reader} did before: it {theirs}."
            ),
            Fault::LostUpdate => format!(
                "{other} {theirs}, and {reader} {read}: the same version. Each appended to it what it \
                 did not read, so one of them did not see what it updated."
            ),
            Fault::Cursor => format!(
                "{reader} {read} and appended to it what it did not read, but before that append comes that \
                 of {other}, which {theirs}."
            ),
            Fault::VanishedTransaction => format!(
                "{reader} {theirs}, which {other} wrote; and after that it {read}, where {other}'s append \
                 is missing."
            ),
            Fault::FracturedRead => format!(
                "{reader} {theirs}, which {other} wrote; but it {read}, where {other}'s append is missing."
            ),
            Fault::NonMonotonicRead | Fault::MissedOwnWrite => format!(
                "{reader} {read}; but {other}, which the same process had completed before, {theirs}."
            ),
        };
        let mut anomaly = anomaly(
            self.prepared,
            finding.fault.name(),
            &[finding.reader, finding.other],
        );
        anomaly.key = Some(key);
        anomaly.summary = summary(sentence, count);
        anomaly.explanation = self.surroundings(finding);
        anomaly
    }

    /// What else one should know about a fault.
    fn surroundings(&self, finding: &Finding) -> Vec<String> {
        let transactions = self.prepared.transactions;
        let unknown = transactions.outcome(finding.other) == Outcome::Info;
        let seen = unknown.then(|| {
            let other = self.name(finding.other);
            format!(
                "Nobody was told whether {other} committed; what was read of it shows that it did."
            )
        });
        seen.into_iter().collect()
    }

    /// An anomaly that is a cycle.
    pub(super) fn cycle(&self, cycle: &Cycle, count: usize) -> Anomaly {
        let transactions: Vec<u32> = cycle.steps.iter().map(|step| step.from).collect();
        // Nobody can check in which order two appended without the read that shows it.
        let overwritten = cycle.steps.iter().filter(|step| step.kind == WW);
        let readers = overwritten.filter_map(|step| self.order_shown(*step));
        let evidence: Vec<u32> = transactions.iter().copied().chain(readers).collect();
        let mut anomaly = anomaly(self.prepared, cycle.name, &evidence);
        let names: Vec<String> = transactions.iter().map(|&t| self.name(t)).collect();
        let first = names.first().cloned().unwrap_or_default();
        let sentence = format!(
            "{} < {first}: each would have to come before itself.",
            names.join(" < ")
        );
        anomaly.summary = summary(sentence, count);
        for &step in &cycle.steps {
            let why = self.step(step);
            anomaly.explanation.push(why.clone());
            anomaly.dependencies.push(Dependency {
                from: self.prepared.transactions.index(step.from),
                to: self.prepared.transactions.index(step.to),
                kind: kind_name(step.kind).to_owned(),
                why,
            });
        }
        anomaly
    }

    /// An anomaly that shows whatever the order of appends that nobody saw.
    pub(super) fn cases(&self, cases: &[(Assumed, Cycle)], level: &str, count: usize) -> Anomaly {
        let cycles = cases.iter().flat_map(|(_, cycle)| &cycle.steps);
        let mut transactions: Vec<u32> = cycles.map(|step| step.from).collect();
        let assumed = cases.iter().flat_map(|(assumed, _)| assumed);
        transactions.extend(assumed.flat_map(|&(one, other)| [one, other]));
        let mut anomaly = anomaly(self.prepared, &format!("not-{level}"), &transactions);
        let sentence =
            "No read shows in which order some transactions appended to a key, and every order \
                        has a cycle."
                .to_owned();
        anomaly.summary = summary(sentence, count);
        for (assumed, cycle) in cases {
            let pairs: Vec<String> = assumed
                .iter()
                .map(|&(one, other)| format!("{} came before {}", self.name(one), self.name(other)))
                .collect();
            let names: Vec<String> = cycle
                .steps
                .iter()
                .map(|step| self.name(step.from))
                .collect();
            let first = names.first().cloned().unwrap_or_default();
            let order = format!("{} < {first}", names.join(" < "));
            anomaly
                .explanation
                .push(format!("If {}: {order}.", pairs.join(" and ")));
            for &step in &cycle.steps {
                if !assumed.contains(&(step.from, step.to)) {
                    anomaly.explanation.push(self.step(step));
                }
            }
        }
        anomaly
    }

    /// Why one transaction of a cycle comes before the next.
    fn step(&self, step: Step) -> String {
        let (from, to) = (self.name(step.from), self.name(step.to));
        let why = match step.kind {
            WW => self.overwrote(step),
            WR => self.read_from(step),
            RW => self.overwritten(step),
            CURSOR => self.updated(step),
            PROCESS => Some(self.session(step)),
            REALTIME => self.real_time(step),
            _ => None,
        };
        why.unwrap_or_else(|| format!("{from} came before {to}."))
    }

    fn session(&self, step: Step) -> String {
        let (from, to) = (self.name(step.from), self.name(step.to));
        let process = self.prepared.transactions.process(step.from);
        format!(
            "Process {process} had completed {from} before it invoked {to}, so {from} came before {to}."
        )
    }

    fn real_time(&self, step: Step) -> Option<String> {
        let transactions = self.prepared.transactions;
        let (from, to) = (self.name(step.from), self.name(step.to));
        let completed = transactions.operations[step.from as usize].completed?;
        let completed = transactions.history.get(completed as usize).index();
        let invoked = transactions.index(step.to);
        Some(format!(
            "{from} had completed (event {completed}) before {to} was invoked (event {invoked}), so {from} \
             came before {to}."
        ))
    }

    /// Who read the list that shows that one overwrote the other.
    fn order_shown(&self, step: Step) -> Option<u32> {
        let mut places = self.prepared.transactions.places(step.from);
        places.find_map(|place| {
            let (key, write) = self.write_at(place)?;
            let seen = self.prepared.listing.place_of[write];
            let after = (seen as usize).checked_add(1).filter(|_| seen != NONE)?;
            self.next(key, after, step.to)?;
            let longest = self.prepared.listing.lists[key as usize].longest?;
            Some(longest.transaction)
        })
    }

    /// Both appended to a key, one right after the other.
    fn overwrote(&self, step: Step) -> Option<String> {
        let (from, to) = (self.name(step.from), self.name(step.to));
        for place in self.prepared.transactions.places(step.from) {
            let Some((key, write)) = self.write_at(place) else {
                continue;
            };
            let seen = self.prepared.listing.place_of[write];
            if seen == NONE {
                continue;
            }
            let Some(next) = self.next(key, seen as usize + 1, step.to) else {
                continue;
            };
            if !next.seen {
                return Some(self.overwrote_unseen(step, place as u32, next.place));
            }
            let key = self.key(key);
            let one = self.element(place as u32);
            let two = self.element(next.place);
            let reader = self.order_shown(step).map(|reader| self.name(reader));
            let shown = reader.map_or(String::new(), |reader| format!(", as {reader} read"));
            return Some(format!(
                "{to} appended {two} to key {key} after {from} had appended {one}{shown}."
            ));
        }
        self.overwrote_later(step)
    }

    /// Both appended to a key, with what did not surely commit between them, or contradicting reads beside them.
    fn overwrote_later(&self, step: Step) -> Option<String> {
        let (from, to) = (self.name(step.from), self.name(step.to));
        let transactions = self.prepared.transactions;
        for place in transactions.places(step.from) {
            let Some((key, write)) = self.write_at(place) else {
                continue;
            };
            for &read in self.prepared.listing.reads_of(key) {
                let seen = elements(transactions, self.prepared.writes, key, read);
                let mut later = seen.iter().skip_while(|&&seen| seen as usize != write);
                let next = later.find_map(|&seen| {
                    let next = self.prepared.writes.all().get(seen as usize);
                    next.filter(|next| next.transaction == step.to)
                });
                if let Some(next) = next {
                    return Some(format!(
                        "{to} appended {} to key {} after {from} had appended {}, as {} read.",
                        self.element(next.place),
                        self.key(key),
                        self.element(place as u32),
                        self.name(read.transaction),
                    ));
                }
            }
            let reads = self.prepared.listing.reads_of(key).iter();
            let shown: Vec<u32> = reads
                .flat_map(|&read| elements(transactions, self.prepared.writes, key, read))
                .collect();
            let unseen = self.append_beside(step.to, key, &shown);
            if let Some(next) = unseen.filter(|_| shown.contains(&(write as u32))) {
                return Some(self.overwrote_unseen(step, place as u32, next));
            }
        }
        None
    }

    fn overwrote_unseen(&self, step: Step, one: u32, two: u32) -> String {
        let (from, to) = (self.name(step.from), self.name(step.to));
        let key = self.key(self.prepared.transactions.micros()[one as usize].key);
        let (one, two) = (self.element(one), self.element(two));
        format!(
            "{from} appended {one} to key {key}; {to} appended {two}, which no read shows, so it came later than \
             all that was read."
        )
    }

    /// One read what the other appended.
    fn read_from(&self, step: Step) -> Option<String> {
        let (from, to) = (self.name(step.from), self.name(step.to));
        let transactions = self.prepared.transactions;
        for place in transactions.places(step.to) {
            let Act::Read(seen) = transactions.micros()[place].act else {
                continue;
            };
            let key = transactions.micros()[place].key;
            let own = |write: &Write| write.transaction == step.to;
            let writes: Vec<Write> = seen
                .items()
                .into_iter()
                .flatten()
                .filter_map(|item| transactions.values.find(item))
                .filter_map(|id| self.prepared.writes.find(key, id).copied())
                .collect();
            // What one appended oneself hides whose version it was appended to.
            let write = writes.iter().rev().find(|write| !own(write));
            if let Some(write) = write.filter(|write| write.transaction == step.from) {
                return Some(format!(
                    "{to} read {} of key {}, and {from} had appended {}.",
                    list(seen),
                    self.key(key),
                    self.element(write.place),
                ));
            }
        }
        None
    }

    /// One read what the other then overwrote.
    fn overwritten(&self, step: Step) -> Option<String> {
        let (from, to) = (self.name(step.from), self.name(step.to));
        let transactions = self.prepared.transactions;
        for (key, read) in self.prepared.listing.reads_by(transactions, step.from) {
            let Some(next) = self.next(key, length(transactions, read), step.to) else {
                continue;
            };
            let last = if next.seen {
                ""
            } else {
                " (no read shows it, so it came later than all that was read)"
            };
            return Some(format!(
                "{from} read {} of key {}, so it came before {to}, which appended {}{last}.",
                list(value(transactions, read)),
                self.key(key),
                self.element(next.place),
            ));
        }
        None
    }

    /// Both appended to a key what no read shows, and one had read it: it updates what it read only by coming first.
    fn updated(&self, step: Step) -> Option<String> {
        let (from, to) = (self.name(step.from), self.name(step.to));
        let transactions = self.prepared.transactions;
        for (key, read) in self.prepared.listing.reads_by(transactions, step.from) {
            let held = elements(transactions, self.prepared.writes, key, read);
            let Some(own) = self.append_beside(step.from, key, &held) else {
                continue;
            };
            let Some(other) = self.next(key, usize::MAX, step.to) else {
                continue;
            };
            return Some(format!(
                "{from} read {} of key {} and appended {}, so it appended before {to}, which appended {} (no \
                 read shows it, so it came later than all that was read): otherwise it would not have seen \
                 what it updated.",
                list(value(transactions, read)),
                self.key(key),
                self.element(own),
                self.element(other.place),
            ));
        }
        None
    }

    /// The place of an append of a transaction to a key that is not among these elements.
    fn append_beside(&self, transaction: u32, key: u32, held: &[u32]) -> Option<u32> {
        let mut places = self.prepared.transactions.places(transaction);
        let append = places.find(|&place| {
            let write = self.write_at(place);
            write.is_some_and(|(of, write)| of == key && !held.contains(&(write as u32)))
        });
        append.map(|place| place as u32)
    }

    /// The key and the place among all writes of a write.
    fn write_at(&self, place: usize) -> Option<(u32, usize)> {
        let micro = self.prepared.transactions.micros()[place];
        let Act::Write(value) = micro.act else {
            return None;
        };
        Some((micro.key, self.prepared.writes.place(micro.key, value)?))
    }

    /// The write of a transaction that comes next at a place of a list, if it is the next.
    fn next(&self, key: u32, place: usize, writer: u32) -> Option<Next> {
        let list = &self.prepared.listing.lists[key as usize];
        let writes = self.prepared.writes;
        let failed =
            |write: &Write| self.prepared.transactions.outcome(write.transaction) == Outcome::Fail;
        let mut later = list.order[place.min(list.order.len())..]
            .iter()
            .filter_map(|&write| writes.all().get(write as usize))
            .filter(|write| !failed(write));
        if let Some(next) = later.next() {
            return (next.transaction == writer).then_some(Next {
                place: next.place,
                seen: true,
            });
        }
        let range = writes.range(key);
        let start = range.start;
        let unseen = writes.all()[range].iter().enumerate().find(|(at, write)| {
            let unseen = self.prepared.listing.place_of[start + at] == NONE;
            write.transaction == writer && unseen
        });
        unseen.map(|(_, write)| Next {
            place: write.place,
            seen: false,
        })
    }

    /// Why it stays open whether a level holds.
    pub(super) fn open(&self, keys: &[u32]) -> String {
        let named: Vec<String> = keys.iter().take(KEYS).map(|&key| self.key(key)).collect();
        let more = keys.len().saturating_sub(KEYS);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        format!(
            "no read shows in which order the last appends to key {}{more} came, and the level depends on it",
            named.join(", ")
        )
    }
}

/// A write that comes next.
struct Next {
    place: u32,
    seen: bool,
}

fn summary(sentence: String, count: usize) -> String {
    match count {
        0 | 1 => sentence,
        2 => format!("{sentence} There is one more like it."),
        _ => format!("{sentence} There are {} more like it.", count - 1),
    }
}

/// A list as EDN, or its end.
pub(super) fn list(value: ValueRef<'_>) -> String {
    let Some(items) = value.items().filter(|items| items.len() > WHOLE) else {
        return if value.is_nil() {
            "[]".to_owned()
        } else {
            value.to_string()
        };
    };
    let skipped = items.len() - LAST;
    let last: Vec<String> = items.skip(skipped).map(|item| item.to_string()).collect();
    format!("[... {}]", last.join(" "))
}
