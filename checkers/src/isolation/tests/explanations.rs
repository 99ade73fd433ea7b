//! Whether what an anomaly claims is so: every edge of every cycle is looked up in the history again.
//!
//! A cycle must close, pass no transaction twice, bear the name that its edges give it, and name every transaction
//! among its evidence. An edge must follow from the reads, and its sentence must be more than its claim.

use crate::searches::{at_least, share};
use rupture_history::{Anomaly, Dependency, Outcome, codec};

use super::corrupt::random_history;
use super::levels::JUDGED;
use super::txn::{Txn, edn, history};
use crate::isolation::{Level, ListAppend};
use crate::linearizability::tests::Random;
use crate::{Budget, Checker};

fn judge(txns: &[Txn], level: Level) -> Vec<Anomaly> {
    let verdict = ListAppend::new(level).check(&history(txns), &Budget::unlimited());
    verdict.expect("a history of lists").anomalies
}

/// What a history shows of the lists.
struct Facts<'a> {
    txns: &'a [Txn],
}

impl<'a> Facts<'a> {
    /// The transaction whose invocation has this index: the rows of a history are counted from its moments.
    fn at(&self, index: u64) -> &'a Txn {
        let mut moments: Vec<usize> = self.txns.iter().map(|txn| txn.invoked).collect();
        moments.extend(self.txns.iter().filter_map(|txn| txn.completed));
        moments.sort_unstable();
        let moment = moments[index as usize];
        let txn = self.txns.iter().find(|txn| txn.invoked == moment);
        txn.expect("an invocation")
    }

    fn reads(&self) -> impl Iterator<Item = (usize, &'a [i64])> {
        let reads = self.txns.iter().flat_map(Txn::reads);
        reads.map(|(_, key, list)| (key, list))
    }

    /// Whether a read shows an element.
    fn shown(&self, key: usize, value: i64) -> bool {
        self.reads()
            .any(|(of, list)| of == key && list.contains(&value))
    }

    /// Whether one element comes before another, or was shown and the other never.
    fn before(&self, key: usize, one: i64, other: i64) -> bool {
        let ordered = |list: &[i64]| {
            let place = |value: i64| list.iter().position(|of| *of == value);
            place(one).is_some_and(|at| place(other).is_some_and(|after| at < after))
        };
        let unseen = self.shown(key, one) && !self.shown(key, other);
        unseen || self.reads().any(|(of, list)| of == key && ordered(list))
    }

    fn is_true(&self, edge: &Dependency) -> bool {
        let (from, to) = (self.at(edge.from), self.at(edge.to));
        let both = from.outcome != Outcome::Fail && to.outcome != Outcome::Fail;
        let keys = 0..super::txn::key_count(self.txns);
        let overwrote = |key: usize| {
            from.appends(key)
                .any(|one| to.appends(key).any(|other| self.before(key, one, other)))
        };
        let read = |key: usize, list: &[i64], value: i64| {
            !list.contains(&value)
                && list
                    .last()
                    .is_none_or(|last| self.before(key, *last, value))
        };
        both && match &*edge.kind {
            "ww" => keys.into_iter().any(overwrote),
            "wr" => to
                .reads()
                .any(|(_, key, list)| from.appends(key).any(|value| list.contains(&value))),
            "rw" => from
                .reads()
                .any(|(_, key, list)| to.appends(key).any(|value| read(key, list, value))),
            "process" => from.is_ok() && from.process == to.process && from.precedes(to),
            "realtime" => from.is_ok() && from.precedes(to),
            _ => false,
        }
    }
}

/// The name that the edges of a cycle give it.
fn name(edges: &[Dependency]) -> String {
    let is = |edge: &Dependency, kind: &str| edge.kind == kind;
    let has = |kind: &str| edges.iter().any(|edge| is(edge, kind));
    let count = edges.iter().filter(|edge| is(edge, "rw")).count();
    let next = edges.iter().cycle().skip(1);
    let mut pairs = edges.iter().zip(next).take(edges.len());
    let adjacent = count > 1 && pairs.any(|(one, next)| is(one, "rw") && is(next, "rw"));
    let suffix = match (has("realtime"), has("process")) {
        (true, _) => "-realtime",
        (_, true) => "-process",
        _ => "",
    };
    let name = match count {
        0 if has("wr") => "G1c",
        0 => "G0",
        1 => "G-single",
        _ if !adjacent => "G-nonadjacent",
        2 if edges.len() == 2 && suffix.is_empty() => "write-skew",
        _ => "G2-item",
    };
    name.to_owned() + suffix
}

