//! The search for one order of all operations that keeps the order of every process.
//!
//! A configuration is how far every process has come, how many free operations of each kind were used, and
//! the state of every object: Wing & Gong's search (1993) with Lowe's memory of configurations (2017), where
//! the order of a process takes the place of real time. Depth first, with a stack of its own. Deciding it is
//! NP-complete, even where it is known which write every read saw (Gibbons & Korach 1997), so bounds end it.
//!
//! What keeps it small:
//! - A read that its process comes to and that agrees with the state is taken at once: in any order of what
//!   is left it may as well come first.
//! - An operation that need not have happened is a debt: of two configurations that differ in nothing else,
//!   the one that has used fewer of each kind can do all that the other can.
//! - A free operation is taken directly before one on the same object that needs it: put off past anything
//!   else it does the same. And not before one that hides it.
//! - What is known of registers beside that (`registers`, `forced`).
//! - Where only one thing can be done, nothing is remembered.
//!
//! What is tried first makes no difference to the answer, and all the difference to the time: what most of
//! the processes wait for that cannot go on, then what was invoked first. A store that is not linearizable
//! is mostly nearly so.

use super::forced::Forced;
use super::program::Program;
use super::registers::{Deed, Registers};
use super::store::{Memo, Nodes, States, Vector, list_growth};
use crate::{Budget, Model};

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// An order exists: the numbers of the operations, in order.
    Order(Vec<u32>),
    /// No order exists.
    Impossible,
    /// Nobody knows.
    Stopped(Stop),
}

/// Why a search stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    Time,
    Memory,
    Steps,
}

impl Stop {
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Time => "out of time",
            Self::Memory => "out of memory",
            Self::Steps => "out of steps",
        }
    }
}

/// An answer and what it took.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) answer: Answer,
    /// How many configurations were looked at.
    pub(super) steps: u64,
    /// How many operations that happened the longest beginning of an order had.
    pub(super) explained: u64,
}

/// How far a search may go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits<'a> {
    pub(super) budget: &'a Budget<'a>,
    /// How many bytes of the budget others hold meanwhile.
    pub(super) held: usize,
    /// How many configurations it may look at.
    pub(super) steps: u64,
}

/// How many configurations are looked at between two looks at the clock.
const STEPS_A_LOOK: u64 = 256;
/// Of how many configurations in which only one thing can be done one is remembered.
const FORCED_A_MEMORY: u64 = 8;
/// Of how many operations a program is small: whatever is found out about it costs next to nothing.
const SMALL: usize = 64;
/// How long a block of compare-and-sets is tried.
const BLOCK: usize = 64;

/// Something that can be done next: the number of a process, of a process whose next operation is left out, or
/// of a class of free operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    Take(u32),
    Skip(u32),
    Free(u32),
}

/// A move, and the state of its object afterwards.
#[derive(Clone, Copy, Debug)]
struct Choice {
    taken: Move,
    after: u32,
    /// The less, the sooner it is tried.
    rank: (u32, u32),
}

/// How long the trail and the order were.
#[derive(Clone, Copy, Debug)]
struct Mark {
    trail: usize,
    order: usize,
}

/// A configuration with several choices.
#[derive(Clone, Copy, Debug)]
struct Frame {
    mark: Mark,
    /// Where its choices begin, and the next one to try.
    first: usize,
    next: usize,
}

/// A free operation that was taken and that nothing has noticed yet.
#[derive(Clone, Copy, Debug)]
struct Bare {
    part: u32,
    before: u32,
    trail: usize,
}

/// Where a way led.
enum End {
    Order,
    Nowhere,
    Split,
    Stopped(Stop),
    /// Nothing leads anywhere.
    Refuted,
}

