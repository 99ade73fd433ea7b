//! The store against a model that keeps nothing but what happened, in vectors, and looks everything up.

use proptest::prelude::*;
use rupture_protocols::store::{Command, Datum, Micro, RETENTION_NS, Request, Response, Store};

use crate::requests::timed_requests;

/// One request that was not a retry, and what it was answered.
#[derive(Clone)]
struct Entry {
    applied_ns: u64,
    request: Request,
    answer: Response,
}

/// The history is the state: every look-up goes through what took effect.
#[derive(Clone, Default)]
struct Model {
    past: Vec<Entry>,
}

impl Model {
    fn apply(&mut self, at_ns: u64, request: &Request) -> Response {
        let is_recent = |it: &&mut Entry| {
            it.request.idempotency_key == request.idempotency_key
                && at_ns - it.applied_ns <= RETENTION_NS
        };
        if let Some(entry) = self.past.iter_mut().rfind(is_recent) {
            if entry.request.command != request.command {
                return Response::Duplicate;
            }
            entry.applied_ns = at_ns;
            return entry.answer.clone();
        }
        let answer = self.answer(&request.command);
        self.past.push(Entry {
            applied_ns: at_ns,
            request: request.clone(),
            answer: answer.clone(),
        });
        answer
    }

    /// Commands that took effect.
    fn effects(&self) -> impl Iterator<Item = (&Command, &Response)> {
        let took_effect = |it: &&Entry| !matches!(it.answer, Response::Refused(_));
        self.past
            .iter()
            .filter(took_effect)
            .map(|it| (&it.request.command, &it.answer))
    }

    fn answer(&self, command: &Command) -> Response {
        let no = || Response::Refused(String::new());
        let done_if = |holds| if holds { Response::Done } else { no() };
        match command {
            Command::Read(key) => Response::Value(self.register(key)),
            Command::Cas { key, old, .. } => done_if(self.register(key) == *old),
            Command::Txn(steps) => self.transact(steps).map_or_else(no, Response::Steps),
            Command::Write(..)
            | Command::SetAdd(..)
            | Command::SetRemove(..)
            | Command::Enqueue(..) => Response::Done,
            Command::SetContains(key, element) => Response::Truth(self.set(key).contains(element)),
            Command::SetRead(key) => Response::Value(Datum::List(self.set(key))),
            Command::Dequeue(key) => {
                Response::Value(self.queue(key).first().cloned().unwrap_or_default())
            }
            Command::Drain(key) => Response::Value(Datum::List(self.queue(key))),
            Command::Add(key, amount) => {
                done_if(i64::try_from(self.sum(key) + i128::from(*amount)).is_ok())
            }
            Command::Count(key) => Response::Value(Datum::Int(self.sum(key) as i64)),
            Command::OpenAccounts(accounts) => {
                done_if(self.accounts().is_some() || is_openable(accounts))
            }
            Command::Balances => Response::Balances(self.balances()),
            Command::Transfer { from, to, amount } => {
                let find = |name: &Datum| self.balances().into_iter().find(|it| it.0 == *name);
                let both = find(from).zip(find(to));
                done_if(both.is_some_and(|(a, _)| from != to && *amount >= 1 && a.1 >= *amount))
            }
            Command::Acquire { key, .. } => match self.held(key) {
                Some(_) => no(),
                None => Response::Token(self.tokens() + 1),
            },
            Command::Release { key, token } => done_if(self.held(key) == Some(*token)),
        }
    }

    /// All writes of registers, in order, as steps.
    fn steps(&self) -> Vec<Micro> {
        let mut steps = Vec::new();
        for (command, _) in self.effects() {
            match command {
                Command::Write(key, new) | Command::Cas { key, new, .. } => {
                    steps.push(Micro::Write(key.clone(), new.clone()));
                }
                Command::Txn(more) => steps.extend(more.iter().cloned()),
                _ => {}
            }
        }
        steps
    }

    fn register(&self, key: &Datum) -> Datum {
        value_after(&self.steps(), key)
    }

    fn transact(&self, steps: &[Micro]) -> Option<Vec<Datum>> {
        let mut all = self.steps();
        let mut answers = Vec::new();
        for step in steps {
            answers.push(match step {
                Micro::Read(key) => value_after(&all, key),
                Micro::Write(..) => Datum::Nil,
                Micro::Append(key, _) => match value_after(&all, key) {
                    Datum::Nil | Datum::List(_) => Datum::Nil,
                    Datum::Int(_) | Datum::Text(_) => return None,
                },
            });
            all.push(step.clone());
        }
        Some(answers)
    }

    fn set(&self, key: &Datum) -> Vec<Datum> {
        let mut set = Vec::new();
        for (command, _) in self.effects() {
            match command {
                Command::SetAdd(k, element) if k == key => set.push(element.clone()),
                Command::SetRemove(k, element) if k == key => set.retain(|it| it != element),
                _ => {}
            }
        }
        set.sort();
        set.dedup();
        set
    }

    fn queue(&self, key: &Datum) -> Vec<Datum> {
        let mut queue = Vec::new();
        for (command, _) in self.effects() {
            match command {
                Command::Enqueue(k, element) if k == key => queue.push(element.clone()),
                Command::Dequeue(k) if k == key && !queue.is_empty() => drop(queue.remove(0)),
                Command::Drain(k) if k == key => queue.clear(),
                _ => {}
            }
        }
        queue
    }

    fn sum(&self, key: &Datum) -> i128 {
        let amount = |(command, _): (&Command, _)| match command {
            Command::Add(k, amount) if k == key => i128::from(*amount),
            _ => 0,
        };
        self.effects().map(amount).sum()
    }

