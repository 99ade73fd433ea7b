//! Small histories at random: what clients of a log could have seen that is right most of the time.

use rupture_history::{Event, Kind, Value};

use crate::linearizability::tests::random::Random;

/// A log as the broker has it: offset and message.
type Records = Vec<(i64, i64)>;

/// A client: its process, where it stands in each log, and whether it subscribed.
struct Client {
    process: i64,
    open: Option<Event>,
    at: Vec<usize>,
    named: Vec<usize>,
}

/// The brokers and their clients, who err once in so many times.
pub(super) struct World<'a> {
    random: &'a mut Random,
    errors: usize,
    logs: Vec<Records>,
    clients: Vec<Client>,
    next_message: i64,
    next_process: i64,
    /// How a log's last offset and the next differ.
    gap: usize,
}

/// A history of at most so many events.
pub(super) fn history(random: &mut Random, most: usize) -> Vec<Event> {
    let keys = 1 + random.below(2);
    let clients = 1 + random.below(3);
    let errors = [4, 12, 1_000_000][random.below(3)];
    let client = |process| Client {
        process,
        open: None,
        at: vec![0; keys],
        named: Vec::new(),
    };
    let mut world = World {
        errors,
        logs: vec![Vec::new(); keys],
        clients: (0..clients as i64).map(client).collect(),
        next_message: 1,
        next_process: clients as i64,
        gap: 1 + random.below(3),
        random,
    };
    let length = 2 + world.random.below(most - 1);
    (0..length).map(|_| world.step()).collect()
}

