//! Transactions of micro-operations, read from a history into flat columns.
//!
//! A transaction is an operation whose value is a list of micro-operations, `[append k v]` and `[r k [v ...]]`
//! for lists, `[w k v]` and `[r k v]` for registers. Keys and values become small numbers. What an `ok`
//! transaction did is read from its completion, which must answer its invocation; of one that failed, or of
//! which nobody knows, only what it would have written is kept, for nobody was told what it read.
//!
//! Linear in the size of the history, but for sorting the writes of every key by value.

use rupture_history::{EventRef, History, Operation, Outcome, Process, ValueRef};

use super::rows::Rows;
use crate::{CheckError, Id, Values};

/// What micro-operations look like: which write there is, and what a read returns.
pub(crate) trait Language {
    /// The model's name.
    const MODEL: &'static str;
    /// What a micro-operation should have looked like.
    const EXPECTED: &'static str;
    /// What the `ok` read of a key returned.
    type Read<'a>: Copy + Send + Sync;

    /// Whether a micro-operation of this name writes.
    fn writes(name: &str) -> bool;

    /// What a read returned, unless a value of this form cannot have been returned.
    fn read<'a>(value: ValueRef<'a>, values: &mut Values) -> Option<Self::Read<'a>>;
}

/// Lists that are appended to and read whole.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lists;

/// Registers that are written and read; `nil` is what they hold at first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Registers;

impl Language for Lists {
    const MODEL: &'static str = "list-append";
    const EXPECTED: &'static str =
        "a list of micro-operations such as [:append k v] and [:r k [v ...]]";
    /// The list; `nil` where there was none yet.
    type Read<'a> = ValueRef<'a>;

    fn writes(name: &str) -> bool {
        name == "append"
    }

    fn read<'a>(value: ValueRef<'a>, _: &mut Values) -> Option<ValueRef<'a>> {
        (value.is_nil() || value.items().is_some()).then_some(value)
    }
}

impl Language for Registers {
    const MODEL: &'static str = "rw-register";
    const EXPECTED: &'static str = "a list of micro-operations such as [:w k v] and [:r k v]";
    /// The value; [`Id::NIL`] for what was there at first.
    type Read<'a> = Id;

    fn writes(name: &str) -> bool {
        matches!(name, "w" | "write")
    }

    fn read(value: ValueRef<'_>, values: &mut Values) -> Option<Id> {
        Some(values.id(value))
    }
}

/// One micro-operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Micro<R> {
    /// The number of the key.
    pub(crate) key: u32,
    pub(crate) act: Act<R>,
}

/// What a micro-operation did.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Act<R> {
    /// It wrote, or appended, this value.
    Write(Id),
    /// It read, and this came back.
    Read(R),
}

/// The transactions of a history. They are numbered as its operations are, in the order of their invocations.
#[derive(Clone, Debug)]
pub(crate) struct Transactions<'a, L: Language> {
    pub(crate) history: &'a History,
    pub(crate) operations: Vec<Operation>,
    /// Where the micro-operations of each transaction begin; one more at the end.
    first: Vec<u32>,
    micros: Vec<Micro<L::Read<'a>>>,
    /// The keys by number.
    pub(crate) keys: Values,
    /// The values that were written, or read from registers, by number.
    pub(crate) values: Values,
}

impl<'a, L: Language> Transactions<'a, L> {
    /// Reads a history.
    ///
    /// # Errors
    /// Its events do not pair, an operation is no transaction, a micro-operation is none that the model has,
    /// or a completion does not answer its invocation.
    pub(crate) fn read(
        history: &'a History,
        operations: Vec<Operation>,
    ) -> Result<Self, CheckError> {
        let mut transactions = Self {
            history,
            first: Vec::with_capacity(operations.len() + 1),
            operations,
            micros: Vec::new(),
            keys: Values::default(),
            values: Values::default(),
        };
        for number in 0..transactions.operations.len() {
            transactions.first.push(transactions.micros.len() as u32);
            let operation = transactions.operations[number];
            transactions.push(&operation)?;
        }
        transactions.first.push(transactions.micros.len() as u32);
        Ok(transactions)
    }

    /// How many transactions there are.
    pub(crate) fn len(&self) -> usize {
        self.operations.len()
    }

    /// How many keys there are; their numbers are below.
    pub(crate) fn key_count(&self) -> usize {
        self.keys.count()
    }

    /// The places of the micro-operations of a transaction among [`micros`](Self::micros).
    pub(crate) fn places(&self, number: u32) -> std::ops::Range<usize> {
        self.first[number as usize] as usize..self.first[number as usize + 1] as usize
    }

    /// The micro-operations of a transaction, in order.
    pub(crate) fn micros_of(&self, number: u32) -> &[Micro<L::Read<'a>>] {
        &self.micros[self.places(number)]
    }

    /// The micro-operations of all transactions, one transaction after another.
    pub(crate) fn micros(&self) -> &[Micro<L::Read<'a>>] {
        &self.micros
    }

