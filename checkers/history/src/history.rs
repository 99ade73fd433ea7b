//! A history: what clients saw, event by event, in a compact form.

use crate::event::{Event, Kind};
use crate::operation::{self, Operation, PairingError};
use crate::process::{self, LeftOut, Process, Processes};
use crate::tape::{Tag, Tape, TooLarge};
use crate::value_ref::ValueRef;
use crate::{Name, Value};
use rustc_hash::FxHashMap;

/// How many functions a row can tell apart.
pub(crate) const MOST_FUNCTIONS: u32 = 1 << 28;

/// One event, 32 bytes; its value lies on the tape, and a map of its other fields directly behind it.
#[derive(Clone, Copy, Debug)]
struct Row {
    index: u64,
    time: i64,
    /// A client's integer, or the number of a name.
    process: i64,
    value: u32,
    facts: Facts,
}

/// The number of a function's name and four bits: two for the kind, and one for *has other fields*.
#[derive(Clone, Copy, Debug)]
struct Facts(u32);

impl Facts {
    fn new(f: u32, kind: Kind, extra: bool) -> Self {
        Self(f << 4 | (kind as u32) << 2 | u32::from(extra))
    }

    fn f(self) -> u32 {
        self.0 >> 4
    }

    fn kind(self) -> Kind {
        match (self.0 >> 2) & 3 {
            0 => Kind::Invoke,
            1 => Kind::Ok,
            2 => Kind::Fail,
            _ => Kind::Info,
        }
    }

    fn extra(self) -> bool {
        self.0 & 1 != 0
    }
}

/// What a row says besides its value, as readers hand it over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) index: Option<u64>,
    pub(crate) time: i64,
    pub(crate) kind: Kind,
    pub(crate) process: i64,
    pub(crate) f: u32,
    pub(crate) value: u32,
    pub(crate) extra: bool,
}

/// A sequence of events in the order in which they were recorded.
///
/// Stored flat: 32 bytes an event, and eight more for each atom of its value; strings are kept once. A
/// *row* is an event's position, from 0; its `index` is the number that the file gave it.
///
/// ```
/// use rupture_history::{Event, History, Kind, Value};
///
/// let history: History = [
///     Event::new(0, Kind::Invoke, "add", Value::Int(5)),
///     Event::new(0, Kind::Ok, "add", Value::Int(5)),
/// ]
/// .iter()
/// .collect();
/// assert_eq!(history.len(), 2);
/// assert_eq!(history.get(1).index(), 1);
/// assert_eq!(history.iter().filter(|event| event.kind() == Kind::Ok).count(), 1);
/// ```
#[derive(Clone, Debug, Default)]
pub struct History {
    rows: Vec<Row>,
    pub(crate) tape: Tape,
    pub(crate) processes: Processes,
    /// Whether the order of events says nothing but that of each process.
    timeless: bool,
    /// Whether all invocations were made up from their completions.
    invoked: bool,
    /// Whether the file says nothing of processes.
    nameless: bool,
    notes: Vec<String>,
}

/// Building.
impl History {
    /// An empty history.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an event and returns its row. An event without an index gets the next one.
    ///
    /// # Panics
    /// When the event's value has more than 2^28 atoms, or the history more than 2^32. Readers refuse such
    /// files with an error; a program that records an event of two gigabytes has lost its way.
    pub fn push(&mut self, event: &Event) -> usize {
        let f = self.tape.names.intern(&event.f);
        let process = match &event.process {
            Process::Client(number) => self.number_of(&Value::Int(*number)),
            Process::Named(name) => self.number_of(name),
        };
        let value = u32::try_from(self.tape.end());
        let pushed = self.push_value(event);
        let (Ok(value), Ok(()), true) = (value, pushed, f < MOST_FUNCTIONS) else {
            panic!("an event that is too large to record");
        };
        self.push_row(Head {
            index: event.index,
            time: event.time,
            kind: event.kind,
            process,
            f,
            value,
            extra: !event.extra.is_empty(),
        })
    }