/// A search under way.
pub(super) struct Search<'a, M: Model> {
    model: &'a M,
    program: &'a Program<'a, M::Op>,
    registers: Option<Registers>,
    forced: Option<Forced>,
    states: States<M::State>,
    nodes: Nodes,
    memo: Memo,
    /// The next entry of each process, then the state of each part.
    now: Vector,
    /// How many of each class were used.
    used: Vector,
    /// How many of each class may have been.
    open: Vec<u32>,
    /// How many entries are left that must be taken.
    left: usize,
    fewest_left: usize,
    /// Numbers that changed, and what they were.
    trail: Vec<(u32, u32)>,
    /// What was taken: entries, or classes of free entries.
    order: Vec<Move>,
    choices: Vec<Choice>,
    frames: Vec<Frame>,
    outcomes: Vec<M::State>,
    steps: u64,
    /// How many configurations with one choice there were.
    singles: u64,
}

impl<'a, M: Model> Search<'a, M> {
    /// Decides whether a program has an order.
    pub(super) fn decide(
        model: &'a M,
        program: &'a Program<'a, M::Op>,
        limits: &Limits<'_>,
    ) -> Finding {
        let mut search = Self::new(model, program);
        let all = search.left;
        let answer = search.run(limits);
        Finding {
            answer,
            steps: search.steps,
            explained: (all - search.fewest_left) as u64,
        }
    }

    fn new(model: &'a M, program: &'a Program<'a, M::Op>) -> Self {
        let processes = program.processes();
        let mut states = States::new();
        let initial = states.number(model.initial(), |state| model.heap_bytes(state));
        let mut now = Vector::new(processes + program.parts);
        for (process, &start) in program.starts[..processes].iter().enumerate() {
            now.set(process, start);
        }
        for part in 0..program.parts {
            now.set(processes + part, initial);
        }
        let used = Vector::new(program.classes.len());
        let left = program.entries.iter().filter(|entry| entry.must).count();
        Self {
            model,
            program,
            registers: Registers::of(model, program),
            forced: None,
            states,
            nodes: Nodes::default(),
            memo: Memo::new(used.height()),
            now,
            used,
            open: (0..program.classes.len())
                .map(|class| program.unbound(class))
                .collect(),
            left,
            fewest_left: left,
            trail: Vec::new(),
            order: Vec::new(),
            choices: Vec::new(),
            frames: Vec::new(),
            outcomes: Vec::new(),
            steps: 0,
            singles: 0,
        }
    }

    fn run(&mut self, limits: &Limits<'_>) -> Answer {
        if let Some(stop) = self.look(limits) {
            return Answer::Stopped(stop);
        }
        if self.registers.as_ref().is_some_and(Registers::hopeless) {
            return Answer::Impossible;
        }
        for process in 0..self.program.processes() {
            self.read_on(process as u32);
        }
        let mut bare = None;
        loop {
            match self.go_on(bare, limits) {
                End::Order => return Answer::Order(self.witness()),
                End::Stopped(stop) => return Answer::Stopped(stop),
                End::Refuted => return Answer::Impossible,
                End::Nowhere | End::Split => {}
            }
            let Some(choice) = self.next_choice() else {
                return Answer::Impossible;
            };
            bare = self.apply(choice.taken, choice.after);
        }
    }

    /// Goes on until there is something to decide.
    fn go_on(&mut self, mut bare: Option<Bare>, limits: &Limits<'_>) -> End {
        loop {
            if let Some(stop) = self.stop(limits) {
                return End::Stopped(stop);
            }
            if self.steps == self.patience() && self.is_refuted(limits) {
                return End::Refuted;
            }
            while self.skip_unseen() || self.take_block() {}
            self.fewest_left = self.fewest_left.min(self.left);
            if self.left == 0 {
                return End::Order;
            }
            let first = self.choices.len();
            self.gather(bare.filter(|bare| bare.trail == self.trail.len()));
            let choices = self.choices.len() - first;
            let forced = choices == 1;
            self.singles += u64::from(forced);
            let passed = forced && !self.singles.is_multiple_of(FORCED_A_MEMORY);
            if choices == 0 || (!passed && !self.remember()) {
                self.choices.truncate(first);
                return End::Nowhere;
            }
            if forced {
                let choice = self.choices[first];
                self.choices.truncate(first);
                bare = self.apply(choice.taken, choice.after);
                continue;
            }
            self.frames.push(Frame {
                mark: self.mark(),
                first,
                next: first,
            });
            return End::Split;
        }
    }

