//! Operations of a history, as commands of the reference store, and its answers, as completions.
//!
//! What `f` and `value` look like for each model is Jepsen's convention: a cas is `[old new]`, a transaction
//! `[[append 1 2] [r 1 nil]]`. With independent keys every value is `[key value]`, and the key names the
//! object; without, all operations are on the object of key 0.

use rupture_history::{Kind, Value};
use rupture_protocols::client::{Failure, Outcome};
use rupture_protocols::store::{Command, Datum, Micro, Response};

use crate::Completion;

/// The models that the reference store serves, by the names of `rupture check --model`.
pub(crate) const MODELS: &[&str] = &[
    "cas-register",
    "register",
    "multi-register",
    "set",
    "set-full",
    "counter",
    "fifo-queue",
    "list-append",
    "rw-register",
    "bank",
    "long-fork",
    "fenced-lock",
];

/// Those whose operations are transactions of several steps.
pub(crate) const TRANSACTIONAL: &[&str] =
    &["multi-register", "list-append", "rw-register", "long-fork"];

/// What the operations of a run mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Model {
    Register,
    Set,
    Counter,
    Queue,
    Txn,
    Fork,
    Bank,
    Lock,
}

impl Model {
    /// The model of this name, if the store serves it.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "cas-register" | "register" => Self::Register,
            "set" | "set-full" => Self::Set,
            "counter" => Self::Counter,
            "fifo-queue" => Self::Queue,
            "multi-register" | "list-append" | "rw-register" => Self::Txn,
            "long-fork" => Self::Fork,
            "bank" => Self::Bank,
            "fenced-lock" => Self::Lock,
            _ => return None,
        })
    }

    /// What its operations look like, for people.
    fn expected(self) -> &'static str {
        match self {
            Self::Register => "`read` nil, `write` v or `cas` [old new]",
            Self::Set => "`add` x, `remove` x, `contains` x or `read` nil",
            Self::Counter => "`add` n or `read` nil",
            Self::Queue => "`enqueue` v, `dequeue` nil or `drain` nil",
            Self::Txn => "`txn` [[r k nil] [w k v] [append k v] ...]",
            Self::Fork => "`write` [[w k v]] or `read` [[r k nil] ...]",
            Self::Bank => "`open` {account balance}, `transfer` {from to amount} or `read` nil",
            Self::Lock => "`acquire` nil or `release` token",
        }
    }
}

/// An operation that was sent, to be completed.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) argument: Value,
    key: Option<Value>,
}

/// The command of an operation, and what completes it. `owner` tells clients of locks apart.
///
/// # Errors
/// What would be right.
pub(crate) fn command(
    model: Model,
    independent: bool,
    owner: usize,
    f: &str,
    value: &Value,
) -> Result<(Command, Sent), String> {
    let (key, inner) = if independent {
        match value.items() {
            Some([key, inner]) => (Some(key), inner),
            _ => return Err("with independent keys every value is [key value]".to_owned()),
        }
    } else {
        (None, value)
    };
    let name = key.map_or(Some(Datum::Int(0)), datum);
    let command = name.and_then(|name| on(model, name, owner, f, inner));
    let sent = Sent {
        argument: value.clone(),
        key: key.cloned(),
    };
    command
        .map(|command| (command, sent))
        .ok_or_else(|| format!("expected {}", model.expected()))
}

fn on(model: Model, key: Datum, owner: usize, f: &str, value: &Value) -> Option<Command> {
    Some(match (model, f) {
        (Model::Register, "read") => Command::Read(key),
        (Model::Register, "write") => Command::Write(key, datum(value)?),
        (Model::Register, "cas") => match value.items()? {
            [old, new] => Command::Cas {
                key,
                old: datum(old)?,
                new: datum(new)?,
            },
            _ => return None,
        },
        (Model::Set, "add") => Command::SetAdd(key, datum(value)?),
        (Model::Set, "remove") => Command::SetRemove(key, datum(value)?),
        (Model::Set, "contains") => Command::SetContains(key, datum(value)?),
        (Model::Set, "read") => Command::SetRead(key),
        (Model::Counter, "add") => Command::Add(key, value.as_int()?),
        (Model::Counter, "read") => Command::Count(key),
        (Model::Queue, "enqueue") => Command::Enqueue(key, datum(value)?),
        (Model::Queue, "dequeue") => Command::Dequeue(key),
        (Model::Queue, "drain") => Command::Drain(key),
        (Model::Txn, "txn") | (Model::Fork, "write" | "read") => {
            let steps = value.items()?.iter().map(micro);
            Command::Txn(steps.collect::<Option<_>>()?)
        }
        (Model::Bank, "open") => Command::OpenAccounts(accounts(value)?),
        (Model::Bank, "transfer") => Command::Transfer {
            from: datum(field(value, "from")?)?,
            to: datum(field(value, "to")?)?,
            amount: field(value, "amount")?.as_int()?,
        },
        (Model::Bank, "read") => Command::Balances,
        (Model::Lock, "acquire") => Command::Acquire {
            key,
            owner: Datum::Int(i64::try_from(owner).ok()?),
        },
        (Model::Lock, "release") => Command::Release {
            key,
            token: value.as_int()?,
        },
        _ => return None,
    })
}

