//! What every read saw, and what is wrong with it by itself.

use rupture_history::Outcome;

use crate::Id;
use crate::isolation::promise::Fault;
use crate::isolation::transactions::{Act, Registers, Transactions, Writes};

/// No version, no place.
pub(super) const NONE: u32 = u32::MAX;

/// A version of a key is the place of its write in the list of all; behind these come the initial versions by key.
pub(super) type Version = u32;

/// A read of what another transaction wrote last to a key, or of the initial value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) reader: u32,
    pub(super) version: Version,
    /// Its place among all micro-operations.
    pub(super) place: u32,
    /// The version that the reader itself made of the key.
    pub(super) own: Version,
}

/// Something that is wrong with one or two transactions by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) fault: Fault,
    pub(super) reader: u32,
    /// The read that shows it.
    pub(super) place: u32,
    /// The other micro-operation that takes part, of whatever transaction; the same if there is none.
    pub(super) other_place: u32,
}

/// What reads show.
#[derive(Clone, Debug)]
pub(super) struct Reads {
    /// Which transactions there are.
    pub(super) takes_part: Vec<bool>,
    /// Whether each write made a version: its transaction takes part, and it is its last of the key.
    pub(super) is_version: Vec<bool>,
    pub(super) list: Vec<Read>,
    pub(super) findings: Vec<Finding>,
    /// Pairs of places at which a transaction read two versions of a key, neither its own.
    pub(super) twice: Vec<(u32, u32)>,
}

/// What the transaction at hand did last to a key: the place, if it is not of an earlier transaction.
struct Last {
    /// One more than the transaction.
    of: Vec<u32>,
    place: Vec<u32>,
}

impl Last {
    fn new(keys: usize) -> Self {
        Self {
            of: vec![0; keys],
            place: vec![0; keys],
        }
    }

    fn get(&self, transaction: u32, key: u32) -> Option<u32> {
        (self.of[key as usize] == transaction + 1).then(|| self.place[key as usize])
    }

    fn set(&mut self, transaction: u32, key: u32, place: u32) {
        self.of[key as usize] = transaction + 1;
        self.place[key as usize] = place;
    }
}

impl Reads {
    pub(super) fn of(transactions: &Transactions<'_, Registers>, writes: &Writes) -> Self {
        let mut reads = Self {
            takes_part: (0..transactions.len() as u32)
                .map(|number| transactions.outcome(number) == Outcome::Ok)
                .collect(),
            is_version: Vec::new(),
            list: Vec::new(),
            findings: Vec::new(),
            twice: Vec::new(),
        };
        let finals = finals(transactions, writes);
        Reader {
            transactions,
            writes,
            finals: &finals,
            reads: &mut reads,
        }
        .read();
        reads.is_version = (writes.all().iter().zip(&finals))
            .map(|(write, &last)| last && reads.takes_part[write.transaction as usize])
            .collect();
        reads.own_versions(transactions, writes);
        reads
    }

    /// The reads of a transaction.
    pub(super) fn of_reader(&self, reader: u32) -> &[Read] {
        let start = self.list.partition_point(|read| read.reader < reader);
        let count = self.list[start..].partition_point(|read| read.reader == reader);
        &self.list[start..start + count]
    }

    /// Finds the version that each reader itself made of the key.
    fn own_versions(&mut self, transactions: &Transactions<'_, Registers>, writes: &Writes) {
        let mut last = Last::new(transactions.key_count());
        let mut at = 0;
        while at < self.list.len() {
            let reader = self.list[at].reader;
            for place in transactions.places(reader) {
                let micro = transactions.micros()[place];
                if let Act::Write(value) = micro.act
                    && let Some(write) = writes.place(micro.key, value)
                {
                    last.set(reader, micro.key, write as u32);
                }
            }
            while at < self.list.len() && self.list[at].reader == reader {
                let key = transactions.micros()[self.list[at].place as usize].key;
                self.list[at].own = last.get(reader, key).unwrap_or(NONE);
                at += 1;
            }
        }
    }
}

