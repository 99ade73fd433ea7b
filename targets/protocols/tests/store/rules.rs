//! The rules that one would look up: reasons of refusals, tokens, transactions that see their own writes.

use rupture_protocols::store::{Command, Datum, Micro, Response, Store};

use crate::requests::request;

fn int(value: i64) -> Datum {
    Datum::Int(value)
}

fn run(store: &mut Store, command: Command) -> Response {
    store.apply(0, &request("unused", command), false)
}

fn reason(answer: Response) -> String {
    match answer {
        Response::Refused(reason) => reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[test]
fn a_transaction_sees_its_own_writes() {
    let mut store = Store::default();
    let (x, y) = (int(1), int(2));
    let steps = vec![
        Micro::Read(x.clone()),
        Micro::Append(x.clone(), int(7)),
        Micro::Append(x.clone(), int(8)),
        Micro::Read(x.clone()),
        Micro::Write(y.clone(), int(9)),
        Micro::Read(y.clone()),
        Micro::Write(y.clone(), Datum::Nil),
        Micro::Append(y.clone(), int(1)),
        Micro::Read(y),
    ];
    let nil = Datum::Nil;
    let expected = vec![
        nil.clone(),
        nil.clone(),
        nil.clone(),
        Datum::List(vec![int(7), int(8)]),
        nil.clone(),
        int(9),
        nil.clone(),
        nil,
        Datum::List(vec![int(1)]),
    ];
    assert_eq!(
        run(&mut store, Command::Txn(steps)),
        Response::Steps(expected)
    );
}

#[test]
fn a_transaction_that_cannot_end_does_not_begin() {
    let mut store = Store::default();
    run(&mut store, Command::Write(int(2), int(5)));
    let before = store.clone();
    let steps = vec![
        Micro::Write(int(1), int(3)),
        Micro::Append(int(4), int(3)),
        Micro::Append(int(2), int(3)),
    ];
    let answer = run(&mut store, Command::Txn(steps));
    assert_eq!(reason(answer), "an append to what is not a list");
    assert_eq!(store, before);
}

#[test]
fn transfers_are_refused_for_a_reason() {
    let mut store = Store::default();
    let accounts = vec![(int(1), 10), (int(2), 0)];
    assert_eq!(
        run(&mut store, Command::OpenAccounts(accounts)),
        Response::Done
    );
    let mut transfer = |from, to, amount| {
        let (from, to) = (int(from), int(to));
        run(&mut store, Command::Transfer { from, to, amount })
    };
    assert_eq!(reason(transfer(1, 2, 0)), "the amount must be at least 1");
    assert_eq!(
        reason(transfer(1, 1, 1)),
        "from and to are the same account"
    );
    assert_eq!(reason(transfer(3, 1, 1)), "there is no such account");
    assert_eq!(reason(transfer(1, 3, 1)), "there is no such account");
    assert_eq!(reason(transfer(1, 2, 11)), "the account would be overdrawn");
    assert_eq!(transfer(1, 2, 10), Response::Done);
    let again = Command::OpenAccounts(vec![(int(1), 99)]);
    assert_eq!(run(&mut store, again), Response::Done);
    let balances = vec![(int(1), 0), (int(2), 10)];
    assert_eq!(store.read(&Command::Balances), Response::Balances(balances));
}

#[test]
fn tokens_grow_over_all_locks() {
    let mut store = Store::default();
    let acquire = |store: &mut Store, key, owner| {
        let (key, owner) = (int(key), int(owner));
        run(store, Command::Acquire { key, owner })
    };
    assert_eq!(acquire(&mut store, 1, 1), Response::Token(1));
    assert_eq!(acquire(&mut store, 2, 1), Response::Token(2));
    let held = reason(acquire(&mut store, 1, 2));
    assert_eq!(held, "somebody else holds the lock");
    let again = reason(acquire(&mut store, 1, 1));
    assert_eq!(again, "the owner holds the lock already");
    let release = |store: &mut Store, key, token| {
        let key = int(key);
        run(store, Command::Release { key, token })
    };
    let wrong = reason(release(&mut store, 1, 2));
    assert_eq!(wrong, "the lock is held with another token");
    assert_eq!(release(&mut store, 1, 1), Response::Done);
    assert_eq!(reason(release(&mut store, 1, 1)), "nobody holds the lock");
    assert_eq!(acquire(&mut store, 1, 2), Response::Token(3));
}

#[test]
fn a_counter_does_not_wrap() {
    let mut store = Store::default();
    run(&mut store, Command::Add(int(1), i64::MAX));
    let answer = run(&mut store, Command::Add(int(1), 1));
    assert_eq!(reason(answer), "the counter would overflow");
    let sum = Response::Value(int(i64::MAX));
    assert_eq!(store.read(&Command::Count(int(1))), sum);
}

#[test]
fn what_is_not_read_only_cannot_be_read() {
    let store = Store::default();
    let steps = vec![Micro::Read(int(1)), Micro::Write(int(1), int(2))];
    for command in [
        Command::Write(int(1), int(2)),
        Command::Dequeue(int(1)),
        Command::Txn(steps),
    ] {
        assert_eq!(reason(store.read(&command)), "the command is not read-only");
    }
}

#[test]
fn what_is_empty_again_leaves_nothing_behind() {
    let mut store = Store::default();
    let (key, element) = (int(1), int(2));
    for command in [
        Command::Write(key.clone(), element.clone()),
        Command::Write(key.clone(), Datum::Nil),
        Command::SetAdd(key.clone(), element.clone()),
        Command::SetRemove(key.clone(), element.clone()),
        Command::Enqueue(key.clone(), element.clone()),
        Command::Dequeue(key.clone()),
        Command::Enqueue(key.clone(), element),
        Command::Drain(key.clone()),
        Command::Add(key.clone(), 5),
        Command::Add(key, -5),
    ] {
        run(&mut store, command);
    }
    assert_eq!(store, Store::default());
}
