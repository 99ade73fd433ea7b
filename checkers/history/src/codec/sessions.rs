//! Histories of transactions in sessions, without real time: what Plume, `PolySI` and dbcop write.
//!
//! The text is an operation a line, `w(KEY,VALUE,SESSION,TRANSACTION)` or `r(...)`, in which transaction -1 gathers
//! writes that were aborted, as Plume has it. dbcop's JSON is a list of sessions, each a list of transactions
//! `{"events": [{"Write": {"variable": 0, "version": 1}}, ...], "committed": true}`, alone or as `data` among what it
//! says of the run; an event may also be `["w", 0, 1]`.
//!
//! Every session becomes a process whose transactions follow one another. 0, as well as `null`, is the initial value
//! of a key to which no committed transaction writes 0.

use rustc_hash::{FxHashMap, FxHashSet};

use super::error::{Problem, Read};
use super::jsonl;
use super::scan::Scanner;
use crate::{Event, History, Kind, Process, Value, ValueRef};

/// A read or a write. The value of a read is nil where it found nothing.
struct Micro {
    writes: bool,
    key: Value,
    value: Value,
}

struct Transaction {
    session: i64,
    committed: bool,
    micros: Vec<Micro>,
}

const FORM: &str = "an operation such as w(KEY,VALUE,SESSION,TRANSACTION), all of them integers";

/// Whether a line begins as those of Plume and `PolySI` do.
pub(super) fn is_text(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with(['r', 'w']) && operation(line).is_some()
}

/// The kind and the four numbers of a line.
fn operation(line: &str) -> Option<(bool, [i64; 4])> {
    let line = line.trim();
    let writes = line.starts_with('w');
    let inner = line
        .strip_prefix(['r', 'w'])?
        .trim_start()
        .strip_prefix('(')?
        .strip_suffix(')')?;
    let mut words = inner.split(',').map(|word| word.trim().parse());
    let mut numbers = [0; 4];
    for number in &mut numbers {
        *number = words.next()?.ok()?;
    }
    words.next().is_none().then_some((writes, numbers))
}

/// Reads the text of Plume and `PolySI`.
pub(super) fn text(text: &str) -> Read<History> {
    const ABORTED: i64 = -1;
    let mut transactions: Vec<Transaction> = Vec::new();
    let mut places: FxHashMap<(i64, i64), usize> = FxHashMap::default();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let at = start;
        start += line.len();
        if line.trim().is_empty() {
            continue;
        }
        let (writes, [key, value, session, number]) = operation(line).ok_or_else(|| {
            let blank = line.len() - line.trim_start().len();
            Problem::new(at + blank, FORM)
        })?;
        let committed = number != ABORTED;
        // What was aborted was so one by one, for all that the file says.
        let place = match places.get(&(session, number)) {
            Some(place) if committed => *place,
            _ => {
                places.insert((session, number), transactions.len());
                transactions.push(Transaction {
                    session,
                    committed,
                    micros: Vec::new(),
                });
                transactions.len() - 1
            }
        };
        transactions[place].micros.push(Micro {
            writes,
            key: Value::Int(key),
            value: Value::Int(value),
        });
    }
    Ok(history(transactions))
}

/// Whether an object begins as what dbcop says of a run does: an event has none of these keys in front.
pub(super) fn is_wrapper(text: &str) -> bool {
    ["\"params\"", "\"data\"", "\"info\""]
        .iter()
        .any(|key| text.starts_with(key))
}