/// Whether each write is the last of its transaction and key.
fn finals(transactions: &Transactions<'_, Registers>, writes: &Writes) -> Vec<bool> {
    let mut last = Last::new(transactions.key_count());
    let mut is_last = vec![false; transactions.micros().len()];
    for transaction in 0..transactions.len() as u32 {
        for place in transactions.places(transaction).rev() {
            let micro = transactions.micros()[place];
            let writes = matches!(micro.act, Act::Write(_));
            if writes && last.get(transaction, micro.key).is_none() {
                last.set(transaction, micro.key, place as u32);
                is_last[place] = true;
            }
        }
    }
    let all = writes.all().iter();
    all.map(|write| is_last[write.place as usize]).collect()
}

struct Reader<'r, 'a> {
    transactions: &'r Transactions<'a, Registers>,
    writes: &'r Writes,
    finals: &'r [bool],
    reads: &'r mut Reads,
}

impl Reader<'_, '_> {
    fn read(&mut self) {
        // What was last done to a key, and the last read of it that saw another's write.
        let mut last = Last::new(self.transactions.key_count());
        let mut foreign = Last::new(self.transactions.key_count());
        for transaction in 0..self.transactions.len() as u32 {
            if self.transactions.outcome(transaction) != Outcome::Ok {
                continue;
            }
            for place in self.transactions.places(transaction) {
                let micro = self.transactions.micros()[place];
                let place = place as u32;
                if let Act::Read(found) = micro.act {
                    let before = last.get(transaction, micro.key);
                    let seen = self.look(transaction, place, found, before);
                    if seen && self.is_new(transaction, place, found, &foreign) {
                        foreign.set(transaction, micro.key, place);
                    }
                }
                last.set(transaction, micro.key, place);
            }
        }
    }

    fn value(&self, place: u32) -> Id {
        match self.transactions.micros()[place as usize].act {
            Act::Write(value) | Act::Read(value) => value,
        }
    }

    fn find(&mut self, fault: Fault, reader: u32, place: u32, other_place: u32) {
        self.reads.findings.push(Finding {
            fault,
            reader,
            place,
            other_place,
        });
    }

    /// Looks at one read. Whether it saw a version that is not the reader's own.
    fn look(&mut self, reader: u32, place: u32, found: Id, before: Option<u32>) -> bool {
        let key = self.transactions.micros()[place as usize].key;
        let write = self.writes.place(key, found);
        let of = write.map(|write| self.writes.all()[write]);
        let is_own = of.is_some_and(|write| write.transaction == reader);
        if let Some(own) = of.filter(|write| is_own && write.place > place) {
            self.find(Fault::FutureRead, reader, place, own.place);
        } else if let Some(before) = before.filter(|&before| self.value(before) != found) {
            self.find(Fault::Internal, reader, place, before);
        }
        if is_own {
            return false;
        }
        if found == Id::NIL {
            return true;
        }
        let (Some(at), Some(write)) = (write, of) else {
            self.find(Fault::GarbageRead, reader, place, place);
            return false;
        };
        if self.transactions.outcome(write.transaction) == Outcome::Fail {
            self.find(Fault::AbortedRead, reader, place, write.place);
            return false;
        }
        self.reads.takes_part[write.transaction as usize] = true;
        if !self.finals[at] {
            self.find(Fault::IntermediateRead, reader, place, write.place);
            return false;
        }
        true
    }

    /// Notes a read, if it does not only repeat another one.
    fn is_new(&mut self, reader: u32, place: u32, found: Id, foreign: &Last) -> bool {
        let key = self.transactions.micros()[place as usize].key;
        if let Some(before) = foreign.get(reader, key) {
            if self.value(before) == found {
                return false;
            }
            self.reads.twice.push((before, place));
        }
        let version = match self.writes.place(key, found) {
            Some(write) => write as u32,
            None => self.writes.all().len() as u32 + key,
        };
        self.reads.list.push(Read {
            reader,
            version,
            place,
            own: NONE,
        });
        true
    }
}
