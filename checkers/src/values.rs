//! The values that operations carry, kept once and known by number.

use rupture_history::{Process, Value, ValueRef};
use rustc_hash::FxHashMap;

/// The number of a value: equal values have equal numbers.
///
/// ```
/// use rupture_checkers::models::{Register, op::RegisterOp};
/// use rupture_checkers::{Id, Model, Values};
///
/// assert_eq!(Values::default().text(Id::NIL), "nil");
/// assert_eq!(Register.initial(), Id::NIL);
/// assert!(Register.step(&Id::NIL, &RegisterOp::Read(Id(1))).is_none());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub u32);

impl Id {
    /// The number of `nil`, or of the value that registers hold at first where they are told another one.
    pub const NIL: Self = Self(0);
}

/// Values that operations carry, each kept once and numbered in the order of first use, so that states and
/// operations stay small.
///
/// ```
/// use rupture_checkers::Values;
/// use rupture_checkers::history::{Value, codec};
///
/// let history = codec::read(b"[{:type :invoke :f :add :value #{1 2}} {:type :ok :f :add :value #{2 1}}]")?;
/// let mut values = Values::default();
/// let [first, second] = [0, 1].map(|row| values.id(history.get(row).value()));
/// assert_eq!(first, second, "equal sets, whatever the order they were written in");
/// assert_eq!(values.text(first), "#{1 2}");
/// assert_eq!(values.get(first).items(), Some(&[Value::Int(1), Value::Int(2)][..]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Values {
    list: Vec<Value>,
    numbers: FxHashMap<Value, u32>,
    /// The numbers of small integers, by the integer: values that count upwards, as most do, then lie side by
    /// side in memory.
    small: Vec<u32>,
    /// The names of processes that have one, by their numbers.
    names: FxHashMap<i64, Process>,
}

/// No number.
const NONE: u32 = u32::MAX;
/// How much room small integers may take for each value that there is, and at least.
const ROOM_A_VALUE: usize = 8;
const ROOM: usize = 64;

impl Default for Values {
    fn default() -> Self {
        Self::beginning_with(Value::Nil)
    }
}

impl Values {
    /// Values of which this one has the number of `nil`, as a register sees them that holds it at first.
    pub(crate) fn beginning_with(initial: Value) -> Self {
        let mut values = Self {
            list: Vec::new(),
            numbers: FxHashMap::default(),
            small: Vec::new(),
            names: FxHashMap::default(),
        };
        values.number(canonical(initial));
        values
    }

    /// The number of a value. Sets and maps are equal whatever the order they were written in.
    pub fn id(&mut self, value: ValueRef<'_>) -> Id {
        match value.as_int().map(usize::try_from) {
            Some(Ok(small)) => self.small(small, value),
            _ => self.number(canonical(value.to_value())),
        }
    }

    /// The number of an integer that is not negative.
    fn small(&mut self, integer: usize, value: ValueRef<'_>) -> Id {
        if let Some(&number) = self.small.get(integer).filter(|&&number| number != NONE) {
            return Id(number);
        }
        let room = self.list.len() * ROOM_A_VALUE + ROOM;
        if integer >= room {
            return self.number(value.to_value());
        }
        // It may have been met when there was less room.
        let known = self.numbers.get(&value.to_value()).copied();
        let number = known.unwrap_or_else(|| {
            self.list.push(value.to_value());
            self.list.len() as u32 - 1
        });
        if integer >= self.small.len() {
            self.small.resize((integer + 1).next_power_of_two(), NONE);
        }
        self.small[integer] = number;
        Id(number)
    }

    /// The number of a value that was met before.
    pub(crate) fn find(&self, value: ValueRef<'_>) -> Option<Id> {
        if let Some(Ok(small)) = value.as_int().map(usize::try_from) {
            let number = self.small.get(small).filter(|&&number| number != NONE);
            if let Some(&number) = number {
                return Some(Id(number));
            }
        }
        let number = self.numbers.get(&canonical(value.to_value()));
        number.map(|&number| Id(number))
    }

    fn number(&mut self, value: Value) -> Id {
        if let Some(&number) = self.numbers.get(&value) {
            return Id(number);
        }
        let number = self.list.len() as u32;
        self.list.push(value.clone());
        self.numbers.insert(value, number);
        Id(number)
    }

    /// The value of a number.
    ///
    /// # Panics
    /// When the number is of another collection of values.
    pub fn get(&self, id: Id) -> &Value {
        &self.list[id.0 as usize]
    }

    /// How many numbers are in use; all are below.
    pub(crate) fn count(&self) -> usize {
        self.list.len()
    }

    /// Remembers what a process is called, and returns its number.
    pub(crate) fn meet(&mut self, number: i64, process: Process) -> i64 {
        if let Process::Named(_) = process {
            self.names.entry(number).or_insert(process);
        }
        number
    }

    /// What a process is called.
    pub(crate) fn process(&self, number: i64) -> Process {
        let named = self.names.get(&number).cloned();
        named.unwrap_or(Process::Client(number))
    }

    /// The value of a number, as EDN.
    pub fn text(&self, id: Id) -> String {
        self.get(id).to_string()
    }
}

/// The same value with sets and maps in one order. Depth is bounded by the reader of the history.
pub(crate) fn canonical(value: Value) -> Value {
    match value {
        Value::Vector(items) => Value::Vector(items.into_iter().map(canonical).collect()),
        Value::Set(items) => {
            let mut items: Vec<Value> = items.into_iter().map(canonical).collect();
            items.sort();
            items.dedup();
            Value::Set(items)
        }
        Value::Map(entries) => {
            let mut entries: Vec<(Value, Value)> = entries
                .into_iter()
                .map(|(key, value)| (canonical(key), canonical(value)))
                .collect();
            entries.sort();
            Value::Map(entries)
        }
        Value::Tagged(tag, value) => Value::Tagged(tag, Box::new(canonical(*value))),
        atom => atom,
    }
}
