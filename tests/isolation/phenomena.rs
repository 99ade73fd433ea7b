//! What a list-append history shows, by a second opinion: slow, straightforward, and of one piece with no checker.
//!
//! Version orders are the longest reads (Kingsbury & Alvaro 2020); the phenomena are Adya's, and Elle's names are kept.
//! Sound, and complete enough for histories in which every list is read at the end.

use std::collections::{BTreeMap, BTreeSet};

use rupture_checkers::history::{History, Kind, Process, Value};

use crate::graph::Graph;

/// One transaction.
pub(crate) struct Txn {
    pub(crate) process: i64,
    /// The row of its invocation.
    pub(crate) invoked: usize,
    /// The row of its `ok` completion.
    pub(crate) completed: Option<usize>,
    failed: bool,
    steps: Vec<Step>,
}

enum Step {
    Append(i64, i64),
    Read(i64, Vec<i64>),
}

/// Who appended what, and in which order elements came.
struct Lists {
    /// The transaction that appended an element to a key.
    writers: BTreeMap<(i64, i64), usize>,
    /// The elements of a key in the order in which they came.
    orders: BTreeMap<i64, Vec<i64>>,
}

/// The phenomena of a history of transactions.
pub(crate) fn phenomena(history: &History) -> BTreeSet<&'static str> {
    let txns = read(history);
    let lists = Lists::of(&txns);
    let mut found = BTreeSet::new();
    let mut graph = Graph::new(&txns);
    for (number, txn) in txns.iter().enumerate() {
        if txn.completed.is_some() {
            lists.look_at_reads(number, &txns, &mut found);
            lists.relate(number, txn, &mut graph, &mut found);
        }
    }
    lists.order_writers(&mut graph);
    graph.cycles(&mut found);
    found
}

fn read(history: &History) -> Vec<Txn> {
    let mut txns: Vec<Txn> = Vec::new();
    let mut open = BTreeMap::new();
    for (row, event) in history.iter().enumerate() {
        let Process::Client(process) = event.process() else {
            continue;
        };
        let steps = steps_of(&event.value().to_value());
        if event.kind() == Kind::Invoke {
            open.insert(process, txns.len());
            txns.push(Txn {
                process,
                invoked: row,
                completed: None,
                failed: false,
                steps,
            });
        } else if let Some(number) = open.remove(&process) {
            let txn: &mut Txn = &mut txns[number];
            txn.failed = event.kind() == Kind::Fail;
            if event.kind() == Kind::Ok {
                txn.completed = Some(row);
                txn.steps = steps;
            }
        }
    }
    txns
}

fn steps_of(value: &Value) -> Vec<Step> {
    let int = |value: &Value| value.as_int().expect("an integer");
    let step = |step: &Value| match step.items() {
        Some([name, key, value]) if name.as_name() == Some("append") => {
            Step::Append(int(key), int(value))
        }
        Some([_, key, value]) => {
            let elements = value.items().unwrap_or_default();
            Step::Read(int(key), elements.iter().map(int).collect())
        }
        _ => panic!("{step} is no step"),
    };
    value.items().expect("steps").iter().map(step).collect()
}

impl Lists {
    fn of(txns: &[Txn]) -> Self {
        let mut lists = Self {
            writers: BTreeMap::new(),
            orders: BTreeMap::new(),
        };
        for (number, txn) in txns.iter().enumerate() {
            for step in &txn.steps {
                match step {
                    Step::Append(key, element) => {
                        lists.writers.insert((*key, *element), number);
                    }
                    Step::Read(key, elements) if txn.completed.is_some() => {
                        let order = lists.orders.entry(*key).or_default();
                        if elements.len() > order.len() {
                            order.clone_from(elements);
                        }
                    }
                    Step::Read(..) => {}
                }
            }
        }
        lists
    }

