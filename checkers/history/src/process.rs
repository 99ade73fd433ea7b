//! Who: clients are told from other processes by what they do, and each has a number.
//!
//! Jepsen's clients are integers; those of other tools have names. A name is kept as it was written, and
//! operations know its process by a number below all integers that a file may use. So no checker needs to
//! know that names exist, and no name takes an operation out of judgement.

use std::fmt;

use rustc_hash::FxHashMap;

use crate::names::Names;
use crate::tape::Tag;
use crate::{Kind, Value};

/// Who invoked an operation.
///
/// Whoever invokes an operation, or completes one with `ok` or `fail`, is a client, whatever it is called:
/// an integer, as in Jepsen, or `"client-7"`, `:w1`, `1.5`. Names that are written differently are different
/// processes: `0` is not `"0"`, and `:a` is not `"a"`. A process takes no part in any verdict if it is called
/// `nemesis` or alike (see [`Process::is_nemesis`]), or if all that it ever says is `info`, as Jepsen's nemesis
/// does: an integer needs two such events, for one alone is a completion whose invocation was lost.
///
/// ```
/// use rupture_history::{Process, Value, codec};
///
/// let history = codec::read(
///     b"{:process 4 :type :invoke :f :read}
///       {:process \"w1\" :type :invoke :f :read}
///       {:process :nemesis :type :info :f :partition}",
/// )?;
/// assert_eq!(history.get(0).process(), Process::Client(4));
/// assert_eq!(history.get(1).process(), Process::Named(Value::str("w1")));
/// assert_eq!(history.get(2).process(), Process::nemesis());
/// assert_eq!(history.operations()?.len(), 2, "faults are no operations");
/// assert_eq!(history.left_out()[0].to_string(), "1 event of nemesis");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Process {
    /// A process that is known by an integer: single-threaded, and never used again after `info`.
    Client(i64),
    /// A process that is known by any other value: a client with a name, or the nemesis.
    Named(Value),
}

impl Process {
    /// The nemesis.
    pub fn nemesis() -> Self {
        Self::Named(Value::keyword("nemesis"))
    }

    /// A process by another name than its number, because it had not certainly ended what it did before.
    pub(crate) fn again(process: i64, number: u64) -> Self {
        Self::Named(Value::str(&format!("{process}'{number}")))
    }

    /// Whether the name says that this is a nemesis: the word `nemesis`, in any case, at the beginning or the
    /// end of a keyword, a string or a symbol, alone or set apart by anything but a letter.
    ///
    /// ```
    /// use rupture_history::{Process, Value};
    ///
    /// for name in ["nemesis", "Nemesis", "nemesis-2", "nemesis/kill", "kill-nemesis"] {
    ///     assert!(Process::Named(Value::str(name)).is_nemesis(), "{name}");
    /// }
    /// assert!(!Process::Named(Value::str("w1")).is_nemesis());
    /// assert!(!Process::Client(0).is_nemesis());
    /// ```
    pub fn is_nemesis(&self) -> bool {
        match self {
            Self::Client(_) => false,
            Self::Named(name) => is_nemesis(name),
        }
    }
}

/// The name as it was written. A string has no quotes where nobody can take it for something else, and the nemesis is
/// `nemesis` in every format.
///
/// ```
/// use rupture_history::{Process, Value};
///
/// let name = |value| Process::Named(value).to_string();
/// assert_eq!(Process::Client(0).to_string(), "0");
/// assert_eq!(name(Value::str("0")), "\"0\"");
/// assert_eq!(name(Value::str("client-7")), "client-7");
/// assert_eq!(name(Value::keyword("w1")), ":w1");
/// ```
impl fmt::Display for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Client(number) => number.fmt(f),
            Self::Named(Value::Str(name)) if is_plain(name) => f.write_str(name),
            Self::Named(Value::Keyword(name)) if &**name == "nemesis" => f.write_str(name),
            Self::Named(name) => name.fmt(f),
        }
    }
}

/// Whether a string without its quotes is neither a number nor a keyword, nor several words.
fn is_plain(name: &str) -> bool {
    let starts = |c: char| c.is_alphabetic() || c == '_';
    let within = |c: char| c.is_alphanumeric() || "_-.:/@#".contains(c);
    name.starts_with(starts)
        && name.chars().all(within)
        && !matches!(name, "nil" | "null" | "true" | "false")
}

fn is_nemesis(name: &Value) -> bool {
    const WORD: &str = "nemesis";
    let (Value::Str(name) | Value::Keyword(name) | Value::Symbol(name)) = name else {
        return false;
    };
    let apart = |c: Option<char>| !c.is_some_and(char::is_alphabetic);
    let name = name.to_ascii_lowercase();
    name.strip_prefix(WORD)
        .is_some_and(|rest| apart(rest.chars().next()))
        || name
            .strip_suffix(WORD)
            .is_some_and(|rest| apart(rest.chars().next_back()))
}