    fn push_value(&mut self, event: &Event) -> Result<(), TooLarge> {
        self.tape.push(&event.value)?;
        if event.extra.is_empty() {
            return Ok(());
        }
        let open = self.tape.open(Tag::Map);
        for (name, value) in &event.extra {
            self.tape.named(Tag::Keyword, name);
            self.tape.push(value)?;
        }
        self.tape.close(open, event.extra.len())
    }

    /// Appends a row whose value is on the tape already.
    pub(crate) fn push_row(&mut self, head: Head) -> usize {
        self.processes.count(head.process, head.kind);
        let next = self.last_index().map_or(0, |last| last.saturating_add(1));
        self.rows.push(Row {
            index: head.index.unwrap_or(next),
            time: head.time,
            process: head.process,
            value: head.value,
            facts: Facts::new(head.f, head.kind, head.extra),
        });
        self.rows.len() - 1
    }

    /// Puts an invocation before each completion of a client, with the same value and all else.
    pub(crate) fn invoke_completions(&mut self) {
        let mut rows = Vec::with_capacity(2 * self.rows.len());
        for row in self.rows.drain(..) {
            if row.facts.kind() != Kind::Invoke && self.processes.is_client(row.process) {
                rows.push(Row {
                    facts: Facts::new(row.facts.f(), Kind::Invoke, row.facts.extra()),
                    ..row
                });
            }
            rows.push(row);
        }
        self.rows = rows;
        self.invoked = true;
    }

    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Numbers all events by their rows, whatever the file says.
    pub(crate) fn number_by_row(&mut self) {
        for (number, row) in self.rows.iter_mut().enumerate() {
            row.index = number as u64;
        }
    }

    /// The number by which rows know the process of this name.
    pub(crate) fn number_of(&mut self, name: &Value) -> i64 {
        self.processes.number(&mut self.tape.names, name)
    }

    /// Takes integers that say nothing but `info`, twice or more, out of judgement, as names are that do so. A
    /// reader does this at the end of a file, for before it nobody knows. Linear time.
    pub(crate) fn set_nemeses_apart(&mut self) {
        let mut silent: FxHashMap<i64, usize> = FxHashMap::default();
        for row in &self.rows {
            if row.facts.kind() == Kind::Info && process::is_integer(row.process) {
                *silent.entry(row.process).or_default() += 1;
            }
        }
        silent.retain(|_, events| *events > 1);
        if silent.is_empty() {
            return;
        }
        for row in &self.rows {
            if row.facts.kind() != Kind::Info {
                silent.remove(&row.process);
            }
        }
        for row in &mut self.rows {
            if let Some(events) = silent.get(&row.process) {
                let names = &mut self.tape.names;
                row.process = self.processes.set_apart(names, row.process, *events);
            }
        }
    }

    /// The index of the last event.
    pub(crate) fn last_index(&self) -> Option<u64> {
        self.rows.last().map(|row| row.index)
    }

    /// Gives back memory that was reserved and is not used, for a history that has come to its end.
    pub fn shrink_to_fit(&mut self) {
        self.rows.shrink_to_fit();
        self.tape.shrink();
    }
}

