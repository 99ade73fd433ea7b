//! The operations of one object as the log-linear algorithms read them.

use crate::linearizability::calls::{Call, NEVER};
use crate::theory::{Theory, View};
use crate::{Id, Model};

/// What an operation did, with the number of its value in [`Fact::value`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Act {
    Put,
    See,
    Miss,
    Take,
    Empty,
    /// It may have taken something out.
    TakeAny,
    /// It saw all elements: the list of this number.
    All,
    /// It cannot happen.
    Never,
}

/// One operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fact {
    pub(crate) act: Act,
    /// Whether it happened; otherwise it may have.
    pub(crate) must: bool,
    /// The number of its value, or of its list.
    pub(crate) value: u32,
    /// The event that invoked it, counted from 1.
    pub(crate) from: u32,
    /// The event that completed it, or [`NEVER`].
    pub(crate) to: u32,
    /// Its place among the calls.
    pub(crate) call: u32,
}

impl Fact {
    /// The last gap in which it can take effect; before [`NEVER`] there is no last.
    pub(crate) fn last(&self) -> u32 {
        self.to - 1
    }
}

/// The operations of one object, in the order of invocation.
#[derive(Clone, Debug)]
pub(crate) struct Facts<'a> {
    pub(crate) list: Vec<Fact>,
    /// How many numbers there are for values; those that appear are below.
    pub(crate) values: usize,
    /// How many events there are; gaps go from 0 to this.
    pub(crate) events: u32,
    /// Whether taking is done by name, so that what was taken is known before it completed.
    removes: bool,
    /// What reads of everything saw.
    pub(crate) lists: Vec<&'a [Id]>,
    /// Where values are numbered by rank: all of them, ascending.
    ranks: Vec<u64>,
}

impl<'a> Facts<'a> {
    /// Reads the calls, which are in the order of invocation. None if one of them is beyond the theory.
    pub(crate) fn new<M: Model>(
        model: &M,
        theory: Theory,
        calls: &'a [Call<M::Op>],
    ) -> Option<Self> {
        let mut numbers = Vec::with_capacity(calls.len());
        let mut lists = Vec::new();
        let mut direction = Direction::default();
        for call in calls {
            let view = model.view(&call.op);
            numbers.push(act(theory, view, call.must, &mut lists, &mut direction)?);
        }
        let mirrored = direction.mirrored()?;
        let mut facts = Self {
            removes: theory == Theory::Set,
            lists,
            ..Self::given(Vec::with_capacity(calls.len()), 0, 0)
        };
        let ranked = facts.number(theory, mirrored, &numbers);
        for (at, ((act, value), call)) in numbers.into_iter().zip(calls).enumerate() {
            if !call.must && !matches!(act, Act::Put | Act::Take | Act::TakeAny) {
                continue;
            }
            let value = match act {
                Act::Put | Act::See | Act::Miss | Act::Take => match ranked.get(at) {
                    Some(&rank) => rank,
                    None => facts.dense(if mirrored { !value } else { value }),
                },
                _ => value as u32,
            };
            facts.list.push(Fact {
                act,
                must: call.must,
                value,
                from: call.invoked,
                to: call.completed,
                call: at as u32,
            });
        }
        facts.count_events();
        Some(facts)
    }

    /// These facts, whose events are counted anew.
    pub(crate) fn counted(list: Vec<Fact>, values: usize) -> Self {
        let mut facts = Self::given(list, values, 0);
        facts.count_events();
        facts
    }

    /// These facts, with so many values and events.
    pub(crate) fn given(list: Vec<Fact>, values: usize, events: u32) -> Self {
        Self {
            list,
            values,
            events,
            removes: false,
            lists: Vec::new(),
            ranks: Vec::new(),
        }
    }

