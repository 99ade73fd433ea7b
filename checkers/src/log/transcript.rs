//! All that was sent and polled, in flat arrays.

use rupture_history::{EventRef, History, Operation, Outcome, ValueRef};

use super::numbers::{Keys, Messages, NONE};
use super::parse::{self, Answers, Asked, Role, Told, UNKNOWN};
use crate::{Budget, CheckError};

/// After how many operations the budget is asked again.
const BREATH: usize = 4096;

/// A message that an operation sent or polled, and the offset that it was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mention {
    pub(super) key: u32,
    pub(super) message: u32,
    pub(super) offset: i64,
}

/// An operation; its sends and what it polled lie between its numbers and those of the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub(super) role: Role,
    /// Whether it polls and does not say what it was handed.
    pub(super) silent: bool,
    /// Whether it polls.
    pub(super) polls: bool,
    sends: u32,
    polled: u32,
}

/// A history in the language of logs.
pub(super) struct Transcript<'a> {
    pub(super) history: &'a History,
    pub(super) operations: &'a [Operation],
    steps: Vec<Step>,
    pub(super) sends: Vec<Mention>,
    pub(super) polled: Vec<Mention>,
    /// Operations, in order, and keys of which they polled nothing.
    empty: Vec<(u32, u32)>,
    pub(super) keys: Keys<'a>,
    pub(super) messages: Messages<'a>,
}

/// Why a transcript is not complete.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stop {
    Time,
    Memory,
}

impl<'a> Transcript<'a> {
    /// Also returns why and after how many operations it stopped, if it did.
    pub(super) fn read(
        history: &'a History,
        operations: &'a [Operation],
        budget: &Budget<'_>,
    ) -> Result<(Self, Option<(Stop, usize)>), CheckError> {
        let mut transcript = Self {
            history,
            operations,
            steps: Vec::with_capacity(operations.len() + 1),
            sends: Vec::new(),
            polled: Vec::new(),
            empty: Vec::new(),
            keys: Keys::default(),
            messages: Messages::default(),
        };
        for number in 0..operations.len() {
            let stop = (number % BREATH == 0).then(|| transcript.stop(budget));
            if let Some(stop) = stop.flatten() {
                return Ok((transcript, Some((stop, number))));
            }
            transcript.push(number)?;
        }
        transcript.close();
        Ok((transcript, None))
    }

    fn stop(&self, budget: &Budget<'_>) -> Option<Stop> {
        if budget.is_over() {
            return Some(Stop::Time);
        }
        (self.bytes() > budget.bytes()).then_some(Stop::Memory)
    }

    /// What is held, with as much again for the order of the messages and the findings.
    fn bytes(&self) -> usize {
        let mentions = (self.sends.capacity() + self.polled.capacity()) * size_of::<Mention>();
        let steps = self.operations.len() * 3 * size_of::<Step>();
        2 * (mentions + self.messages.bytes()) + steps
    }

    fn close(&mut self) {
        self.begin(Role::Other);
    }

    fn begin(&mut self, role: Role) {
        self.steps.push(Step {
            role,
            silent: false,
            polls: false,
            sends: self.sends.len() as u32,
            polled: self.polled.len() as u32,
        });
    }

    fn push(&mut self, number: usize) -> Result<(), CheckError> {
        let operation = &self.operations[number];
        let invoked = self.history.get(operation.invoked as usize);
        let role = parse::role(invoked)?;
        self.begin(role);
        match role {
            Role::Transaction => self.push_transaction(number as u32, invoked),
            Role::Assign | Role::Subscribe => parse::named(invoked).map(|_| ()),
            Role::Crash | Role::Other => Ok(()),
        }
    }

    fn push_transaction(&mut self, number: u32, invoked: EventRef<'a>) -> Result<(), CheckError> {
        let operation = &self.operations[number as usize];
        let completed = operation
            .completed
            .map(|row| self.history.get(row as usize));
        let mut answers = completed.filter(|_| is_answer(operation, completed, invoked));
        let mut answers = answers.take().map(Answers::of);
        for asked in parse::asked(invoked)? {
            let asked = asked?;
            let told = answers.as_mut().map(|a| a.next(&asked)).transpose()?;
            match (asked, told) {
                (Asked::Send { key, value }, told) => {
                    let offset = match told {
                        Some(Told::Sent(offset)) => offset,
                        _ => UNKNOWN,
                    };
                    self.push_send(number, invoked, (key, value), offset)?;
                }
                (Asked::Poll, Some(Told::Polled(Some(map)))) => {
                    self.push_polled(number, completed.unwrap_or(invoked), map)?;
                }
                (Asked::Poll, _) => self.push_silence(operation.outcome),
            }
        }
        answers.map_or(Ok(()), |mut answers| answers.end())
    }

