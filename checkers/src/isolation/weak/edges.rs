//! Edges as they are told: with the read or the session that makes them, and each once.

use rupture_history::Dependency;

use super::arrows::Arrow;
use super::scan::NONE;
use super::words::{Reason, Words};
use crate::isolation::graph::{PROCESS, RW, WR, kind_name};

impl Words<'_, '_> {
    /// One read of a key what the other had written.
    pub(super) fn read_from(&self, from: u32, to: u32, key: u32) -> Arrow {
        let (earlier, later) = (self.name(from), self.name(to));
        let why = format!(
            "{later} read {} of key {}, which {earlier} had written, so {earlier} came before {later}.",
            self.value(from, key),
            self.key(key)
        );
        Arrow {
            from,
            to,
            kind: kind_name(WR),
            why,
        }
    }

    /// One followed the other in its session.
    pub(super) fn in_session(&self, from: u32, to: u32) -> Arrow {
        let (earlier, later) = (self.name(from), self.name(to));
        let number = self.dependencies.number[from as usize];
        let process = self.transactions.process(number);
        let why = format!(
            "Process {process} had completed {earlier} before it invoked {later}, so {earlier} came before {later}."
        );
        Arrow {
            from,
            to,
            kind: kind_name(PROCESS),
            why,
        }
    }

    /// One read the initial version of a key, which the other overwrote.
    pub(super) fn initial_overwritten(&self, reader: u32, writer: u32, key: u32) -> Arrow {
        let (earlier, later) = (self.name(reader), self.name(writer));
        let why = format!(
            "{earlier} read nil of key {}, and {later} overwrote that with {}, so {earlier} came before {later}.",
            self.key(key),
            self.value(writer, key)
        );
        Arrow {
            from: reader,
            to: writer,
            kind: kind_name(RW),
            why,
        }
    }

    /// The edges of a reason, each once.
    pub(super) fn edges(&self, reason: &Reason) -> Vec<Dependency> {
        let mut known: Vec<(u32, u32, &str)> = Vec::new();
        let mut edges = Vec::new();
        for arrow in reason.way.iter().chain(&reason.rests) {
            let place = (arrow.from, arrow.to, arrow.kind);
            let real = arrow.from != NONE && arrow.to != NONE && arrow.from != arrow.to;
            if !real || known.contains(&place) {
                continue;
            }
            known.push(place);
            let index = |node: u32| {
                self.transactions
                    .index(self.dependencies.number[node as usize])
            };
            edges.push(Dependency {
                from: index(arrow.from),
                to: index(arrow.to),
                kind: arrow.kind.to_owned(),
                why: arrow.why.clone(),
            });
        }
        edges
    }
}