    /// Decides how values are numbered: as they are if that wastes little room, else by rank. Priorities are
    /// ranked all at once, which gives the rank of each operation's value.
    fn number(&mut self, theory: Theory, mirrored: bool, numbers: &[(Act, u64)]) -> Vec<u32> {
        let has_value =
            |&&(act, _): &&(Act, u64)| matches!(act, Act::Put | Act::See | Act::Miss | Act::Take);
        let of = |&(_, value): &(Act, u64)| if mirrored { !value } else { value };
        if theory == Theory::PriorityQueue {
            let valued = (0..).zip(numbers).filter(|(_, number)| has_value(number));
            let by_value = valued.map(|(at, number)| (of(number), at)).collect();
            return self.rank(by_value, numbers.len());
        }
        let initial = match theory {
            Theory::Register { initial } => Some(initial),
            _ => None,
        };
        let elements = || {
            self.lists
                .iter()
                .copied()
                .flatten()
                .map(|id| u64::from(id.0))
        };
        let all = || numbers.iter().filter(has_value).map(of).chain(initial);
        let count = numbers.len() + self.lists.iter().map(|list| list.len()).sum::<usize>();
        let most = all().chain(elements()).max().unwrap_or(0);
        if most <= 8 * count as u64 + 64 {
            self.values = most as usize + 1;
            return Vec::new();
        }
        let mut ranks: Vec<u64> = all().chain(elements()).collect();
        ranks.sort_unstable();
        ranks.dedup();
        self.values = ranks.len();
        self.ranks = ranks;
        Vec::new()
    }

    /// Numbers values by rank, each given with the place of its operation. Returns the rank by place.
    fn rank(&mut self, mut by_value: Vec<(u64, u32)>, places: usize) -> Vec<u32> {
        by_value.sort_unstable();
        let mut ranked = vec![0; places];
        for (value, at) in by_value {
            if self.ranks.last() != Some(&value) {
                self.ranks.push(value);
            }
            ranked[at as usize] = self.ranks.len() as u32 - 1;
        }
        self.values = self.ranks.len();
        ranked
    }

    /// The number of a value.
    pub(crate) fn dense(&self, value: u64) -> u32 {
        if self.ranks.is_empty() {
            return value as u32;
        }
        self.ranks.partition_point(|&other| other < value) as u32
    }

    /// The value of a number.
    pub(crate) fn original(&self, dense: u32) -> u64 {
        self.ranks
            .get(dense as usize)
            .copied()
            .unwrap_or(u64::from(dense))
    }

    /// Numbers the events from 1 without gaps. Calls of one object among many lie far apart; those of a
    /// single object do not, and keep the distance they have.
    fn count_events(&mut self) {
        let ends = || {
            self.list
                .iter()
                .map(|fact| fact.to)
                .filter(|&to| to != NEVER)
        };
        let last = self
            .list
            .last()
            .map_or(0, |fact| fact.from)
            .max(ends().max().unwrap_or(0));
        if u64::from(last) <= 4 * self.list.len() as u64 {
            for fact in &mut self.list {
                fact.from += 1;
                fact.to = fact.to.saturating_add(1);
            }
            self.events = last + 1;
            return;
        }
        let mut ends: Vec<(u32, u32)> = (0..)
            .zip(&self.list)
            .filter(|(_, fact)| fact.to != NEVER)
            .map(|(at, fact)| (fact.to, at))
            .collect();
        ends.sort_unstable();
        let mut ends = ends.into_iter().peekable();
        let mut event = 0;
        for at in 0..self.list.len() {
            let from = self.list[at].from;
            while let Some((_, ended)) = ends.next_if(|end| end.0 < from) {
                event += 1;
                self.list[ended as usize].to = event;
            }
            event += 1;
            self.list[at].from = event;
        }
        for (_, ended) in ends {
            event += 1;
            self.list[ended as usize].to = event;
        }
        self.events = event;
    }