    /// How it ended.
    pub(crate) fn outcome(&self, number: u32) -> Outcome {
        self.operations[number as usize].outcome
    }

    /// Who invoked a transaction.
    pub(crate) fn process(&self, number: u32) -> Process {
        self.history
            .process(self.operations[number as usize].process)
    }

    /// The index of the event that invoked a transaction.
    pub(crate) fn index(&self, number: u32) -> u64 {
        let row = self.operations[number as usize].invoked;
        self.history.get(row as usize).index()
    }

    /// How many bytes the columns hold.
    pub(crate) fn bytes(&self) -> usize {
        self.operations.capacity() * size_of::<Operation>()
            + self.first.capacity() * size_of::<u32>()
            + self.micros.capacity() * size_of::<Micro<L::Read<'a>>>()
    }

    fn push(&mut self, operation: &Operation) -> Result<(), CheckError> {
        let invoked = self.history.get(operation.invoked as usize);
        if !matches!(invoked.f(), "txn" | "") {
            return Err(CheckError::UnknownFunction {
                index: invoked.index(),
                f: invoked.f().to_owned(),
                model: L::MODEL.to_owned(),
                known: "txn".to_owned(),
            });
        }
        let completed = operation
            .completed
            .filter(|_| operation.outcome == Outcome::Ok);
        let Some(completed) = completed else {
            return self.push_writes(invoked);
        };
        let completed = self.history.get(completed as usize);
        let unasked = || wrong::<L>(invoked);
        let unanswered = || wrong::<L>(completed);
        let asked = invoked.value().items().ok_or_else(unasked)?;
        let answered = completed.value().items().ok_or_else(unanswered)?;
        if asked.len() != answered.len() {
            return Err(other_answer(completed, invoked));
        }
        for (asked, answered) in asked.zip(answered) {
            let (name, key, argument) =
                asking(asked).ok_or_else(|| no_micro::<L>(invoked, asked))?;
            let (named, of, result) =
                parts(answered).ok_or_else(|| no_micro::<L>(completed, answered))?;
            let writes = kind::<L>(invoked, name)?;
            if writes && argument.is_none() {
                return Err(no_micro::<L>(invoked, asked));
            }
            let other = writes && argument != Some(result);
            if kind::<L>(completed, named)? != writes || key != of || other {
                return Err(other_answer(completed, invoked));
            }
            let act = if writes {
                self.write(result, completed)?
            } else {
                Act::Read(L::read(result, &mut self.values).ok_or_else(unanswered)?)
            };
            let key = self.keys.id(key).0;
            self.micros.push(Micro { key, act });
        }
        Ok(())
    }

    /// Keeps what a transaction would have written.
    fn push_writes(&mut self, invoked: EventRef<'a>) -> Result<(), CheckError> {
        let wrong = || wrong::<L>(invoked);
        for micro in invoked.value().items().ok_or_else(wrong)? {
            let no_micro = || no_micro::<L>(invoked, micro);
            let (name, key, argument) = asking(micro).ok_or_else(no_micro)?;
            if kind::<L>(invoked, name)? {
                let argument = argument.ok_or_else(no_micro)?;
                let act = self.write(argument, invoked)?;
                let key = self.keys.id(key).0;
                self.micros.push(Micro { key, act });
            }
        }
        Ok(())
    }

    fn write(
        &mut self,
        value: ValueRef<'a>,
        event: EventRef<'a>,
    ) -> Result<Act<L::Read<'a>>, CheckError> {
        if value.is_nil() {
            return Err(CheckError::WrongValue {
                index: event.index(),
                f: event.f().to_owned(),
                found: event.value().to_string(),
                expected:
                    "writes of values other than nil, which says that nothing was written yet"
                        .to_owned(),
            });
        }
        Ok(Act::Write(self.values.id(value)))
    }
}

/// The name, the key and the value of a micro-operation.
fn parts(micro: ValueRef<'_>) -> Option<(&str, ValueRef<'_>, ValueRef<'_>)> {
    let mut items = micro.items()?;
    let parts = (items.next()?.as_name()?, items.next()?, items.next()?);
    items.next().is_none().then_some(parts)
}

/// The same before it was answered: a read may then leave its value out, as in `[:r k]`.
fn asking(micro: ValueRef<'_>) -> Option<(&str, ValueRef<'_>, Option<ValueRef<'_>>)> {
    if let Some((name, key, value)) = parts(micro) {
        return Some((name, key, Some(value)));
    }
    let (name, key) = micro.pair()?;
    Some((name.as_name()?, key, None))
}

/// The error that names a micro-operation and not only its transaction.
fn no_micro<L: Language>(event: EventRef<'_>, micro: ValueRef<'_>) -> CheckError {
    CheckError::WrongValue {
        index: event.index(),
        f: event.f().to_owned(),
        found: event.value().to_string(),
        expected: format!("{}; `{micro}` is no such micro-operation", L::EXPECTED),
    }
}

