//! Small histories at random: what clients of an atomic object could have seen, and then often a lie.

use rupture_history::{Outcome, Value};

use super::objects::Subject;
use super::oracle::Op;

/// `SplitMix64` (Steele, Lea & Flood 2014).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        (!from.is_empty()).then(|| from[self.below(from.len())].clone())
    }
}

/// A history that is being made.
struct Making<'a> {
    subject: &'a Subject,
    random: &'a mut Random,
    ops: Vec<Op>,
    /// The open operation of each process, and whether it took effect.
    open: Vec<Option<(usize, bool)>>,
    names: Vec<i64>,
    state: Vec<i64>,
    moment: usize,
    /// Whether the first numbers that are sent all differ, and how many were.
    unique: bool,
    sent: i64,
    /// Of so many operations two are not seen to complete.
    losing: usize,
}

/// A history of at most `most` operations by two to four processes. Five in six have lies in them.
pub(crate) fn history(subject: &Subject, most: usize, random: &mut Random) -> Vec<Op> {
    let processes = 2 + random.below(3);
    let count = match random.below(4) {
        0 => 1 + random.below(most),
        _ => most - random.below(3),
    };
    let lie = !random.one_in(6);
    let mut making = Making {
        subject,
        ops: Vec::new(),
        open: vec![None; processes],
        names: (0..processes as i64).collect(),
        state: subject.initial.to_vec(),
        moment: 0,
        unique: random.one_in(2),
        sent: 0,
        losing: 10,
        random,
    };
    let mut steps = 0;
    while making.ops.len() < count || (making.open.iter().any(Option::is_some) && steps < 60) {
        making.step(count);
        steps += 1;
    }
    let mut ops = making.ops;
    if lie {
        lies(subject, &mut ops, random);
    }
    ops
}

/// A history without lies, by so many processes.
pub(crate) fn long(
    subject: &Subject,
    operations: usize,
    processes: usize,
    random: &mut Random,
) -> Vec<Op> {
    let mut making = Making {
        subject,
        ops: Vec::new(),
        open: vec![None; processes],
        names: (0..processes as i64).collect(),
        state: subject.initial.to_vec(),
        moment: 0,
        unique: false,
        sent: 0,
        losing: 1_000,
        random,
    };
    while making.ops.len() < operations || making.open.iter().any(Option::is_some) {
        making.step(operations);
    }
    making.ops
}

impl Making<'_> {
    fn step(&mut self, count: usize) {
        let process = self.random.below(self.open.len());
        self.moment += 4;
        match self.open[process] {
            None if self.ops.len() < count => self.invoke(process),
            None => {}
            Some((op, false)) => self.work(process, op),
            Some((op, true)) => self.complete(process, op),
        }
    }

    fn invoke(&mut self, process: usize) {
        let (f, mut argument) = (self.subject.call)(self.random);
        if self.unique && self.sent < 3 && matches!(argument, Value::Int(_)) {
            self.sent += 1;
            argument = Value::Int(self.sent);
        }
        self.open[process] = Some((self.ops.len(), false));
        self.ops.push(Op {
            process: self.names[process],
            f,
            argument,
            result: None,
            outcome: Outcome::Info,
            invoked: self.moment,
            recorded: None,
        });
        self.moment += 4;
    }

    /// Lets an operation take effect with some result that it can have, or gives it up.
    fn work(&mut self, process: usize, op: usize) {
        let call = self.ops[op].clone();
        let results = (self.subject.results)(call.f, &call.argument);
        let results = results.unwrap_or_else(|| vec![call.argument.clone()]);
        let mut possible = Vec::new();
        for result in results {
            let mut call = call.clone();
            call.outcome = Outcome::Ok;
            call.result = Some(result.clone());
            for state in (self.subject.object)(&self.state, &call) {
                possible.push((result.clone(), state));
            }
        }
        match self.random.pick(&possible) {
            Some((result, state)) if !self.random.one_in(12) => {
                self.state = state;
                self.ops[op].result = Some(result);
                self.open[process] = Some((op, true));
            }
            Some(_) | None => self.end(process, op, Outcome::Fail),
        }
    }

    fn complete(&mut self, process: usize, op: usize) {
        match self.random.below(self.losing) {
            0 => {
                self.ops[op].result = None;
                self.end(process, op, Outcome::Info);
                self.names[process] += self.names.len() as i64;
            }
            1 => {
                // Its client never hears of it, and goes on under another name.
                self.ops[op].result = None;
                self.open[process] = None;
                self.names[process] += self.names.len() as i64;
            }
            _ => self.end(process, op, Outcome::Ok),
        }
    }

    fn end(&mut self, process: usize, op: usize, outcome: Outcome) {
        self.moment += 4;
        self.ops[op].outcome = outcome;
        self.ops[op].recorded = Some(self.moment);
        self.open[process] = None;
    }
}

/// Tells a few lies: another result, another call, a failure that happened, a success that did not, or a
/// moment of effect that was not there.
pub(crate) fn lies(subject: &Subject, ops: &mut [Op], random: &mut Random) {
    for _ in 0..2 + random.below(4) {
        let at = random.below(ops.len());
        let op = &mut ops[at];
        match random.below(6) {
            0 => (op.f, op.argument) = (subject.call)(random),
            1 | 5 if op.outcome == Outcome::Fail => op.outcome = Outcome::Ok,
            2 if op.outcome == Outcome::Ok => op.outcome = Outcome::Fail,
            3 => op.invoked = op.recorded.map_or(op.invoked, |recorded| recorded - 1),
            4 => op.recorded = op.recorded.map(|_| op.invoked + 1),
            _ => {}
        }
        let results = (subject.results)(op.f, &op.argument).unwrap_or_default();
        let result = random.pick(&results).unwrap_or_else(|| op.argument.clone());
        op.result = (op.outcome == Outcome::Ok).then_some(result);
    }
    ops.sort_by_key(|op| op.invoked);
}
