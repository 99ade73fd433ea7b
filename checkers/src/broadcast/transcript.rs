//! Who broadcast and delivered what, in flat arrays.

use rupture_history::{EventRef, History, Operation, Outcome, Value, ValueRef};
use rustc_hash::FxHashMap;

use super::MODEL;
use crate::values::canonical;
use crate::{Budget, CheckError};

/// Stands for no operation, no process, no message.
pub(super) const NONE: u32 = u32::MAX;
/// After how many operations the budget is asked again.
pub(super) const BREATH: usize = 4096;

/// A message that was broadcast or delivered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    pub(super) value: ValueRef<'a>,
    /// Who broadcast it.
    pub(super) sender: u32,
    /// The broadcast.
    pub(super) operation: u32,
    /// Whether the broadcast has a place in the order of its sender: it is `ok`, or nothing came after it.
    pub(super) chained: bool,
    /// How many broadcasts of its sender with a place in that order come before it.
    pub(super) rank: u32,
    /// The delivery that completed first.
    pub(super) delivered: u32,
}

/// A process, by what it owes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Process {
    pub(super) name: i64,
    /// Its last `deliver`; a process without one is no member.
    pub(super) asked: u32,
    /// It may have crashed.
    pub(super) stopped: bool,
    /// Its first `deliver` that is `info`: what it delivers after that is held to no order.
    pub(super) unsure: u32,
    /// Its last operation, if that is a `deliver` after which there was nothing left.
    pub(super) drained: u32,
}

/// A message that a process delivered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Delivery {
    pub(super) message: u32,
    pub(super) operation: u32,
}

/// A history in the language of broadcasts.
pub(super) struct Transcript<'a> {
    pub(super) history: &'a History,
    pub(super) operations: &'a [Operation],
    pub(super) processes: Vec<Process>,
    pub(super) messages: Vec<Message<'a>>,
    /// What processes delivered, each in order; those of one lie between its number and the next.
    deliveries: Vec<Delivery>,
    first_delivery: Vec<u32>,
    /// The messages of each process, in the same way, failed broadcasts left out.
    sent: Vec<u32>,
    first_sent: Vec<u32>,
}

impl<'a> Transcript<'a> {
    /// `Err` within `Ok` when time ran out, with the number of operations that were read.
    pub(super) fn read(
        history: &'a History,
        operations: &'a [Operation],
        budget: &Budget<'_>,
    ) -> Result<Result<Self, usize>, CheckError> {
        let mut reader = Reader::new(history, operations);
        for number in 0..operations.len() {
            if number % BREATH == 0 && budget.is_over() {
                return Ok(Err(number));
            }
            reader.push(number as u32)?;
        }
        Ok(Ok(reader.close()))
    }

    /// What the deliveries and messages of so many operations may take.
    pub(super) fn bytes(operations: usize) -> usize {
        let each = size_of::<Message<'_>>() + 2 * size_of::<Delivery>() + 64;
        operations.saturating_mul(each)
    }

    pub(super) fn delivered_by(&self, process: u32) -> &[Delivery] {
        let at = process as usize;
        &self.deliveries[self.first_delivery[at] as usize..self.first_delivery[at + 1] as usize]
    }

    pub(super) fn sent_by(&self, process: u32) -> &[u32] {
        let at = process as usize;
        &self.sent[self.first_sent[at] as usize..self.first_sent[at + 1] as usize]
    }

    pub(super) fn outcome(&self, operation: u32) -> Outcome {
        self.operations[operation as usize].outcome
    }

    /// The row at which a message was delivered.
    pub(super) fn delivered_at(&self, operation: u32) -> u32 {
        let operation = &self.operations[operation as usize];
        operation.completed.unwrap_or(operation.invoked)
    }

    /// Whether a message may have been broadcast at all.
    pub(super) fn was_sent(&self, message: &Message<'_>) -> bool {
        message.operation != NONE && self.outcome(message.operation) != Outcome::Fail
    }

    /// Whether a message was broadcast before it was so delivered.
    pub(super) fn in_time(&self, message: &Message<'_>, delivery: u32) -> bool {
        let sent = |operation: u32| self.operations[operation as usize].invoked;
        self.was_sent(message) && sent(message.operation) < self.delivered_at(delivery)
    }

    /// Whether a process ever asks for a message.
    pub(super) fn is_member(&self, process: u32) -> bool {
        self.processes[process as usize].asked != NONE
    }

    /// The numbers of all processes.
    pub(super) fn all(&self) -> std::ops::Range<u32> {
        0..self.processes.len() as u32
    }
}

/// A transcript that is being read.
struct Reader<'a> {
    history: &'a History,
    operations: &'a [Operation],
    processes: Vec<Process>,
    by_name: FxHashMap<i64, u32>,
    messages: Vec<Message<'a>>,
    integers: FxHashMap<i64, u32>,
    others: FxHashMap<Value, u32>,
    deliveries: Vec<(u32, Delivery)>,
    sent: Vec<(u32, u32)>,
}

impl<'a> Reader<'a> {
    fn new(history: &'a History, operations: &'a [Operation]) -> Self {
        Self {
            history,
            operations,
            processes: Vec::new(),
            by_name: FxHashMap::default(),
            messages: Vec::new(),
            integers: FxHashMap::default(),
            others: FxHashMap::default(),
            deliveries: Vec::new(),
            sent: Vec::new(),
        }
    }