    /// What was known after this event: what had not completed may have happened, and what it saw or took
    /// nobody knows.
    pub(crate) fn until(&self, event: u32) -> Self {
        let known = |fact: &Fact| {
            let mut fact = *fact;
            if fact.to > event {
                fact.must = false;
                fact.to = NEVER;
                fact.act = match fact.act {
                    Act::Put => Act::Put,
                    Act::Take if self.removes => Act::Take,
                    Act::Take | Act::Empty | Act::TakeAny => Act::TakeAny,
                    Act::See | Act::Miss | Act::All | Act::Never => return None,
                };
            }
            (fact.from <= event).then_some(fact)
        };
        Self {
            list: self.list.iter().filter_map(known).collect(),
            values: self.values,
            events: self.events,
            removes: self.removes,
            lists: self.lists.clone(),
            ranks: self.ranks.clone(),
        }
    }

    /// The last completion, until a later event, of an operation that ran at this event and took something, or
    /// nothing, of which one knew only when it completed; and its call.
    pub(crate) fn late(&self, event: u32, until: u32) -> Option<(u32, u32)> {
        let takes = |act| match act {
            Act::Take => !self.removes,
            Act::Empty => true,
            _ => false,
        };
        let ran =
            |fact: &&Fact| fact.must && fact.from <= event && event < fact.to && fact.to <= until;
        let late = self.list.iter().filter(|fact| takes(fact.act));
        late.filter(ran).map(|fact| (fact.to, fact.call)).max()
    }

    /// What one value sees of the history: who put it and who took it.
    pub(crate) fn by_value(&self) -> Vec<Life> {
        let mut lives = vec![Life::default(); self.values.max(1)];
        for (at, fact) in self.list.iter().enumerate() {
            let at = Some(at as u32);
            match fact.act {
                Act::Put => {
                    let life = &mut lives[fact.value as usize];
                    life.again |= life.put.is_some();
                    life.put = life.put.or(at);
                }
                Act::Take => {
                    let life = &mut lives[fact.value as usize];
                    life.twice = life.take.and(at).or(life.twice);
                    life.take = life.take.or(at);
                }
                _ => {}
            }
        }
        lives
    }
}

/// Who put a value and who took it, by their places in the list of facts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Life {
    pub(crate) put: Option<u32>,
    pub(crate) take: Option<u32>,
    /// Another that took it.
    pub(crate) twice: Option<u32>,
    /// Whether it was put more than once.
    pub(crate) again: bool,
}

/// From which end of a priority queue values are taken.
#[derive(Debug, Default)]
struct Direction {
    greatest: bool,
    least: bool,
}

impl Direction {
    /// Whether the least goes first; None if now one and now the other does.
    fn mirrored(&self) -> Option<bool> {
        (!(self.greatest && self.least)).then_some(self.least)
    }
}

fn act<'a>(
    theory: Theory,
    view: View<'a>,
    must: bool,
    lists: &mut Vec<&'a [Id]>,
    direction: &mut Direction,
) -> Option<(Act, u64)> {
    match view {
        View::Take(_) | View::TakeAny => direction.greatest = true,
        View::TakeLeast(_) | View::TakeAnyLeast => direction.least = true,
        _ => {}
    }
    Some(match view {
        View::Put(value) => (Act::Put, value),
        View::See(value) => (Act::See, value),
        View::Miss(value) => (Act::Miss, value),
        View::Take(value) | View::TakeLeast(value) if must || theory == Theory::Set => {
            (Act::Take, value)
        }
        View::Never => (Act::Never, 0),
        View::Empty => (Act::Empty, 0),
        View::TakeAny | View::TakeAnyLeast if !must => (Act::TakeAny, 0),
        View::All(list) => {
            lists.push(list);
            (Act::All, lists.len() as u64 - 1)
        }
        View::Take(_)
        | View::TakeLeast(_)
        | View::TakeAny
        | View::TakeAnyLeast
        | View::Swap(..)
        | View::Text(_)
        | View::Replace(_)
        | View::Append(_)
        | View::Other => {
            return None;
        }
    })
}
