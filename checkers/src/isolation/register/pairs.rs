//! What one or two transactions show by themselves, in words and with the edges between them.

use rupture_history::Outcome;
use rupture_history::verdict::{Anomaly, Dependency};

use super::reads::Finding;
use super::words::Words;
use crate::Id;
use crate::isolation::graph::{Kinds, RW, WR, kind_name};
use crate::isolation::promise::Fault;
use crate::isolation::transactions::Act;

impl Words<'_, '_, '_> {
    /// The transaction that a micro-operation belongs to.
    fn owner(&self, place: u32) -> u32 {
        let transactions = self.prepared.transactions;
        let mut least = 0;
        let mut most = transactions.len() as u32;
        while most - least > 1 {
            let middle = least + (most - least) / 2;
            if transactions.places(middle).start <= place as usize {
                least = middle;
            } else {
                most = middle;
            }
        }
        least
    }

    /// Something that one or two transactions show.
    pub(super) fn finding(&self, finding: &Finding, count: usize) -> Anomaly {
        let other = self.owner(finding.other_place);
        let (reader, writer) = (self.name(finding.reader), self.name(other));
        let (read, theirs) = (self.did(finding.place), self.did(finding.other_place));
        let sentence = match finding.fault {
            Fault::GarbageRead => format!("{reader} {read}, which nobody wrote."),
            Fault::AbortedRead => format!("{reader} {read}; but {writer}, which {theirs}, failed."),
            Fault::IntermediateRead => {
                format!("{reader} {read}; but {writer}, which {theirs}, went on to overwrite it.")
            }
            Fault::FutureRead => format!("{reader} {read}, which it wrote only later."),
            Fault::LostUpdate => format!(
                "{writer} {theirs} and {reader} {read}, and both then wrote that key: one of them did not see \
                 what it updated."
            ),
            _ => format!("{reader} {read}, but before that it {theirs}."),
        };
        let key = self.prepared.transactions.micros()[finding.place as usize].key;
        let mut anomaly = self.anomaly(finding.fault.name(), &[finding.reader, other]);
        anomaly.key = Some(self.prepared.transactions.keys.text(Id(key)));
        anomaly.summary = counted(sentence, count);
        let unknown = self.prepared.transactions.outcome(other) == Outcome::Info;
        if unknown {
            anomaly.explanation.push(format!(
                "Nobody was told whether {writer} committed; what was read of it shows that it did."
            ));
        }
        anomaly.dependencies = self.between(finding, other);
        anomaly
    }

    /// The edges between two transactions of which one should not have read what it did.
    fn between(&self, finding: &Finding, other: u32) -> Vec<Dependency> {
        let (reader, place) = (finding.reader, finding.place);
        let overwrote = |from: u32, to: u32, read: u32| {
            let (one, two) = (self.name(from), self.name(to));
            let why = format!(
                "{one} {}, and {two}, which had read that as well, wrote {} to the key, so {one} came before {two}.",
                self.did(read),
                self.left(to, read)
            );
            self.shown((from, to), RW, why)
        };
        match finding.fault {
            Fault::AbortedRead | Fault::IntermediateRead => {
                let (one, two) = (self.name(reader), self.name(other));
                let (read, wrote) = (self.did(place), self.did(finding.other_place));
                vec![self.shown(
                    (other, reader),
                    WR,
                    format!("{one} {read}, and {two} {wrote}."),
                )]
            }
            Fault::LostUpdate => vec![
                overwrote(other, reader, finding.other_place),
                overwrote(reader, other, place),
            ],
            _ => Vec::new(),
        }
    }

    pub(super) fn shown(&self, (from, to): (u32, u32), kind: Kinds, why: String) -> Dependency {
        Dependency {
            from: self.prepared.transactions.index(from),
            to: self.prepared.transactions.index(to),
            kind: kind_name(kind).to_owned(),
            why,
        }
    }

    /// What a transaction left in the key of a micro-operation.
    fn left(&self, transaction: u32, place: u32) -> String {
        let transactions = self.prepared.transactions;
        let key = transactions.micros()[place as usize].key;
        let mut value = Id::NIL;
        for place in transactions.places(transaction) {
            let micro = transactions.micros()[place];
            if let (true, Act::Write(written)) = (micro.key == key, micro.act) {
                value = written;
            }
        }
        transactions.values.text(value)
    }

    /// Two versions that one transaction read of a key, neither its own.
    pub(super) fn read_twice(&self, (before, place): (u32, u32), count: usize) -> Anomaly {
        let reader = self.owner(place);
        let writers = [before, place].map(|place| {
            let micro = self.prepared.transactions.micros()[place as usize];
            match micro.act {
                Act::Read(value) => self
                    .prepared
                    .writes
                    .find(micro.key, value)
                    .map(|w| w.transaction),
                Act::Write(_) => None,
            }
        });
        let mut of = vec![reader];
        of.extend(writers.into_iter().flatten());
        let mut anomaly = self.anomaly("G-single", &of);
        let name = self.name(reader);
        anomaly.summary = counted(
            format!("{name} {} and also {}.", self.did(before), self.did(place)),
            count,
        );
        anomaly.explanation.push(format!(
            "Whichever of the two versions came first, {name} depends on the writer of the later one, and that \
             one overwrote what {name} had read: each would have to come before the other."
        ));
        anomaly.dependencies = self.both_read(reader, [before, place], writers);
        anomaly
    }

    /// Two versions that one transaction read of a key that it wrote, neither its own.
    pub(super) fn updates_two(&self, twice: (u32, u32), count: usize) -> Anomaly {
        let mut anomaly = self.read_twice(twice, count);
        let name = self.name(self.owner(twice.0));
        "G-cursor".clone_into(&mut anomaly.kind);
        anomaly.explanation = vec![format!(
            "{name} wrote that key as well, and only one version comes directly before its own: what the other read saw \
             was overwritten in between."
        )];
        anomaly
    }

    /// Whom one transaction read from at two places; and whom it precedes if it read the initial version.
    fn both_read(
        &self,
        reader: u32,
        places: [u32; 2],
        writers: [Option<u32>; 2],
    ) -> Vec<Dependency> {
        let name = self.name(reader);
        let mut edges = Vec::new();
        for (place, writer) in places.into_iter().zip(writers) {
            let Some(writer) = writer else { continue };
            let (read, from) = (self.did(place), self.name(writer));
            let why =
                format!("{name} {read}, and {from} had written it, so {from} came before {name}.");
            edges.push(self.shown((writer, reader), WR, why));
        }
        let initial = places
            .into_iter()
            .zip(writers)
            .find(|(_, writer)| writer.is_none());
        if let (Some((place, _)), Some(writer)) = (initial, writers.into_iter().flatten().next()) {
            let (read, to) = (self.did(place), self.name(writer));
            let wrote = self.left(writer, place);
            let why = format!(
                "{name} {read}, and {to} overwrote that with {wrote}, so {name} came before {to}."
            );
            edges.push(self.shown((reader, writer), RW, why));
        }
        edges
    }
}

fn counted(sentence: String, count: usize) -> String {
    if count > 1 {
        return format!("{sentence} (The first of {count}.)");
    }
    sentence
}