    /// An `ok` poll that says nothing was handed nothing.
    fn push_silence(&mut self, outcome: Outcome) {
        let step = self.steps.last_mut().expect("one began");
        step.polls = true;
        step.silent |= outcome == Outcome::Info;
    }

    fn push_send(
        &mut self,
        number: u32,
        invoked: EventRef<'_>,
        (key, value): (ValueRef<'a>, ValueRef<'a>),
        offset: i64,
    ) -> Result<(), CheckError> {
        let key = self.keys.number(key);
        let message = self.messages.number(key, value);
        let sender = &mut self.messages.all[message as usize].sender;
        if *sender != NONE {
            let expected = format!("messages that their key was not sent before; {value} was");
            return Err(parse::wrong(invoked, &expected));
        }
        *sender = number;
        self.sends.push(Mention {
            key,
            message,
            offset,
        });
        Ok(())
    }

    fn push_polled(
        &mut self,
        number: u32,
        completed: EventRef<'a>,
        map: ValueRef<'a>,
    ) -> Result<(), CheckError> {
        let outcome = self.operations[number as usize].outcome;
        self.steps.last_mut().expect("one began").polls = true;
        for (key, pairs) in map.entries().into_iter().flatten() {
            let key = self.keys.number(key);
            let mut previous = NONE;
            let pairs = pairs.items();
            let mut pairs = pairs
                .ok_or_else(|| parse::not_an_answer(completed))?
                .peekable();
            if pairs.peek().is_none() {
                self.empty.push((number, key));
            }
            for pair in pairs {
                let polled = parse::polled(pair);
                let (offset, value) = polled.ok_or_else(|| parse::not_an_answer(completed))?;
                let message = self.messages.after(previous, key, value);
                previous = message;
                let told = &mut self.messages.all[message as usize];
                match outcome {
                    Outcome::Ok if told.reader == NONE => told.reader = number,
                    Outcome::Info => told.maybe_read = true,
                    _ => {}
                }
                self.polled.push(Mention {
                    key,
                    message,
                    offset,
                });
            }
        }
        Ok(())
    }

    pub(super) fn len(&self) -> u32 {
        self.operations.len() as u32
    }

    pub(super) fn step(&self, number: u32) -> &Step {
        &self.steps[number as usize]
    }

    pub(super) fn outcome(&self, number: u32) -> Outcome {
        self.operations[number as usize].outcome
    }

    pub(super) fn sends_of(&self, number: u32) -> &[Mention] {
        let at = number as usize;
        &self.sends[self.steps[at].sends as usize..self.steps[at + 1].sends as usize]
    }

    pub(super) fn polled_by(&self, number: u32) -> &[Mention] {
        let at = number as usize;
        &self.polled[self.steps[at].polled as usize..self.steps[at + 1].polled as usize]
    }

    /// The keys of which an operation polled nothing.
    pub(super) fn empty_of(&self, number: u32) -> impl Iterator<Item = u32> + '_ {
        let start = self
            .empty
            .partition_point(|&(operation, _)| operation < number);
        let own = self.empty[start..].iter();
        own.take_while(move |&&(operation, _)| operation == number)
            .map(|&(_, key)| key)
    }

    pub(super) fn invocation(&self, number: u32) -> EventRef<'a> {
        let row = self.operations[number as usize].invoked;
        self.history.get(row as usize)
    }

    pub(super) fn completion(&self, number: u32) -> Option<EventRef<'a>> {
        let row = self.operations[number as usize].completed?;
        Some(self.history.get(row as usize))
    }
}

/// Whether a completion says what came of each micro-operation. One that is `ok` must; another may bear anything,
/// and is listened to only if all of it fits.
fn is_answer(
    operation: &Operation,
    completed: Option<EventRef<'_>>,
    invoked: EventRef<'_>,
) -> bool {
    let Some(completed) = completed else {
        return false;
    };
    operation.outcome == Outcome::Ok || fits(completed, invoked).is_ok()
}

fn fits(completed: EventRef<'_>, invoked: EventRef<'_>) -> Result<(), CheckError> {
    let mut answers = Answers::of(completed);
    for asked in parse::asked(invoked)? {
        if let Told::Polled(Some(map)) = answers.next(&asked?)? {
            let lists = map
                .entries()
                .into_iter()
                .flatten()
                .map(|(_, list)| list.items());
            for list in lists {
                let mut list = list.ok_or_else(|| parse::not_an_answer(completed))?;
                if !list.all(|pair| parse::polled(pair).is_some()) {
                    return Err(parse::not_an_answer(completed));
                }
            }
        }
    }
    answers.end()
}
