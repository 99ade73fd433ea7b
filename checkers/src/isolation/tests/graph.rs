//! The dependencies between committed transactions, and the cycles that levels proscribe.

use super::choice::Choice;
use super::oracle::writer;
use super::relation::Relation;
use crate::isolation::Level;

/// The edges between committed transactions.
pub(super) struct Graph {
    ww: Relation,
    wr: Relation,
    rw: Relation,
    session: Relation,
    real_time: Relation,
    /// A transaction missed an append in a read of a key, and appended to the key later than that.
    loses: bool,
}

impl Graph {
    pub(super) fn new(choice: &Choice<'_>, lists: &[Vec<i64>]) -> Self {
        let mut graph = Self {
            ww: Relation::default(),
            wr: Relation::default(),
            rw: Relation::default(),
            session: choice.session,
            real_time: choice.real_time,
            loses: false,
        };
        for (key, list) in lists.iter().enumerate() {
            let who = |value: &i64| writer(choice.txns, key, *value);
            let writers: Vec<usize> = list.iter().filter_map(who).collect();
            graph.add_writes(&writers);
            for (txn, of) in choice.txns.iter().enumerate() {
                for (_, _, read) in of.reads().filter(|(_, of, _)| *of == key) {
                    graph.add_read(txn, read.len(), &writers);
                }
            }
        }
        graph
    }

    fn add_writes(&mut self, writers: &[usize]) {
        for (at, &later) in writers.iter().enumerate() {
            for &earlier in writers[..at].iter().filter(|earlier| **earlier != later) {
                self.ww.insert(earlier, later);
            }
        }
    }

    /// A read of so many elements of a list with these writers.
    fn add_read(&mut self, reader: usize, count: usize, writers: &[usize]) {
        let (seen, missed) = writers.split_at(count);
        for &writer in seen.iter().filter(|writer| **writer != reader) {
            self.wr.insert(writer, reader);
        }
        let mut missing = false;
        for &writer in missed {
            if writer != reader {
                self.rw.insert(reader, writer);
                missing = true;
            } else if missing {
                self.loses = true;
            }
        }
    }

    /// Whether a cycle that a level proscribes is there.
    pub(super) fn refutes(&self, level: Level) -> bool {
        use Level::{
            ConsistentView, CursorStability, ParallelSnapshotIsolation, Prefix, RepeatableRead,
            Serializable, SnapshotIsolation, StrictSerializable, StrongSessionSerializable,
            StrongSessionSnapshotIsolation, StrongSnapshotIsolation, UpdateAtomic,
        };
        let Self {
            ww,
            wr,
            rw,
            session,
            real_time,
            ..
        } = *self;
        let depends = ww.or(wr);
        let snapshot = |before: Relation| before.then(rw.maybe()).has_cycle();
        let serial = |before: Relation| before.or(rw).has_cycle();
        let g1c = depends.has_cycle();
        g1c || match level {
            CursorStability | UpdateAtomic => self.loses,
            ConsistentView | ParallelSnapshotIsolation => depends.plus().then(rw).has_loop(),
            Prefix => session.or(wr).then(rw.maybe()).or(ww).has_cycle(),
            SnapshotIsolation => snapshot(depends),
            StrongSessionSnapshotIsolation => snapshot(depends.or(session)),
            StrongSnapshotIsolation => snapshot(depends.or(real_time)),
            RepeatableRead | Serializable => serial(depends),
            StrongSessionSerializable => serial(depends.or(session)),
            StrictSerializable => serial(depends.or(real_time)),
            _ => false,
        }
    }
}
