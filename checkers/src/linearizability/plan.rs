//! What a search needs to know of the calls of one part before it begins: which completions it passes, in
//! what order, and what is running at each of them.
//!
//! Only what runs takes room in a configuration. A call that ends gives its bit to a later one, so a
//! configuration grows with the number of clients and of calls that never completed, not with the history.

use rustc_hash::FxHashMap;

use super::calls::{Call, NEVER};
use crate::Model;

/// What a call is to the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// It happened and may have changed the state.
    Effect,
    /// It happened and changed nothing.
    Read,
    /// It may have happened, and if so before it completed.
    Optional,
    /// It may have happened at any time after its invocation.
    Free,
    /// Nobody can tell whether it happened.
    Idle,
}

/// Where a configuration says whether a call was taken: a word and a bit of it. For a read, where it says
/// that the read is still owed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mark {
    pub(crate) word: u32,
    pub(crate) mask: u64,
}

/// Lists one after another.
#[derive(Debug, Default)]
struct Lists {
    items: Vec<u32>,
    starts: Vec<u32>,
}

impl Lists {
    fn push(&mut self, items: &[u32]) {
        self.starts.push(self.items.len() as u32);
        self.items.extend_from_slice(items);
    }

    fn get(&self, at: usize) -> &[u32] {
        let end = self
            .starts
            .get(at + 1)
            .map_or(self.items.len(), |&end| end as usize);
        &self.items[self.starts[at] as usize..end]
    }

    fn bytes(&self) -> usize {
        (self.items.capacity() + self.starts.capacity()) * 4
    }
}

/// The calls of a part as a search goes through them. An *event* is the completion of a call that
/// completed, numbered from 0 in the order of the history.
#[derive(Debug)]
pub(crate) struct Plan {
    roles: Vec<Role>,
    marks: Vec<Mark>,
    /// The call that completes at each event, up to the last one that must have happened.
    ends: Vec<u32>,
    /// Effects and optional calls that run at each event: those that must happen first, each kind in the
    /// order of completion.
    effects: Lists,
    /// Reads that run at each event.
    reads: Lists,
    /// Reads that were invoked since the event before.
    fresh: Lists,
    /// Free calls in classes of equal operations, each in the order of invocation. Which of a class is
    /// taken makes no difference, so the oldest is.
    classes: Vec<Vec<u32>>,
    /// How many words of a configuration must be equal, and how many are its debt.
    pub(crate) exact: usize,
    pub(crate) debt: usize,
}

impl Plan {
    pub(crate) fn new<M: Model>(model: &M, calls: &[Call<M::Op>]) -> Self {
        let roles = roles(model, calls);
        let mut plan = Self {
            marks: vec![Mark::default(); calls.len()],
            ends: ends(calls, &roles),
            effects: Lists::default(),
            reads: Lists::default(),
            fresh: Lists::default(),
            classes: classes(calls, &roles),
            exact: 0,
            debt: 0,
            roles,
        };
        plan.sweep(calls);
        plan
    }

    pub(crate) fn events(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn end(&self, event: usize) -> u32 {
        self.ends[event]
    }

    pub(crate) fn role(&self, call: u32) -> Role {
        self.roles[call as usize]
    }

    pub(crate) fn mark(&self, call: u32) -> Mark {
        self.marks[call as usize]
    }

    pub(crate) fn effects(&self, event: usize) -> &[u32] {
        self.effects.get(event)
    }

    pub(crate) fn reads(&self, event: usize) -> &[u32] {
        self.reads.get(event)
    }

    pub(crate) fn fresh(&self, event: usize) -> &[u32] {
        self.fresh.get(event)
    }

    pub(crate) fn class(&self, number: usize) -> Option<&[u32]> {
        self.classes.get(number).map(Vec::as_slice)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.roles.capacity()
            + self.marks.capacity() * size_of::<Mark>()
            + self.ends.capacity() * 4
            + self.effects.bytes()
            + self.reads.bytes()
            + self.fresh.bytes()
            + self
                .classes
                .iter()
                .map(|class| class.capacity() * 4 + 24)
                .sum::<usize>()
    }

    /// Goes through the events, gives every call its mark, and notes what runs when.
    fn sweep<O>(&mut self, calls: &[Call<O>]) {
        let mut running = Running::default();
        let free = self.classes.iter().map(Vec::len).sum();
        running.owed.next = free;
        let mut fresh = Vec::new();
        let mut invoked = 0;
        for event in 0..self.ends.len() {
            let end = self.ends[event];
            let row = calls[end as usize].completed;
            fresh.clear();
            while invoked < calls.len() && calls[invoked].invoked < row {
                let call = invoked as u32;
                if self.roles[invoked] == Role::Read {
                    fresh.push(call);
                }
                self.marks[invoked] = running.start(call, self.roles[invoked], calls);
                invoked += 1;
            }
            self.effects.push(&running.effects);
            self.reads.push(&running.reads);
            self.fresh.push(&fresh);
            running.stop(end, self.roles[end as usize], self.marks[end as usize]);
        }
        self.lay_out(running.taken.next, running.owed.next);
    }

    /// Turns numbers of slots into words and bits: the first word is event and state, then come the taken
    /// effects, then the debt with the free calls first.
    fn lay_out(&mut self, taken: usize, owed: usize) {
        self.exact = 1 + taken.div_ceil(64);
        self.debt = owed.div_ceil(64);
        for (number, &call) in self.classes.iter().flatten().enumerate() {
            self.marks[call as usize].word = number as u32;
        }
        for (mark, role) in self.marks.iter_mut().zip(&self.roles) {
            let base = match role {
                Role::Effect => 1,
                _ => self.exact,
            };
            let slot = mark.word as usize;
            *mark = Mark {
                word: (base + slot / 64) as u32,
                mask: 1 << (slot % 64),
            };
        }
    }
}

/// Slots of which the lowest free one is given out.
#[derive(Debug, Default)]
struct Slots {
    free: Vec<usize>,
    next: usize,
}

impl Slots {
    fn take(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.next += 1;
            self.next - 1
        })
    }
}

