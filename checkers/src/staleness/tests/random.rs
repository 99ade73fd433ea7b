//! Small histories at random: a register whose reads lag behind, and now and then a lie.

use rupture_history::Outcome;

use super::oracle::{Op, Small};

/// `SplitMix64` (Steele, Lea & Flood 2014).
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    pub(super) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

/// How histories are made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) operations: usize,
    pub(super) processes: usize,
    /// How many versions a read may lag behind.
    pub(super) lag: usize,
    /// Whether all written values differ.
    pub(super) unique: bool,
    /// One operation in so many fails, one is never heard of, and one read in so many lies.
    pub(super) odd: usize,
}

/// The shape of a history of at most `most` operations.
pub(super) fn shape(most: usize, random: &mut Random) -> Shape {
    Shape {
        operations: match random.below(4) {
            0 => 1 + random.below(most),
            _ => most - random.below(3),
        },
        processes: 1 + random.below(4),
        lag: 1 + random.below(4),
        unique: !random.one_in(3),
        odd: 8 + random.below(40),
    }
}

/// A history that is being made.
struct Making<'a> {
    shape: Shape,
    random: &'a mut Random,
    ops: Vec<Op>,
    /// The open operation of each process, and whether it took effect.
    open: Vec<Option<(usize, bool)>>,
    names: Vec<i64>,
    written: Vec<i64>,
    times: Vec<i64>,
    values: i64,
}

pub(super) fn history(shape: Shape, random: &mut Random) -> Small {
    let mut making = Making {
        shape,
        open: vec![None; shape.processes],
        names: (0..shape.processes as i64).collect(),
        ops: Vec::new(),
        written: vec![0],
        times: Vec::new(),
        values: 0,
        random,
    };
    while making.ops.len() < shape.operations || making.open.iter().any(Option::is_some) {
        making.step();
    }
    Small {
        ops: making.ops,
        times: making.times,
    }
}

impl Making<'_> {
    fn step(&mut self) {
        let process = self.random.below(self.open.len());
        match self.open[process] {
            None if self.ops.len() < self.shape.operations => self.invoke(process),
            None => {}
            Some((op, false)) => self.work(process, op),
            Some((op, true)) => self.complete(process, op),
        }
    }

    /// A moment, often at the same time as the one before.
    fn moment(&mut self) -> usize {
        let last = self.times.last().copied().unwrap_or(0);
        let passed = self.random.below(4) as i64;
        self.times.push(last + passed);
        self.times.len() - 1
    }

    fn invoke(&mut self, process: usize) {
        let write = self.random.one_in(2);
        self.values += i64::from(write);
        let value = match (write, self.shape.unique) {
            (true, true) => self.values,
            (true, false) => self.random.below(4) as i64,
            (false, _) => 0,
        };
        self.open[process] = Some((self.ops.len(), false));
        let invoked = self.moment();
        self.ops.push(Op {
            process: self.names[process],
            write,
            value,
            outcome: Outcome::Info,
            invoked,
            recorded: None,
        });
    }

    fn work(&mut self, process: usize, op: usize) {
        let odd = self.shape.odd;
        if self.random.one_in(odd) {
            self.end(process, op, Outcome::Fail);
            return;
        }
        self.open[process] = Some((op, true));
        if self.ops[op].write {
            let value = self.ops[op].value;
            self.written.push(value);
            return;
        }
        let back = self
            .random
            .below(self.shape.lag)
            .min(self.written.len() - 1);
        self.ops[op].value = self.written[self.written.len() - 1 - back];
        if self.random.one_in(odd) {
            self.ops[op].value = self.random.below(5) as i64;
        }
    }

    fn complete(&mut self, process: usize, op: usize) {
        let odd = self.shape.odd;
        if !self.random.one_in(odd) {
            self.end(process, op, Outcome::Ok);
            return;
        }
        if self.random.one_in(2) {
            self.end(process, op, Outcome::Info);
        }
        // Nobody hears of it any more; its client goes on under another name.
        self.open[process] = None;
        self.names[process] += self.names.len() as i64;
    }

    fn end(&mut self, process: usize, op: usize, outcome: Outcome) {
        self.ops[op].outcome = outcome;
        let recorded = self.moment();
        self.ops[op].recorded = Some(recorded);
        self.open[process] = None;
        if outcome == Outcome::Info {
            self.names[process] += self.names.len() as i64;
        }
    }
}
