//! Small histories at random: processes on a network that keeps some order, most of the time.

use rupture_history::{Event, Kind, Value};

use crate::linearizability::tests::random::Random;

/// Which of the messages that have arrived a process delivers next.
#[derive(Clone, Copy, Debug)]
enum Discipline {
    Any,
    Fifo,
    Causal,
    Total,
}

/// A message on the network: who sent it, and what its sender had broadcast or delivered.
struct Message {
    value: i64,
    sender: usize,
    after: Vec<i64>,
}

struct Network<'a> {
    random: &'a mut Random,
    discipline: Discipline,
    errors: usize,
    messages: Vec<Message>,
    /// What each process has delivered, and what it has broadcast or delivered.
    delivered: Vec<Vec<i64>>,
    knows: Vec<Vec<i64>>,
    open: Vec<Option<Event>>,
    stopped: Vec<bool>,
    /// Whether processes go on although they do not know what became of an operation.
    goes_on: bool,
    next: i64,
}

/// A history of at most so many events, before all ask for what is left.
pub(super) fn history(random: &mut Random, most: usize) -> Vec<Event> {
    let processes = 1 + random.below(4);
    let disciplines = [
        Discipline::Any,
        Discipline::Fifo,
        Discipline::Causal,
        Discipline::Total,
    ];
    let discipline = disciplines[random.below(4)];
    let errors = [5, 20, 1_000_000][random.below(3)];
    let goes_on = random.below(6) == 0;
    let mut network = Network {
        random,
        goes_on,
        discipline,
        errors,
        messages: Vec::new(),
        delivered: vec![Vec::new(); processes],
        knows: vec![Vec::new(); processes],
        open: vec![None; processes],
        stopped: vec![false; processes],
        next: 1,
    };
    let mut events = Vec::new();
    for _ in 0..2 + network.random.below(most - 1) {
        let process = network.random.below(processes);
        events.extend(network.step(process, true));
    }
    let rounds = [0, 3, 8][network.random.below(3)];
    for round in 0..rounds * processes * 2 {
        events.extend(network.step(round / 2 % processes, false));
    }
    events
}

impl Network<'_> {
    fn errs(&mut self) -> bool {
        self.random.below(self.errors) == 0
    }

    fn step(&mut self, process: usize, lively: bool) -> Option<Event> {
        if self.stopped[process] && !self.goes_on && self.random.below(12) > 0 {
            return None;
        }
        let event = match self.open[process].take() {
            None => self.invoke(process, lively),
            Some(event) => self.complete(process, event, lively),
        };
        Some(event)
    }

    fn invoke(&mut self, process: usize, lively: bool) -> Event {
        let event = if lively && self.random.below(3) == 0 {
            let value = self.next;
            self.next += 1;
            if self.random.below(3) > 0 {
                self.send(process, value);
            }
            Event::new(process as i64, Kind::Invoke, "broadcast", Value::Int(value))
        } else {
            Event::new(process as i64, Kind::Invoke, "deliver", Value::Nil)
        };
        self.open[process] = Some(event.clone());
        event
    }

    fn send(&mut self, sender: usize, value: i64) {
        if self.messages.iter().any(|message| message.value == value) || self.errs() {
            return;
        }
        self.messages.push(Message {
            value,
            sender,
            after: self.knows[sender].clone(),
        });
        self.knows[sender].push(value);
    }

    fn complete(&mut self, process: usize, mut event: Event, lively: bool) -> Event {
        let lost = lively && self.random.below(14) == 0;
        if let Some(value) = event.value.as_int() {
            let failed = lively && self.random.below(14) == 0;
            let sent = self.messages.iter().any(|message| message.value == value);
            event.kind = match (lost, failed && (!sent || self.errs())) {
                (true, _) => Kind::Info,
                (_, true) => Kind::Fail,
                _ => Kind::Ok,
            };
            if event.kind == Kind::Ok || event.kind == Kind::Info && self.random.below(2) == 0 {
                self.send(process, value);
            }
        } else {
            self.deliver(process, lost, &mut event);
        }
        self.stopped[process] |= event.kind == Kind::Info;
        event
    }

    fn deliver(&mut self, process: usize, lost: bool, event: &mut Event) {
        let next = self.choose(process);
        if lost {
            event.kind = Kind::Info;
            if self.random.below(2) == 0 {
                return;
            }
        } else {
            event.kind = match (next, self.random.below(4)) {
                (None, 0) => Kind::Fail,
                _ => Kind::Ok,
            };
        }
        let Some(value) = next else {
            return;
        };
        self.delivered[process].push(value);
        self.knows[process].push(value);
        if event.kind == Kind::Ok {
            event.value = Value::Int(value);
        }
    }

    fn choose(&mut self, process: usize) -> Option<i64> {
        if self.errs() {
            // Anything: once more, too early, out of order, or never broadcast.
            return Some(1 + self.random.below(self.next as usize + 1) as i64);
        }
        let delivered = &self.delivered[process];
        let waiting: Vec<&Message> = self
            .messages
            .iter()
            .filter(|message| !delivered.contains(&message.value))
            .collect();
        let may = |message: &&&Message| match self.discipline {
            Discipline::Any => true,
            Discipline::Fifo => {
                let own = |other: &&&Message| other.sender == message.sender;
                waiting.iter().find(own).map(|first| first.value) == Some(message.value)
            }
            Discipline::Causal => message.after.iter().all(|value| delivered.contains(value)),
            Discipline::Total => waiting[0].value == message.value,
        };
        let may: Vec<i64> = waiting.iter().filter(may).map(|m| m.value).collect();
        let late = self.random.below(4) == 0;
        if may.is_empty() || late {
            return None;
        }
        Some(may[self.random.below(may.len())])
    }
}