/// Reading.
impl History {
    /// How many events there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The event at a row.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn get(&self, row: usize) -> EventRef<'_> {
        EventRef {
            history: self,
            row: &self.rows[row],
        }
    }

    /// All events, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = EventRef<'_>> + DoubleEndedIterator {
        self.rows.iter().map(|row| EventRef { history: self, row })
    }

    /// The operations of clients, in the order of their invocations. An operation that never completed
    /// has the outcome `info`. Linear time.
    ///
    /// ```
    /// use rupture_history::{Outcome, codec};
    ///
    /// let history = codec::read(
    ///     b"{:process 0 :type :invoke :f :write :value 1}
    ///       {:process 1 :type :invoke :f :read}
    ///       {:process 1 :type :ok :f :read :value 1}",
    /// )?;
    /// let operations = history.operations()?;
    /// assert_eq!(operations[0].outcome, Outcome::Info, "it never completed");
    /// assert_eq!((operations[1].invoked, operations[1].completed), (1, Some(2)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A client with two open operations, or a completion that nobody invoked.
    pub fn operations(&self) -> Result<Vec<Operation>, PairingError> {
        operation::pair(self)
    }

    /// The process that has this number in [`Operation`] and [`EventRef::client`].
    ///
    /// ```
    /// let history = rupture_history::codec::read(b"{:process :w1 :type :invoke :f :read}")?;
    /// let number = history.operations()?[0].process;
    /// assert_eq!(history.process(number).to_string(), ":w1");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Panics
    /// When the number is of another history.
    pub fn process(&self, number: i64) -> Process {
        self.processes.process(number)
    }

    /// The processes that are no clients, in the order in which they appear: no checker sees their events.
    pub fn left_out(&self) -> Vec<LeftOut> {
        self.processes.left_out()
    }

    /// Whether what completed before something else was invoked is known to have come before it. Files that
    /// record sessions of transactions and no times (Plume, `PolySI`, dbcop) only order those of one session, so
    /// that no level that needs real time is judged by them.
    ///
    /// ```
    /// use rupture_history::codec;
    ///
    /// let history = codec::read(b"w(1,1,0,0)\nr(1,1,1,1)")?;
    /// assert!(!history.has_real_time());
    /// assert_eq!(history.get(1).value().to_string(), "[[:w 1 1]]");
    /// # Ok::<(), codec::ParseError>(())
    /// ```
    pub fn has_real_time(&self) -> bool {
        !self.timeless
    }

    /// Lets the order of events say nothing but that of each process.
    pub(crate) fn forget_real_time(&mut self) {
        self.timeless = true;
    }

    /// Whether the invocations were made up, by [`History::with_invocations`]: then they say nothing that their
    /// completions do not.
    pub fn has_added_invocations(&self) -> bool {
        self.invoked
    }

    /// Whether the file says who did what. Where it names no process at all, all is taken for what one client did, 0, one
    /// thing after the other; whoever reads a verdict should be told.
    ///
    /// ```
    /// use rupture_history::codec;
    ///
    /// assert!(codec::read(b"{:process 0 :type :invoke :f :read}")?.has_processes());
    /// assert!(!codec::read(b"{:type :invoke :f :read}")?.has_processes());
    /// # Ok::<(), codec::ParseError>(())
    /// ```
    pub fn has_processes(&self) -> bool {
        !self.nameless
    }

    pub(crate) fn forget_processes(&mut self, nameless: bool) {
        self.nameless = nameless;
    }

    /// What whoever reads a verdict on this history should know of how it was read.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The first row whose time is before that of an earlier row, if there is one.
    ///
    /// Checkers order events by row and never by time, so this changes no verdict; but a history in which
    /// the two disagree was merged or sorted by something else than its recorder, and deserves a warning.
    /// Events without a time (below zero) are passed over. Linear time.
    ///
    /// ```
    /// let history = rupture_history::codec::read(
    ///     b"{:process 0 :type :invoke :f :read :time 20}
    ///       {:process 1 :type :invoke :f :read :time 10}",
    /// )?;
    /// assert_eq!(history.first_time_disorder(), Some(1));
    /// # Ok::<(), rupture_history::codec::ParseError>(())
    /// ```
    pub fn first_time_disorder(&self) -> Option<usize> {
        let mut latest = 0;
        self.rows.iter().position(|row| {
            let before = row.time >= 0 && row.time < latest;
            latest = latest.max(row.time);
            before
        })
    }

    /// How many bytes of memory the history holds.
    pub fn bytes(&self) -> usize {
        self.rows.capacity() * size_of::<Row>() + self.tape.bytes()
    }
}

impl<'a> FromIterator<&'a Event> for History {
    fn from_iter<I: IntoIterator<Item = &'a Event>>(events: I) -> Self {
        let mut history = Self::new();
        history.extend(events);
        history
    }
}

