//! Random requests over few keys, so that they meet.

use proptest::prelude::*;
use rupture_protocols::store::{Command, Datum, Micro, Request};

pub(crate) const SECOND: u64 = 1_000_000_000;

pub(crate) fn datum() -> impl Strategy<Value = Datum> {
    prop_oneof![
        2 => Just(Datum::Nil),
        8 => (0..4_i64).prop_map(Datum::Int),
        1 => "[ab]{0,2}".prop_map(Datum::Text),
        1 => prop::collection::vec((0..3_i64).prop_map(Datum::Int), 0..3).prop_map(Datum::List),
    ]
}

pub(crate) fn key() -> impl Strategy<Value = Datum> {
    prop_oneof![
        (0..3_i64).prop_map(Datum::Int),
        Just(Datum::Text("k".into()))
    ]
}

fn micro() -> impl Strategy<Value = Micro> {
    prop_oneof![
        key().prop_map(Micro::Read),
        (key(), datum()).prop_map(|(key, value)| Micro::Write(key, value)),
        (key(), datum()).prop_map(|(key, value)| Micro::Append(key, value)),
    ]
}

fn amount() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => -3..20_i64,
        1 => Just(i64::MAX),
        1 => Just(i64::MIN),
    ]
}

pub(crate) fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        registers(),
        registers(),
        collections(),
        collections(),
        bank(),
        locks()
    ]
}

fn registers() -> impl Strategy<Value = Command> {
    prop_oneof![
        key().prop_map(Command::Read),
        (key(), datum()).prop_map(|(key, value)| Command::Write(key, value)),
        (key(), datum(), datum()).prop_map(|(key, old, new)| Command::Cas { key, old, new }),
        prop::collection::vec(micro(), 0..6).prop_map(Command::Txn),
    ]
}

fn collections() -> impl Strategy<Value = Command> {
    prop_oneof![
        (key(), datum()).prop_map(|(key, it)| Command::SetAdd(key, it)),
        (key(), datum()).prop_map(|(key, it)| Command::SetRemove(key, it)),
        (key(), datum()).prop_map(|(key, it)| Command::SetContains(key, it)),
        key().prop_map(Command::SetRead),
        (key(), datum()).prop_map(|(key, it)| Command::Enqueue(key, it)),
        key().prop_map(Command::Dequeue),
        key().prop_map(Command::Drain),
        (key(), amount()).prop_map(|(key, it)| Command::Add(key, it)),
        key().prop_map(Command::Count),
    ]
}

fn bank() -> impl Strategy<Value = Command> {
    prop_oneof![
        1 => prop::collection::vec((key(), amount()), 0..4).prop_map(Command::OpenAccounts),
        6 => (key(), key(), amount())
            .prop_map(|(from, to, amount)| Command::Transfer { from, to, amount }),
        2 => Just(Command::Balances),
    ]
}

fn locks() -> impl Strategy<Value = Command> {
    prop_oneof![
        (key(), key()).prop_map(|(key, owner)| Command::Acquire { key, owner }),
        (key(), 0..12_i64).prop_map(|(key, token)| Command::Release { key, token }),
    ]
}

/// Requests of few keys with the time that passes before each: mostly little, at times about the retention.
pub(crate) fn timed_requests() -> impl Strategy<Value = Vec<(u64, Request)>> {
    let pause = prop_oneof![
        6 => 0..SECOND,
        2 => 0..200 * SECOND,
        1 => Just(300 * SECOND),
        1 => Just(300 * SECOND + 1),
    ];
    prop::collection::vec((pause, (0..20_u32, command())), 0..80).prop_map(|many| {
        let request = |(number, command): (u32, Command)| Request {
            idempotency_key: format!("{number}:{}", command.operation_type()),
            command,
        };
        many.into_iter()
            .map(|(pause, it)| (pause, request(it)))
            .collect()
    })
}

pub(crate) fn request(key: &str, command: Command) -> Request {
    Request {
        idempotency_key: key.to_owned(),
        command,
    }
}