    /// After how many steps it is worth finding out what must come before what. Where nothing needs to be
    /// tried the search ends sooner. At once if the program is small.
    fn patience(&self) -> u64 {
        2 * self.program.entries.len().saturating_sub(SMALL) as u64 + 1
    }

    /// Finds out what must come before what at all. Whether that refutes everything.
    fn is_refuted(&mut self, limits: &Limits<'_>) -> bool {
        let registers = Registers::of(self.model, self.program);
        let budget = limits.budget;
        self.forced = registers.and_then(|all| Forced::of(self.program, &all, budget));
        self.forced.as_ref().is_some_and(|forced| forced.impossible)
    }

    fn mark(&self) -> Mark {
        Mark {
            trail: self.trail.len(),
            order: self.order.len(),
        }
    }

    /// Goes back to the last configuration with a choice that was not tried.
    fn next_choice(&mut self) -> Option<Choice> {
        loop {
            let frame = self.frames.last_mut()?;
            let (mark, first, next) = (frame.mark, frame.first, frame.next);
            frame.next += 1;
            self.go_back(mark);
            if let Some(&choice) = self.choices.get(next) {
                return Some(choice);
            }
            self.choices.truncate(first);
            self.frames.pop();
        }
    }

    fn remember(&mut self) -> bool {
        let exact = self.now.root(&mut self.nodes);
        let debt = self.used.root(&mut self.nodes);
        self.memo.insert(exact, debt, &self.nodes)
    }
}