/// A process whose events no checker sees, and how many they are.
///
/// ```
/// let history = rupture_history::codec::read(
///     br#"{"process": "nemesis", "type": "invoke", "f": "write", "value": 1}
///         {"process": "nemesis", "type": "ok", "f": "write", "value": 1}"#,
/// )?;
/// let [left_out] = &history.left_out()[..] else { panic!("one") };
/// assert_eq!(left_out.events, 2);
/// assert!(left_out.acts, "it is left out for its name alone");
/// # Ok::<(), rupture_history::codec::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Who.
    pub process: Process,
    /// How many events.
    pub events: usize,
    /// Whether it invokes operations or completes them with `ok` or `fail`, as clients do, so that only its
    /// name says that it is none.
    pub acts: bool,
}

/// How many events of whom, and what to do if that was a client.
impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (events, process) = (self.events, &self.process);
        let plural = if events == 1 { "" } else { "s" };
        write!(f, "{events} event{plural} of {process}")?;
        if self.acts {
            f.write_str(", which is named like a nemesis but acts like a client; rename it to have it judged")?;
        }
        Ok(())
    }
}

/// The numbers below this one stand for processes that are no such integers.
const INTEGERS: i64 = i64::MIN + (1 << 32);

/// The processes of a history that have a name, each with the number by which rows and operations know it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Processes {
    named: Vec<Named>,
    /// By the kind of the name, and the number of its text.
    known: FxHashMap<(u8, u32), u32>,
}

#[derive(Clone, Debug)]
struct Named {
    /// An integer where it takes part in nothing, or is so low that its number is taken.
    name: Value,
    nemesis: bool,
    acts: bool,
    events: usize,
}

/// Whether a client is known by its own integer.
#[inline]
pub(crate) fn is_integer(number: i64) -> bool {
    number >= INTEGERS
}

impl Processes {
    /// The number of a keyword or a string.
    pub(crate) fn named(&mut self, names: &mut Names, tag: Tag, text: &str) -> i64 {
        let key = (tag as u8, names.intern(text));
        if let Some(known) = self.known.get(&key) {
            return i64::MIN + i64::from(*known);
        }
        let name = match tag {
            Tag::Keyword => Value::keyword(text),
            _ => Value::str(text),
        };
        self.add(key, name)
    }

    /// The number of any value.
    pub(crate) fn number(&mut self, names: &mut Names, name: &Value) -> i64 {
        match name {
            Value::Int(number) if is_integer(*number) => *number,
            Value::Keyword(text) => self.named(names, Tag::Keyword, text),
            Value::Str(text) => self.named(names, Tag::Str, text),
            _ => self.other(names, name),
        }
    }

    fn other(&mut self, names: &mut Names, name: &Value) -> i64 {
        let key = (Tag::Other as u8, names.intern(&name.to_string()));
        match self.known.get(&key) {
            Some(known) => i64::MIN + i64::from(*known),
            None => self.add(key, name.clone()),
        }
    }

    fn add(&mut self, key: (u8, u32), name: Value) -> i64 {
        let place = self.named.len() as u32;
        self.named.push(Named {
            nemesis: is_nemesis(&name),
            name,
            acts: false,
            events: 0,
        });
        self.known.insert(key, place);
        i64::MIN + i64::from(place)
    }

    /// Counts an event of this process.
    #[inline]
    pub(crate) fn count(&mut self, number: i64, kind: Kind) {
        if !is_integer(number) {
            let named = &mut self.named[place(number)];
            named.events += 1;
            named.acts |= kind != Kind::Info;
        }
    }

    /// Gives an integer that is no client a number of its own.
    pub(crate) fn set_apart(&mut self, names: &mut Names, integer: i64, events: usize) -> i64 {
        let number = self.other(names, &Value::Int(integer));
        self.named[place(number)].events = events;
        number
    }

    #[inline]
    pub(crate) fn is_client(&self, number: i64) -> bool {
        is_integer(number) || {
            let named = &self.named[place(number)];
            named.acts && !named.nemesis
        }
    }

    /// The name of a process that has one.
    pub(crate) fn name(&self, number: i64) -> Option<&Value> {
        (!is_integer(number)).then(|| &self.named[place(number)].name)
    }

    pub(crate) fn process(&self, number: i64) -> Process {
        match self.name(number) {
            None => Process::Client(number),
            Some(Value::Int(integer)) => Process::Client(*integer),
            Some(name) => Process::Named(name.clone()),
        }
    }

    pub(crate) fn left_out(&self) -> Vec<LeftOut> {
        let out = self.named.iter().filter(|named| named.events > 0);
        out.filter(|named| named.nemesis || !named.acts)
            .map(|named| LeftOut {
                process: match &named.name {
                    Value::Int(integer) => Process::Client(*integer),
                    name => Process::Named(name.clone()),
                },
                events: named.events,
                acts: named.acts,
            })
            .collect()
    }
}

fn place(number: i64) -> usize {
    number.wrapping_sub(i64::MIN) as usize
}