fn micro(step: &Value) -> Option<Micro> {
    let [name, key, value] = step.items()? else {
        return None;
    };
    let key = datum(key)?;
    Some(match name.as_name()? {
        "r" | "read" => Micro::Read(key),
        "w" | "write" => Micro::Write(key, datum(value)?),
        "append" => Micro::Append(key, datum(value)?),
        _ => return None,
    })
}

fn field<'a>(map: &'a Value, name: &str) -> Option<&'a Value> {
    let Value::Map(entries) = map else {
        return None;
    };
    let entry = entries
        .iter()
        .find(|(key, _)| key.as_name() == Some(name))?;
    Some(&entry.1)
}

fn accounts(map: &Value) -> Option<Vec<(Datum, i64)>> {
    let Value::Map(entries) = map else {
        return None;
    };
    let account = |(name, balance): &(Value, Value)| Some((datum(name)?, balance.as_int()?));
    entries.iter().map(account).collect()
}

/// A plain value; `None` for what the store cannot keep. A list within lists is kept as deep as it is.
fn datum(value: &Value) -> Option<Datum> {
    Some(match value {
        Value::Nil => Datum::Nil,
        Value::Int(n) => Datum::Int(*n),
        Value::Str(text) => Datum::Text(text.to_string()),
        Value::Vector(items) => Datum::List(items.iter().map(flat).collect::<Option<_>>()?),
        _ => return None,
    })
}

/// An element of a list: no list itself, so that nothing here recurses.
fn flat(value: &Value) -> Option<Datum> {
    match value {
        Value::Vector(_) => None,
        atom => datum(atom),
    }
}

fn value_of(datum: &Datum) -> Value {
    match datum {
        Datum::List(items) => Value::Vector(items.iter().map(atom).collect()),
        other => atom(other),
    }
}

fn atom(datum: &Datum) -> Value {
    match datum {
        Datum::Int(n) => Value::Int(*n),
        Datum::Text(text) => Value::str(text),
        Datum::Nil | Datum::List(_) => Value::Nil,
    }
}

/// The completion of an operation.
pub(crate) fn completion(sent: Sent, outcome: Outcome) -> Completion {
    let (kind, error) = match outcome {
        Outcome::Ok(response) => return answered(sent, &response),
        Outcome::Fail(Failure::Refused(reason)) => (Kind::Fail, reason),
        Outcome::Fail(Failure::Code(code)) => (Kind::Fail, code.as_str().to_owned()),
        Outcome::Info(code) => (Kind::Info, code.as_str().to_owned()),
    };
    Completion {
        kind,
        value: sent.argument,
        error: Some(Value::str(&error)),
    }
}

fn answered(sent: Sent, response: &Response) -> Completion {
    let Sent { argument, key } = sent;
    let inner = match (&key, &argument) {
        (Some(_), Value::Vector(pair)) => pair.get(1).cloned().unwrap_or_default(),
        _ => argument,
    };
    let result = match response {
        Response::Done | Response::Refused(_) | Response::Duplicate => inner,
        Response::Value(datum) => value_of(datum),
        Response::Truth(is) => Value::Vector(vec![inner, Value::Bool(*is)]),
        Response::Steps(answers) => filled(inner, answers),
        Response::Balances(balances) => {
            let entry =
                |(account, balance): &(Datum, i64)| (value_of(account), Value::Int(*balance));
            Value::Map(balances.iter().map(entry).collect())
        }
        Response::Token(token) => Value::Int(*token),
    };
    Completion {
        kind: Kind::Ok,
        value: match key {
            Some(key) => Value::Vector(vec![key, result]),
            None => result,
        },
        error: None,
    }
}