/// Moving, and going back.
impl<M: Model> Search<'_, M> {
    /// The next entry of a process.
    fn head(&self, process: u32) -> Option<u32> {
        let entry = self.now.get(process as usize);
        (entry < self.program.starts[process as usize + 1]).then_some(entry)
    }

    fn slot(&self, part: u32) -> usize {
        self.program.processes() + part as usize
    }

    fn state(&self, part: u32) -> u32 {
        self.now.get(self.slot(part))
    }

    fn set(&mut self, slot: usize, number: u32) {
        self.trail.push((slot as u32, self.now.get(slot)));
        self.now.set(slot, number);
    }

    /// A process passes its next entry.
    fn pass(&mut self, process: u32, entry: u32) {
        self.set(process as usize, entry + 1);
        self.left -= usize::from(self.program.entries[entry as usize].must);
        for &(_, class) in self.program.unlocked(entry) {
            self.open[class as usize] += 1;
        }
        if let Some(registers) = &mut self.registers {
            registers.leave(entry);
        }
    }

    /// A register has the value that an entry sets.
    fn put(&mut self, part: u32, entry: u32) {
        if let Some(registers) = &mut self.registers
            && let Some(set) = registers.deed(entry).sets()
        {
            let slots = self.program.processes() + self.program.parts + self.open.len();
            self.trail
                .push(((slots + part as usize) as u32, registers.present(part)));
            registers.put(part, set);
        }
    }

    fn go_back(&mut self, mark: Mark) {
        self.order.truncate(mark.order);
        let slots = self.program.processes() + self.program.parts;
        while self.trail.len() > mark.trail {
            let Some((slot, before)) = self.trail.pop() else {
                return;
            };
            let slot = slot as usize;
            if slot >= slots + self.open.len() {
                if let Some(registers) = &mut self.registers {
                    registers.put((slot - slots - self.open.len()) as u32, before);
                }
                continue;
            }
            if slot >= slots {
                let class = slot - slots;
                self.used.set(class, before);
                if let Some(registers) = &mut self.registers {
                    registers.come_back(self.program.classes[class][0]);
                }
                continue;
            }
            self.now.set(slot, before);
            if slot < self.program.processes() {
                self.unpass(before);
            }
        }
    }

    fn unpass(&mut self, entry: u32) {
        self.left += usize::from(self.program.entries[entry as usize].must);
        for &(_, class) in self.program.unlocked(entry) {
            self.open[class as usize] -= 1;
        }
        if let Some(registers) = &mut self.registers {
            registers.come_back(entry);
        }
    }

    /// Makes a move, and takes the reads that agree with what it made. Tells of a free operation that none of
    /// them noticed.
    fn apply(&mut self, taken: Move, after: u32) -> Option<Bare> {
        let entry = self.entry(taken)?;
        let part = self.program.entries[entry as usize].part;
        let before = self.state(part);
        self.order.push(taken);
        match taken {
            Move::Skip(process) => {
                self.pass(process, entry);
                self.read_on(process);
                return None;
            }
            Move::Take(process) => self.pass(process, entry),
            Move::Free(class) => {
                let slots = self.program.processes() + self.program.parts;
                let used = self.used.get(class as usize);
                self.trail.push(((slots + class as usize) as u32, used));
                self.used.set(class as usize, used + 1);
                if let Some(registers) = &mut self.registers {
                    registers.leave(entry);
                }
            }
        }
        if after != before {
            self.set(self.slot(part), after);
            self.put(part, entry);
        }
        let trail = self.trail.len();
        self.read_all(part, taken);
        let bare = matches!(taken, Move::Free(_)) && self.trail.len() == trail;
        bare.then_some(Bare {
            part,
            before,
            trail,
        })
    }

    /// Takes the reads that agree with the state of a part, and those that a process came to.
    fn read_all(&mut self, part: u32, taken: Move) {
        for process in 0..self.program.processes() as u32 {
            let concerned = |entry: u32| self.program.entries[entry as usize].part == part;
            if taken == Move::Take(process) || self.head(process).is_some_and(concerned) {
                self.read_on(process);
            }
        }
    }

    /// A process takes all reads that agree.
    fn read_on(&mut self, process: u32) {
        while let Some(entry) = self.head(process) {
            let at = &self.program.entries[entry as usize];
            if !at.read || self.allowed(self.state(at.part), entry).is_none() {
                return;
            }
            self.pass(process, entry);
            self.order.push(Move::Take(process));
        }
    }

    fn allowed(&self, state: u32, entry: u32) -> Option<M::State> {
        let op = self.program.entries[entry as usize].op;
        self.model.step(self.states.get(state), op)
    }

    /// The entry that a move concerns; of a class any, because all do the same.
    fn entry(&self, of: Move) -> Option<u32> {
        match of {
            Move::Take(process) | Move::Skip(process) => self.head(process),
            Move::Free(class) => {
                let class = class as usize;
                (self.used.get(class) < self.open[class]).then(|| self.program.classes[class][0])
            }
        }
    }

    /// All moves that take an operation.
    fn moves(&self) -> impl Iterator<Item = Move> + use<M> {
        let processes = (0..self.program.processes() as u32).map(Move::Take);
        processes.chain((0..self.program.classes.len() as u32).map(Move::Free))
    }

    /// The operations in the order that was found.
    fn witness(&self) -> Vec<u32> {
        let mut next: Vec<u32> = self.program.starts.clone();
        let mut unused: Vec<Vec<u32>> = self.program.classes.clone();
        let mut order = Vec::with_capacity(self.order.len());
        let entries = &self.program.entries;
        for &taken in &self.order {
            let entry = match taken {
                Move::Take(process) | Move::Skip(process) => {
                    next[process as usize] += 1;
                    next[process as usize] - 1
                }
                Move::Free(class) => {
                    let came = |free: &u32| {
                        self.program.after(*free).is_none_or(|after| {
                            let process = self.program.starts.partition_point(|&s| s <= after) - 1;
                            after < next[process]
                        })
                    };
                    let class = &mut unused[class as usize];
                    let Some(at) = class.iter().position(came) else {
                        continue;
                    };
                    class.remove(at)
                }
            };
            if !matches!(taken, Move::Skip(_)) {
                order.push(entries[entry as usize].operation);
            }
        }
        order
    }
}