fn assert_cycle(anomaly: &Anomaly, facts: &Facts<'_>) {
    let edges = &anomaly.dependencies;
    let shown = || format!("{anomaly:#?}\n{}", edn(facts.txns));
    for (edge, next) in edges.iter().zip(edges.iter().cycle().skip(1)) {
        assert_eq!(edge.to, next.from, "{}", shown());
        assert!(facts.is_true(edge), "{edge:?}\n{}", shown());
        let evident = anomaly
            .evidence
            .iter()
            .any(|evidence| evidence.index == edge.from);
        assert!(evident, "{}", shown());
        let claim = format!("T{} came before T{}.", edge.from, edge.to);
        let argued = edge.why.contains("completed") || !edge.why.ends_with(&claim);
        assert!(argued, "{}", shown());
    }
    let mut nodes: Vec<u64> = edges.iter().map(|edge| edge.from).collect();
    nodes.sort_unstable();
    nodes.dedup();
    assert_eq!(nodes.len(), edges.len(), "{}", shown());
    // Its anti-dependencies are those of transactions that update what they read.
    let expected = match &*anomaly.kind {
        "G-cursor" => "G-cursor".to_owned(),
        _ => name(edges),
    };
    assert_eq!(anomaly.kind, expected, "{}", shown());
}

fn check(histories: usize, seed: u64) -> usize {
    let random = &mut Random::new(seed);
    let mut cycles = 0;
    for _ in 0..histories {
        let txns = random_history(8, random);
        let facts = Facts { txns: &txns };
        for level in JUDGED {
            for anomaly in judge(&txns, level) {
                if !anomaly.dependencies.is_empty() {
                    assert_cycle(&anomaly, &facts);
                    cycles += 1;
                }
            }
        }
    }
    cycles
}

#[test]
fn every_edge_of_every_cycle_is_so() {
    assert!(check(share(2_500), 51) >= at_least(5_000));
}

#[test]
#[ignore = "slow"]
fn every_edge_of_every_cycle_is_so_in_many_histories() {
    assert!(check(500_000, 52) > 100_000);
}

/// What the engine finds in a history of these events: process, kind and value.
fn found(level: Level, events: &[(i64, &str, &str)]) -> Vec<Anomaly> {
    let event = |(process, kind, value): &(i64, &str, &str)| {
        format!("{{:process {process} :type :{kind} :f :txn :value {value}}}\n")
    };
    let text: String = events.iter().map(event).collect();
    let history = codec::read(text.as_bytes()).expect("a history");
    let verdict = ListAppend::new(level).check(&history, &Budget::unlimited());
    verdict.expect("a history of lists").anomalies
}

#[test]
fn a_session_is_one_step_however_long_it_is() {
    let mut events = vec![
        (0, "invoke", "[[:append :x 1]]"),
        (0, "ok", "[[:append :x 1]]"),
    ];
    for _ in 0..5 {
        events.extend([(0, "invoke", "[[:r :y nil]]"), (0, "ok", "[[:r :y []]]")]);
    }
    events.extend([(0, "invoke", "[[:r :x nil]]"), (0, "ok", "[[:r :x []]]")]);
    let anomalies = found(Level::StrongSessionSerializable, &events);
    assert_eq!(anomalies[0].kind, "G-single-process");
    let kinds: Vec<&str> = anomalies[0]
        .dependencies
        .iter()
        .map(|edge| &*edge.kind)
        .collect();
    assert_eq!(kinds, ["rw", "process"]);
}

#[test]
fn a_cursor_says_what_was_to_be_updated() {
    let (one, other) = ("[[:r :x []] [:append :x 1]]", "[[:r :x []] [:append :x 2]]");
    let events = [
        (0, "invoke", one),
        (1, "invoke", other),
        (0, "ok", one),
        (1, "ok", other),
    ];
    let anomalies = found(Level::CursorStability, &events);
    let cursor = anomalies.iter().find(|anomaly| anomaly.kind == "G-cursor");
    let cursor = cursor.expect("a cycle");
    assert!(cursor.dependencies.iter().all(|edge| edge.kind == "rw"));
    assert_eq!(
        cursor.explanation[0],
        "T0 read [] of key :x and appended 1, so it appended before T1, which appended 2 (no read shows it, so it \
         came later than all that was read): otherwise it would not have seen what it updated."
    );
}

#[test]
fn a_dirty_update_names_what_it_was_appended_to() {
    let (failed, read) = ("[[:append :x 1]]", "[[:append :x 3] [:r :x [1 2 3]]]");
    let events = [
        (0, "invoke", failed),
        (0, "fail", failed),
        (1, "invoke", "[[:append :x 2]]"),
        (1, "fail", "[[:append :x 2]]"),
        (2, "invoke", read),
        (2, "ok", read),
    ];
    let anomalies = found(Level::ReadCommitted, &events);
    let dirty = anomalies
        .iter()
        .find(|anomaly| anomaly.kind == "dirty-update");
    assert_eq!(
        dirty.expect("a dirty update").summary,
        "T4 appended 3 to key :x, right onto 2; but T2, which appended 2 to key :x, failed."
    );
}
