//! Reading a history in the language of a model, and splitting it into parts that are judged apart.

use rupture_history::{EventRef, History, Operation, Outcome, Value, ValueRef};
use rustc_hash::FxHashMap;

use crate::values::canonical;
use crate::{CheckError, Mismatch, Model, Seen, Values};

/// The completion of a call that never completes.
pub(crate) const NEVER: u32 = u32::MAX;

/// An operation as the engines see it: what it did, and between which two rows of the history.
#[derive(Clone, Debug)]
pub(crate) struct Call<O> {
    pub(crate) op: O,
    /// The row of the invocation.
    pub(crate) invoked: u32,
    /// The row of the completion, or [`NEVER`].
    pub(crate) completed: u32,
    /// Whether it happened; otherwise it may have.
    pub(crate) must: bool,
    /// Its number in the history.
    pub(crate) operation: u32,
}

/// One object and what was done to it.
#[derive(Debug)]
pub(crate) struct Part<O> {
    /// Which object, as EDN, where there are several.
    pub(crate) key: Option<String>,
    /// In the order of invocation.
    pub(crate) calls: Vec<Call<O>>,
    /// All operations on it, also those that mean nothing.
    pub(crate) operations: Vec<u32>,
    pub(crate) values: Values,
}

/// How a history is split into objects, and what they hold at first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Objects {
    /// Whether values are `[key value]`, and every key is an object of its own.
    pub(crate) independent: bool,
    /// What registers hold at first, if it is not nil.
    pub(crate) initial: Option<Value>,
}

impl Objects {
    /// The values of an object that nobody has touched.
    pub(crate) fn values(&self) -> Values {
        let initial = self.initial.clone().unwrap_or(Value::Nil);
        Values::beginning_with(initial)
    }
}

/// The parts of a history in the order in which they are first touched.
pub(crate) fn parts<M: Model>(
    model: &M,
    objects: &Objects,
    history: &History,
    operations: &[Operation],
) -> Result<Vec<Part<M::Op>>, CheckError> {
    let mut parts: Vec<Part<M::Op>> = Vec::new();
    let mut numbers: FxHashMap<Vec<Value>, usize> = FxHashMap::default();
    for (number, operation) in operations.iter().enumerate() {
        let reader = Reader::new(model, objects.independent, history, operation)?;
        let key = reader.key()?;
        let at = *numbers.entry(key).or_insert_with_key(|key| {
            parts.push(Part {
                key: name(key),
                calls: Vec::new(),
                operations: Vec::new(),
                values: objects.values(),
            });
            parts.len() - 1
        });
        let part = &mut parts[at];
        part.operations.push(number as u32);
        if let Some(op) = reader.op(&mut part.values)? {
            let known = operation.outcome != Outcome::Info;
            part.calls.push(Call {
                op,
                invoked: operation.invoked,
                completed: operation.completed.filter(|_| known).unwrap_or(NEVER),
                must: known,
                operation: number as u32,
            });
        }
    }
    Ok(parts)
}

/// A note on completions that say another argument than their invocation, and which of the two was used. An answer of
/// another kind, such as `true` or `:ok`, says nothing of the argument.
pub(super) fn contradicted<M: Model>(
    model: &M,
    objects: &Objects,
    history: &History,
    operations: &[Operation],
) -> Option<String> {
    let mut first = None;
    let mut more = 0_usize;
    for operation in operations.iter().filter(|o| o.outcome == Outcome::Ok) {
        let Ok(reader) = Reader::new(model, objects.independent, history, operation) else {
            continue;
        };
        if !reader.contradicts() {
            continue;
        }
        if first.is_none() {
            first = Some(reader);
        } else {
            more += 1;
        }
    }
    let reader = first?;
    let mut values = objects.values();
    let mut used = |reader: &Reader<'_, M>| reader.op(&mut values).ok();
    let echo = Seen {
        result: Some(reader.seen.argument),
        ..reader.seen
    };
    let same = used(&reader)
        == used(&Reader {
            seen: echo,
            ..reader
        });
    let used = if same { "invocation" } else { "completion" };
    let seen = &reader.seen;
    let told = (reader.completion?, seen.result?);
    Some(contradiction(
        told,
        (seen.invocation, seen.argument),
        more,
        used,
    ))
}

/// The same for judges that take the argument from the invocation.
pub(crate) fn contradicted_invocations(
    history: &History,
    operations: &[Operation],
    independent: bool,
) -> Option<String> {
    let inner = |row: u32| {
        let event = history.get(row as usize);
        let value = event.value();
        let pair = value.pair().filter(|_| independent);
        (event, pair.map_or(value, |(_, value)| value))
    };
    let answered = operations.iter().filter(|o| o.outcome == Outcome::Ok);
    let both = answered.filter_map(|o| Some((inner(o.completed?), inner(o.invoked))));
    let mut wrong = both.filter(|(told, asked)| contradicts(asked.0.f(), asked.1, told.1));
    let (told, asked) = wrong.next()?;
    Some(contradiction(told, asked, wrong.count(), "invocation"))
}