impl World<'_> {
    fn errs(&mut self) -> bool {
        self.random.below(self.errors) == 0
    }

    fn step(&mut self) -> Event {
        let client = self.random.below(self.clients.len());
        match self.clients[client].open.take() {
            None => self.invoke(client),
            Some(event) => self.complete(client, event),
        }
    }

    fn invoke(&mut self, client: usize) -> Event {
        let (f, value) = match self.random.below(16) {
            0 => ("assign", self.some_keys()),
            1 => ("subscribe", self.some_keys()),
            2 if self.random.below(4) == 0 => ("crash", Value::Nil),
            3..=5 => ("send", self.asked(1, 0)),
            6..=9 => ("poll", self.asked(0, 1)),
            _ => {
                let (sends, polls) = (self.random.below(3), self.random.below(3));
                ("txn", self.asked(sends, polls))
            }
        };
        let mut event = Event::new(self.clients[client].process, Kind::Invoke, f, value);
        if f == "assign" && self.random.below(8) == 0 {
            event
                .extra
                .push(("seek-to-beginning?".into(), Value::Bool(true)));
        }
        self.clients[client].open = Some(event.clone());
        event
    }

    fn some_keys(&mut self) -> Value {
        let keys = 0..self.logs.len() as i64;
        let some: Vec<Value> = keys
            .filter(|_| self.random.below(3) > 0)
            .map(Value::Int)
            .collect();
        Value::Vector(some)
    }

    fn asked(&mut self, sends: usize, polls: usize) -> Value {
        let mut list = Vec::new();
        for number in 0..sends + polls {
            let mop = if number < sends {
                let key = Value::Int(self.random.below(self.logs.len()) as i64);
                let message = Value::Int(self.next_message);
                self.next_message += 1;
                vec![Value::keyword("send"), key, message]
            } else {
                vec![Value::keyword("poll")]
            };
            list.insert(self.random.below(list.len() + 1), Value::Vector(mop));
        }
        Value::Vector(list)
    }

    fn complete(&mut self, client: usize, mut event: Event) -> Event {
        event.kind = match (&*event.f, self.random.below(10)) {
            ("crash", _) | (_, 0) => Kind::Info,
            (_, 1) => Kind::Fail,
            _ => Kind::Ok,
        };
        match &*event.f {
            "assign" | "subscribe" => self.turn(client, &mut event),
            "crash" => {}
            _ => self.run(client, &mut event),
        }
        if event.kind == Kind::Info && self.random.below(5) > 0 {
            let keys = self.logs.len();
            self.clients[client] = Client {
                process: self.next_process,
                open: None,
                at: vec![0; keys],
                named: Vec::new(),
            };
            self.next_process += 1;
        }
        event
    }

    fn turn(&mut self, client: usize, event: &mut Event) {
        let rewinds = !event.extra.is_empty();
        if event.kind != Kind::Ok {
            return;
        }
        let named = event.value.items().unwrap_or_default();
        let named: Vec<usize> = named
            .iter()
            .filter_map(Value::as_int)
            .map(|k| k as usize)
            .collect();
        for key in 0..self.logs.len() {
            if rewinds || !named.contains(&key) {
                self.clients[client].at[key] = 0;
            }
        }
        self.clients[client].named = named;
    }

    /// Everything an operation does happens when it completes.
    fn run(&mut self, client: usize, event: &mut Event) {
        let effective = match event.kind {
            Kind::Fail => self.errs(),
            Kind::Info => self.random.below(2) == 0,
            _ => true,
        };
        let before = self.clients[client].at.clone();
        let mut told = Vec::new();
        let mut staged = Vec::new();
        for mop in event.value.items().unwrap_or_default() {
            let parts = mop.items().unwrap_or_default();
            told.push(match parts {
                [_, key, message] => self.send(key, message, effective, &mut staged),
                _ => self.poll(client),
            });
        }
        for (key, record) in staged {
            self.store(key, record);
        }
        if event.kind != Kind::Ok && !self.errs() {
            self.clients[client].at = before;
        }
        if event.kind == Kind::Ok || self.random.below(2) == 0 {
            event.value = Value::Vector(told);
        }
        if self.random.below(12) == 0 {
            let keys = Value::Map(vec![(Value::keyword("keys"), self.some_keys())]);
            event
                .extra
                .push(("rebalance-log".into(), Value::Vector(vec![keys])));
        }
    }

    /// What an operation sends is seen when it has committed, unless the broker errs.
    fn send(
        &mut self,
        key: &Value,
        message: &Value,
        effective: bool,
        staged: &mut Vec<(usize, (i64, i64))>,
    ) -> Value {
        let number = key.as_int().unwrap_or_default() as usize;
        let before = staged.iter().rfind(|other| other.0 == number);
        let before = before.map(|other| other.1.0);
        let last = self.logs[number].last().map_or(-1, |record| record.0);
        let last = before.map_or(last, |before| before.max(last));
        let mut offset = last + 1 + self.random.below(self.gap) as i64;
        if self.errs() {
            offset = self.random.below(4) as i64;
        }
        let dropped = self.errs();
        if effective && !dropped {
            let record = (offset, message.as_int().unwrap_or_default());
            if self.errs() {
                self.store(number, record);
            } else {
                staged.push((number, record));
            }
        }
        let known = self.random.below(5);
        let answer = match known {
            0 => message.clone(),
            1 => Value::Vector(vec![Value::Nil, message.clone()]),
            _ => Value::Vector(vec![Value::Int(offset), message.clone()]),
        };
        Value::Vector(vec![Value::keyword("send"), key.clone(), answer])
    }

    fn store(&mut self, key: usize, record: (i64, i64)) {
        let place = self.logs[key].partition_point(|other| other.0 <= record.0);
        self.logs[key].insert(place, record);
        if self.errs() {
            let last = self.logs[key].last().map_or(0, |last| last.0);
            self.logs[key].push((last + 5, record.1));
        }
    }

    fn poll(&mut self, client: usize) -> Value {
        let mut map = Vec::new();
        for key in 0..self.logs.len() {
            let named = &self.clients[client].named;
            if !named.is_empty() && !named.contains(&key) || self.random.below(4) == 0 {
                continue;
            }
            let mut at = self.clients[client].at[key];
            if self.errs() {
                at = self.random.below(self.logs[key].len() + 1);
            }
            let end = self.logs[key].len().min(at + self.random.below(4));
            let mut pairs: Vec<Value> = Vec::new();
            for place in at..end {
                let (offset, message) = self.logs[key][place];
                let message = if self.errs() {
                    self.any_message()
                } else {
                    message
                };
                let offset = if self.random.below(12) == 0 {
                    Value::Nil
                } else {
                    Value::Int(offset)
                };
                pairs.push(Value::Vector(vec![offset, Value::Int(message)]));
            }
            self.clients[client].at[key] = end.max(at);
            let key = Value::Int(key as i64);
            map.push((key, Value::Vector(pairs)));
        }
        if map.is_empty() && self.random.below(2) == 0 {
            return Value::Vector(vec![Value::keyword("poll")]);
        }
        Value::Vector(vec![Value::keyword("poll"), Value::Map(map)])
    }

    /// One that was sent, one that will be, or one that never is.
    fn any_message(&mut self) -> i64 {
        self.random.below(self.next_message as usize + 3) as i64
    }
}
