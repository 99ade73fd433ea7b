//! Circles in words, each link with the reads and appends that prove it.

use rupture_history::Outcome;
use rupture_history::verdict::{Anomaly, Dependency, Evidence};

use super::{Circle, Link, Read, Scene};
use crate::Id;
use crate::isolation::graph::{PROCESS, RW, WR, WW, kind_name};
use crate::isolation::list_append::lists::{NONE, value};
use crate::isolation::list_append::words::list;
use crate::isolation::transactions::Write;

impl Link {
    fn ends(self) -> (u32, u32) {
        match self {
            Self::Session { from, to } => (from, to),
            Self::Saw { write, read, .. } => (write.transaction, read.transaction),
            Self::Missed { read, write, .. } => (read.transaction, write.transaction),
            Self::Before { first, second, .. } => (first.transaction, second.transaction),
        }
    }

    fn kind(self) -> &'static str {
        kind_name(match self {
            Self::Session { .. } => PROCESS,
            Self::Saw { .. } => WR,
            Self::Missed { .. } => RW,
            Self::Before { .. } => WW,
        })
    }
}

impl Scene<'_, '_> {
    /// The anomaly that a circle is.
    pub(super) fn told(&self, circle: &Circle) -> Anomaly {
        let mut involved: Vec<u32> = Vec::new();
        let mut anomaly = Anomaly {
            kind: circle.kind.to_owned(),
            summary: self.summary(circle),
            ..Anomaly::default()
        };
        for &link in &circle.links {
            let (from, to) = link.ends();
            involved.extend([from, to]);
            involved.extend(self.shown_by(link));
            let why = self.why(link);
            anomaly.explanation.push(why.clone());
            anomaly.dependencies.push(Dependency {
                from: self.transactions.index(from),
                to: self.transactions.index(to),
                kind: link.kind().to_owned(),
                why,
            });
        }
        involved.sort_unstable();
        involved.dedup();
        for &number in &involved {
            if self.transactions.outcome(number) == Outcome::Info {
                let name = self.name(number);
                anomaly.explanation.push(format!(
                    "Nobody was told whether {name} committed; what was read of it shows that it did."
                ));
            }
            let operation = &self.transactions.operations[number as usize];
            anomaly
                .evidence
                .push(Evidence::of(self.transactions.history, operation));
        }
        anomaly
    }

    fn summary(&self, circle: &Circle) -> String {
        let ends: Vec<(u32, u32)> = circle.links.iter().map(|link| link.ends()).collect();
        let names: Vec<String> = ends.iter().map(|&(from, _)| self.name(from)).collect();
        let first = names.first().cloned().unwrap_or_default();
        let last = names.last().cloned().unwrap_or_default();
        match circle.kind {
            "write-co-read" => format!(
                "{} happened before {first}, which misses what it appended.",
                self.name(ends[0].1)
            ),
            "cyclic-co" => format!(
                "{} < {first}: each would have to happen before itself.",
                names.join(" < ")
            ),
            "cyclic-cf" => {
                let reader = circle.links.iter().find_map(|&link| self.shown_by(link));
                let reader = reader.map_or_else(String::new, |reader| self.name(reader));
                format!(
                    "{reader} read an order of what happened before it in which {} < {first}, though each happens \
                     only once.",
                    names.join(" < ")
                )
            }
            "non-monotonic-write" => match circle.links.last() {
                Some(Link::Saw { .. }) => format!(
                    "{} shows what {last} appended, and misses what its session had appended before.",
                    self.name(ends[ends.len() - 1].1)
                ),
                _ => format!("{first} comes before {last} in its session, and after it in a list."),
            },
            _ if circle
                .links
                .iter()
                .any(|link| matches!(link, Link::Missed { .. })) =>
            {
                format!(
                    "{first} shows what {last} appended, and misses what its session had read before."
                )
            }
            _ => format!("{first} appended before what its session had read of the list."),
        }
    }

    fn name(&self, transaction: u32) -> String {
        format!("T{}", self.transactions.index(transaction))
    }

    fn key(&self, key: u32) -> String {
        self.transactions.keys.text(Id(key))
    }

    fn appended(&self, write: Write) -> String {
        self.transactions.values.text(write.value)
    }

    fn place(&self, write: Write, key: u32) -> u32 {
        let found = self.writes.place(key, write.value);
        found.map_or(NONE, |at| self.listing.place_of[at])
    }

    /// Who read the list that shows the order of two appends.
    fn shown_by(&self, link: Link) -> Option<u32> {
        let Link::Before { key, by, .. } = link else {
            return None;
        };
        let read = by.or(self.listing.lists[key as usize].longest)?;
        Some(read.transaction)
    }

    /// Why one transaction comes before the next.
    fn why(&self, link: Link) -> String {
        let (from, to) = link.ends();
        let (from, to) = (self.name(from), self.name(to));
        let read = |read: Read| list(value(self.transactions, read));
        match link {
            Link::Session { from: one, .. } => {
                let process = self.transactions.process(one);
                format!(
                    "Process {process} had completed {from} before it invoked {to}, so {from} came before {to}."
                )
            }
            Link::Saw {
                write,
                read: by,
                key,
            } => format!(
                "{to} read {} of key {}, which holds {}, and {from} had appended that.",
                read(by),
                self.key(key),
                self.appended(write)
            ),
            Link::Missed {
                read: by,
                write,
                key,
            } => {
                let unseen = match self.place(write, key) {
                    NONE => " (no read shows it, so it came later than all that was read)",
                    _ => "",
                };
                format!(
                    "{from} read {} of key {}, where {} is missing, which {to} appended{unseen}.",
                    read(by),
                    self.key(key),
                    self.appended(write)
                )
            }
            Link::Before {
                first, second, key, ..
            } => {
                let (one, two) = (self.appended(first), self.appended(second));
                let key_name = self.key(key);
                let shown = self.shown_by(link).map_or(String::new(), |reader| {
                    format!(", as {} read", self.name(reader))
                });
                match self.place(second, key) {
                    NONE => format!(
                        "{from} appended {one} to key {key_name}; {to} appended {two}, which no read shows, so it \
                         came later than all that was read."
                    ),
                    _ => format!(
                        "{to} appended {two} to key {key_name} after {from} had appended {one}{shown}."
                    ),
                }
            }
        }
    }
}