fn contradiction(
    (completion, result): (EventRef<'_>, ValueRef<'_>),
    (invocation, argument): (EventRef<'_>, ValueRef<'_>),
    more: usize,
    used: &str,
) -> String {
    let more = match more {
        0 => String::new(),
        n => format!(", and {n} more like it"),
    };
    format!(
        "event {} completes `{}` with {result}, but event {} had invoked it with {argument}{more}: the value of the \
         {used} was used",
        completion.index(),
        invocation.f(),
        invocation.index(),
    )
}

/// Whether the result of a function that repeats its argument is another one.
fn contradicts(f: &str, argument: ValueRef<'_>, result: ValueRef<'_>) -> bool {
    let says = |value: ValueRef<'_>| !value.is_nil() && value.as_bool().is_none();
    if !says(argument) || argument == result || !says(result) {
        return false;
    }
    let answer = |name: &str| name.is_empty() || name.eq_ignore_ascii_case("ok");
    REPEATED.contains(&f)
        && !result.as_name().is_some_and(answer)
        && canonical(argument.to_value()) != canonical(result.to_value())
}

/// The functions whose completion repeats the argument, if it has a value at all.
const REPEATED: [&str; 10] = [
    "add", "append", "cas", "enqueue", "insert", "push", "put", "remove", "send", "write",
];

pub(super) fn name(key: &[Value]) -> Option<String> {
    match key {
        [] => None,
        [one] => Some(one.to_string()),
        several => Some(Value::Vector(several.to_vec()).to_string()),
    }
}

/// Reads one operation.
pub(super) struct Reader<'h, M> {
    model: &'h M,
    outcome: Outcome,
    outer: Option<ValueRef<'h>>,
    seen: Seen<'h>,
    completion: Option<EventRef<'h>>,
}

impl<'h, M: Model> Reader<'h, M> {
    pub(super) fn new(
        model: &'h M,
        independent: bool,
        history: &'h History,
        operation: &Operation,
    ) -> Result<Self, CheckError> {
        let invocation = history.get(operation.invoked as usize);
        let completion = operation.completed.map(|row| history.get(row as usize));
        let ok = completion.filter(|_| operation.outcome == Outcome::Ok);
        let mut outer = None;
        let mut argument = invocation.value();
        let mut result = ok.map(EventRef::value);
        if independent {
            let (key, inner) = pair(invocation)?;
            outer = Some(key);
            argument = inner;
            result = ok.map(|event| same_key(event, key)).transpose()?;
        }
        Ok(Self {
            model,
            outcome: operation.outcome,
            outer,
            seen: Seen {
                process: operation.process,
                f: invocation.f(),
                argument,
                result,
                invocation,
                keyed: independent,
            },
            completion,
        })
    }

    pub(super) fn key(&self) -> Result<Vec<Value>, CheckError> {
        let inner = self.model.key(&self.seen).map_err(|m| self.error(m))?;
        let keys = self.outer.into_iter().chain(inner);
        Ok(keys.map(|key| canonical(key.to_value())).collect())
    }

    pub(super) fn op(&self, values: &mut Values) -> Result<Option<M::Op>, CheckError> {
        let op = self.model.decode(&self.seen, values);
        let op = match self.outcome {
            Outcome::Fail => op.and_then(|_| self.model.decode_failed(&self.seen, values)),
            Outcome::Ok | Outcome::Info => op,
        };
        op.map_err(|mismatch| self.error(mismatch))
    }

    /// Whether the completion says another argument.
    fn contradicts(&self) -> bool {
        let Seen { f, argument, .. } = self.seen;
        let result = self.seen.result;
        result.is_some_and(|result| contradicts(f, argument, result))
    }

    fn error(&self, mismatch: Mismatch) -> CheckError {
        let f = self.seen.f.to_owned();
        let (event, found, expected) = match mismatch {
            Mismatch::Function => {
                return CheckError::UnknownFunction {
                    index: self.seen.invocation.index(),
                    f,
                    model: self.model.name().to_owned(),
                    known: self.model.functions().join(", "),
                };
            }
            Mismatch::Argument(expected) => {
                (self.seen.invocation, Some(self.seen.argument), expected)
            }
            Mismatch::Result(expected) => (
                self.completion.unwrap_or(self.seen.invocation),
                self.seen.result,
                expected,
            ),
        };
        CheckError::WrongValue {
            index: event.index(),
            f,
            found: found.unwrap_or_else(|| event.value()).to_string(),
            expected: expected.into_owned(),
        }
    }
}

fn pair(event: EventRef<'_>) -> Result<(ValueRef<'_>, ValueRef<'_>), CheckError> {
    event.value().pair().ok_or_else(|| {
        keyless(
            event,
            "[key value], because keys are independent".to_owned(),
        )
    })
}

/// The value of a completion, whose key must be that of its invocation.
fn same_key<'h>(event: EventRef<'h>, key: ValueRef<'_>) -> Result<ValueRef<'h>, CheckError> {
    let (found, value) = pair(event)?;
    if canonical(found.to_value()) == canonical(key.to_value()) {
        return Ok(value);
    }
    Err(keyless(
        event,
        format!("[{key} value], the key that was invoked"),
    ))
}

fn keyless(event: EventRef<'_>, expected: String) -> CheckError {
    CheckError::WrongValue {
        index: event.index(),
        f: event.f().to_owned(),
        found: event.value().to_string(),
        expected,
    }
}