/// What can be done next.
impl<M: Model> Search<'_, M> {
    /// Lists the choices, the one to try first at the front.
    fn gather(&mut self, bare: Option<Bare>) {
        let first = self.choices.len();
        for taken in self.moves() {
            let Some(entry) = self.entry(taken) else {
                continue;
            };
            let at = &self.program.entries[entry as usize];
            if bare.is_none_or(|bare| bare.part == at.part) {
                self.offer(taken, entry, bare);
            }
            if let (Move::Take(process), false, None) = (taken, at.must, bare)
                && !self
                    .registers
                    .as_ref()
                    .is_some_and(|r| r.indispensable(entry))
            {
                self.choices.push(Choice {
                    taken: Move::Skip(process),
                    after: 0,
                    rank: (2, at.operation),
                });
            }
        }
        if self.choices.len() > first + 1 {
            self.sort(first);
        }
    }

    /// Lists every outcome of an operation that leads anywhere.
    fn offer(&mut self, taken: Move, entry: u32, bare: Option<Bare>) {
        let at = &self.program.entries[entry as usize];
        let before = self.state(at.part);
        let registers = self.registers.as_ref();
        if registers.is_some_and(|registers| registers.destroys(entry)) {
            return;
        }
        let come = |process| self.now.get(process);
        if self
            .forced
            .as_ref()
            .is_some_and(|forced| !forced.ready(entry, come))
        {
            return;
        }
        let mut outcomes = std::mem::take(&mut self.outcomes);
        self.model
            .outcomes(self.states.get(before), at.op, &mut outcomes);
        let hidden = bare.map_or(Vec::new(), |bare| {
            let mut without = Vec::new();
            self.model
                .outcomes(self.states.get(bare.before), at.op, &mut without);
            without
        });
        for state in outcomes.drain(..) {
            if hidden.contains(&state) {
                continue;
            }
            let after = self
                .states
                .number(state, |state| self.model.heap_bytes(state));
            if after != before || at.must {
                self.choices.push(Choice {
                    taken,
                    after,
                    rank: (0, at.operation),
                });
            }
        }
        self.outcomes = outcomes;
    }

    fn sort(&mut self, first: usize) {
        let mut waiting: Vec<(u32, u32)> = Vec::new();
        for process in 0..self.program.processes() as u32 {
            let Some(entry) = self.head(process) else {
                continue;
            };
            let part = self.program.entries[entry as usize].part;
            if self.allowed(self.state(part), entry).is_none() {
                waiting.push((part, entry));
            }
        }
        for at in first..self.choices.len() {
            let Choice { taken, after, .. } = self.choices[at];
            if let Move::Skip(_) = taken {
                continue;
            }
            let Some(entry) = self.entry(taken) else {
                continue;
            };
            let at_entry = &self.program.entries[entry as usize];
            let helped = waiting.iter().any(|&(part, entry)| {
                part == at_entry.part && self.allowed(after, entry).is_some()
            });
            let rank = match (helped, at_entry.must) {
                (true, true) => 0,
                (false, true) => 1,
                (true, false) => 2,
                (false, false) => 3,
            };
            self.choices[at].rank.0 = rank;
        }
        self.choices[first..].sort_by_key(|choice| choice.rank);
    }
}