/// What runs at a moment of the sweep.
#[derive(Debug, Default)]
struct Running {
    effects: Vec<u32>,
    reads: Vec<u32>,
    taken: Slots,
    owed: Slots,
}

impl Running {
    /// Notes that a call runs, and returns its slot where a mark has its word.
    fn start<O>(&mut self, call: u32, role: Role, calls: &[Call<O>]) -> Mark {
        let rank = |call: u32| {
            let call = &calls[call as usize];
            (!call.must, call.completed)
        };
        let slot = match role {
            Role::Effect | Role::Optional => {
                let at = self
                    .effects
                    .partition_point(|&other| rank(other) < rank(call));
                self.effects.insert(at, call);
                match role {
                    Role::Effect => self.taken.take(),
                    _ => self.owed.take(),
                }
            }
            Role::Read => {
                self.reads.push(call);
                self.owed.take()
            }
            Role::Free | Role::Idle => 0,
        };
        Mark {
            word: slot as u32,
            mask: 0,
        }
    }

    fn stop(&mut self, call: u32, role: Role, mark: Mark) {
        let (list, slots) = match role {
            Role::Effect => (&mut self.effects, &mut self.taken),
            Role::Optional => (&mut self.effects, &mut self.owed),
            _ => (&mut self.reads, &mut self.owed),
        };
        list.retain(|&other| other != call);
        slots.free.push(mark.word as usize);
    }
}

fn roles<M: Model>(model: &M, calls: &[Call<M::Op>]) -> Vec<Role> {
    let role = |call: &Call<M::Op>| match (model.is_read(&call.op), call.must) {
        (true, true) => Role::Read,
        (true, false) => Role::Idle,
        (false, true) => Role::Effect,
        (false, false) if call.completed == NEVER => Role::Free,
        (false, false) => Role::Optional,
    };
    let mut roles: Vec<Role> = calls.iter().map(role).collect();
    let judged: Vec<usize> = (0..calls.len())
        .filter(|&at| roles[at] != Role::Idle)
        .collect();
    let ops: Vec<&M::Op> = judged.iter().map(|&at| &calls[at].op).collect();
    let must: Vec<bool> = judged.iter().map(|&at| calls[at].must).collect();
    for (at, idle) in judged.into_iter().zip(model.idle(&ops, &must)) {
        if idle && !calls[at].must {
            roles[at] = Role::Idle;
        }
    }
    roles
}

fn ends<O>(calls: &[Call<O>], roles: &[Role]) -> Vec<u32> {
    let bounded = |call: &u32| !matches!(roles[*call as usize], Role::Free | Role::Idle);
    let mut ends: Vec<u32> = (0..calls.len() as u32).filter(bounded).collect();
    ends.sort_unstable_by_key(|&call| calls[call as usize].completed);
    let needed = ends.iter().rposition(|&call| calls[call as usize].must);
    ends.truncate(needed.map_or(0, |last| last + 1));
    ends
}

fn classes<O: Eq + std::hash::Hash>(calls: &[Call<O>], roles: &[Role]) -> Vec<Vec<u32>> {
    let mut numbers: FxHashMap<&O, usize> = FxHashMap::default();
    let mut classes: Vec<Vec<u32>> = Vec::new();
    for (number, call) in calls.iter().enumerate() {
        if roles[number] != Role::Free {
            continue;
        }
        let class = *numbers.entry(&call.op).or_insert(classes.len());
        if class == classes.len() {
            classes.push(Vec::new());
        }
        classes[class].push(number as u32);
    }
    classes
}