    fn accounts(&self) -> Option<Vec<(Datum, i64)>> {
        self.effects().find_map(|(command, _)| match command {
            Command::OpenAccounts(accounts) => Some(accounts.clone()),
            _ => None,
        })
    }

    fn balances(&self) -> Vec<(Datum, i64)> {
        let mut balances = self.accounts().unwrap_or_default();
        for (command, _) in self.effects() {
            if let Command::Transfer { from, to, amount } = command {
                for (name, balance) in &mut balances {
                    *balance += i64::from(name == to) * amount - i64::from(name == from) * amount;
                }
            }
        }
        balances.sort();
        balances
    }

    fn tokens(&self) -> i64 {
        let is_token = |(_, answer): &(_, &Response)| matches!(answer, Response::Token(_));
        self.effects().filter(is_token).count() as i64
    }

    /// The token with which a lock is held.
    fn held(&self, key: &Datum) -> Option<i64> {
        self.effects()
            .filter_map(|(command, answer)| match (command, answer) {
                (Command::Acquire { key: k, .. }, Response::Token(token)) if k == key => {
                    Some(Some(*token))
                }
                (Command::Release { key: k, .. }, _) if k == key => Some(None),
                _ => None,
            })
            .last()
            .flatten()
    }
}

fn value_after(steps: &[Micro], key: &Datum) -> Datum {
    let mut value = Datum::Nil;
    for step in steps {
        match step {
            Micro::Write(k, new) if k == key => value = new.clone(),
            Micro::Append(k, element) if k == key => {
                let mut list = match value {
                    Datum::List(list) => list,
                    _ => Vec::new(),
                };
                list.push(element.clone());
                value = Datum::List(list);
            }
            _ => {}
        }
    }
    value
}

fn is_openable(accounts: &[(Datum, i64)]) -> bool {
    let mut names: Vec<_> = accounts.iter().map(|it| &it.0).collect();
    names.sort();
    names.dedup();
    let sum: i128 = accounts.iter().map(|it| i128::from(it.1)).sum();
    names.len() == accounts.len()
        && accounts.iter().all(|it| it.1 >= 0)
        && i64::try_from(sum).is_ok()
}

/// The model gives no reasons.
fn without_reason(answer: Response) -> Response {
    match answer {
        Response::Refused(_) => Response::Refused(String::new()),
        other => other,
    }
}

proptest! {
    #[test]
    fn every_answer_is_that_of_the_model(requests in timed_requests()) {
        let (mut store, mut model, mut now) = (Store::default(), Model::default(), 0);
        for (pause, request) in requests {
            now += pause;
            let is_known = model.clone().apply(now, &request) == Response::Duplicate;
            if request.command.is_read_only() && !is_known {
                let current = model.answer(&request.command);
                prop_assert_eq!(store.read(&request.command), current);
            }
            let answer = without_reason(store.apply(now, &request, true));
            prop_assert_eq!(answer, model.apply(now, &request), "{:?} at {}", request, now);
        }
    }

    #[test]
    fn what_is_refused_changes_nothing(requests in timed_requests()) {
        let mut store = Store::default();
        for (_, request) in requests {
            let before = store.clone();
            let answer = store.apply(0, &request, false);
            if matches!(answer, Response::Refused(_)) || request.command.is_read_only() {
                prop_assert_eq!(&store, &before, "{:?}", request);
            }
        }
    }

    #[test]
    fn a_snapshot_stays_what_it_was(requests in timed_requests(), at in 0..80_usize) {
        let (mut store, mut now) = (Store::default(), 0);
        let mut snapshot = None;
        for (index, (pause, request)) in requests.iter().enumerate() {
            if index == at {
                let text = serde_json::to_string(&store).expect("a store can be written");
                snapshot = Some((store.clone(), text));
            }
            now += pause;
            store.apply(now, request, true);
        }
        if let Some((snapshot, text)) = snapshot {
            prop_assert_eq!(serde_json::to_string(&snapshot).expect("it can be written"), text);
        }
    }

    #[test]
    fn a_snapshot_goes_on_as_the_store(
        requests in timed_requests(),
        at in 0..80_usize,
    ) {
        let (mut store, mut now) = (Store::default(), 0);
        let mut snapshot: Option<Store> = None;
        for (index, (pause, request)) in requests.iter().enumerate() {
            if index == at {
                snapshot = Some(store.clone());
            }
            now += pause;
            let answer = store.apply(now, request, true);
            if let Some(snapshot) = &mut snapshot {
                prop_assert_eq!(snapshot.apply(now, request, true), answer);
                prop_assert_eq!(&*snapshot, &store);
            }
        }
    }

    #[test]
    fn a_snapshot_that_was_written_and_read_goes_on_as_the_store(
        requests in timed_requests(),
        at in 0..80_usize,
    ) {
        let (mut store, mut now) = (Store::default(), 0);
        let mut read: Option<Store> = None;
        for (index, (pause, request)) in requests.iter().enumerate() {
            if index == at {
                let text = serde_json::to_string(&store).expect("a store can be written");
                read = Some(serde_json::from_str(&text).expect("what was written can be read"));
                prop_assert_eq!(read.as_ref(), Some(&store));
            }
            now += pause;
            let answer = store.apply(now, request, true);
            if let Some(read) = &mut read {
                prop_assert_eq!(read.apply(now, request, true), answer);
            }
        }
        if let Some(read) = &read {
            let write = |store| serde_json::to_string(store).expect("it can be written");
            prop_assert_eq!(write(read), write(&store));
        }
    }
}