/// A transaction's steps with the reads filled in.
fn filled(steps: Value, answers: &[Datum]) -> Value {
    let Value::Vector(mut steps) = steps else {
        return steps;
    };
    for (step, answer) in steps.iter_mut().zip(answers) {
        if let Value::Vector(parts) = step
            && let [name, _, value] = &mut parts[..]
            && matches!(name.as_name(), Some("r" | "read"))
        {
            *value = value_of(answer);
        }
    }
    Value::Vector(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rupture_protocols::ErrorCode;
    use rupture_protocols::store::{Request, Store};

    fn v(items: impl IntoIterator<Item = Value>) -> Value {
        Value::Vector(items.into_iter().collect())
    }

    fn ints(numbers: &[i64]) -> Value {
        v(numbers.iter().map(|n| Value::Int(*n)))
    }

    /// Runs an operation on the store.
    fn run(
        store: &mut Store,
        model: &str,
        independent: bool,
        f: &str,
        value: &Value,
    ) -> Completion {
        let model = Model::of(model).unwrap();
        let (command, sent) = command(model, independent, 7, f, value).unwrap();
        let key = format!("{}:{f}", store.sessions());
        let request = Request {
            idempotency_key: key,
            command,
        };
        let outcome = match store.apply(0, &request, true) {
            Response::Refused(reason) => Outcome::Fail(Failure::Refused(reason)),
            response => Outcome::Ok(response),
        };
        completion(sent, outcome)
    }

    #[test]
    fn every_model_speaks_as_its_table_says() {
        let word = Value::keyword;
        let nil = || Value::Nil;
        let transfer = Value::Map(vec![
            (word("from"), Value::Int(0)),
            (word("to"), Value::Int(1)),
            (word("amount"), Value::Int(30)),
        ]);
        let opened = Value::Map(vec![(0.into(), 100.into()), (1.into(), 0.into())]);
        let moved = Value::Map(vec![(0.into(), 70.into()), (1.into(), 30.into())]);
        let txn = v([
            v([word("append"), 1.into(), 5.into()]),
            v([word("r"), 1.into(), nil()]),
        ]);
        let done = v([
            v([word("append"), 1.into(), 5.into()]),
            v([word("r"), 1.into(), ints(&[5])]),
        ]);
        let named = |name, key: i64, value| v([Value::str(name), key.into(), value]);
        let read = |key: i64, value| v([word("r"), key.into(), value]);
        let unread = |key| read(key, nil());
        let written = |key: i64, value: i64| v([word("w"), key.into(), value.into()]);
        let rows: Vec<(&str, &str, Value, Value)> = vec![
            ("cas-register", "read", nil(), nil()),
            ("cas-register", "write", 3.into(), 3.into()),
            ("cas-register", "cas", ints(&[3, 4]), ints(&[3, 4])),
            ("cas-register", "read", nil(), 4.into()),
            ("set", "add", 3.into(), 3.into()),
            ("set", "add", 1.into(), 1.into()),
            ("set", "contains", 1.into(), v([1.into(), true.into()])),
            ("set", "remove", 1.into(), 1.into()),
            ("set", "read", nil(), ints(&[3])),
            ("set-full", "add", 4.into(), 4.into()),
            ("set-full", "read", nil(), ints(&[3, 4])),
            ("counter", "add", 5.into(), 5.into()),
            ("counter", "read", nil(), 5.into()),
            ("fifo-queue", "enqueue", 8.into(), 8.into()),
            ("fifo-queue", "enqueue", 9.into(), 9.into()),
            ("fifo-queue", "dequeue", nil(), 8.into()),
            ("fifo-queue", "drain", nil(), ints(&[9])),
            ("fifo-queue", "dequeue", nil(), nil()),
            ("list-append", "txn", txn, done),
            (
                "list-append",
                "txn",
                v([unread(1)]),
                v([read(1, ints(&[5]))]),
            ),
            ("list-append", "txn", v([unread(2)]), v([read(2, nil())])),
            (
                "rw-register",
                "txn",
                v([unread(4), written(4, 8)]),
                v([read(4, nil()), written(4, 8)]),
            ),
            ("rw-register", "txn", v([unread(4)]), v([read(4, 8.into())])),
            (
                "multi-register",
                "txn",
                v([named("write", 4, 9.into()), named("read", 4, nil())]),
                v([named("write", 4, 9.into()), named("read", 4, 9.into())]),
            ),
            ("long-fork", "write", v([written(7, 1)]), v([written(7, 1)])),
            (
                "long-fork",
                "read",
                v([unread(8), unread(7)]),
                v([read(8, nil()), read(7, 1.into())]),
            ),
            ("bank", "open", opened.clone(), opened),
            ("bank", "transfer", transfer.clone(), transfer),
            ("bank", "read", nil(), moved),
            ("fenced-lock", "acquire", nil(), 1.into()),
            ("fenced-lock", "release", 1.into(), 1.into()),
        ];
        for independent in [false, true] {
            let mut store = Store::default();
            for (model, f, argument, result) in &rows {
                let keyed = |value: &Value| {
                    if independent {
                        v([Value::Int(6), value.clone()])
                    } else {
                        value.clone()
                    }
                };
                let ended = run(&mut store, model, independent, f, &keyed(argument));
                assert_eq!(ended.kind, Kind::Ok, "{model} {f}: {:?}", ended.error);
                assert_eq!(ended.value, keyed(result), "{model} {f}");
            }
        }
    }

    #[test]
    fn what_did_not_happen_says_why() {
        let mut store = Store::default();
        let ended = run(
            &mut store,
            "cas-register",
            true,
            "cas",
            &v([6.into(), ints(&[1, 2])]),
        );
        assert_eq!(ended.kind, Kind::Fail);
        assert_eq!(ended.value, v([6.into(), ints(&[1, 2])]));
        assert!(ended.error.is_some());
        let sent = Sent {
            argument: Value::Int(3),
            key: None,
        };
        let ended = completion(sent, Outcome::Info(ErrorCode::Timeout));
        assert_eq!(
            (ended.kind, ended.error),
            (Kind::Info, Some(Value::str("TIMEOUT")))
        );
    }

    #[test]
    fn a_transaction_that_is_refused_or_lost_keeps_what_was_asked() {
        let txn = v([
            v([Value::keyword("append"), 1.into(), 5.into()]),
            v([Value::keyword("r"), 1.into(), Value::Nil]),
        ]);
        for (outcome, kind) in [
            (Outcome::Fail(Failure::Refused("no".to_owned())), Kind::Fail),
            (
                Outcome::Fail(Failure::Code(ErrorCode::LeaderNotFound)),
                Kind::Fail,
            ),
            (Outcome::Info(ErrorCode::Timeout), Kind::Info),
        ] {
            let (_, sent) = command(Model::Txn, false, 0, "txn", &txn).unwrap();
            let ended = completion(sent, outcome);
            assert_eq!((ended.kind, &ended.value), (kind, &txn));
            assert!(ended.error.is_some());
        }
    }

    #[test]
    fn what_the_store_does_not_know_is_refused_before_it_is_sent() {
        for (model, independent, f, value) in [
            ("cas-register", false, "cas", Value::Int(1)),
            ("cas-register", true, "read", Value::Nil),
            ("register", false, "write", Value::Bool(true)),
            ("counter", false, "add", Value::Nil),
            (
                "list-append",
                false,
                "txn",
                v([v([Value::keyword("burn"), 1.into(), 2.into()])]),
            ),
            ("bank", false, "transfer", Value::Int(1)),
            ("long-fork", false, "txn", v([])),
            ("rw-register", false, "txn", v([ints(&[1, 2, 3])])),
            ("set", false, "enqueue", Value::Int(1)),
        ] {
            let model = Model::of(model).unwrap();
            assert!(
                command(model, independent, 0, f, &value).is_err(),
                "{f} {value:?}"
            );
        }
        assert!(MODELS.iter().all(|name| Model::of(name).is_some()));
        let transacts = |name: &&str| matches!(Model::of(name), Some(Model::Txn | Model::Fork));
        assert!(
            MODELS
                .iter()
                .copied()
                .filter(|name| transacts(name))
                .eq(TRANSACTIONAL.iter().copied())
        );
    }
}