/// What is known of registers.
impl<M: Model> Search<'_, M> {
    /// Leaves out an operation that need not have happened and that nothing left could notice.
    fn skip_unseen(&mut self) -> bool {
        let Some(registers) = &self.registers else {
            return false;
        };
        let unseen = |process: &u32| {
            self.head(*process).is_some_and(|entry| {
                let at = &self.program.entries[entry as usize];
                let sets = registers.deed(entry).sets();
                !at.must && sets.is_some_and(|set| !registers.alive(at.part, set))
            })
        };
        let found = (0..self.program.processes() as u32).find(unseen);
        if let Some(process) = found {
            self.apply(Move::Skip(process), 0);
        }
        found.is_some()
    }

    /// Takes a write with all that can find its value, if that is right whatever comes after.
    fn take_block(&mut self) -> bool {
        if self.registers.is_none() {
            return false;
        }
        let mark = self.mark();
        for taken in self.moves() {
            let Some(part) = self.begins_block(taken) else {
                continue;
            };
            if self.make(taken) && self.ends_block(part) {
                return true;
            }
            self.go_back(mark);
        }
        false
    }

    /// The register of a block that a move begins.
    fn begins_block(&self, taken: Move) -> Option<u32> {
        let registers = self.registers.as_ref()?;
        let entry = self.entry(taken)?;
        let at = &self.program.entries[entry as usize];
        let Deed::Set(set) = registers.deed(entry) else {
            return None;
        };
        let needed = at.must || registers.hangs_on_one(set);
        (needed && !registers.noticed(at.part)).then_some(at.part)
    }

    /// Makes a move, if the model allows it.
    fn make(&mut self, taken: Move) -> bool {
        let Some(entry) = self.entry(taken) else {
            return false;
        };
        let part = self.program.entries[entry as usize].part;
        let Some(state) = self.allowed(self.state(part), entry) else {
            return false;
        };
        let after = self
            .states
            .number(state, |state| self.model.heap_bytes(state));
        self.apply(taken, after);
        true
    }

    /// Follows compare-and-sets from the present value, to one that nothing left could notice.
    fn ends_block(&mut self, part: u32) -> bool {
        for _ in 0..BLOCK {
            let Some(registers) = &self.registers else {
                return false;
            };
            if !registers.noticed(part) {
                return true;
            }
            let found = registers.present(part);
            let goes_on = |process: &u32| {
                self.head(*process).is_some_and(|entry| {
                    let from = matches!(registers.deed(entry), Deed::Swap(old, _) if old == found);
                    from && self.program.entries[entry as usize].must
                })
            };
            let next = (0..self.program.processes() as u32).find(goes_on);
            let made = next.is_some_and(|process| self.make(Move::Take(process)));
            let alive = |registers: &Registers| registers.alive(part, found);
            if !made || self.registers.as_ref().is_none_or(alive) {
                return false;
            }
        }
        false
    }
}

/// Bounds.
impl<M: Model> Search<'_, M> {
    fn stop(&mut self, limits: &Limits<'_>) -> Option<Stop> {
        self.steps += 1;
        if self.steps > limits.steps {
            return Some(Stop::Steps);
        }
        let growth = self.growth();
        if growth > 0 && self.bytes() + growth + limits.held > limits.budget.bytes() {
            return Some(Stop::Memory);
        }
        if self.steps.is_multiple_of(STEPS_A_LOOK) {
            return self.look(limits);
        }
        None
    }

    fn look(&self, limits: &Limits<'_>) -> Option<Stop> {
        if limits.budget.is_over() {
            return Some(Stop::Time);
        }
        let bytes = self.bytes().saturating_add(limits.held);
        (bytes > limits.budget.bytes()).then_some(Stop::Memory)
    }

    fn bytes(&self) -> usize {
        self.states.bytes()
            + self.nodes.bytes()
            + self.memo.bytes()
            + self.now.bytes()
            + self.used.bytes()
            + self.registers.as_ref().map_or(0, Registers::bytes)
            + self.forced.as_ref().map_or(0, Forced::bytes)
            + self.open.capacity() * 4
            + self.trail.capacity() * 8
            + self.order.capacity() * size_of::<Move>()
            + self.choices.capacity() * size_of::<Choice>()
            + self.frames.capacity() * size_of::<Frame>()
    }

    /// What the next step may add while lists move to larger places.
    fn growth(&self) -> usize {
        let ways = self.program.processes() + self.program.classes.len();
        let nodes = 4 * (self.now.height() + self.used.height());
        self.states.growth(ways)
            + self.nodes.growth(nodes)
            + self.memo.growth(&self.nodes, nodes)
            + list_growth(&self.trail, 2 * ways)
            + list_growth(&self.order, ways)
            + list_growth(&self.choices, 2 * ways)
            + list_growth(&self.frames, 1)
    }
}