    /// What the reads of one transaction show by themselves.
    fn look_at_reads(&self, number: usize, txns: &[Txn], found: &mut BTreeSet<&'static str>) {
        let mut expected: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        let mut appended: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
        for step in &txns[number].steps {
            let (key, elements) = match step {
                Step::Append(key, element) => {
                    appended.entry(*key).or_default().push(*element);
                    if let Some(list) = expected.get_mut(key) {
                        list.push(*element);
                    }
                    continue;
                }
                Step::Read(key, elements) => (key, elements),
            };
            let own = appended.get(key).map_or(&[][..], Vec::as_slice);
            let contradicts = expected.get(key).is_some_and(|list| list != elements);
            if contradicts || !elements.ends_with(own) {
                found.insert("internal");
            }
            expected.insert(*key, elements.clone());
            if !self.orders[key].starts_with(elements) {
                found.insert("incompatible-order");
            }
            if elements.iter().collect::<BTreeSet<_>>().len() < elements.len() {
                found.insert("duplicate-elements");
            }
            let writer = |element: &i64| self.writers[&(*key, *element)];
            if elements.iter().any(|element| txns[writer(element)].failed) {
                found.insert("G1a");
            }
            if let Some(last) = elements.last()
                && writer(last) != number
                && last_append(&txns[writer(last)], *key) != Some(*last)
            {
                found.insert("G1b");
            }
        }
    }

    /// What the transaction read from, and what overwrote that; and whether it saw another one by halves.
    fn relate(
        &self,
        number: usize,
        txn: &Txn,
        graph: &mut Graph,
        found: &mut BTreeSet<&'static str>,
    ) {
        let mut seen = Vec::new();
        let mut appended = BTreeSet::new();
        for step in &txn.steps {
            match step {
                Step::Append(key, _) => {
                    appended.insert(*key);
                }
                Step::Read(key, elements) => {
                    let is_other = |element: &&i64| self.writers[&(*key, **element)] != number;
                    let others: Vec<i64> = elements.iter().filter(is_other).copied().collect();
                    let from = others.last().map(|last| self.writers[&(*key, *last)]);
                    graph.reads_from(from, number);
                    if !appended.contains(key) {
                        graph.overwritten_by(number, self.writer_after(*key, &others));
                        seen.push((*key, others.len(), from));
                    }
                }
            }
        }
        for (key, length, _) in &seen {
            let unseen = &self.orders[key].get(*length..).unwrap_or_default();
            let mut writers = unseen.iter().map(|element| self.writers[&(*key, *element)]);
            if writers.any(|writer| seen.iter().any(|(_, _, from)| *from == Some(writer))) {
                found.insert("fractured-read");
            }
        }
        self.look_for_lost_updates(number, txn, found);
    }

    /// A version that two transactions read and appended to.
    fn look_for_lost_updates(&self, number: usize, txn: &Txn, found: &mut BTreeSet<&'static str>) {
        for (place, step) in txn.steps.iter().enumerate() {
            let Step::Read(key, elements) = step else {
                continue;
            };
            let own = txn.steps[place..].iter().find_map(|step| match step {
                Step::Append(other, element) if other == key => Some(*element),
                _ => None,
            });
            let order = &self.orders[key];
            let Some(own) = own.and_then(|own| order.iter().position(|it| *it == own)) else {
                continue;
            };
            let between = order.get(elements.len()..own).unwrap_or_default();
            if between
                .iter()
                .any(|it| self.writers[&(*key, *it)] != number)
            {
                found.insert("lost-update");
            }
        }
    }

    /// Who wrote what comes after these elements of a key.
    fn writer_after(&self, key: i64, elements: &[i64]) -> Option<usize> {
        let next = self.orders[&key].get(elements.len())?;
        self.writers.get(&(key, *next)).copied()
    }

    fn order_writers(&self, graph: &mut Graph) {
        for (key, order) in &self.orders {
            let writers: Vec<usize> = order.iter().map(|it| self.writers[&(*key, *it)]).collect();
            for pair in writers.windows(2) {
                graph.overwrites(pair[0], pair[1]);
            }
        }
    }
}

/// The last element that a transaction appended to a key.
fn last_append(txn: &Txn, key: i64) -> Option<i64> {
    txn.steps.iter().rev().find_map(|step| match step {
        Step::Append(other, element) if *other == key => Some(*element),
        _ => None,
    })
}