/// Reads dbcop's JSON.
pub(super) fn dbcop(text: &str) -> Read<History> {
    let mut scan = Scanner::new(text);
    scan.skip_while(|byte| byte.is_ascii_whitespace());
    let at = scan.position;
    let file = jsonl::one_value(text)?;
    let file = file.get(0).value();
    let sessions = match file.entries() {
        Some(_) => file.field("data"),
        None => Some(file),
    };
    let sessions = sessions
        .and_then(ValueRef::items)
        .ok_or_else(|| Problem::new(at, "dbcop's history, a list of sessions, or one as `data`"))?;
    let mut transactions = Vec::new();
    for (number, session) in sessions.enumerate() {
        let wrong = |what: String| {
            Problem::new(at, what).found(format!(
                "something else in session {number}, counted from 0"
            ))
        };
        let list = session
            .items()
            .ok_or_else(|| wrong("sessions that are lists of transactions".to_owned()))?;
        for (place, transaction) in list.enumerate() {
            let read = transaction_of(number as i64, transaction).ok_or_else(|| {
                wrong(format!(
                    "transaction {place} to be {{\"events\": [{{\"Write\": {{\"variable\": 0, \"version\": 1}}}}], \
                     \"committed\": true}} or alike"
                ))
            })?;
            transactions.push(read);
        }
    }
    Ok(history(transactions))
}

fn transaction_of(session: i64, value: ValueRef<'_>) -> Option<Transaction> {
    let committed = value
        .field("committed")
        .or_else(|| value.field("success"))?;
    let events = value.field("events")?.items()?;
    let micros = events.filter(|event| !failed(*event)).map(micro_of);
    Some(Transaction {
        session,
        committed: committed.as_bool()?,
        micros: micros.collect::<Option<_>>()?,
    })
}

/// Whether the first dbcop says of an event that it did not succeed.
fn failed(event: ValueRef<'_>) -> bool {
    event.field("success").and_then(ValueRef::as_bool) == Some(false)
}

fn micro_of(event: ValueRef<'_>) -> Option<Micro> {
    let (writes, key, value) = parts(event)?;
    Some(Micro {
        writes,
        key: key.to_value(),
        value: value.to_value(),
    })
}

/// Whether an event writes, its key and its value, in any of the three ways in which dbcop wrote them.
fn parts(event: ValueRef<'_>) -> Option<(bool, ValueRef<'_>, ValueRef<'_>)> {
    if let Some(mut parts) = event.items() {
        let writes = match parts.next()?.as_str()? {
            "w" => true,
            "r" => false,
            _ => return None,
        };
        let (key, value) = (parts.next()?, parts.next()?);
        return parts.next().is_none().then_some((writes, key, value));
    }
    if let Some(writes) = event.field("write").and_then(ValueRef::as_bool) {
        return Some((writes, event.field("variable")?, event.field("value")?));
    }
    let (writes, inner) = match (event.field("Write"), event.field("Read")) {
        (Some(written), None) => (true, written),
        (None, Some(read)) => (false, read),
        _ => return None,
    };
    Some((writes, inner.field("variable")?, inner.field("version")?))
}

/// The events of such transactions.
fn history(transactions: Vec<Transaction>) -> History {
    let zero = Value::Int(0);
    let committed = transactions
        .iter()
        .filter(|transaction| transaction.committed);
    let written: FxHashSet<Value> = committed
        .flat_map(|transaction| &transaction.micros)
        .filter(|micro| micro.writes && micro.value == zero)
        .map(|micro| micro.key.clone())
        .collect();
    let mut history = History::new();
    history.forget_real_time();
    for Transaction {
        session,
        committed,
        micros,
    } in transactions
    {
        let value = |answered: bool| {
            let micro = |micro: &Micro| {
                let initial = micro.value == zero && !written.contains(&micro.key);
                let hidden = !micro.writes && (initial || !answered);
                Value::Vector(vec![
                    Value::keyword(if micro.writes { "w" } else { "r" }),
                    micro.key.clone(),
                    if hidden {
                        Value::Nil
                    } else {
                        micro.value.clone()
                    },
                ])
            };
            Value::Vector(micros.iter().map(micro).collect())
        };
        let mut event = Event::new(0, Kind::Invoke, "txn", value(false));
        event.process = Process::Client(session);
        history.push(&event);
        event.kind = if committed { Kind::Ok } else { Kind::Fail };
        event.value = value(true);
        history.push(&event);
    }
    history
}