    fn process(&mut self, name: i64) -> u32 {
        let next = self.processes.len() as u32;
        let number = *self.by_name.entry(name).or_insert(next);
        if number == next {
            self.processes.push(Process {
                name,
                asked: NONE,
                stopped: false,
                unsure: NONE,
                drained: NONE,
            });
        }
        number
    }

    fn message(&mut self, value: ValueRef<'a>) -> u32 {
        let next = self.messages.len() as u32;
        let number = match value.as_int() {
            Some(integer) => *self.integers.entry(integer).or_insert(next),
            None => *self
                .others
                .entry(canonical(value.to_value()))
                .or_insert(next),
        };
        if number == next {
            self.messages.push(Message {
                value,
                sender: NONE,
                operation: NONE,
                chained: false,
                rank: 0,
                delivered: NONE,
            });
        }
        number
    }

    fn push(&mut self, number: u32) -> Result<(), CheckError> {
        let operation = &self.operations[number as usize];
        let process = self.process(operation.process);
        let invoked = self.history.get(operation.invoked as usize);
        let completed = operation
            .completed
            .map(|row| self.history.get(row as usize));
        let given_up = completed.is_some() && operation.outcome == Outcome::Info;
        let about = &mut self.processes[process as usize];
        about.stopped |= given_up;
        about.drained = NONE;
        let result = completed.filter(|_| operation.outcome == Outcome::Ok);
        match invoked.f() {
            "broadcast" => {
                about.stopped |= completed.is_none();
                self.push_broadcast(number, process, invoked, result)
            }
            "deliver" => {
                about.asked = number;
                if given_up {
                    about.unsure = about.unsure.min(number);
                }
                self.push_delivery(number, process, result);
                Ok(())
            }
            f => Err(CheckError::UnknownFunction {
                index: invoked.index(),
                f: f.to_owned(),
                model: MODEL.to_owned(),
                known: "broadcast, deliver".to_owned(),
            }),
        }
    }

    fn push_broadcast(
        &mut self,
        number: u32,
        process: u32,
        invoked: EventRef<'a>,
        result: Option<EventRef<'a>>,
    ) -> Result<(), CheckError> {
        let value = invoked.value();
        if value.is_nil() {
            return Err(wrong(invoked, "a message"));
        }
        if let Some(result) = result.filter(|r| !r.value().is_nil() && r.value() != value) {
            return Err(wrong(
                result,
                &format!("the message {value} of its invocation"),
            ));
        }
        let message = self.message(value);
        let about = &mut self.messages[message as usize];
        if about.operation != NONE {
            let first = self.operations[about.operation as usize].invoked;
            let first = self.history.get(first as usize).index();
            let expected = format!("a message of its own; event {first} broadcasts the same");
            return Err(wrong(invoked, &expected));
        }
        (about.sender, about.operation) = (process, number);
        if self.operations[number as usize].outcome != Outcome::Fail {
            self.sent.push((process, message));
        }
        Ok(())
    }

    fn push_delivery(&mut self, number: u32, process: u32, result: Option<EventRef<'a>>) {
        let Some(result) = result else {
            return;
        };
        if result.value().is_nil() {
            self.processes[process as usize].drained = number;
            return;
        }
        let message = self.message(result.value());
        let completed = |operation: u32| self.operations[operation as usize].completed;
        let first = &mut self.messages[message as usize].delivered;
        if *first == NONE || completed(number) < completed(*first) {
            *first = number;
        }
        let delivery = Delivery {
            message,
            operation: number,
        };
        self.deliveries.push((process, delivery));
    }

    fn close(mut self) -> Transcript<'a> {
        let processes = self.processes.len();
        let (deliveries, first_delivery) = grouped(&self.deliveries, processes);
        let (sent, first_sent) = grouped(&self.sent, processes);
        for process in 0..processes {
            let own = &sent[first_sent[process] as usize..first_sent[process + 1] as usize];
            let mut rank = 0;
            for (place, message) in own.iter().enumerate() {
                let message = &mut self.messages[*message as usize];
                let ok = self.operations[message.operation as usize].outcome == Outcome::Ok;
                message.chained = ok || place + 1 == own.len();
                message.rank = rank;
                rank += u32::from(message.chained);
            }
        }
        Transcript {
            history: self.history,
            operations: self.operations,
            processes: self.processes,
            messages: self.messages,
            deliveries,
            first_delivery,
            sent,
            first_sent,
        }
    }
}

/// Sorts by process and keeps the order otherwise; the second tells where those of each process begin.
fn grouped<T: Copy>(all: &[(u32, T)], processes: usize) -> (Vec<T>, Vec<u32>) {
    let mut first = vec![0; processes + 1];
    for (process, _) in all {
        first[*process as usize + 1] += 1;
    }
    for process in 0..processes {
        first[process + 1] += first[process];
    }
    let Some((_, any)) = all.first() else {
        return (Vec::new(), first);
    };
    let mut next = first.clone();
    let mut sorted = vec![*any; all.len()];
    for (process, value) in all {
        let next = &mut next[*process as usize];
        sorted[*next as usize] = *value;
        *next += 1;
    }
    (sorted, first)
}

fn wrong(event: EventRef<'_>, expected: &str) -> CheckError {
    CheckError::WrongValue {
        index: event.index(),
        f: event.f().to_owned(),
        found: event.value().to_string(),
        expected: expected.to_owned(),
    }
}