/// Whether a micro-operation of this name writes; it reads otherwise.
fn kind<L: Language>(event: EventRef<'_>, name: &str) -> Result<bool, CheckError> {
    let writes = L::writes(name);
    if writes || matches!(name, "r" | "read") {
        return Ok(writes);
    }
    Err(CheckError::WrongValue {
        index: event.index(),
        f: event.f().to_owned(),
        found: event.value().to_string(),
        expected: format!("{}; {} has no `{name}`", L::EXPECTED, L::MODEL),
    })
}

fn wrong<L: Language>(event: EventRef<'_>) -> CheckError {
    CheckError::WrongValue {
        index: event.index(),
        f: event.f().to_owned(),
        found: event.value().to_string(),
        expected: L::EXPECTED.to_owned(),
    }
}

fn other_answer(completed: EventRef<'_>, invoked: EventRef<'_>) -> CheckError {
    CheckError::WrongValue {
        index: completed.index(),
        f: completed.f().to_owned(),
        found: completed.value().to_string(),
        expected: format!(
            "the transaction that event {} invoked, {}, with its reads filled in",
            invoked.index(),
            invoked.value()
        ),
    }
}

/// One write of a value to a key, whatever came of its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Write {
    pub(crate) value: Id,
    pub(crate) transaction: u32,
    /// Its place among the micro-operations of all transactions.
    pub(crate) place: u32,
}

/// Every write by key and value: each value is written to a key once.
#[derive(Clone, Debug)]
pub(crate) struct Writes {
    /// By key, then by value.
    rows: Rows<Write>,
}

impl Writes {
    /// Collects the writes of all transactions.
    ///
    /// # Errors
    /// A value is written twice to a key: nobody could say which of the two a read saw.
    pub(crate) fn of<L: Language>(transactions: &Transactions<'_, L>) -> Result<Self, CheckError> {
        let nowhere = Write {
            value: Id::NIL,
            transaction: 0,
            place: 0,
        };
        let numbers = 0..transactions.len() as u32;
        let places =
            numbers.flat_map(|number| transactions.places(number).map(move |at| (number, at)));
        let written = places.filter_map(|(transaction, place)| {
            let micro = transactions.micros()[place];
            let Act::Write(value) = micro.act else {
                return None;
            };
            let write = Write {
                value,
                transaction,
                place: place as u32,
            };
            Some((micro.key, write))
        });
        let rows = Rows::sorted(transactions.key_count(), written, nowhere);
        let mut writes = Self { rows };
        writes.sort(transactions)?;
        Ok(writes)
    }

    fn sort<L: Language>(&mut self, transactions: &Transactions<'_, L>) -> Result<(), CheckError> {
        let mut earliest: Option<(Write, Write)> = None;
        for key in 0..self.rows.count() {
            let list = self.rows.of_mut(key);
            list.sort_by_key(|write| (write.value, write.place));
            for pair in list.windows(2) {
                let twice = pair[0].value == pair[1].value;
                if twice && earliest.is_none_or(|(_, second)| pair[1].place < second.place) {
                    earliest = Some((pair[0], pair[1]));
                }
            }
        }
        earliest.map_or(Ok(()), |(one, two)| Err(twice(transactions, one, two)))
    }

    /// The writes of a key, by value.
    pub(crate) fn of_key(&self, key: u32) -> &[Write] {
        self.rows.of(key)
    }

    /// The places of the writes of a key in the list of all.
    pub(crate) fn range(&self, key: u32) -> std::ops::Range<usize> {
        self.rows.range(key)
    }

    /// The place of the write of a value to a key in the list of all.
    pub(crate) fn place(&self, key: u32, value: Id) -> Option<usize> {
        let writes = self.of_key(key);
        let at = writes.binary_search_by_key(&value, |write| write.value);
        Some(self.range(key).start + at.ok()?)
    }

    /// The write of a value to a key.
    pub(crate) fn find(&self, key: u32, value: Id) -> Option<&Write> {
        self.place(key, value).map(|place| &self.rows.all()[place])
    }

    /// All writes, by key and then by value.
    pub(crate) fn all(&self) -> &[Write] {
        self.rows.all()
    }

    /// The number of the initial version of a key: those of versions that were written come before.
    pub(crate) fn initial(&self, key: u32) -> u32 {
        self.all().len() as u32 + key
    }

    /// Who wrote a version; nobody wrote an initial one.
    pub(crate) fn writer(&self, version: u32) -> Option<u32> {
        let write = self.all().get(version as usize)?;
        Some(write.transaction)
    }
}

fn twice<L: Language>(transactions: &Transactions<'_, L>, one: Write, two: Write) -> CheckError {
    let operation = transactions.operations[two.transaction as usize];
    let event = transactions.history.get(operation.invoked as usize);
    let key = transactions.micros()[two.place as usize].key;
    CheckError::WrongValue {
        index: event.index(),
        f: event.f().to_owned(),
        found: event.value().to_string(),
        expected: format!(
            "values that are written to a key once; event {} writes {} to key {} already",
            transactions.index(one.transaction),
            transactions.values.text(two.value),
            transactions.keys.text(Id(key)),
        ),
    }
}