impl<'a> Extend<&'a Event> for History {
    fn extend<I: IntoIterator<Item = &'a Event>>(&mut self, events: I) {
        for event in events {
            self.push(event);
        }
    }
}

/// A view of one event.
///
/// ```
/// use rupture_history::{Kind, codec};
///
/// let history = codec::read(
///     br#"{"index": 8, "time": 90, "type": "fail", "process": 1, "f": "cas", "value": [1, 2],
///          "error": "precondition"}"#,
/// )?;
/// let event = history.get(0);
/// assert_eq!((event.index(), event.time(), event.kind()), (8, 90, Kind::Fail));
/// assert_eq!((event.client(), event.f()), (Some(1), "cas"));
/// assert_eq!(event.extras().map(|(name, _)| name).collect::<Vec<_>>(), ["error"]);
/// # Ok::<(), codec::ParseError>(())
/// ```
#[derive(Clone, Copy)]
pub struct EventRef<'a> {
    history: &'a History,
    row: &'a Row,
}

impl<'a> EventRef<'a> {
    /// The number that the file gave the event.
    pub fn index(self) -> u64 {
        self.row.index
    }

    /// Nanoseconds since the run began; -1 where the history does not say.
    pub fn time(self) -> i64 {
        self.row.time
    }

    /// Invocation or completion.
    pub fn kind(self) -> Kind {
        self.row.facts.kind()
    }

    /// The number by which operations know the client: its own where it is an integer, and one that only
    /// this history knows where it has a name. `None` for the nemesis and the like.
    #[inline]
    pub fn client(self) -> Option<i64> {
        let number = self.row.process;
        self.history.processes.is_client(number).then_some(number)
    }

    /// The client's integer, or else a name, for those who write it down.
    pub(crate) fn actor(self) -> (i64, Option<&'a Value>) {
        let number = self.row.process;
        (number, self.history.processes.name(number))
    }

    /// Who.
    pub fn process(self) -> Process {
        self.history.process(self.row.process)
    }

    /// Whether this is an invocation that [`History::with_invocations`] made up from its completion: its value is then
    /// what was answered.
    pub fn is_made_up(self) -> bool {
        self.history.invoked && self.kind() == Kind::Invoke
    }

    /// The function; empty where the history does not say.
    pub fn f(self) -> &'a str {
        self.history.tape.names.get(self.row.facts.f())
    }

    /// The number that stands for the function's name in this history.
    pub(crate) fn f_number(self) -> u32 {
        self.row.facts.f()
    }

    /// The argument, or in an `ok` completion the result.
    pub fn value(self) -> ValueRef<'a> {
        ValueRef::new(&self.history.tape, self.row.value)
    }

    /// All other fields, in the order in which they were written.
    pub fn extras(self) -> impl Iterator<Item = (&'a str, ValueRef<'a>)> {
        let map = self.row.facts.extra().then(|| self.value().following());
        map.and_then(ValueRef::entries)
            .into_iter()
            .flatten()
            .filter_map(|(name, value)| Some((name.as_name()?, value)))
    }

    /// One of the other fields.
    pub fn extra(self, name: &str) -> Option<ValueRef<'a>> {
        self.extras().find(|(n, _)| *n == name).map(|(_, v)| v)
    }

    /// An owned copy.
    pub fn to_event(self) -> Event {
        let extras = self.extras();
        Event {
            index: Some(self.index()),
            time: self.time(),
            kind: self.kind(),
            process: self.process(),
            f: self.f().into(),
            value: self.value().to_value(),
            extra: extras
                .map(|(name, value)| (Name::from(name), value.to_value()))
                .collect::<Vec<(Name, Value)>>(),
        }
    }
}

/// The event as one line of Jepsen's EDN.
impl std::fmt::Debug for EventRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut line = String::new();
        crate::codec::edn::write_event(&mut line, *self);
        f.write_str(line.trim_end())
    }
}
