//! Whether each client's messages follow each other from one operation to the next.

use rupture_history::Outcome;

use super::contiguity::Kinds;
use super::findings::{Finding, Findings};
use super::kind::LogAnomaly;
use super::last::{Held, Last};
use super::numbers::NONE;
use super::orders::Orders;
use super::parse::{self, Role};
use super::transcript::{Mention, Transcript};

const POLLS: Kinds = Kinds {
    back: LogAnomaly::NonmonotonicPoll,
    skip: LogAnomaly::PollSkip,
    moves: true,
};
const SENDS: Kinds = Kinds {
    back: LogAnomaly::NonmonotonicSend,
    skip: LogAnomaly::SendSkip,
    moves: false,
};

/// Contiguity from each operation of a process to the next.
pub(super) fn external(
    transcript: &Transcript<'_>,
    orders: &Orders,
    send_skips: bool,
    findings: &mut Findings,
) {
    let mut numbers: Vec<u32> = (0..transcript.len()).collect();
    let process = |number: &u32| transcript.operations[*number as usize].process;
    numbers.sort_by_key(process);
    let keys = transcript.keys.names.len();
    let mut producer = Client::new(SENDS, keys);
    let mut consumer = Client::new(POLLS, keys);
    producer.skips = send_skips;
    let mut present = None;
    for (count, &number) in (0..).zip(&numbers) {
        if present != Some(process(&number)) {
            present = Some(process(&number));
            producer.begin(count);
            consumer.begin(count);
        }
        step(
            transcript,
            orders,
            number,
            &mut producer,
            &mut consumer,
            findings,
        );
    }
}

fn step(
    transcript: &Transcript<'_>,
    orders: &Orders,
    number: u32,
    producer: &mut Client,
    consumer: &mut Client,
    findings: &mut Findings,
) {
    let outcome = transcript.outcome(number);
    match transcript.step(number).role {
        Role::Transaction => {
            if outcome != Outcome::Fail {
                let sent = transcript.sends_of(number);
                producer.judge(transcript, orders, (number, sent), findings);
            }
            let polled = transcript.polled_by(number);
            consumer.judge(transcript, orders, (number, polled), findings);
            if outcome == Outcome::Ok {
                producer.hold(number, transcript.sends_of(number));
                consumer.hold(number, polled);
            } else if outcome == Outcome::Info && transcript.step(number).polls {
                consumer.forget_all();
            }
        }
        role @ (Role::Assign | Role::Subscribe) => {
            turn(transcript, number, role, producer, consumer);
        }
        Role::Crash => consumer.forget_all(),
        Role::Other => {}
    }
}

/// A consumer turns to other keys.
fn turn(
    transcript: &Transcript<'_>,
    number: u32,
    role: Role,
    producer: &mut Client,
    consumer: &mut Client,
) {
    let outcome = transcript.outcome(number);
    if outcome == Outcome::Fail {
        return;
    }
    let invoked = transcript.invocation(number);
    // What is no list of keys was refused when the history was read.
    let named = parse::named(invoked).unwrap_or_default();
    let named: Vec<u32> = named
        .into_iter()
        .filter_map(|key| transcript.keys.get(key))
        .collect();
    producer.keep(&named);
    let rewinds =
        parse::rewinds(invoked) || transcript.completion(number).is_some_and(parse::rewinds);
    if rewinds || outcome == Outcome::Info {
        consumer.forget_all();
    } else {
        consumer.keep(&named);
    }
    match role {
        Role::Subscribe => consumer.subscribe(),
        _ if outcome == Outcome::Ok => consumer.subscribed = false,
        _ => {}
    }
}

/// A producer or a consumer: where it stands in each log.
struct Client {
    kinds: Kinds,
    skips: bool,
    /// Which of the processes it is of.
    process: u32,
    subscribed: bool,
    last: Last,
    /// The keys that are held.
    held: Vec<u32>,
    /// The first of each key that the present operation mentions was judged.
    judged: Last,
}

impl Client {
    fn new(kinds: Kinds, keys: usize) -> Self {
        Self {
            kinds,
            skips: true,
            process: NONE,
            subscribed: false,
            last: Last::new(keys),
            held: Vec::new(),
            judged: Last::new(keys),
        }
    }

    fn begin(&mut self, process: u32) {
        self.process = process;
        self.subscribed = false;
        self.held.clear();
    }

    /// The first message of each key follows the last one that was held.
    fn judge(
        &mut self,
        transcript: &Transcript<'_>,
        orders: &Orders,
        (operation, mentions): (u32, &[Mention]),
        findings: &mut Findings,
    ) {
        for mention in mentions {
            let now = Held {
                mention: *mention,
                operation,
                subscribed: self.subscribed,
            };
            if !self.judged.set(operation, now) {
                continue;
            }
            let Some(&mut before) = self.last.get(self.process, mention.key) else {
                continue;
            };
            let Some((kind, first, second)) = self.kinds.judge(orders, &before.mention, mention)
            else {
                continue;
            };
            if kind == self.kinds.skip && !self.skips {
                continue;
            }
            let finding = Finding {
                kind,
                operation,
                before: before.operation,
                first,
                second,
            };
            let subscribed = self.subscribed
                || before.subscribed
                || self.kinds.moved(transcript, operation, mention.key);
            findings.add(finding, subscribed);
        }
    }

    fn hold(&mut self, operation: u32, mentions: &[Mention]) {
        for mention in mentions {
            let held = Held {
                mention: *mention,
                operation,
                subscribed: self.subscribed,
            };
            if self.last.set(self.process, held) {
                self.held.push(mention.key);
            }
        }
    }

    fn forget_all(&mut self) {
        for key in self.held.drain(..) {
            self.last.forget(key);
        }
    }

    /// Forgets all other keys.
    fn keep(&mut self, named: &[u32]) {
        let mut kept = Vec::new();
        for &key in named {
            if let Some(&mut held) = self.last.get(self.process, key) {
                kept.push(held);
                self.last.forget(key);
            }
        }
        self.forget_all();
        for held in kept {
            self.last.set(self.process, held);
            self.held.push(held.mention.key);
        }
    }

    fn subscribe(&mut self) {
        self.subscribed = true;
        for &key in &self.held {
            if let Some(held) = self.last.get(self.process, key) {
                held.subscribed = true;
            }
        }
    }
}
